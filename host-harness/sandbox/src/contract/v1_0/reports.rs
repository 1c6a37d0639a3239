//! The results of settlement reports, in version 1.0.0.

use domain::{AccountNumber, Fields, OrderId, Step, TransactionId};
use wasmtime::component::{ComponentType, Lift};

use super::enums::EventKind;
use super::results::{Date, Money, Problem, Setting, problems, result};
use super::steps::{HttpCall, Question, questions};
use crate::contract::rules::Violations;

result! {
    ReportFormat {
        name "name": String,
        title "title": Fields,
        file "file": bool,
        call "call": bool,
        options "options": Vec<Setting>,
        extra "extra": Fields,
    }
}

impl From<ReportFormat> for domain::ReportFormat {
    fn from(format: ReportFormat) -> domain::ReportFormat {
        let ReportFormat { name, title, file, call, options, extra } = format;
        let options = options.into_iter().map(domain::SettingSpec::from).collect();
        domain::ReportFormat { name, title, file, call, options, extra }
    }
}

result! {
    ReportRow {
        kind "kind": Option<EventKind>,
        transaction "transaction": String,
        order "order": Option<String>,
        account "account": Option<String>,
        gross "gross": Money,
        fee "fee": Option<Money>,
        net "net": Option<Money>,
        occurred_at "occurred-at": Option<String>,
        day "day": Option<Date>,
        payout "payout": Option<String>,
        extra "extra": Fields,
    }
}

impl ReportRow {
    /// Converts a row. The rules check its identifiers together with everything else.
    fn into_domain(self, violations: &mut Violations) -> domain::ReportRow {
        domain::ReportRow {
            kind: self.kind.map(domain::EventKind::from),
            transaction: (!self.transaction.is_empty()).then(|| TransactionId::stored(self.transaction)),
            order: self.order.map(OrderId::stored),
            account: self.account.map(AccountNumber::stored),
            gross: self.gross.into_domain(violations),
            fee: self.fee.map(|fee| fee.into_domain(violations)),
            net: self.net.map(|net| net.into_domain(violations)),
            occurred_at: self.occurred_at,
            day: self.day.map(|day| day.into_domain("day", violations)),
            payout: self.payout,
            extra: self.extra,
        }
    }
}

/// Converts rows.
pub fn rows(rows: Vec<ReportRow>, violations: &mut Violations) -> Vec<domain::ReportRow> {
    rows.into_iter().map(|row| row.into_domain(violations)).collect()
}

result! {
    ControlTotals {
        rows "rows": Option<u64>,
        gross "gross": Option<Money>,
        fee "fee": Option<Money>,
        net "net": Option<Money>,
        extra "extra": Fields,
    }
}

impl ControlTotals {
    pub fn into_domain(self, violations: &mut Violations) -> domain::ControlTotals {
        let mut money = |money: Option<Money>| money.map(|money| money.into_domain(violations));
        let ControlTotals { rows, gross, fee, net, extra } = self;
        domain::ControlTotals { rows, gross: money(gross), fee: money(fee), net: money(net), extra }
    }
}

result! {
    ReportPage {
        rows "rows": Vec<ReportRow>,
        next "next": Option<String>,
        control "control": Option<ControlTotals>,
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum ReportStep {
    #[component(name = "ask")]
    Ask(Vec<Question>),
    #[component(name = "call")]
    Call(HttpCall),
    #[component(name = "done")]
    Done(ReportPage),
    #[component(name = "unavailable")]
    Unavailable(Problem),
    #[component(name = "failed")]
    Failed(Vec<Problem>),
}

impl ReportStep {
    pub fn into_domain(self, violations: &mut Violations) -> Step<Result<domain::ReportPage, domain::ReportFailure>> {
        Step::Done(match self {
            ReportStep::Ask(asked) => return questions(asked, violations),
            ReportStep::Call(call) => return Step::Call(call.into()),
            ReportStep::Unavailable(problem) => Err(domain::ReportFailure::Unavailable(problem.into_domain(violations))),
            ReportStep::Failed(failed) => Err(domain::ReportFailure::Failed(problems(failed, violations))),
            ReportStep::Done(ReportPage { rows: read, next, control }) => Ok(domain::ReportPage {
                rows: rows(read, violations),
                next,
                control: control.map(|control| control.into_domain(violations)),
            }),
        })
    }
}
