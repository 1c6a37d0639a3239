//! Charges for services.

use crate::account::{Account, Fault};
use crate::amount::Money;
use crate::date::Date;
use crate::identifiers::AccountNumber;

/// A charge for a service, as the contract's exports need it.
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
    /// The day of the charge.
    pub date: Date,
    /// Thousandths of the unit.
    pub quantity_thousandths: i64,
    /// What was charged, VAT included; negative for a correction.
    pub amount: Money,
    /// VAT in hundredths of a percent; none is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// Free text; may be empty.
    pub note: String,
}

/// What a batch of write-offs came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteOffsAdded {
    /// How many were new.
    pub added: usize,
    /// How many were there before, the same.
    pub repeated: usize,
}

/// Why a batch of write-offs is refused, whole: what is wrong with each that is bad.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteOffRefusal {
    /// What is wrong, with the index, from 0, of the write-off that it is about; at most [`WriteOffRefusal::FAULTS_MAX`], in order.
    pub faults: Vec<(usize, Fault)>,
    /// How much more is wrong than is listed.
    pub more: usize,
}

impl WriteOffRefusal {
    /// How many faults are listed.
    pub const FAULTS_MAX: usize = 100;
}

/// A write-off as an export reads it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedWriteOff {
    /// Its account, as it is now.
    pub account: Account,
    /// The write-off, if its days are days.
    pub writeoff: Result<WriteOff, UndatedWriteOff>,
    /// The decision to leave it out, where there is one.
    pub exclusion: Option<Exclusion>,
}

impl ListedWriteOff {
    /// The write-off's id.
    pub fn id(&self) -> &str {
        match &self.writeoff {
            Ok(writeoff) => &writeoff.id,
            Err(no_day) => &no_day.id,
        }
    }
}

/// A write-off that an older program kept, of which a day is none of the calendar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UndatedWriteOff {
    /// Its id.
    pub id: String,
    /// The account that it debited.
    pub account: AccountNumber,
    /// What stands for the first day of its period: `2026-02-31`.
    pub period: String,
    /// What stands for its day.
    pub date: String,
    /// What was charged.
    pub amount: Money,
}

/// A decision to leave a write-off out of exports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exclusion {
    /// Its number, from 1.
    pub id: u64,
    /// The write-off.
    pub writeoff: String,
    /// Who decided.
    pub operator: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// An exclusion with what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExcludedWriteOff {
    /// The decision.
    pub exclusion: Exclusion,
    /// The account.
    pub account: AccountNumber,
    /// The service's name.
    pub service: String,
    /// The write-off's day, as it stands, which may be none: `2026-02-28`.
    pub date: String,
    /// What was charged.
    pub amount: Money,
}

/// Why a write-off is not left out, or not taken in again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExclusionRefusal {
    /// There is no such write-off.
    Unknown,
    /// It is left out already.
    AlreadyExcluded,
    /// It is not left out.
    NotExcluded,
}
