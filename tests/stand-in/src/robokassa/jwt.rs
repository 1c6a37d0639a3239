//! JSON Web Tokens by HMAC-SHA256 (RFC 7515, RFC 2104), verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

const BLOCK_BYTES: usize = 64;

/// Returns the payload of a token, which is JSON, if it is signed with this key by HS256.
pub fn read(token: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let token = str::from_utf8(token).ok()?;
    let (signed, code) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let header: Value = serde_json::from_slice(&bytes(header)?).ok()?;
    let holds = header.get("alg").is_some_and(|alg| alg == "HS256") && bytes(code)? == hmac(key, signed.as_bytes());
    bytes(payload).filter(|_| holds)
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK_BYTES];
    let short = if key.len() > BLOCK_BYTES { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block.iter_mut().zip(short).for_each(|(byte, key)| *byte = key);
    let padded = |pad: u8, rest: &[u8]| Sha256::digest([&block.map(|byte| byte ^ pad), rest].concat());
    padded(0x5c, &padded(0x36, text)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.1.
    #[test]
    fn the_token_of_the_standard() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).unwrap();
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
             cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(read(token.as_bytes(), &key).unwrap().starts_with(b"{\"iss\":\"joe\""));
        assert_eq!(read(token.replace("dBjf", "dBjg").as_bytes(), &key), None);
        assert_eq!(read(token.as_bytes(), b"another key"), None);
    }
}
