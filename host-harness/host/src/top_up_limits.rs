//! How much a top-up may be: the smallest and the largest, which the operator enters for each provider.

use domain::ProviderName;
use ledger::Ledger;
use money::AMOUNT_MAX;
use serde::{Deserialize, Serialize};

use crate::error::HostError;

/// The smallest and the largest top-up, in minor units of the merchant's currency. Both are positive, and the first is not above the
/// second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TopUpLimits {
    smallest: i64,
    largest: i64,
}

impl TopUpLimits {
    /// What holds in the cabinet where nobody entered other limits: 10.00 and 100,000.00.
    pub const DEFAULT: TopUpLimits = TopUpLimits { smallest: 1_000, largest: 10_000_000 };

    /// Limits in minor units; `None` where they leave no amount, or one that no ledger holds.
    pub fn new(smallest: i64, largest: i64) -> Option<TopUpLimits> {
        (0 < smallest && smallest <= largest && largest <= AMOUNT_MAX).then_some(TopUpLimits { smallest, largest })
    }

    /// As the ledger keeps them.
    pub(crate) fn to_json(self) -> Result<Vec<u8>, HostError> {
        serde_json::to_vec(&self).map_err(|error| HostError::internal(error.to_string()))
    }

    /// The smallest top-up.
    pub fn smallest(self) -> i64 {
        self.smallest
    }

    /// The largest top-up.
    pub fn largest(self) -> i64 {
        self.largest
    }

    /// Returns whether a top-up of so many minor units is within them.
    pub fn hold(self, minor_units: i64) -> bool {
        (self.smallest..=self.largest).contains(&minor_units)
    }
}

/// The document that keeps a provider's limits.
pub(crate) fn document(provider: &ProviderName) -> String {
    format!("limits/{provider}")
}

/// The limits that were entered for a provider; `None` where none were.
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
