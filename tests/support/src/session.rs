//! Operators at their pages.

use crate::{Answer, Client};

/// An operator who is logged in.
#[derive(Clone)]
pub struct Session {
    client: Client,
    /// The value of the session's cookie.
    pub cookie: String,
    /// The token of the session's forms.
    pub csrf: String,
}

/// Sends the login page's own form.
///
/// # Panics
/// There is no login page.
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
    /// The host refuses.
    pub fn log_in(client: &Client, operator: &str, password: &str) -> Session {
        let entered = try_log_in(client, operator, password);
        assert_eq!((entered.status, entered.header("location")), (303, "/operator/statistics"));
        let cookie = entered.cookie("session").unwrap();
        let csrf = client.get("/operator/export", &format!("session={cookie}")).unwrap().hidden("csrf");
        Session { client: client.clone(), cookie, csrf }
    }

    /// The value of the header `cookie`.
    pub fn cookies(&self) -> String {
        format!("session={}", self.cookie)
    }

    /// Opens a page.
    ///
    /// # Panics
    /// There is no whole answer.
    pub fn get(&self, path: &str) -> Answer {
        self.client.get(path, &self.cookies()).unwrap()
    }

    /// Sends a form of the session.
    ///
    /// # Panics
    /// There is no whole answer.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.client.post(path, &self.cookies(), &[&[("csrf", self.csrf.as_str())], fields].concat()).unwrap()
    }
}
