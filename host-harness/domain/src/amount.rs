//! Amounts.

use money::Currency;

/// An amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Money {
    /// In the currency's minor units.
    pub minor_units: i64,
    /// By ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// The same the other way: what takes it back.
    pub fn negated(self) -> Money {
        Money { minor_units: self.minor_units.saturating_neg(), ..self }
    }
}

/// What an account has in one currency: positive is the subscriber's.
pub type Balance = Money;
