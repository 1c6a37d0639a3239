//! The findings of the checks, and the report made from them.

use std::fmt;

use domain::{Facts, ProvedEvent, Verdict};
use sandbox::Error;
use serde::Serialize;

/// The most findings of one check that are stored; the others are only counted.
const FINDINGS_MAX: usize = 8;
/// The most of them that have one cause.
const ALIKE_MAX: usize = 2;

/// The result of all checks.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The component's SHA-256 in lower-case hexadecimal; `None` if the component cannot be loaded.
    pub sha256: Option<String>,
    /// The provider's id; `None` if the component cannot be loaded.
    pub id: Option<String>,
    /// The provider's version; `None` if the component cannot be loaded.
    pub version: Option<String>,
    /// The seed of the random inputs: the same seed makes the same inputs.
    pub seed: u64,
    /// The callback fields of which the description says that they decide the kind of an event and are not signed. Who repeats a genuine
    /// callback can change them, and the checks allow that.
    pub unsigned_fields: Vec<String>,
    /// Every check, in the order of [the crate's list](crate#the-checks).
    pub checks: Vec<Check>,
}

/// One check and its outcome.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Kebab-case: `any-input`.
    pub name: &'static str,
    /// What is true of a provider that passes.
    pub summary: &'static str,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The outcome of a check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The check holds.
    Passed {
        /// How many cases were checked.
        cases: u64,
    },
    /// The check does not hold.
    Failed {
        /// What was found, each with the input that shows it. At most eight, and a last one that counts the others. None holds
        /// a secret of the vectors.
        findings: Vec<String>,
    },
    /// The provider has nothing to which the check applies, which is fine.
    NotApplicable {
        /// Why.
        reason: String,
    },
    /// The check could not be made.
    Skipped {
        /// Why, and what to do.
        reason: String,
    },
}

/// The result of a check's function: its findings, or the outcome of a check that was skipped or does not apply.
pub type Checked = Result<Findings, Outcome>;

/// The findings of the mutations of genuine samples.
#[derive(Clone)]
pub struct MutationFindings {
    pub all: Findings,
    /// Those where something other than a payment became a payment.
    pub refunds: Findings,
}

impl Report {
    /// Reports whether every check was made and none fails.
    pub fn passes(&self) -> bool {
        let good = |check: &Check| matches!(check.outcome, Outcome::Passed { .. } | Outcome::NotApplicable { .. });
        self.checks.iter().all(good)
    }

    /// Reports whether a check fails. A skipped check does not count as failed.
    pub fn fails(&self) -> bool {
        self.checks.iter().any(|check| matches!(check.outcome, Outcome::Failed { .. }))
    }

    /// Reports whether the component could be loaded.
    pub fn is_loaded(&self) -> bool {
        self.sha256.is_some()
    }

    /// Returns the outcome of the check with this name.
    pub fn outcome(&self, name: &str) -> Option<&Outcome> {
        self.checks.iter().find(|check| check.name == name).map(|check| &check.outcome)
    }

    /// Returns the verdict in a line: `12 checks: 9 passed, 1 failed (links), 1 skipped (samples), 1 not applicable`.
    pub fn verdict(&self) -> String {
        let named = |is: fn(&Outcome) -> bool| -> Vec<&str> {
            self.checks.iter().filter(|check| is(&check.outcome)).map(|check| check.name).collect()
        };
        let mut parts = Vec::new();
        for (what, names, are_named) in [
            ("passed", named(|outcome| matches!(outcome, Outcome::Passed { .. })), false),
            ("failed", named(|outcome| matches!(outcome, Outcome::Failed { .. })), true),
            ("skipped", named(|outcome| matches!(outcome, Outcome::Skipped { .. })), true),
            ("not applicable", named(|outcome| matches!(outcome, Outcome::NotApplicable { .. })), true),
        ] {
            if !names.is_empty() {
                let listed = if are_named { format!(" ({})", names.join(", ")) } else { String::new() };
                parts.push(format!("{} {what}{listed}", names.len()));
            }
        }
        format!("{} checks: {}", self.checks.len(), parts.join(", "))
    }
}

impl fmt::Display for Report {
    /// Writes a line for each check, with its findings beneath.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.id, &self.version, &self.sha256) {
            (Some(id), Some(version), Some(sha256)) => writeln!(f, "{id} {version}, sha256 {sha256}")?,
            _ => writeln!(f, "the component cannot be loaded")?,
        }
        for Check { name, summary, outcome } in &self.checks {
            let (word, rest) = match outcome {
                Outcome::Passed { cases } => ("passed", format!("{summary} ({cases} cases)")),
                Outcome::Failed { .. } => ("FAILED", (*summary).to_owned()),
                Outcome::NotApplicable { reason } => ("n/a", reason.clone()),
                Outcome::Skipped { reason } => ("SKIPPED", reason.clone()),
            };
            writeln!(f, "  {word:<12} {name:<12} {rest}")?;
            if let Outcome::Failed { findings } = outcome {
                findings.iter().try_for_each(|finding| writeln!(f, "    - {finding}"))?;
            }
        }
        for field in &self.unsigned_fields {
            let what = "not signed by the payment system, and decides what a callback reports: who repeats one can change it";
            writeln!(f, "  {:<12} {field}: {what}", "note")?;
        }
        Ok(())
    }
}

/// Collects the cases of a check.
#[derive(Clone, Default)]
pub(crate) struct Findings {
    cases: u64,
    found: Vec<Finding>,
    /// The count of findings that were not stored.
    more: u64,
    /// What findings of one cause have in common, and how many of them were not stored.
    more_alike: Vec<(String, u64)>,
}

#[derive(Clone)]
struct Finding {
    text: String,
    /// What it has in common with others of the same cause, such as the field that was changed.
    alike: Option<String>,
}

/// One case: `Ok`, or what is wrong with it.
pub(crate) type Case = Result<(), String>;

impl Findings {
    /// Counts a case.
    pub fn case(&mut self, case: Case) {
        self.cases += 1;
        if let Err(text) = case {
            self.push(Finding { text, alike: None });
        }
    }

    /// Counts a case with a finding, of which there may be many of one cause.
    pub fn alike(&mut self, alike: Option<String>, text: String) {
        self.cases += 1;
        self.push(Finding { text, alike });
    }

    fn push(&mut self, finding: Finding) {
        let known = self.found.iter().filter(|known| known.alike == finding.alike).count();
        match finding.alike {
            Some(alike) if known == ALIKE_MAX => self.add_alike(alike, 1),
            _ if self.found.len() < FINDINGS_MAX => self.found.push(finding),
            _ => self.more += 1,
        }
    }

    fn add_alike(&mut self, alike: String, count: u64) {
        match self.more_alike.iter_mut().find(|(known, _)| *known == alike) {
            Some((_, more)) => *more += count,
            None => self.more_alike.push((alike, count)),
        }
    }

    /// Counts a case that is a plain condition.
    pub fn expect(&mut self, holds: bool, finding: impl FnOnce() -> String) {
        self.case(if holds { Ok(()) } else { Err(finding()) });
    }

    /// Adds the findings of another part of the check.
    pub fn add(&mut self, other: Findings) {
        self.cases += other.cases;
        self.more += other.more;
        other.found.into_iter().for_each(|finding| self.push(finding));
        other.more_alike.into_iter().for_each(|(alike, more)| self.add_alike(alike, more));
    }

    /// Reports whether there is a finding.
    pub fn fails(&self) -> bool {
        !self.found.is_empty()
    }

    /// Returns the outcome, with every finding passed through `redact`.
    pub fn outcome(self, redact: impl Fn(String) -> String) -> Outcome {
        if self.found.is_empty() {
            return Outcome::Passed { cases: self.cases };
        }
        let mut findings = Vec::new();
        let mut rest = self.found.into_iter();
        let mut more_alike = self.more_alike;
        while let Some(Finding { text, alike }) = rest.next() {
            findings.push(redact(text));
            // After the last one of a cause, how many more there are.
            let is_last = rest.as_slice().iter().all(|other| other.alike != alike);
            if let Some(at) = more_alike.iter().position(|(known, _)| is_last && Some(known) == alike.as_ref()) {
                let (alike, more) = more_alike.swap_remove(at);
                findings.push(redact(format!("and {more} more of {alike}")));
            }
        }
        if self.more > 0 {
            findings.push(format!("and {} more of {} cases", self.more, self.cases));
        }
        Outcome::Failed { findings }
    }
}

/// Formats a verdict for a finding.
pub fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Happened(_) | Verdict::Wanted(_) => {
            let event = |event: &ProvedEvent| {
                let Facts { kind, amount, .. } = &event.facts;
                format!("{} of {} {}", kind.name(), amount.minor_units, amount.currency.as_str().to_lowercase())
            };
            let events: Vec<String> = verdict.events().iter().map(event).collect();
            format!("is accepted as {}", events.join(" and "))
        }
        Verdict::Answered => "is answered".to_owned(),
        Verdict::Unavailable => "cannot be judged".to_owned(),
        Verdict::Unresolved(problem) => format!("is unresolved, {problem}"),
        Verdict::Ignored(problem) => format!("is ignored, {problem}"),
        Verdict::Refused(problem) => format!("is refused, {problem}"),
    }
}

/// Formats an error of a call for a finding.
pub fn failure(what: &str, error: &Error) -> String {
    format!("{what}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[Outcome]) -> Report {
        let check = |outcome: &Outcome| Check { name: "links", summary: "says", outcome: outcome.clone() };
        let checks = outcomes.iter().map(check).collect();
        Report { sha256: None, id: None, version: None, seed: 7, unsigned_fields: Vec::new(), checks }
    }

    #[test]
    fn verdict_counts_outcomes() {
        let holds = Outcome::Passed { cases: 3 };
        let fails = Outcome::Failed { findings: vec!["found".to_owned()] };
        let not_applicable = Outcome::NotApplicable { reason: "none".to_owned() };
        let not_checked = Outcome::Skipped { reason: "give --vectors".to_owned() };
        for (outcomes, want) in [
            (&[holds.clone(), not_applicable.clone()][..], (true, false)),
            (&[holds.clone(), not_checked.clone()], (false, false)),
            (&[holds.clone(), fails.clone()], (false, true)),
        ] {
            let report = report(outcomes);
            assert_eq!((report.passes(), report.fails()), want, "{outcomes:?}");
        }
        let report = report(&[holds, fails, not_applicable, not_checked]);
        assert_eq!(report.verdict(), "4 checks: 1 passed, 1 failed (links), 1 skipped (links), 1 not applicable (links)");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["checks"][0]["outcome"], &json["checks"][0]["cases"]), (&"passed".into(), &3.into()));
        assert_eq!(json["checks"][1]["findings"][0], "found");
        assert!(report.to_string().contains("    - found\n"), "{report}");
    }

    #[test]
    fn findings_of_one_cause_leave_room_for_others() {
        let (mut all, mut of_another_sample) = (Findings::default(), Findings::default());
        let amount = || Some("the field \"amount\"".to_owned());
        (0..20).for_each(|at| all.alike(amount(), format!("amount {at}")));
        all.alike(Some("the field \"payer\"".to_owned()), "payer".to_owned());
        all.case(Err("another".to_owned()));
        (20..23).for_each(|at| of_another_sample.alike(amount(), format!("amount {at}")));
        all.add(of_another_sample);
        let Outcome::Failed { findings } = all.outcome(|text| text) else { panic!("it fails") };
        let more = "and 21 more of the field \"amount\"";
        assert_eq!(findings, ["amount 0", "amount 1", more, "payer", "another"]);
    }

    #[test]
    fn findings_are_bounded_and_counted() {
        let mut findings = Findings::default();
        (0..20).for_each(|at| findings.case(if at % 2 == 0 { Ok(()) } else { Err(at.to_string()) }));
        let mut all = Findings::default();
        all.expect(true, String::new);
        all.add(findings);
        let Outcome::Failed { findings } = all.outcome(|text| format!("<{text}>")) else { panic!("it fails") };
        assert_eq!((findings.len(), findings[0].as_str()), (9, "<1>"));
        assert_eq!(findings[8], "and 2 more of 21 cases");
    }
}
