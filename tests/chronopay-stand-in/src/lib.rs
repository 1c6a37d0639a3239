//! A stand-in for ChronoPay: an HTTP server that speaks its merchant protocol, for tests, demonstrations and developers.
//!
//! It verifies payment links, shows a payment page, and sends signed callbacks, whole or spoilt as a [`Scenario`] says. It moves
//! no money and is no part of a host. Give it a secret of its own: `cb_url` is not signed, so whoever has a genuine link may have
//! it call any address that this machine reaches.
//!
//! ```no_run
//! use chronopay_stand_in::{Config, Running};
//!
//! let page = Running::start(Config::new("TestSharedSec001", "001234-0001-0001"), "127.0.0.1:0")?;
//! println!("the page that a provider's settings are to name: {}", page.url());
//! # Ok::<(), chronopay_stand_in::StartError>(())
//! ```
//!
//! Where public integrations of ChronoPay contradict each other or say nothing, this is assumed: a callback's time is Moscow's;
//! `total` has two decimals whatever the link's price has; a refund has a transaction id of its own ([`Config::refund_keeps_id`]
//! is the other way); a decline is told by a callback ([`Config::decline_callback`]); what is not answered 200 is sent again.

mod callback;
mod config;
mod page;
mod request;
mod running;
mod scenario;
mod server;
mod sign;

pub use callback::{Callback, types};
pub use config::{Config, OrderControl};
pub use running::{Running, StartError};
pub use scenario::Scenario;
pub use server::StandIn;
pub use sign::{sign_callback, sign_request};
pub use stand_in::secret::Secret;

/// A callback that was sent; `order` is its `cs1`.
pub type Sent = stand_in::log::Sent<Scenario>;
