//! The contract's rules that its types cannot express, checked on a provider's answers.

use domain::{
    CallbackAnswer, Choice, Date, DedupKey, Description, EventKind, ExportPart, ExportTotals, Facts, Fields, HttpReply,
    NAME_CHARS_MAX, OrderId, PaymentLink, Problem, ProvedEvent, SettingKind, SettingSpec, TransactionId, Verdict, WrittenDate,
    is_contract_text as is_text,
};
use money::Currency;

const FIELDS_MAX: usize = 256;
const SETTINGS_MAX: usize = 64;
/// The most currencies, formats or choices: as many as a person could still read.
const LIST_MAX: usize = 256;
/// The most headers of callbacks that a provider reads.
const READ_HEADERS_MAX: usize = 16;
const VERSION_CHARS_MAX: usize = 64;
const REPLY_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 32;
const HEADER_BYTES_MAX: usize = 1024;
const DATA_TYPES: [&str; 4] = ["text/plain", "application/json", "text/xml", "application/xml"];
const PART_BYTES_MAX: usize = 256 << 10;

/// The broken rules, each as a phrase.
type Violations = Vec<String>;

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
    let Description { id, name, version, settings, currencies: _, export_formats, links: _, headers, extra } = description;
    let mut broken = broken([
        (is_text(name, 1, 100), "name is not 1 to 100 characters without control characters"),
        (are_unique(export_formats, LIST_MAX), "export formats are more than 256, or one is given twice"),
        (settings.len() <= SETTINGS_MAX, "there are more than 64 settings"),
        (headers.len() <= READ_HEADERS_MAX, "there are more than 16 headers"),
        (are_fields(extra), "extra is not at most 256 names in kebab-case, each once"),
    ]);
    let mut rule = |holds: bool, text: String| broken.extend((!holds).then_some(text));
    rule(is_name(id), format!("id {id:?} is not kebab-case"));
    rule(is_version(version), format!("version {version:?} is not semantic, of at most {VERSION_CHARS_MAX} characters"));
    for format in export_formats.iter().take(LIST_MAX) {
        rule(is_format(format), format!("export format {format:?} is not kebab-case with dots in its version"));
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

fn broken_setting(setting: &SettingSpec, rule: &mut impl FnMut(bool, String)) {
    let SettingSpec { name, title, help, kind, required, default_value, choices, extra } = setting;
    rule(is_name(name), format!("setting {name:?} is not kebab-case"));
    let bilingual = |texts: &Fields, chars_min, chars_max| {
        let is_there = |language| texts.iter().any(|(tag, _)| tag == language);
        let all_fit = texts.iter().all(|(_, text)| is_text(text, chars_min, chars_max));
        is_there("ru") && is_there("en") && are_fields(texts) && all_fit
    };
    rule(bilingual(title, 1, 100), format!("setting {name:?} has no title of 1 to 100 characters in ru and en"));
    rule(bilingual(help, 0, 500), format!("setting {name:?} has no help of at most 500 characters in ru and en"));
    rule(are_fields(extra), format!("setting {name:?} has extra that is not names in kebab-case, each once"));
    rule(!(*required && default_value.is_some()), format!("setting {name:?} is required and has a default"));
    let is_choice = *kind == SettingKind::Choice;
    rule(is_choice != choices.is_empty(), format!("setting {name:?} has choices and is none, or the other way round"));
    let values: Vec<String> = choices.iter().map(|choice| choice.value.clone()).collect();
    rule(are_unique(&values, LIST_MAX), format!("setting {name:?} has more than 256 choices, or one twice"));
    for Choice { value, title } in choices.iter().take(LIST_MAX) {
        rule(
            is_text(value, 1, 500) && bilingual(title, 1, 100),
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

/// Returns the rules that a refusal's problems break.
pub fn problems(problems: &[Problem]) -> Violations {
    let counted = broken([(!problems.is_empty(), "there is no problem among the problems")]);
    counted.into_iter().chain(problems.iter().flat_map(problem)).collect()
}

/// Returns the rules that a problem breaks. Its `field` is not checked: it is spelled as the other side spells it, which may be
/// anyone.
fn problem(problem: &Problem) -> Violations {
    let Problem { code, message, .. } = problem;
    broken([
        (is_name(code), "a problem's code is not kebab-case"),
        (is_text(message, 0, 500), "a problem's message is not at most 500 characters without control characters"),
    ])
}

/// Returns the rules that an answer to a callback breaks.
pub fn callback_answer(answer: &CallbackAnswer) -> Violations {
    let mut broken = reply(&answer.reply);
    broken.extend(match &answer.verdict {
        Verdict::Accepted(accepted) => event(accepted),
        Verdict::Unresolved(noted) | Verdict::Ignored(noted) | Verdict::Refused(noted) => problem(noted),
    });
    broken
}

fn event(event: &ProvedEvent) -> Violations {
    let ProvedEvent { facts, comment, dedup_key, extra, .. } = event;
    let Facts { kind, transaction, order, payer, amount, occurred_at, .. } = facts;
    broken([
        (TransactionId::is_valid(transaction), "transaction is not 1 to 64 characters without control characters"),
        (order.as_deref().is_none_or(OrderId::is_valid), "order is not 1 to 64 characters without control characters"),
        (
            payer.as_ref().is_none_or(|payer| is_text(payer, 1, 255)),
            "payer is not 1 to 255 characters without control characters",
        ),
        (amount.minor_units > 0 || (*kind == EventKind::Declined && amount.minor_units == 0), "amount is not positive"),
        (
            occurred_at.as_deref().is_none_or(is_time),
            "occurred-at is not YYYY-MM-DD or YYYY-MM-DDThh:mm:ss, with or without an offset",
        ),
        (is_text(comment, 0, 255), "comment is not at most 255 characters without control characters"),
        (DedupKey::is_valid(dedup_key), "dedup-key is not 1 to 255 printable ASCII characters"),
        (are_fields(extra), "extra is not at most 256 names in kebab-case, each once"),
    ])
}

/// Returns the rules that a reply breaks. A reply is data: nothing that a browser would run or store, and nothing that the host
/// could not send.
fn reply(reply: &HttpReply) -> Violations {
    let HttpReply { status, headers, body } = reply;
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let unique = names.windows(2).all(|pair| pair.first() != pair.last());
    let printable = |(_, value): &(String, String)| value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let is_sent = |(name, value): &(String, String)| match name.as_str() {
        "content-type" => is_data_type(value),
        other => other.strip_prefix("x-").is_some_and(is_header_name),
    };
    broken([
        (matches!(status, 200..=299 | 400..=599), "reply status is not 200 to 299 or 400 to 599"),
        (headers.len() <= HEADERS_MAX && unique, "reply has more than 32 headers, or one is given twice"),
        (
            headers.iter().all(is_sent),
            "reply has a header that is neither x-… in lower case nor a content-type of text/plain, application/json, text/xml or \
             application/xml",
        ),
        (
            headers.iter().all(|header| printable(header) && header.1.len() <= HEADER_BYTES_MAX),
            "a reply header's value is not at most 1024 printable ASCII characters",
        ),
        (body.len() <= REPLY_BYTES_MAX, "reply body is over 64 KiB"),
        (body.is_empty() || !matches!(status, 204 | 205), "reply has a body where its status allows none"),
    ])
}

fn is_header_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(is_known)
}

/// Reports whether a media type, with or without a charset, is one that no browser runs.
fn is_data_type(value: &str) -> bool {
    let (media_type, parameter) = value.split_once(';').map_or((value, None), |(media_type, rest)| (media_type, Some(rest)));
    let is_charset = |parameter: &str| {
        let charset = parameter.trim().split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
        charset.is_some_and(|(_, charset)| {
            let charset = charset.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(charset);
            !charset.is_empty() && charset.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
    };
    DATA_TYPES.iter().any(|known| media_type.trim_end().eq_ignore_ascii_case(known)) && parameter.is_none_or(is_charset)
}

/// Returns the rules that a link breaks.
pub fn payment_link(link: &PaymentLink) -> Violations {
    let is_url = |url: &str| {
        (url.starts_with("https://") || url.starts_with("http://")) && url.bytes().all(|byte| byte.is_ascii_graphic())
    };
    broken([
        (is_url(&link.url), "url is not an absolute URL in ASCII"),
        (is_url(&link.form_action), "form-action is not an absolute URL in ASCII"),
        (link.form_fields.len() <= FIELDS_MAX, "there are more than 256 form fields"),
        (are_fields(&link.extra), "extra is not at most 256 names in kebab-case, each once"),
    ])
}

/// Returns the rules that a single part of an export's output breaks.
pub fn export_part(part: &ExportPart) -> Violations {
    match part {
        ExportPart::Bytes(bytes) => broken([((1..=PART_BYTES_MAX).contains(&bytes.len()), "a part has not 1 to 262144 bytes")]),
        ExportPart::LeftOut(left_out) => {
            let mut wrong = broken([(left_out.rows > 0, "it leaves out no write-offs")]);
            wrong.extend(problem(&left_out.reason));
            wrong
        }
        ExportPart::Warning(warning) => problem(warning),
        ExportPart::FileEnd(totals) => export_totals(totals),
    }
}

/// Returns the rules that totals break by themselves.
pub fn export_totals(totals: &ExportTotals) -> Violations {
    broken([(are_fields(&totals.extra), "extra is not at most 256 names in kebab-case, each once")])
}

/// The sums over an export's output so far, to check it against the contract.
#[derive(Default)]
pub struct Files {
    /// Whether there were bytes since the last end of a file.
    is_open: bool,
    rows: u64,
    left_out_rows: u64,
    documents: u64,
    minor_units: i128,
    vat_minor_units: i128,
}

impl Files {
    /// Adds the next part, and returns the rules that it breaks at its position.
    pub fn part(&mut self, part: &ExportPart) -> Violations {
        match part {
            ExportPart::Bytes(_) => self.is_open = true,
            ExportPart::LeftOut(left_out) => self.left_out_rows = self.left_out_rows.saturating_add(left_out.rows),
            ExportPart::Warning(_) => {}
            ExportPart::FileEnd(totals) => {
                self.rows = self.rows.saturating_add(totals.rows);
                self.documents = self.documents.saturating_add(totals.documents);
                self.minor_units += i128::from(totals.amount.minor_units);
                self.vat_minor_units += i128::from(totals.vat_minor_units);
                return broken([(std::mem::take(&mut self.is_open), "a file without bytes ends")]);
            }
        }
        Violations::new()
    }

    /// Returns the rules that the export's totals break, after `rows` appended rows.
    pub fn totals(&self, totals: &ExportTotals, rows: u64) -> Violations {
        broken([
            (
                totals.rows.saturating_add(self.left_out_rows) == rows,
                "the totals, with what was left out, count other rows than were appended",
            ),
            (!self.is_open, "the last file has no end"),
            (self.rows == totals.rows && self.documents == totals.documents, "the files' totals are not the export's"),
            (self.minor_units == totals.amount.minor_units.into(), "the files' amounts are not the export's"),
            (self.vat_minor_units == totals.vat_minor_units.into(), "the files' VAT is not the export's"),
        ])
    }
}

fn broken<const N: usize>(rules: [(bool, &str); N]) -> Violations {
    rules.iter().filter(|(holds, _)| !holds).map(|(_, text)| (*text).to_owned()).collect()
}

fn are_unique(texts: &[String], most: usize) -> bool {
    texts.len() <= most && texts.iter().enumerate().all(|(at, text)| texts.iter().take(at).all(|earlier| earlier != text))
}

/// Reports whether a text is `YYYY-MM-DD`, optionally followed by `Thh:mm:ss`, which `Z`, `+hh:mm` or `-hh:mm` may follow. The
/// provider has to check that the day exists.
fn is_time(text: &str) -> bool {
    let like = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(byte, form)| if form == b'0' { byte.is_ascii_digit() } else { byte == form })
    };
    let (Some(date), Some(rest)) = (text.get(..10), text.get(10..)) else { return false };
    let offset = |offset: &str| ["", "Z", "+00:00", "-00:00"].iter().any(|form| like(offset, form));
    like(date, "0000-00-00")
        && (rest.is_empty() || rest.get(..9).is_some_and(|time| like(time, "T00:00:00")) && rest.get(9..).is_some_and(offset))
}

/// Reports whether a text is a name, in which words may contain dots, as in `enterprise-data-1.17`.
fn is_format(text: &str) -> bool {
    is_name(&text.replace('.', "-"))
}

/// Reports whether a text matches `[a-z][a-z0-9]*(-[a-z0-9]+)*` and has at most 64 characters.
fn is_name(text: &str) -> bool {
    // A word is not empty, so every hyphen must follow another character.
    let mut in_word = false;
    let known = text.bytes().all(|byte| {
        let (was_in_word, is_hyphen) = (in_word, byte == b'-');
        in_word = !is_hyphen;
        if is_hyphen { was_in_word } else { byte.is_ascii_lowercase() || byte.is_ascii_digit() }
    });
    known && in_word && text.len() <= NAME_CHARS_MAX && text.starts_with(|char: char| char.is_ascii_lowercase())
}

/// Reports whether fields are at most 256 names in kebab-case, each once. Every callback's answer is checked here, so for speed
/// two names are compared only if their lengths and last letters match.
fn are_fields(fields: &Fields) -> bool {
    let mut seen = [0_u64; NAME_CHARS_MAX + 1];
    let mut is_new = |at: usize, name: &str| {
        let Some(letters) = seen.get_mut(name.len()) else { return false };
        let letter = 1 << (name.bytes().next_back().unwrap_or_default() % 64);
        let is_alone = *letters & letter == 0;
        *letters |= letter;
        is_alone || fields.iter().take(at).all(|(other, _)| other != name)
    };
    fields.len() <= FIELDS_MAX && fields.iter().enumerate().all(|(at, (name, _))| is_name(name) && is_new(at, name))
}

fn is_version(text: &str) -> bool {
    text.len() <= VERSION_CHARS_MAX && semver::Version::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Money, Recurrence, RequestHeader};

    #[test]
    fn names_and_versions() {
        for (text, want) in [
            ("a", true),
            ("card-mask", true),
            ("a1-2", true),
            ("", false),
            ("A", false),
            ("1a", false),
            ("a-", false),
            ("a--b", false),
            ("-a", false),
            ("a_b", false),
        ] {
            assert_eq!(is_name(text), want, "{text:?}");
        }
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
    fn names_of_fields_stand_once() {
        let fields = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        for (names, want) in [
            (&["a", "b", "ab", "bb", "bb-b"][..], true),
            (&["ab", "cb", "eb", "cb"], false),
            (&["a", "a"], false),
            (&["a", "B"], false),
        ] {
            assert_eq!(are_fields(&fields(names)), want, "{names:?}");
        }
        let many: Vec<String> = (0..=FIELDS_MAX).map(|at| format!("a{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(are_fields(&fields(&many[1..])));
        assert!(!are_fields(&fields(&many)));
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
        let broken = description(&Description { id: "X".into(), version: "1".into(), ..with(vec![]) });
        assert_eq!(broken.len(), 2, "{broken:?}");
    }

    #[test]
    fn answers_that_a_ledger_must_not_see() {
        let reply = HttpReply { status: 200, headers: vec![], body: vec![] };
        let event = |minor_units, dedup_key: &str| ProvedEvent {
            facts: Facts {
                kind: EventKind::Payment,
                recurrence: Recurrence::Single,
                transaction: "1".parse().unwrap(),
                original: None,
                ends_hold: None,
                expires_at: None,
                account: None,
                order: None,
                payer: None,
                amount: Money { minor_units, currency: Currency::RUB },
                occurred_at: None,
            },
            comment: String::new(),
            dedup_key: DedupKey::stored(dedup_key),
            fee: None,
            extra: vec![],
        };
        let broken = |verdict, reply: &HttpReply| callback_answer(&CallbackAnswer { verdict, reply: reply.clone() });
        assert_eq!(broken(Verdict::Accepted(event(1, "k")), &reply), Violations::new());
        for (minor_units, key) in [(0, "k"), (-1, "k"), (1, ""), (1, "ключ")] {
            assert_eq!(broken(Verdict::Accepted(event(minor_units, key)), &reply).len(), 1, "{minor_units} {key}");
        }
        let problem = Problem { code: "Bad Code".into(), field: None, row: None, message: String::new() };
        assert_eq!(broken(Verdict::Refused(problem), &HttpReply { status: 100, ..reply }).len(), 2);
    }

    #[test]
    fn replies_that_are_more_than_data() {
        let broken = |status, headers: &[(&str, &str)], body: &[u8]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            reply(&HttpReply { status, headers, body: body.to_vec() }).len()
        };
        for (status, headers, body) in [
            (200, &[][..], &b"OK"[..]),
            (200, &[("content-type", "text/plain")], b"OK"),
            (404, &[("content-type", "application/json; charset=utf-8"), ("x-request-id", "7 a")], b"{}"),
            (500, &[("content-type", "Text/XML;charset=\"windows-1251\"")], b"<a/>"),
            (204, &[], b""),
        ] {
            assert_eq!(broken(status, headers, body), 0, "{status} {headers:?}");
        }
        for (status, headers, body) in [
            (100, &[][..], &b""[..]),
            (302, &[], b""),
            (304, &[], b""),
            (600, &[], b""),
            (204, &[], b"x"),
            (205, &[], b"x"),
            (200, &[("content-type", "text/html")], b"x"),
            (200, &[("content-type", "text/plain; boundary=x")], b"x"),
            (200, &[("content-type", "text/plain, text/html")], b"x"),
            (200, &[("content-type", "text/plain"), ("content-type", "text/plain")], b"x"),
            (200, &[("Content-Type", "text/plain")], b"x"),
            (200, &[("set-cookie", "s=1; Path=/operator")], b"x"),
            (200, &[("location", "https://evil.example")], b"x"),
            (200, &[("content-length", "5")], b"OK"),
            (200, &[("transfer-encoding", "chunked")], b"OK"),
            (200, &[("connection", "keep-alive")], b"OK"),
            (200, &[("x-", "a")], b"x"),
            (200, &[("x-a b", "a")], b"x"),
            (200, &[("x-a", "a\r\nset-cookie: b")], b"x"),
            (200, &[("x-a", "\u{e9}")], b"x"),
        ] {
            assert_eq!(broken(status, headers, body), 1, "{status} {headers:?}");
        }
    }

    #[test]
    fn times() {
        for (text, want) in [
            ("2026-10-01", true),
            ("2026-10-01T12:00:00", true),
            ("2026-10-01T12:00:00Z", true),
            ("2026-10-01T12:00:00+03:00", true),
            ("2026-10-01 12:00:00", false),
            ("2026-10-01T12:00", false),
            ("2026-10-01T12:00:00+3", false),
            ("YYYY-MM-DD", false),
            ("", false),
            ("ё026-10-01", false),
        ] {
            assert_eq!(is_time(text), want, "{text:?}");
        }
    }
}
