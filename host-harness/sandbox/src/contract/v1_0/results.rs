//! The results of version 1.0.0, and their conversion to the domain's types.
//!
//! A value that the domain's types cannot hold, such as an invalid currency, is reported as a violation and replaced with a
//! placeholder. Nobody sees the placeholder, because an answer with violations is an error.

use domain::Fields;
use wasmtime::component::{ComponentType, Lift};

use super::enums::SettingKind;
use crate::contract::rules::{self, Violations};

macro_rules! result {
    ($name:ident { $($field:ident $wit:literal: $type:ty,)* }) => {
        #[derive(ComponentType, Lift)]
        #[component(record)]
        pub struct $name { $(#[component(name = $wit)] pub $field: $type,)* }
    };
    // A record with the same fields as the domain's type.
    ($name:ident into $domain:ty { $($field:ident $wit:literal: $type:ty,)* }) => {
        result! { $name { $($field $wit: $type,)* } }

        impl From<$name> for $domain {
            fn from(value: $name) -> $domain {
                Self { $($field: value.$field,)* }
            }
        }
    };
}

result! {
    Money {
        minor_units "minor-units": i64,
        currency "currency": String,
    }
}

impl Money {
    pub fn into_domain(self, violations: &mut Violations) -> domain::Money {
        domain::Money { minor_units: self.minor_units, currency: rules::currency(&self.currency, violations) }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Converts a date of this name.
    pub fn into_domain(self, name: &str, violations: &mut Violations) -> domain::Date {
        let Date { year, month, day } = self;
        rules::day(name, domain::WrittenDate { year, month, day }, violations)
    }
}

result! {
    Problem {
        code "code": String,
        field "field": Option<String>,
        row "row": Option<u64>,
        message "message": Fields,
    }
}

impl Problem {
    /// Converts a problem. A message that is not in English, and a second one in English, is reported as a violation.
    pub fn into_domain(self, violations: &mut Violations) -> domain::Problem {
        let Problem { code, field, row, message } = self;
        let (english, translations): (Fields, Fields) = message.into_iter().partition(|(language, _)| language == "en");
        let mut english = english.into_iter().map(|(_, message)| message);
        let (message, second) = (english.next(), english.next());
        if message.is_none() || second.is_some() {
            violations.push("a problem has no message in English, or two".to_owned());
        }
        domain::Problem { code, field, row, message: message.unwrap_or_default(), translations }
    }
}

/// Converts a provider's problems.
pub fn problems(problems: Vec<Problem>, violations: &mut Violations) -> Vec<domain::Problem> {
    problems.into_iter().map(|problem| problem.into_domain(violations)).collect()
}

result! {
    Choice into domain::Choice {
        value "value": String,
        title "title": Fields,
    }
}

result! {
    Setting {
        name "name": String,
        title "title": Fields,
        help "help": Fields,
        kind "kind": SettingKind,
        required "required": bool,
        default_value "default-value": Option<String>,
        choices "choices": Vec<Choice>,
        extra "extra": Fields,
    }
}

impl From<Setting> for domain::SettingSpec {
    fn from(setting: Setting) -> domain::SettingSpec {
        let Setting { name, title, help, kind, required, default_value, choices, extra } = setting;
        let choices = choices.into_iter().map(domain::Choice::from).collect();
        domain::SettingSpec { name, title, help, kind: kind.into(), required, default_value, choices, extra }
    }
}

result! {
    RequestHeader into domain::RequestHeader {
        name "name": String,
        secret "secret": bool,
    }
}

result! {
    OrderIdForm into domain::OrderIdForm {
        chars_max "chars-max": u8,
        digits_only "digits-only": bool,
    }
}

result! {
    Description {
        id "id": String,
        name "name": String,
        version "version": String,
        settings "settings": Vec<Setting>,
        currencies "currencies": Vec<String>,
        export_formats "export-formats": Vec<String>,
        links "links": bool,
        order_id "order-id": OrderIdForm,
        hosts "hosts": Vec<String>,
        headers "headers": Vec<RequestHeader>,
        extra "extra": Fields,
    }
}

impl Description {
    pub fn into_domain(self, violations: &mut Violations) -> domain::Description {
        let Description { id, name, version, settings, currencies, export_formats, links, order_id, hosts, headers, extra } =
            self;
        let currencies = rules::currencies(&currencies, violations);
        let settings = settings.into_iter().map(domain::SettingSpec::from).collect();
        let headers = headers.into_iter().map(domain::RequestHeader::from).collect();
        domain::Description {
            id,
            name,
            version,
            settings,
            currencies,
            export_formats,
            links,
            order_id: order_id.into(),
            hosts,
            headers,
            extra,
        }
    }
}

result! {
    ExportTotals {
        rows "rows": u64,
        documents "documents": u64,
        amount "amount": Money,
        vat_minor_units "vat-minor-units": i64,
        extra "extra": Fields,
    }
}

impl ExportTotals {
    pub fn into_domain(self, violations: &mut Violations) -> domain::ExportTotals {
        let ExportTotals { rows, documents, amount, vat_minor_units, extra } = self;
        domain::ExportTotals { rows, documents, amount: amount.into_domain(violations), vat_minor_units, extra }
    }
}

result! {
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

impl LeftOut {
    fn into_domain(self, violations: &mut Violations) -> domain::LeftOut {
        domain::LeftOut {
            rows: self.rows,
            writeoff: self.writeoff,
            account: self.account,
            subscriber: self.subscriber,
            contract: self.contract,
            service_code: self.service_code,
            service: self.service,
            period: self.period.into_domain("period", violations),
            vat_basis_points: self.vat_basis_points,
            amount: self.amount.into_domain(violations),
            vat_minor_units: self.vat_minor_units,
            reason: self.reason.into_domain(violations),
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
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

impl ExportPart {
    pub fn into_domain(self, violations: &mut Violations) -> domain::ExportPart {
        match self {
            ExportPart::Bytes(bytes) => domain::ExportPart::Bytes(bytes),
            ExportPart::FileEnd(totals) => domain::ExportPart::FileEnd(totals.into_domain(violations)),
            ExportPart::LeftOut(left_out) => domain::ExportPart::LeftOut(left_out.into_domain(violations)),
            ExportPart::Warning(warning) => domain::ExportPart::Warning(warning.into_domain(violations)),
        }
    }
}

pub(super) use result;
