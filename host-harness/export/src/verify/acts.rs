//! The acts of an EnterpriseData file, by reference and number.

use std::io::BufRead;

use super::enterprise_data;
use super::xml::{Next, Xml};

/// Reports whether the files of a format have acts.
pub fn has_acts(format: &str) -> bool {
    enterprise_data::version(format).is_some()
}

/// Calls `each` with the reference and the number of each act.
///
/// # Errors
/// If the file is not well formed.
pub fn read(file: impl BufRead, mut each: impl FnMut(&str, &str)) -> Result<(), String> {
    let mut xml = Xml::new(file);
    let mut depth = 0;
    loop {
        match xml.next()? {
            Next::Start(mut element) if element.name == enterprise_data::ACT => {
                xml.rest(&mut element)?;
                each(element.at(&["КлючевыеСвойства", "Ссылка"]), element.at(&["КлючевыеСвойства", "Номер"]));
            }
            // Only the body of these is read.
            Next::Start(element) if matches!(element.name.as_str(), "Message" | "Body") => depth += 1,
            Next::Start(mut element) => xml.rest(&mut element)?,
            Next::End => depth -= 1,
            Next::Eof if depth == 0 => return Ok(()),
            Next::Eof => return Err("the file ends within its body".to_owned()),
        }
    }
}
