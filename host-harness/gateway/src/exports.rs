//! The ledger's write-offs as files for accounting, made whole in a folder with their manifest.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::PoisonError;
use std::time::UNIX_EPOCH;

use axum::http::StatusCode;
use domain::{
    Date, Exclusion, ExclusionRefusal, ExportOptions, ExportRow, Fault, Fields, Listed, Money, NoDay, Party, WrittenDate,
};
use export::{About, Excluded, ExportError, Faults, GoneActs, Job, Manifest, Whole};
use sandbox::{Export, Merchant};
use sha2::{Digest as _, Sha256};

use crate::api::{NAME_CHARS_MAX, TEXT_CHARS_MAX, checked};
use crate::problem::Problem;
use crate::providers::Slot;
use crate::{Shared, now};

/// The document that says who the operator is.
const SELLER: &str = "seller";

/// The format's option by which a provider begins further files; such an export comes as an archive.
const DOCUMENTS_PER_FILE: &str = "documents-per-file";
/// How much of a file's name the options have, in bytes: a name has at most 255, with what is put behind it.
const OPTIONS_BYTES_MAX: usize = 120;
/// How many problems an export is refused with.
const PROBLEMS_MAX: usize = 100;

/// What is to be exported.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The first day.
    pub from: WrittenDate,
    /// The last day.
    pub to: WrittenDate,
    /// One of the provider's formats; empty: its first.
    pub format: String,
    /// The format's options.
    pub options: Fields,
    /// Whether a file without write-offs is wanted.
    pub allow_empty: bool,
    /// Whether an export of the same name that holds something else is replaced.
    pub replace: bool,
}

/// An export that was made.
pub struct Made {
    /// Its name in the folder of exports.
    pub name: String,
    pub manifest: Manifest,
    /// The name and bytes of what is downloaded, open: another export of the same name does not change it.
    pub file_name: String,
    pub file: File,
    /// When the export was made that holds the same, in seconds since the epoch; none: it is new.
    pub before: Option<u64>,
    /// What the export that it replaces had and it has not.
    pub gone: Gone,
}

/// Which acts of a former export the new one has not, and which 1C keeps where the former one was loaded; or why nobody can tell.
pub type Gone = Result<GoneActs, String>;

/// Why an export is not made. What was there before is there still.
pub enum NotMade {
    /// It cannot be, or not now.
    Problem(Problem),
    /// Write-offs that no export of the kind can hold, with their ids by the number of the problem's row, and how many more problems
    /// there are.
    Rows { problem: Problem, ids: BTreeMap<u64, String>, more: u64 },
    /// There is nothing to export.
    Empty,
    /// An export of the same name holds something else: what was made and when, in seconds since the epoch, and what it would be now.
    Differs { before: Option<Box<Manifest>>, made_at: u64, now: Box<Manifest>, gone: Gone },
}

impl From<Problem> for NotMade {
    fn from(problem: Problem) -> NotMade {
        NotMade::Problem(problem)
    }
}

impl From<export::WriteError> for NotMade {
    fn from(error: export::WriteError) -> NotMade {
        NotMade::Problem(error.into())
    }
}

impl From<NotMade> for Problem {
    fn from(why: NotMade) -> Problem {
        match why {
            NotMade::Problem(problem) | NotMade::Rows { problem, .. } => problem,
            NotMade::Empty => Problem::unprocessable(
                "there are no write-offs to export in these days; allow_empty=true makes a file without any",
            ),
            NotMade::Differs { before, now, gone, .. } => {
                let sums = |manifest: &Manifest| {
                    let totals = &manifest.totals;
                    let amount = money::format_amount(totals.amount.minor_units);
                    format!("{} write-offs of {amount} {}", totals.rows, totals.amount.currency)
                };
                let before = before.map_or("what cannot be read".to_owned(), |before| sums(&before));
                let detail = format!(
                    "such an export was made before and holds {before}, and now it would hold {}; replace=true replaces it{}",
                    sums(&now),
                    told_gone(&gone)
                );
                Problem::new(StatusCode::CONFLICT, detail)
            }
        }
    }
}

/// What to do about acts that a new export has not, as the end of a sentence.
fn told_gone(gone: &Gone) -> String {
    match gone {
        Ok(gone) if gone.is_empty() => String::new(),
        Ok(GoneActs { numbers, more }) => {
            let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
            let numbers = numbers.join(", ");
            format!(". The new one lacks the acts {numbers}{more}: where they were loaded into 1C, delete them there by hand")
        }
        Err(why) => format!(". Which acts the new one lacks cannot be told: {why}"),
    }
}

/// Who sells, as exports name the operator.
pub fn seller(app: &Shared) -> Result<Option<Party>, Problem> {
    let document = app.ledger.document(SELLER)?;
    let read = |document: Vec<u8>| serde_json::from_slice(&document).map_err(|error| Problem::internal(error.to_string()));
    document.map(read).transpose()
}

/// Keeps who sells, if documents can name it: 1C finds the operator by these numbers.
pub fn put_seller(app: &Shared, seller: &Party) -> Result<(), Problem> {
    let problems = seller_problems(seller);
    if !problems.is_empty() {
        let detail = "the requisites were not kept: documents could not name the operator by them";
        return Err(Problem::unprocessable(detail).with_problems(problems));
    }
    let document = serde_json::to_vec(seller).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(app.ledger.put_document(SELLER.to_owned(), document)?)
}

/// What is wrong with who sells, field by field.
fn seller_problems(seller: &Party) -> Vec<domain::Problem> {
    let Party { kind, name, inn, kpp } = seller;
    let mut faults = ledger::faults_of_party(*kind, name, inn, kpp);
    let mut add = |code, field: &str, message: &str| {
        faults.push(Fault { code, field: field.to_owned(), message: message.to_owned() });
    };
    match kind {
        domain::PartyKind::Individual => add("invalid", "kind", "The operator is a company or a sole proprietor."),
        domain::PartyKind::Company if kpp.is_empty() => {
            add("missing", "kpp", "A company has a KPP, and 1C finds the organisation by INN and KPP.");
        }
        _ => {}
    }
    faults.into_iter().map(|fault| fault.problem("")).collect()
}

/// Leaves a write-off out of exports, by an operator's decision.
pub fn exclude(app: &Shared, writeoff: String, operator: String, reason: String) -> Result<Exclusion, Problem> {
    let operator = checked("operator", operator, NAME_CHARS_MAX)?;
    let reason = checked("reason", reason, TEXT_CHARS_MAX)?;
    app.ledger.exclude_writeoff(writeoff, operator, reason, now())?.map_err(undecided)
}

/// Takes a write-off that was left out into exports again.
pub fn include(app: &Shared, writeoff: String, operator: String) -> Result<(), Problem> {
    let operator = checked("operator", operator, NAME_CHARS_MAX)?;
    app.ledger.include_writeoff(writeoff.clone(), operator.clone(), now())?.map_err(undecided)?;
    tracing::info!(operator, writeoff, "a write-off that was left out of exports is in them again");
    Ok(())
}

fn undecided(refusal: ExclusionRefusal) -> Problem {
    match refusal {
        ExclusionRefusal::Unknown => Problem::missing("write-off"),
        ExclusionRefusal::AlreadyExcluded => Problem::new(StatusCode::CONFLICT, "the write-off is left out already"),
        ExclusionRefusal::NotExcluded => Problem::new(StatusCode::CONFLICT, "the write-off is not left out"),
    }
}

/// Makes an export, or gives the one that holds the same. The same write-offs make the same bytes.
pub fn make(app: &Shared, slot: &Slot, asked: Asked) -> Result<Made, NotMade> {
    // One component makes the whole export, and its manifest names it.
    let live = slot.live();
    let formats = &live.description().export_formats;
    let none = || Problem::unprocessable("this provider exports nothing");
    let format = if asked.format.is_empty() { formats.first().cloned().ok_or_else(none)? } else { asked.format };
    if !formats.contains(&format) {
        return Err(Problem::unprocessable(format!("format is one of {}", formats.join(", "))).into());
    }
    let (period_start, period_end) = (day("from", asked.from)?, day("to", asked.to)?);
    let seller = seller(app)?.ok_or_else(|| Problem::unprocessable("say first who sells: PUT /api/v1/seller"))?;
    let mut extra = asked.options;
    extra.sort();
    let options = ExportOptions { format, seller, period_start, period_end, created_at: 0, extra };
    let name = name(slot, &options);
    let _exporting = app.exporting.lock().unwrap_or_else(PoisonError::into_inner);
    make_folder(&app.config.exports)?;
    let out = app.config.exports.join(&name);
    let is_numbered = options.extra.iter().any(|(name, _)| name == DOCUMENTS_PER_FILE);
    let mut rows = Rows::of((period_start, period_end));
    let about = About::new(live.description(), live.provider.sha256(), &options);
    let writing = Writing { options: &options, out: &out, is_numbered, allow_empty: asked.allow_empty, about };
    let written = slot.call_live(app, &live, "export-writeoffs", |merchant| match writing.write(app, merchant, &mut rows) {
        Ok(whole) => Ok(Ok(whole)),
        Err(Unwritten::Host(why)) => Ok(Err(why)),
        Err(Unwritten::Provider(error)) => Err(error),
        // What rows are refused for is the provider's word, even where the host says it for all providers.
        Err(Unwritten::Faults(Faults { problems, more })) => {
            rows.more = more;
            Err(sandbox::Error::Provider(problems))
        }
    });
    let whole = match written? {
        Err(error) => return Err(rows.named(app, error)?),
        Ok(Err(why @ NotMade::Problem(_))) => return Err(why),
        Ok(_) if rows.no_days > 0 => return Err(rows.no_days()),
        Ok(whole) => whole?.without(rows.excluded),
    };
    let (manifest, before, gone) = keep(&out, whole, is_numbered, asked.replace)?;
    let file_path = if is_numbered { export::archive_path(&out) } else { out };
    let file = File::open(&file_path).map_err(|error| unwritable(&file_path, &error))?;
    let file_name = file_path.file_name().and_then(|name| name.to_str()).unwrap_or(&name).to_owned();
    tracing::info!(
        provider = slot.name,
        format = options.format,
        rows = manifest.totals.rows,
        again = before.is_some(),
        "write-offs were exported"
    );
    Ok(Made { name, manifest, file_name, file, before, gone })
}

/// Puts files in their places, unless an export is there that holds the same, or something else that is not to be replaced. Gives the
/// manifest, when the same was made before, and what is gone with what it replaces.
fn keep(out: &Path, whole: Whole, is_numbered: bool, replace: bool) -> Result<(Manifest, Option<u64>, Gone), NotMade> {
    let manifest_path = Manifest::path_of(out);
    let mut gone = Ok(GoneActs::default());
    if let Some(made_at) = made_at(&manifest_path) {
        let before = Manifest::read(&manifest_path).ok();
        match before {
            Some(before) if holds_the_same(&before, whole.manifest()) => {
                if is_whole(out, &before, is_numbered) {
                    return Ok((before, Some(made_at), gone));
                }
            }
            before => {
                let unreadable = || Err("its manifest cannot be read".to_owned());
                gone = before.as_ref().map_or_else(unreadable, |before| whole.gone_acts(before));
                if !replace {
                    let (before, now) = (before.map(Box::new), Box::new(whole.manifest().clone()));
                    return Err(NotMade::Differs { before, made_at, now, gone });
                }
                tracing::warn!(export = %out.display(), "an export is replaced by one that holds something else");
            }
        }
    }
    // An archive never lies beside other files than it holds.
    export::remove_archive(out)?;
    let (manifest, _) = whole.commit()?;
    if is_numbered {
        export::write_archive(out, &manifest)?;
    }
    Ok((manifest, None, gone))
}

/// Whether an export has the same files as one made now and lacks the same, whichever component wrote them. An older program did not list
/// what it left out.
fn holds_the_same(before: &Manifest, now: &Manifest) -> bool {
    let is_as_left_out = before.left_out.is_none() || before.left_out == now.left_out;
    before.files == now.files && before.totals == now.totals && before.excluded == now.excluded && is_as_left_out
}

/// Whether an export's files are all there, to be given again.
fn is_whole(out: &Path, manifest: &Manifest, is_numbered: bool) -> bool {
    let is_there = |(name, bytes): (&str, u64)| {
        std::fs::metadata(export::folder(out).join(name)).is_ok_and(|metadata| metadata.len() == bytes)
    };
    let list = manifest.left_out.iter().filter_map(|left_out| left_out.file.as_ref());
    let list = list.map(|file| (file.name.as_str(), file.bytes));
    manifest.files.iter().map(|file| (file.name.as_str(), file.bytes)).chain(list).all(is_there)
        && (!is_numbered || export::archive_path(out).exists())
}

/// Makes the folder of exports, which its owner alone may look into.
fn make_folder(folder: &Path) -> Result<(), Problem> {
    let made = std::fs::create_dir_all(folder);
    #[cfg(unix)]
    let made = made.and_then(|()| {
        std::fs::set_permissions(folder, <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700))
    });
    made.map_err(|error| unwritable(folder, &error))
}

fn day(field: &str, written: WrittenDate) -> Result<Date, Problem> {
    written.day().ok_or_else(|| Problem::unprocessable(format!("{field} is no day of the calendar")))
}

/// Why an export was not written, and by whose fault.
enum Unwritten {
    Provider(sandbox::Error),
    Faults(Faults),
    Host(NotMade),
}

impl From<ledger::Error> for Unwritten {
    fn from(error: ledger::Error) -> Unwritten {
        Unwritten::Host(NotMade::Problem(error.into()))
    }
}

impl From<sandbox::Error> for Unwritten {
    fn from(error: sandbox::Error) -> Unwritten {
        Unwritten::Provider(error)
    }
}

impl From<ExportError<sandbox::Error>> for Unwritten {
    fn from(error: ExportError<sandbox::Error>) -> Unwritten {
        match error {
            ExportError::Writer(error) => Unwritten::Provider(error),
            ExportError::Faults(faults) => Unwritten::Faults(faults),
            ExportError::Write(error) => Unwritten::Host(error.into()),
            ExportError::Empty => Unwritten::Host(NotMade::Empty),
            error @ ExportError::Unaccounted { .. } => {
                Unwritten::Host(NotMade::Problem(Problem::new(StatusCode::BAD_GATEWAY, error.to_string())))
            }
        }
    }
}

/// An export to be written.
struct Writing<'w> {
    options: &'w ExportOptions,
    out: &'w Path,
    is_numbered: bool,
    allow_empty: bool,
    about: About,
}

impl Writing<'_> {
    fn write(self, app: &Shared, merchant: &Merchant, rows: &mut Rows) -> Result<Whole, Unwritten> {
        let mut job = Job::begin(merchant.export_writeoffs(self.options)?, self.out, self.is_numbered)?;
        let (from, to) = rows.days;
        app.ledger.writeoffs(from, to, |page| {
            let mut taken = Vec::with_capacity(page.len());
            for listed in page {
                taken.extend(rows.taken(listed, &mut job)?);
            }
            Ok::<(), Unwritten>(job.append(taken)?)
        })?;
        Ok(job.finish(self.about, self.allow_empty)?)
    }
}

/// The write-offs of an export.
struct Rows {
    days: (Date, Date),
    /// What no provider can be given, since a day of it is none: the first of them.
    of_no_day: Vec<NoDay>,
    /// How many of them there are.
    no_days: u64,
    /// What an operator left out.
    excluded: Vec<Excluded>,
    /// How many faults were found beside those that are told.
    more: u64,
}

impl Rows {
    fn of(days: (Date, Date)) -> Rows {
        Rows { days, of_no_day: Vec::new(), no_days: 0, excluded: Vec::new(), more: 0 }
    }

    /// A write-off as the provider takes it, unless it is left out or cannot be given. What is left out is listed, but where a day of
    /// it is none: the manifest alone tells of that.
    fn taken(&mut self, listed: Listed, job: &mut Job<Export>) -> Result<Option<ExportRow>, ExportError<sandbox::Error>> {
        let Listed { account, writeoff, exclusion } = listed;
        match (writeoff, exclusion) {
            (Ok(writeoff), None) => return Ok(Some(ExportRow::new(account, writeoff))),
            (Err(no_day), None) => {
                self.no_days += 1;
                self.of_no_day.extend(Some(no_day).filter(|_| self.of_no_day.len() < PROBLEMS_MAX));
            }
            (Ok(writeoff), Some(exclusion)) => {
                let (date, amount) = (writeoff.date.to_string(), writeoff.amount);
                let row = ExportRow::new(account, writeoff);
                job.leave_out(&row, &exclusion.reason)?;
                self.excluded.push(excluded(row.account, date, amount, exclusion));
            }
            (Err(NoDay { date, amount, .. }), Some(exclusion)) => {
                self.excluded.push(excluded(account.number, date, amount, exclusion));
            }
        }
        Ok(None)
    }

    /// Tells what a provider refuses, with the ids of the write-offs that it is about.
    fn named(&self, app: &Shared, error: sandbox::Error) -> Result<NotMade, Problem> {
        let mut problem = Problem::from(error);
        let mut wanted: Vec<u64> = problem.problems.iter().filter_map(|problem| problem.row).collect();
        if wanted.is_empty() {
            return Ok(NotMade::Problem(problem));
        }
        if problem.problems.len() > 1 {
            problem.detail = counted(problem.problems.len(), self.more, "faults keep the write-offs from being exported");
        }
        wanted.sort_unstable();
        let mut ids = BTreeMap::new();
        let mut at = 0;
        app.ledger.writeoffs(self.days.0, self.days.1, |page| {
            for listed in page.iter().filter(|listed| listed.exclusion.is_none() && listed.writeoff.is_ok()) {
                at += 1;
                if wanted.binary_search(&at).is_ok() {
                    ids.insert(at, listed.id().to_owned());
                }
            }
            Ok::<(), ledger::Error>(())
        })?;
        Ok(NotMade::Rows { problem, ids, more: self.more })
    }

    /// Why write-offs of an older program cannot be exported.
    fn no_days(self) -> NotMade {
        let more = self.no_days - self.of_no_day.len() as u64;
        let detail = counted(self.of_no_day.len(), more, "write-offs have days that do not exist");
        let (mut problems, mut ids) = (Vec::new(), BTreeMap::new());
        for (at, no_day) in (1..).zip(self.of_no_day) {
            let NoDay { id, period, date, .. } = no_day;
            let message = format!(
                "Write-off \"{id}\": its period begins on {period} and its day is {date}, of which one is no day of the calendar."
            );
            problems.push(domain::Problem { code: "invalid".to_owned(), field: None, row: Some(at), message });
            ids.insert(at, id);
        }
        NotMade::Rows { problem: Problem::unprocessable(detail).with_problems(problems), ids, more }
    }
}

/// How many of something there are, of which some are told, and what to do.
fn counted(told: usize, more: u64, what: &str) -> String {
    let first = if more > 0 { format!(", of which the first {told} are told") } else { String::new() };
    format!("{} {what}{first}; correct them, or leave them out of exports with a reason", told as u64 + more)
}

fn excluded(account: String, date: String, amount: Money, exclusion: Exclusion) -> Excluded {
    let Exclusion { id: _, writeoff, operator, reason, at } = exclusion;
    Excluded { writeoff, account, date, amount, operator, reason, at }
}

/// A name that says all that makes an export another one than others: the days, the provider, the format, and every option by its name and
/// value. Where a name cannot hold an option as it is, a digest of all of them tells it apart.
fn name(slot: &Slot, options: &ExportOptions) -> String {
    name_of(&slot.name, options)
}

fn name_of(provider: &str, options: &ExportOptions) -> String {
    let extension = if options.format.ends_with("csv") { "csv" } else { "xml" };
    let mut name = format!("{}_{}_{provider}_{}", options.period_start, options.period_end, options.format);
    if options.extra.is_empty() {
        return format!("{name}.{extension}");
    }
    // None of these stands in a word, so that words cannot run together to others.
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, 'А'..='я' | 'Ё' | 'ё' | '.' | '-');
    let mut readable = String::new();
    let mut is_all = true;
    for (option, value) in &options.extra {
        is_all &= option.chars().chain(value.chars()).all(is_plain);
        let plain = |text: &str| text.chars().filter(|char| is_plain(*char)).collect::<String>();
        readable.push_str(&format!("_{}={}", plain(option), plain(value)));
    }
    let end = readable.floor_char_boundary(OPTIONS_BYTES_MAX);
    is_all &= end == readable.len();
    readable.truncate(end);
    name.push_str(&readable);
    if !is_all {
        let mut digest = Sha256::new();
        for text in options.extra.iter().flat_map(|(option, value)| [option, value]) {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        name.push('_');
        name.extend(hex::encode(digest.finalize()).chars().take(12));
    }
    format!("{name}.{extension}")
}

/// An export in the folder.
pub struct Kept {
    /// Its name, which all its files begin with.
    pub name: String,
    pub manifest: Manifest,
    /// When it was made, in seconds since the epoch.
    pub made_at: u64,
    /// The archive of its files, where it has several.
    pub archive: Option<String>,
}

/// The exports that were made, the latest period first.
pub fn all(app: &Shared) -> Vec<Kept> {
    let entries = std::fs::read_dir(&app.config.exports).into_iter().flatten().filter_map(Result::ok);
    let mut all: Vec<Kept> = entries.filter_map(|entry| kept(&entry.path())).collect();
    all.sort_by(|one, other| other.name.cmp(&one.name));
    all
}

fn kept(manifest_path: &Path) -> Option<Kept> {
    let name = manifest_path.file_name()?.to_str()?.strip_suffix(".manifest.json")?.to_owned();
    let archive = export::archive_path(&manifest_path.with_file_name(&name));
    let archive = archive.exists().then(|| archive.file_name().and_then(|name| name.to_str()).map(str::to_owned)).flatten();
    Some(Kept { manifest: Manifest::read(manifest_path).ok()?, made_at: made_at(manifest_path)?, name, archive })
}

fn made_at(manifest_path: &Path) -> Option<u64> {
    let modified = std::fs::metadata(manifest_path).ok()?.modified().ok()?;
    Some(modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
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
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("cannot use {}: {error}", path.display()))
}
