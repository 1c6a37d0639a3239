//! Operators' decisions about money: they credit or dismiss unmatched events, and undo decisions.

use domain::{AccountNumber, Decided, Event, Related, ResolveRefusal, UndoRefusal, UnmatchedEvent};

use crate::accounts::AccountBalances;
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::text::{TEXT_CHARS_MAX, operator_name, required_text};

impl From<ResolveRefusal> for HostError {
    fn from(refusal: ResolveRefusal) -> HostError {
        match refusal {
            ResolveRefusal::Unknown => HostError::not_found("event").with_code(ErrorCode::UnmatchedUnknown),
            ResolveRefusal::AlreadyResolved => {
                HostError::conflict("it was already resolved").with_code(ErrorCode::UnmatchedAlreadyResolved)
            }
            ResolveRefusal::UnknownAccount => {
                HostError::invalid("there is no such account").with_code(ErrorCode::AccountUnknown)
            }
            ResolveRefusal::AmountNotPositive => {
                HostError::invalid("its amount is zero; it can only be dismissed").with_code(ErrorCode::UnmatchedWithoutMoney)
            }
            ResolveRefusal::MovesNoMoney => {
                HostError::invalid("it moves no money; it can only be dismissed").with_code(ErrorCode::UnmatchedWithoutMoney)
            }
            ResolveRefusal::AlreadyEntered => HostError::invalid("the same transaction was already entered; dismiss it")
                .with_code(ErrorCode::UnmatchedAlreadyEntered),
        }
    }
}

impl From<UndoRefusal> for HostError {
    fn from(refusal: UndoRefusal) -> HostError {
        match refusal {
            UndoRefusal::Unknown => HostError::not_found("decision").with_code(ErrorCode::DecisionUnknown),
            UndoRefusal::AlreadyUndone => {
                HostError::conflict("it was already undone").with_code(ErrorCode::DecisionAlreadyUndone)
            }
            UndoRefusal::IsUndoing => {
                HostError::invalid("what undoes a decision cannot be undone itself; decide again instead")
                    .with_code(ErrorCode::DecisionIsUndoing)
            }
            UndoRefusal::MoneyWentBack { seq } => HostError::invalid(format!(
                "money of this payment went back since then (entry {seq}); where an operator decided that, undo it first, else \
                 enter corrections of both accounts"
            ))
            .with_code(ErrorCode::DecisionMoneyWentBack),
            UndoRefusal::RefundUnderWay { id } => HostError::conflict(format!(
                "a refund of this payment is under way (operation {id}), and its money may go back; wait until it has ended, withdraw \
                 it, or decide about it on the page «Операции», then undo the decision"
            ))
            .with_code(ErrorCode::DecisionRefundUnderWay),
        }
    }
}

impl Host {
    /// Returns unmatched events, the oldest first, after the one with this id.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn unmatched_events(&self, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, HostError> {
        Ok(self.0.ledger.unmatched_events(after, limit)?)
    }

    /// Returns how many events wait.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn unmatched_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.unmatched_count()?)
    }

    /// Returns an unmatched event, resolved or not.
    ///
    /// # Errors
    /// If there is none with this id, or the storage is unavailable.
    pub fn unmatched_event(&self, id: u64) -> Result<UnmatchedEvent, HostError> {
        Ok(self.0.ledger.unmatched(id)?.ok_or(ResolveRefusal::Unknown)?)
    }

    /// Returns the ledger's records about an event: its order, and the events and entries of its transaction.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn related(&self, event: &Event) -> Result<Related, HostError> {
        Ok(self.0.ledger.related(event)?)
    }

    /// Returns the event and the account that [`Host::credit_unmatched`] would credit, without crediting it.
    ///
    /// # Errors
    /// As for [`Host::credit_unmatched`].
    pub fn check_credit(&self, id: u64, account: &AccountNumber) -> Result<(UnmatchedEvent, AccountBalances), HostError> {
        let unmatched = self.0.ledger.check_unmatched(id, account)??;
        let account = self.0.ledger.account(account)?.ok_or(ResolveRefusal::UnknownAccount)?;
        Ok((unmatched, account))
    }

    /// Enters an unmatched event to an account: a payment credits it, a refund or chargeback debits it. Returns the entry's
    /// sequence number.
    ///
    /// # Errors
    /// If the event does not wait or is not about money, there is no such account, a text is missing or too long, or the
    /// storage is unavailable.
    pub fn credit_unmatched(
        &self,
        id: u64,
        account: AccountNumber,
        operator: String,
        comment: String,
    ) -> Result<u64, HostError> {
        let operator = operator_name(operator)?;
        let comment = required_text("comment", comment, TEXT_CHARS_MAX)?;
        let seq = self.0.ledger.credit_unmatched(id, account.clone(), operator.clone(), comment, self.now())??;
        tracing::info!(id, operator, account = account.as_str(), seq, "an operator credited an unmatched event to an account");
        self.0.observer.entries_changed();
        Ok(seq)
    }

    /// Dismisses an unmatched event: no money moves.
    ///
    /// # Errors
    /// If the event does not wait, a text is missing or too long, or the storage is unavailable.
    pub fn dismiss_unmatched(&self, id: u64, operator: String, comment: String) -> Result<(), HostError> {
        let operator = operator_name(operator)?;
        let comment = required_text("comment", comment, TEXT_CHARS_MAX)?;
        self.0.ledger.dismiss_unmatched(id, operator.clone(), comment, self.now())??;
        tracing::info!(id, operator, "an operator dismissed an unmatched event");
        Ok(())
    }

    /// Returns operators' decisions about money, the latest first, before the one with this id.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn decisions(&self, before: Option<u64>, limit: u32) -> Result<Vec<Decided>, HostError> {
        Ok(self.0.ledger.decisions(before, limit)?)
    }

    /// Returns the decision that [`Host::undo_decision`] would undo, and the account of its entry, without undoing it.
    ///
    /// # Errors
    /// As for [`Host::undo_decision`].
    pub fn check_undo(&self, id: u64) -> Result<(Decided, Option<AccountBalances>), HostError> {
        let decided = self.0.ledger.check_undo(id)??;
        let account = match &decided.entry {
            Some(entry) => self.0.ledger.account(&entry.account)?,
            None => None,
        };
        Ok((decided, account))
    }

    /// Undoes a decision: its entry is reversed by an entry of the opposite amount, and its event waits again. Returns the
    /// reversal's sequence number, or `None` if no money had moved.
    ///
    /// # Errors
    /// If there is no such decision, it was already undone or cannot be undone, a text is missing or too long, or the storage
    /// is unavailable.
    pub fn undo_decision(&self, id: u64, operator: String, reason: String) -> Result<Option<u64>, HostError> {
        let operator = operator_name(operator)?;
        let reason = required_text("reason", reason, TEXT_CHARS_MAX)?;
        let seq = self.0.ledger.undo_decision(id, operator.clone(), reason, self.now())??;
        tracing::info!(id, operator, seq, "an operator undid a decision");
        self.0.observer.entries_changed();
        Ok(seq)
    }
}
