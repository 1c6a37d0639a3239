//! The shipped component of T-Bank, with a stand-in that answers its calls and sends its notifications.

use domain::{
    CallbackRequest, Event, EventKind, Exchange, HttpCall, HttpResponse, HttpResult, LedgerAnswer, LedgerQuestion, LinkFailure,
    LinkRequest, Money, Movement, MovementId, MovementName, MovementOrigin, MovementState, OperationId, OperationResult, Order,
    OrderState, PaymentLink, PaymentReference, ProvedEvent, ProviderName, Question, RefundRequest, Verdict,
};
use end_to_end::{order, tbank};
use money::Currency;
use sandbox::{Answers, Merchant, drive};
use stand_in::api::tbank::{Config, Source, TBank};
use stand_in::api::{ApiServer, Fault, Notification, PaymentApi as _};
use support::{Answer, agent};

/// A merchant at the stand-in, and what its ledger recorded.
struct World {
    bank: ApiServer<TBank>,
    merchant: Merchant,
    movements: Vec<Movement>,
}

impl World {
    fn new() -> World {
        let config = Config::new(tbank::TERMINAL_KEY, tbank::PASSWORD);
        let bank = ApiServer::start(TBank::new(config), "127.0.0.1:0").unwrap();
        let merchant = tbank::merchant(&[("api-url", &bank.url("/v2"))]);
        World { bank, merchant, movements: Vec::new() }
    }

    fn link(&mut self, order: &LinkRequest) -> Result<PaymentLink, LinkFailure> {
        let merchant = self.merchant.clone();
        drive(0, self, |context| merchant.create_link(order, context)).unwrap().0
    }

    /// Judges notifications, records their events, and returns what each of them told.
    fn told(&mut self, notifications: &[Notification]) -> Vec<String> {
        notifications.iter().map(|notification| self.judged(notification)).collect()
    }

    fn judged(&mut self, notification: &Notification) -> String {
        let (request, merchant) = (CallbackRequest::post(notification.body.as_bytes()), self.merchant.clone());
        let (answer, _) = drive(0, self, |context| merchant.handle_callback(&request, context)).unwrap();
        match answer.verdict {
            Verdict::Happened(events) => {
                let reply = answer.reply.unwrap();
                assert_eq!((reply.status, reply.body), (200, b"OK".to_vec()));
                events.into_iter().map(|event| self.record(event, MovementOrigin::Callback)).collect::<Vec<_>>().join(", ")
            }
            other => format!("{other:?}"),
        }
    }

    /// Records an event, unless one of its key is recorded: then both must be alike.
    fn record(&mut self, event: ProvedEvent, origin: MovementOrigin) -> String {
        let told = format!("{} {}", event.facts.amount.minor_units, event.dedup_key);
        let event = Event::new(ProviderName::stored("tbank"), event);
        if let Some(known) = self.movements.iter().find(|known| known.event.dedup_key == event.dedup_key) {
            assert!(!known.event.facts.contradicts(&event.facts), "{told}");
            return format!("{told} again");
        }
        let id = MovementId(self.movements.len() as u64 + 1);
        self.movements.push(Movement { id, event, recorded_at: 0, origin });
        told
    }

    /// The payment with this key, and the refunds of it.
    fn movement(&self, key: &str) -> Option<MovementState> {
        let movement = self.movements.iter().find(|known| known.event.dedup_key.as_str() == key)?.clone();
        let refunds = self.movements.iter().filter(|known| known.event.facts.kind == EventKind::Refund);
        Some(MovementState { movement, later: refunds.cloned().collect() })
    }

    /// Pays order 42 by a link, and returns the payment's id.
    fn paid(&mut self, source: Source) -> String {
        let payment = self.link(&order()).unwrap().reference.unwrap();
        self.bank.with(|bank| bank.pay_from(&payment, source)).unwrap();
        let notifications = self.bank.with(|bank| bank.pay(&payment)).unwrap();
        self.told(&notifications);
        payment
    }

    fn refund(&mut self, id: &str, minor_units: i64) -> RefundRequest {
        let movement = self.movement("payment:13660");
        let payment = PaymentReference { order: Some(stored(&order())), link: None, movement };
        let amount = Money { minor_units, currency: Currency::RUB };
        let id = OperationId::new(id).unwrap();
        RefundRequest { id, payment, amount, full: minor_units == 10_000, reason: String::new(), receipt: None }
    }

    fn pay_back(&mut self, request: &RefundRequest) -> OperationResult {
        let merchant = self.merchant.clone();
        drive(0, self, |context| merchant.refund_payment(request, context)).unwrap().0
    }

    fn query(&mut self, request: &RefundRequest, reference: Option<&str>) -> OperationResult {
        let merchant = self.merchant.clone();
        drive(0, self, |context| merchant.query_refund(request, reference, context)).unwrap().0
    }

    /// Records what a refund came to.
    fn done(&mut self, result: OperationResult) -> String {
        match result {
            OperationResult::Succeeded(event) => self.record(*event, MovementOrigin::Operation),
            other => other.name().to_owned(),
        }
    }

    fn methods(&self) -> Vec<String> {
        self.bank.requests().iter().map(|request| request.path.replace("/v2/", "")).collect()
    }
}

impl Answers for World {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        let answer = |question| match question {
            LedgerQuestion::Order(id) if id.as_str() == "42" => {
                LedgerAnswer::Order(Some(OrderState { order: stored(&order()), paid_by: None, held_by: None, closed_at: None }))
            }
            LedgerQuestion::Order(_) => LedgerAnswer::Order(None),
            LedgerQuestion::Movement(MovementName::Key(key)) => LedgerAnswer::Movement(self.movement(key.as_str())),
            other => panic!("{other:?}"),
        };
        let exchange = |question| match question {
            Question::Ledger(question) => Exchange::Ledger(question.clone(), Ok(answer(question))),
            other => panic!("{other:?}"),
        };
        questions.into_iter().map(exchange).collect()
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        let sent = agent().post(&call.url).content_type("application/json").send(&call.body[..]);
        match sent.ok().and_then(|response| Answer::of(response).ok()) {
            Some(answer) => {
                HttpResult::Response(HttpResponse { status: answer.status, headers: Vec::new(), body: answer.body })
            }
            None => HttpResult::Unknown("there is no answer".to_owned()),
        }
    }
}

fn stored(order: &LinkRequest) -> Order {
    Order {
        id: order.id.clone(),
        account: order.account.clone(),
        provider: ProviderName::stored("tbank"),
        amount: order.amount,
        description: String::new(),
        idempotency_key: None,
        expires_at: None,
        created_at: 0,
        paid_by: None,
    }
}

fn by_sbp() -> LinkRequest {
    LinkRequest { extra: vec![("method".into(), "sbp".into())], ..order() }
}

#[test]
fn a_link_is_paid_and_reported() {
    let mut world = World::new();
    let link = world.link(&order()).unwrap();
    assert_eq!(link.url.as_deref(), Some(&*format!("{}?payment=13660", world.bank.page())));
    assert_eq!((link.reference.as_deref(), link.qr), (Some("13660"), None));
    let notifications = world.bank.with(|bank| bank.pay("13660")).unwrap();
    assert_eq!(world.told(&notifications), ["10000 hold:13660", "10000 payment:13660"]);
    assert_eq!(world.told(&notifications), ["10000 hold:13660 again", "10000 payment:13660 again"]);
    assert_eq!(world.methods(), ["Init"]);
}

#[test]
fn a_code_of_sbp_is_paid_without_a_hold() {
    let mut world = World::new();
    let link = world.link(&by_sbp()).unwrap();
    assert!(link.qr.unwrap().starts_with("https://qr.nspk.ru/") && link.url.is_some());
    let notifications = world.bank.with(|bank| bank.pay("13660")).unwrap();
    assert_eq!(world.told(&notifications), ["10000 payment:13660"]);
}

#[test]
fn a_lost_answer_to_init_makes_no_second_payment() {
    for (fault, request, want, payments) in [
        (Fault::HangUp, order(), "unavailable", 0),
        (Fault::Status500, order(), "unavailable", 0),
        (Fault::HangUpAfterExecuting, order(), "unknown", 1),
        (Fault::Status500AfterExecuting, order(), "unknown", 1),
        (Fault::HangUpAfterExecuting, by_sbp(), "code", 1),
        (Fault::HangUp, by_sbp(), "unavailable", 0),
    ] {
        let mut world = World::new();
        world.bank.fail_next("/Init", fault);
        let got = match world.link(&request) {
            Ok(link) if link.qr.is_some() && link.reference.as_deref() == Some("13660") => "code",
            Ok(_) => "a link",
            Err(LinkFailure::Failed(_)) => "failed",
            Err(LinkFailure::Unavailable(_)) => "unavailable",
            Err(LinkFailure::Unknown(_)) => "unknown",
        };
        assert_eq!((got, world.bank.with(|bank| bank.payments().len())), (want, payments), "{fault:?}");
    }
}

#[test]
fn a_refund_and_its_notification_are_one_event() {
    let mut world = World::new();
    world.paid(Source::Card);
    let request = world.refund("r-1", 3_000);
    let result = world.pay_back(&request);
    assert_eq!(world.done(result), "3000 refund:13660:3000");
    let notification = world.bank.with(|bank| bank.notification("13660")).unwrap();
    assert_eq!(world.told(&[notification]), ["3000 refund:13660:3000 again"]);
    // Of a part that is paid back in T-Bank's cabinet it is not certain how much it is: a person looks.
    let cabinet = world.bank.with(|bank| bank.refund("13660", Some(2_000))).unwrap();
    assert!(world.told(&cabinet)[0].starts_with("Unresolved"));
    // A refund from here is certain all the same, and what lies before it then is too.
    let request = world.refund("r-2", 5_000);
    let result = world.pay_back(&request);
    assert_eq!(world.done(result), "5000 refund:13660:10000");
    let notification = world.bank.with(|bank| bank.notification("13660")).unwrap();
    assert_eq!(world.told(&[notification]), ["2000 refund:13660:5000, 5000 refund:13660:10000 again"]);
    assert_eq!(world.bank.refunds(), 3);
    let request = world.refund("r-3", 1);
    assert_eq!(world.pay_back(&request).name(), "unknown");
}

#[test]
fn a_lost_answer_to_a_refund_pays_back_once() {
    let mut world = World::new();
    world.paid(Source::Card);
    world.bank.fail_next("/Cancel", Fault::HangUpAfterExecuting);
    let request = world.refund("r-1", 3_000);
    assert_eq!(world.pay_back(&request).name(), "unknown");
    // The host sends the same call again, as far as its key lives; or asks.
    let result = world.query(&request, None);
    assert_eq!(world.done(result), "3000 refund:13660:3000");
    assert_eq!(world.bank.refunds(), 1);
    // It was never executed.
    world.bank.fail_next("/Cancel", Fault::HangUp);
    let request = world.refund("r-2", 3_000);
    assert_eq!(world.pay_back(&request).name(), "unknown");
    assert_eq!(world.query(&request, None).name(), "unknown");
    assert_eq!(world.bank.refunds(), 1);
}

#[test]
fn a_refund_by_sbp_goes_on_until_t_bank_is_done() {
    let mut world = World::new();
    world.paid(Source::Sbp);
    let request = world.refund("r-1", 3_000);
    let OperationResult::Pending(pending) = world.pay_back(&request) else { panic!() };
    let reference = pending.reference.as_deref();
    assert_eq!((pending.ask_again, reference), (Some(60), Some("13660-r0")));
    assert_eq!(world.query(&request, reference).name(), "pending");
    let notifications = world.bank.with(TBank::finish_refunds);
    let result = world.query(&request, reference);
    assert_eq!(world.done(result), "3000 refund:13660:3000");
    assert_eq!(world.told(&notifications), ["3000 refund:13660:3000 again"]);
}

#[test]
fn a_notification_before_the_answer_to_the_refund_of_all_is_the_same_event() {
    let mut world = World::new();
    world.paid(Source::Card);
    let request = world.refund("r-1", 10_000);
    let result = world.pay_back(&request);
    let notification = world.bank.with(|bank| bank.notification("13660")).unwrap();
    assert_eq!(world.told(&[notification]), ["10000 refund:13660:10000"]);
    assert_eq!(world.done(result), "10000 refund:13660:10000 again");
}

#[test]
fn a_status_tells_what_notifications_would() {
    for (refund, keys, is_certain) in
        [(None, &["payment:13660", "refund:13660:10000"][..], true), (Some(3_000), &["payment:13660"], false)]
    {
        let mut world = World::new();
        let link = world.link(&order()).unwrap();
        world.bank.with(|bank| bank.pay("13660")).unwrap();
        world.bank.with(|bank| bank.refund("13660", refund)).unwrap();
        for link in [Some(link), None] {
            let payment = PaymentReference { order: Some(stored(&order())), link, movement: None };
            let merchant = world.merchant.clone();
            let (status, _) = drive(0, &mut world, |context| merchant.query_payment(&payment, context)).unwrap();
            let status = status.unwrap();
            let told: Vec<&str> = status.events.iter().map(|event| event.dedup_key.as_str()).collect();
            assert_eq!((&*told, status.unresolved.is_none()), (keys, is_certain), "{refund:?}");
        }
    }
}

#[test]
fn it_can_do_what_it_exports() {
    let abilities: Vec<&str> = tbank::provider().abilities().iter().map(|ability| ability.name()).collect();
    assert_eq!(abilities, ["asking", "payment-status", "refunds"]);
    assert_eq!(tbank::provider().description().hosts, ["securepay.tinkoff.ru"]);
    assert_eq!(tbank::provider().imports(), [""; 0]);
}
