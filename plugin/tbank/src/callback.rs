//! Verdicts on notifications.

use kit::contract::{CallbackAnswer, CallbackRequest, Event, Fields, HttpMethod, Problem, Verdict};
use kit::json::{JsonError, Object};
use kit::problem::{Code, filled};
use kit::text::shown;
use kit::{CallbackStep, Context, Stop, reply};

use crate::notification::{Notification, optional};
use crate::refunded;
use crate::settings::{CURRENCY, Settings};
use crate::sign::{TOKEN, holds};
use crate::state::{NoState, State, Status, state};
use crate::status::OTHER_ORDER;

/// The body that T-Bank takes for receipt.
const RECEIVED: &str = "OK";
/// `Status` of a notification about a receipt.
const RECEIPT: &str = "RECEIPT";
/// Fields of notifications that are not about a payment: a card or an account was bound.
const OF_BINDING: [&str; 2] = ["NotificationType", "RequestKey"];

/// Why there is no event.
enum NoEvent {
    Verdict(Verdict),
    /// T-Bank cannot be asked now: it is to send the notification again.
    Unavailable,
}

type EventsOrNone = Result<Vec<Event>, NoEvent>;

/// Judges a notification and answers it.
///
/// # Errors
/// What must be asked or called first.
pub fn handle(settings: &Settings, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
    let root = match proved(settings, request) {
        Ok(root) => root,
        Err(problem) => {
            let (verdict, reply) = (Verdict::Refused(problem), reply::forbidden());
            return Ok(CallbackStep::Done(CallbackAnswer { verdict, reply }));
        }
    };
    let verdict = match judge(settings, &root, context)? {
        Ok(events) => Verdict::Happened(events),
        Err(NoEvent::Verdict(verdict)) => verdict,
        Err(NoEvent::Unavailable) => return Ok(CallbackStep::Unavailable(reply::unavailable())),
    };
    Ok(CallbackStep::Done(CallbackAnswer { verdict, reply: reply::text(200, RECEIVED) }))
}

/// Returns the notification, if its Token holds.
fn proved<'r>(settings: &Settings, request: &'r CallbackRequest) -> Result<Object<'r>, Problem> {
    if request.method != HttpMethod::Post {
        return Err(Code::Malformed.whole("T-Bank sends notifications by POST."));
    }
    let root = Object::parse(&request.body).map_err(|error| error.problem())?;
    let token = root.optional(TOKEN).map_err(|error| error.problem())?;
    let Some(token) = token else {
        return Err(Code::SignatureMissing.at(TOKEN, "The notification has no Token: it is not T-Bank's."));
    };
    let scalars = root.scalars().map_err(|error: JsonError| error.problem())?;
    let scalars: Vec<(&str, &str)> = scalars.iter().map(|(name, value)| (*name, &**value)).collect();
    if holds(&scalars, &settings.password, &token) {
        return Ok(root);
    }
    let message = "The Token does not hold: the notification is forged, or the password is not that of the terminal.";
    Err(Code::SignatureMismatch.at(TOKEN, message))
}

/// Returns what a proved notification tells.
fn judge(settings: &Settings, root: &Object<'_>, context: &Context) -> Result<EventsOrNone, Stop> {
    if let Err(verdict) = of_this_terminal(settings, root) {
        return Ok(Err(NoEvent::Verdict(verdict)));
    }
    let text = optional(root, "Status");
    if text == RECEIPT || OF_BINDING.iter().any(|name| root.find(name).is_some()) {
        return Ok(ignored("It is about a receipt, a card or an account that was bound."));
    }
    let status = Status::parse(&text);
    match status {
        Status::Ended | Status::Waiting | Status::Refunding => return Ok(ignored("No money moved by it.")),
        Status::PartialReversed => {
            let message = [
                "Отменена часть резерва: такое программа не ведёт. Посмотрите платёж в кабинете Т-Банка.",
                "A part of a hold was released, which this program does not follow. Look in T-Bank's cabinet.",
            ];
            return Ok(unresolved(Code::UnknownType.at("Status", message)));
        }
        Status::Unknown => {
            let status = shown(&text);
            let message = filled(
                [
                    "Статус {0} незнаком. Посмотрите в кабинете Т-Банка, двигались ли деньги.",
                    "The status {0} is not known. Look in T-Bank's cabinet whether money moved.",
                ],
                &[&status],
            );
            return Ok(unresolved(Code::UnknownType.at("Status", message)));
        }
        _ => {}
    }
    match Notification::read(root, status != Status::Declined) {
        Ok(notification) => of_status(settings, status, &notification, root, context),
        Err(field) => {
            let message = [
                "Подпись верна, но это поле в незнакомой форме: Т-Банк мог её изменить. Обновите компонент.",
                "The Token holds, but the field has a form that is not known. T-Bank may have changed it; update the provider.",
            ];
            Ok(unresolved(Code::UnrecognizedForm.at(shown(&field), message)))
        }
    }
}

/// Compares the terminal and the mode.
fn of_this_terminal(settings: &Settings, root: &Object<'_>) -> Result<(), Verdict> {
    if optional(root, "TerminalKey") != settings.terminal_key {
        let message = [
            "Подпись верна, но терминал не тот, что в настройках.",
            "The Token holds, and the notification is of another terminal than the settings name.",
        ];
        return Err(Verdict::Unresolved(Code::MerchantMismatch.at("TerminalKey", message)));
    }
    if settings.test_mode && settings.has_test_terminal() {
        let message = "A notification of a test terminal, and its Token holds; nothing is credited.";
        return Err(Verdict::Ignored(Code::TestCallback.at("TerminalKey", message)));
    }
    if settings.test_mode {
        let message = [
            "Уведомление боевого терминала, а включён тестовый режим: деньги могут быть настоящими. Из тестовой среды Т-Банка они не \
             настоящие.",
            "A notification of a live terminal, though test-mode is on: it may be about real money. If it comes from T-Bank's test \
             environment, it is about none.",
        ];
        return Err(Verdict::Unresolved(Code::LiveCallback.at("TerminalKey", message)));
    }
    Ok(())
}

fn of_status(
    settings: &Settings,
    status: Status,
    notification: &Notification,
    root: &Object<'_>,
    context: &Context,
) -> Result<EventsOrNone, Stop> {
    let subject = notification.subject();
    let event = match status {
        Status::Reversed => subject.released(settings),
        Status::PartialRefunded | Status::Refunded => return of_refund(settings, notification, context),
        Status::Declined => match context.order(&notification.order)? {
            Some(order) => subject.declined(settings, order.amount.minor_units),
            None => return Ok(ignored("The payment was declined, and its order is not known.")),
        },
        _ => match check_amount(settings, notification, context)? {
            Err(none) => return Ok(Err(none)),
            Ok(()) if status == Status::Confirmed => subject.paid(settings, notification.amount),
            Ok(()) => subject.held(settings, notification.amount),
        },
    };
    Ok(Ok(vec![Event { extra: extra(root), ..event }]))
}

/// Compares the amount with that of the order. If the host does not know the order, with what T-Bank says of the payment: Amount and
/// CardId are both digits and neighbours in the signed text.
fn check_amount(settings: &Settings, notification: &Notification, context: &Context) -> Result<Result<(), NoEvent>, Stop> {
    if let Some(order) = context.order(&notification.order)? {
        if (order.amount.minor_units, order.amount.currency.as_str()) == (notification.amount, CURRENCY.as_str()) {
            return Ok(Ok(()));
        }
        let message = [
            "Подпись верна, но у заказа другая сумма. Посмотрите в кабинете Т-Банка, сколько оплачено.",
            "The Token holds, but the order has another amount. Look in T-Bank's cabinet how much was paid.",
        ];
        return Ok(unresolved(Code::UnrecognizedForm.at("Amount", message)));
    }
    Ok(state_of(settings, notification, context)?.and_then(|state| {
        if state.amount == notification.amount {
            return Ok(());
        }
        let message = [
            "Подпись верна, но у Т-Банка другая сумма этого платежа. Посмотрите его в кабинете Т-Банка.",
            "The Token holds, but T-Bank has the payment with another amount. Look in T-Bank's cabinet.",
        ];
        unresolved(Code::UnrecognizedForm.at("Amount", message))
    }))
}

/// Asks T-Bank for the payment of a notification.
fn state_of(settings: &Settings, notification: &Notification, context: &Context) -> Result<Result<State, NoEvent>, Stop> {
    Ok(match state(settings, &notification.payment, context)? {
        Ok(state) if state.order == notification.order => Ok(state),
        Ok(_) => unresolved(Code::UnrecognizedForm.at("OrderId", OTHER_ORDER)),
        Err(NoState::Unavailable(_)) => Err(NoEvent::Unavailable),
        Err(NoState::Refused(refusal)) => unresolved(Code::UnrecognizedForm.at("PaymentId", refusal.sentence())),
    })
}

/// T-Bank is asked what was paid back: no document says whether a notification names the refund, the whole or what is left.
fn of_refund(settings: &Settings, notification: &Notification, context: &Context) -> Result<EventsOrNone, Stop> {
    let state = match state_of(settings, notification, context)? {
        Ok(state) => state,
        Err(none) => return Ok(Err(none)),
    };
    if state.status == Status::Refunding {
        // Another refund is under way; its notification tells both.
        return Ok(Err(NoEvent::Unavailable));
    }
    let told = refunded::told(settings, &state, context)?;
    // Where the payment is not recorded either, the question about the unpaid order tells it.
    Ok(match told.unclear {
        None => Ok(told.events),
        Some([in_russian, in_english]) => {
            let message = filled(
                [
                    "Возврат платежа. {0} Посмотрите в кабинете Т-Банка. Возврат, сделанный отсюда, проведёт его операция. Другой \
                     внесите корректировкой, если не будете возвращать отсюда ещё часть: тогда проведутся оба.",
                    "A payment was paid back. {1} Look in T-Bank's cabinet: a refund that was made here is entered by its operation; \
                     enter another one as a correction, unless another part is paid back from here: that enters both.",
                ],
                &[&in_russian, &in_english],
            );
            unresolved(Code::UnrecognizedForm.at("Amount", message))
        }
    })
}

fn ignored<T>(message: &str) -> Result<T, NoEvent> {
    Err(NoEvent::Verdict(Verdict::Ignored(Code::NoMoneyMoved.at("Status", message))))
}

fn unresolved<T>(problem: Problem) -> Result<T, NoEvent> {
    Err(NoEvent::Verdict(Verdict::Unresolved(problem)))
}

/// Returns what informs an operator: how the payer paid, the card's mask, and the code of an error.
fn extra(root: &Object<'_>) -> Fields {
    let data = ["Data", "DATA"].into_iter().find_map(|name| root.find(name)).and_then(|data| data.object().ok());
    let source = data.and_then(|data| data.optional("Source").ok().flatten()).unwrap_or_default().into_owned();
    let code = Some(optional(root, "ErrorCode")).filter(|code| code != "0").unwrap_or_default();
    let all = [("payment-type", source), ("card-mask", optional(root, "Pan")), ("error-code", code)];
    all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
#[path = "callback/tests.rs"]
mod tests;
