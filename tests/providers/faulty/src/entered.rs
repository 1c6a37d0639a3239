//! The settings.

use std::sync::atomic::AtomicU32;

use kit::contract::{Fields, Problem, SettingKind};
use kit::settings::{Declared, Reader};
use kit::signature::Secret;
use money::Currency;

use crate::{COMMENT, CURRENCIES, Merchant, fault};

/// Returns the name of a required setting. Renaming it is not a fault, since a later version may do so.
fn shop() -> &'static str {
    if fault::is("shop-renamed") { "site" } else { "shop" }
}

/// Returns the declared settings.
pub fn declared() -> [Declared; 8] {
    let new = |name, kind| Declared::new(name, kind, [name; 2], [""; 2]);
    let flag_default = if fault::is("default-of-no-flag") { "yes" } else { "false" };
    let comment_default = if fault::is("another-default") { "Not the default" } else { COMMENT };
    [
        new(shop(), SettingKind::Text),
        new("key", SettingKind::Secret),
        new("currency", SettingKind::Choice).or("RUB").one_of(&CURRENCIES),
        new("page", SettingKind::Url).or("https://pay.example.ru/"),
        new("test", SettingKind::Flag).or(flag_default),
        new("lifetime", SettingKind::Integer).or("60"),
        new("comment", SettingKind::Text).or(comment_default),
        new("certificate", SettingKind::SecretBlock).optional(),
    ]
}

fn with_fault(mut problem: Problem, settings: &Fields) -> Problem {
    let key = || settings.iter().find(|(name, _)| name == "key").map(|(_, key)| key.clone()).unwrap_or_default();
    if fault::is("problem-without-field") {
        problem.field = None;
    }
    if fault::is("secret-in-problem") && settings.len() < 100 && problem.field.as_deref() != Some("key") {
        problem.message =
            said(format!("The settings are wrong: {}", key().to_uppercase().chars().take(200).collect::<String>()));
    }
    if fault::is("cut-secret-in-problem") && settings.len() < 100 && problem.field.as_deref() != Some("key") {
        let key = key();
        let cut = key.chars().take(key.chars().count().saturating_sub(1).min(200));
        problem.message = said(format!("The settings are wrong: {}", cut.collect::<String>()));
    }
    if fault::is("mistyped-secret-shown") && problem.field.as_deref() == Some("key") {
        problem.message = said(format!("This is no key: {}", key().chars().take(200).collect::<String>()));
    }
    problem
}

fn said(message: String) -> Fields {
    vec![("en".to_owned(), message)]
}

/// Reads the settings.
pub fn read(entered: &Fields) -> Result<Merchant, Vec<Problem>> {
    read_all(entered).map_err(|problems| {
        let shown = if fault::is("first-problem-only") { 1 } else { usize::MAX };
        problems.into_iter().take(shown).map(|problem| with_fault(problem, entered)).collect()
    })
}

fn read_all(entered: &Fields) -> Result<Merchant, Vec<Problem>> {
    let mut entered = entered.clone();
    let mut form = declared();
    if fault::is("unknown-taken") {
        entered.retain(|(name, _)| form.iter().any(|setting| setting.name == name));
    }
    if fault::is("repeated-taken") {
        let all = std::mem::take(&mut entered);
        for (name, value) in all {
            let is_known = form.iter().any(|setting| setting.name == name);
            if !is_known || !entered.iter().any(|(other, _)| *other == name) {
                entered.push((name, value));
            }
        }
    }
    if fault::is("any-choice-taken") {
        form.iter_mut()
            .filter(|setting| setting.kind == SettingKind::Choice)
            .for_each(|setting| setting.kind = SettingKind::Text);
    }
    // The described default differs from the one that is applied.
    form.iter_mut().filter(|setting| setting.name == "comment").for_each(|setting| setting.default_value = Some(COMMENT));
    let mut reader = Reader::new(&form, &entered);
    let shop = reader.take(shop(), |text| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err("A shop is digits.".to_owned()),
    });
    let key = reader.take("key", |text| match fault::is("short-secret-taken") {
        true => Secret::parse(&format!("{text:0<8}")),
        false => Secret::parse(text),
    });
    let currency = reader.take("currency", |text| Ok::<_, String>(Currency::parse(text).unwrap_or(Currency::RUB)));
    let page = reader.take("page", |text| Ok::<_, String>(text.to_owned()));
    let lifetime = reader.take("lifetime", |text| Ok::<_, String>(text.to_owned()));
    let comment = reader.take("comment", |text| match text.chars().count() {
        0..=255 => Ok(text.to_owned()),
        _ => Err("A comment has at most 255 characters.".to_owned()),
    });
    // A host keeps it; this provider has no use for it.
    reader.take("certificate", |text| match text.starts_with("-----BEGIN ") {
        true => Ok(()),
        false => Err("A certificate is PEM.".to_owned()),
    });
    let problems = reader.into_problems();
    match (shop, key, currency, page, lifetime, comment) {
        (Some(shop), Some(key), Some(currency), Some(page), Some(lifetime), Some(comment)) if problems.is_empty() => {
            Ok(Merchant { shop, key, currency, page, lifetime, comment, calls: AtomicU32::new(0) })
        }
        _ => Err(problems),
    }
}
