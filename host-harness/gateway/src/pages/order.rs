//! An order's page, from which the payer goes to the payment system and to which the payer returns. It needs no login: its
//! address cannot be guessed.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Money, Order, OrderId, PaymentLink};
use host::{HostError, LinkOptions};
use maud::{Markup, html};

use super::layout::Page;
use super::order_payments::OrderPayments;
use super::text::{self, Lang};
use super::{AppState, amount, ended, qr};
use crate::peer::Peer;
use crate::problem::Problem;
use crate::shared::{App, Shared, blocking};

/// The purpose of the token in the address, which is valid for nothing else.
const ORDER: &str = "order";
/// How long the page of an order stays available, in seconds.
const ORDER_SECONDS: u64 = 365 * 24 * 3600;

/// The interval at which a browser without scripts reloads the page, in the first minute after the order was created and later.
const REFRESH_SECONDS: u64 = 5;
const REFRESH_SECONDS_LATER: u64 = 15;
/// The age of the order at which it stops reloading: nobody waits at such a page any more.
const REFRESHED_SECONDS_MAX: u64 = 1800;

/// The form may lead anywhere: a payment page redirects the payer to banks that are not known in advance, and with a list of
/// allowed hosts a browser would block a form's redirects. Nothing is typed into this page. Its script only requests the page
/// itself.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

fn path(app: &Shared, order: &Order) -> String {
    format!("/cabinet/orders/{}", app.host.key().seal_token(ORDER, &order.id, order.created_at + ORDER_SECONDS))
}

/// Returns the address to which the payment system redirects the payer after success.
pub fn success_url(app: &Shared, order: &Order) -> String {
    format!("{}{}", app.config.public_url, returned_path(app, order))
}

/// Returns the address to which the payment system redirects the payer after failure.
pub fn failure_url(app: &Shared, order: &Order) -> String {
    format!("{}{}/failed", app.config.public_url, path(app, order))
}

/// Returns the options of an order's payment link in the cabinet.
fn link_options(app: &Shared, order: &Order, lang: Lang) -> LinkOptions {
    LinkOptions {
        success_url: success_url(app, order),
        failure_url: failure_url(app, order),
        language: lang.tag().to_owned(),
        ..LinkOptions::default()
    }
}

/// Redirects to the page of a new order. The address has no host, so that the browser stays on its current one.
pub fn to_pay(app: &Shared, order: &Order) -> Redirect {
    Redirect::to(&path(app, order))
}

/// Returns the path of an order's page for a payer who returned.
pub fn returned_path(app: &Shared, order: &Order) -> String {
    format!("{}/returned", path(app, order))
}

/// Where the payer is in the payment flow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The payer has not gone to the payment page yet.
    Before,
    /// The payer returned, and the payment system reports success.
    Returned,
    /// The payer returned, and the payment system reports failure.
    Failed,
}

/// The state of an order.
enum Standing {
    Paid,
    /// It is not paid exactly, but a payment for it arrived, which an operator will review or has entered.
    Seen,
    /// The payment system holds the money, and has not charged it yet.
    Held,
    /// It has expired.
    Over,
    Open(PaymentLink),
    /// It is open, and the payer returned after a payment that was declined.
    Declined,
    /// It cannot be paid now: the provider creates no link.
    Blocked,
}

pub async fn page(State(app): AppState, lang: Lang, Path(token): Path<String>) -> Result<Response, Problem> {
    show(&app, lang, &token, Step::Before).await
}

pub async fn returned(State(app): AppState, lang: Lang, Path(token): Path<String>) -> Result<Response, Problem> {
    show(&app, lang, &token, Step::Returned).await
}

pub async fn failed(State(app): AppState, lang: Lang, Path(token): Path<String>) -> Result<Response, Problem> {
    show(&app, lang, &token, Step::Failed).await
}

/// Accepts a payer's return by POST. The fields that the payment system sends prove nothing and are not read.
pub async fn return_from_payment(State(app): AppState, Path(token): Path<String>) -> Result<Redirect, Problem> {
    to_page(&app, &token, "/returned")
}

/// Does the same after a failure.
pub async fn return_from_failed_payment(State(app): AppState, Path(token): Path<String>) -> Result<Redirect, Problem> {
    to_page(&app, &token, "/failed")
}

/// The form of a new order posts here; a GET is redirected to the order's page.
pub async fn back_to_page(State(app): AppState, Path(token): Path<String>) -> Result<Redirect, Problem> {
    to_page(&app, &token, "")
}

/// Redirects to a page of the token's order. The token is checked first, since an arbitrary text may contain characters that
/// are invalid in a header.
fn to_page(app: &Shared, token: &str, page: &str) -> Result<Redirect, Problem> {
    order_id(app, token)?;
    Ok(Redirect::to(&format!("/cabinet/orders/{token}{page}")))
}

fn missing() -> Problem {
    Problem::from(HostError::unknown_order()).in_russian("Такого заказа нет, или адрес скопирован не целиком.")
}

/// Returns the order id in a token. The order need not exist.
fn order_id(app: &Shared, token: &str) -> Result<OrderId, Problem> {
    // The host sealed it when it created the order.
    app.host.key().open_token(ORDER, token, app.now()).map(OrderId::stored).ok_or_else(missing)
}

fn find(app: &Shared, token: &str) -> Result<Order, Problem> {
    app.host.order(&order_id(app, token)?)?.ok_or_else(missing)
}

fn is_over(app: &Shared, order: &Order) -> bool {
    order.expires_at.is_some_and(|at| at <= app.now())
}

fn standing(app: &Shared, order: &Order, came: &OrderPayments, step: Step, lang: Lang) -> Result<Standing, Problem> {
    if order.paid_by.is_some() {
        return Ok(Standing::Paid);
    }
    if !came.waits.is_empty() || !came.by_operator.is_empty() {
        return Ok(Standing::Seen);
    }
    if came.is_held {
        return Ok(Standing::Held);
    }
    if is_over(app, order) {
        return Ok(Standing::Over);
    }
    if step == Step::Returned && came.is_declined {
        return Ok(Standing::Declined);
    }
    if step == Step::Returned {
        // The payer has paid, and must not pay twice: no link is created.
        return Ok(Standing::Open(PaymentLink::default()));
    }
    app.host.provider(&order.provider)?;
    Ok(app.host.create_cabinet_link(order, link_options(app, order, lang)).map_or_else(
        |error| {
            tracing::warn!(
                provider = order.provider.as_str(),
                order = order.id.as_str(),
                error = error.message,
                "no payment link can be created for an order"
            );
            Standing::Blocked
        },
        Standing::Open,
    ))
}

/// Shows the state of an order by the ledger, whatever the payment page reported.
async fn show(app: &App, lang: Lang, token: &str, step: Step) -> Result<Response, Problem> {
    let asked = token.to_owned();
    let (order, came, standing) = blocking(app, move |app| {
        let order = find(app, &asked)?;
        let came = OrderPayments::of(app.host.order_money(&order.id)?);
        let standing = match ended::page(app, lang, &order).filter(|_| order.paid_by.is_none()) {
            Some(page) => Err(page),
            None => Ok(standing(app, &order, &came, step, lang)?),
        };
        Ok((order, came, standing))
    })
    .await?;
    let standing = match standing {
        Ok(standing) => standing,
        Err(ended) => return Ok(ended.into_response()),
    };
    let view = View { lang, now: app.now(), token, step, order: &order, came: &came };
    let page = Page::plain(lang, view.title(&standing));
    let page = match &standing {
        // After another attempt, the payer returns to the same page.
        Standing::Held | Standing::Declined => page.refreshed(view.refresh()).with_script("/assets/order.js"),
        Standing::Open(link) if view.is_watched(link) => page.refreshed(view.refresh()).with_script("/assets/order.js"),
        Standing::Open(_) => page.with_script("/assets/order.js"),
        _ => page,
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    Ok((headers, page.show(&view.content(&standing))).into_response())
}

/// The data of the page.
struct View<'v> {
    lang: Lang,
    now: u64,
    token: &'v str,
    step: Step,
    order: &'v Order,
    came: &'v OrderPayments,
}

impl View<'_> {
    fn title(&self, standing: &Standing) -> &'static str {
        let Self { lang, step, .. } = self;
        match (standing, step) {
            (Standing::Paid, _) if self.is_all_back() => lang.of("Платёж возвращён", "The payment was refunded"),
            (Standing::Paid, _) => lang.of("Оплачено", "Paid"),
            (Standing::Seen, _) if self.came.waits.is_empty() => lang.of("Зачислено оператором", "Credited by the operator"),
            (Standing::Seen, _) => lang.of("Платёж проверяет оператор", "The operator looks at the payment"),
            (Standing::Held, _) => lang.of("Платёж выполняется", "The payment is under way"),
            (Standing::Over, _) => lang.of("Срок оплаты истёк", "The order has expired"),
            (Standing::Blocked, _) => lang.of("Оплатить сейчас нельзя", "Payment is not available now"),
            (Standing::Declined, _) => lang.of("Платёж отклонён", "The payment was declined"),
            (Standing::Open(_), Step::Before) => lang.of("К оплате", "To pay"),
            (Standing::Open(_), Step::Returned) => lang.of("Ждём подтверждения", "Waiting for confirmation"),
            (Standing::Open(_), Step::Failed) => lang.of("Оплата не прошла", "The payment failed"),
        }
    }

    /// Reports whether all money for the order was returned.
    fn is_all_back(&self) -> bool {
        !self.came.back.is_empty() && self.came.left <= 0
    }

    /// Returns what is left of the payments, if some of it went back.
    fn left(&self) -> Option<Money> {
        let minor_units = i64::try_from(self.came.left.max(0)).unwrap_or(i64::MAX);
        (!self.came.back.is_empty()).then_some(Money { minor_units, ..self.order.amount })
    }

    /// Reports whether the payment may come while the page is shown. Who pays by a code on this page does not leave it.
    fn is_watched(&self, link: &PaymentLink) -> bool {
        self.step != Step::Before || link.qr.is_some()
    }

    /// Returns after how many seconds a browser without scripts reloads the page.
    fn refresh(&self) -> Option<u64> {
        let age = self.now.saturating_sub(self.order.created_at);
        let seconds = if age < 60 { REFRESH_SECONDS } else { REFRESH_SECONDS_LATER };
        (age < REFRESHED_SECONDS_MAX).then_some(seconds)
    }

    fn content(&self, standing: &Standing) -> Markup {
        let lang = self.lang;
        let state = match standing {
            Standing::Paid => "paid",
            Standing::Seen => "seen",
            Standing::Held => "held",
            Standing::Over => "over",
            Standing::Declined => "declined",
            Standing::Blocked | Standing::Open(_) => "open",
        };
        let is_watched = match standing {
            Standing::Open(link) => self.is_watched(link),
            Standing::Held | Standing::Declined => true,
            Standing::Paid | Standing::Seen | Standing::Over | Standing::Blocked => false,
        };
        html! {
            // The script replaces this element when the state changes, and a screen reader then reads it.
            div data-order=(state) data-watched[is_watched] role="status" tabindex="-1" {
                p { (self.sum(standing)) b { (text::amount(lang, self.order.amount)) } }
                (self.came())
                @match standing {
                    Standing::Paid | Standing::Seen => {},
                    Standing::Held => { (self.hint(
                        "Банк удерживает эту сумму, но ещё не списал её. Платить второй раз не нужно: страница обновится сама.",
                        "The bank holds this amount and has not charged it yet. Do not pay again: this page updates itself.",
                    )) (self.look()) },
                    Standing::Over => { (self.hint(
                        "Если вы уже заплатили, второй раз платить не нужно: деньги будут зачислены, как только платёжная система подтвердит платёж.",
                        "If you have already paid, do not pay again: the money is credited as soon as the payment system confirms it.",
                    )) (self.anew()) (self.look()) },
                    Standing::Blocked => { (self.hint(
                        "Платёжная система сейчас не принимает этот заказ. Деньги не списаны. Создайте новый заказ или попробуйте позже.",
                        "The payment system does not take this order now. No money was taken. Make a new order, or try later.",
                    )) (self.anew()) },
                    Standing::Declined => (self.declined()),
                    Standing::Open(link) => (self.open(link)),
                }
            }
            p { a href="/cabinet" { (lang.of("В личный кабинет", "To the cabinet")) } }
        }
    }

    fn sum(&self, standing: &Standing) -> &'static str {
        match (standing, self.step) {
            (Standing::Paid, _) => self.lang.of("Платёж зачислен: ", "The payment was credited: "),
            (Standing::Seen | Standing::Held, _) | (_, Step::Returned) => {
                self.lang.of("Сумма заказа: ", "The order's amount: ")
            }
            _ => self.lang.of("К оплате: ", "To pay: "),
        }
    }

    /// Shows the other payments, so that the payer does not pay again for money that the operator has.
    fn came(&self) -> Markup {
        let lang = self.lang;
        let line = |ru, en, amount: &Money| html! { p { (lang.of(ru, en)) b { (text::amount(lang, *amount)) } } };
        html! {
            @for amount in &self.came.back { (line("Возвращено: ", "Refunded: ", amount)) }
            @for amount in &self.came.again { (line("Снова зачислено: ", "Credited again: ", amount)) }
            @if let Some(left) = self.left() { (line("Осталось от платежа: ", "Left of the payment: ", &left)) }
            @for amount in &self.came.by_operator { (line("Зачислено оператором: ", "Credited by the operator: ", amount)) }
            @if !self.came.waits.is_empty() {
                @for amount in &self.came.waits { (line("Пришёл платёж, который проверяет оператор: ", "A payment that the operator looks at: ", amount)) }
                (self.hint(
                    "Деньги не потеряны: оператор зачислит их на счёт или вернёт. Платить ещё раз не нужно.",
                    "The money is not lost: the operator credits it to the account or sends it back. Do not pay again.",
                ))
            }
        }
    }

    fn open(&self, link: &PaymentLink) -> Markup {
        let lang = self.lang;
        match self.step {
            Step::Before => html! {
                (self.ways_to_pay(link))
                p { a href={ "/cabinet/orders/" (self.token) "/returned" } { (lang.of("Я уже заплатил", "I have already paid")) } }
            },
            Step::Returned => html! {
                (self.hint(
                    "Подтверждение от платёжной системы ещё не пришло. Страница обновится сама; платить второй раз не нужно.",
                    "The payment system has not confirmed the payment yet. This page updates itself; do not pay again.",
                ))
                (self.look())
                p { a href={ "/cabinet/orders/" (self.token) } { (lang.of("Вернуться к оплате", "Back to the payment")) } }
            },
            Step::Failed => html! {
                (self.hint(
                    "Платёжная система сообщила об отказе: деньги не зачислены. Можно попробовать ещё раз.",
                    "The payment system says that it failed: no money was credited. You may try again.",
                ))
                (self.ways_to_pay(link))
                (self.look())
            },
        }
    }

    fn ways_to_pay(&self, link: &PaymentLink) -> Markup {
        html! {
            (qr::code(self.lang, link))
            @if link.qr.is_some() { (self.hint(
                "Отсканируйте код приложением банка. Страница обновится сама, как только платёж придёт.",
                "Scan the code with your bank's app. This page updates itself as soon as the payment arrives.",
            )) }
            @if link.form.is_some() || link.url != link.qr {
                (payment_form(self.lang, link))
                (self.hint(
                    "Откроется страница платёжной системы. После оплаты вы вернётесь сюда.",
                    "The payment system's page opens. After the payment you come back here.",
                ))
            }
        }
    }

    fn declined(&self) -> Markup {
        html! {
            p.bad { (self.lang.of(
                "Платёжная система или банк отклонили платёж: деньги не зачислены. Попробуйте ещё раз или другой картой.",
                "The payment system or the bank declined the payment: no money was credited. Try again, or use another card.",
            )) }
            p { a href={ "/cabinet/orders/" (self.token) } { (self.lang.of("Попробовать ещё раз", "Try again")) } }
            (self.hint(
                "Если после отказа вы уже заплатили ещё раз, подождите: страница обновится сама.",
                "If you have paid again since then, wait: this page updates itself.",
            ))
            (self.look())
        }
    }

    fn hint(&self, ru: &'static str, en: &'static str) -> Markup {
        html! { p.hint { (self.lang.of(ru, en)) } }
    }

    /// Shows the link that reloads the page, and the time of the last check.
    fn look(&self) -> Markup {
        let lang = self.lang;
        let address = if self.step == Step::Failed { "failed" } else { "returned" };
        html! {
            p {
                a data-look href={ "/cabinet/orders/" (self.token) "/" (address) } { (lang.of("Проверить сейчас", "Check now")) }
                " " span.hint data-said=(lang.of("Подтверждения ещё нет, проверено в ", "Not confirmed yet, checked at ")) {}
            }
        }
    }

    fn anew(&self) -> Markup {
        html! {
            form method="post" action={ "/cabinet/orders/" (self.token) "/again" } {
                button { (self.lang.of("Создать новый заказ", "Make a new order")) }
            }
        }
    }
}

fn payment_form(lang: Lang, link: &PaymentLink) -> Markup {
    let go = lang.of("Перейти к оплате", "Go to the payment page");
    match (&link.form, &link.url) {
        (Some(form), _) => html! {
            form.card method="post" action=(form.action) accept-charset="utf-8" {
                @for (name, value) in &form.inputs { input type="hidden" name=(name) value=(value); }
                button { (go) }
            }
        },
        (None, Some(url)) => html! { p.card { a.button href=(url) { (go) } } },
        (None, None) => html! {},
    }
}

/// Creates an order like one that has expired. If the order can still be paid, it is shown instead.
pub async fn again(
    State(app): AppState,
    lang: Lang,
    peer: Peer,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Redirect, Problem> {
    let address = app.guard.address(&headers, peer.0);
    blocking(&app, move |app| {
        let before = find(app, &token)?;
        app.guard.top_up(&before.account, address)?;
        if before.paid_by.is_some() || !(is_over(app, &before) || before.expires_at.is_none()) {
            return Ok(to_pay(app, &before));
        }
        app.host.offered_provider(&before.provider)?;
        let limits = app.host.top_up_limits(&before.provider)?;
        if !limits.hold(before.amount.minor_units) {
            return Err(Problem::unprocessable(amount::range(lang, before.amount.currency, limits)));
        }
        let Order { account, provider, amount, description, .. } = before;
        let order = app.host.create_cabinet_order(account, provider, amount, description)?;
        Ok(to_pay(app, &order))
    })
    .await
}
