//! The workspace's sources, as modules without their unit tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, TargetKind};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Item, UseTree};

/// What is compiled as a unit: a library, a program, an integration test.
pub struct Crate {
    /// The package's name, with the target's if that differs. A library and a test may have the same name.
    pub name: String,
    pub is_test: bool,
    pub modules: Vec<Module>,
}

/// A file, or a `mod` with a body.
pub struct Module {
    /// The path below the crate; empty for its root.
    pub path: Vec<String>,
    /// The path below the workspace's root.
    pub file: PathBuf,
    /// The module's items, without those for tests and without the bodies of inner modules.
    pub tokens: TokenStream,
    /// The names that `use` imports, each with its full path.
    pub uses: BTreeMap<String, Vec<String>>,
    /// The paths of glob imports.
    pub globs: Vec<Vec<String>>,
}

/// Returns every library, program, integration test and benchmark of the workspace.
pub fn crates(root: &Path, metadata: &Metadata) -> Result<Vec<Crate>> {
    let mut crates = Vec::new();
    for package in metadata.workspace_packages() {
        for target in &package.targets {
            let is_test = target.is_test() || target.is_bench() || target.is_example();
            if target.kind.contains(&TargetKind::CustomBuild) {
                continue;
            }
            let name = match target.name.replace('_', "-") == package.name.as_str() {
                true => package.name.to_string(),
                false => format!("{}/{}", package.name, target.name),
            };
            let mut modules = Vec::new();
            read(root, target.src_path.as_std_path(), Vec::new(), &mut modules)?;
            crates.push(Crate { name, is_test, modules });
        }
    }
    Ok(crates)
}

fn read(root: &Path, file: &Path, path: Vec<String>, modules: &mut Vec<Module>) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let parsed = syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
    let below = match file.file_name().and_then(|name| name.to_str()) {
        Some("mod.rs" | "lib.rs" | "main.rs") => file.parent().map(Path::to_owned).unwrap_or_default(),
        // The root of a test or a benchmark has its modules beside it. Any other file has them in a folder of its name.
        _ if path.is_empty() => file.parent().map(Path::to_owned).unwrap_or_default(),
        _ => file.with_extension(""),
    };
    let shown = file.strip_prefix(root).unwrap_or(file).to_owned();
    add(root, &Place { file: shown, below, path }, parsed.items, modules)
}

struct Place {
    file: PathBuf,
    /// The folder with the files of inner modules.
    below: PathBuf,
    path: Vec<String>,
}

fn add(root: &Path, place: &Place, items: Vec<Item>, modules: &mut Vec<Module>) -> Result<()> {
    let mut module = Module {
        path: place.path.clone(),
        file: place.file.clone(),
        tokens: TokenStream::new(),
        uses: BTreeMap::new(),
        globs: Vec::new(),
    };
    for item in items {
        if is_for_tests(&item) {
            continue;
        }
        match item {
            Item::Mod(inner) => {
                let name = inner.ident.to_string();
                let path: Vec<String> = place.path.iter().cloned().chain([name.clone()]).collect();
                let below = place.below.join(&name);
                match inner.content {
                    Some((_, items)) => {
                        add(root, &Place { file: place.file.clone(), below, path }, items, modules)?;
                    }
                    None => read(root, &file_of(place, &name, &inner.attrs)?, path, modules)?,
                }
            }
            item => {
                if let Item::Use(used) = &item {
                    module.bring_in(&used.tree, Vec::new());
                }
                item.to_tokens(&mut module.tokens);
            }
        }
    }
    modules.push(module);
    Ok(())
}

/// Finds the file of `mod NAME;`. The attribute `path` is relative to the file that it is in.
fn file_of(place: &Place, name: &str, attributes: &[Attribute]) -> Result<PathBuf> {
    let below = &place.below;
    let said = attributes.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| {
        let value = attribute.meta.require_name_value().ok()?.value.to_token_stream().to_string();
        Some(place.file.parent()?.join(value.trim_matches('"')))
    });
    let here = [said, Some(below.join(format!("{name}.rs"))), Some(below.join(name).join("mod.rs"))];
    here.into_iter()
        .flatten()
        .find(|file| file.is_file())
        .with_context(|| format!("no file of `mod {name};` in {}", below.display()))
}

fn is_for_tests(item: &Item) -> bool {
    let attributes = match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        _ => return false,
    };
    let is_of_test = |attribute: &Attribute| attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test");
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") && is_of_test(attribute))
}

impl Module {
    fn bring_in(&mut self, tree: &UseTree, mut path: Vec<String>) {
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.bring_in(&inner.tree, path);
            }
            UseTree::Name(name) if name.ident == "self" => {
                self.uses.insert(path.last().cloned().unwrap_or_default(), path);
            }
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.uses.insert(name.ident.to_string(), path);
            }
            UseTree::Rename(renamed) => {
                path.push(renamed.ident.to_string());
                self.uses.insert(renamed.rename.to_string(), path);
            }
            UseTree::Glob(_) => self.globs.push(path),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.bring_in(tree, path.clone())),
        }
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// Makes a crate of modules, each given by a path such as `pages::order`, and its text.
    pub fn made_of(modules: &[(&str, &str)]) -> Crate {
        let mut made = Vec::new();
        for (path, text) in modules {
            let path: Vec<String> = path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let file = PathBuf::from(format!("{}.rs", path.join("/")));
            let items = syn::parse_file(text).unwrap().items;
            add(Path::new("."), &Place { file, below: PathBuf::new(), path }, items, &mut made).unwrap();
        }
        Crate { name: "made-up".to_owned(), is_test: false, modules: made }
    }
}
