//! The gateway as a process: its listeners and its shutdown.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{StatusCode, Version, header, uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use host::ErrorCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::arriving::Arriving;
use crate::connections::{Connection, Connections, OtherRequest, Phase};
use crate::peer::Peer;
use crate::problem::{ErrorPage, Problem};
use crate::process::{Process, shutdown_signal};
use crate::reply::{Reply, catch_panics};
use crate::shared::{App, Shared};
use crate::throttle::EveryMinute;
use crate::{Gateway, callbacks};

/// How long requests may run after shutdown was requested: a callback takes milliseconds.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request's head may take to arrive, so that slow clients do not occupy connections.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often idle addresses are forgotten.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait after the system failed to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long it takes at most, as a rule, until a connection that was dropped is closed.
const CLOSING_PAUSE: Duration = Duration::from_millis(1);

/// The listeners' addresses or sockets.
pub struct Listeners<T> {
    /// For everything, except callbacks if they have a separate listener.
    pub main: T,
    /// For callbacks only.
    pub callbacks: Option<T>,
}

impl Gateway {
    /// Listens on the addresses and serves until shutdown is requested (SIGTERM, SIGINT), then completes running requests.
    /// `ready` gets the addresses, in which port 0 is replaced by the port that the system chose.
    ///
    /// # Errors
    /// If it cannot listen on an address; the error names the address.
    pub fn run(
        self,
        process: Process,
        listen: Listeners<SocketAddr>,
        ready: impl FnOnce(Listeners<SocketAddr>),
    ) -> io::Result<()> {
        let Process { runtime, hang_up } = process;
        let served = runtime.block_on(async {
            let main = bind(listen.main).await?;
            let callbacks = match listen.callbacks {
                Some(address) => Some(bind(address).await?),
                None => None,
            };
            let asked = shutdown_signal()?;
            let callbacks_address = callbacks.as_ref().map(TcpListener::local_addr).transpose()?;
            ready(Listeners { main: main.local_addr()?, callbacks: callbacks_address });
            let reloading = tokio::spawn(hang_up.reload_lock(self.0.clone()));
            self.serve(Listeners { main, callbacks }, asked).await;
            reloading.abort();
            Ok(())
        });
        // Calls of providers and of the ledger are ended by their own limits.
        runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
        served
    }

    /// Serves the listeners until `end` completes, then completes running requests.
    pub async fn serve(self, listeners: impl Into<Listeners<TcpListener>>, end: impl Future<Output = ()>) {
        let app = &self.0;
        let Listeners { main, callbacks } = listeners.into();
        self.warn_of_missing_header();
        let keeping = tokio::spawn(keep(app.clone()));
        let graceful = GracefulShutdown::new();
        let traced =
            |router: Router| router.layer(catch_panics()).layer(axum::middleware::from_fn_with_state(app.clone(), trace));
        let main_door = Door::new(app, traced(self.router(callbacks.is_none())));
        let callbacks_door = Door::new(app, traced(self.callbacks_router()));
        let accepting = async {
            let callbacks = async {
                match callbacks {
                    Some(listener) => callbacks_door.accept(listener, &graceful).await,
                    None => std::future::pending().await,
                }
            };
            tokio::join!(main_door.accept(main, &graceful), callbacks);
        };
        tokio::select! { () = accepting => {} () = end => {} }
        app.ending.send_replace(true);
        tracing::info!("shutting down");
        drop(tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await);
        keeping.abort();
        let host = app.host.clone();
        drop(tokio::task::spawn_blocking(move || host.flush_refusals()).await);
    }

    /// Warns if the public URL has TLS but no header is configured: then a web server terminates TLS, and all clients have its
    /// address.
    fn warn_of_missing_header(&self) {
        let config = &self.0.config;
        if config.public_url.starts_with("https:") && config.proxy_header.is_none() {
            tracing::warn!(
                "--public-url is https, so a web server is in front of this host, but --trusted-proxy-header is not given: all clients \
                 share one address and its limits; add it, such as --trusted-proxy-header X-Forwarded-For"
            );
        }
    }
}

impl From<TcpListener> for Listeners<TcpListener> {
    /// Uses one listener for everything.
    fn from(main: TcpListener) -> Listeners<TcpListener> {
        Listeners { main, callbacks: None }
    }
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Serves the connections of one listener.
#[derive(Clone)]
struct Door {
    app: App,
    router: Router,
    connections: Arc<Connections>,
}

impl Door {
    fn new(app: &App, router: Router) -> Door {
        Door { app: app.clone(), router, connections: Connections::new() }
    }

    /// Accepts connections and serves them, as long as it is polled.
    async fn accept(&self, listener: TcpListener, graceful: &GracefulShutdown) {
        let failing = EveryMinute::default();
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let place = self.connections.admit(peer.ip(), self.app.guard.is_proxy(peer.ip())).await;
                    let served = graceful.watch(self.serve(stream, peer, &place.connection));
                    tokio::spawn(async move {
                        tokio::select! {
                            // An error means that the client violated the protocol or disconnected, so that nobody can be
                            // notified.
                            served = served => drop(served),
                            () = place.connection.dropped() => {}
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    // The usual cause is a lack of file descriptors. Dropping an unfinished connection frees one.
                    let has_dropped = self.connections.drop_oldest(|_| true);
                    if failing.is_due() {
                        tracing::error!(
                            %error,
                            "connections cannot be accepted; raise the limit of open files (LimitNOFILE); logged at most once a minute"
                        );
                    }
                    // Until the dropped one is closed, another attempt would fail too, and drop one more: in the end a genuine one.
                    tokio::time::sleep(if has_dropped { CLOSING_PAUSE } else { ACCEPT_PAUSE }).await;
                }
            }
        }
    }

    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        connection: &Arc<Connection>,
    ) -> impl GracefulConnection + Send + use<> {
        // An answer is usually one small packet, which must not wait for more data.
        drop(stream.set_nodelay(true));
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.app.config.stall_time_max));
        let (door, connection) = (self.clone(), connection.clone());
        let service = service_fn(move |request| {
            let (door, connection) = (door.clone(), connection.clone());
            async move { Ok::<_, Infallible>(door.answer(peer, connection, request).await) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
        builder.serve_connection(TokioIo::new(Box::pin(stream)), service)
    }

    async fn answer(&self, peer: SocketAddr, connection: Arc<Connection>, request: hyper::Request<Incoming>) -> Response {
        let is_callback = request.uri().path().starts_with(callbacks::ADDRESS);
        connection.enter(if is_callback { Phase::Callback } else { Phase::Other });
        let room = if is_callback {
            None
        } else {
            match self.connections.request(self.app.guard.address(request.headers(), peer)).await {
                Ok(room) => Some(room),
                Err(problem) => return self.turn_away(problem),
            }
        };
        let mut request = request.map(|body| Body::new(Arriving::new(body, connection.clone())));
        request.extensions_mut().insert(Peer(peer));
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        match room {
            Some(room) => response.map(|body| Body::new(Leaving { body, connection, _room: room })),
            None => {
                connection.enter(Phase::Silent);
                response
            }
        }
    }

    /// Answers a request for which there is no place. The rest of the request is not read.
    fn turn_away(&self, problem: Problem) -> Response {
        self.app.metrics.request("none", "none", problem.status.as_u16(), Duration::ZERO);
        let mut response = problem.into_response();
        log_unserved(&self.app, "none", "none", &response);
        response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        response
    }
}

/// An answer's body, which keeps the request's place until it is sent.
struct Leaving {
    body: Body,
    connection: Arc<Connection>,
    _room: OtherRequest,
}

impl hyper::body::Body for Leaving {
    type Data = axum::body::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.connection.enter(Phase::Silent);
    }
}

async fn keep(app: App) {
    loop {
        tokio::time::sleep(HOUSEKEEPING_INTERVAL).await;
        app.guard.evict_idle();
    }
}

/// Counts, times and logs a request by its route. The path itself may contain confidential data.
async fn trace(axum::extract::State(app): axum::extract::State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = match request.method().as_str() {
        method @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH") => method.to_owned(),
        _ => "other".to_owned(),
    };
    let response = match names_host(&request) {
        true => next.run(request).await,
        false => {
            // It is data at every address.
            Reply::from(Problem::new(StatusCode::BAD_REQUEST, "a request must name one host, in the header Host"))
                .into_response()
        }
    };
    let (status, time) = (response.status().as_u16(), began.elapsed());
    app.metrics.request(&route, &method, status, time);
    log_unserved(&app, &route, &method, &response);
    tracing::debug!(route, method, status, time_us = time.as_micros(), "a request was served");
    response
}

/// Logs a response that says that this host could not serve the request. Of callbacks that prove nothing, anybody can send many: once
/// a minute.
fn log_unserved(app: &Shared, route: &str, method: &str, response: &Response) {
    let status = response.status();
    let shown = response.extensions().get::<ErrorPage>();
    let is_flood = shown.is_some_and(|shown| shown.code == Some(ErrorCode::TooManyLookups));
    if status.is_server_error() && (!is_flood || app.floods.is_due()) {
        let detail = shown.map(|shown| shown.detail.as_str());
        tracing::warn!(route, method, status = status.as_u16(), detail, "a request was not served");
    }
}

/// Reports whether a request names its host, as HTTP/1.1 requires (RFC 9112, 3.2).
fn names_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.is_empty() || uri::Authority::try_from(host.as_bytes()).is_ok(),
        (None, None) => request.version() < Version::HTTP_11,
        _ => false,
    }
}
