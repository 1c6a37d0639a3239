//! EnterpriseData: the XML that standard configurations of 1C load.
//!
//! Each contract and calendar month gets one «Реализация товаров и услуг», preceded by the counterparty, the contract and the
//! services that it refers to. The order of elements follows 1C's published schemas. The part used here is the same in versions
//! 1.17 to 1.22; version 1.8 differs in VAT and in the position of the comment.
//!
//! Write-offs arrive ordered by account (by UTF-8 bytes), so that only one account at a time is held in memory.

use money::AMOUNT_MAX;

use crate::acts::{Act, Acts, Contract, Ended, Line};
use crate::buyer::Buyer;
use crate::identity::Reference;
use crate::index::Index;
use crate::markup::{Document, Markup};
use crate::options::Options;
use crate::output::Output;
use crate::totals::Totals;
use crate::version::Version;
use crate::writeoff::{Code, Problem, Writeoff};

/// The most references, of buyers with a tax number and of their contracts, in one file. They are held in memory, so that each
/// is written once.
const REMEMBERED_MAX: usize = 400_000;

/// The writer of EnterpriseData.
#[derive(Debug)]
pub struct EnterpriseData {
    acts: Acts,
    markup: Markup,
    documents_per_file: Option<u64>,
    individuals_name: String,
    file: File,
    totals: Totals,
}

/// The current file.
#[derive(Debug, Default)]
struct File {
    /// From 1; 0 before the first file.
    number: u64,
    is_open: bool,
    totals: Totals,
    /// The objects written for buyers with a tax number, who may have several accounts.
    remembered: Index,
    /// The objects written for the current account.
    of_account: Index,
}

impl EnterpriseData {
    /// Starts an export.
    ///
    /// # Errors
    /// All problems of the options at once, each with its field.
    pub fn begin(version: Version, options: Options) -> Result<EnterpriseData, Vec<Problem>> {
        let options = Options { version: Some(version), ..options };
        options.check()?;
        Ok(EnterpriseData {
            markup: Markup::new(version, &options),
            acts: Acts::new(&options),
            documents_per_file: options.documents_per_file,
            individuals_name: options.individuals_name,
            file: File::default(),
            totals: Totals::default(),
        })
    }

    /// Adds a write-off, which is row `row` of the input. Writes the acts of earlier accounts once they are complete. Problems,
    /// with this write-off or an earlier one, are reported to the output.
    pub fn append(&mut self, row: u64, writeoff: Writeoff, out: &mut Output) {
        if out.is_over() || !self.acts.check(row, &writeoff, out) {
            return;
        }
        match self.acts.begins_account(&writeoff) {
            Err(problem) => return out.fault(*problem.of_row(row, &writeoff.id)),
            Ok(true) => self.end_account(out),
            Ok(false) => {}
        }
        if let Err(problem) = self.acts.add(row, writeoff, out) {
            out.fault(*problem);
        }
        self.markup.set_services(&self.acts.services);
    }

    /// Ends the export. If there are no acts, it still writes a file, without documents.
    pub fn finish(mut self, out: &mut Output) -> Totals {
        self.end_account(out);
        self.write_individuals(out);
        self.open_file(out);
        self.end_file(out);
        self.totals
    }

    /// Writes the acts of the current account.
    fn end_account(&mut self, out: &mut Output) {
        let (mut ended, contracts) = self.acts.end_account(out);
        self.file.of_account.clear();
        for left_out in ended.left_out.drain(..) {
            out.leave_out(left_out);
        }
        for act in std::mem::take(&mut ended.acts) {
            let Some(Contract { first, .. }) = contracts.get(act.contract) else { continue };
            let buyer = Buyer::of(first, &self.acts.references);
            let comment = ["л/с ", &first.account].concat();
            self.write(act, &buyer, comment, true, &ended, out);
        }
    }

    /// Writes the acts of all individuals, one a month.
    fn write_individuals(&mut self, out: &mut Output) {
        let mut ended = self.acts.end_individuals(out);
        for left_out in ended.left_out.drain(..) {
            out.leave_out(left_out);
        }
        let name = std::mem::take(&mut self.individuals_name);
        let buyer = Buyer::individuals(&name, &self.acts.references);
        self.file.of_account.clear();
        for act in std::mem::take(&mut ended.acts) {
            self.markup.set_month(act.month);
            let comment = ["Сводно по физическим лицам за ", self.markup.month_name(), " г."].concat();
            self.write(act, &buyer, comment, false, &ended, out);
        }
    }

    /// Writes an act, or reports why it cannot be written.
    fn write(
        &mut self,
        act: Act,
        buyer: &Buyer<'_>,
        comment: String,
        lines_have_comment: bool,
        ended: &Ended,
        out: &mut Output,
    ) {
        let Act { month, reference, number, lines, minor_units, .. } = act;
        if lines.is_empty() {
            return;
        }
        let number = match number {
            Ok(number) => number,
            Err(problem) => return out.fault(*problem),
        };
        self.markup.set_month(month);
        let document = Document { reference, number, minor_units, comment, lines_have_comment };
        if let Err(problem) = self.write_document(&document, buyer, &lines, ended, out) {
            out.fault(*problem);
        }
    }

    fn write_document(
        &mut self,
        document: &Document,
        buyer: &Buyer<'_>,
        lines: &[Line],
        ended: &Ended,
        out: &mut Output,
    ) -> Result<(), Box<Problem>> {
        if self.documents_per_file.is_some_and(|most| self.file.totals.documents >= most) {
            self.end_file(out);
        }
        self.open_file(out);
        let file = &mut self.file;
        let buyer_is_new = file.first_time(&buyer.reference, buyer.is_shared);
        let contract_is_new = file.first_time(&buyer.contract, buyer.is_shared);
        if file.remembered.len() > REMEMBERED_MAX {
            out.end_faults();
            return Err(ended.of_last_row(lines.first(), too_many_buyers()));
        }
        self.markup.set_buyer(buyer);
        if buyer_is_new {
            self.markup.counterparty(buyer, out.buffer());
        }
        if contract_is_new {
            self.markup.contract(out.buffer());
        }
        if document.minor_units > AMOUNT_MAX {
            return Err(ended.of_last_row(lines.first(), too_much()));
        }
        for line in lines {
            let service = self.acts.services.get(line.service);
            if service.file != file.number {
                service.file = file.number;
                self.markup.service(line.service, service, out.buffer());
            }
            let added = file.totals.add(line.rows, line.rate, line.sums, line.own_vat);
            let added = added.and_then(|()| self.totals.add(line.rows, line.rate, line.sums, line.own_vat));
            added.map_err(|problem| ended.of_last_row(Some(line), problem))?;
        }
        file.totals.documents += 1;
        self.totals.documents += 1;
        let is_taxed = lines.iter().any(|line| line.rate.is_some());
        self.markup.begin_document(document, is_taxed, out.buffer());
        for line in lines {
            self.markup.line(line.service, line.rate, line.sums, line.quantity(), out.buffer());
        }
        self.markup.end_document(document, out.buffer());
        Ok(())
    }

    fn open_file(&mut self, out: &mut Output) {
        if !self.file.is_open {
            self.file.is_open = true;
            self.file.number += 1;
            self.markup.begin(out.buffer());
        }
    }

    fn end_file(&mut self, out: &mut Output) {
        self.markup.end(out.buffer());
        let file = std::mem::take(&mut self.file);
        self.file.number = file.number;
        out.end_file(file.totals);
    }
}

#[cold]
fn too_many_buyers() -> Box<Problem> {
    let message = format!(
        "A file has at most {REMEMBERED_MAX} buyers with a tax number and contracts of theirs; set documents-per-file, such as \
         10000."
    );
    Problem::new(Code::OutOfRange, "subscriber.inn", &message)
}

#[cold]
fn too_much() -> Box<Problem> {
    let message = format!("The document's sum is over {}, which 1C cannot hold.", money::format_amount(AMOUNT_MAX));
    // `unsupported`, since the write-offs are valid: only their document is too large.
    Problem::new(Code::Unsupported, "amount.minor-units", &message)
}

impl File {
    /// Marks an object as written to this file. Reports whether it was not before.
    fn first_time(&mut self, reference: &Reference, is_shared: bool) -> bool {
        let sent = if is_shared { &mut self.remembered } else { &mut self.of_account };
        sent.add(reference.key()).1
    }
}

#[cfg(test)]
mod tests;
