//! The answers to a provider's questions and calls, as the vectors of a sample give them.
//!
//! An answer is found by its question or call. A question that has none in the vectors is unanswered, as where billing cannot be
//! asked, and a call that has none is not sent. Nothing is ever sent from here.

use std::fmt;

use domain::{
    AccountNumber, AccountQuery, AccountState, DedupKey, Event, EventKind, Exchange, Facts, HttpCall, HttpReply, HttpResponse,
    HttpResult, LedgerAnswer, LedgerQuestion, Money, Movement, MovementId, MovementName, MovementOrigin, MovementState, Order,
    OrderId, OrderState, Problem, ProviderName, Question, TransactionId,
};
use sandbox::{NoAnswers, unanswered};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::function_call::RecordedInput;

/// The account of an order whose answer names none.
const ACCOUNT: &str = "100500";
const PROVIDER: &str = "check";

/// The answers that a sample's provider gets.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Answers {
    orders: Vec<(OrderId, Option<OrderState>)>,
    accounts: Vec<(AccountNumber, Option<AccountState>)>,
    movements: Vec<(DedupKey, Option<MovementState>)>,
    /// The numbers of those of them that have one in the vectors.
    numbers: Vec<(String, DedupKey)>,
    calls: Vec<(CallPattern, HttpResult)>,
}

/// What a call is known by.
#[derive(Clone, PartialEq, Eq)]
struct CallPattern {
    /// The method and the URL: `GET https://api.example.ru/payments/42`.
    line: String,
    /// A part of its body, where calls of one line differ in it.
    sent: String,
}

impl CallPattern {
    fn is_of(&self, call: &HttpCall) -> bool {
        let body = String::from_utf8_lossy(&call.body);
        self.line == line_of(call) && body.contains(&self.sent)
    }
}

/// Returns the method and the URL of a call, as answers name it.
pub fn line_of(call: &HttpCall) -> String {
    format!("{} {}", call.method.name().to_uppercase(), call.url)
}

/// Without the answers of calls, which may hold secrets.
impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answers { orders, accounts, movements, calls, .. } = self;
        let mut shown = f.debug_struct("Answers");
        shown.field("orders", orders).field("accounts", accounts).field("movements", movements).field("calls", &calls.len());
        shown.finish()
    }
}

impl Answers {
    /// Parses the value of `answers`: a list of `{"order": ID, "is": …}`, `{"account": NUMBER, "is": …}`,
    /// `{"movement": DEDUP-KEY, "is": …}` and `{"call": "METHOD URL", "sent": PART, "is": …}`.
    ///
    /// # Errors
    /// What is wrong, and in which answer.
    pub fn from_json(value: Value) -> Result<Answers, String> {
        let answers: Vec<Value> = serde_json::from_value(value).map_err(|_| "it is a list of answers".to_owned())?;
        let mut all = Answers::default();
        for (at, answer) in answers.into_iter().enumerate() {
            all.add(answer).map_err(|what| format!("answers[{at}]: {what}"))?;
        }
        Ok(all)
    }

    fn add(&mut self, answer: Value) -> Result<(), String> {
        // A misspelt `is` would otherwise say that there is nothing.
        let Value::Object(mut names) = answer else { return Err(HOW.to_owned()) };
        let is = names.remove("is").ok_or(HOW)?;
        let question = ["order", "account", "movement", "call"].map(|name| take(&mut names, name));
        let [order, account, movement, call] = question;
        let question = (order?, account?, movement?, call?);
        let sent = take(&mut names, "sent")?;
        if !names.is_empty() || (sent.is_some() && question.3.is_none()) {
            return Err(HOW.to_owned());
        }
        match question {
            (None, None, None, Some(line)) => self.add_call(CallPattern { line, sent: sent.unwrap_or_default() }, is),
            (Some(order), None, None, None) => {
                let id = OrderId::new(order).map_err(|error| error.to_string())?;
                let state = read::<OrderIs>(is)?.map(|is| is.state(&id)).transpose()?;
                push(&mut self.orders, id, state)
            }
            (None, Some(account), None, None) => {
                let number = AccountNumber::new(account).map_err(|error| error.to_string())?;
                let state = read::<AccountIs>(is)?.map(|is| is.state(&number));
                push(&mut self.accounts, number, state)
            }
            (None, None, Some(key), None) => {
                let key = DedupKey::new(key).map_err(|error| error.to_string())?;
                let recorded = read::<RecordedInput>(is)?;
                if let Some(id) = recorded.as_ref().and_then(|recorded| recorded.id) {
                    push(&mut self.numbers, id.to_string(), key.clone())?;
                }
                let state = recorded.map(|recorded| recorded.recorded_as(&key)).transpose()?;
                push(&mut self.movements, key, state)
            }
            _ => Err(HOW.to_owned()),
        }
    }

    fn add_call(&mut self, pattern: CallPattern, is: Value) -> Result<(), String> {
        if !pattern.line.contains(" https://") && !pattern.line.contains(" http://") {
            return Err(format!("a call is a method and an absolute URL, and not {:?}", pattern.line));
        }
        let result = match is {
            Value::String(text) if text == "not-sent" => HttpResult::NotSent("the vectors say so".to_owned()),
            Value::String(text) if text == "unknown" => HttpResult::Unknown("the vectors say so".to_owned()),
            Value::Object(mut fields) => {
                fields.entry("status").or_insert(200.into());
                fields.entry("headers").or_insert(Value::Array(Vec::new()));
                fields.entry("body").or_insert(Value::String(String::new()));
                let reply = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
                let HttpReply { status, headers, body } = reply;
                HttpResult::Response(HttpResponse { status, headers, body })
            }
            _ => return Err(HOW_CALL.to_owned()),
        };
        if self.calls.iter().any(|(known, _)| *known == pattern) {
            return Err(format!("{:?} is answered twice", pattern.line));
        }
        self.calls.push((pattern, result));
        Ok(())
    }

    /// Reports whether there is an answer to a call.
    pub fn has_call(&self, call: &HttpCall) -> bool {
        self.calls.iter().any(|(pattern, _)| pattern.is_of(call))
    }

    fn order(&self, id: &OrderId) -> Option<&Option<OrderState>> {
        self.orders.iter().find(|(known, _)| known == id).map(|(_, state)| state)
    }

    fn movement(&self, name: &MovementName) -> Option<&Option<MovementState>> {
        let key = match name {
            MovementName::Key(key) => key,
            MovementName::Id(id) => &self.numbers.iter().find(|(known, _)| known == id)?.1,
        };
        self.movements.iter().find(|(known, _)| known == key).map(|(_, state)| state)
    }

    fn account(&self, query: &AccountQuery) -> Option<&Option<AccountState>> {
        self.accounts.iter().find(|(known, _)| *known == query.number).map(|(_, state)| state)
    }
}

impl sandbox::Answers for &Answers {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        let answer = |question: Question| match &question {
            Question::Ledger(LedgerQuestion::Order(id)) => self.order(id).map_or_else(
                || unanswered(question.clone()),
                |state| Exchange::Ledger(LedgerQuestion::Order(id.clone()), Ok(LedgerAnswer::Order(state.clone()))),
            ),
            Question::Ledger(LedgerQuestion::Movement(name)) => self.movement(name).map_or_else(
                || unanswered(question.clone()),
                |state| {
                    let answer = Ok(LedgerAnswer::Movement(state.clone()));
                    Exchange::Ledger(LedgerQuestion::Movement(name.clone()), answer)
                },
            ),
            Question::Account(query) => self
                .account(query)
                .map_or_else(|| unanswered(question.clone()), |state| Exchange::Account(query.clone(), Ok(state.clone()))),
            Question::Ledger(_) | Question::Other(..) => unanswered(question),
        };
        questions.into_iter().map(answer).collect()
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        let answer = self.calls.iter().find(|(pattern, _)| pattern.is_of(call));
        answer.map_or_else(|| NoAnswers.call(call), |(_, result)| result.clone())
    }
}

const HOW: &str = "an answer is {\"order\": ID, \"is\": {…}}, {\"account\": NUMBER, \"is\": {…}} or {\"movement\": KEY, \"is\": {…}}, where \
                   null is none, or {\"call\": \"METHOD URL\", \"is\": {…}}";
const HOW_CALL: &str = "a call's answer is {\"status\": 200, \"headers\": {…}, \"body\": …}, \"not-sent\" or \"unknown\"";

fn take(names: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match names.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name:?} is a text")),
    }
}

fn read<'v, T: Deserialize<'v>>(value: Value) -> Result<Option<T>, String> {
    serde::Deserialize::deserialize(value).map_err(|error: serde_json::Error| error.to_string())
}

fn push<K: PartialEq + fmt::Debug, V>(all: &mut Vec<(K, V)>, key: K, state: V) -> Result<(), String> {
    if all.iter().any(|(known, _)| *known == key) {
        return Err(format!("{key:?} is answered twice"));
    }
    all.push((key, state));
    Ok(())
}

/// An order, as vectors write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderIs {
    amount: Money,
    account: Option<String>,
    #[serde(default)]
    description: String,
    expires_at: Option<u64>,
    /// Whether a payment paid it.
    #[serde(default)]
    paid: bool,
    /// Whether a hold reserves it.
    #[serde(default)]
    held: bool,
    closed_at: Option<u64>,
}

impl OrderIs {
    fn state(self, id: &OrderId) -> Result<OrderState, String> {
        let account =
            AccountNumber::new(self.account.unwrap_or_else(|| ACCOUNT.to_owned())).map_err(|error| error.to_string())?;
        let paid_by = self.paid.then(|| movement(EventKind::Payment, 1, id, self.amount));
        let held_by = self.held.then(|| movement(EventKind::Hold, 2, id, self.amount));
        let order = Order {
            id: id.clone(),
            account,
            provider: ProviderName::stored(PROVIDER),
            amount: self.amount,
            description: self.description,
            idempotency_key: None,
            expires_at: self.expires_at,
            created_at: 0,
            paid_by: paid_by.as_ref().map(|_| 1),
        };
        Ok(OrderState { order, paid_by, held_by, closed_at: self.closed_at })
    }
}

/// Makes a movement of an order that another callback reported.
fn movement(kind: EventKind, id: u64, order: &OrderId, amount: Money) -> MovementState {
    let transaction = TransactionId::stored(format!("{PROVIDER}-{id}"));
    let event = Event {
        provider: ProviderName::stored(PROVIDER),
        facts: Facts { order: Some(order.clone()), ..Facts::new(kind, transaction, amount) },
        comment: String::new(),
        dedup_key: DedupKey::stored(format!("{PROVIDER}:{id}")),
        fee: None,
        extra: Vec::new(),
    };
    let movement = Movement { id: MovementId(id), event, recorded_at: 0, origin: MovementOrigin::Callback };
    MovementState { movement, later: Vec::new() }
}

/// An account, as vectors write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountIs {
    /// The code of the reason why it takes no payment.
    refusal: Option<String>,
    #[serde(default)]
    holder: String,
    #[serde(default)]
    address: String,
    balance: Option<Money>,
    due: Option<Money>,
}

impl AccountIs {
    fn state(self, number: &AccountNumber) -> AccountState {
        let AccountIs { refusal, holder, address, balance, due } = self;
        let refusal = refusal.map(|code| Problem::new(code, "Billing does not agree."));
        AccountState { number: number.clone(), refusal, holder, address, balance, due, extra: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use domain::NoAnswer;
    use sandbox::Answers as _;
    use serde_json::json;

    use super::*;

    fn order(id: &str) -> Question {
        Question::Ledger(LedgerQuestion::Order(id.parse().unwrap()))
    }

    fn account(number: &str) -> Question {
        Question::Account(AccountQuery { number: number.parse().unwrap(), amount: None, extra: Vec::new() })
    }

    #[test]
    fn a_question_is_answered_by_its_content() {
        let amount = json!({"minor_units": 10_000, "currency": "RUB"});
        let answers = Answers::from_json(json!([
            {"order": "43", "is": null},
            {"order": "42", "is": {"amount": amount, "paid": true, "closed_at": 7, "description": "Top-up", "expires_at": 6}},
            {"order": "44", "is": {"amount": amount, "account": "1", "held": true}},
            {"account": "100500", "is": {"refusal": "account-inactive", "holder": "I. I.", "address": "Moscow", "due": amount}},
            {"account": "100501", "is": null},
        ]))
        .unwrap();
        let questions = [order("42"), order("43"), order("44"), account("100500"), account("100501")];
        let exchanges = (&answers).answer(questions.to_vec());
        assert!(exchanges.iter().map(Exchange::question).eq(questions));
        let state = |at: usize| match &exchanges[at] {
            Exchange::Ledger(_, Ok(LedgerAnswer::Order(state))) => state.clone(),
            other => panic!("{other:?}"),
        };
        let paid = state(0).unwrap();
        assert_eq!((paid.order.amount.minor_units, &*paid.order.account, paid.closed_at), (10_000, ACCOUNT, Some(7)));
        assert_eq!((paid.order.description.as_str(), paid.order.expires_at, paid.held_by), ("Top-up", Some(6), None));
        let payment = paid.paid_by.unwrap().movement.event;
        assert_eq!((payment.facts.kind, payment.facts.order.as_deref()), (EventKind::Payment, Some("42")));
        assert_eq!(state(1), None);
        let held = state(2).unwrap();
        assert_eq!((&*held.order.account, held.paid_by, held.closed_at), ("1", None, None));
        assert_eq!(held.held_by.unwrap().movement.event.facts.kind, EventKind::Hold);
        let Exchange::Account(_, Ok(Some(inactive))) = &exchanges[3] else { panic!("{exchanges:?}") };
        assert_eq!(inactive.refusal.as_ref().map(|refusal| refusal.code.as_str()), Some("account-inactive"));
        assert!(matches!(&exchanges[4], Exchange::Account(_, Ok(None))));
    }

    #[test]
    fn a_movement_is_answered_by_its_key() {
        let rub = |minor_units: i64| json!({"minor_units": minor_units, "currency": "RUB"});
        let refund = json!({"kind": "refund", "transaction": "r", "amount": rub(10), "dedup_key": "refund:1"});
        let paid = json!({"kind": "payment", "transaction": "1", "order": "42", "amount": rub(100)});
        let answers = Answers::from_json(json!([
            {"movement": "payment:1", "is": {"id": 7, "movement": paid, "later": [refund]}},
            {"movement": "hold:1", "is": null},
        ]))
        .unwrap();
        let question = |name| Question::Ledger(LedgerQuestion::Movement(name));
        let key = |key: &str| question(MovementName::Key(key.parse().unwrap()));
        let number = |id: &str| question(MovementName::Id(id.to_owned()));
        let exchanges = (&answers).answer(vec![key("payment:1"), key("hold:1"), key("payment:2"), number("1")]);
        let Exchange::Ledger(_, Ok(LedgerAnswer::Movement(Some(state)))) = &exchanges[0] else { panic!("{exchanges:?}") };
        assert_eq!((state.movement.event.dedup_key.as_str(), state.later.len()), ("payment:1", 1));
        assert_eq!(state.later[0].event.dedup_key.as_str(), "refund:1");
        assert_eq!((state.movement.id.0, state.later[0].id.0), (7, 8));
        let by_number = (&answers).answer(vec![number("7")]);
        let Exchange::Ledger(_, Ok(answer)) = &by_number[0] else { panic!("{by_number:?}") };
        assert_eq!(*answer, LedgerAnswer::Movement(Some(state.clone())));
        assert!(matches!(&exchanges[1], Exchange::Ledger(_, Ok(LedgerAnswer::Movement(None)))), "{exchanges:?}");
        assert!(exchanges[2..].iter().all(|exchange| matches!(exchange, Exchange::Ledger(_, Err(NoAnswer::Unavailable)))));
        let other = json!({"kind": "payment", "transaction": "1", "amount": rub(100), "dedup_key": "payment:2"});
        let error = Answers::from_json(json!([{"movement": "payment:1", "is": {"movement": other}}])).unwrap_err();
        assert!(error.contains("another dedup_key than \"payment:1\""), "{error}");
        let error = Answers::from_json(json!([{"movement": "payment:2", "is": {"id": 0, "movement": other}}])).unwrap_err();
        assert!(error.contains("the movement's id is 1 to 999999999999999000"), "{error}");
    }

    #[test]
    fn a_call_is_answered_by_its_line_and_its_body() {
        let call = |method, url: &str, body: &str| HttpCall {
            method,
            url: url.to_owned(),
            headers: Vec::new(),
            body: body.into(),
            repeatable: domain::Repeatable::Always,
            answer_bytes_max: 1,
            client_certificate: None,
            extra: Vec::new(),
        };
        let url = "https://api.example.ru/pay";
        let answers = Answers::from_json(json!([
            {"call": "POST https://api.example.ru/pay", "sent": "\"id\":2", "is": {"status": 202, "headers": {"x-a": "b"}, "body": "two"}},
            {"call": "POST https://api.example.ru/pay", "is": {"body": {"base64": "/w=="}}},
            {"call": "GET https://api.example.ru/pay", "is": "unknown"},
        ]))
        .unwrap();
        let result = |method, body| match (&answers).call(&call(method, url, body)) {
            HttpResult::Response(response) => (response.status, response.body),
            HttpResult::NotSent(_) => (0, Vec::new()),
            HttpResult::Unknown(_) => (1, Vec::new()),
        };
        assert_eq!(result(domain::HttpMethod::Post, "{\"id\":2}"), (202, b"two".to_vec()));
        assert_eq!(result(domain::HttpMethod::Post, "{\"id\":3}"), (200, vec![0xff]));
        assert_eq!(result(domain::HttpMethod::Get, ""), (1, Vec::new()));
        assert_eq!(result(domain::HttpMethod::Put, ""), (0, Vec::new()));
    }

    #[test]
    fn what_the_vectors_do_not_say_is_unanswered() {
        let answers = Answers::from_json(json!([{"order": "42", "is": null}])).unwrap();
        let questions = [
            order("43"),
            account("42"),
            Question::Ledger(LedgerQuestion::Movement(MovementName::Id("42".to_owned()))),
            Question::Other("order".to_owned(), Vec::new()),
        ];
        let exchanges = (&answers).answer(questions.to_vec());
        assert_eq!(exchanges.len(), questions.len());
        for exchange in exchanges {
            assert!(
                matches!(
                    exchange,
                    Exchange::Account(_, Err(NoAnswer::Unavailable))
                        | Exchange::Ledger(_, Err(NoAnswer::Unavailable))
                        | Exchange::Other(_, _, NoAnswer::Unsupported)
                ),
                "{exchange:?}"
            );
        }
    }

    #[test]
    fn errors_say_which_answer() {
        let amount = json!({"minor_units": 1, "currency": "RUB"});
        for (answers, words) in [
            (json!({"order": "42"}), "it is a list of answers"),
            (json!([{"order": "42"}]), "answers[0]: an answer is"),
            (json!([{"order": "42", "is": null}, {"is": null}]), "answers[1]: an answer is"),
            (json!([{"order": "42", "account": "1", "is": null}]), "an answer is"),
            (json!([{"order": "42", "iss": null}]), "an answer is"),
            (json!([{"order": 42, "is": null}]), "\"order\" is a text"),
            (json!([{"order": "", "is": null}]), "order must have 1 to 64"),
            (json!([{"order": "42", "is": {}}]), "missing field `amount`"),
            (json!([{"order": "42", "is": {"amount": amount, "payed": true}}]), "unknown field `payed`"),
            (json!([{"order": "42", "is": {"amount": amount, "account": ""}}]), "account must have 1 to 64"),
            (json!([{"order": "42", "is": {"amount": {"minor_units": 1.5, "currency": "RUB"}}}]), "1.5"),
            (json!([{"account": "1", "is": {"owner": "I."}}]), "unknown field `owner`"),
            (json!([{"order": "42", "sent": "a", "is": null}]), "an answer is"),
            (json!([{"call": "GET /payments", "is": "unknown"}]), "a call is a method and an absolute URL"),
            (json!([{"call": "GET https://a.ru/", "is": null}]), "a call's answer is"),
            (json!([{"call": "GET https://a.ru/", "is": {"code": 200}}]), "unknown field `code`"),
            (json!([{"call": "GET https://a.ru/", "is": {}}, {"call": "GET https://a.ru/", "is": {}}]), "is answered twice"),
            (json!([{"order": "42", "is": null}, {"order": "42", "is": {"amount": amount}}]), "\"42\" is answered twice"),
        ] {
            let error = Answers::from_json(answers.clone()).unwrap_err();
            assert!(error.contains(words), "{answers}: {error}");
        }
    }
}
