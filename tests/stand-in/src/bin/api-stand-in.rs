//! `api-stand-in`: a payment system with an API that moves no money.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use stand_in::api::tbank::{self, TBank};
use stand_in::program::{seconds_since_1970, secret_of, serve_api};

/// A payment system with an API that moves no money.
///
/// Name its address as the provider's API. A page of it pays payments and pays them back.
#[derive(Parser)]
#[command(version, max_term_width = 120)]
struct Arguments {
    /// The address to listen on; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:0", global = true)]
    listen: String,
    #[command(subcommand)]
    system: System,
}

#[derive(Subcommand)]
enum System {
    /// T-Bank's acquiring; its API is at /v2.
    ///
    /// Example: PASSWORD=TestPassword1 api-stand-in tbank --terminal-key 1321054611234 --password-env PASSWORD --callback-url
    /// http://127.0.0.1:8080/callbacks/tbank
    Tbank(TBankArguments),
}

#[derive(clap::Args)]
struct TBankArguments {
    /// The terminal's key.
    #[arg(long)]
    terminal_key: String,
    /// The environment variable that holds the terminal's password.
    #[arg(long, value_name = "VARIABLE")]
    password_env: String,
    /// Where notifications go when an order names no address.
    #[arg(long, value_name = "URL")]
    callback_url: String,
}

fn main() -> ExitCode {
    let Arguments { listen, system } = Arguments::parse();
    match system {
        System::Tbank(arguments) => serve_api("api-stand-in", tbank(arguments), &listen),
    }
}

fn tbank(arguments: TBankArguments) -> Result<TBank, String> {
    let TBankArguments { terminal_key, password_env, callback_url } = arguments;
    let password = secret_of(&password_env, "password")?.as_str().into();
    Ok(TBank::new(tbank::Config { terminal_key, password, callback_url, first_payment: seconds_since_1970() }))
}
