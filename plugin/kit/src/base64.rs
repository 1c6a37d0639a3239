//! Base64 (RFC 4648), read strictly: a value has exactly one text.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

/// The alphabet and the padding that a protocol prescribes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alphabet {
    /// RFC 4648, section 4: `+` and `/`, padded with `=`. CloudPayments, Basic authentication.
    Standard,
    /// `+` and `/`, not padded. Robokassa's second receipt.
    StandardUnpadded,
    /// RFC 4648, section 5: `-` and `_`, not padded. JSON Web Tokens.
    UrlSafe,
}

/// A text is not the base64 that was expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Base64Error;

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not base64")
    }
}

impl std::error::Error for Base64Error {}

/// Encodes bytes.
pub fn encode(alphabet: Alphabet, bytes: impl AsRef<[u8]>) -> String {
    match alphabet {
        Alphabet::Standard => STANDARD.encode(bytes),
        Alphabet::StandardUnpadded => STANDARD_NO_PAD.encode(bytes),
        Alphabet::UrlSafe => URL_SAFE_NO_PAD.encode(bytes),
    }
}

/// Decodes a text. Spaces, line breaks, the other alphabet's characters, padding that is absent or not expected, and bits of the
/// last character that no byte has are refused.
///
/// # Errors
/// [`Base64Error`], which does not contain the text: it may be a secret.
pub fn decode(alphabet: Alphabet, text: &str) -> Result<Vec<u8>, Base64Error> {
    match alphabet {
        Alphabet::Standard => STANDARD.decode(text),
        Alphabet::StandardUnpadded => STANDARD_NO_PAD.decode(text),
        Alphabet::UrlSafe => URL_SAFE_NO_PAD.decode(text),
    }
    .map_err(|_| Base64Error)
}

/// Reports whether a text is a digest in base64. The comparison takes constant time, as that of [`crate::signature::matches`].
pub fn matches(alphabet: Alphabet, digest: &[u8], text: &str) -> bool {
    decode(alphabet, text).is_ok_and(|given| bool::from(given.as_slice().ct_eq(digest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Alphabet; 3] = [Alphabet::Standard, Alphabet::StandardUnpadded, Alphabet::UrlSafe];

    #[test]
    fn texts_of_bytes() {
        // RFC 4648, section 10, and bytes in which the alphabets differ.
        for (bytes, want) in [
            (&b""[..], ["", "", ""]),
            (b"f", ["Zg==", "Zg", "Zg"]),
            (b"fo", ["Zm8=", "Zm8", "Zm8"]),
            (b"foo", ["Zm9v", "Zm9v", "Zm9v"]),
            (b"foob", ["Zm9vYg==", "Zm9vYg", "Zm9vYg"]),
            (b"fooba", ["Zm9vYmE=", "Zm9vYmE", "Zm9vYmE"]),
            (b"foobar", ["Zm9vYmFy", "Zm9vYmFy", "Zm9vYmFy"]),
            (b"\xfb\xff\xfe", ["+//+", "+//+", "-__-"]),
        ] {
            assert_eq!(ALL.map(|alphabet| encode(alphabet, bytes)), want);
            for alphabet in ALL {
                assert_eq!(decode(alphabet, &encode(alphabet, bytes)).as_deref(), Ok(bytes));
            }
        }
    }

    #[test]
    fn each_value_has_one_text() {
        for (text, want) in [
            ("Zg==", [true, false, false]),
            ("Zg", [false, true, true]),
            ("Zg=", [false; 3]),
            ("Zh==", [false; 3]),
            ("Zh", [false; 3]),
            ("Zg==\n", [false; 3]),
            ("Z g==", [false; 3]),
            (" Zg==", [false; 3]),
            ("+//+", [true, true, false]),
            ("-__-", [false, false, true]),
            ("+/-_", [false; 3]),
            ("Z", [false; 3]),
            ("====", [false; 3]),
            ("Zg==Zg==", [false; 3]),
            ("Zя==", [false; 3]),
        ] {
            assert_eq!(ALL.map(|alphabet| decode(alphabet, text).is_ok()), want, "{text:?}");
        }
    }

    #[test]
    fn only_the_digest_matches() {
        for (text, want) in
            [("AQID", true), ("AQIE", false), ("AQI=", false), ("AQIDBA==", false), ("", false), ("aqid", false)]
        {
            assert_eq!(matches(Alphabet::Standard, &[1, 2, 3], text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_decodes_is_what_encodes(text in "[A-Za-z0-9+/_=-]{0,12}") {
            for alphabet in ALL {
                if let Ok(bytes) = decode(alphabet, &text) {
                    prop_assert_eq!(encode(alphabet, bytes), text.as_str());
                }
            }
        }
    }
}
