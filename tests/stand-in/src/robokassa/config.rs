//! What a stand-in is set to.

use std::str::FromStr;

use thiserror::Error;

use crate::courier::Patience;
use crate::secret::Secret;
use crate::send::Method;

/// What a shop's signatures are made by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    /// Robokassa's default.
    Md5,
    /// SHA-2 of 256 bits.
    Sha256,
    /// SHA-2 of 512 bits.
    Sha512,
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Hash, String> {
        match text {
            "md5" => Ok(Hash::Md5),
            "sha256" => Ok(Hash::Sha256),
            "sha512" => Ok(Hash::Sha512),
            _ => Err("it is one of md5, sha256, sha512".to_owned()),
        }
    }
}

/// Password #1 and Password #2.
#[derive(Clone)]
pub struct Passwords {
    pub(super) first: Secret,
    pub(super) second: Secret,
}

impl Passwords {
    /// The first signs links and the buyer's return, the second notifications.
    pub fn new(first: &str, second: &str) -> Passwords {
        Passwords { first: first.into(), second: second.into() }
    }
}

/// What a stand-in is set to, as a shop's technical settings are; checked when it starts.
#[derive(Clone)]
pub struct Config {
    /// The shop: MerchantLogin.
    pub merchant_login: String,
    /// Of real payments.
    pub passwords: Passwords,
    /// Of test payments; without them none can be made.
    pub test_passwords: Option<Passwords>,
    /// What everything is signed by.
    pub hash: Hash,
    /// Where notifications go: an `http` URL.
    pub result_url: String,
    /// How.
    pub result_method: Method,
    /// Where the buyer returns after success, by GET. None: a page of the stand-in's own.
    pub success_url: Option<String>,
    /// Where the buyer returns else.
    pub fail_url: Option<String>,
    /// The number of the first invoice that the shop gives none; the next ones count up.
    pub first_invoice: u64,
    /// When notifications are sent.
    pub patience: Patience,
}

impl Config {
    /// The shop, passwords and ResultURL given, and else: no test payments, MD5, notifications by POST, no pages to return to,
    /// invoices from 700001.
    pub fn new(merchant_login: &str, passwords: Passwords, result_url: &str) -> Config {
        Config {
            merchant_login: merchant_login.to_owned(),
            passwords,
            test_passwords: None,
            hash: Hash::Md5,
            result_url: result_url.to_owned(),
            result_method: Method::Post,
            success_url: None,
            fail_url: None,
            first_invoice: 700_001,
            patience: Patience::default(),
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The shop has no name, or one that cannot be signed.
    #[error("the shop's identifier is empty or holds a colon")]
    MerchantLogin,
    /// A password is missing, or both are one.
    #[error("a password is empty, or Password #1 and Password #2 are the same")]
    Passwords,
    /// The ResultURL cannot be called.
    #[error("the ResultURL is no http:// URL; this server speaks no TLS")]
    ResultUrl,
    /// A page to return to is no URL.
    #[error("SuccessURL or FailURL is no http:// or https:// URL")]
    ReturnUrl,
}
