//! Writes XML.

use std::borrow::Cow;

/// The longest name of an element that a setting may give, in characters.
const NAME_CHARS_MAX: usize = 64;

/// The name of an element or attribute.
///
/// A name in the code is taken as it is. One from a setting is parsed: systems that copied ОСМП's protocol renamed
/// `osmp_txn_id`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name(Cow<'static, str>);

impl Name {
    /// Parses a name: a letter or underscore, and then letters, digits, `_`, `-` and `.`, ASCII alone, at most 64.
    ///
    /// # Errors
    /// What is wrong, as a sentence for the operator.
    pub fn parse(text: &str) -> Result<Name, String> {
        let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if begins && text.len() <= NAME_CHARS_MAX && text.bytes().all(is_good) {
            return Ok(Name(Cow::Owned(text.to_owned())));
        }
        Err(format!("It is not an element's name such as osmp_txn_id: 1 to {NAME_CHARS_MAX} of A-Z, a-z, 0-9, _, - and point."))
    }
}

impl From<&'static str> for Name {
    fn from(name: &'static str) -> Name {
        Name(Cow::Borrowed(name))
    }
}

/// Writes a document whose bytes are exact: no white space is added, and an empty element has both tags.
///
/// Text may be anything. `&`, `<`, `>` and, in attributes, quotes are escaped, and so are the white space characters that a
/// reader would change. A character that XML 1.0 cannot contain, such as U+0000, becomes U+FFFD.
pub struct Writer(String);

impl Writer {
    /// Begins a document with `<?xml version="1.0" encoding="UTF-8"?>`.
    pub fn document() -> Writer {
        Writer("<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned())
    }

    /// Writes an element with the elements that `write` writes.
    pub fn element(&mut self, name: impl Into<Name>, write: impl FnOnce(&mut Writer)) {
        let name = name.into();
        self.open(&name, &[]);
        write(self);
        self.close(&name);
    }

    /// Writes an element with text.
    pub fn text(&mut self, name: impl Into<Name>, text: &str) {
        self.text_with(name, &[], text);
    }

    /// Writes an element with attributes and text.
    pub fn text_with(&mut self, name: impl Into<Name>, attributes: &[(&'static str, &str)], text: &str) {
        let name = name.into();
        self.open(&name, attributes);
        self.escape(text, false);
        self.close(&name);
    }

    /// Returns the document, in UTF-8.
    pub fn finish(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    fn open(&mut self, name: &Name, attributes: &[(&'static str, &str)]) {
        self.push(&["<", &name.0]);
        for (name, value) in attributes {
            self.push(&[" ", name, "=\""]);
            self.escape(value, true);
            self.push(&["\""]);
        }
        self.push(&[">"]);
    }

    fn close(&mut self, name: &Name) {
        self.push(&["</", &name.0, ">"]);
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.0.push_str(part));
    }

    fn escape(&mut self, text: &str, is_attribute: bool) {
        for char in text.chars() {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' if is_attribute => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#13;"),
                '\n' if is_attribute => self.0.push_str("&#10;"),
                '\t' if is_attribute => self.0.push_str("&#9;"),
                '\n' | '\t' => self.0.push(char),
                '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                char => self.0.push(char),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(id: Name, comment: &str) -> String {
        let mut xml = Writer::document();
        xml.element("response", |response| {
            response.text(id, "1234567");
            response.text("prv_txn", "2016");
            response.text("sum", "10.45");
            response.text("result", "0");
            response.text("comment", comment);
            response.element("fields", |fields| fields.text_with("field1", &[("name", "FIO")], "Иванов & Ко"));
        });
        String::from_utf8(xml.finish()).unwrap()
    }

    #[test]
    fn a_reply_is_exact() {
        assert_eq!(
            reply("osmp_txn_id".into(), "OK"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><osmp_txn_id>1234567</osmp_txn_id><prv_txn>2016</prv_txn>\
             <sum>10.45</sum><result>0</result><comment>OK</comment><fields><field1 name=\"FIO\">Иванов &amp; Ко</field1></fields>\
             </response>"
        );
        assert!(reply(Name::parse("ibox_txn_id").unwrap(), "").contains("<ibox_txn_id>1234567</ibox_txn_id>"));
        assert!(reply("osmp_txn_id".into(), "").contains("<comment></comment>"));
    }

    #[test]
    fn any_text_can_be_written() {
        for (text, in_element, in_attribute) in [
            ("a<b>&\"'", "a&lt;b&gt;&amp;\"'", "a&lt;b&gt;&amp;&quot;'"),
            ("]]>", "]]&gt;", "]]&gt;"),
            ("&amp;", "&amp;amp;", "&amp;amp;"),
            ("a\r\n\tb", "a&#13;\n\tb", "a&#13;&#10;&#9;b"),
            (
                "\0\u{8}\u{1f}\u{b}\u{fffe}\u{ffff}",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("«Счёт» 💳\u{7f}\u{2028}", "«Счёт» 💳\u{7f}\u{2028}", "«Счёт» 💳\u{7f}\u{2028}"),
        ] {
            let mut xml = Writer(String::new());
            xml.text_with("a", &[("b", text)], text);
            let want = format!("<a b=\"{in_attribute}\">{in_element}</a>");
            assert_eq!(String::from_utf8(xml.finish()).unwrap(), want, "{text:?}");
        }
    }

    #[test]
    fn names_of_settings() {
        for (text, good) in [
            ("osmp_txn_id", true),
            ("_a-b.c1", true),
            ("", false),
            ("1a", false),
            ("-a", false),
            ("a b", false),
            ("a>", false),
            ("a:b", false),
            ("имя", false),
            (&"a".repeat(65), false),
        ] {
            assert_eq!(Name::parse(text).is_ok(), good, "{text}");
        }
    }

    #[cfg(feature = "xml-read")]
    proptest::proptest! {
        #[test]
        fn text_reads_back(text in "[\\x00-\\x7f]{0,12}|\\PC{0,12}|[\\u{fff0}-\\u{ffff}]{0,4}") {
            let mut xml = Writer::document();
            xml.element("a", |a| a.text_with("b", &[("c", &text)], &text));
            let bytes = xml.finish();
            let document = crate::xml::Document::parse(&bytes).unwrap();
            let replaced = |char| matches!(char, '\0'..'\t' | '\u{b}' | '\u{c}' | '\u{e}'..' ' | '\u{fffe}' | '\u{ffff}');
            let want: String = text.chars().map(|char| if replaced(char) { '\u{fffd}' } else { char }).collect();
            proptest::prop_assert_eq!(document.root("a").unwrap().text(&["b"]).unwrap(), want);
        }
    }
}
