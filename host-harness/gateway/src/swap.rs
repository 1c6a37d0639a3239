//! A provider's component is swapped while the host runs: loaded, checked, held against what came before, and only then used.
//!
//! What is refused changes nothing. What is taken is in the lock file before it is used, and its settings are kept beside those of the
//! component before, before it is in the lock file: a crash leaves one component or the other, each with settings that fit it. Calls
//! that were begun go on with the component that they began with.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use catalog::{Lock, Locked, Version};
use conformance::Report;
use domain::{Fields, SettingSpec};
use sandbox::{Limits, Provider};

use crate::hosts::Confirmed;
use crate::problem::Problem;
use crate::providers::{Live, Slot};
use crate::registry::{Absent, NotLoaded};
use crate::replay::Change;
use crate::stored_settings::{Found, StoredSettings};
use crate::vetting::{self, Relabelled, VettingResult};
use crate::{Shared, roster};

/// What is to take a provider's place.
#[derive(Default)]
pub struct SwapRequest {
    pub name: String,
    /// The component's file.
    pub bytes: Vec<u8>,
    pub limits: LimitChanges,
    /// Settings that are entered with the component; those that are absent stay as they are.
    pub settings: Fields,
    /// The digest of the changes that an operator saw and accepts.
    pub accept_changes: Option<String>,
    /// The names of secrets that an operator lets the component declare as another kind.
    pub accept_shown: Vec<String>,
    /// The SHA-256 of the component that is to be replaced: where another is in use, somebody else was quicker.
    pub in_use: Option<String>,
    /// The hosts that payers may be sent to.
    pub confirmed: Confirmed,
}

/// Limits that are to be other than those of the component that is used now.
#[derive(Clone, Copy, Default)]
pub struct LimitChanges {
    pub memory_bytes_max: Option<usize>,
    pub fuel_max: Option<u64>,
    pub export_fuel_max: Option<u64>,
    pub time_ms_max: Option<u64>,
}

impl LimitChanges {
    fn apply_to(self, limits: Limits) -> Limits {
        limits
            .with_memory_bytes_max(self.memory_bytes_max.unwrap_or(limits.memory_bytes_max))
            .with_fuel_max(self.fuel_max.unwrap_or(limits.fuel_max))
            .with_export_fuel_max(self.export_fuel_max.unwrap_or(limits.export_fuel_max))
            .with_time_max(self.time_ms_max.map_or(limits.time_max, Duration::from_millis))
    }
}

/// What was swapped.
pub struct SwapReport {
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
#[derive(Default)]
pub struct Refusal {
    pub detail: String,
    /// The component's.
    pub sha256: String,
    pub problems: Vec<domain::Problem>,
    /// The settings that it asks for, or takes otherwise than the component in use.
    pub wanted: Vec<SettingSpec>,
    /// Where a check fails.
    pub report: Option<Report>,
    /// Callbacks that it judges otherwise, at most twenty.
    pub changes: Vec<Change>,
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
    pub fn new(detail: impl Into<String>) -> Refusal {
        Refusal { detail: detail.into(), ..Refusal::default() }
    }
}

/// Why nothing was swapped.
pub enum SwapError {
    /// The component is not taken.
    Refused(Box<Refusal>),
    /// The host could not.
    Failed(Problem),
}

impl fmt::Display for SwapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SwapError::Refused(refusal) => f.write_str(&refusal.detail),
            SwapError::Failed(problem) => f.write_str(&problem.detail),
        }
    }
}

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

impl From<Problem> for SwapError {
    fn from(problem: Problem) -> SwapError {
        SwapError::Failed(problem)
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

fn conflict(detail: String) -> SwapError {
    SwapError::Failed(Problem::new(StatusCode::CONFLICT, detail))
}

/// A name, and what it has now.
struct Target {
    name: String,
    slot: Option<Arc<Slot>>,
    absent: Option<Absent>,
}

impl Target {
    fn of(app: &Shared, name: &str) -> Target {
        Target { name: name.to_owned(), slot: app.providers.find(name), absent: app.providers.absent(name) }
    }

    fn live(&self) -> Option<Arc<Live>> {
        self.slot.as_ref().map(|slot| slot.live())
    }

    /// The version that the lock has, or had before the name was removed.
    fn locked(&self) -> Option<Version> {
        match (&self.slot, &self.absent) {
            (Some(slot), _) => Some(Version::of(&slot.live().provider)),
            (None, Some(Absent::NotLoaded(NotLoaded { locked, .. }))) => locked.clone(),
            (None, Some(Absent::Removed(record))) => record.current.clone(),
            (None, None) => None,
        }
    }

    fn sha256(&self) -> Option<String> {
        self.locked().map(|version| version.sha256)
    }

    /// Whether its next component must take the settings: whatever took callbacks goes on doing so.
    fn must_configure(&self) -> bool {
        match &self.slot {
            Some(slot) => slot.live().is_ready(),
            None => matches!(self.absent, Some(Absent::NotLoaded(_))),
        }
    }

    /// Settings, orders and callbacks of a name are those of one payment system, also after it was removed.
    fn require_same_id(&self, provider: &Provider) -> Result<(), Box<Refusal>> {
        let (name, new) = (&self.name, &provider.description().id);
        match self.locked() {
            Some(Version { id, .. }) if id != *new => Err(Box::new(Refusal::new(format!(
                "the component is {new}, but {name} is {id}; add another payment system under a name of its own"
            )))),
            _ => Ok(()),
        }
    }
}

/// Swaps a provider's component, or adds a provider of a new name.
pub fn swap(app: &Shared, request: SwapRequest) -> Result<SwapReport, SwapError> {
    // What the caller saw, before anybody who is quicker changes it.
    let seen = request.in_use.clone().or_else(|| Target::of(app, &request.name).sha256());
    let _swapping = app.swapping.lock().unwrap_or_else(PoisonError::into_inner);
    let target = Target::of(app, &request.name);
    let name = &request.name;
    require_seen(&target, seen.as_deref())?;
    lock_of_what_is_used(app)?;
    let locked = target.locked();
    let limits = request.limits.apply_to(locked.as_ref().map(|version| version.limits).unwrap_or_default());
    let provider = app.sandbox.load(&request.bytes, limits);
    let provider = provider.map_err(|error| Refusal::new(format!("the component cannot be loaded: {error}")))?;
    let version = Version::of(&provider);
    if target.slot.is_some() && locked.as_ref() == Some(&version) && request.settings.is_empty() {
        return Ok(SwapReport { previous: previous(app, name)?, current: version, swapped: false, added: false, found: None });
    }
    // Kept before it is judged: whoever accepts its changes names it by its digest.
    app.catalog.stage(&request.bytes)?;
    target.require_same_id(&provider)?;
    let live = target.live();
    let found = vetting::vet(app, &request, live.as_deref(), &provider, target.must_configure())?;
    publish(app, &target, provider, &found, || Ok(app.catalog.publish(name, version.clone())?))?;
    let previous = previous(app, name)?;
    tracing::info!(provider = name, version = version.version, sha256 = version.sha256, "a component was swapped in");
    for shown in &request.accept_shown {
        tracing::warn!(provider = name, setting = shown, "a component may declare a secret as something else; it stays masked");
    }
    let added = target.slot.is_none() && !matches!(target.absent, Some(Absent::NotLoaded(_)));
    Ok(SwapReport { current: version, previous, swapped: true, added, found: Some(found) })
}

/// Refuses where another component is in use than the one that the caller saw.
fn require_seen(target: &Target, seen: Option<&str>) -> Result<(), SwapError> {
    let in_use = target.sha256();
    if in_use.as_deref() == seen {
        return Ok(());
    }
    let what = target.locked().map_or_else(
        || "it is not there any more".to_owned(),
        |version| format!("it is now {} {}, sha256 {}", version.id, version.version, version.sha256),
    );
    Err(conflict(format!("somebody else swapped {} meanwhile: {what}; look at it, and decide again", target.name)))
}

/// The component that was used before changes places with the one that is used. It was checked when it came, and its verdicts are
/// what one goes back for, so it is only loaded, and must take its settings of before; one that never was in use with settings is
/// checked like any other.
pub fn roll_back(app: &Shared, name: &str, in_use: Option<String>) -> Result<SwapReport, SwapError> {
    let seen = in_use.or_else(|| Target::of(app, name).sha256());
    let _swapping = app.swapping.lock().unwrap_or_else(PoisonError::into_inner);
    let target = Target::of(app, name);
    require_seen(&target, seen.as_deref())?;
    if target.slot.is_none() && !matches!(target.absent, Some(Absent::NotLoaded(_))) {
        app.providers.get(name)?;
    }
    let none = || Refusal::new(format!("there is no earlier component of {name} to go back to"));
    let before = lock_of_what_is_used(app)?.remove(name).and_then(|locked| locked.previous).ok_or_else(none)?;
    let provider = app.catalog.load(&app.sandbox, &before)?;
    let stored = Found::load(name, &app.ledger, &app.config.key)?.or_empty();
    let found = if stored.is_checked(&before.sha256) {
        None
    } else {
        let request = SwapRequest { name: name.to_owned(), ..SwapRequest::default() };
        Some(vetting::vet(app, &request, target.live().as_deref(), &provider, target.must_configure())?)
    };
    let (settings, revision) = match &found {
        Some(found) => (found.settings.as_ref(), found.revision),
        None => (None, stored.revision()),
    };
    publish_with(app, &target, provider, settings, revision, || Ok(app.catalog.back(name).map(drop)?))?;
    tracing::info!(provider = name, version = before.version, sha256 = before.sha256, "a component was swapped back");
    Ok(SwapReport { current: before, previous: previous(app, name)?, swapped: true, added: false, found })
}

/// What one can go back to.
fn previous(app: &Shared, name: &str) -> Result<Option<Version>, catalog::Error> {
    Ok(app.catalog.lock()?.remove(name).and_then(|locked| locked.previous))
}

/// Uses what the lock file says now, where it was changed by hand. What is refused is taken out of the lock file again, so that a
/// restart does not use it either; what is missing there is written again, since only a person's explicit removal takes a payment
/// system out of use.
pub fn reread(app: &Shared) {
    let _swapping = app.swapping.lock().unwrap_or_else(PoisonError::into_inner);
    let lock = match app.catalog.lock() {
        Ok(lock) => lock,
        Err(error) => return tracing::error!(%error, "the lock file cannot be used; nothing changes"),
    };
    if let Err(why) = roster::refuse_empty_lock(&app.ledger, &lock) {
        tracing::error!(%why, "the lock file is not followed; it is written again with what is in use");
    }
    keep_in_use(app, &lock);
    for (name, locked) in &lock {
        follow(app, name, locked);
    }
}

/// Uses what the lock file says of a name.
fn follow(app: &Shared, name: &str, locked: &Locked) {
    let target = Target::of(app, name);
    if target.live().is_some_and(|live| Version::of(&live.provider) == locked.current) {
        return;
    }
    match apply_locked(app, &target, &locked.current) {
        Ok(()) => tracing::info!(provider = name, version = locked.current.version, "the lock file's component is used"),
        Err(error) => {
            let why = error.to_string();
            tracing::error!(provider = name, sha256 = locked.current.sha256, why, "the lock file's component is not used");
            if target.absent.is_none() {
                set_back(app, name, target.slot.as_deref(), locked.previous.clone());
            }
        }
    }
}

fn apply_locked(app: &Shared, target: &Target, locked: &Version) -> Result<(), SwapError> {
    let provider = app.catalog.load(&app.sandbox, locked)?;
    target.require_same_id(&provider)?;
    let request = SwapRequest { name: target.name.clone(), ..SwapRequest::default() };
    let found = vetting::vet(app, &request, target.live().as_deref(), &provider, target.must_configure())?;
    publish(app, target, provider, &found, || Ok(()))
}

/// What the operator is told of a provider that somebody took out of the lock.
pub fn not_named(name: &str) -> String {
    format!(
        "providers.lock did not name it; it stays in use and is written there again; `host-harness provider {name} --remove` or the \
         page removes it"
    )
}

/// Writes into the lock again what is in use and is not named there: nobody removed it.
fn keep_in_use(app: &Shared, lock: &Lock) {
    let missing = app.providers.all().into_iter().filter(|slot| !lock.contains_key(&slot.name));
    let missing: Vec<Arc<Slot>> = missing.collect();
    if missing.is_empty() {
        return;
    }
    for slot in &missing {
        let what = not_named(&slot.name);
        tracing::error!(provider = slot.name, "{what}");
        slot.fail(what);
    }
    let entry = |slot: &Arc<Slot>| {
        let previous = app.roster.get(&slot.name).and_then(|record| record.previous);
        (slot.name.clone(), Locked { current: Version::of(&slot.live().provider), previous })
    };
    restore(app, missing.iter().map(entry).collect());
}

fn restore(app: &Shared, entries: Lock) {
    let left_out = app.catalog.restore(entries).unwrap_or_else(|error| {
        tracing::error!(%error, "the lock file cannot be brought back to what is used");
        Default::default()
    });
    for (name, error) in left_out {
        tracing::error!(provider = name, %error, "the lock file cannot name what is used");
    }
}

/// The lock file says again what is used of a name, whose entry in it was refused.
fn set_back(app: &Shared, name: &str, slot: Option<&Slot>, previous: Option<Version>) {
    match slot {
        Some(slot) => {
            let current = Version::of(&slot.live().provider);
            restore(app, Lock::from([(name.to_owned(), Locked { current, previous })]));
        }
        None => {
            if let Err(error) = app.catalog.remove(name) {
                tracing::error!(provider = name, %error, "what is refused cannot be taken out of the lock file");
            }
        }
    }
}

/// The lock, for a change of it: what is in use and was taken out of it by hand is in it again, or its component would be removed.
pub fn lock_of_what_is_used(app: &Shared) -> Result<Lock, catalog::Error> {
    keep_in_use(app, &app.catalog.lock()?);
    app.catalog.lock()
}

/// Uses a component from the next call on, with the settings that it was vetted with, once `publish` has made it last.
fn publish(
    app: &Shared,
    target: &Target,
    provider: Provider,
    found: &VettingResult,
    publish: impl FnOnce() -> Result<(), SwapError>,
) -> Result<(), SwapError> {
    publish_with(app, target, provider, found.settings.as_ref(), found.revision, publish)
}

fn publish_with(
    app: &Shared,
    target: &Target,
    provider: Provider,
    settings: Option<&StoredSettings>,
    revision: u64,
    publish: impl FnOnce() -> Result<(), SwapError>,
) -> Result<(), SwapError> {
    let Target { name, slot, .. } = target;
    let title = provider.description().name.clone();
    let write = || {
        if Found::load(name, &app.ledger, &app.config.key)?.or_empty().revision() != revision {
            return Err(conflict(format!(
                "somebody else entered settings of {name} while the component was checked; look at them, and swap again"
            )));
        }
        settings.map_or(Ok(()), |settings| Ok(settings.save(name, &app.ledger, &app.config.key)?))
    };
    match slot {
        Some(slot) => slot.replace(app, provider, write, publish)?,
        None => {
            write()?;
            let paused = app.roster.get(name).and_then(|record| record.paused);
            let slot = Slot::open(name, provider, paused, &app.ledger, &app.config.key)?;
            publish()?;
            app.providers.add(slot);
        }
    }
    remember(app, name, &title);
    Ok(())
}

/// Keeps what the lock says of a name now. It is said anew at the next start, so that a swap does not fail by it.
fn remember(app: &Shared, name: &str, title: &str) {
    let locked = app.catalog.lock().map_err(Problem::from).map(|mut lock: Lock| lock.remove(name));
    let kept = locked.and_then(|locked| match locked {
        Some(locked) => app.roster.follow(&app.ledger, name, &locked, Some(title)),
        None => Ok(()),
    });
    let kept = kept.and_then(|()| app.roster.change(&app.ledger, name, |record| record.removed = None));
    if let Err(problem) = kept {
        tracing::error!(provider = name, reason = problem.detail, "what the lock says of it cannot be kept in the ledger");
    }
}
