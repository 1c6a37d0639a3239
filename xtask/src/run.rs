//! Other programs, and where the project lies.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The one target directory; programs and components are below it.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The cargo that runs this.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// What keeps cargo from telling of each crate that it compiles: nothing where a person looks on.
pub fn quiet() -> Option<&'static str> {
    (!std::io::stderr().is_terminal()).then_some("--quiet")
}

/// Runs a program that must succeed; what it prints is seen.
pub fn run(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {line}"))?;
    if !status.success() {
        bail!("failed ({status}): {line}");
    }
    Ok(())
}

/// What a program that must succeed prints on its standard output, trimmed.
pub fn output(command: &mut Command) -> Result<String> {
    let line = format!("{command:?}");
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {line}"))?;
    if !output.status.success() {
        bail!("failed ({}): {line}", output.status);
    }
    Ok(String::from_utf8(output.stdout).with_context(|| format!("{line} printed no UTF-8"))?.trim().to_owned())
}

/// Makes sure of a program that a package of Debian's has.
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

/// Installs packages of Debian's, as root; one call after the other, since apt-get refuses to wait.
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

/// Tells what happens next, and how long it took to come there.
pub fn step(text: &str) {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let seconds = BEGAN.elapsed().as_secs();
    eprintln!("── {:02}:{:02} {text}", seconds / 60, seconds % 60);
}

/// Does two things side by side: each of them mostly keeps one core busy, or waits for the network.
pub fn side_by_side<A: Send, B>(one: impl FnOnce() -> Result<A> + Send, other: impl FnOnce() -> Result<B>) -> Result<(A, B)> {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        let one = one.join().map_err(|_| anyhow!("a thread panicked"))?;
        Ok((one?, other?))
    })
}
