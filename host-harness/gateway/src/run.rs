//! The gateway as a process: connections, and their end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::{App, Gateway, swap};

/// How long requests may go on after the process was asked to end: a callback takes milliseconds.
const ENDING_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a request's head may take to come: who is slower holds a connection for nothing.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How many connections are open at once; others wait.
const CONNECTIONS_MAX: usize = 1024;
/// How often refusals are kept and silent addresses forgotten.
const KEEPING_TIME: Duration = Duration::from_secs(1);
/// How long nothing is accepted when the system refuses to.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end of the connection.
#[derive(Clone, Copy)]
pub struct Peer(pub SocketAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Peer, Infallible> {
        // Every connection says it.
        Ok(parts.extensions.get().copied().unwrap_or(Peer(([0, 0, 0, 0], 0).into())))
    }
}

impl Gateway {
    /// Serves on an address until the process is asked to end (SIGTERM, SIGINT), and then what was begun. `ready` is told the
    /// address, whose port the system chose where it was 0.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub fn run(self, listen: SocketAddr, ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(async {
            let listener = TcpListener::bind(listen).await?;
            let asked = asked_to_end()?;
            ready(listener.local_addr()?);
            self.serve(listener, asked).await;
            Ok(())
        });
        // What a provider or the ledger is at is ended by their own limits.
        runtime.shutdown_timeout(ENDING_TIME_MAX);
        served
    }

    /// Serves what comes to a listener until `end`, and then what was begun.
    pub async fn serve(self, listener: TcpListener, end: impl Future<Output = ()>) {
        let app = &self.0;
        let router = self.router().layer(axum::middleware::from_fn_with_state(app.clone(), trace));
        let keeping = tokio::spawn(keep(app.clone()));
        let rereading = tokio::spawn(reread_when_asked(app.clone()));
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        tokio::pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = async {
                    let place = connections.clone().acquire_owned().await;
                    (place, listener.accept().await)
                } => accepted,
                () = &mut end => break,
            };
            match accepted {
                (place, Ok((stream, peer))) => {
                    let connection = graceful.watch(connection(stream, peer, router.clone()));
                    tokio::spawn(async move {
                        // Whoever breaks the protocol or goes away has no one to be told.
                        drop(connection.await);
                        drop(place);
                    });
                }
                (_, Err(error)) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        app.ending.send_replace(true);
        tracing::info!("ending");
        drop(tokio::time::timeout(ENDING_TIME_MAX, graceful.shutdown()).await);
        keeping.abort();
        rereading.abort();
        let app = app.clone();
        drop(tokio::task::spawn_blocking(move || app.refused.keep(&app.ledger)).await);
    }
}

fn connection(stream: TcpStream, peer: SocketAddr, router: Router) -> impl GracefulConnection + Send {
    // An answer is one small packet: it does not wait for more.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME_MAX);
    builder.serve_connection(TokioIo::new(stream), service)
}

async fn keep(app: App) {
    loop {
        tokio::time::sleep(KEEPING_TIME).await;
        app.guard.forget();
        let app = app.clone();
        drop(tokio::task::spawn_blocking(move || app.refused.keep(&app.ledger)).await);
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
        drop(tokio::task::spawn_blocking(move || swap::reread(&app)).await);
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
    let response = next.run(request).await;
    let (status, time) = (response.status().as_u16(), began.elapsed());
    app.metrics.request(&route, &method, status, time);
    tracing::debug!(route, method, status, time_us = time.as_micros(), "request");
    response
}

/// Ends when the process is asked to.
#[cfg(unix)]
fn asked_to_end() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    })
}

/// Ends when the process is asked to.
#[cfg(not(unix))]
fn asked_to_end() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(signal::ctrl_c().await) })
}
