//! Takes a provider step by step to a result, with somebody who answers at once.

use domain::{Context, Exchange, HttpCall, HttpResult, NoAnswer, Question, Step};

use crate::error::Error;

/// Answers what a provider asks, and makes the calls that it wants.
pub trait Answers {
    /// Answers questions, in their order, from one moment.
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange>;

    /// Makes a call.
    fn call(&mut self, call: &HttpCall) -> HttpResult;
}

/// Answers nothing: no question can be answered now, and no call is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAnswers;

impl Answers for NoAnswers {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        questions.into_iter().map(unanswered).collect()
    }

    fn call(&mut self, _: &HttpCall) -> HttpResult {
        HttpResult::NotSent("calls are not made here".to_owned())
    }
}

/// Returns a question with the answer that it cannot be answered now.
pub fn unanswered(question: Question) -> Exchange {
    match question {
        Question::Account(query) => Exchange::Account(query, Err(NoAnswer::Unavailable)),
        Question::Ledger(question) => Exchange::Ledger(question, Err(NoAnswer::Unavailable)),
        Question::Other(name, values) => Exchange::Other(name, values, NoAnswer::Unsupported),
    }
}

/// Takes steps until there is a result. Returns it with the context of the last step. `step` is called with the context of each
/// step, such as with [`Merchant::handle_callback`](crate::Merchant::handle_callback); it refuses more questions or calls than the
/// contract allows, so that there is an end.
///
/// # Errors
/// The first error of `step`.
pub fn drive<T, E: From<Error>>(
    now: u64,
    answers: &mut (impl Answers + ?Sized),
    mut step: impl FnMut(&Context) -> Result<Step<T>, E>,
) -> Result<(T, Context), E> {
    let mut context = Context::at(now);
    loop {
        match step(&context)? {
            Step::Done(result) => return Ok((result, context)),
            Step::Ask(questions) => context.asked.extend(answers.answer(questions)),
            Step::Call(call) => {
                let result = answers.call(&call);
                context.called.push((call, result));
            }
        }
    }
}
