//! The test lanes, as `lanes.toml` in xtask's folder defines them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// For use while working: takes some minutes.
    Quick,
    /// Everything.
    Full,
}

/// The steps and the test programs, each with its lane.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lanes {
    steps: BTreeMap<String, Lane>,
    tests: BTreeMap<String, Program>,
}

/// The first lane in which a test program runs.
#[derive(Deserialize)]
#[serde(untagged)]
enum Program {
    Whole(Lane),
    /// The modules of the program that run in the quick lane.
    Modules(Vec<String>),
}

/// The unit tests, which are in no test program of their own.
const UNITS: &str = "units";

impl Lanes {
    pub fn read() -> Result<Lanes> {
        toml::from_str(include_str!("../lanes.toml")).context("xtask/lanes.toml")
    }

    /// Reports whether a lane has a step.
    ///
    /// # Errors
    /// If `lanes.toml` does not name the step.
    pub fn has(&self, lane: Lane, step: &str) -> Result<bool> {
        let from = self.steps.get(step).with_context(|| format!("xtask/lanes.toml has no step {step}"))?;
        Ok(lane == Lane::Full || *from == Lane::Quick)
    }

    /// Returns the arguments of each `cargo test` of the quick lane: one for the programs that run whole, and one for each that
    /// runs in part.
    pub fn quick_tests(&self) -> Vec<Vec<String>> {
        let mut whole = Vec::new();
        let mut parts = Vec::new();
        for (name, program) in &self.tests {
            match program {
                Program::Whole(Lane::Quick) if name == UNITS => whole.extend(["--lib", "--bins"].map(str::to_owned)),
                Program::Whole(Lane::Quick) => whole.extend(["--test".to_owned(), name.clone()]),
                Program::Whole(Lane::Full) => {}
                Program::Modules(modules) => {
                    let modules = modules.iter().map(|module| format!("{module}::"));
                    parts.push(["--test".to_owned(), name.clone(), "--".to_owned()].into_iter().chain(modules).collect());
                }
            }
        }
        [vec![whole], parts].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_lane_runs_whole_programs_together_and_parts_by_themselves() {
        let text = "[steps]\nlints = 'quick'\ndemo = 'full'\n[tests]\nunits = 'quick'\na = 'quick'\nb = 'full'\nc = ['x', 'y']";
        let lanes: Lanes = toml::from_str(text).unwrap();
        assert_eq!(lanes.quick_tests(), [vec!["--test", "a", "--lib", "--bins"], vec!["--test", "c", "--", "x::", "y::"]]);
        assert!(lanes.has(Lane::Quick, "lints").unwrap() && lanes.has(Lane::Full, "lints").unwrap());
        assert!(!lanes.has(Lane::Quick, "demo").unwrap() && lanes.has(Lane::Full, "demo").unwrap());
        assert!(lanes.has(Lane::Full, "unknown").is_err());
        Lanes::read().unwrap();
    }
}
