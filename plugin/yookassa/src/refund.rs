//! Refunds, as YooKassa's API shows them, and the events that they are.

use std::borrow::Cow;

use kit::contract::{Event, EventKind, Problem};
use kit::json::{JsonError, Object};
use kit::problem::{Code, filled};
use kit::{Context, Stop};

use crate::api;
use crate::object::{self, REQUEST, Told, metadata, positive_amount, roubles, unknown_form};
use crate::settings::Settings;

/// A refund in roubles. It does not name its shop: its payment does.
#[derive(Debug)]
pub struct Refund {
    pub id: String,
    pub payment: String,
    pub status: Status,
    /// In kopecks.
    pub minor_units: i64,
    /// The host's request that it answers, if its `metadata` names one.
    pub request: Option<String>,
    pub created_at: Option<String>,
    /// Why it was canceled, in YooKassa's word.
    pub reason: Option<String>,
}

/// What has become of a refund.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Pending,
    Succeeded,
    Canceled,
}

/// Reads a refund from YooKassa.
///
/// # Errors
/// The call, if it was not made yet.
pub fn read(settings: &Settings, context: &Context, id: &str) -> Result<Told<Refund>, Stop> {
    object::read(context, api::read_refund(settings, id), |bytes| object::parse(bytes, id, Refund::parse))
}

/// Reads the refunds of a payment.
///
/// # Errors
/// The call, if it was not made yet.
pub fn read_of_payment(settings: &Settings, context: &Context, payment: &str) -> Result<Told<List>, Stop> {
    object::read(context, api::read_refunds(settings, payment), |bytes| List::parse(bytes, payment))
}

impl Refund {
    /// Parses a refund.
    ///
    /// # Errors
    /// Why it cannot be understood.
    pub fn parse(object: &Object<'_>) -> Result<Refund, Problem> {
        let [id, payment] = ["id", "payment_id"].map(|name| object.text(name).map_err(unknown_form));
        let [id, payment] = [id?, payment?].map(Cow::into_owned);
        if !api::is_id(&id) || !api::is_id(&payment) {
            let message = [
                "Номер возврата или его платежа в незнакомой форме.",
                "The id of the refund or of its payment is not letters, digits and hyphens.",
            ];
            return Err(Code::UnrecognizedForm.at("payment_id", message));
        }
        let status = match &*object.text("status").map_err(unknown_form)? {
            "pending" => Status::Pending,
            "succeeded" => Status::Succeeded,
            "canceled" => Status::Canceled,
            other => {
                let other = kit::text::shown(other);
                let message = filled(
                    [
                        "Статус возврата {0} незнаком. Обновите компонент.",
                        "The refund's status {0} is not known; update the provider.",
                    ],
                    &[&other],
                );
                return Err(Code::UnknownType.at("status", message));
            }
        };
        let details = object.find("cancellation_details").and_then(|details| details.object().ok());
        Ok(Refund {
            id,
            payment,
            status,
            minor_units: positive_amount(object, "amount")?,
            request: metadata(object, REQUEST),
            created_at: object::time(object, "created_at"),
            reason: details.and_then(|details| details.text("reason").ok().map(Cow::into_owned)),
        })
    }

    /// Returns the event that a refund is that succeeded. `order` is the one that its payment names.
    pub fn event(&self, settings: &Settings, order: Option<String>) -> Event {
        let key = ["refund:", &self.id].concat();
        Event {
            original: Some(self.payment.clone()),
            order,
            occurred_at: self.created_at.clone(),
            ..kit::event::of(EventKind::Refund, &self.id, roubles(self.minor_units), key, &settings.comment)
        }
    }
}

/// The refunds of a payment.
#[derive(Debug)]
pub struct List {
    pub refunds: Vec<Refund>,
    /// Why there may be others: one cannot be understood, or there are more than one answer holds.
    pub unresolved: Option<Problem>,
}

impl List {
    fn parse(bytes: &[u8], payment: &str) -> Told<List> {
        match List::read(bytes) {
            Ok(list) if list.refunds.iter().all(|refund| refund.payment == payment) => Told::Found(list),
            Ok(_) => {
                let message = [
                    "ЮKassa перечислила возвраты другого платежа.",
                    "YooKassa lists refunds of another payment than it was asked for.",
                ];
                Told::Unavailable(Code::Unavailable.at("items", message))
            }
            Err(error) => Told::Unavailable(object::unreadable(&error)),
        }
    }

    fn read(bytes: &[u8]) -> Result<List, JsonError> {
        let object = Object::parse(bytes)?;
        let mut list = List { refunds: Vec::new(), unresolved: None };
        for item in object.array("items")? {
            match Refund::parse(&item.object()?) {
                Ok(refund) => list.refunds.push(refund),
                Err(problem) => list.unresolved = Some(problem),
            }
        }
        if object.find("next_cursor").is_some() {
            let message = [
                "Возвратов у платежа больше, чем читается сразу. Остальные посмотрите в кабинете ЮKassa.",
                "The payment has more refunds than are read at once: look at the others in YooKassa's cabinet.",
            ];
            list.unresolved = Some(Code::OutOfRange.at("items", message));
        }
        Ok(list)
    }
}
