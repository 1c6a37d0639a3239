#![no_main]

fuzz_targets::target!(enterprise_data);
