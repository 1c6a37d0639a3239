//! Operations at payment systems: refunds, repeated charges, ends of subscriptions, and links that need calls.
//!
//! `journal.rs` is what is stored of one, `pass.rs` takes its provider to a result, `run.rs` ends it by that result,
//! `after_refund.rs` looks what else a payment's refund tells, `link.rs` makes links, `background.rs` goes on with what waits,
//! `sentences.rs` is what this program says of one itself.

mod after_refund;
mod background;
mod journal;
mod link;
mod pass;
mod reference;
mod retry;
mod run;
mod sentences;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{
    Ability, Entry, EntryKind, Money, MovementId, NewOperation, Operation, OperationFault, OperationId, OperationKind,
    OperationRefusal, OperationSelection, OperationState, OperationTask, OperationVerdict, OrderId, PaymentDetails,
    ProviderName,
};

use crate::component::ActiveComponent;
use crate::error::{ErrorKind, HostError};
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::slot::ProviderSlot;
use crate::stored_settings::LoadedSettings;
use crate::text::{TEXT_CHARS_MAX, operator_name, optional_text, required_text};

/// How many open operations are read at once.
const OPEN_PAGE: u32 = 500;

pub(crate) use background::background;
pub(crate) use run::said;
pub use sentences::in_english;

/// A request for an operation about a payment.
#[derive(Clone, Debug)]
pub struct OperationRequest {
    /// The provider of the payment.
    pub provider: ProviderName,
    /// The payment.
    pub payment: MovementId,
    /// What to do.
    pub action: OperationAction,
    /// The reason, for the payment system and the operators, at most 255 characters; may be empty.
    pub reason: String,
    /// Who asks for it.
    pub operator: String,
    /// A repeated request with the same key returns the same operation.
    pub idempotency_key: Option<String>,
}

/// What to do about a payment.
#[derive(Clone, Debug)]
pub enum OperationAction {
    /// Pay back an amount of it.
    Refund(Money),
    /// Charge its payer again, for a new order of the same provider and account.
    Charge(OrderId),
    /// End the subscription that it began.
    Cancel,
}

impl OperationAction {
    fn task(&self, payment: MovementId) -> OperationTask {
        match self {
            OperationAction::Refund(amount) => OperationTask::Refund { payment, amount: *amount },
            OperationAction::Charge(order) => OperationTask::Charge { payment, order: order.clone() },
            OperationAction::Cancel => OperationTask::Cancel { payment },
        }
    }

    fn ability(&self) -> Ability {
        match self {
            OperationAction::Refund(_) => Ability::Refunds,
            OperationAction::Charge(_) | OperationAction::Cancel => Ability::RecurringPayments,
        }
    }
}

impl Host {
    /// Begins an operation about a payment, goes on with it as far as it comes, and returns it. If its payment system does not
    /// answer now, it goes on by itself; if it ends as unknown, a person must decide
    /// ([`Host::decide_operation`]). What was begun survives a crash, and nothing is sent twice. Once it is stored, it is returned,
    /// whatever fails then.
    ///
    /// # Errors
    /// Nothing was done, and the idempotency key is not used:
    /// [`ErrorKind::Conflict`] if a rule refuses it, such as more than what is left of the payment;
    /// [`ErrorKind::Invalid`] for an invalid text; else the provider is not usable or cannot do it, or the storage is unavailable.
    pub fn operate(&self, request: OperationRequest) -> Result<Operation, HostError> {
        let operator = operator_name(request.operator)?;
        let slot = self.0.registry.get(&request.provider)?;
        let component = slot.component();
        component.merchant(&slot.name)?;
        require(&slot, &component, request.action.ability())?;
        let operation = NewOperation {
            provider: slot.name.clone(),
            task: request.action.task(request.payment),
            reason: optional_text("reason", request.reason, TEXT_CHARS_MAX)?,
            operator,
            idempotency_key: request.idempotency_key,
            component_sha256: component.sha256().to_owned(),
            settings: self.sealed_settings(&slot, &component)?,
            is_alone: component.pays_back_one_at_a_time(),
            next_at: self.now().saturating_add(retry::INTERRUPTED_SECONDS),
        };
        let begun = self.0.ledger.begin_operation(operation, self.now())?.map_err(refused)?;
        if begun.is_new
            && let Err(error) = self.go_on(&begun.operation.id)
        {
            let operation = begun.operation.id.as_str();
            tracing::warn!(
                operation,
                error = error.message,
                "an operation is stored and cannot go on now; it goes on by itself"
            );
        }
        Ok(self.operation(&begun.operation.id).unwrap_or(begun.operation))
    }

    /// Returns an operation.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none with this id; or the storage is unavailable.
    pub fn operation(&self, id: &OperationId) -> Result<Operation, HostError> {
        self.0.ledger.operation(id)?.ok_or_else(no_operation)
    }

    /// Returns operations that are pending or unknown, the oldest first, after the one with this id.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn open_operations(
        &self,
        selection: OperationSelection,
        after: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, HostError> {
        Ok(self.0.ledger.open_operations(selection, after, limit)?)
    }

    /// Returns how many operations wait for a person: nobody knows whether they were done.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn unknown_operation_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.open_operation_counts(None)?.unknown)
    }

    /// Returns operations that are done or refused, the latest first, before the one with this id.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn ended_operations(
        &self,
        selection: OperationSelection,
        before: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, HostError> {
        Ok(self.0.ledger.ended_operations(selection, before, limit)?)
    }

    /// Returns the operations that somebody asked for or decided about, by when that was last ([`Operation::acted_at`]), the latest
    /// first, before a place in this order.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn acted_operations(&self, before: Option<&(u64, OperationId)>, limit: u32) -> Result<Vec<Operation>, HostError> {
        Ok(self.0.ledger.acted_operations(before, limit)?)
    }

    /// Returns the operations that made entries, by the entries' movements.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn operations_of_entries(&self, entries: &[Entry]) -> Result<BTreeMap<MovementId, Operation>, HostError> {
        let can_have_one = |entry: &&Entry| matches!(entry.kind, EntryKind::Refund | EntryKind::Payment);
        let movements: Vec<MovementId> = entries.iter().filter(can_have_one).filter_map(|entry| entry.movement).collect();
        Ok(self.0.ledger.operations_of_movements(&movements)?.into_iter().collect())
    }

    /// Returns a payment with what followed from it, the operations about it, and what is left of it for a refund.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if no payment has this number; or the storage is unavailable.
    pub fn payment(&self, id: MovementId) -> Result<PaymentDetails, HostError> {
        self.0.ledger.payment(id)?.ok_or_else(HostError::unknown_payment)
    }

    /// Returns the operations about a payment, the oldest first.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn operations_of_payment(&self, payment: MovementId) -> Result<Vec<Operation>, HostError> {
        Ok(self.0.ledger.operations_of_payment(payment)?)
    }

    /// Returns the charge of an order that is done, if one is.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn charge_of_order(&self, order: &OrderId) -> Result<Option<Operation>, HostError> {
        let is_done =
            |one: &Operation| one.task.kind() == OperationKind::Charge && matches!(one.state, OperationState::Done { .. });
        Ok(self.0.ledger.operations_of_order(order)?.into_iter().find(is_done))
    }

    /// Records what an operator found out about an operation whose outcome is unknown. A refund that was done is entered.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if it is not unknown; [`ErrorKind::Invalid`] for an empty comment or an invalid name; or the storage is unavailable.
    pub fn decide_operation(
        &self,
        id: &OperationId,
        verdict: OperationVerdict,
        operator: String,
        comment: String,
    ) -> Result<Operation, HostError> {
        let (operator, comment) = (operator_name(operator)?, required_text("comment", comment, TEXT_CHARS_MAX)?);
        let decided = self.0.ledger.resolve_operation(id.clone(), verdict, operator, comment, self.now())?;
        self.0.observer.entries_changed();
        decided.map_err(ended)
    }

    /// Reports whether a refund whose outcome is unknown is entered, and debits the account, if it is decided that it was done: not if
    /// the payment system reported it since, or less than it is left of the payment.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn is_entered_if_done(&self, id: &OperationId) -> Result<bool, HostError> {
        Ok(self.0.ledger.is_entered_if_done(id)?)
    }

    /// Withdraws a pending refund or charge of which nothing was sent yet: it will not be sent, and its amount is free again. The
    /// same withdrawal again changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if something of it may have been sent, it has ended or is of another kind; [`ErrorKind::Invalid`] for
    /// an empty comment or an invalid name; or the storage is unavailable.
    pub fn withdraw_operation(&self, id: &OperationId, operator: String, comment: String) -> Result<Operation, HostError> {
        let (operator, comment) = (operator_name(operator)?, required_text("comment", comment, TEXT_CHARS_MAX)?);
        let withdrawn = self.0.ledger.withdraw_operation(id.clone(), operator, comment, self.now())?.map_err(ended)?;
        tracing::info!(provider = withdrawn.provider.as_str(), operation = id.as_str(), "an operation was withdrawn");
        Ok(withdrawn)
    }

    /// Asks the payment system now about an operation that waits for its next try, which comes at its time nevertheless. Does
    /// nothing if it goes on already.
    ///
    /// # Errors
    /// As for [`Host::operation`]; or it could not go on, and nothing of it was sent.
    pub fn retry_operation(&self, id: &OperationId) -> Result<Operation, HostError> {
        let tried = self.go_on_by_hand(id);
        let operation = self.operation(id)?;
        if operation.is_sent { Ok(operation) } else { tried.map(|()| operation) }
    }

    /// Returns the settings of a component, sealed to be kept with an operation.
    fn sealed_settings(&self, slot: &ProviderSlot, component: &ActiveComponent) -> Result<Vec<u8>, HostError> {
        journal::seal_settings(&self.0.key, &self.active_settings(slot, component)?)
    }

    fn active_settings(&self, slot: &ProviderSlot, component: &ActiveComponent) -> Result<domain::Fields, HostError> {
        let stored = LoadedSettings::load(&slot.name, &self.0.ledger, &self.0.key)?.or_empty();
        Ok(stored.values(component.sha256(), None, component.description()).unwrap_or_default())
    }

    /// Returns the active component for an operation of which nothing was sent: a key that was corrected meanwhile reaches it. The
    /// operation keeps that component and its settings from now on, so that what is sent goes on with what sent it.
    fn active_component_of(
        &self,
        slot: &ProviderSlot,
        operation: &mut Operation,
        settings: &[u8],
    ) -> Result<Arc<ActiveComponent>, HostError> {
        let active = slot.component();
        let values = self.active_settings(slot, &active)?;
        let is_same = active.sha256() == operation.component_sha256
            && journal::open_settings(&self.0.key, settings).as_ref() == Some(&values);
        if !is_same {
            let sealed = journal::seal_settings(&self.0.key, &values)?;
            self.0.ledger.begin_operation_anew(operation.id.clone(), active.sha256().to_owned(), sealed)?.map_err(ended)?;
            active.sha256().clone_into(&mut operation.component_sha256);
        }
        Ok(active)
    }

    /// Returns the component and settings that sent something of an operation. If the host does not have them any more, the active ones.
    fn component_of(
        &self,
        slot: &ProviderSlot,
        operation: &Operation,
        settings: &[u8],
    ) -> Result<Arc<ActiveComponent>, HostError> {
        let active = slot.component();
        let provider = if active.sha256() == operation.component_sha256 {
            Some(active.provider.clone())
        } else {
            self.earlier_provider(&slot.name, &operation.component_sha256)
        };
        let values = journal::open_settings(&self.0.key, settings);
        let (Some(provider), Some(values)) = (provider, values) else { return Ok(active) };
        let Ok(merchant) = provider.merchant(domain::Settings::new(values.clone())) else { return Ok(active) };
        let stored = LoadedSettings::load(&slot.name, &self.0.ledger, &self.0.key)?.or_empty();
        Ok(Arc::new(ActiveComponent::ready(provider, merchant, values, &stored)))
    }

    /// Loads a component that was active before, by its digest.
    fn earlier_provider(&self, name: &ProviderName, sha256: &str) -> Option<sandbox::Provider> {
        let locked = self.0.catalog.lock().ok()?.remove(name)?;
        let version = locked.versions().find(|version| version.sha256 == sha256)?;
        self.0.catalog.load(&self.0.sandbox, version).ok()
    }

    /// Returns the components with which operations of a provider began that go on by themselves, by their SHA-256.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub(crate) fn components_of_operations(&self, name: &ProviderName) -> Result<BTreeSet<String>, HostError> {
        let mut components = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.0.ledger.open_operations(OperationSelection::All, after.as_ref(), OPEN_PAGE)?;
            let Some(last) = page.last() else { return Ok(components) };
            after = Some(last.id.clone());
            let goes_on = |operation: &Operation| operation.provider == *name && operation.state == OperationState::Pending;
            components.extend(page.into_iter().filter(goes_on).map(|operation| operation.component_sha256));
        }
    }
}

/// Refuses what a component cannot do.
fn require(slot: &ProviderSlot, component: &ActiveComponent, ability: Ability) -> Result<(), HostError> {
    if component.provider.abilities().contains(&ability) {
        return Ok(());
    }
    let what = match ability {
        Ability::Refunds => "pay back payments; pay back at the payment system, and it reports the refund if it can",
        Ability::RecurringPayments => "charge payers again",
        Ability::PaymentStatus => "tell what became of a payment",
        Ability::Asking | Ability::SettlementReports => "do this",
    };
    let detail = format!("the component of {} cannot {what}", slot.name);
    Err(HostError::conflict(detail).with_code(ErrorCode::OperationUnsupported))
}

fn no_operation() -> HostError {
    HostError::unknown_operation()
}

/// Why an operation cannot be changed.
fn ended(fault: OperationFault) -> HostError {
    match fault {
        OperationFault::NoSuchOperation => no_operation(),
        OperationFault::Ended => HostError::conflict("the operation has ended").with_code(ErrorCode::OperationEnded),
        OperationFault::NotUnknown => {
            HostError::conflict("the operation's outcome is not unknown, so that there is nothing to decide")
                .with_code(ErrorCode::OperationNotUnknown)
        }
        OperationFault::Sent => {
            HostError::conflict("the operation was sent to the payment system, or may have been: it cannot be withdrawn")
                .with_code(ErrorCode::OperationSent)
        }
        OperationFault::NotWithdrawable => {
            HostError::conflict("only refunds and charges can be withdrawn").with_code(ErrorCode::OperationNotWithdrawable)
        }
    }
}

/// Why an operation is not begun.
fn refused(refusal: OperationRefusal) -> HostError {
    let detail = match &refusal {
        OperationRefusal::OrderCharged { id } => format!(
            "the order was charged already, by the operation {id}, and its payment is not reported yet: it is entered when the \
             payment system reports it; make a new order to charge once more"
        ),
        OperationRefusal::OrderExpired => "the order has expired; make a new order".to_owned(),
        OperationRefusal::NotCompared { since } => not_compared(*since),
        OperationRefusal::UnknownPayment => "this provider has no such payment".to_owned(),
        OperationRefusal::PaymentNotEntered => "the payment is not entered, or its entry was taken back".to_owned(),
        OperationRefusal::AmountNotPositive => "the amount must be positive".to_owned(),
        OperationRefusal::CurrencyMismatch => "the amount must be in the payment's currency".to_owned(),
        OperationRefusal::ExceedsPaymentLeft { left } => {
            format!("less is left of the payment: {} in minor units, without refunds that are under way", left.minor_units)
        }
        OperationRefusal::NoPayer => "the payment system named no payer of this payment, who could be charged again".to_owned(),
        OperationRefusal::UnknownOrder => "this provider has no such order".to_owned(),
        OperationRefusal::OtherAccount => "the order is for another account than the payment's".to_owned(),
        OperationRefusal::OrderPaid => "the order is paid".to_owned(),
        OperationRefusal::AlreadyUnderWay { id } => format!("the same is under way already, as the operation {id}"),
        OperationRefusal::KeyReused => return HostError::key_reused("operation").with_code(ErrorCode::OperationKeyReused),
    };
    let code = match &refusal {
        OperationRefusal::ExceedsPaymentLeft { .. } => ErrorCode::RefundExceedsPayment,
        OperationRefusal::AlreadyUnderWay { .. } => ErrorCode::OperationUnderWay,
        OperationRefusal::UnknownPayment => ErrorCode::PaymentUnknown,
        OperationRefusal::UnknownOrder => ErrorCode::OrderUnknown,
        OperationRefusal::OrderCharged { .. } => ErrorCode::OrderCharged,
        OperationRefusal::OrderExpired => ErrorCode::OrderExpired,
        OperationRefusal::NotCompared { .. } => ErrorCode::RestoredNotCompared,
        _ => ErrorCode::OperationRefused,
    };
    let kind = match &refusal {
        OperationRefusal::AmountNotPositive | OperationRefusal::CurrencyMismatch => ErrorKind::Invalid,
        OperationRefusal::UnknownPayment | OperationRefusal::UnknownOrder => ErrorKind::NotFound,
        _ => ErrorKind::Conflict,
    };
    HostError::new(kind, detail).with_code(code)
}

/// Why nothing begins after the ledger was restored from a copy, and what to do.
fn not_compared(since: Option<u64>) -> String {
    let since = since.map_or_else(|| "a time that is not known".to_owned(), ledger::utc_text);
    format!(
        "the ledger was restored from a copy, and lacks what was done since {since}: the same may have been sent to the payment \
         system then. Nothing was sent now. Compare the payment systems with the ledger, record that on the operators' page \
         «Операции», and send the request again"
    )
}

/// The name of the contract's function that begins an operation.
fn function_of(kind: OperationKind, is_begun: bool) -> &'static str {
    match (kind, is_begun) {
        (OperationKind::Refund, false) => "refund-payment",
        (OperationKind::Refund, true) => "query-refund",
        (OperationKind::Charge, false) => "charge-again",
        (OperationKind::Charge, true) => "query-charge",
        (OperationKind::Cancel, _) => "cancel-recurring",
        (OperationKind::Link, _) => "create-link",
    }
}
