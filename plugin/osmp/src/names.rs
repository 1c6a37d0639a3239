//! The names of the parameters of requests.

/// The names of the parameters that both protocols have. Where there are several, any of them may be given: Sber sends its own in upper
/// case, and to some organizations in lower case.
pub struct Names {
    pub command: &'static [&'static str],
    pub account: &'static [&'static str],
    pub sum: &'static [&'static str],
    pub date: &'static [&'static str],
}

pub const OSMP: Names = Names { command: &["command"], account: &["account"], sum: &["sum"], date: &["txn_date"] };
pub const SBER: Names = Names {
    command: &["ACTION", "action"],
    account: &["ACCOUNT", "account"],
    sum: &["AMOUNT", "amount"],
    date: &["PAY_DATE", "pay_date"],
};
/// Sber's parameter with the payment's number. ОСМП's has the name that the settings give.
pub const SBER_ID: &[&str] = &["PAY_ID", "pay_id"];
/// ОСМП's parameter with the host's number of a payment.
pub const MOVEMENT: &[&str] = &["prv_txn"];
/// ОСМП's parameter with the number of the payment that is to be cancelled, where the cancellation has a number of its own.
pub const CANCELLED: &[&str] = &["cancel_txn_id"];
/// ОСМП's parameter with the currency.
pub const CURRENCY: &[&str] = &["ccy"];
/// The passthrough parameters, each with its name in an event's `extra`.
pub const PASSTHROUGH: [(&str, &str); 2] = [("prv_id", SERVICE), ("trm_id", "terminal")];
/// Which of the merchant's services is paid, in `extra`.
pub const SERVICE: &str = "service";

/// The parameters that decide, under all their names but those of the settings.
pub const REQUIRED: [&str; 17] = [
    "command",
    "txn_id",
    "account",
    "sum",
    "txn_date",
    "prv_txn",
    "cancel_txn_id",
    "ccy",
    "ACTION",
    "ACCOUNT",
    "AMOUNT",
    "PAY_ID",
    "PAY_DATE",
    "action",
    "amount",
    "pay_id",
    "pay_date",
];

/// Returns the names of all parameters that have a meaning.
pub fn known() -> impl Iterator<Item = &'static str> {
    REQUIRED.into_iter().chain(PASSTHROUGH.into_iter().map(|(name, _)| name))
}

/// Reports whether a name means something else than the payment's number in ОСМП's protocol.
pub fn is_taken(name: &str) -> bool {
    name != "txn_id" && known().any(|known| known == name)
}
