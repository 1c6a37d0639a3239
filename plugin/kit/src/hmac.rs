//! Keyed hashes (HMAC, RFC 2104).

use hmac::KeyInit;
use subtle::ConstantTimeEq;

/// The hash function under an HMAC, which the protocol prescribes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mac {
    /// HMAC-MD5, 16 bytes. Robokassa's invoices, whose tokens call it `MD5`.
    Md5,
    /// HMAC-SHA256, 32 bytes. CloudPayments, Sber.
    Sha256,
    /// HMAC-SHA384, 48 bytes. Robokassa's refunds, where the merchant chose it.
    Sha384,
    /// HMAC-SHA512, 64 bytes. Robokassa's refunds, where the merchant chose it.
    Sha512,
}

impl Mac {
    /// Computes the code of the concatenated parts. Text is taken as UTF-8. A key may have any length.
    pub fn sign<P: AsRef<[u8]>>(self, key: &[u8], parts: &[P]) -> Vec<u8> {
        match self {
            Mac::Md5 => sign::<hmac::Hmac<md5::Md5>, P>(key, parts),
            Mac::Sha256 => sign::<hmac::Hmac<sha2::Sha256>, P>(key, parts),
            Mac::Sha384 => sign::<hmac::Hmac<sha2::Sha384>, P>(key, parts),
            Mac::Sha512 => sign::<hmac::Hmac<sha2::Sha512>, P>(key, parts),
        }
    }

    /// Reports whether a code is that of the concatenated parts, in constant time. A shortened code is refused.
    ///
    /// A code in hexadecimal is compared by [`crate::signature::matches`], one in base64 by `kit::base64::matches`.
    pub fn verify<P: AsRef<[u8]>>(self, key: &[u8], parts: &[P], code: &[u8]) -> bool {
        self.sign(key, parts).as_slice().ct_eq(code).into()
    }
}

fn sign<M: hmac::Mac + KeyInit, P: AsRef<[u8]>>(key: &[u8], parts: &[P]) -> Vec<u8> {
    // HMAC takes keys of every length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part.as_ref());
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::matches;

    const ALL: [Mac; 4] = [Mac::Md5, Mac::Sha256, Mac::Sha384, Mac::Sha512];

    fn codes(key: &[u8], parts: &[&[u8]]) -> [String; 4] {
        ALL.map(|mac| hex::encode(mac.sign(key, parts)))
    }

    #[test]
    fn codes_of_the_standards() {
        // RFC 2202 and RFC 4231, test cases 1 and 2.
        let case_1 = [
            "9294727a3638bb1c13f48ef8158bfc9d",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4\
             be9d914eeb61f1702e696c203a126854",
        ];
        // MD5 has a key of its length there.
        assert_eq!(codes(&[0x0b; 16], &[b"Hi There"])[0], case_1[0]);
        assert_eq!(codes(&[0x0b; 20], &[b"Hi ", b"There"])[1..], case_1[1..]);
        let case_2 = [
            "750c783e6ab0b503eaa86e310a5db738",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
             caeab1a34d4a6b4b636e070a38bce737",
        ];
        assert_eq!(codes(b"Jefe", &[b"what do ya want for nothing?"]), case_2);
        // RFC 4231, test case 6: a key that is longer than a block of SHA-512.
        let case_6 = codes(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]);
        assert_eq!(case_6[1], "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        assert!(case_6[3].starts_with("80b24263c7c1a3ebb71493c1dd7be8b4"));
    }

    #[test]
    fn only_the_whole_code_of_this_key_and_text_verifies() {
        let code = Mac::Sha256.sign(b"key", &["text"]);
        let mut other = code.clone();
        other[31] ^= 1;
        assert!(Mac::Sha256.verify(b"key", &["te", "xt"], &code));
        for (mac, key, text, code) in [
            (Mac::Sha256, "key", "text", &other[..]),
            (Mac::Sha256, "key", "text", &code[..31]),
            (Mac::Sha256, "key", "text", &[]),
            (Mac::Sha256, "key", "texts", &code),
            (Mac::Sha256, "keys", "text", &code),
            (Mac::Sha512, "key", "text", &code),
        ] {
            assert!(!mac.verify(key.as_bytes(), &[text], code), "{mac:?} {key} {text} {code:?}");
        }
    }

    #[test]
    fn sber_signs_names_and_values() {
        let text = "amount;123456;mdOrder;3ff6962a-7dcc-4283-ab50-a6d7dd3386fe;operation;deposited;orderNumber;10747;status;1;";
        let checksum = "51C892147225ABE87798CB02979D70EF46D0AE79B5AA3B28B1C260BE286C50A9";
        assert!(matches(&Mac::Sha256.sign(b"yourSecretToken", &[text]), checksum));
    }

    #[cfg(feature = "base64")]
    #[test]
    fn cloudpayments_signs_the_body() {
        use crate::base64::{Alphabet, matches};
        let body = "TransactionId=123&Amount=10.50&Currency=RUB&InvoiceId=ord-1&Status=Completed";
        let header = "Tp5NptNVJbyWFfGE+3Ug36YYRQQ1ff1KafGSxbnMBDE=";
        assert!(matches(Alphabet::Standard, &Mac::Sha256.sign(b"supersecret", &[body]), header));
        let other = body.replace("10.50", "10.51");
        assert!(!matches(Alphabet::Standard, &Mac::Sha256.sign(b"supersecret", &[&other]), header));
    }
}
