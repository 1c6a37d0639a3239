//! Handles a request at the callback address: decode, verify, read, map.

use crate::amount;
use crate::asking::{Asking, Stop};
use crate::binding::asking::CallbackStep;
use crate::binding::contract::{
    CallbackAnswer, CallbackRequest, Event, EventKind, Fields, HttpMethod, HttpReply, Money, Problem, Recurrence, Verdict,
};
use crate::check;
use crate::link::is_order_id;
use crate::reply;
use crate::settings::{CURRENCY, Settings};
use crate::text::problem;

/// Example Pay sends less than 1 KiB. A larger body is not read.
const BODY_BYTES_MAX: usize = 2048;

/// The fields of a callback, in the order in which they are signed.
const SIGNED: [&str; 7] = ["merchant_id", "order_id", "transaction_id", "type", "amount", "currency", "paid_at"];
const SIGNATURE: &str = "signature";

/// Returns what a request is, or the question that comes first. Every request gets an answer, whatever its bytes.
pub fn handle(settings: &Settings, request: &CallbackRequest, asking: &Asking) -> CallbackStep {
    match judged(settings, request, asking) {
        Ok(step) => step,
        Err(Stop::Ask(questions)) => CallbackStep::Ask(questions),
        Err(Stop::Unavailable) => CallbackStep::Unavailable(reply::unavailable()),
    }
}

/// Verifies first: whoever cannot sign must not make the host answer questions.
fn judged(settings: &Settings, request: &CallbackRequest, asking: &Asking) -> Result<CallbackStep, Stop> {
    match proved(settings, request) {
        Ok(values) => meaning(settings, values, asking),
        Err(problem) => Ok(done(Verdict::Refused(problem), reply::refused())),
    }
}

fn done(verdict: Verdict, reply: HttpReply) -> CallbackStep {
    CallbackStep::Done(CallbackAnswer { verdict, reply })
}

/// Returns the signed values of a request whose signature holds.
fn proved(settings: &Settings, request: &CallbackRequest) -> Result<[String; 7], Problem> {
    if request.method != HttpMethod::Post || request.body.len() > BODY_BYTES_MAX {
        return Err(problem(
            "malformed",
            None,
            format!("Это не POST с формой не длиннее {BODY_BYTES_MAX} байт, какие шлёт Example Pay."),
            format!("It is no POST with a form of at most {BODY_BYTES_MAX} bytes, as Example Pay sends."),
        ));
    }
    let mut form: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(&request.body) {
        if !SIGNED.contains(&&*name) && name != SIGNATURE {
            continue;
        }
        if form.iter().any(|(known, other)| *known == name && *other != value) {
            return Err(problem(
                "field-conflict",
                &*name,
                "Поле дано дважды, с двумя значениями.",
                "The field is given twice, with two values.",
            ));
        }
        form.push((name.into_owned(), value.into_owned()));
    }
    let value = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let signature = value(SIGNATURE);
    if signature.is_empty() {
        return Err(problem(
            "signature-missing",
            SIGNATURE,
            "В запросе нет подписи: он не от Example Pay.",
            "The request has no signature: it is not Example Pay's.",
        ));
    }
    let values = SIGNED.map(value);
    if !settings.secret_key.matches(&values, signature) {
        return Err(problem(
            "signature-mismatch",
            SIGNATURE,
            "Подпись неверна: запрос подделан, или введён не тот секретный ключ.",
            "The signature does not hold: the request is forged, or the secret key is not Example Pay's.",
        ));
    }
    Ok(values.map(str::to_owned))
}

/// Maps proved values. An unknown one is never a payment, and never dropped: the host stores unresolved callbacks.
fn meaning(
    settings: &Settings,
    [merchant_id, order_id, transaction_id, kind, amount, currency, paid_at]: [String; 7],
    asking: &Asking,
) -> Result<CallbackStep, Stop> {
    let received = |verdict| Ok(done(verdict, reply::received()));
    let unresolved = |code, field, ru: &str, en: &str| received(Verdict::Unresolved(problem(code, field, ru, en)));
    let ignored = |code, field, ru: &str, en: &str| received(Verdict::Ignored(problem(code, field, ru, en)));

    if merchant_id != settings.merchant_id {
        return unresolved(
            "merchant-mismatch",
            "merchant_id",
            "Подпись верна, но магазин не тот, что в настройках.",
            "Genuine, but of another merchant than the settings name.",
        );
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
        return unresolved(
            "unrecognized-form",
            field,
            "Подпись верна, но вид поля неизвестен. Возможно, Example Pay его изменила.",
            "The signature holds, but the field has a form that is not known. Example Pay may have changed it.",
        );
    }
    if currency != CURRENCY {
        return unresolved(
            "currency-mismatch",
            "currency",
            "Подпись верна, но валюта не та, что в настройках.",
            "Genuine, but in another currency than the settings name.",
        );
    }
    let amount = Money { minor_units: minor_units.unwrap_or_default(), currency };
    let (kind, name) = match kind.as_str() {
        "payment" => (EventKind::Payment, "payment"),
        "refund" => (EventKind::Refund, "refund"),
        "check" => {
            let order = asking.order(&order_id)?;
            return Ok(CallbackStep::Answered(check::answer(check::refusal(order, &amount))));
        }
        "test" => {
            let (ru, en) = ("Проба из кабинета Example Pay.", "A test call from Example Pay's cabinet.");
            return ignored("test-callback", "type", ru, en);
        }
        _ => {
            return unresolved(
                "unknown-type",
                "type",
                "Подпись верна, но вид уведомления неизвестен; ничего не зачислено.",
                "Genuine, of a type that is not known; nothing is credited.",
            );
        }
    };
    if amount.minor_units == 0 {
        let (ru, en) = ("Подпись верна, но сумма нулевая: деньги не двигались.", "Genuine, and of nothing: no money moved.");
        return ignored("no-money-moved", "amount", ru, en);
    }
    let event = Event {
        kind,
        recurrence: Recurrence::Single,
        // Made of signed values only. A transaction is one movement of money, whatever else the callback says of it.
        dedup_key: format!("{name}:{transaction_id}"),
        transaction: transaction_id,
        original: None,
        ends_hold: None,
        expires_at: None,
        order: Some(order_id),
        account: None,
        payer: None,
        amount,
        fee: None,
        occurred_at: Some(paid_at),
        comment: settings.comment.clone(),
        extra: Fields::new(),
    };
    received(Verdict::Happened(vec![event]))
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
mod tests;
