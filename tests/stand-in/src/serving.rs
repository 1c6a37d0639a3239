//! A server on its own threads, and a stand-in that it serves.

use std::error::Error as StdError;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use maud::html;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};

use crate::api::ApiRequest;
use crate::form::Form;
use crate::log::Sent;
use crate::page::{self, CHOICE, SCENARIO, respond};
use crate::scenario::Scenario;
use crate::system::{BuyersReturn, PaymentRequest, PaymentSystem, Refused};

const STOP_TIME_MAX: Duration = Duration::from_secs(2);
const FORM_BYTES_MAX: usize = 64 * 1024;

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Cannot listen on the address.
    #[error("cannot listen on {0}: {1}")]
    Listen(String, #[source] io::Error),
    /// The system provides no threads.
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
}

/// A server that runs until it is dropped or stopped.
pub struct Serving {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Serving {
    /// Starts a server on an address. `127.0.0.1:0` chooses a free port.
    ///
    /// # Errors
    /// If the address is taken or the system provides no threads.
    pub fn start(router: Router, listen: &str) -> Result<Serving, ServeError> {
        let failed = |error| ServeError::Listen(listen.to_owned(), error);
        let listener = TcpListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(ServeError::Runtime)?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Serving { address, runtime: Some(runtime) })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server and waits until its port is free. Running tasks are aborted. Blocks; async code may only drop the
    /// server.
    pub fn stop(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP_TIME_MAX);
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Why a stand-in does not start.
#[derive(Debug, Error)]
pub enum StartError<E: StdError> {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(E),
    /// Cannot listen on the address, or the system provides no threads.
    #[error(transparent)]
    Serve(ServeError),
}

/// A stand-in that runs on its own threads until it is dropped or stopped.
pub struct Running<S> {
    serving: Serving,
    system: Arc<S>,
}

impl<S: PaymentSystem> Running<S> {
    /// Starts a stand-in on an address. `127.0.0.1:0` chooses a free port.
    ///
    /// # Errors
    /// If the configuration is wrong or the address is taken.
    pub fn start(config: S::Config, listen: &str) -> Result<Running<S>, StartError<S::ConfigError>> {
        let system = Arc::new(S::new(config).map_err(StartError::Config)?);
        let serving = Serving::start(router(Arc::clone(&system)), listen).map_err(StartError::Serve)?;
        Ok(Running { serving, system })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Returns the URL of the payment page for a provider's settings; for ChronoPay such as `http://127.0.0.1:8080/`.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address(), S::PAGE)
    }

    /// Returns the callbacks sent so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.system.courier().log().sent()
    }

    /// Waits until no delayed callback and no retry is left, and returns the callbacks sent. Returns `None` if some are left
    /// after `longest`.
    pub fn settled(&self, longest: Duration) -> Option<Vec<Sent>> {
        self.system.courier().log().settled(longest)
    }

    /// Stops the stand-in and waits until its port is free. Running tasks are aborted. Blocks; async code may only drop the
    /// stand-in.
    pub fn stop(self) {
        self.serving.stop();
    }
}

/// Builds the routes: the payment page, its button, the list of callbacks sent, and the payment system's API.
fn router<S: PaymentSystem>(system: Arc<S>) -> Router {
    Router::new()
        .route(S::PAGE, get(show_link::<S>).post(show_form::<S>))
        .route("/pay", post(pay::<S>))
        .route("/sent", get(sent::<S>))
        .fallback(api::<S>)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .with_state(system)
}

async fn show_link<S: PaymentSystem>(State(system): State<Arc<S>>, RawQuery(query): RawQuery) -> Response {
    show(&*system, query.unwrap_or_default().as_bytes())
}

async fn show_form<S: PaymentSystem>(State(system): State<Arc<S>>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    // A form's action may name the scenario in its query.
    let query = query.unwrap_or_default();
    show(&*system, &[query.as_bytes(), b"&", &body].concat())
}

fn show<S: PaymentSystem>(system: &S, form: &[u8]) -> Response {
    match verify(system, form) {
        Ok(request) => respond(StatusCode::OK, payment_page(system, &request)),
        Err(why) => refuse::<S>(&why),
    }
}

fn payment_page<S: PaymentSystem>(system: &S, request: &PaymentRequest<S>) -> String {
    let scenarios = S::SCENARIOS.iter().map(|scenario| (scenario.name(), S::title(*scenario)));
    let form = page::pay_form(request.form.fields(), scenarios, request.scenario.name());
    page::page(S::NAME, "Оплата", &html! { (system.summary(request)) (form) })
}

async fn pay<S: PaymentSystem>(State(system): State<Arc<S>>, body: Bytes) -> Response {
    match choose(&*system, &body) {
        Ok(BuyersReturn { when, url, paid }) => {
            if let Some(when) = when {
                // It fails only when the runtime shuts down.
                let _ = when.await;
            }
            page::go(S::NAME, url, paid)
        }
        Err(why) => refuse::<S>(&why),
    }
}

fn choose<S: PaymentSystem>(system: &S, form: &[u8]) -> Result<BuyersReturn, Refused> {
    let mut request = verify(system, form)?;
    let pays = match request.form.take(CHOICE).as_str() {
        "pay" => true,
        "refuse" => false,
        _ => return Err(Refused::field(CHOICE, "бывает pay и refuse")),
    };
    system.choose(&request, pays)
}

fn verify<S: PaymentSystem>(system: &S, form: &[u8]) -> Result<PaymentRequest<S>, Refused> {
    let mut form = Form::parse(form).map_err(|field| Refused::field(&field, "поле указано дважды, с разными значениями"))?;
    let scenario = match form.take(SCENARIO).as_str() {
        "" => Scenario::Pay,
        text => {
            let named = S::SCENARIOS.iter().copied().find(|scenario| scenario.name() == text);
            named.ok_or_else(|| Refused::field(SCENARIO, "такого сценария нет"))?
        }
    };
    let (price, details) = system.verify(&form, OffsetDateTime::now_utc())?;
    Ok(PaymentRequest { form, price, scenario, details })
}

fn refuse<S: PaymentSystem>(why: &Refused) -> Response {
    let (status, message) = match why {
        Refused::Wrong(message) => (StatusCode::BAD_REQUEST, message),
        Refused::Signature(message) => (StatusCode::FORBIDDEN, message),
    };
    respond(status, page::refused(S::NAME, message))
}

async fn api<S: PaymentSystem>(State(system): State<Arc<S>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let request = ApiRequest {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: Vec::new(),
        body: body.to_vec(),
    };
    let Some(answer) = system.answer(&request) else { return StatusCode::NOT_FOUND.into_response() };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, answer.content_type)], answer.body).into_response()
}

async fn sent<S: PaymentSystem>(State(system): State<Arc<S>>) -> Json<Vec<Sent>> {
    Json(system.courier().log().sent())
}
