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
//! This follows Robokassa's documentation: a sum has six decimals in a notification, but two in a test one, which also has
//! `IsTest=1` and no e-mail address; a notification counts as delivered when the reply is `OK` and the invoice's number, and
//! otherwise is sent again; an invoice is paid once; a decline is not reported. How often and when it is sent again is not
//! known; those are assumptions.
//!
//! The state of a paid or cancelled invoice is at [`OP_STATE`], with Password #2, and the Refund API at [`REFUNDS`], with Password
//! #3 if [`Config::password_3`] has one. A refund is processed when its state is asked for the first time, and finished after
//! that.

mod config;
mod invoice;
mod jwt;
mod notification;
mod plan;
mod refund;
mod request;
mod sign;
mod system;

pub use config::{Config, ConfigError, Hash, Passwords};
pub use invoice::OP_STATE;
pub use refund::REFUNDS;
pub use sign::{sign_link, sign_notification, sign_op_state};
pub use system::Robokassa;

/// A running stand-in for Robokassa. In the notifications that it sent, `transaction_id` is `InvId` and `order` is `Shp_order`.
pub type Running = crate::serving::Running<Robokassa>;
/// Why the stand-in did not start.
pub type StartError = crate::serving::StartError<ConfigError>;
