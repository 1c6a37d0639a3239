//! Text that may come from anybody, as a message can repeat it.

/// The beginning of a text, with U+FFFD for every control character.
pub fn printable(text: &str, chars_max: usize) -> String {
    text.chars().map(|char| if is_control(char) { '\u{fffd}' } else { char }).take(chars_max).collect()
}

/// Whether a character is a control character as the contract means them: of Unicode's category Cc, or a separator of lines or
/// paragraphs.
fn is_control(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}
