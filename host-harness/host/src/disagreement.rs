//! Why the ledger or billing does not agree to what is wanted, in words.

use domain::{Problem, WishRefusal};

/// Returns why the ledger does not agree to what is wanted, as the provider is told it.
pub fn disagreement(refusal: WishRefusal) -> Problem {
    let (message, in_russian) = match refusal {
        WishRefusal::UnknownAccount => ("There is no such account.", "Такого лицевого счёта нет."),
        WishRefusal::AccountInactive => ("The account takes no payments.", "Счёт не принимает платежи."),
        WishRefusal::AmountOutOfRange => ("The account does not take such an amount.", "Такая сумма не принимается."),
        WishRefusal::Forbidden => ("It is not allowed.", "Это не разрешено."),
        WishRefusal::UnknownOrder => ("There is no such order.", "Такого заказа нет."),
        WishRefusal::OrderPaid => ("The order is paid.", "Заказ уже оплачен."),
        WishRefusal::OrderHeld => ("The order is held by another payment.", "Заказ занят другим платежом."),
        WishRefusal::OrderExpired => ("The order has expired.", "Срок заказа истёк."),
        WishRefusal::AmountMismatch => {
            ("The amount is not that of the order or the hold.", "Сумма не равна сумме заказа или блокировки.")
        }
        WishRefusal::CurrencyMismatch => ("The currency is another one.", "Валюта другая."),
        WishRefusal::HoldEnded => ("The hold has ended.", "Блокировка уже снята."),
        WishRefusal::AlreadyEntered => ("The transaction is entered under another key.", "Эта транзакция уже проведена."),
        WishRefusal::NotReturnable => (
            "The payment cannot be returned: it is not entered, was returned, or its money is spent.",
            "Платёж вернуть нельзя: он не проведён, уже возвращён или деньги потрачены.",
        ),
    };
    let translations = vec![("ru".to_owned(), in_russian.to_owned())];
    Problem { translations, ..Problem::new(refusal.name(), message) }
}
