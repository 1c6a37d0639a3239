//! What the fuzz targets share.

use std::path::Path;

/// A fuzz target that passes its inputs to the entry with the same name, and starts with that entry's seeds.
#[macro_export]
macro_rules! target {
    ($entry:ident) => {
        libfuzzer_sys::fuzz_target!(init: $crate::seed(stringify!($entry)), |bytes: &[u8]| end_to_end::entries::$entry(bytes));
    };
}

/// Writes an entry's seeds to cargo-fuzz's corpus folder, which libFuzzer reads afterwards.
pub fn seed(entry: &str) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(entry);
    std::fs::create_dir_all(&corpus).expect("the corpus can be made");
    for (at, seed) in end_to_end::entries::seeds(entry).iter().enumerate() {
        std::fs::write(corpus.join(format!("seed-{at}")), seed).expect("the corpus can be written");
    }
}
