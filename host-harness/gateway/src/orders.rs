//! From an order to its payment page.

use domain::{Fields, LinkRequest, Money, NewOrder, Order, PaymentLink};
use money::Currency;
use sandbox::Error;

use crate::Shared;
use crate::pages::order as page;
use crate::problem::Problem;
use crate::providers::{Live, Slot, State};

/// How long an order of the cabinet can be paid: longer than a payment takes, and short enough for a price to be today's.
pub const CABINET_ORDER_SECONDS: u64 = 3600;

/// The contract's code of what a provider cannot do, and the field that says when an order ends.
const UNSUPPORTED: &str = "unsupported";
const EXPIRES_AT: &str = "expires-at";

/// What whoever asks for a link may wish.
#[derive(Default)]
pub struct Wishes {
    /// Where the subscriber comes back to; to the sample cabinet without them.
    pub success_url: Option<String>,
    pub failure_url: Option<String>,
    /// The payment page's language, as a tag; the provider's settings say it where it is empty.
    pub language: String,
    /// What is known of the payer.
    pub payer: Fields,
    /// What the provider alone knows.
    pub extra: Fields,
}

/// The address that a provider's callbacks come to.
pub fn callback_url(app: &Shared, slot: &Slot) -> String {
    format!("{}/callbacks/{}", app.config.public_url, slot.name)
}

/// The link by which an order is paid; the same order and wishes give the same link.
pub fn link(app: &Shared, slot: &Slot, order: &Order, wishes: Wishes) -> Result<PaymentLink, Problem> {
    let request = request(app, slot, order, wishes);
    Ok(slot.call(app, "create-link", |merchant| merchant.create_link(&request))??)
}

/// The link that the cabinet leads to, made with the provider as it is given. The cabinet ends its orders itself, so a payment system
/// that cannot be told when an order ends is not told.
pub fn cabinet_link(app: &Shared, slot: &Slot, live: &Live, order: &Order, language: &str) -> Result<PaymentLink, Problem> {
    let wishes = Wishes { language: language.to_owned(), ..Wishes::default() };
    let request = request(app, slot, order, wishes);
    let make = |request: &LinkRequest| slot.call_live(app, live, "create-link", |merchant| merchant.create_link(request));
    match make(&request)? {
        Err(Error::Provider(problems)) if problems.iter().all(is_of_expiry) => {
            Ok(make(&LinkRequest { expires_at: None, ..request })??)
        }
        made => Ok(made?),
    }
}

fn is_of_expiry(problem: &domain::Problem) -> bool {
    problem.code == UNSUPPORTED && problem.field.as_deref() == Some(EXPIRES_AT)
}

fn request(app: &Shared, slot: &Slot, order: &Order, wishes: Wishes) -> LinkRequest {
    let Wishes { success_url, failure_url, language, payer, extra } = wishes;
    LinkRequest {
        description: order.description.clone(),
        language,
        callback_url: callback_url(app, slot),
        success_url: success_url.unwrap_or_else(|| page::success_url(app, order)),
        failure_url: failure_url.unwrap_or_else(|| page::failure_url(app, order)),
        expires_at: order.expires_at,
        payer,
        extra,
        ..LinkRequest::new(&order.id, &order.account, order.amount)
    }
}

/// An order as the cabinet makes it.
pub fn cabinet_order(account: String, provider: String, amount: Money, description: String, at: u64) -> NewOrder {
    let expires_at = Some(at + CABINET_ORDER_SECONDS);
    NewOrder { account, provider, amount, description, idempotency_key: None, expires_at }
}

/// The merchant's currency: that of the settings, if they name one of the provider's, or else the provider's first.
pub fn currency(live: &Live) -> Result<Currency, Problem> {
    let currencies = &live.description().currencies;
    let of_settings = match &live.state {
        State::Ready { shown, .. } => shown.iter().find_map(|(_, value)| currencies.iter().find(|currency| currency.is(value))),
        State::Unset | State::Unusable(_) => None,
    };
    let currency = of_settings.or_else(|| currencies.first()).copied();
    currency.ok_or_else(|| Problem::internal("the provider has no currency".to_owned()))
}
