//! The project's automation: `cargo xtask demo | test | tidy | build | contract | bench | fuzz | torture`.

mod bench;
mod build;
mod contract;
mod demo;
mod fuzz;
mod lanes;
mod languages;
mod onec;
mod run;
mod test;
mod tidy;
mod wasm_target;

use clap::{Parser, Subcommand};

use crate::lanes::Lane;

/// Builds, tests and shows the project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the component and the host and shows them at work, with a stand-in for the payment system; then serves.
    Demo {
        /// Ends when all was shown, and does not go on serving.
        #[arg(long)]
        once: bool,
    },
    /// Everything that CI runs: formatting, lints, tests, documentation, reproducible components.
    Test {
        /// What takes some minutes alone: xtask/lanes.toml says what.
        #[arg(long)]
        quick: bool,
    },
    /// Holds the rules that no compiler knows: who may use whom, no circles of modules, sizes, links between documents.
    Tidy,
    /// Leaves target/components/*.wasm and target/release/host-harness.
    Build,
    /// Compares the contract in wit/ with every release of it in wit/released/: components in use must survive a change.
    Contract,
    /// Measures what users wait for, as ratios within one run: a table, and target/bench.json.
    Bench {
        /// What is measured; all of it where this is left out.
        #[arg(value_enum)]
        what: Option<bench::Bench>,
    },
    /// Runs every fuzz target on the nightly toolchain.
    Fuzz {
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Only this target.
        #[arg(long)]
        target: Option<String>,
    },
    /// Kills a host that takes payments and pays back, again and again, and compares what it has with what it had answered and what
    /// the payment systems did.
    Torture {
        /// How often it is killed while it takes payments; 0 for never.
        #[arg(long, default_value_t = 200)]
        rounds: u32,
        /// How many refunds it is asked for at each of two payment systems; 0 for none.
        #[arg(long, default_value_t = 200)]
        refunds: u32,
        /// What chooses everything; without it, a fresh one, which is printed.
        #[arg(long)]
        seed: Option<u64>,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Demo { once } => demo::demo(once),
        Task::Test { quick } => test::test(if quick { Lane::Quick } else { Lane::Full }),
        Task::Tidy => tidy::tidy(),
        Task::Build => build::build(build::Scope::Tests).map(drop),
        Task::Contract => contract::contract(),
        Task::Bench { what } => bench::bench(what),
        Task::Fuzz { seconds, target } => fuzz::fuzz(seconds, target.as_deref()),
        Task::Torture { rounds, refunds, seed } => {
            build::build(build::Scope::Tests)?;
            let mut torture = std::process::Command::new(run::target_dir().join("release/torture"));
            torture
                .args([format!("--rounds={rounds}"), format!("--refunds={refunds}")])
                .args(seed.map(|seed| format!("--seed={seed}")));
            run::run(&mut torture)
        }
    }
}
