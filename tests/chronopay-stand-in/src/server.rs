//! The server: a page, a button, callbacks, and what was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use stand_in::courier::{self, Courier, Patience, Way};
use stand_in::form::Form;
use stand_in::log::Log;
use stand_in::page::{CHOICE, go, refused, respond};
use time::OffsetDateTime;
use time::macros::{format_description, offset};
use tokio::sync::oneshot;
use url::Url;

use crate::Sent;
use crate::callback::{Callback, types};
use crate::config::Config;
use crate::page::{self, SYSTEM};
use crate::request::{PaymentRequest, Refused};
use crate::running::StartError;
use crate::scenario::{Rules, Scenario, Step, plan};

const FORM_BYTES_MAX: usize = 64 * 1024;

/// What a callback echoes of a request under the same name, where it is sent.
const ECHOED: [&str; 13] =
    ["order_id", "cs1", "cs2", "cs3", "email", "name", "phone", "country", "state", "city", "street", "zip", "merchant_uid"];

/// A ChronoPay of one merchant.
#[derive(Clone)]
pub struct StandIn(Arc<Inner>);

struct Inner {
    config: Config,
    courier: Courier<Scenario>,
    next_transaction: AtomicU64,
}

impl StandIn {
    /// Checks the configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(config: Config) -> Result<StandIn, StartError> {
        let lengths: Vec<usize> = config.product_id.split('-').map(str::len).collect();
        let digits = config.product_id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if lengths != [6, 4, 4] || !digits {
            return Err(StartError::ProductId);
        }
        if config.shared_sec.expose().is_empty() {
            return Err(StartError::Secret);
        }
        if config.currency.len() != 3 || !config.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(StartError::Currency);
        }
        let callable = |text: &String| Url::parse(text).is_ok_and(|url| url.scheme() == "http");
        if !config.callback_url.as_ref().is_none_or(callable) {
            return Err(StartError::CallbackUrl);
        }
        Ok(StandIn(Arc::new(Inner {
            courier: Courier::new(Patience {
                delay_ms: config.delay_ms,
                answer_timeout_ms: config.answer_timeout_ms,
                attempts_max: config.attempts_max,
                retry_ms: config.retry_ms,
            }),
            next_transaction: AtomicU64::new(config.first_transaction),
            config,
        })))
    }

    /// Its routes, for a server of one's own; callbacks are sent by the runtime that serves them.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(show_link).post(show_form))
            .route("/pay", post(pay))
            .route("/sent", get(sent))
            .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
            .with_state(self.clone())
    }

    pub(crate) fn log(&self) -> &Arc<Log<Scenario>> {
        self.0.courier.log()
    }

    fn verify(&self, form: &[u8]) -> Result<PaymentRequest, Refused> {
        let form = Form::parse(form)
            .map_err(|field| Refused::Wrong(format!("{field}: поле указано дважды, с разными значениями.")))?;
        PaymentRequest::verify(&self.0.config, form, OffsetDateTime::now_utc())
    }

    fn next_transaction(&self) -> u64 {
        self.0.next_transaction.fetch_add(1, Ordering::Relaxed)
    }

    /// The callback of a payment that succeeds, not signed.
    fn purchase(&self, request: &PaymentRequest) -> Callback {
        let Inner { config, .. } = &*self.0;
        let transaction = self.next_transaction();
        let client = config.product_id.split('-').next().unwrap_or_default();
        let site = config.product_id.rsplit_once('-').map_or("", |(site, _)| site);
        // Nine digits, and another payer for each payment.
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

    /// Makes a payment and begins to send its callbacks; tells when the buyer may return.
    fn begin_payment(&self, request: &PaymentRequest) -> oneshot::Receiver<()> {
        let Inner { config, courier, .. } = &*self.0;
        let rules = Rules {
            secret: config.shared_sec.expose(),
            decline_callback: config.decline_callback,
            refund_keeps_id: config.refund_keeps_id,
            next_transaction: &|| self.next_transaction(),
        };
        let plan = plan(request.scenario, &self.purchase(request), request.price, &rules);
        let way = Way { scenario: request.scenario, url: request.callback_url.clone(), method: request.callback_method };
        let [before_return, after_return] =
            [plan.before_return, plan.after_return].map(|steps| steps.into_iter().map(as_sent).collect());
        courier.begin(way, courier::Plan { before_return, after_return })
    }
}

fn as_sent(Step { callback, answer }: Step) -> courier::Step {
    courier::Step {
        transaction_id: callback.get("transaction_id").to_owned(),
        order: callback.get("cs1").to_owned(),
        body: callback.encode(),
        answer,
        expected: None,
    }
}

/// Moscow's time, since a callback names no zone.
fn dated(callback: Callback, now: OffsetDateTime) -> Callback {
    let now = now.to_offset(offset!(+3));
    let time = now.format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default();
    let date = now.format(format_description!("[month]/[day]/[year]")).unwrap_or_default();
    callback.with("date", &format!("{date} {time}")).with("time", &time)
}

async fn show_link(State(stand_in): State<StandIn>, RawQuery(query): RawQuery) -> Response {
    show(&stand_in, query.unwrap_or_default().as_bytes())
}

async fn show_form(State(stand_in): State<StandIn>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    // A form's address may name the scenario.
    let query = query.unwrap_or_default();
    show(&stand_in, &[query.as_bytes(), b"&", &body].concat())
}

fn show(stand_in: &StandIn, form: &[u8]) -> Response {
    match stand_in.verify(form) {
        Ok(request) => respond(StatusCode::OK, page::payment(&stand_in.0.config, &request)),
        Err(refused) => refuse(&refused),
    }
}

async fn pay(State(stand_in): State<StandIn>, body: Bytes) -> Response {
    let mut request = match stand_in.verify(&body) {
        Ok(request) => request,
        Err(refused) => return refuse(&refused),
    };
    match request.form.take(CHOICE).as_str() {
        "pay" => {}
        "refuse" => return go(SYSTEM, request.decline_url, false),
        _ => return refuse(&Refused::Wrong(format!("{}: бывает pay и refuse.", CHOICE))),
    }
    let returned = stand_in.begin_payment(&request);
    // An error is a runtime that ends.
    let _ = returned.await;
    match request.scenario {
        Scenario::Decline => go(SYSTEM, request.decline_url, false),
        _ => go(SYSTEM, request.success_url, true),
    }
}

fn refuse(why: &Refused) -> Response {
    let (status, message) = match why {
        Refused::Wrong(message) => (StatusCode::BAD_REQUEST, message),
        Refused::Signature(message) => (StatusCode::FORBIDDEN, message),
    };
    respond(status, refused(SYSTEM, message))
}

async fn sent(State(stand_in): State<StandIn>) -> Json<Vec<Sent>> {
    Json(stand_in.log().sent())
}
