//! A model of refunds: a host begins them, asks a provider what to call, stores what it is about to send, sends it, stores the answer
//! and ends them. The payment system executes a call or not, and the answer arrives or is lost. The host dies between any two
//! steps and goes on from what it stored, the component is swapped, callbacks report refunds at any time, and a person decides about
//! what is unknown.
//!
//! The host of the model decides by [`ledger::operations::Pass`], as the real one does. Every state is visited, also with each
//! rule of safety left out: then the model finds what goes wrong. Random traces of the same steps drive the ledger.

mod agreement;
mod book;

use std::collections::{BTreeMap, BTreeSet};

use domain::Repeatable;
use ledger::operations::{CallDecision, Pass, ProviderResult, WantedCall};
use stateright::{Checker, HasDiscoveries, Model, Property};

use book::{Book, Key, State, Stored, Without};

/// What was paid, in roubles.
const PRICE: i64 = 100;
/// The seconds between two times of the model.
const TICK_SECONDS: u64 = 100;

/// What a version of the component does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Version {
    /// It has the call `a` made, which tells whether the refund is done.
    First,
    /// The same call, after which a callback is to tell.
    Accepting,
    /// It has another call made.
    Other,
    /// It wants no call, and refuses.
    Refusing,
    /// It wants no call, and waits for a callback.
    Waiting,
}

/// What a provider is told of its call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Answer {
    /// It was executed; a number of the payment system's.
    Executed(u8),
    Declined,
    NotSent,
    Unknown,
}

/// What a provider returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Returned {
    Wants(&'static str),
    Succeeded(u8),
    /// It goes on at the payment system, and a callback tells of its end.
    Pending,
    Refused,
    Unavailable,
    Unknown,
}

/// The provider: a pure function of the answers so far.
fn provider(version: Version, called: &BTreeMap<String, Answer>) -> Returned {
    let call = match version {
        Version::First | Version::Accepting => "a",
        Version::Other => "b",
        Version::Refusing => return Returned::Refused,
        Version::Waiting => return Returned::Pending,
    };
    match called.get(call) {
        None => Returned::Wants(call),
        Some(Answer::Executed(_)) if version == Version::Accepting => Returned::Pending,
        Some(Answer::Executed(number)) => Returned::Succeeded(*number),
        Some(Answer::Declined) => Returned::Refused,
        Some(Answer::NotSent) => Returned::Unavailable,
        Some(Answer::Unknown) => Returned::Unknown,
    }
}

/// What the payment system did: the refund of an operation, by a call, at a time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Execution {
    operation: usize,
    call: String,
    at: u64,
}

/// What the host is doing. It forgets it when it dies.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Host {
    Idle,
    Asking(Work),
    ToStore(Work, &'static str),
    ToSend(Work, &'static str),
    Answered(Work, &'static str, Answer),
    ToEnd(Work, End),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Work {
    operation: usize,
    /// A pass is made with the component that began it.
    version: Version,
    pass: Pass,
    called: BTreeMap<String, Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum End {
    Moved(u8),
    Refused,
    Unknown,
    /// It waits for a callback.
    Waits,
    /// It is tried again.
    Later,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    now: u64,
    version: Version,
    swaps_left: u8,
    crashes_left: u8,
    executed: Vec<Execution>,
    host: Host,
    book: Book,
}

/// What happens to a call that is sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Fate {
    Answered,
    Declined,
    /// It is executed, and the answer is lost.
    AnswerLost,
    /// It is lost on its way, and nobody knows.
    CallLost,
    NotSent,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    Begin,
    Continue(usize),
    Ask,
    Store,
    Send(Fate),
    StoreAnswer,
    End,
    Crash,
    Swap(Version),
    Tick,
    Callback(u8),
    Decide(usize),
}

struct Refunds {
    /// The amount of each refund.
    amount: i64,
    operations: usize,
    repeatable: Repeatable,
    versions: Vec<Version>,
    swaps: u8,
    crashes: u8,
    ticks: u64,
    without: Option<Without>,
}

impl Refunds {
    fn is_without(&self, rule: Without) -> bool {
        self.without == Some(rule)
    }

    fn seconds(world: &World) -> u64 {
        1_000 + world.now * TICK_SECONDS
    }

    /// Returns what the payment system knows a call as: it knows a second one from the first as it promised.
    fn known(&self, world: &World, operation: usize, call: &str) -> Option<usize> {
        let knows = |known: &Execution| match self.repeatable {
            Repeatable::Never => false,
            Repeatable::Within(seconds) => known.call == call && Refunds::seconds(world) < known.at + u64::from(seconds),
            Repeatable::Always => true,
        };
        world.executed.iter().position(|known| known.operation == operation && knows(known))
    }

    /// The payment system executes a call that it does not know. Returns its number.
    fn execute(&self, world: &mut World, operation: usize, call: &str) -> u8 {
        let number = self.known(world, operation, call).unwrap_or_else(|| {
            let (call, at) = (call.to_owned(), Refunds::seconds(world));
            world.executed.push(Execution { operation, call, at });
            world.executed.len() - 1
        });
        number as u8
    }

    fn ask(&self, world: &World, work: Work) -> Host {
        let returned = provider(work.version, &work.called);
        let result = match returned {
            Returned::Wants(digest) => return self.decide(world, work, digest),
            Returned::Succeeded(_) => ProviderResult::Succeeded,
            Returned::Pending => ProviderResult::Pending,
            Returned::Refused => ProviderResult::Refused,
            Returned::Unavailable => ProviderResult::Unavailable,
            Returned::Unknown => ProviderResult::Unknown,
        };
        let end = match returned {
            _ if work.pass.doubt(result).is_some() && !self.is_without(Without::Doubt) => End::Unknown,
            Returned::Succeeded(number) => End::Moved(number),
            Returned::Pending => End::Waits,
            Returned::Refused => End::Refused,
            Returned::Unavailable => End::Later,
            _ => End::Unknown,
        };
        Host::ToEnd(work, end)
    }

    fn decide(&self, world: &World, mut work: Work, digest: &'static str) -> Host {
        let call = WantedCall { digest, repeatable: self.repeatable };
        match work.pass.decide(call, Refunds::seconds(world)) {
            CallDecision::Send | CallDecision::SendAgain => Host::ToStore(work, digest),
            CallDecision::AnswerAsBefore => {
                let answer = world.book.operations[work.operation].answers[digest];
                work.called.insert(digest.to_owned(), answer);
                Host::Asking(work)
            }
            CallDecision::AnswerUnknown if self.is_without(Without::KeysThatExpire) => Host::ToStore(work, digest),
            CallDecision::AnswerUnknown => {
                work.called.insert(digest.to_owned(), Answer::Unknown);
                Host::Asking(work)
            }
            CallDecision::GiveUp(_) if self.is_without(Without::HoldingToTheCall) => Host::ToStore(work, digest),
            CallDecision::GiveUp(_) => Host::ToEnd(work, End::Unknown),
        }
    }

    fn send(&self, world: &mut World, mut work: Work, digest: &'static str, fate: Fate) -> Host {
        let operation = work.operation;
        match fate {
            Fate::Declined if self.known(world, operation, digest).is_none() => {
                work.pass.answered();
                Host::Answered(work, digest, Answer::Declined)
            }
            Fate::Answered | Fate::Declined => {
                let answer = Answer::Executed(self.execute(world, operation, digest));
                work.pass.answered();
                Host::Answered(work, digest, answer)
            }
            // It is asked anew later, and then sent again only if that is safe.
            Fate::AnswerLost => {
                self.execute(world, operation, digest);
                Host::Idle
            }
            Fate::CallLost => Host::Idle,
            Fate::NotSent => {
                work.pass.not_sent();
                work.called.insert(digest.to_owned(), Answer::NotSent);
                Host::Asking(work)
            }
        }
    }

    fn end(&self, world: &mut World, Work { operation: at, pass, .. }: Work, end: End) {
        let now = Refunds::seconds(world);
        let book = &mut world.book;
        let state = match end {
            End::Moved(number) => {
                let key = Key::Reported(number);
                book.record(key, Some(at), self, now);
                let is_of_other = book.operation_of(key).is_some_and(|other| other != at);
                if is_of_other { State::Unknown } else { State::Done(Some(key)) }
            }
            End::Refused => State::Refused,
            End::Unknown => book.told_otherwise(at, self).map_or(State::Unknown, |key| State::Done(Some(key))),
            End::Waits | End::Later => State::Pending,
        };
        let operation = &mut book.operations[at];
        operation.state = state;
        operation.waits = end == End::Waits;
        operation.goes_on = end == End::Later && !self.is_without(Without::TimeToGoOn);
        operation.pass = pass.journal().clone();
        if state != State::Pending {
            // Nobody reads it any more: without it, fewer states differ.
            (operation.pass, operation.answers) = Default::default();
        }
    }

    /// A person looks at the payment system's cabinet, and says what is there.
    fn decide_unknown(&self, world: &mut World, at: usize) {
        let now = Refunds::seconds(world);
        let was_done = world.executed.iter().any(|executed| executed.operation == at);
        let book = &mut world.book;
        let state = match was_done {
            false => State::Refused,
            true => {
                let reported = book.reported(at).filter(|_| !self.is_without(Without::LookingForReports));
                let key = reported.unwrap_or(Key::Said(at));
                book.record(key, Some(at), self, now);
                State::Done(Some(key))
            }
        };
        book.operations[at].state = state;
        book.operations[at].is_decided = true;
    }

    fn step(&self, world: &mut World, step: Step) -> Option<()> {
        let host = std::mem::replace(&mut world.host, Host::Idle);
        world.host = match (step, host) {
            (Step::Ask, Host::Asking(work)) => self.ask(world, work),
            (Step::Store, Host::ToStore(work, digest)) => {
                if !self.is_without(Without::StoringBeforeSending) {
                    world.book.operations[work.operation].pass = work.pass.journal().clone();
                }
                Host::ToSend(work, digest)
            }
            (Step::Send(fate), Host::ToSend(work, digest)) => self.send(world, work, digest, fate),
            (Step::StoreAnswer, Host::Answered(mut work, digest, answer)) => {
                let stored = &mut world.book.operations[work.operation];
                stored.pass = work.pass.journal().clone();
                stored.answers.insert(digest.to_owned(), answer);
                work.called.insert(digest.to_owned(), answer);
                Host::Asking(work)
            }
            (Step::End, Host::ToEnd(work, end)) => {
                self.end(world, work, end);
                Host::Idle
            }
            (Step::Continue(operation), Host::Idle) => {
                let pass = Pass::new(world.book.operations[operation].pass.clone());
                Host::Asking(Work { operation, version: world.version, pass, called: BTreeMap::new() })
            }
            (Step::Crash, _) => {
                world.crashes_left -= 1;
                Host::Idle
            }
            (_, host) => {
                self.step_beside(world, step)?;
                host
            }
        };
        Some(())
    }

    /// What happens beside the host's work.
    fn step_beside(&self, world: &mut World, step: Step) -> Option<()> {
        match step {
            Step::Begin => {
                let (pass, answers, begun_at) = (Default::default(), BTreeMap::new(), Refunds::seconds(world));
                let (state, goes_on, waits, is_decided) = (State::Pending, true, false, false);
                world.book.operations.push(Stored { state, goes_on, waits, begun_at, is_decided, pass, answers });
            }
            Step::Swap(version) => {
                world.version = version;
                world.swaps_left -= 1;
            }
            Step::Tick => world.now += 1,
            Step::Callback(number) => {
                let now = Refunds::seconds(world);
                world.book.record(Key::Reported(number), None, self, now);
                world.book.end_awaited(Key::Reported(number), self);
            }
            Step::Decide(at) => self.decide_unknown(world, at),
            _ => return None,
        }
        Some(())
    }
}

impl Model for Refunds {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            version: self.versions[0],
            swaps_left: self.swaps,
            crashes_left: self.crashes,
            executed: Vec::new(),
            host: Host::Idle,
            book: Book::default(),
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let book = &world.book;
        if book.operations.len() < self.operations && book.left(self) >= self.amount {
            steps.push(Step::Begin);
        }
        match &world.host {
            Host::Idle => {
                let goes_on = |at: &usize| book.operations[*at].state == State::Pending && book.operations[*at].goes_on;
                steps.extend((0..book.operations.len()).filter(goes_on).map(Step::Continue));
            }
            Host::Asking(_) => steps.push(Step::Ask),
            Host::ToStore(..) => steps.push(Step::Store),
            Host::ToSend(..) => {
                let fates = [Fate::Answered, Fate::Declined, Fate::AnswerLost, Fate::CallLost, Fate::NotSent];
                steps.extend(fates.map(Step::Send));
            }
            Host::Answered(..) => steps.push(Step::StoreAnswer),
            Host::ToEnd(..) => steps.push(Step::End),
        }
        if world.host != Host::Idle && world.crashes_left > 0 {
            steps.push(Step::Crash);
        }
        if world.swaps_left > 0 {
            let others = self.versions.iter().filter(|version| **version != world.version);
            steps.extend(others.map(|version| Step::Swap(*version)));
        }
        // A call is on its way for some seconds at most.
        let is_on_its_way = matches!(world.host, Host::ToStore(..) | Host::ToSend(..));
        steps.extend((world.now < self.ticks && !is_on_its_way).then_some(Step::Tick));
        let unreported = (0..world.executed.len() as u8).filter(|number| !book.is_recorded(Key::Reported(*number)));
        steps.extend(unreported.map(Step::Callback));
        let is_unknown = |at: &usize| book.operations[*at].state == State::Unknown;
        steps.extend((0..book.operations.len()).filter(is_unknown).map(Step::Decide));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut world = world.clone();
        self.step(&mut world, step).map(|()| world)
    }

    fn properties(&self) -> Vec<Property<Refunds>> {
        vec![
            Property::always(ONCE, |_, world: &World| {
                let operations = world.executed.iter().map(|executed| executed.operation);
                operations.clone().collect::<BTreeSet<_>>().len() == operations.count()
            }),
            Property::always(BOUND, |model: &Refunds, world: &World| world.executed.len() as i64 * model.amount <= PRICE),
            Property::always(ENTERED, |_, world: &World| world.book.entered() <= world.executed.len() as i64),
            Property::always(REFUSED, |_, world: &World| {
                let is_refused = |at: usize| world.book.operations[at].state == State::Refused;
                world.executed.iter().all(|executed| !is_refused(executed.operation))
            }),
            Property::always(FORGOTTEN, |_, world: &World| {
                let is_done = |at: usize| world.executed.iter().any(|executed| executed.operation == at);
                let operations = world.book.operations.iter().enumerate();
                let will_be_told = |at, one: &Stored| one.waits && (is_done(at) || one.pass.calls.is_empty());
                let mut pending = operations.filter(|(_, one)| one.state == State::Pending);
                pending.all(|(at, one)| one.goes_on || will_be_told(at, one))
            }),
            Property::sometimes("a refund is done and entered", |_, world: &World| {
                let is_done = world.book.operations.iter().any(|one| matches!(one.state, State::Done(Some(Key::Reported(_)))));
                is_done && world.book.entered() > 0
            }),
            Property::sometimes("a person decides, where it is needed", |model: &Refunds, world: &World| {
                model.repeatable == Repeatable::Always || world.book.operations.iter().any(|one| one.is_decided)
            }),
        ]
    }
}

const ONCE: &str = "a refund is executed once";
const BOUND: &str = "no more goes back than was paid";
const ENTERED: &str = "money is entered once";
const REFUSED: &str = "what is refused was not done";
const FORGOTTEN: &str = "no operation is forgotten";

/// A key that is known for two ticks, and forgotten after the third.
const WITHIN: Repeatable = Repeatable::Within(250);

fn worlds() -> Vec<Refunds> {
    use Version::{Accepting, First, Other, Refusing, Waiting};
    let of = |repeatable, amount, operations, versions: &[Version], crashes, ticks| {
        let (swaps, without) = (u8::from(versions.len() > 1), None);
        Refunds { amount, operations, repeatable, versions: versions.to_vec(), swaps, crashes, ticks, without }
    };
    vec![
        // A refund of the whole payment, and another try.
        of(Repeatable::Never, 100, 2, &[First, Other, Refusing], 2, 0),
        // A key that is forgotten.
        of(WITHIN, 100, 1, &[First, Other], 2, 4),
        of(WITHIN, 100, 1, &[First, Refusing, Waiting], 1, 3),
        of(Repeatable::Always, 100, 1, &[First], 2, 0),
        // Two refunds of half the payment, and a third try.
        of(Repeatable::Never, 50, 3, &[First], 1, 0),
        of(WITHIN, 50, 2, &[Accepting, First], 1, 1),
    ]
}

/// What goes wrong without each rule, in which world.
const FAULTS: [(Without, usize, &str); 11] = [
    (Without::StoringBeforeSending, 0, ONCE),
    (Without::KeysThatExpire, 1, ONCE),
    (Without::HoldingToTheCall, 1, ONCE),
    (Without::Doubt, 2, REFUSED),
    (Without::OneKeyOfAnEvent, 4, ENTERED),
    (Without::CountingPending, 0, BOUND),
    (Without::CountingUnknown, 0, BOUND),
    (Without::HoldingLateReports, 4, ENTERED),
    (Without::LookingForReports, 4, ENTERED),
    (Without::ReportsOfOneAlone, 4, ENTERED),
    (Without::TimeToGoOn, 0, FORGOTTEN),
];

#[test]
fn model_of_operations_keeps_its_rules_in_every_state() {
    for refunds in worlds() {
        let checker = refunds.checker().threads(2).spawn_bfs().join();
        println!("{} states", checker.unique_state_count());
        checker.assert_properties();
        assert!(checker.unique_state_count() > 100);
    }
}

#[test]
fn model_of_operations_finds_what_each_rule_prevents() {
    for (without, world, property) in FAULTS {
        let refunds = Refunds { without: Some(without), ..worlds().remove(world) };
        let found = HasDiscoveries::AnyOf([property].into());
        let checker = refunds.checker().threads(2).finish_when(found).spawn_bfs().join();
        assert!(checker.discovery(property).is_some(), "without {without:?} nothing goes wrong");
    }
}
