//! What can go wrong, by type.

use std::fmt;
use std::path::PathBuf;

use crate::CONTRACT;
use crate::limits::Limits;
use crate::records::Problem;

/// Why a provider was not loaded or a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The component cannot be loaded; what was loaded before stays as it was.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// The provider answered with what the contract rules out.
    #[error("the provider breaks the contract in {function}: {what}; report it to the provider's author")]
    Contract {
        /// The function, as the contract names it.
        function: &'static str,
        /// The rule that was broken.
        what: String,
    },
    /// The call passed a limit.
    #[error("{function} passed the limit of {limit}; {}", limit.advice())]
    Limit {
        /// The function, as the contract names it.
        function: &'static str,
        /// Which limit, and how high it is.
        limit: Limit,
    },
    /// The provider crashed.
    #[error("the provider crashed in {function}: {reason}; report it to the provider's author")]
    Trap {
        /// The function, as the contract names it.
        function: &'static str,
        /// WebAssembly's name of the trap.
        reason: String,
    },
    /// The provider refuses what it was given, and says why.
    #[error("{}", problems_in_a_line(.0))]
    Provider(Vec<Problem>),
    /// An export is over after an earlier error; nothing more can be added to it.
    #[error("the export ended with an earlier error; throw away what it wrote and begin a new one")]
    ExportEnded,
}

/// Why a component was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is no WebAssembly at all.
    #[error("it is no WebAssembly component; a provider is built by `cargo xtask build` or its language's component tools")]
    NotWasm,
    /// It is a core module.
    #[error("it is a core module and no component; make one of it with `wasm-tools component new`")]
    CoreModule,
    /// It is damaged, or uses what this sandbox does not allow.
    #[error("it is damaged or not supported: {0}; fetch or build it anew")]
    Invalid(String),
    /// It imports something.
    #[error("it imports {}; a provider imports nothing, build it without WASI", .0.join(", "))]
    Imports(Vec<String>),
    /// It exports no version of the contract.
    #[error("it does not export {CONTRACT}; it exports {}", or_nothing(.0))]
    NoContract(Vec<String>),
    /// It exports the contract without a version, or in one that this sandbox does not know.
    #[error("it exports {0}; this sandbox knows {CONTRACT}")]
    UnknownVersion(String),
    /// A function of the contract is missing or has other types.
    #[error("its {function} is not the contract's: {reason}")]
    Shape {
        /// The function, as the contract names it.
        function: &'static str,
        /// What differs.
        reason: String,
    },
    /// Its description breaks the contract's rules.
    #[error("its description breaks the contract: {}", .0.join("; "))]
    Description(Vec<String>),
    /// It needs more than it may have.
    #[error("it needs {needed} bytes of {what}; at most {allowed} are allowed")]
    TooLarge {
        /// `memory` or `component`.
        what: &'static str,
        /// In bytes; for a component, at least so many.
        needed: u64,
        /// In bytes.
        allowed: u64,
    },
    /// The limits cannot be kept by this sandbox.
    #[error("limits of {asked} bytes of memory for a provider are over the sandbox's own {allowed}; raise SandboxConfig's")]
    LimitsOverSandbox {
        /// In bytes.
        asked: usize,
        /// In bytes.
        allowed: usize,
    },
    /// The machine cannot hold the sandbox.
    #[error("the sandbox cannot be set up: {0}; fewer concurrent calls or more address space may help")]
    Engine(String),
}

/// A limit that was passed, and how high it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Fuel, in units.
    Fuel(u64),
    /// Time, in milliseconds.
    TimeMs(u128),
    /// Memory, in bytes.
    MemoryBytes(usize),
    /// The call stack.
    Stack,
    /// Arguments, in bytes.
    InputBytes(usize),
    /// Results, in bytes.
    OutputBytes(usize),
    /// Calls at once.
    ConcurrentCalls(u32),
}

impl Limit {
    fn advice(self) -> &'static str {
        match self {
            Limit::InputBytes(_) => "give it less",
            Limit::ConcurrentCalls(_) => "call again, or raise it for the sandbox",
            _ => "report it to the provider's author, or raise it for this provider",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Fuel(max) => write!(f, "{max} units of fuel"),
            Limit::TimeMs(max) => write!(f, "{max} ms"),
            Limit::MemoryBytes(max) => write!(f, "{max} bytes of memory"),
            Limit::Stack => f.write_str("the call stack"),
            Limit::InputBytes(max) => write!(f, "{max} bytes of arguments"),
            Limit::OutputBytes(max) => write!(f, "{max} bytes of results"),
            Limit::ConcurrentCalls(max) => write!(f, "{max} calls at once"),
        }
    }
}

impl Limits {
    pub(crate) fn check_input(&self, function: &'static str, bytes: usize) -> Result<(), Error> {
        if bytes > self.input_bytes_max {
            return Err(Error::Limit { function, limit: Limit::InputBytes(self.input_bytes_max) });
        }
        Ok(())
    }
}

fn or_nothing(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn problems_in_a_line(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join(" ")
}
