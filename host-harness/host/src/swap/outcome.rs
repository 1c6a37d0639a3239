//! What is asked of a swap, and what comes of it.

use std::fmt;
use std::time::Duration;

use catalog::Version;
use conformance::Report;
use domain::{Fields, Problem, ProviderName, SettingKind, SettingSpec};
use sandbox::Limits;

use super::replay::{Replay, VerdictChange};
use crate::error::HostError;
use crate::payment_hosts::Confirmed;
use crate::stored_settings::StoredSettings;

/// What is to take a provider's place.
pub struct SwapRequest {
    /// The payment system, as this host calls it; a new name adds one.
    pub name: ProviderName,
    /// The component's file.
    pub bytes: Vec<u8>,
    /// What its calls may use, where that is to change.
    pub limits: LimitChanges,
    /// Settings that are entered with the component; those that are absent stay as they are.
    pub settings: Fields,
    /// The digest of the changes that an operator saw and accepts.
    pub accept_changes: Option<String>,
    /// The names of secrets that an operator lets the component declare as another kind.
    pub accept_relabelled: Vec<String>,
    /// The SHA-256 of the component that is to be replaced: where another is in use, somebody else was quicker.
    pub in_use: Option<String>,
    /// The hosts that payers may be sent to.
    pub confirmed: Confirmed,
}

impl SwapRequest {
    /// A component's file for a payment system; the rest is set field by field.
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

/// Limits that are to be other than those of the component that is used now.
#[derive(Clone, Copy, Default)]
pub struct LimitChanges {
    /// The memory of a call.
    pub memory_bytes_max: Option<usize>,
    /// The work of a call, in units of fuel.
    pub fuel_max: Option<u64>,
    /// The work of a step of an export, in units of fuel.
    pub export_fuel_max: Option<u64>,
    /// The time of a call, in milliseconds.
    pub time_ms_max: Option<u64>,
}

impl LimitChanges {
    pub(crate) fn apply_to(self, limits: Limits) -> Limits {
        limits
            .with_memory_bytes_max(self.memory_bytes_max.unwrap_or(limits.memory_bytes_max))
            .with_fuel_max(self.fuel_max.unwrap_or(limits.fuel_max))
            .with_export_fuel_max(self.export_fuel_max.unwrap_or(limits.export_fuel_max))
            .with_time_max(self.time_ms_max.map_or(limits.time_max, Duration::from_millis))
    }
}

/// What was swapped.
pub struct SwapReport {
    /// What is used from now on.
    pub current: Version,
    /// What one can go back to.
    pub previous: Option<Version>,
    /// Whether anything changed: not where the component was used already.
    pub swapped: bool,
    /// Whether the name is a new one.
    pub added: bool,
    /// How a new component was found.
    pub found: Option<VettingResult>,
}

/// Why a component is not taken; the one that is used stays.
#[derive(Debug, Default)]
pub struct Refusal {
    /// For a person: what is wrong, and what to do.
    pub detail: String,
    /// The component's.
    pub sha256: String,
    /// What is wrong by setting.
    pub problems: Vec<Problem>,
    /// The settings that it asks for, or takes otherwise than the component in use.
    pub wanted: Vec<SettingSpec>,
    /// Where a check fails.
    pub report: Option<Report>,
    /// Callbacks that it judges otherwise, at most twenty.
    pub changes: Vec<VerdictChange>,
    /// How many it judges otherwise.
    pub changed: usize,
    /// How many stored callbacks were not replayed.
    pub left_out: usize,
    /// What accepts these changes.
    pub accept: Option<String>,
    /// What was a secret and would not be one; each is accepted by its name.
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
    /// The component is not taken.
    Refused(Box<Refusal>),
    /// The host could not.
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

/// What was found of a component that is taken.
pub struct VettingResult {
    /// What was checked.
    pub report: Report,
    /// How it judged the last callbacks.
    pub replay: Replay,
    /// What is to be kept with it; none where nobody entered settings that it takes.
    pub(crate) settings: Option<StoredSettings>,
    /// The change of the stored settings that it was checked with.
    pub(crate) revision: u64,
}

/// A secret that a component declares as another kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Relabelled {
    /// The setting.
    pub name: String,
    /// As what it is declared now.
    pub kind: SettingKind,
}
