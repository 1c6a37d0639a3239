//! Callbacks in the form in which they are stored.

use domain::{CallbackRequest, ProviderName, StoredCallback};

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
