//! The contract's rules that its types cannot express, checked on a provider's answers.

mod description;
mod exports;
mod names;
mod operations;
mod reports;
mod steps;

pub use description::{currencies, currency, day, description};
pub use exports::{Files, export_part, export_totals};
pub use names::{Violations, problems};
pub use operations::{cancel_result, operation_result, payment_status};
pub use reports::{control_totals, report_failure, report_formats, report_page, report_rows};
pub use steps::{call, callback_answer, link_failure, payment_link, questions};
