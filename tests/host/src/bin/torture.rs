//! `cargo xtask torture`: kills a host while it accepts payments, for any number of rounds.

use std::process::ExitCode;

use clap::Parser;
use host_tests::torture::torture;

/// Kills a host that takes payments, and compares what it then has with what it had answered.
#[derive(Parser)]
struct Arguments {
    /// How often.
    #[arg(long)]
    rounds: usize,
    /// What chooses everything; without it, a fresh one.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let Arguments { rounds, seed } = Arguments::parse();
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    let tally = torture(rounds, seed);
    println!("{tally}");
    let findings = &tally.findings;
    for finding in findings.lost.iter().chain(&findings.double).chain(&findings.wrong) {
        println!("{finding}");
    }
    if tally.in_flight == 0 {
        println!("no kill came while a callback was on its way: nothing was shown");
    }
    if findings.is_empty() && tally.in_flight > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
