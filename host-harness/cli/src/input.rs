//! Reads the program's input: components, settings, records, lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{CallbackRequest, Description, Fields, HttpMethod, Settings};
use host::ProviderTexts;
use sandbox::{Error, Limits, LoadError, Merchant, Provider, Sandbox, SandboxConfig};
use serde::de::DeserializeOwned;

use crate::compile_check;
use crate::failure::Failure;
use crate::named::Named;

/// The largest settings or record file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The longest line of JSON: fits a record within the sandbox's limit of input, with every byte escaped.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// The program makes one call at a time, beside an open export.
const CONCURRENT_CALLS_MAX: u32 = 4;

/// A component, and the settings of a merchant.
#[derive(clap::Args)]
pub struct MerchantArguments {
    /// The component, such as target/components/chronopay.wasm.
    pub component: PathBuf,
    /// The merchant's settings: a TOML file of name = "value", by the names that `inspect` shows.
    #[arg(long)]
    pub settings: PathBuf,
    /// Takes a setting from the environment instead: shared-sec=VARIABLE. A secret is never an argument.
    #[arg(long, value_name = "SETTING=VARIABLE")]
    pub secret_env: Vec<Named<String>>,
}

impl MerchantArguments {
    /// Loads the component and configures a merchant.
    pub fn merchant(&self) -> Result<Merchant, Failure> {
        let provider = self.provider()?;
        Ok(configured(&provider, self.settings(provider.description())?)?)
    }

    /// Loads the component.
    pub fn provider(&self) -> Result<Provider, Failure> {
        provider(&self.component)
    }

    /// Reads the settings for a provider, which has not checked them.
    pub fn settings(&self, description: &Description) -> Result<Settings, Failure> {
        let entered = host::invisible::with_line_ends(&description.settings, settings_table(&self.settings, &self.secret_env)?);
        match host::invisible::problems(&description.settings, &entered).first() {
            Some(problem) => Err(Failure::file(&self.settings, problem)),
            None => Ok(Settings::new(entered)),
        }
    }
}

/// Configures a merchant whose texts hold no secret and no card number.
pub fn configured(provider: &Provider, settings: Settings) -> Result<Merchant, Error> {
    let merchant = provider.merchant(settings.clone())?;
    let description = provider.description();
    let is_secret = |name: &str| description.settings.iter().any(|setting| setting.kind.is_secret() && setting.name == name);
    let values = |secret: bool| {
        let values = settings.expose().iter().filter(move |(name, _)| is_secret(name) == secret);
        values.map(|(_, value)| value.as_str())
    };
    let texts = ProviderTexts::new(description, values(true), values(false));
    Ok(merchant.with_texts(Arc::new(texts)))
}

/// A callback request, given by arguments.
#[derive(clap::Args)]
pub struct RequestArguments {
    /// GET has its fields in the query, POST in the body. Without it: POST where there is a body.
    #[arg(long, value_parser = ["GET", "POST"], ignore_case = true)]
    pub method: Option<String>,
    /// Everything after ? of the request's target, still percent-encoded.
    #[arg(long)]
    pub query: Option<String>,
    /// A file with the request's body as it was received; - is standard input.
    #[arg(long)]
    pub body_file: Option<PathBuf>,
}

impl RequestArguments {
    /// Reports whether the arguments give a request at all.
    pub fn is_given(&self) -> bool {
        self.query.is_some() || self.body_file.is_some()
    }

    /// Builds the request from the arguments.
    pub fn request(&self) -> Result<CallbackRequest, Failure> {
        let query = self.query.clone().unwrap_or_default();
        let body = self.body_file.as_deref().map(read).transpose()?.unwrap_or_default();
        let get = match &self.method {
            Some(method) => method.eq_ignore_ascii_case("GET"),
            None => self.body_file.is_none() && self.query.is_some(),
        };
        let method = if get { HttpMethod::Get } else { HttpMethod::Post };
        Ok(CallbackRequest { method, query, ..CallbackRequest::post(body) })
    }
}

/// Loads a component into a sandbox of its own.
pub fn provider(component: &Path) -> Result<Provider, Failure> {
    load(&sandbox(CONCURRENT_CALLS_MAX)?, component)
}

/// Makes a sandbox for this many concurrent calls.
pub fn sandbox(concurrent_calls_max: u32) -> Result<Sandbox, Failure> {
    let compile_check = Some(compile_check::config()?);
    Ok(Sandbox::new(
        &SandboxConfig::default().with_concurrent_calls_max(concurrent_calls_max).with_compile_check(compile_check),
    )?)
}

/// Loads a component under the default limits.
pub fn load(sandbox: &Sandbox, component: &Path) -> Result<Provider, Failure> {
    sandbox.load_file(component, Limits::default()).map_err(|error| not_loaded(component, error))
}

/// Loads a component that was read from a file.
pub fn load_bytes(sandbox: &Sandbox, component: &Path, bytes: &[u8]) -> Result<Provider, Failure> {
    sandbox.load(bytes, Limits::default()).map_err(|error| not_loaded(component, error))
}

fn not_loaded(component: &Path, error: Error) -> Failure {
    match error {
        // A file that cannot be read is no component that cannot be loaded.
        Error::Load(LoadError::Unreadable { path, source }) => Failure::file(&path, source),
        error => Failure::Component { component: component.display().to_string(), error },
    }
}

/// Parses a limit of a component's calls.
pub fn limit(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => {
            Err("with a limit of 0 every call would fail; give at least 1, or leave the option out to keep the limit"
                .to_owned())
        }
        Ok(limit) => Ok(limit),
        Err(_) => Err("a limit is a whole number of at least 1".to_owned()),
    }
}

/// Parses an offset from UTC in hours. The error gives the range.
pub fn hours(text: &str, range: RangeInclusive<i8>) -> Result<i8, String> {
    let hours = text.parse().ok().filter(|hours| range.contains(hours));
    hours.ok_or_else(|| format!("give whole hours from {} to {}, such as 3 for Moscow (UTC+3)", range.start(), range.end()))
}

/// Reads a component that another program loads, unless it is larger than any component may be.
pub fn component_to_send(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
    if bytes.len() > Limits::COMPONENT_BYTES_MAX {
        let (size, most) = (bytes.len(), Limits::COMPONENT_BYTES_MAX);
        let what =
            format!("it has {size} bytes, and a component may have at most {most} (4 MiB); build it without debug symbols");
        return Err(Failure::file(path, what));
    }
    Ok(bytes)
}

/// Reads a component's bytes: at most one byte above the limit, so that the sandbox reports a component that is too large.
pub fn component(path: &Path) -> Result<Vec<u8>, Failure> {
    let most = Limits::COMPONENT_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| Failure::file(path, error))?;
    Ok(bytes)
}

/// Reads a whole file, or standard input for `-`.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_up_to(path, FILE_BYTES_MAX)
}

/// Reads a whole file of at most `bytes_max` bytes, or standard input for `-`.
pub fn read_up_to(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| Failure::file(path, error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::file(path, format!("it is larger than {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// Opens a file, or standard input for `-`.
pub fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path).map_err(|error| Failure::file(path, error))?))
}

/// Reads a JSON record.
pub fn record<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    serde_json::from_slice(without_mark(&read(path)?)).map_err(|error| Failure::file(path, error))
}

/// Strips the UTF-8 byte order mark that some editors write.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// Reads settings from a file, and some of them from the environment, as names and values.
pub fn settings_table(path: &Path, secret_env: &[Named<String>]) -> Result<Fields, Failure> {
    let text = String::from_utf8(without_mark(&read(path)?).to_vec()).map_err(|_| Failure::file(path, "it is not UTF-8"))?;
    let table = text.parse::<toml::Table>().map_err(|error| {
        // The parser would show the line, which may contain a secret.
        let line = error.span().map_or(0, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        Failure::file(path, format!("line {line} is not TOML of the form name = \"value\""))
    })?;
    let mut settings = Vec::new();
    for (name, value) in table {
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            _ => return Err(Failure::file(path, format!("{name} is no text; write {name} = \"value\""))),
        };
        settings.push((name, value));
    }
    for (name, value) in secrets_of_environment(secret_env)? {
        settings.retain(|(other, _)| *other != name);
        settings.push((name, value));
    }
    Ok(settings)
}

/// Reads the settings that arguments SETTING=VARIABLE name from the environment.
pub fn secrets_of_environment(secret_env: &[Named<String>]) -> Result<Fields, Failure> {
    let secret = |Named { name, value: variable }: &Named<String>| {
        let value = std::env::var(variable).map_err(|_| {
            let message =
                format!("the environment variable that --secret-env names for {name} is not set or no UTF-8; export it");
            Failure::Usage(message)
        })?;
        Ok((name.clone(), value))
    };
    secret_env.iter().map(secret).collect()
}

/// Lines of bounded length, numbered from 1. Blank lines are skipped.
pub struct Lines<R> {
    reader: BufReader<R>,
    number: u64,
}

impl<R: Read> Lines<R> {
    /// Makes an iterator over a reader's lines.
    pub fn new(reader: R) -> Lines<R> {
        Lines { reader: BufReader::new(reader), number: 0 }
    }

    /// Returns the number of the last line that was read.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Reports whether the next line has not arrived yet, so that it is time to write what is ready.
    pub fn buffer_is_empty(&self) -> bool {
        !self.reader.buffer().contains(&b'\n')
    }

    /// Returns the records of all lines of a file. An unreadable line is an error that names the line.
    pub fn records<T: DeserializeOwned>(mut self, path: &Path) -> impl Iterator<Item = Result<T, Failure>> {
        std::iter::from_fn(move || match self.next_record() {
            Ok(None) => None,
            Ok(Some(record)) => Some(record.map_err(|message| Failure::file(path, format!("line {}, {message}", self.number)))),
            Err(error) => Some(Err(Failure::file(path, error))),
        })
    }

    /// Reads the next line's record. An unreadable line is an error and does not end the iteration.
    pub fn next_record<T: DeserializeOwned>(&mut self) -> io::Result<Option<Result<T, String>>> {
        loop {
            let mut line = Vec::new();
            let length = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(None);
            }
            self.number += 1;
            if length as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n") {
                self.reader.skip_until(b'\n')?;
                return Ok(Some(Err(format!("it is longer than {LINE_BYTES_MAX} bytes"))));
            }
            let line = if self.number == 1 { without_mark(&line) } else { &line };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return Ok(Some(serde_json::from_slice(line).map_err(|error| without_line(&error))));
        }
    }
}

/// Returns the error's text with the column and without the line, which [`Lines`] counts itself.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    format!("column {}: {}", error.column(), text.strip_suffix(&place).unwrap_or(&text))
}
