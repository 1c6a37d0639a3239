//! What can be read from a component before it is compiled.

use wasmparser::{
    BinaryReaderError, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef,
    ConstExpr, Data, DataKind, Element, ElementItems, ElementKind, Encoding, FromReader, Operator, Parser, Payload,
    SectionLimited, Table, TableInit, TypeRef, ValidPayload, Validator,
};

use crate::compile_cost::CompileCost;
use crate::contract::{self, Contract};
use crate::error::LoadError;
use crate::resource::Resource;

const WASM_PAGE_BYTES: u64 = 64 << 10;

/// A component's outermost imports and exports, and the resources that it needs.
#[derive(Default)]
pub(crate) struct ComponentSummary {
    imports: Vec<String>,
    exports: Vec<String>,
    pub(crate) memory_bytes_min: u64,
    cost: CompileCost,
    /// The components and modules that enclose the current position, the outermost first.
    scopes: Vec<Scope>,
}

/// A component or module that is being read.
struct Scope {
    encoding: Encoding,
    /// The bytes of its own declarations and of those of the components that it instantiates.
    declaration_bytes: u64,
    /// The declaration bytes of each component within it, by the component's index.
    components: Vec<u64>,
    /// The minimum sizes of a module's tables; `None` for an imported table.
    tables: Vec<Option<u64>>,
    /// Whether some content of the module's tables is known only when its instance starts. No later segment can then be
    /// computed before the start either.
    tables_unknown: bool,
}

impl Scope {
    fn new(encoding: Encoding) -> Scope {
        Scope { encoding, declaration_bytes: 0, components: Vec::new(), tables: Vec::new(), tables_unknown: false }
    }
}

impl ComponentSummary {
    /// Reads and validates the whole component, so that nothing damaged reaches the compiler, and nothing that it would compile
    /// for too long.
    pub(crate) fn read(bytes: &[u8]) -> Result<ComponentSummary, LoadError> {
        if Parser::is_core_wasm(bytes) {
            return Err(LoadError::CoreModule);
        }
        if !Parser::is_component(bytes) {
            return Err(LoadError::NotWasm);
        }
        let mut summary = ComponentSummary::default();
        let mut validator = Validator::new();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            summary.count(&payload)?;
            match validator.payload(&payload)? {
                ValidPayload::Func(function, body) => summary.cost.add_function(function, &body)?,
                ValidPayload::Ok | ValidPayload::Parser(_) | ValidPayload::End(_) => {}
            }
        }
        Ok(summary)
    }

    /// Returns the version of the contract that the component exports. Refuses a component that is not a provider or would take
    /// too much to compile.
    pub(crate) fn check(&self) -> Result<&'static dyn Contract, LoadError> {
        if !self.imports.is_empty() {
            return Err(LoadError::Imports(self.imports.clone()));
        }
        let contract = contract::of_exports(&self.exports)?;
        self.cost.check()?;
        Ok(contract)
    }

    fn count(&mut self, payload: &Payload<'_>) -> Result<(), LoadError> {
        self.count_declarations(payload)?;
        match payload {
            Payload::Version { encoding, .. } => self.scopes.push(Scope::new(*encoding)),
            Payload::End(_) => self.end_scope(),
            Payload::TypeSection(section) => {
                for group in section.clone() {
                    self.cost.add_types(&group?)?;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    if let TypeRef::Table(_) = import?.ty {
                        self.scope().tables.push(None);
                    }
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    self.count_table(&table?)?;
                }
            }
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    let memory = memory?;
                    let page_bytes =
                        memory.page_size_log2.map_or(WASM_PAGE_BYTES, |log2| 1u64.checked_shl(log2).unwrap_or(u64::MAX));
                    let bytes = memory.initial.saturating_mul(page_bytes);
                    self.memory_bytes_min = self.memory_bytes_min.saturating_add(bytes);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    self.cost.add_expression(&global?.init_expr)?;
                }
            }
            Payload::ElementSection(section) => {
                for element in section.clone() {
                    self.count_element(&element?)?;
                }
            }
            Payload::DataSection(section) => {
                for data in section.clone() {
                    self.count_data(&data?)?;
                }
            }
            Payload::ComponentImportSection(section) if self.scopes.len() == 1 => {
                for import in section.clone() {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if self.scopes.len() == 1 => {
                for export in section.clone() {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    self.count_instance(&instance?)?;
                }
            }
            _ => {}
        }
        refuse_component_values(payload)
    }
}

impl ComponentSummary {
    /// Returns the component or module that is being read. Every section belongs to one.
    fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::new(Encoding::Component));
        }
        let last = self.scopes.len() - 1;
        // The list is not empty, because of the push above.
        #[allow(clippy::indexing_slicing)]
        &mut self.scopes[last]
    }

    fn end_scope(&mut self) {
        if let (Some(ended), Some(around)) = (self.scopes.pop(), self.scopes.last_mut())
            && ended.encoding == Encoding::Component
        {
            around.components.push(ended.declaration_bytes);
        }
    }

    fn declare(&mut self, bytes: u64) -> Result<(), LoadError> {
        let scope = self.scope();
        scope.declaration_bytes = scope.declaration_bytes.saturating_add(bytes);
        self.cost.add(Resource::DeclarationBytes, bytes)
    }

    fn count_declarations(&mut self, payload: &Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::TypeSection(_)
            | Payload::ImportSection(_)
            | Payload::TableSection(_)
            | Payload::MemorySection(_)
            | Payload::TagSection(_)
            | Payload::GlobalSection(_)
            | Payload::ExportSection(_)
            | Payload::ElementSection(_)
            | Payload::InstanceSection(_)
            | Payload::CoreTypeSection(_)
            | Payload::ComponentInstanceSection(_)
            | Payload::ComponentAliasSection(_)
            | Payload::ComponentTypeSection(_)
            | Payload::ComponentCanonicalSection(_)
            | Payload::ComponentImportSection(_)
            | Payload::ComponentExportSection(_) => {
                let bytes = payload.as_section().map_or(0, |(_, range)| range.len() as u64);
                self.declare(bytes)
            }
            _ => Ok(()),
        }
    }

    /// Counts the instantiation of a component within this one: all its declarations count once more.
    fn count_instance(&mut self, instance: &ComponentInstance<'_>) -> Result<(), LoadError> {
        if let ComponentInstance::Instantiate { component_index, .. } = instance {
            let index = usize::try_from(*component_index).unwrap_or(usize::MAX);
            let bytes = self.scope().components.get(index).copied().unwrap_or_default();
            self.declare(bytes)?;
        }
        Ok(())
    }

    fn count_table(&mut self, table: &Table<'_>) -> Result<(), LoadError> {
        self.scope().tables.push(Some(table.ty.initial));
        match &table.init {
            TableInit::Expr(expression) => self.cost.add_expression(expression),
            TableInit::RefNull => Ok(()),
        }
    }

    /// Counts a segment of table entries. Entries that are known before an instance starts cost nothing at its start. After the
    /// first segment that is not known, no later segment counts as known.
    fn count_element(&mut self, element: &Element<'_>) -> Result<(), LoadError> {
        let entries = match &element.items {
            ElementItems::Functions(functions) => u64::from(functions.count()),
            ElementItems::Expressions(_, expressions) => {
                for expression in expressions.clone() {
                    self.cost.add_expression(&expression?)?;
                }
                u64::from(expressions.count())
            }
        };
        let scope = self.scope();
        let is_known = match (&element.kind, &element.items) {
            (ElementKind::Declared, _) => true,
            (ElementKind::Active { table_index, offset_expr }, ElementItems::Functions(_)) => {
                let table = usize::try_from(table_index.unwrap_or(0)).ok().and_then(|index| scope.tables.get(index)?.as_ref());
                let offset = constant(offset_expr)?;
                !scope.tables_unknown && table.zip(offset).is_some_and(|(size, offset)| offset.saturating_add(entries) <= *size)
            }
            _ => false,
        };
        if is_known {
            return Ok(());
        }
        if let ElementKind::Active { offset_expr, .. } = &element.kind {
            scope.tables_unknown = true;
            self.cost.add_expression(offset_expr)?;
        }
        self.cost.add(Resource::StartSteps, 1 + entries)
    }

    /// Counts a segment of data. Whether its position is known before the start depends on all segments together, so each one
    /// counts.
    fn count_data(&mut self, data: &Data<'_>) -> Result<(), LoadError> {
        if let DataKind::Active { offset_expr, .. } = &data.kind {
            self.cost.add_expression(offset_expr)?;
        }
        self.cost.add(Resource::StartSteps, 1)
    }
}

/// Returns the offset, if it is a single constant.
fn constant(expression: &ConstExpr<'_>) -> Result<Option<u64>, BinaryReaderError> {
    let mut reader = expression.get_operators_reader();
    let offset = match reader.read()? {
        Operator::I32Const { value } => Some(u64::from(value.cast_unsigned())),
        Operator::I64Const { value } => Some(value.cast_unsigned()),
        _ => None,
    };
    Ok(if reader.is_end_then_eof() { offset } else { None })
}

/// Refuses components that are passed as values. These could be instantiated within each other without end, and no tool
/// produces them.
fn refuse_component_values(payload: &Payload<'_>) -> Result<(), LoadError> {
    let is_passed = match payload {
        Payload::ComponentImportSection(section) => any(section, |import| matches!(import.ty, ComponentTypeRef::Component(_)))?,
        Payload::ComponentExportSection(section) => any(section, |export| export.kind == ComponentExternalKind::Component)?,
        Payload::ComponentAliasSection(section) => any(section, |alias| match alias {
            ComponentAlias::InstanceExport { kind, .. } => *kind == ComponentExternalKind::Component,
            ComponentAlias::Outer { kind, .. } => *kind == ComponentOuterAliasKind::Component,
            ComponentAlias::CoreInstanceExport { .. } => false,
        })?,
        _ => false,
    };
    if is_passed {
        return Err(LoadError::Invalid("a component within it is passed on as a value, which is not supported".to_owned()));
    }
    Ok(())
}

fn any<'a, T: FromReader<'a>>(section: &SectionLimited<'a, T>, is: impl Fn(&T) -> bool) -> Result<bool, BinaryReaderError> {
    for item in section.clone() {
        if is(&item?) {
            return Ok(true);
        }
    }
    Ok(false)
}
