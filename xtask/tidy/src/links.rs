//! Links in the documents: a file or heading of the project that a link leads to must exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::rules::Links;

/// A Markdown file.
struct Document {
    /// The targets, each with the number of the line that it is on.
    links: Vec<(usize, String)>,
    /// The anchors of its headings, without the `#`.
    headings: BTreeSet<String>,
}

/// Returns the links that lead nowhere.
pub fn broken(texts: &BTreeMap<PathBuf, String>, root: &Path) -> Vec<String> {
    let documents = texts.iter().map(|(path, text)| (path.clone(), parse(text))).collect();
    leading_nowhere(&documents, |path| root.join(path).exists())
}

/// Returns the texts of the project's documents, by path.
pub fn texts(rules: &Links, root: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut texts = BTreeMap::new();
    read(rules, root, Path::new(""), &mut texts)?;
    Ok(texts)
}

/// Reads the documents of a folder and of its subfolders. Hidden folders and tools' output folders hold no documents of the
/// project.
fn read(rules: &Links, root: &Path, folder: &Path, texts: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    let place = root.join(folder);
    for entry in std::fs::read_dir(&place).with_context(|| format!("cannot read {}", place.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        let is_left_out = name.starts_with('.') || ["target", "node_modules"].contains(&name.as_str());
        if is_left_out || rules.left_out.contains(&path) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            read(rules, root, &path, texts)?;
        } else if name.ends_with(".md") {
            let text = std::fs::read_to_string(entry.path()).with_context(|| format!("cannot read {}", path.display()))?;
            texts.insert(path, text);
        }
    }
    Ok(())
}

fn parse(text: &str) -> Document {
    let mut document = Document { links: Vec::new(), headings: BTreeSet::new() };
    let mut heading: Option<String> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let line = 1 + text.get(..range.start).unwrap_or_default().matches('\n').count();
                document.links.push((line, dest_url.into_string()));
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                document.add_heading(&heading.take().unwrap_or_default());
            }
            _ => {}
        }
    }
    document
}

impl Document {
    /// Adds the anchor that GitHub and GitLab make of a heading. A repeated one gets a number.
    fn add_heading(&mut self, heading: &str) {
        let heading = heading.to_lowercase();
        let kept = heading.chars().filter(|char| char.is_alphanumeric() || "-_ ".contains(*char));
        let address: String = kept.map(|char| if char == ' ' { '-' } else { char }).collect();
        let numbered = (1..).map(|number| format!("{address}-{number}"));
        let free = std::iter::once(address.clone()).chain(numbered).find(|address| !self.headings.contains(address));
        self.headings.extend(free);
    }
}

fn leading_nowhere(documents: &BTreeMap<PathBuf, Document>, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, document) in documents {
        for (line, link) in &document.links {
            // A link to another site, or of another scheme, such as mailto:.
            if link.split('/').next().is_some_and(|first| first.contains(':')) {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link.as_str(), None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { Some(path.clone()) } else { within(path, file) };
            let has_heading = |target: &PathBuf| match (heading, documents.get(target)) {
                (Some(heading), Some(document)) => document.headings.contains(heading),
                _ => true,
            };
            let place = format!("{}:{line}", path.display());
            match target.filter(|target| exists(target)) {
                None => broken.push(format!("{place}: the link {link} leads to no file; correct it")),
                Some(target) if !has_heading(&target) => {
                    broken.push(format!("{place}: the link {link} leads to no heading of {}; correct it", target.display()));
                }
                Some(_) => {}
            }
        }
    }
    broken
}

/// Returns where a link of a file leads, relative to the root; `None` if it leads out of the root.
fn within(path: &Path, link: &str) -> Option<PathBuf> {
    let mut target = path.parent()?.to_owned();
    for component in Path::new(link).components() {
        match component {
            Component::Normal(name) => target.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !target.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_of(text: &str) -> Vec<String> {
        let documents =
            [("docs/page.md", text), ("docs/ru/other.md", "# Пределы: `serve` и страницы\n\n## Again\n\n## Again\n")];
        let documents = documents.map(|(path, text)| (PathBuf::from(path), parse(text))).into();
        let files = ["docs/page.md", "docs/ru/other.md", "wit/contract.wit", "docs"];
        leading_nowhere(&documents, |path| files.iter().any(|file| Path::new(file) == path))
    }

    #[test]
    fn a_link_leads_to_a_file() {
        for good in [
            "[a](ru/other.md)",
            "[a](./ru/../ru/other.md)",
            "[a](../wit/contract.wit) and [b](../docs/)",
            "![a](../wit/contract.wit)",
            "[a](https://example.com/none.md), [b](mailto:a@example.com)",
            "`[a](none.md)`",
            "```\n[a](none.md)\n```",
        ] {
            assert_eq!(broken_of(good), [""; 0], "{good}");
        }
        for (bad, link) in [
            ("[a](none.md)", "none.md"),
            ("![a](none.png)", "none.png"),
            ("| a |\n|---|\n| [a](none.md) |", "none.md"),
            ("[a][b]\n\n[b]: other.md", "other.md"),
            ("[a](../../ru/other.md)", "../../ru/other.md"),
            ("[a](/docs/ru/other.md)", "/docs/ru/other.md"),
        ] {
            let broken = broken_of(bad);
            assert!(broken.len() == 1 && broken.join("").contains(&format!("the link {link} leads to no file")), "{broken:?}");
        }
    }

    #[test]
    fn a_link_leads_to_a_heading() {
        for good in ["[a](ru/other.md#пределы-serve-и-страницы)", "[a](ru/other.md#again-1)", "# One\n[a](#one)"]
        {
            assert_eq!(broken_of(good), [""; 0], "{good}");
        }
        for bad in ["[a](ru/other.md#пределы)", "[a](ru/other.md#again-2)", "# One\n[a](#two)"] {
            assert!(broken_of(bad).join("").contains("leads to no heading of"), "{bad}");
        }
    }

    #[test]
    fn a_broken_link_is_named_with_its_line() {
        assert!(broken_of("One\n\n[a](none.md)").join("").starts_with("docs/page.md:3: "));
    }
}
