//! Notifications: a request names an object, and YooKassa is asked what the object is.
//!
//! Whoever knows the callback address can send one. So nothing of it is believed but which object to ask about: what is entered
//! is what the API says.

use kit::contract::{CallbackAnswer, CallbackRequest, HttpMethod, Problem, Verdict};
use kit::json::Object;
use kit::problem::Code;
use kit::{CallbackStep, Context, Stop, reply};

use crate::api;
use crate::object::{Told, check_mode};
use crate::settings::Settings;
use crate::{payment, refund};

/// The fields that say what to ask about.
pub const REQUIRED_FIELDS: [&str; 3] = ["type", "event", "id"];

/// The object that a notification names.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Named {
    Payment(String),
    Refund(String),
}

/// Answers a request. Any byte string gets an answer.
///
/// YooKassa counts a notification as delivered when the reply has status 200, and otherwise sends it again for a day.
///
/// # Errors
/// The call or the question that must be answered first.
pub fn answer(settings: &Settings, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
    let told = match named(request) {
        Ok(Named::Payment(id)) => payment_event(settings, context, &id)?,
        Ok(Named::Refund(id)) => refund_event(settings, context, &id)?,
        Err(problem) => return Ok(refused(problem)),
    };
    let verdict = match told {
        Told::Found(Some(event)) => Verdict::Happened(vec![event]),
        Told::Found(None) => {
            let message =
                "YooKassa was asked: the payment or refund that the request names has not happened. It is forged, or early.";
            return Ok(refused(Code::NotConfirmed.at("object.id", message)));
        }
        Told::Absent => {
            let message =
                "YooKassa was asked: the shop has no such payment or refund. The request is forged or another shop's.";
            return Ok(refused(Code::NotConfirmed.at("object.id", message)));
        }
        Told::Unavailable(_) => return Ok(CallbackStep::Unavailable(reply::unavailable())),
        Told::Unresolved(problem) => Verdict::Unresolved(problem),
        Told::NoMoney(problem) => Verdict::Ignored(problem),
    };
    Ok(CallbackStep::Done(CallbackAnswer { verdict, reply: reply::text(200, "OK") }))
}

fn refused(problem: Problem) -> CallbackStep {
    CallbackStep::Done(CallbackAnswer { verdict: Verdict::Refused(problem), reply: reply::forbidden() })
}

/// Parses a notification: `{"type": "notification", "event": "payment.succeeded", "object": {"id": …}}`. The rest of the object is
/// not read.
fn named(request: &CallbackRequest) -> Result<Named, Problem> {
    if request.method != HttpMethod::Post {
        return Err(Code::Malformed.whole("YooKassa sends notifications by POST."));
    }
    let notification = Object::parse(&request.body).map_err(|error| error.problem())?;
    let text = |object: &Object<'_>, name| object.text(name).map(|text| text.into_owned()).map_err(|error| error.problem());
    if text(&notification, "type")? != "notification" {
        return Err(Code::Malformed.at("type", "The type of a notification is notification."));
    }
    let object = notification.object("object").map_err(|error| error.problem())?;
    let id = text(&object, "id")?;
    if !api::is_id(&id) {
        return Err(Code::Malformed.at("object.id", "An id is 1 to 64 letters, digits and hyphens."));
    }
    match text(&notification, "event")?.as_str() {
        "payment.succeeded" | "payment.waiting_for_capture" | "payment.canceled" => Ok(Named::Payment(id)),
        "refund.succeeded" => Ok(Named::Refund(id)),
        _ => {
            let message = "It is not about a payment or a refund: in YooKassa's cabinet, choose the events of payments and refunds alone.";
            Err(Code::Malformed.at("event", message))
        }
    }
}

type Event = Option<kit::contract::Event>;

fn payment_event(settings: &Settings, context: &Context, id: &str) -> Result<Told<Event>, Stop> {
    payment::read(settings, context, id)?.and_then(|payment| payment.event(settings, context))
}

/// A refund names its payment, and the payment its shop, its order and whether it is a test.
fn refund_event(settings: &Settings, context: &Context, id: &str) -> Result<Told<Event>, Stop> {
    refund::read(settings, context, id)?.and_then(|refund| {
        if refund.status != refund::Status::Succeeded {
            return Ok(Told::Found(None));
        }
        let told = payment::read(settings, context, &refund.payment)?;
        if matches!(told, Told::Absent) {
            let message = [
                "Возврат у ЮKassa есть, а платежа, который он возвращает, нет.",
                "YooKassa has this refund, and not the payment that it is of.",
            ];
            return Ok(Told::Unresolved(Code::UnrecognizedForm.at("payment_id", message)));
        }
        told.and_then(|payment| match check_mode(settings, payment.is_test) {
            Ok(()) => Ok(Told::Found(Some(refund.event(settings, payment.order)))),
            Err(told) => Ok(told),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use crate::testing::{ID, NOT_FOUND, PAYMENT, REFUND, REFUND_ID, Reply, World, changed, ok, problem, summary};
    use kit::request::post;
    use proptest::prelude::*;

    fn notification(event: &str, id: &str) -> String {
        format!(
            r#"{{"type": "notification", "event": "{event}", "object": {{"id": "{id}", "status": "succeeded", "paid": true}}}}"#
        )
    }

    /// Returns the verdict and the reply's status in a line, and how many calls were made.
    fn judged(changes: &[(&str, &str)], world: &World, request: &CallbackRequest) -> (String, usize) {
        let settings = settings(changes);
        let (step, calls) = world.drive(|context| answer(&settings, request, context));
        let line = match step {
            CallbackStep::Done(CallbackAnswer { verdict, reply }) => match verdict {
                Verdict::Happened(events) => {
                    let events: Vec<String> = events.iter().map(summary).collect();
                    format!("{} {}", reply.status, events.join(", "))
                }
                Verdict::Unresolved(found) => format!("{} unresolved {}", reply.status, problem(&found)),
                Verdict::Ignored(found) => format!("{} ignored {}", reply.status, problem(&found)),
                Verdict::Refused(found) => format!("{} refused {}", reply.status, problem(&found)),
            },
            CallbackStep::Unavailable(reply) => format!("{} unavailable", reply.status),
            other => panic!("{other:?}"),
        };
        (line, calls.len())
    }

    /// Returns the verdict about a notification of a payment, when YooKassa says this of it.
    fn of_payment(changes: &[(&str, &str)], reply: Reply) -> String {
        let world = World::default().with(["/payments/", ID].concat(), reply);
        let (line, calls) = judged(changes, &world, &post(notification("payment.succeeded", ID)));
        assert_eq!(calls, 1);
        line
    }

    const PAID: &str = "200 Payment 10000 payment:ID order=42 fee=350 ends=hold:ID at=2026-11-28T10:00:05Z";

    #[test]
    fn what_yookassa_says_is_entered_whatever_the_notification_says() {
        let world = World::default().with(["/payments/", ID].concat(), ok(PAYMENT));
        for event in ["payment.succeeded", "payment.waiting_for_capture", "payment.canceled"] {
            let forged = notification(event, ID).replace(r#""paid": true"#, r#""paid": false, "amount": {"value": "9.00"}"#);
            assert_eq!(judged(&[], &world, &post(forged)), (PAID.to_owned(), 1), "{event}");
        }
    }

    #[test]
    fn a_payment_by_its_status() {
        let held = r#""status": "waiting_for_capture", "expires_at": "2026-12-05T10:00:05.000Z""#;
        let canceled = |reason: &str| {
            format!(r#""status": "canceled", "cancellation_details": {{"party": "merchant", "reason": "{reason}"}}"#)
        };
        let succeeded = r#""status": "succeeded""#;
        let until = "200 Hold 10000 hold:ID order=42 until=1796464805";
        let released = "200 HoldRelease 10000 hold-release:ID order=42 ends=hold:ID";
        let declined = "200 Declined 10000 declined:ID order=42";
        for (status, recorded, want) in [
            (succeeded.to_owned(), "", PAID),
            (held.to_owned(), "", until),
            (canceled("canceled_by_merchant"), "", released),
            (canceled("expired_on_capture"), "", released),
            (canceled("insufficient_funds"), "", declined),
            (canceled("fraud_suspected"), "hold:", released),
            (r#""status": "canceled""#.to_owned(), "", declined),
            (canceled("expired_on_confirmation"), "", "200 ignored no-money-moved cancellation_details.reason"),
            (r#""status": "pending""#.to_owned(), "", "403 refused not-confirmed object.id"),
            (r#""status": "refunded""#.to_owned(), "", "200 unresolved unknown-type status"),
        ] {
            let recorded = if recorded.is_empty() { Vec::new() } else { vec![[recorded, ID].concat()] };
            let world = World { recorded, ..World::default() };
            let world = world.with(["/payments/", ID].concat(), ok(changed(PAYMENT, &[(succeeded, &status)])));
            let (line, _) = judged(&[], &world, &post(notification("payment.succeeded", ID)));
            assert_eq!(line, want, "{status}");
        }
    }

    #[test]
    fn an_answer_must_be_about_this_payment_of_this_shop() {
        let without_income = r#""income_amount": {"value": "96.50", "currency": "RUB"},"#;
        let no_fee = PAID.replace(" fee=350", "");
        let no_order = PAID.replace(" order=42", "");
        for (from, to, want) in [
            // What decides.
            (ID, "2c85d8f3-000f-5000-8000-000000000000", "503 unavailable"),
            (r#""account_id": "100500""#, r#""account_id": "100501""#, "200 unresolved merchant-mismatch recipient.account_id"),
            (r#""recipient""#, r#""sender""#, "200 unresolved unrecognized-form recipient"),
            (
                r#"100.00", "currency": "RUB""#,
                r#"100.00", "currency": "USD""#,
                "200 unresolved currency-mismatch amount.currency",
            ),
            (r#""100.00""#, "100.00", "200 unresolved unrecognized-form amount.value"),
            (r#""100.00""#, r#""1e2""#, "200 unresolved unrecognized-form amount.value"),
            (r#""100.00""#, r#""-100.00""#, "200 unresolved unrecognized-form amount.value"),
            (r#""100.00""#, r#""0.00""#, "200 unresolved unrecognized-form amount.value"),
            (r#""paid": true"#, r#""paid": false"#, "200 unresolved unrecognized-form paid"),
            (r#""paid": true"#, r#""paid": "true""#, "200 unresolved unrecognized-form paid"),
            (r#""test": false"#, r#""test": true"#, "200 unresolved test-callback test"),
            (r#""test": false,"#, "", "200 unresolved unrecognized-form test"),
            // The same name twice: two readers could see two amounts.
            (r#""paid": true"#, r#""paid": true, "paid": true"#, "503 unavailable"),
            // What informs.
            (without_income, "", &no_fee),
            (r#""96.50""#, r#""100.01""#, &no_fee),
            (r#""96.50", "currency": "RUB""#, r#""96.50", "currency": "USD""#, &no_fee),
            (r#""order_id": "42""#, r#""OrderId": "42""#, &no_order),
            (r#""order_id": "42""#, r#""order_id": 42"#, &no_order),
            (r#""order_id": "42""#, r#""order_id": "заказ""#, &no_order),
            (r#""metadata": {"order_id": "42"},"#, "", &no_order),
            (r#""captured_at": "2026"#, r#""captured_at": "x"#, &PAID.replace(" at=2026-11-28T10:00:05Z", "")),
            (r#""card": {"#, r#""card": 7, "#.trim_end_matches(", "), "503 unavailable"),
            ("Пополнение счёта", "\\u0000\\ud800", PAID),
        ] {
            assert_eq!(of_payment(&[], ok(changed(PAYMENT, &[(from, to)]))), want, "{from} -> {to}");
        }
    }

    #[test]
    fn yookassa_that_does_not_know_it_refuses_and_one_that_does_not_answer_has_it_come_again() {
        for (reply, want) in [
            (Reply::Status(404, NOT_FOUND.to_owned()), "403 refused not-confirmed object.id"),
            (Reply::Status(401, NOT_FOUND.to_owned()), "503 unavailable"),
            (Reply::Status(403, String::new()), "503 unavailable"),
            (Reply::Status(429, String::new()), "503 unavailable"),
            (Reply::Status(500, PAYMENT.to_owned()), "503 unavailable"),
            (Reply::Status(202, PAYMENT.to_owned()), "503 unavailable"),
            (Reply::Status(302, PAYMENT.to_owned()), "503 unavailable"),
            (Reply::NotSent, "503 unavailable"),
            (Reply::Lost, "503 unavailable"),
            (ok("<html>"), "503 unavailable"),
            (ok("[]"), "503 unavailable"),
            (ok("{}"), "503 unavailable"),
            (ok(&PAYMENT[..100]), "503 unavailable"),
        ] {
            assert_eq!(of_payment(&[], reply.clone()), want);
        }
    }

    #[test]
    fn a_test_shop_credits_nothing() {
        let test = [("test-mode", "true"), ("secret-key", "test_TestSecretKey1")];
        let of_test = changed(PAYMENT, &[(r#""test": false"#, r#""test": true"#)]);
        assert_eq!(of_payment(&test, ok(of_test)), "200 ignored test-callback test");
        assert_eq!(of_payment(&test, ok(PAYMENT)), "200 unresolved live-callback test");
    }

    #[test]
    fn a_refund_has_the_order_of_its_payment() {
        let refund = |refund: Reply, payment: Reply| {
            let replies = [(["/refunds/", REFUND_ID].concat(), refund), (["/payments/", ID].concat(), payment)];
            let world = World { replies: replies.into(), ..World::default() };
            judged(&[], &world, &post(notification("refund.succeeded", REFUND_ID))).0
        };
        let absent = || Reply::Status(404, NOT_FOUND.to_owned());
        let status = |status: &str| ok(changed(REFUND, &[(r#""succeeded""#, status)]));
        let refunded = "200 Refund 3000 refund:REFUND order=42 original=ID at=2026-11-28T12:30:00Z";
        for (first, second, want) in [
            (ok(REFUND), ok(PAYMENT), refunded),
            (status(r#""pending""#), ok(PAYMENT), "403 refused not-confirmed object.id"),
            (status(r#""canceled""#), ok(PAYMENT), "403 refused not-confirmed object.id"),
            (status(r#""lost""#), ok(PAYMENT), "200 unresolved unknown-type status"),
            (absent(), ok(PAYMENT), "403 refused not-confirmed object.id"),
            (ok(REFUND), absent(), "200 unresolved unrecognized-form payment_id"),
            (ok(REFUND), Reply::Lost, "503 unavailable"),
            (Reply::NotSent, ok(PAYMENT), "503 unavailable"),
            (
                ok(REFUND),
                ok(changed(PAYMENT, &[("100500", "100501")])),
                "200 unresolved merchant-mismatch recipient.account_id",
            ),
            (ok(REFUND), ok(changed(PAYMENT, &[(r#""test": false"#, r#""test": true"#)])), "200 unresolved test-callback test"),
            (ok(changed(REFUND, &[(ID, "../me")])), ok(PAYMENT), "200 unresolved unrecognized-form payment_id"),
            (ok(changed(REFUND, &[("RUB", "USD")])), ok(PAYMENT), "200 unresolved currency-mismatch amount.currency"),
            (ok(changed(REFUND, &[(REFUND_ID, ID)])), ok(PAYMENT), "503 unavailable"),
        ] {
            assert_eq!(refund(first, second), want);
        }
    }

    #[test]
    fn what_is_no_notification_asks_nobody() {
        let good = notification("payment.succeeded", ID);
        for (body, want) in [
            (String::new(), "403 refused malformed -"),
            ("[]".to_owned(), "403 refused malformed -"),
            ("payment=1".to_owned(), "403 refused malformed -"),
            (changed(&good, &[("notification", "callback")]), "403 refused malformed type"),
            (changed(&good, &[(r#""type""#, r#""typ""#)]), "403 refused malformed type"),
            (changed(&good, &[("payment.succeeded", "payout.succeeded")]), "403 refused malformed event"),
            (changed(&good, &[("payment.succeeded", "payment.succeeded ")]), "403 refused malformed event"),
            (changed(&good, &[("object", "objects")]), "403 refused malformed object"),
            (changed(&good, &[(ID, "")]), "403 refused malformed object.id"),
            (changed(&good, &[(ID, "../me?x=1")]), "403 refused malformed object.id"),
            (changed(&good, &[(r#""id""#, r#""id": "1", "id""#)]), "403 refused field-conflict object.id"),
        ] {
            assert_eq!(judged(&[], &World::default(), &post(body)), (want.to_owned(), 0));
        }
        let by_get = CallbackRequest { method: HttpMethod::Get, ..post(good) };
        assert_eq!(judged(&[], &World::default(), &by_get), ("403 refused malformed -".to_owned(), 0));
    }

    proptest! {
        /// Whatever is sent, only a call that reads one object of this shop can follow.
        #[test]
        fn any_bytes_get_an_answer(body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "\\{\"type\":\"notification\",\"event\":\"(payment|refund)\\.[a-z_]{0,12}\",\"object\":\\{\"id\":\"[0-9a-f./?%-]{0,40}\"\\}\\}".prop_map(String::into_bytes),
        ]) {
            match answer(&settings(&[]), &post(body), &Context::at(0)) {
                Ok(CallbackStep::Done(answer)) => prop_assert!(matches!(answer.verdict, Verdict::Refused(_))),
                Err(Stop::Call(call)) => {
                    let id = call.url.strip_prefix("https://api.yookassa.ru/v3/payments/")
                        .or(call.url.strip_prefix("https://api.yookassa.ru/v3/refunds/"));
                    prop_assert!(id.is_some_and(api::is_id), "{}", call.url);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
