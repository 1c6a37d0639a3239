//! A stand-in for ChronoPay.
//!
//! Give it a secret that you use nowhere else: `cb_url` is not signed, so anyone with a genuine link can make this server call
//! any address that it can reach.
//!
//! ```no_run
//! use stand_in::chronopay::{Config, Running, StartError};
//!
//! let page = Running::start(Config::new("TestSharedSec001", "001234-0001-0001"), "127.0.0.1:0")?;
//! println!("the page that a provider's settings are to name: {}", page.url());
//! # Ok::<(), StartError>(())
//! ```
//!
//! Where public integrations of ChronoPay contradict each other or say nothing, these are assumptions: the time of a callback
//! is Moscow's; `total` has two decimals, whatever the link's price has; a refund has its own transaction id
//! ([`Config::refund_keeps_id`] changes that); a decline is reported by a callback ([`Config::decline_callback`]); a callback
//! that is not answered 200 is sent again.
//!
//! The gate is at [`GATE`]. It charges customers who paid here, and reports a charge by a callback of type `Rebill`, which repeats
//! what the first payment's link had. Whether the gate's answer names the transaction is not known: it does unless
//! [`Config::gate_names_transaction`] says otherwise.

mod callback;
mod config;
mod gate;
mod plan;
mod request;
mod sign;
mod system;

pub use callback::{Callback, types};
pub use config::{Config, ConfigError, OrderControl};
pub use gate::GATE;
pub use sign::{sign_callback, sign_gate, sign_request};
pub use system::ChronoPay;

/// A running stand-in for ChronoPay. In the callbacks that it sent, `order` is `cs1`.
pub type Running = crate::serving::Running<ChronoPay>;
/// Why the stand-in did not start.
pub type StartError = crate::serving::StartError<ConfigError>;
