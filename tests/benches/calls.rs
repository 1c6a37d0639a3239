//! Calls of ChronoPay: as native Rust, in a warm instance, in a fresh instance, and in a fresh instance by wasmtime alone,
//! without the crate `sandbox`.
//!
//! `cargo xtask bench calls`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::hint::black_box;

use domain::{
    AccountNumber, AccountState, CallbackRequest, Context, Exchange, Fields, HttpCall, HttpResponse, HttpResult, LinkRequest,
    Money, OrderId, Question, Verdict,
};
use end_to_end::figures::{self, Figure, Goal, side_by_side};
use end_to_end::straight::Straight;
use end_to_end::{component, convert, full_callback, merchant, native, osmp, post, sandbox, settings, yookassa};
use kit::Provider as _;
use money::Currency;
use sandbox::{Answers, CONTRACT, Limits, Merchant, drive};
use wasmtime::component::{Component, ComponentExportIndex, Instance, InstancePre, Linker, ResourceAny};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};

/// The contract's types in wasmtime's own bindings.
mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "provider" });
}

use bindings::exports::billing::payments::payment_provider as bare;

const ROUNDS: usize = 40;
const TIMES: usize = 250;

fn main() {
    // `cargo test --benches` does not pass this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let settings = settings(&[]);
    let (request, order) = (request(), order());
    let (native_request, native_order) = (convert::request(request.clone()), convert::order(order.clone()));
    let context = Context::at(request.received_at);
    let (native, merchant) = (native(&[]), merchant(&[]));
    let (mut session, bare) = (merchant.session(), Bare::load());
    let (mut bare_session, bare_request) = (bare.instance(&settings), bare_request(&request));

    let answer = merchant.judge(&request).unwrap();
    assert!(matches!(answer.verdict, Verdict::Happened(_)), "{answer:?}");
    assert_eq!(convert::answer(&native, &request), answer);
    assert_eq!(session.judge(&request).unwrap(), answer);
    let bare_answer = bare_session.handle_callback(&bare_request);
    assert!(matches!(bare_answer.verdict, bare::Verdict::Happened(_)));
    assert_eq!(bare_answer.reply.body, answer.reply.unwrap().body);
    let link = merchant.link(&order).unwrap();
    assert_eq!(convert::link(&native, &order).unwrap(), link);

    let (terminals, check) = (osmp::merchant(&[]), CallbackRequest::get(CHECK));
    let (hints, hint) = (yookassa::merchant(&[]), post(yookassa::NOTIFICATION.as_bytes()));
    assert!(matches!(driven(&terminals, &check), Verdict::Answered));
    assert!(matches!(driven(&hints, &hint), Verdict::Happened(_)));

    let configured = || chronopay::ChronoPay::configure(black_box(&settings)).ok().unwrap();
    let [callback, configured_callback, warm, bare_warm, fresh, bare_fresh, link, configured_link, fresh_link, asking, calling] =
        side_by_side(
            ROUNDS,
            TIMES,
            [
                &mut || drop(black_box(native.handle_callback(black_box(&native_request)))),
                &mut || drop(black_box(configured().handle_callback(black_box(&native_request)))),
                &mut || drop(black_box(session.handle_callback(black_box(&request), &context).unwrap())),
                &mut || drop(black_box(bare_session.handle_callback(black_box(&bare_request)))),
                &mut || drop(black_box(merchant.handle_callback(black_box(&request), &context).unwrap())),
                &mut || drop(black_box(bare.instance(&settings).handle_callback(black_box(&bare_request)))),
                &mut || drop(black_box(native.create_link(black_box(&native_order)).unwrap())),
                &mut || drop(black_box(configured().create_link(black_box(&native_order)).unwrap())),
                &mut || drop(black_box(merchant.create_link(black_box(&order), &context).unwrap())),
                &mut || drop(black_box(driven(&terminals, black_box(&check)))),
                &mut || drop(black_box(driven(&hints, black_box(&hint)))),
            ],
        );
    let callback = Figure::of_times("callback, native", &callback);
    let bare_warm = Figure::of_times("callback, warm, wasmtime alone", &bare_warm);
    let bare_fresh = Figure::of_times("callback, fresh, wasmtime alone", &bare_fresh);
    let link = Figure::of_times("link, native", &link);
    let fresh_callback = Figure::of_times("callback that asks nothing, fresh", &fresh);
    figures::write(
        "calls",
        &[
            callback.clone(),
            Figure::of_times("configure and callback, native", &configured_callback).to(&callback),
            Figure::of_times("callback, warm", &warm).to(&callback).goal(Goal::AtMost(2.0)),
            Figure::of_times("callback, fresh with configure", &fresh).to(&callback).goal(Goal::AtMost(6.0)),
            bare_warm.clone(),
            Figure::of_times("callback, warm, the sandbox's", &warm).to(&bare_warm).goal(Goal::AtMost(1.15)),
            bare_fresh.clone(),
            Figure::of_times("callback, fresh, the sandbox's", &fresh).to(&bare_fresh).goal(Goal::AtMost(1.15)),
            link.clone(),
            Figure::of_times("configure and link, native", &configured_link).to(&link),
            Figure::of_times("link, fresh with configure", &fresh_link).to(&link).goal(Goal::AtMost(8.0)),
            fresh_callback.clone(),
            Figure::of_times("callback that asks once, fresh, both steps", &asking).to(&fresh_callback),
            Figure::of_times("callback with a call, fresh, both steps, without the network", &calling).to(&fresh_callback),
        ],
    );
}

/// A terminal's question about an account.
const CHECK: &str = "command=check&txn_id=1234567&account=100500&sum=10.45";

/// Answers a provider's question about an account and its call at once.
struct AtOnce;

impl Answers for AtOnce {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        let answer = |question| match question {
            Question::Account(query) => {
                let holder = "Иванов И. И.".to_owned();
                let (refusal, address, balance, due, extra) = (None, String::new(), None, None, Fields::new());
                let number = query.number.clone();
                Exchange::Account(query, Ok(Some(AccountState { number, refusal, holder, address, balance, due, extra })))
            }
            other => panic!("{other:?}"),
        };
        questions.into_iter().map(answer).collect()
    }

    fn call(&mut self, _: &HttpCall) -> HttpResult {
        let body = yookassa::PAYMENT.as_bytes().to_vec();
        HttpResult::Response(HttpResponse { status: 200, headers: Vec::new(), body })
    }
}

/// Takes a callback's steps to its verdict, each in a fresh instance, as the host does.
fn driven(merchant: &Merchant, request: &CallbackRequest) -> Verdict {
    drive(0, &mut AtOnce, |context| merchant.handle_callback(request, context)).unwrap().0.verdict
}

fn request() -> CallbackRequest {
    let body = full_callback();
    let headers = [
        ("host", "billing.example.ru"),
        ("user-agent", "ChronoPay"),
        ("accept", "*/*"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", &body.len().to_string()),
    ];
    CallbackRequest {
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        remote_address: "192.0.2.1".to_owned(),
        received_at: 1_906_421_475,
        ..post(body.as_bytes())
    }
}

fn bare_request(request: &CallbackRequest) -> bare::CallbackRequest {
    bare::CallbackRequest {
        method: bare::HttpMethod::Post,
        path: request.path.clone(),
        query: request.query.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        remote_address: request.remote_address.clone(),
        received_at: request.received_at,
        extra: Vec::new(),
    }
}

fn order() -> LinkRequest {
    let url = |path: &str| format!("https://billing.example.ru/{path}");
    let payer = [("email", "payer@example.com"), ("name", "Петров Иван"), ("phone", "+74950000000")];
    LinkRequest {
        description: "Пополнение баланса".to_owned(),
        language: "ru".to_owned(),
        callback_url: url("callbacks/chronopay"),
        success_url: url("cabinet/paid"),
        failure_url: url("cabinet/failed"),
        payer: payer.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..LinkRequest::new(
            OrderId::stored("01JB7Q0000000000000000000"),
            AccountNumber::stored("100500"),
            Money { minor_units: 10_000, currency: Currency::RUB },
        )
    }
}

/// Calls the component by wasmtime's own API, in the sandbox's engine. It sets the same budgets, but checks and counts nothing
/// else.
struct Bare {
    pre: InstancePre<StoreLimits>,
    configure: ComponentExportIndex,
    handle_callback: ComponentExportIndex,
}

struct BareInstance {
    store: Store<StoreLimits>,
    instance: Instance,
    merchant: ResourceAny,
    handle_callback: ComponentExportIndex,
}

impl Bare {
    fn load() -> Bare {
        let engine = sandbox().engine();
        let component = Component::new(engine, component()).unwrap();
        let contract = component.get_export_index(None, CONTRACT).unwrap();
        let function = |name: &str| component.get_export_index(Some(&contract), name).unwrap();
        Bare {
            configure: function("[static]merchant.configure"),
            handle_callback: function("[method]merchant.handle-callback"),
            pre: Linker::new(engine).instantiate_pre(&component).unwrap(),
        }
    }

    fn instance(&self, settings: &Fields) -> BareInstance {
        let limits = StoreLimitsBuilder::new().memory_size(Limits::MEMORY_BYTES_MAX).build();
        let mut store = Store::new(self.pre.engine(), limits);
        store.limiter(|limits| limits);
        store.epoch_deadline_trap();
        store.set_hostcall_fuel(Limits::OUTPUT_BYTES_MAX);
        arm(&mut store);
        let instance = self.pre.instantiate(&mut store).unwrap();
        let configure = instance
            .get_typed_func::<(&Fields,), (Result<ResourceAny, Vec<bare::Problem>>,)>(&mut store, self.configure)
            .unwrap();
        let (merchant,) = configure.call(&mut store, (settings,)).unwrap();
        BareInstance { merchant: merchant.unwrap(), store, instance, handle_callback: self.handle_callback }
    }
}

impl BareInstance {
    fn handle_callback(&mut self, request: &bare::CallbackRequest) -> bare::CallbackAnswer {
        type Arguments<'a> = (ResourceAny, &'a bare::CallbackRequest);
        arm(&mut self.store);
        let (store, index) = (&mut self.store, self.handle_callback);
        let function = self.instance.get_typed_func::<Arguments<'_>, (bare::CallbackAnswer,)>(&mut *store, index).unwrap();
        function.call(store, (self.merchant, request)).unwrap().0
    }
}

fn arm(store: &mut Store<StoreLimits>) {
    store.set_epoch_deadline(26);
    store.set_fuel(Limits::FUEL_MAX).unwrap();
}
