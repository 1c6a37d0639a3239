//! Rules for texts that several identifiers and records share.

/// Reports whether a text is one non-blank line: at most `chars_max` characters, not only whitespace, none of them a control
/// character.
pub fn is_line(text: &str, chars_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= chars_max && !text.chars().any(char::is_control)
}

/// Reports whether the contract allows a component to return a text: its length is within the limits, and it has no control
/// characters or line separators, which could disturb the text around it on a screen. Whitespace alone is allowed.
pub fn is_contract_text(text: &str, chars_min: usize, chars_max: usize) -> bool {
    // A character has at most four bytes, so a text that is far too long is refused without counting its characters.
    text.len() <= 4 * chars_max
        && (chars_min..=chars_max).contains(&text.chars().count())
        && !text.chars().any(|char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_texts_of_the_contract() {
        for (text, line, contract) in [
            ("a", true, true),
            ("ёёёё", true, true),
            ("", false, false),
            ("aaaaa", false, false),
            (" ", false, true),
            ("a\n", false, false),
            ("\u{1b}[2J", false, false),
            ("\u{9b}", false, false),
            ("a\0", false, false),
            ("a\u{2028}", true, false),
            ("a\u{2029}", true, false),
        ] {
            assert_eq!((is_line(text, 4), is_contract_text(text, 1, 4)), (line, contract), "{text:?}");
        }
        assert!(is_contract_text("", 0, 4));
    }
}
