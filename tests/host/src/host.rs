//! The program as a process: started on a folder, killed or asked to end, started on the same folder again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use end_to_end::{PRODUCT, SECRET, component_path};
use support::{Program, StartError};
use tempfile::TempDir;

use crate::Api;

/// The name that ChronoPay has at the host.
pub const PROVIDER: &str = "chronopay";
/// Names another program than the one that is built here.
const PROGRAM_VARIABLE: &str = "HOST_HARNESS";

/// What a host keeps: its data, its settings and what it logs. It is there as long as the value, whatever host runs on it.
pub struct Folder {
    folder: TempDir,
}

impl Default for Folder {
    fn default() -> Folder {
        Folder::within(&std::env::temp_dir())
    }
}

impl Folder {
    /// A folder without a ledger, in another one.
    pub fn within(parent: &Path) -> Folder {
        std::fs::create_dir_all(parent).unwrap();
        let folder = Folder { folder: TempDir::new_in(parent).unwrap() };
        let settings = format!("product-id = \"{PRODUCT}\"\nshared-sec = \"{SECRET}\"\ncurrency = \"RUB\"\n");
        std::fs::write(folder.settings(), settings).unwrap();
        std::fs::create_dir(folder.data()).unwrap();
        folder
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The host's `--data`.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The ledger's database.
    pub fn database(&self) -> PathBuf {
        self.data().join("ledger.db")
    }

    /// The provider's settings.
    pub fn settings(&self) -> PathBuf {
        self.path().join("settings.toml")
    }

    /// What all the hosts of this folder logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("host.log")).unwrap_or_default()
    }

    /// The command that serves this folder.
    pub fn command(&self) -> Command {
        self.command_of(&program(), &component_path(), "")
    }

    /// The command that serves this folder by some program and component, after what a shell does first.
    pub fn command_of(&self, program: &Path, component: &Path, first: &str) -> Command {
        let named = |path: &Path| format!("{PROVIDER}={}", path.display());
        // A process that ignores the signal: a write beyond the limit of a file's size is an error then, and no death.
        let mut command = Command::new("sh");
        command.args(["-c", &format!("trap '' XFSZ; {first} exec \"$@\""), "sh"]).arg(program);
        command.arg("serve").arg("--data").arg(self.data()).args(["--listen", "127.0.0.1:0"]);
        // One address tells all.
        command.args(["--public-url", "https://billing.example.ru", "--callback-rate", "0"]);
        command.arg("--component").arg(named(component)).arg("--settings").arg(named(&self.settings()));
        command
    }

    /// Starts a host on it, which must come up.
    pub fn start(&self) -> Host {
        self.try_start(self.command()).unwrap_or_else(|status| panic!("it ended: {status}\n{}", self.log()))
    }

    /// Starts a host on it; gives how it ended where it did not come up.
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

/// A host that runs. It is killed where it is dropped.
pub struct Host {
    program: Program,
    /// Where it listens.
    pub address: SocketAddr,
    /// Billing's side of it.
    pub api: Api,
}

impl Host {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// Kills it at once, as a loss of power does to a process; what the system has taken for the disk stays.
    pub fn kill(self) {
        self.program.kill();
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(self) -> ExitStatus {
        self.program.stop()
    }

    /// Signals that the catalog's lock was changed.
    pub fn hang_up(&self) {
        self.program.signal("HUP");
    }

    /// Lets no file of it grow beyond some bytes, as a disk that is full does; none lifts it.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        succeed(Command::new("prlimit").arg("--pid").arg(self.id().to_string()).arg(format!("--fsize={soft}:")));
    }

    /// Makes its `VmHWM` what it uses now (proc(5), `clear_refs`).
    pub fn forget_memory_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5").unwrap();
    }

    /// A value in kilobytes of `/proc/PID/status`, such as `VmRSS`.
    pub fn memory_kilobytes(&self, name: &str) -> u64 {
        let status = File::open(format!("/proc/{}/status", self.id())).unwrap();
        let lines = BufReader::new(status).lines().map(Result::unwrap);
        let value = lines.into_iter().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()));
        value.and_then(|value| value.strip_suffix(" kB")?.trim().parse().ok()).unwrap()
    }
}

/// Runs what must succeed.
pub fn succeed(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// `target/release/host-harness`, as `cargo xtask build` leaves it, or the program that HOST_HARNESS names.
pub fn program() -> PathBuf {
    if let Some(program) = std::env::var_os(PROGRAM_VARIABLE) {
        return program.into();
    }
    let program = target_dir().join("release/host-harness");
    assert!(program.is_file(), "{} is not there; make it with `cargo xtask build`", program.display());
    program
}

/// The workspace's target directory, which lies on a disk.
pub fn target_dir() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()))
}
