//! The link of an order, or the call that makes it.
//!
//! Where a payment system makes a link by a call, the order stands in the call. Its parts are then looked at as those of a link
//! whose form is submitted there.

use domain::{Context, Exchange, HttpCall, HttpResult, PaymentForm, PaymentLink, Question};
use sandbox::{Answers, Error, LinkStep, NoAnswers, drive};

/// A link, and the call of which it is made up, if it is no link yet.
pub struct Linked {
    pub link: PaymentLink,
    pub call: Option<HttpCall>,
}

/// Keeps the first call.
#[derive(Default)]
struct FirstCall(Option<HttpCall>);

impl Answers for FirstCall {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        NoAnswers.answer(questions)
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        self.0.get_or_insert_with(|| call.clone());
        NoAnswers.call(call)
    }
}

/// Takes a provider to a payment link or to the call that makes it, with nobody who answers.
pub fn linked(step: impl FnMut(&Context) -> Result<LinkStep, Error>) -> Result<Linked, Error> {
    let mut first = FirstCall::default();
    let (link, _) = drive(0, &mut first, step)?;
    match (link, first.0) {
        (_, Some(call)) => Ok(Linked { link: as_link(&call), call: Some(call) }),
        (Ok(link), None) => Ok(Linked { link, call: None }),
        (Err(failure), None) => Err(Error::Provider(failure.into_problems())),
    }
}

/// Returns the link whose form says what a call says: the fields of a form, or a body as a single field; of XML its texts.
fn as_link(call: &HttpCall) -> PaymentLink {
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let inputs = match body.trim_start().chars().next() {
        Some('{' | '[') => vec![("body".to_owned(), body)],
        Some('<') => {
            let texts = body.split('<').filter_map(|tag| tag.split_once('>'));
            texts.map(|(name, text)| (name.to_owned(), text.trim().to_owned())).collect()
        }
        _ => form_urlencoded::parse(&call.body).into_owned().collect(),
    };
    PaymentLink { form: Some(PaymentForm { action: call.url.clone(), inputs }), ..PaymentLink::default() }
}

#[cfg(test)]
mod tests {
    use domain::{HttpMethod, Repeatable};

    use super::*;

    #[test]
    fn what_a_call_says_of_an_order() {
        let inputs = |body: &str| {
            let call = HttpCall {
                method: HttpMethod::Post,
                url: "https://api.example.ru/".to_owned(),
                headers: Vec::new(),
                body: body.into(),
                repeatable: Repeatable::Never,
                answer_bytes_max: 1,
                client_certificate: None,
                extra: Vec::new(),
            };
            as_link(&call).form.unwrap().inputs
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(inputs("a=1&b=%2C"), [pair("a", "1"), pair("b", ",")]);
        assert_eq!(inputs("{\"a\": 1}"), [pair("body", "{\"a\": 1}")]);
        assert_eq!(inputs("<a><b>1</b></a>"), [pair("a", ""), pair("b", "1"), pair("/b", ""), pair("/a", "")]);
        assert_eq!(inputs(""), []);
    }
}
