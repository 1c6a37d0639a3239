//! What is made of a payment.

use std::str::FromStr;

use serde::Serialize;
use stand_in::courier::{Plan, Step};
use stand_in::price::Price;
use stand_in::send::Answer;

use crate::config::{Hash, Passwords};
use crate::notification::{Notification, out_sum};

/// What is made of a payment once the buyer pays. Each has a name, such as `drop-reply`, for the parameter `scenario` of the page.
///
/// A notification that is not taken is sent again, in every scenario, unless it is not Robokassa's ([`Scenario::Tamper`],
/// [`Scenario::OtherOrder`], [`Scenario::Forge`]): nobody sends those twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// One notification, and then the buyer returns.
    Pay,
    /// As `pay`: the name of a test in which the shop does not take it at first.
    Retry,
    /// The bank rejects it: Robokassa tells the shop nothing, and the buyer goes to FailURL.
    Decline,
    /// The same notification three times, each after the answer to the one before.
    Repeat,
    /// The buyer returns first; the notification comes later.
    Delay,
    /// The answer is let come and is not read, as when a connection breaks; then it is sent again.
    DropReply,
    /// The connection is closed as soon as it is sent; then it is sent again, maybe while the first is worked on.
    HangUp,
    /// The sum is greater by 1.00 than the one that was signed.
    Tamper,
    /// The order is another than the one that was signed.
    OtherOrder,
    /// Signed with a password that is not the shop's.
    Forge,
    /// Signed, of a sum that is greater by 1.00 than the order's.
    OtherAmount,
    /// Signed, about an order that nobody made.
    UnknownOrder,
    /// Signed, with the sum's decimals after a comma.
    UnknownForm,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 13] = [
        Scenario::Pay,
        Scenario::Retry,
        Scenario::Decline,
        Scenario::Repeat,
        Scenario::Delay,
        Scenario::DropReply,
        Scenario::HangUp,
        Scenario::Tamper,
        Scenario::OtherOrder,
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
            Scenario::Retry => ("retry", "Оплата; повторять уведомление, пока магазин его не примет"),
            Scenario::Decline => ("decline", "Банк отклонил оплату"),
            Scenario::Repeat => ("repeat", "Одно уведомление трижды"),
            Scenario::Delay => ("delay", "Уведомление после возврата покупателя"),
            Scenario::DropReply => ("drop-reply", "Ответ магазина потерян, уведомление повторено"),
            Scenario::HangUp => ("hang-up", "Соединение закрыто сразу, уведомление повторено"),
            Scenario::Tamper => ("tamper", "Сумма изменена после подписи"),
            Scenario::OtherOrder => ("other-order", "Заказ изменён после подписи"),
            Scenario::Forge => ("forge", "Подпись чужим паролем"),
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

const FOREIGN_PASSWORD: &str = "a password of somebody else";

/// What a scenario makes of a payment.
pub fn plan(scenario: Scenario, notification: &Notification, price: Price, hash: Hash, passwords: &Passwords) -> Plan {
    let password = passwords.second.expose();
    let step = |notification: &Notification, signature: &str, answer| Step {
        transaction_id: notification.inv_id.clone(),
        order: notification.order().to_owned(),
        body: notification.encode(signature),
        answer,
        expected: Some(format!("OK{}", notification.inv_id)),
    };
    let genuine = |notification: &Notification| step(notification, &notification.signature(hash, password), Answer::Awaited);
    let payment = genuine(notification);
    let dearer = Notification { out_sum: out_sum(price.greater_by_one(), notification.is_test), ..notification.clone() };
    // An id of 19 digits is one that no host has counted up to.
    let elsewhere = notification.clone().about("9000000000000000001");
    let before_return = match scenario {
        Scenario::Pay | Scenario::Retry => vec![payment],
        Scenario::Delay => return Plan { before_return: Vec::new(), after_return: vec![payment] },
        Scenario::Decline => Vec::new(),
        Scenario::Repeat => vec![payment.clone(), payment.clone(), payment],
        Scenario::DropReply => vec![Step { answer: Answer::Lost, ..payment.clone() }, payment],
        Scenario::HangUp => vec![Step { answer: Answer::HungUpOn, ..payment.clone() }, payment],
        Scenario::Tamper => vec![step(&dearer, &notification.signature(hash, password), Answer::Noted)],
        Scenario::OtherOrder => vec![step(&elsewhere, &notification.signature(hash, password), Answer::Noted)],
        Scenario::Forge => vec![step(notification, &notification.signature(hash, FOREIGN_PASSWORD), Answer::Noted)],
        Scenario::OtherAmount => vec![genuine(&dearer)],
        Scenario::UnknownOrder => vec![genuine(&Notification { inv_id: elsewhere.order().to_owned(), ..elsewhere.clone() })],
        Scenario::UnknownForm => {
            vec![genuine(&Notification { out_sum: notification.out_sum.replace('.', ","), ..notification.clone() })]
        }
    };
    Plan { before_return, after_return: Vec::new() }
}
