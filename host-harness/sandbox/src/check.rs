//! The contract's rules that its types cannot say, checked on what a provider answers.

use crate::records::{
    CallbackAnswer, Description, Event, EventKind, ExportPart, ExportTotals, Fields, HttpReply, PaymentLink, SettingKind,
    Verdict,
};

const NAME_CHARS_MAX: usize = 64;
const FIELDS_MAX: usize = 256;
const SETTINGS_MAX: usize = 64;
const REPLY_BYTES_MAX: usize = 64 << 10;
const PART_BYTES_MAX: usize = 256 << 10;

/// The broken rules, each a phrase.
type Broken = Vec<String>;

/// What is wrong with a description.
pub fn description(description: &Description) -> Broken {
    let mut broken = Broken::new();
    let mut rule = |holds: bool, text: String| {
        if !holds {
            broken.push(text);
        }
    };
    rule(is_name(&description.id), format!("id {:?} is not kebab-case", description.id));
    rule(chars_within(&description.name, 1, 100), "name has not 1 to 100 characters".to_owned());
    rule(is_semantic_version(&description.version), format!("version {:?} is not semantic", description.version));
    rule(!description.currencies.is_empty(), "there are no currencies".to_owned());
    for currency in &description.currencies {
        rule(is_currency(currency), format!("currency {currency:?} is not three upper-case letters"));
    }
    for format in &description.export_formats {
        rule(is_format(format), format!("export format {format:?} is not kebab-case with dots in its version"));
    }
    rule(description.settings.len() <= SETTINGS_MAX, format!("there are more than {SETTINGS_MAX} settings"));
    for (at, setting) in description.settings.iter().enumerate() {
        let name = &setting.name;
        rule(is_name(name), format!("setting {name:?} is not kebab-case"));
        let unique = description.settings.iter().take(at).all(|earlier| earlier.name != *name);
        rule(unique, format!("setting {name} stands twice"));
        for language in ["ru", "en"] {
            let text = |fields: &Fields, chars_min, chars_max| {
                fields.iter().any(|(tag, text)| tag == language && chars_within(text, chars_min, chars_max))
            };
            rule(text(&setting.title, 1, 100), format!("setting {name} has no title of 1 to 100 characters in {language}"));
            rule(text(&setting.help, 0, 500), format!("setting {name} has no help of at most 500 characters in {language}"));
        }
        rule(!(setting.required && setting.default_value.is_some()), format!("setting {name} is required and has a default"));
        let is_choice = setting.kind == SettingKind::Choice;
        rule(
            is_choice != setting.choices.is_empty(),
            format!("setting {name} has choices and is none, or the other way round"),
        );
        let default_is_choice = setting.default_value.as_ref().is_none_or(|value| setting.choices.contains(value));
        rule(!is_choice || default_is_choice, format!("setting {name} has a default that is no choice"));
        rule(setting.kind != SettingKind::Secret || setting.default_value.is_none(), format!("secret {name} has a default"));
    }
    broken
}

/// What is wrong with an answer to a callback.
pub fn callback_answer(answer: &CallbackAnswer) -> Broken {
    let mut broken = reply(&answer.reply);
    match &answer.verdict {
        Verdict::Accepted(accepted) => broken.extend(event(accepted)),
        Verdict::Ignored(problem) | Verdict::Refused(problem) => {
            broken.extend((!is_name(&problem.code)).then(|| format!("problem code {:?} is not kebab-case", problem.code)));
        }
    }
    broken
}

fn event(event: &Event) -> Broken {
    let Event { kind, transaction, order, amount, comment, dedup_key, extra, .. } = event;
    let key_is_ascii = dedup_key.bytes().all(|byte| byte.is_ascii_graphic());
    broken([
        (chars_within(transaction, 1, NAME_CHARS_MAX), "transaction has not 1 to 64 characters"),
        (order.as_ref().is_none_or(|order| chars_within(order, 1, NAME_CHARS_MAX)), "order has not 1 to 64 characters"),
        (amount.minor_units > 0 || (*kind == EventKind::Declined && amount.minor_units == 0), "amount is not positive"),
        (is_currency(&amount.currency), "currency is not three upper-case letters"),
        (chars_within(comment, 0, 255), "comment has more than 255 characters"),
        (key_is_ascii && chars_within(dedup_key, 1, 255), "dedup-key is not 1 to 255 printable ASCII characters"),
        (are_fields(extra), "extra is not at most 256 names in kebab-case, each once"),
    ])
}

fn reply(reply: &HttpReply) -> Broken {
    let token = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let value = |value: &str| !value.chars().any(char::is_control);
    broken([
        ((200..=599).contains(&reply.status), "reply status is not 200 to 599"),
        (reply.headers.iter().all(|(name, _)| token(name)), "a reply header's name is not lower-case"),
        (reply.headers.iter().all(|(_, text)| value(text)), "a reply header's value holds a control character"),
        (reply.body.len() <= REPLY_BYTES_MAX, "reply body is over 64 KiB"),
    ])
}

/// What is wrong with a link.
pub fn payment_link(link: &PaymentLink) -> Broken {
    let is_url = |url: &str| {
        (url.starts_with("https://") || url.starts_with("http://")) && url.bytes().all(|byte| byte.is_ascii_graphic())
    };
    broken([
        (is_url(&link.url), "url is not an absolute URL in ASCII"),
        (is_url(&link.form_action), "form-action is not an absolute URL in ASCII"),
        (link.form_fields.len() <= FIELDS_MAX, "there are more than 256 form fields"),
    ])
}

/// What an export gave so far, held against the contract.
#[derive(Default)]
pub struct Files {
    /// Whether bytes came after the last end of a file.
    is_open: bool,
    rows: u64,
    left_out_rows: u64,
    documents: u64,
    minor_units: i128,
    vat_minor_units: i128,
}

impl Files {
    /// What is wrong with the next part.
    pub fn part(&mut self, part: &ExportPart) -> Broken {
        match part {
            ExportPart::Bytes(bytes) => {
                self.is_open = true;
                broken([((1..=PART_BYTES_MAX).contains(&bytes.len()), "a part has not 1 to 262144 bytes")])
            }
            ExportPart::LeftOut(left_out) => {
                self.left_out_rows = self.left_out_rows.saturating_add(left_out.rows);
                broken([
                    (left_out.rows > 0, "it leaves out no write-offs"),
                    (is_currency(&left_out.amount.currency), "currency is not three upper-case letters"),
                ])
            }
            ExportPart::Warning(_) => Vec::new(),
            ExportPart::FileEnd(totals) => {
                self.rows = self.rows.saturating_add(totals.rows);
                self.documents = self.documents.saturating_add(totals.documents);
                self.minor_units += i128::from(totals.amount.minor_units);
                self.vat_minor_units += i128::from(totals.vat_minor_units);
                let was_open = std::mem::take(&mut self.is_open);
                let mut broken = export_totals(totals);
                broken.extend((!was_open).then(|| "a file without bytes ends".to_owned()));
                broken
            }
        }
    }

    /// What is wrong with the totals of so many rows appended.
    pub fn totals(&self, totals: &ExportTotals, rows: u64) -> Broken {
        let mut wrong = export_totals(totals);
        wrong.extend(broken([
            (
                totals.rows.saturating_add(self.left_out_rows) == rows,
                "the totals, with what was left out, count other rows than were appended",
            ),
            (!self.is_open, "the last file has no end"),
            (self.rows == totals.rows && self.documents == totals.documents, "the files' totals are not the export's"),
            (self.minor_units == totals.amount.minor_units.into(), "the files' amounts are not the export's"),
            (self.vat_minor_units == totals.vat_minor_units.into(), "the files' VAT is not the export's"),
        ]));
        wrong
    }
}

fn export_totals(totals: &ExportTotals) -> Broken {
    broken([
        (is_currency(&totals.amount.currency), "currency is not three upper-case letters"),
        (are_fields(&totals.extra), "extra is not at most 256 names in kebab-case, each once"),
    ])
}

fn broken<const N: usize>(rules: [(bool, &str); N]) -> Broken {
    rules.iter().filter(|(holds, _)| !holds).map(|(_, text)| (*text).to_owned()).collect()
}

fn chars_within(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.chars().count())
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A name whose words may have dots within, as `enterprise-data-1.17` has.
fn is_format(text: &str) -> bool {
    is_name(&text.replace('.', "-"))
}

/// `[a-z][a-z0-9]*(-[a-z0-9]+)*`, at most 64 characters.
fn is_name(text: &str) -> bool {
    // A word begins with a character, and every hyphen stands behind one.
    let mut in_word = false;
    let known = text.bytes().all(|byte| {
        let (was_in_word, is_hyphen) = (in_word, byte == b'-');
        in_word = !is_hyphen;
        if is_hyphen { was_in_word } else { byte.is_ascii_lowercase() || byte.is_ascii_digit() }
    });
    known && in_word && text.len() <= NAME_CHARS_MAX && text.starts_with(|char: char| char.is_ascii_lowercase())
}

/// Every callback's answer comes through here: two names are compared only where their lengths and last letters are alike.
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

/// Three numbers, and maybe a pre-release after a hyphen or build metadata after a plus.
fn is_semantic_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    let rest_is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
    core.split('.').count() == 3 && core.split('.').all(number) && rest_is_plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Money, Problem, Recurrence, Setting};

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
        for (text, want) in
            [("1.4.0", true), ("1.0.0-rc.1+b5", true), ("1.0", false), ("1.0.0.0", false), ("v1.0.0", false), ("1.0.0 ", false)]
        {
            assert_eq!(is_semantic_version(text), want, "{text:?}");
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
    fn descriptions_that_a_form_cannot_be_drawn_from() {
        let words = vec![("ru".to_owned(), "т".to_owned()), ("en".to_owned(), "t".to_owned())];
        let good = Setting {
            name: "key".into(),
            title: words.clone(),
            help: words,
            kind: SettingKind::Secret,
            required: true,
            default_value: None,
            choices: vec![],
            extra: vec![],
        };
        let with = |settings: Vec<Setting>| Description {
            id: "x".into(),
            name: "X".into(),
            version: "1.0.0".into(),
            settings,
            currencies: vec!["RUB".into()],
            export_formats: vec![],
            extra: vec![],
        };
        assert_eq!(description(&with(vec![good.clone()])), Broken::new());
        for (settings, want) in [
            (vec![good.clone(), good.clone()], "stands twice"),
            (vec![Setting { title: vec![], ..good.clone() }], "no title"),
            (vec![Setting { default_value: Some("x".into()), ..good.clone() }], "required and has a default"),
            (vec![Setting { kind: SettingKind::Choice, ..good.clone() }], "choices"),
            (vec![Setting { name: "Key".into(), ..good }], "kebab-case"),
        ] {
            let broken = description(&with(settings)).join("; ");
            assert!(broken.contains(want), "{broken}");
        }
        let broken =
            description(&Description { id: "X".into(), version: "1".into(), currencies: vec!["rub".into()], ..with(vec![]) });
        assert_eq!(broken.len(), 3, "{broken:?}");
    }

    #[test]
    fn answers_that_a_ledger_must_not_see() {
        let reply = HttpReply { status: 200, headers: vec![], body: vec![] };
        let event = |minor_units, dedup_key: &str| Event {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: "1".into(),
            order: None,
            payer: None,
            amount: Money { minor_units, currency: "RUB".into() },
            occurred_at: None,
            comment: String::new(),
            dedup_key: dedup_key.into(),
            extra: vec![],
        };
        let broken = |verdict, reply: &HttpReply| callback_answer(&CallbackAnswer { verdict, reply: reply.clone() });
        assert_eq!(broken(Verdict::Accepted(event(1, "k")), &reply), Broken::new());
        for (minor_units, key) in [(0, "k"), (-1, "k"), (1, ""), (1, "ключ")] {
            assert_eq!(broken(Verdict::Accepted(event(minor_units, key)), &reply).len(), 1, "{minor_units} {key}");
        }
        let problem = Problem { code: "Bad Code".into(), field: None, row: None, message: String::new() };
        assert_eq!(broken(Verdict::Refused(problem), &HttpReply { status: 100, ..reply }).len(), 2);
    }
}
