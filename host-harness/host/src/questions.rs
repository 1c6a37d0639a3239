//! Answers to what providers ask: about accounts by billing's data, about orders and movements by the ledger.

use domain::{
    Account, AccountQuery, AccountState, Context, Exchange, LedgerAnswer, LedgerQuestion, NoAnswer, PartyKind, Problem,
    Question, WishRefusal,
};

use crate::host::Host;
use crate::slot::ProviderSlot;

impl Host {
    /// Answers a provider's questions, in their order. Those about the ledger are answered from one moment.
    pub(crate) fn answer(&self, slot: &ProviderSlot, questions: Vec<Question>, now: u64) -> Vec<Exchange> {
        let of_ledger: Vec<LedgerQuestion> = questions.iter().filter_map(Question::of_ledger).cloned().collect();
        let answers = if of_ledger.is_empty() { Ok(Vec::new()) } else { self.0.ledger.answers(&slot.name, &of_ledger, now) };
        let mut answers = answers.map(Vec::into_iter).inspect_err(|error| {
            tracing::error!(provider = slot.name.as_str(), %error, "the ledger cannot answer a provider's question");
        });
        let mut next = || answers.as_mut().ok().and_then(Iterator::next).ok_or(NoAnswer::Unavailable);
        let exchange = |question| match question {
            Question::Ledger(question) => Exchange::Ledger(question, next()),
            Question::Account(query) => {
                let state = self.account_state(slot, &query);
                Exchange::Account(query, state)
            }
            Question::Other(name, values) => Exchange::Other(name, values, NoAnswer::Unsupported),
        };
        questions.into_iter().map(exchange).collect()
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

/// Returns why the ledger does not agree to what is wanted, as the provider is told it.
pub fn disagreement(refusal: WishRefusal) -> Problem {
    let (message, in_russian) = match refusal {
        WishRefusal::UnknownAccount => ("There is no such account.", "Такого лицевого счёта нет."),
        WishRefusal::AccountInactive => ("The account takes no payments.", "Счёт не принимает платежи."),
        WishRefusal::AmountOutOfRange => ("The account does not take such an amount.", "Такая сумма не принимается."),
        WishRefusal::Forbidden => ("Billing does not allow it.", "Биллинг этого не разрешает."),
        WishRefusal::UnknownOrder => ("There is no such order.", "Такого заказа нет."),
        WishRefusal::OrderPaid => ("The order is paid.", "Заказ уже оплачен."),
        WishRefusal::OrderHeld => ("The order is held by another payment.", "Заказ занят другим платежом."),
        WishRefusal::OrderExpired => ("The order has expired.", "Срок заказа истёк."),
        WishRefusal::AmountMismatch => {
            ("The amount is not that of the order or the hold.", "Сумма не равна сумме заказа или блокировки.")
        }
        WishRefusal::CurrencyMismatch => ("The currency is another one.", "Валюта другая."),
        WishRefusal::HoldEnded => ("The hold has ended.", "Блокировка уже снята."),
        WishRefusal::AlreadyEntered => ("The transaction is entered under another key.", "Эта транзакция уже проведена."),
        WishRefusal::NotReturnable => (
            "The payment cannot be returned: it is not entered, was returned, or its money is spent.",
            "Платёж вернуть нельзя: он не проведён, уже возвращён или деньги потрачены.",
        ),
    };
    let translations = vec![("ru".to_owned(), in_russian.to_owned())];
    Problem { translations, ..Problem::new(refusal.name(), message) }
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
