//! The client for HTTP calls to payment systems: the adapter of `host::Outbound`. The command line makes it of the operator's
//! options and gives it to the host. So is the client that asks billing about accounts (`billing.rs`), the adapter of
//! `host::BillingAccounts`: it goes to one URL, which the operator gives and no component.
//!
//! A call is one task: its URL is taken apart (`target.rs`) and compared with what may be called (`reach.rs`, `address.rs`); its
//! name is resolved and connected to (`connect.rs`), by a proxy where there is one (`proxy.rs`); TLS is agreed upon (`tls.rs`);
//! one request is sent and its answer is read (`request.rs`, `exchange.rs`).
//!
//! **A call is not sent, or its outcome is unknown**: [`domain::HttpResult::NotSent`] from a failure before the first byte of the
//! request was given to the connection, and [`domain::HttpResult::Unknown`] after it. `progress.rs` watches that byte, and nothing else decides: no
//! kind of error is interpreted.
//!
//! **Nothing is sent twice.** Each call has a connection of its own, with one request. There is no pool, no retry and no redirect.
//!
//! **What was checked is connected to.** A name is resolved once, and only its permitted addresses are connected to.
//!
//! It is made of hyper's connections, which the server is made of too, and of rustls. A client with a pool, such as reqwest, repeats
//! a request that an old connection did not begin, and its errors do not say whether a byte was written. rustls has ring for its
//! cryptography: with it, both compile in 31 s of processor time, with aws-lc in 73 s.
//!
//! The system's CA certificates are trusted, and no list of this program's: such a list would be as old as the program, and would
//! lack the CAs that an administrator or a state added. In a container without any, a CA file is needed, and every call says so.
//! They are read once, when the client is made.

#![cfg_attr(test, allow(missing_docs))]

mod address;
mod billing;
mod billing_json;
mod connect;
mod error;
mod exchange;
mod failure;
mod host_port;
mod limits;
mod options;
mod progress;
mod proxy;
mod reach;
mod reply;
mod request;
mod target;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{HttpResponse, HttpResult};
use host::{Outbound, OutboundCall, Unreachable};
use http_body_util::Full;
use hyper::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use billing::{BillingClient, BillingOptions};
pub use error::OutboundError;
pub use options::{OutboundOptions, ProxyOption};

use failure::Failure;
use progress::{Progress, RequestStream, Stage};
use proxy::Proxy;
use reach::{Permitted, Reach};
use reply::Reply;
use target::Target;
use tls::Tls;

/// A client that makes calls on threads of its own. When it is dropped, the calls that have not ended are given up, and their
/// results say so.
pub struct HttpClient {
    /// `None` while it is dropped.
    runtime: Option<Runtime>,
    calls: Arc<Calls>,
}

impl HttpClient {
    /// Makes a client: reads the CA certificates and the options, and starts the threads.
    ///
    /// # Errors
    /// If the CA file, an entry of `lan_hosts` or the proxy cannot be used. That the system has no CA certificates is no error:
    /// [`HttpClient::root_certificates`] tells it.
    pub fn new(options: &OutboundOptions) -> Result<HttpClient, OutboundError> {
        let calls = Calls {
            reach: Reach::new(&options.lan_hosts, options.loopback)?,
            tls: Tls::new(options.ca_file.as_deref())?,
            proxy: Proxy::new(&options.proxy)?,
            permits: Semaphore::new(limits::CALLS_MAX),
        };
        let runtime = runtime("outbound", limits::CALLS_MAX)?;
        Ok(HttpClient { runtime: Some(runtime), calls: Arc::new(calls) })
    }

    /// Returns how many CA certificates are trusted. With none, no HTTPS call is sent.
    pub fn root_certificates(&self) -> usize {
        self.calls.tls.root_certificates()
    }
}

impl Outbound for HttpClient {
    fn send(&self, call: OutboundCall, then: Box<dyn FnOnce(HttpResult) + Send>) {
        let progress = Progress::new();
        let reply = Reply::new(then, progress.clone(), |progress| progress.failed(&Failure::GivenUp));
        let calls = self.calls.clone();
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                let result = calls.result(call, &progress).await;
                reply.give(result);
            });
        }
    }

    fn unreachable(&self, url: &str) -> Option<Unreachable> {
        self.calls.reach.unreachable(&Target::parse(url).ok()?)
    }

    fn proxy(&self) -> Option<String> {
        self.calls.proxy.as_ref().map(|proxy| format!("{}:{}", proxy.host, proxy.port))
    }
}

impl Drop for HttpClient {
    fn drop(&mut self) {
        // What waits is not sent when the calls that are given up make room.
        self.calls.permits.close();
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped by a task of its own, or of another runtime, which must not wait.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// Starts the threads of a client that makes at most so many calls at once.
fn runtime(name: &str, calls_max: usize) -> Result<Runtime, OutboundError> {
    Builder::new_multi_thread()
        .worker_threads(limits::THREADS)
        // The system's resolver blocks a thread for each name.
        .max_blocking_threads(calls_max)
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(OutboundError::Threads)
}

/// What all calls share.
struct Calls {
    reach: Reach,
    tls: Tls,
    proxy: Option<Proxy>,
    permits: Semaphore,
}

impl Calls {
    async fn result(&self, call: OutboundCall, progress: &Progress) -> HttpResult {
        let time_max = call.time_max;
        match timeout(time_max, self.make(call, progress)).await {
            Ok(Ok(response)) => HttpResult::Response(response),
            Ok(Err(failure)) => progress.failed(&failure),
            Err(_) => progress.failed(&Failure::Time { time_max, doing: progress.stage().text() }),
        }
    }

    async fn make(&self, call: OutboundCall, progress: &Progress) -> Result<HttpResponse, Failure> {
        let target = Target::parse(&call.call.url)?;
        self.reach.check(&target)?;
        let request = request::request(call.call, &target)?;
        let config = if target.is_https { Some(self.tls.config(call.identity.as_ref())?) } else { None };
        let _permit = self.permits.acquire().await.map_err(|_| Failure::GivenUp)?;
        progress.reach(Stage::Connecting);
        let stream = self.connect(&target, call.time_max, progress).await?;
        let Some(config) = config else {
            return send(stream, request, &target, call.answer_bytes_max, progress).await;
        };
        progress.reach(Stage::Tls);
        let stream = self.tls.secure(config, &target, stream).await?;
        send(stream, request, &target, call.answer_bytes_max, progress).await
    }

    /// Opens a connection to the host, or a tunnel to it.
    async fn connect(&self, target: &Target, time_max: Duration, progress: &Progress) -> Result<Box<dyn Stream>, Failure> {
        match &self.proxy {
            Some(proxy) if target.is_https && !Reach::is_loopback(target) && proxy.is_for(target) => {
                let stream = async {
                    let permitted = Permitted::of_operator(connect::resolve(&proxy.host, proxy.port).await?);
                    connect::connect(&proxy.host, &permitted, time_max).await
                };
                let stream = stream.await.map_err(|failure| proxy.refused(target, failure.to_string()))?;
                progress.reach(Stage::Proxy);
                Ok(Box::new(proxy.tunnel(stream, target).await?))
            }
            _ => {
                let found = connect::resolve(&target.host, target.port).await?;
                let permitted = self.reach.permitted(target, found)?;
                Ok(Box::new(connect::connect(&target.host, &permitted, time_max).await?))
            }
        }
    }
}

/// A connection, direct or by a proxy.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn send<S: Stream>(
    stream: S,
    request: Request<Full<Bytes>>,
    target: &Target,
    bytes_max: usize,
    progress: &Progress,
) -> Result<HttpResponse, Failure> {
    exchange::exchange(RequestStream::new(stream, progress.clone()), request, &target.host, bytes_max).await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// The result of a call whose task fails at a stage.
    fn check(stage: Stage, expect: fn(String) -> HttpResult) {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (sender, receiver) = channel();
        let progress = Progress::new();
        let then = Box::new(move |result| sender.send(result).unwrap());
        let reply = Reply::new(then, progress.clone(), |progress| progress.failed(&Failure::GivenUp));
        runtime.spawn(async move {
            let _reply = reply;
            progress.reach(stage);
            panic!("a test panics here");
        });
        assert!(receiver.recv().unwrap() == expect(Failure::GivenUp.to_string()));
        assert!(receiver.recv().is_err());
    }

    #[test]
    fn a_call_whose_task_panics_has_a_result() {
        check(Stage::Waiting, HttpResult::NotSent);
        check(Stage::Tls, HttpResult::NotSent);
        check(Stage::Sent, HttpResult::Unknown);
    }

    #[test]
    fn what_was_sent_stays_sent() {
        let progress = Progress::new();
        progress.reach(Stage::Sent);
        progress.reach(Stage::Connecting);
        assert_eq!(progress.stage(), Stage::Sent);
    }
}
