//! The findings of a check.

use std::path::PathBuf;
use std::sync::Arc;

use domain::{
    Account, Correction, Date, Event, EventKind, Facts, Finding, FindingCode, Money, NewOrder, OrderId, Outcome, PartyKind,
    Recurrence, StoredCallback, WriteOff,
};
use ledger::{Ledger, Submission};
use money::Currency;
use rusqlite::Connection;
use storage_sqlite::{Sqlite, check_database};
use tempfile::TempDir;

/// 2026-11-01 00:00 UTC.
const DAY: u64 = 1_793_491_200;

struct Books {
    folder: TempDir,
    ledger: Ledger,
}

fn rub(minor_units: i64) -> Money {
    Money { minor_units, currency: Currency::RUB }
}

impl Books {
    fn database(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// Changes the database directly, as damage does.
    fn damage(&self, sql: &str) {
        let connection = Connection::open(self.database()).unwrap();
        connection
            .execute_batch("PRAGMA foreign_keys = OFF; DROP TRIGGER entries_stay; DROP TRIGGER entries_stay_as_they_are; DROP TRIGGER movements_stay")
            .unwrap();
        connection.execute_batch(sql).unwrap();
    }

    fn take(&self, event: Event, at: u64) -> Outcome {
        let callback = StoredCallback {
            provider: event.provider.clone(),
            received_at: at,
            method: "POST".into(),
            path: String::new(),
            query: String::new(),
            headers: Vec::new(),
            body: b"a=1".to_vec(),
            remote_address: String::new(),
            sealed_headers: Vec::new(),
            is_masked: false,
        };
        self.ledger.record(Submission::of_callback(event, Arc::new(callback))).unwrap().into_outcome().unwrap()
    }

    fn pay(&self, account: &str, transaction: &str, minor_units: i64, at: u64) -> OrderId {
        let order = NewOrder {
            account: account.parse().unwrap(),
            provider: "chronopay".parse().unwrap(),
            amount: rub(minor_units),
            description: "Пополнение".into(),
            idempotency_key: None,
            expires_at: None,
        };
        let order = self.ledger.create_order(order, at).unwrap().unwrap().id;
        let event = event(transaction, Some(&order), minor_units);
        assert!(matches!(self.take(event, at), Outcome::Recorded { .. }));
        order
    }
}

fn event(transaction: &str, order: Option<&OrderId>, minor_units: i64) -> Event {
    Event {
        provider: "chronopay".parse().unwrap(),
        facts: Facts {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: transaction.parse().unwrap(),
            original: None,
            ends_hold: None,
            expires_at: None,
            account: None,
            order: order.cloned(),
            payer: None,
            amount: rub(minor_units),
            occurred_at: None,
        },
        comment: "Пополнение баланса через ЛК".into(),
        dedup_key: format!("payment:{transaction}").parse().unwrap(),
        fee: None,
        extra: Vec::new(),
    }
}

/// Makes entries 1 and 2, payments of yesterday and today to the account 1; entry 3, an unmatched payment that was credited to
/// the account 2; entry 4, a write-off of 2; and entry 5, a correction of 2. All but the first are of today.
fn books() -> Books {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(Sqlite::open(&folder.path().join("ledger.db")).unwrap());
    let books = Books { folder, ledger };
    for number in ["1", "2"] {
        let [name, contract, inn, kpp, foreign_tax_number] = ["Иванов", "", "", "", ""].map(str::to_owned);
        let (number, kind) = (number.parse().unwrap(), PartyKind::Individual);
        let account = Account { number, name, kind, contract, contract_date: None, inn, kpp, foreign_tax_number };
        books.ledger.put_account(account).unwrap().unwrap();
    }
    books.pay("1", "11", 10_000, DAY - 10);
    books.pay("1", "12", 5_000, DAY + 10);
    assert_eq!(books.take(event("13", None, 700), DAY + 20), Outcome::Unmatched { id: 1, repeated: false });
    books.ledger.credit_unmatched(1, "2".parse().unwrap(), "anna".into(), "звонил".into(), DAY + 30).unwrap().unwrap();
    let day = Date::new(2026, 11, 1).unwrap();
    let [service, service_code, unit, note] = ["Интернет", "1", "мес", ""].map(str::to_owned);
    let writeoff = WriteOff {
        id: "w1".into(),
        account: "2".parse().unwrap(),
        service_code,
        service,
        unit,
        period: day,
        date: day,
        quantity_thousandths: 1_000,
        amount: rub(300),
        vat_basis_points: None,
        note,
    };
    books.ledger.add_writeoffs(vec![writeoff], DAY + 40).unwrap().unwrap();
    let account = "2".parse().unwrap();
    let [key, operator, comment] = ["k", "anna", "бонус"].map(str::to_owned);
    books.ledger.correct(Correction { key, account, amount: rub(50), operator, comment }, DAY + 50).unwrap().unwrap();
    books
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code.name()).collect()
}

/// A statement that damages the database, what a check of everything finds, and what a check of today finds.
struct Case {
    name: &'static str,
    damage: &'static str,
    all: &'static [&'static str],
    today: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case { name: "none", damage: "", all: &[], today: &[] },
    Case {
        name: "a balance",
        damage: "UPDATE balances SET minor_units = 15001 WHERE account = '1'",
        all: &["balance 1: 150.01 RUB is kept, its entries come to 150.00 RUB"],
        today: &["balance 1: 150.01 RUB is kept, its entries come to 150.00 RUB"],
    },
    Case {
        name: "a balance that is not there",
        damage: "DELETE FROM balances WHERE account = '2'",
        all: &["balance 2: 0.00 RUB is kept, its entries come to 4.50 RUB"],
        today: &["balance 2: 0.00 RUB is kept, its entries come to 4.50 RUB"],
    },
    Case {
        name: "a balance of nothing",
        damage: "INSERT INTO balances VALUES ('2', 'USD', 1)",
        all: &["balance 2: 0.01 USD is kept, its entries come to 0.00 USD"],
        today: &["balance 2: 0.01 USD is kept, its entries come to 0.00 USD"],
    },
    Case {
        name: "the amount of an entry of yesterday",
        damage: "UPDATE entries SET minor_units = 9999 WHERE seq = 1",
        all: &[
            "entry 1: it is not what the order 1793491190000 says, which it paid",
            "hour 2026-10-31 23:00 UTC: payment by chronopay: 1 of 100.00 RUB are kept, entries come to 1 of 99.99 RUB",
            "balance 1: 150.00 RUB is kept, its entries come to 149.99 RUB",
        ],
        today: &["balance 1: 150.00 RUB is kept, its entries come to 149.99 RUB"],
    },
    Case {
        name: "an hour of today",
        damage: "UPDATE hours SET count = 2 WHERE kind = 'correction'",
        all: &["hour 2026-11-01 00:00 UTC: correction: 2 of 0.50 RUB are kept, entries come to 1 of 0.50 RUB"],
        today: &["hour 2026-11-01 00:00 UTC: correction: 2 of 0.50 RUB are kept, entries come to 1 of 0.50 RUB"],
    },
    Case {
        name: "an hour of yesterday that is not there",
        damage: "DELETE FROM hours WHERE hour = 1793487600",
        all: &["hour 2026-10-31 23:00 UTC: payment by chronopay: 0 of 0.00 RUB are kept, entries come to 1 of 100.00 RUB"],
        today: &[],
    },
    Case {
        name: "an order's amount",
        damage: "UPDATE orders SET minor_units = 4999 WHERE minor_units = 5000",
        all: &["entry 2: it is not what the order 1793491210000 says, which it paid"],
        today: &["entry 2: it is not what the order 1793491210000 says, which it paid"],
    },
    Case {
        name: "an order that is not paid any more",
        damage: "UPDATE orders SET paid_by = NULL WHERE paid_by = 2",
        all: &["entry 2: its order 1793491210000 is not paid"],
        today: &["entry 2: its order 1793491210000 is not paid"],
    },
    Case {
        name: "an order that another entry paid",
        damage: "UPDATE orders SET paid_by = 3 WHERE paid_by = 2",
        all: &["entry 3: it is not what the order 1793491210000 says, which it paid"],
        today: &["entry 3: it is not what the order 1793491210000 says, which it paid"],
    },
    Case {
        name: "an order of an entry that is not there",
        damage: "UPDATE orders SET paid_by = 9 WHERE paid_by = 2",
        all: &["reference orders: the record 1793491210000 names what is not in entries"],
        today: &[],
    },
    Case {
        name: "an event that is gone",
        damage: "DELETE FROM movements WHERE entry = 2",
        all: &["entry 2: nothing is kept that it was made by"],
        today: &["entry 2: nothing is kept that it was made by"],
    },
    Case {
        name: "an event of another provider",
        damage: "UPDATE movements SET provider = 'robokassa' WHERE entry = 2",
        all: &["entry 2: it is not what the movement 1793491210001 says"],
        today: &["entry 2: it is not what the movement 1793491210001 says"],
    },
    Case {
        name: "an event of an entry that is not there",
        damage: "UPDATE movements SET unmatched = NULL, entry = 99 WHERE unmatched = 1",
        all: &[
            "reference movements: the record 1793491220001 names what is not in entries",
            "movement: nothing is kept that the unmatched event 1 was made of",
        ],
        today: &[],
    },
    Case {
        name: "an event of an entry that another record made",
        damage: "UPDATE movements SET entry = 5 WHERE entry = 2",
        all: &["entry 2: nothing is kept that it was made by", "entry 5: more than one record says that it was made by it"],
        today: &["entry 2: nothing is kept that it was made by", "entry 5: more than one record says that it was made by it"],
    },
    Case {
        name: "an unmatched event's amount",
        damage: "UPDATE unmatched SET minor_units = 701",
        all: &["entry 3: it is not what the unmatched event 1 says"],
        today: &["entry 3: it is not what the unmatched event 1 says"],
    },
    Case {
        name: "an unmatched event that nobody resolved",
        damage: "UPDATE unmatched SET resolved_by = NULL",
        all: &["resolution 1: it is resolved by nobody with the entry 3, and the decision in force is entry with the entry 3"],
        today: &[],
    },
    Case {
        name: "a write-off's amount",
        damage: "UPDATE writeoffs SET minor_units = 301",
        all: &["entry 4: it is not what the write-off w1 says"],
        today: &["entry 4: it is not what the write-off w1 says"],
    },
    Case {
        name: "a correction that is gone",
        damage: "DELETE FROM corrections",
        all: &["entry 5: nothing is kept that it was made by"],
        today: &["entry 5: nothing is kept that it was made by"],
    },
    Case {
        name: "an entry that is gone",
        damage: "DELETE FROM entries WHERE seq = 4",
        all: &[
            "missing-entries: there is no entry from 4 to 4",
            "hour 2026-11-01 11:00 UTC: write-off: 1 of -3.00 RUB are kept, entries come to 0 of 0.00 RUB",
            "balance 2: 4.50 RUB is kept, its entries come to 7.50 RUB",
            "reference writeoffs: a record names what is not in entries",
        ],
        today: &[
            "hour 2026-11-01 11:00 UTC: write-off: 1 of -3.00 RUB are kept, entries come to 0 of 0.00 RUB",
            "balance 2: 4.50 RUB is kept, its entries come to 7.50 RUB",
        ],
    },
    Case {
        name: "an account that is gone",
        damage: "DELETE FROM balances WHERE account = '2'; DELETE FROM accounts WHERE number = '2'",
        all: &[
            "balance 2: 0.00 RUB is kept, its entries come to 4.50 RUB",
            "reference entries: the record 3 names what is not in accounts",
            "reference entries: the record 4 names what is not in accounts",
            "reference entries: the record 5 names what is not in accounts",
            "reference writeoffs: a record names what is not in accounts",
        ],
        today: &["balance 2: 0.00 RUB is kept, its entries come to 4.50 RUB"],
    },
];

/// Movements of today: the payments 1793491210001 (entry 2) and 1793491220001 (unmatched), a hold that a release ended, and an open
/// hold.
const MOVED: &[(&str, &[&str])] = &[
    ("", &[]),
    (
        "UPDATE movements SET entry = NULL WHERE entry = 2",
        &[
            "entry 2: nothing is kept that it was made by",
            "movement 1793491210001: it moves money, and has neither an entry nor an unmatched event",
        ],
    ),
    (
        "UPDATE movements SET facts = json_set(facts, '$.minor-units', 5001) WHERE entry = 2",
        &["entry 2: it is not what the movement 1793491210001 says"],
    ),
    (
        "UPDATE movements SET facts = json_set(facts, '$.transaction', '99') WHERE entry = 2",
        &["entry 2: it is not what the movement 1793491210001 says"],
    ),
    (
        "UPDATE movements SET facts = json_set(facts, '$.account', '2') WHERE entry = 2",
        &["entry 2: the movement 1793491210001 is of the account 2"],
    ),
    (
        "UPDATE movements SET dedup_key = 'x' WHERE unmatched = 1",
        &["movement 1793491220001: it is not what the unmatched event 1 says"],
    ),
    (
        "UPDATE movements SET parent = 1793491220001 WHERE entry = 2",
        &["movement 1793491210001: it cannot follow from the movement 1793491220001, a payment of chronopay"],
    ),
    (
        "UPDATE movements SET parent = 5 WHERE entry = 2",
        &["reference movements: the record 1793491210001 names what is not in movements"],
    ),
    ("UPDATE movements SET open_until = 9 WHERE entry = 2", &["movement 1793491210001: it is open, and is no hold"]),
    (
        "UPDATE movements SET open_until = 9 WHERE dedup_key = 'held'",
        &["movement 1793491260001: it is open, and something ended it"],
    ),
    (
        "UPDATE movements SET open_until = NULL WHERE dedup_key = 'open'",
        &["movement 1793491260005: it has ended, and nothing ended it"],
    ),
    (
        "UPDATE movements SET order_number = 1793491190000 WHERE dedup_key = 'open'",
        &["movement 1793491260005: it is not what the order 1793491190000 says, which it reserves"],
    ),
    (
        "UPDATE movements SET id = 1000000000000000000 WHERE dedup_key = 'open'",
        &["movement 1000000000000000000: its number has more than 18 digits"],
    ),
];

#[test]
fn check_covers_movements() {
    for (damage, want) in MOVED {
        let books = books();
        let of = |kind, key: &str| {
            let facts = Facts { kind, ..event(key, None, 7).facts };
            Event { facts, dedup_key: key.parse().unwrap(), ..event(key, None, 7) }
        };
        let mut release = of(EventKind::HoldRelease, "released");
        release.facts.ends_hold = Some("held".parse().unwrap());
        for event in [of(EventKind::Hold, "held"), release, of(EventKind::Hold, "open")] {
            assert_eq!(books.take(event, DAY + 60), Outcome::NoMovement { repeated: false });
        }
        books.damage(damage);
        let found = books.ledger.check().unwrap();
        assert_eq!(found.iter().map(Finding::to_string).collect::<Vec<_>>(), *want, "{damage}");
    }
}

/// The same, with entry 3 reversed by 6, and 5 by 7.
const UNDONE: &[(&str, &[&str])] = &[
    ("", &[]),
    ("UPDATE entries SET reverses = 2 WHERE seq = 6", &["entry 6: it is not the opposite of the entry 2, which it takes back"]),
    ("UPDATE entries SET decision = NULL WHERE seq = 6", &["entry 6: its decision is of another kind"]),
    (
        "UPDATE unmatched SET resolved_by = 'anna'",
        &["resolution 1: it is resolved by anna with the entry none, and the decision in force is none with the entry none"],
    ),
    (
        "DROP TRIGGER decisions_stay; DELETE FROM decisions WHERE id = 3",
        &[
            "entry 6: its decision is of another kind",
            "reference entries: the record 6 names what is not in decisions",
            "resolution 1: it is resolved by nobody with the entry none, and the decision in force is entry with the entry 3",
        ],
    ),
];

#[test]
fn check_covers_undone_decisions() {
    for (damage, want) in UNDONE {
        let books = books();
        for id in [1, 2] {
            books.ledger.undo_decision(id, "boris".into(), "не то".into(), DAY + 60).unwrap().unwrap();
        }
        books.damage(damage);
        let found = books.ledger.check().unwrap();
        assert_eq!(found.iter().map(Finding::to_string).collect::<Vec<_>>(), *want, "{damage}");
    }
}

#[test]
fn check_finds_every_kind_of_damage() {
    for Case { name, damage, all, today } in CASES {
        let books = books();
        books.damage(damage);
        let told = |findings: Vec<Finding>| findings.iter().map(Finding::to_string).collect::<Vec<_>>();
        assert_eq!(told(books.ledger.check().unwrap()), *all, "{name}");
        // From any second of its hour on.
        assert_eq!(told(books.ledger.check_since(DAY + 15).unwrap()), *today, "{name}");
        assert_eq!(told(check_database(&books.database(), None).unwrap().findings), *all, "{name}");
        assert_eq!(told(check_database(&books.database(), Some(DAY)).unwrap().findings), *today, "{name}");
    }
}

#[test]
fn file_damage_is_found_by_full_check_only() {
    let Books { folder, ledger } = books();
    drop(ledger);
    let path = folder.path().join("ledger.db");
    // One letter in an index that no rule reads.
    let sql =
        "SELECT (rootpage - 1) * page_size, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'entries_of_provider'";
    let (at, length): (usize, usize) = {
        let connection = Connection::open(&path).unwrap();
        connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)? as usize, row.get::<_, i64>(1)? as usize))).unwrap()
    };
    let mut bytes = std::fs::read(&path).unwrap();
    let page = &mut bytes[at..at + length];
    let name = page.windows(9).position(|window| window == b"chronopay").unwrap();
    page[name] = b'x';
    std::fs::write(&path, bytes).unwrap();
    let found = check_database(&path, None).unwrap().findings;
    assert!(!found.is_empty() && found.iter().all(|finding| finding.code == FindingCode::Damage), "{found:?}");
    assert!(found[0].to_string().contains("entries_of_provider"), "{found:?}");
    assert_eq!(check_database(&path, Some(DAY)).unwrap().findings, []);
}

#[test]
fn non_database_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(&path, "this is no database, however long it may be".repeat(100)).unwrap();
    assert_eq!(codes(&check_database(&path, None).unwrap().findings), ["damage"]);
}

#[test]
fn check_reads_one_snapshot() {
    let books = books();
    std::thread::scope(|scope| {
        let payer = scope.spawn(|| (0..300).for_each(|at| drop(books.pay("1", &format!("t{at}"), 100 + at, DAY + 100))));
        while !payer.is_finished() {
            assert_eq!(check_database(&books.database(), None).unwrap().findings, []);
        }
    });
    assert_eq!(check_database(&books.database(), None).unwrap().findings, []);
}

#[test]
fn first_thousand_findings_of_a_kind_are_listed() {
    let books = books();
    let connection = Connection::open(books.database()).unwrap();
    connection
        .execute_batch(
            "WITH RECURSIVE numbers (number) AS (VALUES (1) UNION ALL SELECT number + 1 FROM numbers WHERE number < 1500)
            INSERT INTO balances SELECT '1', 'X' || number, 1 FROM numbers",
        )
        .unwrap();
    let found = books.ledger.check().unwrap();
    assert_eq!(found.len(), 1_001);
    assert_eq!(found[1_000].to_string(), "balance: 500 more of this kind");
}
