//! A sample of a subscriber's cabinet («Личный кабинет»). Billing, which authenticates its subscribers, sends them here by a
//! link.

use std::collections::BTreeSet;

use axum::extract::{FromRequestParts, Path, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::{AccountNumber, EntryFilter, Money, Order, PageStart, ProviderName};
use host::{HostError, ProviderStatus};
use maud::{Markup, html};
use money::Currency;

use super::layout::Page;
use super::text::{self, Clock, Lang};
use super::{
    AppState, CSRF, CsrfForm, Fields, amount, cookie, order, provider_titles, returns, set_cookie, statistics, unpaid_orders,
};
use crate::identifiers;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::sessions::random;
use crate::shared::{App, Shared, blocking};

const COOKIE: &str = "cabinet";
/// The purpose of each token: a token is only valid for its purpose.
const ENTRANCE: &str = "cabinet-link";
const INSIDE: &str = "cabinet-session";
const FORM: &str = "cabinet-form";

/// The name of the parameter with the order that the form is to be like.
const LIKE: &str = "like";
/// The name of the field that is another one in each form that is shown: a form that is sent again makes no other order.
const KEY: &str = "key";
const KEY_CHARS_MAX: usize = 64;

const ENTRANCE_SECONDS: u64 = 15 * 60;
const INSIDE_SECONDS: u64 = 12 * 3600;
const HISTORY_ROWS: u32 = 50;

fn token(app: &Shared, purpose: &str, text: &str, seconds: u64) -> String {
    app.host.key().seal_token(purpose, text, app.now() + seconds)
}

/// Returns a one-time token for an account. It contains an id of its own.
fn spendable(app: &Shared, purpose: &str, account: &str, seconds: u64) -> Result<String, Problem> {
    Ok(token(app, purpose, &format!("{}/{account}", random()?), seconds))
}

/// The contents of a one-time token.
struct Spendable {
    id: String,
    account: AccountNumber,
}

impl Spendable {
    /// Opens a token. `None` if it is not this host's, or has expired.
    fn of(app: &Shared, purpose: &str, token: &str) -> Option<Spendable> {
        let text = app.host.key().open_token(purpose, token, app.now())?;
        let (id, account) = text.split_once('/')?;
        // The host sealed it for an existing account.
        Some(Spendable { id: id.to_owned(), account: AccountNumber::stored(account) })
    }

    /// Opens a token. `None` if it is not this host's, has expired, or was spent.
    fn read(app: &Shared, purpose: &str, token: &str) -> Option<Spendable> {
        Spendable::of(app, purpose, token).filter(|token| !token.is_spent(app))
    }

    fn is_spent(&self, app: &Shared) -> bool {
        app.host.is_spent(&self.id)
    }

    /// Spends the token. Returns whether it was unspent until now.
    async fn spend(self, app: &App, seconds: u64) -> Result<bool, Problem> {
        blocking(app, move |app| Ok(app.host.spend_token(&self.id, seconds)?)).await
    }
}

/// Returns a one-time link to the cabinet of an account.
pub fn entrance(app: &Shared, account: &str) -> Result<String, Problem> {
    let token = spendable(app, ENTRANCE, account, ENTRANCE_SECONDS)?;
    Ok(format!("{}/cabinet/enter/{token}", app.config.public_url))
}

/// The account of the subscriber who makes the request.
pub struct Subscriber(AccountNumber);

impl FromRequestParts<App> for Subscriber {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Subscriber, Response> {
        let lang = Lang::from_request_parts(parts, app).await.unwrap_or(Lang::Ru);
        let session = session(app, &parts.headers);
        session
            .map(|session| Subscriber(session.account))
            .ok_or_else(|| returns::login_required(lang, parts.uri.query().is_some()))
    }
}

/// Returns the cabinet session of a browser.
fn session(app: &Shared, headers: &HeaderMap) -> Option<Spendable> {
    Spendable::read(app, INSIDE, cookie(headers, COOKIE)?)
}

/// Reports whether a browser has the cabinet of an account open.
pub fn is_open_for(app: &Shared, headers: &HeaderMap, account: &AccountNumber) -> bool {
    session(app, headers).is_some_and(|session| session.account == *account)
}

/// Returns the address of the cabinet with its form filled in like an order, by the token of the order's page.
pub fn address_like(token: &str) -> String {
    format!("/cabinet?{LIKE}={token}")
}

/// Returns the CSRF token of an account's forms.
fn mark(app: &Shared, account: &str) -> String {
    token(app, FORM, account, INSIDE_SECONDS)
}

fn is_marked(app: &Shared, fields: &Fields, account: &str) -> bool {
    app.host.key().open_token(FORM, fields.get(CSRF), app.now()).as_deref() == Some(account)
}

fn foreign_form() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "the form has expired; open the page again")
        .in_russian("Форма устарела. Откройте личный кабинет заново.")
}

fn title(lang: Lang) -> &'static str {
    lang.of("Личный кабинет", "Cabinet")
}

/// Opens the cabinet for a subscriber. If another account's cabinet is open in the browser, the page asks first, and the link
/// stays unspent: a link from somebody else must not make subscribers top up that person's account.
pub async fn enter(
    State(app): AppState,
    lang: Lang,
    method: Method,
    Path(entrance): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(link) = Spendable::of(&app, ENTRANCE, &entrance) else {
        return Ok(returns::login_required(lang, false));
    };
    let open = session(&app, &headers);
    if link.is_spent(&app) {
        // A second click, or an old tab, of a subscriber whose session is open.
        return Ok(match open.filter(|open| open.account == link.account) {
            Some(_) => Redirect::to("/cabinet").into_response(),
            None => used(lang),
        });
    }
    if method == Method::HEAD {
        // A program that checks the link before a person follows it does not spend it.
        return Ok(StatusCode::OK.into_response());
    }
    match open.filter(|open| open.account != link.account) {
        Some(open) => Ok(ask_to_change(&app, lang, &open.account, &link.account, &entrance).into_response()),
        None => spend_link(&app, lang, link).await,
    }
}

/// Returns the page for a spent link. After a double click the browser shows the second answer, but has the first one's cookie.
fn used(lang: Lang) -> Response {
    let page = Page::plain(lang, title(lang)).show(&html! {
        p { (lang.of(
            "По этой ссылке уже вошли: она действует один раз. Если вошли вы, откройте личный кабинет; если нет, войдите ещё раз из личного кабинета оператора.",
            "Somebody has come in by this link: it is good for once. If it was you, open the cabinet; if not, come in again from your operator's page.",
        )) }
        p { a href="/cabinet" { (lang.of("Открыть личный кабинет", "Open the cabinet")) } }
    });
    (StatusCode::FORBIDDEN, page).into_response()
}

/// Switches from the open cabinet to that of the link.
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
        None => Ok(returns::login_required(lang, false)),
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
        true => start_cabinet_session(app, &account),
        false => Ok(returns::login_required(lang, false)),
    }
}

fn start_cabinet_session(app: &App, account: &str) -> Result<Response, Problem> {
    let token = spendable(app, INSIDE, account, INSIDE_SECONDS)?;
    Ok((set_cookie(app, COOKIE, &token, "/cabinet", INSIDE_SECONDS), Redirect::to("/cabinet")).into_response())
}

/// Opens an account's cabinet for an operator.
pub async fn open_as_operator(
    State(app): AppState,
    Path(account): Path<String>,
    posted: CsrfForm,
) -> Result<Response, Problem> {
    tracing::info!(operator = posted.session.operator, account, "an operator opened an account's cabinet");
    let account = identifiers::account(account)?;
    let number = account.clone();
    blocking(&app, move |app| Ok(app.host.account(&number)?)).await?;
    start_cabinet_session(&app, &account)
}

/// Ends the session, including for copies of its cookie.
pub async fn leave(State(app): AppState, headers: HeaderMap, request: Request) -> Result<Response, Problem> {
    let fields = Fields::read(request).await?;
    if let Some(session) = session(&app, &headers) {
        let is_own_form =
            is_marked(&app, &fields, &session.account) || fields.get(CSRF).is_empty() && is_of_no_other_site(&headers);
        if !is_own_form {
            return Err(foreign_form());
        }
        session.spend(&app, INSIDE_SECONDS).await?;
    }
    Ok((set_cookie(&app, COOKIE, "", "/cabinet", 0), Redirect::to("/cabinet/leave")).into_response())
}

/// Shows the page after logout.
pub async fn left(State(app): AppState, lang: Lang, headers: HeaderMap) -> Response {
    if session(&app, &headers).is_some() {
        return Redirect::to("/cabinet").into_response();
    }
    Page::plain(lang, lang.of("Вы вышли из личного кабинета", "You have left the cabinet"))
        .show(&html! {
            p { (lang.of("Чтобы войти снова, откройте личный кабинет оператора.", "To come in again, open the link from your operator.")) }
        })
        .into_response()
}

/// Reports whether a form cannot be from another site's page: browsers send a form's origin with it (Fetch, RFC 6454).
fn is_of_no_other_site(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => !headers.contains_key(header::ORIGIN),
    }
}

/// Shows the cabinet. A payer who returns from a payment system is redirected to the order.
pub async fn page(
    State(app): AppState,
    lang: Lang,
    Subscriber(account): Subscriber,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query: Vec<_> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    if let Some((_, token)) = query.iter().find(|(name, _)| name == LIKE) {
        let (token, number) = (token.clone(), account.clone());
        let like = blocking(&app, move |app| order::of_account(app, &token, &number)).await?;
        let entered = like.map(|order| Entered::like(lang, &order)).unwrap_or_default();
        return Ok(show(&app, lang, account, &entered).await?.into_response());
    }
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

impl Entered {
    /// Returns the form of another order like one.
    fn like(lang: Lang, order: &Order) -> Entered {
        let amount = amount::typed(lang, order.amount.minor_units);
        Entered { amount, provider: order.provider.to_string(), wrong: None }
    }
}

/// A payment system that the subscriber can choose.
struct Choice {
    name: ProviderName,
    title: String,
    /// The limits of a top-up, in words.
    range: String,
}

fn choices(app: &Shared, lang: Lang) -> Result<Vec<Choice>, Problem> {
    let offered = app.host.providers().into_iter().filter(ProviderStatus::is_offered);
    let titles = provider_titles::all(app);
    let choice = |provider: ProviderStatus| {
        let range = amount::range(lang, provider.component.currency()?, app.host.top_up_limits(&provider.name)?);
        let title = titles.get(&provider.name).cloned().unwrap_or_default();
        Ok(Choice { title, name: provider.name, range })
    };
    offered.map(choice).collect()
}

async fn show(app: &App, lang: Lang, account: AccountNumber, entered: &Entered) -> Result<Markup, Problem> {
    let number = account.clone();
    let (account, balances, entries, unpaid, choices) = blocking(app, move |app| {
        let (account, balances) = app.host.account(&number)?;
        let unpaid = unpaid_orders::of(app, &number)?;
        let filter = EntryFilter { account: Some(number), ..EntryFilter::default() };
        Ok((account, balances, app.host.entries(&filter, PageStart::Latest, HISTORY_ROWS)?, unpaid, choices(app, lang)?))
    })
    .await?;
    let (mark, key, clock) = (mark(app, &account.number), random()?, Clock::new(app.config.utc_offset_hours));
    let nothing = [Money { minor_units: 0, currency: Currency::RUB }];
    let shown = if balances.is_empty() { &nothing[..] } else { &balances[..] };
    let content = html! {
        section.card {
            p { (account.name) ", " (lang.of("лицевой счёт ", "account ")) b { (account.number) } }
            @for balance in shown { p.balance { (text::amount(lang, *balance)) } }
        }
        @if choices.is_empty() {
            @if let Some(wrong) = &entered.wrong { p.bad role="alert" { (wrong) } }
            p.hint { (lang.of("Пополнить счёт сейчас нельзя.", "The account cannot be topped up now.")) }
        }
        @else { (form(lang, &mark, &key, entered, &choices)) }
        (unpaid_orders::list(lang, clock, &unpaid))
        h2 { (lang.of("История", "History")) }
        (statistics::table(lang, clock, &entries, None))
        form method="post" action="/cabinet/leave" {
            input type="hidden" name=(CSRF) value=(mark);
            button.quiet { (lang.of("Выйти", "Log out")) }
        }
    };
    Ok(Page::plain(lang, title(lang)).show(&content))
}

fn form(lang: Lang, mark: &str, key: &str, entered: &Entered, choices: &[Choice]) -> Markup {
    let is_chosen = |at: usize, name: &str| {
        let is_known = choices.iter().any(|choice| choice.name == entered.provider.as_str());
        if is_known { name == entered.provider } else { at == 0 }
    };
    let ranges: BTreeSet<&str> = choices.iter().map(|choice| choice.range.as_str()).collect();
    let of_all = ranges.first().filter(|_| ranges.len() == 1);
    html! {
        form.card method="post" action="/cabinet/orders" {
            input type="hidden" name=(CSRF) value=(mark);
            input type="hidden" name=(KEY) value=(key);
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

/// Returns the key of a form; `None` if it has none.
fn key_of(fields: &Fields) -> Option<String> {
    let key = fields.get(KEY);
    let is_key = (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_key.then(|| key.to_owned())
}

/// Creates an order and redirects to its page, from which the subscriber continues to the payment system. The same form again
/// redirects to the same order.
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
    let (entered, provider) = (fields.get("amount").to_owned(), fields.get("provider").to_owned());
    let (typed, name) = (entered.clone(), provider.clone());
    let (number, key) = (account.clone(), key_of(&fields));
    let made = blocking(&app, move |app| {
        // It may have been paused or removed since the form was shown.
        let name = ProviderName::new(name).map_err(|_| HostError::provider_not_offered());
        let offered = match name.and_then(|name| app.host.offered_provider(&name)) {
            Ok(offered) => offered,
            Err(error) => return Ok(Err(Problem::from(error).shown().sentence(lang == Lang::Ru).to_owned())),
        };
        let (currency, limits) = (offered.component.currency()?, app.host.top_up_limits(&offered.name)?);
        let minor_units = match amount::read(&typed, currency, limits) {
            Ok(minor_units) => minor_units,
            Err(wrong) => return Ok(Err(wrong.text(lang, currency, limits))),
        };
        let description = lang.of("Пополнение лицевого счёта ", "Top-up of the account ").to_owned() + &number;
        let money = Money { minor_units, currency };
        let order = app.host.create_cabinet_order(number, offered.name, money, description, key.as_deref())?;
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
