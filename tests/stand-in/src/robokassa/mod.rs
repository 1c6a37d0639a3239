//! A stand-in for Robokassa, which sends its notifications to ResultURL.
//!
//! ```no_run
//! use stand_in::robokassa::{Config, Passwords, Running, StartError};
//!
//! let passwords = Passwords::new("TestPassword1", "TestPassword2");
//! let result_url = "http://127.0.0.1:8080/callbacks/robokassa";
//! let page = Running::start(Config::new("robo-demo-test", passwords, result_url), "127.0.0.1:0")?;
//! println!("the page that a provider's settings are to name: {}", page.url());
//! # Ok::<(), StartError>(())
//! ```
//!
//! As Robokassa does it by its documentation: a sum has six decimals in a notification and two in a test one, which says
//! `IsTest=1` and has no e-mail address; `OK` and the invoice's number take a notification, and else it is sent again; an invoice
//! is paid once; a decline is told by nothing. Not known, and assumed: how often it is sent again, and when.

mod config;
mod notification;
mod plan;
mod request;
mod sign;
mod system;

pub use config::{Config, ConfigError, Hash, Passwords};
pub use sign::{sign_link, sign_notification};
pub use system::Robokassa;

/// A Robokassa that serves; in what it sent, `transaction_id` is a notification's `InvId`, `order` its `Shp_order`.
pub type Running = crate::serving::Running<Robokassa>;
/// Why it does not start.
pub type StartError = crate::serving::StartError<ConfigError>;
