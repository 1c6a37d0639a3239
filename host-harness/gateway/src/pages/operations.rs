//! «Операции»: refunds and other operations at payment systems, and decisions about those whose outcome is unknown.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Money, Operation, OperationId, OperationKind, OperationSelection, OperationState, OperationTask, OperationVerdict,
};
use host::{AccountBalances, ErrorKind};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, titles};
use super::operation::{self, ADDRESS, Back, card, decision_form, list_address, matter, withdrawal_form};
use super::text::{self, Clock, Lang};
use super::{AppState, CsrfForm, Fields, Operator, confirm, csrf, restorations};
use crate::identifiers;
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::{App, Shared, blocking};

/// How many operations of each list a page shows.
const PAGE_ROWS: u32 = 50;
/// The kinds that an operator can choose, by their values in the address. Without one, links are left out.
const KINDS: [(&str, OperationSelection); 6] = [
    ("", OperationSelection::ButLinks),
    ("refund", OperationSelection::Only(OperationKind::Refund)),
    ("charge", OperationSelection::Only(OperationKind::Charge)),
    ("cancel", OperationSelection::Only(OperationKind::Cancel)),
    ("link", OperationSelection::Only(OperationKind::Link)),
    ("all", OperationSelection::All),
];

/// The choice of kinds, where each list continues, and the operation for the notice.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    kind: String,
    after: Option<String>,
    before: Option<String>,
    decided: Option<String>,
    withdrawn: Option<String>,
    tried: Option<String>,
    compared: Option<String>,
}

/// Returns a choice of kinds with its value in the address; the usual one for an unknown value.
fn chosen(kind: &str) -> (&'static str, OperationSelection) {
    KINDS.into_iter().find(|(value, _)| *value == kind).unwrap_or(KINDS[0])
}

fn chosen_name(lang: Lang, selection: OperationSelection) -> &'static str {
    match selection {
        OperationSelection::ButLinks => lang.of("все, кроме ссылок", "all but links"),
        OperationSelection::All => lang.of("все", "all"),
        OperationSelection::Only(OperationKind::Refund) => lang.of("возвраты", "refunds"),
        OperationSelection::Only(OperationKind::Charge) => lang.of("повторные списания", "repeated charges"),
        OperationSelection::Only(OperationKind::Cancel) => lang.of("отмены подписок", "ends of subscriptions"),
        OperationSelection::Only(OperationKind::Link) => lang.of("ссылки на оплату", "payment links"),
    }
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Markup, Problem> {
    let (is_decided, is_withdrawn) = (asked.decided.is_some(), asked.withdrawn.is_some());
    let (kind, selection) = chosen(&asked.kind);
    let is_compared = asked.compared.is_some();
    let (open, ended, tried, restorations) = blocking(&app, move |app| {
        let after = asked.after.map(identifiers::operation).transpose()?;
        let before = asked.before.map(identifiers::operation).transpose()?;
        let open = app.host.open_operations(selection, after.as_ref(), PAGE_ROWS)?;
        let tried = asked.tried.map(|id| find(app, id)).transpose()?.flatten();
        let ended = app.host.ended_operations(selection, before.as_ref(), PAGE_ROWS)?;
        Ok((open, ended, tried, app.host.restorations()?))
    })
    .await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let back = Back::Operations(kind.to_owned());
    let content = html! {
        @if is_decided { p.good role="status" { (lang.of("Решение записано.", "The decision was recorded.")) } }
        @if is_withdrawn { p.good role="status" { (lang.of("Операция отменена, отправлена она не будет.", "The operation was withdrawn, and will not be sent.")) } }
        @if is_compared { p.good role="status" { (lang.of("Сверка записана.", "The comparison was recorded.")) } }
        @if let Some(tried) = &tried { (operation::notice(lang, clock, tried)) }
        (restorations::open(lang, clock, &session, &restorations))
        p.hint {
            (lang.of(
                "Что сделано через платёжные системы: возвраты, повторные списания, отмены подписок и ссылки на оплату. Незавершённые операции продолжаются сами. Если исход неизвестен, посмотрите его в личном кабинете платёжной системы и примите решение.",
                "What was done at payment systems: refunds, repeated charges, ends of subscriptions and payment links. Pending operations go on by themselves. If an outcome is unknown, look it up at the payment system and decide.",
            ))
        }
        form.filter method="get" {
            label { (lang.of("Вид", "Kind"))
                select name="kind" {
                    @for (value, one) in KINDS { option value=(value) selected[value == kind] { (chosen_name(lang, one)) } }
                }
            }
            button { (lang.of("Показать", "Show")) }
        }
        h2 { (lang.of("Незавершённые", "Open")) }
        @if open.is_empty() { p.good { (lang.of("Незавершённых операций нет.", "No operation is open.")) } }
        @for one in &open { (card(lang, clock, &session, one, &back)) }
        (pager(lang, kind, "after", &open))
        h2 { (lang.of("Завершённые", "Ended")) }
        @if ended.is_empty() { p.hint { (lang.of("Здесь пока ничего нет.", "There is nothing here yet.")) } }
        @for one in &ended { section.card { (matter(lang, clock, one)) } }
        (pager(lang, kind, "before", &ended))
        (restorations::compared(lang, clock, &restorations))
    };
    Ok(Page::operators(lang, titles::operations(lang), &session).show(&content))
}

/// Returns the operation of a notice; `None` if the address names none.
fn find(app: &Shared, id: String) -> Result<Option<Operation>, Problem> {
    let Ok(id) = identifiers::operation(id) else { return Ok(None) };
    match app.host.operation(&id) {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        found => Ok(Some(found?)),
    }
}

/// Returns the link to the rest of a list, if it has more rows than are shown.
fn pager(lang: Lang, kind: &str, parameter: &str, shown: &[Operation]) -> Markup {
    let is_full = shown.len() >= PAGE_ROWS as usize;
    html! {
        @if let Some(last) = shown.last().filter(|_| is_full) {
            p.pager { a href=(list_address(kind, &[(parameter, &last.id)])) rel="next" { (lang.of("Дальше", "More")) " →" } }
        }
    }
}

/// Returns the page to which a form leads back.
fn back_of(fields: &Fields) -> Back {
    Back::of(chosen(fields.get("kind")).0, fields.get("payment"))
}

/// Redirects to the list, when a form's address is opened by GET.
pub async fn again() -> Redirect {
    Redirect::to(ADDRESS)
}

/// Tries a pending operation again now.
pub async fn retry(
    State(app): AppState,
    Path(id): Path<String>,
    CsrfForm { fields, .. }: CsrfForm,
) -> Result<Redirect, Problem> {
    let id = identifiers::operation(id)?;
    let tried = blocking(&app, move |app| Ok(app.host.retry_operation(&id)?)).await?;
    Ok(Redirect::to(&back_of(&fields).with_notice("tried", &tried.id)))
}

/// Asks for confirmation, or withdraws an operation.
pub async fn withdraw(
    State(app): AppState,
    lang: Lang,
    Path(id): Path<String>,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Response, Problem> {
    let (id, back, comment) = (identifiers::operation(id)?, back_of(&fields), fields.get("comment").to_owned());
    let problem = if fields.get("decision") == "confirmed" {
        let withdrawn = match confirm::reason(&comment) {
            Err(problem) => Err(problem),
            Ok(comment) => {
                let (id, operator) = (id.clone(), session.operator.clone());
                blocking(&app, move |app| Ok(app.host.withdraw_operation(&id, operator, comment)?)).await
            }
        };
        match withdrawn {
            Ok(_) => return Ok(Redirect::to(&back.with_notice("withdrawn", &id)).into_response()),
            Err(problem) if problem.status.is_client_error() && problem.status != StatusCode::NOT_FOUND => Some(problem),
            Err(problem) => return Err(problem),
        }
    } else {
        None
    };
    let operation = blocking(&app, move |app| Ok(app.host.operation(&id)?)).await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let can_be = operation.state == OperationState::Pending && !operation.is_sent;
    let content = html! {
        (confirm::wrong(lang, problem.as_ref()))
        section.card {
            (matter(lang, clock, &operation))
            @if can_be {
                h2 { (lang.of("Отменить эту операцию?", "Withdraw this operation?")) }
                p {
                    (lang.of(
                        "Платёжной системе она отправлена не будет, деньги останутся на месте. Вернуть отменённую операцию нельзя: понадобится новая.",
                        "It will not be sent to the payment system, and no money will move. What is withdrawn stays so: a new one would be needed.",
                    ))
                }
                (withdrawal_form(lang, &session, &operation, &comment, &back))
            } @else if problem.is_none() {
                p.bad role="alert" { (lang.of("Отменить нельзя: операция уже отправлена или завершена.", "It cannot be withdrawn: it was sent, or has ended.")) }
            }
        }
        p { a href=(back.address()) { "← " (lang.of("Вернуться", "Back")) } }
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status);
    Ok((status, Page::operators(lang, titles::operations(lang), &session).show(&content)).into_response())
}

/// What an operator typed about an operation whose outcome is unknown.
struct Typed {
    id: OperationId,
    comment: String,
    back: Back,
}

/// Asks for confirmation, or records a decision.
pub async fn decide(
    State(app): AppState,
    lang: Lang,
    Path(id): Path<String>,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Response, Problem> {
    let typed = Typed { id: identifiers::operation(id)?, comment: fields.get("comment").to_owned(), back: back_of(&fields) };
    let is_confirmed = fields.get("decision") == "confirmed";
    let done = match verdict(fields.get("verdict")) {
        Err(problem) => Err(problem),
        Ok(verdict) if is_confirmed => record(&app, &session, &typed, verdict).await,
        Ok(verdict) => ask(&app, lang, &session, &typed, verdict).await,
    };
    match done {
        Err(problem) if problem.status.is_client_error() && problem.status != StatusCode::NOT_FOUND => {
            refused(&app, lang, &session, typed, problem).await
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
async fn record(app: &App, session: &Session, typed: &Typed, verdict: OperationVerdict) -> Result<Response, Problem> {
    let comment = confirm::how_known(&typed.comment)?;
    let (of, operator) = (typed.id.clone(), session.operator.clone());
    blocking(app, move |app| {
        let before = app.host.operation(&of)?;
        if before.decision.is_some_and(|before| before.operator == operator && before.comment == comment) {
            return Ok(());
        }
        app.host.decide_operation(&of, verdict, operator, comment)?;
        Ok(())
    })
    .await?;
    Ok(Redirect::to(&typed.back.with_notice("decided", &typed.id)).into_response())
}

async fn refused(
    app: &App,
    lang: Lang,
    session: &Session,
    Typed { id, comment, back }: Typed,
    problem: Problem,
) -> Result<Response, Problem> {
    let operation = blocking(app, move |app| Ok(app.host.operation(&id)?)).await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let is_unknown = matches!(operation.state, OperationState::Unknown { .. });
    let content = html! {
        (confirm::wrong(lang, Some(&problem)))
        section.card {
            (matter(lang, clock, &operation))
            @if is_unknown { (decision_form(lang, session, &operation, &comment, &back)) }
        }
        p { a href=(back.address()) { "← " (lang.of("Вернуться", "Back")) } }
    };
    Ok((problem.status, Page::operators(lang, titles::operations(lang), session).show(&content)).into_response())
}

/// What follows from a decision about a refund.
struct RefundOutlook {
    /// The account of the payment, with its balances; `None` if the payment is not entered.
    account: Option<AccountBalances>,
    /// What went back of the payment by what is entered.
    entered: Money,
    /// Whether the refund is entered if it was done.
    is_entered_if_done: bool,
    /// Whether its amount can be refunded again if it was not done.
    is_free_if_not_done: bool,
}

impl RefundOutlook {
    fn of(app: &Shared, operation: &Operation) -> Result<Option<RefundOutlook>, Problem> {
        let OperationTask::Refund { payment, amount } = operation.task else { return Ok(None) };
        let details = app.host.payment(payment)?;
        let (paid, entered) = (details.state.movement.event.facts.amount, details.returned());
        let account = details.account.map(|account| app.host.account(&account)).transpose()?;
        Ok(Some(RefundOutlook {
            account,
            entered,
            is_entered_if_done: app.host.is_entered_if_done(&operation.id)?,
            is_free_if_not_done: paid.minor_units.saturating_sub(entered.minor_units) >= amount.minor_units,
        }))
    }

    /// Shows what follows from a decision.
    fn show(&self, lang: Lang, amount: Money, is_done: bool) -> Markup {
        let entered = text::amount(lang, self.entered);
        html! {
            @if self.entered.minor_units > 0 { p {
                (lang.of("По этому платежу уже учтено возвратов: ", "Refunds of this payment that are entered already: ")) b { (entered) } "."
            } }
            @match (is_done, self.is_entered_if_done) {
                (true, true) => {
                    p { (consequence(lang, OperationKind::Refund, true)) }
                    @if let Some(account) = &self.account { (confirm::change(lang, account, amount.negated())) }
                },
                (true, false) => p { (lang.of(
                    "Этот возврат уже учтён другим уведомлением, ждёт решения в «Неопознанных» или больше остатка платежа: новой проводки не будет, баланс не изменится. Отменить это решение нельзя.",
                    "This refund was entered by another callback already, waits under «Unmatched», or is more than is left of the payment: no entry is made, and the balance stays. The decision cannot be undone.",
                )) },
                (false, _) if self.is_free_if_not_done => p { (consequence(lang, OperationKind::Refund, false)) },
                (false, _) => p { (lang.of(
                    "Вернуть эту сумму ещё раз нельзя: по платежу столько не осталось. Баланс не изменится. Отменить это решение нельзя.",
                    "The amount cannot be refunded again: so much is not left of the payment. The balance stays. The decision cannot be undone.",
                )) },
            }
        }
    }
}

/// Asks for confirmation, and says what follows from the decision.
async fn ask(
    app: &App,
    lang: Lang,
    session: &Session,
    Typed { id, comment, back }: &Typed,
    verdict: OperationVerdict,
) -> Result<Response, Problem> {
    confirm::how_known(comment)?;
    let id = id.clone();
    let (operation, outlook) = blocking(app, move |app| {
        let operation = app.host.operation(&id)?;
        let outlook = RefundOutlook::of(app, &operation)?;
        Ok((operation, outlook))
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
            @match (&outlook, operation.task.amount()) {
                (Some(outlook), Some(amount)) => (outlook.show(lang, amount, is_done)),
                _ => p { (consequence(lang, operation.task.kind(), is_done)) },
            }
            p { (lang.of("Как вы это узнали: ", "How you know: ")) (comment) }
            form.inline method="post" action={ (ADDRESS) "/" (operation.id) "/decision" } {
                (csrf(session))
                (back.fields())
                input type="hidden" name="comment" value=(comment);
                input type="hidden" name="verdict" value=(value);
                button name="decision" value="confirmed" {
                    @if is_done { (lang.of("Да, выполнена", "Yes, it was done")) } @else { (lang.of("Да, не выполнена", "Yes, it was not done")) }
                }
                a href=(back.address()) { (lang.of("Нет, вернуться", "No, go back")) }
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
