//! The examples that billing developers copy run unchanged.

#[path = "../../host-harness/host/examples/billing.rs"]
#[allow(dead_code, reason = "the example has a main of its own")]
mod billing;
#[path = "../../host-harness/sandbox/examples/embed.rs"]
#[allow(dead_code, reason = "the example has a main of its own")]
mod sandbox_alone;

use std::path::Path;

use domain::EntryKind;
use end_to_end::{PRODUCT, component_path, order, signed};
use sandbox::{Error, LoadError};

const GENUINE: &str = "transaction_type=Purchase&customer_id=001234-100000062&transaction_id=56244472&total=100.00\
    &product_id=001234-0001-0001&currency=RUB&cs1=42&sign=361e40a4bfe23530d6521546e2bbbeb9";

#[test]
fn embedded_sandbox_credits_a_top_up_once() {
    let mut billing = sandbox_alone::Billing::default();
    for _ in 0..2 {
        let reply = sandbox_alone::top_up(&mut billing, &order(), &component_path(), GENUINE.as_bytes()).unwrap();
        assert_eq!((reply.status, &reply.body[..]), (200, &b"OK"[..]));
    }
    assert_eq!(billing.credited.len(), 1);
    let fields = [
        ("customer_id", "001234-100000062"),
        ("transaction_type", "Purchase"),
        ("product_id", PRODUCT),
        ("currency", "RUB"),
        ("cs1", "42"),
    ];
    let other_amount = signed(&[&fields[..], &[("transaction_id", "56244473"), ("total", "1.00")]].concat());
    let reply = sandbox_alone::top_up(&mut billing, &order(), &component_path(), other_amount.as_bytes()).unwrap();
    assert_eq!((reply.status, billing.credited.len()), (200, 1), "it is proved, and fits no order");
}

#[test]
fn embedded_sandbox_says_what_is_missing() {
    let error =
        sandbox_alone::top_up(&mut sandbox_alone::Billing::default(), &order(), Path::new("no-such.wasm"), b"").unwrap_err();
    assert!(matches!(error, Error::Load(LoadError::Unreadable { .. })), "{error}");
}

#[test]
fn embedded_host_enters_a_top_up() {
    let data = tempfile::tempdir().unwrap();
    let entry = billing::top_up(data.path(), &component_path()).unwrap();
    assert!(entry.at > 1_790_000_000, "the entry must have the host's time: {}", entry.at);
    assert_eq!((entry.kind, entry.amount.minor_units, entry.account.as_str()), (EntryKind::Payment, 10_000, "100500"));
}
