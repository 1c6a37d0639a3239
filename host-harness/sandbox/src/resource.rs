//! What compiling a component is bounded in.

use std::fmt;

/// Something that the compiler's time and memory grow with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Resource {
    /// Functions: each is compiled by itself and may need a second entry for the host, whatever is in it.
    Functions,
    /// Instructions of all functions. One with more than three operands and results, such as a call or a branch, counts for each
    /// that is more: it may have a thousand.
    Instructions,
    /// Instructions of one function, counted likewise: the work on one function grows faster than the function does.
    FunctionInstructions,
    /// Values that are kept over branches: at each branch, loop and block, every local and operand of the function there. The
    /// compiler keeps a table of both.
    LiveValues,
    /// What an instance does before its first call: entries of tables and segments of data at places that are known only then, and
    /// instructions of expressions that are more than a constant. All of it becomes one function.
    StartSteps,
    /// Parameters and results of the types of core functions: a bridge to the host is compiled for each type.
    SignatureValues,
    /// Bytes of declarations: types, imports, exports, globals, instances and aliases, again for each time that a component
    /// within the component is instantiated.
    DeclarationBytes,
}

/// How much of all limits together a component may use: twice what the component of the template for JavaScript does.
pub const TOGETHER_PERCENT_MAX: u64 = 170;
/// How many resources there are.
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

    /// How much of it a component may have.
    pub const fn max(self) -> u64 {
        match self {
            // 0.1 ms and 5 KB each.
            Resource::Functions => 30_000,
            // Twice what the component of the template for JavaScript has, an engine: by itself it takes nearly four seconds. Of
            // the code that is hardest to compile it would take ten, which the child process ends.
            Resource::Instructions => 2_200_000,
            // Half a kilobyte each while the function is compiled; the largest of that engine's counts for 50,000.
            Resource::FunctionInstructions => 120_000,
            // 4 ns and one byte each.
            Resource::LiveValues => 100_000_000,
            // 60 µs and 7 KB each; that engine has 7,700.
            Resource::StartSteps => 50_000,
            // 20 µs each; that engine has 1,000.
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
