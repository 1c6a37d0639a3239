#![no_main]

fuzz_targets::target!(osmp_callback);
