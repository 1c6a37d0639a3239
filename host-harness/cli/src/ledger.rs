//! `ledger`: what can be done with a ledger while nothing or something serves it.

use std::path::PathBuf;
use std::process::ExitCode;

use ledger::{Error, Imbalance, Ledger, NoDay, Sqlite};
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
    /// Compares every balance, and every hour's sums, with the entries that they are the sums of, and names write-offs whose days are
    /// none of the calendar, about which nobody decided. Exit code 3: there are such.
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
    let ledger = serve::ledger(&database)?;
    let of_no_day = of_no_day(&ledger).map_err(|error| Failure::file(&database, error))?;
    for no_day in &of_no_day {
        output::line(&in_no_month(no_day))?;
    }
    let imbalances = ledger.check().map_err(|error| Failure::file(&database, error))?;
    for Imbalance { of, kept, minor_units_of_entries } in &imbalances {
        let kept_text = format_amount(kept.minor_units);
        output::line(&format!(
            "{of}: {kept_text} {} is kept, entries come to {minor_units_of_entries} minor units",
            kept.currency
        ))?;
    }
    if imbalances.is_empty() {
        output::line("every balance is the sum of its entries")?;
        return Ok(if of_no_day.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) });
    }
    eprintln!("host-harness: {} sums differ from their entries; restore the ledger from a copy", imbalances.len());
    Ok(ExitCode::from(REFUSED))
}

/// How many write-offs are read at once.
const PAGE_ROWS: u32 = 1000;

/// The write-offs of an older program whose days are none of the calendar, but those that an operator decided to leave out.
fn of_no_day(ledger: &Ledger<Sqlite>) -> Result<Vec<NoDay>, Error> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = ledger.writeoffs_of_no_day(&after, PAGE_ROWS)?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after.clone_from(&last.id);
        found.extend(page.into_iter().filter(|(_, exclusion)| exclusion.is_none()).map(|(no_day, _)| no_day));
    }
}

fn in_no_month(NoDay { id, account, period, date, amount }: &NoDay) -> String {
    format!(
        "the write-off {id} of the account {account}, {} {}: its day is {date} and its period begins on {period}, of which one is no \
         day of the calendar, so no month's export holds it; leave it out of exports with a reason, and where need be enter it again \
         under a new id",
        format_amount(amount.minor_units),
        amount.currency
    )
}
