//! Looks for secrets in everything that a provider says.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use domain::{
    CallbackAnswer, Description, ExportTotals, Fields, LedgerQuestion, LeftOut, MovementName, OperationResult, PaymentLink,
    Problem, ProvedEvent, Question, ReportRow,
};
use memchr::memmem::Finder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::function_call::FunctionResult;

/// The shortest secret that is looked for, in characters: a shorter one occurs in many texts by chance.
pub const SECRET_CHARS_MIN: usize = 8;
/// How long a part of a secret is looked for by itself, in bytes: who says all of a secret but its last character says it.
const PIECE_BYTES: usize = 8;
/// The fewest different bytes of such a part. Fewer, such as zeros, stand in many texts.
const PIECE_DIFFERENT_MIN: usize = 4;
/// The most findings that are stored.
const FOUND_MAX: usize = 32;

/// Looks for secrets, plain and in every encoding that hides nothing.
pub struct SecretScanner {
    disguises: Vec<Encoding>,
    pieces: Vec<Pieces>,
    found: Mutex<Vec<String>>,
    outputs: AtomicU64,
}

struct Encoding {
    setting: String,
    how: &'static str,
    /// In lower case, like the text that is searched.
    finder: Finder<'static>,
}

/// The parts of a secret.
struct Pieces {
    setting: String,
    /// In lower case, like the text that is searched.
    all: HashSet<[u8; PIECE_BYTES]>,
    /// A bit for each first pair of bytes, since most texts have none of them.
    begins: Vec<bool>,
}

impl Pieces {
    /// Takes the parts of a secret, but for those that `public` says too, and for the lines around a key in PEM.
    fn new(setting: &str, secret: &str, public: &[u8]) -> Pieces {
        let secret = secret.to_ascii_lowercase();
        let lines = secret.lines().filter(|line| !line.starts_with("-----"));
        let windows = lines.flat_map(|line| line.as_bytes().array_windows::<PIECE_BYTES>());
        let all: HashSet<_> = windows.filter(|piece| different(*piece) >= PIECE_DIFFERENT_MIN).copied().collect();
        let known: HashSet<_> = public.array_windows::<PIECE_BYTES>().copied().collect();
        let all: HashSet<_> = all.difference(&known).copied().collect();
        let mut begins = vec![false; 1 << 16];
        for [first, second, ..] in &all {
            if let Some(bit) = begins.get_mut(pair(*first, *second)) {
                *bit = true;
            }
        }
        Pieces { setting: setting.to_owned(), all, begins }
    }

    fn are_in(&self, text: &[u8]) -> bool {
        text.array_windows::<PIECE_BYTES>().any(|piece| {
            let [first, second, ..] = piece;
            self.begins.get(pair(*first, *second)) == Some(&true) && self.all.contains(piece)
        })
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

fn different(piece: &[u8]) -> usize {
    piece.iter().collect::<HashSet<_>>().len()
}

impl SecretScanner {
    /// Makes a scanner that looks for parts of the secrets as well. What `public` says is no part of a secret.
    pub fn with_pieces<'s>(
        secrets: impl IntoIterator<Item = (&'s str, &'s str)> + Clone,
        public: &(impl Texts + ?Sized),
    ) -> SecretScanner {
        let mut texts = Vec::new();
        public.texts(&mut texts);
        let public = texts.join(&b'\n').to_ascii_lowercase();
        let pieces = secrets.clone().into_iter().map(|(setting, secret)| Pieces::new(setting, secret, &public)).collect();
        SecretScanner { pieces, ..SecretScanner::new(secrets) }
    }

    /// Makes a scanner for these secrets, each with the name of its setting.
    pub fn new<'s>(secrets: impl IntoIterator<Item = (&'s str, &'s str)>) -> SecretScanner {
        let disguises = secrets.into_iter().flat_map(|(setting, secret)| disguises(setting, secret)).collect();
        SecretScanner { disguises, pieces: Vec::new(), found: Mutex::default(), outputs: AtomicU64::new(0) }
    }

    /// Scans an output as a whole.
    pub fn inspect(&self, place: &str, output: &(impl Texts + ?Sized)) {
        self.outputs.fetch_add(1, Ordering::Relaxed);
        let mut texts = Vec::new();
        output.texts(&mut texts);
        let Some((setting, how)) = self.find_encoded(&texts.join(&b'\n')) else { return };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let finding = format!("the secret {setting} stands in {place}{how}");
        if found.len() < FOUND_MAX && !found.contains(&finding) {
            found.push(finding);
        }
    }

    /// Returns the findings so far.
    pub fn found(&self) -> Vec<String> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns how many outputs were scanned.
    pub fn outputs(&self) -> u64 {
        self.outputs.load(Ordering::Relaxed)
    }

    /// Returns the text, or a placeholder if it contains a secret.
    pub fn redact(&self, text: String) -> String {
        match self.find_encoded(text.as_bytes()) {
            None => text,
            Some((setting, _)) => {
                format!("(not shown, since it holds the secret {setting}: see the check secrets first)")
            }
        }
    }

    /// Returns the setting of a secret that a text holds, and how.
    fn find_encoded(&self, text: &[u8]) -> Option<(&str, &'static str)> {
        let text = text.to_ascii_lowercase();
        let whole = self.disguises.iter().find(|disguise| disguise.finder.find(&text).is_some());
        let whole = whole.map(|Encoding { setting, how, .. }| (setting.as_str(), *how));
        let piece = || self.pieces.iter().find(|pieces| pieces.are_in(&text));
        whole.or_else(|| piece().map(|pieces| (pieces.setting.as_str(), ", in part")))
    }
}

fn disguises(setting: &str, secret: &str) -> Vec<Encoding> {
    let bytes = secret.as_bytes();
    let debug = format!("{secret:?}");
    let mut all = vec![
        ("", secret.to_owned()),
        (" in other letter case", secret.to_lowercase()),
        (" in other letter case", secret.to_uppercase()),
        (", escaped", debug.trim_matches('"').to_owned()),
        (", percent-encoded", utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()),
        (", percent-encoded", form_urlencoded::byte_serialize(bytes).collect()),
        (", in hexadecimal", hex::encode(bytes)),
    ];
    for before in 0..3 {
        all.extend([
            (", in Base64", base64(bytes, before, &STANDARD_NO_PAD)),
            (", in Base64", base64(bytes, before, &URL_SAFE_NO_PAD)),
        ]);
    }
    let mut known: Vec<Vec<u8>> = Vec::new();
    let mut disguises = Vec::new();
    for (how, text) in all {
        let text = text.to_ascii_lowercase().into_bytes();
        if !known.contains(&text) {
            disguises.push(Encoding { setting: setting.to_owned(), how, finder: Finder::new(&text).into_owned() });
            known.push(text);
        }
    }
    disguises
}

/// Encodes bytes in Base64 as they appear after `before` other bytes, without the digits that the neighbouring bytes share.
fn base64(bytes: &[u8], before: usize, engine: &impl Engine) -> String {
    let whole = engine.encode([vec![0; before], bytes.to_vec()].concat());
    let (from, to) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
    whole.get(from..to).unwrap_or_default().to_owned()
}

/// An output that contains texts.
pub trait Texts {
    /// Appends all of its texts.
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>);
}

impl Texts for str {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        all.push(self.as_bytes());
    }
}

impl Texts for [u8] {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        all.push(self);
    }
}

impl Texts for Fields {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        self.iter().for_each(|(name, value)| all.extend([name.as_bytes(), value.as_bytes()]));
    }
}

impl Texts for Problem {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        all.extend([self.code.as_bytes(), self.message.as_bytes()]);
        all.extend(self.field.as_deref().map(str::as_bytes));
        self.translations.texts(all);
    }
}

impl Texts for Vec<Problem> {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        self.iter().for_each(|problem| problem.texts(all));
    }
}

impl Texts for Description {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        all.extend([&self.id, &self.name, &self.version].map(|text| text.as_bytes()));
        self.extra.texts(all);
        for setting in &self.settings {
            setting.title.texts(all);
            setting.help.texts(all);
            setting.extra.texts(all);
            all.extend(setting.default_value.as_deref().map(str::as_bytes));
            for choice in &setting.choices {
                all.push(choice.value.as_bytes());
                choice.title.texts(all);
            }
        }
    }
}

impl Texts for PaymentLink {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        let texts = [&self.url, &self.qr, &self.reference].into_iter().flatten();
        all.extend(texts.map(String::as_bytes));
        if let Some(form) = &self.form {
            all.push(form.action.as_bytes());
            form.inputs.texts(all);
        }
        self.extra.texts(all);
    }
}

impl Texts for ProvedEvent {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        let ProvedEvent { facts, comment, dedup_key, .. } = self;
        all.extend(
            [facts.transaction.as_str(), comment, dedup_key, facts.amount.currency.as_str()].map(|text| text.as_bytes()),
        );
        let named = [facts.order.as_deref(), facts.account.as_deref(), facts.original.as_deref(), facts.ends_hold.as_deref()];
        let optional = named.into_iter().chain([facts.payer.as_deref(), facts.occurred_at.as_deref()]).flatten();
        all.extend(optional.map(|text| text.as_bytes()));
        self.extra.texts(all);
    }
}

impl Texts for CallbackAnswer {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        self.verdict.events().iter().for_each(|event| event.texts(all));
        self.verdict.problem().into_iter().for_each(|problem| problem.texts(all));
        if let Some(reply) = &self.reply {
            reply.headers.texts(all);
            all.push(&reply.body);
        }
    }
}

impl Texts for FunctionResult {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        self.events().iter().for_each(|event| event.texts(all));
        self.problems().into_iter().for_each(|problem| problem.texts(all));
        match self {
            FunctionResult::Link(Ok(link)) => link.texts(all),
            FunctionResult::Callback(answer) => answer.texts(all),
            FunctionResult::Operation(OperationResult::Pending(pending)) => {
                all.extend(pending.reference.as_deref().map(str::as_bytes));
            }
            FunctionResult::Page(Ok(page)) => {
                page.rows.iter().for_each(|row| row.texts(all));
                all.extend(page.next.as_deref().map(str::as_bytes));
            }
            FunctionResult::File(Ok((rows, control))) => {
                rows.iter().for_each(|row| row.texts(all));
                control.extra.texts(all);
            }
            _ => {}
        }
    }
}

impl Texts for ReportRow {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        let named = [self.transaction.as_deref(), self.order.as_deref(), self.account.as_deref()];
        let texts = named.into_iter().chain([self.occurred_at.as_deref(), self.payout.as_deref()]).flatten();
        all.extend(texts.map(str::as_bytes));
        self.extra.texts(all);
    }
}

impl Texts for Question {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        match self {
            Question::Account(query) => {
                all.push(query.number.as_bytes());
                query.extra.texts(all);
            }
            Question::Ledger(LedgerQuestion::Order(id)) => all.push(id.as_bytes()),
            Question::Ledger(LedgerQuestion::Movement(MovementName::Key(key))) => all.push(key.as_bytes()),
            Question::Ledger(LedgerQuestion::Movement(MovementName::Id(id))) => all.push(id.as_bytes()),
            Question::Ledger(LedgerQuestion::Movements(query)) => all.extend(query.after.as_deref().map(str::as_bytes)),
            Question::Other(name, values) => {
                all.push(name.as_bytes());
                values.texts(all);
            }
        }
    }
}

impl Texts for ExportTotals {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        all.push(self.amount.currency.as_str().as_bytes());
        self.extra.texts(all);
    }
}

impl Texts for LeftOut {
    fn texts<'t>(&'t self, all: &mut Vec<&'t [u8]>) {
        let own = [&self.writeoff, &self.account, &self.subscriber, &self.contract, &self.service_code, &self.service];
        all.extend(own.map(|text| text.as_bytes()));
        all.push(self.amount.currency.as_str().as_bytes());
        self.reason.texts(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_text() {
        const SECRET: &str = "a secret of tests";
        fn says(text: &impl Texts) -> bool {
            let watch = SecretScanner::new([("key", SECRET)]);
            watch.inspect("a text", text);
            !watch.found().is_empty()
        }
        let translated =
            |message: &str| Problem { translations: vec![("ru".into(), message.into())], ..Problem::new("c", "m") };
        assert!(says(&translated(SECRET)) && !says(&translated("a text")));
        let order = |id: &str| Question::Ledger(LedgerQuestion::Order(id.parse().unwrap()));
        assert!(says(&order(SECRET)) && !says(&order("42")));
        assert!(says(&Question::Other("search".into(), vec![("by".into(), SECRET.into())])));
    }

    #[test]
    fn a_part_of_a_secret_is_found() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIBVQIB\n-----END PRIVATE KEY-----";
        let secrets = [("key", "password-Qx71_tZ-00000000"), ("private", pem)];
        for (text, is_found) in [
            ("password-Qx71_tZ", true),
            ("the key d-qx71_t", true),
            ("d-Qx71_", false),
            ("password", false),
            ("00000000", false),
            ("-----BEGIN PRIVATE KEY-----", false),
            ("MIIBVQIB", true),
        ] {
            let watch = SecretScanner::with_pieces(secrets, "Password of tests");
            watch.inspect("a reply", text);
            assert_eq!(!watch.found().is_empty(), is_found, "{text}");
        }
    }

    #[test]
    fn a_secret_is_found_in_every_disguise() {
        const SECRET: &str = "Тайна & \"Secret\" 001";
        let base64 = |before: &str| STANDARD_NO_PAD.encode(format!("{before}{SECRET} and more"));
        for (text, is_found) in [
            (SECRET.to_owned(), true),
            (SECRET.to_uppercase(), true),
            (SECRET.to_lowercase(), true),
            (format!("{SECRET:?}"), true),
            (utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(), true),
            (utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string().to_lowercase(), true),
            (form_urlencoded::byte_serialize(SECRET.as_bytes()).collect(), true),
            (hex::encode_upper(SECRET), true),
            (base64(""), true),
            (base64("a"), true),
            (base64("ab"), true),
            (base64("abc"), true),
            (URL_SAFE_NO_PAD.encode(format!("ab{SECRET}")), true),
            ("Тайна & \"Secret\" 002".to_owned(), false),
            (String::new(), false),
        ] {
            let watch = SecretScanner::new([("key", SECRET)]);
            let text = format!("before {text} after");
            watch.inspect("a reply", &text[..]);
            assert_eq!(!watch.found().is_empty(), is_found, "{text}");
            assert_eq!(watch.redact(text.clone()) != text, is_found, "{text}");
            assert_eq!(watch.outputs(), 1);
        }
    }
}
