//! The program with all that it serves, entered as an operator and a billing system enter it: over HTTP, and with no file of settings.

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
    client: Client,
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
                return Site { folder, host, client: Client::new(&*url).recording(), url };
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
        self.client.recorded()
    }

    /// Gets an address of the host with some cookies.
    pub fn get(&self, path: &str, cookies: &str) -> Answer {
        self.client.get(path, cookies).unwrap()
    }

    /// Sends a form with some cookies.
    pub fn post(&self, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Answer {
        self.client.post(path, cookies, fields).unwrap()
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
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.client.send("POST", path, &[("cookie", cookies), ("content-type", &kind)], &body).unwrap()
    }

    /// Asks the API; a body of null is none.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.client.api(method, path, &self.secret("token"), body).unwrap()
    }

    /// Sends the login's own form with a password.
    pub fn try_log_in(&self, password: &str) -> Answer {
        try_log_in(&self.client, OPERATOR, password)
    }

    /// Logs the operator in.
    pub fn log_in(&self) -> Session {
        Session::log_in(&self.client, OPERATOR, PASSWORD)
    }
}
