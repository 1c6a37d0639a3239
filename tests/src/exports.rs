//! Whole exports, by the provider's native code and by its component.

use domain::{ExportOptions, ExportPart, ExportRow, ExportTotals, LeftOut, Problem};
use kit::Provider as _;
use sandbox::{Error, Merchant};

use crate::{convert, merchant, native};

/// The files of an export, each with its totals, and the totals of the export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// The files in order.
    pub files: Vec<(Vec<u8>, ExportTotals)>,
    /// The totals of all files.
    pub totals: ExportTotals,
    /// The write-offs that are in no file.
    pub left_out: Vec<LeftOut>,
    /// The warnings.
    pub warnings: Vec<Problem>,
}

impl Exported {
    /// Returns the only file.
    pub fn file(&self) -> &[u8] {
        assert_eq!(self.files.len(), 1);
        &self.files[0].0
    }

    fn of(parts: Vec<ExportPart>, totals: ExportTotals) -> Exported {
        let (mut files, mut open, mut left_out, mut warnings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match part {
                ExportPart::Bytes(bytes) => open.extend(bytes),
                ExportPart::FileEnd(totals) => files.push((std::mem::take(&mut open), totals)),
                ExportPart::LeftOut(of) => left_out.push(of),
                ExportPart::Warning(warning) => warnings.push(warning),
            }
        }
        assert!(open.is_empty(), "a file was not ended");
        Exported { files, totals, left_out, warnings }
    }
}

/// Exports by native code.
///
/// # Errors
/// All problems of the provider.
pub fn native_export(rows: &[ExportRow], options: &ExportOptions) -> Result<Exported, Vec<Problem>> {
    let mut export = native(&[]).export_writeoffs(&convert::export_options(options.clone())).map_err(convert::problems)?;
    let (mut parts, mut problems) = (Vec::new(), Vec::new());
    for row in rows {
        match export.append(vec![convert::writeoff(row.clone())]) {
            Ok(()) => parts.extend(std::iter::from_fn(|| export.read()).map(convert::part)),
            Err(more) => problems.extend(convert::problems(more)),
        }
    }
    let finished = export.finish().map_err(convert::problems);
    parts.extend(std::iter::from_fn(|| export.read()).map(convert::part));
    ended(problems, finished.map(|totals| Exported::of(parts, convert::totals(totals))))
}

/// Returns what an export ended with: all problems, or what it wrote.
fn ended(mut problems: Vec<Problem>, finished: Result<Exported, Vec<Problem>>) -> Result<Exported, Vec<Problem>> {
    match finished {
        Ok(exported) if problems.is_empty() => Ok(exported),
        Ok(_) => panic!("it succeeded after {problems:?}"),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// Exports by ChronoPay's component, as [`export_by`] does.
///
/// # Errors
/// All problems of the provider.
pub fn component_export(rows: &[ExportRow], options: &ExportOptions, batches: &[usize]) -> Result<Exported, Vec<Problem>> {
    export_by(&merchant(&[]), rows, options, batches)
}

/// Exports by a component. Rows are passed in batches of these sizes, which repeat.
///
/// # Errors
/// All problems of the provider.
pub fn export_by(
    merchant: &Merchant,
    rows: &[ExportRow],
    options: &ExportOptions,
    batches: &[usize],
) -> Result<Exported, Vec<Problem>> {
    let mut export = answered(merchant.export_writeoffs(options))?;
    let (mut parts, mut problems, mut rest) = (Vec::new(), Vec::new(), rows);
    for batch in batches.iter().cycle() {
        let (now, later) = rest.split_at(rest.len().min(*batch));
        match answered(export.append(now)) {
            Ok(more) => parts.extend(more),
            Err(more) => problems.extend(more),
        }
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    let finished = answered(export.finish());
    ended(
        problems,
        finished.map(|(totals, last)| {
            parts.extend(last);
            Exported::of(parts, totals)
        }),
    )
}

fn answered<T>(result: Result<T, Error>) -> Result<T, Vec<Problem>> {
    result.map_err(|error| match error {
        Error::Provider(problems) => problems,
        other => panic!("{other}"),
    })
}
