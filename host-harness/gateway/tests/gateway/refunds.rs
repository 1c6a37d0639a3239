//! Refunds at a payment system that loses answers, is down, or refuses, while the host dies: paid back once, and entered once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use catalog::{Catalog, Version};
use domain::{
    Account, AccountNumber, HttpMethod, HttpResponse, HttpResult, LedgerAnswer, LedgerQuestion, Money, MovementId,
    MovementsQuery, Operation, OperationState, OperationVerdict, PartyKind, ProviderName,
};
use host::{
    Clock, Confirmed, ErrorCode, Host, HostBuilder, NewSettings, OperationAction, OperationRequest, Outbound, OutboundCall,
    SwapRequest, Unreachable,
};
use ledger::Ledger;
use money::Currency;
use sandbox::Limits;
use storage_sqlite::Sqlite;

use crate::server::key;
use crate::swap::{KEY, made_up, made_up_payment};
use end_to_end::sandbox;

pub const NAME: &str = "faulty";
/// The time at which such a clock begins.
pub const START: u64 = 1_795_800_000;
/// The first order at that time.
pub const ORDER: &str = "1795800000000";

/// What the payment system does with the next refunds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    Answers,
    /// It pays back, and the answer is lost.
    LosesAnswers,
    /// It answers 500, does not pay back, and knows of no refund when it is asked.
    Fails,
    /// The call does not reach it.
    IsDown,
    Refuses,
    /// It refuses, and repeats what it was sent.
    Repeats,
    /// It pays back later.
    TakesTime,
}

/// A payment system that pays back once for a refund's id.
pub struct Bank {
    mood: Mutex<Mood>,
    /// The amounts by the refunds' ids.
    paid_back: Mutex<BTreeMap<String, String>>,
    /// The orders that were paid, and whose callbacks were lost.
    paid: Mutex<Vec<String>>,
    calls: AtomicU64,
    /// How many of them asked for a refund.
    refunds_asked: AtomicU64,
    /// The shop that the last refund was asked for by.
    shop: Mutex<String>,
    /// What happens while the next call is on its way.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Bank {
    pub fn new() -> Arc<Bank> {
        Arc::new(Bank {
            mood: Mutex::new(Mood::Answers),
            paid_back: Mutex::default(),
            paid: Mutex::default(),
            calls: AtomicU64::new(0),
            refunds_asked: AtomicU64::new(0),
            shop: Mutex::default(),
            meanwhile: Mutex::default(),
        })
    }

    pub fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Takes 100.00 for an order, by the transaction `00000002`, and sends no callback.
    pub fn takes_payment_of(&self, order: &str) {
        self.paid.lock().unwrap().push(order.to_owned());
    }

    /// Returns how often it was called.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Returns how often a refund was asked for.
    fn refunds_asked(&self) -> u64 {
        self.refunds_asked.load(Ordering::Relaxed)
    }

    /// Returns the shop that the last refund was asked for by.
    pub fn shop(&self) -> String {
        self.shop.lock().unwrap().clone()
    }

    fn status_of(&self, order: &str) -> String {
        if self.paid.lock().unwrap().iter().any(|paid| paid == order) {
            format!("state=paid&payment=00000002&payer=100500&amount=100.00&order={order}&end=1")
        } else {
            "state=none&end=1".to_owned()
        }
    }

    /// Has this happen while the next call is on its way.
    pub fn meanwhile(&self, what: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(what));
    }

    pub fn paid_back(&self) -> Vec<String> {
        self.paid_back.lock().unwrap().values().cloned().collect()
    }

    fn said(&self, id: &str) -> String {
        let paid_back = self.paid_back.lock().unwrap();
        let place = paid_back.keys().position(|other| other == id).unwrap();
        let (refund, amount) = (format!("{:08}", 500 + place), &paid_back[id]);
        format!("state=done&payment=00000001&payer=100500&amount={amount}&order={}&refund={refund}&end=1", ORDER)
    }
}

impl Outbound for Bank {
    fn unreachable(&self, _: &str) -> Option<Unreachable> {
        None
    }

    fn send(&self, call: OutboundCall, then: Box<dyn FnOnce(HttpResult) + Send>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let meanwhile = self.meanwhile.lock().unwrap().take();
        meanwhile.into_iter().for_each(|happens| happens());
        let call = call.call;
        let text = match call.method {
            HttpMethod::Post => String::from_utf8(call.body.clone()).unwrap(),
            _ => call.url.split_once('?').unwrap().1.to_owned(),
        };
        let fields: BTreeMap<String, String> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let mood = *self.mood.lock().unwrap();
        if call.method == HttpMethod::Post {
            self.refunds_asked.fetch_add(u64::from(call.url.ends_with("/refunds")), Ordering::Relaxed);
            fields["shop"].clone_into(&mut self.shop.lock().unwrap());
        }
        let answer =
            |body: String| HttpResult::Response(HttpResponse { status: 200, headers: Vec::new(), body: body.into_bytes() });
        let id = fields.get("id").cloned().unwrap_or_default();
        let pays = |bank: &Bank| {
            // The end of a subscription pays nothing back.
            let Some(amount) = fields.get("amount") else { return };
            bank.paid_back.lock().unwrap().entry(id.clone()).or_insert_with(|| amount.clone());
        };
        let result = match (call.method, mood) {
            (HttpMethod::Post, Mood::Fails) => {
                HttpResult::Response(HttpResponse { status: 500, headers: Vec::new(), body: Vec::new() })
            }
            (_, Mood::IsDown) => HttpResult::NotSent("no connection".to_owned()),
            (HttpMethod::Post, Mood::Answers) if call.url.ends_with("/subscriptions/end") => {
                answer("state=done&end=1".to_owned())
            }
            (HttpMethod::Post, Mood::Answers) => {
                pays(self);
                answer(self.said(&id))
            }
            (HttpMethod::Post, Mood::LosesAnswers) => {
                pays(self);
                HttpResult::Unknown("the connection was cut".to_owned())
            }
            (HttpMethod::Post, Mood::Refuses) => answer("state=refused&code=closed&end=1".to_owned()),
            (HttpMethod::Post, Mood::Repeats) => {
                answer(format!("state=refused&code=bad header {KEY} of card 4111111111111111\u{202e}&end=1"))
            }
            (HttpMethod::Post, Mood::TakesTime) => {
                pays(self);
                answer("state=pending&refund=r-1&end=1".to_owned())
            }
            // It knows of no refund.
            (_, Mood::Fails) => answer("state=none&end=1".to_owned()),
            (_, Mood::LosesAnswers) => HttpResult::Unknown("the connection was cut".to_owned()),
            (_, Mood::Answers) if call.url.contains("/payments?") => answer(self.status_of(&fields["order"])),
            (_, Mood::TakesTime) => answer("state=pending&refund=r-1&end=1".to_owned()),
            _ => answer(self.said(&id)),
        };
        then(result);
    }

    fn proxy(&self) -> Option<String> {
        None
    }
}

/// A clock that a test moves.
#[derive(Clone)]
pub struct Hands(pub Arc<AtomicU64>);

impl Hands {
    pub fn new() -> Hands {
        Hands(Arc::new(AtomicU64::new(START)))
    }
}

impl Clock for Hands {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A host with a paid order of 100.00.
struct Shop {
    folder: tempfile::TempDir,
    bank: Arc<Bank>,
    clock: Hands,
    host: Option<Host>,
    payment: MovementId,
}

pub fn builder(folder: &std::path::Path, bank: &Arc<Bank>, clock: &Hands) -> HostBuilder {
    let ledger = Ledger::new(Sqlite::open(&folder.join("ledger.db")).unwrap());
    let catalog = Catalog::open(folder).unwrap();
    HostBuilder::new(ledger, catalog, sandbox().clone(), key()).outbound(bank.clone()).clock(clock.clone())
}

/// Adds the component to the catalog of a folder.
pub fn add_component(folder: &std::path::Path, fault: &str) {
    let component = made_up(fault);
    let catalog = Catalog::open(folder).unwrap();
    catalog.stage(&component).unwrap();
    let version = Version::of(&sandbox().load(&component, Limits::default()).unwrap());
    catalog.publish(&NAME.parse().unwrap(), version).unwrap();
}

/// Enters the settings of the component.
pub fn configure(host: &Host) {
    configure_shop(host, "17");
}

/// Saves the settings of a shop.
pub fn configure_shop(host: &Host, shop: &str) {
    let settings = vec![("shop".to_owned(), shop.to_owned()), ("key".to_owned(), KEY.to_owned())];
    let new = NewSettings { settings, confirmed: Confirmed::All, ..NewSettings::default() };
    host.save_settings(&NAME.parse().unwrap(), new).unwrap();
}

impl Shop {
    fn open() -> Shop {
        Shop::with("none")
    }

    /// Opens it with a component that has a fault.
    fn with(fault: &str) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let (bank, clock) = (Bank::new(), Hands::new());
        add_component(folder.path(), fault);
        let host = builder(folder.path(), &bank, &clock).open().unwrap();
        configure(&host);
        let account: AccountNumber = "100500".parse().unwrap();
        host.put_account(Account::new(account.clone(), "Иванов И. И.".to_owned(), PartyKind::Individual), false).unwrap();
        let order = host.create_order(host::OrderRequest::new(account, rub(10_000), "Пополнение")).unwrap();
        assert_eq!(order.id, ORDER);
        let request = end_to_end::post(made_up_payment(&order.id, "00000001", KEY).as_bytes());
        host.receive_callback(&NAME.parse().unwrap(), request).unwrap();
        let mut shop = Shop { folder, bank, clock, host: Some(host), payment: MovementId(0) };
        shop.payment = shop.movement();
        shop
    }

    fn host(&self) -> &Host {
        self.host.as_ref().unwrap()
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(Sqlite::open(&self.folder.path().join("ledger.db")).unwrap())
    }

    fn movement(&self) -> MovementId {
        let query = MovementsQuery { since: 0, until: u64::MAX, kind: None, after: None, limit: 1 };
        let name: ProviderName = NAME.parse().unwrap();
        match self.ledger().answers(&name, &[LedgerQuestion::Movements(query)], START).unwrap().as_slice() {
            [LedgerAnswer::Movements(page)] => page.movements[0].movement.id,
            other => panic!("{other:?}"),
        }
    }

    /// Kills the host and opens it again.
    fn restart(&mut self) {
        self.host = None;
        self.host = Some(builder(self.folder.path(), &self.bank, &self.clock).open().unwrap());
    }

    fn refund(&self, minor_units: i64, key: &str) -> Result<Operation, host::HostError> {
        self.host().operate(OperationRequest {
            provider: NAME.parse().unwrap(),
            payment: self.payment,
            action: OperationAction::Refund(rub(minor_units)),
            reason: "ошибочный платёж".to_owned(),
            operator: "anna".to_owned(),
            idempotency_key: Some(key.to_owned()),
        })
    }

    /// Lets time pass, and goes on with what waits.
    fn after(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
        self.host().go_on_with_due();
    }

    fn state(&self, operation: &Operation) -> &'static str {
        self.host().operation(&operation.id).unwrap().state.name()
    }

    fn balance(&self) -> i64 {
        let balances = self.host().account(&"100500".parse().unwrap()).unwrap().1;
        balances.first().map_or(0, |balance| balance.minor_units)
    }
}

pub fn rub(minor_units: i64) -> Money {
    Money { minor_units, currency: Currency::RUB }
}

#[test]
fn a_payment_is_paid_back_in_parts_and_never_beyond() {
    let shop = Shop::open();
    assert_eq!(shop.balance(), 10_000);
    let first = shop.refund(3_000, "k1").unwrap();
    assert_eq!((shop.state(&first), shop.balance(), shop.bank.paid_back()), ("done", 7_000, vec!["30.00".to_owned()]));
    let again = shop.refund(3_000, "k1").unwrap();
    assert_eq!((again.id == first.id, shop.balance(), shop.bank.paid_back().len()), (true, 7_000, 1));
    let reused = shop.refund(2_000, "k1").unwrap_err();
    assert_eq!(reused.code, Some(ErrorCode::OperationKeyReused));
    let beyond = shop.refund(7_001, "k2").unwrap_err();
    assert_eq!(beyond.code, Some(ErrorCode::RefundExceedsPayment));
    let rest = shop.refund(7_000, "k3").unwrap();
    assert_eq!((shop.state(&rest), shop.balance(), shop.bank.paid_back().len()), ("done", 0, 2));
    assert_eq!(shop.refund(1, "k4").unwrap_err().code, Some(ErrorCode::RefundExceedsPayment));
}

/// A try whose answer is lost may have been done: what the payment system says to the next one is no refusal of the first, and the amount
/// is not free before its status is known.
#[test]
fn a_refusal_of_a_repetition_is_none_of_the_first_try() {
    let shop = Shop::open();
    shop.bank.is(Mood::LosesAnswers);
    let refund = shop.refund(10_000, "k1").unwrap();
    shop.bank.is(Mood::Refuses);
    shop.after(60);
    assert_eq!(shop.state(&refund), "pending");
    assert_eq!(shop.refund(10_000, "k2").unwrap_err().code, Some(ErrorCode::RefundExceedsPayment));
    shop.after(3_600);
    assert_eq!((shop.state(&refund), shop.balance(), shop.bank.paid_back()), ("done", 0, vec!["100.00".to_owned()]));
}

/// Nobody knows what a payment system did that failed, also where the component says that nothing was done: what must not be sent
/// twice is sent once, and a person decides.
#[test]
fn a_call_that_must_not_be_repeated_is_sent_once_though_it_failed() {
    let shop = Shop::with("failure-is-unavailable");
    shop.bank.is(Mood::Fails);
    let refund = shop.refund(3_000, "k1").unwrap();
    (0..200).for_each(|_| shop.after(3_600));
    assert_eq!((shop.bank.refunds_asked(), shop.state(&refund)), (1, "unknown"));
    assert_eq!(shop.balance(), 10_000);
}

#[test]
fn a_payment_system_that_is_down_is_tried_again_with_the_same_id() {
    let mut shop = Shop::open();
    shop.bank.is(Mood::IsDown);
    let refund = shop.refund(3_000, "k1").unwrap();
    assert_eq!((shop.state(&refund), shop.balance()), ("pending", 10_000));
    assert_eq!(shop.refund(8_000, "k2").unwrap_err().code, Some(ErrorCode::RefundExceedsPayment), "what is under way counts");
    shop.restart();
    shop.bank.is(Mood::Answers);
    shop.after(600);
    assert_eq!((shop.state(&refund), shop.balance(), shop.bank.paid_back().len()), ("done", 7_000, 1));
    assert_eq!(shop.bank.paid_back.lock().unwrap().keys().next().unwrap(), refund.id.as_str());
}

#[test]
fn a_lost_answer_is_asked_for_again_as_long_as_the_key_is_known() {
    let mut shop = Shop::open();
    shop.bank.is(Mood::LosesAnswers);
    let refund = shop.refund(3_000, "k1").unwrap();
    assert_eq!((shop.state(&refund), shop.bank.paid_back().len()), ("pending", 1));
    shop.restart();
    shop.after(60);
    assert_eq!((shop.state(&refund), shop.bank.paid_back().len()), ("pending", 1), "it was sent again, and is one refund");
    shop.bank.is(Mood::Answers);
    shop.after(600);
    assert_eq!((shop.state(&refund), shop.balance(), shop.bank.paid_back().len()), ("done", 7_000, 1));
}

/// However often the component is swapped meanwhile.
#[test]
fn a_refund_goes_on_with_the_component_that_began_it() {
    let mut shop = Shop::open();
    let swap = |shop: &Shop, fault: &str| {
        let request = SwapRequest::new(NAME.parse().unwrap(), made_up(fault));
        shop.host().swap(request).map_err(|error| error.to_string()).unwrap();
    };
    shop.bank.is(Mood::LosesAnswers);
    let refund = shop.refund(3_000, "k1").unwrap();
    ["second", "third", "lost-is-refused"].into_iter().for_each(|fault| swap(&shop, fault));
    shop.after(60);
    assert_eq!(shop.state(&refund), "pending");
    shop.restart();
    shop.bank.is(Mood::Answers);
    shop.after(600);
    assert_eq!((shop.state(&refund), shop.balance(), shop.bank.paid_back().len()), ("done", 7_000, 1));
    let began = &refund.component_sha256;
    let is_kept = |shop: &Shop| {
        let lock = Catalog::open(shop.folder.path()).unwrap().lock().unwrap();
        lock[&NAME.parse::<ProviderName>().unwrap()].versions().any(|version| version.sha256 == *began)
    };
    assert!(is_kept(&shop));
    swap(&shop, "fifth");
    assert!(!is_kept(&shop), "no operation needs it any more");
}

#[test]
fn a_failure_is_as_good_as_no_answer_as_long_as_the_key_is_known() {
    let mut shop = Shop::open();
    shop.bank.is(Mood::Fails);
    let refund = shop.refund(3_000, "k1").unwrap();
    assert_eq!((shop.state(&refund), shop.bank.paid_back().len()), ("pending", 0));
    shop.restart();
    shop.bank.is(Mood::LosesAnswers);
    shop.after(60);
    assert_eq!((shop.state(&refund), shop.bank.paid_back().len()), ("pending", 1), "it was sent again");
    shop.bank.is(Mood::Answers);
    shop.after(600);
    assert_eq!((shop.state(&refund), shop.balance(), shop.bank.paid_back().len()), ("done", 7_000, 1));
}

#[test]
fn what_nobody_can_tell_waits_for_a_person() {
    let shop = Shop::open();
    shop.bank.is(Mood::LosesAnswers);
    let refund = shop.refund(3_000, "k1").unwrap();
    // The payment system knows the key for a day, and its status is asked for after that.
    for _ in 0..200 {
        shop.after(3_600);
    }
    assert_eq!((shop.state(&refund), shop.balance()), ("unknown", 10_000));
    assert_eq!(shop.refund(8_000, "k2").unwrap_err().code, Some(ErrorCode::RefundExceedsPayment), "it may have been done");
    let decided = shop.host().decide_operation(&refund.id, OperationVerdict::Done, "anna".to_owned(), "в выписке".to_owned());
    assert!(matches!(decided.unwrap().state, OperationState::Done { .. }));
    assert_eq!(shop.balance(), 7_000);
    let name: ProviderName = NAME.parse().unwrap();
    assert!(shop.host().remove_provider(&name, true, "anna".to_owned()).is_ok());
}

#[test]
fn a_refusal_frees_the_amount() {
    let shop = Shop::open();
    shop.bank.is(Mood::Refuses);
    let refund = shop.refund(10_000, "k1").unwrap();
    let OperationState::Refused { message, .. } = &refund.state else { panic!("{refund:?}") };
    assert!(message.contains("closed"), "{message}");
    shop.bank.is(Mood::Answers);
    let second = shop.refund(10_000, "k2").unwrap();
    assert_eq!((shop.state(&second), shop.balance()), ("done", 0));
    assert_ne!(second.id, refund.id, "payment systems repeat a refusal for its key");
}

/// What a payment system repeats of what it was sent is masked before it is stored, so that no answer, page or copy has it.
#[test]
fn what_a_payment_system_says_is_stored_without_secrets() {
    let shop = Shop::open();
    shop.bank.is(Mood::Repeats);
    let refund = shop.refund(10_000, "k1").unwrap();
    let OperationState::Refused { message, .. } = &refund.state else { panic!("{refund:?}") };
    assert!(message.ends_with("bad header *** of card 411111XXXXXX1111\u{fffd}"), "{message}");
}

#[test]
fn a_call_with_a_secret_in_its_url_is_not_sent() {
    let shop = Shop::with("secret-in-call-url");
    let refund = shop.refund(10_000, "k1").unwrap();
    assert_eq!((shop.state(&refund), shop.bank.calls()), ("pending", 0));
}

#[test]
fn a_refund_that_takes_time_is_asked_about_and_keeps_its_provider() {
    let mut shop = Shop::open();
    shop.bank.is(Mood::TakesTime);
    let refund = shop.refund(3_000, "k1").unwrap();
    assert_eq!((refund.state.name(), refund.reference.as_deref()), ("pending", Some("r-1")));
    let name: ProviderName = NAME.parse().unwrap();
    let removed = shop.host().remove_provider(&name, true, "anna".to_owned());
    assert!(removed.unwrap_err().to_string().contains("have not ended"));
    shop.restart();
    shop.after(120);
    assert_eq!(shop.state(&refund), "pending");
    shop.bank.is(Mood::Answers);
    shop.after(120);
    assert_eq!((shop.state(&refund), shop.balance(), shop.bank.paid_back().len()), ("done", 7_000, 1));
    assert_eq!(shop.ledger().check().unwrap(), []);
}
