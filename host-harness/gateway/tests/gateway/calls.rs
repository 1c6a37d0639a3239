//! Payment systems whose callbacks prove nothing: the host asks them by a call, and credits what they say.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use gateway::{CallerProof, Config, Gateway};
use host::CallTimes;
use outbound::{HttpClient, OutboundOptions};
use serde_json::{Value, json};

use crate::payment_system::{PaymentSystem, closed_port};
use crate::server::{Server, config, host, key, listen};
use crate::swap::{KEY, made_up};

/// How many callbacks of one network have calls made at once.
const RUNNING_MAX: usize = 3;
/// How many of one network wait besides.
const WAITING_MAX: usize = 3;

/// A time in which no answer comes that never comes.
const SHORT: Duration = Duration::from_millis(200);

/// Starts a server that makes calls, with the made-up provider that looks its callbacks up at this address.
fn server(page: &str, times: CallTimes, change: impl FnOnce(&mut Config)) -> Server {
    let mut server = Server::new();
    let client = HttpClient::new(&OutboundOptions { loopback: true, ..OutboundOptions::default() }).unwrap();
    let builder = host(&server.database(), key()).outbound(Arc::new(client)).call_times(times);
    let mut config = config();
    change(&mut config);
    let gateway = Gateway::open(builder, config).unwrap_or_else(|error| panic!("{error}"));
    server.address = listen(&server.runtime, gateway);
    let (status, said) = server.swap("lookup", &made_up("lookup"), "");
    assert_eq!(status, 200, "{said}");
    enter(&server, page, &[]);
    let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
    assert_eq!(server.put("/api/v1/accounts/100500", &account).0, 200);
    server
}

fn enter(server: &Server, page: &str, more: &[(&str, &str)]) {
    let mut entered = json!({"shop": "17", "key": KEY, "page": page});
    more.iter().for_each(|(name, value)| entered[name] = Value::from(*value));
    let (status, said) = server.put("/api/v1/providers/lookup/settings", &entered);
    assert_eq!(status, 204, "{said}");
}

/// Starts a server that looks callbacks up at a payment system, with the usual times.
pub fn started(payment_system: &PaymentSystem) -> Server {
    server(&payment_system.url(), CallTimes::default(), |_| {})
}

/// Creates an order of 100.00, whose link the payment system makes.
fn order(server: &Server) -> String {
    let (status, link) = link(server);
    assert_eq!(status, 200, "{link}");
    link["order"].as_str().unwrap().to_owned()
}

fn link(server: &Server) -> (u16, Value) {
    let mut asked = crate::server::asked();
    asked["provider"] = "lookup".into();
    server.post("/api/v1/links", &asked)
}

/// Reports a payment. Returns the status.
pub fn report(server: &Server, body: &str) -> u16 {
    server.client().send("POST", "/callbacks/lookup", &[], body.as_bytes()).unwrap().status
}

/// Returns what is counted of a host that the provider may call.
fn counted<'c>(calls: &'c Value, host: &str) -> &'c Value {
    let of_host = |call: &&Value| call["provider"] == "lookup" && call["host"] == host;
    calls["calls"].as_array().unwrap().iter().find(of_host).unwrap_or_else(|| panic!("{host}: {calls}"))
}

fn metric(server: &Server, line: &str) -> u64 {
    let metrics = server.client().get("/metrics", "").unwrap();
    let found = metrics.text().lines().find_map(|text| text.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or(0)
}

fn nothing_is_stored(server: &Server) {
    assert_eq!(server.get("/api/v1/unmatched").1["total"], 0);
    assert_eq!(server.get("/api/v1/unrecognized").1["total"], 0);
    assert_eq!(server.balance(), 0);
}

#[test]
fn payment_is_credited_by_the_payment_systems_answer() {
    let payment_system = PaymentSystem::answering(200, "https://pay.example.ru/17");
    let server = started(&payment_system);
    let order = order(&server);
    payment_system.answer(200, &format!("paid {order} 100.00"));
    assert_eq!(report(&server, "payment=10000001"), 200);
    assert_eq!(server.balance(), 10_000);
    assert_eq!(report(&server, "payment=10000001"), 200);
    assert_eq!(server.balance(), 10_000, "a repetition credits nothing more");
    let order_made = format!("POST /orders order={order}&amount=10000");
    let asked = "GET /payments/10000001".to_owned();
    assert_eq!(payment_system.requests(), [order_made, asked.clone(), asked]);
    // They are observed by their host.
    let host = payment_system.host();
    let (_, calls) = server.get("/api/v1/calls");
    let of_host = counted(&calls, &host);
    let shown = ["provider", "host", "answered", "not_sent", "unknown", "failure"].map(|name| &of_host[name]);
    assert_eq!(json!(shown), json!(["lookup", host, 3, 0, 0, null]), "{calls}");
    assert!(of_host["time_ms_mean"].is_u64() && calls["proxy"].is_null(), "{calls}");
    let of_host = format!("{{provider=\"lookup\",host=\"{host}\"");
    assert_eq!(metric(&server, &format!("harness_outbound_calls_total{of_host},result=\"answered\"}}")), 3);
    assert_eq!(metric(&server, &format!("harness_outbound_call_seconds_count{of_host}}}")), 3);
    let session = server.log_in();
    assert!(session.get("/operator/calls").contains(&host));
    let settings = session.get("/operator/settings/lookup");
    assert!(settings.contains(&format!("Компонент обращается к узлу <b>{host}</b>")), "{settings}");
}

#[test]
fn payment_system_that_is_down_has_its_callback_sent_again() {
    let port = closed_port();
    let server = server(&format!("http://127.0.0.1:{port}/"), CallTimes::default(), |_| {});
    assert_eq!(report(&server, "payment=10000001"), 503);
    nothing_is_stored(&server);
    let payment_system = PaymentSystem::at(port, 500, "");
    assert_eq!(report(&server, "payment=10000001"), 503);
    nothing_is_stored(&server);
    payment_system.answer(200, "https://pay.example.ru/17");
    let order = order(&server);
    payment_system.answer(200, &format!("paid {order} 100.00"));
    assert_eq!((report(&server, "payment=10000001"), report(&server, "payment=10000001")), (200, 200));
    assert_eq!(server.balance(), 10_000);
}

#[test]
fn payment_that_the_payment_system_does_not_know_is_refused() {
    let payment_system = PaymentSystem::answering(404, "");
    let server = started(&payment_system);
    assert_eq!(report(&server, "payment=10000001"), 403);
    nothing_is_stored(&server);
}

#[test]
fn slow_payment_system_is_not_waited_for() {
    let payment_system = PaymentSystem::answering(200, "");
    let server = server(&payment_system.url(), CallTimes { one: SHORT, ..CallTimes::default() }, |_| {});
    payment_system.hold();
    assert_eq!(report(&server, "payment=10000001"), 503);
    nothing_is_stored(&server);
}

#[test]
fn calls_for_one_result_share_a_time() {
    let payment_system = PaymentSystem::answering(200, "");
    let server = server(&payment_system.url(), CallTimes { all: SHORT, ..CallTimes::default() }, |_| {});
    payment_system.hold();
    assert_eq!(report(&server, "payment=10000001&how=many"), 503);
    assert_eq!(metric(&server, "harness_callbacks_total{provider=\"lookup\",outcome=\"unavailable\"}"), 1);
    assert!(payment_system.requests().len() <= 1, "{:?}", payment_system.requests());
    nothing_is_stored(&server);
    let (_, calls) = server.get("/api/v1/calls");
    let failure = counted(&calls, &payment_system.host())["failure"]["message"].as_str().unwrap();
    assert!(failure.starts_with("the call took longer than its 0.2 s"), "{calls}");
    let (status, refused) = link(&server);
    assert_eq!(status, 503, "{refused}");
}

#[test]
fn only_hosts_of_the_component_are_called() {
    let payment_system = PaymentSystem::answering(200, "");
    let server = started(&payment_system);
    assert_eq!(report(&server, "payment=10000001&how=elsewhere"), 503);
    assert_eq!(payment_system.requests(), Vec::<String>::new());
    nothing_is_stored(&server);
    // The hosts that a component invents have one name.
    let (_, calls) = server.get("/api/v1/calls");
    for (host, not_sent) in [(payment_system.host().as_str(), 0), ("other", 1)] {
        let call = counted(&calls, host);
        assert_eq!((&call["answered"], &call["not_sent"]), (&json!(0), &json!(not_sent)), "{host}: {calls}");
    }
    assert!(!server.client().get("/metrics", "").unwrap().text().contains("elsewhere"));
    let shown = server.log_in().get("/operator/calls");
    assert!(shown.contains("узлы, которые не разрешены") && !shown.contains("elsewhere"), "{shown}");
}

#[test]
fn certificate_that_is_not_entered_is_not_shown() {
    let payment_system = PaymentSystem::answering(404, "");
    let server = started(&payment_system);
    assert_eq!(report(&server, "payment=10000001&how=certificate"), 503);
    assert_eq!(payment_system.requests(), Vec::<String>::new());
    enter(&server, &payment_system.url(), &[("certificate", "-----BEGIN CERTIFICATE-----\n")]);
    assert_eq!(report(&server, "payment=10000001&how=certificate"), 403);
    assert_eq!(payment_system.requests(), ["GET /payments/10000001"]);
}

/// A callback may come again at any time, and so may its calls.
#[test]
fn call_that_must_not_be_repeated_breaks_the_contract_in_a_callback() {
    let payment_system = PaymentSystem::answering(200, "");
    let server = started(&payment_system);
    assert_eq!(report(&server, "payment=10000001&how=never"), 503);
    assert_eq!(payment_system.requests(), Vec::<String>::new());
    let (_, stored) = server.get("/api/v1/unrecognized");
    let message = stored["unrecognized"][0]["message"].as_str().unwrap();
    assert!(message.contains("not always repeatable"), "{stored}");
}

#[test]
fn equal_callbacks_at_once_are_one_call() {
    let payment_system = PaymentSystem::answering(200, "https://pay.example.ru/17");
    let server = started(&payment_system);
    let order = order(&server);
    payment_system.answer(200, &format!("paid {order} 100.00"));
    payment_system.hold();
    std::thread::scope(|scope| {
        let send = || scope.spawn(|| report(&server, "payment=10000001"));
        let first = send();
        payment_system.wait_for(2);
        let second = send();
        let shared = "harness_callbacks_total{provider=\"lookup\",outcome=\"shared\"}";
        while metric(&server, shared) == 0 {
            std::thread::yield_now();
        }
        payment_system.release();
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (200, 200));
    });
    assert_eq!(payment_system.requests().len(), 2, "one for the link, and one for both callbacks");
    assert_eq!(server.balance(), 10_000);
    let entered = "harness_callbacks_total{provider=\"lookup\",outcome=\"entered\"}";
    assert_eq!((metric(&server, entered), metric(&server, &entered.replace("entered", "repeated"))), (1, 0));
}

#[test]
fn forged_callbacks_have_few_calls_made() {
    let payment_system = PaymentSystem::answering(404, "");
    let server = started(&payment_system);
    payment_system.hold();
    let bodies: Vec<String> = (0..=RUNNING_MAX + WAITING_MAX).map(|number| format!("payment={:08}", number)).collect();
    std::thread::scope(|scope| {
        let (sender, statuses) = channel();
        let (server, payment_system) = (&server, &payment_system);
        for (at, body) in bodies.iter().enumerate() {
            let sender = sender.clone();
            scope.spawn(move || sender.send(report(server, body)).unwrap());
            // The first ones fill the permits.
            if at < RUNNING_MAX {
                payment_system.wait_for(at + 1);
            }
        }
        assert_eq!(statuses.recv().unwrap(), 503, "one finds neither a permit nor a place to wait");
        assert!(statuses.try_recv().is_err());
        assert_eq!(payment_system.requests().len(), RUNNING_MAX);
        payment_system.release();
        let others: Vec<u16> = (0..RUNNING_MAX + WAITING_MAX).map(|_| statuses.recv().unwrap()).collect();
        assert_eq!(others, [403; RUNNING_MAX + WAITING_MAX]);
    });
    assert_eq!(payment_system.requests().len(), RUNNING_MAX + WAITING_MAX);
    assert_eq!(metric(&server, "harness_callbacks_total{provider=\"lookup\",outcome=\"too-many-lookups\"}"), 1);
}

/// Nothing is proved before a call, so that the rate is checked before it.
#[test]
fn forged_callbacks_above_the_rate_have_no_call_made() {
    let payment_system = PaymentSystem::answering(404, "");
    let server = server(&payment_system.url(), CallTimes::default(), |config| config.callback_rate = NonZeroU32::new(1));
    let statuses: Vec<u16> = (0..60).map(|number| report(&server, &format!("payment={number:08}"))).collect();
    let calls = payment_system.requests().len();
    assert_eq!(statuses.last(), Some(&429));
    // Two at once and one a second, until they are above the rate; then none for ten seconds.
    assert!((3..=20).contains(&calls), "{calls} calls for {statuses:?}");
    assert!(statuses.iter().skip(calls).all(|status| *status == 429), "{calls} calls for {statuses:?}");
    assert!(metric(&server, "harness_callbacks_total{provider=\"lookup\",outcome=\"limited\"}") > 0);
}

/// A payment system that was taken over sends nobody into his own network.
#[test]
fn link_to_a_special_address_is_not_passed_on() {
    let payment_system = PaymentSystem::answering(200, "");
    let server = started(&payment_system);
    for (address, status) in [
        ("https://169.254.169.254/x", 422),
        ("https://192.168.1.1/", 422),
        ("https://[fe80::1]/", 422),
        ("https://pay.example.ru/17", 200),
        ("https://8.8.8.8/17", 200),
        // The switch of these tests allows it.
        ("http://127.0.0.1:1/17", 200),
    ] {
        payment_system.answer(200, address);
        let (got, said) = link(&server);
        assert_eq!(got, status, "{address}: {said}");
        assert!(status == 200 || said["problems"][0]["code"] == "link-unreachable", "{said}");
    }
}

/// Where the host knows who sends them, nobody else can have it call.
#[test]
fn callbacks_of_known_callers_do_not_wait_for_each_other() {
    let payment_system = PaymentSystem::answering(404, "");
    let server = server(&payment_system.url(), CallTimes::default(), |config| {
        let proof = CallerProof { addresses: vec!["127.0.0.0/8".parse().unwrap()], ..CallerProof::default() };
        config.callers = [("lookup".parse().unwrap(), proof)].into();
    });
    payment_system.hold();
    std::thread::scope(|scope| {
        for number in 0..=RUNNING_MAX {
            let server = &server;
            scope.spawn(move || assert_eq!(report(server, &format!("payment={number:08}")), 403));
        }
        payment_system.wait_for(RUNNING_MAX + 1);
        payment_system.release();
    });
}

/// What a component may call is shown where it is added. A component that may call more than the one before is accepted by a person.
#[test]
fn new_hosts_require_acceptance() {
    let server = Server::with_made_up();
    let new = made_up("another-host");
    let (status, refused) = server.swap("made-up", &new, "");
    assert_eq!(
        (status, &refused["new_hosts"], &refused["changed"]),
        (422, &json!(["another.example:8443"]), &json!(0)),
        "{refused}"
    );
    let session = server.log_in();
    let file = |name: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"");
    let head = format!("{}\r\n\r\n{}\r\n{}; filename=\"a.wasm\"\r\n\r\n", file("csrf"), session.csrf(), file("file"));
    let body = [head.as_bytes(), &new, b"\r\n--b--\r\n"].concat();
    let page = session.send("/operator/providers/made-up/component", "multipart/form-data; boundary=b", &body);
    assert!(page.contains("к которым прежний не обращался") && page.contains("<b>another.example:8443</b>"), "{page}");
    let accept = refused["accept"].as_str().unwrap();
    assert!(page.contains(accept));
    // Another component was not accepted.
    let other = end_to_end::with_custom_section(&new, "x");
    assert_eq!(server.swap("made-up", &other, &format!("?accept_changes={accept}")).0, 422);
    let (status, swapped) = server.swap("made-up", &new, &format!("?accept_changes={accept}"));
    let hosts = json!(["another.example:8443", "api.faulty.example", "pay.example.ru"]);
    assert_eq!((status, &swapped["calls_to"]), (200, &hosts), "{swapped}");
    assert_eq!(server.swap("made-up", &other, "").0, 200, "its hosts are known now");
}

#[test]
fn component_that_was_added_or_active_before_is_not_asked_about_its_hosts() {
    let server = Server::new();
    let (status, added) = server.swap("made-up", &made_up("another-host"), "");
    let hosts = json!(["another.example:8443", "api.faulty.example", "pay.example.ru"]);
    assert_eq!((status, &added["calls_to"]), (200, &hosts), "{added}");
    let (_, list) = server.get("/api/v1/providers");
    let listed = list["providers"].as_array().unwrap().iter().find(|one| one["name"] == "made-up").unwrap();
    assert_eq!(listed["calls_to"], hosts);
    assert_eq!(server.swap("made-up", &made_up("none"), "").0, 200);
    let (status, back) = server.post("/api/v1/providers/made-up/component/previous", &json!({}));
    assert_eq!((status, &back["calls_to"]), (200, &hosts), "{back}");
}

#[test]
fn check_of_settings_makes_no_call() {
    let payment_system = PaymentSystem::answering(200, "https://pay.example.ru/17");
    let server = started(&payment_system);
    let page = payment_system.url();
    let fields = [("shop", "17"), ("key", ""), ("currency", "RUB"), ("page", page.as_str())];
    let shown = server.log_in().post("/operator/settings/lookup/check", &fields);
    assert!(shown.contains("при проверке запрос не отправляется"), "{shown}");
    assert_eq!(payment_system.requests(), Vec::<String>::new());
}
