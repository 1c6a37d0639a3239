//! `questions`: where a signature proves a callback, nothing is asked and no call is made before it holds.
//!
//! Otherwise whoever can't sign could make the host ask billing and call payment systems. A request that nobody signed asks nothing.
//! A sample that asks, changed, either asks nothing more than the sample did or is refused without a question; and it never
//! becomes an event.

use domain::{CallbackProof, CallbackRequest, ProvedEvent, Verdict};

use super::fuzz_inputs::field_names;
use super::mutations::{input_text, money_difference};
use crate::answers::Answers;
use crate::check_context::{CheckContext, ScannedMerchant};
use crate::inputs;
use crate::judged::Judged;
use crate::mutate::{Mutation, mutations};
use crate::report::{Case, Checked, Findings, Outcome, failure, verdict_text};
use crate::vectors::{Expected, Sample};

/// How many mutations of each class of a request are tried. `mutations` tries more, of samples that a payment depends on; each of
/// these takes several calls.
const PER_CLASS: usize = 200;
/// The same with [`Effort::Quick`](crate::Effort::Quick).
const QUICK_PER_CLASS: usize = 12;

pub fn check(subject: &CheckContext) -> Checked {
    let (vectors, merchant) = (subject.vectors()?, subject.merchant()?);
    let mut findings = Findings::default();
    match merchant.callback_proof() {
        Ok(CallbackProof::Signature) => {}
        Ok(CallbackProof::Lookup | CallbackProof::Caller) => {
            let reason = "a callback is not proved by itself, so the provider may ask before it is proved".to_owned();
            return Err(Outcome::NotApplicable { reason });
        }
        Err(error) => {
            findings.case(Err(failure("callback-proof gives no answer", &error)));
            return Ok(findings);
        }
    }
    findings.add(unsigned(subject, &merchant));
    let mut judged: Vec<(&Sample, Judged)> = vectors
        .callbacks
        .iter()
        .filter_map(|sample| Some((sample, merchant.judged(&sample.request, &sample.answers).ok()?)))
        .filter(|(_, judged)| !judged.is_of_request_alone())
        .collect();
    // Those that are answered come first: with answers a provider gets further.
    judged.sort_by_key(|(_, judged)| matches!(judged.answer.verdict, Verdict::Unavailable));
    // Without a payment nothing can turn into one.
    let genuine = subject.genuine().unwrap_or_default();
    let (per_class, mut rng) = (subject.scaled(PER_CLASS, QUICK_PER_CLASS), subject.rng("questions"));
    for (at, (sample, own)) in judged.iter().enumerate() {
        // Samples of one request differ in the answers, which a forger does not give.
        if judged.iter().take(at).any(|(earlier, _)| earlier.request == sample.request) {
            continue;
        }
        let donors: Vec<Donor> = vectors
            .callbacks
            .iter()
            .filter(|donor| donor.name != sample.name)
            .map(|donor| Donor {
                sample: donor,
                events: genuine.iter().find(|(known, _)| known.name == donor.name).map_or(&[], |(_, events)| events),
                asked: judged.iter().find(|(known, _)| known.name == donor.name).map(|(_, judged)| judged),
            })
            .collect();
        let requests: Vec<(&CallbackRequest, bool)> =
            donors.iter().map(|donor| (&donor.sample.request, !donor.events.is_empty())).collect();
        let mutations = mutations(&sample.request, &requests, &[], Some(per_class), &mut rng);
        let changed = Changed { sample, own, donors: &donors, order_is_signed: vectors.order_is_signed };
        findings.add(subject.each(&mutations, |mutation| changed.holds(&merchant, mutation)));
    }
    Ok(findings)
}

/// Tries requests that nobody signed: the samples that are to be refused, and random ones.
fn unsigned(subject: &CheckContext, merchant: &ScannedMerchant) -> Findings {
    let samples = subject.vectors.into_iter().flat_map(|vectors| &vectors.callbacks);
    let refused = samples.filter(|sample| matches!(sample.expected, Expected::Refused(_)));
    let mut requests: Vec<CallbackRequest> = refused.map(|sample| sample.request.clone()).collect();
    let (names, mut rng) = (field_names(subject), subject.rng("questions of nobody"));
    requests.extend((0..subject.scaled(2_000, 100)).map(|_| inputs::random(&names, &mut rng)));
    // An error is a finding of `any-input`.
    subject.each(&requests, |request| match merchant.judged(request, &Answers::default()) {
        Ok(judged) if !judged.is_of_request_alone() => {
            Err(format!("what nobody signed {}; {}", judged.asked_text(), input_text(request)))
        }
        _ => Ok(()),
    })
}

/// Another sample, whose pieces are put into one.
struct Donor<'d> {
    sample: &'d Sample,
    /// Its events, if it is accepted.
    events: &'d [ProvedEvent],
    /// What it asks, if it asks.
    asked: Option<&'d Judged>,
}

/// A sample that asks, to be changed.
struct Changed<'c> {
    sample: &'c Sample,
    own: &'c Judged,
    donors: &'c [Donor<'c>],
    order_is_signed: bool,
}

impl Changed<'_> {
    fn holds(&self, merchant: &ScannedMerchant, mutation: &Mutation) -> Case {
        let donor = mutation.donor.and_then(|donor| self.donors.get(donor));
        let wrong = match merchant.judged(&mutation.request, &self.sample.answers) {
            Ok(judged) => self.wrong_with(&judged, donor),
            Err(error) => Some(failure("gives no verdict", &error)),
        };
        wrong.map_or(Ok(()), |what| {
            let of = donor.map(|donor| format!(" ({:?})", donor.sample.name)).unwrap_or_default();
            Err(format!("{:?}, {}{of}: it {what}; {}", self.sample.name, mutation.what, input_text(&mutation.request)))
        })
    }

    fn wrong_with(&self, judged: &Judged, donor: Option<&Donor>) -> Option<String> {
        let verdict = &judged.answer.verdict;
        let asks = !judged.is_of_request_alone();
        if asks && matches!(verdict, Verdict::Refused(_)) {
            let asked = judged.asked_text();
            return Some(format!(
                "{asked} before its proof, and {}: verify the signature before you ask",
                verdict_text(verdict)
            ));
        }
        let is_asked_by = |known: &Judged| {
            judged.questions.iter().all(|question| known.questions.contains(question))
                && judged.calls.iter().all(|call| known.calls.contains(call))
        };
        let is_known = is_asked_by(self.own) || donor.and_then(|donor| donor.asked).is_some_and(is_asked_by);
        if self.order_is_signed && !is_known {
            return Some(format!(
                "{}, which the sample does not: what was changed is not signed, or signed without a separator; read signed values by \
                 strict grammars before you ask",
                judged.asked_text()
            ));
        }
        // Where the sample itself has events, `mutations` compares them.
        let is_donors = |event: &ProvedEvent| {
            let theirs = donor.map(|donor| donor.events).unwrap_or_default();
            theirs.iter().any(|theirs| money_difference(theirs, event, self.order_is_signed).is_none())
        };
        let is_new = self.own.answer.verdict.events().is_empty() && !verdict.events().iter().all(is_donors);
        is_new.then(|| format!("{}, and the sample is no event", verdict_text(verdict)))
    }
}
