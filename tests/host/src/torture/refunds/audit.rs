//! What the host must show of refunds after it was killed, by what the payment system did. Judged by facts rather than by the
//! host's rules.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use serde_json::{Value, json};
use stand_in::api::{ApiServer, Fault, PaymentRow, RefundRequest, RefundRow, RefundState};

use super::{ACCOUNT, Ask, PaysBack, entries};
use crate::Api;
use crate::audit::Findings;

/// An operation in the list of the API.
pub struct Listed {
    pub id: String,
    pub state: String,
    pub payment: String,
    pub kopecks: i64,
    pub movement: Option<String>,
    /// Whether the payment system's name of it is known.
    pub has_reference: bool,
}

/// Returns all refunds that are pending or unknown, or all that have ended.
pub fn operations(api: &Api, ended: bool) -> Vec<Listed> {
    let mut all: Vec<Listed> = Vec::new();
    loop {
        let last = all.last().map(|one| if ended { format!("&before={}", one.id) } else { format!("&after={}", one.id) });
        let page = api.get(&format!("/operations?ended={ended}{}", last.unwrap_or_default()));
        let page = page["operations"].as_array().unwrap();
        if page.is_empty() {
            all.retain(|one| !one.payment.is_empty());
            return all;
        }
        all.extend(page.iter().map(listed));
    }
}

fn listed(operation: &Value) -> Listed {
    let text = |name: &str| operation[name].as_str().map(str::to_owned);
    Listed {
        id: text("id").unwrap(),
        state: text("state").unwrap(),
        payment: text("payment").unwrap_or_default(),
        kopecks: operation["amount"]["minor_units"].as_i64().unwrap_or_default(),
        movement: text("movement"),
        has_reference: !operation["reference"].is_null(),
    }
}

/// What the payment system did.
pub struct Truth<'t, S> {
    requests: Vec<RefundRequest>,
    refunds: Vec<RefundRow>,
    payments: Vec<PaymentRow>,
    /// What was paid, in kopecks.
    paid: i64,
    /// The operations of which a kill may have lost the answer.
    interrupted: &'t BTreeSet<String>,
    system: PhantomData<S>,
}

/// What has become of the operations.
#[derive(Default)]
pub struct Ended {
    pub done: usize,
    pub refused: usize,
    pub unknown: Vec<String>,
    pub findings: Findings,
}

impl<'t, S: PaysBack> Truth<'t, S> {
    pub fn new(bank: &ApiServer<S>, paid: i64, interrupted: &'t BTreeSet<String>) -> Truth<'t, S> {
        let (refunds, payments) = bank.with(|bank| (bank.refunds(), bank.payments()));
        Truth { requests: bank.refund_requests(), refunds, payments, paid, interrupted, system: PhantomData }
    }

    /// How many requests to pay back arrived.
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// How many of them had the key of an earlier one.
    pub fn repeated(&self) -> usize {
        let keys: BTreeSet<&String> = self.requests.iter().map(|request| &request.key).collect();
        self.requests.len() - keys.len()
    }

    /// How many refunds were made.
    pub fn made(&self) -> usize {
        self.refunds.iter().filter(|refund| refund.state == RefundState::Done).count()
    }

    /// The amounts that an operation paid back, in kopecks.
    fn made_by(&self, operation: &str) -> Vec<i64> {
        let key = S::key(operation);
        let made = self.refunds.iter().filter(|refund| refund.key == key && refund.state == RefundState::Done);
        made.map(|refund| i64::try_from(refund.minor_units).unwrap()).collect()
    }

    /// Whether the answer to an operation's refund may have been lost.
    fn has_lost_answer(&self, operation: &str) -> bool {
        let is_lost = |fault| !matches!(fault, Some(Fault::Late(_)) | None);
        let key = S::key(operation);
        let lost = self.requests.iter().any(|request| request.key == key && is_lost(request.fault));
        lost || self.interrupted.contains(operation)
    }

    /// Decides about the operations that are unknown by what was done, and returns what is wrong then: the account must have what
    /// was paid without what was paid back.
    pub fn decide(&self, api: &Api, unknown: &[String]) -> Vec<String> {
        for id in unknown {
            let verdict = if self.made_by(id).is_empty() { "not-done" } else { "done" };
            let body = json!({"verdict": verdict, "comment": "по выписке", "operator": "anna"});
            let (status, answer) = api.try_post(&format!("/operations/{id}/decision"), &body).unwrap();
            assert_eq!(status, 200, "{answer}");
        }
        let back: u64 = self.payments.iter().map(|payment| payment.refunded).sum();
        let (balance, want) = (api.balance(ACCOUNT), self.paid - i64::try_from(back).unwrap());
        (balance != want)
            .then(|| format!("the balance is {balance} after all decisions, and {want} are left"))
            .into_iter()
            .collect()
    }
}

/// Compares the refunds that were asked for with what the host shows and what the payment system did.
pub fn audit<S: PaysBack>(asks: &[Ask], api: &Api, truth: &Truth<'_, S>) -> Ended {
    let mut ended = Ended { findings: at_the_payment_system(truth), ..Ended::default() };
    let mut listed: BTreeMap<String, Listed> = BTreeMap::new();
    for one in operations(api, false).into_iter().chain(operations(api, true)) {
        let id = one.id.clone();
        if listed.insert(id.clone(), one).is_some() {
            ended.findings.double.push(format!("the operation {id} is listed twice"));
        }
    }
    let mut back: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for entry in entries(api).iter().filter(|entry| entry["kind"] == "refund") {
        let movement = entry["movement"].as_str().unwrap_or_default().to_owned();
        back.entry(movement).or_default().push(entry["amount"]["minor_units"].as_i64().unwrap());
    }
    let entered: i64 = back.values().flatten().sum();
    for ask in asks {
        of_ask(ask, &mut listed, &mut back, truth, &mut ended);
    }
    ended.findings.wrong.extend(listed.keys().map(|id| format!("nobody asked for the operation {id}")));
    // What is left are refunds that the payment system told of, and whose operation is unknown.
    let told: i64 = back.values().flatten().sum();
    let of_unknown: i64 = ended.unknown.iter().flat_map(|id| truth.made_by(id)).sum();
    if -told > of_unknown {
        ended.findings.wrong.push(format!("{} are entered as refunds of no operation", -told));
    }
    let (balance, want) = (api.balance(ACCOUNT), truth.paid + entered);
    if balance != want {
        ended.findings.wrong.push(format!("the balance is {balance}, and the entries make {want}"));
    }
    ended
}

/// Nothing was paid back twice, nor more than was paid, nor without a key.
fn at_the_payment_system<S: PaysBack>(truth: &Truth<'_, S>) -> Findings {
    let mut findings = Findings::default();
    let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
    for refund in &truth.refunds {
        *by_key.entry(&refund.key).or_default() += 1;
    }
    let more_than_once = by_key.into_iter().filter(|(_, times)| *times > 1);
    findings.double.extend(more_than_once.map(|(key, times)| format!("the refund {key} was made {times} times")));
    let beyond = truth.payments.iter().filter(|payment| payment.refunded > payment.minor_units);
    findings.double.extend(beyond.map(|payment| format!("more was paid back of {payment:?} than was paid")));
    let keyless = truth.requests.iter().filter(|request| request.key.is_empty());
    findings.wrong.extend(keyless.map(|request| format!("{request:?} had no key")));
    findings
}

/// An operation that was asked for is listed, and shows what the payment system did. It may be unknown if the answer was lost and the
/// payment system knows no keys.
fn of_ask<S: PaysBack>(
    ask: &Ask,
    listed: &mut BTreeMap<String, Listed>,
    back: &mut BTreeMap<String, Vec<i64>>,
    truth: &Truth<'_, S>,
    ended: &mut Ended,
) {
    let Ended { done, refused, unknown, findings } = ended;
    let ids: Vec<&String> = ask.operations.iter().collect();
    let [id] = ids.as_slice() else {
        match (ids.is_empty(), ask.is_refused) {
            (true, true) => *refused += 1,
            (true, false) => findings.lost.push(format!("{ask:?} was never answered")),
            (false, _) => findings.double.push(format!("{ask:?} has several operations")),
        }
        return;
    };
    let Some(operation) = listed.remove(*id) else {
        findings.lost.push(format!("{ask:?} was answered, and its operation is gone"));
        return;
    };
    if (&operation.payment, operation.kopecks) != (&ask.payment, ask.kopecks) {
        findings.wrong.push(format!("{ask:?} became a refund of {} of {}", operation.kopecks, operation.payment));
    }
    let made = truth.made_by(id);
    let entries = operation.movement.as_ref().and_then(|movement| back.remove(movement)).unwrap_or_default();
    match operation.state.as_str() {
        "done" => {
            *done += 1;
            if made != [ask.kopecks] {
                findings.wrong.push(format!("{ask:?} is done, and made were {made:?}"));
            }
            match entries.as_slice() {
                [] => findings.lost.push(format!("{ask:?} is done, and not entered")),
                [entry] if *entry == -ask.kopecks => {}
                [entry] => findings.wrong.push(format!("{ask:?} is entered as {entry}")),
                _ => findings.double.push(format!("{ask:?} is entered {} times", entries.len())),
            }
        }
        "refused" => {
            *refused += 1;
            if !made.is_empty() || !entries.is_empty() {
                findings.wrong.push(format!("{ask:?} is refused, made were {made:?} and entered {entries:?}"));
            }
        }
        "unknown" => {
            unknown.push((*id).clone());
            if S::KNOWS_KEYS || !truth.has_lost_answer(id) {
                findings.wrong.push(format!("{ask:?} of operation {id} is unknown without a reason; made were {made:?}"));
            }
        }
        state => findings.lost.push(format!("{ask:?} is still {state}")),
    }
}
