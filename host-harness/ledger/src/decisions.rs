//! Operators' decisions: to which account an unmatched event belongs, and how to correct a balance. Each decision is stored
//! with its operator, time and reason, and can be undone. Its entry is then reversed by an entry of the opposite amount, since
//! no entry is ever changed.

use crate::error::Error;
use crate::rules::{
    Ledger, end_credited_charge, end_refund, enter, entry_from_event, in_force, is_return, let_in, named_payment, of_payment,
};
use crate::storage::Transaction;
use domain::{
    AccountNumber, Correction, CorrectionRefusal, Decided, DecidedBy, DecisionKind, EntryKind, Event, EventKind,
    MismatchReason, NewDecision, NewEntry, Operation, OperationKind, Related, Resolution, ResolveRefusal, UndoRefusal,
    UnmatchedEvent,
};

/// The comments in statistics for a payment, a refund, a chargeback and its reversal that an operator entered.
const CREDITED: &str = "Зачислено оператором";
const CREDITED_REVERSAL: &str = "Зачислено оператором: возврат оспоренного платежа";
pub const DEBITED_REFUND: &str = "Списано оператором: возврат";
const DEBITED_CHARGEBACK: &str = "Списано оператором: отмена платежа банком";
/// The prefix of a reversal's comment, before the comment of the reversed entry.
const REVERSAL: &str = "Сторно";

impl Ledger {
    /// Enters an unmatched event to an account: a payment credits it, a refund or chargeback debits it. The refunds that
    /// name the transaction of a payment and waited for it are entered with it. Returns the entry's sequence number.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn credit_unmatched(
        &self,
        id: u64,
        account: AccountNumber,
        operator: String,
        reason: String,
        at: u64,
    ) -> Result<Result<u64, ResolveRefusal>, Error> {
        self.storage().write(move |transaction| {
            let unmatched = match enterable(transaction, id, &account)? {
                Ok(unmatched) => unmatched,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let decision = decision(DecisionKind::Entry, Some(id), &operator, &reason, at);
            let by = decide(transaction, &decision)?;
            let comment = comment_of(unmatched.event.facts.kind).to_owned();
            let entry = entry_from_event(&unmatched.event, account.clone(), None, at);
            let seq = enter(transaction, &NewEntry { comment, decision: Some(by), ..entry })?;
            transaction.resolve(id, &resolution(decision, Some(seq)))?;
            follow_up(transaction, &unmatched, &account, at)?;
            Ok(Ok(seq))
        })
    }

    /// Checks whether an event can be entered to an account, without entering it. Returns the event.
    ///
    /// # Errors
    /// If it cannot be read. The inner error is a refusal by a rule, as for [`credit_unmatched`](Ledger::credit_unmatched).
    pub fn check_unmatched(&self, id: u64, account: &AccountNumber) -> Result<Result<UnmatchedEvent, ResolveRefusal>, Error> {
        self.storage().read(|transaction| enterable(transaction, id, account))
    }

    /// Returns the ledger's records about an event's money.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn related(&self, event: &Event) -> Result<Related, Error> {
        self.storage().read(|transaction| {
            let order = event.facts.order.as_ref().map(|order| transaction.order(order)).transpose()?.flatten();
            let entries = transaction.entries_of_transaction(&event.provider, &event.facts.transaction)?;
            let order_account = order.map(|order| order.account);
            Ok(Related { order_account, entries: in_force(&entries).cloned().collect() })
        })
    }

    /// Dismisses an unmatched event.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn dismiss_unmatched(
        &self,
        id: u64,
        operator: String,
        reason: String,
        at: u64,
    ) -> Result<Result<(), ResolveRefusal>, Error> {
        self.storage().write(move |transaction| {
            if let Err(refusal) = waiting(transaction, id)? {
                return Ok(Err(refusal));
            }
            let decision = decision(DecisionKind::Dismissal, Some(id), &operator, &reason, at);
            decide(transaction, &decision)?;
            transaction.resolve(id, &resolution(decision, None)).map(Ok)
        })
    }

    /// Enters an operator's correction, once for its key. Returns the entry's sequence number.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn correct(&self, correction: Correction, at: u64) -> Result<Result<u64, CorrectionRefusal>, Error> {
        self.storage().write(move |transaction| {
            if correction.amount.minor_units == 0 {
                return Ok(Err(CorrectionRefusal::AmountZero));
            }
            if let Some((before, seq)) = transaction.correction(&correction.key)? {
                return Ok(if before == correction { Ok(seq) } else { Err(CorrectionRefusal::KeyReused) });
            }
            if transaction.account(&correction.account)?.is_none() {
                return Ok(Err(CorrectionRefusal::UnknownAccount));
            }
            let Correction { account, amount, operator, comment, .. } = &correction;
            let by = decide(transaction, &decision(DecisionKind::Correction, None, operator, comment, at))?;
            let seq = enter(
                transaction,
                &NewEntry {
                    account: account.clone(),
                    kind: EntryKind::Correction,
                    amount: *amount,
                    comment: comment.clone(),
                    order: None,
                    transaction: None,
                    provider: None,
                    at,
                    date: None,
                    decision: Some(by),
                    reverses: None,
                    extra: Vec::new(),
                },
            )?;
            transaction.insert_correction(&correction, seq)?;
            Ok(Ok(seq))
        })
    }

    /// Returns the sequence number of the correction that was entered with a key.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn correction(&self, key: &str) -> Result<Option<u64>, Error> {
        self.storage().read(|transaction| Ok(transaction.correction(key)?.map(|(_, seq)| seq)))
    }

    /// Undoes a decision: its entry is reversed, and its event waits again. Returns the sequence number of the reversal, if
    /// there is one.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn undo_decision(
        &self,
        id: u64,
        operator: String,
        reason: String,
        at: u64,
    ) -> Result<Result<Option<u64>, UndoRefusal>, Error> {
        self.storage().write(move |transaction| {
            let decided = match undoable(transaction, id)? {
                Ok(decided) => decided,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let unmatched = decided.decision.unmatched;
            let undoing = decision(DecisionKind::Undoing, unmatched, &operator, &reason, at);
            let by = decide(transaction, &NewDecision { undoes: Some(id), ..undoing })?;
            let seq = match decided.entry {
                None => None,
                Some(reversed) => {
                    let comment = format!("{REVERSAL}: {}", reversed.comment);
                    let too_large = || Error::SumTooLarge("an amount".to_owned());
                    Some(enter(transaction, &reversed.reversal(comment, by, at).ok_or_else(too_large)?)?)
                }
            };
            unmatched.map_or(Ok(()), |id| transaction.reopen(id))?;
            Ok(Ok(seq))
        })
    }

    /// Checks whether a decision can be undone, without undoing it. Returns the decision.
    ///
    /// # Errors
    /// If it cannot be read. The inner error is a refusal by a rule, as for [`undo_decision`](Ledger::undo_decision).
    pub fn check_undo(&self, id: u64) -> Result<Result<Decided, UndoRefusal>, Error> {
        self.storage().read(|transaction| undoable(transaction, id))
    }

    /// Returns decisions, the latest first, before the one with this id.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn decisions(&self, before: Option<u64>, limit: u32) -> Result<Vec<Decided>, Error> {
        self.storage().read(|transaction| transaction.decisions(before, limit))
    }
}

/// Binds a return that an operator entered to its payment, if it names one by its transaction, ends the charge of a payment, and
/// enters the returns that waited for what was entered: the outcome is the same whichever came first.
fn follow_up(
    transaction: &mut dyn Transaction,
    unmatched: &UnmatchedEvent,
    account: &AccountNumber,
    at: u64,
) -> Result<(), Error> {
    let Event { provider, facts, .. } = &unmatched.event;
    let movement = transaction.movement_of_unmatched(unmatched.id)?;
    if !is_return(facts.kind) {
        movement.map_or(Ok(()), |payment| end_credited_charge(transaction, &payment, account, at))?;
        return let_in(transaction, provider, &facts.transaction, None, at);
    }
    let Some(named) = named_payment(transaction, &unmatched.event)? else { return Ok(()) };
    let payment = of_payment(transaction, named)?;
    if let (Some(movement), Some(payment)) = (movement, payment.payment) {
        transaction.set_parent(movement.movement.id, payment)?;
        end_refund(transaction, &unmatched.event, payment, movement.movement.id, at)?;
    }
    match payment.transaction {
        Some(named) if facts.kind == EventKind::Chargeback => let_in(transaction, provider, &named, payment.order.as_ref(), at),
        _ => Ok(()),
    }
}

fn comment_of(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Refund => DEBITED_REFUND,
        EventKind::Chargeback => DEBITED_CHARGEBACK,
        EventKind::ChargebackReversal => CREDITED_REVERSAL,
        _ => CREDITED,
    }
}

fn decision(kind: DecisionKind, unmatched: Option<u64>, operator: &str, reason: &str, at: u64) -> NewDecision {
    let (operator, reason) = (operator.to_owned(), reason.to_owned());
    NewDecision { kind, unmatched, undoes: None, operator, reason, at }
}

/// Stores a decision, and returns what its entry records about it.
fn decide(transaction: &mut dyn Transaction, decision: &NewDecision) -> Result<DecidedBy, Error> {
    let NewDecision { operator, reason, .. } = decision.clone();
    Ok(DecidedBy { id: transaction.insert_decision(decision)?, operator, reason })
}

fn resolution(NewDecision { operator, reason, at, .. }: NewDecision, seq: Option<u64>) -> Resolution {
    Resolution { operator, comment: reason, at, seq }
}

/// Returns an event, if it waits.
fn waiting(transaction: &mut dyn Transaction, id: u64) -> Result<Result<UnmatchedEvent, ResolveRefusal>, Error> {
    Ok(match transaction.unmatched(id)? {
        None => Err(ResolveRefusal::Unknown),
        Some(UnmatchedEvent { resolution: Some(_), .. }) => Err(ResolveRefusal::AlreadyResolved),
        Some(unmatched) => Ok(unmatched),
    })
}

/// Returns an event, if it waits and can be entered to an account.
fn enterable(
    transaction: &mut dyn Transaction,
    id: u64,
    account: &AccountNumber,
) -> Result<Result<UnmatchedEvent, ResolveRefusal>, Error> {
    let unmatched = match waiting(transaction, id)? {
        Ok(unmatched) => unmatched,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if unmatched.reason == MismatchReason::AmountNotPositive {
        return Ok(Err(ResolveRefusal::AmountNotPositive));
    }
    let Event { provider, facts, .. } = &unmatched.event;
    if facts.kind != EventKind::Payment && !is_return(facts.kind) {
        return Ok(Err(ResolveRefusal::MovesNoMoney));
    }
    let entered = transaction.entries_of_transaction(provider, &facts.transaction)?;
    if facts.kind == EventKind::Payment && in_force(&entered).any(|entry| entry.kind == EntryKind::Payment) {
        return Ok(Err(ResolveRefusal::AlreadyEntered));
    }
    if transaction.account(account)?.is_none() {
        return Ok(Err(ResolveRefusal::UnknownAccount));
    }
    Ok(Ok(unmatched))
}

/// Returns a decision, if it can be undone.
fn undoable(transaction: &mut dyn Transaction, id: u64) -> Result<Result<Decided, UndoRefusal>, Error> {
    let Some(decided) = transaction.decided(id)? else { return Ok(Err(UndoRefusal::Unknown)) };
    if decided.decision.undone_by.is_some() {
        return Ok(Err(UndoRefusal::AlreadyUndone));
    }
    if decided.decision.kind == DecisionKind::Undoing {
        return Ok(Err(UndoRefusal::IsUndoing));
    }
    if let Some(entry) = &decided.entry
        && entry.kind == EntryKind::Payment
        && let (Some(provider), Some(id)) = (&entry.provider, &entry.transaction)
    {
        let mut entries = transaction.entries_of_transaction(provider, id)?;
        let movement = transaction.movement_of_entry(entry.seq)?.map(|found| found.movement.id);
        if let Some(movement) = movement {
            entries.extend(transaction.entries_of_parent(movement)?);
        }
        let back = in_force(&entries).find(|entry| entry.kind != EntryKind::Payment);
        if let Some(back) = back {
            return Ok(Err(UndoRefusal::MoneyWentBack { seq: back.seq }));
        }
        // Its event would find no payment to belong to.
        let operations = movement.map_or(Ok(Vec::new()), |payment| transaction.operations_of_payment(payment))?;
        let is_open_refund = |one: &&Operation| one.task.kind() == OperationKind::Refund && one.state.is_open();
        if let Some(refund) = operations.iter().find(is_open_refund) {
            return Ok(Err(UndoRefusal::RefundUnderWay { id: refund.id.clone() }));
        }
    }
    Ok(Ok(decided))
}
