//! `calls`: every call of every check went to a host that the description or a setting of the kind `url` names, by TLS.

use crate::check_context::CheckContext;
use crate::report::{Checked, Findings, Outcome};

pub fn check(subject: &CheckContext) -> Checked {
    subject.vectors()?;
    let scanner = subject.calls();
    let found = scanner.found();
    if scanner.calls() == 0 {
        return Err(Outcome::NotApplicable { reason: "it had no call made in these checks".to_owned() });
    }
    let mut findings = Findings::default();
    (found.len() as u64..scanner.calls()).for_each(|_| findings.case(Ok(())));
    found.into_iter().for_each(|finding| findings.case(Err(finding)));
    Ok(findings)
}
