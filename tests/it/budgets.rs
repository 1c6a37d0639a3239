//! The resources of the components: their sizes, and the fuel of each function. Unlike times, both are the same in every run.
//!
//! A budget far above the actual use does not bound anything. If a test fails because less is used, write the new figure to
//! `budgets.toml`.

use std::collections::BTreeMap;

use domain::{CallbackRequest, Context, ExportOptions, HttpResponse, HttpResult, Settings, Step, Verdict};
use end_to_end::straight::Straight;
use end_to_end::{
    cloudpayments, component_of, export_options, full_callback, order, post, robokassa, sandbox, settings, writeoff, yookassa,
};
use sandbox::{Limits, Merchant};
use serde::Deserialize;

/// How far a figure may be below its budget, in percent.
const SLACK: u64 = 10;

#[derive(Deserialize)]
struct Budget {
    size_bytes: u64,
    fuel: BTreeMap<String, u64>,
}

fn budget(provider: &str) -> Budget {
    let mut budgets: BTreeMap<String, Budget> = toml::from_str(include_str!("../budgets.toml")).unwrap();
    budgets.remove(provider).unwrap()
}

/// Returns a component's size, and the fuel of a callback, and of a link and an export of one write-off where it has them, by
/// the contract's function names.
fn taken(provider: &str, settings: Settings, callback: &CallbackRequest) -> (u64, BTreeMap<String, u64>) {
    let bytes = component_of(provider);
    let loaded = sandbox().load(&bytes, Limits::default()).unwrap();
    let merchant = loaded.merchant(settings).unwrap();
    let mut session = merchant.session();
    session.warm_up().unwrap();
    let configure = session.usage().fuel;
    let answer = session.judge(callback).unwrap();
    let description = loaded.description();
    assert_eq!(matches!(answer.verdict, Verdict::Happened(_)), description.links, "{answer:?}");
    let mut fuel =
        vec![("describe", loaded.describe_usage().fuel), ("configure", configure), ("handle-callback", session.usage().fuel)];
    if description.links {
        // Where it needs a call, this is the step to it.
        session.create_link(&order(), &Context::at(0)).unwrap();
        fuel.push(("create-link", session.usage().fuel));
    }
    if !description.export_formats.is_empty() {
        fuel.extend(taken_by_export(&merchant, configure));
    }
    (bytes.len() as u64, fuel.into_iter().map(|(name, fuel)| (name.to_owned(), fuel)).collect())
}

/// Returns the size of a component that has a call made for a callback and for a link, and the fuel of each of the two steps: `…`
/// up to the call, and `…-answered` with this answer of status 200.
fn taken_by_steps(
    provider: &str,
    settings: Settings,
    callback: &CallbackRequest,
    answers: [&str; 2],
) -> (u64, BTreeMap<String, u64>) {
    let bytes = component_of(provider);
    let loaded = sandbox().load(&bytes, Limits::default()).unwrap();
    let mut session = loaded.merchant(settings).unwrap().session();
    session.warm_up().unwrap();
    let mut fuel = vec![("describe", loaded.describe_usage().fuel), ("configure", session.usage().fuel)];
    let [callback_answer, link_answer] = answers
        .map(|body| HttpResult::Response(HttpResponse { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() }));
    let mut context = Context::at(0);
    let Step::Call(call) = session.handle_callback(callback, &context).unwrap() else { panic!("it has a call made") };
    fuel.push(("handle-callback", session.usage().fuel));
    context.called.push((call, callback_answer));
    let Step::Done(answer) = session.handle_callback(callback, &context).unwrap() else { panic!("it has its answer") };
    assert!(matches!(answer.verdict, Verdict::Happened(_)), "{answer:?}");
    fuel.push(("handle-callback-answered", session.usage().fuel));
    let mut context = Context::at(0);
    let Step::Call(call) = session.create_link(&order(), &context).unwrap() else { panic!("it has a call made") };
    fuel.push(("create-link", session.usage().fuel));
    context.called.push((call, link_answer));
    let Step::Done(link) = session.create_link(&order(), &context).unwrap() else { panic!("it has its answer") };
    assert!(link.is_ok(), "{link:?}");
    fuel.push(("create-link-answered", session.usage().fuel));
    (bytes.len() as u64, fuel.into_iter().map(|(name, fuel)| (name.to_owned(), fuel)).collect())
}

fn taken_by_export(merchant: &Merchant, configure: u64) -> [(&'static str, u64); 3] {
    let options = ExportOptions { format: "enterprise-data-1.17".into(), ..export_options() };
    let mut export = merchant.export_writeoffs(&options).unwrap();
    let begin = export.usage().fuel - configure;
    export.append(&[writeoff()]).unwrap();
    let append = export.usage().fuel;
    export.finish().unwrap();
    [("export-writeoffs", begin), ("append", append), ("finish", export.usage().fuel)]
}

fn check(provider: &str, settings: Settings, callback: &CallbackRequest) {
    compare(provider, taken(provider, settings, callback));
}

fn compare(provider: &str, (size_bytes, fuel): (u64, BTreeMap<String, u64>)) {
    let budget = budget(provider);
    assert!(fuel.keys().eq(budget.fuel.keys()), "the budgets must name exactly the functions that it has");
    let all = fuel.iter().map(|(name, taken)| (name.as_str(), *taken, budget.fuel[name]));
    let wrong: Vec<String> = all
        .chain([("size_bytes", size_bytes, budget.size_bytes)])
        .filter(|(_, taken, budget)| taken > budget || *taken < budget * (100 - SLACK) / 100)
        .map(|(name, taken, budget)| format!("{name} = {taken}, and the budget is {budget}"))
        .collect();
    assert!(wrong.is_empty(), "{provider} in tests/budgets.toml: {}", wrong.join("; "));
}

#[test]
fn chronopay_stays_within_budget() {
    check("chronopay", Settings::new(settings(&[])), &post(full_callback().as_bytes()));
}

#[test]
fn cloudpayments_stays_within_budget() {
    check("cloudpayments", Settings::new(cloudpayments::settings(&[])), cloudpayments::genuine());
}

#[test]
fn onec_stays_within_budget() {
    check("onec", Settings::new([("currency", "RUB")]), &post(full_callback().as_bytes()));
}

/// Its size says that it holds no writers of exports: the others have been built beside it, and features that one of them enables
/// must not reach it.
#[test]
fn robokassa_stays_within_budget() {
    check("robokassa", Settings::new(robokassa::settings(&[])), &post(robokassa::genuine().as_bytes()));
}

#[test]
fn yookassa_stays_within_budget() {
    let pending = yookassa::PAYMENT.replace("\"succeeded\"", "\"pending\"").replace("\"metadata\"", yookassa::CONFIRMATION);
    let settings = Settings::new(yookassa::settings(&[("return-url", "https://lk.example.ru/")]));
    let callback = post(yookassa::NOTIFICATION.as_bytes());
    compare("yookassa", taken_by_steps("yookassa", settings, &callback, [yookassa::PAYMENT, &pending]));
}

/// Its callback is measured up to the payment that it wants.
#[test]
fn osmp_stays_within_budget() {
    let payment = "command=pay&txn_id=1234567&txn_date=20261128100005&account=100500&sum=10.45&trm_id=77&prv_id=5";
    check("osmp", Settings::new([("currency", "RUB")]), &CallbackRequest::get(payment));
}

#[test]
fn tbank_stays_within_its_size() {
    let (size, budget) = (component_of("tbank").len() as u64, budget("tbank"));
    assert!(budget.fuel.is_empty(), "its calls are not measured here");
    assert!((budget.size_bytes * (100 - SLACK) / 100..=budget.size_bytes).contains(&size), "size_bytes = {size}");
}
