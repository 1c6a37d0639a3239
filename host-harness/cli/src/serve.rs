//! `serve`: the host over HTTP.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gateway::{Gateway, Token};
use ledger::{Ledger, Sqlite};
use sandbox::Merchant;

use crate::failure::Failure;
use crate::{input, output};

/// How many calls of providers go on at once.
const CONCURRENT_CALLS_MAX: u32 = 64;
/// Where the API's token may come from, instead of a file.
const TOKEN_VARIABLE: &str = "HARNESS_TOKEN";

/// Serves callbacks of payment systems and the API of billing over HTTP, with a ledger that credits each payment once.
///
/// The API's callers show a token: that of the environment variable HARNESS_TOKEN, or of DIR/token, which is made at the first
/// start. Ends on SIGTERM and SIGINT, after the requests that were begun.
///
/// Example: host-harness serve --data /var/lib/harness --public-url https://billing.example.ru --component
/// chronopay=chronopay.wasm --settings chronopay=settings.toml
#[derive(clap::Args)]
#[allow(rustdoc::bare_urls, reason = "clap shows it as it stands")]
pub struct Arguments {
    /// The folder with the ledger and the token; it is made where it is not there.
    #[arg(long)]
    data: PathBuf,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where payment systems and subscribers reach this host.
    #[arg(long)]
    public_url: String,
    /// A provider by a name, which its callbacks come to: /callbacks/NAME. Once for each provider.
    #[arg(long, value_name = "NAME=FILE", required = true)]
    component: Vec<String>,
    /// A provider's settings, a TOML file. Once for each provider.
    #[arg(long, value_name = "NAME=FILE")]
    settings: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(&arguments.data).map_err(|error| Failure::file(&arguments.data, error))?;
    let database = arguments.data.join("ledger.db");
    let gateway = Gateway {
        ledger: Ledger::new(Sqlite::open(&database).map_err(|error| Failure::file(&database, error))?),
        providers: providers(arguments)?,
        public_url: arguments.public_url.trim_end_matches('/').to_owned(),
        token: token(&arguments.data.join("token"))?,
    };
    let ready = |address: SocketAddr| drop(output::line(&format!("listening on http://{address}")));
    let served = gateway.run(arguments.listen, ready);
    served.map_err(|error| Failure::Unusable(format!("cannot listen on {}: {error}", arguments.listen)))?;
    Ok(ExitCode::SUCCESS)
}

fn providers(arguments: &Arguments) -> Result<BTreeMap<String, Merchant>, Failure> {
    let sandbox = input::sandbox(CONCURRENT_CALLS_MAX)?;
    let settings = named("settings", &arguments.settings)?;
    let mut providers = BTreeMap::new();
    for (name, component) in named("component", &arguments.component)? {
        let settings = settings.get(&name).ok_or_else(|| {
            Failure::Unusable(format!("the provider {name} has no settings; give them as --settings {name}=FILE"))
        })?;
        let merchant = input::load(&sandbox, &component)?.merchant(input::settings(settings, &[])?)?;
        providers.insert(name, merchant);
    }
    match settings.keys().find(|name| !providers.contains_key(*name)) {
        Some(name) => Err(Failure::Unusable(format!("there are settings for {name}, and no --component {name}=FILE"))),
        None => Ok(providers),
    }
}

/// Files by name.
fn named(argument: &str, values: &[String]) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut files = BTreeMap::new();
    for value in values {
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let pair = value.split_once('=').filter(|(name, _)| is_name(name));
        let (name, file) = pair.ok_or_else(|| {
            Failure::Unusable(format!(
                "--{argument} takes NAME=FILE with a name of letters, digits and hyphens, and not {value:?}"
            ))
        })?;
        if files.insert(name.to_owned(), PathBuf::from(file)).is_some() {
            return Err(Failure::Unusable(format!("--{argument} {name}=… stands twice")));
        }
    }
    Ok(files)
}

/// The token of the environment, or of the file, which is made where there is none.
fn token(path: &Path) -> Result<Token, Failure> {
    let unusable = |place: String| {
        Failure::Unusable(format!(
            "the token of {place} has less than 32 characters, or a space; `openssl rand -hex 32` makes one"
        ))
    };
    if let Ok(token) = std::env::var(TOKEN_VARIABLE) {
        return Token::new(token).ok_or_else(|| unusable(TOKEN_VARIABLE.to_owned()));
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|error| Failure::Unusable(format!("no randomness for a token: {error}")))?;
            let token = hex::encode(bytes);
            let written = file.write_all(token.as_bytes()).and_then(|()| file.sync_all());
            written.map_err(|error| Failure::file(path, error))?;
            Token::new(token).ok_or_else(|| unusable(path.display().to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
            Token::new(text.trim()).ok_or_else(|| unusable(path.display().to_string()))
        }
        Err(error) => Err(Failure::file(path, error)),
    }
}
