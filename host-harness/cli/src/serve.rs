//! `serve`: runs the host over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, Version};
use domain::ProviderName;
use gateway::{CallerProof, ClientCertificate, Config, Gateway, HeaderName, IpNet, Listeners, Process};
use host::{Confirmed, HostBuilder, Ledger, NewSettings, RestoredLock};
use sandbox::{Provider, Sandbox};
use sha2::{Digest, Sha256};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::calls::CallOptions;
use crate::data_lock::DataLock;
use crate::failure::Failure;
use crate::named::Named;
use crate::{data_folder, input, output, secret_file};

/// The most concurrent calls of providers.
const CONCURRENT_CALLS_MAX: u32 = 80;
/// How long an answer may be stalled because the client does not read it.
const STALL_TIME_MAX: Duration = Duration::from_secs(60);
/// The environment variable that filters the log, such as `debug` or `gateway=debug,info`.
const LOG_VARIABLE: &str = "HARNESS_LOG";
/// Moscow's offset.
pub const UTC_OFFSET_HOURS: i8 = 3;

/// Serves callbacks of payment systems, the API of billing, and pages for the operator and subscribers over HTTP, with a ledger
/// that credits each payment once.
///
/// The API's callers show a token: that of the environment variable HARNESS_TOKEN, or of DIR/token, which is made at the first
/// start. Settings are kept sealed with DIR/key, which is made then too: keep a copy of it, and not beside copies of the
/// database. Operators log in at /operator; `host-harness operator` sets their passwords. Logs go to standard error; the
/// environment variable HARNESS_LOG says how much, such as debug. Ends on SIGTERM and SIGINT, after the requests that were begun; on
/// SIGHUP it uses the components that DIR/providers.lock names now.
///
/// Example: host-harness serve --data /var/lib/harness --public-url https://billing.example.ru --component
/// chronopay=chronopay.wasm
#[derive(clap::Args)]
#[allow(rustdoc::bare_urls, reason = "clap shows it as it stands")]
pub struct Arguments {
    /// The folder with the ledger, the token and the key; it is made where it is not there.
    #[arg(long)]
    data: PathBuf,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Takes callbacks at this address alone, where nothing else is served, so that the web server's rules are simple, and neither
    /// pages nor the API share connections with callbacks.
    #[arg(long, value_name = "ADDRESS")]
    listen_callbacks: Option<SocketAddr>,
    /// Where payment systems and subscribers reach this host: https:// and a host name.
    #[arg(long)]
    public_url: String,
    /// A provider by a name, which its callbacks come to: /callbacks/NAME. Once for each provider. It is kept in DIR and locked there;
    /// from then on `host-harness swap` or the pages change it, and a file that is another is passed over. So is a provider that
    /// was removed: `host-harness swap` or the pages add it again.
    #[arg(long, value_name = "NAME=FILE")]
    component: Vec<Named<PathBuf>>,
    /// Writes DIR/providers.lock again as it was last, where it is empty, damaged or was lost; without this, such a lock is refused
    /// while the ledger knows payment systems. A damaged one is kept as DIR/providers.lock.damaged.
    #[arg(long)]
    restore_lock: bool,
    /// A provider's settings, a TOML file, which are entered at every start in the place of those that the ledger keeps. Without
    /// it they are entered on the pages or by the API.
    #[arg(long, value_name = "NAME=FILE")]
    settings: Vec<Named<PathBuf>>,
    /// How many refused callbacks a second an address may send, and twice as many at once; beyond that they hear 429. What is proved
    /// is not limited. 0: any number.
    #[arg(long, value_name = "N", default_value_t = 100)]
    callback_rate: u32,
    /// Takes a provider's callbacks from these addresses alone, such as chronopay=203.0.113.0/24,198.51.100.7.
    #[arg(long, value_name = "NAME=ADDRESSES")]
    callback_from: Vec<Named<Addresses>>,
    /// Takes a provider's callbacks with this user name and password of HTTP Basic alone: a file with USER:PASSWORD in one line, the
    /// password of 16 characters or more.
    #[arg(long, value_name = "NAME=FILE")]
    callback_credentials: Vec<Named<PathBuf>>,
    /// Takes a provider's callbacks with this client certificate alone: the value that the web server before this host passes on in
    /// the header of --client-certificate-header, such as a fingerprint.
    #[arg(long, value_name = "NAME=VALUE", requires = "client_certificate_header")]
    callback_certificate: Vec<Named<String>>,
    /// The header in which the web server tells the client certificate that it verified. It must set it for every request, also
    /// where there is no certificate, so that no client can. Believed from the servers of --trusted-proxy.
    #[arg(long, value_name = "NAME", requires = "trusted_proxy")]
    client_certificate_header: Option<HeaderName>,
    /// The header by which the web server before this host tells where a request comes from, such as X-Forwarded-For, Forwarded or
    /// X-Real-IP; its last address is believed. Only where nobody reaches this host but through that server.
    #[arg(long, value_name = "NAME")]
    trusted_proxy_header: Option<HeaderName>,
    /// The addresses of the web servers before this host, such as 10.0.0.0/8; may stand several times. The header is believed from
    /// them alone, and read from its end past their addresses: for several servers in a row.
    #[arg(long, value_name = "ADDRESSES", requires = "trusted_proxy_header")]
    trusted_proxy: Vec<Addresses>,
    /// The local time's offset from UTC, in hours from -11 to 12: the days of statistics begin by it.
    #[arg(long, value_name = "HOURS", default_value_t = UTC_OFFSET_HOURS, allow_negative_numbers = true,
        value_parser = utc_offset)]
    utc_offset: i8,
    /// Serves a ledger that lacks commits which were answered, such as an older copy that was restored. Without it such a ledger is
    /// refused; so is a missing ledger where DIR/ledger.mark or DIR/providers.lock shows that there was one. It is logged, and
    /// remembered: the next start does not need it.
    #[arg(long)]
    accept_loss: bool,
    /// Logs as JSON, a record a line.
    #[arg(long)]
    log_json: bool,
    #[command(flatten)]
    calls: CallOptions,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    log(arguments.log_json)?;
    let process = Process::prepare();
    let process = process.map_err(|error| Failure::Usage(format!("a thread cannot be started: {error}")))?;
    let data = &arguments.data;
    let client = arguments.calls.client()?;
    let billing = arguments.calls.billing()?;
    data_folder::create(data)?;
    // Taken before anything in the folder is changed, and held until the process ends.
    let _lock = DataLock::take(data)?;
    let sandbox = input::sandbox(CONCURRENT_CALLS_MAX)?;
    let ledger = data_folder::ledger_to_serve(data, arguments.accept_loss)?;
    let catalog = Catalog::open(data).map_err(|error| Failure::Usage(error.to_string()))?;
    let given = Named::by_name("component", &arguments.component)?;
    // Held until the host is open, which loads them too, so that they are compiled once.
    let _given = lock_given(&catalog, &sandbox, &ledger, &given, arguments.restore_lock)?;
    let known = host::known_providers(&ledger).map_err(|error| Failure::of_ledger(&data_folder::database(data), &error))?;
    let removed = host::removed_providers(&ledger).map_err(|error| Failure::of_ledger(&data_folder::database(data), &error))?;
    let locked = catalog.lock().map_err(|error| Failure::Usage(error.to_string()))?;
    let mut providers: BTreeSet<ProviderName> = locked.into_keys().chain(known).collect();
    if providers.is_empty() {
        tracing::warn!(
            "no payment system is configured; add one by --component NAME=FILE, by `host-harness swap` or on the page «Платёжные системы»"
        );
    }
    // What the command line says of a removed one is no reason not to start.
    providers.extend(removed);
    let settings = Named::by_name("settings", &arguments.settings)?;
    let settings = of_providers(settings, &providers)?;
    let callers = callers(arguments, &providers)?;
    let config = Config {
        public_url: public_url(&arguments.public_url)?,
        token: data_folder::token(data)?,
        utc_offset_hours: arguments.utc_offset,
        callback_rate: NonZeroU32::new(arguments.callback_rate),
        proxy_header: arguments.trusted_proxy_header.clone(),
        trusted_proxies: arguments.trusted_proxy.iter().flat_map(|Addresses(nets)| nets).copied().collect(),
        callers,
        stall_time_max: STALL_TIME_MAX,
    };
    let host = HostBuilder::new(ledger, catalog, sandbox, data_folder::key(data)?).exports(data.join("exports"));
    let mut host = host.outbound(Arc::new(client));
    if let Some(billing) = billing {
        host = host.billing_accounts(Arc::new(billing));
    }
    data_folder::warn_of_rights(data);
    let gateway = Gateway::open(host, config).map_err(|error| Failure::Usage(error.to_string()))?;
    for (name, path) in settings {
        if gateway.host().provider(&name).is_err() {
            let why = "the file of --settings is ignored: the provider is not loaded, or an operator removed it";
            tracing::error!(provider = name.as_str(), "{why}");
            continue;
        }
        let entered = input::settings_table(path, &[])?;
        // Whoever starts the host has the server's files anyway, so the hosts that payers are sent to need no confirmation.
        let new = NewSettings { settings: entered, confirmed: Confirmed::All, ..NewSettings::default() };
        let refused = |why| Failure::Usage(format!("the settings of {name} cannot be entered: {why}"));
        gateway.host().save_settings(&name, new).map_err(refused)?;
    }
    let ready = |Listeners { main, callbacks }: Listeners<SocketAddr>| {
        drop(output::line(&format!("listening on http://{main}")));
        if let Some(callbacks) = callbacks {
            drop(output::line(&format!("listening for callbacks on http://{callbacks}")));
        }
    };
    let served = gateway.run(process, Listeners { main: arguments.listen, callbacks: arguments.listen_callbacks }, ready);
    served.map_err(|error| Failure::of_listener(&error))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns what callers of callbacks must show, by provider.
fn callers(arguments: &Arguments, providers: &BTreeSet<ProviderName>) -> Result<BTreeMap<ProviderName, CallerProof>, Failure> {
    let mut callers: BTreeMap<ProviderName, CallerProof> = BTreeMap::new();
    let sources = Named::by_name("callback-from", &arguments.callback_from)?;
    for (name, Addresses(nets)) in of_providers(sources, providers)? {
        callers.entry(name).or_default().addresses = nets.clone();
    }
    let credentials = Named::by_name("callback-credentials", &arguments.callback_credentials)?;
    for (name, path) in of_providers(credentials, providers)? {
        callers.entry(name).or_default().credentials = Some(secret_file::credentials(path)?);
    }
    let certificates = Named::by_name("callback-certificate", &arguments.callback_certificate)?;
    for (name, value) in of_providers(certificates, providers)? {
        let header = arguments.client_certificate_header.clone();
        callers.entry(name).or_default().certificate = header.map(|header| ClientCertificate { header, value: value.clone() });
    }
    Ok(callers)
}

/// What is given for providers by their names, each of which must be one that there is.
fn of_providers<'g, T>(
    given: BTreeMap<&str, &'g T>,
    providers: &BTreeSet<ProviderName>,
) -> Result<BTreeMap<ProviderName, &'g T>, Failure> {
    let unknown = |name: &str| {
        Failure::Usage(format!(
            "something is given for {name}, and there is no provider of that name; add --component {name}=FILE"
        ))
    };
    let of_provider = |(name, value)| Ok((providers.get(name).ok_or_else(|| unknown(name))?.clone(), value));
    given.into_iter().map(of_provider).collect()
}

fn log(json: bool) -> Result<(), Failure> {
    let filter = EnvFilter::builder().with_env_var(LOG_VARIABLE).with_default_directive(tracing::Level::INFO.into());
    refuse_unknown_level(&std::env::var(LOG_VARIABLE).unwrap_or_default())?;
    let filter = filter.from_env().map_err(|error| Failure::Usage(format!("{LOG_VARIABLE}: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        log.json().init()
    } else {
        log.with_ansi(false).init()
    }
    Ok(())
}

/// Refuses a word of the log's filter that is no level: the filter would take it for the name of a part of the program, and nothing of
/// any other part would be logged.
fn refuse_unknown_level(filter: &str) -> Result<(), Failure> {
    let is_level = |word: &str| word.is_empty() || word.parse::<LevelFilter>().is_ok();
    match filter.split(',').map(str::trim).find(|word| !word.contains(['=', '[']) && !is_level(word)) {
        None => Ok(()),
        Some(word) => Err(Failure::Usage(format!(
            "{LOG_VARIABLE} takes error, warn, info, debug, trace or off, alone or for a part of the program as in \
             info,outbound=debug; {word:?} is none of them"
        ))),
    }
}

/// Locks the given components that are not locked yet. A name that the ledger knows and the lock lacks is not new: a component
/// of the command line does not replace the provider's last one, unless the lock was lost. Nor does it bring back a provider that
/// somebody removed: a service's command line stays as it is for years. Returns what was loaded.
fn lock_given(
    catalog: &Catalog,
    sandbox: &Sandbox,
    ledger: &Ledger,
    given: &BTreeMap<&str, &PathBuf>,
    is_lost: bool,
) -> Result<Vec<Provider>, Failure> {
    let unusable = |error: catalog::Error| Failure::Usage(error.to_string());
    if is_lost {
        let restored = host::restore_lock(ledger, catalog).map_err(|error| Failure::Usage(error.to_string()))?;
        log_restored(&restored, given);
    }
    let known = host::known_providers(ledger).map_err(|error| Failure::Usage(error.to_string()))?;
    let removed = host::removed_providers(ledger).map_err(|error| Failure::Usage(error.to_string()))?;
    let lock = catalog.lock().map_err(unusable)?;
    let mut loaded = Vec::new();
    for (&name, path) in given {
        let name = ProviderName::new(name).map_err(|_| unusable(catalog::Error::Name(name.to_owned())))?;
        match lock.get(&name) {
            None if removed.contains(&name) => tracing::warn!(
                provider = name.as_str(),
                file = %path.display(),
                "the file of --component is ignored: an operator removed this provider; add it again on the page «Платёжные системы» \
                or by `host-harness swap {name} {}`, or remove the option",
                path.display()
            ),
            None if known.contains(&name) && !is_lost => tracing::warn!(
                provider = name.as_str(),
                file = %path.display(),
                "the file of --component is ignored: the provider is known, and what was active is used"
            ),
            None => {
                let bytes = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
                let provider = input::load_bytes(sandbox, path, &bytes)?;
                catalog.stage(&bytes).and_then(|_| catalog.publish(&name, Version::of(&provider))).map_err(unusable)?;
                loaded.push(provider);
                tracing::info!(provider = name.as_str(), file = %path.display(), "the component was added to providers.lock");
            }
            Some(locked) if !is_locked(path, &locked.current) => tracing::warn!(
                provider = name.as_str(),
                file = %path.display(),
                sha256 = locked.current.sha256,
                "the file of --component is ignored: providers.lock names another component; to use the file, run `host-harness swap`"
            ),
            Some(_) => {}
        }
    }
    Ok(loaded)
}

/// Logs what --restore-lock did. What the lock lacks and the command line gives is no loss: it is locked next.
fn log_restored(restored: &RestoredLock, given: &BTreeMap<&str, &PathBuf>) {
    let RestoredLock { names, left_out, damaged } = restored;
    if let Some(damaged) = damaged {
        tracing::warn!(file = %damaged.display(), "providers.lock was damaged and was moved to this file");
    }
    if !names.is_empty() {
        let names: Vec<&str> = names.iter().map(ProviderName::as_str).collect();
        tracing::warn!(providers = names.join(", "), "providers.lock was restored from the ledger");
    }
    for (name, error) in left_out.iter().filter(|(name, _)| !given.contains_key(name.as_str())) {
        tracing::error!(provider = name.as_str(), %error, "the provider cannot be restored in providers.lock; add its component again by `host-harness swap`");
    }
    if names.is_empty() && left_out.is_empty() {
        tracing::warn!("nothing is missing from providers.lock; remove --restore-lock");
    }
}

/// Reports whether a file is the locked component. A missing file does not matter: the catalog has its own copy.
fn is_locked(path: &Path, locked: &Version) -> bool {
    std::fs::read(path).map_or(true, |bytes| hex::encode(Sha256::digest(bytes)) == locked.sha256)
}

/// Parses the address of a web server, without a path or a query, and strips the slash at its end: nothing is served under a path.
fn public_url(text: &str) -> Result<String, Failure> {
    let text = &in_ascii(text);
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).map(|rest| rest.trim_end_matches('/'));
    let wrong = |why: &str| {
        Failure::Usage(format!("--public-url takes an address such as https://billing.example.ru, and not {text:?}{why}"))
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let host = rest
        .filter(|rest| rest.rsplit_once(':').is_none_or(|(name, port)| port.ends_with(']') || name.is_empty() || is_port(port)))
        .filter(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\"<>\\".contains(&byte)));
    if host.ok_or_else(|| wrong(""))?.contains('/') {
        return Err(wrong(
            ": callbacks and pages are served at the root, and not under a path; give them a host name of their own",
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Returns an address whose host has letters beyond ASCII, such as https://оплата.рф, with its host in the form that goes over the
/// network. Any other text is returned as it is.
fn in_ascii(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (name, port) = authority.split_at(authority.rfind(':').unwrap_or(authority.len()));
    match host::payment_hosts::host(text).filter(|_| !name.is_ascii() && !name.contains(['?', '#', '@'])) {
        Some(ascii) => format!("{scheme}://{ascii}{port}{path}"),
        None => text.to_owned(),
    }
}

/// Parses the offset of the days of statistics. A write-off counts at 11:00 UTC of its date, which is within that date only from
/// UTC-11 to UTC+12.
fn utc_offset(text: &str) -> Result<i8, String> {
    input::hours(text, -11..=12).map_err(|range| format!("{range}; beyond that, a write-off would count on another day"))
}

/// Addresses and networks, separated by commas.
#[derive(Clone)]
struct Addresses(Vec<IpNet>);

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Addresses, String> {
        let net = |part: &str| {
            let part = part.trim();
            let net = part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| {
                format!("{part:?} is not an address; write such as 203.0.113.7 or 203.0.113.0/24, with commas between")
            })
        };
        Ok(Addresses(text.split(',').map(net).collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn public_url_is_written_in_ascii() {
        for (given, want) in [
            ("https://billing.example.ru/", "https://billing.example.ru"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://Billing.example.ru:443", "https://Billing.example.ru:443"),
            ("https://оплата.рф", "https://xn--80aa5alfu.xn--p1ai"),
            ("https://Оплата.рф:8443/", "https://xn--80aa5alfu.xn--p1ai:8443"),
        ] {
            assert_eq!(public_url(given).unwrap(), want);
        }
        for wrong in [
            "оплата.рф",
            "https://",
            "https://оплата.рф/оплата",
            "https://оплата.рф?х",
            "https://кто@оплата.рф",
            "https://a.ru:99999",
            "https://a.ru:0",
            "https://a.ru:",
            "https://a.ru:x",
            "https://оплата.рф:65536",
        ] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_of_the_log_filter_are_levels_or_name_one() {
        for good in ["", "info", "WARN", "off", "debug,outbound=trace", "gateway=debug, info", "host[span]=debug"] {
            assert!(refuse_unknown_level(good).is_ok(), "{good}");
        }
        for wrong in ["warning", "inf", "nonsense", "info,host", "debug,warning"] {
            let said = refuse_unknown_level(wrong).unwrap_err().to_string();
            assert!(said.starts_with("HARNESS_LOG takes error, warn, info, debug, trace or off"), "{said}");
        }
    }
}
