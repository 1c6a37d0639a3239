//! The trait of the payment systems that a stand-in can play.

use std::error::Error;

use maud::Markup;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use url::Url;

use crate::api::{ApiAnswer, ApiRequest};
use crate::courier::Courier;
use crate::form::Form;
use crate::price::Price;
use crate::scenario::Scenario;

/// A payment system as seen by one merchant.
pub trait PaymentSystem: Sized + Send + Sync + 'static {
    /// Its configuration.
    type Config;
    /// What can be wrong with the configuration.
    type ConfigError: Error;
    /// What it reads from a request besides the price.
    type Details;

    /// Its name, shown to the buyer.
    const NAME: &'static str;
    /// The path of its payment page.
    const PAGE: &'static str;
    /// The supported scenarios, in the order of the page.
    const SCENARIOS: &'static [Scenario];

    /// Creates the payment system and checks the configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    fn new(config: Self::Config) -> Result<Self, Self::ConfigError>;

    /// Returns the courier that sends the callbacks.
    fn courier(&self) -> &Courier;

    /// Verifies a request: a link or a form, without the stand-in's own fields. Its expiry is compared with `now`.
    ///
    /// # Errors
    /// Why the buyer cannot pay.
    fn verify(&self, form: &Form, now: OffsetDateTime) -> Result<(Price, Self::Details), Refused>;

    /// Renders the summary of a request, above the buttons of the payment page.
    fn summary(&self, request: &PaymentRequest<Self>) -> Markup;

    /// Returns the title of a scenario on the page.
    fn title(scenario: Scenario) -> &'static str {
        scenario.title()
    }

    /// Carries out the buyer's choice: pays, or cancels, which makes no transaction.
    ///
    /// # Errors
    /// Why the buyer cannot pay.
    fn choose(&self, request: &PaymentRequest<Self>, pays: bool) -> Result<BuyersReturn, Refused>;

    /// Answers a request of the merchant's to another address than the page; `None` if there is no such address.
    fn answer(&self, request: &ApiRequest) -> Option<ApiAnswer>;
}

/// A payment request with a verified signature.
pub struct PaymentRequest<S: PaymentSystem> {
    /// The form as received, without the stand-in's own fields.
    pub form: Form,
    /// The price to pay.
    pub price: Price,
    /// The scenario chosen.
    pub scenario: Scenario,
    /// What else the payment system has read from it.
    pub details: S::Details,
}

/// Where and when the buyer returns.
pub struct BuyersReturn {
    /// Signals the moment; `None` if it is now.
    pub when: Option<oneshot::Receiver<()>>,
    /// `None` if the shop has named no page.
    pub url: Option<Url>,
    /// Whether the payment succeeded, for a buyer whose shop has named no page.
    pub paid: bool,
}

/// Why a request is refused, for the page, in Russian.
#[derive(Debug)]
pub enum Refused {
    /// The request is wrong.
    Wrong(String),
    /// Its signature is not valid.
    Signature(String),
}

impl Refused {
    /// Reports a wrong field.
    pub fn field(name: &str, message: &str) -> Refused {
        Refused::Wrong(format!("{name}: {message}."))
    }
}
