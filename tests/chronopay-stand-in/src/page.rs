//! What the buyer sees, in Russian.

use maud::html;
use stand_in::page;

use crate::config::Config;
use crate::request::PaymentRequest;
use crate::scenario::Scenario;

/// What this is not.
pub const SYSTEM: &str = "ChronoPay";

/// The payment page.
pub fn payment(config: &Config, request: &PaymentRequest) -> String {
    let named = [("Товар", "product_name"), ("Заказ", "order_id"), ("Описание", "description")];
    let scenarios = Scenario::ALL.iter().map(|scenario| (scenario.name(), scenario.title()));
    page::page(
        SYSTEM,
        "Оплата",
        &html! {
            p { "Магазин: " (config.shop_name) }
            p.price { (request.price) " " (config.currency) }
            @for (title, field) in named {
                @if !request.form.get(field).is_empty() { p { (title) ": " (request.form.get(field)) } }
            }
            p { small { "Торговая точка " (config.product_id) } }
            @if request.callback_url.is_none() {
                p.note { "Уведомление отправить некуда: в ссылке нет cb_url, и общий адрес не задан." }
            }
            (page::pay_form(request.form.fields(), scenarios, request.scenario.name()))
        },
    )
}
