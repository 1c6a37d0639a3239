use super::*;
use crate::api::tests::responded;
use crate::settings::tests::settings;
use crate::transaction::tests::model;

const DAY: Date = Date { year: 2021, month: 10, day: 30 };

fn page(transactions: &[String]) -> String {
    format!(r#"{{"Model":[{}],"Success":true,"Message":null}}"#, transactions.join(","))
}

/// Fetches a page, and returns the call's body with what came of the answer.
fn fetched(changes: &[(&str, &str)], cursor: &str, answer: &str) -> (String, ReportStep) {
    let (settings, format) = (settings(changes), "transactions");
    let Err(Stop::Call(call)) = fetch(&settings, [format, cursor], &Vec::new(), DAY, &Context::at(0)) else { panic!() };
    assert_eq!((call.url.as_str(), call.answer_bytes_max), ("https://api.cloudpayments.ru/v2/payments/list", 1_048_576));
    let body = String::from_utf8(call.body.clone()).unwrap();
    let context = Context::at(0).called(*call, responded(200, answer));
    (body, fetch(&settings, [format, cursor], &Vec::new(), DAY, &context).unwrap())
}

fn rows_of(step: ReportStep) -> (Vec<ReportRow>, Option<String>) {
    match step {
        ReportStep::Done(page) => (page.rows, page.next),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_day_of_the_payment_system() {
    let payout =
        [("\"PayoutDateIso\":null,\"PayoutAmount\":null", "\"PayoutDateIso\":\"2021-11-01T00:00:00\",\"PayoutAmount\":155.10")];
    let refund = [
        ("\"TransactionId\":897749645", "\"TransactionId\":568"),
        ("\"Amount\":159,\"C", "\"Amount\":40,\"C"),
        ("\"Type\":0", "\"Type\":1"),
        ("\"OriginalTransactionId\":null", "\"OriginalTransactionId\":897749645"),
        ("\"PayoutAmount\":null", "\"PayoutAmount\":40"),
        ("\"TotalFee\":3.90", "\"TotalFee\":0"),
    ];
    let other = [("\"Type\":0", "\"Type\":2")];
    let test = [("\"TestMode\":false", "\"TestMode\":true")];
    let answer = page(&[model(&payout), model(&refund), model(&other), model(&test)]);
    let (body, step) = fetched(&[], "", &answer);
    let want = concat!(
        r#"{"PageNumber":1,"CreatedDateGte":"2021-10-30T00:00:00+03:00","CreatedDateLte":"2021-10-30T23:59:59.999+03:00","#,
        r#""Statuses":["Completed"]}"#
    );
    assert_eq!(body, want);
    let (rows, next) = rows_of(step);
    let units = |money: &Option<Money>| money.as_ref().map(|money| money.minor_units);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.kind, row.transaction.as_str(), row.gross.minor_units, units(&row.fee), units(&row.net)))
        .collect();
    assert_eq!(
        told,
        [
            (Some(EventKind::Payment), "897749645", 15_900, Some(390), Some(15_510)),
            (Some(EventKind::Refund), "568", -4_000, Some(0), Some(-4_000)),
            (None, "897749645", -15_900, Some(390), None),
        ]
    );
    assert_eq!((rows[0].order.as_deref(), rows[0].day, rows[0].payout.as_deref()), (Some("42"), Some(DAY), Some("2021-11-01")));
    assert_eq!(rows[0].occurred_at.as_deref(), Some("2021-10-30T03:59:58Z"));
    assert!(rows[1].extra.contains(&("original".to_owned(), "897749645".to_owned())));
    assert_eq!((rows[1].payout.clone(), next), (None, None));
}

#[test]
fn pages_of_a_hundred() {
    let full = page(&vec![model(&[]); 100]);
    let (_, step) = fetched(&[], "", &full);
    assert_eq!(rows_of(step).1.as_deref(), Some("2"));
    let (body, step) = fetched(&[], "7", &full);
    assert!(body.contains(r#""PageNumber":7"#));
    assert_eq!(rows_of(step).1.as_deref(), Some("8"));
    let (_, step) = fetched(&[], "7", &page(&[]));
    assert_eq!(rows_of(step), (Vec::new(), None));
    // Test payments count for the page though they are in no row.
    let (_, step) = fetched(&[("test-mode", "true")], "", &full);
    assert_eq!(rows_of(step), (Vec::new(), Some("2".to_owned())));
}

#[test]
fn a_day_of_kazakhstan() {
    let tenge = model(&[("\"Currency\":\"RUB\"", "\"Currency\":\"KZT\"")]);
    let (body, step) = fetched(&[("currency", "KZT")], "", &page(&[tenge]));
    assert!(body.contains("2021-10-30T00:00:00+05:00"));
    assert_eq!(rows_of(step).0[0].gross.currency, "KZT");
}

#[test]
fn what_is_no_report() {
    for answer in [
        r#"{"Success":false,"Message":"Bad date"}"#.to_owned(),
        r#"{"Success":true,"Model":{}}"#.to_owned(),
        page(&["{}".to_owned()]),
        page(&[model(&[("pk_test_site_1", "pk_other")])]),
        page(&[model(&[("\"Currency\":\"RUB\"", "\"Currency\":\"USD\"")])]),
    ] {
        assert!(matches!(fetched(&[], "", &answer).1, ReportStep::Unavailable(_)), "{answer}");
    }
    let option = vec![("column".to_owned(), "1".to_owned())];
    for (format, cursor, options, want) in [
        ("register", "", Vec::new(), &["format"][..]),
        ("transactions", "", option.clone(), &["column"]),
        ("transactions", "1", Vec::new(), &["cursor"]),
        ("transactions", "x", Vec::new(), &["cursor"]),
        ("register", "0", option, &["format", "column", "cursor"]),
    ] {
        let Ok(ReportStep::Failed(problems)) = fetch(&settings(&[]), [format, cursor], &options, DAY, &Context::at(0)) else {
            panic!()
        };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_deref().unwrap()).collect();
        assert_eq!(fields, want);
    }
}
