//! Unusual callbacks of a payment system, and failures of a disk.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::Duration;

use end_to_end::{component_path, signed};
use host_tests::host::program;
use host_tests::torture::audit_database;
use host_tests::{CallbackSpec, Entry, Folder, Host, Type};
use rusqlite::Connection;

const ACCOUNT: &str = "100500";
const PRICE: i64 = 10_000;

/// Starts a host with the account.
fn host() -> (Folder, Host) {
    let folder = Folder::default();
    let host = folder.start();
    host.api.put_account(ACCOUNT);
    (folder, host)
}

/// Returns the transactions of the feed, in order.
fn transactions(feed: &[Entry]) -> Vec<u64> {
    feed.iter().map(|entry| entry.transaction.unwrap()).collect()
}

/// An order of 100.00, the callbacks that are sent about it with the expected statuses, and everything that they must lead to.
struct Case {
    name: &'static str,
    callbacks: fn(&Orders) -> Vec<(String, u16)>,
    /// The whole feed: kind, kopecks, transaction.
    entries: &'static [(&'static str, i64, u64)],
    /// All waiting events: reason, kind, kopecks.
    waiting: &'static [(&'static str, &'static str, i64)],
}

/// Orders that exist before the case runs.
struct Orders {
    /// Of 100.00.
    order: String,
    /// Of 50.00.
    of_half: String,
    /// Added to the ids of the case's transactions, which begin with 1.
    base: u64,
}

impl Orders {
    fn payment(&self, transaction: u64) -> CallbackSpec {
        CallbackSpec::payment(&self.order, self.base + transaction, PRICE)
    }

    fn callback(&self, what: Type, transaction: u64, kopecks: i64) -> String {
        CallbackSpec { kopecks, ..self.payment(transaction) }.of_type(what).body()
    }

    /// Returns a payment with the signature of transaction 12 and some other values.
    fn moved(&self, moves: &[(&str, &str)]) -> String {
        let mut body = self.payment(12).body();
        for (from, to) in moves {
            assert!(body.contains(from), "{body} {from}");
            body = body.replace(from, to);
        }
        body
    }
}

const PAID: (&str, i64, u64) = ("payment", PRICE, 1);

const CASES: &[Case] = &[
    Case { name: "genuine", callbacks: |orders| vec![(orders.payment(1).body(), 200)], entries: &[PAID], waiting: &[] },
    Case {
        name: "sent three times",
        callbacks: |orders| vec![(orders.payment(1).body(), 200); 3],
        entries: &[PAID],
        waiting: &[],
    },
    Case {
        name: "an old account's types",
        callbacks: |orders| vec![(orders.payment(1).body_with(&[("transaction_type", "onetime")]), 200)],
        entries: &[PAID],
        waiting: &[],
    },
    Case {
        name: "the first of a series",
        callbacks: |orders| vec![(orders.payment(1).body_with(&[("transaction_type", "initial")]), 200)],
        entries: &[PAID],
        waiting: &[],
    },
    Case {
        name: "one transaction of two types is one payment",
        callbacks: |orders| {
            vec![(orders.payment(1).body(), 200), (orders.payment(1).body_with(&[("transaction_type", "initial")]), 200)]
        },
        entries: &[PAID],
        waiting: &[],
    },
    Case {
        name: "a forged amount, kind, transaction, customer",
        callbacks: |orders| {
            vec![
                (orders.moved(&[("total=100.00", "total=1000.00")]), 403),
                (orders.moved(&[("=Purchase", "=Refund")]), 403),
                (orders.moved(&[("transaction_id=1", "transaction_id=2")]), 403),
                (orders.moved(&[("-100000062", "-100000063")]), 403),
            ]
        },
        entries: &[],
        waiting: &[],
    },
    Case {
        name: "no signature, an empty one, another's",
        callbacks: |orders| {
            vec![
                (orders.moved(&[("&sign=", "&sing=")]), 403),
                (format!("{}&sign=", orders.payment(1).body().split("&sign=").next().unwrap()), 403),
                (orders.moved(&[("&sign=", "&sign=0")]), 403),
                (String::new(), 403),
            ]
        },
        entries: &[],
        waiting: &[],
    },
    Case {
        name: "a digit moved from one signed value to the next: the signature holds, and what it says has a form that is not known",
        callbacks: |orders| {
            vec![
                (orders.moved(&[("-100000062", "-1000000621"), ("transaction_id=1", "transaction_id=")]), 200),
                (orders.moved(&[("-100000062", "-10000006"), ("transaction_id=1", "transaction_id=21")]), 200),
                (orders.moved(&[("2&transaction_type=", "&transaction_type=2")]), 200),
                (orders.moved(&[("=Purchase", "=Purchase1"), ("total=100.00", "total=00.00")]), 200),
            ]
        },
        entries: &[],
        waiting: &[],
    },
    Case {
        name: "another currency, another product: genuine, and not what the settings say",
        callbacks: |orders| {
            vec![
                (orders.moved(&[("currency=RUB", "currency=USD")]), 200),
                (orders.moved(&[("001234-0001-0001", "001234-0001-0002")]), 200),
            ]
        },
        entries: &[],
        waiting: &[],
    },
    Case {
        name: "a kopeck less, a kopeck more, and then the price",
        callbacks: |orders| {
            vec![
                (orders.callback(Type::Purchase, 2, PRICE - 1), 200),
                (orders.callback(Type::Purchase, 3, PRICE + 1), 200),
                (orders.payment(1).body(), 200),
            ]
        },
        entries: &[PAID],
        waiting: &[("other-amount", "payment", PRICE - 1), ("other-amount", "payment", PRICE + 1)],
    },
    Case {
        name: "another order is named, of another amount",
        callbacks: |orders| vec![(orders.payment(1).body_with(&[("cs1", &orders.of_half)]), 200)],
        entries: &[],
        waiting: &[("other-amount", "payment", PRICE)],
    },
    Case {
        name: "no order that there is, none, and what cannot be one; the first word on a transaction stands",
        callbacks: |orders| {
            vec![
                (orders.payment(1).body_with(&[("cs1", "42")]), 200),
                (orders.payment(2).body_with(&[("cs1", "")]), 200),
                (orders.payment(3).body_with(&[("cs1", "42; DROP TABLE orders")]), 200),
                (orders.payment(1).body(), 200),
            ]
        },
        entries: &[],
        waiting: &[("unknown-order", "payment", PRICE); 3],
    },
    Case {
        name: "two orders are named at once",
        callbacks: |orders| {
            let mut fields = orders.payment(1).fields();
            fields.push(("order_id", orders.of_half.clone()));
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            vec![(signed(&fields), 200)]
        },
        entries: &[],
        waiting: &[("unknown-order", "payment", PRICE)],
    },
    Case {
        name: "a second payment of an order that is paid",
        callbacks: |orders| {
            vec![(orders.payment(1).body(), 200), (orders.payment(2).body(), 200), (orders.payment(2).body(), 200)]
        },
        entries: &[PAID],
        waiting: &[("already-paid", "payment", PRICE)],
    },
    Case {
        name: "a refund of an order that is not paid",
        callbacks: |orders| vec![(orders.callback(Type::Refund, 1, PRICE), 200)],
        entries: &[],
        waiting: &[("not-paid", "refund", PRICE)],
    },
    Case {
        name: "the refund first, which waits until the payment comes",
        callbacks: |orders| vec![(orders.callback(Type::Refund, 1, PRICE), 200), (orders.payment(1).body(), 200)],
        entries: &[PAID, ("refund", -PRICE, 1)],
        waiting: &[],
    },
    Case {
        name: "a refund of another payer that names a paid order",
        callbacks: |orders| {
            let refund = orders.payment(2).of_type(Type::Refund);
            vec![(orders.payment(1).body(), 200), (refund.body_with(&[("customer_id", "001234-999999999")]), 200)]
        },
        entries: &[PAID],
        waiting: &[("other-payer", "refund", PRICE)],
    },
    Case {
        name: "refunds in parts, and one too many",
        callbacks: |orders| {
            vec![
                (orders.payment(1).body(), 200),
                (orders.callback(Type::Refund, 1, 2_500), 200),
                (orders.callback(Type::Refund, 1, 2_500), 200),
                (orders.callback(Type::Refund, 1, 7_500), 200),
                (orders.callback(Type::Refund, 1, 1), 200),
            ]
        },
        entries: &[PAID, ("refund", -2_500, 1), ("refund", -7_500, 1)],
        waiting: &[("more-than-paid", "refund", 1)],
    },
    Case {
        name: "a refund with an id of its own, and of an order that is none",
        callbacks: |orders| {
            vec![
                (orders.payment(1).body(), 200),
                (orders.callback(Type::Refund, 2, PRICE), 200),
                (orders.payment(3).of_type(Type::Refund).body_with(&[("cs1", "42")]), 200),
            ]
        },
        entries: &[PAID, ("refund", -PRICE, 2)],
        waiting: &[("unknown-order", "refund", PRICE)],
    },
    Case {
        name: "a chargeback, and one of what was paid back",
        callbacks: |orders| {
            vec![
                (orders.payment(1).body(), 200),
                (orders.callback(Type::Chargeback, 1, PRICE), 200),
                (orders.callback(Type::Chargeback, 1, PRICE), 200),
                (orders.callback(Type::Refund, 1, PRICE), 200),
            ]
        },
        entries: &[PAID, ("chargeback", -PRICE, 1)],
        waiting: &[("more-than-paid", "refund", PRICE)],
    },
    Case {
        name: "a repeat before its first payment waits; after it, it credits what it says",
        callbacks: |orders| {
            vec![
                (orders.callback(Type::Rebill, 7, 3_000), 200),
                (orders.payment(1).body(), 200),
                (orders.callback(Type::Rebill, 8, 3_000), 200),
                (orders.callback(Type::Rebill, 8, 3_000), 200),
                (orders.callback(Type::Rebill, 9, PRICE), 200),
            ]
        },
        entries: &[PAID, ("payment", 3_000, 8), ("payment", PRICE, 9)],
        waiting: &[("no-first-payment", "payment", 3_000)],
    },
    Case {
        name: "what moves no money: a hold, a refusal of the bank, types of no money and of none that is known, nothing",
        callbacks: |orders| {
            let of_type = |what: &str| orders.payment(1).body_with(&[("transaction_type", what)]);
            vec![
                (orders.callback(Type::Preauth, 1, PRICE), 200),
                (orders.callback(Type::Decline, 1, PRICE), 200),
                (of_type("cancel"), 200),
                (of_type("Pending"), 200),
                (of_type("Authorize"), 200),
                (orders.callback(Type::Purchase, 1, 0), 200),
            ]
        },
        entries: &[],
        waiting: &[],
    },
    Case {
        name: "a hold, and then the payment of the same transaction",
        callbacks: |orders| vec![(orders.callback(Type::Preauth, 1, PRICE), 200), (orders.payment(1).body(), 200)],
        entries: &[PAID],
        waiting: &[],
    },
];

#[test]
fn callbacks_have_the_outcomes_of_the_table() {
    let (folder, host) = host();
    // The numbers left by the earlier cases.
    let (mut entries_before, mut waiting_before) = (0, 0);
    for (Case { name, callbacks, entries, waiting }, case) in CASES.iter().zip(1_000..) {
        let account = case.to_string();
        host.api.put_account(&account);
        let [order, of_half] = [PRICE, PRICE / 2].map(|kopecks| host.api.order(&account, kopecks));
        let orders = Orders { order, of_half, base: case * 100 };
        for (body, status) in callbacks(&orders) {
            assert_eq!(host.api.callback(&body), status, "{name}: {body}");
        }
        let want: Vec<Entry> = entries
            .iter()
            .zip(entries_before + 1..)
            .map(|(&(kind, kopecks, transaction), seq)| Entry {
                seq,
                account: account.clone(),
                kind: kind.to_owned(),
                kopecks,
                order: Some(orders.order.clone()),
                transaction: Some(orders.base + transaction),
            })
            .collect();
        assert_eq!(host.api.entries_after(entries_before, 0).unwrap(), want, "{name}");
        let waits = host.api.unmatched().split_off(waiting_before);
        let waits: Vec<_> = waits.iter().map(|waits| (&*waits.reason, &*waits.kind, waits.kopecks)).collect();
        assert_eq!(waits, *waiting, "{name}");
        assert_eq!(host.api.balance(&account), entries.iter().map(|(_, kopecks, _)| kopecks).sum::<i64>(), "{name}");
        assert_eq!(host.api.is_paid(&orders.order), Some(entries.contains(&PAID)), "{name}");
        assert_eq!(host.api.is_paid(&orders.of_half), Some(false), "{name}");
        (entries_before, waiting_before) = (entries_before + want.len() as u64, waiting_before + waiting.len());
    }
    // Genuine callbacks that were not understood are stored for the operator: those with moved digits, with another currency,
    // with another product, and of an unknown type.
    let database = Connection::open(folder.database()).unwrap();
    let kept: i64 = database.query_row("SELECT count(*) FROM unrecognized", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 4 + 2 + 1);
}

#[test]
fn payment_after_order_expiry_is_credited() {
    let (folder, host) = host();
    let order = host.api.order(ACCOUNT, PRICE);
    assert!(host.stop().success());
    let database = Connection::open(folder.database()).unwrap();
    assert_eq!(database.execute("UPDATE orders SET expires_at = 1", []).unwrap(), 1);
    drop(database);
    let host = folder.start();
    assert_eq!(host.api.callback(&CallbackSpec::payment(&order, 1, PRICE).body()), 200);
    assert_eq!((transactions(&host.api.feed()), host.api.balance(ACCOUNT)), (vec![1], PRICE));
}

#[test]
fn concurrent_duplicates_make_one_entry() {
    let (folder, host) = host();
    let order = host.api.order(ACCOUNT, PRICE);
    let body = CallbackSpec::payment(&order, 1, PRICE).body();
    std::thread::scope(|scope| {
        let copies: Vec<_> = (0..100).map(|_| scope.spawn(|| host.api.callback(&body))).collect();
        copies.into_iter().for_each(|copy| assert_eq!(copy.join().unwrap(), 200));
    });
    assert_eq!((transactions(&host.api.feed()), host.api.balance(ACCOUNT)), (vec![1], PRICE));
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0]);
}

/// How far the log may grow until the disk is full, in steps that cover what one payment writes.
const ROOM_BYTES: std::ops::Range<u64> = 0..100_000;
const ROOM_STEP: usize = 1_900;

/// The disk becomes full at every point of what a payment writes, and then has room again, with the same host.
#[test]
fn full_disk_is_503_and_loses_nothing() {
    let (folder, host) = host();
    let log = folder.data().join("ledger.db-wal");
    let (mut paid, mut statuses) = (Vec::new(), Vec::new());
    for (room, transaction) in ROOM_BYTES.step_by(ROOM_STEP).zip(1..) {
        let order = host.api.order(ACCOUNT, PRICE);
        let body = CallbackSpec::payment(&order, transaction, PRICE).body();
        host.limit_files(Some(log.metadata().unwrap().size() + room));
        let status = host.api.callback(&body);
        if statuses.is_empty() {
            // Checked only once, since the host itself checks at most once a second.
            assert_eq!(host.api.status("/readyz"), 503, "it is not ready where callbacks hear 503");
        }
        statuses.push(status);
        if status == 200 {
            paid.push(transaction);
        }
        assert!([200, 503].contains(&status), "with {room} bytes: {status}");
        assert_eq!(transactions(&host.api.feed()), paid, "with {room} bytes: {status}");
        host.limit_files(None);
        assert_eq!(host.api.callback(&body), 200, "with room again after {room} bytes");
        if status == 503 {
            paid.push(transaction);
        }
        assert_eq!(transactions(&host.api.feed()), paid, "with room again after {room} bytes");
    }
    // The range extends beyond the critical sizes at both ends.
    assert_eq!((statuses.first(), statuses.last()), (Some(&503), Some(&200)), "{statuses:?}");
    assert_eq!(host.api.balance(ACCOUNT), PRICE * paid.len() as i64);
    // An administrator can tell a callback that was not taken from a probe of readiness.
    for route in ["/callbacks/{provider}", "/readyz"] {
        assert!(folder.log().contains(&format!("a request was not served route=\"{route}\"")), "{}", folder.log());
    }
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0]);
}

/// The disk is full, many clients send, and the host is killed before there is room again.
#[test]
fn host_killed_on_full_disk_keeps_acknowledged_callbacks() {
    let (folder, host) = host();
    let orders: Vec<String> = (0..64).map(|_| host.api.order(ACCOUNT, PRICE)).collect();
    let specs: Vec<CallbackSpec> =
        orders.iter().zip(1..).map(|(order, transaction)| CallbackSpec::payment(order, transaction, PRICE)).collect();
    let log = folder.data().join("ledger.db-wal").metadata().unwrap().size();
    // Room for some of the payments.
    host.limit_files(Some(log + 300_000));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clients: Vec<_> = specs
            .chunks(8)
            .map(|specs| scope.spawn(|| specs.iter().map(|spec| host.api.callback(&spec.body())).collect::<Vec<u16>>()))
            .collect();
        clients.into_iter().flat_map(|teller| teller.join().unwrap()).collect()
    });
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    host.kill();

    let host = folder.start();
    let there = transactions(&host.api.feed());
    for (spec, status) in specs.iter().zip(&statuses) {
        // A callback that was not acknowledged must not be there: it was rolled back, not merely left unanswered.
        assert_eq!(there.contains(&spec.transaction), *status == 200, "{spec:?} was answered {status}");
    }
    specs.iter().for_each(|spec| assert_eq!(host.api.callback(&spec.body()), 200));
    let mut there = transactions(&host.api.feed());
    there.sort_unstable();
    assert_eq!((there, host.api.balance(ACCOUNT)), ((1..=64).collect(), 64 * PRICE));
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0]);
}

/// Room for small write jobs, but not for a batch.
const SPARE_BYTES: u64 = 1 << 20;
/// How many payments arrive together with the batch that fills the disk, how many must share its commit, and how often this is
/// tried.
const CLIENTS: u64 = 8;
const NEIGHBOURS: usize = 10;
const ROUNDS_MAX: u64 = 20;

/// A batch that fills the disk in the middle of a commit also rolls back whatever shares the commit. This must be reported: a
/// payment whose own part succeeded is answered 503 as well.
#[test]
fn callbacks_sharing_a_failed_commit_are_not_acknowledged() {
    let (folder, host) = host();
    let service = ["Доступ в интернет"; 13].join(" ");
    let tell = |transaction: u64| CallbackSpec::payment(&host.api.order(ACCOUNT, PRICE), transaction, PRICE);
    let mut sent: Vec<(CallbackSpec, u16)> = Vec::new();
    for round in 0..ROUNDS_MAX {
        let payments: Vec<CallbackSpec> = (1..=CLIENTS).map(|teller| tell(round * CLIENTS + teller)).collect();
        let ids: Vec<String> = (0..10_000).map(|at| format!("{round}-{at}")).collect();
        let bytes = |name: &str| folder.data().join(name).metadata().unwrap().size();
        host.limit_files(Some(bytes("ledger.db-wal").max(bytes("ledger.db")) + SPARE_BYTES));
        // While another connection locks the database, the first write job waits for it, and the others wait together for the
        // next commit. A second suffices for the batch to join them; if it does not, there is another round.
        let other = Connection::open(folder.database()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let clients: Vec<_> = payments.iter().map(|spec| scope.spawn(|| host.api.callback(&spec.body()))).collect();
            let batch = scope.spawn(|| host.api.writeoffs(ACCOUNT, &ids, &service));
            std::thread::sleep(Duration::from_secs(1));
            other.execute_batch("ROLLBACK").unwrap();
            assert_eq!(batch.join().unwrap(), 503, "the batch exceeds the room");
            clients.into_iter().map(|teller| teller.join().unwrap()).collect()
        });
        host.limit_files(None);
        sent.extend(payments.into_iter().zip(statuses));
        if sent.iter().filter(|(_, status)| *status == 503).count() >= NEIGHBOURS {
            break;
        }
    }
    let refused = sent.iter().filter(|(_, status)| *status == 503).count();
    assert!(refused >= NEIGHBOURS, "only {refused} payments shared a commit with a batch");
    assert!(sent.iter().any(|(_, status)| *status == 200), "a payment on its own had room");
    let feed = host.api.feed();
    for (spec, status) in &sent {
        let times = feed.iter().filter(|entry| entry.transaction == Some(spec.transaction)).count();
        assert_eq!(times, usize::from(*status == 200), "{spec:?} was answered {status}");
    }
    sent.iter().for_each(|(spec, _)| assert_eq!(host.api.callback(&spec.body()), 200));
    assert_eq!(host.api.balance(ACCOUNT), PRICE * sent.len() as i64);
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0]);
}

/// With little disk space from the start, a host either does not start and reports why, or stores what it acknowledges.
#[test]
fn little_disk_space_from_the_start_loses_nothing_acknowledged() {
    let (mut refused, mut kept) = (0, 0);
    // In blocks of 512 bytes, from less than the program and its component need.
    for blocks in (8..1_600).step_by(160) {
        let folder = Folder::default();
        let command = folder.command_of(&program(), &component_path(), &format!("ulimit -f {blocks};"));
        let mut answered = Vec::new();
        match folder.try_start(command) {
            Err(status) => {
                refused += 1;
                assert!(status.code().is_some_and(|code| code != 0), "with {blocks} blocks: {status}");
                assert!(!folder.log().is_empty(), "with {blocks} blocks");
            }
            Ok(host) => {
                if host.api.try_account(ACCOUNT) == 200 {
                    while let Some(order) = host.api.try_order(ACCOUNT, PRICE) {
                        let transaction = answered.len() as u64 + 1;
                        if host.api.callback(&CallbackSpec::payment(&order, transaction, PRICE).body()) != 200 {
                            break;
                        }
                        answered.push(transaction);
                        assert!(answered.len() < 1_000, "with {blocks} blocks the disk must fill up");
                    }
                }
                kept += answered.len();
                host.kill();
            }
        }
        let host = folder.start();
        assert_eq!(transactions(&host.api.feed()), answered, "with {blocks} blocks");
        host.api.put_account(ACCOUNT);
        let order = host.api.order(ACCOUNT, PRICE);
        assert_eq!(host.api.callback(&CallbackSpec::payment(&order, 1_001, PRICE).body()), 200, "with {blocks} blocks");
        assert_eq!(host.api.balance(ACCOUNT), PRICE * (answered.len() as i64 + 1), "with {blocks} blocks");
    }
    assert!(refused > 0 && kept > 0, "{refused} refused to start, {kept} payments were kept");
}

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// A read-only ledger, served by a host that is not root, since permissions do not bind root.
#[test]
fn read_only_ledger_is_refused_at_start() {
    let (folder, host) = host();
    let paid = CallbackSpec::payment(&host.api.order(ACCOUNT, PRICE), 1, PRICE).body();
    let open = CallbackSpec::payment(&host.api.order(ACCOUNT, PRICE), 2, PRICE).body();
    assert_eq!(host.api.callback(&paid), 200);
    // Killed, so that the payment is in the log only.
    host.kill();

    // Copied to where another user can read them, wherever the project is.
    let [program_there, component_there] = ["host-harness", "chronopay.wasm"].map(|name| folder.path().join(name));
    std::fs::copy(program(), &program_there).unwrap();
    std::fs::copy(component_path(), &component_there).unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let start = || {
        let mut command = folder.command_of(&program_there, &component_there, "");
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        folder.try_start(command)
    };
    let files = || std::fs::read_dir(folder.data()).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let allow = |path: &Path, mode: u32| {
        if is_root {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    for (folder_mode, ledger_mode, lock_mode, refused_for) in [
        (0o555, 0o444, 0o444, "serve.lock: Permission denied"),
        (0o555, 0o444, 0o644, "ledger.db"),
        (0o755, 0o444, 0o644, "ledger.db"),
        // A ledger works if its existing files are writable.
        (0o555, 0o644, 0o644, ""),
    ] {
        files().for_each(|file| allow(&file, if file.ends_with("serve.lock") { lock_mode } else { ledger_mode }));
        allow(&folder.data(), folder_mode);
        let before = folder.log().len();
        match start() {
            Err(status) => assert_eq!(status.code(), Some(2), "{}", folder.log()),
            Ok(host) => assert_eq!((host.api.callback(&paid), ledger_mode), (200, 0o644)),
        }
        let said = folder.log().split_off(before);
        assert!(said.contains(refused_for), "{said}");
        assert!(refused_for.is_empty() || said.contains("let this program's user"), "{said}");
    }
    files().for_each(|file| allow(&file, 0o600));
    allow(&folder.data(), 0o700);
    // A mark that may not be read says nothing about the ledger: the rights are wrong, and no loss is to be accepted.
    let mark = folder.data().join("ledger.mark");
    allow(&mark, 0);
    let before = folder.log().len();
    assert_eq!(start().err().unwrap().code(), Some(2));
    let said = folder.log().split_off(before);
    assert!(said.contains("ledger.mark: Permission denied") && said.contains("let this program's user"), "{said}");
    assert!(!said.contains("--accept-loss"), "{said}");
    allow(&mark, 0o600);
    let host = start().unwrap_or_else(|status| panic!("{status}: {}", folder.log()));
    assert_eq!((transactions(&host.api.feed()), host.api.balance(ACCOUNT)), (vec![1], PRICE));
    for _ in 0..2 {
        assert_eq!((host.api.callback(&paid), host.api.callback(&open)), (200, 200));
    }
    assert_eq!((transactions(&host.api.feed()), host.api.balance(ACCOUNT)), (vec![1, 2], 2 * PRICE));
}
