//! `host-harness`: loads a payment provider and calls it, from the command line.

mod callback;
mod check;
mod compile_check;
mod component;
mod data_lock;
mod escape;
mod export;
mod failure;
mod input;
mod inspect;
mod ledger;
mod link;
mod measure;
mod new;
mod operator;
mod output;
mod provider;
mod secret_file;
mod serve;
mod swap;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Loads a payment provider, a WebAssembly component of the contract billing:payments, and calls it in a sandbox that reaches
/// nothing.
///
/// Exit codes: 0 done (a callback is accepted or ignored), 2 unusable arguments or files, 3 a callback is refused or the
/// provider has a problem with what it was given, or an export is not what its manifest says, or a check does not hold, 4 a limit was
/// passed or the provider crashed, 5 the component cannot be loaded.
#[derive(Parser)]
#[command(version, max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(new::Arguments),
    Component(component::Arguments),
    #[command(name = compile_check::NAME, hide = true)]
    CompileCheck(compile_check::Arguments),
    Inspect(inspect::Arguments),
    Link(link::Arguments),
    Callback(callback::Arguments),
    Check(check::Arguments),
    Export(export::Arguments),
    Measure(measure::Arguments),
    Verify(verify::Arguments),
    Serve(serve::Arguments),
    Swap(swap::Arguments),
    Provider(provider::Arguments),
    Operator(operator::Arguments),
    Ledger(ledger::Arguments),
}

impl Command {
    fn run(&self) -> Result<ExitCode, Failure> {
        match self {
            Command::New(arguments) => new::run(arguments),
            Command::Component(arguments) => component::run(arguments),
            Command::CompileCheck(_) => Ok(compile_check::run()),
            Command::Inspect(arguments) => inspect::run(arguments),
            Command::Link(arguments) => link::run(arguments),
            Command::Callback(arguments) => callback::run(arguments),
            Command::Check(arguments) => check::run(arguments),
            Command::Export(arguments) => export::run(arguments),
            Command::Measure(arguments) => measure::run(arguments),
            Command::Verify(arguments) => verify::run(arguments),
            Command::Serve(arguments) => serve::run(arguments),
            Command::Swap(arguments) => swap::run(arguments),
            Command::Provider(arguments) => provider::run(arguments),
            Command::Operator(arguments) => operator::run(arguments),
            Command::Ledger(arguments) => ledger::run(arguments),
        }
    }

    fn wants_json(&self) -> bool {
        match self {
            Command::Inspect(arguments) => arguments.json,
            Command::Link(arguments) => arguments.json,
            Command::Callback(arguments) => arguments.json || arguments.jsonl,
            Command::Check(arguments) => arguments.json,
            Command::Export(arguments) => arguments.json,
            Command::Measure(arguments) => arguments.json,
            Command::Verify(arguments) => arguments.json,
            Command::Swap(arguments) => arguments.json,
            Command::Provider(arguments) => arguments.json,
            Command::Ledger(arguments) => arguments.wants_json(),
            Command::New(_) | Command::Component(_) | Command::CompileCheck(_) | Command::Serve(_) | Command::Operator(_) => {
                false
            }
        }
    }
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    command.run().unwrap_or_else(|failure| {
        if let (true, Some(problems)) = (command.wants_json(), failure.problems()) {
            // What went wrong is on stderr already if this cannot be written.
            let _ = output::json(&serde_json::json!({ "problems": problems }));
        }
        if let Failure::Unread = failure {
            return ExitCode::SUCCESS;
        }
        eprintln!("host-harness: {}", failure.shown());
        failure.exit_code()
    })
}
