//! Makes a component of the core module that a compiler for wasm32-unknown-unknown leaves. Called by `host-harness component` and by
//! `cargo xtask build`, so that both make the same bytes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use wasmparser::{BinaryReader, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata, metadata};
use wit_parser::{Resolve, SourceMap};

/// The interface that every provider exports.
const CONTRACT: &str = "billing:payments/payment-provider@1.0.0";
/// An interface that abilities need and that has no functions.
const EXCHANGES: &str = "billing:payments/exchanges@1.0.0";
/// The first bytes of every file in the format. The version and kind of a module or component follow.
const WASM_MAGIC: &[u8] = b"\0asm";
const MODULE_HEADER: &[u8] = b"\0asm\x01\0\0\0";
const CUSTOM_SECTION: u8 = 0;
/// The custom section with the names of a component's parts.
const NAMES: &str = "component-name";
const WIT: [(&str, &str); 7] = [
    ("payment-provider.wit", include_str!("../../../wit/payment-provider.wit")),
    ("exchanges.wit", include_str!("../../../wit/exchanges.wit")),
    ("asking.wit", include_str!("../../../wit/asking.wit")),
    ("payment-status.wit", include_str!("../../../wit/payment-status.wit")),
    ("refunds.wit", include_str!("../../../wit/refunds.wit")),
    ("recurring-payments.wit", include_str!("../../../wit/recurring-payments.wit")),
    ("settlement-reports.wit", include_str!("../../../wit/settlement-reports.wit")),
];

/// Why a module makes no component, as a sentence without its first word in capitals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfit(String);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

/// Makes a component of a module. Its world has the interfaces of the contract that the module exports.
///
/// # Errors
/// What is wrong with the module.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, Unfit> {
    if !module.starts_with(WASM_MAGIC) {
        return Err(Unfit("it is no WebAssembly; give the .wasm that the compiler left".to_owned()));
    }
    if !module.starts_with(MODULE_HEADER) {
        return Err(Unfit("it is no core module; where it is a component already, use it as it is".to_owned()));
    }
    // Validates the whole module first: the reader of the metadata panics if a section is cut off.
    wasmparser::Validator::new().validate_all(module).map_err(|error| damaged(&error))?;
    let module = if declares_contract(module)? { Cow::Borrowed(module) } else { Cow::Owned(declared(module)?) };
    let encoded = ComponentEncoder::default().validate(true).module(&module).and_then(|mut encoder| encoder.encode());
    let encoded = encoded.map_err(|error| Unfit(format!("{error:#}")))?;
    without_names(&encoded).map_err(|error| damaged(&error))
}

/// Returns a component without the names of its parts, which nobody reads: up to 5 KB.
fn without_names(component: &[u8]) -> Result<Vec<u8>, wasmparser::BinaryReaderError> {
    let mut reader = BinaryReader::new(component, 0);
    let mut kept = reader.read_bytes(MODULE_HEADER.len())?.to_vec();
    while !reader.eof() {
        let begin = reader.original_position();
        let id = reader.read_u8()?;
        let mut content = reader.read_reader()?;
        if id != CUSTOM_SECTION || content.read_string()? != NAMES {
            kept.extend_from_slice(component.get(begin..reader.original_position()).unwrap_or_default());
        }
    }
    Ok(kept)
}

/// Adds the metadata that a module lacks which exports some interfaces of the contract and not a whole world of it.
fn declared(module: &[u8]) -> Result<Vec<u8>, Unfit> {
    let mut interfaces = exported_interfaces(module).map_err(|error| damaged(&error))?;
    if !interfaces.contains(CONTRACT) {
        return Err(Unfit(format!(
            "it has no metadata of the contract {CONTRACT}, or another version's; bind the crate to it with wit-bindgen, and build a \
             cdylib with export!"
        )));
    }
    if interfaces.len() > 1 {
        interfaces.insert(EXCHANGES.to_owned());
    }
    let exports: String = interfaces.iter().map(|interface| format!("export {interface}; ")).collect();
    let world = format!("package provider:component; world component {{ {exports}}}");
    let (mut resolve, mut files) = (Resolve::default(), SourceMap::new());
    WIT.into_iter().for_each(|(name, text)| files.push_str(name, text));
    let contract = files.parse().map_err(|(_, error)| unfit(error))?;
    let contract = resolve.push_group(contract).map_err(unfit)?;
    let own = resolve.push_str("component.wit", &world).map_err(unfit)?;
    let world = resolve.select_world(&[own, contract], Some("provider:component/component")).map_err(unfit)?;
    let mut module = module.to_vec();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(unfit)?;
    Ok(module)
}

fn unfit(error: impl fmt::Display) -> Unfit {
    Unfit(format!("it does not fit the contract: {error:#}"))
}

/// Returns the interfaces of which a module exports functions, such as `billing:payments/payment-provider@1.0.0`.
fn exported_interfaces(module: &[u8]) -> Result<BTreeSet<String>, wasmparser::BinaryReaderError> {
    let mut interfaces = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ExportSection(exports) = payload? else { continue };
        for export in exports {
            // What is called after a function has the function's name after a prefix.
            let interface = export?.name.split_once('#').map(|(interface, _)| interface.trim_start_matches("cabi_post_"));
            interfaces.extend(interface.map(str::to_owned));
        }
    }
    Ok(interfaces)
}

fn damaged(error: &impl fmt::Display) -> Unfit {
    Unfit(format!("it is damaged: {error:#}; build it anew"))
}

/// Reports whether the module declares that it exports the contract.
fn declares_contract(module: &[u8]) -> Result<bool, Unfit> {
    let (_, bindgen) = metadata::decode(module).map_err(|error| damaged(&error))?;
    let mut keys = bindgen.resolve.worlds.get(bindgen.world).into_iter().flat_map(|world| world.exports.keys());
    Ok(keys.any(|key| bindgen.resolve.name_world_key(key) == CONTRACT))
}
