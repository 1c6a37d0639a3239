//! The API for a billing system: JSON under `/api/v1`, with a bearer token.

mod accounts;
mod billing;
mod calls;
mod components;
mod decisions;
mod document;
mod entries;
mod exclusions;
mod exports;
mod json;
mod links;
mod operation_report;
mod operations;
mod path;
mod providers;
mod query;
mod restorations;
mod unmatched;
mod unrecognized;
mod writeoffs;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use domain::{EntryKind, Money, PartyKind};
use host::{TEXT_CHARS_MAX, known_currency, required_text};
use money::Currency;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::{OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Details, Problem};
use crate::shared::App;

use json::Json;

/// Returns the routes, including the one of the OpenAPI document.
pub fn router(app: &App) -> Router<App> {
    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(Details)))]
    struct Base;
    let api = OpenApiRouter::new()
        .routes(routes!(accounts::put, accounts::get))
        .routes(routes!(accounts::cabinet))
        .routes(routes!(accounts::correct))
        .routes(routes!(links::create))
        .routes(routes!(links::order))
        .routes(routes!(links::ask_status))
        .routes(routes!(operations::list, operations::begin))
        .routes(routes!(operations::get))
        .routes(routes!(operations::decide))
        .routes(routes!(operations::retry))
        .routes(routes!(operations::withdraw))
        .routes(routes!(entries::feed))
        .merge(OpenApiRouter::new().routes(routes!(writeoffs::add)).layer(writeoffs::limit()))
        .routes(routes!(unmatched::list))
        .routes(routes!(unmatched::credit))
        .routes(routes!(unmatched::dismiss))
        .routes(routes!(unrecognized::list))
        .routes(routes!(unrecognized::dismiss))
        .routes(routes!(unrecognized::judge))
        .routes(routes!(unrecognized::contradictions))
        .routes(routes!(unrecognized::dismiss_contradiction))
        .routes(routes!(unrecognized::reopen))
        .routes(routes!(unrecognized::reopen_contradicting))
        .routes(routes!(decisions::list))
        .routes(routes!(decisions::undo))
        .routes(routes!(restorations::list))
        .routes(routes!(providers::list))
        .routes(routes!(providers::remove))
        .routes(routes!(providers::pause))
        .routes(routes!(providers::resume))
        .routes(routes!(providers::settings, providers::put_settings))
        .routes(routes!(providers::limits, providers::put_limits))
        .routes(routes!(calls::list))
        .merge(OpenApiRouter::new().routes(routes!(components::swap)).layer(components::limit()))
        .routes(routes!(components::back))
        .routes(routes!(exports::seller, exports::put_seller))
        .routes(routes!(exports::writeoffs))
        .routes(routes!(exports::manifest))
        .routes(routes!(exclusions::exclude, exclusions::include))
        .routes(routes!(exclusions::list));
    let (routes, document) = OpenApiRouter::with_openapi(Base::openapi()).nest("/api/v1", api).split_for_parts();
    let document = document::complete(document);
    routes
        .route("/api/v1/{*rest}", axum::routing::any(crate::problem::not_found))
        .layer(axum::middleware::from_fn_with_state(app.clone(), authorize))
        .route("/api/openapi.json", get(move || async move { Json(document) }))
        .route(billing::ADDRESS, get(|| async { Json(billing::document()) }))
}

/// The secret that callers of the API send as `Authorization: Bearer …`. It cannot be printed.
pub struct Token(String);

impl Token {
    /// Creates a token of at least 32 ASCII characters without spaces. `None` for any other text, since it might be guessable.
    pub fn new(text: impl Into<String>) -> Option<Token> {
        let text = text.into();
        (text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(Token(text))
    }

    fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// Refuses requests without the token.
async fn authorize(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // A scheme's name has no case (RFC 9110, section 11.1).
    let shown = shown.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match shown {
        Some((_, shown)) if app.config.token.is(shown) => Ok(next.run(request).await),
        _ => Err(Problem::new(StatusCode::UNAUTHORIZED, "missing or invalid API token; send Authorization: Bearer TOKEN")),
    }
}

/// Bytes that are not JSON.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "it describes a body that is not JSON")]
struct Bytes(Vec<u8>);

/// The JSON body of a request.
type Body<T> = Result<Json<T>, Problem>;

/// Returns the idempotency key, with which a repeated request is performed once.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let key = headers.get("idempotency-key").map(|key| key.to_str().map(str::to_owned)).transpose();
    let key = key.map_err(|_| Problem::unprocessable("Idempotency-Key must be ASCII"))?;
    key.map(|key| Ok(required_text("Idempotency-Key", key, TEXT_CHARS_MAX)?)).transpose()
}

/// An amount of money.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"minor_units\": 15000, \"currency\": \"RUB\"}")]
struct Amount {
    /// Minor units of the currency, such as kopecks: 15000 is 150.00 RUB.
    minor_units: i64,
    /// The currency's ISO 4217 code: three capital letters.
    #[schema(example = "RUB")]
    currency: String,
}

impl Amount {
    /// Converts the amount, if it is in range and ISO 4217 lists its currency.
    fn money(&self, field: &str) -> Result<Money, Problem> {
        if self.minor_units.unsigned_abs() > money::AMOUNT_MAX.unsigned_abs() {
            return Err(Problem::unprocessable(format!("{field}.minor_units exceeds the maximum of {}", money::AMOUNT_MAX)));
        }
        let currency = Currency::parse(&self.currency)
            .ok_or_else(|| Problem::unprocessable(format!("{field}.currency must be a code such as RUB")))?;
        Ok(Money { minor_units: self.minor_units, currency: known_currency(&format!("{field}.currency"), currency)? })
    }
}

impl From<Money> for Amount {
    fn from(money: Money) -> Amount {
        Amount { minor_units: money.minor_units, currency: money.currency.to_string() }
    }
}

/// A party's legal form.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = PartyKind)]
enum PartyKindDto {
    /// A natural person («физическое лицо»).
    Individual,
    /// A sole proprietor («индивидуальный предприниматель»).
    SoleProprietor,
    /// A company («юридическое лицо»).
    Company,
}

impl From<PartyKindDto> for PartyKind {
    fn from(kind: PartyKindDto) -> PartyKind {
        match kind {
            PartyKindDto::Individual => PartyKind::Individual,
            PartyKindDto::SoleProprietor => PartyKind::SoleProprietor,
            PartyKindDto::Company => PartyKind::Company,
        }
    }
}

impl From<PartyKind> for PartyKindDto {
    fn from(kind: PartyKind) -> PartyKindDto {
        match kind {
            PartyKind::Individual => PartyKindDto::Individual,
            PartyKind::SoleProprietor => PartyKindDto::SoleProprietor,
            PartyKind::Company => PartyKindDto::Company,
        }
    }
}

/// The kind of a ledger entry.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EntryKind)]
enum EntryKindDto {
    /// A payment through a payment system.
    Payment,
    /// A refund to the payer.
    Refund,
    /// A chargeback: the payer's bank took the money back.
    Chargeback,
    /// A chargeback that the merchant won: the money is back.
    ChargebackReversal,
    /// A charge for a service.
    WriteOff,
    /// An operator's correction.
    Correction,
}

impl From<EntryKind> for EntryKindDto {
    fn from(kind: EntryKind) -> EntryKindDto {
        match kind {
            EntryKind::Payment => EntryKindDto::Payment,
            EntryKind::Refund => EntryKindDto::Refund,
            EntryKind::Chargeback => EntryKindDto::Chargeback,
            EntryKind::ChargebackReversal => EntryKindDto::ChargebackReversal,
            EntryKind::WriteOff => EntryKindDto::WriteOff,
            EntryKind::Correction => EntryKindDto::Correction,
        }
    }
}

/// An additional field that the payment system sent with an event.
#[derive(Serialize, ToSchema)]
struct ExtraField {
    /// The payment system's name of the field.
    name: String,
    /// The value as received.
    value: String,
}

/// Converts fields, in their order. A name may occur twice.
fn extra(fields: Vec<(String, String)>) -> Vec<ExtraField> {
    fields.into_iter().map(|(name, value)| ExtraField { name, value }).collect()
}
