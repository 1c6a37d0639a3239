//! Whole exports, by the provider's plain functions and by its component.

use kit::Provider as _;
use sandbox::Error;
use sandbox::records::{ExportOptions, ExportPart, ExportTotals, Problem, Writeoff};

use crate::{convert, merchant, native};

/// The files of an export with what each holds, and what the export holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// In order.
    pub files: Vec<(Vec<u8>, ExportTotals)>,
    /// Of all files.
    pub totals: ExportTotals,
}

impl Exported {
    /// The one file.
    pub fn file(&self) -> &[u8] {
        assert_eq!(self.files.len(), 1);
        &self.files[0].0
    }

    fn of(parts: Vec<ExportPart>, totals: ExportTotals) -> Exported {
        let (mut files, mut open) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                ExportPart::Bytes(bytes) => open.extend(bytes),
                ExportPart::FileEnd(totals) => files.push((std::mem::take(&mut open), totals)),
            }
        }
        assert!(open.is_empty(), "a file has no end");
        Exported { files, totals }
    }
}

/// By plain functions.
///
/// # Errors
/// The provider's problems.
pub fn native_export(rows: &[Writeoff], options: &ExportOptions) -> Result<Exported, Vec<Problem>> {
    let mut export = native(&[]).export_writeoffs(&convert::export_options(options.clone())).map_err(convert::problems)?;
    let one = |problem| vec![convert::problem(problem)];
    let mut parts = Vec::new();
    for row in rows {
        export.append(vec![convert::writeoff(row.clone())]).map_err(one)?;
        parts.extend(std::iter::from_fn(|| export.read()).map(convert::part));
    }
    let totals = convert::totals(export.finish().map_err(one)?);
    parts.extend(std::iter::from_fn(|| export.read()).map(convert::part));
    Ok(Exported::of(parts, totals))
}

/// By the component, in batches of so many rows, again and again.
///
/// # Errors
/// The provider's problems.
pub fn component_export(rows: &[Writeoff], options: &ExportOptions, batches: &[usize]) -> Result<Exported, Vec<Problem>> {
    let mut export = answered(merchant(&[]).export_writeoffs(options))?;
    let (mut parts, mut rest) = (Vec::new(), rows);
    for batch in batches.iter().cycle() {
        let (now, later) = rest.split_at(rest.len().min(*batch));
        parts.extend(answered(export.append(now))?);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    let (totals, last) = answered(export.finish())?;
    parts.extend(last);
    Ok(Exported::of(parts, totals))
}

fn answered<T>(result: Result<T, Error>) -> Result<T, Vec<Problem>> {
    result.map_err(|error| match error {
        Error::Provider(problems) => problems,
        other => panic!("{other}"),
    })
}
