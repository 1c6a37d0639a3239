//! `answers`: what a payment system answers to a call is not believed before it is understood.
//!
//! Each call of a sample gets other answers in turn: none, errors, junk, the genuine one in another encoding, cut off or changed, and
//! the answers of other samples. None may become an event that the genuine answer did not say, or the link of another order, and each leads
//! to a result within the limits. If it is not known whether a call that moves money arrived, the result is not that nothing happened. If the
//! payment system cannot be asked about a callback, the callback is not acknowledged.

use domain::{HttpResponse, HttpResult, OrderId, PaymentLink, PaymentReference, ProvedEvent, Repeatable, Verdict};
use fastrand::Rng;
use sandbox::Error;

use super::mutations::money_difference;
use crate::answers::{Answers, line_of};
use crate::check_context::{CheckContext, ScannedMerchant};
use crate::function_call::{FunctionCall, FunctionResult};
use crate::performed::{Changed, Performed, changes_something};
use crate::report::{Case, Checked, Outcome, failure};
use crate::text::{edited, fields};

/// The longest junk: the longest answer that a host passes on.
const JUNK_BYTES: usize = 64 << 10;
/// Statuses of which a client may think that they are a success.
const STATUSES: [u16; 14] = [100, 201, 202, 204, 206, 301, 302, 304, 400, 401, 404, 429, 500, 503];
/// How many places of an answer are cut and damaged.
const PLACES: usize = 200;
/// The same with [`Effort::Quick`](crate::Effort::Quick).
const QUICK_PLACES: usize = 12;

/// A sample that has calls made.
struct Calling<'s> {
    name: String,
    function: FunctionCall,
    answers: &'s Answers,
    performed: Performed,
}

pub fn check(subject: &CheckContext) -> Checked {
    let (vectors, merchant) = (subject.vectors()?, subject.merchant()?);
    let callbacks = vectors.callbacks.iter().map(|sample| {
        let function = FunctionCall::HandleCallback(Box::new(sample.request.clone()));
        (format!("the callback {:?}", sample.name), function, &sample.answers)
    });
    let operations =
        vectors.operations.iter().map(|sample| (format!("{:?}", sample.name), sample.function.clone(), &sample.answers));
    let calling: Vec<Calling> = callbacks
        .chain(operations)
        .filter_map(|(name, function, answers)| {
            let performed = merchant.performed(&function, &mut &*answers).ok()?;
            let has_answer = performed.context.called.iter().any(|(_, result)| matches!(result, HttpResult::Response(_)));
            has_answer.then_some(Calling { name, function, answers, performed })
        })
        .collect();
    if calling.is_empty() {
        return Err(Outcome::NotApplicable { reason: "no sample of the vectors has an answered call made".to_owned() });
    }
    let mut rng = subject.rng("answers");
    let mut cases = Vec::new();
    for sample in &calling {
        for (at, (_, genuine)) in sample.performed.context.called.iter().enumerate() {
            let others = calling.iter().filter(|other| other.is_of_another_order(sample));
            let others = others.flat_map(|other| {
                other.performed.context.called.iter().map(|(_, result)| Foreign { order: other.order(), result })
            });
            let places = subject.scaled(PLACES, QUICK_PLACES);
            let codes = codes(genuine, subject.scaled(usize::MAX, QUICK_CODES), &mut rng);
            let all = hostile(genuine, others, places, &mut rng).into_iter().chain(codes);
            cases.extend(all.map(|hostile| (sample, at, hostile)));
        }
    }
    Ok(subject.each(&cases, |(sample, at, hostile)| sample.holds(&merchant, *at, hostile)))
}

/// The answer to a call about another order.
struct Foreign<'s> {
    order: Option<&'s OrderId>,
    result: &'s HttpResult,
}

/// Another answer to a call.
struct Hostile {
    what: String,
    result: HttpResult,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// None, or the genuine one with another status.
    Status,
    /// The answer of another order's sample, and that order if the answer names it.
    Foreign(Option<OrderId>),
    /// Of the genuine status, and none that can be read.
    Junk,
    /// The payment system may say it: then the provider may believe it, and its result is only scanned for secrets.
    Plausible,
}

impl Hostile {
    /// Reports whether the payment system failed or was not reached, so that nothing follows from it.
    fn is_failure(&self) -> bool {
        match &self.result {
            HttpResult::Response(answer) => answer.is_of_failure(),
            HttpResult::NotSent(_) | HttpResult::Unknown(_) => true,
        }
    }
}

/// Numbers and short texts that an answer may have as a code or a state: what a provider says of an error may hold what it must not.
const CODES: [&str; 12] = ["0", "1", "-1", "2", "5", "7", "99", "1051", "error", "refused", "REJECTED", "FAILED"];
/// The longest value that is taken for a code, in bytes.
const CODE_BYTES_MAX: usize = 24;
/// How many of them are tried with [`Effort::Quick`](crate::Effort::Quick), for each call.
const QUICK_CODES: usize = 60;

/// Returns the genuine answer with another code in each short field.
fn codes(genuine: &HttpResult, most: usize, rng: &mut Rng) -> Vec<Hostile> {
    let HttpResult::Response(genuine) = genuine else { return Vec::new() };
    let mut all = Vec::new();
    for field in fields(&genuine.body).iter().filter(|field| field.value.len() <= CODE_BYTES_MAX) {
        for code in CODES {
            let body = edited(&genuine.body, &mut [(field.literal.clone(), field.literal_of(code))]);
            let what = format!("is answered {code:?} as {:?}", field.decoded_name(&genuine.body));
            let result = HttpResult::Response(HttpResponse { body, ..genuine.clone() });
            all.push(Hostile { what, result, kind: Kind::Plausible });
        }
    }
    rng.shuffle(&mut all);
    all.truncate(most);
    all
}

fn hostile<'o>(genuine: &HttpResult, others: impl Iterator<Item = Foreign<'o>>, places: usize, rng: &mut Rng) -> Vec<Hostile> {
    let new = |what: &str, result: HttpResult| Hostile { what: what.to_owned(), result, kind: Kind::Status };
    let junk_of = |what: &str, result: HttpResult| Hostile { kind: Kind::Junk, ..new(what, result) };
    let mut all = vec![
        new("is not sent", HttpResult::NotSent("a check".to_owned())),
        new("has a lost answer", HttpResult::Unknown("a check".to_owned())),
    ];
    all.extend(others.filter(|other| other.result != genuine).map(|Foreign { order, result }| Hostile {
        kind: Kind::Foreign(order.filter(|order| names(result, order)).cloned()),
        ..new("has the answer of another order's sample", result.clone())
    }));
    let HttpResult::Response(genuine) = genuine else { return all };
    let with_body = |body: Vec<u8>| HttpResult::Response(HttpResponse { body, ..genuine.clone() });
    let of_status = |status: u16| HttpResult::Response(HttpResponse { status, ..genuine.clone() });
    let statuses = STATUSES.into_iter().filter(|status| *status != genuine.status);
    all.extend(statuses.map(|status| new(&format!("is answered {status}"), of_status(status))));
    let body = &genuine.body;
    let junk: Vec<u8> = (0..JUNK_BYTES).map(|_| rng.u8(..)).collect();
    all.extend(
        [
            ("is answered nothing", Vec::new()),
            ("is answered junk", junk),
            ("is answered a long row of brackets", vec![b'['; JUNK_BYTES]),
            ("is answered a page", [&b"<!DOCTYPE html><html><body>"[..], body, b"</body></html>"].concat()),
            ("is answered twice at once", [&body[..], body].concat()),
            ("is answered in UTF-16", String::from_utf8_lossy(body).encode_utf16().flat_map(u16::to_le_bytes).collect()),
            ("is answered with NULs", body.iter().flat_map(|byte| [*byte, 0]).collect()),
            ("is answered backwards", body.iter().rev().copied().collect()),
        ]
        .into_iter()
        .map(|(what, body)| junk_of(what, with_body(body))),
    );
    for _ in 0..places.min(body.len()) {
        let at = rng.usize(..body.len());
        let (before, after) = body.split_at(at);
        all.push(junk_of(&format!("has an answer that is cut off after {at} bytes"), with_body(before.to_vec())));
        let spoilt = [before, &b"\xff"[..], after].concat();
        all.push(junk_of(&format!("has a byte that is not UTF-8 at {at} of its answer"), with_body(spoilt)));
    }
    all
}

impl Calling<'_> {
    /// Reports whether two samples are about different orders, so that no answer of one says anything about the other.
    fn is_of_another_order(&self, other: &Calling<'_>) -> bool {
        self.order().zip(other.order()).is_some_and(|(own, other)| own != other)
    }

    /// Returns the order that it is about.
    fn order(&self) -> Option<&OrderId> {
        match &self.function {
            FunctionCall::CreateLink(order) | FunctionCall::ChargeAgain(_, order) | FunctionCall::QueryCharge(_, order, _) => {
                Some(&order.id)
            }
            FunctionCall::HandleCallback(_) => self.performed.result.events().first()?.facts.order.as_ref(),
            FunctionCall::QueryPayment(payment) | FunctionCall::CancelRecurring(payment) => order_of(payment),
            FunctionCall::RefundPayment(request) | FunctionCall::QueryRefund(request, _) => order_of(&request.payment),
            FunctionCall::FetchReport(_) | FunctionCall::ReadReport(_) => None,
        }
    }

    fn holds(&self, merchant: &ScannedMerchant, at: usize, hostile: &Hostile) -> Case {
        let mut answers = Changed::new(self.answers, at, hostile.result.clone());
        let wrong = match merchant.performed(&self.function, &mut answers) {
            // Such as an amount of nothing, where the payment system says that it is.
            Ok(_) | Err(Error::Contract { .. }) if hostile.kind == Kind::Plausible => None,
            Ok(performed) => self.wrong_with(&performed, at, hostile),
            Err(error) => Some(failure("it gives no result", &error)),
        };
        let what = &hostile.what;
        let line = || self.performed.context.called.get(at).map_or_else(String::new, |(call, _)| line_of(call));
        wrong.map_or(Ok(()), |wrong| Err(format!("{}, whose call {} ({}) {what}: {wrong}", self.name, at + 1, line())))
    }

    fn wrong_with(&self, performed: &Performed, at: usize, hostile: &Hostile) -> Option<String> {
        let genuine = self.performed.result.events();
        let is_genuine = |event: &ProvedEvent| genuine.iter().any(|known| money_difference(known, event, true).is_none());
        if let Some(event) = performed.result.events().iter().find(|event| !is_genuine(event)) {
            let (amount, order) = (event.facts.amount, event.facts.order.as_deref().unwrap_or("none"));
            let what = format!("{} of {} {}", event.facts.kind.name(), amount.minor_units, amount.currency);
            return Some(format!("an event follows that the genuine answer does not say: {what} for the order {order}"));
        }
        if let Kind::Foreign(Some(other)) = &hostile.kind
            && let Some(own) = self.order()
            && self.performed.context.called.get(at).is_some_and(|(_, genuine)| names(genuine, own))
            && leads_elsewhere(&performed.result, &self.performed.result)
        {
            return Some(format!("the order {own} gets a link, though the answer is about the order {other}: compare it"));
        }
        let (call, _) = performed.context.called.get(at)?;
        if performed.context.called.len() != at + 1 {
            return None;
        }
        let (result, own) = (performed.result.name(), self.performed.result.name());
        if let Some(wrong) = self.taken_for_an_answer(&performed.result, hostile) {
            return Some(wrong);
        }
        let is_failed = matches!(&hostile.result, HttpResult::Response(answer) if answer.is_of_failure());
        let is_denied = matches!(result, "refused" | "failed" | "unavailable");
        if is_failed && call.repeatable == Repeatable::Never && is_denied && own != result {
            return Some(format!(
                "the result is {result}, though who failed may have done it, and the call is not to be sent again: return `unknown`"
            ));
        }
        if !self.function.moves_money() || !changes_something(call) {
            return None;
        }
        let wrong = match hostile.result {
            HttpResult::Response(_) if hostile.kind == Kind::Junk && result == "refused" && own != result => {
                "the answer cannot be read, and may be of money that was moved: return `unknown`"
            }
            HttpResult::Unknown(_) if !matches!(result, "unknown" | "pending") => "it may have moved money",
            HttpResult::NotSent(_) if matches!(result, "succeeded" | "pending" | "refused") => {
                "it moved no money, and can be tried again"
            }
            _ => return None,
        };
        Some(format!("the result is {result}, though {wrong}"))
    }

    /// Returns how a failure, or an answer that cannot be read, was taken for an answer of what has become of the money.
    fn taken_for_an_answer(&self, result: &FunctionResult, hostile: &Hostile) -> Option<String> {
        let (is_failure, is_junk) = (hostile.is_failure(), hostile.kind == Kind::Junk);
        if !is_failure && !is_junk {
            return None;
        }
        let why = if is_junk { "its answer cannot be read" } else { "the payment system could not be asked" };
        let has_events = !self.performed.result.events().is_empty();
        match (&self.function, result, &self.performed.result) {
            (FunctionCall::HandleCallback(_), FunctionResult::Callback(answer), FunctionResult::Callback(own))
                if has_events =>
            {
                let name = answer.verdict.name();
                match answer.verdict {
                    Verdict::Ignored(_) | Verdict::Answered => {}
                    Verdict::Refused(_) if is_failure => {}
                    Verdict::Unavailable if answer.reply.is_some() && answer.reply == own.reply => {
                        return Some(
                            "its reply is that to a callback that is accepted, so that it never comes again".to_owned(),
                        );
                    }
                    _ => return None,
                }
                Some(format!("it is {name}, though {why}, and does not come again: return `unavailable`"))
            }
            (FunctionCall::QueryPayment(_), FunctionResult::Status(Ok(status)), _) if has_events => {
                let is_empty = status.events.is_empty() && status.unresolved.is_none();
                is_empty.then(|| format!("the result is that nothing has happened, though {why}: return `unavailable`"))
            }
            (FunctionCall::QueryRefund(..) | FunctionCall::QueryCharge(..), FunctionResult::Operation(_), own) => {
                let is_refused = result.name() == "refused" && own.name() != "refused";
                is_refused.then(|| format!("the result is refused, though {why}: its amount could move again"))
            }
            _ => None,
        }
    }
}

/// Reports whether a field of an answer is an order's id.
fn names(result: &HttpResult, order: &OrderId) -> bool {
    let HttpResult::Response(response) = result else { return false };
    fields(&response.body).iter().any(|field| response.body.get(field.value.clone()) == Some(order.as_str().as_bytes()))
}

/// Reports whether a link has a URL, a code or a reference that the genuine one has not.
fn leads_elsewhere(result: &FunctionResult, genuine: &FunctionResult) -> bool {
    let (FunctionResult::Link(Ok(link)), FunctionResult::Link(Ok(genuine))) = (result, genuine) else { return false };
    let is_new = |of: fn(&PaymentLink) -> Option<&str>| of(link).is_some() && of(link) != of(genuine);
    is_new(|link| link.url.as_deref()) || is_new(|link| link.qr.as_deref()) || is_new(|link| link.reference.as_deref())
}

fn order_of(payment: &PaymentReference) -> Option<&OrderId> {
    let of_movement = || payment.movement.as_ref().and_then(|state| state.movement.event.facts.order.as_ref());
    payment.order.as_ref().map(|order| &order.id).or_else(of_movement)
}
