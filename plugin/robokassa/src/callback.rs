//! Notifications on ResultURL: decodes the request, verifies its signature, reads the signed values and maps them to an event.

use kit::contract::{CallbackAnswer, CallbackRequest, Fields, Problem, Verdict};
use kit::form::{self, Form, FormError, Parameter};
use kit::problem::Code;
use kit::reply;

use crate::event::{Happened, of_invoice};
use crate::payment::Payment;
use crate::settings::Settings;
use crate::sign::{ORDER, notification_holds};

/// The signature and the fixed fields that it covers. A notification that gives one of them two different values is refused.
const SIGNED: [&str; 3] = ["OutSum", "InvId", "SignatureValue"];
/// The required field that the signature does not cover.
const IS_TEST: &str = "IsTest";
/// All fields that the verdict, the order or the amount depends on, under all names that Robokassa sends.
pub const REQUIRED_FIELDS: [&str; 8] = ["OutSum", "InvId", "SignatureValue", IS_TEST, ORDER, "out_summ", "inv_id", "crc"];

/// The most digits of an invoice number that is repeated. Robokassa's numbers have at most 19.
const NUMBER_DIGITS_MAX: usize = 20;

/// The prefix of the merchant's own parameters.
const OWN: &str = "Shp_";

/// The passthrough fields, each with its name in the event's `extra`. Empty values are left out; text is passed on as received
/// and is not signed.
const PASSTHROUGH_FIELDS: [(&str, &str); 5] = [
    ("PaymentMethod", "payment-type"),
    ("IncCurrLabel", "payment-channel"),
    ("IncSum", "paid-sum"),
    ("Fee", "fee"),
    ("EMail", "payer-email"),
];

/// Answers a request. Any byte string gets a verdict.
///
/// Robokassa counts a notification as delivered when the reply is `OK` followed by the invoice's number, and otherwise sends it
/// again. A refusal gives no reason.
pub fn answer(settings: &Settings, request: &CallbackRequest) -> CallbackAnswer {
    match verify_and_map(settings, form::of(request)) {
        Ok((inv_id, verdict)) => CallbackAnswer { verdict, reply: reply::text(200, &format!("OK{inv_id}")) },
        Err(problem) => CallbackAnswer { verdict: Verdict::Refused(problem), reply: reply::forbidden() },
    }
}

/// Returns the invoice's number for the reply, and the verdict on the notification.
///
/// # Errors
/// The problem with which it is refused.
fn verify_and_map(settings: &Settings, text: &[u8]) -> Result<(String, Verdict), Problem> {
    let known = PASSTHROUGH_FIELDS.into_iter().map(|(name, _)| name).chain(SIGNED).chain([IS_TEST]);
    let form = Form::parse(text, known).map_err(FormError::problem)?;
    form.require_single(&SIGNED).map_err(FormError::problem)?;
    let own = form::prefixed(text, OWN).map_err(FormError::problem)?;
    verify(settings, &form, &own)?;
    let inv_id = form.get("InvId");
    let inv_id = if is_number(inv_id) { inv_id.to_owned() } else { String::new() };
    let verdict = match Payment::read(form.get("OutSum"), form.get("InvId"), &own) {
        Ok(payment) => verdict(settings, &form, &payment),
        Err(field) => {
            let message = [
                "Подпись верна, но это поле в незнакомой форме: Robokassa могла её изменить. Обновите компонент.",
                "The signature holds, but the field has a form that is not known. Robokassa may have changed it; update the provider.",
            ];
            Verdict::Unresolved(Code::UnrecognizedForm.at(field, message))
        }
    };
    Ok((inv_id, verdict))
}

/// Reports whether the reply can repeat a text as an invoice's number. The number need not be a valid one.
fn is_number(text: &str) -> bool {
    text.len() <= NUMBER_DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn verify(settings: &Settings, form: &Form, own: &[Parameter]) -> Result<(), Problem> {
    let signature = form.get("SignatureValue");
    if signature.is_empty() {
        let message = "The request has no signature: it is not Robokassa's, or has no form in it.";
        return Err(Code::SignatureMissing.at("SignatureValue", message));
    }
    let signed = [form.get("OutSum"), form.get("InvId")];
    if notification_holds(settings.hash, signed, &settings.password_2, own, signature) {
        return Ok(());
    }
    let message = if signature.len() != settings.hash.hex_digits() {
        format!(
            "The signature has {} characters, one by {} has {}: choose the algorithm that stands in Robokassa's technical settings.",
            signature.chars().count(),
            settings.hash.name(),
            settings.hash.hex_digits()
        )
    } else if is_test(form) && !settings.test_mode {
        "The signature does not hold: the request says that it is of a test payment, which is signed with the test passwords. To try \
         test payments, turn test-mode on and enter those."
            .to_owned()
    } else {
        "The signature does not hold: the request is forged, or Password #2 or the algorithm is not the one in Robokassa's technical \
         settings. In test mode the test passwords count."
            .to_owned()
    };
    Err(Code::SignatureMismatch.at("SignatureValue", message))
}

/// Reports whether the notification says that the payment is a test. `IsTest` is not signed, but it can only keep a payment
/// from being credited.
fn is_test(form: &Form) -> bool {
    !matches!(form.get(IS_TEST), "" | "0")
}

fn verdict(settings: &Settings, form: &Form, payment: &Payment) -> Verdict {
    if let Err(error) = form.require_single(&[IS_TEST]) {
        return Verdict::Unresolved(error.problem());
    }
    match (settings.test_mode, is_test(form)) {
        (false, false) => {}
        (true, true) => {
            let message = "A test payment, and its signature holds; nothing is credited, since test-mode is on.";
            return Verdict::Ignored(Code::TestCallback.at(IS_TEST, message));
        }
        (false, true) => {
            let message = [
                "Тестовый платёж, а тестовый режим выключен. Посмотрите в кабинете Robokassa, поступили ли деньги.",
                "The signature holds, and it says that it is of a test payment, though test-mode is off. Look in Robokassa's cabinet whether \
                 money came in.",
            ];
            return Verdict::Unresolved(Code::TestCallback.at(IS_TEST, message));
        }
        (true, false) => {
            let message = [
                "Платёж, похоже, настоящий, а тестовый режим включён. Чтобы принимать платежи, выключите его.",
                "The signature holds, and it does not say that it is of a test payment, though test-mode is on: it may be about real money. \
                 Turn test-mode off to take real payments.",
            ];
            return Verdict::Unresolved(Code::LiveCallback.at(IS_TEST, message));
        }
    }
    if payment.minor_units == 0 {
        return Verdict::Ignored(Code::NoMoneyMoved.at("OutSum", "Genuine, and of nothing: no money moved."));
    }
    Verdict::Happened(vec![of_invoice(settings, Happened::Paid, payment, extra(form))])
}

fn extra(form: &Form) -> Fields {
    let given = PASSTHROUGH_FIELDS.into_iter().zip(form.values()).filter(|(_, value)| !value.is_empty());
    given.map(|((_, name), value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::Event;
    use kit::form::encode;
    use kit::request::{get, post};
    use kit::signature::Hash;

    /// Builds the body of a genuine notification. `changes` are applied before it is signed.
    fn notification(changes: &[(&str, &str)]) -> String {
        signed(Hash::Md5, "TestPassword2", changes)
    }

    fn signed(hash: Hash, password: &str, changes: &[(&str, &str)]) -> String {
        let base = [
            ("out_summ", "100.000000"),
            ("OutSum", "100.000000"),
            ("inv_id", "42"),
            ("InvId", "42"),
            ("PaymentMethod", "BankCard"),
            ("IncSum", "100.000000"),
            ("IncCurrLabel", "BankCardPSR"),
            ("EMail", "payer@example.com"),
            ("Fee", "3.900000"),
            ("Shp_order", "42"),
        ];
        let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let fields: Vec<(&str, &str)> = kept.chain(changes).copied().collect();
        let value = |name| fields.iter().find(|(other, _)| *other == name).unwrap().1;
        let mut own: Vec<_> = fields.iter().filter(|(name, _)| name.to_lowercase().starts_with("shp_")).collect();
        own.sort();
        let own: String = own.iter().map(|(name, value)| format!(":{name}={value}")).collect();
        let text = format!("{}:{}:{password}{own}", value("OutSum"), value("InvId"));
        format!("{}&SignatureValue={}", encode(fields.iter().copied()), hex::encode_upper(hash.digest(&[&text])))
    }

    fn judged(changes: &[(&str, &str)], body: &str) -> (String, String) {
        let CallbackAnswer { verdict, reply } = answer(&settings(changes), &post(body));
        let reply = format!("{} {}", reply.status, String::from_utf8(reply.body).unwrap());
        let verdict = match verdict {
            Verdict::Happened(_) => "happened".to_owned(),
            Verdict::Unresolved(problem) => format!("unresolved {}", problem.code),
            Verdict::Ignored(problem) => format!("ignored {}", problem.code),
            Verdict::Refused(problem) => format!("refused {}", problem.code),
        };
        (verdict, reply)
    }

    fn event(changes: &[(&str, &str)]) -> Event {
        match answer(&settings(&[]), &post(notification(changes))).verdict {
            Verdict::Happened(mut events) => events.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn verdicts_and_replies() {
        for (changes, verdict, reply) in [
            (&[][..], "happened", "200 OK42"),
            (&[("InvId", "7"), ("Shp_order", "A-42")], "happened", "200 OK7"),
            (&[("OutSum", "0.000000")], "ignored no-money-moved", "200 OK42"),
            (&[("IsTest", "1")], "unresolved test-callback", "200 OK42"),
            (&[("IsTest", "true")], "unresolved test-callback", "200 OK42"),
            (&[("IsTest", "0")], "happened", "200 OK42"),
            (&[("IsTest", "")], "happened", "200 OK42"),
            (&[("OutSum", "100.001000")], "unresolved unrecognized-form", "200 OK42"),
            (&[("InvId", "042")], "unresolved unrecognized-form", "200 OK042"),
            (&[("InvId", "")], "unresolved unrecognized-form", "200 OK"),
            (&[("Shp_url", "https://example.ru/")], "unresolved unrecognized-form", "200 OK42"),
        ] {
            assert_eq!(judged(&[], &notification(changes)), (verdict.to_owned(), reply.to_owned()), "{changes:?}");
        }
        let genuine = notification(&[]);
        for (body, verdict) in [
            (String::new(), "refused signature-missing"),
            (genuine.replace("&SignatureValue=", "&SignatureValue=0"), "refused signature-mismatch"),
            (genuine.replace("&SignatureValue=", "&crc="), "refused signature-missing"),
            (genuine.replace("OutSum=100.0", "OutSum=900.0"), "refused signature-mismatch"),
            (genuine.replace("OutSum=100.000000", "OutSum=100.00"), "refused signature-mismatch"),
            (genuine.replace("Shp_order=42", "Shp_order=43"), "refused signature-mismatch"),
            (genuine.replace("Shp_order=42", "Shp_order=42&Shp_a=1"), "refused signature-mismatch"),
            (genuine.replace("&Shp_order=42", ""), "refused signature-mismatch"),
            (format!("{genuine}&Shp_order=43"), "refused field-conflict"),
            (format!("{genuine}&InvId=43"), "refused field-conflict"),
            (format!("{genuine}&IsTest=1&IsTest=0"), "unresolved field-conflict"),
            (genuine.replace("EMail=payer%40example.com", "EMail=%EF%EE%F7%F2%E0"), "happened"),
            (format!("{genuine}&EMail=x%40example.com"), "happened"),
            (format!("{genuine}&Shp_a=%FF"), "refused signature-mismatch"),
            (format!("{genuine}&out_summ=900.000000&unknown=%FF"), "happened"),
        ] {
            assert_eq!(judged(&[], &body).0, verdict, "{body}");
        }
    }

    #[test]
    fn a_get_is_judged_by_its_query_alone() {
        let request = |query: &str, body: &str| CallbackRequest { body: body.into(), ..get(query) };
        let (settings, genuine) = (settings(&[]), notification(&[]));
        assert!(matches!(answer(&settings, &request(&genuine, "")).verdict, Verdict::Happened(_)));
        assert!(matches!(answer(&settings, &request("", &genuine)).verdict, Verdict::Refused(_)));
    }

    #[test]
    fn each_hash_holds_by_itself_only() {
        for hash in Hash::ALL {
            let name = hash.name();
            for other in Hash::ALL.map(Hash::name) {
                let want = if name == other { "happened" } else { "refused signature-mismatch" };
                let body = signed(hash, "TestPassword2", &[]);
                assert_eq!(judged(&[("hash-algorithm", other)], &body).0, want, "{name} {other}");
                assert_eq!(judged(&[("hash-algorithm", other)], &body.to_lowercase()).0, "refused signature-missing");
            }
            let lower = signed(hash, "TestPassword2", &[]).replace("SignatureValue", "S").to_lowercase();
            let signature = lower.split_once("&s=").unwrap().1;
            let upper = signed(hash, "TestPassword2", &[]);
            let body = format!("{}={signature}", upper.split_once("SignatureValue=").unwrap().0.to_owned() + "SignatureValue");
            assert_eq!(judged(&[("hash-algorithm", name)], &body).0, "happened", "{name} in lower case");
        }
    }

    #[test]
    fn password_1_proves_nothing() {
        // As the payer's browser sends it to SuccessURL.
        assert_eq!(judged(&[], &signed(Hash::Md5, "TestPassword1", &[])).0, "refused signature-mismatch");
    }

    #[test]
    fn in_test_mode_nothing_is_credited() {
        let test = [("test-mode", "true")];
        for (changes, verdict) in [
            (&[("IsTest", "1")][..], "ignored test-callback"),
            (&[("IsTest", "0")], "unresolved live-callback"),
            (&[], "unresolved live-callback"),
        ] {
            assert_eq!(judged(&test, &notification(changes)), (verdict.to_owned(), "200 OK42".to_owned()));
        }
        let forged = notification(&[]).replace("InvId=42", "InvId=43");
        assert_eq!(judged(&test, &forged).0, "refused signature-mismatch");
    }

    #[test]
    fn a_mismatch_says_what_it_may_be() {
        let message = |changes: &[(&str, &str)], body: &str| match answer(&settings(changes), &post(body)).verdict {
            Verdict::Refused(problem) => problem.message[0].1.clone(),
            other => panic!("{other:?}"),
        };
        let sha256 = signed(Hash::Sha256, "TestPassword2", &[]);
        assert!(message(&[], &sha256).contains("has 64 characters, one by md5 has 32"));
        let test = signed(Hash::Md5, "OtherPassword2", &[("IsTest", "1")]);
        assert!(message(&[], &test).contains("turn test-mode on"));
        assert!(message(&[("test-mode", "true")], &test).contains("Password #2"));
    }

    #[test]
    fn an_event_holds_what_an_operator_looks_for() {
        let event = event(&[]);
        let extra: Vec<(&str, &str)> = event.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            extra,
            [
                ("payment-type", "BankCard"),
                ("payment-channel", "BankCardPSR"),
                ("paid-sum", "100.000000"),
                ("fee", "3.900000"),
                ("payer-email", "payer@example.com"),
            ]
        );
        assert_eq!((event.transaction.as_str(), event.order.as_deref()), ("42", Some("42")));
        assert_eq!((event.amount.minor_units, event.amount.currency.as_str()), (10_000, "RUB"));
        assert_eq!(event.comment, "Пополнение баланса через ЛК");
    }

    #[test]
    fn keys_tell_movements_apart() {
        let key = |changes: &[(&str, &str)]| event(changes).dedup_key;
        let payment = key(&[]);
        assert_eq!(payment, "payment:robo-demo-test:42");
        for same in [&[("OutSum", "100.00")][..], &[("Fee", "0")], &[("EMail", "")]] {
            assert_eq!(key(same), payment, "{same:?}");
        }
        assert_ne!(key(&[("InvId", "43"), ("Shp_order", "43")]), payment);
        let other_shop = answer(&settings(&[("merchant-login", "other")]), &post(notification(&[])));
        assert!(matches!(&other_shop.verdict, Verdict::Happened(events) if events[0].dedup_key == "payment:other:42"));
    }
}
