//! Unpaid orders, of whose payment the payment system is asked: it heals lost callbacks.

use domain::{OrderId, OrderToAsk};

use crate::error::Error;
use crate::rules::Ledger;
use crate::schedule::WAIT_SECONDS_MAX;

impl Ledger {
    /// Returns the unpaid orders to ask about now, those that wait longest first. One whose time is further off than any
    /// ([`WAIT_SECONDS_MAX`]) was put off while the clock was ahead, and is asked about now.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn orders_to_ask(&self, now: u64, limit: u32) -> Result<Vec<OrderToAsk>, Error> {
        self.storage().read(|transaction| transaction.orders_to_ask(now, now.saturating_add(WAIT_SECONDS_MAX), limit))
    }

    /// Records that an order was asked about, and when to ask again; `None` if nobody is to ask any more ([`next_ask`](crate::next_ask)). An
    /// order that was paid meanwhile stays forgotten.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn asked(&self, order: OrderId, next_at: Option<u64>) -> Result<(), Error> {
        self.storage().write(move |transaction| match next_at {
            Some(next_at) => transaction.count_ask(&order, next_at),
            None => transaction.remove_order_to_ask(&order),
        })
    }
}
