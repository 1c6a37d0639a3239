//! Compiles a component in a child process first, under limits, so that an unforeseen cost ends the child and not the host.
//!
//! The child is a program of the embedder, usually the embedder itself, whose `main` calls [`compile_checked`]. It returns only
//! whether the component compiles, and what that took. The parent compiles again, since loading compiled code from elsewhere
//! would mean trusting it.

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

/// The most bytes of the child's answer, which is a line or the text of an error.
const ANSWER_BYTES_MAX: u64 = 4 << 10;
/// The longest interval at which the parent polls whether the child has ended.
const POLL_MAX: Duration = Duration::from_millis(10);
/// The child's stack for compiling. It is smaller than the parent's, so that an overflow occurs in the child.
const STACK_BYTES: usize = 2 << 20;
/// The word in the child's answer before the usage.
const COMPILED: &str = "compiled";
/// The child's exit codes other than 0: the component does not compile; the compiler panicked.
const REFUSED: u8 = 64;
const PANICKED: u8 = 65;

/// How a component is compiled in a child process before it is compiled in this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileCheck {
    /// The program, whose `main` calls [`compile_checked`].
    pub program: PathBuf,
    /// The arguments that make the program do so.
    pub arguments: Vec<String>,
    /// The limit on the child's address space, in bytes: for the compiler and the program itself.
    pub memory_bytes_max: u64,
    /// The limit on the child's processor time, in whole seconds.
    pub cpu_seconds_max: u64,
    /// The limit on the child's wall-clock time. The child runs at a low priority, so a busy machine makes it slow.
    pub time_max: Duration,
}

impl CompileCheck {
    /// The default: 512 MiB for the compiler, and what a program uses before it compiles.
    pub const MEMORY_BYTES_MAX: u64 = 640 << 20;
    /// The default: about twice what a provider in JavaScript takes with its engine. That is 3.7 s on two processors of 2024,
    /// and up to 5.5 s on a busy machine, so that 5 s would refuse it on some machines.
    pub const CPU_SECONDS_MAX: u64 = 8;
    /// The default. A machine that is busy with callbacks leaves little processor time to the child.
    pub const TIME_MAX: Duration = Duration::from_secs(120);

    /// Creates a check that runs this same program, even if its file was replaced since it started.
    ///
    /// # Errors
    /// If the system cannot tell which program this is.
    pub fn by_this_program(arguments: &[&str]) -> std::io::Result<CompileCheck> {
        let program = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
        Ok(CompileCheck::new(program, arguments))
    }

    /// Creates a check that runs a program, with the default limits.
    pub fn new(program: PathBuf, arguments: &[&str]) -> CompileCheck {
        CompileCheck {
            program,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            memory_bytes_max: CompileCheck::MEMORY_BYTES_MAX,
            cpu_seconds_max: CompileCheck::CPU_SECONDS_MAX,
            time_max: CompileCheck::TIME_MAX,
        }
    }

    /// Compiles a component in the child, and returns what that took.
    ///
    /// # Errors
    /// [`LoadError::Uncompilable`] if it exceeds a limit or crashes the compiler, [`LoadError::Invalid`] if the compiler
    /// refuses it, [`LoadError::CompileCheck`] if the child does not work.
    pub fn run(&self, component: &[u8]) -> Result<CompileUsage, LoadError> {
        let failed = |reason: String| LoadError::CompileCheck { program: self.program.clone(), reason };
        let mut child = self.spawn().map_err(|error| failed(format!("cannot be started: {error}")))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let request = [&self.memory_bytes_max.to_le_bytes()[..], &self.cpu_seconds_max.to_le_bytes(), component].concat();
        // Write and read on separate threads: a child that neither reads nor ends must not block this thread.
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
        // The environment may hold secrets, and the child needs none of it. Each malloc arena reserves address space.
        command.args(&self.arguments).env_clear().env("MALLOC_ARENA_MAX", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
    }

    /// Waits until the child ends. Kills it after `time_max`, and then returns `None`.
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

/// The resources that compiling a component took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompileUsage {
    /// The child's processor time.
    pub cpu: Duration,
    /// The child's peak memory, in bytes; 0 if the system does not report it.
    pub memory_bytes: u64,
}

impl CompileUsage {
    /// Returns what this process has used until now.
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

/// The whole `main` of the child: reads limits and a component from standard input, and compiles the component under them.
pub fn compile_checked() -> ExitCode {
    let (code, answer) = match answer() {
        Ok(usage) => (ExitCode::SUCCESS, usage.line()),
        Err(Refusal::Panicked) => (ExitCode::from(PANICKED), String::new()),
        Err(Refusal::Invalid(reason)) => (ExitCode::from(REFUSED), reason),
        Err(Refusal::Broken(error)) => (ExitCode::FAILURE, error.to_string()),
    };
    // If nobody reads the answer, there is nobody to report the error to.
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

/// Sets limits on this process that it cannot raise again.
fn limit(memory_bytes_max: u64, cpu_seconds_max: u64) -> io::Result<()> {
    engine::lower_priority();
    let set = |resource, soft: u64, hard: u64| setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) });
    // A child that is killed is an expected outcome, so it must not leave a core dump.
    set(Resource::Core, 0, 0)?;
    // The soft limit sends SIGXCPU, which names the cause. The hard limit sends SIGKILL, which does not.
    set(Resource::Cpu, cpu_seconds_max, cpu_seconds_max.saturating_add(1))?;
    set(Resource::As, memory_bytes_max, memory_bytes_max)?;
    Ok(())
}
