//! What this program says itself of an operation. It is stored in Russian, for operators, and told to programs in English.

use ledger::GiveUp;
use ledger::RESTORED;
use ledger::operations::{OTHER_REFUND, SAME_EVENT, WITHDRAWN};

/// The provider wants another call than the one that was made.
const OTHER_CALL: &str = "Компонент заменён или настройки изменены: он хочет сделать другой запрос, чем уже сделан.";
/// The provider wants a call again whose answer it has.
const SAME_CALL_TWICE: &str = "Компонент ещё раз хочет сделать запрос, ответ на который уже получил.";
/// The provider wants no call that was made.
const CALL_NOT_WANTED: &str = "Компонент заменён или настройки изменены: новый не знает о запросе, который уже сделан.";
/// What was sent cannot be read.
pub const SEALED_BY_OTHER_KEY: &str = "Журнал операции зашифрован другим ключом: неизвестно, что было отправлено.";
/// The component failed, and something may have been done.
pub const COMPONENT_FAILED: &str = "Компонент отказал после того, как запрос был отправлен.";

const IN_ENGLISH: [(&str, &str); 7] = [
    (WITHDRAWN, "It was withdrawn before it was sent: the payment system does not know it."),
    (
        RESTORED,
        "The database was restored from a copy, and what was done after it is not known. Look for the operation in the payment \
         system's cabinet.",
    ),
    (OTHER_CALL, "The component was swapped or the settings were changed: it wants another call than the one that was made."),
    (SAME_CALL_TWICE, "The component wants a call again whose answer it has."),
    (CALL_NOT_WANTED, "The component was swapped or the settings were changed: it does not know of the call that was made."),
    (SEALED_BY_OTHER_KEY, "The journal of the operation was sealed with another key, so that it is not known what was sent."),
    (COMPONENT_FAILED, "The component failed after a call was sent."),
];

/// Returns in English what this program says of an operation; `None` for what a component says.
pub fn in_english(message: &str) -> Option<String> {
    if let Some(other) = message.strip_prefix(SAME_EVENT) {
        return Some(format!("The payment system reported the same event as for the operation {other}."));
    }
    if message.starts_with(OTHER_REFUND) {
        let english = "The payment system reported a refund of another amount or payment than was asked for, and that one is recorded. Look \
            in its cabinet for what it paid back.";
        return Some(english.to_owned());
    }
    IN_ENGLISH.iter().find(|(russian, _)| *russian == message).map(|(_, english)| (*english).to_owned())
}

/// Why an operation ends as unknown, for operators.
pub fn explain(why: GiveUp) -> &'static str {
    match why {
        GiveUp::OtherCall => OTHER_CALL,
        GiveUp::SameCallTwice => SAME_CALL_TWICE,
        GiveUp::CallNotWanted => CALL_NOT_WANTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_program_says_is_told_in_english() {
        for why in [GiveUp::OtherCall, GiveUp::SameCallTwice, GiveUp::CallNotWanted] {
            assert!(in_english(explain(why)).is_some_and(|english| english.is_ascii()));
        }
        assert!(IN_ENGLISH.iter().all(|(_, english)| english.is_ascii() && english.ends_with('.')));
        let same = in_english(&format!("{SAME_EVENT}op7")).unwrap();
        assert_eq!(same, "The payment system reported the same event as for the operation op7.");
        let other =
            in_english(&format!("{OTHER_REFUND}30.00 RUB, а платёжная система сообщила о возврате 60.00 RUB.")).unwrap();
        assert!(other.is_ascii() && other.starts_with("The payment system reported a refund of another amount"), "{other}");
        assert_eq!(in_english("Мало денег"), None);
    }
}
