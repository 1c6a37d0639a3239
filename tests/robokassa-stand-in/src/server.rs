//! The server: a page, a button, notifications, and what was sent.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use stand_in::courier::{Courier, Patience, Way};
use stand_in::form::Form;
use stand_in::log::Log;
use stand_in::page::{CHOICE, go, refused, respond};
use time::OffsetDateTime;
use tokio::sync::oneshot;
use url::Url;

use crate::Sent;
use crate::config::{Config, Passwords};
use crate::notification::{Notification, out_sum};
use crate::page::{self, SYSTEM};
use crate::request::{PaymentRequest, Refused, passwords};
use crate::running::StartError;
use crate::scenario::{Scenario, plan};

/// The path of the payment page.
pub const PAGE: &str = "/Merchant/Index.aspx";

const FORM_BYTES_MAX: usize = 64 * 1024;

/// A Robokassa of one shop.
#[derive(Clone)]
pub struct StandIn(Arc<Inner>);

struct Inner {
    config: Config,
    result_url: Url,
    success_url: Option<Url>,
    fail_url: Option<Url>,
    courier: Courier<Scenario>,
    next_invoice: AtomicU64,
    /// The invoices that are paid, and whether by a test payment.
    paid: Mutex<HashSet<(u64, bool)>>,
}

impl StandIn {
    /// Checks the configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(config: Config) -> Result<StandIn, StartError> {
        if config.merchant_login.is_empty() || config.merchant_login.contains(':') {
            return Err(StartError::MerchantLogin);
        }
        let bad = |Passwords { first, second }: &Passwords| {
            first.expose().is_empty() || second.expose().is_empty() || first.expose() == second.expose()
        };
        if bad(&config.passwords) || config.test_passwords.as_ref().is_some_and(bad) {
            return Err(StartError::Passwords);
        }
        let result_url = Url::parse(&config.result_url).ok().filter(|url| url.scheme() == "http");
        let [success_url, fail_url] =
            [&config.success_url, &config.fail_url].map(|url| url.as_deref().map(page_url).transpose());
        Ok(StandIn(Arc::new(Inner {
            result_url: result_url.ok_or(StartError::ResultUrl)?,
            success_url: success_url?,
            fail_url: fail_url?,
            courier: Courier::new(Patience {
                delay_ms: config.delay_ms,
                answer_timeout_ms: config.answer_timeout_ms,
                attempts_max: config.attempts_max,
                retry_ms: config.retry_ms,
            }),
            next_invoice: AtomicU64::new(config.first_invoice),
            paid: Mutex::default(),
            config,
        })))
    }

    /// Its routes, for a server of one's own; notifications are sent by the runtime that serves them.
    pub fn router(&self) -> Router {
        Router::new()
            .route(PAGE, get(show_link).post(show_form))
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

    /// Gives the invoice its number and takes it as paid, once.
    fn invoice(&self, request: &PaymentRequest) -> Result<u64, Refused> {
        let mut paid = self.0.paid.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inv_id) = request.inv_id {
            let is_first = paid.insert((inv_id, request.is_test));
            return is_first.then_some(inv_id).ok_or_else(|| Refused::Wrong(format!("Счёт {inv_id} уже оплачен (ошибка 40).")));
        }
        loop {
            let inv_id = self.0.next_invoice.fetch_add(1, Ordering::Relaxed);
            if paid.insert((inv_id, request.is_test)) {
                return Ok(inv_id);
            }
        }
    }

    fn notification(&self, request: &PaymentRequest, inv_id: u64) -> Notification {
        Notification {
            out_sum: out_sum(request.price, request.is_test),
            inv_id: inv_id.to_string(),
            email: request.form.get("Email").to_owned(),
            is_test: request.is_test,
            own: request.own.clone(),
        }
    }

    /// Begins to send a payment's notifications; tells when the buyer may return.
    fn begin_payment(
        &self,
        request: &PaymentRequest,
        notification: &Notification,
        passwords: &Passwords,
    ) -> oneshot::Receiver<()> {
        let Inner { config, courier, result_url, .. } = &*self.0;
        let plan = plan(request.scenario, notification, request.price, config.hash, passwords);
        let way = Way { scenario: request.scenario, url: Some(result_url.clone()), method: config.result_method };
        courier.begin(way, plan)
    }

    /// Where the buyer returns, with what the browser brings there.
    fn return_url(&self, notification: &Notification, passwords: &Passwords, paid: bool) -> Option<Url> {
        let mut url = if paid { self.0.success_url.clone() } else { self.0.fail_url.clone() }?;
        url.query_pairs_mut().extend_pairs(notification.buyers_return(self.0.config.hash, passwords, paid).fields());
        Some(url)
    }
}

fn page_url(text: &str) -> Result<Url, StartError> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(StartError::ReturnUrl)
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
        Err(why) => refuse(&why),
    }
}

async fn pay(State(stand_in): State<StandIn>, body: Bytes) -> Response {
    match take_payment(&stand_in, &body).await {
        Ok(response) => response,
        Err(why) => refuse(&why),
    }
}

async fn take_payment(stand_in: &StandIn, body: &[u8]) -> Result<Response, Refused> {
    let mut request = stand_in.verify(body)?;
    let passwords = passwords(&stand_in.0.config, request.is_test)?;
    let wants_to_pay = match request.form.take(CHOICE).as_str() {
        "pay" => true,
        "refuse" => false,
        _ => return Err(Refused::Wrong(format!("{CHOICE}: бывает pay и refuse."))),
    };
    if !wants_to_pay || request.scenario == Scenario::Decline {
        let notification = stand_in.notification(&request, request.inv_id.unwrap_or_default());
        return Ok(go(SYSTEM, stand_in.return_url(&notification, passwords, false), false));
    }
    let notification = stand_in.notification(&request, stand_in.invoice(&request)?);
    let returned = stand_in.begin_payment(&request, &notification, passwords);
    // An error is a runtime that ends.
    let _ = returned.await;
    Ok(go(SYSTEM, stand_in.return_url(&notification, passwords, true), true))
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
