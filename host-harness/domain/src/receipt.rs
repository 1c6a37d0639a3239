//! What a payment system is to print for a payer (54-ФЗ).

use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::fields::Fields;
use crate::json;

/// A receipt to print.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The lines, 1 to 100.
    pub items: Vec<ReceiptItem>,
    /// The payer's e-mail or phone (E.164), to which it goes. 1 to 64 characters.
    pub contact: String,
    /// `osn`, `usn-income`, `usn-income-expense`, `esn` or `patent`; if `None`, the payment system's settings decide.
    #[serde(default)]
    pub taxation: Option<String>,
    /// Nothing is defined here yet.
    #[serde(default, deserialize_with = "json::fields")]
    pub extra: Fields,
}

/// A line of a receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptItem {
    /// What is sold, 1 to 128 characters.
    pub name: String,
    /// How much of it, in thousandths: 1000 is one. Positive.
    #[serde(default = "json::one_in_thousandths")]
    pub quantity_thousandths: i64,
    /// The price of one.
    pub price: Money,
    /// The amount of the line. The amounts add up to the order's.
    pub amount: Money,
    /// The unit by «ФФД»: `piece`, `gigabyte`, `month`, …
    pub measure: String,
    /// The VAT.
    pub vat: ReceiptVat,
    /// `advance`, `full-prepayment`, `prepayment`, `full-payment`, `partial-payment`, `credit` or `credit-payment`.
    pub method: String,
    /// `payment`, `service`, `commodity`, and others as the law names them.
    pub subject: String,
    /// Nothing is defined here yet.
    #[serde(default, deserialize_with = "json::fields")]
    pub extra: Fields,
}

/// The VAT of a receipt's line, in hundredths of a percent: 2200 is 22 %.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptVat {
    /// «Без НДС», which is not 0 %.
    Exempt,
    /// The rate.
    Rate(u16),
    /// The rate, taken out of an advance: 2200 is 22/122.
    Calculated(u16),
}
