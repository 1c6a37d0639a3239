//! Signed JSON Web Tokens in the compact form (RFC 7515), as a request's body. They are made here and not verified.

use crate::base64::{Alphabet, encode};
use crate::hmac::Mac;

/// Returns a token: header, payload and code in URL-safe base64, joined by points. The payload is compact JSON, signed as it is.
///
/// The header is `{"alg":"HS256","typ":"JWT"}`, with the algorithm's name. For [`Mac::Md5`] it is `MD5`, as Robokassa's invoices
/// have it; RFC 7518 has no such name.
pub fn sign(mac: Mac, key: &[u8], payload: &str) -> String {
    let header = match mac {
        Mac::Md5 => r#"{"alg":"MD5","typ":"JWT"}"#,
        Mac::Sha256 => r#"{"alg":"HS256","typ":"JWT"}"#,
        Mac::Sha384 => r#"{"alg":"HS384","typ":"JWT"}"#,
        Mac::Sha512 => r#"{"alg":"HS512","typ":"JWT"}"#,
    };
    compact(mac, key, header, payload)
}

fn compact(mac: Mac, key: &[u8], header: &str, payload: &str) -> String {
    let signed = [encode(Alphabet::UrlSafe, header), encode(Alphabet::UrlSafe, payload)].join(".");
    let code = encode(Alphabet::UrlSafe, mac.sign(key, &[&signed]));
    [signed, code].join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64::decode;

    #[test]
    fn the_token_of_rfc_7515() {
        // Appendix A.1.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = decode(Alphabet::UrlSafe, key).unwrap();
        let header = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
        let payload = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        assert_eq!(
            compact(Mac::Sha256, &key, header, payload),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
             cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
    }

    // Expected values from Python's hmac and base64.
    #[test]
    fn each_algorithm_is_in_its_header() {
        let payload = r#"{"OpKey":"4C9A5F80-1","RefundSum":10.5}"#;
        for (mac, want) in [
            (
                Mac::Md5,
                "eyJhbGciOiJNRDUiLCJ0eXAiOiJKV1QifQ.eyJPcEtleSI6IjRDOUE1RjgwLTEiLCJSZWZ1bmRTdW0iOjEwLjV9.PVteVqgxDKigGJEzFiHm7Q",
            ),
            (
                Mac::Sha256,
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjRDOUE1RjgwLTEiLCJSZWZ1bmRTdW0iOjEwLjV9.Ats8SNX_LPMo7kY9yr_q\
                 B4JMxAPPJ4RpH9qiQ3j-5jQ",
            ),
            (
                Mac::Sha384,
                "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjRDOUE1RjgwLTEiLCJSZWZ1bmRTdW0iOjEwLjV9.ojKHzs7HoQOcH5L8H9BS\
                 8KTP0FtPRhaZVaMcPrwDit7u80eMFMw9sJDNx26hZEww",
            ),
            (
                Mac::Sha512,
                "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjRDOUE1RjgwLTEiLCJSZWZ1bmRTdW0iOjEwLjV9.HRiFuzxIZHW1YXWqMtPg\
                 jTgC3vbax6c5k1uZjkk7ednpWraH2rAPstJx579CWzJAfiHu1zWvgPhRNMjO8LKDzA",
            ),
        ] {
            assert_eq!(sign(mac, b"TestPassword3", payload), want);
        }
    }
}
