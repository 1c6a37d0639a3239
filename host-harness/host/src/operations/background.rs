//! Goes on with what waits: operations whose time has come, questions about unpaid orders, and what a refund settles.

use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use domain::{Event, LastTry, OperationId, OrderId, Progress};

use super::retry::retry_after;
use crate::error::HostError;
use crate::host::{Host, Inner};

const INTERVAL: Duration = Duration::from_secs(1);
/// How many operations, and how many orders, are taken up in an interval.
const BATCH: u32 = 16;
/// How many of them go on at once. Each may wait for its payment system.
const THREADS: usize = 4;

/// What waits.
enum Due {
    Operation(OperationId),
    Order(OrderId),
    /// A refund that was told, which may settle what waits about its payment.
    Refund(Box<Event>),
}

/// Goes on with what waits, until the host is dropped.
pub(crate) fn background(host: &Weak<Inner>) {
    if let Some(inner) = host.upgrade() {
        Host(inner).end_paid_charges();
    }
    loop {
        std::thread::sleep(INTERVAL);
        let Some(inner) = host.upgrade() else { return };
        Host(inner).go_on_with_due();
    }
}

impl Host {
    /// Ends the charges whose orders are paid, and which an older program left open.
    fn end_paid_charges(&self) {
        match self.0.ledger.end_paid_charges(self.now()) {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "charges were open although their orders are paid; they are done now"),
            Err(error) => tracing::error!(%error, "charges of paid orders cannot be ended; it is tried at the next start"),
        }
    }

    /// Goes on with the operations whose time has come, asks about the unpaid orders whose time has come, and looks again at the
    /// callbacks that the refunds told since may settle. A host does so by itself every second. Returns when each of them has ended or
    /// waits again.
    pub fn go_on_with_due(&self) {
        let due = Mutex::new(self.due());
        let next = || due.lock().unwrap_or_else(PoisonError::into_inner).pop();
        std::thread::scope(|scope| {
            let waiting = due.lock().map_or(0, |due| due.len());
            for _ in 0..waiting.min(THREADS) {
                scope.spawn(|| {
                    while let Some(due) = next() {
                        self.go_on_with(&due);
                    }
                });
            }
        });
    }

    /// Returns what waits, the first to go on with at the end.
    fn due(&self) -> Vec<Due> {
        let (ledger, now) = (&self.0.ledger, self.now());
        let operations = ledger.due_operations(now, BATCH).unwrap_or_else(|error| {
            tracing::error!(%error, "operations that wait cannot be read; it is tried again");
            Vec::new()
        });
        let orders = ledger.orders_to_ask(now, BATCH).unwrap_or_else(|error| {
            tracing::error!(%error, "unpaid orders cannot be read; it is tried again");
            Vec::new()
        });
        let orders = orders.into_iter().map(|asked| Due::Order(asked.order.id));
        let refunds = self.0.told_refunds.take().into_iter().map(|refund| Due::Refund(Box::new(refund)));
        refunds.chain(orders).chain(operations.into_iter().map(|due| Due::Operation(due.operation.id))).collect()
    }

    fn go_on_with(&self, due: &Due) {
        match due {
            Due::Order(order) => self.ask_by_schedule(order),
            Due::Refund(refund) => self.look_after_told_refund(refund),
            Due::Operation(id) => {
                let Err(error) = self.go_on(id) else { return };
                tracing::warn!(operation = id.as_str(), error = error.message, "an operation cannot go on now");
                if let Err(error) = self.put_off(id, error.message) {
                    tracing::error!(operation = id.as_str(), error = error.message, "an operation cannot be put off");
                }
            }
        }
    }

    /// Puts an operation off that cannot go on now, such as while its provider is not loaded. Does nothing if it goes on already, by
    /// whoever asked for that: its journal is another one then.
    fn put_off(&self, id: &OperationId, message: String) -> Result<(), HostError> {
        let Some(_lease) = self.0.running.lease(id) else { return Ok(()) };
        let Some(due) = self.0.ledger.operation_to_continue(id)? else { return Ok(()) };
        let tries = due.operation.tries.saturating_add(1);
        let next_at = Some(retry_after(due.operation.tries, self.now()));
        let last_try = Some(LastTry { at: self.now(), call: None, message });
        let (reference, is_sent) = (due.operation.reference, due.operation.is_sent);
        let progress = Progress { journal: due.journal, reference, next_at, tries, is_sent, last_try };
        // It may have ended meanwhile, and then nothing is stored.
        self.0.ledger.save_progress(id.clone(), progress)?.or(Ok(()))
    }
}
