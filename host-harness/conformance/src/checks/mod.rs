//! The checks, one file each.

mod answers;
mod calls;
mod description;
mod determinism;
mod exports;
mod fuzz_inputs;
mod limits;
mod links;
mod mutations;
mod operations;
mod paths;
mod proved;
mod questions;
mod replies;
mod reports;
mod requests;
mod samples;
mod secrets;
mod settings;

use crate::check_context::{CheckContext, not_checked};
use crate::report::{Check, Checked, Findings, Outcome};

/// A check.
pub struct Rule {
    name: &'static str,
    summary: &'static str,
    run: fn(&CheckContext) -> Checked,
}

/// All checks. `contract` is the first. `secrets` is the last, since it reports what the calls of all others showed.
pub const RULES: [Rule; 20] = [
    rule("contract", "it exports the contract with its types, imports nothing, and says who it is", contract),
    rule("description", "its defaults are valid, and are what configure takes for what is left out", description::check),
    rule("settings", "what can be entered wrong is refused, all at once, each with its field", settings::check),
    rule("samples", "each sample has its verdict, its event and its code", samples::check),
    rule("operations", "each link, status, refund, charge and report of the vectors has its result", operations::check),
    rule("determinism", "the same input has the same questions and answer: fresh, warm, on many threads", determinism::check),
    rule("mutations", "a genuine callback that was changed is refused, or is the same event", mutations::check),
    rule("refunds", "what is no payment never becomes one, however it is changed", mutations::refunds),
    rule("proved", "what is proved is never dropped, and what only informs decides nothing", proved::check),
    rule("paths", "what follows the callback address makes no event", paths::check),
    rule("replies", "an open reply is there for every outcome of its events", replies::check),
    rule("questions", "nothing is asked and no call is made before a signature holds", questions::check),
    rule("answers", "an answer to a call is believed only as it was given, and a lost one never", answers::check),
    rule("any-input", "whatever comes in, there is an answer, and nothing unsigned is accepted", fuzz_inputs::check),
    rule("links", "a link carries its order's exact amount, in its form and in its url", links::check),
    rule("limits", "a call that is cut off anywhere has no answer, or the same one", limits::check),
    rule("exports", "totals are exact, files add up, a bad row is refused by row and field", exports::check),
    rule("reports", "a report has the same rows in any pieces, and adds up", reports::check),
    rule("calls", "calls go to the named hosts alone, by TLS", calls::check),
    rule("secrets", "no secret is in anything that it says, plain or disguised", secrets::check),
];

const fn rule(name: &'static str, summary: &'static str, run: fn(&CheckContext) -> Checked) -> Rule {
    Rule { name, summary, run }
}

impl Rule {
    /// Runs the check.
    pub fn check(&self, subject: &CheckContext) -> Check {
        let outcome = match (self.run)(subject) {
            Ok(findings) => findings.outcome(|finding| subject.watch().redact(finding)),
            Err(outcome) => outcome,
        };
        self.with(match outcome {
            Outcome::Failed { .. } if subject.was_busy() => {
                not_checked("the sandbox had no room for more calls; check again when it is less busy")
            }
            outcome => outcome,
        })
    }

    /// Makes the check's result from an outcome.
    pub fn with(&self, outcome: Outcome) -> Check {
        Check { name: self.name, summary: self.summary, outcome }
    }
}

/// Holds for every component that is loaded: [`sandbox::Sandbox::load`] refuses all others.
fn contract(subject: &CheckContext) -> Checked {
    let mut findings = Findings::default();
    findings.expect(subject.provider.imports().is_empty(), || "it imports something".to_owned());
    Ok(findings)
}
