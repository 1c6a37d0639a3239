//! Sessions of operators.

use crate::{Answer, Client};

/// A logged-in operator.
#[derive(Clone)]
pub struct Session {
    client: Client,
    /// The value of the session's cookie.
    pub cookie: String,
    /// The CSRF token of the session's forms.
    pub csrf: String,
}

/// Fetches the login page and submits its form.
///
/// # Panics
/// If there is no login page.
pub fn try_log_in(client: &Client, operator: &str, password: &str) -> Answer {
    let page = client.get("/operator/login", "").unwrap();
    let cookies = format!("login={}", page.cookie("login").unwrap());
    client
        .post("/operator/login", &cookies, &[("csrf", &page.hidden("csrf")), ("operator", operator), ("password", password)])
        .unwrap()
}

impl Session {
    /// Logs an operator in.
    ///
    /// # Panics
    /// If the host refuses.
    pub fn log_in(client: &Client, operator: &str, password: &str) -> Session {
        let entered = try_log_in(client, operator, password);
        assert_eq!((entered.status, entered.header("location")), (303, "/operator/statistics"));
        let cookie = entered.cookie("session").unwrap();
        let csrf = client.get("/operator/export", &format!("session={cookie}")).unwrap().hidden("csrf");
        Session { client: client.clone(), cookie, csrf }
    }

    /// Returns the value of the `cookie` header.
    pub fn cookies(&self) -> String {
        format!("session={}", self.cookie)
    }

    /// Opens a page.
    ///
    /// # Panics
    /// If no complete answer arrives.
    pub fn get(&self, path: &str) -> Answer {
        self.client.get(path, &self.cookies()).unwrap()
    }

    /// Submits a form with the session's CSRF token.
    ///
    /// # Panics
    /// If no complete answer arrives.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.client.post(path, &self.cookies(), &[&[("csrf", self.csrf.as_str())], fields].concat()).unwrap()
    }
}
