//! The shipped component of terminals.

use ::osmp::Osmp;
use conformance::Vectors;
use domain::{
    AccountQuery, AccountState, CallbackAnswer, CallbackProof, CallbackRequest, Context, DedupKey, EventKind, EventOutcome,
    Exchange, Facts, LedgerQuestion, Money, Movement, MovementId, MovementName, MovementOrigin, MovementState, ProviderName,
    Question, Step, TransactionId, Verdict,
};
use end_to_end::convert;
use end_to_end::osmp::{VECTORS, merchant, native, provider};
use kit::{CallbackStep, Provider as _, Stop};
use money::Currency;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response>";
const PAY: &str = "command=pay&txn_id=1234567&txn_date=20261128100005&account=100500&sum=10.45";
const SBER_PAY: &str = "ACTION=payment&ACCOUNT=100500&AMOUNT=10.45&PAY_ID=1234567&PAY_DATE=28.11.2026_10:00:05";

fn question(asked: kit::exchanges::Question) -> Question {
    use kit::exchanges::{MovementName as Name, Question as Asked};
    match asked {
        Asked::Account(query) => Question::Account(AccountQuery {
            number: query.number.parse().unwrap(),
            amount: query.amount.map(convert::money),
            extra: query.extra,
        }),
        Asked::Movement(Name::Key(key)) => Question::Ledger(LedgerQuestion::Movement(MovementName::Key(key.parse().unwrap()))),
        Asked::Movement(Name::Id(id)) => Question::Ledger(LedgerQuestion::Movement(MovementName::Id(id))),
        other => panic!("it never asks {other:?}"),
    }
}

/// Returns the first step of the native code, as the sandbox gives it.
fn native_step(native: &Osmp, request: &CallbackRequest) -> Step<CallbackAnswer> {
    let done = |verdict, reply| Step::Done(CallbackAnswer { verdict, reply });
    match kit::Asking::handle_callback(native, &convert::request(request.clone()), &kit::Context::at(request.received_at)) {
        Err(Stop::Ask(asked)) => Step::Ask(asked.into_iter().map(question).collect()),
        Err(Stop::Want(event)) => done(Verdict::Wanted(Box::new(convert::event(*event))), None),
        Ok(CallbackStep::Answered(reply)) => done(Verdict::Answered, Some(convert::reply(reply))),
        Ok(CallbackStep::Done(answer)) => match answer.verdict {
            kit::contract::Verdict::Refused(problem) => {
                done(Verdict::Refused(convert::problem(problem)), Some(convert::reply(answer.reply)))
            }
            other => panic!("it has no verdict {other:?}"),
        },
        other => panic!("it has no step {other:?}"),
    }
}

#[test]
fn description_matches_native() {
    let description = provider().description();
    assert_eq!(*description, convert::description(Osmp::describe()));
    assert!(!description.links && provider().imports().is_empty() && description.hosts.is_empty());
}

#[test]
fn steps_match_native() {
    for (file, json) in VECTORS {
        let vectors = Vectors::from_json(json).unwrap();
        let (merchant, native) = (merchant(&vectors.settings), native(&vectors.settings));
        assert_eq!(merchant.callback_proof().unwrap(), CallbackProof::Caller);
        for sample in &vectors.callbacks {
            let context = Context::at(sample.request.received_at);
            let step = merchant.handle_callback(&sample.request, &context).unwrap();
            assert!(step == native_step(&native, &sample.request), "{file}: {}", sample.name);
        }
    }
}

#[test]
fn settings_match_native() {
    for (name, value) in [("protocol", "x"), ("id-element", "a b"), ("account-chars-max", "65"), ("password", "x")] {
        let settings = vec![(name.to_owned(), value.to_owned())];
        let Err(sandbox::Error::Provider(problems)) = provider().merchant(domain::Settings::new(settings.clone())) else {
            panic!("{name} is taken")
        };
        assert_eq!(problems, convert::problems(Osmp::configure(&settings).err().unwrap()));
    }
}

/// Returns a payment of 10.45 as the host recorded it, with the number 2016.
fn recorded() -> MovementState {
    let amount = Money { minor_units: 1_045, currency: Currency::RUB };
    let event = domain::Event {
        provider: ProviderName::stored("osmp"),
        facts: Facts::new(EventKind::Payment, TransactionId::stored("1234567"), amount),
        comment: String::new(),
        dedup_key: DedupKey::stored("payment:1234567"),
        fee: None,
        extra: Vec::new(),
    };
    let origin = MovementOrigin::Callback;
    MovementState { movement: Movement { id: MovementId(2016), event, recorded_at: 1_795_894_207, origin }, later: Vec::new() }
}

/// Returns the bytes of the reply within the document's root.
fn said(settings: &[(&str, &str)], query: &str, context: Context) -> String {
    let settings: Vec<_> = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let step = merchant(&settings).handle_callback(&CallbackRequest::get(query), &context).unwrap();
    let Some(CallbackAnswer { verdict: Verdict::Answered, reply: Some(reply) }) = step.done() else { panic!("{query}") };
    assert_eq!(reply.status, 200);
    let text = String::from_utf8(reply.body).unwrap();
    text.strip_prefix(HEAD).unwrap().strip_suffix("</response>").unwrap().to_owned()
}

#[test]
fn replies_are_exact() {
    let sber = [("protocol", "sber")];
    let outcome =
        |outcome: fn(MovementState) -> EventOutcome| Context { outcomes: vec![outcome(recorded())], ..Context::at(0) };
    for (settings, query, context, want) in [
        (
            &[][..],
            PAY,
            outcome(EventOutcome::Entered),
            "<osmp_txn_id>1234567</osmp_txn_id><prv_txn>2016</prv_txn><sum>10.45</sum><result>0</result><comment>OK</comment>",
        ),
        (
            &[],
            PAY,
            outcome(EventOutcome::Repeated),
            "<osmp_txn_id>1234567</osmp_txn_id><prv_txn>2016</prv_txn><sum>10.45</sum><result>0</result>\
             <comment>Платёж уже проведён</comment>",
        ),
        (
            &[],
            PAY,
            outcome(|_| EventOutcome::Unavailable),
            "<osmp_txn_id>1234567</osmp_txn_id><result>1</result><comment>Временная ошибка, повторите запрос позже</comment>",
        ),
        (
            &sber,
            SBER_PAY,
            outcome(EventOutcome::Entered),
            "<CODE>0</CODE><MESSAGE>OK</MESSAGE><EXT_ID>2016</EXT_ID><REG_DATE>28.11.2026_22:30:07</REG_DATE><SUM>10.45</SUM>",
        ),
        (
            &sber,
            SBER_PAY,
            outcome(EventOutcome::Repeated),
            "<CODE>8</CODE><MESSAGE>Платёж уже проведён</MESSAGE><EXT_ID>2016</EXT_ID><REG_DATE>28.11.2026_22:30:07</REG_DATE>\
             <AMOUNT>10.45</AMOUNT>",
        ),
    ] {
        assert_eq!(said(settings, query, context), want, "{query}");
    }
}

#[test]
fn a_checked_account_is_shown() {
    let query = AccountQuery { number: "100500".parse().unwrap(), amount: None, extra: Vec::new() };
    let state = AccountState {
        number: "100500".parse().unwrap(),
        refusal: None,
        holder: "Иванов И. И.".to_owned(),
        address: String::new(),
        balance: Some(Money { minor_units: -5_005, currency: Currency::RUB }),
        due: None,
        extra: Vec::new(),
    };
    let context = Context { asked: vec![Exchange::Account(query, Ok(Some(state)))], ..Context::at(0) };
    assert_eq!(
        said(&[], "command=check&txn_id=7&account=100500", context.clone()),
        "<osmp_txn_id>7</osmp_txn_id><result>0</result><comment>OK</comment><fields><field1 name=\"FIO\">Иванов И. И.</field1>\
         <field2 name=\"balance\">-50.05</field2></fields>"
    );
    assert_eq!(
        said(&[("protocol", "sber")], "ACTION=check&ACCOUNT=100500", context),
        "<CODE>0</CODE><MESSAGE>OK</MESSAGE><FIO>Иванов И. И.</FIO><BALANCE>-50.05</BALANCE>"
    );
}
