//! What strangers must not be able to do on the pages, and what must never leave the program: secrets.

use end_to_end::{PRODUCT, SECRET, component, with_custom_section};
use host_tests::site::{OPERATOR, PASSWORD};
use host_tests::{CallbackSpec, Folder, Site};
use serde_json::{Value, json};
use support::{Answer, Session};

const ACCOUNT: &str = "100500";
const PRICE: i64 = 10_000;

/// The operator's pages and files.
const PAGES: [&str; 16] = [
    "/operator",
    "/operator/settings",
    "/operator/settings/chronopay",
    "/operator/statistics",
    "/operator/statistics.csv",
    "/operator/unmatched",
    "/operator/unmatched/1",
    "/operator/acknowledged",
    "/operator/operations",
    "/operator/payments/1",
    "/operator/decisions",
    "/operator/corrections",
    "/operator/export",
    "/operator/export/files/any.xml",
    "/operator/providers",
    "/operator/calls",
];

/// A form's address and fields.
type Form = (&'static str, &'static [(&'static str, &'static str)]);

/// The operator's forms, each filled in so that it would change something.
const FORMS: [Form; 21] = [
    ("/operator/settings/chronopay", &[("product-id", "009999-0009-0009"), ("shared-sec", "AnotherSecret01")]),
    ("/operator/settings/chronopay/check", &[]),
    ("/operator/accounts/100500/cabinet", &[]),
    ("/operator/unmatched/1", &[("decision", "confirmed"), ("account", ACCOUNT), ("comment", "звонил")]),
    ("/operator/unmatched/2", &[("decision", "dismiss"), ("comment", "не наш")]),
    ("/operator/unrecognized/1/judge", &[]),
    ("/operator/unrecognized/1", &[]),
    ("/operator/unrecognized/1/reopen", &[]),
    // Once more, so that the final state differs from the initial one.
    ("/operator/unrecognized/1", &[]),
    ("/operator/contradictions/1", &[]),
    ("/operator/contradictions/1/reopen", &[]),
    ("/operator/contradictions/1", &[]),
    ("/operator/decisions/1/undo", &[("decision", "confirmed"), ("reason", "не тот счёт")]),
    (
        "/operator/corrections",
        &[
            ("decision", "confirmed"),
            ("key", "k"),
            ("account", ACCOUNT),
            ("direction", "credit"),
            ("amount", "10"),
            ("currency", "RUB"),
            ("comment", "бонус"),
        ],
    ),
    ("/operator/corrections/change", &[]),
    (
        "/operator/export",
        &[
            ("provider", "chronopay"),
            ("from", "2026-10-01"),
            ("to", "2026-10-31"),
            ("format", "register-csv"),
            ("allow-empty", "yes"),
        ],
    ),
    ("/operator/export/seller", &[("kind", "company"), ("name", "ООО «Чужая»"), ("inn", "7700000009"), ("kpp", "770701001")]),
    ("/operator/export/exclusions", &[("writeoff", "w-1"), ("reason", "дубль")]),
    ("/operator/export/exclusions/undo", &[("writeoff", "w-1")]),
    ("/operator/providers/chronopay/component/previous", &[]),
    ("/operator/logout", &[]),
];

/// The forms that upload a component.
const UPLOADS: [Form; 2] = [("/operator/providers", &[("name", "second")]), ("/operator/providers/chronopay/component", &[])];

/// Forms that are accepted only after another page was shown, or about an operation, which ChronoPay's component has none of.
const OTHERS: [Form; 6] = [
    ("/operator/providers/chronopay/component/accepted", &[("sha256", "0"), ("accept", "0")]),
    (
        "/operator/payments/1/refund",
        &[("decision", "confirmed"), ("key", "k"), ("seen", "0"), ("amount", "10"), ("reason", "ошибка")],
    ),
    ("/operator/operations/1/decision", &[("decision", "confirmed"), ("verdict", "done"), ("comment", "в выписке")]),
    ("/operator/operations/1/retry", &[]),
    ("/operator/operations/restorations/1", &[("decision", "confirmed"), ("comment", "по выписке")]),
    ("/operator/operations/1/withdraw", &[("decision", "confirmed"), ("comment", "передумали")]),
];

/// Starts a host with settings, and one of everything that an operator decides about.
fn site(log: &str) -> Site {
    let site = Site::start_on(Folder::default(), log);
    let settings = json!({"product-id": PRODUCT, "shared-sec": SECRET});
    assert_eq!(site.api("PUT", "/api/v1/providers/chronopay/settings", &settings).status, 204);
    let seller = json!({"kind": "company", "name": "ООО «Связь»", "inn": "7700000009", "kpp": "770701001"});
    assert_eq!(site.api("PUT", "/api/v1/seller", &seller).status, 204);
    site.host.api.put_account(ACCOUNT);
    assert_eq!(site.host.api.writeoffs(ACCOUNT, &["w-1".to_owned()], "Доступ в интернет"), 200);
    // Two waiting payments, and a contradiction to the first.
    for spec in
        [CallbackSpec::payment("99", 1, PRICE), CallbackSpec::payment("99", 3, PRICE), CallbackSpec::payment("98", 1, PRICE)]
    {
        assert_eq!(site.host.api.callback(&spec.body()), 200);
    }
    // A genuine callback of an unknown form.
    assert_eq!(site.host.api.callback(&CallbackSpec::payment("99", 2, PRICE).body_with(&[("total", "100,00")])), 200);
    site
}

/// Returns the state that the forms would change.
fn state(site: &Site) -> Vec<Value> {
    let asked = [
        "/api/v1/providers/chronopay/settings",
        "/api/v1/accounts/100500",
        "/api/v1/unmatched",
        "/api/v1/unrecognized",
        "/api/v1/contradictions",
        "/api/v1/decisions",
        "/api/v1/seller",
        "/api/v1/entries",
        "/api/v1/providers",
    ];
    let mut state: Vec<Value> = asked.iter().map(|path| site.api("GET", path, &Value::Null).json()).collect();
    assert!(state.iter().all(|value| !value.is_null()));
    let exports = std::fs::read_dir(site.folder.data().join("exports")).into_iter().flatten().count();
    state.push(exports.into());
    state
}

fn is_login(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location").split('?').next() == Some("/operator/login")
}

fn is_in(site: &Site, session: &Session) -> bool {
    site.get("/operator/providers", &format!("session={}", session.cookie)).status == 200
}

#[test]
fn pages_require_session() {
    let site = site("info");
    let session = site.log_in();
    let new = with_custom_section(&component(), "new");
    let before = state(&site);
    let cookie = &session.cookie;
    let strangers =
        [String::new(), "session=".to_owned(), format!("session={}", "0".repeat(64)), format!("session={}", &cookie[1..])];
    for stranger in strangers.iter().chain([&format!("other={cookie}"), &format!("session={}", session.csrf)]) {
        for path in PAGES {
            // The first one only redirects.
            if path != "/operator" {
                assert!(is_login(&site.get(path, stranger)), "{path} with {stranger:?}");
            }
        }
        for (path, fields) in FORMS.into_iter().chain(OTHERS) {
            let fields = [fields, &[("csrf", session.csrf.as_str())]].concat();
            assert!(is_login(&site.post(path, stranger, &fields)), "{path} with {stranger:?}");
        }
        for (path, fields) in UPLOADS {
            let fields = [fields, &[("csrf", session.csrf.as_str())]].concat();
            assert!(is_login(&site.upload(path, stranger, &fields, &new)), "{path} with {stranger:?}");
        }
    }
    assert_eq!(state(&site), before);
    assert!(is_in(&site, &session));
}

#[test]
fn form_of_another_session_is_refused() {
    let site = site("info");
    let session = site.log_in();
    let other = site.log_in();
    let new = with_custom_section(&component(), "new");
    let before = state(&site);
    let cookie = format!("session={}", session.cookie);
    let marks: [&[(&str, &str)]; 5] = [
        &[],
        &[("csrf", "")],
        &[("csrf", "0000000000000000000000000000000000000000000000000000000000000000")],
        &[("csrf", &other.csrf)],
        &[("csrf", &session.csrf[1..])],
    ];
    for mark in marks {
        for (path, fields) in FORMS.into_iter().chain(OTHERS) {
            let answer = site.post(path, &cookie, &[fields, mark].concat());
            assert_eq!(answer.status, 403, "{path} with {mark:?}");
        }
        for (path, fields) in UPLOADS {
            let answer = site.upload(path, &cookie, &[fields, mark].concat(), &new);
            assert_eq!(answer.status, 403, "{path} with {mark:?}");
        }
    }
    assert_eq!(state(&site), before);
    assert!(is_in(&site, &session));
    // With the CSRF token the same forms succeed, so nothing else was wrong with them.
    for ((path, fields), words) in UPLOADS.into_iter().zip(["добавлена", "теперь работает компонент"])
    {
        let answer = site.upload(path, &cookie, &[fields, &[("csrf", session.csrf.as_str())]].concat(), &new);
        assert!(answer.status == 200 && answer.text().contains(words), "{path}: {}", answer.text());
    }
    for (path, fields) in FORMS {
        let answer = site.post(path, &cookie, &[fields, &[("csrf", session.csrf.as_str())]].concat());
        assert!([200, 303].contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
    }
    let after = state(&site);
    for (at, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_ne!(before, after, "what is at {at} was changed");
    }
    assert!(!is_in(&site, &session) && is_in(&site, &other));
}

#[test]
fn login_by_foreign_form_is_refused() {
    let site = Site::start();
    let page = site.get("/operator/login", "");
    let (mark, csrf) = (page.cookie("login").unwrap(), page.hidden("csrf"));
    let log_in_with = |password: &str, cookies: &str, csrf: &str| {
        site.post("/operator/login", cookies, &[("csrf", csrf), ("operator", OPERATOR), ("password", password)])
    };
    let log_in = |cookies: &str, csrf: &str| log_in_with(PASSWORD, cookies, csrf);
    let own = format!("login={mark}");
    for (cookies, csrf) in [("", csrf.as_str()), (&own, ""), (&own, &csrf[1..]), ("login=", ""), ("login=x", &csrf)] {
        let answer = log_in(cookies, csrf);
        assert_eq!((answer.status, answer.cookie("session")), (403, None), "{cookies:?}, {csrf:?}");
    }
    let answer = log_in(&own, &csrf);
    assert_eq!((answer.status, answer.cookie("session").map(|cookie| cookie.len())), (303, Some(64)));
    // Guessing is slowed down.
    let statuses: Vec<u16> = (0..10).map(|_| log_in_with("a guess of his", &own, &csrf).status).collect();
    assert!(statuses[0] == 403 && statuses.contains(&429), "{statuses:?}");
}

/// Returns the answer to a cabinet link, and the cookie that it sets.
fn cabinet(site: &Site) -> (Answer, String) {
    let link = site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
    let entered = site.get(link["url"].as_str().unwrap(), "");
    let cookie = format!("cabinet={}", entered.cookie("cabinet").unwrap());
    (entered, cookie)
}

/// Creates an order in the cabinet and returns its address.
fn order(site: &Site, cookie: &str) -> String {
    let csrf = site.get("/cabinet", cookie).hidden("csrf");
    let made = site.post("/cabinet/orders", cookie, &[("csrf", &csrf), ("amount", "100,00"), ("provider", "chronopay")]);
    assert_eq!(made.status, 303, "{}", made.text());
    made.header("location").to_owned()
}

#[test]
fn cookies_and_pages_have_protective_headers() {
    let site = site("info");
    let session = site.log_in();
    let operator = format!("session={}", session.cookie);
    let (entered, subscriber) = cabinet(&site);
    let order = order(&site, &subscriber);
    let failed = format!("{order}/failed");
    let refused = site.post("/operator/settings/chronopay", &operator, &[("csrf", &session.csrf), ("product-id", "1")]);
    let left = site.post("/operator/logout", &format!("session={}", site.log_in().cookie), &[]);
    let pages: Vec<(&str, Answer)> = PAGES
        .iter()
        .map(|path| (*path, site.get(path, &operator)))
        .chain(["/operator/login", "/", "/language/en", "/assets/style.css"].map(|path| (path, site.get(path, ""))))
        .chain([("/cabinet", site.get("/cabinet", &subscriber)), ("no cabinet", site.get("/cabinet", ""))])
        .chain([(order.as_str(), site.get(&order, "")), (&failed, site.get(&failed, ""))])
        .chain([("settings refused", refused), ("a foreign form", left), ("entrance", entered)])
        .chain([("logged in", site.try_log_in(PASSWORD)), ("not logged in", site.try_log_in("wrong password"))])
        .collect();
    for (path, page) in &pages {
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"), "{path}: {policy:?}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}: {policy:?}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy:?}");
        let headers = ["x-content-type-options", "x-frame-options", "referrer-policy"].map(|name| page.header(name));
        assert_eq!(headers, ["nosniff", "DENY", "same-origin"], "{path}");
        // The page must not contain what the policy blocks.
        let text = String::from_utf8_lossy(&page.body);
        let is_html = page.header("content-type").starts_with("text/html");
        assert!(!is_html || !["<style", " style=", " onclick=", "<script>"].iter().any(|one| text.contains(one)), "{path}");
    }
    let cookies: Vec<String> = pages
        .iter()
        .flat_map(|(_, page)| page.headers.get_all("set-cookie"))
        .map(|cookie| cookie.to_str().unwrap().to_owned())
        .collect();
    for name in ["session=", "login=", "cabinet=", "language="] {
        assert!(cookies.iter().any(|cookie| cookie.starts_with(name)), "no page sets the cookie {name}");
    }
    for cookie in &cookies {
        assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
    }
}

/// Returns the names of the secrets that were found.
fn found<'s>(haystack: &[u8], secrets: &[(&'s str, Vec<u8>)]) -> Vec<&'s str> {
    let holds = |needle: &[u8]| haystack.windows(needle.len()).any(|window| window == needle);
    secrets.iter().filter(|(_, secret)| holds(secret)).map(|(name, _)| *name).collect()
}

#[test]
fn secret_search_finds_a_secret() {
    let secrets = [("one", b"ab".to_vec()), ("other", b"cd".to_vec())];
    assert_eq!(found(b"xxabxx", &secrets), ["one"]);
    assert_eq!(found(b"xxcd", &secrets), ["other"]);
    assert_eq!(found(b"xacbdx", &secrets), [""; 0]);
}

const CARD: &str = "4111111111111111";
const EMAIL: &str = "ivan.payer@example.com";

/// Returns a payment whose callback contains more than it should.
fn payment_body(order: &str, transaction: u64) -> String {
    let payment = CallbackSpec::payment(order, transaction, PRICE).body();
    let (fields, sign) = payment.split_once("&sign=").unwrap();
    format!("{fields}&creditcardnumber={CARD}&email={}&sign={sign}", EMAIL.replace('@', "%40"))
}

/// Does everything that people and programs do with a host. Returns the session that was used.
fn use_everything(site: &Site) -> Session {
    let session = site.log_in();
    let cookie = format!("session={}", session.cookie);
    let csrf = ("csrf", session.csrf.as_str());
    // Settings that are refused, and settings with and without the secret, on the page and by the API.
    for fields in [
        &[csrf, ("product-id", "1"), ("shared-sec", SECRET)][..],
        &[csrf, ("product-id", PRODUCT), ("shared-sec", SECRET)],
        &[csrf, ("product-id", PRODUCT), ("shared-sec", "")],
    ] {
        assert_eq!(site.post("/operator/settings/chronopay", &cookie, fields).status, 200);
    }
    let settings = "/api/v1/providers/chronopay/settings";
    for (body, status) in [
        (json!({"product-id": "1", "shared-sec": SECRET}), 422),
        (json!({"product-id": PRODUCT, "shared-sec": [SECRET]}), 422),
        (json!({"product-id": PRODUCT, "shared-sec": SECRET}), 204),
        (json!({"product-id": PRODUCT}), 204),
    ] {
        assert_eq!(site.api("PUT", settings, &body).status, status);
    }
    assert_eq!(site.api("GET", settings, &Value::Null).json()["product-id"], PRODUCT);
    // A wrong password, and a token in the wrong place.
    assert_eq!(site.try_log_in(&format!("{PASSWORD} ")).status, 403);
    let page = site.get("/api/v1/accounts/100500", &format!("{cookie}; authorization={}", site.secret("token")));
    assert_eq!(page.status, 401);

    // Payments that are accepted, refused, not understood, repeated, or without an order.
    let (_, subscriber) = cabinet(site);
    let address = order(site, &subscriber);
    site.get(&address, "");
    let order = site.host.api.order(ACCOUNT, PRICE);
    let (own, unknown) = (payment_body(&order, 11), payment_body("98", 12));
    for (body, is_good) in [
        (own.clone(), true),
        (own.clone(), true),
        (unknown, true),
        (own.replace("total=100.00", "total=900.00"), false),
        (own.replace("&sign=", "&sign=0"), false),
        (own.replace("total=100.00", "total=100%2C00"), false),
        (format!("{own}&total=1.00"), false),
        (CARD.to_owned(), false),
    ] {
        assert_eq!(site.host.api.callback(&body) == 200, is_good, "{body}");
    }
    // A browser sends its cookies to every address of the host.
    site.get(&format!("/callbacks/chronopay?{own}"), &format!("{cookie}; {subscriber}"));

    for path in PAGES.iter().chain(&["/cabinet", "/nothing", "/operator/settings/nothing"]) {
        site.get(path, &format!("{cookie}; {subscriber}"));
        site.get(path, "");
    }
    for (path, fields) in FORMS.iter().filter(|(path, _)| !path.ends_with("/chronopay") && !path.ends_with("/logout")) {
        site.post(path, &cookie, &[*fields, &[csrf]].concat());
        site.post(path, &cookie, fields);
    }
    let page = site.get("/operator/export", &cookie);
    let name = page.text().split("/operator/export/files/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    site.get(&format!("/operator/export/files/{name}"), &cookie);
    for path in [
        "/api/v1/providers",
        "/api/v1/entries",
        "/api/v1/unmatched",
        "/api/v1/unrecognized",
        "/api/v1/contradictions",
        "/api/v1/decisions",
        "/api/v1/accounts/100500",
        "/api/v1/seller",
        "/api/v1/exports/writeoffs?from=2026-10-01&to=2026-10-31",
        "/api/v1/exports/writeoffs/manifest?from=2026-10-01&to=2026-10-31",
        "/api/v1/nothing",
        "/api/openapi.json",
        "/api/billing-openapi.json",
        "/api/v1/calls",
        "/metrics",
        "/healthz",
        "/readyz",
    ] {
        site.api("GET", path, &Value::Null);
    }
    session
}

/// Returns the bytes of the database and the files next to it.
fn database(folder: &Folder) -> Vec<u8> {
    ["", "-wal", "-shm"]
        .iter()
        .flat_map(|end| std::fs::read(format!("{}{end}", folder.database().display())).unwrap_or_default())
        .collect()
}

#[test]
fn secrets_are_in_no_log_answer_or_database() {
    for log in ["info", "trace"] {
        let site = site(log);
        let session = use_everything(&site);
        let key = site.secret("key");
        let key_bytes = (0..key.len()).step_by(2).map(|at| u8::from_str_radix(&key[at..at + 2], 16).unwrap()).collect();
        let secrets = [
            ("SharedSec", SECRET.into()),
            ("the token", site.secret("token").into()),
            ("the session's cookie", session.cookie.clone().into_bytes()),
            ("the password", PASSWORD.into()),
            ("the key", key.into_bytes()),
            ("the key's bytes", key_bytes),
        ];
        let payer = [
            ("the card's number", CARD.into()),
            ("the payer's address", EMAIL.into()),
            ("the payer's address, encoded", EMAIL.replace('@', "%40").into_bytes()),
        ];
        let no_secret = [("ProductId", PRODUCT.into()), ("the account", ACCOUNT.into())];
        let logged = [("the operator", OPERATOR.into()), ("a transaction", b"transaction=\"11\"".to_vec())];

        let answers = site.received();
        assert_eq!(found(&answers, &secrets), [""; 0], "{log}: an answer");
        assert_eq!(found(&answers, &no_secret), ["ProductId", "the account"], "{log}: answers were looked at");
        // The database has a log while the host runs, which is removed at its end.
        let running = database(&site.folder);
        let folder = site.stop();
        for (database, when) in [(running, "while it runs"), (database(&folder), "after it")] {
            assert_eq!(found(&database, &secrets), [""; 0], "{log}: the database {when}");
            // Callbacks are stored as received except for card data, so this shows that the database itself was searched.
            assert_eq!(
                found(&database, &[payer[0].clone(), payer[2].clone(), no_secret[1].clone()]),
                ["the payer's address, encoded", "the account"],
                "{log}"
            );
        }
        let lines = folder.log().into_bytes();
        assert_eq!(found(&lines, &secrets), [""; 0], "{log}: the log");
        assert_eq!(found(&lines, &payer), [""; 0], "{log}: the log");
        assert_eq!(found(&lines, &logged), ["the operator", "a transaction"], "{log}: the log was searched");
        assert_eq!(folder.log().contains("DEBUG"), log == "trace", "the log level is {log}");
    }
}
