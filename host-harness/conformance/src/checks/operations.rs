//! `operations`: the vectors' own links, statuses, refunds, charges and reports.

use domain::{Ability, Facts, HttpMethod, ProvedEvent, Repeatable};
use serde_json::{Map, Value};

use super::requests;
use crate::check_context::{CheckContext, ScannedMerchant, not_checked};
use crate::function_call::FunctionCall;
use crate::performed::Performed;
use crate::report::{Case, Checked, Findings, Outcome, failure};
use crate::vectors::OperationSample;

pub fn check(subject: &CheckContext) -> Checked {
    let vectors = subject.vectors()?;
    let able = subject.provider.abilities();
    if vectors.operations.is_empty() && able.iter().all(|ability| *ability == Ability::Asking) {
        return Err(Outcome::NotApplicable { reason: "it only makes links and takes callbacks".to_owned() });
    }
    let merchant = subject.merchant()?;
    let mut findings = Findings::default();
    vectors.operations.iter().for_each(|sample| findings.case(sample_holds(&merchant, sample)));
    vectors.operations.iter().for_each(|sample| findings.add(requests::follow(&merchant, sample)));
    findings.case(keys_agree(&told(subject, &merchant)));
    let has_sample = |function: &&str| vectors.operations.iter().any(|sample| sample.function.function() == *function);
    let without: Vec<&str> =
        able.iter().flat_map(|ability| functions_of(*ability)).copied().filter(|name| !has_sample(name)).collect();
    if !findings.fails() && !without.is_empty() {
        return Err(not_checked(format!("the vectors have no operation of {}; add some", without.join(", "))));
    }
    Ok(findings)
}

/// Returns the functions of an ability of which the vectors must have a sample. A report is fetched or read from a file, and has
/// whichever the payment system gives.
fn functions_of(ability: Ability) -> &'static [&'static str] {
    match ability {
        Ability::Asking | Ability::SettlementReports => &[],
        Ability::PaymentStatus => &["query-payment"],
        Ability::Refunds => &["refund-payment", "query-refund"],
        Ability::RecurringPayments => &["charge-again", "query-charge", "cancel-recurring"],
    }
}

fn sample_holds(merchant: &ScannedMerchant, sample: &OperationSample) -> Case {
    let OperationSample { name, function, answers, expect } = sample;
    let performed = merchant.performed(function, &mut &*answers).map_err(|error| failure(&format!("{name:?}"), &error))?;
    let differences = differences(&performed.result.to_json(), expect);
    if differences.is_empty() {
        return is_sent_once(name, function, &performed);
    }
    let not_sent = performed.not_sent().map(|line| format!("; it calls {line}, which has no answer")).unwrap_or_default();
    let problems: Vec<String> = performed.result.problems().into_iter().map(ToString::to_string).collect();
    let problems = if problems.is_empty() { String::new() } else { format!(" ({})", problems.join(" ")) };
    Err(format!("{name:?}: {}{problems}{not_sent}", differences.join(", ")))
}

/// Returns what callbacks, statuses and operations tell, by the samples' names.
fn told(subject: &CheckContext, merchant: &ScannedMerchant) -> Vec<(String, Vec<ProvedEvent>)> {
    let operations = subject.vectors.into_iter().flat_map(|vectors| &vectors.operations).filter_map(|sample| {
        let performed = merchant.performed(&sample.function, &mut &sample.answers).ok()?;
        Some((sample.name.clone(), performed.result.events().to_vec()))
    });
    // Without a genuine payment there are no callbacks to compare with.
    let callbacks = subject.genuine().unwrap_or_default().iter().map(|(sample, events)| (sample.name.clone(), events.clone()));
    callbacks.chain(operations).filter(|(_, events)| !events.is_empty()).collect()
}

/// Checks that one movement has one dedup key, however it is told, and that another movement has another. Movements are the same if kind,
/// transaction and amount are: several refunds of a payment may have its transaction.
fn keys_agree(told: &[(String, Vec<ProvedEvent>)]) -> Case {
    let is_same = |one: &ProvedEvent, other: &ProvedEvent| {
        let (one, other) = (&one.facts, &other.facts);
        (one.kind, &one.transaction, one.amount) == (other.kind, &other.transaction, other.amount)
    };
    for (at, (name, events)) in told.iter().enumerate() {
        for (earlier, others) in told.iter().take(at) {
            for event in events {
                let facts = &event.facts;
                let what = |facts: &Facts| format!("{} {}", facts.kind.name(), facts.transaction.as_str());
                let clash = |other: &&ProvedEvent| {
                    other.dedup_key == event.dedup_key
                        && (other.facts.kind, &other.facts.transaction) != (facts.kind, &facts.transaction)
                };
                if let Some(other) = others.iter().find(clash) {
                    return Err(format!(
                        "the {} of {earlier:?} and the {} of {name:?} have the same dedup key {:?}, and are different movements: the \
                         second would not be entered",
                        what(&other.facts),
                        what(facts),
                        event.dedup_key.as_str(),
                    ));
                }
                let mut same = others.iter().filter(|other| is_same(other, event)).peekable();
                let Some(first) = same.peek().copied() else { continue };
                if !same.any(|other| other.dedup_key == event.dedup_key) {
                    return Err(format!(
                        "{earlier:?} and {name:?} tell of the {} under the dedup keys {:?} and {:?}: it would be entered twice; if they are \
                         two movements, give them different amounts in the vectors",
                        what(facts),
                        first.dedup_key.as_str(),
                        event.dedup_key.as_str(),
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Checks that a call which moved money is not marked as one that may be sent again for ever: where its answer is lost, the host would
/// send it again, and the payment system would pay twice.
fn is_sent_once(name: &str, function: &FunctionCall, performed: &Performed) -> Case {
    let result = performed.result.name();
    if !function.moves_money() || !matches!(result, "succeeded" | "pending") {
        return Ok(());
    }
    let mut sent = performed.calls().filter(|call| call.method != HttpMethod::Get).peekable();
    if sent.peek().is_none() || sent.any(|call| call.repeatable != Repeatable::Always) {
        return Ok(());
    }
    Err(format!(
        "{name:?}: the result is {result}, and each of its calls is `always` repeatable: if an answer is lost, the host sends the call \
         again, and money moves twice; mark the call that moves money `within` the time for which the payment system knows it again by a \
         key, or `never`"
    ))
}

/// Returns how a value differs from the expected fields.
fn differences(got: &Value, expect: &Map<String, Value>) -> Vec<String> {
    let difference = |(name, want): (&String, &Value)| {
        let got = got.get(name).unwrap_or(&Value::Null);
        (!is_as_wanted(got, want)).then(|| format!("{name} is {got} and not {want}"))
    };
    expect.iter().filter_map(difference).collect()
}

/// Compares a value with the expected one: an object has the expected names with the expected values, a list the expected
/// elements. Named values, which are pairs, may be expected as an object.
fn is_as_wanted(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Array(pairs), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| pairs.contains(&Value::Array(vec![name.clone().into(), value.clone()])))
        }
        (Value::Array(got), Value::Array(want)) => {
            got.len() == want.len() && got.iter().zip(want).all(|(got, want)| is_as_wanted(got, want))
        }
        (Value::Object(got), Value::Object(want)) => {
            want.iter().all(|(name, want)| is_as_wanted(got.get(name).unwrap_or(&Value::Null), want))
        }
        _ => got == want,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expected_value_may_say_less() {
        let got = json!({"a": 1, "list": [{"b": 2, "c": 3}], "extra": [["n", "v"], ["m", "w"]], "none": null});
        for (want, is_it) in [
            (json!({}), true),
            (json!({"a": 1, "none": null, "absent": null}), true),
            (json!({"list": [{"b": 2}], "extra": {"m": "w"}}), true),
            (json!({"a": 2}), false),
            (json!({"absent": 1}), false),
            (json!({"list": []}), false),
            (json!({"list": [{"b": 2, "d": 4}]}), false),
            (json!({"extra": {"m": "v"}}), false),
            (json!({"extra": [["n", "v"]]}), false),
        ] {
            assert_eq!(is_as_wanted(&got, &want), is_it, "{want}");
        }
    }
}
