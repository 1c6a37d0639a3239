//! Decides whether two callbacks are the same.

use domain::StoredCallback;
use sha2::{Digest, Sha256};

/// Returns the digest of what makes two callbacks the same.
pub fn digest(callback: &StoredCallback) -> [u8; 32] {
    let StoredCallback { provider, method, path, query, body, .. } = callback;
    let mut hash = Sha256::new();
    for part in [provider.as_bytes(), method.as_bytes(), query.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    // One without a path has the digest that it had before paths were stored.
    hash.update(path);
    hash.finalize().into()
}
