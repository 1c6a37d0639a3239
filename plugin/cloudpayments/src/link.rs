//! Payment links: the page of `/orders/create`, or a link and QR code of «СБП».

use kit::call::ANSWER_BYTES_MAX;
use kit::contract::{Order, PaymentLink, Problem};
use kit::exchanges::HttpCall;
use kit::json::{self, JsonError, Object, ObjectWriter};
use kit::problem::{Bilingual, Code, filled};
use kit::{Context, LinkStep, Stop, order, text, url};
use money::Currency;

use crate::api::{self, Answer, NoAnswer};
use crate::receipt;
use crate::settings::{DESCRIPTION_CHARS_MAX, Method, Settings, culture};
use crate::values;

/// The contract's limit of what is known of a payer.
const PAYER_CHARS_MAX: usize = 255;
/// The longest address of return of «СБП», in bytes.
const SBP_RETURN_BYTES_MAX: usize = 1024;
/// How long a code of «СБП» can be paid, in minutes: 90 days at most, 72 hours where the call does not say.
const SBP_MINUTES_MAX: u64 = 129_600;
const SBP_MINUTES_DEFAULT: u64 = 72 * 60;
/// The longest payload of a QR code, by the contract.
const QR_CHARS_MAX: usize = 1024;
/// The longest name of what was made, by the contract.
const REFERENCE_CHARS_MAX: usize = 255;

/// An order whose fields can be passed on.
struct Checked<'o> {
    order: &'o Order,
    method: Method,
    email: &'o str,
    phone: &'o str,
    /// Of «СБП»: how long it can be paid, in minutes.
    minutes: Option<u64>,
    receipt: Option<receipt::Checked<'o>>,
}

/// Creates the payment link. Of `order.payer`, CloudPayments has a use for `email` and `phone`; `order.extra` may name the `method`, as
/// the setting does. The callback address is not passed on: it stands in CloudPayments' cabinet.
///
/// # Errors
/// The call, if it was not made yet.
pub fn create(settings: &Settings, order: &Order, context: &Context) -> Result<LinkStep, Stop> {
    let checked = match check(settings, order, context.now()) {
        Ok(checked) => checked,
        Err(problems) => return Ok(LinkStep::Failed(problems)),
    };
    let answer = match api::answer(context.call(call(settings, &checked))?, ANSWER_BYTES_MAX) {
        Ok(answer) => answer,
        Err(NoAnswer::NotDone(reason)) => return Ok(LinkStep::Unavailable(unavailable(&reason))),
        Err(NoAnswer::Unknown(reason)) => return Ok(LinkStep::Unknown(unavailable(&reason))),
    };
    if !answer.success {
        return Ok(LinkStep::Unavailable(unavailable(&api::said(&answer.message))));
    }
    Ok(match read_link(&checked, &answer, context.now()) {
        Ok(link) => LinkStep::Done(link),
        Err(what) => {
            let reason = filled(["ссылка не для этого заказа", "its link is not one for this order: {0}"], &[&what]);
            LinkStep::Unknown(unavailable(&reason))
        }
    })
}

fn unavailable([in_russian, in_english]: &Bilingual) -> Problem {
    Code::Unavailable
        .whole(filled(["CloudPayments не дал ссылку: {0}.", "CloudPayments gave no link: {1}."], &[&in_russian, &in_english]))
}

fn check<'o>(settings: &Settings, order: &'o Order, now: u64) -> Result<Checked<'o>, Vec<Problem>> {
    let mut problems = order::check(order, settings.currency);
    problems.extend(text::check("description", &order.description, DESCRIPTION_CHARS_MAX).err());
    problems.extend(text::check_required("account", &order.account, PAYER_CHARS_MAX).err());
    let payer = |name: &str| order.payer.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let (email, phone) = (payer("email"), payer("phone"));
    problems.extend(text::check("payer.email", email, PAYER_CHARS_MAX).err());
    if !phone.is_empty() && !is_phone(phone) {
        let message = [
            "Телефон плательщика — «+» и от 8 до 15 цифр, например +79001234567.",
            "It is + and 8 to 15 digits, such as +79001234567.",
        ];
        problems.push(Code::Invalid.at("payer.phone", message));
    }
    for (field, address) in [("success-url", &order.success_url), ("failure-url", &order.failure_url)] {
        let problem = (!address.is_empty()).then(|| url::absolute(address).err()).flatten();
        problems.extend(problem.map(|message| Code::Invalid.at(field, message)));
    }
    let named = order.extra.iter().find(|(name, _)| name == "method").map(|(_, value)| value);
    let method = match named.map(|name| Method::parse(name)) {
        None => settings.method,
        Some(Some(method)) => method,
        Some(None) => {
            problems.push(Code::Unsupported.at("extra.method", "It is page or sbp."));
            settings.method
        }
    };
    let minutes = if method == Method::Sbp { check_sbp(order, now, &mut problems) } else { None };
    let receipt = order.receipt.as_ref().map(|receipt| receipt::check(receipt, settings.currency)).transpose();
    let receipt = receipt.map_err(|found| problems.extend(found)).ok().flatten();
    if problems.is_empty() { Ok(Checked { order, method, email, phone, minutes, receipt }) } else { Err(problems) }
}

/// Reports whether a text is a number by E.164, as the contract has it.
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Checks what «СБП» alone requires, and returns for how many minutes it can be paid.
fn check_sbp(order: &Order, now: u64, problems: &mut Vec<Problem>) -> Option<u64> {
    if !Currency::RUB.is(&order.amount.currency) {
        problems.push(Code::Unsupported.at("extra.method", ["По СБП платят только в рублях.", "SBP takes roubles alone."]));
    }
    if order.success_url.len() > SBP_RETURN_BYTES_MAX || !order.success_url.is_ascii() {
        problems.push(Code::Invalid.at("success-url", "SBP takes at most 1024 characters of ASCII."));
    }
    let seconds = order.expires_at?.saturating_sub(now);
    if seconds < 60 {
        let message =
            ["Срок заказа кончается: код СБП живёт хотя бы минуту.", "A code of SBP can be paid for a minute at least."];
        problems.push(Code::OutOfRange.at("expires-at", message));
    }
    Some((seconds / 60).min(SBP_MINUTES_MAX))
}

fn call(settings: &Settings, checked: &Checked<'_>) -> HttpCall {
    let id = &checked.order.id;
    match checked.method {
        Method::Page => api::change(settings, "/orders/create", &page(settings, checked), &["order-", id].concat()),
        Method::Sbp => api::change(settings, "/payments/qr/sbp/link", &sbp(settings, checked), &["sbp-", id].concat()),
    }
}

fn page(settings: &Settings, checked: &Checked<'_>) -> String {
    json::object(|call| {
        write_order(call, settings, checked);
        call.flag("RequireConfirmation", false);
        call.flag("SendEmail", false);
        write_optional(call, "Phone", checked.phone);
        call.text("CultureName", culture(&checked.order.language).unwrap_or(settings.culture));
        write_optional(call, "SuccessRedirectUrl", &checked.order.success_url);
        write_optional(call, "FailRedirectUrl", &checked.order.failure_url);
        write_end(call, checked);
    })
}

fn sbp(settings: &Settings, checked: &Checked<'_>) -> String {
    json::object(|call| {
        call.text("PublicId", &settings.public_id);
        write_order(call, settings, checked);
        call.text("Scheme", "charge");
        write_optional(call, "SuccessRedirectUrl", &checked.order.success_url);
        if let Some(minutes) = checked.minutes.and_then(|minutes| i64::try_from(minutes).ok()) {
            call.integer("TtlMinutes", minutes);
        }
        if settings.test_mode {
            call.flag("IsTest", true);
        }
        write_end(call, checked);
    })
}

fn write_order(call: &mut ObjectWriter<'_>, settings: &Settings, Checked { order, email, .. }: &Checked<'_>) {
    call.amount("Amount", order.amount.minor_units);
    call.text("Currency", settings.currency.as_str());
    call.text("Description", if order.description.is_empty() { &settings.description } else { &order.description });
    call.text("InvoiceId", &order.id);
    call.text("AccountId", &order.account);
    write_optional(call, "Email", email);
}

/// Writes what both calls end with. Banks decline telecoms' payments without the payer's phone.
fn write_end(call: &mut ObjectWriter<'_>, checked: &Checked<'_>) {
    if !checked.phone.is_empty() {
        call.object("Payer", |payer| payer.text("Phone", checked.phone));
    }
    if let Some(receipt) = &checked.receipt {
        receipt.write(call);
    }
}

fn write_optional(call: &mut ObjectWriter<'_>, name: &str, value: &str) {
    if !value.is_empty() {
        call.text(name, value);
    }
}

/// Reads what was made.
///
/// # Errors
/// Why it is not a link for this order, as a part of a sentence.
fn read_link(checked: &Checked<'_>, answer: &Answer<'_>, now: u64) -> Result<PaymentLink, String> {
    let reason = |error: JsonError| error.to_string();
    let model = answer.model.as_ref().ok_or("it is missing")?.object().map_err(reason)?;
    let amount = values::amount(&model.number_text("Amount").map_err(reason)?);
    if amount != Some(checked.order.amount.minor_units) {
        return Err("it has another amount".to_owned());
    }
    let (address, order_name) = match checked.method {
        Method::Page => ("Url", "InvoiceId"),
        Method::Sbp => ("QrUrl", "MerchantOrderId"),
    };
    // The documentation's example repeats the order of one call and not of the other.
    if model.optional(order_name).map_err(reason)?.is_some_and(|named| named != checked.order.id) {
        return Err("it names another order".to_owned());
    }
    let address = model.text(address).map_err(reason)?.into_owned();
    if url::secure(&address).is_err() || !address.is_ascii() {
        return Err("its address is none".to_owned());
    }
    Ok(match checked.method {
        Method::Page => link(checked, address, reference(&model, "Id")?),
        Method::Sbp => sbp_link(checked, address, reference(&model, "TransactionId")?, now)?,
    })
}

fn reference(model: &Object<'_>, name: &str) -> Result<String, String> {
    let reference = model.number_text(name).map_err(|error| error.to_string())?;
    if (1..=REFERENCE_CHARS_MAX).contains(&reference.len()) && reference.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(reference.into_owned());
    }
    Err(format!("its {name} is none"))
}

fn link(checked: &Checked<'_>, address: String, reference: String) -> PaymentLink {
    let order = checked.order;
    let is_page = checked.method == Method::Page;
    let passed_over = [
        ("callback-url", !order.callback_url.is_empty()),
        ("failure-url", !is_page && !order.failure_url.is_empty()),
        ("expires-at", is_page && order.expires_at.is_some()),
    ];
    let names: Vec<&str> = passed_over.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect();
    let extra = if names.is_empty() { Vec::new() } else { vec![("not-passed-on".to_owned(), names.join(","))] };
    PaymentLink { url: Some(address), form: None, qr: None, reference: Some(reference), expires_at: None, extra }
}

fn sbp_link(checked: &Checked<'_>, address: String, reference: String, now: u64) -> Result<PaymentLink, String> {
    if address.len() > QR_CHARS_MAX {
        return Err("its address is too long for a QR code".to_owned());
    }
    let ends_at = now.saturating_add(60 * checked.minutes.unwrap_or(SBP_MINUTES_DEFAULT));
    let is_sooner = checked.order.expires_at.is_none_or(|expires_at| ends_at < expires_at);
    let qr = Some(address.clone());
    Ok(PaymentLink { qr, expires_at: is_sooner.then_some(ends_at), ..link(checked, address, reference) })
}

#[cfg(test)]
mod tests;
