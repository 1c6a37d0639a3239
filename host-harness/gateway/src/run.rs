//! The gateway as a process: its listeners, and their end.

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
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::arriving::Arriving;
use crate::connections::{Connection, Connections, OtherRequest, Phase};
use crate::peer::Peer;
use crate::problem::Problem;
use crate::reply::{Reply, catch_panics};
use crate::shared::App;
use crate::throttle::EveryMinute;
use crate::{Gateway, callbacks};

/// How long requests may go on after the process was asked to end: a callback takes milliseconds.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request's head may take to come: who is slower holds a connection for nothing.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often silent addresses are forgotten.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(1);
/// What ends a process that writes beyond the limit of a file's size (Linux's signal(7)).
#[cfg(target_os = "linux")]
const SIGXFSZ: i32 = 25;
/// How long nothing is accepted when the system refuses to.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where the gateway listens.
pub struct Listeners<T> {
    /// For everything, or for all but callbacks where these have a listener of their own.
    pub main: T,
    /// For callbacks alone.
    pub callbacks: Option<T>,
}

impl Gateway {
    /// Serves on some addresses until the process is asked to end (SIGTERM, SIGINT), and then what was begun. `ready` is told the
    /// addresses, whose ports the system chose where they were 0.
    ///
    /// # Errors
    /// An address cannot be listened on; it is named.
    pub fn run(self, listen: Listeners<SocketAddr>, ready: impl FnOnce(Listeners<SocketAddr>)) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(async {
            let main = bind(listen.main).await?;
            let callbacks = match listen.callbacks {
                Some(address) => Some(bind(address).await?),
                None => None,
            };
            let asked = shutdown_signal()?;
            // Not to be ended by it: a write beyond the limit of a file's size is then an error like that of a full disk.
            #[cfg(target_os = "linux")]
            let _too_large = signal::unix::signal(signal::unix::SignalKind::from_raw(SIGXFSZ))?;
            let callbacks_address = callbacks.as_ref().map(TcpListener::local_addr).transpose()?;
            ready(Listeners { main: main.local_addr()?, callbacks: callbacks_address });
            self.serve(Listeners { main, callbacks }, asked).await;
            Ok(())
        });
        // What a provider or the ledger is at is ended by their own limits.
        runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
        served
    }

    /// Serves what comes to the listeners until `end`, and then what was begun.
    pub async fn serve(self, listeners: impl Into<Listeners<TcpListener>>, end: impl Future<Output = ()>) {
        let app = &self.0;
        let Listeners { main, callbacks } = listeners.into();
        self.warn_of_missing_header();
        let keeping = tokio::spawn(keep(app.clone()));
        let rereading = tokio::spawn(reread_when_asked(app.clone()));
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
        tracing::info!("ending");
        drop(tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await);
        keeping.abort();
        rereading.abort();
        let host = app.host.clone();
        drop(tokio::task::spawn_blocking(move || host.flush_refusals()).await);
    }

    /// Who has TLS before this host has a web server there: without the name of its header all callers have one address.
    fn warn_of_missing_header(&self) {
        let config = &self.0.config;
        if config.public_url.starts_with("https:") && config.proxy_header.is_none() {
            tracing::warn!(
                "a web server with TLS stands before this host, and its header is not named: all callers share one address and its \
                 limits; say --trusted-proxy-header, such as X-Forwarded-For"
            );
        }
    }
}

impl From<TcpListener> for Listeners<TcpListener> {
    /// One listener for everything.
    fn from(main: TcpListener) -> Listeners<TcpListener> {
        Listeners { main, callbacks: None }
    }
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// What serves the connections of one listener.
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
                            // Whoever breaks the protocol or goes away has no one to be told.
                            served = served => drop(served),
                            () = place.connection.dropped() => {}
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    // Mostly there are no descriptors left: somebody who has said nothing yet gives one back.
                    let has_dropped = self.connections.drop_oldest(|_| true);
                    if failing.is_due() {
                        tracing::warn!(%error, "connections cannot be accepted; raise the limit of open files; told once a minute");
                    }
                    if !has_dropped {
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
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
        // An answer is one small packet: it does not wait for more.
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

    /// An answer for a request that there is no room for; what it may still send is not read.
    fn turn_away(&self, problem: Problem) -> Response {
        self.app.metrics.request("none", "none", problem.status.as_u16(), Duration::ZERO);
        let mut response = problem.into_response();
        response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        response
    }
}

/// An answer's body, which has its room until it is sent.
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

/// Uses what the catalog's lock file says, whenever the process is told that it changed.
#[cfg(unix)]
async fn reread_when_asked(app: App) {
    let mut hang_up = match signal::unix::signal(signal::unix::SignalKind::hangup()) {
        Ok(hang_up) => hang_up,
        Err(error) => return tracing::error!(%error, "SIGHUP cannot be heard; restart to use a changed lock file"),
    };
    while hang_up.recv().await.is_some() {
        let app = app.clone();
        drop(tokio::task::spawn_blocking(move || app.host.reload_lock()).await);
    }
}

/// There is no such signal here: a changed lock file is used at the next start.
#[cfg(not(unix))]
async fn reread_when_asked(_: App) {}

/// Counts, times and logs a request by its route: the address itself may hold what is nobody's business.
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
            // As data, whatever the address is.
            Reply::from(Problem::new(StatusCode::BAD_REQUEST, "a request must name one host, in the header Host"))
                .into_response()
        }
    };
    let (status, time) = (response.status().as_u16(), began.elapsed());
    app.metrics.request(&route, &method, status, time);
    tracing::debug!(route, method, status, time_us = time.as_micros(), "request");
    response
}

/// Whether a request names the host that it is for, as HTTP/1.1 demands it (RFC 9112, 3.2).
fn names_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.is_empty() || uri::Authority::try_from(host.as_bytes()).is_ok(),
        (None, None) => request.version() < Version::HTTP_11,
        _ => false,
    }
}

/// Ends when the process is asked to.
#[cfg(unix)]
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    })
}

/// Ends when the process is asked to.
#[cfg(not(unix))]
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(signal::ctrl_c().await) })
}
