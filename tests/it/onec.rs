//! The shipped component that only exports, and the ones that do not.

use domain::{Currency, ExportOptions, ExportRow, Money, Settings, Verdict};
use end_to_end::exports::{component_export, export_by};
use end_to_end::month::{OLD_RATES, RATES, month};
use end_to_end::onec::{merchant, native, provider};
use end_to_end::straight::Straight;
use end_to_end::{component_of, convert, export_options, full_callback, order, post, robokassa, vectors, writeoff};
use kit::Provider as _;
use onec::OneC;
use sandbox::{Error, Merchant};

use crate::provider_suite::{native_answer, native_link};

/// What only the writers of 1C's formats say.
const WRITTEN: [&str; 2] = ["Документ.РеализацияТоваровУслуг", "act_uuid;note"];

fn problem(error: Option<Error>) -> (String, Option<String>) {
    let Some(Error::Provider(problems)) = error else { panic!("{error:?}") };
    (problems[0].code.clone(), problems[0].field.clone())
}

#[test]
fn description_matches_native() {
    let description = provider().description();
    assert_eq!(*description, convert::description(OneC::describe()));
    assert!(!description.links && provider().imports().is_empty());
    assert_eq!((description.id.as_str(), description.name.as_str()), ("onec", "1С"));
}

#[test]
fn settings_are_the_currency_alone() {
    for (entered, code, field) in [
        (("currency", "XXX"), "setting-invalid", "currency"),
        (("product-id", "001234-0001-0001"), "setting-unknown", "product-id"),
    ] {
        let refused = problem(provider().merchant(Settings::new([entered])).err());
        assert_eq!(refused, (code.to_owned(), Some(field.to_owned())));
    }
    merchant(&[]);
}

#[test]
fn genuine_callbacks_of_payment_systems_are_refused() {
    let (merchant, native) = (merchant(&[]), native(&[]));
    let bodies = [full_callback().as_bytes().to_vec(), robokassa::genuine().as_bytes().to_vec(), Vec::new()];
    let vectors = vectors().callbacks.iter().map(|vector| vector.request.clone());
    for request in bodies.iter().map(|body| post(body)).chain(vectors) {
        let answer = merchant.judge(&request).unwrap();
        assert!(matches!(&answer.verdict, Verdict::Refused(problem) if problem.code == "unsupported"), "{answer:?}");
        assert_eq!(answer.reply.as_ref().unwrap().status, 403);
        assert_eq!(answer, native_answer(&native, &request));
    }
}

#[test]
fn there_are_no_links() {
    assert_eq!(problem(merchant(&[]).link(&order()).err()).0, "unsupported");
    assert_eq!(native_link(&native(&[]), &order()).unwrap_err()[0].code, "unsupported");
}

/// Whoever exported a month by ChronoPay and exports the next one by this component has the same acts in 1C, and not twice.
#[test]
fn export_is_the_same_by_another_component() {
    let merchant = merchant(&[("currency", "RUB")]);
    for format in &provider().description().export_formats {
        for mode in ["per-subscriber", "summary-individuals"] {
            let rates = if format == "enterprise-data-1.8" { OLD_RATES } else { RATES };
            let rows: Vec<ExportRow> = month(300, rates).collect();
            let extra = [("mode", mode), ("other-vat-rate", "20")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            let options = ExportOptions { format: format.clone(), extra: extra.to_vec(), ..export_options() };
            let exported = export_by(&merchant, &rows, &options, &[77]).unwrap();
            assert_eq!(exported.totals.rows, 300);
            assert!(exported == component_export(&rows, &options, &[300]).unwrap(), "{format} {mode}");
        }
    }
}

#[test]
fn other_currencies_are_exported_as_a_register() {
    let euros = merchant(&[("currency", "EUR")]);
    let amount = Money { minor_units: 50_000, currency: Currency::parse("EUR").unwrap() };
    let rows = [ExportRow { amount, ..writeoff() }];
    let exported = export_by(&euros, &rows, &export_options(), &[1]).unwrap();
    assert_eq!(exported.totals.amount, amount);
    let options = ExportOptions { format: "enterprise-data-1.17".into(), ..export_options() };
    assert_eq!(problem(euros.export_writeoffs(&options).err()), ("unsupported".to_owned(), Some("format".to_owned())));
}

/// A component that exports nothing refuses every format, and has none of the code.
#[test]
fn components_without_exports_hold_no_writers() {
    let holds = |name: &str| {
        let component = component_of(name);
        WRITTEN.map(|text| component.windows(text.len()).any(|bytes| bytes == text.as_bytes()))
    };
    assert_eq!([holds("chronopay"), holds("onec"), holds("robokassa")], [[true; 2], [true; 2], [false; 2]]);
    assert_eq!(robokassa::provider().description().export_formats, Vec::<String>::new());
    let robokassa: Merchant = robokassa::merchant(&[]);
    for format in ["enterprise-data-1.17", "register-csv", ""] {
        let options = ExportOptions { format: format.into(), ..export_options() };
        let refused = problem(robokassa.export_writeoffs(&options).err());
        assert_eq!(refused, ("unsupported".to_owned(), Some("format".to_owned())));
    }
}
