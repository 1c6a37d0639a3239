//! What the operator enters in «Настройки → Настройка платежных систем».

use kit::contract::{Fields, Problem, SettingKind};
use kit::problem::{Bilingual, Code, filled};
use kit::receipts;
use kit::settings::{self, COMMENT, Choice, Declared, ENGLISH, LANGUAGE, RUSSIAN, Reader, parse_api, parse_comment};
use kit::signature::Secret;
use money::Currency;

/// T-Bank names no currency in a request or a notification: a terminal has one, and the provider takes roubles.
pub const CURRENCY: Currency = Currency::RUB;
/// The host of the live API, to which test terminals are connected too.
pub const LIVE_HOST: &str = "securepay.tinkoff.ru";

const LIVE_API: &str = "https://securepay.tinkoff.ru/v2";
/// The host of T-Bank's test environment, where live terminals pay with test cards.
const TEST_HOST: &str = "rest-api-test.tinkoff.ru";
/// The end of a test terminal's key.
const TEST_TERMINAL: &str = "DEMO";
/// The limit in T-Bank's documentation.
const TERMINAL_KEY_CHARS_MAX: usize = 20;

/// The languages of T-Bank's payment page. T-Bank uses the same names.
const LANGUAGES: [Choice; 2] = [RUSSIAN, ENGLISH];
const LANGUAGE_NAMES: [&str; 2] = ["ru", "en"];
const METHODS: [Choice; 2] = [
    Choice::new("page", ["страница оплаты Т-Банка", "T-Bank's payment page"]),
    Choice::new("sbp", ["QR-код СБП (и страница оплаты)", "a QR code of SBP (and the payment page)"]),
];
const FFD_VERSIONS: [Choice; 2] = [Choice::plain("1.05"), Choice::plain("1.2")];
const TAXATIONS: [Choice; 6] = {
    let [osn, usn_income, usn_income_expense, esn, patent] = receipts::TAXATIONS;
    [Choice::new("none", ["не задана", "not set"]), osn, usn_income, usn_income_expense, esn, patent]
};
/// What they stand for: the contract's names.
const TAXATION_NAMES: [Option<&str>; 6] = {
    let [_, osn, usn_income, usn_income_expense, esn, patent] = TAXATIONS;
    [None, Some(osn.value), Some(usn_income.value), Some(usn_income_expense.value), Some(esn.value), Some(patent.value)]
};

/// How an order is paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// On T-Bank's page.
    Page,
    /// By a QR code of «СБП».
    Sbp,
}

impl Method {
    /// Returns the method of this name.
    pub fn parse(name: &str) -> Option<Method> {
        match name {
            "page" => Some(Method::Page),
            "sbp" => Some(Method::Sbp),
            _ => None,
        }
    }
}

/// The version of the format of fiscal documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ffd {
    V1_05,
    V1_2,
}

/// Validated settings.
pub struct Settings {
    /// Printable ASCII, at most 20 characters.
    pub terminal_key: String,
    /// Signs requests and notifications.
    pub password: Secret,
    /// Whether nothing is credited, since the terminal or the API is a test one.
    pub test_mode: bool,
    /// Without a slash at its end.
    pub api_url: String,
    pub method: Method,
    pub language: &'static str,
    pub ffd: Ffd,
    /// By the contract's name. None: each receipt must name it.
    pub taxation: Option<&'static str>,
    pub comment: String,
}

impl Settings {
    /// Parses the entered settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Settings, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let terminal_key = reader.take("terminal-key", terminal_key);
        let password = reader.take("password", Secret::parse);
        let test_mode = reader.flag("test-mode");
        let api_url = reader.take("api-url", parse_api);
        let method = reader.choose("payment-method", &[Method::Page, Method::Sbp]);
        let language = reader.choose("language", &LANGUAGE_NAMES);
        let ffd = reader.choose("ffd-version", &[Ffd::V1_05, Ffd::V1_2]);
        let taxation = reader.choose("taxation", &TAXATION_NAMES);
        let comment = reader.take("comment", parse_comment);
        let mut problems = reader.into_problems();
        if let (Some(terminal_key), Some(test_mode), Some(api_url)) = (&terminal_key, test_mode, &api_url) {
            problems.extend(mode_problem(terminal_key, test_mode, api_url));
        }
        match (terminal_key, password, test_mode, api_url, method, language, ffd, taxation, comment) {
            (
                Some(terminal_key),
                Some(password),
                Some(test_mode),
                Some(api_url),
                Some(method),
                Some(language),
                Some(ffd),
                Some(taxation),
                Some(comment),
            ) if problems.is_empty() => {
                let test_mode = test_mode || is_test_terminal(&terminal_key);
                Ok(Settings { terminal_key, password, test_mode, api_url, method, language, ffd, taxation, comment })
            }
            _ => Err(problems),
        }
    }

    /// Reports whether the terminal is a test one, which never moves money.
    pub fn has_test_terminal(&self) -> bool {
        is_test_terminal(&self.terminal_key)
    }
}

/// Compares the mode with what a live terminal and the API are: payments in the test environment must not be credited, and real ones must
/// not be left out.
fn mode_problem(terminal_key: &str, test_mode: bool, api_url: &str) -> Option<Problem> {
    let is_test_api = api_url.split('/').nth(2).is_some_and(|host| host.eq_ignore_ascii_case(TEST_HOST));
    match (test_mode, is_test_terminal(terminal_key), is_test_api) {
        (false, false, true) => {
            let message = [
                "Это тестовая среда Т-Банка: деньги в ней не двигаются. Оставьте обычный адрес или включите тестовый режим.",
                "This is T-Bank's test environment, where payments move no money. Leave the default, or turn test-mode on.",
            ];
            Some(Code::SettingInvalid.at("api-url", message))
        }
        (true, false, false) => {
            let message = [
                "Терминал и адрес боевые: настоящие платежи не зачислялись бы. Выключите тестовый режим или введите ключ тестового терминала, \
                 он оканчивается на DEMO.",
                "The terminal is a live one and so is the API: real payments would not be credited. Turn test-mode off, or enter the test \
                 terminal's key, which ends in DEMO.",
            ];
            Some(Code::SettingInvalid.at("test-mode", message))
        }
        _ => None,
    }
}

fn is_test_terminal(terminal_key: &str) -> bool {
    terminal_key.ends_with(TEST_TERMINAL)
}

fn terminal_key(text: &str) -> Result<String, Bilingual> {
    if text.len() <= TERMINAL_KEY_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(filled(
        [
            "Это ключ терминала из кабинета Т-Банка: не больше {0} латинских букв, цифр и знаков, без пробелов.",
            "It is the terminal's key in T-Bank's cabinet: at most {0} Latin letters, digits and signs.",
        ],
        &[&TERMINAL_KEY_CHARS_MAX],
    ))
}

/// Returns T-Bank's name of a language by its BCP 47 tag, or `None` if the payment page does not speak it.
pub fn language(tag: &str) -> Option<&'static str> {
    settings::language(tag, &LANGUAGES, &LANGUAGE_NAMES)
}

/// The settings form.
pub static DECLARED: [Declared; 9] = [
    Declared::new(
        "terminal-key",
        SettingKind::Text,
        ["Ключ терминала", "Terminal key (TerminalKey)"],
        [
            "TerminalKey: в личном кабинете интернет-эквайринга, «Магазины» → «Терминалы». У тестового терминала ключ оканчивается на DEMO.",
            "TerminalKey, in the cabinet of the internet acquiring: «Магазины» → «Терминалы». A test terminal's key ends in DEMO.",
        ],
    ),
    Declared::new(
        "password",
        SettingKind::Secret,
        ["Пароль терминала", "Terminal password"],
        [
            "Оттуда же, пароль того же терминала. Им подписаны запросы и уведомления. У каждого терминала он свой.",
            "From the same place, of the same terminal. It signs requests and notifications. Each terminal has its own.",
        ],
    ),
    Declared::new(
        "test-mode",
        SettingKind::Flag,
        ["Тестовый режим", "Test mode"],
        [
            "Для тестовой среды Т-Банка: уведомления проверяются, но ничего не зачисляется. Тестовый терминал узнаётся по ключу (DEMO) и без этого.",
            "For T-Bank's test environment: notifications are verified, and nothing is credited. A test terminal is known by its key (DEMO).",
        ],
    )
    .or("false"),
    Declared::new(
        "api-url",
        SettingKind::Url,
        ["Адрес API", "Address of the API"],
        [
            "Меняйте только для тестовой среды: https://rest-api-test.tinkoff.ru/v2. Тестовый терминал работает с обычным адресом.",
            "Change it only for the test environment: https://rest-api-test.tinkoff.ru/v2. A test terminal works with the usual address.",
        ],
    )
    .or(LIVE_API),
    Declared::new(
        "payment-method",
        SettingKind::Choice,
        ["Способ оплаты", "Payment method"],
        [
            "Если заказ не указывает его сам (method в extra). Для кода СБП терминал должен быть подключён к СБП.",
            "Where an order does not name one (method in extra). A code needs a terminal that is connected to SBP.",
        ],
    )
    .or("page")
    .one_of(&METHODS),
    LANGUAGE.one_of(&LANGUAGES),
    Declared::new(
        "ffd-version",
        SettingKind::Choice,
        ["Версия ФФД чеков", "FFD version of receipts"],
        [
            "Та, которую поддерживает касса, подключённая к терминалу. Важна, если биллинг передаёт чеки.",
            "The one of the cash register that is connected to the terminal. It matters where billing passes receipts.",
        ],
    )
    .or("1.05")
    .one_of(&FFD_VERSIONS),
    Declared::new(
        "taxation",
        SettingKind::Choice,
        ["Система налогообложения", "Taxation"],
        [
            "Для чеков, в которых биллинг её не указал.",
            "For receipts in which billing does not name one.",
        ],
    )
    .or("none")
    .one_of(&TAXATIONS),
    COMMENT,
];

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn entered(changes: &[(&str, &str)]) -> Fields {
        let base = [("terminal-key", "1321054611234"), ("password", "TestPassword1")];
        kit::settings::entered_with(&base, changes)
    }

    pub(crate) fn settings(changes: &[(&str, &str)]) -> Settings {
        Settings::read(&entered(changes)).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn problems(changes: &[(&str, &str)]) -> Vec<String> {
        let problems = Settings::read(&entered(changes)).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.field.unwrap()).collect()
    }

    #[test]
    fn defaults() {
        let settings = settings(&[]);
        assert_eq!((settings.terminal_key.as_str(), settings.api_url.as_str()), ("1321054611234", LIVE_API));
        assert_eq!((settings.method, settings.language, settings.ffd), (Method::Page, "ru", Ffd::V1_05));
        assert_eq!((settings.test_mode, settings.taxation), (false, None));
        assert_eq!(settings.comment, "Пополнение баланса через ЛК");
    }

    #[test]
    fn every_problem_at_once_with_its_field() {
        assert_eq!(
            problems(&[
                ("terminal-key", "ключ"),
                ("password", "short"),
                ("test-mode", "yes"),
                ("api-url", "http://securepay.tinkoff.ru/v2"),
                ("payment-method", "cash"),
                ("language", "fr"),
                ("ffd-version", "1.1"),
                ("taxation", "usn"),
                ("comment", &"я".repeat(256)),
                ("colour", "red"),
            ]),
            [
                "colour",
                "test-mode",
                "api-url",
                "payment-method",
                "language",
                "ffd-version",
                "taxation",
                "terminal-key",
                "password",
                "comment"
            ]
        );
        assert_eq!(problems(&[("terminal-key", ""), ("password", "")]), ["terminal-key", "password"]);
        assert_eq!(problems(&[("terminal-key", "123456789012345678901")]), ["terminal-key"]);
        assert_eq!(problems(&[("api-url", "https://securepay.tinkoff.ru/v2?a=1")]), ["api-url"]);
    }

    #[test]
    fn every_choice_is_understood() {
        for (choice, name) in TAXATIONS.iter().zip(TAXATION_NAMES) {
            assert_eq!((settings(&[("taxation", choice.value)]).taxation, name.unwrap_or("none")), (name, choice.value));
        }
        let settings = settings(&[("payment-method", "sbp"), ("ffd-version", "1.2"), ("language", "en")]);
        assert_eq!((settings.method, settings.ffd, settings.language), (Method::Sbp, Ffd::V1_2, "en"));
        assert_eq!([language("ru-RU"), language("fr")], [Some("ru"), None]);
    }

    #[test]
    fn a_test_terminal_is_never_taken_for_a_live_one() {
        const TEST_API: (&str, &str) = ("api-url", "https://rest-api-test.tinkoff.ru/v2/");
        let (demo, test) = (("terminal-key", "1321054611234DEMO"), ("test-mode", "true"));
        for (changes, want) in [
            (&[demo][..], &[][..]),
            (&[demo, test], &[]),
            (&[demo, TEST_API], &[]),
            (&[demo, test, TEST_API], &[]),
            (&[TEST_API], &["api-url"]),
            (&[TEST_API, test], &[]),
            (&[test], &["test-mode"]),
            (&[("api-url", "http://127.0.0.1:8080/v2")], &[]),
        ] {
            assert_eq!(problems(changes), want, "{changes:?}");
        }
        assert!(settings(&[demo]).test_mode && settings(&[demo, test]).test_mode && !settings(&[]).test_mode);
        assert_eq!(settings(&[TEST_API, test]).api_url, "https://rest-api-test.tinkoff.ru/v2");
    }
}
