//! What a billing system asks.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use ledger::{
    Account, Day, Entry, EntryKind, Money, NewOrder, Order, OrderRefusal, PartyKind, ResolveRefusal, Unmatched, WriteOff,
    WriteOffRefusal,
};
use sandbox::records::{self, PaymentLink};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use crate::problem::Problem;
use crate::{App, blocking, convert, now};

/// How many entries are given at once.
const ENTRIES_MAX: u32 = 1000;
/// How many events that wait are given at once.
const UNMATCHED_MAX: u32 = 1000;
/// How long a request may wait for an entry, in seconds.
const WAIT_SECONDS_MAX: u64 = 60;
/// How many write-offs a batch has at most, and how many bytes.
const WRITEOFFS_MAX: usize = 10_000;
pub const WRITEOFFS_BYTES_MAX: usize = 16 << 20;

/// The secret that callers of the API show as `Authorization: Bearer …`. It cannot be printed.
pub struct Token(String);

impl Token {
    /// A token of at least 32 characters of ASCII without spaces; `None` for anything that could be guessed.
    pub fn new(text: impl Into<String>) -> Option<Token> {
        let text = text.into();
        (text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(Token(text))
    }

    fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// Lets nobody in who does not show the token.
pub async fn authorize(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer "));
    match shown {
        Some(shown) if app.gateway.token.is(shown) => Ok(next.run(request).await),
        _ => Err(Problem::new(StatusCode::UNAUTHORIZED, "show the API's token as Authorization: Bearer TOKEN")),
    }
}

type Body<T> = Result<Json<T>, JsonRejection>;

fn read<T>(body: Body<T>) -> Result<T, Problem> {
    body.map(|Json(body)| body).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))
}

fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

fn missing(what: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
}

/// A text that is an account's or an order's: not empty, on one line, of at most so many characters.
fn checked(field: &str, text: String, chars_max: usize) -> Result<String, Problem> {
    let is_good = !text.trim().is_empty() && text.chars().count() <= chars_max && !text.chars().any(char::is_control);
    if is_good {
        Ok(text)
    } else {
        Err(refused(format!("{field} has 1 to {chars_max} characters, none of them a control character")))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutAccount {
    name: String,
    kind: String,
    #[serde(default)]
    contract: String,
    #[serde(default)]
    inn: String,
    #[serde(default)]
    kpp: String,
}

pub async fn put_account(
    State(app): State<App>,
    Path(number): Path<String>,
    body: Body<PutAccount>,
) -> Result<Json<Value>, Problem> {
    let PutAccount { name, kind, contract, inn, kpp } = read(body)?;
    let kind = PartyKind::of_name(&kind).ok_or_else(|| refused("kind is individual, sole-proprietor or company"))?;
    let account =
        Account { number: checked("account", number, 64)?, name: checked("name", name, 250)?, kind, contract, inn, kpp };
    blocking(&app, move |app| {
        let number = account.number.clone();
        app.ledger().put_account(account)?;
        account_of(app.ledger(), &number)
    })
    .await
}

pub async fn get_account(State(app): State<App>, Path(number): Path<String>) -> Result<Json<Value>, Problem> {
    blocking(&app, move |app| account_of(app.ledger(), &number)).await
}

fn account_of(ledger: &ledger::Ledger<ledger::Sqlite>, number: &str) -> Result<Json<Value>, Problem> {
    let (account, balances) = ledger.account(number)?.ok_or_else(|| missing("account"))?;
    let Account { number, name, kind, contract, inn, kpp } = account;
    let balances: Vec<Value> = balances.into_iter().map(amount).collect();
    Ok(Json(json!({
        "account": number, "name": name, "kind": kind.name(), "contract": contract, "inn": inn, "kpp": kpp, "balances": balances,
    })))
}

fn amount(money: Money) -> Value {
    json!({ "minor_units": money.minor_units, "currency": money.currency.as_str() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    account: String,
    amount: records::Money,
    description: String,
    /// The only one, where none is named.
    provider: Option<String>,
    /// Where the subscriber comes back to; without them, to this host.
    success_url: Option<String>,
    failure_url: Option<String>,
}

#[derive(Serialize)]
pub struct Link {
    order: String,
    #[serde(flatten)]
    link: PaymentLink,
}

pub async fn create_link(State(app): State<App>, headers: HeaderMap, body: Body<CreateLink>) -> Result<Json<Link>, Problem> {
    let asked = read(body)?;
    let key = headers.get("idempotency-key").map(|key| key.to_str().map(str::to_owned)).transpose();
    let key = key.map_err(|_| refused("Idempotency-Key is ASCII"))?;
    let key = key.map(|key| checked("Idempotency-Key", key, 255)).transpose()?;
    blocking(&app, move |app| {
        let providers = &app.gateway.providers;
        let (name, merchant) = match &asked.provider {
            Some(name) => {
                providers.get_key_value(name).ok_or_else(|| refused(format!("there is no provider called {name}")))?
            }
            None if providers.len() == 1 => providers.iter().next().ok_or_else(|| missing("provider"))?,
            None => return Err(refused("name the provider: there is not exactly one")),
        };
        let order = NewOrder {
            account: asked.account,
            provider: name.clone(),
            amount: convert::money(&asked.amount).ok_or_else(|| refused("amount.currency is a code such as RUB"))?,
            description: checked("description", asked.description, 255)?,
            idempotency_key: key,
            expires_at: None,
        };
        let order = app.ledger().create_order(order, now())?.map_err(|refusal| match refusal {
            OrderRefusal::UnknownAccount => refused("there is no such account; PUT /api/v1/accounts/{account} makes it"),
            OrderRefusal::AmountNotPositive => refused("amount.minor_units is positive"),
            OrderRefusal::KeyReused => {
                Problem::new(StatusCode::CONFLICT, "the Idempotency-Key was used for another order; use a new one")
            }
        })?;
        let base = &app.gateway.public_url;
        let request = records::Order {
            description: order.order.description.clone(),
            callback_url: format!("{base}/callbacks/{name}"),
            success_url: asked.success_url.unwrap_or_else(|| base.clone()),
            failure_url: asked.failure_url.unwrap_or_else(|| base.clone()),
            ..records::Order::new(&order.id, &order.order.account, asked.amount)
        };
        Ok(Json(Link { link: merchant.create_link(&request)?, order: order.id }))
    })
    .await
}

pub async fn get_order(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    blocking(&app, move |app| {
        let Order { id, order, created_at, paid_by } = app.ledger().order(&id)?.ok_or_else(|| missing("order"))?;
        Ok(Json(json!({
            "order": id, "account": order.account, "provider": order.provider, "amount": amount(order.amount),
            "description": order.description, "created_at": created_at, "state": if paid_by.is_some() { "paid" } else { "open" },
            "paid_by": paid_by,
        })))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    account: Option<String>,
    #[serde(default)]
    after: u64,
    /// Seconds to wait for an entry where there is none yet.
    #[serde(default)]
    wait: u64,
}

pub async fn entries(State(app): State<App>, query: Result<Query<Entries>, QueryRejection>) -> Result<Json<Value>, Problem> {
    let Query(Entries { account, after, wait }) =
        query.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait.min(WAIT_SECONDS_MAX));
    // Subscribed before it is read, so that no entry comes between.
    let mut entered = app.entered.subscribe();
    loop {
        let account = account.clone();
        let found = blocking(&app, move |app| Ok(app.ledger().entries(account.as_deref(), after, ENTRIES_MAX)?)).await?;
        let is_over = !found.is_empty() || tokio::time::timeout_at(deadline, entered.changed()).await.is_err();
        if is_over {
            return Ok(Json(json!({ "entries": found.into_iter().map(entry).collect::<Vec<_>>() })));
        }
    }
}

fn entry(Entry { seq, entry }: Entry) -> Value {
    json!({
        "seq": seq, "account": entry.account, "kind": EntryKind::name(entry.kind), "amount": amount(entry.amount),
        "comment": entry.comment, "order": entry.order, "transaction": entry.transaction, "provider": entry.provider,
        "at": entry.at,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddWriteoffs {
    writeoffs: Vec<AddWriteoff>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddWriteoff {
    id: String,
    account: String,
    #[serde(default)]
    service_code: String,
    service: String,
    #[serde(default)]
    unit: String,
    period: records::Date,
    date: records::Date,
    #[serde(default = "one")]
    quantity_thousandths: i64,
    amount: records::Money,
    vat_basis_points: Option<u16>,
    #[serde(default)]
    note: String,
}

fn one() -> i64 {
    1000
}

impl AddWriteoff {
    fn writeoff(self, index: usize) -> Result<WriteOff, Problem> {
        let day = |date: records::Date| Day { year: date.year, month: date.month, day: date.day };
        let field = |name: &str| format!("writeoffs[{index}].{name}");
        if self.amount.minor_units.unsigned_abs() > money::AMOUNT_MAX.unsigned_abs() {
            return Err(refused(format!("{} is beyond what is kept", field("amount.minor_units"))));
        }
        Ok(WriteOff {
            id: checked(&field("id"), self.id, 64)?,
            account: self.account,
            service_code: self.service_code,
            service: checked(&field("service"), self.service, 250)?,
            unit: self.unit,
            period: day(self.period),
            date: day(self.date),
            quantity_thousandths: self.quantity_thousandths,
            amount: convert::money(&self.amount).ok_or_else(|| refused(format!("{} is no code", field("amount.currency"))))?,
            vat_basis_points: self.vat_basis_points,
            note: self.note,
        })
    }
}

pub async fn add_writeoffs(State(app): State<App>, body: Body<AddWriteoffs>) -> Result<Json<Value>, Problem> {
    let AddWriteoffs { writeoffs } = read(body)?;
    if writeoffs.len() > WRITEOFFS_MAX {
        return Err(refused(format!("a batch has at most {WRITEOFFS_MAX} write-offs; send several")));
    }
    let writeoffs = writeoffs.into_iter().enumerate().map(|(index, writeoff)| writeoff.writeoff(index));
    let writeoffs = writeoffs.collect::<Result<Vec<WriteOff>, Problem>>()?;
    let added = blocking(&app, move |app| {
        app.ledger().add_writeoffs(writeoffs, now())?.map_err(|refusal| match refusal {
            WriteOffRefusal::UnknownAccount(index) => refused(format!("writeoffs[{index}].account is not known")),
            WriteOffRefusal::IdReused(index) => Problem::new(
                StatusCode::CONFLICT,
                format!("writeoffs[{index}].id is another write-off's that was added before"),
            ),
        })
    })
    .await?;
    app.entered.send_replace(());
    Ok(Json(json!({ "added": added.added, "repeated": added.repeated })))
}

pub async fn unmatched(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let waiting = blocking(&app, |app| Ok(app.ledger().waiting(UNMATCHED_MAX)?)).await?;
    let waiting: Vec<Value> = waiting
        .into_iter()
        .map(|Unmatched { id, event, reason, at, .. }| {
            json!({
                "id": id, "reason": reason.name(), "provider": event.provider, "kind": event.kind.name(),
                "transaction": event.transaction, "order": event.order, "amount": amount(event.amount),
                "comment": event.comment, "at": at,
            })
        })
        .collect();
    Ok(Json(json!({ "unmatched": waiting })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    account: String,
    operator: String,
    comment: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dismiss {
    operator: String,
    comment: String,
}

pub async fn credit_unmatched(State(app): State<App>, Path(id): Path<u64>, body: Body<Credit>) -> Result<Json<Value>, Problem> {
    let Credit { account, operator, comment } = read(body)?;
    let (operator, comment) = (checked("operator", operator, 64)?, checked("comment", comment, 255)?);
    let seq =
        blocking(&app, move |app| app.ledger().enter_unmatched(id, account, operator, comment, now())?.map_err(not_resolved))
            .await?;
    app.entered.send_replace(());
    Ok(Json(json!({ "seq": seq })))
}

pub async fn dismiss_unmatched(
    State(app): State<App>,
    Path(id): Path<u64>,
    body: Body<Dismiss>,
) -> Result<StatusCode, Problem> {
    let Dismiss { operator, comment } = read(body)?;
    let (operator, comment) = (checked("operator", operator, 64)?, checked("comment", comment, 255)?);
    blocking(&app, move |app| app.ledger().dismiss_unmatched(id, operator, comment, now())?.map_err(not_resolved)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn not_resolved(refusal: ResolveRefusal) -> Problem {
    match refusal {
        ResolveRefusal::Unknown => missing("event"),
        ResolveRefusal::AlreadyResolved => Problem::new(StatusCode::CONFLICT, "somebody credited or dismissed it before"),
        ResolveRefusal::UnknownAccount => refused("there is no such account"),
        ResolveRefusal::AmountNotPositive => refused("it is about no money; dismiss it"),
        ResolveRefusal::AlreadyEntered => refused("the same transaction was entered before; dismiss it"),
    }
}
