//! A callback that a provider was taken to a verdict about, and what it asked on the way.

use std::fmt;

use domain::{CallbackAnswer, CallbackRequest, Context, HttpCall, Question, Step};
use sandbox::{Error, drive};

use crate::answers::Answers;

/// The verdict on a callback, its reply, and what the provider asked and had called before it.
#[derive(Clone, PartialEq, Eq)]
pub struct Judged {
    pub answer: CallbackAnswer,
    /// In the order in which they were asked.
    pub questions: Vec<Question>,
    /// In the order in which they were wanted. None of them is sent from here.
    pub calls: Vec<HttpCall>,
}

impl Judged {
    /// Takes a provider to a verdict, with these answers.
    pub fn of(
        request: &CallbackRequest,
        mut answers: &Answers,
        step: impl FnMut(&Context) -> Result<Step<CallbackAnswer>, Error>,
    ) -> Result<Judged, Error> {
        let (answer, Context { asked, called, .. }) = drive(request.received_at, &mut answers, step)?;
        let questions = asked.iter().map(|exchange| exchange.question()).collect();
        Ok(Judged { answer, questions, calls: called.into_iter().map(|(call, _)| call).collect() })
    }

    /// Reports whether the provider asked nothing and had no call made.
    pub fn is_of_request_alone(&self) -> bool {
        self.questions.is_empty() && self.calls.is_empty()
    }

    /// Formats what it asked for a finding. A call is only counted, since secrets may be in it.
    pub fn asked_text(&self) -> String {
        let questions = self.questions.iter().map(|question| format!("asks about {question}"));
        let calls = self.calls.iter().map(|_| "has a call made".to_owned());
        questions.chain(calls).collect::<Vec<String>>().join(", ")
    }
}

impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_of_request_alone() {
            true => self.answer.fmt(f),
            false => write!(f, "{:?} ({})", self.answer, self.asked_text()),
        }
    }
}
