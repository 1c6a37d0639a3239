//! Operators: their names, passwords and known addresses.

use std::net::IpAddr;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher};
use argon2::{Algorithm, Argon2, Block, Params, RECOMMENDED_SALT_LEN, Version};
use ledger::Ledger;
use subtle::ConstantTimeEq;
use zxcvbn::Score;

use crate::error::HostError;
use crate::host::Host;

/// The minimum and maximum length of a password. The maximum is in bytes, since hashing takes time by the whole length.
const PASSWORD_CHARS_MIN: usize = 10;
const PASSWORD_BYTES_MAX: usize = 1024;
const NAME_CHARS_MAX: usize = 64;
/// The minimum strength of a password, on zxcvbn's scale of 0 to 4: an attacker who knows how people choose passwords needs
/// more than 10⁸ guesses.
const PASSWORD_SCORE_MIN: Score = Score::Three;
/// How many characters of a password are scored. A longer one is strong enough, and scoring takes time quadratic in the length.
const PASSWORD_CHARS_SCORED: usize = 100;
/// How many addresses of an operator's logins are remembered.
const KNOWN_ADDRESSES_MAX: usize = 16;

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The name is invalid.
    #[error("an operator's name has 1 to {NAME_CHARS_MAX} Latin letters, digits, dots, hyphens or underscores")]
    Name,
    /// Another operator's name differs only in case.
    #[error("there is an operator {0}: choose a name that nobody takes for that one")]
    Alike(String),
    /// There is no operator with this name.
    #[error("there is no operator {0}; `host-harness operator --list` shows who there is")]
    Unknown(String),
    /// The password is too short or too long.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters, and at most {PASSWORD_BYTES_MAX} bytes")]
    Password,
    /// The password is easy to guess.
    #[error("the password is easy to guess: {0}; several words that do not belong together make a good one")]
    Guessable(String),
    /// It cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// It cannot be stored.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

const DOCUMENTS: &str = "operator/";

fn document(name: &str) -> String {
    format!("{DOCUMENTS}{name}")
}

/// Returns the name of the document with the addresses that an operator logged in from.
fn known_addresses_document(name: &str) -> String {
    format!("operator-addresses/{name}")
}

/// Reports whether a name is valid for an existing operator. Older names may have letters of any script.
fn is_name(name: &str) -> bool {
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
    (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && name.chars().all(is_plain)
}

/// Checks that a name is valid for a new operator, and cannot be mistaken for another one's, such as `аnna` with a Cyrillic
/// letter or `Anna` for `anna`.
fn check_new_name(ledger: &Ledger, name: &str) -> Result<(), OperatorError> {
    if !is_name(name) || !name.is_ascii() {
        return Err(OperatorError::Name);
    }
    let alike = list(ledger)?.into_iter().find(|other| other.eq_ignore_ascii_case(name));
    alike.map_or(Ok(()), |other| Err(OperatorError::Alike(other)))
}

/// Checks whether a password can be an operator's.
///
/// # Errors
/// If it is too short, too long, or known to everybody.
pub fn check_password(name: &str, password: &str) -> Result<(), OperatorError> {
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        return Err(OperatorError::Password);
    }
    let typed: String = password.chars().take(PASSWORD_CHARS_SCORED).collect();
    // A word typed in the other keyboard layout is in no dictionary, but its keys are those of a common password: «йцукен» is
    // qwerty.
    let keys: String = typed.to_lowercase().chars().map(latin_key).collect();
    let entropies = [typed, keys].map(|text| zxcvbn::zxcvbn(&text, &[name]));
    let Some(entropy) = entropies.iter().find(|entropy| entropy.score() < PASSWORD_SCORE_MIN) else { return Ok(()) };
    let warning = entropy.feedback().and_then(|feedback| feedback.warning()).map(|warning| warning.to_string());
    Err(OperatorError::Guessable(warning.unwrap_or_else(|| "it is too simple".to_owned())))
}

/// Returns the character that a key of a Russian keyboard types in the Latin layout.
fn latin_key(char: char) -> char {
    const RUSSIAN: &str = "йцукенгшщзхъфывапролджэячсмитьбю";
    const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.";
    let mut keys = RUSSIAN.chars().zip(LATIN.chars());
    keys.find(|(russian, _)| *russian == char).map_or(char, |(_, latin)| latin)
}

/// Returns the names of the operators who may log in, sorted.
///
/// # Errors
/// If the storage is unavailable.
pub fn list(ledger: &Ledger) -> Result<Vec<String>, OperatorError> {
    let names = ledger.document_names(DOCUMENTS)?;
    Ok(names.into_iter().filter_map(|name| name.strip_prefix(DOCUMENTS).map(str::to_owned)).collect())
}

/// Sets an operator's password. Creates the operator if there is none of this name.
///
/// # Errors
/// If the name or the password is invalid, or cannot be stored.
pub fn set_password(ledger: &Ledger, name: &str, password: &str) -> Result<(), OperatorError> {
    if !exists(ledger, name)? {
        check_new_name(ledger, name)?;
    }
    check_password(name, password)?;
    let hash = hash(password).map_err(OperatorError::Hash)?;
    ledger.put_document(document(name), hash.into_bytes())?;
    Ok(())
}

/// Removes an operator: nobody can log in with the name, and its sessions end.
///
/// # Errors
/// If there is no such operator, or the storage is unavailable.
pub fn remove(ledger: &Ledger, name: &str) -> Result<(), OperatorError> {
    if !exists(ledger, name)? {
        return Err(OperatorError::Unknown(name.to_owned()));
    }
    ledger.put_document(known_addresses_document(name), Vec::new())?;
    Ok(ledger.put_document(document(name), Vec::new())?)
}

fn exists(ledger: &Ledger, name: &str) -> Result<bool, ledger::Error> {
    Ok(ledger.document(&document(name))?.is_some_and(|kept| !kept.is_empty()))
}

/// Returns the networks that an operator logged in from, the latest first; empty if there is no such operator.
fn known_addresses(ledger: &Ledger, name: &str) -> Result<Vec<IpAddr>, ledger::Error> {
    let kept = if is_name(name) { ledger.document(&known_addresses_document(name))? } else { None };
    let kept = kept.and_then(|kept| String::from_utf8(kept).ok()).unwrap_or_default();
    Ok(kept.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Remembers that an operator logged in from a network.
fn remember_address(ledger: &Ledger, name: &str, network: IpAddr) -> Result<(), ledger::Error> {
    let mut known = known_addresses(ledger, name)?;
    if known.first() == Some(&network) {
        return Ok(());
    }
    known.retain(|other| *other != network);
    known.insert(0, network);
    let lines: Vec<String> = known.iter().take(KNOWN_ADDRESSES_MAX).map(IpAddr::to_string).collect();
    ledger.put_document(known_addresses_document(name), lines.join("\n").into_bytes())
}

fn hash(password: &str) -> Result<String, String> {
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(|error| error.to_string())?.to_string())
}

/// Returns the stored hash of an operator's password, or `None` if there is no such operator.
fn stored_hash(ledger: &Ledger, name: &str) -> Result<Option<String>, HostError> {
    let kept = if is_name(name) { ledger.document(&document(name))? } else { None };
    Ok(kept.and_then(|kept| String::from_utf8(kept).ok()).filter(|kept| !kept.is_empty()))
}

/// The working memory of a password hash, reused for the next one.
pub type Memory = Vec<Block>;

/// Reports whether a password matches a stored hash. It takes the same time without a hash.
pub fn verify_password(kept: Option<&str>, password: &str, memory: &mut Memory) -> Result<bool, HostError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Ok(false);
    }
    let hashed = match kept {
        Some(kept) => is_hash_of(kept, password, memory),
        None => hash_into(&Argon2::default(), password, &[0; RECOMMENDED_SALT_LEN], Params::DEFAULT_OUTPUT_LEN, memory)
            .map(|_| false),
    };
    hashed.map_err(|error| HostError::internal(error.to_string()))
}

fn is_hash_of(kept: &str, password: &str, memory: &mut Memory) -> password_hash::Result<bool> {
    let kept = PasswordHash::new(kept)?;
    let (Some(salt), Some(hash), Some(version)) = (&kept.salt, &kept.hash, kept.version) else {
        return Err(password_hash::Error::EncodingInvalid);
    };
    let algorithm = Algorithm::try_from(kept.algorithm.as_str())?;
    let argon2 = Argon2::new(algorithm, Version::try_from(version)?, Params::try_from(&kept)?);
    let made = hash_into(&argon2, password, salt, hash.len(), memory)?;
    Ok(made.ct_eq(hash.as_bytes()).into())
}

fn hash_into(
    argon2: &Argon2,
    password: &str,
    salt: &[u8],
    length: usize,
    memory: &mut Memory,
) -> password_hash::Result<Vec<u8>> {
    memory.resize(argon2.params().block_count(), Block::new());
    let mut hash = vec![0; length];
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, memory)?;
    Ok(hash)
}

impl Host {
    /// Returns the stored hash of an operator's password, or `None` if there is no such operator. It changes with the password.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn stored_password_hash(&self, operator: &str) -> Result<Option<String>, HostError> {
        stored_hash(&self.0.ledger, operator)
    }

    /// Returns the networks that an operator logged in from, the latest first.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn known_addresses(&self, operator: &str) -> Result<Vec<IpAddr>, HostError> {
        Ok(known_addresses(&self.0.ledger, operator)?)
    }

    /// Remembers that an operator logged in from a network.
    ///
    /// # Errors
    /// If the storage is unavailable.
    pub fn remember_address(&self, operator: &str, network: IpAddr) -> Result<(), HostError> {
        Ok(remember_address(&self.0.ledger, operator, network)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_guessed_soon_is_refused() {
        for weak in
            ["aaaaaaaaaa", "1234567890", "qwertyuiop", "password12", "annaannaanna", "01.02.1990", "йцукенгшщз", "пароль1234"]
        {
            let refused = check_password("anna", weak).unwrap_err();
            assert!(matches!(refused, OperatorError::Guessable(_)) && !refused.to_string().contains(weak), "{weak}: {refused}");
        }
        let long: String = (1_u64..120).map(|number| (number * number * 7919).to_string()).collect();
        for good in ["correct horse battery", "гроза жираф подшипник", "k7#Fq!2mZp", "quiet lantern orbit", &long]
        {
            assert!(check_password("anna", good).is_ok(), "{good}");
        }
        assert!(matches!(check_password("anna", "short"), Err(OperatorError::Password)));
        assert!(matches!(check_password("anna", &"x".repeat(1025)), Err(OperatorError::Password)));
    }
}
