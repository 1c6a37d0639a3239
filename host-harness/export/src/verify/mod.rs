//! Reads an export again, file by file, and reports what differs from its manifest or breaks the format.
//!
//! It shares no code with the providers that write exports: it has another XML reader, another decimal parser, and another
//! computation of VAT.

pub(crate) mod acts;
mod enterprise_data;
mod register;
mod xml;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::left_out;
use crate::manifest::{FileEntry, Manifest, ManifestError, Totals};

/// The most differences that are reported; the others are counted.
const REPORTED_MAX: usize = 100;

/// The result of a verification.
#[derive(Debug)]
pub struct Report {
    /// The manifest of the export.
    pub manifest: Manifest,
    /// What differs or breaks the format, each a sentence that names its file; the first 100.
    pub differences: Vec<String>,
    /// How many differences there are.
    pub differences_count: u64,
}

impl Report {
    /// Reports whether the export is what its manifest says.
    pub fn passes(&self) -> bool {
        self.differences_count == 0
    }
}

/// Verifies an export, given by its file, by the name that its numbered files derive from, or by its manifest.
///
/// # Errors
/// If there is no readable manifest.
pub fn verify(path: &Path) -> Result<Report, ManifestError> {
    let manifest_path =
        if path.to_string_lossy().ends_with(".manifest.json") { path.to_owned() } else { Manifest::path_of(path) };
    let manifest = Manifest::read(&manifest_path)?;
    let folder = manifest_path.parent().map(PathBuf::from).unwrap_or_default();
    let mut found = Findings::default();
    let mut numbers = enterprise_data::Numbers::default();
    let mut all = Sums::default();
    for file in &manifest.files {
        let mut found = FileFindings { found: &mut found, name: &file.name };
        let opened = File::open(folder.join(&file.name));
        match opened.and_then(|opened| read_file(opened, file, &manifest, &mut numbers, &mut found)) {
            Ok(sums) => {
                if let Some(sums) = &sums {
                    sums.compare(&file.totals, &mut found);
                }
                all.add(sums.unwrap_or_default());
            }
            Err(error) => found.report(format!("it cannot be read: {error}")),
        }
    }
    left_out(&manifest, &folder, &mut found);
    let name = manifest_path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut of_manifest = FileFindings { found: &mut found, name: &name };
    accounted(&manifest, &mut of_manifest);
    if is_readable(&manifest.about.format) {
        all.compare(&manifest.totals, &mut of_manifest);
    } else {
        of_manifest
            .report(format!("the format {} is not known here, so only sizes and digests were compared", manifest.about.format));
    }
    Ok(Report { manifest, differences: found.told, differences_count: found.count })
}

/// Reads the list of what is in no file, and compares it with the manifest.
fn left_out(manifest: &Manifest, folder: &Path, found: &mut Findings) {
    let Some(totals) = &manifest.left_out else { return };
    let mut sums = left_out::Sums::default();
    if let Some(file) = &totals.file {
        let mut found = FileFindings { found, name: &file.name };
        let read = File::open(folder.join(&file.name)).and_then(|opened| {
            let mut hashed = Hashed { file: opened, sha256: Sha256::new(), bytes: 0 };
            let read = left_out::read(BufReader::new(&mut hashed));
            io::copy(&mut hashed, &mut io::sink())?;
            compare_bytes(hashed, file.bytes, &file.sha256, &mut found);
            Ok(read)
        });
        match read {
            Ok(Ok(read)) => sums = read,
            Ok(Err(what)) => found.report(what),
            Err(error) => found.report(format!("it cannot be read: {error}")),
        }
    }
    let got = (sums.rows, sums.minor_units, sums.vat_minor_units);
    if got != (totals.rows, totals.minor_units.into(), totals.vat_minor_units.into()) {
        let name = totals.file.as_ref().map_or("the list of what was left out", |file| &file.name);
        FileFindings { found, name }.report(format!(
            "it has {} write-offs, {} kopecks and VAT of {}; the manifest says {}, {} and {}",
            got.0, got.1, got.2, totals.rows, totals.minor_units, totals.vat_minor_units
        ));
    }
}

/// Checks that the files and what was left out add up to the input.
fn accounted(manifest: &Manifest, found: &mut FileFindings<'_>) {
    let (Some(input), Some(left_out)) = (manifest.input, &manifest.left_out) else { return };
    let rows = manifest.totals.rows.saturating_add(left_out.rows);
    let sum = i128::from(manifest.totals.amount.minor_units) + i128::from(left_out.minor_units);
    if (rows, sum) != (input.rows, input.minor_units) {
        found.report(format!(
            "the files and what was left out are {rows} write-offs of {sum} kopecks, and {} of {} were to be exported",
            input.rows, input.minor_units
        ));
    }
}

/// Returns how a file in memory differs from the manifest's entry for it: the first 100 differences, as [`verify`] reports
/// them.
pub fn verify_bytes(bytes: &[u8], entry: &FileEntry, manifest: &Manifest) -> Vec<String> {
    let mut found = Findings::default();
    let mut in_file = FileFindings { found: &mut found, name: &entry.name };
    match read_file(bytes, entry, manifest, &mut enterprise_data::Numbers::default(), &mut in_file) {
        Ok(Some(sums)) => sums.compare(&entry.totals, &mut in_file),
        Ok(None) => {}
        Err(error) => in_file.report(format!("it cannot be read: {error}")),
    }
    found.told
}

fn is_readable(format: &str) -> bool {
    format == "register-csv" || enterprise_data::version(format).is_some()
}

/// Reads a file and compares its digest. Returns what it holds, if the format is known.
fn read_file(
    file: impl Read,
    entry: &FileEntry,
    manifest: &Manifest,
    numbers: &mut enterprise_data::Numbers,
    found: &mut FileFindings<'_>,
) -> io::Result<Option<Sums>> {
    let mut file = Hashed { file, sha256: Sha256::new(), bytes: 0 };
    let reader = BufReader::with_capacity(1 << 18, &mut file);
    let sums = match (manifest.about.format.as_str(), enterprise_data::version(&manifest.about.format)) {
        ("register-csv", _) => Some(register::read(reader, &manifest.about, found)),
        (_, Some(version)) => Some(enterprise_data::read(reader, version, &manifest.about, entry, numbers, found)),
        _ => None,
    };
    // The format's reader may stop before the end.
    io::copy(&mut file, &mut io::sink())?;
    compare_bytes(file, entry.bytes, &entry.sha256, found);
    Ok(sums)
}

/// Compares the size and the digest of a file that was read to its end.
fn compare_bytes<R>(file: Hashed<R>, bytes: u64, sha256: &str, found: &mut FileFindings<'_>) {
    if file.bytes != bytes {
        found.report(format!("it has {} bytes, the manifest says {bytes}", file.bytes));
    }
    let got = hex::encode(file.sha256.finalize());
    if got != sha256 {
        found.report(format!("its sha256 is {got}, the manifest says {sha256}"));
    }
}

/// A file whose bytes are hashed as they are read.
struct Hashed<R> {
    file: R,
    sha256: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.sha256.update(buffer.get(..length).unwrap_or_default());
        self.bytes += length as u64;
        Ok(length)
    }
}

#[derive(Default)]
struct Findings {
    told: Vec<String>,
    count: u64,
}

/// The findings of one file.
struct FileFindings<'f> {
    found: &'f mut Findings,
    name: &'f str,
}

impl FileFindings<'_> {
    fn report(&mut self, what: String) {
        self.found.count += 1;
        if self.found.told.len() < REPORTED_MAX {
            self.found.told.push(format!("{}: {what}", self.name));
        }
    }
}

/// The sums of what was read, in minor units.
#[derive(Debug, Default)]
struct Sums {
    /// `None` if the format does not show it.
    rows: Option<u64>,
    /// By how much the VAT exceeds the sum of the write-offs' own VAT. `None` if the format does not show it.
    vat_rounding: Option<i128>,
    documents: u64,
    /// The amount and the VAT by rate.
    by_rate: BTreeMap<Option<u16>, (i128, i128)>,
}

impl Sums {
    fn count(&mut self, rate: Option<u16>, minor_units: i128, vat: i128) {
        let sums = self.by_rate.entry(rate).or_default();
        sums.0 += minor_units;
        sums.1 += vat;
    }

    fn add(&mut self, other: Sums) {
        self.rows = other.rows.map(|rows| rows + self.rows.unwrap_or_default()).or(self.rows);
        let rounding = other.vat_rounding.map(|rounding| rounding + self.vat_rounding.unwrap_or_default());
        self.vat_rounding = rounding.or(self.vat_rounding);
        self.documents += other.documents;
        for (rate, (minor_units, vat)) in other.by_rate {
            self.count(rate, minor_units, vat);
        }
    }

    fn compare(&self, totals: &Totals, found: &mut FileFindings<'_>) {
        let mut same = |what: String, got: i128, want: i128| {
            if got != want {
                found.report(format!("{what} is {got}, the manifest says {want}"));
            }
        };
        if let Some(rows) = self.rows {
            same("the number of write-offs".to_owned(), rows.into(), totals.rows.into());
        }
        if let Some(rounding) = self.vat_rounding {
            same("the VAT's rounding".to_owned(), rounding, totals.vat_rounding_minor_units.into());
        }
        same("the number of documents".to_owned(), self.documents.into(), totals.documents.into());
        let sum = |part: fn(&(i128, i128)) -> i128| self.by_rate.values().map(part).sum::<i128>();
        same("the amount in kopecks".to_owned(), sum(|sums| sums.0), totals.amount.minor_units.into());
        same("the VAT in kopecks".to_owned(), sum(|sums| sums.1), totals.vat_minor_units.into());
        let told: BTreeMap<_, _> = totals
            .vat_by_rate
            .iter()
            .map(|of| (of.vat_basis_points, (i128::from(of.minor_units), i128::from(of.vat_minor_units))))
            .collect();
        let rates = self.by_rate.keys().chain(told.keys().filter(|rate| !self.by_rate.contains_key(rate)));
        for rate in rates {
            let name = rate.map_or("without VAT".to_owned(), |rate| format!("at {rate} hundredths of a percent"));
            let of = |sums: &BTreeMap<_, (i128, i128)>| sums.get(rate).copied().unwrap_or_default();
            let (got, want) = (of(&self.by_rate), of(&told));
            same(format!("the amount {name}"), got.0, want.0);
            same(format!("the VAT {name}"), got.1, want.1);
        }
    }
}
