//! The checks, one file each.

pub mod mutations;
mod samples;

use sandbox::Error;

use crate::report::{Check, Findings, Outcome};
use crate::subject::{Subject, not_checked};

/// What a check gives: what it found, or why it could not be made or is about nothing.
pub type Checked = Result<Findings, Outcome>;

/// A check.
pub struct Rule {
    name: &'static str,
    says: &'static str,
    run: fn(&Subject) -> Checked,
}

/// All of them. `contract` is the first, and `secrets` the last, since it tells what all calls before it showed.
pub const RULES: [Rule; 2] = [
    Rule {
        name: "contract",
        says: "it exports the contract with its types, imports nothing, and says who it is",
        run: contract,
    },
    Rule { name: "samples", says: "each sample has its verdict, its event and its code", run: samples::check },
];

impl Rule {
    /// Makes the check.
    pub fn check(&self, subject: &Subject) -> Check {
        let outcome = match (self.run)(subject) {
            Ok(findings) => findings.outcome(|finding| subject.watch().redact(finding)),
            Err(outcome) => outcome,
        };
        self.with(match outcome {
            Outcome::Fails { .. } if subject.was_busy() => {
                not_checked("the sandbox had no room for more calls; check again when it is less busy")
            }
            outcome => outcome,
        })
    }

    /// The check with an outcome.
    pub fn with(&self, outcome: Outcome) -> Check {
        Check { name: self.name, says: self.says, outcome }
    }
}

/// What is loaded keeps it: [`sandbox::Sandbox::load`] refuses all else.
fn contract(subject: &Subject) -> Checked {
    let mut findings = Findings::default();
    findings.expect(subject.provider.imports().is_empty(), || "it imports something".to_owned());
    Ok(findings)
}

/// An error that is no answer, as a finding says it.
pub fn failure(what: &str, error: &Error) -> String {
    format!("{what}: {error}")
}
