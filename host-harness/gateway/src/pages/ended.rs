//! The page of an order whose payment system was removed or is not loaded.

use domain::Order;
use host::Availability;
use maud::{Markup, html};

use super::layout::Page;
use super::text::{self, Lang};
use crate::shared::Shared;

/// Returns the page of an open order whose payment system takes no calls, or `None` if it does.
pub fn page(app: &Shared, lang: Lang, order: &Order) -> Option<Markup> {
    let (title, words, advice) = match app.host.availability(&order.provider)? {
        Availability::Loaded => return None,
        Availability::Removed => (
            lang.of("Заказ больше нельзя оплатить", "This order can no longer be paid"),
            lang.of(
                "Платёжная система, для которой он создан, больше не используется.",
                "The payment system that it was made for is no longer in use.",
            ),
            lang.of(
                "Если вы уже заплатили, деньги не потеряны: сообщите оператору номер заказа. Если нет — пополните счёт ещё раз в личном кабинете.",
                "If you have paid, the money is not lost: tell the operator the order's number. If not, top up again in the cabinet.",
            ),
        ),
        Availability::NotLoaded => (
            lang.of("Оплата временно недоступна", "Payment is not available for now"),
            lang.of(
                "Оплата через эту платёжную систему сейчас не работает.",
                "The payment system is out of order now.",
            ),
            lang.of(
                "Если вы уже заплатили, платёж будет зачислен, как только она заработает; платить второй раз не нужно. Если нет — откройте эту страницу позже.",
                "If you have paid, the payment is credited as soon as it works again; do not pay twice. If not, open this page later.",
            ),
        ),
    };
    let content = html! {
        p.bad role="status" { (words) }
        p { (lang.of("Заказ ", "Order ")) b { (order.id) } ", " b { (text::amount(lang, order.amount)) } }
        p.hint { (advice) }
        p { a href="/cabinet" { (lang.of("В личный кабинет", "To the cabinet")) } }
    };
    Some(Page::plain(lang, title).show(&content))
}
