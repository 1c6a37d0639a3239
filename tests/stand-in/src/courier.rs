//! Sends the callbacks of a payment: in order, with retries, whether the buyer waits or not.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use url::Url;

use crate::log::{Log, Sent};
use crate::scenario::Scenario;
use crate::send::{Answer, Method, Outcome, Sender};

/// Delays, timeouts and retries.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long after the buyer's return the callback of [`Scenario::Delay`] is sent.
    pub delay_ms: u64,
    /// How long to wait for an answer.
    pub answer_timeout_ms: u64,
    /// The most times that a callback is sent, including the first, if it is not accepted.
    pub attempts_max: u32,
    /// The delay before the second attempt. It doubles before each further one.
    pub retry_ms: u64,
}

impl Default for Patience {
    /// A delay of 3 s, 10 s for an answer, 5 attempts, the first two 1 s apart.
    fn default() -> Patience {
        Patience { delay_ms: 3000, answer_timeout_ms: 10_000, attempts_max: 5, retry_ms: 1000 }
    }
}

/// A callback to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The payment system's id of the transaction.
    pub transaction_id: String,
    /// The order that it names.
    pub order: String,
    /// The form.
    pub body: String,
    /// How its answer is treated.
    pub answer: Answer,
    /// The body that an answer of 200 must have for the callback to count as delivered. `None` accepts any.
    pub expected: Option<String>,
}

/// The callbacks of a payment.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Sent in order before the buyer returns.
    pub before_return: Vec<Step>,
    /// Sent some time after the buyer's return.
    pub after_return: Vec<Step>,
}

impl Plan {
    /// Returns a plan that sends everything before the buyer returns.
    pub fn at_once(steps: Vec<Step>) -> Plan {
        Plan { before_return: steps, after_return: Vec::new() }
    }

    /// Returns the plan for a single genuine callback. It is sent once unless the scenario says otherwise.
    pub fn of_payment(scenario: Scenario, payment: Step) -> Plan {
        match scenario {
            Scenario::Delay => Plan { before_return: Vec::new(), after_return: vec![payment] },
            Scenario::Repeat => Plan::at_once(vec![payment.clone(), payment.clone(), payment]),
            Scenario::DropReply => Plan::at_once(vec![Step { answer: Answer::Lost, ..payment.clone() }, payment]),
            Scenario::HangUp => Plan::at_once(vec![Step { answer: Answer::HungUpOn, ..payment.clone() }, payment]),
            _ => Plan::at_once(vec![payment]),
        }
    }
}

/// How the callbacks of one payment are sent.
#[derive(Clone)]
pub struct Way {
    /// The scenario, for the log.
    pub scenario: Scenario,
    /// The address. If it is `None`, nothing is sent, and the log says so.
    pub url: Option<Url>,
    /// In a POST's body or in a GET's query.
    pub method: Method,
}

/// Sends callbacks on the server's runtime, and logs them.
#[derive(Clone)]
pub struct Courier {
    inner: Arc<Inner>,
}

struct Inner {
    patience: Patience,
    sender: Sender,
    log: Arc<Log>,
}

impl Courier {
    /// Creates a courier with an empty log.
    pub fn new(patience: Patience) -> Courier {
        let sender = Sender::new(Duration::from_millis(patience.answer_timeout_ms));
        Courier { inner: Arc::new(Inner { patience, sender, log: Arc::new(Log::default()) }) }
    }

    /// Returns the log of the callbacks sent.
    pub fn log(&self) -> &Arc<Log> {
        &self.inner.log
    }

    /// Starts to send. Returns a signal for the buyer's return. Runs in its own task, so that sending continues when the buyer
    /// disconnects.
    pub fn begin(&self, way: Way, plan: Plan) -> oneshot::Receiver<()> {
        let (buyer_returns, returned) = oneshot::channel();
        let (under_way, courier) = (self.inner.log.begin(), self.clone());
        tokio::spawn(async move {
            courier.carry_out(way, plan, buyer_returns).await;
            drop(under_way);
        });
        returned
    }

    async fn carry_out(self, way: Way, plan: Plan, buyer_returns: oneshot::Sender<()>) {
        for step in plan.before_return {
            self.clone().deliver(way.clone(), step).await;
        }
        let _ = buyer_returns.send(());
        if !plan.after_return.is_empty() {
            tokio::time::sleep(Duration::from_millis(self.inner.patience.delay_ms)).await;
        }
        for step in plan.after_return {
            self.clone().deliver(way.clone(), step).await;
        }
    }

    /// Makes one attempt. Further attempts are made in the background, so that they delay nothing.
    async fn deliver(self, way: Way, step: Step) {
        let taken = self.attempt(&way, &step).await;
        if step.answer != Answer::Awaited || taken || way.url.is_none() {
            return;
        }
        let under_way = self.inner.log.begin();
        tokio::spawn(async move {
            let Patience { retry_ms: mut wait_ms, attempts_max, .. } = self.inner.patience;
            for _ in 1..attempts_max {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                wait_ms = wait_ms.saturating_mul(2);
                if self.attempt(&way, &step).await {
                    break;
                }
            }
            drop(under_way);
        });
    }

    /// Makes one attempt. Reports whether the callback was accepted.
    async fn attempt(&self, way: &Way, step: &Step) -> bool {
        let outcome = match way.url.clone() {
            Some(url) => {
                let (courier, body, method, answer) = (self.clone(), step.body.clone(), way.method, step.answer);
                let sent = tokio::task::spawn_blocking(move || courier.inner.sender.send(&url, method, &body, answer)).await;
                sent.unwrap_or_else(|error| Outcome { status: None, answer: None, problem: Some(error.to_string()) })
            }
            None => Outcome { status: None, answer: None, problem: Some("there is no callback URL".to_owned()) },
        };
        let told = step.expected.is_none() || step.expected == outcome.answer;
        let taken = outcome.status == Some(200) && told;
        self.inner.log.add(Sent {
            scenario: way.scenario,
            transaction_id: step.transaction_id.clone(),
            order: step.order.clone(),
            body: step.body.clone(),
            status: outcome.status,
            answer: outcome.answer,
            problem: outcome.problem,
        });
        taken
    }
}
