//! Orders, and the links to their payment pages.

use domain::{
    AccountNumber, Context, Fields, LinkFailure, LinkRequest, Money, NewOrder, Order, OrderId, OrderMoney, OrderRefusal,
    PaymentLink, Problem, ProviderName, Repeatable, Step,
};
use sandbox::Error;

use crate::calls::for_order;
use crate::component::ActiveComponent;
use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::link_hosts;
use crate::providers::measured;
use crate::slot::{ProviderSlot, ProviderStatus};
use crate::text::{TEXT_CHARS_MAX, required_text};
use crate::top_up_limits;

/// How long an order from the cabinet can be paid, in seconds: longer than a payment takes, and short enough that its price is
/// still valid.
pub const CABINET_ORDER_SECONDS: u64 = 3600;

/// How long an unpaid order stays among the recent ones, in seconds, and how many there are at most.
const UNPAID_SECONDS: u64 = 3 * 24 * 3600;
const UNPAID_MAX: u32 = 10;

/// The latest expiry of an order from now, in seconds: ten years. What is later is a mistake, such as a time in milliseconds.
const EXPIRES_WITHIN_SECONDS: u64 = 10 * 365 * 24 * 3600;

/// The contract's code for an unsupported option, and the field with an order's expiry.
const UNSUPPORTED: &str = "unsupported";
const EXPIRES_AT: &str = "expires-at";
/// Stands for an order's id, or an account's number, where a link is only tried.
const PLACEHOLDER: &str = "1";

/// Whether calls that a provider wants are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    Made,
    /// A link is only tried: nothing may be made at the payment system.
    Refused,
}

/// The argument of [`Host::create_order`].
#[derive(Clone, Debug)]
pub struct OrderRequest {
    /// The account that the payment credits.
    pub account: AccountNumber,
    /// The provider. Without it, the only one that takes new orders.
    pub provider: Option<ProviderName>,
    /// In the merchant's currency.
    pub amount: Money,
    /// Shown to the payer on the payment page.
    pub description: String,
    /// A repeated request with the same key returns the same order.
    pub idempotency_key: Option<String>,
    /// When the link expires, in seconds since the epoch. A later payment is credited nevertheless.
    pub expires_at: Option<u64>,
}

impl OrderRequest {
    /// Creates an order without a provider, key and expiry. Set the other fields directly.
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

    fn of_provider(self, provider: ProviderName) -> Result<NewOrder, HostError> {
        let OrderRequest { account, provider: _, amount, description, idempotency_key, expires_at } = self;
        let description = required_text("description", description, TEXT_CHARS_MAX)?;
        Ok(NewOrder { account, provider, amount, description, idempotency_key, expires_at })
    }
}

/// Options of a payment link.
#[derive(Clone, Debug, Default)]
pub struct LinkOptions {
    /// Where the payment page redirects the payer after success.
    pub success_url: String,
    /// Where it redirects the payer after failure.
    pub failure_url: String,
    /// The payment page's language, as a tag. If empty, the provider's settings decide.
    pub language: String,
    /// Data about the payer, by the contract's names.
    pub payer: Fields,
    /// The provider's own options.
    pub extra: Fields,
}

impl From<OrderRefusal> for HostError {
    fn from(refusal: OrderRefusal) -> HostError {
        match refusal {
            OrderRefusal::UnknownAccount => {
                HostError::invalid("there is no such account; add it first").with_code(ErrorCode::AccountUnknown)
            }
            OrderRefusal::AmountNotPositive => {
                HostError::invalid("amount.minor_units must be positive").with_code(ErrorCode::OrderAmountNotPositive)
            }
            OrderRefusal::KeyReused => HostError::key_reused("order").with_code(ErrorCode::OrderKeyReused),
        }
    }
}

impl HostError {
    /// The idempotency key was already used for another request.
    pub(crate) fn key_reused(what: &str) -> HostError {
        HostError::conflict(format!("the Idempotency-Key was used for another {what}; use a new one"))
    }
}

impl Host {
    /// Returns the callback address of a payment system.
    pub fn callback_url(&self, provider: &ProviderName) -> String {
        (self.0.callback_url)(provider)
    }

    /// Creates an order, to which a payment can be bound, or returns the one that was created with the same idempotency key, even
    /// if its payment system takes no new orders now. The limits that an operator entered apply. The default limits apply only in
    /// the cabinet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if an amount, text or time is invalid, or there is no such account;
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the payment system is paused, or the key was used for another
    /// order; else the payment system is not loaded, or the storage is unavailable.
    pub fn create_order(&self, request: OrderRequest) -> Result<Order, HostError> {
        self.create_order_if(request, |_| Ok(()))
    }

    /// Creates an order as [`Host::create_order`] does, and its payment link with the options that `options` returns for it. A link
    /// that the provider refuses leaves no order and does not use the idempotency key: the provider is asked with a placeholder for
    /// the order's id first.
    ///
    /// # Errors
    /// As for [`Host::create_order`] and [`Host::create_link`].
    pub fn create_order_and_link(
        &self,
        request: OrderRequest,
        options: impl Fn(&Order) -> LinkOptions,
    ) -> Result<(Order, PaymentLink), HostError> {
        let order = self.create_order_if(request, |draft| {
            let slot = self.0.registry.get(&draft.provider)?;
            let request = self.link_request(draft, options(draft));
            match self.take_steps(&slot, &slot.component(), &request, Calls::Refused)? {
                Some(Err(failure)) => Err(failure.into()),
                Some(Ok(_)) | None => Ok(()),
            }
        })?;
        let link = self.create_link(&order, options(&order))?;
        Ok((order, link))
    }

    /// Returns the order of the request's idempotency key, or creates it if `check` accepts a draft of it, which has a placeholder for
    /// its id.
    fn create_order_if(
        &self,
        request: OrderRequest,
        check: impl FnOnce(&Order) -> Result<(), HostError>,
    ) -> Result<Order, HostError> {
        if let Some(order) = self.order_of_key(&request)? {
            return Ok(order);
        }
        let (order, now) = self.new_order(request)?;
        check(&order.clone().created(OrderId::stored(PLACEHOLDER), now))?;
        self.store_order(order, now)
    }

    /// Stores an order. If its provider can tell what became of a payment, it is asked about the order while that is unpaid.
    fn store_order(&self, order: NewOrder, now: u64) -> Result<Order, HostError> {
        let is_watched = Host::tells_status(&self.0.registry.get(&order.provider)?.component());
        Ok(match is_watched {
            true => self.0.ledger.create_watched_order(order, now)??,
            false => self.0.ledger.create_order(order, now)??,
        })
    }

    /// Returns the order that was created with the request's idempotency key, or `None` for a new key and for a request without one.
    fn order_of_key(&self, request: &OrderRequest) -> Result<Option<Order>, HostError> {
        let Some(key) = &request.idempotency_key else { return Ok(None) };
        let Some(before) = self.0.ledger.order_of_key(key)? else { return Ok(None) };
        let again = request.clone().of_provider(request.provider.clone().unwrap_or_else(|| before.provider.clone()))?;
        if before.is(&again) { Ok(Some(before)) } else { Err(OrderRefusal::KeyReused.into()) }
    }

    /// Returns the new order that a request asks for, checked by the host's rules, and the time.
    fn new_order(&self, request: OrderRequest) -> Result<(NewOrder, u64), HostError> {
        let slot = self.0.registry.resolve(request.provider.as_ref())?;
        slot.require_orders()?;
        self.check_limits(&slot, request.amount)?;
        let now = self.now();
        if let Some(at) = request.expires_at.filter(|at| *at <= now) {
            return Err(HostError::invalid(format!(
                "expires_at has passed: it is {at}, and the time here is {now}, in seconds since the epoch; give a later one"
            ))
            .with_code(ErrorCode::OrderAlreadyExpired));
        }
        if let Some(at) = request.expires_at.filter(|at| *at > now.saturating_add(EXPIRES_WITHIN_SECONDS)) {
            return Err(HostError::invalid(format!(
                "expires_at is more than ten years ahead: it is {at}, and the time here is {now}; give seconds since the epoch, not \
                 milliseconds"
            ))
            .with_code(ErrorCode::OrderExpiresTooLate));
        }
        Ok((request.of_provider(slot.name.clone())?, now))
    }

    fn check_limits(&self, slot: &ProviderSlot, amount: Money) -> Result<(), HostError> {
        let entered = top_up_limits::entered(&self.0.ledger, &slot.name)?;
        let Some(limits) = entered.filter(|limits| !limits.hold(amount.minor_units)) else { return Ok(()) };
        if amount.currency != slot.component().currency()? {
            // The provider itself reports what is wrong.
            return Ok(());
        }
        let (smallest, largest) = (limits.smallest(), limits.largest());
        Err(HostError::invalid(format!(
            "amount.minor_units must be {smallest} to {largest}: the limits of a top-up by {}",
            slot.name
        ))
        .with_code(ErrorCode::OrderAmountOutsideLimits))
    }

    /// Creates an order for the cabinet, with an amount that is already within the limits. It can be paid for
    /// [`CABINET_ORDER_SECONDS`]. A form that is sent again has the same key, and with the same account, provider and amount it
    /// returns the same order.
    ///
    /// # Errors
    /// As for [`Host::create_order`].
    pub fn create_cabinet_order(
        &self,
        account: AccountNumber,
        provider: ProviderName,
        amount: Money,
        description: String,
        key: Option<&str>,
    ) -> Result<Order, HostError> {
        let now = self.now();
        let key = key.map(|key| cabinet_key(&account, &provider, amount, key));
        let before = |key: &Option<String>| key.as_ref().map_or(Ok(None), |key| self.0.ledger.order_of_key(key));
        if let Some(order) = before(&key)? {
            return Ok(order);
        }
        let order = NewOrder { idempotency_key: key.clone(), ..cabinet_order(account, provider, amount, description, now) };
        match self.store_order(order, now) {
            // The same form, sent twice at once, reached the ledger a second earlier.
            Err(error) if error.code == Some(ErrorCode::OrderKeyReused) => before(&key)?.ok_or(error),
            made => made,
        }
    }

    /// Returns the unpaid orders of an account of the last days with what came for them, the latest first.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn recent_unpaid_orders(&self, account: &AccountNumber) -> Result<Vec<(Order, OrderMoney)>, HostError> {
        let since = self.now().saturating_sub(UNPAID_SECONDS);
        let orders = self.0.ledger.unpaid_orders(account, since, UNPAID_MAX)?;
        orders.into_iter().map(|order| Ok((order.clone(), self.order_money(&order.id)?))).collect()
    }

    /// Returns the payment link of an order. The same order and options result in the same link.
    ///
    /// # Errors
    /// If the provider refuses the request, with problems by field; or it failed, is not usable, or is not loaded.
    pub fn create_link(&self, order: &Order, options: LinkOptions) -> Result<PaymentLink, HostError> {
        let slot = self.0.registry.get(&order.provider)?;
        let component = slot.component();
        if let Some(made) = self.ended_link(&component, order)? {
            return Ok(made?);
        }
        let request = self.link_request(order, options);
        let made = self.take_steps(&slot, &component, &request, Calls::Made)?;
        Ok(made.ok_or_else(no_result)??)
    }

    /// Takes a provider's steps to a payment link. `None` if it wants a call that is not to be made.
    fn take_steps(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        request: &LinkRequest,
        calls: Calls,
    ) -> Result<Option<Result<PaymentLink, LinkFailure>>, HostError> {
        let _span = for_order(&request.id);
        let (mut context, mut budget) = (Context::at(self.now()), self.call_budget());
        loop {
            let called = self.call(slot, component, "create-link", |merchant| {
                // Problems of the order are observed as such.
                match measured(merchant.create_link_measured(request, &context))? {
                    (Step::Done(Err(LinkFailure::Failed(problems))), _) => Err(Error::Provider(problems)),
                    step => Ok(step),
                }
            });
            let step = match called? {
                Err(Error::Provider(problems)) => return Ok(Some(Err(LinkFailure::Failed(problems)))),
                called => called?,
            };
            match step {
                // Without a call, the link leads where the settings say.
                Step::Done(result) if context.called.is_empty() => return Ok(Some(result)),
                Step::Done(result) => {
                    return Ok(Some(result.and_then(|link| link_hosts::checked(link, self.0.outbound.as_deref()))));
                }
                Step::Ask(questions) => {
                    let answers = self.answer(slot, questions, context.now);
                    context.asked.extend(answers);
                }
                Step::Call(_) if calls == Calls::Refused => return Ok(None),
                Step::Call(call) if call.repeatable != Repeatable::Always => {
                    return self.make_link_once(slot, component, request).map(Some);
                }
                Step::Call(call) => {
                    let result = self.call_and_wait(slot, component, call.clone(), &mut budget)?;
                    context.called.push((call, result));
                }
            }
        }
    }

    /// Returns the payment link of an order for the cabinet. The cabinet enforces the expiry itself, so that the link has none
    /// if the payment system does not support it.
    ///
    /// # Errors
    /// As for [`Host::create_link`].
    pub fn create_cabinet_link(&self, order: &Order, options: LinkOptions) -> Result<PaymentLink, HostError> {
        let provider = self.provider(&order.provider)?;
        self.create_link_with(&provider, order, options, Calls::Made)?.ok_or_else(no_result)
    }

    /// Returns the link of an order, without its expiry if the payment system does not support it. `None` if the provider wants a
    /// call that is not to be made.
    fn create_link_with(
        &self,
        provider: &ProviderStatus,
        order: &Order,
        options: LinkOptions,
        calls: Calls,
    ) -> Result<Option<PaymentLink>, HostError> {
        let slot = self.0.registry.get(&provider.name)?;
        if calls == Calls::Made
            && let Some(made) = self.ended_link(&provider.component, order)?
        {
            return Ok(Some(made?));
        }
        let request = self.link_request(order, options);
        let made = match self.take_steps(&slot, &provider.component, &request, calls)? {
            Some(Err(LinkFailure::Failed(problems))) if problems.iter().all(is_of_expiry) => {
                let request = LinkRequest { expires_at: None, ..request };
                self.take_steps(&slot, &provider.component, &request, calls)?
            }
            made => made,
        };
        Ok(made.transpose()?)
    }

    /// Returns the link that the cabinet would use with trial settings (see [`Host::try_settings`]). No order is created, and no
    /// call is made: `None` if the payment system makes its links by one.
    ///
    /// # Errors
    /// As for [`Host::create_link`].
    pub fn try_link(
        &self,
        tried: &ProviderStatus,
        amount: Money,
        description: String,
        options: LinkOptions,
    ) -> Result<Option<PaymentLink>, HostError> {
        let now = self.now();
        let (account, id) = (AccountNumber::stored(PLACEHOLDER), OrderId::stored(PLACEHOLDER));
        let order = cabinet_order(account, tried.name.clone(), amount, description, now).created(id, now);
        self.create_link_with(tried, &order, options, Calls::Refused)
    }

    pub(crate) fn link_request(&self, order: &Order, options: LinkOptions) -> LinkRequest {
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

    /// Returns an order, or `None` if there is none with this id.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn order(&self, id: &OrderId) -> Result<Option<Order>, HostError> {
        Ok(self.0.ledger.order(id)?)
    }

    /// Returns an order's payments, refunds and chargebacks, and what holds it.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn order_money(&self, id: &OrderId) -> Result<OrderMoney, HostError> {
        Ok(self.0.ledger.order_money(id)?)
    }
}

fn cabinet_order(account: AccountNumber, provider: ProviderName, amount: Money, description: String, at: u64) -> NewOrder {
    let expires_at = Some(at + CABINET_ORDER_SECONDS);
    NewOrder { account, provider, amount, description, idempotency_key: None, expires_at }
}

/// Returns the idempotency key of an order from the cabinet, where `key` is what a form has of its own.
fn cabinet_key(account: &AccountNumber, provider: &ProviderName, amount: Money, key: &str) -> String {
    format!("cabinet {account} {provider} {} {} {key}", amount.minor_units, amount.currency)
}

/// Calls are made for it, so that the provider had no reason to end without a result.
fn no_result() -> HostError {
    HostError::internal("a link ended without a result".to_owned())
}

fn is_of_expiry(problem: &Problem) -> bool {
    problem.code == UNSUPPORTED && problem.field.as_deref() == Some(EXPIRES_AT)
}
