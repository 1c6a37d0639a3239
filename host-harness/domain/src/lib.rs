//! What the host speaks of. Each noun is here once: the ledger keeps it, the sandbox passes it to components, pages and the API show it.
//!
//! Values alone: no clock, no thread, no HTTP, no SQL and nothing of WebAssembly.

mod account;
mod amount;
mod callback;
mod check;
mod date;
mod decision;
mod entry;
mod event;
mod names;
mod order;
mod statistics;
mod unmatched;
mod writeoff;

pub use account::{Account, AccountRefusal, Fault, PartyKind};
pub use amount::{Balance, Money};
pub use callback::{Acknowledged, Attention, CallbackCounts, Contradiction, Keeping, RawCallback, Refusals, Unrecognized};
pub use check::{Finding, FindingCode};
pub use date::Date;
pub use decision::{Decided, Decision, DecisionKind, NewDecision, UndoRefusal};
pub use entry::{Correction, CorrectionRefusal, DecidedBy, Entry, EntryKind, NewEntry};
pub use event::{Event, EventKind, Facts, Outcome, Recurrence};
pub use order::{NewOrder, OpenOrders, Order, OrderRefusal};
pub use statistics::{Filter, Hour, PageFrom, Place};
pub use unmatched::{OrderMoney, Reason, Related, Resolution, ResolveRefusal, Unmatched};
pub use writeoff::{ExcludedWriteOff, Exclusion, ExclusionRefusal, Listed, NoDay, WriteOff, WriteOffRefusal, WriteOffsAdded};
