//! `callback`: returns the verdict on requests at the callback address.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use domain::{CallbackAnswer, CallbackRequest, Problem, ProvedEvent, Verdict};
use money::format_amount;
use sandbox::Merchant;
use serde_json::json;

use crate::failure::{Failure, REFUSED, UNUSABLE, code_of};
use crate::input::{Lines, MerchantArguments, RequestArguments};
use crate::{escape, output};

/// Judges a request as it arrived at the callback address, or with --jsonl any number of them.
///
/// Example: host-harness callback chronopay.wasm --settings settings.toml --body-file body.txt
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    merchant: MerchantArguments,
    #[command(flatten)]
    request: RequestArguments,
    /// Prints JSON: verdict (accepted, unresolved, ignored or refused), event, problem, reply.
    #[arg(long)]
    pub json: bool,
    /// Reads requests from standard input, one JSON record {"method", "query", "body"} a line, and prints the answers as JSON, one a
    /// line in the same order. A line that gets no verdict gets {"error": {"line", "message"}}; the others go on. The exit code is 0
    /// when every line got a verdict of any kind, else that of the worst error.
    #[arg(long, conflicts_with_all = ["method", "query", "body_file"])]
    pub jsonl: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.jsonl {
        return run_lines(&arguments.merchant.merchant()?);
    }
    if !arguments.request.is_given() {
        return Err(Failure::Usage("there is no request; give --query, --body-file or --jsonl".to_owned()));
    }
    let request = arguments.request.request()?;
    let answer = arguments.merchant.merchant()?.handle_callback(&request)?;
    if arguments.json {
        output::json(&answer)?
    } else {
        output::line(&text(&answer))?
    }
    Ok(match &answer.verdict {
        Verdict::Accepted(_) | Verdict::Unresolved(_) | Verdict::Ignored(_) => ExitCode::SUCCESS,
        Verdict::Refused(problem) => {
            eprintln!("host-harness: the callback is refused: {}", escape::line(&problem.to_string()));
            ExitCode::from(REFUSED)
        }
    })
}

/// Handles every line in a fresh instance: a line that crashes the provider does not affect the next.
fn run_lines(merchant: &Merchant) -> Result<ExitCode, Failure> {
    let unreadable = |error| Failure::Usage(format!("cannot read standard input: {error}"));
    let mut lines = Lines::new(io::stdin().lock());
    let mut out = BufWriter::new(io::stdout().lock());
    let mut code = 0;
    while let Some(line) = lines.next_record::<CallbackRequest>().map_err(unreadable)? {
        let (answer, line_code) = answer(merchant, line, lines.number());
        code = code.max(line_code);
        writeln!(out, "{}", escape::json(&answer)).map_err(output::unwritable)?;
        if lines.buffer_is_empty() {
            out.flush().map_err(output::unwritable)?;
        }
    }
    out.flush().map_err(output::unwritable)?;
    if code != 0 {
        eprintln!("host-harness: some lines got no verdict; look for \"error\" among the answers");
    }
    Ok(ExitCode::from(code))
}

fn answer(merchant: &Merchant, line: Result<CallbackRequest, String>, number: u64) -> (String, u8) {
    let error = |message: String| json!({ "error": { "line": number, "message": message } }).to_string();
    let request = match line {
        Ok(request) => request,
        Err(message) => return (error(message), UNUSABLE),
    };
    let answer = merchant.handle_callback(&request);
    match answer.map(|answer| serde_json::to_string(&answer)) {
        Ok(Ok(text)) => (text, 0),
        Ok(Err(problem)) => (error(problem.to_string()), UNUSABLE),
        Err(problem) => (error(problem.to_string()), code_of(&problem)),
    }
}

fn text(answer: &CallbackAnswer) -> String {
    let reply = format!("reply     {} {}", answer.reply.status, escape::line(&String::from_utf8_lossy(&answer.reply.body)));
    match &answer.verdict {
        Verdict::Accepted(event) => format!("accepted\n{}\n{reply}", event_text(event)),
        Verdict::Unresolved(problem) => format!("unresolved\n{}\n{reply}", problem_text(problem)),
        Verdict::Ignored(problem) => format!("ignored\n{}\n{reply}", problem_text(problem)),
        Verdict::Refused(problem) => format!("refused\n{}\n{reply}", problem_text(problem)),
    }
}

fn event_text(event: &ProvedEvent) -> String {
    let none = || "none".to_owned();
    let mut lines = vec![
        format!("kind      {:?}, {:?}", event.facts.kind, event.facts.recurrence).to_lowercase(),
        format!("amount    {} {}", format_amount(event.facts.amount.minor_units), event.facts.amount.currency),
        format!("order     {}", event.facts.order.as_deref().unwrap_or("none")),
        format!("payer     {}", event.facts.payer.clone().unwrap_or_else(none)),
        format!("time      {}", event.facts.occurred_at.clone().unwrap_or_else(none)),
        format!("comment   {}", event.comment),
        format!("key       {}", event.dedup_key),
    ];
    lines.extend(event.extra.iter().map(|(name, value)| format!("  {name} = {value}")));
    lines.iter().map(|line| escape::line(line)).collect::<Vec<_>>().join("\n")
}

fn problem_text(problem: &Problem) -> String {
    escape::line(&format!("problem   {problem}")).into_owned()
}
