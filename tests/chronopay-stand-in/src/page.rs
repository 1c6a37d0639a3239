//! What the buyer sees, in Russian.

use maud::{DOCTYPE, Markup, html};

use crate::config::Config;
use crate::request::{PaymentRequest, Refused};
use crate::scenario::Scenario;

const STYLE: &str = "body{font:18px/1.5 sans-serif;max-width:30rem;margin:0 auto;padding:1rem;color:#1a1a1a;background:#fff}\
    h1{font-size:1.4rem}.price{font-size:2rem;font-weight:bold;margin:.5rem 0}\
    .note{padding:.5rem .75rem;background:#fff3cd;border-left:4px solid #b58900;overflow-wrap:anywhere}\
    select,button{font:inherit;width:100%;min-height:3rem;margin:.5rem 0;padding:.5rem;box-sizing:border-box}\
    button{border:1px solid #0b5c2e;border-radius:.4rem;background:#fff;color:#0b5c2e}\
    button[value=pay]{background:#0b5c2e;color:#fff}";

/// The form's field that says which button was pressed.
pub const CHOICE: &str = "choice";

fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="ru" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (STYLE) }
            }
            body {
                h1 { (title) }
                (body)
                p { small { "Это не ChronoPay, а его замена для испытаний. Деньги не списываются." } }
            }
        }
    };
    page.into_string()
}

/// The payment page.
pub fn payment(config: &Config, request: &PaymentRequest) -> String {
    let named = [("Товар", "product_name"), ("Заказ", "order_id"), ("Описание", "description")];
    page(
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
            form method="post" action="/pay" {
                @for (name, value) in request.form.fields() {
                    input type="hidden" name=(name) value=(value);
                }
                label for="scenario" { "Что сделать" }
                select id="scenario" name="scenario" {
                    @for scenario in Scenario::ALL {
                        option value=(scenario.name()) selected[scenario == request.scenario] { (scenario.title()) }
                    }
                }
                button type="submit" name=(CHOICE) value="pay" { "Оплатить" }
                button type="submit" name=(CHOICE) value="refuse" { "Отказаться" }
            }
        },
    )
}

/// Where a request is refused.
pub fn refused(refused: &Refused) -> String {
    let (Refused::Wrong(message) | Refused::Signature(message)) = refused;
    page("Оплатить нельзя", &html! { p.note { (message) } p { "Вернитесь в магазин и начните оплату заново." } })
}

/// Where the shop has named no page to return to.
pub fn outcome(paid: bool) -> String {
    let (title, text) = match paid {
        true => ("Оплата прошла", "Эту страницу можно закрыть."),
        false => ("Оплата не прошла", "Деньги не списаны. Вернитесь в магазин."),
    };
    page(title, &html! { p { (text) } })
}
