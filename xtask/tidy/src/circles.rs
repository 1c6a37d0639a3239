//! Circles between the modules of a crate: two modules that use each other, directly or not, can only be understood together.
//!
//! A module uses another if it names it by a path from `crate`, `super` or `self`, in a `use`, in code or in a macro. A
//! re-exported name counts as the module that defines it. A module and the modules within it count as one unit: naming each
//! other is no use.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::source::{Crate, Module};

/// How many re-exports a name is followed through, from its use to its definition.
const PASSED_ON_MAX: usize = 8;

type Path = Vec<String>;
type Graph = BTreeMap<Path, BTreeSet<Path>>;

/// Returns the circles that are not allowed, and the allowed ones that no longer exist.
pub fn broken(allowed: &BTreeMap<String, Vec<BTreeSet<String>>>, crates: &[Crate]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut gone: BTreeMap<&String, Vec<&BTreeSet<String>>> =
        allowed.iter().map(|(name, circles)| (name, circles.iter().collect())).collect();
    for source in crates {
        let graph = graph(source);
        for circle in circles(&graph) {
            let allowed = allowed.get(&source.name).into_iter().flatten().find(|allowed| circle.is_subset(allowed));
            if allowed.is_none() {
                broken.push(format!("{}: these modules use each other: {}", source.name, uses_within(&graph, &circle)));
            }
            if let Some(gone) = gone.get_mut(&source.name) {
                gone.retain(|allowed| **allowed != circle);
            }
        }
    }
    for (name, circles) in gone {
        for circle in circles {
            let modules: Vec<&str> = circle.iter().map(String::as_str).collect();
            broken.push(format!("{name}: rules.toml allows a circle that is gone or smaller now: {}", modules.join(", ")));
        }
    }
    broken
}

fn shown(path: &[String]) -> String {
    if path.is_empty() { "crate".to_owned() } else { path.join("::") }
}

fn uses_within(graph: &Graph, circle: &BTreeSet<String>) -> String {
    let within = |path: &Path| circle.contains(&shown(path));
    let uses = graph
        .iter()
        .filter(|(from, _)| within(from))
        .flat_map(|(from, used)| used.iter().filter(|to| within(to)).map(move |to| format!("{} → {}", shown(from), shown(to))));
    uses.collect::<Vec<_>>().join(", ")
}

fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = graph.keys().map(|from| (from, reached(graph, from))).collect();
    let reaches = |from: &Path, to: &Path| reached.get(from).is_some_and(|reached| reached.contains(to));
    let mut circles: Vec<BTreeSet<String>> = graph
        .keys()
        .filter(|module| reaches(module, module))
        .map(|module| {
            graph.keys().filter(|other| reaches(module, other) && reaches(other, module)).map(|path| shown(path)).collect()
        })
        .collect();
    circles.sort();
    circles.dedup();
    circles
}

fn reached<'g>(graph: &'g Graph, from: &Path) -> BTreeSet<&'g Path> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Path> = graph.get(from).into_iter().flatten().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(graph.get(module).into_iter().flatten());
        }
    }
    reached
}

fn graph(source: &Crate) -> Graph {
    let modules: BTreeMap<&Path, &Module> = source.modules.iter().map(|module| (&module.path, module)).collect();
    let mut graph = Graph::new();
    for module in &source.modules {
        let mut named = Vec::new();
        paths(module.tokens.clone(), &mut named);
        let used = named.iter().filter_map(|path| defined_in(&modules, &module.path, path, PASSED_ON_MAX));
        let used = used.filter(|used| *used != module.path).collect();
        graph.insert(module.path.clone(), used);
    }
    graph
}

/// Returns the module that defines what a path names, as seen from the module `from`; `None` for a name of another crate.
fn defined_in(modules: &BTreeMap<&Path, &Module>, from: &[String], path: &[String], passes: usize) -> Option<Path> {
    let mut at = from.to_vec();
    let mut names = path.iter().peekable();
    match names.peek().map(|name| name.as_str()) {
        Some("crate") => at.clear(),
        Some("super" | "self") => {}
        // A path in a `use` begins with a crate, or with a module within.
        Some(first) if !modules.contains_key(&[from, &[first.to_owned()]].concat()) => return None,
        _ => {}
    }
    while let Some(name) = names.next() {
        match name.as_str() {
            "crate" | "self" => continue,
            "super" => {
                at.pop();
                continue;
            }
            _ => {}
        }
        let inner = [at.as_slice(), std::slice::from_ref(name)].concat();
        if modules.contains_key(&inner) {
            at = inner;
            continue;
        }
        let Some(module) = modules.get(&at).filter(|_| passes > 0) else { return Some(at) };
        let rest: Vec<String> = names.cloned().collect();
        if let Some(stands_for) = module.uses.get(name) {
            let whole = [stands_for.as_slice(), &rest].concat();
            return defined_in(modules, &at, &whole, passes - 1).or(Some(at));
        }
        // A name that a glob import brings in is searched where the glob leads.
        for everything in &module.globs {
            let whole = [everything.as_slice(), std::slice::from_ref(name), &rest].concat();
            let Some(found) = defined_in(modules, &at, &whole, passes - 1) else { continue };
            if modules.get(&found).is_some_and(|module| defines(module, name)) {
                return Some(found);
            }
        }
        return Some(at);
    }
    Some(at)
}

/// Reports whether a module defines a name: the name follows `fn`, `struct` or the like.
fn defines(module: &Module, name: &str) -> bool {
    const KEYWORDS: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules"];
    let words: Vec<String> = module.tokens.clone().into_iter().map(|token| token.to_string()).collect();
    words.windows(2).any(|pair| matches!(pair, [keyword, next] if KEYWORDS.contains(&keyword.as_str()) && next == name))
}

/// Collects every path from `crate`, `super` or `self` in some tokens, including those within macros.
fn paths(tokens: TokenStream, found: &mut Vec<Path>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => paths(group.stream(), found),
            TokenTree::Ident(name) if (name == "crate" || name == "super" || name == "self") && !is_after_path(&tokens, at) => {
                path(tokens.get(at..).unwrap_or_default(), Vec::new(), found);
            }
            _ => {}
        }
        at += 1;
    }
}

fn is_after_path(tokens: &[TokenTree], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|token| token.to_string() == ":")
        && at.checked_sub(2).and_then(|before| tokens.get(before)).is_some_and(|token| token.to_string() == ":")
}

/// Collects a path, and each path that a group in braces makes of it.
fn path(tokens: &[TokenTree], mut path: Path, found: &mut Vec<Path>) {
    let mut tokens = tokens;
    loop {
        match tokens {
            [TokenTree::Ident(name), rest @ ..] => {
                path.push(name.to_string());
                tokens = rest;
            }
            [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let each = inner.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','));
                each.filter(|tokens| !tokens.is_empty()).for_each(|tokens| self::path(tokens, path.clone(), found));
                return;
            }
            _ => break,
        }
        match tokens {
            [TokenTree::Punct(first), TokenTree::Punct(second), rest @ ..]
                if first.as_char() == ':' && second.as_char() == ':' =>
            {
                tokens = rest;
            }
            _ => break,
        }
    }
    if path.len() > 1 {
        found.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::made_of;

    fn broken_in(modules: &[(&str, &str)]) -> Vec<String> {
        broken(&BTreeMap::new(), &[made_of(modules)])
    }

    #[test]
    fn modules_in_one_direction_are_no_circle() {
        let modules = [("", "pub use b::B;"), ("a", "use crate::B;"), ("b", "pub struct B; use super::c;"), ("c", "")];
        assert_eq!(broken_in(&modules), [""; 0]);
    }

    #[test]
    fn a_circle_is_found_by_use_by_path_in_a_macro_and_through_what_passes_a_name_on() {
        let back = [
            "use crate::a::A;",
            "fn f() { super::a::A; }",
            "fn f() { html! { (crate::a::A) } }",
            "use crate::A;",
            "use crate::*; fn f(_: crate::A) {}",
        ];
        for back in back {
            let broken = broken_in(&[("", "pub use a::*;"), ("a", "use crate::b::{self, B}; pub struct A;"), ("b", back)]);
            assert_eq!(broken, ["made-up: these modules use each other: a → b, b → a"], "{back}");
        }
    }

    #[test]
    fn a_circle_in_unit_tests_counts_for_nothing() {
        assert_eq!(broken_in(&[("a", "use crate::b::B;"), ("b", "#[cfg(test)] mod tests { use crate::a::A; }")]), [""; 0]);
    }

    #[test]
    fn an_allowed_circle_must_be_there() {
        let circle = [("a", "use crate::b::B;"), ("b", "use crate::a::A;")];
        let allow = |modules: &[&str]| {
            let allowed =
                BTreeMap::from([("made-up".to_owned(), vec![modules.iter().map(|name| (*name).to_owned()).collect()])]);
            broken(&allowed, &[made_of(&circle)])
        };
        assert_eq!(allow(&["a", "b"]), [""; 0]);
        assert!(allow(&["a", "b", "c"]).join("").contains("gone or smaller"));
    }
}
