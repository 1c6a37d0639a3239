//! The contract's functions, in all its versions.

use domain::{Context, Exchange, LedgerQuestion};

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
}

impl Function {
    pub(crate) const ALL: [Function; 11] = [
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
    ];

    /// Reports whether a component need not export it: it belongs to an ability.
    pub(crate) fn is_optional(self) -> bool {
        matches!(self, Function::AskingLink | Function::AskingCallback)
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
        }
    }

    /// Returns the fuel limit of a call of this function, with a context if it takes one.
    pub(crate) fn fuel_max(self, limits: &Limits, context: Option<&Context>) -> u64 {
        let is_page = |asked: &Exchange| matches!(asked, Exchange::Ledger(LedgerQuestion::Movements(_), _));
        match self {
            Function::Append | Function::Finish | Function::Read => limits.export_fuel_max,
            _ if context.is_some_and(|context| context.asked.iter().any(is_page)) => limits.export_fuel_max,
            _ => limits.fuel_max,
        }
    }
}
