//! A host that is killed repeatedly while it pays payments back.
//!
//! In each round billing asks for several refunds at once, of payments of that round and of those before. The payment system, a
//! stand-in that counts, is slow, fails, and loses answers; it reports refunds also by notifications. At a moment that the seed
//! chooses, the host is killed, and started again on its folder. What billing got no answer to is asked for again with the same
//! key, and an operator has the host go on at once with what waits. When nothing is pending any more, what the host shows is
//! compared with what the payment system did. Then an operator decides about what is unknown, by what the payment system did, and
//! it is compared once more.

mod audit;
mod systems;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use stand_in::api::{ApiServer, Fault, Notification};

use super::audit_database;
use crate::audit::Findings;
use crate::{Api, Folder, Host};
use audit::{Truth, audit, operations};
pub use systems::PaysBack;

const ACCOUNT: &str = "100500";
/// How many refunds billing asks for at once.
const CLIENTS: usize = 6;
/// The most refunds of a round.
const ASKS_OF_ROUND: usize = 10;
/// The longest delay of an answer of the payment system.
const LATE_MILLISECONDS: u64 = 80;
/// The longest delay between a request to the payment system and the kill.
const AIM_MILLISECONDS: u64 = 40;
/// How long to wait for a request before the host is killed all the same.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest delay before a start is killed. A start takes some tenths of a second.
const START_MILLISECONDS: u64 = 200;
/// The pause of those who watch the host.
const PAUSE: Duration = Duration::from_millis(5);
/// The payment system goes on with refunds and tells of them in one of so many passes.
const GOES_ON_ONCE_IN: u8 = 8;
/// How long everything that waits may take to end when nothing fails any more.
const ENDING_TIME_MAX: Duration = Duration::from_secs(60);

/// The totals of a run.
#[derive(Clone, Default, Debug)]
pub struct RefundTally {
    /// The provider.
    pub provider: &'static str,
    /// The refunds that billing asked for.
    pub refunds: usize,
    /// How often the host was killed: at work or during a start.
    pub kills: usize,
    /// The requests of billing that had no answer when the host was killed.
    pub in_flight: usize,
    /// The operations that are done.
    pub done: usize,
    /// The refunds that the host or the payment system refused.
    pub refused: usize,
    /// The operations that waited for a person in the end.
    pub unknown: usize,
    /// The requests to pay back that reached the payment system.
    pub requests: usize,
    /// Those among them that repeated an earlier one by its key.
    pub repeated: usize,
    /// The refunds that the payment system made.
    pub made: usize,
    /// The violations.
    pub findings: Findings,
}

impl fmt::Display for RefundTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RefundTally { provider, refunds, kills, in_flight, done, refused, unknown, requests, repeated, made, findings } =
            self;
        writeln!(f, "{provider}: {refunds} refunds, {kills} kills, in flight when killed: {in_flight}")?;
        writeln!(f, "done: {done}, refused: {refused}, unknown: {unknown}")?;
        writeln!(f, "requests to pay back: {requests}, repeated by key: {repeated}; refunds made: {made}")?;
        write!(f, "lost: {}, double: {}, otherwise wrong: {}", findings.lost.len(), findings.double.len(), findings.wrong.len())
    }
}

/// A refund that billing asks for.
#[derive(Clone, Debug)]
struct Ask {
    /// Its idempotency key.
    key: String,
    /// The movement of the payment.
    payment: String,
    kopecks: i64,
    /// The operations that it was answered with. More than one is a violation.
    operations: BTreeSet<String>,
    /// Whether it was refused, since less is left of the payment.
    is_refused: bool,
}

impl Ask {
    fn is_answered(&self) -> bool {
        self.is_refused || !self.operations.is_empty()
    }

    fn body(&self, provider: &str) -> Value {
        json!({
            "provider": provider, "payment": self.payment, "kind": "refund", "reason": "возврат",
            "amount": {"minor_units": self.kopecks, "currency": "RUB"},
        })
    }
}

/// What the payment system has to tell.
#[derive(Default)]
struct News {
    /// The notifications that no host has accepted.
    notifications: Vec<Notification>,
    /// How many refunds were told of.
    told: usize,
}

/// Asks for some refunds at a payment system.
pub fn torture_refunds<S: PaysBack>(refunds: usize, seed: u64) -> RefundTally {
    let mut tortured = Tortured::<S>::new(Rng::with_seed(seed));
    while tortured.asks.len() < refunds {
        tortured.round(refunds);
    }
    tortured.end()
}

/// A host under torture, and its payment system.
struct Tortured<S: PaysBack> {
    folder: Folder,
    bank: ApiServer<S>,
    rng: Rng,
    asks: Vec<Ask>,
    /// What was paid, in kopecks.
    paid: i64,
    news: News,
    /// The operations that a kill interrupted.
    interrupted: BTreeSet<String>,
    tally: RefundTally,
}

impl<S: PaysBack> Tortured<S> {
    fn new(rng: Rng) -> Tortured<S> {
        Tortured {
            folder: Folder::default(),
            bank: ApiServer::start(S::open(), "127.0.0.1:0").unwrap(),
            rng,
            asks: Vec::new(),
            paid: 0,
            news: News::default(),
            interrupted: BTreeSet::new(),
            tally: RefundTally { provider: S::PROVIDER, ..RefundTally::default() },
        }
    }

    fn start(&self) -> Host {
        self.folder.start_calling(S::PROVIDER, &S::settings(&self.bank.url("")))
    }

    /// Starts a host, has payments paid and asks for refunds of them, and kills the host meanwhile.
    fn round(&mut self, refunds: usize) {
        let host = self.start();
        self.note_interrupted(&host);
        host.api.put_account(ACCOUNT);
        self.bank.forget_faults();
        let new = self.rng.usize(CLIENTS - 2..=ASKS_OF_ROUND).min(refunds - self.asks.len());
        self.add_asks(&host, new);
        self.add_faults(new);
        let open: Vec<usize> = (0..self.asks.len()).filter(|at| !self.asks[*at].is_answered()).collect();
        let in_flight = self.killed_at_work(host, &open);
        self.tally.in_flight += in_flight;
        self.kill_a_start();
    }

    /// Adds refunds, of payments that are paid now: of some in full, of others in parts, and of some more than there is.
    fn add_asks(&mut self, host: &Host, new: usize) {
        let end = self.asks.len() + new;
        while self.asks.len() < end {
            let kopecks = self.rng.i64(1_000..1_000_000);
            let payment = self.payment(host, kopecks);
            let mut left = kopecks;
            for _ in 0..self.rng.usize(1..=S::PARTS_MAX).min(end - self.asks.len()) {
                let kopecks = match self.rng.u8(0..12) {
                    0 => left + 1,
                    1..4 => left,
                    _ => self.rng.i64(1..=left),
                };
                left = (left - kopecks).max(1);
                let key = format!("refund-{}", self.asks.len());
                let (payment, operations) = (payment.clone(), BTreeSet::new());
                self.asks.push(Ask { key, payment, kopecks, operations, is_refused: false });
            }
        }
    }

    /// Makes an order, has it paid, and returns the movement of the payment.
    fn payment(&mut self, host: &Host, kopecks: i64) -> String {
        let order = host.api.order(ACCOUNT, kopecks);
        let row = self.bank.with(|bank| bank.payments()).into_iter().find(|row| row.order == order).unwrap();
        for notification in self.bank.with(|bank| bank.pay_by_its_method(&row.id)) {
            assert_eq!(self.notify(host, &notification), Some(200), "{}", self.folder.log());
        }
        self.paid += kopecks;
        let is_paid = |entry: &Value| entry["kind"] == "payment" && entry["order"] == *order;
        let entry = entries(&host.api).into_iter().find(is_paid).unwrap_or_else(|| panic!("{order} is not paid"));
        entry["movement"].as_str().unwrap().to_owned()
    }

    /// Sends a notification to the host, which the public address does not lead to. Returns the status of the reply.
    fn notify(&self, host: &Host, notification: &Notification) -> Option<u16> {
        notify(&self.bank, host.address, notification)
    }

    /// Chooses what goes wrong with the next requests.
    fn add_faults(&mut self, refunds: usize) {
        for _ in 0..refunds {
            let late = Fault::Late(Duration::from_millis(self.rng.u64(..LATE_MILLISECONDS)));
            let fault = match self.rng.u8(0..20) {
                0 => Fault::HangUp,
                1 | 2 => Fault::HangUpAfterExecuting,
                3 => Fault::Status500,
                4 => Fault::Status500AfterExecuting,
                5 => Fault::Busy,
                _ => late,
            };
            self.bank.fail_next(S::REFUND, fault);
            if let (Some(read), 0) = (S::READ, self.rng.u8(0..4)) {
                self.bank.fail_next(read, if self.rng.bool() { Fault::HangUp } else { Fault::Status500 });
            }
        }
    }

    /// Asks for the refunds, and kills the host meanwhile. Returns how many requests had no answer then.
    fn killed_at_work(&mut self, host: Host, open: &[usize]) -> usize {
        let kill_after = self.bank.refund_requests().len() + self.rng.usize(1..=open.len().max(1));
        let aim = Duration::from_millis(self.rng.u64(..AIM_MILLISECONDS));
        let (api, address) = (host.api.clone(), host.address);
        let (asks, news) = (Mutex::new(&mut self.asks), Mutex::new(&mut self.news));
        let (bank, next, in_flight, is_over) = (&self.bank, AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    while let Some(at) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let ask = asks.lock().unwrap()[*at].clone();
                        let Ok(answer) = api.try_post_once("/operations", &ask.key, &ask.body(S::PROVIDER)) else {
                            in_flight.fetch_add(1, Ordering::Relaxed);
                            return;
                        };
                        answered(&mut asks.lock().unwrap()[*at], &answer);
                    }
                });
            }
            scope.spawn(|| {
                while go_on(&api).is_some() {
                    thread::sleep(PAUSE)
                }
            });
            let mut rng = self.rng.fork();
            let (news, is_over) = (&news, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    deliver(bank, address, &mut rng, &mut news.lock().unwrap());
                    thread::sleep(PAUSE);
                }
            });
            let began = Instant::now();
            while bank.refund_requests().len() < kill_after && began.elapsed() < REQUEST_TIME_MAX {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(aim);
            host.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        self.tally.kills += 1;
        in_flight.into_inner()
    }

    /// Kills a host during its start in some rounds.
    fn kill_a_start(&mut self) {
        let wait = Duration::from_millis(self.rng.u64(0..START_MILLISECONDS));
        if self.rng.u8(0..4) == 0 {
            let mut command = self.folder.command_calling(S::PROVIDER, &S::settings(&self.bank.url("")));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(wait);
            child.kill().unwrap();
            child.wait().unwrap();
            self.tally.kills += 1;
        }
    }

    /// Notes the operations that wait and of which nothing is known: a kill may have lost the answer to their refund, or have come
    /// when the host had written down that it would send it.
    fn note_interrupted(&mut self, host: &Host) {
        let pending = operations(&host.api, false).into_iter().filter(|one| one.state == "pending" && !one.has_reference);
        self.interrupted.extend(pending.map(|one| one.id));
    }

    /// Lets everything end, and compares it.
    fn end(mut self) -> RefundTally {
        let host = self.start();
        self.note_interrupted(&host);
        self.bank.forget_faults();
        let began = Instant::now();
        loop {
            self.ask_all(&host, |ask| !ask.is_answered());
            deliver(&self.bank, host.address, &mut self.rng, &mut self.news);
            go_on(&host.api).unwrap();
            let is_pending = operations(&host.api, false).iter().any(|one| one.state == "pending");
            let is_over = self.asks.iter().all(Ask::is_answered) && !is_pending;
            if is_over || began.elapsed() > ENDING_TIME_MAX {
                break;
            }
            thread::sleep(PAUSE);
        }
        // The same requests again are the same operations.
        self.ask_all(&host, |ask| !ask.is_refused);
        let truth = Truth::<S>::new(&self.bank, self.paid, &self.interrupted);
        let ended = audit(&self.asks, &host.api, &truth);
        self.tally.findings.add(ended.findings);
        (self.tally.done, self.tally.refused, self.tally.unknown) = (ended.done, ended.refused, ended.unknown.len());
        self.tally.findings.wrong.extend(truth.decide(&host.api, &ended.unknown));
        assert!(host.stop().success(), "{}", self.folder.log());
        self.tally.findings.wrong.extend(audit_database(&self.folder));
        (self.tally.refunds, self.tally.requests, self.tally.repeated) = (self.asks.len(), truth.requests(), truth.repeated());
        self.tally.made = truth.made();
        self.tally
    }

    fn ask_all(&mut self, host: &Host, is_meant: impl Fn(&Ask) -> bool) {
        for ask in self.asks.iter_mut().filter(|ask| is_meant(ask)) {
            answered(ask, &host.api.try_post_once("/operations", &ask.key, &ask.body(S::PROVIDER)).unwrap());
        }
    }
}

/// Takes an answer to a refund that was asked for. Any other answer than these is as good as none.
fn answered(ask: &mut Ask, (status, answer): &(u16, Value)) {
    match status {
        200 => drop(ask.operations.insert(answer["id"].as_str().unwrap().to_owned())),
        409 if answer["code"] == "refund-exceeds-payment" => ask.is_refused = true,
        _ => {}
    }
}

/// An operator has the host go on at once with what waits. `None` if the host is gone.
fn go_on(api: &Api) -> Option<()> {
    let (_, open) = api.try_get("/operations").ok()?;
    let open = open["operations"].as_array()?;
    for operation in open.iter().filter(|one| one["state"] == "pending") {
        let id = operation["id"].as_str()?;
        api.try_post(&format!("/operations/{id}/retry"), &Value::Null).ok()?;
    }
    Some(())
}

/// Lets the payment system go on now and then, and sends its notifications. Those that are not accepted are sent again.
fn deliver<S: PaysBack>(bank: &ApiServer<S>, host: SocketAddr, rng: &mut Rng, news: &mut News) {
    if rng.u8(..GOES_ON_ONCE_IN) == 0 {
        news.notifications.extend(bank.with(|bank| bank.go_on(&mut news.told)));
    }
    news.notifications.retain(|notification| notify(bank, host, notification) != Some(200));
}

fn notify<S: PaysBack>(bank: &ApiServer<S>, host: SocketAddr, notification: &Notification) -> Option<u16> {
    let url = format!("http://{host}/callbacks/{}", S::PROVIDER);
    bank.notify(&Notification { url, ..notification.clone() }).ok().map(|reply| reply.status)
}

/// Returns the feed as the API has it.
fn entries(api: &Api) -> Vec<Value> {
    let mut feed: Vec<Value> = Vec::new();
    loop {
        let after = feed.last().map_or(0, |entry| entry["seq"].as_u64().unwrap());
        let mut page = api.get(&format!("/entries?after={after}"));
        match page["entries"].take() {
            Value::Array(entries) if !entries.is_empty() => feed.extend(entries),
            _ => return feed,
        }
    }
}
