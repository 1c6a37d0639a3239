//! From an order to its payment page.

use ledger::Order;
use sandbox::records::{self, Fields, PaymentLink};

use crate::pages::cabinet;
use crate::problem::Problem;
use crate::providers::Slot;
use crate::{Shared, convert};

/// What whoever asks for a link may wish.
#[derive(Default)]
pub struct Wishes {
    /// Where the subscriber comes back to; to the sample cabinet without them.
    pub success_url: Option<String>,
    pub failure_url: Option<String>,
    /// The payment page's language, as a tag; the provider's settings say it where it is empty.
    pub language: String,
    /// What is known of the payer.
    pub payer: Fields,
}

/// The address that a provider's callbacks come to.
pub fn callback_url(app: &Shared, slot: &Slot) -> String {
    format!("{}/callbacks/{}", app.config.public_url, slot.name)
}

/// The link by which an order is paid; the same order and wishes give the same link.
pub fn link(app: &Shared, slot: &Slot, order: &Order, wishes: Wishes) -> Result<PaymentLink, Problem> {
    let Wishes { success_url, failure_url, language, payer } = wishes;
    let back = cabinet::order_url(app, order);
    let request = records::Order {
        description: order.order.description.clone(),
        language,
        callback_url: callback_url(app, slot),
        success_url: success_url.unwrap_or_else(|| back.clone()),
        failure_url: failure_url.unwrap_or_else(|| format!("{back}/failed")),
        expires_at: order.order.expires_at,
        payer,
        ..records::Order::new(&order.id, &order.order.account, convert::amount(order.order.amount))
    };
    Ok(slot.call(app, "create-link", |merchant| merchant.create_link(&request))??)
}
