//! A component is compiled in a child process first, under limits, so that what nobody thought of ends there.
//!
//! The child is a program of the embedder's, its own one as a rule, whose `main` calls [`compile_checked`]. It gives nothing back
//! but whether it could: the parent compiles for itself, since loading compiled code from elsewhere would mean to trust it.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::engine;
use crate::error::LoadError;

/// What the child answers is a line or an error's text.
const ANSWER_BYTES_MAX: u64 = 4 << 10;
/// How often the parent looks whether the child has ended.
const POLL_MAX: Duration = Duration::from_millis(10);
/// Less than the stack that the parent compiles on, so that what overflows a stack does so here.
const STACK_BYTES: usize = 2 << 20;
/// The word before what a compile used.
const COMPILED: &str = "compiled";
/// The child's exit codes, beside 0: it is no component that compiles; the compiler panicked.
const REFUSED: u8 = 64;
const PANICKED: u8 = 65;

/// How a component is tried in a child process before it is compiled in this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileCheck {
    /// The program, whose `main` calls [`compile_checked`].
    pub program: PathBuf,
    /// What tells the program to do so.
    pub arguments: Vec<String>,
    /// The child's address space, in bytes: what the compiler uses, and the program itself.
    pub memory_bytes_max: u64,
    /// The child's processor time, in whole seconds.
    pub cpu_seconds_max: u64,
    /// How long the child may take by the clock. It runs at a low priority, so a busy machine makes it slow.
    pub time_max: Duration,
}

impl CompileCheck {
    /// 512 MiB for the compiler, and what a program takes before it compiles.
    pub const MEMORY_BYTES_MAX: u64 = 640 << 20;
    /// About twice what a provider in JavaScript takes, engine and all: 3.7 s on two processors of 2024, up to 5.5 where others are at
    /// work, so that 5 s would refuse it on some machines.
    pub const CPU_SECONDS_MAX: u64 = 8;
    /// A machine that is busy with callbacks leaves little to the child.
    pub const TIME_MAX: Duration = Duration::from_secs(120);

    /// A check by this very program, even where its file was replaced since it started.
    ///
    /// # Errors
    /// Where the system cannot tell which program this is.
    pub fn by_this_program(arguments: &[&str]) -> std::io::Result<CompileCheck> {
        let program = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
        Ok(CompileCheck::new(program, arguments))
    }

    /// A check by a program, with the limits above.
    pub fn new(program: PathBuf, arguments: &[&str]) -> CompileCheck {
        CompileCheck {
            program,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            memory_bytes_max: CompileCheck::MEMORY_BYTES_MAX,
            cpu_seconds_max: CompileCheck::CPU_SECONDS_MAX,
            time_max: CompileCheck::TIME_MAX,
        }
    }

    /// Compiles a component in the child, and gives what that took.
    ///
    /// # Errors
    /// [`LoadError::Uncompilable`] where it exceeds a limit or crashes the compiler, [`LoadError::Invalid`] where the compiler
    /// refuses it, [`LoadError::CompileCheck`] where the child does not do its work.
    pub fn run(&self, component: &[u8]) -> Result<CompileUsage, LoadError> {
        let failed = |reason: String| LoadError::CompileCheck { program: self.program.clone(), reason };
        let mut child = self.spawn().map_err(|error| failed(format!("cannot be started: {error}")))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let request = [&self.memory_bytes_max.to_le_bytes()[..], &self.cpu_seconds_max.to_le_bytes(), component].concat();
        // Both in threads of their own: a child that neither reads nor ends must not hold this one.
        thread::scope(|scope| {
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(&request)));
            let answer = scope.spawn(move || {
                let mut answer = Vec::new();
                stdout.map(|stdout| stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut answer));
                answer
            });
            let status = self.wait(&mut child);
            let answer = answer.join().unwrap_or_default();
            let status = status.map_err(|error| failed(format!("cannot be waited for: {error}")))?;
            self.judge(status, &String::from_utf8_lossy(&answer))
        })
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        // The environment may hold secrets, and nothing of it is of use; each arena reserves address space.
        command.args(&self.arguments).env_clear().env("MALLOC_ARENA_MAX", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
    }

    /// Waits until the child ends, or ends it; `None` says that its time was over.
    fn wait(&self, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if began.elapsed() > self.time_max {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(POLL_MAX);
        }
    }

    fn judge(&self, status: Option<ExitStatus>, answer: &str) -> Result<CompileUsage, LoadError> {
        let uncompilable = |reason: String| Err(LoadError::Uncompilable(reason));
        let Some(status) = status else {
            return uncompilable(format!("it took more than {} s", self.time_max.as_secs()));
        };
        match (status.code(), status.signal()) {
            (Some(0), _) if let Some(usage) = CompileUsage::parse(answer) => Ok(usage),
            (Some(code), _) if code == i32::from(REFUSED) => Err(LoadError::Invalid(answer.to_owned())),
            (Some(code), _) if code == i32::from(PANICKED) => uncompilable("it crashes the compiler".to_owned()),
            (_, Some(signal)) if signal == Signal::XCPU.as_raw() => {
                uncompilable(format!("it took more than {} s of processor time", self.cpu_seconds_max))
            }
            (_, Some(signal)) => uncompilable(format!(
                "it took more than {} MiB of memory or crashed the compiler (signal {signal})",
                self.memory_bytes_max >> 20
            )),
            _ => Err(LoadError::CompileCheck {
                program: self.program.clone(),
                reason: format!("answered what no check of a compile does ({status})"),
            }),
        }
    }
}

/// What compiling a component took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompileUsage {
    /// The child's processor time.
    pub cpu: Duration,
    /// The child's memory at its highest, in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
}

impl CompileUsage {
    /// Of this process until now.
    fn now() -> CompileUsage {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = Duration::try_from(cpu).unwrap_or_default();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        CompileUsage { cpu, memory_bytes: peak.unwrap_or_default() << 10 }
    }

    fn line(self) -> String {
        format!("{COMPILED} {} {}", self.cpu.as_micros(), self.memory_bytes)
    }

    fn parse(line: &str) -> Option<CompileUsage> {
        let (cpu, memory_bytes) = line.strip_prefix(COMPILED)?.trim().split_once(' ')?;
        Some(CompileUsage { cpu: Duration::from_micros(cpu.parse().ok()?), memory_bytes: memory_bytes.parse().ok()? })
    }
}

/// The whole `main` of the child: compiles the component on standard input under the limits that stand before it.
pub fn compile_checked() -> ExitCode {
    let (code, answer) = match answer() {
        Ok(usage) => (ExitCode::SUCCESS, usage.line()),
        Err(Refusal::Panicked) => (ExitCode::from(PANICKED), String::new()),
        Err(Refusal::Invalid(reason)) => (ExitCode::from(REFUSED), reason),
        Err(Refusal::Broken(error)) => (ExitCode::FAILURE, error.to_string()),
    };
    // Where nobody hears it, there is nobody to tell.
    let _ = io::stdout().write_all(answer.as_bytes());
    code
}

enum Refusal {
    Invalid(String),
    Panicked,
    Broken(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Broken(error)
    }
}

fn answer() -> Result<CompileUsage, Refusal> {
    let mut stdin = io::stdin().lock();
    let mut number = || {
        let mut bytes = [0; 8];
        stdin.read_exact(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    };
    let (memory_bytes_max, cpu_seconds_max) = (number()?, number()?);
    let mut component = Vec::new();
    stdin.read_to_end(&mut component)?;
    limit(memory_bytes_max, cpu_seconds_max)?;
    let compiling = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || engine::compile_unpooled(&component))?;
    match compiling.join() {
        Ok(Ok(())) => Ok(CompileUsage::now()),
        Ok(Err(error)) => Err(Refusal::Invalid(format!("{error:#}"))),
        Err(_) => Err(Refusal::Panicked),
    }
}

/// Puts this process under limits that it cannot raise again.
fn limit(memory_bytes_max: u64, cpu_seconds_max: u64) -> io::Result<()> {
    engine::lower_priority();
    let set = |resource, soft: u64, hard: u64| setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) });
    // What ends here is expected to, and leaves nothing behind.
    set(Resource::Core, 0, 0)?;
    // At the second one the signal is one that says nothing.
    set(Resource::Cpu, cpu_seconds_max, cpu_seconds_max.saturating_add(1))?;
    set(Resource::As, memory_bytes_max, memory_bytes_max)?;
    Ok(())
}
