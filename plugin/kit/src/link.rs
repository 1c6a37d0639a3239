//! A payment link, made of its fields.

use crate::contract::PaymentLink;
use crate::form;

/// The fields of a link that are not empty, in order.
#[derive(Default)]
pub struct Link<'v> {
    fields: Vec<(&'static str, &'v str)>,
    not_passed_on: Vec<&'static str>,
}

impl<'v> Link<'v> {
    /// Adds a field; an empty one is left out.
    pub fn add(&mut self, name: &'static str, value: &'v str) {
        if !value.is_empty() {
            self.fields.push((name, value));
        }
    }

    /// Says of a field of the order that the payment system has no place for it, where it was given.
    pub fn pass_over(&mut self, order_field: &'static str, was_given: bool) {
        if was_given {
            self.not_passed_on.push(order_field);
        }
    }

    /// The link at a page, whose URL has no query.
    pub fn at(self, page: &str) -> PaymentLink {
        let query = form::encode(self.fields.iter().copied());
        let form_fields = self.fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let extra = match self.not_passed_on.join(",") {
            none if none.is_empty() => Vec::new(),
            names => vec![("not-passed-on".to_owned(), names)],
        };
        PaymentLink { url: [page, "?", &query].concat(), form_action: page.to_owned(), form_fields, extra }
    }
}
