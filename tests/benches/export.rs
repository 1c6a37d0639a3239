//! EnterpriseData of a big month: the component against the same writer as plain Rust, side by side, the same bytes out.
//!
//! `cargo xtask bench export`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use end_to_end::month::{RATES, month};
use end_to_end::{convert, export_options, merchant, native};
use kit::Provider as _;
use sandbox::records::{ExportOptions, ExportPart, Writeoff};

const ROWS: usize = 1_000_000;
const ROWS_AT_ONCE: usize = 256;
const ROUNDS: usize = 3;

fn main() {
    // `cargo test --benches` passes no such argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let options = ExportOptions { format: "enterprise-data-1.17".into(), ..export_options() };
    println!("{ROWS} write-offs, enterprise-data-1.17, {ROUNDS} rounds, the best of each");
    let mut best = [Duration::MAX; 2];
    let mut bytes = [0; 2];
    for _ in 0..ROUNDS {
        for (at, run) in [by_native, by_component].iter().enumerate() {
            let (time, length) = run(&options);
            best[at] = best[at].min(time);
            bytes[at] = length;
        }
    }
    assert_eq!(bytes[0], bytes[1], "both wrote the same");
    for (name, time) in ["native", "component"].iter().zip(best) {
        let seconds = time.as_secs_f64();
        println!("{name:<10} {:>8.0} rows/s  {:>6.0} MB/s", ROWS as f64 / seconds, bytes[0] as f64 / seconds / 1e6);
    }
    println!("component / native = {:.2}", best[0].as_secs_f64() / best[1].as_secs_f64());
}

/// The time within the writer alone, and how many bytes came out.
fn by_native(options: &ExportOptions) -> (Duration, usize) {
    let mut export = native(&[]).export_writeoffs(&convert::export_options(options.clone())).unwrap();
    let (mut time, mut bytes) = (Duration::ZERO, 0);
    let mut read = |export: &mut kit::Export| {
        while let Some(part) = export.read() {
            if let kit::contract::ExportPart::Bytes(part) = black_box(part) {
                bytes += part.len();
            }
        }
    };
    batches(|rows| {
        let rows: Vec<_> = rows.into_iter().map(convert::writeoff).collect();
        let began = Instant::now();
        export.append(rows).unwrap();
        read(&mut export);
        time += began.elapsed();
    });
    let began = Instant::now();
    export.finish().unwrap();
    read(&mut export);
    (time + began.elapsed(), bytes)
}

fn by_component(options: &ExportOptions) -> (Duration, usize) {
    let mut export = merchant(&[]).export_writeoffs(options).unwrap();
    let (mut time, mut bytes) = (Duration::ZERO, 0);
    let mut count = |parts: Vec<ExportPart>| {
        for part in parts {
            if let ExportPart::Bytes(part) = black_box(part) {
                bytes += part.len();
            }
        }
    };
    batches(|rows| {
        let began = Instant::now();
        count(export.append(&rows).unwrap());
        time += began.elapsed();
    });
    let began = Instant::now();
    count(export.finish().unwrap().1);
    (time + began.elapsed(), bytes)
}

fn batches(mut take: impl FnMut(Vec<Writeoff>)) {
    let mut rows = month(ROWS, RATES);
    loop {
        let batch: Vec<Writeoff> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        if batch.is_empty() {
            return;
        }
        take(batch);
    }
}
