//! Runs the fuzzing entries on random bytes and on slightly damaged valid inputs.

use end_to_end::entries::{self, Entry, seeds};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// Bytes that are significant in some format.
const TELLING: &[u8] = b"&=%+;\"'\n\r\0\x1e\x1f\xff-.0129aAzZ\xd0\x9f{}[],";

#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Put(Index, Index),
    Insert(Index, Index),
    Cut(Index, Index),
    Repeat(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let places = any::<(Index, Index)>();
    prop_oneof![
        (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        places.clone().prop_map(|(at, byte)| Damage::Put(at, byte)),
        places.clone().prop_map(|(at, byte)| Damage::Insert(at, byte)),
        places.clone().prop_map(|(from, to)| Damage::Cut(from, to)),
        places.prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let length = bytes.len();
        let place = |at: &Index| at.index(length + 1);
        let range = |from: &Index, to: &Index| {
            let (from, to) = (place(from), place(to));
            from.min(to)..from.max(to).min(from.min(to) + 64)
        };
        match damage {
            Damage::Flip(at, bit) if length > 0 => bytes[at.index(length)] ^= 1 << bit,
            Damage::Put(at, byte) if length > 0 => bytes[at.index(length)] = TELLING[byte.index(TELLING.len())],
            Damage::Flip(..) | Damage::Put(..) => {}
            Damage::Insert(at, byte) => bytes.insert(place(at), TELLING[byte.index(TELLING.len())]),
            Damage::Cut(from, to) => drop(bytes.drain(range(from, to))),
            Damage::Repeat(from, to) => {
                let part = bytes[range(from, to)].to_vec();
                let at = place(from);
                drop(bytes.splice(at..at, part));
            }
        }
    }
    bytes
}

fn check(name: &str, cases: u32) {
    let (_, entry): (_, Entry) = entries::ALL.into_iter().find(|(other, _)| *other == name).unwrap();
    let seeds = seeds(name);
    entry(b"");
    seeds.iter().for_each(|seed| entry(seed));
    let config = || Config { cases, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config()).run(&vec(any::<u8>(), 0..400), |bytes| {
        entry(&bytes);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{name}: {error}"));
    let from_a_seed = (any::<Index>(), vec(damage(), 1..6));
    let ran = TestRunner::new(config()).run(&from_a_seed, |(seed, damages)| {
        entry(&damaged(seeds[seed.index(seeds.len())].clone(), &damages));
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{name}: {error}"));
}

macro_rules! entries {
    ($($name:ident $cases:literal,)*) => {
        $(#[test] fn $name() { check(stringify!($name), $cases); })*

        #[test]
        fn every_entry_has_a_test() {
            assert_eq!(entries::ALL.map(|(name, _)| name), [$(stringify!($name)),*]);
        }
    };
}

entries! {
    form 2000,
    money 2000,
    settings 1000,
    callback 2000,
    signed_callback 2000,
    link 1000,
    register 1000,
    enterprise_data 1000,
    exported_file 1000,
    register_rows 1000,
    // A damaged component may be compiled, which is slow.
    component 200,
    host_records 1000,
    component_callback 1000,
    robokassa_callback 2000,
    robokassa_link 1000,
    cloudpayments_callback 1000,
    yookassa_callback 1000,
    tbank_callback 1000,
    osmp_callback 1000,
}
