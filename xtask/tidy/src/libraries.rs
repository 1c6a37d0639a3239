//! Third-party code: its licences, its sources, and how many versions of it there are.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, Package};
use spdx::{Expression, ParseMode};

use crate::graph::Graph;
use crate::rules::Libraries;

/// The one registry that libraries may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A library, as the lock file names it.
pub struct Library {
    pub name: String,
    pub version: String,
    pub licence: Option<String>,
    pub source: String,
    /// Whether a shipped program is built with it, and not only tests.
    pub is_shipped: bool,
}

/// Returns every library that anything in the workspace is built with.
pub fn libraries(rules: &Libraries, metadata: &Metadata, graph: &Graph<'_>) -> Vec<Library> {
    let is_shipped = |package: &&Package| rules.shipped.contains(package.name.as_str());
    let shipped = metadata.workspace_packages().into_iter().filter(is_shipped).map(|package| &package.id);
    let shipped = graph.reached(shipped.collect());
    let library = |package: &Package| Library {
        name: package.name.to_string(),
        version: package.version.to_string(),
        licence: package.license.clone(),
        source: package.source.as_ref().map(ToString::to_string).unwrap_or_default(),
        is_shipped: shipped.contains(&package.id),
    };
    let foreign = metadata.packages.iter().filter(|package| !metadata.workspace_members.contains(&package.id));
    foreign.map(library).collect()
}

/// Returns the broken rules.
pub fn broken(rules: &Libraries, libraries: &[Library]) -> Vec<String> {
    let mut broken = Vec::new();
    for library in libraries {
        let Library { name, version, source, .. } = library;
        if source != REGISTRY {
            broken.push(format!("{name} {version}: it comes from {source:?}, and libraries come from crates.io alone"));
        }
        let exception = rules.licence_exceptions.get(name);
        match (is_allowed(&rules.licences, library.licence.as_deref()), exception) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => broken.push(format!("rules.toml: {name} needs no exception for its licence")),
            (Err(_), Some(licence)) if library.licence.as_ref() == Some(licence) => {}
            (Err(why), _) => {
                broken.push(format!("{name} {version}: {why}; take another library, or decide about it in rules.toml"))
            }
        }
    }
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for library in libraries.iter().filter(|library| library.is_shipped) {
        versions.entry(&library.name).or_default().insert(&library.version);
    }
    for (name, versions) in &versions {
        if versions.len() > 1 && !rules.duplicates.contains(*name) {
            let versions: Vec<&str> = versions.iter().copied().collect();
            broken.push(format!("{name}: in the versions {}; `cargo tree --invert {name}` shows by what", versions.join(", ")));
        }
    }
    let is_duplicate = |name: &String| versions.get(name.as_str()).is_some_and(|versions| versions.len() > 1);
    let gone = rules.duplicates.iter().filter(|name| !is_duplicate(name));
    broken.extend(gone.map(|name| format!("rules.toml: there are no two versions of {name} any more")));
    broken
}

fn is_allowed(allowed: &BTreeSet<String>, licence: Option<&str>) -> Result<(), String> {
    let licence = licence.ok_or("it names no licence")?;
    // As Cargo parses it: a slash also means "or", and case does not matter.
    let mode = ParseMode { allow_slash_as_or_operator: true, ..ParseMode::LAX };
    let expression =
        Expression::parse_mode(licence, mode).map_err(|error| format!("its licence {licence:?}: {}", error.reason))?;
    let is_good = expression.evaluate(|needed| allowed.contains(&needed.to_string()));
    if is_good { Ok(()) } else { Err(format!("its licence is {licence}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(name: &str, version: &str, licence: &str) -> Library {
        let [name, version, source] = [name, version, REGISTRY].map(str::to_owned);
        Library { name, version, licence: Some(licence.to_owned()), source, is_shipped: true }
    }

    fn rules(exceptions: &[(&str, &str)], duplicates: &[&str]) -> Libraries {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let pair = |(name, licence): &(&str, &str)| ((*name).to_owned(), (*licence).to_owned());
        let (shipped, licence_exceptions) = (set(&[]), exceptions.iter().map(pair).collect());
        Libraries {
            shipped,
            licences: set(&["MIT", "Apache-2.0 WITH LLVM-exception"]),
            licence_exceptions,
            duplicates: set(duplicates),
        }
    }

    #[test]
    fn one_licence_of_a_choice_is_enough_and_each_of_several_is_needed() {
        for (licence, good) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("Apache-2.0 OR MIT", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT AND GPL-3.0-only", false),
            ("Apache-2.0", false),
            ("GPL-3.0-only", false),
            ("nonsense", false),
        ] {
            let broken = broken(&rules(&[], &[]), &[library("a", "1.0.0", licence)]);
            assert_eq!(broken.is_empty(), good, "{licence}: {broken:?}");
        }
        let unnamed = Library { licence: None, ..library("a", "1.0.0", "") };
        assert!(broken(&rules(&[], &[]), &[unnamed])[0].contains("names no licence"));
    }

    #[test]
    fn an_exception_is_of_one_licence_and_must_be_needed() {
        let of = |licence| broken(&rules(&[("a", "MPL-2.0")], &[]), &[library("a", "1.0.0", licence)]);
        assert_eq!(of("MPL-2.0"), [""; 0]);
        assert!(of("GPL-3.0-only")[0].contains("GPL"));
        assert!(of("MIT")[0].contains("needs no exception"));
    }

    #[test]
    fn libraries_come_from_the_registry_in_one_version() {
        let git = Library { source: "git+https://example.org/a".to_owned(), ..library("a", "1.0.0", "MIT") };
        assert!(broken(&rules(&[], &[]), &[git])[0].contains("git+https"));
        let twice = || [library("a", "1.0.0", "MIT"), library("a", "2.0.0", "MIT")];
        assert!(broken(&rules(&[], &[]), &twice())[0].contains("1.0.0, 2.0.0"));
        assert_eq!(broken(&rules(&[], &["a"]), &twice()), [""; 0]);
        assert!(broken(&rules(&[], &["b"]), &[])[0].contains("no two versions of b"));
        let of_tests = twice().map(|library| Library { is_shipped: false, ..library });
        assert_eq!(broken(&rules(&[], &[]), &of_tests), [""; 0]);
    }
}
