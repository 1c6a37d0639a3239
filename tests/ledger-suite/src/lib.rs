//! The tests that any storage must pass: every rule about money, over the storage under test.
//!
//! An adapter's tests call [`suite`]. Each rule is one function, and no rule knows a particular storage.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "these are tests"
)]

mod callbacks;
mod charges;
mod decisions;
mod entries;
mod holds;
mod movements;
mod operations;
mod payments;
mod refunds;
mod restorations;
mod wishes;
mod withdrawals;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use domain::{
    Account, Date, DedupKey, Entry, Event, EventKind, Facts, LedgerAnswer, LedgerQuestion, MismatchReason, Money, MovementName,
    MovementState, NewOrder, Order, OrderState, Outcome, PartyKind, Recurrence, StoredCallback,
};
use ledger::{Ledger, Origin, Recorded, Reported, Storage, Submission, Submitted};
use money::Currency;

/// A test over an empty ledger.
type Rule = fn(&Ledger);

/// The rules, by name.
const RULES: &[(&str, Rule)] = &[
    ("a_payment_credits_its_order_once", payments::a_payment_credits_its_order_once),
    ("what_does_not_fit_its_order_waits", payments::what_does_not_fit_its_order_waits),
    ("the_refund_of_a_payment_that_waited_waits_too", refunds::the_refund_of_a_payment_that_waited_waits_too),
    ("money_goes_back_from_where_it_came", refunds::money_goes_back_from_where_it_came),
    ("money_goes_back_once_under_whatever_id", refunds::money_goes_back_once_under_whatever_id),
    ("money_that_goes_back_first", refunds::money_that_goes_back_first),
    ("a_refund_is_of_the_payer_who_paid", refunds::a_refund_is_of_the_payer_who_paid),
    ("a_series_credits_the_account_of_the_first", payments::a_series_credits_the_account_of_the_first),
    ("no_money_no_entry", payments::no_money_no_entry),
    ("orders_are_made_once_for_a_key", payments::orders_are_made_once_for_a_key),
    ("open_orders_are_counted_by_provider", payments::open_orders_are_counted_by_provider),
    ("the_operator_decides_once", decisions::the_operator_decides_once),
    (
        "a_decision_is_undone_by_an_entry_of_the_opposite_amount",
        decisions::a_decision_is_undone_by_an_entry_of_the_opposite_amount,
    ),
    ("what_is_undone_can_be_decided_anew", decisions::what_is_undone_can_be_decided_anew),
    (
        "a_decision_is_not_undone_while_its_payment_is_refunded",
        decisions::a_decision_is_not_undone_while_its_payment_is_refunded,
    ),
    ("a_decision_is_undone_once_and_not_behind_a_refund", decisions::a_decision_is_undone_once_and_not_behind_a_refund),
    ("a_repetition_that_says_something_else_is_shown_once", callbacks::a_repetition_that_says_something_else_is_shown_once),
    ("lists_go_on_after_a_place", callbacks::lists_go_on_after_a_place),
    ("a_hundred_copies_at_once_are_one_payment", payments::a_hundred_copies_at_once_are_one_payment),
    ("the_feed_skips_nothing", entries::the_feed_skips_nothing),
    ("writeoffs_debit_once_and_come_in_order", entries::writeoffs_debit_once_and_come_in_order),
    ("an_id_of_a_write_off_is_one_over_all_accounts", entries::an_id_of_a_write_off_is_one_over_all_accounts),
    ("refusals_are_counted_and_unknown_forms_kept", callbacks::refusals_are_counted_and_unknown_forms_kept),
    ("the_last_callbacks_come_back_as_they_came", callbacks::the_last_callbacks_come_back_as_they_came),
    ("statistics_are_of_the_entries", entries::statistics_are_of_the_entries),
    ("a_list_has_the_entries_of_its_start", entries::a_list_has_the_entries_of_its_start),
    ("corrections_are_entered_once_for_a_key", decisions::corrections_are_entered_once_for_a_key),
    ("a_balance_that_is_no_number_any_more_is_refused", decisions::a_balance_that_is_no_number_any_more_is_refused),
    ("documents_take_the_place_of_their_name", callbacks::documents_take_the_place_of_their_name),
    ("a_life_of_a_payment_ends_alike_in_every_order", movements::a_life_of_a_payment_ends_alike_in_every_order),
    ("movements_have_numbers_that_stay", movements::movements_have_numbers_that_stay),
    ("movements_are_listed_by_their_time", movements::movements_are_listed_by_their_time),
    ("a_submission_is_decided_as_a_whole", movements::a_submission_is_decided_as_a_whole),
    ("changed_answers_record_nothing", movements::changed_answers_record_nothing),
    ("payments_to_accounts_need_the_account", payments::payments_to_accounts_need_the_account),
    ("ten_payments_of_an_account_at_once_are_ten", payments::ten_payments_of_an_account_at_once_are_ten),
    ("a_chargeback_is_given_back_once", refunds::a_chargeback_is_given_back_once),
    ("what_waits_for_a_payment_of_an_operator_is_entered", refunds::what_waits_for_a_payment_of_an_operator_is_entered),
    ("a_hold_ends_once", holds::a_hold_ends_once),
    ("a_hold_ends_by_its_time", holds::a_hold_ends_by_its_time),
    ("a_release_and_a_payment_contradict", holds::a_release_and_a_payment_contradict),
    ("a_wish_is_refused_with_its_reason", wishes::a_wish_is_refused_with_its_reason),
    ("a_wish_is_answered_once", wishes::a_wish_is_answered_once),
    ("an_account_of_billing_is_created_with_its_payment", wishes::an_account_of_billing_is_created_with_its_payment),
    ("a_refund_that_is_asked_for_must_be_covered", wishes::a_refund_that_is_asked_for_must_be_covered),
    ("of_two_wishes_at_once_one_is_refused", wishes::of_two_wishes_at_once_one_is_refused),
    ("an_operation_is_refused_with_its_reason", operations::an_operation_is_refused_with_its_reason),
    ("refunds_leave_what_is_left", operations::refunds_leave_what_is_left),
    ("of_two_refunds_at_once_one_is_refused", operations::of_two_refunds_at_once_one_is_refused),
    ("an_operation_is_begun_once_for_a_key", operations::an_operation_is_begun_once_for_a_key),
    ("progress_is_stored_until_the_end", operations::progress_is_stored_until_the_end),
    ("an_operation_and_a_callback_enter_a_refund_once", operations::an_operation_and_a_callback_enter_a_refund_once),
    (
        "a_refund_that_an_operator_declares_done_is_entered_once",
        operations::a_refund_that_an_operator_declares_done_is_entered_once,
    ),
    ("a_refund_of_something_else_is_unknown", operations::a_refund_of_something_else_is_unknown),
    ("a_refund_that_was_reported_is_not_declared_again", operations::a_refund_that_was_reported_is_not_declared_again),
    ("a_refund_beyond_what_is_left_is_declared_done_alone", operations::a_refund_beyond_what_is_left_is_declared_done_alone),
    ("a_link_is_made_once", operations::a_link_is_made_once),
    ("what_is_withdrawn_is_not_sent", withdrawals::what_is_withdrawn_is_not_sent),
    ("only_pending_refunds_and_charges_are_withdrawn", withdrawals::only_pending_refunds_and_charges_are_withdrawn),
    ("operations_are_listed_by_kind_and_by_who_acted", withdrawals::operations_are_listed_by_kind_and_by_who_acted),
    ("operations_are_found_by_their_movements", withdrawals::operations_are_found_by_their_movements),
    ("a_repeat_ends_the_charge_that_waits_for_it", charges::a_repeat_ends_the_charge_that_waits_for_it),
    ("a_charge_pays_its_order_once", charges::a_charge_pays_its_order_once),
    ("a_charge_whose_order_is_paid_is_done", charges::a_charge_whose_order_is_paid_is_done),
    ("a_repeat_is_of_the_likeliest_charge", charges::a_repeat_is_of_the_likeliest_charge),
    ("an_order_that_was_charged_is_not_charged_again", charges::an_order_that_was_charged_is_not_charged_again),
    ("a_payment_that_an_operator_enters_ends_its_charge", charges::a_payment_that_an_operator_enters_ends_its_charge),
    ("nothing_about_a_payment_begins_before_a_comparison", restorations::nothing_about_a_payment_begins_before_a_comparison),
    ("a_comparison_is_of_the_restorations_before_it", restorations::a_comparison_is_of_the_restorations_before_it),
    ("what_was_put_off_while_the_clock_was_ahead_goes_on", charges::what_was_put_off_while_the_clock_was_ahead_goes_on),
    ("unpaid_orders_are_asked_about", charges::unpaid_orders_are_asked_about),
];

/// Tests every rule, each over a new storage from `make`.
///
/// # Panics
/// If any rule does not hold. All rules are tested first, and the message names the broken ones.
pub fn suite<S: Storage + 'static>(make: impl Fn() -> S) {
    let broken: Vec<&str> = RULES
        .iter()
        .filter(|(_, rule)| catch_unwind(AssertUnwindSafe(|| rule(&Ledger::new(make())))).is_err())
        .map(|(name, _)| *name)
        .collect();
    assert!(broken.is_empty(), "these rules do not hold over the storage: {}", broken.join(", "));
}

const AT: u64 = 1_793_577_900;

fn rub(minor_units: i64) -> Money {
    Money { minor_units, currency: Currency::RUB }
}

fn account(ledger: &Ledger, number: &str) {
    let account = Account {
        number: number.parse().unwrap(),
        name: "Иванов И. И.".into(),
        kind: PartyKind::Individual,
        contract: String::new(),
        contract_date: Date::new(2024, 2, 29),
        inn: String::new(),
        kpp: String::new(),
        foreign_tax_number: String::new(),
    };
    assert_eq!(ledger.put_account(account.clone()).unwrap(), Ok(()));
    assert_eq!(ledger.account(&account.number).unwrap().unwrap().0, account);
}

fn new_order(amount: Money) -> NewOrder {
    NewOrder {
        account: "100500".parse().unwrap(),
        provider: "chronopay".parse().unwrap(),
        amount,
        description: "Пополнение".into(),
        idempotency_key: None,
        expires_at: Some(AT + 60),
    }
}

/// Creates an order of 100.00 for a new account.
fn order(ledger: &Ledger) -> Order {
    account(ledger, "100500");
    ledger.create_order(new_order(rub(10_000)), AT).unwrap().unwrap()
}

fn payment(order: &Order, transaction: &str) -> Event {
    Event {
        provider: "chronopay".parse().unwrap(),
        facts: Facts {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: transaction.parse().unwrap(),
            original: None,
            ends_hold: None,
            expires_at: None,
            account: None,
            order: Some(order.id.clone()),
            payer: None,
            amount: order.amount,
            occurred_at: None,
        },
        comment: "Пополнение баланса через ЛК".into(),
        dedup_key: format!("payment:{transaction}").parse().unwrap(),
        fee: None,
        extra: Vec::new(),
    }
}

/// Returns an event with a change.
fn changed(mut event: Event, change: impl FnOnce(&mut Event)) -> Event {
    change(&mut event);
    event
}

fn refund(order: &Order, transaction: &str, minor_units: i64) -> Event {
    let dedup_key = format!("refund:{transaction}:{minor_units}").parse().unwrap();
    changed(payment(order, transaction), |event| {
        event.facts.kind = EventKind::Refund;
        event.facts.amount = rub(minor_units);
        event.dedup_key = dedup_key;
    })
}

fn callback(provider: &str, received_at: u64) -> StoredCallback {
    StoredCallback {
        provider: provider.parse().unwrap(),
        received_at,
        method: "POST".into(),
        path: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: b"a=1".to_vec(),
        remote_address: String::new(),
        sealed_headers: Vec::new(),
        is_masked: false,
    }
}

/// Records a fact that a callback reports.
fn record(ledger: &Ledger, event: Event, callback: StoredCallback) -> Outcome {
    ledger.record(Submission::of_callback(event, Arc::new(callback))).unwrap().into_outcome().unwrap()
}

/// Submits events that the host learnt by a status, with their states.
fn submission(events: Reported, now: u64) -> Submission {
    let (origin, answers) = (Origin::Status, Vec::new());
    let provider = "chronopay".parse().unwrap();
    Submission { provider, events, origin, answers, accounts: Vec::new(), now, at: now, wants_states: true }
}

fn submit(ledger: &Ledger, submission: Submission) -> Vec<Recorded> {
    match ledger.record(submission).unwrap() {
        Submitted::Done(recorded) => recorded,
        Submitted::AnswersChanged => panic!("the answers changed"),
    }
}

/// Records facts in one submission.
fn facts(ledger: &Ledger, events: &[Event], now: u64) -> Vec<Recorded> {
    let recorded = submit(ledger, submission(Reported::Facts(events.to_vec()), now));
    assert_eq!(recorded.len(), events.len());
    recorded
}

/// Asks the ledger to agree to an event.
fn wish(ledger: &Ledger, event: &Event, now: u64) -> Recorded {
    let recorded = submit(ledger, submission(Reported::Wish(event.clone()), now)).remove(0);
    assert_eq!(ledger.check().unwrap(), []);
    recorded
}

/// Returns the answer to a question of the provider.
fn ask(ledger: &Ledger, question: LedgerQuestion, now: u64) -> LedgerAnswer {
    ledger.answers(&"chronopay".parse().unwrap(), &[question], now).unwrap().remove(0)
}

fn order_state(ledger: &Ledger, order: &Order, now: u64) -> OrderState {
    match ask(ledger, LedgerQuestion::Order(order.id.clone()), now) {
        LedgerAnswer::Order(Some(state)) => state,
        other => panic!("{other:?}"),
    }
}

fn movement_state(ledger: &Ledger, key: &str, now: u64) -> MovementState {
    match ask(ledger, LedgerQuestion::Movement(MovementName::Key(DedupKey::stored(key))), now) {
        LedgerAnswer::Movement(Some(state)) => state,
        other => panic!("{key}: {other:?}"),
    }
}

/// Returns the dedup keys of what followed from a movement.
fn later(state: &MovementState) -> Vec<&str> {
    state.later.iter().map(|movement| movement.event.dedup_key.as_str()).collect()
}

/// Returns an event of a kind about an order, with its own key and transaction.
fn event(kind: EventKind, order: &Order, key: &str) -> Event {
    changed(payment(order, key), |event| {
        event.facts.kind = kind;
        event.dedup_key = key.parse().unwrap();
    })
}

fn take(ledger: &Ledger, event: &Event) -> Outcome {
    let outcome = record(ledger, event.clone(), callback(&event.provider, AT + 1));
    assert_eq!(ledger.check().unwrap(), []);
    outcome
}

fn balance(ledger: &Ledger, number: &str) -> i64 {
    ledger.account(&number.parse().unwrap()).unwrap().unwrap().1.first().map_or(0, |balance| balance.minor_units)
}

fn entries(ledger: &Ledger) -> Vec<Entry> {
    ledger.entries(None, 0, 1_000).unwrap()
}

fn entered(seq: u64) -> Outcome {
    Outcome::Recorded { seq, repeated: false }
}

/// Returns the reason for which a new unmatched event waits.
fn waits(ledger: &Ledger, outcome: &Outcome) -> MismatchReason {
    let waiting = ledger.unmatched_events(0, 1_000).unwrap();
    let Outcome::Unmatched { id, repeated: false } = outcome else { panic!("{outcome:?}") };
    waiting.iter().find(|unmatched| unmatched.id == *id).unwrap().reason
}

/// Records a payment of 100.00 that names no order, and returns its id among the unmatched events.
fn lost(ledger: &Ledger, order: &Order, transaction: &str) -> u64 {
    let extra = vec![("card-mask".to_owned(), "411111XXXXXX1111".to_owned())];
    let event = changed(payment(order, transaction), |event| {
        event.facts.order = None;
        event.facts.payer = Some("7".into());
        event.facts.occurred_at = Some("2026-11-01".into());
        event.extra = extra;
    });
    match take(ledger, &event) {
        Outcome::Unmatched { id, repeated: false } => {
            assert_eq!(ledger.unmatched(id).unwrap().unwrap().event, event);
            id
        }
        outcome => panic!("{outcome:?}"),
    }
}
