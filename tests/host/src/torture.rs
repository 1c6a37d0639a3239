//! A host that is killed repeatedly while it accepts payments.
//!
//! In each round, orders are created and several payment systems send callbacks about them concurrently, repeated and out of
//! order, while billing follows the feed and requests more links. At a moment that the seed chooses, the host is killed. It is
//! started again and compared with what was answered. What was not answered is sent again. Then everything is sent again, which
//! must change nothing.

pub mod refunds;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use ledger::Ledger;
use rusqlite::{Connection, OpenFlags};
use storage_sqlite::Sqlite;

use crate::audit::{Fact, Findings, Seen, audit, begins};
use crate::{Api, CallbackSpec, Entry, Folder, Host, Type};
use support::Wire;
use support::wire::callback;

/// How many payment systems send concurrently.
const CLIENTS: usize = 8;
const ACCOUNTS: usize = 7;
const ORDERS_OF_ROUND: usize = 160;
/// The most rounds on one ledger. Between rounds the host is killed and continues with the same ledger.
const ROUNDS_OF_FOLDER: usize = 6;
/// The longest delay between an answer and the kill: about as long as a callback takes.
const AIM_MICROSECONDS: u64 = 2_000;
/// The longest delay before a start is killed. A start takes some tenths of a second.
const START_MILLISECONDS: u64 = 200;

/// The totals of all rounds.
#[derive(Clone, Default, Debug)]
pub struct Tally {
    /// The rounds that were run.
    pub rounds: usize,
    /// How often the host was killed: at work, during a start, or idle.
    pub kills: usize,
    /// The ledgers that were created.
    pub ledgers: usize,
    /// The callbacks that were answered 200.
    pub answered: usize,
    /// The callbacks that had been sent and not answered when the host was killed.
    pub in_flight: usize,
    /// The facts that were found in the ledger although they were not answered: the kill came between commit and answer.
    pub committed_unanswered: usize,
    /// The entries that a reader of the feed had seen before the kill.
    pub followed: usize,
    /// The violations.
    pub findings: Findings,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { rounds, kills, ledgers, answered, in_flight, committed_unanswered, followed, findings } = self;
        writeln!(f, "{rounds} rounds on {ledgers} ledgers, {kills} kills")?;
        writeln!(f, "callbacks answered 200: {answered}; followed in the feed: {followed}")?;
        writeln!(
            f,
            "in flight when killed: {in_flight}; of facts without an answer, on disk all the same: {committed_unanswered}"
        )?;
        write!(f, "lost: {}, double: {}, otherwise wrong: {}", findings.lost.len(), findings.double.len(), findings.wrong.len())
    }
}

/// Runs some rounds.
pub fn torture(rounds: usize, seed: u64) -> Tally {
    let mut rng = Rng::with_seed(seed);
    let mut tally = Tally::default();
    let mut ledger = None;
    for _ in 0..rounds {
        let resumed = ledger.take().unwrap_or_else(|| {
            tally.ledgers += 1;
            Tortured { folder: Folder::default(), facts: Vec::new(), feed: Vec::new(), transactions: 0 }
        });
        let (resumed, host) = resumed.round(&mut rng, &mut tally);
        tally.rounds += 1;
        if tally.rounds == rounds || resumed.facts.len() > rng.usize(1..=ROUNDS_OF_FOLDER) * ORDERS_OF_ROUND {
            assert!(host.stop().success(), "{}", resumed.folder.log());
            tally.findings.wrong.extend(audit_database(&resumed.folder));
        } else {
            host.kill();
            tally.kills += 1;
            ledger = Some(resumed);
        }
    }
    tally
}

/// A ledger under torture.
struct Tortured {
    folder: Folder,
    /// All facts that were ever sent. Between rounds all of them are answered.
    facts: Vec<Fact>,
    /// The feed after the last round.
    feed: Vec<Entry>,
    /// The last transaction id of the payment system that was used.
    transactions: u64,
}

impl Tortured {
    fn round(mut self, rng: &mut Rng, tally: &mut Tally) -> (Tortured, Host) {
        self.kill_a_start(rng, tally);
        let host = self.folder.start();
        let first = self.facts.len();
        let facts = self.new_facts(&host.api, rng);
        self.facts.extend(facts);
        let made = self.killed_at_work(host, first, rng, tally);
        self.kill_a_start(rng, tally);

        let host = self.folder.start();
        let seen = snapshot(&host.api);
        tally.findings.add(begins(&seen.feed, &self.feed));
        tally.findings.add(audit(&self.facts, &seen));
        tally.committed_unanswered += self.unanswered().filter(|fact| is_entered(fact, &seen.feed)).count();
        let lost_orders = made.iter().filter(|order| host.api.is_paid(order).is_none());
        tally.findings.lost.extend(lost_orders.map(|order| format!("the order {order} was made, and is gone")));

        let mut again: Vec<CallbackSpec> = self.unanswered().map(|fact| fact.spec.clone()).collect();
        rng.shuffle(&mut again);
        self.deliver_all(&host, &again, tally);
        self.facts.iter_mut().for_each(|fact| fact.is_answered = true);
        let resent = snapshot(&host.api);
        tally.findings.add(begins(&resent.feed, &seen.feed));
        tally.findings.add(audit(&self.facts, &resent));

        let all: Vec<CallbackSpec> = self.facts[first..].iter().map(|fact| fact.spec.clone()).collect();
        self.deliver_all(&host, &all, tally);
        let repeated = snapshot(&host.api);
        if (&repeated.feed, &repeated.waiting) != (&resent.feed, &resent.waiting) {
            tally.findings.double.push("repeated callbacks changed the ledger".to_owned());
        }
        self.feed = repeated.feed;
        (self, host)
    }

    fn unanswered(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(|fact| !fact.is_answered)
    }

    /// Kills a host during its start in some rounds: while it creates the database, or recovers what the last one left.
    fn kill_a_start(&self, rng: &mut Rng, tally: &mut Tally) {
        let wait = Duration::from_millis(rng.u64(0..START_MILLISECONDS));
        if rng.u8(0..3) == 0 {
            let mut child = self.folder.command().stdout(std::process::Stdio::null()).spawn().unwrap();
            thread::sleep(wait);
            child.kill().unwrap();
            child.wait().unwrap();
            tally.kills += 1;
        }
    }

    /// Creates orders and the facts to send about them. Each order is paid, some are refunded, and some are paid by two
    /// transactions.
    fn new_facts(&mut self, api: &Api, rng: &mut Rng) -> Vec<Fact> {
        let accounts: Vec<String> = (0..ACCOUNTS).map(|at| format!("10050{at}")).collect();
        accounts.iter().for_each(|account| api.put_account(account));
        let asked: Vec<(&str, i64)> =
            (0..ORDERS_OF_ROUND).map(|_| (accounts[rng.usize(..ACCOUNTS)].as_str(), rng.i64(10..1_000_000))).collect();
        let orders = at_once(&asked, |(account, kopecks)| api.order(account, *kopecks));
        let mut facts = Vec::new();
        for ((account, kopecks), order) in asked.into_iter().zip(orders) {
            self.transactions += 1;
            let paid = CallbackSpec::payment(&order, self.transactions, kopecks);
            let mut specs = vec![paid.clone()];
            let has_rival = rng.u8(0..8) == 0;
            if has_rival {
                self.transactions += 1;
                specs.push(CallbackSpec { transaction: self.transactions, ..paid });
            } else if rng.u8(0..4) == 0 {
                // A refund in two different parts, or in full.
                let part = rng.i64(1..=kopecks);
                let parts = [part, kopecks - part].into_iter().filter(|part| *part > 0 && (*part != kopecks - *part));
                specs.extend(parts.map(|kopecks| CallbackSpec { kopecks, ..paid.of_type(Type::Refund) }));
            }
            let fact = |spec| Fact { spec, account: account.to_owned(), has_rival, is_answered: false };
            facts.extend(specs.into_iter().map(fact));
        }
        facts
    }

    /// Sends the new facts in random order, some of them repeatedly, and kills the host meanwhile. Returns the orders that were
    /// created in the meantime.
    fn killed_at_work(&mut self, host: Host, first: usize, rng: &mut Rng, tally: &mut Tally) -> Vec<String> {
        let mut deliveries: Vec<usize> = (first..self.facts.len()).flat_map(|fact| vec![fact; rng.usize(1..=3)]).collect();
        rng.shuffle(&mut deliveries);
        let requests: Vec<(usize, Vec<u8>)> =
            deliveries.into_iter().map(|fact| (fact, callback(&self.facts[fact].spec.body()))).collect();
        let kill_after = rng.usize(..requests.len());
        let aim = Duration::from_micros(rng.u64(..AIM_MICROSECONDS));
        let (address, api) = (host.address, host.api.clone());
        let (answers, answered) = channel();
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|at| {
                    let (answers, requests) = (answers.clone(), requests.iter().skip(at).step_by(CLIENTS));
                    scope.spawn(move || tell(address, requests, &answers))
                })
                .collect();
            drop(answers);
            let follower = scope.spawn(|| follow(&api));
            let maker = scope.spawn(|| std::iter::from_fn(|| api.try_order("100500", 100)).collect::<Vec<String>>());
            let mut facts: Vec<usize> = answered.iter().take(kill_after).collect();
            let began = Instant::now();
            while began.elapsed() < aim {
                std::hint::spin_loop();
            }
            host.kill();
            tally.kills += 1;
            facts.extend(answered.iter());
            tally.answered += facts.len();
            facts.into_iter().for_each(|fact| self.facts[fact].is_answered = true);
            tally.in_flight += clients.into_iter().map(|teller| teller.join().unwrap()).filter(|in_flight| *in_flight).count();
            let followed = follower.join().unwrap();
            tally.followed += followed.len();
            // What billing saw before the kill must still be there. The next snapshot compares all of it.
            tally.findings.add(begins(&followed, &self.feed[..followed.len().min(self.feed.len())]));
            if followed.len() > self.feed.len() {
                self.feed = followed;
            }
            maker.join().unwrap()
        })
    }

    /// Sends all callbacks, several concurrently. Each must be answered 200.
    fn deliver_all(&self, host: &Host, all: &[CallbackSpec], tally: &mut Tally) {
        let statuses = at_once(all, |spec| host.api.callback(&spec.body()));
        tally.answered += statuses.iter().filter(|status| **status == 200).count();
        let refused = all.iter().zip(statuses).filter(|(_, status)| *status != 200);
        tally.findings.wrong.extend(refused.map(|(spec, status)| format!("{spec:?} was answered {status}")));
    }
}

/// Applies `work` to all items, some concurrently. Returns the results in order.
fn at_once<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let chunks = all.chunks(all.len().div_ceil(CLIENTS).max(1));
    thread::scope(|scope| {
        let threads: Vec<_> = chunks.map(|chunk| scope.spawn(|| chunk.iter().map(&work).collect::<Vec<R>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Sends callbacks until the host is gone. Reports whether a request was in flight at that moment.
fn tell<'r>(address: SocketAddr, requests: impl Iterator<Item = &'r (usize, Vec<u8>)>, answers: &Sender<usize>) -> bool {
    let Ok(mut wire) = Wire::open(address) else { return false };
    for (fact, request) in requests {
        match wire.ask(request) {
            Ok(200) => answers.send(*fact).unwrap(),
            // It may be sent again. All that matters is that it was not answered 200.
            Ok(_) => {}
            Err(_) => return true,
        }
    }
    false
}

/// Reads the feed until the host is gone.
fn follow(api: &Api) -> Vec<Entry> {
    let mut feed: Vec<Entry> = Vec::new();
    while let Ok(page) = api.entries_after(feed.last().map_or(0, |entry| entry.seq), 1) {
        feed.extend(page);
    }
    feed
}

fn snapshot(api: &Api) -> Seen {
    let feed = api.feed();
    let accounts = (0..ACCOUNTS).map(|at| format!("10050{at}"));
    let balances: BTreeMap<String, i64> = accounts.map(|account| (account.clone(), api.balance(&account))).collect();
    Seen { feed, waiting: api.unmatched(), balances }
}

fn is_entered(fact: &Fact, feed: &[Entry]) -> bool {
    let CallbackSpec { what, transaction, kopecks, .. } = &fact.spec;
    let is_of = |entry: &Entry| {
        entry.transaction == Some(*transaction) && entry.kind == what.entry_kind() && entry.kopecks.abs() == *kopecks
    };
    feed.iter().any(is_of)
}

/// Returns the damage that SQLite and the ledger find in a database that nobody has open.
pub fn audit_database(folder: &Folder) -> Vec<String> {
    let database = Connection::open_with_flags(folder.database(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let integrity: String = database.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    drop(database);
    let imbalances = Ledger::new(Sqlite::open(&folder.database()).unwrap()).check().unwrap();
    let integrity = (integrity != "ok").then_some(integrity);
    integrity.into_iter().chain(imbalances.into_iter().map(|imbalance| format!("{imbalance:?}"))).collect()
}
