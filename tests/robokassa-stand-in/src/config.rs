//! What a stand-in is set to.

use std::str::FromStr;

use stand_in::secret::Secret;
use stand_in::send::Method;

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
    pub(crate) first: Secret,
    pub(crate) second: Secret,
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
    /// How long after the buyer's return the notification of [`Scenario::Delay`](crate::Scenario::Delay) is sent.
    pub delay_ms: u64,
    /// How long an answer is waited for.
    pub answer_timeout_ms: u64,
    /// How many times a notification is sent, the first time included, until it is taken.
    pub attempts_max: u32,
    /// The time before the second attempt; it doubles before each further one.
    pub retry_ms: u64,
}

impl Config {
    /// The shop, passwords and ResultURL given, and else: no test payments, MD5, notifications by POST, no pages to return to,
    /// invoices from 700001, a delay of 3 s, 10 s for an answer, 5 attempts that begin 1 s apart.
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
            delay_ms: 3000,
            answer_timeout_ms: 10_000,
            attempts_max: 5,
            retry_ms: 1000,
        }
    }
}
