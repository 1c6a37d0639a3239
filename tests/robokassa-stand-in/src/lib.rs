//! A stand-in for Robokassa: an HTTP server that speaks its merchant protocol, for tests, demonstrations and developers.
//!
//! It verifies payment links, shows a payment page, and sends signed notifications to ResultURL, whole or spoilt as a
//! [`Scenario`] says. It moves no money and is no part of a host.
//!
//! ```no_run
//! use robokassa_stand_in::{Config, Passwords, Running};
//!
//! let passwords = Passwords::new("TestPassword1", "TestPassword2");
//! let result_url = "http://127.0.0.1:8080/callbacks/robokassa";
//! let page = Running::start(Config::new("robo-demo-test", passwords, result_url), "127.0.0.1:0")?;
//! println!("the page that a provider's settings are to name: {}", page.url());
//! # Ok::<(), robokassa_stand_in::StartError>(())
//! ```
//!
//! As Robokassa does it by its documentation: a sum has six decimals in a notification and two in a test one, which says
//! `IsTest=1` and has no e-mail address; `OK` and the invoice's number take a notification, and else it is sent again; an invoice
//! is paid once; a decline is told by nothing. Not known, and assumed: how often it is sent again, and when.

mod config;
mod notification;
mod page;
mod request;
mod running;
mod scenario;
mod server;
mod sign;

pub use config::{Config, Hash, Passwords};
pub use running::{Running, StartError};
pub use scenario::Scenario;
pub use server::StandIn;
pub use sign::{sign_link, sign_notification};
pub use stand_in::send::Method;

/// A notification that was sent; `transaction_id` is its `InvId`, `order` its `Shp_order`.
pub type Sent = stand_in::log::Sent<Scenario>;
