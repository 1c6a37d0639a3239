//! Escapes a component's text for a terminal.

use std::borrow::Cow;

/// Escapes a line: every character that would move, hide or reorder what is around it. These are control characters, line and
/// paragraph separators, marks of writing direction, and characters without width.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |shown, char| shown.extend(char.escape_unicode()))
}

/// Escapes a text of several lines in the same way. Its line ends are the program's own and stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |char| char != '\n' && is_hidden(char), |shown, char| shown.extend(char.escape_unicode()))
}

/// Escapes JSON in the same way. It stays JSON of the same value, because such characters occur only in its strings.
pub fn json(text: &str) -> Cow<'_, str> {
    let escape = |shown: &mut String, char: char| {
        char.encode_utf16(&mut [0; 2]).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
    };
    escaped(text, |char| char != '\n' && is_hidden(char), escape)
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool, escape: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if is_escaped(char) { escape(&mut shown, char) } else { shown.push(char) }
    }
    Cow::Owned(shown)
}

fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        for (text, want) in [
            ("Оплата 100,00 ₽", "Оплата 100,00 ₽"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{9b}2J", "a\\u{9b}2J"),
            ("a\r\nb\tc\u{7f}", "a\\u{d}\\u{a}b\\u{9}c\\u{7f}"),
            ("gnp\u{202e}exe", "gnp\\u{202e}exe"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("\u{2028}", "\\u{2028}"),
        ] {
            assert_eq!(line(text), want);
        }
        assert_eq!(lines("a\nb\u{1b}"), "a\nb\\u{1b}");
        let text = "a\u{202e}\u{e0001}\u{7f}".to_owned();
        let shown = json(&serde_json::to_string(&text).unwrap()).into_owned();
        assert!(shown.is_ascii() && serde_json::from_str::<String>(&shown).unwrap() == text, "{shown}");
    }
}
