//! Billing's side of the API: accounts, links, the feed, unmatched events.

use std::net::SocketAddr;

use serde_json::{Value, json};
use support::Client;

/// A client of the API, which also sends callbacks. Clones share connections.
#[derive(Clone)]
pub struct Api {
    client: Client,
    token: String,
}

/// An entry in the feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its number in the feed.
    pub seq: u64,
    /// The account.
    pub account: String,
    /// `payment`, `refund` and so on.
    pub kind: String,
    /// In kopecks; negative if money leaves the account.
    pub kopecks: i64,
    /// The order that it belongs to.
    pub order: Option<String>,
    /// The payment system's transaction id.
    pub transaction: Option<u64>,
}

/// An event that waits for an operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Its number.
    pub id: u64,
    /// Why it waits.
    pub reason: String,
    /// `payment`, `refund` and so on.
    pub kind: String,
    /// In kopecks.
    pub kopecks: i64,
    /// The payment system's transaction id.
    pub transaction: u64,
}

impl Api {
    /// Creates a client of a host.
    pub fn new(address: SocketAddr, token: &str) -> Api {
        Api { client: Client::with_connections(format!("http://{address}"), 64), token: token.trim().to_owned() }
    }

    /// Returns the answer for a path of the API, such as `/entries`.
    pub fn get(&self, path: &str) -> Value {
        let (status, said) = self.try_get(path).unwrap();
        assert_eq!(status, 200, "{path}: {said}");
        said
    }

    /// Posts to a path of the API. Returns the status and body of the answer.
    ///
    /// # Errors
    /// If there was no answer.
    pub fn try_post(&self, path: &str, body: &Value) -> Result<(u16, Value), ureq::Error> {
        self.call("POST", path, body)
    }

    /// Posts to a path of the API with an idempotency key. Returns the status and body of the answer.
    ///
    /// # Errors
    /// If there was no answer.
    pub fn try_post_once(&self, path: &str, key: &str, body: &Value) -> Result<(u16, Value), ureq::Error> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", &*bearer), ("content-type", "application/json"), ("idempotency-key", key)];
        let answer = self.client.send("POST", &format!("/api/v1{path}"), &headers, body.to_string().as_bytes())?;
        Ok((answer.status, answer.json()))
    }

    /// Returns the status of a path that needs no token, such as `/readyz`.
    pub fn status(&self, path: &str) -> u16 {
        self.client.get(path, "").unwrap().status
    }

    /// Creates an individual's account.
    pub fn put_account(&self, account: &str) {
        assert_eq!(self.try_account(account), 200, "an account is made");
    }

    /// Creates an individual's account and returns the answer's status.
    pub fn try_account(&self, account: &str) -> u16 {
        let body = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
        self.call("PUT", &format!("/accounts/{account}"), &body).unwrap().0
    }

    /// Requests a payment link and returns its order, or `None` if the answer is missing or not 200.
    pub fn try_order(&self, account: &str, kopecks: i64) -> Option<String> {
        let body = json!({
            "account": account, "amount": {"minor_units": kopecks, "currency": "RUB"}, "description": "Пополнение баланса",
        });
        let (status, said) = self.try_post("/links", &body).ok()?;
        (status == 200).then(|| said["order"].as_str().unwrap().to_owned())
    }

    /// Requests a payment link and returns its order.
    pub fn order(&self, account: &str, kopecks: i64) -> String {
        self.try_order(account, kopecks).expect("an order is made")
    }

    /// Reports whether an order is paid, or returns `None` if it does not exist.
    pub fn is_paid(&self, order: &str) -> Option<bool> {
        let (status, said) = self.try_get(&format!("/orders/{order}")).unwrap();
        (status == 200).then(|| said["state"] == "paid")
    }

    /// Returns an account's balance in kopecks.
    pub fn balance(&self, account: &str) -> i64 {
        let (status, said) = self.try_get(&format!("/accounts/{account}")).unwrap();
        assert_eq!(status, 200, "{said}");
        let balances = said["balances"].as_array().unwrap();
        assert!(balances.iter().all(|balance| balance["currency"] == "RUB"), "{said}");
        balances.iter().map(|balance| balance["minor_units"].as_i64().unwrap()).sum()
    }

    /// Returns the next entries after a number, and waits up to `wait_seconds` for one.
    ///
    /// # Errors
    /// If there was no answer.
    pub fn entries_after(&self, after: u64, wait_seconds: u64) -> Result<Vec<Entry>, ureq::Error> {
        let (status, said) = self.try_get(&format!("/entries?after={after}&wait={wait_seconds}"))?;
        assert_eq!(status, 200, "{said}");
        Ok(said["entries"].as_array().unwrap().iter().map(entry).collect())
    }

    /// Returns the whole feed, read page by page.
    pub fn feed(&self) -> Vec<Entry> {
        let mut feed: Vec<Entry> = Vec::new();
        loop {
            let page = self.entries_after(feed.last().map_or(0, |entry| entry.seq), 0).unwrap();
            if page.is_empty() {
                return feed;
            }
            feed.extend(page);
        }
    }

    /// Adds write-offs of a kopeck each to an account, all or none. Returns the answer's status.
    pub fn writeoffs(&self, account: &str, ids: &[String], service: &str) -> u16 {
        let writeoff = |id: &String| {
            json!({
                "id": id, "account": account, "service": service, "period": "2026-10-01", "date": "2026-10-31",
                "amount": {"minor_units": 1, "currency": "RUB"},
            })
        };
        let body = json!({"writeoffs": ids.iter().map(writeoff).collect::<Vec<_>>()});
        self.try_post("/writeoffs", &body).unwrap().0
    }

    /// Returns the events that wait for an operator.
    pub fn unmatched(&self) -> Vec<Waiting> {
        let (status, said) = self.try_get("/unmatched").unwrap();
        assert_eq!(status, 200, "{said}");
        said["unmatched"].as_array().unwrap().iter().map(waiting).collect()
    }

    /// Swaps a provider's component and returns the answer.
    ///
    /// # Errors
    /// If there was no answer. It is then unknown which component is active.
    pub fn try_swap(&self, provider: &str, component: &[u8]) -> Result<(u16, Value), ureq::Error> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/wasm")];
        let answer = self.client.send("POST", &format!("/api/v1/providers/{provider}/component"), &headers, component)?;
        Ok((answer.status, answer.json()))
    }

    /// Removes a provider even if it has open orders. Returns the answer's status.
    pub fn remove(&self, provider: &str) -> u16 {
        self.call("DELETE", &format!("/providers/{provider}?confirm=true"), &Value::Null).unwrap().0
    }

    /// Returns the SHA-256 of a provider's active component.
    pub fn in_use(&self, provider: &str) -> String {
        let (_, said) = self.try_get("/providers").unwrap();
        let providers = said["providers"].as_array().unwrap();
        let provider = providers.iter().find(|one| one["name"] == provider).expect("the provider exists");
        text(&provider["sha256"]).unwrap()
    }

    /// Sends a callback and returns the answer's status.
    ///
    /// # Errors
    /// If there was no answer.
    pub fn try_callback(&self, body: &str) -> Result<u16, ureq::Error> {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        Ok(self.client.send("POST", "/callbacks/chronopay", &headers, body.as_bytes())?.status)
    }

    /// Sends a callback and returns the answer's status.
    pub fn callback(&self, body: &str) -> u16 {
        self.try_callback(body).expect("a callback is answered")
    }

    /// Returns the status and body of the answer for a path of the API.
    ///
    /// # Errors
    /// If there was no answer.
    pub fn try_get(&self, path: &str) -> Result<(u16, Value), ureq::Error> {
        self.call("GET", path, &Value::Null)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Value), ureq::Error> {
        let answer = self.client.api(method, &format!("/api/v1{path}"), &self.token, body)?;
        Ok((answer.status, answer.json()))
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn entry(entry: &Value) -> Entry {
    assert_eq!(entry["amount"]["currency"], "RUB", "{entry}");
    Entry {
        seq: entry["seq"].as_u64().unwrap(),
        account: text(&entry["account"]).unwrap(),
        kind: text(&entry["kind"]).unwrap(),
        kopecks: entry["amount"]["minor_units"].as_i64().unwrap(),
        order: text(&entry["order"]),
        transaction: entry["transaction"].as_str().map(|transaction| transaction.parse().unwrap()),
    }
}

fn waiting(waiting: &Value) -> Waiting {
    Waiting {
        id: waiting["id"].as_u64().unwrap(),
        reason: text(&waiting["reason"]).unwrap(),
        kind: text(&waiting["kind"]).unwrap(),
        kopecks: waiting["amount"]["minor_units"].as_i64().unwrap(),
        transaction: waiting["transaction"].as_str().unwrap().parse().unwrap(),
    }
}
