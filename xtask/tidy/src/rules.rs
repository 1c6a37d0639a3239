//! The rules, as `rules.toml` holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// All rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Which crates may use which, by the name of the crate.
    pub layers: BTreeMap<String, Layer>,
    /// The circles of modules that still exist, by the name of the crate: each is the set of modules that use each other.
    pub circles: BTreeMap<String, Vec<BTreeSet<String>>>,
    pub sizes: Sizes,
    pub libraries: Libraries,
    pub links: Links,
    pub words: Words,
    pub docs: Docs,
}

/// What one crate of the workspace may depend on. What its tests use is not restricted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The crates of the workspace that its manifest may name.
    pub uses: BTreeSet<String>,
    /// Crates that its manifest must not name.
    #[serde(default)]
    pub not_names: BTreeSet<String>,
    /// Crates that it must not depend on, directly or indirectly.
    #[serde(default)]
    pub never: BTreeSet<String>,
    /// Whether it may depend on nothing at all but the crates in `uses`.
    #[serde(default)]
    pub alone: bool,
}

/// The longest a file may be, in lines of code: without comments, blank lines and unit tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    pub lines_max: usize,
    /// The longest that a file of an integration test may be.
    pub lines_of_tests_max: usize,
    /// Longer files that are allowed.
    pub exceptions: BTreeSet<String>,
}

/// Third-party code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Libraries {
    /// The packages that are shipped, not only built for tests.
    pub shipped: BTreeSet<String>,
    /// By SPDX id. Of a library's alternative licences one must be among these; of its combined licences, each.
    pub licences: BTreeSet<String>,
    /// Further licences that single libraries may have, by the name of the library.
    pub licence_exceptions: BTreeMap<String, String>,
    /// The libraries that may exist in several versions.
    pub duplicates: BTreeSet<String>,
}

/// Links in the documents.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Folders whose documents are copied elsewhere, with links to what is beside them there.
    pub left_out: BTreeSet<PathBuf>,
}

/// Words that are no longer used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub identifiers: Vec<OldNames>,
    /// Phrases in messages, documentation and documents, each with its replacement.
    pub phrases: BTreeMap<String, String>,
    /// Documents that may contain the phrases.
    pub left_out: BTreeSet<PathBuf>,
}

/// Identifiers that the code of a folder must not have.
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
