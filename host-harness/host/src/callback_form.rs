//! Callbacks in the form in which they are stored, and their digests.

use domain::{CallbackRequest, Description, ProviderName, StoredCallback};
use sha2::{Digest, Sha256};

/// The headers that are not stored with a callback, besides `proxy-…`: see `is_stored_header`.
const DROPPED_HEADERS: [&str; 8] =
    ["authorization", "cookie", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// Returns a callback in its stored form, in which card data is not masked yet.
pub fn raw(provider: &ProviderName, request: CallbackRequest) -> StoredCallback {
    StoredCallback {
        provider: provider.clone(),
        received_at: request.received_at,
        method: request.method.name().to_uppercase(),
        path: request.path,
        query: request.query,
        headers: request.headers.into_iter().filter(|(name, _)| is_stored_header(name)).collect(),
        body: request.body,
        remote_address: request.remote_address,
        is_masked: false,
    }
}

/// Reports whether a header is stored with its callback, for a replay. Credentials are not stored: they could be a secret of
/// this host, since its pages and its API use cookies and a token. Hop-by-hop headers are of no use later. A provider that
/// verifies by `authorization` refuses its callback in a replay.
fn is_stored_header(name: &str) -> bool {
    !DROPPED_HEADERS.contains(&name) && !name.starts_with("proxy-")
}

/// Returns the digest of all that a component may read in a request, but for its time: equal for equal callbacks.
pub fn digest(request: &CallbackRequest, description: &Description) -> [u8; 32] {
    let CallbackRequest { method, path, query, headers, body, remote_address, received_at: _ } = request;
    let is_read = |name: &str| description.headers.iter().any(|header| header.name == name);
    let headers =
        headers.iter().filter(|(name, _)| is_read(name)).flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    let parts = [method.name().as_bytes(), path.as_bytes(), query.as_bytes(), remote_address.as_bytes(), body];
    let mut digest = Sha256::new();
    for part in parts.into_iter().chain(headers) {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use domain::{Fields, HttpMethod, OrderIdForm, RequestHeader};

    use super::*;

    #[test]
    fn what_a_component_does_not_read_makes_no_difference() {
        let description = Description {
            id: "pay".to_owned(),
            name: "Pay".to_owned(),
            version: "1.0.0".to_owned(),
            settings: Vec::new(),
            currencies: Vec::new(),
            export_formats: Vec::new(),
            links: true,
            order_id: OrderIdForm { chars_max: 64, digits_only: false },
            hosts: Vec::new(),
            headers: vec![RequestHeader { name: "x-shop".to_owned(), secret: false }],
            extra: Fields::new(),
        };
        let headers = |pairs: &[(&str, &str)]| -> Fields {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let first = CallbackRequest { headers: headers(&[("x-shop", "1"), ("date", "a")]), ..CallbackRequest::post("a=1") };
        let is_equal = |other: CallbackRequest| digest(&other, &description) == digest(&first, &description);
        let own = || first.clone();
        assert!(is_equal(CallbackRequest { received_at: 7, ..own() }));
        assert!(is_equal(CallbackRequest { headers: headers(&[("date", "b"), ("x-shop", "1")]), ..own() }));
        for other in [
            CallbackRequest { headers: headers(&[("x-shop", "2")]), ..own() },
            CallbackRequest { headers: headers(&[]), ..own() },
            CallbackRequest { method: HttpMethod::Put, ..own() },
            CallbackRequest { path: "/a".to_owned(), ..own() },
            CallbackRequest { query: "a=1".to_owned(), ..own() },
            CallbackRequest { remote_address: "203.0.113.7".to_owned(), ..own() },
            CallbackRequest { body: b"a=2".to_vec(), ..own() },
            CallbackRequest { query: "a=1".to_owned(), body: Vec::new(), ..own() },
        ] {
            assert!(!is_equal(other));
        }
    }
}
