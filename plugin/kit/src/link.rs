//! A payment link, made of its fields.

use crate::contract::PaymentLink;
use crate::form;

/// The fields of a link that are not empty, in order.
#[derive(Default)]
pub struct Link(Vec<(String, String)>);

impl Link {
    /// Adds a field; an empty one is left out.
    pub fn add(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    /// The link at a page, whose URL has no query.
    pub fn at(self, page: &str) -> PaymentLink {
        let query = form::encode(self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        PaymentLink { url: format!("{page}?{query}"), form_action: page.to_owned(), form_fields: self.0 }
    }
}
