//! Makes text from any source safe to repeat in a message.

/// Returns the first `chars_max` characters of a text, with U+FFFD in place of control characters.
pub fn printable(text: &str, chars_max: usize) -> String {
    text.chars().map(|char| if is_control(char) { '\u{fffd}' } else { char }).take(chars_max).collect()
}

/// Reports whether the contract counts a character as a control character: Unicode's category Cc, and the line and paragraph
/// separators.
fn is_control(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}
