//! The report of a day: `/v2/payments/list`, a hundred transactions a page.

use kit::contract::{Date, EventKind, Fields, Money, Problem};
use kit::json;
use kit::problem::{Bilingual, Code, filled};
use kit::settlement_reports::{ReportFormat, ReportPage, ReportRow, ReportStep};
use kit::{Context, Stop, order};
use money::Currency;

use crate::api::{self, Answer, REPORT_BYTES_MAX};
use crate::settings::Settings;
use crate::transaction::{Operation, Status, Transaction};

/// The only report.
const FORMAT: &str = "transactions";
/// As many transactions as a page has, unless it is the last.
const PAGE_ROWS: usize = 100;
/// The last page that is asked for: more than any day has.
const PAGE_MAX: u32 = 100_000;

/// The reports that can be read.
pub fn formats() -> Vec<ReportFormat> {
    let title = [("ru", "Операции за день"), ("en", "Operations of a day")];
    let title = title.map(|(language, text)| (language.to_owned(), text.to_owned())).to_vec();
    vec![ReportFormat { name: FORMAT.to_owned(), title, file: false, call: true, options: Vec::new(), extra: Vec::new() }]
}

/// The problem of a report that is to be read from a file.
pub fn no_file() -> Problem {
    Code::Unsupported.at("format", "CloudPayments' reports are fetched by calls; none comes as a file.")
}

/// Fetches a page. Only completed payments and refunds are in it.
///
/// # Errors
/// The call, if it was not made yet.
pub fn fetch(
    settings: &Settings,
    [format, cursor]: [&str; 2],
    options: &Fields,
    day: Date,
    context: &Context,
) -> Result<ReportStep, Stop> {
    let page = match check(format, cursor, options) {
        Ok(page) => page,
        Err(problems) => return Ok(ReportStep::Failed(problems)),
    };
    let mut call = api::read(settings, "/v2/payments/list", &body(settings, day, page));
    call.answer_bytes_max = REPORT_BYTES_MAX;
    let answer = api::answer(context.call(call)?, REPORT_BYTES_MAX).map_err(api::NoAnswer::into_reason);
    Ok(match answer.and_then(|answer| rows(settings, &answer, day)) {
        Ok((count, rows)) => {
            let next = (count >= PAGE_ROWS && page < PAGE_MAX).then(|| (page + 1).to_string());
            ReportStep::Done(ReportPage { rows, next, control: None })
        }
        Err([in_russian, in_english]) => ReportStep::Unavailable(Code::Unavailable.whole(filled(
            ["Операции CloudPayments не прочитать: {0}", "CloudPayments' report cannot be read: {1}"],
            &[&in_russian, &in_english],
        ))),
    })
}

/// Checks the arguments, and returns the page's number. The first page has no cursor.
fn check(format: &str, cursor: &str, options: &Fields) -> Result<u32, Vec<Problem>> {
    let mut problems = Vec::new();
    if format != FORMAT {
        problems.push(Code::Unsupported.at("format", format!("The report is {FORMAT}.")));
    }
    problems.extend(options.iter().map(|(name, _)| Code::SettingUnknown.at(name, "The report has no options.")));
    let page = if cursor.is_empty() { Some(1) } else { cursor.parse().ok().filter(|page| (2..=PAGE_MAX).contains(page)) };
    match page {
        Some(page) if problems.is_empty() => Ok(page),
        Some(_) => Err(problems),
        None => {
            problems.push(Code::Invalid.at("cursor", "It is the number of a page from 2 on."));
            Err(problems)
        }
    }
}

/// A day is Moscow's, and at TipTop Pay that of Kazakhstan.
fn body(settings: &Settings, day: Date, page: u32) -> String {
    let offset = if settings.currency == Currency::RUB { "+03:00" } else { "+05:00" };
    let day = text_of(day);
    json::object(|call| {
        call.integer("PageNumber", i64::from(page));
        call.text("CreatedDateGte", &format!("{day}T00:00:00{offset}"));
        call.text("CreatedDateLte", &format!("{day}T23:59:59.999{offset}"));
        call.array("Statuses", |statuses| statuses.text("Completed"));
    })
}

fn text_of(Date { year, month, day }: Date) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}

/// Reads the transactions of a page, and returns how many there were.
fn rows(settings: &Settings, answer: &Answer<'_>, day: Date) -> Result<(usize, Vec<ReportRow>), Bilingual> {
    let model = answer.model.as_ref().filter(|_| answer.success).ok_or_else(|| api::said(&answer.message))?;
    let transactions = model.array().map_err(|error| api::unknown_form(&error))?;
    let mut rows = Vec::new();
    for (at, transaction) in transactions.iter().enumerate() {
        let transaction = Transaction::read(transaction)
            .map_err(|what| filled(["строка {0} в незнакомой форме.", "row {0}: {1}"], &[&(at + 1), &what]))?;
        if transaction.is_test == settings.test_mode {
            transaction.check(settings)?;
            rows.push(row(settings, &transaction, day));
        }
    }
    Ok((transactions.len(), rows))
}

/// Payouts and what is not known count in the totals, as no movement of a payer's money.
fn row(settings: &Settings, transaction: &Transaction<'_>, day: Date) -> ReportRow {
    let money = |minor_units: i64| Money { minor_units, currency: settings.currency.to_string() };
    let (kind, sign) = match (&transaction.operation, transaction.status) {
        (Operation::Payment, Status::Completed) => (Some(EventKind::Payment), 1),
        (Operation::Refund(_), Status::Completed) => (Some(EventKind::Refund), -1),
        (Operation::Other, Status::Completed) => (None, -1),
        _ => (None, 0),
    };
    let original = match &transaction.operation {
        Operation::Refund(original) => original.as_str(),
        _ => "",
    };
    let extra = [("account-id", &*transaction.account), ("original", original), ("invoice-id", &*transaction.invoice)];
    ReportRow {
        kind,
        transaction: transaction.id.to_string(),
        order: order::is_id(&transaction.invoice).then(|| transaction.invoice.to_string()),
        account: None,
        gross: money(sign * transaction.minor_units),
        fee: transaction.fee.map(money),
        net: transaction.payout.map(|payout| money(if sign < 0 { -payout.abs() } else { payout })),
        occurred_at: transaction.created_at.clone(),
        day: Some(day),
        payout: transaction.payout_day.clone(),
        extra: extra
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
