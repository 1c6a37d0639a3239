//! Where a callback waits for billing: the questions of its provider about accounts, the agreement to what is wanted, and accounts that
//! the ledger lacks.

use domain::{
    Account, AccountState, Event, EventKind, EventOutcome, HttpReply, Outcome, Problem, ProvedEvent, Question, WishRefusal,
};
use ledger::Reported;

use super::Callback;
use crate::billing_answer::refusal_of;
use crate::billing_questions::{FoundAccount, account_of, accounts, no_billing};
use crate::callback_result::{Answered, Judged};
use crate::disagreement::disagreement;
use crate::error::HostError;
use crate::host::Host;
use crate::questions::checks;

impl Callback {
    /// Asks billing about the accounts of a provider's questions, and goes on with all answers.
    pub(super) fn ask_billing(self, questions: Vec<Question>) {
        let (host, asked) = (self.host.clone(), checks(&self.slot, &questions));
        host.find(asked, move |found| {
            self.later(move |mut callback| {
                let Callback { host, slot, context, .. } = &callback;
                let answers = host.answer_with(slot, questions, Some(found), context.now);
                callback.context.asked.extend(answers);
                callback.advance();
            });
        });
    }

    /// Has the ledger record what happened. Where it lacks an account, billing is asked for it first; that billing would refuse
    /// the payment does not matter any more.
    pub(super) fn happened(self, proved: Vec<ProvedEvent>, reply: Option<HttpReply>) {
        let events: Vec<Event> = proved.iter().map(|event| self.event(event)).collect();
        let questions = match self.host.about_facts(&events) {
            Ok(questions) => questions,
            Err(error) => return self.not_recorded(events.len(), "not-stored", error.into(), reply.is_some()),
        };
        if questions.is_empty() {
            return self.record(&proved, Reported::Facts(events), Vec::new(), reply);
        }
        let host = self.host.clone();
        host.find(questions, move |found| {
            self.later(move |callback| match accounts(found) {
                Ok(accounts) => callback.record(&proved, Reported::Facts(events), accounts, reply),
                Err(_) => callback.not_recorded(events.len(), "unavailable", no_billing().of_callback(), reply.is_some()),
            });
        });
    }

    /// Has the ledger record what is wanted, once billing agrees. A repetition gets what the first came to, whatever billing would say
    /// now.
    pub(super) fn wanted(self, proved: ProvedEvent, reply: Option<HttpReply>) {
        let event = self.event(&proved);
        let takes_money = matches!(event.facts.kind, EventKind::Payment | EventKind::Hold);
        let is_of_account = takes_money && event.facts.account.is_some();
        let refusal = match is_of_account.then(|| self.host.operator_refusal(&self.slot, Some(event.facts.amount))).transpose()
        {
            Ok(refusal) => refusal.flatten(),
            Err(error) => return self.not_recorded(1, "not-stored", error, reply.is_some()),
        };
        let is_asked = takes_money && (self.host.0.billing.is_some() || refusal.is_some());
        if !is_asked {
            return self.record(&[proved], Reported::Wish(event), Vec::new(), reply);
        }
        // Nobody would hear the answer, and the same wish behind this one would wait for billing once more. It comes again if it is due.
        if self.is_caller_gone() {
            self.host.0.observer.callback_processed(&self.slot.name, "unavailable");
            let why = "the caller hung up before billing was asked about the account";
            return self.end(Err(HostError::unavailable(why).of_callback()));
        }
        let wishes = self.slot.wishes.clone();
        let leased = wishes.lease(&event.dedup_key, (self, proved, reply), |(callback, proved, reply)| {
            Box::new(move || callback.later(move |callback| callback.wanted(proved, reply)))
        });
        let Some(((mut callback, proved, reply), lease)) = leased else { return };
        callback.wish = Some(lease);
        match callback.host.0.ledger.account_of_wish(&event) {
            // A repetition of what was entered is none of the operator's business any more.
            Ok(Some(_)) if let Some(refusal) = refusal => callback.disagreed(event, refusal, disagreement(refusal), reply),
            Ok(Some(account)) => {
                let (host, question) = (callback.host.clone(), Host::about_movement(&event, account));
                host.find(vec![question], move |found| {
                    callback.later(move |callback| callback.decide(proved, event, found.into_iter().next(), reply));
                });
            }
            // The ledger has the answer by itself: a repetition, or an order that it does not know.
            Ok(None) => callback.record(&[proved], Reported::Wish(event), Vec::new(), reply),
            Err(error) => callback.not_recorded(1, "not-stored", error.into(), reply.is_some()),
        }
    }

    /// Reports whether nobody waits for the reply any more.
    fn is_caller_gone(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.strong_count() == 0)
    }

    /// Goes on with a wish by what billing says about its account.
    fn decide(self, proved: ProvedEvent, event: Event, found: Option<FoundAccount>, reply: Option<HttpReply>) {
        match found {
            Some(Ok(Some(state))) => match agreed(&state) {
                Ok(account) => self.record(&[proved], Reported::Wish(event), vec![account], reply),
                Err((refusal, problem)) => self.disagreed(event, refusal, problem, reply),
            },
            Some(Ok(None)) => {
                let refusal = WishRefusal::UnknownAccount;
                self.disagreed(event, refusal, disagreement(refusal), reply);
            }
            Some(Err(_)) | None => self.not_recorded(1, "unavailable", no_billing().of_callback(), reply.is_some()),
        }
    }

    /// Ends with what billing refuses. Nothing of it is stored.
    fn disagreed(self, event: Event, refusal: WishRefusal, problem: Problem, reply: Option<HttpReply>) {
        let result = Judged::Recorded(vec![(event, Outcome::Refused(refusal))]);
        match reply {
            Some(reply) => self.end(Ok(Answered { reply, result, problem: None })),
            None => self.reply(vec![EventOutcome::Refused(problem)], result),
        }
    }
}

/// Returns the account to credit, or why billing does not agree.
fn agreed(state: &AccountState) -> Result<Account, (WishRefusal, Problem)> {
    match &state.refusal {
        None => Ok(account_of(state)),
        // Its code was checked when the answer came.
        Some(problem) => Err((refusal_of(problem).unwrap_or(WishRefusal::Forbidden), problem.clone())),
    }
}
