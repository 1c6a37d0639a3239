//! The page of a terminal: a person enters an account and an amount, and sees what the terminal asks and what the host answers.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::{format_description, offset};

use super::{Answer, Payment, Protocol, Terminal};
use crate::form::Form;
use crate::page::{page, respond};
use crate::serving::{ServeError, Serving};

const NAME: &str = "терминал";
/// Protocols of terminals have Moscow's time.
const OSMP_TIME: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day][hour][minute][second]");
const SBER_TIME: &[BorrowedFormatItem<'_>] = format_description!("[day].[month].[year]_[hour]:[minute]:[second]");

/// Serves the page of a terminal on an address.
///
/// # Errors
/// If the address is taken or the system provides no threads.
pub fn serve(terminal: Terminal, listen: &str) -> Result<Serving, ServeError> {
    let router = Router::new().route("/", get(show).post(press)).with_state(Arc::new(terminal));
    Serving::start(router, listen)
}

async fn show(State(terminal): State<Arc<Terminal>>) -> Response {
    let number = now().unix_timestamp().to_string();
    let mut form = Form::default();
    form.set("number", &number);
    form.set("sum", "100.00");
    // A payment has one time, whenever it is reported again.
    form.set("date", &terminal.date().unwrap_or_default());
    respond(StatusCode::OK, page(NAME, "Терминал", &body(&terminal, &form, &html! {})))
}

async fn press(State(terminal): State<Arc<Terminal>>, body_bytes: Bytes) -> Response {
    let form = Form::parse(&body_bytes).unwrap_or_default();
    // It waits for the host.
    let pressed = tokio::task::spawn_blocking(move || {
        let answer = act(&terminal, &form);
        (terminal, form, answer)
    });
    let Ok((terminal, form, answer)) = pressed.await else {
        return respond(StatusCode::INTERNAL_SERVER_ERROR, page(NAME, "Терминал сломался", &html! {}));
    };
    let (status, shown) = match answer {
        Ok(answer) => (StatusCode::OK, exchange(&answer)),
        Err(problem) => (StatusCode::BAD_GATEWAY, html! { p.note { "Ответа нет: " (problem) "." } }),
    };
    respond(status, page(NAME, "Терминал", &body(&terminal, &form, &shown)))
}

fn act(terminal: &Terminal, form: &Form) -> Result<Answer, String> {
    let [number, account, sum, date] = ["number", "account", "sum", "date"].map(|name| form.get(name).trim().to_owned());
    match form.get("action") {
        "check" => terminal.check(&number, &account, &sum),
        "pay" => terminal.pay(&Payment { number, account, sum, date }),
        "cancel" => terminal.cancel(&now().unix_timestamp().to_string(), &number),
        _ => Err("такой кнопки нет".to_owned()),
    }
}

impl Terminal {
    /// Returns the present time as the protocol writes it.
    fn date(&self) -> Result<String, String> {
        let format = if self.protocol == Protocol::Sber { SBER_TIME } else { OSMP_TIME };
        now().format(format).map_err(|error| error.to_string())
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc().to_offset(offset!(+3))
}

fn body(terminal: &Terminal, form: &Form, shown: &Markup) -> Markup {
    html! {
        (shown)
        form method="post" action="/" {
            label { "Лицевой счёт " input name="account" value=(form.get("account")) required; }
            label { "Сумма, рублей " input name="sum" value=(form.get("sum")) required; }
            label { "Номер платежа " input name="number" value=(form.get("number")) required; }
            input type="hidden" name="date" value=(form.get("date"));
            button type="submit" name="action" value="check" { "Проверить" }
            button type="submit" name="action" value="pay" { "Оплатить" }
            @if terminal.protocol != Protocol::Sber {
                button type="submit" name="action" value="cancel" { "Отменить" }
            }
        }
        p { "«Оплатить» ещё раз с тем же номером — повтор: деньги зачисляются один раз. " a href="/" { "Новый платёж" } }
    }
}

fn exchange(answer: &Answer) -> Markup {
    html! {
        p { "Запрос:" }
        pre { (answer.request) }
        p { "Ответ, статус " (answer.status) ":" }
        pre { (answer.body) }
    }
}
