//! A payment reference in JSON.

use domain::{
    AccountNumber, DedupKey, Event, EventKind, Facts, Fields, Money, Movement, MovementId, MovementOrigin, MovementState,
    Order, OrderId, PaymentLink, PaymentReference, ProviderName, Recurrence, TransactionId,
};
use serde::Deserialize;

/// The account of an order that names none.
const ACCOUNT: &str = "100500";
const PROVIDER: &str = "check";
/// The largest number of a movement: 18 digits, less those that may follow from it.
const ID_MAX: u64 = 999_999_999_999_999_000;

/// A payment reference, as a person writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentInput {
    order: Option<OrderInput>,
    link: Option<PaymentLink>,
    /// The event of the payment, or of the hold.
    movement: Option<EventInput>,
    /// The events that followed from it.
    #[serde(default)]
    later: Vec<EventInput>,
}

impl PaymentInput {
    pub fn reference(self) -> PaymentReference {
        let PaymentInput { order, link, movement, later } = self;
        PaymentReference { order: order.map(OrderInput::order), link, movement: state(None, movement, later) }
    }
}

/// Returns what was recorded, and what followed from it, with numbers from this one on; `None` if nothing was.
fn state(first: Option<MovementId>, movement: Option<EventInput>, later: Vec<EventInput>) -> Option<MovementState> {
    let events = movement.into_iter().chain(later);
    let MovementId(first) = first.unwrap_or(MovementId(1));
    let mut movements = (first..).zip(events).map(|(id, event)| event.movement(id));
    movements.next().map(|movement| MovementState { movement, later: movements.collect() })
}

/// What was recorded under a dedup key, as a person writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedInput {
    /// The host's number of it, as a payment system repeats it. Without it the question by number has no answer.
    pub id: Option<MovementId>,
    /// The event.
    movement: EventInput,
    /// The events that followed from it.
    #[serde(default)]
    later: Vec<EventInput>,
}

impl RecordedInput {
    /// Returns what was recorded under a key. An event that names no key has this one.
    ///
    /// # Errors
    /// If it names another key, or its number is not one that a host gives.
    pub fn recorded_as(self, key: &DedupKey) -> Result<MovementState, String> {
        let RecordedInput { id, mut movement, later } = self;
        if movement.dedup_key.as_deref().is_some_and(|named| named != key.as_str()) {
            return Err(format!("the movement has another dedup_key than {:?}", key.as_str()));
        }
        if id.is_some_and(|MovementId(id)| !(1..=ID_MAX).contains(&id)) {
            return Err(format!("the movement's id is 1 to {ID_MAX}"));
        }
        movement.dedup_key = Some(key.as_str().to_owned());
        state(id, Some(movement), later).ok_or_else(|| "there is no movement".to_owned())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderInput {
    id: String,
    account: Option<String>,
    amount: Money,
    #[serde(default)]
    description: String,
    expires_at: Option<u64>,
}

impl OrderInput {
    fn order(self) -> Order {
        Order {
            id: OrderId::stored(self.id),
            account: AccountNumber::stored(self.account.unwrap_or_else(|| ACCOUNT.to_owned())),
            provider: ProviderName::stored(PROVIDER),
            amount: self.amount,
            description: self.description,
            idempotency_key: None,
            expires_at: self.expires_at,
            created_at: 0,
            paid_by: None,
        }
    }
}

/// An event, with the names that the output of an event has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventInput {
    kind: EventKind,
    #[serde(default = "single")]
    recurrence: Recurrence,
    transaction: String,
    original: Option<String>,
    ends_hold: Option<String>,
    expires_at: Option<u64>,
    order: Option<String>,
    account: Option<String>,
    payer: Option<String>,
    amount: Money,
    fee: Option<Money>,
    occurred_at: Option<String>,
    #[serde(default)]
    comment: String,
    dedup_key: Option<String>,
    #[serde(default)]
    extra: std::collections::BTreeMap<String, String>,
}

fn single() -> Recurrence {
    Recurrence::Single
}

impl EventInput {
    fn movement(self, id: u64) -> Movement {
        let facts = Facts {
            kind: self.kind,
            recurrence: self.recurrence,
            transaction: TransactionId::stored(self.transaction),
            original: self.original.map(TransactionId::stored),
            ends_hold: self.ends_hold.map(DedupKey::stored),
            expires_at: self.expires_at,
            order: self.order.map(OrderId::stored),
            account: self.account.map(AccountNumber::stored),
            payer: self.payer,
            amount: self.amount,
            occurred_at: self.occurred_at,
        };
        let event = Event {
            provider: ProviderName::stored(PROVIDER),
            facts,
            comment: self.comment,
            dedup_key: DedupKey::stored(self.dedup_key.unwrap_or_else(|| format!("{PROVIDER}:{id}"))),
            fee: self.fee,
            extra: self.extra.into_iter().collect::<Fields>(),
        };
        Movement { id: MovementId(id), event, recorded_at: 0, origin: MovementOrigin::Callback }
    }
}
