//! HTTP calls that providers have the host make: which of them are sent, how long they may take, and what is observed of them. A
//! URL, a header and a body may hold secrets: of a call, only its host is logged.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use domain::{HttpCall, HttpResult, OrderId, ProviderName};
use tracing::Span;
use tracing::span::EnteredSpan;

use crate::call_counts::{CallCount, CallEnd};
use crate::call_hosts::CallHost;
use crate::call_times::CallBudget;
use crate::component::ActiveComponent;
use crate::error::HostError;
use crate::host::Host;
use crate::observer::EndedCall;
use crate::outbound::{CallPurpose, Outbound, OutboundCall};
use crate::refusals::OTHER;
use crate::slot::ProviderSlot;

/// A call that is not sent.
struct NotPermitted {
    /// Its host, for the log.
    host: String,
    /// The name under which it is counted: a component may invent any number of hosts, and they are not counted one by one.
    counted_as: String,
    why: &'static str,
}

/// Names an order in the lines that are logged while this lives: what is called, and fails, is called for it.
pub fn for_order(order: &OrderId) -> EnteredSpan {
    tracing::error_span!("for", order = order.as_str()).entered()
}

impl Host {
    /// Returns the calls since the host's start, by provider and host: all hosts that components may call now, and those that were
    /// called. What a component wanted to send to a host that it may not call is counted under [`OTHER`].
    pub fn call_counts(&self) -> BTreeMap<(ProviderName, String), CallCount> {
        let mut counts = self.0.call_counts.all();
        for slot in self.0.registry.all() {
            for host in slot.component().call_hosts() {
                counts.entry((slot.name.clone(), host.to_string())).or_default();
            }
        }
        counts
    }

    /// Returns the proxy by which calls are made, as `host:port`. `None` without one.
    pub fn call_proxy(&self) -> Option<String> {
        self.0.outbound.as_ref().and_then(|outbound| outbound.proxy())
    }

    /// Returns the time for all calls for a result.
    pub(crate) fn call_budget(&self) -> CallBudget {
        CallBudget::of(self.0.call_times)
    }

    /// Returns how long the next call may take.
    ///
    /// # Errors
    /// If no time is left for it.
    pub(crate) fn next_call_time(&self, slot: &ProviderSlot, budget: CallBudget) -> Result<Duration, HostError> {
        budget.next().ok_or_else(|| {
            tracing::warn!(provider = slot.name.as_str(), "the time for the calls for one result is over: no more are made");
            HostError::unavailable("the payment system answers too slowly; try again later")
        })
    }

    /// Makes a call if its component may make it, and passes on its result and how long it took. `then` is called on any thread,
    /// which it must not block for long.
    pub(crate) fn send_call(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        call: HttpCall,
        time_max: Duration,
        then: impl FnOnce(HttpResult, Duration) + Send + 'static,
    ) {
        // It ends on another thread, whose lines in the log name the operation or the order as well.
        let (host, name, span) = (self.clone(), slot.name.clone(), Span::current());
        match self.permitted(component, call, time_max) {
            Ok((outbound, called, call)) => {
                let started = Instant::now();
                let ended = move |result: HttpResult| {
                    let _of_span = span.entered();
                    let time = started.elapsed();
                    host.observe_ended_call(&name, &called.to_string(), &result, time);
                    then(result, time);
                };
                outbound.send(call, Box::new(ended));
            }
            Err(NotPermitted { host: called, counted_as, why }) => {
                tracing::warn!(provider = name.as_str(), host = called, why, "a call of the component was not sent");
                let (result, time) = (HttpResult::NotSent(why.to_owned()), Duration::ZERO);
                host.observe_ended_call(&name, &counted_as, &result, time);
                then(result, time);
            }
        }
    }

    /// Makes a call, and waits for its result. The thread is blocked as long.
    ///
    /// # Errors
    /// If no time is left for it.
    pub(crate) fn call_and_wait(
        &self,
        slot: &ProviderSlot,
        component: &ActiveComponent,
        call: HttpCall,
        budget: &mut CallBudget,
    ) -> Result<HttpResult, HostError> {
        let time_max = self.next_call_time(slot, *budget)?;
        let (sender, receiver) = mpsc::sync_channel(1);
        self.send_call(slot, component, call, time_max, move |result, time| drop(sender.send((result, time))));
        // Nobody knows whether a call was sent that ends without a result.
        let lost = || (HttpResult::Unknown("the call ended without a result".to_owned()), time_max);
        let (result, time) = receiver.recv().unwrap_or_else(|_| lost());
        *budget = budget.after(time);
        Ok(result)
    }

    /// Returns a call as it is sent, its host, and who sends it, if the component may call that host.
    fn permitted(
        &self,
        component: &ActiveComponent,
        call: HttpCall,
        time_max: Duration,
    ) -> Result<(Arc<dyn Outbound>, CallHost, OutboundCall), NotPermitted> {
        let host = CallHost::of_url(&call.url);
        let is_allowed = |host: &CallHost| component.call_hosts().contains(host);
        let Some(host) = host.clone().filter(is_allowed) else {
            let why = "its host is neither declared by the component nor entered in its settings";
            let host = host.map(|host| host.to_string()).unwrap_or_default();
            return Err(NotPermitted { host, counted_as: OTHER.to_owned(), why });
        };
        let refused = |why| NotPermitted { host: host.to_string(), counted_as: host.to_string(), why };
        // Web servers and proxies log URLs.
        if component.holds_secret(&call.url) {
            return Err(refused("a secret of the settings stands in its URL; report it to the component's author"));
        }
        let Some(outbound) = self.0.outbound.clone() else { return Err(refused("this host makes no calls")) };
        let identity = match &call.client_certificate {
            Some(setting) => Some(
                component
                    .certificate(setting)
                    .cloned()
                    .ok_or_else(|| refused("the client certificate that the call names is not entered in the settings"))?,
            ),
            None => None,
        };
        // A host reads no reports yet.
        let answer_bytes_max = CallPurpose::Payment.answer_bytes_max(&call);
        Ok((outbound, host, OutboundCall { call, time_max, answer_bytes_max, identity }))
    }

    fn observe_ended_call(&self, provider: &ProviderName, host: &str, result: &HttpResult, time: Duration) {
        let end = CallEnd::of(result);
        let result_name = end.name();
        if let CallEnd::NotSent(reason) | CallEnd::Unknown(reason) = end {
            tracing::warn!(provider = provider.as_str(), host, result = result_name, reason, "a call has no answer");
        }
        self.0.call_counts.count(provider, host, result, time, self.now());
        self.0.observer.call_ended(provider, &EndedCall { host, result: result_name, time });
    }
}
