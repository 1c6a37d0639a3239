//! Notifications as Robokassa sends them.

use super::config::{Hash, Passwords};
use super::sign::sign_notification;
use crate::form::Form;
use crate::price::Price;

/// Formats a sum for a notification: with six decimals, or two for a test payment.
pub fn out_sum(price: Price, is_test: bool) -> String {
    if is_test { price.to_string() } else { format!("{price}0000") }
}

/// The fields of real notifications in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    pub out_sum: String,
    pub inv_id: String,
    pub email: String,
    pub is_test: bool,
    /// The shop's own parameters, which are returned unchanged.
    pub own: Vec<(String, String)>,
}

impl Notification {
    pub fn order(&self) -> &str {
        self.own.iter().find(|(name, _)| name == "Shp_order").map_or("", |(_, value)| value)
    }

    /// Replaces the order.
    pub fn about(mut self, order: &str) -> Notification {
        self.own = vec![("Shp_order".to_owned(), order.to_owned())];
        self
    }

    /// Signs the notification with Password #2.
    pub fn signature(&self, hash: Hash, password_2: &str) -> String {
        sign_notification(hash, [&self.out_sum, &self.inv_id], password_2, &self.own)
    }

    /// Encodes the form with a signature, which need not be valid.
    pub fn encode(&self, signature: &str) -> String {
        let fee = if self.is_test { "0.0" } else { "0.000000" };
        let email = if self.is_test { "" } else { &self.email };
        let mut form = Form::default();
        for (name, value) in [
            // The protocol's old field names are still sent.
            ("out_summ", self.out_sum.as_str()),
            ("OutSum", &self.out_sum),
            ("inv_id", &self.inv_id),
            ("InvId", &self.inv_id),
            ("crc", signature),
            ("SignatureValue", signature),
            ("PaymentMethod", "BankCard"),
            ("IncSum", &self.out_sum),
            ("IncCurrLabel", "BankCardPSR"),
        ] {
            form.set(name, value);
        }
        if self.is_test {
            form.set("IsTest", "1");
        }
        form.set("EMail", email);
        form.set("Fee", fee);
        for (name, value) in &self.own {
            form.set(name, value);
        }
        form.encode()
    }

    /// Returns the form that the buyer's browser takes to SuccessURL, signed with Password #1, or to FailURL, without a
    /// signature.
    pub fn buyers_return(&self, hash: Hash, passwords: &Passwords, paid: bool) -> Form {
        let mut form = Form::default();
        form.set("OutSum", &self.out_sum);
        form.set("InvId", &self.inv_id);
        if paid {
            let signed = [self.out_sum.as_str(), self.inv_id.as_str()];
            form.set("SignatureValue", &sign_notification(hash, signed, passwords.first.expose(), &self.own));
        }
        form.set("Culture", "ru");
        for (name, value) in &self.own {
            form.set(name, value);
        }
        form
    }
}
