//! ChronoPay as seen by one merchant.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use maud::{Markup, html};
use time::OffsetDateTime;
use time::macros::{format_description, offset};
use tokio::sync::oneshot;
use url::Url;

use super::callback::{Callback, types};
use super::config::{Config, ConfigError};
use super::gate::{Customer, GATE, Gate};
use super::plan::{Rules, plan};
use super::request::{self, Details};
use crate::api::{ApiAnswer, ApiRequest};
use crate::courier::{Courier, Plan, Step, Way};
use crate::form::Form;
use crate::price::Price;
use crate::scenario::Scenario;
use crate::send::Answer;
use crate::system::{BuyersReturn, PaymentRequest, PaymentSystem, Refused};

/// The fields of a request that a callback repeats under the same names, if they were sent.
const ECHOED: [&str; 13] =
    ["order_id", "cs1", "cs2", "cs3", "email", "name", "phone", "country", "state", "city", "street", "zip", "merchant_uid"];

/// ChronoPay with a single merchant.
pub struct ChronoPay {
    config: Config,
    courier: Courier,
    next_transaction: AtomicU64,
    /// Who paid, by `customer_id`.
    customers: Mutex<BTreeMap<String, Customer>>,
}

impl PaymentSystem for ChronoPay {
    type Config = Config;
    type ConfigError = ConfigError;
    type Details = Details;

    const NAME: &'static str = "ChronoPay";
    const PAGE: &'static str = "/";
    const SCENARIOS: &'static [Scenario] = &[
        Scenario::Pay,
        Scenario::Retry,
        Scenario::Decline,
        Scenario::Repeat,
        Scenario::Delay,
        Scenario::Reorder,
        Scenario::DropReply,
        Scenario::HangUp,
        Scenario::Refund,
        Scenario::Chargeback,
        Scenario::Tamper,
        Scenario::Forge,
        Scenario::OtherAmount,
        Scenario::UnknownOrder,
        Scenario::UnknownForm,
    ];

    fn new(config: Config) -> Result<ChronoPay, ConfigError> {
        let lengths: Vec<usize> = config.product_id.split('-').map(str::len).collect();
        let digits = config.product_id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if lengths != [6, 4, 4] || !digits {
            return Err(ConfigError::ProductId);
        }
        if config.shared_sec.expose().is_empty() {
            return Err(ConfigError::Secret);
        }
        if config.currency.len() != 3 || !config.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(ConfigError::Currency);
        }
        let callable = |text: &String| Url::parse(text).is_ok_and(|url| url.scheme() == "http");
        if !config.callback_url.as_ref().is_none_or(callable) {
            return Err(ConfigError::CallbackUrl);
        }
        Ok(ChronoPay {
            courier: Courier::new(config.patience),
            next_transaction: AtomicU64::new(config.first_transaction),
            customers: Mutex::default(),
            config,
        })
    }

    fn courier(&self) -> &Courier {
        &self.courier
    }

    fn verify(&self, form: &Form, now: OffsetDateTime) -> Result<(Price, Details), Refused> {
        request::verify(&self.config, form, now)
    }

    fn summary(&self, request: &PaymentRequest<ChronoPay>) -> Markup {
        let named = [("Товар", "product_name"), ("Заказ", "order_id"), ("Описание", "description")];
        html! {
            p { "Магазин: " (self.config.shop_name) }
            p.price { (request.price) " " (self.config.currency) }
            @for (title, field) in named {
                @if !request.form.get(field).is_empty() { p { (title) ": " (request.form.get(field)) } }
            }
            p { small { "Торговая точка " (self.config.product_id) } }
            @if request.details.callback_url.is_none() {
                p.note { "Уведомление отправить некуда: в ссылке нет cb_url, и общий адрес не задан." }
            }
        }
    }

    fn choose(&self, request: &PaymentRequest<ChronoPay>, pays: bool) -> Result<BuyersReturn, Refused> {
        let when = pays.then(|| self.begin_payment(request));
        let paid = pays && request.scenario != Scenario::Decline;
        let Details { success_url, decline_url, .. } = &request.details;
        Ok(BuyersReturn { when, url: if paid { success_url.clone() } else { decline_url.clone() }, paid })
    }

    fn answer(&self, request: &ApiRequest) -> Option<ApiAnswer> {
        let charge = |customer: &Customer, price| self.charge(customer, price);
        let gate = Gate { config: &self.config, customers: &self.customers, charge: &charge };
        (request.path == GATE && request.method == "POST").then(|| gate.answer(&request.body))
    }
}

impl ChronoPay {
    fn next_transaction(&self) -> u64 {
        self.next_transaction.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the unsigned callback of a successful payment.
    fn purchase(&self, request: &PaymentRequest<ChronoPay>) -> Callback {
        let config = &self.config;
        let transaction = self.next_transaction();
        let client = config.product_id.split('-').next().unwrap_or_default();
        let site = config.product_id.rsplit_once('-').map_or("", |(site, _)| site);
        // Nine digits, different for each payment.
        let customer = format!("{client}-{}", 100_000_000 + transaction % 900_000_000);
        let form = &request.form;
        let mut callback =
            Callback::new(form.get("cs1"), &transaction.to_string(), types::PURCHASE, &request.price.to_string())
                .with("customer_id", &customer)
                .with("site_id", site)
                .with("product_id", &config.product_id)
                .with("currency", &config.currency);
        let name = [form.get("f_name"), form.get("s_name")].join(" ");
        if !name.trim().is_empty() {
            callback = callback.with("name", name.trim());
        }
        if !form.get("language").is_empty() {
            callback = callback.with("language", &form.get("language").to_lowercase());
        }
        for name in ECHOED.iter().filter(|name| !form.get(name).is_empty()) {
            callback = callback.with(name, form.get(name));
        }
        dated(callback, OffsetDateTime::now_utc())
    }

    /// Makes a payment and starts to send its callbacks. Returns a signal for the buyer's return.
    fn begin_payment(&self, request: &PaymentRequest<ChronoPay>) -> oneshot::Receiver<()> {
        let rules = Rules {
            secret: self.config.shared_sec.expose(),
            decline_callback: self.config.decline_callback,
            refund_keeps_id: self.config.refund_keeps_id,
            next_transaction: &|| self.next_transaction(),
        };
        let purchase = self.purchase(request);
        let plan = plan(request.scenario, &purchase, request.price, &rules);
        let Details { callback_url, callback_method, .. } = &request.details;
        let way = Way { scenario: request.scenario, url: callback_url.clone(), method: *callback_method };
        if request.scenario != Scenario::Decline {
            let customer = Customer { way: Way { scenario: Scenario::Pay, ..way.clone() }, purchase, is_cancelled: false };
            let mut customers = self.customers.lock().unwrap_or_else(PoisonError::into_inner);
            customers.insert(customer.purchase.get("customer_id").to_owned(), customer);
        }
        self.courier.begin(way, plan)
    }

    /// Charges a customer again and starts to send the callback. Returns the transaction.
    fn charge(&self, customer: &Customer, price: Price) -> String {
        let transaction = self.next_transaction().to_string();
        let callback = customer
            .purchase
            .clone()
            .with("transaction_type", types::REBILL)
            .with("transaction_id", &transaction)
            .with("total", &price.to_string());
        let callback = dated(callback, OffsetDateTime::now_utc()).sign(self.config.shared_sec.expose());
        let step = Step {
            transaction_id: transaction.clone(),
            order: callback.get("cs1").to_owned(),
            body: callback.encode(),
            answer: Answer::Awaited,
            expected: None,
        };
        // Nobody waits for it to be sent.
        drop(self.courier.begin(customer.way.clone(), Plan::at_once(vec![step])));
        transaction
    }
}

/// Sets date and time to Moscow's, since a callback names no time zone.
fn dated(callback: Callback, now: OffsetDateTime) -> Callback {
    let now = now.to_offset(offset!(+3));
    let time = now.format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default();
    let date = now.format(format_description!("[month]/[day]/[year]")).unwrap_or_default();
    callback.with("date", &format!("{date} {time}")).with("time", &time)
}
