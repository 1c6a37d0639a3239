//! The manifest of an export: what it consists of.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use domain::{Date, Description, ExportOptions, ExportRow, ExportTotals, Fields, Money, Party, Problem};
use serde::{Deserialize, Serialize};

/// The largest manifest that is read: enough for some hundred thousand files.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// The manifest of an export, beside it as `FILE.manifest.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What was requested, and which component wrote it.
    #[serde(flatten)]
    pub about: ExportInfo,
    /// The totals of all files.
    #[serde(flatten)]
    pub totals: Totals,
    /// The files, in order.
    pub files: Vec<FileEntry>,
    /// Write-offs of the period that an operator decided to leave out. `left_out` counts them too, with the reasons, except
    /// those whose date does not exist in the calendar: no line can hold them. `input` and those together are all that was
    /// charged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Excluded>,
    /// What was to be exported: the files' sum and `left_out` add up to it. `None` in a manifest of an earlier version.
    #[serde(default)]
    pub input: Option<Input>,
    /// What is in no file. `None` in a manifest of an earlier version.
    #[serde(default)]
    pub left_out: Option<LeftOutTotals>,
    /// What a person should look at: the first 100 warnings.
    #[serde(default)]
    pub warnings: Vec<Problem>,
    /// How many warnings there are.
    #[serde(default)]
    pub warnings_count: u64,
}

/// A write-off that an operator decided to leave out of exports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excluded {
    /// The write-off's id.
    pub writeoff: String,
    /// The account, which stays debited.
    pub account: String,
    /// The day of the charge, as stored: an older version did not check that the day exists.
    pub date: String,
    /// What was charged.
    pub amount: Money,
    /// Who decided.
    pub operator: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// The write-offs that the export was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// How many.
    pub rows: u64,
    /// Their sum, tax included, in minor units.
    pub minor_units: i128,
    /// How many of them a person's decision left out.
    pub left_out_by_decision: u64,
}

impl Input {
    pub(crate) fn add(&mut self, row: &ExportRow) {
        self.rows += 1;
        self.minor_units += i128::from(row.amount.minor_units);
    }
}

/// What is in no file, in minor units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutTotals {
    /// How many write-offs.
    pub rows: u64,
    /// Their sum, tax included.
    pub minor_units: i64,
    /// The VAT within it.
    pub vat_minor_units: i64,
    /// The list of them, beside the manifest; `None` if nothing was left out.
    pub file: Option<LeftOutFile>,
}

/// The list of what was left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutFile {
    /// The file's name, without a folder.
    pub name: String,
    /// The file's size.
    pub bytes: u64,
    /// The SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
}

/// What was requested, and which component wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExportInfo {
    /// The format, as the provider names it.
    pub format: String,
    /// The format's options.
    pub options: Fields,
    /// The telecom, as accounting documents name it.
    pub seller: Party,
    /// The first day exported.
    pub period_start: Date,
    /// The last day exported.
    pub period_end: Date,
    /// The component that wrote it.
    pub component: Component,
}

/// A component, identified so that the export can be made again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Component {
    /// The provider's id, by the component's description.
    pub id: String,
    /// The provider's version, by the component's description.
    pub version: String,
    /// The SHA-256 of the component, in lower-case hexadecimal.
    pub sha256: String,
}

/// The totals of an export or of a file, in minor units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Totals {
    /// How many write-offs.
    pub rows: u64,
    /// How many documents; 0 in a format without them.
    pub documents: u64,
    /// The sum of the write-offs, tax included.
    pub amount: Money,
    /// The VAT within it.
    pub vat_minor_units: i64,
    /// By how much `vat_minor_units` exceeds the sum of the write-offs' VAT, each rounded by itself.
    #[serde(default)]
    pub vat_rounding_minor_units: i64,
    /// The totals by VAT rate.
    pub vat_by_rate: Vec<RateTotals>,
}

/// The totals of one VAT rate, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateTotals {
    /// The rate in hundredths of a percent; `None` is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// The sum of the write-offs, tax included.
    pub minor_units: i64,
    /// The VAT within it.
    pub vat_minor_units: i64,
}

/// One file of an export.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileEntry {
    /// The file's name, without a folder: it is beside the manifest.
    pub name: String,
    /// The file's size.
    pub bytes: u64,
    /// The SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// The totals of the file.
    #[serde(flatten)]
    pub totals: Totals,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the manifest {}: {reason}", path.display())]
pub struct ManifestError {
    /// The path where it was expected.
    pub path: PathBuf,
    /// What is wrong.
    pub reason: String,
}

impl ExportInfo {
    /// Describes an export by the component with this SHA-256, in lower-case hexadecimal.
    pub fn new(description: &Description, sha256: &str, options: &ExportOptions) -> ExportInfo {
        ExportInfo {
            format: options.format.clone(),
            options: options.extra.clone(),
            seller: options.seller.clone(),
            period_start: options.period_start,
            period_end: options.period_end,
            component: Component {
                id: description.id.clone(),
                version: description.version.clone(),
                sha256: sha256.to_owned(),
            },
        }
    }
}

impl From<ExportTotals> for Totals {
    fn from(totals: ExportTotals) -> Totals {
        let number = |name: &str| {
            let value = totals.extra.iter().find(|(other, _)| other == name).map(|(_, value)| value.parse::<i64>());
            value.and_then(Result::ok)
        };
        let vat_by_rate = totals.extra.iter().filter_map(|(name, _)| {
            let rate = name.strip_prefix("vat-")?.strip_suffix("-amount")?;
            let vat_basis_points = if rate == "none" { None } else { Some(rate.parse().ok()?) };
            let (minor_units, vat_minor_units) = (number(name)?, number(&format!("vat-{rate}-vat"))?);
            Some(RateTotals { vat_basis_points, minor_units, vat_minor_units })
        });
        Totals {
            vat_by_rate: vat_by_rate.collect(),
            rows: totals.rows,
            documents: totals.documents,
            amount: totals.amount,
            vat_minor_units: totals.vat_minor_units,
            vat_rounding_minor_units: number("vat-rounding").unwrap_or_default(),
        }
    }
}

impl Manifest {
    /// Returns the path of an export's manifest.
    pub fn path_of(out: &Path) -> PathBuf {
        let mut name = OsString::from(out);
        name.push(".manifest.json");
        PathBuf::from(name)
    }

    /// Returns the names of all files that the manifest lists.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let list = self.left_out.iter().filter_map(|left_out| left_out.file.as_ref()).map(|file| file.name.as_str());
        self.files.iter().map(|file| file.name.as_str()).chain(list)
    }

    /// Reads the manifest at this path.
    ///
    /// # Errors
    /// If there is no manifest, or it has another form.
    pub fn read(path: &Path) -> Result<Manifest, ManifestError> {
        let error = |reason: String| ManifestError { path: path.to_owned(), reason };
        let size = std::fs::metadata(path).map_err(|reason| error(reason.to_string()))?.len();
        if size > MANIFEST_BYTES_MAX {
            return Err(error(format!("it is larger than {MANIFEST_BYTES_MAX} bytes")));
        }
        let text = std::fs::read(path).map_err(|reason| error(reason.to_string()))?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|reason| error(reason.to_string()))?;
        if let Some(name) = manifest.names().find(|name| !is_plain_name(name)) {
            return Err(error(format!("{name:?} is no plain file name")));
        }
        Ok(manifest)
    }
}

/// Reports whether a file name stays in its folder.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !matches!(name, "." | "..") && !name.contains(['/', '\\', '\0'])
}
