//! `measure`: measures what a provider's calls cost.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use domain::{
    AccountNumber, CallbackRequest, Context, Date, ExportOptions, ExportRow, LinkRequest, Money, OrderId, Party, PartyKind,
    Step,
};
use money::Currency;
use sandbox::{Error, Merchant, Provider, Usage};
use serde::Serialize;

use crate::failure::Failure;
use crate::input::{self, MerchantArguments, RequestArguments};
use crate::output;

/// Measures a provider: its size, how long loading takes, fuel and memory of each function, and how long a callback takes in a
/// fresh instance and in a warm one. Give a genuine callback: an unsigned one is refused early and costs less.
///
/// Example: host-harness measure chronopay.wasm --settings settings.toml --body-file body.txt
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    merchant: MerchantArguments,
    #[command(flatten)]
    request: RequestArguments,
    /// How many callbacks are timed, fresh and warm each.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    calls: u32,
    /// Prints JSON: size_bytes, sha256, load_ms, functions (fuel and memory_bytes by name), callback, fresh_us and warm_us (p50, p99).
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    size_bytes: usize,
    sha256: String,
    load_ms: f64,
    functions: Vec<FunctionUsage>,
    callback: String,
    calls: u32,
    fresh_us: Percentiles,
    warm_us: Percentiles,
}

/// What a function used by itself; `None` if the provider refused the example that it was measured with.
#[derive(Serialize)]
struct FunctionUsage {
    name: &'static str,
    fuel: Option<u64>,
    memory_bytes: Option<usize>,
}

#[derive(Serialize)]
struct Percentiles {
    p50: f64,
    p99: f64,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let request = arguments.request.request()?;
    let began = Instant::now();
    let provider = input::provider(&arguments.merchant.component)?;
    let load = began.elapsed();
    let merchant = provider.merchant(arguments.merchant.settings(provider.description())?)?;
    let context = Context::at(request.received_at);
    let step = merchant.handle_callback(&request, &context)?;
    let callback = match (arguments.request.is_given(), &step) {
        (false, _) => "empty, refused early (give a genuine one by --body-file or --query)",
        (true, Step::Ask(_)) => "asks first",
        (true, Step::Call(_)) => "has a call made first",
        (true, Step::Done(answer)) => answer.verdict.name(),
    };
    let mut session = merchant.session();
    let report = Report {
        size_bytes: provider.size_bytes(),
        sha256: provider.sha256().to_owned(),
        load_ms: load.as_secs_f64() * 1e3,
        functions: functions(&provider, &merchant, &request)?,
        callback: callback.to_owned(),
        calls: arguments.calls,
        fresh_us: percentiles(arguments.calls, || merchant.handle_callback(&request, &context).map(drop))?,
        warm_us: percentiles(arguments.calls, || session.handle_callback(&request, &context).map(drop))?,
    };
    if arguments.json {
        output::json(&report)?
    } else {
        output::line(&text(&report, &provider))?
    }
    Ok(ExitCode::SUCCESS)
}

fn functions(provider: &Provider, merchant: &Merchant, request: &CallbackRequest) -> Result<Vec<FunctionUsage>, Failure> {
    let mut session = merchant.session();
    session.warm_up()?;
    let configure = session.usage();
    session.handle_callback(request, &Context::at(request.received_at))?;
    let callback = session.usage();
    let link = match session.create_link(&order(provider), &Context::at(0))? {
        Step::Done(Err(_)) => None,
        _ => Some(session.usage()),
    };
    let mut usages = vec![
        ("describe", Some(provider.describe_usage())),
        ("merchant.configure", Some(configure)),
        ("merchant.create-link", link),
        ("merchant.handle-callback", Some(callback)),
    ];
    let formats = &provider.description().export_formats;
    if let Some(mut export) =
        formats.first().and_then(|format| measured(merchant.export_writeoffs(&options(format))).transpose()).transpose()?
    {
        // An export begins in a fresh instance. `configure` above already counted its start and configuration.
        let begun = export.usage();
        let begin = Usage { fuel: begun.fuel.saturating_sub(configure.fuel), ..begun };
        let append = measured(export.append(&[writeoff(provider)]))?.map(|_| export.usage());
        let finish = if append.is_some() { measured(export.finish())?.map(|_| export.usage()) } else { None };
        usages.extend([
            ("merchant.export-writeoffs", Some(begin)),
            ("writeoff-export.append", append),
            ("writeoff-export.finish", finish),
        ]);
    }
    let usage = |(name, usage): (_, Option<Usage>)| FunctionUsage {
        name,
        fuel: usage.map(|usage| usage.fuel),
        memory_bytes: usage.map(|usage| usage.memory_bytes),
    };
    Ok(usages.into_iter().map(usage).collect())
}

/// Converts a refusal to `None`: a provider may refuse the example, and that is no failure of the measurement.
fn measured<T>(result: Result<T, Error>) -> Result<Option<T>, Failure> {
    match result {
        Ok(result) => Ok(Some(result)),
        Err(Error::Provider(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn percentiles(calls: u32, mut call: impl FnMut() -> Result<(), Error>) -> Result<Percentiles, Failure> {
    let mut times = Vec::new();
    for _ in 0..calls {
        let began = Instant::now();
        call()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| {
        let time = times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
        time.copied().unwrap_or(Duration::ZERO).as_secs_f64() * 1e6
    };
    Ok(Percentiles { p50: at(50), p99: at(99) })
}

/// Returns the first currency, which is the default one.
fn currency(provider: &Provider) -> Currency {
    provider.description().currencies.first().copied().unwrap_or(Currency::RUB)
}

fn order(provider: &Provider) -> LinkRequest {
    let amount = Money { minor_units: 10_000, currency: currency(provider) };
    LinkRequest {
        description: "Пополнение баланса".to_owned(),
        callback_url: "https://billing.example.ru/callback".to_owned(),
        expires_at: Some(4_102_444_800),
        payer: vec![("email".to_owned(), "payer@example.ru".to_owned())],
        ..LinkRequest::new(OrderId::stored("measure-1"), AccountNumber::stored("100500"), amount)
    }
}

fn company() -> Party {
    Party {
        kind: PartyKind::Company,
        name: "ООО «Пример»".to_owned(),
        inn: "7700000009".to_owned(),
        kpp: "770001001".to_owned(),
    }
}

/// Returns a day of the exported month.
fn day(day: u8) -> Date {
    Date::new(2026, 10, day).unwrap_or(Date::MAX)
}

fn options(format: &str) -> ExportOptions {
    ExportOptions {
        format: format.to_owned(),
        seller: company(),
        period_start: day(1),
        period_end: day(31),
        created_at: 1_793_491_200,
        extra: Vec::new(),
    }
}

fn writeoff(provider: &Provider) -> ExportRow {
    ExportRow {
        id: "measure-1".to_owned(),
        account: AccountNumber::stored("100500"),
        subscriber: company(),
        contract: "Д-17".to_owned(),
        contract_date: Some(day(1)),
        service_code: "internet".to_owned(),
        service: "Доступ в интернет".to_owned(),
        unit: "мес".to_owned(),
        period: day(1),
        date: day(31),
        quantity_thousandths: 1000,
        amount: Money { minor_units: 50_000, currency: currency(provider) },
        vat_basis_points: Some(2200),
        extra: Vec::new(),
    }
}

fn text(report: &Report, provider: &Provider) -> String {
    let limits = provider.limits();
    let mut lines = vec![
        format!("component  {} bytes, sha256 {}", report.size_bytes, report.sha256),
        format!("load       {:.1} ms", report.load_ms),
        format!("{:<28} {:>12} {:>12}", "function", "fuel", "memory"),
    ];
    for FunctionUsage { name, fuel, memory_bytes } in &report.functions {
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
        lines.push(format!("  {name:<26} {:>12} {:>12}", number(*fuel), number(memory_bytes.map(|bytes| bytes as u64))));
    }
    for (name, fuel_max) in [("limit", limits.fuel_max), ("limit of append and finish", limits.export_fuel_max)] {
        lines.push(format!("  {name:<26} {fuel_max:>12} {:>12}", limits.memory_bytes_max));
    }
    lines.push(format!("callback   {}, {} calls", report.callback, report.calls));
    for (name, Percentiles { p50, p99 }) in [("fresh", &report.fresh_us), ("warm", &report.warm_us)] {
        lines.push(format!("  {name:<8} p50 {p50:.1} µs, p99 {p99:.1} µs"));
    }
    lines.join("\n")
}
