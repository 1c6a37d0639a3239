//! What an export that replaces another one no longer has: 1C keeps such acts until somebody deletes them.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::files::Whole;
use crate::manifest::Manifest;
use crate::verify::acts;

/// How many acts are named; more are counted.
const NAMED_MAX: usize = 20;

/// The acts of the former files that are not in the new ones. 1C knows an act by its reference, so one whose account, contract or seller's
/// «ИНН» changed is another act, though it has the same number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GoneActs {
    /// The numbers of the first 20, in their order.
    pub numbers: Vec<String>,
    /// How many more there are.
    pub more: u64,
}

impl GoneActs {
    /// Whether the new files have all acts of the former ones.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

impl Whole {
    /// Which acts of the export that lies at its place the new one has not; none for a format without acts.
    ///
    /// # Errors
    /// Where a former file cannot be read, so that nobody can tell: why, in a sentence.
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
