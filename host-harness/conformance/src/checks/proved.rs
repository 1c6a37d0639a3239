//! `proved`: a proved callback is never dropped, and a passthrough field decides nothing.
//!
//! No one declares which fields are required and which are only passed through. So the check changes each field of a genuine
//! callback by itself and looks at the verdict. If the signature still holds but the callback is no longer the same event, the
//! field is required, and the callback must be *unresolved*: nothing is credited, and the host stores it for a person. If the
//! change makes no difference to the money, the field is passthrough, and then bytes of another charset or a second value must
//! make no difference either.

use domain::{CallbackProof, CallbackRequest, ProvedEvent, Verdict};

use super::mutations::{events_difference, input_text};
use crate::check_context::{CheckContext, ScannedMerchant};
use crate::report::{Case, Checked, Findings, Outcome, failure, verdict_text};
use crate::text::{Edit, Field, Part, Syntax, edited, fields};
use crate::vectors::{Expected, Sample};

/// The codes of a callback that is refused because it is not proved. Any other code means that it is proved.
const REFUSAL_CODES: [&str; 6] =
    ["malformed", "field-conflict", "signature-missing", "signature-mismatch", "credentials", "not-confirmed"];
/// Those of them that say that a signature is checked.
const SIGNATURE_CODES: [&str; 2] = ["signature-missing", "signature-mismatch"];
/// Texts that are appended to a field's value to change it.
const CHANGES: [&str; 2] = ["x", "1"];
/// «Иван» in windows-1251, which is not UTF-8: raw and percent-encoded.
const OTHER_CHARSET: [&[u8]; 2] = [b"\xc8\xe2\xe0\xed", b"%C8%E2%E0%ED"];

pub fn check(subject: &CheckContext) -> Checked {
    let unproved = caller_contradicted(subject)?;
    if unproved.fails() {
        return Ok(unproved);
    }
    let (genuine, vectors, merchant) = (subject.genuine()?, subject.vectors()?, subject.merchant()?);
    subject.requires_proof()?;
    let places: Vec<(&Sample, &[ProvedEvent], Part, Field)> = genuine
        .iter()
        .flat_map(|(sample, events)| {
            let parts = Part::all(&sample.request).into_iter().filter(|part| !matches!(part, Part::Header(_)));
            let all = parts.flat_map(|part| fields(part.of(&sample.request)).into_iter().map(move |field| (part, field)));
            all.map(move |(part, field)| (*sample, &events[..], part, field)).collect::<Vec<_>>()
        })
        .collect();
    let findings =
        subject.each(&places, |(sample, events, part, field)| Place { sample, events, part: *part, field }.holds(&merchant));
    if findings.fails() || vectors.callbacks.iter().any(|sample| matches!(sample.expected, Expected::Unresolved(_))) {
        return Ok(findings);
    }
    let why = "the vectors hold no callback that is unresolved; add a genuine one of a type that the provider does not know, of another \
               shop or in another currency";
    Err(Outcome::Skipped { reason: why.to_owned() })
}

/// Checks that a provider whose `callback-proof` says that nothing in a callback proves it, does not refuse one for its signature.
fn caller_contradicted(subject: &CheckContext) -> Checked {
    let (vectors, merchant) = (subject.vectors()?, subject.merchant()?);
    let mut findings = Findings::default();
    if !matches!(merchant.callback_proof(), Ok(CallbackProof::Caller)) {
        return Ok(findings);
    }
    for Sample { name, request, answers, .. } in &vectors.callbacks {
        let verdict = merchant.judged(request, answers).map(|judged| judged.answer.verdict);
        findings.case(match verdict {
            Ok(Verdict::Refused(problem)) if SIGNATURE_CODES.contains(&problem.code.as_str()) => Err(format!(
                "{name:?} is refused as {}, though `callback-proof` says `caller`, that nothing in a callback proves it; return `signature`",
                problem.code
            )),
            _ => Ok(()),
        });
    }
    Ok(findings)
}

/// A field of a genuine callback.
struct Place<'p> {
    sample: &'p Sample,
    events: &'p [ProvedEvent],
    part: Part,
    field: &'p Field,
}

impl Place<'_> {
    fn holds(&self, merchant: &ScannedMerchant) -> Case {
        let mut informs = true;
        for change in CHANGES {
            let text = self.part.of(&self.sample.request);
            let value = String::from_utf8_lossy(text.get(self.field.value.clone()).unwrap_or_default()).into_owned() + change;
            let Some(request) = self.edited((self.field.value.clone(), value.into_bytes())) else { return Ok(()) };
            informs &= match self.verdict(merchant, &request)? {
                verdict @ (Verdict::Happened(_) | Verdict::Wanted(_)) => self.difference(&verdict).is_none(),
                verdict @ (Verdict::Refused(_) | Verdict::Ignored(_)) if is_proved(&verdict) => {
                    let what = format!("{}: what is proved is unresolved, or it is lost", verdict_text(&verdict));
                    return Err(self.finding("another value", &what, &request));
                }
                _ => false,
            };
        }
        if informs { self.only_informs(merchant) } else { Ok(()) }
    }

    /// Checks that a form's passthrough field may hold a value in another charset, and may be given twice.
    fn only_informs(&self, merchant: &ScannedMerchant) -> Case {
        if self.field.syntax != Syntax::Form {
            return Ok(());
        }
        let text = self.part.of(&self.sample.request);
        let name = text.get(self.field.name.clone()).unwrap_or_default();
        let mut edits: Vec<(&str, Edit)> = OTHER_CHARSET
            .iter()
            .map(|bytes| ("a value that is not UTF-8", (self.field.value.clone(), bytes.to_vec())))
            .collect();
        let again = [b"&", name, b"=another"].concat();
        edits.push(("a second value", (text.len()..text.len(), again)));
        for (what, edit) in edits {
            let Some(request) = self.edited(edit) else { continue };
            let difference = match self.verdict(merchant, &request)? {
                verdict @ (Verdict::Happened(_) | Verdict::Wanted(_)) => self.difference(&verdict),
                verdict => Some(format!("it {}", verdict_text(&verdict))),
            };
            if let Some(difference) = difference {
                let why = "though another plain value changes nothing: a field that informs refuses no payment";
                return Err(self.finding(what, &format!("{difference}, {why}"), &request));
            }
        }
        Ok(())
    }

    /// Returns how the events of a verdict differ from the sample's.
    fn difference(&self, verdict: &Verdict) -> Option<String> {
        events_difference(self.events, verdict.events(), true)
    }

    fn edited(&self, edit: Edit) -> Option<CallbackRequest> {
        let text = edited(self.part.of(&self.sample.request), &mut [edit]);
        self.part.put(self.sample.request.clone(), text)
    }

    fn verdict(&self, merchant: &ScannedMerchant, request: &CallbackRequest) -> Result<Verdict, String> {
        let judged = merchant.judged(request, &self.sample.answers);
        judged
            .map(|judged| judged.answer.verdict)
            .map_err(|error| self.finding("changed", &failure("it gives no verdict", &error), request))
    }

    fn finding(&self, change: &str, what: &str, request: &CallbackRequest) -> String {
        let name = self.field.decoded_name(self.part.of(&self.sample.request));
        format!("{:?}, {change} of {name}: {what}; {}", self.sample.name, input_text(request))
    }
}

fn is_proved(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Refused(problem) | Verdict::Ignored(problem) => !REFUSAL_CODES.contains(&problem.code.as_str()),
        _ => false,
    }
}
