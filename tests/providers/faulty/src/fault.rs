//! The fault of a component.

use std::hint::black_box;

/// Tests find this marker in the component's bytes and write another fault over it, so that one build makes every faulty
/// provider.
static FAULT: [u8; 32] = *b"fault:none......................";

/// Reports whether the component has this fault.
pub fn is(name: &str) -> bool {
    // `black_box` keeps the compiler from treating the bytes as constant.
    let marker: &[u8] = black_box(&FAULT);
    let rest = marker.strip_prefix(b"fault:").and_then(|marker| marker.strip_prefix(name.as_bytes()));
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == b'.'))
}
