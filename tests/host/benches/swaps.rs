//! The latency of callbacks while a component that is as hard to compile as possible is swapped in, compared with a good one.
//!
//! `cargo xtask bench swaps`. The kinds of swap alternate. During each, genuine callbacks are sent repeatedly over a few
//! connections until the swap is answered. It does not matter whether the hard components are accepted or refused; checking
//! them costs the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use end_to_end::bombs::{module_with, with_module};
use end_to_end::figures::{self, Figure, Goal};
use end_to_end::{component, with_custom_section};
use host_tests::host::PROVIDER;
use host_tests::{CallbackSpec, Folder, Host};
use sandbox::Resource;
use support::Wire;
use support::wire::callback;

const SWAPS: usize = 5;
const CONNECTIONS: u64 = 4;
const KOPECKS: i64 = 10_000;
/// How close to its limit a resource of a hard component is, in percent.
const PERCENT: usize = 90;
/// How many times the p99 during a good swap the p99 during a hard one may be.
const RATIO_MAX: f64 = 2.0;

const HARD: [(Resource, &str); 3] = [
    (Resource::Instructions, "one of as many instructions as may be"),
    (Resource::LiveValues, "one of as many live values as may be"),
    (Resource::Functions, "one of as many functions as may be"),
];

fn main() -> std::process::ExitCode {
    // `cargo test --benches` does not pass this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return std::process::ExitCode::SUCCESS;
    }
    let folder = Folder::default();
    let host = folder.start();
    let account = "100500";
    host.api.put_account(account);
    let specs: Vec<CallbackSpec> =
        (1..=CONNECTIONS).map(|at| CallbackSpec::payment(&host.api.order(account, KOPECKS), at, KOPECKS)).collect();
    let good = component();
    let hard = HARD.map(|(resource, _)| {
        let count = usize::try_from(resource.max()).unwrap() * PERCENT / 100;
        with_module(&good, &module_with(resource, count))
    });

    let quiet = p99(&host, &specs, || thread::sleep(Duration::from_secs(5)));
    let mut by_good = Vec::new();
    let mut by_hard: [Vec<f64>; HARD.len()] = Default::default();
    for round in 0..SWAPS {
        by_good.push(p99(&host, &specs, || swap(&host, &with_custom_section(&good, &round.to_string()))));
        for (component, measured) in hard.iter().zip(&mut by_hard) {
            measured.push(p99(&host, &specs, || swap(&host, &with_custom_section(component, &round.to_string()))));
        }
    }
    let of =
        |name: &str, samples: Vec<f64>| Figure::of(&format!("a callback's p99 {name}, the median of {SWAPS}"), "ms", samples);
    let good = of("while a good component is swapped in", by_good);
    let mut figures = vec![Figure::of("a callback's p99 without a swap", "ms", vec![quiet]), good.clone()];
    for ((_, name), measured) in HARD.into_iter().zip(by_hard) {
        figures.push(of(&format!("while {name} is"), measured).to(&good).goal(Goal::AtMost(RATIO_MAX)));
    }
    figures::write("swaps", &figures);
    std::process::ExitCode::SUCCESS
}

/// Returns the 99th percentile of the latency, in milliseconds, of callbacks that are sent while `work` runs.
fn p99(host: &Host, specs: &[CallbackSpec], work: impl FnOnce()) -> f64 {
    let done = AtomicBool::new(false);
    let mut latencies: Vec<Duration> = thread::scope(|scope| {
        let clients: Vec<_> = specs.iter().map(|spec| scope.spawn(|| deliver_until(host, spec, &done))).collect();
        work();
        done.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|teller| teller.join().unwrap()).collect()
    });
    latencies.sort_unstable();
    latencies[(latencies.len() - 1) * 99 / 100].as_secs_f64() * 1e3
}

fn deliver_until(host: &Host, spec: &CallbackSpec, done: &AtomicBool) -> Vec<Duration> {
    let mut wire = Wire::open(host.address).unwrap();
    let request = callback(&spec.body());
    let mut latencies = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let began = Instant::now();
        assert_eq!(wire.ask(&request).unwrap(), 200);
        latencies.push(began.elapsed());
    }
    latencies
}

/// Swaps a component in. The host may refuse it.
fn swap(host: &Host, component: &[u8]) {
    let (status, said) = host.api.try_swap(PROVIDER, component).unwrap();
    assert!(status == 200 || status == 422, "{status} {said}");
}
