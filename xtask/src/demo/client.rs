//! The host as it is called over HTTP, and the servers that the demonstration starts.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

use super::{Page, list, text};

/// The subscriber's.
pub const ACCOUNT: &str = "100500";
/// What each order is of, in kopecks.
pub const PRICE: i64 = 10_000;
/// How long anything may take to happen.
const TIME_MAX: Duration = Duration::from_secs(20);

/// A server that runs, and is killed where it is dropped.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts a program that prints where it listens.
    pub fn start(command: &mut Command) -> Result<Server> {
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut said = BufReader::new(child.stdout.take().context("a server has no standard output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        // What else it says must not block it.
        std::thread::spawn(move || drop(said.read_to_end(&mut Vec::new())));
        let address = line.trim().strip_prefix("listening on http://").map(|address| address.trim_end_matches('/').parse());
        match address {
            Some(Ok(address)) => Ok(Server { child, address }),
            _ => bail!("{command:?} does not listen: {line:?} ({})", child.wait()?),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The host, and who speaks to it.
pub struct Service<'s> {
    pub agent: Agent,
    pub page: Page,
    pub host: &'s Server,
    /// ChronoPay's.
    pub stand_in: &'s Server,
    pub token: String,
}

impl Service<'_> {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host.address)
    }

    /// Calls the API; gives its answer.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let url = self.url(&format!("/api/v1{path}"));
        let request = ureq::http::Request::builder().method(method).uri(&url).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut response = self.agent.run(request.body(body)?)?;
        let text = response.body_mut().read_to_string()?;
        if !response.status().is_success() {
            bail!("the demo went wrong: {method} {url} answers {}: {text}", response.status());
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.api("GET", path, &Value::Null)
    }

    pub fn balance(&self) -> Result<i64> {
        let account = self.get(&format!("/accounts/{ACCOUNT}"))?;
        Ok(account.pointer("/balances/0/minor_units").and_then(Value::as_i64).unwrap_or_default())
    }

    /// Makes an order and pays it at the stand-in; gives the page that the subscriber comes back to.
    pub fn pay(&self, provider: &str, stand_in: &Server, scenario: &str) -> Result<(String, String)> {
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
        let response = self.agent.post(format!("http://{}/pay", stand_in.address)).send_form(form)?;
        let back = response.headers().get("location").and_then(|value| value.to_str().ok());
        let back = back.with_context(|| format!("the payment page sends nobody back: {}", response.status()))?;
        Ok((text(&link, "/order")?.to_owned(), back.to_owned()))
    }

    /// Waits until a stand-in has an answer to all that it sent.
    pub fn settled(&self, stand_in: &Server) -> Result<()> {
        let began = Instant::now();
        loop {
            let sent: Value =
                serde_json::from_str(&body(self.agent.get(format!("http://{}/sent", stand_in.address)).call()?)?)?;
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

/// The text of a response.
pub fn body(mut response: Response<ureq::Body>) -> Result<String> {
    Ok(response.body_mut().read_to_string()?)
}
