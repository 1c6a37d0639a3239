//! Problems, and checks of text that is passed on.

use crate::binding::contract::Problem;

/// Makes a problem, with its message in Russian and in English. The contract lists the codes, with `problem`.
pub fn problem<'f>(code: &str, field: impl Into<Option<&'f str>>, ru: impl Into<String>, en: impl Into<String>) -> Problem {
    let message = vec![("ru".to_owned(), ru.into()), ("en".to_owned(), en.into())];
    Problem { code: code.to_owned(), field: field.into().map(str::to_owned), row: None, message }
}

/// Reports whether a character is a control character by the contract, which counts U+2028 and U+2029 among them.
pub fn is_control(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

/// Checks that a text has at most `chars_max` Unicode scalar values and no control character. It may be empty.
pub fn check(field: &str, text: &str, chars_max: usize) -> Result<(), Problem> {
    if text.chars().count() > chars_max {
        return Err(problem(
            "too-long",
            field,
            format!("Передать можно не больше {chars_max} знаков."),
            format!("At most {chars_max} characters can be passed on."),
        ));
    }
    if text.chars().any(is_control) {
        return Err(problem(
            "invalid",
            field,
            "В тексте есть управляющий знак, например перевод строки; уберите его.",
            "It holds a control character, such as a line break; remove it.",
        ));
    }
    Ok(())
}
