//! Isolation of calls, one after another and concurrent.

use domain::Settings;
use end_to_end::guest::Guest;
use end_to_end::straight::Straight;
use end_to_end::{component, export_options, genuine, post, settings};
use sandbox::{Error, Limits, LoadError, Sandbox, SandboxConfig};

use super::{callback, case, check, outcome, patient, sandbox, serve};

#[test]
fn calls_share_no_state() {
    // It traps when it is called a second time.
    let once = "(if (i32.load (i32.const 8)) (then unreachable)) (i32.store (i32.const 8) (i32.const 1))";
    let provider = sandbox().load(&Guest::good().first(once).build(), Limits::default()).unwrap();
    let merchant = provider.merchant(Settings::new(settings(&[]))).unwrap();
    for _ in 0..100 {
        merchant.judge(&post(b"")).unwrap();
    }
    let mut session = merchant.session();
    for _ in 0..3 {
        session.judge(&post(b"")).unwrap();
        assert_eq!(outcome(&session.judge(&post(b"")).map(drop)), "merchant.handle-callback: trap");
        // The next session starts afresh.
    }
    check(sandbox(), vec![case("a guest that keeps state", Guest::good().first(once), callback(), "fine")]);
}

#[test]
fn concurrent_calls_are_limited() {
    let sandbox = Sandbox::new(&SandboxConfig::default().with_concurrent_calls_max(2)).unwrap();
    let full = || "limit ConcurrentCalls(2)".to_owned();
    let provider = sandbox.load(&component(), Limits::default()).unwrap();
    let merchant = provider.merchant(Settings::new(settings(&[]))).unwrap();

    let (mut first, mut second, mut third) = (merchant.session(), merchant.session(), merchant.session());
    first.warm_up().unwrap();
    second.warm_up().unwrap();
    assert_eq!(outcome(&third.warm_up()), format!("merchant.configure: {}", full()));
    assert_eq!(
        outcome(&merchant.judge(&post(genuine().as_bytes())).map(drop)),
        format!("merchant.handle-callback: {}", full())
    );
    assert_eq!(outcome(&sandbox.load(&component(), Limits::default()).map(drop)), format!("describe: {}", full()));
    drop(first);
    serve(&provider, "a session ended");
    drop(second);

    let exports = [0, 1].map(|_| merchant.export_writeoffs(&export_options()).unwrap());
    assert_eq!(
        outcome(&merchant.export_writeoffs(&export_options()).map(drop)),
        format!("merchant.export-writeoffs: {}", full())
    );
    drop(exports);
    check(&sandbox, vec![case("too many at once", Guest::good(), callback(), "fine")]);
}

#[test]
fn limits_above_the_sandbox_are_refused() {
    let limits = patient().with_memory_bytes_max((16 << 20) + 1);
    match sandbox().load(&Guest::good().build(), limits) {
        Err(Error::Load(LoadError::LimitsOverSandbox { asked, allowed })) => {
            assert_eq!((asked, allowed), ((16 << 20) + 1, 16 << 20));
        }
        other => panic!("{other:?}"),
    }
    check(sandbox(), vec![case("limits of its own", Guest::good(), callback(), "fine")]);
}
