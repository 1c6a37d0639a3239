//! `replies`: a callback whose reply depends on what the host makes of its events has a reply to every outcome.
//!
//! The events are recorded when the provider is asked for its reply: a failure there leaves the payment system without an answer to what is done.

use domain::{
    Event, EventOutcome, Movement, MovementId, MovementOrigin, MovementState, Problem, ProviderName, Verdict, WishRefusal,
};

use crate::check_context::{CheckContext, ScannedMerchant};
use crate::function_call::{FunctionCall, FunctionResult};
use crate::performed::Performed;
use crate::report::{Case, Checked, Findings, Outcome, failure, verdict_text};
use crate::vectors::Sample;

/// A code that only one billing system has.
const OWN_CODE: &str = "tariff-closed";
const FIRST_ID: u64 = 900_001;
/// The outcome of events that could not be stored.
const UNAVAILABLE: &str = "unavailable";

pub fn check(subject: &CheckContext) -> Checked {
    let (vectors, merchant) = (subject.vectors()?, subject.merchant()?);
    let open = vectors.callbacks.iter().filter_map(|sample| {
        let function = FunctionCall::HandleCallback(Box::new(sample.request.clone()));
        let performed = merchant.performed(&function, &mut &sample.answers).ok()?;
        let FunctionResult::Callback(answer) = &performed.result else { return None };
        let verdict = answer.reply.is_none().then(|| answer.verdict.clone())?;
        Some((sample, function, verdict, performed))
    });
    let cases: Vec<_> = open
        .flat_map(|(sample, function, verdict, performed)| {
            outcomes(&verdict).into_iter().map(move |outcome| (sample, function.clone(), performed.clone(), outcome))
        })
        .collect();
    if cases.is_empty() {
        return Err(Outcome::NotApplicable { reason: "no sample of the vectors leaves its reply open".to_owned() });
    }
    let mut findings = Findings::default();
    for (sample, function, performed, (what, outcomes)) in &cases {
        findings.case(replies(&merchant, sample, function, performed, what, outcomes));
    }
    Ok(findings)
}

/// Returns every outcome that the events of a verdict may have, by name.
fn outcomes(verdict: &Verdict) -> Vec<(String, Vec<EventOutcome>)> {
    let of_each = |outcome: &dyn Fn(MovementState) -> EventOutcome| -> Vec<EventOutcome> {
        let states = (FIRST_ID..).zip(verdict.events()).map(|(id, event)| MovementState {
            movement: Movement {
                id: MovementId(id),
                event: Event::new(ProviderName::stored("check"), event.clone()),
                recorded_at: 0,
                origin: MovementOrigin::Callback,
            },
            later: Vec::new(),
        });
        states.map(outcome).collect()
    };
    let mut all = vec![
        ("entered".to_owned(), of_each(&EventOutcome::Entered)),
        ("repeated".to_owned(), of_each(&EventOutcome::Repeated)),
        ("conflict".to_owned(), of_each(&EventOutcome::Conflict)),
        (UNAVAILABLE.to_owned(), of_each(&|_| EventOutcome::Unavailable)),
    ];
    if let Verdict::Wanted(_) = verdict {
        let codes = WishRefusal::ALL.iter().map(|refusal| refusal.name()).chain([OWN_CODE]);
        all.extend(codes.map(|code| {
            let refused = EventOutcome::Refused(Problem::new(code, "Billing does not agree."));
            (format!("refused with {code}"), vec![refused])
        }));
    } else {
        all.push(("kept".to_owned(), of_each(&EventOutcome::Kept)));
    }
    all
}

fn replies(
    merchant: &ScannedMerchant,
    sample: &Sample,
    function: &FunctionCall,
    performed: &Performed,
    what: &str,
    outcomes: &[EventOutcome],
) -> Case {
    let mut told = performed.context.clone();
    told.outcomes = outcomes.to_vec();
    let finding = |wrong: String| format!("{:?}, whose event is {what}: {wrong}", sample.name);
    let come_again = if what == UNAVAILABLE { " that has the payment system come again" } else { "" };
    let wanted = format!("it must return `answered` with a reply{come_again}");
    let replied = merchant.told(function, &told, &sample.answers);
    match replied.map_err(|error| finding(failure(&wanted, &error)))?.result {
        FunctionResult::Callback(answer) if answer.reply.is_some() && matches!(answer.verdict, Verdict::Answered) => Ok(()),
        FunctionResult::Callback(answer) => Err(finding(format!("{wanted}, and {}", verdict_text(&answer.verdict)))),
        _ => Err(finding(wanted)),
    }
}
