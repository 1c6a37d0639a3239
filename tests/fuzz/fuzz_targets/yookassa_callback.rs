#![no_main]

fuzz_targets::target!(yookassa_callback);
