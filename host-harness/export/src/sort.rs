//! Sorts write-offs by account, in bounded memory.

use std::io::{self, Read, Write};
use std::path::Path;

use domain::ExportRow;
use extsort::{ExternalSorter, Sortable};

/// How many write-offs are sorted in memory; more go through files. A write-off is mostly below a kilobyte.
const ROWS_IN_MEMORY: usize = 16_384;

/// A write-off with its index in the input, which orders the write-offs of one account.
struct Placed {
    at: u64,
    row: ExportRow,
}

impl Sortable for Placed {
    fn encode<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        let row = serde_json::to_vec(&self.row)?;
        writer.write_all(&self.at.to_le_bytes())?;
        writer.write_all(&(row.len() as u64).to_le_bytes())?;
        writer.write_all(&row)
    }

    fn decode<R: Read>(reader: &mut R) -> io::Result<Placed> {
        let mut number = || {
            let mut bytes = [0; 8];
            reader.read_exact(&mut bytes).map(|()| u64::from_le_bytes(bytes))
        };
        let (at, length) = (number()?, number()?);
        let mut row = Vec::new();
        reader.take(length).read_to_end(&mut row)?;
        Ok(Placed { at, row: serde_json::from_slice(&row)? })
    }
}

/// Sorts write-offs by account, in the order of bytes. Those of one account keep their order. What does not fit into memory
/// goes through files in `folder`, which are removed afterwards.
///
/// # Errors
/// The first error of the rows, or an error of the disk.
pub fn by_account<E: From<io::Error>>(
    rows: impl Iterator<Item = Result<ExportRow, E>>,
    folder: &Path,
) -> Result<impl Iterator<Item = io::Result<ExportRow>>, E> {
    // A folder of its own, because the sorter chooses its file names freely.
    let folder = tempfile::Builder::new().prefix(".host-harness-").suffix(".tmp").tempdir_in(folder)?;
    let sorter = ExternalSorter::new().with_segment_size(ROWS_IN_MEMORY).with_sort_dir(folder.path().to_owned());
    let mut sorter =
        sorter.pushed_by(|one: &Placed, other: &Placed| one.row.account.cmp(&other.row.account).then(one.at.cmp(&other.at)));
    for (at, row) in (0..).zip(rows) {
        sorter.push(Placed { at, row: row? })?;
    }
    Ok(sorter.done()?.map(move |placed| {
        // The folder lives as long as the rows do.
        let _ = &folder;
        placed.map(|placed| placed.row)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Date, Money, Party, PartyKind};
    use money::Currency;

    fn row(at: u64, account: u64) -> ExportRow {
        let day = Date::new(2026, 10, 1).unwrap();
        ExportRow {
            id: at.to_string(),
            account: account.to_string().parse().unwrap(),
            subscriber: Party {
                kind: PartyKind::Individual, name: "Иванов\n".into(), inn: String::new(), kpp: String::new()
            },
            contract: String::new(),
            contract_date: None,
            service_code: String::new(),
            service: "Интернет".into(),
            unit: String::new(),
            period: day,
            date: day,
            quantity_thousandths: 1000,
            amount: Money { minor_units: 100, currency: Currency::RUB },
            vat_basis_points: None,
            extra: Vec::new(),
        }
    }

    #[test]
    fn rows_go_by_account_and_keep_their_order_within() {
        let folder = tempfile::tempdir().unwrap();
        for count in [0, 1, 1000, 3 * ROWS_IN_MEMORY as u64] {
            let rows = (0..count).map(|at| Ok::<_, io::Error>(row(at, at.wrapping_mul(2_654_435_761) % 5000)));
            let sorted: Vec<ExportRow> = by_account(rows, folder.path()).unwrap().collect::<Result<_, _>>().unwrap();
            let key = |row: &ExportRow| (row.account.clone(), row.id.parse::<u64>().unwrap());
            assert!(sorted.is_sorted_by_key(key) && sorted.len() as u64 == count);
            let mut ids: Vec<u64> = sorted.iter().map(|row| row.id.parse().unwrap()).collect();
            ids.sort_unstable();
            assert!(ids.into_iter().eq(0..count));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn the_first_error_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let rows = [Ok(row(1, 1)), Err(io::Error::other("no row")), Ok(row(2, 2))];
        assert_eq!(by_account(rows.into_iter(), folder.path()).err().unwrap().to_string(), "no row");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }
}
