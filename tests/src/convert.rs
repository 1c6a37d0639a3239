//! The contract's values from the host's side to the provider's and back, so that what a component answers can be compared with
//! what the same code answers as plain Rust.

use kit::contract as native;
use sandbox::records as host;

/// Copies a record field by field: as it is, or through a function.
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
enumeration!(setting_kind: native::SettingKind => host { Text, Secret, Choice, Url, Flag, Integer });

record!(request: host::CallbackRequest => native::CallbackRequest {
    query, headers, body, remote_address, received_at; method: method
});
record!(amount: host::Money => native::Money { minor_units, currency });
record!(date: host::Date => native::Date { year, month, day });
record!(party: host::Party => native::Party { name, inn, kpp; kind: party_kind });
record!(order: host::Order => native::Order {
    id, account, description, language, callback_url, success_url, failure_url, expires_at, payer, extra; amount: amount
});
record!(writeoff: host::Writeoff => native::Writeoff {
    id, account, contract, service_code, service, unit, quantity_thousandths, vat_basis_points, extra;
    subscriber: party, contract_date: |day: Option<host::Date>| day.map(date), period: date, date: date, amount: amount
});
record!(export_options: host::ExportOptions => native::ExportOptions {
    format, created_at, extra; seller: party, period_start: date, period_end: date
});

record!(money: native::Money => host::Money { minor_units, currency });
record!(problem: native::Problem => host::Problem { code, field, row, message });
record!(setting: native::Setting => host::Setting {
    name, title, help, required, default_value, choices, extra; kind: setting_kind
});
record!(description: native::Description => host::Description {
    id, name, version, currencies, export_formats, extra;
    settings: |settings: Vec<native::Setting>| settings.into_iter().map(setting).collect()
});
record!(link: native::PaymentLink => host::PaymentLink { url, form_action, form_fields, extra });
record!(event: native::Event => host::Event {
    transaction, order, payer, occurred_at, comment, dedup_key, extra; kind: event_kind, recurrence: recurrence, amount: money
});
record!(reply: native::HttpReply => host::HttpReply { status, headers, body });
record!(answer: native::CallbackAnswer => host::CallbackAnswer { ; verdict: verdict, reply: reply });
record!(totals: native::ExportTotals => host::ExportTotals { rows, documents, vat_minor_units, extra; amount: money });
record!(host_date: native::Date => host::Date { year, month, day });
record!(left_out: native::LeftOut => host::LeftOut {
    rows, writeoff, account, subscriber, contract, service_code, service, vat_basis_points, vat_minor_units;
    period: host_date, amount: money, reason: problem
});

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
