//! Why a request has the answer that it has, as each protocol numbers it.

/// What a reply says. Where ОСМП's protocol has no number of its own, its «other error» is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    Done,
    /// The payment was entered before; in ОСМП's protocol the same as [`Done`](Reason::Done).
    Repeated,
    /// The payment system is to come again.
    Temporary,
    UnknownCommand,
    MalformedAccount,
    UnknownAccount,
    AccountInactive,
    Forbidden,
    MalformedTransaction,
    MalformedAmount,
    /// Billing does not take such an amount, and does not say whether it is too small or too large.
    AmountOutOfRange,
    AmountTooSmall,
    AmountTooLarge,
    MalformedDate,
    OtherCurrency,
    /// No payment of this number is entered: it is not over.
    NotEntered,
    Cancelled,
    NotCancellable,
    Other,
}

impl Reason {
    /// Returns the reason why billing takes no payment, by the code of its problem.
    pub fn of_refusal(code: &str) -> Reason {
        match code {
            "unknown-account" => Reason::UnknownAccount,
            "account-inactive" => Reason::AccountInactive,
            "forbidden" => Reason::Forbidden,
            "amount-out-of-range" => Reason::AmountOutOfRange,
            "amount-too-small" => Reason::AmountTooSmall,
            "amount-too-large" => Reason::AmountTooLarge,
            "currency-mismatch" => Reason::OtherCurrency,
            "not-returnable" => Reason::NotCancellable,
            _ => Reason::Other,
        }
    }

    /// Returns the number in ОСМП's protocol. All but 0, 1 and 90 are final: the payment system does not come again.
    pub fn osmp(self) -> &'static str {
        match self {
            Reason::Done | Reason::Repeated => "0",
            Reason::Temporary => "1",
            Reason::MalformedAccount => "4",
            Reason::UnknownAccount => "5",
            Reason::Forbidden => "7",
            Reason::OtherCurrency => "40",
            Reason::AccountInactive => "79",
            Reason::NotEntered => "90",
            Reason::AmountTooSmall => "241",
            Reason::AmountTooLarge => "242",
            Reason::NotCancellable => "251",
            Reason::UnknownCommand
            | Reason::MalformedTransaction
            | Reason::MalformedAmount
            | Reason::AmountOutOfRange
            | Reason::MalformedDate
            | Reason::Cancelled
            | Reason::Other => "300",
        }
    }

    /// Returns the number in Sber's protocol, which has neither cancellations nor requests for a status.
    pub fn sber(self) -> &'static str {
        match self {
            Reason::Done => "0",
            Reason::Temporary => "1",
            Reason::UnknownCommand => "2",
            Reason::UnknownAccount => "3",
            Reason::MalformedAccount => "4",
            Reason::AccountInactive => "5",
            Reason::MalformedTransaction => "6",
            Reason::Forbidden => "7",
            Reason::Repeated => "8",
            Reason::MalformedAmount | Reason::AmountOutOfRange => "9",
            Reason::AmountTooSmall => "10",
            Reason::AmountTooLarge => "11",
            Reason::MalformedDate => "12",
            Reason::OtherCurrency | Reason::NotEntered | Reason::Cancelled | Reason::NotCancellable | Reason::Other => "300",
        }
    }

    /// Returns the reason in words, for whoever looks at the payment at the payment system.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Done => "OK",
            Reason::Repeated => "Платёж уже проведён",
            Reason::Temporary => "Временная ошибка, повторите запрос позже",
            Reason::UnknownCommand => "Неизвестный тип запроса",
            Reason::MalformedAccount => "Неверный формат номера лицевого счёта",
            Reason::UnknownAccount => "Лицевой счёт не найден",
            Reason::AccountInactive => "Лицевой счёт не активен",
            Reason::Forbidden => "Приём платежа запрещён",
            Reason::MalformedTransaction => "Неверный номер платежа",
            Reason::MalformedAmount => "Неверная сумма",
            Reason::AmountOutOfRange => "Такая сумма не принимается",
            Reason::AmountTooSmall => "Сумма слишком мала",
            Reason::AmountTooLarge => "Сумма слишком велика",
            Reason::MalformedDate => "Неверная дата",
            Reason::OtherCurrency => "Другая валюта",
            Reason::NotEntered => "Платёж не проведён",
            Reason::Cancelled => "Платёж отменён",
            Reason::NotCancellable => "Платёж отменить нельзя",
            Reason::Other => "Платёж не принят",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes of both protocols, for each that billing may give.
    #[test]
    fn refusals_of_billing() {
        for (code, osmp, sber) in [
            ("unknown-account", "5", "3"),
            ("account-inactive", "79", "5"),
            ("forbidden", "7", "7"),
            ("amount-out-of-range", "300", "9"),
            ("amount-too-small", "241", "10"),
            ("amount-too-large", "242", "11"),
            ("currency-mismatch", "40", "300"),
            ("not-returnable", "251", "300"),
            ("of-this-billing", "300", "300"),
        ] {
            let reason = Reason::of_refusal(code);
            assert_eq!((reason.osmp(), reason.sber()), (osmp, sber), "{code}");
        }
    }
}
