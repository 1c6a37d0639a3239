//! Callbacks of payment systems whose providers ask: any request, with any answers to what is asked and to what is called.
//!
//! An input is a list of records: the request, then one answer after another. A request has three values: `G` or `POST`'s `P` with the
//! path, the proof, and the content. `S` is a `P` that is signed here.

use std::sync::OnceLock;

use ::cloudpayments::CloudPayments;
use ::osmp::Osmp;
use ::tbank::TBank;
use ::yookassa::YooKassa;
use domain::{CallbackRequest, HttpMethod};
use kit::contract::{Event, EventKind, HttpReply, Money, Problem, Recurrence, Verdict};
use kit::exchanges::{
    AccountState, Exchange, HttpExchange, HttpResponse, HttpResult, Movement, MovementName, MovementState, MovementsPage,
    NoAnswer, OrderState, Outcome, Question,
};
use kit::{Asking, CallbackStep, Context, Provider, Stop};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{cloudpayments, convert, osmp, tbank, yookassa};

/// A provider asks a few questions; more would mean that it does not end.
const STEPS_MAX: usize = 24;
const ANSWER: u8 = 0x1E;
const VALUE: u8 = 0x1F;
const HMAC_BLOCK_BYTES: usize = 64;

/// What came of a callback.
struct Judged {
    events: Vec<Event>,
    /// Whether it was refused as not genuine.
    is_refused: bool,
    /// Whether a call was answered with status 200.
    is_confirmed: bool,
}

/// Takes a provider to a result, twice, and checks what holds for each of them.
fn judged(provider: &impl Asking, request: &CallbackRequest, answers: &[&[u8]]) -> Judged {
    let (judged, told) = drive(provider, request, answers);
    assert_eq!(drive(provider, request, answers).1, told, "the same input has the same result");
    for event in &judged.events {
        assert!(event.amount.minor_units >= 0, "{event:?}");
        // It panics if an identifier or the currency breaks the contract's rules.
        convert::event(event.clone());
    }
    judged
}

fn drive(provider: &impl Asking, request: &CallbackRequest, answers: &[&[u8]]) -> (Judged, String) {
    let request = convert::request(request.clone());
    let mut answers = answers.iter().copied();
    let mut told = kit::exchanges::Context {
        now: request.received_at,
        asked: Vec::new(),
        called: Vec::new(),
        outcomes: Vec::new(),
        movements: Vec::new(),
        extra: Vec::new(),
    };
    let mut events = Vec::new();
    for _ in 0..STEPS_MAX {
        let mut next = || answers.next().unwrap_or_default();
        let (step, is_refused) = match Asking::handle_callback(provider, &request, &Context::from(told.clone())) {
            Err(Stop::Ask(questions)) => {
                assert!(!questions.is_empty(), "it asks something");
                for question in questions {
                    let exchange = answer(question, next(), &mut told.movements);
                    told.asked.push(exchange);
                }
                continue;
            }
            Err(Stop::Call(call)) => {
                assert!(call.url.starts_with("https://") && call.url.is_ascii(), "{}", call.url);
                told.called.push(HttpExchange { call: *call, answer: result(next()) });
                continue;
            }
            Err(Stop::Record(happened)) => {
                told.outcomes = happened.iter().map(|event| outcome(event, next(), &mut told.movements)).collect();
                assert!(events.is_empty() && !happened.is_empty(), "it reports its events once");
                events = happened;
                continue;
            }
            Err(Stop::Want(event)) => {
                told.outcomes = vec![outcome(&event, next(), &mut told.movements)];
                assert!(events.is_empty(), "it has one wish");
                events = vec![*event];
                continue;
            }
            Err(Stop::Unavailable) => (format!("{:?}", check_reply(provider.unavailable(&request))), false),
            Ok(CallbackStep::Unavailable(reply) | CallbackStep::Answered(reply)) => {
                (format!("{:?}", check_reply(reply)), false)
            }
            Ok(CallbackStep::Done(answer)) => {
                let is_refused = matches!(answer.verdict, Verdict::Refused(_));
                let said = format!("{answer:?}");
                check_reply(answer.reply);
                if let Verdict::Happened(happened) = answer.verdict {
                    assert!(!happened.is_empty() && events.is_empty(), "{said}");
                    events = happened;
                }
                (said, is_refused)
            }
            Ok(step) => panic!("a provider of the kit returns this by `Stop`: {step:?}"),
        };
        let is_200 = |result: &HttpResult| matches!(result, HttpResult::Response(HttpResponse { status: 200, .. }));
        let is_confirmed = told.called.iter().any(|exchange| is_200(&exchange.answer));
        let all = format!("{step} {events:?}");
        return (Judged { events, is_refused, is_confirmed }, all);
    }
    panic!("it does not end after {STEPS_MAX} steps");
}

fn check_reply(reply: HttpReply) -> HttpReply {
    assert!((200..600).contains(&reply.status) && std::str::from_utf8(&reply.body).is_ok(), "{reply:?}");
    reply
}

/// The result of a call: `-` for one that was not sent, the first digit of a status with a body, or none.
fn result(bytes: &[u8]) -> HttpResult {
    match bytes.split_first() {
        Some((b'-', _)) => HttpResult::NotSent("no connection".to_owned()),
        Some((digit @ b'2'..=b'5', body)) => {
            let status = u16::from(digit - b'0') * 100 + u16::from(*digit == b'4') * 4;
            HttpResult::Response(HttpResponse { status, headers: Vec::new(), body: body.to_vec() })
        }
        _ => HttpResult::Unknown("no answer".to_owned()),
    }
}

/// The answer to a question: amounts in minor units, separated by commas, the first of an order, an account or a movement, the others
/// of refunds; `-` if there is nothing; anything else is no answer. An account alone can have less than nothing.
fn answer(question: Question, bytes: &[u8], movements: &mut Vec<Movement>) -> Exchange {
    let text = String::from_utf8_lossy(bytes);
    let is_account = matches!(question, Question::Account(_));
    let amount = |text: &str| text.parse().ok().filter(|amount: &i64| is_account || *amount >= 0);
    let amounts: Vec<i64> = text.split(',').map_while(amount).collect();
    let answered = match amounts.first() {
        Some(amount) => Ok(Some(*amount)),
        None if text == "-" => Ok(None),
        None => Err(NoAnswer::Unavailable),
    };
    match question {
        Question::Order(id) => {
            let order = |amount| OrderState {
                account: "100500".to_owned(),
                amount: rub(amount),
                description: String::new(),
                expires_at: None,
                paid_by: None,
                held_by: None,
                closed_at: amounts.get(1).map(|_| 7),
                extra: Vec::new(),
            };
            Exchange::Order((id, answered.map(|amount| amount.map(order))))
        }
        Question::Account(query) => {
            let code = ["account-inactive", "amount-out-of-range", "forbidden", "another"];
            let refusal = amounts.get(1).map(|at| code[usize::try_from(*at).unwrap_or_default() % code.len()]);
            let account = |amount| AccountState {
                number: query.number.clone(),
                refusal: refusal.map(|code| Problem { code: code.to_owned(), field: None, row: None, message: Vec::new() }),
                holder: "Иванов И. И.".to_owned(),
                address: String::new(),
                balance: Some(rub(amount)),
                due: None,
                extra: Vec::new(),
            };
            let state = answered.map(|amount| amount.map(account));
            Exchange::Account((query, state))
        }
        Question::Movement(name) => {
            let key = match &name {
                MovementName::Key(key) => key.clone(),
                MovementName::Id(id) => format!("payment:{id}"),
            };
            let state = answered.map(|amount| amount.map(|_| recorded(&key, &amounts, movements)));
            Exchange::Movement((name, state))
        }
        Question::Movements(query) => Exchange::Movements((query, Ok(MovementsPage { movements: Vec::new(), more: false }))),
        Question::Other(question) => Exchange::Other((question, Err(NoAnswer::Unsupported))),
    }
}

fn rub(minor_units: i64) -> Money {
    Money { minor_units, currency: "RUB".to_owned() }
}

/// Makes a movement of the first amount, and refunds of it of the others.
fn recorded(key: &str, amounts: &[i64], movements: &mut Vec<Movement>) -> MovementState {
    let (kind, transaction) = key.split_once(':').unwrap_or(("payment", key));
    let kind = match kind {
        "hold" => EventKind::Hold,
        "hold-release" => EventKind::HoldRelease,
        "refund" => EventKind::Refund,
        "declined" => EventKind::Declined,
        _ => EventKind::Payment,
    };
    let mut add = |kind, key: String, original: Option<&str>, amount| {
        let event = Event {
            kind,
            recurrence: Recurrence::Single,
            transaction: transaction.to_owned(),
            original: original.map(str::to_owned),
            ends_hold: None,
            expires_at: None,
            order: Some("42".to_owned()),
            account: Some("100500".to_owned()),
            payer: None,
            amount: rub(amount),
            fee: None,
            occurred_at: None,
            comment: String::new(),
            dedup_key: key,
            extra: Vec::new(),
        };
        let index = u32::try_from(movements.len()).expect("they are few");
        movements.push(Movement { id: (index + 1).to_string(), event, recorded_at: 0, extra: Vec::new() });
        index
    };
    let movement = add(kind, key.to_owned(), None, amounts.first().copied().unwrap_or_default());
    let refunds = amounts.iter().skip(1).enumerate();
    let later =
        refunds.map(|(at, amount)| add(EventKind::Refund, format!("refund:{transaction}:{at}"), Some(transaction), *amount));
    let later = later.collect();
    MovementState { movement, later }
}

/// What the host made of an event, by the first byte of an answer.
fn outcome(event: &Event, bytes: &[u8], movements: &mut Vec<Movement>) -> Outcome {
    let index = u32::try_from(movements.len()).expect("they are few");
    movements.push(Movement { id: (index + 1).to_string(), event: event.clone(), recorded_at: 0, extra: Vec::new() });
    let state = MovementState { movement: index, later: Vec::new() };
    match bytes.first() {
        Some(b'E') => Outcome::Entered(state),
        Some(b'R') => Outcome::Repeated(state),
        Some(b'C') => Outcome::Conflict(state),
        Some(b'K') => Outcome::Kept(state),
        Some(b'N') => {
            let code = String::from_utf8_lossy(bytes.get(1..).unwrap_or_default()).into_owned();
            Outcome::Refused(Problem { code, field: None, row: None, message: Vec::new() })
        }
        _ => Outcome::Unavailable,
    }
}

/// Reads an input. `sign` returns the content and the proof of a request that is signed here.
fn input(bytes: &[u8], sign: impl Fn(&[u8]) -> (Vec<u8>, String)) -> (CallbackRequest, Vec<&[u8]>) {
    let mut records = bytes.split(|byte| *byte == ANSWER);
    let request = records.next().unwrap_or_default();
    let mut values = request.splitn(3, |byte| *byte == VALUE);
    let mut value = || values.next().unwrap_or_default();
    let (first, proof, content) = (value(), value(), value());
    let (kind, path) = first.split_first().unwrap_or((&b'P', b""));
    let (content, proof) = match kind {
        b'S' => sign(content),
        _ => (content.to_vec(), String::from_utf8_lossy(proof).into_owned()),
    };
    let path = String::from_utf8_lossy(path).into_owned();
    let headers = if proof.is_empty() { Vec::new() } else { vec![("content-hmac".to_owned(), proof)] };
    let request = match kind {
        b'G' => CallbackRequest { method: HttpMethod::Get, ..CallbackRequest::get(String::from_utf8_lossy(&content)) },
        _ => CallbackRequest::post(content),
    };
    (CallbackRequest { path, headers, received_at: 1_795_860_000, ..request }, records.collect())
}

fn unsigned(content: &[u8]) -> (Vec<u8>, String) {
    (content.to_vec(), String::new())
}

fn configured<P: Provider>(settings: Vec<(String, String)>) -> P {
    P::configure(&settings).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A notification of CloudPayments. Whatever is not refused is proved by the HMAC of its body, or of a GET's query.
pub fn cloudpayments_callback(bytes: &[u8]) {
    static MERCHANT: OnceLock<CloudPayments> = OnceLock::new();
    let merchant = MERCHANT.get_or_init(|| configured(cloudpayments::settings(&[])));
    let (request, answers) = input(bytes, |content| (content.to_vec(), content_hmac(content)));
    let judged = judged(merchant, &request, &answers);
    let content = if request.method == HttpMethod::Get { request.query.as_bytes() } else { &request.body };
    let is_proved = request.headers.iter().any(|(_, proof)| *proof == content_hmac(content));
    assert!(is_proved || (judged.is_refused && judged.events.is_empty()), "it is not signed");
    assert!(!(is_proved && bytes.first() == Some(&b'S') && judged.is_refused), "it is signed");
}

/// Returns the proof of CloudPayments for a content, without the provider's code: base64 of HMAC-SHA256.
fn content_hmac(content: &[u8]) -> String {
    let pad = |with: u8| {
        let mut key = [0; HMAC_BLOCK_BYTES];
        key.iter_mut().zip(cloudpayments::API_SECRET.bytes()).for_each(|(byte, of_key)| *byte = of_key);
        key.map(|byte| byte ^ with)
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(content).finalize();
    let code = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for bytes in code.chunks(3) {
        let bits = bytes.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - bytes.len()));
        for place in 0..4 {
            let is_there = place <= bytes.len();
            text.push(if is_there { char::from(alphabet[bits >> (18 - 6 * place) & 0x3f]) } else { '=' });
        }
    }
    text
}

/// A notification of YooKassa. An event comes of an answer of the API alone.
pub fn yookassa_callback(bytes: &[u8]) {
    static MERCHANT: OnceLock<YooKassa> = OnceLock::new();
    let merchant = MERCHANT.get_or_init(|| configured(yookassa::settings(&[])));
    let (request, answers) = input(bytes, unsigned);
    let judged = judged(merchant, &request, &answers);
    assert!(judged.events.is_empty() || judged.is_confirmed, "YooKassa did not say so: {:?}", judged.events);
}

/// A notification of T-Bank. Whatever is not refused has the Token of its fields.
pub fn tbank_callback(bytes: &[u8]) {
    static MERCHANT: OnceLock<TBank> = OnceLock::new();
    let merchant = MERCHANT.get_or_init(|| configured(tbank::settings(&[]).expose().to_vec()));
    let (request, answers) = input(bytes, |content| (with_token(content), String::new()));
    let judged = judged(merchant, &request, &answers);
    if judged.is_refused {
        return assert!(judged.events.is_empty());
    }
    let fields: Value = serde_json::from_slice(&request.body).expect("what is not refused is JSON");
    let given = fields.get("Token").and_then(Value::as_str).expect("what is not refused has a Token");
    // A number is signed as it is written, which this parser keeps of integers alone.
    let is_whole = |value: &Value| !value.is_f64();
    if fields.as_object().is_some_and(|fields| fields.values().all(is_whole)) {
        assert_eq!(given.to_ascii_lowercase(), token(&fields), "it is not signed");
    }
}

/// Returns a notification with its Token; unchanged if it is no object.
fn with_token(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice(body) {
        Ok(mut fields @ Value::Object(_)) => {
            fields["Token"] = token(&fields).into();
            fields.to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

/// Returns the Token of a notification's scalar fields, without the provider's code.
fn token(fields: &Value) -> String {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let all = fields.as_object().into_iter().flatten().filter(|(name, _)| *name != "Token");
    let mut all: Vec<(&str, String)> = all.filter_map(|(name, value)| Some((name.as_str(), scalar(value)?))).collect();
    all.push(("Password", tbank::PASSWORD.to_owned()));
    all.sort_by_key(|(name, _)| *name);
    let text: String = all.into_iter().map(|(_, value)| value).collect();
    hex::encode(Sha256::digest(text))
}

/// A request of a terminal. It wishes for one event at most, and a payment has its account.
pub fn osmp_callback(bytes: &[u8]) {
    static MERCHANTS: OnceLock<[Osmp; 2]> = OnceLock::new();
    let protocol = |name: &str| osmp::native(&[("protocol".to_owned(), name.to_owned())]);
    let merchants = MERCHANTS.get_or_init(|| ["osmp", "sber"].map(protocol));
    let (request, answers) = input(bytes, unsigned);
    for merchant in merchants {
        let judged = judged(merchant, &request, &answers);
        let has_account = |event: &Event| event.kind != EventKind::Payment || event.account.is_some();
        assert!(judged.events.len() <= 1 && judged.events.iter().all(has_account), "{:?}", judged.events);
    }
}

/// Returns seed inputs made of vectors: each callback with its answers, signed if `sign` says so.
pub fn seeds_of(vectors: &[u8], sign: bool) -> Vec<Vec<u8>> {
    let vectors: Value = serde_json::from_slice(vectors).expect("the vectors are JSON");
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let seed = |callback: Value| {
        let request: CallbackRequest = serde_json::from_value(callback["request"].clone()).expect("it is a request");
        let is_get = request.method == HttpMethod::Get;
        let kind = if is_get {
            "G"
        } else if sign {
            "S"
        } else {
            "P"
        };
        let proof = request.headers.first().map_or("", |(_, value)| value);
        let content = if is_get { request.query.as_bytes() } else { &request.body };
        let first = format!("{kind}{}", request.path);
        let mut seed = [first.as_bytes(), proof.as_bytes(), content].join(&VALUE);
        let answers = list(&callback, "answers").into_iter().map(|answer| seed_answer(&answer));
        // What the vectors do not say: a wish is agreed to.
        answers.chain([b"E".to_vec()]).for_each(|answer| seed.extend([&[ANSWER], &answer[..]].concat()));
        seed
    };
    list(&vectors, "callbacks").into_iter().map(seed).collect()
}

fn seed_answer(answer: &Value) -> Vec<u8> {
    let is = &answer["is"];
    let text = match (is, answer.get("call")) {
        (Value::Object(_), Some(_)) => {
            let status = is["status"].as_u64().unwrap_or(200) / 100;
            format!("{status}{}", is["body"].as_str().unwrap_or_default())
        }
        (Value::Object(_), None) => {
            let amount = is["amount"]["minor_units"].as_i64().unwrap_or_default();
            if is.get("refusal").is_some() { format!("{amount},1") } else { amount.to_string() }
        }
        (Value::Null, None) => "-".to_owned(),
        _ => String::new(),
    };
    text.into_bytes()
}
