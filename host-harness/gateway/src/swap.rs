//! A provider's component is swapped while the host runs: loaded, checked, held against what came before, and only then used.
//!
//! What is refused changes nothing. What is taken is in the lock file before it is used, so that a crash leaves one or the other.
//! Calls that were begun go on with the component that they began with.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use catalog::{Locked, Version};
use conformance::{Effort, Expected, Report, Sample, Vectors};
use ledger::RawCallback;
use sandbox::records::{Fields, Verdict};
use sandbox::{Limits, Merchant, Provider};

use crate::Shared;
use crate::problem::Problem;
use crate::providers::{Slot, State};
use crate::replay::{self, Change, Replay};

/// How many genuine callbacks of each kind are mutated: the last ones.
const SAMPLES_OF_KIND: usize = 2;

/// What is to take a provider's place.
pub struct Asked {
    pub name: String,
    /// The component's file.
    pub bytes: Vec<u8>,
    pub limits: LimitChanges,
    /// The digest of the changes that an operator saw and accepts.
    pub accepted: Option<String>,
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
    fn of(self, limits: Limits) -> Limits {
        Limits {
            memory_bytes_max: self.memory_bytes_max.unwrap_or(limits.memory_bytes_max),
            fuel_max: self.fuel_max.unwrap_or(limits.fuel_max),
            export_fuel_max: self.export_fuel_max.unwrap_or(limits.export_fuel_max),
            time_max: self.time_ms_max.map_or(limits.time_max, Duration::from_millis),
            ..limits
        }
    }
}

/// What was swapped.
pub struct Swapped {
    pub current: Version,
    /// What one can go back to.
    pub previous: Option<Version>,
    /// Whether anything changed: not where the component was used already.
    pub swapped: bool,
    /// How a new component was found.
    pub found: Option<Found>,
}

/// What was found of a component that was taken.
pub struct Found {
    pub report: Report,
    /// How many callbacks were told again.
    pub replayed: usize,
    /// What an operator accepted.
    pub changes: Vec<Change>,
}

/// Why a component is not taken; the one that is used stays.
#[derive(Default)]
pub struct Refusal {
    pub detail: String,
    /// The component's.
    pub sha256: String,
    pub problems: Vec<sandbox::records::Problem>,
    /// Where a check fails.
    pub report: Option<Report>,
    /// Callbacks that it judges otherwise, at most twenty.
    pub changes: Vec<Change>,
    /// How many it judges otherwise.
    pub changed: usize,
    /// What accepts these changes.
    pub accept: Option<String>,
}

impl Refusal {
    pub fn new(detail: impl Into<String>) -> Refusal {
        Refusal { detail: detail.into(), ..Refusal::default() }
    }
}

/// Why nothing was swapped.
pub enum Unswapped {
    /// The component is not taken.
    Refused(Box<Refusal>),
    /// The host could not.
    Failed(Problem),
}

impl fmt::Display for Unswapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unswapped::Refused(refusal) => f.write_str(&refusal.detail),
            Unswapped::Failed(problem) => f.write_str(&problem.detail),
        }
    }
}

impl From<Refusal> for Unswapped {
    fn from(refusal: Refusal) -> Unswapped {
        Unswapped::Refused(Box::new(refusal))
    }
}

impl From<Problem> for Unswapped {
    fn from(problem: Problem) -> Unswapped {
        Unswapped::Failed(problem)
    }
}

impl From<ledger::Error> for Unswapped {
    fn from(error: ledger::Error) -> Unswapped {
        Unswapped::Failed(error.into())
    }
}

impl From<catalog::Error> for Unswapped {
    fn from(error: catalog::Error) -> Unswapped {
        Unswapped::Failed(error.into())
    }
}

/// Swaps a provider's component, or adds a provider of a new name.
pub fn swap(app: &Shared, asked: Asked) -> Result<Swapped, Unswapped> {
    let _swapping = app.swapping.lock().unwrap_or_else(PoisonError::into_inner);
    let Asked { name, bytes, limits, accepted } = asked;
    let slot = app.providers.find(&name);
    let of_slot = slot.as_ref().map(|slot| *slot.live().provider.limits());
    let limits = limits.of(of_slot.unwrap_or_default());
    let provider = app.sandbox.load(&bytes, limits);
    let provider = provider.map_err(|error| Refusal::new(format!("the component cannot be loaded: {error}")))?;
    let version = Version::of(&provider);
    if let Some(slot) = &slot
        && Version::of(&slot.live().provider) == version
    {
        return Ok(Swapped { previous: previous(app, &name)?, current: version, swapped: false, found: None });
    }
    // Kept before it is judged: whoever accepts its changes names it by its digest.
    app.catalog.stage(&bytes)?;
    let found = vet(app, &name, slot.as_deref(), &provider, accepted.as_deref())?;
    publish(app, &name, slot.as_ref(), provider, || Ok(app.catalog.publish(&name, version.clone())?))?;
    let previous = previous(app, &name)?;
    tracing::info!(provider = name, version = version.version, sha256 = version.sha256, "a component was swapped in");
    Ok(Swapped { current: version, previous, swapped: true, found: Some(found) })
}

/// The component that was used before changes places with the one that is used. It was checked when it came, and its verdicts are
/// what one goes back for, so it is only loaded, and must take the settings.
pub fn back(app: &Shared, name: &str) -> Result<Swapped, Unswapped> {
    let _swapping = app.swapping.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = app.providers.get(name)?;
    let none = || Refusal::new(format!("there is nothing before the component of {name} to go back to"));
    let before = previous(app, name)?.ok_or_else(none)?;
    let provider = app.catalog.load(&app.sandbox, &before)?;
    publish(app, name, Some(&slot), provider, || Ok(app.catalog.back(name).map(drop)?))?;
    tracing::info!(provider = name, version = before.version, sha256 = before.sha256, "a component was swapped back");
    Ok(Swapped { current: before, previous: previous(app, name)?, swapped: true, found: None })
}

/// What one can go back to.
fn previous(app: &Shared, name: &str) -> Result<Option<Version>, catalog::Error> {
    Ok(app.catalog.lock()?.remove(name).and_then(|locked| locked.previous))
}

/// Uses what the lock file says now, where it was changed by hand. What is refused is taken out of the lock file again, so that a
/// restart does not use it either.
pub fn reread(app: &Shared) {
    let _swapping = app.swapping.lock().unwrap_or_else(PoisonError::into_inner);
    let lock = match app.catalog.lock() {
        Ok(lock) => lock,
        Err(error) => return tracing::error!(%error, "the lock file cannot be used; nothing changes"),
    };
    for (name, locked) in &lock {
        let slot = app.providers.find(name);
        if slot.as_ref().is_some_and(|slot| Version::of(&slot.live().provider) == locked.current) {
            continue;
        }
        match follow(app, name, slot.as_ref(), &locked.current) {
            Ok(()) => tracing::info!(provider = name, version = locked.current.version, "the lock file's component is used"),
            Err(unswapped) => {
                let why = unswapped.to_string();
                tracing::error!(provider = name, sha256 = locked.current.sha256, why, "the lock file's component is not used");
                restore(app, name, slot.as_deref(), locked.previous.clone());
            }
        }
    }
    for slot in app.providers.all().iter().filter(|slot| !lock.contains_key(&slot.name)) {
        app.providers.remove(&slot.name);
        tracing::warn!(provider = slot.name, "the provider is no longer in the lock file and takes no more calls");
    }
}

fn follow(app: &Shared, name: &str, slot: Option<&Arc<Slot>>, locked: &Version) -> Result<(), Unswapped> {
    let provider = app.catalog.load(&app.sandbox, locked)?;
    vet(app, name, slot.map(|slot| &**slot), &provider, None)?;
    publish(app, name, slot, provider, || Ok(()))
}

/// The lock file says again what is used.
fn restore(app: &Shared, name: &str, slot: Option<&Slot>, previous: Option<Version>) {
    let restored = match slot {
        Some(slot) => app.catalog.put(name, Locked { current: Version::of(&slot.live().provider), previous }),
        None => app.catalog.remove(name),
    };
    if let Err(error) = restored {
        tracing::error!(provider = name, %error, "the lock file cannot be brought back to what is used");
    }
}

/// Everything that a component must pass before it takes a provider's place.
fn vet(app: &Shared, name: &str, slot: Option<&Slot>, provider: &Provider, accepted: Option<&str>) -> Result<Found, Unswapped> {
    let live = slot.map(Slot::live);
    if let Some(live) = &live
        && live.description().id != provider.description().id
    {
        let (old, new) = (&live.description().id, &provider.description().id);
        return Err(Refusal::new(format!("it is {new}, and {name} is {old}; give another provider a name of its own")).into());
    }
    let settings = slot.map(|slot| slot.settings(app)).transpose()?.flatten();
    let callbacks = app.ledger.last_callbacks(name, replay::CALLBACKS_MAX)?;
    let before = live.as_ref().and_then(|live| match &live.state {
        State::Ready { merchant, .. } => Some(merchant),
        State::Unset | State::Unusable(_) => None,
    });
    let after = settings.clone().map(|settings| configured(provider, settings)).transpose();
    let after = match (after, before) {
        (Ok(after), _) => after,
        (Err(unswapped), Some(_)) => return Err(unswapped),
        // The one in use does not take the settings either: they are entered anew.
        (Err(_), None) => None,
    };
    let vectors = settings.filter(|_| after.is_some()).map(|settings| vectors(settings, before, &callbacks));
    let report = conformance::check_provider(provider, vectors.as_ref(), Effort::Quick, seed(provider));
    if report.fails() {
        let detail = format!("it does not pass the checks: {}", report.verdict());
        return Err(Refusal { report: Some(report), ..Refusal::new(detail) }.into());
    }
    let replay = match (before, &after) {
        (Some(before), Some(after)) => Replay::run(before, after, &callbacks),
        _ => Replay::default(),
    };
    let accept = replay.digest(provider.sha256());
    if accept.is_some() && accept.as_deref() != accepted {
        let detail = format!(
            "it judges {} of the last {} callbacks otherwise; look at what changes, and accept it if it is meant",
            replay.changed, replay.told
        );
        let (changes, changed, sha256) = (replay.changes, replay.changed, provider.sha256().to_owned());
        return Err(Refusal { sha256, changes, changed, accept, ..Refusal::new(detail) }.into());
    }
    Ok(Found { report, replayed: replay.told, changes: replay.changes })
}

fn configured(provider: &Provider, settings: Fields) -> Result<Merchant, Unswapped> {
    provider.merchant(sandbox::Settings::new(settings)).map_err(|error| {
        let detail = format!("it does not take the settings that were entered: {error}");
        let problems = if let sandbox::Error::Provider(problems) = error { problems } else { Vec::new() };
        Refusal { problems, ..Refusal::new(detail) }.into()
    })
}

/// Genuine callbacks to mutate: the last that the component in use accepts, some of each kind.
fn vectors(settings: Fields, before: Option<&Merchant>, callbacks: &[RawCallback]) -> Vectors {
    let mut samples: Vec<Sample> = Vec::new();
    let mut kinds = Vec::new();
    for raw in callbacks {
        let request = replay::request(raw);
        let Some(Ok(answer)) = before.map(|merchant| merchant.handle_callback(&request)) else { continue };
        let Verdict::Accepted(event) = answer.verdict else { continue };
        if kinds.iter().filter(|kind| **kind == event.kind).count() < SAMPLES_OF_KIND {
            kinds.push(event.kind);
            samples.push(Sample {
                name: format!("transaction {}", event.transaction),
                request,
                expected: Expected::Accepted(Default::default()),
            });
        }
    }
    Vectors { callbacks: samples, ..Vectors::of_settings(settings) }
}

/// The same component is checked with the same random inputs: what refuses it once refuses it again.
fn seed(provider: &Provider) -> u64 {
    provider.sha256().get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// Uses a component from the next call on, if it takes the settings and `publish` has made it last.
fn publish(
    app: &Shared,
    name: &str,
    slot: Option<&Arc<Slot>>,
    provider: Provider,
    publish: impl FnOnce() -> Result<(), Unswapped>,
) -> Result<(), Unswapped> {
    match slot {
        Some(slot) => slot.replace(app, provider, publish),
        None => {
            let slot = Slot::open(name, provider, &app.ledger, &app.config.key)?;
            publish()?;
            app.providers.add(slot);
            Ok(())
        }
    }
}
