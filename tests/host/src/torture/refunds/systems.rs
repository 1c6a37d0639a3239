//! The payment systems at which refunds are asked for: one that knows a repeated refund by its key, and one that does not.

use end_to_end::{tbank, yookassa};
use stand_in::api::tbank::{self as tbank_api, Source, TBank};
use stand_in::api::yookassa::{self as yookassa_api, YooKassa};
use stand_in::api::{Notification, PaymentApi, RefundState};

/// A payment system that the host's component has pay back.
pub trait PaysBack: PaymentApi + Sized {
    /// The provider's name, which its component has too.
    const PROVIDER: &'static str;
    /// The end of the path to which refunds are sent.
    const REFUND: &'static str;
    /// The end of another path that is read for a refund, if one is.
    const READ: Option<&'static str>;
    /// Whether it knows a repeated refund by its key, so that a lost answer is asked for again.
    const KNOWS_KEYS: bool;
    /// How many refunds of one payment are asked for at most.
    const PARTS_MAX: usize;

    /// Creates it without payments.
    fn open() -> Self;

    /// Returns the component's settings, with the stand-in's origin.
    fn settings(origin: &str) -> String;

    /// Returns the key with which an operation's refund is sent.
    fn key(operation: &str) -> String;

    /// The payer pays, by the method whose refunds are meant here.
    fn pay_by_its_method(&mut self, payment: &str) -> Vec<Notification>;

    /// Goes on with refunds that are under way, and returns the notifications of those that are done and were not told; `told` is
    /// how many were.
    fn go_on(&mut self, told: &mut usize) -> Vec<Notification>;
}

/// Refunds of cards, which are done at once; known by Idempotence-Key for a day.
impl PaysBack for YooKassa {
    const PROVIDER: &'static str = "yookassa";
    const REFUND: &'static str = "/refunds";
    const READ: Option<&'static str> = None;
    const KNOWS_KEYS: bool = true;
    const PARTS_MAX: usize = 3;

    fn open() -> YooKassa {
        YooKassa::new(yookassa_api::Config {
            shop_id: yookassa::SHOP.to_owned(),
            secret_key: yookassa::KEY.into(),
            callback_url: String::new(),
            is_test: false,
            first_id: 7,
        })
    }

    fn settings(origin: &str) -> String {
        let (shop, key) = (yookassa::SHOP, yookassa::KEY);
        let account = format!("shop-id = \"{shop}\"\nsecret-key = \"{key}\"\n");
        format!("{account}api-url = \"{origin}/v3\"\nreturn-url = \"https://lk.example.ru/\"\n")
    }

    fn key(operation: &str) -> String {
        format!("refund-{operation}")
    }

    fn pay_by_its_method(&mut self, payment: &str) -> Vec<Notification> {
        self.pay(payment).unwrap()
    }

    fn go_on(&mut self, told: &mut usize) -> Vec<Notification> {
        let refunds = self.refunds();
        let new = &refunds[*told..];
        *told = refunds.len();
        new.iter()
            .filter(|refund| refund.state == RefundState::Done)
            .filter_map(|one| self.refund_notification(&one.id))
            .collect()
    }
}

/// Refunds by «СБП», which take time; a repeated one is not known.
impl PaysBack for TBank {
    const PROVIDER: &'static str = "tbank";
    const REFUND: &'static str = "/Cancel";
    const READ: Option<&'static str> = Some("/GetState");
    const KNOWS_KEYS: bool = false;
    /// T-Bank tells how much was paid back of a payment, and not by which refund: docs/tbank.md says what becomes of two at once.
    const PARTS_MAX: usize = 1;

    fn open() -> TBank {
        let config = tbank_api::Config::new(tbank::TERMINAL_KEY, tbank::PASSWORD);
        TBank::new(tbank_api::Config { callback_url: String::new(), ..config })
    }

    fn settings(origin: &str) -> String {
        let (key, password) = (tbank::TERMINAL_KEY, tbank::PASSWORD);
        format!("terminal-key = \"{key}\"\npassword = \"{password}\"\napi-url = \"{origin}/v2\"\n")
    }

    fn key(operation: &str) -> String {
        operation.to_owned()
    }

    fn pay_by_its_method(&mut self, payment: &str) -> Vec<Notification> {
        self.pay_from(payment, Source::Sbp).unwrap();
        self.pay(payment).unwrap()
    }

    fn go_on(&mut self, _: &mut usize) -> Vec<Notification> {
        self.finish_refunds()
    }
}
