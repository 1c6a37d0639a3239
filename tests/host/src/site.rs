//! The program with all that it serves, entered as an operator and a billing system enter it: over HTTP, and with no file of settings.

use std::cell::RefCell;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use end_to_end::component_path;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request, Response};

use crate::host::{PROVIDER, program};
use crate::{Folder, Host};

/// The operator's name.
pub const OPERATOR: &str = "anna";
/// The operator's password, as nothing else is called.
pub const PASSWORD: &str = "Winter-Morning-4711";

/// Between a form's fields; no component holds it.
const BOUNDARY: &str = "a-form-with-a-file-4711";

/// How often another program may take the port that was free a moment ago.
const STARTS_MAX: usize = 5;

/// A host whose public address is the one that it listens on.
pub struct Site {
    /// What it keeps.
    pub folder: Folder,
    /// The process, and billing's side of it.
    pub host: Host,
    /// Where it is reached, without a slash at the end.
    pub url: String,
    agent: Agent,
    received: RefCell<Vec<u8>>,
}

/// An answer, whole.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header's text, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value that a cookie is set to.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let set = self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        set.filter_map(|set| set.split(';').next()?.split_once('='))
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.to_owned())
    }

    /// The value of the form's own mark on the page.
    pub fn csrf(&self) -> String {
        let text = self.text();
        let (_, rest) = text.split_once("name=\"csrf\" value=\"").expect("the page has a form");
        rest.split('"').next().unwrap().to_owned()
    }
}

/// An operator who is logged in.
#[derive(Clone)]
pub struct Session {
    /// What the cookie says.
    pub cookie: String,
    /// What the session's forms say.
    pub csrf: String,
}

impl Site {
    /// A host without settings and with one operator.
    pub fn start() -> Site {
        Site::start_on(Folder::default(), "info")
    }

    /// The same on a folder, logging as `HARNESS_LOG` says.
    pub fn start_on(folder: Folder, log: &str) -> Site {
        let mut operator = Command::new(program());
        operator.args(["operator", OPERATOR, "--data"]).arg(folder.data()).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut operator = operator.spawn().unwrap();
        writeln!(operator.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        assert!(operator.wait().unwrap().success(), "an operator is made");
        for _ in 0..STARTS_MAX {
            // Links and the addresses on pages are to be followed, so the address is known before it is listened on.
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let url = format!("http://{address}");
            let mut command = Command::new(program());
            command.arg("serve").arg("--data").arg(folder.data()).args(["--public-url", &url, "--callback-rate", "0"]);
            command
                .args(["--listen", &address.to_string(), "--component"])
                .arg(format!("{PROVIDER}={}", component_path().display()));
            command.env("HARNESS_LOG", log).env_remove("HARNESS_TOKEN");
            if let Ok(host) = folder.try_start(command) {
                // A form that is refused unread ends its connection: none is used twice.
                let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).max_idle_connections(0);
                let agent = config.build().into();
                return Site { folder, host, url, agent, received: RefCell::default() };
            }
        }
        panic!("it did not start\n{}", folder.log());
    }

    /// Asks it to end, waits until it has, and leaves what it keeps.
    pub fn stop(self) -> Folder {
        assert!(self.host.stop().success());
        self.folder
    }

    /// What a file beside the database says, such as `token` or `key`.
    pub fn secret(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.data().join(name)).unwrap().trim().to_owned()
    }

    /// All answers until now: their headers, without the cookies that they set, and their bodies.
    pub fn received(&self) -> Vec<u8> {
        self.received.borrow().clone()
    }

    /// Gets an address of the host with some cookies.
    pub fn get(&self, path: &str, cookies: &str) -> Answer {
        self.hear(self.agent.get(self.address(path)).header("cookie", cookies).call())
    }

    /// Sends a form with some cookies.
    pub fn post(&self, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Answer {
        self.hear(self.agent.post(self.address(path)).header("cookie", cookies).send_form(fields.iter().copied()))
    }

    /// Sends a form with a file, its last field, and some cookies.
    pub fn upload(&self, path: &str, cookies: &str, fields: &[(&str, &str)], file: &[u8]) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
        }
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"some.wasm\"\r\nContent-Type: application/wasm";
        write!(body, "--{BOUNDARY}\r\n{head}\r\n\r\n").unwrap();
        body.extend_from_slice(file);
        write!(body, "\r\n--{BOUNDARY}--\r\n").unwrap();
        let request = self.agent.post(self.address(path)).header("cookie", cookies);
        self.hear(request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}")).send(&body))
    }

    /// Asks the API; a body of null is none.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.secret("token"));
        let request = Request::builder().method(method).uri(self.address(path)).header("authorization", bearer);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.hear(self.agent.run(request.header("content-type", "application/json").body(text).unwrap()))
    }

    /// Sends the login's own form with a password.
    pub fn try_log_in(&self, password: &str) -> Answer {
        let page = self.get("/operator/login", "");
        let cookies = format!("login={}", page.cookie("login").unwrap());
        self.post("/operator/login", &cookies, &[("csrf", &page.csrf()), ("operator", OPERATOR), ("password", password)])
    }

    /// Logs the operator in.
    pub fn log_in(&self) -> Session {
        let entered = self.try_log_in(PASSWORD);
        assert_eq!((entered.status, entered.header("location")), (303, "/operator/statistics"));
        let cookie = entered.cookie("session").unwrap();
        let csrf = self.get("/operator/export", &format!("session={cookie}")).csrf();
        Session { cookie, csrf }
    }

    fn address(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.url) } else { path.to_owned() }
    }

    fn hear(&self, response: Result<Response<ureq::Body>, ureq::Error>) -> Answer {
        let (parts, mut body) = response.unwrap().into_parts();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.read_to_vec().unwrap() };
        let mut received = self.received.borrow_mut();
        for (_, value) in answer.headers.iter().filter(|(name, _)| *name != "set-cookie") {
            received.extend_from_slice(value.as_bytes());
            received.push(b'\n');
        }
        received.extend_from_slice(&answer.body);
        answer
    }
}
