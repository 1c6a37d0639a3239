//! Files that are not valid components: damaged, truncated or something else. Each is refused with a typed error, never by a
//! panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{Settings, Verdict};
use end_to_end::straight::{Straight, judged_measured, linked_measured};
use end_to_end::{component, component_path, genuine, merchant, order, post, provider, sandbox, settings};
use sandbox::{Error, Limit, Limits, LoadError, Provider};
use sha2::{Digest, Sha256};

/// The step between the lengths to which the component is truncated. This and the next one are primes, so that every alignment
/// occurs.
const CUT_STRIDE: usize = 97;
/// The step between the bytes that are damaged. A component that is still valid is compiled.
const FLIP_STRIDE: usize = 1999;

fn load(bytes: &[u8]) -> Result<Provider, Error> {
    catch_unwind(AssertUnwindSafe(|| sandbox().load(bytes, Limits::default()))).expect("loading does not panic")
}

/// Returns the name of a load error; empty if the component was loaded.
fn refusal(result: &Result<Provider, Error>) -> String {
    match result {
        Ok(_) => String::new(),
        Err(Error::Load(error)) => format!("{error:?}").split(|char: char| !char.is_alphanumeric()).next().unwrap().to_owned(),
        Err(other) => panic!("not a load error: {other:?}"),
    }
}

fn serves(provider: &Provider) {
    let merchant = provider.merchant(Settings::new(settings(&[]))).unwrap();
    let answer = merchant.judge(&post(genuine().as_bytes())).unwrap();
    assert!(matches!(answer.verdict, Verdict::Happened(_)), "{answer:?}");
}

/// Calls `work` with every number below `length`, on all of the machine's processors.
fn in_parallel(length: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::Relaxed) {
                        at if at < length => work(at),
                        _ => return,
                    }
                }
            });
        }
    });
}

#[test]
fn loaded_component_is_the_file() {
    let bytes = component();
    let provider = sandbox().load_file(&component_path(), Limits::default()).unwrap();
    assert_eq!(provider.sha256(), hex::encode(Sha256::digest(&bytes)));
    assert_eq!(provider.size_bytes(), bytes.len());
    assert_eq!(provider.description(), load(&bytes).unwrap().description());
    serves(&provider);
}

#[test]
fn non_components_are_refused() {
    let module = wat::parse_str("(module (func (export \"describe\")))").unwrap();
    let empty_component = b"\0asm\x0d\0\x01\0";
    for (what, bytes, want) in [
        ("nothing", &b""[..], "NotWasm"),
        ("a text", "Это не компонент.\n".as_bytes(), "NotWasm"),
        ("the text of a component", b"(component)", "NotWasm"),
        ("a program", b"\x7fELF\x02\x01\x01\0", "NotWasm"),
        ("half a magic number", b"\0as", "NotWasm"),
        ("a magic number alone", b"\0asm", "NotWasm"),
        ("a version that is none", b"\0asm\x63\0\x01\0", "NotWasm"),
        ("an old component", b"\0asm\x0c\0\x01\0", "NotWasm"),
        ("a core module", &module, "CoreModule"),
        ("a core module that is cut off", &module[..module.len() - 3], "CoreModule"),
        ("an empty component", empty_component, "NoContract"),
        ("an empty component and a byte", &[empty_component, &b"\x01"[..]].concat(), "Invalid"),
    ] {
        assert_eq!(refusal(&load(bytes)), want, "{what}");
    }
    let said = load(&module).unwrap_err().to_string();
    assert!(said.contains("make one of it with `host-harness component`"), "{said}");
    serves(&load(&component()).unwrap());
}

#[test]
fn unreadable_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().join("missing.wasm"), directory.path().to_owned()] {
        let result = sandbox().load_file(&path, Limits::default());
        assert!(matches!(&result, Err(Error::Load(LoadError::Unreadable { path: named, .. })) if *named == path), "{result:?}");
    }
}

#[test]
fn limits_can_be_changed_after_loading() {
    let provider = load(&component()).unwrap();
    let with = |limits| provider.with_limits(limits);
    let short = with(Limits::default().with_fuel_max(1000)).unwrap();
    assert!(matches!(short.describe(), Err(Error::Limit { limit: Limit::Fuel(1000), .. })));
    assert_eq!(provider.describe().unwrap(), *provider.description());
    assert!(matches!(short.merchant(Settings::new(settings(&[]))), Err(Error::Limit { .. })));
    let small = with(Limits::default().with_component_bytes_max(provider.size_bytes() - 1));
    assert!(matches!(small, Err(Error::Load(LoadError::TooLarge { what: "component", .. }))));
    let small = with(Limits::default().with_memory_bytes_max(64 << 10));
    assert!(matches!(small, Err(Error::Load(LoadError::TooLarge { what: "memory", .. }))));
    let large = with(Limits::default().with_memory_bytes_max(Limits::MEMORY_BYTES_MAX + 1));
    assert!(matches!(large, Err(Error::Load(LoadError::LimitsOverSandbox { .. }))));
    serves(&provider);
}

#[test]
fn oversized_files_are_refused() {
    let bytes = component();
    let limits = |component_bytes_max| Limits::default().with_component_bytes_max(component_bytes_max);
    serves(&sandbox().load(&bytes, limits(bytes.len())).unwrap());
    serves(&sandbox().load_file(&component_path(), limits(bytes.len())).unwrap());
    let small = limits(bytes.len() - 1);
    for result in [sandbox().load(&bytes, small), sandbox().load_file(&component_path(), small)] {
        match result {
            Err(Error::Load(LoadError::TooLarge { what: "component", needed, allowed })) => {
                assert_eq!((needed, allowed), (bytes.len() as u64, bytes.len() as u64 - 1));
            }
            other => panic!("{other:?}"),
        }
    }
    // A file that is much too large is not read to its end.
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(1 << 40).unwrap();
    assert_eq!(refusal(&sandbox().load_file(file.path(), Limits::default())), "TooLarge");
}

#[test]
fn truncated_component_is_refused() {
    let bytes = component();
    let abilities = provider().abilities().len();
    in_parallel(bytes.len().div_ceil(CUT_STRIDE), |at| {
        let (cut, rest) = bytes.split_at(at * CUT_STRIDE);
        match load(cut) {
            Err(Error::Load(_)) => {}
            // The rest may start with a custom section, or with the interface of an ability, both of which a component can do without.
            Ok(loaded) => assert!(rest[0] == 0 || loaded.abilities().len() < abilities, "it was cut at {}", cut.len()),
            Err(other) => panic!("cut at {}: {other:?}", cut.len()),
        }
    });
    serves(&load(&bytes).unwrap());
}

#[test]
fn damaged_component_is_refused_or_stays_within_limits() {
    let bytes = component();
    let refused = AtomicUsize::new(0);
    let flips = bytes.len().div_ceil(FLIP_STRIDE);
    in_parallel(flips, |at| {
        let mut damaged = bytes.clone();
        damaged[at * FLIP_STRIDE] ^= 1 << (at % 8);
        match load(&damaged) {
            // The flip hit data, a name, or an instruction whose other form is valid as well.
            Ok(provider) => assert_eq!(provider.sha256(), hex::encode(Sha256::digest(&damaged))),
            Err(Error::Load(LoadError::Engine(reason))) => panic!("byte {}: {reason}", at * FLIP_STRIDE),
            Err(Error::Load(_) | Error::Contract { .. } | Error::Limit { .. } | Error::Trap { .. }) => {
                refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(other) => panic!("byte {}: {other:?}", at * FLIP_STRIDE),
        }
    });
    let refused = refused.into_inner();
    assert!(0 < refused && refused < flips, "{refused} of {flips} are refused");
    serves(&load(&bytes).unwrap());
}

#[test]
fn calls_report_usage() {
    let merchant = merchant(&[]);
    let (mut links, mut callbacks) = (merchant.session(), merchant.session());
    let link = links.link(&order()).unwrap();
    assert_eq!(linked_measured(&merchant, &order()).unwrap(), (link, links.usage()));
    let request = post(genuine().as_bytes());
    let answer = callbacks.judge(&request).unwrap();
    assert_eq!(judged_measured(&merchant, &request).unwrap(), (answer, callbacks.usage()));
}
