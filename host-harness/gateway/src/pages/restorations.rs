//! Restorations of the ledger from a copy, on the page «Операции»: since when payments and refunds may be missing, and the record that an
//! operator compared them.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Comparison, Restoration};
use host::missing_since;
use maud::{Markup, html};

use super::layout::{Page, titles};
use super::operation::ADDRESS;
use super::text::{Clock, Lang};
use super::{AppState, CsrfForm, confirm, csrf};
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::blocking;

/// Says what may be missing from the ledger, if nobody has compared it yet; nothing otherwise.
pub fn warning(lang: Lang, clock: Clock, restorations: &[Restoration]) -> Markup {
    let Some(since) = missing_since(restorations) else { return html! {} };
    html! {
        p.bad role="alert" {
            @match since {
                Some(since) => {
                    (lang.of("База данных восстановлена из копии. Платежи, возвраты, повторные списания и отмены подписок, сделанные с ",
                        "The ledger was restored from a copy. Payments, refunds, repeated charges and ends of subscriptions made since "))
                    b { (clock.text(since)) }
                    (lang.of(", могут в ней отсутствовать.", " may be missing from it."))
                },
                None => (lang.of(
                    "База данных восстановлена из копии или начата заново. С какого времени в ней могут отсутствовать платежи, возвраты, повторные списания и отмены подписок, неизвестно.",
                    "The ledger was restored from a copy, or begun anew. It is not known since when payments, refunds, repeated charges and ends of subscriptions may be missing from it.",
                )),
            }
            " "
            (lang.of(
                "Пока это не сверено, программа не отправляет ни возвратов, ни повторных списаний, ни отмен подписок: такие же могли уйти после копии.",
                "Until that is compared, no refund, charge or end of a subscription is sent: the same may have been sent after the copy was made.",
            ))
        }
    }
}

/// The warning on another page, with the link to the page where the comparison is recorded.
pub fn warning_elsewhere(lang: Lang, clock: Clock, restorations: &[Restoration]) -> Markup {
    html! {
        (warning(lang, clock, restorations))
        @if missing_since(restorations).is_some() {
            p { (lang.of("Сверку записывают на странице ", "The comparison is recorded under ")) a href=(ADDRESS) { (lang.of("«Операции»", "Operations")) } "." }
        }
    }
}

/// Shows the warning with the form by which an operator records the comparison.
pub fn open(lang: Lang, clock: Clock, session: &Session, restorations: &[Restoration]) -> Markup {
    let Some(last) = restorations.iter().find(|one| one.comparison.is_none()) else { return html! {} };
    html! {
        section.card {
            (warning(lang, clock, restorations))
            p {
                (lang.of(
                    "В личном кабинете каждой платёжной системы посмотрите возвраты, повторные списания, отмены подписок и платежи за это время. Чего нет в учёте, внесите; по операциям с неизвестным исходом ниже примите решения. Потом запишите сверку здесь.",
                    "Look up the refunds, repeated charges, ends of subscriptions and payments of that time at each payment system. Enter what the ledger lacks, and decide about the operations below whose outcome is unknown. Then record the comparison here.",
                ))
            }
            (form(lang, session, last.id, ""))
        }
    }
}

fn form(lang: Lang, session: &Session, id: u64, comment: &str) -> Markup {
    html! {
        form.filter method="post" action={ (ADDRESS) "/restorations/" (id) } {
            (csrf(session))
            label { (lang.of("Как вы сверили", "How you compared")) input name="comment" required maxlength="255" value=(comment); }
            button { (lang.of("Сверено…", "It was compared…")) }
        }
    }
}

/// Says of which copy a restoration is.
fn copy(lang: Lang, clock: Clock, one: &Restoration) -> Markup {
    html! {
        p {
            @match one.copied_at {
                Some(at) => { (lang.of("Копия от ", "A copy of ")) (clock.text(at)) },
                None => (lang.of("Копия неизвестного времени", "A copy of a time that is not known")),
            }
            (lang.of(", программа запущена с ней ", ", started with it at ")) (clock.text(one.started_at)) "."
        }
    }
}

/// Shows a comparison as a decision, with the restorations that it is about.
pub fn decision(lang: Lang, clock: Clock, comparison: &Comparison, restorations: &[Restoration]) -> Markup {
    let Comparison { operator, comment, at } = comparison;
    html! {
        p { b { (lang.of("Сверено после восстановления из копии", "Compared after a restoration from a copy")) } }
        @for one in restorations { (copy(lang, clock, one)) }
        p { (lang.of("Как сверено: ", "How it was compared: ")) (comment) }
        p.hint { (operator) ", " (clock.text(*at)) }
    }
}

/// Shows the restorations that were compared, with who did it.
pub fn compared(lang: Lang, clock: Clock, restorations: &[Restoration]) -> Markup {
    let compared = || restorations.iter().filter_map(|one| Some((one, one.comparison.as_ref()?)));
    html! {
        @if compared().next().is_some() {
            h2 { (lang.of("Восстановления из копии", "Restorations from a copy")) }
            @for (one, comparison) in compared() {
                section.card {
                    (copy(lang, clock, one))
                    p.hint {
                        (lang.of("Сверено: ", "Compared by ")) (comparison.operator) ", " (clock.text(comparison.at)) ". " (comparison.comment)
                    }
                }
            }
        }
    }
}

/// Asks for confirmation, or records the comparison.
pub async fn compare(
    State(app): AppState,
    lang: Lang,
    Path(id): Path<u64>,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Response, Problem> {
    let comment = fields.get("comment").to_owned();
    let restorations = blocking(&app, |app| Ok(app.host.restorations()?)).await?;
    let checked = confirm::reason(&comment);
    let problem = match (checked, fields.get("decision") == "confirmed") {
        (Ok(comment), true) => {
            let operator = session.operator.clone();
            let recorded = blocking(&app, move |app| Ok(app.host.record_comparison(id, operator, comment)?)).await;
            match recorded {
                Ok(()) => return Ok(Redirect::to(&format!("{ADDRESS}?compared={id}")).into_response()),
                Err(problem) if problem.status == StatusCode::CONFLICT => {
                    Some(problem.in_russian("Эту сверку уже записал другой сотрудник."))
                }
                Err(problem) => return Err(problem),
            }
        }
        (Ok(_), false) => None,
        (Err(problem), _) => Some(problem),
    };
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        (confirm::wrong(lang, problem.as_ref()))
        section.card {
            (warning(lang, clock, &restorations))
            @match &problem {
                Some(problem) if problem.status == StatusCode::CONFLICT => {},
                Some(_) => (form(lang, &session, id, &comment)),
                None => {
                    h2 { (lang.of("Записать, что всё сверено?", "Record that everything was compared?")) }
                    p {
                        (lang.of(
                            "После этого возвраты, повторные списания и отмены подписок снова отправляются, в том числе те, о которых биллинг попросит ещё раз. Всё, что платёжные системы сделали после копии, должно уже быть в учёте.",
                            "After that, refunds, repeated charges and ends of subscriptions are sent again, also those for which billing asks once more. Everything that the payment systems did after the copy was made must be in the ledger by now.",
                        ))
                    }
                    p { (lang.of("Как вы сверили: ", "How you compared: ")) (comment) }
                    form.inline method="post" action={ (ADDRESS) "/restorations/" (id) } {
                        (csrf(&session))
                        input type="hidden" name="comment" value=(comment);
                        button name="decision" value="confirmed" { (lang.of("Да, сверено", "Yes, it was compared")) }
                        a href=(ADDRESS) { (lang.of("Нет, вернуться", "No, go back")) }
                    }
                },
            }
        }
        p { a href=(ADDRESS) { "← " (lang.of("Вернуться", "Back")) } }
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status);
    Ok((status, Page::operators(lang, titles::operations(lang), &session).show(&content)).into_response())
}
