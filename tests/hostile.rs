//! Components that break every rule there is. Each does what it does in one call, which fails by a typed error; after each the
//! same sandbox serves a payment with ChronoPay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

use std::time::Duration;

use domain::{CallbackRequest, ExportRow, LinkRequest, Settings, Verdict};
use end_to_end::guest::{DATA, Guest};
use end_to_end::{component, export_options, genuine, order, post, settings, writeoff};
use sandbox::{CONTRACT, Error, Limits, LoadError, Provider, Sandbox, SandboxConfig};

const ENDLESS: &str = "(loop (br 0)) (unreachable)";
const GROW_AND_ABORT: &str = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)";

/// A guest with code that runs when the host has read the answer to a callback.
fn after_answer(code: &str) -> Guest {
    let name = format!("cabi_post_{CONTRACT}#[method]merchant.handle-callback");
    Guest::good().code("more", format!(r#"(func (export "{name}") (param i32) {code})"#))
}

/// What is done with a guest that was loaded; `Load`: nothing.
enum Call {
    Load,
    Merchant,
    Link(LinkRequest),
    Callback(CallbackRequest),
    Register(Vec<ExportRow>),
}

struct Case {
    what: &'static str,
    guest: Guest,
    limits: Limits,
    call: Call,
    /// As [`outcome`] tells it.
    want: &'static str,
}

/// The default limits with time to spare, so that no outcome depends on how busy the machine is.
fn patient() -> Limits {
    Limits::default().with_time_max(Duration::from_secs(60))
}

fn case(what: &'static str, guest: Guest, call: Call, want: &'static str) -> Case {
    Case { what, guest, limits: patient(), call, want }
}

fn within(limits: Limits, case: Case) -> Case {
    Case { limits, ..case }
}

fn callback() -> Call {
    Call::Callback(post(b"a=1"))
}

fn register() -> Call {
    Call::Register(Vec::new())
}

/// Runs the cases, which nothing else does. After each the sandbox loads a good guest and ChronoPay serves a payment; after
/// the last it loads ChronoPay too, which takes a while.
fn check(sandbox: &Sandbox, cases: Vec<Case>) {
    let chronopay = sandbox.load(&component(), Limits::default()).unwrap();
    let good = Guest::good().build();
    for Case { what, guest, limits, call, want } in cases {
        let result = sandbox.load(&guest.build(), limits).and_then(|provider| run(&provider, call));
        assert_eq!(outcome(&result), want, "{what}: {result:?}");
        serve(&chronopay, what);
        sandbox.load(&good, Limits::default()).and_then(|provider| run(&provider, callback())).unwrap();
    }
    serve(&sandbox.load(&component(), Limits::default()).unwrap(), "all");
}

fn run(provider: &Provider, call: Call) -> Result<(), Error> {
    if let Call::Load = call {
        return Ok(());
    }
    let merchant = provider.merchant(Settings::new(settings(&[])))?;
    match call {
        Call::Load | Call::Merchant => Ok(()),
        Call::Link(order) => merchant.create_link(&order).map(drop),
        Call::Callback(request) => merchant.handle_callback(&request).map(drop),
        Call::Register(rows) => {
            let mut export = merchant.export_writeoffs(&export_options())?;
            export.append(&rows)?;
            export.finish().map(drop)
        }
    }
}

fn serve(chronopay: &Provider, after: &str) {
    let merchant = chronopay.merchant(Settings::new(settings(&[]))).unwrap();
    let answer = merchant.handle_callback(&post(genuine().as_bytes())).unwrap();
    assert!(matches!(answer.verdict, Verdict::Accepted(_)), "after {after}: {answer:?}");
}

/// An outcome in a line.
fn outcome(result: &Result<(), Error>) -> String {
    match result {
        Ok(()) => "fine".to_owned(),
        Err(Error::Limit { function, limit }) => format!("{function}: limit {limit:?}"),
        Err(Error::Trap { function, .. }) => format!("{function}: trap"),
        Err(Error::Contract { function, .. }) => format!("{function}: contract"),
        Err(Error::Load(LoadError::Imports(names))) => format!("load: imports {}", names.join(", ")),
        Err(Error::Load(LoadError::NoContract { exported, .. })) => format!("load: no contract but {}", exported.join(", ")),
        Err(Error::Load(LoadError::UnknownVersion { exported, .. })) => format!("load: unknown {exported}"),
        Err(Error::Load(LoadError::SignatureMismatch { function, .. })) => format!("load: shape of {function}"),
        Err(Error::Load(LoadError::TooLarge { what, .. })) => format!("load: too large {what}"),
        Err(Error::Load(LoadError::Description(broken))) => format!("load: description, {}", broken.join("; ")),
        Err(Error::Load(LoadError::Invalid(_))) => "load: invalid".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

fn sandbox() -> &'static Sandbox {
    end_to_end::sandbox()
}

#[test]
fn time_and_fuel() {
    let much = patient().with_fuel_max(u64::MAX);
    let short = much.with_time_max(Duration::from_millis(200));
    let endless = || Guest::good().code("handle-callback", ENDLESS);
    let start = "(func $start (loop (br 0))) (start $start)";
    // Some 2,000 units: a loop of so many rounds.
    let busy = "(local $i i32) (loop
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $i) (i32.const 300))))";
    let fuel = |fuel_max| patient().with_fuel_max(fuel_max);
    let busy = || Guest::good().first(busy);
    check(
        sandbox(),
        vec![
            case("a good guest", Guest::good(), callback(), "fine"),
            case("endless", endless(), callback(), "merchant.handle-callback: limit Fuel(10000000)"),
            within(short, case("slow", endless(), callback(), "merchant.handle-callback: limit TimeMs(200)")),
            within(much, case("quick", Guest::good(), callback(), "fine")),
            within(fuel(10_000), case("busy, with enough fuel", busy(), callback(), "fine")),
            within(
                fuel(1_000),
                case("busy, with too little", busy(), callback(), "merchant.handle-callback: limit Fuel(1000)"),
            ),
            case("an endless start", Guest::good().code("more", start), Call::Load, "describe: limit Fuel(10000000)"),
            within(short, case("a slow start", Guest::good().code("more", start), Call::Load, "describe: limit TimeMs(200)")),
            case("an endless describe", Guest::good().code("describe", ENDLESS), Call::Load, "describe: limit Fuel(10000000)"),
            case(
                "an endless configure",
                Guest::good().code("configure", ENDLESS),
                Call::Merchant,
                "merchant.configure: limit Fuel(10000000)",
            ),
            case(
                "endless where it is given memory",
                Guest::good().code("realloc", "(loop (br 0))"),
                Call::Merchant,
                "merchant.configure: limit Fuel(10000000)",
            ),
            case(
                "endless when its answer was read",
                after_answer(ENDLESS),
                callback(),
                "merchant.handle-callback: limit Fuel(10000000)",
            ),
            case(
                "an endless link",
                Guest::good().code("create-link", ENDLESS),
                Call::Link(order()),
                "merchant.create-link: limit Fuel(10000000)",
            ),
            case(
                "an endless export",
                Guest::good().code("export-writeoffs", ENDLESS),
                register(),
                "merchant.export-writeoffs: limit Fuel(10000000)",
            ),
            case(
                "an endless row",
                Guest::good().code("append", ENDLESS),
                Call::Register(vec![writeoff()]),
                "writeoff-export.append: limit Fuel(100000000)",
            ),
            case(
                "endless where it is read",
                Guest::good().code("read", ENDLESS),
                Call::Register(vec![writeoff()]),
                "writeoff-export.read: limit Fuel(100000000)",
            ),
            case(
                "an endless end",
                Guest::good().code("finish", ENDLESS),
                register(),
                "writeoff-export.finish: limit Fuel(100000000)",
            ),
        ],
    );
}

#[test]
fn memory_and_stack() {
    let pages = |pages: &str| Guest::good().code("memory", pages);
    let deep = "(func $deep (param i32) (result i32) (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
        (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))";
    let deep = |depth: u32| Guest::good().code("more", deep).first(&format!("(drop (call $deep (i32.const {depth})))"));
    let roomy = patient().with_memory_bytes_max(1 << 20);
    let grow = |pages: u32| {
        Guest::good().first(&format!("(if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then unreachable))"))
    };
    let table = |grown: u32| {
        let grow = format!("(if (i32.eq (table.grow (ref.null func) (i32.const {grown})) (i32.const -1)) (then unreachable))");
        Guest::good().code("more", "(table 1 funcref)").first(&grow)
    };
    check(
        sandbox(),
        vec![
            case(
                "grows until it cannot",
                Guest::good().code("handle-callback", GROW_AND_ABORT),
                callback(),
                "merchant.handle-callback: limit MemoryBytes(16777216)",
            ),
            case(
                "grows until it cannot, at the start",
                Guest::good().code("more", format!("(func $start {GROW_AND_ABORT}) (start $start)")),
                Call::Load,
                "describe: limit MemoryBytes(16777216)",
            ),
            case("a table grows", table(19_000), callback(), "fine"),
            case("a table grows past the pool", table(20_000), callback(), "merchant.handle-callback: trap"),
            within(roomy, case("grows to the limit", grow(8), callback(), "fine")),
            within(roomy, case("grows past it", grow(9), callback(), "merchant.handle-callback: limit MemoryBytes(1048576)")),
            case("begins with all there is", pages("256"), callback(), "fine"),
            case("begins with more", pages("257"), Call::Load, "load: too large memory"),
            case("begins with all of 4 GiB", pages("65536"), Call::Load, "load: too large memory"),
            case(
                "is refused memory and goes on",
                Guest::good().first("(drop (memory.grow (i32.const 1000)))"),
                callback(),
                "fine",
            ),
            case("a stack that is deep", deep(1_000), callback(), "fine"),
            case("a stack that is too deep", deep(100_000), callback(), "merchant.handle-callback: limit Stack"),
            case("a table", Guest::good().code("more", "(table 20000 funcref)"), callback(), "fine"),
            case("a table that is too large", Guest::good().code("more", "(table 20001 funcref)"), Call::Load, "load: invalid"),
            case("a second memory", Guest::good().code("more", "(memory $second 249)"), Call::Load, "load: too large memory"),
            case("too many instances", Guest::good().with(|guest| guest.instances = 20), Call::Load, "load: invalid"),
        ],
    );
}

#[test]
fn traps() {
    let trap = "merchant.handle-callback: trap";
    check(
        sandbox(),
        vec![
            case("unreachable", Guest::good().first("(unreachable)"), callback(), trap),
            case("a division by zero", Guest::good().first("(drop (i32.div_s (i32.const 1) (i32.const 0)))"), callback(), trap),
            case("an overflow", Guest::good().first("(drop (i32.trunc_f32_s (f32.const nan)))"), callback(), trap),
            case("memory that is not there", Guest::good().first("(drop (i32.load (i32.const -4)))"), callback(), trap),
            case(
                "no function at a pointer",
                Guest::good().code("more", "(table 1 funcref)").first("(call_indirect (i32.const 0))"),
                callback(),
                trap,
            ),
            case("when its answer was read", after_answer("(unreachable)"), callback(), trap),
            case("in describe", Guest::good().code("describe", "(unreachable)"), Call::Load, "describe: trap"),
            case(
                "in start",
                Guest::good().code("more", "(func $start unreachable) (start $start)"),
                Call::Load,
                "describe: trap",
            ),
            case("in configure", Guest::good().code("configure", "(unreachable)"), Call::Merchant, "merchant.configure: trap"),
            case(
                "in append",
                Guest::good().code("append", "(unreachable)"),
                Call::Register(vec![writeoff()]),
                "writeoff-export.append: trap",
            ),
            case("in finish", Guest::good().code("finish", "(unreachable)"), register(), "writeoff-export.finish: trap"),
        ],
    );
}

#[test]
fn results_that_cannot_be_read() {
    let contract = "merchant.handle-callback: contract";
    let answer = |change: fn(&mut Vec<u32>)| Guest::good().with(|guest| change(&mut guest.answer));
    let accepted = |change: fn(&mut Vec<u32>)| {
        Guest::good().with(|guest| {
            guest.answer = guest.accepted(100, "1", "RUB", "k");
            change(&mut guest.answer);
        })
    };
    let bytes = |bytes: &'static [u8]| {
        Guest::good().with(|guest| {
            let at = guest.put(bytes);
            guest.answer[12..14].copy_from_slice(&[at, u32::try_from(bytes.len()).unwrap()]);
        })
    };
    check(
        sandbox(),
        vec![
            case("an event", accepted(|_| {}), callback(), "fine"),
            case(
                "a list past the memory",
                answer(|answer| answer[29..31].copy_from_slice(&[0, 0x7FFF_0000])),
                callback(),
                contract,
            ),
            case("a list of too many", answer(|answer| answer[27..29].copy_from_slice(&[8, u32::MAX])), callback(), contract),
            case(
                "a list beyond the memory",
                answer(|answer| answer[29..31].copy_from_slice(&[u32::MAX, 10])),
                callback(),
                contract,
            ),
            case(
                "a string past the memory",
                answer(|answer| answer[12..14].copy_from_slice(&[0, 0x7FFF_0000])),
                callback(),
                contract,
            ),
            case(
                "a string too long to be one",
                answer(|answer| answer[12..14].copy_from_slice(&[0, u32::MAX])),
                callback(),
                contract,
            ),
            case("text", bytes("текст".as_bytes()), callback(), "fine"),
            case("no UTF-8", bytes(b"\xff\xfe"), callback(), contract),
            case("UTF-8 that is cut", bytes(b"\xd0"), callback(), contract),
            case("UTF-8 of a surrogate", bytes(b"\xed\xa0\x80"), callback(), contract),
            case("a verdict that is none", answer(|answer| answer[0] = 4), callback(), contract),
            case("an option that is none", answer(|answer| answer[4] = 2), callback(), contract),
            case("a kind that is none", accepted(|answer| answer[2] = 5), callback(), contract),
            case("a recurrence that is none", accepted(|answer| answer[2] = 3 << 8), callback(), contract),
            case(
                "a pointer that is not aligned",
                Guest::good().code("handle-callback", "(i32.const 1025)"),
                callback(),
                contract,
            ),
            case("a pointer to nowhere", Guest::good().code("handle-callback", "(i32.const -8)"), callback(), contract),
            case(
                "a result that is none",
                Guest::good().with(|guest| guest.link[0] = 2),
                Call::Link(order()),
                "merchant.create-link: contract",
            ),
            case(
                "a merchant that is none",
                Guest::good().with(|guest| {
                    let result = guest.put_words(&[0, 999, 0]);
                    guest.holes.push(("configure", format!("(i32.const {result})")));
                }),
                Call::Merchant,
                "merchant.configure: contract",
            ),
            case(
                "memory beyond its own",
                Guest::good().code("realloc", "(return (i32.const -8))"),
                Call::Merchant,
                "merchant.configure: contract",
            ),
            case(
                "memory that is not aligned",
                Guest::good().code("realloc", "(return (i32.const 1025))"),
                Call::Merchant,
                "merchant.configure: contract",
            ),
            case(
                "a description past the memory",
                Guest::good().with(|guest| guest.description[1] = 0x7FFF_0000),
                Call::Load,
                "describe: contract",
            ),
        ],
    );
}

#[test]
fn results_that_are_too_large() {
    let list = |length: u32| {
        Guest::good().code("memory", "64").with(|guest| {
            // Bytes, for ever: the host must stop.
            guest.part[0] = 1;
            guest.part[4..6].copy_from_slice(&[DATA, length]);
        })
    };
    let rows = || Call::Register(vec![writeoff()]);
    // A few bytes of the guest's, told again and again.
    let aliased = |count: usize| {
        Guest::good().with(|guest| {
            let text = guest.text(&"x".repeat(1_000));
            let list = guest.put_words(&text.repeat(count));
            guest.link[5..7].copy_from_slice(&[list, u32::try_from(count / 2).unwrap()]);
        })
    };
    check(
        sandbox(),
        vec![
            case("parts without an end", list(256 << 10), rows(), "writeoff-export.read: limit OutputBytes(16777216)"),
            case("an empty part", list(0), rows(), "writeoff-export.read: contract"),
            case("a part that is too long", list((256 << 10) + 1), rows(), "writeoff-export.read: contract"),
            case("a part of all that may be", list(2 << 20), rows(), "writeoff-export.read: limit OutputBytes(1048576)"),
            case("a text often enough", aliased(200), Call::Link(order()), "fine"),
            case("a text too often", aliased(5_000), Call::Link(order()), "merchant.create-link: limit OutputBytes(1048576)"),
            case(
                "a description of one text",
                Guest::good().with(|guest| {
                    let text = guest.text(&"x".repeat(1_000));
                    let list = guest.put_words(&text.repeat(5_000));
                    guest.description[8..10].copy_from_slice(&[list, 5_000]);
                }),
                Call::Load,
                "describe: limit OutputBytes(1048576)",
            ),
            within(
                patient().with_output_bytes_max(100),
                case("little, where little may be", Guest::good(), callback(), "fine"),
            ),
            within(
                patient().with_output_bytes_max(10),
                case("little, where less may be", Guest::good(), Call::Load, "describe: limit OutputBytes(10)"),
            ),
        ],
    );
}

#[test]
fn arguments_that_are_too_large() {
    let body = |length: usize| Call::Callback(post(&vec![b'x'; length]));
    let limits = patient().with_input_bytes_max(300);
    let limit = |what, call, want| within(limits, case(what, Guest::good(), call, want));
    let row = ExportRow { service: "x".repeat(300), ..writeoff() };
    check(
        sandbox(),
        vec![
            case("all that may be", Guest::good(), body(64 << 10), "fine"),
            case("one byte more", Guest::good(), body((64 << 10) + 1), "merchant.handle-callback: limit InputBytes(65536)"),
            limit("a short order", Call::Link(order()), "fine"),
            limit(
                "a long order",
                Call::Link(LinkRequest { description: "x".repeat(300), ..order() }),
                "merchant.create-link: limit InputBytes(300)",
            ),
            limit("a large row", Call::Register(vec![row]), "writeoff-export.append: limit InputBytes(300)"),
            within(
                patient().with_input_bytes_max(50),
                case("settings", Guest::good(), Call::Merchant, "merchant.configure: limit InputBytes(50)"),
            ),
        ],
    );
}

#[test]
fn components_that_are_no_providers() {
    let package = "package billing:payments@1.0.0;";
    let renamed = |to: &str| Guest::good().change(package, &format!("package {to};"));
    let import = |imports: &str, core: &str| {
        let poll = "package wasi:io@0.2.0 { interface poll { poll: func(); } }";
        let world = "world provider {";
        let guest = Guest::good().change(world, &format!("{poll}\n{world} {imports}"));
        guest.code("imports", core)
    };
    let poll = r#"(import "wasi:io/poll@0.2.0" "poll" (func))"#;
    check(
        sandbox(),
        vec![
            case("imports", import("import wasi:io/poll@0.2.0;", poll), Call::Load, "load: imports wasi:io/poll@0.2.0"),
            case(
                "imports two",
                import("import wasi:io/poll@0.2.0; import now: func();", &format!(r#"{poll} (import "$root" "now" (func))"#)),
                Call::Load,
                "load: imports wasi:io/poll@0.2.0, now",
            ),
            case("no version", renamed("billing:payments"), Call::Load, "load: unknown billing:payments/payment-provider"),
            case(
                "the next version",
                renamed("billing:payments@2.0.0"),
                Call::Load,
                "load: unknown billing:payments/payment-provider@2.0.0",
            ),
            case(
                "another patch",
                renamed("billing:payments@1.0.1"),
                Call::Load,
                "load: unknown billing:payments/payment-provider@1.0.1",
            ),
            case(
                "another thing",
                renamed("other:things@1.0.0"),
                Call::Load,
                "load: no contract but other:things/payment-provider@1.0.0",
            ),
            case(
                "a field of another type",
                Guest::good().change("status: u16,", "status: u32,"),
                Call::Load,
                "load: shape of merchant.handle-callback",
            ),
            case(
                "a field of another name",
                Guest::good().change("form-action: string,", "action: string,"),
                Call::Load,
                "load: shape of merchant.create-link",
            ),
            case(
                "a case more",
                Guest::good().change("enum event-kind {", "enum event-kind { other,"),
                Call::Load,
                "load: shape of merchant.handle-callback",
            ),
            case(
                "a function of another name",
                Guest::good()
                    .change("describe: func()", "described: func()")
                    .code("more", r#"(func (export "{contract}#described") (result i32) unreachable)"#),
                Call::Load,
                "load: shape of describe",
            ),
            case(
                "a function that is missing",
                Guest::good().change("finish: func() -> result<export-totals, list<problem>>;", ""),
                Call::Load,
                "load: shape of writeoff-export.finish",
            ),
            within(
                patient().with_component_bytes_max(1_000),
                case("a large file", Guest::good(), Call::Load, "load: too large component"),
            ),
        ],
    );
}

#[test]
fn answers_that_break_rules() {
    let contract = "merchant.handle-callback: contract";
    let status = |status: u32| Guest::good().with(|guest| guest.answer[26] = status);
    let accepted = |minor_units: i64, transaction: &'static str, currency: &'static str, key: &'static str| {
        Guest::good().with(|guest| guest.answer = guest.accepted(minor_units, transaction, currency, key))
    };
    let header = |name: &'static str, value: &'static str| {
        Guest::good().with(|guest| {
            let pair = [guest.text(name), guest.text(value)].concat();
            let list = guest.put_words(&pair);
            guest.answer[27..29].copy_from_slice(&[list, 1]);
        })
    };
    let body = |length: u32| Guest::good().with(|guest| guest.answer[29..31].copy_from_slice(&[DATA, length]));
    let description = |at: usize, text: &'static str| {
        Guest::good().with(|guest| {
            let text = guest.text(text);
            guest.description[at..at + 2].copy_from_slice(&text);
        })
    };
    let link = |url: &'static str| {
        Guest::good().with(|guest| {
            let url = guest.text(url);
            guest.link[1..3].copy_from_slice(&url);
        })
    };
    // A payment with an optional text at a place of its answer.
    let event = |at: usize, text: Option<&'static str>| {
        accepted(1, "1", "RUB", "k").with(|guest| {
            if let Some(text) = text {
                let text = guest.text(text);
                guest.answer[at..at + 3].copy_from_slice(&[1, text[0], text[1]]);
            }
        })
    };
    let comment = |text: &'static str| {
        accepted(1, "1", "RUB", "k").with(|guest| {
            let text = guest.text(text);
            guest.answer[19..21].copy_from_slice(&text);
        })
    };
    let message = |chars: usize| {
        Guest::good().with(|guest| {
            let text = guest.text(&"ж".repeat(chars));
            guest.answer[12..14].copy_from_slice(&text);
        })
    };
    let twice = Guest::good().with(|guest| {
        let rub = guest.text("RUB");
        let currencies = guest.put_words(&[rub, rub].concat());
        guest.description[8..10].copy_from_slice(&[currencies, 2]);
    });
    let rows = |rows: u32| Guest::good().with(|guest| guest.totals[2] = rows);
    check(
        sandbox(),
        vec![
            case("status 200", status(200), callback(), "fine"),
            case("status 599", status(599), callback(), "fine"),
            case("status 99", status(99), callback(), contract),
            case("a redirect", status(302), callback(), contract),
            case("not modified", status(304), callback(), contract),
            case("status 600", status(600), callback(), contract),
            case("a header", header("content-type", "text/plain"), callback(), "fine"),
            case("a header of its own", header("x-request", "7"), callback(), "fine"),
            case("a page", header("content-type", "text/html"), callback(), contract),
            case("a cookie", header("set-cookie", "s=1; Path=/operator"), callback(), contract),
            case("an address", header("location", "https://evil.example"), callback(), contract),
            case("a length", header("content-length", "5"), callback(), contract),
            case("a coding", header("transfer-encoding", "chunked"), callback(), contract),
            case("a connection", header("connection", "keep-alive"), callback(), contract),
            case("a header in upper case", header("Content-Type", "text/plain"), callback(), contract),
            case("a header within a header", header("content-type", "text/plain\r\nx: y"), callback(), contract),
            case("a body", body(64 << 10), callback(), "fine"),
            case("a body with no content", body(1).with(|guest| guest.answer[26] = 204), callback(), contract),
            case("a body that is too long", body((64 << 10) + 1), callback(), contract),
            case("a payment", accepted(1, "1", "RUB", "k"), callback(), "fine"),
            case("a payment of nothing", accepted(0, "1", "RUB", "k"), callback(), contract),
            case("a payment of less", accepted(-1, "1", "RUB", "k"), callback(), contract),
            case("a payment without an id", accepted(1, "", "RUB", "k"), callback(), contract),
            case("a payment in no currency", accepted(1, "1", "руб", "k"), callback(), contract),
            case("a payment at a time", event(16, Some("2026-11-27T10:00:00+03:00")), callback(), "fine"),
            case("a payment of yesterday", event(16, Some("yesterday")), callback(), contract),
            case("a comment", event(19, None), callback(), "fine"),
            case("a comment with a terminal's escape", comment("\u{1b}[2Jпополнение"), callback(), contract),
            case("a payment with a terminal's escape", accepted(1, "\u{1b}[2J", "RUB", "k"), callback(), contract),
            case("a payment without a key", accepted(1, "1", "RUB", ""), callback(), contract),
            case("a payment with a key that is no ASCII", accepted(1, "1", "RUB", "ключ"), callback(), contract),
            case(
                "a code that is none",
                Guest::good().with(|guest| guest.answer = guest.ignored("Not A Code")),
                callback(),
                contract,
            ),
            case("a link", link("https://x.ru/?a=1"), Call::Link(order()), "fine"),
            case("a link that runs", link("javascript:alert(1)"), Call::Link(order()), "merchant.create-link: contract"),
            case("a link that is no ASCII", link("https://лк.рф/"), Call::Link(order()), "merchant.create-link: contract"),
            case("no rows", rows(0), register(), "fine"),
            case("a row that was not there", rows(1), register(), "writeoff-export.finish: contract"),
            case(
                "an id",
                description(0, "Hostile One"),
                Call::Load,
                r#"load: description, id "Hostile One" is not kebab-case"#,
            ),
            case(
                "a version",
                description(4, "1.0"),
                Call::Load,
                r#"load: description, version "1.0" is not semantic, of at most 64 characters"#,
            ),
            case(
                "a version of 64 characters",
                description(4, "1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                Call::Load,
                "fine",
            ),
            case(
                "a version of 65 characters",
                description(4, "1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                Call::Load,
                r#"load: description, version "1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not semantic, of at most 64 characters"#,
            ),
            case("a currency twice", twice, Call::Load, "load: description, currencies are more than 256, or one stands twice"),
            case("a message of 500 characters", message(500), callback(), "fine"),
            case("a message of 501 characters", message(501), callback(), contract),
            case(
                "a name that forges lines",
                description(2, "ChronoPay\n  imports     none"),
                Call::Load,
                "load: description, name is not 1 to 100 characters without control characters",
            ),
            case(
                "no name",
                description(2, ""),
                Call::Load,
                "load: description, name is not 1 to 100 characters without control characters",
            ),
            case(
                "no currencies",
                Guest::good().with(|guest| guest.description[9] = 0),
                Call::Load,
                "load: description, there are no currencies",
            ),
        ],
    );
}

/// What a person reads who has a component of before.
#[test]
fn a_component_of_another_draft_is_refused_with_what_to_do() {
    let old = Guest::good().change("status: u16,", "status: u32,").build();
    let said = sandbox().load(&old, Limits::default()).unwrap_err().to_string();
    assert!(
        said.contains("built for an earlier draft of the contract") && said.contains("rebuild it with this version's wit/"),
        "{said}"
    );
}

#[test]
fn nothing_is_left_from_one_call_to_the_next() {
    // It crashes when it is called a second time.
    let once = "(if (i32.load (i32.const 8)) (then unreachable)) (i32.store (i32.const 8) (i32.const 1))";
    let provider = sandbox().load(&Guest::good().first(once).build(), Limits::default()).unwrap();
    let merchant = provider.merchant(Settings::new(settings(&[]))).unwrap();
    for _ in 0..100 {
        merchant.handle_callback(&post(b"")).unwrap();
    }
    let mut session = merchant.session();
    for _ in 0..3 {
        session.handle_callback(&post(b"")).unwrap();
        assert_eq!(outcome(&session.handle_callback(&post(b"")).map(drop)), "merchant.handle-callback: trap");
        // The next begins anew.
    }
    check(sandbox(), vec![case("a guest that keeps state", Guest::good().first(once), callback(), "fine")]);
}

#[test]
fn calls_at_once() {
    let sandbox = Sandbox::new(&SandboxConfig::default().with_concurrent_calls_max(2)).unwrap();
    let full = || "limit ConcurrentCalls(2)".to_owned();
    let provider = sandbox.load(&component(), Limits::default()).unwrap();
    let merchant = provider.merchant(Settings::new(settings(&[]))).unwrap();

    let (mut first, mut second, mut third) = (merchant.session(), merchant.session(), merchant.session());
    first.warm_up().unwrap();
    second.warm_up().unwrap();
    assert_eq!(outcome(&third.warm_up()), format!("merchant.configure: {}", full()));
    assert_eq!(
        outcome(&merchant.handle_callback(&post(genuine().as_bytes())).map(drop)),
        format!("merchant.handle-callback: {}", full())
    );
    assert_eq!(outcome(&sandbox.load(&component(), Limits::default()).map(drop)), format!("describe: {}", full()));
    drop(first);
    serve(&provider, "a session ended");
    drop(second);

    let exports = [0, 1].map(|_| merchant.export_writeoffs(&export_options()).unwrap());
    assert_eq!(
        outcome(&merchant.export_writeoffs(&export_options()).map(drop)),
        format!("merchant.export-writeoffs: {}", full())
    );
    drop(exports);
    check(&sandbox, vec![case("too many at once", Guest::good(), callback(), "fine")]);
}

#[test]
fn limits_over_the_sandbox() {
    let limits = patient().with_memory_bytes_max((16 << 20) + 1);
    match sandbox().load(&Guest::good().build(), limits) {
        Err(Error::Load(LoadError::LimitsOverSandbox { asked, allowed })) => {
            assert_eq!((asked, allowed), ((16 << 20) + 1, 16 << 20));
        }
        other => panic!("{other:?}"),
    }
    check(sandbox(), vec![case("limits of its own", Guest::good(), callback(), "fine")]);
}
