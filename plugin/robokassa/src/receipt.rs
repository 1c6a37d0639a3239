//! Receipts (54-ФЗ): what Robokassa is to print, for a payment and for a refund.

use kit::contract::{Problem, Receipt, ReceiptItem, Vat};
use kit::form::encode_value;
use kit::json::{ObjectWriter, object};
use kit::problem::Code;
use kit::text;

use crate::settings::CURRENCY;

/// The contract's limit, and Robokassa's.
const NAME_CHARS_MAX: usize = 128;
/// The decimals of a quantity.
const THOUSANDTHS: usize = 3;

/// The systems of taxation: the contract's name of each, and Robokassa's.
const TAXATIONS: [(&str, &str); 5] = [
    ("osn", "osn"),
    ("usn-income", "usn_income"),
    ("usn-income-expense", "usn_income_outcome"),
    ("esn", "esn"),
    ("patent", "patent"),
];

/// Robokassa's names of how a line is paid. The contract's have hyphens in place of the underscores.
const METHODS: [&str; 7] =
    ["full_prepayment", "prepayment", "advance", "full_payment", "partial_payment", "credit", "credit_payment"];

/// Robokassa's names of what a line is for. The contract's have hyphens in place of the underscores.
const SUBJECTS: [&str; 17] = [
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
    "composite",
    "another",
    "property_right",
    "insurance_premium",
    "sales_tax",
    "resort_fee",
];

/// A line in Robokassa's words.
struct Line<'r> {
    item: &'r ReceiptItem,
    tax: &'static str,
    method: &'static str,
    subject: &'static str,
}

/// Returns the receipt of a link as URL-encoded JSON: Robokassa signs that text, and decodes it after the form.
///
/// # Errors
/// All problems at once, each with its field.
pub fn of_link(receipt: &Receipt) -> Result<String, Vec<Problem>> {
    let (lines, mut problems) = lines(receipt);
    let taxation = receipt.taxation.as_deref().map(taxation).transpose();
    let taxation = taxation.map_err(|problem| problems.push(problem)).ok().flatten();
    if !problems.is_empty() {
        return Err(problems);
    }
    let json = object(|root| {
        if let Some(taxation) = taxation {
            root.text("sno", taxation);
        }
        root.array("items", |items| {
            for Line { item, tax, method, subject } in &lines {
                items.object(|line| {
                    line.text("name", &item.name);
                    line.decimal("quantity", item.quantity_thousandths, THOUSANDTHS);
                    line.amount("sum", item.amount.minor_units);
                    line.text("tax", tax);
                    line.text("payment_method", method);
                    line.text("payment_object", subject);
                });
            }
        });
    });
    Ok(encode_value(&json))
}

/// Writes the lines of a refund's receipt into its request. The Refund API takes the price of a unit alone, which times the
/// quantity must be the line's amount.
///
/// # Errors
/// All problems at once, each with its field.
pub fn of_refund(receipt: &Receipt) -> Result<impl FnOnce(&mut ObjectWriter<'_>), Vec<Problem>> {
    let (lines, mut problems) = lines(receipt);
    for (at, Line { item, .. }) in lines.iter().enumerate() {
        let price = i128::from(item.price.minor_units) * i128::from(item.quantity_thousandths);
        if price != i128::from(item.amount.minor_units) * 1000 {
            let message = "Robokassa takes the price of a unit alone: price times quantity must be the line's amount.";
            problems.push(Code::Invalid.at(format!("receipt.items.{at}.price"), message));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(move |root: &mut ObjectWriter<'_>| {
        root.array("InvoiceItems", |items| {
            for Line { item, tax, method, subject } in &lines {
                items.object(|line| {
                    line.text("Name", &item.name);
                    line.decimal("Quantity", item.quantity_thousandths, THOUSANDTHS);
                    line.amount("Cost", item.price.minor_units);
                    line.text("Tax", tax);
                    line.text("PaymentMethod", method);
                    line.text("PaymentObject", subject);
                });
            }
        });
    })
}

/// Reports whether a receipt has a measure, for which Robokassa has no place.
pub fn has_measure(receipt: &Receipt) -> bool {
    receipt.items.iter().any(|item| !matches!(item.measure.as_str(), "" | "piece"))
}

fn lines(receipt: &Receipt) -> (Vec<Line<'_>>, Vec<Problem>) {
    let mut problems = Vec::new();
    let read = |(at, item)| line(item, &format!("receipt.items.{at}")).map_err(|problem| problems.push(problem)).ok();
    let lines = receipt.items.iter().enumerate().filter_map(read).collect();
    (lines, problems)
}

/// Parses a line.
///
/// # Errors
/// Its first problem, at a field below `place`.
fn line<'r>(item: &'r ReceiptItem, place: &str) -> Result<Line<'r>, Problem> {
    let at = |field: &str| [place, ".", field].concat();
    text::check_required(&at("name"), &item.name, NAME_CHARS_MAX)?;
    if item.quantity_thousandths < 1 {
        return Err(Code::OutOfRange.at(at("quantity-thousandths"), "It is 1 or more; 1000 is one."));
    }
    for (field, money) in [("amount", &item.amount), ("price", &item.price)] {
        if money.currency != CURRENCY.as_str() || !(0..=money::AMOUNT_MAX).contains(&money.minor_units) {
            return Err(Code::OutOfRange.at(at(field), "It is an amount in roubles, and not negative."));
        }
    }
    let tax = tax(&item.vat).ok_or_else(|| Code::Unsupported.at(at("vat"), "Robokassa prints no such VAT rate."))?;
    let named = |names: &'static [&'static str], field: &str, name: &str| {
        let known = names.iter().find(|known| known.replace('_', "-") == name).copied();
        known.ok_or_else(|| Code::Unsupported.at(at(field), "Robokassa has no name for it."))
    };
    let method = named(&METHODS, "method", &item.method)?;
    let subject = named(&SUBJECTS, "subject", &item.subject)?;
    Ok(Line { item, tax, method, subject })
}

fn taxation(name: &str) -> Result<&'static str, Problem> {
    let known = TAXATIONS.into_iter().find(|(known, _)| *known == name).map(|(_, theirs)| theirs);
    known.ok_or_else(|| Code::Unsupported.at("receipt.taxation", "Robokassa has no name for it."))
}

fn tax(vat: &Vat) -> Option<&'static str> {
    Some(match vat {
        Vat::Exempt => "none",
        Vat::Rate(0) => "vat0",
        Vat::Rate(500) => "vat5",
        Vat::Rate(700) => "vat7",
        Vat::Rate(1000) => "vat10",
        Vat::Rate(2000) => "vat20",
        Vat::Rate(2200) => "vat22",
        Vat::Calculated(500) => "vat105",
        Vat::Calculated(700) => "vat107",
        Vat::Calculated(1000) => "vat110",
        Vat::Calculated(2000) => "vat120",
        Vat::Calculated(2200) => "vat122",
        Vat::Rate(_) | Vat::Calculated(_) => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kit::contract::Money;
    use kit::form::Form;

    fn roubles(minor_units: i64) -> Money {
        Money { minor_units, currency: "RUB".into() }
    }

    pub(crate) fn receipt() -> Receipt {
        let item = ReceiptItem {
            name: "Аванс за услуги связи: 100500".into(),
            quantity_thousandths: 1000,
            price: roubles(10_000),
            amount: roubles(10_000),
            measure: "piece".into(),
            vat: Vat::Calculated(2200),
            method: "advance".into(),
            subject: "payment".into(),
            extra: Vec::new(),
        };
        Receipt { items: vec![item], contact: "ivan@example.ru".into(), taxation: Some("osn".into()), extra: Vec::new() }
    }

    /// Returns the JSON of a link's receipt.
    fn json(receipt: &Receipt) -> String {
        let encoded = of_link(receipt).unwrap();
        assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*-._%+".contains(&byte)), "{encoded}");
        let form = ["receipt=", &encoded].concat();
        Form::parse(form.as_bytes(), ["receipt"]).unwrap().get("receipt").to_owned()
    }

    fn refund(receipt: &Receipt) -> Result<String, Vec<Problem>> {
        of_refund(receipt).map(object)
    }

    fn changed(change: fn(&mut ReceiptItem)) -> Receipt {
        let mut receipt = receipt();
        change(&mut receipt.items[0]);
        receipt
    }

    #[test]
    fn the_receipt_of_a_top_up() {
        assert_eq!(
            json(&receipt()),
            "{\"sno\":\"osn\",\"items\":[{\"name\":\"Аванс за услуги связи: 100500\",\"quantity\":1,\"sum\":100.00,\"tax\":\"vat122\",\
             \"payment_method\":\"advance\",\"payment_object\":\"payment\"}]}"
        );
        let without = Receipt { taxation: None, ..receipt() };
        assert!(json(&without).starts_with("{\"items\":["), "Robokassa's settings decide");
        assert_eq!(
            refund(&receipt()).unwrap(),
            "{\"InvoiceItems\":[{\"Name\":\"Аванс за услуги связи: 100500\",\"Quantity\":1,\"Cost\":100.00,\"Tax\":\"vat122\",\
             \"PaymentMethod\":\"advance\",\"PaymentObject\":\"payment\"}]}"
        );
    }

    #[test]
    fn rates() {
        for (vat, want) in [
            (Vat::Exempt, Some("none")),
            (Vat::Rate(0), Some("vat0")),
            (Vat::Rate(500), Some("vat5")),
            (Vat::Rate(2200), Some("vat22")),
            (Vat::Calculated(700), Some("vat107")),
            (Vat::Calculated(2000), Some("vat120")),
            (Vat::Rate(1800), None),
            (Vat::Calculated(0), None),
        ] {
            assert_eq!(tax(&vat), want, "{vat:?}");
        }
    }

    #[test]
    fn quantities_and_names_in_robokassas_words() {
        let receipt = changed(|item| {
            item.quantity_thousandths = 1_500;
            item.price = roubles(6_667);
            item.method = "full-prepayment".into();
            item.subject = "intellectual-activity".into();
        });
        let json = json(&receipt);
        for part in [
            "\"quantity\":1.5,\"sum\":100.00",
            "\"payment_method\":\"full_prepayment\"",
            "\"payment_object\":\"intellectual_activity\"",
        ] {
            assert!(json.contains(part), "{json}");
        }
        let problems = refund(&receipt).unwrap_err();
        assert_eq!(problems[0].field.as_deref(), Some("receipt.items.0.price"), "one and a half times 66.67 is 100.005");
    }

    #[test]
    fn problems_name_their_field() {
        type Change = fn(&mut ReceiptItem);
        let cases: [(Change, &str, &str); 8] = [
            (|item| item.name.clear(), "name", "missing"),
            (|item| item.name = "я".repeat(129), "name", "too-long"),
            (|item| item.quantity_thousandths = 0, "quantity-thousandths", "out-of-range"),
            (|item| item.amount.currency = "USD".into(), "amount", "out-of-range"),
            (|item| item.price.minor_units = -1, "price", "out-of-range"),
            (|item| item.vat = Vat::Rate(1800), "vat", "unsupported"),
            (|item| item.method = "gift".into(), "method", "unsupported"),
            (|item| item.subject = "resort_fee".into(), "subject", "unsupported"),
        ];
        for (change, field, code) in cases {
            let problems = of_link(&changed(change)).unwrap_err();
            let found: Vec<_> =
                problems.iter().map(|problem| (problem.field.clone().unwrap(), problem.code.as_str())).collect();
            assert_eq!(found, [(format!("receipt.items.0.{field}"), code)]);
        }
        let problems = of_link(&Receipt { taxation: Some("envd".into()), ..receipt() }).unwrap_err();
        assert_eq!(problems[0].field.as_deref(), Some("receipt.taxation"));
    }
}
