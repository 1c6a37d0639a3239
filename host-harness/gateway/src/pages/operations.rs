//! «Операции»: refunds and other operations at payment systems, and decisions about those whose outcome is unknown.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Operation, OperationId, OperationKind, OperationState, OperationTask, OperationVerdict};
use host::AccountBalances;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, titles};
use super::operation::{ADDRESS, matter};
use super::text::{Clock, Lang};
use super::{AppState, CsrfForm, Operator, confirm, csrf};
use crate::identifiers;
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::{App, Shared, blocking};

/// How many operations of each list a page shows.
const PAGE_ROWS: u32 = 50;

/// Where each list continues, and the operation for the notice.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    after: Option<String>,
    before: Option<String>,
    decided: Option<String>,
    tried: Option<String>,
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Markup, Problem> {
    let (is_decided, is_tried) = (asked.decided.is_some(), asked.tried.is_some());
    let (open, ended) = blocking(&app, move |app| {
        let after = asked.after.map(identifiers::operation).transpose()?;
        let before = asked.before.map(identifiers::operation).transpose()?;
        let open = app.host.open_operations(after.as_ref(), PAGE_ROWS)?;
        Ok((open, app.host.ended_operations(before.as_ref(), PAGE_ROWS)?))
    })
    .await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        @if is_decided { p.good role="status" { (lang.of("Решение записано.", "The decision was recorded.")) } }
        @if is_tried { p.good role="status" { (lang.of("Платёжную систему спросили ещё раз.", "The payment system was asked again.")) } }
        p.hint {
            (lang.of(
                "Что сделано через платёжные системы: возвраты, повторные списания, отмены подписок и ссылки на оплату. Незавершённые операции продолжаются сами. Если исход неизвестен, посмотрите его в личном кабинете платёжной системы и примите решение.",
                "What was done at payment systems: refunds, repeated charges, ends of subscriptions and payment links. Pending operations go on by themselves. If an outcome is unknown, look it up at the payment system and decide.",
            ))
        }
        h2 { (lang.of("Незавершённые", "Open")) }
        @if open.is_empty() { p.good { (lang.of("Незавершённых операций нет.", "No operation is open.")) } }
        @for one in &open { (card(lang, clock, &session, one)) }
        (pager(lang, "after", &open))
        h2 { (lang.of("Завершённые", "Ended")) }
        @if ended.is_empty() { p.hint { (lang.of("Здесь пока ничего нет.", "There is nothing here yet.")) } }
        @for one in &ended { section.card { (matter(lang, clock, one)) } }
        (pager(lang, "before", &ended))
    };
    Ok(Page::operators(lang, titles::operations(lang), &session).show(&content))
}

/// Returns the link to the rest of a list, if it has more rows than are shown.
fn pager(lang: Lang, parameter: &str, shown: &[Operation]) -> Markup {
    let is_full = shown.len() >= PAGE_ROWS as usize;
    html! {
        @if let Some(last) = shown.last().filter(|_| is_full) {
            p.pager { a href={ (ADDRESS) "?" (parameter) "=" (last.id) } rel="next" { (lang.of("Дальше", "More")) " →" } }
        }
    }
}

fn card(lang: Lang, clock: Clock, session: &Session, operation: &Operation) -> Markup {
    html! {
        section.card {
            (matter(lang, clock, operation))
            @match operation.state {
                OperationState::Unknown { .. } => (decision_form(lang, session, operation, "")),
                _ => {
                    form method="post" action={ (ADDRESS) "/" (operation.id) "/retry" } {
                        (csrf(session))
                        button.quiet { (lang.of("Спросить сейчас", "Ask now")) }
                    }
                }
            }
        }
    }
}

fn decision_form(lang: Lang, session: &Session, operation: &Operation, comment: &str) -> Markup {
    html! {
        form.filter method="post" action={ (ADDRESS) "/" (operation.id) "/decision" } {
            (csrf(session))
            label { (lang.of("Как вы это узнали", "How you know")) input name="comment" required maxlength="255" value=(comment); }
            button name="verdict" value="done" { (lang.of("Выполнена…", "It was done…")) }
            button.quiet name="verdict" value="not-done" { (lang.of("Не выполнена…", "It was not done…")) }
        }
    }
}

/// Redirects to the list, when a form's address is opened by GET.
pub async fn again() -> Redirect {
    Redirect::to(ADDRESS)
}

/// Tries a pending operation again now.
pub async fn retry(State(app): AppState, Path(id): Path<String>, CsrfForm { .. }: CsrfForm) -> Result<Redirect, Problem> {
    let id = identifiers::operation(id)?;
    let tried = blocking(&app, move |app| Ok(app.host.retry_operation(&id)?)).await?;
    Ok(Redirect::to(&format!("{ADDRESS}?tried={}", tried.id)))
}

/// Asks for confirmation, or records a decision.
pub async fn decide(
    State(app): AppState,
    lang: Lang,
    Path(id): Path<String>,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Response, Problem> {
    let id = identifiers::operation(id)?;
    let (comment, is_confirmed) = (fields.get("comment").to_owned(), fields.get("decision") == "confirmed");
    let done = match verdict(fields.get("verdict")) {
        Err(problem) => Err(problem),
        Ok(verdict) if is_confirmed => record(&app, &session, &id, verdict, &comment).await,
        Ok(verdict) => ask(&app, lang, &session, &id, verdict, &comment).await,
    };
    match done {
        Err(problem) if problem.status.is_client_error() && problem.status != StatusCode::NOT_FOUND => {
            refused(&app, lang, &session, id, &comment, problem).await
        }
        done => done,
    }
}

fn verdict(sent: &str) -> Result<OperationVerdict, Problem> {
    match sent {
        "done" => Ok(OperationVerdict::Done),
        "not-done" => Ok(OperationVerdict::NotDone),
        _ => Err(Problem::unprocessable("choose: done or not done").in_russian("Выберите: выполнена или не выполнена.")),
    }
}

/// Records a decision. The same form again has the same answer.
async fn record(
    app: &App,
    session: &Session,
    id: &OperationId,
    verdict: OperationVerdict,
    comment: &str,
) -> Result<Response, Problem> {
    let comment = confirm::reason(comment)?;
    let (of, operator) = (id.clone(), session.operator.clone());
    blocking(app, move |app| {
        let before = app.host.operation(&of)?;
        if before.decision.is_some_and(|before| before.operator == operator && before.comment == comment) {
            return Ok(());
        }
        app.host.decide_operation(&of, verdict, operator, comment)?;
        Ok(())
    })
    .await?;
    Ok(Redirect::to(&format!("{ADDRESS}?decided={id}")).into_response())
}

async fn refused(
    app: &App,
    lang: Lang,
    session: &Session,
    id: OperationId,
    comment: &str,
    problem: Problem,
) -> Result<Response, Problem> {
    let operation = blocking(app, move |app| Ok(app.host.operation(&id)?)).await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let is_unknown = matches!(operation.state, OperationState::Unknown { .. });
    let content = html! {
        (confirm::wrong(lang, Some(&problem)))
        section.card {
            (matter(lang, clock, &operation))
            @if is_unknown { (decision_form(lang, session, &operation, comment)) }
        }
        p { a href=(ADDRESS) { "← " (lang.of("Все операции", "All operations")) } }
    };
    Ok((problem.status, Page::operators(lang, titles::operations(lang), session).show(&content)).into_response())
}

/// Returns the account that a refund debits if it is declared done, with its balances.
fn debited(app: &Shared, operation: &Operation) -> Result<Option<AccountBalances>, Problem> {
    let OperationTask::Refund { payment, .. } = operation.task else { return Ok(None) };
    let account = app.host.payment(payment)?.account;
    Ok(account.map(|account| app.host.account(&account)).transpose()?)
}

/// Asks for confirmation, and says what follows from the decision.
async fn ask(
    app: &App,
    lang: Lang,
    session: &Session,
    id: &OperationId,
    verdict: OperationVerdict,
    comment: &str,
) -> Result<Response, Problem> {
    confirm::reason(comment)?;
    let id = id.clone();
    let (operation, account) = blocking(app, move |app| {
        let operation = app.host.operation(&id)?;
        let account = debited(app, &operation)?;
        Ok((operation, account))
    })
    .await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let (is_done, value) = match verdict {
        OperationVerdict::Done => (true, "done"),
        OperationVerdict::NotDone => (false, "not-done"),
    };
    let content = html! {
        section.card {
            (matter(lang, clock, &operation))
            h2 {
                @if is_done { (lang.of("Записать, что операция выполнена?", "Record that it was done?")) }
                @else { (lang.of("Записать, что операция не выполнена?", "Record that it was not done?")) }
            }
            p { (consequence(lang, operation.task.kind(), is_done)) }
            @if let (true, Some(account), Some(amount)) = (is_done, &account, operation.task.amount()) {
                (confirm::change(lang, account, amount.negated()))
            }
            p { (lang.of("Как вы это узнали: ", "How you know: ")) (comment) }
            form.inline method="post" action={ (ADDRESS) "/" (operation.id) "/decision" } {
                (csrf(session))
                input type="hidden" name="comment" value=(comment);
                input type="hidden" name="verdict" value=(value);
                button name="decision" value="confirmed" {
                    @if is_done { (lang.of("Да, выполнена", "Yes, it was done")) } @else { (lang.of("Да, не выполнена", "Yes, it was not done")) }
                }
                a href=(ADDRESS) { (lang.of("Нет, вернуться", "No, go back")) }
            }
        }
    };
    Ok(Page::operators(lang, titles::operations(lang), session).show(&content).into_response())
}

/// Returns what follows from a decision.
fn consequence(lang: Lang, kind: OperationKind, is_done: bool) -> &'static str {
    match (kind, is_done) {
        (OperationKind::Refund, true) => lang.of(
            "Возврат будет записан в учёт, и баланс лицевого счёта уменьшится. Отменить это решение нельзя.",
            "The refund is entered, and the account's balance decreases. The decision cannot be undone.",
        ),
        (OperationKind::Refund, false) => lang.of(
            "Эту сумму снова можно будет вернуть. Если деньги на самом деле ушли, плательщик может получить их дважды. Отменить это решение нельзя.",
            "The amount can be refunded again. If the money did go, the payer may get it twice. The decision cannot be undone.",
        ),
        (OperationKind::Charge, true) => lang.of(
            "Деньги зачислятся, когда платёжная система сообщит о платеже. Отменить это решение нельзя.",
            "The money is credited when the payment system reports the payment. The decision cannot be undone.",
        ),
        (OperationKind::Charge, false) => lang.of(
            "Заказ снова можно будет оплатить списанием. Если деньги на самом деле списаны, плательщик может заплатить дважды. Отменить это решение нельзя.",
            "The order can be charged for again. If the payer was charged, they may pay twice. The decision cannot be undone.",
        ),
        (OperationKind::Cancel | OperationKind::Link, _) => lang.of(
            "На деньги это не влияет. Отменить это решение нельзя.",
            "It moves no money. The decision cannot be undone.",
        ),
    }
}
