//! A billing on this machine, which is asked about accounts.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::payment_system::{Request, serve};

/// Longer than any test needs.
const TIME_MAX: Duration = Duration::from_secs(60);

/// A billing. It stops with the test.
pub struct Billing {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    accounts: BTreeMap<String, Value>,
    /// The largest payment that it takes, in minor units.
    largest: Option<i64>,
    /// What it answers to every question instead.
    answer: Option<(u16, &'static str, String)>,
    /// The questions, with the header `authorization`.
    questions: Vec<(Option<String>, Value)>,
    /// Whether it keeps its answers to itself.
    is_holding: bool,
}

impl Billing {
    /// Starts a billing without accounts.
    pub fn start() -> Billing {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let own = state.clone();
        serve(listener, move |stream| answer(stream, &own));
        Billing { port, state }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/accounts", self.port)
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
    }

    /// Gives an account, or another one of its number.
    pub fn set_account(&self, number: &str, account: Value) {
        self.change(|state| drop(state.accounts.insert(number.to_owned(), account)));
    }

    /// Adds an account that takes payments.
    pub fn open_account(&self, number: &str) {
        self.set_account(number, json!({"number": number, "holder": "Петров П. П."}));
    }

    /// Closes an account.
    pub fn close_account(&self, number: &str) {
        let refusal = json!({"code": "account-inactive", "message": "The contract has ended."});
        self.set_account(number, json!({"number": number, "refusal": refusal}));
    }

    /// Sets the largest payment.
    pub fn take_at_most(&self, minor_units: i64) {
        self.change(|state| state.largest = Some(minor_units));
    }

    /// Has it answer every question by this.
    pub fn answer(&self, status: u16, content_type: &'static str, body: &str) {
        self.change(|state| state.answer = Some((status, content_type, body.to_owned())));
    }

    /// Has it answer nothing until it is told to.
    pub fn hold(&self) {
        self.change(|state| state.is_holding = true);
    }

    /// Has it answer again as it should.
    pub fn recover(&self) {
        self.change(|state| (state.answer, state.is_holding) = (None, false));
    }

    /// Returns the questions that it was asked, with the header `authorization`.
    pub fn questions(&self) -> Vec<(Option<String>, Value)> {
        self.state.0.lock().unwrap().questions.clone()
    }

    /// Returns how often it was asked.
    pub fn asked(&self) -> usize {
        self.state.0.lock().unwrap().questions.len()
    }

    /// Waits until it was asked so often.
    pub fn wait_for(&self, count: usize) {
        let state = self.state.0.lock().unwrap();
        let waited = self.state.1.wait_timeout_while(state, TIME_MAX, |state| state.questions.len() < count).unwrap();
        assert!(!waited.1.timed_out(), "{count} questions are expected, and there are {}", waited.0.questions.len());
    }
}

fn answer(mut stream: TcpStream, (state, changed): &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let request = Request::read(&mut stream)?;
    assert!(request.head.starts_with("POST /accounts HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type").as_deref(), Some("application/json"));
    let question: Value = serde_json::from_slice(&request.body).unwrap();
    let mut state = state.lock().unwrap();
    state.questions.push((request.header("authorization"), question.clone()));
    changed.notify_all();
    let state = changed.wait_while(state, |state| state.is_holding).unwrap();
    let (status, content_type, body) = state.answer.clone().unwrap_or_else(|| (200, "application/json", state.find(&question)));
    drop(state);
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

impl State {
    fn find(&self, question: &Value) -> String {
        let mut account = self.accounts.get(question["account"].as_str().unwrap()).cloned().unwrap_or(Value::Null);
        let amount = question["amount"]["minor_units"].as_i64();
        if let (false, Some(amount), Some(largest)) = (account.is_null(), amount, self.largest)
            && amount > largest
        {
            account["refusal"] = json!({"code": "amount-out-of-range"});
        }
        json!({"account": account}).to_string()
    }
}
