//! MD5 signatures, as payment systems of the 2000s define them, and the secret in them.
//!
//! MD5 is what the protocols prescribe; what it does not protect is guarded by strict grammars in the providers.

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// The shortest secret that is taken, in characters. Known ones are 15 to 17.
pub const SECRET_CHARS_MIN: usize = 8;
/// The longest secret that is taken, in characters.
pub const SECRET_CHARS_MAX: usize = 128;

/// A shared secret. It has no `Debug` and no `Display`: it cannot be printed by mistake.
pub struct Secret(String);

impl Secret {
    /// A secret of 8 to 128 characters without control characters; it must not begin or end with a space.
    ///
    /// # Errors
    /// What is wrong, without the secret.
    pub fn parse(text: &str) -> Result<Secret, String> {
        let chars = text.chars().count();
        if chars < SECRET_CHARS_MIN {
            return Err(format!(
                "It has {chars} characters; a secret shorter than {SECRET_CHARS_MIN} protects nothing. Enter it as the payment system issued it."
            ));
        }
        if chars > SECRET_CHARS_MAX {
            return Err(format!("It has {chars} characters; at most {SECRET_CHARS_MAX} are possible."));
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err("It begins or ends with a space or holds a control character; copy it without them.".to_owned());
        }
        Ok(Secret(text.to_owned()))
    }

    /// The secret itself, to be signed with and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The MD5 of the parts, one after another, as UTF-8.
pub fn md5(parts: &[&str]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// Whether a text is the digest in hexadecimal, in any letter case. The time it takes does not tell how much of it is right.
pub fn matches(digest: &[u8; 16], hex_text: &str) -> bool {
    let mut given = [0; 16];
    hex::decode_to_slice(hex_text, &mut given).is_ok() && bool::from(given.ct_eq(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests() {
        // RFC 1321, appendix A.5.
        assert_eq!(hex::encode(md5(&["message ", "digest"])), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(hex::encode(md5(&[])), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn only_the_digest_matches() {
        let digest = md5(&["message digest"]);
        for (text, want) in [
            ("f96b697d7cb7938d525a2f31aaf161d0", true),
            ("F96B697D7CB7938d525a2f31aaf161d0", true),
            ("f96b697d7cb7938d525a2f31aaf161d1", false),
            ("e96b697d7cb7938d525a2f31aaf161d0", false),
            ("f96b697d7cb7938d525a2f31aaf161d", false),
            ("f96b697d7cb7938d525a2f31aaf161d000", false),
            (" f96b697d7cb7938d525a2f31aaf161d0", false),
            ("", false),
            ("g96b697d7cb7938d525a2f31aaf161d0", false),
        ] {
            assert_eq!(matches(&digest, text), want, "{text}");
        }
    }

    #[test]
    fn secrets_that_protect() {
        for (text, good) in [
            ("TestSharedSec001", true),
            ("ключ-от-кассы", true),
            ("", false),
            ("1234567", false),
            (" TestSharedSec001", false),
            ("TestSharedSec001\n", false),
            ("Test\u{0}SharedSec001", false),
            (&"x".repeat(129), false),
        ] {
            assert_eq!(Secret::parse(text).is_ok(), good, "{text:?}");
        }
    }
}
