//! The one fault that a component has.

use std::hint::black_box;

/// What a test looks for in the component's bytes and writes another fault over, so that one build makes every faulty provider.
static FAULT: [u8; 32] = *b"fault:none......................";

/// Whether the component has this fault.
pub fn is(name: &str) -> bool {
    // The compiler must not take the bytes for known.
    let marker: &[u8] = black_box(&FAULT);
    let rest = marker.strip_prefix(b"fault:").and_then(|marker| marker.strip_prefix(name.as_bytes()));
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == b'.'))
}
