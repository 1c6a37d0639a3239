//! Components that break every rule. Each misbehaves in a single call, which must fail with a typed error. Afterwards the same
//! sandbox must still serve a payment with ChronoPay.

mod answers;
mod isolation;
mod loading;

use std::time::Duration;

use domain::{CallbackRequest, ExportRow, LinkRequest, Settings, Verdict};
use end_to_end::guest::{DATA, Guest, LINK_FORM, LINK_URL, NOTED_FIELD, REPLY_BODY, REPLY_HEADERS};
use end_to_end::straight::Straight;
use end_to_end::{component, export_options, genuine, order, post, settings, writeoff};
use sandbox::{CONTRACT, Error, Limits, LoadError, Provider, Sandbox};

const ENDLESS: &str = "(loop (br 0)) (unreachable)";
const GROW_AND_ABORT: &str = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)";

/// Returns a guest with code that runs after the host has read the answer to a callback.
fn after_answer(code: &str) -> Guest {
    let name = format!("cabi_post_{CONTRACT}#[method]merchant.handle-callback");
    Guest::good().code("more", format!(r#"(func (export "{name}") (param i32) {code})"#))
}

/// The call to make to a loaded guest; `Load` makes none.
#[allow(clippy::large_enum_variant, reason = "there is one for each case of a test")]
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
    /// The outcome, as formatted by [`outcome`].
    want: &'static str,
}

/// Returns the default limits with plenty of time, so that no outcome depends on the machine's load.
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

/// Runs the cases on a sandbox that nothing else uses. After each case the sandbox loads a good guest and ChronoPay serves a
/// payment. After the last one it also loads ChronoPay again, which is slow.
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
        Call::Link(order) => merchant.link(&order).map(drop),
        Call::Callback(request) => merchant.judge(&request).map(drop),
        Call::Register(rows) => {
            let mut export = merchant.export_writeoffs(&export_options())?;
            export.append(&rows)?;
            export.finish().map(drop)
        }
    }
}

fn serve(chronopay: &Provider, after: &str) {
    let merchant = chronopay.merchant(Settings::new(settings(&[]))).unwrap();
    let answer = merchant.judge(&post(genuine().as_bytes())).unwrap();
    assert!(matches!(answer.verdict, Verdict::Happened(_)), "after {after}: {answer:?}");
}

/// Formats an outcome as one line.
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
fn time_and_fuel_are_limited() {
    let much = patient().with_fuel_max(u64::MAX);
    let short = much.with_time_max(Duration::from_millis(200));
    let endless = || Guest::good().code("handle-callback", ENDLESS);
    let start = "(func $start (loop (br 0))) (start $start)";
    // About 2,000 units of fuel, by the number of rounds.
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
fn memory_and_stack_are_limited() {
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
fn traps_are_reported() {
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
fn unreadable_results_are_refused() {
    let contract = "merchant.handle-callback: contract";
    let answer = |change: fn(&mut Vec<u32>)| Guest::good().with(|guest| change(&mut guest.answer));
    let message = |change: fn(&mut [u32; 4])| Guest::good().with(|guest| change(&mut guest.message));
    let happened = |change: fn(&mut Vec<u32>)| {
        Guest::good().with(|guest| {
            guest.accept(100, "1", "RUB", "k");
            change(&mut guest.event);
        })
    };
    let bytes = |bytes: &'static [u8]| {
        Guest::good().with(|guest| {
            let at = guest.put(bytes);
            guest.message[2..].copy_from_slice(&[at, u32::try_from(bytes.len()).unwrap()]);
        })
    };
    check(
        sandbox(),
        vec![
            case("an event", happened(|_| {}), callback(), "fine"),
            case(
                "a list past the memory",
                answer(|answer| answer[REPLY_BODY..REPLY_BODY + 2].copy_from_slice(&[0, 0x7FFF_0000])),
                callback(),
                contract,
            ),
            case(
                "a list of too many",
                answer(|answer| answer[REPLY_HEADERS..REPLY_HEADERS + 2].copy_from_slice(&[8, u32::MAX])),
                callback(),
                contract,
            ),
            case(
                "a list beyond the memory",
                answer(|answer| answer[REPLY_BODY..REPLY_BODY + 2].copy_from_slice(&[u32::MAX, 10])),
                callback(),
                contract,
            ),
            case(
                "a string past the memory",
                message(|message| message[2..].copy_from_slice(&[0, 0x7FFF_0000])),
                callback(),
                contract,
            ),
            case(
                "a string too long to be one",
                message(|message| message[2..].copy_from_slice(&[0, u32::MAX])),
                callback(),
                contract,
            ),
            case("text", bytes("текст".as_bytes()), callback(), "fine"),
            case("no UTF-8", bytes(b"\xff\xfe"), callback(), contract),
            case("UTF-8 that is cut", bytes(b"\xd0"), callback(), contract),
            case("UTF-8 of a surrogate", bytes(b"\xed\xa0\x80"), callback(), contract),
            case("a verdict that is none", answer(|answer| answer[0] = 4), callback(), contract),
            case("an option that is none", answer(|answer| answer[NOTED_FIELD] = 2), callback(), contract),
            case("a kind that is none", happened(|event| event[0] = 7), callback(), contract),
            case("a recurrence that is none", happened(|event| event[0] = 3 << 8), callback(), contract),
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
fn oversized_results_are_refused() {
    let list = |length: u32| {
        Guest::good().code("memory", "64").with(|guest| {
            // An endless sequence of bytes, which the host must stop reading.
            guest.part[0] = 1;
            guest.part[4..6].copy_from_slice(&[DATA, length]);
        })
    };
    let rows = || Call::Register(vec![writeoff()]);
    // A few bytes of the guest, referenced many times.
    let aliased = |count: usize| {
        Guest::good().with(|guest| {
            let text = guest.text(&"x".repeat(1_000));
            let list = guest.put_words(&text.repeat(count));
            let url = [guest.link[LINK_URL], guest.link[LINK_URL + 1]];
            let form = [1, url[0], url[1], list, u32::try_from(count / 2).unwrap()];
            guest.link[LINK_FORM..LINK_FORM + 5].copy_from_slice(&form);
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
fn oversized_arguments_are_refused() {
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
