//! `ledger`: what can be done with a ledger while nothing or something serves it.

use std::path::PathBuf;
use std::process::ExitCode;

use ledger::Imbalance;
use money::format_amount;

use crate::failure::{Failure, REFUSED};
use crate::{output, serve};

/// Looks at a ledger.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Compares every balance, and every hour's sums, with the entries that they are the sums of. Exit code 3: some differ.
    ///
    /// Example: host-harness ledger check --data /var/lib/harness
    Check {
        /// The folder that `serve` has its data in.
        #[arg(long)]
        data: PathBuf,
    },
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Command::Check { data } = &arguments.command;
    let database = serve::database(data);
    // Opening would make one.
    std::fs::metadata(&database).map_err(|error| Failure::file(&database, error))?;
    let imbalances = serve::ledger(&database)?.check().map_err(|error| Failure::file(&database, error))?;
    for Imbalance { of, kept, minor_units_of_entries } in &imbalances {
        let kept_text = format_amount(kept.minor_units);
        output::line(&format!(
            "{of}: {kept_text} {} is kept, entries come to {minor_units_of_entries} minor units",
            kept.currency
        ))?;
    }
    if imbalances.is_empty() {
        output::line("every balance is the sum of its entries")?;
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("host-harness: {} sums differ from their entries; restore the ledger from a copy", imbalances.len());
    Ok(ExitCode::from(REFUSED))
}
