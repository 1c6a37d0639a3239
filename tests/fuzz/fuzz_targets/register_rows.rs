#![no_main]

fuzz_targets::target!(register_rows);
