//! Orders, and their payment links.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::{AccountNumber, Facts, Fields, Movement, OrderId, OrderRefusal, PaymentLink};
use host::{HostError, LinkOptions, OrderRequest, StatusAnswer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path::{OrderPath, Path};
use super::{Amount, Body, Details, Json, idempotency_key};
use crate::identifiers;
use crate::pages;
use crate::problem::Problem;
use crate::shared::{App, Shared, blocking};

/// An order for which a payment link is created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// The number of the account that the payment credits.
    account: String,
    /// The price, in the merchant's currency.
    amount: Amount,
    /// The text that the payment page shows to the payer, of 1 to 255 characters.
    description: String,
    /// The provider's name. Needed if several providers take orders.
    provider: Option<String>,
    /// The URL to which the payer returns after success. Default: the sample cabinet.
    success_url: Option<String>,
    /// The URL to which the payer returns after failure. Default: the sample cabinet.
    failure_url: Option<String>,
    /// When the link expires, in seconds since the Unix epoch; it must be in the future. A later payment is credited nevertheless.
    expires_at: Option<u64>,
    /// The language of the payment page, such as `ru`. Default: the payment system's.
    #[serde(default)]
    language: String,
    /// Details of the payer, such as `email`, by the names of the provider contract.
    #[serde(default)]
    payer: BTreeMap<String, String>,
    /// Options of this provider, by the names in its documentation.
    #[serde(default)]
    extra: BTreeMap<String, String>,
}

/// A payment link, and the same as an HTML form.
#[derive(Serialize, ToSchema)]
pub struct Link {
    /// The order's id.
    order: String,
    /// The URL of the payment page. Absent if the payment system has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The URL to which the form is submitted by POST. Absent if the payment system has no form.
    #[serde(skip_serializing_if = "Option::is_none")]
    form_action: Option<String>,
    /// The form's fields in order, each as a pair of name and value. Absent if the payment system has no form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Vec<String>>>)]
    form_fields: Option<Vec<(String, String)>>,
    /// What a QR code holds, such as the link of «СБП». Absent if the payment system has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr: Option<String>,
    /// The requested options that the payment system does not support, such as `expires-at`: the payment page ignores them. Absent
    /// if all are supported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_passed_on: Vec<String>,
}

/// Creates an order and its payment link.
#[utoipa::path(post, path = "/links", operation_id = "create_link", request_body = NewLink,
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of 1 to 255 ASCII characters, \
        unique for the order. A repeated request with the same key returns the same order; a different one is refused with 409.")),
    responses(
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
        let PaymentLink { url, form, qr, .. } = link;
        let (form_action, form_fields) = form.map(|form| (form.action, form.inputs)).unzip();
        Ok(Json(Link { order: order.id.into(), url, form_action, form_fields, qr, not_passed_on }))
    })
    .await
}

/// The state of an order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum OrderState {
    /// Not paid yet.
    Open,
    /// The payment system holds the money at the payer's bank, and has not charged it yet.
    Held,
    /// Paid.
    Paid,
}

/// An order.
#[derive(Serialize, ToSchema)]
pub struct OrderReport {
    /// The order's id.
    order: String,
    /// The number of the account that the payment credits.
    account: String,
    /// The provider's name.
    provider: String,
    /// The price.
    amount: Amount,
    /// The text that the payment page shows to the payer.
    description: String,
    /// When the order was created, in seconds since the Unix epoch.
    created_at: u64,
    /// When the link expires, in seconds since the Unix epoch; null if it does not.
    expires_at: Option<u64>,
    /// Whether the order is paid.
    state: OrderState,
    /// The sequence number of the entry that paid the order; null if it is not paid.
    paid_by: Option<u64>,
    /// What holds the order; null unless its state is `held`.
    held_by: Option<HoldReport>,
    /// The id of a charge of the order that is done although no payment has paid the order: a person said so, or entered the payment
    /// without the order. It is not charged again; null otherwise.
    charged_by: Option<String>,
}

/// Money that a payment system holds for an order and has not charged. It is on no account.
#[derive(Serialize, ToSchema)]
struct HoldReport {
    /// The number of the hold.
    movement: String,
    /// The payment system's transaction id.
    transaction: String,
    /// When it was recorded, in seconds since the Unix epoch.
    at: u64,
    /// When it ends by itself, in seconds since the Unix epoch; null if only the payment system ends it.
    expires_at: Option<u64>,
}

impl From<Movement> for HoldReport {
    fn from(hold: Movement) -> HoldReport {
        let Facts { transaction, expires_at, .. } = hold.event.facts;
        HoldReport { movement: hold.id.to_string(), transaction: transaction.into(), at: hold.recorded_at, expires_at }
    }
}

/// Returns an order and its state.
#[utoipa::path(get, path = "/orders/{order}", operation_id = "get_order", params(OrderPath), responses(
    (status = OK, body = OrderReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn order(State(app): State<App>, Path(OrderPath { order }): Path<OrderPath>) -> Result<Json<OrderReport>, Problem> {
    blocking(&app, move |app| report(app, &identifiers::order(order)?)).await
}

fn report(app: &Shared, id: &OrderId) -> Result<Json<OrderReport>, Problem> {
    let order = app.host.order(id)?.ok_or_else(HostError::unknown_order)?;
    let held_by = app.host.order_money(id)?.held_by.map(HoldReport::from);
    let charged_by = if order.paid_by.is_some() { None } else { app.host.charge_of_order(id)? };
    let state = match (order.paid_by, &held_by) {
        (Some(_), _) => OrderState::Paid,
        (None, Some(_)) => OrderState::Held,
        (None, None) => OrderState::Open,
    };
    Ok(Json(OrderReport {
        order: order.id.into(),
        account: order.account.into(),
        provider: order.provider.into(),
        amount: order.amount.into(),
        description: order.description,
        created_at: order.created_at,
        expires_at: order.expires_at,
        state,
        paid_by: order.paid_by,
        held_by,
        charged_by: charged_by.map(|charge| charge.id.into()),
    }))
}

/// Asks the payment system now what became of an order's payment, enters what it says, and returns the order.
///
/// The gateway asks about unpaid orders by itself; this is for when billing cannot wait. If the payment system cannot be asked now,
/// the answer is 503.
#[utoipa::path(post, path = "/orders/{order}/status", operation_id = "ask_order_status", params(OrderPath), responses(
    (status = OK, body = OrderReport), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn ask_status(
    State(app): State<App>,
    Path(OrderPath { order }): Path<OrderPath>,
) -> Result<Json<OrderReport>, Problem> {
    blocking(&app, move |app| {
        let id = identifiers::order(order)?;
        match app.host.ask_about_order(&id)? {
            StatusAnswer::Answered => report(app, &id),
            StatusAnswer::Unavailable => {
                let detail = "the payment system cannot be asked about the order now; try again";
                Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail))
            }
        }
    })
    .await
}
