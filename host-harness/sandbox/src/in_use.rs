//! The compiled components that are in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::component::CompiledComponent;
use crate::contract::Contract;

/// The compiled components that are in use, by their SHA-256. A component that is loaded again meanwhile is not compiled again.
#[derive(Default)]
pub(crate) struct InUse(Mutex<HashMap<String, Entry>>);

struct Entry {
    component: Weak<CompiledComponent>,
    contract: &'static dyn Contract,
}

impl InUse {
    /// Returns the component with this SHA-256, and its contract.
    pub(crate) fn get(&self, sha256: &str) -> Option<(Arc<CompiledComponent>, &'static dyn Contract)> {
        let components = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = components.get(sha256)?;
        Some((entry.component.upgrade()?, entry.contract))
    }

    pub(crate) fn insert(&self, component: &Arc<CompiledComponent>, contract: &'static dyn Contract) {
        let mut components = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        components.retain(|_, entry| entry.component.strong_count() > 0);
        components.insert(component.sha256.clone(), Entry { component: Arc::downgrade(component), contract });
    }
}
