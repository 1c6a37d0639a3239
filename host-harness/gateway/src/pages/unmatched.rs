//! «Неопознанные платежи»: what an operator has to decide.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use ledger::{RawCallback, Unmatched, Unrecognized};
use maud::{Markup, html};

use super::layout::{Page, titles};
use super::text::{self, Clock, Lang};
use super::{AppState, Operator, Posted, csrf};
use crate::api::{UNMATCHED_MAX, resolve_unmatched, see_to_unrecognized};
use crate::blocking;
use crate::operators::Session;
use crate::problem::Problem;

/// How many callbacks of an unknown form are shown at once, the oldest first.
const UNRECOGNIZED_MAX: u32 = 50;

const ADDRESS: &str = "/operator/unmatched";

pub async fn page(State(app): AppState, lang: Lang, Operator(session): Operator) -> Result<Markup, Problem> {
    let (waiting, unrecognized) =
        blocking(&app, |app| Ok((app.ledger.waiting(UNMATCHED_MAX)?, app.ledger.unrecognized(UNRECOGNIZED_MAX)?))).await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        p.hint {
            (lang.of(
                "Деньги, которые платёжная система подтвердила подписью, но которые не подходят ни к одному заказу. Зачислите их на лицевой счёт или отклоните; кто и почему, останется записанным.",
                "Money that the payment system proved, and that fits no order. Credit it to an account or dismiss it; who did it and why is kept.",
            ))
        }
        @if waiting.is_empty() { p.good { (lang.of("Всё разобрано.", "Nothing waits.")) } }
        @for one in &waiting { (event(lang, clock, &session, one)) }
        @if !unrecognized.is_empty() {
            h2 { (lang.of("Уведомления, которые провайдер не понял", "Callbacks that the provider did not understand")) }
            p.hint {
                (lang.of(
                    "Подписаны, но имеют незнакомую форму, или провайдер не справился. По ним ничего не зачислено. Возможно, платёжная система что-то изменила: обновите провайдера.",
                    "They are signed and of a form that is not known, or the provider failed. Nothing was credited. The payment system may have changed something: update the provider.",
                ))
            }
            @for one in &unrecognized { (callback(lang, clock, &session, one)) }
        }
    };
    Ok(Page::operators(lang, titles::unmatched(lang), &session).show(&content))
}

fn event(lang: Lang, clock: Clock, session: &Session, Unmatched { id, event, reason, at, .. }: &Unmatched) -> Markup {
    html! {
        section.card {
            p {
                b { (text::amount(lang, event.amount)) } " — " (text::event_kind(lang, event.kind)) ", " (event.provider) ", " (clock.text(*at))
            }
            p.bad { (lang.of("Причина: ", "Reason: ")) (text::reason(lang, *reason)) }
            p.hint {
                (lang.of("транзакция ", "transaction ")) (event.transaction)
                @if let Some(order) = &event.order { ", " (lang.of("назван заказ ", "names the order ")) (order) }
            }
            form.filter method="post" action={ (ADDRESS) "/" (id) } {
                (csrf(session))
                label { (lang.of("Лицевой счёт", "Account")) input name="account" maxlength="64"; }
                label { (lang.of("Комментарий", "Comment")) input name="comment" required maxlength="255"; }
                button name="decision" value="credit" { (lang.of("Зачислить", "Credit")) }
                button.quiet name="decision" value="dismiss" { (lang.of("Отклонить", "Dismiss")) }
            }
        }
    }
}

fn callback(lang: Lang, clock: Clock, session: &Session, Unrecognized { id, callback, message }: &Unrecognized) -> Markup {
    let RawCallback { provider, received_at, method, query, body, .. } = callback;
    html! {
        section.card {
            p { b { (provider) } ", " (method) ", " (clock.text(*received_at)) }
            p.bad { (message) }
            @if !query.is_empty() { pre { (query) } }
            @if !body.is_empty() { pre { (String::from_utf8_lossy(body)) } }
            form method="post" action={ "/operator/unrecognized/" (id) } {
                (csrf(session))
                button.quiet { (lang.of("Разобрано", "Seen to")) }
            }
        }
    }
}

/// Credits or dismisses, as the button says.
pub async fn resolve(
    State(app): AppState,
    Path(id): Path<u64>,
    Posted { session, fields }: Posted,
) -> Result<Response, Problem> {
    let account = match fields.get("decision") {
        "credit" => Some(fields.get("account").to_owned()),
        "dismiss" => None,
        _ => return Err(Problem::unprocessable("decide: credit or dismiss")),
    };
    resolve_unmatched(&app, id, account, session.operator, fields.get("comment").to_owned()).await?;
    Ok(Redirect::to(ADDRESS).into_response())
}

pub async fn see_to(State(app): AppState, Path(id): Path<u64>, Posted { session, .. }: Posted) -> Result<Response, Problem> {
    see_to_unrecognized(&app, id, session.operator).await?;
    Ok(Redirect::to(ADDRESS).into_response())
}
