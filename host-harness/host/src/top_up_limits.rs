//! The limits of a top-up: the smallest and the largest amount, which the operator enters for each provider.

use domain::ProviderName;
use ledger::Ledger;
use money::AMOUNT_MAX;
use serde::{Deserialize, Serialize};

use crate::error::HostError;

/// The smallest and the largest top-up, in minor units of the merchant's currency. Both are positive, and the smallest is not
/// above the largest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TopUpLimits {
    smallest: i64,
    largest: i64,
}

impl TopUpLimits {
    /// The cabinet's limits if nobody entered any: 10.00 and 100,000.00.
    pub const DEFAULT: TopUpLimits = TopUpLimits { smallest: 1_000, largest: 10_000_000 };

    /// Creates limits in minor units. `None` if they allow no amount, or allow an amount that is out of the ledger's range.
    pub fn new(smallest: i64, largest: i64) -> Option<TopUpLimits> {
        (0 < smallest && smallest <= largest && largest <= AMOUNT_MAX).then_some(TopUpLimits { smallest, largest })
    }

    /// Returns the limits in their stored form.
    pub(crate) fn to_json(self) -> Result<Vec<u8>, HostError> {
        serde_json::to_vec(&self).map_err(|error| HostError::internal(error.to_string()))
    }

    /// Returns the smallest top-up.
    pub fn smallest(self) -> i64 {
        self.smallest
    }

    /// Returns the largest top-up.
    pub fn largest(self) -> i64 {
        self.largest
    }

    /// Reports whether a top-up of this amount is within the limits.
    pub fn hold(self, minor_units: i64) -> bool {
        (self.smallest..=self.largest).contains(&minor_units)
    }
}

/// Returns the name of the document with a provider's limits.
pub(crate) fn document(provider: &ProviderName) -> String {
    format!("limits/{provider}")
}

/// Returns the limits that were entered for a provider, or `None` if there are none.
pub(crate) fn entered(ledger: &Ledger, provider: &ProviderName) -> Result<Option<TopUpLimits>, ledger::Error> {
    let Some(document) = ledger.document(&document(provider))? else { return Ok(None) };
    let read = serde_json::from_slice(&document).ok();
    let valid = read.and_then(|TopUpLimits { smallest, largest }| TopUpLimits::new(smallest, largest));
    valid.map(Some).ok_or_else(|| ledger::Error::Damaged(format!("the limits of {provider} cannot be read; enter them again")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_leave_an_amount() {
        for (smallest, largest, good) in [
            (1, 1, true),
            (1_000, 10_000_000, true),
            (1, AMOUNT_MAX, true),
            (0, 1, false),
            (-1, 1, false),
            (2, 1, false),
            (1, AMOUNT_MAX + 1, false),
            (i64::MIN, i64::MAX, false),
        ] {
            assert_eq!(TopUpLimits::new(smallest, largest).is_some(), good, "{smallest} {largest}");
        }
        let limits = TopUpLimits::DEFAULT;
        assert_eq!([999, 1_000, 10_000_000, 10_000_001].map(|amount| limits.hold(amount)), [false, true, true, false]);
    }
}
