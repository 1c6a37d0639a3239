//! The calls that the gateway made to payment systems, and its questions to billing.

use std::time::Duration;

use axum::extract::State;
use host::CallCount;
use serde::Serialize;
use utoipa::ToSchema;

use super::providers::FailureReport;
use super::{Details, Json};
use crate::shared::App;

/// The calls to payment systems and to billing since the start of the gateway.
#[derive(Serialize, ToSchema)]
pub struct CallList {
    /// The proxy by which calls are made, as `host:port`; null without one.
    proxy: Option<String>,
    /// How billing was asked about accounts; null where it is not, since the gateway's own accounts are all that there are.
    billing: Option<BillingCalls>,
    /// By provider and host: every host that a component may call, and those that were called.
    calls: Vec<HostCalls>,
}

/// The questions to billing about accounts. One counts as answered only by an answer that could be used.
#[derive(Serialize, ToSchema)]
struct BillingCalls {
    /// Where it is asked, with the port if that is not the usual one.
    host: Option<String>,
    #[serde(flatten)]
    count: CallCountReport,
}

/// The calls of a provider to a host. One counts as answered whatever its status.
#[derive(Serialize, ToSchema)]
struct HostCalls {
    /// The provider's name in this host.
    provider: String,
    /// The host, with its port if that is not 443. `other` stands for all hosts that the component may not call; nothing is sent
    /// to them.
    host: String,
    #[serde(flatten)]
    count: CallCountReport,
}

/// How many calls ended how, and how long they took.
#[derive(Serialize, ToSchema)]
struct CallCountReport {
    /// How many were answered.
    answered: u64,
    /// How many were not sent.
    not_sent: u64,
    /// How many were sent and not answered.
    unknown: u64,
    /// The mean time of those that were sent, in milliseconds; null if none was.
    time_ms_mean: Option<u64>,
    /// The time of the longest of them, in milliseconds.
    time_ms_longest: u64,
    /// The last one that was not answered; null if all were.
    failure: Option<FailureReport>,
}

impl From<CallCount> for CallCountReport {
    fn from(count: CallCount) -> CallCountReport {
        CallCountReport {
            answered: count.answered,
            not_sent: count.not_sent,
            unknown: count.unknown,
            time_ms_mean: count.time_mean().map(ms),
            time_ms_longest: ms(count.time_longest),
            failure: count.failure.map(FailureReport::from),
        }
    }
}

/// Lists the calls to payment systems and to billing since the start of the gateway.
#[utoipa::path(get, path = "/calls", operation_id = "list_calls", responses(
    (status = OK, body = CallList), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>) -> Json<CallList> {
    let billing = app.host.billing_calls();
    let billing = billing.map(|host::BillingCalls { address, count, .. }| BillingCalls { host: address, count: count.into() });
    let calls = app.host.call_counts().into_iter();
    let calls = calls.map(|((provider, host), count)| HostCalls { provider: provider.into(), host, count: count.into() });
    Json(CallList { proxy: app.host.call_proxy(), billing, calls: calls.collect() })
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
