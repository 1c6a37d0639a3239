//! What people decide about a payment system: that it takes no new orders for a while, that it takes them again, or that it is out
//! of use.

use std::sync::{Arc, PoisonError};

use axum::http::StatusCode;
use catalog::{Catalog, Version};
use domain::OpenOrders;
use ledger::Ledger;

use crate::problem::Problem;
use crate::providers::Slot;
use crate::registry::{Absent, NotLoaded, RETRY_SECONDS};
use crate::roster::{Decision, Record, Removal, Roster};
use crate::stored_settings::Found;
use crate::{Shared, now, swap};

/// Orders that are younger may well be paid yet: a week.
pub const RECENT_SECONDS: u64 = 7 * 24 * 3600;

/// Lets a payment system take no new orders, or take them again. Callbacks are taken as before.
pub fn set_paused(app: &Shared, name: &str, is_paused: bool, by: String) -> Result<(), Problem> {
    let _swapping = app.swapping.lock().unwrap_or_else(PoisonError::into_inner);
    if !matches!(app.providers.absent(name), Some(Absent::NotLoaded(_))) {
        app.providers.get(name)?;
    }
    let paused = is_paused.then(|| Decision { by: by.clone(), at: now() });
    app.roster.change(&app.ledger, name, |record| {
        // Who paused it first is who is asked about it.
        if record.paused.is_some() != is_paused {
            record.paused = paused;
        }
    })?;
    if let Some(slot) = app.providers.find(name) {
        slot.set_paused(app.roster.get(name).and_then(|record| record.paused));
    }
    tracing::info!(
        operator = by,
        provider = name,
        paused = is_paused,
        "an operator decides whether a provider takes new orders"
    );
    Ok(())
}

/// How many orders wait for a payment by a payment system: all, and those of the last week.
pub fn open_orders(app: &Shared, name: &str) -> Result<OpenOrders, Problem> {
    Ok(app.ledger.open_orders(name, now().saturating_sub(RECENT_SECONDS))?)
}

/// Why a payment system is not removed.
pub enum RemovalError {
    /// Orders are open, and nobody confirmed that it is removed all the same.
    OpenOrders(OpenOrders),
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for RemovalError {
    fn from(error: E) -> RemovalError {
        RemovalError::Failed(error.into())
    }
}

/// Takes a payment system out of use: out of the lock, with its components. Its settings stay sealed, and come back if the same
/// component is added again. While orders are open it must be confirmed. A crash in between leaves the decision, which the next start carries out.
pub fn remove(app: &Shared, name: &str, is_confirmed: bool, by: String) -> Result<(), RemovalError> {
    let _swapping = app.swapping.lock().unwrap_or_else(PoisonError::into_inner);
    if !matches!(app.providers.absent(name), Some(Absent::NotLoaded(_))) {
        app.providers.get(name)?;
    }
    let open = open_orders(app, name)?;
    if open.all > 0 && !is_confirmed {
        return Err(RemovalError::OpenOrders(open));
    }
    let lock = swap::lock_of_what_is_used(app)?;
    set_apart(app, name)?;
    let removal = |done| Removal { decision: Decision { by: by.clone(), at: now() }, done };
    app.roster.change(&app.ledger, name, |record| record.removed = Some(removal(false)))?;
    if lock.contains_key(name)
        && let Err(error) = app.catalog.remove(name)
    {
        // It stays in use, and so it does at the next start.
        app.roster.change(&app.ledger, name, |record| record.removed = None)?;
        return Err(error.into());
    }
    app.providers.set_absent(name, Absent::Removed(app.roster.get(name).unwrap_or_default()));
    app.roster.change(&app.ledger, name, |record| record.removed = Some(removal(true)))?;
    tracing::warn!(operator = by, provider = name, open_orders = open.all, "an operator removed a provider");
    Ok(())
}

/// Whoever may remove and add must not hand the secrets of one component to another.
fn set_apart(app: &Shared, name: &str) -> Result<(), Problem> {
    if let Found::Settings(mut stored) = Found::load(name, &app.ledger, &app.config.key)? {
        stored.set_apart();
        stored.save(name, &app.ledger, &app.config.key)?;
    }
    Ok(())
}

/// Carries out a removal that a crash cut off; a name that somebody put back into the lock after its removal is in use again.
/// Whether the name is to be loaded.
pub fn settle(roster: &Roster, ledger: &Ledger, catalog: &Catalog, name: &str) -> Result<bool, Problem> {
    match roster.get(name).and_then(|record| record.removed) {
        None => Ok(true),
        Some(Removal { done: true, .. }) => {
            tracing::warn!(provider = name, "a provider that was removed is in the lock file again, and in use");
            roster.change(ledger, name, |record| record.removed = None)?;
            Ok(true)
        }
        Some(removal) => {
            catalog.remove(name)?;
            roster.change(ledger, name, |record| record.removed = Some(Removal { done: true, ..removal }))?;
            Ok(false)
        }
    }
}

/// Refuses new orders of a payment system that is paused.
pub fn require_offered(slot: &Slot) -> Result<(), Problem> {
    match slot.paused() {
        None => Ok(()),
        Some(Decision { by, .. }) => {
            let detail = format!(
                "{} takes no new orders: {by} paused it; use another provider, or let it take orders again by \
                 POST /api/v1/providers/{}/resume",
                slot.name, slot.name
            );
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
    }
}

/// A payment system that payers may choose.
///
/// # Errors
/// What a payer hears of one that is paused, removed or out of order.
pub fn offered(app: &Shared, name: &str) -> Result<Arc<Slot>, Problem> {
    app.providers.find(name).filter(|slot| slot.is_offered()).ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "this payment method takes no payments now; choose another one in the cabinet, or come back later",
        )
        .in_russian("Этот способ оплаты сейчас недоступен. Выберите в личном кабинете другой или попробуйте позже.")
    })
}

/// A payment system that the ledger knows and that could not be loaded.
pub fn not_loaded(record: Option<Record>, locked: Option<Version>, why: String) -> Absent {
    let record = record.unwrap_or_default();
    Absent::NotLoaded(NotLoaded { locked: locked.or(record.current), title: record.title, why })
}

/// What a caller hears of a payment system that takes no calls.
pub fn unavailable() -> Problem {
    let detail = "callbacks are not taken now; send it again later";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_retry_after(RETRY_SECONDS)
}
