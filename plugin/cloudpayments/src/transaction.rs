//! A transaction as the API tells of it: `/payments/get`, `/v2/payments/find` and a row of `/v2/payments/list`.

use std::borrow::Cow;

use kit::contract::Fields;
use kit::json::{JsonError, Object, Value};
use kit::problem::{Bilingual, filled};

use crate::event::Details;
use crate::settings::Settings;
use crate::values;

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// The payer is at the bank.
    Waiting,
    /// The money is reserved.
    Authorized,
    Completed,
    Cancelled,
    Declined,
    Unknown,
}

/// What a transaction is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    Payment,
    /// With the transaction that was paid back.
    Refund(String),
    /// A payout, or what is not known.
    Other,
}

/// A transaction whose required fields were checked.
#[derive(Debug)]
pub struct Transaction<'a> {
    /// The number as it was written.
    pub id: Cow<'a, str>,
    pub public_id: Cow<'a, str>,
    /// Empty if it names no order.
    pub invoice: Cow<'a, str>,
    pub account: Cow<'a, str>,
    /// In minor units.
    pub minor_units: i64,
    pub currency: Cow<'a, str>,
    pub status: Status,
    pub operation: Operation,
    pub is_test: bool,
    /// In minor units, VAT included; `None` where the API does not say or it cannot be read.
    pub fee: Option<i64>,
    /// What is paid out, in minor units; may be negative.
    pub payout: Option<i64>,
    /// The day of the payout: `YYYY-MM-DD`.
    pub payout_day: Option<String>,
    /// As the contract's `occurred-at`.
    pub created_at: Option<String>,
    /// What the payer was told of a declined one; may be empty.
    pub reason: String,
    pub payment_method: Cow<'a, str>,
}

impl<'a> Transaction<'a> {
    /// Reads a transaction of an answer.
    ///
    /// # Errors
    /// The first required field that is missing or has another form.
    pub fn read(model: &Value<'a>) -> Result<Transaction<'a>, String> {
        let object = model.object().map_err(reason)?;
        let id = object.number_text("TransactionId").map_err(reason)?;
        values::transaction(&id).ok_or("TransactionId is not a transaction's number.")?;
        let minor_units = values::amount(&object.number_text("Amount").map_err(reason)?).ok_or("Amount is not an amount.")?;
        let text = |name| object.optional(name).map(Option::unwrap_or_default).map_err(reason);
        Ok(Transaction {
            id,
            public_id: object.text("PublicId").map_err(reason)?,
            invoice: text("InvoiceId")?,
            account: text("AccountId")?,
            minor_units,
            currency: object.text("Currency").map_err(reason)?,
            status: status(&object.text("Status").map_err(reason)?),
            operation: operation(&object)?,
            is_test: object.flag("TestMode").map_err(reason)?,
            fee: values::fee(&number(&object, "TotalFee"), &number(&object, "VatAboveTotalFee")),
            payout: values::signed_amount(&number(&object, "PayoutAmount")),
            payout_day: day(&lenient(&object, "PayoutDateIso")),
            created_at: values::occurred_at(&lenient(&object, "CreatedDateIso")),
            reason: kit::text::remark(&lenient(&object, "CardHolderMessage")),
            payment_method: lenient(&object, "PaymentMethod"),
        })
    }

    /// Returns what an event is made of.
    pub fn details(&self) -> Details<'_> {
        let extra: Fields = [("payment-type", &*self.payment_method), ("reason", &self.reason)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Details {
            transaction: &self.id,
            original: match &self.operation {
                Operation::Refund(original) => Some(original),
                _ => None,
            },
            invoice: &self.invoice,
            minor_units: self.minor_units,
            fee: self.fee,
            occurred_at: self.created_at.clone(),
            extra,
        }
    }

    /// Checks that it is of the configured site and currency.
    ///
    /// # Errors
    /// What is another's, as a sentence.
    pub fn check(&self, settings: &Settings) -> Result<(), Bilingual> {
        let id = &self.id;
        if self.public_id != settings.public_id.as_str() {
            return Err(filled(
                ["У транзакции {0} другой Public ID, чем в настройках.", "The transaction {0} is of another Public ID."],
                &[&id],
            ));
        }
        if !settings.currency.is_meant_by(&self.currency) {
            let (currency, ours) = (kit::text::shown(&self.currency), settings.currency);
            return Err(filled(
                [
                    "Транзакция {0} в валюте «{1}», а в настройках {2}.",
                    "The transaction {0} is in the currency «{1}»; the settings name {2}.",
                ],
                &[&id, &currency, &ours],
            ));
        }
        Ok(())
    }
}

fn reason(error: JsonError) -> String {
    error.to_string()
}

fn status(text: &str) -> Status {
    match text {
        "AwaitingAuthentication" => Status::Waiting,
        "Authorized" => Status::Authorized,
        "Completed" => Status::Completed,
        "Cancelled" => Status::Cancelled,
        "Declined" => Status::Declined,
        _ => Status::Unknown,
    }
}

/// `Type` is 0 of a payment and 1 of a refund, which names what it takes back. Where the two contradict each other, it is neither.
fn operation(object: &Object<'_>) -> Result<Operation, String> {
    let original = match object.find("OriginalTransactionId") {
        None => None,
        Some(value) => Some(value.number_text().map_err(reason)?.into_owned()),
    };
    Ok(match (object.integer("Type").map_err(reason)?, original) {
        (0, None) => Operation::Payment,
        (1, Some(original)) if values::transaction(&original).is_some() => Operation::Refund(original),
        _ => Operation::Other,
    })
}

/// Returns a number that informs; empty if there is none, or something else.
fn number<'a>(object: &Object<'a>, name: &str) -> Cow<'a, str> {
    object.find(name).and_then(|value| value.number_text().ok()).unwrap_or_default()
}

/// Returns a text that informs; empty if there is none, or something else.
fn lenient<'a>(object: &Object<'a>, name: &str) -> Cow<'a, str> {
    object.find(name).and_then(|value| value.text().ok()).unwrap_or_default()
}

fn day(time: &str) -> Option<String> {
    let at = values::occurred_at(time)?;
    at.split_once('T').map(|(day, _)| day.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::settings::tests::settings;

    /// The documentation's answer of `/payments/get`, shortened, with changes of its text.
    pub(crate) fn model(changes: &[(&str, &str)]) -> String {
        let mut text = r#"{"ReasonCode":0,"PublicId":"pk_test_site_1","TransactionId":897749645,"Amount":159,"Currency":"RUB","PaymentAmount":159,"InvoiceId":"42","AccountId":"100500","Email":null,"PayoutDateIso":null,"PayoutAmount":null,"CreatedDateIso":"2021-10-30T03:59:58","ConfirmDateIso":"2021-10-30T04:00:06","TestMode":false,"OriginalTransactionId":null,"Status":"Completed","StatusCode":3,"Reason":"Approved","CardHolderMessage":"Оплата успешно проведена","Type":0,"Refunded":false,"GatewayName":"Test","TotalFee":3.90,"VatAboveTotalFee":0}"#.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        text
    }

    #[test]
    fn a_transaction_of_the_api() {
        let text = model(&[(
            "\"PayoutDateIso\":null,\"PayoutAmount\":null",
            "\"PayoutDateIso\":\"2021-11-01T00:00:00\",\"PayoutAmount\":155.10",
        )]);
        let transaction = Transaction::read(&Value::parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            (transaction.id.as_ref(), transaction.minor_units, transaction.status),
            ("897749645", 15_900, Status::Completed)
        );
        assert_eq!((transaction.operation.clone(), transaction.is_test), (Operation::Payment, false));
        assert_eq!((transaction.fee, transaction.payout), (Some(390), Some(15_510)));
        assert_eq!(transaction.payout_day.as_deref(), Some("2021-11-01"));
        assert_eq!(transaction.created_at.as_deref(), Some("2021-10-30T03:59:58Z"));
        assert_eq!(transaction.check(&settings(&[])), Ok(()));
        assert!(transaction.check(&settings(&[("public-id", "pk_other")])).is_err());
        assert!(transaction.check(&settings(&[("currency", "KZT")])).is_err());
    }

    #[test]
    fn what_a_transaction_is() {
        let (payment, no_original) = ("\"Type\":0", "\"OriginalTransactionId\":null");
        for (changes, want) in [
            (&[][..], Operation::Payment),
            (&[(payment, "\"Type\":1"), (no_original, "\"OriginalTransactionId\":455")], Operation::Refund("455".to_owned())),
            (&[(payment, "\"Type\":1")], Operation::Other),
            (&[(no_original, "\"OriginalTransactionId\":455")], Operation::Other),
            (&[(payment, "\"Type\":1"), (no_original, "\"OriginalTransactionId\":0")], Operation::Other),
            (&[(payment, "\"Type\":2")], Operation::Other),
        ] {
            let text = model(changes);
            assert_eq!(Transaction::read(&Value::parse(text.as_bytes()).unwrap()).unwrap().operation, want, "{changes:?}");
        }
    }

    #[test]
    fn required_fields_are_strict_and_others_are_not() {
        for (from, to, is_read) in [
            ("\"Amount\":159,\"C", "\"Amount\":\"159.00\",\"C", true),
            ("\"Amount\":159,\"C", "\"Amount\":-159,\"C", false),
            ("\"Amount\":159,\"C", "\"Amount\":1.59e2,\"C", false),
            ("\"TransactionId\":897749645,", "\"TransactionId\":0,", false),
            ("\"TransactionId\":897749645,", "", false),
            ("\"PublicId\":\"pk_test_site_1\",", "", false),
            ("\"TestMode\":false", "\"TestMode\":0", false),
            ("\"Type\":0", "\"Type\":\"0\"", false),
            ("\"Status\":\"Completed\"", "\"Status\":\"Later\"", true),
            ("\"Status\":\"Completed\"", "\"Status\":3", false),
            ("\"InvoiceId\":\"42\"", "\"InvoiceId\":null", true),
            ("\"InvoiceId\":\"42\"", "\"InvoiceId\":42", false),
            ("\"TotalFee\":3.90", "\"TotalFee\":\"free\"", true),
            ("\"CreatedDateIso\":\"2021-10-30T03:59:58\"", "\"CreatedDateIso\":7", true),
        ] {
            let text = model(&[(from, to)]);
            assert_eq!(Transaction::read(&Value::parse(text.as_bytes()).unwrap()).is_ok(), is_read, "{to}");
        }
        assert!(Transaction::read(&Value::parse(b"[]").unwrap()).is_err());
    }
}
