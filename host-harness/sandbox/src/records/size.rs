//! How much a host gives a provider: the text and the bytes of the arguments, without the few bytes around them.

use super::{CallbackRequest, ExportOptions, Fields, Order, Party, Writeoff};

/// What is measured against [`Limits::input_bytes_max`](crate::Limits::input_bytes_max).
pub trait InputBytes {
    fn input_bytes(&self) -> usize;
}

fn texts<const N: usize>(texts: [&String; N]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}

impl InputBytes for Fields {
    fn input_bytes(&self) -> usize {
        // A pair takes two words each for its name and value, so that a million empty ones are not nothing.
        self.iter().map(|(name, value)| 16 + name.len() + value.len()).sum()
    }
}

impl InputBytes for Order {
    fn input_bytes(&self) -> usize {
        let own = [&self.id, &self.account, &self.amount.currency, &self.description, &self.language];
        let urls = [&self.callback_url, &self.success_url, &self.failure_url];
        texts(own) + texts(urls) + self.payer.input_bytes() + self.extra.input_bytes()
    }
}

impl InputBytes for CallbackRequest {
    fn input_bytes(&self) -> usize {
        texts([&self.query, &self.remote_address]) + self.headers.input_bytes() + self.body.len()
    }
}

impl InputBytes for Party {
    fn input_bytes(&self) -> usize {
        texts([&self.name, &self.inn, &self.kpp])
    }
}

impl InputBytes for Writeoff {
    fn input_bytes(&self) -> usize {
        let own =
            [&self.id, &self.account, &self.contract, &self.service_code, &self.service, &self.unit, &self.amount.currency];
        // The record itself, with its numbers and its texts' addresses.
        200 + texts(own) + self.subscriber.input_bytes() + self.extra.input_bytes()
    }
}

impl InputBytes for ExportOptions {
    fn input_bytes(&self) -> usize {
        self.format.len() + self.seller.input_bytes() + self.extra.input_bytes()
    }
}
