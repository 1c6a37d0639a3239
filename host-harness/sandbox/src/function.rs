//! The contract's functions, in all its versions.

use domain::{Ability, Context, Exchange, LedgerQuestion};

use crate::limits::Limits;

/// The contract's functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Function {
    Describe,
    Configure,
    CallbackProof,
    CreateLink,
    HandleCallback,
    ExportWriteoffs,
    Append,
    Finish,
    Read,
    /// A step of a link, of a component that asks.
    AskingLink,
    /// A step of a callback, of a component that asks.
    AskingCallback,
    QueryPayment,
    RefundPayment,
    QueryRefund,
    ChargeAgain,
    QueryCharge,
    CancelRecurring,
    ReportFormats,
    OpenReport,
    AppendReport,
    FinishReport,
    FetchReport,
}

impl Function {
    pub(crate) const ALL: [Function; 22] = [
        Function::Describe,
        Function::Configure,
        Function::CallbackProof,
        Function::CreateLink,
        Function::HandleCallback,
        Function::ExportWriteoffs,
        Function::Append,
        Function::Finish,
        Function::Read,
        Function::AskingLink,
        Function::AskingCallback,
        Function::QueryPayment,
        Function::RefundPayment,
        Function::QueryRefund,
        Function::ChargeAgain,
        Function::QueryCharge,
        Function::CancelRecurring,
        Function::ReportFormats,
        Function::OpenReport,
        Function::AppendReport,
        Function::FinishReport,
        Function::FetchReport,
    ];

    /// Returns the ability that it belongs to. `None`: every component exports it.
    pub(crate) fn ability(self) -> Option<Ability> {
        Some(match self {
            Function::Describe
            | Function::Configure
            | Function::CallbackProof
            | Function::CreateLink
            | Function::HandleCallback
            | Function::ExportWriteoffs
            | Function::Append
            | Function::Finish
            | Function::Read => return None,
            Function::AskingLink | Function::AskingCallback => Ability::Asking,
            Function::QueryPayment => Ability::PaymentStatus,
            Function::RefundPayment | Function::QueryRefund => Ability::Refunds,
            Function::ChargeAgain | Function::QueryCharge | Function::CancelRecurring => Ability::RecurringPayments,
            Function::ReportFormats
            | Function::OpenReport
            | Function::AppendReport
            | Function::FinishReport
            | Function::FetchReport => Ability::SettlementReports,
        })
    }

    /// Reports whether it only asks the payment system, so that each of its calls can be repeated at any time.
    pub(crate) fn only_reads(self) -> bool {
        matches!(
            self,
            Function::AskingCallback
                | Function::QueryPayment
                | Function::QueryRefund
                | Function::QueryCharge
                | Function::FetchReport
        )
    }

    /// Returns its name in the contract.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Describe => "describe",
            Function::Configure => "merchant.configure",
            Function::CallbackProof => "merchant.callback-proof",
            Function::CreateLink => "merchant.create-link",
            Function::HandleCallback => "merchant.handle-callback",
            Function::ExportWriteoffs => "merchant.export-writeoffs",
            Function::Append => "writeoff-export.append",
            Function::Finish => "writeoff-export.finish",
            Function::Read => "writeoff-export.read",
            Function::AskingLink => "asking.create-link",
            Function::AskingCallback => "asking.handle-callback",
            Function::QueryPayment => "payment-status.query-payment",
            Function::RefundPayment => "refunds.refund-payment",
            Function::QueryRefund => "refunds.query-refund",
            Function::ChargeAgain => "recurring-payments.charge-again",
            Function::QueryCharge => "recurring-payments.query-charge",
            Function::CancelRecurring => "recurring-payments.cancel-recurring",
            Function::ReportFormats => "settlement-reports.report-formats",
            Function::OpenReport => "settlement-reports.open-report",
            Function::AppendReport => "report-reader.append",
            Function::FinishReport => "report-reader.finish",
            Function::FetchReport => "settlement-reports.fetch-report",
        }
    }

    /// Returns the fuel limit of a call of this function, with a context if it takes one.
    pub(crate) fn fuel_max(self, limits: &Limits, context: Option<&Context>) -> u64 {
        let is_page = |asked: &Exchange| matches!(asked, Exchange::Ledger(LedgerQuestion::Movements(_), _));
        match self {
            Function::Append
            | Function::Finish
            | Function::Read
            | Function::AppendReport
            | Function::FinishReport
            // A page of a report is an answer of up to 1 MiB.
            | Function::FetchReport => limits.export_fuel_max,
            _ if context.is_some_and(|context| context.asked.iter().any(is_page)) => limits.export_fuel_max,
            _ => limits.fuel_max,
        }
    }
}
