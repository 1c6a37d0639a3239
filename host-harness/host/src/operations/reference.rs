//! What an ability is told of a payment.

use domain::{
    LedgerAnswer, LedgerQuestion, MovementId, MovementName, MovementState, Order, OrderId, OrderState, PaymentReference,
};

use crate::error::HostError;
use crate::host::Host;
use crate::slot::ProviderSlot;

impl Host {
    /// Returns what is known of an order that may have been paid.
    ///
    /// # Errors
    /// If there is no such order, or the storage is unavailable.
    pub(crate) fn reference_of_order(&self, slot: &ProviderSlot, id: &OrderId) -> Result<PaymentReference, HostError> {
        let state = self.order_state(slot, id)?.ok_or_else(HostError::unknown_order)?;
        let OrderState { order, paid_by, held_by, .. } = state;
        Ok(PaymentReference { link: self.stored_link(&order)?, order: Some(order), movement: paid_by.or(held_by) })
    }

    /// Returns what is known of a payment.
    ///
    /// # Errors
    /// If there is no such payment, or the storage is unavailable.
    pub(crate) fn reference_of_payment(&self, slot: &ProviderSlot, id: MovementId) -> Result<PaymentReference, HostError> {
        let movement = self.movement_state(slot, id)?.ok_or_else(HostError::unknown_payment)?;
        let order = match &movement.movement.event.facts.order {
            Some(order) => self.order_state(slot, order)?.map(|state| state.order),
            None => None,
        };
        let link = order.as_ref().map_or(Ok(None), |order: &Order| self.stored_link(order))?;
        Ok(PaymentReference { order, link, movement: Some(movement) })
    }

    fn order_state(&self, slot: &ProviderSlot, id: &OrderId) -> Result<Option<OrderState>, HostError> {
        match self.ask_ledger(slot, LedgerQuestion::Order(id.clone()))? {
            Some(LedgerAnswer::Order(state)) => Ok(state),
            _ => Ok(None),
        }
    }

    fn movement_state(&self, slot: &ProviderSlot, id: MovementId) -> Result<Option<MovementState>, HostError> {
        match self.ask_ledger(slot, LedgerQuestion::Movement(MovementName::Id(id.to_string())))? {
            Some(LedgerAnswer::Movement(state)) => Ok(state),
            _ => Ok(None),
        }
    }

    fn ask_ledger(&self, slot: &ProviderSlot, question: LedgerQuestion) -> Result<Option<LedgerAnswer>, HostError> {
        Ok(self.0.ledger.answers(&slot.name, &[question], self.now())?.into_iter().next())
    }
}
