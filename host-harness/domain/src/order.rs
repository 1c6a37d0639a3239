//! Orders: what is promised to be credited.

use crate::amount::Money;
use crate::identifiers::{AccountNumber, OrderId, ProviderName};

/// An order to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewOrder {
    /// The account that a payment of it credits.
    pub account: AccountNumber,
    /// The provider that may pay it.
    pub provider: ProviderName,
    /// What a payment of it must be, exactly. Positive.
    pub amount: Money,
    /// What the subscriber sees.
    pub description: String,
    /// Two orders with one key are one order.
    pub idempotency_key: Option<String>,
    /// When its link ends, seconds since the epoch; a payment that comes later is credited all the same.
    pub expires_at: Option<u64>,
}

/// An order: the ledger's promise to credit an account once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Its id, unique over all providers.
    pub id: OrderId,
    /// The account that a payment of it credits.
    pub account: AccountNumber,
    /// The provider that may pay it.
    pub provider: ProviderName,
    /// What a payment of it must be, exactly. Positive.
    pub amount: Money,
    /// What the subscriber sees.
    pub description: String,
    /// Two orders with one key are one order.
    pub idempotency_key: Option<String>,
    /// When its link ends, seconds since the epoch; a payment that comes later is credited all the same.
    pub expires_at: Option<u64>,
    /// When it was made, seconds since the epoch.
    pub created_at: u64,
    /// The entry that paid it.
    pub paid_by: Option<u64>,
}

impl NewOrder {
    /// The order that it becomes, of an id and made at a second of the epoch.
    pub fn created(self, id: OrderId, created_at: u64) -> Order {
        let NewOrder { account, provider, amount, description, idempotency_key, expires_at } = self;
        Order { id, account, provider, amount, description, idempotency_key, expires_at, created_at, paid_by: None }
    }
}

impl Order {
    /// Whether it is what somebody asks for.
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

/// How many orders of a provider are not paid, whatever their age.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OpenOrders {
    /// All of them.
    pub all: u64,
    /// Those that were made lately.
    pub recent: u64,
}

/// Why an order is not made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderRefusal {
    /// There is no such account.
    UnknownAccount,
    /// The amount is not positive.
    AmountNotPositive,
    /// The idempotency key was used for another order.
    KeyReused,
}
