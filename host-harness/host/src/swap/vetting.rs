//! Vetting: what a component must pass before it takes a payment system's callbacks.

use std::collections::BTreeSet;

use conformance::{Answers, Effort, Expected, Outcome, Sample, Vectors};
use domain::{Description, Fields, SettingSpec, Settings};
use ledger::Ledger;
use sandbox::{Merchant, Provider};

use super::outcome::{Refusal, Relabelled, SwapError, SwapRequest, VettingResult};
use super::replay::{self, JudgedCallback, Replay};
use crate::call_hosts::{CallHost, call_hosts};
use crate::component::ActiveComponent;
use crate::invisible;
use crate::outbound::Outbound;
use crate::payment_hosts::EnteredSettings;
use crate::sealing::Key;
use crate::stored_settings::{LoadedSettings, StoredSettings};

/// How many genuine callbacks of each kind are mutated: the last ones.
const SAMPLES_PER_KIND: usize = 2;
/// How many digits the id of an order has: that of its millisecond since the epoch, until the year 2286.
const ORDER_ID_DIGITS: u8 = 13;
/// How many findings of failing checks an error message lists.
const FINDINGS_IN_SENTENCE_MAX: usize = 3;

/// Whether a person must accept the hosts that only the candidate may call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NewHosts {
    /// As every change of a component.
    MustBeAccepted,
    /// It was active before, so that they were accepted then.
    WereAccepted,
}

/// What vetting needs of the host.
pub struct Tools<'t> {
    pub ledger: &'t Ledger,
    pub key: &'t Key,
    /// Who makes the calls; `None` if nobody does.
    pub outbound: Option<&'t dyn Outbound>,
}

/// Vets a component that is to become the active one of a name. `component` is the active one, if any. With `must_configure`,
/// the candidate must accept the settings.
pub fn vet(
    tools: &Tools<'_>,
    request: &SwapRequest,
    component: Option<&ActiveComponent>,
    provider: &Provider,
    must_configure: bool,
    new_hosts: NewHosts,
) -> Result<VettingResult, SwapError> {
    let Tools { ledger, key, .. } = *tools;
    let stored = LoadedSettings::load(&request.name, ledger, key)?.or_empty();
    let in_use = component.map(|component| component.provider.sha256());
    let description = provider.description();
    require_order_ids(description)?;
    let kept = stored.values(provider.sha256(), in_use, description);
    check_entered(tools, request, provider, &stored, kept.as_deref().unwrap_or_default())?;
    let settings = with_entered(kept, &stored, request, description);
    let callbacks = ledger.last_callbacks(&request.name, replay::REPLAYED_CALLBACKS_MAX)?;
    let after = settings.as_ref().map(|settings| configured(provider, &stored, settings, component)).transpose();
    let is_asked = must_configure || !request.settings.is_empty();
    let after = match after {
        Ok(after) => after,
        Err(refusal) if is_asked => return Err(refusal.into()),
        // The candidate need not accept the settings: they will be entered again.
        Err(_) => None,
    };
    let relabelled = relabelled(&stored, component, provider);
    let before = component.and_then(ActiveComponent::ready_merchant);
    let earlier = before.map(|before| replay::judge(before, &callbacks, key)).unwrap_or_default();
    let vectors = settings.as_ref().filter(|_| after.is_some()).map(|settings| Vectors {
        callbacks: samples(&earlier.judged),
        ..vectors(&stored, settings, relabelled.iter().map(|one| one.name.clone()))
    });
    let report = conformance::check_provider(provider, vectors.as_ref(), Effort::Quick, seed(provider));
    if report.fails() {
        let detail = format!("it does not pass the checks: {}", report.verdict());
        return Err(Refusal { report: Some(report), ..Refusal::new(detail) }.into());
    }
    let replay = after.as_ref().filter(|_| before.is_some()).map(|after| Replay::run(earlier, after)).unwrap_or_default();
    let new_hosts = match (component, new_hosts) {
        (Some(component), NewHosts::MustBeAccepted) => only_of_candidate(component, provider, settings.as_ref(), request),
        _ => Vec::new(),
    };
    let relabelled = accepted(request, provider, &replay, relabelled, new_hosts)?;
    let revision = stored.revision();
    let settings = settings.filter(|_| after.is_some()).map(|settings| {
        let mut stored = stored;
        stored.put(provider.sha256(), description, settings, relabelled);
        stored
    });
    Ok(VettingResult { report, replay, settings, revision })
}

/// Refuses a component whose payment system does not take the ids of this host's orders: digits, as many as milliseconds have.
fn require_order_ids(description: &Description) -> Result<(), Box<Refusal>> {
    let longest = description.order_id.chars_max;
    if longest >= ORDER_ID_DIGITS || !description.links {
        return Ok(());
    }
    let detail = format!(
        "its payment system takes ids of orders of at most {longest} characters, and this host's have {ORDER_ID_DIGITS} digits"
    );
    Err(Box::new(Refusal::new(detail)))
}

/// Checks a component that never passed the checks with settings. There are no earlier callbacks to replay.
pub fn check_first(provider: &Provider, stored: &StoredSettings, settings: &Fields) -> Result<(), Box<Refusal>> {
    let vectors = vectors(stored, settings, stored.relabelled(provider.sha256()));
    let report = conformance::check_provider(provider, Some(&vectors), Effort::Quick, seed(provider));
    if !report.fails() {
        return Ok(());
    }
    let failing = report.checks.iter().filter_map(|check| match &check.outcome {
        Outcome::Failed { findings } => findings.first().map(|finding| format!("{}: {finding}", check.name)),
        _ => None,
    });
    let findings: Vec<String> = failing.take(FINDINGS_IN_SENTENCE_MAX).collect();
    let detail = format!(
        "the component does not pass the checks with these settings, and takes no callbacks ({}); {}; swap in one that does",
        report.verdict(),
        findings.join("; ")
    );
    Err(Box::new(Refusal { report: Some(report), ..Refusal::new(detail) }))
}

/// Returns a message about a component's settings, with secrets redacted: a component may repeat anything that it was given.
pub fn without_secrets(stored: &StoredSettings, settings: &Fields, text: String) -> String {
    let entered = settings.iter().filter(|(name, _)| stored.secrets().contains(name));
    let entered = entered.map(|(name, value)| (name.as_str(), value.as_str()));
    conformance::redact(stored.secret_values().chain(entered), text)
}

/// Refuses settings entered with a component if the host itself finds problems in them, as it does for settings entered alone.
fn check_entered(
    tools: &Tools<'_>,
    request: &SwapRequest,
    provider: &Provider,
    stored: &StoredSettings,
    kept: &[(String, String)],
) -> Result<(), Box<Refusal>> {
    let description = provider.description();
    let entered = invisible::with_line_ends(&description.settings, request.settings.clone());
    let mut problems = invisible::problems(&description.settings, &entered);
    let compared = EnteredSettings {
        description,
        has_calls: !provider.abilities().is_empty(),
        outbound: tools.outbound,
        in_use: kept,
        is_secret: &|name| is_secret(stored, description, name),
        entered: &entered,
        confirmed: &request.confirmed,
    };
    problems.extend(compared.problems());
    if problems.is_empty() {
        return Ok(());
    }
    let is_wrong = |setting: &&SettingSpec| problems.iter().any(|problem| problem.field.as_ref() == Some(&setting.name));
    let wanted = description.settings.iter().filter(is_wrong).cloned().collect();
    let detail = "settings that were entered with the component are refused; correct or confirm them, and swap again";
    Err(Box::new(Refusal { sha256: provider.sha256().to_owned(), problems, wanted, ..Refusal::new(detail) }))
}

fn is_secret(stored: &StoredSettings, description: &Description, name: &str) -> bool {
    let is_declared = |setting: &SettingSpec| setting.name == name && setting.kind.is_secret();
    stored.secrets().contains(name) || description.settings.iter().any(is_declared)
}

/// Returns the settings for a component: the stored ones, overridden by those entered with it. A secret that is left empty
/// keeps its value.
fn with_entered(
    kept: Option<Fields>,
    stored: &StoredSettings,
    request: &SwapRequest,
    description: &Description,
) -> Option<Fields> {
    let mut entered = invisible::with_line_ends(&description.settings, request.settings.clone());
    entered.retain(|(name, value)| !(value.is_empty() && is_secret(stored, description, name)));
    if kept.is_none() && request.settings.is_empty() {
        return None;
    }
    let is_entered = |name: &str| entered.iter().any(|(other, _)| other == name);
    let kept = kept.unwrap_or_default().into_iter().filter(|(name, _)| !is_entered(name));
    Some(kept.chain(entered.iter().cloned()).collect())
}

fn configured(
    provider: &Provider,
    stored: &StoredSettings,
    settings: &Fields,
    component: Option<&ActiveComponent>,
) -> Result<Merchant, Box<Refusal>> {
    provider.merchant(Settings::new(settings.clone())).map_err(|error| {
        let detail = format!("it does not take the settings that were entered: {error}");
        let problems = if let sandbox::Error::Provider(problems) = error { problems } else { Vec::new() };
        let is_known = |name: &str| {
            component.is_some_and(|component| component.description().settings.iter().any(|setting| setting.name == name))
        };
        let is_wrong = |name: &str| problems.iter().any(|problem| problem.field.as_deref() == Some(name));
        let wanted = provider.description().settings.iter();
        let wanted = wanted.filter(|setting| !is_known(&setting.name) || is_wrong(&setting.name)).cloned().collect();
        let mut shown = problems.clone();
        for problem in &mut shown {
            problem.message = without_secrets(stored, settings, std::mem::take(&mut problem.message));
        }
        let sha256 = provider.sha256().to_owned();
        Box::new(Refusal { sha256, problems: shown, wanted, ..Refusal::new(without_secrets(stored, settings, detail)) })
    })
}

/// Returns the secrets that the component declares as another kind.
fn relabelled(stored: &StoredSettings, component: Option<&ActiveComponent>, provider: &Provider) -> Vec<Relabelled> {
    let was_accepted = stored.relabelled(provider.sha256());
    let was_secret =
        |name: &String| stored.secrets().contains(name) || component.is_some_and(|component| component.is_secret(name));
    let settings = provider.description().settings.iter();
    settings
        .filter(|setting| !setting.kind.is_secret() && was_secret(&setting.name))
        .filter(|setting| !was_accepted.contains(&setting.name))
        .map(|setting| Relabelled { name: setting.name.clone(), kind: setting.kind })
        .collect()
}

/// Returns the hosts that the candidate may call and the active component may not, but for those that are entered with it, which are
/// the operator's own choice.
fn only_of_candidate(
    component: &ActiveComponent,
    provider: &Provider,
    settings: Option<&Fields>,
    request: &SwapRequest,
) -> Vec<String> {
    let known = component.call_hosts();
    let entered: Vec<CallHost> = request.settings.iter().filter_map(|(_, value)| CallHost::of_url(value)).collect();
    let hosts = call_hosts(provider, settings.map_or(&[][..], Vec::as_slice)).into_iter();
    let is_new = |host: &CallHost| !known.contains(host) && !entered.contains(host);
    hosts.filter(is_new).map(|host| host.to_string()).collect()
}

/// Requires that a person accepted each relabelled secret by its name, and the changed verdicts and new hosts by their digest. Returns
/// the names.
fn accepted(
    request: &SwapRequest,
    provider: &Provider,
    replay: &Replay,
    relabelled: Vec<Relabelled>,
    new_hosts: Vec<String>,
) -> Result<BTreeSet<String>, Box<Refusal>> {
    let accept = replay.digest(&new_hosts, provider.sha256());
    let is_accepted = accept.is_none() || accept == request.accept_changes;
    let is_named = |one: &Relabelled| request.accept_relabelled.contains(&one.name);
    if is_accepted && relabelled.iter().all(is_named) {
        return Ok(relabelled.into_iter().map(|one| one.name).collect());
    }
    let names: Vec<&str> = relabelled.iter().map(|one| one.name.as_str()).collect();
    let mut found = Vec::new();
    if !names.is_empty() {
        found.push(format!(
            "it declares what was entered as a secret as something else: {}; a good component does not; accept each by its name \
             only if its author says why",
            names.join(", ")
        ));
    }
    if !new_hosts.is_empty() {
        found.push(format!(
            "it may call hosts that the component in use may not: {}; accept them if they are its payment system's",
            new_hosts.join(", ")
        ));
    }
    if replay.changed > 0 {
        found.push(format!(
            "it changes the verdict of {} of the last {} callbacks; review the changes, and accept them if they are intended",
            replay.changed, replay.replayed
        ));
    }
    let (changes, changed, sha256) = (replay.changes.clone(), replay.changed, provider.sha256().to_owned());
    let (left_out, without_headers) = (replay.left_out, replay.without_headers);
    let found = Refusal::new(found.join("; and "));
    Err(Box::new(Refusal { sha256, changes, changed, left_out, without_headers, accept, relabelled, new_hosts, ..found }))
}

/// Returns the settings to check with. The secrets are those that the host knows, whatever the component declares.
fn vectors(stored: &StoredSettings, settings: &Fields, relabelled: impl IntoIterator<Item = String>) -> Vectors {
    let secrets = stored.secrets().iter().cloned().collect();
    Vectors { secrets, relabelled: relabelled.into_iter().collect(), ..Vectors::of_settings(settings.clone()) }
}

/// Returns genuine callbacks to mutate: the last ones that the active component accepts, some of each kind.
fn samples(judged: &[JudgedCallback]) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut kinds = Vec::new();
    for JudgedCallback { request, event, .. } in judged {
        let Some((kind, transaction)) = event else { continue };
        if kinds.iter().filter(|other| *other == kind).count() < SAMPLES_PER_KIND {
            kinds.push(*kind);
            samples.push(Sample {
                name: format!("transaction {transaction}"),
                request: request.clone(),
                answers: Answers::default(),
                expected: Expected::Happened(Default::default()),
            });
        }
    }
    samples
}

/// Returns the seed of the checks' random inputs. It depends on the component alone, so that a refused component is refused
/// again.
fn seed(provider: &Provider) -> u64 {
    provider.sha256().get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}
