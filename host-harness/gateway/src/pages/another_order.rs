//! Another order in place of one that has expired, or whose payment failed.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Redirect;
use domain::Order;

use super::order_payments::OrderPayments;
use super::text::Lang;
use super::{AppState, amount, cabinet, order};
use crate::peer::Peer;
use crate::problem::Problem;
use crate::shared::{Shared, blocking};

/// Reports whether another order may take the place of one: nothing came for it, and it can no longer be paid, or the last attempt to
/// pay it failed.
fn may_be_replaced(app: &Shared, order: &Order, came: &OrderPayments) -> bool {
    let is_open = !order::is_over(app, order) && order.expires_at.is_some();
    let has_come = order.paid_by.is_some() || came.is_held || !came.waits.is_empty() || !came.by_operator.is_empty();
    !has_come && (!is_open || came.is_declined || came.is_released)
}

/// Leads to another order like one that has expired, or whose payment failed. If the order can still be paid, it is shown instead. A
/// payer whose payment failed and who is in the cabinet gets the form there, where they may choose otherwise; everybody else the new
/// order, which is made once.
pub async fn again(
    State(app): AppState,
    lang: Lang,
    peer: Peer,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Redirect, Problem> {
    let address = app.guard.address(&headers, peer.0);
    blocking(&app, move |app| {
        let before = order::find(app, &token)?;
        let came = OrderPayments::of(app.host.order_money(&before.id)?);
        if !may_be_replaced(app, &before, &came) {
            return Ok(order::to_pay(app, &before));
        }
        if (came.is_declined || came.is_released) && cabinet::is_open_for(app, &headers, &before.account) {
            return Ok(Redirect::to(&cabinet::address_like(&token)));
        }
        app.guard.top_up(&before.account, address)?;
        app.host.offered_provider(&before.provider)?;
        let limits = app.host.top_up_limits(&before.provider)?;
        if !limits.hold(before.amount.minor_units) {
            return Err(Problem::unprocessable(amount::range(lang, before.amount.currency, limits)));
        }
        let Order { id, account, provider, amount, description, .. } = before;
        let key = format!("again {id}");
        let made = app.host.create_cabinet_order(account, provider, amount, description, Some(&key))?;
        Ok(order::to_pay(app, &made))
    })
    .await
}
