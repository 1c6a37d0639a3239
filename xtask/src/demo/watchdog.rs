//! Ends the demonstration's programs with it, also when it is killed.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// Waits until this process has ended, by the pipe that then closes, and terminates the program. A signal to all processes of the
/// terminal must not end the watchdog first.
const SCRIPT: &str = "trap '' HUP INT TERM; cat >/dev/null; kill \"$0\"";

/// A process that terminates a program after this process. It is dropped before the program, so that it never sends a signal to
/// another process with the same id.
pub struct Watchdog(Child);

impl Watchdog {
    /// Watches over the program with this process id.
    pub fn of(program: u32) -> Result<Watchdog> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, &program.to_string()]).stdin(Stdio::piped()).stdout(Stdio::null());
        command.spawn().map(Watchdog).context("cannot start sh, which ends the demo's programs with it")
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // The pipe closes after the shell has been killed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn program() -> Child {
        Command::new("sleep").arg("600").spawn().unwrap()
    }

    #[test]
    fn program_ends_with_this_process() {
        let mut program = program();
        let mut watchdog = Watchdog::of(program.id()).unwrap();
        // The system closes the pipe like this when the process ends.
        drop(watchdog.0.stdin.take());
        assert_eq!(program.wait().unwrap().signal(), Some(15));
        watchdog.0.wait().unwrap();
    }

    #[test]
    fn program_outlives_its_watchdog() {
        let mut program = program();
        drop(Watchdog::of(program.id()).unwrap());
        assert_eq!(program.try_wait().unwrap(), None);
        program.kill().unwrap();
        program.wait().unwrap();
    }
}
