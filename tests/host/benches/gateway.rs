//! Durable callbacks over HTTP, compared with the same crediting transactions made directly by the ledger's crate, one at a
//! time on one thread.
//!
//! `cargo xtask bench gateway`. Both write to the same disk, alternately. Every callback is a genuine payment of its own order
//! and is answered 200 when it is on disk. The clients share the machine with the host. Afterwards it measures the statistics
//! page over a million entries.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::{
    Account, AccountNumber, Date, Event, EventKind, Facts, Money, NewOrder, OrderId, Outcome, PartyKind, Recurrence,
    StoredCallback, WriteOff,
};
use end_to_end::figures::{self, Figure, Goal};
use host_tests::host::{PROVIDER, target_dir};
use host_tests::site::Site;
use host_tests::{CallbackSpec, Folder, Host};
use ledger::{Ledger, Submission};
use money::Currency;
use storage_sqlite::Sqlite;
use support::Wire;
use support::wire::callback;
use time::OffsetDateTime;

const ROUNDS: usize = 3;
/// The numbers of connections, and how many callbacks are sent over all of them per round.
const LOADS: [(usize, usize); 3] = [(1, 1_500), (8, 5_000), (64, 15_000)];
/// How many payments are made by the ledger alone per round.
const ALONE: usize = 1_500;
const ACCOUNTS: usize = 1_000;
const KOPECKS: i64 = 10_000;

/// The write-offs behind the statistics; each is an entry.
const ENTRIES: usize = 1_000_000;
const BATCH: usize = 10_000;
/// The number of days over which the entries are spread. The last one is today.
const DAYS: u64 = 365;
const DAY_SECONDS: u64 = 86_400;
/// How often each page is requested.
const PAGES: usize = 20;
/// The longest time that they should take.
const PAGE_MS_MAX: f64 = 100.0;

/// The measurements of a round.
struct Measured {
    per_second: f64,
    /// The latency of each callback; empty if none was measured.
    latencies: Vec<Duration>,
}

/// The smallest ratio to reach with the most connections.
const RATIO_MIN: f64 = 3.0;
/// The largest share of the machine that other processes may use. Beyond it they disturb the measurement: a single thread that
/// waits for a core makes the ledger alone look slow.
const OTHERS_MAX: f64 = 0.1;

fn main() -> ExitCode {
    // `cargo test --benches` does not pass this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let parent = target_dir().join("tmp");
    std::fs::create_dir_all(&parent).unwrap();
    let parent = parent.canonicalize().unwrap();
    let (folder, alone) = (Folder::within(&parent), Folder::within(&parent));
    // Both ledgers have equally many orders, so that neither gains from being smaller.
    let each_round = ALONE + LOADS.iter().map(|(_, callbacks)| callbacks).sum::<usize>();
    let orders = orders(&folder, ROUNDS * each_round);
    let orders_alone = self::orders(&alone, ROUNDS * each_round);

    let host = folder.start();
    let at_rest = host.memory_kilobytes("VmRSS");
    let (mut orders, mut orders_alone, mut transactions) = (orders.into_iter(), orders_alone.into_iter(), 0..);
    let mut specs = |orders: &mut dyn Iterator<Item = OrderId>, count: usize| -> Vec<CallbackSpec> {
        let pairs = orders.take(count).zip(&mut transactions);
        pairs.map(|(order, transaction)| CallbackSpec::payment(&order, transaction, KOPECKS)).collect()
    };
    let mut by_load: [Vec<Measured>; LOADS.len()] = Default::default();
    let mut by_ledger = Vec::new();
    let before = Busy::now(&host);
    for _ in 0..ROUNDS {
        by_ledger.push(ledger_alone(&alone, &specs(&mut orders_alone, ALONE)));
        for ((connections, callbacks), measured) in LOADS.iter().zip(&mut by_load) {
            measured.push(load(&host, *connections, &specs(&mut orders, *callbacks)));
        }
    }
    let others = Busy::now(&host).others_since(&before);
    let credited: i64 = (0..ACCOUNTS).map(|at| host.api.balance(&account(at))).sum();
    let callbacks: usize = ROUNDS * LOADS.iter().map(|(_, callbacks)| callbacks).sum::<usize>();
    assert_eq!(credited, KOPECKS * callbacks as i64, "every callback that was answered is credited");

    let ledger = Figure::of("payments, the ledger alone, one a commit", "/s", per_second(&by_ledger));
    let mut figures = vec![ledger.clone()];
    for ((connections, _), measured) in LOADS.iter().zip(&by_load) {
        let callbacks = format!("durable callbacks over HTTP, {connections} connections");
        figures.push(Figure::of(&callbacks, "/s", per_second(measured)).to(&ledger));
        let latencies = measured.iter().flat_map(|measured| &measured.latencies);
        let latency = format!("latency of a callback, {connections} connections");
        figures.push(Figure::of(&latency, "ms", latencies.map(|latency| latency.as_secs_f64() * 1e3).collect()));
    }
    if let [.., most, _] = figures.as_mut_slice() {
        most.goal = Some(Goal::AtLeast(RATIO_MIN));
    }
    for (when, kilobytes) in
        [("at rest", at_rest), ("after load", host.memory_kilobytes("VmRSS")), ("at most", host.memory_kilobytes("VmHWM"))]
    {
        figures.push(Figure::of(&format!("memory of the host, {when}"), "MiB", vec![kilobytes as f64 / 1024.0]));
    }
    drop(host);
    if others > OTHERS_MAX {
        println!("NOT MEASURED: others used {:.0} % of the machine meanwhile; let it be idle", others * 100.0);
        return ExitCode::FAILURE;
    }
    figures.extend(statistics(&parent));
    figures::write("gateway", &figures);
    ExitCode::SUCCESS
}

fn per_second(measured: &[Measured]) -> Vec<f64> {
    measured.iter().map(|measured| measured.per_second).collect()
}

/// Measures the pages of statistics over a million entries, none of which should be slow.
fn statistics(parent: &Path) -> Vec<Figure> {
    let folder = Folder::within(parent);
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let ledger = open(&folder);
    put_accounts(&ledger);
    for begin in (0..ENTRIES).step_by(BATCH) {
        let day = DAYS - 1 - begin as u64 * DAYS / ENTRIES as u64;
        let at = today - day * DAY_SECONDS;
        let batch = (begin..begin + BATCH).map(|number| writeoff(number, date_of(at))).collect();
        ledger.add_writeoffs(batch, at).unwrap().unwrap();
    }
    drop(ledger);
    let site = Site::start_on(folder, "warn");
    let cookie = format!("session={}", site.log_in().cookie);
    let page = |path: &str| {
        let answer = site.get(&format!("/operator/statistics{path}"), &cookie);
        assert_eq!(answer.status, 200, "{path}");
        answer.text().to_owned()
    };
    let year = "?from=2000-01-01&to=2100-01-01";
    let deep = format!("{year}&before={}-{}", today - DAYS / 2 * DAY_SECONDS, ENTRIES);
    let asked = [
        ("this month", String::new()),
        ("all days", year.to_owned()),
        ("all days, from the middle", deep),
        ("one kind", format!("{year}&kind=write-off")),
        ("one account", format!("{year}&account={}", account(7))),
    ];
    let figure = |(what, path): (&str, String)| {
        assert_eq!(page(&path).matches("<tr>").count(), 51, "{what}: a head and 50 entries");
        let times: Vec<Duration> = (0..PAGES)
            .map(|_| {
                let began = Instant::now();
                page(&path);
                began.elapsed()
            })
            .collect();
        let milliseconds = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        Figure::of(&format!("statistics of 1,000,000 entries, {what}"), "ms", milliseconds).goal(Goal::AtMost(PAGE_MS_MAX))
    };
    asked.into_iter().map(figure).collect()
}

fn date_of(seconds: u64) -> Date {
    let date = OffsetDateTime::from_unix_timestamp(seconds.cast_signed()).unwrap().date();
    Date::new(date.year().try_into().unwrap(), date.month().into(), date.day()).unwrap()
}

fn writeoff(at: usize, date: Date) -> WriteOff {
    let [service_code, service, unit, note] = ["inet", "Доступ в интернет", "мес", ""].map(str::to_owned);
    WriteOff {
        id: at.to_string(),
        account: account(at % ACCOUNTS),
        service_code,
        service,
        unit,
        period: Date::new(date.year(), date.month(), 1).unwrap(),
        date,
        quantity_thousandths: 1000,
        amount: amount(),
        vat_basis_points: None,
        note,
    }
}

fn put_accounts(ledger: &Ledger) {
    for at in 0..ACCOUNTS {
        let [name, contract, inn, kpp, foreign_tax_number] = ["Иванов И. И.", "Д-17", "", "", ""].map(str::to_owned);
        let (number, kind, contract_date) = (account(at), PartyKind::Individual, None);
        let account = Account { number, name, kind, contract, contract_date, inn, kpp, foreign_tax_number };
        ledger.put_account(account).unwrap().unwrap();
    }
}

/// How long processors have been busy since the machine started, in clock ticks, summed over all processors.
struct Busy {
    all: f64,
    idle: f64,
    /// The host's and this program's.
    own: f64,
}

impl Busy {
    fn now(host: &Host) -> Busy {
        let ticks = |line: &str| line.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<f64>>();
        let stat = std::fs::read_to_string("/proc/stat").unwrap();
        // The first eight: user, nice, system, idle, iowait, irq, softirq, steal.
        let cpu = ticks(stat.lines().next().unwrap());
        let own = [std::process::id(), host.id()].map(|id| {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            // After the name, which may contain anything: the state, ten numbers, utime, stime.
            let fields = ticks(stat.rsplit_once(')').unwrap().1);
            fields[10] + fields[11]
        });
        Busy { all: cpu[..8].iter().sum(), idle: cpu[3] + cpu[4], own: own.iter().sum() }
    }

    /// Returns the share of the machine's time that other processes used.
    fn others_since(&self, before: &Busy) -> f64 {
        let all = self.all - before.all;
        let busy = all - (self.idle - before.idle);
        (busy - (self.own - before.own)).max(0.0) / all
    }
}

fn account(at: usize) -> AccountNumber {
    AccountNumber::stored((100_500 + at).to_string())
}

fn amount() -> Money {
    Money { minor_units: KOPECKS, currency: Currency::RUB }
}

fn open(folder: &Folder) -> Ledger {
    Ledger::new(Sqlite::open(&folder.database()).unwrap())
}

/// Creates orders for many accounts concurrently, so that they share the ledger's commits.
fn orders(folder: &Folder, count: usize) -> Vec<OrderId> {
    let ledger = open(folder);
    let threads: Vec<usize> = (0..64).collect();
    let order = |at: usize| NewOrder {
        account: account(at % ACCOUNTS),
        provider: PROVIDER.parse().unwrap(),
        amount: amount(),
        description: "Пополнение баланса".to_owned(),
        idempotency_key: None,
        expires_at: None,
    };
    put_accounts(&ledger);
    thread::scope(|scope| {
        let makers = threads.iter().map(|thread| {
            let (ledger, order) = (&ledger, &order);
            let mine = (*thread..count).step_by(threads.len());
            scope.spawn(move || mine.map(|at| ledger.create_order(order(at), 1).unwrap().unwrap().id).collect::<Vec<_>>())
        });
        let makers: Vec<_> = makers.collect();
        makers.into_iter().flat_map(|maker| maker.join().unwrap()).collect()
    })
}

/// Makes the same entries, without HTTP and without a sandbox.
fn ledger_alone(folder: &Folder, specs: &[CallbackSpec]) -> Measured {
    let ledger = open(folder);
    let events: Vec<(Event, StoredCallback)> = specs.iter().map(event).collect();
    let began = Instant::now();
    for (event, callback) in events {
        let outcome = ledger.record(Submission::of_callback(event, Arc::new(callback))).unwrap().into_outcome();
        assert!(matches!(outcome, Some(Outcome::Recorded { repeated: false, .. })), "{outcome:?}");
    }
    Measured { per_second: specs.len() as f64 / began.elapsed().as_secs_f64(), latencies: Vec::new() }
}

/// Returns the event that the provider returns for a callback.
fn event(spec: &CallbackSpec) -> (Event, StoredCallback) {
    let event = Event {
        provider: PROVIDER.parse().unwrap(),
        facts: Facts {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: spec.transaction.to_string().parse().unwrap(),
            original: None,
            ends_hold: None,
            expires_at: None,
            account: None,
            order: Some(spec.order.parse().unwrap()),
            payer: None,
            amount: amount(),
            occurred_at: None,
        },
        comment: "Пополнение баланса через ЛК".to_owned(),
        dedup_key: format!("payment:001234-100000062:{}", spec.transaction).parse().unwrap(),
        fee: None,
        extra: Vec::new(),
    };
    let provider = event.provider.clone();
    let [method, query, remote_address] = ["POST", "", "127.0.0.1"].map(str::to_owned);
    let body = spec.body().into_bytes();
    let length = body.len().to_string();
    let form = "application/x-www-form-urlencoded";
    let headers = [("host", "host"), ("content-type", form), ("content-length", &length)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let received_at = 1_793_542_645;
    (
        event,
        StoredCallback {
            provider,
            received_at,
            method,
            path: String::new(),
            query,
            headers,
            body,
            remote_address,
            sealed_headers: Vec::new(),
            is_masked: false,
        },
    )
}

/// Sends all callbacks over this number of persistent connections.
fn load(host: &Host, connections: usize, specs: &[CallbackSpec]) -> Measured {
    let requests: Vec<Vec<u8>> = specs.iter().map(|spec| callback(&spec.body())).collect();
    let wires: Vec<Wire> = (0..connections).map(|_| Wire::open(host.address).unwrap()).collect();
    let began = Instant::now();
    let latencies: Vec<Duration> = thread::scope(|scope| {
        let clients = wires.into_iter().zip(0..).map(|(mut wire, at)| {
            let mine = requests.iter().skip(at).step_by(connections);
            scope.spawn(move || {
                let tell = |request: &Vec<u8>| {
                    let began = Instant::now();
                    assert_eq!(wire.ask(request).unwrap(), 200);
                    began.elapsed()
                };
                mine.map(tell).collect::<Vec<_>>()
            })
        });
        let clients: Vec<_> = clients.collect();
        clients.into_iter().flat_map(|teller| teller.join().unwrap()).collect()
    });
    let per_second = specs.len() as f64 / began.elapsed().as_secs_f64();
    Measured { per_second, latencies }
}
