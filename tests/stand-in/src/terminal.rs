//! A terminal that speaks ОСМП's check-pay protocol, or Sber's variant of it. It asks a host about accounts and reports payments to it. A
//! person uses it on its [`page`].

pub mod page;

use std::time::Duration;

use url::Url;

use crate::Method;
use crate::send::{Answer as Reading, Sender};

/// Longer than any machine needs; the protocol allows a minute.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// Which protocol a terminal speaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// ОСМП's, with the name of the parameter that has the payment's number.
    Osmp(&'static str),
    /// Sber's.
    Sber,
}

/// A payment at a terminal, in the protocol's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// The terminal's number of it.
    pub number: String,
    /// What the payer entered.
    pub account: String,
    /// Such as `10.45`.
    pub sum: String,
    /// `YYYYMMDDhhmmss`, or Sber's `DD.MM.YYYY_hh:mm:ss`.
    pub date: String,
}

/// A terminal.
pub struct Terminal {
    sender: Sender,
    callback_url: Url,
    protocol: Protocol,
    method: Method,
}

/// What a host answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// What was asked: the parameters, percent-encoded.
    pub request: String,
    /// HTTP's status.
    pub status: u16,
    /// The XML.
    pub body: String,
}

impl Answer {
    /// Returns the text of the first element of this name, as it is written; `None` if there is none.
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
    }
}

impl Terminal {
    /// Creates a terminal that reports to a host's callback address.
    ///
    /// # Errors
    /// If the address is not a URL.
    pub fn new(callback_url: &str, protocol: Protocol, method: Method) -> Result<Terminal, url::ParseError> {
        let sender = Sender::new(ANSWER_TIME_MAX);
        Ok(Terminal { sender, callback_url: Url::parse(callback_url)?, protocol, method })
    }

    /// Asks whether an account takes a payment.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn check(&self, number: &str, account: &str, sum: &str) -> Result<Answer, String> {
        match self.protocol {
            Protocol::Osmp(id) => self.send(&[("command", "check"), (id, number), ("account", account), ("sum", sum)]),
            Protocol::Sber => self.send(&[("ACTION", "check"), ("ACCOUNT", account), ("AMOUNT", sum)]),
        }
    }

    /// Reports a payment once.
    ///
    /// # Errors
    /// Why there is no answer: it is then unknown whether the payment was entered.
    pub fn pay(&self, Payment { number, account, sum, date }: &Payment) -> Result<Answer, String> {
        match self.protocol {
            Protocol::Osmp(id) => self.send(&[
                ("command", "pay"),
                (id, number),
                ("txn_date", date),
                ("account", account),
                ("sum", sum),
                ("trm_id", "77"),
            ]),
            Protocol::Sber => self.send(&[
                ("ACTION", "payment"),
                ("ACCOUNT", account),
                ("AMOUNT", sum),
                ("PAY_ID", number),
                ("PAY_DATE", date),
            ]),
        }
    }

    /// Takes a payment back, by a cancellation with a number of its own. ОСМП's protocol alone has this.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn cancel(&self, number: &str, payment: &str) -> Result<Answer, String> {
        self.send(&[("command", "cancel"), (self.id(), number), ("cancel_txn_id", payment)])
    }

    /// Asks what became of a payment. ОСМП's protocol alone has this.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn status(&self, number: &str) -> Result<Answer, String> {
        self.send(&[("command", "status"), (self.id(), number)])
    }

    fn id(&self) -> &'static str {
        match self.protocol {
            Protocol::Osmp(id) => id,
            Protocol::Sber => "PAY_ID",
        }
    }

    /// Sends a request with any parameters.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn send(&self, parameters: &[(&str, &str)]) -> Result<Answer, String> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let sent = self.sender.send(&self.callback_url, self.method, &form, Reading::Noted);
        match (sent.status, sent.answer) {
            (Some(status), Some(body)) => Ok(Answer { request: form, status, body }),
            _ => Err(sent.problem.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_an_answer() {
        let body = "<response><osmp_txn_id>7</osmp_txn_id><result>0</result><comment></comment></response>".to_owned();
        let answer = Answer { request: String::new(), status: 200, body };
        let values = ["osmp_txn_id", "result", "comment", "prv_txn"].map(|name| answer.value(name));
        assert_eq!(values, [Some("7"), Some("0"), Some(""), None]);
    }
}
