//! What comes for a payment system that takes no calls: its callbacks, and the pages of its orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use axum::extract::Request;
use ledger::RawCallback;
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::registry::Absent;
use crate::reply::Reply;
use crate::run::Peer;
use crate::{App, Shared, blocking, callbacks, now, removal};

/// The code under which the host counts callbacks of a component that is not loaded.
const NOT_LOADED: &str = "provider-not-loaded";
/// The same of a provider that was removed.
const REMOVED: &str = "provider-removed";
/// How many different callbacks of a removed provider are kept between two starts: anybody can send one.
const KEPT_MAX: usize = 1000;

type Digests = BTreeSet<[u8; 32]>;

/// Which callbacks of removed providers are kept already, by provider.
#[derive(Default)]
pub struct Callbacks(Mutex<BTreeMap<String, Digests>>);

/// Answers a callback of a provider that is not there: it hears 503, so that the payment system sends the callback again, and what
/// cannot be judged now may be judged later. Of a removed provider it is also kept, whole and once, and shown to the operator.
///
/// # Errors
/// Always: 503, or why the request cannot be read or kept.
pub async fn callback(app: &App, name: String, absent: Absent, peer: Peer, request: Request) -> Result<Reply, Problem> {
    let method = callbacks::method(request.method().clone()).await?;
    let address = app.guard.address(request.headers(), peer.0);
    app.guard.refused(address).inspect_err(|_| app.metrics.callback(&name, "limited"))?;
    let code = match absent {
        Absent::NotLoaded(_) => NOT_LOADED,
        Absent::Removed(_) => REMOVED,
    };
    app.refused.count(&name, code, now());
    app.metrics.callback(&name, code);
    if let Absent::Removed(_) = absent {
        let raw = callbacks::raw(&name, callbacks::read(method, address, request).await?);
        blocking(app, move |app| keep_once(app, raw)).await?;
    }
    Err(removal::unavailable())
}

/// Keeps a callback of a removed provider, unless the same was kept before.
fn keep_once(app: &Shared, raw: RawCallback) -> Result<(), Problem> {
    let mut kept = app.of_removed.0.lock().unwrap_or_else(PoisonError::into_inner);
    if !kept.contains_key(&raw.provider) {
        let before = app.ledger.last_callbacks(&raw.provider, crate::replay::CALLBACKS_MAX)?;
        kept.insert(raw.provider.clone(), before.iter().map(digest).collect());
    }
    let digests = kept.entry(raw.provider.clone()).or_default();
    let digest = digest(&raw);
    if digests.contains(&digest) {
        return Ok(());
    }
    if digests.len() >= KEPT_MAX + crate::replay::CALLBACKS_MAX as usize {
        tracing::error!(provider = raw.provider, "a callback of a removed provider is not kept: there are too many");
        return Ok(());
    }
    let message = format!(
        "It came after {} was removed, and nobody judged it: nothing was credited. If its payments are still due, add the payment \
         system again under this name; else tell it to send nothing here",
        raw.provider
    );
    tracing::warn!(provider = raw.provider, "a callback of a removed provider is kept for the operator");
    app.ledger.keep_unrecognized(raw, message)?;
    digests.insert(digest);
    Ok(())
}

/// What makes a callback the same one again.
fn digest(raw: &RawCallback) -> [u8; 32] {
    let parts = [raw.method.as_bytes(), raw.query.as_bytes(), &raw.body];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
