//! `new`: creates a project for the author of a provider.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::output;

/// The name of the templates' projects. The new project's name replaces it.
const TEMPLATE_NAME: &str = "example-pay";
const NAME_CHARS_MAX: usize = 64;

/// Makes a project for a payment provider: a whole one, for the made-up payment system Example Pay, to be changed into yours. It
/// holds the contract, callbacks for `check`, and a README that says what to do.
///
/// Example: host-harness new fast-pay --language javascript
#[derive(clap::Args)]
pub struct Arguments {
    /// The provider's id, in kebab-case; the project's folder has the same name.
    name: String,
    /// What the provider is written in.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    language: Language,
    /// The folder in which the project's is made.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
}

/// A language that has a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Language {
    Rust,
    #[value(name = "javascript")]
    JavaScript,
}

impl Language {
    /// Returns the project's files: the path within the project, and the text.
    fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Language::Rust => &RUST,
            Language::JavaScript => &JAVASCRIPT,
        }
    }

    /// Returns the commands that build the component, run in the project's folder.
    fn build(self) -> &'static [&'static str] {
        match self {
            Language::Rust => &[
                "cargo build --release --target wasm32-unknown-unknown",
                "host-harness component target/wasm32-unknown-unknown/release/provider.wasm --out example-pay.wasm",
            ],
            Language::JavaScript => &["npm ci", "npm run build"],
        }
    }
}

macro_rules! files {
    ($($path:literal: $template:literal),* $(,)?) => { [$(($path, include_str!(concat!("../", $template)))),*] };
}

const RUST: [(&str, &str); 26] = files! {
    "wit/payment-provider.wit": "../../wit/payment-provider.wit",
    "wit/exchanges.wit": "../../wit/exchanges.wit",
    "wit/asking.wit": "../../wit/asking.wit",
    "wit/payment-status.wit": "../../wit/payment-status.wit",
    "wit/refunds.wit": "../../wit/refunds.wit",
    "wit/recurring-payments.wit": "../../wit/recurring-payments.wit",
    "wit/settlement-reports.wit": "../../wit/settlement-reports.wit",
    "wit/world.wit": "../../wit/world.wit",
    "vectors.json": "templates/vectors.json",
    "rustfmt.toml": "../../rustfmt.toml",
    ".gitignore": "templates/rust/gitignore",
    ".cargo/config.toml": "templates/rust/cargo-config.toml",
    "Cargo.toml": "templates/rust/Cargo.toml",
    "Cargo.lock": "templates/rust/Cargo.lock",
    "README.md": "templates/rust/README.md",
    "src/lib.rs": "templates/rust/src/lib.rs",
    "src/amount.rs": "templates/rust/src/amount.rs",
    "src/asking.rs": "templates/rust/src/asking.rs",
    "src/callback.rs": "templates/rust/src/callback.rs",
    "src/callback/tests.rs": "templates/rust/src/callback/tests.rs",
    "src/check.rs": "templates/rust/src/check.rs",
    "src/link.rs": "templates/rust/src/link.rs",
    "src/reply.rs": "templates/rust/src/reply.rs",
    "src/settings.rs": "templates/rust/src/settings.rs",
    "src/sign.rs": "templates/rust/src/sign.rs",
    "src/text.rs": "templates/rust/src/text.rs",
};

const JAVASCRIPT: [(&str, &str); 26] = files! {
    "wit/payment-provider.wit": "../../wit/payment-provider.wit",
    "wit/exchanges.wit": "../../wit/exchanges.wit",
    "wit/asking.wit": "../../wit/asking.wit",
    "wit/payment-status.wit": "../../wit/payment-status.wit",
    "wit/refunds.wit": "../../wit/refunds.wit",
    "wit/recurring-payments.wit": "../../wit/recurring-payments.wit",
    "wit/settlement-reports.wit": "../../wit/settlement-reports.wit",
    "wit/world.wit": "../../wit/world.wit",
    "vectors.json": "templates/vectors.json",
    ".gitignore": "templates/javascript/gitignore",
    "package.json": "templates/javascript/package.json",
    "package-lock.json": "templates/javascript/package-lock.json",
    "README.md": "templates/javascript/README.md",
    "src/provider.js": "templates/javascript/src/provider.js",
    "src/amount.js": "templates/javascript/src/amount.js",
    "src/asking.js": "templates/javascript/src/asking.js",
    "src/callback.js": "templates/javascript/src/callback.js",
    "src/check.js": "templates/javascript/src/check.js",
    "src/form.js": "templates/javascript/src/form.js",
    "src/link.js": "templates/javascript/src/link.js",
    "src/problem.js": "templates/javascript/src/problem.js",
    "src/reply.js": "templates/javascript/src/reply.js",
    "src/settings.js": "templates/javascript/src/settings.js",
    "src/sha256.js": "templates/javascript/src/sha256.js",
    "src/sign.js": "templates/javascript/src/sign.js",
    "test/callback.test.js": "templates/javascript/test/callback.test.js",
};

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { name, language, into } = arguments;
    if !is_name(name) {
        let message =
            "a provider's name is kebab-case, such as fast-pay: a-z, 0-9 and single hyphens, at most 64, a letter first";
        return Err(Failure::Usage(message.to_owned()));
    }
    let project = if into == Path::new(".") { PathBuf::from(name) } else { into.join(name) };
    // Nothing is ever overwritten: `create_dir` fails if the folder exists.
    std::fs::create_dir(&project).map_err(|error| Failure::Usage(create_error(&project, into, &error)))?;
    if let Err(error) = write(&project, name, language.files()) {
        // Half a project is worse than none. This run created the folder. A failure to remove it is not reported, since the
        // first error says more.
        let _ = std::fs::remove_dir_all(&project);
        return Err(Failure::Usage(format!("cannot write into {}: {error}", project.display())));
    }
    output::line(&summary_text(&project, name, *language))?;
    Ok(ExitCode::SUCCESS)
}

/// Reports whether the text is a provider's id by the contract: `[a-z][a-z0-9]*(-[a-z0-9]+)*`.
fn is_name(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.starts_with(|char: char| char.is_ascii_lowercase()) && text.len() <= NAME_CHARS_MAX && text.split('-').all(word)
}

fn create_error(project: &Path, into: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{} is there already; choose another name or folder", project.display()),
        io::ErrorKind::NotFound => format!("the folder {} is not there; make it first", into.display()),
        _ => format!("cannot make {}: {error}", project.display()),
    }
}

fn write(project: &Path, name: &str, files: &[(&str, &str)]) -> io::Result<()> {
    for (path, text) in files {
        let path = project.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text.replace(TEMPLATE_NAME, name))?;
    }
    Ok(())
}

fn summary_text(project: &Path, name: &str, language: Language) -> String {
    let mut lines = vec![format!("made {}. Next:", project.display()), format!("  cd {}", project.display())];
    lines.extend(language.build().iter().map(|line| format!("  {}", line.replace(TEMPLATE_NAME, name))));
    lines.push(format!("  host-harness check {name}.wasm --vectors vectors.json"));
    lines.push("Then make it your payment system's: README.md says where to begin.".to_owned());
    lines.join("\n")
}
