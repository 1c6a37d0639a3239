//! The rules about reports of settlements.

use domain::{
    AccountNumber, ControlTotals, OrderId, ReportFailure, ReportFormat, ReportPage, ReportRow, TransactionId,
    is_contract_text as is_text,
};

use super::description::{broken_setting, is_bilingual};
use super::names::{Violations, are_fields, broken, is_name, problem, problems};
use super::steps::is_time;

const FORMATS_MAX: usize = 16;
const OPTIONS_MAX: usize = 64;
const PAGE_ROWS_MAX: usize = 1000;
const CURSOR_CHARS_MAX: usize = 1024;

/// Returns the rules that the list of reports breaks.
pub fn report_formats(formats: &[ReportFormat]) -> Violations {
    let mut broken = broken([(formats.len() <= FORMATS_MAX, "there are more than 16 formats of reports")]);
    let mut rule = |holds: bool, text: String| broken.extend((!holds).then_some(text));
    for (at, ReportFormat { name, title, file, call, options, extra }) in formats.iter().enumerate().take(FORMATS_MAX) {
        let is_unique = formats.iter().take(at).all(|earlier| earlier.name != *name);
        rule(is_name(name), format!("report {name:?} is not kebab-case"));
        rule(is_unique, format!("report {name:?} is given twice"));
        rule(is_bilingual(title, 1, 100), format!("report {name:?} has no title of 1 to 100 characters in ru and en"));
        rule(*file || *call, format!("report {name:?} comes neither as a file nor by a call"));
        rule(options.len() <= OPTIONS_MAX, format!("report {name:?} has more than 64 options"));
        rule(are_fields(extra), format!("report {name:?} has extra that is not names in kebab-case, each once"));
        for (at, option) in options.iter().enumerate().take(OPTIONS_MAX) {
            let is_unique = options.iter().take(at).all(|earlier| earlier.name != option.name);
            rule(is_unique, format!("option {:?} of report {name:?} is given twice", option.name));
            broken_setting(option, &mut rule);
        }
    }
    broken
}

/// Returns the rules that rows break.
pub fn report_rows(rows: &[ReportRow]) -> Violations {
    let mut wrong: Violations = rows.iter().flat_map(row).collect();
    // A report may have thousands of rows with one fault.
    wrong.sort();
    wrong.dedup();
    wrong
}

fn row(row: &ReportRow) -> Violations {
    let ReportRow { kind: _, transaction, order, account, gross: _, fee: _, net: _, occurred_at, day: _, payout, extra } = row;
    broken([
        (
            transaction.as_deref().is_none_or(TransactionId::is_valid),
            "a row's transaction is not at most 64 characters without control characters",
        ),
        (order.as_deref().is_none_or(OrderId::is_valid), "a row's order is not 1 to 64 characters without control characters"),
        (
            account.as_deref().is_none_or(AccountNumber::is_valid),
            "a row's account is not 1 to 64 characters without control characters",
        ),
        (
            occurred_at.as_deref().is_none_or(is_time),
            "a row's occurred-at is not YYYY-MM-DD or YYYY-MM-DDThh:mm:ss, with or without an offset",
        ),
        (
            payout.as_ref().is_none_or(|payout| is_text(payout, 1, 255)),
            "a row's payout is not 1 to 255 characters without control characters",
        ),
        (are_fields(extra), "a row's extra is not at most 256 names in kebab-case, each once"),
    ])
}

/// Returns the rules that control totals break.
pub fn control_totals(totals: &ControlTotals) -> Violations {
    broken([(are_fields(&totals.extra), "extra is not at most 256 names in kebab-case, each once")])
}

/// Returns the rules that a page breaks, which begins at a cursor.
pub fn report_page(page: &ReportPage, cursor: Option<&str>) -> Violations {
    let ReportPage { rows, next, control } = page;
    let mut wrong = broken([
        (rows.len() <= PAGE_ROWS_MAX, "a page has more than 1000 rows"),
        (
            next.as_ref().is_none_or(|next| is_text(next, 1, CURSOR_CHARS_MAX)),
            "next is not 1 to 1024 characters without control characters",
        ),
        (next.is_none() || next.as_deref() != cursor, "the next page begins where this one does"),
        (next.is_none() || control.is_none(), "a page that is not the last has control totals"),
    ]);
    wrong.extend(report_rows(rows));
    wrong.extend(control.iter().flat_map(control_totals));
    wrong
}

/// Returns the rules that the failure of a page breaks.
pub fn report_failure(failure: &ReportFailure) -> Violations {
    match failure {
        ReportFailure::Unavailable(one) => problem(one),
        ReportFailure::Failed(all) => problems(all),
    }
}

#[cfg(test)]
mod tests {
    use domain::Money;
    use money::Currency;

    use super::*;

    fn a_row() -> ReportRow {
        ReportRow {
            kind: None,
            transaction: None,
            order: None,
            account: None,
            gross: Money { minor_units: -1, currency: Currency::RUB },
            fee: None,
            net: None,
            occurred_at: Some("2026-10-31".into()),
            day: None,
            payout: None,
            extra: vec![],
        }
    }

    #[test]
    fn formats_that_a_form_cannot_be_drawn_from() {
        let words = vec![("ru".to_owned(), "т".to_owned()), ("en".to_owned(), "t".to_owned())];
        let good = ReportFormat { name: "csv".into(), title: words, file: true, call: false, options: vec![], extra: vec![] };
        let found = |formats: &[ReportFormat]| report_formats(formats).len();
        assert_eq!(found(std::slice::from_ref(&good)), 0);
        assert_eq!(found(&[good.clone(), good.clone()]), 1);
        assert_eq!(found(&[ReportFormat { name: "CSV".into(), ..good.clone() }]), 1);
        assert_eq!(found(&[ReportFormat { title: vec![], ..good.clone() }]), 1);
        assert_eq!(found(&[ReportFormat { file: false, ..good.clone() }]), 1);
        let many: Vec<_> = (0..17).map(|at| ReportFormat { name: format!("f{at}"), ..good.clone() }).collect();
        assert_eq!((found(&many[..16]), found(&many)), (0, 1));
    }

    #[test]
    fn pages_that_have_no_end_or_too_much() {
        let page = |rows: usize, next: Option<&str>, has_totals: bool| {
            let control = has_totals.then(ControlTotals::default);
            let page = ReportPage { rows: vec![a_row(); rows], next: next.map(str::to_owned), control };
            report_page(&page, Some("2")).len()
        };
        assert_eq!(page(1000, Some("3"), false), 0);
        assert_eq!(page(0, None, true), 0);
        assert_eq!(page(1001, None, false), 1);
        assert_eq!(page(0, Some("2"), false), 1);
        assert_eq!(page(0, Some(""), false), 1);
        assert_eq!(page(0, Some("3"), true), 1);
        let bad = ReportRow { occurred_at: Some("yesterday".into()), payout: Some(String::new()), ..a_row() };
        assert_eq!(report_rows(&vec![bad; 1000]).len(), 2);
    }
}
