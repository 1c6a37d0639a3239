//! Accounts of subscribers.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use domain::{Account, AccountRefusal, Correction, CorrectionRefusal, Date, Money, WrittenDate};
use ledger::Ledger;
use money::Currency;
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
    kind: Kind,
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
#[utoipa::path(put, path = "/accounts/{account}", request_body = Subscriber, responses(
    (status = OK, body = AccountReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<App>,
    Path(account): Path<String>,
    body: Body<Subscriber>,
) -> Result<Json<AccountReport>, Problem> {
    let Json(Subscriber { name, kind, contract, contract_date, inn, kpp, foreign_tax_number, rename }) = body?;
    let no_day = || Problem::unprocessable("contract_date is no day of the calendar");
    let account = Account {
        number: checked("account", account, NAME_CHARS_MAX)?,
        name: checked("name", name, PARTY_CHARS_MAX)?,
        kind: kind.into(),
        contract: optional("contract", contract, NAME_CHARS_MAX)?,
        contract_date: contract_date.map(|written| written.day().ok_or_else(no_day)).transpose()?,
        inn: optional("inn", inn, NAME_CHARS_MAX)?,
        kpp: optional("kpp", kpp, NAME_CHARS_MAX)?,
        foreign_tax_number: optional("foreign_tax_number", foreign_tax_number, NAME_CHARS_MAX)?,
    };
    blocking(&app, move |app| {
        let number = account.number.clone();
        let put = if rename { app.ledger.put_renamed_account(account) } else { app.ledger.put_account(account) };
        put?.map_err(refused)?;
        report(&app.ledger, &number)
    })
    .await
}

fn refused(refusal: AccountRefusal) -> Problem {
    match refusal {
        AccountRefusal::Faults(faults) => {
            let problems: Vec<_> = faults.into_iter().map(|fault| fault.problem("")).collect();
            let detail = "documents for accounting could not name this account; correct what the problems name";
            Problem::unprocessable(detail).with_problems(problems)
        }
        AccountRefusal::OtherName { account, name } => Problem::new(
            StatusCode::CONFLICT,
            format!(
                "the account {account} has the same INN and KPP, or the same foreign tax number, under another name or kind, \
                 \"{name}\": where it is the same buyer, put both alike with rename=true; else one number is wrong"
            ),
        ),
    }
}

/// An account and its balances.
#[utoipa::path(get, path = "/accounts/{account}", responses(
    (status = OK, body = AccountReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn get(State(app): State<App>, Path(account): Path<String>) -> Result<Json<AccountReport>, Problem> {
    blocking(&app, move |app| report(&app.ledger, &account)).await
}

fn report(ledger: &Ledger, number: &str) -> Result<Json<AccountReport>, Problem> {
    let (account, mut balances) = ledger.account(number)?.ok_or_else(|| Problem::missing("account"))?;
    if balances.is_empty() {
        balances.push(Money { minor_units: 0, currency: Currency::RUB });
    }
    let Account { number, name, kind, contract, contract_date, inn, kpp, foreign_tax_number } = account;
    Ok(Json(AccountReport {
        account: number,
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
    Ok(Json(Entered { seq: enter_correction(&app, correction).await? }))
}

/// Enters a correction, and gives the entry's place.
pub async fn enter_correction(app: &App, correction: Correction) -> Result<u64, Problem> {
    let seq = blocking(app, move |app| {
        let (account, operator) = (correction.account.clone(), correction.operator.clone());
        let entered = app.ledger.correct(correction, now())?.map_err(|refusal| match refusal {
            CorrectionRefusal::UnknownAccount => Problem::missing("account").in_russian("Такого лицевого счёта нет."),
            CorrectionRefusal::AmountZero => {
                Problem::unprocessable("amount.minor_units is not zero").in_russian("Сумма не может быть нулём.")
            }
            CorrectionRefusal::KeyReused => {
                super::key_reused("correction").in_russian("Эта форма уже отправлена с другими данными: откройте её заново.")
            }
        });
        let seq = entered?;
        tracing::info!(account, operator, seq, "an operator corrected a balance");
        Ok(seq)
    });
    let seq = seq.await?;
    app.entered.send_replace(());
    Ok(seq)
}
