//! What a refund that is recorded tells of the others of its payment, where the payment system gives a refund no id: a part that was
//! paid back in its cabinet, and notifications that came before the refund was recorded.

use domain::{Acknowledged, Event, ReviewFilter, StoredCallback};

use crate::error::HostError;
use crate::host::Host;
use crate::slot::ProviderSlot;

/// How many callbacks of a payment are judged again after a refund, the oldest first.
const CALLBACKS_MAX: usize = 16;
/// How many callbacks are read at once.
const PAGE: u32 = 500;

impl Host {
    /// Looks at what waits about the payment of a refund that was told, if anything waits at all.
    pub(super) fn look_after_told_refund(&self, refund: &Event) {
        let looked = self.unrecognized_count().and_then(|waiting| {
            if waiting > 0 {
                self.look_after_refund(&*self.0.registry.get(&refund.provider)?, refund);
            }
            Ok(())
        });
        if let Err(error) = looked {
            let (provider, error) = (refund.provider.as_str(), error.message);
            tracing::warn!(provider, error, "the unrecognized callbacks are not looked at after a refund");
        }
    }

    /// Asks for the status of a refunded payment, and has the unresolved callbacks about it judged again. What cannot be done now
    /// comes by the payment system's next notification, or stays with the operator.
    pub(super) fn look_after_refund(&self, slot: &ProviderSlot, refund: &Event) {
        let provider = slot.name.as_str();
        if let Err(error) = self.ask_after_refund(slot, refund) {
            tracing::warn!(provider, error = error.message, "a payment cannot be asked about after its refund");
        }
        let waiting = self.unrecognized_about(slot, refund).unwrap_or_else(|error| {
            tracing::error!(provider, error = error.message, "the unrecognized callbacks cannot be read after a refund");
            Vec::new()
        });
        for id in waiting {
            if let Err(error) = self.judge_again(id, Acknowledged::BY_THIS_PROGRAM.to_owned()) {
                tracing::warn!(provider, id, error = error.message, "a callback cannot be judged again after a refund");
            }
        }
    }

    fn ask_after_refund(&self, slot: &ProviderSlot, refund: &Event) -> Result<(), HostError> {
        let Some(order) = &refund.facts.order else { return Ok(()) };
        let is_known = self.order(order)?.is_some_and(|order| order.provider == slot.name);
        if is_known && Host::tells_status(&slot.component()) {
            self.query(slot, order)?;
        }
        Ok(())
    }

    /// Returns the ids of the unrecognized callbacks of a provider that name a refunded payment.
    fn unrecognized_about(&self, slot: &ProviderSlot, refund: &Event) -> Result<Vec<u64>, HostError> {
        let payment = refund.facts.original.as_ref().unwrap_or(&refund.facts.transaction);
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let page = self.unrecognized_callbacks(ReviewFilter::WaitingAfter(after), PAGE)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last.id;
            let is_about =
                |callback: &StoredCallback| callback.provider == slot.name && !callback.is_masked && names(callback, payment);
            found.extend(page.iter().filter(|one| is_about(&one.callback)).map(|one| one.id));
            if found.len() >= CALLBACKS_MAX {
                found.truncate(CALLBACKS_MAX);
                return Ok(found);
            }
        }
    }
}

/// Reports whether an id stands in the query or the body of a callback.
fn names(callback: &StoredCallback, id: &str) -> bool {
    let id = id.as_bytes();
    let is_in = |bytes: &[u8]| bytes.windows(id.len().max(1)).any(|part| part == id);
    is_in(callback.query.as_bytes()) || is_in(&callback.body)
}
