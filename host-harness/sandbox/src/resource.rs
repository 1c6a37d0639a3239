//! The resources that limit the compiling of a component.

use std::fmt;

/// A property of a component with which the compiler's time and memory grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Resource {
    /// Functions. Each is compiled separately and may need a second entry for the host, whatever its content.
    Functions,
    /// Instructions of all functions. Operands and results beyond three, as a call or a branch may have, count as one more
    /// each: there may be a thousand.
    Instructions,
    /// Instructions of one function, counted in the same way, because the work on a function grows faster than its size.
    FunctionInstructions,
    /// Values that are live across branches: at each branch, loop and block, every local and operand of the function. The
    /// compiler keeps a table of both.
    LiveValues,
    /// What an instance does before its first call: table entries and data segments at positions that are known only then, and
    /// instructions of expressions that are not constants. All of it becomes one function.
    StartSteps,
    /// Parameters and results of the types of core functions: a trampoline to the host is compiled for each type.
    SignatureValues,
    /// Bytes of declarations: types, imports, exports, globals, instances and aliases. Those of a nested component count again
    /// for each time it is instantiated.
    DeclarationBytes,
}

/// The most that a component may use of all limits together, as the sum of percentages: twice what the component of the
/// JavaScript template uses.
pub const TOGETHER_PERCENT_MAX: u64 = 170;
/// The number of resources.
pub(crate) const RESOURCES: usize = 7;

impl Resource {
    pub(crate) const ALL: [Resource; RESOURCES] = [
        Resource::Functions,
        Resource::Instructions,
        Resource::FunctionInstructions,
        Resource::LiveValues,
        Resource::StartSteps,
        Resource::SignatureValues,
        Resource::DeclarationBytes,
    ];

    /// Returns the limit for a component.
    pub const fn max(self) -> u64 {
        match self {
            // 0.1 ms and 5 KB each.
            Resource::Functions => 30_000,
            // Twice what the component of the JavaScript template has, which contains an engine and takes nearly four seconds
            // alone. Code that is hardest to compile would take ten seconds at this limit; the child process ends that.
            Resource::Instructions => 2_200_000,
            // Half a kilobyte each while the function is compiled. The largest function of that engine counts as 50,000.
            Resource::FunctionInstructions => 120_000,
            // 4 ns and one byte each.
            Resource::LiveValues => 100_000_000,
            // 60 µs and 7 KB each. That engine has 7,700.
            Resource::StartSteps => 50_000,
            // 20 µs each. That engine has 1,000.
            Resource::SignatureValues => 50_000,
            // That engine has 122,000.
            Resource::DeclarationBytes => 1 << 20,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resource::Functions => "functions",
            Resource::Instructions => "instructions and their operands",
            Resource::FunctionInstructions => "instructions and their operands in one function",
            Resource::LiveValues => "values kept over branches (locals and operands, times branches)",
            Resource::StartSteps => "steps before the first call (table entries, data segments, expressions)",
            Resource::SignatureValues => "parameters and results of function types",
            Resource::DeclarationBytes => "bytes of declarations (types, imports, exports, instances)",
        })
    }
}
