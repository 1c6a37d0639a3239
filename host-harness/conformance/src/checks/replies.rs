//! `replies`: a callback whose reply depends on what the host makes of its events has a reply to every outcome.
//!
//! The events are recorded when the provider is asked for its reply: a failure there leaves the payment system without an answer to what is done.

use domain::{
    CallbackAnswer, Event, EventOutcome, HttpReply, Movement, MovementId, MovementOrigin, MovementState, Problem, ProviderName,
    Verdict, WishRefusal,
};

use crate::check_context::{CheckContext, ScannedMerchant};
use crate::function_call::{FunctionCall, FunctionResult};
use crate::performed::Performed;
use crate::report::{Case, Checked, Findings, Outcome, failure, verdict_text};
use crate::vectors::Sample;

/// A code that only one billing system has.
const OWN_CODE: &str = "tariff-closed";
const FIRST_ID: u64 = 900_001;
/// The outcomes of events that are on disk now, and that could not be stored.
const ENTERED: &str = "entered";
const UNAVAILABLE: &str = "unavailable";
/// How the names of the outcomes begin that billing does not agree to.
const REFUSED: &str = "refused with ";

pub fn check(subject: &CheckContext) -> Checked {
    let (vectors, merchant) = (subject.vectors()?, subject.merchant()?);
    let open = vectors.callbacks.iter().filter_map(|sample| {
        let function = FunctionCall::HandleCallback(Box::new(sample.request.clone()));
        let performed = merchant.performed(&function, &mut &sample.answers).ok()?;
        let FunctionResult::Callback(answer) = &performed.result else { return None };
        let verdict = answer.reply.is_none().then(|| answer.verdict.clone())?;
        Some((sample, function, verdict, performed))
    });
    let open: Vec<_> = open.collect();
    if open.is_empty() {
        return Err(Outcome::NotApplicable { reason: "no sample of the vectors leaves its reply open".to_owned() });
    }
    let mut findings = Findings::default();
    for (sample, function, verdict, performed) in &open {
        let mut entered = None;
        for (what, outcomes) in outcomes(verdict) {
            let reply = reply(&merchant, sample, function, performed, &what, &outcomes);
            findings.case(reply.and_then(|reply| {
                if what == ENTERED {
                    entered = Some(reply);
                    return Ok(());
                }
                is_told_apart(sample, &what, &reply, entered.as_ref())
            }));
        }
    }
    Ok(findings)
}

/// Checks that the payment system does not get for what is not entered the reply that it takes for success.
fn is_told_apart(sample: &Sample, what: &str, reply: &HttpReply, entered: Option<&HttpReply>) -> Case {
    let is_not_entered = what == UNAVAILABLE || what.starts_with(REFUSED);
    if !is_not_entered || entered != Some(reply) {
        return Ok(());
    }
    Err(format!(
        "{:?}, whose event is {what}: it gets the reply of one that is entered, which is taken for success",
        sample.name
    ))
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
        (ENTERED.to_owned(), of_each(&EventOutcome::Entered)),
        ("repeated".to_owned(), of_each(&EventOutcome::Repeated)),
        ("conflict".to_owned(), of_each(&EventOutcome::Conflict)),
        (UNAVAILABLE.to_owned(), of_each(&|_| EventOutcome::Unavailable)),
    ];
    if let Verdict::Wanted(_) = verdict {
        let codes = WishRefusal::ALL.iter().map(|refusal| refusal.name()).chain([OWN_CODE]);
        all.extend(codes.map(|code| {
            let refused = EventOutcome::Refused(Problem::new(code, "Billing does not agree."));
            (format!("{REFUSED}{code}"), vec![refused])
        }));
    } else {
        all.push(("kept".to_owned(), of_each(&EventOutcome::Kept)));
    }
    all
}

/// Returns the reply to a callback whose events have these outcomes.
fn reply(
    merchant: &ScannedMerchant,
    sample: &Sample,
    function: &FunctionCall,
    performed: &Performed,
    what: &str,
    outcomes: &[EventOutcome],
) -> Result<HttpReply, String> {
    let mut told = performed.context.clone();
    told.outcomes = outcomes.to_vec();
    let finding = |wrong: String| format!("{:?}, whose event is {what}: {wrong}", sample.name);
    let come_again = if what == UNAVAILABLE { " that has the payment system come again" } else { "" };
    let wanted = format!("it must return `answered` with a reply{come_again}");
    let replied = merchant.told(function, &told, &sample.answers);
    match replied.map_err(|error| finding(failure(&wanted, &error)))?.result {
        FunctionResult::Callback(CallbackAnswer { verdict: Verdict::Answered, reply: Some(reply) }) => Ok(reply),
        FunctionResult::Callback(answer) => Err(finding(format!("{wanted}, and {}", verdict_text(&answer.verdict)))),
        _ => Err(finding(wanted)),
    }
}
