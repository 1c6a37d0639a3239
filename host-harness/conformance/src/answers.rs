//! The answers to a provider's questions, as the vectors of a sample give them.
//!
//! An answer is found by its question. A question that has none in the vectors is unanswered, as where billing cannot be asked, and
//! no call is made.

use std::fmt;

use domain::{
    AccountNumber, AccountQuery, AccountState, DedupKey, Event, EventKind, Exchange, Facts, HttpCall, HttpResult, LedgerAnswer,
    LedgerQuestion, Money, Movement, MovementId, MovementOrigin, MovementState, Order, OrderId, OrderState, Problem,
    ProviderName, Question, TransactionId,
};
use sandbox::{NoAnswers, unanswered};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The account of an order whose answer names none.
const ACCOUNT: &str = "100500";
const PROVIDER: &str = "check";

/// The answers that a sample's provider gets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    orders: Vec<(OrderId, Option<OrderState>)>,
    accounts: Vec<(AccountNumber, Option<AccountState>)>,
}

impl Answers {
    /// Parses the value of `answers`: a list of `{"order": ID, "is": …}` and `{"account": NUMBER, "is": …}`.
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
        let question = (take(&mut names, "order")?, take(&mut names, "account")?);
        if !names.is_empty() {
            return Err(HOW.to_owned());
        }
        match question {
            (Some(order), None) => {
                let id = OrderId::new(order).map_err(|error| error.to_string())?;
                let state = read::<OrderIs>(is)?.map(|is| is.state(&id)).transpose()?;
                push(&mut self.orders, id, state)
            }
            (None, Some(account)) => {
                let number = AccountNumber::new(account).map_err(|error| error.to_string())?;
                let state = read::<AccountIs>(is)?.map(|is| is.state(&number));
                push(&mut self.accounts, number, state)
            }
            _ => Err(HOW.to_owned()),
        }
    }

    fn order(&self, id: &OrderId) -> Option<&Option<OrderState>> {
        self.orders.iter().find(|(known, _)| known == id).map(|(_, state)| state)
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
            Question::Account(query) => self
                .account(query)
                .map_or_else(|| unanswered(question.clone()), |state| Exchange::Account(query.clone(), Ok(state.clone()))),
            Question::Ledger(_) | Question::Other(..) => unanswered(question),
        };
        questions.into_iter().map(answer).collect()
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        NoAnswers.call(call)
    }
}

const HOW: &str = "an answer is {\"order\": ID, \"is\": {…}} or {\"account\": NUMBER, \"is\": {…}}, where null is none";

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
    use domain::{MovementName, NoAnswer};
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
            (json!([{"order": "42", "is": null}, {"order": "42", "is": {"amount": amount}}]), "\"42\" is answered twice"),
        ] {
            let error = Answers::from_json(answers.clone()).unwrap_err();
            assert!(error.contains(words), "{answers}: {error}");
        }
    }
}
