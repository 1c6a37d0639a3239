//! The faults in the rows of an export.

use std::collections::HashSet;
use std::fmt;

use domain::Problem;

/// The most faults that are reported; the others are counted.
const REPORTED_MAX: usize = 100;

/// The faults of an export: the first 100, and how many more there are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// The first 100, each with its row and field where it concerns one.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more: u64,
}

impl Faults {
    /// Reports whether there are no faults.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns how many faults there are in all.
    pub fn count(&self) -> u64 {
        self.more + self.problems.len() as u64
    }

    /// Adds the faults of some rows. A field of a row that both the host and the provider report counts once.
    pub(crate) fn add(&mut self, problems: Vec<Problem>) {
        let mut seen = HashSet::new();
        for problem in problems {
            if problem.row.is_some() && !seen.insert((problem.row, problem.field.clone())) {
                continue;
            }
            if self.problems.len() < REPORTED_MAX {
                self.problems.push(problem);
            } else {
                self.more += 1;
            }
        }
    }
}

/// Writes a line for each fault, and one that counts the rest.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count() {
            1 => f.write_str("nothing was written, since a fault was found:")?,
            count => write!(f, "nothing was written, since {count} faults were found:")?,
        }
        for Problem { row, field, message, .. } in &self.problems {
            f.write_str("\n  ")?;
            if let Some(row) = row {
                write!(f, "row {row}, ")?;
            }
            if let Some(field) = field {
                write!(f, "{field}: ")?;
            }
            f.write_str(message)?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(row: u64, field: &str) -> Problem {
        Problem::new("invalid", format!("{field} is wrong.")).at(field).of_row(row)
    }

    #[test]
    fn a_hundred_are_told_and_the_rest_counted() {
        let mut faults = Faults::default();
        faults.add((0..130).map(|row| fault(row, "id")).collect());
        faults.add(vec![fault(200, "id"), fault(200, "id"), fault(200, "date")]);
        assert_eq!((faults.problems.len(), faults.more, faults.count()), (100, 32, 132));
        let text = faults.to_string();
        assert!(text.contains("\n  row 99, id: id is wrong.\n  and 32 more"), "{text}");
    }
}
