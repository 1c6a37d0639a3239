//! Operations at payment systems: refunds, charges, ends of subscriptions, and links that need calls. Each is begun once, its progress
//! is stored before and after each call, and it ends once; its event is recorded in the transaction that ends it. An operation
//! whose outcome is unknown waits for an operator.

mod begin;
mod end;
mod journal;
mod payment;

use domain::{
    BegunOperation, MovementId, NewOperation, OpenOperations, Operation, OperationFault, OperationId, OperationRefusal,
    OperationSelection, OperationState, OperationToContinue, OperationVerdict, OrderId, PaymentDetails, Progress, ProviderName,
};

use crate::error::Error;
use crate::rules::Ledger;
use crate::schedule::WAIT_SECONDS_MAX;
use crate::storage::Transaction;

pub use end::{EndedOperation, OTHER_REFUND, OperationEnd, SAME_EVENT, WITHDRAWN};
pub use journal::{CALL_SECONDS_MAX, CallDecision, GiveUp, Journal, Pass, ProviderResult, SentCall, WantedCall};

/// How many operations are read at once.
const PAGE: u32 = 500;

/// Does something with each operation that is pending or unknown, the oldest first.
pub(crate) fn each_open(
    transaction: &mut dyn Transaction,
    selection: OperationSelection,
    mut act: impl FnMut(&mut dyn Transaction, &Operation) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = transaction.open_operations(selection, after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id.clone());
        page.iter().try_for_each(|operation| act(transaction, operation))?;
    }
}

impl Ledger {
    /// Begins an operation, or returns the one that was begun with the same idempotency key. An order has one link: the
    /// operation that makes it is returned, whatever became of it.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn begin_operation(&self, operation: NewOperation, at: u64) -> Result<Result<BegunOperation, OperationRefusal>, Error> {
        self.storage().write(move |transaction| begin::begin(transaction, &operation, at))
    }

    /// Stores how far a pending operation has come: before a call is sent, and after its answer. It is on disk when this
    /// returns.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error says why it cannot go on: there is no such operation, or it has ended.
    pub fn save_progress(&self, id: OperationId, progress: Progress) -> Result<Result<(), OperationFault>, Error> {
        self.storage().write(move |transaction| match transaction.operation(&id)? {
            None => Ok(Err(OperationFault::NoSuchOperation)),
            Some(operation) if operation.state != OperationState::Pending => Ok(Err(OperationFault::Ended)),
            Some(_) => transaction.set_progress(&id, &progress).map(Ok),
        })
    }

    /// Has a pending operation go on with another component and other settings than those that began it: nothing of it was sent
    /// yet.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error says why it cannot go on: there is no such operation, or it has ended.
    pub fn begin_operation_anew(
        &self,
        id: OperationId,
        component_sha256: String,
        settings: Vec<u8>,
    ) -> Result<Result<(), OperationFault>, Error> {
        self.storage().write(move |transaction| match transaction.operation(&id)? {
            None => Ok(Err(OperationFault::NoSuchOperation)),
            Some(operation) if operation.state != OperationState::Pending => Ok(Err(OperationFault::Ended)),
            Some(_) => transaction.set_beginning(&id, &component_sha256, &settings).map(Ok),
        })
    }

    /// Ends an operation that is pending or unknown. The event of a refund or a charge is recorded in the same transaction, once,
    /// whether a callback reported it before or will report it.
    ///
    /// An event happened, whatever was recorded of its operation: it is recorded also if the operation was refused, which is
    /// done then. Of one that is done only the event is recorded. If the event belongs to another operation already, this one
    /// becomes unknown.
    ///
    /// # Errors
    /// If the storage is unavailable, or a sum would exceed 64 bits; then nothing is changed. The inner error: there is no such
    /// operation, or it has ended and no event is to be recorded.
    pub fn end_operation(
        &self,
        id: OperationId,
        end: OperationEnd,
        at: u64,
    ) -> Result<Result<EndedOperation, OperationFault>, Error> {
        self.storage().write(move |transaction| end::end(transaction, &id, &end, at))
    }

    /// Decides about an operation whose outcome is unknown. One that was not done frees its amount, and the same can be tried
    /// by a new operation. A refund that was done is entered, unless the payment system reported it since: then that is its
    /// movement.
    ///
    /// # Errors
    /// If the storage is unavailable, or a sum would exceed 64 bits; then nothing is changed. The inner error: there is no such
    /// operation, or it is not unknown.
    pub fn resolve_operation(
        &self,
        id: OperationId,
        verdict: OperationVerdict,
        operator: String,
        comment: String,
        at: u64,
    ) -> Result<Result<Operation, OperationFault>, Error> {
        let decision = domain::OperationDecision { operator, comment, at };
        self.storage().write(move |transaction| end::resolve(transaction, &id, verdict, &decision))
    }

    /// Reports whether a refund whose outcome is unknown is entered if it is decided that it was done: not if the payment system
    /// reported it since, or less than it is left of the payment.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn is_entered_if_done(&self, id: &OperationId) -> Result<bool, Error> {
        self.storage().read(|transaction| end::entered_if_done(transaction, id))
    }

    /// Withdraws a pending refund or charge of which nothing was sent yet: it is refused, and frees its amount. The transaction
    /// sees what the sender stores before it sends, so that either of them comes first. The same withdrawal again changes nothing.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error: there is no such operation, it is of another kind, something of it may have
    /// been sent, or it has ended.
    pub fn withdraw_operation(
        &self,
        id: OperationId,
        operator: String,
        comment: String,
        at: u64,
    ) -> Result<Result<Operation, OperationFault>, Error> {
        let decision = domain::OperationDecision { operator, comment, at };
        self.storage().write(move |transaction| end::withdraw(transaction, &id, &decision))
    }

    /// Ends the open charges whose orders are paid, as an older program left them. Returns how many there were.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn end_paid_charges(&self, at: u64) -> Result<u64, Error> {
        self.storage().write(move |transaction| end::end_paid_charges(transaction, at))
    }

    /// Returns an operation.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn operation(&self, id: &OperationId) -> Result<Option<Operation>, Error> {
        self.storage().read(|transaction| transaction.operation(id))
    }

    /// Returns an operation with what is needed to go on with it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn operation_to_continue(&self, id: &OperationId) -> Result<Option<OperationToContinue>, Error> {
        self.storage().read(|transaction| transaction.operation_to_continue(id))
    }

    /// Returns the operation that was begun with an idempotency key.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn operation_of_key(&self, key: &str) -> Result<Option<Operation>, Error> {
        self.storage().read(|transaction| transaction.operation_of_key(key))
    }

    /// Returns a payment with what followed from it, and what is left of it for a refund; `None` if no payment has this number.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn payment(&self, id: MovementId) -> Result<Option<PaymentDetails>, Error> {
        self.storage().read(|transaction| payment::details(transaction, id))
    }

    /// Returns the operations about a payment, the oldest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn operations_of_payment(&self, payment: MovementId) -> Result<Vec<Operation>, Error> {
        self.storage().read(|transaction| transaction.operations_of_payment(payment))
    }

    /// Returns the operations for an order, the oldest first: its link, and charges.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn operations_of_order(&self, order: &OrderId) -> Result<Vec<Operation>, Error> {
        self.storage().read(|transaction| transaction.operations_of_order(order))
    }

    /// Returns the pending operations to go on with now, those that wait longest first. One whose time is further off than any is put
    /// off ([`WAIT_SECONDS_MAX`]) was put off while the clock was ahead, and goes on now.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn due_operations(&self, now: u64, limit: u32) -> Result<Vec<OperationToContinue>, Error> {
        self.storage().read(|transaction| transaction.due_operations(now, now.saturating_add(WAIT_SECONDS_MAX), limit))
    }

    /// Returns pending and unknown operations, the oldest first, after the one with this id.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn open_operations(
        &self,
        selection: OperationSelection,
        after: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, Error> {
        self.storage().read(|transaction| transaction.open_operations(selection, after, limit))
    }

    /// Returns operations that are done or refused, the latest first, before the one with this id.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn ended_operations(
        &self,
        selection: OperationSelection,
        before: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, Error> {
        self.storage().read(|transaction| transaction.ended_operations(selection, before, limit))
    }

    /// Returns the operations that somebody asked for or decided about, by when that was last, the latest first, before a place
    /// in this order.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn acted_operations(&self, before: Option<&(u64, OperationId)>, limit: u32) -> Result<Vec<Operation>, Error> {
        self.storage().read(|transaction| transaction.acted_operations(before, limit))
    }

    /// Returns the operations whose events became these movements.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn operations_of_movements(&self, movements: &[MovementId]) -> Result<Vec<(MovementId, Operation)>, Error> {
        self.storage().read(|transaction| {
            let mut found = Vec::new();
            for movement in movements {
                found.extend(transaction.operation_of_movement(*movement)?.map(|operation| (*movement, operation)));
            }
            Ok(found)
        })
    }

    /// Returns how many operations of a provider, or of all, are pending and unknown. A provider that has some is not to be removed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open_operation_counts(&self, provider: Option<&ProviderName>) -> Result<OpenOperations, Error> {
        self.storage().read(|transaction| transaction.open_operation_counts(provider))
    }
}
