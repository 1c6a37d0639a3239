//! The buyer's browser.

use std::time::Duration;

use stand_in::serving::Running;
use stand_in::system::PaymentSystem;
use support::{Answer, agent};

/// The longest wait for anything.
pub const LONGEST: Duration = Duration::from_secs(20);

pub type Fields = Vec<(String, String)>;

/// An answer: status, `Location` and body.
pub struct Page(pub u16, pub String, pub String);

fn page(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Page {
    let answer = Answer::of(response.unwrap()).unwrap();
    Page(answer.status, answer.header("location").to_owned(), answer.text().to_owned())
}

pub fn open(url: &str) -> Page {
    page(agent().get(url).call())
}

/// Opens a link to the payment page.
pub fn get<S: PaymentSystem>(running: &Running<S>, fields: &[(String, String)]) -> Page {
    open(&format!("{}?{}", running.url(), encode(fields)))
}

pub fn post(url: &str, fields: &[(String, String)]) -> Page {
    page(agent().post(url).content_type("application/x-www-form-urlencoded").send(encode(fields)))
}

/// Presses a button of the payment page.
pub fn press<S: PaymentSystem>(running: &Running<S>, choice: &str, fields: &[(String, String)]) -> Page {
    let url = format!("http://{}/pay", running.address());
    post(&url, &[fields, &[("choice".to_owned(), choice.to_owned())]].concat())
}

fn encode(fields: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub fn decode(form: &str) -> Fields {
    form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

pub fn value<'f>(fields: &'f [(String, String)], name: &str) -> &'f str {
    fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

/// Applies changes to fields. A field that is set to an empty value is left out.
pub fn changed(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Fields {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let all = kept.chain(changes).filter(|(_, value)| !value.is_empty());
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
