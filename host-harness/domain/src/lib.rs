//! The host's vocabulary. Each noun is here once: the ledger keeps it, the sandbox passes it to components, pages and the API show
//! it.
//!
//! What is spelled in JSON is spelled here: in snake_case, with defaults for what is optional; named values are pairs (an object is
//! read too), a day is `"YYYY-MM-DD"` (its record is read too), and a body is text, or `{"base64": "..."}` where it is not UTF-8.
//!
//! Accounts, orders, providers and the like are known by types of their own ([`AccountNumber`], [`OrderId`], [`ProviderName`], …),
//! which have the form that their rule asks for.
//!
//! Values alone: no clock, no thread, no HTTP, no SQL and nothing of WebAssembly.
//!
//! Every crate of the host uses it.

mod account;
mod amount;
mod callback;
mod check;
mod date;
mod decision;
mod entry;
mod event;
mod export;
mod fields;
mod identifiers;
mod json;
mod link;
mod names;
mod order;
mod provider;
mod statistics;
mod text;
mod unmatched;
mod verdict;
mod writeoff;

pub use account::{Account, AccountRefusal, Fault, Party, PartyKind};
pub use amount::{Balance, Money};
pub use callback::{
    Acknowledged, CallbackCounts, Contradiction, Refusals, ReviewFilter, StoreOutcome, StoredCallback, UnrecognizedCallback,
};
pub use check::{Finding, FindingCode};
pub use date::{Date, WrittenDate};
pub use decision::{Decided, Decision, DecisionKind, NewDecision, UndoRefusal};
pub use entry::{Correction, CorrectionRefusal, DecidedBy, Entry, EntryKind, NewEntry};
pub use event::{Event, EventKind, Facts, Outcome, ProvedEvent, Recurrence};
pub use export::{ExportOptions, ExportPart, ExportRow, ExportStep, ExportTotals, ExportWriter, LeftOut};
pub use fields::Fields;
pub use identifiers::{AccountNumber, DedupKey, InvalidIdentifier, NAME_CHARS_MAX, OrderId, ProviderName, TransactionId};
pub use link::{LinkRequest, PaymentLink};
pub use money::Currency;
pub use order::{NewOrder, OpenOrders, Order, OrderRefusal};
pub use provider::{Description, Problem, SettingKind, SettingSpec, Settings};
pub use statistics::{Cursor, EntryFilter, HourlyTotal, PageStart};
pub use text::{is_contract_text, is_line};
pub use unmatched::{MismatchReason, OrderMoney, Related, Resolution, ResolveRefusal, UnmatchedEvent};
pub use verdict::{CallbackAnswer, CallbackRequest, HttpMethod, HttpReply, Verdict};
pub use writeoff::{
    ExcludedWriteOff, Exclusion, ExclusionRefusal, ListedWriteOff, UndatedWriteOff, WriteOff, WriteOffRefusal, WriteOffsAdded,
};
