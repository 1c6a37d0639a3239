//! Settings as an operator enters them: looked at, tried with the provider, and kept as a whole or not at all.

use std::sync::PoisonError;
use std::time::Instant;

use axum::http::StatusCode;
use domain::{Fields, Settings};
use money::Currency;
use sandbox::{Error, Merchant};
use sha2::{Digest, Sha256};

use super::{Live, Slot, State};
use crate::hosts::{self, Confirmed};
use crate::limits::{self, TopUpLimits};
use crate::problem::Problem;
use crate::stored_settings::{self, Found, StoredSettings};
use crate::{App, Shared, blocking, invisible, orders, vetting};

/// Of a digest, so many bytes make a version.
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
#[derive(Default)]
pub struct Saved {
    /// The version that is kept now.
    pub version: String,
    /// The names of the secrets that are others now.
    pub changed_secrets: Vec<String>,
    /// Those of them that have letters beyond ASCII: the keyboard may have been in Russian.
    pub not_latin: Vec<String>,
    /// The merchant's currency, where it is another now.
    pub new_currency: Option<Currency>,
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
        let mut stored = self.stored(app)?;
        let in_use = in_use(&live, &stored);
        if let Err(stale) = self.require_version(app, entering.version.clone()) {
            let is_kept = self.is_kept(app, &live, &in_use, &entering)?;
            return if is_kept { Ok(Saved { version: self.version(app)?, ..Saved::default() }) } else { Err(stale) };
        }
        let mut problems = invisible::problems(&entering.settings);
        problems.extend(hosts::problems(live.description(), &in_use, &entering.settings, &entering.confirmed));
        let changed_secrets = changed_secrets(&live, &in_use, &entering.settings);
        let is_latin = |name: &String| stored_settings::value(&entering.settings, name).is_none_or(str::is_ascii);
        let not_latin = changed_secrets.iter().filter(|name| !is_latin(name)).cloned().collect();
        let settings = completed(&live, in_use, entering.settings);
        let merchant = self.configured(app, &live, &stored, &settings, problems)?;
        let sha256 = live.provider.sha256();
        stored.put(sha256, live.description(), settings.clone(), stored.relabelled(sha256));
        let mut documents = vec![stored.sealed(&self.name, &app.config.key)?];
        if let Some(limits) = entering.limits {
            let kept = serde_json::to_vec(&limits).map_err(|error| Problem::internal(error.to_string()))?;
            documents.push((limits::document(&self.name), kept));
        }
        app.ledger.put_documents(documents)?;
        self.set_live(Live::ready(live.provider.clone(), merchant, settings, &stored));
        tracing::info!(provider = self.name, changed_secrets = changed_secrets.join(" "), "settings were entered");
        let [before, after] = [orders::currency(&live)?, orders::currency(&self.live())?];
        let new_currency = (live.is_ready() && before != after).then_some(after);
        Ok(Saved { version: self.version(app)?, changed_secrets, not_latin, new_currency })
    }

    /// Whether what is entered is what is kept, to the last secret: the same form was sent again.
    fn is_kept(&self, app: &Shared, live: &Live, in_use: &Fields, entering: &Entering) -> Result<bool, Problem> {
        let sorted = |mut fields: Fields| {
            fields.sort();
            fields
        };
        let entered = sorted(completed(live, in_use.clone(), entering.settings.clone()));
        let limits = self.limits(app)?;
        Ok(entered == sorted(in_use.clone()) && entering.limits.is_none_or(|entered| entered == limits))
    }

    /// The provider with settings that are tried and not kept; what is secret and was not entered is that in use.
    pub fn tried(&self, app: &Shared, entered: Fields) -> Result<Live, Problem> {
        let live = self.live();
        let stored = self.stored(app)?;
        let problems = invisible::problems(&entered);
        let settings = completed(&live, in_use(&live, &stored), entered);
        let merchant = self.configured(app, &live, &stored, &settings, problems)?;
        Ok(Live::ready(live.provider.clone(), merchant, settings, &stored))
    }

    /// The provider with settings, if it takes them, there are no other problems, and it passes the checks with them.
    fn configured(
        &self,
        app: &Shared,
        live: &Live,
        stored: &StoredSettings,
        settings: &Fields,
        mut problems: Vec<domain::Problem>,
    ) -> Result<Merchant, Problem> {
        let began = Instant::now();
        let merchant = live.provider.merchant(Settings::new(settings.clone()));
        self.count(&app.metrics, "configure", &merchant, began);
        match merchant {
            Ok(merchant) if problems.is_empty() => {
                if !stored.is_checked(live.provider.sha256()) {
                    vetting::check_first(&live.provider, stored, settings)
                        .map_err(|refusal| Problem::unprocessable(refusal.detail))?;
                }
                Ok(merchant)
            }
            Ok(_) => Err(Error::Provider(problems).into()),
            Err(Error::Provider(others)) => {
                // One sentence for each setting: what the host sees is the cause of what the provider says.
                let is_named = |other: &domain::Problem| problems.iter().any(|problem| problem.field == other.field);
                let others: Vec<_> = others.into_iter().filter(|other| !is_named(other)).collect();
                problems.extend(others);
                Err(Error::Provider(problems).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn stored(&self, app: &Shared) -> Result<StoredSettings, ledger::Error> {
        Ok(Found::load(&self.name, &app.ledger, &app.config.key)?.or_empty())
    }

    /// A text that is another one whenever other settings, another component's or other limits are kept; it says nothing of them.
    pub fn version(&self, app: &Shared) -> Result<String, ledger::Error> {
        let mut digest = Sha256::new();
        digest.update(self.stored(app)?.revision().to_be_bytes());
        digest.update(app.ledger.document(&limits::document(&self.name))?.unwrap_or_default());
        let digest = digest.finalize();
        Ok(hex::encode(digest.get(..VERSION_BYTES).unwrap_or_default()))
    }

    /// Refuses where something else is kept by now than at a version that was read.
    fn require_version(&self, app: &Shared, read: Option<String>) -> Result<(), NotSaved> {
        match read {
            Some(read) if self.version(app)? != read => Err(NotSaved::Stale),
            _ => Ok(()),
        }
    }

    /// How much a top-up by this provider may be; what holds without an operator's word where there is none.
    pub fn limits(&self, app: &Shared) -> Result<TopUpLimits, ledger::Error> {
        Ok(limits::entered(&app.ledger, &self.name)?.unwrap_or(TopUpLimits::DEFAULT))
    }

    /// Keeps how much a top-up may be, if nothing was changed since a version was read.
    pub fn put_limits(&self, app: &Shared, limits: TopUpLimits, version: Option<String>) -> Result<String, NotSaved> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.require_version(app, version)?;
        let kept = serde_json::to_vec(&limits).map_err(|error| Problem::internal(error.to_string()))?;
        app.ledger.put_document(limits::document(&self.name), kept)?;
        Ok(self.version(app)?)
    }
}

/// The settings in use, with their secrets.
fn in_use(live: &Live, stored: &StoredSettings) -> Fields {
    stored.values(live.provider.sha256(), None, live.description()).unwrap_or_default()
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
        is_entered && stored_settings::value(in_use, name) != Some(value)
    };
    entered.iter().filter(is_changed).map(|(name, _)| name.clone()).collect()
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
