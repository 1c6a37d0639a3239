//! What an operator sees before and after a balance changes.

use domain::{Account, Entry, Money};
use host::{AccountBalances, ErrorCode, TEXT_CHARS_MAX, invisible, required_text};
use maud::{Markup, html};

use super::path_segment;
use super::text::{self, Lang};
use crate::problem::Problem;
use crate::shared::Shared;

/// How long after an entry a page shows its notice, in seconds.
const NEWS_SECONDS: u64 = 600;

/// Shows an account's balance before and after a change.
pub fn change(lang: Lang, (account, balances): &AccountBalances, amount: Money) -> Markup {
    let now = balances.iter().find(|balance| balance.currency == amount.currency).map_or(0, |balance| balance.minor_units);
    let [before, after] = [Some(now), now.checked_add(amount.minor_units)]
        .map(|minor_units| minor_units.map(|minor_units| text::amount(lang, Money { minor_units, ..amount })));
    html! {
        dl {
            dt { (lang.of("Лицевой счёт", "Account")) } dd { (account.number) }
            dt { (lang.of("Абонент", "Subscriber")) } dd { b { (account.name) } }
            @if !account.contract.is_empty() { dt { (lang.of("Договор", "Contract")) } dd { (account.contract) } }
            dt { (lang.of("Баланс сейчас", "Balance now")) } dd { (before.unwrap_or_default()) }
            dt { (lang.of("Баланс после", "Balance after")) } dd { b { (after.unwrap_or_else(|| "—".to_owned())) } }
        }
    }
}

/// `Зачислить 500,00 ₽ на счёт 100500`
pub fn action(lang: Lang, account: &str, amount: Money) -> String {
    let sum = text::amount(lang, Money { minor_units: amount.minor_units.saturating_abs(), ..amount });
    if amount.minor_units < 0 {
        format!("{}{sum}{}{account}", lang.of("Списать ", "Debit "), lang.of(" со счёта ", " from the account "))
    } else {
        format!("{}{sum}{}{account}", lang.of("Зачислить ", "Credit "), lang.of(" на счёт ", " to the account "))
    }
}

/// Returns the entry for a page's notice, with its account, by the number in the page's address.
pub fn entered(app: &Shared, seq: Option<u64>) -> Result<Option<(Entry, Account)>, Problem> {
    let Some(after) = seq.and_then(|seq| seq.checked_sub(1)) else { return Ok(None) };
    let entries = match app.host.entries_after(None, after, 1) {
        Err(error) if error.code == Some(ErrorCode::EntriesAfterUnknown) => return Ok(None),
        entries => entries?,
    };
    let Some(entry) = entries.into_iter().find(|entry| Some(entry.seq) == seq) else { return Ok(None) };
    let account = app.host.find_account(&entry.account)?;
    // No notice of an entry without an operator's decision, or of an old one: the address may be a bookmark.
    let is_news = entry.decision.is_some() && entry.at + NEWS_SECONDS > app.now();
    Ok(account.filter(|_| is_news).map(|(account, _)| (entry, account)))
}

/// Returns the notice of an entry that a decision made.
pub fn notice(lang: Lang, entered: Option<&(Entry, Account)>) -> Markup {
    let Some((entry, account)) = entered else { return html! {} };
    let sum = text::amount(lang, Money { minor_units: entry.amount.minor_units.saturating_abs(), ..entry.amount });
    let is_debit = entry.amount.minor_units < 0;
    html! {
        div.good role="status" {
            p {
                @if is_debit { (lang.of("Списано ", "Debited: ")) } @else { (lang.of("Зачислено ", "Credited: ")) }
                b { (sum) }
                @if is_debit { (lang.of(" со счёта ", " from the account ")) } @else { (lang.of(" на счёт ", " to the account ")) }
                a href={ "/operator/statistics?account=" (path_segment(&account.number)) } { (account.number) }
                " (" (account.name) "), " (lang.of("проводка ", "entry ")) (entry.seq) "."
            }
            @if entry.reverses.is_none() {
                p { (lang.of("Ошибку можно исправить на странице ", "A mistake can be undone under ")) a href="/operator/decisions" { (lang.of("«Решения»", "Decisions")) } "." }
            }
        }
    }
}

/// Returns an operator's reason.
///
/// # Errors
/// 422 if it is empty, too long, or contains invisible characters.
pub fn reason(text: &str) -> Result<String, Problem> {
    words(text, "Напишите, почему: от 1 до 255 знаков, без переводов строки и невидимых знаков.")
}

/// Returns how an operator knows what became of an operation.
///
/// # Errors
/// As for [`reason`].
pub fn how_known(text: &str) -> Result<String, Problem> {
    words(text, "Напишите, как вы это узнали: от 1 до 255 знаков, без переводов строки и невидимых знаков.")
}

fn words(text: &str, said: &'static str) -> Result<String, Problem> {
    let reason =
        required_text("comment", text.to_owned(), TEXT_CHARS_MAX).map_err(|error| Problem::from(error).in_russian(said))?;
    if reason.chars().any(invisible::is_ignorable) {
        return Err(Problem::unprocessable("the comment holds a character that nobody sees").in_russian(said));
    }
    Ok(reason)
}

/// Shows what is wrong with a form.
pub fn wrong(lang: Lang, problem: Option<&Problem>) -> Markup {
    html! { @if let Some(problem) = problem { p.bad role="alert" { (text::sentence(lang, problem.shown().sentence(lang == Lang::Ru))) } } }
}

/// Shows the names and values that a provider reported with an event.
pub fn extra(lang: Lang, fields: &[(String, String)]) -> Markup {
    html! {
        @if !fields.is_empty() {
            details {
                summary { (lang.of("Сведения платёжной системы (подписью не подтверждены)", "What the payment system says beside (not proved)")) }
                dl { @for (name, value) in fields { dt { (name) } dd { (value) } } }
            }
        }
    }
}
