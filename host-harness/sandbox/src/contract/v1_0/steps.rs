//! The steps of version 1.0.0: questions, calls, links and verdicts, and their conversion to the domain's types.

use domain::{AccountNumber, DedupKey, Fields, LedgerQuestion, OrderId, Step, TransactionId};
use wasmtime::component::{ComponentType, Lift};

use super::enums::{EventKind, HttpMethod, Recurrence, Repeatable};
use super::results::{Money, Problem, problems, result};
use crate::contract::rules::Violations;

result! {
    AccountQuery {
        number "number": String,
        amount "amount": Option<Money>,
        extra "extra": Fields,
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum MovementName {
    #[component(name = "key")]
    Key(String),
    #[component(name = "id")]
    Id(String),
}

result! {
    MovementsQuery {
        since "since": u64,
        until "until": u64,
        kind "kind": Option<EventKind>,
        after "after": Option<String>,
        limit "limit": u16,
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum Question {
    #[component(name = "account")]
    Account(AccountQuery),
    #[component(name = "order")]
    Order(String),
    #[component(name = "movement")]
    Movement(MovementName),
    #[component(name = "movements")]
    Movements(MovementsQuery),
    #[component(name = "other")]
    Other((String, Fields)),
}

impl Question {
    fn into_domain(self, violations: &mut Violations) -> domain::Question {
        domain::Question::Ledger(match self {
            Question::Account(AccountQuery { number, amount, extra }) => {
                let (number, amount) = (AccountNumber::stored(number), amount.map(|amount| amount.into_domain(violations)));
                return domain::Question::Account(domain::AccountQuery { number, amount, extra });
            }
            Question::Other((name, values)) => return domain::Question::Other(name, values),
            Question::Order(id) => LedgerQuestion::Order(OrderId::stored(id)),
            Question::Movement(MovementName::Key(key)) => {
                LedgerQuestion::Movement(domain::MovementName::Key(DedupKey::stored(key)))
            }
            Question::Movement(MovementName::Id(id)) => LedgerQuestion::Movement(domain::MovementName::Id(id)),
            Question::Movements(MovementsQuery { since, until, kind, after, limit }) => {
                let kind = kind.map(domain::EventKind::from);
                LedgerQuestion::Movements(domain::MovementsQuery { since, until, kind, after, limit })
            }
        })
    }
}

/// Converts what a provider asks.
pub fn questions<T>(questions: Vec<Question>, violations: &mut Violations) -> Step<T> {
    Step::Ask(questions.into_iter().map(|question| question.into_domain(violations)).collect())
}

result! {
    HttpCall {
        method "method": HttpMethod,
        url "url": String,
        headers "headers": Fields,
        body "body": Vec<u8>,
        repeatable "repeatable": Repeatable,
        answer_bytes_max "answer-bytes-max": u32,
        client_certificate "client-certificate": Option<String>,
        extra "extra": Fields,
    }
}

impl From<HttpCall> for domain::HttpCall {
    fn from(call: HttpCall) -> domain::HttpCall {
        let HttpCall { method, url, headers, body, repeatable, answer_bytes_max, client_certificate, extra } = call;
        let (method, repeatable) = (method.into(), repeatable.into());
        domain::HttpCall { method, url, headers, body, repeatable, answer_bytes_max, client_certificate, extra }
    }
}

result! {
    PaymentForm into domain::PaymentForm {
        action "action": String,
        inputs "inputs": Fields,
    }
}

result! {
    PaymentLink {
        url "url": Option<String>,
        form "form": Option<PaymentForm>,
        qr "qr": Option<String>,
        reference "reference": Option<String>,
        expires_at "expires-at": Option<u64>,
        extra "extra": Fields,
    }
}

impl From<PaymentLink> for domain::PaymentLink {
    fn from(link: PaymentLink) -> domain::PaymentLink {
        let PaymentLink { url, form, qr, reference, expires_at, extra } = link;
        domain::PaymentLink { url, form: form.map(domain::PaymentForm::from), qr, reference, expires_at, extra }
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum LinkStep {
    #[component(name = "ask")]
    Ask(Vec<Question>),
    #[component(name = "call")]
    Call(HttpCall),
    #[component(name = "done")]
    Done(PaymentLink),
    #[component(name = "failed")]
    Failed(Vec<Problem>),
    #[component(name = "unavailable")]
    Unavailable(Problem),
    #[component(name = "unknown")]
    Unknown(Problem),
}

impl LinkStep {
    pub fn into_domain(self, violations: &mut Violations) -> Step<Result<domain::PaymentLink, domain::LinkFailure>> {
        Step::Done(match self {
            LinkStep::Ask(asked) => return questions(asked, violations),
            LinkStep::Call(call) => return Step::Call(call.into()),
            LinkStep::Done(link) => Ok(link.into()),
            LinkStep::Failed(failed) => Err(domain::LinkFailure::Failed(problems(failed, violations))),
            LinkStep::Unavailable(problem) => Err(domain::LinkFailure::Unavailable(problem.into_domain(violations))),
            LinkStep::Unknown(problem) => Err(domain::LinkFailure::Unknown(problem.into_domain(violations))),
        })
    }
}

result! {
    Event {
        kind "kind": EventKind,
        recurrence "recurrence": Recurrence,
        transaction "transaction": String,
        original "original": Option<String>,
        ends_hold "ends-hold": Option<String>,
        expires_at "expires-at": Option<u64>,
        order "order": Option<String>,
        account "account": Option<String>,
        payer "payer": Option<String>,
        amount "amount": Money,
        fee "fee": Option<Money>,
        occurred_at "occurred-at": Option<String>,
        comment "comment": String,
        dedup_key "dedup-key": String,
        extra "extra": Fields,
    }
}

impl Event {
    /// Converts an event. The rules check its identifiers together with everything else.
    pub fn into_domain(self, violations: &mut Violations) -> domain::ProvedEvent {
        let facts = domain::Facts {
            kind: self.kind.into(),
            recurrence: self.recurrence.into(),
            transaction: TransactionId::stored(self.transaction),
            original: self.original.map(TransactionId::stored),
            ends_hold: self.ends_hold.map(DedupKey::stored),
            expires_at: self.expires_at,
            order: self.order.map(OrderId::stored),
            account: self.account.map(AccountNumber::stored),
            payer: self.payer,
            amount: self.amount.into_domain(violations),
            occurred_at: self.occurred_at,
        };
        let fee = self.fee.map(|fee| fee.into_domain(violations));
        domain::ProvedEvent {
            facts,
            comment: self.comment,
            dedup_key: DedupKey::stored(self.dedup_key),
            fee,
            extra: self.extra,
        }
    }
}

result! {
    HttpReply into domain::HttpReply {
        status "status": u16,
        headers "headers": Fields,
        body "body": Vec<u8>,
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum Verdict {
    #[component(name = "happened")]
    Happened(Vec<Event>),
    #[component(name = "unresolved")]
    Unresolved(Problem),
    #[component(name = "ignored")]
    Ignored(Problem),
    #[component(name = "refused")]
    Refused(Problem),
}

result! {
    CallbackAnswer {
        verdict "verdict": Verdict,
        reply "reply": HttpReply,
    }
}

impl CallbackAnswer {
    pub fn into_domain(self, violations: &mut Violations) -> domain::CallbackAnswer {
        let verdict = match self.verdict {
            Verdict::Happened(happened) => domain::Verdict::Happened(events(happened, violations)),
            Verdict::Unresolved(problem) => domain::Verdict::Unresolved(problem.into_domain(violations)),
            Verdict::Ignored(problem) => domain::Verdict::Ignored(problem.into_domain(violations)),
            Verdict::Refused(problem) => domain::Verdict::Refused(problem.into_domain(violations)),
        };
        domain::CallbackAnswer { verdict, reply: Some(self.reply.into()) }
    }
}

/// Converts events.
pub fn events(events: Vec<Event>, violations: &mut Violations) -> Vec<domain::ProvedEvent> {
    events.into_iter().map(|event| event.into_domain(violations)).collect()
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum CallbackStep {
    #[component(name = "ask")]
    Ask(Vec<Question>),
    #[component(name = "call")]
    Call(HttpCall),
    #[component(name = "happened")]
    Happened(Vec<Event>),
    #[component(name = "wanted")]
    Wanted(Event),
    #[component(name = "answered")]
    Answered(HttpReply),
    #[component(name = "unavailable")]
    Unavailable(HttpReply),
    #[component(name = "done")]
    Done(CallbackAnswer),
}

impl CallbackStep {
    pub fn into_domain(self, violations: &mut Violations) -> Step<domain::CallbackAnswer> {
        let (verdict, reply) = match self {
            CallbackStep::Ask(asked) => return questions(asked, violations),
            CallbackStep::Call(call) => return Step::Call(call.into()),
            CallbackStep::Done(answer) => return Step::Done(answer.into_domain(violations)),
            CallbackStep::Happened(happened) => (domain::Verdict::Happened(events(happened, violations)), None),
            CallbackStep::Wanted(event) => (domain::Verdict::Wanted(Box::new(event.into_domain(violations))), None),
            CallbackStep::Answered(reply) => (domain::Verdict::Answered, Some(reply)),
            CallbackStep::Unavailable(reply) => (domain::Verdict::Unavailable, Some(reply)),
        };
        Step::Done(domain::CallbackAnswer { verdict, reply: reply.map(domain::HttpReply::from) })
    }
}
