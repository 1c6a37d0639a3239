//! `reports`: a report's file has the same rows however it is cut into pieces, and rows that add up to its own totals.

use domain::{ControlTotals, Money, ReportFile, ReportRow};

use crate::check_context::{CheckContext, ScannedMerchant};
use crate::function_call::{FunctionCall, FunctionResult};
use crate::report::{Case, Checked, Findings, Outcome, failure};

/// The sizes of the pieces in which a file is read, in bytes.
const PIECES: [usize; 4] = [1, 7, 100, 4096];
/// The longest file that is read byte by byte: each piece is a call.
const BYTEWISE_MAX: usize = 4096;
/// How many places of a file are cut and damaged.
const PLACES: usize = 200;
/// The same with [`Effort::Quick`](crate::Effort::Quick).
const QUICK_PLACES: usize = 10;

pub fn check(subject: &CheckContext) -> Checked {
    let vectors = subject.vectors()?;
    let files: Vec<(&str, &ReportFile)> = vectors
        .operations
        .iter()
        .filter_map(|sample| match &sample.function {
            FunctionCall::ReadReport(file) => Some((sample.name.as_str(), file)),
            _ => None,
        })
        .collect();
    if files.is_empty() {
        return Err(Outcome::NotApplicable { reason: "no sample of the vectors is a report's file".to_owned() });
    }
    let merchant = subject.merchant()?;
    let mut rng = subject.rng("reports");
    let mut findings = Findings::default();
    for (name, file) in files {
        let whole = merchant.report(file, usize::MAX);
        findings.case(match &whole {
            Ok(FunctionResult::File(Ok((rows, control)))) => adds_up(name, rows, control),
            // What it refuses is a case of `operations`.
            Ok(_) => Ok(()),
            Err(error) => Err(failure(&format!("{name:?}"), error)),
        });
        let pieces = PIECES.into_iter().filter(|bytes| *bytes > 7 || file.file.len() <= BYTEWISE_MAX);
        for bytes in pieces {
            let again = merchant.report(file, bytes);
            let is_same = matches!((&whole, &again), (Ok(whole), Ok(again)) if whole == again);
            findings.expect(is_same, || format!("{name:?} has other rows when it is read {bytes} bytes at a time"));
        }
        let places = subject.scaled(PLACES, QUICK_PLACES).min(file.file.len());
        for _ in 0..places {
            let at = rng.usize(..file.file.len());
            let (before, after) = file.file.split_at(at);
            findings.case(has_an_end(&merchant, name, file, before.to_vec(), &format!("cut off after {at} bytes")));
            let spoilt = [before, &[rng.u8(..)], after].concat();
            findings.case(has_an_end(&merchant, name, file, spoilt, &format!("with another byte at {at}")));
        }
    }
    Ok(findings)
}

/// Checks that a damaged file has rows or a problem: no crash, and no limit.
fn has_an_end(merchant: &ScannedMerchant, name: &str, file: &ReportFile, bytes: Vec<u8>, what: &str) -> Case {
    let damaged = ReportFile { file: bytes, ..file.clone() };
    merchant.report(&damaged, usize::MAX).map(drop).map_err(|error| failure(&format!("{name:?}, {what}"), &error))
}

fn adds_up(name: &str, rows: &[ReportRow], control: &ControlTotals) -> Case {
    let wrong = |what: &str| Err(format!("{name:?}: {what} is not what its rows add up to"));
    if control.rows.is_some_and(|count| count != rows.len() as u64) {
        return wrong("the number of rows");
    }
    let is_sum = |total: &Option<Money>, of: fn(&ReportRow) -> Option<Money>| {
        let sum: i128 = rows.iter().filter_map(of).map(|money| i128::from(money.minor_units)).sum();
        total.is_none_or(|total| i128::from(total.minor_units) == sum)
    };
    if !is_sum(&control.gross, |row| Some(row.gross)) {
        return wrong("gross");
    }
    if !is_sum(&control.fee, |row| row.fee) {
        return wrong("fee");
    }
    if is_sum(&control.net, |row| row.net) { Ok(()) } else { wrong("net") }
}
