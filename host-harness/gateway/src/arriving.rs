//! A request's body with a time limit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connections::{Connection, Phase};
use crate::problem::BodyTimedOut;

/// How long a body may take to arrive, and how many received bytes extend that by a second: a file over a slow line arrives
/// steadily, and a client that sends a byte now and then is disconnected.
const TIME_MAX: Duration = Duration::from_secs(10);
const BYTES_OF_SECOND: u64 = 16 << 10;

/// The body of a request. Until it has arrived, its connection may be dropped for another one.
pub struct Arriving {
    body: Incoming,
    connection: Arc<Connection>,
    began: Instant,
    bytes: u64,
    /// `None` until the body must be waited for: most bodies arrive with their head.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    pub fn new(body: Incoming, connection: Arc<Connection>) -> Arriving {
        if body.is_end_stream() {
            connection.enter(Phase::Busy);
        }
        Arriving { body, connection, began: Instant::now(), bytes: 0, timer: None }
    }

    fn deadline(&self) -> Instant {
        self.began + TIME_MAX + Duration::from_secs(self.bytes / BYTES_OF_SECOND)
    }

    /// Completes when the body's time limit is exceeded.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let deadline = self.deadline();
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            ready!(timer.as_mut().poll(context));
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    self.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
                }
                if frame.is_none() || self.body.is_end_stream() {
                    self.connection.enter(Phase::Busy);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                ready!(self.poll_late(context));
                Poll::Ready(Some(Err(BodyTimedOut.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
