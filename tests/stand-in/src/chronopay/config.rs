//! The configuration of a stand-in.

use std::str::FromStr;

use thiserror::Error;

use crate::courier::Patience;
use crate::secret::Secret;

/// What the signature of a payment link covers. The merchant agrees on it with ChronoPay; sending an order id switches nothing
/// on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderControl {
    /// Product and price.
    Basic,
    /// Product, price and order.
    OrderId,
    /// Product, price, order, and one of `orderTimelimit` and `orderExpiretime`.
    OrderIdWithExpiry,
}

impl OrderControl {
    pub(crate) const ALL: [OrderControl; 3] = [OrderControl::Basic, OrderControl::OrderId, OrderControl::OrderIdWithExpiry];

    /// Returns `basic`, `order-id` or `order-id-with-expiry`.
    pub fn name(self) -> &'static str {
        match self {
            OrderControl::Basic => "basic",
            OrderControl::OrderId => "order-id",
            OrderControl::OrderIdWithExpiry => "order-id-with-expiry",
        }
    }
}

impl FromStr for OrderControl {
    type Err = String;

    fn from_str(text: &str) -> Result<OrderControl, String> {
        let named = OrderControl::ALL.into_iter().find(|control| control.name() == text);
        named.ok_or_else(|| "it is one of basic, order-id, order-id-with-expiry".to_owned())
    }
}

/// The configuration of a stand-in. It is checked when the stand-in starts.
#[derive(Clone)]
pub struct Config {
    /// The secret that signs links and callbacks.
    pub shared_sec: Secret,
    /// The shop's product, `NNNNNN-NNNN-NNNN`.
    pub product_id: String,
    /// What the signature of a link covers.
    pub order_control: OrderControl,
    /// The product's currency, three capital letters.
    pub currency: String,
    /// The shop's name on the page.
    pub shop_name: String,
    /// The `http` URL for callbacks if a link has no `cb_url`.
    pub callback_url: Option<String>,
    /// The id of the first transaction; later ones count up. Merchants remember ids, so a restarted server needs a greater one.
    pub first_transaction: u64,
    /// When callbacks are sent. A callback counts as delivered when it is answered 200.
    pub patience: Patience,
    /// Whether a decline is reported by a callback. Old accounts got one; for new ones it is not known.
    pub decline_callback: bool,
    /// Whether a refund or chargeback reuses its payment's transaction id instead of having its own. It is not known which is
    /// right.
    pub refund_keeps_id: bool,
    /// Whether the gate's answer to a charge names its transaction. It is not known.
    pub gate_names_transaction: bool,
}

impl Config {
    /// Creates a configuration with this secret and product, and defaults for the rest: no order control, RUB, no callback URL,
    /// transaction ids from 56244472, callbacks for declines, refunds with their own
    /// ids, transactions in the gate's answers.
    pub fn new(shared_sec: &str, product_id: &str) -> Config {
        Config {
            shared_sec: shared_sec.into(),
            product_id: product_id.to_owned(),
            order_control: OrderControl::Basic,
            currency: "RUB".to_owned(),
            shop_name: "Магазин".to_owned(),
            callback_url: None,
            first_transaction: 56_244_472,
            patience: Patience::default(),
            decline_callback: true,
            refund_keeps_id: false,
            gate_names_transaction: true,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The product id is malformed.
    #[error("the product id is not three groups of 6, 4 and 4 digits, such as 001234-0001-0001")]
    ProductId,
    /// There is no secret.
    #[error("the shared secret is empty")]
    Secret,
    /// The currency is malformed.
    #[error("the currency is not three capital letters, such as RUB")]
    Currency,
    /// The callback URL cannot be called.
    #[error("the callback URL is no http:// URL; this server speaks no TLS")]
    CallbackUrl,
}
