//! Example Pay's signature: the HMAC-SHA256 of values, joined by line breaks, with the secret key; in hexadecimal.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key that signs. It has no `Debug` and no `Display`: it cannot be printed by mistake.
pub struct SecretKey(Hmac<Sha256>);

impl SecretKey {
    /// Makes the key from the entered text. The settings check that it is long enough.
    pub fn new(text: &str) -> Option<SecretKey> {
        Hmac::new_from_slice(text.as_bytes()).ok().map(SecretKey)
    }

    /// Returns the signature of the values, in hexadecimal.
    pub fn sign(&self, values: &[&str]) -> String {
        hex::encode(self.over(values).finalize().into_bytes())
    }

    /// Reports whether a text is the signature of the values. The time taken does not depend on how much of it is right.
    pub fn matches(&self, values: &[&str], text: &str) -> bool {
        let mut given = [0; 32];
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        is_lower && hex::decode_to_slice(text, &mut given).is_ok() && self.over(values).verify_slice(&given).is_ok()
    }

    fn over(&self, values: &[&str]) -> Hmac<Sha256> {
        self.0.clone().chain_update(values.join("\n"))
    }
}
