//! Scenarios: which callbacks a payment causes.

use serde::Serialize;

/// What happens after the buyer pays. Each scenario has a name, such as `drop-reply`, for the page's parameter `scenario`.
///
/// In every scenario, a callback that the merchant does not accept is sent again. The exceptions are forged ones
/// ([`Scenario::Tamper`], [`Scenario::OtherOrder`], [`Scenario::Forge`]), which are sent once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// One callback, and then the buyer returns.
    Pay,
    /// Same as `pay`; the name is for tests in which the merchant does not accept the callback at first.
    Retry,
    /// The bank rejects the charge.
    Decline,
    /// The same callback three times, each sent after the answer to the previous one.
    Repeat,
    /// The buyer returns first; the callback comes later.
    Delay,
    /// The refund's callback arrives before the payment's, although the payment's transaction is the earlier one.
    Reorder,
    /// Waits for the answer but does not read it, as when a connection breaks; then the callback is sent again.
    DropReply,
    /// Closes the connection as soon as the callback is sent; then it is sent again, possibly while the first is being
    /// processed.
    HangUp,
    /// The payment, and then a full refund.
    Refund,
    /// The payment, and then a full chargeback.
    Chargeback,
    /// The amount exceeds the signed one by 1.00.
    Tamper,
    /// The order differs from the signed one.
    OtherOrder,
    /// Signed with a secret that is not the merchant's.
    Forge,
    /// Correctly signed, with an amount that exceeds the order's by 1.00.
    OtherAmount,
    /// Correctly signed, about an order that does not exist.
    UnknownOrder,
    /// Correctly signed, with a decimal comma in the amount.
    UnknownForm,
}

impl Scenario {
    /// Returns the name, such as `drop-reply`.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// Returns the title on the page, unless the payment system uses its own.
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
