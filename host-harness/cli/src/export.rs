//! `export`: writes a month's write-offs as files.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{SyncSender, sync_channel};

use domain::{ExportOptions, ExportRow};
use export::register::Acts;
use export::{ExportError, ExportInfo, Job, Manifest, RateTotals};
use indicatif::{ProgressBar, ProgressStyle};
use money::format_amount;
use sandbox::{Export, Provider};
use serde_json::json;

use crate::failure::Failure;
use crate::input::{self, Lines, MerchantArguments};
use crate::named::Named;
use crate::output;

/// How many rows are read, and passed to the sandbox, at a time.
const ROWS_AT_ONCE: usize = 256;
/// How many batches may wait for the provider.
const BATCHES_WAITING_MAX: usize = 8;

/// Exports write-offs as a file, with a manifest beside it (FILE.manifest.json), and a list of what no file can hold where there is any
/// (FILE.left-out.csv): written under other names first, and renamed only when all is whole. Where rows are wrong nothing is written, and
/// the first 100 faults are told, with how many more there are.
///
/// Example: host-harness export chronopay.wasm --settings settings.toml --format enterprise-data-1.17 --options options.json
/// --rows rows.jsonl --out october.xml
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    merchant: MerchantArguments,
    /// One of the formats that `inspect` shows; without it the first of them.
    #[arg(long)]
    format: Option<String>,
    /// A JSON file with the options, such as {"seller": {"kind": "company", "name": "...", "inn": "..."}, "period_start":
    /// "2026-10-01", "period_end": "2026-10-31"}.
    #[arg(long)]
    options: PathBuf,
    /// An option of the format, such as mode=summary-individuals; it takes the place of the file's.
    #[arg(long, value_name = "NAME=VALUE")]
    option: Vec<Named<String>>,
    /// The write-offs, one JSON record a line, or a register in a file whose name ends in .csv; - is standard input.
    #[arg(long)]
    rows: PathBuf,
    /// Sorts the write-offs by account first, through files beside --out where there are many.
    #[arg(long)]
    sort: bool,
    /// Begins another file after so many documents: october.xml becomes october-0001.xml and so on.
    #[arg(long, value_name = "N")]
    documents_per_file: Option<u64>,
    /// Exports even where there are no write-offs at all: a file without documents.
    #[arg(long)]
    allow_empty: bool,
    /// Takes a register whose act_uuid is empty, since no export made it. Then nothing shows what a spreadsheet did to an account.
    #[arg(long)]
    register_without_acts: bool,
    /// The file to make; one that is there is replaced, once the new one is whole.
    #[arg(long)]
    out: PathBuf,
    /// Prints the manifest as JSON.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let provider = arguments.merchant.provider()?;
    let options = arguments.options(&provider)?;
    let about = ExportInfo::new(provider.description(), provider.sha256(), &options);
    let merchant = provider.merchant(arguments.merchant.settings(provider.description())?)?;
    let numbered = options.extra.iter().any(|(name, _)| name == "documents-per-file");
    let mut job = Job::begin(merchant.export_writeoffs(&options)?, &arguments.out, numbered)?;
    arguments.append(&mut job)?;
    let (manifest, before) =
        job.finish(about, arguments.allow_empty)?.commit().map_err(ExportError::<sandbox::Error>::Write)?;
    report(arguments, &manifest, before.as_ref())?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn options(&self, provider: &Provider) -> Result<ExportOptions, Failure> {
        let first = provider.description().export_formats.first();
        let format = self.format.as_ref().or(first).cloned();
        let format = format.ok_or_else(|| Failure::Usage("this provider exports nothing".to_owned()))?;
        let mut options = ExportOptions { format, ..input::record(&self.options)? };
        let mut set = |name: &str, value: &str| {
            options.extra.retain(|(other, _)| other != name);
            options.extra.push((name.to_owned(), value.to_owned()));
        };
        self.option.iter().for_each(|Named { name, value }| set(name, value));
        if let Some(most) = self.documents_per_file {
            set("documents-per-file", &most.to_string());
        }
        Ok(options)
    }

    /// Reads rows on one thread and calls the provider on this one. The files are written on a third.
    fn append(&self, job: &mut Job<Export>) -> Result<(), Failure> {
        let progress = progress(&self.rows);
        let (sender, batches) = sync_channel(BATCHES_WAITING_MAX);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| self.read(&progress, &sender_of(sender)));
            let mut failed = None;
            for batch in batches {
                failed = job.append(batch).err();
                if failed.is_some() {
                    break;
                }
            }
            // Without a receiver the reader ends too. If both failed, the provider failed first.
            let read = reader.join().unwrap_or_else(|_| Err(Failure::Usage("the rows' reader crashed".to_owned())));
            failed.map_or(Ok(()), |error| Err(Failure::from(error)))?;
            read
        })?;
        progress.finish_and_clear();
        Ok(())
    }

    /// Reads all rows, in batches.
    fn read(&self, progress: &ProgressBar, batches: &impl Fn(Vec<ExportRow>) -> bool) -> Result<(), Failure> {
        let file = progress.wrap_read(input::open(&self.rows)?);
        let is_register = self.rows.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let rows: Box<dyn Iterator<Item = Result<ExportRow, Failure>>> = if is_register {
            let acts = if self.register_without_acts { Acts::Optional } else { Acts::Required };
            Box::new(export::register::read(file, acts).map(|row| row.map_err(|error| Failure::file(&self.rows, error))))
        } else {
            Box::new(Lines::new(file).records(&self.rows))
        };
        if !self.sort {
            return send(rows, batches);
        }
        let unsortable = |error: io::Error| Failure::Usage(format!("cannot sort the rows: {error}"));
        let sorted = export::sort::by_account(rows.map(|row| row.map_err(Unsorted::Row)), export::folder(&self.out));
        let sorted = sorted.map_err(|error| match error {
            Unsorted::Row(failure) => failure,
            Unsorted::Disk(error) => unsortable(error),
        })?;
        send(sorted.map(|row| row.map_err(unsortable)), batches)
    }
}

/// Why rows could not be sorted.
enum Unsorted {
    Row(Failure),
    Disk(io::Error),
}

impl From<io::Error> for Unsorted {
    fn from(error: io::Error) -> Unsorted {
        Unsorted::Disk(error)
    }
}

fn sender_of(sender: SyncSender<Vec<ExportRow>>) -> impl Fn(Vec<ExportRow>) -> bool {
    move |batch| sender.send(batch).is_ok()
}

/// Sends rows in batches until there are no more, or the receiver is gone.
fn send(rows: impl Iterator<Item = Result<ExportRow, Failure>>, send: &impl Fn(Vec<ExportRow>) -> bool) -> Result<(), Failure> {
    let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
    for row in rows {
        batch.push(row?);
        if batch.len() == ROWS_AT_ONCE && !send(std::mem::replace(&mut batch, Vec::with_capacity(ROWS_AT_ONCE))) {
            return Ok(());
        }
    }
    send(batch);
    Ok(())
}

/// Makes a progress indicator, shown only on a terminal: a bar if the length is known, otherwise a counter.
fn progress(rows: &Path) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match std::fs::metadata(rows) {
        Ok(metadata) if metadata.is_file() => {
            let bar = ProgressBar::new(metadata.len());
            match ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        }
        _ => ProgressBar::new_spinner(),
    }
}

fn report(arguments: &Arguments, manifest: &Manifest, before: Option<&Manifest>) -> Result<(), Failure> {
    if arguments.json {
        return output::json(&json!(manifest));
    }
    output::line(&summary(&arguments.out, manifest))?;
    if let Some(before) = before.filter(|before| is_same_export(before, manifest)) {
        let same = before.files == manifest.files;
        let was = &before.totals;
        output::line(&if same {
            "  the same, byte for byte, as before".to_owned()
        } else {
            format!(
                "  before: {} write-offs, {} documents, {} {}, VAT {}",
                was.rows,
                was.documents,
                format_amount(was.amount.minor_units),
                was.amount.currency,
                format_amount(was.vat_minor_units)
            )
        })?;
    }
    Ok(())
}

fn is_same_export(one: &Manifest, other: &Manifest) -> bool {
    let key = |manifest: &Manifest| {
        let about = &manifest.about;
        (about.format.clone(), about.period_start, about.period_end, about.seller.inn.clone())
    };
    key(one) == key(other)
}

/// Summarizes an export for a person.
pub fn summary(out: &Path, manifest: &Manifest) -> String {
    let totals = &manifest.totals;
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    let files = match manifest.files.len() {
        1 => String::new(),
        several => format!("{several} files, "),
    };
    let mut lines = vec![
        format!("{}: {files}{} write-offs, {} documents, {bytes} bytes", out.display(), totals.rows, totals.documents),
        format!("  amount  {} {}", format_amount(totals.amount.minor_units), totals.amount.currency),
        format!("  VAT     {} {}", format_amount(totals.vat_minor_units), totals.amount.currency),
    ];
    if let Some(left_out) = manifest.left_out.as_ref().filter(|left_out| left_out.rows > 0) {
        let name = left_out.file.as_ref().map_or("", |file| &file.name);
        let amount = format_amount(left_out.minor_units);
        lines.push(format!("  left out: {} write-offs, {amount} {}, listed in {name}", left_out.rows, totals.amount.currency));
    }
    if manifest.warnings_count > 0 {
        lines.push(format!("  warnings: {}", manifest.warnings_count));
        lines.extend(manifest.warnings.iter().map(|warning| format!("    {}", warning.message)));
    }
    for RateTotals { vat_basis_points, minor_units, vat_minor_units } in &totals.vat_by_rate {
        let rate = match vat_basis_points {
            Some(rate) => format!("{}.{:02} %", rate / 100, rate % 100),
            None => "no VAT".to_owned(),
        };
        lines.push(format!("  {rate:<7} {}, VAT {}", format_amount(*minor_units), format_amount(*vat_minor_units)));
    }
    lines.join("\n")
}
