//! Exports: the ledger's write-offs as files for accounting, written completely into a folder, with a manifest.

mod failure;
mod folder;
mod rows;

use std::fs::File;
use std::path::Path;
use std::sync::PoisonError;

use domain::{Date, ExportOptions, Fields, ProviderName, WrittenDate};
use export::{ExportInfo, Faults, GoneActs, Manifest, Whole};

use crate::error::HostError;
use crate::host::Host;
use folder::{made_at, unwritable};
use rows::{Rows, Writing, WritingError};

pub use failure::{ExportFailure, Gone};
pub use folder::StoredExport;

/// The format option with which a provider splits an export into several files. Such an export is downloaded as an archive.
const DOCUMENTS_PER_FILE: &str = "documents-per-file";

/// What to export.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The provider whose formats are used. Without it, the only one that has export formats and settings.
    pub provider: Option<ProviderName>,
    /// The first day.
    pub from: WrittenDate,
    /// The last day.
    pub to: WrittenDate,
    /// One of the provider's formats; if empty, its first.
    pub format: String,
    /// The format's options.
    pub options: Fields,
    /// Whether to create a file even if there are no write-offs.
    pub allow_empty: bool,
    /// Whether to replace an export that has the same name and other contents.
    pub replace: bool,
}

/// A created export.
#[derive(Debug)]
pub struct CreatedExport {
    /// Its name in the folder of exports.
    pub name: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// The name of the file to download.
    pub file_name: String,
    /// The open file. A later export of the same name does not change it.
    pub file: File,
    /// When the export with the same contents was created, in seconds since the epoch; `None` if this export is new.
    pub before: Option<u64>,
    /// The acts that the replaced export had and this one lacks.
    pub gone: Gone,
}

impl Host {
    /// Creates an export, or returns the existing one with the same contents. The same write-offs result in the same bytes.
    ///
    /// # Errors
    /// [`ExportFailure`]. Existing files are unchanged.
    pub fn create_export(&self, request: ExportRequest) -> Result<CreatedExport, ExportFailure> {
        // One component writes the whole export, and the manifest names it.
        let slot = self.0.registry.resolve_exporting(request.provider.as_ref())?;
        let component = slot.component();
        let formats = &component.description().export_formats;
        let none = || HostError::invalid("this provider has no export formats");
        let format = if request.format.is_empty() { formats.first().cloned().ok_or_else(none)? } else { request.format };
        if !formats.contains(&format) {
            return Err(HostError::invalid(format!("format must be one of {}", formats.join(", "))).into());
        }
        let (period_start, period_end) = (day("from", request.from)?, day("to", request.to)?);
        let seller = self.seller()?.ok_or_else(|| HostError::invalid("set the seller first"))?;
        let mut extra = request.options;
        extra.sort();
        let options = ExportOptions { format, seller, period_start, period_end, created_at: 0, extra };
        let name = folder::name(&slot.name, &options);
        let _exporting = self.0.export_lock.lock().unwrap_or_else(PoisonError::into_inner);
        make_folder(&self.0.exports)?;
        let out = self.0.exports.join(&name);
        let is_numbered = options.extra.iter().any(|(name, _)| name == DOCUMENTS_PER_FILE);
        let mut rows = Rows::of((period_start, period_end));
        let about = ExportInfo::new(component.description(), component.sha256(), &options);
        let writing = Writing { options: &options, out: &out, is_numbered, allow_empty: request.allow_empty, about };
        let written = self.call(&slot, &component, "export-writeoffs", |merchant| {
            match writing.write(&self.0.ledger, merchant, &mut rows) {
                Ok(whole) => Ok((Ok(whole), None)),
                Err(WritingError::Host(why)) => Ok((Err(why), None)),
                Err(WritingError::Provider(error)) => Err(error),
                // Faults are reported like the provider's own problems, even if the host found them for all providers.
                Err(WritingError::Faults(Faults { problems, more })) => {
                    rows.more = more;
                    Err(sandbox::Error::Provider(problems))
                }
            }
        });
        let whole = match written? {
            Err(error) => return Err(rows.named(&self.0.ledger, error)?),
            Ok(Err(why @ ExportFailure::Failed(_))) => return Err(why),
            Ok(_) if rows.no_days > 0 => return Err(rows.no_days()),
            Ok(whole) => whole?.without(rows.excluded),
        };
        let (manifest, before, gone) = keep(&out, whole, is_numbered, request.replace)?;
        let file_path = if is_numbered { export::archive_path(&out) } else { out };
        let file = File::open(&file_path).map_err(|error| unwritable(&file_path, &error))?;
        let file_name = file_path.file_name().and_then(|name| name.to_str()).unwrap_or(&name).to_owned();
        tracing::info!(
            provider = slot.name.as_str(),
            format = options.format,
            rows = manifest.totals.rows,
            repeated = before.is_some(),
            "write-offs were exported"
        );
        Ok(CreatedExport { name, manifest, file_name, file, before, gone })
    }
}

/// Puts an export's files in place, unless an export with the same contents exists, or one with other contents that must not be
/// replaced. Returns the manifest, when the export with the same contents was created, and the acts that the replaced export
/// had and this one lacks.
fn keep(out: &Path, whole: Whole, is_numbered: bool, replace: bool) -> Result<(Manifest, Option<u64>, Gone), ExportFailure> {
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
                    return Err(ExportFailure::Differs { before, made_at, now, gone });
                }
                tracing::info!(file = %out.display(), "an export is replaced by one with other contents");
            }
        }
    }
    // An archive never lies next to files other than those that it holds.
    export::remove_archive(out)?;
    let (manifest, _) = whole.commit()?;
    if is_numbered {
        export::write_archive(out, &manifest)?;
    }
    Ok((manifest, None, gone))
}

/// Reports whether an existing export has the same files and exclusions as a new one, whichever component wrote them. An older
/// program did not list exclusions.
fn holds_the_same(before: &Manifest, now: &Manifest) -> bool {
    let is_as_left_out = before.left_out.is_none() || before.left_out == now.left_out;
    before.files == now.files && before.totals == now.totals && before.excluded == now.excluded && is_as_left_out
}

/// Reports whether all files of an export exist, so that they can be downloaded again.
fn is_whole(out: &Path, manifest: &Manifest, is_numbered: bool) -> bool {
    let is_there = |(name, bytes): (&str, u64)| {
        std::fs::metadata(export::folder(out).join(name)).is_ok_and(|metadata| metadata.len() == bytes)
    };
    let list = manifest.left_out.iter().filter_map(|left_out| left_out.file.as_ref());
    let list = list.map(|file| (file.name.as_str(), file.bytes));
    manifest.files.iter().map(|file| (file.name.as_str(), file.bytes)).chain(list).all(is_there)
        && (!is_numbered || export::archive_path(out).exists())
}

/// Creates the folder of exports, which only its owner may read.
fn make_folder(folder: &Path) -> Result<(), HostError> {
    let made = std::fs::create_dir_all(folder);
    #[cfg(unix)]
    let made = made.and_then(|()| {
        std::fs::set_permissions(folder, <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700))
    });
    made.map_err(|error| unwritable(folder, &error))
}

fn day(field: &str, written: WrittenDate) -> Result<Date, HostError> {
    written.day().ok_or_else(|| HostError::invalid(format!("{field} is not a day of the calendar")))
}
