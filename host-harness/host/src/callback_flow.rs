//! The flow of one callback: the component's steps to a verdict, the ledger's record of its events, and the reply.
//!
//! A component may ask before it has a verdict, or have a call made. It is then called again with the answers. The ledger compares
//! its own answers again in the transaction that records the events; if they changed, the component begins again. Calls are not made
//! again then: a callback has only calls made that may be repeated, so that it can begin again as often as it must. No thread waits
//! while the ledger writes, a call is made or billing is asked (`billing.rs`).

mod billing;

use std::net::Ipv4Addr;
use std::sync::{Arc, Weak};
use std::time::Instant;

use domain::{
    Account, CallbackAnswer, CallbackProof, CallbackRequest, Context, Event, EventOutcome, Exchange, HttpCall, HttpReply,
    Outcome, ProvedEvent, Step, StoredCallback, Verdict, WishRefusal,
};
use ledger::{Origin, Reported, Submission, Submitted};

use crate::call_pool::Lane;
use crate::call_times::CallBudget;
use crate::callback_form::{digest, raw};
use crate::callback_result::{Answered, CallbackOutcome, CallbackResult, Judged};
use crate::card_data::CardData;
use crate::component::ActiveComponent;
use crate::error::{ErrorKind, HostError};
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::lookups::{Admission, JudgedOnce, LookupPermit, wide_network_of};
use crate::providers::measured;
use crate::questions::{told_of, told_of_ledger};
use crate::refusals::{CALLER_UNKNOWN, PROVIDER_FAILED, SUM_TOO_LARGE, TOO_MANY_LOOKUPS};
use crate::slot::ProviderSlot;
use crate::wishes::WishLease;

/// How often a provider begins again because answers changed meanwhile. Each time another callback was recorded, so that more
/// would mean that somebody floods the host.
const RESTARTS_MAX: u32 = 20;

/// A callback that was processed and, if it reported events, recorded. It remains to count and log it.
pub struct ProcessedCallback {
    host: Host,
    slot: Arc<ProviderSlot>,
    result: Result<Answered, HostError>,
    /// Whether the result is that of an equal callback, which is counted and logged itself.
    is_shared: bool,
}

impl ProcessedCallback {
    /// Counts and logs the callback, and returns its outcome. It does not block.
    ///
    /// # Errors
    /// As for [`Host::receive_callback`].
    pub fn finish(self) -> Result<CallbackOutcome, HostError> {
        self.answered().map(CallbackOutcome::from)
    }

    /// Counts and logs the callback, and returns its reply and its verdict.
    pub(crate) fn answered(self) -> Result<Answered, HostError> {
        let ProcessedCallback { host, slot, result, is_shared } = self;
        if !is_shared && let Ok(Answered { result: Judged::Recorded(recorded), .. }) = &result {
            recorded.iter().for_each(|(event, outcome)| host.count_recorded(&slot, event, outcome));
        }
        result
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
    budget: CallBudget,
    /// Whether it is stored already, and an operator has it judged again: nobody waits for a reply.
    is_again: bool,
    /// Of a callback that only an answer of the payment system proves: equal ones wait for it.
    judged_once: Option<JudgedOnce>,
    /// Of such a callback: the permit to have calls made, from the first one on.
    permit: Option<LookupPermit>,
    /// Of a wish to which billing is asked to agree: the same wish told again waits for it.
    wish: Option<WishLease>,
    /// Lives as long as the caller waits for the reply. `None`: it waits until the end.
    caller: Option<Weak<()>>,
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
        let (component, context, budget) = (slot.component(), Context::at(request.received_at), host.call_budget());
        let (judged_once, permit, wish, caller, done) = (None, None, None, None, Box::new(done));
        let (restarts, is_again) = (0, false);
        Callback {
            host,
            slot,
            component,
            lane,
            request,
            context,
            restarts,
            budget,
            is_again,
            judged_once,
            permit,
            wish,
            caller,
            done,
        }
    }

    /// Makes it one of a caller who may hang up.
    pub fn of(self, caller: Weak<()>) -> Callback {
        Callback { caller: Some(caller), ..self }
    }

    /// Makes it one that is stored already, and is judged again.
    pub fn again(self) -> Callback {
        Callback { is_again: true, ..self }
    }

    /// Begins. If only an answer of the payment system proves the callback, and an equal one is under way, it gets that one's result.
    pub fn begin(self) {
        if let Err(error) = self.require_caller() {
            return self.end(Err(error));
        }
        if self.is_again || self.component.callback_proof() != Some(CallbackProof::Lookup) {
            return self.advance();
        }
        let digest = digest(&self.request, self.component.description());
        let (host, slot) = (self.host.clone(), self.slot.clone());
        let judged = slot.lookups.judge_once(digest, self, |callback| {
            Box::new(move |result| {
                let Callback { host, slot, done, .. } = callback;
                done(ProcessedCallback { host, slot, result, is_shared: true });
            })
        });
        match judged {
            Some((mut callback, judged_once)) => {
                callback.judged_once = Some(judged_once);
                callback.advance();
            }
            None => host.0.observer.callback_processed(&slot.name, "shared"),
        }
    }

    /// Takes the provider's steps until it has a verdict or wants a call.
    fn advance(mut self) {
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
                Ok(Ok(Step::Ask(questions))) if self.host.asks_billing(&questions) => return self.ask_billing(questions),
                Ok(Ok(Step::Ask(questions))) => {
                    let answers = self.host.answer_with(&self.slot, questions, None, self.context.now);
                    self.context.asked.extend(answers);
                }
                Ok(Ok(Step::Call(call))) => return self.want_call(call),
            }
        }
    }

    /// Has a call made as soon as it may be. Where nothing proves the callback yet, anybody could have the host call, so that few
    /// such callbacks may at once.
    fn want_call(self, call: HttpCall) {
        let is_unproved = self.host.is_unproved(&self.slot.name, &self.component);
        if !is_unproved || self.permit.is_some() {
            return self.have_called(call);
        }
        let lookups = self.slot.lookups.clone();
        let go_on = |(mut callback, call): (Callback, HttpCall), permit| match permit {
            Some(permit) => {
                callback.permit = Some(permit);
                callback.have_called(call);
            }
            // From another thread: this one may be that of a callback which took its place.
            None => callback.later(Callback::turn_away),
        };
        // Without an address, as where a billing system passes a callback on, all are of one network.
        let network = wide_network_of(self.request.remote_address.parse().unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
        match lookups.admit(network, Instant::now(), (self, call), go_on) {
            Admission::Now(wanted, permit) => go_on(wanted, Some(permit)),
            Admission::Later => {}
            Admission::Refused((callback, _)) => callback.turn_away(),
        }
    }

    /// Ends a callback that proves nothing and for which no call is made, since there are too many.
    fn turn_away(self) {
        let (host, name) = (&self.host.0, &self.slot.name);
        host.refusals.count(name, TOO_MANY_LOOKUPS, self.request.received_at);
        host.observer.callback_processed(name, TOO_MANY_LOOKUPS);
        let why = "too many callbacks of this provider are being looked up; retry";
        self.end(Err(HostError::unavailable(why).with_code(ErrorCode::TooManyLookups).of_callback()));
    }

    /// Has a call made, and goes on with its result. No thread waits for it.
    fn have_called(self, call: HttpCall) {
        let time_max = match self.host.next_call_time(&self.slot, self.budget) {
            Ok(time_max) => time_max,
            Err(error) => {
                self.host.0.observer.callback_processed(&self.slot.name, "unavailable");
                return self.end(Err(error.of_callback()));
            }
        };
        let (host, slot, component) = (self.host.clone(), self.slot.clone(), self.component.clone());
        host.send_call(&slot, &component, call.clone(), time_max, move |result, time| {
            self.later(move |mut callback| {
                callback.budget = callback.budget.after(time);
                callback.context.called.push((call, result));
                callback.advance();
            });
        });
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
        if self.is_again {
            let why = format!("the component failed to judge the callback: {what}");
            return self.end(Err(HostError::new(ErrorKind::ProviderFailed, why).with_code(ErrorCode::ProviderFailed)));
        }
        let raw = self.take_masked(&[]);
        let error = self.host.store_failed(raw, PROVIDER_FAILED, what.to_owned());
        self.end(Err(error));
    }

    fn conclude(mut self, CallbackAnswer { verdict, reply }: CallbackAnswer) {
        let (host, slot) = (self.host.clone(), self.slot.clone());
        let name = slot.name.as_str();
        if self.is_again {
            return self.conclude_again(CallbackAnswer { verdict, reply });
        }
        let count = |outcome| host.0.observer.callback_processed(&slot.name, outcome);
        let result = match verdict {
            Verdict::Happened(events) => return self.happened(events, reply),
            Verdict::Wanted(event) => return self.wanted(*event, reply),
            Verdict::Answered => {
                count("answered");
                self.count_refused_accounts();
                CallbackResult::Answered
            }
            Verdict::Unresolved(problem) => {
                let raw = self.take_masked(&[]);
                if let Err(error) = host.store_unresolved(&slot, raw, problem) {
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
                if host.is_refusal_logged(&slot.name) {
                    let address = self.request.remote_address.as_str();
                    tracing::warn!(provider = name, code = problem.code, address, "a callback was refused");
                }
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
            Some(reply) => Ok(Answered { reply, result: Judged::Other(result), problem: None }),
            None => Err(HostError::internal("a callback without events has no reply".to_owned())),
        };
        self.end(ended);
    }

    /// Counts the accounts that the payment system asked about and that take no payment, as a payment of them would be counted.
    fn count_refused_accounts(&self) {
        let code = |exchange: &'_ Exchange| match exchange {
            Exchange::Account(_, Ok(None)) => Some(WishRefusal::UnknownAccount.name().to_owned()),
            Exchange::Account(_, Ok(Some(state))) => state.refusal.as_ref().map(|refusal| refusal.code.clone()),
            _ => None,
        };
        for code in self.context.asked.iter().filter_map(code) {
            self.host.0.refusals.count(&self.slot.name, &code, self.request.received_at);
        }
    }

    /// Ends a callback that is judged again. What happened is recorded; all else stays as it was stored, and is told alone.
    fn conclude_again(self, CallbackAnswer { verdict, reply }: CallbackAnswer) {
        let (result, problem) = match verdict {
            Verdict::Happened(events) => return self.happened(events, reply),
            Verdict::Wanted(_) => {
                let why = "the callback asks to agree to a payment, and the payment system waits for no reply any more: nothing was \
                           recorded, and it sends the callback again if the payment is still due";
                return self.end(Err(HostError::conflict(why).with_code(ErrorCode::CallbackNotJudgeable)));
            }
            Verdict::Answered => (CallbackResult::Answered, None),
            Verdict::Unresolved(problem) => (CallbackResult::Unresolved, Some(problem)),
            Verdict::Ignored(problem) => (CallbackResult::Ignored, Some(problem)),
            Verdict::Refused(problem) => (CallbackResult::Refused, Some(problem)),
            Verdict::Unavailable => (CallbackResult::Unavailable, None),
        };
        let ended = match reply {
            Some(reply) => Ok(Answered { reply, result: Judged::Other(result), problem }),
            None => Err(HostError::internal("a callback without events has no reply".to_owned())),
        };
        self.end(ended);
    }

    /// Returns an event as the ledger takes it.
    fn event(&self, event: &ProvedEvent) -> Event {
        Event::new(self.slot.name.clone(), event.clone())
    }

    /// Has the ledger record events, which the provider reported as `proved`. `accounts` are those that billing has.
    fn record(mut self, proved: &[ProvedEvent], reported: Reported, accounts: Vec<Account>, reply: Option<HttpReply>) {
        let answers = told_of_ledger(&self.context);
        let is_final = reply.is_some() && answers.is_empty();
        // The request is needed once more where the provider is asked for the reply, or begins again.
        let raw = Arc::new(if is_final { self.take_masked(proved) } else { self.masked(self.request.clone(), proved) });
        let events = match &reported {
            Reported::Facts(events) => events.clone(),
            Reported::Wish(event) => vec![event.clone()],
        };
        let submission = Submission {
            provider: self.slot.name.clone(),
            events: reported,
            origin: Origin::Callback(raw.clone()),
            answers,
            accounts,
            now: self.context.now,
            at: if self.is_again { self.host.now() } else { self.request.received_at },
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
                if self.is_again {
                    return self.end(Err(HostError::conflict(what).with_code(ErrorCode::CallbackNotJudgeable)));
                }
                return self.later(move |callback| {
                    let error = callback.host.store_failed(StoredCallback::clone(&raw), SUM_TOO_LARGE, what);
                    callback.end(Err(error));
                });
            }
            Err(error) => return self.not_recorded(events.len(), "not-stored", error.into(), reply.is_some()),
        };
        let (outcomes, told): (Vec<Outcome>, Vec<Option<EventOutcome>>) =
            recorded.into_iter().map(|recorded| (recorded.outcome.clone(), told_of(recorded))).unzip();
        let result = Judged::Recorded(events.into_iter().zip(outcomes).collect());
        match reply {
            Some(reply) => self.end(Ok(Answered { reply, result, problem: None })),
            None => {
                let told: Vec<EventOutcome> = told.into_iter().flatten().collect();
                self.later(move |callback| callback.reply(told, result));
            }
        }
    }

    /// Goes on where nothing of so many events can be recorded now, so that the payment system must tell them again. Where the
    /// provider left the reply open, it says so itself.
    fn not_recorded(self, events: usize, counted_as: &'static str, error: HostError, has_reply: bool) {
        self.host.0.observer.callback_processed(&self.slot.name, counted_as);
        if has_reply {
            return self.end(Err(error));
        }
        let outcomes = vec![EventOutcome::Unavailable; events];
        self.later(move |callback| callback.reply(outcomes, Judged::Other(CallbackResult::Unavailable)));
    }

    /// Calls the provider again for the reply, now that it is known what was made of its events.
    fn reply(mut self, outcomes: Vec<EventOutcome>, result: Judged) {
        self.context.outcomes = outcomes;
        let (request, context) = (&self.request, &self.context);
        let called = self.host.call(&self.slot, &self.component, "handle-callback", |merchant| {
            measured(merchant.handle_callback_measured(request, context))
        });
        let ended = match called {
            Ok(Ok(Step::Done(CallbackAnswer { reply: Some(reply), .. }))) => Ok(Answered { reply, result, problem: None }),
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
        self.wish = None;
        self.advance();
    }

    /// Goes on with a thread of the pool.
    fn later(self, go_on: impl FnOnce(Callback) + Send + 'static) {
        let (pool, lane) = (self.host.0.pool.clone(), self.lane);
        pool.submit(lane, move || go_on(self));
    }

    fn end(self, result: Result<Answered, HostError>) {
        if let Some(judged_once) = self.judged_once {
            judged_once.end(&result);
        }
        (self.done)(ProcessedCallback { host: self.host, slot: self.slot, result, is_shared: false });
    }

    /// Returns the callback in its stored form. The request is not needed any more.
    fn take_masked(&mut self, events: &[ProvedEvent]) -> StoredCallback {
        let taken = CallbackRequest { received_at: self.request.received_at, ..CallbackRequest::get("") };
        let request = std::mem::replace(&mut self.request, taken);
        self.masked(request, events)
    }

    /// Returns a callback in its stored form: as the component's description requires, secret headers are sealed and card data is
    /// masked.
    fn masked(&self, request: CallbackRequest, events: &[ProvedEvent]) -> StoredCallback {
        let description = self.component.description();
        let mut raw = raw(&self.slot.name, request, Some(description), &self.host.0.key);
        if CardData::new(description, events).mask_callback(&mut raw) {
            tracing::info!(provider = self.slot.name.as_str(), "card data in a callback was masked before it was stored");
        }
        raw
    }
}
