//! What operators decide about money: what waits is credited or dismissed, and a decision is undone.

use domain::{AccountNumber, Decided, Event, Related, ResolveRefusal, UndoRefusal, UnmatchedEvent};

use crate::accounts::AccountBalances;
use crate::error::HostError;
use crate::host::Host;
use crate::text::{NAME_CHARS_MAX, TEXT_CHARS_MAX, required_text};

impl From<ResolveRefusal> for HostError {
    fn from(refusal: ResolveRefusal) -> HostError {
        match refusal {
            ResolveRefusal::Unknown => HostError::not_found("event").with_code("unmatched-unknown"),
            ResolveRefusal::AlreadyResolved => {
                HostError::conflict("it was already resolved").with_code("unmatched-already-resolved")
            }
            ResolveRefusal::UnknownAccount => HostError::invalid("there is no such account").with_code("account-unknown"),
            ResolveRefusal::AmountNotPositive => {
                HostError::invalid("its amount is zero; it can only be dismissed").with_code("unmatched-without-money")
            }
            ResolveRefusal::AlreadyEntered => HostError::invalid("the same transaction was already entered; dismiss it")
                .with_code("unmatched-already-entered"),
        }
    }
}

impl From<UndoRefusal> for HostError {
    fn from(refusal: UndoRefusal) -> HostError {
        match refusal {
            UndoRefusal::Unknown => HostError::not_found("decision").with_code("decision-unknown"),
            UndoRefusal::AlreadyUndone => HostError::conflict("it was already undone").with_code("decision-already-undone"),
            UndoRefusal::IsUndoing => {
                HostError::invalid("what undoes a decision cannot be undone itself; decide again instead")
                    .with_code("decision-is-undoing")
            }
            UndoRefusal::MoneyWentBack { seq } => HostError::invalid(format!(
                "money of this payment went back since then (entry {seq}); where an operator decided that, undo it first, else \
                 enter corrections of both accounts"
            ))
            .with_code("decision-money-went-back"),
        }
    }
}

impl Host {
    /// Payments and the like that wait for an operator, the oldest first.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn unmatched_events(&self, after: u64, limit: u32) -> Result<Vec<UnmatchedEvent>, HostError> {
        Ok(self.0.ledger.unmatched_events(after, limit)?)
    }

    /// How many wait in all.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn unmatched_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.unmatched_count()?)
    }

    /// One that waits, or waited.
    ///
    /// # Errors
    /// There is none of this number, or the storage is unavailable.
    pub fn unmatched_event(&self, id: u64) -> Result<UnmatchedEvent, HostError> {
        Ok(self.0.ledger.unmatched(id)?.ok_or(ResolveRefusal::Unknown)?)
    }

    /// What is known of an event: its order, and what came of its transaction.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn related(&self, event: &Event) -> Result<Related, HostError> {
        Ok(self.0.ledger.related(event)?)
    }

    /// What would be credited to which account; nothing is.
    ///
    /// # Errors
    /// As [`Host::credit_unmatched`].
    pub fn check_credit(&self, id: u64, account: &AccountNumber) -> Result<(UnmatchedEvent, AccountBalances), HostError> {
        let unmatched = self.0.ledger.check_unmatched(id, account)??;
        let account = self.0.ledger.account(account)?.ok_or(ResolveRefusal::UnknownAccount)?;
        Ok((unmatched, account))
    }

    /// Enters what waits to an account: a payment credits it, a refund or chargeback debits it. Gives the entry's place.
    ///
    /// # Errors
    /// It does not wait, it is about no money, there is no such account, a text is missing or too long, or the storage is unavailable.
    pub fn credit_unmatched(
        &self,
        id: u64,
        account: AccountNumber,
        operator: String,
        comment: String,
    ) -> Result<u64, HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let comment = required_text("comment", comment, TEXT_CHARS_MAX)?;
        let seq = self.0.ledger.credit_unmatched(id, account.clone(), operator.clone(), comment, self.now())??;
        tracing::info!(id, operator, account = account.as_str(), seq, "an operator entered what waited to an account");
        self.0.observer.entries_changed();
        Ok(seq)
    }

    /// Dismisses what waits: no money moves.
    ///
    /// # Errors
    /// It does not wait, a text is missing or too long, or the storage is unavailable.
    pub fn dismiss_unmatched(&self, id: u64, operator: String, comment: String) -> Result<(), HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let comment = required_text("comment", comment, TEXT_CHARS_MAX)?;
        self.0.ledger.dismiss_unmatched(id, operator.clone(), comment, self.now())??;
        tracing::info!(id, operator, "an operator dismissed what waited");
        Ok(())
    }

    /// What operators decided about money, the last first.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn decisions(&self, before: Option<u64>, limit: u32) -> Result<Vec<Decided>, HostError> {
        Ok(self.0.ledger.decisions(before, limit)?)
    }

    /// The decision that would be undone, and the account of the entry that it made; nothing is undone.
    ///
    /// # Errors
    /// As [`Host::undo_decision`].
    pub fn check_undo(&self, id: u64) -> Result<(Decided, Option<AccountBalances>), HostError> {
        let decided = self.0.ledger.check_undo(id)??;
        let account = match &decided.entry {
            Some(entry) => self.0.ledger.account(&entry.account)?,
            None => None,
        };
        Ok((decided, account))
    }

    /// Undoes a decision: what it entered is taken back by an entry of the opposite amount, and an event that it was about waits again.
    /// Gives the place of the entry that takes back; `None` where no money had moved.
    ///
    /// # Errors
    /// There is no such decision, it was already undone or cannot be, a text is missing or too long, or the storage is unavailable.
    pub fn undo_decision(&self, id: u64, operator: String, reason: String) -> Result<Option<u64>, HostError> {
        let operator = required_text("operator", operator, NAME_CHARS_MAX)?;
        let reason = required_text("reason", reason, TEXT_CHARS_MAX)?;
        let seq = self.0.ledger.undo_decision(id, operator.clone(), reason, self.now())??;
        tracing::info!(id, operator, seq, "an operator undid a decision");
        self.0.observer.entries_changed();
        Ok(seq)
    }
}
