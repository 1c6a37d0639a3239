#![no_main]

fuzz_targets::target!(cloudpayments_callback);
