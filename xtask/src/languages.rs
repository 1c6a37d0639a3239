//! Checks providers and hosts in languages other than this project's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::Built;
use crate::run::{apt_install, cargo, install, output, root, run, step, target_dir};
use crate::wasm_target::{Compiler, TARGET};

/// Makes, builds and checks a project of each template. Then hosts in other languages run ChronoPay's component.
pub fn check(built: &Built) -> Result<()> {
    install("node", "nodejs")?;
    install("npm", "npm")?;
    install("python3", "python3")?;
    let folder = target_dir().join("languages");
    std::fs::create_dir_all(&folder)?;

    step("a new provider in Rust");
    let project = new(built, &folder, "rust")?;
    rust(built, &project, &folder.join("cargo"))?;
    passes(built, &project)?;

    step("a new provider in JavaScript");
    let project = new(built, &folder, "javascript")?;
    npm_ci(&project)?;
    run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&project))?;
    run(Command::new("npm").args(["test", "--silent"]).current_dir(&project))?;
    passes(built, &project)?;

    step("ChronoPay in Node.js");
    let node = root().join("examples/node");
    npm_ci(&node)?;
    run(Command::new("node").arg(node.join("provider.js")).arg(&built.chronopay))?;

    step("ChronoPay in Python");
    let python = venv(&folder.join("venv"))?;
    run(Command::new(python).arg(root().join("examples/python/provider.py")).arg(&built.chronopay))
}

/// Makes a project, replacing the one of an earlier run.
fn new(built: &Built, folder: &Path, language: &str) -> Result<PathBuf> {
    let name = format!("new-{language}");
    let project = folder.join(&name);
    if project.exists() {
        std::fs::remove_dir_all(&project).with_context(|| format!("cannot remove {}", project.display()))?;
    }
    let mut new = Command::new(&built.host_harness);
    new.args(["new", &name, "--language", language, "--into"]).arg(folder);
    output(&mut new)?;
    Ok(project)
}

/// Builds the project's component. Its target directory is reused, since the dependencies take most of the time.
fn rust(built: &Built, project: &Path, target: &Path) -> Result<()> {
    let (mut build, _, flags) = Compiler::find()?.cargo_build()?;
    if !flags.is_empty() {
        // The variable hides the project's own flags, so these replace them.
        build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    }
    run(build.args(["--quiet", "--release", "--target-dir"]).arg(target).current_dir(project))?;
    let mut component = Command::new(&built.host_harness);
    component.arg("component").arg(target.join(TARGET).join("release/provider.wasm"));
    run(component.arg("--out").arg(component_of(project)))?;
    run(cargo().args(["fmt", "--check"]).current_dir(project)).context("the template is not formatted")?;
    run(cargo().args(["test", "--quiet", "--release", "--target-dir"]).arg(target).current_dir(project))
}

fn component_of(project: &Path) -> PathBuf {
    let name = project.file_name().unwrap_or_default();
    project.join(name).with_extension("wasm")
}

fn passes(built: &Built, project: &Path) -> Result<()> {
    let mut check = Command::new(&built.host_harness);
    check.arg("check").arg(component_of(project)).arg("--vectors").arg(project.join("vectors.json"));
    run(&mut check)
}

/// Installs what the lock file names, and nothing else.
fn npm_ci(project: &Path) -> Result<()> {
    run(Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(project))
}

/// Returns the Python of a virtual environment with the example's requirements, which is made again if it does not work.
fn venv(folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if output(Command::new("python3").args(["-c", "import ensurepip"])).is_err() {
        apt_install(&["python3-venv"])?;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let requirements = root().join("examples/python/requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    Ok(python)
}
