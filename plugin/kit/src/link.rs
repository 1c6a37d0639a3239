//! A payment link, made of its fields.

use crate::contract::PaymentLink;
use crate::form;

/// The fields of a link that are not empty, in order.
#[derive(Default)]
pub struct Link<'v>(Vec<(&'static str, &'v str)>);

impl<'v> Link<'v> {
    /// Adds a field; an empty one is left out.
    pub fn add(&mut self, name: &'static str, value: &'v str) {
        if !value.is_empty() {
            self.0.push((name, value));
        }
    }

    /// The link at a page, whose URL has no query.
    pub fn at(self, page: &str) -> PaymentLink {
        let query = form::encode(self.0.iter().copied());
        let form_fields = self.0.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        PaymentLink { url: [page, "?", &query].concat(), form_action: page.to_owned(), form_fields }
    }
}
