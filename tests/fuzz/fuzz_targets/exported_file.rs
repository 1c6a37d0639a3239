#![no_main]

fuzz_targets::target!(exported_file);
