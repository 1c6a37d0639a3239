//! A month's write-offs in the formats that 1C loads, as plain values: no contract types, no I/O.
//!
//! A format is a writer that takes [`Writeoff`]s one by one and appends bytes to a buffer, in constant memory; [`Totals`] counts
//! beside it, so that every kopeck can be accounted for.

#![cfg_attr(test, allow(missing_docs))]

mod register;
mod totals;
mod writeoff;

pub use register::{DecimalSeparator, Register};
pub use totals::{RateTotals, Totals, vat_within};
pub use writeoff::{Code, Date, Party, PartyKind, Problem, Writeoff};
