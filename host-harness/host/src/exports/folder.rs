//! The folder of exports: the names of exports, and the list of them.

use std::fs::File;
use std::path::Path;
use std::time::UNIX_EPOCH;

use domain::{ExportOptions, ProviderName};
use export::Manifest;
use sha2::{Digest as _, Sha256};

use crate::error::{ErrorKind, HostError};
use crate::host::Host;

/// How many bytes of a file name the options may take. A name has at most 255 bytes, including suffixes.
const OPTIONS_BYTES_MAX: usize = 120;

/// Returns a name with everything that distinguishes an export: the days, the provider, the format, and every option by name
/// and value. If the name cannot hold an option unchanged, it also has a digest of all options.
pub(super) fn name(provider: &ProviderName, options: &ExportOptions) -> String {
    let extension = if options.format.ends_with("csv") { "csv" } else { "xml" };
    let mut name = format!("{}_{}_{provider}_{}", options.period_start, options.period_end, options.format);
    if options.extra.is_empty() {
        return format!("{name}.{extension}");
    }
    // The separators `_` and `=` are not plain, so that adjacent words cannot be ambiguous.
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
#[derive(Debug)]
pub struct StoredExport {
    /// Its name, the prefix of all its files.
    pub name: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// When it was created, in seconds since the epoch.
    pub made_at: u64,
    /// The archive of its files, if it has several.
    pub archive: Option<String>,
}

fn stored(manifest_path: &Path) -> Option<StoredExport> {
    let name = manifest_path.file_name()?.to_str()?.strip_suffix(".manifest.json")?.to_owned();
    let archive = export::archive_path(&manifest_path.with_file_name(&name));
    let archive = archive.exists().then(|| archive.file_name().and_then(|name| name.to_str()).map(str::to_owned)).flatten();
    Some(StoredExport { manifest: Manifest::read(manifest_path).ok()?, made_at: made_at(manifest_path)?, name, archive })
}

pub(super) fn made_at(manifest_path: &Path) -> Option<u64> {
    let modified = std::fs::metadata(manifest_path).ok()?.modified().ok()?;
    Some(modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

impl Host {
    /// Returns the stored exports, the latest period first.
    pub fn exports(&self) -> Vec<StoredExport> {
        let entries = std::fs::read_dir(&self.0.exports).into_iter().flatten().filter_map(Result::ok);
        let mut all: Vec<StoredExport> = entries.filter_map(|entry| stored(&entry.path())).collect();
        all.sort_by(|one, other| other.name.cmp(&one.name));
        all
    }

    /// Opens a file or manifest of a stored export.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no file of this name.
    pub fn open_export_file(&self, name: &str) -> Result<File, HostError> {
        let missing = || HostError::not_found("export; make it again");
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        let path = is_plain.then(|| self.0.exports.join(name)).ok_or_else(missing)?;
        File::open(path).map_err(|_| missing())
    }
}

/// Returns the error for a file that could not be written.
pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> HostError {
    HostError::new(ErrorKind::Unavailable, format!("cannot use {}: {error}", path.display()))
}
