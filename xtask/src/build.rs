//! Builds components and programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use componentize::componentize;

use crate::run::{cargo, quiet, root, run, side_by_side, step, target_dir};
use crate::wasm_target::{Compiler, TARGET};

/// The providers of this workspace.
const PROVIDERS: [&str; 7] = ["chronopay", "robokassa", "tbank", "cloudpayments", "yookassa", "osmp", "onec"];
/// The providers that only tests load.
const TEST_PROVIDERS: [&str; 2] = ["faulty", "payme"];
/// The programs of the demonstration: the host, and the stand-ins of payment systems.
const PROGRAMS: [&str; 3] = ["host-harness", "chronopay-stand-in", "robokassa-stand-in"];

/// What is to be built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The providers, and the programs of the demonstration.
    Demo,
    /// These, and everything that tests call.
    Tests,
}

/// The results of a build.
pub struct Built {
    /// `target/components/NAME.wasm` of each provider.
    pub components: Vec<PathBuf>,
    /// ChronoPay's component, which the demonstration shows.
    pub chronopay: PathBuf,
    /// Robokassa's component.
    pub robokassa: PathBuf,
    /// The component that only exports.
    pub onec: PathBuf,
    /// `target/release/host-harness`
    pub host_harness: PathBuf,
    /// `target/release/chronopay-stand-in`, where the demonstration and tests pay.
    pub stand_in: PathBuf,
    /// `target/release/robokassa-stand-in`, which has the same use.
    pub robokassa_stand_in: PathBuf,
}

/// Builds the components and the programs in parallel: each of the two ends with one crate that keeps a single core busy.
pub fn build(scope: Scope) -> Result<Built> {
    let guests = || components(&providers(scope), &target_dir().join("guest"), &target_dir().join("components"));
    let programs = || {
        step("building the host and the stand-ins of payment systems: some 300 crates, wasmtime's compiler takes longest");
        let mut build = cargo();
        build.args(["build", "--release", "--locked"]).args(quiet());
        // By name, so that libraries get the features that the whole workspace enables. With other features they would be built
        // twice.
        match scope {
            Scope::Demo => run(build.args(PROGRAMS.iter().flat_map(|name| ["--bin", name]))),
            Scope::Tests => run(build.arg("--workspace")),
        }
    };
    let (components, ()) = side_by_side(guests, programs)?;
    let component = |name: &str| {
        let built = components.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
        built.cloned().with_context(|| format!("the component {name} was not built"))
    };
    let (chronopay, robokassa, onec) = (component("chronopay")?, component("robokassa")?, component("onec")?);
    let program = |name: &str| target_dir().join("release").join(name);
    Ok(Built {
        components,
        chronopay,
        robokassa,
        onec,
        host_harness: program("host-harness"),
        stand_in: program("chronopay-stand-in"),
        robokassa_stand_in: program("robokassa-stand-in"),
    })
}

/// Returns the providers that are built.
pub fn providers(scope: Scope) -> Vec<&'static str> {
    let of_tests = if scope == Scope::Tests { TEST_PROVIDERS.as_slice() } else { &[] };
    [&PROVIDERS, of_tests].concat()
}

/// Builds these providers as components into `to`. They have a target directory of their own, since a second compiler would
/// rebuild what the first one built.
pub fn components(providers: &[&str], target_dir: &Path, to: &Path) -> Result<Vec<PathBuf>> {
    let compiler = Compiler::find()?;
    std::fs::create_dir_all(to)?;
    providers
        .iter()
        .map(|provider| {
            step(&format!("building the component {provider}"));
            let module = core_module(&compiler, provider, target_dir)?;
            let component = to.join(format!("{provider}.wasm"));
            let bytes = componentize(&module).with_context(|| format!("{provider} makes no component"))?;
            std::fs::write(&component, bytes).with_context(|| format!("cannot write {}", component.display()))?;
            Ok(component)
        })
        .collect()
}

/// Compiles a provider by itself: with others in one command, each would get the features of `kit` that any of them enables, and
/// with them the writers of 1C's formats. It is compiled so that the same sources make the same bytes on every machine: no path of this machine may get into
/// them.
fn core_module(compiler: &Compiler, provider: &str, target_dir: &Path) -> Result<Vec<u8>> {
    let (mut command, compiler_sysroot, mut flags) = compiler.cargo_build()?;
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    // The whole way to the libraries, since each path that a panic names is in the component.
    let libraries = cargo_home.map(|home| home.join("registry/src"));
    let paths = [(Some(root().to_owned()), "/project"), (libraries, "/cargo"), (Some(compiler_sysroot.join("lib")), "/rust")];
    for (path, to) in &paths {
        let path = path.as_ref().context("no home directory")?;
        flags.push(format!("--remap-path-prefix={}={to}", path.display()));
    }
    // A provider's call stack is shallow. A small stack makes the memory small, and a fresh instance fast.
    flags.push("-Clink-arg=-zstack-size=65536".to_owned());
    // Every component runtime supports SIMD, which scans text 16 bytes at a time.
    flags.push("-Ctarget-feature=+simd128".to_owned());
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    command.args(["--quiet", "--locked", "--profile", "component", "--package", provider, "--target-dir"]).arg(target_dir);
    run(&mut command)?;
    let module = target_dir.join(TARGET).join("component").join(format!("{provider}.wasm"));
    let bytes = std::fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
    for path in paths.iter().filter_map(|(path, _)| path.as_ref()?.to_str()) {
        if bytes.windows(path.len()).any(|window| window == path.as_bytes()) {
            bail!("{} holds a path of this machine: {path}", module.display());
        }
    }
    Ok(bytes)
}
