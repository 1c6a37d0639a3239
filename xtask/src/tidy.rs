//! The rules about the code that no compiler knows.

use anyhow::Result;

use crate::run::{cargo, run, step};

/// Holds them. They are a program of their own, so that who only builds the product does not build a parser of Rust.
pub fn tidy() -> Result<()> {
    step("the rules of xtask/tidy/rules.toml");
    run(cargo().args(["run", "--quiet", "--release", "--locked", "--bin", "tidy"]))
}
