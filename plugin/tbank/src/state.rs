//! The state of a payment at T-Bank (GetState).

use kit::json::{JsonError, Object};
use kit::problem::Bilingual;
use kit::{Context, Stop, order};

use crate::api::{Answer, Refusal, Scalar, amount, answer, is_payment_id, read, unknown_form};
use crate::event::Subject;
use crate::settings::Settings;

/// What a payment's status says about its money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It is reserved.
    Authorized,
    /// It came in.
    Confirmed,
    /// A part of what was reserved is released.
    PartialReversed,
    /// What was reserved is released.
    Reversed,
    /// A part of what came in was paid back.
    PartialRefunded,
    /// All that came in was paid back.
    Refunded,
    /// A refund is under way.
    Refunding,
    /// The bank declined.
    Declined,
    /// The payment was given up before anything moved.
    Ended,
    /// It is not paid yet.
    Waiting,
    /// No document names it.
    Unknown,
}

impl Status {
    /// Parses `Status`, by the models of cards and of «СБП» in T-Bank's documentation.
    pub fn parse(text: &str) -> Status {
        match text {
            "AUTHORIZED" => Status::Authorized,
            "CONFIRMED" => Status::Confirmed,
            "PARTIAL_REVERSED" => Status::PartialReversed,
            "REVERSED" => Status::Reversed,
            "PARTIAL_REFUNDED" => Status::PartialRefunded,
            "REFUNDED" => Status::Refunded,
            "REFUNDING" | "ASYNC_REFUNDING" => Status::Refunding,
            "REJECTED" | "AUTH_FAIL" => Status::Declined,
            "CANCELED" | "DEADLINE_EXPIRED" | "ATTEMPTS_EXPIRED" => Status::Ended,
            "NEW" | "FORM_SHOWED" | "PREAUTHORIZING" | "AUTHORIZING" | "3DS_CHECKING" | "3DS_CHECKED" | "PAY_CHECKING"
            | "CHECKING" | "CHECKED" | "PROCESSING" | "COMPLETING" | "COMPLETED" | "CONFIRMING" | "REVERSING" => {
                Status::Waiting
            }
            _ => Status::Unknown,
        }
    }
}

/// The state of a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// `PaymentId`, the one asked for.
    pub payment: String,
    /// `OrderId`.
    pub order: String,
    pub status: Status,
    /// `Amount` in kopecks. After a partial refund no document says what it is ([`crate::refunded::PaidBack`]).
    pub amount: i64,
    /// Whether the payer paid with a card, so that T-Bank knows ExternalRequestId of its refunds.
    pub is_card: bool,
}

impl State {
    /// Returns what the state is about.
    pub fn subject(&self) -> Subject<'_> {
        Subject { payment: &self.payment, order: &self.order }
    }
}

/// Why a state is not known.
pub enum NoState {
    /// T-Bank refused to tell it, for example since it has no such payment.
    Refused(Refusal),
    /// T-Bank cannot be asked now, or its answer cannot be read, with the reason.
    Unavailable(Bilingual),
}

/// Asks T-Bank for the state of a payment.
///
/// # Errors
/// The call, if it was not made yet.
pub fn state(settings: &Settings, payment: &str, context: &Context) -> Result<Result<State, NoState>, Stop> {
    let result = context.call(read(settings, "GetState", &[("PaymentId", Scalar::Text(payment))]))?;
    Ok(match answer(settings, result) {
        Answer::Success(found) => parse(&found, payment).map_err(|error| NoState::Unavailable(unknown_form(&error))),
        Answer::Refusal(refusal) => Err(NoState::Refused(refusal)),
        Answer::NotSent(reason) | Answer::Unclear(reason) => Err(NoState::Unavailable(reason)),
    })
}

/// Parses a state, which must be of the payment that was asked for.
fn parse(found: &Object<'_>, payment: &str) -> Result<State, String> {
    let message = |error: JsonError| error.to_string();
    let (id, order) = (found.number_text("PaymentId").map_err(message)?, found.text("OrderId").map_err(message)?);
    if id != payment || !is_payment_id(&id) {
        return Err("It is about another payment.".to_owned());
    }
    if !order::is_id(&order) {
        return Err("OrderId is no order's.".to_owned());
    }
    let amount = amount(&found.number_text("Amount").map_err(message)?).ok_or("Amount is no number of kopecks.")?;
    let status = Status::parse(&found.text("Status").map_err(message)?);
    Ok(State {
        payment: id.into_owned(),
        order: order.into_owned(),
        status,
        amount,
        is_card: source(found) == Some("cards".into()),
    })
}

/// Returns how the payer paid, of the list `Params` of keys and values.
fn source(found: &Object<'_>) -> Option<String> {
    let params = found.array("Params").ok()?;
    let source = params
        .iter()
        .filter_map(|param| param.object().ok())
        .find(|param| param.text("Key").is_ok_and(|key| key == "Source"))?;
    source.text("Value").ok().map(|value| value.into_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::api::tests::answered;
    use crate::settings::tests::settings;
    use kit::exchanges::{HttpCall, HttpResult};

    /// An answer to GetState of payment 13660 and order 42.
    pub(crate) fn state_of(status: &str, amount: i64, source: &str) -> HttpResult {
        answered(
            200,
            &format!(
                r#"{{"Success":true,"ErrorCode":"0","Message":"OK","TerminalKey":"1321054611234","Status":"{status}","PaymentId":"13660",
                    "OrderId":"42","Params":[{{"Key":"Route","Value":"ACQ"}},{{"Key":"Source","Value":"{source}"}}],"Amount":{amount}}}"#
            ),
        )
    }

    pub(crate) fn get_state() -> HttpCall {
        read(&settings(&[]), "GetState", &[("PaymentId", Scalar::Text("13660"))])
    }

    fn told(result: HttpResult) -> Result<State, &'static str> {
        let context = Context::at(0).called(get_state(), result);
        state(&settings(&[]), "13660", &context).unwrap().map_err(|why| match why {
            NoState::Refused(_) => "refused",
            NoState::Unavailable(_) => "unavailable",
        })
    }

    #[test]
    fn a_state_is_of_the_payment_that_was_asked_for() {
        let state = told(state_of("CONFIRMED", 10_000, "cards")).unwrap();
        assert_eq!((state.order.as_str(), state.status, state.amount, state.is_card), ("42", Status::Confirmed, 10_000, true));
        assert!(!told(state_of("CONFIRMED", 10_000, "qrsbp")).unwrap().is_card);
        let changed = |from: &str, to: &str| {
            let HttpResult::Response(response) = state_of("CONFIRMED", 10_000, "cards") else { panic!() };
            told(answered(200, &String::from_utf8(response.body).unwrap().replace(from, to)))
        };
        for (from, to) in [
            ("13660", "13661"),
            (r#""OrderId":"42""#, r#""OrderId":"заказ""#),
            ("10000", "100.00"),
            ("10000", "-1"),
            ("1321054611234", "1321054611235"),
            (r#""Status""#, r#""State""#),
        ] {
            assert_eq!(changed(from, to), Err("unavailable"), "{from} {to}");
        }
        assert!(!changed(r#""Params""#, r#""Else""#).unwrap().is_card, "what is not told is not assumed");
        assert_eq!(told(answered(200, r#"{"Success":false,"ErrorCode":"255","Message":"Платеж не найден"}"#)), Err("refused"));
        assert_eq!(told(answered(502, "Bad Gateway")), Err("unavailable"));
    }
}
