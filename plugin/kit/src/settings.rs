//! The settings form that a provider declares, and the settings that an operator enters in it.

use money::Currency;

use crate::contract::{self, Fields, Problem, Setting, SettingKind};
use crate::problem::{Bilingual, Code, Message, filled};
use crate::{text, url};

/// The longest comment, by the contract.
const COMMENT_CHARS_MAX: usize = 255;

/// Checks a value, and says what is wrong with it.
type CheckValue = fn(&str) -> Result<(), Bilingual>;

/// A setting as a provider declares it. The title and the help text are in Russian and English, in this order.
///
/// It is static data: every call reads the settings, and nothing has to be built for that.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the contract documents every field")]
pub struct Declared {
    pub name: &'static str,
    pub kind: SettingKind,
    pub title: [&'static str; 2],
    pub help: [&'static str; 2],
    pub required: bool,
    pub default_value: Option<&'static str>,
    pub choices: &'static [Choice],
    /// Of a setting of kind `url`: what checks it. A component without such a setting has no code for it.
    check_url: Option<CheckValue>,
}

/// A value that can be chosen, with its title in Russian and English.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the contract documents every field")]
pub struct Choice {
    pub value: &'static str,
    pub title: [&'static str; 2],
}

impl Choice {
    fn choice(&self) -> contract::Choice {
        contract::Choice { value: self.value.to_owned(), title: bilingual(self.title) }
    }

    /// Makes a choice.
    pub const fn new(value: &'static str, title: [&'static str; 2]) -> Choice {
        Choice { value, title }
    }

    /// Makes a choice whose value a person understands as it is, such as `RUB`.
    pub const fn plain(value: &'static str) -> Choice {
        Choice { value, title: [value, value] }
    }
}

impl Declared {
    /// Declares a required setting.
    pub const fn new(name: &'static str, kind: SettingKind, title: [&'static str; 2], help: [&'static str; 2]) -> Declared {
        let check_url: Option<CheckValue> = match kind {
            SettingKind::Url => Some(check_url),
            _ => None,
        };
        Declared { name, kind, title, help, required: true, default_value: None, choices: &[], check_url }
    }

    /// Makes the setting optional.
    pub const fn optional(self) -> Declared {
        Declared { required: false, ..self }
    }

    /// Gives the setting a default, which makes it optional.
    pub const fn or(self, default_value: &'static str) -> Declared {
        Declared { default_value: Some(default_value), ..self.optional() }
    }

    /// Sets the allowed values.
    pub const fn one_of(self, choices: &'static [Choice]) -> Declared {
        Declared { choices, ..self }
    }

    /// Converts the setting to the contract's type.
    pub fn setting(&self) -> Setting {
        Setting {
            name: self.name.to_owned(),
            title: bilingual(self.title),
            help: bilingual(self.help),
            kind: self.kind,
            required: self.required,
            default_value: self.default_value.map(str::to_owned),
            choices: self.choices.iter().map(Choice::choice).collect(),
            extra: Vec::new(),
        }
    }
}

fn bilingual([ru, en]: [&str; 2]) -> Fields {
    vec![("ru".to_owned(), ru.to_owned()), ("en".to_owned(), en.to_owned())]
}

/// Builds the form that a host shows.
pub fn form(declared: &[Declared]) -> Vec<Setting> {
    declared.iter().map(Declared::setting).collect()
}

/// The setting `comment`: the comment on a payment in the statistics. [`parse_comment`] parses it.
pub const COMMENT: Declared = Declared::new(
    "comment",
    SettingKind::Text,
    ["Комментарий платежа", "Comment of a payment"],
    ["С ним платёж виден в статистике.", "The statistics show a payment with it."],
)
.or("Пополнение баланса через ЛК");

/// The setting `language`: the language of the payment page where an order names none that the page speaks. Its choices, which a
/// provider adds, are BCP 47 primary subtags; [`language`] finds one by a tag.
pub const LANGUAGE: Declared = Declared::new(
    "language",
    SettingKind::Choice,
    ["Язык страницы оплаты", "Language of the payment page"],
    [
        "Если у заказа не указан язык, который знает страница оплаты.",
        "Where an order names no language that the payment page speaks.",
    ],
)
.or("ru");
/// Russian, a choice of [`LANGUAGE`].
pub const RUSSIAN: Choice = Choice::new("ru", ["русский", "Russian"]);
/// English, a choice of [`LANGUAGE`].
pub const ENGLISH: Choice = Choice::new("en", ["английский", "English"]);

/// Returns a payment system's name of a language by its BCP 47 tag, such as `ru-RU`, or `None` if the payment page does not speak
/// it. `names` are the payment system's, in the order of the languages.
pub fn language(tag: &str, languages: &[Choice], names: &[&'static str]) -> Option<&'static str> {
    let primary = tag.split('-').next().unwrap_or_default();
    let at = languages.iter().position(|language| primary.eq_ignore_ascii_case(language.value))?;
    names.get(at).copied()
}

/// Parses a comment for events.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn parse_comment(text: &str) -> Result<String, Bilingual> {
    match text.chars().count() {
        chars if chars > COMMENT_CHARS_MAX => Err(too_long(chars, COMMENT_CHARS_MAX)),
        _ => Ok(text.to_owned()),
    }
}

/// Says that a text is too long, with its length and the longest one in characters.
pub fn too_long(chars: usize, chars_max: usize) -> Bilingual {
    filled(["Символов {0}, а может быть не больше {1}.", "It has {0} characters; at most {1} fit."], &[&chars, &chars_max])
}

/// Parses the URL of a setting of kind `url`, to which a link or a call adds its query. [`Reader`] has checked that it is a URL.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn parse_page(text: &str) -> Result<String, [&'static str; 2]> {
    match text.bytes().any(|byte| matches!(byte, b'?' | b'#')) {
        true => Err([
            "Адрес должен быть без «?» и «#»: параметры добавляются сами.",
            "It must have no query and no fragment: they are added.",
        ]),
        false => Ok(text.to_owned()),
    }
}

/// Parses the address of an API, to which the paths of calls are added, as [`parse_page`] does. Returns it without a slash at its
/// end.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn parse_api(text: &str) -> Result<String, [&'static str; 2]> {
    parse_page(text).map(|url| url.trim_end_matches('/').to_owned())
}

/// Reads the entered settings by their declarations, and collects all problems.
pub struct Reader<'s> {
    declared: &'s [Declared],
    /// In the order of the declared settings.
    values: Vec<Option<&'s str>>,
    problems: Vec<Problem>,
}

impl<'s> Reader<'s> {
    /// Checks names and kinds: unknown, repeated, missing and padded settings, and values that are not of their kind. No
    /// message contains a value.
    pub fn new(declared: &'s [Declared], entered: &'s Fields) -> Reader<'s> {
        let mut problems = unknown(declared, entered);
        let values = declared
            .iter()
            .map(|setting| value_of(setting, entered).map_err(|problem| problems.push(problem)).ok().flatten())
            .collect();
        Reader { declared, values, problems }
    }

    /// Parses a setting with a function whose error is a sentence. Returns `None` if the setting is absent or has a problem.
    pub fn take<T, M: Into<Message>>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, M>) -> Option<T> {
        let at = self.declared.iter().position(|setting| setting.name == name)?;
        let value = self.values.get_mut(at)?.take()?;
        parse(value).map_err(|message| self.problems.push(Code::SettingInvalid.at(name, message))).ok()
    }

    /// Returns what a setting of kind `flag` says.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let (_, value) = self.declared.iter().zip(&mut self.values).find(|(setting, _)| setting.name == name)?;
        value.take().map(|value| value == "true")
    }

    /// Returns what the chosen value of a setting stands for: `of` has a value for each of its declared choices, in their order.
    pub fn choose<T: Copy>(&mut self, name: &str, of: &[T]) -> Option<T> {
        of.get(self.chosen(name)?).copied()
    }

    /// Returns the place of the chosen value among the declared choices. [`Reader::new`] has refused any other.
    // Not inlined: a provider has many choices.
    #[inline(never)]
    fn chosen(&mut self, name: &str) -> Option<usize> {
        let (declared, value) = self.declared.iter().zip(&mut self.values).find(|(setting, _)| setting.name == name)?;
        let value = value.take()?;
        declared.choices.iter().position(|choice| choice.value == value)
    }

    /// Returns the currency that is chosen.
    pub fn currency(&mut self, name: &str) -> Option<Currency> {
        self.take(name, |text| Currency::parse(text).ok_or_else(|| "There is no such currency.".to_owned()))
    }

    /// Returns the problems found.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

/// Returns a problem for each entered setting that is not declared. Only the first lists the declared names, since there may be
/// thousands of problems.
fn unknown(declared: &[Declared], entered: &Fields) -> Vec<Problem> {
    let unknown = entered.iter().filter(|(name, _)| !declared.iter().any(|setting| setting.name == name));
    let message = |at: usize| match at {
        0 => {
            let names: Vec<&str> = declared.iter().map(|setting| setting.name).collect();
            format!("There is no such setting; there are {}.", names.join(", "))
        }
        _ => "There is no such setting; leave it out.".to_owned(),
    };
    unknown.enumerate().map(|(at, (name, _))| Code::SettingUnknown.at(name, message(at))).collect()
}

fn value_of<'s>(setting: &Declared, entered: &'s Fields) -> Result<Option<&'s str>, Problem> {
    let name = setting.name;
    let mut values = entered.iter().filter(|(entered, _)| entered == name).map(|(_, value)| value.as_str());
    let value = values.next().unwrap_or_default();
    if values.next().is_some() {
        return Err(Code::SettingRepeated.at(name, "It is entered twice; enter it once."));
    }
    if value.is_empty() {
        return match (setting.default_value, setting.required) {
            (None, true) => Err(Code::SettingMissing.at(name, "It must be entered; the payment system issues it.")),
            (default_value, _) => Ok(default_value),
        };
    }
    match setting.kind {
        SettingKind::TextBlock | SettingKind::SecretBlock => value.split('\n').try_for_each(text::check_visible),
        _ => text::check_visible(value),
    }
    .map_err(|message| Code::SettingInvalid.at(name, message))?;
    if value.trim() != value {
        return Err(Code::SettingInvalid.at(name, "It begins or ends with a space; copy it without."));
    }
    check_kind(setting, value).map_err(|message| Code::SettingInvalid.at(name, message))?;
    Ok(Some(value))
}

fn check_url(value: &str) -> Result<(), Bilingual> {
    let in_russian = "Нужен адрес, который начинается с https://, без пробелов, имени и пароля.";
    url::secure(value).map(|_| ()).map_err(|in_english| [in_russian.to_owned(), in_english])
}

fn check_kind(setting: &Declared, value: &str) -> Result<(), Message> {
    match setting.kind {
        SettingKind::Choice if setting.choices.iter().any(|choice| choice.value == value) => Ok(()),
        SettingKind::Choice => {
            let values: Vec<&str> = setting.choices.iter().map(|choice| choice.value).collect();
            Err(format!("It is one of: {}.", values.join(", ")).into())
        }
        SettingKind::Url => setting.check_url.map_or(Ok(()), |check| check(value).map_err(Message::from)),
        SettingKind::Flag if !matches!(value, "true" | "false") => Err("It is true or false.".into()),
        SettingKind::Integer if !is_integer(value) => {
            Err(["Нужно целое число, одни цифры.", "It is a number, digits only."].into())
        }
        _ => Ok(()),
    }
}

fn is_integer(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit()) && (value == "0" || !value.starts_with('0')) && value.len() <= 18
}

/// Returns settings as an operator enters them: those of `base`, with changes. For the tests of providers.
pub fn entered_with(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Fields {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn new(name: &'static str, kind: SettingKind) -> Declared {
        Declared::new(name, kind, ["т", "t"], ["п", "h"])
    }

    const DECLARED: [Declared; 7] = [
        new("id", SettingKind::Text),
        new("key", SettingKind::Secret),
        new("mode", SettingKind::Choice).or("one").one_of(&[Choice::plain("one"), Choice::new("two", ["два", "two"])]),
        new("pem", SettingKind::TextBlock).optional(),
        new("page", SettingKind::Url).or("https://example.ru/"),
        new("test", SettingKind::Flag).or("false"),
        new("group", SettingKind::Integer).optional(),
    ];

    fn problems(entered: &[(&str, &str)]) -> Vec<(String, String)> {
        let entered = entered.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let problems = Reader::new(&DECLARED, &entered).into_problems();
        problems.into_iter().map(|problem| (problem.field.unwrap(), problem.code)).collect()
    }

    #[test]
    fn every_problem_at_once() {
        let entered = [
            ("id", " 1"),
            ("colour", "red"),
            ("mode", "three"),
            ("pem", "a\r\nb"),
            ("page", "http://example.ru/"),
            ("test", "yes"),
            ("group", "007"),
        ];
        let want = [
            ("colour", "setting-unknown"),
            ("id", "setting-invalid"),
            ("key", "setting-missing"),
            ("mode", "setting-invalid"),
            ("pem", "setting-invalid"),
            ("page", "setting-invalid"),
            ("test", "setting-invalid"),
            ("group", "setting-invalid"),
        ];
        assert_eq!(problems(&entered), want.map(|(field, code)| (field.to_owned(), code.to_owned())));
        assert_eq!(problems(&[("id", "1"), ("id", "1"), ("key", "k")]), [("id".to_owned(), "setting-repeated".to_owned())]);
    }

    #[test]
    fn defaults_stand_in_for_what_is_absent_or_empty() {
        let entered = [("id", "1"), ("key", "k"), ("mode", ""), ("pem", "a\n b")];
        let entered = entered.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let mut reader = Reader::new(&DECLARED, &entered);
        let mut take = |name| reader.take(name, |value| Ok::<_, String>(value.to_owned()));
        assert_eq!(
            ["id", "key", "mode", "pem", "page", "test", "group"].map(|name| take(name).unwrap_or_default()),
            ["1", "k", "one", "a\n b", "https://example.ru/", "false", ""]
        );
        assert_eq!(reader.into_problems(), []);
    }

    #[test]
    fn choices_and_flags_by_their_declarations() {
        for (entered, want) in
            [(&[][..], (Some(1), Some(false))), (&[("mode", "two"), ("test", "true")], (Some(2), Some(true)))]
        {
            let entered = entered_with(&[("id", "1"), ("key", "k")], entered);
            let mut reader = Reader::new(&DECLARED, &entered);
            assert_eq!((reader.choose("mode", &[1, 2]), reader.flag("test")), want);
            assert_eq!(reader.choose("mode", &[1, 2]), None, "it is taken once");
        }
        let entered = entered_with(&[("id", "1"), ("key", "k")], &[("mode", "three"), ("test", "yes")]);
        let mut reader = Reader::new(&DECLARED, &entered);
        assert_eq!((reader.choose("mode", &[1, 2]), reader.flag("test")), (None, None));
    }

    #[test]
    fn languages_by_their_tags() {
        for (tag, want) in [
            ("ru", Some("Ru")),
            ("ru-RU", Some("Ru")),
            ("EN-gb", Some("En")),
            ("fr", None),
            ("", None),
            ("rus", None),
            ("-ru", None),
        ] {
            assert_eq!(language(tag, &[RUSSIAN, ENGLISH], &["Ru", "En"]), want, "{tag}");
        }
    }

    #[test]
    fn the_address_of_an_api_has_no_slash_at_its_end_and_no_query() {
        for (text, want) in [
            ("https://api.example.ru", Some("https://api.example.ru")),
            ("https://api.example.ru/", Some("https://api.example.ru")),
            ("http://127.0.0.1:8080/v3/", Some("http://127.0.0.1:8080/v3")),
            ("https://api.example.ru/?a=1", None),
            ("https://api.example.ru/#a", None),
        ] {
            assert_eq!(parse_api(text).ok().as_deref(), want, "{text}");
        }
    }
}
