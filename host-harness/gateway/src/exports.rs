//! The ledger's write-offs as files for accounting, made whole in a folder with their manifest.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use export::{About, ExportError, Faults, Job, Manifest};
use ledger::{Account, Day, WriteOff};
use sandbox::Merchant;
use sandbox::records::{Date, ExportOptions, Fields, Party, Writeoff};

use crate::problem::Problem;
use crate::providers::Slot;
use crate::{Shared, convert};

/// The document that says who the operator is.
const SELLER: &str = "seller";

/// What is to be exported.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// One of the provider's formats; empty: its first.
    pub format: String,
    /// The format's options.
    pub options: Fields,
}

/// An export that was made.
pub struct Made {
    /// Its file's name in the folder of exports.
    pub name: String,
    pub manifest: Manifest,
    /// The file, open: another export of the same name does not change it.
    pub file: File,
}

/// Who sells, as exports name the operator.
pub fn seller(app: &Shared) -> Result<Option<Party>, Problem> {
    let document = app.ledger.document(SELLER)?;
    let read = |document: Vec<u8>| serde_json::from_slice(&document).map_err(|error| Problem::internal(error.to_string()));
    document.map(read).transpose()
}

pub fn put_seller(app: &Shared, seller: &Party) -> Result<(), Problem> {
    let document = serde_json::to_vec(seller).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(app.ledger.put_document(SELLER.to_owned(), document)?)
}

/// Makes an export. The same write-offs make the same bytes.
pub fn make(app: &Shared, slot: &Slot, asked: Asked) -> Result<Made, Problem> {
    // One component makes the whole export, and its manifest names it.
    let live = slot.live();
    let formats = &live.description().export_formats;
    let none = || Problem::unprocessable("this provider exports nothing");
    let format = if asked.format.is_empty() { formats.first().cloned().ok_or_else(none)? } else { asked.format };
    if !formats.contains(&format) {
        return Err(Problem::unprocessable(format!("format is one of {}", formats.join(", "))));
    }
    let seller = seller(app)?.ok_or_else(|| Problem::unprocessable("say first who sells: PUT /api/v1/seller"))?;
    let options =
        ExportOptions { format, seller, period_start: asked.from, period_end: asked.to, created_at: 0, extra: asked.options };
    let name = name(slot, &options);
    std::fs::create_dir_all(&app.config.exports).map_err(|error| unwritable(&app.config.exports, &error))?;
    let out = app.config.exports.join(&name);
    let _exporting = app.exporting.lock().unwrap_or_else(PoisonError::into_inner);
    let about = About::new(&live.provider, &options);
    let written =
        slot.call_live(app, &live, "export-writeoffs", |merchant| match write(app, merchant, &options, &out, about) {
            Ok(manifest) => Ok(Ok(manifest)),
            Err(Unwritten::Host(problem)) => Ok(Err(problem)),
            Err(Unwritten::Provider(error)) => Err(error),
        })?;
    let manifest = written??;
    let file = File::open(&out).map_err(|error| unwritable(&out, &error))?;
    tracing::info!(provider = slot.name, format = options.format, rows = manifest.totals.rows, "write-offs were exported");
    Ok(Made { name, manifest, file })
}

/// Why an export was not written, and by whose fault.
enum Unwritten {
    Provider(sandbox::Error),
    Host(Problem),
}

impl From<sandbox::Error> for Unwritten {
    fn from(error: sandbox::Error) -> Unwritten {
        Unwritten::Provider(error)
    }
}

impl From<ledger::Error> for Unwritten {
    fn from(error: ledger::Error) -> Unwritten {
        Unwritten::Host(error.into())
    }
}

impl From<ExportError> for Unwritten {
    fn from(error: ExportError) -> Unwritten {
        match error {
            ExportError::Sandbox(error) => Unwritten::Provider(error),
            // What rows are refused for is the provider's word, even where the host says it for all providers.
            ExportError::Faults(Faults { mut problems, more }) => {
                let message = format!("{more} more faults were found; correct these first.");
                let rest = sandbox::records::Problem { code: "more".to_owned(), field: None, row: None, message };
                problems.extend((more > 0).then_some(rest));
                Unwritten::Provider(sandbox::Error::Provider(problems))
            }
            ExportError::Write(error) => Unwritten::Host(error.into()),
            error => Unwritten::Host(Problem::unprocessable(error.to_string())),
        }
    }
}

fn write(app: &Shared, merchant: &Merchant, options: &ExportOptions, out: &Path, about: About) -> Result<Manifest, Unwritten> {
    let mut job = Job::begin(merchant.export_writeoffs(options)?, out, false)?;
    let day = |Date { year, month, day }: Date| Day { year, month, day };
    app.ledger.writeoffs(day(options.period_start), day(options.period_end), |rows| {
        Ok::<(), Unwritten>(job.append(rows.into_iter().map(row).collect())?)
    })?;
    // A month without write-offs can be asked for on a page, and its file says so.
    Ok(job.finish(about, true)?.0)
}

fn row((account, writeoff): (Account, WriteOff)) -> Writeoff {
    let date = |Day { year, month, day }: Day| Date { year, month, day };
    Writeoff {
        id: writeoff.id,
        account: account.number,
        subscriber: Party { kind: convert::party_kind(account.kind), name: account.name, inn: account.inn, kpp: account.kpp },
        contract: account.contract,
        contract_date: None,
        service_code: writeoff.service_code,
        service: writeoff.service,
        unit: writeoff.unit,
        period: date(writeoff.period),
        date: date(writeoff.date),
        quantity_thousandths: writeoff.quantity_thousandths,
        amount: convert::amount(writeoff.amount),
        vat_basis_points: writeoff.vat_basis_points,
        extra: if writeoff.note.is_empty() { Vec::new() } else { vec![("note".to_owned(), writeoff.note)] },
    }
}

/// A name that says what is in the file, the same for the same export.
fn name(slot: &Slot, options: &ExportOptions) -> String {
    let mut words = vec![slot.name.clone(), options.format.clone()];
    words.extend(options.extra.iter().map(|(_, value)| value.clone()));
    let extension = if options.format.ends_with("csv") { "csv" } else { "xml" };
    let is_plain = |char: &char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
    let words: String = words.join("-").chars().filter(is_plain).take(100).collect();
    let date = |Date { year, month, day }: Date| format!("{year:04}-{month:02}-{day:02}");
    format!("{}_{}_{words}.{extension}", date(options.period_start), date(options.period_end))
}

/// The exports that were made, the latest period first.
pub fn all(app: &Shared) -> Vec<(String, Manifest)> {
    let entries = std::fs::read_dir(&app.config.exports).into_iter().flatten().filter_map(Result::ok);
    let read = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".manifest.json")?.to_owned();
        Some((name, Manifest::read(&path).ok()?))
    };
    let mut all: Vec<(String, Manifest)> = entries.filter_map(|entry| read(entry.path())).collect();
    all.sort_by(|(one, _), (other, _)| other.cmp(one));
    all
}

/// Opens a file or a manifest of an export that was made.
pub fn open(app: &Shared, name: &str) -> Result<File, Problem> {
    let missing = || Problem::missing("export; make it again");
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    let path = is_plain.then(|| app.config.exports.join(name)).ok_or_else(missing)?;
    File::open(path).map_err(|_| missing())
}

impl From<export::WriteError> for Problem {
    fn from(error: export::WriteError) -> Problem {
        Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, format!("cannot use {}: {error}", path.display()))
}
