//! Fuzzing with cargo-fuzz, on the nightly toolchain.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::build;
use crate::run::{cargo, output, root, run, step, target_dir};

/// Pinned, because the compiler flags that it adds are part of what is fuzzed.
const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// How long one input may take, in seconds, before it counts as a hang: hundreds of times the compile time of a component.
const TIMEOUT_SECONDS: u32 = 60;

/// How many lines of a failed target's log are shown.
const LOG_LINES_SHOWN: usize = 30;

/// The entry points of the end-to-end tests. Each has good inputs to start from.
const TARGETS: [&str; 19] = [
    "form",
    "money",
    "settings",
    "callback",
    "signed_callback",
    "link",
    "register",
    "enterprise_data",
    "exported_file",
    "register_rows",
    "component",
    "host_records",
    "component_callback",
    "robokassa_callback",
    "robokassa_link",
    "cloudpayments_callback",
    "yookassa_callback",
    "tbank_callback",
    "osmp_callback",
];

/// Fuzzes one target or all, each for `seconds`, and shows what they reached.
///
/// # Errors
/// If an input made a target crash, hang or use too much memory. Every target still had its full time.
pub fn fuzz(seconds: u32, target: Option<&str>) -> Result<()> {
    let targets: Vec<_> = TARGETS.into_iter().filter(|name| target.is_none_or(|target| target == *name)).collect();
    if targets.is_empty() {
        bail!("there is no such target; the targets are {}", TARGETS.join(", "));
    }
    nightly()?;
    let cargo_fuzz = cargo_fuzz()?;
    // Some targets load a component.
    build::components(&build::providers(build::Scope::Tests), &target_dir().join("guest"), &target_dir().join("components"))?;
    step("building the fuzz targets (wasmtime takes some minutes the first time)");
    run(command(&cargo_fuzz, "build").args(target))?;

    let mut runs = Vec::new();
    for name in targets {
        step(&format!("fuzzing {name} for {seconds} s"));
        runs.push(fuzz_one(&cargo_fuzz, name, seconds)?);
    }
    println!("{:<20} {:>12} {:>10} {:>8} {:>8}  outcome", "target", "executions", "per second", "edges", "rss MB");
    for Run { name, executions, per_second, edges, rss_mb, outcome, .. } in &runs {
        println!("{name:<20} {executions:>12} {per_second:>10} {edges:>8} {rss_mb:>8}  {outcome}");
    }
    let crashed: Vec<_> = runs.iter().filter(|run| run.failed).map(|run| format!("{}: {}", run.name, run.outcome)).collect();
    if !crashed.is_empty() {
        bail!("fuzzing found something:\n{}", crashed.join("\n"));
    }
    Ok(())
}

/// The result of one target, with the figures as libFuzzer prints them.
struct Run {
    name: &'static str,
    executions: String,
    per_second: String,
    edges: String,
    rss_mb: String,
    failed: bool,
    outcome: String,
}

fn nightly() -> Result<()> {
    const ADVICE: &str = "fuzzing needs the nightly toolchain: rustup toolchain install nightly --profile minimal";
    let toolchains = output(Command::new("rustup").args(["toolchain", "list"])).context(ADVICE)?;
    if !toolchains.lines().any(|toolchain| toolchain.starts_with("nightly")) {
        bail!("{ADVICE}");
    }
    Ok(())
}

/// Returns the path of cargo-fuzz, after installing it below the target directory if it is missing.
fn cargo_fuzz() -> Result<PathBuf> {
    let tools = target_dir().join("tools");
    let program = tools.join("bin/cargo-fuzz");
    let version = Command::new(&program).arg("--version").output();
    let installed = version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(CARGO_FUZZ_VERSION));
    if !installed {
        step(&format!("installing cargo-fuzz {CARGO_FUZZ_VERSION} into {}", tools.display()));
        run(cargo()
            .args(["install", "cargo-fuzz", "--quiet", "--locked", "--force", "--version", CARGO_FUZZ_VERSION, "--root"])
            .arg(&tools))?;
    }
    Ok(program)
}

fn command(cargo_fuzz: &Path, subcommand: &str) -> Command {
    let mut command = Command::new("rustup");
    // The cargo of another toolchain started this program. What nightly starts must not find that cargo.
    command.current_dir(root()).env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command.args(["run", "nightly"]).arg(cargo_fuzz).args(["fuzz", subcommand, "--fuzz-dir", "tests/fuzz"]);
    // No sanitizer: the project's own code has no unsafe block that an input reaches, and address sanitizing slows down
    // wasmtime's build and every instance. `--release` leaves debug assertions to the manifest, which enables them for the
    // project's crates alone. `--no-cfg-fuzzing`: what is fuzzed is what is shipped, so no crate may detect fuzzing.
    command.args(["--sanitizer", "none", "--release", "--no-cfg-fuzzing"]);
    command
}

fn fuzz_one(cargo_fuzz: &Path, name: &'static str, seconds: u32) -> Result<Run> {
    let logs = target_dir().join("fuzz");
    std::fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
    let path = logs.join(format!("{name}.log"));
    let mut log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut command = command(cargo_fuzz, "run");
    command.arg(name).arg("--").args([
        format!("-max_total_time={seconds}"),
        format!("-timeout={TIMEOUT_SECONDS}"),
        "-print_final_stats=1".to_owned(),
    ]);
    let mut child = command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot start {command:?}"))?;
    let stderr = BufReader::new(child.stderr.take().context("cargo-fuzz has no standard error")?);
    let mut lines = Vec::new();
    for line in stderr.split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(log, "{line}")?;
        lines.push(line);
    }
    let status = child.wait()?;
    if !status.success() {
        lines.iter().skip(lines.len().saturating_sub(LOG_LINES_SHOWN)).for_each(|line| eprintln!("{line}"));
    }
    Ok(summary(name, status, &lines, &path))
}

fn summary(name: &'static str, status: ExitStatus, lines: &[String], log: &Path) -> Run {
    let after = |mark: &str| {
        let last = lines.iter().rev().find_map(|line| line.split_once(mark).map(|(_, rest)| rest.split_whitespace().next()));
        last.flatten().unwrap_or("-").to_owned()
    };
    let outcome = match after("Test unit written to ") {
        _ if status.success() => "ok".to_owned(),
        artifact if artifact == "-" => format!("failed ({status}), see {}", log.display()),
        artifact => format!("crashed by {artifact}"),
    };
    Run {
        name,
        executions: after("stat::number_of_executed_units:"),
        per_second: after("stat::average_exec_per_sec:"),
        edges: after(" cov:"),
        rss_mb: after("stat::peak_rss_mb:"),
        failed: !status.success(),
        outcome,
    }
}
