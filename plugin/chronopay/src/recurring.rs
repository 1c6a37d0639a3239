//! Charging a customer again, and ending a subscription.

use kit::contract::{Event, EventKind, Money, Order, Problem, Recurrence};
use kit::exchanges::{OperationStep, PaymentReference, Pending};
use kit::order;
use kit::problem::Code;
use kit::recurring_payments::CancelStep;
use kit::{Context, Stop};
use money::format_amount;

use crate::callback::dedup_key;
use crate::gate::{self, Operation, Outcome};
use crate::settings::Settings;
use crate::transaction::{Meaning, Transaction, is_customer, is_id};

/// Charges the customer of an earlier payment. The gate has no place for the new order's id: the event names the first order, as the
/// callback does.
///
/// # Errors
/// The call, if it was not made yet.
pub fn charge(
    settings: &Settings,
    payment: &PaymentReference,
    order: &Order,
    context: &Context,
) -> Result<OperationStep, Stop> {
    let first = match first_payment(payment, context) {
        Ok(first) => first,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    if let Some(problem) = order::check(order, settings.currency).into_iter().next() {
        return Ok(OperationStep::Refused(problem));
    }
    let amount = format_amount(order.amount.minor_units);
    Ok(match gate::ask(settings, Operation::Charge(&amount), first.customer, context)? {
        Outcome::Done(id) if is_id(&id) => OperationStep::Succeeded(event(settings, &first, order, &id)),
        // The callback has the transaction.
        Outcome::Done(_) => OperationStep::Pending(Pending { ask_again: None, reference: None }),
        Outcome::Refused(problem) => OperationStep::Refused(problem),
        Outcome::NotSent(problem) => OperationStep::Unavailable(problem),
        Outcome::Unknown(problem) => OperationStep::Unknown(problem),
    })
}

/// What became of a charge cannot be asked.
pub fn not_known() -> OperationStep {
    let message = "ChronoPay's gate does not tell what became of a charge; look in ChronoPay's cabinet.";
    OperationStep::Unknown(Code::Unsupported.whole(message))
}

/// Ends the subscription of the customer of a payment.
///
/// # Errors
/// The call, if it was not made yet.
pub fn cancel(settings: &Settings, payment: &PaymentReference, context: &Context) -> Result<CancelStep, Stop> {
    let first = match first_payment(payment, context) {
        Ok(first) => first,
        Err(problem) => return Ok(CancelStep::Refused(problem)),
    };
    Ok(match gate::ask(settings, Operation::Cancel, first.customer, context)? {
        Outcome::Done(_) => CancelStep::Cancelled,
        Outcome::Refused(problem) => CancelStep::Refused(problem),
        Outcome::NotSent(problem) => CancelStep::Unavailable(problem),
        Outcome::Unknown(problem) => CancelStep::Unknown(problem),
    })
}

/// The payment that named the customer.
struct FirstPayment<'p> {
    /// `NNNNNN-NNNNNNNNN`.
    customer: &'p str,
    order: Option<&'p str>,
}

fn first_payment<'p>(payment: &'p PaymentReference, context: &'p Context) -> Result<FirstPayment<'p>, Problem> {
    let movement = payment.movement.as_ref().and_then(|state| context.state(state).movement());
    let first = movement.and_then(|movement| {
        let customer = movement.event.payer.as_deref().filter(|payer| is_customer(payer))?;
        Some(FirstPayment { customer, order: movement.event.order.as_deref() })
    });
    first.ok_or_else(|| Code::Missing.at("payment", "It names no customer of ChronoPay's, so that nobody can be charged."))
}

/// Builds the event that the callback will tell of: a callback's key is made of customer and transaction.
fn event(settings: &Settings, first: &FirstPayment, order: &Order, id: &str) -> Event {
    let kind = EventKind::Payment;
    let (customer, minor_units) = (first.customer, order.amount.minor_units);
    let transaction = Transaction { customer, id, meaning: Meaning::Money(kind, Recurrence::Repeat), minor_units };
    Event {
        kind,
        recurrence: Recurrence::Repeat,
        transaction: id.to_owned(),
        original: None,
        ends_hold: None,
        expires_at: None,
        account: None,
        order: first.order.map(str::to_owned),
        payer: Some(customer.to_owned()),
        amount: Money { minor_units, currency: settings.currency.as_str().to_owned() },
        fee: None,
        occurred_at: None,
        comment: settings.comment.clone(),
        dedup_key: dedup_key(kind, &transaction),
        extra: Vec::new(),
    }
}
