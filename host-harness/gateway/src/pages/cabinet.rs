//! A sample of a subscriber's cabinet («Личный кабинет»). Billing, which knows its subscribers, lets them in by a link.

use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use ledger::{Filter, Money, NewOrder, Order, OrderRefusal, PageFrom};
use maud::{Markup, html};
use money::Currency;
use sandbox::records::PaymentLink;
use serde::Deserialize;

use super::layout::Page;
use super::settings::currency;
use super::text::{self, Clock, Lang};
use super::{AppState, CSRF, Fields, Posted, cookie, ended, set_cookie, statistics};
use crate::orders::{self, Wishes};
use crate::problem::Problem;
use crate::run::Peer;
use crate::{App, Shared, blocking, now, removal};

const COOKIE: &str = "cabinet";
/// What each token is for: none opens another door.
const ENTRANCE: &str = "cabinet-entrance";
const INSIDE: &str = "cabinet";
const FORM: &str = "cabinet-form";
const ORDER: &str = "order";

const ENTRANCE_SECONDS: u64 = 15 * 60;
const INSIDE_SECONDS: u64 = 12 * 3600;
/// Whoever paid may look at the order for so long.
const ORDER_SECONDS: u64 = 365 * 24 * 3600;
/// How soon the page of an order that waits for its confirmation asks again; ever later, for a page that nobody closes.
const REFRESH_SECONDS: u64 = 2;
const REFRESH_SECONDS_MAX: u64 = 60;
const REFRESHES_BEFORE_ANOTHER_SECOND: u64 = 5;
const HISTORY_ROWS: u32 = 50;

fn token(app: &Shared, purpose: &str, text: &str, seconds: u64) -> String {
    app.config.key.token(purpose, text, now() + seconds)
}

/// The address by which an account's subscriber comes in.
pub fn entrance(app: &Shared, account: &str) -> String {
    format!("{}/cabinet/enter/{}", app.config.public_url, token(app, ENTRANCE, account, ENTRANCE_SECONDS))
}

/// The address of an order's own page, where the payment system sends the subscriber back to: no one can guess it.
pub fn order_url(app: &Shared, order: &Order) -> String {
    let token = app.config.key.token(ORDER, &order.id, order.created_at + ORDER_SECONDS);
    format!("{}/cabinet/orders/{token}", app.config.public_url)
}

/// The account of whoever asks.
pub struct Subscriber(String);

impl FromRequestParts<App> for Subscriber {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Subscriber, Response> {
        let lang = Lang::from_request_parts(parts, app).await.unwrap_or(Lang::Ru);
        let token = cookie(&parts.headers, COOKIE);
        let account = token.and_then(|token| app.config.key.read_token(INSIDE, token, now()));
        account.map(Subscriber).ok_or_else(|| (StatusCode::FORBIDDEN, outside(lang)).into_response())
    }
}

fn title(lang: Lang) -> &'static str {
    lang.of("Личный кабинет", "Cabinet")
}

/// For who is not in.
fn outside(lang: Lang) -> Markup {
    Page::plain(lang, title(lang)).show(&html! {
        p {
            (lang.of(
                "Войдите по ссылке, которую даёт оператор: она действует 15 минут.",
                "Come in by the link that the operator gives: it is good for 15 minutes.",
            ))
        }
    })
}

pub async fn enter(State(app): AppState, lang: Lang, Path(entrance): Path<String>) -> Response {
    match app.config.key.read_token(ENTRANCE, &entrance, now()) {
        Some(account) => let_in(&app, &account),
        None => (StatusCode::FORBIDDEN, outside(lang)).into_response(),
    }
}

fn let_in(app: &App, account: &str) -> Response {
    let token = token(app, INSIDE, account, INSIDE_SECONDS);
    (set_cookie(app, COOKIE, &token, "/cabinet", INSIDE_SECONDS), Redirect::to("/cabinet")).into_response()
}

/// An operator looks at an account's cabinet.
pub async fn enter_as(State(app): AppState, Path(account): Path<String>, posted: Posted) -> Result<Response, Problem> {
    tracing::info!(operator = posted.session.operator, account, "an operator enters an account's cabinet");
    let number = account.clone();
    blocking(&app, move |app| app.ledger.account(&number)?.ok_or_else(|| Problem::missing("account"))).await?;
    Ok(let_in(&app, &account))
}

pub async fn leave(State(app): AppState) -> Response {
    (set_cookie(&app, COOKIE, "", "/cabinet", 0), Redirect::to("/cabinet")).into_response()
}

pub async fn page(State(app): AppState, lang: Lang, Subscriber(account): Subscriber) -> Result<Markup, Problem> {
    show(&app, lang, account, "", None).await
}

async fn show(app: &App, lang: Lang, account: String, entered: &str, wrong: Option<&str>) -> Result<Markup, Problem> {
    let number = account.clone();
    let (account, balances, entries) = blocking(app, move |app| {
        let (account, balances) = app.ledger.account(&number)?.ok_or_else(|| Problem::missing("account"))?;
        let filter = Filter { account: Some(number), ..Filter::default() };
        Ok((account, balances, app.ledger.page(&filter, PageFrom::Latest, HISTORY_ROWS)?))
    })
    .await?;
    let mark = token(app, FORM, &account.number, INSIDE_SECONDS);
    let nothing = [Money { minor_units: 0, currency: Currency::RUB }];
    let shown = if balances.is_empty() { &nothing[..] } else { &balances[..] };
    let slots: Vec<_> = app.providers.all().into_iter().filter(|slot| slot.is_offered()).collect();
    let content = html! {
        section.card {
            p { (account.name) ", " (lang.of("лицевой счёт ", "account ")) b { (account.number) } }
            @for balance in shown { p.balance { (text::amount(lang, *balance)) } }
        }
        @if let Some(wrong) = wrong { p.bad role="alert" { (wrong) } }
        @if slots.is_empty() { p.hint { (lang.of("Пополнить счёт сейчас нельзя.", "The account cannot be topped up now.")) } }
        @else {
            form.card method="post" action="/cabinet/orders" {
                input type="hidden" name=(CSRF) value=(mark);
                label { (lang.of("Сумма", "Amount")) input name="amount" inputmode="decimal" required placeholder="100,00" value=(entered); }
                @if let [only] = &slots[..] { input type="hidden" name="provider" value=(only.name); }
                @else {
                    fieldset {
                        legend { (lang.of("Чем платить", "By")) }
                        @for (at, slot) in slots.iter().enumerate() {
                            label.choice { input type="radio" name="provider" value=(slot.name) checked[at == 0]; (slot.live().description().name) }
                        }
                    }
                }
                button { (lang.of("Пополнить", "Top up")) }
            }
        }
        h2 { (lang.of("История", "History")) }
        (statistics::table(lang, Clock::new(app.config.utc_offset_hours), &entries, false))
        form method="post" action="/cabinet/leave" { button.quiet { (lang.of("Выйти", "Leave")) } }
    };
    Ok(Page::plain(lang, title(lang)).show(&content))
}

/// Makes an order and shows its page, from which the subscriber goes on to the payment system.
pub async fn top_up(
    State(app): AppState,
    lang: Lang,
    peer: Peer,
    Subscriber(account): Subscriber,
    request: Request,
) -> Result<Response, Problem> {
    app.guard.callback(app.guard.address(request.headers(), peer.0))?;
    let fields = Fields::read(request).await?;
    if app.config.key.read_token(FORM, fields.get(CSRF), now()).as_ref() != Some(&account) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the form is too old or not this page's; open the page again"));
    }
    let entered = fields.get("amount").to_owned();
    let plain: String = entered.chars().filter(|char| !char.is_whitespace()).collect::<String>().replace(',', ".");
    let amount = money::parse_amount(&plain).ok().filter(|minor_units| *minor_units > 0);
    let Some(minor_units) = amount else {
        let wrong =
            lang.of("Введите сумму больше нуля, например 100 или 99,50.", "Enter an amount above zero, such as 100 or 99.50.");
        return Ok(show(&app, lang, account, &entered, Some(wrong)).await?.into_response());
    };
    let provider = fields.get("provider").to_owned();
    let url = blocking(&app, move |app| {
        let slot = app.providers.get(&provider)?;
        removal::require_offered(&slot)?;
        let currency = Currency::parse(&currency(&slot.live())).ok_or_else(|| Problem::internal("no currency".to_owned()))?;
        let description = lang.of("Пополнение лицевого счёта ", "Top-up of the account ").to_owned() + &account;
        let order = NewOrder {
            account,
            provider: slot.name.clone(),
            amount: Money { minor_units, currency },
            description,
            idempotency_key: None,
            expires_at: None,
        };
        let order = app.ledger.create_order(order, now())?.map_err(|refusal| match refusal {
            OrderRefusal::UnknownAccount => Problem::missing("account"),
            OrderRefusal::AmountNotPositive | OrderRefusal::KeyReused => Problem::internal("an order was refused".to_owned()),
        })?;
        Ok(order_url(app, &order))
    })
    .await?;
    Ok(Redirect::to(&url).into_response())
}

/// Where the payment system sends the subscriber back to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It says that all is well.
    Success,
    /// It says that it is not.
    Failure,
}

/// How often the page has looked for the payment.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Looked {
    looked: u64,
}

pub async fn order(
    State(app): AppState,
    lang: Lang,
    Path(token): Path<String>,
    Query(looked): Query<Looked>,
) -> Result<Response, Problem> {
    show_order(&app, lang, &token, Way::Success, looked).await
}

pub async fn failed(
    State(app): AppState,
    lang: Lang,
    Path(token): Path<String>,
    Query(looked): Query<Looked>,
) -> Result<Response, Problem> {
    show_order(&app, lang, &token, Way::Failure, looked).await
}

/// An order's page: what the ledger says of it, whatever the payment system's page said. Whoever comes back from there need not be
/// logged in.
async fn show_order(app: &App, lang: Lang, token: &str, way: Way, Looked { looked }: Looked) -> Result<Response, Problem> {
    let id = app.config.key.read_token(ORDER, token, now()).ok_or_else(|| Problem::missing("order"))?;
    let order = blocking(app, move |app| app.ledger.order(&id)?.ok_or_else(|| Problem::missing("order"))).await?;
    let amount = text::amount(lang, order.order.amount);
    let home = html! { p { a href="/cabinet" { (lang.of("В личный кабинет", "To the cabinet")) } } };
    if order.paid_by.is_some() {
        let page = Page::plain(lang, lang.of("Оплачено", "Paid"));
        let content = html! {
            p.good role="status" { (lang.of("Платёж зачислен: ", "The payment was credited: ")) b { (amount) } }
            (home)
        };
        return Ok(page.show(&content).into_response());
    }
    if let Some(page) = ended::page(app, lang, &order) {
        return Ok(page.into_response());
    }
    let wishes = Wishes { language: lang.tag().to_owned(), ..Wishes::default() };
    let link = blocking(app, move |app| orders::link(app, &*app.providers.get(&order.order.provider)?, &order, wishes)).await?;
    let (title, hint) = match way {
        Way::Success => (
            lang.of("Ждём оплату", "Waiting for the payment"),
            lang.of(
                "Если вы уже заплатили, подтверждение от платёжной системы ещё не пришло. Страница обновится сама; платить второй раз не нужно.",
                "If you have paid, the payment system has not confirmed it yet. This page looks again by itself; do not pay twice.",
            ),
        ),
        Way::Failure => (
            lang.of("Оплата не прошла", "The payment failed"),
            lang.of(
                "Платёжная система сообщила об отказе: деньги не зачислены. Можно попробовать ещё раз.",
                "The payment system says that it failed: no money was credited. You may try again.",
            ),
        ),
    };
    let content = html! {
        p { (lang.of("К оплате: ", "To pay: ")) b { (amount) } }
        (payment_form(lang, &link))
        p.hint { (hint) }
        (home)
    };
    let seconds = (REFRESH_SECONDS + looked / REFRESHES_BEFORE_ANOTHER_SECOND).min(REFRESH_SECONDS_MAX);
    let page = Page::plain(lang, title).refreshed(seconds, format!("looked={}", looked.saturating_add(1)));
    let mut response = page.show(&content).into_response();
    // This page alone has a form that goes elsewhere: to the payment page.
    let policy = super::CONTENT_SECURITY_POLICY.replace("form-action 'self'", &format!("form-action 'self' {}", origin(&link)));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The scheme and host of the payment page.
fn origin(link: &PaymentLink) -> String {
    link.form_action.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn payment_form(lang: Lang, link: &PaymentLink) -> Markup {
    html! {
        form.card method="post" action=(link.form_action) accept-charset="utf-8" {
            @for (name, value) in &link.form_fields { input type="hidden" name=(name) value=(value); }
            button { (lang.of("Перейти к оплате", "Go to the payment page")) }
        }
    }
}

/// The payment system may send the subscriber back by POST; what it says then proves nothing and is not read.
pub async fn come_back(Path(token): Path<String>) -> Redirect {
    Redirect::to(&format!("/cabinet/orders/{token}"))
}

/// The same, after a failure.
pub async fn come_back_failed(Path(token): Path<String>) -> Redirect {
    Redirect::to(&format!("/cabinet/orders/{token}/failed"))
}
