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

use std::cmp::Ordering;

use money::AMOUNT_MAX;

use crate::check::check_writeoff;
use crate::date::Month;
use crate::identity::{Numbers, Reference, References};
use crate::index::{Index, number_key, same};
use crate::output::Output;
use crate::sort::sort;
use crate::totals::{Sums, Totals};
use crate::writeoff::{Code, PartyKind, Problem, Writeoff};
use buyer::Buyer;
use markup::{Document, Markup};
pub use options::{Mode, Options, Version};
use services::{SERVICES_MAX, Services};

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
    file: File,
    totals: Totals,
}

/// The account whose write-offs are coming.
#[derive(Debug, Default)]
struct Account {
    number: String,
    ids: Index,
    contracts: Vec<Contract>,
    /// Of the contracts but the first.
    contract_keys: Index,
    lines: Lines,
}

/// A contract of the account.
#[derive(Debug)]
struct Contract {
    /// Its first write-off, without the id, and which of the account it is.
    first: Writeoff,
    row: usize,
}

/// Documents' lines before they are written.
#[derive(Debug, Default)]
struct Lines {
    list: Vec<Line>,
    keys: Index,
    /// The write-offs that lines name as their last: which of the input, and the id.
    rows: Vec<(u64, String)>,
}

/// The write-offs of one service and VAT rate.
#[derive(Clone, Copy, Debug)]
struct Line {
    contract: usize,
    month: Month,
    service: usize,
    rate: Option<u16>,
    rows: u64,
    sums: Sums,
    quantity_thousandths: i64,
    /// Whether there is no correction, so that the quantity means something.
    charges_only: bool,
    last: usize,
}

/// The file that is being written.
#[derive(Debug, Default)]
struct File {
    /// From 1; 0: none was begun.
    number: u64,
    is_open: bool,
    totals: Totals,
    /// What was sent of buyers with an «ИНН», who may have several accounts.
    remembered: Index,
    /// What was sent of the current account's.
    of_account: Index,
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
            individuals: Lines::default(),
            file: File::default(),
            totals: Totals::default(),
            options,
        })
    }

    /// Takes a write-off, the `row`th of the input; what is written is of the accounts before its own.
    ///
    /// # Errors
    /// What is wrong, with the write-off that it is about, which may be an earlier one.
    pub fn append(&mut self, row: u64, mut writeoff: Writeoff, out: &mut Output) -> Result<(), Box<Problem>> {
        self.check(&writeoff).map_err(|problem| problem.of_row(row, &writeoff.id))?;
        if !same(&writeoff.account, &self.account.number) {
            if writeoff.account < self.account.number {
                return Err(self.too_late(&writeoff.account).of_row(row, &writeoff.id));
            }
            self.end_account(out)?;
            self.account.number.clone_from(&writeoff.account);
        }
        let id = std::mem::take(&mut writeoff.id);
        let is_new = self.account.is_new_id(&id, &self.references);
        self.account.lines.rows.push((row, id));
        let added = if is_new { self.add(writeoff) } else { Err(repeated_id()) };
        added.map_err(|problem| of_row(&self.account.lines.rows, self.account.lines.rows.len() - 1, problem))
    }

    /// Ends the export: an empty one is a file without documents.
    ///
    /// # Errors
    /// As [`append`](EnterpriseData::append).
    pub fn finish(mut self, out: &mut Output) -> Result<Totals, Box<Problem>> {
        self.end_account(out)?;
        self.write_individuals(out)?;
        self.open_file(out);
        self.end_file(out);
        Ok(self.totals)
    }

    /// Checks a write-off by itself.
    fn check(&self, writeoff: &Writeoff) -> Result<(), Box<Problem>> {
        match check_writeoff(&writeoff.candidate(), &self.options.rules()).into_iter().next() {
            Some(problem) => Err(Box::new(problem)),
            None => self.options.check_period(writeoff.period),
        }
    }

    #[cold]
    fn too_late(&self, account: &str) -> Box<Problem> {
        let before = &self.account.number;
        let message =
            format!("The account {account} comes after {before}: write-offs go by account, in the order of bytes; sort them.");
        Problem::new(Code::Invalid, "account", &message)
    }

    /// Adds the account's latest write-off to its line.
    fn add(&mut self, writeoff: Writeoff) -> Result<(), Box<Problem>> {
        let rows = &self.account.lines.rows;
        if rows.len() > ACCOUNT_ROWS_MAX {
            let message = format!("An account has at most {ACCOUNT_ROWS_MAX} write-offs; sum them up before.");
            return Err(Problem::new(Code::OutOfRange, "account", &message));
        }
        let is_summed = self.options.mode == Mode::SummaryIndividuals && writeoff.subscriber.kind == PartyKind::Individual;
        let rate = writeoff.vat_basis_points;
        let line = Line {
            contract: 0,
            month: writeoff.period.month(),
            service: self.services.index_of(&self.references, &writeoff)?,
            rate,
            rows: 1,
            sums: Sums::of(writeoff.minor_units, if is_summed { rate } else { None }),
            quantity_thousandths: writeoff.quantity_thousandths,
            charges_only: writeoff.minor_units > 0,
            last: rows.len() - 1,
        };
        if is_summed {
            let at = self.individuals.add(Line { last: self.individuals.list.len(), ..line })?;
            match (self.individuals.rows.get_mut(at), rows.last()) {
                (Some(last), Some((row, id))) => {
                    last.0 = *row;
                    last.1.clone_from(id);
                }
                (_, last) => self.individuals.rows.extend(last.cloned()),
            }
            return Ok(());
        }
        let contract = self.account.contract_of(writeoff, &self.references)?;
        let at = self.account.lines.add(Line { contract, ..line })?;
        if let Some(known) = self.account.lines.list.get_mut(at) {
            known.last = line.last;
        }
        Ok(())
    }

    /// Writes what the account's write-offs amount to.
    fn end_account(&mut self, out: &mut Output) -> Result<(), Box<Problem>> {
        let mut account = std::mem::take(&mut self.account);
        self.file.of_account.clear();
        let mut lines = account.lines.sorted(&account.contracts, &self.services);
        for line in &mut lines {
            // The VAT of the line's sum: what 1C itself would compute.
            line.sums = Sums::of(line.sums.minor_units, line.rate);
        }
        // The contracts of a month are numbered within it, so that a month has the same numbers whatever it is exported with.
        let mut contracts_of = [0; 12];
        for lines in lines.chunk_by(Line::is_of_same_document) {
            let Some(line) = lines.first() else { continue };
            let Some(ordinal) = contracts_of.get_mut(usize::from(line.month.number()) - 1) else { continue };
            let Some(contract) = account.contracts.get(line.contract) else { continue };
            *ordinal += 1;
            self.write_contract(contract, *ordinal, line.month, lines, &account.lines.rows, out)?;
        }
        account.clear();
        self.account = account;
        Ok(())
    }

    /// Writes the document of one contract and month, whose contract is the `ordinal`th of the account in that month.
    fn write_contract(
        &mut self,
        contract: &Contract,
        ordinal: usize,
        month: Month,
        lines: &[Line],
        rows: &[(u64, String)],
        out: &mut Output,
    ) -> Result<(), Box<Problem>> {
        let Writeoff { account, contract: key, .. } = &contract.first;
        let number = self.numbers.of_account(account, month, ordinal).map_err(|why| {
            let message = format!("The account {account} cannot have a document number: {why}.");
            of_row(rows, contract.row, Problem::new(Code::Invalid, "account", &message))
        })?;
        self.markup.set_month(month);
        let buyer = Buyer::of(&contract.first, &self.references);
        let document = Document {
            reference: self.references.of("document", &[account, key, &buyer.contract_date, self.markup.month()]),
            number,
            comment: ["л/с ", account].concat(),
            lines_have_comment: true,
        };
        self.write_document(&document, &buyer, lines, rows, out)
    }

    /// Writes the documents of all individuals, one a month.
    fn write_individuals(&mut self, out: &mut Output) -> Result<(), Box<Problem>> {
        let individuals = std::mem::take(&mut self.individuals);
        let name = self.options.individuals_name.clone();
        let buyer = Buyer::individuals(&name, &self.references);
        self.file.of_account.clear();
        for lines in individuals.sorted(&[], &self.services).chunk_by(Line::is_of_same_document) {
            let Some(line) = lines.first() else { continue };
            self.markup.set_month(line.month);
            let document = Document {
                reference: self.references.of("individuals", &[self.markup.month()]),
                number: self.numbers.of_individuals(line.month),
                comment: ["Сводно по физическим лицам за ", self.markup.month_name(), " г."].concat(),
                lines_have_comment: false,
            };
            self.write_document(&document, &buyer, lines, &individuals.rows, out)?;
        }
        Ok(())
    }

    fn write_document(
        &mut self,
        document: &Document,
        buyer: &Buyer<'_>,
        lines: &[Line],
        rows: &[(u64, String)],
        out: &mut Output,
    ) -> Result<(), Box<Problem>> {
        if self.options.documents_per_file.is_some_and(|most| self.file.totals.documents >= most) {
            self.end_file(out);
        }
        self.open_file(out);
        let file = &mut self.file;
        let buyer_is_new = file.first_time(&buyer.reference, buyer.has_inn);
        let contract_is_new = file.first_time(&buyer.contract, buyer.has_inn);
        if file.remembered.len() > REMEMBERED_MAX {
            return Err(of_row(rows, lines.first().map_or(0, |line| line.last), too_many_buyers()));
        }
        self.markup.set_buyer(buyer);
        if buyer_is_new {
            self.markup.counterparty(buyer, out.buffer());
        }
        if contract_is_new {
            self.markup.contract(out.buffer());
        }
        let mut total = 0_i64;
        for line in lines {
            let service = self.services.get(line.service);
            if service.file != file.number {
                service.file = file.number;
                self.markup.service(service, out.buffer());
            }
            let added = line.check(&service.name, &mut total);
            let added = added.and_then(|()| file.totals.add(line.rows, line.rate, line.sums));
            let added = added.and_then(|()| self.totals.add(line.rows, line.rate, line.sums));
            added.map_err(|problem| of_row(rows, line.last, problem))?;
        }
        file.totals.documents += 1;
        self.totals.documents += 1;
        let is_taxed = lines.iter().any(|line| line.rate.is_some());
        self.markup.begin_document(document, total, is_taxed, out.buffer());
        for line in lines {
            let service = self.services.get(line.service);
            self.markup.line(service, line.rate, line.sums, line.quantity(), out.buffer());
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

/// Says which of some write-offs a problem is about.
#[cold]
fn of_row(rows: &[(u64, String)], at: usize, problem: Box<Problem>) -> Box<Problem> {
    match rows.get(at) {
        Some((row, id)) => problem.of_row(*row, id),
        None => problem,
    }
}

#[cold]
fn repeated_id() -> Box<Problem> {
    Problem::new(Code::Invalid, "id", "The id stands twice in the account; each charge is exported once.")
}

#[cold]
fn too_many_buyers() -> Box<Problem> {
    let message = format!(
        "A file has at most {REMEMBERED_MAX} buyers with an INN and contracts of theirs; set documents-per-file, such as 10000."
    );
    Problem::new(Code::OutOfRange, "subscriber.inn", &message)
}

impl File {
    /// Whether the object is not in the file yet; it is from now on.
    fn first_time(&mut self, reference: &Reference, has_inn: bool) -> bool {
        let sent = if has_inn { &mut self.remembered } else { &mut self.of_account };
        sent.add(reference.key()).1
    }
}

impl Account {
    /// Whether the account's next write-off has an id that none before it had.
    fn is_new_id(&mut self, id: &str, references: &References) -> bool {
        let known = |at: usize| self.lines.rows.get(at).map(|(_, id)| id.as_str());
        self.ids.add_text(0, id, known, || references.of("id", &[id]).key()).1
    }

    /// The contract of the latest write-off, whose buyer must be the same in all of the contract's.
    fn contract_of(&mut self, writeoff: Writeoff, references: &References) -> Result<usize, Box<Problem>> {
        let date = writeoff.contract_date;
        let is_its = |known: &Contract| known.first.contract_date == date && same(&known.first.contract, &writeoff.contract);
        let at = if self.contracts.last().is_some_and(is_its) {
            self.contracts.len() - 1
        } else if self.contracts.first().is_none_or(is_its) {
            0
        } else {
            let date = date.map(|date| date.text()).unwrap_or_default();
            1 + self.contract_keys.add(references.of("contract", &[&writeoff.contract, &date]).key()).0
        };
        let Some(known) = self.contracts.get(at) else {
            self.contracts.push(Contract { first: writeoff, row: self.lines.rows.len() - 1 });
            return Ok(at);
        };
        let Some(field) = buyer::difference(&known.first, &writeoff) else { return Ok(at) };
        let first = self.lines.rows.get(known.row).map_or("", |(_, id)| id);
        let message = format!(
            "It differs from that of write-off \"{first}\" of the same account and contract; a document has one buyer."
        );
        Err(Problem::new(Code::Invalid, field, &message))
    }

    /// Makes ready for the next account, in the same memory.
    fn clear(&mut self) {
        self.ids.clear();
        self.contracts.clear();
        self.contract_keys.clear();
        self.lines.list.clear();
        self.lines.keys.clear();
        self.lines.rows.clear();
    }
}

// A line's key has 12 bits for its service: with more, two services' lines could become one.
const _: () = assert!(SERVICES_MAX <= 1 << 12);

impl Lines {
    /// Adds a line to the one of its contract, month, service and rate, and says which it is.
    fn add(&mut self, line: Line) -> Result<usize, Box<Problem>> {
        // A rate is at most 10,000, and an export lies within one year.
        let rate = line.rate.map_or(0, |rate| u64::from(rate) + 1);
        let key = (line.contract as u64) << 32 | u64::from(line.month.number()) << 28 | (line.service as u64) << 16 | rate;
        let (at, _) = self.keys.add(number_key(key));
        match self.list.get_mut(at) {
            None => self.list.push(line),
            Some(known) => {
                known.sums = known.sums.plus(line.sums)?;
                known.rows += 1;
                // A million rows of the largest quantity are far from 64 bits.
                known.quantity_thousandths = known.quantity_thousandths.saturating_add(line.quantity_thousandths);
                known.charges_only &= line.charges_only;
            }
        }
        Ok(at)
    }

    /// The lines as documents have them: contracts by date, then by number; months; services; the highest rate first.
    fn sorted(&self, contracts: &[Contract], services: &Services) -> Vec<Line> {
        let contract =
            |line: &Line| contracts.get(line.contract).map(|known| (known.first.contract_date, &known.first.contract));
        let order = |one: &Line, other: &Line| {
            if one.contract != other.contract {
                return contract(one).cmp(&contract(other));
            }
            let by_service = one.month.cmp(&other.month).then_with(|| services.order(one.service, other.service));
            by_service.then_with(|| other.rate.cmp(&one.rate)).then(one.service.cmp(&other.service))
        };
        let mut places: Vec<usize> = (0..self.list.len()).collect();
        sort(&mut places, &|one, other| match (self.list.get(one), self.list.get(other)) {
            (Some(one), Some(other)) => order(one, other),
            _ => Ordering::Equal,
        });
        places.iter().filter_map(|at| self.list.get(*at).copied()).collect()
    }
}

impl Line {
    fn is_of_same_document(&self, other: &Line) -> bool {
        self.contract == other.contract && self.month == other.month
    }

    /// Adds the line to its document's total.
    fn check(&self, service: &str, total: &mut i64) -> Result<(), Box<Problem>> {
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
        Err(Problem::new(Code::OutOfRange, "amount.minor-units", &message))
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
}

#[cfg(test)]
mod tests;
