//! Shows the component by itself: its form, a link, callbacks, a month's export.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use money::format_amount;
use serde_json::{Value, json};

use super::{
    Colour, Page, answer, between, data, expect, flag, integer, list, money, output, read_json, reply, shortened, text,
};
use crate::build::Built;
use crate::run::{root, target_dir};

/// The write-offs of `writeoffs.jsonl`: two charges of 500.00 and 350.00, a correction of -50.00, and 120.00 without VAT.
const ROWS: u64 = 4;
const AMOUNT: i64 = 92_000;
/// 22/122 of each line of an act, with the correction netted: 90.16 of 500.00 and 54.10 of 300.00. The register adds up to the
/// same: each row holds what it adds to the VAT of its act's line.
const VAT: i64 = 14_426;
/// One act for each of three subscribers.
const ACTS: i64 = 3;

/// Shows the component.
pub fn show(built: &Built, page: Page) -> Result<()> {
    let demo = Demo { built, vectors: read_json("chronopay/vectors.json")?, page };
    demo.provider()?;
    demo.link()?;
    demo.callbacks()?;
    demo.month()
}

struct Demo<'b> {
    built: &'b Built,
    vectors: Value,
    page: Page,
}

impl Demo<'_> {
    fn provider(&self) -> Result<()> {
        let report = answer(self.harness("inspect").arg("--json"))?;
        expect("the contract", text(&report, "/contract")?, "billing:payments/payment-provider@1.0.0")?;
        expect("the number of imports", list(&report, "/imports")?.len(), 0)?;
        expect("the provider", text(&report, "/description/id")?, "chronopay")?;
        let name = text(&report, "/description/name")?;
        self.page.title(&format!("1. {name} {}, loaded into the sandbox", text(&report, "/description/version")?))?;
        let size = integer(&report, "/size_bytes")?;
        let sha256: String = text(&report, "/sha256")?.chars().take(16).collect();
        self.page.line(&format!("contract  {}", text(&report, "/contract")?))?;
        self.page.line("imports   none: it reaches no clock, no network and no file")?;
        self.page.line(&format!("size      {size} bytes, sha256 {sha256}…"))?;
        self.page.line("settings form")?;
        for setting in list(&report, "/description/settings")? {
            let titles = list(setting, "/title")?;
            let russian = titles.iter().find(|title| title.pointer("/0").and_then(Value::as_str) == Some("ru"));
            let title = text(russian.context("a setting has no Russian title")?, "/1")?;
            let need = match (flag(setting, "/required")?, setting.pointer("/default_value").and_then(Value::as_str)) {
                (true, _) => "required".to_owned(),
                (false, Some(default_value)) => self.page.paint(Colour::Dim, &format!("default: {default_value}")),
                (false, None) => self.page.paint(Colour::Dim, "optional"),
            };
            self.page.line(&format!("  {:<19} {title:<30} {need}", text(setting, "/name")?))?;
        }
        Ok(())
    }

    fn link(&self) -> Result<()> {
        let order: Value = read_json("demo/order.json")?;
        let amount = money(&order, "/amount")?;
        expect("the order's amount", amount.as_str(), "100.00 RUB")?;
        let link = answer(self.merchant("link").arg("--json").arg("--order").arg(data("demo/order.json")))?;
        let field = |name| {
            let mut fields = list(&link, "/form/inputs")?.iter();
            let pair = fields.find(|pair| pair.pointer("/0").and_then(Value::as_str) == Some(name));
            text(pair.with_context(|| format!("the link has no {name}"))?, "/1")
        };
        let mut requests = list(&self.vectors, "/requests")?.iter();
        let vector = requests.find(|request| request.pointer("/name").and_then(Value::as_str) == Some("basic"));
        let sign = text(vector.context("vectors.json has no request `basic`")?, "/sign")?;
        expect("the link's signature", field("sign")?, sign)?;
        expect("the link's price", field("product_price")?, "100.00")?;
        let url = text(&link, "/url")?;
        if !url.starts_with(text(&link, "/form/action")?) || !url.ends_with(sign) {
            bail!("the demo went wrong: the link does not lead to the payment page with its signature: {url}");
        }
        self.page.title(&format!("2. A payment link for order {}: {amount}", text(&order, "/id")?))?;
        self.page.line(&shortened(url))?;
        self.page.line(&format!("{} sign={sign}, of product, price and secret", self.page.paint(Colour::Green, "signed")))
    }

    fn callbacks(&self) -> Result<()> {
        let names = ["Purchase", "Purchase", "total changed", "customer/transaction boundary moved: the MD5 still matches"];
        let requests = names.iter().map(|name| Ok(json!({"method": "POST", "body": self.callback_body(name)?}).to_string()));
        let requests = requests.collect::<Result<Vec<String>>>()?.join("\n");
        let output = output(self.merchant("callback").arg("--jsonl"), &requests)?;
        let answers: Vec<Value> = output.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let [genuine, again, tampered, moved] = answers.as_slice() else {
            bail!("the demo went wrong: {} answers to {} callbacks: {output}", answers.len(), names.len());
        };

        self.page.title("3. Callbacks")?;
        self.accepted(genuine)?;
        self.accepted(again).context("the same callback again")?;
        let key = text(genuine, "/events/0/dedup_key")?;
        expect("the key of the same callback again", text(again, "/events/0/dedup_key")?, key)?;
        let (kind, order) = (text(genuine, "/events/0/kind")?, text(genuine, "/events/0/order")?);
        let amount = money(genuine, "/events/0/amount")?;
        self.page.outcome(
            "genuine",
            Colour::Green,
            &format!("accepted: {kind} of {amount} for order {order}; {}", reply(genuine)?),
        )?;
        self.page.outcome("", Colour::Dim, &format!("comment «{}», key {key}", text(genuine, "/events/0/comment")?))?;
        self.page.outcome("the same again", Colour::Green, "accepted, with the same key: the host credits a key once")?;
        not_accepted(tampered, "refused", "signature-mismatch", 403)?;
        self.page.outcome("total changed", Colour::Red, &format!("refused: signature-mismatch; {}", reply(tampered)?))?;
        not_accepted(moved, "unresolved", "unrecognized-form", 200)?;
        let what = format!("unresolved: unrecognized-form; {}", reply(moved)?);
        self.page.outcome("a digit moved", Colour::Red, &what)?;
        let why =
            "from customer to transaction: the signature still matches, the customer's form does not; the operator sees it";
        self.page.outcome("", Colour::Dim, why)
    }

    fn accepted(&self, answer: &Value) -> Result<()> {
        expect("a genuine callback's verdict", text(answer, "/verdict")?, "happened")?;
        expect("its kind", text(answer, "/events/0/kind")?, "payment")?;
        expect("its amount", money(answer, "/events/0/amount")?.as_str(), "100.00 RUB")?;
        expect("its order", text(answer, "/events/0/order")?, "42")?;
        expect("its comment", text(answer, "/events/0/comment")?, "Пополнение баланса через ЛК")?;
        expect("the reply to it", reply(answer)?.as_str(), "reply 200 OK")
    }

    fn callback_body(&self, name: &str) -> Result<&str> {
        let mut callbacks = list(&self.vectors, "/callbacks")?.iter();
        let callback = callbacks.find(|callback| callback.pointer("/name").and_then(Value::as_str) == Some(name));
        text(callback.with_context(|| format!("vectors.json has no callback `{name}`"))?, "/body")
    }

    fn month(&self) -> Result<()> {
        self.page.title("4. A month's write-offs for 1C")?;
        std::fs::create_dir_all(target_dir().join("demo"))?;
        let file = self.export("enterprise-data-1.17", "october.xml", ACTS)?;
        let told = output(self.program("verify").arg(&file), "")?;
        if !told.trim_end().ends_with("verified: everything is as the manifest says") {
            bail!("the demo went wrong: the export is not verified: {told}");
        }
        let acts = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        for number in between(&acts, "Номер").into_iter().filter(|number| number.starts_with("10-")) {
            let act = acts.lines().find(|line| line.contains(&format!("<Номер>{number}</Номер>"))).unwrap_or_default();
            let first = |name| between(act, name).first().copied().unwrap_or_default();
            let (sum, text) = (first("Сумма"), first("Содержание"));
            self.page.line(&format!(
                "  act {number}  {sum:>8}, VAT {:>6}  {}",
                first("СуммаНДС"),
                self.page.paint(Colour::Dim, text)
            ))?;
        }
        self.page.line(&self.page.paint(
            Colour::Green,
            "verified by a reader that shares no code with the writer; docs/ru/1c.md says how 1C loads it",
        ))?;

        let file = self.export("register-csv", "october.csv", 0)?;
        let register = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        expect("the number of the register's lines", u64::try_from(register.lines().count())?, ROWS + 1)?;
        if !register.contains("'=HYPERLINK(") || register.contains(";=") || register.contains(";\"=") {
            bail!("the demo went wrong: a formula is in the register: {register}");
        }
        for line in register.trim_start_matches('\u{feff}').lines().take(2) {
            self.page.line(&format!("  {}", self.page.paint(Colour::Dim, &shortened(line))))?;
        }
        Ok(())
    }

    /// Exports the month, compares its totals with those that were computed by hand, and prints them.
    fn export(&self, format: &str, name: &str, documents: i64) -> Result<PathBuf> {
        let file = target_dir().join("demo").join(name);
        let mut export = self.merchant("export");
        export.args(["--json", "--format", format, "--options"]).arg(data("demo/options.json"));
        let manifest = answer(export.arg("--rows").arg(data("demo/writeoffs.jsonl")).arg("--out").arg(&file))?;
        expect("the number of write-offs", integer(&manifest, "/rows")?, i64::try_from(ROWS)?)?;
        expect("the number of documents", integer(&manifest, "/documents")?, documents)?;
        expect("their sum", integer(&manifest, "/amount/minor_units")?, AMOUNT)?;
        expect("their VAT", integer(&manifest, "/vat_minor_units")?, VAT)?;
        let (amount, vat) = (money(&manifest, "/amount")?, format_amount(VAT));
        let place = file.strip_prefix(root()).unwrap_or(&file).display();
        self.page.line(&format!("{place}: {ROWS} write-offs, {documents} documents, {amount}, of it VAT {vat}"))?;
        Ok(file)
    }

    /// Makes the command for a subcommand that needs no component.
    fn program(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.built.host_harness);
        command.current_dir(root()).arg(subcommand);
        command
    }

    fn harness(&self, subcommand: &str) -> Command {
        let mut command = self.program(subcommand);
        command.arg(&self.built.chronopay);
        command
    }

    fn merchant(&self, subcommand: &str) -> Command {
        let mut command = self.harness(subcommand);
        command.arg("--settings").arg(data("demo/settings.toml"));
        command
    }
}

fn not_accepted(answer: &Value, verdict: &str, code: &str, status: i64) -> Result<()> {
    expect("the callback's verdict", text(answer, "/verdict")?, verdict)?;
    expect("the reason", text(answer, "/problem/code")?, code)?;
    expect("the reply to it", integer(answer, "/reply/status")?, status)
}
