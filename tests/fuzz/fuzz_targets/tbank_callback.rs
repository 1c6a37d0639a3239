#![no_main]

fuzz_targets::target!(tbank_callback);
