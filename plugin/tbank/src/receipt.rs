//! Receipts (54-ФЗ) that T-Bank's cash register prints: the object `Receipt`, by FFD 1.05 or 1.2.

use kit::contract::{Problem, Receipt, ReceiptItem, Vat};
use kit::json::{ArrayWriter, ObjectWriter};
use kit::problem::Code;

use crate::settings::{CURRENCY, Ffd, Settings};

const ITEMS_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 128;
const CONTACT_CHARS_MAX: usize = 64;
/// A quantity has at most five digits before the point.
const QUANTITY_THOUSANDTHS_MAX: i64 = 99_999_999;

/// Subjects of payment that both versions know, by the contract's names.
const SUBJECTS: [&str; 12] = [
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
    "another",
];
/// Subjects that a version has beside them.
const SUBJECTS_OF_1_05: [&str; 1] = ["composite"];
const SUBJECTS_OF_1_2: [&str; 9] = [
    "contribution",
    "property-rights",
    "unrealization",
    "tax-reduction",
    "trade-fee",
    "resort-tax",
    "pledge",
    "income-decrease",
    "agent-payment",
];
const METHODS: [&str; 7] =
    ["advance", "full-prepayment", "prepayment", "full-payment", "partial-payment", "credit", "credit-payment"];
/// Measures by the contract's names, and as T-Bank writes them.
const MEASURES: [(&str, &str); 7] = [
    ("piece", "шт"),
    ("hour", "ч"),
    ("minute", "мин"),
    ("kilobyte", "Кбайт"),
    ("megabyte", "Мбайт"),
    ("gigabyte", "Гбайт"),
    ("terabyte", "Тбайт"),
];

/// A receipt that T-Bank can print.
pub struct Checked<'r> {
    ffd: Ffd,
    taxation: String,
    contact: (&'static str, &'r str),
    items: Vec<Item<'r>>,
}

struct Item<'r> {
    item: &'r ReceiptItem,
    tax: String,
}

/// Checks a receipt.
///
/// # Errors
/// All problems at once, each with its field.
pub fn checked<'r>(settings: &Settings, receipt: &'r Receipt) -> Result<Checked<'r>, Vec<Problem>> {
    let mut problems = Vec::new();
    let taxation = receipt.taxation.as_deref().or(settings.taxation);
    if taxation.is_none() {
        let message = "Neither the receipt nor the settings name the taxation; enter it in the settings.";
        problems.push(Code::Missing.at("receipt.taxation", message));
    }
    let contact = contact(&receipt.contact);
    if contact.is_none() {
        let message = "A receipt needs an e-mail address or a phone of at most 64 characters, such as +79001234567.";
        problems.push(Code::Invalid.at("receipt.contact", message));
    }
    if !(1..=ITEMS_MAX).contains(&receipt.items.len()) {
        problems.push(Code::OutOfRange.at("receipt.items", format!("A receipt has 1 to {ITEMS_MAX} items.")));
    }
    let mut items = Vec::new();
    for (at, item) in receipt.items.iter().enumerate() {
        match checked_item(settings.ffd, at, item) {
            Ok(tax) => items.push(Item { item, tax }),
            Err(problem) => problems.push(problem),
        }
    }
    match (taxation, contact) {
        (Some(taxation), Some(contact)) if problems.is_empty() => {
            Ok(Checked { ffd: settings.ffd, taxation: taxation_name(taxation), contact, items })
        }
        _ => Err(problems),
    }
}

/// Returns T-Bank's name of the item's VAT.
fn checked_item(ffd: Ffd, at: usize, item: &ReceiptItem) -> Result<String, Problem> {
    let field = |name: &str| format!("receipt.items[{at}].{name}");
    let problem = |name: &str, message: &str| Err(Code::Unsupported.at(field(name), message));
    let more: &[&str] = if ffd == Ffd::V1_05 { &SUBJECTS_OF_1_05 } else { &SUBJECTS_OF_1_2 };
    if item.name.is_empty() || item.name.chars().count() > NAME_CHARS_MAX || item.name.chars().any(char::is_control) {
        return problem("name", "It has 1 to 128 characters, and no control characters.");
    }
    if !(1..=QUANTITY_THOUSANDTHS_MAX).contains(&item.quantity_thousandths) {
        return problem("quantity-thousandths", "T-Bank takes quantities from 0.001 to 99999.999.");
    }
    let is_in_roubles = [&item.price, &item.amount]
        .iter()
        .all(|money| money.currency == CURRENCY.as_str() && (0..=money::AMOUNT_MAX).contains(&money.minor_units));
    if !is_in_roubles {
        return problem("amount", "Prices and amounts are in roubles and not negative.");
    }
    if !METHODS.contains(&item.method.as_str()) {
        return problem("method", "T-Bank knows no such method of payment.");
    }
    if !SUBJECTS.iter().chain(more).any(|subject| *subject == item.subject) {
        return problem("subject", "T-Bank knows no such subject of payment in this version of FFD.");
    }
    match tax(&item.vat) {
        Some(tax) => Ok(tax),
        None => problem("vat", "T-Bank knows no such rate of VAT."),
    }
}

/// Returns T-Bank's name of a VAT. Its documents of 2026 do not list the rates 22 and 22/122, which are the law since 2026-01-01.
fn tax(vat: &Vat) -> Option<String> {
    match vat {
        Vat::Exempt => Some("none".to_owned()),
        Vat::Rate(rate @ (0 | 500 | 700 | 1000 | 2000 | 2200)) => Some(format!("vat{}", rate / 100)),
        Vat::Calculated(rate @ (500 | 700 | 1000 | 2000 | 2200)) => Some(format!("vat1{:02}", rate / 100)),
        Vat::Rate(_) | Vat::Calculated(_) => None,
    }
}

fn taxation_name(taxation: &str) -> String {
    match taxation {
        "usn-income-expense" => "usn_income_outcome".to_owned(),
        other => underscored(other),
    }
}

fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

fn contact(text: &str) -> Option<(&'static str, &str)> {
    let chars = text.chars().count();
    if text.chars().any(|char| char.is_control() || char.is_whitespace()) || !(1..=CONTACT_CHARS_MAX).contains(&chars) {
        return None;
    }
    let is_phone = text.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match text.split_once('@') {
        Some((name, domain)) if !name.is_empty() && !domain.is_empty() => Some(("Email", text)),
        None if is_phone => Some(("Phone", text)),
        _ => None,
    }
}

impl Checked<'_> {
    /// Writes the object `Receipt`.
    pub fn write(&self, o: &mut ObjectWriter<'_>) {
        o.object("Receipt", |receipt| {
            receipt.text("FfdVersion", if self.ffd == Ffd::V1_05 { "1.05" } else { "1.2" });
            receipt.text("Taxation", &self.taxation);
            let (name, contact) = self.contact;
            receipt.text(name, contact);
            receipt.array("Items", |items| self.items.iter().for_each(|item| self.write_item(items, item)));
        });
    }

    fn write_item(&self, items: &mut ArrayWriter<'_>, Item { item, tax }: &Item<'_>) {
        items.object(|o| {
            o.text("Name", &item.name);
            o.integer("Price", item.price.minor_units);
            o.decimal("Quantity", item.quantity_thousandths, 3);
            o.integer("Amount", item.amount.minor_units);
            o.text("Tax", tax);
            o.text("PaymentMethod", &underscored(&item.method));
            o.text("PaymentObject", &underscored(&item.subject));
            if self.ffd == Ffd::V1_2 {
                let known = MEASURES.iter().find(|(measure, _)| *measure == item.measure);
                o.text("MeasurementUnit", known.map_or(item.measure.as_str(), |(_, name)| name));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::Money;
    use kit::json::object;

    fn item(vat: Vat, method: &str, subject: &str) -> ReceiptItem {
        let money = |minor_units| Money { minor_units, currency: "RUB".into() };
        ReceiptItem {
            name: "Аванс за услуги связи".into(),
            quantity_thousandths: 1_500,
            price: money(10_000),
            amount: money(15_000),
            measure: "gigabyte".into(),
            vat,
            method: method.into(),
            subject: subject.into(),
            extra: Vec::new(),
        }
    }

    fn receipt(items: Vec<ReceiptItem>) -> Receipt {
        Receipt { items, contact: "a@example.ru".into(), taxation: Some("usn-income-expense".into()), extra: Vec::new() }
    }

    fn written(changes: &[(&str, &str)], receipt: &Receipt) -> String {
        match checked(&settings(changes), receipt) {
            Ok(checked) => object(|o| checked.write(o)),
            Err(problems) => problems
                .into_iter()
                .map(|problem| format!("{} {}", problem.code, problem.field.unwrap()))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    #[test]
    fn whole_receipts() {
        let advance = receipt(vec![item(Vat::Calculated(2200), "advance", "payment")]);
        assert_eq!(
            written(&[], &advance),
            r#"{"Receipt":{"FfdVersion":"1.05","Taxation":"usn_income_outcome","Email":"a@example.ru","Items":[{"Name":"Аванс за услуги связи","Price":10000,"Quantity":1.5,"Amount":15000,"Tax":"vat122","PaymentMethod":"advance","PaymentObject":"payment"}]}}"#
        );
        let phone = Receipt {
            contact: "+79001234567".into(),
            taxation: None,
            ..receipt(vec![item(Vat::Exempt, "full-payment", "property-rights")])
        };
        assert_eq!(
            written(&[("ffd-version", "1.2"), ("taxation", "osn")], &phone),
            r#"{"Receipt":{"FfdVersion":"1.2","Taxation":"osn","Phone":"+79001234567","Items":[{"Name":"Аванс за услуги связи","Price":10000,"Quantity":1.5,"Amount":15000,"Tax":"none","PaymentMethod":"full_payment","PaymentObject":"property_rights","MeasurementUnit":"Гбайт"}]}}"#
        );
    }

    #[test]
    fn rates_of_vat() {
        for (vat, want) in [
            (Vat::Exempt, Some("none")),
            (Vat::Rate(0), Some("vat0")),
            (Vat::Rate(500), Some("vat5")),
            (Vat::Rate(2200), Some("vat22")),
            (Vat::Calculated(500), Some("vat105")),
            (Vat::Calculated(1000), Some("vat110")),
            (Vat::Calculated(2200), Some("vat122")),
            (Vat::Calculated(0), None),
            (Vat::Rate(1800), None),
        ] {
            assert_eq!(tax(&vat).as_deref(), want, "{vat:?}");
        }
    }

    #[test]
    fn every_problem_at_once_with_its_field() {
        let wrong = Receipt {
            taxation: None,
            contact: "почта".into(),
            ..receipt(vec![
                item(Vat::Rate(1800), "advance", "payment"),
                item(Vat::Exempt, "gift", "payment"),
                item(Vat::Exempt, "advance", "property-rights"),
                ReceiptItem { quantity_thousandths: 0, ..item(Vat::Exempt, "advance", "payment") },
                ReceiptItem { name: "я".repeat(129), ..item(Vat::Exempt, "advance", "payment") },
                ReceiptItem {
                    amount: Money { minor_units: -1, currency: "RUB".into() },
                    ..item(Vat::Exempt, "advance", "payment")
                },
            ])
        };
        assert_eq!(
            written(&[], &wrong),
            "missing receipt.taxation, invalid receipt.contact, unsupported receipt.items[0].vat, unsupported receipt.items[1].method, \
             unsupported receipt.items[2].subject, unsupported receipt.items[3].quantity-thousandths, unsupported receipt.items[4].name, \
             unsupported receipt.items[5].amount"
        );
        assert_eq!(written(&[], &receipt(Vec::new())), "out-of-range receipt.items");
    }
}
