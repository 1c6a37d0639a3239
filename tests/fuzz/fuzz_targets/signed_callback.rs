#![no_main]

fuzz_targets::target!(signed_callback);
