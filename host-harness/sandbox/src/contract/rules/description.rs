//! The rules about descriptions, and values that a description shares with other answers.

use domain::{Choice, Date, Description, Fields, SettingKind, SettingSpec, WrittenDate, is_contract_text as is_text};
use money::Currency;

use super::names::{Violations, are_fields, are_unique, broken, is_header_name, is_name};

const SETTINGS_MAX: usize = 64;
/// The most currencies, formats or choices: as many as a person could still read.
const LIST_MAX: usize = 256;
/// The most headers of callbacks that a provider reads.
const READ_HEADERS_MAX: usize = 16;
/// The most hosts to which a provider may have calls made.
const HOSTS_MAX: usize = 16;
/// The shortest form of an order's id that is of use.
const ORDER_ID_CHARS_MIN: u8 = 6;
const VERSION_CHARS_MAX: usize = 64;
const NO_CURRENCY: &str = "currency is not three upper-case letters";

/// Parses a currency code. Reports an invalid code as a violation and returns a placeholder.
pub fn currency(code: &str, violations: &mut Violations) -> Currency {
    Currency::parse(code).unwrap_or_else(|| {
        violations.push(NO_CURRENCY.to_owned());
        Currency::RUB
    })
}

/// Parses the currencies of a description. Reports violations, and leaves out invalid codes.
pub fn currencies(codes: &[String], violations: &mut Violations) -> Vec<Currency> {
    violations.extend(broken([
        (!codes.is_empty(), "there are no currencies"),
        (are_unique(codes, LIST_MAX), "currencies are more than 256, or one is given twice"),
    ]));
    let mut parsed = Vec::new();
    for code in codes.iter().take(LIST_MAX) {
        match Currency::parse(code) {
            Some(currency) => parsed.push(currency),
            None => violations.push(format!("currency {code:?} is not three upper-case letters")),
        }
    }
    parsed
}

/// Converts a date. Reports a date that does not exist as a violation and returns a placeholder.
pub fn day(name: &str, written: WrittenDate, violations: &mut Violations) -> Date {
    written.day().unwrap_or_else(|| {
        violations.push(format!("{name} is {written}, which is not a day of the calendar"));
        Date::MAX
    })
}

/// Returns the rules that a description breaks.
pub fn description(description: &Description) -> Violations {
    let Description { id, name, version, settings, currencies: _, export_formats, links: _, order_id, hosts, headers, extra } =
        description;
    let mut broken = broken([
        (is_text(name, 1, 100), "name is not 1 to 100 characters without control characters"),
        (are_unique(export_formats, LIST_MAX), "export formats are more than 256, or one is given twice"),
        (settings.len() <= SETTINGS_MAX, "there are more than 64 settings"),
        (headers.len() <= READ_HEADERS_MAX, "there are more than 16 headers"),
        ((ORDER_ID_CHARS_MIN..=64).contains(&order_id.chars_max), "an order's id has not 6 to 64 characters at most"),
        (are_unique(hosts, HOSTS_MAX), "hosts are more than 16, or one is given twice"),
        (are_fields(extra), "extra is not at most 256 names in kebab-case, each once"),
    ]);
    let mut rule = |holds: bool, text: String| broken.extend((!holds).then_some(text));
    rule(is_name(id), format!("id {id:?} is not kebab-case"));
    rule(is_version(version), format!("version {version:?} is not semantic, of at most {VERSION_CHARS_MAX} characters"));
    for format in export_formats.iter().take(LIST_MAX) {
        rule(is_format(format), format!("export format {format:?} is not kebab-case with dots in its version"));
    }
    for host in hosts.iter().take(HOSTS_MAX) {
        rule(is_host(host), format!("host {host:?} is not `host` or `host:port` in lower-case ASCII"));
    }
    for (at, header) in headers.iter().enumerate().take(READ_HEADERS_MAX) {
        let name = &header.name;
        rule(is_header_name(name), format!("header {name:?} is not 1 to 64 lower-case letters, digits and hyphens"));
        rule(headers.iter().take(at).all(|earlier| earlier.name != *name), format!("header {name:?} is given twice"));
    }
    for (at, setting) in settings.iter().enumerate().take(SETTINGS_MAX) {
        let unique = settings.iter().take(at).all(|earlier| earlier.name != setting.name);
        rule(unique, format!("setting {:?} is given twice", setting.name));
        broken_setting(setting, &mut rule);
    }
    broken
}

/// Reports whether a text is there in both languages, and each has such a length.
pub fn is_bilingual(texts: &Fields, chars_min: usize, chars_max: usize) -> bool {
    let is_there = |language| texts.iter().any(|(tag, _)| tag == language);
    let all_fit = texts.iter().all(|(_, text)| is_text(text, chars_min, chars_max));
    is_there("ru") && is_there("en") && are_fields(texts) && all_fit
}

/// Applies the rules about a setting, or an option, to each.
pub fn broken_setting(setting: &SettingSpec, rule: &mut impl FnMut(bool, String)) {
    let SettingSpec { name, title, help, kind, required, default_value, choices, extra } = setting;
    rule(is_name(name), format!("setting {name:?} is not kebab-case"));
    rule(is_bilingual(title, 1, 100), format!("setting {name:?} has no title of 1 to 100 characters in ru and en"));
    rule(is_bilingual(help, 0, 500), format!("setting {name:?} has no help of at most 500 characters in ru and en"));
    rule(are_fields(extra), format!("setting {name:?} has extra that is not names in kebab-case, each once"));
    rule(!(*required && default_value.is_some()), format!("setting {name:?} is required and has a default"));
    let is_choice = *kind == SettingKind::Choice;
    rule(is_choice != choices.is_empty(), format!("setting {name:?} has choices and is none, or the other way round"));
    let values: Vec<String> = choices.iter().map(|choice| choice.value.clone()).collect();
    rule(are_unique(&values, LIST_MAX), format!("setting {name:?} has more than 256 choices, or one twice"));
    for Choice { value, title } in choices.iter().take(LIST_MAX) {
        rule(
            is_text(value, 1, 500) && is_bilingual(title, 1, 100),
            format!("setting {name:?} has a choice that is not 1 to 500 characters with a title of 1 to 100 in ru and en"),
        );
    }
    let is_line = |value: &String| is_text(value, 0, 500) || kind.is_block() && is_text(&value.replace('\n', " "), 0, 500);
    rule(
        default_value.as_ref().is_none_or(is_line),
        format!("setting {name:?} has a default over 500 characters, or with control characters"),
    );
    let default_is_choice = default_value.as_ref().is_none_or(|value| values.contains(value));
    rule(!is_choice || default_is_choice, format!("setting {name:?} has a default that is no choice"));
    rule(!kind.is_secret() || default_value.is_none(), format!("secret {name:?} has a default"));
}

/// Reports whether a text is a name, in which words may contain dots, as in `enterprise-data-1.17`.
fn is_format(text: &str) -> bool {
    is_name(&text.replace('.', "-"))
}

/// Reports whether a text is a host's name or IPv4 address in lower case, with or without a port.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let is_label = |label: &str| {
        let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(is_known) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_port =
        |port: &str| !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    name.len() <= 253 && name.split('.').all(is_label) && port.is_none_or(is_port)
}

fn is_version(text: &str) -> bool {
    text.len() <= VERSION_CHARS_MAX && semver::Version::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::RequestHeader;

    #[test]
    fn versions() {
        for (text, want) in [
            ("1.4.0", true),
            ("1.0.0-rc.1+b5", true),
            ("1.0", false),
            ("1.0.0.0", false),
            ("v1.0.0", false),
            ("1.0.0 ", false),
            ("1.0.0-", false),
            ("1.0.0-a..b", false),
            ("01.0.0", false),
            ("1.0.0+", false),
        ] {
            assert_eq!(is_version(text), want, "{text:?}");
        }
    }

    #[test]
    fn codes_that_are_no_currencies_and_days_that_do_not_exist() {
        for (codes, violated) in [
            (&["RUB", "USD"][..], 0),
            (&[], 1),
            (&["rub"], 1),
            (&["RUB", "rub", "RUBL", ""], 3),
            (&["RUB", "RUB"], 1),
            (&["rub", "rub"], 3),
        ] {
            let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
            let mut violations = Violations::new();
            currencies(&codes, &mut violations);
            assert_eq!(violations.len(), violated, "{codes:?}: {violations:?}");
        }
        let mut violations = Violations::new();
        assert_eq!(currency("USD", &mut violations).as_str(), "USD");
        currency("usd", &mut violations);
        assert_eq!(day("period", WrittenDate { year: 2026, month: 2, day: 28 }, &mut violations).to_string(), "2026-02-28");
        day("period", WrittenDate { year: 2026, month: 2, day: 30 }, &mut violations);
        let want = ["currency is not three upper-case letters", "period is 2026-02-30, which is not a day of the calendar"];
        assert_eq!(violations, want);
    }

    #[test]
    fn descriptions_that_a_form_cannot_be_drawn_from() {
        let words = vec![("ru".to_owned(), "т".to_owned()), ("en".to_owned(), "t".to_owned())];
        let good = SettingSpec {
            name: "key".into(),
            title: words.clone(),
            help: words.clone(),
            kind: SettingKind::Secret,
            required: true,
            default_value: None,
            choices: vec![],
            extra: vec![],
        };
        let with = |settings: Vec<SettingSpec>| Description {
            id: "x".into(),
            name: "X".into(),
            version: "1.0.0".into(),
            settings,
            currencies: vec![Currency::RUB],
            export_formats: vec![],
            links: true,
            order_id: domain::OrderIdForm { chars_max: 64, digits_only: false },
            hosts: vec![],
            headers: vec![],
            extra: vec![],
        };
        let optional = SettingSpec { required: false, ..good.clone() };
        let choice = |value: &str, title: &[(String, String)]| Choice { value: value.into(), title: title.to_vec() };
        let choosing = |choices| SettingSpec { kind: SettingKind::Choice, choices, ..good.clone() };
        let block = SettingSpec { kind: SettingKind::TextBlock, default_value: Some("a\nb".into()), ..optional.clone() };
        for right in [good.clone(), choosing(vec![choice("a", &words), choice("b", &words)]), block] {
            assert_eq!(description(&with(vec![right])), Violations::new());
        }
        for (settings, want) in [
            (vec![good.clone(), good.clone()], "is given twice"),
            (vec![SettingSpec { title: vec![], ..good.clone() }], "no title"),
            (vec![SettingSpec { default_value: Some("x".into()), ..good.clone() }], "required and has a default"),
            (vec![SettingSpec { kind: SettingKind::Choice, ..good.clone() }], "choices"),
            (
                vec![SettingSpec { kind: SettingKind::SecretBlock, default_value: Some("x".into()), ..optional.clone() }],
                "has a default",
            ),
            (
                vec![SettingSpec { kind: SettingKind::Text, default_value: Some("a\nb".into()), ..optional.clone() }],
                "control characters",
            ),
            (vec![choosing(vec![choice("a", &words), choice("a", &words)])], "or one twice"),
            (vec![choosing(vec![choice("", &words)])], "a choice that"),
            (vec![choosing(vec![choice("a", &words[..1])])], "a choice that"),
            (vec![SettingSpec { name: "Key".into(), ..good }], "kebab-case"),
        ] {
            let broken = description(&with(settings)).join("; ");
            assert!(broken.contains(want), "{broken}");
        }
        let header = |name: &str| RequestHeader { name: name.into(), secret: false };
        let read = |names: &[&str]| Description { headers: names.iter().map(|name| header(name)).collect(), ..with(vec![]) };
        assert_eq!(description(&read(&["authorization", "x-request-id"])), Vec::<String>::new());
        for wrong in [&["Authorization"][..], &["a", "a"], &[""], &["a b"]] {
            assert_eq!(description(&read(wrong)).len(), 1, "{wrong:?}");
        }
        assert_eq!(description(&Description { headers: vec![header("a"); 17], ..with(vec![]) }).len(), 16);
        let calls =
            |hosts: &[&str]| Description { hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), ..with(vec![]) };
        assert_eq!(description(&calls(&["api.example.ru", "203.0.113.7:8443", "localhost"])), Vec::<String>::new());
        for wrong in
            ["https://a.ru", "A.ru", "*.a.ru", "a.ru:", "a.ru:0", "a.ru:99999", "a..ru", "-a.ru", "a.ru/", "", "кассы.рф"]
        {
            assert_eq!(description(&calls(&[wrong])).len(), 1, "{wrong:?}");
        }
        assert_eq!(description(&calls(&["a.ru", "a.ru"])).len(), 1);
        let short = Description { order_id: domain::OrderIdForm { chars_max: 5, digits_only: true }, ..with(vec![]) };
        assert_eq!(description(&short).len(), 1);
        let broken = description(&Description { id: "X".into(), version: "1".into(), ..with(vec![]) });
        assert_eq!(broken.len(), 2, "{broken:?}");
    }
}
