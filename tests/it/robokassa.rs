//! Robokassa as it is shipped: the component in the sandbox, and the same code as plain Rust beside it.

use ::robokassa::Robokassa;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use domain::{
    CallbackAnswer, CallbackRequest, EventKind, Facts, HttpMethod, LinkRequest, PaymentLink, Problem, ProvedEvent, Settings,
    Verdict,
};
use end_to_end::robokassa::{self, CallbackVector, Vectors, digest_hex, genuine, merchant, native, provider, vectors};
use end_to_end::{convert, decode, get, order, post};
use kit::Provider as _;
use money::Currency;
use sandbox::{Error, Merchant, Session};
use serde_json::Value;
use stand_in::robokassa::{Config, Hash, Passwords, Running};
use stand_in::serving::Serving;
use stand_in::{Method, Patience};

/// What is changed, and how; with a text that is too long for every field.
type OrderChange = (&'static str, fn(&mut LinkRequest, &str));

fn native_answer(merchant: &Robokassa, request: &CallbackRequest) -> CallbackAnswer {
    convert::answer(merchant.handle_callback(&convert::request(request.clone())))
}

/// The problems of a refusal, which is the only error there may be.
fn answered<T>(result: Result<T, Error>) -> Result<T, Vec<Problem>> {
    result.map_err(|error| match error {
        Error::Provider(problems) => problems,
        other => panic!("{other}"),
    })
}

fn native_link(merchant: &Robokassa, order: &LinkRequest) -> Result<PaymentLink, Vec<Problem>> {
    merchant.create_link(&convert::order(order.clone())).map(convert::link).map_err(convert::problems)
}

fn accepted(verdict: Verdict) -> Option<ProvedEvent> {
    match verdict {
        Verdict::Accepted(event) => Some(event),
        Verdict::Unresolved(_) | Verdict::Ignored(_) | Verdict::Refused(_) => None,
    }
}

fn field<'a>(link: &'a PaymentLink, name: &str) -> &'a str {
    link.form_fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

#[test]
fn the_component_describes_itself_as_its_source_does() {
    assert_eq!(*provider().description(), convert::description(Robokassa::describe()));
    assert!(provider().imports().is_empty());
}

#[test]
fn links_are_signed_by_each_hash() {
    // The digests by Python's hashlib: robo-demo-test:100.00:42:TestPassword1:Shp_order=42
    for (hash, signature) in [
        ("md5", "03139b6b295aa160800f290bf48dc5cd"),
        ("sha256", "f909733648b7c59847f5cc86fe84ad425f32c40f1ac1f88357685d9fd0606308"),
        (
            "sha512",
            "6479a00f37d42dc13f347e2ff5999033720f9d69f390d4ebda0cb70c78e472bc\
             5811e2da2b55c91b5dc2e1e8d54a87eb501b729e75dab19ca29f020cd3da090f",
        ),
    ] {
        let changes = [("hash-algorithm", hash)];
        let link = merchant(&changes).create_link(&order()).unwrap();
        assert_eq!(field(&link, "SignatureValue"), signature, "{hash}");
        assert_eq!(Ok(link), native_link(&native(&changes), &order()), "{hash}");
    }
}

#[test]
fn links_and_refusals_are_the_ones_of_the_source() {
    let long = "ы".repeat(256);
    let changes: [OrderChange; 13] = [
        ("nothing", |_, _| {}),
        ("an order of 13 digits", |order, _| order.id = "1795545611003".into()),
        ("an id that is no number", |order, _| order.id = "A-42.b_c".into()),
        ("an id that is none", |order, _| order.id = "заказ 1".into()),
        ("nothing to pay", |order, _| order.amount.minor_units = 0),
        ("less than nothing", |order, _| order.amount.minor_units = i64::MIN),
        ("more than there is", |order, _| order.amount.minor_units = i64::MAX),
        ("another currency", |order, _| order.amount.currency = Currency::parse("USD").unwrap()),
        ("a long description", |order, long| order.description = long.into()),
        ("every text", |order, _| order.description = "Пополнение & «счёт» №1 +100%".into()),
        ("another language", |order, _| order.language = "EN-us".into()),
        ("a payer", |order, _| {
            order.payer =
                [("email", "a@b.ru"), ("name", "Иванов Иван"), ("hobby", "x")].map(|(a, b)| (a.into(), b.into())).into();
        }),
        ("everything wrong", |order, long| {
            *order = LinkRequest {
                id: long.into(),
                description: long.into(),
                payer: vec![("email".into(), long.into())],
                ..order.clone()
            };
        }),
    ];
    for test_mode in ["false", "true"] {
        let settings = [("test-mode", test_mode)];
        let (merchant, native) = (merchant(&settings), native(&settings));
        let (mut refused, mut given) = (0, 0);
        for (what, change) in &changes {
            for expires_at in [None, Some(1_893_542_645), Some(u64::MAX)] {
                let mut order = LinkRequest { expires_at, ..order() };
                change(&mut order, &long);
                let link = answered(merchant.create_link(&order));
                assert_eq!(link, native_link(&native, &order), "{what}, {expires_at:?}");
                if link.is_ok() { given += 1 } else { refused += 1 }
            }
        }
        assert!(refused > 0 && given > 0, "both kinds are among the cases");
    }
}

/// Asserts that each field of the expected value is in the one that is there.
fn assert_within(expected: &Value, there: &Value, what: &str) {
    match (expected, there) {
        (Value::Object(expected), Value::Object(there)) => {
            for (name, value) in expected {
                assert_within(value, &there[name], &format!("{what}, {name}"));
            }
        }
        _ => assert_eq!(expected, there, "{what}"),
    }
}

fn check_vector(file: &str, vector: &CallbackVector, answer: &CallbackAnswer) {
    let what = format!("{file}: {}", vector.name);
    let report = serde_json::to_value(answer).unwrap();
    assert_eq!(report["verdict"], vector.verdict.as_str(), "{what}: {report}");
    assert_eq!(report["problem"]["code"].as_str(), vector.code.as_deref(), "{what}");
    assert_eq!(vector.event.is_some(), vector.verdict == "accepted", "{what}");
    if let Some(event) = &vector.event {
        assert_within(event, &report["event"], &what);
    }
    let body = String::from_utf8(answer.reply.body.clone()).unwrap();
    if vector.verdict == "refused" {
        return assert_eq!((answer.reply.status, body.as_str()), (403, "Forbidden"), "{what}");
    }
    let form =
        decode(if vector.request.method == HttpMethod::Get { vector.request.query.as_bytes() } else { &vector.request.body });
    let (_, inv_id) = form.into_iter().find(|(name, _)| name == b"InvId").unwrap();
    assert_eq!((answer.reply.status, body), (200, format!("OK{}", String::from_utf8(inv_id).unwrap())), "{what}");
}

#[test]
fn callbacks_have_the_verdicts_of_the_vectors() {
    let counts = vectors().each_ref().map(|(_, vectors)| vectors.callbacks.len());
    assert_eq!(counts, [52, 13, 13, 5], "the vectors are all there");
    for (file, vectors) in vectors() {
        let (merchant, native) = (merchant(&vectors.changes()), native(&vectors.changes()));
        for vector in &vectors.callbacks {
            let answer = merchant.handle_callback(&vector.request).unwrap();
            assert_eq!(answer, native_answer(&native, &vector.request), "{file}: {}", vector.name);
            assert_eq!(merchant.handle_callback(&vector.request).unwrap(), answer, "{}: the same again", vector.name);
            check_vector(file, vector, &answer);
        }
    }
}

/// The vectors themselves: what is accepted is signed, by code that is not the provider's.
#[test]
fn what_the_vectors_accept_is_signed() {
    for (file, vectors) in vectors() {
        for vector in vectors.callbacks.iter().filter(|vector| vector.verdict != "refused") {
            let CallbackRequest { method, query, body, .. } = &vector.request;
            let text = if *method == HttpMethod::Get { query.as_bytes() } else { body };
            let (_, signature) = decode(text).into_iter().find(|(name, _)| name == b"SignatureValue").unwrap();
            let signature = String::from_utf8(signature).unwrap().to_lowercase();
            let hash = &vectors.settings["hash-algorithm"];
            let mut texts = robokassa::signed_texts(text, robokassa::PASSWORD_2).into_iter();
            assert!(texts.any(|text| signature == digest_hex(hash, &text)), "{file}: {}", vector.name);
        }
    }
}

/// What a signature proves: it must not differ, whatever is done to a notification.
fn proved(event: &ProvedEvent) -> (EventKind, &str, Option<&str>, i64, &str, &str) {
    let Facts { kind, transaction, order, amount, .. } = &event.facts;
    (*kind, transaction, order.as_deref(), amount.minor_units, amount.currency.as_str(), &event.dedup_key)
}

/// Asserts that no damaged notification becomes another payment, natively and in the component; counts those accepted still.
fn check_damaged(what: &str, session: &mut Session, native: &Robokassa, body: &str, damaged: Vec<Vec<u8>>) -> usize {
    let original = accepted(native_answer(native, &post(body.as_bytes())).verdict).unwrap();
    let mut still_accepted = 0;
    for body in damaged {
        let request = post(&body);
        let answer = native_answer(native, &request);
        assert_eq!(session.handle_callback(&request).unwrap(), answer, "{what}: {}", String::from_utf8_lossy(&body));
        if let Some(event) = accepted(answer.verdict) {
            assert_eq!(proved(&event), proved(&original), "{what}: {}", String::from_utf8_lossy(&body));
            still_accepted += 1;
        }
    }
    still_accepted
}

/// The bodies of a file's POSTs that are accepted.
fn accepted_bodies(vectors: &Vectors) -> Vec<&str> {
    let accepted = vectors.callbacks.iter().filter(|vector| vector.verdict == "accepted" && !vector.request.body.is_empty());
    accepted.map(|vector| std::str::from_utf8(&vector.request.body).unwrap()).collect()
}

fn check_all_accepted(what: &str, damage: impl Fn(&str) -> Vec<Vec<u8>>) {
    // Test mode accepts nothing.
    for (file, vectors) in &vectors()[..3] {
        let (mut session, native) = (merchant(&vectors.changes()).session(), native(&vectors.changes()));
        let (mut all, mut still_accepted) = (0, 0);
        for body in accepted_bodies(vectors) {
            let damaged = damage(body);
            all += damaged.len();
            still_accepted += check_damaged(&format!("{file}, {what}"), &mut session, &native, body, damaged);
        }
        assert!(0 < still_accepted && still_accepted < all, "{file}, {what}: {still_accepted} of {all} are accepted still");
    }
}

#[test]
fn no_flipped_bit_makes_another_payment() {
    check_all_accepted("a flipped bit", |body| {
        let bits = (0..body.len()).flat_map(|at| (0..8).map(move |bit| (at, bit)));
        let flipped = bits.map(|(at, bit)| {
            let mut bytes = body.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            bytes
        });
        flipped.collect()
    });
}

#[test]
fn no_changed_field_makes_another_payment() {
    check_all_accepted("a changed field", |body| {
        let fields: Vec<&str> = body.split('&').collect();
        let mut damaged = Vec::new();
        let mut push = |fields: Vec<String>| damaged.push(fields.join("&").into_bytes());
        let with = |at: usize, field: String| {
            let mut fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            fields[at] = field;
            fields
        };
        for (at, field) in fields.iter().enumerate() {
            let (name, value) = field.split_once('=').unwrap();
            let mut without: Vec<String> = with(at, String::new());
            without.remove(at);
            push(without);
            push(with(at, format!("{name}=")));
            push(with(at, name.to_owned()));
            push(with(at, format!("{name}={value}&{name}=1")));
            push(with(at, format!("{name}=1&{name}={value}")));
            push(with(at, format!("{field}&{field}")));
            push(with(at, format!("{field}&IsTest=1")));
            push(with(at, format!("{field}&Shp_order=43")));
            push(with(at, format!("{field}&shp_order=43")));
            push(with(at, format!("{name}={value}+")));
            push(with(at, format!("{name}=+{value}")));
            push(with(at, format!("{name}={value}%00")));
            push(with(at, format!("{name}={value}%3A1")));
            push(with(at, format!("{}={value}", name.to_uppercase())));
            for (digit, _) in value.match_indices(|char: char| char.is_ascii_digit()) {
                let changed = if value.as_bytes()[digit] == b'9' { "0" } else { "9" };
                push(with(at, format!("{name}={}{changed}{}", &value[..digit], &value[digit + 1..])));
            }
            if let Some(next) = fields.get(at + 1) {
                let next_value = next.split_once('=').unwrap().1;
                let mut swapped = with(at, format!("{name}={next_value}"));
                swapped[at + 1] = next.replacen(next_value, value, usize::from(!next_value.is_empty()));
                push(swapped);
            }
        }
        damaged
    });
}

#[test]
fn no_moved_boundary_makes_another_payment() {
    // A signature holds for every way to cut the text that it covers; the password in the middle stands where it stands.
    let (mut session, native) = (merchant(&[]).session(), native(&[]));
    for own in [&[("Shp_order", "42")][..], &[("Shp_a", "1"), ("Shp_order", "42"), ("Shp_z", "x=y")]] {
        let form = |out_sum: &str, inv_id: &str, own: &[(&str, &str)]| {
            robokassa::signed(&[&[("OutSum", out_sum), ("InvId", inv_id)], own].concat())
        };
        let original = form("100.000000", "42", own);
        let text: String = own.iter().map(|(name, value)| format!(":{name}={value}")).collect();
        let mut cuts = Vec::new();
        // One, two or three parameters, each from a colon on, its name up to a sign.
        let colons: Vec<usize> = text.match_indices(':').map(|(at, _)| at).collect();
        for chosen in 0..1_usize << colons.len() {
            let starts: Vec<usize> =
                colons.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0).map(|(_, start)| *start).collect();
            if starts.first() != Some(&0) {
                continue;
            }
            let ends = starts.iter().skip(1).copied().chain([text.len()]);
            let pieces: Vec<&str> = starts.iter().zip(ends).map(|(start, end)| &text[start + 1..end]).collect();
            let signs = pieces.iter().map(|piece| piece.match_indices('=').map(|(at, _)| at).collect::<Vec<_>>());
            let mut ways: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
            for (piece, signs) in pieces.iter().zip(signs) {
                ways = ways
                    .iter()
                    .flat_map(|way| {
                        signs.iter().map(|at| [&way[..], &[(&piece[..*at], &piece[at + 1..])]].concat()).collect::<Vec<_>>()
                    })
                    .collect();
            }
            cuts.extend(ways.into_iter().filter(|way| way != own));
        }
        assert!(own.len() == 1 || cuts.len() > 3, "{cuts:?}");
        let signature = |body: &str| body.rsplit_once("SignatureValue=").unwrap().1.to_owned();
        let damaged: Vec<Vec<u8>> = cuts
            .iter()
            .map(|way| form("100.000000", "42", way))
            .inspect(|body| assert_eq!(signature(body), signature(&original), "the signature holds still"))
            .map(String::into_bytes)
            .collect();
        assert_eq!(check_damaged("a moved boundary", &mut session, &native, &original, damaged), 0);
        // Sum and invoice are digits on both sides of one colon: to move a digit changes the text.
        let body = |out_sum: &str, inv_id: &str| {
            let fields = form(out_sum, inv_id, own);
            fields.replace(&signature(&fields), &signature(&original)).into_bytes()
        };
        let moved =
            vec![body("100.0000004", "2"), body("100.00000", "042"), body("", "100.000000:42"), body("100.000000:42", "")];
        assert_eq!(check_damaged("a moved digit", &mut session, &native, &original, moved), 0);
    }
}

#[test]
fn bad_settings_are_refused_with_every_field() {
    let all_wrong: &[(&str, &str)] = &[
        ("merchant-login", "a:b"),
        ("password-1", "short"),
        ("password-2", " TestPassword2"),
        ("hash-algorithm", "sha1"),
        ("test-mode", "1"),
        ("payment-page", "http://auth.robokassa.ru/"),
        ("language", "zz"),
        ("comment", "строка\nвторая"),
        ("colour", "red"),
    ];
    let cases: [&[(&str, &str)]; 4] = [
        all_wrong,
        &[],
        &[("merchant-login", "demo"), ("password-1", "TestPassword1"), ("password-2", "TestPassword1")],
        &[("merchant-login", "demo"), ("password-1", "TestPassword1"), ("password-2", "        ")],
    ];
    for entered in cases {
        let entered: Vec<(String, String)> = entered.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let problems = answered(provider().merchant(Settings::new(entered.clone())).map(drop)).unwrap_err();
        assert_eq!(problems, convert::problems(Robokassa::configure(&entered).err().unwrap()), "{entered:?}");
        assert!(!problems.is_empty());
    }
    let problems = answered(provider().merchant(Settings::new(all_wrong.iter().copied())).map(drop)).unwrap_err();
    let mut fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_deref().unwrap()).collect();
    let mut wanted: Vec<&str> = all_wrong.iter().map(|(name, _)| *name).collect();
    fields.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(fields, wanted);
}

#[test]
fn the_same_input_has_the_same_output() {
    let (merchant, mut session) = (merchant(&[]), merchant(&[]).session());
    for request in [post(genuine().as_bytes()), get(genuine().as_bytes())] {
        let answer = merchant.handle_callback(&request).unwrap();
        assert!(matches!(answer.verdict, Verdict::Accepted(_)));
        let link = merchant.create_link(&order()).unwrap();
        for _ in 0..20 {
            assert_eq!(merchant.handle_callback(&request).unwrap(), answer);
            assert_eq!(session.handle_callback(&request).unwrap(), answer, "a warm instance keeps nothing");
            assert_eq!(merchant.create_link(&order()).unwrap(), link);
            assert_eq!(session.create_link(&order()).unwrap(), link);
        }
    }
}

/// What the component made of what came.
type Verdicts = Arc<Mutex<Vec<Verdict>>>;

/// A shop's ResultURL, where the component answers.
struct Shop {
    url: String,
    verdicts: Verdicts,
    _serving: Serving,
}

impl Shop {
    fn new(changes: &[(&str, &str)]) -> Shop {
        let verdicts = Verdicts::default();
        let router = Router::new().fallback(judge).with_state((Arc::new(merchant(changes)), Arc::clone(&verdicts)));
        let serving = Serving::start(router, "127.0.0.1:0").unwrap();
        Shop { url: format!("http://{}/callbacks/robokassa", serving.address()), verdicts, _serving: serving }
    }
}

async fn judge(State((merchant, verdicts)): State<(Arc<Merchant>, Verdicts)>, request: Request) -> (StatusCode, Vec<u8>) {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 100_000).await.unwrap();
    let request = if head.method == "GET" { get(head.uri.query().unwrap().as_bytes()) } else { post(&body) };
    let answer = merchant.handle_callback(&request).unwrap();
    verdicts.lock().unwrap().push(answer.verdict);
    (StatusCode::from_u16(answer.reply.status).unwrap(), answer.reply.body)
}

/// Pays an order by its link at the stand-in: each verdict on what it sent, and how many the shop took.
fn pay(scenario: &str, config: Config, changes: &[(&str, &str)], order: &LinkRequest) -> (Vec<Verdict>, usize) {
    let shop = Shop::new(changes);
    let patience = Patience { delay_ms: 1, retry_ms: 1, ..config.patience };
    let config = Config { result_url: shop.url.clone(), patience, ..config };
    let page = Running::start(config, "127.0.0.1:0").unwrap();
    let link = merchant(&[changes, &[("payment-page", &page.url())]].concat()).create_link(order).unwrap();
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).build().into();
    assert_eq!(agent.get(&link.url).call().unwrap().status(), 200, "the link is good");
    let chosen = [("scenario".to_owned(), scenario.to_owned()), ("choice".to_owned(), "pay".to_owned())];
    let form = link.form_fields.into_iter().chain(chosen);
    assert_eq!(agent.post(format!("http://{}/pay", page.address())).send_form(form).unwrap().status(), 200);
    let sent = page.settled(Duration::from_secs(20)).unwrap();
    let taken =
        sent.iter().filter(|sent| sent.status == Some(200) && sent.answer == Some(format!("OK{}", sent.transaction_id)));
    (shop.verdicts.lock().unwrap().clone(), taken.count())
}

fn shop_config() -> Config {
    Config::new(robokassa::SHOP, Passwords::new(robokassa::PASSWORD_1, robokassa::PASSWORD_2), "")
}

#[test]
fn what_the_stand_in_sends_of_a_link_is_that_order_s_payment() {
    for (hash_name, hash) in [("md5", Hash::Md5), ("sha256", Hash::Sha256), ("sha512", Hash::Sha512)] {
        for (result_method, id) in [(Method::Post, "1795545611003"), (Method::Get, "A-42.b_c")] {
            let order = LinkRequest { id: id.into(), expires_at: Some(1_893_542_645), ..order() };
            let config = Config { hash, result_method, ..shop_config() };
            let (verdicts, taken) = pay("pay", config, &[("hash-algorithm", hash_name)], &order);
            let [Verdict::Accepted(event)] = &verdicts[..] else { panic!("{hash_name} {id}: {verdicts:?}") };
            assert_eq!((event.facts.order.as_deref(), &event.facts.amount), (Some(id), &order.amount));
            assert_eq!(taken, 1);
        }
    }
}

#[test]
fn what_the_stand_in_spoils_is_no_payment() {
    let codes = |verdicts: &[Verdict]| -> Vec<String> {
        let code = |verdict: &Verdict| match verdict {
            Verdict::Accepted(event) => format!("{} {}", event.dedup_key, event.facts.amount.minor_units),
            Verdict::Unresolved(problem) | Verdict::Ignored(problem) | Verdict::Refused(problem) => problem.code.clone(),
        };
        verdicts.iter().map(code).collect()
    };
    let payment = "payment:robo-demo-test:42 10000";
    for (scenario, want, want_taken) in [
        ("repeat", &[payment, payment, payment][..], 3),
        ("delay", &[payment], 1),
        ("decline", &[], 0),
        ("tamper", &["signature-mismatch"], 0),
        ("other-order", &["signature-mismatch"], 0),
        ("forge", &["signature-mismatch"], 0),
        ("other-amount", &["payment:robo-demo-test:42 10100"], 1),
        ("unknown-order", &["payment:robo-demo-test:9000000000000000001 10000"], 1),
        ("unknown-form", &["unrecognized-form"], 1),
    ] {
        let (verdicts, taken) = pay(scenario, shop_config(), &[], &order());
        assert_eq!((codes(&verdicts), taken), (want.iter().map(|code| (*code).to_owned()).collect(), want_taken), "{scenario}");
    }
}

#[test]
fn a_test_payment_is_taken_and_credits_nothing() {
    let test_passwords = Some(Passwords::new("OtherPassword1", "OtherPassword2"));
    let changes = [("test-mode", "true"), ("password-1", "OtherPassword1"), ("password-2", "OtherPassword2")];
    let (verdicts, taken) = pay("pay", Config { test_passwords, ..shop_config() }, &changes, &order());
    assert!(matches!(&verdicts[..], [Verdict::Ignored(problem)] if problem.code == "test-callback"), "{verdicts:?}");
    assert_eq!(taken, 1);
}
