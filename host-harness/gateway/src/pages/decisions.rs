//! «Решения»: operators' decisions about money, operations and restored ledgers, and undoing them.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Comparison, Decided, DecisionKind, Operation, OperationId, Restoration};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, titles};
use super::operation;
use super::text::{self, Clock, Lang};
use super::{AppState, CsrfForm, Operator, confirm, csrf, path_segment, restorations};
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::{App, Shared, blocking};

/// How many are shown on a page, the latest first.
const PAGE_ROWS: u32 = 50;

const ADDRESS: &str = "/operator/decisions";

/// Where the list continues, and the entry for the notice. Decisions, operations and comparisons are lists that are shown as one.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    before: Option<u64>,
    /// `1795800000-op1795800000000`: the operations before this time and id.
    operations_before: Option<String>,
    /// The comparisons of restorations before this one.
    compared_before: Option<u64>,
    entry: Option<u64>,
    undone: Option<u64>,
}

/// A row of the list.
enum Row {
    Decided(Box<Decided>),
    Operation(Box<Operation>),
    /// A comparison, with the restorations that it is about, the latest first.
    Compared(Comparison, Vec<Restoration>),
}

impl Row {
    fn at(&self) -> u64 {
        match self {
            Row::Decided(decided) => decided.decision.at,
            Row::Operation(operation) => operation.acted_at(),
            Row::Compared(comparison, _) => comparison.at,
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

/// Returns the comparisons of restorations, the latest first, before a restoration.
fn compared(restorations: Vec<Restoration>, before: u64) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for one in restorations.into_iter().filter(|one| one.id < before) {
        let Some(comparison) = one.comparison.clone() else { continue };
        match rows.last_mut() {
            Some(Row::Compared(same, of)) if *same == comparison => of.push(one),
            _ => rows.push(Row::Compared(comparison, vec![one])),
        }
    }
    rows
}

fn find(app: &Shared, asked: &PageQuery) -> Result<Rows, Problem> {
    let decided = app.host.decisions(asked.before, PAGE_ROWS + 1)?;
    // An address may name a decision alone, as the link from its entry does: the other lists go on from there.
    let first_at = decided.first().filter(|_| asked.before.is_some()).map(|first| first.decision.at);
    let mut operations_before = asked.operations_before.as_deref().and_then(place).or_else(|| first_at.map(from_second));
    let operations = app.host.acted_operations(operations_before.as_ref(), PAGE_ROWS + 1)?;
    let mut compared = compared(app.host.restorations()?, asked.compared_before.unwrap_or(u64::MAX));
    if let (None, Some(first_at)) = (asked.compared_before, first_at) {
        compared.retain(|row| row.at() <= first_at);
    }
    let decided = decided.into_iter().map(Box::new).map(Row::Decided).collect();
    let operations = operations.into_iter().map(Box::new).map(Row::Operation).collect();
    let mut lists = [decided, operations, compared].map(|rows: Vec<Row>| rows.into_iter().peekable());
    let mut rows = Vec::new();
    // The latest first, of the same second those of the first list; the rows of each list stay in their order.
    while rows.len() < PAGE_ROWS as usize {
        let next_at = lists.iter_mut().filter_map(|list| list.peek().map(Row::at)).max();
        let Some(next) = lists.iter_mut().find_map(|list| list.next_if(|row| Some(row.at()) == next_at)) else { break };
        rows.push(next);
    }
    let has_more = lists.iter_mut().any(|list| list.peek().is_some());
    let mut before = asked.before;
    for row in &rows {
        match row {
            Row::Decided(decided) => before = Some(decided.decision.id),
            Row::Operation(operation) => operations_before = Some((operation.acted_at(), operation.id.clone())),
            Row::Compared(..) => {}
        }
    }
    let last_at = rows.last().map_or(0, Row::at);
    let (at, id) = operations_before.unwrap_or_else(|| from_second(last_at));
    let before = before.map(|before| format!("before={before}&")).unwrap_or_default();
    let compared_before = match lists[2].peek() {
        Some(Row::Compared(_, of)) => of.first().map_or(0, |one| one.id + 1),
        _ => 0,
    };
    let next = format!("{ADDRESS}?{before}operations_before={at}-{id}&compared_before={compared_before}");
    Ok(Rows { shown: rows, next: has_more.then_some(next) })
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Markup, Problem> {
    let undone = asked.undone;
    let (rows, entered) = blocking(&app, move |app| Ok((find(app, &asked)?, confirm::entered(app, asked.entry)?))).await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        (confirm::notice(lang, entered.as_ref()))
        @if undone.is_some() {
            p.good role="status" { (lang.of("Решение отменено.", "The decision was undone.")) }
        }
        p.hint {
            (lang.of(
                "Что сотрудники зачислили, списали, отклонили и исправили вручную, что вернули через платёжные системы, что решили о таких операциях и что сверили после восстановления из копии. Ни одна проводка не меняется: отмена делает обратную, а платёж снова ждёт решения.",
                "What was credited, debited, dismissed and corrected by hand, what was refunded through payment systems, what was decided about such operations, and what was compared after a restoration from a copy. No entry is ever changed: undoing makes an opposite one, and the payment waits again.",
            ))
        }
        p { a href="/operator/corrections" { (lang.of("Внести корректировку", "Enter a correction")) } }
        @if rows.shown.is_empty() { p.hint { (lang.of("Здесь пока ничего нет.", "There is nothing here yet.")) } }
        @for row in &rows.shown {
            @match row {
                Row::Decided(decided) => (card(lang, clock, &session, decided)),
                Row::Operation(operation) => section.card { (operation::matter(lang, clock, operation)) },
                Row::Compared(comparison, of) => section.card { (restorations::decision(lang, clock, comparison, of)) },
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
