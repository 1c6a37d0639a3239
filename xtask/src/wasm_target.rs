//! Finds a compiler with the target `wasm32-unknown-unknown`, in the first way that works.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{apt_install, cargo, output, root};

/// The target of every component.
pub const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// How this machine compiles components.
pub enum Compiler {
    /// With the toolchain that runs this, which has the target.
    Own,
    /// With Debian's toolchain, which builds the target's standard library itself, and the own toolchain's linker.
    Debian {
        /// rustup's `rust-lld`.
        linker: PathBuf,
    },
}

impl Compiler {
    /// Finds a compiler, installing what is needed.
    pub fn find() -> Result<Compiler> {
        let sysroot = PathBuf::from(output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))?);
        let installed = || sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir();
        if installed() {
            return Ok(Compiler::Own);
        }
        let added = Command::new("rustup").args(["target", "add", TARGET]).current_dir(root()).output();
        if added.is_ok_and(|output| output.status.success()) && installed() {
            return Ok(Compiler::Own);
        }
        let linker = linker(&sysroot)?;
        if !debian_has_the_sources() {
            install_debians().with_context(|| {
                format!(
                    "no compiler for {TARGET}. One of these gives one: (1) a toolchain that has it; (2) `rustup target add {TARGET}`, \
                     which just failed, perhaps for want of a network; (3) on Debian, as root: `apt-get update && apt-get install -y {}`",
                    DEBIAN_PACKAGES.join(" ")
                )
            })?;
        }
        Ok(Compiler::Debian { linker })
    }

    /// Returns a `cargo build` for the target, the folder of the compiler's own sources, which panics name, and compiler flags.
    pub fn cargo_build(&self) -> Result<(Command, PathBuf, Vec<String>)> {
        Ok(match self {
            Compiler::Own => {
                let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))?;
                let mut command = cargo();
                command.args(["build", "--target", TARGET]);
                (command, sysroot.into(), Vec::new())
            }
            Compiler::Debian { linker } => {
                let sysroot = output(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
                let mut command = Command::new(DEBIAN_CARGO);
                command.current_dir(root()).env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                command.args(["build", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
                (command, sysroot.into(), vec![format!("-Clinker={}", linker.display())])
            }
        })
    }
}

/// Returns the linker that the target needs; rustup's toolchains include it.
fn linker(sysroot: &Path) -> Result<PathBuf> {
    let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).context("the toolchain has no lib/rustlib")?;
    let mut linkers = hosts.flatten().map(|host| host.path().join("bin/rust-lld"));
    linkers.find(|path| path.is_file()).context("the toolchain has no rust-lld; install one by rustup (https://rustup.rs)")
}

fn debian_has_the_sources() -> bool {
    Path::new(DEBIAN_CARGO).is_file() && Path::new("/usr/lib/rustlib/src/rust/library/std").is_dir()
}

fn install_debians() -> Result<()> {
    apt_install(&DEBIAN_PACKAGES)?;
    if !debian_has_the_sources() {
        bail!("the packages hold no sources of the standard library");
    }
    Ok(())
}
