//! The acts that an export lacks and the export that it replaces had. 1C keeps such acts until somebody deletes them.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::files::Whole;
use crate::manifest::Manifest;
use crate::verify::acts;

/// The most acts that are named; the others are counted.
const NAMED_MAX: usize = 20;

/// The acts of the former files that are not in the new ones. 1C identifies an act by its reference. So an act whose account,
/// contract or seller's «ИНН» changed is a different act, though it has the same number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GoneActs {
    /// The numbers of the first 20, in the order of the files.
    pub numbers: Vec<String>,
    /// How many more there are.
    pub more: u64,
}

impl GoneActs {
    /// Reports whether the new files have all acts of the former ones.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

impl Whole {
    /// Returns the acts of the former export at the same path that the new one lacks; none for a format without acts.
    ///
    /// # Errors
    /// If a file cannot be read, so that the acts cannot be compared. The error is the reason, a sentence.
    pub fn gone_acts(&self, before: &Manifest) -> Result<GoneActs, String> {
        let mut gone = GoneActs::default();
        if !acts::has_acts(&before.about.format) {
            return Ok(gone);
        }
        let mut new = HashSet::new();
        for path in self.paths() {
            read(path, |reference, _| {
                new.insert(reference.to_owned());
            })?;
        }
        for file in &before.files {
            read(&self.folder().join(&file.name), |reference, number| match new.contains(reference) {
                true => {}
                false if gone.numbers.len() < NAMED_MAX => gone.numbers.push(number.to_owned()),
                false => gone.more += 1,
            })?;
        }
        Ok(gone)
    }
}

fn read(path: &Path, each: impl FnMut(&str, &str)) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string());
    let read = file.and_then(|file| acts::read(BufReader::new(file), each));
    read.map_err(|error| format!("cannot read {}: {error}", path.display()))
}
