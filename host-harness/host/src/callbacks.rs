//! What payment systems tell: judged by the provider, recorded by the ledger, and answered when it is on disk.

use std::sync::{Arc, mpsc};

use domain::{
    CallbackRequest, Event, HttpMethod, HttpReply, OrderId, Outcome, Problem, ProvedEvent, ProviderName, StoreOutcome,
    StoredCallback, TransactionId, Verdict,
};

use crate::call_pool::Lane;
use crate::card_data::CardData;
use crate::component::ActiveComponent;
use crate::error::{ErrorKind, HostError};
use crate::host::Host;
use crate::providers::measured;
use crate::refusals;
use crate::registry::Availability;
use crate::slot::ProviderSlot;

/// The headers that are not stored with a callback, beside `proxy-…`: see [`is_stored_header`].
const DROPPED_HEADERS: [&str; 8] =
    ["authorization", "cookie", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// How many callbacks that nothing proves are stored for a provider and code until an operator has acknowledged some: anyone can
/// send one.
const UNPROVED_MAX: u64 = 1_000;
/// The same for proved callbacks: whoever has seen one can send it with other unsigned fields. The payment system then gets an error,
/// and sends its callback again.
const PROVED_MAX: u64 = 10_000;

/// The codes under which the host counts what it refuses itself.
const PROVIDER_FAILED: &str = "provider-failed";
const SUM_TOO_LARGE: &str = "sum-too-large";
const OTHER_ADDRESS: &str = "other-address";
const NOT_LOADED: &str = "provider-not-loaded";
const REMOVED: &str = "provider-removed";

/// What a callback came to, for the payment system and for whoever received it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CallbackOutcome {
    /// The provider's reply, which the payment system is to hear. What it acknowledges is on disk.
    pub reply: HttpReply,
    /// What became of it.
    pub result: CallbackResult,
}

/// What became of a callback.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CallbackResult {
    /// It was accepted, and the ledger recorded what it came to.
    Accepted(Outcome),
    /// It is proved and not understood; it is stored, and waits for an operator.
    Unresolved,
    /// It is none of the host's business.
    Ignored,
    /// Nothing proves it, or it is not for this merchant.
    Refused,
}

/// A callback that was processed and, where it was accepted, recorded: what is left is to count and log it.
pub struct ProcessedCallback {
    host: Host,
    slot: Arc<ProviderSlot>,
    result: Result<Answered, HostError>,
}

struct Answered {
    reply: HttpReply,
    result: Judged,
}

/// How a provider judged a callback, with what became of an accepted one.
enum Judged {
    Accepted { transaction: TransactionId, order: Option<OrderId>, outcome: Result<Outcome, ledger::Error> },
    Other(CallbackResult),
}

impl ProcessedCallback {
    /// Counts and logs it, and gives what it came to. It does not block.
    ///
    /// # Errors
    /// As [`Host::receive_callback`].
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
    /// Processes a callback of a payment system: its provider judges it, and the ledger records what is accepted. It returns when that is
    /// on disk, so that what the reply acknowledges is never lost. The same callback again has the same reply and credits nothing more.
    /// It is received now, by the host's clock, whatever the request says.
    ///
    /// # Errors
    /// The payment system is not loaded or cannot be used, its provider failed, or the storage is unavailable. The payment system is to
    /// hear none of the provider's replies then, but an error such as HTTP's 503: it sends the callback again.
    pub fn receive_callback(&self, provider: &ProviderName, request: CallbackRequest) -> Result<CallbackOutcome, HostError> {
        let slot = self.0.registry.get(provider)?;
        let request = CallbackRequest { received_at: self.now(), ..request };
        let (done, processed) = mpsc::sync_channel(1);
        // Whoever waits is there until it comes.
        self.process(slot, Lane::Main, request, move |processed| drop(done.send(processed)));
        let ended = || HostError::internal("a callback ended without a result".to_owned());
        processed.recv().map_err(|_| ended())?.finish()
    }

    /// As [`Host::receive_callback`], on the host's own threads: no thread waits while the ledger writes. `done` may be called on the
    /// ledger's thread, which other callbacks wait for: it hands the callback on, to be finished elsewhere. It is dropped without a call
    /// where the provider's call panics.
    ///
    /// # Errors
    /// The payment system is not loaded.
    pub fn submit_callback(
        &self,
        provider: &ProviderName,
        lane: Lane,
        request: CallbackRequest,
        done: impl FnOnce(ProcessedCallback) + Send + 'static,
    ) -> Result<(), HostError> {
        let slot = self.0.registry.get(provider)?;
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
        self.0.ledger.submit_event(*event, raw.clone(), move |outcome| match outcome {
            Err(ledger::Error::SumTooLarge(what)) => {
                // It is proved, and would be refused for ever: the operator must see it. The ledger's thread cannot wait for itself.
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

    /// The provider's word on a callback; what it cannot judge, and what is proved and not understood, is stored for the operator.
    fn evaluate(&self, slot: &ProviderSlot, request: CallbackRequest) -> Result<Evaluated, HostError> {
        let observer = &self.0.observer;
        let component = slot.component();
        let answer =
            self.call(slot, &component, "handle-callback", |merchant| measured(merchant.handle_callback_measured(&request)));
        let answer = answer.inspect_err(|_| observer.callback_processed(&slot.name, "failed"))?;
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

    /// Stores what is proved and not understood, once, however often it comes.
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
                    "a callback is proved and not understood; the operator must look at it"
                );
            }
            StoreOutcome::Repeated => {
                tracing::info!(provider = name.as_str(), code, "a callback that is kept as not understood came again")
            }
            StoreOutcome::LimitReached => {
                let said = "a proved callback is not kept: too many of its provider wait for the operator";
                tracing::error!(provider = name.as_str(), code, "{said}");
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
                // Whoever follows the entries looks again; for nothing else, or forgers would make everybody look.
                self.0.observer.entries_changed();
                "entered"
            }
            Outcome::Unmatched { repeated: false, .. } => "unmatched",
            Outcome::Recorded { .. } | Outcome::Unmatched { .. } => "repeated",
            Outcome::NoMovement => "no-money",
            Outcome::Contradiction { id } => {
                if let Some(id) = id {
                    let said = "a callback repeats an event and says something else; the operator must look at both";
                    tracing::warn!(provider = slot.name.as_str(), transaction, id, "{said}");
                }
                "contradiction"
            }
        };
        self.0.observer.callback_processed(&slot.name, name);
        slot.set_accepted(self.now());
        tracing::info!(provider = slot.name.as_str(), transaction, order, outcome = name, "a callback was accepted");
    }

    /// Stores a callback that nothing proves, unless the same was stored before, or too many wait.
    fn store_unproved(&self, raw: StoredCallback, code: &str, message: String) -> Result<StoreOutcome, ledger::Error> {
        let provider = raw.provider.clone();
        let stored = self.0.ledger.store_unrecognized(raw, code.to_owned(), message, Some(UNPROVED_MAX))?;
        if stored == StoreOutcome::LimitReached {
            tracing::error!(
                provider = provider.as_str(),
                code,
                "a callback is not kept: too many of its provider wait for the operator"
            );
        }
        Ok(stored)
    }

    /// The provider could not judge, or the ledger not enter: the payment system tells it again in any case; where the callback cannot
    /// be stored either, that is what it hears.
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

    /// Counts a callback that came from an address from which its payment system does not send.
    pub fn count_other_address(&self, provider: &ProviderName) {
        self.0.refusals.count(provider, OTHER_ADDRESS, self.now());
        self.0.observer.callback_processed(provider, "refused");
    }

    /// Counts a callback that came to an address where no payment system is: somebody may have entered a wrong one there.
    pub fn count_unknown_address(&self, address: &str) {
        let mut address = address.to_owned();
        CardData::default().mask_named("", &mut address);
        self.0.observer.callback_processed(refusals::OTHER, refusals::UNKNOWN_ADDRESS);
        if self.0.refusals.count_unknown(&address, self.now()) {
            tracing::warn!(address, "a callback came to an address where no provider is");
        }
    }

    /// Counts a callback of a payment system that takes no calls.
    pub fn count_absent(&self, provider: &ProviderName) {
        let code = match self.availability(provider) {
            Some(Availability::Removed) => REMOVED,
            _ => NOT_LOADED,
        };
        self.0.refusals.count(provider, code, self.now());
        self.0.observer.callback_processed(provider, code);
    }

    /// Stores a callback of a removed payment system, unless the same was stored before, or too many wait.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn store_for_removed(&self, provider: &ProviderName, request: CallbackRequest) -> Result<(), HostError> {
        let mut raw = raw(provider, CallbackRequest { received_at: self.now(), ..request });
        // Which of its fields decide, nobody knows any more: what looks like a card number is none of them.
        CardData::default().mask_callback(&mut raw);
        let message = format!(
            "It came after {provider} was removed, and nobody judged it: nothing was credited. If its payments are still due, add \
             the payment system again under this name; else tell it to send nothing here"
        );
        if self.store_unproved(raw, REMOVED, message)? == StoreOutcome::Stored {
            tracing::warn!(provider = provider.as_str(), "a callback of a removed provider is kept for the operator");
        }
        Ok(())
    }

    /// What a payment system that takes no calls is told.
    pub fn callbacks_unavailable() -> HostError {
        HostError::out_of_order("callbacks cannot be processed now; retry later")
    }
}

enum Evaluated {
    Accepted { reply: HttpReply, event: Box<Event>, raw: StoredCallback },
    Other(HttpReply, CallbackResult),
}

/// A callback as it is stored: without card data, by the component that judged it.
fn masked(
    slot: &ProviderSlot,
    component: &ActiveComponent,
    request: CallbackRequest,
    event: Option<&ProvedEvent>,
) -> StoredCallback {
    let mut raw = raw(&slot.name, request);
    if CardData::new(component.description(), event).mask_callback(&mut raw) {
        tracing::warn!(provider = slot.name.as_str(), "a callback held card data, which is masked before it is kept");
    }
    raw
}

/// A callback as it is stored, but for card data, which it may still hold.
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

/// Whether a header is stored with its callback, so that a provider can judge it again. What a caller shows to be let in could be a
/// secret of this host (its own pages and its API have cookies and a token), and what is of one connection tells nothing later. A
/// provider that judges by `authorization` refuses its callback when that is replayed.
fn is_stored_header(name: &str) -> bool {
    !DROPPED_HEADERS.contains(&name) && !name.starts_with("proxy-")
}
