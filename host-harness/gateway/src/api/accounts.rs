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

/// A subscriber, as documents for accounting name it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// The subscriber's name, of at most 250 characters.
    name: String,
    kind: PartyKindDto,
    /// The contract's number, of at most 64 characters.
    #[serde(default)]
    contract: String,
    /// The contract's day: an act names it beside the number.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    contract_date: Option<WrittenDate>,
    /// «ИНН» with its check digits: 10 digits of a company, 12 of a person. A company and a sole proprietor need it.
    #[serde(default)]
    inn: String,
    /// «КПП», which only a company has.
    #[serde(default)]
    kpp: String,
    /// What a foreign company that has no «ИНН» is known by to its own tax service.
    #[serde(default)]
    foreign_tax_number: String,
    /// Other accounts that have the same «ИНН» and «КПП», or without «ИНН» the same foreign tax number, get the name and kind too. Without
    /// it they must be the same there: one number under two names would be two people's acts on one counterparty.
    #[serde(default)]
    rename: bool,
}

/// An account with what it has.
#[derive(Serialize, ToSchema)]
pub struct AccountReport {
    account: String,
    name: String,
    kind: PartyKindDto,
    contract: String,
    #[schema(value_type = Option<String>, format = Date)]
    contract_date: Option<Date>,
    inn: String,
    kpp: String,
    foreign_tax_number: String,
    /// One for each currency that the account has entries in, or 0 in RUB; positive is the subscriber's.
    balances: Vec<Amount>,
}

/// Makes an account, or changes its party and contract.
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

/// An account and its balances.
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

/// A way into the cabinet.
#[derive(Serialize, ToSchema)]
pub struct CabinetLink {
    /// Whoever follows it within 15 minutes is in the account's cabinet.
    url: String,
}

/// A link by which billing lets a subscriber, whom it knows, into the sample cabinet.
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

/// What is corrected by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrection {
    /// What the balance changes by: not zero, negative where money leaves the account.
    amount: Amount,
    /// Who does it.
    operator: String,
    /// Why; it stands in the statistics.
    comment: String,
}

/// An entry's place in the ledger.
#[derive(Serialize, ToSchema)]
pub struct EntryRef {
    /// As the feed of entries has it.
    pub seq: u64,
}

/// Corrects an account's balance by hand.
#[utoipa::path(post, path = "/accounts/{account}/corrections", operation_id = "add_correction", request_body = NewCorrection,
    params(AccountPath, ("Idempotency-Key" = String, Header, description = "the same key again enters nothing more")), responses(
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
