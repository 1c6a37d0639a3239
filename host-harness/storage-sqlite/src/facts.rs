//! The facts of an event, as JSON in a column.

use domain::{AccountNumber, DedupKey, EventKind, Facts, Money, OrderId, Recurrence, TransactionId};
use rusqlite::Row;
use serde_json::{Map, Value};

use crate::rows::{RowError, money, named, text as row_text};

/// Formats the facts of an event. What is not given has no name in it.
pub fn text(facts: &Facts) -> String {
    let Facts { kind, recurrence, transaction, original, ends_hold, expires_at, order, account, payer, amount, occurred_at } =
        facts;
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    put("kind", kind.name().into());
    put("recurrence", recurrence.name().into());
    put("transaction", transaction.as_str().into());
    put("minor-units", amount.minor_units.into());
    put("currency", amount.currency.as_str().into());
    for (name, value) in [
        ("original", original.as_deref()),
        ("ends-hold", ends_hold.as_deref()),
        ("order", order.as_deref()),
        ("account", account.as_deref()),
        ("payer", payer.as_deref()),
        ("occurred-at", occurred_at.as_deref()),
    ] {
        if let Some(value) = value {
            put(name, value.into());
        }
    }
    if let Some(expires_at) = expires_at {
        put("expires-at", (*expires_at).into());
    }
    Value::Object(object).to_string()
}

/// Reads the facts in a column, and whether they are complete.
pub fn of_row(row: &Row<'_>, column: usize) -> Result<(Facts, bool), RowError> {
    read(row_text(row, column)?)
}

/// Reads a fee from two columns.
pub fn fee(row: &Row<'_>, column: usize) -> Result<Option<Money>, RowError> {
    let fee = row.get::<_, Option<i64>>(column)?.zip(row.get::<_, Option<String>>(column + 1)?);
    fee.map(|(minor_units, currency)| money(minor_units, currency)).transpose()
}

/// Parses the facts of an event, and returns whether they are complete. Those of a database from before facts were stored were made
/// of what it had, and have no recurrence.
fn read(text: &str) -> Result<(Facts, bool), RowError> {
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| RowError::Damaged(format!("what an event says: {error}")))?;
    let given = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let missing = |name: &str| RowError::Damaged(format!("what an event says has no {name}"));
    let required = |name: &str| given(name).ok_or_else(|| missing(name));
    let minor_units = object.get("minor-units").and_then(Value::as_i64).ok_or_else(|| missing("minor-units"))?;
    let kind = named(required("kind")?, EventKind::from_name)?;
    let recurrence = given("recurrence").map(|name| named(name, Recurrence::from_name)).transpose()?;
    let is_complete = recurrence.is_some();
    let facts = Facts {
        kind,
        recurrence: recurrence.unwrap_or(Recurrence::Single),
        transaction: TransactionId::stored(required("transaction")?),
        original: given("original").map(TransactionId::stored),
        ends_hold: given("ends-hold").map(DedupKey::stored),
        expires_at: object.get("expires-at").and_then(Value::as_u64),
        order: given("order").map(OrderId::stored),
        account: given("account").map(AccountNumber::stored),
        payer: given("payer"),
        amount: money(minor_units, required("currency")?)?,
        occurred_at: given("occurred-at"),
    };
    Ok((facts, is_complete))
}
