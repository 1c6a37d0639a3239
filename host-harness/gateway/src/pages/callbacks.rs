//! The callbacks that an operator must review: unrecognized ones, and those that contradict an earlier one.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Acknowledged, Contradiction, Facts, Outcome, ReviewFilter, StoredCallback, UnrecognizedCallback};
use host::{CallbackResult, ErrorKind};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::Page;
use super::text::{self, Clock, Lang};
use super::waiting::{ADDRESS, List, PAGE_ROWS, pager};
use super::{AppState, CsrfForm, Operator, csrf};
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::blocking;

/// The path of the page with the acknowledged ones.
pub const ACKNOWLEDGED: &str = "/operator/acknowledged";

/// Why nobody had to acknowledge a callback, in Russian and in English.
const REPEATED: (&str, &str) = (
    "Разобрано автоматически: о том же сообщено ещё раз, и это учтено",
    "Closed automatically: the same was told again, and is recorded",
);

/// Shows a stored callback.
fn raw(lang: Lang, clock: Clock, callback: &StoredCallback) -> Markup {
    let StoredCallback { provider, received_at, method, query, body, is_masked, .. } = callback;
    html! {
        p { b { (provider) } ", " (method) ", " (clock.text(*received_at)) }
        @if *is_masked { p.hint { (lang.of("Данные карты в нём скрыты перед записью.", "Card data in it was masked before it was kept.")) } }
        @if !query.is_empty() { pre { (query) } }
        @if !body.is_empty() { pre { (String::from_utf8_lossy(body)) } }
    }
}

/// Shows the button that acknowledges a callback; or who acknowledged it, and the button that reopens it.
fn acknowledge(lang: Lang, clock: Clock, session: &Session, action: &str, id: u64, by: Option<&Acknowledged>) -> Markup {
    html! {
        @if let Some(Acknowledged { operator, at }) = by {
            @if operator == Acknowledged::BY_THIS_PROGRAM {
                p.hint { (lang.of(REPEATED.0, REPEATED.1)) ", " (clock.text(*at)) }
            } @else {
                p.hint { (lang.of("Разобрано: ", "Acknowledged by ")) (operator) ", " (clock.text(*at)) }
            }
            form.inline method="post" action={ (action) "/" (id) "/reopen" } {
                (csrf(session))
                button.quiet { (lang.of("Вернуть в список", "Let it wait again")) }
            }
        } @else {
            form.inline method="post" action={ (action) "/" (id) } {
                (csrf(session))
                button.quiet { (lang.of("Отметить разобранным", "Acknowledge")) }
                a href="/operator/corrections" { (lang.of("Внести корректировку", "Enter a correction")) }
            }
        }
    }
}

pub fn unrecognized(lang: Lang, clock: Clock, session: &Session, list: &List<UnrecognizedCallback>) -> Markup {
    html! {
        @if list.total > 0 {
            h2 { (lang.of("Нераспознанные уведомления", "Unrecognized callbacks")) ": " (list.total) }
            p.hint {
                (lang.of(
                    "По ним ничего не зачислено. Если с тех пор исправлены настройки или компонент, проверьте уведомление ещё раз. Иначе, если деньги в личном кабинете платёжной системы есть, внесите корректировку; потом отметьте уведомление разобранным.",
                    "Nothing was credited by them. If settings or the component were put right since, judge the callback again. Otherwise, if the money is at the payment system, enter a correction; then acknowledge the callback.",
                ))
            }
            @for one in &list.rows { (unjudged(lang, clock, session, one)) }
            (pager(lang, ADDRESS, "unrecognized_after", &list.rows, |one| one.id))
        }
    }
}

fn unjudged(lang: Lang, clock: Clock, session: &Session, one: &UnrecognizedCallback) -> Markup {
    let UnrecognizedCallback { id, callback, code, message, times, last_at, acknowledged } = one;
    let action = "/operator/unrecognized";
    html! {
        section.card {
            p.bad { (text::unresolved(lang, code)) }
            p.hint { @if !code.is_empty() { code { (code) } ": " } (text::sentence(lang, message)) }
            @if *times > 1 { p { (lang.of("Сколько раз приходило: ", "Times it came: ")) (times) (lang.of(", в последний раз — ", ", the last time at ")) (clock.text(*last_at)) } }
            (raw(lang, clock, callback))
            @if acknowledged.is_none() && !callback.is_masked {
                form.inline method="post" action={ (action) "/" (id) "/judge" } {
                    (csrf(session))
                    button.quiet { (lang.of("Проверить ещё раз", "Judge again")) }
                }
            }
            (acknowledge(lang, clock, session, action, *id, acknowledged.as_ref()))
        }
    }
}

pub fn contradictions(lang: Lang, clock: Clock, session: &Session, list: &List<Contradiction>) -> Markup {
    html! {
        @if list.total > 0 {
            h2 { (lang.of("Повторные уведомления, которые противоречат первым", "Repeated callbacks that contradict the first")) ": " (list.total) }
            p.hint {
                (lang.of(
                    "Платёжная система сообщила об одной транзакции дважды и по-разному. Учтено первое уведомление. Сверьте с личным кабинетом платёжной системы: если верно второе, отмените решение или внесите корректировки.",
                    "The payment system told of one transaction twice, and differently. The first callback counts. Compare with the payment system: if the second one is right, undo the decision or enter corrections.",
                ))
            }
            @for one in &list.rows { (contradiction(lang, clock, session, one)) }
            (pager(lang, ADDRESS, "contradictions_after", &list.rows, |one| one.id))
        }
    }
}

fn contradiction(lang: Lang, clock: Clock, session: &Session, one: &Contradiction) -> Markup {
    let Contradiction { id, provider, outcome, first, repeated, acknowledged } = one;
    let rows = rows(lang, &first.facts).into_iter().zip(rows(lang, &repeated.facts));
    html! {
        section.card {
            p {
                (lang.of("Транзакция ", "Transaction ")) b { (first.facts.transaction) } ", " (provider) ": "
                @match outcome {
                    Outcome::Recorded { seq, .. } => { (lang.of("по первому уведомлению сделана проводка ", "the first one made the entry ")) (seq) }
                    Outcome::Unmatched { id, .. } => {
                        (lang.of("первое — ", "the first one is the "))
                        a href={ (ADDRESS) "/" (id) } { (lang.of("неопознанный платёж № ", "unmatched payment № ")) (id) }
                    }
                    Outcome::NoMovement { .. } | Outcome::Contradiction { .. } | Outcome::Refused(_) => { (lang.of("по первому деньги не двигались", "no money moved by the first one")) }
                }
            }
            table.changes {
                thead { tr { th { (lang.of("Что", "What")) } th { (lang.of("Сначала", "First")) } th { (lang.of("Потом", "Then")) } } }
                tbody {
                    @for ((name, was), (_, is)) in rows.filter(|((_, was), (_, is))| was != is) {
                        tr {
                            td data-label=(lang.of("Что", "What")) { (name) }
                            td.words data-label=(lang.of("Сначала", "First")) { (was) }
                            td.words data-label=(lang.of("Потом", "Then")) { b { (is) } }
                        }
                    }
                }
            }
            details {
                summary { (lang.of("Оба уведомления, как пришли", "Both callbacks, as they came")) }
                @for report in [first, repeated] {
                    @match &report.callback {
                        Some(callback) => { (raw(lang, clock, callback)) }
                        None => p.hint { (lang.of("Об этом платёжная система ответила на запрос, уведомления не было.", "The payment system said so when it was asked; there was no callback.")) }
                    }
                }
            }
            (acknowledge(lang, clock, session, "/operator/contradictions", *id, acknowledged.as_ref()))
        }
    }
}

/// Returns the facts of a callback with their names.
fn rows(lang: Lang, facts: &Facts) -> [(&'static str, String); 9] {
    let Facts { kind, recurrence, transaction, original, order, account, payer, amount, occurred_at, .. } = facts;
    let given = |text: Option<&str>| text.unwrap_or("—").to_owned();
    [
        (lang.of("вид", "kind"), text::event_kind(lang, *kind).to_owned()),
        (lang.of("повторность", "recurrence"), text::recurrence(lang, *recurrence).to_owned()),
        (lang.of("транзакция", "transaction"), transaction.to_string()),
        (lang.of("возвращаемая транзакция", "original transaction"), given(original.as_deref())),
        (lang.of("заказ", "order"), given(order.as_deref())),
        (lang.of("лицевой счёт", "account"), given(account.as_deref())),
        (lang.of("плательщик", "payer"), given(payer.as_deref())),
        (lang.of("сумма", "amount"), text::amount(lang, *amount)),
        (lang.of("время", "time"), given(occurred_at.as_deref())),
    ]
}

pub async fn acknowledge_one(
    State(app): AppState,
    Path(id): Path<u64>,
    CsrfForm { session, .. }: CsrfForm,
) -> Result<Response, Problem> {
    blocking(&app, move |app| Ok(app.host.acknowledge_unrecognized(id, session.operator)?)).await?;
    Ok(Redirect::to(ADDRESS).into_response())
}

pub async fn acknowledge_contradicting(
    State(app): AppState,
    Path(id): Path<u64>,
    CsrfForm { session, .. }: CsrfForm,
) -> Result<Response, Problem> {
    blocking(&app, move |app| Ok(app.host.acknowledge_contradiction(id, session.operator)?)).await?;
    Ok(Redirect::to(ADDRESS).into_response())
}

/// Has an unrecognized callback judged again, and shows what came of it.
pub async fn judge(
    State(app): AppState,
    lang: Lang,
    Path(id): Path<u64>,
    CsrfForm { session, .. }: CsrfForm,
) -> Result<Markup, Problem> {
    let operator = session.operator.clone();
    let judged = blocking(&app, move |app| match app.host.judge_again(id, operator) {
        Err(error) if error.kind == ErrorKind::NotFound => Err(error.into()),
        judged => Ok(judged),
    })
    .await?;
    let content = html! {
        @match &judged {
            Ok(judged) => {
                (verdict(lang, &judged.result))
                @if let Some(problem) = &judged.problem { p.hint { code { (problem.code) } ": " (text::sentence(lang, problem.message_in(lang.tag()))) } }
                @if judged.lacks_headers {
                    p.bad {
                        (lang.of(
                            "Проверено без секретных заголовков: они закрыты другим ключом, не тем, что в этой папке данных. Если платёжная система подписывает уведомления заголовком, верните файл key, с которым оно пришло, и проверьте ещё раз.",
                            "It was judged without its secret headers: they were sealed with another key than this data folder's. If a header proves the callback, put the key file back with which it came, and judge it again.",
                        ))
                    }
                }
            }
            Err(error) => p.bad role="alert" { (lang.of("Уведомление не принято и ждёт, как прежде. ", "The callback is not accepted, and waits as before. ")) span lang="en" { (error) } }
        }
        p { a href=(ADDRESS) { "← " (lang.of("Все неопознанные платежи", "All unmatched payments")) } }
    };
    Ok(Page::operators(lang, lang.of("Повторная проверка уведомления", "A callback judged again"), &session).show(&content))
}

/// Says what came of a callback that was judged again.
fn verdict(lang: Lang, result: &CallbackResult) -> Markup {
    let CallbackResult::Accepted(outcomes) = result else {
        let why = match result {
            CallbackResult::Unavailable => lang.of(
                "Сейчас его проверить нельзя: платёжная система не ответила. Проверьте позже.",
                "It cannot be judged now: the payment system did not answer. Try again later.",
            ),
            CallbackResult::Refused => lang.of("Подпись не подтвердилась.", "Its signature does not hold."),
            CallbackResult::Ignored | CallbackResult::Answered => lang.of("Оно не о деньгах.", "It is not about money."),
            _ => lang.of("Разобрать его снова не удалось.", "It still cannot be resolved."),
        };
        return html! {
            p.bad role="status" { (why) " " (lang.of("Ничего не зачислено, уведомление ждёт, как прежде.", "Nothing was credited, and it waits as before.")) }
        };
    };
    html! {
        p.good role="status" { (lang.of("Уведомление принято и отмечено разобранным.", "The callback is accepted and acknowledged.")) }
        ul {
            @for outcome in outcomes {
                li {
                    @match outcome {
                        Outcome::Recorded { seq, repeated: false } => { (lang.of("Сделана проводка ", "It made the entry ")) (seq) }
                        Outcome::Recorded { seq, .. } => { (lang.of("Уже было учтено проводкой ", "It was entered before, by the entry ")) (seq) }
                        Outcome::Unmatched { id, .. } => a href={ (ADDRESS) "/" (id) } { (lang.of("Неопознанный платёж № ", "Unmatched payment № ")) (id) }
                        Outcome::NoMovement { .. } => { (lang.of("Деньги не двигались", "No money moved")) }
                        Outcome::Contradiction { .. } | Outcome::Refused(_) => { (lang.of("Противоречит тому, что учтено раньше", "It contradicts what was recorded before")) }
                    }
                }
            }
        }
    }
}

/// Shows the list at the address of a form, as after the language switch.
pub async fn to_list() -> Redirect {
    Redirect::to(ADDRESS)
}

/// Where each list continues.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    unrecognized_before: Option<u64>,
    contradictions_before: Option<u64>,
}

/// Shows the acknowledged callbacks, the latest first, so that each of them can be found again.
pub async fn acknowledged(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Markup, Problem> {
    let (contradictions, unrecognized) = blocking(&app, move |app| {
        let [contradictions, unrecognized] =
            [asked.contradictions_before, asked.unrecognized_before].map(ReviewFilter::AcknowledgedBefore);
        Ok((app.host.contradictions(contradictions, PAGE_ROWS)?, app.host.unrecognized_callbacks(unrecognized, PAGE_ROWS)?))
    })
    .await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        @if contradictions.is_empty() && unrecognized.is_empty() { p.hint { (lang.of("Здесь пока ничего нет.", "There is nothing here yet.")) } }
        @for one in &contradictions { (contradiction(lang, clock, &session, one)) }
        (pager(lang, ACKNOWLEDGED, "contradictions_before", &contradictions, |one| one.id))
        @for one in &unrecognized { (unjudged(lang, clock, &session, one)) }
        (pager(lang, ACKNOWLEDGED, "unrecognized_before", &unrecognized, |one| one.id))
        p { a href=(ADDRESS) { "← " (lang.of("Все неопознанные платежи", "All unmatched payments")) } }
    };
    Ok(Page::operators(lang, lang.of("Разобранные уведомления", "Acknowledged callbacks"), &session).show(&content))
}

pub async fn reopen_one(
    State(app): AppState,
    Path(id): Path<u64>,
    CsrfForm { session, .. }: CsrfForm,
) -> Result<Response, Problem> {
    blocking(&app, move |app| Ok(app.host.reopen_unrecognized(id, session.operator)?)).await?;
    Ok(Redirect::to(ADDRESS).into_response())
}

pub async fn reopen_contradicting(
    State(app): AppState,
    Path(id): Path<u64>,
    CsrfForm { session, .. }: CsrfForm,
) -> Result<Response, Problem> {
    blocking(&app, move |app| Ok(app.host.reopen_contradiction(id, session.operator)?)).await?;
    Ok(Redirect::to(ADDRESS).into_response())
}
