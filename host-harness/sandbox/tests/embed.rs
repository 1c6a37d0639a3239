//! The example that billing developers copy runs as it stands.

#[path = "../examples/embed.rs"]
#[allow(dead_code, reason = "the example has a main of its own")]
mod embed;

use std::path::Path;

use sandbox::{Error, LoadError};

const GENUINE: &str = "transaction_type=Purchase&customer_id=001234-100000062&transaction_id=56244472&total=100.00\
    &product_id=001234-0001-0001&currency=RUB&cs1=42&sign=361e40a4bfe23530d6521546e2bbbeb9";

#[test]
fn example_processes_top_up() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), |dir| workspace.join(dir));
    let component = target.join("components/chronopay.wasm");
    assert!(component.is_file(), "there is no {}; run `cargo xtask build`", component.display());
    embed::top_up(&component, GENUINE.as_bytes()).unwrap();
}

#[test]
fn example_reports_missing_input() {
    let error = embed::top_up(Path::new("no-such.wasm"), b"").unwrap_err();
    assert!(matches!(error, Error::Load(LoadError::Unreadable { .. })), "{error}");
}
