//! A host is killed while it accepts payments, and while it pays back.

use host_tests::torture::refunds::{PaysBack, torture_refunds};
use host_tests::torture::torture;
use stand_in::api::tbank::TBank;
use stand_in::api::yookassa::YooKassa;

const ROUNDS: usize = 20;
const REFUNDS: usize = 12;

fn seed() -> u64 {
    let seed = std::env::var("TORTURE_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("to repeat it, set TORTURE_SEED={seed}");
    seed
}

#[test]
fn killed_host_loses_no_acknowledged_payment_and_credits_none_twice() {
    let seed = seed();
    let tally = torture(ROUNDS, seed);
    println!("{tally}");
    assert!(tally.findings.is_empty(), "TORTURE_SEED={seed}: {:#?}", tally.findings);
    assert!(tally.in_flight > 0 && tally.followed > 0, "the kills must hit a working host: {tally}");
}

fn pays_back<S: PaysBack>() {
    let seed = seed();
    let tally = torture_refunds::<S>(REFUNDS, seed);
    println!("{tally}");
    assert!(tally.findings.is_empty(), "TORTURE_SEED={seed}: {:#?}", tally.findings);
    assert!(tally.kills > 0 && tally.requests > 0 && tally.made > 0, "the kills must hit a host at work: {tally}");
}

#[test]
fn killed_host_pays_back_once_where_refunds_are_known_by_keys() {
    pays_back::<YooKassa>();
}

#[test]
fn killed_host_pays_back_at_most_once_where_refunds_have_no_keys() {
    pays_back::<TBank>();
}
