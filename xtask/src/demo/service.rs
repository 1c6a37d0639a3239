//! Shows the host over HTTP, with a stand-in for ChronoPay: a whole payment, and attempts to cheat.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use support::{Client, Program};

use super::client::{ACCOUNT, PRICE, Service};
use super::watchdog::Watchdog;
use super::{Colour, Page, data, expect, integer, list, output, read_json, swap, text};
use crate::build::Built;
use crate::run::target_dir;

const OPERATOR: &str = "operator";
const PASSWORD: &str = "quiet lantern orbit";
/// The environment variable with the secret of the demonstration's settings.
const SECRET_VARIABLE: &str = "CHRONOPAY_SECRET";
/// What `writeoffs.jsonl` debits the account by, in kopecks.
const DEBITED: i64 = 50_000;

/// Serves, pays, tries to cheat and exports. Then keeps serving until it is interrupted, unless `once` is set.
pub fn show(built: &Built, page: Page, once: bool) -> Result<()> {
    let folder = target_dir().join("demo/data");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot begin anew in {}", folder.display()))?;
    }
    let settings = settings()?;
    let stand_in = stand_in(built, &settings)?;
    let _stand_in_ends = Watchdog::of(stand_in.id())?;
    let mut host = host(built, &folder)?;
    let _host_ends = Watchdog::of(host.id())?;
    let token = std::fs::read_to_string(folder.join("token")).context("the host made no token")?;
    let client = Client::new(format!("http://{}", host.address));
    let service = Service { client, page, stand_in: &stand_in, token };
    service.configure(&settings)?;
    service.payment()?;
    service.attempts()?;
    service.month(built, &folder)?;
    let (robokassa, robokassa_settings) = swap::stand_in(built, &service)?;
    let _robokassa_ends = Watchdog::of(robokassa.id())?;
    service.another_system(built, &folder, &robokassa, &robokassa_settings)?;
    service.another_exporter(built, &folder)?;
    service.swaps(built, &folder)?;
    service.addresses()?;
    if once {
        return Ok(());
    }
    page.line("Press Ctrl-C to end.")?;
    host.wait()?;
    Ok(())
}

/// Returns the demonstration's settings, which `settings.toml` holds for the program.
fn settings() -> Result<Value> {
    let vectors: Value = read_json("chronopay/vectors.json")?;
    let setting = |name: &str| text(&vectors, &format!("/settings/{name}")).map(str::to_owned);
    Ok(json!({ "product-id": setting("product-id")?, "shared-sec": setting("shared-sec")? }))
}

fn stand_in(built: &Built, settings: &Value) -> Result<Program> {
    let mut command = Command::new(&built.stand_in);
    command.env(SECRET_VARIABLE, text(settings, "/shared-sec")?);
    command.args(["--listen", "127.0.0.1:0", "--secret-env", SECRET_VARIABLE, "--product-id", text(settings, "/product-id")?]);
    Ok(Program::start(&mut command)?)
}

/// Starts the host. It must know its own address before it listens, since links lead to it.
fn host(built: &Built, folder: &Path) -> Result<Program> {
    std::fs::create_dir_all(folder)?;
    output(Command::new(&built.host_harness).args(["operator", OPERATOR, "--data"]).arg(folder), &format!("{PASSWORD}\n"))?;
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let mut command = Command::new(&built.host_harness);
    command.arg("serve").arg("--data").arg(folder).args(["--listen", &address.to_string()]);
    command.args(["--public-url", &format!("http://{address}")]);
    // The stand-in is on this machine, and its address is a setting.
    command.arg("--call-loopback");
    command.args(["--component", &format!("chronopay={}", built.chronopay.display())]);
    let log = folder.join("log");
    command.stderr(std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?);
    Ok(Program::start(&mut command)?)
}

impl Service<'_> {
    fn configure(&self, settings: &Value) -> Result<()> {
        self.page.title("5. The host over HTTP, with a stand-in for ChronoPay")?;
        let mut settings = settings.clone();
        let entered = settings.as_object_mut().context("settings are an object")?;
        entered.insert("payment-page".to_owned(), json!(format!("http://{}/", self.stand_in.address)));
        self.api("PUT", "/providers/chronopay/settings", &settings)?;
        let shown = self.get("/providers/chronopay/settings")?;
        expect("the secret that settings show", shown.pointer("/shared-sec"), None)?;
        let account = json!({"name": "Иванов Иван Иванович", "kind": "individual", "contract": "Д-17"});
        self.api("PUT", &format!("/accounts/{ACCOUNT}"), &account)?;
        self.page.line("settings  PUT /api/v1/providers/chronopay/settings; the secret is kept sealed, and never shown again")
    }

    fn payment(&self) -> Result<()> {
        let began = Instant::now();
        let (order, back) = self.pay("chronopay", self.stand_in, "pay")?;
        let page = self.client.get(&back, "")?;
        let page = page.text();
        if !page.contains("Оплачено") {
            bail!("the demo went wrong: the subscriber comes back to {page}");
        }
        let feed = self.get("/entries")?;
        let entries = list(&feed, "/entries")?;
        expect("the number of entries", entries.len(), 1)?;
        let entry = entries.first().context("an entry")?;
        expect("the entry's order", text(entry, "/order")?, &order)?;
        let comment = text(entry, "/comment")?;
        expect("the entry's comment", comment, "Пополнение баланса через ЛК")?;
        expect("the balance", self.balance()?, PRICE)?;
        let credited = self.page.paint(Colour::Green, "credited");
        let time = began.elapsed().as_millis();
        self.page
            .line(&format!("payment   order {order}: link, page, signed callback, {credited} 100.00 RUB, all in {time} ms"))?;
        self.page.line(&format!("          in the statistics: «{comment}»; the subscriber's page: «Оплачено»"))
    }

    fn attempts(&self) -> Result<()> {
        for (scenario, credits, what) in [
            ("repeat", true, "the same callback three times: credited once"),
            ("forge", false, "signed with another secret: refused, nothing is credited"),
            ("tamper", false, "the total changed on its way: refused"),
            ("other-amount", false, "signed, of another amount than the order's: waits for the operator"),
        ] {
            let before = self.balance()?;
            self.pay("chronopay", self.stand_in, scenario)?;
            self.settled(self.stand_in)?;
            let credited = self.balance()? - before;
            expect(scenario, credited, if credits { PRICE } else { 0 })?;
            self.page.outcome(scenario, if credits { Colour::Green } else { Colour::Red }, what)?;
        }
        let waiting = self.get("/unmatched")?;
        let waiting = list(&waiting, "/unmatched")?;
        expect("how much waits for the operator", waiting.len(), 1)?;
        let reason = text(waiting.first().context("one waits")?, "/reason")?;
        expect("why it waits", reason, "other-amount")
    }

    fn month(&self, built: &Built, folder: &Path) -> Result<()> {
        let rows = std::fs::read_to_string(data("demo/writeoffs.jsonl"))?;
        let mut writeoffs = Vec::new();
        for row in rows.lines() {
            let row: Value = serde_json::from_str(row)?;
            let subscriber = row.get("subscriber").context("a write-off has a subscriber")?;
            let field = |name: &str| row.get(name).cloned().unwrap_or(Value::Null);
            let account = text(&row, "/account")?;
            let mut party = subscriber.clone();
            if let (Some(party), Some(contract)) = (party.as_object_mut(), row.get("contract")) {
                party.insert("contract".to_owned(), contract.clone());
                if let Some(date) = row.get("contract_date") {
                    party.insert("contract_date".to_owned(), date.clone());
                }
                let kind = party.get("kind").and_then(Value::as_str).unwrap_or("individual").replace('_', "-");
                party.insert("kind".to_owned(), json!(kind));
            }
            self.api("PUT", &format!("/accounts/{account}"), &party)?;
            writeoffs.push(json!({
                "id": field("id"), "account": account, "service_code": text(&row, "/service_code").unwrap_or_default(),
                "service": field("service"), "unit": text(&row, "/unit").unwrap_or_default(), "period": field("period"),
                "date": field("date"), "amount": field("amount"), "vat_basis_points": field("vat_basis_points"),
                "quantity_thousandths": row.get("quantity_thousandths").and_then(Value::as_i64).unwrap_or(1000),
            }));
        }
        let before = self.balance()?;
        let count = writeoffs.len();
        self.api("POST", "/writeoffs", &json!({ "writeoffs": writeoffs }))?;
        expect("what the account is debited by", before - self.balance()?, DEBITED)?;
        let options: Value = read_json("demo/options.json")?;
        self.api("PUT", "/seller", options.get("seller").context("the options have a seller")?)?;
        let manifest = self.get("/exports/writeoffs/manifest?from=2026-10-01&to=2026-10-31")?;
        expect("the number of write-offs exported", integer(&manifest, "/rows")?, i64::try_from(count)?)?;
        let name = text(&manifest, "/files/0/name")?;
        let told = output(Command::new(&built.host_harness).arg("verify").arg(folder.join("exports").join(name)), "")?;
        if !told.trim_end().ends_with("verified: everything is as the manifest says") {
            bail!("the demo went wrong: the export is not verified: {told}");
        }
        self.page.line(&format!("month     {count} write-offs, exported over HTTP and verified: {name}"))?;
        let told = output(Command::new(&built.host_harness).args(["ledger", "check", "--data"]).arg(folder), "")?;
        self.page.line(&format!("ledger    {}", told.trim()))
    }

    fn addresses(&self) -> Result<()> {
        let cabinet = self.api("POST", &format!("/accounts/{ACCOUNT}/cabinet"), &Value::Null)?;
        self.page.title("Look at it")?;
        self.page.line(&format!("operator  {}  (name {OPERATOR}, password {PASSWORD})", self.url("/operator")))?;
        self.page.line(&format!("cabinet   {}  (for 15 minutes)", text(&cabinet, "/url")?))?;
        self.page.line(&format!("API       {}", self.url("/api/openapi.json")))
    }
}
