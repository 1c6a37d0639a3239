//! `callback`: returns the verdict on requests at the callback address.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use domain::{CallbackAnswer, CallbackRequest, Context, Problem, ProvedEvent, Verdict};
use money::format_amount;
use sandbox::{Error, Merchant, NoAnswers, drive};
use serde_json::json;

use crate::call::unanswered;
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
    /// Prints JSON: verdict (happened, wanted, answered, unresolved, ignored, refused or unavailable), events, problem, reply.
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
    let (answer, context) = judge(&arguments.merchant.merchant()?, &request)?;
    if arguments.json {
        output::json(&answer)?
    } else {
        output::line(&text(&answer))?
    }
    Ok(match &answer.verdict {
        Verdict::Refused(problem) => {
            eprintln!("host-harness: the callback is refused: {}", escape::line(&problem.to_string()));
            ExitCode::from(REFUSED)
        }
        Verdict::Unavailable => {
            if let Some(what) = unanswered("handle-callback", &context) {
                eprintln!("host-harness: the callback is not judged: {}", escape::line(&what));
            }
            ExitCode::SUCCESS
        }
        _ => ExitCode::SUCCESS,
    })
}

/// Returns the verdict on a request, and what was asked for it. What the provider asks is not answered.
fn judge(merchant: &Merchant, request: &CallbackRequest) -> Result<(CallbackAnswer, Context), Error> {
    drive(request.received_at, &mut NoAnswers, |context| merchant.handle_callback(request, context))
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
    let answer = judge(merchant, &request);
    match answer.map(|(answer, _)| serde_json::to_string(&answer)) {
        Ok(Ok(text)) => (text, 0),
        Ok(Err(problem)) => (error(problem.to_string()), UNUSABLE),
        Err(problem) => (error(problem.to_string()), code_of(&problem)),
    }
}

fn text(answer: &CallbackAnswer) -> String {
    let CallbackAnswer { verdict, reply } = answer;
    let mut lines = vec![verdict.name().to_owned()];
    lines.extend(verdict.events().iter().map(event_text));
    lines.extend(verdict.problem().map(problem_text));
    lines.push(match reply {
        Some(reply) => format!("reply     {} {}", reply.status, escape::line(&String::from_utf8_lossy(&reply.body))),
        None => "reply     depends on what is made of the event".to_owned(),
    });
    lines.join("\n")
}

fn event_text(event: &ProvedEvent) -> String {
    let none = || "none".to_owned();
    let mut lines = vec![
        format!("kind      {}, {}", event.facts.kind.name(), event.facts.recurrence.name()),
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
