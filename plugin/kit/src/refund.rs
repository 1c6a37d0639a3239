//! The checks of a refund that all providers share.

use money::{Currency, format_amount};

use crate::context::{Context, Recorded};
use crate::contract::{EventKind, Problem};
use crate::problem::{Code, filled};
use crate::refunds::RefundRequest;

/// Returns the payment that a refund takes back, as it is recorded, with what followed from it.
///
/// # Errors
/// `invalid` at `payment`: no payment in this currency is recorded. `unsupported` at `amount.currency`: the refund is in another one.
/// `out-of-range` at `amount.minor-units`: it is of nothing, or of more than was paid.
pub fn payment<'c>(request: &'c RefundRequest, context: &'c Context, currency: Currency) -> Result<Recorded<'c>, Problem> {
    let recorded = request.payment.movement.as_ref().map(|state| context.state(state));
    let paid = recorded.and_then(|recorded| Some((recorded, &recorded.movement()?.event)));
    let paid = paid.filter(|(_, event)| event.kind == EventKind::Payment && currency.is(&event.amount.currency));
    let Some((recorded, event)) = paid else {
        let message =
            filled(["Такого платежа в {0} не записано.", "It is not a payment in {0} that is recorded."], &[&currency]);
        return Err(Code::Invalid.at("payment", message));
    };
    if !currency.is(&request.amount.currency) {
        let message = filled(
            ["Платёж в {0}: вернуть можно только в этой валюте.", "The payment is in {0}, and so is its refund."],
            &[&currency],
        );
        return Err(Code::Unsupported.at("amount.currency", message));
    }
    if !(1..=event.amount.minor_units).contains(&request.amount.minor_units) {
        let paid = event.amount.minor_units;
        let message = filled(
            ["Вернуть можно от 0.01 до {0}.", "The payment is of {1} minor units; a refund is of 1 or more, up to that."],
            &[&format_amount(paid), &paid],
        );
        return Err(Code::OutOfRange.at("amount.minor-units", message));
    }
    Ok(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Event, Money};
    use crate::event;
    use crate::exchanges::{Movement, MovementState, Outcome, PaymentReference};

    fn money(minor_units: i64, currency: &str) -> Money {
        Money { minor_units, currency: currency.to_owned() }
    }

    fn checked(recorded: Option<Event>, amount: Money) -> Result<String, String> {
        let movement = recorded.as_ref().map(|_| MovementState { movement: 0, later: Vec::new() });
        let payment = PaymentReference { order: None, link: None, movement, extra: Vec::new() };
        let request = RefundRequest {
            id: "r-1".into(),
            payment,
            amount,
            full: false,
            reason: String::new(),
            receipt: None,
            extra: Vec::new(),
        };
        let movement = |event| Movement { id: "1".into(), event, recorded_at: 0, extra: Vec::new() };
        let context = recorded.map_or(Context::at(0), |event| Context::at(0).recorded(Outcome::Entered, movement(event)));
        let paid = payment_of(&request, &context);
        paid.map_err(|problem| [problem.code, problem.field.unwrap()].join(" "))
    }

    fn payment_of(request: &RefundRequest, context: &Context) -> Result<String, Problem> {
        payment(request, context, Currency::RUB).map(|recorded| recorded.movement().unwrap().event.transaction.clone())
    }

    #[test]
    fn only_a_payment_is_paid_back_and_no_more_of_it_than_came_in() {
        let of = |kind, currency| Some(event::of(kind, "7", money(10_000, currency), "key:7".to_owned(), ""));
        let payment = || of(EventKind::Payment, "RUB");
        for (recorded, amount, want) in [
            (payment(), money(10_000, "RUB"), Ok("7")),
            (payment(), money(1, "RUB"), Ok("7")),
            (payment(), money(10_001, "RUB"), Err("out-of-range amount.minor-units")),
            (payment(), money(0, "RUB"), Err("out-of-range amount.minor-units")),
            (payment(), money(-1, "RUB"), Err("out-of-range amount.minor-units")),
            (payment(), money(100, "USD"), Err("unsupported amount.currency")),
            (of(EventKind::Payment, "USD"), money(100, "USD"), Err("invalid payment")),
            (of(EventKind::Hold, "RUB"), money(100, "RUB"), Err("invalid payment")),
            (of(EventKind::Refund, "RUB"), money(100, "RUB"), Err("invalid payment")),
            (None, money(100, "RUB"), Err("invalid payment")),
        ] {
            let got = checked(recorded.clone(), amount.clone());
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{recorded:?} {amount:?}");
        }
    }
}
