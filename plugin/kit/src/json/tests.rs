use super::*;
use crate::signature::{Hash, matches};
use proptest::prelude::*;
use std::borrow::Cow;

fn parse(text: &str) -> Object<'_> {
    Object::parse(text.as_bytes()).unwrap()
}

fn refused(text: &str) -> (String, JsonErrorKind) {
    let error = Object::parse(text.as_bytes()).unwrap_err();
    (error.path, error.kind)
}

#[test]
fn money_is_the_text_that_was_written() {
    for (json, want) in [
        (r#"{"amount": 10.50}"#, "10.50"),
        (r#"{"amount":"10.50"}"#, "10.50"),
        (r#"{"amount":10}"#, "10"),
        (r#"{"amount":0.1}"#, "0.1"),
        (r#"{"amount":9999999999999.99}"#, "9999999999999.99"),
        (r#"{"amount":90071992547409931234567890.123456789}"#, "90071992547409931234567890.123456789"),
        (r#"{"amount":1e2}"#, "1e2"),
        (r#"{"amount":-0.0}"#, "-0.0"),
        ("{\"amount\"\t:\n 1.00 \r\n}", "1.00"),
        (r#"{"amount":"10,50 руб."}"#, "10,50 руб."),
        (r#"{"amount":"\u0031\u0030.50"}"#, "10.50"),
    ] {
        assert_eq!(parse(json).number_text("amount").unwrap(), want, "{json}");
    }
    for json in [r#"{"amount":true}"#, r#"{"amount":{}}"#, r#"{"amount":[1]}"#] {
        assert_eq!(parse(json).number_text("amount").unwrap_err().kind, JsonErrorKind::NotNumber, "{json}");
    }
    assert_eq!(parse(r#"{"amount":null}"#).number_text("amount").unwrap_err().kind, JsonErrorKind::Missing);
}

#[test]
fn names_that_are_given_twice() {
    for (json, path) in [
        (r#"{"Amount":1,"Amount":2}"#, "Amount"),
        (r#"{"Amount":1,"Amount":1}"#, "Amount"),
        (r#"{"Amount":1,"b":2,"\u0041mount":3}"#, "Amount"),
        (r#"{"":1,"":2}"#, ""),
    ] {
        assert_eq!(refused(json), (path.to_owned(), JsonErrorKind::Duplicate), "{json}");
    }
    assert!(Object::parse(r#"{"Amount":1,"amount":2}"#.as_bytes()).is_ok());
    let json = r#"{"a":{"b":1,"b":2},"items":[{"c":1,"c":1}]}"#;
    assert_eq!(parse(json).object("a").unwrap_err().path, "a.b");
    assert_eq!(parse(json).array("items").unwrap()[0].object().unwrap_err().path, "items[0].c");
    let problem = Object::parse(br#"{"a":1,"a":2}"#).unwrap_err().problem();
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("field-conflict", Some("a")));
}

#[test]
fn what_is_not_json_is_refused() {
    for json in [
        "",
        " ",
        "{",
        "{}}",
        "{} {}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":NaN}",
        "{\"a\":0x10}",
        "{\"a\":\"\n\"}",
        "{\"a\":tru}",
        "{\"a\":[1,]}",
        "{\"a\":{]}",
        "{/**/}",
        "\u{feff}{}",
        "{\"a\":\"\\x\"}",
        "{\"\\ud800\":1}",
    ] {
        assert_eq!(refused(json), (String::new(), JsonErrorKind::Syntax), "{json:?}");
    }
    assert_eq!(Object::parse(b"{\"a\":\"\xc8\"}").unwrap_err().kind, JsonErrorKind::Syntax);
    for json in ["[]", "1", "\"a\"", "null", "true"] {
        assert_eq!(refused(json), (String::new(), JsonErrorKind::NotObject), "{json}");
    }
}

#[test]
fn errors_say_where() {
    let json = r#"{"object":{"amount":{"value":"100.00"},"paid":"true","n":1.5},"items":[{"price":1},{"price":null}],"half":"\ud800"}"#;
    let root = parse(json);
    let object = root.object("object").unwrap();
    let items = root.array("items").unwrap();
    let item = |at: usize| items[at].object().unwrap();
    for (error, want) in [
        (root.text("missing").unwrap_err(), "missing is missing."),
        (root.text("object").unwrap_err(), "object is not text."),
        (root.optional("items").unwrap_err(), "items is not text."),
        (root.array("object").unwrap_err(), "object is not an array."),
        (root.text("half").unwrap_err(), "half is not JSON in UTF-8."),
        (object.flag("paid").unwrap_err(), "object.paid is neither true nor false."),
        (object.integer("n").unwrap_err(), "object.n is not an integer."),
        (object.object("amount").unwrap().text("currency").unwrap_err(), "object.amount.currency is missing."),
        (object.object("amount").unwrap().object("value").unwrap_err(), "object.amount.value is not an object."),
        (item(0).text("price").unwrap_err(), "items[0].price is not text."),
        (item(1).text("price").unwrap_err(), "items[1].price is missing."),
    ] {
        assert_eq!(error.to_string(), want);
        assert_eq!(error.problem().code, "malformed");
    }
    assert_eq!(object.object("amount").unwrap().text("value").unwrap(), "100.00");
    assert_eq!(root.optional("missing"), Ok(None));
}

#[test]
fn integers_and_flags() {
    let json = r#"{"a":9223372036854775807,"b":-5,"c":9223372036854775808,"d":1e3,"e":"1","f":true,"g":false,"h":1.0}"#;
    let root = parse(json);
    for (name, want) in
        [("a", Some(i64::MAX)), ("b", Some(-5)), ("c", None), ("d", None), ("e", None), ("f", None), ("h", None)]
    {
        assert_eq!(root.integer(name).ok(), want, "{name}");
    }
    for (name, want) in [("f", Some(true)), ("g", Some(false)), ("a", None), ("e", None)] {
        assert_eq!(root.flag(name).ok(), want, "{name}");
    }
}

#[test]
fn limits() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(BYTES_MAX));
    assert_eq!(refused(&long).1, JsonErrorKind::TooLong);
    assert!(Object::parse_within(long.as_bytes(), long.len()).is_ok());
    let many = |count: usize| (0..count).map(|at| format!("\"a{at}\":{at}")).collect::<Vec<_>>().join(",");
    assert!(Object::parse(format!("{{{}}}", many(ENTRIES_MAX)).as_bytes()).is_ok());
    assert_eq!(refused(&format!("{{{}}}", many(ENTRIES_MAX + 1))).1, JsonErrorKind::TooMany);
    let array = format!("{{\"a\":[{}1]}}", "1,".repeat(ENTRIES_MAX));
    assert_eq!(parse(&array).array("a").unwrap_err().kind, JsonErrorKind::TooMany);
    // What is not opened may be of any depth: it is skipped without recursion.
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    let mut values = parse(&deep).array("a").unwrap();
    for _ in 0..DEPTH_MAX - 2 {
        values = values[0].array().unwrap();
    }
    assert_eq!(values[0].array().unwrap_err().kind, JsonErrorKind::TooDeep);
}

/// Joins what T-Bank signs: the scalars of the root and the password, by name, without the token.
fn token_text(json: &str, password: &str) -> String {
    let object = parse(json);
    let mut scalars = object.scalars().unwrap();
    scalars.retain(|(name, _)| *name != "Token");
    scalars.push(("Password", Cow::Borrowed(password)));
    scalars.sort_unstable_by(|one, other| one.0.cmp(other.0));
    scalars.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn tbank_signs_the_scalars_of_the_root() {
    let init = |order: &str| {
        format!(
            "{{\"TerminalKey\":\"MerchantTerminalKey\",\"Amount\":19200,\"OrderId\":\"{order}\",\"Description\":\"Подарочная карта на 1000 \
             рублей\",\"DATA\":{{\"Phone\":\"+71234567890\"}},\"Receipt\":{{\"Items\":[]}},\"Shops\":[],\"Token\":\"x\"}}"
        )
    };
    for (order, password, token) in [
        ("21090", "usaf8fw8fsw21g", "0024a00af7c350a3a67ca168ce06502aa72772456662e38696d48b56ee9c97d9"),
        ("00000", "11111111111111", "72dd466f8ace0a37a1f740ce5fb78101712bc0665d91a8108c7c8a0ccd426db2"),
    ] {
        let text = token_text(&init(order), password);
        assert!(matches(&Hash::Sha256.digest(&[&text]), token), "{text}");
    }
    // The published text of a notification, with the password 11111111111.
    let notification = r#"{"TerminalKey":"1234567890DEMO","OrderId":"000000","Success":true,"Status":"AUTHORIZED","PaymentId":"0000000",
        "ErrorCode":"0","Amount":1111,"CardId":"000000","Pan":"200000******0000","ExpDate":"1111","RebillId":"000000",
        "Data":{"a":"b"},"Nothing":null}"#;
    let text = token_text(notification, "11111111111");
    assert_eq!(text, "111100000001111000000200000******0000111111111110000000000000AUTHORIZEDtrue1234567890DEMO");
    let token = "1c0964277d0213349243065a0d5b838b8e90d2d25f740d0f2767836e710e80c8";
    assert!(matches(&Hash::Sha256.digest(&[&text]), token));
    let values: String =
        parse(r#"{"b":1.50,"B":"\u042f","a":false,"_":1e2}"#).scalars().unwrap().into_iter().map(|(_, text)| text).collect();
    assert_eq!(values, "Я1e2false1.50");
}

#[test]
fn what_is_written() {
    let request = parse(r#"{"id": 7, "name":" \" "}"#);
    let written = object(|root| {
        root.integer("Amount", 10_000);
        root.amount("Sum", 1_050);
        root.object("amount", |amount| {
            amount.text("value", &money::format_amount(10_000));
            amount.text("currency", "RUB");
        });
        root.flag("capture", true);
        root.null("result");
        root.copy("id", &request.value("id").unwrap());
        root.copy("name", &request.value("name").unwrap());
        root.array("items", |items| {
            items.object(|item| item.text("Name", "«Аванс» \"за связь\"\\\n\u{1}"));
            items.object(|item| {
                item.decimal("one", 1_000, 3);
                item.decimal("part", 1_500, 3);
                item.decimal("hundred", 100_000, 3);
                item.decimal("less", -5, 3);
            });
            items.integer(-1);
            items.text("");
        });
        root.object("none", |_| {});
        root.array("nothing", |_| {});
    });
    assert_eq!(
        written,
        "{\"Amount\":10000,\"Sum\":10.50,\"amount\":{\"value\":\"100.00\",\"currency\":\"RUB\"},\"capture\":true,\"result\":null,\
         \"id\":7,\"name\":\" \\\" \",\"items\":[{\"Name\":\"«Аванс» \\\"за связь\\\"\\\\\\n\\u0001\"},{\"one\":1,\"part\":1.5,\"hundred\":100,\"less\":-0.005},-1,\"\"],\"none\":{},\
         \"nothing\":[]}"
    );
    assert_eq!(array(|array| array.integer(1)), "[1]");
}

proptest! {
    #[test]
    fn text_reads_back(name in "\\PC{0,8}|[\\x00-\\x7f]{0,8}", text in any::<String>(), minor_units in any::<i64>()) {
        let json = object(|root| {
            root.text(&name, &text);
            root.amount(&[&name, "2"].concat(), minor_units);
        });
        let root = parse(&json);
        prop_assert_eq!(root.text(&name).unwrap(), text);
        prop_assert_eq!(root.number_text(&[&name, "2"].concat()).unwrap(), money::format_amount(minor_units));
    }

    /// What is parsed is what `serde_json` parses, but for equal names and limits.
    #[test]
    fn json_is_what_the_library_says(text in "[\\[\\]{}:,\"a1.e\\\\ -]{0,16}|\\PC{0,12}") {
        let library: Result<serde_json::Value, _> = serde_json::from_str(&text);
        let value = Value::parse(text.as_bytes());
        if library.is_ok() {
            prop_assert!(value.is_ok());
        }
        if let Ok(object) = Object::parse(text.as_bytes()) {
            for (_, value) in object.fields() {
                let _ = (value.text(), value.number_text(), value.integer(), value.flag(), value.scalar(), value.object(), value.array());
            }
        }
    }
}
