//! What the operator enters in «Настройки → Настройка платежных систем».

use kit::contract::{Fields, Problem, SettingKind};
use kit::problem::{Bilingual, Code, Message, filled};
use kit::settings::{COMMENT, Choice, Declared, Reader, parse_api, parse_comment};
use kit::signature::Secret;
use kit::url;
use money::Currency;

/// YooKassa's amounts for a Russian shop are in roubles.
pub const CURRENCY: Currency = Currency::RUB;

/// YooKassa's own host, which the API's default address names.
pub const HOST: &str = "api.yookassa.ru";
const API_URL: &str = "https://api.yookassa.ru/v3";
/// The longest shop number that is accepted; YooKassa's have six or seven digits.
const SHOP_ID_DIGITS_MAX: usize = 18;
/// How YooKassa's secret keys begin.
const TEST_KEY: &str = "test_";
const LIVE_KEY: &str = "live_";

/// Validated settings.
pub struct Settings {
    /// `shopId`: digits.
    pub shop_id: String,
    /// Proves this host to the API. Whoever has it can make and pay back payments.
    pub secret_key: Secret,
    /// The API's address, without a slash at its end.
    pub api_url: String,
    /// Whether the shop is a test one. If so, nothing is credited.
    pub test_mode: bool,
    /// Where the payer returns if the order does not say it.
    pub return_url: Option<String>,
    pub method: Method,
    pub sbp_place: SbpPlace,
    pub receipt_format: ReceiptFormat,
    pub comment: String,
}

/// How a payer may pay, unless the order says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// The payer chooses on YooKassa's page.
    Any,
    /// By «СБП» alone.
    Sbp,
}

/// Where the code of «СБП» is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SbpPlace {
    /// On YooKassa's page.
    Page,
    /// By the host. YooKassa has to enable it for the shop.
    Host,
}

/// The version of «ФФД» by which the cash register prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiptFormat {
    /// 1.05: items have no measure.
    V1_05,
    /// 1.2: items must have one.
    V1_2,
}

const METHODS: [Choice; 2] =
    [Choice::new("any", ["на выбор плательщика", "as the payer chooses"]), Choice::new("sbp", ["только СБП", "СБП alone"])];
const SBP_PLACES: [Choice; 2] = [
    Choice::new("page", ["на странице ЮKassa", "on YooKassa's page"]),
    Choice::new("host", ["здесь, на странице заказа", "here, on the order's page"]),
];
const RECEIPT_FORMATS: [Choice; 2] =
    [Choice::new("1.2", ["ФФД 1.2 или Чеки от ЮKassa", "1.2, or YooKassa's receipts"]), Choice::plain("1.05")];

impl Settings {
    /// Parses the entered settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Settings, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let shop_id = reader.take("shop-id", shop_id);
        let secret_key = reader.take("secret-key", secret_key);
        let api_url = reader.take("api-url", parse_api);
        let test_mode = reader.flag("test-mode");
        // A setting without a default and without a value is absent, and one with a problem ends this anyway.
        let return_url = reader.take("return-url", |text| url::absolute(text).map(str::to_owned));
        let method = reader.choose("method", &[Method::Any, Method::Sbp]);
        let sbp_place = reader.choose("sbp-code", &[SbpPlace::Page, SbpPlace::Host]);
        let receipt_format = reader.choose("receipt-format", &[ReceiptFormat::V1_2, ReceiptFormat::V1_05]);
        let comment = reader.take("comment", parse_comment);
        let mut problems = reader.into_problems();
        if let (Some(key), Some(test_mode)) = (&secret_key, test_mode) {
            problems.extend(other_mode(key, test_mode));
        }
        match (shop_id, secret_key, api_url, test_mode, method, sbp_place, receipt_format, comment) {
            (
                Some(shop_id),
                Some(secret_key),
                Some(api_url),
                Some(test_mode),
                Some(method),
                Some(sbp_place),
                Some(receipt_format),
                Some(comment),
            ) if problems.is_empty() => {
                Ok(Settings { shop_id, secret_key, api_url, test_mode, return_url, method, sbp_place, receipt_format, comment })
            }
            _ => Err(problems),
        }
    }
}

fn shop_id(text: &str) -> Result<String, Bilingual> {
    if (1..=SHOP_ID_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(filled(
        [
            "Это номер магазина (shopId) из кабинета ЮKassa: не больше {0} цифр.",
            "It is the shop's number (shopId) in YooKassa's cabinet: at most {0} digits.",
        ],
        &[&SHOP_ID_DIGITS_MAX],
    ))
}

/// Parses the key, which goes into a header.
fn secret_key(text: &str) -> Result<Secret, Message> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = [
            "В ключе пробел или нелатинская буква: скопируйте его из кабинета ЮKassa.",
            "It holds a space or a letter that is not Latin; copy it from YooKassa's cabinet.",
        ];
        return Err(message.into());
    }
    Secret::parse(text)
}

/// Returns the problem of a key that is of the other kind of shop.
fn other_mode(key: &Secret, test_mode: bool) -> Option<Problem> {
    let message = if !test_mode && key.expose().starts_with(TEST_KEY) {
        [
            "Это ключ тестового магазина, деньги по нему не приходят. Включите тестовый режим или введите ключ настоящего магазина.",
            "It is the key of a test shop, whose payments bring no money: turn test-mode on, or enter the key of the real shop.",
        ]
    } else if test_mode && key.expose().starts_with(LIVE_KEY) {
        [
            "Это ключ настоящего магазина, а тестовый режим включён. Выключите его или введите номер и ключ тестового магазина.",
            "It is the key of a real shop, and test-mode is on: turn it off, or enter the number and the key of a test shop.",
        ]
    } else {
        return None;
    };
    Some(Code::SettingInvalid.at("secret-key", message))
}

/// The settings form.
pub static DECLARED: [Declared; 9] = [
    Declared::new(
        "shop-id",
        SettingKind::Text,
        ["Идентификатор магазина (shopId)", "Shop number (shopId)"],
        ["Из личного кабинета ЮKassa, раздел «Настройки — Магазин».", "From YooKassa's cabinet, the shop's settings."],
    ),
    Declared::new(
        "secret-key",
        SettingKind::Secret,
        ["Секретный ключ", "Secret key"],
        [
            "Из раздела «Интеграция — Ключи API» того же магазина. Начинается с live_, у тестового магазина — с test_.",
            "From the same shop's API keys. It begins with live_, that of a test shop with test_.",
        ],
    ),
    Declared::new(
        "api-url",
        SettingKind::Url,
        ["Адрес API", "Address of the API"],
        ["Меняйте только по указанию ЮKassa.", "Change it only when YooKassa says so."],
    )
    .or(API_URL),
    Declared::new(
        "test-mode",
        SettingKind::Flag,
        ["Тестовый магазин", "Test shop"],
        [
            "Номер и ключ — тестового магазина. Платежи проверяются, но ничего не зачисляется.",
            "The number and the key are a test shop's. Payments are verified and nothing is credited.",
        ],
    )
    .or("false"),
    // Not of the kind URL: no call is made to it.
    Declared::new(
        "return-url",
        SettingKind::Text,
        ["Адрес возврата плательщика", "Where the payer returns"],
        [
            "Если его не указывает заказ. ЮKassa требует адрес возврата в каждом платеже.",
            "Where the order names none. YooKassa requires one for each payment.",
        ],
    )
    .optional(),
    Declared::new(
        "method",
        SettingKind::Choice,
        ["Способ оплаты", "Payment method"],
        ["Если его не указывает заказ.", "Where the order names none."],
    )
    .or("any")
    .one_of(&METHODS),
    Declared::new(
        "sbp-code",
        SettingKind::Choice,
        ["Где показать QR-код СБП", "Where the code of СБП is shown"],
        [
            "Чтобы показать код здесь, попросите менеджера ЮKassa включить для магазина подтверждение «qr».",
            "To show the code here, ask YooKassa's manager to enable the confirmation «qr» for the shop.",
        ],
    )
    .or("page")
    .one_of(&SBP_PLACES),
    Declared::new(
        "receipt-format",
        SettingKind::Choice,
        ["Формат чеков", "Format of receipts"],
        [
            "Версия ФФД вашей онлайн-кассы. Нужна, если чеки печатает ЮKassa или касса, подключённая к ней.",
            "The version of «ФФД» of the cash register that prints for YooKassa, if one does.",
        ],
    )
    .or("1.2")
    .one_of(&RECEIPT_FORMATS),
    COMMENT,
];

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn entered(changes: &[(&str, &str)]) -> Fields {
        let base = [("shop-id", "100500"), ("secret-key", "live_TestSecretKey1"), ("return-url", "https://lk.example.ru/")];
        kit::settings::entered_with(&base, changes)
    }

    pub(crate) fn settings(changes: &[(&str, &str)]) -> Settings {
        Settings::read(&entered(changes)).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn problems(changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let problems = Settings::read(&entered(changes)).err().unwrap_or_default();
        problems.into_iter().map(|problem| (problem.field.unwrap(), problem.code)).collect()
    }

    fn want(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn defaults() {
        let settings = settings(&[("return-url", "")]);
        assert_eq!((settings.shop_id.as_str(), settings.api_url.as_str()), ("100500", "https://api.yookassa.ru/v3"));
        assert_eq!((settings.test_mode, settings.return_url), (false, None));
        assert_eq!((settings.method, settings.sbp_place), (Method::Any, SbpPlace::Page));
        assert_eq!(settings.receipt_format, ReceiptFormat::V1_2);
        assert_eq!(settings.comment, "Пополнение баланса через ЛК");
    }

    #[test]
    fn every_problem_at_once_with_its_field() {
        assert_eq!(
            problems(&[
                ("shop-id", "shop"),
                ("secret-key", "short"),
                ("api-url", "https://api.yookassa.ru/v3?a=1"),
                ("test-mode", "yes"),
                ("return-url", "lk.example.ru"),
                ("method", "card"),
                ("sbp-code", "wall"),
                ("receipt-format", "1.0"),
                ("comment", &"ы".repeat(256)),
                ("colour", "red"),
            ]),
            want(&[
                ("colour", "setting-unknown"),
                ("test-mode", "setting-invalid"),
                ("method", "setting-invalid"),
                ("sbp-code", "setting-invalid"),
                ("receipt-format", "setting-invalid"),
                ("shop-id", "setting-invalid"),
                ("secret-key", "setting-invalid"),
                ("api-url", "setting-invalid"),
                ("return-url", "setting-invalid"),
                ("comment", "setting-invalid"),
            ])
        );
    }

    #[test]
    fn a_key_is_of_the_shop_that_the_mode_says() {
        for (key, test_mode, good) in [
            ("live_TestSecretKey1", "false", true),
            ("test_TestSecretKey1", "true", true),
            ("test_TestSecretKey1", "false", false),
            ("live_TestSecretKey1", "true", false),
            // The form of keys may change: another one says nothing about the shop.
            ("TestSecretKey1", "false", true),
            ("TestSecretKey1", "true", true),
            ("live_Секретный", "false", false),
            ("live_Test Key1", "false", false),
        ] {
            let found = problems(&[("secret-key", key), ("test-mode", test_mode)]);
            assert_eq!(found.is_empty(), good, "{key} {test_mode}: {found:?}");
        }
    }

    #[test]
    fn no_message_holds_the_key() {
        for key in ["key7", "live_key7 key7", "test_key7key7"] {
            let problems = Settings::read(&entered(&[("secret-key", key)])).err().unwrap();
            assert!(!format!("{problems:?}").contains("key7"), "{key}");
        }
    }

    #[test]
    fn every_choice_is_understood() {
        let entered = [("method", "sbp"), ("sbp-code", "host"), ("receipt-format", "1.05"), ("test-mode", "true")];
        let settings = settings(&[&entered[..], &[("secret-key", "test_TestSecretKey1")]].concat());
        assert_eq!((settings.method, settings.sbp_place), (Method::Sbp, SbpPlace::Host));
        assert_eq!((settings.receipt_format, settings.test_mode), (ReceiptFormat::V1_05, true));
    }
}
