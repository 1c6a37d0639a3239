//! How long a file is, in lines of code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::rules::Sizes;
use crate::source::Crate;

/// Returns the files that are too long, and the exceptions that are no longer needed.
pub fn broken(sizes: &Sizes, crates: &[Crate]) -> Vec<String> {
    let mut files: BTreeMap<&Path, (BTreeSet<usize>, bool)> = BTreeMap::new();
    for source in crates {
        for module in &source.modules {
            let (lines, is_test) = files.entry(&module.file).or_default();
            *is_test |= source.is_test;
            covered(module.tokens.clone(), lines);
        }
    }
    let mut broken = Vec::new();
    let mut excepted: BTreeSet<&str> = sizes.exceptions.iter().map(String::as_str).collect();
    for (file, (lines, is_test)) in &files {
        let max = if *is_test { sizes.lines_of_tests_max } else { sizes.lines_max };
        let is_excepted = file.to_str().is_some_and(|file| sizes.exceptions.contains(file));
        match (lines.len() > max, is_excepted) {
            (true, false) => {
                broken.push(format!("{}: {} lines of code, and {max} are the most; divide it", file.display(), lines.len()))
            }
            (true, true) => drop(file.to_str().map(|file| excepted.remove(file))),
            (false, _) => {}
        }
    }
    broken.extend(excepted.iter().map(|file| format!("rules.toml: {file} needs no exception for its size")));
    broken
}

/// Collects the lines that tokens are on. Comments are not counted, nor is documentation.
fn covered(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Punct(mark) = &token
            && mark.as_char() == '#'
            && tokens.peek().is_some_and(is_documentation)
        {
            tokens.next();
            continue;
        }
        match &token {
            TokenTree::Group(group) => {
                lines.extend([group.span_open().start().line, group.span_close().end().line]);
                covered(group.stream(), lines);
            }
            token => lines.extend(token.span().start().line..=token.span().end().line),
        }
    }
}

fn is_documentation(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let first = group.stream().into_iter().next().map(|token| token.to_string());
    group.delimiter() == Delimiter::Bracket && first.as_deref() == Some("doc")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::made_of;

    const CODE: &str = "/// Adds.\n/// Two lines.\nfn add(\n    one: u8,\n) -> u8 {\n    // Why.\n\n    one + 1\n}\n\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";

    fn broken_with(lines_max: usize, exceptions: &[&str]) -> Vec<String> {
        let exceptions = exceptions.iter().map(|file| (*file).to_owned()).collect();
        broken(&Sizes { lines_max, lines_of_tests_max: 1, exceptions }, &[made_of(&[("a", CODE)])])
    }

    #[test]
    fn only_lines_of_code_count() {
        assert_eq!(broken_with(5, &[]), [""; 0]);
        assert!(broken_with(4, &[]).join("").starts_with("a.rs: 5 lines of code, and 4 are the most"));
    }

    #[test]
    fn an_exception_must_be_needed() {
        assert_eq!(broken_with(4, &["a.rs"]), [""; 0]);
        assert!(broken_with(5, &["a.rs"]).join("").contains("needs no exception"));
    }
}
