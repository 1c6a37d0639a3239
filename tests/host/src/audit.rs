//! What a ledger must contain after callbacks were sent and some of them answered. Judged by facts rather than by the host's
//! rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::{CallbackSpec, Entry, Type, Waiting};

/// A fact about money whose callback was, or will be, sent at least once.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Its callback.
    pub spec: CallbackSpec,
    /// The order's account.
    pub account: String,
    /// Whether another transaction pays the same order. If so, one of them is entered and the others wait.
    pub has_rival: bool,
    /// Whether it was answered 200.
    pub is_answered: bool,
}

/// What a host shows.
#[derive(Clone, Default, Debug)]
pub struct Seen {
    /// The whole feed.
    pub feed: Vec<Entry>,
    /// The events that wait for an operator.
    pub waiting: Vec<Waiting>,
    /// Balances by account.
    pub balances: BTreeMap<String, i64>,
}

/// Violations, as sentences.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Findings {
    /// Callbacks that were answered 200 but are missing.
    pub lost: Vec<String>,
    /// Callbacks that were entered or stored more than once, and orders that were paid more than once.
    pub double: Vec<String>,
    /// Everything else: a wrong sum, a wrong number in the feed, an entry for something that was never sent.
    pub wrong: Vec<String>,
}

impl Findings {
    /// Adds the findings of another audit.
    pub fn add(&mut self, other: Findings) {
        self.lost.extend(other.lost);
        self.double.extend(other.double);
        self.wrong.extend(other.wrong);
    }

    /// Reports whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.double.is_empty() && self.wrong.is_empty()
    }
}

/// The kind, transaction and amount of a fact. Exactly one entry may have them.
type Key<'f> = (&'f str, u64, i64);

/// Compares all facts that were ever sent to a host with what it shows.
pub fn audit(facts: &[Fact], seen: &Seen) -> Findings {
    let mut findings = Findings { wrong: places(&seen.feed), ..Findings::default() };
    let mut entries: BTreeMap<Key, Vec<&Entry>> = BTreeMap::new();
    for entry in &seen.feed {
        entries.entry((&entry.kind, entry.transaction.unwrap_or(0), entry.kopecks.abs())).or_default().push(entry);
    }
    let mut waiting: BTreeMap<Key, usize> = BTreeMap::new();
    for waits in &seen.waiting {
        *waiting.entry((&waits.kind, waits.transaction, waits.kopecks)).or_default() += 1;
    }
    let mut paid: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in seen.feed.iter().filter(|entry| entry.kind == "payment") {
        *paid.entry(entry.order.as_deref().unwrap_or("none")).or_default() += 1;
    }
    for (order, times) in &paid {
        if *times > 1 {
            findings.double.push(format!("the order {order} is paid {times} times"));
        }
    }
    for fact in facts {
        let Fact { spec, account, has_rival, is_answered } = fact;
        let key = (spec.what.entry_kind(), spec.transaction, spec.kopecks);
        let (entered, waits) = (entries.remove(&key).unwrap_or_default(), waiting.remove(&key).unwrap_or(0));
        if entered.len() + waits > 1 {
            findings.double.push(format!("{spec:?} is entered {} times and waits {waits} times", entered.len()));
        }
        // A refund that arrives before its payment waits for an operator.
        let may_wait = *has_rival || spec.what.sign() == Some(-1);
        if *is_answered && entered.is_empty() && (waits == 0 || !may_wait) {
            findings.lost.push(format!("{spec:?} was answered 200; it is not entered, and waits {waits} times"));
        }
        if *is_answered && spec.what == Type::Purchase && !paid.contains_key(spec.order.as_str()) {
            findings.lost.push(format!("{spec:?} was answered 200; its order is not paid"));
        }
        let kopecks = spec.what.sign().unwrap_or(0) * spec.kopecks;
        for entry in entered {
            if (&entry.account, entry.order.as_ref(), entry.kopecks) != (account, Some(&spec.order), kopecks) {
                findings.wrong.push(format!("{spec:?} of {account} became {entry:?}"));
            }
        }
    }
    findings.wrong.extend(entries.into_values().flatten().map(|entry| format!("{entry:?} is of nothing that was sent")));
    findings.wrong.extend(waiting.into_keys().map(|key| format!("{key:?} waits, and was not sent")));
    findings.wrong.extend(sums(seen));
    findings
}

/// The numbers in a feed are 1, 2, 3 and so on.
fn places(feed: &[Entry]) -> Vec<String> {
    let misplaced = feed.iter().zip(1..).filter(|(entry, place)| entry.seq != *place);
    misplaced.map(|(entry, place)| format!("at the place {place} of the feed is {}", entry.seq)).collect()
}

/// An account's balance is the sum of its entries.
fn sums(seen: &Seen) -> Vec<String> {
    let accounts: BTreeSet<&String> = seen.feed.iter().map(|entry| &entry.account).chain(seen.balances.keys()).collect();
    let compared = accounts.into_iter().map(|account| {
        let of_entries: i64 = seen.feed.iter().filter(|entry| entry.account == *account).map(|entry| entry.kopecks).sum();
        (account, seen.balances.get(account).copied().unwrap_or(0), of_entries)
    });
    let differ = compared.filter(|(_, balance, of_entries)| balance != of_entries);
    differ.map(|(account, balance, sum)| format!("{account} has {balance}, and entries of {sum}")).collect()
}

/// The feed must begin with what was read of it before.
pub fn begins(feed: &[Entry], before: &[Entry]) -> Findings {
    let differs = before.iter().enumerate().find(|(at, entry)| feed.get(*at) != Some(entry));
    let differs = differs.map(|(at, entry)| format!("the feed had {entry:?}, and now has {:?} there", feed.get(at)));
    Findings { wrong: differs.into_iter().collect(), ..Findings::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, spec: &CallbackSpec) -> Entry {
        Entry {
            seq,
            account: "a".into(),
            kind: spec.what.entry_kind().into(),
            kopecks: spec.what.sign().unwrap() * spec.kopecks,
            order: Some(spec.order.clone()),
            transaction: Some(spec.transaction),
        }
    }

    fn fact(spec: CallbackSpec, is_answered: bool, has_rival: bool) -> Fact {
        Fact { spec, account: "a".into(), has_rival, is_answered }
    }

    /// Returns a payment with a refund, two rivals for one order, and a payment that was not answered.
    fn good() -> (Vec<Fact>, Seen) {
        let paid = CallbackSpec::payment("1", 10, 500);
        let (first, second) = (CallbackSpec::payment("2", 20, 70), CallbackSpec::payment("2", 21, 70));
        let facts = vec![
            fact(paid.clone(), true, false),
            fact(CallbackSpec { kopecks: 200, ..paid.of_type(Type::Refund) }, true, false),
            fact(first, true, true),
            fact(second.clone(), true, true),
            fact(CallbackSpec::payment("3", 30, 1), false, false),
        ];
        let feed = vec![entry(1, &paid), entry(2, &facts[1].spec), entry(3, &second)];
        let waiting =
            vec![Waiting { id: 1, reason: "already-paid".into(), kind: "payment".into(), kopecks: 70, transaction: 20 }];
        (facts, Seen { feed, waiting, balances: BTreeMap::from([("a".into(), 370)]) })
    }

    #[test]
    fn every_discrepancy_is_found() {
        let (facts, seen) = good();
        assert_eq!(audit(&facts, &seen), Findings::default());
        type Harm = fn(&mut Seen);
        type Found = fn(&Findings) -> bool;
        let (lost, double, wrong): (Found, Found, Found) =
            (|found| !found.lost.is_empty(), |found| !found.double.is_empty(), |found| !found.wrong.is_empty());
        let harms: [(&str, Harm, Found); 12] = [
            ("an answered payment is gone", |seen| drop(seen.feed.remove(0)), lost),
            ("an answered refund is gone", |seen| drop(seen.feed.remove(1)), lost),
            ("a rival is gone", |seen| seen.waiting.clear(), lost),
            ("both rivals wait, and the order is not paid", |seen| drop(seen.feed.pop()), lost),
            (
                "a payment waits instead",
                |seen| {
                    seen.feed.remove(0);
                    let waits = Waiting { id: 2, transaction: 10, kopecks: 500, ..seen.waiting[0].clone() };
                    seen.waiting.push(waits);
                },
                lost,
            ),
            ("a payment twice", |seen| seen.feed.push(Entry { seq: 4, ..seen.feed[0].clone() }), double),
            (
                "a payment is entered and waits",
                |seen| {
                    let waits = Waiting { id: 2, transaction: 21, ..seen.waiting[0].clone() };
                    seen.waiting.push(waits);
                },
                double,
            ),
            (
                "both rivals are entered",
                |seen| {
                    seen.waiting.clear();
                    seen.feed.push(Entry { seq: 4, transaction: Some(20), ..seen.feed[2].clone() });
                },
                double,
            ),
            ("a gap", |seen| seen.feed[2].seq = 4, wrong),
            ("a balance", |seen| *seen.balances.get_mut("a").unwrap() += 1, wrong),
            ("another's account", |seen| seen.feed[0].account = "b".into(), wrong),
            (
                "an entry of nothing",
                |seen| seen.feed.push(Entry { seq: 4, transaction: Some(99), ..seen.feed[0].clone() }),
                wrong,
            ),
        ];
        for (name, harm, is_found) in harms {
            let mut harmed = seen.clone();
            harm(&mut harmed);
            let found = audit(&facts, &harmed);
            assert!(is_found(&found), "{name}: {found:?}");
        }
    }

    #[test]
    fn changed_feed_is_found() {
        let (_, Seen { feed, .. }) = good();
        assert!(begins(&feed, &feed[..2]).is_empty());
        assert!(!begins(&feed[..2], &feed).is_empty(), "an entry is gone");
        assert!(!begins(&feed, &feed[1..]).is_empty(), "a reader of the feed missed an entry");
        let swapped = [feed[1].clone(), feed[0].clone()];
        assert!(!begins(&feed, &swapped).is_empty(), "the order changed");
    }
}
