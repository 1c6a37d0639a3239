//! `host-harness`: loads a payment provider and calls it, from the command line.

mod call;
mod callback;
mod calls;
mod check;
mod compile_check;
mod component;
mod data_folder;
mod data_lock;
mod escape;
mod export;
mod failure;
mod input;
mod inspect;
mod ledger;
mod link;
mod measure;
mod named;
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
/// Exit codes: 0 done (a callback is accepted, unresolved or ignored), 1 what stands in the way may pass by itself (a full disk, a lock
/// or a port of another process), 2 unusable arguments or files, 3 a callback is refused or the
/// provider has a problem with what it was given, or an export is not what its manifest says, or a check does not hold, 4 a call
/// exceeded a limit or the provider crashed, 5 the component cannot be loaded.
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
    Call(call::Arguments),
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
            Command::Call(arguments) => call::run(arguments),
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
            Command::Call(arguments) => arguments.json,
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
            // If this cannot be written, stderr still gets the failure.
            let _ = output::json(&serde_json::json!({ "problems": problems }));
        }
        if let Failure::Unread = failure {
            return ExitCode::SUCCESS;
        }
        eprintln!("host-harness: {}", failure.shown());
        failure.exit_code()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap_markdown::MarkdownOptions;
    use expect_test::expect_file;

    use super::*;

    /// The longest line of a document, in characters.
    const LINE_CHARS_MAX: usize = 128;

    /// `UPDATE_EXPECT=1 cargo test --release --workspace --locked cli_page` rewrites the page.
    #[test]
    fn cli_page_says_what_help_says() {
        let options = MarkdownOptions::new().title("The command line".to_owned()).show_footer(false);
        let page = clap_markdown::help_markdown_command_custom(&Arguments::command(), &options);
        let own = "This document contains the help content for the `host-harness` command-line program.";
        let page =
            page.replacen(own, "What `host-harness --help` says of each command. A test makes this page of the program.", 1);
        let mut lines: Vec<String> = page.trim_end().lines().map(|line| wrapped(line.trim_end())).collect();
        lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
        expect_file!["../../../docs/cli.md"].assert_eq(&format!("{}\n", lines.join("\n")));
    }

    #[test]
    fn lines_are_cut_at_spaces() {
        let word = "x".repeat(LINE_CHARS_MAX - 4);
        for (line, want) in [
            ("  short".to_owned(), "  short".to_owned()),
            (format!("{word} yes no"), format!("{word} yes\nno")),
            (format!("* {word} yes no"), format!("* {word}\n  yes no")),
            // A dash at the beginning of a line would start a list.
            (format!("{word} no - yes"), format!("{word} no -\nyes")),
            (format!("{word}{word}"), format!("{word}{word}")),
        ] {
            assert_eq!(wrapped(&line), want);
        }
    }

    /// Wraps a line of Markdown into lines of the same paragraph or item.
    fn wrapped(line: &str) -> String {
        let text = line.trim_start();
        let mut lines = vec![" ".repeat(line.len() - text.len())];
        let indent = lines.concat() + if text.starts_with("* ") { "  " } else { "" };
        for word in text.split(' ') {
            let last = lines.last_mut().unwrap();
            if last.trim().is_empty() {
                last.push_str(word);
            } else if last.chars().count() + 1 + word.chars().count() > LINE_CHARS_MAX && word != "-" {
                lines.push(format!("{indent}{word}"));
            } else {
                *last = format!("{last} {word}");
            }
        }
        lines.join("\n")
    }
}
