//! `swap`: swaps a provider's component in a running host.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::Response;

use crate::data_folder::TOKEN_VARIABLE;
use crate::failure::{Failure, REFUSED};
use crate::named::Named;
use crate::{input, output};

/// Vetting a component takes a second, or several on a busy machine.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);
/// The most findings of a check that are shown.
const FINDINGS_SHOWN_MAX: usize = 5;

/// Swaps a provider's component in a running host, without stopping it; a name that is new adds a provider.
///
/// The host loads the component, checks that it keeps the contract, and tells it the last stored callbacks beside the component in
/// use. Where a verdict or an event changes, or the component may call hosts that the one in use may not, nothing is swapped and the
/// changes are shown; --accept-changes then says that they are meant. Settings that the component needs anew are given by --set, --settings and --secret-env: they are entered with it, in one
/// step; those that it does not know are set aside until one goes back. Exit code 3: it is refused, and the component in use stays.
///
/// Example: host-harness swap chronopay chronopay.wasm --token-file /var/lib/harness/token
#[derive(clap::Args)]
pub struct Arguments {
    /// The provider's name, which its callbacks come to.
    name: String,
    /// The component.
    #[arg(required_unless_present = "back")]
    component: Option<PathBuf>,
    /// Goes back to the component that was used before.
    #[arg(long, conflicts_with_all = ["component", "accept_changes"])]
    back: bool,
    /// Where the host listens.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    host: String,
    /// The file with the host's token, DIR/token of its data; without it, the environment variable HARNESS_TOKEN has it.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// Accepts changed verdicts and new hosts: what the refusal that showed them gave.
    #[arg(long, value_name = "DIGEST")]
    accept_changes: Option<String>,
    /// Lets the component declare a setting otherwise that was entered as a secret; its value stays secret. Once for each.
    #[arg(long, value_name = "SETTING", conflicts_with = "back")]
    accept_relabelled: Vec<String>,
    /// Settings that are entered with the component: a TOML file of name = "value". Those that are not named stay as they are.
    #[arg(long, value_name = "FILE", conflicts_with = "back")]
    settings: Option<PathBuf>,
    /// A setting that is entered with the component. A secret is never an argument: see --secret-env.
    #[arg(long, value_name = "SETTING=VALUE", conflicts_with = "back")]
    set: Vec<Named<String>>,
    /// Takes a setting from the environment: shared-sec=VARIABLE.
    #[arg(long, value_name = "SETTING=VARIABLE", conflicts_with = "back")]
    secret_env: Vec<Named<String>>,
    /// A host that payers and calls may be sent to by the settings that are entered; may be repeated.
    #[arg(long, value_name = "HOST")]
    confirm_host: Vec<String>,
    /// The memory of a call, in bytes; a limit that is not given stays as it is.
    #[arg(long, value_name = "N", value_parser = input::limit)]
    memory_bytes_max: Option<u64>,
    /// The work of a call, in units of fuel.
    #[arg(long, value_name = "N", value_parser = input::limit)]
    fuel_max: Option<u64>,
    /// The work of a step of an export, in units of fuel.
    #[arg(long, value_name = "N", value_parser = input::limit)]
    export_fuel_max: Option<u64>,
    /// The time of a call, in milliseconds.
    #[arg(long, value_name = "N", value_parser = input::limit)]
    time_ms_max: Option<u64>,
    /// Prints the host's answer, JSON.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let token = token(arguments.token_file.as_deref())?;
    let url = format!("{}/api/v1/providers/{}/component", address(&arguments.host)?, arguments.name);
    let agent = agent();
    let post = |url: &str| agent.post(url).header("authorization", format!("Bearer {token}"));
    let answer = match &arguments.component {
        None => post(&format!("{url}/previous")).send_empty(),
        Some(component) => {
            let bytes = input::component_to_send(component)?;
            let settings = settings(arguments)?;
            let (content_type, body) =
                if settings.is_empty() { ("application/wasm".to_owned(), bytes) } else { form(&settings, &bytes) };
            let request = post(&url).header("content-type", content_type);
            query(arguments).into_iter().fold(request, |request, (name, value)| request.query(name, value)).send(&body)
        }
    };
    let answer = answer.map_err(|error| no_answer(&arguments.host, &error))?;
    let (status, answer) = read(answer)?;
    if status == 401 {
        return Err(wrong_token(arguments.token_file.as_deref()));
    }
    if arguments.json {
        output::json(&answer)?
    } else if status == 200 {
        output::line(&swapped(&arguments.name, &answer))?
    } else {
        output::line(&refused(&answer))?
    }
    match status {
        200 => Ok(ExitCode::SUCCESS),
        422 => Ok(ExitCode::from(REFUSED)),
        _ => Err(Failure::Usage(format!("the host answered {status}; nothing was swapped"))),
    }
}

/// Makes a client that returns the answers of all statuses.
pub fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_TIME_MAX)).build().into()
}

/// Returns the settings that are entered with a component, by name.
fn settings(arguments: &Arguments) -> Result<BTreeMap<String, String>, Failure> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    if let Some(path) = &arguments.settings {
        settings.extend(input::settings_table(path, &[])?);
    }
    settings.extend(arguments.set.iter().map(|Named { name, value }| (name.clone(), value.clone())));
    settings.extend(input::secrets_of_environment(&arguments.secret_env)?);
    Ok(settings)
}

/// Encodes settings and a component as a multipart form. Returns its content type and its body.
fn form(settings: &BTreeMap<String, String>, component: &[u8]) -> (String, Vec<u8>) {
    // The digest of a content does not occur within the content.
    let boundary = hex::encode(Sha256::digest(component));
    let part = |name: &str, content_type: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: {content_type}\r\n\r\n")
    };
    let settings = serde_json::json!(settings).to_string();
    let end = format!("\r\n--{boundary}--\r\n");
    let head = part("settings", "application/json") + &settings + "\r\n" + &part("component", "application/wasm");
    (format!("multipart/form-data; boundary={boundary}"), [head.as_bytes(), component, end.as_bytes()].concat())
}

/// Returns the address of a host, without the slash at its end.
pub fn address(host: &str) -> Result<&str, Failure> {
    if host.starts_with("http://") || host.starts_with("https://") {
        return Ok(host.trim_end_matches('/'));
    }
    Err(Failure::Usage(format!(
        "--host takes an address such as http://127.0.0.1:8080, and not {host:?}; write http:// before it"
    )))
}

/// Makes the failure of a host that does not answer.
pub fn no_answer(host: &str, error: &ureq::Error) -> Failure {
    if let ureq::Error::Io(error) = error
        && matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
    {
        return Failure::Usage(format!(
            "the host at {host} closed the connection before it answered ({error}): it stopped, or refused the request before all of \
             it was sent. Its log says why; give the same command again when it is put right"
        ));
    }
    Failure::Usage(format!("the host at {host} does not answer: {error}; --host says where `host-harness serve` listens"))
}

/// Returns the host's token.
pub fn token(file: Option<&Path>) -> Result<String, Failure> {
    let (token, place) = match file {
        Some(file) => {
            let none = || Failure::file(file, "it holds no token; --token-file takes the file DIR/token of the host's data");
            (String::from_utf8(input::read(file)?).map_err(|_| none())?, file.display().to_string())
        }
        None => {
            let none = || Failure::Usage(format!("there is no token; give --token-file DIR/token, or set {TOKEN_VARIABLE}"));
            (std::env::var(TOKEN_VARIABLE).map_err(|_| none())?, TOKEN_VARIABLE.to_owned())
        }
    };
    let token = token.trim();
    // What a token of the host is made of.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::Usage(format!(
            "{place} holds no token: a token is one word; the host's is in the file DIR/token of its data"
        )));
    }
    Ok(token.to_owned())
}

fn query(arguments: &Arguments) -> Vec<(&'static str, String)> {
    let query = [
        ("accept_changes", arguments.accept_changes.clone()),
        ("accept_relabelled", Some(arguments.accept_relabelled.join(",")).filter(|names| !names.is_empty())),
        ("confirm_hosts", Some(arguments.confirm_host.join(",")).filter(|hosts| !hosts.is_empty())),
        ("memory_bytes_max", arguments.memory_bytes_max.map(|max| max.to_string())),
        ("fuel_max", arguments.fuel_max.map(|max| max.to_string())),
        ("export_fuel_max", arguments.export_fuel_max.map(|max| max.to_string())),
        ("time_ms_max", arguments.time_ms_max.map(|max| max.to_string())),
    ];
    query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Makes the failure of a token that the host refused.
pub fn wrong_token(file: Option<&Path>) -> Failure {
    let place = file.map_or_else(|| TOKEN_VARIABLE.to_owned(), |file| format!("the file {} of --token-file", file.display()));
    Failure::Usage(format!(
        "the host does not know the token of {place}, and nothing was changed; give --token-file DIR/token, with the folder that \
         `host-harness serve` has its data in, or the token that it was started with in {TOKEN_VARIABLE}"
    ))
}

/// Returns the status and the JSON of an answer.
pub fn read(mut answer: Response<ureq::Body>) -> Result<(u16, Value), Failure> {
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string();
    let answer = text.ok().and_then(|text| serde_json::from_str(&text).ok());
    answer.map(|answer| (status, answer)).ok_or_else(|| {
        Failure::Usage(format!("the answer ({status}) is not this program's; --host says where `host-harness serve` listens"))
    })
}

fn swapped(name: &str, answer: &Value) -> String {
    let component = |which: &str| {
        let text = |field: &str| answer.pointer(&format!("/{which}/{field}")).and_then(Value::as_str).unwrap_or("?");
        format!("{} {}, sha256 {}", text("id"), text("version"), text("sha256"))
    };
    let mut lines = vec![match answer["swapped"].as_bool() {
        Some(true) => format!("{name} is now {}", component("current")),
        _ => format!("{name} is {} already", component("current")),
    }];
    if answer["previous"].is_object() {
        lines.push(format!("  before     {} (swap {name} --back returns to it)", component("previous")));
    }
    let hosts: Vec<&str> = list(&answer["calls_to"]).iter().filter_map(Value::as_str).collect();
    if !hosts.is_empty() {
        lines.push(format!("  may call   {}", hosts.join(", ")));
    }
    if answer["checks"].is_object() {
        lines.push(format!("  replayed   {} callbacks, {} changed", answer["replayed"], list(&answer["changes"]).len()));
        lines.extend(left_out(answer));
    }
    lines.join("\n")
}

/// Says how many callbacks could not be replayed, or not as they came.
fn left_out(answer: &Value) -> Vec<String> {
    let count = |name: &str| answer[name].as_u64().filter(|count| *count > 0);
    let left_out =
        count("left_out").map(|count| format!("  left out   {count} callbacks, because card data in them was masked"));
    let without = count("without_headers")
        .map(|count| format!("  incomplete {count} callbacks, whose secret headers were sealed with another key"));
    left_out.into_iter().chain(without).collect()
}

fn refused(answer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("not swapped: {}", text(&answer["detail"]))];
    for problem in list(&answer["problems"]) {
        lines.push(format!("  {}: {}", text(&problem["field"]), text(&problem["message"])));
    }
    for check in answer.pointer("/checks/checks").map_or(&[][..], list) {
        let findings = list(&check["findings"]);
        for finding in findings.iter().take(FINDINGS_SHOWN_MAX) {
            lines.push(format!("  {}: {}", text(&check["name"]), text(finding)));
        }
    }
    for change in list(&answer["changes"]) {
        lines.push(format!("  callback of {}, transaction {}", change["received_at"], text(&change["transaction"])));
        for difference in list(&change["differences"]) {
            let side = |side: &Value| side.as_str().unwrap_or("nothing").to_owned();
            let (before, after) = (side(&difference["before"]), side(&difference["after"]));
            lines.push(format!("    {}: {before} → {after}", text(&difference["field"])));
        }
    }
    for setting in list(&answer["wanted"]) {
        let (name, kind) = (text(&setting["name"]), text(&setting["kind"]));
        let need = if setting["required"] == true { "required" } else { "optional" };
        let how = if kind == "secret" { format!("--secret-env {name}=VARIABLE") } else { format!("--set {name}=VALUE") };
        lines.push(format!("  it asks for {name} ({kind}, {need}): {how}"));
    }
    lines.extend(left_out(answer));
    for shown in list(&answer["relabelled"]) {
        let (name, kind) = (text(&shown["name"]), text(&shown["kind"]));
        lines.push(format!(
            "  {name} was entered as a secret and is declared as {kind}; if that is meant: --accept-relabelled {name}"
        ));
    }
    for host in list(&answer["new_hosts"]) {
        lines.push(format!("  it may call {}, which the component in use may not", text(host)));
    }
    if let Some(accept) = answer["accept"].as_str() {
        lines.push(format!("if these changes are meant: --accept-changes {accept}"));
    }
    lines.join("\n")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
