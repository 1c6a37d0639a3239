//! What billing may answer about an account: what a component can be given, and a payer can be shown.

use domain::{AccountQuery, AccountState, Fields, Money, Problem, WishRefusal, is_contract_text};

use crate::disagreement::disagreement;
use crate::text::{TEXT_CHARS_MAX, known_currency};

/// The longest holder and address, in characters: a terminal shows a line or two.
const SHOWN_CHARS_MAX: usize = 250;
/// The longest message of a refusal, by the contract.
const MESSAGE_CHARS_MAX: usize = 500;
/// How many languages a refusal's message has besides English. Pages and payment systems here have Russian.
const TRANSLATIONS_MAX: usize = 4;
/// How many other values there are. No name is defined yet.
const EXTRA_MAX: usize = 8;
/// The longest name of such a value, and the longest tag of a language.
const NAME_CHARS_MAX: usize = 64;
/// Why billing may refuse a payment of an account that it has.
const REFUSALS: [WishRefusal; 5] = [
    WishRefusal::AccountInactive,
    WishRefusal::AmountOutOfRange,
    WishRefusal::AmountTooSmall,
    WishRefusal::AmountTooLarge,
    WishRefusal::Forbidden,
];

/// Checks an answer about an account, and completes a refusal without a message.
///
/// # Errors
/// What is wrong, and what billing must answer.
pub fn checked(query: &AccountQuery, state: AccountState) -> Result<AccountState, String> {
    let AccountState { number, refusal, holder, address, balance, due, extra } = &state;
    if *number != query.number {
        return Err(
            "`number` is not the account that was asked about; answer about that one, or null if there is none".to_owned()
        );
    }
    for (name, text) in [("holder", holder), ("address", address)] {
        if !is_contract_text(text, 0, SHOWN_CHARS_MAX) {
            return Err(format!("`{name}` is not one line of at most {SHOWN_CHARS_MAX} characters"));
        }
    }
    for (name, amount) in [("balance", balance), ("due", due)] {
        amount.map_or(Ok(()), |amount| check_amount(name, amount))?;
    }
    if !are_fields(extra, EXTRA_MAX, TEXT_CHARS_MAX) {
        return Err(format!(
            "`extra` is not at most {EXTRA_MAX} names such as `tariff-plan`, each once, of texts of at most {TEXT_CHARS_MAX} characters"
        ));
    }
    let refusal = refusal.clone().map(checked_refusal).transpose()?;
    Ok(AccountState { refusal, ..state })
}

/// Returns what a refusal of billing is for the ledger. `None` if its code is not one of billing's.
pub fn refusal_of(problem: &Problem) -> Option<WishRefusal> {
    WishRefusal::from_name(&problem.code).filter(|refusal| REFUSALS.contains(refusal))
}

fn checked_refusal(problem: Problem) -> Result<Problem, String> {
    let Some(refusal) = refusal_of(&problem) else {
        return Err(format!("`refusal.code` is not one of {}", REFUSALS.map(WishRefusal::name).join(", ")));
    };
    if !is_contract_text(&problem.message, 0, MESSAGE_CHARS_MAX)
        || !are_fields(&problem.translations, TRANSLATIONS_MAX, MESSAGE_CHARS_MAX)
    {
        return Err(format!(
            "`refusal` has a message that is not one line of at most {MESSAGE_CHARS_MAX} characters, or more than \
             {TRANSLATIONS_MAX} translations by tags such as `ru`"
        ));
    }
    let usual = disagreement(refusal);
    let is_silent = problem.message.is_empty();
    let translations = if is_silent && problem.translations.is_empty() { usual.translations } else { problem.translations };
    let message = if is_silent { usual.message } else { problem.message };
    Ok(Problem { translations, ..Problem::new(refusal.name(), message) })
}

fn check_amount(name: &str, amount: Money) -> Result<(), String> {
    if amount.minor_units.unsigned_abs() > money::AMOUNT_MAX.unsigned_abs() {
        return Err(format!("`{name}.minor_units` exceeds the maximum of {}", money::AMOUNT_MAX));
    }
    known_currency(&format!("`{name}.currency`"), amount.currency).map(drop).map_err(|error| error.message)
}

/// Reports whether named values are at most so many, with names in kebab-case, each once, and texts of at most so many characters.
fn are_fields(fields: &Fields, count_max: usize, chars_max: usize) -> bool {
    let is_new = |at: usize, name: &str| fields.iter().take(at).all(|(other, _)| other != name);
    fields.len() <= count_max
        && fields
            .iter()
            .enumerate()
            .all(|(at, (name, text))| is_name(name) && is_new(at, name) && is_contract_text(text, 0, chars_max))
}

fn is_name(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= NAME_CHARS_MAX && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(is_word)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use domain::Currency;

    use super::*;

    fn query() -> AccountQuery {
        AccountQuery { number: "100500".parse().unwrap(), amount: None, extra: Vec::new() }
    }

    fn state() -> AccountState {
        AccountState {
            number: "100500".parse().unwrap(),
            refusal: None,
            holder: "Иванов И. И.".to_owned(),
            address: "Москва".to_owned(),
            balance: Some(Money { minor_units: -5_005, currency: Currency::RUB }),
            due: None,
            extra: vec![("tariff-plan".to_owned(), "100".to_owned())],
        }
    }

    fn refused(code: &str, message: &str) -> AccountState {
        AccountState { refusal: Some(Problem::new(code, message)), ..state() }
    }

    #[test]
    fn answer_that_fits_is_passed_on() {
        assert_eq!(checked(&query(), state()), Ok(state()));
        for code in ["account-inactive", "amount-out-of-range", "amount-too-small", "amount-too-large", "forbidden"] {
            let answer = refused(code, "The contract has ended.");
            assert_eq!(checked(&query(), answer.clone()), Ok(answer), "{code}");
        }
    }

    #[test]
    fn refusal_without_a_message_has_the_usual_one() {
        let refusal = checked(&query(), refused("account-inactive", "")).unwrap().refusal.unwrap();
        assert_eq!(refusal, disagreement(WishRefusal::AccountInactive));
        let translations = vec![("ru".to_owned(), "Договор расторгнут.".to_owned())];
        let own = Problem { translations, ..Problem::new("account-inactive", "") };
        let refusal = checked(&query(), AccountState { refusal: Some(own), ..state() }).unwrap().refusal.unwrap();
        assert_eq!(refusal.message_in("ru"), "Договор расторгнут.");
        assert_eq!(refusal.message_in("en"), "The account takes no payments.");
    }

    #[test]
    fn answer_that_does_not_fit_is_none() {
        let amount = |minor_units, code| Some(Money { minor_units, currency: Currency::parse(code).unwrap() });
        let fields = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), String::new())).collect::<Fields>();
        let nine = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        for (answer, words) in [
            (AccountState { number: "100501".parse().unwrap(), ..state() }, "is not the account that was asked about"),
            (AccountState { holder: "И".repeat(251), ..state() }, "`holder` is not one line"),
            (AccountState { address: "a\nb".to_owned(), ..state() }, "`address` is not one line"),
            (AccountState { balance: amount(1, "XXY"), ..state() }, "`balance.currency` must be a code of ISO 4217"),
            (AccountState { due: amount(1, "RUR"), ..state() }, "`due.currency` must not be RUR"),
            (AccountState { due: amount(i64::MIN, "RUB"), ..state() }, "`due.minor_units` exceeds the maximum"),
            (AccountState { extra: fields(&["Tariff"]), ..state() }, "`extra` is not"),
            (AccountState { extra: fields(&["a", "a"]), ..state() }, "`extra` is not"),
            (AccountState { extra: fields(&nine), ..state() }, "`extra` is not"),
            (
                refused("unknown-account", ""),
                "`refusal.code` is not one of account-inactive, amount-out-of-range, amount-too-small, amount-too-large, forbidden",
            ),
            (refused("closed", ""), "`refusal.code` is not one of"),
            (refused("forbidden", &"a".repeat(501)), "`refusal` has a message"),
        ] {
            let wrong = checked(&query(), answer).unwrap_err();
            assert!(wrong.contains(words), "{wrong}");
        }
    }
}
