//! The configuration of a stand-in.

use std::str::FromStr;

use thiserror::Error;

use crate::courier::Patience;
use crate::secret::Secret;
use crate::send::Method;

/// The hash function of a shop's signatures.
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
    /// Creates a pair of passwords. The first signs links and the buyer's return, the second signs notifications.
    pub fn new(first: &str, second: &str) -> Passwords {
        Passwords { first: first.into(), second: second.into() }
    }
}

/// The configuration of a stand-in, like a shop's technical settings. It is checked when the stand-in starts.
#[derive(Clone)]
pub struct Config {
    /// The shop: MerchantLogin.
    pub merchant_login: String,
    /// For real payments.
    pub passwords: Passwords,
    /// For test payments. If there are none, test payments are refused.
    pub test_passwords: Option<Passwords>,
    /// Password #3, which signs refunds. If there is none, refunds are refused.
    pub password_3: Option<Secret>,
    /// The hash function of all signatures.
    pub hash: Hash,
    /// The `http` URL for notifications.
    pub result_url: String,
    /// The HTTP method for notifications.
    pub result_method: Method,
    /// Where the buyer returns after success, by GET. `None` shows a page of the stand-in.
    pub success_url: Option<String>,
    /// Where the buyer returns otherwise.
    pub fail_url: Option<String>,
    /// The number of the first invoice to which the shop gave none; later ones count up.
    pub first_invoice: u64,
    /// When notifications are sent.
    pub patience: Patience,
}

impl Config {
    /// Creates a configuration with this shop, passwords and ResultURL, and defaults for the rest: no test payments, no refunds, MD5,
    /// notifications by POST, no return pages, invoices from 700001.
    pub fn new(merchant_login: &str, passwords: Passwords, result_url: &str) -> Config {
        Config {
            merchant_login: merchant_login.to_owned(),
            passwords,
            test_passwords: None,
            password_3: None,
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
    /// The shop's name is missing or cannot be signed.
    #[error("the shop's identifier is empty or holds a colon")]
    MerchantLogin,
    /// A password is missing, or both are the same.
    #[error("a password is empty, or Password #1 and Password #2 are the same")]
    Passwords,
    /// The ResultURL cannot be called.
    #[error("the ResultURL is no http:// URL; this server speaks no TLS")]
    ResultUrl,
    /// A return page's URL is invalid.
    #[error("SuccessURL or FailURL is no http:// or https:// URL")]
    ReturnUrl,
}
