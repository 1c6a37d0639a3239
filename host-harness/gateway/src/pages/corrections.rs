//! «Корректировка»: corrections that an operator enters by hand.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{AccountNumber, Correction, Entry, EntryFilter, EntryKind, Money, PageStart};
use host::{HostError, TopUpLimits};
use maud::{Markup, html};
use money::Currency;
use serde::Deserialize;

use super::layout::{Page, titles};
use super::text::{DAY_SECONDS, Lang};
use super::{AppState, CsrfForm, Fields, Operator, amount, confirm, csrf};
use crate::problem::Problem;
use crate::sessions::{Session, random};
use crate::shared::{App, Shared, blocking};

pub const ADDRESS: &str = "/operator/corrections";
/// Among how many corrections of an account to look for the same one.
const SAME_MAX: u32 = 100;

/// The entry for the page's notice.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    entry: Option<u64>,
}

/// What was typed into the form.
struct Typed {
    account: String,
    direction: String,
    amount: String,
    currency: String,
    comment: String,
}

impl Typed {
    fn new() -> Typed {
        let [account, direction, amount, comment] = ["", "credit", "", ""].map(str::to_owned);
        Typed { account, direction, amount, currency: Currency::RUB.to_string(), comment }
    }

    fn of(fields: &Fields) -> Typed {
        let text = |name: &str| fields.get(name).to_owned();
        Typed {
            account: text("account"),
            direction: text("direction"),
            amount: text("amount"),
            currency: text("currency").to_uppercase(),
            comment: text("comment"),
        }
    }

    fn is_debit(&self) -> bool {
        self.direction == "debit"
    }

    /// Parses the correction.
    fn read(&self, lang: Lang, currencies: &[Currency], operator: &str, key: String) -> Result<Correction, Problem> {
        let currency =
            currencies.iter().find(|currency| currency.is_meant_by(&self.currency)).copied().ok_or_else(|| {
                Problem::unprocessable("choose a currency of the list").in_russian("Выберите валюту из списка.")
            })?;
        if !["credit", "debit"].contains(&self.direction.as_str()) {
            return Err(Problem::unprocessable("choose: credit or debit").in_russian("Выберите: зачислить или списать."));
        }
        let minor_units = amount::read_any(&self.amount, currency)
            .map_err(|wrong| Problem::unprocessable(wrong.text(lang, currency, TopUpLimits::DEFAULT)))?;
        if minor_units > money::AMOUNT_MAX {
            return Err(Problem::unprocessable("the amount is beyond what is kept").in_russian("Слишком большая сумма."));
        }
        let minor_units = if self.is_debit() { -minor_units } else { minor_units };
        Ok(Correction {
            key,
            account: AccountNumber::new(self.account.as_str())
                .map_err(|error| Problem::from(HostError::from(error)).in_russian("Введите лицевой счёт."))?,
            amount: Money { minor_units, currency },
            operator: operator.to_owned(),
            comment: confirm::reason(&self.comment)?,
        })
    }
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Response, Problem> {
    let entered = blocking(&app, move |app| confirm::entered(app, asked.entry)).await?;
    let notice = confirm::notice(lang, entered.as_ref());
    Ok(show(&app, lang, &session, &Typed::new(), StatusCode::OK, &notice))
}

/// Returns the possible currencies of balances: the rouble, and those of the payment systems.
fn currencies(app: &Shared) -> Vec<Currency> {
    let mut currencies = vec![Currency::RUB];
    for provider in app.host.providers() {
        for currency in provider.component.description().currencies.iter().copied() {
            if !currencies.contains(&currency) {
                currencies.push(currency);
            }
        }
    }
    currencies
}

fn show(app: &Shared, lang: Lang, session: &Session, typed: &Typed, status: StatusCode, notice: &Markup) -> Response {
    let content = html! {
        (notice)
        form.card method="post" action=(ADDRESS) {
            (csrf(session))
            label { (lang.of("Лицевой счёт", "Account")) input name="account" required maxlength="64" value=(typed.account); }
            fieldset {
                legend { (lang.of("Что сделать", "What to do")) }
                label.choice { input type="radio" name="direction" value="credit" checked[!typed.is_debit()]; (lang.of("зачислить", "credit")) }
                label.choice { input type="radio" name="direction" value="debit" checked[typed.is_debit()]; (lang.of("списать", "debit")) }
            }
            div.row {
                label { (lang.of("Сумма", "Amount")) input name="amount" required inputmode="decimal" maxlength="40" value=(typed.amount); }
                label { (lang.of("Валюта", "Currency"))
                    select name="currency" {
                        @for currency in currencies(app) { option selected[currency.is_meant_by(&typed.currency)] { (currency) } }
                    }
                }
            }
            label { (lang.of("За что", "What for"))
                input name="comment" required maxlength="255" value=(typed.comment);
                span.hint { (lang.of("Это увидит абонент, и так будет в статистике.", "The subscriber sees it, and so do the statistics.")) }
            }
            button { (lang.of("Дальше", "Continue")) }
        }
        p { a href="/operator/decisions" { (lang.of("Все решения", "All decisions")) } }
    };
    (status, Page::operators(lang, titles::corrections(lang), session).show(&content)).into_response()
}

/// Asks for confirmation, or enters a confirmed correction.
pub async fn enter(State(app): AppState, lang: Lang, CsrfForm { session, fields }: CsrfForm) -> Result<Response, Problem> {
    let typed = Typed::of(&fields);
    let is_confirmed = fields.get("decision") == "confirmed";
    let key = if is_confirmed { fields.get("key").to_owned() } else { format!("page-{}", random()?) };
    let done = match typed.read(lang, &currencies(&app), &session.operator, key) {
        Err(problem) => Err(problem),
        Ok(correction) if is_confirmed => enter_confirmed(&app, lang, &session, &typed, correction, fields.get("same")).await,
        Ok(correction) => ask(&app, lang, &session, &typed, correction).await,
    };
    match done {
        Err(problem) if problem.status.is_client_error() => {
            let notice = confirm::wrong(lang, Some(&problem));
            // It is the typed account that does not exist, and not the page.
            let status =
                if problem.status == StatusCode::NOT_FOUND { StatusCode::UNPROCESSABLE_ENTITY } else { problem.status };
            Ok(show(&app, lang, &session, &typed, status, &notice))
        }
        done => done,
    }
}

/// Enters a confirmed correction. If the same correction was entered from another tab or by somebody else since the page asked,
/// asks again.
async fn enter_confirmed(
    app: &App,
    lang: Lang,
    session: &Session,
    typed: &Typed,
    correction: Correction,
    shown: &str,
) -> Result<Response, Problem> {
    let Correction { key, account, amount, .. } = correction.clone();
    let (is_entered, same) = blocking(app, move |app| {
        let is_entered = app.host.correction(&key)?.is_some();
        Ok((is_entered, same_lately(app, account, amount)?))
    })
    .await?;
    if !is_entered && same.map(|seq| seq.to_string()).unwrap_or_default() != shown {
        return ask(app, lang, session, typed, correction).await;
    }
    let seq = blocking(app, move |app| Ok(app.host.add_correction(correction)?)).await?;
    Ok(Redirect::to(&format!("{ADDRESS}?entry={seq}")).into_response())
}

/// Returns the sequence number of the latest correction of the same amount within a day: the form may have been sent twice.
fn same_lately(app: &Shared, account: AccountNumber, amount: Money) -> Result<Option<u64>, Problem> {
    let from = Some(app.now().saturating_sub(DAY_SECONDS));
    let filter = EntryFilter { account: Some(account), kind: Some(EntryKind::Correction), from, ..EntryFilter::default() };
    let entries = app.host.entries(&filter, PageStart::Latest, SAME_MAX)?;
    let is_undone = |seq| entries.iter().any(|other| other.reverses == Some(seq));
    let is_same = |entry: &&Entry| entry.amount == amount && entry.reverses.is_none() && !is_undone(entry.seq);
    Ok(entries.iter().find(is_same).map(|entry| entry.seq))
}

/// Asks for confirmation, with the account's owner and its balance before and after.
async fn ask(app: &App, lang: Lang, session: &Session, typed: &Typed, correction: Correction) -> Result<Response, Problem> {
    let Correction { key, account, amount, comment, .. } = correction;
    if amount.minor_units == 0 {
        return Err(Problem::unprocessable("the amount is not zero").in_russian("Сумма не может быть нулём."));
    }
    let found = blocking(app, move |app| {
        let holder = app.host.account(&account)?;
        Ok((holder, same_lately(app, account, amount)?))
    });
    let (account, same) = found.await?;
    let content = html! {
        section.card {
            @if let Some(same) = same {
                p.bad role="alert" {
                    (lang.of("За последние сутки такая же корректировка этого счёта уже внесена: проводка ", "The same correction of this account was entered within a day: entry ")) (same) "."
                }
            }
            (confirm::change(lang, &account, amount))
            p { (lang.of("За что: ", "What for: ")) (comment) }
            form.inline method="post" action=(ADDRESS) {
                (csrf(session))
                @for (name, value) in [
                    ("account", &typed.account), ("direction", &typed.direction), ("amount", &typed.amount),
                    ("currency", &typed.currency), ("comment", &typed.comment), ("key", &key),
                    ("same", &same.map(|seq| seq.to_string()).unwrap_or_default()),
                ] { input type="hidden" name=(name) value=(value); }
                button name="decision" value="confirmed" { (confirm::action(lang, &account.0.number, amount)) }
                button.quiet name="decision" value="change" formaction={ (ADDRESS) "/change" } { (lang.of("Нет, изменить", "No, change it")) }
            }
        }
    };
    Ok(Page::operators(lang, titles::corrections(lang), session).show(&content).into_response())
}

/// Redirects to the empty form, when the form's address is opened by GET.
pub async fn again() -> Redirect {
    Redirect::to(ADDRESS)
}

/// Shows the form again, with what was typed.
pub async fn change(State(app): AppState, lang: Lang, CsrfForm { session, fields }: CsrfForm) -> Response {
    show(&app, lang, &session, &Typed::of(&fields), StatusCode::OK, &html! {})
}
