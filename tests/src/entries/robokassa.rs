//! Robokassa's notifications and links.

use std::sync::OnceLock;

use ::robokassa::Robokassa;
use domain::{AccountNumber, EventKind, LinkRequest, Money, OrderId, Verdict};
use money::Currency;

use super::{form_of_link, request_of, values};
use crate::vectors::form_of;
use crate::{convert, decode, post, robokassa};

fn robokassa_merchant() -> &'static Robokassa {
    static MERCHANT: OnceLock<Robokassa> = OnceLock::new();
    MERCHANT.get_or_init(|| robokassa::native(&[]))
}

/// A notification of Robokassa, GET or POST by the first byte; or, if that is `S`, any values (sum, invoice, order, another
/// parameter's name and value) with a valid signature. If it is accepted, its signature is valid and the event has its values.
pub fn robokassa_callback(bytes: &[u8]) {
    let request = match bytes.split_first() {
        Some((b'S', rest)) => {
            let values = values(rest);
            let value = |at: usize, default| values.get(at).map_or(default, |value| value.as_ref());
            let own = format!("Shp_{}", value(3, "a"));
            let mut fields = vec![("OutSum", value(0, "100.000000")), ("InvId", value(1, "42")), ("Shp_order", value(2, "42"))];
            fields.extend((values.len() > 3 && own != "Shp_order").then_some((own.as_str(), value(4, ""))));
            post(robokassa::signed(&fields).as_bytes())
        }
        _ => request_of(bytes),
    };
    let judged = || convert::answer(robokassa_merchant(), &request);
    let answer = judged();
    assert_eq!(judged(), answer, "the same input has the same answer");
    let form = decode(form_of(&request));
    let value = |name: &str| form.iter().find(|(other, _)| other == name.as_bytes()).map_or(&b""[..], |(_, value)| value);
    let reply = answer.reply.expect("its reply depends on nothing");
    let body = String::from_utf8(reply.body).expect("a reply is text");
    if let Verdict::Refused(problem) = &answer.verdict {
        let is_signed = bytes.first() == Some(&b'S');
        assert!(!is_signed || !problem.code.starts_with("signature-"), "it is signed: {problem:?}");
        return assert_eq!((reply.status, body.as_str()), (403, "Forbidden"));
    }
    // If it is not refused, its signature is valid, and the reply repeats Robokassa's number.
    let signature = value("SignatureValue").to_ascii_lowercase();
    let mut texts = robokassa::signed_texts(form_of(&request), robokassa::PASSWORD_2).into_iter();
    assert!(texts.any(|text| signature == robokassa::digest_hex("md5", &text).as_bytes()), "a notification that is not signed");
    for name in ["OutSum", "InvId", "SignatureValue", "Shp_order"] {
        assert!(form.iter().filter(|(other, _)| other == name.as_bytes()).all(|(_, other)| other == value(name)), "{name}");
    }
    let is_number = value("InvId").len() <= 20 && value("InvId").iter().all(u8::is_ascii_digit);
    let number = if is_number { value("InvId") } else { b"" };
    assert_eq!((reply.status, body.into_bytes()), (200, [b"OK", number].concat()));
    let [event] = answer.verdict.events() else { return };
    assert!(matches!(value("IsTest"), b"" | b"0"), "a test payment");
    assert_eq!(event.facts.kind, EventKind::Payment);
    assert_eq!(event.facts.transaction.as_bytes(), value("InvId"));
    let named = form.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"Shp_order")).map(|(_, order)| order.as_slice());
    assert!(
        event
            .facts
            .order
            .as_ref()
            .is_none_or(|order| named.clone().all(|named| named == order.as_bytes()) && named.count() > 0)
    );
    let written = money::format_amount(event.facts.amount.minor_units);
    let sum = String::from_utf8_lossy(value("OutSum"));
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    let point = |text: &str| if text.contains('.') { trimmed(text) } else { text.to_owned() };
    assert_eq!(point(&written), point(&sum), "the same sum");
}

/// An order at Robokassa (test mode by the first byte, then id, kopecks, description, language, expiry, e-mail) gets a signed
/// link with the same content, or no link.
pub fn robokassa_link(bytes: &[u8]) {
    let (mode, bytes) = bytes.split_first().unwrap_or((&0, b""));
    let test_mode = if mode % 2 == 0 { "false" } else { "true" };
    let values = values(bytes);
    let value = |at: usize, default: &str| values.get(at).map_or(default.to_owned(), |value| value.to_string());
    let order = LinkRequest {
        description: value(2, ""),
        language: value(3, ""),
        expires_at: value(4, "").parse().ok(),
        payer: vec![("email".into(), value(5, ""))],
        ..LinkRequest::new(
            OrderId::stored(value(0, "42")),
            AccountNumber::stored("100500"),
            Money { minor_units: value(1, "10000").parse().unwrap_or(10_000), currency: Currency::RUB },
        )
    };
    let link = match convert::link(&robokassa::native(&[("test-mode", test_mode)]), &order) {
        Ok(link) => link,
        Err(problems) => {
            return assert!(!problems.is_empty() && problems.iter().all(|problem| problem.field.is_some()), "{problems:?}");
        }
    };
    let form = form_of_link(&link);
    let field = |name: &str| form.inputs.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value);
    assert_eq!(["Shp_order", "Description", "Email"].map(field), [order.id.as_str(), &order.description, &order.payer[0].1]);
    assert_eq!(field("OutSum"), money::format_amount(order.amount.minor_units));
    assert_eq!(field("IsTest"), if test_mode == "true" { "1" } else { "" });
    assert!(order.id == field("InvId") || field("InvId") == "0");
    let text = [robokassa::SHOP, field("OutSum"), field("InvId"), robokassa::PASSWORD_1].join(":");
    let signature = robokassa::digest_hex("md5", format!("{text}:Shp_order={}", order.id).as_bytes());
    assert_eq!(field("SignatureValue"), signature);
}
