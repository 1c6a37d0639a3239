//! `samples`: the vectors' own callbacks.

use domain::{ProvedEvent, Verdict};
use serde_json::{Map, Value};

use crate::check_context::{CheckContext, ScannedMerchant, not_checked};
use crate::report::{Case, Checked, Findings, failure, verdict_text};
use crate::vectors::{Expected, Sample};

pub fn check(subject: &CheckContext) -> Checked {
    let vectors = subject.vectors()?;
    let mut findings = Findings::default();
    let merchant = match (subject.merchant(), subject.configure_error()) {
        (Ok(merchant), _) => merchant,
        (Err(_), Some(error)) => {
            findings.case(Err(failure("the vectors' settings are refused", error)));
            return Ok(findings);
        }
        (Err(outcome), None) => return Err(outcome),
    };
    vectors.callbacks.iter().for_each(|sample| findings.case(sample_holds(&merchant, sample)));
    match subject.refuses_all_callbacks() {
        true if vectors.callbacks.is_empty() => {
            return Err(not_checked("the vectors hold no callback; add one that is refused"));
        }
        false if !findings.fails() => subject.genuine().map(drop)?,
        _ => {}
    }
    Ok(findings)
}

fn sample_holds(merchant: &ScannedMerchant, Sample { name, request, answers, expected }: &Sample) -> Case {
    let judged = merchant.judged(request, answers).map_err(|error| failure(&format!("{name:?}"), &error))?;
    let (got, want) = match (&judged.answer.verdict, expected) {
        (Verdict::Happened(events), Expected::Happened(expected)) => return events_hold(name, events, expected),
        (Verdict::Wanted(event), Expected::Wanted(fields)) => return event_holds(&format!("{name:?}"), event, fields),
        (Verdict::Answered, Expected::Answered) | (Verdict::Unavailable, Expected::Unavailable) => return Ok(()),
        (Verdict::Unavailable, Expected::Refused(_)) if !judged.is_of_request_alone() => {
            (judged.asked_text(), expected_text(expected))
        }
        (Verdict::Unavailable, expected) if !judged.is_of_request_alone() => {
            (format!("{} and is not answered; give its \"answers\"", judged.asked_text()), expected_text(expected))
        }
        (Verdict::Unresolved(problem), Expected::Unresolved(code))
        | (Verdict::Ignored(problem), Expected::Ignored(code))
        | (Verdict::Refused(problem), Expected::Refused(code)) => match code {
            Some(code) if *code != problem.code => (format!("has the code {}", problem.code), code.as_str()),
            _ => return Ok(()),
        },
        (verdict, expected) => (verdict_text(verdict), expected_text(expected)),
    };
    Err(format!("{name:?} {got}; the vectors want {want}"))
}

/// Checks that the events are the expected ones, each in its place.
fn events_hold(name: &str, events: &[ProvedEvent], expected: &[Map<String, Value>]) -> Case {
    match (events, expected) {
        (_, []) => Ok(()),
        ([event], [fields]) => event_holds(&format!("{name:?}"), event, fields),
        _ if events.len() != expected.len() => {
            let count = |count: usize| if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
            let (got, want) = (count(events.len()), count(expected.len()));
            Err(format!("{name:?} has {got}; the vectors want {want}: give as many in \"events\" as the callback reports"))
        }
        _ => {
            let mut places = (1..).zip(events.iter().zip(expected));
            places.try_for_each(|(at, (event, fields))| event_holds(&format!("{name:?}, number {at} of them,"), event, fields))
        }
    }
}

fn event_holds(what: &str, event: &ProvedEvent, fields: &Map<String, Value>) -> Case {
    let got = serde_json::to_value(event).map_err(|error| error.to_string())?;
    let differs = |(field, want): (&String, &Value)| {
        let got = got.get(field).unwrap_or(&Value::Null);
        (!is_as_wanted(got, want)).then(|| format!("{field} is {got} and not {want}"))
    };
    let differences: Vec<String> = fields.iter().filter_map(differs).collect();
    if differences.is_empty() { Ok(()) } else { Err(format!("the event of {what} happened, but {}", differences.join(", "))) }
}

/// Compares a value with the expected one. Named values may be expected as an object that holds some of them.
fn is_as_wanted(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Array(pairs), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| pairs.contains(&Value::Array(vec![name.clone().into(), value.clone()])))
        }
        _ => got == want,
    }
}

fn expected_text(expected: &Expected) -> &'static str {
    match expected {
        Expected::Happened(_) => "that its event happened",
        Expected::Wanted(_) => "that its event is wanted",
        Expected::Answered => "it answered",
        Expected::Unresolved(_) => "it unresolved",
        Expected::Ignored(_) => "it ignored",
        Expected::Refused(_) => "it refused",
        Expected::Unavailable => "it unavailable",
    }
}
