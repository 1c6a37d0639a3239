//! What the operator enters in «Настройки → Настройка платежных систем».

use kit::contract::{Fields, Problem, SettingKind};
use kit::settings::{self, COMMENT, Choice, Declared, ENGLISH, LANGUAGE, RUSSIAN, Reader, parse_comment, parse_page};
use kit::signature::Secret;
use money::Currency;

/// The currencies that occur in public integrations.
pub const CURRENCIES: [Choice; 4] = [
    Choice::new("RUB", ["российский рубль (RUB)", "Russian rouble (RUB)"]),
    Choice::new("USD", ["доллар США (USD)", "US dollar (USD)"]),
    Choice::new("EUR", ["евро (EUR)", "euro (EUR)"]),
    Choice::new("CAD", ["канадский доллар (CAD)", "Canadian dollar (CAD)"]),
];

/// In the order of [`OrderControl`].
const ORDER_CONTROLS: [Choice; 3] = [
    Choice::new("basic", ["выключен", "off"]),
    Choice::new("order-id", ["включён", "on"]),
    Choice::new("order-id-with-expiry", ["включён, у страницы оплаты есть срок", "on, and the payment page has a time limit"]),
];

/// The languages of ChronoPay's payment page, as BCP 47 primary subtags.
const LANGUAGES: [Choice; 7] = [
    RUSSIAN,
    ENGLISH,
    Choice::new("de", ["немецкий", "German"]),
    Choice::new("es", ["испанский", "Spanish"]),
    Choice::new("lv", ["латышский", "Latvian"]),
    Choice::new("nl", ["нидерландский", "Dutch"]),
    Choice::new("pt", ["португальский", "Portuguese"]),
];

/// ChronoPay's names of these languages, in the same order.
const LANGUAGE_NAMES: [&str; 7] = ["Ru", "En", "De", "Es", "Lv", "Nl", "PT"];

/// ChronoPay's id of a merchant: `NNNNNN-NNNN-NNNN`, which is client, site and product.
pub struct ProductId(String);

impl ProductId {
    fn parse(text: &str) -> Result<ProductId, [&'static str; 2]> {
        let groups: Vec<&str> = text.split('-').collect();
        let digits = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
        if digits && groups.iter().map(|group| group.len()).eq([6, 4, 4]) {
            Ok(ProductId(text.to_owned()))
        } else {
            Err([
                "ProductId — три группы из 6, 4 и 4 цифр, такие как 001234-0001-0001; его выдаёт ChronoPay.",
                "A ProductId is three groups of 6, 4 and 4 digits, such as 001234-0001-0001; ChronoPay issues it.",
            ])
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How the account's option «контроль уникальности заказа» changes the request's signature. The option is agreed with
/// ChronoPay; sending an order id does not switch it on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderControl {
    /// Off: the order id is not signed and is sent in `cs1` only.
    Basic,
    /// On: the order id is signed.
    OrderId,
    /// On, and the page has a time limit, which is signed as well.
    OrderIdWithExpiry,
}

/// Validated settings.
pub struct Settings {
    pub product_id: ProductId,
    pub shared_sec: Secret,
    pub order_control: OrderControl,
    pub currency: Currency,
    pub payment_page: String,
    /// The address of the gate.
    pub gate: String,
    /// ChronoPay's name of the page's language.
    pub language: &'static str,
    /// ChronoPay's number of a group of payment instruments: digits.
    pub payment_type_group: Option<String>,
    pub comment: String,
}

impl Settings {
    /// Parses the entered settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Settings, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let product_id = reader.take("product-id", ProductId::parse);
        let shared_sec = reader.take("shared-sec", Secret::parse);
        let all = [OrderControl::Basic, OrderControl::OrderId, OrderControl::OrderIdWithExpiry];
        let order_control = reader.choose("order-control", &all);
        let currency = reader.currency("currency");
        let payment_page = reader.take("payment-page", parse_page);
        let gate = reader.take("gate-url", parse_page);
        let language = reader.choose("language", &LANGUAGE_NAMES);
        let payment_type_group = reader.take("payment-type-group", |text| Ok::<_, String>(text.to_owned()));
        let comment = reader.take("comment", parse_comment);
        let problems = reader.into_problems();
        match (product_id, shared_sec, order_control, currency, payment_page.zip(gate), language, comment) {
            (
                Some(product_id),
                Some(shared_sec),
                Some(order_control),
                Some(currency),
                Some((payment_page, gate)),
                Some(language),
                Some(comment),
            ) if problems.is_empty() => Ok(Settings {
                product_id,
                shared_sec,
                order_control,
                currency,
                payment_page,
                gate,
                language,
                payment_type_group,
                comment,
            }),
            _ => Err(problems),
        }
    }
}

/// Returns ChronoPay's name of a language by its BCP 47 tag, or `None` if the payment page does not support it.
pub fn language(tag: &str) -> Option<&'static str> {
    settings::language(tag, &LANGUAGES, &LANGUAGE_NAMES)
}

/// The settings form.
pub static DECLARED: [Declared; 9] = [
    Declared::new(
        "product-id",
        SettingKind::Text,
        ["ProductId", "ProductId"],
        [
            "Номер торговой точки, выдаётся ChronoPay вместе с договором. Вид: 001234-0001-0001.",
            "The shop's number, issued by ChronoPay with the contract. It looks like 001234-0001-0001.",
        ],
    ),
    Declared::new(
        "shared-sec",
        SettingKind::Secret,
        ["SharedSec", "SharedSec"],
        [
            "Секретное слово (кодовое слово продавца) из личного кабинета ChronoPay, не короче 8 знаков. Им подписаны ссылки и уведомления: никому его не сообщайте.",
            "The shared secret from ChronoPay's cabinet, at least 8 characters. It signs links and callbacks: tell it to nobody.",
        ],
    ),
    Declared::new(
        "order-control",
        SettingKind::Choice,
        ["Контроль уникальности заказа", "Order uniqueness control"],
        [
            "Как в договорённости с ChronoPay. При несовпадении ChronoPay отвергает подпись ссылки.",
            "As agreed with ChronoPay. Where it differs, ChronoPay refuses the link's signature.",
        ],
    )
    .or("basic")
    .one_of(&ORDER_CONTROLS),
    Declared::new(
        "currency",
        SettingKind::Choice,
        ["Валюта", "Currency"],
        [
            "Валюта торговой точки. У ChronoPay она привязана к ProductId.",
            "The shop's currency. At ChronoPay it belongs to the ProductId.",
        ],
    )
    .or("RUB")
    .one_of(&CURRENCIES),
    Declared::new(
        "payment-page",
        SettingKind::Url,
        ["Адрес страницы оплаты", "Payment page"],
        ["Меняйте только по указанию ChronoPay.", "Change it only when ChronoPay says so."],
    )
    .or("https://payments.chronopay.com/"),
    Declared::new(
        "gate-url",
        SettingKind::Url,
        ["Адрес шлюза", "Address of the gate"],
        ["Меняйте только по указанию ChronoPay.", "Change it only when ChronoPay says so."],
    )
    .or("https://gate.chronopay.com/"),
    LANGUAGE.one_of(&LANGUAGES),
    Declared::new(
        "payment-type-group",
        SettingKind::Integer,
        ["Способ оплаты", "Payment instrument"],
        [
            "Номер способа оплаты, выбранного заранее, например 1 для банковской карты. Пусто: выбирает плательщик.",
            "The number of the instrument chosen beforehand, such as 1 for a bank card. Empty: the payer chooses.",
        ],
    )
    .optional(),
    COMMENT,
];

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn entered(changes: &[(&str, &str)]) -> Fields {
        let base = [("product-id", "001234-0001-0001"), ("shared-sec", "TestSharedSec001")];
        kit::settings::entered_with(&base, changes)
    }

    pub(crate) fn settings(changes: &[(&str, &str)]) -> Settings {
        Settings::read(&entered(changes)).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    #[test]
    fn defaults() {
        let settings = settings(&[]);
        assert_eq!(settings.product_id.as_str(), "001234-0001-0001");
        assert_eq!(settings.order_control, OrderControl::Basic);
        assert_eq!(settings.currency, Currency::RUB);
        assert_eq!(settings.payment_page, "https://payments.chronopay.com/");
        assert_eq!((settings.language, settings.payment_type_group), ("Ru", None));
        assert_eq!(settings.comment, "Пополнение баланса через ЛК");
    }

    #[test]
    fn every_problem_at_once_with_its_field() {
        let problems = |changes: &[(&str, &str)]| {
            let problems = Settings::read(&entered(changes)).err().unwrap();
            problems.into_iter().map(|problem| (problem.field.unwrap(), problem.code)).collect::<Vec<_>>()
        };
        let want = |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
        assert_eq!(
            problems(&[
                ("product-id", "1234"),
                ("shared-sec", ""),
                ("order-control", "off"),
                ("currency", "GBP"),
                ("payment-page", "http://payments.chronopay.com/"),
                ("language", "fr"),
                ("payment-type-group", "card"),
                ("colour", "red"),
            ]),
            want(&[
                ("colour", "setting-unknown"),
                ("shared-sec", "setting-missing"),
                ("order-control", "setting-invalid"),
                ("currency", "setting-invalid"),
                ("payment-page", "setting-invalid"),
                ("language", "setting-invalid"),
                ("payment-type-group", "setting-invalid"),
                ("product-id", "setting-invalid"),
            ])
        );
        for secret in ["1234567", " TestSharedSec001", "TestSharedSec001 ", "Test\tSharedSec"] {
            assert_eq!(problems(&[("shared-sec", secret)]), want(&[("shared-sec", "setting-invalid")]), "{secret:?}");
        }
        assert_eq!(
            problems(&[("payment-page", "https://payments.chronopay.com/?a=1")]),
            want(&[("payment-page", "setting-invalid")])
        );
        assert_eq!(problems(&[("comment", &"ы".repeat(256))]), want(&[("comment", "setting-invalid")]));
    }

    #[test]
    fn a_wrong_product_id_says_what_one_looks_like() {
        for text in
            ["", "001234", "001234-0001", "1234-0001-0001", "001234-0001-000x", "001234-0001-0001-0001", "001234‐0001‐0001"]
        {
            let message = ProductId::parse(text).err().unwrap();
            assert!(message.iter().all(|text| text.contains("001234-0001-0001")), "{text}");
        }
    }

    #[test]
    fn no_message_holds_the_secret() {
        for secret in ["secret7", "secret-secret-secret ", "secret\u{1}secret", &"secret".repeat(30)] {
            let problems = Settings::read(&entered(&[("shared-sec", secret), ("product-id", "x")])).err().unwrap();
            assert!(!format!("{problems:?}").contains("secret7") && !format!("{problems:?}").contains("secret-secret"));
            assert!(problems.iter().any(|problem| problem.field.as_deref() == Some("shared-sec")));
        }
    }

    #[test]
    fn every_choice_is_understood() {
        for (control, want) in [
            ("basic", OrderControl::Basic),
            ("order-id", OrderControl::OrderId),
            ("order-id-with-expiry", OrderControl::OrderIdWithExpiry),
        ] {
            assert_eq!(settings(&[("order-control", control)]).order_control, want);
        }
        for (tag, want) in [("ru-RU", Some("Ru")), ("en", Some("En")), ("pt-BR", Some("PT")), ("fr", None)] {
            assert_eq!(language(tag), want, "{tag}");
        }
        assert_eq!(settings(&[("language", "nl")]).language, "Nl");
    }
}
