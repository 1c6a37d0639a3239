//! A stand-in for ChronoPay.
//!
//! Give it a secret of its own: `cb_url` is not signed, so whoever has a genuine link may have it call any address that this
//! machine reaches.
//!
//! ```no_run
//! use stand_in::chronopay::{Config, Running, StartError};
//!
//! let page = Running::start(Config::new("TestSharedSec001", "001234-0001-0001"), "127.0.0.1:0")?;
//! println!("the page that a provider's settings are to name: {}", page.url());
//! # Ok::<(), StartError>(())
//! ```
//!
//! Where public integrations of ChronoPay contradict each other or say nothing, this is assumed: a callback's time is Moscow's;
//! `total` has two decimals whatever the link's price has; a refund has a transaction id of its own ([`Config::refund_keeps_id`]
//! is the other way); a decline is told by a callback ([`Config::decline_callback`]); what is not answered 200 is sent again.

mod callback;
mod config;
mod plan;
mod request;
mod sign;
mod system;

pub use callback::{Callback, types};
pub use config::{Config, ConfigError, OrderControl};
pub use sign::{sign_callback, sign_request};
pub use system::ChronoPay;

/// A ChronoPay that serves; in what it sent, `order` is a callback's `cs1`.
pub type Running = crate::serving::Running<ChronoPay>;
/// Why it does not start.
pub type StartError = crate::serving::StartError<ConfigError>;
