//! YooKassa's answers for tests, and a host that gives them.

use kit::contract::{Event, EventKind, Money, Problem, Recurrence};
use kit::exchanges::{Exchange, HttpCall, HttpResponse, HttpResult, Movement, MovementState, Outcome, Question};
use kit::{Context, Stop};

/// When everything happens: 2026-11-28T10:00:00Z.
pub const NOW: u64 = 1_795_860_000;
pub const ID: &str = "2c85d8f3-000f-5000-8000-1b68e7b15f3f";
pub const REFUND_ID: &str = "2c85e0a1-0015-5000-a000-0c2f3d7e9a44";
/// A paid payment. The values are made up; the fields are those of the documentation's examples.
pub const PAYMENT: &str = r#"{
  "id": "2c85d8f3-000f-5000-8000-1b68e7b15f3f",
  "status": "succeeded",
  "amount": {"value": "100.00", "currency": "RUB"},
  "income_amount": {"value": "96.50", "currency": "RUB"},
  "description": "Пополнение счёта",
  "recipient": {"account_id": "100500", "gateway_id": "100700"},
  "payment_method": {
    "type": "bank_card", "id": "2c85d8f3-000f-5000-8000-1b68e7b15f3f", "saved": false, "title": "Bank card *4444",
    "card": {"first6": "555555", "last4": "4444", "expiry_year": "2030", "expiry_month": "12", "card_type": "MasterCard"}
  },
  "captured_at": "2026-11-28T10:00:05.129Z",
  "created_at": "2026-11-28T09:59:30.112Z",
  "test": false,
  "refunded_amount": {"value": "0.00", "currency": "RUB"},
  "paid": true,
  "refundable": true,
  "metadata": {"order_id": "42"},
  "authorization_details": {"rrn": "603668680243", "auth_code": "891189"}
}"#;
pub const REFUND: &str = r#"{
  "id": "2c85e0a1-0015-5000-a000-0c2f3d7e9a44",
  "status": "succeeded",
  "amount": {"value": "30.00", "currency": "RUB"},
  "created_at": "2026-11-28T12:30:00.031Z",
  "payment_id": "2c85d8f3-000f-5000-8000-1b68e7b15f3f",
  "metadata": {"refund_id": "r-7"}
}"#;
pub const NOT_FOUND: &str = r#"{"type": "error", "id": "1", "code": "not_found", "description": "Payment doesn't exist"}"#;

/// Returns a text in which each of these texts, which must be there, is replaced.
pub fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to)
    })
}

/// What becomes of a call.
#[derive(Clone)]
pub enum Reply {
    Status(u16, String),
    NotSent,
    Lost,
}

pub fn ok(body: impl Into<String>) -> Reply {
    Reply::Status(200, body.into())
}

/// YooKassa as a test wants it, and what the host recorded.
#[derive(Clone, Default)]
pub struct World {
    /// By the end of a call's URL.
    pub replies: Vec<(String, Reply)>,
    /// The dedup keys of what was recorded.
    pub recorded: Vec<String>,
    /// What `payment-reference.movement` names.
    pub movement: Option<Movement>,
}

impl World {
    pub fn with(mut self, url: impl Into<String>, reply: Reply) -> World {
        self.replies.push((url.into(), reply));
        self
    }

    /// Takes steps until there is a result, which is returned with the calls that were made for it.
    pub fn drive<T>(&self, step: impl Fn(&Context) -> Result<T, Stop>) -> (T, Vec<HttpCall>) {
        let (mut exchanges, mut calls): (Vec<Exchange>, Vec<(HttpCall, HttpResult)>) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let mut context = Context::at(NOW);
            if let Some(movement) = &self.movement {
                context = context.recorded(Outcome::Entered, movement.clone());
            }
            let context = exchanges.iter().cloned().fold(context, Context::answered);
            let context = calls.iter().cloned().fold(context, |context, (call, result)| context.called(call, result));
            match step(&context) {
                Ok(result) => return (result, calls.into_iter().map(|(call, _)| call).collect()),
                Err(Stop::Call(call)) => calls.push((*call.clone(), self.result(&call))),
                Err(Stop::Ask(questions)) => exchanges.extend(questions.into_iter().map(|question| self.answer(question))),
                Err(stop) => panic!("{stop:?}"),
            }
        }
        panic!("it does not end");
    }

    fn result(&self, call: &HttpCall) -> HttpResult {
        let (_, reply) =
            self.replies.iter().find(|(url, _)| call.url.ends_with(url)).unwrap_or_else(|| panic!("no reply to {}", call.url));
        match reply {
            Reply::Status(status, body) => {
                HttpResult::Response(HttpResponse { status: *status, headers: Vec::new(), body: body.clone().into() })
            }
            Reply::NotSent => HttpResult::NotSent("no connection".to_owned()),
            Reply::Lost => HttpResult::Unknown("no answer in 10 s".to_owned()),
        }
    }

    fn answer(&self, question: Question) -> Exchange {
        match question {
            Question::Movement(name) => {
                let kit::exchanges::MovementName::Key(key) = &name else { panic!("{name:?}") };
                let state = self.recorded.contains(key).then(|| MovementState { movement: 0, later: Vec::new() });
                Exchange::Movement((name, Ok(state)))
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Returns the payment of order 42 as the host recorded it.
pub fn movement(kind: EventKind) -> Movement {
    let event = Event {
        kind,
        recurrence: Recurrence::Single,
        transaction: ID.to_owned(),
        original: None,
        ends_hold: None,
        expires_at: None,
        order: Some("42".to_owned()),
        account: None,
        payer: None,
        amount: Money { minor_units: 10_000, currency: "RUB".to_owned() },
        fee: None,
        occurred_at: None,
        comment: String::new(),
        dedup_key: ["payment:", ID].concat(),
        extra: Vec::new(),
    };
    Movement { id: "1".to_owned(), event, recorded_at: NOW, extra: Vec::new() }
}

/// Returns an event in a line: what the ledger goes by.
pub fn summary(event: &Event) -> String {
    let kind = format!("{:?}", event.kind).replace("EventKind::", "");
    let fields = [
        ("order", event.order.clone()),
        ("original", event.original.clone()),
        ("fee", event.fee.as_ref().map(|fee| fee.minor_units.to_string())),
        ("ends", event.ends_hold.clone()),
        ("until", event.expires_at.map(|at| at.to_string())),
        ("at", event.occurred_at.clone()),
    ];
    let given: String = fields.iter().filter_map(|(name, value)| Some(format!(" {name}={}", value.as_ref()?))).collect();
    format!("{kind} {} {}{given}", event.amount.minor_units, event.dedup_key).replace(ID, "ID").replace(REFUND_ID, "REFUND")
}

/// Returns a problem in two words.
pub fn problem(problem: &Problem) -> String {
    [problem.code.as_str(), problem.field.as_deref().unwrap_or("-")].join(" ")
}
