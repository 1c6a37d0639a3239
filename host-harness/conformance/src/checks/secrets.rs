//! `secrets`: nothing that the provider says contains one of the merchant's secrets, plain or encoded.
//!
//! Every answer of every check was scanned as it came. This check adds the answers that leak secrets most easily: answers to
//! settings that are wrong beside a good secret, and to secrets that are themselves wrong.

use domain::{Fields, Settings};
use sandbox::Error;

use crate::check_context::{CheckContext, not_checked};
use crate::inputs;
use crate::report::{Checked, Findings, Outcome};
use crate::secret_scanner::{SECRET_CHARS_MIN, SecretScanner};

pub fn check(subject: &CheckContext) -> Checked {
    let description = subject.provider.description();
    let is_secret = |name: &str| description.settings.iter().any(|setting| setting.kind.is_secret() && setting.name == name);
    if !description.settings.iter().any(|setting| setting.kind.is_secret()) {
        return Err(Outcome::NotApplicable { reason: "it has no secret settings".to_owned() });
    }
    let vectors = subject.vectors()?;
    subject.merchant()?;
    let secrets: Vec<&(String, String)> = vectors.settings.iter().filter(|(name, _)| is_secret(name)).collect();
    if secrets.is_empty() {
        return Err(not_checked("the vectors' settings hold no secret"));
    }
    if let Some((name, _)) = secrets.iter().find(|(_, value)| value.chars().count() < SECRET_CHARS_MIN) {
        let why = format!(
            "the secret {name} has fewer than {SECRET_CHARS_MIN} characters, which stand in many texts by chance; make up a longer one"
        );
        return Err(not_checked(why));
    }
    wrong_settings(subject, &vectors.settings);
    let mut findings = Findings::default();
    for (name, value) in secrets {
        wrong_secrets(subject, &vectors.settings, name, value, &mut findings);
    }
    let found = subject.watch().found();
    (found.len() as u64..subject.watch().outputs()).for_each(|_| findings.case(Ok(())));
    found.into_iter().for_each(|finding| findings.case(Err(finding)));
    Ok(findings)
}

/// Enters every other setting wrong, in every way, beside the good secret.
fn wrong_settings(subject: &CheckContext, settings: &Fields) {
    for setting in subject.provider.description().settings.iter().filter(|setting| !setting.kind.is_secret()) {
        for text in inputs::texts().iter().take(subject.scaled(usize::MAX, 10)) {
            let others = settings.iter().filter(|(name, _)| *name != setting.name).cloned();
            // The context scans the answer.
            let _ = subject.configure(&others.chain([(setting.name.clone(), text.clone())]).collect());
        }
    }
}

/// Mistypes the secret itself: the problem must not repeat what was typed.
fn wrong_secrets(subject: &CheckContext, settings: &Fields, name: &str, secret: &str, findings: &mut Findings) {
    for typed in [
        format!("{secret} "),
        format!(" {secret}"),
        format!("{secret}\n"),
        format!("{secret}\u{1}"),
        format!("{secret}\t{secret}"),
        secret.repeat(20),
        secret.repeat(600),
        format!("{secret}\u{fffe}"),
    ] {
        let others = settings.iter().filter(|(other, _)| other != name).cloned();
        let entered: Fields = others.chain([(name.to_owned(), typed)]).collect();
        let watch = SecretScanner::with_pieces([(name, secret)], subject.provider.description());
        if let Err(Error::Provider(problems)) = subject.provider.merchant(Settings::new(entered)) {
            watch.inspect("a problem of configure with a mistyped secret", &problems);
        }
        findings.case(watch.found().into_iter().next().map_or(Ok(()), Err));
    }
}
