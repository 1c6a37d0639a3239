//! Calls the host over HTTP.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use support::{Client, Program};

use super::{Page, list, text};

/// The account of the demonstration's subscriber.
pub const ACCOUNT: &str = "100500";
/// The amount of each order, in kopecks.
pub const PRICE: i64 = 10_000;
/// The longest wait for anything to happen.
const TIME_MAX: Duration = Duration::from_secs(20);

/// The running host, and what the demonstration calls it with.
pub struct Service<'s> {
    pub client: Client,
    pub page: Page,
    /// ChronoPay's stand-in.
    pub stand_in: &'s Program,
    pub token: String,
}

impl Service<'_> {
    pub fn url(&self, path: &str) -> String {
        self.client.url(path)
    }

    /// Calls the API and returns its answer.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = self.client.api(method, &format!("/api/v1{path}"), &self.token, body)?;
        if !(200..300).contains(&answer.status) {
            bail!("the demo went wrong: {method} /api/v1{path} answers {}: {}", answer.status, answer.text());
        }
        Ok(answer.json())
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.api("GET", path, &Value::Null)
    }

    pub fn balance(&self) -> Result<i64> {
        let account = self.get(&format!("/accounts/{ACCOUNT}"))?;
        Ok(account.pointer("/balances/0/minor_units").and_then(Value::as_i64).unwrap_or_default())
    }

    /// Makes an order and pays it at the stand-in. Returns the page that the subscriber returns to.
    pub fn pay(&self, provider: &str, stand_in: &Program, scenario: &str) -> Result<(String, String)> {
        let order = json!({
            "account": ACCOUNT, "amount": {"minor_units": PRICE, "currency": "RUB"}, "description": "Пополнение счёта",
            "provider": provider,
        });
        let link = self.api("POST", "/links", &order)?;
        let mut form = Vec::new();
        for field in list(&link, "/form_fields")? {
            form.push((text(field, "/0")?, text(field, "/1")?));
        }
        form.extend([("choice", "pay"), ("scenario", scenario)]);
        let answer = self.client.post(&format!("http://{}/pay", stand_in.address), "", &form)?;
        if answer.status != 303 {
            bail!("the payment page sends nobody back: {}", answer.status);
        }
        Ok((text(&link, "/order")?.to_owned(), answer.header("location").to_owned()))
    }

    /// Waits until a stand-in got an answer to everything that it sent.
    pub fn settled(&self, stand_in: &Program) -> Result<()> {
        let began = Instant::now();
        loop {
            let sent = self.client.get(&format!("http://{}/sent", stand_in.address), "")?.json();
            let sent = sent.as_array().context("what was sent is a list")?;
            if sent.iter().all(|one| one.get("status").is_some_and(|status| !status.is_null())) {
                return Ok(());
            }
            if began.elapsed() > TIME_MAX {
                bail!("the demo went wrong: a callback has no answer");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
