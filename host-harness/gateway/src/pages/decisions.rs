//! «Решения»: operators' decisions about money and operations, and undoing them.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Decided, DecisionKind, Operation, OperationId};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, titles};
use super::operation;
use super::text::{self, Clock, Lang};
use super::{AppState, CsrfForm, Operator, confirm, csrf, path_segment};
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::{App, Shared, blocking};

/// How many are shown on a page, the latest first.
const PAGE_ROWS: u32 = 50;

const ADDRESS: &str = "/operator/decisions";

/// Where the list continues, and the entry for the notice. Decisions and operations are two lists that are shown as one.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    before: Option<u64>,
    /// `1795800000-op1795800000000`: the operations before this time and id.
    operations_before: Option<String>,
    entry: Option<u64>,
    undone: Option<u64>,
}

/// A row of the list.
enum Row {
    Decided(Box<Decided>),
    Operation(Box<Operation>),
}

impl Row {
    fn at(&self) -> u64 {
        match self {
            Row::Decided(decided) => decided.decision.at,
            Row::Operation(operation) => operation.acted_at(),
        }
    }
}

/// A page of the list, and where its next one begins if there is one.
struct Rows {
    shown: Vec<Row>,
    next: Option<String>,
}

fn place(text: &str) -> Option<(u64, OperationId)> {
    let (at, id) = text.split_once('-')?;
    Some((at.parse().ok()?, OperationId::new(id).ok()?))
}

/// Returns the place before all operations of a second, and after all later ones.
fn from_second(at: u64) -> (u64, OperationId) {
    (at.saturating_add(1), OperationId::stored("op0"))
}

fn find(app: &Shared, before: Option<u64>, operations_before: Option<&str>) -> Result<Rows, Problem> {
    let decided = app.host.decisions(before, PAGE_ROWS + 1)?;
    // An address may name a decision alone, as the link from its entry does: the operations go on from there.
    let since_first = || decided.first().filter(|_| before.is_some()).map(|first| from_second(first.decision.at));
    let mut operations_before = operations_before.and_then(place).or_else(since_first);
    let operations = app.host.acted_operations(operations_before.as_ref(), PAGE_ROWS + 1)?;
    let (mut decided, mut operations) = (decided.into_iter().peekable(), operations.into_iter().peekable());
    let mut rows = Vec::new();
    // The latest first; the rows of each list stay in their order.
    while rows.len() < PAGE_ROWS as usize {
        let is_operation_later = match (decided.peek(), operations.peek()) {
            (Some(decided), Some(operation)) => operation.acted_at() > decided.decision.at,
            (decided, _) => decided.is_none(),
        };
        let next = if is_operation_later {
            operations.next().map(Box::new).map(Row::Operation)
        } else {
            decided.next().map(Box::new).map(Row::Decided)
        };
        let Some(next) = next else { break };
        rows.push(next);
    }
    let has_more = decided.peek().is_some() || operations.peek().is_some();
    let mut before = before;
    for row in &rows {
        match row {
            Row::Decided(decided) => before = Some(decided.decision.id),
            Row::Operation(operation) => operations_before = Some((operation.acted_at(), operation.id.clone())),
        }
    }
    let last_at = rows.last().map_or(0, Row::at);
    let (at, id) = operations_before.unwrap_or_else(|| from_second(last_at));
    let before = before.map(|before| format!("before={before}&")).unwrap_or_default();
    Ok(Rows { shown: rows, next: has_more.then(|| format!("{ADDRESS}?{before}operations_before={at}-{id}")) })
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Markup, Problem> {
    let undone = asked.undone;
    let (rows, entered) = blocking(&app, move |app| {
        Ok((find(app, asked.before, asked.operations_before.as_deref())?, confirm::entered(app, asked.entry)?))
    })
    .await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        (confirm::notice(lang, entered.as_ref()))
        @if undone.is_some() {
            p.good role="status" { (lang.of("Решение отменено.", "The decision was undone.")) }
        }
        p.hint {
            (lang.of(
                "Что сотрудники зачислили, списали, отклонили и исправили вручную, что вернули через платёжные системы и что решили о таких операциях. Ни одна проводка не меняется: отмена делает обратную, а платёж снова ждёт решения.",
                "What was credited, debited, dismissed and corrected by hand, what was refunded through payment systems, and what was decided about such operations. No entry is ever changed: undoing makes an opposite one, and the payment waits again.",
            ))
        }
        p { a href="/operator/corrections" { (lang.of("Внести корректировку", "Enter a correction")) } }
        @if rows.shown.is_empty() { p.hint { (lang.of("Здесь пока ничего нет.", "There is nothing here yet.")) } }
        @for row in &rows.shown {
            @match row {
                Row::Decided(decided) => (card(lang, clock, &session, decided)),
                Row::Operation(operation) => section.card { (operation::matter(lang, clock, operation)) },
            }
        }
        @if let Some(next) = &rows.next {
            p.pager { a href=(next) rel="next" { (lang.of("Более ранние решения", "Earlier decisions")) " →" } }
        }
    };
    Ok(Page::operators(lang, titles::decisions(lang), &session).show(&content))
}

/// Shows a decision: what, by whom, when and why.
fn matter(lang: Lang, clock: Clock, Decided { decision, entry, event }: &Decided) -> Markup {
    let kind = decision.kind;
    html! {
        p {
            "№ " (decision.id) ". " b { (name(lang, kind)) }
            @if let Some(undoes) = decision.undoes { " № " (undoes) }
            @if let Some(entry) = entry {
                ": " b { (text::amount(lang, entry.amount)) } ", " (lang.of("л/с ", "account "))
                a href={ "/operator/statistics?account=" (path_segment(&entry.account)) } { (entry.account) }
                ", " (lang.of("проводка ", "entry ")) (entry.seq)
            }
            @if let Some(undone_by) = decision.undone_by {
                " " span.badge { (lang.of("отменено решением № ", "undone by the decision № ")) (undone_by) }
            }
        }
        @if let Some(event) = event {
            p.hint {
                (text::event_kind(lang, event.facts.kind)) ", " (text::amount(lang, event.facts.amount)) ", " (event.provider) ", "
                (lang.of("транзакция ", "transaction ")) (event.facts.transaction)
            }
        }
        p { (lang.of("Почему: ", "Why: ")) (decision.reason) }
        p.hint { (decision.operator) ", " (clock.text(decision.at)) }
    }
}

fn name(lang: Lang, kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Entry => lang.of("Неопознанный платёж проведён", "An unmatched payment was entered"),
        DecisionKind::Dismissal => lang.of("Неопознанный платёж отклонён", "An unmatched payment was dismissed"),
        DecisionKind::Correction => lang.of("Корректировка", "Correction"),
        DecisionKind::Undoing => lang.of("Отмена решения", "Undoing of the decision"),
    }
}

fn card(lang: Lang, clock: Clock, session: &Session, decided: &Decided) -> Markup {
    let decision = &decided.decision;
    let can_undo = decision.undone_by.is_none() && decision.kind != DecisionKind::Undoing;
    html! {
        section.card {
            (matter(lang, clock, decided))
            @if can_undo { (form(lang, session, decision.id, "")) }
        }
    }
}

fn form(lang: Lang, session: &Session, id: u64, reason: &str) -> Markup {
    html! {
        form.filter method="post" action={ (ADDRESS) "/" (id) "/undo" } {
            (csrf(session))
            label { (lang.of("Почему отменить", "Why undo")) input name="reason" required maxlength="255" value=(reason); }
            button.quiet { (lang.of("Отменить…", "Undo…")) }
        }
    }
}

/// Redirects to the list, when a form's address is opened by GET.
pub async fn again() -> Redirect {
    Redirect::to(ADDRESS)
}

/// Asks for confirmation, or undoes a decision.
pub async fn undo(
    State(app): AppState,
    lang: Lang,
    Path(id): Path<u64>,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Response, Problem> {
    let reason = fields.get("reason").to_owned();
    let done = if fields.get("decision") == "confirmed" && confirm::reason(&reason).is_ok() {
        let (operator, why) = (session.operator.clone(), reason.clone());
        let undone = blocking(&app, move |app| Ok(app.host.undo_decision(id, operator, why)?)).await;
        undone.map(|seq| {
            let entry = seq.map(|seq| format!("&entry={seq}")).unwrap_or_default();
            Redirect::to(&format!("{ADDRESS}?undone={id}{entry}")).into_response()
        })
    } else {
        ask(&app, lang, &session, id, &reason).await
    };
    match done {
        Err(problem) if problem.status.is_client_error() && problem.status != StatusCode::NOT_FOUND => {
            Ok(refused(lang, &session, id, &reason, &problem))
        }
        done => done,
    }
}

fn refused(lang: Lang, session: &Session, id: u64, reason: &str, problem: &Problem) -> Response {
    let content = html! {
        p { (lang.of("Решение № ", "Decision № ")) (id) }
        (confirm::wrong(lang, Some(problem)))
        @if confirm::reason(reason).is_err() { (form(lang, session, id, reason)) }
        p { a href=(ADDRESS) { "← " (lang.of("Все решения", "All decisions")) } }
    };
    (problem.status, Page::operators(lang, titles::decisions(lang), session).show(&content)).into_response()
}

/// Asks for confirmation, with the balance before and after.
async fn ask(app: &App, lang: Lang, session: &Session, id: u64, reason: &str) -> Result<Response, Problem> {
    confirm::reason(reason)?;
    let (decided, account) = blocking(app, move |app| Ok(app.host.check_undo(id)?)).await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let back = decided.entry.as_ref().map(|entry| entry.amount.negated());
    let waits = decided.decision.unmatched.is_some();
    let content = html! {
        section.card {
            (matter(lang, clock, &decided))
            h2 { (lang.of("Отменить это решение?", "Undo this decision?")) }
            @if let (Some(account), Some(amount)) = (&account, back) { (confirm::change(lang, account, amount)) }
            @if waits { p { (lang.of("Платёж снова будет ждать решения.", "The payment will wait for a decision again.")) } }
            p { (lang.of("Почему: ", "Why: ")) (reason) }
            form.inline method="post" action={ (ADDRESS) "/" (id) "/undo" } {
                (csrf(session))
                input type="hidden" name="reason" value=(reason);
                button name="decision" value="confirmed" {
                    (lang.of("Отменить решение", "Undo the decision"))
                    @if let (Some((account, _)), Some(amount)) = (&account, back) { ": " (confirm::action(lang, &account.number, amount)) }
                }
                a href=(ADDRESS) { (lang.of("Нет, вернуться", "No, go back")) }
            }
        }
    };
    Ok(Page::operators(lang, titles::decisions(lang), session).show(&content).into_response())
}
