//! Months of write-offs in every format for 1C, checked by programs that share no code with the project.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::build::Built;
use crate::run::{cargo, install, output, root, run, step, target_dir};

/// The sizes of the months, in write-offs. The small ones are exported in every format and mode; the large one only where it
/// can show something else.
const SIZES: [u32; 3] = [10, 1_000, LARGE];
const LARGE: u32 = 100_000;
const FORMATS: [&str; 5] =
    ["enterprise-data-1.17", "enterprise-data-1.19", "enterprise-data-1.20", "enterprise-data-1.22", "enterprise-data-1.8"];
const MODES: [&str; 2] = ["per-subscriber", "summary-individuals"];
/// The formats and modes of the large month: the oldest layout of the tables, and the newest in both modes.
const LARGE_IN: [(&str, &str); 3] = [
    ("enterprise-data-1.8", "per-subscriber"),
    ("enterprise-data-1.22", "per-subscriber"),
    ("enterprise-data-1.22", "summary-individuals"),
];

/// The variable with the path of the program that checks EnterpriseData files by 1C's schemas. The schemas are 1C's own and not
/// part of this project.
const CHECKER: &str = "ONEC_CHECK";

/// Exports months in every format and mode. Each export is verified, read again in decimal arithmetic by a program in another
/// language, and checked by 1C's schemas if their checker exists. Returns what was not checked.
pub fn check(built: &Built) -> Result<Option<String>> {
    let checker = std::env::var_os(CHECKER).map_or_else(|| root().join("../shared/onec/check.py"), PathBuf::from);
    let has_checker = checker.is_file();
    install("python3", "python3")?;
    if has_checker {
        install("xmllint", "libxml2-utils")?;
    }
    run(cargo().args(["build", "--quiet", "--release", "--workspace", "--example", "month"]))?;
    let folder = target_dir().join("months");
    std::fs::create_dir_all(&folder)?;
    for size in SIZES {
        step(&format!("months of {size} write-offs for 1C"));
        for old in [false, true] {
            let rows = folder.join("rows.jsonl");
            let mut month = Command::new(target_dir().join("release/examples/month"));
            month.arg(size.to_string()).args(old.then_some("old"));
            std::fs::write(&rows, output(&mut month)?)?;
            for format in FORMATS.iter().filter(|format| (**format == "enterprise-data-1.8") == old) {
                for mode in MODES.into_iter().filter(|mode| size < LARGE || LARGE_IN.contains(&(format, mode))) {
                    let export = Export { built, rows: &rows, format, mode, out: folder.join("month.xml") };
                    export
                        .check(has_checker.then_some(&checker))
                        .with_context(|| format!("{size} write-offs, {format}, {mode}"))?;
                }
            }
        }
    }
    std::fs::remove_dir_all(&folder)?;
    let not_checked = format!("the months against 1C's schemas: {} is not there, set {CHECKER} to it", checker.display());
    Ok((!has_checker).then_some(not_checked))
}

struct Export<'b> {
    built: &'b Built,
    rows: &'b Path,
    format: &'b str,
    mode: &'b str,
    out: PathBuf,
}

impl Export<'_> {
    fn check(&self, checker: Option<&PathBuf>) -> Result<()> {
        let data = |name: &str| root().join("tests/data").join(name);
        let mut export = Command::new(&self.built.host_harness);
        export.arg("export").arg(&self.built.chronopay).arg("--settings").arg(data("demo/settings.toml"));
        export.arg("--options").arg(data("onec/options.json")).arg("--rows").arg(self.rows).arg("--out").arg(&self.out);
        export.args(["--json", "--format", self.format, "--option", &format!("mode={}", self.mode)]);
        // The months have both general rates of VAT.
        export.args(["--option", "other-vat-rate=20"]);
        let manifest: Value = serde_json::from_str(&output(&mut export)?)?;
        output(Command::new(&self.built.host_harness).arg("verify").arg(&self.out))?;

        let manifest_path = format!("{}.manifest.json", self.out.display());
        let mut reread = Command::new("python3");
        run(reread.arg(root().join("tests/reread.py")).arg(self.rows).arg(self.mode).arg(manifest_path))?;
        if let Some(checker) = checker {
            let integer =
                |pointer: &str| manifest.pointer(pointer).and_then(Value::as_i64).context("the manifest lacks a total");
            // The VAT of the individuals' lines is a sum of amounts that were rounded write-off by write-off.
            let tolerance = if self.mode == "summary-individuals" { integer("/rows")? } else { 0 };
            let mut check = Command::new("python3");
            check.arg(checker).arg(&self.out).arg("--kopecks").arg(integer("/amount/minor_units")?.to_string());
            let told = output(check.arg("--vat-tolerance").arg(tolerance.to_string()))?;
            if !told.ends_with("OK") {
                bail!("{told}");
            }
            println!(
                "{} {}: {}",
                self.format,
                self.mode,
                told.rsplit_once(": EnterpriseData ").map_or(told.as_str(), |(_, told)| told)
            );
        }
        Ok(())
    }
}
