use super::*;
use crate::api::tests::answered;
use crate::settings::tests::settings;
use kit::contract::Money;
use kit::exchanges::HttpResult;

const NOW: u64 = 1_893_542_640;

fn order() -> Order {
    Order {
        id: "42".into(),
        account: "100500".into(),
        amount: Money { minor_units: 10_000, currency: "RUB".into() },
        description: "Пополнение счёта".into(),
        language: "en-US".into(),
        callback_url: "https://billing.example.ru/callbacks/tbank".into(),
        success_url: "https://billing.example.ru/cabinet".into(),
        failure_url: String::new(),
        expires_at: None,
        receipt: None,
        payer: vec![
            ("email".into(), "ivan@example.ru".into()),
            ("phone".into(), "+79001234567".into()),
            ("name".into(), "Иван".into()),
        ],
        extra: Vec::new(),
    }
}

fn by_sbp() -> Order {
    Order { extra: vec![("method".into(), "sbp".into())], ..order() }
}

/// Drives a link with these answers, each to the next call, and returns the methods called and the step.
fn driven(order: &Order, answers: &[HttpResult]) -> (Vec<String>, LinkStep) {
    let (settings, mut context, mut called) = (settings(&[]), Context::at(NOW), Vec::new());
    for answer in answers {
        match create(&settings, order, &context) {
            Err(Stop::Call(call)) => {
                called.push(
                    format!("{} {:?}", call.url.rsplit('/').next().unwrap(), call.repeatable).replace("Repeatable::", ""),
                );
                context = context.called(*call, answer.clone());
            }
            other => panic!("{}", shown(&other.ok().unwrap())),
        }
    }
    (called, create(&settings, order, &context).unwrap())
}

fn shown(step: &LinkStep) -> String {
    match step {
        LinkStep::Done(link) => format!(
            "done {} {} {}",
            link.url.as_deref().unwrap_or("-"),
            link.qr.as_deref().unwrap_or("-"),
            link.reference.as_deref().unwrap_or("-")
        ),
        LinkStep::Failed(problems) => {
            let told = problems.iter().map(|problem| format!("{} {}", problem.code, problem.field.clone().unwrap_or_default()));
            format!("failed {}", told.collect::<Vec<_>>().join(", "))
        }
        LinkStep::Unavailable(_) => "unavailable".into(),
        LinkStep::Unknown(_) => "unknown".into(),
        LinkStep::Ask(_) | LinkStep::Call(_) => panic!(),
    }
}

fn made(changes: &[(&str, &str)]) -> HttpResult {
    let mut body = r#"{"Success":true,"ErrorCode":"0","TerminalKey":"1321054611234","Status":"NEW","PaymentId":"13660","OrderId":"42","Amount":10000,"PaymentURL":"https://securepay.tinkoff.ru/new/fU1ppgqa"}"#.to_owned();
    for (from, to) in changes {
        assert!(body.contains(from));
        body = body.replace(from, to);
    }
    answered(200, &body)
}

fn code() -> HttpResult {
    answered(
        200,
        r#"{"Success":true,"ErrorCode":"0","TerminalKey":"1321054611234","PaymentId":13660,"OrderId":"42","Data":"https://qr.nspk.ru/AS1000?type=02&sum=10000&cur=RUB&crc=C08B"}"#,
    )
}

fn payments(ids: &str) -> HttpResult {
    answered(
        200,
        &format!(r#"{{"Success":true,"ErrorCode":"0","TerminalKey":"1321054611234","OrderId":"42","Payments":[{ids}]}}"#),
    )
}

fn lost() -> HttpResult {
    HttpResult::Unknown("no answer".into())
}

fn refusal(code: &str) -> HttpResult {
    answered(200, &format!(r#"{{"Success":false,"ErrorCode":"{code}","Message":"Нет"}}"#))
}

#[test]
fn a_whole_request() {
    let order = Order { expires_at: Some(NOW + 3_605), ..order() };
    let Err(Stop::Call(call)) = create(&settings(&[]), &order, &Context::at(NOW)) else { panic!() };
    let body = String::from_utf8(call.body).unwrap();
    let (fields, token) = body.split_once(",\"Token\":").unwrap();
    assert_eq!(
        fields,
        r#"{"TerminalKey":"1321054611234","Amount":10000,"OrderId":"42","Description":"Пополнение счёта","Language":"en","NotificationURL":"https://billing.example.ru/callbacks/tbank","SuccessURL":"https://billing.example.ru/cabinet","RedirectDueDate":"2030-01-02T04:04:05+03:00","DATA":{"Phone":"+79001234567","Email":"ivan@example.ru"}"#
    );
    // By Python's hashlib over the sorted values.
    assert_eq!(token, "\"88877a9ecb29c43a83b6b7442c86562c91b120b40947102a3f9dbf748495d65c\"}");
    assert_eq!((call.repeatable, call.url.as_str()), (Repeatable::Never, "https://securepay.tinkoff.ru/v2/Init"));
}

#[test]
fn a_link_to_the_page() {
    let (called, step) = driven(&order(), &[made(&[])]);
    assert_eq!(
        (called, shown(&step)),
        (vec!["Init Never".to_owned()], "done https://securepay.tinkoff.ru/new/fU1ppgqa - 13660".into())
    );
    let LinkStep::Done(link) = step else { panic!() };
    assert_eq!((link.expires_at, link.extra), (Some(NOW + 86_400), Vec::new()));
}

#[test]
fn a_code_of_sbp() {
    let (called, step) = driven(&by_sbp(), &[made(&[]), code()]);
    assert_eq!(called, ["Init Never", "GetQr Always"]);
    let want =
        "done https://securepay.tinkoff.ru/new/fU1ppgqa https://qr.nspk.ru/AS1000?type=02&sum=10000&cur=RUB&crc=C08B 13660";
    assert_eq!(shown(&step), want);
    for answer in [refusal("3001"), lost(), HttpResult::NotSent("no route".into()), answered(500, "")] {
        let (_, step) = driven(&by_sbp(), &[made(&[]), answer]);
        let LinkStep::Done(link) = step else { panic!() };
        assert_eq!((link.qr, link.extra), (None, vec![("not-passed-on".to_owned(), "extra".to_owned())]));
    }
}

#[test]
fn a_lost_answer_is_told_by_the_order() {
    let payment = r#"{"PaymentId":"13660","Status":"NEW","Success":"true","Amount":10000}"#;
    let two = format!("{payment},{}", payment.replace("13660", "13661"));
    for (order, answers, called, want) in [
        (order(), vec![lost(), refusal("335")], "CheckOrder", "unavailable"),
        (order(), vec![answered(502, ""), payments("")], "CheckOrder", "unavailable"),
        (order(), vec![lost(), payments(payment)], "CheckOrder", "unknown"),
        (order(), vec![refusal("9999"), lost()], "CheckOrder", "unknown"),
        (order(), vec![made(&[("\"OrderId\":\"42\"", "\"OrderId\":\"43\"")]), lost()], "CheckOrder", "unknown"),
        (
            by_sbp(),
            vec![lost(), payments(payment), code()],
            "GetQr",
            "done - https://qr.nspk.ru/AS1000?type=02&sum=10000&cur=RUB&crc=C08B 13660",
        ),
        (by_sbp(), vec![lost(), payments(payment), lost()], "GetQr", "unknown"),
        (by_sbp(), vec![lost(), payments(&two)], "CheckOrder", "unknown"),
    ] {
        let (methods, step) = driven(&order, &answers);
        assert_eq!((methods.last().unwrap().as_str(), shown(&step).as_str()), (format!("{called} Always").as_str(), want));
        assert_eq!(methods.iter().filter(|method| method.starts_with("Init")).count(), 1);
    }
}

#[test]
fn what_was_not_made_is_told_so() {
    for (answers, want) in [
        (&[HttpResult::NotSent("no route".into())][..], "unavailable"),
        (&[refusal("204"), refusal("204")], "unavailable"),
        (&[refusal("8"), refusal("335")], "unavailable"),
        (&[refusal("8"), lost()], "unavailable"),
        (&[refusal("334")], "failed invalid receipt"),
    ] {
        assert_eq!(shown(&driven(&order(), answers).1), want);
    }
}

#[test]
fn no_link_comes_where_an_earlier_init_made_the_payment() {
    let payment = r#"{"PaymentId":"13660","Status":"NEW","Success":"true","Amount":10000}"#;
    let (called, step) = driven(&order(), &[refusal("8"), payments(payment)]);
    assert_eq!(called, ["Init Never", "CheckOrder Always"]);
    let LinkStep::Unknown(problem) = step else { panic!() };
    let (_, russian) = problem.message.iter().find(|(language, _)| language == "ru").unwrap();
    let want = "Т-Банк завёл платёж, но ответ с его адресом потерян: создайте новый заказ. Т-Банк отказал: статус платежа этого не позволяет. \
                Код 8: «Нет».";
    assert_eq!(russian, want);
    let (_, step) = driven(&by_sbp(), &[refusal("8"), payments(payment), code()]);
    assert_eq!(shown(&step), "done - https://qr.nspk.ru/AS1000?type=02&sum=10000&cur=RUB&crc=C08B 13660");
}

#[test]
fn an_answer_is_of_this_payment() {
    for change in [
        ("\"42\"", "\"43\""),
        ("10000", "20000"),
        ("13660", "x"),
        ("https://", "http://"),
        ("1321054611234", "1321054611235"),
        ("\"Success\":true", "\"Success\":\"true\""),
    ] {
        let context = Context::at(NOW);
        let Err(Stop::Call(call)) = create(&settings(&[]), &order(), &context) else { panic!() };
        let next = create(&settings(&[]), &order(), &context.called(*call, made(&[change])));
        assert!(matches!(next, Err(Stop::Call(call)) if call.url.ends_with("/CheckOrder")), "{change:?}");
    }
}

#[test]
fn every_problem_at_once_with_its_field() {
    let wrong = Order {
        id: "0".repeat(37),
        amount: Money { minor_units: 10_000_000_000, currency: "USD".into() },
        description: "я".repeat(141),
        callback_url: format!("https://example.ru/{}", "x".repeat(250)),
        success_url: "cabinet".into(),
        expires_at: Some(NOW + 59),
        payer: vec![("phone".into(), "9".repeat(101))],
        extra: vec![("method".into(), "cash".into())],
        ..order()
    };
    assert_eq!(
        shown(&driven(&wrong, &[]).1),
        "failed unsupported amount.currency, invalid id, too-long id, unsupported extra.method, out-of-range amount.minor-units, too-long description, \
         too-long callback-url, invalid success-url, too-long payer.phone, out-of-range expires-at"
    );
    let small = Order { amount: Money { minor_units: 999, currency: "RUB".into() }, ..by_sbp() };
    assert_eq!(shown(&driven(&small, &[]).1), "failed out-of-range amount.minor-units");
}

#[test]
fn a_link_lives_as_long_as_t_bank_lets_it() {
    let life = |expires_at| {
        let order = Order { expires_at, ..order() };
        let (_, LinkStep::Done(link)) = driven(&order, &[made(&[])]) else { panic!() };
        link.expires_at
    };
    assert_eq!(life(Some(NOW + 100)), None);
    assert_eq!(life(Some(NOW + 91 * 86_400)), Some(NOW + 90 * 86_400));
    assert_eq!(life(None), Some(NOW + 86_400));
}
