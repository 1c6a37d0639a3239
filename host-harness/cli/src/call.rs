//! `call`: takes a function that may ask to its result, step by step.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conformance::{Answers, FunctionCall, FunctionResult, redact};
use domain::{Context, Description, Exchange, HttpCall, HttpResult, Problem, Question, Settings};
use host::{CallHost, CallPurpose, ClientIdentity, Outbound, OutboundCall, call_hosts};
use outbound::{HttpClient, OutboundOptions};
use sandbox::{Provider, drive};
use serde_json::{Value, json};

use crate::failure::{Failure, REFUSED};
use crate::input::{self, MerchantArguments};
use crate::{escape, output};

/// How long one call may take, as in a host.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Why a call is not sent that has no answer.
const NO_ANSWER: &str = "it has no answer; give one by --answers, or --allow-http to make the call";

/// Tries a function that may ask: shows each question and each HTTP call of the component, and the result. Nothing is stored, and
/// nothing is called unless --allow-http is given. Of a call the URL and sizes are shown, and no secret.
///
/// Example: host-harness call fast-pay.wasm query-payment --settings settings.toml --input payment.json --answers answers.json
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    merchant: MerchantArguments,
    /// The function, by its name in the contract; read-report reads a report's file.
    #[arg(value_parser = FunctionCall::FUNCTIONS)]
    function: String,
    /// A JSON file with the function's input, as the "input" of an operation in the vectors of `check`; - is standard input.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// A JSON file with answers to questions and calls, as the "answers" of a sample in the vectors of `check`. What it does not answer
    /// is unanswered.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Makes the calls that the file does not answer, by HTTPS, to the hosts that the component declares and that its settings name.
    /// A refund or a charge is real then.
    #[arg(long)]
    allow_http: bool,
    /// For tests: calls may go to this machine itself, by HTTPS and by HTTP.
    #[arg(long, requires = "allow_http")]
    allow_loopback: bool,
    /// Prints JSON: result, problems, steps, and what the result has beside them, such as events, event, url, rows or reply.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let input: Value = input::record(&arguments.input)?;
    let function = FunctionCall::from_json(&arguments.function, input).map_err(|what| Failure::file(&arguments.input, what))?;
    let answers = match &arguments.answers {
        None => Answers::default(),
        Some(path) => Answers::from_json(input::record(path)?).map_err(|what| Failure::file(path, what))?,
    };
    let provider = arguments.merchant.provider()?;
    let settings = arguments.merchant.settings(provider.description())?;
    let client = arguments.allow_http.then(|| {
        let options = OutboundOptions { loopback: arguments.allow_loopback, ..OutboundOptions::default() };
        HttpClient::new(&options).map_err(|error| Failure::Usage(error.to_string()))
    });
    let merchant = input::configured(&provider, settings.clone())?;
    let is_report = matches!(function, FunctionCall::FetchReport(_));
    let mut shown = Steps {
        answers: &answers,
        client: client.transpose()?,
        provider: &provider,
        settings: &settings,
        purpose: if is_report { CallPurpose::Report } else { CallPurpose::Payment },
        is_quiet: arguments.json,
        steps: Vec::new(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (result, _) = drive(now, &mut shown, |context| function.step(&merchant, context))?;
    if arguments.json {
        let mut report = result.to_json();
        if let Value::Object(fields) = &mut report {
            fields.insert("steps".to_owned(), shown.steps.into());
        }
        output::json(&report)?;
    } else {
        output::line(&text(&result))?;
    }
    Ok(match result.name() {
        "refused" | "failed" => ExitCode::from(REFUSED),
        _ => ExitCode::SUCCESS,
    })
}

fn text(result: &FunctionResult) -> String {
    let mut lines = vec![format!("result    {}", result.name())];
    lines.extend(result.problems().into_iter().map(|problem: &Problem| format!("problem   {problem}")));
    if let Value::Object(fields) = result.to_json() {
        let rest =
            fields.into_iter().filter(|(name, value)| !matches!(name.as_str(), "result" | "problems") && !value.is_null());
        lines.extend(rest.map(|(name, value)| format!("{name:<9} {value}")));
    }
    lines.iter().map(|line| escape::line(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// Returns what a function asked or wanted to have called where nothing is answered, and how to answer; `None` if it asked nothing.
pub fn unanswered(function: &str, context: &Context) -> Option<String> {
    let question = context.asked.last().map(|exchange| format!("it asks about {}", exchange.question()));
    let call = context.called.last().map(|(call, _)| {
        let host = CallHost::of_url(&call.url).map(|host| host.to_string()).unwrap_or_default();
        format!("it has a call made to {host}")
    });
    let what = call.or(question)?;
    Some(format!("{what}, and there is no answer here; try `host-harness call` with {function} and --answers"))
}

/// Answers from a file or by calls, and shows each step.
struct Steps<'s> {
    answers: &'s Answers,
    client: Option<HttpClient>,
    provider: &'s Provider,
    settings: &'s Settings,
    purpose: CallPurpose,
    is_quiet: bool,
    steps: Vec<Value>,
}

impl sandbox::Answers for Steps<'_> {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        let exchanges = sandbox::Answers::answer(&mut { self.answers }, questions);
        for exchange in &exchanges {
            let question = self.without_secrets(exchange.question().to_string());
            let is_answered = match exchange {
                Exchange::Account(_, answer) => answer.is_ok(),
                Exchange::Ledger(_, answer) => answer.is_ok(),
                Exchange::Other(..) => false,
            };
            let said = if is_answered { "answered" } else { "not answered" };
            self.show(format!("asks      about {question}: {said}"), json!({"asks": question, "answered": is_answered}));
        }
        exchanges
    }

    fn call(&mut self, call: &HttpCall) -> HttpResult {
        let result = match &self.client {
            Some(client) if !self.answers.has_call(call) => {
                self.permitted(call).map_or_else(|why| HttpResult::NotSent(why.to_owned()), |call| send(client, call))
            }
            None if !self.answers.has_call(call) => HttpResult::NotSent(NO_ANSWER.to_owned()),
            _ => sandbox::Answers::call(&mut { self.answers }, call),
        };
        let method = call.method.name().to_uppercase();
        let host = CallHost::of_url(&call.url).map(|host| host.to_string()).unwrap_or_default();
        let (path, query) = target_of(&call.url);
        let (path, query) = (self.without_secrets(path.to_owned()), self.without_secrets(query.to_owned()));
        let said = match &result {
            HttpResult::Response(response) => format!("{}, {} bytes", response.status, response.body.len()),
            HttpResult::NotSent(why) => format!("not sent: {why}"),
            HttpResult::Unknown(why) => format!("no answer: {why}"),
        };
        let said = self.without_secrets(said);
        let bytes = call.body.len();
        let shown = json!({"method": method, "host": host, "path": path, "query": query, "body_bytes": bytes});
        self.show(
            format!("calls     {method} {host}{path}{query}, a body of {bytes} bytes: {said}"),
            json!({"call": shown, "answer": said}),
        );
        result
    }
}

impl Steps<'_> {
    fn show(&mut self, line: String, step: Value) {
        if !self.is_quiet {
            // The failure of a closed output is reported with the result.
            let _ = output::line(&escape::line(&line));
        }
        self.steps.push(step);
    }

    fn without_secrets(&self, text: String) -> String {
        redact(secrets(self.provider.description(), self.settings), text)
    }

    /// Returns a call as it is sent, if the component may call its host.
    fn permitted(&self, call: &HttpCall) -> Result<OutboundCall, &'static str> {
        let hosts = call_hosts(self.provider, self.settings.expose());
        if !CallHost::of_url(&call.url).is_some_and(|host| hosts.contains(&host)) {
            return Err("its host is neither declared by the component nor entered in its settings");
        }
        let identity = match &call.client_certificate {
            None => None,
            Some(name) => {
                let value = self.settings.expose().iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
                let value = value.ok_or("the client certificate that it names is not entered in the settings")?;
                Some(ClientIdentity(value.into()))
            }
        };
        let answer_bytes_max = self.purpose.answer_bytes_max(call);
        Ok(OutboundCall { call: call.clone(), time_max: TIME_MAX, answer_bytes_max, identity })
    }
}

fn send(client: &HttpClient, call: OutboundCall) -> HttpResult {
    let (sender, receiver) = mpsc::channel();
    client.send(call, Box::new(move |result| drop(sender.send(result))));
    receiver.recv().unwrap_or_else(|_| HttpResult::Unknown("the call ended without a result".to_owned()))
}

/// Returns the path of a URL, and its query with the question mark; each may be empty.
fn target_of(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or_default();
    let (rest, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    (rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(), query)
}

fn secrets<'s>(description: &'s Description, settings: &'s Settings) -> impl Iterator<Item = (&'s str, &'s str)> {
    let is_secret = |name: &str| description.settings.iter().any(|setting| setting.kind.is_secret() && setting.name == name);
    let secret = settings.expose().iter().filter(move |(name, _)| is_secret(name));
    secret.map(|(name, value)| (name.as_str(), value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_and_the_query_of_a_url() {
        for (url, target) in [
            ("https://api.example.ru/a/b?c=d#e", ("/a/b", "?c=d")),
            ("https://api.example.ru?c=/d", ("", "?c=/d")),
            ("https://api.example.ru/a?", ("/a", "?")),
            ("https://api.example.ru", ("", "")),
            ("api.example.ru/a", ("", "")),
        ] {
            assert_eq!(target_of(url), target, "{url}");
        }
    }
}
