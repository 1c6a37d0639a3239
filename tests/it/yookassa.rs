//! The shipped component of YooKassa, and the same code as native Rust, against its stand-in over HTTP.

use ::yookassa::YooKassa;
use domain::{
    Ability, CallbackRequest, Event, Exchange, HttpCall, HttpMethod, HttpResult, LedgerAnswer, LedgerQuestion, LinkFailure,
    LinkRequest, Money, Movement, MovementId, MovementName, MovementOrigin, MovementState, OperationId, OperationResult,
    PaymentLink, PaymentReference, ProvedEvent, ProviderName, Question, RefundRequest, Settings, Verdict,
};
use end_to_end::yookassa::{KEY, SHOP, merchant, native, provider, settings};
use end_to_end::{convert, order, post};
use kit::{Asking, CallbackStep, LinkStep, Provider as _, Stop, contract as native_types, exchanges};
use money::Currency;
use sandbox::{Answers, Merchant, drive};
use serde_json::Value;
use stand_in::api::yookassa::{Config, YooKassa as System};
use stand_in::api::{ApiServer, Fault, Notification, PaymentApi as _};
use support::Client;

/// When everything happens: 2026-11-28T10:00:00Z.
const NOW: u64 = 1_795_860_000;

/// A shop at the stand-in, and the component and the native code that are configured for it.
struct Till {
    system: ApiServer<System>,
    component: Merchant,
    native: YooKassa,
}

impl Till {
    fn new(changes: &[(&str, &str)]) -> Till {
        let config = Config {
            shop_id: SHOP.to_owned(),
            secret_key: KEY.into(),
            callback_url: "http://127.0.0.1:1/".to_owned(),
            is_test: false,
            first_id: 7,
        };
        let system = ApiServer::start(System::new(config), "127.0.0.1:0").unwrap();
        let api_url = system.url("/v3");
        let changes = [&[("api-url", api_url.as_str())], changes].concat();
        let (component, native) = (merchant(&changes), native(&changes));
        Till { system, component, native }
    }

    /// Returns the link of an order by the component, which is the native code's: the API knows the second request by its key.
    fn link(&self, order: &LinkRequest) -> Result<PaymentLink, LinkFailure> {
        let (link, _) = drive(NOW, &mut Caller, |context| self.component.create_link(order, context)).unwrap();
        let native_order = convert::order(order.clone());
        if link.is_ok() {
            match driven(|context| Asking::create_link(&self.native, &native_order, context)) {
                LinkStep::Done(same) => assert_eq!(Ok(convert::payment_link(same)), link),
                other => panic!("{other:?}"),
            }
        }
        link
    }

    /// Makes a payment for order 42, of 100.00, and returns its id.
    fn payment(&self) -> String {
        self.link(&order()).unwrap().reference.unwrap()
    }

    /// Returns the component's verdict about a notification, and the status of its reply.
    fn judged(&self, notification: &Notification) -> (Verdict, u16) {
        self.judged_of(&post(notification.body.as_bytes()))
    }

    fn judged_of(&self, request: &CallbackRequest) -> (Verdict, u16) {
        let (answer, _) = drive(NOW, &mut Caller, |context| self.component.handle_callback(request, context)).unwrap();
        (answer.verdict, answer.reply.unwrap().status)
    }

    /// The same by both, which must agree.
    fn agreed(&self, notification: &Notification) -> (Verdict, u16) {
        let request = post(notification.body.as_bytes());
        let by_component = self.judged_of(&request);
        let native_request = convert::request(request);
        let by_native = match driven(|context| Asking::handle_callback(&self.native, &native_request, context)) {
            CallbackStep::Done(answer) => (verdict(answer.verdict), answer.reply.status),
            CallbackStep::Unavailable(reply) => (Verdict::Unavailable, reply.status),
            other => panic!("{other:?}"),
        };
        assert_eq!(by_component, by_native);
        by_component
    }

    /// Pays a payment, and returns the event of its notification.
    fn paid(&self, payment: &str) -> ProvedEvent {
        let notifications = self.system.with(|system| stand_in::api::PaymentApi::pay(system, payment)).unwrap();
        event(self.agreed(&notifications[0]))
    }

    fn refund(&self, payment: &ProvedEvent, id: &str, minor_units: i64) -> (RefundRequest, OperationResult) {
        let request = RefundRequest {
            id: OperationId::new(id).unwrap(),
            payment: PaymentReference { movement: Some(recorded(payment)), ..PaymentReference::default() },
            amount: Money { minor_units, currency: Currency::RUB },
            full: false,
            reason: String::new(),
            receipt: None,
        };
        let (result, _) = drive(NOW, &mut Caller, |context| self.component.refund_payment(&request, context)).unwrap();
        (request, result)
    }

    fn query_refund(&self, request: &RefundRequest, reference: Option<&str>) -> OperationResult {
        drive(NOW, &mut Caller, |context| self.component.query_refund(request, reference, context)).unwrap().0
    }
}

/// Makes calls, and has nothing recorded.
struct Caller;

impl Answers for Caller {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        let nothing = |question| match question {
            Question::Ledger(asked @ LedgerQuestion::Movement(MovementName::Key(_))) => {
                Exchange::Ledger(asked, Ok(LedgerAnswer::Movement(None)))
            }
            other => panic!("{other:?}"),
        };
        questions.into_iter().map(nothing).collect()
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        let method = if call.method == HttpMethod::Get { "GET" } else { "POST" };
        match send(method, &call.url, &call.headers, &call.body) {
            Ok((status, body)) => HttpResult::Response(domain::HttpResponse { status, headers: Vec::new(), body }),
            Err(error) => HttpResult::Unknown(error),
        }
    }
}

fn send(method: &str, url: &str, headers: &[(String, String)], body: &[u8]) -> Result<(u16, Vec<u8>), String> {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = Client::new("").send(method, url, &headers, body).map_err(|error| error.to_string())?;
    Ok((answer.status, answer.body))
}

/// Takes the native code's steps until there is a result.
fn driven<T>(step: impl Fn(&kit::Context) -> Result<T, Stop>) -> T {
    let mut calls: Vec<(exchanges::HttpCall, exchanges::HttpResult)> = Vec::new();
    let mut asked: Vec<exchanges::Exchange> = Vec::new();
    loop {
        let context = calls.iter().cloned().fold(kit::Context::at(NOW), |context, (call, result)| context.called(call, result));
        let context = asked.iter().cloned().fold(context, kit::Context::answered);
        match step(&context) {
            Ok(result) => return result,
            Err(Stop::Call(call)) => {
                let method = if call.method == native_types::HttpMethod::Get { "GET" } else { "POST" };
                let result = match send(method, &call.url, &call.headers, &call.body) {
                    Ok((status, body)) => {
                        exchanges::HttpResult::Response(exchanges::HttpResponse { status, headers: Vec::new(), body })
                    }
                    Err(error) => exchanges::HttpResult::Unknown(error),
                };
                calls.push((*call, result));
            }
            Err(Stop::Ask(questions)) => asked.extend(questions.into_iter().map(|question| match question {
                exchanges::Question::Movement(name) => exchanges::Exchange::Movement((name, Ok(None))),
                other => panic!("{other:?}"),
            })),
            Err(stop) => panic!("{stop:?}"),
        }
    }
}

/// Returns an event as the host recorded it.
fn recorded(event: &ProvedEvent) -> MovementState {
    let event = Event::new(ProviderName::stored("yookassa"), event.clone());
    let movement = Movement { id: MovementId(1), event, recorded_at: NOW, origin: MovementOrigin::Callback };
    MovementState { movement, later: Vec::new() }
}

fn verdict(verdict: native_types::Verdict) -> Verdict {
    match verdict {
        native_types::Verdict::Happened(events) => Verdict::Happened(events.into_iter().map(convert::event).collect()),
        native_types::Verdict::Unresolved(problem) => Verdict::Unresolved(convert::problem(problem)),
        native_types::Verdict::Ignored(problem) => Verdict::Ignored(convert::problem(problem)),
        native_types::Verdict::Refused(problem) => Verdict::Refused(convert::problem(problem)),
    }
}

fn event((verdict, status): (Verdict, u16)) -> ProvedEvent {
    assert_eq!(status, 200);
    match verdict {
        Verdict::Happened(mut events) if events.len() == 1 => events.remove(0),
        other => panic!("{other:?}"),
    }
}

fn succeeded(result: OperationResult) -> ProvedEvent {
    match result {
        OperationResult::Succeeded(event) => *event,
        other => panic!("{other:?}"),
    }
}

/// Returns an event in a line.
fn line(event: &ProvedEvent) -> String {
    let facts = &event.facts;
    let [order, original] =
        [facts.order.as_ref().map(|id| id.as_str()), facts.original.as_ref().map(|id| id.as_str())].map(|id| id.unwrap_or("-"));
    let fee = event.fee.map_or(0, |fee| fee.minor_units);
    format!("{} {} fee {fee}, order {order}, of {original}", facts.kind.name(), facts.amount.minor_units)
}

fn refusal((verdict, status): (Verdict, u16)) -> String {
    match verdict {
        Verdict::Refused(problem) => format!("{status} {}", problem.code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_is_paid_and_paid_back() {
    let till = Till::new(&[]);
    let link = till.link(&order()).unwrap();
    let id = link.reference.unwrap();
    assert_eq!(link.url.unwrap(), format!("{}?payment={id}", till.system.page()));
    assert_eq!(till.system.with(|system| stand_in::api::PaymentApi::payments(system)).len(), 1, "its key makes one payment");
    let paid = till.paid(&id);
    assert_eq!(line(&paid), "payment 10000 fee 350, order 42, of -");
    assert_eq!(paid.dedup_key.as_str(), format!("payment:{id}"));
    let (_, step) = till.refund(&paid, "r-1", 3_000);
    let refunded = succeeded(step);
    assert_eq!(line(&refunded), format!("refund 3000 fee 0, order 42, of {id}"));
    // The notification of the refund is the same movement.
    let told = till.system.with(|system| system.refund_notification(refunded.facts.transaction.as_str())).unwrap();
    assert_eq!(event(till.agreed(&told)), refunded);
    // The same request again is not a second refund.
    let (_, again) = till.refund(&paid, "r-1", 3_000);
    assert_eq!((succeeded(again), till.system.refunds()), (refunded, 1));
    let (_, more) = till.refund(&paid, "r-2", 7_001);
    assert!(matches!(more, OperationResult::Refused(_)), "{more:?}");
}

#[test]
fn a_forged_notification_enters_nothing() {
    let till = Till::new(&[]);
    let unpaid = till.payment();
    let (nobodys, others) =
        ("2c85d8f3-000f-5000-8000-1b68e7b15f3f", till.system.with(|system| system.pay_another_shop("42", 10_000)));
    for (what, event, id) in [
        ("a payment that does not exist", "payment.succeeded", nobodys),
        ("somebody else's payment", "payment.succeeded", &others),
        ("a payment that is not paid", "payment.succeeded", &unpaid),
        ("a hold that is none", "payment.waiting_for_capture", &unpaid),
        ("a refund that does not exist", "refund.succeeded", nobodys),
        ("a payment as a refund", "refund.succeeded", &unpaid),
    ] {
        let forged = till.system.with(|system| system.forged(event, id, "42", 10_000));
        assert_eq!(refusal(till.agreed(&forged)), "403 not-confirmed", "{what}");
    }
    // What it says of a payment that is paid changes nothing: the event is what the API says.
    let paid = till.paid(&unpaid);
    let forged = till.system.with(|system| system.forged("payment.succeeded", &unpaid, "43", 999_900));
    assert_eq!(event(till.agreed(&forged)), paid);
    let of_refund = till.system.with(|system| system.forged("payment.canceled", &unpaid, "43", 1));
    assert_eq!(event(till.agreed(&of_refund)), paid);
}

#[test]
fn holds_and_declines_by_the_payments_status() {
    type Change = fn(&mut System, &str) -> Result<Vec<Notification>, String>;
    let till = Till::new(&[]);
    let changes: [(Change, &str); 4] = [
        (System::hold, "hold 10000 fee 0, order 42, of -"),
        (System::release, "hold-release 10000 fee 0, order 42, of -"),
        (System::release, "the payment is canceled"),
        (System::decline, "the payment is canceled"),
    ];
    let held = till.payment();
    for (change, want) in changes {
        match till.system.with(|system| change(system, &held)) {
            Ok(notifications) => assert_eq!(line(&event(till.agreed(&notifications[0]))), want),
            Err(error) => assert!(error.starts_with(want), "{error}"),
        }
    }
    let declined = till.link(&LinkRequest { id: "43".parse().unwrap(), ..order() }).unwrap().reference.unwrap();
    let notifications = till.system.with(|system| system.decline(&declined)).unwrap();
    assert_eq!(line(&event(till.agreed(&notifications[0]))), "declined 10000 fee 0, order 43, of -");
}

#[test]
fn yookassa_that_fails_is_asked_again() {
    let till = Till::new(&[]);
    let id = till.payment();
    let notifications = till.system.with(|system| stand_in::api::PaymentApi::pay(system, &id)).unwrap();
    for fault in [Fault::Status500, Fault::HangUp, Fault::HangUpAfterExecuting] {
        till.system.fail_next(&id, fault);
        assert_eq!(till.judged(&notifications[0]), (Verdict::Unavailable, 503), "{fault:?}");
    }
    assert_eq!(line(&event(till.judged(&notifications[0]))), "payment 10000 fee 350, order 42, of -");
}

#[test]
fn a_lost_notification_is_healed_by_asking() {
    let till = Till::new(&[]);
    let link = till.link(&order()).unwrap();
    let id = link.reference.clone().unwrap();
    let of_link = PaymentReference { link: Some(link), ..PaymentReference::default() };
    let queried = || {
        let (status, _) = drive(NOW, &mut Caller, |context| till.component.query_payment(&of_link, context)).unwrap();
        status.unwrap().events
    };
    assert_eq!(queried(), []);
    let paid = till.paid(&id);
    assert_eq!(queried(), std::slice::from_ref(&paid));
    let notifications = till.system.with(|system| stand_in::api::PaymentApi::refund(system, &id, Some(2_500))).unwrap();
    let refunded = event(till.agreed(&notifications[0]));
    assert_eq!(queried(), [paid, refunded]);
}

#[test]
fn a_refund_whose_answer_was_lost_is_found_by_its_request() {
    for (fault, is_done) in
        [(Fault::Status500AfterExecuting, true), (Fault::HangUpAfterExecuting, true), (Fault::Status500, false)]
    {
        let till = Till::new(&[]);
        let paid = till.paid(&till.payment());
        till.system.fail_next("/refunds", fault);
        let (request, step) = till.refund(&paid, "r-1", 3_000);
        assert!(matches!(step, OperationResult::Unknown(_)), "{step:?}");
        let found = till.query_refund(&request, None);
        match is_done {
            true => assert_eq!(line(&succeeded(found)).split_once(',').unwrap().0, "refund 3000 fee 0"),
            false => assert!(matches!(found, OperationResult::Unknown(_)), "{found:?}"),
        }
        assert_eq!(till.system.refunds(), usize::from(is_done), "{fault:?}");
    }
}

#[test]
fn a_refund_by_sbp_is_pending_until_it_is_done() {
    let till = Till::new(&[("method", "sbp"), ("sbp-code", "host")]);
    let link = till.link(&order()).unwrap();
    assert!(link.qr.as_deref().is_some_and(|qr| qr.starts_with("https://qr.nspk.ru/")), "{link:?}");
    assert_eq!((link.qr, link.expires_at), (link.url, Some(NOW + 3600)));
    let paid = till.paid(&link.reference.unwrap());
    let (request, step) = till.refund(&paid, "r-1", 10_000);
    let OperationResult::Pending(pending) = step else { panic!("{step:?}") };
    let reference = pending.reference.as_deref();
    assert!(matches!(till.query_refund(&request, reference), OperationResult::Pending(_)));
    let told = till.system.with(System::finish_refunds);
    let refunded = succeeded(till.query_refund(&request, reference));
    assert_eq!(event(till.agreed(&told[0])), refunded);
}

#[test]
fn links_that_cannot_be_and_links_that_may_have_been_made() {
    let till = Till::new(&[]);
    till.system.fail_next("/payments", Fault::Status500AfterExecuting);
    assert!(matches!(till.link(&order()), Err(LinkFailure::Unknown(_))));
    let long = LinkRequest { description: "ы".repeat(129), ..order() };
    let Err(LinkFailure::Failed(problems)) = till.link(&long) else { panic!("it is too long") };
    assert_eq!((problems[0].code.as_str(), problems[0].field.as_deref()), ("too-long", Some("description")));
    let wrong_key =
        Till { component: merchant(&[("api-url", &till.system.url("/v3")), ("secret-key", "live_AnotherKey")]), ..till };
    assert!(matches!(wrong_key.link(&LinkRequest { id: "43".parse().unwrap(), ..order() }), Err(LinkFailure::Unavailable(_))));
}

/// Gives the answers of a sample, by the call's method and URL; a call without one is not sent.
struct Sample<'s>(&'s Value);

impl Answers for Sample<'_> {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        Caller.answer(questions)
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        let answers = self.0["answers"].as_array().unwrap();
        let Some(answer) = answers.iter().find(|answer| answer["call"] == format!("GET {}", call.url)) else {
            return HttpResult::NotSent("it has no answer".to_owned());
        };
        let status = u16::try_from(answer["is"]["status"].as_u64().unwrap()).unwrap();
        let body = answer["is"]["body"].as_str().unwrap().as_bytes().to_vec();
        HttpResult::Response(domain::HttpResponse { status, headers: Vec::new(), body })
    }
}

/// The answers were written by hand after the documentation's examples, and the fees computed by Python.
#[test]
fn vectors_hold() {
    let vectors: Value = serde_json::from_str(include_str!("../data/yookassa/vectors.json")).unwrap();
    assert_eq!(vectors["settings"]["shop-id"], SHOP);
    let component = merchant(&[]);
    for sample in vectors["callbacks"].as_array().unwrap() {
        let request: CallbackRequest = serde_json::from_value(sample["request"].clone()).unwrap();
        let (answer, _) = drive(NOW, &mut Sample(sample), |context| component.handle_callback(&request, context)).unwrap();
        let (verdict, code) = match &answer.verdict {
            Verdict::Happened(events) => {
                let event = serde_json::to_value(&events[0]).unwrap();
                for (name, value) in sample["event"].as_object().unwrap() {
                    assert_eq!(event[name], *value, "{}: {name}", sample["name"]);
                }
                ("happened", None)
            }
            Verdict::Unresolved(problem) => ("unresolved", Some(&problem.code)),
            Verdict::Ignored(problem) => ("ignored", Some(&problem.code)),
            Verdict::Refused(problem) => ("refused", Some(&problem.code)),
            Verdict::Unavailable => ("unavailable", None),
            other => panic!("{other:?}"),
        };
        let want = (sample["verdict"].as_str().unwrap(), sample["code"].as_str());
        assert_eq!((verdict, code.map(String::as_str)), want, "{}", sample["name"]);
    }
}

#[test]
fn the_component_describes_itself_and_judges_settings_as_native_code_does() {
    assert_eq!(*provider().description(), convert::description(YooKassa::describe()));
    assert_eq!(provider().abilities(), [Ability::Asking, Ability::PaymentStatus, Ability::Refunds]);
    for changes in [
        &[("shop-id", "a")][..],
        &[("secret-key", "short")],
        &[("secret-key", "test_TestSecretKey1")],
        &[("api-url", "http://api.yookassa.ru/")],
        &[("method", "card"), ("colour", "red"), ("receipt-format", "1.0")],
    ] {
        let problems = YooKassa::configure(&settings(changes)).err().map(convert::problems).unwrap();
        match provider().merchant(Settings::new(settings(changes))) {
            Err(sandbox::Error::Provider(found)) => assert_eq!(found, problems),
            other => panic!("{:?}", other.err()),
        }
    }
}
