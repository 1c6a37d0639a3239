//! Write-offs: what is accepted can be exported in its month, counts by its date, and is left out only by a decision.

use std::path::Path;

use domain::{
    Account, AccountRefusal, Date, EntryFilter, EntryKind, ExclusionRefusal, ListedWriteOff, Money, PageStart, PartyKind,
    UndatedWriteOff, WriteOff, WriteOffRefusal, WriteOffsAdded,
};
use ledger::Ledger;
use money::Currency;
use rusqlite::Connection;
use storage_sqlite::Sqlite;
use tempfile::TempDir;

const AT: u64 = 1_793_577_900;

fn ledger() -> (TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(Sqlite::open(&folder.path().join("ledger.db")).unwrap());
    assert_eq!(ledger.put_account(person("100500")).unwrap(), Ok(()));
    (folder, ledger)
}

fn person(number: &str) -> Account {
    let [name, contract, inn, kpp, foreign_tax_number] = ["Иванов И. И.", "", "", "", ""].map(str::to_owned);
    let (kind, contract_date) = (PartyKind::Individual, None);
    Account { number: number.parse().unwrap(), name, kind, contract, contract_date, inn, kpp, foreign_tax_number }
}

fn company(number: &str, name: &str) -> Account {
    Account {
        name: name.into(),
        kind: PartyKind::Company,
        contract: "Д-17".into(),
        contract_date: Date::new(2024, 2, 29),
        inn: "7707083893".into(),
        kpp: "770701001".into(),
        ..person(number)
    }
}

fn day(text: &str) -> Date {
    let mut parts = text.split('-').map(|part| part.parse::<u16>().unwrap());
    let [year, month, day] = std::array::from_fn(|_| parts.next().unwrap());
    Date::new(year, month.try_into().unwrap(), day.try_into().unwrap()).unwrap()
}

fn writeoff(id: &str) -> WriteOff {
    WriteOff {
        id: id.into(),
        account: "100500".parse().unwrap(),
        service_code: "inet".into(),
        service: "Интернет".into(),
        unit: "мес".into(),
        period: day("2026-02-01"),
        date: day("2026-02-28"),
        quantity_thousandths: 1000,
        amount: Money { minor_units: 12_000, currency: Currency::RUB },
        vat_basis_points: Some(2200),
        note: String::new(),
    }
}

/// Adds a batch that is refused, and returns its faults: the index, the code and the field.
fn faults(ledger: &Ledger, batch: &[WriteOff]) -> Vec<(usize, &'static str, String)> {
    let refused = ledger.add_writeoffs(batch.to_vec(), AT).unwrap();
    let WriteOffRefusal { faults, more } = refused.expect_err("the batch is refused");
    assert_eq!((more, ledger.entries(None, 0, 10).unwrap()), (0, vec![]), "nothing is entered");
    faults.into_iter().map(|(index, fault)| (index, fault.code, fault.field)).collect()
}

#[test]
fn impossible_dates_are_refused() {
    for (year, month, of_month) in
        [(2026, 2, 30), (0, 0, 0), (2026, 13, 1), (2026, 0, 1), (2025, 2, 29), (1900, 2, 29), (0, 1, 1)]
    {
        assert_eq!(Date::new(year, month, of_month), None, "{year}-{month}-{of_month}");
    }
    for text in ["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "2026-02-28"] {
        assert_eq!(day(text).to_string(), text);
    }
    assert!(day("2026-02-28").ends_month() && !day("2024-02-28").ends_month() && day("2024-02-29").ends_month());
}

#[test]
fn unexportable_batch_is_refused_with_all_faults() {
    let (_folder, ledger) = ledger();
    let good = writeoff("good");
    let usd = Money { minor_units: 1, currency: Currency::parse("USD").unwrap() };
    let batch = [
        good.clone(),
        WriteOff { id: "vat".into(), vat_basis_points: Some(2100), ..good.clone() },
        WriteOff { id: "quantity".into(), quantity_thousandths: 0, unit: "мес.".into(), ..good.clone() },
        WriteOff { id: "usd".into(), amount: usd, ..good.clone() },
        WriteOff { id: "space".into(), service: "Интернет ".into(), ..good.clone() },
        WriteOff { id: "period".into(), period: day("2026-01-01"), ..good.clone() },
        WriteOff {
            id: "early".into(),
            period: day("1969-12-01"),
            date: day("1969-12-31"),
            vat_basis_points: None,
            ..good.clone()
        },
        WriteOff { id: "nobody".into(), account: "7".parse().unwrap(), ..good.clone() },
        WriteOff { id: "x".repeat(65), ..good.clone() },
    ];
    let want = [
        (1, "invalid", "vat_basis_points"),
        (2, "out-of-range", "quantity_thousandths"),
        (2, "other-unit", "unit"),
        (3, "unsupported", "amount.currency"),
        (4, "invalid", "service"),
        (5, "out-of-range", "period"),
        (6, "out-of-range", "date"),
        (7, "unknown-account", "account"),
        (8, "too-long", "id"),
    ];
    let want: Vec<_> = want.map(|(index, code, field)| (index, code, field.to_owned())).into();
    assert_eq!(faults(&ledger, &batch), want);
    let many: Vec<WriteOff> =
        (0..150).map(|at| WriteOff { id: at.to_string(), quantity_thousandths: 0, ..good.clone() }).collect();
    let WriteOffRefusal { faults, more } = ledger.add_writeoffs(many, AT).unwrap().unwrap_err();
    assert_eq!((faults.len(), faults[99].0, more), (100, 99, 50));
    // A reversal in the same month is netted.
    let reversal = WriteOff { id: "back".into(), amount: Money { minor_units: -12_000, ..good.amount }, ..good.clone() };
    let added = ledger.add_writeoffs(vec![good, reversal], AT).unwrap();
    assert_eq!(added, Ok(WriteOffsAdded { added: 2, repeated: 0 }));
}

#[test]
fn service_has_one_unit() {
    let (_folder, ledger) = ledger();
    let by_name = |id: &str, unit: &str| WriteOff { service_code: String::new(), unit: unit.into(), ..writeoff(id) };
    let other = WriteOff { unit: "шт".into(), ..writeoff("2") };
    assert_eq!(faults(&ledger, &[writeoff("1"), other.clone()]), [(1, "other-unit", "unit".to_owned())]);
    assert!(ledger.add_writeoffs(vec![writeoff("1")], AT).unwrap().is_ok());
    // A later batch is compared with what is stored. A service's name is not a code, even if both are spelled alike.
    for (next, is_good) in [
        (vec![other], false),
        (vec![WriteOff { service: "inet".into(), ..by_name("3", "шт") }], true),
        (vec![by_name("4", "ч")], true),
        (vec![by_name("5", "мес")], false),
        (vec![by_name("6", "ч"), writeoff("7")], true),
    ] {
        assert_eq!(ledger.add_writeoffs(next.clone(), AT).unwrap().is_ok(), is_good, "{next:?}");
    }
}

#[test]
fn unexportable_account_is_refused() {
    let (_folder, ledger) = ledger();
    let good = company("1", "ООО «Ромашка»");
    let fields = |account: Account| match ledger.put_account(account).unwrap() {
        Err(AccountRefusal::Faults(faults)) => faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(fields(Account { inn: "7707083894".into(), ..good.clone() }), ["inn"]);
    assert_eq!(fields(Account { inn: "500100732259".into(), ..good.clone() }), ["inn"]);
    assert_eq!(fields(Account { inn: String::new(), contract: String::new(), ..good.clone() }), ["inn", "contract"]);
    assert_eq!(fields(Account { kpp: "x".into(), ..good.clone() }), ["kpp"]);
    assert_eq!(fields(Account { inn: "000000000000".into(), ..person("1") }), ["inn"]);
    assert_eq!(fields(Account { name: "Ива\u{202e}нов".into(), ..person("1") }), ["name"]);
    assert_eq!(ledger.account(&"1".parse().unwrap()).unwrap(), None);
    let foreign = Account { inn: String::new(), kpp: String::new(), foreign_tax_number: "DE123456788".into(), ..good.clone() };
    for account in [good, foreign] {
        assert_eq!(ledger.put_account(account.clone()).unwrap(), Ok(()));
        assert_eq!(ledger.account(&"1".parse().unwrap()).unwrap().unwrap().0, account);
    }
}

#[test]
fn one_inn_has_one_name() {
    let (_folder, ledger) = ledger();
    let name = |number: &str| ledger.account(&number.parse().unwrap()).unwrap().unwrap().0.name;
    for number in ["1", "2"] {
        assert_eq!(ledger.put_account(company(number, "ООО «Ромашка»")).unwrap(), Ok(()));
    }
    let renamed = company("2", "ООО «Лютик»");
    let refusal = AccountRefusal::OtherName { account: "1".parse().unwrap(), name: "ООО «Ромашка»".into() };
    assert_eq!(ledger.put_account(renamed.clone()).unwrap(), Err(refusal));
    assert_eq!((name("1"), name("2")), ("ООО «Ромашка»".into(), "ООО «Ромашка»".into()));
    // Another branch of the company has another КПП and may have another name.
    assert_eq!(ledger.put_account(Account { kpp: "770702001".into(), ..company("3", "Филиал") }).unwrap(), Ok(()));
    assert_eq!(ledger.put_renamed_account(renamed).unwrap(), Ok(()));
    assert_eq!((name("1"), name("2"), name("3")), ("ООО «Лютик»".into(), "ООО «Лютик»".into(), "Филиал".into()));
    // People without a tax number may have equal or different names.
    assert_eq!(ledger.put_account(person("4")).unwrap(), Ok(()));
}

#[test]
fn one_foreign_tax_number_has_one_name() {
    let (folder, ledger) = ledger();
    let foreign = |number: &str, name: &str, tax_number: &str| Account {
        inn: String::new(),
        kpp: String::new(),
        foreign_tax_number: tax_number.into(),
        ..company(number, name)
    };
    let name = |number: &str| ledger.account(&number.parse().unwrap()).unwrap().unwrap().0.name;
    for account in [foreign("1", "Acme", "DE1"), foreign("2", "Acme", "DE1"), foreign("3", "Other", "DE2")] {
        assert_eq!(ledger.put_account(account).unwrap(), Ok(()));
    }
    // A buyer with an «ИНН» is identified by it alone.
    assert_eq!(ledger.put_account(Account { foreign_tax_number: "DE1".into(), ..company("4", "Ромашка") }).unwrap(), Ok(()));
    let renamed = foreign("2", "Acme GmbH", "DE1");
    let refusal = AccountRefusal::OtherName { account: "1".parse().unwrap(), name: "Acme".into() };
    assert_eq!(ledger.put_account(renamed.clone()).unwrap(), Err(refusal));
    assert_eq!(ledger.put_renamed_account(renamed).unwrap(), Ok(()));
    let names = ["1", "2", "3", "4"].map(name);
    assert_eq!(names, ["Acme GmbH", "Acme GmbH", "Other", "Ромашка"].map(str::to_owned));
    assert_eq!(ledger.check().unwrap(), []);
    // The check names what an older program accepted.
    let database = Connection::open(folder.path().join("ledger.db")).unwrap();
    database.execute("UPDATE accounts SET foreign_tax_number = 'DE1' WHERE number = '3'", []).unwrap();
    let findings: Vec<String> = ledger.check().unwrap().iter().map(ToString::to_string).collect();
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert!(finding.starts_with("buyer-name 3: its foreign tax number DE1 is also that of the account 1"), "{finding}");
}

/// Returns the sum of what a filter selects, by its hours and by its entries, which must agree.
fn sum(ledger: &Ledger, filter: &EntryFilter) -> i64 {
    let hours: i64 = ledger.hours(filter).unwrap().iter().map(|hour| hour.amount.minor_units).sum();
    let page = ledger.page(filter, PageStart::Latest, 1000).unwrap();
    assert_eq!(page.iter().map(|entry| entry.amount.minor_units).sum::<i64>(), hours);
    hours
}

/// Returns the seconds of a day at a place that is this many hours ahead of UTC.
fn of_day(text: &str, offset: i64) -> EntryFilter {
    let connection = Connection::open_in_memory().unwrap();
    let midnight: i64 = connection.query_row("SELECT unixepoch(?)", [text], |row| row.get(0)).unwrap();
    let from = u64::try_from(midnight - offset * 3600).unwrap();
    EntryFilter { from: Some(from), until: Some(from + 86_400), ..EntryFilter::default() }
}

#[test]
fn writeoff_counts_by_its_date_in_any_time_zone() {
    let (folder, ledger) = ledger();
    let dated = |id: &str, date: &str| WriteOff {
        date: day(date),
        period: day(&format!("{}-01", &date[..7])),
        vat_basis_points: None,
        ..writeoff(id)
    };
    let dates =
        ["1970-01-01", "1999-12-31", "2000-02-29", "2024-02-29", "2024-03-01", "2026-10-31", "2100-03-01", "9998-12-31"];
    let batch = dates.iter().map(|date| dated(date, date)).collect();
    assert_eq!(ledger.add_writeoffs(batch, AT).unwrap(), Ok(WriteOffsAdded { added: dates.len(), repeated: 0 }));
    for date in &dates[1..] {
        for offset in [-11, 0, 3, 12] {
            assert_eq!(sum(&ledger, &of_day(date, offset)), -12_000, "{date} at {offset}");
        }
    }
    // None of them counts on the day on which it was entered.
    assert_eq!(sum(&ledger, &of_day("2026-11-02", 3)), 0);
    // The feed keeps the order of entry, and holds both times.
    let feed = ledger.entries(None, 0, 100).unwrap();
    assert!(feed.iter().zip(1..).all(|(entry, seq)| (entry.seq, entry.at) == (seq, AT)));
    let fed: Vec<String> = feed.iter().map(|entry| entry.date.unwrap().to_string()).collect();
    assert_eq!(fed, dates);
    // The database computes the same as the ledger.
    let database = Connection::open(folder.path().join("ledger.db")).unwrap();
    let mut statement = database.prepare("SELECT counted_at FROM entries ORDER BY seq").unwrap();
    let counted: Vec<i64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(counted, feed.iter().map(|entry| entry.counted_at().cast_signed()).collect::<Vec<_>>());
    assert_eq!(ledger.check().unwrap(), []);
}

/// Makes a database of the version before dates were checked: good and impossible days, and two units of one service.
fn old_database(path: &Path) {
    let database = Connection::open(path).unwrap();
    database.execute_batch(include_str!("../../src/schema/0001_first.sql")).unwrap();
    database.execute_batch(include_str!("../../src/schema/0002_whole_callbacks.sql")).unwrap();
    database.execute_batch("INSERT INTO accounts VALUES ('100500', 'Иванов', 'individual', '', '', '')").unwrap();
    let rows = [
        ("good", 20_260_201, 20_260_228, "мес"),
        ("no-date", 20_260_201, 20_260_230, "мес."),
        ("no-period", 20_260_231, 20_260_228, "мес"),
        ("nowhere", 0, 0, "мес"),
        ("thirteenth", 20_261_301, 20_261_301, "мес"),
    ];
    for (id, period, date, unit) in rows {
        let entry = "INSERT INTO entries (account, kind, minor_units, currency, comment, at)
            VALUES ('100500', 'write-off', -12000, 'RUB', 'Интернет', ?)";
        database.execute(entry, [AT.cast_signed()]).unwrap();
        let sql = "INSERT INTO writeoffs VALUES ('100500', ?, 'inet', 'Интернет', ?, ?, ?, 1000, 12000, 'RUB', 2200, '', ?)";
        database.execute(sql, rusqlite::params![id, unit, period, date, database.last_insert_rowid()]).unwrap();
    }
    let hour = (AT - AT % 3600).cast_signed();
    database.execute("INSERT INTO hours VALUES (?, 'write-off', '', 'RUB', 5, -60000)", [hour]).unwrap();
    database.execute("INSERT INTO balances VALUES ('100500', 'RUB', -60000)", []).unwrap();
    database.pragma_update(None, "user_version", 2).unwrap();
}

#[test]
fn migrated_database_counts_by_date_and_reports_impossible_dates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    old_database(&path);
    let ledger = Ledger::new(Sqlite::open(&path).unwrap());
    let found: Vec<String> =
        ledger.check().unwrap().into_iter().map(|finding| format!("{} {}", finding.code.name(), finding.about)).collect();
    let wanted = ["no-date", "no-period", "nowhere", "thirteenth"].map(|id| format!("write-off-day {id}"));
    assert_eq!(found, wanted, "all else holds");
    // A write-off whose date exists counts by that date, and the others by when they were entered.
    assert_eq!(sum(&ledger, &of_day("2026-02-28", 3)), -24_000);
    assert_eq!(sum(&ledger, &of_day("2026-11-02", 3)), -36_000);
    let ids = |found: Vec<(UndatedWriteOff, _)>| found.into_iter().map(|(no_day, _)| no_day.id).collect::<Vec<_>>();
    assert_eq!(ids(ledger.writeoffs_of_no_day("", 10).unwrap()), ["no-date", "no-period", "nowhere", "thirteenth"]);
    assert_eq!(ids(ledger.writeoffs_of_no_day("no-date", 2).unwrap()), ["no-period", "nowhere"]);
    let (no_day, decided) = ledger.writeoffs_of_no_day("", 1).unwrap().remove(0);
    assert_eq!((no_day.period.as_str(), no_day.date.as_str(), decided), ("2026-02-01", "2026-02-30", None));
    // They are read with the month that they name, if the range covers its end, so they cannot be missed.
    let of_february = |from: &str, to: &str| {
        let mut read = Vec::new();
        let take = |page: Vec<ListedWriteOff>| {
            read.extend(page.into_iter().map(|listed| (listed.id().to_owned(), listed.writeoff.is_ok())));
            Ok::<(), ledger::Error>(())
        };
        ledger.writeoffs(day(from), day(to), take).unwrap();
        read
    };
    let [good, no_date, no_period] =
        [("good", true), ("no-date", false), ("no-period", false)].map(|(id, ok)| (id.to_owned(), ok));
    assert_eq!(of_february("2026-02-01", "2026-02-28"), [good.clone(), no_date, no_period.clone()]);
    assert_eq!(of_february("2026-02-28", "2026-02-28"), of_february("2026-02-01", "2026-02-28"));
    assert_eq!(of_february("2026-02-02", "2026-02-27"), []);
    // A known id stays known, and the unit is the first one.
    let again = WriteOff { id: "no-date".into(), ..writeoff("") };
    let refused = |writeoff: WriteOff| ledger.add_writeoffs(vec![writeoff], AT).unwrap().unwrap_err().faults.remove(0).1.code;
    assert_eq!((refused(again), refused(WriteOff { unit: "мес.".into(), ..writeoff("new") })), ("id-reused", "other-unit"));
    assert!(ledger.add_writeoffs(vec![writeoff("new")], AT).unwrap().is_ok());
}

#[test]
fn exclusion_of_writeoff_can_be_undone() {
    let (_folder, ledger) = ledger();
    assert!(ledger.add_writeoffs(vec![writeoff("1"), writeoff("2")], AT).unwrap().is_ok());
    let [anna, boris, reason] = ["anna", "boris", "оплачено по другому договору"].map(str::to_owned);
    let exclude = |id: &str| ledger.exclude_writeoff(id.to_owned(), anna.clone(), reason.clone(), AT + 1).unwrap();
    let include = |id: &str| ledger.include_writeoff(id.to_owned(), boris.clone(), AT + 2).unwrap();
    let listed = || {
        let mut read = Vec::new();
        let take = |page: Vec<ListedWriteOff>| {
            read.extend(page.into_iter().map(|listed| (listed.id().to_owned(), listed.exclusion)));
            Ok::<(), ledger::Error>(())
        };
        ledger.writeoffs(day("2026-02-01"), day("2026-02-28"), take).unwrap();
        read
    };
    assert_eq!(
        (exclude("7"), include("7"), include("1")),
        (Err(ExclusionRefusal::Unknown), Err(ExclusionRefusal::Unknown), Err(ExclusionRefusal::NotExcluded))
    );
    let decision = exclude("2").unwrap();
    assert_eq!((decision.operator.as_str(), decision.reason.as_str(), decision.at), ("anna", reason.as_str(), AT + 1));
    assert_eq!(exclude("2"), Err(ExclusionRefusal::AlreadyExcluded));
    assert_eq!(listed(), [("1".to_owned(), None), ("2".to_owned(), Some(decision.clone()))]);
    let shown = ledger.exclusions(None, 10).unwrap();
    assert_eq!((shown.len(), &shown[0].exclusion, shown[0].date.as_str()), (1, &decision, "2026-02-28"));
    assert_eq!(ledger.exclusions(Some(decision.id), 10).unwrap(), []);
    // The account stays debited, and the statistics do not change.
    let filter = EntryFilter { kind: Some(EntryKind::WriteOff), ..EntryFilter::default() };
    assert_eq!(sum(&ledger, &filter), -24_000);
    assert_eq!(include("2"), Ok(()));
    assert_eq!(
        (listed(), ledger.exclusions(None, 10).unwrap()),
        (vec![("1".to_owned(), None), ("2".to_owned(), None)], vec![])
    );
    assert!(exclude("2").unwrap().id > decision.id);
}
