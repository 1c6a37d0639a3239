//! `export`: a month's write-offs as a file.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use money::format_amount;
use sandbox::Export;
use sandbox::records::{ExportOptions, ExportSummary, Writeoff};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::input::{self, Lines, MerchantArguments};
use crate::output;

/// How many rows go to the sandbox at once, which cuts them to its limit of input.
const ROWS_AT_ONCE: usize = 256;

/// Exports write-offs as a file: written beside it first, and renamed only when it is whole.
///
/// Example: host-harness export chronopay.wasm --settings settings.toml --format register-csv --options options.json --rows
/// rows.jsonl --out register.csv
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    merchant: MerchantArguments,
    /// One of the formats that `inspect` shows.
    #[arg(long)]
    format: String,
    /// A JSON file with the options, such as {"seller": {"kind": "company", "name": "..."}, "period_start": "2026-10-01", "period_end":
    /// "2026-10-31"}.
    #[arg(long)]
    options: PathBuf,
    /// The write-offs, one JSON record a line; - is standard input.
    #[arg(long)]
    rows: PathBuf,
    /// The file to make; one that is there is replaced, once the new one is whole.
    #[arg(long)]
    out: PathBuf,
    /// Prints the summary as JSON: rows, documents, amount, vat_minor_units, extra (pairs), bytes.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let options = ExportOptions { format: arguments.format.clone(), ..input::record(&arguments.options)? };
    let mut export = arguments.merchant.merchant()?.export_writeoffs(&options)?;
    let progress = progress(&arguments.rows);
    let rows = progress.wrap_read(input::open(&arguments.rows)?);

    let unwritable = |error| Failure::file(&arguments.out, error);
    let mut out = BufWriter::new(beside(&arguments.out).map_err(unwritable)?);
    write_rows(&mut export, &arguments.rows, rows, |bytes| out.write_all(bytes).map_err(unwritable))?;
    let summary = export.finish()?;
    out.write_all(&summary.tail).map_err(unwritable)?;
    let file = out.into_inner().map_err(|error| unwritable(error.into_error()))?;
    let bytes = rename(file, &arguments.out).map_err(unwritable)?;
    progress.finish_and_clear();
    report(arguments, &summary, bytes)?;
    Ok(ExitCode::SUCCESS)
}

fn write_rows(
    export: &mut Export,
    path: &Path,
    rows: impl Read,
    mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut lines = Lines::new(rows);
    let mut batch: Vec<Writeoff> = Vec::with_capacity(ROWS_AT_ONCE);
    while let Some(row) = lines.next_record().map_err(|error| Failure::file(path, error))? {
        batch.push(row.map_err(|message| Failure::file(path, format!("line {}, {message}", lines.number())))?);
        if batch.len() == ROWS_AT_ONCE {
            write(&export.append(&batch)?)?;
            batch.clear();
        }
    }
    write(&export.append(&batch)?)
}

/// A new file beside the one to make, so that renaming it is one step; it goes with the program's failure.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".host-harness-").suffix(".tmp");
    // As any file that a program makes: the user's mask decides who may read it.
    #[cfg(unix)]
    builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    builder.tempfile_in(folder(path))
}

/// Makes the file durable under its name, and tells its size in bytes.
fn rename(file: NamedTempFile, path: &Path) -> io::Result<u64> {
    file.as_file().sync_all()?;
    let bytes = file.as_file().metadata()?.len();
    file.persist(path).map_err(|error| error.error)?;
    // The new name is durable only with its folder.
    #[cfg(unix)]
    File::open(folder(path))?.sync_all()?;
    Ok(bytes)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// On a terminal only: a bar where the length is known, a counter where it is not.
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

fn report(arguments: &Arguments, summary: &ExportSummary, bytes: u64) -> Result<(), Failure> {
    let ExportSummary { rows, documents, amount, vat_minor_units, extra, .. } = summary;
    if arguments.json {
        return output::json(&json!({
            "rows": rows, "documents": documents, "amount": amount, "vat_minor_units": vat_minor_units, "extra": extra, "bytes": bytes,
        }));
    }
    output::line(&format!("{}: {rows} write-offs, {documents} documents, {bytes} bytes", arguments.out.display()))?;
    output::line(&format!("  amount  {} {}", format_amount(amount.minor_units), amount.currency))?;
    output::line(&format!("  VAT     {} {}", format_amount(*vat_minor_units), amount.currency))?;
    for (name, value) in extra {
        output::line(&format!("  {name} = {value}"))?;
    }
    Ok(())
}
