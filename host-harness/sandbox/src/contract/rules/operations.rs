//! The rules about what became of a payment, about refunds and about repeated charges.

use domain::{CancelResult, EventKind, OperationResult, PaymentStatus, Pending, Problem, is_contract_text as is_text};

use super::names::{Violations, broken, problem};
use super::steps::{event, events};

/// Returns the rules that a status breaks, or the reason why there is none.
pub fn payment_status(status: &Result<PaymentStatus, Problem>) -> Violations {
    match status {
        Ok(PaymentStatus { events: happened, unresolved, ask_again: _ }) => {
            events(happened).into_iter().chain(unresolved.iter().flat_map(problem)).collect()
        }
        Err(unavailable) => problem(unavailable),
    }
}

/// Returns the rules that the result of an operation breaks, whose event may have these kinds.
pub fn operation_result(result: &OperationResult, kinds: &[EventKind]) -> Violations {
    match result {
        OperationResult::Succeeded(done) => {
            let is_due = broken([(kinds.contains(&done.facts.kind), "what succeeded is an event of another kind")]);
            is_due.into_iter().chain(event(done)).collect()
        }
        OperationResult::Pending(Pending { ask_again: _, reference }) => broken([(
            reference.as_ref().is_none_or(|reference| is_text(reference, 1, 255)),
            "reference is not 1 to 255 characters without control characters",
        )]),
        OperationResult::Refused(one) | OperationResult::Unavailable(one) | OperationResult::Unknown(one) => problem(one),
    }
}

/// Returns the rules that the result of ending a subscription breaks.
pub fn cancel_result(result: &CancelResult) -> Violations {
    match result {
        CancelResult::Cancelled => Violations::new(),
        CancelResult::Refused(one) | CancelResult::Unavailable(one) | CancelResult::Unknown(one) => problem(one),
    }
}

#[cfg(test)]
mod tests {
    use domain::{DedupKey, Facts, Money, ProvedEvent};
    use money::Currency;

    use super::*;

    fn event_of(kind: EventKind, key: &str) -> ProvedEvent {
        ProvedEvent {
            facts: Facts::new(kind, "1".parse().unwrap(), Money { minor_units: 1, currency: Currency::RUB }),
            comment: String::new(),
            dedup_key: DedupKey::stored(key),
            fee: None,
            extra: vec![],
        }
    }

    #[test]
    fn statuses_that_a_ledger_must_not_see() {
        let status = |events: &[ProvedEvent], code: Option<&str>| {
            let unresolved = code.map(|code| Problem::new(code, ""));
            payment_status(&Ok(PaymentStatus { events: events.to_vec(), unresolved, ask_again: Some(0) })).len()
        };
        let paid = event_of(EventKind::Payment, "k");
        let many: Vec<ProvedEvent> = (0..101).map(|at| event_of(EventKind::Payment, &at.to_string())).collect();
        assert_eq!(status(&[], None), 0);
        assert_eq!(status(&many[..100], Some("unresolved")), 0);
        assert_eq!(status(&many, None), 1);
        assert_eq!(status(&[paid.clone(), paid], None), 1);
        assert_eq!(status(&[event_of(EventKind::Payment, "")], None), 1);
        assert_eq!(status(&[], Some("Bad Code")), 1);
        assert_eq!(payment_status(&Err(Problem::new("Bad Code", ""))).len(), 1);
    }

    #[test]
    fn an_operation_succeeds_with_an_event_of_its_kind() {
        let refund = [EventKind::Refund];
        let succeeded = |kind| operation_result(&OperationResult::Succeeded(Box::new(event_of(kind, "k"))), &refund).len();
        assert_eq!((succeeded(EventKind::Refund), succeeded(EventKind::Payment)), (0, 1));
        let pending = |reference: &str| {
            let reference = Some(reference.to_owned());
            operation_result(&OperationResult::Pending(Pending { ask_again: None, reference }), &refund).len()
        };
        assert_eq!((pending("r"), pending(""), pending(&"r".repeat(256)), pending("a\n")), (0, 1, 1, 1));
        assert_eq!(cancel_result(&CancelResult::Refused(Problem::new("Bad Code", ""))).len(), 1);
    }
}
