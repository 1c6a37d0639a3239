//! Downloads that are sent piece by piece.

use std::fs::File;
use std::io::Read;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Semaphore;
use tokio_stream::wrappers::ReceiverStream;

use crate::problem::Problem;

const PIECE_BYTES: usize = 64 << 10;
/// How many pieces wait for a slow reader, in addition to the one that is being sent.
const PIECES_WAITING_MAX: usize = 1;
/// How many pieces are made at once, over all downloads. Making a piece occupies a thread, and most threads are for callbacks.
const PIECES_MADE_MAX: usize = 4;

/// The characters that are encoded in a file name in a header (RFC 8187).
const ENCODED_IN_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

static MAKING: Semaphore = Semaphore::const_new(PIECES_MADE_MAX);

/// A piece of a download; `None` at its end.
pub type Chunk = std::io::Result<Option<Vec<u8>>>;

/// Sends a file under a name.
pub fn file(name: &str, file: File) -> Result<Response, Problem> {
    let length = file.metadata().map_err(|error| Problem::internal(error.to_string()))?.len();
    let mut file = file.take(length);
    let mut response = stream(name, move || {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    });
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    Ok(response)
}

/// Sends the pieces that `make` returns as a file with this name. A thread is occupied only while a piece is made, not while it
/// is sent. If making a piece fails, the connection is closed, so that nobody mistakes a part for the whole file.
pub fn stream(name: &str, make: impl FnMut() -> Chunk + Send + 'static) -> Response {
    let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(PIECES_WAITING_MAX);
    tokio::spawn(async move {
        let mut make = make;
        // Waits for room first, so that a piece is made only if it can be sent.
        while let Ok(room) = sender.reserve().await {
            let Ok(turn) = MAKING.acquire().await else { return };
            let made = tokio::task::spawn_blocking(move || {
                let piece = make();
                (make, piece)
            });
            let Ok((next, piece)) = made.await else { return room.send(Err(std::io::Error::other("making a piece failed"))) };
            drop(turn);
            make = next;
            match piece.transpose() {
                None => return,
                Some(Ok(piece)) => room.send(Ok(piece.into())),
                Some(Err(error)) => return room.send(Err(error)),
            }
        }
    });
    let content_type = match name.rsplit_once('.') {
        Some((_, "xml")) => "application/xml",
        Some((_, "csv")) => "text/csv; charset=utf-8",
        Some((_, "json")) => "application/json",
        Some((_, "zip")) => "application/zip",
        _ => "application/octet-stream",
    };
    let disposition = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, ENCODED_IN_NAME));
    let headers = [(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Hundreds of downloads that nobody reads occupy no thread, and of each no more pieces are made than wait to be sent.
    #[test]
    fn who_does_not_read_holds_no_thread() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).max_blocking_threads(2).enable_time().build();
        let runtime = runtime.unwrap();
        runtime.block_on(async {
            let made = Arc::new(AtomicUsize::new(0));
            let unread: Vec<Response> = (0..500)
                .map(|_| {
                    let made = made.clone();
                    stream("a.csv", move || {
                        made.fetch_add(1, Ordering::Relaxed);
                        Ok(Some(vec![0; 10]))
                    })
                })
                .collect();
            let work = tokio::time::timeout(Duration::from_secs(60), tokio::task::spawn_blocking(|| 7));
            assert_eq!(work.await.unwrap().unwrap(), 7);
            let whole = stream("b.csv", {
                let mut left = 3;
                move || {
                    left -= 1;
                    Ok((left >= 0).then(|| vec![b'x'; 2]))
                }
            });
            let body = axum::body::to_bytes(whole.into_body(), 100).await.unwrap();
            assert_eq!(body, "xxxxxx");
            assert!(made.load(Ordering::Relaxed) <= 500 * PIECES_WAITING_MAX);
            drop(unread);
        });
    }

    #[tokio::test]
    async fn a_name_is_told_whatever_its_characters_are() {
        let response = stream("Акт_1-2 \"*.csv", || Ok(None));
        let disposition = response.headers()[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert_eq!(disposition, "attachment; filename*=UTF-8''%D0%90%D0%BA%D1%82_1-2%20%22%2A.csv");
    }

    #[tokio::test]
    async fn a_part_is_not_taken_for_the_whole() {
        let mut first = true;
        let failing = stream("a.csv", move || {
            if std::mem::take(&mut first) { Ok(Some(vec![1])) } else { Err(std::io::Error::other("the disk")) }
        });
        assert!(axum::body::to_bytes(failing.into_body(), 100).await.is_err());
    }
}
