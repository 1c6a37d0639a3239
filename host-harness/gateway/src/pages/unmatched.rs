//! «Неопознанные платежи»: events that an operator must decide about.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{AccountNumber, EntryKind, EventKind, Money, Related, Resolution, ResolveRefusal, ReviewFilter, UnmatchedEvent};
use host::{AccountBalances, HostError};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, titles};
use super::text::{self, Clock, Lang};
use super::waiting::{ADDRESS, List, PAGE_ROWS, pager};
use super::{AppState, CsrfForm, Operator, callbacks, confirm, csrf};
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::{App, Shared, blocking};

/// Where each list continues, and the entry for the notice.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    pub after: u64,
    pub unrecognized_after: u64,
    pub contradictions_after: u64,
    entry: Option<u64>,
    dismissed: Option<u64>,
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Markup, Problem> {
    let dismissed = asked.dismissed;
    let (entered, waiting, unrecognized, contradictions) = blocking(&app, move |app| {
        let host = &app.host;
        let rows = host.unmatched_events(asked.after, PAGE_ROWS)?;
        let rows = rows.into_iter().map(|one| Ok((host.related(&one.event)?, one))).collect::<Result<Vec<_>, Problem>>()?;
        let waiting = List { rows, total: host.unmatched_count()? };
        let unrecognized = List {
            rows: host.unrecognized_callbacks(ReviewFilter::WaitingAfter(asked.unrecognized_after), PAGE_ROWS)?,
            total: host.unrecognized_count()?,
        };
        let contradictions = List {
            rows: host.contradictions(ReviewFilter::WaitingAfter(asked.contradictions_after), PAGE_ROWS)?,
            total: host.contradiction_count()?,
        };
        Ok((confirm::entered(app, asked.entry)?, waiting, unrecognized, contradictions))
    })
    .await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        (confirm::notice(lang, entered.as_ref()))
        @if dismissed.is_some() {
            p.good role="status" { (lang.of("Платёж отклонён. Отменить это можно на странице ", "The payment was dismissed. That can be undone under ")) a href="/operator/decisions" { (lang.of("«Решения»", "Decisions")) } "." }
        }
        p.hint {
            (lang.of(
                "Деньги, о которых платёжная система сообщила, но которые не подходят ни к одному заказу. Зачислите их на лицевой счёт или отклоните. Кто, когда и почему, видно на странице ",
                "Money that the payment system reported, and that fits no order. Credit it to an account or dismiss it; who did it and why stands under ",
            ))
            a href="/operator/decisions" { (lang.of("«Решения»", "Decisions")) } "."
        }
        @if waiting.total == 0 { p.good { (lang.of("Неразобранных платежей нет.", "No unmatched payments.")) } }
        @else { p { (lang.of("Ждут решения: ", "Waiting: ")) b { (waiting.total) } } }
        @for (related, one) in &waiting.rows { (card(lang, clock, &session, one, related, &Typed::default())) }
        (pager(lang, ADDRESS, "after", &waiting.rows, |(_, one)| one.id))
        (callbacks::contradictions(lang, clock, &session, &contradictions))
        (callbacks::unrecognized(lang, clock, &session, &unrecognized))
        p { a href=(callbacks::ACKNOWLEDGED) { (lang.of("Разобранные уведомления", "Acknowledged callbacks")) } }
    };
    Ok(Page::operators(lang, titles::unmatched(lang), &session).show(&content))
}

/// What was typed into a payment's form.
#[derive(Default)]
struct Typed {
    account: String,
    comment: String,
}

/// Returns the amount by which entering an event changes a balance.
fn change(event: &domain::Event) -> Money {
    let sign = if event.facts.kind == EventKind::Payment { 1 } else { -1 };
    Money { minor_units: sign * event.facts.amount.minor_units, ..event.facts.amount }
}

/// Shows an event.
fn matter(lang: Lang, clock: Clock, UnmatchedEvent { event, reason, at, .. }: &UnmatchedEvent) -> Markup {
    html! {
        p { b { (text::amount(lang, event.facts.amount)) } " — " (text::event_kind(lang, event.facts.kind)) ", " (event.provider) ", " (clock.text(*at)) }
        p.bad { (lang.of("Причина: ", "Reason: ")) (text::reason(lang, *reason)) }
        p.hint {
            (lang.of("транзакция ", "transaction ")) (event.facts.transaction)
            @if let Some(order) = &event.facts.order { ", " (lang.of("назван заказ ", "names the order ")) (order) }
            @if let Some(payer) = &event.facts.payer { ", " (lang.of("плательщик ", "payer ")) (payer) }
            @if let Some(time) = &event.facts.occurred_at { ", " (lang.of("по часам платёжной системы ", "by the payment system's clock ")) (time) }
        }
        (confirm::extra(lang, &event.extra))
    }
}

/// Returns the account that the ledger knows for the money: that of the payment of the same transaction, or else that of the
/// named order.
fn known_account(related: &Related) -> Option<&str> {
    let payment = related.entries.iter().find(|entry| entry.kind == EntryKind::Payment);
    payment.map(|payment| payment.account.as_str()).or(related.order_account.as_deref())
}

/// Shows the ledger's records about the same money.
fn known(lang: Lang, related: &Related) -> Markup {
    html! {
        @if let Some(account) = &related.order_account {
            p { (lang.of("Названный заказ сделан для лицевого счёта ", "The order that it names is of the account ")) b { (account) } "." }
        }
        @for entry in &related.entries {
            p {
                (lang.of("По этой транзакции уже есть проводка ", "There is an entry of this transaction: ")) (entry.seq) ": "
                (text::kind(lang, entry.kind)) ", " (text::amount(lang, entry.amount)) ", " (lang.of("л/с ", "account ")) b { (entry.account) } "."
            }
        }
    }
}

fn card(lang: Lang, clock: Clock, session: &Session, unmatched: &UnmatchedEvent, related: &Related, typed: &Typed) -> Markup {
    let is_debit = change(&unmatched.event).minor_units < 0;
    let account = if typed.account.is_empty() { known_account(related).unwrap_or_default() } else { &typed.account };
    html! {
        section.card {
            (matter(lang, clock, unmatched))
            (known(lang, related))
            form.filter method="post" action={ (ADDRESS) "/" (unmatched.id) } {
                (csrf(session))
                label { (lang.of("Лицевой счёт", "Account")) input name="account" maxlength="64" value=(account); }
                label { (lang.of("Почему", "Why")) input name="comment" required maxlength="255" value=(typed.comment); }
                button name="decision" value="credit" { @if is_debit { (lang.of("Списать…", "Debit…")) } @else { (lang.of("Зачислить…", "Credit…")) } }
                button.quiet name="decision" value="dismiss" { (lang.of("Отклонить", "Dismiss")) }
            }
        }
    }
}

/// Shows a single event.
pub async fn one(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    show_one(&app, lang, &session, id, &Typed::default(), None).await
}

async fn show_one(
    app: &App,
    lang: Lang,
    session: &Session,
    id: u64,
    typed: &Typed,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let found = blocking(app, move |app| {
        let unmatched = app.host.unmatched_event(id)?;
        Ok((app.host.related(&unmatched.event)?, unmatched))
    });
    let (related, unmatched) = found.await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        (confirm::wrong(lang, problem.as_ref()))
        @if unmatched.resolution.is_some() {
            section.card { (matter(lang, clock, &unmatched)) (known(lang, &related)) }
            p { (lang.of("Решение по этому платежу принято: ", "It was decided: ")) a href="/operator/decisions" { (lang.of("«Решения»", "Decisions")) } "." }
        } @else { (card(lang, clock, session, &unmatched, &related, typed)) }
        p { a href=(ADDRESS) { "← " (lang.of("Все неопознанные платежи", "All unmatched payments")) } }
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status);
    Ok((status, Page::operators(lang, titles::unmatched(lang), session).show(&content)).into_response())
}

/// Asks for confirmation, credits or dismisses, depending on the button.
pub async fn resolve(
    State(app): AppState,
    lang: Lang,
    Path(id): Path<u64>,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Response, Problem> {
    let typed = Typed { account: fields.get("account").to_owned(), comment: fields.get("comment").to_owned() };
    match decide(&app, lang, &session, id, &typed, fields.get("decision")).await {
        Err(problem) if problem.status.is_client_error() && problem.status != StatusCode::NOT_FOUND => {
            show_one(&app, lang, &session, id, &typed, Some(problem)).await
        }
        done => done,
    }
}

async fn decide(app: &App, lang: Lang, session: &Session, id: u64, typed: &Typed, decision: &str) -> Result<Response, Problem> {
    if decision == "change" {
        return show_one(app, lang, session, id, typed, None).await;
    }
    let (comment, operator) = (confirm::reason(&typed.comment)?, session.operator.clone());
    match decision {
        "credit" => ask(app, lang, session, id, typed).await,
        "confirmed" => {
            let account = account_number(&typed.account)?;
            let credited = blocking(app, move |app| Ok(app.host.credit_unmatched(id, account, operator, comment)?)).await;
            let seq = match credited {
                Err(problem) if problem.status == StatusCode::CONFLICT => {
                    sent_before(app, session, id, typed).await?.ok_or(problem)?
                }
                entered => entered?,
            };
            Ok(Redirect::to(&format!("{ADDRESS}?entry={seq}")).into_response())
        }
        "dismiss" => {
            blocking(app, move |app| Ok(app.host.dismiss_unmatched(id, operator, comment)?)).await?;
            Ok(Redirect::to(&format!("{ADDRESS}?dismissed={id}")).into_response())
        }
        _ => Err(Problem::unprocessable("decide: credit or dismiss").in_russian("Выберите: зачислить или отклонить.")),
    }
}

/// Returns the entry of a decision if this same form made it: the button was clicked twice.
async fn sent_before(app: &App, session: &Session, id: u64, typed: &Typed) -> Result<Option<u64>, Problem> {
    let Some(Resolution { operator, comment, seq: Some(seq), .. }) =
        blocking(app, move |app| Ok(app.host.unmatched_event(id)?.resolution)).await?
    else {
        return Ok(None);
    };
    let account = blocking(app, move |app| Ok(confirm::entered(app, Some(seq))?.map(|(_, account)| account.number))).await?;
    let is_same = operator == session.operator
        && comment == typed.comment
        && account.is_some_and(|account| account == typed.account.as_str());
    Ok(is_same.then_some(seq))
}

/// Parses the typed account. An invalid number gets the answer for an unknown account.
fn account_number(typed: &str) -> Result<AccountNumber, HostError> {
    AccountNumber::new(typed).map_err(|_| ResolveRefusal::UnknownAccount.into())
}

/// Returns what will be entered, if it can be.
fn enterable(app: &Shared, id: u64, account: &str) -> Result<(UnmatchedEvent, Related, AccountBalances), Problem> {
    if account.is_empty() {
        return Err(Problem::unprocessable("name the account").in_russian("Введите лицевой счёт."));
    }
    let (unmatched, account) = app.host.check_credit(id, &account_number(account)?)?;
    let related = app.host.related(&unmatched.event)?;
    Ok((unmatched, related, account))
}

/// Asks for confirmation, with the account's owner and its balance before and after.
async fn ask(app: &App, lang: Lang, session: &Session, id: u64, typed: &Typed) -> Result<Response, Problem> {
    let account = typed.account.clone();
    let (unmatched, related, account) = blocking(app, move |app| enterable(app, id, &account)).await?;
    let other = known_account(&related).filter(|known| account.0.number != *known);
    let amount = change(&unmatched.event);
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        section.card {
            (matter(lang, clock, &unmatched))
            (known(lang, &related))
            @if let Some(other) = other {
                p.bad role="alert" { (lang.of("Вы ввели другой лицевой счёт: эти деньги, судя по записям, счёта ", "You typed another account: by what is kept this is money of the account ")) b { (other) } "." }
            }
            (confirm::change(lang, &account, amount))
            p { (lang.of("Почему: ", "Why: ")) (typed.comment) }
            form.inline method="post" action={ (ADDRESS) "/" (id) } {
                (csrf(session))
                input type="hidden" name="account" value=(typed.account);
                input type="hidden" name="comment" value=(typed.comment);
                button name="decision" value="confirmed" { (confirm::action(lang, &account.0.number, amount)) }
                button.quiet name="decision" value="change" { (lang.of("Нет, изменить", "No, change it")) }
            }
        }
    };
    Ok(Page::operators(lang, titles::unmatched(lang), session).show(&content).into_response())
}
