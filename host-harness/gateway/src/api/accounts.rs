//! Accounts of subscribers.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use ledger::{Account, Correction, CorrectionRefusal, Ledger, Sqlite};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Body, Details, Json, Kind, NAME_CHARS_MAX, TEXT_CHARS_MAX, checked, idempotency_key, optional};
use crate::problem::Problem;
use crate::{App, blocking, now, pages};

const PARTY_CHARS_MAX: usize = 250;

/// A subscriber, as documents for accounting name it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// The subscriber's name, of at most 250 characters.
    name: String,
    kind: Kind,
    /// The contract's number, of at most 64 characters.
    #[serde(default)]
    contract: String,
    /// «ИНН»
    #[serde(default)]
    inn: String,
    /// «КПП»
    #[serde(default)]
    kpp: String,
}

/// An account with what it has.
#[derive(Serialize, ToSchema)]
pub struct AccountReport {
    account: String,
    name: String,
    kind: Kind,
    contract: String,
    inn: String,
    kpp: String,
    /// One for each currency that the account has entries in; positive is the subscriber's.
    balances: Vec<Amount>,
}

/// Makes an account, or changes its party and contract.
#[utoipa::path(put, path = "/accounts/{account}", request_body = Subscriber, responses(
    (status = OK, body = AccountReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<App>,
    Path(account): Path<String>,
    body: Body<Subscriber>,
) -> Result<Json<AccountReport>, Problem> {
    let Json(Subscriber { name, kind, contract, inn, kpp }) = body?;
    let account = Account {
        number: checked("account", account, NAME_CHARS_MAX)?,
        name: checked("name", name, PARTY_CHARS_MAX)?,
        kind: kind.into(),
        contract: optional("contract", contract, NAME_CHARS_MAX)?,
        inn: optional("inn", inn, NAME_CHARS_MAX)?,
        kpp: optional("kpp", kpp, NAME_CHARS_MAX)?,
    };
    blocking(&app, move |app| {
        let number = account.number.clone();
        app.ledger.put_account(account)?;
        report(&app.ledger, &number)
    })
    .await
}

/// An account and its balances.
#[utoipa::path(get, path = "/accounts/{account}", responses(
    (status = OK, body = AccountReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn get(State(app): State<App>, Path(account): Path<String>) -> Result<Json<AccountReport>, Problem> {
    blocking(&app, move |app| report(&app.ledger, &account)).await
}

fn report(ledger: &Ledger<Sqlite>, number: &str) -> Result<Json<AccountReport>, Problem> {
    let (account, balances) = ledger.account(number)?.ok_or_else(|| Problem::missing("account"))?;
    let Account { number, name, kind, contract, inn, kpp } = account;
    let balances = balances.into_iter().map(Amount::from).collect();
    Ok(Json(AccountReport { account: number, name, kind: kind.into(), contract, inn, kpp, balances }))
}

/// A way into the cabinet.
#[derive(Serialize, ToSchema)]
pub struct CabinetLink {
    /// Whoever follows it within 15 minutes is in the account's cabinet.
    url: String,
}

/// A link by which billing lets a subscriber, whom it knows, into the sample cabinet.
#[utoipa::path(post, path = "/accounts/{account}/cabinet", responses(
    (status = OK, body = CabinetLink), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn cabinet(State(app): State<App>, Path(account): Path<String>) -> Result<Json<CabinetLink>, Problem> {
    blocking(&app, move |app| {
        app.ledger.account(&account)?.ok_or_else(|| Problem::missing("account"))?;
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
pub struct Entered {
    /// As the feed of entries has it.
    pub seq: u64,
}

/// Corrects an account's balance by hand.
#[utoipa::path(post, path = "/accounts/{account}/corrections", request_body = NewCorrection,
    params(("Idempotency-Key" = String, Header, description = "the same key again enters nothing more")), responses(
    (status = OK, body = Entered), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn correct(
    State(app): State<App>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Body<NewCorrection>,
) -> Result<Json<Entered>, Problem> {
    let Json(NewCorrection { amount, operator, comment }) = body?;
    let key = idempotency_key(&headers)?;
    let correction = Correction {
        key: key.ok_or_else(|| Problem::unprocessable("say Idempotency-Key, so that it is entered once"))?,
        account,
        amount: amount.money("amount")?,
        operator: checked("operator", operator, NAME_CHARS_MAX)?,
        comment: checked("comment", comment, TEXT_CHARS_MAX)?,
    };
    let seq = blocking(&app, move |app| {
        app.ledger.correct(correction, now())?.map_err(|refusal| match refusal {
            CorrectionRefusal::UnknownAccount => Problem::missing("account"),
            CorrectionRefusal::AmountZero => Problem::unprocessable("amount.minor_units is not zero"),
            CorrectionRefusal::KeyReused => super::key_reused("correction"),
        })
    })
    .await?;
    app.entered.send_replace(());
    Ok(Json(Entered { seq }))
}
