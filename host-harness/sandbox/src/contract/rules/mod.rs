//! The contract's rules that its types cannot express, checked on a provider's answers.

mod description;
mod exports;
mod names;
mod steps;

pub use description::{currencies, currency, day, description};
pub use exports::{Files, export_part, export_totals};
pub use names::{Violations, problems};
pub use steps::{call, callback_answer, callback_call, link_failure, payment_link, questions};
