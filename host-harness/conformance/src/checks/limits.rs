//! `limits`: a call that is cut off anywhere returns no answer, or the same one.
//!
//! Under less fuel a call ends with the limit's own error: the engine stops it, and no code of the provider runs afterwards.
//! Under less memory the provider's code continues after an allocation is refused, and its toolchain decides what it does then:
//! it may abort, or return something that cannot be read. Each of these is an error of that call alone. A different answer, or
//! a problem, is never allowed.

use std::fmt::Debug;

use domain::CallbackRequest;
use sandbox::unchecked::{ExportRow, LinkRequest};
use sandbox::{Error, Limit, Limits, Usage};

use super::links::currency;
use crate::check_context::{CheckContext, ScannedMerchant};
use crate::fixtures;
use crate::report::{Case, Checked, Findings};

const PAGE_BYTES: usize = 64 << 10;
/// How many units of fuel above a call's need are tried.
const BEYOND: u64 = 4;

pub fn check(subject: &CheckContext) -> Checked {
    let merchant = subject.merchant()?;
    let mut findings = Findings::default();
    for call in calls(subject, &merchant)? {
        let (first, usage) = call.measured(&merchant);
        if let Err(error) = &first {
            findings.case(Err(format!("{}: {error}", call.name())));
            continue;
        }
        let limits: Vec<Limits> = variations(subject, usage);
        findings.add(subject.each(&limits, |limits| call.holds(subject, limits, &first)));
    }
    Ok(findings)
}

/// A call that is repeated under many limits.
enum Call {
    Callback(String, CallbackRequest),
    Link(LinkRequest<'static>),
    Export(String, Vec<ExportRow<'static>>),
}

/// A call's answer as text, so that all kinds compare alike.
type Answer = Result<String, Error>;

fn calls(subject: &CheckContext, merchant: &ScannedMerchant) -> Result<Vec<Call>, crate::report::Outcome> {
    let vectors = subject.vectors()?;
    // One sample of each verdict is enough: the calls that get furthest are cut off at the most points.
    let mut calls = Vec::new();
    let mut verdicts = Vec::new();
    for sample in &vectors.callbacks {
        let verdict = std::mem::discriminant(&sample.expected);
        if !verdicts.contains(&verdict) {
            verdicts.push(verdict);
            calls.push(Call::Callback(sample.name.clone(), sample.request.clone()));
        }
    }
    if let Ok(currency) = currency(subject) {
        if subject.provider.description().links {
            calls.push(Call::Link(fixtures::order(0, 10_000, &currency)));
        }
        for format in &subject.provider.description().export_formats {
            let rows = fixtures::writeoffs(2, &currency, &[Some(2_000), None]);
            let call = Call::Export(format.clone(), rows);
            // An export whose write-offs the provider has a reason to refuse is not for this check.
            if call.answer(merchant).is_ok() {
                calls.push(call);
                if subject.scaled(false, true) {
                    break;
                }
            }
        }
    }
    Ok(calls)
}

impl Call {
    fn name(&self) -> String {
        match self {
            Call::Callback(sample, _) => format!("the callback {sample:?}"),
            Call::Link(order) => format!("the link of an order of {} minor units", order.amount.minor_units),
            Call::Export(format, _) => format!("an export in {format}"),
        }
    }

    fn answer(&self, merchant: &ScannedMerchant) -> Answer {
        Ok(match self {
            Call::Callback(_, request) => text(&merchant.callback(request)?),
            Call::Link(order) => text(&merchant.link(order)?),
            Call::Export(format, rows) => text(&merchant.exported(&fixtures::options(format), rows, usize::MAX)?),
        })
    }

    /// Returns the answer and what the call used in a fresh instance.
    fn measured(&self, merchant: &ScannedMerchant) -> (Answer, Usage) {
        let mut session = merchant.session();
        match self {
            Call::Callback(_, request) => (session.callback(request).map(|answer| text(&answer)), session.usage()),
            Call::Link(order) => (session.link(order).map(|link| text(&link)), session.usage()),
            Call::Export(format, rows) => {
                let usage = merchant.export(&fixtures::options(format)).and_then(|mut export| {
                    let begun = export.usage();
                    export.append(rows)?;
                    let appended = export.usage();
                    Ok(Usage { fuel: appended.fuel.max(begun.fuel), ..appended })
                });
                (self.answer(merchant), usage.unwrap_or_default())
            }
        }
    }

    fn holds(&self, subject: &CheckContext, limits: &Limits, first: &Answer) -> Case {
        let settings = subject.vectors.map(|vectors| vectors.settings.clone()).unwrap_or_default();
        // A component whose initial memory does not fit is not loaded, which is an effect of the limit as well.
        let Ok(provider) = subject.provider.with_limits(*limits) else { return Ok(()) };
        let answer = subject.configure_at(&provider, &settings).and_then(|merchant| self.answer(&merchant));
        let what = match (&answer, first) {
            (Ok(answer), Ok(first)) if answer == first => return Ok(()),
            (Ok(answer), _) => format!("has another answer: {answer} and not {}", text(&first.as_ref().ok())),
            (Err(error), _) if is_cut_off(error, limits, subject.provider.limits()) => return Ok(()),
            (Err(error), _) => format!("ends otherwise than by the limit: {error}"),
        };
        let Limits { fuel_max, memory_bytes_max, output_bytes_max, .. } = limits;
        Err(format!(
            "{} under {fuel_max} units of fuel, {memory_bytes_max} bytes of memory, {output_bytes_max} bytes of results {what}",
            self.name()
        ))
    }
}

/// Reports whether these limits may lead to the error.
fn is_cut_off(error: &Error, limits: &Limits, whole: &Limits) -> bool {
    match error {
        Error::Limit { limit, .. } => match limit {
            Limit::Fuel(_) => limits.fuel_max < whole.fuel_max,
            Limit::OutputBytes(_) => limits.output_bytes_max < whole.output_bytes_max,
            Limit::MemoryBytes(_) => limits.memory_bytes_max < whole.memory_bytes_max,
            _ => false,
        },
        Error::Trap { .. } | Error::Contract { .. } => limits.memory_bytes_max < whole.memory_bytes_max,
        _ => false,
    }
}

/// Returns the limits to try: fuel, memory and output, each lowered by itself.
fn variations(subject: &CheckContext, usage: Usage) -> Vec<Limits> {
    let whole = *subject.provider.limits();
    let (ends, between) = subject.scaled((64, 400), (4, 12));
    let mut rng = subject.rng("limits");
    let mut fuels: Vec<u64> = (0..ends).collect();
    fuels.extend((0..between).map(|_| rng.u64(..usage.fuel.max(1))));
    fuels.extend(usage.fuel.saturating_sub(ends)..usage.fuel.saturating_add(BEYOND));
    let fuels = fuels.into_iter().map(|fuel| whole.with_fuel_max(fuel).with_export_fuel_max(fuel));
    let pages = usage.memory_bytes / PAGE_BYTES + 2;
    let step = (pages / subject.scaled(64, 6)).max(1);
    let memories = (1..=pages).step_by(step).map(|pages| pages * PAGE_BYTES);
    let memories = memories.filter(|bytes| *bytes <= whole.memory_bytes_max);
    let memories = memories.map(|memory_bytes_max| whole.with_memory_bytes_max(memory_bytes_max));
    let outputs = (0..subject.scaled(200, 8)).map(|at| whole.with_output_bytes_max(at * at));
    fuels.chain(memories).chain(outputs).collect()
}

fn text(answer: &impl Debug) -> String {
    format!("{answer:?}")
}
