//! What a payment system reports, and what a provider asks: events are recorded, and questions are answered.
//!
//! Before events are recorded, the answers that the provider relied on are compared with what they would be now, in the
//! transaction that records. So two requests that read the same and then both write do not go past each other.

use std::sync::Arc;

use domain::{
    Account, AccountNumber, Event, EventKind, LedgerAnswer, LedgerQuestion, MovementId, MovementOrigin, MovementState,
    OperationId, Outcome, ProviderName, StoredCallback,
};

use crate::error::Error;
use crate::rules::{Claim, Ledger, Source, account_of_wish, answer, end_expired, record, state, unknown_payees};
use crate::storage::Transaction;

/// How many holds end by their time in one transaction.
const EXPIRED_MAX: u32 = 500;

/// Events of a provider, and what it relied on when it returned them.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The provider. All events are its own.
    pub provider: ProviderName,
    /// The events.
    pub events: Reported,
    /// How the host learnt of them.
    pub origin: Origin,
    /// What the provider was told about orders and movements. It is compared again before anything is recorded.
    pub answers: Vec<(LedgerQuestion, LedgerAnswer)>,
    /// The accounts that billing has of those that the events name. One that the ledger lacks is created with what is recorded of
    /// it, and with nothing else.
    pub accounts: Vec<Account>,
    /// The time of the request that the answers are for, and by which wishes are decided, in seconds since the epoch.
    pub now: u64,
    /// When the events are recorded, seconds since the epoch.
    pub at: u64,
    /// Whether to return the movements with what followed from them. Reading them costs time that few callbacks need.
    pub wants_states: bool,
}

/// The events of a submission.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a submission has one")]
pub enum Reported {
    /// What happened, whether or not the ledger agrees. Each is decided alone: what fits nothing waits for an operator.
    Facts(Vec<Event>),
    /// What the payment system asks for: a payment, a hold, its release, or a refund. It may be refused, and leaves nothing then.
    Wish(Event),
}

/// How the host learnt of the events of a submission.
#[derive(Clone, Debug)]
pub enum Origin {
    /// By this callback, which is stored with them.
    Callback(Arc<StoredCallback>),
    /// By the status of a payment, which it asked for.
    Status,
    /// By an operation of the merchant, such as a refund.
    Operation,
}

/// The result of a submission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Submitted {
    /// An answer that the provider relied on is another one now. Nothing is recorded.
    AnswersChanged,
    /// What each event came to, in their order.
    Done(Vec<Recorded>),
}

/// What an event came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The outcome.
    pub outcome: Outcome,
    /// The movement, if the submission wants states; `None` also if the event is refused. Of a contradiction, the movement that it
    /// contradicts.
    pub movement: Option<MovementState>,
}

impl Submission {
    /// Creates the submission of one fact that a callback reported, by a provider that asked nothing. It is recorded at the time
    /// of the callback's arrival.
    pub fn of_callback(event: Event, callback: Arc<StoredCallback>) -> Submission {
        let at = callback.received_at;
        Submission {
            provider: event.provider.clone(),
            events: Reported::Facts(vec![event]),
            origin: Origin::Callback(callback),
            answers: Vec::new(),
            accounts: Vec::new(),
            now: at,
            at,
            wants_states: false,
        }
    }
}

impl Submission {
    /// Reports whether a hold matters to what is recorded or returned. The time of holds does not bind a fact that names none.
    fn concerns_holds(&self) -> bool {
        let names_hold = |event: &Event| event.facts.kind == EventKind::Hold || event.facts.ends_hold.is_some();
        match &self.events {
            Reported::Wish(_) => true,
            Reported::Facts(events) => self.wants_states || !self.answers.is_empty() || events.iter().any(names_hold),
        }
    }
}

impl Submitted {
    /// Returns the outcome of the first event; `None` if there is none.
    pub fn into_outcome(self) -> Option<Outcome> {
        match self {
            Submitted::Done(recorded) => recorded.into_iter().next().map(|recorded| recorded.outcome),
            Submitted::AnswersChanged => None,
        }
    }
}

impl Ledger {
    /// Records events: each once, whatever the number and order of its reports. A repetition has the outcome and the number of
    /// the first report. All events are recorded in one transaction. Returns when they are on disk.
    ///
    /// # Errors
    /// If the storage is unavailable, or a sum would exceed 64 bits. Then nothing is recorded, and the payment system must report
    /// the events again.
    pub fn record(&self, submission: Submission) -> Result<Submitted, Error> {
        self.storage().write(move |transaction| record_all(transaction, &submission, None))
    }

    /// Does the same as [`record`](Ledger::record) without blocking a thread. `then` is called on the storage's thread, so it must
    /// not block. It is dropped if the storage dies.
    pub fn submit(&self, submission: Submission, then: impl FnOnce(Result<Submitted, Error>) + Send + 'static) {
        self.storage().submit(move |transaction| record_all(transaction, &submission, None), then);
    }

    /// Answers questions of a provider, all by one snapshot. Holds whose time has come are ended first.
    ///
    /// # Errors
    /// If they cannot be read, or an expired hold cannot be ended.
    pub fn answers(&self, provider: &ProviderName, questions: &[LedgerQuestion], now: u64) -> Result<Vec<LedgerAnswer>, Error> {
        loop {
            let answers = self.storage().read(|transaction| {
                if !transaction.expired_holds(now, 1)?.is_empty() {
                    return Ok(None);
                }
                let answers = questions.iter().map(|question| answer(transaction, provider, question, now));
                answers.collect::<Result<_, Error>>().map(Some)
            })?;
            match answers {
                Some(answers) => return Ok(answers),
                None => self.end_expired_holds(now)?,
            };
        }
    }

    /// Returns the account that a wish is for: the one that it names, or that of its order. `None` if the wish is recorded already, so
    /// that this is a repetition, or if it names no order of its provider.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn account_of_wish(&self, event: &Event) -> Result<Option<AccountNumber>, Error> {
        self.storage().read(|transaction| account_of_wish(transaction, event))
    }

    /// Of events that happened, returns the payments that name an account which the ledger lacks, unless they are recorded already.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn unknown_payees<'e>(&self, events: &'e [Event]) -> Result<Vec<&'e Event>, Error> {
        self.storage().read(|transaction| unknown_payees(transaction, events))
    }

    /// Ends the holds whose time has come: a `hold-release` of the host's own is recorded for each. Returns how many there were.
    /// Answers and submissions do this first, so that none of them sees an expired hold as open; a host calls it now and
    /// then, so that they find little to do.
    ///
    /// # Errors
    /// If the storage is unavailable. The holds that were ended before stay ended.
    pub fn end_expired_holds(&self, now: u64) -> Result<u64, Error> {
        let mut ended = 0;
        loop {
            let count = self.storage().write(move |transaction| end_expired(transaction, now, now, EXPIRED_MAX))?;
            ended += count as u64;
            if count < EXPIRED_MAX as usize {
                return Ok(ended);
            }
        }
    }
}

/// Records the events of a submission. `operation` is the one whose result they are, if they are one's.
pub fn record_all(
    transaction: &mut dyn Transaction,
    submission: &Submission,
    operation: Option<&OperationId>,
) -> Result<Submitted, Error> {
    let Submission { provider, events, origin, answers, accounts, now, at, wants_states } = submission;
    if submission.concerns_holds() {
        end_all_expired(transaction, *now, *at)?;
    }
    for (question, told) in answers {
        if answer(transaction, provider, question, *now)? != *told {
            return Ok(Submitted::AnswersChanged);
        }
    }
    let mut source = match (operation, origin) {
        (Some(operation), _) => Source::of_operation(operation, *now, *at),
        (None, Origin::Callback(callback)) => Source::new(MovementOrigin::Callback, Some(callback), *now, *at),
        (None, Origin::Status) => Source::new(MovementOrigin::Status, None, *now, *at),
        (None, Origin::Operation) => Source::new(MovementOrigin::Operation, None, *now, *at),
    };
    source.accounts = accounts;
    let (claim, events) = match events {
        Reported::Facts(events) => (Claim::Fact, events.as_slice()),
        Reported::Wish(event) => (Claim::Wish, std::slice::from_ref(event)),
    };
    let recorded = events.iter().map(|event| record(transaction, event, claim, &mut source));
    let recorded: Vec<(Outcome, Option<MovementId>)> = recorded.collect::<Result<_, Error>>()?;
    if events.iter().any(|event| event.facts.kind == EventKind::Hold) {
        // A hold may be reported after its time.
        end_all_expired(transaction, *now, *at)?;
    }
    let done = recorded.into_iter().map(|(outcome, id)| {
        let movement = match id.filter(|_| *wants_states) {
            None => None,
            Some(id) => transaction.movement(id)?.map(|movement| state(transaction, movement)).transpose()?,
        };
        Ok(Recorded { outcome, movement })
    });
    done.collect::<Result<_, Error>>().map(Submitted::Done)
}

/// Ends all holds whose time has come, whatever their number: nothing is decided while one of them is open.
fn end_all_expired(transaction: &mut dyn Transaction, now: u64, at: u64) -> Result<(), Error> {
    while end_expired(transaction, now, at, EXPIRED_MAX)? > 0 {}
    Ok(())
}
