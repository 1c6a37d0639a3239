//! What a component can do beside links, callbacks and exports, through the sandbox: arguments in, steps and results out, and what
//! the sandbox refuses.

use domain::{
    Ability, AccountNumber, CancelResult, Context, DedupKey, Event, EventKind, Exchange, Facts, HttpCall, HttpMethod,
    HttpResponse, HttpResult, LinkRequest, Money, Movement, MovementId, MovementOrigin, MovementState, OperationId,
    OperationResult, Order, OrderId, PaymentLink, PaymentReference, Pending, ProviderName, Question, RefundRequest, Repeatable,
    ReportFailure, ReportRequest, Settings,
};
use end_to_end::{component_of, sandbox};
use money::Currency;
use sandbox::{Answers, Error, Limit, Limits, Merchant, NoAnswers, drive};

const KEY: &str = "faulty-test-key-001";

fn merchant() -> Merchant {
    let faulty = sandbox().load(&component_of("faulty"), Limits::default()).unwrap();
    assert_eq!(faulty.abilities(), Ability::ALL);
    faulty.merchant(Settings::new([("shop", "17"), ("key", KEY)])).unwrap()
}

fn rub(minor_units: i64) -> Money {
    Money { minor_units, currency: Currency::RUB }
}

fn order() -> Order {
    Order {
        id: OrderId::stored("42"),
        account: AccountNumber::stored("100500"),
        provider: ProviderName::stored("faulty"),
        amount: rub(10_000),
        description: "Пополнение".into(),
        idempotency_key: None,
        expires_at: Some(1_900_000_000),
        created_at: 1_800_000_000,
        paid_by: None,
    }
}

/// Returns a movement of an order: a payment of 100.00, or what followed from it.
fn movement(id: u64, kind: EventKind) -> Movement {
    let mut facts = Facts::new(kind, "10000001".parse().unwrap(), rub(10_000));
    (facts.order, facts.payer) = (Some(OrderId::stored("42")), Some("100001".into()));
    let (provider, dedup_key) = (ProviderName::stored("faulty"), DedupKey::stored(format!("k{id}")));
    let event = Event { provider, facts, comment: "Top-up".into(), dedup_key, fee: None, extra: vec![] };
    Movement { id: MovementId(id), event, recorded_at: 1_800_000_100, origin: MovementOrigin::Callback }
}

fn paid() -> PaymentReference {
    let link = PaymentLink { url: Some("https://pay.example.ru/".into()), ..PaymentLink::default() };
    let later = vec![movement(2, EventKind::Chargeback)];
    let movement = MovementState { movement: movement(1, EventKind::Payment), later };
    PaymentReference { order: Some(order()), link: Some(link), movement: Some(movement) }
}

fn refund() -> RefundRequest {
    RefundRequest {
        id: OperationId::new("r-1").unwrap(),
        payment: paid(),
        amount: rub(2_500),
        full: false,
        reason: "Отказ".into(),
        receipt: None,
    }
}

/// Answers each call with the next of these bodies, and keeps the calls.
struct Said {
    bodies: Vec<&'static str>,
    calls: Vec<HttpCall>,
}

impl Answers for Said {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        NoAnswers.answer(questions)
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        let body = self.bodies[self.calls.len()].as_bytes().to_vec();
        self.calls.push(call.clone());
        HttpResult::Response(HttpResponse { status: 200, headers: vec![], body })
    }
}

fn said(body: &'static str) -> Said {
    Said { bodies: vec![body], calls: vec![] }
}

/// Returns the method, URL and body of the only call.
fn only_call(said: &Said) -> (HttpMethod, &str, &str) {
    let [call] = said.calls.as_slice() else { panic!("{} calls", said.calls.len()) };
    assert!(call.headers.contains(&("x-key".into(), KEY.into())));
    (call.method, &call.url, std::str::from_utf8(&call.body).unwrap())
}

#[test]
fn status_of_a_payment() {
    let merchant = merchant();
    let mut said = said("state=refunded&payment=10000001&payer=100001&amount=100.00&order=42&refund=20000001&end=1");
    let (status, context) = drive(5, &mut said, |context| merchant.query_payment(&paid(), context)).unwrap();
    let status = status.unwrap();
    let kinds: Vec<_> = status.events.iter().map(|event| (event.facts.kind, event.facts.amount.minor_units)).collect();
    assert_eq!(kinds, [(EventKind::Payment, 10_000), (EventKind::Refund, 10_000)]);
    assert_eq!((status.unresolved, status.ask_again), (None, Some(300)));
    assert_eq!(only_call(&said), (HttpMethod::Get, "https://api.faulty.example/payments?shop=17&order=42", ""));
    assert_eq!((said.calls[0].repeatable, context.now, context.called.len()), (Repeatable::Always, 5, 1));
    // A host that makes no calls.
    let (status, _) = drive(5, &mut NoAnswers, |context| merchant.query_payment(&paid(), context)).unwrap();
    assert_eq!(status.unwrap_err().code, "unavailable");
}

#[test]
fn refund_is_sent_once_and_asked_for() {
    let merchant = merchant();
    let mut first = said("state=pending&refund=20000001&end=1");
    let (result, _) = drive(5, &mut first, |context| merchant.refund_payment(&refund(), context)).unwrap();
    let reference = Some("20000001".to_owned());
    assert_eq!(result, OperationResult::Pending(Pending { ask_again: Some(60), reference }));
    // The payment's transaction comes from the movement among the context's movements.
    let body = "shop=17&id=r-1&payment=10000001&amount=25.00&why=%D0%9E%D1%82%D0%BA%D0%B0%D0%B7";
    assert_eq!(only_call(&first), (HttpMethod::Post, "https://api.faulty.example/refunds", body));
    assert_eq!(first.calls[0].repeatable, Repeatable::Within(86_400));

    let mut then = said("state=done&refund=20000001&payment=10000001&payer=100001&amount=25.00&order=42&end=1");
    let ask = |context: &Context| merchant.query_refund(&refund(), Some("20000001"), context);
    let (result, _) = drive(9, &mut then, ask).unwrap();
    let OperationResult::Succeeded(event) = result else { panic!("{result:?}") };
    assert_eq!((event.facts.kind, event.facts.amount), (EventKind::Refund, rub(2_500)));
    assert_eq!(event.facts.original.as_deref(), Some("10000001"));
    let url = "https://api.faulty.example/refunds?shop=17&id=r-1&reference=20000001";
    assert_eq!(only_call(&then), (HttpMethod::Get, url, ""));
}

#[test]
fn charge_of_an_earlier_payer() {
    let merchant = merchant();
    let order = LinkRequest::new(OrderId::stored("43"), AccountNumber::stored("100500"), rub(30_000));
    let done = "state=done&payment=10000002&payer=100001&amount=300.00&order=43&end=1";
    let mut first = said(done);
    let (result, _) = drive(5, &mut first, |context| merchant.charge_again(&paid(), &order, context)).unwrap();
    let OperationResult::Succeeded(event) = result else { panic!("{result:?}") };
    assert_eq!((event.facts.kind, event.facts.order.as_deref()), (EventKind::Payment, Some("43")));
    let body = "shop=17&order=43&payer=100001&amount=300.00";
    assert_eq!(only_call(&first), (HttpMethod::Post, "https://api.faulty.example/charges", body));

    let mut then = said("state=refused&code=no-money&end=1");
    let ask = |context: &Context| merchant.query_charge(&paid(), &order, None, context);
    let (result, _) = drive(5, &mut then, ask).unwrap();
    assert_eq!(result.name(), "refused");
    assert_eq!(only_call(&then), (HttpMethod::Get, "https://api.faulty.example/charges?shop=17&order=43&reference=", ""));

    let mut end = said("state=done&end=1");
    let (result, _) = drive(5, &mut end, |context| merchant.cancel_recurring(&paid(), context)).unwrap();
    assert_eq!(result, CancelResult::Cancelled);
    assert_eq!(only_call(&end).2, "shop=17&payer=100001");
}

const REPORT: &str = "payment;10000001;42;100.00;3.00;97.00;2026-10-31T10:00:00+03:00\n\
                      refund;20000001;42;-25.00;0.00;-25.00;\n\
                      fee;;;0.00;1.00;-1.00;\n\
                      total;3;75.00;4.00;71.00\n";

#[test]
fn report_as_a_file() {
    let merchant = merchant();
    let [format] = <[_; 1]>::try_from(merchant.report_formats().unwrap()).unwrap();
    assert_eq!((format.name.as_str(), format.file, format.call, format.options.len()), ("lines", true, true, 1));
    for options in [vec![], vec![("delimiter".to_owned(), ";".to_owned())]] {
        let mut report = merchant.open_report("lines", &options).unwrap();
        let mut rows = Vec::new();
        for bytes in REPORT.as_bytes().chunks(7) {
            rows.extend(report.append(bytes).unwrap());
        }
        let (last, totals) = report.finish().unwrap();
        rows.extend(last);
        let figures: Vec<_> = rows.iter().map(|row| (row.kind, row.transaction.as_deref(), row.gross.minor_units)).collect();
        let want = [
            (Some(EventKind::Payment), Some("10000001"), 10_000),
            (Some(EventKind::Refund), Some("20000001"), -2_500),
            (None, None, 0),
        ];
        assert_eq!(figures, want);
        assert_eq!((totals.rows, totals.gross, totals.net), (Some(3), Some(rub(7_500)), Some(rub(7_100))));
        assert!(matches!(report.finish(), Err(Error::ReportClosed)));
    }
    let options = vec![("separator".to_owned(), ";".to_owned())];
    let Err(Error::Provider(problems)) = merchant.open_report("csv", &options).map(|_| ()) else { panic!() };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_deref().unwrap()).collect();
    assert_eq!(fields, ["format", "separator"]);
}

/// A file of more than one call's bytes is read in several; a bad row ends it.
#[test]
fn report_of_many_rows() {
    let merchant = merchant();
    let mut report = merchant.open_report("lines", &vec![]).unwrap();
    let line = REPORT.lines().next().unwrap();
    let many = format!("{line}\n").repeat(3000);
    assert_eq!((many.len() > 128 << 10, report.append(many.as_bytes()).unwrap().len()), (true, 3000));
    let Err(Error::Provider(problems)) = report.append(b"lottery;1;2;3.00;4.00;5.00;\n") else { panic!() };
    assert_eq!((problems[0].row, problems[0].field.as_deref()), (Some(3001), Some("kind")));
    assert!(matches!(report.append(line.as_bytes()), Err(Error::ReportClosed)));
}

#[test]
fn report_by_calls() {
    let merchant = merchant();
    let request = |cursor: Option<&str>| ReportRequest {
        format: "lines".into(),
        options: vec![],
        day: domain::Date::parse("2026-10-31").unwrap(),
        cursor: cursor.map(str::to_owned),
    };
    let mut first = said("payment;10000001;42;100.00;3.00;97.00;\nnext;2\n");
    let (page, _) = drive(5, &mut first, |context| merchant.fetch_report(&request(None), context)).unwrap();
    let page = page.unwrap();
    assert_eq!((page.rows.len(), page.next.as_deref(), page.control), (1, Some("2"), None));
    assert_eq!(only_call(&first).1, "https://api.faulty.example/reports?shop=17&day=2026-10-31&page=1");
    assert_eq!(first.calls[0].answer_bytes_max, 1 << 20);

    let mut last = said("total;1;100.00;3.00;97.00\n");
    let (page, _) = drive(5, &mut last, |context| merchant.fetch_report(&request(Some("2")), context)).unwrap();
    let page = page.unwrap();
    assert_eq!((page.rows.len(), page.next.as_deref(), page.control.unwrap().rows), (0, None, Some(1)));

    // An answer of 1 MiB is within the limits of a call.
    let end = "total;0;0.00;0.00;0.00\n";
    let long = format!("# {}\n{end}", "x".repeat((1 << 20) - 3 - end.len()));
    assert_eq!(long.len(), 1 << 20);
    let mut long = said(Box::leak(long.into_boxed_str()));
    let (page, _) = drive(5, &mut long, |context| merchant.fetch_report(&request(None), context)).unwrap();
    assert_eq!(page.unwrap().control.unwrap().rows, Some(0));

    // The next page would begin where this one does.
    let mut again = said("next;2\n");
    let fetched = drive(5, &mut again, |context| merchant.fetch_report(&request(Some("2")), context));
    let Err(Error::Contract { function, what }) = fetched else { panic!("it has no end") };
    assert_eq!((function, what.as_str()), ("settlement-reports.fetch-report", "the next page begins where this one does"));

    let failure = ReportRequest { format: "csv".into(), ..request(None) };
    let (page, _) = drive(5, &mut NoAnswers, |context| merchant.fetch_report(&failure, context)).unwrap();
    assert!(matches!(page.unwrap_err(), ReportFailure::Failed(problems) if problems[0].field.as_deref() == Some("format")));
}

#[test]
fn arguments_beyond_the_limits() {
    let merchant = merchant();
    let mut request = refund();
    request.reason = "x".repeat(64 << 10);
    let Err(Error::Limit { function, limit }) = merchant.refund_payment(&request, &Context::at(0)).map(|_| ()) else {
        panic!()
    };
    assert_eq!((function, limit), ("refunds.refund-payment", Limit::InputBytes(64 << 10)));
    // What followed from the payment counts with the context.
    let mut payment = paid();
    let later = &mut payment.movement.as_mut().unwrap().later;
    *later = vec![movement(3, EventKind::Refund); 12_000];
    let Err(Error::Limit { limit, .. }) = merchant.query_payment(&payment, &Context::at(0)).map(|_| ()) else { panic!() };
    assert_eq!(limit, Limit::ContextBytes(2 << 20));
}

#[test]
fn component_without_an_ability() {
    let onec = sandbox().load(&component_of("onec"), Limits::default()).unwrap();
    assert_eq!(onec.abilities(), []);
    let onec = onec.merchant(Settings::new([("currency", "RUB")])).unwrap();
    let Err(error) = onec.query_payment(&paid(), &Context::at(0)) else { panic!() };
    assert_eq!(error.to_string(), "the provider has no payment-status.query-payment; use a component with this ability");
    assert!(matches!(onec.report_formats(), Err(Error::NoAbility { .. })));
    assert!(matches!(onec.refund_payment(&refund(), &Context::at(0)), Err(Error::NoAbility { .. })));
}
