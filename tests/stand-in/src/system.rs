//! What a stand-in needs to know of the payment system that it plays.

use std::error::Error;

use maud::Markup;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use url::Url;

use crate::courier::Courier;
use crate::form::Form;
use crate::price::Price;
use crate::scenario::Scenario;

/// A payment system as one merchant has it.
pub trait PaymentSystem: Sized + Send + Sync + 'static {
    /// What it is set to.
    type Config;
    /// What can be wrong with that.
    type ConfigError: Error;
    /// What it reads of a request besides the price.
    type Details;

    /// Its name, for the buyer.
    const NAME: &'static str;
    /// The path of its payment page.
    const PAGE: &'static str;
    /// What it can make of a payment, in the page's order.
    const SCENARIOS: &'static [Scenario];

    /// Checks the configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    fn new(config: Self::Config) -> Result<Self, Self::ConfigError>;

    /// Sends its callbacks.
    fn courier(&self) -> &Courier;

    /// Verifies a request: a link or a form, without what is not the payment system's. `now` is what an expiry is held against.
    ///
    /// # Errors
    /// Why the buyer cannot pay.
    fn verify(&self, form: &Form, now: OffsetDateTime) -> Result<(Price, Self::Details), Refused>;

    /// What the payment page says of a request, above its buttons.
    fn summary(&self, request: &PaymentRequest<Self>) -> Markup;

    /// What the page calls a scenario.
    fn title(scenario: Scenario) -> &'static str {
        scenario.title()
    }

    /// Does what the buyer chose: pays, or refuses to, which makes no transaction.
    ///
    /// # Errors
    /// Why the buyer cannot pay.
    fn choose(&self, request: &PaymentRequest<Self>, pays: bool) -> Result<BuyersReturn, Refused>;
}

/// A request to pay whose signature holds.
pub struct PaymentRequest<S: PaymentSystem> {
    /// As it came, without what is not the payment system's.
    pub form: Form,
    /// What is to be paid.
    pub price: Price,
    /// What is made of it.
    pub scenario: Scenario,
    /// What else the payment system has read.
    pub details: S::Details,
}

/// Where the buyer returns, and when.
pub struct BuyersReturn {
    /// Tells when; none: at once.
    pub when: Option<oneshot::Receiver<()>>,
    /// None: the shop has named no page.
    pub url: Option<Url>,
    /// What such a buyer is told.
    pub paid: bool,
}

/// Why a request is refused: for the page, in Russian.
#[derive(Debug)]
pub enum Refused {
    /// The request is wrong.
    Wrong(String),
    /// Its signature does not hold.
    Signature(String),
}

impl Refused {
    /// A field is wrong.
    pub fn field(name: &str, message: &str) -> Refused {
        Refused::Wrong(format!("{name}: {message}."))
    }
}
