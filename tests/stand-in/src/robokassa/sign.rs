//! Robokassa's signatures: a hash over values and a password, joined by colons, in hexadecimal.

use md5::{Digest as _, Md5};
use sha2::{Sha256, Sha512};

use super::config::Hash;

/// Signs a payment link: MerchantLogin, OutSum and InvId as sent, the receipt as sent if there is one, Password #1, and the shop's
/// own parameters (`Shp_…`) sorted by name. Returns lower case; Robokassa accepts any.
pub fn sign_link(hash: Hash, values: &[&str], password_1: &str, own: &[(String, String)]) -> String {
    sign(hash, values, password_1, own)
}

/// Signs a question about an invoice's state: MerchantLogin, InvoiceID and Password #2.
pub fn sign_op_state(hash: Hash, values: [&str; 2], password_2: &str) -> String {
    sign(hash, &values, password_2, &[])
}

/// Signs a notification with Password #2, or the buyer's return with Password #1: OutSum and InvId, the password, and the
/// shop's own parameters. Returns upper case.
pub fn sign_notification(hash: Hash, values: [&str; 2], password: &str, own: &[(String, String)]) -> String {
    sign(hash, &values, password, own).to_uppercase()
}

fn sign(hash: Hash, values: &[&str], password: &str, own: &[(String, String)]) -> String {
    let mut own: Vec<String> = own.iter().map(|(name, value)| format!("{name}={value}")).collect();
    own.sort_unstable();
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let text = [values, &[password], &own].concat().join(":");
    match hash {
        Hash::Md5 => hex::encode(Md5::digest(text.as_bytes())),
        Hash::Sha256 => hex::encode(<Sha256 as sha2::Digest>::digest(text.as_bytes())),
        Hash::Sha512 => hex::encode(<Sha512 as sha2::Digest>::digest(text.as_bytes())),
    }
}
