//! The server: a page, a button, callbacks, and what was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use time::OffsetDateTime;
use time::macros::{format_description, offset};
use tokio::sync::oneshot;
use url::Url;

use crate::callback::{Callback, types};
use crate::config::Config;
use crate::form::Form;
use crate::log::{Log, Sent};
use crate::page;
use crate::request::{Method, PaymentRequest, Refused};
use crate::running::StartError;
use crate::scenario::{Answer, Plan, Rules, Scenario, Step, plan};
use crate::send::{Outcome, Sender};

const FORM_BYTES_MAX: usize = 64 * 1024;

/// What a callback echoes of a request under the same name, where it is sent.
const ECHOED: [&str; 13] =
    ["order_id", "cs1", "cs2", "cs3", "email", "name", "phone", "country", "state", "city", "street", "zip", "merchant_uid"];

/// A ChronoPay of one merchant.
#[derive(Clone)]
pub struct StandIn(Arc<Inner>);

struct Inner {
    config: Config,
    sender: Sender,
    log: Arc<Log>,
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
            sender: Sender::new(Duration::from_millis(config.answer_timeout_ms)),
            log: Arc::default(),
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

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.0.log
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

    /// Makes a payment and begins to send its callbacks; tells when the buyer may return. A task of its own does it: a buyer
    /// who goes away ends nothing.
    fn begin_payment(&self, request: &PaymentRequest) -> oneshot::Receiver<()> {
        let Inner { config, log, .. } = &*self.0;
        let rules = Rules {
            secret: config.shared_sec.expose(),
            decline_callback: config.decline_callback,
            refund_keeps_id: config.refund_keeps_id,
            next_transaction: &|| self.next_transaction(),
        };
        let plan = plan(request.scenario, &self.purchase(request), request.price, &rules);
        let way = Way { scenario: request.scenario, url: request.callback_url.clone(), method: request.callback_method };
        let (buyer_returns, returned) = oneshot::channel();
        let (under_way, stand_in) = (log.begin(), self.clone());
        tokio::spawn(async move {
            stand_in.carry_out(way, plan, buyer_returns).await;
            drop(under_way);
        });
        returned
    }

    /// Sends what is planned; tells when the buyer may return. Goes on without the buyer.
    async fn carry_out(self, way: Way, plan: Plan, buyer_returns: oneshot::Sender<()>) {
        for step in plan.before_return {
            self.clone().deliver(way.clone(), step).await;
        }
        let _ = buyer_returns.send(());
        if !plan.after_return.is_empty() {
            tokio::time::sleep(Duration::from_millis(self.0.config.delay_ms)).await;
        }
        for step in plan.after_return {
            self.clone().deliver(way.clone(), step).await;
        }
    }

    /// Sends once. Further attempts follow by themselves, so that they hold up nobody.
    async fn deliver(self, way: Way, step: Step) {
        let status = self.clone().attempt(&way, &step).await;
        if step.answer != Answer::Awaited || status == Some(200) || way.url.is_none() {
            return;
        }
        let under_way = self.0.log.begin();
        tokio::spawn(async move {
            let mut wait_ms = self.0.config.retry_ms;
            for _ in 1..self.0.config.attempts_max {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                wait_ms = wait_ms.saturating_mul(2);
                if self.clone().attempt(&way, &step).await == Some(200) {
                    break;
                }
            }
            drop(under_way);
        });
    }

    async fn attempt(self, way: &Way, step: &Step) -> Option<u16> {
        let body = step.callback.encode();
        let outcome = match way.url.clone() {
            Some(url) => {
                let (stand_in, body, method, answer) = (self.clone(), body.clone(), way.method, step.answer);
                let sent = tokio::task::spawn_blocking(move || stand_in.0.sender.send(&url, method, &body, answer)).await;
                sent.unwrap_or_else(|error| Outcome { status: None, answer: None, problem: Some(error.to_string()) })
            }
            None => Outcome { status: None, answer: None, problem: Some("there is no callback URL".to_owned()) },
        };
        let status = outcome.status;
        self.0.log.add(Sent {
            scenario: way.scenario,
            transaction_id: step.callback.get("transaction_id").to_owned(),
            order: step.callback.get("cs1").to_owned(),
            body,
            status,
            answer: outcome.answer,
            problem: outcome.problem,
        });
        status
    }
}

/// How and why callbacks of one payment are sent.
#[derive(Clone)]
struct Way {
    scenario: Scenario,
    url: Option<Url>,
    method: Method,
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
        Ok(request) => html(StatusCode::OK, page::payment(&stand_in.0.config, &request)),
        Err(refused) => refuse(&refused),
    }
}

async fn pay(State(stand_in): State<StandIn>, body: Bytes) -> Response {
    let mut request = match stand_in.verify(&body) {
        Ok(request) => request,
        Err(refused) => return refuse(&refused),
    };
    match request.form.take(page::CHOICE).as_str() {
        "pay" => {}
        "refuse" => return go(request.decline_url, false),
        _ => return refuse(&Refused::Wrong(format!("{}: бывает pay и refuse.", page::CHOICE))),
    }
    let returned = stand_in.begin_payment(&request);
    // An error is a runtime that ends.
    let _ = returned.await;
    match request.scenario {
        Scenario::Decline => go(request.decline_url, false),
        _ => go(request.success_url, true),
    }
}

fn go(url: Option<Url>, paid: bool) -> Response {
    match url {
        Some(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url.to_string())]).into_response(),
        None => html(StatusCode::OK, page::outcome(paid)),
    }
}

fn refuse(refused: &Refused) -> Response {
    let status = match refused {
        Refused::Wrong(_) => StatusCode::BAD_REQUEST,
        Refused::Signature(_) => StatusCode::FORBIDDEN,
    };
    html(status, page::refused(refused))
}

fn html(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, page).into_response()
}

async fn sent(State(stand_in): State<StandIn>) -> Json<Vec<Sent>> {
    Json(stand_in.0.log.sent())
}
