//! Orders, and their payment links.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use domain::{AccountNumber, Fields, OrderRefusal, PaymentLink};
use host::{HostError, LinkOptions, OrderRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path::{OrderPath, Path};
use super::{Amount, Body, Details, Json, idempotency_key};
use crate::identifiers;
use crate::pages;
use crate::problem::Problem;
use crate::shared::{App, blocking};

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

/// Makes an order and the link by which it is paid.
#[utoipa::path(post, path = "/links", operation_id = "create_link", request_body = NewLink,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key again gives the same order")), responses(
    (status = OK, body = Link), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn create(State(app): State<App>, headers: HeaderMap, body: Body<NewLink>) -> Result<Json<Link>, Problem> {
    let Json(asked) = body?;
    let idempotency_key = idempotency_key(&headers)?;
    blocking(&app, move |app| {
        let amount = asked.amount.money("amount")?;
        let provider = identifiers::chosen_provider(asked.provider)?;
        let unknown = |_| HostError::from(OrderRefusal::UnknownAccount);
        let request = OrderRequest {
            account: AccountNumber::new(asked.account).map_err(unknown)?,
            provider,
            amount,
            description: asked.description,
            idempotency_key,
            expires_at: asked.expires_at,
        };
        let (success_url, failure_url, language) = (asked.success_url, asked.failure_url, asked.language);
        let (payer, extra): (Fields, Fields) = (asked.payer.into_iter().collect(), asked.extra.into_iter().collect());
        let (order, link) = app.host.create_order_and_link(request, |order| LinkOptions {
            success_url: success_url.clone().unwrap_or_else(|| pages::order::success_url(app, order)),
            failure_url: failure_url.clone().unwrap_or_else(|| pages::order::failure_url(app, order)),
            language: language.clone(),
            payer: payer.clone(),
            extra: extra.clone(),
        })?;
        let not_passed_on = link.not_passed_on().map(str::to_owned).collect();
        let PaymentLink { url, form_action, form_fields, .. } = link;
        Ok(Json(Link { order: order.id.into(), url, form_action, form_fields, not_passed_on }))
    })
    .await
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
#[utoipa::path(get, path = "/orders/{order}", operation_id = "get_order", params(OrderPath), responses(
    (status = OK, body = OrderReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn order(State(app): State<App>, Path(OrderPath { order }): Path<OrderPath>) -> Result<Json<OrderReport>, Problem> {
    blocking(&app, move |app| {
        let order = app.host.order(&identifiers::order(order)?)?.ok_or_else(|| Problem::not_found("order"))?;
        Ok(Json(OrderReport {
            order: order.id.into(),
            account: order.account.into(),
            provider: order.provider.into(),
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
