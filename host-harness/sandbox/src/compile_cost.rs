//! What compiling a component would take, counted before it is compiled.
//!
//! A compiler's time and memory grow with many things, some of them faster than the file does: a function of 75 KB can take
//! gigabytes. Each [`Resource`] counts one of these things and has a limit, at which a component that uses little else takes some
//! seconds of processor time and at most 512 MiB to compile. A component may use several, but not each to its end:
//! together at most [`TOGETHER_PERCENT_MAX`] of the limits. `tests/compile.rs` holds the limits at their edges. What they do not see ends in a child process
//! ([`CompileCheck`](crate::CompileCheck)).

use wasmparser::{
    BinaryReaderError, CompositeInnerType, ConstExpr, FuncToValidate, FuncValidatorAllocations, FunctionBody, ModuleArity,
    Operator, OperatorsReader, RecGroup, WasmModuleResources,
};

use crate::error::LoadError;
use crate::resource::{RESOURCES, Resource, TOGETHER_PERCENT_MAX};

/// How many operands and results an ordinary instruction has at most.
const ORDINARY_VALUES: u64 = 3;

/// What compiling a component would take.
#[derive(Default)]
pub(crate) struct CompileCost {
    counts: [u64; RESOURCES],
    allocations: Option<FuncValidatorAllocations>,
}

impl CompileCost {
    /// Counts more of a resource.
    pub(crate) fn add(&mut self, resource: Resource, more: u64) -> Result<(), LoadError> {
        // The array has a place for every variant, in their order.
        #[allow(clippy::indexing_slicing)]
        let count = &mut self.counts[resource as usize];
        *count = count.saturating_add(more);
        check(resource, *count)
    }

    /// Validates a function and counts what is in it.
    pub(crate) fn add_function<R: WasmModuleResources>(
        &mut self,
        function: FuncToValidate<R>,
        body: &FunctionBody<'_>,
    ) -> Result<(), LoadError> {
        self.add(Resource::Functions, 1)?;
        let mut validator = function.into_validator(self.allocations.take().unwrap_or_default());
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        reader.set_features(*validator.features());
        let mut operators = OperatorsReader::new(reader);
        let locals = u64::from(validator.len_locals());
        let (mut instructions, mut live_values, mut chain) = (0_u64, 0_u64, Chain::default());
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            instructions = instructions.saturating_add(weight(&operator, &validator)).saturating_add(chain.add(&operator));
            let alive = locals + u64::from(validator.operand_stack_height());
            live_values = live_values.saturating_add(branches(&operator).saturating_mul(alive));
            validator.op(offset, &operator)?;
        }
        operators.finish()?;
        self.allocations = Some(validator.into_allocations());
        check(Resource::FunctionInstructions, instructions)?;
        self.add(Resource::Instructions, instructions)?;
        self.add(Resource::LiveValues, live_values)
    }

    /// Counts the types of a section of core types.
    pub(crate) fn add_types(&mut self, group: &RecGroup) -> Result<(), LoadError> {
        for ty in group.types() {
            if let CompositeInnerType::Func(function) = &ty.composite_type.inner {
                let values = function.params().len() + function.results().len();
                self.add(Resource::SignatureValues, 1 + values as u64)?;
            }
        }
        Ok(())
    }

    /// Counts an expression that is evaluated before an instance's first call, where it is more than a constant.
    pub(crate) fn add_expression(&mut self, expression: &ConstExpr<'_>) -> Result<(), LoadError> {
        if !is_constant(expression)? {
            for operator in expression.get_operators_reader() {
                operator?;
                self.add(Resource::StartSteps, 1)?;
            }
        }
        Ok(())
    }

    /// How much of each resource there is.
    pub(crate) fn counts(&self) -> [(Resource, u64); RESOURCES] {
        Resource::ALL.map(|resource| (resource, self.counts.get(resource as usize).copied().unwrap_or_default()))
    }

    /// Makes sure that all together is not too much.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        let shares = self.counts().map(|(resource, count)| (resource, count * 100 / resource.max()));
        if shares.iter().map(|(_, percent)| percent).sum::<u64>() <= TOGETHER_PERCENT_MAX {
            return Ok(());
        }
        Err(LoadError::TooCostlyTogether(shares.into_iter().filter(|(_, percent)| *percent > 0).collect()))
    }
}

fn check(resource: Resource, count: u64) -> Result<(), LoadError> {
    let allowed = resource.max();
    if count > allowed { Err(LoadError::TooCostly { resource, needed: count, allowed }) } else { Ok(()) }
}

/// How many instructions an instruction counts for: one that becomes several blocks of machine code counts for as many plain ones
/// as take the compiler as long.
fn weight(operator: &Operator<'_>, module: &impl ModuleArity) -> u64 {
    let (operands, results) = operator.operator_arity(module).unwrap_or_default();
    let values = u64::from(operands) + u64::from(results);
    let plain = 1 + values.saturating_sub(ORDINARY_VALUES);
    plain
        + match operator {
            Operator::Loop { .. } => 15,
            Operator::If { .. } => 11,
            Operator::BrIf { .. } => 9,
            Operator::BrTable { targets } => 10 + u64::from(targets.len()) * (1 + values),
            Operator::Block { .. } | Operator::Else | Operator::Call { .. } => 1,
            Operator::CallIndirect { .. } | Operator::ReturnCallIndirect { .. } => 24,
            Operator::TableGet { .. } | Operator::TableSet { .. } => 8,
            Operator::MemoryGrow { .. } | Operator::TableGrow { .. } => 24,
            Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. }
            | Operator::TableFill { .. } => 28,
            Operator::TableCopy { .. } | Operator::TableInit { .. } => 100,
            _ => 0,
        }
}

/// Chains such as `x + 1 + 1 + 1`: the compiler tries to combine each constant with all that stand before it.
#[derive(Default)]
struct Chain {
    /// Whether the instruction before was a computation; whether it was a constant behind one.
    computed: bool,
    constant: bool,
}

impl Chain {
    /// How many instructions more an instruction counts for.
    fn add(&mut self, operator: &Operator<'_>) -> u64 {
        let is_constant = matches!(operator, Operator::I32Const { .. } | Operator::I64Const { .. });
        let is_computation = matches!(
            operator,
            Operator::I32Add
                | Operator::I32Sub
                | Operator::I32Mul
                | Operator::I32And
                | Operator::I32Or
                | Operator::I32Xor
                | Operator::I32Shl
                | Operator::I64Add
                | Operator::I64Sub
                | Operator::I64Mul
                | Operator::I64And
                | Operator::I64Or
                | Operator::I64Xor
                | Operator::I64Shl
        );
        let more = if is_computation && self.constant { 3 } else { 0 };
        self.constant = is_constant && self.computed;
        self.computed = is_computation;
        more
    }
}

/// How many places of the flow of control an instruction makes.
fn branches(operator: &Operator<'_>) -> u64 {
    match operator {
        // A check of the fuel and one of the clock, and the loop itself.
        Operator::Loop { .. } => 5,
        Operator::If { .. } => 3,
        Operator::Block { .. } | Operator::Else | Operator::BrIf { .. } => 1,
        Operator::BrTable { targets } => 1 + u64::from(targets.len()),
        // An entry of a table may have to be made first.
        Operator::CallIndirect { .. }
        | Operator::ReturnCallIndirect { .. }
        | Operator::TableGet { .. }
        | Operator::TableSet { .. } => 2,
        // What works on many bytes or entries checks the fuel for them.
        Operator::MemoryFill { .. }
        | Operator::MemoryCopy { .. }
        | Operator::MemoryInit { .. }
        | Operator::MemoryGrow { .. }
        | Operator::TableFill { .. }
        | Operator::TableCopy { .. }
        | Operator::TableInit { .. }
        | Operator::TableGrow { .. } => 4,
        _ => 0,
    }
}

/// Whether an expression is one constant or one function: what is known before an instance starts.
fn is_constant(expression: &ConstExpr<'_>) -> Result<bool, BinaryReaderError> {
    let mut reader = expression.get_operators_reader();
    let is_plain = matches!(
        reader.read()?,
        Operator::I32Const { .. }
            | Operator::I64Const { .. }
            | Operator::F32Const { .. }
            | Operator::F64Const { .. }
            | Operator::V128Const { .. }
            | Operator::RefNull { .. }
            | Operator::RefFunc { .. }
    );
    Ok(is_plain && matches!(reader.read()?, Operator::End))
}

impl From<BinaryReaderError> for LoadError {
    fn from(error: BinaryReaderError) -> LoadError {
        LoadError::Invalid(error.to_string())
    }
}
