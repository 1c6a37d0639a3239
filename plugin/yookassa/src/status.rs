//! What has become of the payment of an order: heals lost notifications.

use kit::exchanges::PaymentReference;
use kit::payment_status::{PaymentStatus, StatusStep};
use kit::problem::Code;
use kit::{Context, Stop};

use crate::object::{Told, check_mode};
use crate::payment::Payment;
use crate::settings::Settings;
use crate::{api, payment, refund};

/// Returns what is known of an order's payment: the payment, the hold or the decline, and its refunds.
///
/// YooKassa cannot be asked by an order, only by the payment's id, which the link has as its `reference`. Where no link was made,
/// nobody has the address at which the order could be paid.
///
/// # Errors
/// The call or the question that must be answered first.
pub fn query(settings: &Settings, reference: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
    let Some(id) = id(reference, context) else { return Ok(StatusStep::Done(nothing())) };
    let told = payment::read(settings, context, id)?;
    let told = told.and_then(|payment| match check_mode(settings, payment.is_test) {
        Ok(()) => happened(settings, context, &payment),
        Err(told) => Ok(told),
    })?;
    Ok(match told {
        Told::Found(status) => StatusStep::Done(status),
        Told::Test(_) => StatusStep::Done(nothing()),
        Told::Unavailable(problem) => StatusStep::Unavailable(problem),
        Told::Unresolved(problem) => StatusStep::Done(PaymentStatus { unresolved: Some(problem), ..nothing() }),
        Told::Absent => {
            let message = "YooKassa made this payment, and now the shop has none of its id. Are the settings those of another shop?";
            StatusStep::Done(PaymentStatus { unresolved: Some(Code::NotConfirmed.whole(message)), ..nothing() })
        }
    })
}

/// Returns the payment's id: of the link, or of what was recorded.
pub fn id<'r>(reference: &'r PaymentReference, context: &'r Context) -> Option<&'r str> {
    let of_link = reference.link.as_ref().and_then(|link| link.reference.as_deref());
    let recorded = || Some(context.state(reference.movement.as_ref()?).movement()?.event.transaction.as_str());
    of_link.or_else(recorded).filter(|id| api::is_id(id))
}

fn happened(settings: &Settings, context: &Context, payment: &Payment) -> Result<Told<PaymentStatus>, Stop> {
    let mut status = PaymentStatus { events: payment.event(settings, context)?.into_iter().collect(), ..nothing() };
    if !payment.has_refunds {
        return Ok(Told::Found(status));
    }
    refund::read_of_payment(settings, context, &payment.id)?.and_then(|list| {
        let done = list.refunds.iter().filter(|refund| refund.status == refund::Status::Succeeded);
        status.events.extend(done.map(|refund| refund.event(settings, payment.order.clone())));
        status.unresolved = list.unresolved;
        Ok(Told::Found(status))
    })
}

fn nothing() -> PaymentStatus {
    PaymentStatus { events: Vec::new(), unresolved: None, ask_again: None }
}
