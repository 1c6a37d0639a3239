//! What a provider is told beside its arguments, and how it asks for more.
//!
//! A provider is straight code: `context.order(id)?` is the answer, or ends the function, which then returns the question by
//! itself. The host answers it and calls the function again. An answer is found by the question or call that it belongs to, so
//! the same code finds it however the questions before it were asked.

use crate::binding::asking::{CallbackStep, LinkStep};
use crate::contract::{Event, Fields, HttpReply, Problem};
use crate::exchanges::{
    self, AccountQuery, AccountState, Exchange, HttpCall, HttpResult, Movement, MovementName, MovementState, MovementsPage,
    MovementsQuery, NoAnswer, OrderState, Outcome, PaymentReference, Question,
};

/// Why there is no result: a question was not answered.
pub(crate) const NO_ANSWER: [&str; 2] =
    ["На вопрос нет ответа: попробуйте позже.", "A question was not answered; try again later."];

/// Why a function has no result yet, or cannot have one now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// These questions must be answered first.
    Ask(Vec<Question>),
    /// This call must be made first.
    Call(Box<HttpCall>),
    /// These events, which happened, must be recorded first.
    Record(Vec<Event>),
    /// The host must first agree to this event or refuse it.
    Want(Box<Event>),
    /// A question was not answered: billing or the ledger cannot be asked now.
    Unavailable,
}

/// A movement that the host recorded, and what followed from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded<'c> {
    movements: &'c [Movement],
    state: &'c MovementState,
}

impl<'c> Recorded<'c> {
    /// Returns the movement. `None` if the host breaks the contract.
    pub fn movement(&self) -> Option<&'c Movement> {
        self.at(self.state.movement)
    }

    /// Returns what followed from it, in the order of recording.
    pub fn later(self) -> impl Iterator<Item = &'c Movement> {
        self.state.later.iter().filter_map(move |index| self.at(*index))
    }

    fn at(&self, index: u32) -> Option<&'c Movement> {
        self.movements.get(usize::try_from(index).ok()?)
    }
}

/// What a provider is told beside the arguments of a call.
pub struct Context(exchanges::Context);

impl From<exchanges::Context> for Context {
    fn from(context: exchanges::Context) -> Context {
        Context(context)
    }
}

impl Context {
    /// Creates the context of a first call, at this second of the epoch: with no answers.
    pub fn at(now: u64) -> Context {
        Context(exchanges::Context {
            now,
            asked: Vec::new(),
            called: Vec::new(),
            outcomes: Vec::new(),
            movements: Vec::new(),
            extra: Vec::new(),
        })
    }

    /// Returns the same context with one more answer.
    pub fn answered(mut self, exchange: Exchange) -> Context {
        self.0.asked.push(exchange);
        self
    }

    /// Returns the same context with the result of one more call.
    pub fn called(mut self, call: HttpCall, answer: HttpResult) -> Context {
        self.0.called.push(exchanges::HttpExchange { call, answer });
        self
    }

    /// Returns the same context with an outcome of an event and the movement that it is about.
    pub fn recorded(mut self, outcome: impl FnOnce(MovementState) -> Outcome, movement: Movement) -> Context {
        let index = u32::try_from(self.0.movements.len()).unwrap_or(u32::MAX);
        self.0.movements.push(movement);
        self.0.outcomes.push(outcome(MovementState { movement: index, later: Vec::new() }));
        self
    }

    /// Returns when the request came or the operation was begun, seconds since the epoch.
    pub fn now(&self) -> u64 {
        self.0.now
    }

    /// Asks these questions together, unless they are answered. Their answers are then those of one moment. The methods below
    /// return them.
    ///
    /// # Errors
    /// Those of the questions that are not answered yet.
    pub fn ask(&self, questions: &[Question]) -> Result<(), Stop> {
        let is_asked = |question: &Question| self.0.asked.iter().any(|exchange| answers(exchange, question));
        let missing: Vec<Question> = questions.iter().filter(|question| !is_asked(question)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(Stop::Ask(missing)) }
    }

    /// Returns an account; `None` if there is none of this number.
    ///
    /// # Errors
    /// The question, if it is not answered.
    pub fn account(&self, query: &AccountQuery) -> Result<Option<&AccountState>, Stop> {
        let answer = self.0.asked.iter().find_map(|exchange| match exchange {
            Exchange::Account((asked, answer)) if asked == query => Some(answer),
            _ => None,
        });
        told(answer, || Question::Account(query.clone())).map(Option::as_ref)
    }

    /// Returns an order of this merchant; `None` if there is none of this id.
    ///
    /// # Errors
    /// The question, if it is not answered.
    pub fn order(&self, id: &str) -> Result<Option<&OrderState>, Stop> {
        let answer = self.0.asked.iter().find_map(|exchange| match exchange {
            Exchange::Order((asked, answer)) if asked == id => Some(answer),
            _ => None,
        });
        told(answer, || Question::Order(id.to_owned())).map(Option::as_ref)
    }

    /// Returns what was recorded under an event's dedup key.
    ///
    /// # Errors
    /// The question, if it is not answered.
    pub fn movement(&self, dedup_key: &str) -> Result<Option<Recorded<'_>>, Stop> {
        self.named(&MovementName::Key(dedup_key.to_owned()))
    }

    /// Returns what was recorded under a number of the host's, as the payment system repeats it.
    ///
    /// # Errors
    /// The question, if it is not answered.
    pub fn movement_of_id(&self, id: &str) -> Result<Option<Recorded<'_>>, Stop> {
        self.named(&MovementName::Id(id.to_owned()))
    }

    fn named(&self, name: &MovementName) -> Result<Option<Recorded<'_>>, Stop> {
        let answer = self.0.asked.iter().find_map(|exchange| match exchange {
            Exchange::Movement((asked, answer)) if asked == name => Some(answer),
            _ => None,
        });
        let state = told(answer, || Question::Movement(name.clone()))?;
        Ok(state.as_ref().map(|state| self.state(state)))
    }

    /// Returns a page of what was recorded in some time.
    ///
    /// # Errors
    /// The question, if it is not answered.
    pub fn movements(&self, query: &MovementsQuery) -> Result<&MovementsPage, Stop> {
        let answer = self.0.asked.iter().find_map(|exchange| match exchange {
            Exchange::Movements((asked, answer)) if asked == query => Some(answer),
            _ => None,
        });
        told(answer, || Question::Movements(query.clone()))
    }

    /// Returns the payment that a reference names, or the hold where there is no payment, as it is recorded.
    pub fn movement_of<'c>(&'c self, payment: &'c PaymentReference) -> Option<&'c Movement> {
        self.state(payment.movement.as_ref()?).movement()
    }

    /// Returns the movement of an answer or an outcome, with what followed from it.
    pub fn state<'c>(&'c self, state: &'c MovementState) -> Recorded<'c> {
        Recorded { movements: &self.0.movements, state }
    }

    /// Has the host record events that happened, and returns what it made of each. For callbacks whose reply depends on it; others
    /// return [`CallbackStep::Done`] with their reply.
    ///
    /// # Errors
    /// The events, if they are not recorded yet.
    pub fn record(&self, events: Vec<Event>) -> Result<&[Outcome], Stop> {
        if self.0.outcomes.is_empty() { Err(Stop::Record(events)) } else { Ok(&self.0.outcomes) }
    }

    /// Asks the host to agree to an event, and returns what came of it. For callbacks alone.
    ///
    /// # Errors
    /// The event, if the host was not asked yet.
    pub fn want(&self, event: Event) -> Result<&Outcome, Stop> {
        self.0.outcomes.first().ok_or_else(|| Stop::Want(Box::new(event)))
    }

    /// Asks what the contract has no case for. Returns `None` if the host does not know the question.
    ///
    /// # Errors
    /// The question, if it is not answered.
    pub fn other(&self, name: &str, values: &Fields) -> Result<Option<&Fields>, Stop> {
        let answer = self.0.asked.iter().find_map(|exchange| match exchange {
            Exchange::Other(((asked, with), answer)) if asked == name && with == values => Some(answer),
            _ => None,
        });
        match answer {
            Some(Err(NoAnswer::Unsupported)) => Ok(None),
            answer => told(answer, || Question::Other((name.to_owned(), values.clone()))).map(Some),
        }
    }

    /// Has a call made, and returns its result.
    ///
    /// # Errors
    /// The call, if it was not made yet.
    pub fn call(&self, call: HttpCall) -> Result<&HttpResult, Stop> {
        match self.0.called.iter().find(|exchange| exchange.call == call) {
            Some(exchange) => Ok(&exchange.answer),
            None => Err(Stop::Call(Box::new(call))),
        }
    }
}

fn answers(exchange: &Exchange, question: &Question) -> bool {
    match (exchange, question) {
        (Exchange::Account((asked, _)), Question::Account(query)) => asked == query,
        (Exchange::Order((asked, _)), Question::Order(id)) => asked == id,
        (Exchange::Movement((asked, _)), Question::Movement(name)) => asked == name,
        (Exchange::Movements((asked, _)), Question::Movements(query)) => asked == query,
        (Exchange::Other((asked, _)), Question::Other(question)) => asked == question,
        _ => false,
    }
}

fn told<T>(answer: Option<&Result<T, NoAnswer>>, question: impl FnOnce() -> Question) -> Result<&T, Stop> {
    match answer {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(_)) => Err(Stop::Unavailable),
        None => Err(Stop::Ask(vec![question()])),
    }
}

impl Stop {
    /// Returns the step of a link. Events are for callbacks alone.
    pub(crate) fn link_step(self, unavailable: impl FnOnce() -> Problem) -> LinkStep {
        match self {
            Stop::Ask(questions) => LinkStep::Ask(questions),
            Stop::Call(call) => LinkStep::Call(*call),
            Stop::Record(_) | Stop::Want(_) | Stop::Unavailable => LinkStep::Unavailable(unavailable()),
        }
    }

    /// Returns the step of a callback.
    pub(crate) fn callback_step(self, unavailable: impl FnOnce() -> HttpReply) -> CallbackStep {
        match self {
            Stop::Ask(questions) => CallbackStep::Ask(questions),
            Stop::Call(call) => CallbackStep::Call(*call),
            Stop::Record(events) => CallbackStep::Happened(events),
            Stop::Want(event) => CallbackStep::Wanted(*event),
            Stop::Unavailable => CallbackStep::Unavailable(unavailable()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{HttpMethod, Money};
    use crate::exchanges::{HttpResponse, Repeatable};

    fn query(number: &str) -> AccountQuery {
        AccountQuery { number: number.to_owned(), amount: None, extra: Vec::new() }
    }

    fn no_order(id: &str) -> Exchange {
        Exchange::Order((id.to_owned(), Ok(None)))
    }

    #[test]
    fn an_answer_is_found_by_its_question() {
        let context = Context::at(7).answered(no_order("42")).answered(Exchange::Account((query("1"), Ok(None))));
        assert_eq!(context.now(), 7);
        assert_eq!(context.order("42"), Ok(None));
        assert_eq!(context.account(&query("1")), Ok(None));
        assert_eq!(context.order("43"), Err(Stop::Ask(vec![Question::Order("43".to_owned())])));
        assert_eq!(context.movement("42"), Err(Stop::Ask(vec![Question::Movement(MovementName::Key("42".to_owned()))])));
        assert_eq!(context.movement_of_id("42"), Err(Stop::Ask(vec![Question::Movement(MovementName::Id("42".to_owned()))])));
        let with_amount = AccountQuery { amount: Some(Money { minor_units: 1, currency: "RUB".to_owned() }), ..query("1") };
        assert_eq!(context.account(&with_amount), Err(Stop::Ask(vec![Question::Account(with_amount.clone())])));
    }

    #[test]
    fn questions_are_asked_together_and_once() {
        let questions = [Question::Order("42".to_owned()), Question::Account(query("1"))];
        assert_eq!(Context::at(0).ask(&questions), Err(Stop::Ask(questions.to_vec())));
        let context = Context::at(0).answered(no_order("42"));
        assert_eq!(context.ask(&questions), Err(Stop::Ask(questions[1..].to_vec())));
        assert_eq!(context.answered(Exchange::Account((query("1"), Ok(None)))).ask(&questions), Ok(()));
    }

    #[test]
    fn what_is_not_answered_stops() {
        let context = Context::at(0)
            .answered(Exchange::Order(("42".to_owned(), Err(NoAnswer::Unavailable))))
            .answered(Exchange::Other((("a".to_owned(), Vec::new()), Err(NoAnswer::Unsupported))))
            .answered(Exchange::Other((("b".to_owned(), Vec::new()), Err(NoAnswer::Unavailable))));
        assert_eq!(context.order("42"), Err(Stop::Unavailable));
        assert_eq!(context.other("a", &Vec::new()), Ok(None));
        assert_eq!(context.other("b", &Vec::new()), Err(Stop::Unavailable));
    }

    #[test]
    fn a_call_is_found_by_all_that_is_in_it() {
        let call = |body: &str| HttpCall {
            method: HttpMethod::Post,
            url: "https://example.ru/".to_owned(),
            headers: Vec::new(),
            body: body.into(),
            repeatable: Repeatable::Never,
            answer_bytes_max: 100,
            client_certificate: None,
            extra: Vec::new(),
        };
        let answer = HttpResult::Response(HttpResponse { status: 200, headers: Vec::new(), body: b"{}".to_vec() });
        let context = Context::at(0).called(call("a"), answer.clone());
        assert_eq!(context.call(call("a")), Ok(&answer));
        assert_eq!(context.call(call("b")), Err(Stop::Call(Box::new(call("b")))));
    }
}
