//! The cost of compiling a component, counted before it is compiled.
//!
//! A compiler's time and memory grow with many properties of a component, some of them faster than the file's size: a function
//! of 75 KB can take gigabytes. Each [`Resource`] counts one of these properties and has a limit. At the limit, a component
//! that uses little else takes some seconds of processor time and at most 512 MiB to compile. A component may use several
//! resources, but not each up to its limit: the shares of the limits may add up to [`TOGETHER_PERCENT_MAX`] percent.
//! `tests/compile.rs` tests the limits at their edges. A cost that they miss ends in a child process
//! ([`CompileCheck`](crate::CompileCheck)).

use wasmparser::{
    BinaryReaderError, CompositeInnerType, ConstExpr, FuncToValidate, FuncValidatorAllocations, FunctionBody, ModuleArity,
    Operator, OperatorsReader, RecGroup, WasmModuleResources,
};

use crate::error::LoadError;
use crate::resource::{RESOURCES, Resource, TOGETHER_PERCENT_MAX};

/// The most operands and results of an ordinary instruction.
const ORDINARY_VALUES: u64 = 3;

/// The cost of compiling a component.
#[derive(Default)]
pub(crate) struct CompileCost {
    counts: [u64; RESOURCES],
    allocations: Option<FuncValidatorAllocations>,
}

impl CompileCost {
    /// Adds to the count of a resource.
    pub(crate) fn add(&mut self, resource: Resource, more: u64) -> Result<(), LoadError> {
        // The array has an element for every variant, in their order.
        #[allow(clippy::indexing_slicing)]
        let count = &mut self.counts[resource as usize];
        *count = count.saturating_add(more);
        check(resource, *count)
    }

    /// Validates a function and counts its content.
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

    /// Counts an expression that is evaluated before an instance's first call, unless it is a constant.
    pub(crate) fn add_expression(&mut self, expression: &ConstExpr<'_>) -> Result<(), LoadError> {
        if !is_constant(expression)? {
            for operator in expression.get_operators_reader() {
                operator?;
                self.add(Resource::StartSteps, 1)?;
            }
        }
        Ok(())
    }

    /// Returns the count of each resource.
    pub(crate) fn counts(&self) -> [(Resource, u64); RESOURCES] {
        Resource::ALL.map(|resource| (resource, self.counts.get(resource as usize).copied().unwrap_or_default()))
    }

    /// Checks that all resources together are not too much.
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

/// Returns how many plain instructions an instruction counts as. An instruction that becomes several blocks of machine code
/// counts as the number of plain ones that take the compiler as long.
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

/// Chains such as `x + 1 + 1 + 1`, in which the compiler tries to combine each constant with all constants before it.
#[derive(Default)]
struct Chain {
    /// Whether the previous instruction was a computation; whether it was a constant that followed one.
    computed: bool,
    constant: bool,
}

impl Chain {
    /// Returns how many additional instructions an instruction counts as.
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

/// Returns how many points of control flow an instruction creates.
fn branches(operator: &Operator<'_>) -> u64 {
    match operator {
        // A check of the fuel, a check of the deadline, and the loop itself.
        Operator::Loop { .. } => 5,
        Operator::If { .. } => 3,
        Operator::Block { .. } | Operator::Else | Operator::BrIf { .. } => 1,
        Operator::BrTable { targets } => 1 + u64::from(targets.len()),
        // The table's entry may have to be initialized first.
        Operator::CallIndirect { .. }
        | Operator::ReturnCallIndirect { .. }
        | Operator::TableGet { .. }
        | Operator::TableSet { .. } => 2,
        // Instructions on many bytes or entries check the fuel for these.
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

/// Reports whether an expression is a single constant or function, so that its value is known before an instance starts.
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
