//! All files of an export in one archive, for download.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::files::{WriteError, folder, remove, temp_file_in};
use crate::manifest::Manifest;

/// From this size on, a file in an archive needs the ZIP64 form of the format.
const LARGE_BYTES: u64 = u32::MAX as u64;

/// Returns the path of an export's archive.
pub fn archive_path(out: &Path) -> PathBuf {
    out.with_extension("zip")
}

/// Removes an export's archive, before other files replace the archived ones.
///
/// # Errors
/// If the archive exists and cannot be removed.
pub fn remove_archive(out: &Path) -> Result<(), WriteError> {
    remove(&archive_path(out))
}

/// Writes the files of a manifest, and the manifest, as one archive beside them. The same files make the same bytes: the times
/// in the archive are always the ones that mean "no time".
///
/// # Errors
/// If a file cannot be read or the archive cannot be written. No file then has the archive's name.
pub fn write_archive(out: &Path, manifest: &Manifest) -> Result<PathBuf, WriteError> {
    let path = archive_path(out);
    let written = write(out, manifest, &path);
    written.map_err(|reason| WriteError::Io { path: path.clone(), reason })?;
    Ok(path)
}

fn write(out: &Path, manifest: &Manifest, path: &Path) -> io::Result<()> {
    let folder = folder(out);
    let file = temp_file_in(folder)?;
    let mut archive = ZipWriter::new(BufWriter::new(file));
    let manifest_path = Manifest::path_of(out);
    for name in manifest.names().chain(manifest_path.file_name().and_then(|name| name.to_str())) {
        let mut file = File::open(folder.join(name))?;
        let is_large = file.metadata()?.len() >= LARGE_BYTES;
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(is_large);
        archive.start_file(name, options.unix_permissions(0o600))?;
        io::copy(&mut file, &mut archive)?;
    }
    let file = archive.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
