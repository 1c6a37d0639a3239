//! Words that the project does not use: old identifiers in the folders that had them, and phrases that a reader would have to
//! decode.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use crate::rules::Words;
use crate::source::Crate;

/// Returns the forbidden words that were found, and the rules that apply to no file.
pub fn broken(words: &Words, crates: &[Crate], documents: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut used: BTreeSet<usize> = BTreeSet::new();
    for module in crates.iter().flat_map(|source| &source.modules) {
        let mut found = Found::default();
        found.read(module.tokens.clone());
        for (at, row) in words.identifiers.iter().enumerate() {
            if !module.file.starts_with(&row.under) {
                continue;
            }
            used.insert(at);
            for name in row.not.iter().filter(|name| found.identifiers.contains(*name)) {
                broken.push(format!("{}: {name} is an old name; the glossary has the new ones", module.file.display()));
            }
        }
        let texts = found.texts.iter().map(String::as_str);
        broken.extend(phrases(words, &module.file, texts));
    }
    for (path, text) in documents.iter().filter(|(path, _)| !words.left_out.contains(*path)) {
        broken.extend(phrases(words, path, [text.as_str()]));
    }
    let unused = words.identifiers.iter().enumerate().filter(|(at, _)| !used.contains(at));
    broken.extend(unused.map(|(_, row)| format!("rules.toml: there is no file under {}", row.under.display())));
    broken.sort();
    broken.dedup();
    broken
}

fn phrases<'t>(words: &Words, file: &Path, texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let texts: Vec<String> = texts.into_iter().map(on_one_line).collect();
    let is_there = |phrase: &&String| texts.iter().any(|text| text.contains(phrase.as_str()));
    let broken = words.phrases.iter().filter(|(not, _)| is_there(not));
    broken.map(|(not, but)| format!("{}: \"{not}\": say it as \"{but}\"", file.display())).collect()
}

/// Joins a text whose lines may be broken anywhere.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The content of a file: its identifiers, and the texts of its messages and documentation.
#[derive(Default)]
struct Found {
    identifiers: BTreeSet<String>,
    texts: Vec<String>,
}

impl Found {
    fn read(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Ident(name) => drop(self.identifiers.insert(name.to_string())),
                TokenTree::Literal(literal) => self.texts.push(literal.to_string().replace("\\\n", " ")),
                TokenTree::Punct(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::OldNames;
    use crate::source::testing::made_of;

    fn broken_in(code: &str, document: &str) -> String {
        let identifiers = vec![OldNames { under: PathBuf::from("a.rs"), not: BTreeSet::from(["Turns".to_owned()]) }];
        let phrases = BTreeMap::from([("passes a limit".to_owned(), "exceeds a limit".to_owned())]);
        let words = Words { identifiers, phrases, left_out: BTreeSet::from([PathBuf::from("OLD.md")]) };
        let documents = [("A.md", document), ("OLD.md", "it passes a limit")];
        let documents = documents.map(|(path, text)| (PathBuf::from(path), text.to_owned()));
        broken(&words, &[made_of(&[("a", code)])], &BTreeMap::from(documents)).join("\n")
    }

    #[test]
    fn old_names_are_found_as_identifiers_alone() {
        assert!(broken_in("struct Turns;", "").starts_with("a.rs: Turns is an old name"));
        assert_eq!(broken_in("/// Turns.\nstruct Permits; const A: &str = \"Turns\";", ""), "");
    }

    #[test]
    fn phrases_are_found_in_messages_documentation_and_documents() {
        for (code, document) in [
            ("const A: &str = \"it passes a limit\";", ""),
            ("/// It passes a limit.\nstruct A;", ""),
            ("", "It\npasses a\nlimit."),
        ] {
            assert!(broken_in(code, document).contains("say it as \"exceeds a limit\""), "{code}{document}");
        }
        assert_eq!(broken_in("const A: &str = \"it exceeds a limit\";", "It exceeds it."), "");
    }

    #[test]
    fn a_row_is_about_files_that_are_there() {
        let identifiers = vec![OldNames { under: PathBuf::from("gone"), not: BTreeSet::new() }];
        let words = Words { identifiers, phrases: BTreeMap::new(), left_out: BTreeSet::new() };
        assert!(broken(&words, &[], &BTreeMap::new()).join("").contains("no file under gone"));
    }
}
