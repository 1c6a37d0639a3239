//! `any-input`: every input gets an answer: no crash, no exceeded limit, no breach of the contract, and nothing is accepted.

use domain::{CallbackRequest, Fields, Verdict};
use sandbox::unchecked::{Date, ExportOptions, ExportRow, LinkRequest, Money};
use sandbox::{Error, Limit};

use super::links::currency;
use super::mutations::input_text;
use super::settings::message_holds;
use crate::check_context::{CheckContext, ScannedMerchant};
use crate::fixtures;
use crate::inputs::{self, fields, text};
use crate::report::{Case, Checked, Findings, verdict_text};
use crate::text;

/// How much of an input a finding shows, in characters.
const INPUT_CHARS_MAX: usize = 600;

pub fn check(subject: &CheckContext) -> Checked {
    let merchant = subject.merchant()?;
    let mut findings = callbacks(subject, &merchant);
    findings.add(settings(subject));
    findings.add(orders(subject, &merchant));
    findings.add(exports(subject, &merchant));
    Ok(findings)
}

fn callbacks(subject: &CheckContext, merchant: &ScannedMerchant) -> Findings {
    let names = field_names(subject);
    let mut rng = subject.rng("callbacks");
    let mut requests: Vec<CallbackRequest> = inputs::bodies().into_iter().flat_map(inputs::both).collect();
    let mut of_fields = inputs::of_fields(&names);
    rng.shuffle(&mut of_fields);
    of_fields.truncate(subject.scaled(8_000, 300));
    requests.extend(of_fields);
    if subject.scaled(false, true) {
        rng.shuffle(&mut requests);
        requests.truncate(500);
    }
    requests.extend((0..subject.scaled(10_000, 200)).map(|_| inputs::random(&names, &mut rng)));
    let refuses_all = subject.refuses_all_callbacks();
    subject.each(&requests, |request| match merchant.callback(request).map(|answer| answer.verdict) {
        Ok(verdict @ (Verdict::Unresolved(_) | Verdict::Ignored(_))) if refuses_all => Err(format!(
            "a callback {}, and the vectors say that it takes none; {}",
            verdict_text(&verdict),
            input_text(request)
        )),
        Ok(Verdict::Unavailable) => Ok(()),
        Ok(Verdict::Refused(problem) | Verdict::Unresolved(problem) | Verdict::Ignored(problem)) => {
            message_holds(&problem).map_err(|what| format!("{what}; {}", input_text(request)))
        }
        Err(Error::Limit { limit: Limit::InputBytes(_), .. }) => Ok(()),
        Ok(verdict) => Err(format!("what nobody signed {}; {}", verdict_text(&verdict), input_text(request))),
        Err(error) => Err(format!("{error}; {}", input_text(request))),
    })
}

/// Returns the names of the fields of all samples.
pub fn field_names(subject: &CheckContext) -> Vec<String> {
    let samples = subject.vectors.into_iter().flat_map(|vectors| &vectors.callbacks);
    let texts = samples.flat_map(|sample| [sample.request.query.as_bytes(), &sample.request.body]);
    let names = texts.flat_map(|text| text::fields(text).into_iter().map(|field| field.decoded_name(text)));
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    names.sort();
    names.dedup();
    names
}

/// Checks that a call returns an answer or problems.
fn returns_answer_or_problems<T>(result: Result<T, Error>, input: impl Fn() -> String) -> Case {
    match result {
        // An input above the host's own limit never reaches the provider.
        Ok(_) | Err(Error::Limit { limit: Limit::InputBytes(_), .. }) => Ok(()),
        Err(Error::Provider(problems)) if problems.is_empty() => {
            Err(format!("it is refused without a problem; {}", shortened(&input())))
        }
        Err(Error::Provider(problems)) => {
            problems.iter().try_for_each(message_holds).map_err(|what| format!("{what}; {}", shortened(&input())))
        }
        Err(error) => Err(format!("{error}; {}", shortened(&input()))),
    }
}

fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(INPUT_CHARS_MAX).collect();
    if shown.len() < text.len() { format!("{shown}… ({} bytes)", text.len()) } else { shown }
}

/// Tries hostile texts as the value of each setting, and random settings.
fn settings(subject: &CheckContext) -> Findings {
    let base: Fields = subject.vectors.map(|vectors| vectors.settings.clone()).unwrap_or_default();
    let mut rng = subject.rng("settings");
    let mut entered: Vec<(String, Fields)> = Vec::new();
    for setting in &subject.provider.description().settings {
        for text in inputs::texts() {
            let others = base.iter().filter(|(name, _)| *name != setting.name).cloned();
            let shown = shortened(&format!("{} = {text:?}", setting.name));
            entered.push((shown, others.chain([(setting.name.clone(), text.clone())]).collect()));
        }
    }
    rng.shuffle(&mut entered);
    entered.truncate(subject.scaled(usize::MAX, 40));
    for _ in 0..subject.scaled(500, 20) {
        let random = fields(&mut rng, 20);
        entered.push((format!("settings {random:?}"), random));
    }
    let many = (0..1_500).map(|at| (format!("setting-{at}"), String::new()));
    entered.push(("1500 unknown settings".to_owned(), many.collect()));
    subject.each(&entered, |(what, entered)| {
        returns_answer_or_problems(subject.configure(entered), || format!("configure with {what}"))
    })
}

/// Tries orders of all amounts and texts.
fn orders(subject: &CheckContext, merchant: &ScannedMerchant) -> Findings {
    let currency = currency(subject).unwrap_or_else(|_| "RUB".to_owned());
    let mut rng = subject.rng("orders");
    let amounts = [i64::MIN, i64::MIN + 1, -1, 0, 1, 99, 10_000, 1 << 53, i64::MAX / 100, i64::MAX - 1, i64::MAX];
    let base = |minor_units| fixtures::order(0, minor_units, &currency);
    let mut orders: Vec<LinkRequest<'static>> = amounts.into_iter().map(base).collect();
    for text in inputs::texts() {
        for field in 0..9 {
            orders.push(with_text(base(10_000), field, text.clone()));
        }
    }
    if subject.scaled(false, true) {
        rng.shuffle(&mut orders);
        orders.truncate(80);
    }
    for _ in 0..subject.scaled(3_000, 60) {
        let mut order = base(rng.choice(amounts).unwrap_or_default());
        for _ in 0..rng.usize(..5) {
            order = with_text(order, rng.usize(..9), text(&mut rng));
        }
        if rng.bool() {
            order.payer = fields(&mut rng, 6).into();
        }
        if rng.bool() {
            order.extra = fields(&mut rng, 6).into();
        }
        order.expires_at =
            rng.choice([None, Some(0), Some(1), Some(4_102_444_800), Some(253_402_300_800), Some(u64::MAX)]).flatten();
        orders.push(order);
    }
    subject.each(&orders, |order| returns_answer_or_problems(merchant.link(order), || format!("{order:?}")))
}

fn with_text(mut order: LinkRequest<'static>, field: usize, text: String) -> LinkRequest<'static> {
    match field {
        0 => order.id = text.into(),
        1 => order.account = text.into(),
        2 => order.description = text.into(),
        3 => order.language = text.into(),
        4 => order.callback_url = text.into(),
        5 => order.success_url = format!("https://example.ru/{text}").into(),
        6 => order.failure_url = text.into(),
        7 => order.amount.currency = text.into(),
        _ => order.payer.to_mut().iter_mut().for_each(|(_, value)| value.clone_from(&text)),
    }
    order
}

/// Tries export options and write-offs of all texts, amounts and days.
fn exports(subject: &CheckContext, merchant: &ScannedMerchant) -> Findings {
    let currency = currency(subject).unwrap_or_else(|_| "RUB".to_owned());
    let mut rng = subject.rng("exports");
    let formats = &subject.provider.description().export_formats;
    let mut cases: Vec<(ExportOptions<'static>, Vec<ExportRow<'static>>)> = Vec::new();
    for _ in 0..subject.scaled(1_500, 40) {
        let mut options = fixtures::options(&rng.choice(formats).cloned().unwrap_or_else(|| text(&mut rng)));
        let mut rows = fixtures::writeoffs(2, &currency, &[Some(2_000), None]);
        if rng.u8(..4) == 0 {
            match rng.u8(..7) {
                0 => options.format = text(&mut rng).into(),
                1 => options.seller.name = text(&mut rng).into(),
                2 => options.seller.inn = text(&mut rng).into(),
                3 => options.period_start = date(&mut rng),
                4 => options.period_end = date(&mut rng),
                5 => options.created_at = u64::MAX,
                _ => options.extra = fields(&mut rng, 8).into(),
            }
        }
        for row in &mut rows {
            if rng.u8(..3) == 0 {
                corrupt(row, &mut rng);
            }
        }
        cases.push((options, rows));
    }
    subject.each(&cases, |(options, rows)| {
        returns_answer_or_problems(merchant.exported(options, rows, 3), || format!("an export with {options:?} of {rows:?}"))
    })
}

fn date(rng: &mut fastrand::Rng) -> Date {
    let year = rng.choice([0, 1, 1900, 2026, 9_999, 10_000, u16::MAX]).unwrap_or_default();
    Date { year, month: rng.u8(..15), day: rng.u8(..34) }
}

fn corrupt(row: &mut ExportRow<'_>, rng: &mut fastrand::Rng) {
    let number = |rng: &mut fastrand::Rng| rng.choice([i64::MIN, -1, 0, 1, 1_000_000_000, i64::MAX]).unwrap_or_default();
    match rng.u8(..14) {
        0 => row.id = text(rng).into(),
        1 => row.account = text(rng).into(),
        2 => row.subscriber.name = text(rng).into(),
        3 => row.subscriber.inn = text(rng).into(),
        4 => row.subscriber.kpp = text(rng).into(),
        5 => row.contract = text(rng).into(),
        6 => row.contract_date = Some(date(rng)),
        7 => row.service = text(rng).into(),
        8 => row.unit = text(rng).into(),
        9 => row.period = date(rng),
        10 => row.date = date(rng),
        11 => row.quantity_thousandths = number(rng),
        12 => row.amount = Money { minor_units: number(rng), currency: row.amount.currency.clone() },
        _ => row.extra = vec![("note".to_owned(), text(rng))].into(),
    }
}
