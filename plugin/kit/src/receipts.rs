//! Receipts by 54-ФЗ: the terms of «ФФД», the format of fiscal documents, by the contract's names, and what every line must have.
//!
//! The values of tags are those of «ФФД» 1.05 and 1.2 (ФНС's orders ММВ-7-20/229@ and ЕД-7-20/662@). A payment system has codes of
//! its own for the same terms; many write a term as the contract does, with underscores ([`underscored`]).

use money::{AMOUNT_MAX, Currency};

use crate::contract::{Money, Problem, Receipt, ReceiptItem, Vat};
use crate::problem::{Code, filled};
use crate::settings::Choice;
use crate::text;

/// The longest name of a line (tag 1030), in characters.
pub const NAME_CHARS_MAX: usize = 128;
/// The most lines of a receipt.
pub const ITEMS_MAX: usize = 100;
/// The decimals of a quantity (tag 1023).
pub const QUANTITY_DECIMALS: usize = 3;
/// The longest contact (tag 1008), in characters.
const CONTACT_CHARS_MAX: usize = 64;

/// The systems of taxation (tag 1055), as choices of a setting. «ЕНВД» ended with 2020.
pub const TAXATIONS: [Choice; 5] = [
    Choice::new("osn", ["общая", "general"]),
    Choice::new("usn-income", ["упрощённая, доходы", "simplified, income"]),
    Choice::new("usn-income-expense", ["упрощённая, доходы минус расходы", "simplified, income less expenses"]),
    Choice::new("esn", ["единый сельскохозяйственный налог", "agricultural"]),
    Choice::new("patent", ["патентная", "patent"]),
];
/// Their bits in tag 1055, in the same order; 3 was «ЕНВД».
const TAXATION_BITS: [(&str, i64); 5] = [("osn", 0), ("usn-income", 1), ("usn-income-expense", 2), ("esn", 4), ("patent", 5)];

/// The methods of payment: the value of tag 1214 is the place, from 1.
const METHODS: [&str; 7] =
    ["full-prepayment", "prepayment", "advance", "full-payment", "partial-payment", "credit", "credit-payment"];

/// The subjects of payment: the value of tag 1212 in «ФФД» 1.05 is the place, from 1.
pub const SUBJECTS: [&str; 18] = [
    "commodity",
    "excise",
    "job",
    "service",
    "gambling-bet",
    "gambling-prize",
    "lottery",
    "lottery-prize",
    "intellectual-activity",
    "payment",
    "agent-commission",
    "composite",
    "another",
    "property-right",
    "non-operating-gain",
    "insurance-premium",
    "sales-tax",
    "resort-fee",
];

/// The measures of quantity of «ФФД» 1.2, with the values of tag 2108.
pub const MEASURES: [(&str, i64); 23] = [
    ("piece", 0),
    ("gram", 10),
    ("kilogram", 11),
    ("ton", 12),
    ("centimeter", 20),
    ("decimeter", 21),
    ("meter", 22),
    ("square-centimeter", 30),
    ("square-decimeter", 31),
    ("square-meter", 32),
    ("milliliter", 40),
    ("liter", 41),
    ("cubic-meter", 42),
    ("kilowatt-hour", 50),
    ("gigacalorie", 51),
    ("day", 70),
    ("hour", 71),
    ("minute", 72),
    ("second", 73),
    ("kilobyte", 80),
    ("megabyte", 81),
    ("gigabyte", 82),
    ("terabyte", 83),
];
/// The value of tag 2108 for any other measure.
pub const OTHER_MEASURE: i64 = 255;

/// The rates of VAT in percent. 22 is the general one since 2026 (Federal Law 425-ФЗ), 20 was it before: receipts for what was paid
/// by then still have it. 5 and 7 are of the simplified system since 2025.
const RATES: [u16; 6] = [0, 5, 7, 10, 20, 22];

/// A rate of VAT that a receipt can have (tag 1199).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rate {
    /// «Без НДС».
    Exempt,
    /// The rate in percent.
    Percent(u16),
    /// The rate in percent, taken out of an advance: 22 is 22/122.
    Calculated(u16),
}

impl Rate {
    /// Returns the rate of a line. `None`: the law has no such rate.
    pub fn of(vat: Vat) -> Option<Rate> {
        let percent =
            |hundredths: u16| Some(hundredths / 100).filter(|rate| hundredths.is_multiple_of(100) && RATES.contains(rate));
        match vat {
            Vat::Exempt => Some(Rate::Exempt),
            Vat::Rate(hundredths) => percent(hundredths).map(Rate::Percent),
            Vat::Calculated(hundredths) => percent(hundredths).filter(|rate| *rate > 0).map(Rate::Calculated),
        }
    }

    /// Returns the rate as a number: 22, or 122 for 22/122. `None`: without VAT.
    pub fn number(self) -> Option<i64> {
        match self {
            Rate::Exempt => None,
            Rate::Percent(percent) => Some(percent.into()),
            Rate::Calculated(percent) => Some(100 + i64::from(percent)),
        }
    }

    /// Returns the rate's name at most payment systems: `vat22`, `vat122`, `none`.
    pub fn name(self) -> String {
        self.number().map_or_else(|| "none".to_owned(), |number| ["vat", &number.to_string()].concat())
    }
}

/// A line of which the terms are known.
#[derive(Clone, Copy, Debug)]
pub struct Line<'r, S> {
    /// The line as billing gives it.
    pub item: &'r ReceiptItem,
    /// Its VAT.
    pub rate: Rate,
    /// The value of tag 1214, 1 to 7. The contract's name is in `item`.
    pub method: i64,
    /// What the payment system calls the subject of payment.
    pub subject: S,
}

/// Returns the value of tag 1212 of a subject by the contract's name, 1 to 18.
pub fn subject(name: &str) -> Option<i64> {
    place(&SUBJECTS, name)
}

/// Returns the value of tag 2108 of a measure by the contract's name.
pub fn measure(name: &str) -> Option<i64> {
    MEASURES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn place(names: &[&str], name: &str) -> Option<i64> {
    let at = names.iter().position(|known| *known == name)?;
    i64::try_from(at + 1).ok()
}

/// Returns a contract's name with underscores in place of its hyphens, as most payment systems write it.
pub fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

/// Returns the name of a system of taxation at most payment systems.
pub fn taxation_name(name: &str) -> String {
    match name {
        "usn-income-expense" => "usn_income_outcome".to_owned(),
        name => underscored(name),
    }
}

/// Returns the bit of a system of taxation in tag 1055. `None`: the receipt names none.
///
/// # Errors
/// `unsupported` at `receipt.taxation`.
pub fn taxation(receipt: &Receipt) -> Result<Option<i64>, Problem> {
    let Some(name) = &receipt.taxation else { return Ok(None) };
    let known = TAXATION_BITS.iter().find(|(known, _)| known == name).map(|(_, bit)| Some(*bit));
    known.ok_or_else(|| {
        let message = [
            "Система налогообложения чека — osn, usn-income, usn-income-expense, esn или patent.",
            "It is one of osn, usn-income, usn-income-expense, esn, patent.",
        ];
        Code::Unsupported.at("receipt.taxation", message)
    })
}

/// Where a receipt goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contact<'r> {
    /// An e-mail address.
    Email(&'r str),
    /// A phone by E.164: `+79001234567`.
    Phone(&'r str),
}

/// Parses the contact of a receipt.
///
/// # Errors
/// `invalid` at `receipt.contact`.
pub fn contact(receipt: &Receipt) -> Result<Contact<'_>, Problem> {
    let text = receipt.contact.as_str();
    let is_plain = !text.chars().any(|char| char.is_control() || char.is_whitespace());
    let is_email = text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_phone = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    match (is_plain && text.chars().count() <= CONTACT_CHARS_MAX, is_email, is_phone) {
        (true, true, _) => Ok(Contact::Email(text)),
        (true, false, true) => Ok(Contact::Phone(text)),
        _ => {
            let message = [
                "Чек отправляется на почту или телефон до 64 символов, такой как +79001234567.",
                "It is an e-mail address or a phone of at most 64 characters, such as +79001234567.",
            ];
            Err(Code::Invalid.at("receipt.contact", message))
        }
    }
}

/// Reads the lines of a receipt in a currency: 1 to 100. `subject` returns the payment system's code of a subject by the contract's
/// name. Returns the lines that are good, and the first problem of each other one.
pub fn lines<S>(
    receipt: &Receipt,
    currency: Currency,
    subject: impl Fn(&str) -> Option<S>,
) -> (Vec<Line<'_, S>>, Vec<Problem>) {
    let mut problems = Vec::new();
    if !(1..=ITEMS_MAX).contains(&receipt.items.len()) {
        let message = filled(["В чеке от 1 до {0} позиций.", "A receipt has 1 to {0} items."], &[&ITEMS_MAX]);
        problems.push(Code::OutOfRange.at("receipt.items", message));
    }
    let read = |(at, item): (usize, _)| line(at, item, currency, &subject).map_err(|problem| problems.push(problem)).ok();
    let lines = receipt.items.iter().enumerate().filter_map(read).collect();
    (lines, problems)
}

fn line<'r, S>(
    at: usize,
    item: &'r ReceiptItem,
    currency: Currency,
    subject: &impl Fn(&str) -> Option<S>,
) -> Result<Line<'r, S>, Problem> {
    check(at, item, currency)?;
    let unsupported = |name: &str, value: &str| {
        let value = text::shown(value);
        let message =
            filled(["В чеках платёжной системы нет «{0}».", "The payment system's receipts do not have {0}."], &[&value]);
        Code::Unsupported.at(field(at, name), message)
    };
    let rate = Rate::of(item.vat).ok_or_else(|| {
        let message = [
            "Ставки НДС в чеке — 0, 5, 7, 10, 20 и 22 % и расчётные от них, кроме 0.",
            "The rates are 0, 5, 7, 10, 20 and 22 %, and the calculated ones of these but 0.",
        ];
        Code::Unsupported.at(field(at, "vat"), message)
    })?;
    let method = place(&METHODS, &item.method).ok_or_else(|| unsupported("method", &item.method))?;
    let subject = subject(&item.subject).ok_or_else(|| unsupported("subject", &item.subject))?;
    Ok(Line { item, rate, method, subject })
}

/// Checks what any payment system requires of a line.
fn check(at: usize, item: &ReceiptItem, currency: Currency) -> Result<(), Problem> {
    text::check_required(&field(at, "name"), &item.name, NAME_CHARS_MAX)?;
    if item.quantity_thousandths < 1 {
        let message = ["Количество в чеке должно быть больше нуля.", "It is 1 or more; 1000 is one."];
        return Err(Code::OutOfRange.at(field(at, "quantity-thousandths"), message));
    }
    let is_good = |money: &Money| currency.is(&money.currency) && (0..=AMOUNT_MAX).contains(&money.minor_units);
    match [("amount", &item.amount), ("price", &item.price)].into_iter().find(|(_, money)| !is_good(money)) {
        Some((name, _)) => {
            let message =
                filled(["Суммы в чеке — в {0} и не отрицательные.", "It is an amount in {0}, and not negative."], &[&currency]);
            Err(Code::OutOfRange.at(field(at, name), message))
        }
        None => Ok(()),
    }
}

/// Returns where a field of a line stands: `receipt.items[0].vat`.
pub fn field(at: usize, name: &str) -> String {
    format!("receipt.items[{at}].{name}")
}

/// Returns the receipt of an advance of 100.00 roubles. For the tests of providers.
pub fn example() -> Receipt {
    let money = || Money { minor_units: 10_000, currency: "RUB".to_owned() };
    let item = ReceiptItem {
        name: "Аванс за услуги связи".to_owned(),
        quantity_thousandths: 1_000,
        price: money(),
        amount: money(),
        measure: "piece".to_owned(),
        vat: Vat::Calculated(2_200),
        method: "advance".to_owned(),
        subject: "payment".to_owned(),
        extra: Vec::new(),
    };
    Receipt { items: vec![item], contact: "+79001234567".to_owned(), taxation: Some("osn".to_owned()), extra: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_2026() {
        for (vat, want) in [
            (Vat::Exempt, Some("none")),
            (Vat::Rate(0), Some("vat0")),
            (Vat::Rate(500), Some("vat5")),
            (Vat::Rate(700), Some("vat7")),
            (Vat::Rate(1000), Some("vat10")),
            (Vat::Rate(2000), Some("vat20")),
            (Vat::Rate(2200), Some("vat22")),
            (Vat::Calculated(500), Some("vat105")),
            (Vat::Calculated(700), Some("vat107")),
            (Vat::Calculated(1000), Some("vat110")),
            (Vat::Calculated(2000), Some("vat120")),
            (Vat::Calculated(2200), Some("vat122")),
            (Vat::Calculated(0), None),
            (Vat::Rate(1800), None),
            (Vat::Rate(2250), None),
            (Vat::Rate(u16::MAX), None),
        ] {
            assert_eq!(Rate::of(vat).map(Rate::name).as_deref(), want, "{vat:?}");
        }
    }

    #[test]
    fn values_of_tags() {
        let line = |method: &str, subject: &str| {
            let mut receipt = example();
            receipt.items[0].method = method.to_owned();
            receipt.items[0].subject = subject.to_owned();
            lines(&receipt, Currency::RUB, super::subject).0.first().map(|line| (line.method, line.subject))
        };
        assert_eq!(line("advance", "payment"), Some((3, 10)));
        assert_eq!(line("full-prepayment", "commodity"), Some((1, 1)));
        assert_eq!(line("credit-payment", "another"), Some((7, 13)));
        assert_eq!(line("full_payment", "service"), None);
        assert_eq!([measure("piece"), measure("gigabyte"), measure("month")], [Some(0), Some(82), None]);
        for (choice, (name, _)) in TAXATIONS.iter().zip(TAXATION_BITS) {
            assert_eq!(choice.value, name);
        }
        let of = |name: &str| taxation(&Receipt { taxation: Some(name.to_owned()), ..example() }).ok();
        assert_eq!([of("osn"), of("esn"), of("patent"), of("envd")], [Some(Some(0)), Some(Some(4)), Some(Some(5)), None]);
        assert_eq!(taxation_name("usn-income-expense"), "usn_income_outcome");
        assert_eq!(taxation_name("usn-income"), "usn_income");
    }

    #[test]
    fn contacts() {
        for (text, want) in [
            ("ivan@example.ru", Some(Contact::Email("ivan@example.ru"))),
            ("+79001234567", Some(Contact::Phone("+79001234567"))),
            ("79001234567", None),
            ("+7 900 123", None),
            ("+123", None),
            ("+", None),
            ("@example.ru", None),
            ("ivan@", None),
            ("ivan @example.ru", None),
            ("почта", None),
            ("", None),
            (&format!("{}@b.ru", "a".repeat(60)), None),
        ] {
            assert_eq!(contact(&Receipt { contact: text.to_owned(), ..example() }).ok(), want, "{text}");
        }
    }

    #[test]
    fn every_line_with_a_problem_names_its_field() {
        type Change = fn(&mut ReceiptItem);
        let cases: [(Change, &str, &str); 11] = [
            (|item| item.name.clear(), "name", "missing"),
            (|item| item.name = "я".repeat(129), "name", "too-long"),
            (|item| item.name = "a\nb".into(), "name", "invalid"),
            (|item| item.quantity_thousandths = 0, "quantity-thousandths", "out-of-range"),
            (|item| item.amount.currency = "USD".into(), "amount", "out-of-range"),
            (|item| item.amount.minor_units = -1, "amount", "out-of-range"),
            (|item| item.price.minor_units = -1, "price", "out-of-range"),
            (|item| item.price.minor_units = i64::MAX, "price", "out-of-range"),
            (|item| item.vat = Vat::Rate(1800), "vat", "unsupported"),
            (|item| item.method = "gift".into(), "method", "unsupported"),
            (|item| item.subject = "resort_fee".into(), "subject", "unsupported"),
        ];
        let mut receipt = example();
        let mut want = Vec::new();
        for (at, (change, name, code)) in (1..).zip(cases) {
            let mut item = example().items.remove(0);
            change(&mut item);
            receipt.items.push(item);
            want.push((field(at, name), code.to_owned()));
        }
        let (good, problems) = lines(&receipt, Currency::RUB, subject);
        let found: Vec<_> = problems.into_iter().map(|problem| (problem.field.unwrap(), problem.code)).collect();
        assert_eq!((good.len(), found), (1, want));
        for count in [0, 101] {
            let items = vec![example().items.remove(0); count];
            let (_, problems) = lines(&Receipt { items, ..example() }, Currency::RUB, subject);
            assert_eq!(problems[0].field.as_deref(), Some("receipt.items"), "{count}");
        }
    }
}
