#![no_main]

fuzz_targets::target!(robokassa_callback);
