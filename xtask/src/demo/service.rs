//! The host over HTTP, with a stand-in for ChronoPay: a whole payment, and what is made of attempts to cheat.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

use super::{Colour, Page, data, expect, integer, list, output, read_json, swap, text};
use crate::build::Built;
use crate::run::target_dir;

const ACCOUNT: &str = "100500";
/// What each order is of, in kopecks.
pub const PRICE: i64 = 10_000;
const OPERATOR: &str = "operator";
const PASSWORD: &str = "quiet lantern orbit";
/// The secret of the demonstration's settings.
const SECRET_VARIABLE: &str = "CHRONOPAY_SECRET";
/// How long anything may take to happen.
const TIME_MAX: Duration = Duration::from_secs(20);
/// `writeoffs.jsonl` debits the account by so much.
const DEBITED: i64 = 50_000;

/// Serves, pays, tries to cheat and exports; then goes on serving until it is interrupted, but for `once`.
pub fn show(built: &Built, page: Page, once: bool) -> Result<()> {
    let folder = target_dir().join("demo/data");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot begin anew in {}", folder.display()))?;
    }
    let settings = settings()?;
    let stand_in = stand_in(built, &settings)?;
    let host = host(built, &folder)?;
    let token = std::fs::read_to_string(folder.join("token")).context("the host made no token")?;
    let agent: Agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let service = Service { agent, page, host: &host, stand_in: &stand_in, token };
    service.configure(&settings)?;
    service.payment()?;
    service.attempts()?;
    service.month(built, &folder)?;
    let (robokassa, robokassa_settings) = swap::stand_in(built, &service)?;
    service.another_system(built, &folder, &robokassa, &robokassa_settings)?;
    service.swaps(built, &folder)?;
    service.addresses()?;
    if once {
        return Ok(());
    }
    page.line("Press Ctrl-C to end.")?;
    let mut host = host;
    host.child.wait()?;
    Ok(())
}

/// The demonstration's settings, which `settings.toml` holds for the program.
fn settings() -> Result<Value> {
    let vectors: Value = read_json("chronopay/vectors.json")?;
    let setting = |name: &str| text(&vectors, &format!("/settings/{name}")).map(str::to_owned);
    Ok(json!({ "product-id": setting("product-id")?, "shared-sec": setting("shared-sec")? }))
}

/// A server that runs, and is killed where it is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts a program that prints where it listens.
    pub fn start(command: &mut Command) -> Result<Server> {
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut said = BufReader::new(child.stdout.take().context("a server has no standard output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        // What else it says must not block it.
        std::thread::spawn(move || drop(said.read_to_end(&mut Vec::new())));
        let address = line.trim().strip_prefix("listening on http://").map(|address| address.trim_end_matches('/').parse());
        match address {
            Some(Ok(address)) => Ok(Server { child, address }),
            _ => bail!("{command:?} does not listen: {line:?} ({})", child.wait()?),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn stand_in(built: &Built, settings: &Value) -> Result<Server> {
    let mut command = Command::new(&built.stand_in);
    command.env(SECRET_VARIABLE, text(settings, "/shared-sec")?);
    command.args(["--listen", "127.0.0.1:0", "--secret-env", SECRET_VARIABLE, "--product-id", text(settings, "/product-id")?]);
    Server::start(&mut command)
}

/// The host knows its own address before it listens: links lead to it.
fn host(built: &Built, folder: &Path) -> Result<Server> {
    std::fs::create_dir_all(folder)?;
    output(Command::new(&built.host_harness).args(["operator", OPERATOR, "--data"]).arg(folder), &format!("{PASSWORD}\n"))?;
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let mut command = Command::new(&built.host_harness);
    command.arg("serve").arg("--data").arg(folder).args(["--listen", &address.to_string()]);
    command.args(["--public-url", &format!("http://{address}")]);
    command.args(["--component", &format!("chronopay={}", built.chronopay.display())]);
    let log = folder.join("log");
    command.stderr(std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?);
    Server::start(&mut command)
}

/// The host, and who speaks to it.
pub struct Service<'s> {
    agent: Agent,
    pub page: Page,
    host: &'s Server,
    /// ChronoPay's.
    pub stand_in: &'s Server,
    token: String,
}

impl Service<'_> {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host.address)
    }

    pub fn api(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let url = self.url(&format!("/api/v1{path}"));
        let request = ureq::http::Request::builder().method(method).uri(&url).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut response = self.agent.run(request.body(body)?)?;
        let text = response.body_mut().read_to_string()?;
        if !response.status().is_success() {
            bail!("the demo went wrong: {method} {url} answers {}: {text}", response.status());
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.api("GET", path, &Value::Null)
    }

    pub fn balance(&self) -> Result<i64> {
        let account = self.get(&format!("/accounts/{ACCOUNT}"))?;
        Ok(account.pointer("/balances/0/minor_units").and_then(Value::as_i64).unwrap_or_default())
    }

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

    /// Makes an order and pays it at the stand-in; gives the page that the subscriber comes back to.
    pub fn pay(&self, provider: &str, stand_in: &Server, scenario: &str) -> Result<(String, String)> {
        let order = json!({
            "account": ACCOUNT, "amount": {"minor_units": PRICE, "currency": "RUB"}, "description": "Пополнение счёта",
            "provider": provider,
        });
        let link = self.api("POST", "/links", &order)?;
        let mut form = Vec::new();
        for field in list(&link, "/form_fields")? {
            form.push((text(field, "/0")?, text(field, "/1")?));
        }
        form.extend([("choice", "pay"), ("scenario", scenario)]);
        let response = self.agent.post(format!("http://{}/pay", stand_in.address)).send_form(form)?;
        let back = response.headers().get("location").and_then(|value| value.to_str().ok());
        let back = back.with_context(|| format!("the payment page sends nobody back: {}", response.status()))?;
        Ok((text(&link, "/order")?.to_owned(), back.to_owned()))
    }

    fn payment(&self) -> Result<()> {
        let began = Instant::now();
        let (order, back) = self.pay("chronopay", self.stand_in, "pay")?;
        let page = body(self.agent.get(&back).call()?)?;
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

    /// Waits until a stand-in has an answer to all that it sent.
    pub fn settled(&self, stand_in: &Server) -> Result<()> {
        let began = Instant::now();
        loop {
            let sent: Value =
                serde_json::from_str(&body(self.agent.get(format!("http://{}/sent", stand_in.address)).call()?)?)?;
            let sent = sent.as_array().context("what was sent is a list")?;
            if sent.iter().all(|one| one.get("status").is_some_and(|status| !status.is_null())) {
                return Ok(());
            }
            if began.elapsed() > TIME_MAX {
                bail!("the demo went wrong: a callback has no answer");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
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

fn body(mut response: Response<ureq::Body>) -> Result<String> {
    Ok(response.body_mut().read_to_string()?)
}
