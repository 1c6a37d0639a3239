//! The server that stand-ins with an API share, with a payment system of two requests.

use std::time::Duration;

use serde_json::json;
use stand_in::api::{
    ApiAnswer, ApiRequest, ApiServer, Fault, Notification, PaymentApi, PaymentRow, RefundEnd, RefundRequest, RefundRow,
    RefundState, Reply,
};
use support::{Answer, agent};

use crate::shop::Shop;

/// Each `POST /refund` pays one kopeck back, and is under way until it is ended. Its key is its query.
#[derive(Default)]
struct Till {
    refunds: Vec<RefundRow>,
    callback_url: String,
}

impl Till {
    fn notification(&self, payment: &str, number: u32) -> Notification {
        Notification::json(&self.callback_url, &json!({ "payment": payment, "number": number }))
    }
}

impl PaymentApi for Till {
    const NAME: &'static str = "Till";

    fn answer(&mut self, request: &ApiRequest) -> ApiAnswer {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/refund") => {
                let (id, key) = (format!("r-{}", self.refunds.len() + 1), request.query.clone());
                let state = RefundState::UnderWay;
                self.refunds.push(RefundRow { id, payment: "7".to_owned(), key, minor_units: 1, state });
                ApiAnswer::json(200, &json!({ "refunds": self.refunds.len(), "asked": request.json() }))
            }
            ("GET", "/who") => ApiAnswer::text(200, &format!("{:?} {}", request.basic(), request.query)),
            _ => ApiAnswer::text(404, "Not Found"),
        }
    }

    fn pay(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        let [first, second, third] = [1, 2, 3].map(|number| self.notification(payment, number));
        Ok(vec![first, second.with_header("x-number", "2"), third])
    }

    fn refund(&mut self, payment: &str, _: Option<u64>) -> Result<Vec<Notification>, String> {
        Err(format!("there is no payment {payment}"))
    }

    fn payments(&self) -> Vec<PaymentRow> {
        let status = "NEW".to_owned();
        let (id, order) = ("7".to_owned(), "A-42".to_owned());
        vec![PaymentRow { id, order, minor_units: 10_050, refunded: 1, status, is_open: true }]
    }

    fn decline(&mut self, payment: &str) -> Result<Vec<Notification>, String> {
        Ok(vec![self.notification(payment, 4)])
    }

    fn end_refund(&mut self, refund: &str, end: RefundEnd) -> Result<Vec<Notification>, String> {
        let found = self.refunds.iter_mut().find(|found| found.id == refund).ok_or("there is no such refund")?;
        found.state = end.into();
        Ok(Vec::new())
    }

    fn refund_key(&self, request: &ApiRequest) -> Option<String> {
        (request.path == "/refund").then(|| request.query.clone())
    }

    fn refunds(&self) -> Vec<RefundRow> {
        self.refunds.clone()
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
        (Fault::Busy, 0, Some(429)),
    ] {
        let till = till();
        till.fail_next("/refund", fault);
        assert_eq!(post(&till.url("/other"), "").unwrap().0, 404, "another path has no fault");
        let first = post(&till.url("/refund?k-1"), "").ok();
        assert_eq!((first.map(|(status, _)| status), till.refunds()), (status, executed), "{fault:?}");
        assert_eq!(post(&till.url("/refund"), "").unwrap().0, 200, "{fault:?} is used once");
        assert_eq!(till.refunds(), executed + 1);
        let request = |key: &str, fault| RefundRequest { key: key.to_owned(), fault };
        assert_eq!(till.refund_requests(), [request("k-1", Some(fault)), request("", None)]);
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
    let (status, page) = post(&till.url("/stand-in/decline"), "payment=7").unwrap();
    assert!((status, shop.received().len()) == (200, 4) && page.contains("Отказаться"), "{page}");
    assert_eq!(post(&till.url("/stand-in/refund"), "payment=7&amount=x").unwrap().0, 400);
    assert!(till.requests().is_empty(), "the page is not part of the API");
}

#[test]
fn a_person_ends_refunds_on_the_page() {
    let till = till();
    for _ in 0..2 {
        post(&till.url("/refund"), "").unwrap();
    }
    let (_, page) = post(&till.url("/stand-in/refund/finish"), "refund=r-1").unwrap();
    assert!(
        page.contains("Возврат r-1: 0.01, выполнен") && page.contains("Возврат r-2: 0.01, ждёт банка плательщика"),
        "{page}"
    );
    assert_eq!(page.matches("Выполнить возврат").count(), 1, "{page}");
    let (_, page) = post(&till.url("/stand-in/refund/refuse"), "refund=r-2&payment=7").unwrap();
    assert!(page.contains("Возврат r-2: 0.01, отклонён"), "{page}");
    assert_eq!(post(&till.url("/stand-in/refund/finish"), "refund=r-3").unwrap().0, 400);
}
