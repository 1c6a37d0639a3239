//! What the operator enters in «Настройки → Настройка платежных систем».

use kit::contract::{Fields, Problem, SettingKind};
use kit::datetime;
use kit::problem::Code;
use kit::problem::{Bilingual, both, filled};
use kit::settings::{COMMENT, Choice, Declared, Reader, parse_comment};
use kit::xml::Name;
use money::Currency;
use time::UtcOffset;

use crate::account::{AccountForm, Characters};
use crate::names;

/// The longest account number, by the contract.
const ACCOUNT_CHARS_MAX: usize = 64;

/// Currencies with two decimals of the countries where the protocol is spoken.
pub const CURRENCIES: [Choice; 11] = [
    Choice::new("RUB", ["российский рубль (RUB)", "Russian rouble (RUB)"]),
    Choice::new("AMD", ["армянский драм (AMD)", "Armenian dram (AMD)"]),
    Choice::new("AZN", ["азербайджанский манат (AZN)", "Azerbaijani manat (AZN)"]),
    Choice::new("BYN", ["белорусский рубль (BYN)", "Belarusian rouble (BYN)"]),
    Choice::new("GEL", ["грузинский лари (GEL)", "Georgian lari (GEL)"]),
    Choice::new("KGS", ["киргизский сом (KGS)", "Kyrgyz som (KGS)"]),
    Choice::new("KZT", ["казахстанский тенге (KZT)", "Kazakhstani tenge (KZT)"]),
    Choice::new("MDL", ["молдавский лей (MDL)", "Moldovan leu (MDL)"]),
    Choice::new("TJS", ["таджикский сомони (TJS)", "Tajik somoni (TJS)"]),
    Choice::new("UAH", ["украинская гривна (UAH)", "Ukrainian hryvnia (UAH)"]),
    Choice::new("UZS", ["узбекский сум (UZS)", "Uzbek sum (UZS)"]),
];

/// Their numbers by ISO 4217, in the same order.
const NUMBERS: [&str; 11] = ["643", "051", "944", "933", "981", "417", "398", "498", "972", "980", "860"];

const PROTOCOLS: [Choice; 2] = [
    Choice::new(
        "osmp",
        ["ОСМП, QIWI и их повторения; Сбербанк, протокол № 2", "ОСМП, QIWI and their copies; Sber's protocol 2"],
    ),
    Choice::new("sber", ["Сбербанк, протокол № 1 (ACTION, PAY_ID)", "Sber's protocol 1 (ACTION, PAY_ID)"]),
];

const CHARACTERS: [Choice; 3] = [
    Choice::new("digits", ["только цифры", "digits alone"]),
    Choice::new("latin", ["латинские буквы, цифры и - _ . /", "Latin letters, digits and - _ . /"]),
    Choice::new("visible", ["любые видимые знаки", "any visible characters"]),
];

/// Zones by their offset from UTC.
const ZONES: [Choice; 11] = [
    Choice::new("+02:00", ["UTC+2 (Калининград)", "UTC+2 (Kaliningrad)"]),
    Choice::new("+03:00", ["UTC+3 (Москва)", "UTC+3 (Moscow)"]),
    Choice::new("+04:00", ["UTC+4 (Самара, Ереван)", "UTC+4 (Samara, Yerevan)"]),
    Choice::new("+05:00", ["UTC+5 (Екатеринбург, Астана, Ташкент)", "UTC+5 (Yekaterinburg, Astana, Tashkent)"]),
    Choice::new("+06:00", ["UTC+6 (Омск, Бишкек)", "UTC+6 (Omsk, Bishkek)"]),
    Choice::new("+07:00", ["UTC+7 (Красноярск)", "UTC+7 (Krasnoyarsk)"]),
    Choice::new("+08:00", ["UTC+8 (Иркутск)", "UTC+8 (Irkutsk)"]),
    Choice::new("+09:00", ["UTC+9 (Якутск)", "UTC+9 (Yakutsk)"]),
    Choice::new("+10:00", ["UTC+10 (Владивосток)", "UTC+10 (Vladivostok)"]),
    Choice::new("+11:00", ["UTC+11 (Магадан)", "UTC+11 (Magadan)"]),
    Choice::new("+12:00", ["UTC+12 (Камчатка)", "UTC+12 (Kamchatka)"]),
];

/// The elements of ОСМП's reply whose names are fixed.
const ELEMENTS: [&str; 7] = ["response", "cancel_txn_id", "prv_txn", "sum", "result", "comment", "fields"];

/// Which protocol the terminals speak.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Protocol {
    Osmp {
        /// The parameter with the payment's number: `txn_id`.
        id_parameter: String,
        /// The element of replies that repeats it: `osmp_txn_id`.
        id_element: Name,
    },
    Sber,
}

/// Validated settings.
pub struct Settings {
    pub protocol: Protocol,
    pub account: AccountForm,
    /// The payment system's clock.
    pub zone: UtcOffset,
    pub currency: Currency,
    /// Whether a check's reply shows the account's holder, address and balance.
    pub shows_account: bool,
    pub comment: String,
}

impl Settings {
    /// Parses the entered settings.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Settings, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let protocol = reader.take("protocol", |text| Ok::<_, String>(text.to_owned()));
        let id_parameter = reader.take("id-parameter", parse_parameter);
        let id_element = reader.take("id-element", parse_element);
        let characters = reader.choose("account-characters", &[Characters::Digits, Characters::Latin, Characters::Visible]);
        let chars_min = reader.take("account-chars-min", parse_length);
        let chars_max = reader.take("account-chars-max", parse_length);
        let zone = reader.take("utc-offset", parse_zone);
        let currency = reader.currency("currency");
        let shows_account = reader.flag("show-account");
        let comment = reader.take("comment", parse_comment);
        let mut problems = reader.into_problems();
        if chars_min > chars_max && chars_max.is_some() {
            let message = [
                "Это меньше наименьшей длины номера: ни один номер не подойдёт.",
                "It is less than account-chars-min, so that no number could have the form.",
            ];
            problems.push(Code::SettingInvalid.at("account-chars-max", message));
        }
        let named = protocol.zip(id_parameter.zip(id_element));
        let account = characters.zip(chars_min.zip(chars_max));
        match (named, account, zone, currency, shows_account, comment) {
            (
                Some((protocol, (id_parameter, id_element))),
                Some((characters, (chars_min, chars_max))),
                Some(zone),
                Some(currency),
                Some(shows_account),
                Some(comment),
            ) if problems.is_empty() => Ok(Settings {
                protocol: if protocol == "sber" { Protocol::Sber } else { Protocol::Osmp { id_parameter, id_element } },
                account: AccountForm { characters, chars: chars_min..=chars_max },
                zone,
                currency,
                shows_account,
                comment,
            }),
            _ => Err(problems),
        }
    }

    /// Reports whether a payment system's text denotes the currency: its code in any letter case, or its number.
    pub fn is_currency(&self, text: &str) -> bool {
        let number = CURRENCIES.iter().zip(NUMBERS).find(|(currency, _)| self.currency.is(currency.value));
        self.currency.is_meant_by(text) || number.is_some_and(|(_, number)| number == text)
    }
}

/// Parses the name of the parameter with the payment's number, which has the form of an element's name.
fn parse_parameter(text: &str) -> Result<String, Bilingual> {
    parse_name(text)?;
    if names::is_taken(text) {
        let message = ["Так называется другой параметр протокола.", "Another parameter of the protocol has this name."];
        return Err(both(message));
    }
    Ok(text.to_owned())
}

/// Parses the name of the element with the payment's number.
fn parse_element(text: &str) -> Result<Name, Bilingual> {
    if ELEMENTS.contains(&text) {
        let message = ["Так называется другой элемент ответа.", "Another element of the reply has this name."];
        return Err(both(message));
    }
    parse_name(text)
}

fn parse_name(text: &str) -> Result<Name, Bilingual> {
    let in_russian = "Имя — латинские буквы, цифры, дефис, точка и подчёркивание. Начинается с буквы или подчёркивания.";
    Name::parse(text).map_err(|in_english| [in_russian.to_owned(), in_english])
}

fn parse_length(text: &str) -> Result<usize, Bilingual> {
    let length = text.parse().ok().filter(|length| (1..=ACCOUNT_CHARS_MAX).contains(length));
    length.ok_or_else(|| {
        filled(
            ["Длина номера лицевого счёта — от 1 до {0} символов.", "An account's number has 1 to {0} characters."],
            &[&ACCOUNT_CHARS_MAX],
        )
    })
}

fn parse_zone(text: &str) -> Result<UtcOffset, String> {
    let time = datetime::rfc3339(&format!("2000-01-01T00:00:00{text}"));
    time.map(|time| time.offset()).ok_or_else(|| "There is no such choice.".to_owned())
}

/// The settings form.
pub static DECLARED: [Declared; 10] = [
    Declared::new(
        "protocol",
        SettingKind::Choice,
        ["Протокол", "Protocol"],
        [
            "Какой назвала платёжная система. У ОСМП запросы с command и txn_id, у Сбербанка — с ACTION и PAY_ID.",
            "The one that the payment system named. Requests of ОСМП have command and txn_id, those of Sber ACTION and PAY_ID.",
        ],
    )
    .or("osmp")
    .one_of(&PROTOCOLS),
    Declared::new(
        "id-parameter",
        SettingKind::Text,
        ["Параметр с номером платежа", "Parameter with the payment's number"],
        [
            "Только для ОСМП. Меняйте, если в описании платёжной системы он назван иначе, например ibox_txn_id.",
            "For ОСМП alone. Change it where the payment system's manual has another name, such as ibox_txn_id.",
        ],
    )
    .or("txn_id"),
    Declared::new(
        "id-element",
        SettingKind::Text,
        ["Элемент ответа с номером платежа", "Element of replies with the payment's number"],
        [
            "Только для ОСМП. Платёжные системы, которые повторили протокол, называют его по-своему, например ibox_txn_id.",
            "For ОСМП alone. Payment systems that copied the protocol have a name of their own, such as ibox_txn_id.",
        ],
    )
    .or("osmp_txn_id"),
    Declared::new(
        "account-characters",
        SettingKind::Choice,
        ["Из чего состоит номер лицевого счёта", "Characters of an account's number"],
        [
            "Номер другого вида отвергается сразу: «неверный формат». Биллинг о нём не спрашивают.",
            "A number of another form is refused at once as malformed; billing is not asked about it.",
        ],
    )
    .or("digits")
    .one_of(&CHARACTERS),
    Declared::new(
        "account-chars-min",
        SettingKind::Integer,
        ["Наименьшая длина номера", "Shortest number"],
        ["В знаках, от 1 до 64.", "In characters, 1 to 64."],
    )
    .or("1"),
    Declared::new(
        "account-chars-max",
        SettingKind::Integer,
        ["Наибольшая длина номера", "Longest number"],
        ["В знаках, от 1 до 64, не меньше наименьшей.", "In characters, 1 to 64, not below the shortest."],
    )
    .or("20"),
    Declared::new(
        "utc-offset",
        SettingKind::Choice,
        ["Часовой пояс платёжной системы", "The payment system's time zone"],
        [
            "По нему указано время платежа, и по этому времени платёж попадает в реестр дня. ОСМП, QIWI и Сбербанк — по Москве.",
            "The time of a payment is given by it, and by that time the payment belongs to a day's register. ОСМП, QIWI and Sber: Moscow.",
        ],
    )
    .or("+03:00")
    .one_of(&ZONES),
    Declared::new(
        "currency",
        SettingKind::Choice,
        ["Валюта", "Currency"],
        ["Суммы в запросах — в ней.", "Sums in requests are in it."],
    )
    .or("RUB")
    .one_of(&CURRENCIES),
    Declared::new(
        "show-account",
        SettingKind::Flag,
        ["Показывать плательщику счёт", "Show the account to the payer"],
        [
            "Владелец (фамилия и инициалы), адрес и баланс в ответе на проверку. Их увидит любой, кто введёт номер на терминале.",
            "The holder (family name and initials), address and balance in the reply to a check. Whoever enters the number at a terminal sees them.",
        ],
    )
    .or("true"),
    COMMENT.or("Пополнение баланса через терминал"),
];

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn settings(entered: &[(&str, &str)]) -> Settings {
        Settings::read(&fields(entered)).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn fields(entered: &[(&str, &str)]) -> Fields {
        entered.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn problems(entered: &[(&str, &str)]) -> Vec<(String, String)> {
        let problems = Settings::read(&fields(entered)).err().unwrap();
        problems.into_iter().map(|problem| (problem.field.unwrap(), problem.code)).collect()
    }

    #[test]
    fn defaults() {
        let settings = settings(&[]);
        let id_element = Name::from("osmp_txn_id");
        assert_eq!(settings.protocol, Protocol::Osmp { id_parameter: "txn_id".to_owned(), id_element });
        assert_eq!(settings.account, AccountForm { characters: Characters::Digits, chars: 1..=20 });
        assert_eq!((settings.zone, settings.currency), (datetime::MOSCOW, Currency::RUB));
        assert_eq!((settings.shows_account, settings.comment.as_str()), (true, "Пополнение баланса через терминал"));
    }

    #[test]
    fn every_problem_at_once_with_its_field() {
        let entered = [
            ("protocol", "cyberplat"),
            ("id-parameter", "account"),
            ("id-element", "osmp txn"),
            ("account-characters", "hex"),
            ("account-chars-min", "0"),
            ("account-chars-max", "65"),
            ("utc-offset", "+03"),
            ("currency", "XXX"),
            ("show-account", "yes"),
            ("comment", &"ы".repeat(256)),
            ("password", "x"),
        ];
        let mut found = problems(&entered);
        found.sort();
        let mut want: Vec<(String, String)> =
            entered.iter().map(|(name, _)| ((*name).to_owned(), "setting-invalid".to_owned())).collect();
        want.retain(|(name, _)| name != "password");
        want.push(("password".to_owned(), "setting-unknown".to_owned()));
        want.sort();
        assert_eq!(found, want);
    }

    #[test]
    fn the_longest_number_is_not_shorter_than_the_shortest() {
        let entered = [("account-chars-min", "7"), ("account-chars-max", "6")];
        assert_eq!(problems(&entered), [("account-chars-max".to_owned(), "setting-invalid".to_owned())]);
        assert_eq!(settings(&[("account-chars-min", "6"), ("account-chars-max", "6")]).account.chars, 6..=6);
    }

    #[test]
    fn names_of_the_number() {
        for (name, good) in [
            ("txn_id", true),
            ("ibox_txn_id", true),
            ("prv_txn", false),
            ("command", false),
            ("cancel_txn_id", false),
            ("sum", false),
            ("txn id", false),
        ] {
            assert_eq!(Settings::read(&fields(&[("id-parameter", name)])).is_ok(), good, "{name}");
        }
    }

    #[test]
    fn every_choice_is_understood() {
        for zone in ZONES {
            assert_eq!(
                datetime::occurred_at(time::OffsetDateTime::UNIX_EPOCH.to_offset(settings(&[("utc-offset", zone.value)]).zone))
                    .get(19..),
                Some(zone.value)
            );
        }
        for (currency, number) in CURRENCIES.iter().zip(NUMBERS) {
            let settings = settings(&[("currency", currency.value)]);
            let other = if number == "643" { "398" } else { "643" };
            let is = ["", currency.value, number, other].map(|text| settings.is_currency(text));
            assert_eq!(is, [false, true, true, false], "{}", currency.value);
        }
    }
}
