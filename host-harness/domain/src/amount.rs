//! Amounts.

use money::Currency;
use serde::{Deserialize, Serialize};

use crate::json;

/// An amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// In the currency's minor units.
    pub minor_units: i64,
    /// By ISO 4217.
    #[serde(with = "json::currency")]
    pub currency: Currency,
}

impl Money {
    /// Returns the opposite amount, as a reversal needs it. The smallest `i64` saturates.
    pub fn negated(self) -> Money {
        Money { minor_units: self.minor_units.saturating_neg(), ..self }
    }
}

/// An account's balance in one currency. A positive balance is the subscriber's money.
pub type Balance = Money;
