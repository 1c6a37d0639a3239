//! Refunds by the Refund API.

use kit::contract::Problem;
use kit::decimal::Form;
use kit::exchanges::{HttpResult, OperationStep, Pending, Repeatable};
use kit::hmac::Mac;
use kit::json::{JsonError, Object, object};
use kit::problem::{Bilingual, Code, filled};
use kit::refunds::RefundRequest;
use kit::signature::Secret;
use kit::text::{remark, shown};
use kit::{Context, Stop, call, form, jwt};

use crate::event::of_refund;
use crate::operation::{self, Lookup, Operation, State, unavailable, unreachable, unreadable, with_status};
use crate::payment::{Payment, is_inv_id};
use crate::receipt;
use crate::settings::{CURRENCY, Settings};

/// When a refund is worth asking about again.
const ASK_AGAIN_SECONDS: u32 = 60;
/// Robokassa's ids of refunds are GUIDs of 36 characters.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// What Robokassa's words for a refusal mean.
const MEANINGS: [(&str, &str); 1] =
    [("NotEnoughOperationFunds", "по этой операции не хватает денег, часть могла быть возвращена раньше")];

/// Pays a payment back: reads the key of the operation, and sends the request once, since nothing in it tells a second one from
/// the first.
///
/// # Errors
/// The call that must be made first.
pub fn create(settings: &Settings, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
    let (password_3, payment) = match refundable(settings, request, context) {
        Ok(refundable) => refundable,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    let operation = match operation::ask(settings, payment.inv_id, context)? {
        Ok(Lookup::Operation(operation)) => operation,
        Ok(Lookup::Nothing | Lookup::Two) => {
            let message = [
                "У Robokassa по этому счёту не одна операция. Сделайте возврат в её кабинете.",
                "Robokassa does not have exactly one operation of this invoice; make the refund in its cabinet.",
            ];
            return Ok(OperationStep::Refused(Code::Invalid.at("payment", message)));
        }
        Err(problem) => return Ok(OperationStep::Unavailable(problem)),
    };
    let payload = match payload(request, &payment, &operation) {
        Ok(payload) => payload,
        Err(problem) => return Ok(OperationStep::Refused(problem)),
    };
    let token = jwt::sign(Mac::Sha256, password_3.expose().as_bytes(), &payload);
    let url = [&settings.refund_url, "/Create"].concat();
    Ok(match context.call(call::post(url, "application/jwt", token, Repeatable::Never))? {
        HttpResult::Response(response) if response.status < 500 => match created(&response.body) {
            OperationStep::Pending(_) if response.status != 200 => {
                OperationStep::Unknown(unavailable(with_status(response.status)))
            }
            step => step,
        },
        HttpResult::Response(response) => OperationStep::Unknown(unavailable(with_status(response.status))),
        HttpResult::NotSent(reason) => OperationStep::Unavailable(unavailable(unreachable(reason))),
        HttpResult::Unknown(reason) => {
            let message = filled(["Robokassa не ответила.", "Robokassa did not answer: {0}"], &[&reason]);
            OperationStep::Unknown(unavailable(message))
        }
    })
}

/// Returns what became of a refund. Without the id that Robokassa gave it, it cannot be told.
///
/// # Errors
/// The call, if it was not made yet.
pub fn query(
    settings: &Settings,
    request: &RefundRequest,
    reference: Option<&str>,
    context: &Context,
) -> Result<OperationStep, Stop> {
    let Some(request_id) = reference.filter(|id| is_request_id(id)) else {
        let message = [
            "Ответ Robokassa с номером возврата потерян. Посмотрите в её кабинете, сделан ли возврат.",
            "Robokassa's answer with the refund's id was lost; look in its cabinet whether the refund was made.",
        ];
        return Ok(OperationStep::Unknown(Code::Missing.at("reference", message)));
    };
    let payment = match paid(request, context) {
        Ok(payment) => payment,
        Err(problem) => return Ok(OperationStep::Unknown(problem)),
    };
    let url = [settings.refund_url.as_str(), "/GetState?", &form::encode([("id", request_id)])].concat();
    Ok(match context.call(call::get(url))? {
        // It says with 400 or 404 that it knows no such refund.
        HttpResult::Response(response) if matches!(response.status, 200 | 400 | 404) => match state(&response.body, request_id)
        {
            Ok(state) if response.status == 200 || matches!(state, RefundState::Other(_)) => {
                step(settings, &payment, state, request_id)
            }
            Ok(_) => OperationStep::Unavailable(unavailable(with_status(response.status))),
            Err(error) => OperationStep::Unavailable(unavailable(unreadable(&error))),
        },
        HttpResult::Response(response) => OperationStep::Unavailable(unavailable(with_status(response.status))),
        HttpResult::NotSent(reason) | HttpResult::Unknown(reason) => {
            OperationStep::Unavailable(unavailable(unreachable(reason)))
        }
    })
}

/// Returns the password and what is to be paid back, or why it cannot be.
fn refundable<'s, 'r>(
    settings: &'s Settings,
    request: &'r RefundRequest,
    context: &'r Context,
) -> Result<(&'s Secret, Payment<'r>), Problem> {
    if settings.test_mode {
        return Err(Code::Unsupported.at("test-mode", ["У тестовых платежей возвратов нет.", "Test payments have no refunds."]));
    }
    let Some(password_3) = &settings.password_3 else {
        let message = [
            "В настройках не введён Пароль №3. Введите его, когда Robokassa откроет API возвратов, или сделайте возврат в её кабинете.",
            "Password #3 is not entered in the settings. Enter it once Robokassa has opened the Refund API, or make the refund in its \
             cabinet.",
        ];
        return Err(Code::SettingMissing.at("password-3", message));
    };
    paid(request, context).map(|payment| (password_3, payment))
}

/// Returns the payment with the amount of the refund.
fn paid<'r>(request: &'r RefundRequest, context: &'r Context) -> Result<Payment<'r>, Problem> {
    let movement = kit::refund::payment(request, context, CURRENCY)?.movement();
    let payment = movement.map(|movement| &movement.event).filter(|event| is_inv_id(&event.transaction));
    let message = ["У платежа нет номера счёта Robokassa.", "It has no number of an invoice of Robokassa's."];
    let payment = payment.ok_or_else(|| Code::Invalid.at("payment", message))?;
    Ok(Payment { inv_id: &payment.transaction, minor_units: request.amount.minor_units, order: payment.order.as_deref() })
}

/// Builds the request, which for the whole payment names no sum.
fn payload(request: &RefundRequest, payment: &Payment, operation: &Operation) -> Result<String, Problem> {
    if operation.state != State::Paid {
        let message = filled(
            [
                "У Robokassa этот счёт не оплачен: вернуть можно только оплаченное.",
                "Robokassa says that the invoice is in the state {0}; only what is paid is paid back.",
            ],
            &[&format_args!("{:?}", operation.state)],
        );
        return Err(Code::Invalid.at("payment", message));
    }
    let paid = operation.payment(payment.inv_id).map(|paid| paid.minor_units);
    let is_possible =
        paid.is_some_and(|paid| if request.full { payment.minor_units == paid } else { payment.minor_units < paid });
    if !is_possible {
        let message = [
            "Сумма не подходит к той, что оплачена у Robokassa. Сделайте возврат в её кабинете.",
            "It does not fit what Robokassa says was paid; make the refund in its cabinet.",
        ];
        return Err(Code::OutOfRange.at("amount.minor-units", message));
    }
    let op_key = operation.op_key.as_deref();
    let message = ["Robokassa не сообщила ключ операции.", "Robokassa gives no key of the operation."];
    let op_key = op_key.ok_or_else(|| Code::Missing.at("Info.OpKey", message))?;
    let items = request.receipt.as_ref().map(receipt::of_refund).transpose();
    let items = items.map_err(|mut problems| problems.swap_remove(0))?;
    Ok(object(|root| {
        root.text("OpKey", op_key);
        if !request.full {
            root.amount("RefundSum", payment.minor_units);
        }
        if let Some(items) = items {
            items(root);
        }
    }))
}

/// Reads the answer to a request: its id, or why it was refused. Anything else leaves open what happened.
fn created(body: &[u8]) -> OperationStep {
    let read = || {
        let answer = Object::parse(body)?;
        Ok((answer.flag("success")?, answer.optional("requestId")?, answer.optional("message")?))
    };
    match read() {
        Ok((true, Some(id), _)) if is_request_id(&id) => goes_on(&id),
        Ok((false, _, message)) => OperationStep::Refused(Code::Invalid.whole(refused(&remark(&message.unwrap_or_default())))),
        Ok((true, ..)) => OperationStep::Unknown(unavailable([
            "Robokassa приняла возврат, но не дала ему номера.",
            "Robokassa took the refund, and gave it no id.",
        ])),
        Err(error) => {
            let error: JsonError = error;
            OperationStep::Unknown(unavailable(unreadable(&error)))
        }
    }
}

/// Returns what an operator is told of a refusal: what Robokassa's word means, and the word.
fn refused(word: &str) -> Bilingual {
    let meaning = MEANINGS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning);
    let in_russian = match meaning {
        Some(meaning) => format!("Robokassa отказала в возврате: {meaning} ({word})."),
        None if word.is_empty() => "Robokassa отказала в возврате и не назвала причину.".to_owned(),
        None => format!("Robokassa отказала в возврате: «{word}»."),
    };
    let word = if word.is_empty() { "no reason" } else { word };
    [in_russian, format!("Robokassa refused the refund: {word}.")]
}

/// What has become of a refund.
enum RefundState {
    Processing,
    /// Of so many minor units.
    Finished(i64),
    Canceled,
    /// What Robokassa says instead.
    Other(String),
}

/// Reads the state of a refund, which must be the one that was asked about.
fn state(body: &[u8], request_id: &str) -> Result<RefundState, String> {
    let text = |error: JsonError| error.to_string();
    let answer = Object::parse(body).map_err(text)?;
    let Some(label) = answer.optional("label").map_err(text)? else {
        return Ok(RefundState::Other(remark(&answer.text("message").map_err(text)?)));
    };
    if !answer.text("requestId").map_err(text)?.eq_ignore_ascii_case(request_id) {
        return Err("it is about another refund.".to_owned());
    }
    Ok(match &*label {
        "processing" => RefundState::Processing,
        "canceled" => RefundState::Canceled,
        "finished" => {
            let amount = answer.number_text("amount").map_err(text)?;
            RefundState::Finished(Form::SIX_DECIMALS.parse(&amount).map_err(|error| error.to_string())?)
        }
        label => RefundState::Other(shown(label)),
    })
}

fn step(settings: &Settings, payment: &Payment, state: RefundState, request_id: &str) -> OperationStep {
    match state {
        RefundState::Processing => goes_on(request_id),
        RefundState::Finished(minor_units) if minor_units == payment.minor_units => {
            OperationStep::Succeeded(of_refund(settings, payment, request_id))
        }
        RefundState::Finished(_) => {
            let message = [
                "Robokassa сделала возврат на другую сумму. Сверьте с её кабинетом.",
                "Robokassa made the refund with another amount; compare with its cabinet.",
            ];
            OperationStep::Unknown(Code::OutOfRange.at("amount.minor-units", message))
        }
        RefundState::Canceled => {
            let message = ["Возврат отменён у Robokassa.", "The refund was cancelled at Robokassa."];
            OperationStep::Refused(Code::Invalid.whole(message))
        }
        RefundState::Other(words) => OperationStep::Unknown(
            Code::UnknownType
                .whole(filled(["Robokassa ответила о возврате: «{0}».", "Robokassa says of the refund: {0}."], &[&words])),
        ),
    }
}

fn goes_on(request_id: &str) -> OperationStep {
    OperationStep::Pending(Pending { ask_again: Some(ASK_AGAIN_SECONDS), reference: Some(request_id.to_owned()) })
}

fn is_request_id(text: &str) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Happened;
    use crate::receipt::tests::receipt;
    use crate::settings::tests::settings;
    use crate::status::tests::{INFO, op_state, paid as movement, recorded, response};
    use kit::contract::{EventKind, HttpMethod, Money};
    use kit::exchanges::HttpCall;

    const REQUEST_ID: &str = "cf15fd52-d2d1-4fc4-b9c0-25310e3bdded";
    const PASSWORD_3: (&str, &str) = ("password-3", "TestPassword3");

    fn request(minor_units: i64) -> (RefundRequest, Context) {
        let (payment, context) = recorded(&[movement(Happened::Paid)]);
        let amount = Money { minor_units, currency: "RUB".into() };
        let full = minor_units == 10_000;
        let request =
            RefundRequest { id: "R1".into(), payment, amount, full, reason: String::new(), receipt: None, extra: Vec::new() };
        (request, context)
    }

    fn call(step: Result<OperationStep, Stop>) -> HttpCall {
        match step {
            Err(Stop::Call(call)) => *call,
            other => panic!("{other:?}"),
        }
    }

    /// Returns the request for a refund, after an answer about the operation.
    fn sent(request: &RefundRequest, context: Context, op_state: &str) -> (Result<OperationStep, Stop>, Context) {
        let settings = settings(&[PASSWORD_3]);
        let asked = call(create(&settings, request, &context));
        let context = context.called(asked, response(200, op_state));
        (create(&settings, request, &context), context)
    }

    fn state(code: &str, info: &str) -> String {
        op_state("0", code, info, &[("Shp_order", "42")])
    }

    fn words(step: OperationStep) -> String {
        match step {
            OperationStep::Succeeded(event) => format!("succeeded {}", event.dedup_key),
            OperationStep::Pending(pending) => format!("pending {}", pending.reference.unwrap()),
            OperationStep::Refused(problem) => format!("refused {}", problem.message[0].1),
            OperationStep::Unavailable(problem) => format!("unavailable {}", problem.code),
            OperationStep::Unknown(problem) => format!("unknown {}", problem.code),
            OperationStep::Ask(_) | OperationStep::Call(_) => panic!("{step:?}"),
        }
    }

    // Tokens by Python's hmac, hashlib and base64.
    #[test]
    fn the_request_is_a_token_of_password_3() {
        for (minor_units, token) in [
            (
                10_000,
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjRDOUE1RjgwLTFBMkItNEMzRC04RTlGLTAxMjM0N\
             TY3ODlBQi1hYmMifQ.sMM-rHtFrB8p-sKt3hR9hTCDcKSdEgqKHPixeYUR2NM",
            ),
            (
                3_050,
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjRDOUE1RjgwLTFBMkItNEMzRC04RTlGLTAxMjM0N\
             TY3ODlBQi1hYmMiLCJSZWZ1bmRTdW0iOjMwLjUwfQ._bwSMZdzNUfInM59Tq7WPujXw-RuCcWM7tSF-u5JKIc",
            ),
        ] {
            let (request, context) = request(minor_units);
            let call = call(sent(&request, context, &state("100", INFO)).0);
            assert_eq!((call.method, call.repeatable), (HttpMethod::Post, Repeatable::Never));
            assert_eq!(call.url, "https://services.robokassa.ru/RefundService/Refund/Create");
            assert_eq!(str::from_utf8(&call.body).unwrap(), token);
        }
    }

    #[test]
    fn the_receipt_of_a_refund_is_in_its_request() {
        let (request, _) = request(10_000);
        let request = RefundRequest { receipt: Some(receipt()), ..request };
        let operation = match operation::read(state("100", INFO).as_bytes()) {
            Ok(Lookup::Operation(operation)) => operation,
            _ => panic!(),
        };
        let payment = Payment { inv_id: "42", minor_units: 10_000, order: Some("42") };
        let payload = payload(&request, &payment, &operation).unwrap();
        assert!(payload.starts_with("{\"OpKey\":\"4C9A5F80-") && payload.contains("\"InvoiceItems\":[{\"Name\":"), "{payload}");
    }

    #[test]
    fn what_the_api_answers() {
        let ok = format!("{{\"success\":true,\"message\":null,\"requestId\":\"{REQUEST_ID}\"}}");
        let refused = "{\"success\":false,\"message\":\"NotEnoughOperationFunds\",\"requestId\":null}";
        for (answer, want) in [
            (response(200, &ok), format!("pending {REQUEST_ID}")),
            (response(200, refused), "refused Robokassa refused the refund: NotEnoughOperationFunds.".to_owned()),
            (response(400, refused), "refused Robokassa refused the refund: NotEnoughOperationFunds.".to_owned()),
            (response(404, &ok), "unknown unavailable".to_owned()),
            (response(200, "{\"success\":true}"), "unknown unavailable".to_owned()),
            (response(200, "{\"success\":true,\"requestId\":\"../x\"}"), "unknown unavailable".to_owned()),
            (response(200, "{\"success\":\"false\"}"), "unknown unavailable".to_owned()),
            (response(200, "<html/>"), "unknown unavailable".to_owned()),
            (response(500, refused), "unknown unavailable".to_owned()),
            (HttpResult::Unknown("the connection was lost".into()), "unknown unavailable".to_owned()),
            (HttpResult::NotSent("no such host".into()), "unavailable unavailable".to_owned()),
        ] {
            let (request, context) = request(10_000);
            let (step, context) = sent(&request, context, &state("100", INFO));
            let context = context.called(call(step), answer);
            assert_eq!(words(create(&settings(&[PASSWORD_3]), &request, &context).unwrap()), want);
        }
    }

    #[test]
    fn what_is_not_sent() {
        let (whole, context) = request(10_000);
        let step = create(&settings(&[]), &whole, &context).unwrap();
        assert!(words(step).starts_with("refused Password #3 is not entered"));
        let test_mode = [PASSWORD_3, ("test-mode", "true")];
        assert_eq!(words(create(&settings(&test_mode), &whole, &context).unwrap()), "refused Test payments have no refunds.");
        let (more, context) = request(10_001);
        assert!(
            words(create(&settings(&[PASSWORD_3]), &more, &context).unwrap()).starts_with("refused The payment is of 10000")
        );
        let without_key = INFO.replace("OpKey", "Other");
        let strange_key = INFO.replace("4C9A5F80-", "\"4C9A5F80");
        for (minor_units, answer, want) in [
            (10_000, state("20", INFO), "refused Robokassa says that the invoice is in the state Held"),
            (10_000, state("60", INFO), "refused Robokassa says that the invoice is in the state Returned"),
            (10_000, op_state("3", "", "", &[]), "refused Robokassa does not have exactly one operation"),
            (10_000, op_state("1", "", "", &[]), "unavailable"),
            (10_000, "<html/>".to_owned(), "unavailable"),
            (10_000, state("100", &without_key), "refused Robokassa gives no key"),
            (10_000, state("100", &strange_key), "refused Robokassa gives no key"),
            (10_000, state("100", &INFO.replace("100.000000", "99.000000")), "refused It does not fit"),
        ] {
            let (request, context) = request(minor_units);
            let step = words(sent(&request, context, &answer).0.unwrap());
            assert!(step.starts_with(want), "{step}: {answer}");
        }
    }

    fn queried(minor_units: i64, answer: HttpResult) -> OperationStep {
        let (request, context) = request(minor_units);
        let settings = settings(&[PASSWORD_3]);
        let asked = call(query(&settings, &request, Some(REQUEST_ID), &context));
        assert_eq!(asked.url, format!("https://services.robokassa.ru/RefundService/Refund/GetState?id={REQUEST_ID}"));
        assert_eq!(asked.repeatable, Repeatable::Always);
        query(&settings, &request, Some(REQUEST_ID), &context.called(asked, answer)).unwrap()
    }

    #[test]
    fn what_became_of_a_refund() {
        let state =
            |label: &str, amount: &str| format!("{{\"requestId\":\"{REQUEST_ID}\",\"amount\":{amount},\"label\":\"{label}\"}}");
        let key = format!("succeeded refund:robo-demo-test:42:{REQUEST_ID}");
        let other = state("finished", "100.000000").replace("cf15", "cf16");
        for (answer, want) in [
            (response(200, &state("finished", "100.000000")), key.as_str()),
            (response(200, &state("finished", "100")), &key),
            (response(200, &state("finished", "99.000000")), "unknown out-of-range"),
            (response(200, &state("finished", "\"a\"")), "unavailable unavailable"),
            (response(200, &state("processing", "100.000000")), "pending cf15fd52-d2d1-4fc4-b9c0-25310e3bdded"),
            (response(200, &state("canceled", "100.000000")), "refused The refund was cancelled at Robokassa."),
            (response(200, &state("lost", "100.000000")), "unknown unknown-type"),
            (response(404, "{\"message\":\"Id is invalid or request id does not exist\"}"), "unknown unknown-type"),
            (response(404, &state("finished", "100.000000")), "unavailable unavailable"),
            (response(200, &other), "unavailable unavailable"),
            (response(200, ""), "unavailable unavailable"),
            (response(429, "{\"message\":\"later\"}"), "unavailable unavailable"),
            (HttpResult::Unknown("x".into()), "unavailable unavailable"),
        ] {
            assert_eq!(words(queried(10_000, answer)), want);
        }
        let (request, context) = request(10_000);
        let lost = query(&settings(&[PASSWORD_3]), &request, None, &context).unwrap();
        assert_eq!(words(lost), "unknown missing");
    }

    #[test]
    fn the_event_names_the_payment_that_it_takes_back() {
        let answer = format!("{{\"requestId\":\"{REQUEST_ID}\",\"amount\":30.500000,\"label\":\"finished\"}}");
        let OperationStep::Succeeded(event) = queried(3_050, response(200, &answer)) else { panic!() };
        assert_eq!(
            (event.kind, event.amount.minor_units, event.comment.as_str()),
            (EventKind::Refund, 3_050, "Возврат платежа")
        );
        assert_eq!(
            (event.transaction.as_str(), event.original.as_deref(), event.order.as_deref()),
            (REQUEST_ID, Some("42"), Some("42"))
        );
    }
}
