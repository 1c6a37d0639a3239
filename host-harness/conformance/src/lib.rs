//! What every payment provider must pass, with no knowledge of which one it is.
//!
//! A provider's author gives a component and [`Vectors`]: a merchant to test with, and callbacks with what is to become of them.
//! `host-harness check COMPONENT --vectors FILE` prints the [`Report`]; a host checks a provider that it has loaded by
//! [`check_provider`], with [`Effort::Quick`].
//!
//! # The checks
//!
//! | name | what holds |
//! |---|---|

mod checks;
mod inputs;
mod made_up;
mod mutate;
mod report;
mod subject;
mod text;
mod vectors;
mod watch;

use sandbox::{Error, Limits, Provider, Sandbox};

pub use report::{Check, Outcome, Report};
pub use vectors::{Expected, Sample, Vectors, VectorsError};

use subject::{Subject, not_checked};

/// How much is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// Hundreds of thousands of inputs, on a few threads: seconds to a minute.
    Full,
    /// A few thousand of the same inputs, on one thread: well under a second, beside a host that serves others.
    Quick,
}

/// Checks a component. One that cannot be loaded fails the check `contract`, and nothing else of it is checked.
///
/// The same seed makes the same inputs.
pub fn check(
    sandbox: &Sandbox,
    component: &[u8],
    limits: Limits,
    vectors: Option<&Vectors>,
    effort: Effort,
    seed: u64,
) -> Report {
    match sandbox.load(component, limits) {
        Ok(provider) => check_provider(&provider, vectors, effort, seed),
        Err(error) => not_loaded(&error, seed),
    }
}

/// Checks a provider that is loaded.
pub fn check_provider(provider: &Provider, vectors: Option<&Vectors>, effort: Effort, seed: u64) -> Report {
    let subject = Subject::new(provider, vectors, effort, seed);
    let description = provider.description();
    Report {
        sha256: Some(provider.sha256().to_owned()),
        id: Some(description.id.clone()),
        version: Some(description.version.clone()),
        seed,
        checks: checks::RULES.iter().map(|rule| rule.check(&subject)).collect(),
    }
}

fn not_loaded(error: &Error, seed: u64) -> Report {
    let outcome = |at| match at {
        0 => Outcome::Fails { findings: vec![error.to_string()] },
        _ => not_checked("the component cannot be loaded"),
    };
    let checks = checks::RULES.iter().enumerate().map(|(at, rule)| rule.with(outcome(at))).collect();
    Report { sha256: None, id: None, version: None, seed, checks }
}
