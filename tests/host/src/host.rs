//! The program as a process: started on a folder, killed or stopped, and started again on the same folder.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use end_to_end::{PRODUCT, SECRET, component_path, component_path_of};
use support::{Program, StartError};
use tempfile::TempDir;

use crate::Api;

/// The provider name of ChronoPay at the host.
pub const PROVIDER: &str = "chronopay";
/// Names a program to test instead of the one built here.
const PROGRAM_VARIABLE: &str = "HOST_HARNESS";

/// A host's data, settings and log. The folder lives as long as this value, whichever hosts run on it.
pub struct Folder {
    folder: TempDir,
}

impl Default for Folder {
    fn default() -> Folder {
        Folder::within(&std::env::temp_dir())
    }
}

impl Folder {
    /// Creates a folder without a ledger inside another folder.
    pub fn within(parent: &Path) -> Folder {
        std::fs::create_dir_all(parent).unwrap();
        let folder = Folder { folder: TempDir::new_in(parent).unwrap() };
        let settings = format!("product-id = \"{PRODUCT}\"\nshared-sec = \"{SECRET}\"\ncurrency = \"RUB\"\n");
        std::fs::write(folder.settings(), settings).unwrap();
        std::fs::create_dir(folder.data()).unwrap();
        folder
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the host's `--data`.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Returns the path of the ledger's database.
    pub fn database(&self) -> PathBuf {
        self.data().join("ledger.db")
    }

    /// Returns the path of the provider's settings.
    pub fn settings(&self) -> PathBuf {
        self.path().join("settings.toml")
    }

    /// Returns what all hosts on this folder have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("host.log")).unwrap_or_default()
    }

    /// Returns the command that serves this folder.
    pub fn command(&self) -> Command {
        self.command_of(&program(), &component_path(), "")
    }

    /// Returns the command that serves this folder with another program and component. `first` is shell code to run before it.
    pub fn command_of(&self, program: &Path, component: &Path, first: &str) -> Command {
        let named = |path: &Path| format!("{PROVIDER}={}", path.display());
        // Ignores SIGXFSZ, so that a write beyond the file size limit fails instead of killing the process.
        let mut command = Command::new("sh");
        command.args(["-c", &format!("trap '' XFSZ; {first} exec \"$@\""), "sh"]).arg(program);
        command.arg("serve").arg("--data").arg(self.data()).args(["--listen", "127.0.0.1:0"]);
        // No rate limit, since all callbacks come from one address.
        command.args(["--public-url", "https://billing.example.ru", "--callback-rate", "0"]);
        command.arg("--component").arg(named(component)).arg("--settings").arg(named(&self.settings()));
        command
    }

    /// Returns the command that serves this folder with a provider that calls a payment system on this machine. Its settings are
    /// written into the folder.
    pub fn command_calling(&self, provider: &str, settings: &str) -> Command {
        std::fs::write(self.settings(), settings).unwrap();
        let mut command = Command::new(program());
        command.arg("serve").arg("--data").arg(self.data()).args(["--listen", "127.0.0.1:0", "--callback-rate", "0"]);
        command.args(["--public-url", "https://billing.example.ru", "--call-loopback"]);
        command.arg("--component").arg(format!("{provider}={}", component_path_of(provider).display()));
        command.arg("--settings").arg(format!("{provider}={}", self.settings().display()));
        command
    }

    /// Starts a host with such a provider. The test fails if it does not start.
    pub fn start_calling(&self, provider: &str, settings: &str) -> Host {
        let started = self.try_start(self.command_calling(provider, settings));
        started.unwrap_or_else(|status| panic!("it ended: {status}\n{}", self.log()))
    }

    /// Starts a host on the folder. The test fails if it does not start.
    pub fn start(&self) -> Host {
        self.try_start(self.command()).unwrap_or_else(|status| panic!("it ended: {status}\n{}", self.log()))
    }

    /// Starts a host on the folder. Returns its exit status if it does not start.
    pub fn try_start(&self, mut command: Command) -> Result<Host, ExitStatus> {
        let log = OpenOptions::new().create(true).append(true).open(self.path().join("host.log")).unwrap();
        let program = match Program::start(command.stdin(Stdio::null()).stderr(log)) {
            Ok(program) => program,
            Err(StartError::Ended { status, .. }) => return Err(status),
            Err(error) => panic!("{error}"),
        };
        let token = std::fs::read_to_string(self.data().join("token")).unwrap();
        let address = program.address;
        Ok(Host { program, address, api: Api::new(address, &token) })
    }
}

/// A running host. Dropping it kills the process.
pub struct Host {
    program: Program,
    /// The address on which it listens.
    pub address: SocketAddr,
    /// Billing's client of it.
    pub api: Api,
}

impl Host {
    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// Kills it at once, as a power failure does to a process. Data that the system has accepted for the disk is kept.
    pub fn kill(self) {
        self.program.kill();
    }

    /// Asks it to stop, and waits until it has exited.
    pub fn stop(self) -> ExitStatus {
        self.program.stop()
    }

    /// Signals that the catalog's lock file was changed.
    pub fn hang_up(&self) {
        self.program.signal("HUP");
    }

    /// Limits the size of its files, as a full disk does. `None` removes the limit.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        succeed(Command::new("prlimit").arg("--pid").arg(self.id().to_string()).arg(format!("--fsize={soft}:")));
    }

    /// Resets its `VmHWM` to the current usage (proc(5), `clear_refs`).
    pub fn forget_memory_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5").unwrap();
    }

    /// Returns a value of `/proc/PID/status` in kilobytes, such as `VmRSS`.
    pub fn memory_kilobytes(&self, name: &str) -> u64 {
        let status = File::open(format!("/proc/{}/status", self.id())).unwrap();
        let lines = BufReader::new(status).lines().map(Result::unwrap);
        let value = lines.into_iter().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()));
        value.and_then(|value| value.strip_suffix(" kB")?.trim().parse().ok()).unwrap()
    }
}

/// Runs a command that must succeed.
pub fn succeed(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// Returns `target/release/host-harness`, as built by `cargo xtask build`, or the program that HOST_HARNESS names.
pub fn program() -> PathBuf {
    if let Some(program) = std::env::var_os(PROGRAM_VARIABLE) {
        return program.into();
    }
    let program = target_dir().join("release/host-harness");
    assert!(program.is_file(), "{} is not there; make it with `cargo xtask build`", program.display());
    program
}

/// Returns the workspace's target directory, which is on a disk.
pub fn target_dir() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()))
}
