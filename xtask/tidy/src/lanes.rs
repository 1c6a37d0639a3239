//! Checks that every test program is in a lane.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Metadata;
use serde::Deserialize;

use crate::source::Crate;

/// The tests in `xtask/lanes.toml`.
#[derive(Deserialize)]
pub struct Lanes {
    tests: BTreeMap<String, Program>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Program {
    Whole(String),
    Modules(Vec<String>),
}

impl Lanes {
    pub fn read(path: &Path) -> Result<Lanes> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// Returns the workspace's test programs, each with its modules.
pub fn programs(metadata: &Metadata, crates: &[Crate]) -> BTreeMap<String, BTreeSet<String>> {
    let targets = metadata.workspace_packages().into_iter().flat_map(|package| {
        package.targets.iter().filter(|target| target.is_test()).map(|target| (package.name.to_string(), target.name.clone()))
    });
    let modules = |(package, target): &(String, String)| {
        let names = [format!("{package}/{target}"), package.clone()];
        let of_target = crates.iter().filter(|source| source.is_test && names.contains(&source.name));
        of_target.flat_map(|source| &source.modules).map(|module| module.path.join("::")).collect()
    };
    targets.map(|target| (target.1.clone(), modules(&target))).collect()
}

/// Returns the programs that are in no lane, and the names in lanes that do not exist.
pub fn broken(lanes: &Lanes, programs: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut broken = Vec::new();
    for name in programs.keys().filter(|name| !lanes.tests.contains_key(*name)) {
        broken.push(format!("{name}: xtask/lanes.toml does not say in which lane this test program runs"));
    }
    for (name, program) in lanes.tests.iter().filter(|(name, _)| *name != "units") {
        let Some(modules) = programs.get(name) else {
            broken.push(format!("xtask/lanes.toml: there is no test program {name}"));
            continue;
        };
        if let Program::Modules(named) = program {
            for module in named.iter().filter(|module| !modules.contains(*module)) {
                broken.push(format!("xtask/lanes.toml: {name} has no module {module}"));
            }
        }
        if let Program::Whole(lane) = program
            && !["quick", "full"].contains(&lane.as_str())
        {
            broken.push(format!("xtask/lanes.toml: {name} runs in {lane}, which is no lane: quick or full"));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_in_a_lane_and_every_name_a_program() {
        let lanes = |text: &str| toml::from_str::<Lanes>(text).unwrap();
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let programs = BTreeMap::from([("it".to_owned(), set(&["", "load"])), ("cli".to_owned(), set(&[""]))]);
        let broken = |text: &str| broken(&lanes(text), &programs);
        assert_eq!(broken("[tests]\nunits = 'quick'\ncli = 'full'\nit = ['load']"), [""; 0]);
        assert!(broken("[tests]\nit = 'full'")[0].starts_with("cli: "));
        assert!(broken("[tests]\nit = 'full'\ncli = 'full'\ngone = 'full'")[0].contains("no test program gone"));
        assert!(broken("[tests]\nit = ['gone']\ncli = 'full'")[0].contains("no module gone"));
        assert!(broken("[tests]\nit = 'slow'\ncli = 'full'")[0].contains("no lane"));
    }
}
