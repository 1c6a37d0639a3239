//! One pass of an operation through its provider, from the first step to a result. A call that must not be repeated is stored
//! before it is sent, and its answer before the provider gets it; so what a crash interrupts goes on from there.

use std::sync::Arc;

use domain::{Context, HttpCall, HttpResult, LastTry, Operation, OperationKind, Progress, Repeatable, Step, TriedCall};
use ledger::{CallDecision, GiveUp, Journal, Pass, ProviderResult, WantedCall};
use sandbox::{Error, Merchant};

use super::journal::{StoredJournal, digest};
use super::retry::retry_after;
use crate::call_times::CallBudget;
use crate::component::ActiveComponent;
use crate::error::HostError;
use crate::host::Host;
use crate::slot::ProviderSlot;

/// The outcome of a pass.
pub enum PassOutcome<T> {
    /// The provider's result.
    Result(T),
    /// The operation cannot go on, and it is not known whether it was done.
    GaveUp(GiveUp),
    /// A call that may be repeated has no answer: it is sent again later.
    Later,
    /// The provider failed.
    Failed(Error),
}

impl<T> PassOutcome<T> {
    /// Converts the provider's result.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> PassOutcome<U> {
        match self {
            PassOutcome::Result(result) => PassOutcome::Result(convert(result)),
            PassOutcome::GaveUp(why) => PassOutcome::GaveUp(why),
            PassOutcome::Later => PassOutcome::Later,
            PassOutcome::Failed(error) => PassOutcome::Failed(error),
        }
    }
}

/// An operation that is going on.
pub struct Running {
    pub host: Host,
    pub slot: Arc<ProviderSlot>,
    pub component: Arc<ActiveComponent>,
    pub operation: Operation,
    pub journal: StoredJournal,
    pub context: Context,
    pass: Pass,
    budget: CallBudget,
    /// When the schedule tries it next, where somebody has it tried before: that try is none of the schedule's.
    scheduled: Option<u64>,
    /// How the last call went, and why if it was not answered.
    last_call: Option<(TriedCall, String)>,
}

impl Running {
    /// Takes up an operation where its journal ends.
    pub fn new(
        host: Host,
        slot: Arc<ProviderSlot>,
        component: Arc<ActiveComponent>,
        operation: Operation,
        journal: StoredJournal,
    ) -> Running {
        let pass = Pass::new(journal.decisive());
        let mut context = Context::at(operation.created_at);
        // Without such a call nothing is bound to what was answered before, and what is known now is better.
        if !journal.calls.is_empty() {
            context.asked = journal.asked.clone();
            context.called = journal.reads.clone();
        }
        let budget = host.call_budget();
        Running { host, slot, component, operation, journal, context, pass, budget, scheduled: None, last_call: None }
    }

    /// Makes it a try that somebody asks for: the schedule stays as it is.
    pub fn by_hand(self) -> Running {
        Running { scheduled: self.operation.next_at, ..self }
    }

    /// Reports whether a call was made that must not be made again at will.
    pub fn is_bound(&self) -> bool {
        !self.pass.journal().calls.is_empty()
    }

    /// Reports whether a call was sent again, since its first answer is not known. A refusal is then about the last try alone: the first
    /// may have been done before a key was changed, or because of it there is nothing left to do.
    pub fn is_sent_again(&self) -> bool {
        self.pass.journal().calls.iter().any(|call| call.is_repeated)
    }

    /// Reports whether something of the operation was sent, or is about to be. The end of a subscription may be a call that can be
    /// repeated at will and stands in no journal.
    fn is_sent(&self) -> bool {
        let was_called = matches!(self.last_call, Some((TriedCall::NoAnswer | TriedCall::Answered(_), _)));
        let is_called = self.operation.task.kind() == OperationKind::Cancel && (was_called || self.operation.is_sent);
        self.is_bound() || self.journal.is_begun || is_called
    }

    /// Returns why a result ends the operation as unknown instead.
    pub fn doubt(&self, result: ProviderResult) -> Option<GiveUp> {
        self.pass.doubt(result)
    }

    /// Takes the provider's steps to a result.
    ///
    /// # Errors
    /// If the provider is not usable now, or the storage is unavailable. The operation stays as it is stored.
    pub fn take_steps<T>(
        &mut self,
        function: &'static str,
        step: impl Fn(&Merchant, &Context) -> Result<Step<T>, Error>,
    ) -> Result<PassOutcome<T>, HostError> {
        let Operation { id, task, .. } = &self.operation;
        // Whatever fails on the way is logged with it.
        let _span = tracing::error_span!(
            "for",
            operation = id.as_str(),
            kind = task.kind().name(),
            order = task.order().map(|order| order.as_str())
        )
        .entered();
        loop {
            let (host, context) = (self.host.clone(), &self.context);
            let taken = host.call(&self.slot, &self.component, function, |merchant| Ok((step(merchant, context)?, None)))?;
            match taken {
                Err(error) => return Ok(PassOutcome::Failed(error)),
                Ok(Step::Done(result)) => return Ok(PassOutcome::Result(result)),
                Ok(Step::Ask(questions)) => {
                    let answers = host.answer(&self.slot, questions, self.context.now);
                    self.context.asked.extend(answers);
                }
                Ok(Step::Call(call)) => {
                    if let Some(passed) = self.take_call(call)? {
                        return Ok(passed);
                    }
                }
            }
        }
    }

    /// Makes a call, or answers it from the journal. Returns what the pass came to if it ends with it.
    fn take_call<T>(&mut self, call: HttpCall) -> Result<Option<PassOutcome<T>>, HostError> {
        let (digest, repeatable, now) = (digest(&call)?, call.repeatable, self.host.now());
        let result = match self.pass.decide(WantedCall { digest: &digest, repeatable }, now) {
            CallDecision::GiveUp(why) => return Ok(Some(PassOutcome::GaveUp(why))),
            CallDecision::Send if repeatable == Repeatable::Always => {
                let result = self.host.call_and_wait(&self.slot, &self.component, call.clone(), &mut self.budget)?;
                self.last_call = Some(tried(&result));
                result
            }
            CallDecision::Send | CallDecision::SendAgain => match self.send(&call, &digest)? {
                HttpResult::Unknown(_) if repeatable != Repeatable::Never => return Ok(Some(PassOutcome::Later)),
                result => result,
            },
            CallDecision::AnswerAsBefore => match self.journal.answer(&digest) {
                Some(answer) => HttpResult::Response(answer.clone()),
                None => return Err(HostError::internal("an answer of an operation is not in its journal".to_owned())),
            },
            CallDecision::AnswerUnknown => {
                HttpResult::Unknown("it was sent before this program stopped, and its answer is not known".to_owned())
            }
        };
        self.context.called.push((call, result));
        Ok(None)
    }

    /// Sends a call that must not be repeated at will.
    fn send(&mut self, call: &HttpCall, digest: &str) -> Result<HttpResult, HostError> {
        self.journal.asked = self.context.asked.clone();
        let is_read = |(call, _): &&(HttpCall, HttpResult)| call.repeatable == Repeatable::Always;
        self.journal.reads = self.context.called.iter().filter(is_read).cloned().collect();
        // If this program stops from here on, the operation goes on by itself after this time.
        self.store(Some(self.host.now().saturating_add(super::retry::INTERRUPTED_SECONDS)))?;
        let result = self.host.call_and_wait(&self.slot, &self.component, call.clone(), &mut self.budget);
        self.last_call = result.as_ref().ok().map(tried);
        let result = result.map(|result| open_if_failed(result, call.repeatable));
        match &result {
            Ok(HttpResult::Response(answer)) => {
                self.pass.answered();
                if let Some(sent) = self.journal.calls.iter_mut().find(|sent| sent.digest == digest) {
                    sent.answer = Some(answer.clone());
                }
                self.store(self.operation.next_at)?;
            }
            Ok(HttpResult::NotSent(_)) | Err(_) => {
                self.pass.not_sent();
                self.store(self.operation.next_at)?;
            }
            Ok(HttpResult::Unknown(_)) => {}
        }
        result
    }

    /// Stores how far the operation has come. It is on disk when this returns.
    ///
    /// # Errors
    /// If the storage is unavailable, or the operation has ended.
    pub fn store(&mut self, next_at: Option<u64>) -> Result<(), HostError> {
        self.journal.follow(self.pass.journal());
        let is_sent = self.is_sent();
        let progress = Progress {
            journal: self.journal.seal(&self.host.0.key)?,
            reference: self.operation.reference.clone(),
            next_at,
            tries: self.operation.tries,
            is_sent,
            last_try: self.operation.last_try.clone(),
        };
        self.host.0.ledger.save_progress(self.operation.id.clone(), progress)?.map_err(super::ended)?;
        (self.operation.next_at, self.operation.is_sent) = (next_at, is_sent);
        Ok(())
    }

    /// Stores that something was sent, if that is not stored yet: the end of a subscription may be a call that stands in no journal.
    ///
    /// # Errors
    /// If the storage is unavailable, or the operation has ended.
    pub fn store_sent(&mut self) -> Result<(), HostError> {
        if self.is_sent() && !self.operation.is_sent { self.store(self.operation.next_at) } else { Ok(()) }
    }

    /// Waits for the next try: as long as [`retry_after`] says, or until that of the schedule if this one is none of it. `said` is
    /// what the provider says of this one.
    ///
    /// # Errors
    /// If the storage is unavailable, or the operation has ended.
    pub fn wait(&mut self, said: String) -> Result<(), HostError> {
        let now = self.host.now();
        if let Some(scheduled) = self.scheduled.filter(|scheduled| *scheduled > now) {
            return self.store_try(said, Some(scheduled));
        }
        let next_at = retry_after(self.operation.tries, now);
        self.operation.tries = self.operation.tries.saturating_add(1);
        self.store_try(said, Some(next_at))
    }

    /// Stores what this try came to, and when the operation goes on.
    ///
    /// # Errors
    /// If the storage is unavailable, or the operation has ended.
    pub fn store_try(&mut self, said: String, next_at: Option<u64>) -> Result<(), HostError> {
        let (call, why) = self.last_call.clone().unzip();
        let message = if said.is_empty() { why.unwrap_or_default() } else { said };
        self.operation.last_try = Some(LastTry { at: self.host.now(), call, message });
        self.store(next_at)
    }

    /// Takes back the answer by which the provider said that nothing was done, so that the call is made again: only if it judged by
    /// that answer, and by nothing that it read later.
    ///
    /// # Errors
    /// If the call cannot be written, which is a fault of this program.
    pub fn take_back_answer(&mut self) -> Result<(), HostError> {
        let Some((call, HttpResult::Response(_))) = self.context.called.last() else { return Ok(()) };
        let (digest, last) = (digest(call)?, self.pass.journal().calls.last());
        if last.is_some_and(|last| last.digest == digest) {
            self.pass.not_done();
        }
        Ok(())
    }

    /// Takes the answer by which the provider cannot say what was done for none, so that the call is sent again: only if it judged by
    /// that answer, and the payment system still knows the call by its key. Returns whether it did.
    ///
    /// # Errors
    /// If the call cannot be written, which is a fault of this program.
    pub fn take_answer_for_none(&mut self) -> Result<bool, HostError> {
        let Some((call, HttpResult::Response(_))) = self.context.called.last() else { return Ok(false) };
        let (digest, repeatable) = (digest(call)?, call.repeatable);
        Ok(self.pass.not_told(WantedCall { digest: &digest, repeatable }, self.host.now()))
    }

    /// Reports whether the provider judged by the answer of a payment system that failed at a call that is not to be sent again: nobody
    /// knows what that call did, also where the provider says that nothing was done.
    pub fn is_left_open(&self) -> bool {
        let last = self.context.called.last();
        last.is_some_and(|(call, result)| {
            let failed = matches!(result, HttpResult::Response(answer) if answer.is_of_failure());
            failed && call.repeatable == Repeatable::Never
        })
    }

    /// Forgets the calls that were made, since they have begun the operation at the payment system.
    pub fn forget_calls(&mut self) {
        self.pass = Pass::new(Journal::default());
        self.journal.calls.clear();
        self.journal.asked.clear();
        self.journal.reads.clear();
    }

    /// Forgets what was answered, since it is no longer so. Only for an operation that is not bound.
    pub fn begin_again(&mut self) {
        self.context = Context::at(self.operation.created_at);
    }

    /// Returns what the ledger compares again before it records an event: nothing if a call was made that changed something,
    /// since what that did is a fact.
    pub fn told(&self) -> Vec<(domain::LedgerQuestion, domain::LedgerAnswer)> {
        if self.is_bound() { Vec::new() } else { crate::questions::told_of_ledger(&self.context) }
    }
}

/// Returns how a call went, and why if it was not answered.
fn tried(result: &HttpResult) -> (TriedCall, String) {
    match result {
        HttpResult::Response(answer) => (TriedCall::Answered(answer.status), String::new()),
        HttpResult::NotSent(why) => (TriedCall::NotSent, why.clone()),
        HttpResult::Unknown(why) => (TriedCall::NoAnswer, why.clone()),
    }
}

/// A payment system that fails leaves open what it did. Where it knows a call by its key, that is as good as no answer: the call is
/// sent again.
fn open_if_failed(result: HttpResult, repeatable: Repeatable) -> HttpResult {
    match result {
        HttpResult::Response(answer) if answer.is_of_failure() && matches!(repeatable, Repeatable::Within(_)) => {
            HttpResult::Unknown(format!("it was answered with status {}", answer.status))
        }
        result => result,
    }
}
