//! Payment links: a payment is made at YooKassa, which gives its address or the code of «СБП».

use kit::contract::{Fields, Order, PaymentLink, Problem};
use kit::json::{self, Object};
use kit::problem::{Code, filled};
use kit::settings::{self, ENGLISH, RUSSIAN};
use kit::{Context, LinkStep, Stop, order, text, url};
use money::format_amount;

use crate::api::{self, Answer, Refusal};
use crate::object::{ORDER, Told, check_mode};
use crate::payment::{Payment, Status};
use crate::receipt::{self, Printable};
use crate::settings::{CURRENCY, Method, SbpPlace, Settings};

/// The limit in YooKassa's documentation.
const DESCRIPTION_CHARS_MAX: usize = 128;
/// The longest content of a QR code, by the contract.
const CODE_CHARS_MAX: usize = 1024;
/// The name in `order.extra` that chooses how to pay, and its only value.
const METHOD: &str = "method";
const SBP: &str = "sbp";
/// How long a payment by «СБП» waits to be paid, in seconds, by YooKassa's documentation.
const SBP_SECONDS: u64 = 3600;
/// YooKassa's names of Russian and English, which its page speaks.
const LOCALES: [&str; 2] = ["ru_RU", "en_US"];
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
        Answer::NotSent(reason) => LinkStep::Unavailable(Code::Unavailable.whole(reason)),
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
            let message = [
                "ЮKassa нужен адрес, куда вернётся плательщик: укажите его в заказе или в настройках.",
                "YooKassa needs an address to which the payer returns: give it here, or in the setting return-url.",
            ];
            problems.push(Code::Missing.at("success-url", message));
        }
        let method = method(settings, order).map_err(|problem| problems.push(problem)).ok();
        let receipt = order.receipt.as_ref().map(|receipt| receipt::read(settings, receipt)).transpose();
        let receipt = receipt.map_err(|found| problems.extend(found)).ok();
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
                if let Some(locale) = settings::language(&self.order.language, &[RUSSIAN, ENGLISH], &LOCALES) {
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
    #[allow(clippy::result_large_err, reason = "both are steps, and a call has one")]
    fn link(&self, settings: &Settings, bytes: &[u8], now: u64) -> Result<LinkStep, LinkStep> {
        let unknown = |what: &str| {
            let message =
                ["Ответ ЮKassa — не ссылка на оплату этого заказа.".to_owned(), ["YooKassa's answer ", what].concat()];
            LinkStep::Unknown(Code::UnrecognizedForm.whole(message))
        };
        let object = Object::parse(bytes).map_err(|_| unknown("is not an object."))?;
        let payment = Payment::parse(settings, &object).map_err(LinkStep::Unknown)?;
        let is_the_orders =
            payment.minor_units == self.order.amount.minor_units && payment.order.as_deref() == Some(self.order.id.as_str());
        if !is_the_orders || !api::is_id(&payment.id) {
            return Err(unknown("is a payment of another order or amount."));
        }
        // The payment was made, and nobody has its address.
        check_mode(settings, payment.is_test).or_else(|told| match told {
            Told::<()>::Unresolved(problem) => Err(LinkStep::Failed(vec![problem])),
            _ => Ok(()),
        })?;
        match payment.status {
            Status::Pending => {}
            Status::Canceled { .. } | Status::Expired => {
                let reason = payment.extra.iter().find(|(name, _)| name == "reason").map_or("", |(_, reason)| reason);
                let message = filled(["ЮKassa сразу отменила платёж: {0}.", "YooKassa canceled the payment: {0}."], &[&reason]);
                return Err(LinkStep::Failed(vec![Code::Invalid.whole(message)]));
            }
            Status::Held | Status::Paid => return Err(unknown("is a payment that is paid already.")),
        }
        let (page, code) = self.confirmation(&object).ok_or_else(|| unknown("has no address to pay at."))?;
        let expires_at = (self.method == Method::Sbp).then_some(now.saturating_add(SBP_SECONDS));
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
            true => {
                let is_code = (1..=CODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
                is_code.then(|| (is_address.then(|| text.clone()), Some(text)))
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use crate::testing::{ID, PAYMENT, Reply, World, changed, ok, problem};
    use kit::contract::{Money, Receipt, ReceiptItem, Vat};
    use kit::exchanges::HttpCall;
    use proptest::prelude::*;

    const PAGE: &str = "https://yoomoney.ru/checkout/payments/v2/contract?orderId=2c85d8f3-000f-5000-8000-1b68e7b15f3f";
    const CODE: &str =
        "https://qr.nspk.ru/AS1A003RTQJV7SPH85OPSMRVK29EOS71?type=02&bank=100000000111&sum=10000&cur=RUB&crc=EE28";

    fn order() -> Order {
        Order {
            id: "42".into(),
            account: "100500".into(),
            amount: Money { minor_units: 10_000, currency: "RUB".into() },
            description: "Пополнение счёта".into(),
            language: String::new(),
            callback_url: "https://billing.example.ru/callbacks/yookassa".into(),
            success_url: "https://billing.example.ru/cabinet".into(),
            failure_url: "https://billing.example.ru/cabinet".into(),
            expires_at: None,
            payer: Vec::new(),
            receipt: None,
            extra: Vec::new(),
        }
    }

    fn receipt() -> Receipt {
        let item = ReceiptItem {
            name: "Аванс за услуги связи".into(),
            quantity_thousandths: 1000,
            price: Money { minor_units: 10_000, currency: "RUB".into() },
            amount: Money { minor_units: 10_000, currency: "RUB".into() },
            measure: "piece".into(),
            vat: Vat::Calculated(2200),
            method: "advance".into(),
            subject: "payment".into(),
            extra: Vec::new(),
        };
        Receipt { items: vec![item], contact: "ivan@example.ru".into(), taxation: Some("osn".into()), extra: Vec::new() }
    }

    /// Returns the payment that YooKassa made: it waits for the payer.
    fn made() -> String {
        let confirmation = format!(r#""confirmation": {{"type": "redirect", "confirmation_url": "{PAGE}"}}, "paid": false"#);
        changed(PAYMENT, &[(r#""status": "succeeded""#, r#""status": "pending""#), (r#""paid": true"#, &confirmation)])
    }

    fn made_with_code() -> String {
        changed(&made(), &[("redirect", "qr"), ("confirmation_url", "confirmation_data"), (PAGE, CODE)])
    }

    fn created(changes: &[(&str, &str)], order: &Order, reply: Reply) -> (LinkStep, Vec<HttpCall>) {
        let settings = settings(changes);
        World::default().with("/v3/payments", reply).drive(|context| create(&settings, order, context))
    }

    fn body(changes: &[(&str, &str)], order: &Order) -> String {
        let (_, calls) = created(changes, order, ok(made()));
        String::from_utf8(calls[0].body.clone()).unwrap()
    }

    fn link(changes: &[(&str, &str)], order: &Order, reply: Reply) -> PaymentLink {
        match created(changes, order, reply).0 {
            LinkStep::Done(link) => link,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_request_is_the_documentations() {
        let confirmation = r#""confirmation":{"type":"redirect","return_url":"https://billing.example.ru/cabinet"}"#;
        assert_eq!(
            body(&[], &order()),
            format!(
                r#"{{"amount":{{"value":"100.00","currency":"RUB"}},"capture":true,{confirmation},"description":"Пополнение счёта","metadata":{{"order_id":"42"}}}}"#
            )
        );
        let plain = Order {
            description: String::new(),
            success_url: String::new(),
            language: "en-GB".into(),
            receipt: Some(receipt()),
            ..order()
        };
        assert_eq!(
            body(&[("method", "sbp"), ("sbp-code", "host")], &plain),
            concat!(
                r#"{"amount":{"value":"100.00","currency":"RUB"},"capture":true,"payment_method_data":{"type":"sbp"},"#,
                r#""confirmation":{"type":"qr","return_url":"https://lk.example.ru/","locale":"en_US"},"metadata":{"order_id":"42"},"#,
                r#""receipt":{"customer":{"email":"ivan@example.ru"},"tax_system_code":1,"items":[{"description":"Аванс за услуги связи","#,
                r#""quantity":"1.000","amount":{"value":"100.00","currency":"RUB"},"vat_code":12,"payment_mode":"advance","#,
                r#""payment_subject":"payment","measure":"piece"}]}}"#
            )
        );
    }

    #[test]
    fn a_link_leads_to_the_page_and_has_the_payments_id() {
        let link = link(&[], &order(), ok(made()));
        assert_eq!((link.url.as_deref(), link.qr, link.form), (Some(PAGE), None, None));
        assert_eq!((link.reference.as_deref(), link.expires_at), (Some(ID), None));
        assert_eq!(link.extra, [("not-passed-on".to_owned(), "callback-url".to_owned())]);
    }

    #[test]
    fn the_code_of_sbp_where_the_order_or_the_settings_ask_for_it() {
        let by_order = Order { extra: vec![("method".into(), "sbp".into())], ..order() };
        for (changes, order, reply, url, qr) in [
            (&[("method", "sbp")][..], order(), made(), PAGE, None),
            (&[("sbp-code", "host")], order(), made(), PAGE, None),
            (&[("sbp-code", "host")], by_order.clone(), made_with_code(), CODE, Some(CODE)),
            (&[("sbp-code", "host"), ("method", "sbp")], order(), made_with_code(), CODE, Some(CODE)),
        ] {
            let asks_for_sbp = body(changes, &order).contains(r#"{"type":"sbp"}"#);
            let link = link(changes, &order, ok(reply));
            assert_eq!((link.url.as_deref(), link.qr.as_deref()), (Some(url), qr), "{changes:?}");
            // A payment by «СБП» waits for an hour.
            assert_eq!(link.expires_at, asks_for_sbp.then_some(crate::testing::NOW + 3600), "{changes:?}");
        }
        for code in [String::new(), "https://qr.nspk.ru/ё".to_owned(), format!("{CODE}{}", "0".repeat(1024))] {
            let (step, _) = created(&[("sbp-code", "host")], &by_order, ok(changed(&made_with_code(), &[(CODE, &code)])));
            assert!(matches!(step, LinkStep::Unknown(_)), "{code}");
        }
        let soon = Order { expires_at: Some(crate::testing::NOW + 60), ..by_order };
        let sooner = link(&[], &soon, ok(made()));
        assert_eq!(sooner.expires_at, None);
        assert_eq!(sooner.extra, [("not-passed-on".to_owned(), "callback-url,expires-at".to_owned())]);
        let other = Order { failure_url: "https://billing.example.ru/no".into(), callback_url: String::new(), ..order() };
        assert_eq!(super::tests::link(&[], &other, ok(made())).extra, [("not-passed-on".to_owned(), "failure-url".to_owned())]);
    }

    #[test]
    fn an_answer_must_be_the_orders_payment() {
        let step = |reply: Reply| match created(&[], &order(), reply).0 {
            LinkStep::Done(_) => "done".to_owned(),
            LinkStep::Failed(problems) => format!("failed {}", problem(&problems[0])),
            LinkStep::Unavailable(found) => format!("unavailable {}", problem(&found)),
            LinkStep::Unknown(found) => format!("unknown {}", problem(&found)),
            other => panic!("{other:?}"),
        };
        for (from, to, want) in [
            (r#""100.00""#, r#""100.01""#, "unknown unrecognized-form -"),
            (r#""order_id": "42""#, r#""order_id": "43""#, "unknown unrecognized-form -"),
            (r#""metadata""#, r#""meta""#, "unknown unrecognized-form -"),
            ("100500", "100501", "unknown merchant-mismatch recipient.account_id"),
            (r#""test": false"#, r#""test": true"#, "failed test-callback test"),
            (r#""status": "pending""#, r#""status": "canceled""#, "failed invalid -"),
            (r#""paid": false"#, r#""paid": true"#, "done"),
            (PAGE, "http://yoomoney.ru/", "unknown unrecognized-form -"),
            (PAGE, "javascript:alert(1)", "unknown unrecognized-form -"),
            (r#""confirmation_url""#, r#""url""#, "unknown unrecognized-form -"),
            (ID, "../me", "unknown unrecognized-form -"),
        ] {
            assert_eq!(step(ok(changed(&made(), &[(from, to)]))), want, "{from} -> {to}");
        }
        let paid = changed(
            &made(),
            &[(r#""status": "pending""#, r#""status": "succeeded""#), (r#""paid": false"#, r#""paid": true"#)],
        );
        let error = |parameter: &str| {
            let body =
                format!(r#"{{"type": "error", "code": "invalid_request", "description": "No", "parameter": "{parameter}"}}"#);
            Reply::Status(400, body)
        };
        for (reply, want) in [
            (ok(paid), "unknown unrecognized-form -"),
            (ok("nonsense"), "unknown unrecognized-form -"),
            (error("receipt.customer.email"), "failed invalid receipt"),
            (error("amount.value"), "failed invalid amount"),
            (error("confirmation.return_url"), "failed invalid success-url"),
            (error("payment_method_data.type"), "failed invalid -"),
            (Reply::Status(400, String::new()), "failed invalid -"),
            (Reply::Status(401, String::new()), "unavailable unavailable -"),
            (Reply::Status(403, String::new()), "unavailable unavailable -"),
            (Reply::Status(429, String::new()), "unavailable unavailable -"),
            (Reply::NotSent, "unavailable unavailable -"),
            (Reply::Lost, "unknown unavailable -"),
            (Reply::Status(500, String::new()), "unknown unavailable -"),
            (Reply::Status(202, String::new()), "unknown unavailable -"),
        ] {
            assert_eq!(step(reply), want);
        }
    }

    #[test]
    fn problems_name_their_field_and_nothing_is_sent() {
        type Change = fn(&mut Order);
        let cases: [(Change, &str, &str); 13] = [
            (|order| order.success_url = "javascript:1".into(), "success-url", "invalid"),
            (|order| order.failure_url = "lk.example.ru".into(), "failure-url", "invalid"),
            (|order| order.id = "4:2".into(), "id", "invalid"),
            (|order| order.amount.minor_units = 0, "amount.minor-units", "out-of-range"),
            (|order| order.amount.currency = "USD".into(), "amount.currency", "unsupported"),
            (|order| order.description = "ы".repeat(129), "description", "too-long"),
            (|order| order.description = "a\nb".into(), "description", "invalid"),
            (|order| order.extra = vec![("method".into(), "cash".into())], "extra.method", "unsupported"),
            (|order| order.receipt.as_mut().unwrap().contact = "Иван".into(), "receipt.contact", "invalid"),
            (|order| order.receipt.as_mut().unwrap().taxation = Some("envd".into()), "receipt.taxation", "unsupported"),
            (|order| order.receipt.as_mut().unwrap().items[0].vat = Vat::Rate(1800), "receipt.items[0].vat", "unsupported"),
            (|order| order.receipt.as_mut().unwrap().items[0].method = "gift".into(), "receipt.items[0].method", "unsupported"),
            (|order| order.receipt.as_mut().unwrap().items[0].price.minor_units = 9_999, "receipt.items[0].amount", "invalid"),
        ];
        for (change, field, code) in cases {
            let mut order = Order { receipt: Some(receipt()), ..order() };
            change(&mut order);
            let (step, calls) = created(&[], &order, ok(made()));
            let LinkStep::Failed(problems) = step else { panic!("{field}: {step:?}") };
            let found: Vec<String> = problems.iter().map(problem).collect();
            assert_eq!((found, calls.len()), (vec![format!("{code} {field}")], 0));
        }
        let nowhere = Order { success_url: String::new(), ..order() };
        let (step, _) = created(&[("return-url", "")], &nowhere, ok(made()));
        let LinkStep::Failed(problems) = step else { panic!("{step:?}") };
        assert_eq!(problem(&problems[0]), "missing success-url");
    }

    proptest! {
        #[test]
        fn a_request_reads_back_to_its_order(
            id in "[A-Za-z0-9._-]{1,50}",
            minor_units in 1..=money::AMOUNT_MAX,
            description in "[^\\p{C}]{0,128}",
        ) {
            let amount = Money { minor_units, currency: "RUB".into() };
            let order = Order { id: id.clone(), amount, description: description.clone(), ..order() };
            let settings = settings(&[]);
            let Err(Stop::Call(call)) = create(&settings, &order, &Context::at(0)) else { panic!("it calls") };
            let sent = Object::parse(&call.body).unwrap();
            prop_assert_eq!(sent.object("amount").unwrap().text("value").unwrap(), format_amount(minor_units));
            prop_assert_eq!(sent.optional("description").unwrap().unwrap_or_default(), description);
            prop_assert_eq!(sent.object("metadata").unwrap().text("order_id").unwrap(), id);
            // YooKassa's keys have at most 64 characters.
            prop_assert!(call.headers.iter().any(|(name, value)| name == "idempotence-key" && value.len() <= 64));
        }
    }
}
