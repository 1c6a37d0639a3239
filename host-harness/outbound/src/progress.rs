//! How far a call got, which decides alone whether it may have had its effect.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use domain::HttpResult;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::failure::Failure;

/// What a call is doing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// It waits for one of the permits.
    Waiting,
    /// The name is resolved, or an address connected to.
    Connecting,
    /// The proxy is asked for a connection.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// A byte of the request may have left.
    Sent,
}

impl Stage {
    /// Says what the call is doing, after "while".
    pub fn text(self) -> &'static str {
        match self {
            Stage::Waiting => "it waited for other calls to end",
            Stage::Connecting => "its host's name was resolved or its connection was opened",
            Stage::Proxy => "the proxy opened the connection",
            Stage::Tls => "TLS was agreed upon",
            Stage::Sent => "the answer was awaited",
        }
    }
}

/// The stage of one call, which its task, its connection and its reply share.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Mutex<Stage>>);

impl Progress {
    /// The progress of a call that waits.
    pub fn new() -> Progress {
        Progress(Arc::new(Mutex::new(Stage::Waiting)))
    }

    /// The call comes to a stage. It never comes back to an earlier one.
    pub fn reach(&self, stage: Stage) {
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *reached = stage.max(*reached);
    }

    /// Returns the stage.
    pub fn stage(&self) -> Stage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of a call that failed at this stage.
    pub fn failed(&self, failure: &Failure) -> HttpResult {
        match self.stage() {
            Stage::Sent => HttpResult::Unknown(failure.to_string()),
            _ => HttpResult::NotSent(failure.to_string()),
        }
    }
}

/// The connection that a request is written to: what is below TLS does not pass here.
pub struct RequestStream<S> {
    stream: S,
    progress: Progress,
}

impl<S> RequestStream<S> {
    /// Watches a stream for the first byte that is written.
    pub fn new(stream: S, progress: Progress) -> RequestStream<S> {
        RequestStream { stream, progress }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RequestStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Before it is tried: a write that fails may have sent something.
        self.progress.reach(Stage::Sent);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RequestStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
