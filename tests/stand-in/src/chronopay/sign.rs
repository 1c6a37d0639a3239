//! ChronoPay's signatures: MD5 over UTF-8, in lower-case hexadecimal.

use md5::{Digest, Md5};

/// Signs a payment link: the parts and then the secret, joined by `-`.
///
/// The parts are, each as sent: `product_id` and `product_price`; with order control also `order_id`; and, if the page has a
/// time limit, `orderTimelimit` or `orderExpiretime`.
pub fn sign_request(secret: &str, parts: &[&str]) -> String {
    md5_hex(&[parts, &[secret]].concat().join("-"))
}

/// Signs a callback: the secret, `customer_id`, `transaction_id`, `transaction_type` and `total`, without separators. If a
/// field occurs twice, the first counts; a missing one is empty. The other fields are not signed.
pub fn sign_callback<N: AsRef<str>, V: AsRef<str>>(secret: &str, fields: &[(N, V)]) -> String {
    let value = |name| fields.iter().find(|(other, _)| other.as_ref() == name).map_or("", |(_, value)| value.as_ref());
    let signed = ["customer_id", "transaction_id", "transaction_type", "total"].map(value);
    md5_hex(&format!("{secret}{}", signed.concat()))
}

/// Signs a request to the gate: the secret, the operation and the product, joined by `-`.
pub fn sign_gate(secret: &str, opcode: &str, product_id: &str) -> String {
    md5_hex(&[secret, opcode, product_id].join("-"))
}

fn md5_hex(text: &str) -> String {
    hex::encode(Md5::digest(text.as_bytes()))
}
