//! Callbacks to send, signed like ChronoPay's.

use end_to_end::{PRODUCT, signed};

/// ChronoPay's type of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Type {
    /// `Purchase`
    Purchase,
    /// `Rebill`
    Rebill,
    /// `Refund`
    Refund,
    /// `Chargeback`
    Chargeback,
    /// `Preauth`
    Preauth,
    /// `Decline`
    Decline,
}

impl Type {
    /// Returns 1 if the money goes to the account, -1 if it leaves it, and `None` if no money moves.
    pub fn sign(self) -> Option<i64> {
        match self {
            Type::Purchase | Type::Rebill => Some(1),
            Type::Refund | Type::Chargeback => Some(-1),
            Type::Preauth | Type::Decline => None,
        }
    }

    /// Returns the kind of the entry that it leads to.
    pub fn entry_kind(self) -> &'static str {
        match self {
            Type::Purchase | Type::Rebill => "payment",
            Type::Refund => "refund",
            Type::Chargeback => "chargeback",
            Type::Preauth | Type::Decline => "none",
        }
    }
}

/// A callback about money.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallbackSpec {
    /// The type of the transaction.
    pub what: Type,
    /// The order that it names. The signature does not cover it.
    pub order: String,
    /// The payment system's transaction id.
    pub transaction: u64,
    /// In kopecks.
    pub kopecks: i64,
}

impl CallbackSpec {
    /// Creates a card payment.
    pub fn payment(order: &str, transaction: u64, kopecks: i64) -> CallbackSpec {
        CallbackSpec { what: Type::Purchase, order: order.to_owned(), transaction, kopecks }
    }

    /// Returns the same transaction with another type.
    pub fn of_type(&self, what: Type) -> CallbackSpec {
        CallbackSpec { what, ..self.clone() }
    }

    /// Returns the fields that ChronoPay sends, without the signature.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("customer_id", "001234-100000062".to_owned()),
            ("transaction_id", self.transaction.to_string()),
            ("transaction_type", format!("{:?}", self.what)),
            ("total", format!("{}.{:02}", self.kopecks / 100, self.kopecks % 100)),
            ("product_id", PRODUCT.to_owned()),
            ("currency", "RUB".to_owned()),
            ("cs1", self.order.clone()),
        ]
    }

    /// Returns the signed body of the callback.
    pub fn body(&self) -> String {
        self.body_with(&[])
    }

    /// Returns the signed body of the callback, with changes to some fields that are signed as well.
    pub fn body_with(&self, changes: &[(&str, &str)]) -> String {
        let fields = self.fields();
        let changed = |name: &str| changes.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, changed(name).unwrap_or(value.as_str()))).collect();
        signed(&fields)
    }
}
