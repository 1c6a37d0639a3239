//! Metrics for Prometheus at `/metrics`: counts and durations, without personal data or amounts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use host::{BillingAsked, EndedCall, Host, Observer, ProviderCall};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

/// Upper bounds of the duration buckets, in seconds: a provider's call takes about ten microseconds, a commit a few
/// milliseconds.
const SECONDS: [f64; 12] = [0.000_05, 0.000_1, 0.000_25, 0.001, 0.002_5, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Upper bounds of fuel: a callback takes some fifty thousand units, and an operator may allow any number.
const FUEL: [f64; 10] = [2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8, 1e9, 1e10];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallbackLabels {
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    provider: String,
    function: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FunctionLabels {
    provider: String,
    function: &'static str,
}

/// The hosts are those that components may call, and one name for all others, so that no component makes any number of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutboundLabels {
    provider: String,
    host: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HostLabels {
    provider: String,
    host: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BillingLabels {
    purpose: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PurposeLabels {
    purpose: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// How many items wait for the operator.
pub struct Waiting {
    pub unmatched: u64,
    pub unrecognized: u64,
    pub contradictions: u64,
    /// Operations of which nobody knows whether they were done.
    pub operations: u64,
}

/// All metrics.
pub struct Metrics {
    registry: Registry,
    callbacks: Family<CallbackLabels, Counter>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<FunctionLabels, Histogram, fn() -> Histogram>,
    call_fuel: Family<FunctionLabels, Histogram, fn() -> Histogram>,
    outbound: Family<OutboundLabels, Counter>,
    outbound_seconds: Family<HostLabels, Histogram, fn() -> Histogram>,
    billing: Family<BillingLabels, Counter>,
    billing_seconds: Family<PurposeLabels, Histogram, fn() -> Histogram>,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    unmatched: Gauge,
    unknown_operations: Gauge,
    unrecognized: Gauge,
    contradictions: Gauge,
    loaded: Family<ProviderLabels, Gauge>,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn fuel() -> Histogram {
    Histogram::new(FUEL)
}

impl Metrics {
    pub fn new() -> Metrics {
        let metrics = Metrics {
            registry: Registry::with_prefix("harness"),
            callbacks: Family::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            call_fuel: Family::new_with_constructor(fuel),
            outbound: Family::default(),
            outbound_seconds: Family::new_with_constructor(seconds),
            billing: Family::default(),
            billing_seconds: Family::new_with_constructor(seconds),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            unmatched: Gauge::default(),
            unknown_operations: Gauge::default(),
            unrecognized: Gauge::default(),
            contradictions: Gauge::default(),
            loaded: Family::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Metrics {
        let registry = &mut self.registry;
        registry.register("callbacks", "Callbacks by what they came to", self.callbacks.clone());
        registry.register("provider_calls", "Calls of providers by function and result", self.calls.clone());
        registry.register("provider_call_seconds", "Time of a provider's call", self.call_seconds.clone());
        registry.register(
            "provider_call_fuel",
            "Fuel that a provider's call used, of those that ended well",
            self.call_fuel.clone(),
        );
        registry.register("outbound_calls", "Calls to payment systems by host and result", self.outbound.clone());
        registry.register(
            "outbound_call_seconds",
            "Time of a call to a payment system, of those that were sent",
            self.outbound_seconds.clone(),
        );
        let billing = "Questions to billing about accounts by why they were asked and result";
        registry.register("billing_questions", billing, self.billing.clone());
        registry.register(
            "billing_question_seconds",
            "Time of a question to billing, of those that were sent",
            self.billing_seconds.clone(),
        );
        registry.register("http_requests", "Requests by route, method and status", self.requests.clone());
        registry.register("http_request_seconds", "Time of a request", self.request_seconds.clone());
        registry.register("provider_loaded", "1 where the provider's component is loaded, 0 where not", self.loaded.clone());
        registry.register("unmatched_waiting", "Payments and the like that wait for the operator", self.unmatched.clone());
        let unrecognized = "Callbacks that nobody could judge and no operator has acknowledged";
        registry.register("unrecognized_waiting", unrecognized, self.unrecognized.clone());
        let contradictions = "Callbacks that contradict an earlier one and no operator has acknowledged";
        registry.register("contradictions_waiting", contradictions, self.contradictions.clone());
        let operations = "Refunds and other operations of which nobody knows whether they were done";
        registry.register("unknown_operations_waiting", operations, self.unknown_operations.clone());
        self
    }

    pub fn callback(&self, provider: &str, outcome: &'static str) {
        self.callbacks.get_or_create(&CallbackLabels { provider: provider.to_owned(), outcome }).inc();
    }

    pub fn call(&self, provider: &str, call: &ProviderCall) {
        let (provider, ProviderCall { function, result, time, usage, .. }) = (provider.to_owned(), *call);
        self.calls.get_or_create(&CallLabels { provider: provider.clone(), function, result }).inc();
        let labels = FunctionLabels { provider, function };
        self.call_seconds.get_or_create(&labels).observe(time.as_secs_f64());
        if let Some(usage) = usage {
            self.call_fuel.get_or_create(&labels).observe(usage.fuel as f64);
        }
    }

    pub fn outbound(&self, provider: &str, call: &EndedCall<'_>) {
        let (provider, host) = (provider.to_owned(), call.host.to_owned());
        if call.is_sent() {
            let labels = HostLabels { provider: provider.clone(), host: host.clone() };
            self.outbound_seconds.get_or_create(&labels).observe(call.time.as_secs_f64());
        }
        self.outbound.get_or_create(&OutboundLabels { provider, host, result: call.result }).inc();
    }

    pub fn billing(&self, asked: &BillingAsked) {
        let BillingAsked { purpose, result, time, .. } = *asked;
        if asked.is_sent() {
            self.billing_seconds.get_or_create(&PurposeLabels { purpose }).observe(time.as_secs_f64());
        }
        self.billing.get_or_create(&BillingLabels { purpose, result }).inc();
    }

    pub fn request(&self, route: &str, method: &str, status: u16, time: Duration) {
        let (route, method) = (route.to_owned(), method.to_owned());
        self.request_seconds.get_or_create(&RouteLabels { route: route.clone() }).observe(time.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { route, method, status }).inc();
    }

    /// Returns how many calls of a provider's function had a result since the start.
    pub fn calls_of(&self, provider: &str, function: &'static str, result: &'static str) -> u64 {
        self.calls.get(&CallLabels { provider: provider.to_owned(), function, result }).map_or(0, |counter| counter.get())
    }

    /// Records for each provider whether its component is loaded.
    pub fn set_loaded(&self, host: &Host) {
        let loaded = host.providers().into_iter().map(|provider| (provider.name.into(), 1));
        let not_loaded = host.not_loaded_providers().into_iter().map(|provider| (provider.name.into(), 0));
        self.loaded.clear();
        for (provider, is_loaded) in loaded.chain(not_loaded) {
            self.loaded.get_or_create(&ProviderLabels { provider }).set(is_loaded);
        }
    }

    /// Returns the metrics in Prometheus's text format.
    pub fn text(&self, waiting: Waiting) -> Result<String, fmt::Error> {
        let Waiting { unmatched, unrecognized, contradictions, operations } = waiting;
        for (gauge, count) in [
            (&self.unmatched, unmatched),
            (&self.unrecognized, unrecognized),
            (&self.contradictions, contradictions),
            (&self.unknown_operations, operations),
        ] {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The host's observer: counts, and wakes the followers of the feed.
pub struct Events {
    pub metrics: Arc<Metrics>,
    pub entered: Arc<watch::Sender<()>>,
}

impl Observer for Events {
    fn provider_called(&self, provider: &str, call: &ProviderCall) {
        self.metrics.call(provider, call);
    }

    fn callback_processed(&self, provider: &str, outcome: &'static str) {
        self.metrics.callback(provider, outcome);
    }

    fn call_ended(&self, provider: &str, call: &EndedCall<'_>) {
        self.metrics.outbound(provider, call);
    }

    fn billing_asked(&self, asked: &BillingAsked) {
        self.metrics.billing(asked);
    }

    fn entries_changed(&self) {
        self.entered.send_replace(());
    }
}
