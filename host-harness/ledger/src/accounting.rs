//! Write-offs and their buyers. A write-off is added only if it can be exported, once and in its month; an operator's decision
//! can exclude it from exports.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::exportable;
use crate::rules::{Ledger, enter};
use crate::storage::Transaction;
use domain::{
    Account, AccountNumber, AccountRefusal, Date, EntryKind, ExcludedWriteOff, Exclusion, ExclusionRefusal, Fault,
    ListedWriteOff, Money, NewEntry, UndatedWriteOff, WriteOff, WriteOffRefusal, WriteOffsAdded,
};

/// How many write-offs are read at a time.
const WRITEOFFS_PAGE: u32 = 1000;

impl Ledger {
    /// Creates an account, or changes its party and contract.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule: an export could not name the account's
    /// subscriber.
    pub fn put_account(&self, account: Account) -> Result<Result<(), AccountRefusal>, Error> {
        self.put_checked(account, false)
    }

    /// Does the same, for a buyer that has changed its name: the other accounts with the same «ИНН» and «КПП» (or, without
    /// «ИНН», the same foreign tax number) get the new name and kind too.
    ///
    /// # Errors
    /// As for [`put_account`](Ledger::put_account).
    pub fn put_renamed_account(&self, account: Account) -> Result<Result<(), AccountRefusal>, Error> {
        self.put_checked(account, true)
    }

    fn put_checked(&self, account: Account, renames: bool) -> Result<Result<(), AccountRefusal>, Error> {
        let faults = exportable::faults_of_account(&account);
        if !faults.is_empty() {
            return Ok(Err(AccountRefusal::Faults(faults)));
        }
        self.storage().write(move |transaction| {
            if renames {
                transaction.rename_buyer(&account)?;
            } else if let Some(Account { number, name, .. }) = transaction.namesake(&account)? {
                return Ok(Err(AccountRefusal::OtherName { account: number, name }));
            }
            transaction.put_account(&account).map(Ok)
        })
    }

    /// Adds write-offs, all or none. Each debits its account once, however often it is added.
    ///
    /// # Errors
    /// If they cannot be stored. The inner error is a refusal by a rule: what is wrong with each invalid write-off.
    pub fn add_writeoffs(&self, writeoffs: Vec<WriteOff>, at: u64) -> Result<Result<WriteOffsAdded, WriteOffRefusal>, Error> {
        self.storage().write(move |transaction| add_writeoffs(transaction, &writeoffs, at))
    }

    /// Checks whether write-offs can be added, without adding them.
    ///
    /// # Errors
    /// If the ledger cannot be read. The inner error is a refusal by a rule, as for [`add_writeoffs`](Ledger::add_writeoffs).
    pub fn check_writeoffs(&self, writeoffs: &[WriteOff]) -> Result<Result<(), WriteOffRefusal>, Error> {
        self.storage().read(|transaction| Ok(new_writeoffs(transaction, writeoffs)?.map(drop)))
    }

    /// Passes the write-offs of a range of days with their accounts to `take`, page by page, in the order that exports need: by
    /// account, then by id. All pages are from one snapshot. If the range has a whole month, this includes write-offs with a
    /// date such as 2026-02-30 in that month.
    ///
    /// # Errors
    /// If they cannot be read, or the first error of `take`.
    pub fn writeoffs<E: From<Error>>(
        &self,
        from: Date,
        to: Date,
        mut take: impl FnMut(Vec<ListedWriteOff>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.storage().read(|transaction| {
            let mut after: Option<(AccountNumber, String)> = None;
            loop {
                let place = after.as_ref().map(|(account, id)| (account, id.as_str()));
                let page = transaction.writeoffs(from, to, place, WRITEOFFS_PAGE)?;
                let Some(last) = page.last() else { return Ok(Ok(())) };
                after = Some((last.account.number.clone(), last.id().to_owned()));
                if let Err(error) = take(page) {
                    return Ok(Err(error));
                }
            }
        })?
    }

    /// Returns the write-offs that an older program stored with a date that does not exist in the calendar, by id, after one of
    /// them, with the decisions to exclude them. Those whose month does not exist either are in no export.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn writeoffs_of_no_day(&self, after: &str, limit: u32) -> Result<Vec<(UndatedWriteOff, Option<Exclusion>)>, Error> {
        self.storage().read(|transaction| transaction.writeoffs_of_no_day(after, limit))
    }

    /// Excludes a write-off from exports from now on. The account stays debited.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn exclude_writeoff(
        &self,
        writeoff: String,
        operator: String,
        reason: String,
        at: u64,
    ) -> Result<Result<Exclusion, ExclusionRefusal>, Error> {
        let exclusion = Exclusion { id: 0, writeoff, operator, reason, at };
        self.storage().write(move |transaction| {
            if transaction.writeoff(&exclusion.writeoff)?.is_none() {
                return Ok(Err(ExclusionRefusal::Unknown));
            }
            if transaction.exclusion(&exclusion.writeoff)?.is_some() {
                return Ok(Err(ExclusionRefusal::AlreadyExcluded));
            }
            let id = transaction.insert_exclusion(&exclusion)?;
            Ok(Ok(Exclusion { id, ..exclusion.clone() }))
        })
    }

    /// Undoes a write-off's exclusion, so that exports include it again.
    ///
    /// # Errors
    /// If the storage is unavailable. The inner error is a refusal by a rule.
    pub fn include_writeoff(&self, writeoff: String, operator: String, at: u64) -> Result<Result<(), ExclusionRefusal>, Error> {
        self.storage().write(move |transaction| match transaction.exclusion(&writeoff)? {
            Some(exclusion) => transaction.undo_exclusion(exclusion.id, &operator, at).map(Ok),
            None if transaction.writeoff(&writeoff)?.is_none() => Ok(Err(ExclusionRefusal::Unknown)),
            None => Ok(Err(ExclusionRefusal::NotExcluded)),
        })
    }

    /// Returns the excluded write-offs, the latest decision first, before the one with this id.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn exclusions(&self, before: Option<u64>, limit: u32) -> Result<Vec<ExcludedWriteOff>, Error> {
        self.storage().read(|transaction| transaction.exclusions(before, limit))
    }
}

/// The faults so far. Only the first ones are listed, and the others are counted.
#[derive(Default)]
struct Faults {
    listed: Vec<(usize, Fault)>,
    more: usize,
}

impl Faults {
    fn add(&mut self, index: usize, fault: Fault) {
        if self.listed.len() < WriteOffRefusal::FAULTS_MAX {
            self.listed.push((index, fault));
        } else {
            self.more += 1;
        }
    }
}

fn add_writeoffs(
    transaction: &mut dyn Transaction,
    writeoffs: &[WriteOff],
    at: u64,
) -> Result<Result<WriteOffsAdded, WriteOffRefusal>, Error> {
    // Nothing is stored before all write-offs are known to be valid.
    let new = match new_writeoffs(transaction, writeoffs)? {
        Ok(new) => new,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let added = new.len();
    for writeoff in new.into_values() {
        let seq = enter(transaction, &entry_of(writeoff, at))?;
        transaction.insert_writeoff(writeoff, seq)?;
    }
    Ok(Ok(WriteOffsAdded { added, repeated: writeoffs.len() - added }))
}

/// Returns the write-offs that were not added before, by id, if all are valid.
fn new_writeoffs<'w>(
    transaction: &mut dyn Transaction,
    writeoffs: &'w [WriteOff],
) -> Result<Result<BTreeMap<&'w str, &'w WriteOff>, WriteOffRefusal>, Error> {
    let mut faults = Faults::default();
    let mut new: BTreeMap<&str, &WriteOff> = BTreeMap::new();
    let mut units = Units::default();
    for (index, writeoff) in writeoffs.iter().enumerate() {
        let Some(account) = transaction.account(&writeoff.account)? else {
            faults.add(index, Fault::unknown_account());
            continue;
        };
        let before = match transaction.writeoff(&writeoff.id)? {
            Some(kept) => Some(kept.is_ok_and(|kept| kept == *writeoff)),
            None => new.get(writeoff.id.as_str()).map(|known| *known == writeoff),
        };
        match before {
            // A write-off that was added before gets the same answer as before, even if the rules have changed.
            Some(true) => continue,
            Some(false) => faults.add(index, id_reused()),
            None => {
                exportable::faults(&account, writeoff).into_iter().for_each(|fault| faults.add(index, fault));
                units.check(transaction, writeoff)?.into_iter().for_each(|fault| faults.add(index, fault));
                new.insert(&writeoff.id, writeoff);
            }
        }
    }
    let Faults { listed, more } = faults;
    Ok(if listed.is_empty() { Ok(new) } else { Err(WriteOffRefusal { faults: listed, more }) })
}

fn id_reused() -> Fault {
    let message = "the id is that of another write-off that was added before; give each write-off an id of its own";
    Fault { code: "id-reused", field: "id".to_owned(), message: message.to_owned() }
}

/// The units of the services that a batch names.
#[derive(Default)]
struct Units<'w>(BTreeMap<(&'w str, &'w str), (String, String)>);

impl<'w> Units<'w> {
    /// Checks a write-off's unit. In 1C a service has one unit, so that an export with two could not be loaded.
    fn check(&mut self, transaction: &mut dyn Transaction, writeoff: &'w WriteOff) -> Result<Option<Fault>, Error> {
        let code = writeoff.service_code.as_str();
        let key = if code.is_empty() { ("", writeoff.service.as_str()) } else { (code, "") };
        let (unit, first) = match self.0.entry(key) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let known = transaction.unit_of_service(writeoff)?;
                place.insert(known.unwrap_or_else(|| (writeoff.unit.clone(), writeoff.id.clone())))
            }
        };
        if *unit == writeoff.unit {
            return Ok(None);
        }
        let service = if code.is_empty() { &writeoff.service } else { code };
        let message = format!(
            "the service {service} has the unit \"{unit}\" in the write-off {first}; give it one unit, or the new unit another code"
        );
        Ok(Some(Fault { code: "other-unit", field: "unit".to_owned(), message }))
    }
}

fn entry_of(writeoff: &WriteOff, at: u64) -> NewEntry {
    // A charge debits the account. The smallest `i64` has no opposite, but no charge is that large.
    let minor_units = writeoff.amount.minor_units.checked_neg().unwrap_or(i64::MAX);
    NewEntry {
        account: writeoff.account.clone(),
        kind: EntryKind::WriteOff,
        amount: Money { minor_units, ..writeoff.amount },
        comment: writeoff.service.clone(),
        order: None,
        transaction: None,
        provider: None,
        at,
        date: Some(writeoff.date),
        decision: None,
        reverses: None,
        extra: Vec::new(),
    }
}
