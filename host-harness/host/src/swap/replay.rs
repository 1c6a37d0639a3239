//! Replays stored callbacks to a candidate, and compares its verdicts with the active component's.

use std::collections::BTreeMap;

use domain::{CallbackAnswer, CallbackRequest, EventKind, StoredCallback, TransactionId, Verdict};
use sandbox::{Error, Merchant, NoAnswers, drive};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::callback_form::{Reopened, reopened};
use crate::sealing::Key;

/// How many callbacks are replayed: the last ones.
pub const REPLAYED_CALLBACKS_MAX: u32 = 1000;
/// How many changed verdicts are listed. The digest covers all.
const CHANGES_SHOWN_MAX: usize = 20;

/// How the verdicts of two components on the same callbacks differ.
#[derive(Default)]
pub struct Replay {
    /// How many callbacks were replayed.
    pub replayed: usize,
    /// How many were left out. Parts of them were masked, so that a verdict on them need not be that of the genuine callback.
    pub left_out: usize,
    /// How many were replayed without their secret headers, which were sealed with another key.
    pub without_headers: usize,
    /// The first of the changed verdicts.
    pub changes: Vec<VerdictChange>,
    /// How many verdicts changed, including those that are not listed.
    pub changed: usize,
    digest: Sha256,
}

/// A callback on which the two components' verdicts differ.
#[derive(Clone, Serialize, Debug)]
pub struct VerdictChange {
    /// When it was received, in seconds since the epoch.
    pub received_at: u64,
    /// Its transaction, if either component accepts it.
    pub transaction: Option<String>,
    /// The differences by field.
    pub differences: Vec<Difference>,
}

/// A field in which two verdicts differ.
#[derive(Clone, Serialize, Debug)]
pub struct Difference {
    /// `verdict`, `code`, `error`, or a field of the event, such as `event.amount.minor_units`.
    pub field: String,
    /// The active component's value; `None` if it has no such field.
    pub before: Option<String>,
    /// The candidate's value; `None` if it has no such field.
    pub after: Option<String>,
}

impl Replay {
    /// Calls the candidate with callbacks that the active component has judged, each in a fresh instance.
    pub fn run(earlier: EarlierCallbacks, after: &Merchant) -> Replay {
        let EarlierCallbacks { judged, left_out, without_headers } = earlier;
        let mut replay = Replay { replayed: judged.len(), left_out, without_headers, ..Replay::default() };
        for JudgedCallback { request, verdict: before, .. } in judged {
            let after = verdict(answer(after, &request));
            if before != after {
                replay.add(change(request.received_at, &before, &after));
            }
        }
        replay
    }

    fn add(&mut self, change: VerdictChange) {
        self.changed += 1;
        // A change is plain data, which always serializes to JSON.
        self.digest.update(serde_json::to_vec(&change).unwrap_or_default());
        if self.changes.len() < CHANGES_SHOWN_MAX {
            self.changes.push(change);
        }
    }

    /// Returns the digest of these changes, of the hosts that only the candidate may call, and of the candidate, by which an operator
    /// accepts them. `None` if no verdict changed and there is no such host.
    pub fn digest(&self, new_hosts: &[String], component_sha256: &str) -> Option<String> {
        let hosts = || new_hosts.iter().fold(self.digest.clone(), |digest, host| digest.chain_update(host).chain_update("\n"));
        let has_changes = self.changed > 0 || !new_hosts.is_empty();
        has_changes.then(|| hex::encode(hosts().chain_update(component_sha256).finalize()))
    }
}

/// A stored callback, with the active component's verdict.
pub struct JudgedCallback {
    pub request: CallbackRequest,
    /// If one event happened by it, the event's kind and transaction.
    pub event: Option<(EventKind, TransactionId)>,
    verdict: ComparableVerdict,
}

/// Stored callbacks, with the active component's verdicts.
#[derive(Default)]
pub struct EarlierCallbacks {
    pub judged: Vec<JudgedCallback>,
    /// How many were left out because card data in them was masked: a signature over them need not be valid any more.
    pub left_out: usize,
    /// How many were judged without their secret headers, which were sealed with another key.
    pub without_headers: usize,
}

/// Calls the active component with callbacks, each in a fresh instance.
pub fn judge(merchant: &Merchant, callbacks: &[StoredCallback], key: &Key) -> EarlierCallbacks {
    let mut earlier = EarlierCallbacks::default();
    for stored in callbacks {
        if stored.is_masked {
            earlier.left_out += 1;
            continue;
        }
        let Reopened { request, lacks_headers } = reopened(stored, key);
        earlier.without_headers += usize::from(lacks_headers);
        let answer = answer(merchant, &request);
        let event = match answer.as_ref().map(|answer| &answer.verdict) {
            Ok(Verdict::Happened(events)) if events.len() == 1 => events.first(),
            _ => None,
        };
        let event = event.map(|event| (event.facts.kind, event.facts.transaction.clone()));
        earlier.judged.push(JudgedCallback { request, event, verdict: verdict(answer) });
    }
    earlier
}

/// Returns the verdict about a callback. What the component asks is not answered: it was another moment.
fn answer(merchant: &Merchant, request: &CallbackRequest) -> Result<CallbackAnswer, Error> {
    drive(request.received_at, &mut NoAnswers, |context| merchant.handle_callback(request, context)).map(|(answer, _)| answer)
}

/// A verdict by its fields. The reply and a problem's message are left out: they may change.
type ComparableVerdict = BTreeMap<String, String>;

fn verdict(answer: Result<CallbackAnswer, Error>) -> ComparableVerdict {
    let mut judged = ComparableVerdict::new();
    let mut say = |field: &str, text: String| judged.insert(field.to_owned(), text);
    match answer {
        Err(error) => {
            say("verdict", "none".to_owned());
            say("error", error.to_string());
        }
        Ok(CallbackAnswer { verdict, .. }) => {
            say("verdict", verdict.name().to_owned());
            if let Some(problem) = verdict.problem() {
                say("code", problem.code.clone());
            }
            match verdict.events() {
                [event] => flatten("event", &serde_json::to_value(event).unwrap_or_default(), &mut judged),
                events => events.iter().enumerate().for_each(|(at, event)| {
                    flatten(&format!("events[{at}]"), &serde_json::to_value(event).unwrap_or_default(), &mut judged);
                }),
            }
        }
    }
    judged
}

fn flatten(path: &str, value: &Value, judged: &mut ComparableVerdict) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&format!("{path}.{name}"), value, judged)),
        Value::String(text) => drop(judged.insert(path.to_owned(), text.clone())),
        Value::Null => {}
        other => drop(judged.insert(path.to_owned(), other.to_string())),
    }
}

fn change(received_at: u64, before: &ComparableVerdict, after: &ComparableVerdict) -> VerdictChange {
    let transaction = |judged: &ComparableVerdict| judged.get("event.transaction").cloned();
    let fields = before.keys().chain(after.keys().filter(|field| !before.contains_key(*field)));
    let difference = |field: &String| Difference {
        field: field.clone(),
        before: before.get(field).cloned(),
        after: after.get(field).cloned(),
    };
    VerdictChange {
        received_at,
        transaction: transaction(before).or_else(|| transaction(after)),
        differences: fields.filter(|field| before.get(*field) != after.get(*field)).map(difference).collect(),
    }
}
