//! Payment links (Init), and codes of «СБП» (GetQr).

use kit::contract::{Order, PaymentLink, Problem};
use kit::exchanges::{HttpCall, Repeatable};
use kit::json::{JsonError, Object, ObjectWriter};
use kit::problem::{Bilingual, Code, filled};
use kit::{Context, LinkStep, Stop, order, text, url};

use crate::api::{Answer, Refusal, Scalar, amount, answer, call, is_payment_id, read, unknown_form};
use crate::receipt;
use crate::settings::{CURRENCY, Method, Settings, language};
use crate::status::payment_ids;

/// The limits in T-Bank's documentation.
pub const ORDER_ID_CHARS_MAX: u8 = 36;
const DESCRIPTION_CHARS_MAX: usize = 140;
const URL_CHARS_MAX: usize = 250;
const DATA_CHARS_MAX: usize = 100;
const AMOUNT_MAX: i64 = 9_999_999_999;
const SBP_AMOUNT_MIN: i64 = 1_000;
/// How long a link lives: from a minute to 90 days, and a day where nothing is said.
const LIFE_SECONDS_MIN: u64 = 60;
const LIFE_SECONDS_MAX: u64 = 90 * 86_400;
const LIFE_SECONDS: u64 = 86_400;
/// The contract's limit of a code.
const QR_CHARS_MAX: usize = 1024;
/// Errors about the receipt that an order has.
const RECEIPT_ERRORS: [&str; 3] = ["308", "309", "334"];
const NOT_KNOWN: [&str; 2] = [
    "Неизвестно, завёл ли Т-Банк платёж: создайте новый заказ.",
    "It is not known whether a payment was made: make a new order.",
];

/// What Init is asked.
struct Request<'o> {
    order: &'o Order,
    method: Method,
    language: &'static str,
    data: Vec<(&'static str, &'o str)>,
    expires: Option<String>,
    receipt: Option<receipt::Checked<'o>>,
}

/// Creates the payment link.
///
/// Init is sent once, since T-Bank does not know a second one from the first. If its answer is lost, CheckOrder tells whether a payment
/// was made. Where CheckOrder tells of none too early, Init is sent again later: T-Bank refuses the second one of an order, and CheckOrder
/// is asked once more.
///
/// # Errors
/// What must be called first.
pub fn create(settings: &Settings, order: &Order, context: &Context) -> Result<LinkStep, Stop> {
    let request = match checked(settings, order, context.now()) {
        Ok(request) => request,
        Err(problems) => return Ok(LinkStep::Failed(problems)),
    };
    let result = context.call(request.init(settings))?;
    let payment = match answer(settings, result) {
        Answer::Success(found) => new_payment(&found, order),
        Answer::Refusal(refusal) => return refused(settings, &request, &refusal, context),
        Answer::NotSent(reason) => return Ok(LinkStep::Unavailable(Code::Unavailable.whole(reason))),
        Answer::Unclear(reason) => Err(reason),
    };
    match payment {
        Ok(NewPayment { id, url }) => with_qr_code(settings, &request, Some(url), id, context),
        Err(reason) => after_lost_answer(settings, &request, &reason, context),
    }
}

/// The payment that Init made.
struct NewPayment {
    id: String,
    url: String,
}

/// Reads the answer to Init, which must be about the order.
fn new_payment(found: &Object<'_>, order: &Order) -> Result<NewPayment, Bilingual> {
    let message = |error: JsonError| unknown_form(&error);
    let id = found.number_text("PaymentId").map_err(message)?.into_owned();
    let url = found.text("PaymentURL").map_err(message)?.into_owned();
    let is_of_order = found.text("OrderId").is_ok_and(|found| found == order.id)
        && found.number_text("Amount").is_ok_and(|text| amount(&text) == Some(order.amount.minor_units));
    if !is_of_order || !is_payment_id(&id) {
        return Err(unknown_form(&"It is about another payment."));
    }
    if !url.is_ascii() || url::secure(&url).is_err() {
        return Err(unknown_form(&"PaymentURL is no address that begins with https://."));
    }
    Ok(NewPayment { id, url })
}

/// T-Bank refused, and made nothing now. An earlier Init, whose answer was lost, may have made a payment: then no link will come but a
/// code of «СБП».
fn refused(settings: &Settings, request: &Request<'_>, refusal: &Refusal, context: &Context) -> Result<LinkStep, Stop> {
    if RECEIPT_ERRORS.contains(&refusal.code.as_str()) {
        return Ok(LinkStep::Failed(vec![Code::Invalid.at("receipt", refusal.sentence())]));
    }
    match payment_ids(settings, &request.order.id, context)? {
        Ok(payments) if !payments.is_empty() => of_lost_answer(settings, request, &payments, &refusal.sentence(), context),
        _ => Ok(LinkStep::Unavailable(Code::Unavailable.whole(refusal.sentence()))),
    }
}

/// Asks whether a payment was made.
fn after_lost_answer(
    settings: &Settings,
    request: &Request<'_>,
    reason: &Bilingual,
    context: &Context,
) -> Result<LinkStep, Stop> {
    match payment_ids(settings, &request.order.id, context)? {
        Ok(payments) if payments.is_empty() => {
            let none = ["Т-Банк не завёл платёж.", "No payment was made."];
            Ok(LinkStep::Unavailable(Code::Unavailable.whole(joined(none, reason))))
        }
        Ok(payments) => of_lost_answer(settings, request, &payments, reason, context),
        Err(_) => Ok(LinkStep::Unknown(Code::Unavailable.whole(joined(NOT_KNOWN, reason)))),
    }
}

/// Returns the link of what was made. CheckOrder does not tell its page, so that only a code can be got for it.
fn of_lost_answer(
    settings: &Settings,
    request: &Request<'_>,
    payments: &[String],
    reason: &Bilingual,
    context: &Context,
) -> Result<LinkStep, Stop> {
    match (payments, request.method) {
        ([payment], Method::Sbp) => with_qr_code(settings, request, None, payment.clone(), context),
        _ => {
            let lost = [
                "Т-Банк завёл платёж, но ответ с его адресом потерян: создайте новый заказ.",
                "A payment was made, and the answer with its address was lost: make a new order.",
            ];
            Ok(LinkStep::Unknown(Code::Unavailable.whole(joined(lost, reason))))
        }
    }
}

fn joined(what: [&str; 2], [in_russian, in_english]: &Bilingual) -> Bilingual {
    let [russian, english] = what;
    [[russian, " ", in_russian].concat(), [english, " ", in_english].concat()]
}

/// Adds the code of «СБП», if one is wanted.
fn with_qr_code(
    settings: &Settings,
    request: &Request<'_>,
    url: Option<String>,
    payment: String,
    context: &Context,
) -> Result<LinkStep, Stop> {
    let mut qr = None;
    if request.method == Method::Sbp {
        // A second GetQr shows the same payment again.
        let result = context.call(read(
            settings,
            "GetQr",
            &[("PaymentId", Scalar::Text(&payment)), ("DataType", Scalar::Text("PAYLOAD"))],
        ))?;
        let why = match answer(settings, result) {
            Answer::Success(found) => match qr_code(&found, &request.order.id, &payment) {
                Some(code) => {
                    qr = Some(code);
                    Bilingual::default()
                }
                None => unknown_form(&"It holds no code of this payment."),
            },
            Answer::Refusal(refusal) => refusal.sentence(),
            Answer::NotSent(reason) | Answer::Unclear(reason) => reason,
        };
        if qr.is_none() && url.is_none() {
            return Ok(LinkStep::Unknown(Code::Unavailable.whole(why)));
        }
    }
    // The page offers «СБП» too, so that an order can be paid without its code.
    let is_without_code = request.method == Method::Sbp && qr.is_none();
    let extra = if is_without_code { vec![("not-passed-on".to_owned(), "extra".to_owned())] } else { Vec::new() };
    let expires_at = request.life_ends_at(context.now());
    Ok(LinkStep::Done(PaymentLink { url, form: None, qr, reference: Some(payment), expires_at, extra }))
}

fn qr_code(found: &Object<'_>, order: &str, payment: &str) -> Option<String> {
    let is_ours = found.text("OrderId").ok()? == order && found.number_text("PaymentId").ok()? == payment;
    let code = found.text("Data").ok()?;
    let is_code = (1..=QR_CHARS_MAX).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    (is_ours && is_code).then(|| code.into_owned())
}

/// Checks an order. Of `order.payer` T-Bank has a use for `email` and `phone`, of `order.extra` for `method`, which is `page` or `sbp`.
///
/// # Errors
/// All problems at once, each with its field.
fn checked<'o>(settings: &Settings, order: &'o Order, now: u64) -> Result<Request<'o>, Vec<Problem>> {
    let mut problems = order::check(order, CURRENCY);
    if order.id.starts_with('0') {
        problems.push(
            Code::Invalid.at("id", "It must not begin with a zero, which a notification could not tell from its ErrorCode."),
        );
    }
    if order.id.len() > usize::from(ORDER_ID_CHARS_MAX) {
        problems.push(Code::TooLong.at("id", format!("T-Bank takes {ORDER_ID_CHARS_MAX} characters.")));
    }
    let method = match value(&order.extra, "method") {
        None => settings.method,
        Some(name) => Method::parse(name).unwrap_or_else(|| {
            problems.push(Code::Unsupported.at("extra.method", "It is page or sbp."));
            settings.method
        }),
    };
    let minor_units = order.amount.minor_units;
    if minor_units > AMOUNT_MAX || method == Method::Sbp && (1..SBP_AMOUNT_MIN).contains(&minor_units) {
        let message = filled(
            [
                "Сумма не подходит Т-Банку: по СБП от 10 рублей, всего до 99 999 999.99.",
                "T-Bank takes at most {0} kopecks, and by SBP at least {1}.",
            ],
            &[&AMOUNT_MAX, &SBP_AMOUNT_MIN],
        );
        problems.push(Code::OutOfRange.at("amount.minor-units", message));
    }
    problems.extend(text::check("description", &order.description, DESCRIPTION_CHARS_MAX).err());
    for (field, url) in addresses(order) {
        problems.extend(address_problem(field, url));
    }
    let data = [("Phone", "phone"), ("Email", "email")]
        .into_iter()
        .filter_map(|(name, field)| Some((name, value(&order.payer, field)?)));
    let data: Vec<(&str, &str)> = data.collect();
    problems.extend(data.iter().filter_map(|(name, value)| {
        text::check(if *name == "Phone" { "payer.phone" } else { "payer.email" }, value, DATA_CHARS_MAX).err()
    }));
    let expires =
        order.expires_at.map(|at| due_date(at, now)).transpose().map_err(|problem| problems.push(problem)).ok().flatten();
    let receipt = order.receipt.as_ref().map(|receipt| receipt::checked(settings, receipt)).transpose();
    let receipt = receipt.map_err(|found| problems.extend(found)).ok().flatten();
    if !problems.is_empty() {
        return Err(problems);
    }
    let language = language(&order.language).unwrap_or(settings.language);
    Ok(Request { order, method, language, data, expires, receipt })
}

/// Returns a value that is not empty.
fn value<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(other, value)| other == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

fn addresses(order: &Order) -> [(&'static str, &str); 3] {
    [("callback-url", &order.callback_url), ("success-url", &order.success_url), ("failure-url", &order.failure_url)]
}

fn address_problem(field: &str, text: &str) -> Option<Problem> {
    if text.is_empty() {
        return None;
    }
    if text.chars().count() > URL_CHARS_MAX {
        return Some(Code::TooLong.at(field, format!("T-Bank takes {URL_CHARS_MAX} characters.")));
    }
    url::absolute(text).err().map(|message| Code::Invalid.at(field, message))
}

/// Formats a time as `YYYY-MM-DDThh:mm:ss+03:00`. T-Bank takes none later than in 90 days: the link then ends before the order.
fn due_date(at: u64, now: u64) -> Result<String, Problem> {
    if at < now.saturating_add(LIFE_SECONDS_MIN) {
        let message = [
            "Срок заказа кончается: Т-Банку нужна хотя бы минута.",
            "T-Bank takes orders that can be paid for a minute at least.",
        ];
        return Err(Code::OutOfRange.at("expires-at", message));
    }
    let time = order::expiry_in_moscow(at.min(now.saturating_add(LIFE_SECONDS_MAX)))?;
    Ok(format!("{}T{:02}:{:02}:{:02}+03:00", time.date(), time.hour(), time.minute(), time.second()))
}

impl Request<'_> {
    /// Returns when the link stops leading anywhere, if that is before the order does.
    fn life_ends_at(&self, now: u64) -> Option<u64> {
        let ends_at = now.saturating_add(if self.order.expires_at.is_some() { LIFE_SECONDS_MAX } else { LIFE_SECONDS });
        Some(ends_at).filter(|at| self.order.expires_at.is_none_or(|order| *at < order))
    }

    fn init(&self, settings: &Settings) -> HttpCall {
        let order = self.order;
        let mut scalars = vec![("Amount", Scalar::Integer(order.amount.minor_units)), ("OrderId", Scalar::Text(&order.id))];
        let texts = [
            ("Description", order.description.as_str()),
            ("Language", self.language),
            ("NotificationURL", &order.callback_url),
            ("SuccessURL", &order.success_url),
            ("FailURL", &order.failure_url),
            ("RedirectDueDate", self.expires.as_deref().unwrap_or_default()),
        ];
        scalars.extend(texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, Scalar::Text(text))));
        let nested = |o: &mut ObjectWriter<'_>| {
            if !self.data.is_empty() {
                o.object("DATA", |data| self.data.iter().for_each(|(name, value)| data.text(name, value)));
            }
            if let Some(receipt) = &self.receipt {
                receipt.write(o);
            }
        };
        call(settings, "Init", &scalars, nested, Repeatable::Never)
    }
}

#[cfg(test)]
#[path = "link/tests.rs"]
mod tests;
