//! The application without HTTP: every operation that the pages, the API or the command line offer. A billing system can embed
//! it; the gateway serves it, and the command line opens it on a data folder.
//!
//! [`HostBuilder`] opens a [`Host`] on a ledger, the components of a catalog and a sandbox. The host's methods are the
//! operations. They block, like the ledger and the sandbox: a server calls them on its own threads, and passes callbacks to
//! [`Host::submit_callback`].

#![cfg_attr(test, allow(missing_docs))]

mod accounts;
mod billing;
mod billing_answer;
mod billing_questions;
mod call_counts;
mod call_hosts;
mod call_permits;
mod call_pool;
mod call_times;
mod callback_flow;
mod callback_form;
mod callback_result;
mod callbacks;
mod calls;
mod card_data;
mod clock;
mod component;
mod decisions;
mod disagreement;
mod entries;
mod error;
mod error_code;
mod exports;
mod host;
pub mod invisible;
mod link_hosts;
mod lookups;
mod observer;
mod opening;
mod operations;
mod operator_refusal;
pub mod operators;
mod orders;
mod outbound;
pub mod payment_hosts;
mod payment_status;
mod provider_texts;
mod providers;
mod questions;
mod rate;
mod refusal_log;
mod refusals;
mod registry;
mod removal;
mod restorations;
mod roster;
mod running_operations;
mod sealing;
mod seller;
mod settings;
mod slot;
mod spent_tokens;
mod stored_settings;
mod swap;
#[cfg(test)]
mod test_description;
mod text;
mod told_refunds;
mod top_up_limits;
mod unrecognized;
mod unrecognized_rates;
mod wishes;
mod writeoffs;

pub use accounts::AccountBalances;
pub use billing::{AccountPurpose, AccountQuestion, AccountReply, BillingAccounts, NoAccountAnswer};
pub use billing_questions::BillingCalls;
pub use call_counts::CallCount;
pub use call_hosts::{CallHost, call_hosts};
pub use call_pool::Lane;
pub use call_times::CallTimes;
pub use callback_flow::ProcessedCallback;
pub use callback_result::{CallbackOutcome, CallbackResult, JudgedAgain};
pub use clock::{Clock, SystemClock};
pub use component::{ActiveComponent, SettingsState};
pub use entries::entry_digest;
pub use error::{ErrorKind, HostError};
pub use error_code::ErrorCode;
pub use exports::{CreatedExport, ExportFailure, ExportRequest, Gone, StoredExport};
pub use host::Host;
pub use lookups::{network_of, wide_network_of};
pub use observer::{ABILITY_FUNCTIONS, BillingAsked, CALL_RESULTS, EndedCall, FUNCTIONS, HTTP_RESULTS, Observer, ProviderCall};
pub use opening::{HostBuilder, OpenError};
pub use operations::{OperationAction, OperationRequest, in_english};
pub use orders::{CABINET_ORDER_SECONDS, LinkOptions, OrderRequest};
pub use outbound::{CallPurpose, ClientIdentity, Outbound, OutboundCall, Unreachable};
pub use payment_hosts::Confirmed;
pub use payment_status::StatusAnswer;
pub use provider_texts::ProviderTexts;
pub use providers::RECENT_SECONDS;
pub use refusals::{OTHER, UNKNOWN_ADDRESS};
pub use registry::Availability;
pub use removal::{NotLoadedProvider, RemovalError, RemovedProvider};
pub use roster::{EmptyLock, RestoredLock, Stamp, known_providers, removed_providers, restore_lock};
pub use sealing::{Key, NoRandomness};
pub use settings::{NewSettings, SavedSettings};
pub use slot::{Failure, ProviderStatus};
pub use swap::outcome::{LimitChanges, Refusal, Relabelled, SwapError, SwapReport, SwapRequest, VettingResult};
pub use swap::{Difference, Replay, VerdictChange};
pub use text::{NAME_CHARS_MAX, TEXT_CHARS_MAX, known_currency, operator_name, optional_text, required_text};
pub use top_up_limits::TopUpLimits;

// Arguments and results of the operations that other crates define.
pub use catalog::{Catalog, Version};
pub use conformance::Report as CheckReport;
pub use export::{Excluded, FileEntry, GoneActs, Manifest, RateTotals};
pub use ledger::{Error as LedgerError, HOUR_SECONDS, Ledger, Pages, missing_since};
pub use sandbox::{Limits, Sandbox, Usage};
