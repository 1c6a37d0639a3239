//! The page of a payment: what followed from it, the operations about it, and the form of a refund.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Ability, Event, Money, MovementId, Operation, OperationId, OperationKind, OperationState, PaymentDetails};
use host::{Availability, OperationAction, OperationRequest, TEXT_CHARS_MAX, TopUpLimits, required_text};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, titles};
use super::operation::payment_address;
use super::text::{self, Clock, Lang};
use super::{AppState, CsrfForm, Fields, Operator, amount, confirm, csrf, operation, path_segment, restorations};
use crate::identifiers;
use crate::problem::Problem;
use crate::sessions::{Session, random};
use crate::shared::{App, Shared, blocking};

/// The operation for the page's notice.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    operation: Option<String>,
}

/// The longest reason of a refund, in characters: the smallest limit of the payment systems whose components are here.
const REASON_CHARS_MAX: usize = 250;

/// What was typed into the form of a refund.
struct Typed {
    amount: String,
    reason: String,
}

impl Typed {
    /// Returns the form with the whole rest of the payment.
    fn rest_of(lang: Lang, details: &PaymentDetails) -> Typed {
        let left = details.left.map(|left| amount::typed(lang, left.minor_units));
        Typed { amount: left.unwrap_or_default(), reason: String::new() }
    }

    fn of(fields: &Fields) -> Typed {
        Typed { amount: fields.get("amount").to_owned(), reason: fields.get("reason").to_owned() }
    }

    /// Parses the refund's amount and reason.
    fn read(&self, lang: Lang, details: &PaymentDetails) -> Result<(Money, String), Problem> {
        let currency = paid(details).currency;
        let minor_units = amount::read_any(&self.amount, currency)
            .map_err(|wrong| Problem::unprocessable(wrong.text(lang, currency, TopUpLimits::DEFAULT)))?;
        if minor_units == 0 {
            return Err(Problem::unprocessable("the amount must be positive").in_russian("Сумма должна быть больше нуля."));
        }
        let reason = confirm::reason(&self.reason)?;
        if self.is_reason_long() {
            let detail = format!("the reason has more than {REASON_CHARS_MAX} characters");
            return Err(Problem::unprocessable(detail).in_russian("Причина слишком длинная."));
        }
        Ok((Money { minor_units, currency }, reason))
    }

    fn is_reason_long(&self) -> bool {
        self.reason.trim().chars().count() > REASON_CHARS_MAX
    }
}

fn paid(details: &PaymentDetails) -> Money {
    details.state.movement.event.facts.amount
}

/// Whether a payment's provider can refund it.
enum Refunding {
    Possible,
    /// Its payment system makes one refund of a payment at a time, and one is under way.
    OneUnderWay,
    /// Its component has no refunds.
    Unsupported,
    /// Its component is removed or not loaded.
    NotLoaded,
}

fn refunding(app: &Shared, details: &PaymentDetails) -> Refunding {
    let provider = &details.state.movement.event.provider;
    match (app.host.availability(provider), app.host.provider(provider)) {
        (Some(Availability::Loaded), Ok(status)) if status.component.abilities().contains(&Ability::Refunds) => {
            let is_under_way =
                |one: &Operation| one.task.kind() == OperationKind::Refund && one.state == OperationState::Pending;
            let must_wait = status.component.pays_back_one_at_a_time() && details.operations.iter().any(is_under_way);
            if must_wait { Refunding::OneUnderWay } else { Refunding::Possible }
        }
        (Some(Availability::Loaded), Ok(_)) => Refunding::Unsupported,
        _ => Refunding::NotLoaded,
    }
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Path(payment): Path<String>,
    Query(asked): Query<PageQuery>,
) -> Result<Response, Problem> {
    let details = details(&app, &payment).await?;
    let restorations = blocking(&app, |app| Ok(app.host.restorations()?)).await?;
    let of_notice = |one: &&Operation| Some(one.id.as_str()) == asked.operation.as_deref();
    let of_notice = details.operations.iter().find(of_notice);
    let clock = Clock::new(app.config.utc_offset_hours);
    let notice = html! {
        (notice(lang, clock, &details, of_notice))
        (restorations::warning_elsewhere(lang, clock, &restorations))
    };
    let typed = Typed::rest_of(lang, &details);
    Ok(show(&app, lang, &session, &details, &typed, StatusCode::OK, &notice))
}

async fn details(app: &App, payment: &str) -> Result<PaymentDetails, Problem> {
    let payment = identifiers::payment(payment)?;
    blocking(app, move |app| Ok(app.host.payment(payment)?)).await
}

/// Returns the notice of a refund that was just asked for, tried, withdrawn or decided.
fn notice(lang: Lang, clock: Clock, details: &PaymentDetails, operation: Option<&Operation>) -> Markup {
    let Some(operation) = operation else { return html! {} };
    if operation.task.kind() != OperationKind::Refund {
        return operation::notice(lang, clock, operation);
    }
    let sum = operation.task.amount().map(|amount| text::amount(lang, amount)).unwrap_or_default();
    html! {
        @match &operation.state {
            OperationState::Pending => div.good role="status" {
                p { (lang.of("Записано: вернуть ", "Recorded: refund ")) b { (sum) } "." }
                (operation::standing(lang, clock, operation))
                p { (lang.of("Просить о возврате ещё раз не нужно: программа доведёт его до конца сама.", "Do not ask for the refund again: the program sees it through by itself.")) }
            },
            OperationState::Done { movement, .. } if operation.decision.is_some() && !is_entered(details, *movement) => p.good role="status" {
                (lang.of("Решение записано: возврат выполнен: ", "The decision was recorded that the refund was done: ")) b { (sum) } ". "
                (lang.of("Новой проводки нет, баланс не изменился.", "No entry was made, and the balance stays."))
            },
            OperationState::Done { .. } => p.good role="status" { (lang.of("Возвращено: ", "Refunded: ")) b { (sum) } "." },
            OperationState::Refused { .. } if operation.is_withdrawn() => p.good role="status" {
                (lang.of("Возврат отменён, деньги не двигались: ", "The refund was withdrawn, no money moved: ")) b { (sum) } "."
            },
            OperationState::Refused { .. } if operation.decision.is_some() => p.good role="status" {
                (lang.of("Решение записано: возврат не выполнен: ", "The decision was recorded that the refund was not done: ")) b { (sum) } "."
            },
            OperationState::Refused { message, .. } => p.bad role="alert" {
                (lang.of("Возврат не выполнен, деньги не возвращены: ", "The refund was not done, no money went back: ")) (text::sentence(lang, message))
            },
            OperationState::Unknown { message } => p.bad role="alert" {
                (lang.of("Неизвестно, выполнен ли возврат: ", "It is not known whether the refund was done: ")) (text::sentence(lang, message)) " "
                (lang.of("Найдите его в личном кабинете платёжной системы и запишите ниже, выполнен ли он.", "Look it up at the payment system, and record below whether it was done."))
            },
        }
    }
}

/// Reports whether the movement of a refund is entered.
fn is_entered(details: &PaymentDetails, movement: Option<MovementId>) -> bool {
    details.state.later.iter().any(|one| Some(one.id) == movement)
}

fn show(
    app: &Shared,
    lang: Lang,
    session: &Session,
    details: &PaymentDetails,
    typed: &Typed,
    status: StatusCode,
    notice: &Markup,
) -> Response {
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        (notice)
        (matter(lang, clock, details))
        @if !details.state.later.is_empty() {
            h2 { (lang.of("Что было дальше", "What followed")) }
            ul {
                @for one in &details.state.later {
                    li {
                        (text::event_kind(lang, one.event.facts.kind)) ", " (text::amount(lang, one.event.facts.amount)) ", "
                        (clock.text(one.recorded_at)) ", " (lang.of("транзакция ", "transaction ")) (one.event.facts.transaction)
                    }
                }
            }
        }
        h2 { (lang.of("Операции", "Operations")) }
        @if details.operations.is_empty() { p.hint { (lang.of("Операций по этому платежу не было.", "There was no operation about this payment.")) } }
        @for one in &details.operations { (operation::card(lang, clock, session, one, &operation::Back::Payment(details.state.movement.id))) }
        h2 { (lang.of("Вернуть деньги", "Refund")) }
        (refund(lang, session, details, &refunding(app, details), typed))
    };
    (status, Page::operators(lang, titles::payment(lang), session).show(&content)).into_response()
}

/// Shows a payment.
fn matter(lang: Lang, clock: Clock, details: &PaymentDetails) -> Markup {
    let Event { provider, facts, extra, comment, .. } = &details.state.movement.event;
    html! {
        section.card {
            p { b { (text::amount(lang, facts.amount)) } ", " (provider) ", " (clock.text(details.state.movement.recorded_at)) }
            @match &details.account {
                Some(account) => p {
                    (lang.of("Зачислен на лицевой счёт ", "Credited to the account "))
                    a href={ "/operator/statistics?account=" (path_segment(account)) } { (account) }
                },
                None => p.bad { (lang.of("Платёж не зачислен, или его зачисление отменено.", "The payment is not credited, or its credit was undone.")) },
            }
            @if !comment.is_empty() { p { (comment) } }
            p.hint {
                (lang.of("транзакция ", "transaction ")) (facts.transaction)
                @if let Some(order) = &facts.order { ", " (lang.of("заказ ", "order ")) (order) }
                @if let Some(payer) = &facts.payer { ", " (lang.of("плательщик ", "payer ")) (payer) }
                @if let Some(time) = &facts.occurred_at { ", " (lang.of("по часам платёжной системы ", "by the payment system's clock ")) (time) }
            }
            @if let Some(origin) = text::origin(lang, details.state.movement.origin) { p.hint { (origin) "." } }
            (confirm::extra(lang, extra))
        }
    }
}

/// Shows the form of a refund, or why there is none.
fn refund(lang: Lang, session: &Session, details: &PaymentDetails, refunding: &Refunding, typed: &Typed) -> Markup {
    let Some(left) = details.left else {
        return html! { p { (lang.of("Возвращается только зачисленный платёж.", "Only a credited payment can be refunded.")) } };
    };
    html! {
        @if left.minor_units == 0 {
            p { (lang.of("Возвращать нечего: всё уже возвращено, возвращается сейчас или ждёт решения.", "Nothing is left to refund: all of it went back, is going back, or waits for a decision.")) }
        } @else {
            @match refunding {
                Refunding::Possible => form.card method="post" action={ (payment_address(details.state.movement.id)) "/refund" } {
                    (csrf(session))
                    label { (lang.of("Сумма", "Amount")) " (" (text::currency_sign(left.currency)) ")"
                        input name="amount" required inputmode="decimal" maxlength="40" value=(typed.amount);
                        span.hint { (lang.of("Можно вернуть не больше ", "At most ")) (text::amount(lang, left)) }
                    }
                    label { (lang.of("Почему", "Why"))
                        input name="reason" required maxlength=(REASON_CHARS_MAX) value=(typed.reason) aria-invalid=[typed.is_reason_long().then_some("true")];
                        @if typed.is_reason_long() { span.bad {
                            (lang.of("Платёжные системы принимают не больше ", "Payment systems take at most ")) (REASON_CHARS_MAX)
                            (lang.of(" знаков, здесь ", " characters, there are "))
                            (typed.reason.chars().count()) ". " (lang.of("Ничего не отправлено: сократите причину. ", "Nothing was sent: shorten the reason. "))
                        } }
                        span.hint { (lang.of("Это может увидеть платёжная система.", "The payment system may see it.")) }
                    }
                    button { (lang.of("Вернуть…", "Refund…")) }
                },
                Refunding::OneUnderWay => p { (one_under_way(lang)) },
                Refunding::Unsupported => p {
                    (lang.of(
                        "Компонент этой платёжной системы не умеет возвращать деньги. Сделайте возврат в личном кабинете платёжной системы. Если она пришлёт уведомление о нём, возврат появится здесь сам. Если она таких уведомлений не шлёт, уменьшите баланс: ",
                        "This payment system's component cannot refund. Refund the payment at the payment system. If it sends a callback about that, the refund appears here by itself. If it sends none, debit the account: ",
                    ))
                    a href="/operator/corrections" { (lang.of("«Корректировка»", "Correction")) } "."
                },
                Refunding::NotLoaded => p {
                    (lang.of(
                        "Эта платёжная система удалена, или её компонент не загружен. Сделайте возврат в её личном кабинете, а баланс уменьшите на странице ",
                        "This payment system was removed, or its component is not loaded. Refund the payment there, and debit the account under ",
                    ))
                    a href="/operator/corrections" { (lang.of("«Корректировка»", "Correction")) } "."
                },
            }
        }
    }
}

fn one_under_way(lang: Lang) -> &'static str {
    lang.of(
        "Один возврат этого платежа уже выполняется, а эта платёжная система делает их по очереди. Следующий можно будет сделать, когда этот завершится: он показан выше, в «Операциях».",
        "A refund of this payment is under way, and this payment system makes them one after another. The next one can be made when it has ended: it is shown above, under «Operations».",
    )
}

/// Redirects to the page, when the form's address is opened by GET.
pub async fn again(Path(payment): Path<String>) -> Result<Redirect, Problem> {
    Ok(Redirect::to(&payment_address(identifiers::payment(&payment)?)))
}

/// Asks for confirmation, or refunds a payment.
pub async fn refund_payment(
    State(app): AppState,
    lang: Lang,
    Path(payment): Path<String>,
    CsrfForm { session, fields }: CsrfForm,
) -> Result<Response, Problem> {
    let (details, typed) = (details(&app, &payment).await?, Typed::of(&fields));
    let done = match (typed.read(lang, &details), fields.get("decision")) {
        (Err(problem), _) => Err(problem),
        (Ok(_), "change") => Ok(show(&app, lang, &session, &details, &typed, StatusCode::OK, &html! {})),
        (Ok(refund), "confirmed") if is_as_shown(&details, &fields) => {
            begin(&app, &session, &details, refund, fields.get("key")).await
        }
        (Ok(_), _) if matches!(refunding(&app, &details), Refunding::OneUnderWay) => {
            Err(Problem::new(StatusCode::CONFLICT, one_under_way(Lang::En)).in_russian(one_under_way(Lang::Ru)))
        }
        (Ok((amount, _)), _) => ask(lang, &session, &details, &typed, amount),
    };
    match done {
        Err(problem) if problem.status.is_client_error() && problem.status != StatusCode::NOT_FOUND => {
            Ok(show(&app, lang, &session, &details, &typed, problem.status, &confirm::wrong(lang, Some(&problem))))
        }
        done => done,
    }
}

/// Reports whether a confirmed form was sent before, or the payment has the operations that it had when the page asked: another
/// refund may have been sent from another tab or by somebody else since.
fn is_as_shown(details: &PaymentDetails, fields: &Fields) -> bool {
    let key = fields.get("key");
    let is_repeated = details.operations.iter().any(|one| one.idempotency_key.as_deref() == Some(key));
    is_repeated || details.operations.len().to_string() == fields.get("seen")
}

async fn begin(
    app: &App,
    session: &Session,
    details: &PaymentDetails,
    (amount, reason): (Money, String),
    key: &str,
) -> Result<Response, Problem> {
    let payment = details.state.movement.id;
    let request = OperationRequest {
        provider: details.state.movement.event.provider.clone(),
        payment,
        action: OperationAction::Refund(amount),
        reason,
        operator: session.operator.clone(),
        idempotency_key: Some(required_text("key", key.to_owned(), TEXT_CHARS_MAX)?),
    };
    let id: OperationId = blocking(app, move |app| Ok(app.host.operate(request)?.id)).await?;
    Ok(Redirect::to(&format!("{}?operation={id}", payment_address(payment))).into_response())
}

/// Asks for confirmation in plain words, before anything is sent.
fn ask(lang: Lang, session: &Session, details: &PaymentDetails, typed: &Typed, amount: Money) -> Result<Response, Problem> {
    let left = details.left.unwrap_or(Money { minor_units: 0, ..amount });
    if amount.minor_units > left.minor_units {
        let most = lang.of("Можно вернуть не больше ", "It can be refunded up to ");
        return Err(Problem::unprocessable(format!("{most}{}.", text::amount(lang, left))));
    }
    let (movement, key) = (&details.state.movement, format!("page-{}", random()?));
    let [sum, of] = [amount, paid(details)].map(|amount| text::amount(lang, amount));
    let before = details.operations.iter().filter(|one| one.task.amount() == Some(amount));
    let before: Vec<&Operation> = before.filter(|one| !matches!(one.state, OperationState::Refused { .. })).collect();
    let content = html! {
        section.card {
            @if let Some(before) = before.last() {
                p.bad role="alert" { (lang.of("Такой же возврат этого платежа уже есть: операция ", "There is the same refund of this payment: operation ")) (before.id) "." }
            }
            h2 { (lang.of("Вернуть ", "Refund ")) (sum) (lang.of(" из ", " of ")) (of) "?" }
            p {
                (movement.event.provider) ", " (lang.of("транзакция ", "transaction ")) (movement.event.facts.transaction)
                @if let Some(account) = &details.account { ", " (lang.of("лицевой счёт ", "account ")) b { (account) } }
            }
            p { (lang.of("Деньги уйдут плательщику, отменить возврат нельзя.", "The money goes to the payer, and the refund cannot be undone.")) }
            p { (lang.of("Почему: ", "Why: ")) (typed.reason) }
            form.inline method="post" action={ (payment_address(movement.id)) "/refund" } {
                (csrf(session))
                @for (name, value) in [
                    ("amount", &typed.amount), ("reason", &typed.reason), ("key", &key), ("seen", &details.operations.len().to_string()),
                ] { input type="hidden" name=(name) value=(value); }
                button name="decision" value="confirmed" { (lang.of("Вернуть ", "Refund ")) (sum) }
                button.quiet name="decision" value="change" { (lang.of("Нет, изменить", "No, change it")) }
            }
        }
    };
    Ok(Page::operators(lang, titles::payment(lang), session).show(&content).into_response())
}
