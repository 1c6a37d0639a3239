//! ChronoPay as it is shipped: the component in the sandbox, and the same code as plain Rust beside it.

use chronopay::ChronoPay;
use domain::{
    CallbackAnswer, CallbackRequest, Date, EventKind, ExportOptions, ExportRow, Facts, LinkRequest, PaymentLink, Problem,
    ProvedEvent, Settings, Verdict,
};
use end_to_end::entries::check_register;
use end_to_end::exports::{component_export, native_export};
use end_to_end::{convert, export_options, genuine, get, merchant, native, order, post, provider, signed, vectors, writeoff};
use kit::Provider as _;
use money::Currency;
use sandbox::{Error, Session, unchecked};

/// What is changed, and how; with a text that is too long for every field.
type OrderChange = (&'static str, fn(&mut LinkRequest, &str));
type ExportChange = (&'static str, fn(&mut ExportOptions, &mut ExportRow));

const CONTROLS: [&str; 3] = ["basic", "order-id", "order-id-with-expiry"];

fn native_answer(merchant: &ChronoPay, request: &CallbackRequest) -> CallbackAnswer {
    convert::answer(merchant.handle_callback(&convert::request(request.clone())))
}

/// The problems of a refusal, which is the only error there may be.
fn answered<T>(result: Result<T, Error>) -> Result<T, Vec<Problem>> {
    result.map_err(|error| match error {
        Error::Provider(problems) => problems,
        other => panic!("{other}"),
    })
}

fn native_link(merchant: &ChronoPay, order: &LinkRequest) -> Result<PaymentLink, Vec<Problem>> {
    merchant.create_link(&convert::order(order.clone())).map(convert::link).map_err(convert::problems)
}

fn accepted(verdict: Verdict) -> Option<ProvedEvent> {
    match verdict {
        Verdict::Accepted(event) => Some(event),
        Verdict::Unresolved(_) | Verdict::Ignored(_) | Verdict::Refused(_) => None,
    }
}

fn field<'a>(link: &'a PaymentLink, name: &str) -> &'a str {
    link.form_fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

#[test]
fn the_component_describes_itself_as_its_source_does() {
    assert_eq!(*provider().description(), convert::description(ChronoPay::describe()));
    assert!(provider().imports().is_empty());
}

#[test]
fn links_are_signed_as_the_vectors_say() {
    let base = order();
    let minutes = LinkRequest { extra: vec![("time-limit-minutes".into(), "30".into())], ..order() };
    let moment = LinkRequest { expires_at: Some(1_893_542_645), ..order() };
    let cases = [
        ("basic", "basic", &base),
        ("order control", "order-id", &base),
        ("time limit 30 minutes", "order-id-with-expiry", &minutes),
        ("expire time", "order-id-with-expiry", &moment),
    ];
    assert_eq!(cases.map(|(name, ..)| name).to_vec(), vectors().requests.iter().map(|vector| &vector.name).collect::<Vec<_>>());
    for ((name, control, order), vector) in cases.into_iter().zip(&vectors().requests) {
        assert_eq!(end_to_end::md5_hex(&[vector.signed.as_bytes()]), vector.sign, "{name}: the vector itself");
        let changes = [("order-control", control)];
        let link = merchant(&changes).create_link(order).unwrap();
        assert_eq!(field(&link, "sign"), vector.sign, "{name}");
        assert_eq!(Ok(link), native_link(&native(&changes), order), "{name}");
    }
}

#[test]
fn links_and_refusals_are_the_ones_of_the_source() {
    let long = "ы".repeat(256);
    let changes: [OrderChange; 14] = [
        ("nothing", |_, _| {}),
        ("an id that is none", |order, _| order.id = "заказ 1".into()),
        ("no account", |order, _| order.account.clear()),
        ("nothing to pay", |order, _| order.amount.minor_units = 0),
        ("less than nothing", |order, _| order.amount.minor_units = i64::MIN),
        ("more than there is", |order, _| order.amount.minor_units = i64::MAX),
        ("another currency", |order, _| order.amount.currency = Currency::parse("USD").unwrap()),
        ("a long description", |order, long| order.description = long.into()),
        ("every text", |order, _| order.description = "Пополнение & «счёт» №1 +100%".into()),
        ("another language", |order, _| order.language = "EN-us".into()),
        ("a Cyrillic host", |order, _| order.success_url = "https://лк.рф/оплата?x=1".into()),
        ("no URL", |order, _| order.callback_url = "billing.example.ru".into()),
        ("a payer", |order, _| {
            order.payer =
                [("email", "a@b.ru"), ("name", "Иванов Иван"), ("hobby", "x")].map(|(a, b)| (a.into(), b.into())).into();
        }),
        ("everything wrong", |order, long| {
            *order = LinkRequest {
                id: long.into(),
                account: long.into(),
                success_url: "x".into(),
                failure_url: "y".into(),
                ..order.clone()
            };
        }),
    ];
    for control in CONTROLS {
        let settings = [("order-control", control)];
        let (merchant, native) = (merchant(&settings), native(&settings));
        let (mut refused, mut given) = (0, 0);
        for (what, change) in &changes {
            for expires_at in [None, Some(1_893_542_645), Some(u64::MAX)] {
                let mut order = LinkRequest { expires_at, ..order() };
                change(&mut order, &long);
                let link = answered(merchant.create_link(&order));
                assert_eq!(link, native_link(&native, &order), "{what}, {control}, {expires_at:?}");
                if link.is_ok() { given += 1 } else { refused += 1 }
            }
        }
        assert!(refused > 0 && given > 0, "both kinds are among the cases");
    }
}

#[test]
fn callbacks_have_the_verdicts_of_the_vectors() {
    let settings: Vec<(&str, &str)> = vectors().settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (merchant, native) = (merchant(&settings), native(&settings));
    assert!(vectors().callbacks.len() >= 15, "the vectors are all there");
    for vector in &vectors().callbacks {
        for request in [post(vector.body.as_bytes()), get(vector.body.as_bytes())] {
            let answer = merchant.handle_callback(&request).unwrap();
            let name = &vector.name;
            assert_eq!(answer, native_answer(&native, &request), "{name}");
            assert_eq!(merchant.handle_callback(&request).unwrap(), answer, "{name}: the same again");
            let report = serde_json::to_value(&answer).unwrap();
            assert_eq!(report["verdict"], vector.verdict.as_str(), "{name}");
            assert_eq!(report["event"]["kind"].as_str(), vector.kind.as_deref(), "{name}");
            assert_eq!(answer.reply.status, if vector.verdict == "refused" { 403 } else { 200 }, "{name}");
        }
    }
}

/// What a signature proves: it must not differ, whatever is done to a callback.
fn proved(event: &ProvedEvent) -> (EventKind, &str, Option<&str>, i64, &str, &str) {
    let Facts { kind, transaction, payer, amount, .. } = &event.facts;
    (*kind, transaction, payer.as_deref(), amount.minor_units, amount.currency.as_str(), &event.dedup_key)
}

/// Asserts that no damaged callback becomes another payment, natively and in the component; counts those accepted still.
fn check_damaged(what: &str, session: &mut Session, native: &ChronoPay, body: &str, damaged: Vec<Vec<u8>>) -> usize {
    let original = accepted(native_answer(native, &post(body.as_bytes())).verdict).unwrap();
    let mut still_accepted = 0;
    for body in damaged {
        let request = post(&body);
        let answer = native_answer(native, &request);
        assert_eq!(session.handle_callback(&request).unwrap(), answer, "{what}: {}", String::from_utf8_lossy(&body));
        if let Some(event) = accepted(answer.verdict) {
            assert_eq!(proved(&event), proved(&original), "{what}: {}", String::from_utf8_lossy(&body));
            still_accepted += 1;
        }
    }
    still_accepted
}

fn check_all_accepted(what: &str, damage: impl Fn(&str) -> Vec<Vec<u8>>) {
    let (mut session, native) = (merchant(&[]).session(), native(&[]));
    let bodies: Vec<&str> =
        vectors().callbacks.iter().filter(|vector| vector.kind.is_some()).map(|vector| &*vector.body).collect();
    let (mut all, mut still_accepted) = (0, 0);
    for body in bodies {
        let damaged = damage(body);
        all += damaged.len();
        still_accepted += check_damaged(what, &mut session, &native, body, damaged);
    }
    assert!(still_accepted < all, "{what}: {still_accepted} of {all} are accepted still");
}

#[test]
fn no_flipped_bit_makes_another_payment() {
    check_all_accepted("a flipped bit", |body| {
        let bits = (0..body.len()).flat_map(|at| (0..8).map(move |bit| (at, bit)));
        let flipped = bits.map(|(at, bit)| {
            let mut bytes = body.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            bytes
        });
        flipped.collect()
    });
}

#[test]
fn no_changed_field_makes_another_payment() {
    check_all_accepted("a changed field", |body| {
        let fields: Vec<&str> = body.split('&').collect();
        let mut damaged = Vec::new();
        let mut push = |fields: Vec<String>| damaged.push(fields.join("&").into_bytes());
        let with = |at: usize, field: String| {
            let mut fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            fields[at] = field;
            fields
        };
        for (at, field) in fields.iter().enumerate() {
            let (name, value) = field.split_once('=').unwrap();
            let mut without: Vec<String> = with(at, String::new());
            without.remove(at);
            push(without);
            push(with(at, format!("{name}=")));
            push(with(at, name.to_owned()));
            push(with(at, format!("{name}={value}&{name}=1")));
            push(with(at, format!("{name}=1&{name}={value}")));
            push(with(at, format!("{field}&{field}")));
            push(with(at, format!("{name}={value}+")));
            push(with(at, format!("{name}=+{value}")));
            push(with(at, format!("{name}={value}%00")));
            push(with(at, format!("{}={value}", name.to_uppercase())));
            for (digit, _) in value.match_indices(|char: char| char.is_ascii_digit()) {
                let changed = if value.as_bytes()[digit] == b'9' { "0" } else { "9" };
                push(with(at, format!("{name}={}{changed}{}", &value[..digit], &value[digit + 1..])));
            }
            if let Some(next) = fields.get(at + 1) {
                let next_value = next.split_once('=').unwrap().1;
                let mut swapped = with(at, format!("{name}={next_value}"));
                swapped[at + 1] = next.replacen(next_value, value, usize::from(!next_value.is_empty()));
                push(swapped);
            }
        }
        damaged
    });
}

#[test]
fn no_moved_boundary_makes_another_payment() {
    // The signature covers the four joined by nothing, so it holds for every way to cut them.
    let (mut session, native) = (merchant(&[]).session(), native(&[]));
    for kind in ["Purchase", "Rebill", "Refund", "chargeback", "decline", "Preauth", "onetime"] {
        let values = ["001234-100000062", "56244472", kind, "100.00"];
        let joined = values.concat();
        let form = |values: [&str; 4]| {
            let names = ["customer_id", "transaction_id", "transaction_type", "total"];
            let mut fields: Vec<(&str, &str)> = names.into_iter().zip(values).collect();
            fields.extend([("product_id", "001234-0001-0001"), ("currency", "RUB"), ("cs1", "42")]);
            signed(&fields)
        };
        let mut cuts = Vec::new();
        for first in 0..=joined.len() {
            for second in first..=joined.len() {
                for third in second..=joined.len() {
                    let cut = [&joined[..first], &joined[first..second], &joined[second..third], &joined[third..]];
                    if cut != values {
                        cuts.push(form(cut));
                    }
                }
            }
        }
        let original = form(values);
        assert_eq!(sign_of(&original), sign_of(&cuts[0]), "{kind}");
        let cuts = cuts.into_iter().map(String::into_bytes).collect();
        assert_eq!(check_damaged(kind, &mut session, &native, &original, cuts), 0, "{kind}: another cut is accepted");
    }
}

fn sign_of(body: &str) -> &str {
    body.rsplit_once("sign=").unwrap().1
}

#[test]
fn bad_settings_are_refused_with_every_field() {
    let all_wrong: &[(&str, &str)] = &[
        ("product-id", "1234"),
        ("shared-sec", "short"),
        ("order-control", "maybe"),
        ("currency", "rub"),
        ("payment-page", "http://payments.example.ru/"),
        ("language", "zz"),
        ("payment-type-group", "01"),
        ("comment", "строка\nвторая"),
        ("colour", "red"),
    ];
    let cases: [&[(&str, &str)]; 7] = [
        all_wrong,
        &[],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "")],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "        ")],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "TestSharedSec001"), ("shared-sec", "TestSharedSec001")],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "TestSharedSec001"), ("payment-page", "https://x.ru/?a=1")],
        &[("product-id", "001234-0001-0001"), ("shared-sec", "x")],
    ];
    for entered in cases {
        let entered: Vec<(String, String)> = entered.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let problems = answered(provider().merchant(Settings::new(entered.clone())).map(drop)).unwrap_err();
        assert_eq!(problems, convert::problems(ChronoPay::configure(&entered).err().unwrap()), "{entered:?}");
        assert!(!problems.is_empty());
    }
    let problems = answered(provider().merchant(Settings::new(all_wrong.iter().copied())).map(drop)).unwrap_err();
    let mut fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_deref().unwrap()).collect();
    let mut wanted: Vec<&str> = all_wrong.iter().map(|(name, _)| *name).collect();
    fields.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(fields, wanted);
}

/// Three thousand write-offs with what a register may hold: quotes, separators, formulas, corrections, every kind of VAT.
fn rows() -> Vec<ExportRow> {
    let names =
        ["Иванов Иван", "=HYPERLINK(\"http://x\")", "+7 900", "-1", "@SUM(A1)", "ООО «А;Б»", "\tтаб", "'кавычка", "a\r\nb"];
    let rates = [Some(2200), Some(1000), Some(0), None];
    let row = |at: usize| {
        let mut row = writeoff();
        row.id = format!("w-{at}");
        row.account = format!("{:05}", at / 5);
        // A name is one line, and one for its contract; a note may be anything.
        row.subscriber.name = names[..6][at / 5 % 6].into();
        row.extra = vec![("note".into(), names[(at + 3) % names.len()].into())];
        row.amount.minor_units = i64::try_from(at).unwrap() * 37 - 5_000;
        row.vat_basis_points = rates[at % rates.len()];
        row.date = Date::new(2026, 10, u8::try_from(at % 31).unwrap() + 1).unwrap();
        row
    };
    (0..3_000).map(row).collect()
}

#[test]
fn a_register_accounts_for_every_kopeck() {
    let (rows, options) = (rows(), export_options());
    let register = native_export(&rows, &options).unwrap();
    check_register(register.file(), &rows, &register.totals);
    for batches in [&[3_000][..], &[1, 7, 513, 64], &[997], &[0, 1_499, 2]] {
        assert!(component_export(&rows, &options, batches).unwrap() == register, "{batches:?}");
    }
    let sum = |rate: Option<u16>| {
        rows.iter().filter(|row| row.vat_basis_points == rate).map(|row| row.amount.minor_units).sum::<i64>()
    };
    let totals = &register.totals;
    let extra = |name: &str| totals.extra.iter().find(|(other, _)| other == name).unwrap().1.parse::<i64>().unwrap();
    assert_eq!(extra("vat-2200-amount"), sum(Some(2200)));
    assert_eq!(extra("vat-1000-amount"), sum(Some(1000)));
    assert_eq!(extra("vat-0-amount"), sum(Some(0)));
    assert_eq!(extra("vat-none-amount"), sum(None));
    assert_eq!((extra("vat-0-vat"), extra("vat-none-vat")), (0, 0));
    // By hand: 3000 numbers in an arithmetic progression.
    assert_eq!(totals.amount.minor_units, 37 * (2_999 * 3_000 / 2) - 5_000 * 3_000);
}

#[test]
fn an_empty_register_is_its_header() {
    let register = component_export(&[], &export_options(), &[1]).unwrap();
    check_register(register.file(), &[], &register.totals);
    assert_eq!(Ok(register), native_export(&[], &export_options()));
}

#[test]
fn exports_are_refused_as_the_source_refuses_them() {
    let changes: [ExportChange; 7] = [
        ("format", |options, _| options.format = "xml".into()),
        ("period", |options, _| options.period_end = Date::new(2025, 1, 1).unwrap()),
        ("separator", |options, _| options.extra = vec![("decimal-separator".into(), "dot".into())]),
        ("currency", |_, row| row.amount.currency = Currency::parse("USD").unwrap()),
        ("date", |_, row| row.date = Date::new(2026, 11, 1).unwrap()),
        ("inn", |_, row| row.subscriber.inn = "ИНН".into()),
        ("quantity", |_, row| row.quantity_thousandths = 0),
    ];
    for (what, change) in changes {
        let (mut options, mut rows) = (export_options(), rows());
        change(&mut options, &mut rows[1_234]);
        let problems = component_export(&rows, &options, &[100]).unwrap_err();
        assert_eq!(Err(problems), native_export(&rows, &options), "{what}");
    }
    // A day that does not exist, which no host says.
    let good = export_options();
    let mut options = unchecked::ExportOptions::from(&good);
    options.period_end.day = 32;
    let mut same = convert::export_options(good.clone());
    same.period_end.day = 32;
    match merchant(&[]).export_writeoffs_unchecked(&options) {
        Err(Error::Provider(problems)) => {
            assert_eq!(Some(problems), native(&[]).export_writeoffs(&same).err().map(convert::problems));
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn an_export_that_failed_only_looks_for_more() {
    let mut export = merchant(&[]).export_writeoffs(&export_options()).unwrap();
    let bad = || ExportRow { id: String::new(), ..writeoff() };
    let rows = |result: Result<_, Error>| match result {
        Err(Error::Provider(problems)) => problems.iter().map(|problem| problem.row.unwrap()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rows(export.append(&[writeoff(), bad(), bad()])), [2, 3]);
    assert_eq!(export.append(&[ExportRow { id: "w-2".into(), ..writeoff() }]).unwrap(), [], "nothing is written any more");
    assert_eq!(rows(export.append(&[bad()])), [5]);
    assert!(matches!(export.finish(), Err(Error::Provider(problems)) if problems.is_empty()));
    assert!(matches!(export.append(&[writeoff()]), Err(Error::ExportClosed)));
}

#[test]
fn many_threads_have_the_right_answers() {
    let merchant = merchant(&[]);
    let native = native(&[]);
    let expected: Vec<(CallbackRequest, CallbackAnswer)> = vectors()
        .callbacks
        .iter()
        .map(|vector| post(vector.body.as_bytes()))
        .map(|request| (request.clone(), native_answer(&native, &request)))
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (merchant, expected) = (&merchant, &expected);
            scope.spawn(move || {
                for call in 0..200 {
                    let (request, answer) = &expected[(thread * 31 + call) % expected.len()];
                    assert_eq!(merchant.handle_callback(request).unwrap(), *answer);
                }
            });
        }
    });
}

#[test]
fn the_same_input_has_the_same_output() {
    let (merchant, mut session) = (merchant(&[]), merchant(&[]).session());
    let request = post(genuine().as_bytes());
    let answer = merchant.handle_callback(&request).unwrap();
    let link = merchant.create_link(&order()).unwrap();
    for _ in 0..20 {
        assert_eq!(merchant.handle_callback(&request).unwrap(), answer);
        assert_eq!(session.handle_callback(&request).unwrap(), answer, "a warm instance keeps nothing");
        assert_eq!(merchant.create_link(&order()).unwrap(), link);
        assert_eq!(session.create_link(&order()).unwrap(), link);
    }
}
