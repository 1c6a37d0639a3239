//! EnterpriseData: the XML that typical configurations of 1C load.
//!
//! One «Реализация товаров и услуг» for every contract and calendar month, after the counterparty, the contract and the services
//! that it refers to. The order of elements is that of 1C's published schemas; their part used here is the same in the versions
//! 1.17 to 1.22, and 1.8 differs in VAT and in the place of the comment.
//!
//! Write-offs come in the order of their accounts (by UTF-8 bytes), so that one account at a time is held in memory.

mod buyer;
mod markup;
mod options;
mod services;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use money::AMOUNT_MAX;

use crate::identity::{Numbers, Reference, References};
use crate::output::Output;
use crate::totals::{Sums, Totals};
use crate::writeoff::{Charset, Code, Date, Month, PartyKind, Problem, Writeoff};
use buyer::Buyer;
use markup::{Document, Markup};
pub use options::{Mode, Options, Version};
use services::Services;

/// The most write-offs of one account: their ids are held until the account ends.
const ACCOUNT_ROWS_MAX: usize = 50_000;
/// The most references of buyers with an «ИНН» and of their contracts in one file: they are remembered, so that each is sent once.
const REMEMBERED_MAX: usize = 400_000;

/// The writer.
#[derive(Debug)]
pub struct EnterpriseData {
    options: Options,
    markup: Markup,
    references: References,
    numbers: Numbers,
    services: Services,
    account: Account,
    /// Of all individuals, in the mode that sums them.
    individuals: Lines,
    file: Option<File>,
    totals: Totals,
}

/// Documents' lines before they are written, by month, service and VAT rate.
type Lines = BTreeMap<(Month, usize, Option<u16>), Line>;

/// The account whose write-offs are coming.
#[derive(Debug, Default)]
struct Account {
    number: String,
    ids: BTreeSet<Arc<str>>,
    /// In the order of their ordinals: by date, then by number.
    contracts: BTreeMap<(Option<Date>, String), Contract>,
}

/// A contract of the account.
#[derive(Debug)]
struct Contract {
    /// Its first write-off, and which of the input it is.
    first: (u64, Writeoff),
    lines: Lines,
}

/// The write-offs of one service and VAT rate.
#[derive(Debug)]
struct Line {
    rows: u64,
    sums: Sums,
    quantity_thousandths: i64,
    /// Whether there is no correction, so that the quantity means something.
    charges_only: bool,
    last: (u64, Arc<str>),
}

/// The file that is being written.
#[derive(Debug, Default)]
struct File {
    totals: Totals,
    services: BTreeSet<usize>,
    /// What was sent of buyers with an «ИНН», who may have several accounts.
    remembered: BTreeSet<Reference>,
    /// What was sent of the current account's.
    of_account: Vec<Reference>,
}

impl EnterpriseData {
    /// Begins an export.
    ///
    /// # Errors
    /// All problems of the options at once, each with its field.
    pub fn begin(options: Options) -> Result<EnterpriseData, Vec<Problem>> {
        options.check()?;
        Ok(EnterpriseData {
            markup: Markup::new(&options),
            references: References::of_operator(&options.seller.inn),
            numbers: Numbers::new(options.number_prefix.clone(), options.account_prefix.clone()),
            services: Services::default(),
            account: Account::default(),
            individuals: BTreeMap::new(),
            file: None,
            totals: Totals::default(),
            options,
        })
    }

    /// Takes a write-off, the `row`th of the input; what is written is of the accounts before its own.
    ///
    /// # Errors
    /// What is wrong, with the write-off that it is about, which may be an earlier one.
    pub fn append(&mut self, row: u64, writeoff: Writeoff, out: &mut Output) -> Result<(), Problem> {
        self.check(&writeoff).map_err(|problem| problem.of_row(row, &writeoff.id))?;
        if writeoff.account != self.account.number {
            self.end_account(out)?;
            self.account.number.clone_from(&writeoff.account);
        }
        let id: Arc<str> = writeoff.id.as_str().into();
        let added = self.account.keep_id(&id).and_then(|()| self.add(row, &id, writeoff));
        added.map_err(|problem| problem.of_row(row, &id))
    }

    /// Ends the export: an empty one is a file without documents.
    ///
    /// # Errors
    /// As [`append`](EnterpriseData::append).
    pub fn finish(mut self, out: &mut Output) -> Result<Totals, Problem> {
        self.end_account(out)?;
        self.write_individuals(out)?;
        self.open_file(out);
        self.end_file(out);
        Ok(self.totals)
    }

    /// Checks a write-off by itself, and that its account does not come too late.
    fn check(&self, writeoff: &Writeoff) -> Result<(), Problem> {
        writeoff.check(Charset::Line)?;
        options::check_spaces(writeoff)?;
        self.options.check_period(writeoff.period)?;
        self.options.version.check_rate(writeoff.vat_basis_points)?;
        buyer::check(writeoff)?;
        if writeoff.account < self.account.number {
            let message = format!(
                "The account {} comes after {}: write-offs go by account, in the order of bytes; sort them.",
                writeoff.account, self.account.number
            );
            return Err(Problem::new(Code::Invalid, "account", message));
        }
        Ok(())
    }

    /// Adds a write-off to its line.
    fn add(&mut self, row: u64, id: &Arc<str>, writeoff: Writeoff) -> Result<(), Problem> {
        let service = self.services.index_of(&self.references, &writeoff)?;
        let key = (writeoff.period.month(), service, writeoff.vat_basis_points);
        let is_summed = self.options.mode == Mode::SummaryIndividuals && writeoff.subscriber.kind == PartyKind::Individual;
        let rate = if is_summed { writeoff.vat_basis_points } else { None };
        let sums = Sums::of(writeoff.minor_units, rate);
        let quantity_thousandths = writeoff.quantity_thousandths;
        let lines = if is_summed { &mut self.individuals } else { &mut self.account.contract(row, writeoff)?.lines };
        lines.entry(key).or_insert_with(|| Line::new(id)).add(row, id, sums, quantity_thousandths)
    }

    /// Writes what the account's write-offs amount to.
    fn end_account(&mut self, out: &mut Output) -> Result<(), Problem> {
        let contracts = std::mem::take(&mut self.account.contracts).into_values();
        self.account.ids.clear();
        if let Some(file) = &mut self.file {
            file.of_account.clear();
        }
        // The contracts of a month are numbered within it, so that a month has the same numbers whatever it is exported with.
        let mut contracts_of: BTreeMap<Month, usize> = BTreeMap::new();
        for Contract { first, lines } in contracts {
            for (month, lines) in by_month(lines) {
                let ordinal = contracts_of.entry(month).or_default();
                *ordinal += 1;
                self.write_contract(&first, month, lines, *ordinal, out)?;
            }
        }
        Ok(())
    }

    /// Writes the document of one contract and month, whose contract is the `ordinal`th of the account in that month.
    fn write_contract(
        &mut self,
        (row, writeoff): &(u64, Writeoff),
        month: Month,
        mut lines: Vec<DocumentLine>,
        ordinal: usize,
        out: &mut Output,
    ) -> Result<(), Problem> {
        let account = &writeoff.account;
        let number = self.numbers.of_account(account, month, ordinal).map_err(|why| {
            let message = format!("The account {account} cannot have a document number: {why}.");
            Problem::new(Code::Invalid, "account", message).of_row(*row, &writeoff.id)
        })?;
        for (_, rate, line) in &mut lines {
            // The VAT of the line's sum: what 1C itself would compute.
            line.sums = Sums::of(line.sums.minor_units, *rate);
        }
        let buyer = Buyer::of(writeoff, &self.references);
        let document = Document {
            reference: self.references.of("document", &[account, &buyer.contract_key, &self.markup.month(month).key]),
            number,
            month,
            comment: ["л/с ", account].concat(),
            lines_end: [", л/с ", account].concat(),
        };
        self.write_document(&document, &buyer, lines, out)
    }

    /// Writes the documents of all individuals, one a month.
    fn write_individuals(&mut self, out: &mut Output) -> Result<(), Problem> {
        let name = self.options.individuals_name.clone();
        let buyer = Buyer::individuals(&name, &self.references);
        if let Some(file) = &mut self.file {
            file.of_account.clear();
        }
        for (month, lines) in by_month(std::mem::take(&mut self.individuals)) {
            let document = Document {
                reference: self.references.of("individuals", &[&self.markup.month(month).key]),
                number: self.numbers.of_individuals(month),
                month,
                comment: format!("Сводно по физическим лицам за {} г.", self.markup.month(month).name),
                lines_end: String::new(),
            };
            self.write_document(&document, &buyer, lines, out)?;
        }
        Ok(())
    }

    fn write_document(
        &mut self,
        document: &Document,
        buyer: &Buyer<'_>,
        mut lines: Vec<DocumentLine>,
        out: &mut Output,
    ) -> Result<(), Problem> {
        let is_full = |file: &File| self.options.documents_per_file.is_some_and(|most| file.totals.documents >= most);
        if self.file.as_ref().is_some_and(is_full) {
            self.end_file(out);
        }
        self.open_file(out);
        lines.sort_by(|(one, rate, _), (other, other_rate, _)| {
            self.services.key(*one).cmp(self.services.key(*other)).then_with(|| other_rate.cmp(rate))
        });
        let (Some(file), Some((_, _, first))) = (&mut self.file, lines.first()) else { return Ok(()) };
        let sent = file.first_time(buyer.reference, buyer.has_inn).zip(file.first_time(buyer.contract, buyer.has_inn));
        let (buyer_is_new, contract_is_new) = sent.ok_or_else(|| first.at_last(too_many_buyers()))?;
        self.markup.set_buyer(buyer);
        if buyer_is_new {
            self.markup.counterparty(buyer, out.buffer());
        }
        if contract_is_new {
            self.markup.contract(out.buffer());
        }
        let mut total = 0_i64;
        for (service, rate, line) in &lines {
            let service_is_new = file.services.insert(*service);
            let service = self.services.get(*service);
            if service_is_new {
                self.markup.service(service, out.buffer());
            }
            line.check(&service.name, &mut total)?;
            let added = file.totals.add(line.rows, *rate, line.sums);
            added.and_then(|()| self.totals.add(line.rows, *rate, line.sums)).map_err(|problem| line.at_last(problem))?;
        }
        file.totals.documents += 1;
        self.totals.documents += 1;
        let lines = lines.iter().map(|(service, rate, line)| markup::Line {
            service: self.services.get(*service),
            rate: *rate,
            sums: line.sums,
            quantity_thousandths: line.quantity(),
        });
        self.markup.document(document, total, lines, out.buffer());
        Ok(())
    }

    fn open_file(&mut self, out: &mut Output) {
        if self.file.is_none() {
            self.file = Some(File::default());
            self.markup.begin(out.buffer());
        }
    }

    fn end_file(&mut self, out: &mut Output) {
        if let Some(file) = self.file.take() {
            self.markup.end(out.buffer());
            out.end_file(file.totals);
        }
    }
}

fn too_many_buyers() -> Problem {
    let message = format!(
        "A file has at most {REMEMBERED_MAX} buyers with an INN and contracts of theirs; set documents-per-file, such as 10000."
    );
    Problem::new(Code::OutOfRange, "subscriber.inn", message)
}

impl File {
    /// Whether the object is not in the file yet; it is from now on. None: there are too many to remember.
    fn first_time(&mut self, reference: Reference, has_inn: bool) -> Option<bool> {
        if !has_inn {
            let is_new = !self.of_account.contains(&reference);
            self.of_account.extend(is_new.then_some(reference));
            return Some(is_new);
        }
        let is_new = self.remembered.insert(reference);
        (self.remembered.len() <= REMEMBERED_MAX).then_some(is_new)
    }
}

impl Account {
    /// Remembers an id, which an account has once.
    fn keep_id(&mut self, id: &Arc<str>) -> Result<(), Problem> {
        if !self.ids.insert(id.clone()) {
            let message = "The id stands twice in the account; each charge is exported once.";
            return Err(Problem::new(Code::Invalid, "id", message));
        }
        if self.ids.len() > ACCOUNT_ROWS_MAX {
            let message = format!("An account has at most {ACCOUNT_ROWS_MAX} write-offs; sum them up before.");
            return Err(Problem::new(Code::OutOfRange, "account", message));
        }
        Ok(())
    }

    /// The contract of a write-off, whose buyer must be the same in all of them.
    fn contract(&mut self, row: u64, writeoff: Writeoff) -> Result<&mut Contract, Problem> {
        match self.contracts.entry((writeoff.contract_date, writeoff.contract.clone())) {
            Entry::Vacant(place) => Ok(place.insert(Contract { first: (row, writeoff), lines: Lines::new() })),
            Entry::Occupied(contract) => {
                buyer::check_same(&contract.get().first.1, &writeoff)?;
                Ok(contract.into_mut())
            }
        }
    }
}

/// A document's line: its service, its VAT rate and itself.
type DocumentLine = (usize, Option<u16>, Line);

fn by_month(lines: Lines) -> Vec<(Month, Vec<DocumentLine>)> {
    let mut months: Vec<(Month, Vec<DocumentLine>)> = Vec::with_capacity(1);
    for ((month, service, rate), line) in lines {
        match months.last_mut() {
            Some((last, lines)) if *last == month => lines.push((service, rate, line)),
            _ => months.push((month, vec![(service, rate, line)])),
        }
    }
    months
}

impl Line {
    fn new(id: &Arc<str>) -> Line {
        Line { rows: 0, sums: Sums::default(), quantity_thousandths: 0, charges_only: true, last: (0, id.clone()) }
    }

    fn add(&mut self, row: u64, id: &Arc<str>, sums: Sums, quantity_thousandths: i64) -> Result<(), Problem> {
        self.last = (row, id.clone());
        self.sums = self.sums.plus(sums)?;
        self.rows += 1;
        // A million rows of the largest quantity are far from 64 bits.
        self.quantity_thousandths = self.quantity_thousandths.saturating_add(quantity_thousandths);
        self.charges_only &= sums.minor_units > 0;
        Ok(())
    }

    /// Adds the line to its document's total.
    fn check(&self, service: &str, total: &mut i64) -> Result<(), Problem> {
        let minor_units = self.sums.minor_units;
        let message = if minor_units <= 0 {
            format!(
                "The write-offs of «{service}» sum up to {}; an act holds nothing that is not positive. Leave them out of the export \
                 and correct the earlier act in 1C.",
                money::format_amount(minor_units)
            )
        } else {
            *total = total.saturating_add(minor_units);
            if *total <= AMOUNT_MAX {
                return Ok(());
            }
            format!("The document's sum is over {}, which 1C cannot hold.", money::format_amount(AMOUNT_MAX))
        };
        Err(self.at_last(Problem::new(Code::OutOfRange, "amount.minor-units", message)))
    }

    /// The quantity, where it times a price in whole kopecks is the sum; else one.
    fn quantity(&self) -> i64 {
        let thousandths = self.quantity_thousandths;
        let fits = self.charges_only && thousandths <= AMOUNT_MAX;
        match self.sums.minor_units.checked_mul(1000).and_then(|sum| sum.checked_rem(thousandths)) {
            Some(0) if fits => thousandths,
            _ => 1000,
        }
    }

    fn at_last(&self, problem: Problem) -> Problem {
        problem.of_row(self.last.0, &self.last.1)
    }
}

#[cfg(test)]
mod tests;
