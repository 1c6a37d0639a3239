//! `settings`: what an operator can enter wrong is refused, with its field.

use domain::{Fields, Problem, SettingKind, SettingSpec};
use sandbox::Error;

use crate::check_context::{CheckContext, problems_text};
use crate::report::{Case, Checked, Findings, failure};

/// A name that no provider has.
const UNKNOWN: &str = "no-such-setting-as-this";

pub fn check(subject: &CheckContext) -> Checked {
    let declared = &subject.provider.description().settings;
    let mut findings = Findings::default();
    let missing: Vec<(&str, &[&str])> = required(declared).map(|name| (name, MISSING)).collect();
    if !missing.is_empty() {
        findings.case(refuses(subject, "nothing at all", &Fields::new(), &missing));
    }
    findings.case(refuses(
        subject,
        "nothing but an unknown setting",
        &vec![(UNKNOWN.to_owned(), "1".to_owned())],
        &[(UNKNOWN, &["setting-unknown"])],
    ));
    let Some(vectors) = subject.vectors else {
        return if findings.fails() { Ok(findings) } else { subject.vectors().map(|_| findings) };
    };
    subject.merchant()?;
    let faults = faults(declared, &vectors.settings);
    for fault in &faults {
        findings.case(refuses(subject, &fault.what, &fault.applied(&vectors.settings), &[fault.expected()]));
    }
    // Two faults at once, in two settings: one must not hide the other.
    let pairs = faults.iter().enumerate().flat_map(|(at, one)| faults.iter().skip(at + 1).map(move |other| (one, other)));
    let pairs = pairs.filter(|(one, other)| one.name != other.name);
    for (one, other) in pairs.take(subject.scaled(2_000, 40)) {
        let what = format!("{}, and {}", one.what, other.what);
        let entered = other.applied(&one.applied(&vectors.settings));
        findings.case(refuses(subject, &what, &entered, &[one.expected(), other.expected()]));
    }
    Ok(findings)
}

const MISSING: &[&str] = &["setting-missing"];
const INVALID: &[&str] = &["setting-invalid"];
/// An empty secret may have either code.
const EMPTY: &[&str] = &["setting-missing", "setting-invalid"];

fn required(declared: &[SettingSpec]) -> impl Iterator<Item = &str> {
    declared.iter().filter(|setting| setting.required).map(|setting| setting.name.as_str())
}

/// Something that is wrong with one setting.
struct Fault {
    what: String,
    name: String,
    /// The value entered; `None` leaves the setting out.
    value: Option<String>,
    /// Whether it is entered in addition to the good value.
    is_second: bool,
    codes: &'static [&'static str],
}

impl Fault {
    fn applied(&self, settings: &Fields) -> Fields {
        let mut settings = settings.clone();
        if !self.is_second {
            settings.retain(|(name, _)| *name != self.name);
        }
        settings.extend(self.value.iter().map(|value| (self.name.clone(), value.clone())));
        settings
    }

    fn expected(&self) -> (&str, &'static [&'static str]) {
        (&self.name, self.codes)
    }
}

/// Returns every fault of every setting. Their texts hold no value of the merchant's.
fn faults(declared: &[SettingSpec], entered: &Fields) -> Vec<Fault> {
    let mut faults = vec![Fault {
        what: format!("an unknown setting {UNKNOWN}"),
        name: UNKNOWN.to_owned(),
        value: Some("1".to_owned()),
        is_second: false,
        codes: &["setting-unknown"],
    }];
    for setting in declared {
        let name = &setting.name;
        let mut fault = |what: String, value: Option<&str>, is_second, codes| {
            faults.push(Fault { what, name: name.clone(), value: value.map(str::to_owned), is_second, codes });
        };
        if setting.required {
            fault(format!("{name} left out"), None, false, MISSING);
            fault(format!("{name} left empty"), Some(""), false, if setting.kind.is_secret() { EMPTY } else { MISSING });
        }
        let value = entered.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fault(format!("{name} entered twice, alike"), Some(value), true, &["setting-repeated"]);
        }
        for bad in bad_values(setting.kind) {
            fault(format!("{name} = {bad:?}"), Some(bad), false, INVALID);
        }
    }
    faults
}

/// Returns values that are invalid for the kind.
fn bad_values(kind: SettingKind) -> &'static [&'static str] {
    match kind {
        SettingKind::Text => &["a\nb"],
        SettingKind::TextBlock => &["a\tb"],
        // A secret of one character protects nothing.
        SettingKind::Secret | SettingKind::SecretBlock => &["x"],
        SettingKind::Choice => &["no-such-choice"],
        SettingKind::Flag => &["yes", "TRUE", "1", "on"],
        SettingKind::Integer => &["-1", "+1", "01", "1.5", "abc", "0x1", "1e3"],
        SettingKind::Url => &["page", "/pay", "http://example.ru/", "ftp://example.ru/", "javascript:alert(1)"],
    }
}

/// Checks that settings are refused with a problem for each of these fields and codes.
fn refuses(subject: &CheckContext, what: &str, settings: &Fields, expected: &[(&str, &'static [&'static str])]) -> Case {
    let problems = match subject.configure(settings) {
        Ok(_) => return Err(format!("configure takes {what}")),
        Err(Error::Provider(problems)) => problems,
        Err(error) => return Err(failure(&format!("configure with {what}"), &error)),
    };
    for (name, codes) in expected {
        let is_it = |problem: &&Problem| problem.field.as_deref() == Some(name) && codes.contains(&problem.code.as_str());
        if !problems.iter().any(|problem| is_it(&problem)) {
            let codes = codes.join(" or ");
            return Err(format!(
                "configure with {what} must say {codes} of the field {name}; it says {}",
                problems_text(&problems)
            ));
        }
    }
    problems.iter().try_for_each(|problem| message_holds(problem).map_err(|fault| format!("configure with {what}: {fault}")))
}

/// Checks that a problem has a message. The sandbox enforces the contract's other rules: a problem that breaks one is not an
/// answer.
pub fn message_holds(problem: &Problem) -> Case {
    match problem.message.is_empty() {
        true => Err(format!("{} has no message", problem.code)),
        false => Ok(()),
    }
}
