//! The steps for operations at payment systems, and for unpaid orders whose status is asked for.

use domain::{
    MovementId, NewOperation, OpenOperations, Operation, OperationDecision, OperationId, OperationSelection, OperationState,
    OperationToContinue, OrderId, OrderToAsk, Progress, ProviderName,
};

use crate::error::Error;

/// Operations at payment systems.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait Operations {
    /// Stores a new operation, which is pending and was not tried, and returns its new id. An id is never given twice, also not
    /// after an older copy of the storage was restored.
    fn insert_operation(&mut self, operation: &NewOperation, at: u64) -> Result<OperationId, Error>;
    /// Returns an operation by its id.
    fn operation(&mut self, id: &OperationId) -> Result<Option<Operation>, Error>;
    /// Returns an operation with what is needed to go on with it.
    fn operation_to_continue(&mut self, id: &OperationId) -> Result<Option<OperationToContinue>, Error>;
    /// Returns an operation by its idempotency key.
    fn operation_of_key(&mut self, key: &str) -> Result<Option<Operation>, Error>;
    /// Returns the operation whose event became a movement.
    fn operation_of_movement(&mut self, movement: MovementId) -> Result<Option<Operation>, Error>;
    /// Returns the operations about a payment, the oldest first.
    fn operations_of_payment(&mut self, payment: MovementId) -> Result<Vec<Operation>, Error>;
    /// Returns the operations for an order, the oldest first.
    fn operations_of_order(&mut self, order: &OrderId) -> Result<Vec<Operation>, Error>;
    /// Returns the charges of a provider that have no movement and were not refused, the oldest first.
    fn unreported_charges(&mut self, provider: &ProviderName) -> Result<Vec<Operation>, Error>;
    /// Returns pending operations that go on at a second of the epoch or before, or after another one, the first of them first.
    fn due_operations(&mut self, now: u64, latest: u64, limit: u32) -> Result<Vec<OperationToContinue>, Error>;
    /// Returns pending and unknown operations, the oldest first, after the one with this id.
    fn open_operations(
        &mut self,
        selection: OperationSelection,
        after: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, Error>;
    /// Returns operations that are done or refused, the latest first, before the one with this id.
    fn ended_operations(
        &mut self,
        selection: OperationSelection,
        before: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, Error>;
    /// Returns the operations that are no links, and the links that were decided about, by [`Operation::acted_at`], the latest
    /// first, of equals the one that was begun last, before a time and an id.
    fn acted_operations(&mut self, before: Option<&(u64, OperationId)>, limit: u32) -> Result<Vec<Operation>, Error>;
    /// Returns how many operations of a provider are pending and unknown.
    fn open_operation_counts(&mut self, provider: Option<&ProviderName>) -> Result<OpenOperations, Error>;
    /// Stores with which component and settings an operation goes on.
    fn set_beginning(&mut self, id: &OperationId, component_sha256: &str, settings: &[u8]) -> Result<(), Error>;
    /// Stores how far an operation has come.
    fn set_progress(&mut self, id: &OperationId, progress: &Progress) -> Result<(), Error>;
    /// Ends an operation: stores its state, that it does not go on by itself, and when it ended, unless it is unknown now.
    fn end_operation(&mut self, id: &OperationId, state: &OperationState, at: u64) -> Result<(), Error>;
    /// Stores an operator's decision about an operation.
    fn set_operation_decision(&mut self, id: &OperationId, decision: &OperationDecision) -> Result<(), Error>;
}

/// Unpaid orders, of whose payment the payment system is asked.
#[allow(clippy::missing_errors_doc, reason = "each fails where the storage is unavailable")]
pub trait StatusAsks {
    /// Stores when to ask about an order. Nothing was asked about it yet.
    fn insert_order_to_ask(&mut self, order: &OrderId, next_at: u64) -> Result<(), Error>;
    /// Returns the orders to ask about at a second of the epoch or before, or after another one, the first of them first.
    fn orders_to_ask(&mut self, now: u64, latest: u64, limit: u32) -> Result<Vec<OrderToAsk>, Error>;
    /// Counts that an order was asked about, and stores when to ask again; does nothing if it is not asked about any more.
    fn count_ask(&mut self, order: &OrderId, next_at: u64) -> Result<(), Error>;
    /// Forgets an order: nobody asks about it any more. Does nothing if it is not asked about.
    fn remove_order_to_ask(&mut self, order: &OrderId) -> Result<(), Error>;
}
