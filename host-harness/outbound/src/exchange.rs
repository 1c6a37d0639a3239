//! One request and its answer over a connection.

use std::io::Read;
use std::pin::pin;

use bytes::Bytes;
use domain::HttpResponse;
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::Builder;
use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderName, TRANSFER_ENCODING};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Host;

use crate::failure::{Failure, head_too_long, of_http};
use crate::limits;

/// Sends a request, once, and reads its answer.
pub async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    host: &Host<String>,
    bytes_max: usize,
) -> Result<HttpResponse, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let failed = |error: hyper::Error| Failure::Answer { host: host.to_string(), problem: of_http(&error) };
    let (mut sender, connection) = builder().handshake(TokioIo::new(stream)).await.map_err(failed)?;
    driven(connection, async {
        let response = sender.send_request(request).await.map_err(failed)?;
        read(response, host, bytes_max).await
    })
    .await
}

/// The settings of every connection.
pub fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.max_buf_size(limits::HEAD_BYTES_MAX).max_headers(limits::HEADERS_MAX);
    builder
}

/// Runs a connection until what uses it is done. Both are one task: when it ends, nothing is written any more.
pub async fn driven<C: Future, W: Future>(connection: C, work: W) -> W::Output {
    let (connection, mut work) = (pin!(connection), pin!(work));
    tokio::select! {
        // The work comes first: a connection that fails gives its error to a request that waits, and to none that comes later.
        biased;
        output = &mut work => output,
        _ = connection => work.await,
    }
}

/// Reads an answer, whose body is at most so many bytes when it is decoded. Headers are in the order received, those of one name
/// together: the order of different names means nothing (RFC 9110, 5.3).
async fn read(response: Response<Incoming>, host: &Host<String>, bytes_max: usize) -> Result<HttpResponse, Failure> {
    let (head, mut incoming) = response.into_parts();
    // The HTTP library ends only heads that are not whole when its buffer is full, and a last read may have filled it beyond that.
    let head_bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if head_bytes > limits::HEAD_BYTES_MAX {
        return Err(Failure::Answer { host: host.to_string(), problem: head_too_long() });
    }
    let is_gzip = is_gzip(&head.headers, incoming.is_end_stream()).ok_or_else(|| Failure::Coding { host: host.to_string() })?;
    let too_long = || Failure::TooLong { host: host.to_string(), bytes_max };
    let received_max = if is_gzip { bytes_max.saturating_add(limits::CODING_BYTES_MAX) } else { bytes_max };
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| Failure::Answer { host: host.to_string(), problem: of_http(&error) })?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > received_max - body.len() {
            return Err(too_long());
        }
        body.extend_from_slice(&data);
    }
    if is_gzip && !body.is_empty() {
        body = decode(&body, bytes_max).map_err(|_| Failure::Undecodable { host: host.to_string() })?;
    }
    if body.len() > bytes_max {
        return Err(too_long());
    }
    let headers = head.headers.iter().map(|(name, value)| {
        let value = value.as_bytes().iter().copied().map(char::from).collect();
        (name.as_str().to_owned(), value)
    });
    Ok(HttpResponse { status: head.status.as_u16(), headers: headers.collect(), body })
}

/// Decodes until the end, or until one byte more than is allowed.
fn decode(body: &[u8], bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    let bytes_max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    MultiGzDecoder::new(body).take(bytes_max.saturating_add(1)).read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// Returns whether a body is to be decoded, or none if it cannot be.
fn is_gzip(headers: &HeaderMap, is_empty: bool) -> Option<bool> {
    let listed = |name: HeaderName| {
        let values = headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let codings = values.map(|coding| coding.trim_ascii().to_ascii_lowercase());
        codings.filter(|coding| !coding.is_empty() && coding != b"identity").collect::<Vec<_>>()
    };
    // The HTTP library decodes chunks, and no other coding of a transfer.
    if listed(TRANSFER_ENCODING).iter().any(|coding| coding != b"chunked") {
        return None;
    }
    match listed(CONTENT_ENCODING).as_slice() {
        _ if is_empty => Some(false),
        [] => Some(false),
        [coding] if coding == b"gzip" || coding == b"x-gzip" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_request_waits_before_its_connection_can_fail() {
        // An order by chance would be this one 64 times only once in a very long time.
        for _ in 0..64 {
            let is_waiting = AtomicBool::new(false);
            let connection = async { assert!(is_waiting.load(Ordering::Relaxed)) };
            let work = poll_fn(|_| if is_waiting.swap(true, Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending });
            driven(connection, work).await;
        }
    }
}
