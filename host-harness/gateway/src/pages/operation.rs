//! An operation at a payment system, as the pages of operations, payments and decisions show it, and what an operator can do about it.

use domain::{LastTry, MovementId, Operation, OperationDecision, OperationId, OperationKind, OperationState, TriedCall};
use maud::{Markup, html};

use super::csrf;
use super::text::{self, Clock, Lang};
use crate::sessions::Session;

/// The path of the page of operations.
pub const ADDRESS: &str = "/operator/operations";

/// Returns the path of the page of a payment.
pub fn payment_address(payment: MovementId) -> String {
    format!("/operator/payments/{payment}")
}

/// The page to which the forms of an operation lead back.
#[derive(Clone, PartialEq, Eq)]
pub enum Back {
    /// The page of operations, with its choice of kinds.
    Operations(String),
    /// The page of a payment.
    Payment(MovementId),
}

impl Back {
    /// The names of the fields that a form has of it.
    const KIND: &'static str = "kind";
    const PAYMENT: &'static str = "payment";

    /// Returns it from the fields of a form.
    pub fn of(kind: &str, payment: &str) -> Back {
        payment.parse().map_or_else(|_| Back::Operations(kind.to_owned()), |payment| Back::Payment(MovementId(payment)))
    }

    /// Returns the hidden fields of a form that leads back to it.
    pub fn fields(&self) -> Markup {
        match self {
            Back::Operations(kind) => html! { input type="hidden" name=(Back::KIND) value=(kind); },
            Back::Payment(payment) => html! { input type="hidden" name=(Back::PAYMENT) value=(payment); },
        }
    }

    /// Returns the address without a notice.
    pub fn address(&self) -> String {
        match self {
            Back::Operations(kind) => list_address(kind, &[]),
            Back::Payment(payment) => payment_address(*payment),
        }
    }

    /// Returns the address with the notice of an operation: on the page of operations by this parameter.
    pub fn with_notice(&self, parameter: &str, operation: &OperationId) -> String {
        match self {
            Back::Operations(kind) => list_address(kind, &[(parameter, operation)]),
            Back::Payment(payment) => format!("{}?operation={operation}", payment_address(*payment)),
        }
    }
}

/// Returns the address of the page of operations with a choice of kinds and other parameters.
pub fn list_address(kind: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let kind = Some(("kind", kind)).filter(|(_, kind)| !kind.is_empty());
    query.extend_pairs(kind.iter().chain(parameters));
    let query = query.finish();
    if query.is_empty() { ADDRESS.to_owned() } else { format!("{ADDRESS}?{query}") }
}

/// Shows an operation: what, for whom, and what has become of it.
pub fn matter(lang: Lang, clock: Clock, operation: &Operation) -> Markup {
    let Operation { id, provider, task, reason, operator, created_at, reference, .. } = operation;
    html! {
        p {
            b { (name(lang, task.kind())) }
            @if let Some(amount) = task.amount() { " " b { (text::amount(lang, amount)) } }
            ", " (provider) " " span.badge { (text::operation_state(lang, operation)) }
        }
        p.hint {
            (clock.text(*created_at))
            @if !operator.is_empty() { ", " (operator) }
            @if let Some(payment) = task.payment() { ", " a href=(payment_address(payment)) { (lang.of("платёж ", "payment ")) (payment) } }
            @if let Some(order) = task.order() { ", " (lang.of("заказ ", "order ")) (order) }
            ", " (lang.of("операция ", "operation ")) (id)
            @if let Some(reference) = reference { ", " (lang.of("номер у платёжной системы: ", "the payment system's number: ")) (reference) }
        }
        @if !reason.is_empty() { p { (lang.of("Почему: ", "Why: ")) (reason) } }
        (progress(lang, clock, operation))
    }
}

/// Shows what is known of an operation's outcome.
fn progress(lang: Lang, clock: Clock, operation: &Operation) -> Markup {
    html! {
        @match &operation.state {
            OperationState::Pending => (standing(lang, clock, operation)),
            OperationState::Refused { message, .. } if operation.decision.is_none() => p.bad { (lang.of("Причина: ", "Reason: ")) (text::sentence(lang, message)) },
            OperationState::Unknown { message } => {
                p.bad { (lang.of("Неизвестно, выполнена ли она: ", "It is not known whether it was done: ")) (text::sentence(lang, message)) }
                @if let Some(tried) = &operation.last_try { (last_try(lang, clock, tried)) }
            },
            _ => {}
        }
        @if let Some(OperationDecision { operator, comment, at }) = &operation.decision {
            p { (decided(lang, operation)) (comment) " — " (operator) ", " (clock.text(*at)) }
        } @else if let Some(ended_at) = operation.ended_at {
            p.hint { (lang.of("Завершена ", "Ended ")) (clock.text(ended_at)) }
        }
    }
}

fn decided(lang: Lang, operation: &Operation) -> &'static str {
    match operation.state {
        _ if operation.is_withdrawn() => {
            lang.of("Отменена до отправки, деньги не двигались: ", "Withdrawn before it was sent, no money moved: ")
        }
        OperationState::Done { .. } => lang.of("Решение — выполнена: ", "Decided that it was done: "),
        _ => lang.of("Решение — не выполнена: ", "Decided that it was not done: "),
    }
}

/// Shows of a pending operation whether it was sent, what the last try came to, and when the next one is.
pub fn standing(lang: Lang, clock: Clock, operation: &Operation) -> Markup {
    html! {
        p { (sent(lang, operation.task.kind(), operation.is_sent)) }
        @match &operation.last_try {
            Some(tried) => (last_try(lang, clock, tried)),
            None if operation.tries == 0 => p { (lang.of("Первая попытка ещё не закончилась.", "The first try is not over yet.")) },
            None => {}
        }
        p {
            @match operation.next_at {
                Some(next_at) => { (lang.of("Следующая попытка — ", "The next try is at ")) (clock.text(next_at)) "." }
                None => (lang.of(
                    "Сама программа больше не спрашивает: о результате сообщит уведомление платёжной системы.",
                    "The program does not ask again by itself: the payment system's callback will tell the result.",
                )),
            }
        }
    }
}

/// Says what came of a try that an operator asked for.
pub fn notice(lang: Lang, clock: Clock, operation: &Operation) -> Markup {
    html! {
        @match &operation.state {
            OperationState::Pending => div.bad role="status" {
                p { (lang.of("Пока не выполнена: операция ", "Not done yet: operation ")) (operation.id) "." }
                (standing(lang, clock, operation))
            },
            OperationState::Done { .. } => p.good role="status" { (lang.of("Выполнена: операция ", "It was done: operation ")) (operation.id) "." },
            OperationState::Refused { .. } if operation.decision.is_some() => p.good role="status" {
                (lang.of("Решение записано: не выполнена операция ", "The decision was recorded that it was not done: operation ")) (operation.id) "."
            },
            OperationState::Refused { message, .. } => p.bad role="status" {
                (lang.of("Не выполнена: операция ", "It was not done: operation ")) (operation.id) ". " (text::sentence(lang, message))
            },
            OperationState::Unknown { message } => p.bad role="status" {
                (lang.of("Неизвестно, выполнена ли операция ", "It is not known whether it was done: operation ")) (operation.id) ". " (text::sentence(lang, message))
            },
        }
    }
}

/// Says whether the request of a pending operation was sent.
fn sent(lang: Lang, kind: OperationKind, is_sent: bool) -> &'static str {
    match (kind, is_sent) {
        (OperationKind::Refund, false) => lang.of(
            "Возврат ещё не отправлен платёжной системе, деньги не двигались.",
            "The refund was not sent to the payment system yet, no money has moved.",
        ),
        (OperationKind::Refund, true) => lang.of(
            "Возврат отправлен платёжной системе. Она ещё не сообщила, что деньги возвращены.",
            "The refund was sent to the payment system. It has not said yet that the money went back.",
        ),
        (OperationKind::Charge, false) => lang.of(
            "Списание ещё не отправлено платёжной системе, деньги не двигались.",
            "The charge was not sent to the payment system yet, no money has moved.",
        ),
        (OperationKind::Charge, true) => lang.of(
            "Списание отправлено платёжной системе. Она ещё не сообщила, что деньги списаны.",
            "The charge was sent to the payment system. It has not said yet that the payer was charged.",
        ),
        (OperationKind::Cancel, false) => lang.of(
            "Отмена подписки ещё не отправлена платёжной системе.",
            "The end of the subscription was not sent to the payment system yet.",
        ),
        (OperationKind::Cancel, true) => lang.of(
            "Отмена подписки отправлена платёжной системе. Она ещё не сообщила, что подписка отменена.",
            "The end of the subscription was sent to the payment system. It has not said yet that it has ended.",
        ),
        (OperationKind::Link, false) => lang.of(
            "Запрос на ссылку ещё не отправлен платёжной системе.",
            "The request for the link was not sent to the payment system yet.",
        ),
        (OperationKind::Link, true) => lang.of(
            "Запрос на ссылку отправлен платёжной системе. Ссылки она ещё не дала.",
            "The request for the link was sent to the payment system. It has given no link yet.",
        ),
    }
}

/// Shows when an operation was last tried, and what came of it.
fn last_try(lang: Lang, clock: Clock, LastTry { at, call, message }: &LastTry) -> Markup {
    html! {
        p {
            (lang.of("Последняя попытка — ", "The last try was at ")) (clock.text(*at)) ": "
            @match call {
                None => (lang.of("до запроса к платёжной системе не дошло", "it came to no request to the payment system")),
                Some(TriedCall::NotSent) => (lang.of("связаться с платёжной системой не удалось", "the payment system could not be reached")),
                Some(TriedCall::NoAnswer) => (lang.of("платёжная система не ответила", "the payment system did not answer")),
                Some(TriedCall::Answered(status)) => { (lang.of("платёжная система ответила, статус HTTP ", "the payment system answered, HTTP status ")) (status) }
            }
            @match call {
                _ if message.is_empty() => ".",
                // The client for calls says why in English alone, and a component that there is no answer.
                Some(TriedCall::NotSent | TriedCall::NoAnswer) if lang == Lang::Ru => {
                    ". Причина — на странице " a href="/operator/calls" { "«Обращения»" } "."
                }
                _ => { ". " (text::sentence(lang, message)) }
            }
        }
    }
}

fn name(lang: Lang, kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Refund => lang.of("Возврат", "Refund"),
        OperationKind::Charge => lang.of("Повторное списание", "Repeated charge"),
        OperationKind::Cancel => lang.of("Отмена подписки", "End of a subscription"),
        OperationKind::Link => lang.of("Ссылка на оплату", "Payment link"),
    }
}

/// Shows an operation with the forms of what an operator can do about it.
pub fn card(lang: Lang, clock: Clock, session: &Session, operation: &Operation, back: &Back) -> Markup {
    html! {
        section.card {
            (matter(lang, clock, operation))
            @match operation.state {
                OperationState::Unknown { .. } => (decision_form(lang, session, operation, "", back)),
                OperationState::Pending => (pending_forms(lang, session, operation, back)),
                _ => {}
            }
        }
    }
}

/// Shows the forms of a pending operation: it is tried now, or withdrawn if nothing was sent yet.
fn pending_forms(lang: Lang, session: &Session, operation: &Operation, back: &Back) -> Markup {
    let kind = operation.task.kind();
    let withdrawal = match kind {
        OperationKind::Refund => Some(lang.of("Отменить возврат…", "Withdraw the refund…")),
        OperationKind::Charge => Some(lang.of("Отменить списание…", "Withdraw the charge…")),
        OperationKind::Cancel | OperationKind::Link => None,
    };
    html! {
        form.inline method="post" action={ (ADDRESS) "/" (operation.id) "/retry" } {
            (csrf(session))
            (back.fields())
            button.quiet { @if operation.is_sent { (lang.of("Спросить сейчас", "Ask now")) } @else { (lang.of("Отправить сейчас", "Send now")) } }
        }
        @match withdrawal {
            Some(button) if !operation.is_sent => form.inline method="post" action={ (ADDRESS) "/" (operation.id) "/withdraw" } {
                (csrf(session))
                (back.fields())
                button.quiet { (button) }
            },
            Some(_) => p.hint { (lang.of(
                "Отменить нельзя: запрос уже у платёжной системы, и деньги могли уйти.",
                "It cannot be withdrawn: the payment system has the request, and the money may have gone.",
            )) },
            None => {}
        }
    }
}

/// Shows the form by which an operator says what became of an operation.
pub fn decision_form(lang: Lang, session: &Session, operation: &Operation, comment: &str, back: &Back) -> Markup {
    html! {
        form.filter method="post" action={ (ADDRESS) "/" (operation.id) "/decision" } {
            (csrf(session))
            (back.fields())
            label { (lang.of("Как вы это узнали", "How you know")) input name="comment" required maxlength="255" value=(comment); }
            button name="verdict" value="done" { (lang.of("Выполнена…", "It was done…")) }
            button.quiet name="verdict" value="not-done" { (lang.of("Не выполнена…", "It was not done…")) }
        }
    }
}

/// Shows the form that confirms a withdrawal.
pub fn withdrawal_form(lang: Lang, session: &Session, operation: &Operation, comment: &str, back: &Back) -> Markup {
    let is_refund = operation.task.kind() == OperationKind::Refund;
    html! {
        form.card method="post" action={ (ADDRESS) "/" (operation.id) "/withdraw" } {
            (csrf(session))
            (back.fields())
            label { (lang.of("Почему", "Why")) input name="comment" required maxlength="255" value=(comment); }
            button name="decision" value="confirmed" {
                @if is_refund { (lang.of("Да, отменить возврат", "Yes, withdraw the refund")) }
                @else { (lang.of("Да, отменить списание", "Yes, withdraw the charge")) }
            }
            a href=(back.address()) { (lang.of("Нет, вернуться", "No, go back")) }
        }
    }
}
