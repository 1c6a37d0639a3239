//! The rules as `rules.toml` has them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// All of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Who may use whom, by a crate's name.
    pub layers: BTreeMap<String, Layer>,
    /// The circles that are still there, by a crate's name: each the modules that use each other.
    pub circles: BTreeMap<String, Vec<BTreeSet<String>>>,
    pub sizes: Sizes,
    pub libraries: Libraries,
    pub links: Links,
    pub words: Words,
    pub docs: Docs,
}

/// What one crate of the workspace may use, in what it is built with: what its tests use is free.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The crates of the workspace that its manifest may name.
    pub uses: BTreeSet<String>,
    /// Crates that its manifest must not name.
    #[serde(default)]
    pub not_names: BTreeSet<String>,
    /// Crates that must not be reached, by whatever way.
    #[serde(default)]
    pub never: BTreeSet<String>,
    /// That it reaches nothing at all but the crates that it may use.
    #[serde(default)]
    pub alone: bool,
}

/// How long a file may be, in lines of code: without comments, blank lines and unit tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    pub lines_max: usize,
    /// The same for a file of an integration test.
    pub lines_of_tests_max: usize,
    /// Files that are longer still.
    pub exceptions: BTreeSet<String>,
}

/// Other people's code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Libraries {
    /// The packages that are given to others, and not only built for tests.
    pub shipped: BTreeSet<String>,
    /// By SPDX: any of those that a library leaves to choose, each of those that it has.
    pub licences: BTreeSet<String>,
    /// A library's own licence beside those, by its name.
    pub licence_exceptions: BTreeMap<String, String>,
    /// What they are built with in several versions.
    pub duplicates: BTreeSet<String>,
}

/// Links between the documents.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Folders whose documents lead elsewhere: to what lies beside them once they are copied.
    pub left_out: BTreeSet<PathBuf>,
}

/// Words that are not used any more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub identifiers: Vec<OldNames>,
    /// In messages, documentation and documents: what is not said, and what is said for it.
    pub phrases: BTreeMap<String, String>,
    /// Documents that may say them.
    pub left_out: BTreeSet<PathBuf>,
}

/// Identifiers that a folder's code does not have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldNames {
    /// The folder, or a file.
    pub under: PathBuf,
    pub not: BTreeSet<String>,
}

/// Crates whose public items all have documentation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docs {
    /// Their folders.
    pub crates: Vec<PathBuf>,
}

impl Rules {
    pub fn read(path: &Path) -> Result<Rules> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    }
}
