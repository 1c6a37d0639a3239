//! Components that are swapped while the gateway runs.

use std::collections::BTreeMap;

use crate::server::{Server, TOKEN, answer, config, enter_settings, gateway, listen};
use catalog::Catalog;
use end_to_end::guest::Guest;
use end_to_end::{SECRET, component, patched, relabelled, settings, signed, with_custom_section};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const COMMENT: &str = "Пополнение баланса через ЛК";
/// Of the same length.
const OTHER_COMMENT: &str = "Пополнение баланса через ИК";

impl Server {
    pub fn swap(&self, name: &str, component: &[u8], query: &str) -> (u16, Value) {
        let request = self.agent.post(self.url(&format!("/api/v1/providers/{name}/component{query}")));
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        answer(request.header("content-type", "application/wasm").send(component).unwrap())
    }

    /// Swaps in a component with settings, as a form.
    fn swap_with(&self, name: &str, component: &[u8], settings: &Value) -> (u16, Value) {
        self.swap_confirmed(name, component, settings, "")
    }

    /// Does the same with an operator's confirmation in the query.
    fn swap_confirmed(&self, name: &str, component: &[u8], settings: &Value, query: &str) -> (u16, Value) {
        let (boundary, json) = ("a-boundary-of-tests", settings.to_string());
        let head =
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"settings\"\r\n\r\n{json}\r\n--{boundary}\r\n");
        let file = "content-disposition: form-data; name=\"component\"; filename=\"a.wasm\"\r\n\r\n";
        let end = format!("\r\n--{boundary}--\r\n");
        let body = [head.as_bytes(), file.as_bytes(), component, end.as_bytes()].concat();
        let request = self.agent.post(self.url(&format!("/api/v1/providers/{name}/component{query}")));
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        answer(request.header("content-type", format!("multipart/form-data; boundary={boundary}")).send(&body).unwrap())
    }

    pub fn callback_of(&self, name: &str, body: &str) -> (u16, Value) {
        answer(self.agent.post(self.url(&format!("/callbacks/{name}"))).send(body).unwrap())
    }

    fn back(&self, name: &str) -> (u16, Value) {
        self.post(&format!("/api/v1/providers/{name}/component/previous"), &json!({}))
    }

    /// Returns the digest of the active component, by the API and by the lock.
    fn in_use(&self, name: &str) -> String {
        let (_, list) = self.get("/api/v1/providers");
        let provider = list["providers"].as_array().unwrap().iter().find(|provider| provider["name"] == name).unwrap();
        let sha256 = provider["sha256"].as_str().unwrap().to_owned();
        assert_eq!(self.catalog().lock().unwrap()[name].current.sha256, sha256);
        sha256
    }

    pub fn catalog(&self) -> Catalog {
        Catalog::open(self.folder.path()).unwrap()
    }

    /// Pays a new order, and returns the entry's comment.
    fn pay(&self, transaction: &str) -> String {
        let order = self.order();
        assert_eq!(self.callback(&payment(&order, transaction)).0, 200);
        let (_, feed) = self.get("/api/v1/entries");
        let entry = feed["entries"].as_array().unwrap().iter().find(|entry| entry["transaction"] == transaction);
        entry.unwrap()["comment"].as_str().unwrap().to_owned()
    }
}

fn payment(order: &str, transaction: &str) -> String {
    signed(&[
        ("transaction_type", "Purchase"),
        ("customer_id", "001234-100000062"),
        ("product_id", end_to_end::PRODUCT),
        ("transaction_id", transaction),
        ("order_id", order),
        ("cs1", order),
        ("total", "100.00"),
        ("currency", "RUB"),
    ])
}

/// Returns a link request that names a provider.
fn with_provider(name: &str) -> Value {
    let mut asked = crate::server::asked();
    asked["provider"] = name.into();
    asked
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A signature over masked data may not be valid any more.
#[test]
fn replay_skips_and_counts_masked_callbacks() {
    let server = Server::new();
    server.pay("1");
    let order = server.order();
    assert_eq!(server.callback(&format!("{}&creditcardnumber=4111111111111111", payment(&order, "2"))).0, 200);
    let (status, swapped) = server.swap("chronopay", &with_custom_section(&component(), "b"), "");
    assert_eq!((status, &swapped["replayed"], &swapped["left_out"]), (200, &json!(1), &json!(1)), "{swapped}");
    let changed = patched(&component(), COMMENT, OTHER_COMMENT);
    let (status, refused) = server.swap("chronopay", &changed, "");
    assert_eq!((status, &refused["changed"], &refused["left_out"]), (422, &json!(1), &json!(1)), "{refused}");
}

#[test]
fn swap_and_rollback_replace_component() {
    let mut server = Server::new();
    let (old, new) = (component(), with_custom_section(&component(), "new"));
    assert_eq!(server.pay("1"), COMMENT);
    let (status, swapped) = server.swap("chronopay", &new, "");
    assert_eq!(status, 200, "{swapped}");
    assert_eq!((&swapped["current"]["sha256"], &swapped["previous"]["sha256"]), (&json!(sha256(&new)), &json!(sha256(&old))));
    assert_eq!((&swapped["swapped"], &swapped["replayed"], &swapped["changes"]), (&json!(true), &json!(1), &json!([])));
    assert_eq!(server.in_use("chronopay"), sha256(&new));
    assert_eq!(server.pay("2"), COMMENT, "the settings are the same");

    let (status, again) = server.swap("chronopay", &new, "");
    assert_eq!((status, &again["swapped"], &again["previous"]["sha256"]), (200, &json!(false), &json!(sha256(&old))));

    // A restarted host uses the component that was swapped in.
    server.restart();
    assert_eq!(server.in_use("chronopay"), sha256(&new));
    assert_eq!(server.pay("3"), COMMENT);

    let (status, back) = server.back("chronopay");
    assert_eq!((status, &back["current"]["sha256"]), (200, &json!(sha256(&old))), "{back}");
    assert_eq!(server.in_use("chronopay"), sha256(&old));
    assert_eq!(server.pay("4"), COMMENT);
    assert_eq!(server.back("chronopay").1["current"]["sha256"], sha256(&new), "and forward again");
}

#[test]
fn changed_verdicts_require_acceptance() {
    let server = Server::new();
    let (old, new) = (component(), patched(&component(), COMMENT, OTHER_COMMENT));
    server.pay("1");
    server.pay("2");
    let (status, refused) = server.swap("chronopay", &new, "");
    assert_eq!((status, &refused["changed"]), (422, &json!(2)), "{refused}");
    assert_eq!(
        (&refused["changes"][0]["transaction"], &refused["changes"][0]["differences"]),
        (&json!("2"), &json!([{"field": "event.comment", "before": COMMENT, "after": OTHER_COMMENT}]))
    );
    assert_eq!(server.in_use("chronopay"), sha256(&old));
    let accept = refused["accept"].as_str().unwrap();
    // Another component with the same changes was not accepted, and neither were other changes.
    assert_eq!(server.swap("chronopay", &with_custom_section(&new, "x"), &format!("?accept_changes={accept}")).0, 422);
    server.pay("3");
    let (status, refused) = server.swap("chronopay", &new, &format!("?accept_changes={accept}"));
    assert_eq!((status, &refused["changed"]), (422, &json!(3)));
    let accept = refused["accept"].as_str().unwrap();
    let (status, swapped) = server.swap("chronopay", &new, &format!("?accept_changes={accept}"));
    assert_eq!((status, swapped["changes"].as_array().unwrap().len()), (200, 3), "{swapped}");
    assert_eq!((server.in_use("chronopay"), server.pay("4")), (sha256(&new), OTHER_COMMENT.to_owned()));
    assert_eq!(server.back("chronopay").0, 200, "a rollback is not refused");
    assert_eq!(server.pay("5"), COMMENT);
}

#[test]
fn unsuitable_components_are_rejected() {
    let server = Server::new();
    let old = component();
    let guest = Guest::good().build();
    for (what, bytes, words) in [
        ("nothing", &b""[..], "not a WebAssembly component"),
        ("half a component", &old[..old.len() / 2], "it is damaged"),
        ("another provider", &guest, "the component is hostile but provider chronopay runs chronopay"),
    ] {
        let (status, refused) = server.swap("chronopay", bytes, "");
        let detail = refused["detail"].as_str().unwrap();
        assert!(status == 422 && detail.contains(words), "{what}: {status} {detail}");
        assert_eq!(server.in_use("chronopay"), sha256(&old), "{what}");
    }
    let (status, refused) = server.swap("chronopay", &vec![0; (4 << 20) + 1], "");
    assert_eq!(status, 413, "{refused}");
    let (status, refused) = server.swap("chronopay", &with_custom_section(&old, "x"), "?memory_bytes_max=65536");
    assert!(status == 422 && refused["detail"].as_str().unwrap().contains("65536"), "{refused}");
    for limit in ["memory_bytes_max", "fuel_max", "export_fuel_max", "time_ms_max"] {
        let (status, refused) = server.swap("chronopay", &with_custom_section(&old, "x"), &format!("?{limit}=0"));
        let detail = refused["detail"].as_str().unwrap();
        assert!(status == 422 && detail.starts_with(&format!("{limit} must be at least 1")), "{status} {detail}");
    }
    assert_eq!(server.swap("chronopay", &old, "?fuel=1").0, 400, "a misspelt option is refused");
    let (status, refused) = server.back("chronopay");
    assert!(status == 422 && refused["detail"].as_str().unwrap().contains("no earlier component"), "{refused}");
    assert_eq!(server.back("other").0, 404);
    assert_eq!(server.swap("Other", &guest, "").0, 422, "a name must be valid in a path");
    assert_eq!(server.pay("1"), COMMENT);
}

/// Returns the made-up provider with what a marker names: a fault, or another name of its required setting.
pub fn made_up(name: &str) -> Vec<u8> {
    let marker = |name: &str| format!("{:.<32}", format!("fault:{name}"));
    patched(&end_to_end::component_of("faulty"), &marker("none"), &marker(name))
}

/// The secret of the made-up provider.
pub const KEY: &str = "faulty-test-key-001";

/// Returns the made-up payment system's callback of a payment of 100.00.
pub fn made_up_payment(order: &str, payment: &str, key: &str) -> String {
    made_up_callback("payment", order, payment, key)
}

/// Returns a callback of a kind about a payment of 100.00.
pub fn made_up_callback(kind: &str, order: &str, payment: &str, key: &str) -> String {
    let signed = format!("{key}{kind}{payment}100500100.00;{order};RUB;17");
    let sign = end_to_end::md5_hex(&[signed.as_bytes()]);
    format!("type={kind}&payment={payment}&payer=100500&amount=100.00&order={order}&currency=RUB&shop=17&time=x&sign={sign}")
}

impl Server {
    /// Starts a server with the made-up provider and its settings.
    pub fn with_made_up() -> Server {
        let server = Server::new();
        assert_eq!(server.swap("made-up", &made_up("none"), "").0, 200);
        let entered = json!({"shop": "17", "key": KEY, "comment": "Top-up of before"});
        let (status, said) = server.put("/api/v1/providers/made-up/settings", &entered);
        assert_eq!(status, 204, "{said}");
        server
    }

    /// Pays an order by the made-up provider, and returns the entry's comment.
    fn pay_made_up(&self, payment: &str, key: &str) -> String {
        let account = json!({"name": "Иванов И. И.", "kind": "individual"});
        assert_eq!(self.put("/api/v1/accounts/100500", &account).0, 200);
        let (status, link) = self.post("/api/v1/links", &with_provider("made-up"));
        assert_eq!(status, 200, "{link}");
        let body = made_up_payment(link["order"].as_str().unwrap(), payment, key);
        let (status, said) = self.callback_of("made-up", &body);
        assert_eq!(status, 200, "{said}");
        let (_, feed) = self.get("/api/v1/entries");
        feed["entries"].as_array().unwrap().last().unwrap()["comment"].as_str().unwrap().to_owned()
    }

    fn shown(&self, name: &str) -> Value {
        self.get(&format!("/api/v1/providers/{name}/settings")).1
    }
}

#[test]
fn settings_can_be_sent_with_component() {
    let server = Server::with_made_up();
    assert_eq!(server.pay_made_up("10000001", KEY), "Top-up of before");
    let new = made_up("shop-renamed");
    let (status, refused) = server.swap("made-up", &new, "");
    assert_eq!(status, 422, "{refused}");
    let wanted: Vec<_> = refused["wanted"].as_array().unwrap().iter().map(|setting| &setting["name"]).collect();
    assert_eq!((wanted, &refused["problems"][0]["field"]), (vec![&json!("site")], &json!("site")), "{refused}");
    assert_eq!(server.in_use("made-up"), sha256(&made_up("none")));
    assert_eq!(server.pay_made_up("10000002", KEY), "Top-up of before", "payments continue");

    let (status, wrong) = server.swap_with("made-up", &new, &json!({"site": "no digits"}));
    assert_eq!((status, &wrong["problems"][0]["field"]), (422, &json!("site")), "{wrong}");
    let (status, swapped) = server.swap_with("made-up", &new, &json!({"site": "17"}));
    assert_eq!((status, &swapped["replayed"]), (200, &json!(2)), "{swapped}");
    let shown = server.shown("made-up");
    assert_eq!(
        (&shown["site"], &shown["comment"]),
        (&json!("17"), &json!("Top-up of before")),
        "settings that both components have are kept"
    );
    assert_eq!((&shown["shop"], &shown["key"]), (&Value::Null, &Value::Null), "kept for the other component, and secret");
    assert_eq!(server.pay_made_up("10000003", KEY), "Top-up of before");

    // After a rollback, the earlier values are used again, but with a secret that was renewed meanwhile.
    let renewed = "faulty-test-key-002";
    let entered = json!({"site": "17", "key": renewed, "comment": "Top-up of after"});
    assert_eq!(server.put("/api/v1/providers/made-up/settings", &entered).0, 204);
    assert_eq!(server.back("made-up").0, 200);
    assert_eq!(server.shown("made-up")["shop"], "17");
    assert_eq!(server.pay_made_up("10000004", renewed), "Top-up of after");
    assert_eq!(server.back("made-up").0, 200, "and forward again, with the settings that were entered for it");
    assert_eq!(server.pay_made_up("10000005", renewed), "Top-up of after");
}

#[test]
fn settings_sent_with_component_are_checked_like_others() {
    let server = Server::new();
    let new = with_custom_section(&component(), "new");
    let (status, refused) = server.swap_with("chronopay", &new, &json!({"shared-sec": format!("{SECRET}\u{200b}")}));
    assert_eq!((status, &refused["problems"][0]["code"]), (422, &json!("setting-invisible")), "{refused}");
    assert!(!refused.to_string().contains(SECRET), "{refused}");
    let elsewhere = json!({"payment-page": "https://evil.example/"});
    let (status, refused) = server.swap_with("chronopay", &new, &elsewhere);
    assert_eq!((status, &refused["problems"][0]["code"]), (422, &json!("host-unconfirmed")), "{refused}");
    let wanted: Vec<_> = refused["wanted"].as_array().unwrap().iter().map(|setting| setting["name"].clone()).collect();
    assert_eq!(wanted, ["shared-sec", "payment-page"], "{refused}");
    let confirmed = server.swap_confirmed("chronopay", &new, &elsewhere, "?confirm_hosts=evil.example");
    let problem = &confirmed.1["problems"][0];
    assert_eq!((confirmed.0, &problem["code"], &problem["field"]), (422, &json!("secret-unconfirmed"), &json!("shared-sec")));
    assert_eq!(server.in_use("chronopay"), sha256(&component()));
    let elsewhere = json!({"payment-page": "https://evil.example/", "shared-sec": SECRET});
    let confirmed = server.swap_confirmed("chronopay", &new, &elsewhere, "?confirm_hosts=evil.example");
    assert_eq!(confirmed.0, 200, "{}", confirmed.1);
    assert_eq!(server.shown("chronopay")["payment-page"], "https://evil.example/");
}

#[test]
fn settings_unknown_to_next_component_are_set_aside() {
    let server = Server::new();
    let entered: BTreeMap<_, _> = settings(&[("payment-type-group", "1")]).into_iter().collect();
    assert_eq!(server.put("/api/v1/providers/chronopay/settings", &json!(entered)).0, 204);
    let next = patched(&component(), "payment-type-group", "payment-kind-group");
    let (status, swapped) = server.swap("chronopay", &next, "");
    assert_eq!((status, &server.shown("chronopay")["payment-type-group"]), (200, &Value::Null), "{swapped}");
    assert_eq!(server.pay("1"), COMMENT);
    assert_eq!(server.back("chronopay").0, 200);
    assert_eq!(server.shown("chronopay")["payment-type-group"], "1");
}

#[test]
fn interrupted_swap_keeps_old_component_and_settings() {
    let mut server = Server::with_made_up();
    let (old, new) = (made_up("none"), made_up("shop-renamed"));
    // The next component's settings are on disk, but the lock cannot be written.
    let part = server.folder.path().join("providers.lock.part");
    std::fs::create_dir(&part).unwrap();
    let (status, failed) = server.swap_with("made-up", &new, &json!({"site": "17"}));
    assert_eq!(status, 503, "{failed}");
    server.pay_made_up("10000001", KEY);
    server.restart();
    assert_eq!((server.in_use("made-up"), &server.shown("made-up")["shop"]), (sha256(&old), &json!("17")));
    server.pay_made_up("10000002", KEY);
    std::fs::remove_dir(&part).unwrap();
    assert_eq!(server.swap_with("made-up", &new, &json!({"site": "17"})).0, 200);
    server.restart();
    assert_eq!((server.in_use("made-up"), &server.shown("made-up")["site"]), (sha256(&new), &json!("17")));
    server.pay_made_up("10000003", KEY);
    // After a manual rollback of the lock, the component also has its settings.
    assert_eq!(server.catalog().roll_back(&"made-up".parse().unwrap()).unwrap().sha256, sha256(&old));
    server.restart();
    assert_eq!((server.in_use("made-up"), &server.shown("made-up")["shop"]), (sha256(&old), &json!("17")));
    server.pay_made_up("10000004", KEY);
}

#[test]
fn secret_stays_secret_after_relabelling() {
    let mut server = Server::new();
    let new = relabelled();
    server.pay("1");
    let (status, refused) = server.swap("chronopay", &new, "");
    assert_eq!((status, &refused["relabelled"]), (422, &json!([{"name": "shared-sec", "kind": "text"}])), "{refused}");
    assert_eq!(server.swap("chronopay", &new, "?accept_relabelled=product-id").0, 422, "it is accepted by its name");
    assert_eq!(server.in_use("chronopay"), sha256(&component()));
    let (status, swapped) = server.swap("chronopay", &new, "?accept_relabelled=shared-sec");
    assert_eq!(status, 200, "{swapped}");
    let is_shown = |server: &Server| {
        let (_, settings) = server.get("/api/v1/providers/chronopay/settings");
        settings.to_string().contains(SECRET) || settings.get("shared-sec").is_some()
    };
    assert!(!is_shown(&server));
    assert_eq!(server.pay("2"), COMMENT, "the component gets it nevertheless");
    // Entered again it is still a secret, and left empty it keeps its value.
    for entered in [settings(&[]), settings(&[("shared-sec", "")])] {
        let entered: BTreeMap<_, _> = entered.into_iter().collect();
        assert_eq!(server.put("/api/v1/providers/chronopay/settings", &json!(entered)).0, 204);
        assert!(!is_shown(&server));
        assert_eq!(server.pay(&format!("3{}", entered["shared-sec"].len())), COMMENT);
    }
    server.restart();
    assert!(!is_shown(&server));
    // It was accepted once: rolling back and forth does not ask again, and shows no secret.
    assert_eq!((server.back("chronopay").0, server.back("chronopay").0, is_shown(&server)), (200, 200, false));
    // A lock that names another component of this kind by hand is not followed: nobody accepted it.
    let other = with_custom_section(&new, "x");
    server.catalog().stage(&other).unwrap();
    let version = catalog::Version::of(&end_to_end::sandbox().load(&other, sandbox::Limits::default()).unwrap());
    server.catalog().publish(&"chronopay".parse().unwrap(), version).unwrap();
    server.restart();
    let (_, list) = server.get("/api/v1/providers");
    let problem = list["providers"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("shared-sec is a secret, and is declared as text"), "{problem}");
    assert!(!is_shown(&server) && !list.to_string().contains(SECRET));
}

#[test]
fn component_failing_a_check_is_rejected() {
    let server = Server::new();
    let added = with_custom_section(&component(), "second");
    assert_eq!(server.swap("second", &added, "").0, 200, "a new name adds a provider");
    let entered: BTreeMap<_, _> = settings(&[]).into_iter().collect();
    assert_eq!(server.put("/api/v1/providers/second/settings", &json!(entered)).0, 204);
    // A component that accepts callbacks with an invalid signature.
    let (status, refused) = server.swap("faulty", &Guest::accepting_everything().build(), "");
    assert_eq!(status, 422, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("failed (settings)"), "{refused}");
    let checks = refused["checks"]["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "settings" && check["outcome"] == "failed"), "{refused}");
    assert_eq!(server.callback_of("faulty", "a=1").0, 404);
}

#[test]
fn new_provider_takes_callbacks_only_after_checks() {
    let server = Server::new();
    assert_eq!(server.swap("made-up", &made_up("empty-taken"), "").0, 200);
    assert_eq!(server.callback_of("made-up", "").0, 503);
    let entered = json!({"shop": "17", "key": KEY});
    let (status, refused) = server.put("/api/v1/providers/made-up/settings", &entered);
    let detail = refused["detail"].as_str().unwrap();
    assert!(status == 422 && detail.contains("any-input") && !detail.contains(KEY), "{detail}");
    assert_eq!(server.callback_of("made-up", "").0, 503);

    // A component that the command line locked, which was not checked at all before.
    let database = server.folder.path().join("evil/ledger.db");
    std::fs::create_dir(database.parent().unwrap()).unwrap();
    let gateway = gateway(&database, "evil", &Guest::accepting_everything().build(), config());
    let refused = enter_settings(&gateway, "evil", Vec::new()).unwrap_err();
    assert!(refused.contains("does not pass the checks"), "{refused}");
    let other = Server { address: listen(&server.runtime, gateway), ..Server::new() };
    assert_eq!(other.callback_of("evil", "x").0, 503);
}

#[test]
fn provider_without_links_takes_no_orders() {
    let server = Server::new();
    assert_eq!(server.swap("terminals", &made_up("no-links"), "").0, 200);
    let (status, said) = server.put("/api/v1/providers/terminals/settings", &json!({"shop": "17", "key": KEY}));
    assert_eq!(status, 204, "{said}");
    let order = server.order();
    assert!(!order.is_empty(), "without a name, the only provider with links is meant");
    let (status, refused) = server.post("/api/v1/links", &with_provider("terminals"));
    assert_eq!((status, &refused["code"]), (409, &json!("provider-without-links")), "{refused}");
    let (_, list) = server.get("/api/v1/providers");
    let links: Vec<_> = list["providers"].as_array().unwrap().iter().map(|one| (&one["links"], &one["offered"])).collect();
    assert_eq!(links, [(&json!(true), &json!(true)), (&json!(false), &json!(false))]);
}

#[test]
fn setting_of_several_lines_is_kept_as_entered() {
    let server = Server::with_made_up();
    let url = "/api/v1/providers/made-up/settings";
    let entered = |certificate: &str| json!({"shop": "17", "key": KEY, "certificate": certificate});
    let put = |certificate: &str| server.put(url, &entered(certificate));
    // As a browser sends a text area, and as a file ends.
    assert_eq!(put("-----BEGIN X-----\r\n  MIIB\r\n-----END X-----\r\n").0, 204);
    // Of a form that was sent again, only what is saved already is taken.
    let again = |certificate: &str| {
        let authorization = format!("Bearer {TOKEN}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json"), ("if-match", "\"0\"")];
        server.client().send("PUT", url, &headers, entered(certificate).to_string().as_bytes()).unwrap().status
    };
    assert_eq!(again("-----BEGIN X-----\n  MIIB\n-----END X-----"), 204);
    assert_eq!(again("-----BEGIN X-----\n MIIB\n-----END X-----"), 412);
    let (status, refused) = put("-----BEGIN X-----\n MI\u{200b}IB");
    let problem = &refused["problems"][0];
    assert_eq!((status, &problem["code"], &problem["field"]), (422, &json!("setting-invisible"), &json!("certificate")));
    assert!(problem["message"].as_str().unwrap().starts_with("Character 22 "), "{problem}");
    let (status, refused) = server.put(url, &json!({"shop": "1\n7", "key": KEY}));
    assert_eq!((status, &refused["problems"][0]["field"]), (422, &json!("shop")), "a line has no ends of lines");
    assert_eq!(again("-----BEGIN X-----\n  MIIB\n-----END X-----"), 204, "what is refused changes nothing");
    let page = server.log_in().get("/operator/settings/made-up");
    assert!(page.contains("<textarea name=\"certificate\"") && !page.contains("MIIB"), "{page}");
}

#[test]
fn damaged_component_does_not_affect_others() {
    let mut server = Server::new();
    let robokassa = end_to_end::component_of("robokassa");
    assert_eq!(server.swap("robokassa", &robokassa, "").0, 200);
    assert_eq!(server.swap("robokassa", &with_custom_section(&robokassa, "x"), "").0, 200);
    let file = server.folder.path().join(format!("components/{}.wasm", sha256(&with_custom_section(&robokassa, "x"))));
    let whole = std::fs::read(&file).unwrap();
    let damaged = |file: &std::path::Path| {
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 16;
        std::fs::write(file, bytes).unwrap();
    };
    damaged(&file);
    server.restart();
    assert_eq!(server.pay("1"), COMMENT);
    let answer = server.agent.post(server.url("/callbacks/robokassa")).send("a=1").unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after").is_some()), (503, true));
    let state = |server: &Server| {
        let (_, list) = server.get("/api/v1/providers");
        let found = list["providers"].as_array().unwrap().iter().find(|provider| provider["name"] == "robokassa");
        let provider = found.unwrap().clone();
        (provider["state"].clone(), provider["problem"].as_str().unwrap_or_default().to_owned())
    };
    let (is, why) = state(&server);
    assert!(is == "not-loaded" && why.contains("is not what is locked"), "{why}");
    let metrics =
        |server: &Server| server.agent.get(server.url("/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    let counted = metrics(&server);
    assert!(counted.contains("harness_provider_loaded{provider=\"robokassa\"} 0"), "{counted}");
    assert!(counted.contains("outcome=\"provider-not-loaded\"} 1"), "{counted}");
    let page = server.log_in().get("/operator/providers");
    assert!(page.contains("не загружена") && page.contains("Загрузите исправный компонент"), "{page}");
    assert_eq!(server.agent.get(server.url("/readyz")).call().unwrap().status(), 200, "the others are served");

    // The remedy is a rollback, or swapping in a good component, such as the same file undamaged.
    assert_eq!(server.back("robokassa").0, 200);
    assert_eq!(state(&server).0, "not-configured");
    damaged(&server.folder.path().join(format!("components/{}.wasm", sha256(&robokassa))));
    server.restart();
    assert_eq!(state(&server).0, "not-loaded");
    assert_eq!(server.swap("robokassa", &component(), "").0, 422, "a component of another payment system is refused");
    assert_eq!(server.swap("robokassa", &robokassa, "").0, 200);
    assert_eq!(state(&server).0, "not-configured");
    assert!(metrics(&server).contains("harness_provider_loaded{provider=\"robokassa\"} 1"));
}

#[test]
fn paused_provider_takes_callbacks_but_no_orders() {
    let mut server = Server::new();
    let order = server.order();
    let decide = |server: &Server, what: &str| {
        server.post(&format!("/api/v1/providers/chronopay/{what}"), &json!({"operator": "anna"})).0
    };
    assert_eq!(decide(&server, "pause"), 204);
    let (status, refused) = server.post("/api/v1/links", &crate::server::asked());
    assert!(status == 409 && refused["detail"].as_str().unwrap().contains("anna paused it"), "{refused}");
    assert_eq!(server.callback(&payment(&order, "1")).0, 200);
    assert_eq!(server.balance(), 10_000);
    server.restart();
    let (_, list) = server.get("/api/v1/providers");
    assert_eq!((&list["providers"][0]["offered"], &list["providers"][0]["paused"]["by"]), (&json!(false), &json!("anna")));
    assert_eq!(server.post("/api/v1/links", &crate::server::asked()).0, 409);
    assert_eq!(decide(&server, "resume"), 204);
    assert_eq!(server.post("/api/v1/links", &crate::server::asked()).0, 200);
    assert_eq!(server.post("/api/v1/providers/nobody/pause", &json!({})).0, 404);
}

#[test]
fn removal_with_open_orders_asks_and_later_callbacks_are_stored() {
    let mut server = Server::new();
    let order = server.order();
    let (status, asked) = server.delete("/api/v1/providers/chronopay");
    assert_eq!((status, &asked["open_orders"], &asked["open_orders_recent"]), (409, &json!(1), &json!(1)), "{asked}");
    assert_eq!(server.delete("/api/v1/providers/chronopay?confirm=true&operator=anna").0, 204);
    assert_eq!(server.catalog().lock().unwrap().len(), 0);
    for _ in 0..2 {
        for _ in 0..2 {
            let answer = server.agent.post(server.url("/callbacks/chronopay")).send(payment(&order, "1")).unwrap();
            assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after").is_some()), (503, true));
        }
        let (_, list) = server.get("/api/v1/unrecognized");
        let kept = list["unrecognized"].as_array().unwrap();
        assert_eq!((kept.len(), &kept[0]["body"]), (1, &json!(payment(&order, "1"))), "it is stored once");
        assert!(kept[0]["message"].as_str().unwrap().contains("after chronopay was removed"), "{list}");
        let (_, list) = server.get("/api/v1/providers");
        assert_eq!((&list["providers"], &list["removed"][0]["by"]), (&json!([]), &json!("anna")));
        // A lock that is empty because all providers were removed does not prevent a start.
        server.restart();
    }
    let (status, refused) = server.post("/api/v1/links", &with_provider("chronopay"));
    assert!(status == 422 && refused["detail"].as_str().unwrap().contains("was removed"), "{refused}");

    // The name still belongs to the same payment system.
    assert_eq!(server.swap("chronopay", &end_to_end::component_of("robokassa"), "").0, 422);
    // The settings come back only with the component that had them: a person who adds another one must not get the secrets for
    // it.
    let other = with_custom_section(&component(), "x");
    assert_eq!(server.swap("chronopay", &other, "").0, 200);
    for _ in 0..2 {
        let (_, list) = server.get("/api/v1/providers");
        assert_eq!(list["providers"][0]["ready"], false, "{list}");
        assert_eq!(server.callback(&payment(&order, "1")).0, 503);
        server.restart();
    }
    assert_eq!(server.delete("/api/v1/providers/chronopay?confirm=true&operator=anna").0, 204);
    assert_eq!(server.swap("chronopay", &component(), "").0, 200);
    assert_eq!(server.callback(&payment(&order, "1")).0, 200);
    assert_eq!(server.balance(), 10_000);
}

#[test]
fn lock_without_names_removes_no_provider() {
    let mut server = Server::new();
    assert_eq!(server.swap("robokassa", &end_to_end::component_of("robokassa"), "").0, 200);
    let lock = server.folder.path().join("providers.lock");
    let text = std::fs::read_to_string(&lock).unwrap();
    for lost in [Some(""), Some("# nothing\n"), None] {
        match lost {
            Some(text) => std::fs::write(&lock, text).unwrap(),
            None => std::fs::remove_file(&lock).unwrap(),
        }
        let error = server.reopen().err().unwrap().to_string();
        assert!(error.contains("chronopay, robokassa") && error.contains("--restore-lock"), "{error}");
    }
    let ledger = ledger::Ledger::new(storage_sqlite::Sqlite::open(&server.database()).unwrap());
    assert_eq!(host::restore_lock(&ledger, &server.catalog()).unwrap().names, ["chronopay", "robokassa"]);
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), text);

    // A damaged lock is replaced too, and kept beside the new one.
    for damaged in [&text.as_bytes()[..text.len() / 2], b"providers = [1", b"\xff\xfe\x00"] {
        std::fs::write(&lock, damaged).unwrap();
        let error = server.reopen().err().unwrap().to_string();
        assert!(error.contains("--restore-lock") && !error.contains('\n'), "{error}");
        let restored = host::restore_lock(&ledger, &server.catalog()).unwrap();
        assert_eq!(restored.names, ["chronopay", "robokassa"]);
        assert_eq!(std::fs::read(restored.damaged.unwrap()).unwrap(), damaged);
        assert_eq!(std::fs::read_to_string(&lock).unwrap(), text);
    }

    // If a single name is missing, the start restores it and reports that.
    server.catalog().lock().unwrap();
    let robokassa = text.find("[providers.robokassa]").unwrap();
    std::fs::write(&lock, &text[..robokassa]).unwrap();
    server.restart();
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), text);
    let (_, list) = server.get("/api/v1/providers");
    let message = list["providers"][1]["failure"]["message"].as_str().unwrap();
    assert!(message.contains("providers.lock did not name it"), "{message}");

    // Swapping another provider's component does not lose it either.
    std::fs::write(&lock, &text[..robokassa]).unwrap();
    assert_eq!(server.swap("chronopay", &with_custom_section(&component(), "x"), "").0, 200);
    assert_eq!(server.catalog().lock().unwrap().keys().collect::<Vec<_>>(), ["chronopay", "robokassa"]);
}

#[test]
fn swap_of_stale_component_is_a_conflict() {
    let server = Server::new();
    let (old, first, second) = (component(), with_custom_section(&component(), "1"), with_custom_section(&component(), "2"));
    let seen = format!("?in_use={}", sha256(&old));
    assert_eq!(server.swap("chronopay", &first, &seen).0, 200);
    let (status, told) = server.swap("chronopay", &second, &seen);
    assert!(status == 409 && told["detail"].as_str().unwrap().contains(&sha256(&first)), "{told}");
    assert_eq!(server.in_use("chronopay"), sha256(&first));
    assert_eq!(server.post(&format!("/api/v1/providers/chronopay/component/previous{seen}"), &json!({})).0, 409);

    // Settings that are entered while a component is checked are never lost: one of the two requests fails and must be
    // repeated.
    let comment = |at: usize| json!({"product-id": end_to_end::PRODUCT, "comment": format!("Оплата {at}")});
    let swaps = std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let swap = |at: usize| server.swap("chronopay", if at.is_multiple_of(2) { &second } else { &first }, "");
            (0..6).map(swap).map(|(status, said)| (status, said["detail"].as_str().unwrap_or_default().to_owned())).collect()
        });
        for at in 0.. {
            assert_eq!(server.put("/api/v1/providers/chronopay/settings", &comment(at)).0, 204);
            assert_eq!(server.get("/api/v1/providers/chronopay/settings").1["comment"], format!("Оплата {at}"));
            if swapping.is_finished() {
                break;
            }
        }
        let swaps: Vec<(u16, String)> = swapping.join().unwrap();
        swaps
    });
    let is_told = |(status, said): &(u16, String)| *status == 200 || *status == 409 && said.contains("entered settings");
    assert!(swaps.iter().all(is_told), "{swaps:?}");
}

#[test]
fn limits_survive_swap() {
    let server = Server::new();
    let (first, second) = (with_custom_section(&component(), "1"), with_custom_section(&component(), "2"));
    assert_eq!(server.swap("chronopay", &first, "?fuel_max=20000000&time_ms_max=500").0, 200);
    assert_eq!(server.swap("chronopay", &second, "").0, 200);
    let locked = &server.catalog().lock().unwrap()["chronopay"];
    let limits = |version: &catalog::Version| (version.limits.fuel_max, version.limits.time_max.as_millis());
    assert_eq!((limits(&locked.current), limits(locked.previous.as_ref().unwrap())), ((20_000_000, 500), (20_000_000, 500)));
    // The same component under other limits is another version.
    assert_eq!(server.swap("chronopay", &second, "?fuel_max=30000000").1["swapped"], true);
    assert_eq!(limits(&server.catalog().lock().unwrap()["chronopay"].current), (30_000_000, 500));
}

/// A payment system that takes only short ids of orders cannot be used, since this host's have 13 digits.
#[test]
fn component_that_takes_no_id_of_this_host_is_refused() {
    let server = Server::new();
    let taking = |digits: u32| Guest::good().with(|guest| guest.description[12] = 1 | digits << 8).build();
    let (status, refused) = server.swap("short", &taking(12), "");
    assert_eq!(status, 422, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("at most 12 characters"), "{refused}");
}
