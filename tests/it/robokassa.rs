//! The shipped component of Robokassa.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::robokassa::Robokassa;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use domain::{Fields, LinkRequest, OrderId, Verdict};
use end_to_end::robokassa::{self, digest_hex, merchant, native, provider, settings, vectors};
use end_to_end::straight::Straight;
use end_to_end::vectors::Vectors;
use end_to_end::{decode, get, order, post};
use money::Currency;
use sandbox::{Merchant, Provider};
use stand_in::robokassa::{Config, Hash, Passwords, Running};
use stand_in::serving::Serving;
use stand_in::{Method, Patience};

use crate::provider_suite::{Changes, Fixture, OrderChange, field, native_link, provider_suite};

struct Shipped;

provider_suite!(Shipped);

impl Fixture for Shipped {
    type Native = Robokassa;

    const LINK_SETTINGS: &'static [Changes] = &[&[("test-mode", "false")], &[("test-mode", "true")]];
    const ORDERS: &'static [OrderChange] = &[
        ("nothing", |_, _| {}),
        ("an order of 13 digits", |order, _| order.id = OrderId::stored("1795545611003")),
        ("an id that is no number", |order, _| order.id = OrderId::stored("A-42.b_c")),
        ("an id that is none", |order, _| order.id = OrderId::stored("заказ 1")),
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
                id: OrderId::stored(long),
                description: long.into(),
                payer: vec![("email".into(), long.into())],
                ..order.clone()
            };
        }),
    ];
    const WRONG_SETTINGS: Changes = &[
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
    const REFUSED_SETTINGS: &'static [Changes] = &[
        &[],
        &[("merchant-login", "demo"), ("password-1", "TestPassword1"), ("password-2", "TestPassword1")],
        &[("merchant-login", "demo"), ("password-1", "TestPassword1"), ("password-2", "        ")],
    ];
    const INSERTIONS: &'static [&'static str] = &["&IsTest=1", "&Shp_order=43", "&shp_order=43", "%3A1"];

    fn provider() -> &'static Provider {
        provider()
    }

    fn settings(changes: &[(&str, &str)]) -> Fields {
        settings(changes)
    }

    fn vectors() -> Vec<(&'static str, &'static Vectors)> {
        vectors().iter().map(|(name, vectors)| (*name, vectors)).collect()
    }

    fn reply(form: &[u8]) -> String {
        let (_, inv_id) = decode(form).into_iter().find(|(name, _)| name == b"InvId").unwrap();
        format!("OK{}", String::from_utf8(inv_id).unwrap())
    }

    /// The signature is valid for every way to split the text that it covers; only the password keeps its position.
    fn recut() -> Vec<(String, Vec<String>)> {
        vec![recut_of(&[("Shp_order", "42")]), recut_of(&[("Shp_a", "1"), ("Shp_order", "42"), ("Shp_z", "x=y")])]
    }
}

fn recut_of(own: &[(&str, &str)]) -> (String, Vec<String>) {
    let form = |out_sum: &str, inv_id: &str, own: &[(&str, &str)]| {
        robokassa::signed(&[&[("OutSum", out_sum), ("InvId", inv_id)], own].concat())
    };
    let signature = |body: &str| body.rsplit_once("SignatureValue=").unwrap().1.to_owned();
    let genuine = form("100.000000", "42", own);
    let text: String = own.iter().map(|(name, value)| format!(":{name}={value}")).collect();
    let cuts: Vec<String> =
        cuts(&text).into_iter().filter(|cut| cut != own).map(|cut| form("100.000000", "42", &cut)).collect();
    assert!(own.len() == 1 || cuts.len() > 3, "{cuts:?}");
    cuts.iter().for_each(|cut| assert_eq!(signature(cut), signature(&genuine), "the signature must still be valid"));
    // Sum and invoice are digits on both sides of a single colon, so moving a digit changes the signed text.
    let moved = [("100.0000004", "2"), ("100.00000", "042"), ("", "100.000000:42"), ("100.000000:42", "")];
    let moved = moved.map(|(out_sum, inv_id)| {
        let resigned = form(out_sum, inv_id, own);
        resigned.replace(&signature(&resigned), &signature(&genuine))
    });
    (genuine, [&cuts[..], &moved].concat())
}

/// Returns all ways to read the end of a signed text as parameters: each begins at a colon, and its name ends at an equals
/// sign.
fn cuts(text: &str) -> Vec<Vec<(&str, &str)>> {
    let Some(parameter) = text.strip_prefix(':') else { return Vec::new() };
    let ends = parameter.match_indices(':').map(|(at, _)| at).chain([parameter.len()]);
    let ways = ends.flat_map(|end| {
        let (first, rest) = parameter.split_at(end);
        let rests = if rest.is_empty() { vec![Vec::new()] } else { cuts(rest) };
        let pairs = first.match_indices('=').map(move |(at, _)| (&first[..at], &first[at + 1..]));
        pairs.flat_map(move |pair| rests.clone().into_iter().map(move |rest| [vec![pair], rest].concat()))
    });
    ways.collect()
}

#[test]
fn vector_files_are_complete() {
    let counts = vectors().each_ref().map(|(_, vectors)| vectors.callbacks.len());
    assert_eq!(counts, [52, 13, 13, 5]);
}

#[test]
fn links_are_signed_by_each_hash() {
    // Digests computed by Python's hashlib: robo-demo-test:100.00:42:TestPassword1:Shp_order=42
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
        let link = merchant(&changes).link(&order()).unwrap();
        assert_eq!(field(&link, "SignatureValue"), signature, "{hash}");
        assert_eq!(Ok(link), native_link(&native(&changes), &order()), "{hash}");
    }
}

/// Every vector that is not refused has a valid signature, by code that is not the provider's.
#[test]
fn accepted_vectors_are_signed() {
    for (file, vectors) in vectors() {
        for vector in vectors.callbacks.iter().filter(|vector| vector.verdict != "refused") {
            let text = vector.form();
            let (_, signature) = decode(text).into_iter().find(|(name, _)| name == b"SignatureValue").unwrap();
            let signature = String::from_utf8(signature).unwrap().to_lowercase();
            let hash = &vectors.settings["hash-algorithm"];
            let mut texts = robokassa::signed_texts(text, robokassa::PASSWORD_2).into_iter();
            assert!(texts.any(|text| signature == digest_hex(hash, &text)), "{file}: {}", vector.name);
        }
    }
}

/// The component's verdicts on what it received.
type Verdicts = Arc<Mutex<Vec<Verdict>>>;

/// A shop whose ResultURL is answered by the component.
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
    let answer = merchant.judge(&request).unwrap();
    verdicts.lock().unwrap().push(answer.verdict);
    let reply = answer.reply.unwrap();
    (StatusCode::from_u16(reply.status).unwrap(), reply.body)
}

/// Pays an order by its link at the stand-in. Returns the verdict on each notification, and how many the shop acknowledged.
fn pay(scenario: &str, config: Config, changes: &[(&str, &str)], order: &LinkRequest) -> (Vec<Verdict>, usize) {
    let shop = Shop::new(changes);
    let patience = Patience { delay_ms: 1, retry_ms: 1, ..config.patience };
    let config = Config { result_url: shop.url.clone(), patience, ..config };
    let page = Running::start(config, "127.0.0.1:0").unwrap();
    let link = merchant(&[changes, &[("payment-page", &page.url())]].concat()).link(order).unwrap();
    let agent = support::agent();
    assert_eq!(agent.get(link.url.as_deref().unwrap()).call().unwrap().status(), 200, "the link is good");
    let chosen = [("scenario".to_owned(), scenario.to_owned()), ("choice".to_owned(), "pay".to_owned())];
    let form = link.form.unwrap().inputs.into_iter().chain(chosen);
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
fn stand_in_payment_of_link_pays_its_order() {
    for (hash_name, hash) in [("md5", Hash::Md5), ("sha256", Hash::Sha256), ("sha512", Hash::Sha512)] {
        for (result_method, id) in [(Method::Post, "1795545611003"), (Method::Get, "A-42.b_c")] {
            let order = LinkRequest { id: id.parse().unwrap(), expires_at: Some(1_893_542_645), ..order() };
            let config = Config { hash, result_method, ..shop_config() };
            let (verdicts, taken) = pay("pay", config, &[("hash-algorithm", hash_name)], &order);
            let [verdict] = &verdicts[..] else { panic!("{hash_name} {id}: {verdicts:?}") };
            let [event] = verdict.events() else { panic!("{hash_name} {id}: {verdicts:?}") };
            assert_eq!((event.facts.order.as_deref(), &event.facts.amount), (Some(id), &order.amount));
            assert_eq!(taken, 1);
        }
    }
}

#[test]
fn spoiled_stand_in_callbacks_are_no_payment_of_the_order() {
    let codes = |verdicts: &[Verdict]| -> Vec<String> {
        let code = |verdict: &Verdict| match verdict {
            Verdict::Unresolved(problem) | Verdict::Ignored(problem) | Verdict::Refused(problem) => problem.code.clone(),
            verdict => {
                let events = verdict.events().iter();
                events.map(|event| format!("{} {}", event.dedup_key, event.facts.amount.minor_units)).collect()
            }
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
fn test_payment_is_acknowledged_and_ignored() {
    let test_passwords = Some(Passwords::new("OtherPassword1", "OtherPassword2"));
    let changes = [("test-mode", "true"), ("password-1", "OtherPassword1"), ("password-2", "OtherPassword2")];
    let (verdicts, taken) = pay("pay", Config { test_passwords, ..shop_config() }, &changes, &order());
    assert!(matches!(&verdicts[..], [Verdict::Ignored(problem)] if problem.code == "test-callback"), "{verdicts:?}");
    assert_eq!(taken, 1);
}
