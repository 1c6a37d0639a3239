//! The checks that every payment provider must pass. They know nothing of any particular provider.
//!
//! The author of a provider supplies a component and [`Vectors`]: a merchant to test with, and callbacks with their expected
//! verdicts. `host-harness check COMPONENT --vectors FILE` prints the [`Report`]. A host checks a provider that it has loaded
//! with [`check_provider`] and [`Effort::Quick`].
//!
//! The command line calls this crate for `check`; the crate `host` calls it before a component takes callbacks.
//!
//! # The checks
//!
//! - `contract`: the component loads. It exports the contract with its types and imports nothing, and its description follows
//!   the rules, which include titles and help in Russian and English.
//! - `description`: each default is a valid value of its setting. Optional settings that are left out, left empty, or entered
//!   as their defaults configure the same merchant. What the vectors name as a secret is declared as one. Fields that decide
//!   without being signed are among the required ones. A second `describe` returns the same.
//! - `settings`: `configure` refuses empty settings, each missing required setting, an unknown and a repeated setting, an
//!   invalid choice, flag, number or secure address, an empty secret, and a secret of one character. Each is refused by the
//!   contract's code and its field, and two faults are refused by two problems. Empty settings, and an unknown setting alone,
//!   are tried without vectors too.
//! - `samples`: each sample of the vectors gets its verdict, its code, and the fields of its event. At least one sample must be
//!   an accepted payment. If the vectors say that the provider takes no callbacks, and it has no payment links, each sample is
//!   one that is refused, and `mutations`, `refunds` and `proved` do not apply. Nor do they where `callback-proof` is `caller`: nothing in
//!   a callback proves it then, and a changed one is another.
//! - `operations`: each operation of the vectors (a link, a status, a refund, a charge, a report) has the result that they
//!   expect, with the answers that they give. The vectors must have one of each function of
//!   the component's abilities. A refund or a charge
//!   that is done or pending was not sent by calls that are all `always` repeatable. Asked for with another amount, of another payment
//!   or, where the call is known by a key, with another id, it makes another call. What callbacks and operations tell of one movement
//!   has one dedup key, and what they tell of another has another.
//! - `determinism`: each call asks the same questions and returns the same answer again: in fresh instances, in a warm one after
//!   other calls in every order, and on four threads at once. Whatever asks has the same result, without asking again, if it is told
//!   all answers in another order and others among them.
//! - `mutations`: each accepted sample, changed, is refused, or is the same event: in kind, recurrence, transaction, amount,
//!   payer, comment and dedup key, and in the order where the vectors say that it is signed. The changes: every bit flipped;
//!   every byte left out, doubled, exchanged; every truncation; each field removed, emptied, doubled with another value,
//!   renamed, replaced by what one parser reads as a number and another does not; digits moved from one field to the next,
//!   which a signature over joined values does not detect; values exchanged, or taken from another sample; fields that
//!   the description's `required-callback-fields` names, added where they are missing; the query against
//!   the body, GET against POST. Forms and JSON are changed by their fields, all else by bytes. A changed callback may be
//!   *ignored* only where nothing is left of it: the payment system takes the reply to an ignored callback as success, and
//!   would never send the genuine one again. Where a field of the description's `unsigned-callback-fields` was changed, the
//!   event may be of another kind, of the same transaction, order, payer and amount and under another dedup key. The report names
//!   these fields.
//! - `refunds`: such changes never turn a refund, a chargeback, a hold or a declined payment into a payment. Not applicable if
//!   the vectors hold none of these.
//! - `proved`: each field of each accepted sample is changed by itself. If the signature still holds but the callback is no
//!   longer the same event, its verdict is unresolved, neither refused nor ignored. A field whose value does not affect the
//!   money causes no refusal either if its value is not UTF-8 or is given twice. Where `callback-proof` is `caller`, no sample is
//!   refused for its signature instead. The vectors must hold a callback whose
//!   expected verdict is unresolved.
//! - `questions`: a request that nobody signed asks nothing and has no call made: the samples that are refused, and random ones. A
//!   sample that asks, changed in the same ways, asks nothing before it is refused, asks what the sample asks and nothing else
//!   where the vectors say that the order is signed, and becomes no event. Not applicable unless `callback-proof` is `signature`.
//! - `paths`: an accepted sample under any other path after the callback address is the same event, or none.
//! - `replies`: a callback whose reply depends on what the host makes of its events is answered after each outcome: entered, repeated,
//!   conflict, kept or refused with each code, and unavailable. What is refused or could not be stored has another reply than what is
//!   entered.
//! - `answers`: each answer to a call of a sample is replaced by none, a lost one, other statuses, junk of 64 KiB, the genuine one in
//!   other encodings, cut off or damaged, and by those about other orders. There is a result each time, and no event that the
//!   genuine answer does not say. Other codes in its short fields are tried too, since an error message may hold a secret; what
//!   follows from them is up to the provider. The answer about another order makes no link. If the payment system cannot be asked about
//!   a callback, or its answer cannot be read, the callback is not acknowledged, and a question about a status, a refund or a charge tells
//!   of nothing. If it is not known whether a call for a refund or a charge arrived, the result is unknown
//!   or pending; if it was not sent, the result is not that it was refused or done. A call that must not be repeated and was answered
//!   by a failure of the server leaves open what was done.
//! - `any-input`: random and hostile settings, orders, callbacks and exports up to the host's 64 KiB. Each call returns within
//!   its limits and without a crash: an answer, or a usable problem. No callback is accepted, and all are refused where the provider takes none.
//! - `links`: one field of the form (or of the call that makes the link) is the order's amount for all amounts, in minor units or as a decimal number. The `url`
//!   says what the form says. Different orders have different links. An amount that is not positive, or in a foreign currency,
//!   is refused.
//! - `limits`: under any smaller limit of fuel, memory or output, a call ends by the limit or returns the same answer. Where
//!   memory is refused, a crash is allowed as well.
//! - `exports`: for each format, rows and sums of made-up write-offs at every rate of VAT, with corrections. The files' totals
//!   add up; the bytes do not depend on how many rows are appended at a time; each row counts; a bad row is refused by row and
//!   field.
//! - `reports`: a report's file has the same rows in pieces of any size, rows that add up to its control totals, and an end
//!   wherever it is cut off or damaged.
//! - `calls`: each call of all checks goes to a host that the description or a setting of the kind `url` names, by TLS.
//! - `secrets`: no answer of all these calls and no URL that is to be called contains one of the vectors' secrets, nor the secret in
//!   another letter case, escaped, percent-encoded, in hexadecimal or in Base64, nor eight characters of it in a row, unless the
//!   description has them too.
//!
//! Calls get at least ten seconds, whatever the provider's own time limit, so that no verdict depends on how busy a machine is.
//! Fuel bounds them.

mod answers;
mod call_scanner;
mod check_context;
mod checks;
mod fixtures;
mod function_call;
mod inputs;
mod judged;
mod linked;
mod mutate;
mod performed;
mod report;
mod secret_scanner;
mod text;
mod vectors;

use domain::Description;
use sandbox::{Error, Limits, Provider, Sandbox};

pub use answers::Answers;
pub use function_call::{FunctionCall, FunctionResult};
pub use report::{Check, Outcome, Report};
pub use vectors::{Expected, OperationSample, Sample, Vectors, VectorsError};

use check_context::{CheckContext, not_checked};

/// How many inputs the checks try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// Hundreds of thousands of inputs, on a few threads: seconds to a minute.
    Full,
    /// A few thousand of the same inputs, on one thread: well under a second, beside a host that serves others.
    Quick,
}

/// Checks a component. A component that cannot be loaded fails the check `contract`, and the other checks are skipped.
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

/// Checks a provider that is already loaded.
pub fn check_provider(provider: &Provider, vectors: Option<&Vectors>, effort: Effort, seed: u64) -> Report {
    let subject = CheckContext::new(provider, vectors, effort, seed);
    let description = provider.description();
    let unsigned = description.callback_fields(Description::UNSIGNED_FIELDS);
    Report {
        sha256: Some(provider.sha256().to_owned()),
        id: Some(description.id.clone()),
        version: Some(description.version.clone()),
        seed,
        unsigned_fields: unsigned.into_iter().map(str::to_owned).collect(),
        checks: checks::RULES.iter().map(|rule| rule.check(&subject)).collect(),
    }
}

/// Returns the text, or a placeholder if it contains one of these secrets, plain or encoded. Each secret is given with its
/// setting's name. A secret of fewer than eight characters is not looked for, because it occurs in many texts by chance.
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
    Report { sha256: None, id: None, version: None, seed, unsigned_fields: Vec::new(), checks }
}
