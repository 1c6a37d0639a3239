//! The lines of acts, which sum up the write-offs of one service and VAT rate, and the contracts that they belong to.

use std::cmp::Ordering;

use money::AMOUNT_MAX;

use crate::date::Month;
use crate::index::{Index, number_key};
use crate::services::{SERVICES_MAX, Services};
use crate::sort::sort;
use crate::totals::Sums;
use crate::writeoff::{Problem, Writeoff};

// A line's key has 12 bits for its service: with more services, two lines could share a key.
const _: () = assert!(SERVICES_MAX <= 1 << 12);

/// A contract of an account.
#[derive(Debug)]
pub struct Contract {
    /// Its first write-off, without the id.
    pub first: Writeoff,
    /// The index of that write-off in the account.
    pub row: usize,
}

/// The lines of acts, before they are written.
#[derive(Debug, Default)]
pub struct Lines {
    pub list: Vec<Line>,
    keys: Index,
}

/// The write-offs of one act with the same service and VAT rate.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Its index before sorting.
    pub at: usize,
    pub contract: usize,
    pub month: Month,
    pub service: usize,
    pub rate: Option<u16>,
    pub rows: u64,
    /// Includes the VAT as it is written.
    pub sums: Sums,
    /// The sum of the write-offs' VAT, each rounded by itself.
    pub own_vat: i64,
    pub quantity_thousandths: i64,
    /// Whether the line has no correction, so that its quantity is meaningful.
    pub charges_only: bool,
    pub last: usize,
}

/// How a line's VAT is computed.
#[derive(Clone, Copy, PartialEq)]
pub enum VatOf {
    /// From the sum of the write-offs, as 1C itself computes it.
    TheSum,
    /// As the sum of the VAT of each write-off.
    EachWriteoff,
}

impl Lines {
    /// Adds a write-off to the line of its contract, month, service and rate. Returns the line's index and how much VAT was
    /// added to it.
    pub fn add(&mut self, line: Line, vat_of: VatOf) -> Result<(usize, i64), Box<Problem>> {
        // A rate is at most 10,000, a month has at most 17 bits, and the contract is an index among an account's write-offs.
        let rate = line.rate.map_or(0, |rate| u64::from(rate) + 1);
        let key = (line.contract as u64) << 45 | line.month.number_since_0() << 28 | (line.service as u64) << 16 | rate;
        let (at, _) = self.keys.add(number_key(key));
        let Some(known) = self.list.get_mut(at) else {
            self.list.push(Line { at, ..line });
            return Ok((at, line.own_vat));
        };
        let mut sums = known.sums.plus(line.sums)?;
        if vat_of == VatOf::TheSum {
            sums = Sums::of(sums.minor_units, line.rate);
        }
        let vat = sums.vat_minor_units.saturating_sub(known.sums.vat_minor_units);
        known.sums = sums;
        known.own_vat = known.own_vat.saturating_add(line.own_vat);
        known.rows += 1;
        // A million rows of the largest quantity are far below the limit of 64 bits.
        known.quantity_thousandths = known.quantity_thousandths.saturating_add(line.quantity_thousandths);
        known.charges_only &= line.charges_only;
        known.last = line.last;
        Ok((at, vat))
    }

    /// Returns the lines in the order of the documents: by the contract's date and number, month, service, and rate, the
    /// highest first.
    pub fn sorted(&self, contracts: &[Contract], services: &Services) -> Vec<Line> {
        let contract =
            |line: &Line| contracts.get(line.contract).map(|known| (known.first.contract_date, &known.first.contract));
        let order = |one: &Line, other: &Line| {
            if one.contract != other.contract {
                return contract(one).cmp(&contract(other));
            }
            let by_service = one.month.cmp(&other.month).then_with(|| services.order(one.service, other.service));
            by_service.then_with(|| other.rate.cmp(&one.rate)).then(one.service.cmp(&other.service))
        };
        let mut places: Vec<usize> = (0..self.list.len()).collect();
        sort(&mut places, &|one, other| match (self.list.get(one), self.list.get(other)) {
            (Some(one), Some(other)) => order(one, other),
            _ => Ordering::Equal,
        });
        places.iter().filter_map(|at| self.list.get(*at).copied()).collect()
    }

    pub fn clear(&mut self) {
        self.list.clear();
        self.keys.clear();
    }
}

impl Line {
    pub fn is_of_same_act(&self, other: &Line) -> bool {
        self.contract == other.contract && self.month == other.month
    }

    /// Returns the quantity if the sum divided by it is a price in whole kopecks, else one.
    pub fn quantity(&self) -> i64 {
        let thousandths = self.quantity_thousandths;
        let fits = self.charges_only && thousandths <= AMOUNT_MAX;
        match self.sums.minor_units.checked_mul(1000).and_then(|sum| sum.checked_rem(thousandths)) {
            Some(0) if fits => thousandths,
            _ => 1000,
        }
    }
}

/// Sums up lines. A sum that overflows is capped, and its document is refused later.
pub fn sum(lines: &[Line]) -> i64 {
    lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.sums.minor_units))
}
