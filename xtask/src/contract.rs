//! Checks that components built for a released contract still fit the contract in `wit/`.
//!
//! Each folder `wit/released/VERSION` holds the contract's text as it was released: a release is a copy. From then on an
//! exported interface can neither lose nor gain anything, so the worlds must be the same in both directions:
//!
//! - a component built for the release must be what a host of today requires. `semver_check` covers this direction: it finds
//!   what was added or changed, since an older component lacks it;
//! - a component built today must be what a host of the release requires. `semver_check` accepts a removed function, because an
//!   older component then only has more than is required of it. So the two worlds are also compared in the other direction.
//!
//! Doc comments, and worlds and interfaces other than the released ones, may change. The package's version may not: a component
//! exports the interface under its versioned name, and a host looks for exactly that name. This rule may be relaxed once a host
//! finds older names too.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wit_component::semver_check;
use wit_parser::{PackageId, Resolve, UnresolvedPackageGroup};

use crate::run::{root, step};

/// Compares the contract with every release, and prints the result.
pub fn contract() -> Result<()> {
    let compared = compare(&root().join("wit"))?;
    if compared.is_empty() {
        step("the contract: nothing is released yet; to release it, copy wit/*.wit into wit/released/VERSION/");
    } else {
        step(&format!("the contract is what components built for {} need", compared.join(", ")));
    }
    Ok(())
}

/// Compares a folder's contract with the releases in its `released`, and returns their versions.
fn compare(wit: &Path) -> Result<Vec<String>> {
    let folders = releases(&wit.join("released"))?;
    folders.iter().map(|folder| compare_with(wit, folder)).collect()
}

/// Returns the folders of releases, sorted by name.
fn releases(released: &Path) -> Result<Vec<PathBuf>> {
    if !released.exists() {
        return Ok(Vec::new());
    }
    let entries = released.read_dir().with_context(|| format!("cannot read {}", released.display()))?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.sort();
    Ok(folders)
}

fn compare_with(wit: &Path, folder: &Path) -> Result<String> {
    let (today, mut released) = (read(wit)?, read(folder)?);
    let (name, version) = (today.main.name.clone(), released.main.name.version.clone());
    let version = version.map(|version| version.to_string()).unwrap_or_default();
    if folder.file_name().is_none_or(|name| name.to_str() != Some(&version)) {
        bail!("{} holds the version {version:?}; name the folder as the version", folder.display());
    }
    if name != released.main.name {
        bail!(
            "{} is {name}, and {} is released: a host would look for another name than such components export; set it back, and \
            put another version into a folder of its own, for hosts that load both",
            wit.display(),
            released.main.name
        );
    }
    // One `Resolve` cannot hold two packages of the same name. The comparison ignores versions.
    released.main.name.version = None;
    let mut resolve = Resolve::default();
    let today = resolve.push_group(today).map_err(anyhow::Error::from).with_context(|| unusable(wit))?;
    let released = resolve.push_group(released).map_err(anyhow::Error::from).with_context(|| unusable(folder))?;
    let changed = |what: &str| {
        format!(
            "the contract in {} is no longer the released {version}: {what}. A released interface can neither lose nor gain \
            anything, or components in use fail to load: set it back to what is in {}; what is new goes into an interface and a \
            world of its own",
            wit.display(),
            folder.display()
        )
    };
    for (world, old) in worlds(&resolve, released) {
        let new = worlds(&resolve, today).find(|(name, _)| *name == world).map(|(_, id)| id);
        let new = new.with_context(|| changed(&format!("the world {world} is gone")))?;
        semver_check(resolve.clone(), old, new)
            .with_context(|| changed(&format!("a component built for {version} is not what a host now asks for")))?;
        semver_check(resolve.clone(), new, old)
            .with_context(|| changed(&format!("a component built now is not what a host of {version} asks for")))?;
    }
    Ok(version)
}

fn read(folder: &Path) -> Result<UnresolvedPackageGroup> {
    UnresolvedPackageGroup::parse_dir(folder).with_context(|| unusable(folder))
}

fn unusable(folder: &Path) -> String {
    format!("{} holds no contract that can be read", folder.display())
}

fn worlds(resolve: &Resolve, package: PackageId) -> impl Iterator<Item = (&str, wit_parser::WorldId)> {
    let worlds = resolve.packages.get(package).into_iter().flat_map(|package| &package.worlds);
    worlds.map(|(name, id)| (name.as_str(), *id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: [(&str, &str); 8] = [
        ("payment-provider.wit", include_str!("../../wit/payment-provider.wit")),
        ("exchanges.wit", include_str!("../../wit/exchanges.wit")),
        ("asking.wit", include_str!("../../wit/asking.wit")),
        ("payment-status.wit", include_str!("../../wit/payment-status.wit")),
        ("refunds.wit", include_str!("../../wit/refunds.wit")),
        ("recurring-payments.wit", include_str!("../../wit/recurring-payments.wit")),
        ("settlement-reports.wit", include_str!("../../wit/settlement-reports.wit")),
        ("world.wit", include_str!("../../wit/world.wit")),
    ];

    /// Writes the contract into a folder. `from`, which stands at most once in a file, is replaced by `to`.
    fn write(folder: &Path, from: &str, to: &str) {
        for (name, text) in CONTRACT {
            let text = if from.is_empty() { text.to_owned() } else { text.replacen(from, to, 1) };
            std::fs::write(folder.join(name), text).unwrap();
        }
    }

    /// Releases the contract as it is, replaces a text in it, and compares the two.
    fn changed(from: &str, to: &str) -> Result<Vec<String>> {
        let matches: Vec<usize> = CONTRACT.iter().map(|(_, text)| text.matches(from).count()).collect();
        assert!(from.is_empty() || (matches.contains(&1) && matches.iter().all(|count| *count < 2)), "{from}: {matches:?}");
        let wit = tempfile::tempdir().unwrap();
        let released = wit.path().join("released/1.0.0");
        std::fs::create_dir_all(&released).unwrap();
        write(&released, "", "");
        write(wit.path(), from, to);
        compare(wit.path())
    }

    const METHODS: &str = "enum http-method { get, post, put, patch, delete }";
    const DESCRIBE: &str = "    describe: func() -> description;\n";
    const YEAR: &str = "        year: u16,\n";
    const MONTH: &str = "        /// 1 to 12.\n        month: u8,\n";

    #[test]
    fn what_components_do_not_notice_passes() {
        let other_world = "interface more { another: func(); }\nworld more-provider { include provider; export more; }\n";
        for (from, to) in [
            ("", ""),
            ("    /// What happened to the payer's money.", "    /// Other words.\n    /// And more of them."),
            ("    /// 1 to 9999.\n", ""),
            ("world provider {", &format!("{other_world}\nworld provider {{")),
        ] {
            assert_eq!(changed(from, to).unwrap(), ["1.0.0"], "{to}");
        }
    }

    #[test]
    fn what_breaks_components_or_hosts_in_use_fails() {
        let [built, host] = ["a component built for 1.0.0 is not what", "a component built now is not what"];
        for (name, from, to, finding) in [
            ("a removed function", DESCRIBE, "", host),
            ("a removed method", "        read: func() -> option<export-part>;\n", "", host),
            ("a new function", DESCRIBE, &format!("{DESCRIBE}    describe-more: func();\n"), built),
            ("a result of another type", DESCRIBE, "    describe: func() -> option<description>;\n", built),
            (
                "an argument of another type",
                "handle-callback: func(request:",
                "handle-callback: func(request: string, r:",
                built,
            ),
            ("a field of another type", "minor-units: s64,\n        /// ISO", "minor-units: u64,\n        /// ISO", built),
            ("a new field", "        year: u16,\n", "        year: u16,\n        era: u8,\n", built),
            ("a removed field", "        year: u16,\n", "", built),
            ("fields in another order", &format!("{YEAR}{MONTH}"), &format!("{MONTH}{YEAR}"), built),
            ("a renamed field", "        year: u16,\n", "        years: u16,\n", built),
            ("a new case", METHODS, "enum http-method { get, post, put, patch, delete, head }", built),
            ("a removed case", METHODS, "enum http-method { post, put, patch, delete }", built),
            ("another resource", DESCRIBE, &format!("{DESCRIBE}    resource more;\n"), built),
            (
                "an import",
                "world provider {\n",
                "interface clock { now: func(); }\nworld provider {\n    import clock;\n",
                host,
            ),
            ("no export", "world provider {\n    export payment-provider;\n", "world provider {\n", host),
            ("an ability that is gone", "    export refunds;\n", "", host),
            (
                "a new question",
                "        movements(movements-query),\n",
                "        movements(movements-query),\n        balance(string),\n",
                built,
            ),
            ("another name of the world", "world provider {", "world providers {", "the world provider is gone"),
            ("another version", "package billing:payments@1.0.0;", "package billing:payments@1.1.0;", "another name"),
            ("another package", "package billing:payments@1.0.0;", "package billing:payment@1.0.0;", "another name"),
            ("no contract", "interface payment-provider {", "interface {", "no contract that can be read"),
        ] {
            let error = changed(from, to).map(|_| name).expect_err(name);
            assert!(format!("{error:#}").contains(finding), "{name}: {error:#}");
        }
    }

    #[test]
    fn a_contract_that_was_never_released_is_compared_with_nothing() {
        let wit = tempfile::tempdir().unwrap();
        assert_eq!(compare(wit.path()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_release_lies_in_the_folder_of_its_version() {
        let wit = tempfile::tempdir().unwrap();
        let released = wit.path().join("released/1.0.1");
        std::fs::create_dir_all(&released).unwrap();
        for folder in [wit.path(), &released] {
            write(folder, "", "");
        }
        let error = compare(wit.path()).unwrap_err().to_string();
        assert!(error.contains("\"1.0.0\"") && error.contains("1.0.1"), "{error}");
    }
}
