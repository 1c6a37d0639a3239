//! Reads XML.

use std::fmt;

use roxmltree::{Node, ParsingOptions};

use crate::contract::Problem;
use crate::problem::Code;
use crate::text::shown;

/// The longest document that is parsed, in bytes: the longest answer that a host passes on.
pub const BYTES_MAX: usize = 65_536;
/// The most elements, texts and comments of a document.
pub const NODES_MAX: u32 = 4096;

/// A document in UTF-8, parsed by `roxmltree`. A document type definition is refused, so an entity is one of XML's own five or a
/// character's number, and nothing outside of the text is read. Nesting takes no stack.
///
/// Namespaces must be declared where they are used, and do not count beyond that: names are local names, since payment systems
/// change the prefix and even the address of their own.
#[derive(Debug)]
pub struct Document<'t>(roxmltree::Document<'t>);

/// An element of a [`Document`].
#[derive(Clone, Debug)]
pub struct Element<'d, 't> {
    node: Node<'d, 't>,
    path: String,
}

/// What is wrong with a document, and where. It contains names of the document's elements as the provider spells them, and no
/// text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct XmlError {
    /// The place, such as `OperationStateResponse.Result.Code`; empty for the document as a whole.
    pub path: String,
    /// What is wrong there.
    pub kind: XmlErrorKind,
}

/// What can be wrong with a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum XmlErrorKind {
    /// It is not well-formed XML in UTF-8, or it has a document type definition or more than [`NODES_MAX`] nodes.
    Syntax,
    /// It is longer than [`BYTES_MAX`], or than the limit that was given.
    TooLong,
    /// There is no such element.
    Missing,
    /// There are several such elements.
    Repeated,
    /// The element contains elements, and text was expected.
    NotText,
}

impl<'t> Document<'t> {
    /// Parses a document of at most [`BYTES_MAX`]. A byte order mark before it is skipped.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &'t [u8]) -> Result<Document<'t>, XmlError> {
        Document::parse_within(bytes, BYTES_MAX)
    }

    /// Like [`Document::parse`], with another limit of bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_within(bytes: &'t [u8], bytes_max: usize) -> Result<Document<'t>, XmlError> {
        let error = |kind| XmlError { path: String::new(), kind };
        if bytes.len() > bytes_max {
            return Err(error(XmlErrorKind::TooLong));
        }
        let text = str::from_utf8(bytes).map_err(|_| error(XmlErrorKind::Syntax))?;
        let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
        let document = roxmltree::Document::parse_with_options(text, options).map_err(|_| error(XmlErrorKind::Syntax))?;
        Ok(Document(document))
    }

    /// Returns the root, which must have this name.
    ///
    /// # Errors
    /// [`XmlErrorKind::Missing`] if it has another.
    pub fn root(&self, name: &str) -> Result<Element<'_, 't>, XmlError> {
        let root = Element { node: self.0.root_element(), path: name.to_owned() };
        if is_named(root.node, name) { Ok(root) } else { Err(root.error(XmlErrorKind::Missing)) }
    }
}

impl<'d, 't> Element<'d, 't> {
    /// Returns the element at a path of names below this one, or `None` if there is none.
    ///
    /// # Errors
    /// [`XmlErrorKind::Repeated`] if there are several at a step: which one counts is not known.
    pub fn find(&self, path: &[&str]) -> Result<Option<Element<'d, 't>>, XmlError> {
        let mut element = self.clone();
        for name in path {
            element = match element.all(name).as_slice() {
                [] => return Ok(None),
                [one] => one.clone(),
                [one, ..] => return Err(one.error(XmlErrorKind::Repeated)),
            };
        }
        Ok(Some(element))
    }

    /// Returns the text of the element at a path of names below this one, as it is, white space included. It may be empty, and
    /// is joined of the parts that comments and CDATA divide it into.
    ///
    /// # Errors
    /// [`XmlErrorKind::Missing`], [`XmlErrorKind::Repeated`] or [`XmlErrorKind::NotText`] at the place.
    pub fn text(&self, path: &[&str]) -> Result<String, XmlError> {
        self.optional(path)?.ok_or_else(|| {
            let path = [&[self.path.as_str()], path].concat().join(".");
            XmlError { path, kind: XmlErrorKind::Missing }
        })
    }

    /// Like [`Element::text`], but `None` if there is no such element.
    ///
    /// # Errors
    /// [`XmlErrorKind::Repeated`] or [`XmlErrorKind::NotText`] at the place.
    pub fn optional(&self, path: &[&str]) -> Result<Option<String>, XmlError> {
        self.find(path)?.map(|element| element.own_text()).transpose()
    }

    /// Returns the elements of this name that are directly below this one, in the order of the document.
    pub fn all(&self, name: &str) -> Vec<Element<'d, 't>> {
        let named = self.node.children().filter(|node| is_named(*node, name));
        named.map(|node| Element { node, path: [&self.path, ".", name].concat() }).collect()
    }

    fn own_text(&self) -> Result<String, XmlError> {
        if self.node.children().any(|child| child.is_element()) {
            return Err(self.error(XmlErrorKind::NotText));
        }
        Ok(self.node.children().filter(Node::is_text).filter_map(|text| text.text()).collect())
    }

    fn error(&self, kind: XmlErrorKind) -> XmlError {
        XmlError { path: self.path.clone(), kind }
    }
}

fn is_named(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

impl XmlError {
    /// Returns the problem with which an answer is refused: `field-conflict` for an element that is given twice, and
    /// `malformed`.
    pub fn problem(&self) -> Problem {
        let code = if self.kind == XmlErrorKind::Repeated { Code::FieldConflict } else { Code::Malformed };
        match self.path.as_str() {
            "" => code.whole(self.to_string()),
            path => code.at(shown(path), self.to_string()),
        }
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.path.as_str() {
            "" => "The document".to_owned(),
            path => shown(path),
        };
        match self.kind {
            XmlErrorKind::Syntax => write!(f, "{place} is not well-formed XML in UTF-8 without a document type definition."),
            XmlErrorKind::TooLong => write!(f, "{place} is too long; {BYTES_MAX} bytes are read unless a provider takes more."),
            XmlErrorKind::Missing => write!(f, "{place} is missing."),
            XmlErrorKind::Repeated => write!(f, "{place} is given twice."),
            XmlErrorKind::NotText => write!(f, "{place} contains elements, and text was expected."),
        }
    }
}

impl std::error::Error for XmlError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OP_STATE: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<OperationStateResponse \
        xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"http://auth.robokassa.ru/Merchant/WebService/\">\r\n\
        <Result><Code>0</Code></Result><State><Code>100</Code><RequestDate>2026-11-28T10:00:00.1234567+03:00</RequestDate></State>\
        <Info><OutSum>100.000000</OutSum><OpKey>A &amp; B&#33;</OpKey><PaymentMethod><Code>BankCard</Code></PaymentMethod></Info>\
        <UserField><Field><Name>shp_a</Name><Value>1</Value></Field><Field><Name>shp_order</Name><Value></Value></Field></UserField>\
        </OperationStateResponse>";

    #[test]
    fn robokassas_state_of_an_invoice() {
        let document = Document::parse(OP_STATE.as_bytes()).unwrap();
        let root = document.root("OperationStateResponse").unwrap();
        for (path, want) in [
            (&["Result", "Code"][..], Some("0")),
            (&["State", "Code"], Some("100")),
            (&["Info", "OutSum"], Some("100.000000")),
            (&["Info", "OpKey"], Some("A & B!")),
            (&["Info", "PaymentMethod", "Code"], Some("BankCard")),
            (&["Info", "BankCardRRN"], None),
            (&["Code"], None),
            (&["result", "Code"], None),
        ] {
            assert_eq!(root.optional(path).unwrap().as_deref(), want, "{path:?}");
        }
        let fields = root.find(&["UserField"]).unwrap().unwrap();
        let fields: Vec<_> =
            fields.all("Field").iter().map(|field| (field.text(&["Name"]).unwrap(), field.text(&["Value"]).unwrap())).collect();
        assert_eq!(fields, [("shp_a".to_owned(), "1".to_owned()), ("shp_order".to_owned(), String::new())]);
    }

    #[test]
    fn chronopays_gate() {
        let document = Document::parse(b"<response><code>000</code><message/></response>").unwrap();
        let root = document.root("response").unwrap();
        assert_eq!((root.text(&["code"]), root.text(&["message"])), (Ok("000".to_owned()), Ok(String::new())));
    }

    #[test]
    fn errors_say_where() {
        let xml = "<a><b>1</b><c><d/><d/></c><c2>x<e/>y</c2></a>";
        let document = Document::parse(xml.as_bytes()).unwrap();
        let root = document.root("a").unwrap();
        for (error, want, code) in [
            (document.root("b").unwrap_err(), "b is missing.", "malformed"),
            (root.text(&["x", "y"]).unwrap_err(), "a.x.y is missing.", "malformed"),
            (root.text(&["c", "d"]).unwrap_err(), "a.c.d is given twice.", "field-conflict"),
            (root.optional(&["c", "d", "e"]).unwrap_err(), "a.c.d is given twice.", "field-conflict"),
            (root.text(&["c2"]).unwrap_err(), "a.c2 contains elements, and text was expected.", "malformed"),
        ] {
            assert_eq!((error.to_string().as_str(), error.problem().code.as_str()), (want, code));
        }
    }

    /// Two readers of a text that comments divide must not see two texts.
    #[test]
    fn a_text_is_whole() {
        for (xml, want) in [
            ("<a><b>10<!-- -->0</b></a>", "100"),
            ("<a><b>1<![CDATA[<0>]]>0</b></a>", "1<0>0"),
            ("<a><b><!--9-->100<?pi 9?></b></a>", "100"),
            ("<a><b> 1\r\n</b></a>", " 1\n"),
        ] {
            let document = Document::parse(xml.as_bytes()).unwrap();
            assert_eq!(document.root("a").unwrap().text(&["b"]).unwrap(), want, "{xml}");
        }
    }

    #[test]
    fn what_is_refused() {
        let nodes = format!("<a>{}</a>", "<b/>".repeat(NODES_MAX as usize));
        for xml in [
            "",
            " ",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>text",
            "<a b=1/>",
            "<a b='1' b='2'/>",
            "<a>&b;</a>",
            "<a>&#0;</a>",
            "<a>\u{1}</a>",
            "<a>\u{ffff}</a>",
            "<x:a/>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<!DOCTYPE a><a/>",
            &nodes,
        ] {
            let error = Document::parse(xml.as_bytes()).map(drop).unwrap_err();
            assert_eq!(error.kind, XmlErrorKind::Syntax, "{xml}");
        }
        assert_eq!(Document::parse(b"<a>\xc8</a>").unwrap_err().kind, XmlErrorKind::Syntax);
        let long = format!("<a>{}</a>", "x".repeat(BYTES_MAX));
        assert_eq!(Document::parse(long.as_bytes()).unwrap_err().kind, XmlErrorKind::TooLong);
        assert!(Document::parse_within(long.as_bytes(), long.len()).is_ok());
    }

    #[test]
    fn nesting_takes_no_stack() {
        let depth = NODES_MAX as usize - 2;
        let xml = format!("{}1{}", "<a>".repeat(depth), "</a>".repeat(depth));
        let document = Document::parse(xml.as_bytes()).unwrap();
        assert_eq!(document.root("a").unwrap().optional(&["a", "a", "b"]), Ok(None));
    }

    proptest! {
        #[test]
        fn any_text_is_a_document_or_not(text in "[<>/a&;!\\[\\]#x\"= -]{0,24}|\\PC{0,16}") {
            if let Ok(document) = Document::parse(text.as_bytes()) && let Ok(root) = document.root("a") {
                let _ = (root.text(&[]), root.text(&["a"]));
            }
        }
    }
}
