//! Exports of write-offs as files.
//!
//! A [`Job`] takes write-offs, checks what only all of them together show, and has a provider write them. The output becomes
//! one file or several. Each is written under a temporary name beside its final path, and renamed when all are whole. A list of
//! what is in no file ([`left_out`]) and a manifest that proves completeness accompany them ([`Files`], [`Manifest`]).
//! [`verify`](mod@verify) reads the files again, with code of its own. Rows may come from any source: [`register`] reads a
//! register that was exported before, and [`sort`] sorts rows by account in bounded memory.
//!
//! The crate `host` calls it for exports of the ledger's write-offs; the command line calls it for `export` and `verify`.

#![cfg_attr(test, allow(missing_docs))]

mod archive;
mod checks;
mod decimal;
mod faults;
mod files;
mod job;
pub mod left_out;
mod manifest;
mod names;
pub mod register;
mod replaced;
pub mod sort;
pub mod verify;

pub use archive::{archive_path, remove_archive, write_archive};
pub use faults::Faults;
pub use files::{Files, Whole, WriteError, folder};
pub use job::{ExportError, Job};
pub use manifest::{
    Component, Excluded, ExportInfo, FileEntry, Input, LeftOutFile, LeftOutTotals, Manifest, ManifestError, RateTotals, Totals,
};
pub use replaced::GoneActs;

#[cfg(test)]
pub(crate) mod tests {
    use domain::{Date, ExportRow, Money, Party, PartyKind};
    use money::Currency;

    /// 500.00 with 22 % of VAT, of an individual.
    pub(crate) fn writeoff() -> ExportRow {
        let day = |day| Date::new(2026, 10, day).unwrap();
        let subscriber =
            Party { kind: PartyKind::Individual, name: "Иванов И. И.".into(), inn: String::new(), kpp: String::new() };
        ExportRow {
            id: "w-1".into(),
            account: "100500".parse().unwrap(),
            subscriber,
            contract: String::new(),
            contract_date: None,
            service_code: "inet".into(),
            service: "Интернет".into(),
            unit: String::new(),
            period: day(1),
            date: day(31),
            quantity_thousandths: 1000,
            amount: Money { minor_units: 50_000, currency: Currency::RUB },
            vat_basis_points: Some(2200),
            extra: Vec::new(),
        }
    }
}
