//! Callbacks of payment systems. The component decides the verdict, the ledger records the event, and the reply is sent when it
//! is on disk.

use std::sync::{Arc, mpsc};

use domain::{
    CallbackRequest, Event, HttpMethod, HttpReply, OrderId, Outcome, Problem, ProvedEvent, ProviderName, StoreOutcome,
    StoredCallback, TransactionId, Verdict,
};

use ledger::{Submission, Submitted};

use crate::call_pool::Lane;
use crate::card_data::CardData;
use crate::component::ActiveComponent;
use crate::error::{ErrorKind, HostError};
use crate::host::Host;
use crate::providers::measured;
use crate::refusals;
use crate::registry::Availability;
use crate::slot::ProviderSlot;

/// The headers that are not stored with a callback, besides `proxy-…`: see [`is_stored_header`].
const DROPPED_HEADERS: [&str; 8] =
    ["authorization", "cookie", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// How many unproved callbacks of a provider with one code are stored before an operator must acknowledge some. Limited, because
/// anybody can send one.
const UNPROVED_MAX: u64 = 1_000;
/// The same for proved callbacks. Limited, because an attacker who intercepted one can send it again with other
/// unsigned fields. Above the limit the payment system gets an error, and sends the callback again.
const PROVED_MAX: u64 = 10_000;
/// The log line of a callback beyond these.
const NOT_STORED: &str = "a callback was not stored: too many unrecognized callbacks of this provider wait for an operator; \
    acknowledge them on the page «Неопознанные»";

/// The codes under which the host counts its own refusals.
const PROVIDER_FAILED: &str = "provider-failed";
const SUM_TOO_LARGE: &str = "sum-too-large";
const OTHER_ADDRESS: &str = "other-address";
const NOT_LOADED: &str = "provider-not-loaded";
const REMOVED: &str = "provider-removed";

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
    /// It was accepted, and the ledger recorded this outcome.
    Accepted(Outcome),
    /// It is proved but not understood. It is stored, and waits for an operator.
    Unresolved,
    /// It is proved, but not about money.
    Ignored,
    /// It is not proved, or is for another merchant.
    Refused,
}

/// A callback that was processed and, if accepted, recorded. It remains to count and log it.
pub struct ProcessedCallback {
    host: Host,
    slot: Arc<ProviderSlot>,
    result: Result<Answered, HostError>,
}

struct Answered {
    reply: HttpReply,
    result: Judged,
}

/// The verdict on a callback, with the ledger's outcome for an accepted one.
enum Judged {
    Accepted { transaction: TransactionId, order: Option<OrderId>, outcome: Result<Outcome, ledger::Error> },
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
            Judged::Accepted { transaction, order, outcome } => {
                let outcome = outcome.inspect_err(|_| host.0.observer.callback_processed(&slot.name, "not-stored"))?;
                host.count_recorded(&slot, &transaction, order.as_ref(), &outcome);
                CallbackResult::Accepted(outcome)
            }
        };
        Ok(CallbackOutcome { reply, result })
    }
}

impl Host {
    /// Processes a callback of a payment system: its component decides the verdict, and the ledger records an accepted event.
    /// Returns when the event is on disk, so that nothing that the reply acknowledges is lost. A repetition of a callback gets
    /// the same reply and credits nothing more. The time of receipt is now, by the host's clock, and not that of the request.
    ///
    /// # Errors
    /// If the payment system is not loaded or not usable, its component failed, or the storage is unavailable. Then send the
    /// payment system an error such as HTTP's 503 instead of a reply, so that it sends the callback again.
    pub fn receive_callback(&self, provider: &ProviderName, request: CallbackRequest) -> Result<CallbackOutcome, HostError> {
        let slot = self.0.registry.get(provider).map_err(HostError::of_callback)?;
        let request = CallbackRequest { received_at: self.now(), ..request };
        let (done, processed) = mpsc::sync_channel(1);
        // The receiver below waits until the result is sent.
        self.process(slot, Lane::Main, request, move |processed| drop(done.send(processed)));
        let ended = || HostError::internal("a callback ended without a result".to_owned());
        processed.recv().map_err(|_| ended())?.finish()
    }

    /// Does the same as [`Host::receive_callback`] on the host's own threads. No thread waits while the ledger writes. `done`
    /// may be called on the ledger's thread, which must not be blocked: pass the callback on, and finish it on another thread.
    /// If the component's call panics, `done` is dropped without a call.
    ///
    /// # Errors
    /// If the payment system is not loaded.
    pub fn submit_callback(
        &self,
        provider: &ProviderName,
        lane: Lane,
        request: CallbackRequest,
        done: impl FnOnce(ProcessedCallback) + Send + 'static,
    ) -> Result<(), HostError> {
        let slot = self.0.registry.get(provider).map_err(HostError::of_callback)?;
        let request = CallbackRequest { received_at: self.now(), ..request };
        let host = self.clone();
        self.0.pool.submit(lane, move || host.process(slot, lane, request, done));
        Ok(())
    }

    fn process(
        &self,
        slot: Arc<ProviderSlot>,
        lane: Lane,
        request: CallbackRequest,
        done: impl FnOnce(ProcessedCallback) + Send + 'static,
    ) {
        let host = self.clone();
        let (reply, event, raw) = match self.evaluate(&slot, request) {
            Ok(Evaluated::Accepted { reply, event, raw }) => (reply, event, raw),
            Ok(Evaluated::Other(reply, result)) => {
                let result = Ok(Answered { reply, result: Judged::Other(result) });
                return done(ProcessedCallback { host, slot, result });
            }
            Err(error) => return done(ProcessedCallback { host, slot, result: Err(error) }),
        };
        let (transaction, order) = (event.facts.transaction.clone(), event.facts.order.clone());
        let raw = Arc::new(raw);
        let submission = Submission::of_callback(*event, raw.clone());
        self.0.ledger.submit(submission, move |submitted| match outcome(submitted) {
            Err(ledger::Error::SumTooLarge(what)) => {
                // The callback is proved, and every repetition would fail again, so that an operator must see it. It is stored
                // from another thread, since the ledger's thread cannot wait for itself.
                let said = ledger::Error::SumTooLarge(what).to_string();
                host.0.pool.clone().submit(lane, move || {
                    let result = Err(host.store_failed(StoredCallback::clone(&raw), SUM_TOO_LARGE, said));
                    done(ProcessedCallback { host, slot, result });
                });
            }
            outcome => {
                let result = Ok(Answered { reply, result: Judged::Accepted { transaction, order, outcome } });
                done(ProcessedCallback { host, slot, result });
            }
        });
    }

    /// Calls the component for its verdict. Stores the callback for the operator if the component fails or the verdict is
    /// "unresolved".
    fn evaluate(&self, slot: &ProviderSlot, request: CallbackRequest) -> Result<Evaluated, HostError> {
        let observer = &self.0.observer;
        let component = slot.component();
        let answer =
            self.call(slot, &component, "handle-callback", |merchant| measured(merchant.handle_callback_measured(&request)));
        let answer =
            answer.inspect_err(|_| observer.callback_processed(&slot.name, "failed")).map_err(HostError::of_callback)?;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                return Err(self.store_failed(masked(slot, &component, request, None), PROVIDER_FAILED, error.to_string()));
            }
        };
        let reply = answer.reply;
        Ok(match answer.verdict {
            Verdict::Accepted(mut event) => {
                let raw = masked(slot, &component, request, Some(&event));
                CardData::mask_event(component.description(), &mut event);
                Evaluated::Accepted { reply, event: Box::new(Event::new(slot.name.clone(), event)), raw }
            }
            Verdict::Unresolved(problem) => {
                self.store_unresolved(slot, &component, request, problem)?;
                Evaluated::Other(reply, CallbackResult::Unresolved)
            }
            Verdict::Ignored(problem) => {
                observer.callback_processed(&slot.name, "ignored");
                tracing::info!(provider = slot.name.as_str(), code = problem.code, "a callback was ignored");
                Evaluated::Other(reply, CallbackResult::Ignored)
            }
            Verdict::Refused(problem) => {
                observer.callback_processed(&slot.name, "refused");
                tracing::warn!(provider = slot.name.as_str(), code = problem.code, "a callback was refused");
                self.0.refusals.count(&slot.name, &problem.code, request.received_at);
                Evaluated::Other(reply, CallbackResult::Refused)
            }
        })
    }

    /// Stores an unresolved callback, once for all its repetitions.
    fn store_unresolved(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        request: CallbackRequest,
        problem: Problem,
    ) -> Result<(), HostError> {
        let raw = masked(slot, component, request, None);
        let (observer, name) = (&self.0.observer, &slot.name);
        let Problem { code, mut message, .. } = problem;
        CardData::new(component.description(), None).mask_named("", &mut message);
        let stored = self.0.ledger.store_unrecognized(raw, code.clone(), message, Some(PROVED_MAX));
        let stored = stored.inspect_err(|_| observer.callback_processed(name, "not-stored"))?;
        observer.callback_processed(name, "unresolved");
        match stored {
            StoreOutcome::Stored => {
                tracing::warn!(
                    provider = name.as_str(),
                    code,
                    "a callback has a valid signature but could not be resolved; an operator must review it"
                );
            }
            StoreOutcome::Repeated => {
                tracing::info!(provider = name.as_str(), code, "an unresolved callback was repeated")
            }
            StoreOutcome::LimitReached => {
                tracing::error!(provider = name.as_str(), code, "{NOT_STORED}");
                let detail = "the callback could not be stored; retry";
                return Err(HostError::new(ErrorKind::Unavailable, detail));
            }
        }
        Ok(())
    }

    fn count_recorded(&self, slot: &ProviderSlot, transaction: &TransactionId, order: Option<&OrderId>, outcome: &Outcome) {
        let (transaction, order) = (transaction.as_str(), order.map_or("", OrderId::as_str));
        let name = match outcome {
            Outcome::Recorded { repeated: false, .. } => {
                // Wakes the followers of the feed. Nothing but new entries does, so that forgers cannot make all of them poll.
                self.0.observer.entries_changed();
                "entered"
            }
            Outcome::Unmatched { repeated: false, .. } => "unmatched",
            Outcome::Recorded { .. } | Outcome::Unmatched { .. } => "repeated",
            Outcome::NoMovement { .. } => "no-money",
            Outcome::Refused(_) => "refused",
            Outcome::Contradiction { id } => {
                if let Some(id) = id {
                    let said = "a repeated callback contradicts the first one; an operator must review both";
                    tracing::warn!(provider = slot.name.as_str(), transaction, id, "{said}");
                }
                "contradiction"
            }
        };
        self.0.observer.callback_processed(&slot.name, name);
        slot.set_accepted(self.now());
        tracing::info!(provider = slot.name.as_str(), transaction, order, outcome = name, "a callback was accepted");
    }

    /// Stores an unproved callback, unless the same one is stored already or too many wait.
    fn store_unproved(&self, raw: StoredCallback, code: &str, message: String) -> Result<StoreOutcome, ledger::Error> {
        let provider = raw.provider.clone();
        let stored = self.0.ledger.store_unrecognized(raw, code.to_owned(), message, Some(UNPROVED_MAX))?;
        if stored == StoreOutcome::LimitReached {
            tracing::error!(provider = provider.as_str(), code, "{NOT_STORED}");
        }
        Ok(stored)
    }

    /// Stores a callback that the component failed to process or the ledger could not enter. The returned error makes the
    /// payment system send the callback again, whether or not it could be stored.
    fn store_failed(&self, raw: StoredCallback, code: &str, what: String) -> HostError {
        self.0.observer.callback_processed(&raw.provider, "failed");
        self.0.refusals.count(&raw.provider, code, raw.received_at);
        let stored = match code {
            PROVIDER_FAILED => self.store_unproved(raw, code, what),
            _ => self.0.ledger.store_unrecognized(raw, code.to_owned(), what, None),
        };
        match stored {
            Ok(_) => HostError::new(ErrorKind::Unavailable, "the callback could not be processed; retry"),
            Err(error) => error.into(),
        }
    }

    /// Counts a callback from an address from which its payment system does not send.
    pub fn count_other_address(&self, provider: &ProviderName) {
        self.0.refusals.count(provider, OTHER_ADDRESS, self.now());
        self.0.observer.callback_processed(provider, "refused");
    }

    /// Counts a callback to an address without a payment system. Somebody may have entered a wrong callback address.
    pub fn count_unknown_address(&self, address: &str) {
        let mut address = address.to_owned();
        CardData::default().mask_named("", &mut address);
        self.0.observer.callback_processed(refusals::OTHER, refusals::UNKNOWN_ADDRESS);
        if self.0.refusals.count_unknown(&address, self.now()) {
            tracing::warn!(
                address,
                "a callback came to an unknown address; correct the callback address at the payment system"
            );
        }
    }

    /// Counts a callback of a payment system that is removed or not loaded.
    pub fn count_absent(&self, provider: &ProviderName) {
        let code = match self.availability(provider) {
            Some(Availability::Removed) => REMOVED,
            _ => NOT_LOADED,
        };
        self.0.refusals.count(provider, code, self.now());
        self.0.observer.callback_processed(provider, code);
    }

    /// Stores a callback of a removed payment system, unless the same one is stored already or too many wait.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn store_for_removed(&self, provider: &ProviderName, request: CallbackRequest) -> Result<(), HostError> {
        let mut raw = raw(provider, CallbackRequest { received_at: self.now(), ..request });
        // Without the component, the required fields are not known, so that everything that looks like a card number is masked.
        CardData::default().mask_callback(&mut raw);
        let message = format!(
            "It came after {provider} was removed, and nobody judged it: nothing was credited. If its payments are still due, add \
             the payment system again under this name; else tell it to send nothing here"
        );
        if self.store_unproved(raw, REMOVED, message)? == StoreOutcome::Stored {
            tracing::warn!(
                provider = provider.as_str(),
                "a callback of a removed provider was stored; an operator must review it"
            );
        }
        Ok(())
    }

    /// Returns the error for callbacks of a payment system that takes no calls.
    pub fn callbacks_unavailable() -> HostError {
        HostError::unavailable("callbacks cannot be processed now; retry later").of_callback()
    }
}

/// Returns the outcome of a submission of one fact without answers.
fn outcome(submitted: Result<Submitted, ledger::Error>) -> Result<Outcome, ledger::Error> {
    submitted?.into_outcome().ok_or_else(|| ledger::Error::Unavailable("an event has no outcome".to_owned()))
}

enum Evaluated {
    Accepted { reply: HttpReply, event: Box<Event>, raw: StoredCallback },
    Other(HttpReply, CallbackResult),
}

/// Returns a callback in its stored form: as the component's description requires, secret headers are left out and card data is
/// masked.
fn masked(
    slot: &ProviderSlot,
    component: &ActiveComponent,
    request: CallbackRequest,
    event: Option<&ProvedEvent>,
) -> StoredCallback {
    let mut raw = raw(&slot.name, request);
    let read = &component.description().headers;
    raw.headers.retain(|(name, _)| !read.iter().any(|header| header.secret && header.name == *name));
    if CardData::new(component.description(), event).mask_callback(&mut raw) {
        tracing::info!(provider = slot.name.as_str(), "card data in a callback was masked before it was stored");
    }
    raw
}

/// Returns a callback in its stored form, in which card data is not masked yet.
fn raw(provider: &ProviderName, request: CallbackRequest) -> StoredCallback {
    StoredCallback {
        provider: provider.clone(),
        received_at: request.received_at,
        method: if request.method == HttpMethod::Get { "GET" } else { "POST" }.to_owned(),
        query: request.query,
        headers: request.headers.into_iter().filter(|(name, _)| is_stored_header(name)).collect(),
        body: request.body,
        remote_address: request.remote_address,
        is_masked: false,
    }
}

/// Reports whether a header is stored with its callback, for a replay. Credentials are not stored: they could be a secret of
/// this host, since its pages and its API use cookies and a token. Hop-by-hop headers are of no use later. A provider that
/// verifies by `authorization` refuses its callback in a replay.
fn is_stored_header(name: &str) -> bool {
    !DROPPED_HEADERS.contains(&name) && !name.starts_with("proxy-")
}
