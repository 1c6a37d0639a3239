//! Components of two versions of the contract, side by side in the same sandbox.
//!
//! The second version is made up. Only a sandbox with the feature `testing` supports it:
//! `cargo test --release --workspace --locked --features end-to-end/testing --test versions`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "it is all test code")]

use domain::{Settings, Verdict};
use end_to_end::guest::Guest;
use end_to_end::straight::Straight;
use end_to_end::{export_options, order, post, sandbox, writeoff};
use sandbox::{CONTRACT, Error, Limits, LoadError, Merchant};

const NEXT: &str = "billing:payments/payment-provider@1.1.0-testing";

/// Returns a component of the next version, whose links have a note.
fn next() -> Guest {
    let link_ends = "The host tells whoever made the order.\n        extra: fields,";
    Guest::good()
        .change("billing:payments@1.0.0", "billing:payments@1.1.0-testing")
        .change(link_ends, &format!("{link_ends}\n        note: string,"))
        .with(|guest| {
            let note = guest.text("the page is open for a day");
            guest.link.extend(note);
        })
}

fn merchant(component: &[u8], contract: &str) -> Merchant {
    let provider = sandbox().load(component, Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(provider.contract(), contract);
    provider.merchant(Settings::default()).unwrap()
}

#[test]
fn two_versions_run_in_one_sandbox() {
    let merchants = [merchant(&Guest::good().build(), CONTRACT), merchant(&next().build(), NEXT)];
    let noted = vec![("note".to_owned(), "the page is open for a day".to_owned())];
    for (merchant, extra) in merchants.iter().zip([Vec::new(), noted]) {
        let link = merchant.link(&order()).unwrap();
        assert_eq!((link.url.as_deref(), link.extra), (Some("https://x.ru/"), extra));
        let answer = merchant.judge(&post(b"a=1")).unwrap();
        assert!(matches!(answer.verdict, Verdict::Ignored(problem) if problem.code == "no-money-moved"));
        let mut export = merchant.export_writeoffs(&export_options()).unwrap();
        assert_eq!(export.append(&[writeoff()]).unwrap(), []);
        // It drops the row, and both versions notice.
        assert!(matches!(export.finish(), Err(Error::Contract { function: "writeoff-export.finish", .. })));
    }
}

#[test]
fn answer_of_another_version_is_refused() {
    let old_link = next().with(|guest| guest.changes.retain(|(from, _)| from.contains('@')));
    let error = sandbox().load(&old_link.build(), Limits::default()).unwrap_err();
    assert!(matches!(&error, Error::Load(LoadError::SignatureMismatch { function: "merchant.create-link", .. })), "{error}");
}

#[test]
fn unknown_version_lists_known_ones() {
    let unknown = Guest::good().change("billing:payments@1.0.0", "billing:payments@1.2.0");
    let error = sandbox().load(&unknown.build(), Limits::default()).unwrap_err().to_string();
    assert!(error.contains("payment-provider@1.2.0") && error.contains(&format!("{NEXT}, {CONTRACT}")), "{error}");
}
