//! Operators' decisions to exclude write-offs from exports.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{ExcludedWriteOff, Exclusion, UndatedWriteOff};
use maud::{Markup, html};

use super::text::{self, Clock, Lang};
use super::{AppState, CsrfForm, csrf};
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::blocking;

/// How many are listed on a page.
pub const PAGE_ROWS: u32 = 50;

const ADDRESS: &str = "/operator/export";

/// Redirects to the page, when the address of one of its forms is opened by GET.
pub async fn to_page() -> Redirect {
    Redirect::to(ADDRESS)
}

pub async fn exclude(State(app): AppState, CsrfForm { session, fields }: CsrfForm) -> Result<Response, Problem> {
    // An id may begin or end with spaces.
    let (writeoff, reason) = (fields.as_sent("writeoff").to_owned(), fields.get("reason").to_owned());
    blocking(&app, move |app| Ok(app.host.exclude_writeoff(writeoff, session.operator, reason)?)).await?;
    Ok(Redirect::to(ADDRESS).into_response())
}

pub async fn include(State(app): AppState, CsrfForm { session, fields }: CsrfForm) -> Result<Response, Problem> {
    let writeoff = fields.as_sent("writeoff").to_owned();
    blocking(&app, move |app| Ok(app.host.include_writeoff(writeoff, session.operator)?)).await?;
    Ok(Redirect::to(ADDRESS).into_response())
}

/// Returns the form that excludes a write-off. Without an id, the form has a field for it.
pub fn form(lang: Lang, session: &Session, id: Option<&str>) -> Markup {
    html! {
        form.filter method="post" action="/operator/export/exclusions" {
            (csrf(session))
            @if let Some(id) = id { input type="hidden" name="writeoff" value=(id); }
            @else { label { (lang.of("Списание (id)", "Write-off (id)")) input name="writeoff" required maxlength="64"; } }
            label { (lang.of("Почему", "Why")) input name="reason" required maxlength="255"; }
            button.quiet {
                (lang.of("Исключить из выгрузок", "Leave out of exports"))
                @if let Some(id) = id { " " (id) }
            }
        }
    }
}

/// Shows the decisions in force. `excluded` may have one more than a page shows.
pub fn list(lang: Lang, clock: Clock, session: &Session, excluded: &[ExcludedWriteOff]) -> Markup {
    let rows = excluded.iter().take(PAGE_ROWS as usize);
    let last = excluded.get(PAGE_ROWS as usize - 1).filter(|_| excluded.len() > PAGE_ROWS as usize);
    html! {
        h2 { (lang.of("Исключено из выгрузок", "Left out of exports")) }
        p.hint {
            (lang.of(
                "Списание, которое нельзя выгрузить, можно исключить: со счёта абонента оно списано, в выгрузке его нет, а манифест называет его и причину.",
                "A write-off that cannot be exported can be left out: the account stays debited, the export lacks it, and the manifest names it with the reason.",
            ))
        }
        @for ExcludedWriteOff { exclusion: Exclusion { writeoff, operator, reason, at, .. }, account, service, date, amount } in rows {
            section.card {
                p {
                    b { (text::amount(lang, *amount)) } " — " (service) ", " (lang.of("списание ", "write-off ")) code { (writeoff) } ", "
                    (lang.of("л/с ", "account ")) (account) ", " (date)
                }
                p { (lang.of("Причина: ", "Reason: ")) (reason) }
                p.hint { (operator) ", " (clock.text(*at)) }
                form method="post" action="/operator/export/exclusions/undo" {
                    (csrf(session))
                    input type="hidden" name="writeoff" value=(writeoff);
                    button.quiet { (lang.of("Вернуть в выгрузки", "Include again")) " " (writeoff) }
                }
            }
        }
        @if let Some(ExcludedWriteOff { exclusion, .. }) = last {
            p.pager { a href={ (ADDRESS) "?before=" (exclusion.id) } rel="next" { (lang.of("Более ранние решения", "Earlier decisions")) " →" } }
        }
        (form(lang, session, None))
    }
}

/// Shows write-offs of an older program that have a date that does not exist, and are not excluded.
pub fn of_no_day(lang: Lang, session: &Session, found: &[(UndatedWriteOff, Option<Exclusion>)]) -> Markup {
    let open: Vec<&UndatedWriteOff> =
        found.iter().filter(|(_, exclusion)| exclusion.is_none()).map(|(no_day, _)| no_day).collect();
    html! {
        @if !open.is_empty() {
            div.bad role="status" {
                p {
                    (lang.of(
                        "Эти списания приняла прежняя версия программы, а их дней нет в календаре. Выгрузить их нельзя: исключите каждое с причиной и, если нужно, пришлите из биллинга под новым id с верной датой, а прежнюю сумму верните корректировкой.",
                        "An older version of the program took these write-offs, whose days are none of the calendar. They cannot be exported: leave each out with a reason, and where need be enter it again under a new id, and give the sum back by a correction.",
                    ))
                }
                @for UndatedWriteOff { id, account, period, date, amount } in &open {
                    p { code { (id) } ", " (lang.of("л/с ", "account ")) (account) ", " (text::amount(lang, *amount)) ": " (lang.of("период с ", "period from ")) (period) ", " (lang.of("дата ", "date ")) (date) }
                    (form(lang, session, Some(id)))
                }
            }
        }
    }
}
