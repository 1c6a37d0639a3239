//! A host is killed while it accepts payments.

use host_tests::torture::torture;

const ROUNDS: usize = 20;

#[test]
fn killed_host_loses_no_acknowledged_payment_and_credits_none_twice() {
    let seed = std::env::var("TORTURE_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("to repeat it, set TORTURE_SEED={seed}");
    let tally = torture(ROUNDS, seed);
    println!("{tally}");
    assert!(tally.findings.is_empty(), "TORTURE_SEED={seed}: {:#?}", tally.findings);
    assert!(tally.in_flight > 0 && tally.followed > 0, "the kills must hit a working host: {tally}");
}
