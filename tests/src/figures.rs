//! The results of a benchmark, written as JSON. `cargo xtask bench` collects and prints them.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::target_dir;

/// A line of the table.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The unit of `median` and `p99`, such as `µs`.
    pub unit: &'static str,
    /// The median of the samples.
    pub median: f64,
    /// The 99th percentile; `None` if there are fewer than 100 samples.
    pub p99: Option<f64>,
    /// The median divided by that of another figure of the same run.
    pub ratio: Option<f64>,
    /// The name of that other figure.
    pub to: Option<String>,
    /// The bound for the ratio or, if there is none, for the median.
    pub goal: Option<Goal>,
}

/// A bound.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// It should be at most this.
    AtMost(f64),
    /// It should be at least this.
    AtLeast(f64),
}

impl Figure {
    /// Summarizes samples in any order. There must be at least one.
    pub fn of(name: &str, unit: &'static str, mut samples: Vec<f64>) -> Figure {
        samples.sort_by(f64::total_cmp);
        let part = |part: f64| samples[((samples.len() - 1) as f64 * part) as usize];
        let p99 = (samples.len() >= 100).then(|| part(0.99));
        Figure { name: name.to_owned(), unit, median: part(0.5), p99, ratio: None, to: None, goal: None }
    }

    /// Summarizes times, in microseconds.
    pub fn of_times(name: &str, times: &[Duration]) -> Figure {
        Figure::of(name, "µs", times.iter().map(|time| time.as_secs_f64() * 1e6).collect())
    }

    /// Sets the ratio to another figure.
    #[must_use]
    pub fn to(mut self, other: &Figure) -> Figure {
        self.ratio = Some(self.median / other.median);
        self.to = Some(other.name.clone());
        self
    }

    /// Sets the goal.
    #[must_use]
    pub fn goal(mut self, goal: Goal) -> Figure {
        self.goal = Some(goal);
        self
    }
}

/// Writes a benchmark's figures to where `cargo xtask bench` reads them.
pub fn write(benchmark: &str, figures: &[Figure]) {
    let folder = target_dir().join("bench");
    std::fs::create_dir_all(&folder).expect("the target directory is writable");
    let text = serde_json::to_string_pretty(figures).expect("figures are JSON");
    std::fs::write(folder.join(format!("{benchmark}.json")), text).expect("the target directory is writable");
}

/// Times functions side by side. In each of `rounds`, each function runs `times` times in a row. So a disturbance of the
/// machine affects all of them, and none runs on the caches that another one filled. Returns the times of each.
pub fn side_by_side<const N: usize>(rounds: usize, times: usize, mut run: [&mut dyn FnMut(); N]) -> [Vec<Duration>; N] {
    let mut taken = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (run, taken) in run.iter_mut().zip(&mut taken) {
            // The first calls of a row fill the caches, and the first round everything else.
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
