//! Small XML documents: replies that are written ([`Writer`], feature `xml-write`) and answers that are read ([`Document`],
//! feature `xml-read`).

#[cfg(feature = "xml-read")]
mod read;
#[cfg(feature = "xml-write")]
mod write;

#[cfg(feature = "xml-read")]
pub use read::{BYTES_MAX, Document, Element, NODES_MAX, XmlError, XmlErrorKind};
#[cfg(feature = "xml-write")]
pub use write::{Name, Writer};
