//! What a stand-in is set to.

use std::str::FromStr;

use thiserror::Error;

use crate::courier::Patience;
use crate::secret::Secret;

/// What a payment link's signature covers, which a merchant agrees on with ChronoPay: sending an order id switches nothing on.
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

    /// `basic`, `order-id` or `order-id-with-expiry`.
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

/// What a stand-in is set to; checked when it starts.
#[derive(Clone)]
pub struct Config {
    /// What links and callbacks are signed with.
    pub shared_sec: Secret,
    /// The shop's product: `NNNNNN-NNNN-NNNN`.
    pub product_id: String,
    /// What a link's signature covers.
    pub order_control: OrderControl,
    /// The product's currency: three capital letters.
    pub currency: String,
    /// The shop's name on the page.
    pub shop_name: String,
    /// Where callbacks go when a link has no `cb_url`: an `http` URL.
    pub callback_url: Option<String>,
    /// The id of the first transaction; the next ones count up. A merchant remembers ids, so a server that starts anew needs a
    /// greater one.
    pub first_transaction: u64,
    /// When callbacks are sent. One is taken where it is answered 200.
    pub patience: Patience,
    /// Whether a decline is told by a callback. Old accounts got one; of new ones it is not known.
    pub decline_callback: bool,
    /// Whether a refund or chargeback has its payment's transaction id and not its own. Which is so is not known.
    pub refund_keeps_id: bool,
}

impl Config {
    /// The secret and product given, and else: no order control, RUB, no callback URL, ids from 56244472, callbacks of
    /// declines, refunds with ids of their own.
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
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The product has another form.
    #[error("the product id is not three groups of 6, 4 and 4 digits, such as 001234-0001-0001")]
    ProductId,
    /// There is no secret.
    #[error("the shared secret is empty")]
    Secret,
    /// The currency has another form.
    #[error("the currency is not three capital letters, such as RUB")]
    Currency,
    /// The callback URL cannot be called.
    #[error("the callback URL is no http:// URL; this server speaks no TLS")]
    CallbackUrl,
}
