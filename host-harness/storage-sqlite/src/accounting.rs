//! Write-offs and their buyers, in SQL.

use rusqlite::params;

use crate::query::SqlTransaction;
use crate::rows::{
    ACCOUNT, ACCOUNT_COLUMNS, EXCLUSION, WRITEOFF, WRITEOFF_COLUMNS, account, day_text, exclusion as exclusion_of, money,
    number_of, numbers_of, signed, writeoff as writeoff_of,
};
use domain::{Account, AccountNumber, Date, ExcludedWriteOff, Exclusion, ListedWriteOff, UndatedWriteOff, WriteOff};
use ledger::Error;

/// Joins the decision about a write-off of the same query, if one is in force.
const JOIN_EXCLUSION: &str = "LEFT JOIN exclusions ON exclusions.writeoff = writeoffs.id AND exclusions.undone_by IS NULL";

/// Returns the columns of a write-off, for queries in which other tables have columns of the same names.
fn writeoff_columns() -> String {
    WRITEOFF.split(", ").map(|column| format!("writeoffs.{column}")).collect::<Vec<_>>().join(", ")
}

/// Returns what identifies a write-off's service: whether it is a code, and the code or the name.
fn service_key(writeoff: &WriteOff) -> (bool, &str) {
    let has_code = !writeoff.service_code.is_empty();
    (has_code, if has_code { &writeoff.service_code } else { &writeoff.service })
}

/// Returns the condition that finds the accounts of an account's buyer, with its parameters 1 and 2; `None` if the buyer has no
/// tax number, so that no other account is known to be the same buyer's. Few accounts have a foreign number, so these have no
/// index.
fn of_same_buyer(of: &Account) -> Option<(&'static str, [&str; 2])> {
    match (of.inn.as_str(), of.foreign_tax_number.as_str()) {
        ("", "") => None,
        ("", foreign) => Some(("inn = '' AND foreign_tax_number = ?1 AND ?2 = ''", [foreign, ""])),
        (inn, _) => Some(("inn = ?1 AND inn <> '' AND kpp = ?2", [inn, &of.kpp])),
    }
}

pub fn namesake(transaction: &SqlTransaction<'_>, of: &Account) -> Result<Option<Account>, Error> {
    let Some((condition, [number, kpp])) = of_same_buyer(of) else { return Ok(None) };
    let sql = format!(
        "SELECT {ACCOUNT} FROM accounts WHERE {condition} AND number <> ?3 AND (name <> ?4 OR kind <> ?5) ORDER BY number LIMIT 1"
    );
    transaction.one(&sql, params![number, kpp, of.number.as_str(), of.name, of.kind.name()], account)
}

pub fn rename_buyer(transaction: &SqlTransaction<'_>, of: &Account) -> Result<(), Error> {
    let Some((condition, [number, kpp])) = of_same_buyer(of) else { return Ok(()) };
    let sql = format!("UPDATE accounts SET name = ?3, kind = ?4 WHERE {condition}");
    transaction.execute(&sql, params![number, kpp, of.name, of.kind.name()]).map(drop)
}

pub fn insert_writeoff(transaction: &SqlTransaction<'_>, writeoff: &WriteOff, seq: u64) -> Result<(), Error> {
    let sql = format!("INSERT INTO writeoffs ({WRITEOFF}, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    transaction.execute(
        &sql,
        params![
            writeoff.id,
            writeoff.account.as_str(),
            writeoff.service_code,
            writeoff.service,
            writeoff.unit,
            number_of(writeoff.period),
            number_of(writeoff.date),
            writeoff.quantity_thousandths,
            writeoff.amount.minor_units,
            writeoff.amount.currency.as_str(),
            writeoff.vat_basis_points,
            writeoff.note,
            signed(seq)
        ],
    )?;
    let (has_code, key) = service_key(writeoff);
    let sql = "INSERT OR IGNORE INTO services (has_code, key, unit, writeoff) VALUES (?, ?, ?, ?)";
    transaction.execute(sql, params![has_code, key, writeoff.unit, writeoff.id]).map(drop)
}

pub fn writeoff(transaction: &SqlTransaction<'_>, id: &str) -> Result<Option<Result<WriteOff, UndatedWriteOff>>, Error> {
    transaction.one(&format!("SELECT {WRITEOFF} FROM writeoffs WHERE id = ?"), [id], |row| writeoff_of(row, 0))
}

pub fn unit_of_service(transaction: &SqlTransaction<'_>, writeoff: &WriteOff) -> Result<Option<(String, String)>, Error> {
    let (has_code, key) = service_key(writeoff);
    let sql = "SELECT unit, writeoff FROM services WHERE has_code = ? AND key = ?";
    transaction.one(sql, params![has_code, key], |row| Ok((row.get(0)?, row.get(1)?)))
}

pub fn writeoffs(
    transaction: &SqlTransaction<'_>,
    (from, to): (Date, Date),
    after: Option<(&AccountNumber, &str)>,
    limit: u32,
) -> Result<Vec<ListedWriteOff>, Error> {
    // A cursor before all write-offs: no account number is empty.
    let (account_after, id_after) = after.map_or(("", ""), |(account, id)| (account.as_str(), id));
    let sql = format!(
        "SELECT {ACCOUNT}, {}, {EXCLUSION} FROM writeoffs JOIN accounts ON accounts.number = writeoffs.account {JOIN_EXCLUSION}
        WHERE (writeoffs.account, writeoffs.id) > (?, ?) AND writeoffs.date BETWEEN ? AND ?
        ORDER BY writeoffs.account, writeoffs.id LIMIT ?",
        writeoff_columns()
    );
    let (first, last) = numbers_of(from, to);
    transaction.many(&sql, params![account_after, id_after, first, last, limit], |row| {
        let writeoff = writeoff_of(row, ACCOUNT_COLUMNS)?;
        let exclusion = exclusion_of(row, ACCOUNT_COLUMNS + WRITEOFF_COLUMNS)?;
        Ok(ListedWriteOff { account: account(row)?, writeoff, exclusion })
    })
}

pub fn writeoffs_of_no_day(
    transaction: &SqlTransaction<'_>,
    after: &str,
    limit: u32,
) -> Result<Vec<(UndatedWriteOff, Option<Exclusion>)>, Error> {
    let sql = format!(
        "SELECT {}, {EXCLUSION} FROM writeoffs {JOIN_EXCLUSION}
        WHERE NOT (has_date AND has_period) AND writeoffs.id > ? ORDER BY writeoffs.id LIMIT ?",
        writeoff_columns()
    );
    let read = transaction.many(&sql, params![after, limit], |row| {
        let Err(no_day) = writeoff_of(row, 0)? else { return Ok(None) };
        Ok(Some((no_day, exclusion_of(row, WRITEOFF_COLUMNS)?)))
    })?;
    Ok(read.into_iter().flatten().collect())
}

pub fn insert_exclusion(transaction: &SqlTransaction<'_>, exclusion: &Exclusion) -> Result<(), Error> {
    let Exclusion { id: _, writeoff, operator, reason, at } = exclusion;
    let sql = "INSERT INTO exclusions (writeoff, operator, reason, at) VALUES (?, ?, ?, ?)";
    transaction.execute(sql, params![writeoff, operator, reason, signed(*at)]).map(drop)
}

pub fn exclusion(transaction: &SqlTransaction<'_>, writeoff: &str) -> Result<Option<Exclusion>, Error> {
    let sql = format!("SELECT {EXCLUSION} FROM exclusions WHERE writeoff = ? AND undone_by IS NULL");
    Ok(transaction.one(&sql, [writeoff], |row| exclusion_of(row, 0))?.flatten())
}

pub fn undo_exclusion(transaction: &SqlTransaction<'_>, id: u64, operator: &str, at: u64) -> Result<(), Error> {
    let sql = "UPDATE exclusions SET undone_by = ?, undone_at = ? WHERE id = ? AND undone_by IS NULL";
    transaction.execute(sql, params![operator, signed(at), signed(id)]).map(drop)
}

pub fn exclusions(transaction: &SqlTransaction<'_>, before: Option<u64>, limit: u32) -> Result<Vec<ExcludedWriteOff>, Error> {
    let sql = format!(
        "SELECT {EXCLUSION}, writeoffs.account, writeoffs.service, writeoffs.date, writeoffs.minor_units, writeoffs.currency
        FROM exclusions JOIN writeoffs ON writeoffs.id = exclusions.writeoff
        WHERE exclusions.undone_by IS NULL AND exclusions.id < ? ORDER BY exclusions.id DESC LIMIT ?"
    );
    let read = transaction.many(&sql, params![before.map_or(i64::MAX, signed), limit], |row| {
        let Some(exclusion) = exclusion_of(row, 0)? else { return Ok(None) };
        Ok(Some(ExcludedWriteOff {
            exclusion,
            account: row.get::<_, String>(5).map(AccountNumber::stored)?,
            service: row.get(6)?,
            date: day_text(row.get(7)?),
            amount: money(row.get(8)?, row.get(9)?)?,
        }))
    })?;
    Ok(read.into_iter().flatten().collect())
}
