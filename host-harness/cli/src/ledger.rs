//! `ledger`: commands on a ledger, whether it is served or not.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use domain::Finding;
use serde_json::json;
use storage_sqlite::{Checked, check_database};

use crate::failure::{Failure, REFUSED};
use crate::{data_folder, input, output, serve};

const HOUR_SECONDS: i64 = 3_600;

/// Looks at a ledger.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Checks a ledger, also while it is served, and changes nothing. Exit code 3: something does not hold; each thing is a line.
    ///
    /// It compares the last commit with the mark beside the database, looks through the whole file for damage, and compares every
    /// balance, every hour's sums, and every order, event, write-off and correction with the entries. It reads everything: a minute
    /// for some million payments.
    ///
    /// Example: host-harness ledger check --data /var/lib/harness
    Check(Check),
}

#[derive(clap::Args)]
struct Check {
    /// The folder that `serve` has its data in.
    #[arg(long)]
    data: PathBuf,
    /// Checks only the mark and the entries since the beginning of a day, such as 2026-11-01: the sums of the hours since then, what
    /// each of these entries was made by, and the balances of their accounts, by all the entries of these. Earlier entries, other
    /// balances, records without an entry and damage of the file are not looked at.
    #[arg(long, value_name = "DATE", value_parser = day)]
    since: Option<i64>,
    /// The local time's offset from UTC, in hours from -12 to 14: the day of --since begins by it.
    #[arg(long, value_name = "HOURS", default_value_t = serve::UTC_OFFSET_HOURS, allow_negative_numbers = true,
        value_parser = utc_offset)]
    utc_offset: i8,
    /// Prints one line of JSON: passed, findings with code, about and detail, and what could not be told.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn wants_json(&self) -> bool {
        let Command::Check(check) = &self.command;
        check.json
    }
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Command::Check(check) = &arguments.command;
    let database = data_folder::database(&check.data);
    let missing = std::fs::metadata(&database).err();
    let since = check.since.map(|midnight| midnight - i64::from(check.utc_offset) * HOUR_SECONDS);
    let since = since.map(|since| u64::try_from(since).unwrap_or_default());
    // A missing database is a finding where its mark or its log is there.
    let checked = check_database(&database, since).map_err(|error| match missing {
        Some(missing) => Failure::file(&database, missing),
        None => Failure::file(&database, error),
    })?;
    if check.json {
        print_json(&checked)?
    } else {
        print(&checked, since.is_some())?
    }
    if checked.findings.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("host-harness: {}", advice(&check.data, &checked.findings));
    Ok(ExitCode::from(REFUSED))
}

fn print(checked: &Checked, since: bool) -> Result<(), Failure> {
    let Checked { findings, notes } = checked;
    notes.iter().try_for_each(|note| output::line(&format!("note: {note}")))?;
    findings.iter().try_for_each(|finding| output::line(&finding.to_string()))?;
    match (findings.is_empty(), since) {
        (false, _) => Ok(()),
        (true, false) => {
            output::line("the ledger is consistent: every balance is the sum of its entries, and no damage was found")
        }
        (true, true) => output::line("the ledger is consistent since then; earlier entries and damage were not checked"),
    }
}

fn print_json(checked: &Checked) -> Result<(), Failure> {
    let finding = |Finding { code, about, detail }: &Finding| json!({ "code": code.name(), "about": about, "detail": detail });
    let findings: Vec<_> = checked.findings.iter().map(finding).collect();
    output::json(&json!({ "passed": findings.is_empty(), "findings": findings, "notes": checked.notes }))
}

fn advice(data: &Path, findings: &[Finding]) -> String {
    let count = findings.len();
    let problems = if count == 1 { "problem" } else { "problems" };
    format!(
        "the check found {count} {problems} in the ledger of {}; keep a copy of the folder as it is, and restore the ledger from \
        the newest copy that passes the check",
        data.display()
    )
}

fn utc_offset(text: &str) -> Result<i8, String> {
    input::hours(text, -12..=14)
}

/// Returns a day's midnight in UTC, in seconds since the epoch.
fn day(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a date such as 2026-11-01");
    let date = domain::Date::parse(text).filter(|date| date.year() >= 1970).ok_or_else(wrong)?;
    Ok(time::Date::from(date).midnight().assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date_that_there_is() {
        assert_eq!(day("1970-01-01"), Ok(0));
        assert_eq!(day("2024-02-29"), Ok(1_709_164_800));
        assert_eq!(day("2026-11-27"), Ok(1_795_737_600));
        for wrong in ["2026-02-29", "2026-13-01", "2026-1-1", "1969-12-31", "27.11.2026", "2026-11-27-1", "+026-11-27", ""] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
