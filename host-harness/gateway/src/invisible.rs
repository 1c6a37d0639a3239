//! Characters that nobody sees, in what an operator enters: pasted with a secret, one of them makes every signature fail.

use sandbox::records::{Fields, Problem};

/// The code of a setting's value that holds such a character.
pub const CODE: &str = "setting-invisible";

/// As `check_visible` of the plugin kit refuses them, so that a component and its host agree; each has its own words for them.
///
/// What Unicode calls default-ignorable, by its ranges; the Braille blank and the anchors of annotations, which show nothing either.
const IGNORABLE: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{2028}', '\u{2029}'),
];

/// What stands for an object or for text that was lost: it can be seen, and is never what was meant.
const STAND_INS: [char; 2] = ['\u{fffc}', '\u{fffd}'];

/// Returns whether a character shows nothing: it steers the text around it, joins, or fills a place.
pub fn is_ignorable(char: char) -> bool {
    IGNORABLE.iter().any(|(first, last)| (*first..=*last).contains(&char))
}

/// A character that cannot be seen where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Invisible {
    /// The character.
    pub char: char,
    /// Its place in the value, in characters from 1.
    pub place: usize,
}

/// Finds the first character of a value that cannot be seen: an ignorable or control character, any space but the common one, and the
/// common one at either end.
pub fn find(value: &str) -> Option<Invisible> {
    let ends = value.trim_matches(' ');
    let begins = value.chars().take_while(|char| *char == ' ').count();
    let inside = begins..begins + ends.chars().count();
    let is_invisible = |at: usize, char: char| match char {
        ' ' => !inside.contains(&at),
        char => char.is_control() || char.is_whitespace() || is_ignorable(char) || STAND_INS.contains(&char),
    };
    let found = value.chars().enumerate().find(|(at, char)| is_invisible(*at, *char));
    found.map(|(at, char)| Invisible { char, place: at + 1 })
}

impl Invisible {
    /// What the character is called, in Russian and in English.
    fn name(self) -> [&'static str; 2] {
        match self.char {
            ' ' => ["пробел в начале или в конце", "a space at the beginning or the end"],
            '\u{a0}' | '\u{202f}' => ["неразрывный пробел", "a no-break space"],
            '\u{200b}' => ["пробел нулевой ширины", "a zero-width space"],
            '\u{200c}' | '\u{200d}' | '\u{2060}' => ["невидимый соединитель", "an invisible joiner"],
            '\u{feff}' => ["метка порядка байтов (BOM)", "a byte order mark (BOM)"],
            '\u{ad}' => ["мягкий перенос", "a soft hyphen"],
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                ["знак направления письма", "a mark of the text's direction"]
            }
            '\t' => ["табуляция", "a tab"],
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ["перевод строки", "a line break"],
            char if char.is_control() => ["управляющий знак", "a control character"],
            char if char.is_whitespace() => ["необычный пробел", "an unusual space"],
            _ => ["невидимый знак", "an invisible character"],
        }
    }

    /// Which character it is, where it stands and what to do, in Russian.
    pub fn in_russian(self) -> String {
        let [name, _] = self.name();
        format!("Знак {} не виден: {name}, U+{:04X}. Введите значение без него.", self.place, u32::from(self.char))
    }

    /// Which character it is, where it stands and what to do, in English.
    pub fn in_english(self) -> String {
        let [_, name] = self.name();
        let code = u32::from(self.char);
        format!("Character {} cannot be seen: {name}, U+{code:04X}. Enter the value without it.", self.place)
    }
}

/// What is wrong with the characters of entered settings, a problem for each value. Every door by which settings come in asks here:
/// the pages, the API, files and the command line.
pub fn problems(entered: &Fields) -> Vec<Problem> {
    let problem = |(name, value): &(String, String)| {
        let message = find(value)?.in_english();
        Some(Problem { code: CODE.to_owned(), field: Some(name.clone()), row: None, message })
    };
    entered.iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(value: &str) -> Option<(char, usize)> {
        find(value).map(|Invisible { char, place }| (char, place))
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
    fn a_message_names_the_setting_and_the_character_and_not_the_value() {
        let entered = vec![
            ("product-id".to_owned(), "001234-0001-0001".to_owned()),
            ("shared-sec".to_owned(), "Secret\u{200b}".to_owned()),
        ];
        let problems: Vec<String> = problems(&entered).iter().map(ToString::to_string).collect();
        let want = "shared-sec: Character 7 cannot be seen: a zero-width space, U+200B. Enter the value without it. (setting-invisible)";
        assert_eq!(problems, [want]);
        assert_eq!(
            find("x\u{a0}").map(Invisible::in_russian).as_deref(),
            Some("Знак 2 не виден: неразрывный пробел, U+00A0. Введите значение без него.")
        );
    }
}
