//! Receipts (54-ФЗ) that T-Bank's cash register prints: the object `Receipt`, by FFD 1.05 or 1.2.

use std::borrow::Cow;

use kit::contract::{Problem, Receipt};
use kit::json::{ArrayWriter, ObjectWriter};
use kit::problem::Code;
use kit::receipts::{self, Contact, Line, QUANTITY_DECIMALS, taxation_name, underscored};

use crate::settings::{CURRENCY, Ffd, Settings};

/// A quantity has at most five digits before the point.
const QUANTITY_THOUSANDTHS_MAX: i64 = 99_999_999;

/// Subjects up to this value of tag 1212 («agent-commission») have the same names in both versions.
const SAME_SUBJECT_MAX: i64 = 11;
/// What «another» and «composite» are in tag 1212.
const ANOTHER: &str = "another";
const COMPOSITE: &str = "composite";
/// Subjects that version 1.2 has beside them, by the contract's names, and T-Bank's.
const SUBJECTS_OF_1_2: [(&str, &str); 9] = [
    ("contribution", "contribution"),
    ("property-right", "property_rights"),
    ("non-operating-gain", "unrealization"),
    ("insurance-premium", "tax_reduction"),
    ("sales-tax", "trade_fee"),
    ("resort-fee", "resort_tax"),
    ("pledge", "pledge"),
    ("income-decrease", "income_decrease"),
    ("agent-payment", "agent_payment"),
];
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
    contact: Contact<'r>,
    lines: Vec<Line<'r, Cow<'static, str>>>,
}

/// Checks a receipt.
///
/// # Errors
/// All problems at once, each with its field.
pub fn checked<'r>(settings: &Settings, receipt: &'r Receipt) -> Result<Checked<'r>, Vec<Problem>> {
    let (lines, mut problems) = receipts::lines(receipt, CURRENCY, |name| subject(settings.ffd, name));
    for (at, _) in receipt.items.iter().enumerate().filter(|(_, item)| item.quantity_thousandths > QUANTITY_THOUSANDTHS_MAX) {
        let message = ["В чеке Т-Банка количество до 99999.999.", "T-Bank takes quantities up to 99999.999."];
        problems.push(Code::Unsupported.at(receipts::field(at, "quantity-thousandths"), message));
    }
    problems.extend(receipts::taxation(receipt).err());
    let taxation = receipt.taxation.as_deref().or(settings.taxation);
    if taxation.is_none() {
        let message = [
            "Ни в чеке, ни в настройках нет системы налогообложения: укажите её в настройках.",
            "Neither the receipt nor the settings name the taxation; enter it in the settings.",
        ];
        problems.push(Code::Missing.at("receipt.taxation", message));
    }
    let contact = receipts::contact(receipt).map_err(|problem| problems.push(problem)).ok();
    match (taxation, contact) {
        (Some(taxation), Some(contact)) if problems.is_empty() => {
            Ok(Checked { ffd: settings.ffd, taxation: taxation_name(taxation), contact, lines })
        }
        _ => Err(problems),
    }
}

/// Returns T-Bank's name of a subject of payment in a version of FFD.
fn subject(ffd: Ffd, name: &str) -> Option<Cow<'static, str>> {
    let is_in_both = name == ANOTHER || receipts::subject(name).is_some_and(|value| value <= SAME_SUBJECT_MAX);
    if is_in_both || ffd == Ffd::V1_05 && name == COMPOSITE {
        return Some(underscored(name).into());
    }
    let known = SUBJECTS_OF_1_2.iter().filter(|_| ffd == Ffd::V1_2).find(|(known, _)| *known == name);
    known.map(|(_, theirs)| (*theirs).into())
}

impl Checked<'_> {
    /// Writes the object `Receipt`.
    pub fn write(&self, o: &mut ObjectWriter<'_>) {
        o.object("Receipt", |receipt| {
            receipt.text("FfdVersion", if self.ffd == Ffd::V1_05 { "1.05" } else { "1.2" });
            receipt.text("Taxation", &self.taxation);
            match self.contact {
                Contact::Email(email) => receipt.text("Email", email),
                Contact::Phone(phone) => receipt.text("Phone", phone),
            }
            receipt.array("Items", |items| self.lines.iter().for_each(|line| self.write_line(items, line)));
        });
    }

    /// Writes a line. T-Bank's documents of 2026 do not list the rates 22 and 22/122, which are the law since 2026-01-01.
    fn write_line(&self, items: &mut ArrayWriter<'_>, line: &Line<'_, Cow<'static, str>>) {
        let item = line.item;
        items.object(|o| {
            o.text("Name", &item.name);
            o.integer("Price", item.price.minor_units);
            o.decimal("Quantity", item.quantity_thousandths, QUANTITY_DECIMALS);
            o.integer("Amount", item.amount.minor_units);
            o.text("Tax", &line.rate.name());
            o.text("PaymentMethod", &underscored(&item.method));
            o.text("PaymentObject", &line.subject);
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
    use kit::contract::{Money, ReceiptItem, Vat};
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
            ..receipt(vec![item(Vat::Exempt, "full-payment", "property-right")])
        };
        assert_eq!(
            written(&[("ffd-version", "1.2"), ("taxation", "osn")], &phone),
            r#"{"Receipt":{"FfdVersion":"1.2","Taxation":"osn","Phone":"+79001234567","Items":[{"Name":"Аванс за услуги связи","Price":10000,"Quantity":1.5,"Amount":15000,"Tax":"none","PaymentMethod":"full_payment","PaymentObject":"property_rights","MeasurementUnit":"Гбайт"}]}}"#
        );
    }

    #[test]
    fn subjects_by_the_version() {
        for (name, of_1_05, of_1_2) in [
            ("payment", Some("payment"), Some("payment")),
            ("agent-commission", Some("agent_commission"), Some("agent_commission")),
            ("another", Some("another"), Some("another")),
            ("composite", Some("composite"), None),
            ("property-right", None, Some("property_rights")),
            ("sales-tax", None, Some("trade_fee")),
            ("agent-payment", None, Some("agent_payment")),
            ("gift", None, None),
        ] {
            let names = [Ffd::V1_05, Ffd::V1_2].map(|ffd| subject(ffd, name));
            assert_eq!([names[0].as_deref(), names[1].as_deref()], [of_1_05, of_1_2], "{name}");
        }
    }

    #[test]
    fn every_problem_at_once_with_its_field() {
        let wrong = Receipt {
            taxation: None,
            contact: "почта".into(),
            ..receipt(vec![
                ReceiptItem { quantity_thousandths: 100_000_000, ..item(Vat::Exempt, "advance", "payment") },
                item(Vat::Rate(1800), "advance", "payment"),
                item(Vat::Exempt, "gift", "payment"),
                item(Vat::Exempt, "advance", "property-right"),
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
            "unsupported receipt.items[1].vat, unsupported receipt.items[2].method, unsupported receipt.items[3].subject, \
             out-of-range receipt.items[4].quantity-thousandths, too-long receipt.items[5].name, out-of-range receipt.items[6].amount, \
             unsupported receipt.items[0].quantity-thousandths, missing receipt.taxation, invalid receipt.contact"
        );
        assert_eq!(written(&[], &receipt(Vec::new())), "out-of-range receipt.items");
        let envd = Receipt { taxation: Some("envd".into()), ..receipt(vec![item(Vat::Exempt, "advance", "payment")]) };
        assert_eq!(written(&[], &envd), "unsupported receipt.taxation");
    }
}
