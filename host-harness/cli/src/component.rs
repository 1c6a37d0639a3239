//! `component`: makes a component from a core module.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use componentize::componentize;
use sandbox::{Limits, Provider};

use crate::failure::Failure;
use crate::{input, output};

/// Debug builds have some megabytes. A far larger file is not a provider.
const MODULE_BYTES_MAX: u64 = 64 << 20;

/// Makes a component of the core module that a compiler for wasm32-unknown-unknown leaves. It is loaded once in the sandbox, as a
/// host would load it, before it is written.
///
/// Example: host-harness component target/wasm32-unknown-unknown/release/provider.wasm --out fast-pay.wasm
#[derive(clap::Args)]
pub struct Arguments {
    /// The module, such as target/wasm32-unknown-unknown/release/provider.wasm.
    module: PathBuf,
    /// The component's file; one that is there is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { module, out } = arguments;
    let bytes = input::read_up_to(module, MODULE_BYTES_MAX)?;
    let component = componentize(&bytes).map_err(|unfit| Failure::file(module, unfit))?;
    let provider = load(module, &component)?;
    replace(out, &component).map_err(|error| Failure::file(out, error))?;
    output::line(&format!("{}: {} bytes, sha256 {}", out.display(), provider.size_bytes(), provider.sha256()))?;
    Ok(ExitCode::SUCCESS)
}

/// Loads the component as a host would.
fn load(module: &Path, component: &[u8]) -> Result<Provider, Failure> {
    let loaded = input::sandbox(1)?.load(component, Limits::default());
    loaded.map_err(|error| Failure::Component { component: format!("the component of {}", module.display()), error })
}

/// Replaces a file whole, or leaves the existing one.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        // The error of writing is the one to report.
        let _ = std::fs::remove_file(&part);
    }
    written
}
