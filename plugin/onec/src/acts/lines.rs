//! The lines of acts, what the write-offs of one service and VAT rate are summed up to; and the contracts that they are of.

use std::cmp::Ordering;

use money::AMOUNT_MAX;

use crate::date::Month;
use crate::index::{Index, number_key};
use crate::services::{SERVICES_MAX, Services};
use crate::sort::sort;
use crate::totals::Sums;
use crate::writeoff::{Problem, Writeoff};

// A line's key has 12 bits for its service: with more, two services' lines could become one.
const _: () = assert!(SERVICES_MAX <= 1 << 12);

/// A contract of an account.
#[derive(Debug)]
pub struct Contract {
    /// Its first write-off, without the id.
    pub first: Writeoff,
    /// Which of the account it is.
    pub row: usize,
}

/// Acts' lines before they are written.
#[derive(Debug, Default)]
pub struct Lines {
    pub list: Vec<Line>,
    keys: Index,
}

/// The write-offs of one service and VAT rate.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Its place among the lines, before they were sorted.
    pub at: usize,
    pub contract: usize,
    pub month: Month,
    pub service: usize,
    pub rate: Option<u16>,
    pub rows: u64,
    /// With the VAT that is written.
    pub sums: Sums,
    /// The VAT of the write-offs, each rounded by itself.
    pub own_vat: i64,
    pub quantity_thousandths: i64,
    /// Whether there is no correction, so that the quantity means something.
    pub charges_only: bool,
    pub last: usize,
}

/// What a line's VAT is of.
#[derive(Clone, Copy, PartialEq)]
pub enum VatOf {
    /// Of the write-offs' sum: what 1C itself would compute.
    TheSum,
    /// The sum of the write-offs' own.
    EachWriteoff,
}

impl Lines {
    /// Adds a line to the one of its contract, month, service and rate. Gives which it is, and what it adds to its VAT.
    pub fn add(&mut self, line: Line, vat_of: VatOf) -> Result<(usize, i64), Box<Problem>> {
        // A rate is at most 10,000, a month at most 17 bits, and a contract is one of an account's write-offs.
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
        // A million rows of the largest quantity are far from 64 bits.
        known.quantity_thousandths = known.quantity_thousandths.saturating_add(line.quantity_thousandths);
        known.charges_only &= line.charges_only;
        known.last = line.last;
        Ok((at, vat))
    }

    /// The lines as documents have them: contracts by date, then by number; months; services; the highest rate first.
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

    /// The quantity, where it times a price in whole kopecks is the sum; else one.
    pub fn quantity(&self) -> i64 {
        let thousandths = self.quantity_thousandths;
        let fits = self.charges_only && thousandths <= AMOUNT_MAX;
        match self.sums.minor_units.checked_mul(1000).and_then(|sum| sum.checked_rem(thousandths)) {
            Some(0) if fits => thousandths,
            _ => 1000,
        }
    }
}

/// The sum of lines, as far as it fits: what does not is refused with its document.
pub fn sum(lines: &[Line]) -> i64 {
    lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.sums.minor_units))
}
