//! Makes text from any source safe to repeat in a message.

/// Returns a text of at most `chars_max` characters, with U+FFFD in place of control characters. A longer one is cut at a word, or
/// within one that is longer than half of the text, and ends with «…».
pub fn printable(text: &str, chars_max: usize) -> String {
    let visible = |char| if is_control(char) { '\u{fffd}' } else { char };
    let mut chars = text.chars().map(visible);
    let mut printed: String = chars.by_ref().take(chars_max).collect();
    if chars.next().is_some() {
        cut(&mut printed);
    }
    printed
}

/// Takes the last character from a text that goes on, and the beginning of a word before it.
fn cut(text: &mut String) {
    let last_space = text.bytes().rposition(|byte| byte == b' ').filter(|at| *at > text.len() / 2);
    text.pop();
    text.truncate(last_space.unwrap_or(text.len()));
    while text.ends_with([' ', ',', ';', ':', '.']) {
        text.pop();
    }
    text.push('…');
}

/// Reports whether the contract counts a character as a control character: Unicode's category Cc, and the line and paragraph
/// separators.
fn is_control(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_word() {
        for (text, want) in [
            ("недостаточно средств", "недостаточно средств"),
            ("недостаточно средств на карте", "недостаточно…"),
            ("не хватает средств, карты", "не хватает средств…"),
            ("не хватает средств", "не хватает средств"),
            ("не хватает средств на", "не хватает средств…"),
            ("a недостаточносредствнакарте", "a недостаточносредс…"),
            ("недостаточносредствнакарте", "недостаточносредств…"),
            ("......................", "…"),
            ("", ""),
        ] {
            assert_eq!(printable(text, 20), want);
        }
    }
}
