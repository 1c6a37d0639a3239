//! Receipts (54-ФЗ): what Robokassa is to print, for a payment and for a refund.

use kit::contract::{Problem, Receipt};
use kit::form::encode_value;
use kit::json::{ObjectWriter, object};
use kit::problem::Code;
use kit::receipts::{self, Line, QUANTITY_DECIMALS, taxation_name, underscored};

use crate::settings::CURRENCY;

/// A subject of which Robokassa's name is not the law's with underscores.
const NON_OPERATING_GAIN: [&str; 2] = ["non-operating-gain", "non-operating_gain"];

/// Returns the receipt of a link as URL-encoded JSON: Robokassa signs that text, and decodes it after the form.
///
/// # Errors
/// All problems at once, each with its field.
pub fn of_link(receipt: &Receipt) -> Result<String, Vec<Problem>> {
    let (lines, mut problems) = receipts::lines(receipt, CURRENCY, subject);
    problems.extend(receipts::taxation(receipt).err());
    if !problems.is_empty() {
        return Err(problems);
    }
    let json = object(|root| {
        if let Some(taxation) = &receipt.taxation {
            root.text("sno", &taxation_name(taxation));
        }
        root.array("items", |items| {
            for Line { item, rate, subject, .. } in &lines {
                items.object(|line| {
                    line.text("name", &item.name);
                    line.decimal("quantity", item.quantity_thousandths, QUANTITY_DECIMALS);
                    line.amount("sum", item.amount.minor_units);
                    line.text("tax", &rate.name());
                    line.text("payment_method", &underscored(&item.method));
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
    let (lines, mut problems) = receipts::lines(receipt, CURRENCY, subject);
    for (at, item) in receipt.items.iter().enumerate() {
        let price = i128::from(item.price.minor_units) * i128::from(item.quantity_thousandths);
        if price != i128::from(item.amount.minor_units) * 1000 {
            let message = [
                "В чеке Robokassa цена, умноженная на количество, должна дать сумму строки.",
                "Robokassa takes the price of a unit alone: price times quantity must be the line's amount.",
            ];
            problems.push(Code::Invalid.at(receipts::field(at, "price"), message));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(move |root: &mut ObjectWriter<'_>| {
        root.array("InvoiceItems", |items| {
            for Line { item, rate, subject, .. } in &lines {
                items.object(|line| {
                    line.text("Name", &item.name);
                    line.decimal("Quantity", item.quantity_thousandths, QUANTITY_DECIMALS);
                    line.amount("Cost", item.price.minor_units);
                    line.text("Tax", &rate.name());
                    line.text("PaymentMethod", &underscored(&item.method));
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

/// Returns Robokassa's name of a subject of payment.
fn subject(name: &str) -> Option<String> {
    let [known, theirs] = NON_OPERATING_GAIN;
    receipts::subject(name).map(|_| if name == known { theirs.to_owned() } else { underscored(name) })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kit::contract::{Money, ReceiptItem, Vat};
    use kit::form::Form;

    fn roubles(minor_units: i64) -> Money {
        Money { minor_units, currency: "RUB".into() }
    }

    pub(crate) fn receipt() -> Receipt {
        Receipt { contact: "ivan@example.ru".into(), ..receipts::example() }
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
            "{\"sno\":\"osn\",\"items\":[{\"name\":\"Аванс за услуги связи\",\"quantity\":1,\"sum\":100.00,\"tax\":\"vat122\",\
             \"payment_method\":\"advance\",\"payment_object\":\"payment\"}]}"
        );
        let without = Receipt { taxation: None, ..receipt() };
        assert!(json(&without).starts_with("{\"items\":["), "Robokassa's settings decide");
        assert_eq!(
            refund(&receipt()).unwrap(),
            "{\"InvoiceItems\":[{\"Name\":\"Аванс за услуги связи\",\"Quantity\":1,\"Cost\":100.00,\"Tax\":\"vat122\",\
             \"PaymentMethod\":\"advance\",\"PaymentObject\":\"payment\"}]}"
        );
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
        assert_eq!(problems[0].field.as_deref(), Some("receipt.items[0].price"), "one and a half times 66.67 is 100.005");
    }

    #[test]
    fn problems_name_their_field() {
        type Change = fn(&mut ReceiptItem);
        let cases: [(Change, &str, &str); 3] = [
            (|item| item.amount.currency = "USD".into(), "amount", "out-of-range"),
            (|item| item.vat = Vat::Rate(1800), "vat", "unsupported"),
            (|item| item.subject = "resort_fee".into(), "subject", "unsupported"),
        ];
        for (change, field, code) in cases {
            let problems = of_link(&changed(change)).unwrap_err();
            let found: Vec<_> =
                problems.iter().map(|problem| (problem.field.clone().unwrap(), problem.code.as_str())).collect();
            assert_eq!(found, [(format!("receipt.items[0].{field}"), code)]);
        }
        let problems = of_link(&Receipt { taxation: Some("envd".into()), ..receipt() }).unwrap_err();
        assert_eq!(problems[0].field.as_deref(), Some("receipt.taxation"));
    }
}
