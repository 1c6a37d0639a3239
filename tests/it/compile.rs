//! Components that would take the compiler too long are refused before they are compiled. Those that slip through are stopped
//! in a child process.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use end_to_end::bombs::{globals_of_additions, module_with, with_module};
use end_to_end::guest::Guest;
use end_to_end::{component, sandbox};
use sandbox::{CompileCheck, Error, Limits, LoadError, Provider, Resource, Sandbox, SandboxConfig};

const RESOURCES: [Resource; 7] = [
    Resource::Functions,
    Resource::Instructions,
    Resource::FunctionInstructions,
    Resource::LiveValues,
    Resource::StartSteps,
    Resource::SignatureValues,
    Resource::DeclarationBytes,
];
/// The rest is left for the other parts of the component.
const PERCENT: u64 = 90;

/// Returns a check in a child process like the product's, but without its limits.
fn check() -> CompileCheck {
    CompileCheck::new(PathBuf::from(env!("CARGO_BIN_EXE_compile-check")), &[])
}

fn with(resource: Resource, count: u64) -> Vec<u8> {
    with_module(&Guest::good().build(), &module_with(resource, usize::try_from(count).unwrap()))
}

fn load(bytes: &[u8]) -> Result<Provider, Error> {
    sandbox().load(bytes, Limits::default())
}

#[test]
fn component_just_within_a_limit_compiles_in_time_and_memory() {
    for resource in RESOURCES {
        let bytes = with(resource, resource.max() * PERCENT / 100);
        let usage = match check().run(&bytes) {
            Ok(usage) => usage,
            // The limit allows what a JavaScript engine needs. Code that is as hard to compile as possible may still be stopped
            // in the child.
            Err(LoadError::Uncompilable(reason)) if resource == Resource::Instructions => {
                println!("{resource:?}: {reason}");
                continue;
            }
            Err(error) => panic!("{resource:?}: {error}"),
        };
        println!("{resource:?}: {:?}, {} MiB", usage.cpu, usage.memory_bytes >> 20);
        assert!(usage.cpu <= Duration::from_secs(CompileCheck::CPU_SECONDS_MAX), "{resource:?}: {usage:?}");
        assert!(usage.memory_bytes <= 512 << 20, "{resource:?}: {usage:?}");
        load(&bytes).unwrap_or_else(|error| panic!("{resource:?}: {error}"));
    }
}

#[test]
fn component_just_beyond_a_limit_is_refused_at_once() {
    for resource in RESOURCES {
        let bytes = with(resource, resource.max() * 11 / 10);
        let began = Instant::now();
        match load(&bytes) {
            Err(Error::Load(LoadError::TooCostly { resource: found, needed, allowed })) => {
                assert_eq!((found, allowed), (resource, resource.max()));
                assert!(needed > allowed);
            }
            other => panic!("{resource:?}: {other:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{resource:?}");
    }
}

#[test]
fn global_initializers_count_as_start_cost() {
    let (globals, additions) = (1_000, usize::try_from(Resource::StartSteps.max()).unwrap() / 2_000 * 11 / 10);
    let bytes = with_module(&Guest::good().build(), &globals_of_additions(globals, additions));
    let refused = load(&bytes);
    let is_refused = matches!(refused, Err(Error::Load(LoadError::TooCostly { resource: Resource::StartSteps, .. })));
    assert!(is_refused, "{refused:?}");
    load(&with_module(&Guest::good().build(), &globals_of_additions(globals, additions / 2))).unwrap();
}

#[test]
fn combined_cost_is_limited() {
    let mut bytes = Guest::good().build();
    for resource in [Resource::Functions, Resource::StartSteps, Resource::LiveValues] {
        bytes = with_module(&bytes, &module_with(resource, usize::try_from(resource.max() * 7 / 10).unwrap()));
    }
    let Err(Error::Load(LoadError::TooCostlyTogether(shares))) = load(&bytes) else { panic!("it is loaded") };
    assert!(shares.iter().filter(|(_, percent)| *percent >= 60).count() == 3, "{shares:?}");
}

/// Each component instantiates the one inside it twice, so that a few lines become a million instances.
#[test]
fn nested_components_count_per_instantiation() {
    let mut text = "(component $c0 (type (tuple u8 u8)))".to_owned();
    for depth in 1..25 {
        let inner = depth - 1;
        text = format!("(component $c{depth} {text} (instance (instantiate $c{inner})) (instance (instantiate $c{inner})))");
    }
    let began = Instant::now();
    let refused = load(&wat::parse_str(&text).unwrap());
    let is_refused = matches!(refused, Err(Error::Load(LoadError::TooCostly { resource: Resource::DeclarationBytes, .. })));
    assert!(is_refused, "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn compile_child_over_its_limits_refuses_component() {
    let bytes = with(Resource::Instructions, Resource::Instructions.max() / 2);
    let uncompilable = |check: CompileCheck| match check.run(&bytes) {
        Err(LoadError::Uncompilable(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let reason = uncompilable(CompileCheck { cpu_seconds_max: 1, ..check() });
    assert!(reason.contains("1 s of processor time"), "{reason}");
    let reason = uncompilable(CompileCheck { memory_bytes_max: 32 << 20, ..check() });
    assert!(reason.contains("32 MiB of memory"), "{reason}");
    let reason = uncompilable(CompileCheck { time_max: Duration::ZERO, ..check() });
    assert!(reason.contains("more than 0 s"), "{reason}");
}

#[test]
fn sandbox_asks_compile_child_first() {
    let loads = |check: CompileCheck| {
        let config = SandboxConfig::default().with_concurrent_calls_max(2).with_compile_check(Some(check));
        let sandbox = Sandbox::new(&config).unwrap();
        sandbox.load(&component(), Limits::default()).map(drop)
    };
    loads(check()).unwrap();
    let refused = loads(CompileCheck { time_max: Duration::ZERO, ..check() });
    assert!(matches!(refused, Err(Error::Load(LoadError::Uncompilable(_)))), "{refused:?}");
    for (program, says) in [("/nowhere", "cannot be started"), ("/bin/true", "no check of a compile")] {
        match loads(CompileCheck { program: PathBuf::from(program), ..check() }) {
            Err(Error::Load(LoadError::CompileCheck { reason, .. })) => assert!(reason.contains(says), "{reason}"),
            other => panic!("{program}: {other:?}"),
        }
    }
}

#[test]
fn component_in_use_is_compiled_once() {
    // The child ends at once, so that nothing can be compiled with the check.
    let refuses = CompileCheck { time_max: Duration::ZERO, ..check() };
    let config = SandboxConfig::default().with_concurrent_calls_max(2).with_compile_check(Some(refuses));
    let sandbox = Sandbox::new(&config).unwrap();
    let used = sandbox.load_compiled_before(&component(), Limits::default()).unwrap();
    let small = Limits::default().with_memory_bytes_max(64 << 10);
    assert!(matches!(sandbox.load(&component(), small), Err(Error::Load(LoadError::TooLarge { what: "memory", .. }))));
    let again = sandbox.load(&component(), Limits::default()).unwrap();
    assert_eq!((again.sha256(), again.description()), (used.sha256(), used.description()));
    drop((used, again));
    let refused = sandbox.load(&component(), Limits::default());
    assert!(matches!(refused, Err(Error::Load(LoadError::Uncompilable(_)))), "{refused:?}");
}
