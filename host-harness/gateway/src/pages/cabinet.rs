//! A sample of a subscriber's cabinet («Личный кабинет»). Billing, which knows its subscribers, lets them in by a link.

use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
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
use crate::operators::random;
use crate::orders::{self, Wishes};
use crate::problem::Problem;
use crate::run::Peer;
use crate::{App, Shared, blocking, now, removal};

const COOKIE: &str = "cabinet";
/// What each token is for: none opens another door.
const ENTRANCE: &str = "cabinet-link";
const INSIDE: &str = "cabinet-session";
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

/// A token of an account that can be spent: it has an id of its own.
fn spendable(app: &Shared, purpose: &str, account: &str, seconds: u64) -> Result<String, Problem> {
    Ok(token(app, purpose, &format!("{}/{account}", random()?), seconds))
}

/// What a token says that can be spent.
struct Spendable {
    id: String,
    account: String,
}

impl Spendable {
    /// `None` where the token is not this host's, is over, or was spent.
    fn read(app: &Shared, purpose: &str, token: &str) -> Option<Spendable> {
        let text = app.config.key.read_token(purpose, token, now())?;
        let (id, account) = text.split_once('/')?;
        (!app.spent.contains(id)).then(|| Spendable { id: id.to_owned(), account: account.to_owned() })
    }

    /// Spends it; whether it was good until now.
    async fn spend(self, app: &App, seconds: u64) -> Result<bool, Problem> {
        blocking(app, move |app| Ok(app.spent.spend(&app.ledger, &self.id, now() + seconds, now())?)).await
    }
}

/// The address by which an account's subscriber comes in, once.
pub fn entrance(app: &Shared, account: &str) -> Result<String, Problem> {
    let token = spendable(app, ENTRANCE, account, ENTRANCE_SECONDS)?;
    Ok(format!("{}/cabinet/enter/{token}", app.config.public_url))
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
        let session = session(app, &parts.headers);
        session.map(|session| Subscriber(session.account)).ok_or_else(|| (StatusCode::FORBIDDEN, outside(lang)).into_response())
    }
}

/// The cabinet that a browser has open.
fn session(app: &Shared, headers: &HeaderMap) -> Option<Spendable> {
    Spendable::read(app, INSIDE, cookie(headers, COOKIE)?)
}

/// The mark of an account's own forms.
fn mark(app: &Shared, account: &str) -> String {
    token(app, FORM, account, INSIDE_SECONDS)
}

fn is_marked(app: &Shared, fields: &Fields, account: &str) -> bool {
    app.config.key.read_token(FORM, fields.get(CSRF), now()).as_deref() == Some(account)
}

fn foreign_form() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "the form is too old or not this page's; open the page again")
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

/// Lets a subscriber in. Where the browser has another account's cabinet open it asks first, and the link stays good: a link that
/// somebody else made must not have one top up his account.
pub async fn enter(
    State(app): AppState,
    lang: Lang,
    method: Method,
    Path(entrance): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(link) = Spendable::read(&app, ENTRANCE, &entrance) else {
        return Ok((StatusCode::FORBIDDEN, outside(lang)).into_response());
    };
    if method == Method::HEAD {
        // A program that looks at an address before a person does spends nothing.
        return Ok(StatusCode::OK.into_response());
    }
    match session(&app, &headers).filter(|open| open.account != link.account) {
        Some(open) => Ok(ask_to_change(&app, lang, &open.account, &link.account, &entrance).into_response()),
        None => spend_link(&app, lang, link).await,
    }
}

/// Leaves the cabinet that is open for that of a link.
pub async fn enter_instead(
    State(app): AppState,
    lang: Lang,
    Path(entrance): Path<String>,
    Subscriber(account): Subscriber,
    request: Request,
) -> Result<Response, Problem> {
    if !is_marked(&app, &Fields::read(request).await?, &account) {
        return Err(foreign_form());
    }
    match Spendable::read(&app, ENTRANCE, &entrance) {
        Some(link) => spend_link(&app, lang, link).await,
        None => Ok((StatusCode::FORBIDDEN, outside(lang)).into_response()),
    }
}

fn ask_to_change(app: &App, lang: Lang, open: &str, next: &str, entrance: &str) -> Markup {
    Page::plain(lang, title(lang)).show(&html! {
        p {
            (lang.of("Сейчас открыт кабинет лицевого счёта ", "The cabinet of this account is open: ")) b { (open) } ". "
            (lang.of("Ссылка ведёт в кабинет лицевого счёта ", "The link leads to that of ")) b { (next) } "."
        }
        form.card method="post" action={ "/cabinet/enter/" (entrance) } {
            input type="hidden" name=(CSRF) value=(mark(app, open));
            button { (lang.of("Перейти в кабинет счёта ", "Go to the cabinet of ")) (next) }
        }
        p { a href="/cabinet" { (lang.of("Остаться в кабинете счёта ", "Stay in the cabinet of ")) (open) } }
    })
}

async fn spend_link(app: &App, lang: Lang, link: Spendable) -> Result<Response, Problem> {
    let account = link.account.clone();
    match link.spend(app, ENTRANCE_SECONDS).await? {
        true => let_in(app, &account),
        false => Ok((StatusCode::FORBIDDEN, outside(lang)).into_response()),
    }
}

fn let_in(app: &App, account: &str) -> Result<Response, Problem> {
    let token = spendable(app, INSIDE, account, INSIDE_SECONDS)?;
    Ok((set_cookie(app, COOKIE, &token, "/cabinet", INSIDE_SECONDS), Redirect::to("/cabinet")).into_response())
}

/// An operator looks at an account's cabinet.
pub async fn enter_as(State(app): AppState, Path(account): Path<String>, posted: Posted) -> Result<Response, Problem> {
    tracing::info!(operator = posted.session.operator, account, "an operator enters an account's cabinet");
    let number = account.clone();
    blocking(&app, move |app| app.ledger.account(&number)?.ok_or_else(|| Problem::missing("account"))).await?;
    let_in(&app, &account)
}

/// Ends the session, also for who has a copy of its cookie.
pub async fn leave(State(app): AppState, headers: HeaderMap, request: Request) -> Result<Response, Problem> {
    let fields = Fields::read(request).await?;
    if let Some(session) = session(&app, &headers) {
        if !is_marked(&app, &fields, &session.account) && !(fields.get(CSRF).is_empty() && is_of_no_other_site(&headers)) {
            return Err(foreign_form());
        }
        session.spend(&app, INSIDE_SECONDS).await?;
    }
    Ok((set_cookie(&app, COOKIE, "", "/cabinet", 0), Redirect::to("/cabinet")).into_response())
}

/// Whether no other site's page can have sent a form: a browser says with each where it was sent from (Fetch, RFC 6454).
fn is_of_no_other_site(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => !headers.contains_key(header::ORIGIN),
    }
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
    let mark = mark(app, &account.number);
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
        form method="post" action="/cabinet/leave" {
            input type="hidden" name=(CSRF) value=(mark);
            button.quiet { (lang.of("Выйти", "Leave")) }
        }
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
    app.guard.top_up(&account, app.guard.address(request.headers(), peer.0))?;
    let fields = Fields::read(request).await?;
    if !is_marked(&app, &fields, &account) {
        return Err(foreign_form());
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
    let id = order_of(app, token)?;
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
pub async fn come_back(State(app): AppState, Path(token): Path<String>) -> Result<Redirect, Problem> {
    order_of(&app, &token)?;
    Ok(Redirect::to(&format!("/cabinet/orders/{token}")))
}

/// The same, after a failure.
pub async fn come_back_failed(State(app): AppState, Path(token): Path<String>) -> Result<Redirect, Problem> {
    order_of(&app, &token)?;
    Ok(Redirect::to(&format!("/cabinet/orders/{token}/failed")))
}

/// The order of a token.
fn order_of(app: &Shared, token: &str) -> Result<String, Problem> {
    app.config.key.read_token(ORDER, token, now()).ok_or_else(|| Problem::missing("order"))
}
