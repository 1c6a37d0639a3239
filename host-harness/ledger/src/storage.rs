//! What any storage must do, and nothing of how: an adapter of it has one statement or so for each step, and decides nothing about money.

use std::sync::mpsc::sync_channel;

use domain::{
    Account, AccountNumber, Acknowledged, CallbackCounts, Contradiction, Correction, Date, Decided, Decision, DedupKey, Entry,
    EntryFilter, Event, ExcludedWriteOff, Exclusion, Facts, Finding, HourlyTotal, ListedWriteOff, MismatchReason, Money,
    NewDecision, NewEntry, NewOrder, OpenOrders, Order, OrderId, Outcome, PageStart, ProviderName, Refusals, Resolution,
    ReviewFilter, StoredCallback, TransactionId, UndatedWriteOff, UnmatchedEvent, UnrecognizedCallback, WriteOff,
};

use crate::error::Error;

/// Keeps the ledger. SQL, connections and transactions are its own affair. What it promises is tried by `ledger::testing::suite`.
pub trait Storage: Send + Sync {
    /// Runs a job in one transaction and answers it when what it did is on disk; where the job or the commit fails, nothing of it is
    /// kept. Jobs that come at once may share a commit; each sees what those before it did. A job may be run again after what it did was
    /// undone. Others wait while a job answers; where the storage dies, it is dropped.
    fn submit_job(&self, job: Box<dyn WriteJob>);

    /// Reads what is on disk, at one moment.
    ///
    /// # Errors
    /// The job's own, or why nothing can be read.
    fn read_job(&self, job: &mut ReadJob<'_>) -> Result<(), Error>;

    /// Commits something, and so says whether it can: there is room, nobody holds a lock, nothing is read-only.
    ///
    /// # Errors
    /// Why it could not.
    fn ready(&self) -> Result<(), Error>;
}

/// What reads within a transaction.
pub type ReadJob<'j> = dyn FnMut(&mut dyn Transaction) -> Result<(), Error> + 'j;

/// What writes within a transaction, and is answered when that is on disk.
pub trait WriteJob: Send {
    /// Runs it, again where what it did was undone; whether it is to be kept.
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool;
    /// Why it failed when it ran last, if it did.
    fn failure(&self) -> Option<Error>;
    /// Tells its result, or why it was not kept.
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
    /// Runs `work` in one transaction and tells `answer` its result when that is on disk. `work` may run again after what it did was
    /// undone: all that it does is in the transaction.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Transaction) -> Result<T, Error> + Send + 'static,
        answer: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        self.submit_job(Box::new(PendingJob { work, result: None, answer }));
    }

    /// The same, for a caller that waits for the result.
    ///
    /// # Errors
    /// The work's own, or why it could not be kept.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Transaction) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = sync_channel(1);
        self.submit(work, move |result| drop(sender.send(result)));
        receiver.recv().unwrap_or_else(|_| Err(Error::Unavailable("the storage ended".to_owned())))
    }

    /// Reads what is on disk, at one moment.
    ///
    /// # Errors
    /// The work's own, or why nothing can be read.
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

/// The steps that rules are made of, by subject. No step decides anything about money.
pub trait Transaction: Accounts + Orders + Entries + Callbacks + Decisions + WriteOffs + Documents + Upkeep {}

impl<T: Accounts + Orders + Entries + Callbacks + Decisions + WriteOffs + Documents + Upkeep> Transaction for T {}

/// Accounts and what they have.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Accounts {
    /// Makes an account, or changes all but its number.
    fn put_account(&mut self, account: &Account) -> Result<(), Error>;
    /// An account by its number.
    fn account(&mut self, number: &AccountNumber) -> Result<Option<Account>, Error>;
    /// What an account has, by currency; a currency without entries is absent.
    fn balances(&mut self, account: &AccountNumber) -> Result<Vec<Money>, Error>;
    /// Adds an amount to what an account has in its currency.
    fn add_to_balance(&mut self, account: &AccountNumber, amount: Money) -> Result<(), Error>;
    /// Another account with an account's «ИНН» and «КПП», or without «ИНН» its foreign tax number, whose name or kind is another.
    fn namesake(&mut self, account: &Account) -> Result<Option<Account>, Error>;
    /// Gives an account's name and kind to all accounts with its «ИНН» and «КПП», or without «ИНН» its foreign tax number.
    fn rename_buyer(&mut self, account: &Account) -> Result<(), Error>;
}

/// Orders.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Orders {
    /// Makes an order and gives its id, which is new.
    fn insert_order(&mut self, order: &NewOrder, at: u64) -> Result<OrderId, Error>;
    /// An order by its id.
    fn order(&mut self, id: &OrderId) -> Result<Option<Order>, Error>;
    /// An order by its idempotency key.
    fn order_of_key(&mut self, key: &str) -> Result<Option<Order>, Error>;
    /// How many orders of a provider are not paid, and how many of them were made since a second of the epoch. It may read all
    /// orders.
    fn open_orders(&mut self, provider: &ProviderName, since: u64) -> Result<OpenOrders, Error>;
    /// The providers of orders that are not paid, in order. It may read all orders.
    fn providers_of_open_orders(&mut self) -> Result<Vec<ProviderName>, Error>;
    /// Says which entry paid an order.
    fn mark_paid(&mut self, order: &OrderId, seq: u64) -> Result<(), Error>;
}

/// Entries, and what is kept beside them.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Entries {
    /// Makes an entry, and gives its place. The balance and the sums of its hour are changed by their own steps.
    fn insert_entry(&mut self, entry: &NewEntry) -> Result<u64, Error>;
    /// Adds to the sum of an hour's entries of one kind, provider and currency.
    fn add_to_hour(&mut self, total: &HourlyTotal) -> Result<(), Error>;
    /// The place of the last entry; 0 where there is none.
    fn last_seq(&mut self) -> Result<u64, Error>;
    /// Entries after a place, in order, of one account or of all.
    fn entries(&mut self, account: Option<&AccountNumber>, after: u64, limit: u32) -> Result<Vec<Entry>, Error>;
    /// A page of entries, the latest first.
    fn page(&mut self, filter: &EntryFilter, from: PageStart, limit: u32) -> Result<Vec<Entry>, Error>;
    /// Sums by hour, kind, provider and currency, in this order.
    fn hours(&mut self, filter: &EntryFilter) -> Result<Vec<HourlyTotal>, Error>;
    /// The entries of a payment system's transaction.
    fn entries_of_transaction(&mut self, provider: &ProviderName, transaction: &TransactionId) -> Result<Vec<Entry>, Error>;
    /// What the callback says by which an entry was made.
    fn facts_of_entry(&mut self, seq: u64) -> Result<Option<Facts>, Error>;
    /// The entries of an order.
    fn entries_of_order(&mut self, order: &OrderId) -> Result<Vec<Entry>, Error>;
    /// Keeps a correction and the entry that it made. The key is new.
    fn insert_correction(&mut self, correction: &Correction, seq: u64) -> Result<(), Error>;
    /// A correction by its key, and its entry's place.
    fn correction(&mut self, key: &str) -> Result<Option<(Correction, u64)>, Error>;
}

/// Callbacks, and what they came to.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Callbacks {
    /// Keeps a callback as it came, with what it says of its event where it tells of one, and gives its number.
    fn insert_callback(&mut self, callback: &StoredCallback, facts: Option<&Facts>) -> Result<u64, Error>;
    /// A provider's callbacks, the one that was kept last first.
    fn last_callbacks(&mut self, provider: &ProviderName, limit: u32) -> Result<Vec<StoredCallback>, Error>;
    /// How many of a provider's callbacks were accepted since a second of the epoch.
    fn callback_counts(&mut self, provider: &ProviderName, since: u64) -> Result<CallbackCounts, Error>;
    /// What an event with the key came to before, and what the callback that told it first said.
    fn outcome(&mut self, provider: &ProviderName, dedup_key: &DedupKey) -> Result<Option<(Outcome, Option<Facts>)>, Error>;
    /// Keeps what an event came to, and the callback that told it. The key is new.
    fn insert_outcome(
        &mut self,
        provider: &ProviderName,
        dedup_key: &DedupKey,
        outcome: &Outcome,
        callback: u64,
    ) -> Result<(), Error>;
    /// What the contradictions of an event say.
    fn facts_of_contradictions(&mut self, provider: &ProviderName, dedup_key: &DedupKey) -> Result<Vec<Facts>, Error>;
    /// Keeps that a callback contradicts the one that told the event first, and gives the contradiction's number.
    fn insert_contradiction(&mut self, provider: &ProviderName, dedup_key: &DedupKey, callback: u64) -> Result<u64, Error>;
    /// Contradictions.
    fn contradictions(&mut self, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, Error>;
    /// How many no operator has acknowledged.
    fn contradiction_count(&mut self) -> Result<u64, Error>;
    /// Says who acknowledged one that waited, or that one that was acknowledged waits again; whether there was one.
    fn acknowledge_contradiction(&mut self, id: u64, by: Option<&Acknowledged>) -> Result<bool, Error>;
    /// Counts a callback that nobody could judge, where one of its digest is kept; whether there is one.
    fn count_unrecognized(&mut self, digest: &[u8], at: u64) -> Result<bool, Error>;
    /// Keeps what is said of a callback that nobody could judge.
    fn insert_unrecognized(&mut self, callback: u64, code: &str, message: &str, digest: &[u8]) -> Result<(), Error>;
    /// The callbacks that nobody could judge.
    fn unrecognized(&mut self, which: ReviewFilter, limit: u32) -> Result<Vec<UnrecognizedCallback>, Error>;
    /// How many no operator has acknowledged, of one provider or of all.
    fn unrecognized_count(&mut self, provider: Option<&ProviderName>) -> Result<u64, Error>;
    /// Says who acknowledged one that waited, or that one that was acknowledged waits again; whether there was one.
    fn acknowledge_unrecognized(&mut self, id: u64, by: Option<&Acknowledged>) -> Result<bool, Error>;
    /// Adds to the refused callbacks of an hour.
    fn count_refusals(&mut self, refusals: &Refusals) -> Result<(), Error>;
    /// The refusals since an hour.
    fn refusals(&mut self, since: u64) -> Result<Vec<Refusals>, Error>;
}

/// What waits for operators, and what they decide.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Decisions {
    /// Keeps an event that waits for the operator, and gives its number.
    fn insert_unmatched(&mut self, event: &Event, reason: MismatchReason, at: u64) -> Result<u64, Error>;
    /// An event that waits, or waited.
    fn unmatched(&mut self, id: u64) -> Result<Option<UnmatchedEvent>, Error>;
    /// The events that wait, the oldest first, after one of them.
    fn unmatched_events(&mut self, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, Error>;
    /// How many events wait.
    fn unmatched_count(&mut self) -> Result<u64, Error>;
    /// The events that name an order and waited, whatever became of them, the oldest first.
    fn unmatched_of_order(&mut self, order: &OrderId) -> Result<Vec<UnmatchedEvent>, Error>;
    /// Says what the operator did.
    fn resolve(&mut self, id: u64, resolution: &Resolution) -> Result<(), Error>;
    /// Lets an event wait again.
    fn reopen(&mut self, id: u64) -> Result<(), Error>;
    /// Keeps a decision, and gives its number.
    fn insert_decision(&mut self, decision: &NewDecision) -> Result<u64, Error>;
    /// A decision.
    fn decision(&mut self, id: u64) -> Result<Option<Decision>, Error>;
    /// A decision with what it is about.
    fn decided(&mut self, id: u64) -> Result<Option<Decided>, Error>;
    /// Decisions with what they are about, the last first, before one of them.
    fn decisions(&mut self, before: Option<u64>, limit: u32) -> Result<Vec<Decided>, Error>;
}

/// Write-offs, and which of them are left out.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait WriteOffs {
    /// Keeps a write-off and the entry that it made. The id is new. Its service has its unit from then on, if it had none.
    fn insert_writeoff(&mut self, writeoff: &WriteOff, seq: u64) -> Result<(), Error>;
    /// A write-off by its id, if its days are days.
    fn writeoff(&mut self, id: &str) -> Result<Option<Result<WriteOff, UndatedWriteOff>>, Error>;
    /// The unit of a write-off's service, and the write-off that it has it of.
    fn unit_of_service(&mut self, writeoff: &WriteOff) -> Result<Option<(String, String)>, Error>;
    /// Write-offs of some days with their accounts, in the order of accounts and then of ids, both by bytes, after one of them. Such
    /// as say 2026-02-30 are of the month that they name, where it is whole.
    fn writeoffs(
        &mut self,
        from: Date,
        to: Date,
        after: Option<(&AccountNumber, &str)>,
        limit: u32,
    ) -> Result<Vec<ListedWriteOff>, Error>;
    /// The write-offs of which a day is none of the calendar, by id, after one of them, with the decisions to leave them out.
    fn writeoffs_of_no_day(&mut self, after: &str, limit: u32) -> Result<Vec<(UndatedWriteOff, Option<Exclusion>)>, Error>;
    /// Keeps a decision to leave a write-off out, in which the id is not looked at, and gives its number.
    fn insert_exclusion(&mut self, exclusion: &Exclusion) -> Result<u64, Error>;
    /// The decision in force about a write-off.
    fn exclusion(&mut self, writeoff: &str) -> Result<Option<Exclusion>, Error>;
    /// Says who undid a decision, and when.
    fn undo_exclusion(&mut self, id: u64, operator: &str, at: u64) -> Result<(), Error>;
    /// The decisions in force, the last first, before one of them.
    fn exclusions(&mut self, before: Option<u64>, limit: u32) -> Result<Vec<ExcludedWriteOff>, Error>;
}

/// What the host keeps beside the money, by name.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Documents {
    /// A document that the host keeps here, by its name.
    fn document(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error>;
    /// Keeps a document in the place of the one that had its name.
    fn put_document(&mut self, name: &str, document: &[u8]) -> Result<(), Error>;
    /// The names of the documents whose name begins so, by bytes, and that are not empty.
    fn document_names(&mut self, prefix: &str) -> Result<Vec<String>, Error>;
}

/// What keeps a storage sound.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Upkeep {
    /// Writes something that nobody reads, and more of it than a callback writes.
    fn probe(&mut self) -> Result<(), Error>;
    /// What does not hold between entries and all that is kept beside them: of all, or of the entries since a second of the epoch that
    /// an hour begins with. At most some thousand.
    fn findings(&mut self, since: Option<u64>) -> Result<Vec<Finding>, Error>;
}
