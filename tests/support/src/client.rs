//! An HTTP client for tests.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request, Response};

/// Returns an agent that reports every answer as it is: no status is an error, redirects are not followed, and no proxy is
/// used. It never reuses a connection, since a request that is refused before it is read closes its connection.
pub fn agent() -> Agent {
    agent_with_idle_connections(0)
}

fn agent_with_idle_connections(most: usize) -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
    config.max_idle_connections(most).max_idle_connections_per_host(most).build().into()
}

/// A client of one host. Clones share connections and recorded answers.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    origin: String,
    record: Option<Arc<Mutex<Vec<u8>>>>,
}

/// A complete answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Client {
    /// Creates a client that opens a new connection for every request. `origin` is such as `http://127.0.0.1:8080`.
    pub fn new(origin: impl Into<String>) -> Client {
        Client { agent: agent(), origin: origin.into(), record: None }
    }

    /// Creates a client that keeps up to `most` idle connections for reuse.
    pub fn with_connections(origin: impl Into<String>, most: usize) -> Client {
        Client { agent: agent_with_idle_connections(most), ..Client::new(origin) }
    }

    /// Makes the client record all answers.
    #[must_use]
    pub fn recording(self) -> Client {
        Client { record: Some(Arc::default()), ..self }
    }

    /// Returns all recorded answers: their bodies, and their headers except `set-cookie`.
    pub fn recorded(&self) -> Vec<u8> {
        let record = self.record.as_ref().expect("the client records");
        record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the URL of a path. An absolute URL is returned unchanged.
    pub fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.origin) }
    }

    /// Sends a request with a body and headers. Headers with an empty value are left out.
    ///
    /// # Errors
    /// If no complete answer arrives.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, ureq::Error> {
        let request = Request::builder().method(method).uri(self.url(path));
        let headers = headers.iter().filter(|(_, value)| !value.is_empty());
        let request = headers.fold(request, |request, (name, value)| request.header(*name, *value));
        self.answer(self.agent.run(request.body(body)?)?)
    }

    /// Calls the API with its token. If `body` is null, none is sent.
    ///
    /// # Errors
    /// If no complete answer arrives.
    pub fn api(&self, method: &str, path: &str, token: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let bearer = format!("Bearer {token}");
        self.send(method, path, &[("authorization", &bearer), ("content-type", "application/json")], body.as_bytes())
    }

    /// Opens a page with cookies.
    ///
    /// # Errors
    /// If no complete answer arrives.
    pub fn get(&self, path: &str, cookies: &str) -> Result<Answer, ureq::Error> {
        self.send("GET", path, &[("cookie", cookies)], b"")
    }

    /// Sends a form with cookies.
    ///
    /// # Errors
    /// If no complete answer arrives.
    pub fn post(&self, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [("cookie", cookies), ("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, form.as_bytes())
    }

    fn answer(&self, response: Response<ureq::Body>) -> Result<Answer, ureq::Error> {
        let answer = Answer::of(response)?;
        if let Some(record) = &self.record {
            let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
            for (_, value) in answer.headers.iter().filter(|(name, _)| *name != "set-cookie") {
                record.extend_from_slice(value.as_bytes());
                record.push(b'\n');
            }
            record.extend_from_slice(&answer.body);
        }
        Ok(answer)
    }
}

impl Answer {
    /// Reads a response.
    ///
    /// # Errors
    /// If the body cannot be read.
    pub fn of(response: Response<ureq::Body>) -> Result<Answer, ureq::Error> {
        let (parts, mut body) = response.into_parts();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.read_to_vec()? })
    }

    /// Returns the body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Returns the body as JSON, or as a string if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| Value::String(self.text().to_owned()))
    }

    /// Returns the text of a header, empty if it is absent.
    ///
    /// # Panics
    /// If it is not ASCII.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the value that a cookie is set to.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let set = self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        let mut pairs = set.filter_map(|set| set.split(';').next()?.split_once('='));
        pairs.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
    }

    /// Returns the value of the page's first hidden field with this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn hidden(&self, name: &str) -> String {
        let (_, rest) = self.text().split_once(&format!("name=\"{name}\" value=\"")).expect("the page has the field");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}
