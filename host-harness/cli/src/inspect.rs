//! `inspect`: describes a provider.

use std::borrow::Borrow;
use std::path::PathBuf;
use std::process::ExitCode;

use domain::{Ability, Description, Fields, RequestHeader, SettingKind, SettingSpec};
use money::Currency;
use sandbox::Provider;
use serde::Serialize;

use crate::failure::Failure;
use crate::{escape, input, output};

/// Shows a component: its contract, abilities, imports, size, SHA-256, and the settings form of the provider in it.
///
/// Example: host-harness inspect target/components/chronopay.wasm
#[derive(clap::Args)]
pub struct Arguments {
    /// The component, such as target/components/chronopay.wasm.
    component: PathBuf,
    /// Prints JSON: contract, abilities, imports, size_bytes, sha256, description.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report<'p> {
    contract: &'p str,
    abilities: Vec<&'static str>,
    imports: &'p [String],
    size_bytes: usize,
    sha256: &'p str,
    description: &'p Description,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let provider = input::provider(&arguments.component)?;
    if arguments.json {
        output::json(&report(&provider))?
    } else {
        output::line(&text(&provider))?
    }
    Ok(ExitCode::SUCCESS)
}

fn report(provider: &Provider) -> Report<'_> {
    Report {
        contract: provider.contract(),
        abilities: abilities(provider),
        imports: provider.imports(),
        size_bytes: provider.size_bytes(),
        sha256: provider.sha256(),
        description: provider.description(),
    }
}

fn text(provider: &Provider) -> String {
    let Description { id, name, version, settings, currencies, export_formats, links, headers, .. } = provider.description();
    let mut lines = vec![
        escape::line(&format!("{name} ({id}) {version}")).into_owned(),
        format!("  contract    {}", provider.contract()),
        format!("  abilities   {}", list_or_none(&abilities(provider))),
        "  imports     none".to_owned(),
        format!("  size        {} bytes", provider.size_bytes()),
        format!("  sha256      {}", provider.sha256()),
        format!("  currencies  {}", currencies.iter().map(Currency::to_string).collect::<Vec<_>>().join(", ")),
        format!("  exports     {}", escape::line(&export_formats.join(", "))),
        format!("  links       {}", if *links { "yes" } else { "no" }),
        format!("  headers     {}", list_or_none(&headers.iter().map(header).collect::<Vec<_>>())),
        format!("  calls to    {}", escape::line(&list_or_none(&calls_to(provider)))),
    ];
    let unsigned = provider.description().callback_fields(Description::UNSIGNED_FIELDS);
    if !unsigned.is_empty() {
        lines.push(escape::line(&format!("  unsigned    {}", unsigned.join(", "))).into_owned());
    }
    lines.push("  settings".to_owned());
    lines.extend(settings.iter().map(setting));
    lines.join("\n")
}

fn abilities(provider: &Provider) -> Vec<&'static str> {
    provider.abilities().into_iter().map(Ability::name).collect()
}

/// The hosts that the component may call: those that it declares, and those of settings of kind `url`, with their defaults.
fn calls_to(provider: &Provider) -> Vec<String> {
    if provider.abilities().is_empty() {
        return Vec::new();
    }
    let Description { hosts, settings, .. } = provider.description();
    let urls = settings.iter().filter(|setting| setting.kind == SettingKind::Url).map(|setting| {
        let default = setting.default_value.as_deref().map(|default| format!(", {default} by default")).unwrap_or_default();
        format!("the host of the setting {}{default}", setting.name)
    });
    hosts.iter().cloned().chain(urls).collect()
}

fn list_or_none(names: &[impl Borrow<str>]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// `x-request-id`, or `authorization (secret)`.
fn header(RequestHeader { name, secret }: &RequestHeader) -> String {
    format!("{name}{}", if *secret { " (secret)" } else { "" })
}

fn setting(setting: &SettingSpec) -> String {
    let english =
        |fields: &Fields| fields.iter().find(|(tag, _)| tag == "en").map(|(_, text)| text.clone()).unwrap_or_default();
    let need = match (&setting.default_value, setting.required) {
        (_, true) => "required".to_owned(),
        (Some(default_value), _) => format!("default {default_value}"),
        (None, _) => "optional".to_owned(),
    };
    let choices: Vec<&str> = setting.choices.iter().map(|choice| choice.value.as_str()).collect();
    let choices = if choices.is_empty() { String::new() } else { format!("; one of {}", choices.join(", ")) };
    let (title, help) = (english(&setting.title), english(&setting.help));
    let first = format!("    {:<20} {title} ({need}{choices})", setting.name);
    format!("{}\n    {:<20}   {}", escape::line(&first), "", escape::line(&help))
}
