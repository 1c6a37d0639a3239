//! The operations that are going on in this process: no two threads go on with one at a time.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::OperationId;

/// How long a payer waits for a link that is being made for the same order. All calls for a result take less.
const LEASE_TIME_MAX: Duration = Duration::from_secs(25);

/// The operations that are going on in this process, so that none goes on twice at a time.
#[derive(Default)]
pub struct RunningOperations {
    ids: Mutex<HashSet<OperationId>>,
    /// Notified when one of them has gone on as far as it comes.
    ended: Condvar,
}

/// The right to go on with an operation.
pub struct OperationLease<'r> {
    running: &'r RunningOperations,
    id: OperationId,
}

impl RunningOperations {
    /// Returns the right to go on with an operation; `None` if somebody else has it.
    pub fn lease(&self, id: &OperationId) -> Option<OperationLease<'_>> {
        self.ids().insert(id.clone()).then(|| OperationLease { running: self, id: id.clone() })
    }

    /// Waits for the right to go on with an operation; `None` if somebody else has it for too long.
    pub fn wait_for_lease(&self, id: &OperationId) -> Option<OperationLease<'_>> {
        let is_running = |ids: &mut HashSet<OperationId>| ids.contains(id);
        let waited = self.ended.wait_timeout_while(self.ids(), LEASE_TIME_MAX, is_running);
        let (mut ids, _) = waited.unwrap_or_else(PoisonError::into_inner);
        ids.insert(id.clone()).then(|| OperationLease { running: self, id: id.clone() })
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<OperationId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OperationLease<'_> {
    fn drop(&mut self) {
        self.running.ids().remove(&self.id);
        self.running.ended.notify_all();
    }
}
