//! A provider's settings as the ledger stores them, sealed: the values for each component that had any, and the names of
//! secrets.
//!
//! Each component finds its own values. Therefore the lock, which is a file, and the settings, which are in the database, need
//! not change atomically: the new component's values are written first, and whichever component the lock names after a crash
//! has its values.

use std::collections::BTreeSet;

use domain::{Description, Fields, ProviderName};
use ledger::Ledger;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::HostError;
use crate::sealing::Key;

/// How many components' values are stored: the latest ones.
const COMPONENTS_MAX: usize = 8;
/// The minimum length for recognizing the value of a secret under another name, in characters.
const SECRET_CHARS_MIN: usize = 8;

/// Returns the name of the document with a provider's settings. The name is also the purpose for which they are sealed.
pub fn document(name: &ProviderName) -> String {
    format!("{DOCUMENTS}{name}")
}

/// The prefix of these names.
pub const DOCUMENTS: &str = "settings/";

/// The settings of a provider. The values cannot be printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSettings {
    /// Changes with every update, so that decisions on stale settings are detected.
    revision: u64,
    /// The names of all settings that were ever entered as secrets.
    secrets: BTreeSet<String>,
    /// By component; the one that was written last is at the end.
    components: Vec<ComponentSettings>,
    /// Whether the payment system was removed. Then the values are only for the components that had them, and not for another
    /// component under the same name.
    #[serde(default)]
    is_removed: bool,
}

/// The values of one component, which passed the checks with them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ComponentSettings {
    sha256: String,
    values: Fields,
    /// The secrets that it may declare as another kind, since a person accepted that. Their values stay secret.
    relabelled: BTreeSet<String>,
}

/// The formats of the document.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Stored(StoredSettings),
    /// The format of older versions: the values of the locked component, which had passed the checks.
    Plain(Fields),
}

/// A provider's settings, as read from the ledger.
pub enum LoadedSettings {
    /// No settings were entered.
    NotStored,
    /// They were sealed with another key, or are damaged.
    Sealed,
    Stored(StoredSettings),
}

impl LoadedSettings {
    /// Reads a provider's settings.
    pub fn load(name: &ProviderName, ledger: &Ledger, key: &Key) -> Result<LoadedSettings, ledger::Error> {
        let Some(sealed) = ledger.document(&document(name))? else { return Ok(LoadedSettings::NotStored) };
        let plain = key.open(&document(name), &sealed).and_then(|plain| serde_json::from_slice(&plain).ok());
        Ok(match plain {
            None => LoadedSettings::Sealed,
            Some(Document::Stored(stored)) => LoadedSettings::Stored(stored),
            Some(Document::Plain(values)) => LoadedSettings::Stored(StoredSettings::of_any_component(values)),
        })
    }

    /// Returns the settings, or empty ones if there are none or they cannot be opened.
    pub fn or_empty(self) -> StoredSettings {
        match self {
            LoadedSettings::Stored(stored) => stored,
            LoadedSettings::NotStored | LoadedSettings::Sealed => StoredSettings::default(),
        }
    }
}

impl StoredSettings {
    /// Converts settings of an older version of the host, which did not name the component.
    fn of_any_component(values: Fields) -> StoredSettings {
        let (sha256, relabelled) = (String::new(), BTreeSet::new());
        let components = vec![ComponentSettings { sha256, values, relabelled }];
        StoredSettings { components, ..StoredSettings::default() }
    }

    /// Assigns settings of an older version to the active component, whose description says which of them are secrets. Returns
    /// whether anything changed.
    pub fn adopt(&mut self, sha256: &str, description: &Description) -> bool {
        let Some(settings) = self.components.iter_mut().find(|settings| settings.sha256.is_empty()) else { return false };
        settings.sha256 = sha256.to_owned();
        let values = settings.values.clone();
        self.remember_secrets(description, &values);
        self.revision += 1;
        true
    }

    /// Returns the name and the sealed contents of the document.
    pub fn sealed(&self, name: &ProviderName, key: &Key) -> Result<(String, Vec<u8>), HostError> {
        let internal = |reason: String| HostError::internal(reason);
        let plain = Zeroizing::new(serde_json::to_vec(self).map_err(|error| internal(error.to_string()))?);
        let sealed = key.seal(&document(name), &plain).map_err(|error| internal(error.to_string()))?;
        Ok((document(name), sealed))
    }

    /// Stores the settings in place of the previous ones.
    pub fn save(&self, name: &ProviderName, ledger: &Ledger, key: &Key) -> Result<(), HostError> {
        let (document, sealed) = self.sealed(name, key)?;
        Ok(ledger.put_document(document, sealed)?)
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Reserves the values for the components that had them, since the payment system is removed.
    pub fn set_apart(&mut self) {
        self.is_removed = true;
        self.revision += 1;
    }

    /// Returns the names of all settings that were ever entered as secrets.
    pub fn secrets(&self) -> &BTreeSet<String> {
        &self.secrets
    }

    /// Returns every secret's name and value, of all components.
    pub fn secret_values(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.components.iter().flat_map(|settings| &settings.values);
        values.filter(|(name, _)| self.secrets.contains(name)).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn of(&self, sha256: &str) -> Option<&ComponentSettings> {
        self.components.iter().find(|settings| settings.sha256 == sha256)
    }

    /// Reports whether a component passed the checks that need settings.
    pub fn is_checked(&self, sha256: &str) -> bool {
        self.of(sha256).is_some()
    }

    /// Returns the names of the secrets that a component may declare as another kind.
    pub fn relabelled(&self, sha256: &str) -> BTreeSet<String> {
        self.of(sha256).map(|settings| settings.relabelled.clone()).unwrap_or_default()
    }

    /// Returns the values for a component. A component without values of its own gets those of the settings that it declares:
    /// from the active component, or else from the latest component that had them. `None` if nothing was entered for any
    /// component, or the payment system was removed.
    pub fn values(&self, sha256: &str, in_use: Option<&str>, description: &Description) -> Option<Fields> {
        if let Some(settings) = self.of(sha256) {
            return Some(settings.values.clone());
        }
        if self.components.is_empty() || self.is_removed {
            return None;
        }
        let in_use = in_use.and_then(|sha256| self.of(sha256)).into_iter();
        let sources: Vec<&ComponentSettings> = in_use.chain(self.components.iter().rev()).collect();
        let value = |name: &str| sources.iter().find_map(|settings| value(&settings.values, name));
        let known = description.settings.iter();
        Some(known.filter_map(|setting| Some((setting.name.clone(), value(&setting.name)?.to_owned()))).collect())
    }

    /// Stores the values for a component. If another component has the same previous value of a setting, it gets the new one
    /// too: after a secret was renewed, a rollback must not use the old one.
    pub fn put(&mut self, sha256: &str, description: &Description, values: Fields, relabelled: BTreeSet<String>) {
        self.remember_secrets(description, &values);
        if std::mem::take(&mut self.is_removed) && !self.is_checked(sha256) {
            self.components.clear();
        }
        let before = self.of(sha256).map(|settings| settings.values.clone()).unwrap_or_default();
        for (name, kept) in self.components.iter_mut().flat_map(|settings| &mut settings.values) {
            if let Some(new) = value(&values, name)
                && value(&before, name) == Some(kept)
            {
                *kept = new.to_owned();
            }
        }
        self.components.retain(|settings| settings.sha256 != sha256);
        self.components.push(ComponentSettings { sha256: sha256.to_owned(), values, relabelled });
        let excess = self.components.len().saturating_sub(COMPONENTS_MAX);
        self.components.drain(..excess);
        self.revision += 1;
    }

    /// Remembers secrets: a setting that a component declares as a secret stays one, and so does its value under another name.
    fn remember_secrets(&mut self, description: &Description, values: &Fields) {
        let is_declared =
            |name: &str| description.settings.iter().any(|setting| setting.name == name && setting.kind.is_secret());
        let known: BTreeSet<String> = self.secret_values().map(|(_, value)| value.to_owned()).collect();
        let is_known = |value: &str| value.chars().count() >= SECRET_CHARS_MIN && known.contains(value);
        let secrets = values.iter().filter(|(name, value)| is_declared(name) || is_known(value));
        let names: Vec<String> = secrets.map(|(name, _)| name.clone()).collect();
        self.secrets.extend(names);
    }
}

/// Returns the value with this name.
pub fn value<'f>(values: &'f Fields, name: &str) -> Option<&'f str> {
    values.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use domain::{SettingKind, SettingSpec};

    use super::*;

    fn description(settings: &[(&str, SettingKind)]) -> Description {
        let setting = |(name, kind): &(&str, SettingKind)| SettingSpec {
            name: (*name).to_owned(),
            kind: *kind,
            title: Fields::new(),
            help: Fields::new(),
            required: true,
            default_value: None,
            choices: Vec::new(),
            extra: Fields::new(),
        };
        Description {
            id: "pay".to_owned(),
            name: "Pay".to_owned(),
            version: "1.0.0".to_owned(),
            settings: settings.iter().map(setting).collect(),
            currencies: Vec::new(),
            export_formats: Vec::new(),
            links: true,
            order_id: domain::OrderIdForm { chars_max: 64, digits_only: false },
            hosts: Vec::new(),
            headers: Vec::new(),
            extra: Fields::new(),
        }
    }

    fn fields(values: &[(&str, &str)]) -> Fields {
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn old() -> Description {
        description(&[("shop", SettingKind::Text), ("key", SettingKind::Secret), ("group", SettingKind::Text)])
    }

    fn new() -> Description {
        description(&[("shop", SettingKind::Text), ("key", SettingKind::Secret), ("kind", SettingKind::Text)])
    }

    fn stored() -> StoredSettings {
        let mut stored = StoredSettings::default();
        let values = fields(&[("shop", "17"), ("key", "a secret of tests"), ("group", "1")]);
        stored.put("old", &old(), values, BTreeSet::new());
        stored
    }

    #[test]
    fn names_that_the_next_component_does_not_know_come_back_with_the_one_before() {
        let mut stored = stored();
        let next = stored.values("new", Some("old"), &new()).unwrap();
        assert!(next == fields(&[("shop", "17"), ("key", "a secret of tests")]));
        let entered = [next, fields(&[("kind", "2")])].concat();
        stored.put("new", &new(), entered, BTreeSet::new());
        let back = stored.values("old", Some("new"), &old()).unwrap();
        assert!(back == fields(&[("shop", "17"), ("key", "a secret of tests"), ("group", "1")]));
        assert!(
            stored.values("third", Some("new"), &old()).unwrap() == back,
            "a value of an earlier component is found by name too"
        );
        assert!(StoredSettings::default().values("old", None, &old()).is_none());
    }

    #[test]
    fn a_renewed_value_is_renewed_for_the_component_before() {
        let mut stored = stored();
        let both = |key: &str, kind: &str| fields(&[("shop", "18"), ("key", key), ("kind", kind)]);
        stored.put("new", &new(), both("a secret of tests", "2"), BTreeSet::new());
        stored.put("new", &new(), both("a renewed secret", "2"), BTreeSet::new());
        let back = stored.values("old", None, &old()).unwrap();
        // The two components already had different shops, which therefore stay different.
        assert!(back == fields(&[("shop", "17"), ("key", "a renewed secret"), ("group", "1")]));
    }

    #[test]
    fn a_secret_stays_one_by_its_name_and_by_its_value() {
        let mut stored = stored();
        let shown = description(&[("key", SettingKind::Text), ("key-2", SettingKind::Text), ("shop", SettingKind::Text)]);
        let values = fields(&[("key", "another secret"), ("key-2", "a secret of tests"), ("shop", "17")]);
        stored.put("new", &shown, values, BTreeSet::new());
        assert_eq!(stored.secrets().iter().collect::<Vec<_>>(), ["key", "key-2"]);
    }

    #[test]
    fn settings_of_the_version_before_belong_to_the_component_in_use() {
        let Document::Plain(values) = serde_json::from_str(r#"[["shop","17"],["key","a secret of tests"]]"#).unwrap() else {
            unreachable!("it is a list")
        };
        let mut stored = StoredSettings::of_any_component(values);
        assert!(stored.adopt("old", &old()) && !stored.adopt("new", &new()));
        assert!(stored.is_checked("old") && !stored.is_checked("new") && stored.secrets().contains("key"));
        assert_eq!(stored.secret_values().collect::<Vec<_>>(), [("key", "a secret of tests")]);
        let text = serde_json::to_string(&stored).unwrap();
        assert!(matches!(serde_json::from_str(&text), Ok(Document::Stored(again)) if again == stored));
    }

    #[test]
    fn as_many_components_are_kept_as_one_goes_back_to() {
        let mut stored = stored();
        for at in 0..COMPONENTS_MAX {
            stored.put(&at.to_string(), &new(), fields(&[("shop", "1")]), BTreeSet::new());
        }
        assert!(!stored.is_checked("old") && stored.is_checked("0"));
        assert!(stored.secrets().contains("key"), "the name stays a secret");
    }
}
