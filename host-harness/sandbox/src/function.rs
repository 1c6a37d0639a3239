//! The contract's functions, in all its versions.

use crate::limits::Limits;

/// The contract's functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Function {
    Describe,
    Configure,
    CreateLink,
    HandleCallback,
    ExportWriteoffs,
    Append,
    Finish,
    Read,
}

impl Function {
    pub(crate) const ALL: [Function; 8] = [
        Function::Describe,
        Function::Configure,
        Function::CreateLink,
        Function::HandleCallback,
        Function::ExportWriteoffs,
        Function::Append,
        Function::Finish,
        Function::Read,
    ];

    /// Returns its name in the contract.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Describe => "describe",
            Function::Configure => "merchant.configure",
            Function::CreateLink => "merchant.create-link",
            Function::HandleCallback => "merchant.handle-callback",
            Function::ExportWriteoffs => "merchant.export-writeoffs",
            Function::Append => "writeoff-export.append",
            Function::Finish => "writeoff-export.finish",
            Function::Read => "writeoff-export.read",
        }
    }

    /// Returns the fuel limit of a call of this function.
    pub(crate) fn fuel_max(self, limits: &Limits) -> u64 {
        match self {
            Function::Append | Function::Finish | Function::Read => limits.export_fuel_max,
            _ => limits.fuel_max,
        }
    }
}
