//! What the buyer sees, in Russian.

use maud::html;
use stand_in::page;

use crate::config::Config;
use crate::request::PaymentRequest;
use crate::scenario::Scenario;

/// What this is not.
pub const SYSTEM: &str = "Robokassa";

/// The payment page.
pub fn payment(config: &Config, request: &PaymentRequest) -> String {
    let scenarios = Scenario::ALL.iter().map(|scenario| (scenario.name(), scenario.title()));
    page::page(
        SYSTEM,
        "Оплата",
        &html! {
            p.price { (request.price) " RUB" }
            @if request.is_test { p.note { "Тестовый платёж" } }
            @if !request.form.get("Description").is_empty() { p { (request.form.get("Description")) } }
            @if let Some(inv_id) = request.inv_id { p { "Счёт " (inv_id) } }
            p { small { "Магазин " (config.merchant_login) } }
            (page::pay_form(request.form.fields(), scenarios, request.scenario.name()))
        },
    )
}
