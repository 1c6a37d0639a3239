//! CloudPayments' proof of a notification.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const BLOCK_BYTES: usize = 64;

/// Returns `Content-HMAC` of a body, or of a GET's query: HMAC-SHA256 (RFC 2104) in base64.
pub fn content_hmac(secret: &str, body: &str) -> String {
    let mut key = if secret.len() > BLOCK_BYTES { Sha256::digest(secret).to_vec() } else { secret.as_bytes().to_vec() };
    key.resize(BLOCK_BYTES, 0);
    let padded = |pad: u8| -> Vec<u8> { key.iter().map(|byte| byte ^ pad).collect() };
    let inner = Sha256::digest([&padded(0x36)[..], body.as_bytes()].concat());
    STANDARD.encode(Sha256::digest([&padded(0x5c)[..], &inner[..]].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values by `printf %s "$BODY" | openssl dgst -sha256 -hmac "$SECRET" -binary | base64`.
    #[test]
    fn codes_of_openssl() {
        let long = "0123456789".repeat(7);
        for (secret, body, want) in [
            (
                "supersecret",
                "TransactionId=123&Amount=10.50&Currency=RUB&InvoiceId=ord-1&Status=Completed",
                "Tp5NptNVJbyWFfGE+3Ug36YYRQQ1ff1KafGSxbnMBDE=",
            ),
            (&long, "a", "yugS9Mhn/5JjMuTUwApe+kBfikwbljiM+fzw/qw5cec="),
        ] {
            assert_eq!(content_hmac(secret, body), want);
        }
    }
}
