//! Callbacks of payment systems: their acceptance, and what is counted and stored of them beside events.

use std::sync::{Arc, Weak, mpsc};
use std::time::Instant;

use domain::{CallbackProof, CallbackRequest, Event, EventKind, Outcome, Problem, ProviderName, StoreOutcome, StoredCallback};

use crate::call_pool::Lane;
use crate::callback_flow::{Callback, ProcessedCallback};
use crate::callback_form::raw;
use crate::callback_result::CallbackOutcome;
use crate::card_data::CardData;
use crate::component::ActiveComponent;
use crate::error::{ErrorKind, HostError};
use crate::host::Host;
use crate::operations::said;
use crate::refusals::{self, PROVIDER_FAILED};
use crate::registry::Availability;
use crate::slot::ProviderSlot;

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
const NOT_LOADED: &str = "provider-not-loaded";
const REMOVED: &str = "provider-removed";

impl Host {
    /// Reports whether to log one more refused callback of a provider: some a minute are logged, and then how many were not.
    pub fn is_refusal_logged(&self, provider: &ProviderName) -> bool {
        self.0.refusal_log.is_due(provider, Instant::now())
    }

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
        self.process_and_wait(slot, request, |callback| callback)?.finish()
    }

    /// Processes a callback, and waits until it has a result.
    pub(crate) fn process_and_wait(
        &self,
        slot: Arc<ProviderSlot>,
        request: CallbackRequest,
        as_what: impl FnOnce(Callback) -> Callback,
    ) -> Result<ProcessedCallback, HostError> {
        let (done, processed) = mpsc::sync_channel(1);
        // The receiver below waits until the result is sent.
        let callback = Callback::new(self.clone(), slot, Lane::Main, request, move |processed| drop(done.send(processed)));
        as_what(callback).begin();
        processed.recv().map_err(|_| HostError::internal("a callback ended without a result".to_owned()))
    }

    /// Does the same as [`Host::receive_callback`] on the host's own threads. No thread waits while the ledger writes. `done`
    /// may be called on the ledger's thread, which must not be blocked: pass the callback on, and finish it on another thread.
    /// If the component's call panics, `done` is dropped without a call. Once `caller` is dropped, nobody waits for the reply:
    /// billing is not asked then whether it agrees to what is wanted, and nothing of it is recorded.
    ///
    /// # Errors
    /// If the payment system is not loaded.
    pub fn submit_callback(
        &self,
        provider: &ProviderName,
        lane: Lane,
        request: CallbackRequest,
        caller: Weak<()>,
        done: impl FnOnce(ProcessedCallback) + Send + 'static,
    ) -> Result<(), HostError> {
        let slot = self.0.registry.get(provider).map_err(HostError::of_callback)?;
        let request = CallbackRequest { received_at: self.now(), ..request };
        let callback = Callback::new(self.clone(), slot, lane, request, done).of(caller);
        self.0.pool.submit(lane, move || callback.begin());
        Ok(())
    }

    /// Reports whether a provider takes no callbacks: they prove nothing by themselves, and nobody said who may send them.
    pub fn is_caller_unknown(&self, provider: &ProviderName, component: &ActiveComponent) -> bool {
        component.callback_proof() == Some(CallbackProof::Caller) && !self.0.known_callers.contains(provider)
    }

    /// Reports whether only an answer of the payment system proves the callbacks of a provider, and nobody said who may send them:
    /// anybody has a call made by one. `false` for a provider that is not loaded.
    pub fn looks_up(&self, provider: &ProviderName) -> bool {
        self.0.registry.get(provider).is_ok_and(|slot| self.is_unproved(provider, &slot.component()))
    }

    pub(crate) fn is_unproved(&self, provider: &ProviderName, component: &ActiveComponent) -> bool {
        component.callback_proof() == Some(CallbackProof::Lookup) && !self.0.known_callers.contains(provider)
    }

    /// Stores an unresolved callback, once for all its repetitions.
    pub(crate) fn store_unresolved(&self, slot: &ProviderSlot, raw: StoredCallback, problem: Problem) -> Result<(), HostError> {
        let (observer, name) = (&self.0.observer, &slot.name);
        let message = said(&problem);
        let Problem { code, .. } = problem;
        // What is stored already is counted, whatever the limit is.
        let is_admitted = raw.remote_address.parse().map_or(true, |address| slot.unrecognized.admit(address, Instant::now()));
        let of_code_max = if is_admitted { PROVED_MAX } else { 0 };
        let stored = self.0.ledger.store_unrecognized(raw, code.clone(), message, Some(of_code_max));
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

    /// Counts and logs an event that a callback reported.
    pub(crate) fn count_recorded(&self, slot: &ProviderSlot, event: &Event, outcome: &Outcome) {
        let (transaction, order) = (event.facts.transaction.as_str(), event.facts.order.as_deref().unwrap_or_default());
        let name = self.tell_recorded(slot, event, outcome);
        self.remember_told_refund(slot, event, outcome);
        self.0.observer.callback_processed(&slot.name, name);
        slot.set_accepted(self.now());
        tracing::info!(provider = slot.name.as_str(), transaction, order, outcome = name, "a callback was accepted");
    }

    /// Tells whoever follows the entries of an event, and returns the name of its outcome.
    pub(crate) fn tell_recorded(&self, slot: &ProviderSlot, event: &Event, outcome: &Outcome) -> &'static str {
        let transaction = event.facts.transaction.as_str();
        match outcome {
            Outcome::Recorded { repeated: false, .. } => {
                // Wakes the followers of the feed. Nothing but new entries does, so that forgers cannot make all of them poll.
                self.0.observer.entries_changed();
                "entered"
            }
            Outcome::Unmatched { repeated: false, .. } => "unmatched",
            Outcome::Recorded { .. } | Outcome::Unmatched { .. } | Outcome::NoMovement { repeated: true } => "repeated",
            Outcome::NoMovement { repeated: false } => "no-money",
            Outcome::Contradiction { id } => {
                if let Some(id) = id {
                    let said = "a repeated callback contradicts the first one; an operator must review both";
                    tracing::warn!(provider = slot.name.as_str(), transaction, id, "{said}");
                }
                "contradiction"
            }
            Outcome::Refused(refusal) => {
                self.0.refusals.count(&slot.name, refusal.name(), self.now());
                "not-agreed"
            }
        }
    }

    /// Remembers a refund that was told and is recorded now, so that what waits about its payment is looked at again. It does not
    /// block.
    pub(crate) fn remember_told_refund(&self, slot: &ProviderSlot, event: &Event, outcome: &Outcome) {
        let is_new = event.facts.kind == EventKind::Refund && matches!(outcome, Outcome::Recorded { repeated: false, .. });
        if is_new && slot.component().pays_back_one_at_a_time() {
            self.0.told_refunds.add(event.clone());
        }
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
    pub(crate) fn store_failed(&self, raw: StoredCallback, code: &str, what: String) -> HostError {
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

    /// Counts a callback from a caller that may not send a provider's callbacks, by the reason's code.
    pub fn count_unknown_caller(&self, provider: &ProviderName, code: &str) {
        self.0.refusals.count(provider, code, self.now());
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
        let mut raw = raw(provider, CallbackRequest { received_at: self.now(), ..request }, None, &self.0.key);
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
