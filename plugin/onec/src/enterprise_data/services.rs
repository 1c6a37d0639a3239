//! The services that write-offs name.

use std::collections::BTreeMap;

use crate::identity::References;
use crate::writeoff::{Code, Problem, Writeoff};

use super::buyer::shortened;
use super::markup;

/// The most services of an export: they are held in memory.
const SERVICES_MAX: usize = 2000;
/// The length of 1С:Бухгалтерия's field «Наименование», in characters.
const NAME_CHARS_MAX: usize = 100;
/// Of its field «Артикул».
const ARTICLE_CHARS_MAX: usize = 25;

/// A service, which is known by its code, or by its name where it has none.
#[derive(Debug)]
pub struct Service {
    /// Its name, for a person.
    pub name: String,
    /// The key properties, as markup.
    pub keys: Vec<u8>,
    /// What a line begins with, up to the quantity, and what stands in it between the VAT and the month.
    pub line: Vec<u8>,
    pub text: Vec<u8>,
    pub unit: String,
    key: String,
}

/// The services so far, each as its first write-off names it.
#[derive(Debug, Default)]
pub struct Services {
    list: Vec<Service>,
    by_code: BTreeMap<String, usize>,
    by_name: BTreeMap<String, usize>,
}

impl Services {
    /// The service at an index that [`index_of`](Services::index_of) gave.
    #[allow(clippy::indexing_slicing, reason = "indexes come from here, and nothing is ever taken out")]
    pub fn get(&self, index: usize) -> &Service {
        &self.list[index]
    }

    /// What services are sorted by in a document.
    pub fn key(&self, index: usize) -> &str {
        &self.get(index).key
    }

    /// The index of a write-off's service.
    ///
    /// # Errors
    /// Where its unit is another than before, or there are too many services.
    pub fn index_of(&mut self, references: &References, writeoff: &Writeoff) -> Result<usize, Problem> {
        let Writeoff { service_code: code, service: name, unit, .. } = writeoff;
        let (known, key) = if code.is_empty() { (&mut self.by_name, name) } else { (&mut self.by_code, code) };
        if let Some(index) = known.get(key) {
            let index = *index;
            if self.get(index).unit != *unit {
                let message = format!(
                    "The service {key} had the unit \"{}\" before; give it one unit, or another code.",
                    self.get(index).unit
                );
                return Err(Problem::new(Code::Invalid, "unit", message));
            }
            return Ok(index);
        }
        let index = self.list.len();
        if index == SERVICES_MAX {
            let message = format!("An export has at most {SERVICES_MAX} services; a service-code may tell too much.");
            return Err(Problem::new(Code::OutOfRange, "service-code", message));
        }
        let reference = references.of(if code.is_empty() { "service" } else { "service-code" }, &[key]);
        let suffix = if code.is_empty() { format!(" ({})", reference.short()) } else { format!(" ({code})") };
        let article = if code.chars().count() <= ARTICLE_CHARS_MAX { code } else { "" };
        let keys = markup::service_keys(reference, &shortened(name, &suffix, NAME_CHARS_MAX), name, article);
        known.insert(key.clone(), index);
        self.list.push(Service {
            name: name.clone(),
            line: markup::line_beginning(&keys),
            text: markup::line_text(name),
            keys,
            unit: unit.clone(),
            key: key.clone(),
        });
        Ok(index)
    }
}
