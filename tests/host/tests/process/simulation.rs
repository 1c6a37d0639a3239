//! A randomly simulated payment system with its network and subscribers, checked against a model that states in a few lines
//! what must result.
//!
//! Subscribers order, pay, pay again and get money back. The network loses requests or answers, repeats and reorders them. The
//! payment system sends again until it gets an answer. Subscribers are independent of each other, so each has its own seed and
//! model, and the host serves them all at once.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use host_tests::torture::audit_database;
use host_tests::{Api, CallbackSpec, Folder, Host, Type};
use support::Wire;
use support::wire::callback;

/// The number of ledgers.
const LEDGERS: usize = 3;
const SUBSCRIBERS: u64 = 8;
const ORDERS_OF_SUBSCRIBER: usize = 60;
/// The range of transaction ids of each subscriber.
const TRANSACTIONS_OF_SUBSCRIBER: u64 = 1_000_000;
/// An order that does not exist.
const NO_ORDER: &str = "42";

/// The model: what must result for one subscriber.
#[derive(Default)]
struct Book {
    /// The price of each order.
    orders: BTreeMap<String, i64>,
    paid: BTreeSet<String>,
    /// What was received before: payments by transaction, everything else also by amount.
    received: BTreeSet<(&'static str, u64, i64)>,
    /// Kind, transaction, kopecks and order, in the order of the entries.
    entries: Vec<(&'static str, u64, i64, String)>,
    /// Orders with a payment that waits for an operator.
    with_waiting_payment: BTreeSet<String>,
    /// Reason, kind, transaction, kopecks.
    waiting: Vec<(&'static str, &'static str, u64, i64)>,
    /// What came back before its payment, in the order of arrival.
    early: Vec<CallbackSpec>,
}

impl Book {
    fn receive(&mut self, spec: &CallbackSpec) {
        let CallbackSpec { what, order, transaction, kopecks } = spec;
        let kind = what.entry_kind();
        let Some(sign) = what.sign() else { return };
        if !self.received.insert((kind, *transaction, if sign > 0 { 0 } else { *kopecks })) {
            return;
        }
        match if sign > 0 { self.no_payment(spec) } else { self.no_money_back(spec) } {
            Some(reason) => {
                if sign > 0 {
                    self.with_waiting_payment.insert(order.clone());
                }
                self.waiting.push((reason, kind, *transaction, *kopecks));
                if sign < 0 && reason != "more-than-paid" {
                    self.early.push(spec.clone());
                }
            }
            None => {
                if *what == Type::Purchase {
                    self.paid.insert(order.clone());
                }
                self.entries.push((kind, *transaction, sign * kopecks, order.clone()));
                if sign > 0 {
                    self.let_in(spec);
                }
            }
        }
    }

    /// Enters what came back before its payment.
    fn let_in(&mut self, payment: &CallbackSpec) {
        for spec in std::mem::take(&mut self.early) {
            let names = spec.transaction == payment.transaction || spec.order == payment.order;
            if !names || self.no_money_back(&spec).is_some() {
                self.early.push(spec);
                continue;
            }
            let CallbackSpec { what, transaction, kopecks, .. } = spec;
            let kind = what.entry_kind();
            let of_payment = |entry: &&(&str, u64, i64, String)| entry.1 == transaction && entry.0 == "payment";
            let order = self.entries.iter().find(of_payment).map_or(spec.order, |entry| entry.3.clone());
            self.entries.push((kind, transaction, -kopecks, order));
            let waited = |one: &(&str, &str, u64, i64)| (one.1, one.2, one.3) == (kind, transaction, kopecks);
            if let Some(at) = self.waiting.iter().position(waited) {
                self.waiting.remove(at);
            }
        }
    }

    /// Returns why a payment cannot be credited to its order.
    fn no_payment(&self, spec: &CallbackSpec) -> Option<&'static str> {
        let Some(price) = self.orders.get(&spec.order) else { return Some("unknown-order") };
        match (spec.what, self.paid.contains(&spec.order)) {
            (Type::Rebill, true) => None,
            (Type::Rebill, false) => Some("no-first-payment"),
            _ if *price != spec.kopecks => Some("other-amount"),
            (_, true) => Some("already-paid"),
            (_, false) => None,
        }
    }

    /// Returns why money cannot be given back. Under one id, never more than was paid under it or, if nothing was, than the
    /// order's price; for one order, never more than was paid for it. If the order is not paid or has a waiting payment, only
    /// by the payment's transaction.
    fn no_money_back(&self, spec: &CallbackSpec) -> Option<&'static str> {
        let of_id = || self.entries.iter().filter(|(_, transaction, _, _)| *transaction == spec.transaction);
        let came = |entry: &(&str, u64, i64, String)| entry.2.max(0);
        let back = |entry: &(&str, u64, i64, String)| (-entry.2).max(0);
        let payment = of_id().find(|(kind, _, _, _)| *kind == "payment");
        let (order, bound) = match (payment, self.orders.get(&spec.order)) {
            (Some((_, _, kopecks, order)), _) => (order, *kopecks),
            (None, None) => return Some("unknown-order"),
            (None, Some(_)) if self.with_waiting_payment.contains(&spec.order) => return Some("other-payment"),
            (None, Some(_)) if !self.entries.iter().any(|entry| entry.0 == "payment" && entry.3 == spec.order) => {
                return Some("not-paid");
            }
            (None, Some(price)) => (&spec.order, *price),
        };
        let of_order = || self.entries.iter().filter(|(_, _, _, of)| of == order);
        let fits = of_id().map(back).sum::<i64>() + spec.kopecks <= bound
            && of_order().map(back).sum::<i64>() + spec.kopecks <= of_order().map(came).sum::<i64>().max(bound);
        (!fits).then_some("more-than-paid")
    }
}

/// A subscriber, and the callbacks that the payment system has yet to send about them.
struct Subscriber<'h> {
    rng: Rng,
    account: String,
    api: &'h Api,
    wire: Wire,
    book: Book,
    transaction: u64,
    /// The callbacks by the tick when each is sent next. Those of one tick are sent in the order in which they happened.
    pending: BTreeMap<(u64, u64), CallbackSpec>,
    sequence: u64,
    now: u64,
}

impl Subscriber<'_> {
    fn new(host: &Host, number: u64, seed: u64) -> Subscriber<'_> {
        let account = (100_500 + number).to_string();
        host.api.put_account(&account);
        Subscriber {
            rng: Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            account,
            api: &host.api,
            wire: Wire::open(host.address).unwrap(),
            book: Book::default(),
            transaction: number * TRANSACTIONS_OF_SUBSCRIBER,
            pending: BTreeMap::new(),
            sequence: 0,
            now: 0,
        }
    }

    fn live(mut self) -> (String, Book, u64) {
        for _ in 0..ORDERS_OF_SUBSCRIBER {
            self.order();
            // Callbacks about some orders arrive while others are still being sent.
            for _ in 0..self.rng.usize(0..16) {
                self.tell();
            }
        }
        while self.tell() {}
        (self.account, self.book, self.sequence)
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.rng.u32(0..chances) == 0
    }

    fn next_transaction(&mut self) -> u64 {
        self.transaction += 1;
        self.transaction
    }

    fn happens(&mut self, spec: CallbackSpec) {
        let due = self.now + self.rng.u64(0..12);
        self.put(due, spec);
    }

    fn put(&mut self, due: u64, spec: CallbackSpec) {
        self.sequence += 1;
        self.pending.insert((due, self.sequence), spec);
    }

    /// Creates an order, and events about it.
    fn order(&mut self) {
        let price = self.rng.i64(1..500_000);
        let order = self.api.order(&self.account, price);
        self.book.orders.insert(order.clone(), price);
        let names = if self.one_in(20) { NO_ORDER.to_owned() } else { order.clone() };
        let paid = CallbackSpec::payment(&names, self.next_transaction(), price);
        if self.one_in(6) {
            let kopecks = if self.one_in(2) { price + 1 } else { self.rng.i64(1..500_000) };
            let other = CallbackSpec { transaction: self.next_transaction(), kopecks, ..paid.clone() };
            self.happens(other);
        }
        if self.one_in(6) {
            let other = CallbackSpec { transaction: self.next_transaction(), ..paid.clone() };
            self.happens(other);
        }
        for what in [Type::Preauth, Type::Decline] {
            if self.one_in(8) {
                self.happens(paid.of_type(what));
            }
        }
        for _ in 0..self.rng.usize(0..3) {
            if self.one_in(2) {
                let repeat =
                    CallbackSpec { transaction: self.next_transaction(), kopecks: self.rng.i64(1..10_000), ..paid.clone() };
                self.happens(repeat.of_type(Type::Rebill));
            }
        }
        // It is not known whether a refund has the payment's id or its own. For one payment it is never both.
        let of_its_own = self.one_in(3);
        for _ in 0..self.rng.usize(0..4) {
            let what = if self.one_in(4) { Type::Chargeback } else { Type::Refund };
            let transaction = if of_its_own { self.next_transaction() } else { paid.transaction };
            let kopecks = if self.one_in(3) { price } else { self.rng.i64(1..=price) };
            self.happens(CallbackSpec { transaction, kopecks, ..paid.of_type(what) });
        }
        if !self.one_in(10) {
            self.happens(paid);
        }
    }

    /// Sends the next callback unless the network loses it. Reports whether there was one.
    fn tell(&mut self) -> bool {
        let Some(((due, _), spec)) = self.pending.pop_first() else { return false };
        self.now = self.now.max(due);
        let later = self.now + self.rng.u64(1..30);
        if self.one_in(6) {
            // Lost on the way to the host.
            self.put(later, spec);
            return true;
        }
        self.book.receive(&spec);
        let status = self.wire.ask(&callback(&spec.body())).unwrap();
        assert_eq!(status, 200, "{spec:?}");
        // Its answer is lost, or it is repeated without a reason.
        if self.one_in(6) || self.one_in(8) {
            self.put(later, spec);
        }
        true
    }
}

#[test]
fn host_agrees_with_model_on_every_event() {
    let seed = std::env::var("SIMULATION_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("to repeat it, set SIMULATION_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let mut reasons = BTreeSet::new();
    for _ in 0..LEDGERS {
        reasons.extend(simulate(rng.u64(..), &format!("SIMULATION_SEED={seed}")));
    }
    let all = BTreeSet::from([
        "already-paid",
        "more-than-paid",
        "no-first-payment",
        "not-paid",
        "other-amount",
        "other-payment",
        "unknown-order",
    ]);
    assert_eq!(reasons, all, "SIMULATION_SEED={seed}: all reasons must occur");
}

/// Simulates all subscribers on one ledger. Returns the reasons for which events wait.
fn simulate(seed: u64, hint: &str) -> BTreeSet<&'static str> {
    let folder = Folder::default();
    let host = folder.start();
    let lived: Vec<(String, Book, u64)> = std::thread::scope(|scope| {
        let subscribers = (0..SUBSCRIBERS).map(|number| Subscriber::new(&host, number, seed));
        let lives: Vec<_> = subscribers.map(|subscriber| scope.spawn(|| subscriber.live())).collect();
        lives.into_iter().map(|life| life.join().unwrap()).collect()
    });
    let (feed, waiting) = (host.api.feed(), host.api.unmatched());
    assert!(waiting.len() < 1_000, "the host lists no more than this, and the test needs all");
    let (mut entered, mut waits, mut sent) = (0, 0, 0);
    for ((account, book, sent_here), number) in lived.iter().zip(0..) {
        let of_account = feed.iter().filter(|entry| entry.account == *account);
        let got: Vec<_> = of_account
            .map(|entry| (&*entry.kind, entry.transaction.unwrap(), entry.kopecks, entry.order.clone().unwrap()))
            .collect();
        assert_eq!(got, book.entries, "{hint}, account {account}");
        let ids = number * TRANSACTIONS_OF_SUBSCRIBER..(number + 1) * TRANSACTIONS_OF_SUBSCRIBER;
        let got = waiting.iter().filter(|waits| ids.contains(&waits.transaction));
        let got: Vec<_> = got.map(|waits| (&*waits.reason, &*waits.kind, waits.transaction, waits.kopecks)).collect();
        assert_eq!(got, book.waiting, "{hint}, account {account}");
        let balance: i64 = book.entries.iter().map(|(_, _, kopecks, _)| kopecks).sum();
        assert_eq!(host.api.balance(account), balance, "{hint}, account {account}");
        for order in book.orders.keys() {
            assert_eq!(host.api.is_paid(order), Some(book.paid.contains(order)), "{hint}, order {order}");
        }
        (entered, waits, sent) = (entered + book.entries.len(), waits + book.waiting.len(), sent + sent_here);
    }
    assert_eq!((feed.len(), waiting.len()), (entered, waits), "{hint}");
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0], "{hint}");
    println!("{sent} callbacks sent, {entered} entries, {waits} wait");
    lived.iter().flat_map(|(_, book, _)| book.waiting.iter().map(|waits| waits.0)).collect()
}
