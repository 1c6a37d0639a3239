//! The values that a notification's Token covers.

use kit::json::{JsonError, Object};
use kit::order;

use crate::api::{NO_ERROR, amount, is_payment_id};
use crate::event::Subject;
use crate::sign::TOKEN;

/// The fields whose values decide, or that the Token covers: the host must not change them in what it keeps.
pub const REQUIRED_FIELDS: [&str; 13] = [
    "TerminalKey",
    "OrderId",
    "Success",
    "Status",
    "PaymentId",
    "ErrorCode",
    "Amount",
    "CardId",
    "RebillId",
    "ExpDate",
    "Message",
    "Details",
    TOKEN,
];
/// The scalar fields of a notification about a payment. RebillId is not among them: it stands behind PaymentId in the signed text, and
/// both are digits.
const KNOWN: [&str; 13] = [
    "TerminalKey",
    "OrderId",
    "Success",
    "Status",
    "PaymentId",
    "ErrorCode",
    "Amount",
    "CardId",
    "Pan",
    "ExpDate",
    "Message",
    "Details",
    TOKEN,
];
/// What `Message` and `Details` say where nothing went wrong.
const NOTHING_WRONG: [&str; 4] = ["", "OK", "None", "0"];

/// The signed values of a notification about a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// In kopecks, not negative.
    pub amount: i64,
    pub order: String,
    /// At most 20 digits.
    pub payment: String,
}

impl Notification {
    /// Parses the values of a notification about something that went well, or that did not.
    ///
    /// The signed text joins the values in the order of their names: Amount, CardId, Details, ErrorCode, ExpDate, Message, OrderId,
    /// Pan, the password, PaymentId, Status, Success, TerminalKey. So none of them may be able to hold a piece of its neighbour; where
    /// two are digits (Amount and CardId), the order that the host knows tells the amount.
    ///
    /// # Errors
    /// The field that has a form that is not known.
    pub fn read(root: &Object<'_>, went_well: bool) -> Result<Notification, String> {
        let unknown = root.scalars().map_err(|error| error.path)?.into_iter().find(|(name, _)| !KNOWN.contains(name));
        if let Some((name, _)) = unknown {
            return Err(name.to_owned());
        }
        let named = |error: JsonError| error.path;
        let amount = amount(&root.number_text("Amount").map_err(named)?).ok_or("Amount")?;
        let order = root.text("OrderId").map_err(named)?.into_owned();
        let payment = root.number_text("PaymentId").map_err(named)?.into_owned();
        let code = root.number_text("ErrorCode").map_err(named)?;
        if !is_order_id(&order) {
            return Err("OrderId".to_owned());
        }
        if !is_payment_id(&payment) {
            return Err("PaymentId".to_owned());
        }
        if root.flag("Success").map_err(named)? != went_well {
            return Err("Success".to_owned());
        }
        if (code == NO_ERROR) != went_well || !is_number(&code) {
            return Err("ErrorCode".to_owned());
        }
        let message =
            ["Message", "Details"].into_iter().find(|name| went_well && !NOTHING_WRONG.contains(&&*optional(root, name)));
        match message {
            Some(name) => Err(name.to_owned()),
            None => check_card(root).map(|()| Notification { amount, order, payment }),
        }
    }

    /// Returns what the notification is about.
    pub fn subject(&self) -> Subject<'_> {
        Subject { payment: &self.payment, order: &self.order }
    }
}

/// Reports whether a text can be the id of an order that this provider made. It begins with no zero: one could be `ErrorCode`, and the
/// zero of that the last of an amount.
pub fn is_order_id(text: &str) -> bool {
    order::is_id(text) && !text.starts_with('0')
}

/// Returns a scalar value as text; empty if there is none.
pub fn optional(root: &Object<'_>, name: &str) -> String {
    root.find(name).and_then(|value| value.scalar().ok().flatten()).unwrap_or_default().into_owned()
}

/// Checks what is told of the card: its mask has six digits before the stars, and its expiry four, so that neither can hold a digit of
/// the order between them. A payer by «СБП» has neither, or the mask of a telephone number, which begins with a plus.
fn check_card(root: &Object<'_>) -> Result<(), String> {
    let [card, pan, expiry] = ["CardId", "Pan", "ExpDate"].map(|name| optional(root, name));
    if !card.is_empty() && !is_number(&card) {
        return Err("CardId".to_owned());
    }
    let is_mask = |pan: &str| {
        let (first, rest) = pan.split_at_checked(6).unwrap_or_default();
        let last = rest.trim_start_matches('*');
        is_number(first) && rest.len() > last.len() && last.len() == 4 && is_number(last)
    };
    match (pan.as_str(), expiry.as_str()) {
        ("", "") => Ok(()),
        (phone, "") if phone.starts_with('+') => Ok(()),
        (pan, _) if !is_mask(pan) => Err("Pan".to_owned()),
        (_, expiry) if expiry.len() == 4 && is_number(expiry) => Ok(()),
        _ => Err("ExpDate".to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = r#""CardId":322264,"Pan":"430000******0777","ExpDate":"1122""#;

    fn read(more: &str, changes: &[(&str, &str)]) -> Result<Notification, String> {
        let mut text = format!(
            r#"{{"TerminalKey":"1321054611234","OrderId":"201709","Success":true,"Status":"CONFIRMED","PaymentId":8742591,"ErrorCode":"0",
                "Amount":9855,"Data":{{"Source":"cards"}}{more}}}"#
        );
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        Notification::read(&Object::parse(text.as_bytes()).unwrap(), true)
    }

    #[test]
    fn values_of_a_payment() {
        let want = Ok(Notification { amount: 9855, order: "201709".into(), payment: "8742591".into() });
        let card = format!(",{CARD}");
        for (more, changes) in [
            ("", &[][..]),
            (&*card, &[]),
            (",\"Message\":\"OK\",\"Details\":null", &[]),
            (",\"Pan\":\"+7 (9**) ***-**-67\"", &[]),
            ("", &[("8742591", "\"8742591\""), ("9855", "\"9855\""), ("\"0\"", "0")]),
        ] {
            assert_eq!(read(more, changes), want, "{more} {changes:?}");
        }
    }

    #[test]
    fn no_value_can_hold_a_piece_of_its_neighbour() {
        let card = format!(",{CARD}");
        for (more, changes, field) in [
            ("", &[("9855", "98.55")][..], "Amount"),
            ("", &[("9855", "\"09855\"")], "Amount"),
            ("", &[("\"0\"", "\"00\"")], "ErrorCode"),
            ("", &[("\"0\"", "\"\"")], "ErrorCode"),
            ("", &[("201709", "")], "OrderId"),
            ("", &[("201709", "0201709"), ("9855", "985")], "OrderId"),
            ("", &[("8742591", "\"87425a\"")], "PaymentId"),
            ("", &[("true", "\"true\"")], "Success"),
            ("", &[("true", "false")], "Success"),
            (",\"Message\":\"20\"", &[], "Message"),
            (",\"Details\":\"9855\"", &[], "Details"),
            (",\"RebillId\":101709", &[], "RebillId"),
            (",\"Orde\":\"20\"", &[], "Orde"),
            (&card, &[("430000******0777", "9430000******0777")], "Pan"),
            (&card, &[("430000******0777", "30000******0777")], "Pan"),
            (&card, &[("430000******0777", "4300000777")], "Pan"),
            (&card, &[(",\"ExpDate\":\"1122\"", "")], "ExpDate"),
            (&card, &[("\"1122\"", "\"11222\"")], "ExpDate"),
            (&card, &[(",\"Pan\":\"430000******0777\"", "")], "Pan"),
            (&card, &[("322264", "\"x\"")], "CardId"),
        ] {
            assert_eq!(read(more, changes), Err(field.to_owned()), "{more} {changes:?}");
        }
    }
}
