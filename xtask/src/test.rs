//! Runs the tests: everything that CI runs, or the quick lane for use while working.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::build::{self, Scope};
use crate::lanes::{Lane, Lanes};
use crate::run::{cargo, install, root, run, side_by_side, step, target_dir};
use crate::{contract, demo, languages, onec, tidy};

/// The variable from which proptest reads the seed of its random inputs.
const SEED: &str = "PROPTEST_RNG_SEED";

/// The feature that enables the tests of two contract versions side by side.
const VERSIONS: &str = "end-to-end/testing";

/// The components that are built twice.
const REBUILT: [&str; 2] = ["chronopay", "cloudpayments"];

/// The version of geckodriver.
const GECKODRIVER: &str = "0.37.1";

/// Runs a lane. The first failure ends it.
pub fn test(lane: Lane) -> Result<()> {
    let lanes = Lanes::read()?;
    tool("fmt", "rustfmt")?;
    tool("clippy", "clippy")?;
    if lanes.has(lane, "formatting")? {
        step("formatting");
        run(cargo().args(["fmt", "--all", "--check"]))?;
        run(cargo().args(["fmt", "--manifest-path", "tests/fuzz/Cargo.toml", "--check"]))?;
    }
    if lanes.has(lane, "tidy")? {
        tidy::tidy()?;
    }
    if lanes.has(lane, "contract")? {
        contract::contract()?;
    }

    // Built once, before the tests, which read the results.
    let browsers = || if lane == Lane::Full { browsers() } else { Ok(()) };
    let (built, ()) = side_by_side(|| build::build(Scope::Tests), browsers)?;
    if lanes.has(lane, "lints")? {
        step("lints");
        let targets = (lane == Lane::Full).then_some("--all-targets");
        let mut clippy = cargo();
        clippy.args(["clippy", "--quiet", "--release", "--workspace", "--locked"]).args(targets).args(["--", "-D", "warnings"]);
        run(&mut clippy)?;
    }
    let seed = seed()?;
    step(&format!("tests; to repeat their random inputs, set {SEED}={seed}"));
    let tests = if lane == Lane::Full { vec![Vec::new()] } else { lanes.quick_tests() };
    for arguments in tests {
        let mut test = cargo();
        test.args(["test", "--release", "--workspace", "--locked"]).args(arguments).env(SEED, &seed);
        run(&mut test).with_context(|| format!("the tests failed with {SEED}={seed}"))?;
    }
    if lanes.has(lane, "versions")? {
        // Run by themselves: no other program that is tested or shipped may know the version that they invent.
        run(cargo().args(["test", "--release", "--workspace", "--locked", "--features", VERSIONS, "--test", "versions"]))?;
    }
    let alone = || {
        if lanes.has(lane, "documentation")? {
            documentation()?;
        }
        if lanes.has(lane, "reproducible")? { reproducible(&built.components) } else { Ok(()) }
    };
    let with_programs = || {
        if lanes.has(lane, "languages")? {
            languages::check(&built)?;
        }
        if lanes.has(lane, "months")? { onec::check(&built) } else { Ok(None) }
    };
    let ((), not_checked) = side_by_side(alone, with_programs)?;
    if lanes.has(lane, "demo")? {
        step("demo");
        demo::show(&built, true)?;
    }

    step(&format!("all passed, with {SEED}={seed}"));
    if let Some(what) = not_checked {
        step(&format!("NOT checked: {what}"));
    }
    Ok(())
}

/// Returns the given seed, or a fresh one. proptest itself would only warn about an unreadable seed, and choose another.
fn seed() -> Result<String> {
    match std::env::var(SEED) {
        Ok(seed) if seed.parse::<u64>().is_err() => bail!("{SEED} is an integer from 0 to {}, not {seed:?}", u64::MAX),
        Ok(seed) => Ok(seed),
        Err(_) => Ok(RandomState::new().hash_one(SEED).to_string()),
    }
}

/// Makes sure that a part of the toolchain is installed, which a minimal installation lacks.
fn tool(subcommand: &str, component: &str) -> Result<()> {
    let works = || {
        let status = cargo().args([subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if works() {
        return Ok(());
    }
    step(&format!("installing {component}"));
    let added = run(Command::new("rustup").args(["component", "add", component]).current_dir(root()));
    if !works() {
        added.with_context(|| format!("`cargo {subcommand}` does not work: the toolchain needs its component {component}"))?;
        bail!("`cargo {subcommand}` does not work, though its component {component} is installed");
    }
    Ok(())
}

/// Makes sure that the browsers are installed with which the tests inspect the pages.
fn browsers() -> Result<()> {
    install("chromium-headless-shell", "chromium-headless-shell")?;
    install("chromedriver", "chromium-driver")?;
    install("firefox-esr", "firefox-esr")?;
    geckodriver()
}

fn documentation() -> Result<()> {
    step("documentation");
    run(cargo()
        .args(["doc", "--quiet", "--release", "--workspace", "--no-deps", "--locked"])
        .env("RUSTDOCFLAGS", "-D warnings"))
}

/// Builds geckodriver, Firefox's driver, which Debian does not have. A debug build without debug information is as good for a
/// test, and takes a quarter of the time.
fn geckodriver() -> Result<()> {
    let tools = target_dir().join("tools");
    step(&format!("geckodriver {GECKODRIVER}"));
    run(cargo()
        .args(["install", "geckodriver", "--quiet", "--version", GECKODRIVER, "--locked", "--debug", "--root"])
        .arg(tools)
        .env("CARGO_PROFILE_DEV_DEBUG", "false"))
    .context("geckodriver is needed; `cargo install geckodriver` makes it")
}

/// Builds two components again, sharing only the sources with the first build. All are compiled by one command, so that what
/// depends on the folder or the time would be in each; these two have most of the kit between them.
fn reproducible(first: &[PathBuf]) -> Result<()> {
    step(&format!("{} again, in another folder: their bytes must be the same", REBUILT.join(" and ")));
    let again = target_dir().join("guest-again");
    if again.exists() {
        std::fs::remove_dir_all(&again).with_context(|| format!("cannot remove {}", again.display()))?;
    }
    for second in build::components(&REBUILT, &again, &target_dir().join("components-again"))? {
        let built = first.iter().find(|first| first.file_name() == second.file_name());
        let built = built.with_context(|| format!("{} was not built at first", second.display()))?;
        let (first_sum, second_sum) = (sha256(built)?, sha256(&second)?);
        if first_sum != second_sum {
            bail!("{} and {} differ: sha256 {first_sum} and {second_sum}", built.display(), second.display());
        }
        step(&format!("the same: {}, sha256 {first_sum}", built.display()));
    }
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}
