//! Rules about all write-offs of an export together, whatever its format: a provider cannot check them within its memory.

use std::collections::HashMap;

use domain::{ExportRow, Problem};
use sha2::{Digest, Sha256};

use crate::names::without_extra_spaces;

/// What the rows so far contained. It stores 16 bytes of each id, and the name of each buyer with a tax number: some 50 MB for
/// a million write-offs.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// The row of each id. Half of the id's SHA-256 stands for the id.
    ids: HashMap<[u8; 16], u64>,
    /// By the tax numbers: the name, and the row in which it came first.
    names: HashMap<String, (String, u64)>,
}

impl Checks {
    /// Reports what the `row`th write-off, counted from 1, contradicts.
    pub fn add(&mut self, row: u64, writeoff: &ExportRow) -> Vec<Problem> {
        let id = self.id(row, writeoff);
        id.into_iter().chain(self.name(row, writeoff)).collect()
    }

    fn id(&mut self, row: u64, writeoff: &ExportRow) -> Option<Problem> {
        let digest = Sha256::digest(&writeoff.id);
        let first = *self.ids.entry(digest.first_chunk().copied().unwrap_or_default()).or_insert(row);
        let message = format!(
            "The id stands in row {first} already; an id is unique over all accounts, and each charge is exported once."
        );
        (first != row).then(|| problem(row, writeoff, "id", &message))
    }

    fn name(&mut self, row: u64, writeoff: &ExportRow) -> Option<Problem> {
        let party = &writeoff.subscriber;
        let foreign = writeoff.extra.iter().find(|(name, _)| name == "foreign-tax-number").map_or("", |(_, value)| value);
        let (what, number) = match (party.inn.as_str(), party.kpp.as_str(), foreign) {
            ("", _, "") => return None,
            ("", _, foreign) => ("foreign tax number", foreign.to_owned()),
            (inn, "", _) => ("INN", inn.to_owned()),
            (inn, kpp, _) => ("INN and KPP", format!("{inn}/{kpp}")),
        };
        let name = without_extra_spaces(&party.name);
        let key = format!("{what} {number}");
        let (known, first) = self.names.entry(key).or_insert_with(|| (name.clone(), row));
        if *known == name {
            return None;
        }
        let message = format!(
            "The {what} {number} is of {known:?} in row {first} and of {name:?} here: 1C would take them for one buyer. Correct the number, \
             or write one name."
        );
        Some(problem(row, writeoff, "subscriber.name", &message))
    }
}

fn problem(row: u64, writeoff: &ExportRow, field: &str, message: &str) -> Problem {
    Problem::new("invalid", format!("Write-off {:?}: {message}", writeoff.id)).at(field).of_row(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::writeoff;

    fn person(id: &str, name: &str, inn: &str) -> ExportRow {
        let mut row = ExportRow { id: id.into(), account: id.parse().unwrap(), ..writeoff() };
        (row.subscriber.name, row.subscriber.inn) = (name.into(), inn.into());
        row
    }

    #[test]
    fn an_id_is_unique_over_all_accounts() {
        let mut checks = Checks::default();
        assert_eq!(checks.add(1, &person("w", "А", "")), []);
        assert_eq!(checks.add(2, &person("w2", "Б", "")), []);
        let [problem] = &checks.add(3, &ExportRow { account: "2".parse().unwrap(), ..person("w", "В", "") })[..] else {
            panic!()
        };
        assert_eq!((problem.row, problem.field.as_deref()), (Some(3), Some("id")));
        assert!(problem.message.contains("in row 1 already"), "{problem:?}");
    }

    #[test]
    fn a_tax_number_has_one_name() {
        let mut checks = Checks::default();
        let inn = "770123456703";
        assert_eq!(checks.add(1, &person("1", "Петров Иван", inn)), []);
        assert_eq!(checks.add(2, &person("2", " Петров  Иван", inn)), []);
        assert_eq!(checks.add(3, &person("3", "Иванова Анна", "")), []);
        let [problem] = &checks.add(4, &person("4", "Иванова Анна", inn))[..] else { panic!() };
        assert_eq!((problem.row, problem.field.as_deref()), (Some(4), Some("subscriber.name")));
        assert!(problem.message.contains("of \"Петров Иван\" in row 1 and of \"Иванова Анна\""), "{problem:?}");
        // A branch has a KPP of its own.
        let branch = |kpp: &str, name: &str| {
            let mut row = person(name, name, "7701234560");
            row.subscriber.kpp = kpp.into();
            row
        };
        assert_eq!(checks.add(5, &branch("770101001", "Ромашка")), []);
        assert_eq!(checks.add(6, &branch("780101001", "Филиал Ромашки")), []);
        assert_eq!(checks.add(7, &branch("780101001", "Лютик")).len(), 1);
        let foreign = |id: &str, name: &str| ExportRow {
            extra: vec![("foreign-tax-number".into(), "DE1".into())],
            ..person(id, name, "")
        };
        assert_eq!(checks.add(8, &foreign("8", "Acme")), []);
        assert_eq!(checks.add(9, &foreign("9", "Other")).len(), 1);
    }
}
