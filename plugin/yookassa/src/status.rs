//! What has become of the payment of an order: heals lost notifications.

use kit::exchanges::PaymentReference;
use kit::payment_status::{PaymentStatus, StatusStep};
use kit::problem::Code;
use kit::{Context, Stop};

use crate::object::Told;
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
    let told = payment::read(settings, context, id)?.and_then(|payment| happened(settings, context, &payment))?;
    Ok(match told {
        Told::Found(status) => StatusStep::Done(status),
        Told::NoMoney(_) => StatusStep::Done(nothing()),
        Told::Unavailable(problem) => StatusStep::Unavailable(problem),
        Told::Unresolved(problem) => StatusStep::Done(PaymentStatus { unresolved: Some(problem), ..nothing() }),
        Told::Absent => {
            let message = [
                "ЮKassa завела этот платёж, а теперь у магазина его нет. Не другой ли магазин в настройках?",
                "YooKassa made this payment, and now the shop has none of its id. Are the settings those of another shop?",
            ];
            StatusStep::Done(PaymentStatus { unresolved: Some(Code::NotConfirmed.whole(message)), ..nothing() })
        }
    })
}

/// Returns the payment's id: of the link, or of what was recorded.
pub fn id<'r>(reference: &'r PaymentReference, context: &'r Context) -> Option<&'r str> {
    let of_link = reference.link.as_ref().and_then(|link| link.reference.as_deref());
    let recorded = || Some(context.movement_of(reference)?.event.transaction.as_str());
    of_link.or_else(recorded).filter(|id| api::is_id(id))
}

fn happened(settings: &Settings, context: &Context, payment: &Payment) -> Result<Told<PaymentStatus>, Stop> {
    payment.event(settings, context)?.and_then(|event| {
        let mut status = PaymentStatus { events: event.into_iter().collect(), ..nothing() };
        if !payment.has_refunds {
            return Ok(Told::Found(status));
        }
        refund::read_of_payment(settings, context, &payment.id)?.and_then(|list| {
            let done = list.refunds.iter().filter(|refund| refund.status == refund::Status::Succeeded);
            status.events.extend(done.map(|refund| refund.event(settings, payment.order.clone())));
            status.unresolved = list.unresolved;
            Ok(Told::Found(status))
        })
    })
}

fn nothing() -> PaymentStatus {
    PaymentStatus { events: Vec::new(), unresolved: None, ask_again: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use crate::testing::{ID, NOT_FOUND, PAYMENT, REFUND, REFUND_ID, Reply, World, changed, movement, ok, problem, summary};
    use kit::contract::{EventKind, PaymentLink};
    use kit::exchanges::MovementState;

    fn of_link(id: &str) -> PaymentReference {
        let (url, reference) = (Some("https://yoomoney.ru/".to_owned()), Some(id.to_owned()));
        let link = PaymentLink { url, form: None, qr: None, reference, expires_at: None, extra: Vec::new() };
        PaymentReference { order: None, link: Some(link), movement: None, extra: Vec::new() }
    }

    /// Returns the status in a line, and how many calls were made.
    fn queried(changes: &[(&str, &str)], world: &World, reference: &PaymentReference) -> (String, usize) {
        let settings = settings(changes);
        let (step, calls) = world.drive(|context| query(&settings, reference, context));
        let line = match step {
            StatusStep::Done(status) => {
                let events = status.events.iter().map(summary);
                let unresolved = status.unresolved.iter().map(|found| format!("unresolved {}", problem(found)));
                events.chain(unresolved).collect::<Vec<_>>().join("; ")
            }
            StatusStep::Unavailable(_) => "unavailable".to_owned(),
            other => panic!("{other:?}"),
        };
        (line, calls.len())
    }

    const PAID: &str = "Payment 10000 payment:ID order=42 fee=350 ends=hold:ID at=2026-11-28T10:00:05Z";
    const REFUNDED: &str = "Refund 3000 refund:REFUND order=42 original=ID at=2026-11-28T12:30:00Z";

    #[test]
    fn a_payment_is_what_its_notification_would_have_said() {
        let test = [("test-mode", "true"), ("secret-key", "test_TestSecretKey1")];
        let pending = changed(PAYMENT, &[(r#""status": "succeeded""#, r#""status": "pending""#)]);
        let expired = changed(
            PAYMENT,
            &[(
                r#""status": "succeeded""#,
                r#""status": "canceled", "cancellation_details": {"party": "yoo_money", "reason": "expired_on_confirmation"}"#,
            )],
        );
        let of_test = changed(PAYMENT, &[(r#""test": false"#, r#""test": true"#)]);
        for (changes, reply, want) in [
            (&[][..], ok(PAYMENT), PAID),
            (&[], ok(pending), ""),
            (&[], ok(expired), ""),
            (&[], Reply::Status(404, NOT_FOUND.to_owned()), "unresolved not-confirmed -"),
            (&[], Reply::Status(401, String::new()), "unavailable"),
            (&[], Reply::Lost, "unavailable"),
            (&[], ok("{}"), "unavailable"),
            (&[], ok(changed(PAYMENT, &[("100500", "100501")])), "unresolved merchant-mismatch recipient.account_id"),
            (&[], ok(of_test.clone()), "unresolved test-callback test"),
            (&test, ok(of_test), ""),
            (&test, ok(PAYMENT), "unresolved live-callback test"),
        ] {
            let world = World::default().with(["/payments/", ID].concat(), reply);
            assert_eq!(queried(changes, &world, &of_link(ID)), (want.to_owned(), 1));
        }
    }

    #[test]
    fn refunds_are_read_where_there_are_any() {
        let refunded = changed(PAYMENT, &[(r#""0.00""#, r#""30.00""#)]);
        let list = |items: &str, rest: &str| ok(format!(r#"{{"type": "list", "items": [{items}]{rest}}}"#));
        let pending = changed(REFUND, &[("succeeded", "pending"), (REFUND_ID, "2c85-2")]);
        let both = format!("{PAID}; {REFUNDED}");
        let unresolved = |what: &str| format!("{both}; unresolved {what}");
        for (reply, want) in [
            (list(REFUND, ""), both.clone()),
            (list(&format!("{pending}, {REFUND}"), ""), both.clone()),
            (list(REFUND, r#", "next_cursor": "37a5c87d""#), unresolved("out-of-range items")),
            (list(&format!("{REFUND}, {}", changed(REFUND, &[("succeeded", "lost")])), ""), unresolved("unknown-type status")),
            (list("", ""), PAID.to_owned()),
            (list(&changed(REFUND, &[(ID, REFUND_ID)]), ""), "unavailable".to_owned()),
            (list("7", ""), "unavailable".to_owned()),
            (ok("{}"), "unavailable".to_owned()),
            (Reply::Lost, "unavailable".to_owned()),
        ] {
            let world = World::default()
                .with(["/payments/", ID].concat(), ok(refunded.clone()))
                .with(format!("/refunds?payment_id={ID}&limit=50"), reply);
            assert_eq!(queried(&[], &world, &of_link(ID)), (want, 2));
        }
    }

    #[test]
    fn without_a_payments_id_there_is_nothing_to_ask() {
        let nothing = PaymentReference { order: None, link: None, movement: None, extra: Vec::new() };
        assert_eq!(queried(&[], &World::default(), &nothing), (String::new(), 0));
        assert_eq!(queried(&[], &World::default(), &of_link("../me")), (String::new(), 0));
        let recorded = PaymentReference { movement: Some(MovementState { movement: 0, later: Vec::new() }), ..nothing };
        let world = World { movement: Some(movement(EventKind::Hold)), ..World::default() };
        let world = world.with(["/payments/", ID].concat(), ok(PAYMENT));
        assert_eq!(queried(&[], &world, &recorded), (PAID.to_owned(), 1));
    }
}
