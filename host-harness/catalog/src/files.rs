//! The catalog's folder: its components, its lock, and the changes to both.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ProviderName;
use sandbox::{Provider, Sandbox};
use sha2::{Digest, Sha256};

use crate::disk::{Disk, Real};
use crate::error::Error;
use crate::lock::{self, Lock, LockedProvider, Version, is_sha256};

const LOCK: &str = "providers.lock";
/// A lock that could not be used, and was replaced.
const DAMAGED_LOCK: &str = "providers.lock.damaged";
const COMPONENTS: &str = "components";
/// The file that is locked while the folder is changed. It stays empty.
const CHANGING: &str = "catalog.lock";
const WASM: &str = ".wasm";
/// The mark beside a component: it names the compiler that compiled it safely.
const COMPILED: &str = ".compiled";
const MARK_BYTES_MAX: u64 = 256;
/// A temporary file, until it is whole and gets its final name.
const PART: &str = ".part";
/// How long a component that nothing refers to stays before it is published: its vetting may take a while.
const STAGED_TIME_MAX: Duration = Duration::from_secs(3600);

/// A folder of providers. Threads and processes may share it.
pub struct Catalog {
    folder: PathBuf,
    disk: Box<dyn Disk>,
    /// In addition to the file's lock, which some systems grant to a process as a whole.
    changing: Mutex<()>,
}

impl Catalog {
    /// Opens a folder, and creates it if it does not exist. A folder without a lock has no providers.
    ///
    /// # Errors
    /// If the folder cannot be created or read.
    pub fn open(folder: &Path) -> Result<Catalog, Error> {
        Catalog::on(folder, Box::new(Real))
    }

    pub(crate) fn on(folder: &Path, disk: Box<dyn Disk>) -> Result<Catalog, Error> {
        let catalog = Catalog { folder: folder.to_owned(), disk, changing: Mutex::new(()) };
        let components = folder.join(COMPONENTS);
        if catalog.disk.list(&components).is_err() {
            catalog.disk.make_folder(&components).map_err(failed("make", &components))?;
            let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            catalog.sync(folder)?;
            catalog.sync(above)?;
        }
        Ok(catalog)
    }

    /// Returns the catalog's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the lock. It may have changed since it was last read: by [`publish`](Catalog::publish) of this or of another
    /// process, or by hand.
    ///
    /// # Errors
    /// [`Error::Lock`] if the lock holds what a lock cannot hold.
    pub fn lock(&self) -> Result<Lock, Error> {
        let path = self.lock_path();
        let unusable = |reason: String| Error::Lock { path: path.clone(), reason };
        let mut bytes = Vec::new();
        match self.disk.open(&path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(Lock::new()),
            read => read.map_err(failed("read", &path))?,
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| unusable(error.to_string()))?;
        lock::read(text).map_err(unusable)
    }

    /// Renames a lock that holds what a lock cannot hold, so that it can be written anew. Returns the path under which it is kept;
    /// `None` if the lock can be used or is missing.
    ///
    /// # Errors
    /// If it cannot be read or renamed.
    pub fn set_damaged_lock_aside(&self) -> Result<Option<PathBuf>, Error> {
        let _changing = self.exclusive()?;
        match self.lock() {
            Err(Error::Lock { path, .. }) => {
                let aside = self.folder.join(DAMAGED_LOCK);
                self.disk.rename(&path, &aside).map_err(failed("rename", &path))?;
                self.sync(&self.folder)?;
                Ok(Some(aside))
            }
            lock => lock.map(|_| None),
        }
    }

    /// Loads a version as it was locked, whatever the lock says now.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::DigestMismatch`] or [`Error::MetadataMismatch`] if the component is not what was locked;
    /// never load it regardless. [`Error::Sandbox`] if the sandbox refuses it.
    pub fn load(&self, sandbox: &Sandbox, locked: &Version) -> Result<Provider, Error> {
        let path = self.component_path(&locked.sha256);
        let bytes = self.component(locked)?;
        let provider =
            self.compiled(sandbox, &bytes, locked).map_err(|reason| Error::Sandbox { path: path.clone(), reason })?;
        let description = provider.description();
        for (what, locked, found) in [("id", &locked.id, &description.id), ("version", &locked.version, &description.version)] {
            if locked != found {
                return Err(Error::MetadataMismatch { path, what, locked: locked.clone(), found: found.clone() });
            }
        }
        Ok(provider)
    }

    /// Loads a component. If the same compiler compiled the same component before, it is not compiled in a child process first,
    /// since that would double the time of a start with several components.
    fn compiled(&self, sandbox: &Sandbox, bytes: &[u8], locked: &Version) -> Result<Provider, sandbox::Error> {
        if !sandbox.checks_compiling() {
            return sandbox.load(bytes, locked.limits);
        }
        let mark = self.folder.join(COMPONENTS).join(format!("{}{COMPILED}", locked.sha256));
        let compiler = sandbox.compiler_id();
        let mut compiled_by = String::new();
        let is_marked =
            self.disk.open(&mark).and_then(|file| file.take(MARK_BYTES_MAX).read_to_string(&mut compiled_by)).is_ok();
        if is_marked && compiled_by == compiler {
            return sandbox.load_compiled_before(bytes, locked.limits);
        }
        let provider = sandbox.load(bytes, locked.limits)?;
        // The mark only saves time. If it cannot be written, or a crash loses it, the component is compiled in a child process
        // again.
        drop(self.disk.write(&mark, compiler.as_bytes()));
        Ok(provider)
    }

    /// Stores a component durably under its digest, and returns the digest. A damaged file of that name is replaced. An
    /// unpublished component stays for an hour; any later change then removes it.
    ///
    /// # Errors
    /// If the component cannot be written.
    pub fn stage(&self, bytes: &[u8]) -> Result<String, Error> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let path = self.component_path(&sha256);
        let _changing = self.exclusive()?;
        match self.read_component(&path, &sha256, usize::MAX) {
            Ok(_) => {
                self.disk.touch(&path).map_err(failed("touch", &path))?;
                // The process that wrote the file may not have synced it.
                self.sync(&path)?;
                self.sync(&self.folder.join(COMPONENTS))?;
            }
            Err(Error::Missing { .. } | Error::DigestMismatch { .. }) => self.replace(&path, bytes)?,
            Err(error) => return Err(error),
        }
        Ok(sha256)
    }

    /// Makes a staged version the current one of a name. The former current version becomes the previous one. Publishing the
    /// current version again changes nothing. Afterwards components that nothing refers to are removed.
    ///
    /// # Errors
    /// [`Error::Name`]. [`Error::Missing`], [`Error::DigestMismatch`] or [`Error::MetadataMismatch`] if the component is not
    /// staged as the version says. [`Error::Disk`], after which the lock is the old one or the new one.
    pub fn publish(&self, name: &ProviderName, version: Version) -> Result<(), Error> {
        self.publish_keeping(name, version, &BTreeSet::new())
    }

    /// Like [`Catalog::publish`], and keeps those of the older versions that are needed, by their SHA-256.
    ///
    /// # Errors
    /// As for [`Catalog::publish`].
    pub fn publish_keeping(&self, name: &ProviderName, version: Version, needed: &BTreeSet<String>) -> Result<(), Error> {
        require_name(name)?;
        let unlockable = |reason| Error::InvalidVersion { name: name.to_string(), reason };
        let version = version.as_locked().map_err(unlockable)?;
        self.change(|lock| {
            self.component(&version)?;
            match lock.get_mut(name) {
                Some(locked) if locked.current == version => {}
                Some(locked) => {
                    let before = std::mem::replace(&mut locked.current, version);
                    locked.kept.extend(locked.previous.replace(before));
                    let in_use = [Some(&locked.current), locked.previous.as_ref()];
                    locked.kept.retain(|kept| needed.contains(&kept.sha256) && !in_use.contains(&Some(kept)));
                }
                None => drop(lock.insert(name.clone(), LockedProvider::new(version))),
            }
            Ok(())
        })
    }

    /// Rolls back to the previous version and returns it. The current version becomes the previous one, so that rolling back
    /// twice changes nothing.
    ///
    /// # Errors
    /// [`Error::Unknown`] and [`Error::NoPrevious`]; otherwise as for [`Catalog::publish`].
    pub fn roll_back(&self, name: &ProviderName) -> Result<Version, Error> {
        self.change(|lock| {
            let locked = lock.get_mut(name).ok_or_else(|| self.unknown(name))?;
            let previous = locked.previous.as_mut().ok_or_else(|| Error::NoPrevious(name.to_string()))?;
            self.component(previous)?;
            std::mem::swap(&mut locked.current, previous);
            Ok(locked.current.clone())
        })
    }

    /// Sets the entry of a name, whatever the lock says of it: for a host that does not follow a lock edited by hand.
    ///
    /// # Errors
    /// As for [`Catalog::publish`].
    pub fn put(&self, name: &ProviderName, locked: LockedProvider) -> Result<(), Error> {
        require_name(name)?;
        self.change(|lock| {
            self.component(&locked.current)?;
            lock.insert(name.clone(), locked);
            Ok(())
        })
    }

    /// Writes entries again that somebody removed from the lock, all in one change, so that no component is removed while its
    /// entry is about to return. An entry whose component is not whole is omitted, and returned with the reason. Of an entry
    /// whose previous or kept version is not whole, only that version is omitted.
    ///
    /// # Errors
    /// If the lock cannot be read or written.
    pub fn restore(&self, entries: Lock) -> Result<BTreeMap<ProviderName, Error>, Error> {
        self.change(|lock| {
            let mut left_out = BTreeMap::new();
            for (name, LockedProvider { current, previous, mut kept }) in entries {
                let found = require_name(&name).and_then(|()| self.component(&current));
                if let Err(error) = found {
                    left_out.insert(name, error);
                    continue;
                }
                let previous = previous.filter(|version| *version != current && self.component(version).is_ok());
                kept.retain(|version| self.component(version).is_ok());
                lock.insert(name, LockedProvider { current, previous, kept });
            }
            Ok(left_out)
        })
    }

    /// Returns the bytes of a staged component.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::DigestMismatch`] if no whole component has this digest.
    pub fn read(&self, sha256: &str) -> Result<Vec<u8>, Error> {
        // The digest becomes part of a path.
        let path = self.component_path(if is_sha256(sha256) { sha256 } else { "none" });
        self.read_component(&path, sha256, usize::MAX).map(|(bytes, _)| bytes)
    }

    /// Removes a name from the lock, and then its components.
    ///
    /// # Errors
    /// [`Error::Unknown`]; otherwise as for [`Catalog::publish`].
    pub fn remove(&self, name: &ProviderName) -> Result<(), Error> {
        self.change(|lock| lock.remove(name).map(drop).ok_or_else(|| self.unknown(name)))
    }

    /// Reads the lock, changes it, writes it, and removes what it no longer refers to, excluding all other changes meanwhile.
    fn change<T>(&self, change: impl FnOnce(&mut Lock) -> Result<T, Error>) -> Result<T, Error> {
        let _changing = self.exclusive()?;
        let before = self.lock()?;
        let mut after = before.clone();
        let changed = change(&mut after)?;
        if after == before {
            // An earlier change may have failed before its last step. What is acknowledged must be durable.
            self.sync(&self.folder)?;
        } else {
            let path = self.lock_path();
            let text = lock::write(&after).map_err(|reason| Error::Lock { path: path.clone(), reason: reason.to_string() })?;
            self.replace(&path, text.as_bytes())?;
        }
        // The change is made. A later change removes what cannot be removed now.
        drop(self.remove_unreferenced(&digests(&before), &digests(&after)));
        Ok(changed)
    }

    /// Removes components that nothing refers to any longer, those staged too long ago, and temporary files that a crash left.
    fn remove_unreferenced(&self, before: &BTreeSet<&str>, after: &BTreeSet<&str>) -> io::Result<()> {
        let components = self.folder.join(COMPONENTS);
        for (name, age) in self.disk.list(&components)? {
            let is_left = match name.strip_suffix(WASM).or_else(|| name.strip_suffix(COMPILED)) {
                Some(sha256) if after.contains(sha256) || !is_sha256(sha256) => false,
                Some(sha256) => before.contains(sha256) || age > STAGED_TIME_MAX,
                None => name.ends_with(PART),
            };
            if is_left {
                self.disk.remove(&components.join(name))?;
            }
        }
        Ok(())
    }

    /// Returns the bytes of a version's component, if they are what is locked.
    pub(crate) fn component(&self, locked: &Version) -> Result<Vec<u8>, Error> {
        let path = self.component_path(&locked.sha256);
        // One byte above the limit, so that the sandbox notices a component that is too large.
        let bytes_max = locked.limits.component_bytes_max.saturating_add(1);
        let (bytes, size_bytes) = self.read_component(&path, &locked.sha256, bytes_max)?;
        if size_bytes != locked.size_bytes {
            let [locked, found] = [locked.size_bytes, size_bytes].map(|size| size.to_string());
            return Err(Error::MetadataMismatch { path, what: "size-bytes", locked, found });
        }
        Ok(bytes)
    }

    /// Returns the first `bytes_max` bytes of a component and its size, if the whole file has this digest.
    fn read_component(&self, path: &Path, sha256: &str, bytes_max: usize) -> Result<(Vec<u8>, u64), Error> {
        let mut bytes = Vec::new();
        let read = |mut file: Box<dyn Read>| {
            let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
            file.by_ref().take(most).read_to_end(&mut bytes)?;
            let mut hash = Sha256::new_with_prefix(&bytes);
            // A file that is too large is hashed without being held in memory.
            let rest = io::copy(&mut file, &mut hash)?;
            Ok((hex::encode(hash.finalize()), rest))
        };
        let (found, rest) = match self.disk.open(path).and_then(read) {
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Err(Error::Missing { path: path.to_owned() }),
            read => read.map_err(failed("read", path))?,
        };
        if found != sha256 {
            return Err(Error::DigestMismatch { path: path.to_owned(), locked: sha256.to_owned(), found });
        }
        let size_bytes = bytes.len() as u64 + rest;
        Ok((bytes, size_bytes))
    }

    /// Replaces a file, whole and durably: a crash leaves the old file or the new one.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let mut part = path.as_os_str().to_owned();
        part.push(PART);
        let part = PathBuf::from(part);
        self.disk.write(&part, bytes).map_err(failed("write", &part))?;
        self.sync(&part)?;
        self.disk.rename(&part, path).map_err(failed("replace", path))?;
        // The name is durable only once the folder is synced.
        self.sync(path.parent().unwrap_or(&self.folder))
    }

    fn sync(&self, path: &Path) -> Result<(), Error> {
        self.disk.sync(path).map_err(failed("sync", path))
    }

    fn exclusive(&self) -> Result<(MutexGuard<'_, ()>, Box<dyn Send>), Error> {
        let mine = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(CHANGING);
        Ok((mine, self.disk.exclusive(&path).map_err(failed("lock", &path))?))
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.join(LOCK)
    }

    fn component_path(&self, sha256: &str) -> PathBuf {
        self.folder.join(COMPONENTS).join(format!("{sha256}{WASM}"))
    }

    fn unknown(&self, name: &str) -> Error {
        Error::Unknown { name: name.to_owned(), path: self.lock_path() }
    }
}

/// A name that somebody remembered may be one that no lock has: it could not be read again.
fn require_name(name: &ProviderName) -> Result<(), Error> {
    if ProviderName::is_valid(name) { Ok(()) } else { Err(Error::Name(name.to_string())) }
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |reason| Error::Disk { operation, path, reason }
}

/// Returns the digests that a lock refers to.
fn digests(lock: &Lock) -> BTreeSet<&str> {
    lock.values().flat_map(LockedProvider::versions).map(|version| version.sha256.as_str()).collect()
}
