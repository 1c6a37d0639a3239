//! Receipts (54-ФЗ): `JsonData` with `CloudPayments.CustomerReceipt`, which CloudKassir prints.

use kit::contract::{Problem, Receipt, ReceiptItem, Vat};
use kit::json::ObjectWriter;
use kit::problem::Code;

/// The longest name of an item that CloudKassir prints whole.
const NAME_CHARS_MAX: usize = 128;
/// The measure of all that has no number of its own (tag 2108).
const OTHER_MEASURE: i64 = 255;

/// `taxationSystem` by the contract's names.
const TAXATIONS: [(&str, i64); 5] = [("osn", 0), ("usn-income", 1), ("usn-income-expense", 2), ("esn", 4), ("patent", 5)];
/// `method` by the contract's names (tag 1214).
const METHODS: [(&str, i64); 7] = [
    ("full-prepayment", 1),
    ("prepayment", 2),
    ("advance", 3),
    ("full-payment", 4),
    ("partial-payment", 5),
    ("credit", 6),
    ("credit-payment", 7),
];
/// `object` by the law's names (tag 1212).
const SUBJECTS: [(&str, i64); 13] = [
    ("commodity", 1),
    ("excise", 2),
    ("job", 3),
    ("service", 4),
    ("gambling-bet", 5),
    ("gambling-prize", 6),
    ("lottery", 7),
    ("lottery-prize", 8),
    ("intellectual-activity", 9),
    ("payment", 10),
    ("agent-commission", 11),
    ("composite", 12),
    ("another", 13),
];
/// `unitCode` by the contract's measures (tag 2108).
const MEASURES: [(&str, i64); 9] = [
    ("piece", 0),
    ("day", 70),
    ("hour", 71),
    ("minute", 72),
    ("second", 73),
    ("kilobyte", 80),
    ("megabyte", 81),
    ("gigabyte", 82),
    ("terabyte", 83),
];
/// The rates that CloudKassir knows, in percent.
const RATES: [u16; 6] = [0, 5, 7, 10, 20, 22];

fn number(table: &[(&str, i64)], name: &str) -> Option<i64> {
    table.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// Checks that a receipt can be passed on as it is.
pub fn check(receipt: &Receipt) -> Vec<Problem> {
    let mut problems: Vec<Problem> = receipt.items.iter().enumerate().flat_map(|(at, item)| check_item(at, item)).collect();
    if receipt.taxation.as_ref().is_some_and(|taxation| number(&TAXATIONS, taxation).is_none()) {
        problems
            .push(Code::Unsupported.at("receipt.taxation", "It is one of osn, usn-income, usn-income-expense, esn, patent."));
    }
    problems
}

fn check_item(at: usize, item: &ReceiptItem) -> Vec<Problem> {
    let unsupported = |field: &str, message: &str| Code::Unsupported.at(format!("receipt.items[{at}].{field}"), message);
    let mut problems = Vec::new();
    if item.name.chars().count() > NAME_CHARS_MAX {
        problems.push(Code::TooLong.at(format!("receipt.items[{at}].name"), "At most 128 characters are printed."));
    }
    if item.quantity_thousandths % 10 != 0 {
        problems.push(unsupported("quantity-thousandths", "CloudKassir takes two decimals of a quantity."));
    }
    if vat(item.vat).is_err() {
        problems
            .push(unsupported("vat", "CloudKassir knows 0, 5, 7, 10, 20 and 22 %, and the calculated rates of these but 0."));
    }
    if number(&METHODS, &item.method).is_none() {
        problems.push(unsupported("method", "It is one of the contract's methods, such as advance."));
    }
    if number(&SUBJECTS, &item.subject).is_none() {
        problems.push(unsupported("subject", "It is one of the law's subjects, such as payment or service."));
    }
    problems
}

/// Returns CloudKassir's number of a rate: none without VAT, the percent, or 100 more for a calculated rate. An error: it knows no such
/// rate.
fn vat(vat: Vat) -> Result<Option<i64>, ()> {
    let percent = |basis_points: u16| {
        let percent = basis_points / 100;
        if basis_points.is_multiple_of(100) && RATES.contains(&percent) { Ok(i64::from(percent)) } else { Err(()) }
    };
    match vat {
        Vat::Exempt => Ok(None),
        Vat::Rate(basis_points) => percent(basis_points).map(Some),
        Vat::Calculated(0) => Err(()),
        Vat::Calculated(basis_points) => percent(basis_points).map(|percent| Some(100 + percent)),
    }
}

/// Writes a receipt into the object of a call.
pub fn write(call: &mut ObjectWriter<'_>, receipt: &Receipt) {
    let total = receipt.items.iter().map(|item| item.amount.minor_units).sum();
    call.object("JsonData", |data| {
        data.object("CloudPayments", |data| {
            data.object("CustomerReceipt", |printed| {
                printed.array("Items", |items| {
                    receipt.items.iter().for_each(|item| items.object(|object| write_item(object, item)))
                });
                if let Some(taxation) = receipt.taxation.as_ref().and_then(|name| number(&TAXATIONS, name)) {
                    printed.integer("taxationSystem", taxation);
                }
                printed.text(if receipt.contact.contains('@') { "email" } else { "phone" }, &receipt.contact);
                printed.object("amounts", |amounts| amounts.amount("electronic", total));
            });
        });
    });
}

fn write_item(object: &mut ObjectWriter<'_>, item: &ReceiptItem) {
    object.text("label", &item.name);
    object.amount("price", item.price.minor_units);
    // Hundredths, which are written as minor units are.
    object.amount("quantity", item.quantity_thousandths / 10);
    object.amount("amount", item.amount.minor_units);
    match vat(item.vat) {
        Ok(Some(rate)) => object.integer("vat", rate),
        _ => object.null("vat"),
    }
    object.integer("method", number(&METHODS, &item.method).unwrap_or_default());
    object.integer("object", number(&SUBJECTS, &item.subject).unwrap_or_default());
    object.integer("unitCode", number(&MEASURES, &item.measure).unwrap_or(OTHER_MEASURE));
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kit::contract::Money;
    use kit::json::object;

    /// Returns the receipt of an advance of 100.00 roubles.
    pub(crate) fn receipt() -> Receipt {
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

    #[test]
    fn a_whole_receipt() {
        let want = concat!(
            r#"{"JsonData":{"CloudPayments":{"CustomerReceipt":{"Items":[{"label":"Аванс за услуги связи","price":100.00,"#,
            r#""quantity":1.00,"amount":100.00,"vat":122,"method":3,"object":10,"unitCode":0}],"taxationSystem":0,"#,
            r#""phone":"+79001234567","amounts":{"electronic":100.00}}}}}"#
        );
        assert_eq!(object(|call| write(call, &receipt())), want);
        let mut other = Receipt { taxation: None, contact: "a@b.ru".to_owned(), ..receipt() };
        other.items[0].vat = Vat::Exempt;
        other.items[0].measure = "month".to_owned();
        let written = object(|call| write(call, &other));
        for part in [r#""vat":null"#, r#""unitCode":255"#, r#""email":"a@b.ru""#] {
            assert!(written.contains(part), "{written}");
        }
        assert!(!written.contains("taxationSystem"));
    }

    #[test]
    fn rates() {
        for (rate, want) in [
            (Vat::Exempt, Ok(None)),
            (Vat::Rate(0), Ok(Some(0))),
            (Vat::Rate(2_200), Ok(Some(22))),
            (Vat::Calculated(2_000), Ok(Some(120))),
            (Vat::Calculated(500), Ok(Some(105))),
            (Vat::Calculated(0), Err(())),
            (Vat::Rate(1_800), Err(())),
            (Vat::Rate(2_250), Err(())),
        ] {
            assert_eq!(vat(rate), want, "{rate:?}");
        }
    }

    #[test]
    fn what_cannot_be_passed_on() {
        let mut wrong = Receipt { taxation: Some("envd".to_owned()), ..receipt() };
        wrong.items.extend(receipt().items);
        wrong.items[1] = ReceiptItem {
            name: "я".repeat(129),
            quantity_thousandths: 1_005,
            vat: Vat::Rate(1_800),
            method: "gift".to_owned(),
            subject: "idea".to_owned(),
            ..wrong.items[1].clone()
        };
        let fields: Vec<String> = check(&wrong).into_iter().filter_map(|problem| problem.field).collect();
        let want = [
            "items[1].name",
            "items[1].quantity-thousandths",
            "items[1].vat",
            "items[1].method",
            "items[1].subject",
            "taxation",
        ];
        assert_eq!(fields, want.map(|field| format!("receipt.{field}")));
        assert!(check(&receipt()).is_empty());
    }
}
