//! The contract's records, on the host's side.
//!
//! What every item means, with units, charsets and limits, stands in the contract (`wit/payment-provider.wit`). In JSON they are
//! spelled in snake_case, with defaults for what is optional: named values are pairs (an object is read too), a date is
//! `"YYYY-MM-DD"` or its record, a body is text, or `{"base64": "..."}` where it is not UTF-8.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

mod json;
mod size;

pub(crate) use size::InputBytes;

/// Named values, in order.
pub type Fields = Vec<(String, String)>;

/// What an operator entered for a provider. Its values cannot be printed: secrets are among them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings(pub(crate) Fields);

impl Settings {
    /// Settings by name.
    pub fn new<N: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (N, V)>) -> Settings {
        Settings(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, _)| (name, "…"))).finish()
    }
}

macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident $wit:literal: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(ComponentType, Lift, Lower, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[component(record)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "the contract documents every field")]
        pub struct $name { $($(#[$field_meta])* #[component(name = $wit)] pub $field: $type,)* }
    };
}

macro_rules! enumeration {
    ($(#[$meta:meta])* $name:ident { $($(#[$case_meta:meta])* $case:ident $wit:literal,)* }) => {
        $(#[$meta])*
        #[derive(ComponentType, Lift, Lower, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
        #[component(enum)]
        #[repr(u8)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "the contract documents every case")]
        pub enum $name { $($(#[$case_meta])* #[component(name = $wit)] $case,)* }

        impl $name {
            /// As the contract spells it.
            pub const fn name(self) -> &'static str {
                match self { $($name::$case => $wit,)* }
            }
        }
    };
}

record! {
    /// An amount of money.
    Money {
        minor_units "minor-units": i64,
        currency "currency": String,
    }
}

/// A day.
#[derive(ComponentType, Lift, Lower, Clone, Copy, PartialEq, Eq, Debug)]
#[component(record)]
#[allow(missing_docs, reason = "the contract documents every field")]
pub struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

record! {
    /// What is wrong.
    Problem {
        code "code": String,
        field "field": Option<String>,
        row "row": Option<u64>,
        message "message": String,
    }
}

impl fmt::Display for Problem {
    /// `shared-sec: It must be entered. (setting-missing)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}, ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{} ({})", self.message, self.code)
    }
}

enumeration! {
    /// What a setting holds.
    SettingKind {
        Text "text",
        Secret "secret",
        Choice "choice",
        Url "url",
        Flag "flag",
        Integer "integer",
    }
}

record! {
    /// One setting of a provider.
    Setting {
        name "name": String,
        title "title": Fields,
        help "help": Fields,
        kind "kind": SettingKind,
        required "required": bool,
        default_value "default-value": Option<String>,
        choices "choices": Vec<String>,
        extra "extra": Fields,
    }
}

record! {
    /// Who a provider is.
    Description {
        id "id": String,
        name "name": String,
        version "version": String,
        settings "settings": Vec<Setting>,
        currencies "currencies": Vec<String>,
        export_formats "export-formats": Vec<String>,
        extra "extra": Fields,
    }
}

record! {
    /// A top-up that waits to be paid.
    Order {
        id "id": String,
        account "account": String,
        amount "amount": Money,
        #[serde(default)]
        description "description": String,
        #[serde(default)]
        language "language": String,
        #[serde(default)]
        callback_url "callback-url": String,
        #[serde(default)]
        success_url "success-url": String,
        #[serde(default)]
        failure_url "failure-url": String,
        #[serde(default)]
        expires_at "expires-at": Option<u64>,
        #[serde(default, deserialize_with = "json::fields")]
        payer "payer": Fields,
        #[serde(default, deserialize_with = "json::fields")]
        extra "extra": Fields,
    }
}

impl Order {
    /// An order with nothing but what it must have; the rest is set field by field.
    pub fn new(id: impl Into<String>, account: impl Into<String>, amount: Money) -> Order {
        Order {
            id: id.into(),
            account: account.into(),
            amount,
            description: String::new(),
            language: String::new(),
            callback_url: String::new(),
            success_url: String::new(),
            failure_url: String::new(),
            expires_at: None,
            payer: Fields::new(),
            extra: Fields::new(),
        }
    }
}

record! {
    /// How the payer gets to the payment page.
    PaymentLink {
        url "url": String,
        form_action "form-action": String,
        form_fields "form-fields": Fields,
        extra "extra": Fields,
    }
}

impl PaymentLink {
    /// The order's fields that were given and that the payment system cannot keep, by their names in the contract.
    pub fn not_passed_on(&self) -> impl Iterator<Item = &str> {
        let lists = self.extra.iter().filter(|(name, _)| name == "not-passed-on");
        lists.flat_map(|(_, names)| names.split(',')).map(str::trim).filter(|name| !name.is_empty())
    }
}

enumeration! {
    /// How a request came.
    HttpMethod {
        #[serde(alias = "GET", alias = "Get")]
        Get "get",
        #[serde(alias = "POST", alias = "Post")]
        Post "post",
    }
}

record! {
    /// A request at the callback address, as it arrived.
    CallbackRequest {
        method "method": HttpMethod,
        #[serde(default)]
        query "query": String,
        #[serde(default, deserialize_with = "json::fields")]
        headers "headers": Fields,
        #[serde(default, with = "json::body")]
        body "body": Vec<u8>,
        #[serde(default)]
        remote_address "remote-address": String,
        #[serde(default)]
        received_at "received-at": u64,
    }
}

impl CallbackRequest {
    /// A request with a query alone; the rest is set field by field.
    pub fn get(query: impl Into<String>) -> CallbackRequest {
        CallbackRequest {
            method: HttpMethod::Get,
            query: query.into(),
            headers: Fields::new(),
            body: Vec::new(),
            remote_address: String::new(),
            received_at: 0,
        }
    }

    /// A request with a body alone; the rest is set field by field.
    pub fn post(body: impl Into<Vec<u8>>) -> CallbackRequest {
        CallbackRequest { method: HttpMethod::Post, body: body.into(), ..CallbackRequest::get("") }
    }
}

enumeration! {
    /// What happened to the payer's money.
    EventKind {
        Payment "payment",
        Refund "refund",
        Chargeback "chargeback",
        Hold "hold",
        Declined "declined",
    }
}

enumeration! {
    /// How a payment stands to other payments of the same payer.
    Recurrence {
        Single "single",
        First "first",
        Repeat "repeat",
    }
}

record! {
    /// A fact about money that the payment system proved.
    Event {
        kind "kind": EventKind,
        recurrence "recurrence": Recurrence,
        transaction "transaction": String,
        order "order": Option<String>,
        payer "payer": Option<String>,
        amount "amount": Money,
        occurred_at "occurred-at": Option<String>,
        comment "comment": String,
        dedup_key "dedup-key": String,
        extra "extra": Fields,
    }
}

/// What a callback turned out to be.
#[derive(ComponentType, Lift, Lower, Clone, PartialEq, Eq, Debug)]
#[component(variant)]
pub enum Verdict {
    /// A proved fact about money.
    #[component(name = "accepted")]
    Accepted(Event),
    /// Proved to be the payment system's, and the provider cannot say what it is about.
    #[component(name = "unresolved")]
    Unresolved(Problem),
    /// Certain not to be about money.
    #[component(name = "ignored")]
    Ignored(Problem),
    /// Not proved.
    #[component(name = "refused")]
    Refused(Problem),
}

record! {
    /// What the payment system hears.
    HttpReply {
        status "status": u16,
        headers "headers": Fields,
        #[serde(with = "json::body")]
        body "body": Vec<u8>,
    }
}

/// A verdict and its reply. In JSON: `verdict` (`accepted`, `unresolved`, `ignored` or `refused`), `event`, `problem` (each may be null),
/// `reply`.
#[derive(ComponentType, Lift, Lower, Clone, PartialEq, Eq, Debug, Serialize)]
#[component(record)]
#[serde(into = "json::AnswerReport")]
#[allow(missing_docs, reason = "the contract documents every field")]
pub struct CallbackAnswer {
    pub verdict: Verdict,
    pub reply: HttpReply,
}

enumeration! {
    /// What the law sees in a party.
    PartyKind {
        Individual "individual",
        #[serde(alias = "sole-proprietor")]
        SoleProprietor "sole-proprietor",
        Company "company",
    }
}

record! {
    /// Who sells or buys.
    Party {
        kind "kind": PartyKind,
        name "name": String,
        #[serde(default)]
        inn "inn": String,
        #[serde(default)]
        kpp "kpp": String,
    }
}

record! {
    /// One charge for a service.
    Writeoff {
        id "id": String,
        account "account": String,
        subscriber "subscriber": Party,
        #[serde(default)]
        contract "contract": String,
        #[serde(default)]
        contract_date "contract-date": Option<Date>,
        #[serde(default)]
        service_code "service-code": String,
        service "service": String,
        #[serde(default)]
        unit "unit": String,
        period "period": Date,
        date "date": Date,
        #[serde(default = "json::one_in_thousandths")]
        quantity_thousandths "quantity-thousandths": i64,
        amount "amount": Money,
        #[serde(default)]
        vat_basis_points "vat-basis-points": Option<u16>,
        #[serde(default, deserialize_with = "json::fields")]
        extra "extra": Fields,
    }
}

record! {
    /// What to export, and for whom.
    ExportOptions {
        #[serde(default)]
        format "format": String,
        seller "seller": Party,
        period_start "period-start": Date,
        period_end "period-end": Date,
        #[serde(default)]
        created_at "created-at": u64,
        #[serde(default, deserialize_with = "json::fields")]
        extra "extra": Fields,
    }
}

record! {
    /// What a file or a whole export holds.
    ExportTotals {
        rows "rows": u64,
        documents "documents": u64,
        amount "amount": Money,
        vat_minor_units "vat-minor-units": i64,
        extra "extra": Fields,
    }
}

record! {
    /// Write-offs that are in no file.
    LeftOut {
        rows "rows": u64,
        writeoff "writeoff": String,
        account "account": String,
        subscriber "subscriber": String,
        contract "contract": String,
        service_code "service-code": String,
        service "service": String,
        period "period": Date,
        vat_basis_points "vat-basis-points": Option<u16>,
        amount "amount": Money,
        vat_minor_units "vat-minor-units": i64,
        reason "reason": Problem,
    }
}

/// A piece of an export's output, in order.
#[derive(ComponentType, Lift, Lower, Clone, PartialEq, Eq, Debug)]
#[component(variant)]
#[allow(missing_docs, reason = "the contract documents every case")]
pub enum ExportPart {
    #[component(name = "bytes")]
    Bytes(Vec<u8>),
    #[component(name = "file-end")]
    FileEnd(ExportTotals),
    #[component(name = "left-out")]
    LeftOut(LeftOut),
    #[component(name = "warning")]
    Warning(Problem),
}
