//! Converts the contract's values between the host's types and the provider's, so that a component's answers can be compared
//! with those of the same code as native Rust.

use std::str::FromStr;

use domain as host;
use kit::contract as native;
use money::Currency;

/// Copies a record field by field, each unchanged or through a function.
macro_rules! record {
    ($name:ident: $from:ty => $($to:ident)::+ { $($same:ident),* $(; $($field:ident: $convert:expr),*)? }) => {
        #[allow(missing_docs, reason = "the module says what all of these do")]
        pub fn $name(value: $from) -> $($to)::+ {
            $($to)::+ { $($same: value.$same,)* $($($field: $convert(value.$field),)*)? }
        }
    };
}

macro_rules! enumeration {
    ($name:ident: $from:ident::$type:ident => $to:ident { $($case:ident),* }) => {
        #[allow(missing_docs, reason = "the module says what all of these do")]
        pub fn $name(value: $from::$type) -> $to::$type {
            match value { $($from::$type::$case => $to::$type::$case,)* }
        }
    };
}

enumeration!(method: host::HttpMethod => native { Get, Post, Put, Patch, Delete });
enumeration!(party_kind: host::PartyKind => native { Individual, SoleProprietor, Company });
enumeration!(event_kind: native::EventKind => host {
    Payment, Refund, Chargeback, ChargebackReversal, Hold, HoldRelease, Declined
});
enumeration!(recurrence: native::Recurrence => host { Single, First, Repeat });
enumeration!(setting_kind: native::SettingKind => host {
    Text, Secret, TextBlock, SecretBlock, Choice, Url, Flag, Integer
});

record!(amount: host::Money => native::Money { minor_units; currency: |currency: Currency| currency.to_string() });
record!(party: host::Party => native::Party { name, inn, kpp; kind: party_kind });
record!(order: host::LinkRequest => native::Order {
    description, language, callback_url, success_url, failure_url, expires_at, payer, extra;
    id: String::from, account: String::from, amount: amount, receipt: no_receipt
});
record!(writeoff: host::ExportRow => native::Writeoff {
    id, contract, service_code, service, unit, quantity_thousandths, vat_basis_points, extra;
    account: String::from, subscriber: party, contract_date: |day: Option<host::Date>| day.map(date), period: date, date: date, amount: amount
});
record!(export_options: host::ExportOptions => native::ExportOptions {
    format, created_at, extra; seller: party, period_start: date, period_end: date
});

record!(money: native::Money => host::Money { minor_units; currency: currency });
record!(choice: native::Choice => host::Choice { value, title });
record!(setting: native::Setting => host::SettingSpec {
    name, title, help, required, default_value, extra;
    kind: setting_kind, choices: |choices: Vec<native::Choice>| choices.into_iter().map(choice).collect()
});
record!(request_header: native::RequestHeader => host::RequestHeader { name, secret });
record!(order_id_form: native::OrderIdForm => host::OrderIdForm { chars_max, digits_only });
record!(description: native::Description => host::Description {
    id, name, version, export_formats, links, hosts, extra;
    order_id: order_id_form,
    currencies: |codes: Vec<String>| codes.into_iter().map(currency).collect(),
    headers: |headers: Vec<native::RequestHeader>| headers.into_iter().map(request_header).collect(),
    settings: |settings: Vec<native::Setting>| settings.into_iter().map(setting).collect()
});
record!(form: native::PaymentForm => host::PaymentForm { action, inputs });
record!(payment_link: native::PaymentLink => host::PaymentLink {
    url, qr, reference, expires_at, extra; form: |of: Option<native::PaymentForm>| of.map(form)
});
record!(reply: native::HttpReply => host::HttpReply { status, headers, body });
record!(totals: native::ExportTotals => host::ExportTotals { rows, documents, vat_minor_units, extra; amount: money });
record!(left_out: native::LeftOut => host::LeftOut {
    rows, writeoff, account, subscriber, contract, service_code, service, vat_basis_points, vat_minor_units;
    period: host_date, amount: money, reason: problem
});

#[allow(missing_docs, reason = "the module says what all of these do")]
pub fn request(value: host::CallbackRequest) -> native::CallbackRequest {
    let host::CallbackRequest { method: of, path, query, headers, body, remote_address, received_at } = value;
    native::CallbackRequest { method: method(of), path, query, headers, body, remote_address, received_at, extra: Vec::new() }
}

fn no_receipt(receipt: Option<host::Receipt>) -> Option<native::Receipt> {
    assert!(receipt.is_none(), "no test has a receipt");
    None
}

#[allow(missing_docs, reason = "the module says what all of these do")]
pub fn problem(value: native::Problem) -> host::Problem {
    let native::Problem { code, field, row, message } = value;
    let (english, translations): (Vec<_>, Vec<_>) = message.into_iter().partition(|(language, _)| language == "en");
    let message = english.into_iter().next().expect("a message is in English").1;
    host::Problem { code, field, row, message, translations }
}

#[allow(missing_docs, reason = "the module says what all of these do")]
pub fn date(value: host::Date) -> native::Date {
    native::Date { year: value.year(), month: value.month(), day: value.day() }
}

fn host_date(native::Date { year, month, day }: native::Date) -> host::Date {
    host::Date::new(year, month, day).expect("a provider names days that exist")
}

fn identifier<T: FromStr<Err = host::InvalidIdentifier>>(text: &str) -> T {
    text.parse().expect("a provider keeps the contract's rules")
}

fn currency(code: String) -> Currency {
    Currency::parse(&code).expect("a provider names currencies")
}

#[allow(missing_docs, reason = "the module says what all of these do")]
pub fn event(value: native::Event) -> host::ProvedEvent {
    let facts = host::Facts {
        kind: event_kind(value.kind),
        recurrence: recurrence(value.recurrence),
        transaction: identifier(&value.transaction),
        original: value.original.as_deref().map(identifier),
        ends_hold: value.ends_hold.as_deref().map(identifier),
        expires_at: value.expires_at,
        account: value.account.as_deref().map(identifier),
        order: value.order.as_deref().map(identifier),
        payer: value.payer,
        amount: money(value.amount),
        occurred_at: value.occurred_at,
    };
    let (dedup_key, fee) = (identifier(&value.dedup_key), value.fee.map(money));
    host::ProvedEvent { facts, comment: value.comment, dedup_key, fee, extra: value.extra }
}

/// Returns a provider's verdict.
pub fn answer(provider: &impl kit::Provider, value: &host::CallbackRequest) -> host::CallbackAnswer {
    let native::CallbackAnswer { verdict, reply: sent } = provider.handle_callback(&request(value.clone()));
    let verdict = match verdict {
        native::Verdict::Happened(events) => host::Verdict::Happened(events.into_iter().map(event).collect()),
        native::Verdict::Unresolved(of) => host::Verdict::Unresolved(problem(of)),
        native::Verdict::Ignored(of) => host::Verdict::Ignored(problem(of)),
        native::Verdict::Refused(of) => host::Verdict::Refused(problem(of)),
    };
    host::CallbackAnswer { verdict, reply: Some(reply(sent)) }
}

/// Returns a provider's link.
///
/// # Errors
/// The problems of the order.
pub fn link(provider: &impl kit::Provider, value: &host::LinkRequest) -> Result<host::PaymentLink, Vec<host::Problem>> {
    provider.create_link(&order(value.clone())).map(payment_link).map_err(problems)
}

#[allow(missing_docs, reason = "the module says what all of these do")]
pub fn problems(value: Vec<native::Problem>) -> Vec<host::Problem> {
    value.into_iter().map(problem).collect()
}

#[allow(missing_docs, reason = "the module says what all of these do")]
pub fn part(value: native::ExportPart) -> host::ExportPart {
    match value {
        native::ExportPart::Bytes(bytes) => host::ExportPart::Bytes(bytes),
        native::ExportPart::FileEnd(file) => host::ExportPart::FileEnd(totals(file)),
        native::ExportPart::LeftOut(of) => host::ExportPart::LeftOut(left_out(of)),
        native::ExportPart::Warning(warning) => host::ExportPart::Warning(problem(warning)),
    }
}
