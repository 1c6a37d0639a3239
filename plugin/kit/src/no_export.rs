//! What stands for an export in a component that exports nothing.

use crate::contract::{ExportPart, ExportTotals, Problem, Writeoff};

/// An export in progress: there is none.
#[derive(Debug)]
pub enum Export {}

impl Export {
    pub(crate) fn append(&mut self, _: Vec<Writeoff>) -> Result<(), Vec<Problem>> {
        match *self {}
    }

    pub(crate) fn finish(&mut self) -> Result<ExportTotals, Vec<Problem>> {
        match *self {}
    }

    pub(crate) fn read(&mut self) -> Option<ExportPart> {
        match *self {}
    }
}
