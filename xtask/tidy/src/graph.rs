//! The dependencies of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, NodeDep, PackageId};

/// The dependencies of each package, with all features. Those of tests and build scripts are left out.
pub struct Graph<'m>(BTreeMap<&'m PackageId, Vec<&'m PackageId>>);

impl<'m> Graph<'m> {
    pub fn of(metadata: &'m Metadata) -> Result<Graph<'m>> {
        let resolved = metadata.resolve.as_ref().context("cargo metadata resolves nothing")?;
        let is_normal = |dep: &&NodeDep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
        let used =
            resolved.nodes.iter().map(|node| (&node.id, node.deps.iter().filter(is_normal).map(|dep| &dep.pkg).collect()));
        Ok(Graph(used.collect()))
    }

    /// Returns the dependencies that a package's manifest names.
    pub fn direct(&self, id: &PackageId) -> BTreeSet<&'m PackageId> {
        self.0.get(id).into_iter().flatten().copied().collect()
    }

    /// Returns some packages with all their dependencies, direct and indirect.
    pub fn reached(&self, from: BTreeSet<&'m PackageId>) -> BTreeSet<&'m PackageId> {
        let mut next: Vec<&PackageId> = from.iter().copied().collect();
        let mut reached = from;
        while let Some(id) = next.pop() {
            next.extend(self.direct(id).into_iter().filter(|id| reached.insert(id)));
        }
        reached
    }
}
