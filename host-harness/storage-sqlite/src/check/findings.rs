//! What a check has found.

use std::collections::HashMap;

use domain::{Finding, FindingCode};
use ledger::Error;
use money::format_amount;

/// The most findings of a kind that are reported one by one.
pub const FINDINGS_MAX: u64 = 1_000;

/// The findings, and how many of each kind there are.
#[derive(Default)]
pub struct Findings {
    found: Vec<Finding>,
    counts: HashMap<&'static str, (FindingCode, u64)>,
}

impl Findings {
    /// Adds a finding.
    pub fn add(&mut self, code: FindingCode, about: impl ToString, detail: impl Into<String>) {
        let (_, count) = self.counts.entry(code.name()).or_insert((code, 0));
        *count += 1;
        if *count <= FINDINGS_MAX {
            self.found.push(Finding { code, about: about.to_string(), detail: detail.into() });
        }
    }

    /// Adds damage, unless another part of the check came upon the same.
    pub fn add_damage(&mut self, what: String) {
        if !self.found.iter().any(|known| known.code == FindingCode::Damage && known.detail == what) {
            self.add(FindingCode::Damage, "", what);
        }
    }

    /// Converts damage that prevented reading into a finding.
    pub fn unless_damaged(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        match result {
            Err(Error::Damaged(what) | Error::DamagedFile(what)) => {
                self.add_damage(what);
                Ok(())
            }
            other => other,
        }
    }

    pub fn balance(&mut self, account: &str, currency: &str, kept: i128, sum: i128) {
        if kept != sum {
            let detail = format!("{} is kept, its entries come to {}", amount(kept, currency), amount(sum, currency));
            self.add(FindingCode::Balance, account, detail);
        }
    }

    /// Compares the count and the sum of an hour.
    pub fn hour(&mut self, hour: i64, [kind, provider, currency]: [&str; 3], kept: (i64, i128), sum: (i64, i128)) {
        if kept != sum {
            let by = if provider.is_empty() { String::new() } else { format!(" by {provider}") };
            let [kept, sum] = [kept, sum].map(|(count, sum)| format!("{count} of {}", amount(sum, currency)));
            let about = time::OffsetDateTime::from_unix_timestamp(hour)
                .map_or_else(|_| hour.to_string(), |time| format!("{} {:02}:00 UTC", time.date(), time.hour()));
            self.add(FindingCode::HourlyTotal, about, format!("{kind}{by}: {kept} are kept, entries come to {sum}"));
        }
    }

    /// Returns the findings, and for each kind how many more there are.
    pub fn told(self) -> Vec<Finding> {
        let mut found = self.found;
        let more = self.counts.into_values().filter(|(_, count)| *count > FINDINGS_MAX);
        found.extend(more.map(|(code, count)| {
            let detail = format!("{} more of this kind", count - FINDINGS_MAX);
            Finding { code, about: String::new(), detail }
        }));
        found
    }
}

fn amount(minor_units: i128, currency: &str) -> String {
    i64::try_from(minor_units).map_or_else(
        |_| format!("{minor_units} minor units of {currency}"),
        |minor_units| format!("{} {currency}", format_amount(minor_units)),
    )
}
