//! Accounts, and what is corrected on them by hand.

use domain::{Account, AccountNumber, AccountRefusal, Balance, Correction, CorrectionRefusal};

use crate::error::HostError;
use crate::host::Host;
use crate::text::{NAME_CHARS_MAX, TEXT_CHARS_MAX, optional_text, required_text};

const PARTY_CHARS_MAX: usize = 250;

/// An account with what it has in each currency.
pub type AccountBalances = (Account, Vec<Balance>);

impl From<AccountRefusal> for HostError {
    fn from(refusal: AccountRefusal) -> HostError {
        match refusal {
            AccountRefusal::Faults(faults) => {
                let problems: Vec<_> = faults.into_iter().map(|fault| fault.problem("")).collect();
                let detail = "documents for accounting could not name this account; correct what the problems name";
                HostError::invalid(detail).with_problems(problems)
            }
            AccountRefusal::OtherName { account, name } => HostError::conflict(format!(
                "the account {account} has the same INN and KPP, or the same foreign tax number, under another name or kind, \
                 \"{name}\": where it is the same buyer, put both alike (rename); else one number is wrong"
            )),
        }
    }
}

impl From<CorrectionRefusal> for HostError {
    fn from(refusal: CorrectionRefusal) -> HostError {
        match refusal {
            CorrectionRefusal::UnknownAccount => HostError::unknown_account(),
            CorrectionRefusal::AmountZero => {
                HostError::invalid("amount.minor_units must not be zero").with_code("correction-amount-zero")
            }
            CorrectionRefusal::KeyReused => HostError::key_reused("correction").with_code("correction-key-reused"),
        }
    }
}

impl HostError {
    /// Nobody has this account, or there cannot be one of this number.
    pub fn unknown_account() -> HostError {
        HostError::not_found("account").with_code("account-unknown")
    }
}

impl Host {
    /// Makes an account, or changes its party and contract. `rename`: other accounts of the same INN and KPP, or the same foreign tax
    /// number, get its name and kind too.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) where documents for accounting could not name it,
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) where the same number stands under another name; else the storage is
    /// unavailable.
    pub fn put_account(&self, account: Account, rename: bool) -> Result<(), HostError> {
        let account = Account {
            name: required_text("name", account.name, PARTY_CHARS_MAX)?,
            contract: optional_text("contract", account.contract, NAME_CHARS_MAX)?,
            inn: optional_text("inn", account.inn, NAME_CHARS_MAX)?,
            kpp: optional_text("kpp", account.kpp, NAME_CHARS_MAX)?,
            foreign_tax_number: optional_text("foreign_tax_number", account.foreign_tax_number, NAME_CHARS_MAX)?,
            ..account
        };
        let ledger = &self.0.ledger;
        let put = if rename { ledger.put_renamed_account(account) } else { ledger.put_account(account) };
        Ok(put??)
    }

    /// An account with what it has.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where nobody has it; else the storage is unavailable.
    pub fn account(&self, number: &AccountNumber) -> Result<AccountBalances, HostError> {
        self.0.ledger.account(number)?.ok_or_else(HostError::unknown_account)
    }

    /// An account with what it has; `None` where nobody has it.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn find_account(&self, number: &AccountNumber) -> Result<Option<AccountBalances>, HostError> {
        Ok(self.0.ledger.account(number)?)
    }

    /// Corrects an account's balance by hand, once for each key, and gives the entry's place in the ledger.
    ///
    /// # Errors
    /// There is no such account, the amount is zero, a text is missing or too long, the key was used for another correction, or the
    /// storage is unavailable.
    pub fn add_correction(&self, correction: Correction) -> Result<u64, HostError> {
        let correction = Correction {
            operator: required_text("operator", correction.operator, NAME_CHARS_MAX)?,
            comment: required_text("comment", correction.comment, TEXT_CHARS_MAX)?,
            ..correction
        };
        let (account, operator) = (correction.account.clone(), correction.operator.clone());
        let seq = self.0.ledger.correct(correction, self.now())??;
        tracing::info!(account = account.as_str(), operator, seq, "an operator corrected a balance");
        self.0.observer.entries_changed();
        Ok(seq)
    }

    /// The place of the entry that a correction's key made; `None` where it made none yet.
    ///
    /// # Errors
    /// The storage is unavailable.
    pub fn correction(&self, key: &str) -> Result<Option<u64>, HostError> {
        Ok(self.0.ledger.correction(key)?)
    }
}
