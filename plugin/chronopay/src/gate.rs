//! ChronoPay's gate: requests and answers in XML.
//!
//! The signature of a request covers the operation and the product, and neither the customer nor the amount: TLS protects those.

use kit::contract::Problem;
use kit::exchanges::{HttpCall, HttpResult, Repeatable};
use kit::problem::Code;
use kit::text::{remark, shown};
use kit::{Context, Stop, call};

use crate::settings::Settings;
use crate::sign;

/// What is asked of the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation<'o> {
    /// Charges a customer again, with an amount as text: `100.00`.
    Charge(&'o str),
    /// Ends a customer's subscription.
    Cancel,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not done, with the gate's reason.
    Refused(Problem),
    /// It did not reach the gate.
    NotSent(Problem),
    /// It may have been done.
    Unknown(Problem),
}

/// Has an operation on a customer done.
///
/// # Errors
/// The call, if it was not made yet.
pub fn ask(settings: &Settings, operation: Operation, customer: &str, context: &Context) -> Result<Outcome, Stop> {
    let unavailable = |in_russian: &str, in_english: &str, reason: &str| {
        let end = shown(reason);
        Code::Unavailable.whole([[in_russian, &end].concat(), [in_english, &end].concat()])
    };
    Ok(match context.call(request(settings, operation, customer))? {
        HttpResult::Response(response) if response.status == 200 => match read(&response.body) {
            Some(Answer { code, .. }) if code.bytes().all(|digit| digit == b'0') => Outcome::Done,
            Some(Answer { code, message }) => {
                let end = [shown(code).as_str(), ": ", &remark(message)].concat();
                let message = ["ChronoPay отказал, код ", "ChronoPay refused it with the code "];
                Outcome::Refused(Code::Invalid.whole(message.map(|begin| [begin, &end].concat())))
            }
            None => Outcome::Unknown(unavailable(
                "Ответ ChronoPay в незнакомой форме.",
                "ChronoPay's answer is not one of its gate.",
                "",
            )),
        },
        HttpResult::Response(response) => Outcome::Unknown(unavailable(
            "ChronoPay ответил со статусом ",
            "ChronoPay answered with the status ",
            &response.status.to_string(),
        )),
        HttpResult::NotSent(reason) => {
            Outcome::NotSent(unavailable("Связаться с ChronoPay не удалось: ", "ChronoPay cannot be reached: ", reason))
        }
        HttpResult::Unknown(reason) => {
            Outcome::Unknown(unavailable("ChronoPay не ответил: ", "ChronoPay did not answer: ", reason))
        }
    })
}

/// Builds a request. None of its values has a character that XML escapes.
fn request(settings: &Settings, operation: Operation, customer: &str) -> HttpCall {
    let (opcode, money, repeatable) = match operation {
        Operation::Charge(amount) => ("3", ["<Money><amount>", amount, "</amount></Money>"].concat(), Repeatable::Never),
        Operation::Cancel => ("7", String::new(), Repeatable::Always),
    };
    let product = settings.product_id.as_str();
    let hash = sign::gate(opcode, product, &settings.shared_sec);
    let body = [
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><request><Opcode>",
        opcode,
        "</Opcode><hash>",
        &hash,
        "</hash><Customer>",
        customer,
        "</Customer><Product>",
        product,
        "</Product>",
        &money,
        "</request>",
    ]
    .concat();
    call::post(settings.gate.as_str(), "text/xml; charset=utf-8", body, repeatable)
}

/// An answer of the gate. What is absent is empty.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Answer<'a> {
    /// Digits, at least one.
    code: &'a str,
    message: &'a str,
}

/// The deepest nesting of an answer. Known ones have three levels.
const DEPTH_MAX: usize = 8;

/// Reads an answer: elements and text, in UTF-8. `kit::xml` reads all of XML, which is 75 KB of a component; the gate's answers are
/// three elements. `None`: it is anything else, or has an element twice, so that two readers could see two answers.
fn read(body: &[u8]) -> Option<Answer<'_>> {
    let mut rest = str::from_utf8(body).ok()?.trim_start_matches('\u{feff}').trim();
    if let Some(declared) = rest.strip_prefix("<?xml ") {
        rest = declared.split_once("?>")?.1.trim_start();
    }
    let mut answer = Answer::default();
    let mut open: Vec<&str> = Vec::new();
    // Whether the last tag opened an element: then the text after it is all of that element.
    let mut is_opened = false;
    loop {
        let (text, tag) = rest.split_once('<')?;
        let (tag, after) = tag.split_once('>')?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop()? != name.trim_end() {
                return None;
            }
            if open.len() == 1 && is_opened {
                answer.set(name.trim_end(), text.trim())?;
            }
            is_opened = false;
        } else {
            let name = tag.trim_end_matches('/').split_ascii_whitespace().next()?;
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) || open.len() == DEPTH_MAX {
                return None;
            }
            is_opened = !tag.ends_with('/');
            if open.is_empty() && !name.eq_ignore_ascii_case("response") {
                return None;
            }
            open.extend(is_opened.then_some(name));
        }
        if open.is_empty() {
            let is_code = !answer.code.is_empty() && answer.code.bytes().all(|digit| digit.is_ascii_digit());
            return Some(answer).filter(|_| is_code && rest.is_empty());
        }
    }
}

impl<'a> Answer<'a> {
    /// Takes an element. `None`: it was there before.
    fn set(&mut self, name: &str, text: &'a str) -> Option<()> {
        let known = [("code", &mut self.code), ("message", &mut self.message)];
        match known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, place)) if place.is_empty() => *place = text,
            Some(_) => return None,
            None => {}
        }
        Some(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::HttpMethod;

    // md5("TestSharedSec001-3-001234-0001-0001") and md5("TestSharedSec001-7-001234-0001-0001") by Python's hashlib.
    #[test]
    fn requests() {
        let settings = settings(&[]);
        let charge = request(&settings, Operation::Charge("100.00"), "001234-100000062");
        assert_eq!((charge.method, charge.repeatable), (HttpMethod::Post, Repeatable::Never));
        assert_eq!(charge.url, "https://gate.chronopay.com/");
        assert_eq!(
            str::from_utf8(&charge.body).unwrap(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><request><Opcode>3</Opcode><hash>7b2264fc2607879cbeb48a280a0f2636</hash>\
             <Customer>001234-100000062</Customer><Product>001234-0001-0001</Product><Money><amount>100.00</amount></Money></request>"
        );
        let cancel = request(&settings, Operation::Cancel, "001234-100000062");
        assert_eq!(cancel.repeatable, Repeatable::Always);
        assert_eq!(
            str::from_utf8(&cancel.body).unwrap(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><request><Opcode>7</Opcode><hash>d405e31deab11497d182cc46b8ac589d</hash>\
             <Customer>001234-100000062</Customer><Product>001234-0001-0001</Product></request>"
        );
    }

    #[test]
    fn answers() {
        let answer = |code, message| Some(Answer { code, message });
        for (body, want) in [
            ("<response><code>000</code><message/></response>", answer("000", "")),
            ("<response><code>0</code></response>", answer("0", "")),
            (
                "\u{feff}<?xml version=\"1.0\"?>\r\n<response>\n <code> 000 </code>\n <message></message>\
                 <Transaction>56244473</Transaction>\n</response>\n",
                answer("000", ""),
            ),
            (
                "<response><code>105</code><message>Нет средств &amp; всё</message><Extended><code>7</code><message>x</message>\
                 </Extended></response>",
                answer("105", "Нет средств &amp; всё"),
            ),
            ("<Response xmlns=\"urn:x\"><Code type=\"n\">000</Code></Response>", answer("000", "")),
            ("", None),
            ("OK", None),
            ("<response/>", None),
            ("<response></response>", None),
            ("<response><code></code></response>", None),
            ("<response><code>ok</code></response>", None),
            ("<response><code>000</code>", None),
            ("<response><code>000</message></response>", None),
            ("<response><code>000</code></response><response/>", None),
            ("<response><code>000</code><code>105</code></response>", None),
            ("<response><Extended><code>000</code></Extended></response>", None),
            ("<response><code>0<b/>00</code></response>", None),
            ("<response><!-- <code>000</code> --></response>", None),
            ("<response><![CDATA[<code>000</code>]]></response>", None),
            ("<!DOCTYPE response><response><code>000</code></response>", None),
            ("<html><code>000</code></html>", None),
            (&format!("<response>{}</response>", "<a>".repeat(9)), None),
        ] {
            assert_eq!(read(body.as_bytes()), want, "{body}");
        }
        assert_eq!(read(b"<response><code>000</code><message>\xc8</message></response>"), None);
    }
}
