//! The port to a storage: what it must do, but not how. An adapter needs about one statement for each step, and decides nothing
//! about money.

mod operations;
mod restorations;

use std::sync::mpsc::sync_channel;

use domain::{
    Account, AccountNumber, Acknowledged, CallbackCounts, Contradiction, Correction, Date, Decided, Decision, DedupKey, Entry,
    EntryFilter, Event, EventKind, ExcludedWriteOff, Exclusion, Facts, Finding, HourlyTotal, ListedWriteOff, MismatchReason,
    Money, Movement, MovementId, MovementOrigin, NewDecision, NewEntry, NewOrder, OpenOrders, Order, OrderId, PageStart,
    ProviderName, Refusals, Resolution, ReviewFilter, StoredCallback, TransactionId, UndatedWriteOff, UnmatchedEvent,
    UnrecognizedCallback, WriteOff,
};

use crate::error::Error;

pub use operations::{Operations, StatusAsks};
pub use restorations::Restorations;

/// Stores the ledger. SQL, connections and transactions are details of the adapter. `ledger_suite::suite` tests what a
/// storage promises.
pub trait Storage: Send + Sync {
    /// Runs a job in one transaction, and calls its `answer` when its changes are on disk. If the job or the commit fails, none
    /// of its changes are kept. Concurrent jobs may share a commit, and each sees the changes of the jobs before it. A job may
    /// be run again after its changes were rolled back. Other jobs wait while a job's `answer` runs. If the storage dies, the
    /// job is dropped.
    fn submit_job(&self, job: Box<dyn WriteJob>);

    /// Reads a consistent snapshot of what is on disk.
    ///
    /// # Errors
    /// The job's own error, or the reason why nothing can be read.
    fn read_job(&self, job: &mut ReadJob<'_>) -> Result<(), Error>;

    /// Commits a probe, to test that the storage can commit: the disk has space, nobody holds a lock, nothing is read-only.
    ///
    /// # Errors
    /// The reason why it could not commit.
    fn ready(&self) -> Result<(), Error>;
}

/// A job that reads within a transaction.
pub type ReadJob<'j> = dyn FnMut(&mut dyn Transaction) -> Result<(), Error> + 'j;

/// A job that writes within a transaction, and gets its answer when its changes are on disk.
pub trait WriteJob: Send {
    /// Runs the job, possibly again after its changes were rolled back. Returns whether to keep its changes.
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool;
    /// Returns the error of the last run, if that failed.
    fn failure(&self) -> Option<Error>;
    /// Passes on the job's result, or the reason why its changes were not kept.
    fn answer(self: Box<Self>, kept: Result<(), Error>);
}

struct PendingJob<F, A, T> {
    work: F,
    result: Option<Result<T, Error>>,
    answer: A,
}

impl<T, F, A> WriteJob for PendingJob<F, A, T>
where
    T: Send,
    F: Fn(&mut dyn Transaction) -> Result<T, Error> + Send,
    A: FnOnce(Result<T, Error>) + Send,
{
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool {
        let result = (self.work)(transaction);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn failure(&self) -> Option<Error> {
        self.result.as_ref()?.as_ref().err().cloned()
    }

    fn answer(self: Box<Self>, kept: Result<(), Error>) {
        let result = self.result.unwrap_or_else(|| Err(Error::Unavailable("the job was not run".to_owned())));
        (self.answer)(kept.and(result));
    }
}

impl<'s> dyn Storage + 's {
    /// Runs `work` in one transaction, and calls `answer` with its result when that is on disk. `work` may run again after its
    /// changes were rolled back, so it must have no effects outside the transaction.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Transaction) -> Result<T, Error> + Send + 'static,
        answer: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        self.submit_job(Box::new(PendingJob { work, result: None, answer }));
    }

    /// Does the same as `submit`, but waits for the result.
    ///
    /// # Errors
    /// The error of `work`, or the reason why its changes could not be kept.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Transaction) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = sync_channel(1);
        self.submit(work, move |result| drop(sender.send(result)));
        receiver.recv().unwrap_or_else(|_| Err(Error::Unavailable("the storage ended".to_owned())))
    }

    /// Reads a consistent snapshot of what is on disk.
    ///
    /// # Errors
    /// The error of `work`, or the reason why nothing can be read.
    pub fn read<T>(&self, work: impl FnOnce(&mut dyn Transaction) -> Result<T, Error>) -> Result<T, Error> {
        let mut work = Some(work);
        let mut result = None;
        self.read_job(&mut |transaction| {
            result = work.take().map(|work| work(transaction)).transpose()?;
            Ok(())
        })?;
        result.ok_or_else(|| Error::Unavailable("nothing was read".to_owned()))
    }
}

/// The steps of which the rules consist, by subject. No step decides anything about money.
pub trait Transaction:
    Accounts
    + Orders
    + Entries
    + Movements
    + Callbacks
    + Decisions
    + Operations
    + StatusAsks
    + Restorations
    + WriteOffs
    + Documents
    + Upkeep
{
}

impl<T> Transaction for T where
    T: Accounts
        + Orders
        + Entries
        + Movements
        + Callbacks
        + Decisions
        + Operations
        + StatusAsks
        + Restorations
        + WriteOffs
        + Documents
        + Upkeep
{
}

/// Accounts and their balances.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Accounts {
    /// Creates an account, or changes everything but its number.
    fn put_account(&mut self, account: &Account) -> Result<(), Error>;
    /// Returns an account by its number.
    fn account(&mut self, number: &AccountNumber) -> Result<Option<Account>, Error>;
    /// Returns an account's balances by currency. A currency without entries is absent.
    fn balances(&mut self, account: &AccountNumber) -> Result<Vec<Money>, Error>;
    /// Adds an amount to an account's balance in the amount's currency.
    fn add_to_balance(&mut self, account: &AccountNumber, amount: Money) -> Result<(), Error>;
    /// Returns another account with the same «ИНН» and «КПП» (or, without «ИНН», the same foreign tax number) but a different
    /// name or kind.
    fn namesake(&mut self, account: &Account) -> Result<Option<Account>, Error>;
    /// Sets an account's name and kind on all accounts with the same «ИНН» and «КПП» (or, without «ИНН», the same foreign tax
    /// number).
    fn rename_buyer(&mut self, account: &Account) -> Result<(), Error>;
}

/// Orders.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Orders {
    /// Creates an order and returns its new id.
    fn insert_order(&mut self, order: &NewOrder, at: u64) -> Result<OrderId, Error>;
    /// Returns an order by its id.
    fn order(&mut self, id: &OrderId) -> Result<Option<Order>, Error>;
    /// Returns an order by its idempotency key.
    fn order_of_key(&mut self, key: &str) -> Result<Option<Order>, Error>;
    /// Returns the number of a provider's open orders, and how many of them were created since a second of the epoch. This may
    /// read all orders.
    fn open_orders(&mut self, provider: &ProviderName, since: u64) -> Result<OpenOrders, Error>;
    /// Returns the providers of open orders, sorted. This may read all orders.
    fn providers_of_open_orders(&mut self) -> Result<Vec<ProviderName>, Error>;
    /// Returns the unpaid orders of an account that were created since a second of the epoch, the latest first.
    fn unpaid_orders(&mut self, account: &AccountNumber, since: u64, limit: u32) -> Result<Vec<Order>, Error>;
    /// Records which entry paid an order.
    fn mark_paid(&mut self, order: &OrderId, seq: u64) -> Result<(), Error>;
}

/// Entries, and what is stored beside them.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Entries {
    /// Inserts an entry and returns its sequence number. The balance and the sums of its hour are changed by steps of their
    /// own.
    fn insert_entry(&mut self, entry: &NewEntry) -> Result<u64, Error>;
    /// Adds to the sum of an hour's entries of one kind, provider and currency.
    fn add_to_hour(&mut self, total: &HourlyTotal) -> Result<(), Error>;
    /// Returns the sequence number of the last entry, or 0 if there is none.
    fn last_seq(&mut self) -> Result<u64, Error>;
    /// Returns the entries after a sequence number, in order, of one account or of all.
    fn entries(&mut self, account: Option<&AccountNumber>, after: u64, limit: u32) -> Result<Vec<Entry>, Error>;
    /// Returns a page of entries, the latest first.
    fn page(&mut self, filter: &EntryFilter, from: PageStart, limit: u32) -> Result<Vec<Entry>, Error>;
    /// Returns sums by hour, kind, provider and currency, sorted in this order.
    fn hours(&mut self, filter: &EntryFilter) -> Result<Vec<HourlyTotal>, Error>;
    /// Returns the entries of a payment system's transaction.
    fn entries_of_transaction(&mut self, provider: &ProviderName, transaction: &TransactionId) -> Result<Vec<Entry>, Error>;
    /// Returns the entries of an order.
    fn entries_of_order(&mut self, order: &OrderId) -> Result<Vec<Entry>, Error>;
    /// Stores a correction and the sequence number of its entry. The key is new.
    fn insert_correction(&mut self, correction: &Correction, seq: u64) -> Result<(), Error>;
    /// Returns a correction by its key, and the sequence number of its entry.
    fn correction(&mut self, key: &str) -> Result<Option<(Correction, u64)>, Error>;
}

/// A movement that is not recorded yet.
#[derive(Clone, Debug)]
pub struct NewMovement<'e> {
    /// The event.
    pub event: &'e Event,
    /// How the host learnt of it.
    pub origin: MovementOrigin,
    /// The stored callback that reported it.
    pub callback: Option<u64>,
    /// The entry that it made.
    pub entry: Option<u64>,
    /// Its id among the unmatched events.
    pub unmatched: Option<u64>,
    /// The movement that it follows from: the hold that it ends, or the payment that it takes back.
    pub parent: Option<MovementId>,
    /// The order that a hold reserves, or whose payment was declined.
    pub order: Option<OrderId>,
    /// Of a hold that has not ended: when it ends by itself; `u64::MAX` if it does not.
    pub open_until: Option<u64>,
    /// When it is recorded, seconds since the epoch.
    pub at: u64,
}

/// A movement as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedMovement {
    /// The movement.
    pub movement: Movement,
    /// The entry that the rules made of it.
    pub entry: Option<u64>,
    /// Its id among the unmatched events.
    pub unmatched: Option<u64>,
    /// The movement that it follows from.
    pub parent: Option<MovementId>,
    /// Whether it is a hold that has not ended.
    pub is_open: bool,
    /// Whether a movement follows from it.
    pub is_followed: bool,
    /// Whether its facts are those that were reported. An older program did not store them, so that some are missing.
    pub is_complete: bool,
}

/// A place in the list of a provider's movements by their time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MovementsRange {
    /// The first second, since the epoch.
    pub since: u64,
    /// The last second.
    pub until: u64,
    /// If given, only the movements of this kind.
    pub kind: Option<EventKind>,
    /// If given, only those after this place: a time, and a movement of that time.
    pub after: Option<(u64, MovementId)>,
}

/// Movements: the events that are recorded, whether or not they moved money.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Movements {
    /// Records a movement and returns its new number. Its dedup key is new. The time by which it is listed is that of its
    /// event ([`Facts::happened_at`]), and otherwise the time of its recording.
    fn insert_movement(&mut self, movement: &NewMovement<'_>) -> Result<MovementId, Error>;
    /// Returns a movement by its number.
    fn movement(&mut self, id: MovementId) -> Result<Option<RecordedMovement>, Error>;
    /// Returns a movement by its dedup key.
    fn movement_of_key(&mut self, provider: &ProviderName, dedup_key: &DedupKey) -> Result<Option<RecordedMovement>, Error>;
    /// Returns the movement of an entry: the one that made it, or the unmatched one that an operator entered by it.
    fn movement_of_entry(&mut self, seq: u64) -> Result<Option<RecordedMovement>, Error>;
    /// Returns the movement of an unmatched event.
    fn movement_of_unmatched(&mut self, id: u64) -> Result<Option<RecordedMovement>, Error>;
    /// Returns the movements that follow from one, in the order of recording. A return whose entry an operator took back is not among
    /// them.
    fn movements_of_parent(&mut self, parent: MovementId) -> Result<Vec<RecordedMovement>, Error>;
    /// Returns the entries of the movements that follow from one, whoever made them, and the reversals of these entries.
    fn entries_of_parent(&mut self, parent: MovementId) -> Result<Vec<Entry>, Error>;
    /// Returns the payments and releases of a provider that name a hold by its key, in the order of recording.
    fn movements_of_hold(&mut self, provider: &ProviderName, hold: &DedupKey) -> Result<Vec<RecordedMovement>, Error>;
    /// Returns the first hold of an order that has not ended.
    fn open_hold(&mut self, order: &OrderId) -> Result<Option<RecordedMovement>, Error>;
    /// Returns holds that have not ended, and that end by themselves at a second of the epoch or before.
    fn expired_holds(&mut self, now: u64, limit: u32) -> Result<Vec<RecordedMovement>, Error>;
    /// Records that a hold has ended.
    fn end_hold(&mut self, id: MovementId) -> Result<(), Error>;
    /// Records which movement one follows from.
    fn set_parent(&mut self, id: MovementId, parent: MovementId) -> Result<(), Error>;
    /// Records the entry of a movement that was unmatched.
    fn set_entry(&mut self, id: MovementId, seq: u64) -> Result<(), Error>;
    /// Returns a provider's movements by their time and, within a second, by their number.
    fn movements(
        &mut self,
        provider: &ProviderName,
        range: &MovementsRange,
        limit: u32,
    ) -> Result<Vec<RecordedMovement>, Error>;
    /// Returns the time by which a provider's movement is listed.
    fn listed_at(&mut self, provider: &ProviderName, id: MovementId) -> Result<Option<u64>, Error>;
    /// Returns the refunds, chargebacks and reversals that wait and name a payment: by the transaction that they take back, by
    /// their own transaction if they name none, or by the order.
    fn waiting_returns(
        &mut self,
        provider: &ProviderName,
        transaction: &TransactionId,
        order: Option<&OrderId>,
    ) -> Result<Vec<UnmatchedEvent>, Error>;
    /// Returns the last attempt to pay an order that itself moved no money: a declined payment, or a hold of the order.
    fn last_attempt(&mut self, order: &OrderId) -> Result<Option<RecordedMovement>, Error>;
    /// Returns the facts of a movement's contradictions.
    fn facts_of_contradictions(&mut self, movement: MovementId) -> Result<Vec<Facts>, Error>;
    /// Records a report that contradicts a movement, and returns the contradiction's id.
    fn insert_contradiction(
        &mut self,
        movement: MovementId,
        facts: &Facts,
        origin: MovementOrigin,
        callback: Option<u64>,
    ) -> Result<u64, Error>;
}

/// Callbacks, and what waits for an operator of them.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Callbacks {
    /// Stores a callback as it arrived, and returns its id.
    fn insert_callback(&mut self, callback: &StoredCallback) -> Result<u64, Error>;
    /// Returns a provider's callbacks, the last stored first.
    fn last_callbacks(&mut self, provider: &ProviderName, limit: u32) -> Result<Vec<StoredCallback>, Error>;
    /// Returns how many of a provider's callbacks were accepted since a second of the epoch.
    fn callback_counts(&mut self, provider: &ProviderName, since: u64) -> Result<CallbackCounts, Error>;
    /// Returns contradictions.
    fn contradictions(&mut self, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, Error>;
    /// Returns how many contradictions are not acknowledged.
    fn contradiction_count(&mut self) -> Result<u64, Error>;
    /// Records who acknowledged a callback that waited, or, with `None`, reopens an acknowledged one. Returns whether there was
    /// such a callback.
    fn acknowledge_contradiction(&mut self, id: u64, by: Option<&Acknowledged>) -> Result<bool, Error>;
    /// Counts a repetition of an unrecognized callback, if one with its digest is stored. Returns whether one is.
    fn count_unrecognized(&mut self, digest: &[u8], at: u64) -> Result<bool, Error>;
    /// Stores the code and message of an unrecognized callback.
    fn insert_unrecognized(&mut self, callback: u64, code: &str, message: &str, digest: &[u8]) -> Result<(), Error>;
    /// Returns unrecognized callbacks.
    fn unrecognized(&mut self, which: ReviewFilter, limit: u32) -> Result<Vec<UnrecognizedCallback>, Error>;
    /// Returns how many unrecognized callbacks are not acknowledged: of one provider with one code, or all.
    fn unrecognized_count(&mut self, of: Option<(&ProviderName, &str)>) -> Result<u64, Error>;
    /// Acknowledges the unrecognized callback with a digest, if one waits.
    fn acknowledge_repeated(&mut self, digest: &[u8], by: &Acknowledged) -> Result<(), Error>;
    /// Records who acknowledged a callback that waited, or, with `None`, reopens an acknowledged one. Returns whether there was
    /// such a callback.
    fn acknowledge_unrecognized(&mut self, id: u64, by: Option<&Acknowledged>) -> Result<bool, Error>;
    /// Adds to an hour's count of refused callbacks.
    fn count_refusals(&mut self, refusals: &Refusals) -> Result<(), Error>;
    /// Returns the counts of refusals since an hour.
    fn refusals(&mut self, since: u64) -> Result<Vec<Refusals>, Error>;
}

/// Unmatched events, and operators' decisions.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Decisions {
    /// Stores an unmatched event and returns its id.
    fn insert_unmatched(&mut self, event: &Event, reason: MismatchReason, at: u64) -> Result<u64, Error>;
    /// Returns an unmatched event, resolved or not.
    fn unmatched(&mut self, id: u64) -> Result<Option<UnmatchedEvent>, Error>;
    /// Returns the events that wait, the oldest first, after the one with this id.
    fn unmatched_events(&mut self, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, Error>;
    /// Returns how many events wait.
    fn unmatched_count(&mut self) -> Result<u64, Error>;
    /// Returns the unmatched events that name an order, resolved or not, the oldest first.
    fn unmatched_of_order(&mut self, order: &OrderId) -> Result<Vec<UnmatchedEvent>, Error>;
    /// Records what the operator did.
    fn resolve(&mut self, id: u64, resolution: &Resolution) -> Result<(), Error>;
    /// Reopens an event, so that it waits again.
    fn reopen(&mut self, id: u64) -> Result<(), Error>;
    /// Stores a decision and returns its id.
    fn insert_decision(&mut self, decision: &NewDecision) -> Result<u64, Error>;
    /// Returns a decision.
    fn decision(&mut self, id: u64) -> Result<Option<Decision>, Error>;
    /// Returns a decision with its entry and its event.
    fn decided(&mut self, id: u64) -> Result<Option<Decided>, Error>;
    /// Returns decisions with their entries and events, the latest first, before the one with this id.
    fn decisions(&mut self, before: Option<u64>, limit: u32) -> Result<Vec<Decided>, Error>;
}

/// Write-offs, and the exclusions of some of them.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait WriteOffs {
    /// Stores a write-off and the sequence number of its entry. The id is new. If its service has no unit yet, the write-off's
    /// unit becomes the service's.
    fn insert_writeoff(&mut self, writeoff: &WriteOff, seq: u64) -> Result<(), Error>;
    /// Returns a write-off by its id. The inner error is a write-off with a date that does not exist in the calendar.
    fn writeoff(&mut self, id: &str) -> Result<Option<Result<WriteOff, UndatedWriteOff>>, Error>;
    /// Returns the unit of a write-off's service, and the id of the write-off that set it.
    fn unit_of_service(&mut self, writeoff: &WriteOff) -> Result<Option<(String, String)>, Error>;
    /// Returns the write-offs of a range of days with their accounts, sorted by account and then by id, both by bytes, after
    /// one of them. A write-off dated 2026-02-30 belongs to February if the range has the whole month.
    fn writeoffs(
        &mut self,
        from: Date,
        to: Date,
        after: Option<(&AccountNumber, &str)>,
        limit: u32,
    ) -> Result<Vec<ListedWriteOff>, Error>;
    /// Returns the write-offs with a date that does not exist in the calendar, by id, after one of them, with the decisions to
    /// exclude them.
    fn writeoffs_of_no_day(&mut self, after: &str, limit: u32) -> Result<Vec<(UndatedWriteOff, Option<Exclusion>)>, Error>;
    /// Stores a decision to exclude a write-off and returns its id. The `id` of `exclusion` is ignored.
    fn insert_exclusion(&mut self, exclusion: &Exclusion) -> Result<u64, Error>;
    /// Returns the decision in force about a write-off.
    fn exclusion(&mut self, writeoff: &str) -> Result<Option<Exclusion>, Error>;
    /// Records who undid a decision, and when.
    fn undo_exclusion(&mut self, id: u64, operator: &str, at: u64) -> Result<(), Error>;
    /// Returns the decisions in force, the latest first, before the one with this id.
    fn exclusions(&mut self, before: Option<u64>, limit: u32) -> Result<Vec<ExcludedWriteOff>, Error>;
}

/// Documents that the host stores beside the money, by name.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Documents {
    /// Returns a document by its name.
    fn document(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error>;
    /// Stores a document, replacing the one of the same name.
    fn put_document(&mut self, name: &str, document: &[u8]) -> Result<(), Error>;
    /// Returns the names of the documents that begin with `prefix` and are not empty, sorted by bytes.
    fn document_names(&mut self, prefix: &str) -> Result<Vec<String>, Error>;
}

/// Checks of the storage itself.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Upkeep {
    /// Writes a value that nobody reads, which is larger than what a callback writes.
    fn probe(&mut self) -> Result<(), Error>;
    /// Returns what does not hold between the entries and what is stored beside them: for all entries, or for those since a
    /// second of the epoch at which an hour begins. Returns some thousand findings at most.
    fn findings(&mut self, since: Option<u64>) -> Result<Vec<Finding>, Error>;
}
