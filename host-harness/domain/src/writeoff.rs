//! Write-offs: charges for services.

use crate::account::{Account, Fault};
use crate::amount::Money;
use crate::date::Date;
use crate::identifiers::AccountNumber;

/// A charge for a service, with what the contract's exports need.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteOff {
    /// Billing's id, unique over all accounts.
    pub id: String,
    /// The account that it debits.
    pub account: AccountNumber,
    /// Billing's code of the service; may be empty.
    pub service_code: String,
    /// The service's name.
    pub service: String,
    /// The unit's name; may be empty.
    pub unit: String,
    /// The first day of the period charged for.
    pub period: Date,
    /// The date of the charge.
    pub date: Date,
    /// The quantity in thousandths of the unit.
    pub quantity_thousandths: i64,
    /// The amount charged, VAT included; negative for a correction.
    pub amount: Money,
    /// The VAT rate in hundredths of a percent; `None` is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// Free text; may be empty.
    pub note: String,
}

/// The result of adding a batch of write-offs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteOffsAdded {
    /// How many were new.
    pub added: usize,
    /// How many already existed, with the same values.
    pub repeated: usize,
}

/// Why a whole batch of write-offs is refused: what is wrong with each invalid one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteOffRefusal {
    /// The faults, each with the index of its write-off, from 0; at most [`WriteOffRefusal::FAULTS_MAX`], in order.
    pub faults: Vec<(usize, Fault)>,
    /// The number of faults that are not listed.
    pub more: usize,
}

impl WriteOffRefusal {
    /// The maximum number of faults that are listed.
    pub const FAULTS_MAX: usize = 100;
}

/// A write-off as exports read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedWriteOff {
    /// Its account, as it is now.
    pub account: Account,
    /// The write-off, if its dates exist in the calendar.
    pub writeoff: Result<WriteOff, UndatedWriteOff>,
    /// The decision to exclude it, if there is one.
    pub exclusion: Option<Exclusion>,
}

impl ListedWriteOff {
    /// Returns the write-off's id.
    pub fn id(&self) -> &str {
        match &self.writeoff {
            Ok(writeoff) => &writeoff.id,
            Err(no_day) => &no_day.id,
        }
    }
}

/// A write-off that an older program stored with a date that does not exist in the calendar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UndatedWriteOff {
    /// Its id.
    pub id: String,
    /// The account that it debited.
    pub account: AccountNumber,
    /// The stored text of its period's first day: `2026-02-31`.
    pub period: String,
    /// The stored text of its date.
    pub date: String,
    /// The amount charged.
    pub amount: Money,
}

/// A decision to exclude a write-off from exports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exclusion {
    /// Its id, from 1.
    pub id: u64,
    /// The write-off's id.
    pub writeoff: String,
    /// The operator who decided.
    pub operator: String,
    /// The reason, in the operator's words.
    pub reason: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// An exclusion with its write-off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExcludedWriteOff {
    /// The decision.
    pub exclusion: Exclusion,
    /// The account.
    pub account: AccountNumber,
    /// The service's name.
    pub service: String,
    /// The stored text of the write-off's date, which may not exist in the calendar: `2026-02-28`.
    pub date: String,
    /// The amount charged.
    pub amount: Money,
}

/// Why a write-off cannot be excluded, or an exclusion cannot be undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExclusionRefusal {
    /// There is no such write-off.
    Unknown,
    /// It is already excluded.
    AlreadyExcluded,
    /// It is not excluded.
    NotExcluded,
}
