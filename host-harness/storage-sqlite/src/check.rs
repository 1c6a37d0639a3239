//! Checks what must hold in a database.
//!
//! The check is linear in the size of the data: entries are read once, in their order, and what made each is found by an index.
//! Their sums are collected by account and by hour, and only these are held in memory. The check reads beside a running host
//! and blocks nobody. While it reads, the log cannot restart, and grows by what the host commits.
//!
//! SQLite has no checksums of pages: damage within a text or within a callback's bytes, which breaks no rule, is not found.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use money::format_amount;
use rusqlite::Row;

use crate::damage::{integrity, open};
use crate::failure::refused;
use crate::log;
use crate::mark::{self, Files, Found};
use crate::query::SqlTransaction;
use crate::rows::{RowError, day_text, signed};
use crate::schema::{MIGRATIONS, counter, version};
use domain::{Finding, FindingCode};
use ledger::Error;
use ledger::HOUR_SECONDS;

/// The most findings of a kind that are reported one by one.
const FINDINGS_MAX: u64 = 1_000;

/// A rule about the whole database.
type Rule = fn(&SqlTransaction<'_>, &mut Findings) -> Result<(), Error>;

/// The rules other than those of entries. To add a rule, add a function.
const RULES: &[Rule] = &[references, resolutions, movements, unmatched_events, days, buyers];

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

/// The movements with what is wrong about them. Each is read once, and what belongs to it is found by an index.
const MOVEMENTS: &str = "
    SELECT movements.id, CASE
        WHEN movements.id NOT BETWEEN 1 AND 999999999999999999 THEN 'its number has more than 18 digits'
        WHEN movements.entry IS NULL AND movements.unmatched IS NULL
            AND movements.kind IN ('payment', 'refund', 'chargeback', 'chargeback-reversal')
        THEN 'it moves money, and has neither an entry nor an unmatched event'
        WHEN movements.entry IS NOT NULL AND movements.kind IN ('hold', 'hold-release', 'declined')
            OR movements.unmatched IS NOT NULL AND movements.kind IN ('hold', 'declined')
        THEN 'it moves no money, and has an entry or an unmatched event'
        WHEN unmatched.id IS NOT NULL AND (movements.provider, movements.dedup_key, movements.kind)
            IS NOT (unmatched.provider, unmatched.dedup_key, unmatched.kind)
        THEN 'it is not what the unmatched event ' || unmatched.id || ' says'
        WHEN parent.id IS NOT NULL AND (parent.provider IS NOT movements.provider OR parent.kind IS NOT CASE
            WHEN movements.kind IN ('payment', 'hold-release') THEN 'hold'
            WHEN movements.kind IN ('refund', 'chargeback', 'chargeback-reversal') THEN 'payment' END)
        THEN 'it cannot follow from the movement ' || parent.id || ', a ' || parent.kind || ' of ' || parent.provider
        WHEN movements.open_until IS NOT NULL AND movements.kind <> 'hold' THEN 'it is open, and is no hold'
        WHEN movements.kind = 'hold' AND (movements.open_until IS NULL) <> EXISTS (SELECT 1 FROM movements AS ended
            WHERE ended.parent = movements.id AND ended.kind IN ('payment', 'hold-release'))
        THEN iif(movements.open_until IS NULL, 'it has ended, and nothing ended it', 'it is open, and something ended it')
        WHEN reserved.number IS NOT NULL AND movements.kind = 'hold'
            AND (reserved.provider, reserved.currency, reserved.minor_units)
            IS NOT (movements.provider, movements.facts ->> 'currency', movements.facts ->> 'minor-units')
        THEN 'it is not what the order ' || reserved.number || ' says, which it reserves'
    END AS wrong
    FROM movements
    LEFT JOIN unmatched ON unmatched.id = movements.unmatched
    LEFT JOIN movements AS parent ON parent.id = movements.parent
    LEFT JOIN orders AS reserved ON reserved.number = movements.order_number
    WHERE wrong IS NOT NULL";

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

/// Returns a text of a row without copying it.
fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, RowError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
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

/// Finds unmatched events that contradict the last decision about them.
fn resolutions(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    let sql = "SELECT unmatched.id, unmatched.resolved_by, unmatched.entry, in_force.decided, entries.seq FROM unmatched
        LEFT JOIN decisions AS in_force ON in_force.unmatched = unmatched.id AND in_force.decided <> 'undoing'
            AND NOT EXISTS (SELECT 1 FROM decisions AS undoing WHERE undoing.undoes = in_force.id)
        LEFT JOIN entries ON entries.decision = in_force.id
        LEFT JOIN movements ON movements.unmatched = unmatched.id
        WHERE CASE WHEN movements.entry IS NULL
            THEN (unmatched.resolved_by IS NULL) <> (in_force.id IS NULL) OR unmatched.entry IS NOT entries.seq
            -- It waited for the payment that it takes back, and was entered with that.
            ELSE unmatched.resolved_by IS NULL OR unmatched.entry IS NOT movements.entry OR in_force.id IS NOT NULL END";
    transaction.each(sql, [], |row| {
        let resolved_by: Option<String> = row.get(1)?;
        let (entry, made): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(4)?);
        let decided: Option<String> = row.get(3)?;
        let or_nobody = |name: Option<String>| name.unwrap_or_else(|| "nobody".to_owned());
        let or_none = |seq: Option<i64>| seq.map_or_else(|| "none".to_owned(), |seq| seq.to_string());
        let detail = format!(
            "it is resolved by {} with the entry {}, and the decision in force is {} with the entry {}",
            or_nobody(resolved_by),
            or_none(entry),
            decided.unwrap_or_else(|| "none".to_owned()),
            or_none(made)
        );
        findings.add(FindingCode::Resolution, row.get::<_, i64>(0)?, detail);
        Ok(())
    })
}

/// Finds movements that contradict their entry, their unmatched event, or the movement that they follow from. A return follows from
/// a payment, which follows from a hold, so that no circle is possible. Two open holds of an order are no finding: both may be
/// facts, and the first one counts.
fn movements(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    transaction.each(MOVEMENTS, [], |row| {
        findings.add(FindingCode::Movement, row.get::<_, i64>(0)?, text(row, 1)?);
        Ok(())
    })
}

/// Finds unmatched events without a movement, which says what they are.
fn unmatched_events(transaction: &SqlTransaction<'_>, findings: &mut Findings) -> Result<(), Error> {
    let sql = "SELECT id FROM unmatched
        WHERE NOT EXISTS (SELECT 1 FROM movements WHERE movements.unmatched = unmatched.id)";
    transaction.each(sql, [], |row| {
        let id: i64 = row.get(0)?;
        findings.add(FindingCode::Movement, "", format!("nothing is kept that the unmatched event {id} was made of"));
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
    fn add_damage(&mut self, what: String) {
        if !self.found.iter().any(|known| known.code == FindingCode::Damage && known.detail == what) {
            self.add(FindingCode::Damage, "", what);
        }
    }

    /// Converts damage that prevented reading into a finding.
    fn unless_damaged(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        match result {
            Err(Error::Damaged(what) | Error::DamagedFile(what)) => {
                self.add_damage(what);
                Ok(())
            }
            other => other,
        }
    }

    fn balance(&mut self, account: &str, currency: &str, kept: i128, sum: i128) {
        if kept != sum {
            let detail = format!("{} is kept, its entries come to {}", amount(kept, currency), amount(sum, currency));
            self.add(FindingCode::Balance, account, detail);
        }
    }

    /// Compares the count and the sum of an hour.
    fn hour(&mut self, hour: i64, [kind, provider, currency]: [&str; 3], kept: (i64, i128), sum: (i64, i128)) {
        if kept != sum {
            let by = if provider.is_empty() { String::new() } else { format!(" by {provider}") };
            let [kept, sum] = [kept, sum].map(|(count, sum)| format!("{count} of {}", amount(sum, currency)));
            let about = time::OffsetDateTime::from_unix_timestamp(hour)
                .map_or_else(|_| hour.to_string(), |time| format!("{} {:02}:00 UTC", time.date(), time.hour()));
            self.add(FindingCode::HourlyTotal, about, format!("{kind}{by}: {kept} are kept, entries come to {sum}"));
        }
    }

    /// Returns the findings, and for each kind how many more there are.
    fn told(self) -> Vec<Finding> {
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
