//! A simulated disk that may stop at any step and forgets what was not synced. Whatever remains must be a catalog that works.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use end_to_end::guest::Guest;
use end_to_end::sandbox;
use sandbox::Limits;

use crate::disk::Disk;
use crate::{Catalog, Error, Lock, LockedProvider, Version};

const FOLDER: &str = "/catalog";
const COMPONENTS: &str = "/catalog/components";

#[derive(Clone, Default)]
struct Bytes {
    now: Vec<u8>,
    durable: Vec<u8>,
}

/// The index of the file that each name refers to.
type Names = BTreeMap<PathBuf, usize>;

/// The files that remain after the disk stopped.
type Left = BTreeMap<PathBuf, Vec<u8>>;

/// Which steps fail.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fails {
    Never,
    /// The machine stops at this step, counted from 0.
    From(usize),
    /// The disk refuses this one step.
    At(usize),
}

#[derive(Clone)]
struct State {
    files: Vec<Bytes>,
    now: Names,
    durable: Names,
    steps: usize,
    fails: Fails,
}

impl State {
    /// Counts a step, which may fail.
    fn step(&mut self) -> io::Result<()> {
        let step = self.steps;
        self.steps += 1;
        let fails = match self.fails {
            Fails::Never => false,
            Fails::From(first) => step >= first,
            Fails::At(one) => step == one,
        };
        if fails { Err(io::Error::other("no more")) } else { Ok(()) }
    }

    fn file(&mut self, path: &Path) -> io::Result<&mut Bytes> {
        let at = *self.now.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.files[at])
    }

    /// Returns the possible remains: names and bytes that were not synced may be durable or not, in each folder independently.
    fn left(&self) -> Vec<Left> {
        let chosen = |choice: usize| {
            let names = |folder: &str, is_now: bool| {
                let names = if is_now { &self.now } else { &self.durable };
                let is_in = move |(path, _): &(&PathBuf, &usize)| path.parent() == Some(Path::new(folder));
                names.iter().filter(is_in).map(|(path, at)| (path.clone(), *at)).collect::<Vec<_>>()
            };
            let names = [names(FOLDER, choice & 1 > 0), names(COMPONENTS, choice & 2 > 0)].concat();
            let bytes = |at: usize| if choice & 4 > 0 { self.files[at].now.clone() } else { self.files[at].durable.clone() };
            names.into_iter().map(|(path, at)| (path, bytes(at))).collect()
        };
        (0..8).map(chosen).collect()
    }
}

#[derive(Clone)]
struct Simulated(Arc<Mutex<State>>);

impl Simulated {
    fn new() -> Simulated {
        let (now, durable) = (Names::new(), Names::new());
        Simulated(Arc::new(Mutex::new(State { files: Vec::new(), now, durable, steps: 0, fails: Fails::Never })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Returns another disk with everything that is on this one, all of it durable.
    fn copy(&self, fails: Fails) -> Simulated {
        let mut state = self.state().clone();
        state.durable = state.now.clone();
        for file in &mut state.files {
            file.durable = file.now.clone();
        }
        Simulated(Arc::new(Mutex::new(State { steps: 0, fails, ..state })))
    }
}

impl Disk for Simulated {
    fn exclusive(&self, _: &Path) -> io::Result<Box<dyn Send>> {
        Ok(Box::new(()))
    }

    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(io::Cursor::new(self.state().file(path)?.now.clone())))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Duration)>> {
        let state = self.state();
        let names = state.now.keys().filter(|path| path.parent() == Some(folder));
        Ok(names.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), Duration::ZERO)).collect())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let new = state.files.len();
        let at = *state.now.entry(path.to_owned()).or_insert(new);
        if at == new {
            state.files.push(Bytes::default());
        }
        let step = state.step();
        // Overwritten bytes may be lost at once. A write that fails has written half of the bytes.
        let written = if step.is_ok() { bytes.len() } else { bytes.len() / 2 };
        state.files[at] = Bytes { now: bytes[..written].to_vec(), durable: Vec::new() };
        step
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        if let Ok(file) = state.file(path) {
            file.durable = file.now.clone();
            return Ok(());
        }
        let is_elsewhere = |name: &PathBuf, _: &mut usize| name.parent() != Some(path);
        state.durable.retain(is_elsewhere);
        let names: Names =
            state.now.iter().filter(|(name, _)| name.parent() == Some(path)).map(|(k, v)| (k.clone(), *v)).collect();
        state.durable.extend(names);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let at = state.now.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.now.insert(to.to_owned(), at);
        Ok(())
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.file(path).map(drop)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.now.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }
}

/// Makes a component whose provider declares this major version.
fn component(major: &str) -> Vec<u8> {
    let guest = Guest::good().with(|guest| {
        let text = guest.text(&format!("{major}.0.0"));
        guest.description[4..6].copy_from_slice(&text);
    });
    guest.build()
}

/// Returns the version of a [`component`], which is compiled once.
fn version(major: &'static str) -> Version {
    static VERSIONS: Mutex<BTreeMap<&str, Version>> = Mutex::new(BTreeMap::new());
    let load = || Version::of(&sandbox().load(&component(major), Limits::default()).unwrap());
    VERSIONS.lock().unwrap().entry(major).or_insert_with(load).clone()
}

fn publish(catalog: &Catalog, name: &str, major: &'static str) -> Result<(), Error> {
    catalog.stage(&component(major))?;
    catalog.publish(&name.parse().unwrap(), version(major))
}

/// Opens the catalog of a simulated disk. If a step of opening fails, the disk stops there.
fn open(disk: &Simulated) -> Result<Catalog, Error> {
    Catalog::on(Path::new(FOLDER), Box::new(disk.clone()))
}

/// A change: its name, and the function that makes it.
type Change = (&'static str, fn(&Catalog) -> Result<(), Error>);

/// Restores an entry of the lock of [`begun`] under a name that the lock does not have.
fn restore(catalog: &Catalog) -> Result<(), Error> {
    let entry = catalog.lock()?.remove("a").ok_or_else(|| Error::Name("a".to_owned()))?;
    catalog.restore(Lock::from([("e".parse().unwrap(), entry)])).map(drop)
}

const CHANGES: [Change; 7] = [
    ("a new version, by which another one is removed", |catalog| publish(catalog, "a", "3")),
    ("a version that is there for another name", |catalog| publish(catalog, "b", "2")),
    ("a new name", |catalog| publish(catalog, "c", "3")),
    ("back", |catalog| catalog.roll_back(&"a".parse().unwrap()).map(drop)),
    ("a name is removed", |catalog| catalog.remove(&"a".parse().unwrap())),
    ("an entry is written again", restore),
    ("nothing but a stage", |catalog| catalog.stage(&component("3")).map(drop)),
];

/// Makes a disk on which one provider had versions 0 to 2 and another has 5, with the temporary files that a crash left.
fn begun() -> Simulated {
    let disk = Simulated::new();
    let catalog = open(&disk).unwrap();
    for (name, version) in [("a", "0"), ("a", "1"), ("a", "2"), ("b", "5")] {
        publish(&catalog, name, version).unwrap();
    }
    disk.write(Path::new("/catalog/providers.lock.part"), b"[provi").unwrap();
    disk.write(&Path::new(COMPONENTS).join(format!("{}.wasm.part", "0".repeat(64))), b"\0asm").unwrap();
    disk.copy(Fails::Never)
}

/// Opens what remained and checks that it works. Returns its lock.
fn works(left: &Left) -> (Lock, Catalog, Simulated) {
    let disk = Simulated::new();
    for (path, bytes) in left {
        disk.write(path, bytes).unwrap();
    }
    let catalog = open(&disk).unwrap();
    let lock = catalog.lock().unwrap();
    for locked in lock.values() {
        for version in locked.versions() {
            // Only the digest needs a check: `version` has loaded these bytes.
            catalog.component(version).unwrap();
        }
    }
    (lock, catalog, disk)
}

/// Makes a change while a step fails. Returns whether the change has such a step.
fn broken_off(begun: &Simulated, change: Change, fails: Fails, [before, after]: [&Lock; 2]) -> bool {
    let (name, change) = change;
    let disk = begun.copy(fails);
    let done = open(&disk).and_then(|catalog| change(&catalog));
    let failed_at = match fails {
        Fails::Never => None,
        Fails::From(at) | Fails::At(at) => (disk.state().steps > at).then_some(at),
    };
    for (choice, left) in disk.state().left().iter().enumerate() {
        let (lock, catalog, disk) = works(left);
        let place = format!("{name}, {fails:?}, choice {choice}, {done:?}");
        assert!(lock == *before || lock == *after, "{place}: {lock:?}");
        assert!(done.is_err() || lock == *after, "{place}: an acknowledged change is durable");
        // The change can be made now, or made again, and leaves no temporary files.
        if lock == *before {
            change(&catalog).unwrap_or_else(|error| panic!("{place}: {error}"));
        }
        assert_eq!(catalog.lock().unwrap(), *after, "{place}");
        publish(&catalog, "d", "3").unwrap();
        let parts: Vec<PathBuf> = disk.state().now.keys().cloned().collect();
        assert!(!parts.iter().any(|path| path.extension().is_some_and(|end| end == "part")), "{place}: {parts:?}");
    }
    failed_at.is_some()
}

#[test]
fn wherever_it_ends_the_old_or_the_new_is_left_whole() {
    let begun = begun();
    for change in CHANGES {
        let lock = |disk: &Simulated| open(disk).unwrap().lock().unwrap();
        let done = begun.copy(Fails::Never);
        change.1(&open(&done).unwrap()).unwrap();
        let (before, after) = (lock(&begun), lock(&done));
        assert_eq!(before == after, change.0 == "nothing but a stage");
        let steps = |fails: fn(usize) -> Fails| {
            (0..).take_while(|at| broken_off(&begun, change, fails(*at), [&before, &after])).count()
        };
        let (dead, refused) = (steps(Fails::From), steps(Fails::At));
        assert!(dead >= 4 && refused >= 4, "{}: {dead} and {refused} steps were broken off", change.0);
    }
}

#[test]
fn a_disk_that_refuses_one_step_takes_the_next_change() {
    let begun = begun();
    for at in 0..20 {
        let disk = begun.copy(Fails::At(at));
        let catalog = open(&disk).unwrap();
        let is_done = publish(&catalog, "a", "3").is_ok();
        disk.state().fails = Fails::Never;
        publish(&catalog, "a", "3").unwrap();
        for left in disk.state().left() {
            let (lock, ..) = works(&left);
            let locked = LockedProvider { previous: Some(version("2")), ..LockedProvider::new(version("3")) };
            assert_eq!(
                lock["a"], locked,
                "step {at}, published at the first try: {is_done}: an acknowledged change is durable"
            );
        }
    }
}

#[test]
fn a_component_that_somebody_copied_there_is_durable_when_it_is_staged() {
    let disk = begun();
    let path = Path::new(COMPONENTS).join(format!("{}.wasm", version("3").sha256));
    disk.write(&path, &component("3")).unwrap();
    publish(&open(&disk).unwrap(), "a", "3").unwrap();
    for left in disk.state().left() {
        assert_eq!(works(&left).0["a"].current, version("3"));
    }
}
