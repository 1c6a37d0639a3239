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
use super::{AppState, ended, qr};
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
    /// The payer returned to the address for failures. That alone proves no failure: anybody can be led there, and a browser may
    /// open it before the payment system has reported a payment.
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
    /// The payment system reported that it declined the last attempt to pay.
    Declined,
    /// The money of the last attempt was held, and the hold ended without a payment.
    Released,
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

/// Returns the order of a token.
///
/// # Errors
/// 404 if there is none.
pub fn find(app: &Shared, token: &str) -> Result<Order, Problem> {
    app.host.order(&order_id(app, token)?)?.ok_or_else(missing)
}

/// Reports whether an order has expired.
pub fn is_over(app: &Shared, order: &Order) -> bool {
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
    if came.is_declined {
        return Ok(Standing::Declined);
    }
    if came.is_released {
        return Ok(Standing::Released);
    }
    if is_over(app, order) {
        return Ok(Standing::Over);
    }
    if step != Step::Before {
        // The payer may have paid, and must not pay twice: no link is created.
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
        Standing::Held | Standing::Declined | Standing::Released => {
            page.refreshed(view.refresh()).with_script("/assets/order.js")
        }
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
            (Standing::Paid, _) if self.is_all_back() && !self.came.waits.is_empty() => {
                lang.of("Платёж проверяет оператор", "The operator looks at the payment")
            }
            (Standing::Paid, _) if self.is_all_back() => lang.of("Платёж возвращён", "The payment was refunded"),
            (Standing::Paid, _) => lang.of("Оплачено", "Paid"),
            (Standing::Seen, _) if self.came.waits.is_empty() => lang.of("Зачислено оператором", "Credited by the operator"),
            (Standing::Seen, _) => lang.of("Платёж проверяет оператор", "The operator looks at the payment"),
            (Standing::Held, _) => lang.of("Платёж выполняется", "The payment is under way"),
            (Standing::Over, _) => lang.of("Срок оплаты истёк", "The order has expired"),
            (Standing::Blocked, _) => lang.of("Оплатить сейчас нельзя", "Payment is not available now"),
            (Standing::Declined, _) => lang.of("Платёж отклонён", "The payment was declined"),
            (Standing::Released, _) => lang.of("Платёж не состоялся", "The payment did not take place"),
            (Standing::Open(_), Step::Before) => lang.of("К оплате", "To pay"),
            (Standing::Open(_), Step::Returned | Step::Failed) => lang.of("Ждём подтверждения", "Waiting for confirmation"),
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
            Standing::Released => "released",
            Standing::Blocked | Standing::Open(_) => "open",
        };
        let is_watched = match standing {
            Standing::Open(link) => self.is_watched(link),
            Standing::Held | Standing::Declined | Standing::Released => true,
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
                    Standing::Declined => (self.not_paid(
                        "Платёжная система или банк отклонили платёж: деньги не зачислены. Попробуйте ещё раз или другой картой.",
                        "The payment system or the bank declined the payment: no money was credited. Try again, or use another card.",
                    )),
                    Standing::Released => (self.not_paid(
                        "Платёж не состоялся: удержание снято, деньги не списаны. Можно заплатить ещё раз.",
                        "The payment did not take place: the hold was released, and nothing was charged. You may pay again.",
                    )),
                    Standing::Open(link) => (self.open(link)),
                }
            }
            p { a href="/cabinet" { (lang.of("В личный кабинет", "To the cabinet")) } }
        }
    }

    fn sum(&self, standing: &Standing) -> &'static str {
        match (standing, self.step) {
            (Standing::Paid, _) => self.lang.of("Платёж зачислен: ", "The payment was credited: "),
            (Standing::Seen | Standing::Held | Standing::Declined | Standing::Released, _)
            | (_, Step::Returned | Step::Failed) => self.lang.of("Сумма заказа: ", "The order's amount: "),
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
            @for amount in &self.came.back_unentered { (line("Платёж возвращён, на счёт он не зачислялся: ", "A payment that was not credited went back: ", amount)) }
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
                (self.back_to_payment())
            },
            Step::Failed => html! {
                (self.hint(
                    "Платёжная система ещё не сообщила, чем закончилась оплата. Страница обновится сама. Если деньги списаны, платить второй раз не нужно: они будут зачислены. Если вы не заплатили, вернитесь к оплате.",
                    "The payment system has not told yet what became of the payment. This page updates itself. If you were charged, do not pay again: the money will be credited. If you have not paid, go back to the payment.",
                ))
                (self.look())
                (self.back_to_payment())
            },
        }
    }

    fn back_to_payment(&self) -> Markup {
        html! { p { a href={ "/cabinet/orders/" (self.token) } { (self.lang.of("Вернуться к оплате", "Back to the payment")) } } }
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

    /// Says why the payer was not charged, and offers a new try. That is a new order: at many payment systems the link of a declined
    /// payment cannot be paid again.
    fn not_paid(&self, ru: &'static str, en: &'static str) -> Markup {
        html! {
            p.bad { (self.lang.of(ru, en)) }
            (self.order_form(self.lang.of("Попробовать ещё раз", "Try again")))
            (self.hint(
                "Если вы уже заплатили ещё раз, подождите: страница обновится сама.",
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
        self.order_form(self.lang.of("Создать новый заказ", "Make a new order"))
    }

    /// Shows the form that makes another order like this one.
    fn order_form(&self, button: &str) -> Markup {
        html! {
            form method="post" action={ "/cabinet/orders/" (self.token) "/again" } { button { (button) } }
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

/// Returns the order that a token of its page's address names, if it is of an account.
pub fn of_account(app: &Shared, token: &str, account: &str) -> Result<Option<Order>, Problem> {
    let Ok(id) = order_id(app, token) else { return Ok(None) };
    Ok(app.host.order(&id)?.filter(|order| *order.account == *account))
}
