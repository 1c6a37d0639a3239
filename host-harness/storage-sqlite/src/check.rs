//! Checks what must hold in a database.
//!
//! The check is linear in the size of the data: entries are read once, in their order, and what made each is found by an index.
//! Their sums are collected by account and by hour, and only these are held in memory. The check reads beside a running host
//! and blocks nobody. While it reads, the log cannot restart, and grows by what the host commits.
//!
//! SQLite has no checksums of pages: damage within a text or within a callback's bytes, which breaks no rule, is not found.

mod findings;
mod movements;
mod operations;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use money::format_amount;

use crate::damage::{integrity, open};
use crate::failure::refused;
use crate::log;
use crate::mark::{self, Files, Found};
use crate::query::SqlTransaction;
use crate::rows::{day_text, signed, text};
use crate::schema::{MIGRATIONS, counter, version};
use domain::{Finding, FindingCode};
use findings::{FINDINGS_MAX, Findings};
use ledger::Error;
use ledger::HOUR_SECONDS;

/// A rule about the whole database.
type Rule = fn(&SqlTransaction<'_>, &mut Findings) -> Result<(), Error>;

/// The rules other than those of entries. To add a rule, add a function.
const RULES: &[Rule] = &[
    references,
    movements::resolutions,
    movements::movements,
    movements::unmatched_events,
    operations::operations,
    operations::orders_to_ask,
    days,
    buyers,
];

/// Every entry, with what the records that made it show to be wrong.
const ENTRIES: &str = "
    SELECT entries.seq, entries.account, entries.kind, ifnull(entries.provider, ''), entries.currency, entries.minor_units, entries.counted_at,
    CASE
        WHEN entries.reverses IS NOT NULL AND
            (entries.account, entries.kind, entries.provider, entries.transaction_id, entries.currency, -entries.minor_units)
            IS NOT (reversed.account, reversed.kind, reversed.provider, reversed.transaction_id, reversed.currency,
            reversed.minor_units)
        THEN 'it is not the opposite of the entry ' || entries.reverses || ', which it takes back'
        WHEN entries.reverses IS NOT NULL AND decisions.decided IS NOT 'undoing'
            OR entries.reverses IS NULL AND decisions.decided IN ('undoing', 'dismissal')
        THEN 'its decision is of another kind'
        WHEN CASE
            WHEN entries.reverses IS NOT NULL THEN decisions.id
            WHEN entries.kind = 'write-off' THEN writeoffs.entry
            WHEN entries.kind = 'correction' THEN corrections.entry
            ELSE ifnull(movements.id, unmatched.id) END IS NULL
        THEN 'nothing is kept that it was made by'
        WHEN (movements.id IS NOT NULL) + (unmatched.id IS NOT NULL) + (writeoffs.entry IS NOT NULL)
            + (corrections.entry IS NOT NULL) + (entries.reverses IS NOT NULL) > 1
        THEN 'more than one record says that it was made by it'
        WHEN unmatched.id IS NOT NULL
            AND (entries.kind, entries.provider, entries.transaction_id, entries.currency, abs(entries.minor_units))
            IS NOT (unmatched.kind, unmatched.provider, unmatched.transaction_id, unmatched.currency, unmatched.minor_units)
        THEN 'it is not what the unmatched event ' || unmatched.id || ' says'
        WHEN writeoffs.entry IS NOT NULL AND (entries.account, entries.currency, -entries.minor_units)
            IS NOT (writeoffs.account, writeoffs.currency, writeoffs.minor_units)
        THEN 'it is not what the write-off ' || writeoffs.id || ' says'
        WHEN paid.number IS NOT NULL
            AND (entries.kind, entries.order_number, entries.account, entries.provider, entries.currency, entries.minor_units)
            IS NOT ('payment', paid.number, paid.account, paid.provider, paid.currency, paid.minor_units)
        THEN 'it is not what the order ' || paid.number || ' says, which it paid'
        WHEN movements.id IS NOT NULL
            AND (entries.kind, entries.provider, entries.transaction_id, entries.currency, abs(entries.minor_units))
            IS NOT (movements.kind, movements.provider, movements.facts ->> 'transaction', movements.facts ->> 'currency',
            movements.facts ->> 'minor-units')
        THEN 'it is not what the movement ' || movements.id || ' says'
        WHEN movements.id IS NOT NULL AND entries.kind = 'payment' AND entries.account IS NOT movements.facts ->> 'account'
            AND movements.facts ->> 'account' IS NOT NULL
        THEN 'the movement ' || movements.id || ' is of the account ' || (movements.facts ->> 'account')
        WHEN named.number IS NOT NULL AND entries.account IS NOT named.account
        THEN 'its order ' || named.number || ' is of the account ' || named.account
        WHEN named.number IS NOT NULL AND entries.kind = 'payment' AND named.paid_by IS NULL
        THEN 'its order ' || named.number || ' is not paid'
        WHEN entries.reverses IS NULL AND (entries.kind IN ('payment', 'chargeback-reversal') AND entries.minor_units <= 0 OR
            entries.kind IN ('refund', 'chargeback') AND entries.minor_units >= 0)
        THEN 'its amount has the wrong sign'
    END
    FROM entries
    LEFT JOIN movements ON movements.entry = entries.seq
    LEFT JOIN decisions ON decisions.id = entries.decision
    LEFT JOIN unmatched ON unmatched.id = decisions.unmatched AND entries.reverses IS NULL
    LEFT JOIN entries AS reversed ON reversed.seq = entries.reverses
    LEFT JOIN writeoffs ON writeoffs.entry = entries.seq
    LEFT JOIN corrections ON corrections.entry = entries.seq
    LEFT JOIN orders AS named ON named.number = entries.order_number
    LEFT JOIN orders AS paid ON paid.paid_by = entries.seq";

/// The result of a check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// What does not hold; empty if everything holds. The first thousand of each kind, then how many more there are.
    pub findings: Vec<Finding>,
    /// What could not be determined, in sentences.
    pub notes: Vec<String>,
}

/// Checks a database, which may be in use, and changes nothing. It checks the mark, runs SQLite's own check for damage, and
/// checks what must hold between the records. With `since`, a second of the epoch at which an hour begins, it checks the mark
/// and the records that [`check_since`](ledger::Ledger::check_since) checks, and does not look for damage.
///
/// # Errors
/// If the database cannot be read at all, or has another version than this program.
pub fn check(database: &Path, since: Option<u64>) -> Result<Checked, Error> {
    // Read before the counter, so that a commit in between does not look like a loss.
    let files = Files::of(database)?;
    let mark = mark::read(&files.mark())?;
    let (mut findings, mut notes) = (Findings::default(), Vec::new());
    if let Some(loss) = files.loss(&mark) {
        findings.add(FindingCode::LostCommits, "", loss.to_string());
        return Ok(Checked { findings: findings.told(), notes });
    }
    log::refuse_unrelated(database)?;
    let damage = std::thread::scope(|scope| {
        // The check for damage takes as long as everything else, and shares nothing with it.
        let damage = scope.spawn(|| if since.is_none() { integrity(database, FINDINGS_MAX) } else { Ok(Vec::new()) });
        let looked = look(&files, since, &mark, &mut findings, &mut notes);
        findings.unless_damaged(looked)?;
        damage.join().unwrap_or_else(|_| Err(Error::Unavailable("the check for damage ended".to_owned())))
    });
    match damage {
        Err(error) => findings.unless_damaged(Err(error))?,
        Ok(damage) => damage.into_iter().for_each(|what| findings.add_damage(what)),
    }
    Ok(Checked { findings: findings.told(), notes })
}

/// Makes every check except the one for damage.
fn look(
    files: &Files,
    since: Option<u64>,
    mark: &Found,
    findings: &mut Findings,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let mut connection = open(files.database())?;
    let (found, known) = (version(&connection)?, MIGRATIONS.len() as i64);
    if found > known {
        return Err(Error::NewerDatabase { found, known });
    }
    if found == 0 {
        let loss = files.loss_of_all(mark).ok_or_else(|| Error::Damaged("it is empty".to_owned()))?;
        findings.add(FindingCode::LostCommits, "", loss.to_string());
        return Ok(());
    }
    if found < known {
        return Err(Error::OlderDatabase { found, known });
    }
    let counter = counter(&connection)?;
    if *mark == Found::Missing {
        let note = "whether commits are missing cannot be told: there is no mark of them";
        notes.push(format!("{note}, {}; `serve` makes it", files.mark().display()));
    }
    if let Some(loss) = mark::loss(mark, &counter) {
        findings.add(FindingCode::LostCommits, "", loss.to_string());
    }
    let transaction = connection.transaction().map_err(refused)?;
    gather(&SqlTransaction(&transaction), since, findings)
}

/// Returns what does not hold, within a transaction.
pub fn findings(transaction: &SqlTransaction<'_>, since: Option<u64>) -> Result<Vec<Finding>, Error> {
    let mut findings = Findings::default();
    gather(transaction, since, &mut findings)?;
    Ok(findings.told())
}

fn gather(transaction: &SqlTransaction<'_>, since: Option<u64>, findings: &mut Findings) -> Result<(), Error> {
    let sums = entries(transaction, since, findings)?;
    compare_hours(transaction, since, sums.hours, findings)?;
    match since {
        None => {
            compare_balances(transaction, None, sums.balances, findings)?;
            RULES.iter().try_for_each(|rule| rule(transaction, findings))
        }
        // The balances of the accounts that these entries changed, by all entries of the accounts.
        Some(_) => sums.balances.into_keys().collect::<BTreeSet<_>>().into_iter().try_for_each(|account| {
            let mut balances = HashMap::new();
            transaction.each("SELECT currency, minor_units FROM entries WHERE account = ?", [&account], |row| {
                add_balance(&mut balances, &account, text(row, 0)?, row.get(1)?);
                Ok(())
            })?;
            compare_balances(transaction, Some(&account), balances, findings)
        }),
    }
}

/// The sums of entries.
#[derive(Default)]
struct Sums {
    balances: Balances,
    hours: HashMap<i64, Vec<HourSum>>,
}

/// The sums by account, and within it by currency.
type Balances = HashMap<String, Vec<(String, i128)>>;

struct HourSum {
    kind: String,
    provider: String,
    currency: String,
    count: i64,
    minor_units: i128,
}

impl HourSum {
    fn is_of(&self, kind: &str, provider: &str, currency: &str) -> bool {
        (&*self.kind, &*self.provider, &*self.currency) == (kind, provider, currency)
    }
}

fn add_balance(balances: &mut Balances, account: &str, currency: &str, minor_units: i64) {
    if !balances.contains_key(account) {
        balances.insert(account.to_owned(), Vec::new());
    }
    let Some(sums) = balances.get_mut(account) else { return };
    match sums.iter_mut().find(|(of, _)| of == currency) {
        Some((_, sum)) => *sum += i128::from(minor_units),
        None => sums.push((currency.to_owned(), minor_units.into())),
    }
}

fn entries_sql(since: bool) -> String {
    format!("{ENTRIES} {}", if since { "WHERE entries.counted_at >= ?1" } else { "WHERE ?1 IS NULL ORDER BY entries.seq" })
}

/// Reads entries, each with the records that made it.
fn entries(transaction: &SqlTransaction<'_>, since: Option<u64>, findings: &mut Findings) -> Result<Sums, Error> {
    let mut sums = Sums::default();
    let mut seq_before = 0;
    transaction.each(&entries_sql(since.is_some()), [since.map(signed)], |row| {
        let seq: i64 = row.get(0)?;
        let (account, kind, provider, currency) = (text(row, 1)?, text(row, 2)?, text(row, 3)?, text(row, 4)?);
        let (minor_units, at): (i64, i64) = (row.get(5)?, row.get(6)?);
        if let Some(wrong) = row.get::<_, Option<String>>(7)? {
            findings.add(FindingCode::Entry, seq, wrong);
        }
        if since.is_none() && seq != seq_before + 1 {
            let missing = format!("there is no entry from {} to {}", seq_before + 1, seq - 1);
            findings.add(FindingCode::MissingEntries, "", missing);
        }
        seq_before = seq;
        add_balance(&mut sums.balances, account, currency, minor_units);
        let hour = sums.hours.entry(at - at.rem_euclid(HOUR_SECONDS as i64)).or_default();
        let sum = match hour.iter_mut().position(|sum| sum.is_of(kind, provider, currency)) {
            Some(position) => hour.get_mut(position),
            None => {
                let [kind, provider, currency] = [kind, provider, currency].map(str::to_owned);
                hour.push(HourSum { kind, provider, currency, count: 0, minor_units: 0 });
                hour.last_mut()
            }
        };
        if let Some(sum) = sum {
            sum.count += 1;
            sum.minor_units += i128::from(minor_units);
        }
        Ok(())
    })?;
    Ok(sums)
}

/// Compares the stored balances of an account, or of all, with the sums of entries.
fn compare_balances(
    transaction: &SqlTransaction<'_>,
    account: Option<&str>,
    mut sums: Balances,
    findings: &mut Findings,
) -> Result<(), Error> {
    let which = if account.is_some() { "WHERE account = ?1" } else { "WHERE ?1 IS NULL" };
    let sql = format!("SELECT account, currency, minor_units FROM balances {which}");
    transaction.each(&sql, [account], |row| {
        let (account, currency) = (text(row, 0)?, text(row, 1)?);
        let kept = row.get::<_, i64>(2)?.into();
        let of_account = sums.get_mut(account);
        let sum = of_account.and_then(|sums| {
            let at = sums.iter().position(|(of, _)| of == currency)?;
            Some(sums.swap_remove(at).1)
        });
        findings.balance(account, currency, kept, sum.unwrap_or_default());
        Ok(())
    })?;
    // The sums that have no stored balance.
    let mut left: Vec<(String, String, i128)> = sums
        .into_iter()
        .flat_map(|(account, sums)| sums.into_iter().map(move |(currency, sum)| (account.clone(), currency, sum)))
        .collect();
    left.sort_unstable();
    left.iter().for_each(|(account, currency, sum)| findings.balance(account, currency, 0, *sum));
    Ok(())
}

/// Compares the stored sums of hours with the sums of entries.
fn compare_hours(
    transaction: &SqlTransaction<'_>,
    since: Option<u64>,
    mut sums: HashMap<i64, Vec<HourSum>>,
    findings: &mut Findings,
) -> Result<(), Error> {
    let sql = "SELECT hour, kind, provider, currency, count, minor_units FROM hours WHERE hour >= ?";
    transaction.each(sql, [since.map_or(i64::MIN, signed)], |row| {
        let (hour, kind, provider, currency) = (row.get(0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?);
        let kept = (row.get(4)?, row.get::<_, i64>(5)?.into());
        let of_hour = sums.get_mut(&hour);
        let sum = of_hour.and_then(|sums| {
            let at = sums.iter().position(|sum| sum.is_of(kind, provider, currency))?;
            let HourSum { count, minor_units, .. } = sums.swap_remove(at);
            Some((count, minor_units))
        });
        findings.hour(hour, [kind, provider, currency], kept, sum.unwrap_or_default());
        Ok(())
    })?;
    let mut left: Vec<(i64, HourSum)> =
        sums.into_iter().flat_map(|(hour, sums)| sums.into_iter().map(move |sum| (hour, sum))).collect();
    left.sort_unstable_by(|(one, of_one), (other, of_other)| (one, &of_one.kind).cmp(&(other, &of_other.kind)));
    for (hour, HourSum { kind, provider, currency, count, minor_units }) in &left {
        findings.hour(*hour, [kind, provider, currency], (0, 0), (*count, *minor_units));
    }
    Ok(())
}

/// Finds records that name others which do not exist.
fn references(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    transaction.each("PRAGMA foreign_key_check", [], |row| {
        let (table, of, row): (String, String, Option<i64>) = (row.get(0)?, row.get(2)?, row.get(1)?);
        let which = row.map_or_else(|| "a record".to_owned(), |row| format!("the record {row}"));
        findings.add(FindingCode::Reference, table, format!("{which} names what is not in {of}"));
        Ok(())
    })
}

/// Finds write-offs of an older program with days that do not exist in the calendar, about which nobody decided: no month's
/// export holds them.
fn days(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    let sql = "SELECT writeoffs.id, account, period, date, minor_units, currency FROM writeoffs
        WHERE NOT (has_date AND has_period)
        AND NOT EXISTS (SELECT 1 FROM exclusions WHERE exclusions.writeoff = writeoffs.id AND undone_by IS NULL)
        ORDER BY writeoffs.id";
    transaction.each(sql, [], |row| {
        let detail = format!(
            "of the account {}, {} {}: its day is {} and its period begins on {}, of which one is not a day of the calendar, so no month's \
             export holds it; leave it out of exports with a reason, and where need be enter it again under a new id",
            text(row, 1)?,
            format_amount(row.get(4)?),
            text(row, 5)?,
            day_text(row.get(3)?),
            day_text(row.get(2)?)
        );
        findings.add(FindingCode::WriteOffDay, text(row, 0)?, detail);
        Ok(())
    })
}

/// Finds accounts of an older program that have a buyer's tax number under another name or kind than the buyer's first account.
/// The provider refuses a month that has write-offs of both.
fn buyers(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    let sql = "SELECT number, name, buyer, first_number, first_name FROM (
            SELECT number, name, kind, buyer, first_value(number) OVER first AS first_number,
                first_value(name) OVER first AS first_name, first_value(kind) OVER first AS first_kind
            FROM (SELECT number, name, kind, CASE WHEN inn = '' THEN 'foreign tax number ' || foreign_tax_number
                WHEN kpp = '' THEN 'INN ' || inn ELSE 'INN and KPP ' || inn || '/' || kpp END AS buyer
                FROM accounts WHERE inn <> '' OR foreign_tax_number <> '')
            WINDOW first AS (PARTITION BY buyer ORDER BY number))
        WHERE (name, kind) <> (first_name, first_kind) ORDER BY number";
    transaction.each(sql, [], |row| {
        let (name, buyer, first, first_name) = (text(row, 1)?, text(row, 2)?, text(row, 3)?, text(row, 4)?);
        let detail = format!(
            "its {buyer} is also that of the account {first}, and they have other names or kinds, {name:?} and {first_name:?}, so no \
             export can hold both: where it is one buyer, PUT one of them with rename=true, else correct the wrong number"
        );
        findings.add(FindingCode::BuyerName, text(row, 0)?, detail);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No table is read more than once, and nothing is sorted: an index finds what belongs to an entry.
    #[test]
    fn entries_are_read_once_with_what_they_were_made_by() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        drop(crate::Sqlite::open(&path).unwrap());
        let connection = rusqlite::Connection::open(path).unwrap();
        for (since, first) in [(false, "SCAN entries"), (true, "SEARCH entries USING INDEX entries_of_time (counted_at>?)")] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", entries_sql(since))).unwrap();
            let plan = statement.query_map([None::<i64>], |row| row.get::<_, String>(3)).unwrap().map(Result::unwrap);
            let plan: Vec<String> = plan.collect();
            assert_eq!(plan[0], first, "{plan:?}");
            assert_eq!(plan.len(), 9, "{plan:?}");
            assert!(plan[1..].iter().all(|step| step.starts_with("SEARCH ")), "{plan:?}");
        }
    }
}
