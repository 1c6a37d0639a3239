//! What the ledger keeps of refunds, and its rules in short.

use std::collections::BTreeMap;

use super::{Answer, PRICE, Refunds};

/// What is recorded of a refund.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// By the payment system's number.
    Reported(u8),
    /// By what an operator said of an operation.
    Said(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    Pending,
    Done(Option<Key>),
    Refused,
    Unknown,
}

/// An operation as it is stored.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Stored {
    pub state: State,
    pub goes_on: bool,
    /// The provider said that a callback will tell.
    pub waits: bool,
    pub begun_at: u64,
    pub is_decided: bool,
    pub pass: ledger::operations::Journal,
    pub answers: BTreeMap<String, Answer>,
}

/// The ledger's rules in short.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Book {
    /// Each refund by its key, in the order of recording: when, and whether it was entered. Otherwise it waits.
    pub refunds: Vec<(Key, u64, bool)>,
    pub operations: Vec<Stored>,
}

/// A rule of safety that is left out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Without {
    StoringBeforeSending,
    KeysThatExpire,
    HoldingToTheCall,
    Doubt,
    OneKeyOfAnEvent,
    CountingPending,
    CountingUnknown,
    HoldingLateReports,
    LookingForReports,
    ReportsOfOneAlone,
    TimeToGoOn,
}

impl Book {
    pub fn entered(&self) -> i64 {
        self.refunds.iter().filter(|(.., is_entered)| *is_entered).count() as i64
    }

    pub fn is_recorded(&self, key: Key) -> bool {
        self.refunds.iter().any(|(of, ..)| *of == key)
    }

    /// Records a refund of an amount, reported by an operation or by a callback.
    pub fn record(&mut self, key: Key, own: Option<usize>, model: &Refunds, now: u64) {
        let is_recorded = self.is_recorded(key);
        if is_recorded && !(model.is_without(Without::OneKeyOfAnEvent) && own.is_some()) {
            return;
        }
        let said = |of: &usize| own.is_none_or(|own| own == *of) && self.is_recorded(Key::Said(*of));
        let holds = !model.is_without(Without::HoldingLateReports) && !matches!(key, Key::Said(_));
        let may_be_entered = holds && (0..self.operations.len()).any(|of| said(&of));
        let fits = (self.entered() + 1) * model.amount <= PRICE;
        self.refunds.push((key, now, fits && !may_be_entered));
    }

    /// Ends the oldest operation that waits for a callback, if the refund was entered; or else the one that is unknown, if it alone is
    /// open.
    pub fn end_awaited(&mut self, key: Key, model: &Refunds) {
        if self.refunds.iter().any(|(of, _, is_entered)| *of == key && *is_entered) {
            let waiting = self.operations.iter().position(|one| one.state == State::Pending && !one.goes_on);
            let is_unknown = |at: &usize| self.operations[*at].state == State::Unknown && self.is_alone(*at, model);
            if let Some(at) = waiting.or_else(|| (0..self.operations.len()).find(is_unknown)) {
                self.operations[at].state = State::Done(Some(key));
            }
        }
    }

    /// Reports whether no other operation is open.
    fn is_alone(&self, at: usize, model: &Refunds) -> bool {
        let is_open = |one: &Stored| matches!(one.state, State::Pending | State::Unknown);
        let others = self.operations.iter().enumerate().filter(|(other, one)| *other != at && is_open(one));
        model.is_without(Without::ReportsOfOneAlone) || others.count() == 0
    }

    /// Returns the refund by which an operation was done although its provider cannot tell.
    pub fn told_otherwise(&self, at: usize, model: &Refunds) -> Option<Key> {
        let is_entered = |key: &Key| self.refunds.iter().any(|(of, _, is_entered)| of == key && *is_entered);
        self.reported(at).filter(|key| self.is_alone(at, model) && is_entered(key))
    }

    pub fn operation_of(&self, key: Key) -> Option<usize> {
        self.operations.iter().position(|one| one.state == State::Done(Some(key)))
    }

    pub fn left(&self, model: &Refunds) -> i64 {
        let is_open = |one: &&Stored| match one.state {
            State::Pending => !model.is_without(Without::CountingPending),
            State::Unknown => !model.is_without(Without::CountingUnknown),
            State::Done(_) | State::Refused => false,
        };
        let open = self.operations.iter().filter(is_open).count() as i64;
        PRICE - (self.refunds.len() as i64 + open) * model.amount
    }

    /// Returns the refund that was reported since an operation was begun, and that is no other operation's.
    pub fn reported(&self, operation: usize) -> Option<Key> {
        let since = self.operations[operation].begun_at;
        let is_free = |key: Key| self.operation_of(key).is_none();
        let of = |entered: bool| {
            let found = self.refunds.iter().find(|(key, at, is)| *is == entered && *at >= since && is_free(*key));
            found.map(|(key, ..)| *key)
        };
        of(true).or_else(|| of(false))
    }
}
