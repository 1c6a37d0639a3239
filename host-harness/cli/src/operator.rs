//! `operator`: who may log in to the pages.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::{output, serve};

/// Sets an operator's password for the pages, or makes the operator. The password is asked for at the terminal, or read from
/// standard input, one line; it is never an argument.
///
/// Example: host-harness operator anna --data /var/lib/harness
#[derive(clap::Args)]
pub struct Arguments {
    /// The operator's name: letters, digits, dots, hyphens, underscores.
    name: String,
    /// The folder that `serve` has its data in.
    #[arg(long)]
    data: PathBuf,
    /// Takes the password away: nobody logs in by the name any more, and who is logged in is out.
    #[arg(long)]
    remove: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.remove {
        let ledger = serve::ledger(&serve::database(&arguments.data))?;
        gateway::remove_operator(&ledger, &arguments.name).map_err(|error| Failure::Unusable(error.to_string()))?;
        output::line(&format!("{} may not log in", arguments.name))?;
        return Ok(ExitCode::SUCCESS);
    }
    let password = password()?;
    std::fs::create_dir_all(&arguments.data).map_err(|error| Failure::file(&arguments.data, error))?;
    let ledger = serve::ledger(&serve::database(&arguments.data))?;
    let set = gateway::set_password(&ledger, &arguments.name, &password);
    set.map_err(|error| Failure::Unusable(error.to_string()))?;
    output::line(&format!("{} may log in", arguments.name))?;
    Ok(ExitCode::SUCCESS)
}

fn password() -> Result<String, Failure> {
    let unreadable = |error: io::Error| Failure::Unusable(format!("the password cannot be read: {error}"));
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("Password: ").map_err(unreadable)?;
    if rpassword::prompt_password("Once more: ").map_err(unreadable)? != password {
        return Err(Failure::Unusable("the two are not the same; nothing was changed".to_owned()));
    }
    Ok(password)
}
