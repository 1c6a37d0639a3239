//! Notifications: verifies the proof, compares what was proved with the address, and maps it to an event or a reply.

use kit::contract::{CallbackAnswer, CallbackRequest, Event, Fields, Problem, Verdict};
use kit::exchanges::{MovementName, Question};
use kit::problem::{Code, filled};
use kit::{CallbackStep, Context, Stop, reply, text};

use crate::check;
use crate::event::{self, Cancelled, Details};
use crate::notification::{Kind, Notification, proved, unrecognized};
use crate::settings::Settings;
use crate::values;

/// The fields that an event's `extra` has, each with its name there. Empty values are left out; text is passed on as received.
const EXTRA: [(&str, &str); 15] = [
    ("PaymentMethod", "payment-type"),
    ("CardType", "card-type"),
    ("AuthCode", "approval-code"),
    ("Email", "payer-email"),
    ("Name", "payer-name"),
    ("IpAddress", "payer-ip"),
    ("Issuer", "card-bank"),
    ("Rrn", "rrn"),
    ("InvoiceId", "invoice-id"),
    ("AccountId", "account-id"),
    ("Reason", "reason"),
    ("ReasonCode", "reason-code"),
    ("TotalFee", "total-fee"),
    ("VatAboveTotalFee", "vat-above-total-fee"),
    ("ProcessorAndPartnerFee", "processor-and-partner-fee"),
];

/// Why a proved notification is no event.
enum NoEvent {
    Unresolved(Problem),
    Ignored(Problem),
}

/// Answers a request. Any bytes get a verdict.
///
/// # Errors
/// The question about an order or a movement, if it is not answered.
pub fn answer(settings: &Settings, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
    let bytes = match proved(settings, request) {
        Ok(bytes) => bytes,
        Err(problem) => return Ok(done(Verdict::Refused(problem), reply::forbidden())),
    };
    let (notification, kind) = match recognized(bytes, &request.path) {
        Ok(recognized) => recognized,
        // A Check that is not understood declines the payment: it could not be credited.
        Err((problem, Some(Kind::Check))) => {
            return Ok(done(Verdict::Unresolved(problem), check::reply(check::Code::NotAccepted)));
        }
        Err((problem, _)) => return Ok(done(Verdict::Unresolved(problem), check::reply(check::Code::Good))),
    };
    if kind == Kind::Check {
        return Ok(CallbackStep::Answered(check::reply(check::code(settings, &notification, context)?)));
    }
    let verdict = match judge(settings, &notification, kind, context)? {
        Ok(event) => Verdict::Happened(vec![event]),
        Err(NoEvent::Unresolved(problem)) => Verdict::Unresolved(problem),
        Err(NoEvent::Ignored(problem)) => Verdict::Ignored(problem),
    };
    Ok(done(verdict, check::reply(check::Code::Good)))
}

fn done(verdict: Verdict, reply: kit::contract::HttpReply) -> CallbackStep {
    CallbackStep::Done(CallbackAnswer { verdict, reply })
}

/// Reads a notification whose body is of the kind that its address is for.
///
/// # Errors
/// Why it is unresolved, and what kind it may be.
fn recognized<'b>(bytes: &'b [u8], path: &str) -> Result<(Notification<'b>, Kind), (Problem, Option<Kind>)> {
    let expected = Kind::of_path(path);
    let notification = Notification::read(bytes).map_err(|problem| (problem, expected))?;
    let message = match (expected, notification.kind()) {
        (Some(expected), Some(kind)) if kind == expected => return Ok((notification, kind)),
        (Some(expected), Some(kind)) => {
            let (kind, expected) = (kind.path(), expected.path());
            filled(
                [
                    "Подпись верна, но уведомление для адреса …{0} пришло на …{1}. Исправьте адреса в CloudPayments.",
                    "Content-HMAC holds, and the notification is one for the address …{0}, but it came to …{1}. Correct the \
                     addresses at CloudPayments.",
                ],
                &[&kind, &expected],
            )
        }
        (Some(expected), None) => {
            let expected = expected.path();
            filled(
                [
                    "Подпись верна, но на …{0} пришло уведомление другого или незнакомого вида.",
                    "Content-HMAC holds, but the notification that came to …{0} is not of that kind, nor of another that is known.",
                ],
                &[&expected],
            )
        }
        (None, _) => {
            let path = text::shown(path);
            filled(
                [
                    "Подпись верна, но уведомлений для адреса «{0}» не бывает. Введите в CloudPayments адреса с /check, /pay, /fail, \
                     /confirm, /refund или /cancel в конце.",
                    "Content-HMAC holds, but no kind of notification has the address «{0}». Enter the addresses at CloudPayments with \
                     /check, /pay, /fail, /confirm, /refund or /cancel at their end.",
                ],
                &[&path],
            )
        }
    };
    Err((Code::UnknownType.whole(message), notification.kind().or(expected)))
}

fn judge(
    settings: &Settings,
    notification: &Notification<'_>,
    kind: Kind,
    context: &Context,
) -> Result<Result<Event, NoEvent>, Stop> {
    let unresolved = |problem| Ok(Err(NoEvent::Unresolved(problem)));
    let transaction = notification.get("TransactionId");
    if values::transaction(transaction).is_none() {
        return unresolved(unrecognized("TransactionId"));
    }
    let Some(minor_units) = values::amount(notification.get("Amount")) else { return unresolved(unrecognized("Amount")) };
    if let Err(problem) = check_currency(settings, notification, kind) {
        return unresolved(problem);
    }
    let details = Details {
        transaction,
        original: None,
        invoice: notification.get("InvoiceId"),
        minor_units,
        fee: values::fee(notification.get("TotalFee"), notification.get("VatAboveTotalFee")),
        occurred_at: values::occurred_at(notification.get("DateTime")),
        extra: extra(notification),
    };
    match kind {
        Kind::Refund => refund(settings, notification, details, context),
        Kind::Cancel => cancel(settings, details, context),
        _ => Ok(check_test(settings, notification).map(|()| match kind {
            Kind::Fail => event::declined(settings, details),
            _ if notification.get("Status") == "Authorized" => event::hold(settings, details),
            _ => event::payment(settings, details),
        })),
    }
    .map(|judged| judged.and_then(with_money))
}

/// Refund and Cancel have no currency of their own: it is that of the payment.
fn check_currency(settings: &Settings, notification: &Notification<'_>, kind: Kind) -> Result<(), Problem> {
    let currency = notification.get("Currency");
    if settings.currency.is_meant_by(currency) || currency.is_empty() && matches!(kind, Kind::Refund | Kind::Cancel) {
        return Ok(());
    }
    let (theirs, ours) = (text::shown(currency), settings.currency);
    let message = filled(
        ["Подпись верна, но валюта «{0}», а в настройках {1}.", "Genuine, but in the currency «{0}»; the settings name {1}."],
        &[&theirs, &ours],
    );
    Err(Code::CurrencyMismatch.at("Currency", message))
}

/// Compares whether a notification is of a test payment with whether tests are expected.
fn check_test(settings: &Settings, notification: &Notification<'_>) -> Result<(), NoEvent> {
    let is_test = match notification.get("TestMode") {
        "0" | "false" => false,
        "1" | "true" => true,
        _ => return Err(NoEvent::Unresolved(unrecognized("TestMode"))),
    };
    match (settings.test_mode, is_test) {
        (false, false) => Ok(()),
        (true, true) => Err(NoEvent::Ignored(test_payment())),
        (false, true) => {
            let message = [
                "Тестовый платёж, а тестовый режим выключен. В CloudPayments сайт в тестовом режиме: настоящих денег там не платят.",
                "Genuine, and of a test payment, though test-mode is off. The site is in test mode at CloudPayments: payers pay nothing \
                 there.",
            ];
            Err(NoEvent::Unresolved(Code::TestCallback.at("TestMode", message)))
        }
        (true, false) => {
            let message = [
                "Настоящий платёж, а тестовый режим включён: ничего не зачислено. Чтобы принимать платежи, выключите его.",
                "Genuine, and of a real payment, though test-mode is on: nothing is credited. Turn test-mode off to take real payments.",
            ];
            Err(NoEvent::Unresolved(Code::LiveCallback.at("TestMode", message)))
        }
    }
}

fn test_payment() -> Problem {
    Code::TestCallback.at("TestMode", "Genuine, and of a test payment; nothing is credited, since test-mode is on.")
}

fn with_money(event: Event) -> Result<Event, NoEvent> {
    use kit::contract::EventKind::{Declined, HoldRelease};
    if event.amount.minor_units > 0 || matches!(event.kind, Declined | HoldRelease) {
        return Ok(event);
    }
    Err(NoEvent::Ignored(Code::NoMoneyMoved.at("Amount", "Genuine, and of nothing: no money moved.")))
}

/// A refund does not say whether it is a test. In test mode it is one, unless what it takes back was recorded.
fn refund(
    settings: &Settings,
    notification: &Notification<'_>,
    details: Details<'_>,
    context: &Context,
) -> Result<Result<Event, NoEvent>, Stop> {
    let original = notification.get("PaymentTransactionId");
    if values::transaction(original).is_none() {
        return Ok(Err(NoEvent::Unresolved(unrecognized("PaymentTransactionId"))));
    }
    if settings.test_mode && context.movement(&event::payment_key(original))?.is_none() {
        return Ok(Err(NoEvent::Ignored(test_payment())));
    }
    Ok(Ok(event::refund(settings, Details { original: Some(original), ..details })))
}

/// A cancelled transaction was a hold or a payment: what was recorded tells.
fn cancel(settings: &Settings, details: Details<'_>, context: &Context) -> Result<Result<Event, NoEvent>, Stop> {
    Ok(match recorded_as(details.transaction, context)? {
        Some(cancelled) => Ok(event::cancelled(settings, cancelled, details)),
        None if settings.test_mode => Err(NoEvent::Ignored(test_payment())),
        None => {
            let message = [
                "Отменена транзакция, о которой нет ни резерва, ни платежа. Если её платёж потом зачислится, снимите его корректировкой.",
                "Genuine: a transaction was cancelled, of which neither a hold nor a payment is recorded. If its payment is credited later, \
                 credit it back.",
            ];
            Err(NoEvent::Unresolved(Code::UnknownType.at("TransactionId", message)))
        }
    })
}

/// Returns as what a transaction was recorded, before it was cancelled.
///
/// # Errors
/// The questions about it, if they are not answered.
pub fn recorded_as(transaction: &str, context: &Context) -> Result<Option<Cancelled>, Stop> {
    let [payment, hold] = [event::payment_key(transaction), event::hold_key(transaction)];
    context.ask(&[&payment, &hold].map(|key| Question::Movement(MovementName::Key(key.clone()))))?;
    if context.movement(&payment)?.is_some() {
        return Ok(Some(Cancelled::Payment));
    }
    Ok(context.movement(&hold)?.map(|_| Cancelled::Hold))
}

fn extra(notification: &Notification<'_>) -> Fields {
    let given = EXTRA.into_iter().map(|(field, name)| (name.to_owned(), notification.get(field).to_owned()));
    let card = ("card-mask".to_owned(), card_mask(notification.get("CardFirstSix"), notification.get("CardLastFour")));
    given.chain([card]).filter(|(_, value)| !value.is_empty()).collect()
}

fn card_mask(first: &str, last: &str) -> String {
    let is_digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits(first, 6) && is_digits(last, 4) { [first, "******", last].concat() } else { String::new() }
}

#[cfg(test)]
mod tests;
