//! A request of the payment system, parsed: what it asks, or why it is not a request of the protocol.

use std::ops::RangeInclusive;

use kit::contract::{CallbackRequest, Fields, HttpMethod, Problem};
use kit::datetime;
use kit::decimal::{self, DecimalError};
use kit::form::{self, Form, FormError};
use kit::problem::Code;
use time::OffsetDateTime;

use crate::names::{self, Names};
use crate::reason::Reason;
use crate::settings::{Protocol, Settings};

const NUMBER_DIGITS_MAX: usize = 20;
/// The years of payments. Another one is a fault of a terminal's clock or of a program.
const YEARS: RangeInclusive<i32> = 2000..=2099;

/// Sums have a point, and in some copies of the protocol a comma; some leave out the decimals.
const SUM: decimal::Form = decimal::Form::TWO_DECIMALS.or_comma();

/// A number that the payment system gives, or repeats: 1 to 20 digits. It is a name, so that `07` is not `7`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Number(String);

impl Number {
    pub fn parse(text: &str) -> Option<Number> {
        let is_number = (1..=NUMBER_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Number(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request.
pub struct Message {
    /// Its number, which the reply repeats. None: it gives none, or one of another form.
    pub id: Option<Number>,
    pub command: Result<Command, Fault>,
    /// What else it says, by the names of an event's `extra`. Empty values are left out.
    pub extra: Fields,
}

/// What a request asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    Check {
        account: String,
        /// In minor units, positive; none where the payment system does not know it yet.
        minor_units: Option<i64>,
    },
    Pay(Payment),
    Cancel(Cancellation),
    /// What became of a payment.
    Status(PaymentName),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    pub transaction: Number,
    pub account: String,
    /// Whether the account has the form of the settings. They may have changed since the payment that this one repeats.
    pub has_form: bool,
    /// Positive.
    pub minor_units: i64,
    /// When the payer paid, which may be days ago.
    pub at: OffsetDateTime,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cancellation {
    pub payment: PaymentName,
    /// Its own number and time, where the request names the payment beside them.
    pub own: Option<(Number, Option<OffsetDateTime>)>,
    /// The payment's account, where it is given.
    pub account: Option<String>,
    /// In minor units; none: the payment's.
    pub minor_units: Option<i64>,
}

/// How a request names a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PaymentName {
    Transaction(Number),
    /// The host's number.
    Movement(Number),
    Both(Number, Number),
}

/// Why nothing can be done about a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It has not the protocol's form. It is counted by its problem, so that the operator sees what the payment system sends.
    Refused(Reason, Problem),
    /// It is a request of the protocol that cannot be granted, such as one with a mistyped account.
    Answered(Reason),
}

impl PaymentName {
    pub fn transaction(&self) -> Option<&Number> {
        match self {
            PaymentName::Transaction(transaction) | PaymentName::Both(transaction, _) => Some(transaction),
            PaymentName::Movement(_) => None,
        }
    }
}

impl Message {
    /// Parses a request: the query of a GET, the form of a POST, or the query of a POST without a form.
    pub fn read(settings: &Settings, request: &CallbackRequest) -> Message {
        let text = if request.body.is_empty() { request.query.as_bytes() } else { form::of(request) };
        if has_other_parameters(settings, request) {
            return Message { id: None, command: Err(conflict("query", Reason::Other)), extra: Fields::new() };
        }
        let form = match Form::parse(text, names::known()) {
            Ok(form) => form,
            Err(error) => {
                let fault = Fault::Refused(Reason::Other, error.problem());
                return Message { id: None, command: Err(fault), extra: Fields::new() };
            }
        };
        let given = names::PASSTHROUGH.into_iter().filter(|(name, _)| !form.get(name).is_empty());
        let extra = given.map(|(name, extra)| (extra.to_owned(), form.get(name).to_owned())).collect();
        let (id, command) = match &settings.protocol {
            Protocol::Osmp { id_parameter, .. } => {
                let id = form::single(text, id_parameter).map_or_else(
                    || Err(conflict(id_parameter, Reason::MalformedTransaction)),
                    |text| number(id_parameter, &text),
                );
                (id.clone(), id.and_then(|id| of_osmp(settings, &form, id)))
            }
            Protocol::Sber => {
                let id = value(&form, names::SBER_ID, Reason::MalformedTransaction)
                    .and_then(|text| number(first(names::SBER_ID), text));
                (id.clone(), id.and_then(|id| of_sber(settings, &form, id)))
            }
        };
        Message { id: id.ok().flatten(), command, extra }
    }
}

/// Whether a request with a form has parameters of the protocol in its address too. The two could say different things.
fn has_other_parameters(settings: &Settings, request: &CallbackRequest) -> bool {
    let id_parameter = match &settings.protocol {
        Protocol::Osmp { id_parameter, .. } => id_parameter.as_str(),
        Protocol::Sber => "",
    };
    let is_known = |name: &str| name == id_parameter || names::known().any(|known| known == name);
    let mut names = request.query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    request.method != HttpMethod::Get && !request.body.is_empty() && names.any(|name| !name.is_empty() && is_known(name))
}

fn of_osmp(settings: &Settings, form: &Form, id: Option<Number>) -> Result<Command, Fault> {
    const NAMES: &Names = &names::OSMP;
    let currency = value(form, names::CURRENCY, Reason::OtherCurrency)?;
    if !currency.is_empty() && !settings.is_currency(currency) {
        let message = "The payment is in another currency than the settings say.";
        return Err(Fault::Refused(Reason::OtherCurrency, Code::CurrencyMismatch.at(first(names::CURRENCY), message)));
    }
    let movement = || optional(form, names::MOVEMENT);
    match command(form, NAMES)?.as_str() {
        "check" => check(settings, form, NAMES),
        "pay" => pay(settings, form, NAMES, id),
        "cancel" => {
            let (cancelled, minor_units) = (optional(form, names::CANCELLED)?, sum(form, NAMES)?);
            let (payment, own) = match cancelled {
                Some(cancelled) => (Some(cancelled), id),
                None => (id, None),
            };
            let payment = payment_name(payment, movement()?)?;
            let own = match own {
                Some(id) if value(form, NAMES.date, Reason::MalformedDate)?.is_empty() => Some((id, None)),
                Some(id) => Some((id, Some(date(settings, form, NAMES, datetime::OSMP)?))),
                None => None,
            };
            let account = Some(value(form, NAMES.account, Reason::MalformedAccount)?).filter(|account| !account.is_empty());
            Ok(Command::Cancel(Cancellation { payment, own, account: account.map(str::to_owned), minor_units }))
        }
        "status" | "verify" => Ok(Command::Status(payment_name(id, movement()?)?)),
        _ => Err(unknown_command(NAMES)),
    }
}

fn of_sber(settings: &Settings, form: &Form, id: Option<Number>) -> Result<Command, Fault> {
    const NAMES: &Names = &names::SBER;
    match command(form, NAMES)?.as_str() {
        "check" => check(settings, form, NAMES),
        "payment" => pay(settings, form, NAMES, id),
        _ => Err(unknown_command(NAMES)),
    }
}

fn command(form: &Form, names: &Names) -> Result<String, Fault> {
    value(form, names.command, Reason::UnknownCommand).map(str::to_ascii_lowercase)
}

fn check(settings: &Settings, form: &Form, names: &Names) -> Result<Command, Fault> {
    let minor_units = sum(form, names)?.filter(|sum| *sum > 0);
    Ok(Command::Check { account: account(settings, form, names)?, minor_units })
}

fn pay(settings: &Settings, form: &Form, names: &Names, id: Option<Number>) -> Result<Command, Fault> {
    let (id_name, pattern) = match &settings.protocol {
        Protocol::Osmp { id_parameter, .. } => (id_parameter.as_str(), datetime::OSMP),
        Protocol::Sber => (first(names::SBER_ID), datetime::SBER),
    };
    let transaction = id.ok_or_else(|| missing(id_name, Reason::MalformedTransaction))?;
    let minor_units = sum(form, names)?.ok_or_else(|| missing(first(names.sum), Reason::MalformedAmount))?;
    let at = date(settings, form, names, pattern)?;
    let account = value(form, names.account, Reason::MalformedAccount)?.to_owned();
    if minor_units == 0 {
        return Err(Fault::Answered(Reason::AmountTooSmall));
    }
    let has_form = settings.account.holds(&account);
    Ok(Command::Pay(Payment { transaction, account, has_form, minor_units, at }))
}

fn account(settings: &Settings, form: &Form, names: &Names) -> Result<String, Fault> {
    let account = value(form, names.account, Reason::MalformedAccount)?;
    if settings.account.holds(account) { Ok(account.to_owned()) } else { Err(Fault::Answered(Reason::MalformedAccount)) }
}

/// Returns the sum in minor units, which may be zero; none if it is not given.
fn sum(form: &Form, names: &Names) -> Result<Option<i64>, Fault> {
    let text = value(form, names.sum, Reason::MalformedAmount)?;
    if text.is_empty() {
        return Ok(None);
    }
    SUM.parse(text).map(Some).map_err(|error| {
        let (reason, code) = match error {
            DecimalError::TooLarge => (Reason::AmountTooLarge, Code::OutOfRange),
            _ => (Reason::MalformedAmount, Code::Malformed),
        };
        Fault::Refused(reason, code.at(first(names.sum), error.to_string()))
    })
}

fn date(settings: &Settings, form: &Form, names: &Names, pattern: &str) -> Result<OffsetDateTime, Fault> {
    let text = value(form, names.date, Reason::MalformedDate)?;
    let time = datetime::parse(pattern, text).filter(|time| YEARS.contains(&time.year()));
    time.map(|time| time.assume_offset(settings.zone)).ok_or_else(|| {
        let message = format!("It is not a time of this century of the form {pattern}.");
        Fault::Refused(Reason::MalformedDate, Code::Malformed.at(first(names.date), message))
    })
}

fn payment_name(transaction: Option<Number>, movement: Option<Number>) -> Result<PaymentName, Fault> {
    match (transaction, movement) {
        (Some(transaction), None) => Ok(PaymentName::Transaction(transaction)),
        (None, Some(movement)) => Ok(PaymentName::Movement(movement)),
        (Some(transaction), Some(movement)) => Ok(PaymentName::Both(transaction, movement)),
        (None, None) => Err(missing(first(names::MOVEMENT), Reason::MalformedTransaction)),
    }
}

/// Returns a number that may be left out.
fn optional(form: &Form, names: &[&'static str]) -> Result<Option<Number>, Fault> {
    number(first(names), value(form, names, Reason::MalformedTransaction)?)
}

fn number(name: &str, text: &str) -> Result<Option<Number>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    Number::parse(text).map(Some).ok_or_else(|| {
        let message = format!("It is not a number of 1 to {NUMBER_DIGITS_MAX} digits.");
        Fault::Refused(Reason::MalformedTransaction, Code::Malformed.at(name, message))
    })
}

/// Returns the value of a parameter, under whichever of its names it is given; an empty text if it is absent.
fn value<'f>(form: &'f Form, names: &[&'static str], reason: Reason) -> Result<&'f str, Fault> {
    form.require_single(names).map_err(|error: FormError| Fault::Refused(reason, error.problem()))?;
    let mut given = names.iter().map(|name| form.get(name)).filter(|value| !value.is_empty());
    let value = given.next().unwrap_or_default();
    if given.all(|other| other == value) { Ok(value) } else { Err(conflict(first(names), reason)) }
}

fn first(names: &[&'static str]) -> &'static str {
    names.first().copied().unwrap_or_default()
}

fn conflict(name: &str, reason: Reason) -> Fault {
    Fault::Refused(reason, Code::FieldConflict.at(name, "It is given twice, with two values."))
}

fn missing(name: &str, reason: Reason) -> Fault {
    Fault::Refused(reason, Code::Malformed.at(name, "It is missing."))
}

fn unknown_command(names: &Names) -> Fault {
    let message =
        "It is not a request that this protocol has. Look whether the payment system speaks the protocol of the settings.";
    Fault::Refused(Reason::UnknownCommand, Code::Malformed.at(first(names.command), message))
}

#[cfg(test)]
mod tests {
    use kit::request::{get, post};

    use super::*;
    use crate::settings::tests::settings;

    fn read(entered: &[(&str, &str)], query: &str) -> Message {
        Message::read(&settings(entered), &get(query))
    }

    /// Returns a command, or the reason and the problem's code and field of a fault.
    fn outcome(message: &Message) -> Result<Command, String> {
        message.command.clone().map_err(|fault| match fault {
            Fault::Answered(reason) => format!("{reason:?}"),
            Fault::Refused(reason, problem) => {
                format!("{reason:?} {} {}", problem.code, problem.field.unwrap_or_default())
            }
        })
    }

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    fn check(account: &str, minor_units: Option<i64>) -> Result<Command, String> {
        Ok(Command::Check { account: account.to_owned(), minor_units })
    }

    fn at(text: &str) -> OffsetDateTime {
        datetime::rfc3339(text).unwrap()
    }

    fn payment(transaction: &str, minor_units: i64, time: &str) -> Result<Command, String> {
        let (transaction, account) = (number(transaction), "100500".to_owned());
        Ok(Command::Pay(Payment { transaction, account, has_form: true, minor_units, at: at(time) }))
    }

    const MOSCOW: &str = "2026-11-28T10:00:05+03:00";

    #[test]
    fn requests_of_osmp() {
        let refused = |text: &str| Err(text.to_owned());
        for (query, want) in [
            ("command=check&txn_id=1&account=100500&sum=152.00", check("100500", Some(15_200))),
            ("command=check&txn_id=1&account=100500&sum=0.00", check("100500", None)),
            ("command=check&txn_id=1&account=100500", check("100500", None)),
            ("command=CHECK&account=100500&sum=152,5", check("100500", Some(15_250))),
            ("command=check&txn_id=1&account=100500&sum=152&ccy=RUB&prv_id=7", check("100500", Some(15_200))),
            ("command=check&txn_id=1&account=100500&sum=1&ccy=643", check("100500", Some(100))),
            ("command=check&txn_id=1&account=100500&sum=1&sum=1&unknown=%FF&unknown=2", check("100500", Some(100))),
            ("command=check&txn_id=1&account=1&account=2", refused("MalformedAccount field-conflict account")),
            ("command=check&txn_id=1&account=1&sum=1&sum=2", refused("MalformedAmount field-conflict sum")),
            ("command=check&command=pay&txn_id=1&account=1", refused("UnknownCommand field-conflict command")),
            ("command=check&txn_id=1&txn_id=2&account=1", refused("MalformedTransaction field-conflict txn_id")),
            ("command=check&txn_id=1&account=1&sum=1&ccy=KZT", refused("OtherCurrency currency-mismatch ccy")),
            ("command=check&txn_id=1x&account=1", refused("MalformedTransaction malformed txn_id")),
            ("command=check&txn_id=-1&account=1", refused("MalformedTransaction malformed txn_id")),
            ("command=check&txn_id=123456789012345678901&account=1", refused("MalformedTransaction malformed txn_id")),
            ("command=check&txn_id=1&account=1&sum=1.001", refused("MalformedAmount malformed sum")),
            ("command=check&txn_id=1&account=1&sum=-1", refused("MalformedAmount malformed sum")),
            ("command=check&txn_id=1&account=1&sum=1e3", refused("MalformedAmount malformed sum")),
            ("command=check&txn_id=1&account=1&sum=10000000000000.00", refused("AmountTooLarge out-of-range sum")),
            ("command=check&txn_id=1&account=+1", refused("MalformedAccount")),
            ("command=check&txn_id=1", refused("MalformedAccount")),
            (
                "command=pay&txn_id=12345678901234567890&txn_date=20261128100005&account=100500&sum=10.45",
                payment("12345678901234567890", 1_045, MOSCOW),
            ),
            ("command=pay&txn_id=007&txn_date=20261128100005&account=100500&sum=10", payment("007", 1_000, MOSCOW)),
            ("command=pay&txn_id=1&txn_date=20261128100005&account=100500&sum=0.00", refused("AmountTooSmall")),
            (
                "command=pay&txn_id=1&txn_date=20261128100005&account=1a&sum=1",
                payment("1", 100, MOSCOW).map(|command| match command {
                    Command::Pay(payment) => Command::Pay(Payment { account: "1a".to_owned(), has_form: false, ..payment }),
                    other => other,
                }),
            ),
            ("command=pay&txn_date=20261128100005&account=100500&sum=1", refused("MalformedTransaction malformed txn_id")),
            ("command=pay&txn_id=1&txn_date=20261128100005&account=100500", refused("MalformedAmount malformed sum")),
            ("command=pay&txn_id=1&account=100500&sum=1", refused("MalformedDate malformed txn_date")),
            ("command=pay&txn_id=1&txn_date=20261131100005&account=100500&sum=1", refused("MalformedDate malformed txn_date")),
            (
                "command=pay&txn_id=1&txn_date=28.11.2026_10:00:05&account=100500&sum=1",
                refused("MalformedDate malformed txn_date"),
            ),
            (
                "command=pay&txn_id=1&txn_date=20261128100005&txn_date=20261128100006&account=100500&sum=1",
                refused("MalformedDate field-conflict txn_date"),
            ),
            (
                "command=pay&txn_id=1&txn_date=20261128100005&account=100500&sum=1&ccy=USD",
                refused("OtherCurrency currency-mismatch ccy"),
            ),
            ("command=status&txn_id=1", Ok(Command::Status(PaymentName::Transaction(number("1"))))),
            ("command=verify&prv_txn=2", Ok(Command::Status(PaymentName::Movement(number("2"))))),
            ("command=status&txn_id=1&prv_txn=2", Ok(Command::Status(PaymentName::Both(number("1"), number("2"))))),
            ("command=status", refused("MalformedTransaction malformed prv_txn")),
            ("command=status&prv_txn=2&prv_txn=3", refused("MalformedTransaction field-conflict prv_txn")),
            ("command=balance&txn_id=1", refused("UnknownCommand malformed command")),
            ("ACTION=check&ACCOUNT=1", refused("UnknownCommand malformed command")),
            ("", refused("UnknownCommand malformed command")),
        ] {
            assert_eq!(outcome(&read(&[], query)), want, "{query}");
        }
    }

    #[test]
    fn cancellations() {
        let of_account = |payment, own, account: Option<&str>, minor_units| {
            Ok(Command::Cancel(Cancellation { payment, own, account: account.map(str::to_owned), minor_units }))
        };
        let cancel = |payment, own, minor_units| of_account(payment, own, None, minor_units);
        let transaction = PaymentName::Transaction(number("1"));
        for (query, want) in [
            ("command=cancel&txn_id=1", cancel(transaction.clone(), None, None)),
            ("command=cancel&prv_txn=2", cancel(PaymentName::Movement(number("2")), None, None)),
            ("command=cancel&txn_id=1&account=7", of_account(transaction.clone(), None, Some("7"), None)),
            (
                "command=cancel&txn_id=1&prv_txn=2&sum=5.00",
                cancel(PaymentName::Both(number("1"), number("2")), None, Some(500)),
            ),
            ("command=cancel&txn_id=9&cancel_txn_id=1", cancel(transaction.clone(), Some((number("9"), None)), None)),
            (
                "command=cancel&txn_id=9&txn_date=20261128100005&cancel_txn_id=1&cancel_txn_date=20261127100005",
                cancel(transaction.clone(), Some((number("9"), Some(at(MOSCOW)))), None),
            ),
            // The time of a payment, where the cancellation has no number of its own.
            ("command=cancel&txn_id=1&txn_date=x", cancel(transaction.clone(), None, None)),
            ("command=cancel&txn_id=9&cancel_txn_id=1&txn_date=x", Err("MalformedDate malformed txn_date".to_owned())),
            ("command=cancel&txn_id=9&cancel_txn_id=x", Err("MalformedTransaction malformed cancel_txn_id".to_owned())),
            ("command=cancel", Err("MalformedTransaction malformed prv_txn".to_owned())),
        ] {
            assert_eq!(outcome(&read(&[], query)), want, "{query}");
        }
    }

    #[test]
    fn requests_of_sber() {
        let refused = |text: &str| Err(text.to_owned());
        for (query, want) in [
            ("ACTION=check&ACCOUNT=100500", check("100500", None)),
            ("ACTION=Check&ACCOUNT=100500&AMOUNT=10.5", check("100500", Some(1_050))),
            ("action=check&account=100500", check("100500", None)),
            (
                "ACTION=payment&ACCOUNT=100500&AMOUNT=1.1&PAY_ID=654321&PAY_DATE=28.11.2026_10:00:05",
                payment("654321", 110, MOSCOW),
            ),
            (
                "action=payment&account=100500&amount=1.1&pay_id=654321&pay_date=28.11.2026_10:00:05",
                payment("654321", 110, MOSCOW),
            ),
            ("ACTION=check&action=payment&ACCOUNT=100500", refused("UnknownCommand field-conflict ACTION")),
            (
                "ACTION=payment&ACCOUNT=100500&AMOUNT=1&PAY_ID=1&pay_id=2&PAY_DATE=28.11.2026_10:00:05",
                refused("MalformedTransaction field-conflict PAY_ID"),
            ),
            (
                "ACTION=payment&ACCOUNT=100500&AMOUNT=1&PAY_ID=1&PAY_DATE=20261128100005",
                refused("MalformedDate malformed PAY_DATE"),
            ),
            (
                "ACTION=payment&ACCOUNT=100500&AMOUNT=1&PAY_DATE=28.11.2026_10:00:05",
                refused("MalformedTransaction malformed PAY_ID"),
            ),
            ("ACTION=payment&ACCOUNT=100500&AMOUNT=0&PAY_ID=1&PAY_DATE=28.11.2026_10:00:05", refused("AmountTooSmall")),
            ("ACTION=cancel&PAY_ID=1", refused("UnknownCommand malformed ACTION")),
            ("command=check&account=100500", refused("UnknownCommand malformed ACTION")),
        ] {
            assert_eq!(outcome(&read(&[("protocol", "sber")], query)), want, "{query}");
        }
    }

    #[test]
    fn a_post_has_its_form_in_the_body() {
        let query = "command=check&txn_id=1&account=100500";
        assert_eq!(outcome(&Message::read(&settings(&[]), &post(query))), check("100500", None));
        let without_form = CallbackRequest { query: query.to_owned(), ..post("") };
        assert_eq!(outcome(&Message::read(&settings(&[]), &without_form)), check("100500", None));
        let status = |query: &str| {
            let request = CallbackRequest { query: query.to_owned(), ..post("command=status&txn_id=1") };
            outcome(&Message::read(&settings(&[]), &request))
        };
        assert_eq!(status("token=7"), Ok(Command::Status(PaymentName::Transaction(number("1")))));
        assert_eq!(status(query), Err("Other field-conflict query".to_owned()), "the two could say different things");
    }

    #[test]
    fn the_number_has_the_name_of_the_settings() {
        let renamed = [("id-parameter", "ibox_txn_id")];
        let message = read(&renamed, "command=check&ibox_txn_id=12&txn_id=x&account=100500&prv_id=7&trm_id=%20&ccy=");
        assert_eq!((message.id.as_ref().map(Number::as_str), outcome(&message)), (Some("12"), check("100500", None)));
        let extra = [("service", "7"), ("terminal", " ")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(message.extra, extra);
        let twice = read(&renamed, "command=check&ibox_txn_id=12&ibox_txn_id=13&account=100500");
        assert_eq!((twice.id, outcome(&read(&renamed, "command=status&txn_id=1")).is_err()), (None, true));
    }

    #[test]
    fn times_are_of_the_zone_of_the_settings() {
        let query = "command=pay&txn_id=1&txn_date=20261128100005&account=100500&sum=1";
        let want = payment("1", 100, "2026-11-28T10:00:05+05:00");
        assert_eq!(outcome(&read(&[("utc-offset", "+05:00")], query)), want);
    }

    #[test]
    fn a_form_of_too_many_fields_is_refused() {
        let message = read(&[], &"a=1&".repeat(form::FIELDS_MAX + 1));
        assert_eq!(outcome(&message), Err("Other malformed ".to_owned()));
    }
}
