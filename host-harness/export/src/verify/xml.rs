//! Reads XML one element at a time.

use std::io::BufRead;

use quick_xml::events::Event;
use quick_xml::{NsReader, name::ResolveResult};

/// An element with its children or its text, never both.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Element {
    pub namespace: String,
    pub name: String,
    pub children: Vec<Element>,
    pub text: String,
}

/// How deep elements may be nested, and how many may be within one element of the body.
const DEPTH_MAX: usize = 16;
const ELEMENTS_MAX: usize = 1_000_000;

/// The next item of a file.
#[derive(Debug)]
pub enum Next {
    /// An element begins.
    Start(Element),
    /// The open element ends.
    End,
    /// The file ends.
    Eof,
}

/// Reads a file from its beginning.
pub struct Xml<R> {
    reader: NsReader<R>,
    buffer: Vec<u8>,
}

impl<R: BufRead> Xml<R> {
    pub fn new(file: R) -> Xml<R> {
        Xml { reader: NsReader::from_reader(file), buffer: Vec::new() }
    }

    /// Returns the next tag, without its content. White space and the XML declaration are skipped.
    ///
    /// # Errors
    /// If the file is not well formed, or has something that an export never has.
    pub fn next(&mut self) -> Result<Next, String> {
        loop {
            match self.event()? {
                Token::Start(element) => return Ok(Next::Start(element)),
                Token::End => return Ok(Next::End),
                Token::Eof => return Ok(Next::Eof),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(text) => return Err(self.at(&format!("the text {:?} stands outside of any value", text.trim()))),
                Token::Nothing => {}
            }
        }
    }

    /// Reads the content of an element that [`next`](Xml::next) returned, up to its end.
    ///
    /// # Errors
    /// The same as for [`next`](Xml::next).
    pub fn rest(&mut self, element: &mut Element) -> Result<(), String> {
        let mut elements = 0;
        self.within(element, 1, &mut elements)
    }

    fn within(&mut self, element: &mut Element, depth: usize, elements: &mut usize) -> Result<(), String> {
        loop {
            match self.event()? {
                Token::Start(mut child) => {
                    *elements += 1;
                    if depth == DEPTH_MAX || *elements > ELEMENTS_MAX {
                        return Err(self.at("an object holds more than any export does"));
                    }
                    self.within(&mut child, depth + 1, elements)?;
                    element.children.push(child);
                }
                Token::Text(text) => element.text.push_str(&text),
                Token::End => break,
                Token::Eof => return Err(self.at("the file ends within an element")),
                Token::Nothing => {}
            }
        }
        if !element.children.is_empty() {
            if !element.text.trim().is_empty() {
                return Err(self.at(&format!("{} has both text and elements", element.name)));
            }
            element.text.clear();
        }
        Ok(())
    }

    fn event(&mut self) -> Result<Token, String> {
        self.buffer.clear();
        let position = self.reader.buffer_position();
        let error = |what: &dyn std::fmt::Display| format!("at byte {position}: {what}");
        let (namespace, event) = self.reader.read_resolved_event_into(&mut self.buffer).map_err(|reason| error(&reason))?;
        Ok(match event {
            Event::Start(start) => {
                let namespace = match namespace {
                    ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
                    ResolveResult::Unbound => String::new(),
                    ResolveResult::Unknown(_) => return Err(error(&"a prefix has no namespace")),
                };
                Token::Start(Element { namespace, name: start.local_name().as_ref().to_owned(), ..Element::default() })
            }
            Event::Empty(_) => return Err(error(&"an element is empty")),
            Event::End(_) => Token::End,
            Event::Eof => Token::Eof,
            Event::Text(text) => Token::Text(text.as_ref().to_owned()),
            Event::GeneralRef(reference) => Token::Text(match &*reference {
                "amp" => "&".to_owned(),
                "lt" => "<".to_owned(),
                "gt" => ">".to_owned(),
                "quot" => "\"".to_owned(),
                "apos" => "'".to_owned(),
                _ => return Err(error(&"a reference other than &amp; &lt; &gt; &quot; &apos;")),
            }),
            Event::Decl(_) => Token::Nothing,
            Event::Comment(_) | Event::PI(_) | Event::DocType(_) | Event::CData(_) => {
                return Err(error(&"a comment, instruction, document type or CDATA, which 1C's reader may not expect"));
            }
        })
    }

    fn at(&self, what: &str) -> String {
        format!("at byte {}: {what}", self.reader.buffer_position())
    }
}

enum Token {
    Start(Element),
    End,
    Eof,
    Text(String),
    Nothing,
}

impl Element {
    /// Returns the text of a descendant, by names from the outermost; empty if there is none.
    pub fn at(&self, path: &[&str]) -> &str {
        match path {
            [] => &self.text,
            [name, rest @ ..] => self.child(name).map_or("", |child| child.at(rest)),
        }
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}
