//! Receipts (54-ФЗ): `JsonData` with `CloudPayments.CustomerReceipt`, which CloudKassir prints. Its codes are the values of «ФФД».

use kit::contract::{Problem, Receipt};
use kit::json::ObjectWriter;
use kit::problem::Code;
use kit::receipts::{self, Contact, Line};
use money::Currency;

/// CloudKassir knows subjects up to this one («another»).
const SUBJECT_MAX: i64 = 13;

/// A receipt that can be passed on as it is.
pub struct Checked<'r> {
    lines: Vec<Line<'r, i64>>,
    taxation: Option<i64>,
    contact: Contact<'r>,
}

/// Checks a receipt.
///
/// # Errors
/// All problems at once, each with its field.
pub fn check(receipt: &Receipt, currency: Currency) -> Result<Checked<'_>, Vec<Problem>> {
    let subject = |name: &str| receipts::subject(name).filter(|subject| *subject <= SUBJECT_MAX);
    let (lines, mut problems) = receipts::lines(receipt, currency, subject);
    problems.extend(receipt.items.iter().enumerate().filter(|(_, item)| item.quantity_thousandths % 10 != 0).map(|(at, _)| {
        let message =
            ["CloudKassir принимает количество с двумя знаками после точки.", "CloudKassir takes two decimals of a quantity."];
        Code::Unsupported.at(receipts::field(at, "quantity-thousandths"), message)
    }));
    let taxation = receipts::taxation(receipt).map_err(|problem| problems.push(problem)).ok();
    let contact = receipts::contact(receipt).map_err(|problem| problems.push(problem)).ok();
    match (taxation, contact) {
        (Some(taxation), Some(contact)) if problems.is_empty() => Ok(Checked { lines, taxation, contact }),
        _ => Err(problems),
    }
}

impl Checked<'_> {
    /// Writes the receipt into the object of a call.
    pub fn write(&self, call: &mut ObjectWriter<'_>) {
        let total = self.lines.iter().map(|line| line.item.amount.minor_units).sum();
        call.object("JsonData", |data| {
            data.object("CloudPayments", |data| {
                data.object("CustomerReceipt", |printed| {
                    printed.array("Items", |items| {
                        self.lines.iter().for_each(|line| items.object(|object| write_line(object, line)))
                    });
                    if let Some(taxation) = self.taxation {
                        printed.integer("taxationSystem", taxation);
                    }
                    match self.contact {
                        Contact::Email(email) => printed.text("email", email),
                        Contact::Phone(phone) => printed.text("phone", phone),
                    }
                    printed.object("amounts", |amounts| amounts.amount("electronic", total));
                });
            });
        });
    }
}

fn write_line(object: &mut ObjectWriter<'_>, line: &Line<'_, i64>) {
    let item = line.item;
    object.text("label", &item.name);
    object.amount("price", item.price.minor_units);
    // Hundredths, which are written as minor units are.
    object.amount("quantity", item.quantity_thousandths / 10);
    object.amount("amount", item.amount.minor_units);
    match line.rate.number() {
        Some(rate) => object.integer("vat", rate),
        None => object.null("vat"),
    }
    object.integer("method", line.method);
    object.integer("object", line.subject);
    object.integer("unitCode", receipts::measure(&item.measure).unwrap_or(receipts::OTHER_MEASURE));
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::contract::{ReceiptItem, Vat};
    use kit::json::object;
    use kit::receipts::example;

    fn written(receipt: &Receipt) -> String {
        let checked = check(receipt, Currency::RUB).unwrap_or_else(|problems| panic!("{problems:?}"));
        object(|call| checked.write(call))
    }

    #[test]
    fn a_whole_receipt() {
        let want = concat!(
            r#"{"JsonData":{"CloudPayments":{"CustomerReceipt":{"Items":[{"label":"Аванс за услуги связи","price":100.00,"#,
            r#""quantity":1.00,"amount":100.00,"vat":122,"method":3,"object":10,"unitCode":0}],"taxationSystem":0,"#,
            r#""phone":"+79001234567","amounts":{"electronic":100.00}}}}}"#
        );
        assert_eq!(written(&example()), want);
        let mut other = Receipt { taxation: None, contact: "a@b.ru".to_owned(), ..example() };
        other.items[0].vat = Vat::Exempt;
        other.items[0].measure = "month".to_owned();
        let written = written(&other);
        for part in [r#""vat":null"#, r#""unitCode":255"#, r#""email":"a@b.ru""#] {
            assert!(written.contains(part), "{written}");
        }
        assert!(!written.contains("taxationSystem"));
    }

    #[test]
    fn rates() {
        for (vat, want) in
            [(Vat::Rate(0), 0), (Vat::Rate(2_200), 22), (Vat::Calculated(2_000), 120), (Vat::Calculated(500), 105)]
        {
            let mut receipt = example();
            receipt.items[0].vat = vat;
            assert!(written(&receipt).contains(&format!(r#""vat":{want},"#)), "{vat:?}");
        }
    }

    #[test]
    fn what_cannot_be_passed_on() {
        let mut wrong = Receipt { taxation: Some("envd".to_owned()), contact: "почта".to_owned(), ..example() };
        wrong.items.extend(example().items);
        wrong.items[0] =
            ReceiptItem { quantity_thousandths: 1_005, subject: "resort-fee".to_owned(), ..wrong.items[1].clone() };
        let problems = check(&wrong, Currency::RUB).err().unwrap();
        let fields: Vec<String> = problems.into_iter().filter_map(|problem| problem.field).collect();
        let want = ["items[0].subject", "items[0].quantity-thousandths", "taxation", "contact"];
        assert_eq!(fields, want.map(|field| format!("receipt.{field}")));
        assert!(check(&example(), Currency::parse("KZT").unwrap()).is_err(), "the line is in roubles");
    }
}
