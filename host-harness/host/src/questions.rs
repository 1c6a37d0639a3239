//! Answers to what providers ask: about accounts by billing or the ledger's own, about orders and movements by the ledger.

use domain::{
    Account, AccountQuery, AccountState, Context, EventOutcome, Exchange, LedgerAnswer, LedgerQuestion, NoAnswer, Outcome,
    PartyKind, Question,
};
use ledger::Recorded;

use crate::billing::{AccountPurpose, AccountQuestion};
use crate::billing_questions::FoundAccount;
use crate::disagreement::disagreement;
use crate::host::Host;
use crate::slot::ProviderSlot;

impl Host {
    /// Answers a provider's questions, in their order. If billing is asked, the thread waits for it.
    pub(crate) fn answer(&self, slot: &ProviderSlot, questions: Vec<Question>, now: u64) -> Vec<Exchange> {
        let found = self.asks_billing(&questions).then(|| self.find_and_wait(checks(slot, &questions)));
        self.answer_with(slot, questions, found, now)
    }

    /// Reports whether billing is asked to answer a provider's questions.
    pub(crate) fn asks_billing(&self, questions: &[Question]) -> bool {
        self.0.billing.is_some() && questions.iter().any(|question| matches!(question, Question::Account(_)))
    }

    /// Answers a provider's questions, in their order: those about accounts with what billing found, or else by the ledger's accounts.
    /// Those about the ledger are answered from one moment, which is after billing's, so that little changes before events are
    /// recorded.
    pub(crate) fn answer_with(
        &self,
        slot: &ProviderSlot,
        questions: Vec<Question>,
        found: Option<Vec<FoundAccount>>,
        now: u64,
    ) -> Vec<Exchange> {
        let of_ledger: Vec<LedgerQuestion> = questions.iter().filter_map(Question::of_ledger).cloned().collect();
        let answers = if of_ledger.is_empty() { Ok(Vec::new()) } else { self.0.ledger.answers(&slot.name, &of_ledger, now) };
        let mut answers = answers.map(Vec::into_iter).inspect_err(|error| {
            tracing::error!(provider = slot.name.as_str(), %error, "the ledger cannot answer a provider's question");
        });
        let mut next = || answers.as_mut().ok().and_then(Iterator::next).ok_or(NoAnswer::Unavailable);
        let mut found = found.map(Vec::into_iter);
        let exchange = |question| match question {
            Question::Ledger(question) => Exchange::Ledger(question, next()),
            Question::Account(query) => {
                let state = match &mut found {
                    Some(found) => found.next().unwrap_or(Err(NoAnswer::Unavailable)),
                    None => self.account_state(slot, &query),
                };
                let state = state.and_then(|state| self.with_operator_refusal(slot, &query, state));
                Exchange::Account(query, state)
            }
            Question::Other(name, values) => Exchange::Other(name, values, NoAnswer::Unsupported),
        };
        questions.into_iter().map(exchange).collect()
    }

    /// Adds why the operator does not let an account be paid, if nothing else speaks against it.
    fn with_operator_refusal(
        &self,
        slot: &ProviderSlot,
        query: &AccountQuery,
        state: Option<AccountState>,
    ) -> Result<Option<AccountState>, NoAnswer> {
        let refused = |state: AccountState| match state.refusal {
            Some(_) => Ok(state),
            None => {
                let refusal = self.operator_refusal(slot, query.amount).map_err(|_| NoAnswer::Unavailable)?;
                Ok(AccountState { refusal: refusal.map(disagreement), ..state })
            }
        };
        state.map(refused).transpose()
    }

    fn account_state(&self, slot: &ProviderSlot, query: &AccountQuery) -> Result<Option<AccountState>, NoAnswer> {
        let found = self.0.ledger.account(&query.number).map_err(|error| {
            tracing::error!(provider = slot.name.as_str(), %error, "the ledger cannot answer a provider's question");
            NoAnswer::Unavailable
        })?;
        let Some((account, balances)) = found else { return Ok(None) };
        let currency = slot.component().currency().ok();
        let balance = balances.into_iter().find(|balance| Some(balance.currency) == currency);
        Ok(Some(AccountState {
            holder: masked_holder(&account),
            number: account.number,
            refusal: None,
            address: String::new(),
            balance,
            due: None,
            extra: Vec::new(),
        }))
    }
}

/// Returns what billing is asked about the accounts of a provider's questions, in their order.
pub fn checks(slot: &ProviderSlot, questions: &[Question]) -> Vec<AccountQuestion> {
    let check = |question: &Question| match question {
        Question::Account(query) => {
            Some(AccountQuestion { provider: slot.name.clone(), purpose: AccountPurpose::Check, query: query.clone() })
        }
        Question::Ledger(_) | Question::Other(..) => None,
    };
    questions.iter().filter_map(check).collect()
}

/// Returns an account's holder as anybody who enters the account's number may see it: of a person, the family name and the
/// initials.
fn masked_holder(account: &Account) -> String {
    if account.kind == PartyKind::Company {
        return account.name.clone();
    }
    let mut words = account.name.split_whitespace();
    let family = words.next().unwrap_or_default().to_owned();
    let initials = words.filter_map(|word| word.chars().next()).map(|initial| format!(" {initial}."));
    initials.fold(family, |holder, initial| holder + &initial)
}

/// Returns what a provider was told about the ledger, to be compared when its events are recorded.
pub fn told_of_ledger(context: &Context) -> Vec<(LedgerQuestion, LedgerAnswer)> {
    let told = |exchange: &Exchange| match exchange {
        Exchange::Ledger(question, Ok(answer)) => Some((question.clone(), answer.clone())),
        _ => None,
    };
    context.asked.iter().filter_map(told).collect()
}

/// Returns what a provider is told of an event. `None` if the ledger did not return its movement.
pub fn told_of(Recorded { outcome, movement }: Recorded) -> Option<EventOutcome> {
    Some(match outcome {
        Outcome::Refused(refusal) => EventOutcome::Refused(disagreement(refusal)),
        Outcome::Recorded { repeated: false, .. } | Outcome::NoMovement { repeated: false } => EventOutcome::Entered(movement?),
        Outcome::Unmatched { repeated: false, .. } => EventOutcome::Kept(movement?),
        Outcome::Recorded { .. } | Outcome::Unmatched { .. } | Outcome::NoMovement { .. } => EventOutcome::Repeated(movement?),
        Outcome::Contradiction { .. } => EventOutcome::Conflict(movement?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_shown_by_initials() {
        let holder = |name: &str, kind| masked_holder(&Account::new("1".parse().unwrap(), name.to_owned(), kind));
        assert_eq!(holder("Иванов Иван Иванович", PartyKind::Individual), "Иванов И. И.");
        assert_eq!(holder("Иванов И. И.", PartyKind::Individual), "Иванов И. И.");
        assert_eq!(holder("Иванов", PartyKind::SoleProprietor), "Иванов");
        assert_eq!(holder("", PartyKind::Individual), "");
        assert_eq!(holder("ООО «Ромашка Плюс»", PartyKind::Company), "ООО «Ромашка Плюс»");
    }
}
