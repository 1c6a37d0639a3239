//! Callbacks as ChronoPay sends them.

use super::sign::sign_callback;
use crate::form::Form;

/// The spellings of `transaction_type`.
pub mod types {
    /// A payment.
    pub const PURCHASE: &str = "Purchase";
    /// A payment that was charged again.
    pub const REBILL: &str = "Rebill";
    /// Money returned.
    pub const REFUND: &str = "Refund";
    /// A payment that the cardholder's bank took back. Only the old protocol's spelling, in lower case, is known.
    pub const CHARGEBACK: &str = "chargeback";
    /// A charge that was rejected. Only the old protocol's spelling, in lower case, is known.
    pub const DECLINE: &str = "decline";
}

/// The fields of real callbacks, in their order, with the values that they have unless a test sets others.
const USUAL: [(&str, &str); 28] = [
    ("transaction_type", types::PURCHASE),
    ("customer_id", "001234-100000062"),
    ("site_id", "001234-0001"),
    ("product_id", "001234-0001-0001"),
    ("date", "05/31/2030 04:31:15"),
    ("time", "04:31:15"),
    ("transaction_id", "56244472"),
    ("order_id", ""),
    ("cs1", ""),
    ("cs2", ""),
    ("cs3", ""),
    ("email", "payer@example.com"),
    ("country", "RUS"),
    ("name", "IVAN PETROV"),
    ("city", "Москва"),
    ("street", ""),
    ("phone", ""),
    ("state", ""),
    ("zip", ""),
    ("language", "ru"),
    ("username", ""),
    ("password", ""),
    ("total", ""),
    ("currency", "RUB"),
    ("payment_type", "MasterCard"),
    ("creditcardnumber", "555555XXXXXX4444"),
    ("auth_code", "891189"),
    ("sign", ""),
];

/// Builds the body of a callback.
///
/// ```
/// use stand_in::chronopay::{Callback, types};
///
/// let refund = Callback::new("42", "56244473", types::REFUND, "100.00");
/// let body = refund.with("currency", "USD").signed("TestSharedSec001");
/// assert!(body.ends_with("&auth_code=891189&sign=a058db0a438d8ae140f733773ed225cc"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Callback(Form);

impl Callback {
    /// Creates an unsigned callback with all usual fields. It names the order in `cs1` only.
    ///
    /// `transaction` is digits and `total` has two decimals. Other texts are accepted, so that tests can send malformed ones.
    pub fn new(order: &str, transaction: &str, transaction_type: &str, total: &str) -> Callback {
        let mut form = Form::default();
        for (name, value) in USUAL.iter().filter(|(name, _)| !["order_id", "sign"].contains(name)) {
            form.set(name, value);
        }
        let about = [("cs1", order), ("transaction_id", transaction), ("transaction_type", transaction_type), ("total", total)];
        about.iter().fold(Callback(form), |callback, (name, value)| callback.with(name, value))
    }

    /// Sets a field, at the position that it has in real callbacks.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Callback {
        let mut given = self.0;
        given.set(name, value);
        let mut form = Form::default();
        let known = USUAL.iter().map(|(name, _)| *name).filter(|name| given.fields().iter().any(|(other, _)| other == name));
        let other = given.fields().iter().map(|(name, _)| name.as_str());
        for name in known.chain(other) {
            form.set(name, given.get(name));
        }
        Callback(form)
    }

    /// Removes a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Callback {
        self.0.take(name);
        self
    }

    /// Returns a field's value, or an empty text if it is absent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name)
    }

    /// Signs the callback. Later changes are not signed.
    #[must_use]
    pub fn sign(self, secret: &str) -> Callback {
        let sign = sign_callback(secret, self.0.fields());
        self.with("sign", &sign)
    }

    /// Encodes the callback as a POST's body or a GET's query.
    pub fn encode(&self) -> String {
        self.0.encode()
    }

    /// Signs and encodes the callback.
    pub fn signed(&self, secret: &str) -> String {
        self.clone().sign(secret).encode()
    }
}
