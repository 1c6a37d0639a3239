//! Payment providers: who they are, what can be set, and what they say is wrong.

use std::fmt;

use money::Currency;
use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use crate::json;
use crate::names::names;

/// Who a provider is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Kebab-case, stable across versions of the provider: `chronopay`.
    pub id: String,
    /// The payment system's own name for people, 1 to 100 characters: `ChronoPay`.
    pub name: String,
    /// The component's version by Semantic Versioning 2.0, at most 64 characters: `1.4.0`.
    pub version: String,
    /// In the order of the form, at most 64.
    pub settings: Vec<SettingSpec>,
    /// Those that an order may be in, at least one, each once; the first is the default.
    #[serde(with = "json::currencies")]
    pub currencies: Vec<Currency>,
    /// What exports can be written in, the default first; kebab-case, with dots in a format's version. Empty: it exports nothing.
    pub export_formats: Vec<String>,
    /// What else the provider says of itself, such as `required-callback-fields`.
    pub extra: Fields,
}

/// One setting of a provider, as its form shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingSpec {
    /// Kebab-case, unique within the provider.
    pub name: String,
    /// What the form calls it, by language: `ru` and `en` are always there. 1 to 100 characters each.
    pub title: Fields,
    /// What the form says about it, by language: `ru` and `en` are always there. At most 500 characters each.
    pub help: Fields,
    /// What it holds.
    pub kind: SettingKind,
    /// Whether nothing works without it. A required setting has no default.
    pub required: bool,
    /// The value that stands when the setting is absent or empty. None: there is no value then.
    pub default_value: Option<String>,
    /// The values allowed of a [`SettingKind::Choice`], in the order to show, at most 500 characters each; else empty.
    pub choices: Vec<String>,
    /// Nothing is defined yet.
    pub extra: Fields,
}

/// What a setting holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// One line of text.
    Text,
    /// One line that is never shown, logged or returned after it was entered.
    Secret,
    /// One of the choices.
    Choice,
    /// An absolute `https` URL (`http` only to this machine's own loopback).
    Url,
    /// `true` or `false`.
    Flag,
    /// A decimal integer without sign or leading zeros.
    Integer,
}

names!(SettingKind {
    Text "text", Secret "secret", Choice "choice", Url "url", Flag "flag", Integer "integer",
});

/// What an operator entered for a provider. Its values cannot be printed: secrets are among them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings(Fields);

impl Settings {
    /// Settings by name.
    pub fn new<N: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (N, V)>) -> Settings {
        Settings(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The settings with their values, secrets among them: for the provider that they are of.
    pub fn expose(&self) -> &[(String, String)] {
        &self.0
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, _)| (name, "…"))).finish()
    }
}

/// What a provider, or a rule of the host's, says is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// For a program: kebab-case, stable. An unknown one is a plain problem.
    pub code: String,
    /// The setting, the record's field or the callback's field that it is about, as that side spells it. None: the whole.
    pub field: Option<String>,
    /// The write-off of an export that it is about, counted from 1 over the whole export. None elsewhere.
    pub row: Option<u64>,
    /// For a person: one or two sentences in English, at most 500 characters.
    pub message: String,
}

impl fmt::Display for Problem {
    /// `shared-sec: It must be entered. (setting-missing)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}, ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{} ({})", self.message, self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_cannot_be_printed() {
        let settings = Settings::new([("shared-sec", "TestSharedSec001")]);
        assert_eq!(format!("{settings:?}"), r#"{"shared-sec": "…"}"#);
    }
}
