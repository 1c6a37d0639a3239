//! Checks settings as far as possible without contacting the payment system.

use domain::{Money, PaymentLink, ProviderName};
use host::{HOUR_SECONDS, LinkOptions, ProviderStatus, TopUpLimits};

use crate::pages::text::{self, DAY_SECONDS, Lang};
use crate::problem::Problem;
use crate::shared::Shared;

/// The contract's code for a callback with an invalid signature.
const SIGNATURE_MISMATCH: &str = "signature-mismatch";

/// A check: whether it passed, and what was found.
pub struct Check {
    pub is_good: Option<bool>,
    pub what: String,
}

/// Checks that the component accepts the settings and creates the links that the cabinet needs, and what the last day's
/// callbacks say about the secret.
pub fn checks(
    app: &Shared,
    name: &ProviderName,
    tried: Option<&ProviderStatus>,
    limits: TopUpLimits,
    lang: Lang,
) -> Result<Vec<Check>, Problem> {
    let link = match tried {
        Some(tried) if !tried.component.description().links => {
            let none = lang.of(
                "Настройки подходят. Ссылок на оплату у этой платёжной системы нет.",
                "The settings are accepted. This payment system has no payment links.",
            );
            Check { is_good: Some(true), what: none.to_owned() }
        }
        Some(tried) => link(app, tried, limits, lang)?,
        None => {
            let refused = lang.of(
                "Настройки не подходят: исправьте отмеченные поля.",
                "The settings are refused: correct the marked fields.",
            );
            Check { is_good: Some(false), what: refused.to_owned() }
        }
    };
    Ok(vec![link, callbacks(app, name, lang)?])
}

/// Checks the links of the smallest and the largest top-up, in both languages of the cabinet.
fn link(app: &Shared, tried: &ProviderStatus, limits: TopUpLimits, lang: Lang) -> Result<Check, Problem> {
    let currency = tried.component.currency()?;
    let mut leads_to = String::new();
    for minor_units in [limits.smallest(), limits.largest()] {
        for spoken in [Lang::Ru, Lang::En] {
            let amount = Money { minor_units, currency };
            let description = lang.of("Проверка настроек", "Check of the settings").to_owned();
            let home = format!("{}/cabinet", app.config.public_url);
            let options = LinkOptions {
                success_url: home.clone(),
                failure_url: home,
                language: spoken.tag().to_owned(),
                ..LinkOptions::default()
            };
            match app.host.try_link(tried, amount, description, options) {
                Ok(Some(link)) => leads_to = page(link),
                Ok(None) => return Ok(made_by_call(lang)),
                Err(error) => {
                    let fails = lang.of("Ссылка на оплату не создаётся: ", "No payment link is made: ");
                    let sum = text::amount(lang, amount);
                    return Ok(Check { is_good: Some(false), what: format!("{fails}{sum}. {}", error.message) });
                }
            }
        }
    }
    let good = lang.of("Ссылка на оплату создана, ведёт на ", "A payment link is made, and leads to ");
    Ok(Check { is_good: Some(true), what: format!("{good}{leads_to}") })
}

/// The check of a payment system whose links are made by a call to it.
fn made_by_call(lang: Lang) -> Check {
    let what = lang.of(
        "Настройки подходят. Ссылку на оплату эта платёжная система создаёт сама, по запросу; при проверке запрос не отправляется.",
        "The settings are accepted. This payment system makes its links itself, by a call, and a check sends none.",
    );
    Check { is_good: None, what: what.to_owned() }
}

/// Returns the page that a link leads to, without what is in its query.
fn page(link: PaymentLink) -> String {
    match (link.form, link.url) {
        (Some(form), _) => form.action,
        (None, url) => url.or(link.qr).unwrap_or_default().split('?').next().unwrap_or_default().to_owned(),
    }
}

/// Checks the last day's callbacks, by whole hours: how many were stored, how many of these wait, and how many were refused.
fn callbacks(app: &Shared, name: &ProviderName, lang: Lang) -> Result<Check, Problem> {
    let since = app.now().saturating_sub(DAY_SECONDS);
    let since = since - since % HOUR_SECONDS;
    let counts = app.host.callback_counts(name, since)?;
    let refusals = app.host.refusals(since)?;
    let of_provider = refusals.iter().filter(|refusals| refusals.provider == name.as_str());
    let (refused, mismatches) = of_provider.fold((0, 0), |(refused, mismatches), one| {
        let is_mismatch = one.code == SIGNATURE_MISMATCH;
        (refused + one.count, mismatches + if is_mismatch { one.count } else { 0 })
    });
    if counts.accepted == 0 && counts.unrecognized == 0 && refused == 0 {
        let none = lang.of(
            "За сутки не было ни одного уведомления. Секрет подтвердит только первое настоящее: саму платёжную систему проверка не спрашивает.",
            "No callback came within a day. Only a genuine one proves the secret: the payment system itself is not asked.",
        );
        return Ok(Check { is_good: None, what: none.to_owned() });
    }
    let unjudged = match (counts.unrecognized, lang) {
        (0, _) => String::new(),
        (count, Lang::Ru) => format!(" не распознано: {count};"),
        (count, Lang::En) => format!(" {count} unrecognized;"),
    };
    let numbers = match lang {
        Lang::Ru => format!(
            "За сутки принято: {}, из них неопознанных: {};{unjudged} отвергнуто: {refused}, из них с неверной подписью: {mismatches}.",
            counts.accepted, counts.unmatched
        ),
        Lang::En => format!(
            "Callbacks within a day: {} accepted, of which {} unmatched;{unjudged} {refused} refused, of which {mismatches} with an invalid signature.",
            counts.accepted, counts.unmatched
        ),
    };
    let (is_good, advice) = match (counts.accepted, mismatches) {
        (0, 0) => (None, lang.of("Секрет ещё не подтверждён.", "The secret is not proved yet.")),
        (0, _) => (Some(false), lang.of("Скорее всего, секрет введён неверно.", "The secret is most likely wrong.")),
        (_, 0) => (Some(true), lang.of("Секрет верен.", "The secret is right.")),
        _ => (
            None,
            lang.of(
                "Вероятно, подделка или недавняя смена секрета: проверьте ещё раз после следующего платежа.",
                "These are probably forged, or the secret was changed lately: check again after the next payment.",
            ),
        ),
    };
    Ok(Check { is_good, what: format!("{numbers} {advice}") })
}
