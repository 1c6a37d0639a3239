//! What the operator enters in «Настройки → Настройка платежных систем».

use std::borrow::Cow;

use kit::contract::{Fields, Problem, SettingKind};
use kit::problem::{Bilingual, Code, filled};
use kit::settings::{
    self, COMMENT, Choice, Declared, ENGLISH, LANGUAGE, RUSSIAN, Reader, parse_api, parse_comment, parse_page,
};
use kit::signature::{Hash, Secret};
use money::Currency;

/// Robokassa's sums are in roubles. It would convert a link in another currency by its own rate, and which sum comes back is
/// uncertain.
pub const CURRENCY: Currency = Currency::RUB;

/// The longest shop name that is accepted; Robokassa publishes no limit.
const MERCHANT_LOGIN_CHARS_MAX: usize = 64;

/// The languages of Robokassa's payment page. Robokassa uses the same names.
const LANGUAGES: [Choice; 2] = [RUSSIAN, ENGLISH];
const LANGUAGE_NAMES: [&str; 2] = ["ru", "en"];

/// In the order of [`Hash::ALL`].
const HASH_CHOICES: [Choice; 3] =
    [Choice::plain(Hash::Md5.name()), Choice::plain(Hash::Sha256.name()), Choice::plain(Hash::Sha512.name())];

/// Validated settings.
pub struct Settings {
    /// Printable ASCII without a colon, which separates the signed values.
    pub merchant_login: String,
    /// Signs links.
    pub password_1: Secret,
    /// Signs notifications, and questions about the state of an invoice.
    pub password_2: Secret,
    /// Signs refunds. None: refunds are not made by the API.
    pub password_3: Option<Secret>,
    pub hash: Hash,
    /// Whether the passwords are the test ones. If so, nothing is credited.
    pub test_mode: bool,
    pub payment_page: String,
    /// Where the state of an invoice is asked.
    pub state_url: String,
    /// The Refund API, without a slash at its end.
    pub refund_url: String,
    pub language: &'static str,
    pub return_urls: ReturnUrls,
    pub comment: String,
}

/// Whether a link contains return addresses, and how they are signed. Robokassa's documentation and its support contradict each
/// other on this, and a wrong signature makes every payment fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReturnUrls {
    /// Not in the link: the addresses in the shop's technical settings apply.
    Cabinet,
    /// Signed as plain text.
    Plain,
    /// Signed URL-encoded.
    Encoded,
}

/// The variants in the settings, in the same order.
const RETURN_URLS: [Choice; 3] = [
    Choice::new("cabinet", ["на адреса из технических настроек магазина", "to the addresses of the shop's technical settings"]),
    Choice::new("plain", ["на адреса заказа, подписанные как есть", "to the order's addresses, signed as they are"]),
    Choice::new("encoded", ["на адреса заказа, подписанные в URL-кодировке", "to the order's addresses, signed URL-encoded"]),
];

impl ReturnUrls {
    /// Returns an address in the form in which it is signed.
    pub fn signed(self, url: &str) -> Cow<'_, str> {
        match self {
            ReturnUrls::Cabinet | ReturnUrls::Plain => url.into(),
            ReturnUrls::Encoded => kit::form::encode_value(url).into(),
        }
    }
}

impl Settings {
    /// Parses the entered settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Settings, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let merchant_login = reader.take("merchant-login", merchant_login);
        let password_1 = reader.take("password-1", Secret::parse);
        let password_2 = reader.take("password-2", Secret::parse);
        let password_3 = reader.take("password-3", Secret::parse);
        let hash = reader.choose("hash-algorithm", &Hash::ALL);
        let test_mode = reader.flag("test-mode");
        let payment_page = reader.take("payment-page", parse_page);
        let state_url = reader.take("state-url", parse_page);
        let refund_url = reader.take("refund-url", parse_api);
        let language = reader.choose("language", &LANGUAGE_NAMES);
        let return_urls = reader.choose("return-urls", &[ReturnUrls::Cabinet, ReturnUrls::Plain, ReturnUrls::Encoded]);
        let comment = reader.take("comment", parse_comment);
        let mut problems = reader.into_problems();
        if let (Some(first), Some(second)) = (&password_1, &password_2)
            && first.is(second)
        {
            let message = [
                "Он такой же, как Пароль №1, которым подписан возврат покупателя: по нему можно было бы подделать платёж. Задайте в Robokassa \
                 два разных пароля и введите их здесь.",
                "It is the same as Password #1, with which the buyer's return is signed: that would then prove a payment. Enter two different \
                 passwords at Robokassa, and here.",
            ];
            problems.push(Code::SettingInvalid.at("password-2", message));
        }
        let urls = payment_page.zip(state_url).zip(refund_url);
        match (merchant_login, password_1, password_2, hash, test_mode, urls, language, return_urls, comment) {
            (
                Some(merchant_login),
                Some(password_1),
                Some(password_2),
                Some(hash),
                Some(test_mode),
                Some(((payment_page, state_url), refund_url)),
                Some(language),
                Some(return_urls),
                Some(comment),
            ) if problems.is_empty() => Ok(Settings {
                merchant_login,
                password_1,
                password_2,
                password_3,
                hash,
                test_mode,
                payment_page,
                state_url,
                refund_url,
                language,
                return_urls,
                comment,
            }),
            _ => Err(problems),
        }
    }
}

fn merchant_login(text: &str) -> Result<String, Bilingual> {
    let known = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if text.len() <= MERCHANT_LOGIN_CHARS_MAX && text.bytes().all(known) {
        return Ok(text.to_owned());
    }
    Err(filled(
        [
            "Это идентификатор магазина из технических настроек Robokassa: не больше {0} латинских букв, цифр и знаков, \
             без пробелов и двоеточий.",
            "It is the shop's identifier in Robokassa's technical settings: at most {0} Latin letters, digits and signs, \
             no space and no colon.",
        ],
        &[&MERCHANT_LOGIN_CHARS_MAX],
    ))
}

/// Returns Robokassa's name of a language by its BCP 47 tag, or `None` if the payment page does not support it.
pub fn language(tag: &str) -> Option<&'static str> {
    settings::language(tag, &LANGUAGES, &LANGUAGE_NAMES)
}

/// The settings form.
pub static DECLARED: [Declared; 12] = [
        Declared::new(
            "merchant-login",
            SettingKind::Text,
            ["Идентификатор магазина", "Shop identifier (MerchantLogin)"],
            [
                "MerchantLogin: из технических настроек магазина в личном кабинете Robokassa.",
                "MerchantLogin, from the shop's technical settings in Robokassa's cabinet.",
            ],
        ),
        Declared::new(
            "password-1",
            SettingKind::Secret,
            ["Пароль #1", "Password #1"],
            [
                "Из технических настроек магазина; им подписаны ссылки на оплату. В тестовом режиме — тестовый пароль #1.",
                "From the shop's technical settings; it signs payment links. In test mode: the test Password #1.",
            ],
        ),
        Declared::new(
            "password-2",
            SettingKind::Secret,
            ["Пароль #2", "Password #2"],
            [
                "Оттуда же; им подписаны уведомления на ResultURL. Отличается от пароля #1. У каждого магазина должен быть свой. В тестовом режиме — тестовый пароль #2.",
                "From the same place; it signs notifications to ResultURL. Differs from Password #1, and from shop to shop. In test mode: the test Password #2.",
            ],
        ),
        Declared::new(
            "password-3",
            SettingKind::Secret,
            ["Пароль #3", "Password #3"],
            [
                "Им подписаны возвраты. Robokassa выдаёт его, когда открывает доступ к API возвратов. Пусто: возвраты делаются только в личном кабинете Robokassa.",
                "It signs refunds. Robokassa issues it when it opens the Refund API. Empty: refunds are made in Robokassa's cabinet only.",
            ],
        )
        .optional(),
        Declared::new(
                    "hash-algorithm",
                    SettingKind::Choice,
                    ["Алгоритм расчёта хеша", "Hash algorithm"],
                    [
                        "Тот же, что в технических настройках магазина. Лучше sha256: md5 стоит там по умолчанию и слабее. RIPEMD160, SHA1 и SHA384 не поддерживаются.",
                        "The one of the shop's technical settings. sha256 is better than md5, which is the default there and weaker. RIPEMD160, SHA1 and SHA384 are not supported.",
                    ],
    ).or("md5").one_of(&HASH_CHOICES),
        Declared::new(
                "test-mode",
                SettingKind::Flag,
                ["Тестовый режим", "Test mode"],
                [
                    "Ссылки ведут на тестовую оплату, пароли здесь — тестовые, уведомления проверяются, но ничего не зачисляется. Не включайте, когда принимаете настоящие платежи: их уведомления будут отвергнуты.",
                    "Links lead to test payments, the passwords here are the test ones, notifications are verified and nothing is credited. Not while you take real payments: their notifications would be refused.",
                ],
    ).or("false"),
        Declared::new(
                "payment-page",
                SettingKind::Url,
                ["Адрес страницы оплаты", "Payment page"],
                ["Меняйте только по указанию Robokassa.", "Change it only when Robokassa says so."],
    ).or("https://auth.robokassa.ru/Merchant/Index.aspx"),
        Declared::new(
                "state-url",
                SettingKind::Url,
                ["Адрес для запроса состояния", "Address for states"],
                ["Меняйте только по указанию Robokassa.", "Change it only when Robokassa says so."],
    ).or("https://auth.robokassa.ru/Merchant/WebService/Service.asmx/OpStateExt"),
        Declared::new(
                "refund-url",
                SettingKind::Url,
                ["Адрес API возвратов", "Address of the Refund API"],
                ["Меняйте только по указанию Robokassa.", "Change it only when Robokassa says so."],
    ).or("https://services.robokassa.ru/RefundService/Refund"),
        LANGUAGE.one_of(&LANGUAGES),
        Declared::new(
                    "return-urls",
                    SettingKind::Choice,
                    ["Возврат покупателя", "The payer's return"],
                    [
                        "Адреса заказа уходят в SuccessUrl2 и FailUrl2. Источники расходятся, какая их подпись верна: сначала проверьте пробным платежом.",
                        "The order's addresses go in SuccessUrl2 and FailUrl2. Sources differ on which signature of them is right: try a test payment first.",
                    ],
    ).or("cabinet").one_of(&RETURN_URLS),
        COMMENT,
];

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn entered(changes: &[(&str, &str)]) -> Fields {
        let base = [("merchant-login", "robo-demo-test"), ("password-1", "TestPassword1"), ("password-2", "TestPassword2")];
        kit::settings::entered_with(&base, changes)
    }

    pub(crate) fn settings(changes: &[(&str, &str)]) -> Settings {
        Settings::read(&entered(changes)).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn problems(changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let problems = Settings::read(&entered(changes)).err().unwrap();
        problems.into_iter().map(|problem| (problem.field.unwrap(), problem.code)).collect()
    }

    fn want(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn defaults() {
        let settings = settings(&[]);
        assert_eq!(settings.merchant_login, "robo-demo-test");
        assert_eq!((settings.hash, settings.test_mode, settings.language), (Hash::Md5, false, "ru"));
        assert_eq!(settings.payment_page, "https://auth.robokassa.ru/Merchant/Index.aspx");
        assert_eq!(settings.comment, "Пополнение баланса через ЛК");
    }

    #[test]
    fn every_problem_at_once_with_its_field() {
        assert_eq!(
            problems(&[
                ("merchant-login", "a:b"),
                ("password-1", ""),
                ("password-2", "short"),
                ("hash-algorithm", "sha1"),
                ("test-mode", "yes"),
                ("payment-page", "https://auth.robokassa.ru/Merchant/Index.aspx?a=1"),
                ("language", "fr"),
                ("comment", &"ы".repeat(256)),
                ("colour", "red"),
            ]),
            want(&[
                ("colour", "setting-unknown"),
                ("password-1", "setting-missing"),
                ("hash-algorithm", "setting-invalid"),
                ("test-mode", "setting-invalid"),
                ("language", "setting-invalid"),
                ("merchant-login", "setting-invalid"),
                ("password-2", "setting-invalid"),
                ("payment-page", "setting-invalid"),
                ("comment", "setting-invalid"),
            ])
        );
    }

    #[test]
    fn every_choice_is_understood() {
        for hash in Hash::ALL {
            assert_eq!(settings(&[("hash-algorithm", hash.name())]).hash, hash);
        }
        for (name, want) in [("cabinet", ReturnUrls::Cabinet), ("plain", ReturnUrls::Plain), ("encoded", ReturnUrls::Encoded)] {
            assert_eq!(settings(&[("return-urls", name)]).return_urls, want);
        }
        assert_eq!((settings(&[("language", "en")]).language, language("EN-us"), language("fr")), ("en", Some("en"), None));
    }

    #[test]
    fn the_two_passwords_differ() {
        assert_eq!(problems(&[("password-2", "TestPassword1")]), want(&[("password-2", "setting-invalid")]));
    }

    #[test]
    fn names_of_shops() {
        for (text, good) in [
            ("demo", true),
            ("example.ru", true),
            ("Shop_1", true),
            ("магазин", false),
            ("a b", false),
            ("a:1", false),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(merchant_login(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn no_message_holds_a_password() {
        let same = [("password-1", "secret-secret"), ("password-2", "secret-secret")];
        let bad = [("password-1", "secret7"), ("password-2", "secret\u{1}secret")];
        for changes in [same, bad] {
            let problems = Settings::read(&entered(&changes)).err().unwrap();
            assert!(!format!("{problems:?}").contains("secret7") && !format!("{problems:?}").contains("secret-secret"));
        }
    }
}
