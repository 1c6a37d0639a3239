//! Benchmarks. Each writes its figures to `target/bench/NAME.json`; they are collected in `target/bench.json` and printed.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::run::{cargo, run, step, target_dir};

/// The benchmarks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Bench {
    /// Callbacks and links: native, in warm and in fresh instances, and by wasmtime alone.
    Calls,
    /// Loading a component, and its parts.
    Load,
    /// 10,000 merchants and 100 components.
    Scale,
    /// A million write-offs, by the component and by the same writer as plain Rust.
    Export,
    /// Durable callbacks over HTTP, and the same entries by the ledger alone.
    Gateway,
    /// Callbacks while components are swapped in, good ones and such as are hard to compile.
    Swaps,
}

impl Bench {
    const ALL: [Bench; 6] = [Bench::Calls, Bench::Load, Bench::Scale, Bench::Export, Bench::Gateway, Bench::Swaps];

    /// Returns the name of cargo's bench target.
    fn name(self) -> &'static str {
        match self {
            Bench::Calls => "calls",
            Bench::Load => "load",
            Bench::Scale => "scale",
            Bench::Export => "export",
            Bench::Gateway => "gateway",
            Bench::Swaps => "swaps",
        }
    }
}

/// A row of the table, as a benchmark writes it.
#[derive(Serialize, Deserialize)]
struct Figure {
    name: String,
    unit: String,
    median: f64,
    p99: Option<f64>,
    ratio: Option<f64>,
    to: Option<String>,
    goal: Option<Goal>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

/// Runs one benchmark, or all of them. A missed goal is shown but is not a failure, since a busy machine misses goals.
pub fn bench(what: Option<Bench>) -> Result<()> {
    crate::build::build(crate::build::Scope::Tests)?;
    let mut figures = Vec::new();
    for bench in Bench::ALL.into_iter().filter(|bench| what.is_none_or(|what| what == *bench)) {
        step(&format!("measuring: {}", bench.name()));
        run(cargo().args(["bench", "--quiet", "--workspace", "--bench", bench.name()]))?;
        figures.extend(read(&target_dir().join("bench").join(bench.name()).with_extension("json"))?);
    }
    let all = target_dir().join("bench.json");
    std::fs::write(&all, serde_json::to_string_pretty(&figures)?).with_context(|| format!("cannot write {}", all.display()))?;
    step(&format!("the table, which is {} too", all.display()));
    println!("{}", table(&figures));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Figure>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} holds no figures", path.display()))
}

/// Formats the figures as Markdown.
fn table(figures: &[Figure]) -> String {
    let number = |number: f64| if number.abs() < 100.0 { format!("{number:.2}") } else { format!("{number:.0}") };
    let maybe = |value: Option<f64>| value.map_or(String::new(), number);
    let mut lines =
        vec!["| what | median | p99 | unit | ratio | to | goal |".to_owned(), "|---|---|---|---|---|---|---|".to_owned()];
    for Figure { name, unit, median, p99, ratio, to, goal } in figures {
        let judged = ratio.unwrap_or(*median);
        let goal = goal.as_ref().map_or(String::new(), |goal| {
            let (sign, bound, holds) = match goal {
                Goal::AtMost(most) => ("≤", most, judged <= *most),
                Goal::AtLeast(least) => ("≥", least, judged >= *least),
            };
            format!("{sign} {bound}: {}", if holds { "holds" } else { "missed" })
        });
        let (median, p99, ratio, to) = (number(*median), maybe(*p99), maybe(*ratio), to.as_deref().unwrap_or_default());
        lines.push(format!("| {name} | {median} | {p99} | {unit} | {ratio} | {to} | {goal} |"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_of_the_ratio_or_else_of_the_median() {
        let figure = |median, ratio, goal| Figure {
            name: "a".into(),
            unit: "ms".into(),
            median,
            p99: None,
            ratio,
            to: ratio.map(|_| "b".into()),
            goal: Some(goal),
        };
        let figures = [
            figure(61.0, None, Goal::AtMost(60.0)),
            figure(5287.0, Some(2.294), Goal::AtLeast(3.0)),
            figure(5.0, Some(2.0), Goal::AtMost(2.0)),
        ];
        let table = table(&figures);
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| a | 61.00 |  | ms |  |  | ≤ 60: missed |",
                "| a | 5287 |  | ms | 2.29 | b | ≥ 3: missed |",
                "| a | 5.00 |  | ms | 2.00 | b | ≤ 2: holds |",
            ]
        );
    }
}
