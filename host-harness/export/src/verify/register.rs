//! Reads a register again.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use domain::{Date, ExportRow, PartyKind};

use super::{FileFindings, Sums};
use crate::decimal::vat_within;
use crate::manifest::ExportInfo;
use crate::register::{ACT_UUID, lines};

/// The key of an act's line: the contract with its date, the month, the service and the rate.
type LineOfAct = (String, Option<Date>, (u16, u8), String, Option<u16>);

/// The lines of one account's acts: the amounts and the VAT, in minor units.
#[derive(Default)]
struct Account {
    number: String,
    lines: HashMap<LineOfAct, (i128, i128)>,
}

impl Account {
    fn add(&mut self, row: &ExportRow, amount: i128, vat: i128) {
        let service =
            if row.service_code.is_empty() { format!("name {}", row.service) } else { format!("code {}", row.service_code) };
        let month = (row.period.year(), row.period.month());
        let line =
            self.lines.entry((row.contract.clone(), row.contract_date, month, service, row.vat_basis_points)).or_default();
        line.0 += amount;
        line.1 += vat;
    }

    fn end(&mut self, found: &mut FileFindings<'_>) {
        for ((contract, _, _, service, rate), (amount, vat)) in self.lines.drain() {
            let want = rate.map_or(0, |rate| vat_within(amount, rate));
            if vat != want {
                let account = &self.number;
                found.report(format!(
                    "account {account}, contract {contract:?}, service {service}: the VAT is {vat} kopecks, its act has {want}"
                ));
            }
        }
    }
}

pub fn read(file: impl Read, about: &ExportInfo, found: &mut FileFindings<'_>) -> Sums {
    let is_summary = about.options.iter().any(|(name, value)| name == "mode" && value == "summary-individuals");
    let mut sums = Sums::default();
    let (mut rows, mut own_vat, mut all_vat) = (0, 0, 0);
    let mut ids = HashSet::new();
    let mut account = Account::default();
    for row in lines(file) {
        let (row, vat) = match row {
            Ok(line) => (line.writeoff, line.vat_minor_units),
            Err(error) => {
                found.report(error.to_string());
                continue;
            }
        };
        rows += 1;
        let amount = i128::from(row.amount.minor_units);
        let own = row.vat_basis_points.map_or(0, |rate| vat_within(amount, rate));
        sums.count(row.vat_basis_points, amount, vat);
        (own_vat, all_vat) = (own_vat + own, all_vat + vat);
        if row.account != account.number.as_str() {
            account.end(found);
            row.account.as_str().clone_into(&mut account.number);
        }
        // A write-off's VAT is its own if it has no act, or its act sums up the VAT of each write-off.
        let has_act = row.extra.iter().any(|(name, _)| name == ACT_UUID);
        if has_act && !(is_summary && row.subscriber.kind == PartyKind::Individual) {
            account.add(&row, amount, vat);
        } else if vat != own {
            found.report(format!("the VAT of the write-off {:?} is {vat} kopecks instead of {own}", row.id));
        }
        if !ids.insert(row.id.clone()) {
            found.report(format!("the write-off {:?} is given twice", row.id));
        }
    }
    account.end(found);
    sums.rows = Some(rows);
    sums.vat_rounding = Some(all_vat - own_vat);
    sums
}
