//! The program with all that it serves, used over HTTP by an operator and by a billing system, without a settings file.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use end_to_end::component_path;
use serde_json::Value;
use support::{Answer, Client, Session, try_log_in};

use crate::host::{PROVIDER, program};
use crate::{Folder, Host};

/// The operator's name.
pub const OPERATOR: &str = "anna";
/// The operator's password. No other text in the tests equals it.
pub const PASSWORD: &str = "Winter-Morning-4711";

/// The boundary of multipart forms. No component contains it.
const BOUNDARY: &str = "a-form-with-a-file-4711";

/// How often to retry if another program has taken the port that was free a moment ago.
const STARTS_MAX: usize = 5;

/// A host whose public URL is the address on which it listens.
pub struct Site {
    /// Its data.
    pub folder: Folder,
    /// Its process, with billing's client.
    pub host: Host,
    /// Its URL, without a trailing slash.
    pub url: String,
    client: Client,
}

/// Creates the operator in a folder.
pub fn add_operator(folder: &Folder) {
    let mut operator = Command::new(program());
    operator.args(["operator", OPERATOR, "--data"]).arg(folder.data()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut operator = operator.spawn().unwrap();
    writeln!(operator.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(operator.wait().unwrap().success(), "an operator is made");
}

impl Site {
    /// Starts a host with one operator and without settings.
    pub fn start() -> Site {
        Site::start_on(Folder::default(), "info")
    }

    /// Starts it on an existing folder, with this `HARNESS_LOG`.
    pub fn start_on(folder: Folder, log: &str) -> Site {
        Site::start_with(folder, log, &[])
    }

    /// Starts it with more arguments of `serve`.
    pub fn start_with(folder: Folder, log: &str, arguments: &[String]) -> Site {
        add_operator(&folder);
        for _ in 0..STARTS_MAX {
            // Links and addresses on pages must work, so the address is chosen before the host listens on it.
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let url = format!("http://{address}");
            let mut command = Command::new(program());
            command.arg("serve").arg("--data").arg(folder.data()).args(["--public-url", &url, "--callback-rate", "0"]);
            // The payment systems of these tests, and their pages, are on this machine.
            command.arg("--call-loopback");
            command
                .args(["--listen", &address.to_string(), "--component"])
                .arg(format!("{PROVIDER}={}", component_path().display()));
            command.args(arguments).env("HARNESS_LOG", log).env_remove("HARNESS_TOKEN");
            if let Ok(host) = folder.try_start(command) {
                return Site { folder, host, client: Client::new(&*url).recording(), url };
            }
        }
        panic!("it did not start\n{}", folder.log());
    }

    /// Stops it, waits until it has exited, and returns its folder.
    pub fn stop(self) -> Folder {
        assert!(self.host.stop().success());
        self.folder
    }

    /// Returns the contents of a file next to the database, such as `token` or `key`.
    pub fn secret(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.data().join(name)).unwrap().trim().to_owned()
    }

    /// Returns all answers so far: their bodies, and their headers except `set-cookie`.
    pub fn received(&self) -> Vec<u8> {
        self.client.recorded()
    }

    /// Opens a path of the host with cookies.
    pub fn get(&self, path: &str, cookies: &str) -> Answer {
        self.client.get(path, cookies).unwrap()
    }

    /// Submits a form with cookies.
    pub fn post(&self, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Answer {
        self.client.post(path, cookies, fields).unwrap()
    }

    /// Submits a form whose last field is a file, with cookies.
    pub fn upload(&self, path: &str, cookies: &str, fields: &[(&str, &str)], file: &[u8]) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
        }
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"some.wasm\"\r\nContent-Type: application/wasm";
        write!(body, "--{BOUNDARY}\r\n{head}\r\n\r\n").unwrap();
        body.extend_from_slice(file);
        write!(body, "\r\n--{BOUNDARY}--\r\n").unwrap();
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.client.send("POST", path, &[("cookie", cookies), ("content-type", &kind)], &body).unwrap()
    }

    /// Calls the API. If `body` is null, none is sent.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.client.api(method, path, &self.secret("token"), body).unwrap()
    }

    /// Submits the login form with a password.
    pub fn try_log_in(&self, password: &str) -> Answer {
        try_log_in(&self.client, OPERATOR, password)
    }

    /// Logs the operator in.
    pub fn log_in(&self) -> Session {
        Session::log_in(&self.client, OPERATOR, PASSWORD)
    }
}
