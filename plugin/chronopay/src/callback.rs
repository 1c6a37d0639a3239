//! Callbacks: decodes the request, verifies its signature, reads the signed values and maps them to an event.

use kit::contract::{CallbackRequest, Event, EventKind, Fields, Money, Problem, Verdict};
use kit::event;
use kit::form::{self, Form};
use kit::order;
use kit::problem::{Code, filled};
use kit::text;
use time::{Date, Month, Time};

use crate::settings::{OrderControl, Settings};
use crate::sign;
use crate::transaction::{Meaning, Signed, Transaction};

/// The signature and the fields that it covers. A callback that gives one of them two different values is refused.
const SIGNED: [&str; 5] = ["sign", "customer_id", "transaction_id", "transaction_type", "total"];
/// The required fields that the signature does not cover.
const REQUIRED: [&str; 2] = ["product_id", "currency"];
/// The fields that can name the order.
const ORDER: [&str; 2] = ["order_id", "cs1"];
/// All fields that the verdict, the order or the amount depends on. The description declares them as
/// `required-callback-fields`.
pub const REQUIRED_FIELDS: [&str; 9] =
    ["sign", "customer_id", "transaction_id", "transaction_type", "total", "product_id", "currency", "order_id", "cs1"];
/// The required fields that are not passed through to `extra`.
const DECIDING_ONLY: [&str; 6] = ["sign", "customer_id", "transaction_id", "total", "product_id", "currency"];

/// The passthrough fields, each with its name in the event's `extra`. Empty values are left out; text is passed on as received.
///
/// Left out: `cardholder` and `expire_date`, which nobody needs; `username` and `password` of restricted zones; `check_sum_*`,
/// which belong to an obsolete check.
const PASSTHROUGH_FIELDS: [(&str, &str); 26] = [
    ("payment_type", "payment-type"),
    ("creditcardnumber", "card-mask"),
    ("auth_code", "approval-code"),
    ("email", "payer-email"),
    ("date", "date"),
    ("time", "time"),
    ("phone", "payer-phone"),
    ("name", "payer-name"),
    ("ip", "payer-ip"),
    ("country", "payer-country"),
    ("state", "payer-state"),
    ("city", "payer-city"),
    ("street", "payer-street"),
    ("zip", "payer-zip"),
    ("language", "payer-language"),
    ("card_type", "card-type"),
    ("card_bank_name", "card-bank"),
    ("eci", "eci"),
    ("site_id", "site-id"),
    ("merchant_no", "merchant-no"),
    ("merchant_uid", "merchant-uid"),
    ("transaction_type", "transaction-type"),
    ("order_id", "order-id"),
    ("cs1", "cs1"),
    ("cs2", "cs2"),
    ("cs3", "cs3"),
];

/// Returns the verdict on a request. Any byte string gets a verdict.
pub fn verify_and_map(settings: &Settings, request: &CallbackRequest) -> Verdict {
    let known = PASSTHROUGH_FIELDS.into_iter().map(|(name, _)| name).chain(DECIDING_ONLY);
    let form = Form::parse(form::of(request), known).and_then(|form| form.require_single(&SIGNED).map(|()| form));
    match form {
        Ok(form) => judge_form(settings, &form),
        Err(error) => Verdict::Refused(error.problem()),
    }
}

fn judge_form(settings: &Settings, form: &Form) -> Verdict {
    let signed = ["customer_id", "transaction_id", "transaction_type", "total"].map(|name| form.get(name));
    if let Err(problem) = verify(settings, &signed, form.get("sign")) {
        return Verdict::Refused(problem);
    }
    match Signed::read(signed) {
        Signed::Unrecognized(field) => Verdict::Unresolved(Code::UnrecognizedForm.at(
            field,
            [
                "Подпись верна, но это поле в незнакомой форме: ChronoPay мог её изменить. Обновите компонент.",
                "The signature holds, but the field has a form that is not known. ChronoPay may have changed it; update the provider.",
            ],
        )),
        Signed::Test => Verdict::Unresolved(Code::TestCallback.whole([
            "Проверочный вызов без транзакции или суммы: такие шлют старые учётные записи ChronoPay.",
            "A call without a transaction or a total, as old ChronoPay accounts send it for a test.",
        ])),
        Signed::Transaction(transaction) => judge_transaction(settings, form, &transaction),
    }
}

fn verify(settings: &Settings, signed: &[&str; 4], sign: &str) -> Result<(), Problem> {
    if sign.is_empty() {
        return Err(
            Code::SignatureMissing.at("sign", "The request has no signature: it is not ChronoPay's, or has no form in it.")
        );
    }
    if !sign::callback_holds(signed, sign, &settings.shared_sec) {
        let message =
            "The signature does not hold: the request is forged, or SharedSec is not the one that ChronoPay signs with.";
        return Err(Code::SignatureMismatch.at("sign", message));
    }
    Ok(())
}

fn judge_transaction(settings: &Settings, form: &Form, transaction: &Transaction) -> Verdict {
    let (kind, recurrence) = match transaction.meaning {
        Meaning::Unknown => {
            let message = [
                "Подпись верна, но тип незнаком: ничего не зачислено. Спросите ChronoPay, что он значит.",
                "Genuine, of a type that is not known; nothing is credited. Ask ChronoPay what it means.",
            ];
            return Verdict::Unresolved(Code::UnknownType.at("transaction_type", message));
        }
        Meaning::NoMoney => {
            return Verdict::Ignored(Code::NoMoneyMoved.at("transaction_type", "Genuine, and no money moved."));
        }
        Meaning::Money(kind, recurrence) => (kind, recurrence),
    };
    if let Err(error) = form.require_single(&REQUIRED) {
        return Verdict::Unresolved(error.problem());
    }
    let (product_id, currency) = (form.get("product_id"), form.get("currency"));
    if product_id != settings.product_id.as_str() {
        let (theirs, ours) = (text::shown(product_id), settings.product_id.as_str());
        let message = filled(
            [
                "Подпись верна, но ProductId «{0}», а в настройках {1}.",
                "Genuine, but of ProductId «{0}»; the settings name {1}.",
            ],
            &[&theirs, &ours],
        );
        return Verdict::Unresolved(Code::MerchantMismatch.at("product_id", message));
    }
    if !settings.currency.is_meant_by(currency) {
        let (theirs, ours) = (text::shown(currency), settings.currency);
        let message = filled(
            [
                "Подпись верна, но валюта «{0}», а в настройках {1}.",
                "Genuine, but in the currency «{0}»; the settings name {1}.",
            ],
            &[&theirs, &ours],
        );
        return Verdict::Unresolved(Code::CurrencyMismatch.at("currency", message));
    }
    if transaction.minor_units == 0 && kind != EventKind::Declined {
        return Verdict::Ignored(Code::NoMoneyMoved.at("total", "Genuine, and of nothing: no money moved."));
    }
    let amount = Money { minor_units: transaction.minor_units, currency: settings.currency.as_str().to_owned() };
    Verdict::Happened(vec![Event {
        recurrence,
        order: order_named(settings.order_control, form),
        payer: Some(transaction.customer.to_owned()),
        occurred_at: occurred_at(form.get("date"), form.get("time")),
        extra: extra(form),
        ..event::of(kind, transaction.id, amount, dedup_key(kind, transaction), &settings.comment)
    }])
}

/// Returns the order that the callback names: `cs1` if the account has no order control, else `order_id`. If that field is
/// empty, the other one counts.
///
/// Returns `None` if the two contradict each other, or if the value cannot be an order's id.
fn order_named(order_control: OrderControl, form: &Form) -> Option<String> {
    form.require_single(&ORDER).ok()?;
    let (order_id, cs1) = (form.get("order_id"), form.get("cs1"));
    if !order_id.is_empty() && !cs1.is_empty() && order_id != cs1 {
        return None;
    }
    let (first, second) = match order_control {
        OrderControl::Basic => (cs1, order_id),
        OrderControl::OrderId | OrderControl::OrderIdWithExpiry => (order_id, cs1),
    };
    let named = if first.is_empty() { second } else { first };
    order::is_id(named).then(|| named.to_owned())
}

/// Builds the dedup key, from signed values only. A transaction id stands for at most one payment, whatever else the callback
/// says. It is not known whether a refund has an id of its own or the payment's, so the keys of refunds include the amount: it
/// tells two partial refunds apart.
pub fn dedup_key(kind: EventKind, Transaction { customer, id, minor_units, .. }: &Transaction) -> String {
    let of = |what: &str| [what, customer, ":", id].concat();
    let with_amount = |key: String| [key.as_str(), ":", &minor_units.to_string()].concat();
    match kind {
        EventKind::Hold => of("hold:"),
        EventKind::Declined => of("declined:"),
        EventKind::Refund => with_amount(of("refund:")),
        EventKind::Chargeback => with_amount(of("chargeback:")),
        // ChronoPay reports no kind beside these (`transaction.rs`).
        EventKind::Payment | EventKind::ChargebackReversal | EventKind::HoldRelease => of("payment:"),
    }
}

/// Converts `MM/DD/YYYY HH:MM:SS`, or `MM/DD/YYYY` with an optional time in its own field, to ISO 8601. Both forms are
/// documented; the time zone is not known.
fn occurred_at(date: &str, time: &str) -> Option<String> {
    let (date, time) = date.split_once(' ').unwrap_or((date, time));
    let [(month, month_text), (day, day_text), (year, year_text)] = numbers(date, b'/', [2, 2, 4])?;
    Date::from_calendar_date(i32::from(year), Month::try_from(u8::try_from(month).ok()?).ok()?, u8::try_from(day).ok()?)
        .ok()?;
    let date = [year_text, "-", month_text, "-", day_text].concat();
    if time.is_empty() {
        return Some(date);
    }
    let [hour, minute, second] = numbers(time, b':', [2, 2, 2])?.map(|(number, _)| u8::try_from(number));
    Time::from_hms(hour.ok()?, minute.ok()?, second.ok()?).ok()?;
    Some([&date, "T", time].concat())
}

/// Parses three separated numbers with the given digit counts. Returns each with its text.
fn numbers(text: &str, separator: u8, digits: [usize; 3]) -> Option<[(u16, &str); 3]> {
    let number = |part: &'_ str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    let [first, second, third] = digits;
    let (first, rest) = text.split_at_checked(first)?;
    let (second, rest) = rest.strip_prefix(char::from(separator))?.split_at_checked(second)?;
    let last = rest.strip_prefix(char::from(separator)).filter(|last| last.len() == third)?;
    Some([(number(first)?, first), (number(second)?, second), (number(last)?, last)])
}

fn extra(form: &Form) -> Fields {
    let given = PASSTHROUGH_FIELDS.into_iter().zip(form.values()).filter(|(_, value)| !value.is_empty());
    given
        .map(|((field, name), value)| {
            let value = if field == "creditcardnumber" { masked(value) } else { value.to_owned() };
            (name.to_owned(), value)
        })
        .collect()
}

/// Masks a card number: only its first six and last four digits remain.
fn masked(card: &str) -> String {
    let digits = card.chars().filter(char::is_ascii_digit).count();
    let mut seen = 0;
    card.chars()
        .map(|char| {
            seen += usize::from(char.is_ascii_digit());
            let hidden = char.is_ascii_digit() && digits > 10 && seen > 6 && seen + 4 <= digits;
            if hidden { 'X' } else { char }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::form::encode;
    use kit::request::{get, post};
    use kit::signature::md5;

    /// Builds the body of a genuine callback. `changes` are applied before it is signed.
    fn callback(changes: &[(&str, &str)]) -> String {
        let base = [
            ("transaction_type", "Purchase"),
            ("customer_id", "001234-100000062"),
            ("product_id", "001234-0001-0001"),
            ("date", "05/31/2030 04:31:15"),
            ("transaction_id", "56244472"),
            ("cs1", "42"),
            ("total", "100.00"),
            ("currency", "RUB"),
        ];
        let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let fields: Vec<(&str, &str)> = kept.chain(changes).copied().collect();
        let value = |name| fields.iter().find(|(other, _)| *other == name).unwrap().1;
        let signed = ["customer_id", "transaction_id", "transaction_type", "total"].map(value).concat();
        format!("{}&sign={}", encode(fields), hex::encode(md5(&["TestSharedSec001", &signed])))
    }

    fn verdict(changes: &[(&str, &str)]) -> Verdict {
        verify_and_map(&settings(&[]), &post(callback(changes)))
    }

    fn event(changes: &[(&str, &str)]) -> Event {
        match verdict(changes) {
            Verdict::Happened(mut events) => events.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn code(verdict: Verdict) -> String {
        match verdict {
            Verdict::Happened(_) => "happened".to_owned(),
            Verdict::Unresolved(problem) => format!("unresolved {}", problem.code),
            Verdict::Ignored(problem) => format!("ignored {}", problem.code),
            Verdict::Refused(problem) => format!("refused {}", problem.code),
        }
    }

    #[test]
    fn codes_of_verdicts() {
        for (changes, want) in [
            (&[][..], "happened"),
            (&[("currency", "rub")], "happened"),
            (&[("currency", "RUR")], "happened"),
            (&[("currency", "810")], "happened"),
            (&[("product_id", "001234-0001-0002")], "unresolved merchant-mismatch"),
            (&[("product_id", "")], "unresolved merchant-mismatch"),
            (&[("currency", "USD")], "unresolved currency-mismatch"),
            (&[("currency", "")], "unresolved currency-mismatch"),
            (&[("customer_id", "001234-1000000620")], "unresolved unrecognized-form"),
            (&[("total", "100.000")], "unresolved unrecognized-form"),
            (&[("transaction_id", ""), ("total", "")], "unresolved test-callback"),
            (&[("transaction_type", "Lottery")], "unresolved unknown-type"),
            (&[("transaction_type", "Confirm")], "unresolved unknown-type"),
            (&[("transaction_type", "Lottery"), ("currency", "USD")], "unresolved unknown-type"),
            (&[("transaction_type", "Cancel")], "ignored no-money-moved"),
            (&[("total", "0.00")], "ignored no-money-moved"),
            (&[("total", "0.00"), ("transaction_type", "decline")], "happened"),
        ] {
            assert_eq!(code(verdict(changes)), want, "{changes:?}");
        }
        let Verdict::Unresolved(problem) = verdict(&[("product_id", "001234-0001-0002")]) else { unreachable!() };
        let numbers = ["001234-0001-0002", "001234-0001-0001"];
        assert!(
            numbers.iter().all(|number| problem.message[0].1.contains(number)),
            "the callback and the settings: {:?}",
            problem.message
        );
        let verify_and_map = |body: &str| code(verify_and_map(&settings(&[]), &post(body)));
        assert_eq!(verify_and_map(""), "refused signature-missing");
        assert_eq!(verify_and_map(&callback(&[]).replace("&sign=", "&sign=0")), "refused signature-mismatch");
        assert_eq!(verify_and_map(&format!("{}&email=%FF&city=%CC%EE%F1%EA%E2%E0", callback(&[]))), "happened");
        assert_eq!(verify_and_map(&format!("{}&language=ru&language=en", callback(&[]))), "happened");
        assert_eq!(verify_and_map(&format!("{}&currency=USD", callback(&[]))), "unresolved field-conflict");
        assert_eq!(verify_and_map(&format!("{}&total=1.00", callback(&[]))), "refused field-conflict");
        assert_eq!(verify_and_map(&format!("{}&customer_id=%FF", callback(&[("customer_id", "")]))), "refused field-conflict");
        assert_eq!(verify_and_map(&format!("{}&unknown=1&unknown=%FF", callback(&[]))), "happened");
        assert_eq!(verify_and_map(&"&".repeat(60_000)), "refused malformed");
    }

    #[test]
    fn a_get_is_judged_by_its_query_alone() {
        let request = |query: &str, body: &str| CallbackRequest { body: body.into(), ..get(query) };
        let (settings, genuine) = (settings(&[]), callback(&[]));
        assert_eq!(code(verify_and_map(&settings, &request(&genuine, ""))), "happened");
        assert_eq!(code(verify_and_map(&settings, &request("", &genuine))), "refused signature-missing");
    }

    #[test]
    fn the_order_by_its_field() {
        for (order_control, order_id, cs1, want) in [
            ("basic", "", "42", Some("42")),
            ("basic", "42", "", Some("42")),
            ("basic", "42", "42", Some("42")),
            ("order-id", "42", "", Some("42")),
            ("order-id", "", "42", Some("42")),
            ("order-id", "42", "43", None),
            ("basic", "42", "43", None),
            ("basic", "", "", None),
            ("basic", "", "не заказ", None),
        ] {
            let body = callback(&[("order_id", order_id), ("cs1", cs1)]);
            let Verdict::Happened(events) =
                verify_and_map(&settings(&[("order-control", order_control)]), &post(body.as_str()))
            else {
                panic!("{body}")
            };
            assert_eq!(events[0].order.as_deref(), want, "{order_control} {order_id} {cs1}");
        }
    }

    #[test]
    fn an_event_holds_what_an_operator_looks_for() {
        let event = event(&[
            ("payment_type", "MasterCard"),
            ("creditcardnumber", "555555XXXXXX4444"),
            ("auth_code", "891189"),
            ("email", "payer@example.com"),
            ("city", "Москва"),
            ("cardholder", "IVAN PETROV"),
            ("password", "p"),
        ]);
        let extra = |name| event.extra.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        for (name, value) in [
            ("payment-type", "MasterCard"),
            ("card-mask", "555555XXXXXX4444"),
            ("approval-code", "891189"),
            ("payer-email", "payer@example.com"),
            ("payer-city", "Москва"),
            ("date", "05/31/2030 04:31:15"),
        ] {
            assert_eq!(extra(name), Some(value), "{name}");
        }
        assert!(!format!("{:?}", event.extra).contains("IVAN"));
        assert_eq!(
            (event.comment.as_str(), event.occurred_at.as_deref()),
            ("Пополнение баланса через ЛК", Some("2030-05-31T04:31:15"))
        );
    }

    #[test]
    fn money_that_goes_back_is_called_that() {
        for (kind, comment) in [
            ("Purchase", "Пополнение баланса через ЛК"),
            ("Refund", "Возврат платежа"),
            ("chargeback", "Оспорен банком (чарджбэк)"),
        ] {
            assert_eq!(event(&[("transaction_type", kind)]).comment, comment, "{kind}");
        }
    }

    #[test]
    fn keys_tell_movements_apart() {
        let key = |changes: &[(&str, &str)]| event(changes).dedup_key;
        let payment = key(&[]);
        assert_eq!(payment, "payment:001234-100000062:56244472");
        for same in [&[("total", "100")][..], &[("transaction_type", "onetime")], &[("cs1", "43")], &[("date", "")]] {
            assert_eq!(key(same), payment, "{same:?}");
        }
        for other in [
            &[("transaction_id", "56244473")][..],
            &[("customer_id", "001234-100000063")],
            &[("transaction_type", "Refund")],
            &[("transaction_type", "Preauth")],
        ] {
            assert_ne!(key(other), payment, "{other:?}");
        }
        assert_ne!(key(&[("transaction_type", "Refund")]), key(&[("transaction_type", "Refund"), ("total", "50.00")]));
    }

    #[test]
    fn times_as_chronopay_writes_them() {
        for (date, time, want) in [
            ("05/31/2012 04:31:15", "", Some("2012-05-31T04:31:15")),
            ("05/31/2012 04:31:15", "04:31:15", Some("2012-05-31T04:31:15")),
            ("05/31/2012", "04:31:15", Some("2012-05-31T04:31:15")),
            ("05/31/2012", "", Some("2012-05-31")),
            ("05/31/2012", "soon", None),
            ("31/05/2012", "", None),
            ("02/30/2012", "", None),
            ("05/31/2012 24:00:00", "", None),
            ("05/31/2012 04:31", "", None),
            ("2012-05-31", "", None),
            ("", "", None),
            ("", "04:31:15", None),
        ] {
            assert_eq!(occurred_at(date, time).as_deref(), want, "{date} {time}");
        }
    }

    #[test]
    fn card_numbers_are_masked() {
        for (card, want) in [
            ("555555XXXXXX4444", "555555XXXXXX4444"),
            ("5555555555554444", "555555XXXXXX4444"),
            ("5555 5555 5555 4444", "5555 55XX XXXX 4444"),
            ("4444", "4444"),
            ("", ""),
        ] {
            assert_eq!(masked(card), want);
        }
    }
}
