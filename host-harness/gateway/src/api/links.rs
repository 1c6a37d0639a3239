//! Orders, and the links by which they are paid.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use domain::{Money, NewOrder, OrderRefusal, PaymentLink};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Body, Details, Json, TEXT_CHARS_MAX, checked, idempotency_key};
use crate::orders::{self, Wishes};
use crate::problem::Problem;
use crate::providers::Slot;
use crate::{App, Shared, blocking, limits, now, removal};

/// What is to be paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// The account that the payment credits.
    account: String,
    amount: Amount,
    /// What the subscriber sees on the payment page.
    description: String,
    /// The provider; without it the only one there is.
    provider: Option<String>,
    /// Where the subscriber comes back to after success; without it, to the sample cabinet.
    success_url: Option<String>,
    /// The same after failure.
    failure_url: Option<String>,
    /// When the link ends, seconds since the epoch, later than now; a payment that comes later is credited all the same.
    expires_at: Option<u64>,
    /// The language of the payment page, a tag such as `ru`.
    #[serde(default)]
    language: String,
    /// What is known of the payer, such as `email`, as the contract of providers names it.
    #[serde(default)]
    payer: BTreeMap<String, String>,
    /// What the provider alone knows, by the names that its documentation lists.
    #[serde(default)]
    extra: BTreeMap<String, String>,
}

/// How the subscriber pays: by the link, or by a form that is sent to the payment page.
#[derive(Serialize, ToSchema)]
pub struct Link {
    /// The order's id.
    order: String,
    /// The link.
    url: String,
    /// Where the form is sent to by POST.
    form_action: String,
    /// The form's fields, in order: name and value.
    #[schema(value_type = Vec<Vec<String>>)]
    form_fields: Vec<(String, String)>,
    /// What was asked for and the payment system has no place for, by the names of the contract's order, such as `expires-at`; the
    /// payer sees a payment page that knows nothing of it. Absent where all was passed on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_passed_on: Vec<String>,
}

/// When the link ends, if that is still to come.
fn expiry(expires_at: Option<u64>) -> Result<Option<u64>, Problem> {
    let now = now();
    match expires_at {
        Some(at) if at <= now => Err(Problem::unprocessable(format!(
            "expires_at is over: it is {at}, and the time here is {now}, in seconds since the epoch; give a later one"
        ))),
        _ => Ok(expires_at),
    }
}

/// Makes an order and the link by which it is paid.
#[utoipa::path(post, path = "/links", request_body = NewLink,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key again gives the same order")), responses(
    (status = OK, body = Link), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn create(State(app): State<App>, headers: HeaderMap, body: Body<NewLink>) -> Result<Json<Link>, Problem> {
    let Json(asked) = body?;
    let idempotency_key = idempotency_key(&headers)?;
    blocking(&app, move |app| {
        let slot = app.providers.choose(asked.provider.as_deref())?;
        removal::require_offered(&slot)?;
        let amount = asked.amount.money("amount")?;
        check_limits(app, &slot, amount)?;
        let order = NewOrder {
            account: asked.account,
            provider: slot.name.clone(),
            amount,
            description: checked("description", asked.description, TEXT_CHARS_MAX)?,
            idempotency_key,
            expires_at: expiry(asked.expires_at)?,
        };
        let order = app.ledger.create_order(order, now())?.map_err(|refusal| match refusal {
            OrderRefusal::UnknownAccount => {
                Problem::unprocessable("there is no such account; PUT /api/v1/accounts/{account} makes it")
            }
            OrderRefusal::AmountNotPositive => Problem::unprocessable("amount.minor_units is positive"),
            OrderRefusal::KeyReused => super::key_reused("order"),
        })?;
        let wishes = Wishes {
            success_url: asked.success_url,
            failure_url: asked.failure_url,
            language: asked.language,
            payer: asked.payer.into_iter().collect(),
            extra: asked.extra.into_iter().collect(),
        };
        let link = orders::link(app, &slot, &order, wishes)?;
        let not_passed_on = link.not_passed_on().map(str::to_owned).collect();
        let PaymentLink { url, form_action, form_fields, .. } = link;
        Ok(Json(Link { order: order.id, url, form_action, form_fields, not_passed_on }))
    })
    .await
}

/// The limits that an operator entered hold here as well; those that nobody entered are the cabinet's alone.
fn check_limits(app: &Shared, slot: &Slot, amount: Money) -> Result<(), Problem> {
    let entered = limits::entered(&app.ledger, &slot.name)?;
    let Some(limits) = entered.filter(|limits| !limits.hold(amount.minor_units)) else { return Ok(()) };
    if amount.currency != orders::currency(&slot.live())? {
        // The provider says what is wrong.
        return Ok(());
    }
    let (smallest, largest) = (limits.smallest(), limits.largest());
    Err(Problem::unprocessable(format!(
        "amount.minor_units must be {smallest} to {largest}: the limits of a top-up by {}",
        slot.name
    )))
}

/// Whether an order was paid.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum OrderState {
    /// Not yet.
    Open,
    /// It was.
    Paid,
}

/// An order.
#[derive(Serialize, ToSchema)]
pub struct OrderReport {
    order: String,
    account: String,
    provider: String,
    amount: Amount,
    description: String,
    /// Seconds since the epoch.
    created_at: u64,
    /// Seconds since the epoch.
    expires_at: Option<u64>,
    state: OrderState,
    /// The entry that paid it.
    paid_by: Option<u64>,
}

/// An order and whether it was paid.
#[utoipa::path(get, path = "/orders/{order}", responses(
    (status = OK, body = OrderReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn order(State(app): State<App>, Path(order): Path<String>) -> Result<Json<OrderReport>, Problem> {
    blocking(&app, move |app| {
        let order = app.ledger.order(&order)?.ok_or_else(|| Problem::missing("order"))?;
        Ok(Json(OrderReport {
            order: order.id,
            account: order.account,
            provider: order.provider,
            amount: order.amount.into(),
            description: order.description,
            created_at: order.created_at,
            expires_at: order.expires_at,
            state: if order.paid_by.is_some() { OrderState::Paid } else { OrderState::Open },
            paid_by: order.paid_by,
        }))
    })
    .await
}
