//! Stand-ins for payment systems. A stand-in is an HTTP server that speaks a payment system's merchant protocol, for tests,
//! demonstrations and developers: it verifies links, shows a page, and sends signed callbacks, whole or spoilt as a
//! [`Scenario`] says. It moves no money and is no part of a host.
//!
//! What is a payment system's own, its fields and signatures above all, is in [`chronopay`] and [`robokassa`]: each implements
//! [`PaymentSystem`](system::PaymentSystem). The other modules send callbacks and log them, read forms, show pages, and run a
//! server.

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

pub use courier::Patience;
pub use log::Sent;
pub use scenario::Scenario;
pub use secret::Secret;
pub use send::Method;
pub use serving::StartError;
