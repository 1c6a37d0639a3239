//! What components say is shown, stored and logged without secrets, card numbers and characters that cannot be seen: a payment
//! system or a proxy before it may repeat in its answer whatever it was sent, and a component passes that on.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use domain::{Description, ProvedEvent};
use invisible::Kind;
use sandbox::TextFilter;
use url::form_urlencoded;

use crate::card_data::{CardData, mask_message};

/// What stands instead of a secret. It is shorter than the shortest.
const MASK: &str = "***";
/// The fewest characters of a secret that is looked for: fewer stand in any text.
const SECRET_CHARS_MIN: usize = 4;
/// The fewest bytes of a secret that is looked for within a longer word of a name or a value. A shorter one could be a part of an id.
const WITHIN_WORDS_BYTES_MIN: usize = 8;
/// The fewest bytes of a secret that is looked for within the Base64 of more than itself, and within hexadecimal.
const WITHIN_ENCODED_BYTES_MIN: usize = 6;
/// The fewest bytes of a line of a secret of several lines, such as a key in PEM.
const LINE_BYTES_MIN: usize = 16;

/// How many bits say which pairs of bytes begin a secret: few, since each merchant has its own.
const BEGINS_BITS: u16 = 1_024;

/// Masks the texts of a component with a merchant's settings.
pub struct ProviderTexts {
    description: Description,
    secrets: Secrets,
}

impl ProviderTexts {
    /// Takes the settings' values: `secrets`, and the `others`, with which a secret may be joined as user name and password.
    pub fn new<'s>(
        description: &Description,
        secrets: impl IntoIterator<Item = &'s str>,
        others: impl IntoIterator<Item = &'s str> + Clone,
    ) -> ProviderTexts {
        ProviderTexts { description: description.clone(), secrets: Secrets::new(secrets, others) }
    }

    /// Reports whether a secret stands in a text, but for short ones, which stand in many.
    pub fn holds_secret(&self, text: &str) -> bool {
        self.secrets.find(text.as_bytes(), 0, Within::LongOnly).is_some()
    }
}

impl TextFilter for ProviderTexts {
    fn text(&self, text: &mut String) {
        self.secrets.mask(text, Within::Anything);
        mask_message(text);
        show_invisible(text);
    }

    fn name(&self, name: &mut String) {
        // Digits that look like a card number are more likely an id, and are compared.
        self.secrets.mask(name, Within::Words);
    }

    fn value(&self, name: &str, value: &mut String) {
        self.secrets.mask(value, Within::Words);
        CardData::new(&self.description, &[]).mask_named(name, value);
        show_invisible(value);
    }

    fn event(&self, event: &mut ProvedEvent) {
        CardData::mask_event(&self.description, event);
        self.secrets.mask(&mut event.comment, Within::Anything);
        show_invisible(&mut event.comment);
        for (_, value) in &mut event.extra {
            self.secrets.mask(value, Within::Words);
            show_invisible(value);
        }
    }
}

/// Where a secret is looked for.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Anything,
    /// A short one only as a word of its own.
    Words,
    /// A short one nowhere.
    LongOnly,
}

/// A form of a secret.
struct Form {
    bytes: Vec<u8>,
    /// Whether what surrounds it is of the same encoding, and tells of the secret too.
    is_base64: bool,
}

/// The secrets of settings in all the forms in which they are looked for, in any letter case.
struct Secrets {
    /// By their first two bytes, in lower case; the longest first.
    forms: BTreeMap<u16, Vec<Form>>,
    /// A bit for such pairs, which share it with some others, since most texts have none of them.
    begins: [u64; BEGINS_BITS as usize / 64],
}

impl Secrets {
    fn new<'s>(secrets: impl IntoIterator<Item = &'s str>, others: impl IntoIterator<Item = &'s str> + Clone) -> Secrets {
        let mut found = Secrets { forms: BTreeMap::new(), begins: [0; BEGINS_BITS as usize / 64] };
        for secret in secrets.into_iter().filter(|secret| secret.chars().count() >= SECRET_CHARS_MIN) {
            found.add(secret, others.clone());
        }
        found.forms.values_mut().for_each(|forms| forms.sort_by_key(|form| std::cmp::Reverse(form.bytes.len())));
        found
    }

    fn add<'s>(&mut self, secret: &str, others: impl IntoIterator<Item = &'s str>) {
        let bytes = secret.as_bytes();
        let form: String = form_urlencoded::byte_serialize(bytes).collect();
        let all: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        let strict: String = bytes
            .iter()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02x}") })
            .collect();
        let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let plain = [
            secret.to_owned(),
            secret.to_lowercase(),
            secret.to_uppercase(),
            format!("{secret:?}").trim_matches('"').to_owned(),
            form.replace('+', "%20"),
            form,
            strict,
            all,
            html,
        ];
        plain.into_iter().for_each(|form| self.put(form.into_bytes(), false));
        for line in secret.lines().filter(|line| line.len() >= LINE_BYTES_MIN && !line.starts_with("-----")) {
            self.put(line.as_bytes().to_vec(), false);
        }
        if bytes.len() >= WITHIN_ENCODED_BYTES_MIN {
            self.put(hex::encode(bytes).into_bytes(), false);
            for before in 0..3 {
                for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                    self.put(within_base64(bytes, before, &engine).into_bytes(), true);
                }
            }
        }
        // RFC 7617. A short secret is not looked for within it.
        let joined = others.into_iter().flat_map(|other| [format!("{other}:{secret}"), format!("{secret}:{other}")]);
        for joined in joined.chain([secret.to_owned(), format!("{secret}:")]) {
            self.put(STANDARD.encode(joined).trim_end_matches('=').as_bytes().to_vec(), true);
        }
    }

    fn put(&mut self, bytes: Vec<u8>, is_base64: bool) {
        let Some(pair) = pair(&bytes) else { return };
        let forms = self.forms.entry(pair).or_default();
        if !forms.iter().any(|form| form.bytes.eq_ignore_ascii_case(&bytes)) {
            forms.push(Form { bytes, is_base64 });
            let bit = pair % BEGINS_BITS;
            if let Some(bits) = self.begins.get_mut(usize::from(bit / 64)) {
                *bits |= 1 << (bit % 64);
            }
        }
    }

    /// Masks the secrets of a text.
    fn mask(&self, text: &mut String, within: Within) {
        let mut from = 0;
        while let Some((start, end)) = self.find(text.as_bytes(), from, within) {
            // A form begins and ends with a character, so that the text is cut between characters.
            text.replace_range(start..end, MASK);
            from = start + MASK.len();
        }
    }

    /// Returns where the first secret stands, from a place on.
    fn find(&self, text: &[u8], from: usize, within: Within) -> Option<(usize, usize)> {
        let rest = text.get(from..)?;
        rest.array_windows::<2>().enumerate().find_map(|(at, two)| {
            let pair = pair(two)?;
            let bit = pair % BEGINS_BITS;
            if self.begins.get(usize::from(bit / 64))? & 1 << (bit % 64) == 0 {
                return None;
            }
            let start = from + at;
            let is_here = |form: &&Form| {
                let end = start + form.bytes.len();
                text.get(start..end).is_some_and(|piece| piece.eq_ignore_ascii_case(&form.bytes))
                    && (within == Within::Anything
                        || form.bytes.len() >= WITHIN_WORDS_BYTES_MIN
                        || (within == Within::Words && !ends_within_word(text, start) && !ends_within_word(text, end)))
            };
            let form = self.forms.get(&pair)?.iter().find(is_here)?;
            let end = start + form.bytes.len();
            if !form.is_base64 {
                return Some((start, end));
            }
            let before = text.get(from..start)?.iter().rev().take_while(|byte| is_base64(**byte)).count();
            let after = text.get(end..)?.iter().take_while(|byte| is_base64(**byte)).count();
            Some((start - before, end + after))
        })
    }
}

fn pair(bytes: &[u8]) -> Option<u16> {
    match bytes {
        [first, second, ..] => Some(u16::from_be_bytes([first.to_ascii_lowercase(), second.to_ascii_lowercase()])),
        _ => None,
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// Reports whether letters or digits stand on both sides of a place.
fn ends_within_word(text: &[u8], at: usize) -> bool {
    let is_word =
        |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    is_word(at.checked_sub(1)) && is_word(Some(at))
}

/// Encodes bytes in Base64 as they appear after `before` other bytes, without the digits that the neighbouring bytes share.
fn within_base64(bytes: &[u8], before: usize, engine: &impl Engine) -> String {
    let whole = engine.encode([vec![0; before], bytes.to_vec()].concat());
    let (from, to) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
    whole.get(from..to).unwrap_or_default().to_owned()
}

/// Replaces characters that cannot be seen, and could turn the text around them, by one that can.
fn show_invisible(text: &mut String) {
    let is_hidden = |char: char| {
        // Nearly all characters of texts.
        if matches!(char, ' '..='~' | '\u{400}'..='\u{45f}' | '\n') {
            return false;
        }
        Kind::of(char).is_some_and(|kind| match kind {
            Kind::Tab | Kind::NoBreakSpace | Kind::UnusualSpace | Kind::VariationSelector | Kind::LostText => false,
            Kind::Control
            | Kind::LineBreak
            | Kind::ZeroWidthSpace
            | Kind::Joiner
            | Kind::SoftHyphen
            | Kind::DirectionMark
            | Kind::ByteOrderMark
            | Kind::Filler
            | Kind::Tag
            | Kind::Other => true,
        })
    };
    if text.chars().any(is_hidden) {
        *text = text.chars().map(|char| if is_hidden(char) { char::REPLACEMENT_CHARACTER } else { char }).collect();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use domain::{EventKind, Facts, Money, Recurrence};
    use money::Currency;

    use super::*;
    use crate::test_description::test_description;

    const KEY: &str = "live_Qx71+tZ/Secret";
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIBVQIBADANBgkq\n-----END PRIVATE KEY-----";

    fn texts() -> ProviderTexts {
        let description = test_description();
        ProviderTexts::new(&description, [KEY, "1qa2", PEM, "abc"], ["100500"])
    }

    fn of_text(text: &str) -> String {
        let mut text = text.to_owned();
        texts().text(&mut text);
        text
    }

    #[test]
    fn a_secret_is_masked_in_every_form() {
        let json = format!("{KEY:?}");
        let basic = |text: &str| STANDARD.encode(text);
        for (said, want) in [
            (format!("bad key {KEY}."), "bad key ***."),
            (format!("{KEY}{KEY}"), "******"),
            (format!("bad key {}", KEY.to_uppercase()), "bad key ***"),
            (format!("a {json} b"), "a \"***\" b"),
            (form_urlencoded::byte_serialize(KEY.as_bytes()).collect(), "***"),
            ("key=live%5fQx71%2btZ%2fSecret&a=1".to_owned(), "key=***&a=1"),
            (format!("Authorization: Basic {}", basic(&format!("100500:{KEY}"))), "Authorization: Basic ***"),
            (format!("Authorization: Basic {}", basic(&format!("somebody:{KEY}"))), "Authorization: Basic ***"),
            (format!("Authorization: Basic {}", basic("100500:1qa2")), "Authorization: Basic ***"),
            (format!("Bearer {}", basic(KEY)), "Bearer ***"),
            (format!("ключ {}", hex::encode(KEY)), "ключ ***"),
            ("пароль 1qa2!".to_owned(), "пароль ***!"),
            ("x1qa2x".to_owned(), "x***x"),
            ("line MIIBVQIBADANBgkq of it".to_owned(), "line *** of it"),
            ("abc is too short, and live_Qx71 is a part".to_owned(), "abc is too short, and live_Qx71 is a part"),
            ("Недостаточно средств".to_owned(), "Недостаточно средств"),
            (String::new(), ""),
            ("1".to_owned(), "1"),
        ] {
            assert_eq!(of_text(&said), want, "{said}");
        }
    }

    #[test]
    fn card_numbers_and_characters_that_cannot_be_seen_are_not_shown() {
        assert_eq!(of_text("card 4111111111111111 cvv 123"), "card 411111XXXXXX1111 cvv XXX");
        assert_eq!(
            of_text("Оплачено \u{202e}001\u{2066}\0\u{200b}\r\n«да» — 5\u{a0}₽"),
            "Оплачено \u{fffd}001\u{fffd}\u{fffd}\u{fffd}\u{fffd}\n«да» — 5\u{a0}₽"
        );
    }

    /// A name is compared: what is long enough to be no part of an id is masked in it, and an id that looks like a card number stays.
    #[test]
    fn a_name_keeps_what_could_be_an_id() {
        let of_name = |name: &str| {
            let mut name = name.to_owned();
            texts().name(&mut name);
            name
        };
        for (name, want) in [
            ("4111111111111111", "4111111111111111"),
            ("771qa2-77", "771qa2-77"),
            ("77-1qa2-77", "77-***-77"),
            (&format!("id{KEY}"), "id***"),
        ] {
            assert_eq!(of_name(name), want);
        }
    }

    #[test]
    fn an_event_keeps_its_facts() {
        let mut event = ProvedEvent {
            facts: Facts {
                kind: EventKind::Payment,
                recurrence: Recurrence::Single,
                transaction: "4111111111111111".parse().unwrap(),
                original: None,
                ends_hold: None,
                expires_at: None,
                order: Some("1qa2".parse().unwrap()),
                account: None,
                payer: None,
                amount: Money { minor_units: 100, currency: Currency::RUB },
                occurred_at: None,
            },
            comment: format!("\u{202e}{KEY} 5555555555554444"),
            dedup_key: "k".parse().unwrap(),
            fee: None,
            extra: vec![("id".to_owned(), "4111111111111111".to_owned()), ("note".to_owned(), format!("{KEY} cvv"))],
        };
        let facts = event.facts.clone();
        texts().event(&mut event);
        assert_eq!(event.facts, facts);
        assert_eq!(event.comment, "\u{fffd}*** 555555XXXXXX4444");
        let values: Vec<&str> = event.extra.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["4111111111111111", "*** cvv"]);
    }

    /// A callback that holds nothing of it pays less than a microsecond for it.
    #[test]
    fn what_holds_nothing_is_not_copied() {
        let texts = texts();
        let mut text = "Оплата по карте VISA, спасибо за покупку".to_owned();
        let before = text.as_ptr();
        texts.text(&mut text);
        assert_eq!(text.as_ptr(), before);
    }
}
