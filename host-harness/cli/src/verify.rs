//! `verify`: reads an export again.

use std::path::PathBuf;
use std::process::ExitCode;

use export::verify::verify;
use serde_json::json;

use crate::export::summary;
use crate::failure::{self, Failure};
use crate::output;

/// Reads an export again, with a reader that shares no code with its writer, and says what differs from its manifest or breaks its
/// format. Exit code 3 where anything does.
///
/// Example: host-harness verify october.xml
#[derive(clap::Args)]
pub struct Arguments {
    /// The exported file, or the name that its numbered files were made of; FILE.manifest.json lies beside it.
    file: PathBuf,
    /// Prints JSON: passed, differences, differences_count, manifest.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let report = verify(&arguments.file).map_err(|error| Failure::Usage(error.to_string()))?;
    if arguments.json {
        output::json(&json!({
            "passed": report.passes(), "differences": report.differences, "differences_count": report.differences_count,
            "manifest": report.manifest,
        }))?;
    } else {
        output::line(&summary(&arguments.file, &report.manifest))?;
        for difference in &report.differences {
            output::line(&format!("  differs: {difference}"))?;
        }
        let told = report.differences.len() as u64;
        output::line(&match report.differences_count {
            0 => "verified: everything is as the manifest says".to_owned(),
            count if count == told => format!("NOT verified: {count} differences"),
            count => format!("NOT verified: {count} differences, the first {told} of them above"),
        })?;
    }
    Ok(if report.passes() { ExitCode::SUCCESS } else { ExitCode::from(failure::REFUSED) })
}
