//! `links`: a link carries its order's exact amount.
//!
//! The payment system decides which field of the form is the amount, and how it is written. But it must be the same field for
//! every order, in one reading: minor units, or major units as a decimal number with a point or a comma. So the check looks for
//! a field that holds the order's amount in the same reading for all orders. A provider that truncates, rounds or scales
//! amounts has no such field. Fields within a value that is JSON, or JSON or pairs in Base64, are considered too, since some payment
//! systems send a single field; and so are the parts of an address's path.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::PaymentLink;
use sandbox::Error;
use sandbox::unchecked::{LinkRequest, Money};
use serde_json::Value;

use super::settings::message_holds;
use crate::check_context::{CheckContext, ScannedMerchant, not_checked, problems_text};
use crate::fixtures;
use crate::report::{Case, Checked, Findings, Outcome, failure};

/// In minor units. These amounts tell minor from major units, and show truncation, rounding, and values too large for a 32-bit
/// float.
const AMOUNTS: [i64; 12] =
    [10_000, 1, 99, 100, 101, 110, 12_345, 99_999, 1_000_000, 16_777_217, 123_456_789, 9_007_199_254_740_993];
/// The number of an order that differs from all of the above.
const OTHER_ORDER: usize = 1_000;
/// The fewest orders that must get a link.
const LINKS_MIN: usize = 5;
/// Returns the currency of the vectors' settings: the first currency of the description in which an order gets a link. Without
/// links, it is the one that the settings name.
///
/// # Errors
/// Why no order gets a link.
pub fn currency(subject: &CheckContext) -> Result<String, String> {
    let description = subject.provider.description();
    let find = || {
        if !description.links {
            let entered = subject.vectors.into_iter().flat_map(|vectors| &vectors.settings);
            let mut named = entered.filter_map(|(_, value)| description.currencies.iter().find(|known| known.is(value)));
            let first = named.next().or(description.currencies.first());
            return first.map(ToString::to_string).ok_or_else(|| "the description has no currencies".to_owned());
        }
        let merchant = subject.merchant().map_err(|_| "there is no merchant".to_owned())?;
        let mut why = "the description has no currencies".to_owned();
        for currency in &description.currencies {
            match merchant.link(&fixtures::order(0, 10_000, currency.as_str())) {
                Ok(_) => return Ok(currency.to_string()),
                Err(error) => why = format!("{currency}: {error}"),
            }
        }
        Err(why)
    };
    subject.currency.get_or_init(find).clone()
}

pub fn check(subject: &CheckContext) -> Checked {
    if !subject.provider.description().links {
        return Err(Outcome::NotApplicable { reason: "it has no payment links, as its description says".to_owned() });
    }
    let merchant = subject.merchant()?;
    let currency = currency(subject).map_err(|why| {
        not_checked(format!(
            "an order of 100.00 with all that a payment system may ask for gets no link in any currency; {why}"
        ))
    })?;
    let mut findings = Findings::default();
    let mut links: Vec<(LinkRequest<'static>, PaymentLink)> = Vec::new();
    for (at, minor_units) in AMOUNTS.into_iter().enumerate() {
        let order = fixtures::order(at, minor_units, &currency);
        match merchant.link(&order) {
            Ok(link) => links.push((order, link)),
            // A payment system may have a minimum and a maximum amount.
            Err(error) => findings.case(is_refused(&format!("an order of {minor_units} minor units"), error)),
        }
    }
    findings.expect(links.len() >= LINKS_MIN, || format!("only {} of {} orders get a link", links.len(), AMOUNTS.len()));
    findings.case(carries_amount(&links, &currency));
    links.iter().for_each(|(order, link)| findings.case(says_the_same(order, link)));
    findings.case(differ(&merchant, &links, &currency));
    refusals(subject, &merchant, &currency, &mut findings);
    Ok(findings)
}

/// Checks that one field is the amount in all links, in one reading.
fn carries_amount(links: &[(LinkRequest<'static>, PaymentLink)], currency: &str) -> Case {
    let amount = |order: &LinkRequest<'_>| order.amount.minor_units;
    let Some((first, link)) = links.first() else { return Ok(()) };
    let decimals = decimals(currency);
    let mut best: Option<(usize, String)> = None;
    for (path, text) in scalars(link) {
        for reading in [Reading::Minor, Reading::Major('.'), Reading::Major(',')] {
            if reading.read(&text, decimals) != Some(amount(first)) {
                continue;
            }
            let value_in =
                |link: &PaymentLink| scalars(link).into_iter().find(|(other, _)| *other == path).map(|(_, text)| text);
            let wrong = links.iter().enumerate().find_map(|(at, (order, link))| {
                let text = value_in(link).unwrap_or_default();
                (reading.read(&text, decimals) != Some(amount(order))).then(|| (at, amount(order), text))
            });
            let Some((at, minor_units, text)) = wrong else { return Ok(()) };
            if best.as_ref().is_none_or(|(most, _)| at > *most) {
                let what = format!("the field {path:?} is {text:?} for an order of {minor_units} minor units of {currency}");
                best = Some((at, what));
            }
        }
    }
    let what = best.map_or_else(
        || format!("no field of the form holds the amount of an order of {} minor units of {currency}", amount(first)),
        |(_, what)| what,
    );
    Err(format!("no field is the amount of every order, in minor units or in major ones: {what}"))
}

#[derive(Clone, Copy)]
enum Reading {
    Minor,
    /// With this between the whole and the decimals.
    Major(char),
}

impl Reading {
    /// The minor units that a text says. No sign, no spaces, no exponent; zeros may follow the decimals.
    fn read(self, text: &str, decimals: usize) -> Option<i64> {
        let (whole, part) = match self {
            Reading::Minor => (text, ""),
            Reading::Major(point) => text.split_once(point).unwrap_or((text, "")),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let scale = if matches!(self, Reading::Minor) { 0 } else { decimals };
        let (kept, beyond) = part.split_at(part.len().min(scale));
        if !beyond.bytes().all(|byte| byte == b'0') {
            return None;
        }
        format!("{whole}{kept:0<scale$}").parse().ok()
    }
}

/// How many decimals a currency has by ISO 4217; two where it is not in it.
fn decimals(currency: &str) -> usize {
    iso_currency::Currency::from_code(currency).and_then(iso_currency::Currency::exponent).unwrap_or(2).into()
}

/// The form's values by their names, and what is in those that are JSON, or JSON or pairs in Base64.
fn scalars(link: &PaymentLink) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, value) in fields(link) {
        all.push((name.clone(), value.clone()));
        let decoded = STANDARD.decode(&value).or_else(|_| URL_SAFE_NO_PAD.decode(&value)).unwrap_or_default();
        let pairs = str::from_utf8(&decoded).unwrap_or_default().split([';', '&']).filter_map(|pair| pair.split_once('='));
        all.extend(pairs.map(|(inner, value)| (format!("{name}/{inner}"), value.to_owned())));
        for json in [value.as_bytes(), &decoded] {
            if let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(json) {
                flatten(&name, &json, &mut all);
            }
        }
    }
    all
}

fn flatten(path: &str, value: &Value, all: &mut Vec<(String, String)>) {
    match value {
        Value::Object(names) => names.iter().for_each(|(name, value)| flatten(&format!("{path}/{name}"), value, all)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| flatten(&format!("{path}/{at}"), value, all)),
        Value::String(text) => all.push((path.to_owned(), text.clone())),
        Value::Number(number) => all.push((path.to_owned(), number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The values in the query of an address.
fn query(url: &str) -> Vec<(String, String)> {
    let query = url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// What a link says: the inputs of its form, or else the values in its address.
fn fields(link: &PaymentLink) -> Vec<(String, String)> {
    match &link.form {
        Some(form) => form.inputs.clone(),
        None => {
            let url = link.url.as_deref().unwrap_or_default();
            let path = url.split(['?', '#']).next().unwrap_or_default().split('/').enumerate();
            let parts = path.map(|(at, part)| (format!("part {at} of the path"), part.to_owned()));
            query(url).into_iter().chain(parts).collect()
        }
    }
}

/// Whether two links lead to the same.
fn are_equal(one: &PaymentLink, other: &PaymentLink) -> bool {
    let is_shared = |of: fn(&PaymentLink) -> Option<&str>| of(one).is_some() && of(one) == of(other);
    is_shared(|link| link.url.as_deref())
        || is_shared(|link| link.qr.as_deref())
        || one.form.as_ref().zip(other.form.as_ref()).is_some_and(|(one, other)| one.inputs == other.inputs)
}

/// Whether the address to follow and the form to submit say the same.
fn says_the_same(order: &LinkRequest, link: &PaymentLink) -> Case {
    let (Some(url), Some(form)) = (&link.url, &link.form) else { return Ok(()) };
    let mut followed = query(url);
    let mut submitted = query(&form.action);
    submitted.extend(form.inputs.iter().cloned());
    followed.sort();
    submitted.sort();
    if followed == submitted {
        return Ok(());
    }
    let only = |one: &[(String, String)], other: &[(String, String)]| {
        one.iter().find(|pair| !other.contains(pair)).map_or("nothing".to_owned(), |(name, value)| format!("{name}={value}"))
    };
    Err(format!(
        "the link of an order of {} minor units does not say in its url what it says in its form: only in the url {}, only in the form {}",
        order.amount.minor_units,
        only(&followed, &submitted),
        only(&submitted, &followed)
    ))
}

/// Checks that different amounts and different orders have different links.
fn differ(merchant: &ScannedMerchant, links: &[(LinkRequest<'static>, PaymentLink)], currency: &str) -> Case {
    for (at, (order, link)) in links.iter().enumerate() {
        if let Some((other, _)) = links.iter().skip(at + 1).find(|(_, other)| are_equal(link, other)) {
            return Err(format!(
                "the orders {} of {} and {} of {} minor units have the same link",
                order.id, order.amount.minor_units, other.id, other.amount.minor_units
            ));
        }
    }
    let Some((order, link)) = links.first() else { return Ok(()) };
    let other = fixtures::order(OTHER_ORDER, order.amount.minor_units, currency);
    match merchant.link(&other) {
        Ok(other) if !are_equal(link, &other) => Ok(()),
        Ok(_) => Err(format!("the orders {} and another of the same amount have the same link", order.id)),
        Err(error) => Err(failure("an order with another id", &error)),
    }
}

/// Checks that invalid amounts and currencies are refused, never changed.
fn refusals(subject: &CheckContext, merchant: &ScannedMerchant, currency: &str, findings: &mut Findings) {
    let known = &subject.provider.description().currencies;
    let with = |minor_units, currency: &str| LinkRequest {
        amount: Money { minor_units, currency: currency.to_owned().into() },
        ..fixtures::order(0, 10_000, currency)
    };
    for minor_units in [0, -1, -100, -10_000, i64::MIN] {
        let what = format!("an order of {minor_units} minor units");
        findings.case(match merchant.link(&with(minor_units, currency)) {
            Ok(_) => Err(format!("{what} gets a link")),
            Err(error) => is_refused(&what, error),
        });
    }
    let lower = currency.to_lowercase();
    let foreign = ["XTS", "XAU", "ZWL", "", "RUBL", "₽", lower.as_str()];
    for foreign in foreign.into_iter().filter(|foreign| !known.iter().any(|known| known.is(foreign))) {
        let what = format!("an order in {foreign:?}, which is none of the provider's currencies,");
        findings.case(match merchant.link(&with(10_000, foreign)) {
            Ok(_) => Err(format!("{what} gets a link")),
            Err(error) => is_refused(&what, error),
        });
    }
    for other in known.iter().filter(|other| !other.is(currency)) {
        let what = format!("an order in {other}, beside one in {currency},");
        let links = (merchant.link(&with(10_000, other.as_str())), merchant.link(&with(10_000, currency)));
        findings.case(match links {
            (Ok(one), Ok(two)) if are_equal(&one, &two) => Err(format!("{what} gets the same link")),
            (Ok(_), _) => Ok(()),
            (Err(error), _) => is_refused(&what, error),
        });
    }
}

/// Checks that an order is refused by problems that each name a field, and not by a failure.
fn is_refused(what: &str, error: Error) -> Case {
    match error {
        Error::Provider(problems) if !problems.is_empty() && problems.iter().all(|problem| problem.field.is_some()) => {
            problems.iter().try_for_each(message_holds)
        }
        Error::Provider(problems) => Err(format!("{what} is refused without a field: {}", problems_text(&problems))),
        error => Err(failure(what, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::PaymentForm;

    #[test]
    fn amounts_by_their_reading() {
        for (text, minor, major) in [
            ("100", Some(100), Some(10_000)),
            ("100.5", None, Some(10_050)),
            ("100.00", None, Some(10_000)),
            ("100.000000", None, Some(10_000)),
            ("100.001", None, None),
            ("0.01", None, Some(1)),
            ("00100.00", None, None),
            ("-1", None, None),
            ("1e3", None, None),
            ("", None, None),
            ("100.00 RUB", None, None),
            ("99999999999999999999", None, None),
        ] {
            assert_eq!((Reading::Minor.read(text, 2), Reading::Major('.').read(text, 2)), (minor, major), "{text}");
        }
        assert_eq!(Reading::Major(',').read("100,5", 2), Some(10_050));
        assert_eq!((Reading::Major('.').read("100", 0), Reading::Major('.').read("1.005", 3)), (Some(100), Some(1_005)));
    }

    #[test]
    fn decimals_are_those_of_iso_4217() {
        for (currency, want) in [("RUB", 2), ("JPY", 0), ("XOF", 0), ("KWD", 3), ("CLF", 4), ("XTS", 2), ("BTC", 2)] {
            assert_eq!(decimals(currency), want, "{currency}");
        }
    }

    #[test]
    fn an_amount_in_the_path() {
        let links = |part: &dyn Fn(i64) -> String| -> Vec<(LinkRequest<'static>, PaymentLink)> {
            let link = |minor_units| {
                let url = Some(format!("https://pay.example.ru/{}", part(minor_units)));
                (fixtures::order(0, minor_units, "RUB"), PaymentLink { url, ..PaymentLink::default() })
            };
            AMOUNTS.into_iter().map(link).collect()
        };
        let holds = |part: &dyn Fn(i64) -> String| carries_amount(&links(part), "RUB");
        assert_eq!(holds(&|amount| format!("17/{amount}")), Ok(()));
        assert_eq!(holds(&|amount| STANDARD.encode(format!("m=17;ac.order_id=1;a={amount}"))), Ok(()));
        let cut = holds(&|amount| STANDARD.encode(format!("m=17;a={}", amount / 100))).unwrap_err();
        assert!(cut.contains("/a\" is \"0\" for an order of 1 minor units"), "{cut}");
    }

    #[test]
    fn a_field_that_is_the_amount_of_all_orders() {
        let links = |value: &dyn Fn(i64) -> Vec<(String, String)>| -> Vec<(LinkRequest<'static>, PaymentLink)> {
            let link = |minor_units| {
                let form = PaymentForm { action: String::new(), inputs: value(minor_units) };
                let link = PaymentLink { form: Some(form), ..PaymentLink::default() };
                (fixtures::order(0, minor_units, "RUB"), link)
            };
            AMOUNTS.into_iter().map(link).collect()
        };
        let one = |text: String| vec![("product".to_owned(), "17".to_owned()), ("sum".to_owned(), text)];
        let holds = |value: &dyn Fn(i64) -> Vec<(String, String)>| carries_amount(&links(value), "RUB");
        assert_eq!(holds(&|amount| one(amount.to_string())), Ok(()));
        assert_eq!(holds(&|amount| one(format!("{}.{:02}", amount / 100, amount % 100))), Ok(()));
        let json = |amount: i64| format!(r#"{{"order": {{"sum": {amount}}}}}"#);
        assert_eq!(holds(&|amount| one(STANDARD.encode(json(amount)))), Ok(()));
        let cut = holds(&|amount| one((amount / 100).to_string())).unwrap_err();
        assert!(cut.contains("\"sum\" is \"0\" for an order of 1 minor units"), "{cut}");
        let constant = holds(&|_| one("10000".to_owned())).unwrap_err();
        assert!(constant.contains("\"sum\" is \"10000\" for an order of 1 minor units"), "{constant}");
        assert!(holds(&|_| one("x".to_owned())).unwrap_err().contains("no field of the form holds the amount"));
    }
}
