//! Server processes.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A server process. Dropping it kills the process.
pub struct Program {
    child: Child,
    /// The address on which it listens.
    pub address: SocketAddr,
}

/// Why a program did not start to listen.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot be started, or its output cannot be read.
    #[error("cannot start the program: {0}")]
    Io(#[from] std::io::Error),
    /// It exited, or printed something else first and was killed.
    #[error("the program printed {printed:?} instead of its address, and ended: {status}")]
    Ended {
        /// The first line.
        printed: String,
        /// Its exit status.
        status: ExitStatus,
    },
}

impl Program {
    /// Starts a program whose first line of output is `listening on http://ADDRESS`.
    ///
    /// # Errors
    /// [`StartError`], with the exit status if it exited.
    pub fn start(command: &mut Command) -> Result<Program, StartError> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut output =
            BufReader::new(child.stdout.take().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::BrokenPipe))?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on http://").map(|address| address.trim_end_matches('/').parse());
        let Some(Ok(address)) = address else {
            if !line.is_empty() {
                child.kill()?;
            }
            return Err(StartError::Ended { status: child.wait()?, printed: line });
        };
        // A full pipe would block the program.
        std::thread::spawn(move || drop(output.read_to_end(&mut Vec::new())));
        Ok(Program { child, address })
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, such as `HUP`.
    ///
    /// # Panics
    /// If the signal cannot be sent.
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", name]).arg(self.id().to_string()).status();
        assert!(status.unwrap().success(), "{name} is sent");
    }

    /// Kills the process and waits for its end.
    ///
    /// # Panics
    /// If it had already exited.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to exit by itself.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Sends `TERM` and waits for the process to exit.
    ///
    /// # Panics
    /// If the signal cannot be sent.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have exited by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> Result<Program, StartError> {
        Program::start(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn program_ends_when_it_is_dropped() {
        let program = start("echo listening on http://127.0.0.1:8080/; exec sleep 600").unwrap();
        assert_eq!(program.address, ([127, 0, 0, 1], 8080).into());
        let process = std::path::PathBuf::from(format!("/proc/{}", program.id()));
        assert!(process.exists());
        drop(program);
        assert!(!process.exists());
    }

    #[test]
    fn program_that_does_not_listen_is_reported() {
        for (script, first_line, code) in [("exit 3", "", Some(3)), ("echo hello; exec sleep 600", "hello\n", None)] {
            match start(script) {
                Err(StartError::Ended { printed, status }) => {
                    assert_eq!((printed.as_str(), status.code()), (first_line, code));
                }
                other => panic!("{script}: {:?}", other.map(|program| program.address)),
            }
        }
    }
}
