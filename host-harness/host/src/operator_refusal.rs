//! What the operator lets payers pay who name an account, at a terminal or in a bank's app: amounts within the limits of a top-up, and
//! nothing while the payment system is not offered. Orders are made within the same limits.

use domain::{Money, WishRefusal};

use crate::error::HostError;
use crate::host::Host;
use crate::slot::ProviderSlot;

impl Host {
    /// Returns why the operator does not let an account be paid by this amount. Without an amount, whether it may be paid at all.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub(crate) fn operator_refusal(
        &self,
        slot: &ProviderSlot,
        amount: Option<Money>,
    ) -> Result<Option<WishRefusal>, HostError> {
        if slot.paused().is_some() {
            return Ok(Some(WishRefusal::Forbidden));
        }
        let Some(amount) = amount else { return Ok(None) };
        let limits = self.top_up_limits(&slot.name)?;
        Ok((!limits.hold(amount.minor_units)).then_some(WishRefusal::AmountOutOfRange))
    }
}
