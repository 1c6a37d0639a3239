//! Payment links: a payment is made at YooKassa, which gives its address or the code of «СБП».

use kit::contract::{Fields, Order, PaymentLink, Problem};
use kit::json::{self, Object};
use kit::problem::Code;
use kit::{Context, LinkStep, Stop, order, text, url};
use money::format_amount;

use crate::api::{self, Answer, Refusal};
use crate::object::{ORDER, Told, check_mode};
use crate::payment::{Payment, Status};
use crate::receipt::{self, Printable};
use crate::settings::{CURRENCY, Method, SbpPlace, Settings};

/// The limit in YooKassa's documentation.
const DESCRIPTION_CHARS_MAX: usize = 128;
/// The name in `order.extra` that chooses how to pay, and its only value.
const METHOD: &str = "method";
const SBP: &str = "sbp";
/// How long a payment by «СБП» waits to be paid, in seconds, by YooKassa's documentation.
const SBP_SECONDS: u64 = 3600;
/// YooKassa's names of the languages that its page speaks, by BCP 47 primary subtag.
const LOCALES: [(&str, &str); 2] = [("ru", "ru_RU"), ("en", "en_US")];
/// The order's fields by the beginning of YooKassa's name of a parameter.
const PARAMETERS: [(&str, &str); 4] =
    [("amount", "amount"), ("description", "description"), ("confirmation.return_url", "success-url"), ("receipt", "receipt")];

/// What is asked of YooKassa.
struct Wanted<'o> {
    order: &'o Order,
    return_url: &'o str,
    method: Method,
    /// Whether the host shows the code of «СБП».
    is_code: bool,
    receipt: Option<Printable<'o>>,
}

/// Makes the payment of an order, and returns its link. `order.extra` knows `method`: `sbp`.
///
/// # Errors
/// The call, if it was not made yet.
pub fn create(settings: &Settings, order: &Order, context: &Context) -> Result<LinkStep, Stop> {
    let wanted = match Wanted::read(settings, order) {
        Ok(wanted) => wanted,
        Err(problems) => return Ok(LinkStep::Failed(problems)),
    };
    let answer = Answer::of(context.call(api::create_payment(settings, &order.id, wanted.body()))?);
    Ok(match answer {
        Answer::Object(bytes) => wanted.link(settings, bytes, context.now()).unwrap_or_else(|failure| failure),
        Answer::Refused(refusal) if refusal.status == 400 => LinkStep::Failed(vec![invalid(&refusal)]),
        Answer::Refused(refusal) => LinkStep::Unavailable(Code::Unavailable.whole(refusal.message())),
        Answer::NotSent(reason) => LinkStep::Unavailable(Code::Unavailable.whole(format!("YooKassa cannot be reached: {reason}"))),
        Answer::Unknown(reason) => LinkStep::Unknown(Code::Unavailable.whole(reason)),
    })
}

/// Returns the problem of a request that YooKassa calls invalid, at the order's field where it names one.
fn invalid(refusal: &Refusal) -> Problem {
    let parameter = refusal.parameter.as_deref().unwrap_or_default();
    match PARAMETERS.iter().find(|(start, _)| parameter.starts_with(start)) {
        Some((_, field)) => Code::Invalid.at(*field, refusal.message()),
        None => Code::Invalid.whole(refusal.message()),
    }
}

impl<'o> Wanted<'o> {
    fn read(settings: &'o Settings, order: &'o Order) -> Result<Wanted<'o>, Vec<Problem>> {
        let mut problems = order::check(order, CURRENCY);
        problems.extend(text::check("description", &order.description, DESCRIPTION_CHARS_MAX).err());
        for (field, text) in [("success-url", &order.success_url), ("failure-url", &order.failure_url)] {
            let problem = (!text.is_empty()).then(|| url::absolute(text).err()).flatten();
            problems.extend(problem.map(|message| Code::Invalid.at(field, message)));
        }
        let return_url = Some(order.success_url.as_str()).filter(|url| !url.is_empty()).or(settings.return_url.as_deref());
        if return_url.is_none() {
            let message = "YooKassa needs an address to which the payer returns: give it here, or in the setting return-url.";
            problems.push(Code::Missing.at("success-url", message));
        }
        let method = method(settings, order).map_err(|problem| problems.push(problem)).ok();
        let receipt = order.receipt.as_ref().map(|receipt| receipt::read(settings, receipt)).transpose();
        let receipt = receipt.map_err(|problem| problems.push(problem)).ok();
        match (return_url, method, receipt) {
            (Some(return_url), Some(method), Some(receipt)) if problems.is_empty() => {
                let is_code = method == Method::Sbp && settings.sbp_place == SbpPlace::Host;
                Ok(Wanted { order, return_url, method, is_code, receipt })
            }
            _ => Err(problems),
        }
    }

    fn body(&self) -> String {
        json::object(|body| {
            body.object("amount", |amount| {
                amount.text("value", &format_amount(self.order.amount.minor_units));
                amount.text("currency", CURRENCY.as_str());
            });
            body.flag("capture", true);
            if self.method == Method::Sbp {
                body.object("payment_method_data", |method| method.text("type", SBP));
            }
            body.object("confirmation", |confirmation| {
                confirmation.text("type", if self.is_code { "qr" } else { "redirect" });
                confirmation.text("return_url", self.return_url);
                if let Some(locale) = locale(&self.order.language) {
                    confirmation.text("locale", locale);
                }
            });
            if !self.order.description.is_empty() {
                body.text("description", &self.order.description);
            }
            body.object("metadata", |metadata| metadata.text(ORDER, &self.order.id));
            if let Some(receipt) = &self.receipt {
                body.object("receipt", |object| receipt.write(object));
            }
        })
    }

    /// Returns the link of the payment that YooKassa made. It must be the order's: whoever follows the link pays it.
    fn link(&self, settings: &Settings, bytes: &[u8], now: u64) -> Result<LinkStep, LinkStep> {
        let unknown = |message: &str| LinkStep::Unknown(Code::UnrecognizedForm.whole(message));
        let object = Object::parse(bytes).map_err(|_| unknown("YooKassa's answer is not an object."))?;
        let payment = Payment::parse(settings, &object).map_err(LinkStep::Unknown)?;
        let is_the_orders =
            payment.minor_units == self.order.amount.minor_units && payment.order.as_deref() == Some(self.order.id.as_str());
        if !is_the_orders || !api::is_id(&payment.id) {
            return Err(unknown("YooKassa's answer is a payment of another order or amount."));
        }
        // The payment was made, and nobody has its address.
        check_mode(settings, payment.is_test).or_else(|told| match told {
            Told::<()>::Unresolved(problem) => Err(LinkStep::Failed(vec![problem])),
            _ => Ok(()),
        })?;
        match payment.status {
            Status::Pending => {}
            Status::Canceled { .. } => {
                let reason = payment.extra.iter().find(|(name, _)| name == "reason").map_or("", |(_, reason)| reason);
                return Err(LinkStep::Failed(vec![Code::Invalid.whole(format!("YooKassa canceled the payment: {reason}."))]));
            }
            Status::Held | Status::Paid => return Err(unknown("YooKassa's answer is a payment that is paid already.")),
        }
        let (page, code) = self.confirmation(&object).ok_or_else(|| unknown("YooKassa's answer has no address to pay at."))?;
        let expires_at = (self.method == Method::Sbp).then_some(now + SBP_SECONDS);
        Ok(LinkStep::Done(PaymentLink {
            url: page,
            form: None,
            qr: code,
            reference: Some(payment.id),
            expires_at: expires_at.filter(|at| self.order.expires_at.is_none_or(|order| *at < order)),
            extra: self.not_passed_on(),
        }))
    }

    /// Returns the address to pay at, and the code of «СБП» where it was asked for. The code is an address too, which opens a
    /// bank's app.
    fn confirmation(&self, object: &Object<'_>) -> Option<(Option<String>, Option<String>)> {
        let confirmation = object.object("confirmation").ok()?;
        let name = if self.is_code { "confirmation_data" } else { "confirmation_url" };
        let text = confirmation.text(name).ok()?.into_owned();
        let is_address = text.is_ascii() && url::secure(&text).is_ok();
        match self.is_code {
            false => is_address.then_some((Some(text), None)),
            true => text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| (is_address.then(|| text.clone()), Some(text))),
        }
    }

    /// YooKassa has one address for the payer's return, takes its notifications' address from the cabinet, and knows its own times.
    fn not_passed_on(&self) -> Fields {
        let Order { callback_url, failure_url, success_url, expires_at, .. } = self.order;
        let given = [
            ("callback-url", !callback_url.is_empty()),
            ("failure-url", !failure_url.is_empty() && failure_url != success_url),
            ("expires-at", expires_at.is_some()),
        ];
        let names: Vec<&str> = given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect();
        if names.is_empty() { Fields::new() } else { vec![("not-passed-on".to_owned(), names.join(","))] }
    }
}

/// Returns how the order is to be paid.
fn method(settings: &Settings, order: &Order) -> Result<Method, Problem> {
    match order.extra.iter().find(|(name, _)| name == METHOD).map(|(_, value)| value.as_str()) {
        None => Ok(settings.method),
        Some(SBP) => Ok(Method::Sbp),
        Some(_) => Err(Code::Unsupported.at("extra.method", "The method is sbp, or none: then the settings decide.")),
    }
}

/// Returns YooKassa's name of a language, or `None` if its page does not speak it.
fn locale(tag: &str) -> Option<&'static str> {
    let primary = tag.split('-').next().unwrap_or_default();
    LOCALES.iter().find(|(language, _)| primary.eq_ignore_ascii_case(language)).map(|(_, locale)| *locale)
}
