//! Providers on a real disk, loaded by a real sandbox.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use catalog::{Catalog, Error, Lock, LockedProvider, Version};
use domain::ProviderName;
use end_to_end::guest::Guest;
use end_to_end::sandbox;
use sandbox::{Limit, Limits, LoadError};

/// A folder with a catalog, removed after the test.
struct Place {
    folder: tempfile::TempDir,
    catalog: Catalog,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("providers")).unwrap();
        Place { folder, catalog }
    }

    fn again(&self) -> Catalog {
        Catalog::open(&self.folder.path().join("providers")).unwrap()
    }

    fn lock_path(&self) -> PathBuf {
        self.catalog.folder().join("providers.lock")
    }

    fn file(&self, sha256: &str) -> PathBuf {
        self.catalog.folder().join("components").join(format!("{sha256}.wasm"))
    }

    /// Returns the names of the components, in order.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.catalog.folder().join("components")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.lock_path()).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(self.lock_path(), text.replacen(from, to, 1)).unwrap();
    }

    fn versions(&self, name: &str) -> (String, Option<String>) {
        let LockedProvider { current, previous, .. } = self.catalog.lock().unwrap().remove(name).unwrap();
        (current.version, previous.map(|previous| previous.version))
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

fn version(bytes: &[u8]) -> Version {
    Version::of(&sandbox().load(bytes, Limits::default()).unwrap())
}

fn publish(catalog: &Catalog, name: &str, number: &str) -> Version {
    let bytes = component(number);
    assert_eq!(catalog.stage(&bytes).unwrap(), version(&bytes).sha256);
    catalog.publish(&of(name), version(&bytes)).unwrap();
    version(&bytes)
}

/// A name, which need not be one that a lock takes.
fn of(name: &str) -> ProviderName {
    ProviderName::stored(name)
}

fn sorted(versions: &[&Version]) -> Vec<String> {
    let mut names: Vec<_> = versions.iter().map(|version| format!("{}.wasm", version.sha256)).collect();
    names.sort();
    names
}

fn age(path: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    std::fs::File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn needed_versions_are_kept_until_they_are_not_needed() {
    let place = Place::new();
    let [one, two] = ["1", "2"].map(|number| publish(&place.catalog, "pay", number));
    let needed = BTreeSet::from([one.sha256.clone()]);
    let replace = |number: &str, needed: &BTreeSet<String>| {
        let bytes = component(number);
        place.catalog.stage(&bytes).unwrap();
        place.catalog.publish_keeping(&of("pay"), version(&bytes), needed).unwrap();
        version(&bytes)
    };
    let three = replace("3", &needed);
    assert_eq!(place.catalog.lock().unwrap()["pay"].kept, std::slice::from_ref(&one));
    let four = replace("4", &needed);
    assert_eq!(place.catalog.lock().unwrap()["pay"].kept, std::slice::from_ref(&one), "the second is not needed");
    assert_eq!(place.files(), sorted(&[&one, &three, &four]));
    assert_eq!(place.again().lock().unwrap()["pay"].kept, std::slice::from_ref(&one));
    // What is in use again is not kept besides.
    let bytes = component("1");
    place.catalog.publish_keeping(&of("pay"), version(&bytes), &needed).unwrap();
    assert_eq!(place.catalog.lock().unwrap()["pay"].kept, []);
    assert_eq!(replace("5", &BTreeSet::new()).version, "5.0.0");
    replace("6", &BTreeSet::new());
    assert!(!place.files().contains(&format!("{}.wasm", one.sha256)) && two.version == "2.0.0");
}

#[test]
fn provider_is_published_replaced_and_rolled_back() {
    let place = Place::new();
    assert_eq!(place.catalog.lock().unwrap(), Lock::new());
    let [one, two, three] = ["1", "2", "3"].map(|number| publish(&place.catalog, "pay", number));
    assert_eq!(
        place.catalog.lock().unwrap()["pay"],
        LockedProvider { previous: Some(two.clone()), ..LockedProvider::new(three.clone()) }
    );
    assert_eq!(place.files(), sorted(&[&two, &three]), "nothing refers to the first one");
    // As another process does, or this one after a restart.
    let again = place.again();
    let loaded = again.load(sandbox(), &again.lock().unwrap()["pay"].current).unwrap();
    assert_eq!((loaded.sha256(), loaded.description().version.as_str()), (three.sha256.as_str(), "3.0.0"));

    assert_eq!(again.roll_back(&of("pay")).unwrap(), two);
    assert_eq!(place.versions("pay"), ("2.0.0".to_owned(), Some("3.0.0".to_owned())));
    assert_eq!(place.catalog.load(sandbox(), &two).unwrap().description().version, "2.0.0");
    assert_eq!(place.catalog.roll_back(&of("pay")).unwrap(), three);
    // Publishing the current version again changes nothing, and the previous version stays.
    again.publish(&of("pay"), three.clone()).unwrap();
    assert_eq!(place.versions("pay"), ("3.0.0".to_owned(), Some("2.0.0".to_owned())));
    // The same component under other limits is another version.
    let limits = three.limits.with_fuel_max(5);
    again.publish(&of("pay"), Version { limits, ..three.clone() }).unwrap();
    assert_eq!(place.versions("pay"), ("3.0.0".to_owned(), Some("3.0.0".to_owned())));
    assert_eq!(place.files(), sorted(&[&three]));

    assert!(matches!(again.load(sandbox(), &one), Err(Error::Missing { path }) if path == place.file(&one.sha256)));
    place.catalog.remove(&of("pay")).unwrap();
    assert_eq!((place.catalog.lock().unwrap(), place.files()), (Lock::new(), vec![]));
}

#[test]
fn altered_component_is_refused() {
    let place = Place::new();
    let good = component("1");
    let locked = publish(&place.catalog, "pay", "1");
    let other = component("2");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut altered: Vec<Vec<u8>> = (0..good.len()).step_by(good.len() / 20).map(flipped).collect();
    altered.extend([flipped(good.len() - 1), good[..good.len() - 1].to_vec(), Vec::new(), [&good[..], b"\0"].concat()]);
    // Another whole component, one with the same description, and one that is far too large.
    let twin = Guest::good().code("more", "(func)").build();
    altered.extend([other, twin, [&good[..], &vec![0; 5 << 20]].concat()]);
    for bytes in altered {
        std::fs::write(place.file(&locked.sha256), &bytes).unwrap();
        let found_now = end_to_end_sha256(&bytes);
        let is_told = |error: Error| {
            let text = error.to_string();
            let Error::DigestMismatch { path, locked: told, found } = error else { panic!("{text}") };
            assert_eq!((path, &told, &found), (place.file(&locked.sha256), &locked.sha256, &found_now));
            assert!(text.contains(&told) && text.contains(&found), "{text}");
        };
        is_told(place.catalog.load(sandbox(), &locked).unwrap_err());
        is_told(place.catalog.publish(&of("other"), locked.clone()).unwrap_err());
    }
    // Staging it again makes it whole.
    place.catalog.stage(&good).unwrap();
    place.catalog.load(sandbox(), &locked).unwrap();
    // Nor can a damaged or missing component be rolled back to.
    publish(&place.catalog, "pay", "2");
    for break_it in [|path: &Path| std::fs::write(path, "").unwrap(), |path: &Path| std::fs::remove_file(path).unwrap()] {
        break_it(&place.file(&locked.sha256));
        assert!(matches!(place.catalog.roll_back(&of("pay")), Err(Error::DigestMismatch { .. } | Error::Missing { .. })));
        assert_eq!(place.versions("pay"), ("2.0.0".to_owned(), Some("1.0.0".to_owned())));
    }
}

fn end_to_end_sha256(bytes: &[u8]) -> String {
    hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes))
}

#[test]
fn component_must_match_locked_id_and_version() {
    let place = Place::new();
    publish(&place.catalog, "pay", "1");
    let size = component("1").len().to_string();
    for (what, from, to) in [
        ("id", "id = \"hostile\"", "id = \"friendly\""),
        ("version", "version = \"1.0.0\"", "version = \"1.0.1\""),
        ("size-bytes", &format!("size-bytes = {size}"), "size-bytes = 7"),
    ] {
        place.edit(from, to);
        let error = place.catalog.load(sandbox(), &place.catalog.lock().unwrap()["pay"].current).unwrap_err();
        let said = |part: &str| part.rsplit(' ').next().unwrap().trim_matches('"').to_owned();
        let Error::MetadataMismatch { what: told, locked, found, .. } = &error else { panic!("{error}") };
        assert_eq!((*told, locked, found), (what, &said(to), &said(from)), "{error}");
        place.edit(to, from);
    }
    place.catalog.load(sandbox(), &place.catalog.lock().unwrap()["pay"].current).unwrap();
}

#[test]
fn locked_limits_apply() {
    let place = Place::new();
    let locked = publish(&place.catalog, "pay", "1");
    let under = |limits: Limits| place.catalog.load(sandbox(), &Version { limits, ..locked.clone() });
    let limits = Limits::default().with_fuel_max(9_999_999).with_time_max(Duration::from_millis(99));
    place.catalog.publish(&of("pay"), Version { limits, ..locked.clone() }).unwrap();
    let current = place.catalog.lock().unwrap()["pay"].current.clone();
    assert_eq!(*place.catalog.load(sandbox(), &current).unwrap().limits(), limits);

    let too_large = under(limits.with_component_bytes_max(component("1").len() - 1));
    let Err(Error::Sandbox { reason: sandbox::Error::Load(LoadError::TooLarge { what: "component", .. }), .. }) = too_large
    else {
        panic!("{too_large:?}")
    };
    under(limits.with_component_bytes_max(component("1").len())).unwrap();
    let no_fuel = under(limits.with_fuel_max(1));
    let Err(Error::Sandbox { reason: sandbox::Error::Limit { limit: Limit::Fuel(1), .. }, path }) = no_fuel else {
        panic!("{no_fuel:?}")
    };
    assert_eq!(path, place.file(&locked.sha256));
}

#[test]
fn non_provider_is_not_published() {
    let place = Place::new();
    let locked = publish(&place.catalog, "pay", "1");
    let lock = std::fs::read(place.lock_path()).unwrap();
    let publish = |name: &str, version| place.catalog.publish(&of(name), version).unwrap_err();
    assert!(matches!(publish("Pay", locked.clone()), Error::Name(name) if name == "Pay"));
    let outside = Version { sha256: "../providers".into(), ..locked.clone() };
    assert!(matches!(publish("pay", outside), Error::InvalidVersion { name, .. } if name == "pay"));
    assert!(matches!(publish("pay", Version { sha256: "0".repeat(64), ..locked.clone() }), Error::Missing { .. }));
    let wrong_size = Version { size_bytes: 1, ..locked.clone() };
    assert!(matches!(publish("pay", wrong_size), Error::MetadataMismatch { what: "size-bytes", .. }));
    for name in ["other", "pay"] {
        let error = place.catalog.roll_back(&of(name)).unwrap_err();
        assert!(matches!(error, Error::Unknown { .. } | Error::NoPrevious(_)), "{error}");
    }
    assert!(matches!(place.catalog.remove(&of("other")), Err(Error::Unknown { name, .. }) if name == "other"));
    // The sandbox detects a staged file that is not a component.
    let sha256 = place.catalog.stage(b"no component").unwrap();
    let none = Version { sha256, size_bytes: 12, ..locked };
    assert!(matches!(place.catalog.load(sandbox(), &none), Err(Error::Sandbox { .. })));
    assert_eq!(std::fs::read(place.lock_path()).unwrap(), lock, "nothing was changed");
}

#[test]
fn hand_edited_lock_is_reread() {
    let place = Place::new();
    for name in ["other", "pay"] {
        publish(&place.catalog, name, "1");
    }
    place.edit("fuel-max = 10000000\n", "# Less is enough.\nfuel-max = 5_000_000\n");
    assert_eq!(place.catalog.lock().unwrap()["other"].current.limits.fuel_max, 5_000_000);
    // The other entries stay as they are.
    publish(&place.catalog, "pay", "2");
    let lock = place.catalog.lock().unwrap();
    assert_eq!((lock["other"].current.limits.fuel_max, lock["pay"].current.version.as_str()), (5_000_000, "2.0.0"));

    place.edit("[providers.other.limits]", "[providers.other.limit]");
    let broken = std::fs::read(place.lock_path()).unwrap();
    let bytes = component("3");
    place.catalog.stage(&bytes).unwrap();
    for error in [
        place.catalog.lock().unwrap_err(),
        place.catalog.publish(&of("pay"), version(&bytes)).unwrap_err(),
        place.catalog.roll_back(&of("pay")).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(matches!(error, Error::Lock { path, .. } if path == place.lock_path()), "{text}");
        assert!(text.contains("line 12") && text.contains("unknown field `limit`"), "{text}");
    }
    assert_eq!(std::fs::read(place.lock_path()).unwrap(), broken, "a lock that cannot be read is not written over");
    std::fs::write(place.lock_path(), b"\xff").unwrap();
    assert!(matches!(place.catalog.lock(), Err(Error::Lock { .. })));
}

#[test]
fn unreferenced_components_are_removed_after_a_delay() {
    let place = Place::new();
    let locked = publish(&place.catalog, "pay", "1");
    let [fresh, stale, restaged] = ["2", "3", "4"].map(|number| place.catalog.stage(&component(number)).unwrap());
    age(&place.file(&stale), 3601);
    age(&place.file(&restaged), 3601);
    age(&place.file(&locked.sha256), 100_000);
    place.catalog.stage(&component("4")).unwrap();
    let components = place.catalog.folder().join("components");
    for name in ["readme.txt", "other.wasm", &format!("{stale}.wasm.part"), &format!("{}.wasm.part", "0".repeat(64))] {
        std::fs::write(components.join(name), "half").unwrap();
        age(&components.join(name), 3601);
    }
    let two = publish(&place.catalog, "other", "5");
    let mut want = sorted(&[&locked, &two]);
    want.extend([fresh, restaged].map(|sha256| format!("{sha256}.wasm")));
    want.extend(["readme.txt", "other.wasm"].map(str::to_owned));
    want.sort();
    assert_eq!(place.files(), want);
}

#[test]
fn concurrent_changes_are_all_applied() {
    const CHANGERS: usize = 8;
    const CHANGES: usize = 6;
    let place = Place::new();
    let versions = ["1", "2"].map(|number| {
        place.catalog.stage(&component(number)).unwrap();
        version(&component(number))
    });
    std::thread::scope(|scope| {
        for changer in 0..CHANGERS {
            // As another process does: only the folder is shared.
            let catalog = place.again();
            let versions = &versions;
            scope.spawn(move || {
                for change in 0..CHANGES {
                    let name = format!("pay-{changer}-{change}");
                    catalog.publish(&of(&name), versions[0].clone()).unwrap();
                    catalog.publish(&of(&name), versions[1].clone()).unwrap();
                }
            });
        }
    });
    let lock = place.catalog.lock().unwrap();
    assert_eq!(lock.len(), CHANGERS * CHANGES);
    let [one, two] = versions;
    let locked = LockedProvider { previous: Some(one), ..LockedProvider::new(two) };
    assert!(lock.values().all(|from_name| *from_name == locked), "{lock:?}");
}

#[test]
fn readers_never_see_partial_lock() {
    let place = Place::new();
    for number in ["1", "2"] {
        publish(&place.catalog, "pay", number);
    }
    std::thread::scope(|scope| {
        let catalog = place.again();
        let changes = scope.spawn(move || (0..100).for_each(|_| drop(catalog.roll_back(&of("pay")).unwrap())));
        let (mut read, mut seen) = (0, std::collections::BTreeSet::new());
        while !changes.is_finished() || read < 10 {
            let lock = place.catalog.lock().unwrap();
            let loaded = place.catalog.load(sandbox(), &lock["pay"].current).unwrap();
            seen.insert(loaded.description().version.clone());
            read += 1;
        }
        assert!(!seen.is_empty());
        changes.join().unwrap();
    });
    assert_eq!(place.versions("pay"), ("2.0.0".to_owned(), Some("1.0.0".to_owned())), "a hundred times is even");
}
