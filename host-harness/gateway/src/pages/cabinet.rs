//! A sample of a subscriber's cabinet («Личный кабинет»). Billing, which knows its subscribers, lets them in by a link.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use ledger::{Filter, Money, PageFrom};
use maud::{Markup, html};
use money::Currency;

use super::layout::Page;
use super::text::{self, Clock, Lang};
use super::{AppState, CSRF, Fields, Posted, amount, cookie, order, returns, set_cookie, statistics};
use crate::problem::Problem;
use crate::providers::{Live, Slot};
use crate::run::Peer;
use crate::{App, Shared, blocking, now, orders};

const COOKIE: &str = "cabinet";
/// What each token is for: none opens another door.
const ENTRANCE: &str = "cabinet-entrance";
const INSIDE: &str = "cabinet";
const FORM: &str = "cabinet-form";

const ENTRANCE_SECONDS: u64 = 15 * 60;
const INSIDE_SECONDS: u64 = 12 * 3600;
const HISTORY_ROWS: u32 = 50;

fn token(app: &Shared, purpose: &str, text: &str, seconds: u64) -> String {
    app.config.key.token(purpose, text, now() + seconds)
}

/// The address by which an account's subscriber comes in.
pub fn entrance(app: &Shared, account: &str) -> String {
    format!("{}/cabinet/enter/{}", app.config.public_url, token(app, ENTRANCE, account, ENTRANCE_SECONDS))
}

/// The account of whoever asks.
pub struct Subscriber(String);

impl FromRequestParts<App> for Subscriber {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Subscriber, Response> {
        let lang = Lang::from_request_parts(parts, app).await.unwrap_or(Lang::Ru);
        let token = cookie(&parts.headers, COOKIE);
        let account = token.and_then(|token| app.config.key.read_token(INSIDE, token, now()));
        account.map(Subscriber).ok_or_else(|| returns::outside(lang, parts.uri.query().is_some()))
    }
}

fn title(lang: Lang) -> &'static str {
    lang.of("Личный кабинет", "Cabinet")
}

pub async fn enter(State(app): AppState, lang: Lang, Path(entrance): Path<String>) -> Response {
    match app.config.key.read_token(ENTRANCE, &entrance, now()) {
        Some(account) => let_in(&app, &account),
        None => returns::outside(lang, false),
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

/// The cabinet; whoever comes back from a payment system sees the order that he comes back from.
pub async fn page(
    State(app): AppState,
    lang: Lang,
    Subscriber(account): Subscriber,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query: Vec<_> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    if let Some(order) = returns::find(&app, account.clone(), &query).await? {
        return Ok(order.into_response());
    }
    Ok(show(&app, lang, account, &Entered::default()).await?.into_response())
}

/// What was typed into the form, and what is wrong with it.
#[derive(Default)]
struct Entered {
    amount: String,
    provider: String,
    wrong: Option<String>,
}

/// A payment system that can be chosen.
struct Choice {
    name: String,
    title: String,
    /// How much a top-up may be, in words.
    range: String,
}

fn choices(app: &Shared, lang: Lang) -> Result<Vec<Choice>, Problem> {
    let ready = app.providers.all().into_iter().map(|slot| (slot.live(), slot)).filter(|(live, _)| live.is_ready());
    let choice = |(live, slot): (Arc<Live>, Arc<Slot>)| {
        let range = amount::range(lang, orders::currency(&live)?, slot.limits(app)?);
        Ok(Choice { name: slot.name.clone(), title: live.description().name.clone(), range })
    };
    ready.map(choice).collect()
}

async fn show(app: &App, lang: Lang, account: String, entered: &Entered) -> Result<Markup, Problem> {
    let number = account.clone();
    let (account, balances, entries, choices) = blocking(app, move |app| {
        let (account, balances) = app.ledger.account(&number)?.ok_or_else(|| Problem::missing("account"))?;
        let filter = Filter { account: Some(number), ..Filter::default() };
        Ok((account, balances, app.ledger.page(&filter, PageFrom::Latest, HISTORY_ROWS)?, choices(app, lang)?))
    })
    .await?;
    let mark = token(app, FORM, &account.number, INSIDE_SECONDS);
    let nothing = [Money { minor_units: 0, currency: Currency::RUB }];
    let shown = if balances.is_empty() { &nothing[..] } else { &balances[..] };
    let content = html! {
        section.card {
            p { (account.name) ", " (lang.of("лицевой счёт ", "account ")) b { (account.number) } }
            @for balance in shown { p.balance { (text::amount(lang, *balance)) } }
        }
        @if choices.is_empty() { p.hint { (lang.of("Пополнить счёт сейчас нельзя.", "The account cannot be topped up now.")) } }
        @else { (form(lang, &mark, entered, &choices)) }
        h2 { (lang.of("История", "History")) }
        (statistics::table(lang, Clock::new(app.config.utc_offset_hours), &entries, false))
        form method="post" action="/cabinet/leave" { button.quiet { (lang.of("Выйти", "Log out")) } }
    };
    Ok(Page::plain(lang, title(lang)).show(&content))
}

fn form(lang: Lang, mark: &str, entered: &Entered, choices: &[Choice]) -> Markup {
    let is_chosen = |at: usize, name: &str| {
        let is_known = choices.iter().any(|choice| choice.name == entered.provider);
        if is_known { name == entered.provider } else { at == 0 }
    };
    let ranges: BTreeSet<&str> = choices.iter().map(|choice| choice.range.as_str()).collect();
    let of_all = ranges.first().filter(|_| ranges.len() == 1);
    html! {
        form.card method="post" action="/cabinet/orders" {
            input type="hidden" name=(CSRF) value=(mark);
            label { (lang.of("Сумма", "Amount"))
                input name="amount" inputmode="decimal" required placeholder="100,00" value=(entered.amount)
                    aria-describedby="amount-hint" aria-invalid=[entered.wrong.as_ref().map(|_| "true")];
                span id="amount-hint" {
                    @if let Some(wrong) = &entered.wrong { span.bad role="alert" { (wrong) } }
                    @else if let Some(range) = of_all { span.hint { (range) } }
                }
            }
            @if let [only] = choices { input type="hidden" name="provider" value=(only.name); }
            @else {
                fieldset {
                    legend { (lang.of("Способ оплаты", "Payment method")) }
                    @for (at, choice) in choices.iter().enumerate() {
                        label.choice {
                            input type="radio" name="provider" value=(choice.name) checked[is_chosen(at, &choice.name)];
                            (choice.title)
                            @if of_all.is_none() { " " span.hint { (choice.range) } }
                        }
                    }
                }
            }
            button { (lang.of("Пополнить", "Top up")) }
        }
    }
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
        let detail = "the form is too old or not this page's; open the page again";
        let problem = Problem::new(StatusCode::FORBIDDEN, detail);
        return Err(problem.in_russian("Форма устарела. Откройте личный кабинет заново."));
    }
    let (entered, provider) = (fields.get("amount").to_owned(), fields.get("provider").to_owned());
    let (typed, name) = (entered.clone(), provider.clone());
    let number = account.clone();
    let made = blocking(&app, move |app| {
        let slot = app.providers.get(&name)?;
        let (currency, limits) = (orders::currency(&slot.live())?, slot.limits(app)?);
        let minor_units = match amount::read(&typed, currency, limits) {
            Ok(minor_units) => minor_units,
            Err(wrong) => return Ok(Err(wrong.text(lang, currency, limits))),
        };
        let description = lang.of("Пополнение лицевого счёта ", "Top-up of the account ").to_owned() + &number;
        let order = orders::cabinet_order(number, name, Money { minor_units, currency }, description, now());
        let order = app.ledger.create_order(order, now())?.map_err(order::refused)?;
        Ok(Ok(order::to_pay(app, &order)))
    })
    .await?;
    match made {
        Ok(page) => Ok(page.into_response()),
        Err(wrong) => {
            let entered = Entered { amount: entered, provider, wrong: Some(wrong) };
            Ok(show(&app, lang, account, &entered).await?.into_response())
        }
    }
}
