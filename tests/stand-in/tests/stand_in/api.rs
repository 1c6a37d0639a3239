//! The server that stand-ins with an API share, with a payment system of two requests.

use std::time::Duration;

use serde_json::json;
use stand_in::api::{ApiAnswer, ApiRequest, ApiServer, Fault, Notification, PaymentApi, PaymentRow, Reply};
use support::{Answer, agent};

use crate::shop::Shop;

/// Each `POST /refund` pays one kopeck back.
#[derive(Default)]
struct Till {
    refunds: usize,
    callback_url: String,
}

impl PaymentApi for Till {
    const NAME: &'static str = "Till";

    fn answer(&mut self, request: &ApiRequest) -> ApiAnswer {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/refund") => {
                self.refunds += 1;
                ApiAnswer::json(200, &json!({ "refunds": self.refunds, "asked": request.json() }))
            }
            ("GET", "/who") => ApiAnswer::text(200, &format!("{:?} {}", request.basic(), request.query)),
            _ => ApiAnswer::text(404, "Not Found"),
        }
    }

    fn pay(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        let notification =
            |number: u32| Notification::json(&self.callback_url, &json!({ "payment": payment, "number": number }));
        Ok(vec![notification(1), notification(2).with_header("x-number", "2"), notification(3)])
    }

    fn refund(&mut self, payment: &str, _: Option<u64>) -> Result<Vec<Notification>, String> {
        Err(format!("there is no payment {payment}"))
    }

    fn payments(&self) -> Vec<PaymentRow> {
        let status = "NEW".to_owned();
        vec![PaymentRow { id: "7".to_owned(), order: "A-42".to_owned(), minor_units: 10_050, refunded: 1, status }]
    }

    fn refunds(&self) -> usize {
        self.refunds
    }
}

fn till() -> ApiServer<Till> {
    ApiServer::start(Till::default(), "127.0.0.1:0").unwrap()
}

fn post(url: &str, body: &str) -> Result<(u16, String), ureq::Error> {
    let answer = Answer::of(agent().post(url).send(body)?).unwrap();
    Ok((answer.status, answer.text().to_owned()))
}

#[test]
fn requests_are_executed_and_logged() {
    let till = till();
    assert_eq!(post(&till.url("/refund"), r#"{"a":1}"#).unwrap(), (200, r#"{"asked":{"a":1},"refunds":1}"#.to_owned()));
    let who = agent().get(till.url("/who?a=%20")).header("authorization", "Basic c2hvcDp3OnJk").call();
    assert_eq!(Answer::of(who.unwrap()).unwrap().text(), r#"Some(("shop", "w:rd")) a=%20"#);
    let seen: Vec<String> = till.requests().iter().map(|request| format!("{request:?}")).collect();
    assert_eq!(seen, ["POST /refund (7 bytes)", "GET /who (0 bytes)"]);
}

#[test]
fn faults_say_what_is_executed_and_what_is_answered() {
    for (fault, executed, status) in [
        (Fault::Late(Duration::from_millis(1)), 1, Some(200)),
        (Fault::Status500, 0, Some(500)),
        (Fault::Status500AfterExecuting, 1, Some(500)),
        (Fault::HangUp, 0, None),
        (Fault::HangUpAfterExecuting, 1, None),
    ] {
        let till = till();
        till.fail_next("/refund", fault);
        assert_eq!(post(&till.url("/other"), "").unwrap().0, 404, "another path has no fault");
        let first = post(&till.url("/refund"), "").ok();
        assert_eq!((first.map(|(status, _)| status), till.refunds()), (status, executed), "{fault:?}");
        assert_eq!(post(&till.url("/refund"), "").unwrap().0, 200, "{fault:?} is used once");
        assert_eq!(till.refunds(), executed + 1);
    }
}

#[test]
fn notifications_are_sent_until_one_is_not_accepted() {
    let till = till();
    let shop = Shop::new("/callbacks/till", &[(200, "OK"), (503, "later"), (200, "OK")]);
    till.with(|system| system.callback_url.clone_from(&shop.url));
    let reply = |status, body: &str| Reply { status, body: body.to_owned() };
    assert_eq!(till.pay("7"), Ok(vec![reply(200, "OK"), reply(503, "later")]));
    assert_eq!(shop.received().len(), 2);
    assert_eq!(till.refund("8", None), Err("there is no payment 8".to_owned()));
}

#[test]
fn a_person_pays_on_the_page() {
    let till = till();
    let shop = Shop::new("/callbacks/till", &[(200, "OK")]);
    till.with(|system| system.callback_url.clone_from(&shop.url));
    let page = Answer::of(agent().get(till.url("/stand-in?payment=7")).call().unwrap()).unwrap();
    assert!(page.text().contains("Заказ A-42") && page.text().contains("100.50"));
    let (status, page) = post(&till.url("/stand-in/pay"), "payment=7").unwrap();
    assert_eq!((status, shop.received().len()), (200, 3));
    assert!(page.contains("200 OK"));
    assert_eq!(post(&till.url("/stand-in/refund"), "payment=7&amount=x").unwrap().0, 400);
    assert!(till.requests().is_empty(), "the page is not part of the API");
}
