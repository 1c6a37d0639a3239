//! The services that write-offs name.

use std::cmp::Ordering;

use crate::buyer::shortened;
use crate::identity::{Reference, References};
use crate::index::{Index, same};
use crate::output::{Output, WarningKind};
use crate::text::chars;
use crate::writeoff::{Code, Problem, Writeoff};

/// The most services of an export, since they are held in memory.
pub const SERVICES_MAX: usize = 2000;
/// The length of 1С:Бухгалтерия's field «Наименование», in characters.
const NAME_CHARS_MAX: usize = 100;
/// The length of its field «Артикул», in characters.
const ARTICLE_CHARS_MAX: usize = 25;

/// A service, identified by its code or, if it has none, by its name.
#[derive(Debug)]
pub struct Service {
    pub reference: Reference,
    /// Its name, for messages.
    pub name: String,
    /// Its name, cut to the length of 1C's field.
    pub short_name: String,
    pub unit: String,
    /// The last file that contains it; 0 if none does.
    pub file: u64,
    /// Its code or, if it has none, its name.
    key: String,
    has_code: bool,
    /// Whether a warning that its code has two names was given.
    is_told: bool,
}

impl Service {
    /// Returns its code; empty if it has none.
    pub fn code(&self) -> &str {
        if self.has_code { &self.key } else { "" }
    }

    /// Returns its «Артикул»: the code if it fits, else empty.
    pub fn article(&self) -> &str {
        let code = self.code();
        if chars(code) <= ARTICLE_CHARS_MAX { code } else { "" }
    }
}

/// The services so far, each as its first write-off describes it.
#[derive(Debug, Default)]
pub struct Services {
    list: Vec<Service>,
    by_key: Index,
}

impl Services {
    /// Returns the service at an index from [`index_of`](Services::index_of).
    #[allow(clippy::indexing_slicing, reason = "indexes come from here, and nothing is ever taken out")]
    pub fn get(&mut self, index: usize) -> &mut Service {
        &mut self.list[index]
    }

    /// Returns the service at an index, if it exists.
    pub fn at(&self, index: usize) -> Option<&Service> {
        self.list.get(index)
    }

    /// Returns the services without the first `count`.
    pub fn since(&self, count: usize) -> &[Service] {
        self.list.get(count..).unwrap_or_default()
    }

    /// Compares two services in the order of a document.
    pub fn order(&self, one: usize, other: usize) -> Ordering {
        let key = |index: usize| self.list.get(index).map(|service| service.key.as_str());
        if one == other { Ordering::Equal } else { key(one).cmp(&key(other)) }
    }

    /// Returns the index of a write-off's service. Adds the service if it is new.
    ///
    /// # Errors
    /// If its unit differs from an earlier write-off's, or there are too many services.
    pub fn index_of(
        &mut self,
        references: &References,
        row: u64,
        writeoff: &Writeoff,
        out: &mut Output,
    ) -> Result<usize, Box<Problem>> {
        let Writeoff { service_code: code, service: name, unit, .. } = writeoff;
        let has_code = !code.is_empty();
        let key = if has_code { code } else { name };
        let kind = if has_code { "service-code" } else { "service" };
        let known = |at: usize| self.list.get(at).map(|service| service.key.as_str());
        let (index, is_new) = self.by_key.add_text(has_code.into(), key, known, || references.of(kind, &[key]).key());
        if !is_new {
            let known = self.get(index);
            if !same(&known.unit, unit) {
                let message =
                    format!("The service {key} had the unit \"{}\" before; give it one unit, or another code.", known.unit);
                return Err(Problem::new(Code::Invalid, "unit", &message));
            }
            if !same(&known.name, name) && !std::mem::replace(&mut known.is_told, true) {
                out.warn(row, WarningKind::OneCode, one_code(key, &known.name, name));
            }
            return Ok(index);
        }
        if index == SERVICES_MAX {
            out.end_faults();
            let message = format!("An export has at most {SERVICES_MAX} services; a service-code may tell too much.");
            return Err(Problem::new(Code::OutOfRange, "service-code", &message));
        }
        if let Some(namesake) = self.list.iter().find(|known| same(&known.name, name)) {
            out.warn(row, WarningKind::SameName, same_name(name, namesake.code(), code));
        }
        let reference = references.of(kind, &[key]);
        let told_apart = if has_code { code.clone() } else { reference.short() };
        let suffix = [" (", &told_apart, ")"].concat();
        self.list.push(Service {
            reference,
            name: name.clone(),
            short_name: shortened(name, &suffix, NAME_CHARS_MAX).into_owned(),
            unit: unit.clone(),
            file: 0,
            key: key.clone(),
            has_code,
            is_told: false,
        });
        Ok(index)
    }
}

#[cold]
fn one_code(code: &str, first: &str, other: &str) -> String {
    format!(
        "The service \"{code}\" has two names, «{first}» and «{other}»: acts name both «{first}», in one line. Give it one name, or \
         another code to each."
    )
}

#[cold]
fn same_name(name: &str, one: &str, other: &str) -> String {
    let code = |code: &str| if code.is_empty() { "none".to_owned() } else { ["\"", code, "\""].concat() };
    format!(
        "The service «{name}» has two codes, {} and {}: 1C gets two items of one name. Give it one code, or another name to each.",
        code(one),
        code(other)
    )
}
