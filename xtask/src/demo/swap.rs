//! Shows how payment systems are added and components swapped while the host runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use support::Program;

use super::client::{PRICE, Service};
use super::{Colour, expect, list, read_json, text};
use crate::build::Built;
use crate::run::target_dir;

/// Robokassa's secrets, which its stand-in gets from the environment.
const PASSWORDS: [(&str, &str); 2] = [("ROBOKASSA_PASSWORD_1", "/password-1"), ("ROBOKASSA_PASSWORD_2", "/password-2")];
const COMMENT: &str = "Пополнение баланса через ЛК";
/// As long as `COMMENT`, so that it can replace it in a component's bytes.
const OTHER_COMMENT: &str = "Пополнение баланса через ЛС";

/// Starts a stand-in for Robokassa, which reports payments to the host.
pub fn stand_in(built: &Built, service: &Service<'_>) -> Result<(Program, Value)> {
    let vectors: Value = read_json("robokassa/vectors.json")?;
    let mut settings = vectors.pointer("/settings").context("the vectors have settings")?.clone();
    let mut command = Command::new(&built.robokassa_stand_in);
    for (variable, setting) in PASSWORDS {
        command.env(variable, text(&settings, setting)?);
    }
    command.args(["--password-1-env", PASSWORDS[0].0, "--password-2-env", PASSWORDS[1].0]);
    command.args(["--merchant-login", text(&settings, "/merchant-login")?]);
    command.args(["--result-url", &service.url("/callbacks/robokassa"), "--success-url", &service.url("/cabinet")]);
    let server = Program::start(&mut command)?;
    let page = format!("http://{}/Merchant/Index.aspx", server.address);
    settings.as_object_mut().context("settings are an object")?.insert("payment-page".to_owned(), json!(page));
    Ok((server, settings))
}

impl Service<'_> {
    /// Adds Robokassa and takes a payment with it.
    pub fn another_system(&self, built: &Built, folder: &Path, stand_in: &Program, settings: &Value) -> Result<()> {
        self.page.title("6. Another payment system, and other components, while the host runs")?;
        let (_, done) = self.swap(built, folder, "robokassa", Some(&built.robokassa), &[])?;
        expect("that Robokassa is added", done, true)?;
        self.api("PUT", "/providers/robokassa/settings", settings)?;
        let before = self.balance()?;
        self.pay("robokassa", stand_in, "pay")?;
        self.settled(stand_in)?;
        expect("what Robokassa's payment credits", self.balance()? - before, PRICE)?;
        let credited = self.page.paint(Colour::Green, "credited");
        self.page.line(&format!("robokassa added by `host-harness swap`, set, paid at its stand-in: {credited} 100.00 RUB"))
    }

    /// Adds the component that only exports, for whose payment systems have no exports. It writes the month as ChronoPay's does.
    pub fn another_exporter(&self, built: &Built, folder: &Path) -> Result<()> {
        let (_, done) = self.swap(built, folder, "onec", Some(&built.onec), &[])?;
        expect("that the component onec is added", done, true)?;
        self.api("PUT", "/providers/onec/settings", &json!({"currency": "RUB"}))?;
        let sha256 = |provider: &str| -> Result<String> {
            let query = format!("from=2026-10-01&to=2026-10-31&provider={provider}");
            let manifest = self.get(&format!("/exports/writeoffs/manifest?{query}"))?;
            text(&manifest, "/files/0/sha256").map(str::to_owned)
        };
        expect("the SHA-256 of the month by onec", sha256("onec")?, sha256("chronopay")?)?;
        self.page.line("onec      added, set: it takes no payments, and exports the month to the same bytes as chronopay")
    }

    /// Swaps ChronoPay's component while payments come in, shows a swap that is refused, and rolls back.
    pub fn swaps(&self, built: &Built, folder: &Path) -> Result<()> {
        let bytes = std::fs::read(&built.chronopay)?;
        let next = write("chronopay-next.wasm", &with_section(&bytes))?;
        let (before, stop, paid) = (self.balance()?, AtomicBool::new(false), AtomicI64::new(0));
        let told = thread::scope(|scope| {
            let paying = scope.spawn(|| -> Result<()> {
                loop {
                    self.pay("chronopay", self.stand_in, "pay")?;
                    paid.fetch_add(1, Ordering::Relaxed);
                    if stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                }
            });
            let told = self.swap(built, folder, "chronopay", Some(&next), &[]);
            stop.store(true, Ordering::Relaxed);
            paying.join().map_err(|_| anyhow!("a payer died"))??;
            let (told, done) = told?;
            expect("that the component is swapped", done, true)?;
            Ok::<String, anyhow::Error>(told)
        })?;
        self.settled(self.stand_in)?;
        let paid = paid.into_inner();
        expect("what was credited during the swap", self.balance()? - before, paid * PRICE)?;
        self.said(&told)?;
        self.page.line(&format!("          {paid} payments were made meanwhile, and all are credited"))?;

        let other = write("chronopay-other.wasm", &patched(&bytes, COMMENT, OTHER_COMMENT)?)?;
        let (told, done) = self.swap(built, folder, "chronopay", Some(&other), &[])?;
        expect("that another comment stops a swap", done, false)?;
        let lines: Vec<&str> = told.lines().collect();
        let difference = lines.iter().find(|line| line.contains("event.comment")).context("the changed comment is shown")?;
        self.page.outcome("refused", Colour::Red, lines.first().copied().unwrap_or_default())?;
        self.page.line(&format!("          {}", difference.trim()))?;

        let (told, done) = self.swap(built, folder, "chronopay", None, &["--back"])?;
        expect("that the swap is taken back", done, true)?;
        self.said(&told)?;
        let loaded = self.get("/providers")?;
        expect("the number of providers", list(&loaded, "/providers")?.len(), 3)
    }

    /// Prints the first line of the program's message.
    fn said(&self, told: &str) -> Result<()> {
        self.page.line(&format!("swap      {}", told.lines().next().unwrap_or_default()))
    }

    /// Runs `host-harness swap`. Returns its message, and whether it succeeded.
    fn swap(
        &self,
        built: &Built,
        folder: &Path,
        name: &str,
        component: Option<&Path>,
        arguments: &[&str],
    ) -> Result<(String, bool)> {
        let mut command = Command::new(&built.host_harness);
        command.args(["swap", name]).args(component).args(["--host", &self.url("")]).args(arguments);
        command.arg("--token-file").arg(folder.join("token"));
        let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {command:?}"))?;
        Ok((String::from_utf8(output.stdout)?, output.status.success()))
    }
}

fn write(name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = target_dir().join("demo").join(name);
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Makes the same component with other bytes: with a section that nothing reads.
fn with_section(component: &[u8]) -> Vec<u8> {
    [component, b"\0\x05\x04next"].concat()
}

/// Replaces a text in a component by another of the same length.
fn patched(component: &[u8], from: &str, to: &str) -> Result<Vec<u8>> {
    let at = component.windows(from.len()).position(|bytes| bytes == from.as_bytes());
    let (before, after) = component.split_at(at.with_context(|| format!("the component does not hold {from:?}"))?);
    let rest = after.get(from.len()..).unwrap_or_default();
    Ok([before, to.as_bytes(), rest].concat())
}
