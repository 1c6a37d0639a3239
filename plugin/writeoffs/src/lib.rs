//! Writes a month's write-offs in the formats that 1C loads. Works on plain values: no contract types, no I/O.
//!
//! Each format has a writer that accepts [`Writeoff`]s one by one and appends to an [`Output`], in bounded memory. [`Totals`]
//! are computed alongside, so that every kopeck can be accounted for.
//!
//! `kit` uses it to write exports, in the component. The ledger calls `check_writeoff` to decide whether a write-off can be
//! exported.

#![cfg_attr(test, allow(missing_docs))]

mod acts;
mod buyer;
mod check;
mod date;
mod enterprise_data;
mod identity;
mod index;
mod inn;
mod markup;
mod options;
mod output;
mod rates;
mod register;
mod services;
mod sort;
mod text;
mod totals;
mod version;
mod writeoff;

pub use check::{Candidate, Day, check_writeoff};
pub use date::{Date, Moment, Month};
pub use enterprise_data::EnterpriseData;
pub use options::{Mode, Options};
pub use output::{LeftOut, Output, Part, Warning, WarningKind};
pub use rates::{Rules, general_vat_rate};
pub use register::{DecimalSeparator, Register};
pub use totals::{Sums, Totals, vat_within};
pub use version::Version;
pub use writeoff::{Code, Party, PartyKind, Problem, Writeoff};
