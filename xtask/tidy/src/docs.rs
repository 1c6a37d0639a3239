//! Public items have documentation. The compiler checks the crates that enable its lint, and no file of them may allow
//! exceptions.

use std::path::Path;

use anyhow::{Context, Result};
use toml::Table;

use crate::rules::Docs;
use crate::source::Crate;

/// The compiler's lint for missing documentation.
const LINT: &str = "missing_docs";

/// Returns the crates that do not enable the lint, and the files that allow exceptions.
pub fn broken(docs: &Docs, root: &Path, crates: &[Crate]) -> Result<Vec<String>> {
    let read = |path: &Path| -> Result<Table> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    };
    let workspace = read(&root.join("Cargo.toml"))?;
    let mut broken = Vec::new();
    for folder in &docs.crates {
        let manifest = read(&root.join(folder).join("Cargo.toml"))?;
        if !asks(&workspace, &manifest) {
            broken.push(format!("{}: its lints must be the workspace's, and {LINT} denied there", folder.display()));
        }
        let of_crate = |source: &&Crate| !source.is_test;
        let modules = crates.iter().filter(of_crate).flat_map(|source| &source.modules);
        let excused = modules.filter(|module| module.file.starts_with(folder) && excuses(&module.tokens.to_string()));
        broken.extend(excused.map(|module| format!("{}: write documentation, and do not allow {LINT}", module.file.display())));
    }
    Ok(broken)
}

fn asks(workspace: &Table, manifest: &Table) -> bool {
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    let level = workspace.get("workspace").and_then(|all| all.get("lints")?.get("rust")?.get(LINT)?.as_str());
    inherits == Some(true) && matches!(level, Some("deny" | "forbid"))
}

/// Reports whether code allows the lint, in whatever spelling.
fn excuses(tokens: &str) -> bool {
    let plain: String = tokens.chars().filter(|char| !char.is_whitespace()).collect();
    plain.contains("allow(missing_docs") || plain.contains("expect(missing_docs")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn a_crate_asks_by_the_workspaces_lints() {
        let table = |text: &str| toml::from_str::<Table>(text).unwrap();
        let deny = table("[workspace.lints.rust]\nmissing_docs = \"deny\"");
        let warn = table("[workspace.lints.rust]\nmissing_docs = \"warn\"");
        let inherits = table("[lints]\nworkspace = true");
        assert!(asks(&deny, &inherits));
        assert!(!asks(&warn, &inherits) && !asks(&deny, &table("")) && !asks(&table(""), &inherits));
    }

    #[test]
    fn no_file_excuses_itself() {
        assert!(excuses("# [allow (missing_docs)] pub struct A ;") && !excuses("pub struct A ;"));
    }
}
