use super::*;
use crate::api::tests::responded;
use crate::settings::tests::settings;
use kit::contract::Money;
use kit::exchanges::{HttpResult, Repeatable};
use kit::receipts::example;

const NOW: u64 = 1_796_900_000;

fn order() -> Order {
    Order {
        id: "42".into(),
        account: "100500".into(),
        amount: Money { minor_units: 10_050, currency: "RUB".into() },
        description: "Пополнение счёта".into(),
        language: String::new(),
        callback_url: String::new(),
        success_url: "https://lk.example.ru/ok".into(),
        failure_url: String::new(),
        expires_at: None,
        payer: vec![("phone".into(), "+79001234567".into()), ("email".into(), "ivan@example.ru".into())],
        receipt: None,
        extra: Vec::new(),
    }
}

fn by_sbp(order: Order) -> Order {
    Order { extra: vec![("method".into(), "sbp".into())], ..order }
}

fn called(changes: &[(&str, &str)], order: &Order) -> HttpCall {
    match create(&settings(changes), order, &Context::at(NOW)) {
        Err(Stop::Call(call)) => *call,
        other => panic!("{other:?}"),
    }
}

fn answered(order: &Order, result: HttpResult) -> LinkStep {
    let context = Context::at(NOW).called(called(&[], order), result);
    create(&settings(&[]), order, &context).unwrap()
}

fn body(call: &HttpCall) -> String {
    String::from_utf8(call.body.clone()).unwrap()
}

fn header<'c>(call: &'c HttpCall, name: &str) -> &'c str {
    call.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

#[test]
fn the_call_of_a_page() {
    let call = called(&[], &Order { receipt: Some(example()), ..order() });
    assert_eq!(call.url, "https://api.cloudpayments.ru/orders/create");
    assert_eq!((header(&call, "x-request-id"), call.repeatable), ("order-42", Repeatable::Within(3600)));
    let want = concat!(
        r#"{"Amount":100.50,"Currency":"RUB","Description":"Пополнение счёта","InvoiceId":"42","AccountId":"100500","#,
        r#""Email":"ivan@example.ru","RequireConfirmation":false,"SendEmail":false,"Phone":"+79001234567","CultureName":"ru-RU","#,
        r#""SuccessRedirectUrl":"https://lk.example.ru/ok","Payer":{"Phone":"+79001234567"},"JsonData":{"CloudPayments":"#
    );
    assert!(body(&call).starts_with(want), "{}", body(&call));
}

#[test]
fn the_call_of_sbp() {
    let expiring = Order { expires_at: Some(NOW + 3_659), ..by_sbp(order()) };
    let call = called(&[("test-mode", "true")], &expiring);
    assert_eq!(call.url, "https://api.cloudpayments.ru/payments/qr/sbp/link");
    assert_eq!(header(&call, "x-request-id"), "sbp-42");
    let want = concat!(
        r#"{"PublicId":"pk_test_site_1","Amount":100.50,"Currency":"RUB","Description":"Пополнение счёта","InvoiceId":"42","#,
        r#""AccountId":"100500","Email":"ivan@example.ru","Scheme":"charge","SuccessRedirectUrl":"https://lk.example.ru/ok","#,
        r#""TtlMinutes":60,"IsTest":true,"Payer":{"Phone":"+79001234567"}}"#
    );
    assert_eq!(body(&call), want);
    assert_eq!(called(&[("method", "sbp")], &order()).url, call.url, "the setting chooses too");
    let page = Order { extra: vec![("method".into(), "page".into())], ..order() };
    assert!(called(&[("method", "sbp")], &page).url.ends_with("/orders/create"), "the order chooses before the setting");
}

#[test]
fn what_an_order_leaves_open_the_settings_say() {
    let bare =
        Order { description: String::new(), language: "fr".into(), success_url: String::new(), payer: Vec::new(), ..order() };
    let changes =
        [("currency", "KZT"), ("language", "kk"), ("description", "Интернет"), ("api-url", "https://api.tiptoppay.kz")];
    let tenge = Order { amount: Money { minor_units: 10_050, currency: "KZT".into() }, ..bare };
    let call = called(&changes, &tenge);
    assert_eq!(call.url, "https://api.tiptoppay.kz/orders/create");
    let want = concat!(
        r#"{"Amount":100.50,"Currency":"KZT","Description":"Интернет","InvoiceId":"42","AccountId":"100500","#,
        r#""RequireConfirmation":false,"SendEmail":false,"CultureName":"kk-KZ"}"#
    );
    assert_eq!(body(&call), want);
}

/// The documentation's answers, with this order.
const PAGE: &str = r#"{"Model":{"Id":"gASGZVgUN21hcpPF","Number":2130,"Amount":100.5,"Currency":"RUB","Url":"https://orders.cloudpayments.ru/d/gASGZVgUN21hcpPF","Status":"Created"},"Success":true,"Message":null}"#;
const SBP: &str = r#"{"Model":{"QrUrl":"https://qr.nspk.ru/BB1S004HCK9PFD0F996RJI3208UE","QrImage":null,"TransactionId":11122233344,"MerchantOrderId":"42","ProviderQrId":"BB1S004HCK9PFD0F996RJI3208UE","Amount":100.5,"Message":"Created","IsTest":false},"Success":true,"Message":null}"#;

#[test]
fn links_of_the_answers() {
    let order = Order { callback_url: "https://b.example.ru/".into(), failure_url: "https://b.example.ru/".into(), ..order() };
    let expiring = Order { expires_at: Some(NOW + 60), ..order.clone() };
    let LinkStep::Done(link) = answered(&expiring, responded(200, PAGE)) else { panic!() };
    assert_eq!(link.url.as_deref(), Some("https://orders.cloudpayments.ru/d/gASGZVgUN21hcpPF"));
    assert_eq!((link.qr, link.reference.as_deref(), link.expires_at), (None, Some("gASGZVgUN21hcpPF"), None));
    assert_eq!(link.extra, [("not-passed-on".to_owned(), "callback-url,expires-at".to_owned())]);
    for (expires_at, want) in [(None, Some(NOW + 72 * 3_600)), (Some(NOW + 630), Some(NOW + 600)), (Some(NOW + 600), None)] {
        let order = by_sbp(Order { expires_at, ..order.clone() });
        let LinkStep::Done(link) = answered(&order, responded(200, SBP)) else { panic!() };
        assert_eq!(link.qr.as_deref(), Some("https://qr.nspk.ru/BB1S004HCK9PFD0F996RJI3208UE"));
        assert_eq!((&link.url, link.reference.as_deref()), (&link.qr, Some("11122233344")));
        assert_eq!(link.expires_at, want, "{expires_at:?}");
        assert_eq!(link.extra, [("not-passed-on".to_owned(), "callback-url,failure-url".to_owned())]);
    }
}

#[test]
fn answers_that_are_no_link() {
    let name = |step: LinkStep| match step {
        LinkStep::Done(_) => "done",
        LinkStep::Failed(_) => "failed",
        LinkStep::Unavailable(_) => "unavailable",
        LinkStep::Unknown(_) => "unknown",
        _ => "other",
    };
    for (result, want) in [
        (responded(200, PAGE), "done"),
        (HttpResult::NotSent("no route".into()), "unavailable"),
        (HttpResult::Unknown("no answer".into()), "unknown"),
        (responded(401, ""), "unavailable"),
        (responded(429, ""), "unavailable"),
        (responded(500, ""), "unknown"),
        (responded(200, r#"{"Success":false,"Message":"Invalid Amount value"}"#), "unavailable"),
        (responded(200, r#"{"Success":true,"Message":null}"#), "unknown"),
        (responded(200, &PAGE.replace("100.5", "100.51")), "unknown"),
        (responded(200, &PAGE.replace("\"Number\":2130", "\"InvoiceId\":\"43\"")), "unknown"),
        (responded(200, &PAGE.replace("\"Number\":2130", "\"InvoiceId\":\"42\"")), "done"),
        (responded(200, &PAGE.replace("https://o", "javascript:o")), "unknown"),
        (responded(200, &PAGE.replace("https://o", "http://o")), "unknown"),
        (responded(200, &PAGE.replace("\"Id\":\"gASGZVgUN21hcpPF\"", "\"Id\":\"\"")), "unknown"),
        (responded(200, SBP), "unknown"),
    ] {
        assert_eq!(name(answered(&order(), result.clone())), want, "{result:?}");
    }
}

#[test]
fn every_problem_of_an_order_at_once() {
    let mut wrong = Order {
        id: "заказ".into(),
        account: String::new(),
        amount: Money { minor_units: 0, currency: "USD".into() },
        description: "а\nб".into(),
        success_url: "lk".into(),
        failure_url: "lk".into(),
        expires_at: Some(NOW + 59),
        payer: vec![("phone".into(), "89001234567".into()), ("email".into(), "я".repeat(256))],
        ..by_sbp(order())
    };
    let mut bad = example();
    bad.taxation = Some("envd".into());
    wrong.receipt = Some(bad);
    let fields = |order: &Order| match create(&settings(&[]), order, &Context::at(NOW)) {
        Ok(LinkStep::Failed(problems)) => problems.into_iter().filter_map(|problem| problem.field).collect(),
        _ => Vec::new(),
    };
    let want = [
        "id",
        "amount.currency",
        "amount.minor-units",
        "description",
        "account",
        "payer.email",
        "payer.phone",
        "success-url",
        "failure-url",
        "extra.method",
        "expires-at",
        "receipt.taxation",
    ];
    assert_eq!(fields(&wrong), want);
    let unknown = Order { extra: vec![("method".into(), "cash".into())], ..order() };
    assert_eq!(fields(&unknown), ["extra.method"]);
    let long = by_sbp(Order { success_url: format!("https://lk.example.ru/{}", "x".repeat(1024)), ..order() });
    assert_eq!(fields(&long), ["success-url"]);
}

#[test]
fn phones() {
    for (text, want) in [
        ("+79001234567", true),
        ("+77011234567", true),
        ("79001234567", false),
        ("+7900123456x", false),
        ("+7 900 1234567", false),
        ("+7900123", false),
        ("+7900123456789012", false),
        ("", false),
    ] {
        assert_eq!(is_phone(text), want, "{text}");
    }
}
