//! Robokassa as seen by one shop.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use maud::{Markup, html};
use time::OffsetDateTime;
use url::Url;

use super::config::{Config, ConfigError, Passwords};
use super::invoice::{Invoice, Invoices, OP_STATE, State, op_state};
use super::notification::{Notification, out_sum};
use super::plan::plan;
use super::refund::{create, get_state, path_of};
use super::request::{self, Details, passwords};
use crate::api::{ApiAnswer, ApiRequest};
use crate::courier::{Courier, Way};
use crate::form::Form;
use crate::price::Price;
use crate::scenario::Scenario;
use crate::system::{BuyersReturn, PaymentRequest, PaymentSystem, Refused};

/// Robokassa with a single shop.
pub struct Robokassa {
    config: Config,
    result_url: Url,
    success_url: Option<Url>,
    fail_url: Option<Url>,
    courier: Courier,
    next_invoice: AtomicU64,
    /// The paid invoices, and whether each was paid by a test payment.
    paid: Mutex<HashSet<(u64, bool)>>,
    invoices: Invoices,
}

impl PaymentSystem for Robokassa {
    type Config = Config;
    type ConfigError = ConfigError;
    type Details = Details;

    const NAME: &'static str = "Robokassa";
    const PAGE: &'static str = "/Merchant/Index.aspx";
    const SCENARIOS: &'static [Scenario] = &[
        Scenario::Pay,
        Scenario::Retry,
        Scenario::Decline,
        Scenario::Repeat,
        Scenario::Delay,
        Scenario::DropReply,
        Scenario::HangUp,
        Scenario::Tamper,
        Scenario::OtherOrder,
        Scenario::Forge,
        Scenario::OtherAmount,
        Scenario::UnknownOrder,
        Scenario::UnknownForm,
    ];

    fn new(config: Config) -> Result<Robokassa, ConfigError> {
        if config.merchant_login.is_empty() || config.merchant_login.contains(':') {
            return Err(ConfigError::MerchantLogin);
        }
        let bad = |Passwords { first, second }: &Passwords| {
            first.expose().is_empty() || second.expose().is_empty() || first.expose() == second.expose()
        };
        if bad(&config.passwords) || config.test_passwords.as_ref().is_some_and(bad) {
            return Err(ConfigError::Passwords);
        }
        let result_url = Url::parse(&config.result_url).ok().filter(|url| url.scheme() == "http");
        let [success_url, fail_url] =
            [&config.success_url, &config.fail_url].map(|url| url.as_deref().map(page_url).transpose());
        Ok(Robokassa {
            result_url: result_url.ok_or(ConfigError::ResultUrl)?,
            success_url: success_url?,
            fail_url: fail_url?,
            courier: Courier::new(config.patience),
            next_invoice: AtomicU64::new(config.first_invoice),
            paid: Mutex::default(),
            invoices: Mutex::default(),
            config,
        })
    }

    fn courier(&self) -> &Courier {
        &self.courier
    }

    fn verify(&self, form: &Form, now: OffsetDateTime) -> Result<(Price, Details), Refused> {
        request::verify(&self.config, form, now)
    }

    fn summary(&self, request: &PaymentRequest<Robokassa>) -> Markup {
        html! {
            p.price { (request.price) " RUB" }
            @if request.details.is_test { p.note { "Тестовый платёж" } }
            @if !request.form.get("Description").is_empty() { p { (request.form.get("Description")) } }
            @if let Some(inv_id) = request.details.inv_id { p { "Счёт " (inv_id) } }
            p { small { "Магазин " (self.config.merchant_login) } }
        }
    }

    fn title(scenario: Scenario) -> &'static str {
        match scenario {
            Scenario::Retry => "Оплата; повторять уведомление, пока магазин его не примет",
            Scenario::Forge => "Подпись чужим паролем",
            _ => scenario.title(),
        }
    }

    fn choose(&self, request: &PaymentRequest<Robokassa>, pays: bool) -> Result<BuyersReturn, Refused> {
        let passwords = passwords(&self.config, request.details.is_test)?;
        if !pays || request.scenario == Scenario::Decline {
            if let Some(inv_id) = request.details.inv_id {
                self.remember(request, inv_id, State::Cancelled);
            }
            let notification = self.notification(request, request.details.inv_id.unwrap_or_default());
            return Ok(BuyersReturn { when: None, url: self.return_url(&notification, passwords, false), paid: false });
        }
        let inv_id = self.invoice(request)?;
        self.remember(request, inv_id, State::Paid);
        let notification = self.notification(request, inv_id);
        let plan = plan(request.scenario, &notification, request.price, self.config.hash, passwords);
        let way = Way { scenario: request.scenario, url: Some(self.result_url.clone()), method: self.config.result_method };
        let when = Some(self.courier.begin(way, plan));
        Ok(BuyersReturn { when, url: self.return_url(&notification, passwords, true), paid: true })
    }

    fn answer(&self, request: &ApiRequest) -> Option<ApiAnswer> {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", OP_STATE) => Some(op_state(&self.config, &self.invoices, &request.query)),
            ("POST", path) if path == path_of("Create") => Some(create(&self.config, &self.invoices, &request.body)),
            ("GET", path) if path == path_of("GetState") => Some(get_state(&self.invoices, &request.query)),
            _ => None,
        }
    }
}

impl Robokassa {
    /// Returns the invoice's number and marks it as paid. An invoice can be paid only once.
    fn invoice(&self, request: &PaymentRequest<Robokassa>) -> Result<u64, Refused> {
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inv_id) = request.details.inv_id {
            let is_first = paid.insert((inv_id, request.details.is_test));
            return is_first.then_some(inv_id).ok_or_else(|| Refused::Wrong(format!("Счёт {inv_id} уже оплачен (ошибка 40).")));
        }
        loop {
            let inv_id = self.next_invoice.fetch_add(1, Ordering::Relaxed);
            if paid.insert((inv_id, request.details.is_test)) {
                return Ok(inv_id);
            }
        }
    }

    fn remember(&self, request: &PaymentRequest<Robokassa>, inv_id: u64, state: State) {
        if !request.details.is_test {
            let invoice = Invoice::new(inv_id, state, request.price, request.details.own.clone());
            self.invoices.lock().unwrap_or_else(PoisonError::into_inner).insert(inv_id, invoice);
        }
    }

    fn notification(&self, request: &PaymentRequest<Robokassa>, inv_id: u64) -> Notification {
        Notification {
            out_sum: out_sum(request.price, request.details.is_test),
            inv_id: inv_id.to_string(),
            email: request.form.get("Email").to_owned(),
            is_test: request.details.is_test,
            own: request.details.own.clone(),
        }
    }

    /// Returns the URL for the buyer's return, with the fields that the browser takes there.
    fn return_url(&self, notification: &Notification, passwords: &Passwords, paid: bool) -> Option<Url> {
        let mut url = if paid { self.success_url.clone() } else { self.fail_url.clone() }?;
        url.query_pairs_mut().extend_pairs(notification.buyers_return(self.config.hash, passwords, paid).fields());
        Some(url)
    }
}

fn page_url(text: &str) -> Result<Url, ConfigError> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(ConfigError::ReturnUrl)
}
