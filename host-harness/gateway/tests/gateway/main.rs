//! The gateway over real HTTP, with real components and a real database. It is one program, since each would be linked with all
//! of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

mod api;
mod asking;
mod billing;
mod billing_stand_in;
mod call_hosts;
mod callbacks;
mod calls;
mod charges;
mod connections;
mod decisions;
mod exports;
mod headers;
mod http;
mod identifiers;
mod login;
mod operations;
mod operator_pages;
mod orders;
mod payer;
mod payment_system;
mod refund_pages;
mod refunds;
mod restored;
mod server;
mod swap;
mod two_phases;
mod unpaid_orders;
mod wire_names;
mod writeoffs;
