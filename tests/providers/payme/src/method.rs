//! What each method asks the host, and its reply.

use kit::contract::{CallbackRequest, Event, EventKind, HttpReply, Money};
use kit::exchanges::{Movement, MovementsQuery, OrderState, Outcome};
use kit::json::{Object, ObjectWriter, Value};
use kit::{Context, Stop, datetime};

use crate::rpc::{self, Fault};
use crate::settings::Settings;
use crate::transaction::{State, Transaction, milliseconds};

/// How long a created transaction lives: 43,200,000 ms.
const HOLD_SECONDS: u64 = 12 * 60 * 60;
/// The most transactions of a page of a statement, and the most pages: there are 32 questions for a result.
const PAGE: u16 = 500;
const PAGES_MAX: usize = 30;

/// Carries out a request's method.
///
/// # Errors
/// What must be asked or recorded first.
pub fn reply(settings: &Settings, request: &CallbackRequest, context: &Context) -> Result<HttpReply, Stop> {
    let Ok(call) = Object::parse(&request.body) else { return Ok(Fault::Syntax.reply(None)) };
    let id = call.find("id");
    let (Ok(method), Ok(params)) = (call.text("method"), call.object("params")) else {
        return Ok(Fault::Request.reply(id.as_ref()));
    };
    let call = Call { settings, context, params, id };
    let replied = match method.as_ref() {
        "CheckPerformTransaction" => call.check_perform()?,
        "CreateTransaction" => call.create()?,
        "PerformTransaction" => call.perform()?,
        "CancelTransaction" => call.cancel()?,
        "CheckTransaction" => call.check()?,
        "GetStatement" => call.statement()?,
        _ => Err(Fault::Method),
    };
    Ok(replied.unwrap_or_else(|fault| fault.reply(call.id.as_ref())))
}

/// A method's call: the outer result is what must be asked first, the inner one its reply.
struct Call<'c> {
    settings: &'c Settings,
    context: &'c Context,
    params: Object<'c>,
    id: Option<Value<'c>>,
}

type Replied = Result<Result<HttpReply, Fault>, Stop>;

/// Returns from a method with a fault.
macro_rules! or_fault {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(fault) => return Ok(Err(fault)),
        }
    };
}

impl<'c> Call<'c> {
    fn check_perform(&self) -> Replied {
        let (order, amount) = or_fault!(self.order());
        let order = self.context.order(&order)?;
        or_fault!(self.payable(order, amount));
        Ok(Ok(self.result(|result| result.flag("allow", true))))
    }

    fn create(&self) -> Replied {
        let (order, amount) = or_fault!(self.order());
        let transaction = or_fault!(self.transaction_id());
        let time = or_fault!(self.integer("time"));
        let Some(at) = datetime::from_epoch_milliseconds(time) else { return Ok(Err(Fault::Request)) };
        let hold = Event {
            order: Some(order),
            expires_at: Some(u64::try_from(time / 1_000).unwrap_or_default() + HOLD_SECONDS),
            occurred_at: Some(datetime::occurred_at(at)),
            extra: vec![("time".to_owned(), time.to_string())],
            ..self.event(EventKind::Hold, &transaction, amount)
        };
        let held = match self.context.want(hold)? {
            Outcome::Entered(state) | Outcome::Kept(state) | Outcome::Repeated(state) => state,
            Outcome::Conflict(_) => return Ok(Err(Fault::NotPerformable)),
            Outcome::Refused(problem) => return Ok(Err(of_refusal(&problem.code))),
            Outcome::Unavailable => return Ok(Err(Fault::System)),
        };
        let Some(transaction) = Transaction::of(self.context.state(held)) else { return Ok(Err(Fault::System)) };
        if transaction.state() != State::Created {
            return Ok(Err(Fault::NotPerformable));
        }
        Ok(Ok(self.result(|result| {
            result.integer("create_time", milliseconds(Some(transaction.hold)));
            result.text("transaction", &transaction.hold.id);
            result.integer("state", State::Created as i64);
        })))
    }

    fn perform(&self) -> Replied {
        let transaction = or_fault!(self.transaction()?);
        let payment = match (transaction.state(), transaction.payment) {
            (State::Created, _) => {
                let hold = &transaction.hold.event;
                let payment = Event {
                    order: hold.order.clone(),
                    ends_hold: Some(hold.dedup_key.clone()),
                    ..self.event(EventKind::Payment, &hold.transaction, hold.amount.minor_units)
                };
                or_fault!(self.agreed(payment, Fault::NotPerformable)?)
            }
            (State::Performed, Some(payment)) => payment,
            _ => return Ok(Err(Fault::NotPerformable)),
        };
        Ok(Ok(self.result(|result| {
            result.text("transaction", &transaction.hold.id);
            result.integer("perform_time", milliseconds(Some(payment)));
            result.integer("state", State::Performed as i64);
        })))
    }

    fn cancel(&self) -> Replied {
        let transaction = or_fault!(self.transaction()?);
        let reason = or_fault!(self.integer("reason"));
        let hold = &transaction.hold.event;
        let cancellation = |kind| Event {
            extra: vec![("reason".to_owned(), reason.to_string())],
            ..self.event(kind, &hold.transaction, hold.amount.minor_units)
        };
        let (cancelled, state) = match (transaction.state(), transaction.cancellation) {
            (State::Created, _) => {
                let (order, ends_hold) = (hold.order.clone(), Some(hold.dedup_key.clone()));
                let release = Event { order, ends_hold, ..cancellation(EventKind::HoldRelease) };
                (or_fault!(self.agreed(release, Fault::NotCancellable)?), State::Cancelled)
            }
            (State::Performed, _) => {
                let refund = Event { original: Some(hold.transaction.clone()), ..cancellation(EventKind::Refund) };
                (or_fault!(self.agreed(refund, Fault::NotCancellable)?), State::CancelledAfterPerformed)
            }
            (state, Some(cancelled)) => (cancelled, state),
            (_, None) => return Ok(Err(Fault::System)),
        };
        Ok(Ok(self.result(|result| {
            result.text("transaction", &transaction.hold.id);
            result.integer("cancel_time", milliseconds(Some(cancelled)));
            result.integer("state", state as i64);
        })))
    }

    fn check(&self) -> Replied {
        let transaction = or_fault!(self.transaction()?);
        Ok(Ok(self.result(|result| describe(result, &transaction))))
    }

    /// All transactions of some time, by the time that Payme gave them.
    fn statement(&self) -> Replied {
        let (from, to) = (or_fault!(self.integer("from")), or_fault!(self.integer("to")));
        let seconds = |milliseconds: i64| u64::try_from(milliseconds / 1_000).unwrap_or_default();
        let (since, until) = (seconds(from), seconds(to));
        let mut query = MovementsQuery { since, until, kind: Some(EventKind::Hold), after: None, limit: PAGE };
        let mut transactions = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = self.context.movements(&query)?;
            transactions.extend(page.movements.iter().filter_map(|state| Transaction::of(self.context.state(state))));
            query.after = transactions.last().map(|transaction| transaction.hold.id.clone());
            if !page.more {
                transactions.retain(|transaction| time(transaction).is_some_and(|time| (from..=to).contains(&time)));
                return Ok(Ok(self.result(|result| {
                    result.array("transactions", |array| {
                        for transaction in &transactions {
                            array.object(|object| {
                                let event = &transaction.hold.event;
                                object.text("id", &event.transaction);
                                object.integer("time", time(transaction).unwrap_or_default());
                                object.integer("amount", event.amount.minor_units);
                                object.object("account", |account| {
                                    account.text("order_id", event.order.as_deref().unwrap_or_default());
                                });
                                describe(object, transaction);
                            });
                        }
                    });
                })));
            }
        }
        Ok(Err(Fault::System))
    }

    /// Asks billing to agree, and returns what was recorded.
    fn agreed(&self, event: Event, refused: Fault) -> Result<Result<&'c Movement, Fault>, Stop> {
        Ok(match self.context.want(event)? {
            Outcome::Entered(state) | Outcome::Kept(state) | Outcome::Repeated(state) => {
                self.context.state(state).movement().ok_or(Fault::System)
            }
            Outcome::Conflict(_) | Outcome::Refused(_) => Err(refused),
            Outcome::Unavailable => Err(Fault::System),
        })
    }

    fn order(&self) -> Result<(String, i64), Fault> {
        let account = self.params.object("account").map_err(|_| Fault::Request)?;
        let order = account.text("order_id").ok().filter(|order| kit::order::is_id(order)).ok_or(Fault::NoOrder)?;
        let amount =
            self.integer("amount").ok().filter(|amount| (1..=money::AMOUNT_MAX).contains(amount)).ok_or(Fault::Amount)?;
        Ok((order.into_owned(), amount))
    }

    fn transaction_id(&self) -> Result<String, Fault> {
        let id = self.params.text("id").map_err(|_| Fault::Request)?;
        let is_one = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_one { Ok(id.into_owned()) } else { Err(Fault::Request) }
    }

    fn transaction(&self) -> Result<Result<Transaction<'c>, Fault>, Stop> {
        let id = match self.transaction_id() {
            Ok(id) => id,
            Err(fault) => return Ok(Err(fault)),
        };
        let found = self.context.movement(&key(EventKind::Hold, &id))?;
        Ok(found.and_then(Transaction::of).ok_or(Fault::NoTransaction))
    }

    fn integer(&self, name: &str) -> Result<i64, Fault> {
        self.params.integer(name).map_err(|_| Fault::Request)
    }

    fn event(&self, kind: EventKind, transaction: &str, minor_units: i64) -> Event {
        let amount = Money { minor_units, currency: self.settings.currency.to_string() };
        kit::event::of(kind, transaction, amount, key(kind, transaction), &self.settings.comment)
    }

    /// Whether an order can be paid by this amount.
    fn payable(&self, order: Option<&OrderState>, minor_units: i64) -> Result<(), Fault> {
        let order = order.ok_or(Fault::NoOrder)?;
        if order.amount.minor_units != minor_units || order.amount.currency != self.settings.currency.as_str() {
            return Err(Fault::Amount);
        }
        match (&order.paid_by, &order.held_by, order.closed_at) {
            (Some(_), ..) => Err(Fault::OrderPaid),
            (None, Some(_), _) => Err(Fault::OrderHeld),
            (None, None, Some(_)) => Err(Fault::OrderClosed),
            (None, None, None) => Ok(()),
        }
    }

    fn result(&self, write: impl FnOnce(&mut ObjectWriter<'_>)) -> HttpReply {
        rpc::result(self.id.as_ref(), write)
    }
}

fn key(kind: EventKind, transaction: &str) -> String {
    let kind = match kind {
        EventKind::Hold => "hold",
        EventKind::HoldRelease => "release",
        EventKind::Refund => "refund",
        _ => "payment",
    };
    format!("{kind}:{transaction}")
}

fn of_refusal(code: &str) -> Fault {
    match code {
        "unknown-order" => Fault::NoOrder,
        "order-paid" => Fault::OrderPaid,
        "order-held" => Fault::OrderHeld,
        "order-expired" => Fault::OrderClosed,
        "amount-mismatch" | "currency-mismatch" => Fault::Amount,
        _ => Fault::NotPerformable,
    }
}

/// Returns the time that Payme gave a transaction, in milliseconds.
fn time(transaction: &Transaction<'_>) -> Option<i64> {
    let (_, time) = transaction.hold.event.extra.iter().find(|(name, _)| name == "time")?;
    time.parse().ok()
}

fn describe(object: &mut ObjectWriter<'_>, transaction: &Transaction<'_>) {
    object.integer("create_time", milliseconds(Some(transaction.hold)));
    object.integer("perform_time", milliseconds(transaction.payment));
    object.integer("cancel_time", milliseconds(transaction.cancellation));
    object.text("transaction", &transaction.hold.id);
    object.integer("state", transaction.state() as i64);
    match transaction.reason() {
        Some(reason) => object.integer("reason", reason),
        None => object.null("reason"),
    }
}
