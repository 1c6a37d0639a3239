//! Asking payment systems what became of the payments of unpaid orders, so that a lost callback heals by itself.

use domain::{Ability, Context, Event, Order, OrderId, PaymentStatus, Problem, ProvedEvent, Step, StoredCallback};
use ledger::{Origin, Reported, Submission, Submitted, next_ask};

use crate::calls::for_order;
use crate::component::ActiveComponent;
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::questions::told_of_ledger;
use crate::slot::ProviderSlot;

/// How often a provider begins again because answers changed meanwhile.
const RESTARTS_MAX: u32 = 20;
/// How a status that nobody can interpret is marked among the callbacks for an operator.
const STATUS: &str = "STATUS";

/// Whether a payment system answered what became of an order's payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusAnswer {
    /// The payment system answered. Whether the order is paid now is in the ledger.
    Answered,
    /// It cannot be asked now.
    Unavailable,
}

impl Host {
    /// Asks the payment system now what became of an order's payment, and records what it says.
    ///
    /// # Errors
    /// If there is no such order, its provider cannot tell or is not usable, it failed, or the storage is unavailable.
    pub fn ask_about_order(&self, id: &OrderId) -> Result<StatusAnswer, HostError> {
        let order = self.order(id)?.ok_or_else(HostError::unknown_order)?;
        let slot = self.0.registry.get(&order.provider)?;
        Ok(self.query(&slot, id)?.map_or(StatusAnswer::Unavailable, |_| StatusAnswer::Answered))
    }

    /// Asks about an order whose time has come, and schedules the next time.
    pub(crate) fn ask_by_schedule(&self, id: &OrderId) {
        let scheduled = self.order(id).and_then(|order| {
            let unpaid = order.filter(|order| order.paid_by.is_none());
            let next_at = unpaid.and_then(|order| next_ask(&order, self.now(), self.ask_again_of(&order)));
            Ok(self.0.ledger.asked(id.clone(), next_at)?)
        });
        if let Err(error) = scheduled {
            tracing::error!(
                order = id.as_str(),
                error = error.message,
                "an order cannot be scheduled; it is asked about again"
            );
        }
    }

    /// Asks about an order, and returns after how many seconds its provider wants to be asked again.
    fn ask_again_of(&self, order: &Order) -> Option<u64> {
        let slot = self.0.registry.get(&order.provider);
        let answered = slot.and_then(|slot| self.query(&slot, &order.id)).unwrap_or_else(|error| {
            tracing::warn!(
                order = order.id.as_str(),
                error = error.message,
                "the payment system cannot be asked about an order"
            );
            None
        });
        answered.and_then(|status| status.ask_again).map(u64::from)
    }

    /// Reports whether a component can tell what became of a payment.
    pub(crate) fn tells_status(component: &ActiveComponent) -> bool {
        component.provider.abilities().contains(&Ability::PaymentStatus)
    }

    /// Asks a provider about an order, and records the events that it tells. `None` if it cannot be asked now.
    pub(crate) fn query(&self, slot: &ProviderSlot, id: &OrderId) -> Result<Option<PaymentStatus>, HostError> {
        let component = slot.component();
        if !Host::tells_status(&component) {
            let detail = format!("the component of {} cannot tell what became of a payment", slot.name);
            return Err(HostError::conflict(detail).with_code(ErrorCode::OperationUnsupported));
        }
        for _ in 0..RESTARTS_MAX {
            let (told, context) = self.take_status(slot, &component, id)?;
            let status = match told {
                Ok(status) => status,
                Err(problem) => {
                    tracing::warn!(
                        provider = slot.name.as_str(),
                        order = id.as_str(),
                        code = problem.code,
                        "a status is not known now"
                    );
                    return Ok(None);
                }
            };
            if let Some(problem) = &status.unresolved {
                self.store_unresolved_status(slot, id, problem.clone())?;
            }
            if self.record_status(slot, &status.events, &context)? {
                if status.unresolved.is_none() && !status.events.is_empty() {
                    self.acknowledge_status(slot, id)?;
                }
                return Ok(Some(status));
            }
        }
        Err(HostError::unavailable("what the provider was told changed too often; try again"))
    }

    /// Takes a provider's steps to the status of an order's payment.
    fn take_status(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        id: &OrderId,
    ) -> Result<(Result<PaymentStatus, Problem>, Context), HostError> {
        let _span = for_order(id);
        let payment = self.reference_of_order(slot, id)?;
        let (mut context, mut budget) = (Context::at(self.now()), self.call_budget());
        loop {
            let step = self
                .call(slot, component, "query-payment", |merchant| Ok((merchant.query_payment(&payment, &context)?, None)))?;
            match step? {
                Step::Done(status) => return Ok((status, context)),
                Step::Ask(questions) => {
                    let answers = self.answer(slot, questions, context.now);
                    context.asked.extend(answers);
                }
                Step::Call(call) => {
                    let result = self.call_and_wait(slot, component, call.clone(), &mut budget)?;
                    context.called.push((call, result));
                }
            }
        }
    }

    /// Records the events of a status. Returns `false` if what the provider was told is no longer so.
    fn record_status(&self, slot: &ProviderSlot, events: &[ProvedEvent], context: &Context) -> Result<bool, HostError> {
        if events.is_empty() {
            return Ok(true);
        }
        let events: Vec<Event> = events.iter().map(|event| Event::new(slot.name.clone(), event.clone())).collect();
        let submission = Submission {
            provider: slot.name.clone(),
            events: Reported::Facts(events.clone()),
            origin: Origin::Status,
            answers: told_of_ledger(context),
            accounts: self.accounts_of_facts(&events)?,
            now: context.now,
            at: self.now(),
            wants_states: false,
        };
        match self.0.ledger.record(submission)? {
            Submitted::AnswersChanged => Ok(false),
            Submitted::Done(recorded) => {
                for (event, recorded) in events.iter().zip(&recorded) {
                    let outcome = self.tell_recorded(slot, event, &recorded.outcome);
                    self.remember_told_refund(slot, event, &recorded.outcome);
                    let (transaction, order) =
                        (event.facts.transaction.as_str(), event.facts.order.as_deref().unwrap_or_default());
                    tracing::info!(provider = slot.name.as_str(), transaction, order, outcome, "a status told of an event");
                }
                Ok(true)
            }
        }
    }

    /// Shows an operator that something may have happened to the money of an order.
    fn store_unresolved_status(&self, slot: &ProviderSlot, order: &OrderId, problem: Problem) -> Result<(), HostError> {
        self.store_unresolved(slot, self.as_callback(slot, order), problem)
    }

    /// Acknowledges what could not be resolved of an order before: its status was told again, and all of it is recorded.
    fn acknowledge_status(&self, slot: &ProviderSlot, order: &OrderId) -> Result<(), HostError> {
        if self.unrecognized_count()? > 0 {
            self.0.ledger.acknowledge_repeated(&self.as_callback(slot, order), self.now())?;
        }
        Ok(())
    }

    /// Returns a status of an order as it is stored among the callbacks. It is none that could be judged again.
    fn as_callback(&self, slot: &ProviderSlot, order: &OrderId) -> StoredCallback {
        StoredCallback {
            provider: slot.name.clone(),
            received_at: self.now(),
            method: STATUS.to_owned(),
            path: String::new(),
            query: format!("order={order}"),
            headers: Vec::new(),
            body: Vec::new(),
            remote_address: String::new(),
            sealed_headers: Vec::new(),
            is_masked: true,
        }
    }
}
