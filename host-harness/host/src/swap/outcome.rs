//! The arguments and results of a swap.

use std::fmt;
use std::time::Duration;

use catalog::Version;
use conformance::Report;
use domain::{Fields, Problem, ProviderName, SettingKind, SettingSpec};
use sandbox::Limits;

use super::replay::{Replay, VerdictChange};
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::payment_hosts::Confirmed;
use crate::stored_settings::StoredSettings;

/// The component that is to be swapped in.
pub struct SwapRequest {
    /// The payment system's name in this host. A new name adds a payment system.
    pub name: ProviderName,
    /// The component's file.
    pub bytes: Vec<u8>,
    /// The limits to change.
    pub limits: LimitChanges,
    /// Settings entered with the component. Absent ones keep their values.
    pub settings: Fields,
    /// The digest of the changed verdicts and new hosts that an operator saw and accepts.
    pub accept_changes: Option<String>,
    /// The names of secrets that the component may declare as another kind, since an operator accepts it.
    pub accept_relabelled: Vec<String>,
    /// The SHA-256 of the component that is to be replaced. If another one is active, or the provider was
    /// removed, the swap fails.
    pub in_use: Option<String>,
    /// The hosts that payers may be sent to.
    pub confirmed: Confirmed,
}

impl SwapRequest {
    /// Creates a request with a component's file for a payment system. Set the other fields directly.
    pub fn new(name: ProviderName, bytes: Vec<u8>) -> SwapRequest {
        SwapRequest {
            name,
            bytes,
            limits: LimitChanges::default(),
            settings: Fields::new(),
            accept_changes: None,
            accept_relabelled: Vec::new(),
            in_use: None,
            confirmed: Confirmed::default(),
        }
    }
}

/// The limits that are to differ from those of the active component.
#[derive(Clone, Copy, Default)]
pub struct LimitChanges {
    /// The memory of a call, in bytes.
    pub memory_bytes_max: Option<usize>,
    /// The fuel of a call.
    pub fuel_max: Option<u64>,
    /// The fuel of a step of an export.
    pub export_fuel_max: Option<u64>,
    /// The time of a call, in milliseconds.
    pub time_ms_max: Option<u64>,
}

impl LimitChanges {
    /// Requires that no limit is 0, since every call would fail.
    pub(crate) fn require_positive(&self) -> Result<(), HostError> {
        let zero = [
            ("memory_bytes_max", self.memory_bytes_max == Some(0)),
            ("fuel_max", self.fuel_max == Some(0)),
            ("export_fuel_max", self.export_fuel_max == Some(0)),
            ("time_ms_max", self.time_ms_max == Some(0)),
        ];
        let zero = zero.into_iter().find_map(|(name, is_zero)| is_zero.then_some(name));
        zero.map_or(Ok(()), |name| {
            Err(HostError::invalid(format!("{name} must be at least 1, since with 0 every call of the component would fail")))
        })
    }

    pub(crate) fn apply_to(self, limits: Limits) -> Limits {
        limits
            .with_memory_bytes_max(self.memory_bytes_max.unwrap_or(limits.memory_bytes_max))
            .with_fuel_max(self.fuel_max.unwrap_or(limits.fuel_max))
            .with_export_fuel_max(self.export_fuel_max.unwrap_or(limits.export_fuel_max))
            .with_time_max(self.time_ms_max.map_or(limits.time_max, Duration::from_millis))
    }
}

/// The result of a swap.
pub struct SwapReport {
    /// The component that is now active.
    pub current: Version,
    /// The component that can be rolled back to.
    pub previous: Option<Version>,
    /// Whether anything changed. `false` if the component was active already.
    pub swapped: bool,
    /// Whether a payment system was added.
    pub added: bool,
    /// The vetting result of a new component.
    pub found: Option<VettingResult>,
}

/// Why a component was refused. The active component is unchanged.
#[derive(Debug, Default)]
pub struct Refusal {
    /// For a person: what is wrong, and what to do.
    pub detail: String,
    /// The component's SHA-256.
    pub sha256: String,
    /// What is wrong, by setting.
    pub problems: Vec<Problem>,
    /// The settings that the active component does not have, and those with a problem.
    pub wanted: Vec<SettingSpec>,
    /// The report of the checks, if one fails.
    pub report: Option<Report>,
    /// Callbacks whose verdict changes, at most twenty.
    pub changes: Vec<VerdictChange>,
    /// The number of callbacks whose verdict changes.
    pub changed: usize,
    /// How many stored callbacks were not replayed.
    pub left_out: usize,
    /// How many were replayed without their secret headers, which were sealed with another key.
    pub without_headers: usize,
    /// The hosts that it may call and the active component may not.
    pub new_hosts: Vec<String>,
    /// The digest that accepts these changes and hosts.
    pub accept: Option<String>,
    /// Secrets that the component declares as another kind. Each is accepted by its name.
    pub relabelled: Vec<Relabelled>,
}

impl Refusal {
    pub(crate) fn new(detail: impl Into<String>) -> Refusal {
        Refusal { detail: detail.into(), ..Refusal::default() }
    }
}

/// Why nothing was swapped.
#[derive(Debug)]
pub enum SwapError {
    /// The component was refused.
    Refused(Box<Refusal>),
    /// The swap failed.
    Failed(HostError),
}

impl fmt::Display for SwapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SwapError::Refused(refusal) => f.write_str(&refusal.detail),
            SwapError::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SwapError {}

impl From<Refusal> for SwapError {
    fn from(refusal: Refusal) -> SwapError {
        SwapError::Refused(Box::new(refusal))
    }
}

impl From<Box<Refusal>> for SwapError {
    fn from(refusal: Box<Refusal>) -> SwapError {
        SwapError::Refused(refusal)
    }
}

impl From<HostError> for SwapError {
    fn from(error: HostError) -> SwapError {
        SwapError::Failed(error)
    }
}

impl From<ledger::Error> for SwapError {
    fn from(error: ledger::Error) -> SwapError {
        SwapError::Failed(error.into())
    }
}

impl From<catalog::Error> for SwapError {
    fn from(error: catalog::Error) -> SwapError {
        SwapError::Failed(error.into())
    }
}

/// Keeps the sentence and the problems, for a caller that treats a refusal as any other error.
impl From<SwapError> for HostError {
    fn from(error: SwapError) -> HostError {
        match error {
            SwapError::Refused(refusal) => {
                HostError::invalid(refusal.detail).with_problems(refusal.problems).with_code(ErrorCode::ComponentRefused)
            }
            SwapError::Failed(error) => error,
        }
    }
}

/// The vetting result of an accepted component.
pub struct VettingResult {
    /// The report of the checks.
    pub report: Report,
    /// How its verdicts compare on the last callbacks.
    pub replay: Replay,
    /// The settings to store with it; `None` if there are none that it accepts.
    pub(crate) settings: Option<StoredSettings>,
    /// The revision of the stored settings that it was checked with.
    pub(crate) revision: u64,
}

/// A secret that a component declares as another kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Relabelled {
    /// The setting's name.
    pub name: String,
    /// The kind that is declared now.
    pub kind: SettingKind,
}
