#![no_main]

fuzz_targets::target!(host_records);
