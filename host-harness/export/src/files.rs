//! Files that are written whole or not at all.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use domain::{ExportPart, ExportTotals, LeftOut, Problem};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};

use crate::left_out;
use crate::manifest::{Excluded, ExportInfo, FileEntry, Input, LeftOutFile, LeftOutTotals, Manifest};

/// How many parts, of at most 256 KiB each, may wait for the disk.
const PARTS_WAITING_MAX: usize = 32;
const BUFFER_BYTES: usize = 256 << 10;
/// The most warnings in a manifest; more are counted.
const WARNINGS_MAX: usize = 100;

/// Why files were not written. The earlier files are unchanged, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk refused an operation.
    #[error("cannot write {}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The path has no file name.
    #[error("{} names no file; give a path such as october.xml", .0.display())]
    NoFileName(PathBuf),
    /// The provider began a second file, but one file was requested.
    #[error("the export has several files, where one was asked for; set documents-per-file to number them")]
    SeveralFiles,
    /// The output ended within a file.
    #[error("the export ended within a file; report it to the provider's author")]
    Unfinished,
}

/// The files of an export while they are written. A thread of their own hashes and writes them while the provider continues.
///
/// They have temporary names beside their final ones until [`commit`](Files::commit). Dropping them earlier removes them.
pub struct Files {
    out: PathBuf,
    /// `None` once it is closed.
    parts: Option<SyncSender<ExportPart>>,
    writer: Option<JoinHandle<Result<AllWritten, WriteError>>>,
    left_out: left_out::Sums,
    warnings: Vec<Problem>,
    warnings_count: u64,
}

/// What was written, all of it durable under temporary names.
struct AllWritten {
    files: Vec<Written>,
    left_out: Option<(TempPath, LeftOutFile)>,
}

/// A whole file, durable under a temporary name.
struct Written {
    path: TempPath,
    entry: FileEntry,
}

impl Files {
    /// Begins to write `out`, or several numbered files beside it: `october.xml` becomes `october-0001.xml` and so on.
    ///
    /// # Errors
    /// If the path has no file name.
    pub fn create(out: &Path, numbered: bool) -> Result<Files, WriteError> {
        let names = Names::of(out, numbered)?;
        let (parts, receiver) = sync_channel(PARTS_WAITING_MAX);
        let out = out.to_owned();
        let writer = Writer {
            out: out.clone(),
            folder: folder(&out).to_owned(),
            names,
            open: None,
            written: Vec::new(),
            left_out: None,
        };
        let writer = std::thread::spawn(move || writer.run(&receiver));
        Ok(Files {
            out,
            parts: Some(parts),
            writer: Some(writer),
            left_out: left_out::Sums::default(),
            warnings: Vec::new(),
            warnings_count: 0,
        })
    }

    /// Writes the next parts.
    ///
    /// # Errors
    /// If an earlier part could not be written. Nothing more can be written then.
    pub fn write(&mut self, parts: Vec<ExportPart>) -> Result<(), WriteError> {
        for part in parts {
            match &part {
                ExportPart::Warning(warning) => {
                    self.warnings_count += 1;
                    if self.warnings.len() < WARNINGS_MAX {
                        self.warnings.push(warning.clone());
                    }
                    continue;
                }
                ExportPart::LeftOut(line) => {
                    self.left_out.rows += line.rows;
                    self.left_out.minor_units += i128::from(line.amount.minor_units);
                    self.left_out.vat_minor_units += i128::from(line.vat_minor_units);
                }
                ExportPart::Bytes(_) | ExportPart::FileEnd(_) => {}
            }
            let sent = self.parts.as_ref().is_some_and(|sender| sender.send(part).is_ok());
            if !sent {
                return self.close().and(Err(WriteError::Unfinished));
            }
        }
        Ok(())
    }

    /// Adds a line to the list of what is in no file.
    ///
    /// # Errors
    /// The same as for [`write`](Files::write).
    pub fn leave_out(&mut self, line: LeftOut) -> Result<(), WriteError> {
        self.write(vec![ExportPart::LeftOut(line)])
    }

    /// Returns the sum of what is in no file so far, in minor units.
    pub(crate) fn left_out_minor_units(&self) -> i128 {
        self.left_out.minor_units
    }

    /// Waits until the files are whole. They still have their temporary names.
    ///
    /// # Errors
    /// If anything could not be written.
    pub fn finish(mut self, about: ExportInfo, totals: ExportTotals, input: Input) -> Result<Whole, WriteError> {
        let AllWritten { files: written, left_out } = self.close()?;
        let files = written.iter().map(|written| written.entry.clone()).collect();
        let (list, file) = left_out.unzip();
        let left_out = LeftOutTotals {
            rows: self.left_out.rows,
            // The provider's numbers have 64 bits each, and their sum stays far below the limit.
            minor_units: self.left_out.minor_units.try_into().unwrap_or(i64::MIN),
            vat_minor_units: self.left_out.vat_minor_units.try_into().unwrap_or(i64::MIN),
            file,
        };
        let manifest = Manifest {
            about,
            totals: totals.into(),
            files,
            input: Some(input),
            left_out: Some(left_out),
            excluded: Vec::new(),
            warnings: std::mem::take(&mut self.warnings),
            warnings_count: self.warnings_count,
        };
        Ok(Whole { out: self.out.clone(), manifest, written: written.into_iter().map(|written| written.path).collect(), list })
    }

    /// Gives the files their names durably, then their manifest, and removes files that only the earlier manifest names.
    /// Returns the earlier manifest too, if there was one.
    ///
    /// # Errors
    /// If anything cannot be written. A crash between two renames leaves files that do not fit the earlier manifest, which
    /// [`verify`](crate::verify::verify) reports.
    pub fn commit(
        self,
        about: ExportInfo,
        totals: ExportTotals,
        input: Input,
    ) -> Result<(Manifest, Option<Manifest>), WriteError> {
        self.finish(about, totals, input)?.commit()
    }

    /// Waits for the writer and returns what it wrote.
    fn close(&mut self) -> Result<AllWritten, WriteError> {
        self.parts = None;
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            // The writer was joined already, or it panicked: nothing it wrote can be used.
            _ => Err(WriteError::Unfinished),
        }
    }
}

/// The files of an export, whole and durable under temporary names. Dropping them removes them.
pub struct Whole {
    out: PathBuf,
    manifest: Manifest,
    /// In the manifest's order.
    written: Vec<TempPath>,
    /// The list of what is in no file.
    list: Option<TempPath>,
}

impl Whole {
    /// Returns the manifest of the files.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the present paths of the files, in the manifest's order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.written.iter().map(|path| &**path)
    }

    /// Returns the folder of the final paths.
    pub(crate) fn folder(&self) -> &Path {
        folder(&self.out)
    }

    /// Adds to the manifest who decided to leave which write-offs out.
    pub fn without(self, excluded: Vec<Excluded>) -> Whole {
        Whole { manifest: Manifest { excluded, ..self.manifest }, ..self }
    }

    /// Gives the files their names. See [`Files::commit`].
    ///
    /// # Errors
    /// The same as for [`Files::commit`].
    pub fn commit(self) -> Result<(Manifest, Option<Manifest>), WriteError> {
        let Whole { out, manifest, written, list } = self;
        let manifest_path = Manifest::path_of(&out);
        let before = Manifest::read(&manifest_path).ok();
        let folder = folder(&out);
        for (path, name) in written.into_iter().chain(list).zip(manifest.names()) {
            let place = folder.join(name);
            path.persist(&place).map_err(|error| WriteError::Io { path: place, reason: error.error })?;
        }
        write_manifest(&manifest, &manifest_path).map_err(|reason| WriteError::Io { path: manifest_path.clone(), reason })?;
        let stale = before.iter().flat_map(Manifest::names);
        for name in stale.filter(|name| manifest.names().all(|new| new != *name)) {
            remove(&folder.join(name))?;
        }
        Ok((manifest, before))
    }
}

/// Removes a file if it exists.
pub(crate) fn remove(path: &Path) -> Result<(), WriteError> {
    match std::fs::remove_file(path) {
        Err(reason) if reason.kind() != io::ErrorKind::NotFound => Err(WriteError::Io { path: path.to_owned(), reason }),
        _ => Ok(()),
    }
}

impl Drop for Files {
    /// Waits until the temporary files are removed.
    fn drop(&mut self) {
        self.parts = None;
        if let Some(writer) = self.writer.take() {
            // Nobody waits for the writer's result any more.
            drop(writer.join());
        }
    }
}

/// The names of the files to write.
struct Names {
    stem: String,
    extension: String,
    numbered: bool,
}

impl Names {
    fn of(out: &Path, numbered: bool) -> Result<Names, WriteError> {
        let text = |part: Option<&OsStr>| part.and_then(OsStr::to_str).map(str::to_owned);
        let name = text(out.file_name()).ok_or_else(|| WriteError::NoFileName(out.to_owned()))?;
        if !numbered {
            return Ok(Names { stem: name, extension: String::new(), numbered });
        }
        let extension = text(out.extension()).map(|extension| format!(".{extension}")).unwrap_or_default();
        let stem = name.strip_suffix(&extension).unwrap_or(&name).to_owned();
        Ok(Names { stem, extension, numbered })
    }

    /// Returns the name of the file with this index, from 0.
    fn at(&self, index: usize) -> Option<String> {
        match (self.numbered, index) {
            (true, index) => Some(format!("{}-{:04}{}", self.stem, index + 1, self.extension)),
            (false, 0) => Some(self.stem.clone()),
            (false, _) => None,
        }
    }
}

struct Writer {
    out: PathBuf,
    folder: PathBuf,
    names: Names,
    open: Option<Open>,
    written: Vec<Written>,
    /// The list of what is in no file.
    left_out: Option<Open>,
}

/// A file that is being written.
struct Open {
    name: String,
    file: BufWriter<NamedTempFile>,
    sha256: Sha256,
    bytes: u64,
}

impl Writer {
    fn run(mut self, parts: &Receiver<ExportPart>) -> Result<AllWritten, WriteError> {
        for part in parts {
            match part {
                ExportPart::Bytes(bytes) => self.bytes(&bytes)?,
                ExportPart::FileEnd(totals) => self.end(totals)?,
                ExportPart::LeftOut(line) => self.list(&line)?,
                ExportPart::Warning(_) => {}
            }
        }
        if self.open.is_some() {
            return Err(WriteError::Unfinished);
        }
        let mut left_out = None;
        if let Some(open) = self.left_out.take() {
            let (path, name, bytes, sha256) = self.durable(open)?;
            left_out = Some((path, LeftOutFile { name, bytes, sha256 }));
        }
        Ok(AllWritten { files: self.written, left_out })
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin(self.names.at(self.written.len()).ok_or(WriteError::SeveralFiles)?)?,
        };
        open.write_all(bytes).map_err(|reason| self.error(&open.name, reason))?;
        self.open = Some(open);
        Ok(())
    }

    /// Adds a line to the list of what is in no file.
    fn list(&mut self, line: &LeftOut) -> Result<(), WriteError> {
        let mut open = match self.left_out.take() {
            Some(open) => open,
            None => {
                let path = left_out::path_of(&self.out);
                let name = path.file_name().and_then(OsStr::to_str).ok_or_else(|| WriteError::NoFileName(path.clone()))?;
                let mut open = self.begin(name.to_owned())?;
                left_out::write_header(&mut open).map_err(|reason| self.error(&open.name, reason))?;
                open
            }
        };
        left_out::write_line(&mut open, line).map_err(|reason| self.error(&open.name, reason))?;
        self.left_out = Some(open);
        Ok(())
    }

    fn begin(&self, name: String) -> Result<Open, WriteError> {
        let file = temp_file_in(&self.folder).map_err(|reason| self.error(&name, reason))?;
        Ok(Open { name, file: BufWriter::with_capacity(BUFFER_BYTES, file), sha256: Sha256::new(), bytes: 0 })
    }

    /// Makes a file durable under its temporary name and closes it, since there may be more files than a process may have open.
    fn durable(&self, open: Open) -> Result<(TempPath, String, u64, String), WriteError> {
        let Open { name, file, sha256, bytes } = open;
        let file = file.into_inner().map_err(|error| self.error(&name, error.into_error()))?;
        file.as_file().sync_all().map_err(|reason| self.error(&name, reason))?;
        Ok((file.into_temp_path(), name, bytes, hex::encode(sha256.finalize())))
    }

    fn end(&mut self, totals: ExportTotals) -> Result<(), WriteError> {
        let open = self.open.take().ok_or(WriteError::Unfinished)?;
        let (path, name, bytes, sha256) = self.durable(open)?;
        self.written.push(Written { path, entry: FileEntry { name, bytes, sha256, totals: totals.into() } });
        Ok(())
    }

    fn error(&self, name: &str, reason: io::Error) -> WriteError {
        WriteError::Io { path: self.folder.join(name), reason }
    }
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.sha256.update(bytes.get(..length).unwrap_or_default());
        self.bytes += length as u64;
        Ok(length)
    }

    /// Does nothing: the buffer is written when the file is whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_manifest(manifest: &Manifest, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(temp_file_in(folder(path))?);
    serde_json::to_writer_pretty(&mut file, manifest)?;
    file.write_all(b"\n")?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The new names are durable only once the folder is synced.
    #[cfg(unix)]
    File::open(folder(path))?.sync_all()?;
    Ok(())
}

/// Creates a temporary file in the folder of the file to make, so that the rename is a single step. It is removed if the
/// program fails. Only its owner may read it, because it holds names and tax numbers.
pub(crate) fn temp_file_in(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".host-harness-").suffix(".tmp").tempfile_in(folder)
}

/// Returns the folder that a file is in.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
