//! Statistics, in SQL.

use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use crate::query::SqlTransaction;
use crate::rows::{ENTRIES, ENTRY, entry, money, named, signed, unsigned};
use domain::{Entry, EntryKind};
use domain::{EntryFilter, HourlyTotal, PageStart, ProviderName};
use ledger::Error;
use ledger::HOUR_SECONDS;

/// Adds to the total of an hour.
pub fn add(transaction: &SqlTransaction<'_>, total: &HourlyTotal) -> Result<(), Error> {
    let HourlyTotal { hour, kind, provider, count, amount } = total;
    let sql = "INSERT INTO hours (hour, kind, provider, currency, count, minor_units) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (hour, kind, provider, currency)
        DO UPDATE SET count = count + excluded.count, minor_units = minor_units + excluded.minor_units";
    let (provider, currency) = (provider.as_deref().unwrap_or_default(), amount.currency.as_str());
    transaction
        .execute(sql, params![signed(*hour), kind.name(), provider, currency, signed(*count), amount.minor_units])
        .map(drop)
}

/// Conditions with their parameters.
struct Where {
    sql: String,
    parameters: Vec<Value>,
}

impl Where {
    fn and(&mut self, condition: &str, parameter: Option<impl Into<Value>>) {
        if let Some(parameter) = parameter {
            self.sql.push_str(if self.parameters.is_empty() { " WHERE " } else { " AND " });
            self.sql.push_str(condition);
            self.parameters.push(parameter.into());
        }
    }

    /// Makes the conditions of a filter, whose times apply to the column `time`. Entries are found by the column that leaves
    /// the fewest of them, not by one whose index happens to have the requested order: a plus keeps SQLite from using an index.
    fn of(filter: &EntryFilter, time: &str) -> Where {
        let EntryFilter { account, kind, provider, from, until } = filter;
        let mut conditions = Where { sql: String::new(), parameters: Vec::new() };
        conditions.and("account = ?", account.clone().map(String::from));
        let plus = if account.is_some() { "+" } else { "" };
        conditions.and(&format!("{plus}kind = ?"), kind.map(|kind| kind.name().to_owned()));
        let plus = if account.is_some() || kind.is_some() { "+" } else { "" };
        conditions.and(&format!("{plus}provider = ?"), provider.clone().map(String::from));
        let plus = if account.is_some() { "+" } else { "" };
        conditions.and(&format!("{plus}{time} >= ?"), from.map(signed));
        conditions.and(&format!("{plus}{time} < ?"), until.map(signed));
        conditions
    }
}

pub fn page(transaction: &SqlTransaction<'_>, filter: &EntryFilter, from: PageStart, limit: u32) -> Result<Vec<Entry>, Error> {
    let mut conditions = Where::of(filter, "counted_at");
    let (than, place, order) = match from {
        PageStart::Latest => ("<", None, "DESC"),
        PageStart::Before(place) => ("<", Some(place), "DESC"),
        PageStart::After(place) => (">", Some(place), "ASC"),
    };
    let plus = if filter.account.is_some() { "+" } else { "" };
    if let Some(place) = place {
        conditions.and(&format!("{plus}counted_at {than}= ?"), Some(signed(place.at)));
        conditions.and(&format!("(counted_at, seq) {than} (?,"), Some(signed(place.at)));
        conditions.sql.push_str(" ?)");
        conditions.parameters.push(signed(place.seq).into());
    }
    conditions.parameters.push(limit.into());
    let sql = format!("SELECT {ENTRY} FROM {ENTRIES}{} ORDER BY {plus}counted_at {order}, seq {order} LIMIT ?", conditions.sql);
    let mut entries = transaction.many(&sql, params_from_iter(conditions.parameters), entry)?;
    if matches!(from, PageStart::After(_)) {
        entries.reverse();
    }
    Ok(entries)
}

pub fn hours(transaction: &SqlTransaction<'_>, filter: &EntryFilter) -> Result<Vec<HourlyTotal>, Error> {
    let from = filter.from.map(|from| from - from % HOUR_SECONDS);
    let until = filter.until.map(|until| until.div_ceil(HOUR_SECONDS) * HOUR_SECONDS);
    let filter = EntryFilter { from, until, ..filter.clone() };
    let (sql, conditions) = if filter.account.is_some() {
        let conditions = Where::of(&filter, "counted_at");
        let sql = format!(
            "SELECT counted_at - counted_at % {HOUR_SECONDS} AS hour, kind, ifnull(provider, '') AS teller, currency, count(*), sum(minor_units)
            FROM entries{} GROUP BY hour, kind, teller, currency ORDER BY hour, kind, teller, currency",
            conditions.sql
        );
        (sql, conditions)
    } else {
        let conditions = Where::of(&filter, "hour");
        let sql = format!(
            "SELECT hour, kind, provider, currency, count, minor_units FROM hours{} ORDER BY hour, kind, provider, currency",
            conditions.sql
        );
        (sql, conditions)
    };
    transaction.many(&sql, params_from_iter(conditions.parameters), |row| {
        let provider: String = row.get(2)?;
        Ok(HourlyTotal {
            hour: unsigned(row.get(0)?)?,
            kind: named(row.get(1)?, EntryKind::from_name)?,
            provider: (!provider.is_empty()).then(|| ProviderName::stored(provider)),
            count: unsigned(row.get(4)?)?,
            amount: money(row.get(5)?, row.get(3)?)?,
        })
    })
}
