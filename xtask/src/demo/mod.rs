//! Shows the component and the host at work, in about two pages. Everything that the pages say is checked as it is printed.

mod client;
mod component;
mod service;
mod swap;
mod watchdog;

use std::fmt::Debug;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use money::format_amount;
use serde_json::Value;

use crate::build::{self, Built, Scope};
use crate::run::root;

/// How many characters of a link or of a register's line fit on the page.
const LINE_CHARS_MAX: usize = 110;

/// Builds the components and the programs, and shows them. Then serves until it is interrupted, unless `once` is set.
pub fn demo(once: bool) -> Result<()> {
    show(&build::build(Scope::Demo)?, once)
}

/// Shows what was built.
///
/// # Errors
/// If anything is not as the page says.
pub fn show(built: &Built, once: bool) -> Result<()> {
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let page = Page { colours };
    component::show(built, page)?;
    service::show(built, page, once)
}

/// The printed page.
#[derive(Clone, Copy)]
struct Page {
    colours: bool,
}

#[derive(Clone, Copy)]
enum Colour {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
}

impl Page {
    fn outcome(&self, what: &str, colour: Colour, outcome: &str) -> Result<()> {
        self.line(&format!("{what:<15} {}", self.paint(colour, outcome)))
    }

    fn title(&self, text: &str) -> Result<()> {
        Ok(writeln!(std::io::stdout(), "\n{}", self.paint(Colour::Bold, text))?)
    }

    fn line(&self, text: &str) -> Result<()> {
        Ok(writeln!(std::io::stdout(), "   {text}")?)
    }

    fn paint(&self, colour: Colour, text: &str) -> String {
        if self.colours { format!("\u{1b}[{}m{text}\u{1b}[0m", colour as u8) } else { text.to_owned() }
    }
}

fn answer(command: &mut Command) -> Result<Value> {
    let output = output(command, "")?;
    serde_json::from_str(&output).with_context(|| format!("{command:?} printed no JSON: {output}"))
}

/// Runs the program and returns what it prints. `input` is short enough to fit into a pipe's buffer.
fn output(command: &mut Command, input: &str) -> Result<String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {command:?}"))?;
    let mut stdin = child.stdin.take().context("a program has no standard input")?;
    stdin.write_all(input.as_bytes()).with_context(|| format!("{command:?} does not read its input"))?;
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("failed ({}): {command:?}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} printed no UTF-8"))
}

fn data(name: &str) -> PathBuf {
    root().join("tests/data").join(name)
}

fn read_json(name: &str) -> Result<Value> {
    let path = data(name);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

fn expect<T: PartialEq + Debug>(what: &str, got: T, want: T) -> Result<()> {
    if got != want {
        bail!("the demo went wrong: {what} is {got:?} instead of {want:?}");
    }
    Ok(())
}

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no text at {pointer} of {value}"))
}

fn integer(value: &Value, pointer: &str) -> Result<i64> {
    value.pointer(pointer).and_then(Value::as_i64).with_context(|| format!("no integer at {pointer} of {value}"))
}

fn flag(value: &Value, pointer: &str) -> Result<bool> {
    value.pointer(pointer).and_then(Value::as_bool).with_context(|| format!("no true or false at {pointer} of {value}"))
}

fn list<'v>(value: &'v Value, pointer: &str) -> Result<&'v Vec<Value>> {
    value.pointer(pointer).and_then(Value::as_array).with_context(|| format!("no list at {pointer} of {value}"))
}

/// Formats an amount as `100.00 RUB`.
fn money(value: &Value, pointer: &str) -> Result<String> {
    let minor_units = integer(value, &format!("{pointer}/minor_units"))?;
    Ok(format!("{} {}", format_amount(minor_units), text(value, &format!("{pointer}/currency"))?))
}

/// Returns the texts of all elements of a name.
fn between<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    text.split(&open).skip(1).filter_map(|rest| rest.split_once(&close).map(|(value, _)| value)).collect()
}

fn reply(answer: &Value) -> Result<String> {
    Ok(format!("reply {} {}", integer(answer, "/reply/status")?, text(answer, "/reply/body")?))
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}
