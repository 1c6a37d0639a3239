//! Payment links.

use kit::contract::{Order, PaymentLink, Problem};
use kit::link::Link;
use kit::problem::Code;
use kit::{order, text};
use money::format_amount;

use crate::payment::is_inv_id;
use crate::receipt;
use crate::settings::{CURRENCY, ReturnUrls, Settings, language};
use crate::sign::{self, ORDER};

/// The limit in Robokassa's documentation.
const DESCRIPTION_CHARS_MAX: usize = 100;
/// The contract's limit.
const EMAIL_CHARS_MAX: usize = 255;
/// The fields for a return address and its HTTP method, in the order in which they are signed.
const RETURN_AFTER_SUCCESS: [&str; 2] = ["SuccessUrl2", "SuccessUrl2Method"];
const RETURN_AFTER_FAILURE: [&str; 2] = ["FailUrl2", "FailUrl2Method"];
const RETURN_METHOD: &str = "GET";
/// Asks Robokassa to number the invoice itself.
const NO_INV_ID: &str = "0";
/// The longest URL of a link with a receipt, in bytes: Microsoft's web servers take no longer query unless told to. A longer
/// link is a form alone, which Robokassa recommends for receipts.
const URL_BYTES_MAX: usize = 2_048;

/// Creates the payment link. Of `order.payer`, Robokassa has a use for `email` only, which a receipt's contact stands in for; no
/// key in `order.extra` is known. The account and the callback address are not passed on. The return addresses are passed on only
/// if the settings say how Robokassa expects them to be signed.
///
/// # Errors
/// All problems at once, each with its field.
pub fn create(settings: &Settings, order: &Order) -> Result<PaymentLink, Vec<Problem>> {
    let mut problems = order::check(order, CURRENCY);
    problems.extend(text::check("description", &order.description, DESCRIPTION_CHARS_MAX).err());
    let email = order.payer.iter().find(|(name, _)| name == "email").map_or("", |(_, value)| value.as_str());
    problems.extend(text::check("payer.email", email, EMAIL_CHARS_MAX).err());
    let callback_url = url("callback-url", &order.callback_url, &mut problems);
    let success_url = url("success-url", &order.success_url, &mut problems);
    let failure_url = url("failure-url", &order.failure_url, &mut problems);
    let expires_at = order.expires_at.map(expiration_date).transpose().map_err(|problem| problems.push(problem)).ok().flatten();
    let receipt = order.receipt.as_ref().map(receipt::of_link).transpose();
    let receipt = receipt.map_err(|found| problems.extend(found)).ok().flatten().unwrap_or_default();
    if !problems.is_empty() {
        return Err(problems);
    }

    let out_sum = format_amount(order.amount.minor_units);
    let inv_id = if is_inv_id(&order.id) { &order.id } else { NO_INV_ID };
    let Settings { hash, merchant_login, password_1, .. } = settings;
    let contact = order.receipt.as_ref().map_or("", |receipt| receipt.contact.as_str());
    let email = if email.is_empty() && contact.contains('@') { contact } else { email };
    let is_passed_on = settings.return_urls != ReturnUrls::Cabinet;
    let mut link = Link::default();
    link.add("MerchantLogin", merchant_login);
    link.add("OutSum", &out_sum);
    link.add("InvId", inv_id);
    link.add("Description", &order.description);
    link.add(ORDER, &order.id);
    link.add("Culture", language(&order.language).unwrap_or(settings.language));
    link.add("Encoding", "utf-8");
    link.add("Email", email);
    link.add("ExpirationDate", expires_at.as_deref().unwrap_or_default());
    link.add("IsTest", if settings.test_mode { "1" } else { "" });
    link.add("Receipt", &receipt);
    let mut signed = Vec::from_iter((!receipt.is_empty()).then(|| receipt.as_str().into()));
    for ([name, method], url) in [RETURN_AFTER_SUCCESS, RETURN_AFTER_FAILURE].into_iter().zip([success_url, failure_url]) {
        if is_passed_on && !url.is_empty() {
            link.add(name, url);
            link.add(method, RETURN_METHOD);
            signed.extend([settings.return_urls.signed(url), RETURN_METHOD.into()]);
        }
    }
    link.pass_over("callback-url", !callback_url.is_empty());
    link.pass_over("success-url", !is_passed_on && !success_url.is_empty());
    link.pass_over("failure-url", !is_passed_on && !failure_url.is_empty());
    link.pass_over("receipt.contact", !contact.is_empty() && email != contact);
    link.pass_over("receipt.items.measure", order.receipt.as_ref().is_some_and(receipt::has_measure));
    let signed: Vec<&str> = signed.iter().map(|text| &**text).collect();
    let sign = sign::link(*hash, [merchant_login, &out_sum, inv_id], &signed, password_1, &order.id);
    link.add("SignatureValue", &sign);
    let mut link = link.at(&settings.payment_page);
    link.url = link.url.filter(|url| receipt.is_empty() || url.len() <= URL_BYTES_MAX);
    Ok(link)
}

/// Checks an absolute URL, which may be empty, and returns it.
fn url<'o>(field: &str, text: &'o str, problems: &mut Vec<Problem>) -> &'o str {
    let problem = (!text.is_empty()).then(|| kit::url::absolute(text).err()).flatten();
    problems.extend(problem.map(|message| Code::Invalid.at(field, message)));
    text
}

/// Formats a time as `YYYY-MM-DDThh:mm`, like the documentation's example. That names no time zone; Moscow's is assumed.
fn expiration_date(seconds: u64) -> Result<String, Problem> {
    let time = order::expiry_in_moscow(seconds)?;
    Ok(format!("{}T{:02}:{:02}", time.date(), time.hour(), time.minute()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use kit::contract::{Money, Receipt};
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
            callback_url: "https://billing.example.ru/callbacks/robokassa".into(),
            success_url: "https://billing.example.ru/cabinet".into(),
            failure_url: String::new(),
            expires_at: None,
            receipt: None,
            payer: Vec::new(),
            extra: Vec::new(),
        }
    }

    fn field<'l>(link: &'l PaymentLink, name: &str) -> Option<&'l str> {
        inputs(link).iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_whole_link() {
        let order = Order {
            expires_at: Some(1_893_542_645),
            payer: vec![("email".into(), "ivan@example.ru".into()), ("phone".into(), "+79001234567".into())],
            ..order()
        };
        let link = create(&settings(&[]), &order).unwrap();
        let fields: Vec<(&str, &str)> = inputs(&link).iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            fields,
            [
                ("MerchantLogin", "robo-demo-test"),
                ("OutSum", "100.00"),
                ("InvId", "42"),
                ("Description", "Пополнение счёта"),
                ("Shp_order", "42"),
                ("Culture", "ru"),
                ("Encoding", "utf-8"),
                ("Email", "ivan@example.ru"),
                ("ExpirationDate", "2030-01-02T03:04"),
                ("SignatureValue", "03139b6b295aa160800f290bf48dc5cd"),
            ]
        );
        assert_eq!(link.form.as_ref().unwrap().action, "https://auth.robokassa.ru/Merchant/Index.aspx");
        let start = "https://auth.robokassa.ru/Merchant/Index.aspx?MerchantLogin=robo-demo-test&OutSum=100.00&InvId=42&";
        assert!(address(&link).starts_with(start), "{}", address(&link));
    }

    #[test]
    fn an_id_that_is_no_number_has_robokassa_number_the_invoice() {
        for (id, inv_id, signature) in [
            ("42", "42", "03139b6b295aa160800f290bf48dc5cd"),
            ("A-42", "0", "b6048e5af3ecfac7a5e98c02ade1ddb3"),
            ("042", "0", "83d1991933d9deb3097c684da120f2a0"),
            ("9223372036854775808", "0", "b185b3f203b5183f4855319d66fcd6f2"),
        ] {
            let link = create(&settings(&[]), &Order { id: id.into(), ..order() }).unwrap();
            let got = ["InvId", "Shp_order", "SignatureValue"].map(|name| field(&link, name).unwrap());
            assert_eq!(got, [inv_id, id, signature]);
        }
    }

    #[test]
    fn a_test_link_says_so_and_nothing_else_differs() {
        let (real, test) =
            (create(&settings(&[]), &order()).unwrap(), create(&settings(&[("test-mode", "true")]), &order()).unwrap());
        assert_eq!((field(&real, "IsTest"), field(&test, "IsTest")), (None, Some("1")));
        let without: Vec<_> = inputs(&test).iter().filter(|(name, _)| name != "IsTest").cloned().collect();
        assert_eq!(without, inputs(&real));
    }

    #[test]
    fn addresses_of_return_are_signed_as_the_settings_say_or_told_as_not_passed_on() {
        let order = Order { failure_url: "https://lk.example.ru/no?a=1".into(), ..order() };
        let not_passed_on = |link: &PaymentLink| link.extra.iter().map(|(_, names)| names.clone()).collect::<Vec<_>>();
        let link = create(&settings(&[]), &order).unwrap();
        assert_eq!(not_passed_on(&link), ["callback-url,success-url,failure-url"]);
        assert_eq!(field(&link, "SuccessUrl2"), None);
        for (setting, success, failure) in [
            ("plain", "https://billing.example.ru/cabinet", "https://lk.example.ru/no?a=1"),
            ("encoded", "https%3A%2F%2Fbilling.example.ru%2Fcabinet", "https%3A%2F%2Flk.example.ru%2Fno%3Fa%3D1"),
        ] {
            let link = create(&settings(&[("return-urls", setting)]), &order).unwrap();
            assert_eq!(not_passed_on(&link), ["callback-url"]);
            assert_eq!(field(&link, "SuccessUrl2"), Some("https://billing.example.ru/cabinet"));
            assert_eq!(field(&link, "FailUrl2Method"), Some("GET"));
            let signed = format!("robo-demo-test:100.00:42:{success}:GET:{failure}:GET:TestPassword1:Shp_order=42");
            let want = hex::encode(kit::signature::Hash::Md5.digest(&[signed]));
            assert_eq!(field(&link, "SignatureValue"), Some(want.as_str()), "{setting}");
        }
    }

    #[test]
    fn a_receipt_is_signed_as_it_is_sent() {
        let order = Order { receipt: Some(receipt::tests::receipt()), ..order() };
        let link = create(&settings(&[]), &order).unwrap();
        let sent = field(&link, "Receipt").unwrap();
        assert!(sent.starts_with("%7B%22sno%22%3A%22osn%22"), "{sent}");
        let signed = format!("robo-demo-test:100.00:42:{sent}:TestPassword1:Shp_order=42");
        let want = hex::encode(kit::signature::Hash::Md5.digest(&[signed]));
        assert_eq!(field(&link, "SignatureValue"), Some(want.as_str()));
        assert_eq!(field(&link, "Email"), Some("ivan@example.ru"), "the contact stands in for the payer's");
        assert!(address(&link).contains("&Receipt=%257B%2522sno"), "{}", address(&link));
        assert_eq!(link.extra, [("not-passed-on".to_owned(), "callback-url,success-url".to_owned())]);
    }

    #[test]
    fn what_a_receipt_has_no_place_for_is_told() {
        let mut receipt = receipt::tests::receipt();
        receipt.contact = "+79001234567".into();
        receipt.items[0].measure = "month".into();
        let link = create(&settings(&[]), &Order { receipt: Some(receipt.clone()), ..order() }).unwrap();
        assert!(link.extra[0].1.ends_with("receipt.contact,receipt.items.measure"), "{:?}", link.extra);
        receipt.items = vec![receipt.items[0].clone(); 20];
        let link = create(&settings(&[]), &Order { receipt: Some(receipt), ..order() }).unwrap();
        assert!(link.url.is_none() && link.form.is_some(), "a long receipt is sent by a form");
    }

    #[test]
    fn languages_that_the_page_does_not_speak_are_the_settings() {
        for (tag, want) in [("", "en"), ("fr", "en"), ("ru-RU", "ru"), ("EN", "en")] {
            let link = create(&settings(&[("language", "en")]), &Order { language: tag.into(), ..order() }).unwrap();
            assert_eq!(field(&link, "Culture"), Some(want), "{tag}");
        }
    }

    #[test]
    fn problems_name_their_field() {
        type Change = fn(&mut Order);
        let cases: [(Change, &str, &str); 13] = [
            (
                |order| order.receipt = Some(Receipt { taxation: Some("envd".into()), ..receipt::tests::receipt() }),
                "receipt.taxation",
                "unsupported",
            ),
            (|order| order.success_url = "javascript:1".into(), "success-url", "invalid"),
            (|order| order.id.clear(), "id", "invalid"),
            (|order| order.id = "заказ".into(), "id", "invalid"),
            (|order| order.id = "4:2".into(), "id", "invalid"),
            (|order| order.amount.minor_units = 0, "amount.minor-units", "out-of-range"),
            (|order| order.amount.minor_units = i64::MAX, "amount.minor-units", "out-of-range"),
            (|order| order.amount.currency = "USD".into(), "amount.currency", "unsupported"),
            (|order| order.description = "ы".repeat(101), "description", "too-long"),
            (|order| order.description = "a\nb".into(), "description", "invalid"),
            (|order| order.payer = vec![("email".into(), "x".repeat(256))], "payer.email", "too-long"),
            (|order| order.expires_at = Some(u64::MAX), "expires-at", "out-of-range"),
            (|order| order.expires_at = Some(253_402_300_799), "expires-at", "out-of-range"),
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

    proptest! {
        #[test]
        fn a_link_reads_back_to_its_order(
            id in "[A-Za-z0-9._-]{1,64}|[0-9]{1,20}",
            minor_units in 1..=AMOUNT_MAX,
            description in "[^\\p{C}]{0,100}",
        ) {
            let amount = Money { minor_units, currency: "RUB".into() };
            let order = Order { id: id.clone(), amount, description: description.clone(), ..order() };
            let link = create(&settings(&[]), &order).unwrap();
            prop_assert!(address(&link).is_ascii());
            let (page, query) = address(&link).split_once('?').unwrap();
            prop_assert_eq!(page, &link.form.as_ref().unwrap().action);
            let known = ["Shp_order", "OutSum", "Description", "InvId"];
            let form = Form::parse(query.as_bytes(), known).unwrap();
            let sum = format_amount(minor_units);
            let inv_id = if is_inv_id(&id) { &id } else { "0" };
            prop_assert_eq!(known.map(|name| form.get(name)), [&id, &sum, &description, inv_id]);
        }
    }
}
