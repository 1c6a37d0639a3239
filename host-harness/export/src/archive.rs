//! The files of an export as one, for who downloads it.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::files::{WriteError, folder, remove, temp_file_in};
use crate::manifest::Manifest;

/// From this size on a file in an archive needs the larger form of the format.
const LARGE_BYTES: u64 = u32::MAX as u64;

/// Where the archive of an export lies.
pub fn archive_path(out: &Path) -> PathBuf {
    out.with_extension("zip")
}

/// Removes the archive of an export, which other files are to be written for.
///
/// # Errors
/// Where there is one that cannot be removed.
pub fn remove_archive(out: &Path) -> Result<(), WriteError> {
    remove(&archive_path(out))
}

/// Writes the files of a manifest, and the manifest, as one archive beside them. The same files give the same bytes: an archive's
/// times are always those that mean none.
///
/// # Errors
/// Where a file cannot be read or the archive not be written; nothing is there then under its name.
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
