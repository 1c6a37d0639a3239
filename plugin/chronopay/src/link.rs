//! Payment links.

use kit::contract::{Order, PaymentLink, Problem};
use kit::link::Link;
use kit::problem::Code;
use kit::{order, text, url};
use money::format_amount;

use crate::settings::{OrderControl, Settings, language};
use crate::sign;

/// ChronoPay's limits are not published; these are the contract's.
const TEXT_CHARS_MAX: usize = 255;
const ACCOUNT_CHARS_MAX: usize = 64;
const TIME_LIMIT_MINUTES_MAX: u32 = 525_600;

/// The payer's details: the contract's name of each, and ChronoPay's.
const PAYER: [(&str, &str); 6] =
    [("email", "email"), ("phone", "phone"), ("street", "street"), ("city", "city"), ("zip", "zip"), ("country", "country")];

/// Creates the payment link. Details that the order lacks are left out of it.
///
/// The only known key in `order.extra` is `time-limit-minutes`: how long the payer may stay on the page. It replaces
/// `expires-at` where order control is `order-id-with-expiry`.
///
/// # Errors
/// All problems at once, each with its field.
pub fn create(settings: &Settings, order: &Order) -> Result<PaymentLink, Vec<Problem>> {
    let mut checked = Checked::default();
    checked.check_order(settings, order);
    let limit = checked.limit(settings, order);
    let [callback_url, success_url, failure_url] =
        [("callback-url", &order.callback_url), ("success-url", &order.success_url), ("failure-url", &order.failure_url)]
            .map(|(field, text)| checked.url(field, text));
    if callback_url.contains('&') {
        let message = "It holds an &, which ChronoPay gives back as &amp;, so that its callbacks would come to another address; give one without.";
        checked.refuse(Code::Invalid.at("callback-url", message));
    }
    checked.check_payer(order);
    if !checked.problems.is_empty() {
        return Err(checked.problems);
    }

    let product_id = settings.product_id.as_str();
    let price = format_amount(order.amount.minor_units);
    let mut fields = Link::default();
    fields.add("product_id", product_id);
    fields.add("product_price", &price);
    fields.add("product_price_currency", settings.currency.as_str());
    fields.add("product_name", &order.description);
    let mut signed = vec![product_id, price.as_str()];
    if settings.order_control != OrderControl::Basic {
        fields.add("order_id", &order.id);
        signed.push(&order.id);
    }
    fields.add("cs1", &order.id);
    fields.add("cs2", &order.account);
    fields.add("cb_url", callback_url);
    fields.add("cb_type", if callback_url.is_empty() { "" } else { "P" });
    fields.add("success_url", success_url);
    fields.add("decline_url", failure_url);
    fields.add("language", language(&order.language).unwrap_or(settings.language));
    fields.add("payment_type_group_id", settings.payment_type_group.as_deref().unwrap_or_default());
    if let Some((name, value)) = &limit {
        fields.add(name, value);
        signed.push(value);
    }
    fields.pass_over("expires-at", order.expires_at.is_some() && limit.is_none());
    for (name, value) in payer(order) {
        fields.add(name, value);
    }
    let sign = sign::request(&signed, &settings.shared_sec);
    fields.add("sign", &sign);
    Ok(fields.at(&settings.payment_page))
}

/// Collects the problems of an order.
#[derive(Default)]
struct Checked {
    problems: Vec<Problem>,
}

impl Checked {
    fn refuse(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn check_order(&mut self, settings: &Settings, order: &Order) {
        self.problems.extend(order::check(order, settings.currency));
        self.problems.extend(text::check_required("account", &order.account, ACCOUNT_CHARS_MAX).err());
        self.problems.extend(text::check("description", &order.description, TEXT_CHARS_MAX).err());
    }

    /// Returns the name and value of the time limit's field.
    fn limit(&mut self, settings: &Settings, order: &Order) -> Option<(&'static str, String)> {
        if settings.order_control != OrderControl::OrderIdWithExpiry {
            return None;
        }
        let minutes = order.extra.iter().find(|(name, _)| name == "time-limit-minutes").map(|(_, value)| value.as_str());
        let limit =
            match (order.expires_at, minutes) {
                (Some(seconds), None) => expire_time(seconds).map(|text| ("orderExpiretime", text)),
                (None, Some(minutes)) => time_limit(minutes).map(|text| ("orderTimelimit", text)),
                (None, None) => Err(Code::Missing.at(
                    "expires-at",
                    "The settings' order control needs a time limit: give expires-at, or time-limit-minutes in extra.",
                )),
                (Some(_), Some(_)) => Err(Code::Invalid
                    .at("extra.time-limit-minutes", "ChronoPay takes one limit: give this or expires-at, not both.")),
            };
        limit.map_err(|problem| self.refuse(problem)).ok()
    }

    fn url<'o>(&mut self, field: &str, text: &'o str) -> &'o str {
        if !text.is_empty()
            && let Err(message) = url::absolute(text)
        {
            self.refuse(Code::Invalid.at(field, message));
        }
        text
    }

    fn check_payer(&mut self, order: &Order) {
        for (name, value) in &order.payer {
            self.problems.extend(text::check(&format!("payer.{name}"), value, TEXT_CHARS_MAX).err());
        }
    }
}

/// Returns what is known of the payer, under ChronoPay's field names.
fn payer(order: &Order) -> impl Iterator<Item = (&'static str, &str)> {
    let known = |name: &str| order.payer.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str());
    let (mut first, mut last) = (known("first-name"), known("last-name"));
    if first.is_empty() && last.is_empty() {
        // A full name begins with the family name.
        (last, first) = known("name").split_once(' ').unwrap_or(("", known("name")));
    }
    PAYER.iter().map(move |(name, field)| (*field, known(name))).chain([("f_name", first), ("s_name", last)])
}

/// Formats a time as `YYYY-MM-DDThh:mm:ss+0300`. ChronoPay requires an offset without a colon; its own examples use Moscow's.
fn expire_time(seconds: u64) -> Result<String, Problem> {
    let time = order::expiry_in_moscow(seconds)?;
    let (hour, minute, second) = time.to_hms();
    Ok(format!("{}T{hour:02}:{minute:02}:{second:02}+0300", time.date()))
}

/// Parses whole minutes and drops leading zeros, since the text is signed exactly as it is sent.
fn time_limit(minutes: &str) -> Result<String, Problem> {
    match minutes.parse::<u32>() {
        Ok(number) if (1..=TIME_LIMIT_MINUTES_MAX).contains(&number) => Ok(number.to_string()),
        _ => Err(Code::Invalid.at("extra.time-limit-minutes", "It is 1 to 525600 minutes, digits only.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::Money;
    use kit::form::Form;
    use money::AMOUNT_MAX;
    use proptest::prelude::*;

    fn address(link: &PaymentLink) -> &str {
        link.url.as_deref().unwrap()
    }

    fn inputs(link: &PaymentLink) -> &[(String, String)] {
        &link.form.as_ref().unwrap().inputs
    }

    fn order() -> Order {
        Order {
            id: "42".into(),
            account: "100500".into(),
            amount: Money { minor_units: 10_000, currency: "RUB".into() },
            description: "Пополнение счёта".into(),
            language: "ru".into(),
            callback_url: "https://billing.example.ru/callback".into(),
            success_url: String::new(),
            failure_url: String::new(),
            expires_at: None,
            receipt: None,
            payer: Vec::new(),
            extra: Vec::new(),
        }
    }

    fn fields(link: &PaymentLink) -> Vec<(&str, &str)> {
        inputs(link).iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn field<'l>(link: &'l PaymentLink, name: &str) -> Option<&'l str> {
        inputs(link).iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_whole_link() {
        let order = Order {
            success_url: "https://xn--80acmlhv0b.xn--p1ai/ok".into(),
            failure_url: "https://lk.example.ru/no?a=1&b=2".into(),
            payer: vec![
                ("email".into(), "ivan@example.ru".into()),
                ("phone".into(), "+79001234567".into()),
                ("name".into(), "Петров Иван Сергеевич".into()),
                ("shoe-size".into(), "43".into()),
            ],
            ..order()
        };
        let link = create(&settings(&[("payment-type-group", "1")]), &order).unwrap();
        assert_eq!(
            fields(&link),
            [
                ("product_id", "001234-0001-0001"),
                ("product_price", "100.00"),
                ("product_price_currency", "RUB"),
                ("product_name", "Пополнение счёта"),
                ("cs1", "42"),
                ("cs2", "100500"),
                ("cb_url", "https://billing.example.ru/callback"),
                ("cb_type", "P"),
                ("success_url", "https://xn--80acmlhv0b.xn--p1ai/ok"),
                ("decline_url", "https://lk.example.ru/no?a=1&b=2"),
                ("language", "Ru"),
                ("payment_type_group_id", "1"),
                ("email", "ivan@example.ru"),
                ("phone", "+79001234567"),
                ("f_name", "Иван Сергеевич"),
                ("s_name", "Петров"),
                ("sign", "47576a5a1106286cd1642cdd8c5e485d"),
            ]
        );
        assert_eq!(link.form.as_ref().unwrap().action, "https://payments.chronopay.com/");
        assert!(
            address(&link).starts_with("https://payments.chronopay.com/?product_id=001234-0001-0001&product_price=100.00&")
        );
        assert!(address(&link).contains("&phone=%2B79001234567&"));
    }

    #[test]
    fn signatures_of_each_order_control() {
        let minutes = vec![("time-limit-minutes".to_owned(), "30".to_owned())];
        for (order_control, order, order_id, limit, sign) in [
            ("basic", order(), None, None, "47576a5a1106286cd1642cdd8c5e485d"),
            ("basic", Order { expires_at: Some(1), ..order() }, None, None, "47576a5a1106286cd1642cdd8c5e485d"),
            ("order-id", order(), Some("42"), None, "09347bdab595aaaa622b08de24275103"),
            (
                "order-id-with-expiry",
                Order { extra: minutes, ..order() },
                Some("42"),
                Some(("orderTimelimit", "30")),
                "f8a088981494d7662a9eeb37c625bf12",
            ),
            (
                "order-id-with-expiry",
                Order { expires_at: Some(1_893_542_645), ..order() },
                Some("42"),
                Some(("orderExpiretime", "2030-01-02T03:04:05+0300")),
                "4218a0468795898032996b5348b831df",
            ),
        ] {
            let link = create(&settings(&[("order-control", order_control)]), &order).unwrap();
            assert_eq!(field(&link, "sign"), Some(sign), "{order_control}");
            assert_eq!((field(&link, "order_id"), field(&link, "cs1")), (order_id, Some("42")));
            let sent =
                ["orderTimelimit", "orderExpiretime"].iter().find_map(|name| field(&link, name).map(|value| (*name, value)));
            assert_eq!(sent, limit);
            let not_passed_on = link.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
            let is_dropped = order.expires_at.is_some() && limit.is_none();
            assert_eq!(not_passed_on, if is_dropped { vec![("not-passed-on", "expires-at")] } else { vec![] });
        }
    }

    #[test]
    fn problems_name_their_field() {
        type Change = fn(&mut Order);
        let cases: [(Change, &str, &str); 18] = [
            (|order| order.id.clear(), "id", "invalid"),
            (|order| order.id = "заказ".into(), "id", "invalid"),
            (|order| order.id = "x".repeat(65), "id", "invalid"),
            (|order| order.account.clear(), "account", "missing"),
            (|order| order.account = "x".repeat(65), "account", "too-long"),
            (|order| order.amount.minor_units = 0, "amount.minor-units", "out-of-range"),
            (|order| order.amount.minor_units = -1, "amount.minor-units", "out-of-range"),
            (|order| order.amount.minor_units = i64::MIN, "amount.minor-units", "out-of-range"),
            (|order| order.amount.minor_units = i64::MAX, "amount.minor-units", "out-of-range"),
            (|order| order.amount.currency = "USD".into(), "amount.currency", "unsupported"),
            (|order| order.amount.currency = "rub".into(), "amount.currency", "unsupported"),
            (|order| order.description = "ы".repeat(256), "description", "too-long"),
            (|order| order.description = "a\nb".into(), "description", "invalid"),
            (|order| order.callback_url = "example.ru".into(), "callback-url", "invalid"),
            (|order| order.callback_url = "https://example.ru/?a=1&b=2".into(), "callback-url", "invalid"),
            (|order| order.success_url = "javascript:1".into(), "success-url", "invalid"),
            (|order| order.failure_url = "https://".into(), "failure-url", "invalid"),
            (|order| order.payer = vec![("email".into(), "x".repeat(256))], "payer.email", "too-long"),
        ];
        for (change, field, code) in cases {
            let mut order = order();
            change(&mut order);
            let problems = create(&settings(&[]), &order).unwrap_err();
            let found: Vec<_> =
                problems.iter().map(|problem| (problem.field.as_deref().unwrap(), problem.code.as_str())).collect();
            assert_eq!(found, [(field, code)]);
        }
    }

    #[test]
    fn a_time_limit_is_one_and_readable() {
        let minutes = |text: &str| vec![("time-limit-minutes".to_owned(), text.to_owned())];
        for (expires_at, extra, field) in [
            (None, vec![], "expires-at"),
            (Some(u64::MAX), vec![], "expires-at"),
            (Some(253_402_300_799), vec![], "expires-at"),
            (Some(1), minutes("30"), "extra.time-limit-minutes"),
            (None, minutes("0"), "extra.time-limit-minutes"),
            (None, minutes("-1"), "extra.time-limit-minutes"),
            (None, minutes(""), "extra.time-limit-minutes"),
        ] {
            let problems =
                create(&settings(&[("order-control", "order-id-with-expiry")]), &Order { expires_at, extra, ..order() })
                    .unwrap_err();
            assert_eq!(problems.iter().map(|problem| problem.field.as_deref().unwrap()).collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn languages_that_the_page_does_not_speak_are_the_settings() {
        for (tag, want) in [("", "En"), ("fr", "En"), ("ru", "Ru"), ("de-AT", "De")] {
            let link = create(&settings(&[("language", "en")]), &Order { language: tag.into(), ..order() }).unwrap();
            assert_eq!(field(&link, "language"), Some(want), "{tag}");
        }
    }

    proptest! {
        #[test]
        fn a_link_reads_back_to_its_order(
            id in "[A-Za-z0-9._-]{1,64}",
            account in "[^\\p{C}]{1,64}",
            minor_units in 1..=AMOUNT_MAX,
            description in "[^\\p{C}]{0,255}",
            path in "[a-zа-я0-9%&=+;/?-]{0,40}",
            city in "[^\\p{C}]{0,60}",
        ) {
            let success_url = format!("https://example.ru/{path}");
            let order = Order {
                id: id.clone(),
                account: account.clone(),
                amount: Money { minor_units, currency: "RUB".into() },
                description: description.clone(),
                success_url: success_url.clone(),
                payer: vec![("city".into(), city.clone())],
                ..order()
            };
            let link = create(&settings(&[("order-control", "order-id")]), &order).unwrap();
            prop_assert!(address(&link).is_ascii());
            let (page, query) = address(&link).split_once('?').unwrap();
            prop_assert_eq!(page, &link.form.as_ref().unwrap().action);
            let known = ["order_id", "cs1", "cs2", "product_price", "product_name", "success_url", "city"];
            let form = Form::parse(query.as_bytes(), known).unwrap();
            let price = format_amount(minor_units);
            let want = [&id, &id, &account, &price, &description, &success_url, &city];
            prop_assert_eq!(known.map(|name| form.get(name)), want.map(String::as_str));
        }
    }
}
