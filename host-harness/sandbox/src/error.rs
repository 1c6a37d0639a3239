//! Errors, by type.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use domain::Problem;

use crate::resource::{Resource, TOGETHER_PERCENT_MAX};

/// The advice for a component that takes too much to compile.
const SMALLER: &str = "build it optimized and without what it does not use, or report it to the provider's author";
/// How many names of a component an error shows, and how many characters of each.
const NAMES_SHOWN_MAX: usize = 8;
const NAME_CHARS_SHOWN_MAX: usize = 100;

/// Why a provider was not loaded, or why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The component cannot be loaded. Components that are already loaded are not affected.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// The provider's answer breaks the contract.
    #[error("the provider breaks the contract in {function}: {}; report it to the provider's author", broken_rules(.what))]
    Contract {
        /// The function's name in the contract.
        function: &'static str,
        /// The broken rule.
        what: String,
    },
    /// The call exceeded a limit.
    #[error("{function} exceeded the limit of {limit}; {}", limit.advice())]
    Limit {
        /// The function's name in the contract.
        function: &'static str,
        /// Which limit, and how high it is.
        limit: Limit,
    },
    /// The provider crashed.
    #[error("the provider crashed in {function}: {reason}; report it to the provider's author")]
    Trap {
        /// The function's name in the contract.
        function: &'static str,
        /// WebAssembly's name of the trap.
        reason: String,
    },
    /// The provider refused its arguments, for these reasons.
    #[error("{}", problems_in_a_line(.0))]
    Provider(Vec<Problem>),
    /// The engine failed for a reason that has nothing to do with the provider.
    #[error("the engine failed in {function}: {reason}; report it with the component to this program's authors")]
    Engine {
        /// The function's name in the contract.
        function: &'static str,
        /// The engine's message.
        reason: String,
    },
    /// The provider does not have the ability that was asked for.
    #[error("the provider has no {function}; use a component with this ability")]
    NoAbility {
        /// The function's name in the contract.
        function: &'static str,
    },
    /// The report ended with an earlier error, or is finished. Nothing more can be read.
    #[error("the report ended with an earlier error; begin to read its file again")]
    ReportClosed,
    /// The export ended with an earlier error, or is finished. Nothing more can be added to it.
    #[error("the export ended with an earlier error; throw away what it wrote and begin a new one")]
    ExportClosed,
}

/// Why a component was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is not WebAssembly at all.
    #[error("not a WebAssembly component; build the provider with its language's component tools")]
    NotWasm,
    /// It is a core module.
    #[error("it is a core module and no component; make one of it with `host-harness component`")]
    CoreModule,
    /// Compiling it would take too much of one resource.
    #[error("compiling it would take too long: it has {needed} {resource}, and at most {allowed} are allowed; {SMALLER}")]
    TooCostly {
        /// The resource.
        resource: Resource,
        /// How much it has, at least: counting stops at the limit.
        needed: u64,
        /// How much it may have.
        allowed: u64,
    },
    /// Compiling it would take too much of several resources together.
    #[error("compiling it would take too long: it has {}, more than {TOGETHER_PERCENT_MAX} % together; {SMALLER}", shares(.0))]
    TooCostlyTogether(Vec<(Resource, u64)>),
    /// Compiling it in a child process exceeded the limits of [`CompileCheck`](crate::CompileCheck) or crashed the compiler.
    #[error("it cannot be compiled: {0}; {SMALLER}")]
    Uncompilable(String),
    /// The child process that compiles first does not work. The host must be repaired, not the component.
    #[error("a component is compiled in a child process first, and {} {reason}; see to the host's installation", program.display())]
    CompileCheck {
        /// The program of the child.
        program: PathBuf,
        /// Why it does not work.
        reason: String,
    },
    /// It is damaged, or uses a feature that this sandbox does not allow.
    #[error("it is damaged or not supported: {0}; fetch or build it anew")]
    Invalid(String),
    /// It imports something.
    #[error("it imports {}; a provider imports nothing, build it without WASI", first(.0, ", "))]
    Imports(Vec<String>),
    /// It does not export the contract.
    #[error("it does not export {known}; it exports {}", or_nothing(.exported))]
    NoContract {
        /// Its exports.
        exported: Vec<String>,
        /// The contract, in the versions that this sandbox knows.
        known: String,
    },
    /// It exports the contract without a version, or in a version that this sandbox does not know.
    #[error("it exports {}; this sandbox knows {known}", shortened(.exported))]
    UnknownVersion {
        /// The contract's name, as the component exports it.
        exported: String,
        /// The contract, in the versions that this sandbox knows.
        known: String,
    },
    /// A function of the contract is missing or has other types.
    #[error(
        "its {function} is not the contract's: {reason}; it was built for an earlier draft of the contract or for another one: rebuild it \
         with this version's wit/"
    )]
    SignatureMismatch {
        /// The function's name in the contract.
        function: &'static str,
        /// What differs.
        reason: String,
    },
    /// Its description breaks the contract's rules.
    #[error("its description breaks the contract: {}", first(.0, "; "))]
    Description(Vec<String>),
    /// It needs more bytes than allowed.
    #[error("the {what} has at least {needed} bytes, more than the limit of {allowed}")]
    TooLarge {
        /// `memory` or `component`.
        what: &'static str,
        /// In bytes. For `component`, at least this many.
        needed: u64,
        /// In bytes.
        allowed: u64,
    },
    /// The provider's limits exceed those of the sandbox:
    /// [`SandboxConfig::memory_bytes_max`](crate::SandboxConfig::memory_bytes_max).
    #[error("a limit of {asked} bytes of memory is more than this program allows, {allowed}; give a lower limit")]
    LimitsOverSandbox {
        /// In bytes.
        asked: usize,
        /// In bytes.
        allowed: usize,
    },
    /// The sandbox cannot be set up on this machine.
    #[error("the sandbox cannot be set up: {0}")]
    Engine(String),
    /// The process has too little address space for the sandbox. Fewer concurrent calls need less.
    #[error(
        "the sandbox cannot reserve its address space, about {} GiB for {calls} concurrent calls; raise the limit of address space (`ulimit \
         -v`, systemd's LimitAS), or let the system overcommit memory (`vm.overcommit_memory`)",
        reserved_bytes >> 30
    )]
    AddressSpace {
        /// About how much address space it reserves, in bytes. This uses no memory.
        reserved_bytes: u64,
        /// [`SandboxConfig::concurrent_calls_max`](crate::SandboxConfig::concurrent_calls_max).
        calls: u32,
    },
}

/// An exceeded limit, and its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
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
    /// What a call is told beside its arguments is too large, in bytes.
    ContextBytes(usize),
    /// Results, in bytes.
    OutputBytes(usize),
    /// Concurrent calls.
    ConcurrentCalls(u32),
}

impl Limit {
    fn advice(self) -> &'static str {
        match self {
            Limit::InputBytes(_) => "give it less",
            Limit::ContextBytes(_) => "have it ask for less",
            Limit::ConcurrentCalls(_) => "call again, or raise it for the sandbox",
            // An operator has no setting to raise either of them.
            Limit::Stack | Limit::OutputBytes(_) => "report it to the provider's author",
            Limit::Fuel(_) | Limit::TimeMs(_) | Limit::MemoryBytes(_) => {
                "report it to the provider's author, or raise it for this provider"
            }
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
            Limit::ContextBytes(max) => write!(f, "{max} bytes of answers"),
            Limit::OutputBytes(max) => write!(f, "{max} bytes of results"),
            Limit::ConcurrentCalls(max) => write!(f, "{max} concurrent calls"),
        }
    }
}

fn or_nothing(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { first(names, ", ") }
}

/// Joins the first of a component's texts, because there may be any number of them, of any length.
fn first(texts: &[String], separator: &str) -> String {
    let shown = texts.iter().take(NAMES_SHOWN_MAX).map(|text| shortened(text)).collect::<Vec<_>>().join(separator);
    match texts.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => shown,
        more => format!("{shown}{separator}and {more} more"),
    }
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(NAME_CHARS_SHOWN_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

fn shares(shares: &[(Resource, u64)]) -> String {
    let share = |(resource, percent): &(Resource, u64)| format!("{percent} % of the {resource} that are allowed");
    shares.iter().map(share).collect::<Vec<_>>().join(", ")
}

/// Shortens the text of a broken rule, which may quote a component's text of any length.
fn broken_rules(what: &str) -> Cow<'_, str> {
    match what.char_indices().nth(NAMES_SHOWN_MAX * NAME_CHARS_SHOWN_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", what.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(what),
    }
}

fn problems_in_a_line(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_the_first_of_many_and_the_begin_of_the_long() {
        let imports: Vec<String> = (0..3_000).map(|at| format!("wasi:io/poll@{at}")).collect();
        let said = LoadError::Imports(imports).to_string();
        assert!(said.contains("wasi:io/poll@0, ") && said.contains("and 2992 more") && said.len() < 1_000, "{said}");
        let said = LoadError::Imports(vec!["x".repeat(20_000)]).to_string();
        assert!(said.contains('…') && said.len() < 1_000, "{}", said.len());
    }

    /// No message advises to raise a limit that cannot be raised.
    #[test]
    fn advice_is_what_can_be_done() {
        for (limit, can_be_raised) in [
            (Limit::Fuel(1), true),
            (Limit::TimeMs(1), true),
            (Limit::MemoryBytes(1), true),
            (Limit::Stack, false),
            (Limit::OutputBytes(1), false),
            (Limit::InputBytes(1), false),
        ] {
            assert_eq!(limit.advice().contains("raise it"), can_be_raised, "{limit}");
        }
    }
}
