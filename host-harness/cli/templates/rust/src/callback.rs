//! Handles a request at the callback address: decode, verify, read, map.

use crate::amount;
use crate::binding::contract::{CallbackRequest, Event, EventKind, Fields, HttpMethod, Money, Problem, Recurrence, Verdict};
use crate::link::is_order_id;
use crate::settings::{CURRENCY, Settings};
use crate::text::problem;

/// Example Pay sends less than 1 KiB. A larger body is not read.
const BODY_BYTES_MAX: usize = 2048;

/// The fields of a callback, in the order in which they are signed.
const SIGNED: [&str; 7] = ["merchant_id", "order_id", "transaction_id", "type", "amount", "currency", "paid_at"];
const SIGNATURE: &str = "signature";

/// Returns the verdict. Every request gets one, whatever its bytes.
pub fn judge(settings: &Settings, request: &CallbackRequest) -> Verdict {
    match proved(settings, request) {
        Ok(values) => meaning(settings, values),
        Err(problem) => Verdict::Refused(problem),
    }
}

/// Returns the signed values of a request whose signature holds.
fn proved(settings: &Settings, request: &CallbackRequest) -> Result<[String; 7], Problem> {
    if request.method != HttpMethod::Post || request.body.len() > BODY_BYTES_MAX {
        let message = format!("It is no POST with a form of at most {BODY_BYTES_MAX} bytes, as Example Pay sends.");
        return Err(problem("malformed", None, message));
    }
    let mut form: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(&request.body) {
        if !SIGNED.contains(&&*name) && name != SIGNATURE {
            continue;
        }
        if form.iter().any(|(known, other)| *known == name && *other != value) {
            return Err(problem("field-conflict", &*name, "The field is given twice, with two values."));
        }
        form.push((name.into_owned(), value.into_owned()));
    }
    let value = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let signature = value(SIGNATURE);
    if signature.is_empty() {
        let message = "The request has no signature: it is not Example Pay's.";
        return Err(problem("signature-missing", SIGNATURE, message));
    }
    let values = SIGNED.map(value);
    if !settings.secret_key.matches(&values, signature) {
        let message = "The signature does not hold: the request is forged, or the secret key is not Example Pay's.";
        return Err(problem("signature-mismatch", SIGNATURE, message));
    }
    Ok(values.map(str::to_owned))
}

/// Maps proved values. An unknown one is never a payment, and never dropped: the host stores unresolved callbacks.
fn meaning(
    settings: &Settings,
    [merchant_id, order_id, transaction_id, kind, amount, currency, paid_at]: [String; 7],
) -> Verdict {
    let unresolved = |code, field, message: &str| Verdict::Unresolved(problem(code, field, message));
    let ignored = |code, field, message: &str| Verdict::Ignored(problem(code, field, message));

    if merchant_id != settings.merchant_id {
        return unresolved("merchant-mismatch", "merchant_id", "Genuine, but of another merchant than the settings name.");
    }
    // Each grammar allows one form of a value, and no line break: line breaks join the signed values.
    let minor_units = amount::parse(&amount);
    let forms = [
        ("order_id", is_order_id(&order_id)),
        ("transaction_id", is_of(&transaction_id, 20, |byte| byte.is_ascii_digit())),
        ("type", is_of(&kind, 20, |byte| byte.is_ascii_lowercase())),
        ("amount", minor_units.is_some()),
        ("currency", currency.len() == 3 && is_of(&currency, 3, |byte| byte.is_ascii_uppercase())),
        ("paid_at", is_time(&paid_at)),
    ];
    if let Some((field, _)) = forms.into_iter().find(|(_, is_known)| !is_known) {
        let message = "The signature holds, but the field has a form that is not known. Example Pay may have changed it.";
        return unresolved("unrecognized-form", field, message);
    }
    if currency != CURRENCY {
        return unresolved("currency-mismatch", "currency", "Genuine, but in another currency than the settings name.");
    }
    let (kind, name) = match kind.as_str() {
        "payment" => (EventKind::Payment, "payment"),
        "refund" => (EventKind::Refund, "refund"),
        "test" => return ignored("test-callback", "type", "A test call from Example Pay's cabinet."),
        _ => return unresolved("unknown-type", "type", "Genuine, of a type that is not known; nothing is credited."),
    };
    let Some(minor_units) = minor_units.filter(|minor_units| *minor_units > 0) else {
        return ignored("no-money-moved", "amount", "Genuine, and of nothing: no money moved.");
    };
    Verdict::Accepted(Event {
        kind,
        recurrence: Recurrence::Single,
        // Made of signed values only. A transaction is one movement of money, whatever else the callback says of it.
        dedup_key: format!("{name}:{transaction_id}"),
        transaction: transaction_id,
        order: Some(order_id),
        payer: None,
        amount: Money { minor_units, currency },
        occurred_at: Some(paid_at),
        comment: settings.comment.clone(),
        extra: Fields::new(),
    })
}

fn is_of(text: &str, bytes_max: usize, is_known: fn(&u8) -> bool) -> bool {
    (1..=bytes_max).contains(&text.len()) && text.bytes().all(|byte| is_known(&byte))
}

/// Reports whether a text has the form `YYYY-MM-DDThh:mm:ssZ`.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let is_like = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    text.len() == FORM.len() && text.bytes().zip(FORM).all(is_like)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the callbacks that `host-harness check` uses too.
    #[test]
    fn vectors_get_their_verdicts() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../vectors.json")).unwrap();
        let setting = |name: &str| (name.to_owned(), vectors["settings"][name].as_str().unwrap().to_owned());
        let settings = Settings::read(&vec![setting("merchant-id"), setting("secret-key")]).ok().unwrap();
        for sample in vectors["callbacks"].as_array().unwrap() {
            let text = |name: &str| sample["request"][name].as_str().unwrap().to_owned();
            let request = CallbackRequest {
                method: if text("method") == "GET" { HttpMethod::Get } else { HttpMethod::Post },
                query: text("query"),
                headers: Fields::new(),
                body: text("body").into(),
                remote_address: String::new(),
                received_at: 0,
            };
            let (verdict, code) = match judge(&settings, &request) {
                Verdict::Accepted(_) => ("accepted", None),
                Verdict::Unresolved(problem) => ("unresolved", Some(problem.code)),
                Verdict::Ignored(problem) => ("ignored", Some(problem.code)),
                Verdict::Refused(problem) => ("refused", Some(problem.code)),
            };
            assert_eq!((verdict, code.as_deref()), (sample["verdict"].as_str().unwrap(), sample["code"].as_str()), "{sample}");
        }
    }
}
