//! `provider`: lists, pauses, resumes and removes the payment systems of a running host.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::failure::{Failure, REFUSED};
use crate::{output, swap};

/// Says of the payment systems of a running host whether they can be used, pauses one, or takes it out of use.
///
/// A payment system that is paused takes no new orders, and its callbacks as before. One that is removed takes nothing: callbacks that
/// still come are answered 503, and shown to the operator. While orders are open, --remove needs --confirm. Exit code 3: it is refused.
///
/// Example: host-harness provider chronopay --pause --token-file /var/lib/harness/token
#[derive(clap::Args)]
pub struct Arguments {
    /// The provider's name; without it, all are listed.
    name: Option<String>,
    /// It takes no new orders.
    #[arg(long, requires = "name", conflicts_with_all = ["resume", "remove"])]
    pause: bool,
    /// It takes new orders again.
    #[arg(long, requires = "name", conflicts_with = "remove")]
    resume: bool,
    /// It is taken out of use; its settings are kept sealed.
    #[arg(long, requires = "name")]
    remove: bool,
    /// Removes it though orders are open that could still be paid.
    #[arg(long, requires = "remove")]
    confirm: bool,
    /// Who decides: it is kept and logged.
    #[arg(long, default_value = "cli")]
    operator: String,
    /// Where the host listens.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    host: String,
    /// The file with the host's token, DIR/token of its data; without it, the environment variable HARNESS_TOKEN has it.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// Prints the host's answer, JSON.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let bearer = format!("Bearer {}", swap::token(arguments.token_file.as_deref())?);
    let agent = swap::agent();
    let all = format!("{}/api/v1/providers", swap::address(&arguments.host)?);
    let one = format!("{all}/{}", arguments.name.as_deref().unwrap_or_default());
    let by = json!({"operator": arguments.operator});
    let answer = if arguments.remove {
        let request = agent.delete(&one).header("authorization", bearer).query("operator", &arguments.operator);
        request.query("confirm", arguments.confirm.to_string()).call()
    } else if arguments.pause || arguments.resume {
        let action = if arguments.pause { "pause" } else { "resume" };
        agent.post(format!("{one}/{action}")).header("authorization", bearer).send_json(by)
    } else {
        agent.get(&all).header("authorization", bearer).call()
    };
    let answer = answer.map_err(|error| swap::no_answer(&arguments.host, &error))?;
    if answer.status() == 204 {
        output::line(&done(arguments))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (status, answer) = swap::read(answer)?;
    if status == 401 {
        return Err(swap::wrong_token(arguments.token_file.as_deref()));
    }
    if let (200, Some(name)) = (status, arguments.name.as_deref())
        && !is_known(name, &answer)
    {
        return Err(Failure::Usage(format!("there is no provider {name}; without a name all are listed")));
    }
    if arguments.json {
        output::json(&answer)?;
    } else if status == 200 {
        output::line(&listed(arguments.name.as_deref(), &answer))?;
    } else {
        output::line(answer.pointer("/detail").and_then(Value::as_str).unwrap_or_default())?;
    }
    match status {
        200 => Ok(ExitCode::SUCCESS),
        409 | 422 => Ok(ExitCode::from(REFUSED)),
        _ => Err(Failure::Usage(format!("the host answered {status}; nothing was changed"))),
    }
}

fn done(arguments: &Arguments) -> String {
    let name = arguments.name.as_deref().unwrap_or_default();
    if arguments.remove {
        format!("{name} is removed")
    } else if arguments.pause {
        format!("{name} takes no new orders")
    } else {
        format!("{name} takes new orders")
    }
}

/// Formats a line for each provider, or for the named one.
fn listed(name: Option<&str>, answer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |provider: &Value| {
        let paused =
            provider.pointer("/paused/by").and_then(Value::as_str).map(|by| format!(", paused by {by}")).unwrap_or_default();
        let problem = provider["problem"].as_str().map(|problem| format!("\n  {problem}")).unwrap_or_default();
        format!("{} {}{paused}{problem}", text(&provider["name"]), text(&provider["state"]))
    };
    let removed = |provider: &Value| format!("{} removed by {}", text(&provider["name"]), text(&provider["by"]));
    let lines: Vec<String> =
        named(name, &answer["providers"]).map(line).chain(named(name, &answer["removed"]).map(removed)).collect();
    if lines.is_empty() { "there is no provider yet".to_owned() } else { lines.join("\n") }
}

/// Whether the answer has a provider of a name, also a removed one.
fn is_known(name: &str, answer: &Value) -> bool {
    named(Some(name), &answer["providers"]).chain(named(Some(name), &answer["removed"])).next().is_some()
}

/// The records of a list that have a name, or all.
fn named<'v>(name: Option<&'v str>, list: &'v Value) -> impl Iterator<Item = &'v Value> {
    let records = list.as_array().map_or(&[][..], Vec::as_slice);
    records.iter().filter(move |record| name.is_none_or(|name| record["name"] == name))
}
