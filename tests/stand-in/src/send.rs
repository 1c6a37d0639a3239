//! Sends a callback, and reads the answer or deliberately does not.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use ureq::Agent;
use url::{Position, Url};

const ANSWER_BYTES_MAX: u64 = 4096;
const FORM: &str = "application/x-www-form-urlencoded";

/// How a callback is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// In the body of a POST.
    Post,
    /// In the query of a GET.
    Get,
}

/// How the answer to a callback is treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is read. If it is not the expected one, the callback is sent again.
    Awaited,
    /// It is read and logged only.
    Noted,
    /// It is waited for but not read.
    Lost,
    /// It is not waited for.
    HungUpOn,
}

/// The outcome of sending a callback.
pub struct Outcome {
    /// The answer's status; `None` if no answer was read.
    pub status: Option<u16>,
    /// The beginning of the answer's body, if one was read.
    pub answer: Option<String>,
    /// Why no answer was read, unless that was intended.
    pub problem: Option<String>,
}

/// Sends callbacks, each over a new connection.
pub struct Sender {
    agent: Agent,
    timeout: Duration,
}

impl Sender {
    /// Creates a sender that waits up to `timeout` for an answer.
    pub fn new(timeout: Duration) -> Sender {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // A redirect is an answer like any other, and not a 200.
            .max_redirects(0)
            .max_idle_connections(0)
            // A proxy in this machine's environment is meant for other addresses.
            .proxy(None)
            .build();
        Sender { agent: config.into(), timeout }
    }

    /// Sends a callback. Blocks for at most the timeout.
    pub fn send(&self, url: &Url, method: Method, body: &str, answer: Answer) -> Outcome {
        let sent = match answer {
            Answer::Awaited | Answer::Noted => self.ask(url, method, body),
            Answer::Lost | Answer::HungUpOn => {
                self.tell(url, method, body, answer == Answer::Lost).map(|()| None).map_err(|error| error.to_string())
            }
        };
        match sent {
            Ok(Some((status, answer))) => Outcome { status: Some(status), answer: Some(answer), problem: None },
            Ok(None) => Outcome { status: None, answer: None, problem: None },
            Err(problem) => Outcome { status: None, answer: None, problem: Some(problem) },
        }
    }

    fn ask(&self, url: &Url, method: Method, body: &str) -> Result<Option<(u16, String)>, String> {
        let response = match method {
            Method::Post => self.agent.post(url.as_str()).content_type(FORM).send(body),
            Method::Get => self.agent.get(with_query(url, body).as_str()).call(),
        };
        let mut response = response.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        let read = response.body_mut().as_reader().take(ANSWER_BYTES_MAX).read_to_end(&mut answer);
        read.map_err(|error| error.to_string())?;
        Ok(Some((response.status().as_u16(), String::from_utf8_lossy(&answer).into_owned())))
    }

    /// Writes the request by hand, since no HTTP client can leave an answer unread.
    fn tell(&self, url: &Url, method: Method, body: &str, lets_answer_come: bool) -> io::Result<()> {
        if url.scheme() != "http" {
            return Err(io::Error::other("only http:// can be called"));
        }
        let target = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
        let address = target.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("the host has no address"))?;
        let mut stream = TcpStream::connect_timeout(&address, self.timeout)?;
        stream.set_write_timeout(Some(self.timeout))?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.write_all(request_text(url, method, body).as_bytes())?;
        if lets_answer_come {
            stream.peek(&mut [0])?;
        }
        Ok(())
    }
}

fn request_text(url: &Url, method: Method, body: &str) -> String {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    match method {
        Method::Post => {
            let path = &url[Position::BeforePath..Position::AfterQuery];
            let length = body.len();
            format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {FORM}\r\ncontent-length: {length}\r\n\r\n{body}")
        }
        Method::Get => {
            let url = with_query(url, body);
            format!("GET {} HTTP/1.1\r\nhost: {host}\r\n\r\n", &url[Position::BeforePath..Position::AfterQuery])
        }
    }
}

/// Appends the form to the URL's query.
fn with_query(url: &Url, form: &str) -> Url {
    let query = match url.query() {
        Some(own) if !own.is_empty() => format!("{own}&{form}"),
        _ => form.to_owned(),
    };
    let mut url = url.clone();
    url.set_query(Some(&query));
    url
}
