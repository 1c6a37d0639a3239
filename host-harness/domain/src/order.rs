//! Orders: top-ups that wait to be paid.

use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::identifiers::{AccountNumber, OrderId, ProviderName};

/// An order that is not created yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewOrder {
    /// The account to credit when the order is paid.
    pub account: AccountNumber,
    /// The provider that may pay it.
    pub provider: ProviderName,
    /// The exact amount of the payment. Positive.
    pub amount: Money,
    /// The description that the subscriber sees.
    pub description: String,
    /// Two orders with the same key are one order.
    pub idempotency_key: Option<String>,
    /// When its link expires, seconds since the epoch. A payment that arrives later is still credited.
    pub expires_at: Option<u64>,
}

/// An order: the ledger's promise to credit an account once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Its id, unique over all providers.
    pub id: OrderId,
    /// The account to credit when the order is paid.
    pub account: AccountNumber,
    /// The provider that may pay it.
    pub provider: ProviderName,
    /// The exact amount of the payment. Positive.
    pub amount: Money,
    /// The description that the subscriber sees.
    pub description: String,
    /// Two orders with the same key are one order.
    pub idempotency_key: Option<String>,
    /// When its link expires, seconds since the epoch. A payment that arrives later is still credited.
    pub expires_at: Option<u64>,
    /// When it was created, seconds since the epoch.
    pub created_at: u64,
    /// The entry that paid it.
    pub paid_by: Option<u64>,
}

impl NewOrder {
    /// Converts it to an order with this id, created at this second of the epoch.
    pub fn created(self, id: OrderId, created_at: u64) -> Order {
        let NewOrder { account, provider, amount, description, idempotency_key, expires_at } = self;
        Order { id, account, provider, amount, description, idempotency_key, expires_at, created_at, paid_by: None }
    }
}

impl Order {
    /// Reports whether it has everything that a new order asks for, so that the two are one order.
    pub fn is(&self, asked: &NewOrder) -> bool {
        let NewOrder { account, provider, amount, description, idempotency_key, expires_at } = asked;
        self.account == *account
            && self.provider == *provider
            && self.amount == *amount
            && self.description == *description
            && self.idempotency_key == *idempotency_key
            && self.expires_at == *expires_at
    }
}

/// An unpaid order, of whose payment the payment system is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderToAsk {
    /// The order.
    pub order: Order,
    /// When to ask, seconds since the epoch.
    pub next_at: u64,
    /// How often it was asked.
    pub asked: u32,
}

/// The number of a provider's open orders.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OpenOrders {
    /// All open orders, whatever their age.
    pub all: u64,
    /// Those that were created recently.
    pub recent: u64,
}

/// Why an order is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderRefusal {
    /// There is no such account.
    UnknownAccount,
    /// The amount is not positive.
    AmountNotPositive,
    /// The idempotency key is already used by a different order.
    KeyReused,
}
