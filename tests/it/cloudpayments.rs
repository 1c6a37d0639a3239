//! The shipped component of CloudPayments, which has calls made to its stand-in.

use domain::{
    Ability, AccountNumber, CallbackRequest, Date, DedupKey, Event, EventKind, Exchange, HttpCall, HttpReply, HttpResponse,
    HttpResult, LedgerAnswer, LedgerQuestion, LinkRequest, Money, Movement, MovementId, MovementName, MovementOrigin,
    MovementState, OperationId, OperationResult, Order, OrderId, OrderState, PaymentLink, PaymentReference, ProvedEvent,
    ProviderName, Question, RefundRequest, Repeatable, ReportRequest, Verdict,
};
use end_to_end::cloudpayments::{API_SECRET, PUBLIC_ID, genuine, merchant, provider, vectors};
use end_to_end::order;
use end_to_end::straight::Straight;
use money::Currency;
use sandbox::{Answers, Merchant, drive, unanswered};
use stand_in::api::cloudpayments::{CloudPayments, Config};
use stand_in::api::{ApiServer, Fault, Notification, PaymentApi};

const CALLBACKS: &str = "https://billing.example.ru/callbacks/cloudpayments";

/// A site at the stand-in, and the component with its settings.
struct Site {
    server: ApiServer<CloudPayments>,
    merchant: Merchant,
    outside: Outside,
}

impl Site {
    fn new(changes: &[(&str, &str)]) -> Site {
        let config = Config {
            public_id: PUBLIC_ID.to_owned(),
            api_secret: API_SECRET.into(),
            callback_url: CALLBACKS.to_owned(),
            first_transaction: 2_593_940_675,
            is_test: false,
        };
        let server = ApiServer::start(CloudPayments::new(config), "127.0.0.1:0").unwrap();
        let url = server.url("");
        let merchant = merchant(&[changes, &[("api-url", &url)]].concat());
        Site { server, merchant, outside: Outside::default() }
    }

    fn link(&mut self, order: &LinkRequest) -> PaymentLink {
        let (link, _) = drive(NOW, &mut self.outside, |context| self.merchant.create_link(order, context)).unwrap();
        link.unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    fn judge(&mut self, notification: &Notification) -> (Verdict, HttpReply) {
        let request = arrived(notification);
        let (answer, _) = drive(NOW, &mut self.outside, |context| self.merchant.handle_callback(&request, context)).unwrap();
        (answer.verdict, answer.reply.unwrap())
    }

    /// Judges a notification that is an event, and remembers it as recorded.
    fn happened(&mut self, notification: &Notification) -> ProvedEvent {
        let (verdict, reply) = self.judge(notification);
        assert_eq!((reply.status, reply.body.as_slice()), (200, &br#"{"code":0}"#[..]));
        let [event] = verdict.events() else { panic!("{verdict:?}") };
        let name = LedgerQuestion::Movement(MovementName::Key(event.dedup_key.clone()));
        self.outside.ledger.push((name, LedgerAnswer::Movement(Some(recorded(event)))));
        event.clone()
    }

    fn status(&mut self) -> domain::PaymentStatus {
        let reference = PaymentReference { order: Some(stored_order()), link: None, movement: None };
        let (status, _) = drive(NOW, &mut self.outside, |context| self.merchant.query_payment(&reference, context)).unwrap();
        status.unwrap_or_else(|problem| panic!("{problem:?}"))
    }

    fn refund(&mut self, request: &RefundRequest) -> OperationResult {
        drive(NOW, &mut self.outside, |context| self.merchant.refund_payment(request, context)).unwrap().0
    }

    fn refund_state(&mut self, request: &RefundRequest, reference: Option<&str>) -> OperationResult {
        drive(NOW, &mut self.outside, |context| self.merchant.query_refund(request, reference, context)).unwrap().0
    }

    /// Pays the order of the tests, and returns its payment.
    fn paid(&mut self) -> ProvedEvent {
        self.link(&order());
        let payment = self.server.with(|site| site.payments()).remove(0).id;
        let sent = self.server.with(|site| site.pay(&payment)).unwrap();
        self.happened(&sent[1])
    }
}

/// Answers questions about the ledger by what a test says, and makes calls over a new connection each.
#[derive(Default)]
struct Outside {
    /// What is answered; what is not in it is none.
    ledger: Vec<(LedgerQuestion, LedgerAnswer)>,
    /// The calls so far.
    calls: Vec<HttpCall>,
}

impl Answers for Outside {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        questions.into_iter().map(|question| self.answered(question)).collect()
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        self.calls.push(call.clone());
        made(call)
    }
}

impl Outside {
    fn answered(&self, question: Question) -> Exchange {
        let Question::Ledger(asked) = &question else { return unanswered(question) };
        let known = self.ledger.iter().find(|(known, _)| known == asked).map(|(_, answer)| answer.clone());
        let none = match asked {
            LedgerQuestion::Order(_) => LedgerAnswer::Order(None),
            LedgerQuestion::Movement(_) => LedgerAnswer::Movement(None),
            LedgerQuestion::Movements(_) => return unanswered(question),
        };
        Exchange::Ledger(asked.clone(), Ok(known.unwrap_or(none)))
    }
}

fn made(call: &HttpCall) -> HttpResult {
    let mut request = support::agent().post(&call.url);
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    let answer = request.send(&call.body[..]).and_then(support::Answer::of);
    match answer {
        Ok(answer) => HttpResult::Response(HttpResponse { status: answer.status, headers: Vec::new(), body: answer.body }),
        Err(error) => HttpResult::Unknown(error.to_string()),
    }
}

const NOW: u64 = 1_796_900_000;

fn rub(minor_units: i64) -> Money {
    Money { minor_units, currency: Currency::RUB }
}

/// A notification as the host passes it on: without the headers that the component does not read.
fn arrived(notification: &Notification) -> CallbackRequest {
    let path = notification.url.strip_prefix(CALLBACKS).unwrap().to_owned();
    let headers = notification.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    let headers = headers.filter(|(name, _)| name == "content-hmac").collect();
    CallbackRequest { path, headers, ..CallbackRequest::post(notification.body.as_bytes()) }
}

fn stored_order() -> Order {
    let LinkRequest { id, account, amount, .. } = order();
    Order {
        id,
        account,
        provider: ProviderName::stored("cloudpayments"),
        amount,
        description: String::new(),
        idempotency_key: None,
        expires_at: None,
        created_at: NOW,
        paid_by: None,
    }
}

fn recorded(event: &ProvedEvent) -> MovementState {
    let ProvedEvent { facts, comment, dedup_key, fee, extra } = event.clone();
    let event = Event { provider: ProviderName::stored("cloudpayments"), facts, comment, dedup_key, fee, extra };
    let movement = Movement { id: MovementId(1), event, recorded_at: NOW, origin: MovementOrigin::Callback };
    MovementState { movement, later: Vec::new() }
}

fn refund_of(payment: &ProvedEvent, minor_units: i64) -> RefundRequest {
    RefundRequest {
        id: OperationId::new("r-1").unwrap(),
        payment: PaymentReference { order: Some(stored_order()), link: None, movement: Some(recorded(payment)) },
        amount: rub(minor_units),
        full: false,
        reason: String::new(),
        receipt: None,
    }
}

#[test]
fn it_says_what_it_can_do() {
    let abilities = [Ability::Asking, Ability::PaymentStatus, Ability::Refunds, Ability::SettlementReports];
    assert_eq!(provider().abilities(), abilities);
    assert_eq!(vectors().callbacks.len(), 45);
    let answer = merchant(&[]).judge(genuine()).unwrap();
    assert_eq!(answer.verdict.events()[0].dedup_key.as_str(), "payment:2593940675");
}

#[test]
fn a_page_is_paid_and_every_way_tells_the_same() {
    let mut site = Site::new(&[]);
    let link = site.link(&order());
    assert_eq!(link.url.as_deref(), Some(format!("{}?payment=2593940675", site.server.page()).as_str()));
    assert_eq!((site.status().events, link.qr), (Vec::new(), None));
    let sent = site.server.with(|site| site.pay("2593940675")).unwrap();
    // Nobody knows the order: the check declines the payment.
    assert_eq!(site.judge(&sent[0]).1.body, br#"{"code":10}"#);
    let state = OrderState { order: stored_order(), paid_by: None, held_by: None, closed_at: None };
    site.outside.ledger.push((LedgerQuestion::Order(order().id), LedgerAnswer::Order(Some(state))));
    let (verdict, reply) = site.judge(&sent[0]);
    assert!(matches!(verdict, Verdict::Answered));
    assert_eq!(reply.body, br#"{"code":0}"#);
    let payment = site.happened(&sent[1]);
    assert_eq!(
        (payment.facts.kind, payment.facts.order.as_deref(), payment.fee),
        (EventKind::Payment, Some("42"), Some(rub(200)))
    );
    let status = site.status().events;
    assert_eq!((&status[0].facts, &status[0].dedup_key), (&payment.facts, &payment.dedup_key));
    let sent = site.server.with(|site| site.refund("2593940675", Some(4_000))).unwrap();
    let refund = site.happened(&sent[0]);
    let status = site.status().events;
    assert_eq!(status.iter().map(|event| &event.facts).collect::<Vec<_>>(), [&payment.facts, &refund.facts]);
    assert_eq!(status[1].dedup_key, refund.dedup_key);
}

#[test]
fn a_code_of_sbp_is_paid() {
    let mut site = Site::new(&[("method", "sbp")]);
    let link = site.link(&LinkRequest { payer: vec![("phone".into(), "+79001234567".into())], ..order() });
    assert!(link.qr.as_deref().is_some_and(|code| code.starts_with("https://qr.nspk.ru/")) && link.qr == link.url);
    assert_eq!(link.reference.as_deref(), Some("2593940675"));
    let body = String::from_utf8(site.outside.calls[0].body.clone()).unwrap();
    assert!(body.contains(r#""Payer":{"Phone":"+79001234567"}"#), "{body}");
    let sent = site.server.with(|site| site.pay("2593940675")).unwrap();
    let payment = site.happened(&sent[1]);
    // A refund by SBP is not done at once.
    let request = refund_of(&payment, 4_000);
    let OperationResult::Pending(pending) = site.refund(&request) else { panic!() };
    assert_eq!(pending.reference.as_deref(), Some("2593940676"));
    let sent = site.server.with(CloudPayments::finish_refunds);
    let told = site.happened(&sent[0]);
    let OperationResult::Succeeded(refund) = site.refund_state(&request, pending.reference.as_deref()) else { panic!() };
    assert_eq!((refund.facts, refund.dedup_key), (told.facts, told.dedup_key));
}

#[test]
fn a_link_that_is_asked_for_twice_is_made_once() {
    let mut site = Site::new(&[]);
    let links = [site.link(&order()), site.link(&order())];
    assert_eq!(links[0], links[1]);
    assert_eq!(site.server.with(|site| site.payments()).len(), 1);
}

#[test]
fn a_refund_is_made_once_whatever_is_lost() {
    let mut site = Site::new(&[]);
    let payment = site.paid();
    let request = refund_of(&payment, 4_000);
    site.server.fail_next("/payments/refund", Fault::Status500);
    assert!(matches!(site.refund(&request), OperationResult::Unknown(_)));
    assert!(matches!(site.refund_state(&request, None), OperationResult::Unknown(_)), "there is none yet");
    site.server.fail_next("/payments/refund", Fault::HangUpAfterExecuting);
    assert!(matches!(site.refund(&request), OperationResult::Unknown(_)));
    let OperationResult::Succeeded(found) = site.refund_state(&request, None) else { panic!() };
    // The host may send it again within an hour: the API knows it.
    let OperationResult::Succeeded(again) = site.refund(&request) else { panic!() };
    assert_eq!((&found.dedup_key, &found.facts), (&again.dedup_key, &again.facts));
    assert_eq!(site.server.refunds(), 1);
    let changing: Vec<Repeatable> =
        site.outside.calls.iter().filter(|call| call.url.ends_with("/refund")).map(|call| call.repeatable).collect();
    assert_eq!(changing, [Repeatable::Within(3_600); 3]);
    let too_much = RefundRequest { id: OperationId::new("r-2").unwrap(), ..refund_of(&payment, 9_000) };
    let OperationResult::Refused(problem) = site.refund(&too_much) else { panic!() };
    assert!(problem.to_string().contains("Сумма возврата больше"), "{problem}");
}

#[test]
fn a_hold_ends_by_a_payment_or_is_cancelled() {
    for ends_by_payment in [true, false] {
        let mut site = Site::new(&[]);
        site.link(&order());
        let sent = site.server.with(|site| site.hold("2593940675")).unwrap();
        let hold = site.happened(&sent[1]);
        assert_eq!((hold.facts.kind, hold.dedup_key.as_str()), (EventKind::Hold, "hold:2593940675"));
        assert_eq!(site.status().events[0].facts, hold.facts);
        let sent = if ends_by_payment {
            site.server.with(|site| site.confirm("2593940675"))
        } else {
            site.server.with(|site| site.cancel("2593940675"))
        };
        let end = site.happened(&sent.unwrap()[0]);
        let kind = if ends_by_payment { EventKind::Payment } else { EventKind::HoldRelease };
        assert_eq!((end.facts.kind, end.facts.ends_hold.as_ref()), (kind, Some(&DedupKey::stored("hold:2593940675"))));
        assert_eq!(site.status().events[0].dedup_key, end.dedup_key);
    }
}

#[test]
fn a_payment_that_is_cancelled_is_paid_back() {
    let mut site = Site::new(&[]);
    site.paid();
    let sent = site.server.with(|site| site.cancel("2593940675")).unwrap();
    let refund = site.happened(&sent[0]);
    assert_eq!((refund.facts.kind, refund.facts.amount.minor_units), (EventKind::Refund, 10_000));
    assert_eq!(refund.facts.original.as_deref(), Some("2593940675"));
    let declined = {
        let mut site = Site::new(&[]);
        site.link(&order());
        let sent = site.server.with(|site| site.decline("2593940675")).unwrap();
        site.happened(&sent[0])
    };
    assert_eq!(declined.facts.kind, EventKind::Declined);
}

#[test]
fn a_report_of_a_day_has_what_was_paid_and_paid_back() {
    let mut site = Site::new(&[]);
    let payment = site.paid();
    assert!(matches!(site.refund(&refund_of(&payment, 4_000)), OperationResult::Succeeded(_)));
    let request = ReportRequest {
        format: "transactions".into(),
        options: Vec::new(),
        day: Date::new(2026, 11, 28).unwrap(),
        cursor: None,
    };
    let (page, _) = drive(NOW, &mut site.outside, |context| site.merchant.fetch_report(&request, context)).unwrap();
    let page = page.unwrap();
    let rows: Vec<_> = page.rows.iter().map(|row| (row.kind, row.gross.minor_units, row.order.clone())).collect();
    let order = || Some(OrderId::stored("42"));
    assert_eq!(rows, [(Some(EventKind::Payment), 10_000, order()), (Some(EventKind::Refund), -4_000, order())]);
    assert_eq!(page.next, None);
    assert_eq!(site.merchant.report_formats().unwrap().len(), 1);
}

#[test]
fn another_account_is_not_charged_for_an_order() {
    let mut site = Site::new(&[]);
    site.link(&order());
    let other = Order { account: AccountNumber::stored("100501"), ..stored_order() };
    let state = OrderState { order: other, paid_by: None, held_by: None, closed_at: None };
    site.outside.ledger.push((LedgerQuestion::Order(order().id), LedgerAnswer::Order(Some(state))));
    let check = site.server.with(|site| site.notification("/check", "2593940675")).unwrap();
    assert_eq!(site.judge(&check).1.body, br#"{"code":11}"#);
}
