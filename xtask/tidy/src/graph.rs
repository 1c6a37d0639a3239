//! What the workspace is built with.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, NodeDep, PackageId};

/// Which package is built with which, with all features: what tests and build scripts use is left out.
pub struct Graph<'m>(BTreeMap<&'m PackageId, Vec<&'m PackageId>>);

impl<'m> Graph<'m> {
    pub fn of(metadata: &'m Metadata) -> Result<Graph<'m>> {
        let resolved = metadata.resolve.as_ref().context("cargo metadata resolves nothing")?;
        let is_normal = |dep: &&NodeDep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
        let used =
            resolved.nodes.iter().map(|node| (&node.id, node.deps.iter().filter(is_normal).map(|dep| &dep.pkg).collect()));
        Ok(Graph(used.collect()))
    }

    /// What a package's manifest names.
    pub fn direct(&self, id: &PackageId) -> BTreeSet<&'m PackageId> {
        self.0.get(id).into_iter().flatten().copied().collect()
    }

    /// Some packages, and all that is reached from them.
    pub fn reached(&self, from: BTreeSet<&'m PackageId>) -> BTreeSet<&'m PackageId> {
        let mut next: Vec<&PackageId> = from.iter().copied().collect();
        let mut reached = from;
        while let Some(id) = next.pop() {
            next.extend(self.direct(id).into_iter().filter(|id| reached.insert(id)));
        }
        reached
    }
}
