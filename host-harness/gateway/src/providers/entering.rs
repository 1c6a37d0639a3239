//! Settings as an operator enters them: looked at, tried with the provider, and kept as a whole or not at all.

use std::sync::PoisonError;
use std::time::Instant;

use axum::http::StatusCode;
use sandbox::records::{self, Fields};
use sandbox::{Error, Merchant, Settings};
use sha2::{Digest, Sha256};

use super::{Live, Slot, State, document, ready};
use crate::hosts::{self, Confirmed};
use crate::limits::{self, TopUpLimits};
use crate::problem::Problem;
use crate::{App, Shared, blocking, invisible};

/// Of the digest of what is kept, so many bytes make its version.
const VERSION_BYTES: usize = 16;

/// What is entered at once.
#[derive(Default)]
pub struct Entering {
    /// The component's settings. A secret that is absent or empty stays as it was.
    pub settings: Fields,
    /// How much a top-up may be; without it that stays as it was.
    pub limits: Option<TopUpLimits>,
    /// The version that was read before; what was changed since is not written over. Without it nothing is compared.
    pub version: Option<String>,
    /// The hosts that payers may be sent to.
    pub confirmed: Confirmed,
}

/// What came of it.
pub struct Saved {
    /// The version that is kept now.
    pub version: String,
    /// The names of the secrets that are others now.
    pub changed_secrets: Vec<String>,
}

/// Why nothing was saved.
pub enum NotSaved {
    /// Somebody saved other settings in the meantime.
    Stale,
    /// What was entered is refused, or cannot be kept.
    Refused(Problem),
}

impl From<NotSaved> for Problem {
    fn from(not_saved: NotSaved) -> Problem {
        match not_saved {
            NotSaved::Refused(problem) => problem,
            NotSaved::Stale => Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "the settings were changed since they were read; nothing was saved: read them again",
            ),
        }
    }
}

impl From<Problem> for NotSaved {
    fn from(problem: Problem) -> NotSaved {
        NotSaved::Refused(problem)
    }
}

impl From<ledger::Error> for NotSaved {
    fn from(error: ledger::Error) -> NotSaved {
        NotSaved::Refused(error.into())
    }
}

impl Slot {
    /// Checks settings with the provider, keeps them sealed, and uses them from then on. Where anything fails, everything does.
    pub fn enter(&self, app: &Shared, entering: Entering) -> Result<Saved, NotSaved> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.live();
        if entering.version.is_some_and(|version| self.version(app).ok() != Some(version)) {
            return Err(NotSaved::Stale);
        }
        let in_use = self.settings(app)?.unwrap_or_default();
        let mut problems = invisible::problems(&entering.settings);
        problems.extend(hosts::problems(live.description(), &in_use, &entering.settings, &entering.confirmed));
        let changed_secrets = changed_secrets(&live, &in_use, &entering.settings);
        let settings = completed(&live, in_use, entering.settings);
        let merchant = self.configured(app, &live, &settings, problems)?;
        let mut documents = vec![(document(&self.name), sealed(app, &self.name, &settings)?)];
        if let Some(limits) = entering.limits {
            let kept = serde_json::to_vec(&limits).map_err(|error| Problem::internal(error.to_string()))?;
            documents.push((limits::document(&self.name), kept));
        }
        app.ledger.put_documents(documents)?;
        self.set_live(Live { provider: live.provider.clone(), state: ready(&live.provider, merchant, settings) });
        tracing::info!(provider = self.name, changed_secrets = changed_secrets.join(" "), "settings were entered");
        Ok(Saved { version: self.version(app)?, changed_secrets })
    }

    /// The provider with settings that are tried and not kept; what is secret and was not entered is that in use.
    pub fn tried(&self, app: &Shared, entered: Fields) -> Result<Live, Problem> {
        let live = self.live();
        let problems = invisible::problems(&entered);
        let settings = completed(&live, self.settings(app)?.unwrap_or_default(), entered);
        let merchant = self.configured(app, &live, &settings, problems)?;
        Ok(Live { provider: live.provider.clone(), state: ready(&live.provider, merchant, settings) })
    }

    /// The provider with settings, if it takes them and there are no other problems.
    fn configured(
        &self,
        app: &Shared,
        live: &Live,
        settings: &Fields,
        mut problems: Vec<records::Problem>,
    ) -> Result<Merchant, Problem> {
        let began = Instant::now();
        let merchant = live.provider.merchant(Settings::new(settings.clone()));
        self.count(&app.metrics, "configure", &merchant, began);
        match merchant {
            Ok(merchant) if problems.is_empty() => Ok(merchant),
            Ok(_) => Err(Error::Provider(problems).into()),
            Err(Error::Provider(others)) => {
                // One sentence for each setting: what the host sees is the cause of what the provider says.
                let is_named = |other: &records::Problem| problems.iter().any(|problem| problem.field == other.field);
                let others: Vec<_> = others.into_iter().filter(|other| !is_named(other)).collect();
                problems.extend(others);
                Err(Error::Provider(problems).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A text that is another one whenever other settings or limits are kept; it says nothing of them.
    pub fn version(&self, app: &Shared) -> Result<String, ledger::Error> {
        let mut digest = Sha256::new();
        for name in [document(&self.name), limits::document(&self.name)] {
            let kept = app.ledger.document(&name)?.unwrap_or_default();
            digest.update((kept.len() as u64).to_be_bytes());
            digest.update(kept);
        }
        let digest = digest.finalize();
        Ok(hex::encode(digest.get(..VERSION_BYTES).unwrap_or_default()))
    }

    /// How much a top-up by this provider may be; what holds without an operator's word where there is none.
    pub fn limits(&self, app: &Shared) -> Result<TopUpLimits, ledger::Error> {
        Ok(limits::entered(&app.ledger, &self.name)?.unwrap_or(TopUpLimits::DEFAULT))
    }

    /// Keeps how much a top-up may be, if nothing was changed since a version was read.
    pub fn put_limits(&self, app: &Shared, limits: TopUpLimits, version: Option<String>) -> Result<String, NotSaved> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if version.is_some_and(|version| self.version(app).ok() != Some(version)) {
            return Err(NotSaved::Stale);
        }
        let kept = serde_json::to_vec(&limits).map_err(|error| Problem::internal(error.to_string()))?;
        app.ledger.put_document(limits::document(&self.name), kept)?;
        Ok(self.version(app)?)
    }
}

/// Settings as they were entered, with the secrets in use where none were entered.
fn completed(live: &Live, in_use: Fields, entered: Fields) -> Fields {
    let mut settings: Fields =
        entered.into_iter().filter(|(name, value)| !(value.is_empty() && live.is_secret(name))).collect();
    for (name, value) in in_use {
        if live.is_secret(&name) && !settings.iter().any(|(other, _)| *other == name) {
            settings.push((name, value));
        }
    }
    settings
}

/// The names of entered secrets that are not those in use.
fn changed_secrets(live: &Live, in_use: &Fields, entered: &Fields) -> Vec<String> {
    let is_changed = |(name, value): &&(String, String)| {
        let is_entered = live.is_secret(name) && !value.is_empty();
        is_entered && !in_use.iter().any(|(other, before)| other == name && before == value)
    };
    entered.iter().filter(is_changed).map(|(name, _)| name.clone()).collect()
}

fn sealed(app: &Shared, name: &str, settings: &Fields) -> Result<Vec<u8>, Problem> {
    let plain = serde_json::to_vec(settings).map_err(|error| Problem::internal(error.to_string()))?;
    app.config.key.seal(&document(name), &plain).map_err(|error| Problem::internal(error.to_string()))
}

impl State {
    /// Returns whether a secret was entered.
    pub fn has_secret(&self, name: &str) -> bool {
        match self {
            State::Ready { secrets, .. } => secrets.iter().any(|secret| secret == name),
            State::Unset | State::Unusable(_) => false,
        }
    }
}

/// Enters settings for a provider; see [`Slot::enter`].
pub async fn enter(app: &App, name: String, entering: Entering) -> Result<Result<Saved, NotSaved>, Problem> {
    blocking(app, move |app| Ok(app.providers.get(&name)?.enter(app, entering))).await
}
