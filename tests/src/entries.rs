//! One function for each place where bytes come in from outside. Fuzzing and tests call the same functions. Each accepts any
//! bytes, and panics if an invariant does not hold for them.
//!
//! If an input has several values, they are separated by the unit separator (0x1F), and rows by the record separator (0x1E),
//! which texts rarely contain.

mod asking;
mod exports;
mod robokassa;
mod seeds;

use std::borrow::Cow;
use std::sync::OnceLock;

use chronopay::ChronoPay;
use domain::{
    AccountNumber, CallbackAnswer, CallbackRequest, EventKind, ExportOptions, ExportRow, LinkRequest, Money, OrderId,
    PaymentForm, PaymentLink, Problem, Verdict,
};
use kit::contract as native;
use kit::form::Form;
use kit::{Provider as _, form as forms};
use money::Currency;
use sandbox::{Error, Limit, Limits, LoadError, Merchant};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::straight::Straight;
use crate::{SECRET, convert, decode, get, md5_hex, merchant, native, post, sandbox, signed};

pub use asking::{cloudpayments_callback, osmp_callback, tbank_callback, yookassa_callback};
pub use exports::{check_register, enterprise_data, exported_file, register, register_rows};
pub use robokassa::{robokassa_callback, robokassa_link};
pub use seeds::seeds;

/// A function that accepts any bytes.
pub type Entry = fn(&[u8]);

/// All entries, by name.
pub const ALL: [(&str, Entry); 19] = [
    ("form", form),
    ("money", money),
    ("settings", settings),
    ("callback", callback),
    ("signed_callback", signed_callback),
    ("link", link),
    ("register", register),
    ("enterprise_data", enterprise_data),
    ("exported_file", exported_file),
    ("register_rows", register_rows),
    ("component", component),
    ("host_records", host_records),
    ("component_callback", component_callback),
    ("robokassa_callback", robokassa_callback),
    ("robokassa_link", robokassa_link),
    ("cloudpayments_callback", cloudpayments_callback),
    ("yookassa_callback", yookassa_callback),
    ("tbank_callback", tbank_callback),
    ("osmp_callback", osmp_callback),
];

const FORM_FIELDS: [&str; 7] = ["sign", "customer_id", "transaction_id", "transaction_type", "total", "order_id", "cs1"];
const PAYMENT_TYPES: [&str; 4] = ["purchase", "onetime", "initial", "rebill"];

fn values(bytes: &[u8]) -> Vec<Cow<'_, str>> {
    bytes.split(|byte| *byte == 0x1F).map(String::from_utf8_lossy).collect()
}

fn native_merchant() -> &'static ChronoPay {
    static MERCHANT: OnceLock<ChronoPay> = OnceLock::new();
    MERCHANT.get_or_init(|| native(&[]))
}

fn judged(request: &CallbackRequest) -> CallbackAnswer {
    convert::answer(native_merchant(), request)
}

/// A form that parses is equal to its own encoding, parsed again.
pub fn form(bytes: &[u8]) {
    let Ok(read) = Form::parse(bytes, FORM_FIELDS) else { return };
    let there = FORM_FIELDS.into_iter().filter(|name| !read.get(name).is_empty());
    let written = forms::encode(there.map(|name| (name, read.get(name))));
    let again = Form::parse(written.as_bytes(), FORM_FIELDS).expect("what is written can be read");
    for name in FORM_FIELDS {
        assert_eq!(again.get(name), read.get(name), "{name}");
        // Only the first field of a name counts.
        let first = decode(bytes).into_iter().find(|(other, _)| other == name.as_bytes());
        assert_eq!(read.get(name), String::from_utf8_lossy(&first.unwrap_or_default().1), "{name}");
    }
}

/// An amount that parses is formatted as the same amount.
pub fn money(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(amount) = money::parse_amount(text) else { return };
    assert!((0..=money::AMOUNT_MAX).contains(&amount), "{text}");
    let written = money::format_amount(amount);
    assert_eq!(money::parse_amount(&written), Ok(amount), "{text}");
    assert!(written == text || written == format!("{text}.00") || written == format!("{text}0"), "{text}");
}

/// Settings, one `name=value` per line, are accepted or refused with known codes, and no problem depends on the secret's value.
pub fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let entered: Vec<(String, String)> = text.split('\n').filter_map(pair).collect();
    let problems = |entered: &native::Fields| ChronoPay::configure(entered).err().unwrap_or_default();
    let given = problems(&entered);
    for problem in &given {
        let known = ["setting-unknown", "setting-missing", "setting-repeated", "setting-invalid"];
        assert!(known.contains(&problem.code.as_str()), "{problem:?}");
        assert!(problem.field.is_some() && !problem.message.is_empty(), "{problem:?}");
    }
    // With another secret of the same form the problems are identical, so they reveal nothing about it.
    let other = |char: char| match char {
        char if char.is_whitespace() || kit::text::check_visible(char.encode_utf8(&mut [0; 4])).is_err() => char,
        'x' => 'y',
        _ => 'x',
    };
    let disguised = entered.into_iter().map(|(name, value)| {
        let value = if name == "shared-sec" { value.chars().map(other).collect() } else { value };
        (name, value)
    });
    assert_eq!(problems(&disguised.collect()), given);
}

/// A callback, GET or POST by the first byte. If it is accepted, its signature is valid.
pub fn callback(bytes: &[u8]) {
    let request = request_of(bytes);
    let answer = judged(&request);
    check_answer(&request, &answer);
    assert_eq!(judged(&request), answer, "the same input has the same answer");
}

fn request_of(bytes: &[u8]) -> CallbackRequest {
    match bytes.split_first() {
        Some((b'G', query)) => get(query),
        Some((_, body)) => post(body),
        None => post(b""),
    }
}

/// The codes of unresolved callbacks, and of refused ones.
const UNRESOLVED_CODES: [&str; 7] = [
    "unrecognized-form",
    "unknown-type",
    "merchant-mismatch",
    "currency-mismatch",
    "test-callback",
    "live-callback",
    "field-conflict",
];
const REFUSED_CODES: [&str; 4] = ["malformed", "field-conflict", "signature-missing", "signature-mismatch"];

fn check_answer(request: &CallbackRequest, CallbackAnswer { verdict, reply }: &CallbackAnswer) {
    let is_of = |problem: &Problem, codes: &[&str]| assert!(codes.contains(&problem.code.as_str()), "{problem:?}");
    let reply = reply.as_ref().expect("its reply depends on nothing");
    match verdict {
        Verdict::Happened(_) => {}
        Verdict::Unresolved(problem) => is_of(problem, &UNRESOLVED_CODES),
        Verdict::Ignored(problem) => is_of(problem, &["no-money-moved"]),
        Verdict::Refused(problem) => {
            is_of(problem, &REFUSED_CODES);
            return assert_eq!(reply.status, 403);
        }
        Verdict::Wanted(_) | Verdict::Answered | Verdict::Unavailable => panic!("{verdict:?}"),
    }
    assert_eq!(reply.status, 200);
    let form = decode(if request.body.is_empty() { request.query.as_bytes() } else { &request.body });
    let value = |name: &str| {
        let values: Vec<&[u8]> =
            form.iter().filter(|(other, _)| other == name.as_bytes()).map(|(_, value)| value.as_slice()).collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{name} has two values");
        values.first().copied().unwrap_or_default()
    };
    let [customer, transaction, kind, total] = ["customer_id", "transaction_id", "transaction_type", "total"].map(value);
    let sign = md5_hex(&[SECRET.as_bytes(), customer, transaction, kind, total]);
    assert_eq!(value("sign").to_ascii_lowercase(), sign.as_bytes(), "what is not refused is signed");
    let [event] = verdict.events() else { return };
    assert_eq!(event.facts.transaction.as_bytes(), transaction);
    assert_eq!(event.facts.payer.as_deref().map(str::as_bytes), Some(customer));
    assert_eq!(Ok(event.facts.amount.minor_units), money::parse_amount(&String::from_utf8_lossy(total)));
    assert_eq!(event.facts.amount.currency, Currency::RUB);
    let pays = PAYMENT_TYPES.iter().any(|name| kind.eq_ignore_ascii_case(name.as_bytes()));
    assert_eq!(event.facts.kind == EventKind::Payment, pays, "{}", String::from_utf8_lossy(kind));
    assert!(event.dedup_key.contains(event.facts.transaction.as_str()), "{event:?}");
}

/// A signed callback with any values (customer, transaction, type, total; then product and currency). Only types of payments
/// credit money.
pub fn signed_callback(bytes: &[u8]) {
    let values = values(bytes);
    let value = |at: usize, default| values.get(at).map_or(default, |value| value.as_ref());
    let fields = [
        ("customer_id", value(0, "001234-100000062")),
        ("transaction_id", value(1, "56244472")),
        ("transaction_type", value(2, "Purchase")),
        ("total", value(3, "100.00")),
        ("product_id", value(4, "001234-0001-0001")),
        ("currency", value(5, "RUB")),
    ];
    let request = post(signed(&fields).as_bytes());
    let answer = judged(&request);
    check_answer(&request, &answer);
    if let Verdict::Refused(problem) = &answer.verdict {
        assert!(!problem.code.starts_with("signature-"), "it is signed: {problem:?}");
    }
}

/// An order (order control by the first byte, then id, account, kopecks, texts, URLs, expiry, payer) gets a signed link with
/// the same content, or no link.
pub fn link(bytes: &[u8]) {
    let (control, bytes) = bytes.split_first().unwrap_or((&0, b""));
    let control = ["basic", "order-id", "order-id-with-expiry"][usize::from(*control) % 3];
    let values = values(bytes);
    let value = |at: usize, default: &str| values.get(at).map_or(default.to_owned(), |value| value.to_string());
    let amount = value(2, "10000").parse().unwrap_or(10_000);
    let order = LinkRequest {
        description: value(3, ""),
        language: value(4, ""),
        callback_url: value(5, ""),
        success_url: value(6, ""),
        failure_url: value(7, ""),
        expires_at: value(8, "").parse().ok(),
        payer: ["email", "phone", "name", "city"].iter().zip(9..).map(|(name, at)| ((*name).into(), value(at, ""))).collect(),
        extra: values.get(13).map(|minutes| ("time-limit-minutes".to_owned(), minutes.to_string())).into_iter().collect(),
        ..LinkRequest::new(
            OrderId::stored(value(0, "42")),
            AccountNumber::stored(value(1, "100500")),
            Money { minor_units: amount, currency: Currency::RUB },
        )
    };
    let link = match convert::link(&native(&[("order-control", control)]), &order) {
        Ok(link) => link,
        Err(problems) => {
            return assert!(!problems.is_empty() && problems.iter().all(|problem| problem.field.is_some()), "{problems:?}");
        }
    };
    let form = form_of_link(&link);
    let field = |name: &str| form.inputs.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value);
    assert_eq!(field("product_price"), format!("{}.{:02}", amount / 100, amount % 100));
    assert_eq!((field("cs1"), field("cs2")), (order.id.as_str(), order.account.as_str()));
    let limit = format!("{}{}", field("orderTimelimit"), field("orderExpiretime"));
    let parts = [field("product_id"), field("product_price"), field("order_id"), &limit, SECRET];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    assert_eq!(field("sign"), md5_hex(&[parts.join("-").as_bytes()]));
}

/// Returns a link's form, which says the same as its address.
fn form_of_link(link: &PaymentLink) -> &PaymentForm {
    let form = link.form.as_ref().expect("it has a form");
    let url = link.url.as_deref().expect("it has an address");
    let query = url.strip_prefix(&format!("{}?", form.action)).expect("the link leads to the form's page");
    let fields: Vec<(Vec<u8>, Vec<u8>)> =
        form.inputs.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes())).collect();
    assert_eq!(decode(query.as_bytes()), fields);
    form
}

/// A file that may be a component is loaded or refused with a typed error. A file that is not a component is reported as such.
pub fn component(bytes: &[u8]) {
    let head = bytes.get(..8);
    match sandbox().load(bytes, Limits::default()) {
        Ok(provider) => {
            assert_eq!(head, Some(&b"\0asm\x0d\0\x01\0"[..]), "only components load");
            assert_eq!(provider.sha256(), hex::encode(Sha256::digest(bytes)));
        }
        Err(Error::Load(LoadError::NotWasm)) => assert_ne!(head, Some(&b"\0asm\x0d\0\x01\0"[..])),
        Err(Error::Load(LoadError::Engine(reason))) => panic!("the sandbox itself failed: {reason}"),
        Err(Error::Load(_) | Error::Contract { .. } | Error::Limit { .. } | Error::Trap { .. }) => {}
        Err(other) => panic!("not a load error: {other}"),
    }
}

/// A record that parses from JSON is serialized as the same record.
pub fn host_records(bytes: &[u8]) {
    fn check<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
        let written = serde_json::to_string(&read).expect("a record can be written");
        assert_eq!(serde_json::from_str::<T>(&written).expect("what is written can be read"), read, "{written}");
    }
    check::<CallbackRequest>(bytes);
    check::<LinkRequest>(bytes);
    check::<ExportRow>(bytes);
    check::<ExportOptions>(bytes);
}

/// Like [`callback`], through the component. Its answer equals that of the same code as native Rust.
pub fn component_callback(bytes: &[u8]) {
    static MERCHANT: OnceLock<Merchant> = OnceLock::new();
    let merchant = MERCHANT.get_or_init(|| merchant(&[]));
    let request = request_of(bytes);
    match merchant.judge(&request) {
        Ok(answer) => assert_eq!(answer, judged(&request)),
        Err(Error::Limit { limit: Limit::InputBytes(max), .. }) => assert!(request.body.len() + request.query.len() > max),
        Err(error) => panic!("{error}"),
    }
}
