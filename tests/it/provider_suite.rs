//! What holds for every shipped provider: its component answers like the same code compiled natively, and no damaged callback
//! is accepted as another payment. `conformance` tries many more kinds of damage; here each answer is also compared with the
//! native one.

use domain::{
    CallbackAnswer, CallbackRequest, EventKind, Facts, Fields, HttpMethod, LinkRequest, PaymentLink, Problem, ProvedEvent,
    Settings, Verdict,
};
use end_to_end::straight::Straight;
use end_to_end::vectors::{Vector, Vectors};
use end_to_end::{convert, get, order, post};
use sandbox::{Error, Merchant, Provider, Session};
use serde_json::Value;

/// Settings by name.
pub type Changes = &'static [(&'static str, &'static str)];
/// A field of an order, and how to change it. The text is too long for every field.
pub type OrderChange = (&'static str, fn(&mut LinkRequest, &str));

/// A shipped provider.
pub trait Fixture {
    /// The provider as native code.
    type Native: kit::Provider + Sync;

    /// Settings that produce different links. Each order is tried with each of them.
    const LINK_SETTINGS: &'static [Changes];
    /// Changes to an order. Some of the orders get a link and some are refused.
    const ORDERS: &'static [OrderChange];
    /// Settings that are each invalid.
    const WRONG_SETTINGS: Changes;
    /// More sets of settings that are refused.
    const REFUSED_SETTINGS: &'static [Changes];
    /// Fields that are inserted after each field of a genuine callback.
    const INSERTIONS: &'static [&'static str];

    fn provider() -> &'static Provider;
    /// The settings of the vectors, with changes.
    fn settings(changes: &[(&str, &str)]) -> Fields;
    /// The files of vectors by name. The first one is for `settings(&[])`.
    fn vectors() -> Vec<(&'static str, &'static Vectors)>;
    /// The expected reply to a callback that is not refused.
    fn reply(form: &[u8]) -> String;
    /// Genuine callbacks, each with others for which the same signature is valid, since the signed text is only split
    /// differently.
    fn recut() -> Vec<(String, Vec<String>)>;
}

/// Instantiates every test of the suite for a fixture.
macro_rules! provider_suite {
    ($fixture:ty) => {
        provider_suite! { $fixture:
            description_matches_native
            links_match_native
            callbacks_match_vectors
            damaged_callbacks_are_no_other_payment
            recut_callbacks_are_not_accepted
            bad_settings_are_refused_by_field
            concurrent_calls_match_native
            repeated_calls_have_equal_answers
        }
    };
    ($fixture:ty: $($name:ident)*) => {
        $(#[test] fn $name() { crate::provider_suite::$name::<$fixture>(); })*
    };
}
pub(crate) use provider_suite;

pub fn merchant<F: Fixture>(changes: &[(&str, &str)]) -> Merchant {
    F::provider().merchant(Settings::new(F::settings(changes))).unwrap()
}

pub fn native<F: Fixture>(changes: &[(&str, &str)]) -> F::Native {
    configure::<F>(&F::settings(changes)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn configure<F: Fixture>(settings: &Fields) -> Result<F::Native, Vec<Problem>> {
    <F::Native as kit::Provider>::configure(settings).map_err(convert::problems)
}

pub fn native_answer(merchant: &impl kit::Provider, request: &CallbackRequest) -> CallbackAnswer {
    convert::answer(merchant, request)
}

pub fn native_link(merchant: &impl kit::Provider, order: &LinkRequest) -> Result<PaymentLink, Vec<Problem>> {
    convert::link(merchant, order)
}

pub fn field<'a>(link: &'a PaymentLink, name: &str) -> &'a str {
    let form = link.form.as_ref().expect("it has a form");
    form.inputs.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

/// Returns the problems of a refusal. Any other error fails the test.
fn refusal<T>(result: Result<T, Error>) -> Result<T, Vec<Problem>> {
    result.map_err(|error| match error {
        Error::Provider(problems) => problems,
        other => panic!("{other}"),
    })
}

fn happened(verdict: &Verdict) -> Option<ProvedEvent> {
    verdict.events().first().cloned()
}

pub fn description_matches_native<F: Fixture>() {
    assert_eq!(*F::provider().description(), convert::description(<F::Native as kit::Provider>::describe()));
    assert!(F::provider().imports().is_empty());
}

pub fn links_match_native<F: Fixture>() {
    let long = "ы".repeat(256);
    for settings in F::LINK_SETTINGS {
        let (merchant, native) = (merchant::<F>(settings), native::<F>(settings));
        let (mut refused, mut given) = (0, 0);
        for (what, change) in F::ORDERS {
            for expires_at in [None, Some(1_893_542_645), Some(u64::MAX)] {
                let mut order = LinkRequest { expires_at, ..order() };
                change(&mut order, &long);
                let link = refusal(merchant.link(&order));
                assert_eq!(link, native_link(&native, &order), "{what}, {settings:?}, {expires_at:?}");
                if link.is_ok() { given += 1 } else { refused += 1 }
            }
        }
        assert!(refused > 0 && given > 0, "both kinds are among the cases");
    }
}

pub fn callbacks_match_vectors<F: Fixture>() {
    for (file, vectors) in F::vectors() {
        let (merchant, native) = (merchant::<F>(&vectors.settings()), native::<F>(&vectors.settings()));
        for vector in &vectors.callbacks {
            for request in [vector.request.clone(), by_other_method(&vector.request)] {
                let what = format!("{file}: {}, by {:?}", vector.name, request.method);
                let answer = merchant.judge(&request).unwrap();
                assert_eq!(answer, native_answer(&native, &request), "{what}");
                assert_eq!(merchant.judge(&request).unwrap(), answer, "{what}: a repeated call answers differently");
                check_vector::<F>(&what, vector, &answer);
            }
        }
    }
}

/// Returns a request with the same form, moved from the body to the query or back.
fn by_other_method(request: &CallbackRequest) -> CallbackRequest {
    match request.method {
        HttpMethod::Get => post(request.query.as_bytes()),
        _ => get(&request.body),
    }
}

fn check_vector<F: Fixture>(what: &str, vector: &Vector, answer: &CallbackAnswer) {
    let report = serde_json::to_value(answer).unwrap();
    assert_eq!(report["verdict"], vector.verdict.as_str(), "{what}: {report}");
    assert_eq!(report["problem"]["code"].as_str(), vector.code.as_deref(), "{what}");
    assert_eq!(vector.event.is_some(), vector.verdict == "happened", "{what}");
    if let Some(event) = &vector.event {
        assert_within(event, &report["events"][0], what);
    }
    let reply = {
        let reply = answer.reply.as_ref().expect("its reply depends on nothing");
        (reply.status, String::from_utf8(reply.body.clone()).unwrap())
    };
    let expected = match vector.verdict.as_str() {
        "refused" => (403, "Forbidden".to_owned()),
        _ => (200, F::reply(vector.form())),
    };
    assert_eq!(reply, expected, "{what}");
}

/// Asserts that the actual value has all fields of the expected one.
fn assert_within(expected: &Value, actual: &Value, what: &str) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected {
                assert_within(value, &actual[name], &format!("{what}, {name}"));
            }
        }
        _ => assert_eq!(expected, actual, "{what}"),
    }
}

/// Returns what the signature proves. No damage to a callback may change it.
fn proved(event: &ProvedEvent, order_is_signed: bool) -> (EventKind, &str, Option<&str>, Option<&str>, i64, &str, &str) {
    let Facts { kind, transaction, payer, order, amount, .. } = &event.facts;
    let order = order.as_deref().filter(|_| order_is_signed);
    (*kind, transaction, payer.as_deref(), order, amount.minor_units, amount.currency.as_str(), &event.dedup_key)
}

/// Asserts that the component answers damaged callbacks like the native code, and that none is accepted as another payment.
/// Counts those that are still accepted.
fn check_damaged<'d>(
    what: &str,
    (session, native): (&mut Session, &impl kit::Provider),
    order_is_signed: bool,
    genuine: &[u8],
    damaged: impl IntoIterator<Item = &'d [u8]>,
) -> usize {
    let original = happened(&native_answer(native, &post(genuine)).verdict).unwrap();
    let check = |body: &[u8]| {
        let request = post(body);
        let answer = native_answer(native, &request);
        assert_eq!(session.judge(&request).unwrap(), answer, "{what}: {}", body.escape_ascii());
        let event = happened(&answer.verdict);
        if let Some(event) = &event {
            let (proved, original) = (proved(event, order_is_signed), proved(&original, order_is_signed));
            assert_eq!(proved, original, "{what}: {}", body.escape_ascii());
        }
        event.is_some()
    };
    damaged.into_iter().map(check).filter(|is_accepted| *is_accepted).count()
}

pub fn damaged_callbacks_are_no_other_payment<F: Fixture>() {
    for (file, vectors) in F::vectors() {
        let (mut session, native) = (merchant::<F>(&vectors.settings()).session(), native::<F>(&vectors.settings()));
        let (mut all, mut still_accepted) = (0, 0);
        for vector in vectors.callbacks.iter().filter(|vector| vector.verdict == "happened") {
            let form = vector.form();
            let damaged = [flipped(form), with_insertions(form, F::INSERTIONS)].concat();
            all += damaged.len();
            let damaged = damaged.iter().map(Vec::as_slice);
            let what = format!("{file}: {}", vector.name);
            still_accepted += check_damaged(&what, (&mut session, &native), vectors.order_is_signed, form, damaged);
        }
        assert!(all == 0 || (0 < still_accepted && still_accepted < all), "{file}: {still_accepted} of {all} are accepted");
    }
}

/// Returns copies of a form with each bit flipped.
fn flipped(form: &[u8]) -> Vec<Vec<u8>> {
    let bits = (0..form.len()).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let flip = |(at, bit): (usize, u8)| {
        let mut bytes = form.to_vec();
        bytes[at] ^= 1 << bit;
        bytes
    };
    bits.map(flip).collect()
}

/// Returns copies of a form with each field reduced to its bare name, and with each insertion after it.
fn with_insertions(form: &[u8], insertions: &[&str]) -> Vec<Vec<u8>> {
    let fields: Vec<&[u8]> = form.split(|byte| *byte == b'&').collect();
    let with = |at: usize, field: &[u8]| {
        let (before, behind) = (&fields[..at], &fields[at + 1..]);
        [before, &[field], behind].concat().join(&b'&')
    };
    let damaged = fields.iter().enumerate().flat_map(|(at, field)| {
        let name = field.split(|byte| *byte == b'=').next().unwrap_or_default();
        let inserted = insertions.iter().map(move |insertion| with(at, &[field, insertion.as_bytes()].concat()));
        [with(at, name)].into_iter().chain(inserted).collect::<Vec<_>>()
    });
    damaged.collect()
}

pub fn recut_callbacks_are_not_accepted<F: Fixture>() {
    let (mut session, native) = (merchant::<F>(&[]).session(), native::<F>(&[]));
    let order_is_signed = F::vectors()[0].1.order_is_signed;
    let recut = F::recut();
    assert!(!recut.is_empty());
    for (genuine, others) in recut {
        let others = others.iter().map(String::as_bytes);
        let still_accepted = check_damaged(&genuine, (&mut session, &native), order_is_signed, genuine.as_bytes(), others);
        assert_eq!(still_accepted, 0, "{genuine}");
    }
}

pub fn bad_settings_are_refused_by_field<F: Fixture>() {
    let refused = |settings: Changes| {
        let settings: Fields = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let problems = refusal(F::provider().merchant(Settings::new(settings.clone())).map(drop)).unwrap_err();
        assert!(!problems.is_empty());
        assert_eq!(Some(&problems), configure::<F>(&settings).err().as_ref(), "{settings:?}");
        problems
    };
    F::REFUSED_SETTINGS.iter().for_each(|settings| drop(refused(settings)));
    let problems = refused(F::WRONG_SETTINGS);
    let mut fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_deref().unwrap()).collect();
    let mut wrong: Vec<&str> = F::WRONG_SETTINGS.iter().map(|(name, _)| *name).collect();
    fields.sort_unstable();
    wrong.sort_unstable();
    assert_eq!(fields, wrong);
}

pub fn concurrent_calls_match_native<F: Fixture>() {
    let (_, vectors) = F::vectors()[0];
    let (merchant, native) = (merchant::<F>(&vectors.settings()), native::<F>(&vectors.settings()));
    let requests = vectors.callbacks.iter().map(|vector| &vector.request);
    let expected: Vec<_> = requests.map(|request| (request, native_answer(&native, request))).collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (merchant, expected) = (&merchant, &expected);
            scope.spawn(move || {
                for call in 0..200 {
                    let (request, answer) = &expected[(thread * 31 + call) % expected.len()];
                    assert_eq!(merchant.judge(request).unwrap(), *answer);
                }
            });
        }
    });
}

pub fn repeated_calls_have_equal_answers<F: Fixture>() {
    let (merchant, mut session) = (merchant::<F>(&[]), merchant::<F>(&[]).session());
    let genuine = F::vectors()[0].1.callbacks[0].form();
    for request in [post(genuine), get(genuine)] {
        let answer = merchant.judge(&request).unwrap();
        assert!(matches!(answer.verdict, Verdict::Happened(_)));
        let link = merchant.link(&order()).unwrap();
        for _ in 0..20 {
            assert_eq!(merchant.judge(&request).unwrap(), answer);
            assert_eq!(session.judge(&request).unwrap(), answer, "a warm instance must keep no state");
            assert_eq!(merchant.link(&order()).unwrap(), link);
            assert_eq!(session.link(&order()).unwrap(), link);
        }
    }
}
