//! The test vectors that a provider's author writes beside the provider: a merchant to test with, and callbacks with their
//! expected verdicts.

use std::fmt;

use domain::{CallbackRequest, EventKind, Fields, Money, Recurrence};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::answers::Answers;
use crate::function_call::FunctionCall;

/// The most events of one callback, by the contract.
const EVENTS_MAX: usize = 100;

/// How an amount is written.
const AMOUNT: &str = "write {\"minor_units\": 10000, \"currency\": \"RUB\"}";

/// The names of an event's fields in JSON.
const EVENT_FIELDS: [&str; 15] = [
    "kind",
    "recurrence",
    "transaction",
    "original",
    "ends_hold",
    "expires_at",
    "order",
    "account",
    "payer",
    "amount",
    "fee",
    "occurred_at",
    "comment",
    "dedup_key",
    "extra",
];

/// A merchant to test with, and samples of callbacks.
///
/// In JSON:
///
/// ```json
/// {
///   "settings": { "product-id": "001234-0001-0001", "shared-sec": "a made-up secret" },
///   "order-is-signed": false,
///   "secrets": ["shared-sec"],
///   "callbacks": [
///     { "name": "a payment", "request": { "method": "POST", "body": "…" }, "verdict": "happened",
///       "event": { "kind": "payment", "amount": { "minor_units": 10000, "currency": "RUB" } } },
///     { "name": "two payments at once", "request": { "method": "POST", "body": "…" }, "verdict": "happened",
///       "events": [{ "kind": "payment", "order": "42" }, { "kind": "payment", "order": "43" }] },
///     { "name": "a check of a paid order", "request": { "method": "POST", "body": "…" }, "verdict": "answered",
///       "answers": [{ "order": "42", "is": { "amount": { "minor_units": 10000, "currency": "RUB" }, "paid": true } }] },
///     { "name": "a forged one", "request": { "method": "POST", "body": "…" }, "verdict": "refused",
///       "code": "signature-mismatch" }
///   ]
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Vectors {
    /// The merchant's settings. Use made-up secrets of at least 8 characters that occur nowhere else in the vectors.
    pub settings: Fields,
    /// Whether the payment system signs the order, so that a callback whose order was changed must be refused. The contract
    /// does not require it: a host binds a payment to an order of its own.
    pub order_is_signed: bool,
    /// Whether there are callbacks to take. `false` is for a provider without payments, which only exports: each sample must be
    /// refused, and whatever else comes in. In JSON `takes-callbacks`; if it is left out, `true`.
    pub takes_callbacks: bool,
    /// Callbacks as they arrive. At least one accepted payment is required; a refund, a chargeback, a hold, a declined payment
    /// and a forgery make the checks stronger.
    pub callbacks: Vec<Sample>,
    /// Links, statuses, refunds, charges and reports, with what is to come of them. At least one of each function of the
    /// component's abilities is required.
    pub operations: Vec<OperationSample>,
    /// The names of settings that are secrets, whatever the provider's description says. Each must be declared as a secret, and
    /// its value must occur in no answer.
    pub secrets: Vec<String>,
    /// Those of `secrets` that may be declared as another kind, because a person accepted it. Their values stay secret.
    pub relabelled: Vec<String>,
}

/// A callback and its expected verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// The name of the case, for people.
    pub name: String,
    /// The request as it arrives.
    pub request: CallbackRequest,
    /// The answers to what the provider asks about it. All else that it asks is unanswered.
    pub answers: Answers,
    /// The expected verdict.
    pub expected: Expected,
}

/// A call of a function that may ask, and what is to come of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationSample {
    /// The name of the case, for people.
    pub name: String,
    /// The function and its input.
    pub function: FunctionCall,
    /// The answers to what the provider asks and to the calls that it has made. All else is unanswered.
    pub answers: Answers,
    /// The fields that the result must have, by the names of [`FunctionResult::to_json`](crate::FunctionResult::to_json). In
    /// an object or a list of objects, only the names that are given are compared.
    pub expect: Map<String, Value>,
}

/// The verdict that a sample must get.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Events happened, each in its place with these fields equal; if there is none here, any events. `extra` may be an object: then
    /// only the names in it are compared.
    Happened(Vec<Map<String, Value>>),
    /// An event is wanted, with these fields equal, as for one that happened.
    Wanted(Map<String, Value>),
    /// Answered, without an event.
    Answered,
    /// Unresolved, with this code if one is given.
    Unresolved(Option<String>),
    /// Ignored, with this code if one is given.
    Ignored(Option<String>),
    /// Refused, with this code if one is given.
    Refused(Option<String>),
    /// Not judged, because a question or a call was not answered.
    Unavailable,
}

/// Why vectors cannot be read. The error holds no value of a setting.
#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    /// The input is not JSON.
    #[error("it is no JSON: line {line}, column {column}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A part of the vectors is invalid.
    #[error("{place}: {what}")]
    Form {
        /// Such as `callbacks[2] "a payment"`.
        place: String,
        /// What is wrong and what to do.
        what: String,
    },
}

impl fmt::Debug for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.settings.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Vectors")
            .field("settings", &names)
            .field("order_is_signed", &self.order_is_signed)
            .field("takes_callbacks", &self.takes_callbacks)
            .field("callbacks", &self.callbacks)
            .field("operations", &self.operations)
            .field("secrets", &self.secrets)
            .field("relabelled", &self.relabelled)
            .finish()
    }
}

impl Vectors {
    /// Makes vectors without samples, for a host that knows a merchant's settings and has no callbacks yet.
    pub fn of_settings(settings: Fields) -> Vectors {
        let (callbacks, operations) = (Vec::new(), Vec::new());
        let (secrets, relabelled) = (Vec::new(), Vec::new());
        Vectors { settings, order_is_signed: false, takes_callbacks: true, callbacks, operations, secrets, relabelled }
    }

    /// Parses vectors from JSON.
    ///
    /// # Errors
    /// [`VectorsError`] with the place of the fault. An unknown name is an error too, since a misspelt `event` would check
    /// nothing.
    pub fn from_json(json: &[u8]) -> Result<Vectors, VectorsError> {
        let value: Value =
            serde_json::from_slice(json).map_err(|error| VectorsError::Json { line: error.line(), column: error.column() })?;
        let mut top = Object::new("the whole", value)?;
        let settings = Object::new("settings", top.required("settings")?)?.texts()?;
        let order_is_signed = top.flag("order-is-signed", false)?;
        let takes_callbacks = top.flag("takes-callbacks", true)?;
        let callbacks = top.list("callbacks", sample)?;
        let operations = top.list("operations", operation)?;
        let secrets = match top.take("secrets") {
            None => Vec::new(),
            Some(names) => secret_names(names, &settings)?,
        };
        top.end()?;
        require_unique("callbacks", callbacks.iter().map(|sample| &sample.name))?;
        require_unique("operations", operations.iter().map(|sample| &sample.name))?;
        let is_refused = |sample: &&Sample| matches!(sample.expected, Expected::Refused(_));
        if let Some(Sample { name, .. }) = callbacks.iter().find(|sample| !takes_callbacks && !is_refused(sample)) {
            return Err(form("takes-callbacks", format!("it is false, so {name:?} must be refused")));
        }
        Ok(Vectors { callbacks, operations, secrets, order_is_signed, takes_callbacks, ..Vectors::of_settings(settings) })
    }
}

/// Refuses two samples of one name.
fn require_unique<'n>(list: &str, names: impl Iterator<Item = &'n String> + Clone) -> Result<(), VectorsError> {
    match names.clone().enumerate().find(|(at, name)| names.clone().take(*at).any(|earlier| earlier == *name)) {
        None => Ok(()),
        Some((at, name)) => {
            Err(form(&format!("{list}[{at}]"), format!("the name {name:?} is given twice; name each its own way")))
        }
    }
}

/// Parses the names of secrets. Each must name an existing setting: a misspelt one would check nothing.
fn secret_names(names: Value, settings: &Fields) -> Result<Vec<String>, VectorsError> {
    let names: Vec<String> =
        serde_json::from_value(names).map_err(|_| form("secrets", "it is a list of the names of settings"))?;
    match names.iter().find(|name| !settings.iter().any(|(other, _)| other == *name)) {
        None => Ok(names),
        Some(name) => Err(form("secrets", format!("{name:?} is not one of the settings"))),
    }
}

fn sample((at, value): (usize, Value)) -> Result<Sample, VectorsError> {
    let mut object = Object::new(&format!("callbacks[{at}]"), value)?;
    let name = object.required_text("name")?;
    object.place = format!("callbacks[{at}] {name:?}");
    let request: CallbackRequest = serde_json::from_value(object.required("request")?)
        .map_err(|error| form(&format!("{}, request", object.place), error.to_string()))?;
    let answers = object.take("answers").map_or_else(|| Ok(Answers::default()), Answers::from_json);
    let answers = answers.map_err(|what| form(&object.place, what))?;
    let verdict = object.required_text("verdict")?;
    let (event, events, code) = (object.take("event"), object.take("events"), object.text("code")?);
    if events.is_some() && (event.is_some() || verdict != "happened") {
        return Err(form(&object.place, "\"events\" is for a callback that happened, in place of \"event\""));
    }
    let expected = match (verdict.as_str(), event, code) {
        ("happened", event, None) => Expected::Happened(event_list(&object.place, event, events)?),
        ("wanted", event, None) => {
            let fields = event.map_or_else(|| Ok(Map::new()), |event| event_fields(&object.place, event))?;
            Expected::Wanted(fields)
        }
        ("answered", None, None) => Expected::Answered,
        ("unresolved", None, code) => Expected::Unresolved(code),
        ("ignored", None, code) => Expected::Ignored(code),
        ("refused", None, code) => Expected::Refused(code),
        ("unavailable", None, None) => Expected::Unavailable,
        ("happened" | "wanted" | "answered" | "unavailable", _, Some(_)) => {
            return Err(form(&object.place, "only a callback that is unresolved, ignored or refused has a code"));
        }
        ("answered" | "unresolved" | "ignored" | "refused" | "unavailable", Some(_), _) => {
            return Err(form(&object.place, "only a callback that happened or is wanted has an event"));
        }
        _ => {
            let verdicts = "verdict is happened, wanted, answered, unresolved, ignored, refused or unavailable";
            return Err(form(&object.place, verdicts));
        }
    };
    object.end()?;
    Ok(Sample { name, request, answers, expected })
}

fn operation((at, value): (usize, Value)) -> Result<OperationSample, VectorsError> {
    let mut object = Object::new(&format!("operations[{at}]"), value)?;
    let name = object.required_text("name")?;
    object.place = format!("operations[{at}] {name:?}");
    let (function, input) = (object.required_text("function")?, object.required("input")?);
    if !FunctionCall::FUNCTIONS.contains(&function.as_str()) {
        let all = FunctionCall::FUNCTIONS.join(", ");
        return Err(form(&object.place, format!("there is no function {function:?}; it is one of {all}")));
    }
    let function = FunctionCall::from_json(&function, input);
    let function = function.map_err(|what| form(&format!("{}, input", object.place), what))?;
    let answers = object.take("answers").map_or_else(|| Ok(Answers::default()), Answers::from_json);
    let answers = answers.map_err(|what| form(&object.place, what))?;
    let Value::Object(expect) = object.required("expect")? else {
        return Err(form(&object.place, "\"expect\" is an object: the fields of the result"));
    };
    // Without it a sample would hold whatever comes of it.
    if !expect.contains_key("result") {
        return Err(form(&object.place, "\"expect\" has no \"result\", such as \"done\""));
    }
    require_events(&object.place, &expect)?;
    object.end()?;
    Ok(OperationSample { name, function, answers, expect })
}

/// Parses the expected events of a callback that happened: the one in `event`, or those in `events`.
fn event_list(place: &str, event: Option<Value>, events: Option<Value>) -> Result<Vec<Map<String, Value>>, VectorsError> {
    match (event, events) {
        (Some(event), _) => Ok(vec![event_fields(place, event)?]),
        (None, None) => Ok(Vec::new()),
        (None, Some(Value::Array(events))) if (1..=EVENTS_MAX).contains(&events.len()) => {
            let fields = |(at, event)| event_fields(&format!("{place}, events[{at}]"), event);
            events.into_iter().enumerate().map(fields).collect()
        }
        (None, Some(_)) => Err(form(place, format!("\"events\" is a list of 1 to {EVENTS_MAX} events"))),
    }
}

fn event_fields(place: &str, event: Value) -> Result<Map<String, Value>, VectorsError> {
    let Value::Object(fields) = event else { return Err(form(place, "an event is an object")) };
    if let Some(name) = fields.keys().find(|name| !EVENT_FIELDS.contains(&name.as_str())) {
        return Err(form(place, format!("an event has no {name:?}; it has {} (in snake_case)", EVENT_FIELDS.join(", "))));
    }
    let mut wrong = fields.iter().filter_map(|(name, value)| wrong_value(name, value).map(|what| (name, what)));
    match wrong.next() {
        None => Ok(fields),
        Some((name, what)) => Err(form(place, format!("the event's {name:?}: {what}"))),
    }
}

/// Returns what is wrong with an event's value: one that no event can have would make the provider look wrong.
fn wrong_value(name: &str, value: &Value) -> Option<String> {
    fn problem<T: DeserializeOwned>(value: &Value) -> Option<String> {
        T::deserialize(value).err().map(|error| error.to_string())
    }
    match name {
        "kind" => problem::<EventKind>(value),
        "recurrence" => problem::<Recurrence>(value),
        "amount" => problem::<Money>(value).map(|what| format!("{what}; {AMOUNT}")),
        "fee" => problem::<Option<Money>>(value).map(|what| format!("{what}; {AMOUNT}, or null")),
        "expires_at" => problem::<Option<u64>>(value),
        "transaction" | "comment" | "dedup_key" => problem::<String>(value),
        "extra" => match value {
            Value::Object(_) | Value::Array(_) => None,
            _ => Some("it is an object, or a list of pairs".to_owned()),
        },
        _ => problem::<Option<String>>(value),
    }
}

/// Refuses in the expected result of an operation what no event can have. An amount may be given in part there.
fn require_events(place: &str, expect: &Map<String, Value>) -> Result<(), VectorsError> {
    let listed = expect.get("events").and_then(Value::as_array).into_iter().flatten();
    for event in expect.get("event").into_iter().chain(listed) {
        let Value::Object(fields) = event else { continue };
        let is_partial = |name: &str, value: &Value| matches!(name, "amount" | "fee") && value.is_object();
        let whole = fields.iter().filter(|(name, value)| !is_partial(name, value));
        event_fields(
            &format!("{place}, expect"),
            Value::Object(whole.map(|(name, value)| (name.clone(), value.clone())).collect()),
        )?;
    }
    Ok(())
}

fn form(place: &str, what: impl Into<String>) -> VectorsError {
    VectorsError::Form { place: place.to_owned(), what: what.into() }
}

/// An object whose names are taken one after another, so that an unknown one is found at the end.
struct Object {
    place: String,
    names: Map<String, Value>,
}

impl Object {
    fn new(place: &str, value: Value) -> Result<Object, VectorsError> {
        match value {
            Value::Object(names) => Ok(Object { place: place.to_owned(), names }),
            _ => Err(form(place, "it is an object: { … }")),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.names.remove(name)
    }

    fn required(&mut self, name: &str) -> Result<Value, VectorsError> {
        self.take(name).ok_or_else(|| form(&self.place, format!("{name:?} is missing")))
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, VectorsError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(form(&self.place, format!("{name:?} is a text"))),
        }
    }

    fn flag(&mut self, name: &str, default: bool) -> Result<bool, VectorsError> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(form(name, "it is true or false")),
        }
    }

    fn list<T>(
        &mut self,
        name: &str,
        element: impl Fn((usize, Value)) -> Result<T, VectorsError>,
    ) -> Result<Vec<T>, VectorsError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(elements)) => elements.into_iter().enumerate().map(element).collect(),
            Some(_) => Err(form(name, "it is a list")),
        }
    }

    fn required_text(&mut self, name: &str) -> Result<String, VectorsError> {
        self.text(name)?.ok_or_else(|| form(&self.place, format!("{name:?} is missing")))
    }

    /// Returns all names with their texts. The error does not show a value that is not a text, since it may be a secret.
    fn texts(self) -> Result<Fields, VectorsError> {
        let Object { place, names } = self;
        let text = |(name, value): (String, Value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(form(&place, format!("{name:?} is no text; write every setting as a text, numbers and flags too"))),
        };
        names.into_iter().map(text).collect()
    }

    fn end(self) -> Result<(), VectorsError> {
        match self.names.keys().next() {
            None => Ok(()),
            Some(name) => Err(form(&self.place, format!("{name:?} is not known here"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
        "settings": {"shop": "17", "key": "a secret of tests"}, "secrets": ["key"],
        "callbacks": [
            {"name": "a payment", "request": {"method": "POST", "body": "a=1"}, "verdict": "happened",
             "event": {"kind": "payment", "amount": {"minor_units": 1, "currency": "RUB"}}},
            {"name": "a test", "request": {"method": "GET"}, "verdict": "ignored"},
            {"name": "a forgery", "request": {"method": "POST"}, "verdict": "refused", "code": "signature-mismatch"}
        ],
        "operations": [
            {"name": "an end", "function": "cancel-recurring", "input": {"payment": {}}, "expect": {"result": "cancelled"}}
        ]
    }"#;

    #[test]
    fn vectors_are_read() {
        let vectors = Vectors::from_json(GOOD.as_bytes()).unwrap();
        assert_eq!((vectors.settings.len(), &vectors.secrets[..]), (2, &["key".to_owned()][..]));
        assert!(
            !vectors.order_is_signed
                && Vectors::from_json(br#"{"settings": {}, "order-is-signed": true}"#).unwrap().order_is_signed
        );
        assert_eq!(vectors.callbacks[0].request.body, b"a=1");
        assert_eq!(vectors.callbacks[2].expected, Expected::Refused(Some("signature-mismatch".to_owned())));
        assert!(
            matches!(&vectors.callbacks[0].expected, Expected::Happened(events) if events.len() == 1 && events[0]["kind"] == "payment")
        );
        assert!(!format!("{vectors:?}").contains("a secret of tests"), "settings cannot be printed");
    }

    #[test]
    fn errors_say_where() {
        for (from, to, words) in [
            ("\"callbacks\"", "\"callback\"", "the whole: \"callback\" is not known here"),
            ("\"settings\"", "\"setting\"", "the whole: \"settings\" is missing"),
            ("\"17\"", "17", "settings: \"shop\" is no text"),
            ("\"POST\", \"body\"", "\"POST\", \"boddy\"", "callbacks[0] \"a payment\", request: unknown field `boddy`"),
            ("\"verdict\": \"ignored\"", "\"verdict\": \"skipped\"", "callbacks[1] \"a test\": verdict is"),
            ("\"minor_units\": 1,", "\"minor_units\": 1", "line 5, column"),
            ("\"kind\"", "\"sort\"", "callbacks[0] \"a payment\": an event has no \"sort\""),
            (
                "\"verdict\": \"ignored\"",
                "\"verdict\": \"ignored\", \"event\": {}",
                "only a callback that happened or is wanted",
            ),
            ("\"verdict\": \"happened\",", "\"verdict\": \"happened\", \"code\": \"x\",", "only a callback that is unresolved"),
            ("\"verdict\": \"ignored\"", "\"verdict\": \"ignored\", \"answers\": {}", "\"a test\": it is a list of answers"),
            ("\"verdict\": \"ignored\"", "\"verdict\": \"unavailable\", \"code\": \"x\"", "only a callback that is unresolved"),
            ("\"name\": \"a test\",", "", "callbacks[1]: \"name\" is missing"),
            ("\"a forgery\"", "\"a test\"", "callbacks[2]: the name \"a test\" is given twice"),
            ("\"code\"", "\"problem\"", "callbacks[2] \"a forgery\": \"problem\" is not known here"),
            ("\"secrets\": [\"key\"]", "\"secrets\": [\"kay\"]", "secrets: \"kay\" is not one of the settings"),
            ("\"secrets\": [\"key\"]", "\"secrets\": \"key\"", "secrets: it is a list of the names"),
            ("cancel-recurring", "cancel", "operations[0] \"an end\": there is no function \"cancel\""),
            ("\"payment\": {}", "\"payments\": {}", "operations[0] \"an end\", input: unknown field `payments`"),
            ("\"payment\": {}", "", "operations[0] \"an end\", input: missing field `payment`"),
            (
                "\"kind\": \"payment\"",
                "\"kind\": \"holds\"",
                "callbacks[0] \"a payment\": the event's \"kind\": unknown variant `holds`",
            ),
            (
                "{\"minor_units\": 1, \"currency\": \"RUB\"}",
                "100",
                "callbacks[0] \"a payment\": the event's \"amount\": invalid type: integer `100`, expected",
            ),
            ("\"event\": {", "\"event\": {\"order\": 42, ", "the event's \"order\": invalid type: integer `42`"),
            ("\"event\": {", "\"event\": {\"extra\": 1, ", "the event's \"extra\": it is an object, or a list of pairs"),
            (
                "{\"result\": \"cancelled\"}",
                "{\"result\": \"done\", \"events\": [{\"kind\": \"holds\"}]}",
                "operations[0] \"an end\", expect: the event's \"kind\": unknown variant `holds`",
            ),
            (
                "{\"result\": \"cancelled\"}",
                "{\"result\": \"succeeded\", \"event\": {\"amount\": 100}}",
                "operations[0] \"an end\", expect: the event's \"amount\"",
            ),
            ("\"result\": \"cancelled\"", "\"results\": 1", "operations[0] \"an end\": \"expect\" has no \"result\""),
            ("\"expect\": {", "\"answers\": 1, \"expect\": {", "operations[0] \"an end\": it is a list of answers"),
            ("\"event\"", "\"events\"", "callbacks[0] \"a payment\": \"events\" is a list of 1 to 100 events"),
            ("\"event\": {", "\"events\": [], \"event\": {", "in place of \"event\""),
            ("\"event\": {", "\"event\": 1, \"x\": {", "an event is an object"),
            ("\"secrets\"", "\"takes-callbacks\": \"no\", \"secrets\"", "takes-callbacks: it is true or false"),
            ("\"secrets\"", "\"takes-callbacks\": false, \"secrets\"", "takes-callbacks: it is false, so \"a payment\" must"),
        ] {
            let json = GOOD.replacen(from, to, 1);
            assert_ne!(json, GOOD, "{from}");
            let error = Vectors::from_json(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("a secret of tests"), "{error}");
        }
    }
}
