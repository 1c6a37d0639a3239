//! A month's write-offs in the formats that 1C loads, as plain values: no contract types, no I/O.
//!
//! A format is a writer that takes [`Writeoff`]s one by one and appends to an [`Output`], in bounded memory; [`Totals`] counts
//! beside it, so that every kopeck can be accounted for.
//!
//! `kit` writes exports by it, in the component; the ledger calls `check_writeoff` to decide whether a write-off can be exported.

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
