//! Finds invisible characters in settings that an operator enters. If one is pasted with a secret, every signature is wrong.

use domain::{Fields, Problem, SettingKind, SettingSpec};
use invisible::Kind;

/// The code of a problem with an invisible character in a setting.
pub const CODE: &str = "setting-invisible";

/// Reports whether a character is invisible: a control of the text around it, a joiner, or a filler.
pub fn is_ignorable(char: char) -> bool {
    Kind::of(char).is_some_and(Kind::is_ignorable)
}

/// An invisible character in a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Invisible {
    /// The character.
    pub char: char,
    /// Its position in the value, in characters from 1.
    pub place: usize,
    /// Its kind; `None` for a plain space at either end.
    kind: Option<Kind>,
}

/// Finds the first invisible character of a value, by the table that every component uses, or else a plain space at either end.
pub fn find(value: &str) -> Option<Invisible> {
    let found = invisible::find(value).map(|found| Invisible { char: found.char, place: found.place, kind: Some(found.kind) });
    found.or_else(|| space_at_an_end(value).map(|place| Invisible { char: ' ', place, kind: None }))
}

/// Finds the first invisible character of a setting's value. In a block lines end, and may begin or end with spaces.
pub fn find_in(kind: SettingKind, value: &str) -> Option<Invisible> {
    if !kind.is_block() {
        return find(value);
    }
    let mut before = 0;
    value.split('\n').find_map(|line| {
        let found = invisible::find(line);
        let found = found.map(|found| Invisible { char: found.char, place: before + found.place, kind: Some(found.kind) });
        before += line.chars().count() + 1;
        found
    })
}

/// Returns the position of the first plain space at the beginning, or else at the end, in characters from 1.
fn space_at_an_end(value: &str) -> Option<usize> {
    if value.starts_with(' ') {
        return Some(1);
    }
    value.ends_with(' ').then(|| value.trim_end_matches(' ').chars().count() + 1)
}

impl Invisible {
    /// Says in Russian which character it is, where it is and what to do.
    pub fn in_russian(self) -> String {
        let name = self.kind.map_or("пробел в начале или в конце", Kind::in_russian);
        format!("Знак {} не виден: {name}, U+{:04X}. Введите значение без него.", self.place, u32::from(self.char))
    }

    /// Says in English which character it is, where it is and what to do.
    pub fn in_english(self) -> String {
        let name = self.kind.map_or("a space at the beginning or the end", Kind::in_english);
        let code = u32::from(self.char);
        format!("Character {} cannot be seen: {name}, U+{code:04X}. Enter the value without it.", self.place)
    }
}

/// Returns entered settings in which the lines of blocks end as the contract says: a browser sends CR LF, and a file ends with an
/// end of line.
pub fn with_line_ends(declared: &[SettingSpec], mut entered: Fields) -> Fields {
    for (name, value) in &mut entered {
        if declared.iter().any(|setting| setting.name == *name && setting.kind.is_block()) {
            *value = value.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
        }
    }
    entered
}

/// Returns a problem for each entered value with an invisible character. Settings from every source are checked here: the
/// pages, the API, files and the command line.
pub fn problems(settings: &[SettingSpec], entered: &Fields) -> Vec<Problem> {
    let problem = |(name, value): &(String, String)| {
        let kind = settings.iter().find(|setting| setting.name == *name).map_or(SettingKind::Text, |setting| setting.kind);
        let message = find_in(kind, value)?.in_english();
        Some(Problem::new(CODE, message).at(name))
    };
    entered.iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(value: &str) -> Option<(char, usize)> {
        find(value).map(|Invisible { char, place, .. }| (char, place))
    }

    #[test]
    fn what_cannot_be_seen_is_found_by_its_place() {
        for (value, want) in [
            ("TestSharedSec001\u{feff}", ('\u{feff}', 17)),
            ("\u{feff}TestSharedSec001", ('\u{feff}', 1)),
            ("Test\u{200b}SharedSec001", ('\u{200b}', 5)),
            ("Ключ\u{200b}", ('\u{200b}', 5)),
            (" secret", (' ', 1)),
            ("secret  ", (' ', 7)),
            ("   ", (' ', 1)),
            ("se\u{a0}cret", ('\u{a0}', 3)),
            ("secret\u{a0}", ('\u{a0}', 7)),
            ("se\u{202f}cret", ('\u{202f}', 3)),
            ("se\u{3000}cret", ('\u{3000}', 3)),
            ("a\u{202e}b", ('\u{202e}', 2)),
            ("a\u{2066}b", ('\u{2066}', 2)),
            ("a\tb", ('\t', 2)),
            ("a\nb", ('\n', 2)),
            ("a\0", ('\0', 2)),
            ("a\u{7f}", ('\u{7f}', 2)),
            ("a\u{85}b", ('\u{85}', 2)),
            ("a\u{ad}b", ('\u{ad}', 2)),
            ("a\u{2060}b", ('\u{2060}', 2)),
            ("a\u{2028}b", ('\u{2028}', 2)),
            ("a\u{3164}b", ('\u{3164}', 2)),
            ("a\u{fe0f}", ('\u{fe0f}', 2)),
            ("a\u{e0041}", ('\u{e0041}', 2)),
            ("a\u{fffd}", ('\u{fffd}', 2)),
            ("a\u{fffe}", ('\u{fffe}', 2)),
        ] {
            assert_eq!(place(value), Some(want), "{value:?}");
        }
    }

    #[test]
    fn what_can_be_seen_passes() {
        for value in ["", "TestSharedSec001", "Пополнение баланса через ЛК", "a  b", "тире — и «кавычки»", "é", "日本語", "🙂"]
        {
            assert_eq!(find(value), None, "{value:?}");
        }
    }

    #[test]
    fn lines_of_a_block_are_searched_one_by_one() {
        let place = |value| find_in(SettingKind::SecretBlock, value).map(|found| (found.char, found.place));
        assert_eq!(place("-----BEGIN KEY-----\n  MIIB\n-----END KEY-----"), None);
        assert_eq!(place("ab\nc\u{200b}d"), Some(('\u{200b}', 5)));
        assert_eq!(place("ab\r\nc"), Some(('\r', 3)));
    }

    #[test]
    fn a_message_names_the_setting_and_the_character_and_not_the_value() {
        let entered = vec![
            ("product-id".to_owned(), "001234-0001-0001".to_owned()),
            ("shared-sec".to_owned(), "Secret\u{200b}".to_owned()),
        ];
        let problems: Vec<String> = problems(&[], &entered).iter().map(ToString::to_string).collect();
        let want = "shared-sec: Character 7 cannot be seen: a zero-width space, U+200B. Enter the value without it. (setting-invisible)";
        assert_eq!(problems, [want]);
        assert_eq!(
            find("x\u{a0}").map(Invisible::in_russian).as_deref(),
            Some("Знак 2 не виден: неразрывный пробел, U+00A0. Введите значение без него.")
        );
    }
}
