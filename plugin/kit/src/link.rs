//! Builds a payment link from its fields.

use crate::contract::{PaymentForm, PaymentLink};
use crate::form;

/// The non-empty fields of a link, in order.
#[derive(Default)]
pub struct Link<'v> {
    fields: Vec<(&'static str, &'v str)>,
    not_passed_on: Vec<&'static str>,
}

impl<'v> Link<'v> {
    /// Adds a field. An empty one is left out.
    pub fn add(&mut self, name: &'static str, value: &'v str) {
        if !value.is_empty() {
            self.fields.push((name, value));
        }
    }

    /// Reports, if the order has this field, that the payment system has no use for it (`not-passed-on`).
    pub fn pass_over(&mut self, order_field: &'static str, was_given: bool) {
        if was_given {
            self.not_passed_on.push(order_field);
        }
    }

    /// Builds the link to a page. The page's URL must have no query.
    pub fn at(self, page: &str) -> PaymentLink {
        let query = form::encode(self.fields.iter().copied());
        let inputs = self.fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let extra = match self.not_passed_on.join(",") {
            none if none.is_empty() => Vec::new(),
            names => vec![("not-passed-on".to_owned(), names)],
        };
        let form = PaymentForm { action: page.to_owned(), inputs };
        let (url, form) = (Some([page, "?", &query].concat()), Some(form));
        PaymentLink { url, form, qr: None, reference: None, expires_at: None, extra }
    }
}
