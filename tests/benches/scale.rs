//! The cost of many merchants and many components, and whether a call among them is slower than a call of a single one.
//!
//! `cargo xtask bench scale`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::hint::black_box;
use std::time::Duration;

use domain::{Settings, Verdict};
use end_to_end::figures::{self, Figure, Goal, side_by_side};
use end_to_end::straight::Straight;
use end_to_end::{component, full_callback, post, settings, with_custom_section};
use sandbox::{Limits, Merchant, Provider, Sandbox, SandboxConfig};

const COMPONENTS: usize = 100;
const MERCHANTS: usize = 10_000;
const ROUNDS: usize = 40;
const TIMES: usize = 250;

fn main() {
    // `cargo test --benches` does not pass this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let bytes = component();
    // One-time set-up is not counted.
    let sandbox = Sandbox::new(&SandboxConfig::default()).unwrap();
    // Different bytes make it a separate component.
    let load = |mark: &str| sandbox.load(&with_custom_section(&bytes, mark), Limits::default()).unwrap();
    let alone = merchant_of(&load("alone"), 0);
    let request = post(full_callback().as_bytes());
    assert!(matches!(alone.judge(&request).unwrap().verdict, Verdict::Happened(_)));

    let before = memory_kilobytes();
    let providers: Vec<Provider> = (0..COMPONENTS).map(|at| load(&at.to_string())).collect();
    let loaded = memory_kilobytes();
    let merchants: Vec<Merchant> = (0..MERCHANTS).map(|at| merchant_of(&providers[at % COMPONENTS], at)).collect();
    let configured = memory_kilobytes();
    // Merchants of one component, of ten, and of all. Each call is to the next merchant, and so to another component.
    let of = |components: usize| {
        let some: Vec<&Merchant> = (0..MERCHANTS).filter(|at| at % COMPONENTS < components).map(|at| &merchants[at]).collect();
        some.into_iter().cycle()
    };
    let (mut of_one, mut of_ten, mut of_all) = (of(1), of(10), of(COMPONENTS));
    let call = |merchant: &Merchant| drop(black_box(merchant.judge(black_box(&request)).unwrap()));
    let [alone, one, ten, all] = side_by_side(
        ROUNDS,
        TIMES,
        [
            &mut || call(&alone),
            &mut || of_one.next().into_iter().for_each(call),
            &mut || of_ten.next().into_iter().for_each(call),
            &mut || of_all.next().into_iter().for_each(call),
        ],
    );
    let alone = Figure::of_times("callback, fresh, of one merchant", &alone);
    let among = |name: &str, times: &[Duration]| Figure::of_times(&format!("callback, fresh, {name}"), times).to(&alone);
    let each = |kilobytes: u64, number: usize| vec![kilobytes as f64 / number as f64];
    figures::write(
        "scale",
        &[
            Figure::of("memory of a loaded component", "KiB", each(loaded - before, COMPONENTS)),
            Figure::of("memory of a configured merchant", "KiB", each(configured - loaded, MERCHANTS)).goal(Goal::AtMost(1.0)),
            alone.clone(),
            among("each time of another merchant", &one).goal(Goal::AtMost(1.1)),
            among("each time of another of 10 components", &ten),
            among("each time of another of 100 components", &all),
        ],
    );
}

fn merchant_of(provider: &Provider, at: usize) -> Merchant {
    let comment = format!("Пополнение баланса через ЛК {at}");
    provider.merchant(Settings::new(settings(&[("comment", &comment)]))).unwrap()
}

/// Returns the resident memory of this process.
fn memory_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
