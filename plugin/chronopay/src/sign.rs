//! ChronoPay's signatures: MD5 over UTF-8, in hexadecimal.

use kit::signature::{Secret, matches, md5};

/// Signs a request: hashes the parts and then the secret, joined by `-`. Returns lower-case hexadecimal.
///
/// The parts are the product and the price and, depending on the account's option, the order and its time limit or expiry.
pub fn request(parts: &[&str], secret: &Secret) -> String {
    let joined = parts.join("-");
    hex::encode(md5(&[&joined, "-", secret.expose()]))
}

/// Signs a request to the gate: the secret first, then the operation and the product, joined by `-`.
pub fn gate(opcode: &str, product_id: &str, secret: &Secret) -> String {
    hex::encode(md5(&[secret.expose(), "-", opcode, "-", product_id]))
}

/// Reports whether a callback's signature is valid. It covers the secret and then the signed values as received, without
/// separators.
pub fn callback_holds(signed: &[&str; 4], sign: &str, secret: &Secret) -> bool {
    let [customer, transaction, transaction_type, total] = signed;
    matches(&md5(&[secret.expose(), customer, transaction, transaction_type, total]), sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_by_each_formula() {
        let secret = Secret::parse("TestSharedSec001").unwrap();
        for (parts, want) in [
            (&["001234-0001-0001", "100.00"][..], "47576a5a1106286cd1642cdd8c5e485d"),
            (&["001234-0001-0001", "100.00", "42"], "09347bdab595aaaa622b08de24275103"),
            (&["001234-0001-0001", "100.00", "42", "30"], "f8a088981494d7662a9eeb37c625bf12"),
            (&["001234-0001-0001", "100.00", "42", "2030-01-02T03:04:05+0300"], "4218a0468795898032996b5348b831df"),
        ] {
            assert_eq!(request(parts, &secret), want);
        }
    }
}
