//! The settings form that a provider declares, and the settings that an operator entered into it.

use crate::contract::{Fields, Problem, Setting, SettingKind};
use crate::problem::Code;
use crate::url;

/// The longest comment, by the contract.
const COMMENT_CHARS_MAX: usize = 255;

/// What a form says about a setting in one language.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// What the form calls it.
    pub title: &'static str,
    /// What the form says about it.
    pub help: &'static str,
}

/// A setting as it is declared, in Russian and English. Required, until [`optional`] says otherwise.
pub fn setting(name: &str, kind: SettingKind, ru: Words, en: Words) -> Setting {
    let both =
        |word: fn(Words) -> &'static str| vec![("ru".to_owned(), word(ru).to_owned()), ("en".to_owned(), word(en).to_owned())];
    Setting {
        name: name.to_owned(),
        title: both(|words| words.title),
        help: both(|words| words.help),
        kind,
        required: true,
        default_value: None,
        choices: Vec::new(),
        extra: Vec::new(),
    }
}

/// As [`setting`], with title and help in Russian and English, in this order.
pub fn bilingual(name: &str, kind: SettingKind, title: [&'static str; 2], help: [&'static str; 2]) -> Setting {
    let ([title_ru, title_en], [help_ru, help_en]) = (title, help);
    setting(name, kind, Words { title: title_ru, help: help_ru }, Words { title: title_en, help: help_en })
}

/// The setting `comment`, by which the statistics show a payment; [`parse_comment`] reads it.
pub fn comment() -> Setting {
    let declared = bilingual(
        "comment",
        SettingKind::Text,
        ["Комментарий платежа", "Comment of a payment"],
        ["С ним платёж виден в статистике.", "The statistics show a payment with it."],
    );
    optional(declared, "Пополнение баланса через ЛК")
}

/// A comment as an event holds it.
///
/// # Errors
/// What is wrong with it.
pub fn parse_comment(text: &str) -> Result<String, String> {
    match text.chars().count() {
        chars if chars > COMMENT_CHARS_MAX => Err(format!("It has {chars} characters; at most {COMMENT_CHARS_MAX} fit.")),
        _ => Ok(text.to_owned()),
    }
}

/// A payment page's URL, to which a link adds its query.
///
/// # Errors
/// What is wrong with it.
pub fn parse_page(text: &str) -> Result<String, String> {
    if text.contains(['?', '#']) {
        return Err("It must have no query and no fragment: the link adds its own.".to_owned());
    }
    url::secure(text).map(str::to_owned)
}

/// The setting with a default.
pub fn optional(setting: Setting, default_value: &str) -> Setting {
    Setting { required: false, default_value: Some(default_value.to_owned()), ..setting }
}

/// The setting with the values it may have.
pub fn choice(setting: Setting, choices: &[&str]) -> Setting {
    Setting { choices: choices.iter().map(|choice| (*choice).to_owned()).collect(), ..setting }
}

/// Reads entered settings against the declared ones, and gathers every problem on the way.
pub struct Reader {
    values: Vec<(String, String)>,
    problems: Vec<Problem>,
}

impl Reader {
    /// Checks names and kinds: unknown, repeated, missing, padded, and what is not of its kind. Values are never in a message.
    pub fn new(declared: &[Setting], entered: &Fields) -> Reader {
        let mut reader = Reader { values: Vec::new(), problems: Vec::new() };
        for (name, _) in entered {
            if !declared.iter().any(|setting| setting.name == *name) {
                let names: Vec<&str> = declared.iter().map(|setting| setting.name.as_str()).collect();
                let message = format!("There is no such setting; there are {}.", names.join(", "));
                reader.problems.push(Code::SettingUnknown.at(name, message));
            }
        }
        for setting in declared {
            match value_of(setting, entered) {
                Ok(Some(value)) => reader.values.push((setting.name.clone(), value)),
                Ok(None) => {}
                Err(problem) => reader.problems.push(problem),
            }
        }
        reader
    }

    /// Takes a setting by a parse function whose error is a sentence. `None` where it is absent or there is a problem with it.
    pub fn take<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let at = self.values.iter().position(|(taken, _)| taken == name)?;
        let (_, value) = self.values.swap_remove(at);
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(message) => {
                self.problems.push(Code::SettingInvalid.at(name, message));
                None
            }
        }
    }

    /// What was wrong.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

fn value_of(setting: &Setting, entered: &Fields) -> Result<Option<String>, Problem> {
    let name = &setting.name;
    let mut values = entered.iter().filter(|(entered, _)| entered == name).map(|(_, value)| value.as_str());
    let value = values.next().unwrap_or_default();
    if values.next().is_some() {
        return Err(Code::SettingRepeated.at(name, "It is entered twice; enter it once."));
    }
    if value.is_empty() {
        return match (&setting.default_value, setting.required) {
            (None, true) => Err(Code::SettingMissing.at(name, "It must be entered; the payment system issues it.")),
            (default_value, _) => Ok(default_value.clone()),
        };
    }
    if value.trim() != value {
        return Err(Code::SettingInvalid.at(name, "It begins or ends with a space; copy it without."));
    }
    check_kind(setting, value).map_err(|message| Code::SettingInvalid.at(name, message))?;
    Ok(Some(value.to_owned()))
}

fn check_kind(setting: &Setting, value: &str) -> Result<(), String> {
    let refuse_unless = |good: bool, message: &str| if good { Ok(()) } else { Err(message.to_owned()) };
    match setting.kind {
        SettingKind::Choice if setting.choices.iter().any(|choice| choice == value) => Ok(()),
        SettingKind::Choice => Err(format!("It is one of: {}.", setting.choices.join(", "))),
        SettingKind::Url => url::secure(value).map(|_| ()),
        SettingKind::Flag => refuse_unless(matches!(value, "true" | "false"), "It is true or false."),
        SettingKind::Integer => refuse_unless(
            value.bytes().all(|byte| byte.is_ascii_digit()) && (value == "0" || !value.starts_with('0')) && value.len() <= 18,
            "It is a number, digits only.",
        ),
        SettingKind::Text | SettingKind::Secret => refuse_unless(
            !value.chars().any(char::is_control),
            "It holds a control character, such as a line break; copy it without.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Vec<Setting> {
        let words = Words { title: "t", help: "h" };
        let new = |name, kind| setting(name, kind, words, words);
        vec![
            new("id", SettingKind::Text),
            new("key", SettingKind::Secret),
            choice(optional(new("mode", SettingKind::Choice), "one"), &["one", "two"]),
            optional(new("page", SettingKind::Url), "https://example.ru/"),
            optional(new("test", SettingKind::Flag), "false"),
            Setting { required: false, ..new("group", SettingKind::Integer) },
        ]
    }

    fn problems(entered: &[(&str, &str)]) -> Vec<(String, String)> {
        let entered = entered.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let problems = Reader::new(&declared(), &entered).into_problems();
        problems.into_iter().map(|problem| (problem.field.unwrap(), problem.code)).collect()
    }

    #[test]
    fn every_problem_at_once() {
        let entered = [
            ("id", " 1"),
            ("colour", "red"),
            ("mode", "three"),
            ("page", "http://example.ru/"),
            ("test", "yes"),
            ("group", "007"),
        ];
        let want = [
            ("colour", "setting-unknown"),
            ("id", "setting-invalid"),
            ("key", "setting-missing"),
            ("mode", "setting-invalid"),
            ("page", "setting-invalid"),
            ("test", "setting-invalid"),
            ("group", "setting-invalid"),
        ];
        assert_eq!(problems(&entered), want.map(|(field, code)| (field.to_owned(), code.to_owned())));
        assert_eq!(problems(&[("id", "1"), ("id", "1"), ("key", "k")]), [("id".to_owned(), "setting-repeated".to_owned())]);
    }

    #[test]
    fn defaults_stand_in_for_what_is_absent_or_empty() {
        let entered =
            vec![("id".to_owned(), "1".to_owned()), ("key".to_owned(), "k".to_owned()), ("mode".to_owned(), String::new())];
        let mut reader = Reader::new(&declared(), &entered);
        let mut take = |name| reader.take(name, |value| Ok(value.to_owned()));
        assert_eq!(
            ["id", "key", "mode", "page", "test", "group"].map(|name| take(name).unwrap_or_default()),
            ["1", "k", "one", "https://example.ru/", "false", ""]
        );
        assert_eq!(reader.into_problems(), []);
    }
}
