//! What the cabinet shows of orders that are not paid: a payment that is under way, or came to nothing, is in no entry.

use domain::{AccountNumber, Order};
use maud::{Markup, html};

use super::order;
use super::order_payments::OrderPayments;
use super::text::{self, Clock, Lang};
use crate::problem::Problem;
use crate::shared::Shared;

/// An unpaid order of the last days.
pub struct UnpaidOrder {
    order: Order,
    /// The path of its page, as for a payer who returned: they may have paid.
    path: String,
    state: State,
}

/// How far the payment of an order has come.
#[derive(Clone, Copy)]
enum State {
    /// A payment came for it, and an operator looks at it.
    Checked,
    Held,
    Declined,
    Released,
    Over,
    /// Nothing is known of a payment yet.
    Waits,
}

impl State {
    fn of(app: &Shared, order: &Order, came: &OrderPayments) -> State {
        match () {
            () if !came.waits.is_empty() => State::Checked,
            () if came.is_held => State::Held,
            () if came.is_declined => State::Declined,
            () if came.is_released => State::Released,
            () if order::is_over(app, order) => State::Over,
            () => State::Waits,
        }
    }

    fn text(self, lang: Lang) -> &'static str {
        match self {
            State::Checked => lang.of("платёж проверяет оператор", "the operator looks at the payment"),
            State::Held => lang.of("деньги удержаны, платёж выполняется", "the money is held, the payment is under way"),
            State::Declined => lang.of("платёж отклонён", "the payment was declined"),
            State::Released => {
                lang.of("платёж не состоялся, деньги не списаны", "the payment did not take place, nothing was charged")
            }
            State::Over => lang.of("срок оплаты истёк, платёж не поступил", "it has expired, and no payment has arrived"),
            State::Waits => lang.of("ждёт оплаты или подтверждения", "waits to be paid or confirmed"),
        }
    }
}

/// Returns the unpaid orders of an account of the last days, without those for which an operator credited a payment.
///
/// # Errors
/// If the storage is unavailable.
pub fn of(app: &Shared, account: &AccountNumber) -> Result<Vec<UnpaidOrder>, Problem> {
    let orders = app.host.recent_unpaid_orders(account)?.into_iter();
    let came = orders.map(|(order, money)| (order, OrderPayments::of(money)));
    let unpaid = came.filter(|(_, came)| came.by_operator.is_empty() || !came.waits.is_empty());
    Ok(unpaid
        .map(|(order, came)| UnpaidOrder {
            path: order::returned_path(app, &order),
            state: State::of(app, &order, &came),
            order,
        })
        .collect())
}

/// Shows the orders with links to their pages.
pub fn list(lang: Lang, clock: Clock, orders: &[UnpaidOrder]) -> Markup {
    if orders.is_empty() {
        return html! {};
    }
    html! {
        h2 { (lang.of("Не оплачено", "Not paid")) }
        ul {
            @for UnpaidOrder { order, path, state } in orders {
                li {
                    (clock.text(order.created_at)) ", "
                    a href=(path) { (text::amount(lang, order.amount)) } ": " (state.text(lang))
                }
            }
        }
    }
}
