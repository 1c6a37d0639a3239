//! What the operator enters in «Настройки → Настройка платежных систем».

use kit::contract::{Fields, Problem, SettingKind};
use kit::problem::{Bilingual, filled};
use kit::settings::{self, COMMENT, Choice, Declared, ENGLISH, LANGUAGE, RUSSIAN, Reader, parse_api, parse_comment};
use kit::signature::Secret;
use money::Currency;

/// The longest PublicId that is accepted; known ones have 35.
const PUBLIC_ID_CHARS_MAX: usize = 128;
/// The longest default description, by the contract's limit of an order's.
pub const DESCRIPTION_CHARS_MAX: usize = 255;

/// The currencies that an order may be in. TipTop Pay takes tenge.
pub const CURRENCIES: [Choice; 2] = [Choice::plain("RUB"), Choice::plain("KZT")];
/// The languages of the payment page, as BCP 47 primary subtags.
const LANGUAGES: [Choice; 3] = [RUSSIAN, ENGLISH, Choice::new("kk", ["казахский", "Kazakh"])];
/// CloudPayments' names of these languages, in the same order.
const CULTURES: [&str; 3] = ["ru-RU", "en-US", "kk-KZ"];

/// How a payer is to pay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// The order's page, on which the payer chooses: a card, «СБП» and others.
    Page,
    /// A link and QR code of «СБП».
    Sbp,
}

/// The methods in the settings and in an order's `extra`.
const METHODS: [Choice; 2] = [
    Choice::new("page", ["страница оплаты CloudPayments", "CloudPayments' payment page"]),
    Choice::new("sbp", ["СБП: ссылка и QR-код", "SBP: a link and a QR code"]),
];

impl Method {
    /// Returns the method of this name.
    pub fn parse(name: &str) -> Option<Method> {
        METHODS.iter().zip([Method::Page, Method::Sbp]).find(|(known, _)| known.value == name).map(|(_, method)| method)
    }
}

/// Validated settings.
pub struct Settings {
    /// Printable ASCII without a colon, which HTTP Basic separates by.
    pub public_id: String,
    /// The password of calls, and the key of the callbacks' HMAC.
    pub api_secret: Secret,
    pub currency: Currency,
    pub method: Method,
    /// Whether the site is in test mode at CloudPayments. If so, nothing is credited.
    pub test_mode: bool,
    /// CloudPayments' name of a language.
    pub culture: &'static str,
    /// What the payer reads where an order has no description. Not empty.
    pub description: String,
    /// Without a slash at its end.
    pub api_url: String,
    pub comment: String,
}

impl Settings {
    /// Parses the entered settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Settings, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let public_id = reader.take("public-id", public_id);
        let api_secret = reader.take("api-secret", Secret::parse);
        let currency = reader.currency("currency");
        let method = reader.choose("method", &[Method::Page, Method::Sbp]);
        let test_mode = reader.flag("test-mode");
        let culture = reader.choose("language", &CULTURES);
        let description = reader.take("description", description);
        let api_url = reader.take("api-url", parse_api);
        let comment = reader.take("comment", parse_comment);
        let problems = reader.into_problems();
        match (public_id, api_secret, currency, method, test_mode, culture, description, api_url, comment) {
            (
                Some(public_id),
                Some(api_secret),
                Some(currency),
                Some(method),
                Some(test_mode),
                Some(culture),
                Some(description),
                Some(api_url),
                Some(comment),
            ) if problems.is_empty() => {
                Ok(Settings { public_id, api_secret, currency, method, test_mode, culture, description, api_url, comment })
            }
            _ => Err(problems),
        }
    }
}

fn public_id(text: &str) -> Result<String, Bilingual> {
    let is_known = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if text.len() <= PUBLIC_ID_CHARS_MAX && text.bytes().all(is_known) {
        return Ok(text.to_owned());
    }
    Err(filled(
        [
            "Это Public ID сайта из кабинета CloudPayments, такой как pk_1b2c…: не больше {0} латинских букв, цифр и знаков, \
             без пробелов и двоеточий.",
            "It is the site's Public ID in CloudPayments' cabinet, such as pk_1b2c…: at most {0} Latin letters, digits and \
             signs, no space and no colon.",
        ],
        &[&PUBLIC_ID_CHARS_MAX],
    ))
}

fn description(text: &str) -> Result<String, Bilingual> {
    match text.chars().count() {
        chars if chars > DESCRIPTION_CHARS_MAX => Err(settings::too_long(chars, DESCRIPTION_CHARS_MAX)),
        _ => Ok(text.to_owned()),
    }
}

/// Returns CloudPayments' name of a language by its BCP 47 tag, or `None` if the payment page does not speak it.
pub fn culture(tag: &str) -> Option<&'static str> {
    settings::language(tag, &LANGUAGES, &CULTURES)
}

/// The settings form.
pub static DECLARED: [Declared; 9] = [
    Declared::new(
        "public-id",
        SettingKind::Text,
        ["Public ID", "Public ID"],
        [
            "Из личного кабинета CloudPayments, раздел «Сайты». У каждого сайта свой.",
            "From CloudPayments' cabinet, section «Сайты» (sites). Each site has its own.",
        ],
    ),
    Declared::new(
        "api-secret",
        SettingKind::Secret,
        ["Пароль для API (API Secret)", "API Secret"],
        [
            "Оттуда же. Им подписаны уведомления, и с ним выполняются запросы к API. Не передавайте его никому и не используйте на других сайтах.",
            "From the same place. It signs notifications and authorizes calls of the API. Give it to nobody and use it for no other site.",
        ],
    ),
    Declared::new(
        "currency",
        SettingKind::Choice,
        ["Валюта", "Currency"],
        ["Валюта заказов: RUB, у TipTop Pay — KZT.", "The currency of orders: RUB, at TipTop Pay KZT."],
    )
    .or("RUB")
    .one_of(&CURRENCIES),
    Declared::new(
        "method",
        SettingKind::Choice,
        ["Способ оплаты", "How payers pay"],
        [
            "Если заказ не называет другой. СБП — только в рублях и если она подключена у CloudPayments.",
            "Where an order names no other. SBP is in roubles alone, and only if CloudPayments has enabled it.",
        ],
    )
    .or("page")
    .one_of(&METHODS),
    Declared::new(
        "test-mode",
        SettingKind::Flag,
        ["Тестовый режим", "Test mode"],
        [
            "Включите, пока сайт у CloudPayments в тестовом режиме: уведомления проверяются, но ничего не зачисляется. Перед приёмом настоящих платежей выключите: иначе они будут отклоняться.",
            "Turn it on while the site is in test mode at CloudPayments: notifications are verified, and nothing is credited. Turn it off before you take real payments: otherwise they are declined.",
        ],
    )
    .or("false"),
    LANGUAGE.one_of(&LANGUAGES),
    Declared::new(
        "description",
        SettingKind::Text,
        ["Назначение платежа", "Description of a payment"],
        [
            "Плательщик видит его, если у заказа нет своего.",
            "The payer sees it where an order has none of its own.",
        ],
    )
    .or("Пополнение лицевого счёта"),
    Declared::new(
        "api-url",
        SettingKind::Url,
        ["Адрес API", "Address of the API"],
        [
            "Меняйте только по указанию CloudPayments. У TipTop Pay (Казахстан) — https://api.tiptoppay.kz.",
            "Change it only when CloudPayments says so. TipTop Pay (Kazakhstan) has https://api.tiptoppay.kz.",
        ],
    )
    .or("https://api.cloudpayments.ru"),
    COMMENT,
];

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The secret of the tests' vectors.
    pub(crate) const SECRET: &str = "TestApiSecret0001";

    pub(crate) fn entered(changes: &[(&str, &str)]) -> Fields {
        let base = [("public-id", "pk_test_site_1"), ("api-secret", SECRET)];
        kit::settings::entered_with(&base, changes)
    }

    pub(crate) fn settings(changes: &[(&str, &str)]) -> Settings {
        Settings::read(&entered(changes)).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn problems(changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let problems = Settings::read(&entered(changes)).err().unwrap();
        problems.into_iter().map(|problem| (problem.field.unwrap(), problem.code)).collect()
    }

    #[test]
    fn defaults() {
        let settings = settings(&[]);
        assert_eq!((settings.currency, settings.method, settings.test_mode), (Currency::RUB, Method::Page, false));
        assert_eq!((settings.culture, settings.api_url.as_str()), ("ru-RU", "https://api.cloudpayments.ru"));
        assert_eq!(settings.description, "Пополнение лицевого счёта");
        assert_eq!(settings.comment, "Пополнение баланса через ЛК");
    }

    #[test]
    fn every_problem_at_once_with_its_field() {
        let want = [
            ("colour", "setting-unknown"),
            ("api-secret", "setting-missing"),
            ("currency", "setting-invalid"),
            ("method", "setting-invalid"),
            ("test-mode", "setting-invalid"),
            ("language", "setting-invalid"),
            ("public-id", "setting-invalid"),
            ("description", "setting-invalid"),
            ("api-url", "setting-invalid"),
            ("comment", "setting-invalid"),
        ];
        let long = "ы".repeat(256);
        assert_eq!(
            problems(&[
                ("public-id", "pk:1"),
                ("api-secret", ""),
                ("currency", "USD"),
                ("method", "cash"),
                ("test-mode", "yes"),
                ("language", "fr"),
                ("description", &long),
                ("api-url", "https://api.cloudpayments.ru/?a=1"),
                ("comment", &long),
                ("colour", "red"),
            ]),
            want.map(|(field, code)| (field.to_owned(), code.to_owned()))
        );
        assert_eq!(problems(&[("api-secret", "short12")]), [("api-secret".to_owned(), "setting-invalid".to_owned())]);
    }

    #[test]
    fn every_choice_is_understood() {
        assert_eq!(settings(&[("method", "sbp"), ("currency", "KZT")]).method, Method::Sbp);
        assert_eq!(settings(&[("language", "kk"), ("api-url", "https://api.tiptoppay.kz/")]).culture, "kk-KZ");
        for (tag, want) in [("ru", Some("ru-RU")), ("EN-us", Some("en-US")), ("kk", Some("kk-KZ")), ("fr", None)] {
            assert_eq!(culture(tag), want, "{tag}");
        }
    }

    #[test]
    fn no_message_holds_the_secret() {
        let problems = Settings::read(&entered(&[("api-secret", "secret\u{1}secret")])).err().unwrap();
        assert!(!format!("{problems:?}").contains("secretsecret") && !format!("{problems:?}").contains("secret\\u{1}"));
    }
}
