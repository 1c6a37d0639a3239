//! Masks card data in everything that is stored of a callback. What looks like a card number is masked; a field that is named
//! like a card's security code is emptied.
//!
//! Texts are edited in place, so that everything else stays unchanged. A field that the provider requires is never changed,
//! whatever its digits are. The provider's description names these fields; the event's transaction, order, payer and dedup key
//! are required as well.
//!
//! A card number is 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1) and begin like an issuer's range. PCI DSS 3.4.1
//! allows the first six and the last four digits to be stored; 3.3.1 forbids storing a security code after authorization.

use std::borrow::Cow;
use std::ops::Range;

use domain::{Description, ProvedEvent, StoredCallback};

/// How many digits a card number has (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// The separators between groups of digits, how many of them may stand between two groups, and how many digits every group but
/// the last must have.
const SET_OFF_BY: &[u8] = b" -._/,;:+*|\t\r\n\0";
const MARKS_MAX: usize = 3;
const GROUP_DIGITS_MIN: usize = 3;
/// How many digits a security code or a PIN has.
const CODE_DIGITS_MIN: usize = 3;
const CODE_DIGITS_MAX: usize = 6;
/// How many digits of a card number are kept, as PCI DSS allows: the issuer's and the last ones.
const FIRST_DIGITS: usize = 6;
const LAST_DIGITS: usize = 4;
/// Names of security codes and magnetic stripes, in lower case, letters and digits only.
const CODE_NAMES: [&str; 16] = [
    "csc",
    "cvn",
    "cvd",
    "cav",
    "cav2",
    "pin",
    "cardcode",
    "verificationvalue",
    "trackdata",
    "securitycode",
    "cardsecuritycode",
    "cardverificationvalue",
    "cardverificationcode",
    "track1",
    "track2",
    "pinblock",
];
/// Substrings of such names.
const CODE_NAME_PARTS: [&str; 2] = ["cvv", "cvc"];

/// How a value is treated.
#[derive(PartialEq)]
enum Rule {
    /// It is required, and stays unchanged.
    Keep,
    /// It must not be stored at all.
    Empty,
    /// Card numbers in it are masked.
    MaskNumbers,
}

/// Which fields and values must stay unchanged, and which fields must be emptied.
#[derive(Default)]
pub struct CardData<'d> {
    required: Vec<&'d str>,
    card: Vec<&'d str>,
    /// Required values, in whichever field they occur.
    deciding: Vec<&'d str>,
}

impl<'d> CardData<'d> {
    /// Takes the fields from the provider's description, and the values from the events of this callback.
    pub fn new(description: &'d Description, events: &'d [ProvedEvent]) -> CardData<'d> {
        let deciding = events.iter().flat_map(|ProvedEvent { facts, dedup_key, .. }| {
            let named = [facts.order.as_deref(), facts.account.as_deref(), facts.payer.as_deref()];
            let others = [facts.original.as_deref(), facts.ends_hold.as_deref()];
            let optional = named.into_iter().chain(others).flatten();
            optional.chain([facts.transaction.as_str(), dedup_key.as_str()])
        });
        let (required, card) = (Description::REQUIRED_FIELDS, Description::CARD_FIELDS);
        CardData {
            required: description.callback_fields(required),
            card: description.callback_fields(card),
            deciding: deciding.collect(),
        }
    }

    /// Masks card data in a callback, and sets its `is_masked`. Returns whether there was any.
    pub fn mask_callback(&self, callback: &mut StoredCallback) -> bool {
        let mut query = std::mem::take(&mut callback.query).into_bytes();
        let mut masked = self.mask_text(&mut query) | self.mask_text(&mut callback.body);
        // The replacements are ASCII, so that the text is still UTF-8.
        callback.query = String::from_utf8_lossy(&query).into_owned();
        masked |= self.mask_named("", &mut callback.path);
        for (name, value) in &mut callback.headers {
            masked |= self.mask_named(name, value);
        }
        callback.is_masked |= masked;
        masked
    }

    /// Masks card data in an event's comment and `extra`.
    pub fn mask_event(description: &Description, event: &mut ProvedEvent) {
        let (mut comment, mut extra) = (std::mem::take(&mut event.comment), std::mem::take(&mut event.extra));
        let data = CardData::new(description, std::slice::from_ref(event));
        data.mask_named("", &mut comment);
        for (name, value) in &mut extra {
            data.mask_named(name, value);
        }
        (event.comment, event.extra) = (comment, extra);
    }

    /// Masks card data in the value of a field. Returns whether there was any.
    pub fn mask_named(&self, name: &str, value: &mut String) -> bool {
        let text = Text::plain(value.as_bytes()).simplified();
        let mut edits = Vec::new();
        self.value(Some(name), &text, &mut edits);
        let mut bytes = value.as_bytes().to_vec();
        let masked = apply(&mut bytes, edits);
        if masked {
            *value = String::from_utf8_lossy(&bytes).into_owned();
        }
        masked
    }

    fn mask_text(&self, bytes: &mut Vec<u8>) -> bool {
        let mut edits = Vec::new();
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match first {
            Some(b'{' | b'[' | b'<') => self.structured(&Text::plain(bytes).simplified(), &mut edits),
            Some(_) if bytes.contains(&b'=') && !bytes.starts_with(b"--") => self.form(bytes, &mut edits),
            Some(_) => self.structured(&Text::plain(bytes).simplified(), &mut edits),
            None => {}
        }
        apply(bytes, edits)
    }

    fn form(&self, bytes: &[u8], edits: &mut Vec<Edit>) {
        let mut start = 0;
        for pair in bytes.split(|byte| *byte == b'&') {
            let end = start + pair.len();
            let name_end = pair.iter().position(|byte| *byte == b'=').map_or(end, |at| start + at);
            let name_text = Text::encoded(bytes, start..name_end).simplified();
            self.numbers(&name_text, 0..name_text.bytes.len(), edits);
            let name = name_text.into_string();
            let value = (name_end + 1).min(end)..end;
            self.value(Some(&name), &Text::encoded(bytes, value).simplified(), edits);
            start = end + 1;
        }
    }

    /// Masks a value, which may have a field name.
    fn value(&self, name: Option<&str>, text: &Text<'_>, edits: &mut Vec<Edit>) {
        let first = text.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(first, Some(b'{' | b'[' | b'<')) && self.rule(name) == Rule::MaskNumbers {
            self.structured(text, edits);
        } else {
            self.piece(name, text, 0..text.bytes.len(), edits);
        }
    }

    /// Returns how the value of a field is treated.
    fn rule(&self, name: Option<&str>) -> Rule {
        let is_named = |names: &[&str]| name.is_some_and(|name| names.iter().any(|other| other.eq_ignore_ascii_case(name)));
        if is_named(&self.required) {
            Rule::Keep
        } else if is_named(&self.card) || name.is_some_and(is_code_name) {
            Rule::Empty
        } else {
            Rule::MaskNumbers
        }
    }

    /// Masks JSON, XML and similar texts: a word before `:`, `=` or `>` is the name of the value that follows it.
    fn structured(&self, text: &Text<'_>, edits: &mut Vec<Edit>) {
        let bytes = &text.bytes;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || *byte >= 0x80;
        let mut name: Option<String> = None;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let length = rest.iter().take_while(|byte| is_word(byte)).count();
            if length == 0 {
                at += 1;
                continue;
            }
            let after = rest.get(length..).unwrap_or_default();
            let mark = after.iter().find(|byte| !matches!(byte, b'"' | b'\'' | b' ' | b'\t'));
            let word = rest.get(..length).unwrap_or_default();
            let is_name = matches!(mark, Some(b':' | b'=' | b'>')) && word.iter().any(u8::is_ascii_alphabetic);
            if is_name {
                name = Some(String::from_utf8_lossy(word).into_owned());
                at += length;
                continue;
            }
            // Digits may continue after a separator of groups.
            let run = rest.iter().take_while(|byte| is_word(byte) || matches!(byte, b' ' | b'/' | b'\t')).count();
            self.piece(name.as_deref(), text, at..at + run, edits);
            at += run;
        }
    }

    /// Masks a piece of a text, which may be the value of a field.
    fn piece(&self, name: Option<&str>, text: &Text<'_>, piece: Range<usize>, edits: &mut Vec<Edit>) {
        match self.rule(name) {
            Rule::Empty if !piece.is_empty() => edits.push(Edit { place: text.source(piece), with: b"" }),
            Rule::MaskNumbers => self.numbers(text, piece, edits),
            Rule::Keep | Rule::Empty => {}
        }
    }

    /// Masks the card numbers of a piece.
    fn numbers(&self, text: &Text<'_>, piece: Range<usize>, edits: &mut Vec<Edit>) {
        for run in digit_runs(&text.bytes, piece) {
            for group in card_numbers(&text.bytes, &run) {
                let digits: String = group.iter().filter_map(|at| text.bytes.get(*at)).map(|byte| char::from(*byte)).collect();
                if self.deciding.iter().any(|value| value.contains(&digits)) {
                    continue;
                }
                let hidden = group.iter().skip(FIRST_DIGITS).take(group.len() - FIRST_DIGITS - LAST_DIGITS);
                edits.extend(hidden.map(|at| Edit { place: text.source(*at..*at + 1), with: b"X" }));
            }
        }
    }
}

/// Masks card numbers in a sentence, and the digits after a word that names a security code.
pub fn mask_message(message: &mut String) {
    // Nearly all messages. Digits may also be full-width or Arabic ones, by their first byte in UTF-8.
    let digits = message.bytes().filter(|byte| byte.is_ascii_digit() || matches!(byte, 0xef | 0xd9 | 0xdb)).count();
    if digits < CODE_DIGITS_MIN {
        return;
    }
    let mut edits = Vec::new();
    let text = Text::plain(message.as_bytes()).simplified();
    CardData::default().numbers(&text, 0..text.bytes.len(), &mut edits);
    codes(&text, &mut edits);
    edits.sort_by_key(|edit| edit.place.start);
    edits.dedup_by_key(|edit| edit.place.start);
    let mut bytes = message.as_bytes().to_vec();
    if apply(&mut bytes, edits) {
        *message = String::from_utf8_lossy(&bytes).into_owned();
    }
}

/// Masks what follows a word that names a security code, if it is as many digits as a code has.
fn codes(text: &Text<'_>, edits: &mut Vec<Edit>) {
    let mut is_after_name = false;
    let mut at = 0;
    for word in text.bytes.split(|byte| !byte.is_ascii_alphanumeric()) {
        let is_code = (CODE_DIGITS_MIN..=CODE_DIGITS_MAX).contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
        if is_code && is_after_name {
            edits.extend((at..at + word.len()).map(|at| Edit { place: text.source(at..at + 1), with: b"X" }));
        }
        if !word.is_empty() {
            is_after_name = std::str::from_utf8(word).is_ok_and(is_code_name);
        }
        at += word.len() + 1;
    }
}

/// Reports whether a field with this name must not be stored even masked.
fn is_code_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    CODE_NAMES.contains(&plain.as_str()) || CODE_NAME_PARTS.iter().any(|part| plain.contains(part))
}

/// Returns runs of groups of digits with a few separators between them. Each group is the indexes of its digits.
fn digit_runs(bytes: &[u8], piece: Range<usize>) -> Vec<Vec<Vec<usize>>> {
    let mut runs: Vec<Vec<Vec<usize>>> = Vec::new();
    let (mut run, mut group): (Vec<Vec<usize>>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut marks = 0;
    for at in piece {
        match bytes.get(at) {
            Some(byte) if byte.is_ascii_digit() => {
                group.push(at);
                marks = 0;
            }
            Some(byte) if SET_OFF_BY.contains(byte) && marks < MARKS_MAX => {
                run.extend((!group.is_empty()).then(|| std::mem::take(&mut group)));
                marks += 1;
            }
            _ => {
                run.extend((!group.is_empty()).then(|| std::mem::take(&mut group)));
                runs.extend((!run.is_empty()).then(|| std::mem::take(&mut run)));
            }
        }
    }
    run.extend((!group.is_empty()).then_some(group));
    runs.extend((!run.is_empty()).then_some(run));
    runs
}

/// Returns the card numbers in a run: adjacent groups that together are a card number, the longest first.
fn card_numbers(bytes: &[u8], run: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    let mut first = 0;
    while first < run.len() {
        let longest = (first + 1..=run.len()).rev().find_map(|end| {
            let (last, others) = run.get(first..end)?.split_last()?;
            // The groups of a date are shorter.
            if others.iter().any(|group| group.len() < GROUP_DIGITS_MIN) {
                return None;
            }
            let places = [others.concat().as_slice(), last].concat();
            let digits: Vec<u8> = places.iter().filter_map(|at| bytes.get(*at)).map(|byte| byte - b'0').collect();
            is_card_number(&digits).then_some((end, places))
        });
        first = match longest {
            Some((end, places)) => {
                found.push(places);
                end
            }
            None => first + 1,
        };
    }
    found
}

/// Reports whether digits look like a card number: by their count, by an issuer's first digit, and by the Luhn check.
fn is_card_number(digits: &[u8]) -> bool {
    CARD_DIGITS.contains(&digits.len()) && matches!(digits.first(), Some(2..=6 | 8)) && passes_luhn(digits)
}

fn passes_luhn(digits: &[u8]) -> bool {
    let value = |(at, digit): (usize, &u8)| match (at % 2, u32::from(*digit)) {
        (0, digit) => digit,
        (_, digit) => digit * 2 / 10 + digit * 2 % 10,
    };
    digits.iter().rev().enumerate().map(value).sum::<u32>() % 10 == 0
}

/// A decoded text, with the range in the original text for each byte.
struct Text<'t> {
    bytes: Cow<'t, [u8]>,
    /// `None` if the text is the original itself.
    places: Option<Vec<Range<usize>>>,
}

impl<'t> Text<'t> {
    fn plain(bytes: &'t [u8]) -> Text<'t> {
        Text { bytes: Cow::Borrowed(bytes), places: None }
    }

    /// Decodes a piece of a form.
    fn encoded(bytes: &'t [u8], piece: Range<usize>) -> Text<'t> {
        let (mut decoded, mut places) = (Vec::with_capacity(piece.len()), Vec::with_capacity(piece.len()));
        let mut at = piece.start;
        while let Some(rest) = bytes.get(at..piece.end).filter(|rest| !rest.is_empty()) {
            let (byte, length) = match rest {
                [b'%', high, low, ..] => match (char::from(*high).to_digit(16), char::from(*low).to_digit(16)) {
                    (Some(high), Some(low)) => ((high << 4 | low) as u8, 3),
                    _ => (b'%', 1),
                },
                [b'+', ..] => (b' ', 1),
                [byte, ..] => (*byte, 1),
                [] => break,
            };
            decoded.push(byte);
            places.push(at..at + length);
            at += length;
        }
        Text { bytes: Cow::Owned(decoded), places: Some(places) }
    }

    /// Returns the text with digits, spaces and dashes in ASCII if they are other Unicode characters, JSON escapes, or
    /// percent-encoded twice.
    fn simplified(self) -> Text<'t> {
        if self.bytes.iter().all(|byte| byte.is_ascii() && !matches!(byte, b'\\' | b'%')) {
            return self;
        }
        let (mut bytes, mut places) = (Vec::with_capacity(self.bytes.len()), Vec::with_capacity(self.bytes.len()));
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (byte, length) = match rest {
                [b'\\', b'u', b'0', b'0', b'3', digit @ b'0'..=b'9', ..] => (*digit, 6),
                [b'%', b'3', digit @ b'0'..=b'9', ..] => (*digit, 3),
                [b'%', b'2', b'0', ..] => (b' ', 3),
                // U+FF10 to U+FF19, in UTF-8.
                [0xef, 0xbc, digit @ 0x90..=0x99, ..] => (b'0' + (digit - 0x90), 3),
                // Arabic digits: U+0660 to U+0669, and U+06F0 to U+06F9.
                [0xd9, digit @ 0xa0..=0xa9, ..] => (b'0' + (digit - 0xa0), 2),
                [0xdb, digit @ 0xb0..=0xb9, ..] => (b'0' + (digit - 0xb0), 2),
                // Dashes: U+2010 to U+2015, and U+2212.
                [0xe2, 0x80, 0x90..=0x95, ..] | [0xe2, 0x88, 0x92, ..] => (b'-', 3),
                // U+00A0; U+2000 to U+200B, and U+202F.
                [0xc2, 0xa0, ..] => (b' ', 2),
                [0xe2, 0x80, 0x80..=0x8b | 0xaf, ..] => (b' ', 3),
                [byte, ..] => (*byte, 1),
                [] => break,
            };
            bytes.push(byte);
            places.push(self.source(at..at + length));
            at += length;
        }
        Text { bytes: Cow::Owned(bytes), places: Some(places) }
    }

    fn into_string(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns the range of a piece in the original text.
    fn source(&self, piece: Range<usize>) -> Range<usize> {
        let Some(places) = &self.places else { return piece };
        let places = places.get(piece).unwrap_or_default();
        match (places.first(), places.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }
}

/// A range of a text, and its replacement.
struct Edit {
    place: Range<usize>,
    with: &'static [u8],
}

/// Applies the edits. Returns whether there were any.
fn apply(bytes: &mut Vec<u8>, mut edits: Vec<Edit>) -> bool {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.place.start));
    let is_edited = !edits.is_empty();
    for Edit { place, with } in edits {
        if place.end <= bytes.len() {
            bytes.splice(place, with.iter().copied());
        }
    }
    is_edited
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;
    use domain::OrderIdForm;

    /// Published test card numbers.
    const VISA: &str = "4111111111111111";
    const MIR: &str = "2200000000000004";

    fn masked(text: &str) -> String {
        let data =
            CardData { required: vec!["transaction_id", "sign"], card: vec!["holder"], deciding: vec!["5555555555554444"] };
        let mut bytes = text.as_bytes().to_vec();
        let was_masked = data.mask_text(&mut bytes);
        let text_after = String::from_utf8(bytes).unwrap();
        assert_eq!(was_masked, text_after != text, "{text}");
        text_after
    }

    #[test]
    fn card_numbers_are_masked_wherever_they_stand() {
        for (text, want) in [
            (format!("a=1&card={VISA}&b=2"), "a=1&card=411111XXXXXX1111&b=2"),
            (format!("card={MIR}"), "card=220000XXXXXX0004"),
            ("card=4111+1111+1111+1111".to_owned(), "card=4111+11XX+XXXX+1111"),
            ("card=4111-1111-1111-1111&a=b".to_owned(), "card=4111-11XX-XXXX-1111&a=b"),
            ("card=%34111111111111111".to_owned(), "card=%3411111XXXXXX1111"),
            ("card=411111%31%31%3111111 11".to_owned(), "card=411111XXXXXX11 11"),
            ("note=paid+by+4111111111111111+today".to_owned(), "note=paid+by+411111XXXXXX1111+today"),
            (format!("{{\"pan\": \"{VISA}\", \"n\": {VISA}}}"), "{\"pan\": \"411111XXXXXX1111\", \"n\": 411111XXXXXX1111}"),
            (format!("<pan>{VISA}</pan>"), "<pan>411111XXXXXX1111</pan>"),
            (format!("Data=%7B%22pan%22%3A%22{VISA}%22%7D"), "Data=%7B%22pan%22%3A%22411111XXXXXX1111%22%7D"),
            (format!("just a text with {VISA}"), "just a text with 411111XXXXXX1111"),
            ("name=4111.1111.1111.1111".to_owned(), "name=4111.11XX.XXXX.1111"),
            ("name=4111_1111_1111_1111".to_owned(), "name=4111_11XX_XXXX_1111"),
            ("name=4111 - 1111 – 1111, 1111".to_owned(), "name=4111 - 11XX – XXXX, 1111"),
            ("name=٤١١١١١١١١١١١١١١١".to_owned(), "name=٤١١١١١XXXXXX١١١١"),
            ("name=4111/1111/1111/1111".to_owned(), "name=4111/11XX/XXXX/1111"),
            ("name=4111++1111+-1111%0D%0A1111".to_owned(), "name=4111++11XX+-XXXX%0D%0A1111"),
            ("name=4111%C2%A01111%C2%A01111%C2%A01111".to_owned(), "name=4111%C2%A011XX%C2%A0XXXX%C2%A01111"),
            ("name=4111111%EF%BC%911111111 1".to_owned(), "name=411111XXXXXX111 1"),
            ("Data={\"pan\":\"4111\\u003111111111111\"}".to_owned(), "Data={\"pan\":\"4111\\u00311XXXXXX1111\"}"),
            ("x=%254111111111111111".to_owned(), "x=%25411111XXXXXX1111"),
            ("x=%2534111111111111111".to_owned(), "x=%253411111XXXXXX1111"),
            (format!("a=1&{VISA}=1"), "a=1&411111XXXXXX1111=1"),
            ("{\"note\": \"4111/1111/1111/1111\"}".to_owned(), "{\"note\": \"4111/11XX/XXXX/1111\"}"),
        ] {
            assert_eq!(masked(&text), want, "{text}");
        }
    }

    #[test]
    fn security_codes_are_emptied() {
        for (text, want) in [
            ("cvv=123&a=1", "cvv=&a=1"),
            ("CVV2=123", "CVV2="),
            ("card_cvc=1234&card[cvv]=999", "card_cvc=&card[cvv]="),
            ("a=1&Security-Code=123", "a=1&Security-Code="),
            ("track2=4111111111111111%3D3012", "track2="),
            ("holder=IVAN+PETROV", "holder="),
            ("%63vv=123", "%63vv="),
            ("{\"card\": {\"cvv\": \"123\", \"x\": 1}}", "{\"card\": {\"cvv\": \"\", \"x\": 1}}"),
            ("<cvc2>123</cvc2><a>1</a>", "<cvc2></cvc2><a>1</a>"),
        ] {
            assert_eq!(masked(text), want, "{text}");
        }
    }

    #[test]
    fn what_decides_and_what_is_no_card_stays() {
        for text in [
            "",
            "transaction_id=4111111111111111&a=1",
            "TRANSACTION_ID=4111111111111111",
            "any=5555555555554444",
            "card=4111111111111112",
            "card=411111XXXXXX1111",
            "card=41111111111111111111",
            "phone=%2B79001234567&time=1795770000000",
            "account=40702810900000000001&inn=7707083893",
            "cvv=",
            "{\"transaction_id\": \"4111111111111111\"}",
            "order=1795770000000&cs1=42",
            // Dates and times, whose digits together could pass the Luhn check.
            "date=2026-11-27+10.00.00.01&date=27.11.2026+10.00.01.22",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    /// If a provider names no fields, in an empty list, no value is emptied.
    #[test]
    fn an_empty_list_names_no_field() {
        let extra =
            [Description::REQUIRED_FIELDS, Description::CARD_FIELDS].map(|name| (name.to_owned(), String::new())).to_vec();
        let [id, name, version] = ["x", "X", "1.0.0"].map(str::to_owned);
        let (settings, currencies, export_formats, headers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let links = true;
        let (order_id, hosts) = (OrderIdForm { chars_max: 64, digits_only: false }, Vec::new());
        let description =
            Description { id, name, version, settings, currencies, export_formats, links, order_id, hosts, headers, extra };
        let mut comment = format!("Paid by {VISA}");
        assert!(CardData::new(&description, &[]).mask_named("", &mut comment));
        assert_eq!(comment, "Paid by 411111XXXXXX1111");
    }

    #[test]
    fn a_header_and_a_query_are_masked_too() {
        let mut callback = StoredCallback {
            provider: domain::ProviderName::stored("p"),
            received_at: 0,
            method: "GET".to_owned(),
            path: String::new(),
            query: format!("имя=Иван&pan={VISA}"),
            headers: vec![("x-card".to_owned(), VISA.to_owned()), ("x-cvv".to_owned(), "123".to_owned())],
            body: b"\xff\xfe=1".to_vec(),
            remote_address: String::new(),
            sealed_headers: Vec::new(),
            is_masked: false,
        };
        assert!(CardData::default().mask_callback(&mut callback));
        assert_eq!(callback.query, "имя=Иван&pan=411111XXXXXX1111");
        assert_eq!(
            callback.headers,
            [("x-card".to_owned(), "411111XXXXXX1111".to_owned()), ("x-cvv".to_owned(), String::new())]
        );
        assert_eq!(callback.body, b"\xff\xfe=1");
        assert!(!CardData::default().mask_callback(&mut callback));
    }

    #[test]
    fn a_sentence_keeps_no_card_number_and_no_code() {
        for (text, want) in [
            (format!("The card {VISA} was declined"), "The card 411111XXXXXX1111 was declined".to_owned()),
            (format!("card {VISA} cvv 123"), "card 411111XXXXXX1111 cvv XXX".to_owned()),
            ("cvv=123, CVC2: \"9999\", pin 12".to_owned(), "cvv=XXX, CVC2: \"XXXX\", pin 12".to_owned()),
            ("карта 4111 1111 1111 1111".to_owned(), "карта 4111 11XX XXXX 1111".to_owned()),
        ] {
            let mut message = text.clone();
            mask_message(&mut message);
            assert_eq!(message, want);
        }
        for text in
            ["", "cvv is wrong", "refused with status 400 (cvv): 17", "Заказ 1234567 не найден", "pin of order 12345678"]
        {
            let mut message = text.to_owned();
            mask_message(&mut message);
            assert_eq!(message, text);
        }
    }

    #[test]
    fn luhns_test() {
        for (digits, want) in
            [(VISA, true), (MIR, true), ("4111111111111112", false), ("378282246310005", true), ("6304000000000000", true)]
        {
            let digits: Vec<u8> = digits.bytes().map(|byte| byte - b'0').collect();
            assert_eq!(passes_luhn(&digits), want, "{digits:?}");
        }
    }
}
