//! Runs other programs, and finds the project's folders.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};

/// Returns the workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Returns the one target directory. Programs and components are below it.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Makes a command of the cargo that runs this.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Returns the argument that keeps cargo from printing each crate that it compiles; `None` if a person watches.
pub fn quiet() -> Option<&'static str> {
    (!std::io::stderr().is_terminal()).then_some("--quiet")
}

/// Runs a program that must succeed, and shows its output.
pub fn run(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {line}"))?;
    if !status.success() {
        bail!("failed ({status}): {line}");
    }
    Ok(())
}

/// Runs a program that must succeed, and returns its standard output, trimmed.
pub fn output(command: &mut Command) -> Result<String> {
    let line = format!("{command:?}");
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {line}"))?;
    if !output.status.success() {
        bail!("failed ({}): {line}", output.status);
    }
    Ok(String::from_utf8(output.stdout).with_context(|| format!("{line} printed no UTF-8"))?.trim().to_owned())
}

/// Makes sure that a program is installed. `package` is the Debian package that has it.
pub fn install(program: &str, package: &str) -> Result<()> {
    let works = || {
        let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !works() {
        apt_install(&[package]).with_context(|| format!("{program} is needed; install it"))?;
    }
    if works() { Ok(()) } else { bail!("{program} does not work, though the package {package} is installed") }
}

/// Installs Debian packages, as root. Calls run one after another, since apt-get refuses to wait.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if !Path::new("/etc/debian_version").is_file() {
        bail!("this is not Debian");
    }
    step(&format!("installing {}", packages.join(", ")));
    run(Command::new("apt-get").args(["update", "-q"]))?;
    run(Command::new("apt-get").args(["install", "-y", "-q", "--no-install-recommends"]).args(packages))
}

/// Prints what happens next, and the time since the start.
pub fn step(text: &str) {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let seconds = BEGAN.elapsed().as_secs();
    eprintln!("── {:02}:{:02} {text}", seconds / 60, seconds % 60);
}

/// Runs two functions in parallel: each mostly keeps one core busy, or waits for the network.
pub fn side_by_side<A: Send, B>(one: impl FnOnce() -> Result<A> + Send, other: impl FnOnce() -> Result<B>) -> Result<(A, B)> {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        let one = one.join().map_err(|_| anyhow!("a thread panicked"))?;
        Ok((one?, other?))
    })
}
