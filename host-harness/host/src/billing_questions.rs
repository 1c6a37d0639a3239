//! Asking billing: about the accounts of providers' questions, and before something is recorded. What billing answers is checked,
//! counted and logged here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use domain::{Account, AccountNumber, AccountQuery, AccountState, Event, NoAnswer};

use crate::billing::{AccountPurpose, AccountQuestion, NoAccountAnswer};
use crate::billing_answer::checked;
use crate::call_counts::{CallCount, CallEnd};
use crate::error::HostError;
use crate::host::Host;
use crate::observer::BillingAsked;

/// The value of an event that billing is told too: which of the merchant's services is paid for.
const SERVICE: &str = "service";

/// What billing says about an account; `None` if it has no such account.
pub(crate) type FoundAccount = Result<Option<AccountState>, NoAnswer>;

/// How billing was asked since the host's start.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BillingCalls {
    /// Where it is asked, if there is something to show.
    pub address: Option<String>,
    /// The questions. Answered are those whose answer could be used.
    pub count: CallCount,
}

type Then = Box<dyn FnOnce(Vec<FoundAccount>) + Send>;

/// The answers to several questions. Whoever answers the last one passes all of them on.
struct Answers {
    found: Mutex<Vec<FoundAccount>>,
    then: Mutex<Option<Then>>,
}

impl Answers {
    fn found(&self) -> MutexGuard<'_, Vec<FoundAccount>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that was dropped without an answer has none.
impl Drop for Answers {
    fn drop(&mut self) {
        let then = self.then.lock().unwrap_or_else(PoisonError::into_inner).take();
        let found = std::mem::take(&mut *self.found());
        if let Some(then) = then {
            then(found);
        }
    }
}

impl Host {
    /// Returns how billing was asked about accounts since the start. `None` if the ledger's own accounts are the answer.
    pub fn billing_calls(&self) -> Option<BillingCalls> {
        let billing = self.0.billing.as_ref()?;
        let count = self.0.billing_count.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(BillingCalls { address: billing.address(), count })
    }

    /// Asks billing about accounts, all side by side, and passes on its answers in the order of the questions. `then` is called on any
    /// thread, which it must not block for long.
    pub(crate) fn find(&self, questions: Vec<AccountQuestion>, then: impl FnOnce(Vec<FoundAccount>) + Send + 'static) {
        let found = Mutex::new(vec![Err(NoAnswer::Unavailable); questions.len()]);
        let answers = Arc::new(Answers { found, then: Mutex::new(Some(Box::new(then))) });
        let Some(billing) = &self.0.billing else { return };
        for (at, question) in questions.into_iter().enumerate() {
            let (host, asked, answers, started) = (self.clone(), question.clone(), answers.clone(), Instant::now());
            let answered = move |answer: Result<Option<AccountState>, NoAccountAnswer>| {
                let answer = answer.and_then(|state| state.map(|state| host_checked(&asked.query, state)).transpose());
                host.observe_answer(&asked, answer.as_ref().err(), started.elapsed());
                if let Some(found) = answers.found().get_mut(at) {
                    *found = answer.map_err(|_| NoAnswer::Unavailable);
                }
            };
            billing.find(question, Box::new(answered));
        }
    }

    /// Does the same, and waits for the answers.
    pub(crate) fn find_and_wait(&self, questions: Vec<AccountQuestion>) -> Vec<FoundAccount> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.find(questions, move |found| drop(sender.send(found)));
        receiver.recv().unwrap_or_default()
    }

    /// Returns what billing is asked about the account of a movement that is to be recorded.
    pub(crate) fn about_movement(event: &Event, account: AccountNumber) -> AccountQuestion {
        let extra = event.extra.iter().filter(|(name, _)| name == SERVICE).cloned().collect();
        let query = AccountQuery { number: account, amount: Some(event.facts.amount), extra };
        AccountQuestion { provider: event.provider.clone(), purpose: AccountPurpose::Payment, query }
    }

    /// Returns what billing is asked before facts are recorded: about the accounts of payments that the ledger lacks.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) fn about_facts(&self, events: &[Event]) -> Result<Vec<AccountQuestion>, ledger::Error> {
        // Most payments name an order, and need no look into the ledger.
        if self.0.billing.is_none() || events.iter().all(|event| event.facts.account.is_none()) {
            return Ok(Vec::new());
        }
        let unknown = self.0.ledger.unknown_payees(events)?;
        let question = |event: &Event| Some(Host::about_movement(event, event.facts.account.clone()?));
        Ok(unknown.into_iter().filter_map(question).collect())
    }

    /// Returns the accounts that billing has of those that facts name and the ledger lacks. The thread waits for billing.
    ///
    /// # Errors
    /// If billing or the ledger cannot answer: the facts are to be told again.
    pub(crate) fn accounts_of_facts(&self, events: &[Event]) -> Result<Vec<Account>, HostError> {
        let questions = self.about_facts(events)?;
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        accounts(self.find_and_wait(questions)).map_err(|_| no_billing())
    }

    fn observe_answer(&self, asked: &AccountQuestion, failure: Option<&NoAccountAnswer>, time: Duration) {
        let AccountQuestion { provider, purpose, query } = asked;
        let end = match failure {
            None => CallEnd::Answered,
            Some(NoAccountAnswer { reason, is_sent }) => {
                let (provider, account, purpose) = (provider.as_str(), query.number.as_str(), purpose.name());
                tracing::warn!(provider, account, purpose, reason, "billing gave no answer about an account that can be used");
                if *is_sent { CallEnd::Unknown(reason) } else { CallEnd::NotSent(reason) }
            }
        };
        let result = end.name();
        self.0.billing_count.lock().unwrap_or_else(PoisonError::into_inner).add(end, time, self.now());
        self.0.observer.billing_asked(&BillingAsked { purpose: purpose.name(), result, time });
    }
}

fn host_checked(query: &AccountQuery, state: AccountState) -> Result<AccountState, NoAccountAnswer> {
    checked(query, state).map_err(|reason| NoAccountAnswer { reason: format!("in billing's answer, {reason}"), is_sent: true })
}

/// Returns the accounts that billing has, as the ledger is to have them.
///
/// # Errors
/// If billing did not answer one of the questions.
pub(crate) fn accounts(found: Vec<FoundAccount>) -> Result<Vec<Account>, NoAnswer> {
    let account = |found: FoundAccount| found.map(|state| state.as_ref().map(account_of)).transpose();
    found.into_iter().filter_map(account).collect()
}

/// Returns an account of billing as the ledger is to have it: its holder's name, until somebody enters another one.
pub(crate) fn account_of(state: &AccountState) -> Account {
    ledger::individual(state.number.clone(), &state.holder)
}

/// The error where billing does not answer.
pub(crate) fn no_billing() -> HostError {
    HostError::unavailable("billing cannot be asked about the account now; retry")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    /// Answers to so many questions, and what is passed on of them.
    fn answers(count: usize) -> (Arc<Answers>, mpsc::Receiver<Vec<FoundAccount>>) {
        let (sender, receiver) = mpsc::channel();
        let found = Mutex::new(vec![Err(NoAnswer::Unavailable); count]);
        let then: Box<dyn FnOnce(Vec<FoundAccount>) + Send> = Box::new(move |found| sender.send(found).unwrap());
        (Arc::new(Answers { found, then: Mutex::new(Some(then)) }), receiver)
    }

    #[test]
    fn answers_are_passed_on_once_when_the_last_is_there() {
        let (answers, passed_on) = answers(2);
        let (first, second) = (answers.clone(), answers);
        second.found()[1] = Ok(None);
        drop(second);
        assert!(passed_on.try_recv().is_err());
        first.found()[0] = Ok(None);
        drop(first);
        assert_eq!(passed_on.recv().unwrap(), [Ok(None), Ok(None)]);
        assert!(passed_on.recv().is_err());
    }

    #[test]
    fn question_that_is_dropped_has_no_answer() {
        let (answers, passed_on) = answers(1);
        drop(answers);
        assert_eq!(passed_on.recv().unwrap(), [Err(NoAnswer::Unavailable)]);
    }

    #[test]
    fn accounts_need_every_answer() {
        assert_eq!(accounts(vec![Ok(None), Ok(None)]), Ok(Vec::new()));
        assert_eq!(accounts(vec![Ok(None), Err(NoAnswer::Unavailable)]), Err(NoAnswer::Unavailable));
    }
}
