//! `operations`: the vectors' own links, statuses, refunds, charges and reports.

use domain::Ability;
use serde_json::{Map, Value};

use crate::check_context::{CheckContext, ScannedMerchant, not_checked};
use crate::function_call::FunctionCall;
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
    let has_sample = |ability: Ability| vectors.operations.iter().any(|sample| ability_of(&sample.function) == Some(ability));
    let without = able.into_iter().filter(|ability| *ability != Ability::Asking && !has_sample(*ability));
    let without: Vec<&str> = without.map(Ability::name).collect();
    if !findings.fails() && !without.is_empty() {
        return Err(not_checked(format!("the vectors have no operation of {}; add some", without.join(", "))));
    }
    Ok(findings)
}

/// Returns the ability that a function belongs to.
fn ability_of(function: &FunctionCall) -> Option<Ability> {
    match function {
        FunctionCall::CreateLink(_) | FunctionCall::HandleCallback(_) => None,
        FunctionCall::QueryPayment(_) => Some(Ability::PaymentStatus),
        FunctionCall::RefundPayment(_) | FunctionCall::QueryRefund(..) => Some(Ability::Refunds),
        FunctionCall::ChargeAgain(..) | FunctionCall::QueryCharge(..) | FunctionCall::CancelRecurring(_) => {
            Some(Ability::RecurringPayments)
        }
        FunctionCall::FetchReport(_) | FunctionCall::ReadReport(_) => Some(Ability::SettlementReports),
    }
}

fn sample_holds(merchant: &ScannedMerchant, sample: &OperationSample) -> Case {
    let OperationSample { name, function, answers, expect } = sample;
    let performed = merchant.performed(function, &mut &*answers).map_err(|error| failure(&format!("{name:?}"), &error))?;
    let differences = differences(&performed.result.to_json(), expect);
    if differences.is_empty() {
        return Ok(());
    }
    let not_sent = performed.not_sent().map(|line| format!("; it calls {line}, which has no answer")).unwrap_or_default();
    let problems: Vec<String> = performed.result.problems().into_iter().map(ToString::to_string).collect();
    let problems = if problems.is_empty() { String::new() } else { format!(" ({})", problems.join(" ")) };
    Err(format!("{name:?}: {}{problems}{not_sent}", differences.join(", ")))
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
