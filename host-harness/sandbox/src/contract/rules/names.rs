//! What all rules are written with: broken rules as phrases, names, named values, problems.

use domain::{Fields, NAME_CHARS_MAX, Problem, is_contract_text as is_text};

pub const FIELDS_MAX: usize = 256;

/// The broken rules, each as a phrase.
pub type Violations = Vec<String>;

pub fn broken<const N: usize>(rules: [(bool, &str); N]) -> Violations {
    rules.iter().filter(|(holds, _)| !holds).map(|(_, text)| (*text).to_owned()).collect()
}

/// Returns the rules that a refusal's problems break.
pub fn problems(problems: &[Problem]) -> Violations {
    let counted = broken([(!problems.is_empty(), "there is no problem among the problems")]);
    counted.into_iter().chain(problems.iter().flat_map(problem)).collect()
}

/// Returns the rules that a problem breaks. Its `field` is not checked: it is spelled as the other side spells it, which may be
/// anyone.
pub fn problem(problem: &Problem) -> Violations {
    let Problem { code, message, translations, .. } = problem;
    let mut messages = translations.iter().map(|(_, message)| message).chain([message]);
    broken([
        (is_name(code), "a problem's code is not kebab-case"),
        (
            messages.all(|message| is_text(message, 0, 500)) && are_fields(translations),
            "a problem's message is not at most 500 characters without control characters, by language, each once",
        ),
    ])
}

pub fn is_header_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(is_known)
}

pub fn are_unique(texts: &[String], most: usize) -> bool {
    texts.len() <= most && texts.iter().enumerate().all(|(at, text)| texts.iter().take(at).all(|earlier| earlier != text))
}

/// Reports whether a text matches `[a-z][a-z0-9]*(-[a-z0-9]+)*` and has at most 64 characters.
pub fn is_name(text: &str) -> bool {
    // A word is not empty, so every hyphen must follow another character.
    let mut in_word = false;
    let known = text.bytes().all(|byte| {
        let (was_in_word, is_hyphen) = (in_word, byte == b'-');
        in_word = !is_hyphen;
        if is_hyphen { was_in_word } else { byte.is_ascii_lowercase() || byte.is_ascii_digit() }
    });
    known && in_word && text.len() <= NAME_CHARS_MAX && text.starts_with(|char: char| char.is_ascii_lowercase())
}

/// Reports whether fields are at most 256 names in kebab-case, each once. Every callback's answer is checked here, so for speed
/// two names are compared only if their lengths and last letters match.
pub fn are_fields(fields: &Fields) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
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
}
