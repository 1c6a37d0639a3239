//! Callbacks that an operator must review: the unrecognized ones, and those that contradict an earlier one.

use domain::{CallbackProof, Contradiction, HttpMethod, ReviewFilter, StoredCallback, UnrecognizedCallback};

use crate::callback_flow::Callback;
use crate::callback_form::{Reopened, reopened};
use crate::callback_result::{Answered, CallbackResult, JudgedAgain};
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::text::operator_name;

fn not_waiting() -> HostError {
    HostError::not_found("callback, or it was already acknowledged").with_code(ErrorCode::CallbackNotWaiting)
}

fn not_acknowledged() -> HostError {
    HostError::not_found("acknowledged callback").with_code(ErrorCode::CallbackNotAcknowledged)
}

/// Logs an operator's decision, if there was something to decide about; otherwise returns the error `missing`.
fn decided(is_done: bool, id: u64, operator: &str, what: &'static str, missing: fn() -> HostError) -> Result<(), HostError> {
    if !is_done {
        return Err(missing());
    }
    tracing::info!(id, operator, "{what}");
    Ok(())
}

/// Returns an error if a callback is not stored as it came.
fn require_whole(callback: &StoredCallback) -> Result<(), HostError> {
    let why = if HttpMethod::from_name(&callback.method.to_lowercase()).is_none() {
        "this is what the payment system answered to a question, and no callback; ask again about the order instead"
    } else if callback.is_masked {
        "card data in the callback was masked before it was stored, so that its proof need not hold any more: look at the payment \
         system, and enter a correction if the money is there"
    } else {
        return Ok(());
    };
    Err(HostError::conflict(why).with_code(ErrorCode::CallbackNotJudgeable))
}

impl Host {
    /// Has the active component judge an unrecognized callback again, as after a faulty component was swapped. What happened by it is
    /// recorded, and the callback acknowledged for the operator; otherwise it waits as before. A callback that asks to agree to a
    /// payment is not recorded, since nobody waits for the reply.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it does not wait,
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it cannot be judged again; else its provider is not loaded or failed
    /// again, or the storage is unavailable.
    pub fn judge_again(&self, id: u64, operator: String) -> Result<JudgedAgain, HostError> {
        let operator = operator_name(operator)?;
        let first_waiting = ReviewFilter::WaitingAfter(id.saturating_sub(1));
        let waiting = self.0.ledger.unrecognized(first_waiting, 1)?.into_iter().find(|callback| callback.id == id);
        let callback = waiting.ok_or_else(not_waiting)?.callback;
        require_whole(&callback)?;
        let slot = self.0.registry.get(&callback.provider)?;
        if slot.component().callback_proof() == Some(CallbackProof::Caller) {
            let why = "callbacks of this provider prove nothing by themselves, and who sent this one is not known any more: the payment \
                       system sends it again, if it is still due";
            return Err(HostError::conflict(why).with_code(ErrorCode::CallbackNotJudgeable));
        }
        let Reopened { request, lacks_headers } = reopened(&callback, &self.0.key);
        let Answered { result, problem, .. } = self.process_and_wait(slot, request, Callback::again)?.answered()?;
        let result = CallbackResult::from(result);
        if matches!(result, CallbackResult::Accepted(_)) {
            self.0.ledger.acknowledge_judged(id, operator.clone(), self.now())?;
        }
        let provider = callback.provider.as_str();
        let code = problem.as_ref().map(|problem| problem.code.as_str());
        tracing::info!(
            id,
            operator,
            provider,
            verdict = result.name(),
            code,
            lacks_headers,
            "a stored callback was judged again"
        );
        Ok(JudgedAgain { result, problem, lacks_headers })
    }

    /// Returns unrecognized callbacks.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn unrecognized_callbacks(&self, which: ReviewFilter, limit: u32) -> Result<Vec<UnrecognizedCallback>, HostError> {
        Ok(self.0.ledger.unrecognized(which, limit)?)
    }

    /// Returns how many of them wait.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn unrecognized_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.unrecognized_count()?)
    }

    /// Returns callbacks that repeat an event and contradict it.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn contradictions(&self, which: ReviewFilter, limit: u32) -> Result<Vec<Contradiction>, HostError> {
        Ok(self.0.ledger.contradictions(which, limit)?)
    }

    /// Returns how many of them wait.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn contradiction_count(&self) -> Result<u64, HostError> {
        Ok(self.0.ledger.contradiction_count()?)
    }

    /// Acknowledges an unrecognized callback, and stores by whom.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it does not wait; else the storage is unavailable.
    pub fn acknowledge_unrecognized(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = operator_name(operator)?;
        let is_done = self.0.ledger.acknowledge_unrecognized(id, operator.clone(), self.now())?;
        decided(is_done, id, &operator, "an operator acknowledged an unrecognized callback", not_waiting)
    }

    /// Reopens an acknowledged callback, so that it waits again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it was not acknowledged; else the storage is unavailable.
    pub fn reopen_unrecognized(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = operator_name(operator)?;
        let is_done = self.0.ledger.reopen_unrecognized(id)?;
        decided(is_done, id, &operator, "an operator reopened an unrecognized callback", not_acknowledged)
    }

    /// Acknowledges a contradiction, and stores by whom.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it does not wait; else the storage is unavailable.
    pub fn acknowledge_contradiction(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = operator_name(operator)?;
        let is_done = self.0.ledger.acknowledge_contradiction(id, operator.clone(), self.now())?;
        decided(is_done, id, &operator, "an operator acknowledged a contradiction", not_waiting)
    }

    /// Reopens an acknowledged contradiction, so that it waits again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it was not acknowledged; else the storage is unavailable.
    pub fn reopen_contradiction(&self, id: u64, operator: String) -> Result<(), HostError> {
        let operator = operator_name(operator)?;
        let is_done = self.0.ledger.reopen_contradiction(id)?;
        decided(is_done, id, &operator, "an operator reopened a contradiction", not_acknowledged)
    }
}
