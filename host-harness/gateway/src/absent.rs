//! What comes for a payment system that takes no calls: its callbacks, and the pages of its orders.

use axum::extract::Request;
use domain::{Keeping, RawCallback};

use crate::card_data::CardData;
use crate::problem::Problem;
use crate::registry::Absent;
use crate::reply::Reply;
use crate::run::Peer;
use crate::{App, Shared, blocking, callbacks, now, removal};

/// The code under which the host counts callbacks of a component that is not loaded.
const NOT_LOADED: &str = "provider-not-loaded";
/// The same of a provider that was removed.
const REMOVED: &str = "provider-removed";

/// Answers a callback of a provider that is not there: it hears 503, so that the payment system sends the callback again, and what
/// cannot be judged now may be judged later. Of a removed provider it is also kept, whole and once, and shown to the operator.
///
/// # Errors
/// Always: 503, or why the request cannot be read or kept.
pub async fn callback(app: &App, name: String, absent: Absent, peer: Peer, request: Request) -> Result<Reply, Problem> {
    let method = callbacks::method(request.method().clone()).await?;
    let address = app.guard.address(request.headers(), peer.0);
    callbacks::require_source(app, &name, address)?;
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

/// Keeps a callback of a removed provider, unless the same was kept before, or too many wait.
fn keep_once(app: &Shared, mut raw: RawCallback) -> Result<(), Problem> {
    // Which of its fields decide, nobody knows any more: what looks like a card number is none of them.
    CardData::default().mask_callback(&mut raw);
    let provider = raw.provider.clone();
    let message = format!(
        "It came after {provider} was removed, and nobody judged it: nothing was credited. If its payments are still due, add the \
         payment system again under this name; else tell it to send nothing here"
    );
    if callbacks::keep_unproved(app, raw, REMOVED, message)? == Keeping::Kept {
        tracing::warn!(provider, "a callback of a removed provider is kept for the operator");
    }
    Ok(())
}
