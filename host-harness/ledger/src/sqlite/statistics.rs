//! Statistics, as SQL.

use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use super::rows::{ENTRIES, ENTRY, entry, money, named, signed, unsigned};
use super::steps::Steps;
use crate::error::Error;
use crate::rules::HOUR_SECONDS;
use domain::{Entry, EntryKind, NewEntry};
use domain::{Filter, Hour, PageFrom};

/// Adds an entry to the sums of its hour.
pub fn add(steps: &Steps<'_>, entry: &NewEntry) -> Result<(), Error> {
    let sql = "INSERT INTO hours (hour, kind, provider, currency, count, minor_units) VALUES (?, ?, ?, ?, 1, ?)
        ON CONFLICT (hour, kind, provider, currency)
        DO UPDATE SET count = count + 1, minor_units = minor_units + excluded.minor_units";
    let at = entry.counted_at();
    let hour = signed(at - at % HOUR_SECONDS);
    let provider = entry.provider.as_deref().unwrap_or_default();
    let currency = entry.amount.currency.as_str();
    steps.execute(sql, params![hour, entry.kind.name(), provider, currency, entry.amount.minor_units]).map(drop)
}

/// Conditions and their parameters.
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

    /// The conditions of a filter. Entries are found by the column that leaves the fewest of them, and not by one that happens to be
    /// in the wished order: a plus keeps SQLite from taking an index.
    fn of(filter: &Filter) -> Where {
        let Filter { account, kind, provider, from, until } = filter;
        let mut conditions = Where { sql: String::new(), parameters: Vec::new() };
        conditions.and("account = ?", account.clone());
        let plus = if account.is_some() { "+" } else { "" };
        conditions.and(&format!("{plus}kind = ?"), kind.map(|kind| kind.name().to_owned()));
        let plus = if account.is_some() || kind.is_some() { "+" } else { "" };
        conditions.and(&format!("{plus}provider = ?"), provider.clone());
        let plus = if account.is_some() { "+" } else { "" };
        conditions.and(&format!("{plus}counted_at >= ?"), from.map(signed));
        conditions.and(&format!("{plus}counted_at < ?"), until.map(signed));
        conditions
    }
}

pub fn page(steps: &Steps<'_>, filter: &Filter, from: PageFrom, limit: u32) -> Result<Vec<Entry>, Error> {
    let mut conditions = Where::of(filter);
    let (than, place, order) = match from {
        PageFrom::Latest => ("<", None, "DESC"),
        PageFrom::Before(place) => ("<", Some(place), "DESC"),
        PageFrom::After(place) => (">", Some(place), "ASC"),
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
    let mut entries = steps.many(&sql, params_from_iter(conditions.parameters), entry)?;
    if matches!(from, PageFrom::After(_)) {
        entries.reverse();
    }
    Ok(entries)
}

pub fn hours(steps: &Steps<'_>, filter: &Filter) -> Result<Vec<Hour>, Error> {
    let from = filter.from.map(|from| from - from % HOUR_SECONDS);
    let until = filter.until.map(|until| until.div_ceil(HOUR_SECONDS) * HOUR_SECONDS);
    let mut conditions = Where::of(&Filter { from, until, ..filter.clone() });
    let sql = if filter.account.is_some() {
        format!(
            "SELECT counted_at - counted_at % {HOUR_SECONDS} AS hour, kind, ifnull(provider, '') AS teller, currency, count(*), sum(minor_units)
            FROM entries{} GROUP BY hour, kind, teller, currency ORDER BY hour, kind, teller, currency",
            conditions.sql
        )
    } else {
        conditions.sql = conditions.sql.replace("counted_at", "hour");
        format!(
            "SELECT hour, kind, provider, currency, count, minor_units FROM hours{} ORDER BY hour, kind, provider, currency",
            conditions.sql
        )
    };
    steps.many(&sql, params_from_iter(conditions.parameters), |row| {
        let provider: String = row.get(2)?;
        Ok(Hour {
            hour: unsigned(row.get(0)?)?,
            kind: named(row.get(1)?, EntryKind::of_name)?,
            provider: (!provider.is_empty()).then_some(provider),
            count: unsigned(row.get(4)?)?,
            amount: money(row.get(5)?, row.get(3)?)?,
        })
    })
}
