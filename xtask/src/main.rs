//! The project's automation: `cargo xtask demo | test | build | bench | fuzz`.

mod build;
mod demo;
mod fuzz;
mod onec;
mod run;
mod test;
mod wasm_target;

use clap::{Parser, Subcommand};

/// Builds, tests and shows the project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the component and the host and shows them at work, in about a page.
    Demo,
    /// Everything that CI runs: formatting, lints, tests, documentation, reproducible components.
    Test,
    /// Leaves target/components/*.wasm and target/release/host-harness.
    Build,
    /// Measures what users wait for, as ratios within one run.
    Bench {
        /// What is measured.
        #[arg(value_parser = ["export"])]
        what: String,
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
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Demo => demo::demo(),
        Task::Test => test::test(),
        Task::Build => build::all().map(drop),
        Task::Bench { what } => {
            build::all()?;
            run::run(run::cargo().args(["bench", "--quiet", "--package", "end-to-end", "--bench", &what]))
        }
        Task::Fuzz { seconds, target } => fuzz::fuzz(seconds, target.as_deref()),
    }
}
