//! What the stand-in programs share.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::api::{ApiServer, PaymentApi};
use crate::courier::Patience;
use crate::serving::Running;
use crate::system::PaymentSystem;
use crate::terminal::{Terminal, page};

/// When callbacks are sent, as a program's arguments say it.
#[derive(Args)]
pub struct PatienceArguments {
    /// How long after the buyer's return the callback of the scenario `delay` is sent.
    #[arg(long, default_value_t = Patience::default().delay_ms)]
    delay_ms: u64,
    /// How many times a callback is sent until it is taken.
    #[arg(long, default_value_t = Patience::default().attempts_max)]
    attempts_max: u32,
    /// The time before the second attempt; it doubles before each further one.
    #[arg(long, default_value_t = Patience::default().retry_ms)]
    retry_ms: u64,
}

impl From<PatienceArguments> for Patience {
    fn from(PatienceArguments { delay_ms, attempts_max, retry_ms }: PatienceArguments) -> Patience {
        Patience { delay_ms, attempts_max, retry_ms, ..Patience::default() }
    }
}

/// Prints the address and serves until the process is killed.
pub fn serve<S: PaymentSystem>(program: &str, config: Result<S::Config, String>, listen: &str) -> ExitCode {
    let started = config.and_then(|config| Running::<S>::start(config, listen).map_err(|error| error.to_string()));
    run(program, started.map(|running| (listening(running.address()), running)))
}

/// Keeps what was started until the process is killed, after printing what describes it.
fn run<T>(program: &str, started: Result<(String, T), String>) -> ExitCode {
    let printed = started.and_then(|(description, kept)| {
        let mut out = std::io::stdout();
        writeln!(out, "{description}").and_then(|()| out.flush()).map_err(|error| error.to_string())?;
        Ok(kept)
    });
    match printed {
        Ok(_kept) => loop {
            std::thread::park();
        },
        Err(message) => {
            eprintln!("{program}: {message}");
            ExitCode::from(2)
        }
    }
}

fn listening(address: SocketAddr) -> String {
    format!("listening on http://{address}")
}

/// Returns the value of an environment variable.
///
/// # Errors
/// If it is not set. `what` names what it should contain.
pub fn secret_of(variable: &str, what: &str) -> Result<String, String> {
    std::env::var(variable).map_err(|_| format!("the environment variable {variable} holds no {what}; set it"))
}

/// Returns the seconds since 1970. Ids that count up from there are not repeated after a restart.
pub fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}

/// Serves a payment system with an API until the process is killed. Prints its address, and the address of its page.
pub fn serve_api<P: PaymentApi>(program: &str, system: Result<P, String>, listen: &str) -> ExitCode {
    let started = system.and_then(|system| ApiServer::start(system, listen).map_err(|error| error.to_string()));
    let describe =
        |server: ApiServer<P>| (format!("{}\npay and pay back on {}", listening(server.address()), server.page()), server);
    run(program, started.map(describe))
}

/// Serves the page of a terminal until the process is killed. Prints its address.
pub fn serve_terminal(program: &str, terminal: Result<Terminal, String>, listen: &str) -> ExitCode {
    let started = terminal.and_then(|terminal| page::serve(terminal, listen).map_err(|error| error.to_string()));
    run(program, started.map(|serving| (listening(serving.address()), serving)))
}
