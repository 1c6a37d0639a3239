//! Receipts by 54-ФЗ, as YooKassa takes them in a payment and in a refund.

use kit::contract::{Problem, Receipt, ReceiptItem, Vat};
use kit::json::ObjectWriter;
use kit::problem::Code;
use kit::text;
use money::{format_amount, write_decimal};

use crate::settings::{CURRENCY, ReceiptFormat, Settings};

const NAME_CHARS_MAX: usize = 128;

/// `tax_system_code`. Its 4 was «ЕНВД», which is gone.
const TAX_SYSTEMS: [(&str, i64); 5] = [("osn", 1), ("usn-income", 2), ("usn-income-expense", 3), ("esn", 5), ("patent", 6)];
/// `vat_code` of rates in hundredths of a percent.
const RATES: [(u16, i64); 6] = [(0, 2), (1000, 3), (2000, 4), (500, 7), (700, 8), (2200, 11)];
/// `vat_code` of calculated rates.
const CALCULATED_RATES: [(u16, i64); 5] = [(1000, 5), (2000, 6), (500, 9), (700, 10), (2200, 12)];
/// `payment_mode`.
const METHODS: [(&str, &str); 7] = [
    ("advance", "advance"),
    ("full-prepayment", "full_prepayment"),
    ("prepayment", "partial_prepayment"),
    ("full-payment", "full_payment"),
    ("partial-payment", "partial_payment"),
    ("credit", "credit"),
    ("credit-payment", "credit_payment"),
];
/// `payment_subject`. A hyphen of the contract is an underscore there.
const SUBJECTS: [&str; 18] = [
    "commodity",
    "excise",
    "job",
    "service",
    "gambling_bet",
    "gambling_prize",
    "lottery",
    "lottery_prize",
    "intellectual_activity",
    "payment",
    "agent_commission",
    "property_right",
    "non_operating_gain",
    "insurance_premium",
    "sales_tax",
    "resort_fee",
    "composite",
    "another",
];
/// `measure`. What it does not have is `another`.
const MEASURES: [&str; 23] = [
    "piece",
    "gram",
    "kilogram",
    "ton",
    "centimeter",
    "decimeter",
    "meter",
    "square_centimeter",
    "square_decimeter",
    "square_meter",
    "milliliter",
    "liter",
    "cubic_meter",
    "kilowatt_hour",
    "gigacalorie",
    "day",
    "hour",
    "minute",
    "second",
    "kilobyte",
    "megabyte",
    "gigabyte",
    "terabyte",
];
const OTHER_MEASURE: &str = "another";

/// A receipt that YooKassa can print.
pub struct Printable<'r> {
    contact: Contact<'r>,
    tax_system: Option<i64>,
    items: Vec<Item<'r>>,
}

enum Contact<'r> {
    Email(&'r str),
    /// Digits with the country's code, without a plus.
    Phone(&'r str),
}

struct Item<'r> {
    name: &'r str,
    quantity: String,
    /// Of one unit, in kopecks.
    price: i64,
    vat: i64,
    mode: &'static str,
    subject: &'static str,
    /// Only where the format has one.
    measure: Option<&'static str>,
}

/// Reads a receipt.
///
/// # Errors
/// The first thing that YooKassa cannot print, at `receipt…`.
pub fn read<'r>(settings: &Settings, receipt: &'r Receipt) -> Result<Printable<'r>, Problem> {
    let items = receipt.items.iter().enumerate().map(|(at, entry)| item(settings, at, entry));
    Ok(Printable {
        contact: contact(&receipt.contact)?,
        tax_system: tax_system(receipt)?,
        items: items.collect::<Result<_, _>>()?,
    })
}

impl Printable<'_> {
    /// Writes the fields of YooKassa's `receipt`.
    pub fn write(&self, out: &mut ObjectWriter<'_>) {
        out.object("customer", |customer| match self.contact {
            Contact::Email(email) => customer.text("email", email),
            Contact::Phone(phone) => customer.text("phone", phone),
        });
        if let Some(code) = self.tax_system {
            out.integer("tax_system_code", code);
        }
        out.array("items", |items| {
            for item in &self.items {
                items.object(|out| item.write(out));
            }
        });
    }
}

impl Item<'_> {
    fn write(&self, out: &mut ObjectWriter<'_>) {
        out.text("description", self.name);
        out.text("quantity", &self.quantity);
        out.object("amount", |amount| {
            amount.text("value", &format_amount(self.price));
            amount.text("currency", CURRENCY.as_str());
        });
        out.integer("vat_code", self.vat);
        out.text("payment_mode", self.mode);
        out.text("payment_subject", self.subject);
        if let Some(measure) = self.measure {
            out.text("measure", measure);
        }
    }
}

fn contact(text: &str) -> Result<Contact<'_>, Problem> {
    if text.contains('@') {
        return Ok(Contact::Email(text));
    }
    let digits = text.strip_prefix('+').filter(|digits| (7..=15).contains(&digits.len()));
    let phone = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    phone
        .map(Contact::Phone)
        .ok_or_else(|| Code::Invalid.at("receipt.contact", "It is an e-mail address, or a phone number such as +79001234567."))
}

fn tax_system(receipt: &Receipt) -> Result<Option<i64>, Problem> {
    let Some(taxation) = &receipt.taxation else { return Ok(None) };
    let known = TAX_SYSTEMS.iter().find(|(name, _)| name == taxation);
    known.map(|(_, code)| Some(*code)).ok_or_else(|| unsupported("receipt.taxation", taxation))
}

fn item<'r>(settings: &Settings, at: usize, item: &'r ReceiptItem) -> Result<Item<'r>, Problem> {
    let field = |name: &str| format!("receipt.items[{at}].{name}");
    text::check_required(&field("name"), &item.name, NAME_CHARS_MAX)?;
    let mode = METHODS.iter().find(|(name, _)| *name == item.method).map(|(_, mode)| *mode);
    let mode = mode.ok_or_else(|| unsupported(field("method"), &item.method))?;
    let subject = known(&SUBJECTS, &item.subject).ok_or_else(|| unsupported(field("subject"), &item.subject))?;
    let vat = vat_code(item.vat).ok_or_else(|| unsupported(field("vat"), "this rate"))?;
    let measure = match settings.receipt_format {
        ReceiptFormat::V1_05 => None,
        ReceiptFormat::V1_2 => Some(known(&MEASURES, &item.measure).unwrap_or(OTHER_MEASURE)),
    };
    let price = price(item).ok_or_else(|| {
        let message =
            "YooKassa multiplies the price by the quantity: together they must be the amount of the line, in roubles.";
        Code::Invalid.at(field("amount"), message)
    })?;
    let mut quantity = Vec::new();
    write_decimal(&mut quantity, item.quantity_thousandths.unsigned_abs(), 3);
    let quantity = String::from_utf8(quantity).unwrap_or_default();
    Ok(Item { name: &item.name, quantity, price, vat, mode, subject, measure })
}

/// Returns the price of a unit, in kopecks, if the line's amount is what it comes to, rounded to kopecks.
fn price(item: &ReceiptItem) -> Option<i64> {
    let is_in_roubles = CURRENCY.is(&item.price.currency) && CURRENCY.is(&item.amount.currency);
    let [price, quantity, amount] =
        [item.price.minor_units, item.quantity_thousandths, item.amount.minor_units].map(i128::from);
    let is_positive = price >= 0 && quantity > 0;
    (is_in_roubles && is_positive && (price * quantity + 500) / 1000 == amount).then_some(item.price.minor_units)
}

fn vat_code(vat: Vat) -> Option<i64> {
    let code = |rates: &[(u16, i64)], rate| rates.iter().find(|(known, _)| *known == rate).map(|(_, code)| *code);
    match vat {
        Vat::Exempt => Some(1),
        Vat::Rate(rate) => code(&RATES, rate),
        Vat::Calculated(rate) => code(&CALCULATED_RATES, rate),
    }
}

/// Returns YooKassa's name of a name of the contract, which has hyphens.
fn known(names: &[&'static str], name: &str) -> Option<&'static str> {
    names.iter().copied().find(|known| *known == name.replace('-', "_"))
}

fn unsupported(field: impl Into<String>, value: &str) -> Problem {
    Code::Unsupported.at(field, format!("YooKassa's receipts do not have {}.", text::shown(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::Money;
    use kit::json;

    fn roubles(minor_units: i64) -> Money {
        Money { minor_units, currency: "RUB".into() }
    }

    fn item() -> ReceiptItem {
        ReceiptItem {
            name: "Интернет".into(),
            quantity_thousandths: 1000,
            price: roubles(10_000),
            amount: roubles(10_000),
            measure: "piece".into(),
            vat: Vat::Exempt,
            method: "full-payment".into(),
            subject: "service".into(),
            extra: Vec::new(),
        }
    }

    fn written(changes: &[(&str, &str)], contact: &str, item: ReceiptItem) -> Result<String, String> {
        let receipt = Receipt { items: vec![item], contact: contact.into(), taxation: None, extra: Vec::new() };
        let settings = settings(changes);
        let printable = read(&settings, &receipt).map_err(|problem| crate::testing::problem(&problem))?;
        Ok(json::object(|out| printable.write(out)))
    }

    #[test]
    fn rates_have_the_codes_of_the_documentation() {
        for (vat, code) in [
            (Vat::Exempt, 1),
            (Vat::Rate(0), 2),
            (Vat::Rate(1000), 3),
            (Vat::Rate(2000), 4),
            (Vat::Calculated(1000), 5),
            (Vat::Calculated(2000), 6),
            (Vat::Rate(500), 7),
            (Vat::Rate(700), 8),
            (Vat::Calculated(500), 9),
            (Vat::Calculated(700), 10),
            (Vat::Rate(2200), 11),
            (Vat::Calculated(2200), 12),
        ] {
            let text = written(&[], "a@b.ru", ReceiptItem { vat, ..item() }).unwrap();
            assert!(text.contains(&format!(r#""vat_code":{code},"#)), "{text}");
        }
        assert_eq!(
            written(&[], "a@b.ru", ReceiptItem { vat: Vat::Calculated(0), ..item() }),
            Err("unsupported receipt.items[0].vat".into())
        );
    }

    #[test]
    fn names_of_the_contract_are_yookassas() {
        let text = |changes: &[(&str, &str)], method: &str, subject: &str, measure: &str| {
            let item = ReceiptItem { method: method.into(), subject: subject.into(), measure: measure.into(), ..item() };
            let text = written(changes, "+79001234567", item).unwrap();
            text.split_once(r#""payment_mode":"#).unwrap().1.to_owned()
        };
        for (method, subject, measure, want) in [
            (
                "prepayment",
                "lottery-prize",
                "gigabyte",
                r#""partial_prepayment","payment_subject":"lottery_prize","measure":"gigabyte"}]}"#,
            ),
            ("credit-payment", "another", "month", r#""credit_payment","payment_subject":"another","measure":"another"}]}"#),
        ] {
            assert_eq!(text(&[], method, subject, measure), want);
        }
        let old = text(&[("receipt-format", "1.05")], "advance", "payment", "piece");
        assert_eq!(old, r#""advance","payment_subject":"payment"}]}"#);
        assert_eq!(
            written(&[], "a@b.ru", ReceiptItem { subject: "gift".into(), ..item() }),
            Err("unsupported receipt.items[0].subject".into())
        );
    }

    #[test]
    fn the_price_is_of_one_and_the_line_must_come_to_its_amount() {
        for (quantity, price, amount, want) in [
            (1500, 10_000, 15_000, Some(r#""quantity":"1.500","amount":{"value":"100.00""#)),
            (333, 10_000, 3_330, Some(r#""quantity":"0.333","amount":{"value":"100.00""#)),
            // 33.335 is rounded to 33.34.
            (3_333_500, 1, 3_334, Some(r#""quantity":"3333.500","amount":{"value":"0.01""#)),
            (1000, 10_000, 10_001, None),
            (2000, 10_000, 10_000, None),
            (0, 10_000, 0, None),
            (-1000, 10_000, -10_000, None),
            (i64::MAX, i64::MAX, i64::MAX, None),
        ] {
            let item = ReceiptItem { quantity_thousandths: quantity, price: roubles(price), amount: roubles(amount), ..item() };
            let got = written(&[], "a@b.ru", item);
            match want {
                Some(text) => assert!(got.as_ref().is_ok_and(|got| got.contains(text)), "{got:?}"),
                None => assert_eq!(got, Err("invalid receipt.items[0].amount".into())),
            }
        }
        let dollars = Money { currency: "USD".into(), ..roubles(10_000) };
        let item = ReceiptItem { price: dollars.clone(), amount: dollars, ..item() };
        assert_eq!(written(&[], "a@b.ru", item), Err("invalid receipt.items[0].amount".into()));
    }

    #[test]
    fn a_contact_is_an_address_or_a_phone() {
        for (contact, want) in [
            ("ivan@example.ru", Some(r#"{"email":"ivan@example.ru"}"#)),
            ("+79001234567", Some(r#"{"phone":"79001234567"}"#)),
            ("79001234567", None),
            ("+7 900 123", None),
            ("+123", None),
            ("", None),
        ] {
            let got = written(&[], contact, item());
            match want {
                Some(text) => assert!(got.as_ref().is_ok_and(|got| got.contains(text)), "{got:?}"),
                None => assert_eq!(got, Err("invalid receipt.contact".into())),
            }
        }
    }
}
