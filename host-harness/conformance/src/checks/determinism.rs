//! `determinism`: the same input gets the same answer after the same questions: in fresh instances, in warm ones after other calls,
//! and on several threads.

use domain::{
    CallbackRequest, Exchange, HttpCall, HttpMethod, HttpResponse, HttpResult, LedgerAnswer, LedgerQuestion, OrderId,
    PaymentLink, Repeatable,
};
use sandbox::Error;
use sandbox::unchecked::LinkRequest;

use super::links::currency;
use super::mutations::input_text;
use crate::answers::Answers;
use crate::check_context::{CheckContext, ScannedMerchant, ScannedSession};
use crate::fixtures;
use crate::function_call::FunctionCall;
use crate::judged::Judged;
use crate::report::{Case, Checked, Findings};
use crate::vectors::Vectors;

/// How many threads call at once, on every machine.
const THREADS: usize = 4;
const QUICK_CALLS_MAX: usize = 30;

/// A call and its first answer.
enum Call {
    Callback(CallbackRequest, Answers, Answer<Judged>),
    Link(LinkRequest<'static>, Answer<PaymentLink>),
}

/// An answer, or the text of its error.
type Answer<T> = Result<T, String>;

fn answer<T>(result: Result<T, Error>) -> Answer<T> {
    result.map_err(|error| error.to_string())
}

pub fn check(subject: &CheckContext) -> Checked {
    let (vectors, merchant) = (subject.vectors()?, subject.merchant()?);
    let mut calls = Vec::new();
    let requests = vectors.callbacks.iter().map(|sample| (sample.request.clone(), sample.answers.clone()));
    let odd = [CallbackRequest::post(""), CallbackRequest::get(""), CallbackRequest::post(vec![b'%'; 3_000])];
    for (request, answers) in requests.chain(odd.map(|request| (request, Answers::default()))) {
        let first = answer(merchant.judged(&request, &answers));
        calls.push(Call::Callback(request, answers, first));
    }
    for (at, minor_units) in [1, 10_000, 0, 123_456].into_iter().enumerate() {
        let order = fixtures::order(at, minor_units, &currency(subject).unwrap_or_default());
        let first = answer(merchant.link(&order));
        calls.push(Call::Link(order, first));
    }
    let mut findings = Findings::default();
    findings.add(told_otherwise(vectors, &merchant));
    for round in 0..subject.scaled(5, 1) {
        calls.iter().for_each(|call| findings.case(call.again(&mut Fresh(&merchant), "in a fresh instance")));
        findings.add(warm(subject, &merchant, &calls, round));
    }
    findings.add(threads(&merchant, &calls, subject.scaled(calls.len() * 4, QUICK_CALLS_MAX)));
    Ok(findings)
}

/// Tells every sample that asks all answers at once: in reverse order, with others before them. Another version of a provider may
/// have asked otherwise, so an answer is found by its question or call, and never by its place.
fn told_otherwise(vectors: &Vectors, merchant: &ScannedMerchant) -> Findings {
    let callbacks = vectors.callbacks.iter().map(|sample| {
        let function = FunctionCall::HandleCallback(Box::new(sample.request.clone()));
        (&sample.name, function, &sample.answers)
    });
    let operations = vectors.operations.iter().map(|sample| (&sample.name, sample.function.clone(), &sample.answers));
    let mut findings = Findings::default();
    for (name, function, answers) in callbacks.chain(operations) {
        let Ok(first) = merchant.performed(&function, &mut &*answers) else { continue };
        if first.context.asked.is_empty() && first.context.called.is_empty() {
            continue;
        }
        let again = answer(merchant.performed(&function, &mut &*answers));
        findings
            .expect(again.is_ok_and(|again| again == first), || format!("{name:?} asks or ends otherwise when it is repeated"));
        let mut told = first.context.clone();
        let (other_question, other_call) = others();
        told.asked.push(other_question);
        told.called.push(other_call);
        told.asked.reverse();
        told.called.reverse();
        let again = answer(merchant.told(&function, &told, answers));
        findings.case(match again {
            Ok(again) if again.result == first.result && again.context.asked.is_empty() && again.context.called.is_empty() => {
                Ok(())
            }
            Ok(again) if again.result == first.result => {
                Err(format!("{name:?} asks again for what it was told in another order"))
            }
            Ok(again) => {
                let (again, first) = (again.result.to_json(), first.result.to_json());
                Err(format!("{name:?} has another result when its answers come in another order: {again} and not {first}"))
            }
            Err(error) => Err(format!("{name:?} fails when its answers come in another order: {error}")),
        });
    }
    findings
}

/// A question and a call that no provider has, with answers.
fn others() -> (Exchange, (HttpCall, HttpResult)) {
    let question = LedgerQuestion::Order(OrderId::stored("another-order"));
    let call = HttpCall {
        method: HttpMethod::Get,
        url: "https://other.example/".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        repeatable: Repeatable::Always,
        answer_bytes_max: 1,
        client_certificate: None,
        extra: Vec::new(),
    };
    let response = HttpResponse { status: 200, headers: Vec::new(), body: b"{}".to_vec() };
    (Exchange::Ledger(question, Ok(LedgerAnswer::Order(None))), (call, HttpResult::Response(response)))
}

/// Repeats every call in a warm instance: twice in a row, in reverse order, and in random order.
fn warm(subject: &CheckContext, merchant: &ScannedMerchant, calls: &[Call], round: usize) -> Findings {
    let mut findings = Findings::default();
    let mut rng = subject.rng(&format!("determinism {round}"));
    let mut session = merchant.session();
    let mut random: Vec<&Call> = calls.iter().chain(calls).collect();
    rng.shuffle(&mut random);
    let twice = calls.iter().flat_map(|call| [call, call]);
    for call in twice.chain(calls.iter().rev()).chain(random) {
        findings.case(call.again(&mut session, "in a warm instance, after other calls"));
    }
    findings
}

fn threads(merchant: &ScannedMerchant, calls: &[Call], each: usize) -> Findings {
    let of_thread = |thread: usize| {
        let mut findings = Findings::default();
        let own = calls.iter().cycle().skip(thread * 7).take(each);
        own.for_each(|call| findings.case(call.again(&mut Fresh(merchant), "on several threads at once")));
        findings
    };
    let mut findings = Findings::default();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || of_thread(thread))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).for_each(|found| findings.add(found));
    });
    findings
}

/// Something that answers calls.
trait Callee {
    fn judged(&mut self, request: &CallbackRequest, answers: &Answers) -> Result<Judged, Error>;
    fn link(&mut self, order: &LinkRequest) -> Result<PaymentLink, Error>;
}

struct Fresh<'m>(&'m ScannedMerchant<'m>);

impl Callee for Fresh<'_> {
    fn judged(&mut self, request: &CallbackRequest, answers: &Answers) -> Result<Judged, Error> {
        self.0.judged(request, answers)
    }

    fn link(&mut self, order: &LinkRequest) -> Result<PaymentLink, Error> {
        self.0.link(order)
    }
}

impl Callee for ScannedSession<'_> {
    fn judged(&mut self, request: &CallbackRequest, answers: &Answers) -> Result<Judged, Error> {
        self.judged(request, answers)
    }

    fn link(&mut self, order: &LinkRequest) -> Result<PaymentLink, Error> {
        self.link(order)
    }
}

impl Call {
    /// Repeats the call.
    fn again(&self, who: &mut impl Callee, place: &str) -> Case {
        match self {
            Call::Callback(request, answers, first) => {
                let again = answer(who.judged(request, answers));
                is_same(first, &again, || format!("a callback {place} ({})", input_text(request)))
            }
            Call::Link(order, first) => {
                is_same(first, &answer(who.link(order)), || format!("the link of order {:?} {place}", order.id))
            }
        }
    }
}

fn is_same<T: PartialEq + std::fmt::Debug>(first: &Answer<T>, again: &Answer<T>, what: impl Fn() -> String) -> Case {
    if first == again {
        Ok(())
    } else {
        Err(format!("{} has another answer than at first: {again:?} and not {first:?}", what()))
    }
}
