//! Links that need calls: each is made once for an order, and kept.

use domain::{
    Ability, LinkFailure, LinkRequest, NewOperation, Operation, OperationKind, OperationState, OperationTask, Order,
    PaymentLink, Problem,
};
use ledger::{OperationEnd, ProviderResult};

use super::pass::{PassOutcome, Running};
use super::retry::INTERRUPTED_SECONDS;
use super::run::said;
use crate::component::ActiveComponent;
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::link_hosts;
use crate::slot::ProviderSlot;

/// How long a link is tried that the payment system cannot make now, in seconds: nobody waits longer to pay.
const TRIED_SECONDS_MAX: u64 = 3600;
/// The codes of a link that could not be made.
const MAY_BE_MADE: &str = "link-unknown";
const PROVIDER_FAILED: &str = "provider-failed";

/// The link of an order, or why there is none.
pub(crate) type LinkOutcome = Result<PaymentLink, LinkFailure>;

impl Host {
    /// Returns the link that was made for an order by calls; `None` if none was.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub(crate) fn stored_link(&self, order: &Order) -> Result<Option<PaymentLink>, HostError> {
        Ok(self.link_operation(order)?.as_ref().and_then(link_of))
    }

    /// Returns the link of an order whose provider wants a call that must not be repeated at will. It is made once, also if two
    /// ask for it at once.
    ///
    /// # Errors
    /// If it cannot be made for this order any more, the provider failed, or the storage is unavailable.
    pub(crate) fn make_link_once(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        request: &LinkRequest,
    ) -> Result<LinkOutcome, HostError> {
        let operation = NewOperation {
            is_alone: false,
            provider: slot.name.clone(),
            task: OperationTask::Link { order: request.id.clone() },
            reason: String::new(),
            operator: String::new(),
            idempotency_key: None,
            component_sha256: component.sha256().to_owned(),
            settings: self.sealed_settings(slot, component)?,
            next_at: self.now().saturating_add(INTERRUPTED_SECONDS),
        };
        let begun = self.0.ledger.begin_operation(operation, self.now())?.map_err(super::refused)?;
        let _lease = self
            .0
            .running
            .wait_for_lease(&begun.operation.id)
            .ok_or_else(|| HostError::unavailable("the payment link is being made; try again in a moment"))?;
        let to_continue = self.0.ledger.operation_to_continue(&begun.operation.id)?.ok_or_else(super::no_operation)?;
        if to_continue.operation.state != OperationState::Pending {
            return self.kept_link(&to_continue.operation);
        }
        match self.running(to_continue)? {
            Some(mut running) => {
                running.journal.request.get_or_insert_with(|| request.clone());
                running.make_link()
            }
            None => Err(no_link_any_more("its journal cannot be read")),
        }
    }

    /// Returns the link that an order has by an operation that ended; `None` if there is no such operation, or it goes on. Only a
    /// component that asks has links made by calls: for others the ledger is not read.
    ///
    /// # Errors
    /// If the operation ended without a link: the order cannot be paid by one.
    pub(crate) fn ended_link(&self, component: &ActiveComponent, order: &Order) -> Result<Option<LinkOutcome>, HostError> {
        if !component.abilities().contains(&Ability::Asking) {
            return Ok(None);
        }
        match self.link_operation(order)? {
            Some(operation) if operation.state != OperationState::Pending => self.kept_link(&operation).map(Some),
            _ => Ok(None),
        }
    }

    fn kept_link(&self, operation: &Operation) -> Result<LinkOutcome, HostError> {
        match (&operation.state, link_of(operation)) {
            (_, Some(link)) if link.expires_at.is_some_and(|at| at <= self.now()) => {
                Err(no_link_any_more("its link has expired"))
            }
            (_, Some(link)) => Ok(Ok(link)),
            (OperationState::Refused { message, .. } | OperationState::Unknown { message }, None) => {
                Err(no_link_any_more(message))
            }
            _ => Err(HostError::internal("a link that was made is not readable".to_owned())),
        }
    }

    fn link_operation(&self, order: &Order) -> Result<Option<Operation>, HostError> {
        let operations = self.0.ledger.operations_of_order(&order.id)?;
        Ok(operations.into_iter().find(|operation| operation.task.kind() == OperationKind::Link))
    }
}

impl Running {
    /// Takes the provider to the link of the operation's order, and ends the operation by it.
    ///
    /// # Errors
    /// If the provider failed or is not usable, or the storage is unavailable.
    pub(super) fn make_link(mut self) -> Result<LinkOutcome, HostError> {
        let request = match self.journal.request.clone() {
            Some(request) => request,
            None => self.request_of_order()?,
        };
        self.journal.request = Some(request.clone());
        let passed = self.take_steps("create-link", |merchant, context| merchant.create_link(&request, context))?;
        let made = match passed {
            PassOutcome::Result(made) => made.and_then(|link| link_hosts::checked(link, self.host.0.outbound.as_deref())),
            PassOutcome::GaveUp(_) => Err(LinkFailure::Unknown(may_be_made())),
            PassOutcome::Later => {
                self.wait(String::new())?;
                return Ok(Err(LinkFailure::Unavailable(no_answer())));
            }
            PassOutcome::Failed(error) if self.is_bound() => {
                let (operation, order) = (self.operation.id.as_str(), request.id.as_str());
                tracing::error!(operation, order, %error, "the component failed after a call for a link was sent");
                Err(LinkFailure::Unknown(may_be_made()))
            }
            PassOutcome::Failed(error) => {
                self.end_link(PROVIDER_FAILED, error.to_string())?;
                return Err(error.into());
            }
        };
        let result = match &made {
            Ok(_) => ProviderResult::Succeeded,
            Err(LinkFailure::Failed(_)) => ProviderResult::Refused,
            Err(LinkFailure::Unavailable(_)) => ProviderResult::Unavailable,
            Err(LinkFailure::Unknown(_)) => ProviderResult::Unknown,
        };
        let is_open = result == ProviderResult::Unavailable && self.is_left_open();
        let made = if is_open || self.doubt(result).is_some() { Err(LinkFailure::Unknown(may_be_made())) } else { made };
        self.end_by_link(&made)?;
        Ok(made)
    }

    fn end_by_link(&mut self, made: &LinkOutcome) -> Result<(), HostError> {
        match made {
            Ok(link) => {
                let link = serde_json::to_string(link).map_err(|error| HostError::internal(error.to_string()))?;
                self.host.end_operation(&self.operation, OperationEnd::Completed { result: Some(link) }).map(drop)
            }
            Err(LinkFailure::Failed(problems)) => {
                let messages: Vec<String> = problems.iter().map(said).collect();
                let code = problems.first().map_or("invalid", |problem| &problem.code);
                self.end_link(code, messages.join(" "))
            }
            Err(LinkFailure::Unavailable(problem)) => {
                self.take_back_answer()?;
                let is_over = self.host.now() > self.operation.created_at.saturating_add(TRIED_SECONDS_MAX);
                match is_over {
                    true => self.end_link(&problem.code, said(problem)),
                    false => self.wait(said(problem)),
                }
            }
            // Who pays it all the same is credited, so that nobody has to decide about it.
            Err(LinkFailure::Unknown(problem)) => self.end_link(MAY_BE_MADE, said(problem)),
        }
    }

    fn end_link(&self, code: &str, message: String) -> Result<(), HostError> {
        self.host.end_operation(&self.operation, OperationEnd::Refused { code: code.to_owned(), message }).map(drop)
    }

    /// Returns the request for a link whose first request was lost before anything was sent.
    fn request_of_order(&self) -> Result<LinkRequest, HostError> {
        let id = self.operation.task.order().ok_or_else(|| HostError::internal("a link of no order".to_owned()))?;
        let order = self.host.order(id)?.ok_or_else(HostError::unknown_order)?;
        Ok(self.host.link_request(&order, Default::default()))
    }
}

fn link_of(operation: &Operation) -> Option<PaymentLink> {
    match &operation.state {
        OperationState::Done { result: Some(link), .. } => serde_json::from_str(link).ok(),
        _ => None,
    }
}

fn no_link_any_more(why: &str) -> HostError {
    let why = why.trim_end_matches('.');
    HostError::conflict(format!("this order has no payment link: {why}; make a new order, with another Idempotency-Key"))
        .with_code(ErrorCode::OrderWithoutLink)
}

fn may_be_made() -> Problem {
    let message = "It is not known whether the payment system made the link; make a new order.";
    let in_russian = "Неизвестно, создала ли платёжная система ссылку: создайте новый заказ.";
    Problem { translations: vec![("ru".to_owned(), in_russian.to_owned())], ..Problem::new("unavailable", message) }
}

fn no_answer() -> Problem {
    let message = "The payment system does not answer; try again in a minute.";
    let in_russian = "Платёжная система не отвечает: попробуйте через минуту.";
    Problem { translations: vec![("ru".to_owned(), in_russian.to_owned())], ..Problem::new("unavailable", message) }
}
