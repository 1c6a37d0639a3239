//! Acts: the write-offs of a contract in a calendar month, grouped regardless of the output format.
//!
//! Write-offs arrive ordered by account (by UTF-8 bytes), so that only one account at a time is held in memory.

mod account;
mod lines;

use crate::check::check_writeoff;
use crate::date::{Date, Month};
use crate::identity::{Numbers, Reference, References};
use crate::index::same;
use crate::options::{Mode, Options};
use crate::output::{LeftOut, Output, WarningKind};
use crate::rates::Rules;
use crate::services::Services;
use crate::totals::Sums;
use crate::writeoff::{Code, PartyKind, Problem, Writeoff};

use account::Account;
pub(crate) use lines::{Contract, Line};
use lines::{Lines, VatOf, sum};

/// The most write-offs of one account. Their ids are held until the account ends.
const ACCOUNT_ROWS_MAX: usize = 50_000;

/// The acts of an export in progress.
#[derive(Debug)]
pub(crate) struct Acts {
    rules: Rules,
    mode: Mode,
    /// Charges on other days are refused.
    period: (Date, Date),
    /// If set, charges for other months are refused.
    months: Option<(Month, Month)>,
    refuses_not_positive: bool,
    pub references: References,
    numbers: Numbers,
    individuals_name: String,
    pub services: Services,
    account: Account,
    /// The lines of all individuals, in the mode that sums them up. `individuals_rows` has the last write-off of each line.
    individuals: Lines,
    individuals_rows: Vec<(u64, String)>,
}

/// An act that can be written.
#[derive(Debug)]
pub(crate) struct Act {
    /// The index of the account's contract. Meaningless in the act of all individuals.
    pub contract: usize,
    pub month: Month,
    pub reference: Reference,
    /// Or the reason why it has none.
    pub number: Result<String, Box<Problem>>,
    /// Each is positive. If empty, no act is written.
    pub lines: Vec<Line>,
    pub minor_units: i64,
}

/// Acts that were completed together.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub acts: Vec<Act>,
    pub left_out: Vec<LeftOut>,
    /// The write-offs that the lines' `last` refers to.
    rows: Vec<(u64, String)>,
    /// For each line of an account, the index of its act, and whether the act contains the line. Empty for individuals.
    of_lines: Vec<(usize, bool)>,
}

/// Where a write-off was added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    /// How much VAT it adds to its line.
    pub vat: i64,
    /// Its line in the account; `None` if it is summed up with those of other accounts.
    pub line: Option<usize>,
}

impl Acts {
    pub fn new(options: &Options) -> Acts {
        Acts {
            rules: options.rules(),
            mode: options.mode,
            period: (options.period_start, options.period_end),
            months: options.version.map(|_| (options.period_start.month(), options.period_end.month())),
            refuses_not_positive: options.refuses_not_positive,
            references: References::of_seller(&options.seller.inn),
            numbers: Numbers::new(options.number_prefix.clone(), options.account_prefix.clone()),
            individuals_name: options.individuals_name.clone(),
            services: Services::default(),
            account: Account::default(),
            individuals: Lines::default(),
            individuals_rows: Vec::new(),
        }
    }

    /// Checks a write-off by itself and reports its problems to `out`. Returns whether there are none.
    pub fn check(&self, row: u64, writeoff: &Writeoff, out: &mut Output) -> bool {
        let mut problems = check_writeoff(&writeoff.candidate(), &self.rules);
        let (first, last) = self.period;
        if writeoff.date < first || writeoff.date > last {
            let message = format!("{} lies outside the export's period, {first} to {last}.", writeoff.date);
            problems.push(*Problem::new(Code::OutOfRange, "date", &message));
        }
        if let Some((first, last)) = self.months
            && !(first..=last).contains(&writeoff.period.month())
        {
            problems.push(*closed_month(writeoff.period.month(), first, last));
        }
        if problems.is_empty() && !writeoff.act_uuid.is_empty() && !self.is_act_of(writeoff) {
            problems.push(*another_act(&writeoff.account));
        }
        let holds = problems.is_empty();
        for problem in problems {
            out.fault(*Box::new(problem).of_row(row, &writeoff.id));
        }
        holds
    }

    /// Reports whether the write-off belongs to the act that an earlier register named for it.
    #[inline(never)]
    fn is_act_of(&self, writeoff: &Writeoff) -> bool {
        let month = writeoff.period.month();
        self.act_of(writeoff).text() == writeoff.act_uuid
            || (self.is_summed(writeoff) && self.act_of_individuals(month).text() == writeoff.act_uuid)
    }

    /// Returns the reference of the act of the write-off's account, contract and month.
    pub fn act_of(&self, writeoff: &Writeoff) -> Reference {
        self.act_of_contract(writeoff, writeoff.period.month())
    }

    /// Returns the reference of a month's act of all individuals.
    pub fn act_of_individuals(&self, month: Month) -> Reference {
        self.references.of("individuals", &[&month.text()])
    }

    /// Reports whether the write-off belongs to the act of all individuals.
    pub fn is_summed(&self, writeoff: &Writeoff) -> bool {
        self.mode == Mode::SummaryIndividuals && writeoff.subscriber.kind == PartyKind::Individual
    }

    /// Reports whether the write-off begins another account. If so, the current account must be ended first.
    ///
    /// # Errors
    /// If the account should have come before the current one.
    pub fn begins_account(&self, writeoff: &Writeoff) -> Result<bool, Box<Problem>> {
        let (account, open) = (writeoff.account.as_str(), self.account.number.as_str());
        if same(account, open) {
            return Ok(false);
        }
        if account < open { Err(too_late(account, open)) } else { Ok(true) }
    }

    /// Adds a write-off of the current account, or the first of the next one, to its line.
    ///
    /// # Errors
    /// The rule that the write-off breaks. It is not added then.
    pub fn add(&mut self, row: u64, mut writeoff: Writeoff, out: &mut Output) -> Result<Added, Box<Problem>> {
        let id = std::mem::take(&mut writeoff.id);
        self.add_new(row, &id, writeoff, out).map_err(|problem| problem.of_row(row, &id))
    }

    fn add_new(&mut self, row: u64, id: &str, writeoff: Writeoff, out: &mut Output) -> Result<Added, Box<Problem>> {
        let account = &mut self.account;
        if !same(&account.number, &writeoff.account) {
            account.number.clone_from(&writeoff.account);
        }
        if account.rows.len() == ACCOUNT_ROWS_MAX {
            out.end_faults();
            return Err(too_many_rows());
        }
        if !account.is_new_id(id, &self.references) {
            return Err(repeated_id());
        }
        account.rows.push((row, id.to_owned()));
        let last = account.rows.len() - 1;
        let is_summed = self.is_summed(&writeoff);
        let rate = writeoff.vat_basis_points;
        let own = Sums::of(writeoff.minor_units, rate);
        let line = Line {
            at: 0,
            contract: 0,
            month: writeoff.period.month(),
            service: self.services.index_of(&self.references, row, &writeoff, out)?,
            rate,
            rows: 1,
            sums: own,
            own_vat: own.vat_minor_units,
            quantity_thousandths: writeoff.quantity_thousandths,
            charges_only: writeoff.minor_units > 0,
            last,
        };
        if !is_summed {
            let contract = self.account.contract_of(writeoff, last, &self.references)?;
            let (at, vat) = self.account.lines.add(Line { contract, ..line }, VatOf::TheSum)?;
            return Ok(Added { vat, line: Some(at) });
        }
        let rows = &mut self.individuals_rows;
        let (at, vat) = self.individuals.add(Line { last: rows.len(), ..line }, VatOf::EachWriteoff)?;
        match rows.get_mut(at) {
            Some(known) => *known = (row, id.to_owned()),
            None => rows.push((row, id.to_owned())),
        }
        if let Some(known) = self.individuals.list.get_mut(at) {
            known.last = at;
        }
        Ok(Added { vat, line: None })
    }

    /// Ends the current account. Returns its acts, ordered by the contract's date and number, and what was left out; and its
    /// contracts.
    pub fn end_account(&mut self, out: &mut Output) -> (Ended, Vec<Contract>) {
        let mut account = std::mem::take(&mut self.account);
        let mut ended = Ended { of_lines: vec![(0, false); account.lines.list.len()], ..Ended::default() };
        let sorted = account.lines.sorted(&account.contracts, &self.services);
        // Contracts are numbered within each month, so that a month gets the same numbers whatever else is exported with it.
        let mut ordinals: Vec<(Month, usize)> = Vec::new();
        for lines in sorted.chunk_by(Line::is_of_same_act) {
            let Some(line) = lines.first() else { continue };
            let Some(Contract { first, row }) = account.contracts.get(line.contract) else { continue };
            if ordinals.iter().all(|(month, _)| *month != line.month) {
                ordinals.push((line.month, 0));
            }
            let Some((_, ordinal)) = ordinals.iter_mut().find(|(month, _)| *month == line.month) else { continue };
            *ordinal += 1;
            let of = LeftOut {
                account: first.account.clone(),
                subscriber: first.subscriber.name.clone(),
                contract: first.contract.clone(),
                ..nothing(line.month)
            };
            let total = sum(lines);
            let is_kept = |line: &Line| total > 0 && line.sums.minor_units > 0;
            for line in lines {
                if let Some(of_line) = ended.of_lines.get_mut(line.at) {
                    *of_line = (ended.acts.len(), is_kept(line));
                }
            }
            let lines = self.keep(lines, &account.rows, &is_kept, &of, &mut ended, out);
            let number = self.numbers.of_account(&first.account, line.month, *ordinal).map_err(|why| {
                let message = format!("The account {} cannot have a document number: {why}.", first.account);
                of_row(&account.rows, *row, Problem::new(Code::Invalid, "account", &message))
            });
            let (contract, month, reference) = (line.contract, line.month, self.act_of_contract(first, line.month));
            if let Some(date) = first.contract_date.filter(|date| date.month() > month && !lines.is_empty()) {
                let row = account.rows.get(*row).map_or(0, |(row, _)| *row);
                out.warn(row, WarningKind::LateContract, late_contract(first, date, month));
            }
            ended.acts.push(Act { contract, month, reference, number, minor_units: sum(&lines), lines });
        }
        ended.rows = std::mem::take(&mut account.rows);
        let contracts = std::mem::take(&mut account.contracts);
        account.clear();
        self.account = account;
        (ended, contracts)
    }

    fn act_of_contract(&self, first: &Writeoff, month: Month) -> Reference {
        let date = first.contract_date.map(|date| date.text()).unwrap_or_default();
        self.references.of("document", &[&first.account, &first.contract, &date, &month.text()])
    }

    /// Ends the export. Returns the acts of all individuals, one a month, and what was left out.
    pub fn end_individuals(&mut self, out: &mut Output) -> Ended {
        let individuals = std::mem::take(&mut self.individuals);
        let mut ended = Ended { rows: std::mem::take(&mut self.individuals_rows), ..Ended::default() };
        for lines in individuals.sorted(&[], &self.services).chunk_by(Line::is_of_same_act) {
            let Some(line) = lines.first() else { continue };
            let (month, reference) = (line.month, self.act_of_individuals(line.month));
            let of = LeftOut { subscriber: self.individuals_name.clone(), ..nothing(month) };
            let rows = std::mem::take(&mut ended.rows);
            let lines = self.keep(lines, &rows, &|line| line.sums.minor_units > 0, &of, &mut ended, out);
            ended.rows = rows;
            if !lines.is_empty() {
                let number = Ok(self.number_of_individuals(month));
                ended.acts.push(Act { contract: 0, month, reference, number, minor_units: sum(&lines), lines });
            }
        }
        ended
    }

    /// Returns the number of a month's act of all individuals.
    pub fn number_of_individuals(&self, month: Month) -> String {
        self.numbers.of_individuals(month)
    }

    /// Returns the lines that an act contains. The others are left out, or refused if the options say so.
    fn keep(
        &self,
        lines: &[Line],
        rows: &[(u64, String)],
        is_kept: &dyn Fn(&Line) -> bool,
        of: &LeftOut,
        ended: &mut Ended,
        out: &mut Output,
    ) -> Vec<Line> {
        let mut kept = Vec::with_capacity(lines.len());
        for line in lines {
            if is_kept(line) {
                kept.push(*line);
                continue;
            }
            let service = self.services.at(line.service);
            if self.refuses_not_positive {
                let name = service.map_or("", |service| &service.name);
                out.fault(*of_row(rows, line.last, not_positive(name, line.sums.minor_units)));
            }
            let (row, writeoff) = rows.get(line.last).cloned().unwrap_or_default();
            ended.left_out.push(LeftOut {
                rows: line.rows,
                row,
                writeoff,
                service_code: service.map_or("", |service| service.code()).to_owned(),
                service: service.map_or("", |service| &service.name).to_owned(),
                vat_basis_points: line.rate,
                sums: line.sums,
                ..of.clone()
            });
        }
        kept
    }
}

impl Ended {
    /// Returns the act that a line of the account belongs to, and whether the act contains the line.
    pub fn act_of_line(&self, line: usize) -> Option<(&Act, bool)> {
        let (act, is_kept) = *self.of_lines.get(line)?;
        Some((self.acts.get(act)?, is_kept))
    }

    /// Attributes a problem to the last write-off of a line.
    #[cold]
    pub fn of_last_row(&self, line: Option<&Line>, problem: Box<Problem>) -> Box<Problem> {
        of_row(&self.rows, line.map_or(0, |line| line.last), problem)
    }
}

/// Returns an empty record of what was left out of a month.
fn nothing(month: Month) -> LeftOut {
    LeftOut {
        rows: 0,
        row: 0,
        writeoff: String::new(),
        account: String::new(),
        subscriber: String::new(),
        contract: String::new(),
        service_code: String::new(),
        service: String::new(),
        period: month.first_day(),
        vat_basis_points: None,
        sums: Sums::default(),
    }
}

/// Attributes a problem to one of the write-offs.
#[cold]
fn of_row(rows: &[(u64, String)], at: usize, problem: Box<Problem>) -> Box<Problem> {
    match rows.get(at) {
        Some((row, id)) => problem.of_row(*row, id),
        None => problem,
    }
}

#[cold]
fn too_late(account: &str, open: &str) -> Box<Problem> {
    let message =
        format!("The account {account} comes after {open}: write-offs go by account, in the order of bytes; sort them.");
    Problem::new(Code::Invalid, "account", &message)
}

#[cold]
fn too_many_rows() -> Box<Problem> {
    let message = format!("An account has at most {ACCOUNT_ROWS_MAX} write-offs; sum them up before.");
    Problem::new(Code::OutOfRange, "account", &message)
}

#[cold]
fn repeated_id() -> Box<Problem> {
    Problem::new(Code::Invalid, "id", "The id is given twice in the account; each charge is exported once.")
}

#[cold]
fn closed_month(month: Month, first: Month, last: Month) -> Box<Problem> {
    let message = format!(
        "The charge is for {month}, outside the export's months {first} to {last}: it would change a document of a closed month. Date \
         it within {month} and export that month; where it is closed, correct it in 1C."
    );
    Problem::new(Code::OutOfRange, "period", &message)
}

#[cold]
fn another_act(account: &str) -> Box<Problem> {
    let message = format!(
        "The register names another act for it than account {account} has: a spreadsheet may have changed the account, the contract or \
         a date, such as 00123 to 123. Export the register again, for the same seller and mode."
    );
    Problem::new(Code::Invalid, "account", &message)
}

#[cold]
fn late_contract(first: &Writeoff, date: Date, month: Month) -> String {
    format!(
        "The contract \"{}\" of account {} is of {date}, later than its act for {month}. Correct the contract's date, unless that is \
         what was agreed.",
        first.contract, first.account
    )
}

#[cold]
fn not_positive(service: &str, minor_units: i64) -> Box<Problem> {
    let message = format!(
        "The write-offs of «{service}» are in a month that sums up to {} or less, and an act holds nothing that is not positive. Leave \
         them out, and correct the earlier act in 1C.",
        money::format_amount(minor_units.max(0))
    );
    Problem::new(Code::OutOfRange, "amount.minor-units", &message)
}
