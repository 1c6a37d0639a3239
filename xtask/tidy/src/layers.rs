//! Checks which crates may use which.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, PackageId};

use crate::graph::Graph;
use crate::rules::Layer;

/// The dependencies of one crate of the workspace.
pub struct Package {
    pub name: String,
    /// Those that its manifest names.
    pub direct: BTreeSet<String>,
    /// All direct and indirect ones, without the crate itself.
    pub reached: BTreeSet<String>,
}

/// Returns the crates of the workspace.
pub fn packages(metadata: &Metadata, graph: &Graph<'_>) -> Vec<Package> {
    let names: BTreeMap<&PackageId, String> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let names_of = |ids: BTreeSet<&PackageId>| ids.into_iter().filter_map(|id| names.get(id).cloned()).collect();
    let package = |id: &PackageId| {
        let direct = graph.direct(id);
        Package {
            name: names.get(id).cloned().unwrap_or_default(),
            direct: names_of(direct.clone()),
            reached: names_of(graph.reached(direct)),
        }
    };
    metadata.workspace_members.iter().map(package).collect()
}

/// Returns the broken rules, a sentence each. A crate without a rule is one, and so is a rule without a crate.
pub fn broken(layers: &BTreeMap<String, Layer>, packages: &[Package]) -> Vec<String> {
    let members: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut broken = Vec::new();
    for package in packages {
        let name = &package.name;
        let Some(layer) = layers.get(name) else {
            broken.push(format!("{name}: rules.toml has no layer of it; say there what it may use"));
            continue;
        };
        for used in package.direct.iter().filter(|used| members.contains(used.as_str()) && !layer.uses.contains(*used)) {
            broken.push(format!("{name}: its layer must not use {used}"));
        }
        for used in package.direct.intersection(&layer.not_names) {
            broken.push(format!("{name}: its manifest must not name {used}"));
        }
        for reached in package.reached.intersection(&layer.never) {
            broken.push(format!("{name}: must not reach {reached}; `cargo tree --invert {reached}` shows by what"));
        }
        for reached in package.reached.iter().filter(|reached| layer.alone && !layer.uses.contains(*reached)) {
            broken.push(format!("{name}: must reach nothing but what its layer uses, and reaches {reached}"));
        }
        for used in layer.uses.difference(&package.direct) {
            broken.push(format!("{name}: rules.toml allows it {used}, which it does not use; take it away there"));
        }
    }
    broken.extend(
        layers
            .keys()
            .filter(|name| !members.contains(name.as_str()))
            .map(|name| format!("rules.toml: there is no crate {name}")),
    );
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn broken_with(layer: Layer, direct: &[&str], reached: &[&str]) -> Vec<String> {
        let other = Package { name: "domain".to_owned(), direct: set(&[]), reached: set(&[]) };
        let package = Package { name: "host".to_owned(), direct: set(direct), reached: set(reached) };
        let none = Layer { uses: set(&[]), not_names: set(&[]), never: set(&[]), alone: true };
        broken(&BTreeMap::from([("host".to_owned(), layer), ("domain".to_owned(), none)]), &[other, package])
    }

    fn layer(uses: &[&str]) -> Layer {
        Layer { uses: set(uses), not_names: set(&["sandbox"]), never: set(&["axum"]), alone: false }
    }

    #[test]
    fn what_a_layer_allows_is_no_break() {
        assert_eq!(broken_with(layer(&["domain"]), &["domain", "serde"], &["domain", "serde", "itoa"]), [""; 0]);
    }

    #[test]
    fn each_rule_is_broken_by_what_it_forbids() {
        let one = |layer, direct: &[&str], reached: &[&str]| broken_with(layer, direct, reached).join("\n");
        assert_eq!(one(layer(&[]), &["domain"], &["domain"]), "host: its layer must not use domain");
        assert_eq!(one(layer(&[]), &["sandbox"], &["sandbox"]), "host: its manifest must not name sandbox");
        assert!(one(layer(&[]), &["tower"], &["axum", "tower"]).starts_with("host: must not reach axum"));
        assert!(one(layer(&["domain"]), &[], &[]).contains("allows it domain, which it does not use"));
        let alone = Layer { alone: true, ..layer(&["domain"]) };
        assert!(one(alone, &["domain"], &["domain", "serde"]).contains("reaches serde"));
    }

    #[test]
    fn every_crate_has_a_layer_and_every_layer_a_crate() {
        let package = Package { name: "new".to_owned(), direct: set(&[]), reached: set(&[]) };
        let broken = broken(&BTreeMap::from([("gone".to_owned(), layer(&[]))]), &[package]);
        assert_eq!(broken.len(), 2);
        assert!(broken[0].starts_with("new: rules.toml has no layer"));
        assert!(broken[1].contains("no crate gone"));
    }
}
