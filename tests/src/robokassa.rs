//! Robokassa: its component, the same code as native Rust, and its vectors.

use std::sync::OnceLock;

use ::robokassa::Robokassa;
use domain::Settings;
use kit::Provider as _;
use md5::{Digest as _, Md5};
use sandbox::{Merchant, Provider};
use sha2::{Sha256, Sha512};

use crate::vectors::Vectors;
use crate::{component_of, decode, patient_limits, sandbox};

/// The shop of the vectors.
pub const SHOP: &str = "robo-demo-test";
/// Password #1 of the vectors.
pub const PASSWORD_1: &str = "TestPassword1";
/// Password #2 of the vectors.
pub const PASSWORD_2: &str = "TestPassword2";

/// Returns Robokassa, loaded from its component.
pub fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| sandbox().load(&component_of("robokassa"), patient_limits()).expect("Robokassa loads"))
}

/// Returns the settings of the vectors with changes. A changed setting replaces the one with the same name.
pub fn settings(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let base = [("merchant-login", SHOP), ("password-1", PASSWORD_1), ("password-2", PASSWORD_2)];
    kit::settings::entered_with(&base, changes)
}

/// Returns a configured merchant in the sandbox.
pub fn merchant(changes: &[(&str, &str)]) -> Merchant {
    provider().merchant(Settings::new(settings(changes))).expect("the settings are good")
}

/// Returns the same merchant as native Rust.
pub fn native(changes: &[(&str, &str)]) -> Robokassa {
    match Robokassa::configure(&settings(changes)) {
        Ok(merchant) => merchant,
        Err(problems) => panic!("{problems:?}"),
    }
}

/// Returns the files of vectors by name: MD5, the other hashes, and test mode.
///
/// Their signatures were computed by Python's `hashlib` from the documented formula, without any code of this project.
pub fn vectors() -> &'static [(&'static str, Vectors); 4] {
    static VECTORS: OnceLock<[(&str, Vectors); 4]> = OnceLock::new();
    VECTORS.get_or_init(|| {
        [
            ("vectors", include_str!("../data/robokassa/vectors.json")),
            ("vectors-sha256", include_str!("../data/robokassa/vectors-sha256.json")),
            ("vectors-sha512", include_str!("../data/robokassa/vectors-sha512.json")),
            ("vectors-test-mode", include_str!("../data/robokassa/vectors-test-mode.json")),
        ]
        .map(|(name, text)| (name, Vectors::from_json(text)))
    })
}

/// Returns the body of a genuine payment of order 42, 100.00 roubles.
pub fn genuine() -> &'static str {
    std::str::from_utf8(vectors()[0].1.callbacks[0].form()).expect("it is a form")
}

/// Returns the digest of a text in lower-case hexadecimal, given the name of the hash, without the provider's code.
pub fn digest_hex(hash: &str, text: &[u8]) -> String {
    match hash {
        "md5" => hex::encode(Md5::digest(text)),
        "sha256" => hex::encode(<Sha256 as sha2::Digest>::digest(text)),
        "sha512" => hex::encode(<Sha512 as sha2::Digest>::digest(text)),
        _ => panic!("unknown hash {hash}"),
    }
}

/// Returns the text that Robokassa signs for a form. If a field occurs twice, the first value counts.
pub fn signed_text(form: &[(Vec<u8>, Vec<u8>)], password_2: &str) -> Vec<u8> {
    let value = |name: &str| form.iter().find(|(other, _)| other == name.as_bytes()).map_or(&b""[..], |(_, value)| value);
    let mut own: Vec<&(Vec<u8>, Vec<u8>)> = form.iter().filter(|(name, _)| is_own(name)).collect();
    own.sort();
    own.dedup();
    let mut text = [value("OutSum"), b":", value("InvId"), b":", password_2.as_bytes()].concat();
    for (name, value) in own {
        text.extend([b":", &name[..], b"=", value].concat());
    }
    text
}

/// Returns all texts that a site may have signed for a notification: with its own parameters decoded or encoded, sorted by name
/// with regard to letter case or without.
pub fn signed_texts(notification: &[u8], password_2: &str) -> Vec<Vec<u8>> {
    let form = decode(notification);
    let value = |name: &str| form.iter().find(|(other, _)| other == name.as_bytes()).map_or(&b""[..], |(_, value)| value);
    let start = [value("OutSum"), b":", value("InvId"), b":", password_2.as_bytes()].concat();
    let split = |pair: &[u8]| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (pair[..at].to_vec(), pair.get(at + 1..).unwrap_or_default().to_vec())
    };
    let own = |pair: &[u8]| decode(pair).first().is_some_and(|(name, _)| is_own(name));
    let encoded: Vec<_> = notification.split(|byte| *byte == b'&').filter(|pair| own(pair)).map(split).collect();
    let decoded: Vec<_> = form.iter().filter(|(name, _)| is_own(name)).cloned().collect();
    let mut texts = Vec::new();
    for mut pairs in [decoded, encoded] {
        pairs.sort();
        pairs.dedup();
        for _ in 0..2 {
            let own = pairs.iter().flat_map(|(name, value)| [b":", &name[..], b"=", value].concat());
            texts.push(start.iter().copied().chain(own).collect());
            pairs.sort_by_key(|(name, _)| name.to_ascii_lowercase());
        }
    }
    texts
}

fn is_own(name: &[u8]) -> bool {
    name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"shp_"))
}

/// Signs a form by MD5 as Robokassa does, whatever it contains.
pub fn signed(fields: &[(&str, &str)]) -> String {
    let form: Vec<_> = fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
    let signature = digest_hex("md5", &signed_text(&form, PASSWORD_2)).to_uppercase();
    kit::form::encode(fields.iter().copied().chain([("SignatureValue", signature.as_str())]))
}
