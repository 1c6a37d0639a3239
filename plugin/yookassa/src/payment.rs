//! Payments, as YooKassa's API shows them, and the events that they are.

use kit::contract::{Event, EventKind, Fields, Problem};
use kit::json::Object;
use kit::problem::{Code, filled};
use kit::{Context, Stop, datetime};

use crate::api;
use crate::object::{self, ORDER, Told, amount, check_mode, metadata, positive_amount, roubles, unknown_form};
use crate::settings::Settings;

/// Why a payment is canceled that was held before.
const REASONS_OF_HELD: [&str; 2] = ["canceled_by_merchant", "expired_on_capture"];
/// The reason of one that nobody paid.
const REASON_OF_UNPAID: &str = "expired_on_confirmation";
/// The longest text that is passed on in `extra`, in characters.
const EXTRA_CHARS_MAX: usize = 64;

/// A payment of this shop, in roubles.
#[derive(Debug)]
pub struct Payment {
    pub id: String,
    pub status: Status,
    /// In kopecks.
    pub minor_units: i64,
    /// What YooKassa keeps of it, in kopecks, if it says so.
    pub fee: Option<i64>,
    /// The order that its `metadata` names: an order's id by the contract. `None` if it was made by another program.
    pub order: Option<String>,
    pub is_test: bool,
    /// Whether something was paid back.
    pub has_refunds: bool,
    pub captured_at: Option<String>,
    /// When a hold ends, seconds since the epoch.
    pub expires_at: Option<u64>,
    pub extra: Fields,
}

/// What has become of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// The payer has not paid yet.
    Pending,
    /// The money is reserved.
    Held,
    Paid,
    /// It ended without money. `was_held`: YooKassa's reason is one of a hold's.
    Canceled {
        was_held: bool,
    },
    /// Its time to be paid ended, and nobody tried.
    Expired,
}

/// Reads a payment from YooKassa.
///
/// # Errors
/// The call, if it was not made yet.
pub fn read(settings: &Settings, context: &Context, id: &str) -> Result<Told<Payment>, Stop> {
    object::read(context, api::read_payment(settings, id), |bytes| {
        object::parse(bytes, id, |object| Payment::parse(settings, object))
    })
}

impl Payment {
    /// Parses a payment of this shop.
    ///
    /// # Errors
    /// Why it cannot be understood: another shop's, another currency, a status that is not known.
    pub fn parse(settings: &Settings, object: &Object<'_>) -> Result<Payment, Problem> {
        let recipient = object.object("recipient").map_err(unknown_form)?;
        let shop = recipient.number_text("account_id").map_err(unknown_form)?;
        if shop != settings.shop_id.as_str() {
            let theirs = kit::text::shown(&shop);
            let message = filled(
                ["Платёж магазина {0}, а в настройках другой.", "It is of the shop {0}, and the settings name another one."],
                &[&theirs],
            );
            return Err(Code::MerchantMismatch.at("recipient.account_id", message));
        }
        let minor_units = positive_amount(object, "amount")?;
        Ok(Payment {
            id: object.text("id").map_err(unknown_form)?.into_owned(),
            status: status(object)?,
            minor_units,
            fee: amount(object, "income_amount").ok().map(|income| minor_units - income).filter(|fee| *fee >= 0),
            order: metadata(object, ORDER).filter(|order| kit::order::is_id(order)),
            is_test: object.flag("test").map_err(unknown_form)?,
            has_refunds: amount(object, "refunded_amount").is_ok_and(|refunded| refunded > 0),
            captured_at: object::time(object, "captured_at"),
            expires_at: expires_at(object),
            extra: extra(object),
        })
    }

    /// Returns the dedup key of the payment's hold. A payment names it, whether it was held or not.
    pub fn hold_key(&self) -> String {
        ["hold:", &self.id].concat()
    }

    /// Returns the event that the payment is; nothing is found while nothing has happened. A canceled payment is a declined one,
    /// unless it was held: by YooKassa's reason, or since the hold was recorded.
    ///
    /// # Errors
    /// The question about the hold, if it is not answered yet.
    pub fn event(&self, settings: &Settings, context: &Context) -> Result<Told<Option<Event>>, Stop> {
        if let Err(told) = check_mode(settings, self.is_test) {
            return Ok(told);
        }
        let kind = match self.status {
            Status::Pending => return Ok(Told::Found(None)),
            Status::Expired => {
                let message = "The payment's time is over, and nobody paid it.";
                return Ok(Told::NoMoney(Code::NoMoneyMoved.at("cancellation_details.reason", message)));
            }
            Status::Held => EventKind::Hold,
            Status::Paid => EventKind::Payment,
            Status::Canceled { was_held: true } => EventKind::HoldRelease,
            Status::Canceled { was_held: false } => match context.movement(&self.hold_key())? {
                Some(_) => EventKind::HoldRelease,
                None => EventKind::Declined,
            },
        };
        Ok(Told::Found(Some(self.event_of(settings, kind))))
    }

    fn event_of(&self, settings: &Settings, kind: EventKind) -> Event {
        let ends_hold = matches!(kind, EventKind::Payment | EventKind::HoldRelease);
        let key = match kind {
            EventKind::Hold => self.hold_key(),
            EventKind::HoldRelease => ["hold-release:", &self.id].concat(),
            EventKind::Declined => ["declined:", &self.id].concat(),
            _ => ["payment:", &self.id].concat(),
        };
        Event {
            ends_hold: ends_hold.then(|| self.hold_key()),
            expires_at: self.expires_at.filter(|_| kind == EventKind::Hold),
            order: self.order.clone(),
            fee: self.fee.filter(|_| kind == EventKind::Payment).map(roubles),
            occurred_at: self.captured_at.clone().filter(|_| kind == EventKind::Payment),
            extra: self.extra.clone(),
            ..kit::event::of(kind, &self.id, roubles(self.minor_units), key, &settings.comment)
        }
    }
}

fn status(object: &Object<'_>) -> Result<Status, Problem> {
    let status = object.text("status").map_err(unknown_form)?;
    let is_paid = object.flag("paid").map_err(unknown_form)?;
    let reason = object.find("cancellation_details").and_then(|details| details.object().ok()?.text("reason").ok());
    match (&*status, is_paid) {
        ("pending", _) => Ok(Status::Pending),
        ("waiting_for_capture", true) => Ok(Status::Held),
        ("succeeded", true) => Ok(Status::Paid),
        ("canceled", _) => match reason.as_deref() {
            Some(REASON_OF_UNPAID) => Ok(Status::Expired),
            reason => Ok(Status::Canceled { was_held: reason.is_some_and(|reason| REASONS_OF_HELD.contains(&reason)) }),
        },
        ("waiting_for_capture" | "succeeded", false) => {
            let message = filled(
                [
                    "Статус {0}, а платёж не оплачен: одно противоречит другому.",
                    "The status is {0}, and it is not paid: that is a contradiction.",
                ],
                &[&status],
            );
            Err(Code::UnrecognizedForm.at("paid", message))
        }
        _ => {
            let status = kit::text::shown(&status);
            let message = filled(
                [
                    "Статус платежа {0} незнаком. Обновите компонент.",
                    "The payment's status {0} is not known; update the provider.",
                ],
                &[&status],
            );
            Err(Code::UnknownType.at("status", message))
        }
    }
}

fn expires_at(object: &Object<'_>) -> Option<u64> {
    let text = object.optional("expires_at").ok().flatten()?;
    u64::try_from(datetime::rfc3339(&text)?.unix_timestamp()).ok()
}

/// Returns what an operator may want to see.
fn extra(object: &Object<'_>) -> Fields {
    let within = |object: &Object<'_>, name: &str| object.optional(name).ok().flatten().map(|text| text.into_owned());
    let sub = |name: &str| object.find(name).and_then(|value| value.object().ok());
    let method = sub("payment_method");
    let card = method.as_ref().and_then(|method| method.find("card")?.object().ok());
    let mask = card.as_ref().and_then(|card| Some([&within(card, "first6")?, "******", &within(card, "last4")?].concat()));
    let authorization = sub("authorization_details");
    let reason = sub("cancellation_details").and_then(|details| within(&details, "reason"));
    let given = [
        ("payment-type", method.as_ref().and_then(|method| within(method, "type"))),
        ("card-mask", mask),
        ("approval-code", authorization.as_ref().and_then(|details| within(details, "auth_code"))),
        ("rrn", authorization.as_ref().and_then(|details| within(details, "rrn"))),
        ("reason", reason),
    ];
    let named = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    named.filter(|(_, value)| !value.is_empty() && value.chars().count() <= EXTRA_CHARS_MAX).collect()
}
