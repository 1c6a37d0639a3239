//! A model of an order, its payments and the callbacks about them: explored exhaustively, and compared with the ledger itself.
//!
//! [`Book`] states in a few lines the results that the rules must have. Around it callbacks are sent, repeated, lost and
//! reordered, workers handle them concurrently, and the host dies between any two steps. Every state that a few callbacks can
//! lead to is visited. Then random traces of the same steps drive the ledger, which must agree with the book after each step.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{DedupKey, Event, EventKind, Facts, Outcome, Recurrence, StoredCallback};
use ledger::Submission;
use proptest::prelude::*;
use stateright::{Checker, Model, Property};

use crate::driven::{Driven, roubles};

/// The order's amount, in roubles.
const PRICE: i64 = 100;

/// A fact that the payment system reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Fact {
    kind: Kind,
    /// The transaction's number.
    transaction: u8,
    roubles: i64,
    /// Whether it names the order; otherwise it names one that does not exist.
    names_order: bool,
    /// Two facts that differ only in this are one transaction reported under two keys.
    key: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Kind {
    Pay,
    Repeat,
    Refund,
    Hold,
}

fn fact(kind: Kind, transaction: u8, roubles: i64) -> Fact {
    Fact { kind, transaction, roubles, names_order: true, key: 0 }
}

/// The outcome of a fact.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Came {
    /// The account changed by this many roubles.
    To(i64),
    /// It may be entered by itself when a payment comes.
    Waits,
    /// It would return too much, and waits for a person.
    TooMuch,
    Nothing,
}

/// The rules in short: the outcome of each fact.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Book {
    facts: BTreeMap<Fact, Came>,
    /// In the order of entry.
    entries: Vec<(Fact, i64)>,
    /// The refunds that wait for a payment, in the order of arrival.
    early: Vec<Fact>,
}

impl Book {
    fn take(&mut self, fact: Fact) -> Came {
        if let Some(came) = self.facts.get(&fact) {
            return *came;
        }
        let came = self.decide(fact);
        self.facts.insert(fact, came);
        match came {
            Came::To(roubles) => self.entries.push((fact, roubles)),
            Came::Waits if fact.kind == Kind::Refund => self.early.push(fact),
            _ => {}
        }
        if matches!((fact.kind, came), (Kind::Pay | Kind::Repeat, Came::To(_))) {
            self.let_in(fact);
        }
        came
    }

    /// Enters the refunds that came before their payment.
    fn let_in(&mut self, payment: Fact) {
        for fact in std::mem::take(&mut self.early) {
            let names = fact.names_order || fact.transaction == payment.transaction;
            match if names { self.decide(fact) } else { Came::Waits } {
                Came::To(roubles) => {
                    self.facts.insert(fact, Came::To(roubles));
                    self.entries.push((fact, roubles));
                }
                _ => self.early.push(fact),
            }
        }
    }

    fn has_waiting_payment(&self) -> bool {
        let is_payment = |fact: &Fact| matches!(fact.kind, Kind::Pay | Kind::Repeat) && fact.names_order;
        self.facts.iter().any(|(fact, came)| is_payment(fact) && matches!(came, Came::Waits))
    }

    fn decide(&self, fact: Fact) -> Came {
        let paid = |kinds: &[Kind]| self.entries.iter().any(|(entered, _)| kinds.contains(&entered.kind));
        let of_transaction = |entered: &Fact| entered.transaction == fact.transaction;
        let payment = self.entries.iter().find(|(entered, roubles)| of_transaction(entered) && *roubles > 0);
        match fact.kind {
            Kind::Hold => Came::Nothing,
            Kind::Pay if fact.names_order && fact.roubles == PRICE && !paid(&[Kind::Pay]) && payment.is_none() => {
                Came::To(PRICE)
            }
            Kind::Repeat if fact.names_order && paid(&[Kind::Pay]) && payment.is_none() => Came::To(fact.roubles),
            Kind::Pay | Kind::Repeat => Came::Waits,
            // Nothing was paid that could be refunded, or the refund may be of the payment that waits.
            Kind::Refund if payment.is_none() && (self.has_waiting_payment() || !paid(&[Kind::Pay, Kind::Repeat])) => {
                Came::Waits
            }
            Kind::Refund => {
                // No more than its transaction brought in, and no more than the order brought in. Every entry belongs to that
                // order.
                let bound = payment.map(|(_, roubles)| *roubles).or(fact.names_order.then_some(PRICE));
                let fits = |entries: &[(Fact, i64)]| {
                    let sum = |sign: i64| entries.iter().map(|(_, roubles)| (roubles * sign).max(0)).sum::<i64>();
                    bound.is_some_and(|bound| sum(-1) + fact.roubles <= sum(1).max(bound))
                };
                let of_transaction: Vec<(Fact, i64)> =
                    self.entries.iter().filter(|(entered, _)| of_transaction(entered)).copied().collect();
                match bound {
                    None => Came::Waits,
                    Some(_) if fits(&of_transaction) && fits(&self.entries) => Came::To(-fact.roubles),
                    Some(_) => Came::TooMuch,
                }
            }
        }
    }
}

/// The payment system, the network and the host.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    book: Book,
    /// How often each fact may still be sent.
    to_send: Vec<(Fact, u8)>,
    /// Callbacks in transit, in any order.
    on_the_way: Vec<Fact>,
    /// The state of each worker.
    workers: Vec<Worker>,
    /// Facts that were answered with 200, and their outcomes at that time.
    answered: BTreeMap<Fact, Came>,
    crashes_left: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Worker {
    Free,
    /// It has read a callback and written nothing.
    Read(Fact),
    /// It has committed and not answered.
    Committed(Fact, Came),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    Send(usize),
    Lose(usize),
    Read { worker: usize, callback: usize },
    Commit(usize),
    Answer(usize),
    LoseAnswer(usize),
    Crash,
}

struct Exchange {
    facts: Vec<Fact>,
    sends: u8,
    workers: usize,
    crashes: u8,
}

impl Model for Exchange {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            book: Book::default(),
            to_send: self.facts.iter().map(|fact| (*fact, self.sends)).collect(),
            on_the_way: Vec::new(),
            workers: vec![Worker::Free; self.workers],
            answered: BTreeMap::new(),
            crashes_left: self.crashes,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.extend((0..world.to_send.len()).filter(|at| world.to_send[*at].1 > 0).map(Step::Send));
        for callback in 0..world.on_the_way.len() {
            steps.push(Step::Lose(callback));
            let free = world.workers.iter().position(|worker| *worker == Worker::Free);
            steps.extend(free.map(|worker| Step::Read { worker, callback }));
        }
        for (at, worker) in world.workers.iter().enumerate() {
            match worker {
                Worker::Free => {}
                Worker::Read(_) => steps.push(Step::Commit(at)),
                Worker::Committed(..) => steps.extend([Step::Answer(at), Step::LoseAnswer(at)]),
            }
        }
        steps.extend((world.crashes_left > 0).then_some(Step::Crash));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut world = world.clone();
        match step {
            Step::Send(at) => {
                world.to_send[at].1 -= 1;
                world.on_the_way.push(world.to_send[at].0);
                world.on_the_way.sort();
            }
            Step::Lose(at) => drop(world.on_the_way.remove(at)),
            Step::Read { worker, callback } => world.workers[worker] = Worker::Read(world.on_the_way.remove(callback)),
            Step::Commit(at) => {
                let Worker::Read(fact) = world.workers[at] else { return None };
                world.workers[at] = Worker::Committed(fact, world.book.take(fact));
            }
            Step::Answer(at) => {
                let Worker::Committed(fact, came) = world.workers[at] else { return None };
                world.workers[at] = Worker::Free;
                world.answered.insert(fact, came);
            }
            Step::LoseAnswer(at) => world.workers[at] = Worker::Free,
            Step::Crash => {
                // Only what is on disk remains.
                world.workers.fill(Worker::Free);
                world.crashes_left -= 1;
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Exchange>> {
        vec![
            Property::always("an order is paid once", |_, world: &World| {
                world.book.entries.iter().filter(|(fact, _)| fact.kind == Kind::Pay).count() <= 1
            }),
            Property::always("a transaction is paid in once", |_, world: &World| {
                let payments = || world.book.entries.iter().filter(|(_, roubles)| *roubles > 0);
                payments().all(|(one, _)| payments().filter(|(other, _)| other.transaction == one.transaction).count() == 1)
            }),
            Property::always("never more goes back than came in or is to come in", |_, world: &World| {
                let came = |sign: i64| world.book.entries.iter().map(|(_, roubles)| (roubles * sign).max(0)).sum::<i64>();
                came(-1) <= came(1).max(PRICE)
            }),
            Property::always("what was answered is on disk, as it was answered", |_, world: &World| {
                // A refund that came before its payment may be entered since then.
                let is_as_answered = |was: &Came, is: &Came| was == is || *was == Came::Waits && matches!(is, Came::To(..0));
                world.answered.iter().all(|(fact, was)| world.book.facts.get(fact).is_some_and(|is| is_as_answered(was, is)))
            }),
            Property::sometimes("the order is paid and all is answered", |model: &Exchange, world: &World| {
                model.facts.iter().all(|fact| world.answered.contains_key(fact)) && !world.book.entries.is_empty()
            }),
            Property::sometimes("an answer is lost and the callback comes again", |_, world: &World| {
                let again = |worker: &Worker| matches!(worker, Worker::Read(fact) if world.book.facts.contains_key(fact));
                world.answered.is_empty() && world.workers.iter().any(again)
            }),
        ]
    }
}

/// Visits every state of each of these worlds.
#[test]
fn model_keeps_its_rules_in_every_state() {
    let pay = fact(Kind::Pay, 1, PRICE);
    let worlds = [
        // The same payment, reported three times to two workers, which may die twice.
        (vec![pay], 3, 2, 2),
        // Another payment of the order, and one of another amount.
        (vec![pay, fact(Kind::Pay, 2, PRICE), fact(Kind::Pay, 3, PRICE - 1)], 2, 2, 1),
        // One transaction under two keys, and a recurring payment of it.
        (vec![pay, Fact { key: 1, ..pay }, fact(Kind::Repeat, 1, 30)], 2, 2, 1),
        // Refunds, before the payment or after it, whole or in parts.
        (vec![pay, fact(Kind::Refund, 1, PRICE), fact(Kind::Refund, 1, 60)], 2, 2, 1),
        (vec![pay, fact(Kind::Refund, 2, 60), fact(Kind::Repeat, 2, 50)], 2, 2, 1),
        // Refunds under the payment's id and under an id of their own.
        (vec![pay, fact(Kind::Refund, 1, PRICE), fact(Kind::Refund, 2, PRICE)], 2, 2, 1),
        // A payment without an order, and a hold, which moves no money.
        (vec![pay, Fact { names_order: false, ..fact(Kind::Pay, 2, PRICE) }, fact(Kind::Hold, 1, PRICE)], 2, 2, 1),
    ];
    for (facts, sends, workers, crashes) in worlds {
        let checker = Exchange { facts, sends, workers, crashes }.checker().threads(2).spawn_bfs().join();
        checker.assert_properties();
        println!("{} states", checker.unique_state_count());
        assert!(checker.unique_state_count() > 100);
    }
}

impl Driven {
    fn take(&self, fact: Fact) -> Outcome {
        let event = Event {
            provider: "p".parse().unwrap(),
            facts: Facts {
                kind: match fact.kind {
                    Kind::Pay | Kind::Repeat => EventKind::Payment,
                    Kind::Refund => EventKind::Refund,
                    Kind::Hold => EventKind::Hold,
                },
                recurrence: if fact.kind == Kind::Repeat { Recurrence::Repeat } else { Recurrence::Single },
                transaction: fact.transaction.to_string().parse().unwrap(),
                original: None,
                ends_hold: None,
                expires_at: None,
                account: None,
                order: Some(if fact.names_order { self.order.clone() } else { "7".parse().unwrap() }),
                payer: None,
                amount: roubles(fact.roubles),
                occurred_at: None,
            },
            comment: String::new(),
            dedup_key: DedupKey::stored(format!("{fact:?}")),
            fee: None,
            extra: Vec::new(),
        };
        let provider = event.provider.clone();
        let [method, query, remote_address] = ["POST", "", ""].map(str::to_owned);
        let (headers, body) = (Vec::new(), Vec::new());
        let callback = StoredCallback {
            provider,
            received_at: 2,
            method,
            path: String::new(),
            query,
            headers,
            body,
            remote_address,
            sealed_headers: Vec::new(),
            is_masked: false,
        };
        self.ledger.record(Submission::of_callback(event, Arc::new(callback))).unwrap().into_outcome().unwrap()
    }
}

fn facts() -> impl Strategy<Value = Fact> {
    let kinds = prop_oneof![3 => Just(Kind::Pay), 2 => Just(Kind::Repeat), 3 => Just(Kind::Refund), 1 => Just(Kind::Hold)];
    let roubles = prop_oneof![3 => Just(PRICE), 1 => Just(60), 1 => Just(40), 1 => Just(PRICE + 1)];
    (kinds, 1u8..4, roubles, prop::bool::weighted(0.9), 0u8..2)
        .prop_map(|(kind, transaction, roubles, names_order, key)| Fact { kind, transaction, roubles, names_order, key })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The ledger and the book agree on every fact, whatever came before. The host may die between any two steps.
    #[test]
    fn ledger_agrees_with_model(trace in prop::collection::vec((facts(), prop::bool::weighted(0.05)), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let mut driven = Driven::new(folder.path(), PRICE);
        let mut book = Book::default();
        for (fact, dies) in trace {
            if dies {
                driven = driven.restart(folder.path());
            }
            let was_known = book.facts.contains_key(&fact);
            let came = book.take(fact);
            let got = match driven.take(fact) {
                Outcome::Recorded { seq, repeated } => {
                    prop_assert_eq!(repeated, was_known);
                    let entry = driven.ledger.entries(None, seq - 1, 1).unwrap().remove(0);
                    Came::To(entry.amount.minor_units / 100)
                }
                Outcome::Unmatched { repeated, .. } => {
                    prop_assert_eq!(repeated, was_known);
                    Came::Waits
                }
                Outcome::NoMovement { repeated } => {
                    prop_assert_eq!(repeated, was_known);
                    Came::Nothing
                }
                // A key is made of everything that a fact says, so no two facts share one.
                other @ (Outcome::Contradiction { .. } | Outcome::Refused(_)) => panic!("{other:?}"),
            };
            let came = if came == Came::TooMuch { Came::Waits } else { came };
            prop_assert_eq!(got, came, "{:?}", fact);
        }
        prop_assert_eq!(driven.balance(), book.entries.iter().map(|(_, roubles)| roubles * 100).sum::<i64>());
        prop_assert_eq!(driven.ledger.check().unwrap(), []);
    }
}
