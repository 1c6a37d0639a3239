//! Callback requests, and a provider's verdicts about them.

use serde::{Deserialize, Serialize};

use crate::event::ProvedEvent;
use crate::fields::Fields;
use crate::json;
use crate::names::names;
use crate::provider::Problem;

/// The method of a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpMethod {
    /// `GET`
    #[serde(alias = "GET", alias = "Get")]
    Get,
    /// `POST`
    #[serde(alias = "POST", alias = "Post")]
    Post,
    /// `PUT`
    #[serde(alias = "PUT", alias = "Put")]
    Put,
    /// `PATCH`
    #[serde(alias = "PATCH", alias = "Patch")]
    Patch,
    /// `DELETE`
    #[serde(alias = "DELETE", alias = "Delete")]
    Delete,
}

names!(HttpMethod { Get "get", Post "post", Put "put", Patch "patch", Delete "delete", });

/// A request at the callback address, as it arrived. Nothing in it is trusted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackRequest {
    /// The method.
    pub method: HttpMethod,
    /// What follows the provider's callback address, still percent-encoded, such as `/check`; empty if nothing does.
    #[serde(default)]
    pub path: String,
    /// Everything after `?` of the request target, still percent-encoded, without the `?`.
    #[serde(default)]
    pub query: String,
    /// Header names in lower case and values as received; names may repeat.
    #[serde(default, deserialize_with = "json::fields")]
    pub headers: Fields,
    /// The bytes of the body, decoded from any transfer or content coding and from nothing else.
    #[serde(default, with = "json::body")]
    pub body: Vec<u8>,
    /// The peer's IP address as text; empty if unknown.
    #[serde(default)]
    pub remote_address: String,
    /// When the host had read it, seconds since the epoch.
    #[serde(default)]
    pub received_at: u64,
}

impl CallbackRequest {
    /// Creates a GET request with a query. The caller sets the other fields.
    pub fn get(query: impl Into<String>) -> CallbackRequest {
        CallbackRequest {
            method: HttpMethod::Get,
            path: String::new(),
            query: query.into(),
            headers: Fields::new(),
            body: Vec::new(),
            remote_address: String::new(),
            received_at: 0,
        }
    }

    /// Creates a POST request with a body. The caller sets the other fields.
    pub fn post(body: impl Into<Vec<u8>>) -> CallbackRequest {
        CallbackRequest { method: HttpMethod::Post, body: body.into(), ..CallbackRequest::get("") }
    }
}

/// A provider's verdict about a callback.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(clippy::large_enum_variant, reason = "a callback has one, and not for long")]
pub enum Verdict {
    /// Movements of money that happened, 1 to 100.
    Happened(Vec<ProvedEvent>),
    /// A movement of money to which billing is asked to agree.
    Wanted(Box<ProvedEvent>),
    /// The payment system's, with nothing to record: a check, or a question about a payment.
    Answered,
    /// Proved to be the payment system's, but the provider cannot determine what it reports.
    Unresolved(Problem),
    /// Certain not to be about money.
    Ignored(Problem),
    /// Not proved.
    Refused(Problem),
    /// A question or a call was not answered, so that it cannot be judged now.
    Unavailable,
}

/// The reply to the payment system: data, and nothing that a browser would run or store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReply {
    /// 200 to 299 or 400 to 599.
    pub status: u16,
    /// At most 32 headers: a `content-type` of data, and `x-…`. Names are in lower case, each once; values are at most 1024
    /// printable ASCII characters.
    #[serde(deserialize_with = "json::fields")]
    pub headers: Fields,
    /// At most 64 KiB.
    #[serde(with = "json::body")]
    pub body: Vec<u8>,
}

/// A verdict and its reply. In JSON: `verdict` (`happened`, `wanted`, `answered`, `unresolved`, `ignored`, `refused` or
/// `unavailable`), `events`, `problem` and `reply` (each of these two may be null).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(into = "AnswerReport")]
pub struct CallbackAnswer {
    /// What the callback turned out to be.
    pub verdict: Verdict,
    /// The reply, sent once the verdict is stored. `None` if it depends on what is made of the events: then the provider is asked
    /// for it, as for every [`Verdict::Wanted`].
    pub reply: Option<HttpReply>,
}

impl Verdict {
    /// Returns its name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Happened(_) => "happened",
            Verdict::Wanted(_) => "wanted",
            Verdict::Answered => "answered",
            Verdict::Unresolved(_) => "unresolved",
            Verdict::Ignored(_) => "ignored",
            Verdict::Refused(_) => "refused",
            Verdict::Unavailable => "unavailable",
        }
    }

    /// Returns the events that it reports, whether they happened or are wanted.
    pub fn events(&self) -> &[ProvedEvent] {
        match self {
            Verdict::Happened(events) => events,
            Verdict::Wanted(event) => std::slice::from_ref(event),
            _ => &[],
        }
    }

    /// Returns the problem that it reports.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Verdict::Unresolved(problem) | Verdict::Ignored(problem) | Verdict::Refused(problem) => Some(problem),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct AnswerReport {
    verdict: &'static str,
    events: Vec<ProvedEvent>,
    problem: Option<Problem>,
    reply: Option<HttpReply>,
}

impl From<CallbackAnswer> for AnswerReport {
    fn from(CallbackAnswer { verdict, reply }: CallbackAnswer) -> AnswerReport {
        AnswerReport { verdict: verdict.name(), events: verdict.events().to_vec(), problem: verdict.problem().cloned(), reply }
    }
}

#[cfg(test)]
mod tests {
    use money::Currency;

    use super::*;
    use crate::amount::Money;
    use crate::event::{EventKind, Facts, Recurrence};

    #[test]
    fn requests_as_people_write_them() {
        let read = |text: &str| serde_json::from_str::<CallbackRequest>(text).unwrap();
        let request = read(r#"{"method": "POST", "body": "a=1"}"#);
        assert_eq!((request.method, request.body.as_slice(), request.received_at), (HttpMethod::Post, &b"a=1"[..], 0));
        let request = read(r#"{"method": "get", "query": "a=1", "body": {"base64": "/w=="}, "headers": {"host": "x"}}"#);
        assert_eq!((request.body.as_slice(), request.headers), (&b"\xff"[..], vec![("host".into(), "x".into())]));
        let error = serde_json::from_str::<CallbackRequest>(r#"{"method": "POST", "boddy": ""}"#).unwrap_err();
        assert!(error.to_string().contains("boddy"), "{error}");
    }

    #[test]
    fn answers_as_programs_read_them() {
        let problem = Problem::new("c", "m");
        let reply = HttpReply { status: 403, headers: vec![("a".into(), "b".into())], body: b"\xff".to_vec() };
        let answer = CallbackAnswer { verdict: Verdict::Refused(problem), reply: Some(reply) };
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"verdict":"refused","events":[],"problem":{"code":"c","field":null,"row":null,"message":"m"},"reply":{"status":403,"headers":[["a","b"]],"body":{"base64":"/w=="}}}"#
        );
        let facts = Facts {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: "7".parse().unwrap(),
            original: None,
            ends_hold: None,
            expires_at: None,
            account: None,
            order: Some("42".parse().unwrap()),
            payer: None,
            amount: Money { minor_units: 100, currency: Currency::RUB },
            occurred_at: None,
        };
        let event = ProvedEvent {
            facts,
            comment: "Card".into(),
            dedup_key: "k".parse().unwrap(),
            fee: None,
            extra: vec![("a".into(), "b".into())],
        };
        let answer = CallbackAnswer { verdict: Verdict::Happened(vec![event]), reply: None };
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"verdict":"happened","events":[{"kind":"payment","recurrence":"single","transaction":"7","original":null,"ends_hold":null,"expires_at":null,"order":"42","account":null,"payer":null,"amount":{"minor_units":100,"currency":"RUB"},"occurred_at":null,"comment":"Card","dedup_key":"k","fee":null,"extra":[["a","b"]]}],"problem":null,"reply":null}"#
        );
    }
}
