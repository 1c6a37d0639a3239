//! Rules about entries.

use domain::{
    AccountNumber, Date, Entry, EntryFilter, EntryKind, Event, HourlyTotal, ListedWriteOff, Money, NewOrder, PageStart,
    ProviderName, WriteOff, WriteOffRefusal, WriteOffsAdded,
};
use ledger::{Ledger, Pages};
use money::Currency;

use crate::{AT, account, balance, callback, entries, new_order, payment, record, rub, take};

pub fn the_feed_skips_nothing(ledger: &Ledger) {
    account(ledger, "100500");
    let seen = std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for at in 0..25 {
                    let order = ledger.create_order(new_order(rub(100)), AT).unwrap().unwrap();
                    take(ledger, &payment(&order, &format!("{thread}-{at}")));
                }
            });
        }
        let mut seen: Vec<u64> = Vec::new();
        while seen.len() < 100 {
            let after = seen.last().copied().unwrap_or(0);
            seen.extend(ledger.entries(Some(&"100500".parse().unwrap()), after, 7).unwrap().iter().map(|entry| entry.seq));
        }
        seen
    });
    assert!(seen.into_iter().eq(1..=100), "in order, none left out");
}

fn october(day: u8) -> Date {
    Date::new(2026, 10, day).unwrap()
}

fn writeoff(id: &str, account: &str, day: u8, minor_units: i64) -> WriteOff {
    WriteOff {
        id: id.into(),
        account: account.parse().unwrap(),
        service_code: "inet".into(),
        service: "Доступ в интернет".into(),
        unit: "мес".into(),
        period: october(1),
        date: october(day),
        quantity_thousandths: 1000,
        amount: rub(minor_units),
        vat_basis_points: Some(2200),
        note: String::new(),
    }
}

pub fn writeoffs_debit_once_and_come_in_order(ledger: &Ledger) {
    let accounts = ["10", "2", "Я", "a"];
    accounts.iter().for_each(|number| account(ledger, number));
    let mut batch: Vec<WriteOff> =
        (0..2_500).map(|at| writeoff(&format!("w-{at}"), accounts[at % 4], u8::try_from(1 + at % 31).unwrap(), 100)).collect();
    let add = |batch: &[WriteOff]| ledger.add_writeoffs(batch.to_vec(), AT).unwrap();
    assert_eq!(add(&batch), Ok(WriteOffsAdded { added: 2_500, repeated: 0 }));
    assert_eq!(add(&batch[..10]), Ok(WriteOffsAdded { added: 0, repeated: 10 }));
    assert_eq!((balance(ledger, "10"), balance(ledger, "Я")), (-62_500, -62_500));
    assert_eq!(entries(ledger)[0].kind, EntryKind::WriteOff);
    // A batch is all or nothing.
    let refused = |batch: &[WriteOff]| {
        let WriteOffRefusal { faults, more } = add(batch).unwrap_err();
        assert_eq!(more, 0);
        faults.into_iter().map(|(index, fault)| (index, fault.code, fault.field)).collect::<Vec<_>>()
    };
    let news = [writeoff("n-1", "10", 1, 5), writeoff("n-2", "77", 1, 5)];
    assert_eq!(refused(&news), [(1, "unknown-account", "account".to_owned())]);
    let reused = [(1, "id-reused", "id".to_owned())];
    assert_eq!(refused(&[news[0].clone(), writeoff("w-0", "10", 1, 101)]), reused);
    assert_eq!(refused(&[news[0].clone(), writeoff("w-0", "2", 1, 100)]), reused, "an id belongs to one account");
    assert_eq!(refused(&[news[0].clone(), WriteOff { note: "x".into(), ..news[0].clone() }]), reused);
    assert_eq!(add(&[news[0].clone(), news[0].clone()]), Ok(WriteOffsAdded { added: 1, repeated: 1 }));
    assert_eq!((balance(ledger, "10"), ledger.check().unwrap()), (-62_505, vec![]));

    let of_days = |from: u8, to: u8| {
        let mut read = Vec::new();
        let take = |page: Vec<ListedWriteOff>| {
            for ListedWriteOff { account, writeoff, exclusion } in page {
                let writeoff = writeoff.unwrap();
                assert_eq!((&account.number, exclusion), (&writeoff.account, None));
                read.push(writeoff);
            }
            Ok::<(), ledger::Error>(())
        };
        ledger.writeoffs(october(from), october(to), take).unwrap();
        read
    };
    let all = of_days(1, 31);
    batch.push(news[0].clone());
    batch.sort_by(|one, other| (&one.account, &one.id).cmp(&(&other.account, &other.id)));
    assert_eq!(all, batch, "by the bytes of the account, then of the id");
    let some = of_days(3, 4);
    assert!(!some.is_empty() && some.iter().all(|writeoff| (3..=4).contains(&writeoff.date.day())));
    assert_eq!(some.len(), batch.iter().filter(|writeoff| (3..=4).contains(&writeoff.date.day())).count());
}

pub fn an_id_of_a_write_off_is_one_over_all_accounts(ledger: &Ledger) {
    account(ledger, "100500");
    account(ledger, "100501");
    let of = |account: &str| writeoff("1", account, 1, 100);
    assert_eq!(ledger.add_writeoffs(vec![of("100500")], AT).unwrap(), Ok(WriteOffsAdded { added: 1, repeated: 0 }));
    let refused = ledger.add_writeoffs(vec![of("100501")], AT).unwrap().unwrap_err();
    assert_eq!(refused.faults.iter().map(|(at, fault)| (*at, fault.code)).collect::<Vec<_>>(), [(0, "id-reused")]);
    assert_eq!((balance(ledger, "100501"), entries(ledger).len()), (0, 1));
}

/// Makes entries of two accounts, providers and currencies over four days, and compares every kind of query with a scan of all
/// entries.
pub fn statistics_are_of_the_entries(ledger: &Ledger) {
    const DAY: u64 = 86_400;
    for number in ["1", "2"] {
        account(ledger, number);
    }
    for at in 0..120_u64 {
        let account = if at % 3 == 0 { "1" } else { "2" };
        let amount = if at % 5 == 0 { Money { minor_units: 7, currency: Currency::parse("USD").unwrap() } } else { rub(100) };
        let when = AT + at * DAY / 30;
        if at % 4 == 0 {
            // Write-offs count by their dates, which lie before, within and after the days on which they are added.
            let day = u8::try_from(1 + at % 27).unwrap();
            ledger.add_writeoffs(vec![writeoff(&format!("w{at}"), account, day, 100)], when).unwrap().unwrap();
        } else {
            let provider = if at % 7 == 0 { "other" } else { "chronopay" };
            let order =
                NewOrder { account: account.parse().unwrap(), provider: provider.parse().unwrap(), ..new_order(amount) };
            let order = ledger.create_order(order, AT).unwrap().unwrap();
            let event = Event { provider: provider.parse().unwrap(), ..payment(&order, &at.to_string()) };
            record(ledger, event, callback(provider, when));
        }
    }
    assert_eq!(ledger.check().unwrap(), []);
    let all = entries(ledger);
    assert_eq!(all.len(), 120);
    let mut asked = 0;
    for account in [None, Some("1"), Some("3")] {
        for kind in [None, Some(EntryKind::Payment), Some(EntryKind::Refund)] {
            for provider in [None, Some("other")] {
                for (from, until) in [(None, None), (Some(AT + DAY), None), (Some(AT + DAY), Some(AT + 3 * DAY))] {
                    let (account, provider) = (account.map(AccountNumber::stored), provider.map(ProviderName::stored));
                    let filter = EntryFilter { account, kind, provider, from, until };
                    asked += statistic(ledger, &filter, &all);
                }
            }
        }
    }
    assert!(asked > 500, "most filters leave entries: {asked}");
}

/// Compares one filter's statistics with all entries. Returns how many entries match the filter.
fn statistic(ledger: &Ledger, filter: &EntryFilter, all: &[Entry]) -> usize {
    let is_of = |entry: &&Entry, from: Option<u64>, until: Option<u64>| {
        filter.account.as_ref().is_none_or(|account| entry.account == *account)
            && filter.kind.is_none_or(|kind| entry.kind == kind)
            && filter.provider.as_ref().is_none_or(|provider| entry.provider.as_ref() == Some(provider))
            && from.is_none_or(|from| entry.counted_at() >= from)
            && until.is_none_or(|until| entry.counted_at() < until)
    };
    let mut want: Vec<Entry> = all.iter().filter(|entry| is_of(entry, filter.from, filter.until)).cloned().collect();
    want.sort_by_key(|entry| std::cmp::Reverse(entry.cursor()));
    // Forward in pages of 7, and one page back.
    let mut pages = vec![ledger.page(filter, PageStart::Latest, 7).unwrap()];
    while let Some(last) = pages.last().unwrap().last() {
        pages.push(ledger.page(filter, PageStart::Before(last.cursor()), 7).unwrap());
    }
    assert_eq!(pages.concat(), want, "{filter:?}");
    if let [.., before, last, _] = &pages[..] {
        assert_eq!(&ledger.page(filter, PageStart::After(last[0].cursor()), 7).unwrap(), before, "{filter:?}");
    }
    let (mut read, mut list) = (Vec::new(), Pages::new(filter.clone(), 50));
    loop {
        let page = ledger.next_page(&mut list).unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, want, "{filter:?}");

    let [from, until] = [filter.from.map(|from| from - from % 3600), filter.until.map(|until| until.div_ceil(3600) * 3600)];
    let hours = ledger.hours(filter).unwrap();
    let mut whole: Vec<&Entry> = all.iter().filter(|entry| is_of(entry, from, until)).collect();
    for HourlyTotal { hour, kind, provider, count, amount } in hours {
        let (of_hour, others) = whole.into_iter().partition::<Vec<&Entry>, _>(|entry| {
            let at = entry.counted_at();
            let key = (at - at % 3600, entry.kind, &entry.provider, entry.amount.currency);
            key == (hour, kind, &provider, amount.currency)
        });
        let sum: i64 = of_hour.iter().map(|entry| entry.amount.minor_units).sum();
        assert_eq!((of_hour.len() as u64, sum), (count, amount.minor_units), "{filter:?} {hour}");
        whole = others;
    }
    assert_eq!(whole, Vec::<&Entry>::new(), "{filter:?}: every entry is in an hour");
    want.len()
}

/// Entries made while a list is read are not in it, whatever their time. Entries that existed before are in it once.
pub fn a_list_has_the_entries_of_its_start(ledger: &Ledger) {
    account(ledger, "1");
    let enter = |tag: &str, at: u64| {
        let writeoffs = (0..10).map(|number| writeoff(&format!("{tag}{number}"), "1", 1, 1)).collect();
        ledger.add_writeoffs(writeoffs, at).unwrap().unwrap();
    };
    enter("a", AT);
    enter("b", AT + 100);
    let mut want = entries(ledger);
    want.reverse();
    let (mut list, mut read) = (Pages::new(EntryFilter::default(), 3), Vec::new());
    for round in 0_u64.. {
        let page = ledger.next_page(&mut list).unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
        // The clock may have been set back.
        [AT - 50, AT, AT + 50, AT + 200].iter().for_each(|at| enter(&format!("{round}-{at}-"), *at));
    }
    assert_eq!(read, want);
}
