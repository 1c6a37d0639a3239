//! Stand-ins for payment systems. A stand-in is an HTTP server that speaks a payment system's merchant protocol, for tests,
//! demonstrations and developers. It verifies links, shows a payment page, and sends signed callbacks, correct or wrong as a
//! [`Scenario`] says. It moves no money and is not part of a host.
//!
//! What is specific to a payment system, above all its fields and signatures, is in [`chronopay`] and [`robokassa`]; each
//! implements [`PaymentSystem`](system::PaymentSystem). Payment systems that are called by an API are in [`api`], and implement
//! [`PaymentApi`](api::PaymentApi). The other modules send and log callbacks, parse forms, render pages, and run a server. A
//! [`terminal`] asks a host and reports to it.

pub mod api;
pub mod chronopay;
pub mod courier;
pub mod form;
mod log;
mod page;
pub mod price;
pub mod program;
pub mod robokassa;
mod scenario;
mod secret;
mod send;
pub mod serving;
pub mod system;
pub mod terminal;

pub use courier::Patience;
pub use log::Sent;
pub use scenario::Scenario;
pub use secret::Secret;
pub use send::Method;
pub use serving::StartError;
