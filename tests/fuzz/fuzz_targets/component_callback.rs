#![no_main]

fuzz_targets::target!(component_callback);
