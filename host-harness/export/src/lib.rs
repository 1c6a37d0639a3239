//! Exports of write-offs as files.
//!
//! What a provider writes becomes one file or several, each made beside its place and renamed when all are whole, with a manifest
//! that proves their completeness ([`Files`], [`Manifest`]). [`verify`](mod@verify) reads them again, with code of its own. Rows
//! come from anywhere; a register that was exported before is read by [`register`], and [`sort`] brings rows into account order in
//! bounded memory.

#![cfg_attr(test, allow(missing_docs))]

mod archive;
mod decimal;
mod files;
mod manifest;
pub mod register;
pub mod sort;
pub mod verify;

pub use archive::{archive_path, remove_archive, write_archive};
pub use files::{Files, Whole, WriteError, folder};
pub use manifest::{About, Component, Excluded, FileEntry, Manifest, ManifestError, RateTotals, Totals};
