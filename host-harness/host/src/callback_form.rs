//! Callbacks in the form in which they are stored, and their digests.

use domain::{CallbackRequest, Description, Fields, HttpMethod, ProviderName, StoredCallback};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::sealing::Key;

/// The headers that are not stored with a callback, besides `proxy-…`: see `is_stored_header`.
const DROPPED_HEADERS: [&str; 8] =
    ["authorization", "cookie", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
/// The one of these by which a payment system may prove itself.
const CREDENTIALS: &str = "authorization";

/// A secret header, as it is sealed: its place among the headers that are stored, its name and its value.
#[derive(Serialize, Deserialize)]
struct SecretHeader(usize, String, String);

/// A stored callback as a request, to be judged again.
pub struct Reopened {
    pub request: CallbackRequest,
    /// Whether its secret headers are missing, since they were sealed with another key.
    pub lacks_headers: bool,
}

/// Returns a callback in its stored form, in which card data is not masked yet. The secret headers that its component reads are
/// sealed. Without a component's description nobody knows which headers are secret, and all of them are sealed.
pub fn raw(provider: &ProviderName, request: CallbackRequest, description: Option<&Description>, key: &Key) -> StoredCallback {
    let CallbackRequest { method, path, query, headers, body, remote_address, received_at } = request;
    let (headers, secret) = divided(headers, description);
    StoredCallback {
        provider: provider.clone(),
        received_at,
        method: method.name().to_uppercase(),
        path,
        query,
        headers,
        sealed_headers: sealed(provider, &secret, key),
        body,
        remote_address,
        is_masked: false,
    }
}

/// Divides the headers that are stored into those that are not secret, and the secret ones.
fn divided(headers: Fields, description: Option<&Description>) -> (Fields, Vec<SecretHeader>) {
    let of = |name: &str| description.and_then(|description| description.headers.iter().find(|header| header.name == name));
    let is_kept = |name: &str| is_stored_header(name) || of(name).is_some() || (description.is_none() && name == CREDENTIALS);
    let is_secret =
        |name: &str| description.is_none() || !is_stored_header(name) || of(name).is_some_and(|header| header.secret);
    let (mut open, mut secret) = (Fields::new(), Vec::new());
    for (at, (name, value)) in headers.into_iter().filter(|(name, _)| is_kept(name)).enumerate() {
        if is_secret(&name) {
            secret.push(SecretHeader(at, name, value));
        } else {
            open.push((name, value));
        }
    }
    (open, secret)
}

/// Reports whether a header is stored whatever its component reads. Credentials are not: they could be a secret of this host, since
/// its pages and its API use cookies and a token. Hop-by-hop headers are of no use later.
fn is_stored_header(name: &str) -> bool {
    !DROPPED_HEADERS.contains(&name) && !name.starts_with("proxy-")
}

/// The purpose for which a provider's headers are sealed: those of another one cannot be put in their place.
fn purpose(provider: &ProviderName) -> String {
    format!("callback-headers/{provider}")
}

fn sealed(provider: &ProviderName, headers: &[SecretHeader], key: &Key) -> Vec<u8> {
    if headers.is_empty() {
        return Vec::new();
    }
    // Names and values always serialize to JSON.
    let plain = Zeroizing::new(serde_json::to_vec(headers).unwrap_or_default());
    key.seal(&purpose(provider), &plain).unwrap_or_else(|error| {
        tracing::error!(provider = provider.as_str(), %error, "the secret headers of a callback cannot be sealed, and are not stored");
        Vec::new()
    })
}

/// Converts a stored callback back into a request, with its secret headers if the key opens them.
pub fn reopened(stored: &StoredCallback, key: &Key) -> Reopened {
    let mut headers = stored.headers.clone();
    let opened = key.open(&purpose(&stored.provider), &stored.sealed_headers);
    let secret = opened.and_then(|plain| serde_json::from_slice::<Vec<SecretHeader>>(&plain).ok());
    let lacks_headers = !stored.sealed_headers.is_empty() && secret.is_none();
    for SecretHeader(at, name, value) in secret.unwrap_or_default() {
        headers.insert(at.min(headers.len()), (name, value));
    }
    let request = CallbackRequest {
        method: HttpMethod::from_name(&stored.method.to_lowercase()).unwrap_or(HttpMethod::Post),
        path: stored.path.clone(),
        query: stored.query.clone(),
        headers,
        body: stored.body.clone(),
        remote_address: stored.remote_address.clone(),
        received_at: stored.received_at,
    };
    Reopened { request, lacks_headers }
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
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]
mod tests {
    use domain::RequestHeader;

    use super::*;
    use crate::test_description::test_description;

    fn reads(headers: &[(&str, bool)]) -> Description {
        Description {
            headers: headers.iter().map(|(name, secret)| RequestHeader { name: (*name).to_owned(), secret: *secret }).collect(),
            ..test_description()
        }
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn secret_headers_are_sealed_and_come_back_in_their_places() {
        let key = Key::parse(&"ab".repeat(32)).unwrap();
        let all = [
            ("authorization", "Basic YTpi"),
            ("x-key", "first"),
            ("date", "today"),
            ("cookie", "session=1"),
            ("x-key", "second"),
            ("te", "trailers"),
            ("proxy-authorization", "Basic Yzpk"),
            ("x-shop", "17"),
        ];
        let request = CallbackRequest { headers: fields(&all), ..CallbackRequest::post("a=1") };
        let provider: ProviderName = "pay".parse().unwrap();
        let plain = [("date", "today"), ("x-shop", "17")];
        for (read, open, back) in [
            (
                Some(reads(&[("x-shop", false)])),
                &[&all[1], &all[2], &all[4], &all[7]][..],
                &[&all[1], &all[2], &all[4], &all[7]][..],
            ),
            (Some(reads(&[("x-key", true)])), &[&plain[0], &plain[1]], &[&all[1], &all[2], &all[4], &all[7]]),
            // What could be a secret of the host is one, whatever the component says of it.
            (
                Some(reads(&[("x-key", true), ("authorization", false)])),
                &[&plain[0], &plain[1]],
                &[&all[0], &all[1], &all[2], &all[4], &all[7]],
            ),
            (None, &[], &[&all[0], &all[1], &all[2], &all[4], &all[7]]),
        ] {
            let stored = raw(&provider, request.clone(), read.as_ref(), &key);
            let owned = |pairs: &[&(&str, &str)]| fields(&pairs.iter().map(|pair| **pair).collect::<Vec<_>>());
            assert_eq!(stored.headers, owned(open), "{read:?}");
            for secret in ["first", "second", "YTpi"].iter().filter(|_| open.len() < 4) {
                assert!(!format!("{stored:?}").contains(secret));
                assert!(!stored.sealed_headers.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()));
            }
            let again = reopened(&stored, &key);
            assert_eq!((again.request.headers, again.lacks_headers), (owned(back), false), "{read:?}");
            assert_eq!((again.request.body, again.request.method), (request.body.clone(), request.method));
            // Another key, another provider: the callback comes back without them.
            let moved = StoredCallback { provider: "other".parse().unwrap(), ..stored.clone() };
            let other = Key::parse(&"ac".repeat(32)).unwrap();
            for again in [reopened(&stored, &other), reopened(&moved, &key)] {
                let is_sealed = !stored.sealed_headers.is_empty();
                assert_eq!((again.request.headers, again.lacks_headers), (owned(open), is_sealed), "{read:?}");
            }
        }
    }

    #[test]
    fn what_a_component_does_not_read_makes_no_difference() {
        let description = reads(&[("x-shop", false)]);
        let headers = fields;
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
