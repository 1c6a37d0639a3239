//! The flow of one callback: the component's steps to a verdict, the ledger's record of its events, and the reply.
//!
//! A component may ask before it has a verdict. It is then called again with the answers, and the ledger compares these again in
//! the transaction that records the events. If they changed, the component begins again. No thread waits while the ledger writes.

use std::sync::Arc;

use domain::{
    CallbackAnswer, CallbackRequest, Context, Event, EventOutcome, HttpReply, HttpResult, Outcome, ProvedEvent, Repeatable,
    Step, StoredCallback, Verdict,
};
use ledger::{Origin, Recorded, Reported, Submission, Submitted};

use crate::call_pool::Lane;
use crate::callback_form::raw;
use crate::card_data::CardData;
use crate::component::ActiveComponent;
use crate::error::HostError;
use crate::host::Host;
use crate::providers::measured;
use crate::questions::{disagreement, told_of_ledger};
use crate::refusals::{CALLER_UNKNOWN, PROVIDER_FAILED, SUM_TOO_LARGE};
use crate::slot::ProviderSlot;

/// How often a provider begins again because answers changed meanwhile. Each time another callback was recorded, so that more
/// would mean that somebody floods the host.
const RESTARTS_MAX: u32 = 20;

/// The outcome of a callback, for the payment system and for the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CallbackOutcome {
    /// The provider's reply, to send to the payment system. Whatever it acknowledges is on disk.
    pub reply: HttpReply,
    /// The verdict, and what the ledger recorded.
    pub result: CallbackResult,
}

/// The result of processing a callback.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CallbackResult {
    /// It reported events, and the ledger recorded these outcomes, in their order.
    Accepted(Vec<Outcome>),
    /// It was answered, and there was nothing to record.
    Answered,
    /// It is proved but not understood. It is stored, and waits for an operator.
    Unresolved,
    /// It is proved, but not about money.
    Ignored,
    /// It is not proved, or is for another merchant.
    Refused,
    /// It cannot be judged now, and nothing was stored. The reply has the payment system send it again.
    Unavailable,
}

/// A callback that was processed and, if it reported events, recorded. It remains to count and log it.
pub struct ProcessedCallback {
    host: Host,
    slot: Arc<ProviderSlot>,
    result: Result<Answered, HostError>,
}

struct Answered {
    reply: HttpReply,
    result: Judged,
}

/// The verdict on a callback, with the ledger's outcomes for its events.
enum Judged {
    Recorded(Vec<(Event, Outcome)>),
    Other(CallbackResult),
}

impl ProcessedCallback {
    /// Counts and logs the callback, and returns its outcome. It does not block.
    ///
    /// # Errors
    /// As for [`Host::receive_callback`].
    pub fn finish(self) -> Result<CallbackOutcome, HostError> {
        let ProcessedCallback { host, slot, result } = self;
        let Answered { reply, result } = result?;
        let result = match result {
            Judged::Other(result) => result,
            Judged::Recorded(recorded) => {
                recorded.iter().for_each(|(event, outcome)| host.count_recorded(&slot, event, outcome));
                CallbackResult::Accepted(recorded.into_iter().map(|(_, outcome)| outcome).collect())
            }
        };
        Ok(CallbackOutcome { reply, result })
    }
}

type Done = Box<dyn FnOnce(ProcessedCallback) + Send>;

/// A callback that is being judged.
pub struct Callback {
    host: Host,
    slot: Arc<ProviderSlot>,
    component: Arc<ActiveComponent>,
    lane: Lane,
    request: CallbackRequest,
    context: Context,
    restarts: u32,
    done: Done,
}

impl Callback {
    /// Creates it for a component that was not asked yet. `done` is called with the result.
    pub fn new(
        host: Host,
        slot: Arc<ProviderSlot>,
        lane: Lane,
        request: CallbackRequest,
        done: impl FnOnce(ProcessedCallback) + Send + 'static,
    ) -> Callback {
        let (component, context) = (slot.component(), Context::at(request.received_at));
        Callback { host, slot, component, lane, request, context, restarts: 0, done: Box::new(done) }
    }

    /// Takes the provider's steps until it has a verdict.
    pub fn advance(mut self) {
        if let Err(error) = self.require_caller() {
            return self.end(Err(error));
        }
        loop {
            let (request, context) = (&self.request, &self.context);
            let called = self.host.call(&self.slot, &self.component, "handle-callback", |merchant| {
                measured(merchant.handle_callback_measured(request, context))
            });
            match called {
                Err(error) => {
                    self.host.0.observer.callback_processed(&self.slot.name, "failed");
                    return self.end(Err(error.of_callback()));
                }
                Ok(Err(error)) => return self.fail(&error.to_string()),
                Ok(Ok(Step::Done(answer))) => return self.conclude(answer),
                Ok(Ok(Step::Ask(questions))) => {
                    let answers = self.host.answer(&self.slot, questions, self.context.now);
                    self.context.asked.extend(answers);
                }
                Ok(Ok(Step::Call(call))) => {
                    let result = HttpResult::NotSent("this host makes no calls".to_owned());
                    self.context.called.push((call, result));
                }
            }
        }
    }

    /// Returns an error if nothing proves the callback and its caller is not known either.
    fn require_caller(&self) -> Result<(), HostError> {
        let (host, slot) = (&self.host.0, &self.slot);
        if !self.host.is_caller_unknown(&slot.name, &self.component) {
            return Ok(());
        }
        let why = "its callbacks prove nothing by themselves: tell the host who may send them (--callback-from, --callback-credentials or \
             --callback-certificate), and it takes them";
        slot.fail(self.request.received_at, why.to_owned());
        host.refusals.count(&slot.name, CALLER_UNKNOWN, self.request.received_at);
        host.observer.callback_processed(&slot.name, CALLER_UNKNOWN);
        Err(HostError::unavailable("callbacks of this provider are not taken yet").of_callback())
    }

    /// Stores the callback for an operator, since the provider failed to judge it.
    fn fail(mut self, what: &str) {
        let raw = self.take_masked(&[]);
        let error = self.host.store_failed(raw, PROVIDER_FAILED, what.to_owned());
        self.end(Err(error));
    }

    fn conclude(mut self, CallbackAnswer { verdict, reply }: CallbackAnswer) {
        let (host, slot) = (self.host.clone(), self.slot.clone());
        let count = |outcome| host.0.observer.callback_processed(&slot.name, outcome);
        let name = slot.name.as_str();
        let result = match verdict {
            Verdict::Happened(events) => return self.record(events, Reported::Facts, reply),
            Verdict::Wanted(event) => return self.record(vec![*event], wish, reply),
            Verdict::Answered => {
                count("answered");
                CallbackResult::Answered
            }
            Verdict::Unresolved(problem) => {
                let raw = self.take_masked(&[]);
                if let Err(error) = host.store_unresolved(&slot, &self.component, raw, problem) {
                    return self.end(Err(error));
                }
                CallbackResult::Unresolved
            }
            Verdict::Ignored(problem) => {
                count("ignored");
                tracing::info!(provider = name, code = problem.code, "a callback was ignored");
                CallbackResult::Ignored
            }
            Verdict::Refused(problem) => {
                count("refused");
                tracing::warn!(provider = name, code = problem.code, "a callback was refused");
                host.0.refusals.count(&slot.name, &problem.code, self.request.received_at);
                CallbackResult::Refused
            }
            Verdict::Unavailable => {
                count("unavailable");
                tracing::warn!(provider = name, "a callback cannot be judged now: a question was not answered");
                CallbackResult::Unavailable
            }
        };
        let ended = match reply {
            Some(reply) => Ok(Answered { reply, result: Judged::Other(result) }),
            None => Err(HostError::internal("a callback without events has no reply".to_owned())),
        };
        self.end(ended);
    }

    /// Has the ledger record events.
    fn record(mut self, proved: Vec<ProvedEvent>, reported: fn(Vec<Event>) -> Reported, reply: Option<HttpReply>) {
        let answers = if self.is_bound() { Vec::new() } else { told_of_ledger(&self.context) };
        let is_final = reply.is_some() && answers.is_empty();
        let at = self.request.received_at;
        // The request is needed once more where the provider is asked for the reply, or begins again.
        let raw = Arc::new(if is_final { self.take_masked(&proved) } else { self.masked(self.request.clone(), &proved) });
        let provider = &self.slot.name;
        let event = |mut event: ProvedEvent| {
            CardData::mask_event(self.component.description(), &mut event);
            Event::new(provider.clone(), event)
        };
        let events: Vec<Event> = proved.into_iter().map(event).collect();
        let submission = Submission {
            provider: provider.clone(),
            events: reported(events.clone()),
            origin: Origin::Callback(raw.clone()),
            answers,
            now: self.context.now,
            at,
            wants_states: reply.is_none(),
        };
        let ledger = self.host.0.ledger.clone();
        ledger.submit(submission, move |submitted| self.recorded(submitted, events, &raw, reply));
    }

    /// Goes on when the ledger has recorded events, or could not. Called on the ledger's thread, which must not wait.
    fn recorded(
        self,
        submitted: Result<Submitted, ledger::Error>,
        events: Vec<Event>,
        raw: &Arc<StoredCallback>,
        reply: Option<HttpReply>,
    ) {
        let recorded = match submitted {
            Ok(Submitted::Done(recorded)) => recorded,
            Ok(Submitted::AnswersChanged) => return self.later(Callback::begin_again),
            Err(ledger::Error::SumTooLarge(what)) => {
                // The callback is proved, and every repetition would fail again, so that an operator must see it. It is stored
                // from another thread, since the ledger's thread cannot wait for itself.
                let (raw, what) = (raw.clone(), ledger::Error::SumTooLarge(what).to_string());
                return self.later(move |callback| {
                    let error = callback.host.store_failed(StoredCallback::clone(&raw), SUM_TOO_LARGE, what);
                    callback.end(Err(error));
                });
            }
            Err(error) => {
                self.host.0.observer.callback_processed(&self.slot.name, "not-stored");
                if reply.is_some() {
                    return self.end(Err(error.into()));
                }
                let outcomes = vec![EventOutcome::Unavailable; events.len()];
                return self.later(move |callback| callback.reply(outcomes, Judged::Other(CallbackResult::Unavailable)));
            }
        };
        let (outcomes, told): (Vec<Outcome>, Vec<Option<EventOutcome>>) =
            recorded.into_iter().map(|recorded| (recorded.outcome.clone(), told(recorded))).unzip();
        let result = Judged::Recorded(events.into_iter().zip(outcomes).collect());
        match reply {
            Some(reply) => self.end(Ok(Answered { reply, result })),
            None => {
                let told: Vec<EventOutcome> = told.into_iter().flatten().collect();
                self.later(move |callback| callback.reply(told, result));
            }
        }
    }

    /// Calls the provider again for the reply, now that it is known what was made of its events.
    fn reply(mut self, outcomes: Vec<EventOutcome>, result: Judged) {
        self.context.outcomes = outcomes;
        let (request, context) = (&self.request, &self.context);
        let called = self.host.call(&self.slot, &self.component, "handle-callback", |merchant| {
            measured(merchant.handle_callback_measured(request, context))
        });
        let ended = match called {
            Ok(Ok(Step::Done(CallbackAnswer { reply: Some(reply), .. }))) => Ok(Answered { reply, result }),
            // What was recorded stays so, and a repetition gets its reply.
            Ok(made) => {
                let why = made.map_or_else(|error| error.to_string(), |_| "it answered with another step".to_owned());
                tracing::error!(provider = self.slot.name.as_str(), why, "events are recorded, but the provider made no reply");
                Err(HostError::unavailable("the reply to the callback could not be made; retry").of_callback())
            }
            Err(error) => Err(error.of_callback()),
        };
        self.end(ended);
    }

    /// Forgets what the provider was told, since it is no longer so, and takes its steps from the beginning.
    fn begin_again(mut self) {
        self.restarts += 1;
        if self.restarts > RESTARTS_MAX {
            self.host.0.observer.callback_processed(&self.slot.name, "failed");
            let why = "what the provider was told changed too often while it judged the callback; retry";
            return self.end(Err(HostError::unavailable(why).of_callback()));
        }
        self.context.asked.clear();
        self.advance();
    }

    /// Reports whether a call was made that must not be made again, so that the provider cannot begin again.
    fn is_bound(&self) -> bool {
        self.context.called.iter().any(|(call, _)| call.repeatable != Repeatable::Always)
    }

    /// Goes on with a thread of the pool.
    fn later(self, go_on: impl FnOnce(Callback) + Send + 'static) {
        let (pool, lane) = (self.host.0.pool.clone(), self.lane);
        pool.submit(lane, move || go_on(self));
    }

    fn end(self, result: Result<Answered, HostError>) {
        (self.done)(ProcessedCallback { host: self.host, slot: self.slot, result });
    }

    /// Returns the callback in its stored form. The request is not needed any more.
    fn take_masked(&mut self, events: &[ProvedEvent]) -> StoredCallback {
        let taken = CallbackRequest { received_at: self.request.received_at, ..CallbackRequest::get("") };
        let request = std::mem::replace(&mut self.request, taken);
        self.masked(request, events)
    }

    /// Returns a callback in its stored form: as the component's description requires, secret headers are left out and card data
    /// is masked.
    fn masked(&self, request: CallbackRequest, events: &[ProvedEvent]) -> StoredCallback {
        let description = self.component.description();
        let mut raw = raw(&self.slot.name, request);
        raw.headers.retain(|(name, _)| !description.headers.iter().any(|header| header.secret && header.name == *name));
        if CardData::new(description, events).mask_callback(&mut raw) {
            tracing::info!(provider = self.slot.name.as_str(), "card data in a callback was masked before it was stored");
        }
        raw
    }
}

/// Returns an event that is wanted, as the ledger takes it.
fn wish(events: Vec<Event>) -> Reported {
    match <[Event; 1]>::try_from(events) {
        Ok([event]) => Reported::Wish(event),
        Err(events) => Reported::Facts(events),
    }
}

/// Returns what a provider is told of an event. `None` if the ledger did not return its movement.
fn told(Recorded { outcome, movement }: Recorded) -> Option<EventOutcome> {
    Some(match outcome {
        Outcome::Refused(refusal) => EventOutcome::Refused(disagreement(refusal)),
        Outcome::Recorded { repeated: false, .. } | Outcome::NoMovement { repeated: false } => EventOutcome::Entered(movement?),
        Outcome::Unmatched { repeated: false, .. } => EventOutcome::Kept(movement?),
        Outcome::Recorded { .. } | Outcome::Unmatched { .. } | Outcome::NoMovement { .. } => EventOutcome::Repeated(movement?),
        Outcome::Contradiction { .. } => EventOutcome::Conflict(movement?),
    })
}
