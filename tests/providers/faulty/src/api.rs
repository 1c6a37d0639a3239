//! Faulty's API: calls to `https://api.faulty.example`, with the key in a header. An answer is a form that ends with `end=1`:
//! `state`, and what belongs to it: `payment`, `payer`, `amount`, `order`, `refund`, `code`.

use kit::contract::{HttpMethod, Problem};
use kit::exchanges::{HttpCall, HttpResult, Repeatable};
use kit::form::{self, Form};
use kit::problem::Code;
use kit::{Context, Stop, call};

use crate::{Merchant, fault};

pub const HOST: &str = "api.faulty.example";
const FIELDS: [&str; 8] = ["state", "payment", "payer", "amount", "order", "refund", "code", "end"];

/// What an answer says.
#[derive(Default)]
pub struct Values {
    pub state: String,
    pub payment: String,
    pub payer: String,
    pub amount: String,
    pub order: String,
    pub refund: String,
    pub code: String,
}

/// The result of a call.
pub enum Answer {
    Said(Values),
    /// It did not arrive there.
    NotSent,
    /// It was answered with a status of a server that failed.
    Failed,
    /// It may have arrived.
    Lost,
    /// The answer cannot be understood.
    Unclear,
}

impl Merchant {
    /// Has a call made that reads.
    pub fn query(&self, context: &Context, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Stop> {
        answer(context, self.reading(path, fields))
    }

    /// Returns a call that reads.
    pub fn reading(&self, path: &str, fields: &[(&str, &str)]) -> HttpCall {
        let fields = [("shop", self.shop.as_str())].into_iter().chain(fields.iter().copied());
        self.with_key(call::get(format!("https://{}{path}?{}", host(), form::encode(fields))))
    }

    /// Has a call made that changes something.
    pub fn send(&self, context: &Context, path: &str, fields: &[(&str, &str)], repeatable: Repeatable) -> Result<Answer, Stop> {
        let fields = [("shop", self.shop.as_str())].into_iter().chain(fields.iter().copied());
        let url = match fault::is("secret-in-call-url") {
            true => format!("https://{HOST}{path}?key={}", self.key.expose()),
            false => format!("https://{}{path}", host()),
        };
        let call = HttpCall {
            method: HttpMethod::Post,
            ..call::post(url, "application/x-www-form-urlencoded", form::encode(fields), repeatable)
        };
        answer(context, self.with_key(call))
    }

    fn with_key(&self, mut call: HttpCall) -> HttpCall {
        call.headers.push(("x-key".to_owned(), self.key.expose().to_owned()));
        call
    }
}

fn host() -> &'static str {
    if fault::is("calls-elsewhere") { "api.other.example" } else { HOST }
}

fn answer(context: &Context, call: HttpCall) -> Result<Answer, Stop> {
    Ok(match context.call(call)? {
        HttpResult::Response(response) if response.status == 200 => {
            values(&response.body).map_or(Answer::Unclear, Answer::Said)
        }
        HttpResult::Response(response) if response.status >= 500 => Answer::Failed,
        HttpResult::Response(_) => Answer::Unclear,
        HttpResult::Unknown(_) => Answer::Lost,
        HttpResult::NotSent(_) => Answer::NotSent,
    })
}

fn values(body: &[u8]) -> Option<Values> {
    let form = Form::parse(body, FIELDS).ok()?;
    form.require_single(&["state"]).ok()?;
    let get = |name: &str| form.get(name).to_owned();
    (get("end") == "1" || fault::is("cut-answer-believed")).then(|| Values {
        state: get("state"),
        payment: get("payment"),
        payer: get("payer"),
        amount: get("amount"),
        order: get("order"),
        refund: get("refund"),
        code: get("code"),
    })
}

/// Why the payment system cannot be asked.
pub fn unavailable() -> Problem {
    Code::Unavailable.whole("The payment system cannot be reached; try again later.")
}

/// Why an answer tells nothing.
pub fn unclear() -> Problem {
    Code::UnrecognizedForm.whole("The answer is not about this order, or has another form.")
}

/// Why nobody knows what a call did.
pub fn unknown() -> Problem {
    Code::Unavailable.whole("The payment system's answer was lost; look into its cabinet.")
}
