//! The payment page of an order.

use crate::amount::{self, AMOUNT_MAX};
use crate::binding::contract::{Order, PaymentForm, PaymentLink, Problem};
use crate::settings::{CURRENCY, Settings};
use crate::text::{check, problem};

const PAGE: &str = "https://pay.example.com/checkout";
const LANGUAGES: [&str; 2] = ["ru", "en"];
const URL_CHARS_MAX: usize = 1000;
/// The end of the year 9999.
const EXPIRES_AT_MAX: u64 = 253_402_300_799;

/// Returns the payment link, or all problems at once, each with its field. Nothing is truncated or replaced silently.
pub fn create(settings: &Settings, order: &Order) -> Result<PaymentLink, Vec<Problem>> {
    let problems = problems_of(order);
    if !problems.is_empty() {
        return Err(problems);
    }
    let amount = amount::format(order.amount.minor_units);
    let signature = settings.secret_key.sign(&[&settings.merchant_id, &order.id, &amount, CURRENCY]);
    let language = LANGUAGES.into_iter().find(|language| *language == order.language).unwrap_or_default();
    let expires_at = order.expires_at.map(|seconds| seconds.to_string()).unwrap_or_default();
    let fields = [
        ("merchant_id", settings.merchant_id.as_str()),
        ("order_id", &order.id),
        ("amount", &amount),
        ("currency", CURRENCY),
        ("account", &order.account),
        ("description", &order.description),
        ("language", language),
        ("email", email_of(order)),
        ("expires_at", &expires_at),
        ("callback_url", &order.callback_url),
        ("success_url", &order.success_url),
        ("failure_url", &order.failure_url),
        ("signature", &signature),
    ];
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.clone()).finish();
    let inputs = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(PaymentLink {
        url: Some(format!("{PAGE}?{query}")),
        form: Some(PaymentForm { action: PAGE.to_owned(), inputs }),
        qr: None,
        reference: None,
        expires_at: None,
        extra: Vec::new(),
    })
}

/// Reports whether a text is an order id by the contract: 1 to 64 of `A-Z`, `a-z`, `0-9`, point, underscore and hyphen.
pub fn is_order_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Returns the payer's e-mail: Example Pay uses nothing else of what is known of the payer.
fn email_of(order: &Order) -> &str {
    order.payer.iter().find(|(name, _)| name == "email").map_or("", |(_, email)| email)
}

fn problems_of(order: &Order) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !is_order_id(&order.id) {
        problems.push(problem(
            "invalid",
            "id",
            "Номер заказа: от 1 до 64 из A-Z, a-z, 0-9, точки, подчёркивания, дефиса.",
            "An order's id is 1 to 64 of A-Z, a-z, 0-9, point, underscore, hyphen.",
        ));
    }
    if order.account.is_empty() {
        problems.push(problem("missing", "account", "Не должно быть пустым.", "It must not be empty."));
    }
    problems.extend(check("account", &order.account, 64).err());
    if order.amount.currency != CURRENCY {
        problems.push(problem(
            "unsupported",
            "amount.currency",
            format!("Example Pay принимает {CURRENCY}; создайте заказ в этой валюте."),
            format!("Example Pay takes {CURRENCY}; make the order in it."),
        ));
    }
    if !(1..=AMOUNT_MAX).contains(&order.amount.minor_units) {
        problems.push(problem(
            "out-of-range",
            "amount.minor-units",
            format!("Сумма: от 1 до {AMOUNT_MAX} копеек; 10000 — это 100.00."),
            format!("An amount is 1 to {AMOUNT_MAX} minor units; 10000 is 100.00."),
        ));
    }
    problems.extend(check("description", &order.description, 255).err());
    problems.extend(check("payer.email", email_of(order), 255).err());
    problems.extend(check_url("callback-url", &order.callback_url).err());
    problems.extend(check_url("success-url", &order.success_url).err());
    problems.extend(check_url("failure-url", &order.failure_url).err());
    if order.expires_at.is_some_and(|seconds| seconds > EXPIRES_AT_MAX) {
        problems.push(problem(
            "out-of-range",
            "expires-at",
            "Это секунды с 1970-01-01, не позже 9999 года.",
            "It is in seconds since 1970-01-01, up to the year 9999.",
        ));
    }
    problems
}

/// Checks that a text is an absolute URL, or empty.
fn check_url(field: &str, text: &str) -> Result<(), Problem> {
    check(field, text, URL_CHARS_MAX)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
    if !text.is_empty() && (!has_host || text.chars().any(char::is_whitespace)) {
        return Err(problem(
            "invalid",
            field,
            "Это полный адрес, например https://example.ru/pay, без пробелов.",
            "It is an absolute URL such as https://example.ru/pay, without spaces.",
        ));
    }
    Ok(())
}
