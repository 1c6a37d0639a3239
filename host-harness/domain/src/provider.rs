//! Providers: their descriptions, settings and problems.

use std::fmt;

use money::Currency;
use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use crate::json;
use crate::names::names;

/// A provider's description of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The provider's id: kebab-case, stable across versions of the provider: `chronopay`.
    pub id: String,
    /// The payment system's own name for people, 1 to 100 characters: `ChronoPay`.
    pub name: String,
    /// The component's version by Semantic Versioning 2.0, at most 64 characters: `1.4.0`.
    pub version: String,
    /// The settings, in the order of the form, at most 64.
    pub settings: Vec<SettingSpec>,
    /// The currencies that an order may be in: at least one, each once; the first is the default.
    #[serde(with = "json::currencies")]
    pub currencies: Vec<Currency>,
    /// The formats of exports, the default first: kebab-case, with dots in a format's version. Empty if the provider exports
    /// nothing.
    pub export_formats: Vec<String>,
    /// Whether payers are sent to the payment system by a link. If not, there are no orders for it.
    pub links: bool,
    /// What the payment system accepts as an order's id.
    pub order_id: OrderIdForm,
    /// Where it may have calls made, each once, at most 16: `host` or `host:port`. The hosts of settings of the kind `url` are
    /// allowed besides.
    pub hosts: Vec<String>,
    /// The headers of callbacks that the provider reads, at most 16, each once. It is given no others.
    pub headers: Vec<RequestHeader>,
    /// What else the provider says about itself, such as `required-callback-fields`.
    pub extra: Fields,
}

impl Description {
    /// The name in `extra` of the callback fields that decide, signed or not.
    pub const REQUIRED_FIELDS: &str = "required-callback-fields";
    /// The name in `extra` of those of them that say what became of a transaction though the payment system does not sign them.
    pub const UNSIGNED_FIELDS: &str = "unsigned-callback-fields";
    /// The name in `extra` of the callback fields that hold card data.
    pub const CARD_FIELDS: &str = "card-callback-fields";

    /// Returns the callback fields that `extra` lists under one of these names, in the payment system's spelling.
    pub fn callback_fields(&self, list: &str) -> Vec<&str> {
        let lists = self.extra.iter().filter(|(name, _)| name == list);
        lists.flat_map(|(_, names)| names.split(',')).map(str::trim).filter(|name| !name.is_empty()).collect()
    }
}

/// What a payment system accepts as an order's id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderIdForm {
    /// The longest id, in characters: 6 to 64.
    pub chars_max: u8,
    /// Whether an id must be digits without a leading zero.
    pub digits_only: bool,
}

/// What proves that a callback is the payment system's, by a merchant's settings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackProof {
    /// The request itself, by a signature or a shared secret.
    Signature,
    /// An answer of the payment system, which the provider asks for.
    Lookup,
    /// Only the caller, whom the host must know.
    Caller,
}

names!(CallbackProof { Signature "signature", Lookup "lookup", Caller "caller", });

/// A header of callbacks that a provider reads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestHeader {
    /// Its name, in lower case.
    pub name: String,
    /// Whether its value is a secret, which is stored sealed and never shown.
    pub secret: bool,
}

/// One setting of a provider, as its form shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingSpec {
    /// Kebab-case, unique within the provider.
    pub name: String,
    /// Its title in the form, by language: `ru` and `en` are always present. 1 to 100 characters each.
    pub title: Fields,
    /// Its help text in the form, by language: `ru` and `en` are always present. At most 500 characters each.
    pub help: Fields,
    /// The kind of its value.
    pub kind: SettingKind,
    /// Whether the provider cannot work without it. A required setting has no default.
    pub required: bool,
    /// The value to use if the setting is absent or empty. If `None`, there is no value then.
    pub default_value: Option<String>,
    /// The allowed values of a [`SettingKind::Choice`], each once, in the order to show; otherwise empty.
    pub choices: Vec<Choice>,
    /// Nothing is defined here yet.
    pub extra: Fields,
}

/// An allowed value of a setting.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The value, 1 to 500 characters.
    pub value: String,
    /// Its title in the form, by language: `ru` and `en` are always present. 1 to 100 characters each.
    pub title: Fields,
}

/// The kind of a setting's value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// One line of text.
    Text,
    /// One line that is never shown, logged or returned after it was entered.
    Secret,
    /// Several lines of text.
    TextBlock,
    /// Several lines that are handled as a secret.
    SecretBlock,
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
    Text "text", Secret "secret", TextBlock "text-block", SecretBlock "secret-block", Choice "choice", Url "url", Flag "flag", Integer "integer",
});

impl SettingKind {
    /// Reports whether the value is never shown, logged or returned after it was entered.
    pub fn is_secret(self) -> bool {
        matches!(self, SettingKind::Secret | SettingKind::SecretBlock)
    }

    /// Reports whether the value may have several lines.
    pub fn is_block(self) -> bool {
        matches!(self, SettingKind::TextBlock | SettingKind::SecretBlock)
    }
}

/// The settings that an operator entered for a provider. The values cannot be printed, because some are secrets.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings(Fields);

impl Settings {
    /// Creates settings from names and values.
    pub fn new<N: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (N, V)>) -> Settings {
        Settings(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Returns the settings with their values, including secrets. Only the provider that they belong to may get them.
    pub fn expose(&self) -> &[(String, String)] {
        &self.0
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, _)| (name, "…"))).finish()
    }
}

/// A problem that a provider or a rule of the host reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The code, for programs: kebab-case, stable. An unknown code is treated as a plain problem.
    pub code: String,
    /// The setting, the record's field or the callback's field that it is about, as that side spells it. `None` for the whole.
    pub field: Option<String>,
    /// The write-off of an export that it is about, counted from 1 over the whole export. `None` elsewhere.
    pub row: Option<u64>,
    /// The message, for people: one or two sentences in English, at most 500 characters.
    pub message: String,
    /// The message in other languages, by their tags, such as `ru`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "json::fields")]
    pub translations: Fields,
}

impl Problem {
    /// Creates a problem of the whole, with a message in English.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { code: code.into(), field: None, row: None, message: message.into(), translations: Fields::new() }
    }

    /// Returns the same problem of a setting or a field.
    pub fn at(self, field: impl Into<String>) -> Problem {
        Problem { field: Some(field.into()), ..self }
    }

    /// Returns the same problem of a write-off of an export, counted from 1.
    pub fn of_row(self, row: u64) -> Problem {
        Problem { row: Some(row), ..self }
    }

    /// Returns the message in a language, or in English if there is none in it.
    pub fn message_in(&self, language: &str) -> &str {
        let translation = self.translations.iter().find(|(tag, _)| tag == language);
        translation.map_or(&self.message, |(_, message)| message)
    }
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
