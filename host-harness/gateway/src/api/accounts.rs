//! Accounts of subscribers.

use axum::extract::State;
use axum::http::HeaderMap;
use domain::{Account, AccountNumber, Correction, Date, Money, WrittenDate};
use host::{Host, HostError};
use money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path::{AccountPath, Path};
use super::{Amount, Body, Details, Json, PartyKindDto, idempotency_key};
use crate::identifiers;
use crate::pages;
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// A subscriber, with the details that accounting documents need.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// The subscriber's name, of 1 to 250 characters.
    name: String,
    /// The subscriber's legal form.
    kind: PartyKindDto,
    /// The contract's number, of at most 64 characters. A company and a sole proprietor need it.
    #[serde(default)]
    contract: String,
    /// The contract's date, such as 2026-02-28.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    contract_date: Option<WrittenDate>,
    /// The taxpayer number («ИНН»): 10 digits for a company, 12 for a person; the check digits must be right. A company and a sole
    /// proprietor need it.
    #[serde(default)]
    inn: String,
    /// The tax registration code («КПП») of a company: 9 characters. Other parties have none.
    #[serde(default)]
    kpp: String,
    /// The taxpayer number in its own country, for a foreign company without «ИНН».
    #[serde(default)]
    foreign_tax_number: String,
    /// Whether to set the name and the legal form on all other accounts with the same «ИНН» and «КПП» (or, without «ИНН», the same
    /// foreign tax number). If false and another account has a different name or legal form, the request is refused: accounting
    /// must not have two names for one counterparty.
    #[serde(default)]
    rename: bool,
}

/// An account and its balances.
#[derive(Serialize, ToSchema)]
pub struct AccountReport {
    /// The account's number in billing.
    account: String,
    /// The subscriber's name.
    name: String,
    /// The subscriber's legal form.
    kind: PartyKindDto,
    /// The contract's number; empty if there is none.
    contract: String,
    /// The contract's date; null if there is none.
    #[schema(value_type = Option<String>, format = Date)]
    contract_date: Option<Date>,
    /// The taxpayer number («ИНН»); empty if there is none.
    inn: String,
    /// The tax registration code («КПП»); empty if there is none.
    kpp: String,
    /// The taxpayer number in the subscriber's own country; empty if there is none.
    foreign_tax_number: String,
    /// One balance for each currency in which the account has entries, or else 0 RUB. Positive: the subscriber has money on the
    /// account. Negative: the subscriber owes.
    balances: Vec<Amount>,
}

/// Creates an account, or replaces its subscriber and contract.
#[utoipa::path(put, path = "/accounts/{account}", operation_id = "put_account",
    request_body = Subscriber, params(AccountPath), responses(
    (status = OK, body = AccountReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<App>,
    Path(AccountPath { account }): Path<AccountPath>,
    body: Body<Subscriber>,
) -> Result<Json<AccountReport>, Problem> {
    let Json(Subscriber { name, kind, contract, contract_date, inn, kpp, foreign_tax_number, rename }) = body?;
    let no_day = || Problem::unprocessable("contract_date is not a day of the calendar");
    let contract_date = contract_date.map(|written| written.day().ok_or_else(no_day)).transpose()?;
    let account = Account {
        number: AccountNumber::new(account).map_err(HostError::from)?,
        name,
        kind: kind.into(),
        contract,
        contract_date,
        inn,
        kpp,
        foreign_tax_number,
    };
    blocking(&app, move |app| {
        let number = account.number.clone();
        app.host.put_account(account, rename)?;
        report(&app.host, &number)
    })
    .await
}

/// Returns an account and its balances.
#[utoipa::path(get, path = "/accounts/{account}", operation_id = "get_account", params(AccountPath), responses(
    (status = OK, body = AccountReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn get(
    State(app): State<App>,
    Path(AccountPath { account }): Path<AccountPath>,
) -> Result<Json<AccountReport>, Problem> {
    blocking(&app, move |app| report(&app.host, &identifiers::account(account)?)).await
}

fn report(host: &Host, number: &AccountNumber) -> Result<Json<AccountReport>, Problem> {
    let (account, mut balances) = host.account(number)?;
    if balances.is_empty() {
        balances.push(Money { minor_units: 0, currency: Currency::RUB });
    }
    let Account { number, name, kind, contract, contract_date, inn, kpp, foreign_tax_number } = account;
    Ok(Json(AccountReport {
        account: number.into(),
        name,
        kind: kind.into(),
        contract,
        contract_date,
        inn,
        kpp,
        foreign_tax_number,
        balances: balances.into_iter().map(Amount::from).collect(),
    }))
}

/// A link to the sample cabinet.
#[derive(Serialize, ToSchema)]
pub struct CabinetLink {
    /// Opens the account's cabinet once, within 15 minutes.
    url: String,
}

/// Creates a link that opens the sample cabinet for a subscriber.
///
/// The link needs no password: give it only to a subscriber whom billing has authenticated.
#[utoipa::path(post, path = "/accounts/{account}/cabinet", operation_id = "create_cabinet_link", params(AccountPath), responses(
    (status = OK, body = CabinetLink), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn cabinet(
    State(app): State<App>,
    Path(AccountPath { account }): Path<AccountPath>,
) -> Result<Json<CabinetLink>, Problem> {
    blocking(&app, move |app| {
        let account = identifiers::account(account)?;
        app.host.account(&account)?;
        Ok(Json(CabinetLink { url: pages::cabinet::entrance(app, &account)? }))
    })
    .await
}

/// A manual correction.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrection {
    /// The amount that is added to the balance: negative to debit the account. It must not be zero.
    amount: Amount,
    /// The operator's name: 1 to 64 visible characters, no space at either end.
    operator: String,
    /// The reason, of 1 to 255 characters. Statistics show it.
    comment: String,
}

/// A reference to a ledger entry.
#[derive(Serialize, ToSchema)]
pub struct EntryRef {
    /// The entry's sequence number.
    pub seq: u64,
}

/// Adds a manual correction to an account.
#[utoipa::path(post, path = "/accounts/{account}/corrections", operation_id = "add_correction", request_body = NewCorrection,
    params(AccountPath, ("Idempotency-Key" = String, Header, description = "A key of 1 to 255 ASCII characters, \
        unique for the correction. A repeated request with the same key adds nothing and returns the same entry.")), responses(
    (status = OK, body = EntryRef), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn correct(
    State(app): State<App>,
    Path(AccountPath { account }): Path<AccountPath>,
    headers: HeaderMap,
    body: Body<NewCorrection>,
) -> Result<Json<EntryRef>, Problem> {
    let Json(NewCorrection { amount, operator, comment }) = body?;
    let key = idempotency_key(&headers)?;
    let correction = Correction {
        key: key.ok_or_else(|| {
            Problem::unprocessable("the Idempotency-Key header is required, so that the correction is entered once")
        })?,
        amount: amount.money("amount")?,
        account: identifiers::account(account)?,
        operator,
        comment,
    };
    blocking(&app, move |app| Ok(Json(EntryRef { seq: app.host.add_correction(correction)? }))).await
}
