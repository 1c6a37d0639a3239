//! Prints a generated month of write-offs, one JSON record per line, in the format that `host-harness export --rows` reads.
//!
//! `cargo run --release -p end-to-end --example month -- 100000 [old]`. `old` limits the VAT rates to those of EnterpriseData
//! 1.8.

use std::io::{self, BufWriter, Write};

use end_to_end::month::{OLD_RATES, RATES, month};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rows = arguments.next().and_then(|rows| rows.parse().ok());
    let rows = rows.ok_or_else(|| io::Error::other("the number of write-offs is needed, such as 100000"))?;
    let rates = if arguments.next().as_deref() == Some("old") { OLD_RATES } else { RATES };
    let mut out = BufWriter::new(io::stdout().lock());
    for row in month(rows, rates) {
        serde_json::to_writer(&mut out, &row)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
