//! What a provider is told beside its arguments, in version 1.0.0: answers, results of calls, outcomes.

use domain::{LedgerAnswer, LedgerQuestion};
use wasmtime::component::{ComponentType, Lower};

use super::arguments::{Fields, Money, argument};
use super::enums::{EventKind, HttpMethod, NoAnswer, Recurrence, Repeatable};

argument! {
    Problem<'a> {
        code "code": &'a str,
        field "field": Option<&'a str>,
        row "row": Option<u64>,
        message "message": Vec<(&'a str, &'a str)>,
    }
}

impl<'a> From<&'a domain::Problem> for Problem<'a> {
    fn from(domain::Problem { code, field, row, message, translations }: &'a domain::Problem) -> Problem<'a> {
        let translations = translations.iter().map(|(language, message)| (language.as_str(), message.as_str()));
        let message = [("en", message.as_str())].into_iter().chain(translations).collect();
        Problem { code, field: field.as_deref(), row: *row, message }
    }
}

argument! {
    AccountQuery<'a> {
        number "number": &'a str,
        amount "amount": Option<Money<'a>>,
        extra "extra": Fields<'a>,
    }
}

argument! {
    AccountState<'a> {
        number "number": &'a str,
        refusal "refusal": Option<Problem<'a>>,
        holder "holder": &'a str,
        address "address": &'a str,
        balance "balance": Option<Money<'a>>,
        due "due": Option<Money<'a>>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a domain::AccountState> for AccountState<'a> {
    fn from(state: &'a domain::AccountState) -> AccountState<'a> {
        let domain::AccountState { number, refusal, holder, address, balance, due, extra } = state;
        let refusal = refusal.as_ref().map(Problem::from);
        let (balance, due) = (balance.as_ref().map(Money::from), due.as_ref().map(Money::from));
        AccountState { number, refusal, holder, address, balance, due, extra }
    }
}

argument! {
    OrderState<'a> {
        account "account": &'a str,
        amount "amount": Money<'a>,
        description "description": &'a str,
        expires_at "expires-at": Option<u64>,
        paid_by "paid-by": Option<MovementState>,
        held_by "held-by": Option<MovementState>,
        closed_at "closed-at": Option<u64>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> OrderState<'a> {
    fn new(state: &'a domain::OrderState, movements: &mut Movements<'a>) -> OrderState<'a> {
        let domain::OrderState { order, paid_by, held_by, closed_at } = state;
        OrderState {
            account: &order.account,
            amount: (&order.amount).into(),
            description: &order.description,
            expires_at: order.expires_at,
            paid_by: paid_by.as_ref().map(|state| movements.add(state)),
            held_by: held_by.as_ref().map(|state| movements.add(state)),
            closed_at: *closed_at,
            extra: &[],
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum MovementName<'a> {
    #[component(name = "key")]
    Key(&'a str),
    #[component(name = "id")]
    Id(&'a str),
}

impl<'a> From<&'a domain::MovementName> for MovementName<'a> {
    fn from(name: &'a domain::MovementName) -> MovementName<'a> {
        match name {
            domain::MovementName::Key(key) => MovementName::Key(key),
            domain::MovementName::Id(id) => MovementName::Id(id),
        }
    }
}

argument! {
    MovementsQuery<'a> {
        since "since": u64,
        until "until": u64,
        kind "kind": Option<EventKind>,
        after "after": Option<&'a str>,
        limit "limit": u16,
    }
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct MovementsPage {
    movements: Vec<MovementState>,
    more: bool,
}

argument! {
    Event<'a> {
        kind "kind": EventKind,
        recurrence "recurrence": Recurrence,
        transaction "transaction": &'a str,
        original "original": Option<&'a str>,
        ends_hold "ends-hold": Option<&'a str>,
        expires_at "expires-at": Option<u64>,
        order "order": Option<&'a str>,
        account "account": Option<&'a str>,
        payer "payer": Option<&'a str>,
        amount "amount": Money<'a>,
        fee "fee": Option<Money<'a>>,
        occurred_at "occurred-at": Option<&'a str>,
        comment "comment": &'a str,
        dedup_key "dedup-key": &'a str,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a domain::Event> for Event<'a> {
    fn from(domain::Event { provider: _, facts, comment, dedup_key, fee, extra }: &'a domain::Event) -> Event<'a> {
        Event {
            kind: facts.kind.into(),
            recurrence: facts.recurrence.into(),
            transaction: &facts.transaction,
            original: facts.original.as_deref(),
            ends_hold: facts.ends_hold.as_deref(),
            expires_at: facts.expires_at,
            order: facts.order.as_deref(),
            account: facts.account.as_deref(),
            payer: facts.payer.as_deref(),
            amount: (&facts.amount).into(),
            fee: fee.as_ref().map(Money::from),
            occurred_at: facts.occurred_at.as_deref(),
            comment,
            dedup_key,
            extra,
        }
    }
}

argument! {
    Movement<'a> {
        id "id": String,
        event "event": Event<'a>,
        recorded_at "recorded-at": u64,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a domain::Movement> for Movement<'a> {
    fn from(domain::Movement { id, event, recorded_at, .. }: &'a domain::Movement) -> Movement<'a> {
        Movement { id: id.to_string(), event: event.into(), recorded_at: *recorded_at, extra: &[] }
    }
}

/// A movement and what followed from it, by their indices among the context's movements.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct MovementState {
    movement: u32,
    later: Vec<u32>,
}

/// The movements of which a context speaks.
#[derive(Default)]
struct Movements<'a>(Vec<Movement<'a>>);

impl<'a> Movements<'a> {
    fn add(&mut self, domain::MovementState { movement, later }: &'a domain::MovementState) -> MovementState {
        MovementState { movement: self.push(movement), later: later.iter().map(|movement| self.push(movement)).collect() }
    }

    fn push(&mut self, movement: &'a domain::Movement) -> u32 {
        // There are some thousand at most, by the limit of a context's bytes.
        let index = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push(movement.into());
        index
    }
}

/// A question and its answer.
type Answered<Q, A> = (Q, Result<A, NoAnswer>);

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum Exchange<'a> {
    #[component(name = "account")]
    Account(Answered<AccountQuery<'a>, Option<AccountState<'a>>>),
    #[component(name = "order")]
    Order(Answered<&'a str, Option<OrderState<'a>>>),
    #[component(name = "movement")]
    Movement(Answered<MovementName<'a>, Option<MovementState>>),
    #[component(name = "movements")]
    Movements(Answered<MovementsQuery<'a>, MovementsPage>),
    #[component(name = "other")]
    Other(Answered<(&'a str, Fields<'a>), Fields<'a>>),
}

impl<'a> Exchange<'a> {
    fn new(exchange: &'a domain::Exchange, movements: &mut Movements<'a>) -> Exchange<'a> {
        let (question, answer) = match exchange {
            domain::Exchange::Account(domain::AccountQuery { number, amount, extra }, answer) => {
                let query = AccountQuery { number, amount: amount.as_ref().map(Money::from), extra };
                let answer = answer.as_ref().map(|account| account.as_ref().map(AccountState::from));
                return Exchange::Account((query, answer.map_err(|none| (*none).into())));
            }
            domain::Exchange::Other(name, values, answer) => return Exchange::Other(((name, values), Err((*answer).into()))),
            domain::Exchange::Ledger(question, answer) => (question, answer.as_ref().map_err(|none| NoAnswer::from(*none))),
        };
        match question {
            LedgerQuestion::Order(id) => {
                let order = answer.map(|answer| match answer {
                    LedgerAnswer::Order(Some(order)) => Some(OrderState::new(order, movements)),
                    _ => None,
                });
                Exchange::Order((id, order))
            }
            LedgerQuestion::Movement(name) => {
                let movement = answer.map(|answer| match answer {
                    LedgerAnswer::Movement(Some(movement)) => Some(movements.add(movement)),
                    _ => None,
                });
                Exchange::Movement((name.into(), movement))
            }
            LedgerQuestion::Movements(domain::MovementsQuery { since, until, kind, after, limit }) => {
                let kind = kind.map(EventKind::from);
                let query = MovementsQuery { since: *since, until: *until, kind, after: after.as_deref(), limit: *limit };
                let page = answer.map(|answer| match answer {
                    LedgerAnswer::Movements(page) => MovementsPage {
                        movements: page.movements.iter().map(|state| movements.add(state)).collect(),
                        more: page.more,
                    },
                    _ => MovementsPage { movements: Vec::new(), more: false },
                });
                Exchange::Movements((query, page))
            }
        }
    }
}

argument! {
    HttpCall<'a> {
        method "method": HttpMethod,
        url "url": &'a str,
        headers "headers": Fields<'a>,
        body "body": &'a [u8],
        repeatable "repeatable": Repeatable,
        answer_bytes_max "answer-bytes-max": u32,
        client_certificate "client-certificate": Option<&'a str>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a domain::HttpCall> for HttpCall<'a> {
    fn from(call: &'a domain::HttpCall) -> HttpCall<'a> {
        let domain::HttpCall { method, url, headers, body, repeatable, answer_bytes_max, client_certificate, extra } = call;
        HttpCall {
            method: (*method).into(),
            url,
            headers,
            body,
            repeatable: (*repeatable).into(),
            answer_bytes_max: *answer_bytes_max,
            client_certificate: client_certificate.as_deref(),
            extra,
        }
    }
}

argument! {
    HttpResponse<'a> {
        status "status": u16,
        headers "headers": Fields<'a>,
        body "body": &'a [u8],
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum HttpResult<'a> {
    #[component(name = "response")]
    Response(HttpResponse<'a>),
    #[component(name = "not-sent")]
    NotSent(&'a str),
    #[component(name = "unknown")]
    Unknown(&'a str),
}

impl<'a> From<&'a domain::HttpResult> for HttpResult<'a> {
    fn from(result: &'a domain::HttpResult) -> HttpResult<'a> {
        match result {
            domain::HttpResult::Response(domain::HttpResponse { status, headers, body }) => {
                HttpResult::Response(HttpResponse { status: *status, headers, body })
            }
            domain::HttpResult::NotSent(reason) => HttpResult::NotSent(reason),
            domain::HttpResult::Unknown(reason) => HttpResult::Unknown(reason),
        }
    }
}

argument! {
    HttpExchange<'a> {
        call "call": HttpCall<'a>,
        answer "answer": HttpResult<'a>,
    }
}

argument! {
    Context<'a> {
        now "now": u64,
        asked "asked": Vec<Exchange<'a>>,
        called "called": Vec<HttpExchange<'a>>,
        outcomes "outcomes": Vec<Outcome<'a>>,
        movements "movements": Vec<Movement<'a>>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a domain::Context> for Context<'a> {
    fn from(domain::Context { now, asked, called, outcomes }: &'a domain::Context) -> Context<'a> {
        let called = called.iter().map(|(call, answer)| HttpExchange { call: call.into(), answer: answer.into() }).collect();
        let mut movements = Movements::default();
        let asked = asked.iter().map(|exchange| Exchange::new(exchange, &mut movements)).collect();
        let outcomes = outcomes.iter().map(|outcome| Outcome::new(outcome, &mut movements)).collect();
        Context { now: *now, asked, called, outcomes, movements: movements.0, extra: &[] }
    }
}

impl<'a> Context<'a> {
    /// Adds the movement of a payment, and returns its place.
    pub fn add(&mut self, state: &'a domain::MovementState) -> MovementState {
        let mut movements = Movements(std::mem::take(&mut self.movements));
        let state = movements.add(state);
        self.movements = movements.0;
        state
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum Outcome<'a> {
    #[component(name = "entered")]
    Entered(MovementState),
    #[component(name = "repeated")]
    Repeated(MovementState),
    #[component(name = "conflict")]
    Conflict(MovementState),
    #[component(name = "kept")]
    Kept(MovementState),
    #[component(name = "refused")]
    Refused(Problem<'a>),
    #[component(name = "unavailable")]
    Unavailable,
}

impl<'a> Outcome<'a> {
    fn new(outcome: &'a domain::EventOutcome, movements: &mut Movements<'a>) -> Outcome<'a> {
        match outcome {
            domain::EventOutcome::Entered(state) => Outcome::Entered(movements.add(state)),
            domain::EventOutcome::Repeated(state) => Outcome::Repeated(movements.add(state)),
            domain::EventOutcome::Conflict(state) => Outcome::Conflict(movements.add(state)),
            domain::EventOutcome::Kept(state) => Outcome::Kept(movements.add(state)),
            domain::EventOutcome::Refused(problem) => Outcome::Refused(problem.into()),
            domain::EventOutcome::Unavailable => Outcome::Unavailable,
        }
    }
}
