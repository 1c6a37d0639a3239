//! The abilities of the shipped components of ChronoPay and Robokassa: their calls are made to the stand-ins, and what they return is
//! compared with what the callbacks tell.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{
    Ability, AccountNumber, CancelResult, Context, Event, EventKind, Exchange, HttpCall, HttpMethod, HttpResponse, HttpResult,
    LinkRequest, Money, Movement, MovementId, MovementOrigin, MovementState, OperationId, OperationResult, Order, OrderId,
    PaymentReference, Pending, ProvedEvent, ProviderName, Question, RefundRequest,
};
use end_to_end::straight::Straight;
use end_to_end::{order, post, robokassa};
use money::Currency;
use sandbox::{Answers, Error, Merchant, NoAnswers, drive};
use stand_in::serving::Serving;
use stand_in::{chronopay, robokassa as robokassa_stand_in};

/// Makes the calls, to the stand-ins.
struct HttpAnswers;

impl Answers for HttpAnswers {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        NoAnswers.answer(questions)
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        let agent = support::agent();
        let answer = match call.method {
            HttpMethod::Get => agent.get(&call.url).call(),
            _ => {
                let request =
                    call.headers.iter().fold(agent.post(&call.url), |request, (name, value)| request.header(name, value));
                request.send(&call.body[..])
            }
        };
        let mut answer = answer.unwrap();
        let body = answer.body_mut().read_to_vec().unwrap();
        HttpResult::Response(HttpResponse { status: answer.status().as_u16(), headers: vec![], body })
    }
}

/// The events of the callbacks that a component was given.
type Events = Arc<Mutex<Vec<ProvedEvent>>>;

/// Serves a callback address that a component answers.
fn shop(merchant: Merchant) -> (Serving, Events) {
    async fn judge(
        State((merchant, events)): State<(Arc<Merchant>, Events)>,
        body: axum::body::Bytes,
    ) -> (StatusCode, Vec<u8>) {
        let answer = merchant.judge(&post(&body)).unwrap();
        events.lock().unwrap().extend_from_slice(answer.verdict.events());
        let reply = answer.reply.unwrap();
        (StatusCode::from_u16(reply.status).unwrap(), reply.body)
    }
    let events = Events::default();
    let router = Router::new().fallback(judge).with_state((Arc::new(merchant), Arc::clone(&events)));
    (Serving::start(router, "127.0.0.1:0").unwrap(), events)
}

/// Pays by a link's form.
fn pay(address: std::net::SocketAddr, link: domain::PaymentLink, choice: &str) {
    let form = link.form.unwrap().inputs.into_iter().chain([("choice".to_owned(), choice.to_owned())]);
    assert_eq!(support::agent().post(format!("http://{address}/pay")).send_form(form).unwrap().status(), 200);
}

fn rub(minor_units: i64) -> Money {
    Money { minor_units, currency: Currency::RUB }
}

/// Returns what an ability is told of order 42: nothing more, or the payment and what followed.
fn reference(provider: &str, events: &[ProvedEvent]) -> PaymentReference {
    let order = Order {
        id: OrderId::stored("42"),
        account: AccountNumber::stored("100500"),
        provider: ProviderName::stored(provider),
        amount: rub(10_000),
        description: String::new(),
        idempotency_key: None,
        expires_at: None,
        created_at: 1_800_000_000,
        paid_by: None,
    };
    let mut movements = events.iter().zip(1..).map(|(event, id)| Movement {
        id: MovementId(id),
        event: Event::new(ProviderName::stored(provider), event.clone()),
        recorded_at: 1_800_000_100,
        origin: MovementOrigin::Callback,
    });
    let movement = movements.next().map(|movement| MovementState { movement, later: movements.collect() });
    PaymentReference { order: Some(order), link: None, movement }
}

/// A stand-in of Robokassa with a shop, and the settings that name it.
struct Robokassa {
    page: robokassa_stand_in::Running,
    merchant: Merchant,
    events: Events,
    _serving: Serving,
}

fn robokassa_shop(changes: &[(&str, &str)]) -> Robokassa {
    let (serving, events) = shop(robokassa::merchant(&[]));
    let passwords = robokassa_stand_in::Passwords::new(robokassa::PASSWORD_1, robokassa::PASSWORD_2);
    let result_url = format!("http://{}/callbacks/robokassa", serving.address());
    let config = robokassa_stand_in::Config {
        password_3: Some("TestPassword3".into()),
        ..robokassa_stand_in::Config::new(robokassa::SHOP, passwords, &result_url)
    };
    let page = robokassa_stand_in::Running::start(config, "127.0.0.1:0").unwrap();
    let at = |path: &str| format!("http://{}{path}", page.address());
    let urls = [at(robokassa_stand_in::OP_STATE), at(robokassa_stand_in::REFUNDS)];
    let base = [
        ("payment-page", page.url()),
        ("state-url", urls[0].clone()),
        ("refund-url", urls[1].clone()),
        ("password-3", "TestPassword3".to_owned()),
    ];
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let settings: Vec<(&str, &str)> =
        kept.map(|(name, value)| (*name, value.as_str())).chain(changes.iter().copied()).collect();
    Robokassa { merchant: robokassa::merchant(&settings), page, events, _serving: serving }
}

impl Robokassa {
    /// Returns the events that the state of order 42 tells.
    fn status(&self, events: &[ProvedEvent]) -> Vec<ProvedEvent> {
        let payment = reference("robokassa", events);
        let (status, _) = drive(5, &mut HttpAnswers, |context| self.merchant.query_payment(&payment, context)).unwrap();
        let status = status.unwrap();
        assert_eq!(status.unresolved, None);
        status.events
    }

    fn refund(&self, id: &str, minor_units: i64) -> (RefundRequest, OperationResult) {
        let payment = reference("robokassa", &self.events.lock().unwrap());
        let request = RefundRequest {
            id: OperationId::new(id).unwrap(),
            payment,
            amount: rub(minor_units),
            full: minor_units == 10_000,
            reason: "Отказ".into(),
            receipt: None,
        };
        let (result, _) = drive(5, &mut HttpAnswers, |context| self.merchant.refund_payment(&request, context)).unwrap();
        (request, result)
    }

    fn query(&self, request: &RefundRequest, reference: Option<&str>) -> OperationResult {
        let ask = |context: &Context| self.merchant.query_refund(request, reference, context);
        drive(5, &mut HttpAnswers, ask).unwrap().0
    }
}

#[test]
fn robokassas_state_tells_what_its_notification_told() {
    assert_eq!(robokassa::provider().abilities(), [Ability::PaymentStatus, Ability::Refunds]);
    let shop = robokassa_shop(&[]);
    assert_eq!(shop.status(&[]), [], "nobody has paid");
    pay(shop.page.address(), shop.merchant.link(&order()).unwrap(), "pay");
    shop.page.settled(Duration::from_secs(20)).unwrap();
    let notified = shop.events.lock().unwrap().clone();
    let told = shop.status(&notified);
    let [(one, other)] = &notified.iter().zip(&told).collect::<Vec<_>>()[..] else { panic!("{told:?}") };
    assert_eq!((&one.facts, &one.dedup_key, &one.comment), (&other.facts, &other.dedup_key, &other.comment));
}

#[test]
fn robokassas_cancelled_invoice_is_declined() {
    let shop = robokassa_shop(&[]);
    pay(shop.page.address(), shop.merchant.link(&order()).unwrap(), "refuse");
    assert_eq!(shop.status(&[]).iter().map(|event| event.facts.kind).collect::<Vec<_>>(), [EventKind::Declined]);
}

#[test]
fn robokassas_refund_is_made_once_and_asked_about() {
    let shop = robokassa_shop(&[]);
    pay(shop.page.address(), shop.merchant.link(&order()).unwrap(), "pay");
    shop.page.settled(Duration::from_secs(20)).unwrap();
    let (request, made) = shop.refund("r-1", 3_050);
    let OperationResult::Pending(Pending { ask_again: Some(60), reference: Some(id) }) = made else { panic!("{made:?}") };
    assert_eq!(shop.query(&request, Some(&id)).name(), "pending");
    let OperationResult::Succeeded(event) = shop.query(&request, Some(&id)) else { panic!("it is finished") };
    assert_eq!((event.facts.kind, event.facts.amount), (EventKind::Refund, rub(3_050)));
    assert_eq!(event.facts.original.as_deref(), Some("42"));
    assert_eq!(event.dedup_key.as_str(), format!("refund:robo-demo-test:42:{id}"));
    assert_eq!(shop.query(&request, None).name(), "unknown", "its id was lost");
    // More than is left.
    let (_, made) = shop.refund("r-2", 7_000);
    let OperationResult::Refused(problem) = made else { panic!("{made:?}") };
    assert!(problem.message.contains("NotEnoughOperationFunds"), "{problem:?}");
}

#[test]
fn robokassas_refund_needs_password_3() {
    let shop = robokassa_shop(&[("password-3", "")]);
    pay(shop.page.address(), shop.merchant.link(&order()).unwrap(), "pay");
    shop.page.settled(Duration::from_secs(20)).unwrap();
    let (_, made) = shop.refund("r-1", 10_000);
    assert!(matches!(&made, OperationResult::Refused(problem) if problem.field.as_deref() == Some("password-3")), "{made:?}");
    let wrong = robokassa_shop(&[("password-3", "OtherPassword3")]);
    pay(wrong.page.address(), wrong.merchant.link(&order()).unwrap(), "pay");
    wrong.page.settled(Duration::from_secs(20)).unwrap();
    assert_eq!(wrong.refund("r-1", 10_000).1.name(), "refused");
}

/// A stand-in of ChronoPay with a shop that was paid.
fn chronopay_shop(names_transaction: bool) -> (chronopay::Running, Merchant, Events, Serving) {
    let (serving, events) = shop(end_to_end::merchant(&[]));
    let config = chronopay::Config {
        gate_names_transaction: names_transaction,
        ..chronopay::Config::new(end_to_end::SECRET, end_to_end::PRODUCT)
    };
    let page = chronopay::Running::start(config, "127.0.0.1:0").unwrap();
    let gate = format!("http://{}{}", page.address(), chronopay::GATE);
    let merchant = end_to_end::merchant(&[("payment-page", &page.url()), ("gate-url", &gate)]);
    let callback_url = format!("http://{}/callbacks/chronopay", serving.address());
    let link = merchant.link(&LinkRequest { callback_url, ..order() }).unwrap();
    pay(page.address(), link, "pay");
    page.settled(Duration::from_secs(20)).unwrap();
    assert_eq!(events.lock().unwrap().len(), 1);
    (page, merchant, events, serving)
}

#[test]
fn chronopays_charge_is_told_by_its_callback_alone() {
    let abilities = [Ability::RecurringPayments, Ability::SettlementReports];
    assert_eq!(end_to_end::provider().abilities(), abilities);
    for names_transaction in [true, false] {
        let (page, merchant, events, _serving) = chronopay_shop(names_transaction);
        let payment = reference("chronopay", &events.lock().unwrap());
        let order = LinkRequest { id: OrderId::stored("43"), amount: rub(30_000), ..order() };
        let (result, _) = drive(5, &mut HttpAnswers, |context| merchant.charge_again(&payment, &order, context)).unwrap();
        page.settled(Duration::from_secs(20)).unwrap();
        let called_back = events.lock().unwrap()[1].clone();
        assert_eq!((called_back.facts.order.as_deref(), called_back.facts.amount), (Some("42"), rub(30_000)));
        match result {
            OperationResult::Pending(pending) => assert_eq!(pending.ask_again, None),
            other => panic!("{other:?}"),
        }
        let cancel = |context: &Context| merchant.cancel_recurring(&payment, context);
        assert_eq!(drive(5, &mut HttpAnswers, cancel).unwrap().0, CancelResult::Cancelled);
        let (result, _) = drive(5, &mut HttpAnswers, |context| merchant.charge_again(&payment, &order, context)).unwrap();
        assert_eq!(result.name(), "refused", "the subscription has ended");
    }
}

const REGISTER: &str = "Transaction;Order;Sum;Type\n4000000101;o-1;500.00;Purchase\n4000000102;o-1;-99.99;Refund\n";

#[test]
fn chronopays_register_is_read_and_its_wrong_rows_are_named() {
    let merchant = end_to_end::merchant(&[]);
    let [format] = <[_; 1]>::try_from(merchant.report_formats().unwrap()).unwrap();
    assert_eq!((format.name.as_str(), format.file, format.call), ("csv", true, false));
    let options: Vec<(String, String)> =
        [("column-transaction", "Transaction"), ("column-order", "Order"), ("column-amount", "Sum"), ("column-type", "Type")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
    let mut report = merchant.open_report("csv", &options).unwrap();
    let mut rows = report.append(REGISTER.as_bytes()).unwrap();
    rows.extend(report.finish().unwrap().0);
    let figures: Vec<_> = rows.iter().map(|row| (row.kind, row.transaction.as_deref(), row.gross.minor_units)).collect();
    let want = [(Some(EventKind::Payment), Some("4000000101"), 50_000), (Some(EventKind::Refund), Some("4000000102"), -9_999)];
    assert_eq!(figures, want);

    // More rows than one call takes.
    let many = [REGISTER, &"4000000101;o-1;500.00;Purchase\n".repeat(20_000)].concat();
    let mut report = merchant.open_report("csv", &options).unwrap();
    let rows = report.append(many.as_bytes()).unwrap().len() + report.finish().unwrap().0.len();
    assert_eq!(rows, 20_002);

    let mut report = merchant.open_report("csv", &options).unwrap();
    let Err(Error::Provider(problems)) = report.append([REGISTER, "4000000103;o-2;5,00;Purchase\n"].concat().as_bytes()) else {
        panic!("it is no amount")
    };
    assert_eq!((problems[0].row, problems[0].field.as_deref()), (Some(4), Some("Sum")));
}
