//! What became of a payment, refunds and repeated charges.

use kit::binding::{payment_status, recurring_payments, refunds};
use kit::contract::{Event, EventKind, MerchantBorrow, Order, Problem};
use kit::exchanges::{self, OperationStep, PaymentReference, Pending, Repeatable};
use kit::payment_status::{PaymentStatus, StatusStep};
use kit::problem::Code;
use kit::recurring_payments::CancelStep;
use kit::refunds::RefundRequest;
use kit::{Context, Stop};
use money::{format_amount, parse_amount};

use crate::api::{Answer, Values, unavailable, unclear, unknown};
use crate::{Component, Merchant, fault};

pub const DAY_SECONDS: u32 = 86_400;

/// The step of a function that has no result yet.
macro_rules! step_of {
    ($result:expr, $step:ident) => {
        $result.unwrap_or_else(|stop| match stop {
            Stop::Ask(questions) => $step::Ask(questions),
            Stop::Call(call) => $step::Call(*call),
            Stop::Record(_) | Stop::Want(_) | Stop::Unavailable => $step::Unavailable(unavailable()),
        })
    };
}
pub(crate) use step_of;

impl payment_status::Guest for Component {
    fn query_payment(merchant: MerchantBorrow<'_>, payment: PaymentReference, mut context: exchanges::Context) -> StatusStep {
        context.called.truncate(if fault::is("first-answer-only") { 1 } else { usize::MAX });
        step_of!(merchant.get::<Merchant>().status(&payment, &context.into()), StatusStep)
    }
}

impl refunds::Guest for Component {
    fn refund_payment(merchant: MerchantBorrow<'_>, request: RefundRequest, context: exchanges::Context) -> OperationStep {
        step_of!(merchant.get::<Merchant>().refund(&request, &context.into()), OperationStep)
    }

    fn query_refund(
        merchant: MerchantBorrow<'_>,
        request: RefundRequest,
        reference: Option<String>,
        context: exchanges::Context,
    ) -> OperationStep {
        step_of!(merchant.get::<Merchant>().query_refund(&request, reference.as_deref(), &context.into()), OperationStep)
    }
}

impl recurring_payments::Guest for Component {
    fn charge_again(
        merchant: MerchantBorrow<'_>,
        payment: PaymentReference,
        order: Order,
        context: exchanges::Context,
    ) -> OperationStep {
        step_of!(merchant.get::<Merchant>().charge(&payment, &order, &context.into()), OperationStep)
    }

    fn query_charge(
        merchant: MerchantBorrow<'_>,
        _: PaymentReference,
        order: Order,
        reference: Option<String>,
        context: exchanges::Context,
    ) -> OperationStep {
        step_of!(merchant.get::<Merchant>().query_charge(&order, reference.as_deref(), &context.into()), OperationStep)
    }

    fn cancel_recurring(merchant: MerchantBorrow<'_>, payment: PaymentReference, context: exchanges::Context) -> CancelStep {
        step_of!(merchant.get::<Merchant>().cancel(&payment, &context.into()), CancelStep)
    }
}

impl Merchant {
    fn status(&self, payment: &PaymentReference, context: &Context) -> Result<StatusStep, Stop> {
        let Some(order) = &payment.order else { return Ok(StatusStep::Unavailable(unavailable())) };
        let mut tries = 0;
        let values = loop {
            let again = tries.to_string();
            let fields = [("order", order.id.as_str()), ("again", &again)];
            let fields = if tries == 0 { &fields[..1] } else { &fields[..] };
            match self.query(context, "/payments", fields)? {
                Answer::Said(values) => break values,
                _ if fault::is("asks-for-ever") => tries += 1,
                Answer::Unclear if fault::is("junk-status-is-empty") => return Ok(StatusStep::Done(status(Vec::new(), None))),
                Answer::NotSent | Answer::Failed | Answer::Lost | Answer::Unclear => {
                    return Ok(StatusStep::Unavailable(unavailable()));
                }
            }
        };
        let kinds: &[EventKind] = match values.state.as_str() {
            "none" => &[],
            "paid" => &[EventKind::Payment],
            "held" => &[EventKind::Hold],
            "refunded" if fault::is("refund-not-read") => &[EventKind::Payment],
            "refunded" => &[EventKind::Payment, EventKind::Refund],
            _ => return Ok(StatusStep::Done(status(Vec::new(), Some(Code::UnknownType.at("state", "It is not known."))))),
        };
        let events: Option<Vec<Event>> = kinds.iter().map(|kind| self.event_of(*kind, &values, &order.id)).collect();
        let unresolved = events.is_none().then(unclear);
        Ok(StatusStep::Done(status(events.unwrap_or_default(), unresolved)))
    }

    fn refund(&self, request: &RefundRequest, context: &Context) -> Result<OperationStep, Stop> {
        let Some(paid) = event_of_payment(&request.payment, context) else { return Ok(OperationStep::Refused(no_payment())) };
        let amount = if fault::is("refund-whole") { paid.amount.minor_units } else { request.amount.minor_units };
        let amount = format_amount(amount);
        let id = if fault::is("refund-key-of-payment") { paid.transaction.as_str() } else { request.id.as_str() };
        let payment = if fault::is("refund-of-any-payment") { "10000001" } else { paid.transaction.as_str() };
        let fields = [("id", id), ("payment", payment), ("amount", &amount), ("why", &request.reason)];
        let repeatable = match () {
            () if fault::is("refund-always") => Repeatable::Always,
            () if fault::is("failure-is-refused") || fault::is("failure-is-unavailable") => Repeatable::Never,
            () => Repeatable::Within(DAY_SECONDS),
        };
        let answer = self.send(context, "/refunds", &fields, repeatable)?;
        Ok(match self.operation(answer, EventKind::Refund, paid.order.as_deref().unwrap_or_default()) {
            OperationStep::Succeeded(event) if fault::is("refund-keyed-by-request") => {
                OperationStep::Succeeded(Event { dedup_key: format!("refund-of:{}", request.id), ..event })
            }
            step => step,
        })
    }

    fn query_refund(&self, request: &RefundRequest, reference: Option<&str>, context: &Context) -> Result<OperationStep, Stop> {
        let Some(paid) = event_of_payment(&request.payment, context) else { return Ok(OperationStep::Unknown(no_payment())) };
        let fields = [("id", request.id.as_str()), ("reference", reference.unwrap_or_default())];
        let answer = self.query(context, "/refunds", &fields)?;
        if fault::is("lost-question-is-refused") && !matches!(answer, Answer::Said(_) | Answer::Unclear) {
            return Ok(OperationStep::Refused(unknown()));
        }
        Ok(self.operation(answer, EventKind::Refund, paid.order.as_deref().unwrap_or_default()))
    }

    fn charge(&self, payment: &PaymentReference, order: &Order, context: &Context) -> Result<OperationStep, Stop> {
        let Some(paid) = event_of_payment(payment, context) else { return Ok(OperationStep::Refused(no_payment())) };
        let amount = format_amount(order.amount.minor_units);
        let payer = paid.payer.as_deref().unwrap_or_default();
        let id = if fault::is("charge-key-of-payer") { payer } else { order.id.as_str() };
        let fields = [("order", id), ("payer", payer), ("amount", &amount)];
        let answer = self.send(context, "/charges", &fields, Repeatable::Within(DAY_SECONDS))?;
        Ok(self.operation(answer, EventKind::Payment, &order.id))
    }

    fn query_charge(&self, order: &Order, reference: Option<&str>, context: &Context) -> Result<OperationStep, Stop> {
        let fields = [("order", order.id.as_str()), ("reference", reference.unwrap_or_default())];
        let answer = self.query(context, "/charges", &fields)?;
        Ok(self.operation(answer, EventKind::Payment, &order.id))
    }

    fn cancel(&self, payment: &PaymentReference, context: &Context) -> Result<CancelStep, Stop> {
        let Some(paid) = event_of_payment(payment, context) else { return Ok(CancelStep::Refused(no_payment())) };
        let payer = paid.payer.as_deref().unwrap_or_default();
        Ok(match self.send(context, "/subscriptions/end", &[("payer", payer)], Repeatable::Always)? {
            Answer::Said(values) if values.state == "done" => CancelStep::Cancelled,
            Answer::Said(values) if values.state == "refused" => CancelStep::Refused(refused(&values)),
            Answer::NotSent => CancelStep::Unavailable(unavailable()),
            Answer::Said(_) | Answer::Failed | Answer::Lost | Answer::Unclear => CancelStep::Unknown(unknown()),
        })
    }

    /// Returns what an answer about an operation says, whose event has a kind and an order.
    fn operation(&self, answer: Answer, kind: EventKind, order: &str) -> OperationStep {
        let values = match answer {
            Answer::Said(values) => values,
            Answer::NotSent if fault::is("unsent-is-refused") => return OperationStep::Refused(unavailable()),
            Answer::NotSent => return OperationStep::Unavailable(unavailable()),
            Answer::Failed if fault::is("failure-is-refused") => return OperationStep::Refused(unknown()),
            Answer::Failed if fault::is("failure-is-unavailable") => return OperationStep::Unavailable(unavailable()),
            Answer::Lost if fault::is("lost-is-refused") => return OperationStep::Refused(unknown()),
            Answer::Unclear if fault::is("junk-is-refused") => return OperationStep::Refused(unknown()),
            Answer::Failed | Answer::Lost | Answer::Unclear => return OperationStep::Unknown(unknown()),
        };
        match values.state.as_str() {
            "done" => {
                self.event_of(kind, &values, order).map_or_else(|| OperationStep::Unknown(unknown()), OperationStep::Succeeded)
            }
            "pending" => {
                let reference = Some(values.refund).filter(|reference| !reference.is_empty());
                OperationStep::Pending(Pending { ask_again: Some(60), reference })
            }
            "refused" if fault::is("secret-in-refusal") => {
                OperationStep::Refused(Code::Unsupported.whole(format!("It refuses the key {}", self.key.expose())))
            }
            "refused" => OperationStep::Refused(refused(&values)),
            _ => OperationStep::Unknown(unknown()),
        }
    }

    /// Returns the event that an answer names, if all of it has its form and is about this order.
    pub fn event_of(&self, kind: EventKind, values: &Values, order: &str) -> Option<Event> {
        let is_refund = kind == EventKind::Refund;
        let transaction = if is_refund { &values.refund } else { &values.payment };
        let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        let minor_units = parse_amount(&values.amount).ok().filter(|minor_units| *minor_units > 0)?;
        let is_cut = fault::is("cut-answer-believed");
        let is_amount = is_cut || format_amount(minor_units) == values.amount;
        let has_form = digits(transaction, 8) && digits(&values.payment, 8) && digits(&values.payer, 6) && is_amount;
        let of_other = fault::is("other-order-believed");
        let order = if of_other { values.order.as_str() } else { order };
        let event = self.event(kind, [transaction, &values.payer, order], minor_units, 0);
        let original = is_refund.then(|| values.payment.clone());
        let is_own = values.order == order || is_cut && values.order.is_empty();
        (has_form && is_own).then_some(Event { original, ..event })
    }
}

fn status(events: Vec<Event>, unresolved: Option<Problem>) -> PaymentStatus {
    PaymentStatus { events, unresolved, ask_again: Some(300) }
}

fn event_of_payment<'c>(payment: &'c PaymentReference, context: &'c Context) -> Option<&'c Event> {
    let state = payment.movement.as_ref()?;
    context.state(state).movement().map(|movement| &movement.event)
}

fn no_payment() -> Problem {
    Code::Unsupported.at("payment", "It is not paid.")
}

fn refused(values: &Values) -> Problem {
    Code::Unsupported.whole(format!("The payment system refuses: {}", values.code.chars().take(100).collect::<String>()))
}
