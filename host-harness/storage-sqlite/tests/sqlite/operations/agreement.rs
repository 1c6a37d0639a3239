//! The ledger and the model of operations, side by side.

use domain::{
    DedupKey, Event, EventKind, Facts, LedgerAnswer, LedgerQuestion, MovementId, MovementName, NewOperation, OperationId,
    OperationRefusal, OperationState, OperationTask, OperationVerdict, Outcome, Progress,
};
use ledger::{EndedOperation, OperationEnd, Origin, Reported, Submission};
use proptest::prelude::*;
use stateright::Model;

use super::book::{Key, State, Stored};
use super::{End, Host, PRICE, Refunds, Step, worlds};
use crate::driven::{Driven, roubles};

/// The ledger, driven by the steps that it stores.
struct Refunding {
    driven: Driven,
    payment: MovementId,
    ids: Vec<OperationId>,
}

impl Refunding {
    fn new(folder: &std::path::Path) -> Refunding {
        let driven = Driven::new(folder, PRICE);
        let mut facts = Facts::new(EventKind::Payment, "T".parse().unwrap(), roubles(PRICE));
        facts.order = Some(driven.order.clone());
        let event = event(facts, "payment");
        Refunding::record(&driven, &event, 1);
        let payments = driven.ledger.answers(&event.provider, &[LedgerQuestion::Order(driven.order.clone())], 1);
        let LedgerAnswer::Order(Some(order)) = payments.unwrap().remove(0) else { panic!() };
        Refunding { driven, payment: order.paid_by.unwrap().movement.id, ids: Vec::new() }
    }

    fn record(driven: &Driven, event: &Event, at: u64) -> Outcome {
        let (provider, events) = (event.provider.clone(), Reported::Facts(vec![event.clone()]));
        let (answers, wants_states) = (Vec::new(), false);
        let (origin, accounts) = (Origin::Status, Vec::new());
        let submission = Submission { provider, events, origin, answers, accounts, now: at, at, wants_states };
        driven.ledger.record(submission).unwrap().into_outcome().unwrap()
    }

    fn begin(&mut self, amount: i64, at: u64) {
        let operation = NewOperation {
            provider: "p".parse().unwrap(),
            task: OperationTask::Refund { payment: self.payment, amount: roubles(amount) },
            reason: String::new(),
            operator: "anna".into(),
            idempotency_key: Some(self.ids.len().to_string()),
            component_sha256: String::new(),
            settings: Vec::new(),
            next_at: at,
            is_alone: false,
        };
        let begun = self.driven.ledger.begin_operation(operation, at).unwrap().unwrap();
        self.ids.push(begun.operation.id);
    }

    fn end(&self, at: usize, end: End, refund: impl Fn(u8) -> Event, now: u64) {
        let id = self.ids[at].clone();
        let (code, message) = (String::new(), String::new());
        let end = match end {
            End::Moved(number) => OperationEnd::Moved { event: refund(number), answers: Vec::new(), now },
            End::Refused => OperationEnd::Refused { code, message },
            End::Unknown => OperationEnd::Unknown { message },
            End::Waits | End::Later => {
                let next_at = (end == End::Later).then_some(now);
                let progress =
                    Progress { journal: Vec::new(), reference: None, next_at, tries: 1, is_sent: true, last_try: None };
                return self.driven.ledger.save_progress(id, progress).unwrap().unwrap();
            }
        };
        let ended = self.driven.ledger.end_operation(id, end, now).unwrap().unwrap();
        assert!(matches!(ended, EndedOperation::Ended { .. }));
    }

    /// Compares an operation with the model's.
    fn agrees(&self, at: usize, want: &Stored) -> bool {
        let found = self.driven.ledger.operation(&self.ids[at]).unwrap().unwrap();
        let key = |movement: Option<MovementId>| {
            let name = MovementName::Id(movement.unwrap().to_string());
            let question = LedgerQuestion::Movement(name);
            let answer = self.driven.ledger.answers(&found.provider, &[question], 1).unwrap().remove(0);
            let LedgerAnswer::Movement(Some(state)) = answer else { panic!("{answer:?}") };
            state.movement.event.dedup_key
        };
        let is_decided = found.decision.is_some() == want.is_decided;
        is_decided
            && (found.next_at.is_some() == (want.goes_on && want.state == State::Pending))
            && match (&found.state, want.state) {
                (OperationState::Pending, State::Pending)
                | (OperationState::Refused { .. }, State::Refused)
                | (OperationState::Unknown { .. }, State::Unknown) => true,
                (OperationState::Done { movement, .. }, State::Done(Some(Key::Reported(number)))) => {
                    key(*movement) == DedupKey::stored(number.to_string())
                }
                (OperationState::Done { movement, .. }, State::Done(Some(Key::Said(of)))) => {
                    key(*movement).ends_with(self.ids[of].as_str())
                }
                _ => false,
            }
    }
}

fn event(facts: Facts, key: &str) -> Event {
    let (provider, dedup_key) = ("p".parse().unwrap(), key.parse().unwrap());
    Event { provider, facts, comment: String::new(), dedup_key, fee: None, extra: Vec::new() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// The ledger and the model agree on every operation and on the balance, whatever comes in whatever order.
    #[test]
    fn ledger_agrees_with_model_of_operations(world in 0usize..6, choices in prop::collection::vec(any::<prop::sample::Index>(), 1..80)) {
        let folder = tempfile::tempdir().unwrap();
        let mut refunding = Refunding::new(folder.path());
        let refunds = worlds().remove(world);
        let mut world = refunds.init_states().remove(0);
        let refund = |number: u8| {
            let mut facts = Facts::new(EventKind::Refund, format!("R{number}").parse().unwrap(), roubles(refunds.amount));
            facts.original = Some("T".parse().unwrap());
            event(facts, &number.to_string())
        };
        for choice in choices {
            let mut steps = Vec::new();
            refunds.actions(&world, &mut steps);
            if steps.is_empty() {
                break;
            }
            let step = steps[choice.index(steps.len())];
            let next = refunds.next_state(&world, step).unwrap();
            let now = Refunds::seconds(&world);
            match (step, &world.host) {
                (Step::Begin, _) => refunding.begin(refunds.amount, now),
                (Step::End, Host::ToEnd(work, end)) => refunding.end(work.operation, *end, refund, now),
                (Step::Callback(number), _) => drop(Refunding::record(&refunding.driven, &refund(number), now)),
                (Step::Decide(at), _) => {
                    let was_done = matches!(next.book.operations[at].state, State::Done(_));
                    let verdict = if was_done { OperationVerdict::Done } else { OperationVerdict::NotDone };
                    let (id, operator, comment) = (refunding.ids[at].clone(), "boris".to_owned(), "x".to_owned());
                    refunding.driven.ledger.resolve_operation(id, verdict, operator, comment, now).unwrap().unwrap();
                }
                (Step::Crash, _) => {
                    let Refunding { driven, payment, ids } = refunding;
                    refunding = Refunding { driven: driven.restart(folder.path()), payment, ids };
                }
                _ => {}
            }
            world = next;
            for (at, want) in world.book.operations.iter().enumerate() {
                prop_assert!(refunding.agrees(at, want), "{:?}: {:?}", step, want);
            }
            prop_assert_eq!(refunding.driven.balance(), (PRICE - world.book.entered() * refunds.amount) * 100);
        }
        prop_assert_eq!(refunding.driven.ledger.check().unwrap(), []);
        // What may be begun is what is left.
        let (task, left) = (OperationTask::Refund { payment: refunding.payment, amount: roubles(PRICE + 1) }, world.book.left(&refunds));
        let new = NewOperation { provider: "p".parse().unwrap(), task, reason: String::new(), operator: String::new(), idempotency_key: None,
            component_sha256: String::new(), settings: Vec::new(), next_at: 1, is_alone: false };
        let refusal = refunding.driven.ledger.begin_operation(new, 1).unwrap().unwrap_err();
        prop_assert_eq!(refusal, OperationRefusal::ExceedsPaymentLeft { left: roubles(left.max(0)) });
    }
}
