//! Goes on with an operation: takes its provider to a result, and ends it by that result.

use domain::{
    CancelResult, Event, LinkRequest, Money, Operation, OperationId, OperationKind, OperationResult, OperationState,
    OperationTask, OperationToContinue, PaymentReference, Pending, Problem, ProvedEvent, RefundRequest,
};
use ledger::{ASK_AGAIN_SECONDS_MIN, EndedOperation, OperationEnd, ProviderResult, WAIT_SECONDS_MAX};

use super::function_of;
use super::journal::StoredJournal;
use super::pass::{PassOutcome, Running};
use super::retry::TRIED_SECONDS_MAX;
use super::sentences::{COMPONENT_FAILED, SEALED_BY_OTHER_KEY, explain};
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;

/// How often an operation begins again because answers changed meanwhile.
const RESTARTS_MAX: u32 = 20;
/// The code of an operation whose provider failed before anything was sent.
const PROVIDER_FAILED: &str = "provider-failed";

/// Who has an operation go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trigger {
    /// It was begun, or its time has come.
    Schedule,
    /// Somebody asks for it.
    Person,
}

impl Host {
    /// Goes on with an operation until it ends or has to wait. Does nothing if it is not pending, or goes on already.
    ///
    /// # Errors
    /// If its provider is not usable now, or the storage is unavailable. The operation stays as it is, and is tried again.
    pub(crate) fn go_on(&self, id: &OperationId) -> Result<(), HostError> {
        self.go_on_as(id, Trigger::Schedule)
    }

    /// Does the same now, for somebody who asks for it.
    ///
    /// # Errors
    /// As for [`Host::go_on`].
    pub(super) fn go_on_by_hand(&self, id: &OperationId) -> Result<(), HostError> {
        self.go_on_as(id, Trigger::Person)
    }

    fn go_on_as(&self, id: &OperationId, trigger: Trigger) -> Result<(), HostError> {
        match self.try_to_go_on(id, trigger) {
            // It was withdrawn meanwhile, or a callback ended it.
            Err(error) if error.code == Some(ErrorCode::OperationEnded) => Ok(()),
            done => done,
        }
    }

    fn try_to_go_on(&self, id: &OperationId, trigger: Trigger) -> Result<(), HostError> {
        let Some(_lease) = self.0.running.lease(id) else { return Ok(()) };
        let Some(to_continue) = self.0.ledger.operation_to_continue(id)? else { return Ok(()) };
        if to_continue.operation.state != OperationState::Pending {
            return Ok(());
        }
        let running = self.running(to_continue)?;
        let running = if trigger == Trigger::Person { running.map(Running::by_hand) } else { running };
        match running {
            Some(running) if running.operation.task.kind() == OperationKind::Link => running.make_link().map(drop),
            Some(running) => running.run(),
            None => Ok(()),
        }
    }

    /// Takes up an operation. `None` if its journal cannot be read: it is unknown then.
    pub(super) fn running(&self, to_continue: OperationToContinue) -> Result<Option<Running>, HostError> {
        let OperationToContinue { mut operation, settings, journal } = to_continue;
        let Some(journal) = StoredJournal::open(&self.0.key, &journal) else {
            let message = SEALED_BY_OTHER_KEY.to_owned();
            self.end_operation(&operation, OperationEnd::Unknown { message })?;
            return Ok(None);
        };
        let slot = self.0.registry.get(&operation.provider)?;
        let component = match journal.is_empty() {
            true => self.active_component_of(&slot, &mut operation, &settings)?,
            false => self.component_of(&slot, &operation, &settings)?,
        };
        Ok(Some(Running::new(self.clone(), slot, component, operation, journal)))
    }

    pub(super) fn end_operation(&self, operation: &Operation, end: OperationEnd) -> Result<EndedOperation, HostError> {
        let ended = self.0.ledger.end_operation(operation.id.clone(), end, self.now())?.map_err(super::ended)?;
        if let EndedOperation::Ended { operation, .. } = &ended {
            tracing::info!(
                provider = operation.provider.as_str(),
                operation = operation.id.as_str(),
                kind = operation.task.kind().name(),
                state = operation.state.name(),
                "an operation ended"
            );
        }
        Ok(ended)
    }
}

/// The outcome of a task, whichever kind of operation it is of.
enum TaskOutcome {
    Moved(Box<ProvedEvent>),
    Cancelled,
    Pending(Pending),
    Refused(Problem),
    Unavailable(Problem),
    Unknown(Problem),
}

impl TaskOutcome {
    fn as_provider_result(&self) -> ProviderResult {
        match self {
            TaskOutcome::Moved(_) | TaskOutcome::Cancelled => ProviderResult::Succeeded,
            TaskOutcome::Pending(_) => ProviderResult::Pending,
            TaskOutcome::Refused(_) => ProviderResult::Refused,
            TaskOutcome::Unavailable(_) => ProviderResult::Unavailable,
            TaskOutcome::Unknown(_) => ProviderResult::Unknown,
        }
    }
}

impl From<OperationResult> for TaskOutcome {
    fn from(result: OperationResult) -> TaskOutcome {
        match result {
            OperationResult::Succeeded(event) => TaskOutcome::Moved(event),
            OperationResult::Pending(pending) => TaskOutcome::Pending(pending),
            OperationResult::Refused(problem) => TaskOutcome::Refused(problem),
            OperationResult::Unavailable(problem) => TaskOutcome::Unavailable(problem),
            OperationResult::Unknown(problem) => TaskOutcome::Unknown(problem),
        }
    }
}

impl From<CancelResult> for TaskOutcome {
    fn from(result: CancelResult) -> TaskOutcome {
        match result {
            CancelResult::Cancelled => TaskOutcome::Cancelled,
            CancelResult::Refused(problem) => TaskOutcome::Refused(problem),
            CancelResult::Unavailable(problem) => TaskOutcome::Unavailable(problem),
            CancelResult::Unknown(problem) => TaskOutcome::Unknown(problem),
        }
    }
}

impl Running {
    /// Takes the provider to a result and ends the operation by it. Begins again if answers changed meanwhile.
    fn run(mut self) -> Result<(), HostError> {
        for _ in 0..RESTARTS_MAX {
            let passed = self.pass()?;
            if self.end_by(passed)? {
                return Ok(());
            }
            self.begin_again();
        }
        self.wait(String::new())
    }

    fn pass(&mut self) -> Result<PassOutcome<TaskOutcome>, HostError> {
        let is_begun = self.journal.is_begun;
        let (task, function) = (self.operation.task.clone(), function_of(self.operation.task.kind(), is_begun));
        let reference = self.operation.reference.clone();
        let reference = reference.as_deref();
        match task {
            OperationTask::Refund { payment, amount } => {
                let request = self.refund_request(self.host.reference_of_payment(&self.slot, payment)?, amount);
                let passed = self.take_steps(function, |merchant, context| match is_begun {
                    true => merchant.query_refund(&request, reference, context),
                    false => merchant.refund_payment(&request, context),
                });
                Ok(passed?.map(TaskOutcome::from))
            }
            OperationTask::Charge { payment, order } => {
                let payment = self.host.reference_of_payment(&self.slot, payment)?;
                let order = self.host.reference_of_order(&self.slot, &order)?.order;
                let order = order.ok_or_else(HostError::unknown_order)?;
                let order = LinkRequest {
                    description: order.description,
                    callback_url: self.host.callback_url(&self.slot.name),
                    ..LinkRequest::new(order.id, order.account, order.amount)
                };
                let passed = self.take_steps(function, |merchant, context| match is_begun {
                    true => merchant.query_charge(&payment, &order, reference, context),
                    false => merchant.charge_again(&payment, &order, context),
                });
                Ok(passed?.map(TaskOutcome::from))
            }
            OperationTask::Cancel { payment } => {
                let payment = self.host.reference_of_payment(&self.slot, payment)?;
                let passed = self.take_steps(function, |merchant, context| merchant.cancel_recurring(&payment, context));
                Ok(passed?.map(TaskOutcome::from))
            }
            OperationTask::Link { .. } => Err(HostError::internal("a link is made by other functions".to_owned())),
        }
    }

    fn refund_request(&self, payment: PaymentReference, amount: Money) -> RefundRequest {
        let is_whole = payment
            .movement
            .as_ref()
            .is_some_and(|state| state.later.is_empty() && state.movement.event.facts.amount == amount);
        RefundRequest {
            id: self.operation.id.clone(),
            payment,
            amount,
            full: is_whole,
            reason: self.operation.reason.clone(),
            receipt: None,
        }
    }

    /// Ends the operation by what a pass came to, or stores when it goes on. Returns `false` if it must begin again.
    fn end_by(&mut self, passed: PassOutcome<TaskOutcome>) -> Result<bool, HostError> {
        let outcome = match passed {
            PassOutcome::Result(outcome) => outcome,
            PassOutcome::GaveUp(why) => return self.end_unknown(explain(why).to_owned()),
            PassOutcome::Later => return self.wait(String::new()).map(|()| true),
            PassOutcome::Failed(error) if self.is_bound() => {
                tracing::error!(operation = self.operation.id.as_str(), %error, "the component failed after a call was sent");
                return self.end_unknown(COMPONENT_FAILED.to_owned());
            }
            PassOutcome::Failed(error) => {
                let (code, message) = (PROVIDER_FAILED.to_owned(), error.to_string());
                return self.end(OperationEnd::Refused { code, message });
            }
        };
        if let Some(why) = self.doubt(outcome.as_provider_result()) {
            return self.end_unknown(explain(why).to_owned());
        }
        let outcome = match outcome {
            TaskOutcome::Unavailable(problem) if self.is_left_open() => TaskOutcome::Unknown(problem),
            outcome => outcome,
        };
        match outcome {
            TaskOutcome::Moved(event) => self.end_moved(*event),
            TaskOutcome::Cancelled => self.end(OperationEnd::Completed { result: None }),
            TaskOutcome::Pending(pending) => self.wait_for(pending).map(|()| true),
            TaskOutcome::Refused(problem) if self.is_sent_again() => {
                let operation = self.operation.id.as_str();
                tracing::warn!(operation, problem = problem.message, "it is refused, and an earlier try may have been done");
                if !self.can_be_asked_about() {
                    return self.end_unknown(said(&problem));
                }
                self.begin_to_ask(None);
                self.wait(said(&problem)).map(|()| true)
            }
            TaskOutcome::Refused(problem) => {
                let Problem { code, .. } = &problem;
                self.end(OperationEnd::Refused { code: code.clone(), message: said(&problem) })
            }
            TaskOutcome::Unavailable(problem) => {
                self.take_back_answer()?;
                let is_over = self.host.now() > self.operation.created_at.saturating_add(TRIED_SECONDS_MAX);
                match (is_over, self.is_bound() || self.journal.is_begun) {
                    (false, _) => self.wait(said(&problem)).map(|()| true),
                    (true, true) => self.end_unknown(said(&problem)),
                    (true, false) => self.end(OperationEnd::Refused { code: problem.code.clone(), message: said(&problem) }),
                }
            }
            TaskOutcome::Unknown(problem) if self.take_answer_for_none()? => {
                let operation = self.operation.id.as_str();
                tracing::warn!(operation, problem = problem.message, "the answer tells nothing; the call is sent again later");
                self.wait(said(&problem)).map(|()| true)
            }
            TaskOutcome::Unknown(problem) if self.can_be_asked_about() => {
                tracing::warn!(operation = self.operation.id.as_str(), problem = problem.message, "it is asked about later");
                self.begin_to_ask(None);
                self.wait(said(&problem)).map(|()| true)
            }
            TaskOutcome::Unknown(problem) => self.end_unknown(said(&problem)),
        }
    }

    /// Reports whether the provider can still tell what became of the operation: its status was not asked for yet.
    fn can_be_asked_about(&self) -> bool {
        let kind = self.operation.task.kind();
        matches!(kind, OperationKind::Refund | OperationKind::Charge) && !self.journal.is_begun
    }

    fn end_moved(&mut self, event: ProvedEvent) -> Result<bool, HostError> {
        let event = Event::new(self.slot.name.clone(), event);
        let end = OperationEnd::Moved { event: event.clone(), answers: self.told(), now: self.context.now };
        match self.host.end_operation(&self.operation, end)? {
            EndedOperation::AnswersChanged => Ok(false),
            EndedOperation::Ended { recorded, operation } => {
                if let OperationState::Unknown { message } = &operation.state {
                    log_unknown(&operation, message);
                }
                if let Some(recorded) = recorded {
                    self.host.tell_recorded(&self.slot, &event, &recorded.outcome);
                    if self.operation.task.kind() == OperationKind::Refund && self.component.pays_back_one_at_a_time() {
                        self.host.look_after_refund(&self.slot, &event);
                    }
                }
                Ok(true)
            }
        }
    }

    fn end_unknown(&mut self, message: String) -> Result<bool, HostError> {
        log_unknown(&self.operation, &message);
        self.end(OperationEnd::Unknown { message })
    }

    fn end(&mut self, end: OperationEnd) -> Result<bool, HostError> {
        self.store_sent()?;
        self.host.end_operation(&self.operation, end).map(|_| true)
    }

    /// Waits for the payment system.
    fn wait_for(&mut self, pending: Pending) -> Result<(), HostError> {
        self.begin_to_ask(pending.reference);
        let pause = pending.ask_again.map(|seconds| u64::from(seconds).clamp(ASK_AGAIN_SECONDS_MIN, WAIT_SECONDS_MAX));
        self.store_try(String::new(), pause.map(|pause| self.host.now().saturating_add(pause)))
    }

    /// From now on the operation's status is asked for, by reads alone: what began it is not sent again.
    fn begin_to_ask(&mut self, reference: Option<String>) {
        self.journal.is_begun = true;
        self.operation.reference = reference.or(self.operation.reference.take());
        self.forget_calls();
    }
}

fn log_unknown(operation: &Operation, message: &str) {
    tracing::error!(
        provider = operation.provider.as_str(),
        operation = operation.id.as_str(),
        message,
        "it is not known whether an operation was done; an operator must find out on the page «Операции»"
    );
}

/// The message of a problem, in Russian where it has one: operators read it.
pub fn said(problem: &Problem) -> String {
    problem.message_in("ru").to_owned()
}
