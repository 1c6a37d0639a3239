//! Receipts by 54-ФЗ, as YooKassa takes them in a payment and in a refund.

use kit::contract::{Problem, Receipt, ReceiptItem};
use kit::json::ObjectWriter;
use kit::problem::Code;
use kit::receipts::{self, Contact, Line, QUANTITY_DECIMALS, Rate, underscored};
use money::{format_amount, write_decimal};

use crate::settings::{CURRENCY, ReceiptFormat, Settings};

/// `vat_code` of rates in percent.
const RATES: [(Rate, i64); 12] = [
    (Rate::Exempt, 1),
    (Rate::Percent(0), 2),
    (Rate::Percent(10), 3),
    (Rate::Percent(20), 4),
    (Rate::Calculated(10), 5),
    (Rate::Calculated(20), 6),
    (Rate::Percent(5), 7),
    (Rate::Percent(7), 8),
    (Rate::Calculated(5), 9),
    (Rate::Calculated(7), 10),
    (Rate::Percent(22), 11),
    (Rate::Calculated(22), 12),
];
/// `measure` of what has none of its own.
const OTHER_MEASURE: &str = "another";

/// A receipt that YooKassa can print.
pub struct Printable<'r> {
    contact: Contact<'r>,
    tax_system: Option<i64>,
    lines: Vec<Line<'r, String>>,
    /// Whether lines have a measure.
    has_measures: bool,
}

/// Reads a receipt.
///
/// # Errors
/// All problems at once, each with its field.
pub fn read<'r>(settings: &Settings, receipt: &'r Receipt) -> Result<Printable<'r>, Vec<Problem>> {
    let subject = |name: &str| receipts::subject(name).map(|_| underscored(name));
    let (lines, mut problems) = receipts::lines(receipt, CURRENCY, subject);
    for (at, _) in receipt.items.iter().enumerate().filter(|(_, item)| !comes_to_amount(item)) {
        let message = [
            "В чеке ЮKassa цена, умноженная на количество, должна дать сумму строки.",
            "YooKassa multiplies the price by the quantity: together they must be the amount of the line.",
        ];
        problems.push(Code::Invalid.at(receipts::field(at, "amount"), message));
    }
    let contact = receipts::contact(receipt).map_err(|problem| problems.push(problem)).ok();
    let taxation = receipts::taxation(receipt).map_err(|problem| problems.push(problem)).ok();
    match (contact, taxation) {
        (Some(contact), Some(taxation)) if problems.is_empty() => {
            let has_measures = settings.receipt_format == ReceiptFormat::V1_2;
            // `tax_system_code` is 1 more than the bit of tag 1055.
            Ok(Printable { contact, tax_system: taxation.map(|bit| bit + 1), lines, has_measures })
        }
        _ => Err(problems),
    }
}

/// Reports whether a line's amount is what its price and quantity come to, rounded to kopecks.
fn comes_to_amount(item: &ReceiptItem) -> bool {
    let [price, quantity, amount] =
        [item.price.minor_units, item.quantity_thousandths, item.amount.minor_units].map(i128::from);
    (price * quantity + 500) / 1000 == amount
}

impl Printable<'_> {
    /// Writes the fields of YooKassa's `receipt`.
    pub fn write(&self, out: &mut ObjectWriter<'_>) {
        out.object("customer", |customer| match self.contact {
            Contact::Email(email) => customer.text("email", email),
            // Digits with the country's code, without a plus.
            Contact::Phone(phone) => customer.text("phone", phone.trim_start_matches('+')),
        });
        if let Some(code) = self.tax_system {
            out.integer("tax_system_code", code);
        }
        out.array("items", |items| {
            for line in &self.lines {
                items.object(|out| self.write_line(out, line));
            }
        });
    }

    fn write_line(&self, out: &mut ObjectWriter<'_>, Line { item, rate, subject, .. }: &Line<'_, String>) {
        let mut quantity = Vec::new();
        write_decimal(&mut quantity, item.quantity_thousandths.unsigned_abs(), QUANTITY_DECIMALS);
        out.text("description", &item.name);
        out.text("quantity", str::from_utf8(&quantity).unwrap_or_default());
        out.object("amount", |amount| {
            amount.text("value", &format_amount(item.price.minor_units));
            amount.text("currency", CURRENCY.as_str());
        });
        out.integer("vat_code", vat_code(*rate));
        out.text("payment_mode", &payment_mode(&item.method));
        out.text("payment_subject", subject);
        if self.has_measures {
            let known = receipts::measure(&item.measure).map(|_| underscored(&item.measure));
            out.text("measure", known.as_deref().unwrap_or(OTHER_MEASURE));
        }
    }
}

fn vat_code(rate: Rate) -> i64 {
    RATES.iter().find(|(known, _)| *known == rate).map_or(1, |(_, code)| *code)
}

fn payment_mode(method: &str) -> String {
    match method {
        "prepayment" => "partial_prepayment".to_owned(),
        method => underscored(method),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::{Money, Vat};
    use kit::json;
    use kit::receipts::example;

    fn roubles(minor_units: i64) -> Money {
        Money { minor_units, currency: "RUB".into() }
    }

    fn item() -> ReceiptItem {
        ReceiptItem {
            name: "Интернет".into(),
            vat: Vat::Exempt,
            method: "full-payment".into(),
            subject: "service".into(),
            ..example().items.remove(0)
        }
    }

    fn written(changes: &[(&str, &str)], contact: &str, item: ReceiptItem) -> Result<String, String> {
        let receipt = Receipt { items: vec![item], contact: contact.into(), taxation: None, extra: Vec::new() };
        let settings = settings(changes);
        let printable = read(&settings, &receipt)
            .map_err(|problems| problems.iter().map(crate::testing::problem).collect::<Vec<_>>().join(", "))?;
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
            (
                "advance",
                "resort-fee",
                "square-meter",
                r#""advance","payment_subject":"resort_fee","measure":"square_meter"}]}"#,
            ),
        ] {
            assert_eq!(text(&[], method, subject, measure), want);
        }
        let old = text(&[("receipt-format", "1.05")], "advance", "payment", "piece");
        assert_eq!(old, r#""advance","payment_subject":"payment"}]}"#);
        assert_eq!(
            written(&[], "a@b.ru", ReceiptItem { subject: "gift".into(), vat: Vat::Rate(1800), ..item() }),
            Err("unsupported receipt.items[0].vat".into())
        );
    }

    #[test]
    fn systems_of_taxation() {
        for (name, code) in [("osn", 1), ("usn-income", 2), ("usn-income-expense", 3), ("esn", 5), ("patent", 6)] {
            let receipt = Receipt { taxation: Some(name.into()), ..example() };
            let settings = settings(&[]);
            let text = json::object(|out| read(&settings, &receipt).ok().unwrap().write(out));
            assert!(text.contains(&format!(r#""tax_system_code":{code},"#)), "{text}");
        }
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
        ] {
            let item = ReceiptItem { quantity_thousandths: quantity, price: roubles(price), amount: roubles(amount), ..item() };
            let got = written(&[], "a@b.ru", item);
            match want {
                Some(text) => assert!(got.as_ref().is_ok_and(|got| got.contains(text)), "{got:?}"),
                None => assert_eq!(got, Err("invalid receipt.items[0].amount".into())),
            }
        }
        let largest =
            ReceiptItem { quantity_thousandths: i64::MAX, price: roubles(i64::MAX), amount: roubles(i64::MAX), ..item() };
        assert!(written(&[], "a@b.ru", largest).is_err());
    }

    #[test]
    fn a_phone_has_no_plus() {
        for (contact, want) in
            [("ivan@example.ru", r#"{"email":"ivan@example.ru"}"#), ("+79001234567", r#"{"phone":"79001234567"}"#)]
        {
            assert!(written(&[], contact, item()).unwrap().contains(want));
        }
        assert_eq!(written(&[], "79001234567", item()), Err("invalid receipt.contact".into()));
    }
}
