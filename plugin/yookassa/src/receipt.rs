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
    Ok(Printable { contact: contact(&receipt.contact)?, tax_system: tax_system(receipt)?, items: items.collect::<Result<_, _>>()? })
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
    phone.map(Contact::Phone).ok_or_else(|| {
        Code::Invalid.at("receipt.contact", "It is an e-mail address, or a phone number such as +79001234567.")
    })
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
        let message = "YooKassa multiplies the price by the quantity: together they must be the amount of the line, in roubles.";
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
