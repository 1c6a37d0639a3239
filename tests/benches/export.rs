//! EnterpriseData of a big month: the component side by side with the same writer as native Rust. Both write the same bytes.
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

use domain::{ExportOptions, ExportPart, ExportRow};
use end_to_end::figures::{self, Figure, Goal};
use end_to_end::month::{RATES, month};
use end_to_end::{convert, export_options, merchant, native};
use kit::Provider as _;

const ROWS: usize = 1_000_000;
const ROWS_AT_ONCE: usize = 256;
const ROUNDS: usize = 3;

fn main() {
    // `cargo test --benches` does not pass this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    // The month has all rates, also the general one of before 2026.
    let extra = vec![("other-vat-rate".to_owned(), "20".to_owned())];
    let options = ExportOptions { format: "enterprise-data-1.17".into(), extra, ..export_options() };
    let mut rows: [Vec<f64>; 2] = Default::default();
    let mut bytes = [0; 2];
    for _ in 0..ROUNDS {
        for (at, run) in [by_native, by_component].iter().enumerate() {
            let (time, length) = run(&options);
            rows[at].push(time.as_secs_f64() * 1e6 / ROWS as f64);
            bytes[at] = length;
        }
    }
    assert_eq!(bytes[0], bytes[1], "both writers must write the same number of bytes");
    let [native, component] = rows;
    let native = Figure::of("export, a row of 1,000,000, native", "µs", native);
    let component = Figure::of("export, a row of 1,000,000", "µs", component).to(&native).goal(Goal::AtMost(2.0));
    let size = Figure::of("export, a row of 1,000,000, written", "bytes", vec![bytes[0] as f64 / ROWS as f64]);
    figures::write("export", &[native, component, size]);
}

/// Returns the time spent in the writer alone, and the size of the output in bytes.
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

fn batches(mut take: impl FnMut(Vec<ExportRow>)) {
    let mut rows = month(ROWS, RATES);
    loop {
        let batch: Vec<ExportRow> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        if batch.is_empty() {
            return;
        }
        take(batch);
    }
}
