//! Signatures as payment systems define them, a hash of values and a secret; and the secret itself.
//!
//! The protocols prescribe the hash function. What a weak one does not protect is guarded by strict grammars in the providers.

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use crate::problem::{Message, filled};
use crate::settings::too_long;
use crate::text;

/// The shortest secret that is accepted, in characters. Known ones have 15 to 17.
pub const SECRET_CHARS_MIN: usize = 8;
/// The longest secret that is accepted, in characters.
pub const SECRET_CHARS_MAX: usize = 128;

/// The longest digest: SHA-512's.
const DIGEST_BYTES_MAX: usize = 64;

/// A shared secret. It has no `Debug` and no `Display`, so it cannot be printed by mistake.
pub struct Secret(String);

impl Secret {
    /// Parses a secret: 8 to 128 characters, all visible, without a space at either end.
    ///
    /// # Errors
    /// What is wrong, as a sentence that does not contain the secret.
    pub fn parse(text: &str) -> Result<Secret, Message> {
        let chars = text.chars().count();
        if chars < SECRET_CHARS_MIN {
            let message = [
                "Символов {0}: секрет короче {1} ничего не защищает. Введите его, как выдала платёжная система.",
                "It has {0} characters; a secret shorter than {1} protects nothing. Enter it as the payment system issued it.",
            ];
            return Err(filled(message, &[&chars, &SECRET_CHARS_MIN]).into());
        }
        if chars > SECRET_CHARS_MAX {
            return Err(too_long(chars, SECRET_CHARS_MAX).into());
        }
        text::check_visible(text)?;
        if text.trim() != text {
            return Err("It begins or ends with a space; copy it without.".into());
        }
        Ok(Secret(text.to_owned()))
    }

    /// Returns the secret itself. Use it only to compute signatures.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reports whether both secrets are equal, in constant time. In a protocol with two secrets they must differ.
    pub fn is(&self, other: &Secret) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

/// A hash function that the merchant chooses at the payment system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    /// RFC 1321: 16 bytes.
    Md5,
    /// FIPS 180-4: 32 bytes.
    Sha256,
    /// FIPS 180-4: 64 bytes.
    Sha512,
}

impl Hash {
    /// All hash functions.
    pub const ALL: [Hash; 3] = [Hash::Md5, Hash::Sha256, Hash::Sha512];

    /// Returns its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Hash::Md5 => "md5",
            Hash::Sha256 => "sha256",
            Hash::Sha512 => "sha512",
        }
    }

    /// Returns the number of hexadecimal digits of a digest.
    pub fn hex_digits(self) -> usize {
        match self {
            Hash::Md5 => 32,
            Hash::Sha256 => 64,
            Hash::Sha512 => 128,
        }
    }

    /// Hashes the concatenated parts. Text is hashed as UTF-8.
    pub fn digest<P: AsRef<[u8]>>(self, parts: &[P]) -> Vec<u8> {
        match self {
            Hash::Md5 => md5(parts).to_vec(),
            Hash::Sha256 => sha2_of::<sha2::Sha256, P>(parts),
            Hash::Sha512 => sha2_of::<sha2::Sha512, P>(parts),
        }
    }
}

fn sha2_of<H: sha2::Digest, P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    let mut hash = H::new();
    for part in parts {
        hash.update(part.as_ref());
    }
    hash.finalize().to_vec()
}

/// Computes the MD5 of the concatenated parts. Text is hashed as UTF-8.
pub fn md5<P: AsRef<[u8]>>(parts: &[P]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part.as_ref());
    }
    hash.finalize().into()
}

/// Reports whether a text is the digest in hexadecimal, in any letter case. Takes constant time, so that it does not reveal how
/// much of the text is right.
pub fn matches(digest: &[u8], hex_text: &str) -> bool {
    let mut given = [0; DIGEST_BYTES_MAX];
    let Some(given) = given.get_mut(..digest.len()) else { return false };
    hex::decode_to_slice(hex_text, given).is_ok() && bool::from((*given).ct_eq(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests() {
        // RFC 1321, appendix A.5.
        assert_eq!(hex::encode(md5(&["message ", "digest"])), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(hex::encode(md5::<&str>(&[])), "d41d8cd98f00b204e9800998ecf8427e");
        // The example of FIPS 180-4, in two parts.
        for (hash, name, want) in [
            (Hash::Md5, "md5", "900150983cd24fb0d6963f7d28e17f72"),
            (Hash::Sha256, "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Hash::Sha512,
                "sha512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            let digest = hash.digest(&["a", "bc"]);
            assert_eq!((hash.name(), hash.hex_digits(), hex::encode(&digest).as_str()), (name, want.len(), want));
            assert!(matches(&digest, &want.to_uppercase()));
            assert!(!matches(&digest, &want[2..]) && !matches(&digest, &want.replace('9', "8")) && !matches(&digest, ""));
        }
    }

    #[test]
    fn two_secrets_are_one_or_not() {
        let secret = |text| Secret::parse(text).unwrap();
        assert!(secret("TestSharedSec001").is(&secret("TestSharedSec001")));
        assert!(!secret("TestSharedSec001").is(&secret("TestSharedSec002")));
        assert!(!secret("TestSharedSec001").is(&secret("TestSharedSec0012")));
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
            ("TestSharedSec001\u{feff}", false),
            ("Test\u{200b}SharedSec001", false),
            ("Test\u{a0}SharedSec001", false),
            (&"x".repeat(129), false),
        ] {
            assert_eq!(Secret::parse(text).is_ok(), good, "{text:?}");
        }
    }
}
