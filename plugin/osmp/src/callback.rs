//! What is done about a request: billing is asked, or asked to agree, and the reply follows.

use kit::contract::{CallbackAnswer, CallbackRequest, Event, EventKind, HttpReply, Money, Verdict};
use kit::datetime;
use kit::exchanges::{AccountQuery, Outcome};
use kit::{CallbackStep, Context, Recorded, Stop};

use crate::message::{Cancellation, Command, Fault, Message, Number, Payment, PaymentName};
use crate::names;
use crate::reason::Reason;
use crate::reply::{Reply, Subject};
use crate::settings::Settings;

/// Returns the next step of a request.
///
/// # Errors
/// What must be asked or recorded first.
pub fn step(settings: &Settings, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
    let message = Message::read(settings, request);
    let id = message.id.as_ref();
    let reply = match &message.command {
        Err(Fault::Refused(reason, problem)) => {
            let (verdict, reply) = (Verdict::Refused(problem.clone()), Reply::of(id, *reason).write(settings));
            return Ok(CallbackStep::Done(CallbackAnswer { verdict, reply }));
        }
        Err(Fault::Answered(reason)) => Reply::of(id, *reason),
        Ok(Command::Check { account, minor_units }) => {
            let service = message.extra.iter().filter(|(name, _)| name == names::SERVICE).cloned().collect();
            let amount = minor_units.map(|minor_units| money(settings, minor_units));
            let query = AccountQuery { number: account.clone(), amount, extra: service };
            let (reason, subject) = checked(context, &query)?;
            Reply { subject, ..Reply::of(id, reason) }
        }
        Ok(Command::Pay(payment)) => {
            let (reason, subject) = paid(settings, &message, payment, context)?;
            Reply { subject, ..Reply::of(id, reason) }
        }
        Ok(Command::Cancel(cancellation)) => {
            let (reason, subject) = cancelled(settings, &message, cancellation, context)?;
            let cancelled = cancellation.own.as_ref().and_then(|_| cancellation.payment.transaction());
            Reply { subject, cancelled, ..Reply::of(id, reason) }
        }
        Ok(Command::Status(payment)) => {
            let (reason, subject) = status(context, payment)?;
            Reply { subject, ..Reply::of(id, reason) }
        }
    };
    Ok(CallbackStep::Answered(reply.write(settings)))
}

/// Returns the reply to a request that cannot be judged now, by which the payment system comes again.
pub fn unavailable(settings: &Settings, request: &CallbackRequest) -> HttpReply {
    Reply::of(Message::read(settings, request).id.as_ref(), Reason::Temporary).write(settings)
}

fn money(settings: &Settings, minor_units: i64) -> Money {
    Money { minor_units, currency: settings.currency.to_string() }
}

/// Whether an account takes a payment. It is no promise: «pay» asks again.
fn checked<'c>(context: &'c Context, query: &AccountQuery) -> Result<(Reason, Subject<'c>), Stop> {
    Ok(match context.account(query)? {
        None => (Reason::UnknownAccount, Subject::Nothing),
        Some(account) => match &account.refusal {
            None => (Reason::Done, Subject::Account(account)),
            Some(refusal) => (Reason::of_refusal(&refusal.code), Subject::Nothing),
        },
    })
}

/// Asks billing to agree to a payment. Its repetition finds the first, with the same number.
fn paid<'c>(
    settings: &Settings,
    message: &Message,
    payment: &Payment,
    context: &'c Context,
) -> Result<(Reason, Subject<'c>), Stop> {
    if !payment.has_form {
        return repeated(settings, payment, context);
    }
    let event = Event {
        account: Some(payment.account.clone()),
        occurred_at: Some(datetime::occurred_at(payment.at)),
        dedup_key: payment_key(&payment.transaction),
        ..event(settings, message, EventKind::Payment, &payment.transaction, money(settings, payment.minor_units))
    };
    let is_same = |first: Recorded<'_>| is_same(settings, payment, first);
    Ok(match context.want(event)? {
        Outcome::Entered(state) | Outcome::Kept(state) => recorded(Reason::Done, context.state(state)),
        Outcome::Repeated(state) | Outcome::Conflict(state) if is_cancelled(context.state(state)) => {
            (Reason::Cancelled, Subject::Nothing)
        }
        Outcome::Repeated(state) => recorded(Reason::Repeated, context.state(state)),
        // Some systems repeat a payment with the time of the repetition.
        Outcome::Conflict(state) if is_same(context.state(state)) => recorded(Reason::Repeated, context.state(state)),
        Outcome::Conflict(_) => (Reason::Other, Subject::Nothing),
        Outcome::Refused(problem) => (Reason::of_refusal(&problem.code), Subject::Nothing),
        Outcome::Unavailable => (Reason::Temporary, Subject::Nothing),
    })
}

/// Answers a payment whose account has not the form of the settings. If it was entered before they changed, it is a repetition.
fn repeated<'c>(settings: &Settings, payment: &Payment, context: &'c Context) -> Result<(Reason, Subject<'c>), Stop> {
    let first = find(context, &PaymentName::Transaction(payment.transaction.clone()))?;
    Ok(match first.filter(|first| is_same(settings, payment, *first)) {
        None => (Reason::MalformedAccount, Subject::Nothing),
        Some(first) if is_cancelled(first) => (Reason::Cancelled, Subject::Nothing),
        Some(first) => recorded(Reason::Repeated, first),
    })
}

/// Reports whether what was recorded first is of the same account and amount as a payment.
fn is_same(settings: &Settings, payment: &Payment, first: Recorded<'_>) -> bool {
    first.movement().is_some_and(|first| {
        first.event.account.as_deref() == Some(&payment.account) && first.event.amount == money(settings, payment.minor_units)
    })
}

/// Asks billing to agree that a payment goes back in full. Once it went back, a repetition has the same reply.
fn cancelled<'c>(
    settings: &Settings,
    message: &Message,
    cancellation: &Cancellation,
    context: &'c Context,
) -> Result<(Reason, Subject<'c>), Stop> {
    const REFUSED: (Reason, Subject<'_>) = (Reason::NotCancellable, Subject::Nothing);
    let Some(payment) = find(context, &cancellation.payment)? else { return Ok(REFUSED) };
    let Some(paid) = payment.movement().map(|movement| &movement.event) else { return Ok(REFUSED) };
    // A part of a payment cannot be cancelled, nor one of another account.
    let is_of_account = cancellation.account.as_ref().is_none_or(|account| paid.account.as_ref() == Some(account));
    let is_meant = is_of_account && is_whole(cancellation, &paid.amount);
    let Some(transaction) = Number::parse(&paid.transaction).filter(|_| is_meant) else { return Ok(REFUSED) };
    let (own, at) = match &cancellation.own {
        Some((own, at)) => (own, *at),
        None => (&transaction, None),
    };
    let event = Event {
        original: Some(paid.transaction.clone()),
        account: paid.account.clone(),
        occurred_at: at.map(datetime::occurred_at),
        dedup_key: format!("refund:{}", paid.transaction),
        ..event(settings, message, EventKind::Refund, own, paid.amount.clone())
    };
    Ok(match context.want(event)? {
        // A conflict is a second cancellation of the payment, under a number of its own: the money went back before.
        Outcome::Entered(_) | Outcome::Kept(_) | Outcome::Repeated(_) | Outcome::Conflict(_) => recorded(Reason::Done, payment),
        Outcome::Refused(_) => REFUSED,
        Outcome::Unavailable => (Reason::Temporary, Subject::Nothing),
    })
}

fn is_whole(cancellation: &Cancellation, paid: &Money) -> bool {
    cancellation.minor_units.is_none_or(|minor_units| minor_units == paid.minor_units)
}

fn status<'c>(context: &'c Context, payment: &PaymentName) -> Result<(Reason, Subject<'c>), Stop> {
    Ok(match find(context, payment)? {
        None => (Reason::NotEntered, Subject::Nothing),
        Some(payment) => recorded(if is_cancelled(payment) { Reason::Cancelled } else { Reason::Done }, payment),
    })
}

fn is_cancelled(payment: Recorded<'_>) -> bool {
    payment.later().any(|movement| movement.event.kind == EventKind::Refund)
}

/// Finds the payment that a request names.
fn find<'c>(context: &'c Context, payment: &PaymentName) -> Result<Option<Recorded<'c>>, Stop> {
    let found = match payment {
        PaymentName::Transaction(transaction) | PaymentName::Both(transaction, _) => {
            context.movement(&payment_key(transaction))?
        }
        PaymentName::Movement(number) => context.movement_of_id(number.as_str())?,
    };
    Ok(found.filter(|found| {
        found.movement().is_some_and(|movement| {
            let is_named = match payment {
                PaymentName::Both(_, number) => movement.id == number.as_str(),
                PaymentName::Transaction(_) | PaymentName::Movement(_) => true,
            };
            is_named && movement.event.kind == EventKind::Payment
        })
    }))
}

fn recorded(reason: Reason, state: Recorded<'_>) -> (Reason, Subject<'_>) {
    // Every state has its movement, by the contract.
    state.movement().map_or((Reason::Temporary, Subject::Nothing), |movement| (reason, Subject::Payment(movement)))
}

fn payment_key(transaction: &Number) -> String {
    format!("payment:{}", transaction.as_str())
}

/// Returns an event that names nothing but its transaction.
fn event(settings: &Settings, message: &Message, kind: EventKind, transaction: &Number, amount: Money) -> Event {
    let event = kit::event::of(kind, transaction.as_str(), amount, String::new(), &settings.comment);
    Event { extra: message.extra.clone(), ..event }
}

#[cfg(test)]
mod tests {
    use kit::contract::Problem;
    use kit::exchanges::{AccountState, Exchange, Movement, MovementName, MovementState, NoAnswer, Question};
    use kit::request::get;
    use proptest::prelude::*;

    use super::*;
    use crate::settings::tests::settings;

    const SBER: [(&str, &str); 1] = [("protocol", "sber")];
    const PAY: &str = "command=pay&txn_id=1234567&txn_date=20261128100005&account=100500&sum=10.45&trm_id=77&prv_id=5";
    const SBER_PAY: &str = "ACTION=payment&ACCOUNT=100500&AMOUNT=10.45&PAY_ID=1234567&PAY_DATE=28.11.2026_10:00:05";
    const CANCEL: &str = "command=cancel&txn_id=9&txn_date=20261129100005&cancel_txn_id=1234567";

    fn taken(entered: &[(&str, &str)], query: &str, context: &Context) -> Result<CallbackStep, Stop> {
        step(&settings(entered), &get(query), context)
    }

    /// Returns the reply's result and what of it the ledger decides.
    fn said(step: Result<CallbackStep, Stop>) -> String {
        match step {
            Ok(CallbackStep::Answered(reply)) => facts(&reply),
            other => panic!("{other:?}"),
        }
    }

    fn facts(reply: &HttpReply) -> String {
        let text = str::from_utf8(&reply.body).unwrap();
        let names = ["osmp_txn_id", "cancel_txn_id", "prv_txn", "sum", "result", "CODE", "EXT_ID", "SUM", "AMOUNT"];
        let values = names.into_iter().filter_map(|name| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(format!("{name}={}", rest.split_once('<')?.0))
        });
        values.collect::<Vec<_>>().join(" ")
    }

    fn wanted(entered: &[(&str, &str)], query: &str, context: &Context) -> Event {
        match taken(entered, query, context) {
            Err(Stop::Want(event)) => *event,
            other => panic!("{other:?}"),
        }
    }

    fn movement(id: &str, event: Event) -> Movement {
        Movement { id: id.to_owned(), event, recorded_at: 1_795_894_207, extra: Vec::new() }
    }

    fn payment() -> Movement {
        movement("2016", wanted(&[], PAY, &Context::at(0)))
    }

    fn refusal(code: &str) -> Outcome {
        let message = vec![("en".to_owned(), "Billing does not agree.".to_owned())];
        Outcome::Refused(Problem { code: code.to_owned(), field: None, row: None, message })
    }

    /// Returns a context in which a movement is known by a name, and, where there is one, the refund that followed.
    fn knowing(name: MovementName, known: Option<Movement>, refund: Option<Movement>) -> Context {
        let state = known.as_ref().map(|_| MovementState { movement: 0, later: refund.iter().map(|_| 1).collect() });
        Context::from(kit::exchanges::Context {
            now: 0,
            asked: vec![Exchange::Movement((name, Ok(state)))],
            called: Vec::new(),
            outcomes: Vec::new(),
            movements: known.into_iter().chain(refund).collect(),
            extra: Vec::new(),
        })
    }

    fn by_key() -> MovementName {
        MovementName::Key("payment:1234567".to_owned())
    }

    #[test]
    fn a_payment_is_wanted_with_all_that_it_says() {
        for (entered, query, extra) in [(&[][..], PAY, &[("service", "5"), ("terminal", "77")][..]), (&SBER, SBER_PAY, &[])] {
            let event = wanted(entered, query, &Context::at(7));
            let extra: Vec<_> = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!((event.kind, event.transaction.as_str(), event.extra), (EventKind::Payment, "1234567", extra));
            assert_eq!((event.account.as_deref(), event.order, event.payer), (Some("100500"), None, None));
            assert_eq!((event.amount.minor_units, event.amount.currency.as_str()), (1_045, "RUB"));
            assert_eq!(event.occurred_at.as_deref(), Some("2026-11-28T10:00:05+03:00"));
            assert_eq!((event.dedup_key.as_str(), event.fee), ("payment:1234567", None));
            assert_eq!(event.comment, "Пополнение баланса через терминал");
        }
    }

    /// Each outcome, as both protocols are told it.
    #[test]
    fn the_reply_to_a_payment_follows_its_outcome() {
        type Made = fn(MovementState) -> Outcome;
        let number = "prv_txn=2016 sum=10.45";
        let cases: [(Made, &str, &str); 11] = [
            (Outcome::Entered, &format!("{number} result=0"), "CODE=0 EXT_ID=2016 SUM=10.45"),
            (Outcome::Repeated, &format!("{number} result=0"), "CODE=8 EXT_ID=2016 AMOUNT=10.45"),
            (Outcome::Kept, &format!("{number} result=0"), "CODE=0 EXT_ID=2016 SUM=10.45"),
            (Outcome::Conflict, &format!("{number} result=0"), "CODE=8 EXT_ID=2016 AMOUNT=10.45"),
            (|_| Outcome::Unavailable, "result=1", "CODE=1"),
            (|_| refusal("unknown-account"), "result=5", "CODE=3"),
            (|_| refusal("account-inactive"), "result=79", "CODE=5"),
            (|_| refusal("forbidden"), "result=7", "CODE=7"),
            (|_| refusal("amount-too-small"), "result=241", "CODE=10"),
            (|_| refusal("amount-too-large"), "result=242", "CODE=11"),
            (|_| refusal("of-this-billing"), "result=300", "CODE=300"),
        ];
        for (made, osmp, sber) in cases {
            let context = || Context::at(0).recorded(made, payment());
            assert_eq!(said(taken(&[], PAY, &context())), format!("osmp_txn_id=1234567 {osmp}"));
            assert_eq!(said(taken(&SBER, SBER_PAY, &context())), sber);
        }
    }

    /// The same number for other money or another account is an error; with another time it is a repetition.
    #[test]
    fn a_repetition_is_of_the_same_money_and_account() {
        let repeated = |change: fn(&mut Event), query: &str| {
            let mut first = payment();
            change(&mut first.event);
            said(taken(&[], query, &Context::at(0).recorded(Outcome::Conflict, first)))
        };
        let done = "osmp_txn_id=1234567 prv_txn=2016 sum=10.45 result=0";
        assert_eq!(repeated(|_| (), &PAY.replace("20261128", "20261127")), done);
        for change in
            [|first: &mut Event| first.amount.minor_units += 1, |first: &mut Event| first.account = Some("1".to_owned())]
        {
            assert_eq!(repeated(change, PAY), "osmp_txn_id=1234567 result=300");
        }
    }

    #[test]
    fn a_payment_that_was_cancelled_is_not_said_to_be_paid() {
        let refund = movement("2017", wanted(&[], CANCEL, &knowing(by_key(), Some(payment()), None)));
        let context = Context::from(kit::exchanges::Context {
            now: 0,
            asked: Vec::new(),
            called: Vec::new(),
            outcomes: vec![Outcome::Repeated(MovementState { movement: 0, later: vec![1] })],
            movements: vec![payment(), refund],
            extra: Vec::new(),
        });
        assert_eq!(said(taken(&[], PAY, &context)), "osmp_txn_id=1234567 result=300");
    }

    /// The form of accounts may have changed since the payment: the terminal is told what it was told first.
    #[test]
    fn a_repetition_is_known_whatever_the_form_of_accounts_is_now() {
        let narrow = [("account-chars-min", "9")];
        let narrow_of_sber = [("account-chars-min", "9"), SBER[0]];
        let refund = movement("2017", Event { kind: EventKind::Refund, ..payment().event });
        let other = || movement("2016", Event { account: Some("1".to_owned()), ..payment().event });
        for (known, refund, osmp, sber) in [
            (Some(payment()), None, "prv_txn=2016 sum=10.45 result=0", "CODE=8 EXT_ID=2016 AMOUNT=10.45"),
            (Some(payment()), Some(refund), "result=300", "CODE=300"),
            (Some(other()), None, "result=4", "CODE=4"),
            (None, None, "result=4", "CODE=4"),
        ] {
            let context = || knowing(by_key(), known.clone(), refund.clone());
            assert_eq!(said(taken(&narrow, PAY, &context())), format!("osmp_txn_id=1234567 {osmp}"));
            assert_eq!(said(taken(&narrow_of_sber, SBER_PAY, &context())), sber);
        }
    }

    #[test]
    fn a_check_asks_about_the_account() {
        let query = |minor_units: Option<i64>, extra: &[(&str, &str)]| AccountQuery {
            number: "100500".to_owned(),
            amount: minor_units.map(|minor_units| Money { minor_units, currency: "RUB".to_owned() }),
            extra: extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        for (entered, request, want) in [
            (&[][..], "command=check&txn_id=1&account=100500&sum=10.45&trm_id=77", query(Some(1_045), &[])),
            (&[], "command=check&txn_id=1&account=100500&sum=0.00&prv_id=5", query(None, &[("service", "5")])),
            (&SBER, "ACTION=check&ACCOUNT=100500", query(None, &[])),
        ] {
            assert_eq!(taken(entered, request, &Context::at(0)), Err(Stop::Ask(vec![Question::Account(want)])), "{request}");
        }
        let is = |refusal: Option<&str>| AccountState {
            number: "100500".to_owned(),
            refusal: refusal.map(|code| Problem { code: code.to_owned(), field: None, row: None, message: Vec::new() }),
            holder: String::new(),
            address: String::new(),
            balance: None,
            due: None,
            extra: Vec::new(),
        };
        for (answer, osmp, sber) in [
            (Ok(Some(is(None))), "0", "0"),
            (Ok(None), "5", "3"),
            (Ok(Some(is(Some("account-inactive")))), "79", "5"),
            (Ok(Some(is(Some("amount-too-small")))), "241", "10"),
            (Ok(Some(is(Some("amount-too-large")))), "242", "11"),
            (Ok(Some(is(Some("amount-out-of-range")))), "300", "9"),
            (Ok(Some(is(Some("forbidden")))), "7", "7"),
        ] {
            let context = || Context::at(0).answered(Exchange::Account((query(None, &[]), answer.clone())));
            let check = taken(&[], "command=check&txn_id=1&account=100500", &context());
            assert_eq!(said(check), format!("osmp_txn_id=1 result={osmp}"), "{answer:?}");
            assert_eq!(said(taken(&SBER, "ACTION=check&ACCOUNT=100500", &context())), format!("CODE={sber}"), "{answer:?}");
        }
    }

    #[test]
    fn what_cannot_be_judged_now_comes_again() {
        let request = "command=check&txn_id=1&account=100500";
        let Err(Stop::Ask(questions)) = taken(&[], request, &Context::at(0)) else { panic!("it asks nothing") };
        let [Question::Account(query)] = &questions[..] else { panic!("{questions:?}") };
        let context = Context::at(0).answered(Exchange::Account((query.clone(), Err(NoAnswer::Unavailable))));
        assert_eq!(taken(&[], request, &context), Err(Stop::Unavailable));
        assert_eq!(facts(&unavailable(&settings(&[]), &get(request))), "osmp_txn_id=1 result=1");
        assert_eq!(facts(&unavailable(&settings(&SBER), &get("ACTION=check&ACCOUNT=1"))), "CODE=1");
    }

    #[test]
    fn a_cancellation_wants_the_whole_payment_back() {
        let context = || knowing(by_key(), Some(payment()), None);
        for (request, transaction, occurred_at) in [
            (CANCEL, "9", Some("2026-11-29T10:00:05+03:00")),
            ("command=cancel&txn_id=1234567&prv_txn=2016&sum=10.45", "1234567", None),
        ] {
            let event = wanted(&[], request, &context());
            assert_eq!((event.kind, event.transaction.as_str()), (EventKind::Refund, transaction), "{request}");
            assert_eq!((event.original.as_deref(), event.account.as_deref()), (Some("1234567"), Some("100500")));
            assert_eq!((event.amount.minor_units, event.dedup_key.as_str()), (1_045, "refund:1234567"));
            assert_eq!(event.occurred_at.as_deref(), occurred_at, "{request}");
        }
        let by_number = MovementName::Id("2016".to_owned());
        let event = wanted(&[], "command=cancel&prv_txn=2016", &knowing(by_number.clone(), Some(payment()), None));
        assert_eq!((event.transaction.as_str(), event.dedup_key.as_str()), ("1234567", "refund:1234567"));
        let refund = movement("2017", event);
        for (name, known, request) in [
            (by_key(), None, "command=cancel&txn_id=1234567"),
            (by_key(), Some(payment()), "command=cancel&txn_id=1234567&prv_txn=2015"),
            (by_key(), Some(payment()), "command=cancel&txn_id=1234567&sum=10.44"),
            (by_key(), Some(payment()), "command=cancel&txn_id=1234567&account=100501"),
            (by_number, Some(refund), "command=cancel&prv_txn=2016"),
        ] {
            let said = said(taken(&[], request, &knowing(name, known, None)));
            assert!(said.ends_with("result=251") && !said.contains("prv_txn"), "{request}: {said}");
        }
    }

    #[test]
    fn the_reply_to_a_cancellation_follows_its_outcome() {
        type Made = fn(MovementState) -> Outcome;
        let done = "osmp_txn_id=9 cancel_txn_id=1234567 prv_txn=2016 sum=10.45 result=0";
        let cases: [(Made, &str); 5] = [
            (Outcome::Entered, done),
            (Outcome::Repeated, done),
            (Outcome::Conflict, done),
            (|_| refusal("not-returnable"), "osmp_txn_id=9 cancel_txn_id=1234567 result=251"),
            (|_| Outcome::Unavailable, "osmp_txn_id=9 cancel_txn_id=1234567 result=1"),
        ];
        for (made, want) in cases {
            let context = knowing(by_key(), Some(payment()), None);
            let refund = movement("2017", wanted(&[], CANCEL, &context));
            assert_eq!(said(taken(&[], CANCEL, &context.recorded(made, refund))), want);
        }
    }

    #[test]
    fn a_status_is_what_is_recorded() {
        let request = "command=status&txn_id=1234567";
        let question = Question::Movement(by_key());
        assert_eq!(taken(&[], request, &Context::at(0)), Err(Stop::Ask(vec![question])));
        let refund = movement("2017", wanted(&[], CANCEL, &knowing(by_key(), Some(payment()), None)));
        for (known, refund, want) in [
            (None, None, "osmp_txn_id=1234567 result=90"),
            (Some(payment()), None, "osmp_txn_id=1234567 prv_txn=2016 sum=10.45 result=0"),
            (Some(payment()), Some(refund), "osmp_txn_id=1234567 prv_txn=2016 sum=10.45 result=300"),
        ] {
            assert_eq!(said(taken(&[], request, &knowing(by_key(), known, refund))), want);
        }
    }

    /// A request that is not the protocol's is counted, and answered in its words; a mistyped account is the payer's mistake.
    #[test]
    fn faults_are_answered_by_their_codes() {
        for (entered, query, code, want) in [
            (&[][..], "command=pay&txn_id=1&account=100500&sum=1", Some("malformed"), "osmp_txn_id=1 result=300"),
            (&[], "command=pay&txn_id=x&account=100500&sum=1", Some("malformed"), "osmp_txn_id= result=300"),
            (&[], "command=check&txn_id=1&account=1&account=2", Some("field-conflict"), "osmp_txn_id=1 result=4"),
            (&[], "command=check&txn_id=1&account=1&ccy=USD", Some("currency-mismatch"), "osmp_txn_id=1 result=40"),
            (&[], "", Some("malformed"), "osmp_txn_id= result=300"),
            (&[], "command=check&txn_id=1&account=1a", None, "osmp_txn_id=1 result=4"),
            (&SBER, "ACTION=payment&ACCOUNT=1&AMOUNT=1&PAY_ID=1&PAY_DATE=x", Some("malformed"), "CODE=12"),
            (&SBER, "ACTION=payment&ACCOUNT=1&AMOUNT=x&PAY_ID=1", Some("malformed"), "CODE=9"),
            (&SBER, "ACTION=refund&ACCOUNT=1", Some("malformed"), "CODE=2"),
            (&SBER, "ACTION=check&ACCOUNT=1a", None, "CODE=4"),
        ] {
            let (got, reply) = match taken(entered, query, &Context::at(0)) {
                Ok(CallbackStep::Done(CallbackAnswer { verdict: Verdict::Refused(problem), reply })) => {
                    (Some(problem.code), reply)
                }
                Ok(CallbackStep::Answered(reply)) => (None, reply),
                other => panic!("{query}: {other:?}"),
            };
            assert_eq!((got.as_deref(), facts(&reply).as_str()), (code, want), "{query}");
            assert_eq!(reply.status, 200, "{query}");
        }
    }

    proptest! {
        /// Any request has a step, and what is wanted of it is a payment by the grammar of the settings.
        #[test]
        fn any_request_has_a_step(
            pairs in prop::collection::vec((
                prop::sample::select(names::known().collect::<Vec<_>>()),
                "pay|payment|check|cancel|status|[0-9]{1,21}|[0-9]{1,4}[.,][0-9]{0,3}|20261128100005|28.11.2026_10:00:05|\\PC{0,9}",
            ), 0..9),
            is_sber in any::<bool>(),
        ) {
            let query = kit::form::encode(pairs.iter().map(|(name, value)| (*name, value.as_str())));
            match taken(if is_sber { &SBER } else { &[] }, &query, &Context::at(0)) {
                Err(Stop::Want(event)) => {
                    prop_assert!(event.kind == EventKind::Payment && event.amount.minor_units > 0, "{query}");
                    prop_assert!(event.account.is_some_and(|account| account.bytes().all(|byte| byte.is_ascii_digit())), "{query}");
                }
                Err(Stop::Ask(questions)) => prop_assert_eq!(questions.len(), 1),
                Ok(CallbackStep::Answered(reply) | CallbackStep::Done(CallbackAnswer { reply, .. })) => {
                    prop_assert_eq!(reply.status, 200);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
