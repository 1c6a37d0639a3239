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

enumeration!(method: host::HttpMethod => native { Get, Post });
enumeration!(party_kind: host::PartyKind => native { Individual, SoleProprietor, Company });
enumeration!(event_kind: native::EventKind => host { Payment, Refund, Chargeback, Hold, Declined });
enumeration!(recurrence: native::Recurrence => host { Single, First, Repeat });
enumeration!(setting_kind: native::SettingKind => host {
    Text, Secret, TextBlock, SecretBlock, Choice, Url, Flag, Integer
});

record!(request: host::CallbackRequest => native::CallbackRequest {
    query, headers, body, remote_address, received_at; method: method
});
record!(amount: host::Money => native::Money { minor_units; currency: |currency: Currency| currency.to_string() });
record!(party: host::Party => native::Party { name, inn, kpp; kind: party_kind });
record!(order: host::LinkRequest => native::Order {
    description, language, callback_url, success_url, failure_url, expires_at, payer, extra;
    id: String::from, account: String::from, amount: amount
});
record!(writeoff: host::ExportRow => native::Writeoff {
    id, contract, service_code, service, unit, quantity_thousandths, vat_basis_points, extra;
    account: String::from, subscriber: party, contract_date: |day: Option<host::Date>| day.map(date), period: date, date: date, amount: amount
});
record!(export_options: host::ExportOptions => native::ExportOptions {
    format, created_at, extra; seller: party, period_start: date, period_end: date
});

record!(money: native::Money => host::Money { minor_units; currency: currency });
record!(problem: native::Problem => host::Problem { code, field, row, message });
record!(choice: native::Choice => host::Choice { value, title });
record!(setting: native::Setting => host::SettingSpec {
    name, title, help, required, default_value, extra;
    kind: setting_kind, choices: |choices: Vec<native::Choice>| choices.into_iter().map(choice).collect()
});
record!(request_header: native::RequestHeader => host::RequestHeader { name, secret });
record!(description: native::Description => host::Description {
    id, name, version, export_formats, links, extra;
    currencies: |codes: Vec<String>| codes.into_iter().map(currency).collect(),
    headers: |headers: Vec<native::RequestHeader>| headers.into_iter().map(request_header).collect(),
    settings: |settings: Vec<native::Setting>| settings.into_iter().map(setting).collect()
});
record!(link: native::PaymentLink => host::PaymentLink { url, form_action, form_fields, extra });
record!(reply: native::HttpReply => host::HttpReply { status, headers, body });
record!(answer: native::CallbackAnswer => host::CallbackAnswer { ; verdict: verdict, reply: reply });
record!(totals: native::ExportTotals => host::ExportTotals { rows, documents, vat_minor_units, extra; amount: money });
record!(left_out: native::LeftOut => host::LeftOut {
    rows, writeoff, account, subscriber, contract, service_code, service, vat_basis_points, vat_minor_units;
    period: host_date, amount: money, reason: problem
});

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
        original: None,
        ends_hold: None,
        expires_at: None,
        account: None,
        order: value.order.as_deref().map(identifier),
        payer: value.payer,
        amount: money(value.amount),
        occurred_at: value.occurred_at,
    };
    host::ProvedEvent { facts, comment: value.comment, dedup_key: identifier(&value.dedup_key), fee: None, extra: value.extra }
}

#[allow(missing_docs, reason = "the module says what all of these do")]
pub fn verdict(value: native::Verdict) -> host::Verdict {
    match value {
        native::Verdict::Accepted(accepted) => host::Verdict::Accepted(event(accepted)),
        native::Verdict::Unresolved(unresolved) => host::Verdict::Unresolved(problem(unresolved)),
        native::Verdict::Ignored(ignored) => host::Verdict::Ignored(problem(ignored)),
        native::Verdict::Refused(refused) => host::Verdict::Refused(problem(refused)),
    }
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
