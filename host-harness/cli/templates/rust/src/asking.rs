//! What the host is asked. Keep this file: nothing in it is Example Pay's.
//!
//! A provider is straight code: `asking.order(id)?` is the answer, or ends the function, and the host is asked. The host answers
//! and calls the provider again with the same request. An answer is found by its question, never by its place: the next version
//! of the provider may ask something else first.

use crate::binding::exchanges::{Exchange, NoAnswer, OrderState, Question};

/// Why there is no result yet.
#[derive(Debug)]
pub enum Stop {
    /// These questions come first.
    Ask(Vec<Question>),
    /// The host cannot answer now, so that the payment system is to come again.
    Unavailable,
}

/// What was asked so far, with the answers: `context.asked`, of which a first call has none.
pub struct Asking(pub Vec<Exchange>);

impl Asking {
    /// Returns an order of this merchant. `None`: there is none of this id.
    pub fn order(&self, id: &str) -> Result<Option<&OrderState>, Stop> {
        let answer = self.0.iter().find_map(|exchange| match exchange {
            Exchange::Order((asked, answer)) if asked == id => Some(answer),
            _ => None,
        });
        answered(answer, || Question::Order(id.to_owned())).map(Option::as_ref)
    }

    // Another question is a function like this one, such as of `Exchange::Account` and `Question::Account`.
}

fn answered<T>(answer: Option<&Result<T, NoAnswer>>, question: impl FnOnce() -> Question) -> Result<&T, Stop> {
    match answer {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(_)) => Err(Stop::Unavailable),
        None => Err(Stop::Ask(vec![question()])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_by_its_question() {
        let other = || Exchange::Order(("41".to_owned(), Err(NoAnswer::Unavailable)));
        let none = || Exchange::Order(("42".to_owned(), Ok(None)));
        for asked in [vec![none()], vec![other(), none()], vec![none(), other()]] {
            assert!(matches!(Asking(asked).order("42"), Ok(None)));
        }
    }

    #[test]
    fn what_is_not_answered_is_asked() {
        let asked = vec![Exchange::Order(("41".to_owned(), Ok(None)))];
        let Err(Stop::Ask(questions)) = Asking(asked).order("42") else { panic!("it is not asked") };
        assert!(matches!(&questions[..], [Question::Order(id)] if id == "42"));
        let asked = vec![Exchange::Order(("42".to_owned(), Err(NoAnswer::Unavailable)))];
        assert!(matches!(Asking(asked).order("42"), Err(Stop::Unavailable)));
    }
}
