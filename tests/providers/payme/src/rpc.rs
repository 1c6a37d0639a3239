//! JSON-RPC 2.0 as Payme speaks it.

use kit::contract::{CallbackRequest, HttpReply};
use kit::json::{self, Object, ObjectWriter, Value};

/// Why a method has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    Credentials,
    Syntax,
    Method,
    Request,
    Amount,
    NoTransaction,
    NotCancellable,
    NotPerformable,
    NoOrder,
    OrderPaid,
    OrderHeld,
    OrderClosed,
    System,
}

impl Fault {
    fn code(self) -> i64 {
        match self {
            Fault::Credentials => -32_504,
            Fault::Syntax => -32_700,
            Fault::Method => -32_601,
            Fault::Request => -32_600,
            Fault::Amount => -31_001,
            Fault::NoTransaction => -31_003,
            Fault::NotCancellable => -31_007,
            Fault::NotPerformable => -31_008,
            Fault::NoOrder => -31_050,
            Fault::OrderPaid => -31_051,
            Fault::OrderHeld => -31_052,
            Fault::OrderClosed => -31_053,
            Fault::System => -32_400,
        }
    }

    /// Returns what the payer is shown, in Russian, Uzbek and English.
    fn message(self) -> [&'static str; 3] {
        match self {
            Fault::NoOrder => ["Такого заказа нет.", "Bunday buyurtma yoʻq.", "There is no such order."],
            Fault::OrderPaid => ["Заказ уже оплачен.", "Buyurtma toʻlangan.", "The order is paid."],
            Fault::OrderHeld => ["Заказ уже оплачивают.", "Buyurtma toʻlanmoqda.", "The order is being paid."],
            Fault::OrderClosed => ["Срок заказа истёк.", "Buyurtma muddati tugagan.", "The order has expired."],
            Fault::Amount => ["Сумма не равна сумме заказа.", "Summa notoʻgʻri.", "The amount is not that of the order."],
            _ => ["Операция не выполнена.", "Amal bajarilmadi.", "The operation was not carried out."],
        }
    }

    /// Builds the reply to a request of this id.
    pub fn reply(self, id: Option<&Value<'_>>) -> HttpReply {
        reply(id, |reply| {
            reply.object("error", |error| {
                error.integer("code", self.code());
                error.object("message", |message| {
                    ["ru", "uz", "en"]
                        .into_iter()
                        .zip(self.message())
                        .for_each(|(language, text)| message.text(language, text));
                });
                if (-31_099..=-31_050).contains(&self.code()) {
                    error.text("data", "order_id");
                }
            });
        })
    }
}

/// Returns a request's id, if it has one.
pub fn id(request: &CallbackRequest) -> Option<Value<'_>> {
    Object::parse(&request.body).ok()?.find("id")
}

/// Builds the reply with a method's result, an object.
pub fn result(id: Option<&Value<'_>>, write: impl FnOnce(&mut ObjectWriter<'_>)) -> HttpReply {
    reply(id, |reply| reply.object("result", write))
}

fn reply(id: Option<&Value<'_>>, write: impl FnOnce(&mut ObjectWriter<'_>)) -> HttpReply {
    let body = json::object(|reply| {
        reply.text("jsonrpc", "2.0");
        match id {
            Some(id) => reply.copy("id", id),
            None => reply.null("id"),
        }
        write(reply);
    });
    kit::reply::json(200, body)
}
