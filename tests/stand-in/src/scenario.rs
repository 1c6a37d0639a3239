//! What is made of a payment.

use serde::Serialize;

/// What is made of a payment once the buyer pays. Each has a name, such as `drop-reply`, for the page's parameter `scenario`.
///
/// A callback that the merchant does not take is sent again, in every scenario, unless it is not the payment system's
/// ([`Scenario::Tamper`], [`Scenario::OtherOrder`], [`Scenario::Forge`]): nobody sends those twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// One callback, and then the buyer returns.
    Pay,
    /// As `pay`: the name of a test in which the merchant does not take it at first.
    Retry,
    /// The bank rejects the charge.
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
    /// The amount is greater by 1.00 than the one that was signed.
    Tamper,
    /// The order is another than the one that was signed.
    OtherOrder,
    /// Signed with a secret that is not the merchant's.
    Forge,
    /// Signed, of an amount that is greater by 1.00 than the order's.
    OtherAmount,
    /// Signed, about an order that nobody made.
    UnknownOrder,
    /// Signed, with the amount's decimals after a comma.
    UnknownForm,
}

impl Scenario {
    /// The name, such as `drop-reply`.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What the page calls it, unless the payment system has words of its own.
    pub fn title(self) -> &'static str {
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
            Scenario::OtherOrder => ("other-order", "Заказ изменён после подписи"),
            Scenario::Forge => ("forge", "Подпись чужим секретом"),
            Scenario::OtherAmount => ("other-amount", "Подписана другая сумма"),
            Scenario::UnknownOrder => ("unknown-order", "Неизвестный номер заказа"),
            Scenario::UnknownForm => ("unknown-form", "Сумма с запятой"),
        }
    }
}
