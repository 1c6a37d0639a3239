//! The host's domain types. Each is defined once, here: the ledger stores it, the sandbox passes it to components, and the
//! pages and the API show it.
//!
//! This crate also defines the JSON form of these types. Names are in snake_case, and optional fields have defaults. Named
//! values are pairs (an object is accepted too), a day is `"YYYY-MM-DD"` (its record is accepted too), and a body is text, or
//! `{"base64": "..."}` if it is not UTF-8.
//!
//! Accounts, orders, providers and the like are identified by newtypes ([`AccountNumber`], [`OrderId`], [`ProviderName`], …),
//! whose constructors check the identifier's rule.
//!
//! The crate contains only values: no clock, no threads, no HTTP, no SQL and no WebAssembly.
//!
//! Every crate of the host uses this one.

mod ability;
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
mod http_call;
mod identifiers;
mod json;
mod link;
mod movement;
mod names;
mod operation;
mod order;
mod provider;
mod question;
mod receipt;
mod report;
mod restoration;
mod statistics;
mod text;
mod unmatched;
mod verdict;
mod writeoff;

pub use ability::{Ability, CancelResult, OperationResult, PaymentReference, PaymentStatus, Pending, RefundRequest};
pub use account::{Account, AccountRefusal, Fault, Party, PartyKind};
pub use amount::{Balance, Money};
pub use callback::{
    Acknowledged, CallbackCounts, Contradiction, Refusals, Report, ReviewFilter, StoreOutcome, StoredCallback,
    UnrecognizedCallback,
};
pub use check::{Finding, FindingCode};
pub use date::{Date, WrittenDate};
pub use decision::{Decided, Decision, DecisionKind, NewDecision, UndoRefusal};
pub use entry::{Correction, CorrectionRefusal, DecidedBy, Entry, EntryKind, NewEntry};
pub use event::{Event, EventKind, Facts, Outcome, ProvedEvent, Recurrence, WishRefusal};
pub use export::{ExportOptions, ExportPart, ExportRow, ExportStep, ExportTotals, ExportWriter, LeftOut};
pub use fields::Fields;
pub use http_call::{HttpCall, HttpResponse, HttpResult, Repeatable};
pub use identifiers::{
    AccountNumber, DedupKey, InvalidIdentifier, NAME_CHARS_MAX, OperationId, OrderId, ProviderName, TransactionId,
};
pub use link::{LinkFailure, LinkRequest, PaymentForm, PaymentLink};
pub use money::Currency;
pub use movement::{Movement, MovementId, MovementOrigin, MovementState};
pub use operation::{
    BegunOperation, LastTry, NewOperation, OpenOperations, Operation, OperationDecision, OperationFault, OperationKind,
    OperationRefusal, OperationSelection, OperationState, OperationTask, OperationToContinue, OperationVerdict, PaymentDetails,
    Progress, TriedCall,
};
pub use order::{NewOrder, OpenOrders, Order, OrderRefusal, OrderToAsk};
pub use provider::{
    CallbackProof, Choice, Description, OrderIdForm, Problem, RequestHeader, SettingKind, SettingSpec, Settings,
};
pub use question::{
    AccountQuery, AccountState, Context, EventOutcome, Exchange, LedgerAnswer, LedgerQuestion, MovementName, MovementsPage,
    MovementsQuery, NoAnswer, OrderState, Question, Step,
};
pub use receipt::{Receipt, ReceiptItem, ReceiptVat};
pub use report::{ControlTotals, ReportFailure, ReportFile, ReportFormat, ReportPage, ReportRequest, ReportRow};
pub use restoration::{Comparison, ComparisonRefusal, Restoration};
pub use statistics::{Cursor, EntryFilter, HourlyTotal, PageStart};
pub use text::{is_contract_text, is_line};
pub use unmatched::{MismatchReason, OrderMoney, Related, Resolution, ResolveRefusal, UnmatchedEvent};
pub use verdict::{CallbackAnswer, CallbackRequest, HttpMethod, HttpReply, Verdict};
pub use writeoff::{
    ExcludedWriteOff, Exclusion, ExclusionRefusal, ListedWriteOff, UndatedWriteOff, WriteOff, WriteOffRefusal, WriteOffsAdded,
};
