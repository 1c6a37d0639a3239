//! From a component's call to a request.

use bytes::Bytes;
use domain::HttpCall;
use http_body_util::Full;
use hyper::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};

use crate::failure::Failure;
use crate::target::Target;

/// Headers that say where a message begins and ends, or what is between this client and the next machine. Those of proxies are too.
const RESERVED: [&str; 9] =
    ["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// Makes the request.
pub fn request(call: HttpCall, target: &Target) -> Result<Request<Full<Bytes>>, Failure> {
    let name = call.method.name().to_ascii_uppercase();
    let method = Method::from_bytes(name.as_bytes()).map_err(|_| Failure::Method)?;
    let mut headers = HeaderMap::new();
    headers.insert(HOST, target.authority.clone());
    for (index, (name, value)) in call.headers.iter().enumerate() {
        let (name, value) = header(name, value, index + 1)?;
        headers.try_append(name, value).map_err(|_| Failure::Headers)?;
    }
    if !headers.contains_key(ACCEPT_ENCODING) {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // A connection has one request, so that none is ever sent a second time because an old connection turned out to be closed.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if !call.body.is_empty() || method != Method::GET {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(call.body.len()));
    }
    let mut request = Request::new(Full::new(Bytes::from(call.body)));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(target.path_and_query.clone());
    *request.headers_mut() = headers;
    Ok(request)
}

fn header(name: &str, value: &str, number: usize) -> Result<(HeaderName, HeaderValue), Failure> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Failure::Header(number))?;
    if let Some(reserved) = RESERVED.into_iter().find(|reserved| name == *reserved) {
        return Err(Failure::ReservedHeader(reserved));
    }
    if name.as_str().starts_with("proxy-") {
        return Err(Failure::ReservedHeader("proxy-…"));
    }
    if name == ACCEPT_ENCODING && !value.split(',').all(is_decoded) {
        return Err(Failure::AcceptEncoding);
    }
    let bytes = value.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>().map_err(|_| Failure::Header(number))?;
    let value = HeaderValue::from_bytes(&bytes).map_err(|_| Failure::Header(number))?;
    Ok((name, value))
}

/// Whether an item of `accept-encoding` is a coding that an answer may have.
fn is_decoded(item: &str) -> bool {
    let coding = item.split(';').next().unwrap_or_default().trim();
    ["", "gzip", "x-gzip", "identity"].iter().any(|known| coding.eq_ignore_ascii_case(known))
}
