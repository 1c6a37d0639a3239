//! A function that a provider was taken to a result of, with what it asked and had called on the way.

use domain::{Context, Exchange, HttpCall, HttpMethod, HttpResult, Question, Repeatable};
use sandbox::{Error, Merchant, drive};

use crate::answers::{Answers, line_of};
use crate::function_call::{FunctionCall, FunctionResult};

/// The time of every call: 2026-10-31.
const NOW: u64 = 1_793_404_800;

/// The result of a function, and what the provider was told before it.
#[derive(Clone, PartialEq, Eq)]
pub struct Performed {
    pub result: FunctionResult,
    pub context: Context,
}

impl Performed {
    /// Takes a provider to a result.
    pub fn of(
        function: &FunctionCall,
        merchant: &Merchant,
        answers: &mut (impl sandbox::Answers + ?Sized),
    ) -> Result<Performed, Error> {
        let (result, context) = drive(now_of(function), answers, |context| function.step(merchant, context))?;
        Ok(Performed { result, context })
    }

    /// Takes a provider to a result that was told this before it asked.
    pub fn told(
        function: &FunctionCall,
        merchant: &Merchant,
        told: &Context,
        mut answers: &Answers,
    ) -> Result<Performed, Error> {
        let (result, context) = drive(now_of(function), &mut answers, |context| {
            let mut whole = told.clone();
            whole.asked.extend(context.asked.iter().cloned());
            whole.called.extend(context.called.iter().cloned());
            function.step(merchant, &whole)
        })?;
        Ok(Performed { result, context })
    }

    /// Returns the method and URL of a call that was not sent, if there is one.
    pub fn not_sent(&self) -> Option<String> {
        let is_not_sent =
            |(call, result): &(HttpCall, HttpResult)| matches!(result, HttpResult::NotSent(_)).then(|| line_of(call));
        self.context.called.iter().find_map(is_not_sent)
    }

    /// Returns what it asked, in order.
    pub fn questions(&self) -> Vec<Question> {
        self.context.asked.iter().map(Exchange::question).collect()
    }

    /// Returns the calls that it had made, in order.
    pub fn calls(&self) -> impl Iterator<Item = &HttpCall> {
        self.context.called.iter().map(|(call, _)| call)
    }
}

/// Reports whether a call may move money: one that the payment system may take at will any number of times does not.
pub fn changes_something(call: &HttpCall) -> bool {
    call.method != HttpMethod::Get && call.repeatable != Repeatable::Always
}

fn now_of(function: &FunctionCall) -> u64 {
    match function {
        FunctionCall::HandleCallback(request) => request.received_at,
        _ => NOW,
    }
}

/// The answers of a sample, but for one call's.
pub struct Changed<'a> {
    answers: &'a Answers,
    /// The place of the call among the calls of the result, from 0.
    at: usize,
    result: HttpResult,
    calls: usize,
}

impl<'a> Changed<'a> {
    pub fn new(answers: &'a Answers, at: usize, result: HttpResult) -> Changed<'a> {
        Changed { answers, at, result, calls: 0 }
    }
}

impl sandbox::Answers for Changed<'_> {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        let mut answers = self.answers;
        answers.answer(questions)
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        let at = self.calls;
        self.calls += 1;
        let mut answers = self.answers;
        if at == self.at { self.result.clone() } else { answers.call(call) }
    }
}
