//! Accounts, and the corrections that operators make by hand.

use domain::{Account, AccountNumber, AccountRefusal, Balance, Correction, CorrectionRefusal};

use crate::error::HostError;
use crate::error_code::ErrorCode;
use crate::host::Host;
use crate::text::{NAME_CHARS_MAX, TEXT_CHARS_MAX, known_currency, operator_name, optional_text, required_text};

const PARTY_CHARS_MAX: usize = 250;

/// An account with its balance in each currency.
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
                HostError::invalid("amount.minor_units must not be zero").with_code(ErrorCode::CorrectionAmountZero)
            }
            CorrectionRefusal::KeyReused => HostError::key_reused("correction").with_code(ErrorCode::CorrectionKeyReused),
        }
    }
}

impl HostError {
    /// The account does not exist, or its number is invalid.
    pub fn unknown_account() -> HostError {
        HostError::not_found("account").with_code(ErrorCode::AccountUnknown)
    }
}

impl Host {
    /// Creates an account, or changes its party and contract. With `rename`, the other accounts with the same INN and KPP, or
    /// the same foreign tax number, get its name and kind too.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if accounting documents could not name the account,
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if another account has the same tax number under another name; else
    /// the storage is unavailable.
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

    /// Returns an account with its balances.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such account; else the storage is unavailable.
    pub fn account(&self, number: &AccountNumber) -> Result<AccountBalances, HostError> {
        self.0.ledger.account(number)?.ok_or_else(HostError::unknown_account)
    }

    /// Returns an account with its balances, or `None` if there is no such account.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn find_account(&self, number: &AccountNumber) -> Result<Option<AccountBalances>, HostError> {
        Ok(self.0.ledger.account(number)?)
    }

    /// Corrects an account's balance by hand, once for each key. Returns the entry's sequence number.
    ///
    /// # Errors
    /// If there is no such account, the amount is zero, ISO 4217 does not list its currency, a text is missing or too long, the
    /// key was used for another correction, or the storage is unavailable.
    pub fn add_correction(&self, correction: Correction) -> Result<u64, HostError> {
        known_currency("amount.currency", correction.amount.currency)?;
        let correction = Correction {
            operator: operator_name(correction.operator)?,
            comment: required_text("comment", correction.comment, TEXT_CHARS_MAX)?,
            ..correction
        };
        let (account, operator) = (correction.account.clone(), correction.operator.clone());
        let seq = self.0.ledger.correct(correction, self.now())??;
        tracing::info!(account = account.as_str(), operator, seq, "an operator corrected a balance");
        self.0.observer.entries_changed();
        Ok(seq)
    }

    /// Returns the sequence number of the entry that a correction's key created, or `None` if the key was not used yet.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn correction(&self, key: &str) -> Result<Option<u64>, HostError> {
        Ok(self.0.ledger.correction(key)?)
    }
}
