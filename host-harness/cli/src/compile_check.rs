//! `compile-check`: the child process in which a component is compiled first. Not a command for people.

use std::process::ExitCode;

use sandbox::CompileCheck;

use crate::failure::Failure;

/// The subcommand's name.
pub const NAME: &str = "compile-check";

/// Compiles the component on standard input under the limits that stand before it; the program starts itself with this.
#[derive(clap::Args)]
pub struct Arguments {}

/// Returns the configuration by which this program checks components in a child process.
pub fn config() -> Result<CompileCheck, Failure> {
    let unusable = |error| Failure::Usage(format!("cannot find this program's own file: {error}"));
    CompileCheck::by_this_program(&[NAME]).map_err(unusable)
}

pub fn run() -> ExitCode {
    sandbox::compile_checked()
}
