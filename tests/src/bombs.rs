//! Core modules that are small but slow to compile. Each uses much of one resource that the compiler's time or memory grows
//! with.

use sandbox::Resource;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, InstructionSink, Module, ModuleSection, RefType, TableSection, TableType, TypeSection, ValType,
};

/// How many instructions a nested `if` counts for, with its condition and its end.
const NESTED_IF: usize = 14;
/// The most locals that a function may have.
const LOCALS: u32 = 49_990;

/// Adds a module to a component. It is compiled but never instantiated.
pub fn with_module(component: &[u8], module: &Module) -> Vec<u8> {
    let mut bytes = component.to_vec();
    wasm_encoder::ComponentSection::append_to_component(&ModuleSection(module), &mut bytes);
    bytes
}

/// Returns a module that uses `count` of a resource, and little of any other.
pub fn module_with(resource: Resource, count: usize) -> Module {
    match resource {
        Resource::Functions => code(0, (0..count).map(|_| 0), |_, _| {}),
        Resource::Instructions => {
            let ifs = 2_000;
            code(0, (0..count / NESTED_IF / ifs).map(|_| ifs), nested_ifs)
        }
        Resource::FunctionInstructions => code(0, [count / NESTED_IF], nested_ifs),
        // Each has three points in the control flow.
        Resource::LiveValues => code(LOCALS, [count / 3 / LOCALS as usize], ifs_of_locals),
        Resource::StartSteps => elements(count),
        Resource::SignatureValues => signatures(count),
        Resource::DeclarationBytes => exports(count),
        other => panic!("no module uses {other:?}"),
    }
}

/// Returns a module of functions with one parameter and `locals` locals. Each item of `rounds` is a function whose body repeats
/// that many times.
fn code(locals: u32, rounds: impl IntoIterator<Item = usize>, body: fn(&mut InstructionSink<'_>, usize)) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    for rounds in rounds {
        functions.function(0);
        let mut function = Function::new([(locals, ValType::I32)]);
        body(&mut function.instructions(), rounds);
        function.instructions().end();
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module
}

fn nested_ifs(sink: &mut InstructionSink<'_>, rounds: usize) {
    for _ in 0..rounds {
        sink.local_get(0).if_(BlockType::Empty);
    }
    for _ in 0..rounds {
        sink.end();
    }
}

/// Moves locals around in a loop, so that each is live at every branch.
fn ifs_of_locals(sink: &mut InstructionSink<'_>, rounds: usize) {
    sink.loop_(BlockType::Empty);
    for round in 0..rounds as u32 {
        let local = |step: u32| 1 + round.wrapping_mul(step) % LOCALS;
        sink.local_get(0).if_(BlockType::Empty).local_get(local(7919)).local_set(local(104_729)).end();
    }
    sink.local_get(0).br_if(0).end();
}

/// Returns a module with table elements whose offset is a sum.
fn elements(count: usize) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut tables = TableSection::new();
    tables.table(TableType { element_type: RefType::FUNCREF, table64: false, minimum: 100, maximum: None, shared: false });
    let mut elements = ElementSection::new();
    let place = ConstExpr::i32_const(0).with_i32_const(0).with_i32_add();
    elements.active(Some(0), &place, Elements::Functions(vec![0; count].into()));
    let mut code = CodeSection::new();
    let mut function = Function::new([]);
    function.instructions().end();
    code.function(&function);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&tables).section(&elements).section(&code);
    module
}

/// Returns globals that are each a sum of `additions` additions. All are evaluated before the first call.
pub fn globals_of_additions(globals: usize, additions: usize) -> Module {
    let mut section = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    let mut sum = ConstExpr::i32_const(0);
    for _ in 0..additions {
        sum = sum.with_i32_const(1).with_i32_add();
    }
    for _ in 0..globals {
        section.global(ty, &sum);
    }
    let mut module = Module::new();
    module.section(&section);
    module
}

/// Returns function types, all different, with about a thousand parameters each.
fn signatures(count: usize) -> Module {
    let mut types = TypeSection::new();
    for number in 0..count / 900 {
        let parameter = |at: usize| if number >> (at % 8) & 1 == 0 { ValType::I32 } else { ValType::I64 };
        types.ty().function((0..899).map(parameter), []);
    }
    let mut module = Module::new();
    module.section(&types);
    module
}

/// Returns exports of one global, with names of about a hundred bytes.
fn exports(count: usize) -> Module {
    let mut globals = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    globals.global(ty, &ConstExpr::i32_const(0));
    let mut exports = ExportSection::new();
    for number in 0..count / 103 {
        exports.export(&format!("{number:0>100}"), ExportKind::Global, 0);
    }
    let mut module = Module::new();
    module.section(&globals).section(&exports);
    module
}
