//! `check`: checks that a component passes what every provider must pass.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use conformance::{Effort, Report, Vectors};
use sandbox::Limits;
use serde::Serialize;

use crate::failure::{Failure, NOT_LOADED, REFUSED};
use crate::{input, output};

/// Enough for the concurrent calls, and for what stays open beside them.
const CONCURRENT_CALLS_MAX: u32 = 16;
/// A seed has at most this many digits, so that a program can read it as any kind of number.
const SEED_MAX: u64 = 999_999_999;

/// Checks that a component is a provider that can be trusted with payments, whichever it is: no changed, spliced or random
/// callback is accepted, links carry the amount, exports sum up, limits are kept, no secret gets out. Give --vectors: most checks
/// need a merchant's settings and genuine callbacks.
///
/// Exit codes: 0 all checks hold, 3 one fails or could not be made, 5 the component cannot be loaded.
///
/// Example: host-harness check chronopay.wasm --vectors check.json
#[derive(clap::Args)]
pub struct Arguments {
    /// The component, such as target/components/chronopay.wasm.
    component: PathBuf,
    /// A JSON file: "settings" by name, "callbacks", each with "name", "request", "answers", "verdict", and "event" or "code",
    /// and "operations", each with "name", "function", "input", "answers" and "expect".
    #[arg(long)]
    vectors: Option<PathBuf>,
    /// Tries a hundredth of the inputs, in less than a second.
    #[arg(long)]
    quick: bool,
    /// Repeats the random inputs of an earlier run, which printed it.
    #[arg(long)]
    seed: Option<u64>,
    /// Prints JSON: passed, seconds, seed, sha256, id, version, checks (name, summary, outcome, cases, findings or reason).
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Printed<'r> {
    passed: bool,
    seconds: f64,
    #[serde(flatten)]
    report: &'r Report,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let component = input::component(&arguments.component)?;
    let vectors = arguments
        .vectors
        .as_deref()
        .map(|path| Vectors::from_json(&input::read(path)?).map_err(|error| Failure::file(path, error)));
    let vectors = vectors.transpose()?;
    let effort = if arguments.quick { Effort::Quick } else { Effort::Full };
    let seed = arguments.seed.map_or_else(random_seed, Ok)?;
    let sandbox = input::sandbox(CONCURRENT_CALLS_MAX)?;
    let began = Instant::now();
    let report = conformance::check(&sandbox, &component, Limits::default(), vectors.as_ref(), effort, seed);
    let seconds = began.elapsed().as_secs_f64();
    if arguments.json {
        output::json(&Printed { passed: report.passes(), seconds, report: &report })?;
    } else {
        let verdict = if report.passes() { "passed" } else { "FAILED" };
        output::line(&format!("{report}{verdict}: {}; {seconds:.1} s, --seed {seed}", report.verdict()))?;
    }
    Ok(match (report.is_loaded(), report.passes()) {
        (false, _) => ExitCode::from(NOT_LOADED),
        (true, false) => ExitCode::from(REFUSED),
        (true, true) => ExitCode::SUCCESS,
    })
}

fn random_seed() -> Result<u64, Failure> {
    let random = getrandom::u64().map_err(|error| Failure::Usage(format!("cannot make a seed: {error}; give --seed")))?;
    Ok(random % (SEED_MAX + 1))
}
