//! From an order to its payment page.

use domain::{
    AccountNumber, Fields, LinkRequest, Money, NewOrder, Order, OrderId, OrderMoney, OrderRefusal, PaymentLink, Problem,
    ProviderName,
};
use sandbox::Error;

use crate::error::HostError;
use crate::host::Host;
use crate::providers::measured;
use crate::slot::{ProviderSlot, ProviderStatus};
use crate::text::{TEXT_CHARS_MAX, required_text};
use crate::top_up_limits;

/// How long an order of the cabinet can be paid: longer than a payment takes, and short enough for a price to be today's.
pub const CABINET_ORDER_SECONDS: u64 = 3600;

/// The contract's code of what a provider cannot do, and the field that says when an order ends.
const UNSUPPORTED: &str = "unsupported";
const EXPIRES_AT: &str = "expires-at";

/// What is to be paid, for [`Host::create_order`].
#[derive(Clone, Debug)]
pub struct OrderRequest {
    /// The account that the payment credits.
    pub account: AccountNumber,
    /// The provider; without it the only one there is.
    pub provider: Option<ProviderName>,
    /// In the merchant's currency.
    pub amount: Money,
    /// What the subscriber sees on the payment page.
    pub description: String,
    /// The same key again gives the same order.
    pub idempotency_key: Option<String>,
    /// When the link ends, seconds since the epoch; a payment that comes later is credited all the same.
    pub expires_at: Option<u64>,
}

impl OrderRequest {
    /// An order by the only provider there is, without a key and without an end; the rest is set field by field.
    pub fn new(account: AccountNumber, amount: Money, description: impl Into<String>) -> OrderRequest {
        OrderRequest {
            account,
            provider: None,
            amount,
            description: description.into(),
            idempotency_key: None,
            expires_at: None,
        }
    }
}

/// How a link is to be.
#[derive(Clone, Debug, Default)]
pub struct LinkOptions {
    /// Where the subscriber comes back to after success.
    pub success_url: String,
    /// The same after failure.
    pub failure_url: String,
    /// The payment page's language, as a tag; the provider's settings say it where it is empty.
    pub language: String,
    /// What is known of the payer, by the contract's names.
    pub payer: Fields,
    /// What the provider alone knows.
    pub extra: Fields,
}

impl From<OrderRefusal> for HostError {
    fn from(refusal: OrderRefusal) -> HostError {
        match refusal {
            OrderRefusal::UnknownAccount => HostError::invalid("there is no such account; add it first"),
            OrderRefusal::AmountNotPositive => HostError::invalid("amount.minor_units must be positive"),
            OrderRefusal::KeyReused => HostError::key_reused("order"),
        }
    }
}

impl HostError {
    /// An idempotency key stands for something else already.
    pub(crate) fn key_reused(what: &str) -> HostError {
        HostError::conflict(format!("the Idempotency-Key was used for another {what}; use a new one"))
    }
}

impl Host {
    /// The address that a payment system's callbacks come to.
    pub fn callback_url(&self, provider: &ProviderName) -> String {
        (self.0.callback_url)(provider)
    }

    /// Makes an order that a payment can be bound to. The limits that an operator entered hold; those that nobody entered are the
    /// cabinet's alone.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid): an amount, a text or a time that cannot be, or an account that nobody knows.
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): the payment system is paused, or the key was used for another order. Else the
    /// payment system is not loaded, or the storage is unavailable.
    pub fn create_order(&self, request: OrderRequest) -> Result<Order, HostError> {
        let slot = self.0.registry.resolve(request.provider.as_ref())?;
        slot.require_not_paused()?;
        self.check_limits(&slot, request.amount)?;
        let now = self.now();
        if let Some(at) = request.expires_at.filter(|at| *at <= now) {
            return Err(HostError::invalid(format!(
                "expires_at has passed: it is {at}, and the time here is {now}, in seconds since the epoch; give a later one"
            )));
        }
        let order = NewOrder {
            account: request.account,
            provider: slot.name.clone(),
            amount: request.amount,
            description: required_text("description", request.description, TEXT_CHARS_MAX)?,
            idempotency_key: request.idempotency_key,
            expires_at: request.expires_at,
        };
        Ok(self.0.ledger.create_order(order, now)??)
    }

    fn check_limits(&self, slot: &ProviderSlot, amount: Money) -> Result<(), HostError> {
        let entered = top_up_limits::entered(&self.0.ledger, &slot.name)?;
        let Some(limits) = entered.filter(|limits| !limits.hold(amount.minor_units)) else { return Ok(()) };
        if amount.currency != slot.component().currency()? {
            // The provider says what is wrong.
            return Ok(());
        }
        let (smallest, largest) = (limits.smallest(), limits.largest());
        Err(HostError::invalid(format!(
            "amount.minor_units must be {smallest} to {largest}: the limits of a top-up by {}",
            slot.name
        )))
    }

    /// Makes an order as the cabinet makes it, of an amount that was read within the limits; it can be paid for
    /// [`CABINET_ORDER_SECONDS`].
    ///
    /// # Errors
    /// As [`Host::create_order`].
    pub fn create_cabinet_order(
        &self,
        account: AccountNumber,
        provider: ProviderName,
        amount: Money,
        description: String,
    ) -> Result<Order, HostError> {
        let now = self.now();
        Ok(self.0.ledger.create_order(cabinet_order(account, provider, amount, description, now), now)??)
    }

    /// The link by which an order is paid; the same order and options give the same link.
    ///
    /// # Errors
    /// What the provider refuses, field by field; or it failed, cannot be used, or is not loaded.
    pub fn create_link(&self, order: &Order, options: LinkOptions) -> Result<PaymentLink, HostError> {
        let slot = self.0.registry.get(&order.provider)?;
        let request = self.link_request(order, options);
        Ok(self.call(&slot, &slot.component(), "create-link", |merchant| measured(merchant.create_link_measured(&request)))??)
    }

    /// The link that the cabinet leads to. The cabinet ends its orders itself, so a payment system that cannot be told when an order
    /// ends is not told.
    ///
    /// # Errors
    /// As [`Host::create_link`].
    pub fn create_cabinet_link(&self, order: &Order, options: LinkOptions) -> Result<PaymentLink, HostError> {
        let provider = self.provider(&order.provider)?;
        self.create_link_with(&provider, order, options)
    }

    fn create_link_with(
        &self,
        provider: &ProviderStatus,
        order: &Order,
        options: LinkOptions,
    ) -> Result<PaymentLink, HostError> {
        let slot = self.0.registry.get(&provider.name)?;
        let request = self.link_request(order, options);
        let make = |request: &LinkRequest| {
            self.call(&slot, &provider.component, "create-link", |merchant| measured(merchant.create_link_measured(request)))
        };
        match make(&request)? {
            Err(Error::Provider(problems)) if problems.iter().all(is_of_expiry) => {
                Ok(make(&LinkRequest { expires_at: None, ..request })??)
            }
            made => Ok(made?),
        }
    }

    /// The link that the cabinet would lead to with settings that are tried (see [`Host::try_settings`]); no order is made.
    ///
    /// # Errors
    /// As [`Host::create_link`].
    pub fn try_link(
        &self,
        tried: &ProviderStatus,
        amount: Money,
        description: String,
        options: LinkOptions,
    ) -> Result<PaymentLink, HostError> {
        let now = self.now();
        // Nobody's, and never kept.
        let (account, id) = (AccountNumber::stored("1"), OrderId::stored("1"));
        let order = cabinet_order(account, tried.name.clone(), amount, description, now).created(id, now);
        self.create_link_with(tried, &order, options)
    }

    fn link_request(&self, order: &Order, options: LinkOptions) -> LinkRequest {
        let LinkOptions { success_url, failure_url, language, payer, extra } = options;
        LinkRequest {
            description: order.description.clone(),
            language,
            callback_url: self.callback_url(&order.provider),
            success_url,
            failure_url,
            expires_at: order.expires_at,
            payer,
            extra,
            ..LinkRequest::new(order.id.clone(), order.account.clone(), order.amount)
        }
    }

    /// An order; `None` where there is none of this id.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn order(&self, id: &OrderId) -> Result<Option<Order>, HostError> {
        Ok(self.0.ledger.order(id)?)
    }

    /// What came for an order, and what went back.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn order_money(&self, id: &OrderId) -> Result<OrderMoney, HostError> {
        Ok(self.0.ledger.order_money(id)?)
    }
}

fn cabinet_order(account: AccountNumber, provider: ProviderName, amount: Money, description: String, at: u64) -> NewOrder {
    let expires_at = Some(at + CABINET_ORDER_SECONDS);
    NewOrder { account, provider, amount, description, idempotency_key: None, expires_at }
}

fn is_of_expiry(problem: &Problem) -> bool {
    problem.code == UNSUPPORTED && problem.field.as_deref() == Some(EXPIRES_AT)
}
