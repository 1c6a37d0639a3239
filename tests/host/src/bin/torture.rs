//! `cargo xtask torture`: kills a host while it accepts payments and while it pays back, for any number of rounds and refunds.

use std::process::ExitCode;

use clap::Parser;
use host_tests::audit::Findings;
use host_tests::torture::refunds::{RefundTally, torture_refunds};
use host_tests::torture::torture;
use stand_in::api::tbank::TBank;
use stand_in::api::yookassa::YooKassa;

/// Kills a host that takes payments and pays back, and compares what it then has with what it had answered and what the payment
/// systems did.
#[derive(Parser)]
struct Arguments {
    /// How often the host is killed while it takes payments.
    #[arg(long)]
    rounds: usize,
    /// How many refunds it is asked for at each payment system, and killed meanwhile.
    #[arg(long)]
    refunds: usize,
    /// What chooses everything; without it, a fresh one.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let Arguments { rounds, refunds, seed } = Arguments::parse();
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    let mut holds = true;
    if rounds > 0 {
        let tally = torture(rounds, seed);
        println!("{tally}");
        holds &= shows(&tally.findings, tally.in_flight);
    }
    if refunds > 0 {
        for torture in [torture_refunds::<YooKassa>, torture_refunds::<TBank>] as [fn(usize, u64) -> RefundTally; 2] {
            let tally = torture(refunds, seed);
            println!("{tally}");
            holds &= shows(&tally.findings, tally.in_flight);
        }
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints what was found, and reports whether that is nothing and the kills hit a host at work.
fn shows(findings: &Findings, in_flight: usize) -> bool {
    for finding in findings.lost.iter().chain(&findings.double).chain(&findings.wrong) {
        println!("{finding}");
    }
    if in_flight == 0 {
        println!("no kill came while a request was on its way: nothing was shown");
    }
    findings.is_empty() && in_flight > 0
}
