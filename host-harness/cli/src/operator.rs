//! `operator`: manages who may log in to the pages.

use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use host::Ledger;
use host::operators::{self, OperatorError};

use crate::failure::Failure;
use crate::{data_folder, output};

/// Sets an operator's password for the pages, or makes the operator. The password is asked for at the terminal, or read from
/// standard input, one line; it is never an argument.
///
/// Example: host-harness operator anna --data /var/lib/harness
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("who").required(true).args(["name", "list"])))]
pub struct Arguments {
    /// The operator's name: Latin letters, digits, dots, hyphens, underscores.
    name: Option<String>,
    /// The folder that `serve` has its data in.
    #[arg(long)]
    data: PathBuf,
    /// Takes the password away: nobody logs in by the name any more, and who is logged in is out.
    #[arg(long, requires = "name")]
    remove: bool,
    /// Shows who may log in, a name a line.
    #[arg(long)]
    list: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { name, data, remove, .. } = arguments;
    match name {
        None => list(data)?,
        Some(name) if *remove => {
            operators::remove(&existing(data)?, name).map_err(unusable)?;
            output::line(&format!("the operator {name} was removed"))?;
        }
        Some(name) => {
            let password = password()?;
            operators::check_password(name, &password).map_err(unusable)?;
            data_folder::create(data)?;
            let ledger = data_folder::ledger(data)?;
            operators::set_password(&ledger, name, &password).map_err(unusable)?;
            output::line(&format!("the password of the operator {name} was saved"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unusable(error: OperatorError) -> Failure {
    Failure::Usage(error.to_string())
}

fn list(data: &Path) -> Result<(), Failure> {
    operators::list(&existing(data)?).map_err(unusable)?.iter().try_for_each(|name| output::line(name))
}

/// Opens the ledger of a folder if there is one: looking creates nothing.
fn existing(data: &Path) -> Result<Ledger, Failure> {
    let database = data_folder::database(data);
    std::fs::metadata(&database).map_err(|error| Failure::file(&database, error))?;
    data_folder::ledger(data)
}

fn password() -> Result<String, Failure> {
    let unreadable = |error: io::Error| Failure::Usage(format!("the password cannot be read: {error}"));
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("Password: ").map_err(unreadable)?;
    if rpassword::prompt_password("Once more: ").map_err(unreadable)? != password {
        return Err(Failure::Usage("the two are not the same; nothing was changed".to_owned()));
    }
    Ok(password)
}
