//! Checks the rules about the code that no compiler knows.

use anyhow::Result;

use crate::run::{cargo, run, step};

/// Runs the checks. They are a program of their own, so that building the product alone does not build a Rust parser.
pub fn tidy() -> Result<()> {
    step("the rules of xtask/tidy/rules.toml");
    run(cargo().args(["run", "--quiet", "--release", "--locked", "--bin", "tidy"]))
}
