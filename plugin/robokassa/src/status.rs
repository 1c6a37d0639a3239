//! What has become of a payment.

use kit::contract::{Event, EventKind, Problem};
use kit::exchanges::PaymentReference;
use kit::payment_status::{PaymentStatus, StatusStep};
use kit::problem::{Code, filled};
use kit::text::shown;
use kit::{Context, Stop};

use crate::event::{Happened, of_invoice};
use crate::operation::{self, Lookup, Operation, State};
use crate::payment::is_inv_id;
use crate::settings::Settings;

/// When an operation that goes on is worth asking about again.
const ASK_AGAIN_SECONDS: u32 = 60;

/// Returns what is known of the payment of an order. Of test payments nothing is known, since they are not credited.
///
/// # Errors
/// The call, if it was not made yet.
pub fn query(settings: &Settings, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
    if settings.test_mode {
        return Ok(StatusStep::Done(goes_on(None)));
    }
    let Some(inv_id) = inv_id_of(payment, context) else {
        let message = [
            "Номер заказа не годится в номера счёта, и счёт пронумеровала Robokassa: спросить о нём до оплаты нельзя.",
            "The order's id cannot be an invoice number, so that Robokassa numbered the invoice itself; its state cannot be asked before it \
             is paid.",
        ];
        return Ok(StatusStep::Unavailable(Code::Unavailable.at("order.id", message)));
    };
    Ok(match operation::ask(settings, inv_id, context)? {
        Ok(Lookup::Operation(operation)) => StatusStep::Done(status(settings, payment, inv_id, &operation, context)),
        Ok(Lookup::Nothing) => StatusStep::Done(goes_on(Some(ASK_AGAIN_SECONDS))),
        Ok(Lookup::Two) => {
            let message = filled(
                [
                    "У Robokassa две операции по счёту {0}, одна из них тестовая. Посмотрите в её кабинете, поступили ли деньги.",
                    "Robokassa has two operations of the invoice {0}, one of them a test payment. Look in its cabinet whether money came \
                     in.",
                ],
                &[&inv_id],
            );
            StatusStep::Done(unresolved(Code::FieldConflict.at("InvoiceID", message)))
        }
        Err(problem) => StatusStep::Unavailable(problem),
    })
}

/// Returns the invoice's number: that of the payment, or else the order's id, which a link sends as both.
pub fn inv_id_of<'p>(payment: &'p PaymentReference, context: &'p Context) -> Option<&'p str> {
    let number = match context.movement_of(payment) {
        Some(movement) => movement.event.transaction.as_str(),
        None => payment.order.as_ref()?.id.as_str(),
    };
    Some(number).filter(|number| is_inv_id(number))
}

fn status(
    settings: &Settings,
    reference: &PaymentReference,
    inv_id: &str,
    operation: &Operation,
    context: &Context,
) -> PaymentStatus {
    let is_held = context.movement_of(reference).is_some_and(|movement| movement.event.kind == EventKind::Hold);
    let happened = match &operation.state {
        State::Begun | State::Received | State::Suspended => return goes_on(Some(ASK_AGAIN_SECONDS)),
        State::Paid => &[Happened::Paid][..],
        State::Held => &[Happened::Held],
        State::Cancelled if is_held => &[Happened::Released],
        State::Cancelled => &[Happened::Declined],
        // Whether a notification told of the payment is not known: both are told, and what is known is a repetition.
        State::Returned => &[Happened::Paid, Happened::Returned],
        State::Unknown(code) => {
            let message = filled(
                [
                    "У Robokassa счёт {0} в незнакомом состоянии {1}.",
                    "Robokassa says that the invoice {0} is in the state {1}, which is not known.",
                ],
                &[&inv_id, &code],
            );
            return unresolved(Code::UnknownType.at("State.Code", message));
        }
    };
    if operation.state == State::Returned && is_refunded(reference, inv_id, context) {
        let message = filled(
            [
                "Robokassa вернула деньги по счёту {0}, а его возврат уже записан.",
                "Robokassa gave the money of the invoice {0} back, and a refund of it is recorded.",
            ],
            &[&inv_id],
        );
        return unresolved(Code::FieldConflict.at("State.Code", message));
    }
    let Some(payment) = operation.payment(inv_id) else {
        let message = filled(
            [
                "Сумма счёта {0} у Robokassa не названа или в незнакомой форме.",
                "Robokassa's sum of the invoice {0} is missing, or has a form that is not known.",
            ],
            &[&inv_id],
        );
        return unresolved(Code::UnrecognizedForm.at("Info.OutSum", message));
    };
    let asked_for = reference.order.as_ref().map(|order| order.id.as_str());
    if asked_for.is_some() && payment.order != asked_for {
        let message = match payment.order.map(shown) {
            None => filled(["У Robokassa счёт {0} не называет заказа.", "Robokassa's invoice {0} names no order."], &[&inv_id]),
            Some(order) => filled(
                ["У Robokassa счёт {0} — заказа {1}.", "Robokassa's invoice {0} names the order {1}."],
                &[&inv_id, &order],
            ),
        };
        return unresolved(Code::Invalid.at("UserField", message));
    }
    if payment.minor_units == 0 && !matches!(operation.state, State::Cancelled) {
        return goes_on(None);
    }
    let event = |happened: &Happened| of_invoice(settings, *happened, &payment, operation.extra.clone());
    PaymentStatus { events: happened.iter().map(event).collect(), unresolved: None, ask_again: None }
}

/// Reports whether the host recorded a refund that another way told. It may be the same as what the state tells.
fn is_refunded(reference: &PaymentReference, inv_id: &str, context: &Context) -> bool {
    let Some(state) = &reference.movement else { return false };
    let is_other = |event: &Event| event.kind == EventKind::Refund && event.transaction != inv_id;
    context.state(state).later().any(|movement| is_other(&movement.event))
}

fn goes_on(ask_again: Option<u32>) -> PaymentStatus {
    PaymentStatus { events: Vec::new(), unresolved: None, ask_again }
}

fn unresolved(problem: Problem) -> PaymentStatus {
    PaymentStatus { unresolved: Some(problem), ..goes_on(None) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::{HttpMethod, Money, Order, Recurrence};
    use kit::exchanges::{HttpCall, HttpResponse, HttpResult, Movement, MovementState, Outcome, Repeatable};

    /// Returns an answer of OpStateExt as Robokassa writes it. The integrations agree on its elements; none holds a whole answer.
    pub(crate) fn op_state(result: &str, state: &str, info: &str, own: &[(&str, &str)]) -> String {
        let own: String =
            own.iter().map(|(name, value)| format!("<Field><Name>{name}</Name><Value>{value}</Value></Field>")).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><OperationStateResponse xmlns=\"http://auth.robokassa.ru/Merchant/WebService/\">\
             <Result><Code>{result}</Code></Result><State><Code>{state}</Code>\
             <StateDate>2026-11-28T10:00:00.1234567+03:00</StateDate></State><Info>{info}</Info><UserField>{own}</UserField>\
             </OperationStateResponse>"
        )
    }

    pub(crate) const INFO: &str = "<IncCurrLabel>BankCardPSR</IncCurrLabel><IncSum>103.900000</IncSum><PaymentMethod>\
        <Code>BankCard</Code></PaymentMethod><OutSum>100.000000</OutSum><OpKey>4C9A5F80-1A2B-4C3D-8E9F-0123456789AB-abc</OpKey>";

    pub(crate) fn order(id: &str) -> Order {
        Order {
            id: id.into(),
            account: "100500".into(),
            amount: Money { minor_units: 10_000, currency: "RUB".into() },
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

    pub(crate) fn unpaid(id: &str) -> PaymentReference {
        PaymentReference { order: Some(order(id)), link: None, movement: None, extra: Vec::new() }
    }

    /// Returns the reference of a payment, and the context that has its movement and what followed.
    pub(crate) fn recorded(events: &[Event]) -> (PaymentReference, Context) {
        let mut context = Context::at(1_795_545_611);
        for (id, event) in events.iter().enumerate() {
            let movement = Movement { id: id.to_string(), event: event.clone(), recorded_at: 0, extra: Vec::new() };
            context = context.recorded(Outcome::Entered, movement);
        }
        let later = (1..).take(events.len() - 1).collect();
        let reference = PaymentReference { movement: Some(MovementState { movement: 0, later }), ..unpaid("42") };
        (reference, context)
    }

    pub(crate) fn paid(happened: Happened) -> Event {
        let payment = crate::payment::Payment { inv_id: "42", minor_units: 10_000, order: Some("42") };
        of_invoice(&settings(&[]), happened, &payment, Vec::new())
    }

    pub(crate) fn response(status: u16, body: &str) -> HttpResult {
        HttpResult::Response(HttpResponse { status, headers: Vec::new(), body: body.into() })
    }

    /// Returns the call that is made first.
    fn first_call(payment: &PaymentReference) -> HttpCall {
        match query(&settings(&[]), payment, &Context::at(0)) {
            Err(Stop::Call(call)) => *call,
            _ => panic!("no call"),
        }
    }

    /// Returns what is known of order 42 by an answer.
    fn asked(payment: &PaymentReference, context: Context, answer: HttpResult) -> StatusStep {
        let context = context.called(first_call(&unpaid("42")), answer);
        query(&settings(&[]), payment, &context).unwrap()
    }

    fn told(answer: &str) -> String {
        words(asked(&unpaid("42"), Context::at(0), response(200, answer)))
    }

    fn words(step: StatusStep) -> String {
        match step {
            StatusStep::Done(PaymentStatus { events, unresolved, ask_again }) => {
                let keys: Vec<&str> = events.iter().map(|event| event.dedup_key.as_str()).collect();
                let unresolved = unresolved.map(|problem| format!("unresolved {}", problem.code)).unwrap_or_default();
                let again = ask_again.map(|seconds| format!("again in {seconds}")).unwrap_or_default();
                [&keys.join(" "), unresolved.as_str(), &again].concat()
            }
            StatusStep::Unavailable(problem) => format!("unavailable {}", problem.message[0].1),
            StatusStep::Ask(_) | StatusStep::Call(_) => panic!("{step:?}"),
        }
    }

    #[test]
    fn the_question_is_signed_with_password_2() {
        let call = first_call(&unpaid("42"));
        assert_eq!((call.method, call.repeatable, call.body.len()), (HttpMethod::Get, Repeatable::Always, 0));
        // md5("robo-demo-test:42:TestPassword2") by Python's hashlib.
        assert_eq!(
            call.url,
            "https://auth.robokassa.ru/Merchant/WebService/Service.asmx/OpStateExt?MerchantLogin=robo-demo-test&InvoiceID=42\
             &Signature=3b86dc556b791e9ae8ae90b0a6a3f85b"
        );
    }

    #[test]
    fn a_payment_is_told_as_its_notification_tells_it() {
        let answer = op_state("0", "100", INFO, &[("shp_order", "42")]);
        let StatusStep::Done(status) = asked(&unpaid("42"), Context::at(0), response(200, &answer)) else { panic!() };
        let event = &status.events[0];
        let notified = paid(Happened::Paid);
        assert_eq!(Event { extra: Vec::new(), ..event.clone() }, notified);
        assert_eq!((event.dedup_key.as_str(), event.recurrence), ("payment:robo-demo-test:42", Recurrence::Single));
        let extra: Vec<(&str, &str)> = event.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(extra, [("payment-type", "BankCard"), ("payment-channel", "BankCardPSR"), ("paid-sum", "103.900000")]);
    }

    #[test]
    fn states() {
        let own = [("Shp_order", "42")];
        for (state, want) in [
            ("5", "again in 60"),
            ("10", "declined:robo-demo-test:42"),
            ("20", "hold:robo-demo-test:42"),
            ("50", "again in 60"),
            ("60", "payment:robo-demo-test:42 refund:robo-demo-test:42"),
            ("80", "again in 60"),
            ("100", "payment:robo-demo-test:42"),
            ("101", "unresolved unknown-type"),
            ("", "unresolved unknown-type"),
        ] {
            assert_eq!(told(&op_state("0", state, INFO, &own)), want, "{state}");
        }
        for (result, want) in [
            ("3", "again in 60"),
            ("4", "unresolved field-conflict"),
            ("1", "unavailable Robokassa refuses the signature: Password #2 or the algorithm is not the one in its settings."),
            ("2", "unavailable Robokassa knows no shop of this identifier."),
            ("1000", "unavailable Robokassa answered with the error 1000."),
        ] {
            assert_eq!(told(&op_state(result, "100", INFO, &own)), want, "{result}");
        }
    }

    #[test]
    fn an_answer_about_something_else_is_no_payment() {
        let own = [("Shp_order", "42")];
        let paid = |info: &str, own: &[(&str, &str)]| told(&op_state("0", "100", info, own));
        for (info, own, want) in [
            (INFO, &[("Shp_order", "43")][..], "unresolved invalid"),
            (INFO, &[], "unresolved invalid"),
            (INFO, &[("Shp_order", "42"), ("shp_order", "42")], "unresolved invalid"),
            ("", &own, "unresolved unrecognized-form"),
            ("<OutSum>100.001000</OutSum>", &own, "unresolved unrecognized-form"),
            ("<OutSum>-1</OutSum>", &own, "unresolved unrecognized-form"),
            ("<OutSum>0.000000</OutSum>", &own, ""),
        ] {
            assert_eq!(paid(info, own), want, "{info} {own:?}");
        }
        let twice = INFO.replace("<OpKey>", "<OutSum>900.000000</OutSum><OpKey>");
        for answer in [&op_state("0", "100", &twice, &own), "<html/>", "", "{}"] {
            assert!(told(answer).starts_with("unavailable"), "{answer}");
        }
        for answer in [response(500, ""), HttpResult::NotSent("x".into()), HttpResult::Unknown("x".into())] {
            assert!(words(asked(&unpaid("42"), Context::at(0), answer)).starts_with("unavailable"));
        }
    }

    #[test]
    fn a_hold_that_was_cancelled_is_released() {
        let (payment, context) = recorded(&[paid(Happened::Held)]);
        let answer = op_state("0", "10", INFO, &[("Shp_order", "42")]);
        let StatusStep::Done(status) = asked(&payment, context, response(200, &answer)) else { panic!() };
        assert_eq!(status.events[0].ends_hold.as_deref(), Some("hold:robo-demo-test:42"));
        assert_eq!(status.events[0].kind, EventKind::HoldRelease);
    }

    #[test]
    fn money_that_was_given_back_is_not_given_back_twice() {
        let answer = op_state("0", "60", INFO, &[("Shp_order", "42")]);
        let by_api = Event { transaction: "cf15fd52".into(), ..paid(Happened::Returned) };
        for (later, want) in [
            (paid(Happened::Returned), "payment:robo-demo-test:42 refund:robo-demo-test:42"),
            (by_api, "unresolved field-conflict"),
        ] {
            let (payment, context) = recorded(&[paid(Happened::Paid), later]);
            assert_eq!(words(asked(&payment, context, response(200, &answer))), want);
        }
    }

    #[test]
    fn what_cannot_be_asked_makes_no_call() {
        let test_mode = settings(&[("test-mode", "true")]);
        assert_eq!(words(query(&test_mode, &unpaid("42"), &Context::at(0)).unwrap()), "");
        let step = query(&settings(&[]), &unpaid("A-42"), &Context::at(0)).unwrap();
        assert!(words(step).starts_with("unavailable The order's id"));
    }
}
