//! What a benchmark measured: written as JSON, which `cargo xtask bench` gathers and prints.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::target_dir;

/// One line of the table.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The unit of `median` and `p99`, such as `µs`.
    pub unit: &'static str,
    /// Half of the samples are not above it.
    pub median: f64,
    /// Ninety-nine of a hundred samples are not above it; absent where there are fewer.
    pub p99: Option<f64>,
    /// The median as a multiple of another's, in the same run.
    pub ratio: Option<f64>,
    /// What the ratio is to.
    pub to: Option<String>,
    /// What is wanted of the ratio, or of the median where there is none.
    pub goal: Option<Goal>,
}

/// A bound.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// It is to be no more.
    AtMost(f64),
    /// It is to be no less.
    AtLeast(f64),
}

impl Figure {
    /// Of samples in the order in which they came; there is at least one.
    pub fn of(name: &str, unit: &'static str, mut samples: Vec<f64>) -> Figure {
        samples.sort_by(f64::total_cmp);
        let part = |part: f64| samples[((samples.len() - 1) as f64 * part) as usize];
        let p99 = (samples.len() >= 100).then(|| part(0.99));
        Figure { name: name.to_owned(), unit, median: part(0.5), p99, ratio: None, to: None, goal: None }
    }

    /// Of times, in microseconds.
    pub fn of_times(name: &str, times: &[Duration]) -> Figure {
        Figure::of(name, "µs", times.iter().map(|time| time.as_secs_f64() * 1e6).collect())
    }

    /// The figure with its ratio to another.
    #[must_use]
    pub fn to(mut self, other: &Figure) -> Figure {
        self.ratio = Some(self.median / other.median);
        self.to = Some(other.name.clone());
        self
    }

    /// The figure with what is wanted of it.
    #[must_use]
    pub fn goal(mut self, goal: Goal) -> Figure {
        self.goal = Some(goal);
        self
    }
}

/// Leaves a benchmark's figures where `cargo xtask bench` looks for them.
pub fn write(benchmark: &str, figures: &[Figure]) {
    let folder = target_dir().join("bench");
    std::fs::create_dir_all(&folder).expect("the target directory takes a folder");
    let text = serde_json::to_string_pretty(figures).expect("figures are JSON");
    std::fs::write(folder.join(format!("{benchmark}.json")), text).expect("the target directory takes a file");
}

/// Times functions side by side: in each of `rounds` each runs `times` times in a row, so that what disturbs the machine disturbs all,
/// and none runs on the caches that another left. Gives the times of each.
pub fn side_by_side<const N: usize>(rounds: usize, times: usize, mut run: [&mut dyn FnMut(); N]) -> [Vec<Duration>; N] {
    let mut taken = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (run, taken) in run.iter_mut().zip(&mut taken) {
            // The first calls of a row fill the caches, and the first round all else.
            (0..times / 10).for_each(|_| run());
            for _ in 0..times {
                let began = Instant::now();
                run();
                let time = began.elapsed();
                if round > 0 {
                    taken.push(time);
                }
            }
        }
    }
    taken
}
