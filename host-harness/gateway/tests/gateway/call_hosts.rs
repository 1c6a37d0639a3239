//! Settings that name the hosts where payers and calls go: a new one is confirmed, stored secrets stay with the hosts that they were
//! entered for, and what is never called is refused.

use std::sync::Arc;

use end_to_end::{PRODUCT, SECRET};
use gateway::Gateway;
use outbound::{HttpClient, OutboundOptions};
use serde_json::json;

use crate::payer::{Person, SETTINGS, SETTINGS_API};
use crate::server::{Server, config, host, key, listen};

#[test]
fn changing_payment_host_requires_confirmation() {
    let server = Server::new();
    let settings = |page: &str| json!({"product-id": PRODUCT, "payment-page": page, "shared-sec": SECRET});
    let (status, problem) = server.put(SETTINGS_API, &settings("https://evil.example/"));
    assert!(status == 422 && problem["problems"][0]["code"] == "host-unconfirmed", "{problem}");
    let message = problem["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("evil.example") && message.contains("refunds"), "{problem}");
    for (query, page, status) in [
        ("?confirm_hosts=other.example", "https://evil.example/", 422),
        ("?confirm_hosts=a.example,evil.example", "https://evil.example/", 204),
        ("", "https://evil.example/other", 204),
        ("", "https://payments.chronopay.com/", 204),
        ("", "https://evil.example/", 422),
        ("", "http://127.0.0.1:9/", 204),
        ("?confirm_hosts=a.example&confirm_hosts=evil.example", "https://evil.example/", 204),
        ("", "https://payments.chronopay.com/", 204),
        ("", "https://payments.chronopay.com:22/", 422),
        ("?confirm_hosts=payments.chronopay.com", "https://payments.chronopay.com:22/", 422),
        ("?confirm_hosts=payments.chronopay.com:22", "https://payments.chronopay.com:22/", 204),
        ("?confirm_hosts=payments.chronopay.com:0", "https://payments.chronopay.com:0/", 422),
        ("?nonsense=1", "https://payments.chronopay.com/", 400),
    ] {
        let (got, problem) = server.put(&format!("{SETTINGS_API}{query}"), &settings(page));
        assert_eq!(got, status, "{query} {page} {problem}");
    }
    let operator = Person::operator(&server);
    let asked = operator.settings(SETTINGS, &operator.get(SETTINGS), &[("payment-page", "https://evil.example/")]);
    assert!(
        asked.text().contains("Адрес ведёт на другой узел: evil.example. Туда пойдут запросы с ключами"),
        "{}",
        asked.text()
    );
    assert!(asked.text().contains("Введите секрет ещё раз: он пойдёт на другой узел"), "{}", asked.text());
    assert!(asked.text().contains("name=\"host.confirm.payment-page\" value=\"evil.example\""), "{}", asked.text());
    let confirmed = [("payment-page", "https://evil.example/"), ("host.confirm.payment-page", "evil.example")];
    let asked = operator.settings(SETTINGS, &asked, &confirmed);
    assert!(!asked.text().contains("Настройки сохранены") && !asked.text().contains("Адрес ведёт"), "{}", asked.text());
    let with_secret = [&confirmed[..], &[("shared-sec", SECRET)]].concat();
    assert!(operator.settings(SETTINGS, &asked, &with_secret).text().contains("Настройки сохранены"));
}

/// A secret that is stored stays with the hosts that it was sent to, whoever asks: the API, the pages, a swap.
#[test]
fn stored_secret_is_not_sent_to_another_host() {
    let server = Server::new();
    let gate = "https://evil.example/";
    let query = "?confirm_hosts=evil.example";
    for secret in [json!(null), json!("")] {
        let mut settings = json!({"product-id": PRODUCT, "gate-url": gate, "shared-sec": secret});
        if secret.is_null() {
            settings.as_object_mut().unwrap().remove("shared-sec");
        }
        let (status, problem) = server.put(&format!("{SETTINGS_API}{query}"), &settings);
        let found = &problem["problems"];
        assert_eq!((status, found.as_array().map(Vec::len)), (422, Some(1)), "{problem}");
        assert_eq!((&found[0]["code"], &found[0]["field"]), (&json!("secret-unconfirmed"), &json!("shared-sec")), "{problem}");
        assert_eq!(server.get(SETTINGS_API).1["gate-url"], json!(null));
    }
    let entered = json!({"product-id": PRODUCT, "gate-url": gate, "shared-sec": SECRET});
    assert_eq!(server.put(&format!("{SETTINGS_API}{query}"), &entered).0, 204);
    let kept = json!({"product-id": PRODUCT, "gate-url": "https://evil.example/other"});
    assert_eq!(server.put(SETTINGS_API, &kept).0, 204, "the host is known now");
}

/// An address at which every call would be refused is not saved silently, whatever way it is written.
#[test]
fn addresses_that_are_never_called_are_refused_at_once() {
    let mut server = Server::new();
    let settings = |gate: &str| json!({"product-id": PRODUCT, "shared-sec": SECRET, "gate-url": gate});
    let address = "/api/v1/providers/chronopay/settings?confirm_hosts=kassa.lan";
    // It was entered where nobody knew what is called.
    assert_eq!(server.put(address, &settings("http://127.0.0.1:9/")).0, 204);
    let options = OutboundOptions { lan_hosts: vec!["192.168.1.5".to_owned()], ..OutboundOptions::default() };
    let builder = host(&server.database(), key()).outbound(Arc::new(HttpClient::new(&options).unwrap()));
    let gateway = Gateway::open(builder, config()).unwrap_or_else(|error| panic!("{error}"));
    server.address = listen(&server.runtime, gateway);
    for (gate, what_to_do) in [
        ("https://localhost/", "--call-loopback"),
        ("http://127.0.0.1:10/", "--call-loopback"),
        ("https://[::1]/", "--call-loopback"),
        ("https://192.168.1.6:8443/", "--call-lan-host 192.168.1.6:8443"),
        ("https://[fd00::5]/", "--call-lan-host [fd00::5]"),
        ("https://169.254.169.254/", "not an address by which anybody is reached"),
    ] {
        let (status, problem) = server.put(address, &settings(gate));
        let found = &problem["problems"][0];
        assert_eq!(
            (status, &found["code"], &found["field"]),
            (422, &json!("host-unreachable"), &json!("gate-url")),
            "{problem}"
        );
        assert!(found["message"].as_str().unwrap().contains(what_to_do), "{problem}");
    }
    let operator = Person::operator(&server);
    let page = operator.get(SETTINGS);
    assert!(page.text().contains("127.0.0.1:9 — сам этот компьютер"), "what was kept is shown: {}", page.text());
    let entered = [("gate-url", "https://10.0.0.1/"), ("shared-sec", SECRET)];
    for button in ["", "/check"] {
        let refused = operator.settings(&format!("{SETTINGS}{button}"), &page, &entered);
        assert!(refused.text().contains("10.0.0.1 — адрес локальной сети"), "{}", refused.text());
    }
    assert_eq!(server.put(address, &settings("http://127.0.0.1:9/a")).0, 204, "what is in use stays");
    assert_eq!(server.put(&format!("{address},192.168.1.5"), &settings("https://192.168.1.5/")).0, 204, "it is listed");
    assert_eq!(server.put(address, &settings("https://kassa.lan/")).0, 204, "a name may lead anywhere");
}
