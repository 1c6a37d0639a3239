//! Checks the rules about the code that no compiler knows. They are data, in `rules.toml` in this crate's folder.
//!
//! Called by `cargo xtask tidy`, which both lanes of `cargo xtask test` run. Each broken rule is one line that says what is
//! wrong, where, and what to do. An exception that is no longer needed is a broken rule too, so that the lists of exceptions
//! only get shorter.

mod circles;
mod docs;
mod graph;
mod lanes;
mod layers;
mod libraries;
mod links;
mod rules;
mod sizes;
mod source;
mod words;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;

use crate::graph::Graph;
use crate::rules::Rules;

fn main() -> ExitCode {
    match broken() {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => {
            broken.iter().for_each(|line| eprintln!("{line}"));
            eprintln!("tidy: {} broken rules", broken.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn broken() -> Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("the workspace's root")?;
    let rules = Rules::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules.toml"))?;
    let metadata = MetadataCommand::new().current_dir(root).other_options(["--locked".to_owned()]).exec()?;
    let sources = source::crates(root, &metadata)?;
    let graph = Graph::of(&metadata)?;

    let mut broken = layers::broken(&rules.layers, &layers::packages(&metadata, &graph));
    broken.extend(circles::broken(&rules.circles, &sources));
    let lanes = lanes::Lanes::read(&root.join("xtask/lanes.toml"))?;
    broken.extend(lanes::broken(&lanes, &lanes::programs(&metadata, &sources)));
    broken.extend(libraries::broken(&rules.libraries, &libraries::libraries(&rules.libraries, &metadata, &graph)));
    broken.extend(sizes::broken(&rules.sizes, &sources));
    let documents = links::texts(&rules.links, root)?;
    broken.extend(links::broken(&documents, root));
    broken.extend(words::broken(&rules.words, &sources, &documents));
    broken.extend(docs::broken(&rules.docs, root, &sources)?);
    Ok(broken)
}
