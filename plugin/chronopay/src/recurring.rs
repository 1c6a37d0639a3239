//! Charging a customer again, and ending a subscription.

use kit::contract::{Order, Problem};
use kit::exchanges::{OperationStep, PaymentReference, Pending};
use kit::order;
use kit::problem::Code;
use kit::recurring_payments::CancelStep;
use kit::{Context, Stop};
use money::format_amount;

use crate::gate::{self, Operation, Outcome};
use crate::settings::Settings;
use crate::transaction::is_customer;

/// Charges the customer of an earlier payment. The gate has no place for the new order's id: the callback names the first order.
///
/// # Errors
/// The call, if it was not made yet.
pub fn charge(
    settings: &Settings,
    payment: &PaymentReference,
    order: &Order,
    context: &Context,
) -> Result<OperationStep, Stop> {
    let customer = match customer(payment, context) {
        Ok(customer) => customer,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    if let Some(problem) = order::check(order, settings.currency).into_iter().next() {
        return Ok(OperationStep::Refused(problem));
    }
    let amount = format_amount(order.amount.minor_units);
    Ok(match gate::ask(settings, Operation::Charge(&amount), customer, context)? {
        // Only the callback tells of it. Whether a transaction in the answer is the callback's is not known, and if it is not, the
        // charge would be credited twice.
        Outcome::Done => OperationStep::Pending(Pending { ask_again: None, reference: None }),
        Outcome::Refused(problem) => OperationStep::Refused(problem),
        Outcome::NotSent(problem) => OperationStep::Unavailable(problem),
        Outcome::Unknown(problem) => OperationStep::Unknown(problem),
    })
}

/// What became of a charge cannot be asked.
pub fn not_known() -> OperationStep {
    let message = [
        "ChronoPay не сообщает, выполнено ли списание. Посмотрите в его кабинете.",
        "ChronoPay's gate does not tell what became of a charge; look in ChronoPay's cabinet.",
    ];
    OperationStep::Unknown(Code::Unsupported.whole(message))
}

/// Ends the subscription of the customer of a payment.
///
/// # Errors
/// The call, if it was not made yet.
pub fn cancel(settings: &Settings, payment: &PaymentReference, context: &Context) -> Result<CancelStep, Stop> {
    let customer = match customer(payment, context) {
        Ok(customer) => customer,
        Err(problem) => return Ok(CancelStep::Refused(problem)),
    };
    Ok(match gate::ask(settings, Operation::Cancel, customer, context)? {
        Outcome::Done => CancelStep::Cancelled,
        Outcome::Refused(problem) => CancelStep::Refused(problem),
        Outcome::NotSent(problem) => CancelStep::Unavailable(problem),
        Outcome::Unknown(problem) => CancelStep::Unknown(problem),
    })
}

/// Returns the customer of a payment: `NNNNNN-NNNNNNNNN`.
fn customer<'p>(payment: &'p PaymentReference, context: &'p Context) -> Result<&'p str, Problem> {
    let payer =
        context.movement_of(payment).and_then(|movement| movement.event.payer.as_deref()).filter(|payer| is_customer(payer));
    let message = [
        "В платеже нет клиента ChronoPay: списать не с кого.",
        "It names no customer of ChronoPay's, so that nobody can be charged.",
    ];
    payer.ok_or_else(|| Code::Missing.at("payment", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callback;
    use crate::settings::tests::settings;
    use kit::contract::{Event, Money, Verdict};
    use kit::exchanges::{HttpCall, HttpResponse, HttpResult, Movement, MovementState, Outcome as Recorded};
    use kit::form::encode;
    use kit::request::post;
    use kit::signature::md5;

    const CUSTOMER: &str = "001234-100000062";

    /// Returns the event of a callback that names order 42.
    fn told(transaction_type: &str, id: &str) -> Event {
        let sign = hex::encode(md5(&["TestSharedSec001", CUSTOMER, id, transaction_type, "100.00"]));
        let body = encode([
            ("transaction_type", transaction_type),
            ("customer_id", CUSTOMER),
            ("transaction_id", id),
            ("total", "100.00"),
            ("product_id", "001234-0001-0001"),
            ("currency", "RUB"),
            ("cs1", "42"),
            ("sign", &sign),
        ]);
        match callback::verify_and_map(&settings(&[]), &post(body)) {
            Verdict::Happened(mut events) => events.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn order(minor_units: i64, currency: &str) -> Order {
        Order {
            id: "43".into(),
            account: "100500".into(),
            amount: Money { minor_units, currency: currency.into() },
            description: String::new(),
            language: String::new(),
            callback_url: String::new(),
            success_url: String::new(),
            failure_url: String::new(),
            expires_at: None,
            receipt: None,
            payer: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// Returns the reference of a recorded payment, and its context.
    fn recorded(event: Event) -> (PaymentReference, Context) {
        let movement = Movement { id: "1".into(), event, recorded_at: 0, extra: Vec::new() };
        let context = Context::at(0).recorded(Recorded::Entered, movement);
        let movement = Some(MovementState { movement: 0, later: Vec::new() });
        (PaymentReference { order: None, link: None, movement, extra: Vec::new() }, context)
    }

    fn response(status: u16, body: &str) -> HttpResult {
        HttpResult::Response(HttpResponse { status, headers: Vec::new(), body: body.into() })
    }

    fn call(stop: Stop) -> HttpCall {
        match stop {
            Stop::Call(call) => *call,
            stop => panic!("{stop:?}"),
        }
    }

    fn charged(answer: HttpResult) -> OperationStep {
        let (settings, order) = (settings(&[]), order(10_000, "RUB"));
        let (payment, context) = recorded(told("Purchase", "56244472"));
        let call = call(charge(&settings, &payment, &order, &context).unwrap_err());
        charge(&settings, &payment, &order, &context.called(call, answer)).unwrap()
    }

    fn words(step: &OperationStep) -> String {
        match step {
            OperationStep::Pending(pending) => format!("pending {:?} {:?}", pending.ask_again, pending.reference),
            OperationStep::Refused(problem) => format!("refused {}", problem.message[0].1),
            OperationStep::Unavailable(_) => "unavailable".to_owned(),
            OperationStep::Unknown(_) => "unknown".to_owned(),
            OperationStep::Succeeded(_) | OperationStep::Ask(_) | OperationStep::Call(_) => panic!("{step:?}"),
        }
    }

    #[test]
    fn what_the_gate_answers() {
        for (answer, want) in [
            (response(200, "<response><code>000</code><Transaction>56244473</Transaction></response>"), "pending None None"),
            (response(200, "<response><code>0</code><message/></response>"), "pending None None"),
            (response(200, "<response><code>000</code><Transaction>A-1</Transaction></response>"), "pending None None"),
            (
                response(200, "<response><code>105</code><message>Нет\nсредств</message></response>"),
                "refused ChronoPay refused it with the code 105: Нет средств",
            ),
            (response(200, "OK"), "unknown"),
            (response(200, ""), "unknown"),
            (response(302, "<response><code>000</code></response>"), "unknown"),
            (response(500, "<response><code>105</code></response>"), "unknown"),
            (HttpResult::Unknown("no answer".into()), "unknown"),
            (HttpResult::NotSent("no such host".into()), "unavailable"),
        ] {
            assert_eq!(words(&charged(answer)), want);
        }
        assert_eq!(words(&not_known()), "unknown");
    }

    #[test]
    fn what_is_not_sent() {
        let settings = settings(&[]);
        let (payment, context) = recorded(told("Purchase", "56244472"));
        for order in [order(0, "RUB"), order(10_000, "USD")] {
            assert!(words(&charge(&settings, &payment, &order, &context).unwrap()).starts_with("refused"));
        }
        for payer in [None, Some("001234".to_owned()), Some("<Customer>".to_owned())] {
            let (payment, context) = recorded(Event { payer, ..told("Purchase", "56244472") });
            let step = charge(&settings, &payment, &order(10_000, "RUB"), &context).unwrap();
            assert!(words(&step).starts_with("refused It names no customer"));
            assert!(matches!(cancel(&settings, &payment, &context), Ok(CancelStep::Refused(_))));
        }
    }

    #[test]
    fn a_subscription_ends() {
        for (answer, want) in [
            (response(200, "<response><code>000</code></response>"), "cancelled"),
            (response(200, "<response><code>1</code><message>x</message></response>"), "refused"),
            (response(502, ""), "unknown"),
            (HttpResult::Unknown("no answer".into()), "unknown"),
            (HttpResult::NotSent("no such host".into()), "unavailable"),
        ] {
            let settings = settings(&[]);
            let (payment, context) = recorded(told("Purchase", "56244472"));
            let call = call(cancel(&settings, &payment, &context).unwrap_err());
            let step = match cancel(&settings, &payment, &context.called(call, answer)).unwrap() {
                CancelStep::Cancelled => "cancelled",
                CancelStep::Refused(_) => "refused",
                CancelStep::Unavailable(_) => "unavailable",
                CancelStep::Unknown(_) => "unknown",
                CancelStep::Ask(_) | CancelStep::Call(_) => panic!(),
            };
            assert_eq!(step, want);
        }
    }
}
