//! Loading ChronoPay's component, in total and by step, and beside it one without exports and one that only exports.
//!
//! `cargo xtask bench load`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use end_to_end::figures::{self, Figure, Goal, side_by_side};
use end_to_end::{component, component_of, component_path, component_path_of, sandbox};
use sandbox::Limits;
use sha2::{Digest, Sha256};
use wasmparser::Validator;
use wasmtime::component::Component;

const ROUNDS: usize = 20;

fn main() {
    // `cargo test --benches` does not pass this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (path, bytes) = (component_path(), component());
    let (robokassa, onec) = (component_path_of("robokassa"), component_path_of("onec"));
    let [load, read, hash, verify, compile, load_robokassa, load_onec] = side_by_side(
        ROUNDS,
        1,
        [
            &mut || drop(black_box(sandbox().load_file(black_box(&path), Limits::default()).unwrap())),
            &mut || drop(black_box(std::fs::read(black_box(&path)).unwrap())),
            &mut || {
                black_box(Sha256::digest(black_box(&bytes)));
            },
            &mut || {
                black_box(Validator::new().validate_all(black_box(&bytes)).unwrap());
            },
            &mut || drop(black_box(Component::new(sandbox().engine(), black_box(&bytes)).unwrap())),
            &mut || drop(black_box(sandbox().load_file(black_box(&robokassa), Limits::default()).unwrap())),
            &mut || drop(black_box(sandbox().load_file(black_box(&onec), Limits::default()).unwrap())),
        ],
    );
    let of = |name: &str, times: Vec<std::time::Duration>| {
        Figure::of(name, "ms", times.iter().map(|time| time.as_secs_f64() * 1e3).collect())
    };
    let load = of("load of the component", load);
    let part = |name: &str, times| of(name, times).to(&load);
    let others = [
        part("load: read", read),
        part("load: hash", hash),
        part("load: verify", verify),
        part("load: compile", compile),
        part("load of Robokassa, without exports", load_robokassa),
        part("load of onec, exports alone", load_onec),
    ];
    let size_of = |name: &str, bytes: &[u8]| Figure::of(name, "KiB", vec![bytes.len() as f64 / 1024.0]);
    let size = size_of("size of the component", &bytes);
    let sizes = [
        size_of("size of Robokassa, without exports", &component_of("robokassa")).to(&size),
        size_of("size of onec, exports alone", &component_of("onec")).to(&size),
    ];
    let of_chronopay = [size.goal(Goal::AtMost(96.0)), load.clone().goal(Goal::AtMost(60.0))];
    figures::write("load", &[&of_chronopay[..], &others[..], &sizes[..]].concat());
}
