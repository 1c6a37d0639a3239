//! What the stand-ins for payment systems share. A stand-in is an HTTP server that speaks a payment system's merchant protocol,
//! for tests, demonstrations and developers: it verifies links, shows a page, and sends signed callbacks, whole or spoilt. It
//! moves no money and is no part of a host.
//!
//! What is a payment system's own, its fields and signatures above all, is in its stand-in; here is how callbacks are sent and
//! logged, a form is read, a page looks, a server runs.

pub mod courier;
pub mod form;
pub mod log;
pub mod page;
pub mod price;
pub mod secret;
pub mod send;
pub mod serving;
