//! What came before, told again: a component that is to take another's place judges the callbacks that were kept as they came.

use std::collections::BTreeMap;

use domain::{CallbackAnswer, CallbackRequest, EventKind, HttpMethod, StoredCallback, TransactionId, Verdict};
use sandbox::{Error, Merchant};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// How many callbacks are replayed, the last ones.
pub const REPLAYED_CALLBACKS_MAX: u32 = 1000;
/// How many changed verdicts are shown; the digest is of all.
const CHANGES_SHOWN_MAX: usize = 20;

/// The request that a kept callback was.
fn request(raw: &StoredCallback) -> CallbackRequest {
    CallbackRequest {
        method: if raw.method == "GET" { HttpMethod::Get } else { HttpMethod::Post },
        query: raw.query.clone(),
        headers: raw.headers.clone(),
        body: raw.body.clone(),
        remote_address: raw.remote_address.clone(),
        received_at: raw.received_at,
    }
}

/// How two components judged the same callbacks.
#[derive(Default)]
pub struct Replay {
    /// How many were replayed.
    pub replayed: usize,
    /// How many were left out: what they were was not kept whole, so that no verdict on them is that of the genuine callback.
    pub left_out: usize,
    /// The first of those that changed.
    pub changes: Vec<VerdictChange>,
    /// How many changed, those that are not shown included.
    pub changed: usize,
    digest: Sha256,
}

/// A callback that two components judge differently.
#[derive(Clone, Serialize, Debug)]
pub struct VerdictChange {
    /// When it came, seconds since the epoch.
    pub received_at: u64,
    /// The transaction that it told of, where either component accepts it.
    pub transaction: Option<String>,
    /// Field by field.
    pub differences: Vec<Difference>,
}

/// What is said otherwise.
#[derive(Clone, Serialize, Debug)]
pub struct Difference {
    /// `verdict`, `code`, `error`, or a field of the event, such as `event.amount.minor_units`.
    pub field: String,
    /// What the component in use says; nothing where it has no such field.
    pub before: Option<String>,
    /// What the new one says.
    pub after: Option<String>,
}

impl Replay {
    /// Lets a component judge callbacks that were judged before, each in an instance of its own.
    pub fn run(judged: Vec<JudgedCallback>, left_out: usize, after: &Merchant) -> Replay {
        let mut replay = Replay { replayed: judged.len(), left_out, ..Replay::default() };
        for JudgedCallback { request, verdict: before, .. } in judged {
            let after = verdict(after.handle_callback(&request));
            if before != after {
                replay.add(change(request.received_at, &before, &after));
            }
        }
        replay
    }

    fn add(&mut self, change: VerdictChange) {
        self.changed += 1;
        // A change is plain data: it is always JSON.
        self.digest.update(serde_json::to_vec(&change).unwrap_or_default());
        if self.changes.len() < CHANGES_SHOWN_MAX {
            self.changes.push(change);
        }
    }

    /// What says that these very changes, by this very component, were seen; nothing where nothing changes.
    pub fn digest(&self, component_sha256: &str) -> Option<String> {
        (self.changed > 0).then(|| hex::encode(self.digest.clone().chain_update(component_sha256).finalize()))
    }
}

/// A callback that was kept, and what the component in use says of it.
pub struct JudgedCallback {
    pub request: CallbackRequest,
    /// What it tells of, where it is accepted: the event's kind and transaction.
    pub event: Option<(EventKind, TransactionId)>,
    verdict: ComparableVerdict,
}

/// Lets the component in use judge callbacks, each in an instance of its own. Those in which card data was masked are left out, and
/// counted: a signature over them need not hold any more.
pub fn judge(merchant: &Merchant, callbacks: &[StoredCallback]) -> (Vec<JudgedCallback>, usize) {
    let judged = |raw: &StoredCallback| {
        let request = request(raw);
        let answer = merchant.handle_callback(&request);
        let event = match &answer {
            Ok(CallbackAnswer { verdict: Verdict::Accepted(event), .. }) => {
                Some((event.facts.kind, event.facts.transaction.clone()))
            }
            _ => None,
        };
        JudgedCallback { request, event, verdict: verdict(answer) }
    };
    let whole: Vec<JudgedCallback> = callbacks.iter().filter(|raw| !raw.is_masked).map(judged).collect();
    let left_out = callbacks.len() - whole.len();
    (whole, left_out)
}

/// A verdict by its fields. The reply and a problem's message are words; they may change.
type ComparableVerdict = BTreeMap<String, String>;

fn verdict(answer: Result<CallbackAnswer, Error>) -> ComparableVerdict {
    let mut judged = ComparableVerdict::new();
    let mut say = |field: &str, text: String| judged.insert(field.to_owned(), text);
    match answer {
        Err(error) => {
            say("verdict", "none".to_owned());
            say("error", error.to_string());
        }
        Ok(CallbackAnswer { verdict: Verdict::Accepted(event), .. }) => {
            say("verdict", "accepted".to_owned());
            let event = serde_json::to_value(&event).unwrap_or_default();
            flatten("event", &event, &mut judged);
        }
        Ok(CallbackAnswer { verdict: Verdict::Unresolved(problem), .. }) => {
            say("verdict", "unresolved".to_owned());
            say("code", problem.code);
        }
        Ok(CallbackAnswer { verdict: Verdict::Ignored(problem), .. }) => {
            say("verdict", "ignored".to_owned());
            say("code", problem.code);
        }
        Ok(CallbackAnswer { verdict: Verdict::Refused(problem), .. }) => {
            say("verdict", "refused".to_owned());
            say("code", problem.code);
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
