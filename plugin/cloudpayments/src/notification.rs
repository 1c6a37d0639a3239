//! Notifications: what proves one, its fields, and which kind it is by what was proved.
//!
//! The HMAC covers the body and not the address. So the address (`/check`, `/pay`, …) says only which kind is expected, and a body that
//! is of another kind is not believed to be of this one.

use std::borrow::Cow;

use kit::base64::{Alphabet, matches};
use kit::contract::{CallbackRequest, Problem};
use kit::form::{self, Form};
use kit::hmac::Mac;
use kit::json::{JsonErrorKind, Object};
use kit::problem::{Code, filled};

use crate::settings::Settings;

/// The header of the proof: base64 of the HMAC-SHA256 of the body as it was sent, or of a GET's query.
pub const HEADER: &str = "content-hmac";

/// The fields that the verdict, the order or the amount depends on.
pub const REQUIRED_FIELDS: [&str; 15] = [
    "TransactionId",
    "PaymentTransactionId",
    "Amount",
    "Currency",
    "PaymentAmount",
    "InvoiceId",
    "AccountId",
    "Status",
    "OperationType",
    "GatewayName",
    "TestMode",
    "DateTime",
    "Reason",
    RECEIPT[0],
    RECEIPT[1],
];

/// Two fields of a receipt's notification, which otherwise has those of Cancel.
const RECEIPT: [&str; 2] = ["DocumentNumber", "FiscalSign"];

/// The fields that only inform.
const PASSTHROUGH_FIELDS: [&str; 14] = [
    "PaymentMethod",
    "CardType",
    "CardFirstSix",
    "CardLastFour",
    "AuthCode",
    "Email",
    "Name",
    "IpAddress",
    "Issuer",
    "Rrn",
    "ReasonCode",
    "TotalFee",
    "VatAboveTotalFee",
    "ProcessorAndPartnerFee",
];

/// The kinds that are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// May the payment be made?
    Check,
    /// A payment in one stage, or the hold of one in two.
    Pay,
    /// A declined payment.
    Fail,
    /// The payment that ends a hold.
    Confirm,
    /// A refund.
    Refund,
    /// A hold or payment that was cancelled.
    Cancel,
}

/// What follows the callback address, as the operator enters it at CloudPayments.
const PATHS: [(&str, Kind); 6] = [
    ("/check", Kind::Check),
    ("/pay", Kind::Pay),
    ("/fail", Kind::Fail),
    ("/confirm", Kind::Confirm),
    ("/refund", Kind::Refund),
    ("/cancel", Kind::Cancel),
];

impl Kind {
    /// Returns the kind that an address is for: people enter it with a slash at its end, and in capitals. Nothing proves the address, and
    /// the body must be of the same kind.
    pub fn of_path(path: &str) -> Option<Kind> {
        let path = path.trim_end_matches('/');
        PATHS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(path)).map(|(_, kind)| kind)
    }

    /// Returns the address of a kind.
    pub fn path(self) -> &'static str {
        PATHS.into_iter().find(|(_, kind)| *kind == self).map_or("", |(path, _)| path)
    }
}

/// Verifies the proof of a request, and returns the bytes that it covers.
///
/// # Errors
/// The problem with which the request is refused.
pub fn proved<'r>(settings: &Settings, request: &'r CallbackRequest) -> Result<&'r [u8], Problem> {
    let mut given = request.headers.iter().filter(|(name, _)| name == HEADER);
    let Some((_, code)) = given.next().filter(|(_, code)| !code.is_empty()) else {
        let message = "The request has no Content-HMAC: it is not CloudPayments', or something between took the header out.";
        return Err(Code::SignatureMissing.at(HEADER, message));
    };
    let bytes = form::of(request);
    let computed = Mac::Sha256.sign(settings.api_secret.expose().as_bytes(), &[bytes]);
    if given.next().is_none() && matches(Alphabet::Standard, &computed, code) {
        return Ok(bytes);
    }
    let message = "Content-HMAC does not hold: the request is forged, the API Secret is not the one of the site that sent it, or something \
                   between changed the body.";
    Err(Code::SignatureMismatch.at(HEADER, message))
}

/// The fields of a proved notification. An absent field is empty, as one that is empty or `null`.
pub struct Notification<'b>(Vec<(&'static str, Cow<'b, str>)>);

impl<'b> Notification<'b> {
    /// Reads a form or a JSON object. Which of them it is, the proved bytes say, and not the unproved `Content-Type`.
    ///
    /// # Errors
    /// The problem with which the callback is unresolved.
    pub fn read(bytes: &'b [u8]) -> Result<Notification<'b>, Problem> {
        match bytes.trim_ascii_start().first() {
            Some(b'{') => Notification::of_json(bytes),
            _ => Notification::of_form(bytes),
        }
    }

    fn of_form(bytes: &'b [u8]) -> Result<Notification<'b>, Problem> {
        let form = Form::parse(bytes, names()).map_err(|_| unknown_form("It has more fields than any notification."))?;
        form.require_single(&REQUIRED_FIELDS).map_err(|error| error.problem())?;
        let values = form.values().map(|value| Cow::Owned(value.to_owned()));
        Ok(Notification(names().zip(values).collect()))
    }

    fn of_json(bytes: &'b [u8]) -> Result<Notification<'b>, Problem> {
        let object = Object::parse(bytes).map_err(|error| match error.kind {
            JsonErrorKind::Duplicate => error.problem(),
            _ => unknown_form(&error.to_string()),
        })?;
        let mut fields = Vec::new();
        for name in names() {
            let text = match object.find(name) {
                None => Cow::Borrowed(""),
                Some(value) => match value.scalar() {
                    Ok(Some(text)) => text,
                    // What informs has no say, whatever it is.
                    _ if !REQUIRED_FIELDS.contains(&name) => Cow::Borrowed(""),
                    _ => return Err(unrecognized(name)),
                },
            };
            fields.push((name, text));
        }
        Ok(Notification(fields))
    }

    /// Returns a field's value; an absent one's is empty.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    fn has(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// Returns which kind of notification it is, by its fields alone; `None` if it is none that is known.
    ///
    /// Check and Pay have the same fields but for `GatewayName`, the bank that took the payment, which Check cannot have yet.
    pub fn kind(&self) -> Option<Kind> {
        let has_reason = self.has("Reason");
        match (self.get("OperationType"), self.get("Status")) {
            ("Refund", "" | "Completed") if self.has("PaymentTransactionId") && !has_reason => Some(Kind::Refund),
            _ if self.has("PaymentTransactionId") => None,
            ("Payment", "Completed" | "Authorized") if !has_reason => {
                Some(if self.has("GatewayName") { Kind::Pay } else { Kind::Check })
            }
            ("Payment", "" | "Declined") if has_reason => Some(Kind::Fail),
            ("", "Completed") if self.has("PaymentAmount") && !has_reason => Some(Kind::Confirm),
            ("", "") if ["PaymentAmount", "GatewayName", "Reason"].iter().chain(&RECEIPT).all(|name| !self.has(name)) => {
                Some(Kind::Cancel)
            }
            _ => None,
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    REQUIRED_FIELDS.into_iter().chain(PASSTHROUGH_FIELDS)
}

/// Returns the problem of a field whose form is not known.
pub fn unrecognized(field: &str) -> Problem {
    let message = [
        "Подпись верна, но это поле в незнакомой форме: CloudPayments мог её изменить. Обновите компонент.",
        "Content-HMAC holds, but the field has a form that is not known. CloudPayments may have changed it; update the provider.",
    ];
    Code::UnrecognizedForm.at(field, message)
}

fn unknown_form(what: &str) -> Problem {
    Code::UnrecognizedForm.whole(filled(
        ["Подпись верна, но уведомление не разобрать.", "Content-HMAC holds, but the notification cannot be read. {0}"],
        &[&what],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::HttpMethod;
    use kit::request::{get, post};

    fn request(headers: &[(&str, &str)], request: CallbackRequest) -> CallbackRequest {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        CallbackRequest { headers, ..request }
    }

    /// The body and secret of the facts, whose code openssl makes too:
    /// `printf %s "$BODY" | openssl dgst -sha256 -hmac supersecret -binary | base64`
    const BODY: &str = "TransactionId=123&Amount=10.50&Currency=RUB&InvoiceId=ord-1&Status=Completed";
    const CODE: &str = "Tp5NptNVJbyWFfGE+3Ug36YYRQQ1ff1KafGSxbnMBDE=";

    #[test]
    fn the_code_covers_the_bytes_that_were_sent() {
        let settings = settings(&[("api-secret", "supersecret")]);
        let code = |request: &CallbackRequest| proved(&settings, request).map(<[u8]>::to_vec).map_err(|problem| problem.code);
        let (mismatch, missing) = (Err("signature-mismatch".to_owned()), Err("signature-missing".to_owned()));
        let changed = BODY.replace("10.50", "10.51");
        let other_case = CODE.to_lowercase();
        for (headers, made, want) in [
            (&[(HEADER, CODE)][..], post(BODY), Ok(BODY.into())),
            (&[(HEADER, CODE)], get(BODY), Ok(BODY.into())),
            (&[(HEADER, CODE)], CallbackRequest { body: b"x".to_vec(), ..get(BODY) }, Ok(BODY.into())),
            (&[(HEADER, CODE)], CallbackRequest { query: "x=1".into(), ..post(BODY) }, Ok(BODY.into())),
            (&[(HEADER, CODE)], CallbackRequest { method: HttpMethod::Get, ..post(BODY) }, mismatch.clone()),
            (&[(HEADER, CODE)], post(changed.as_str()), mismatch.clone()),
            (&[(HEADER, CODE)], post(format!("{BODY}&")), mismatch.clone()),
            (&[(HEADER, &CODE[..43])], post(BODY), mismatch.clone()),
            (&[(HEADER, &other_case)], post(BODY), mismatch.clone()),
            (&[(HEADER, CODE), (HEADER, CODE)], post(BODY), mismatch),
            (&[(HEADER, "")], post(BODY), missing.clone()),
            (&[("x-content-hmac", CODE)], post(BODY), missing.clone()),
            (&[], post(BODY), missing),
        ] {
            assert_eq!(code(&request(headers, made)), want, "{headers:?}");
        }
    }

    const CHECK: &str =
        "TransactionId=1&Amount=10.50&Currency=RUB&PaymentAmount=10.50&Status=Completed&OperationType=Payment&TestMode=0";
    const CONFIRM: &str = "TransactionId=1&Amount=10.50&Currency=RUB&PaymentAmount=10.50&Status=Completed&TestMode=0";
    const CANCEL: &str = "TransactionId=1&Amount=10.50&DateTime=2026-11-28+10:00:05&InvoiceId=42";
    const REFUND: &str = "TransactionId=2&PaymentTransactionId=1&Amount=10.50&OperationType=Refund";

    #[test]
    fn kinds_by_what_was_proved() {
        let pay = format!("{CHECK}&GatewayName=Tinkoff");
        let fail = format!("{}&Reason=InsufficientFunds&ReasonCode=5051", CHECK.replace("Status=Completed&", ""));
        for (body, want) in [
            (CHECK.to_owned(), Some(Kind::Check)),
            (format!("{CHECK}&GatewayName="), Some(Kind::Check)),
            (CHECK.replace("Completed", "Authorized"), Some(Kind::Check)),
            (pay.clone(), Some(Kind::Pay)),
            (pay.replace("Completed", "Authorized"), Some(Kind::Pay)),
            (pay.replace("Completed", "Declined"), None),
            (pay.replace("Completed", "Cancelled"), None),
            (format!("{pay}&Type=0"), Some(Kind::Pay)),
            (pay.replace("=Payment", "=CardPayout"), None),
            (format!("{pay}&Reason=Approved"), None),
            (fail.clone(), Some(Kind::Fail)),
            (format!("{fail}&Status=Declined"), Some(Kind::Fail)),
            (format!("{fail}&Status=Completed"), None),
            (CONFIRM.to_owned(), Some(Kind::Confirm)),
            (CONFIRM.replace("Completed", "Authorized"), None),
            (CANCEL.to_owned(), Some(Kind::Cancel)),
            (format!("{CANCEL}&DocumentNumber=7"), None),
            (format!("{CANCEL}&FiscalSign=7"), None),
            (REFUND.to_owned(), Some(Kind::Refund)),
            (format!("{REFUND}&Status=Completed"), Some(Kind::Refund)),
            (format!("{REFUND}&Status=Declined"), None),
            (REFUND.replace("=Refund", "=CardPayout"), None),
            (REFUND.replace("&OperationType=Refund", ""), None),
            (format!("{pay}&PaymentTransactionId=1"), None),
            ("Id=sc_1&Interval=Month&Period=1&Status=Active".to_owned(), None),
        ] {
            assert_eq!(Notification::read(body.as_bytes()).ok().unwrap().kind(), want, "{body}");
        }
    }

    #[test]
    fn forms_and_json_say_the_same() {
        let form = b"TransactionId=2593940675&Amount=3900.00&TestMode=0&Name=%D0%98&InvoiceId=&Rrn=1".as_slice();
        let json = r#" {"TransactionId":2593940675,"Amount":3900.00,"TestMode":0,"Name":"\u0418","InvoiceId":null,"Rrn":"1","Data":{"a":[1]}}"#;
        let [form, json] = [form, json.as_bytes()].map(|bytes| Notification::read(bytes).ok().unwrap());
        for name in names() {
            assert_eq!(form.get(name), json.get(name), "{name}");
        }
        assert_eq!((json.get("Amount"), json.get("Name"), json.get("unknown")), ("3900.00", "И", ""));
    }

    #[test]
    fn what_cannot_be_read() {
        let code = |bytes: &[u8]| Notification::read(bytes).err().map(|problem| problem.code);
        for (bytes, want) in [
            (b"Amount=1&Amount=2".to_vec(), Some("field-conflict")),
            (b"Amount=1&Amount=1".to_vec(), None),
            (b"Name=a&Name=b".to_vec(), None),
            (b"Name=%FF".to_vec(), None),
            ("a&".repeat(600).into_bytes(), Some("unrecognized-form")),
            (b"{".to_vec(), Some("unrecognized-form")),
            (b"{} {}".to_vec(), Some("unrecognized-form")),
            (br#"{"Amount":1,"Amount":2}"#.to_vec(), Some("field-conflict")),
            (br#"{"Amount":[1]}"#.to_vec(), Some("unrecognized-form")),
            (br#"{"Name":[1]}"#.to_vec(), None),
            (b"".to_vec(), None),
        ] {
            assert_eq!(code(&bytes).as_deref(), want, "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn addresses() {
        for (path, kind) in PATHS {
            assert_eq!((Kind::of_path(path), kind.path()), (Some(kind), path));
        }
        for path in ["/pay/", "/pay//", "/Pay", "/PAY/"] {
            assert_eq!(Kind::of_path(path), Some(Kind::Pay), "{path}");
        }
        for path in ["", "/", "/pay/x", "pay", "pay/", "//pay", "/%70ay", "/receipt"] {
            assert_eq!(Kind::of_path(path), None, "{path}");
        }
    }
}
