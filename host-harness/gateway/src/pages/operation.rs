//! An operation at a payment system, as the pages of operations and of payments show it.

use domain::{MovementId, Operation, OperationDecision, OperationKind, OperationState};
use maud::{Markup, html};

use super::text::{self, Clock, Lang};

/// The path of the page of operations.
pub const ADDRESS: &str = "/operator/operations";

/// Returns the path of the page of a payment.
pub fn payment_address(payment: MovementId) -> String {
    format!("/operator/payments/{payment}")
}

/// Shows an operation: what, for whom, and what has become of it.
pub fn matter(lang: Lang, clock: Clock, operation: &Operation) -> Markup {
    let Operation { id, provider, task, reason, operator, created_at, reference, .. } = operation;
    html! {
        p {
            b { (name(lang, task.kind())) }
            @if let Some(amount) = task.amount() { " " b { (text::amount(lang, amount)) } }
            ", " (provider) " " span.badge { (text::operation_state(lang, &operation.state)) }
        }
        p.hint {
            (clock.text(*created_at))
            @if !operator.is_empty() { ", " (operator) }
            @if let Some(payment) = task.payment() { ", " a href=(payment_address(payment)) { (lang.of("платёж ", "payment ")) (payment) } }
            @if let Some(order) = task.order() { ", " (lang.of("заказ ", "order ")) (order) }
            ", " (lang.of("операция ", "operation ")) (id)
            @if let Some(reference) = reference { ", " (lang.of("у платёжной системы ", "at the payment system ")) (reference) }
        }
        @if !reason.is_empty() { p { (lang.of("Почему: ", "Why: ")) (reason) } }
        (progress(lang, clock, operation))
    }
}

/// Shows what is known of an operation's outcome.
fn progress(lang: Lang, clock: Clock, operation: &Operation) -> Markup {
    html! {
        @match &operation.state {
            OperationState::Pending => p {
                (lang.of("Отложена, раз: ", "Put off, times: ")) (operation.tries) ". "
                @match operation.next_at {
                    Some(next_at) => { (lang.of("Следующая попытка: ", "The next try: ")) (clock.text(next_at)) "." }
                    None => (lang.of("Ждёт уведомления платёжной системы.", "It waits for the payment system's callback.")),
                }
            },
            OperationState::Refused { message, .. } if operation.decision.is_none() => p.bad { (lang.of("Причина: ", "Reason: ")) (message) },
            OperationState::Unknown { message } => p.bad {
                (lang.of("Неизвестно, выполнена ли она: ", "It is not known whether it was done: ")) (message)
            },
            _ => {}
        }
        @if let Some(OperationDecision { operator, comment, at }) = &operation.decision {
            p { (lang.of("Решение: ", "Decision: ")) (comment) " — " (operator) ", " (clock.text(*at)) }
        } @else if let (false, Some(ended_at)) = (operation.state.is_open(), operation.ended_at) {
            p.hint { (lang.of("Завершена ", "Ended ")) (clock.text(ended_at)) }
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
