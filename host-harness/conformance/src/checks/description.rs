//! `description`: `configure` does what the form's defaults promise.
//!
//! The form itself (titles and help in Russian and English, names, choices) is checked by the sandbox when it loads a component.

use domain::{CallbackAnswer, Description, Fields, SettingKind, SettingSpec};

use crate::check_context::{CheckContext, ScannedMerchant};
use crate::fixtures;
use crate::report::{Case, Checked, Findings, failure};
use crate::vectors::Vectors;

const AGAIN: usize = 3;

pub fn check(subject: &CheckContext) -> Checked {
    let description = subject.provider.description();
    let mut findings = Findings::default();
    for _ in 0..AGAIN {
        findings.case(match subject.describe() {
            Ok(again) if again == *description => Ok(()),
            Ok(_) => Err("describe gives another answer when it is asked again".to_owned()),
            Err(error) => Err(failure("describe, asked again", &error)),
        });
    }
    description.settings.iter().for_each(|setting| findings.case(default_holds(setting)));
    findings.case(unsigned_are_required(description));
    if let Some(vectors) = subject.vectors {
        description.settings.iter().for_each(|setting| findings.case(secret_stays(setting, vectors)));
    }
    if subject.vectors.is_some() && subject.merchant().is_ok() {
        findings.case(defaults_hold(subject, &description.settings));
    } else if !findings.fails() {
        subject.merchant()?;
    }
    Ok(findings)
}

/// Checks that a field which decides without being signed is declared as one that decides.
fn unsigned_are_required(description: &Description) -> Case {
    let required = description.callback_fields(Description::REQUIRED_FIELDS);
    let unsigned = description.callback_fields(Description::UNSIGNED_FIELDS);
    unsigned.iter().find(|name| !required.contains(name)).map_or(Ok(()), |name| {
        Err(format!(
            "`unsigned-callback-fields` has {name}, and `required-callback-fields` has not; name it in both, if it decides"
        ))
    })
}

fn default_holds(SettingSpec { name, kind, default_value, .. }: &SettingSpec) -> Case {
    let Some(value) = default_value else { return Ok(()) };
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let (is_good, wanted) = match kind {
        SettingKind::Flag => (matches!(value.as_str(), "true" | "false"), "true or false"),
        SettingKind::Integer => (digits && (value == "0" || !value.starts_with('0')), "digits without a leading zero"),
        SettingKind::Url => (value.starts_with("https://"), "an address that begins with https://"),
        SettingKind::Text | SettingKind::TextBlock | SettingKind::Choice => {
            (!value.is_empty(), "not empty: with none, there is no value")
        }
        SettingKind::Secret | SettingKind::SecretBlock => (false, "none, for a secret"),
    };
    if is_good { Ok(()) } else { Err(format!("the default of {name} is {value:?}; it must be {wanted}")) }
}

/// Checks that a known secret is declared as a secret: a host shows settings of every other kind on its pages.
fn secret_stays(setting: &SettingSpec, vectors: &Vectors) -> Case {
    let is_named = |names: &[String]| names.contains(&setting.name);
    if setting.kind.is_secret() || !is_named(&vectors.secrets) || is_named(&vectors.relabelled) {
        return Ok(());
    }
    Err(format!("{} is a secret, and is declared as {}; declare it as secret", setting.name, setting.kind.name()))
}

/// Checks that optional settings which are left out, left empty, or entered as their defaults configure the same merchant.
fn defaults_hold(subject: &CheckContext, declared: &[SettingSpec]) -> Case {
    let vectors = subject.vectors.map(|vectors| &vectors.settings);
    let is_required = |name: &str| declared.iter().any(|setting| setting.name == name && setting.required);
    let required: Fields = vectors.into_iter().flatten().filter(|(name, _)| is_required(name)).cloned().collect();
    let optional = || declared.iter().filter(|setting| !setting.required);
    let empty = optional().map(|setting| (setting.name.clone(), String::new()));
    let defaults = optional().filter_map(|setting| Some((setting.name.clone(), setting.default_value.clone()?)));
    let mut left_out = None;
    for (what, added) in
        [("left out", Fields::new()), ("left empty", empty.collect()), ("entered as their defaults", defaults.collect())]
    {
        let settings: Fields = required.iter().cloned().chain(added).collect();
        let merchant = subject
            .configure(&settings)
            .map_err(|error| failure(&format!("configure with all optional settings {what}"), &error))?;
        let answers = answers(subject, &merchant);
        match &left_out {
            None => left_out = Some(answers),
            Some(first) if *first == answers => {}
            Some(_) => {
                return Err(format!("with all optional settings {what} the answers are others than with them left out"));
            }
        }
    }
    Ok(())
}

type Answers = (Vec<Option<CallbackAnswer>>, Vec<String>);

/// Returns a merchant's answers to the samples, and its links.
fn answers(subject: &CheckContext, merchant: &ScannedMerchant) -> Answers {
    let samples = subject.vectors.into_iter().flat_map(|vectors| &vectors.callbacks);
    let currencies = &subject.provider.description().currencies;
    let links = currencies.iter().map(|currency| match merchant.link(&fixtures::order(0, 10_000, currency.as_str())) {
        Ok(link) => link.url.unwrap_or_default(),
        Err(error) => error.to_string(),
    });
    (samples.map(|sample| merchant.callback(&sample.request).ok()).collect(), links.collect())
}
