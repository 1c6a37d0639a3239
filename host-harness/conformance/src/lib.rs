//! What every payment provider must pass, with no knowledge of which one it is.
//!
//! A provider's author gives a component and [`Vectors`]: a merchant to test with, and callbacks with what is to become of them.
//! `host-harness check COMPONENT --vectors FILE` prints the [`Report`]; a host checks a provider that it has loaded by
//! [`check_provider`], with [`Effort::Quick`].
//!
//! The command line calls it for `check`; the crate `host` calls it before a component takes callbacks.
//!
//! # The checks
//!
//! - `contract`: the component loads: it exports the contract with its types, imports nothing, and its description keeps the
//!   rules, titles and help in Russian and English among them.
//! - `description`: each default is one that its setting can have; optional settings left out, left empty, and entered as their
//!   defaults are the same merchant; what the vectors name as a secret is declared as one; asked again, it says the same.
//! - `settings`: `configure` refuses nothing at all, each required setting left out, an unknown and a repeated one, what is no
//!   choice, flag, number or secure address, an empty secret and one of a single character: each by the contract's code and its
//!   field, and two faults by two problems. Nothing at all, and an unknown setting alone, are tried without vectors too.
//! - `samples`: each sample of the vectors has its verdict, its code, and the fields of its event. There must be an accepted
//!   payment.
//! - `determinism`: each call has the same answer again: in fresh instances, in a warm one after other calls in every order, on
//!   four threads at once.
//! - `mutations`: each accepted sample, changed, is refused, or is the same event in kind, recurrence, transaction, amount, payer,
//!   comment and dedup key, and in the order where the vectors say that it is signed. Changes: every bit flipped; every byte left
//!   out, doubled, exchanged; every cut; each field removed, emptied, doubled with another value, renamed, replaced by what one
//!   reads as a number and another does not; digits moved from one field to the next, which a signature over joined values does
//!   not see; values exchanged, or taken from another sample; the query against the body, GET against POST. Forms and JSON are
//!   changed by their fields, all else by bytes. A changed callback is *ignored* only where nothing is left of it: the payment
//!   system hears that it is done, and would never send the genuine one again.
//! - `refunds`: a refund, a chargeback, a hold and a declined payment never become a payment by such changes. Not applicable where
//!   the vectors hold none.
//! - `proved`: each field of each accepted sample is changed by itself. A callback whose signature holds all the same, and that is
//!   no longer the event, is unresolved, and neither refused nor ignored. A field whose value changes nothing about the money
//!   refuses nothing either where it is not UTF-8 or is given twice. The vectors hold a callback that is to be unresolved.
//! - `any-input`: random and hostile settings, orders, callbacks and exports up to the host's 64 KiB: each has an answer, within the
//!   limits and without a crash, with a usable problem, and no callback is accepted.
//! - `links`: one field of the form is the order's amount for all amounts, in minor units or as a decimal number; the address
//!   to follow says what the form says; other orders have other links; what is not positive or of a foreign currency is refused.
//! - `limits`: under any less fuel, memory or output a call ends by the limit, or has the same answer. Where memory is refused a
//!   crash is as good.
//! - `exports`: for each format: rows and sums of made-up write-offs, of all rates of VAT, with corrections; the files' totals add
//!   up; the bytes do not depend on how many rows are appended at a time; each row counts; a bad row is refused by row and field.
//! - `secrets`: the vectors' secrets are in nothing that was said in all these calls, not in another letter case either, nor
//!   escaped, percent-encoded, in hexadecimal or in Base64.
//!
//! Calls get ten seconds instead of the limit of time, so that no verdict depends on how busy a machine is: fuel bounds them.

mod check_context;
mod checks;
mod fixtures;
mod inputs;
mod mutate;
mod report;
mod secret_scanner;
mod text;
mod vectors;

use sandbox::{Error, Limits, Provider, Sandbox};

pub use report::{Check, Outcome, Report};
pub use vectors::{Expected, Sample, Vectors, VectorsError};

use check_context::{CheckContext, not_checked};

/// How much is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// Hundreds of thousands of inputs, on a few threads: seconds to a minute.
    Full,
    /// A few thousand of the same inputs, on one thread: well under a second, beside a host that serves others.
    Quick,
}

/// Checks a component. One that cannot be loaded fails the check `contract`, and nothing else of it is checked.
///
/// The same seed makes the same inputs.
pub fn check(
    sandbox: &Sandbox,
    component: &[u8],
    limits: Limits,
    vectors: Option<&Vectors>,
    effort: Effort,
    seed: u64,
) -> Report {
    match sandbox.load(component, limits) {
        Ok(provider) => check_provider(&provider, vectors, effort, seed),
        Err(error) => not_loaded(&error, seed),
    }
}

/// Checks a provider that is loaded.
pub fn check_provider(provider: &Provider, vectors: Option<&Vectors>, effort: Effort, seed: u64) -> Report {
    let subject = CheckContext::new(provider, vectors, effort, seed);
    let description = provider.description();
    Report {
        sha256: Some(provider.sha256().to_owned()),
        id: Some(description.id.clone()),
        version: Some(description.version.clone()),
        seed,
        checks: checks::RULES.iter().map(|rule| rule.check(&subject)).collect(),
    }
}

/// A text, unless one of these secrets stands in it, plain or encoded: each is given with its setting's name. A secret of fewer than
/// eight characters is not looked for: it stands in many texts by chance.
pub fn redact<'s>(secrets: impl IntoIterator<Item = (&'s str, &'s str)>, text: String) -> String {
    let long = secrets.into_iter().filter(|(_, secret)| secret.chars().count() >= secret_scanner::SECRET_CHARS_MIN);
    secret_scanner::SecretScanner::new(long).redact(text)
}

fn not_loaded(error: &Error, seed: u64) -> Report {
    let outcome = |at| match at {
        0 => Outcome::Failed { findings: vec![error.to_string()] },
        _ => not_checked("the component cannot be loaded"),
    };
    let checks = checks::RULES.iter().enumerate().map(|(at, rule)| rule.with(outcome(at))).collect();
    Report { sha256: None, id: None, version: None, seed, checks }
}
