//! What is made of a payment.

use std::str::FromStr;

use serde::Serialize;
use stand_in::price::Price;
use stand_in::send::Answer;

use crate::callback::{Callback, types};

/// What is made of a payment once the buyer pays. Each has a name, such as `drop-reply`, for the parameter `scenario` of the page.
///
/// A callback that is not answered 200 is sent again, in every scenario, unless it is not ChronoPay's ([`Scenario::Tamper`],
/// [`Scenario::Forge`]): nobody sends those twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// One callback, and then the buyer returns.
    Pay,
    /// As `pay`: the name of a test in which the merchant does not answer 200 at first.
    Retry,
    /// The charge is rejected: a callback that says so, by [`Config::decline_callback`](crate::Config::decline_callback).
    Decline,
    /// The same callback three times, each after the answer to the one before.
    Repeat,
    /// The buyer returns first; the callback comes later.
    Delay,
    /// The refund's callback comes before the payment's, whose transaction is the earlier one.
    Reorder,
    /// The answer is let come and is not read, as when a connection breaks; then the callback is sent again.
    DropReply,
    /// The connection is closed as soon as the callback is sent; then it is sent again, maybe while the first is worked on.
    HangUp,
    /// The payment, and then a refund of all of it.
    Refund,
    /// The payment, and then a chargeback of all of it.
    Chargeback,
    /// The total is greater by 1.00 than the one that was signed.
    Tamper,
    /// Signed with a secret that is not the merchant's.
    Forge,
    /// Signed, of a total that is greater by 1.00 than the order's.
    OtherAmount,
    /// Signed, about an order that nobody made.
    UnknownOrder,
    /// Signed, with the total's decimals after a comma.
    UnknownForm,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 15] = [
        Scenario::Pay,
        Scenario::Retry,
        Scenario::Decline,
        Scenario::Repeat,
        Scenario::Delay,
        Scenario::Reorder,
        Scenario::DropReply,
        Scenario::HangUp,
        Scenario::Refund,
        Scenario::Chargeback,
        Scenario::Tamper,
        Scenario::Forge,
        Scenario::OtherAmount,
        Scenario::UnknownOrder,
        Scenario::UnknownForm,
    ];

    /// The name, such as `drop-reply`.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What the page calls it.
    pub(crate) fn title(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Scenario::Pay => ("pay", "Обычная оплата"),
            Scenario::Retry => ("retry", "Оплата; повторять уведомление, пока магазин не ответит 200"),
            Scenario::Decline => ("decline", "Банк отклонил оплату"),
            Scenario::Repeat => ("repeat", "Одно уведомление трижды"),
            Scenario::Delay => ("delay", "Уведомление после возврата покупателя"),
            Scenario::Reorder => ("reorder", "Уведомление о возврате денег раньше уведомления об оплате"),
            Scenario::DropReply => ("drop-reply", "Ответ магазина потерян, уведомление повторено"),
            Scenario::HangUp => ("hang-up", "Соединение закрыто сразу, уведомление повторено"),
            Scenario::Refund => ("refund", "Оплата и возврат денег"),
            Scenario::Chargeback => ("chargeback", "Оплата и её опротестование банком"),
            Scenario::Tamper => ("tamper", "Сумма изменена после подписи"),
            Scenario::Forge => ("forge", "Подпись чужим секретом"),
            Scenario::OtherAmount => ("other-amount", "Подписана другая сумма"),
            Scenario::UnknownOrder => ("unknown-order", "Неизвестный номер заказа"),
            Scenario::UnknownForm => ("unknown-form", "Сумма с запятой"),
        }
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Scenario, String> {
        let named = Scenario::ALL.into_iter().find(|scenario| scenario.name() == text);
        named.ok_or_else(|| format!("it is one of {}", Scenario::ALL.map(Scenario::name).join(", ")))
    }
}

/// A callback, signed, and what is done with its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub callback: Callback,
    pub answer: Answer,
}

/// What is made of a payment.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Sent one after another before the buyer returns.
    pub before_return: Vec<Step>,
    /// Sent some time after.
    pub after_return: Vec<Step>,
}

/// What a plan needs to know besides the payment.
pub struct Rules<'a> {
    pub secret: &'a str,
    pub decline_callback: bool,
    pub refund_keeps_id: bool,
    /// Gives the id of another transaction.
    pub next_transaction: &'a dyn Fn() -> u64,
}

const FOREIGN_SECRET: &str = "a secret of somebody else";

/// What a scenario makes of a payment, whose callback is not signed yet.
pub fn plan(scenario: Scenario, purchase: &Callback, price: Price, rules: &Rules<'_>) -> Plan {
    let genuine = |callback: Callback| Step { callback: callback.sign(rules.secret), answer: Answer::Awaited };
    let payment = genuine(purchase.clone());
    let back = |transaction_type: &str| {
        let back = purchase.clone().with("transaction_type", transaction_type);
        if rules.refund_keeps_id {
            return genuine(back);
        }
        genuine(back.with("transaction_id", &(rules.next_transaction)().to_string()))
    };
    let other_total = price.greater_by_one().to_string();
    let before_return = match scenario {
        Scenario::Pay | Scenario::Retry => vec![payment],
        Scenario::Delay => return Plan { before_return: Vec::new(), after_return: vec![payment] },
        Scenario::Decline if !rules.decline_callback => Vec::new(),
        Scenario::Decline => vec![genuine(purchase.clone().with("transaction_type", types::DECLINE).with("auth_code", ""))],
        Scenario::Repeat => vec![payment.clone(), payment.clone(), payment],
        Scenario::Reorder => vec![back(types::REFUND), payment],
        Scenario::DropReply => vec![Step { answer: Answer::Lost, ..payment.clone() }, payment],
        Scenario::HangUp => vec![Step { answer: Answer::HungUpOn, ..payment.clone() }, payment],
        Scenario::Refund => vec![payment, back(types::REFUND)],
        Scenario::Chargeback => vec![payment, back(types::CHARGEBACK)],
        Scenario::Tamper => {
            vec![Step { callback: payment.callback.with("total", &other_total), answer: Answer::Noted }]
        }
        Scenario::Forge => {
            vec![Step { callback: purchase.clone().sign(FOREIGN_SECRET), answer: Answer::Noted }]
        }
        Scenario::OtherAmount => vec![genuine(purchase.clone().with("total", &other_total))],
        Scenario::UnknownOrder => vec![genuine(about_unknown_order(purchase))],
        Scenario::UnknownForm => vec![genuine(purchase.clone().with("total", &price.to_string().replace('.', ",")))],
    };
    Plan { before_return, after_return: Vec::new() }
}

fn about_unknown_order(purchase: &Callback) -> Callback {
    // An id of 19 digits is one that no host has counted up to.
    let order = format!("9{:0>18}", purchase.get("transaction_id"));
    let about = purchase.clone().with("cs1", &order);
    if purchase.get("order_id").is_empty() { about } else { about.with("order_id", &order) }
}
