//! Changes of a text by its bits and bytes, whatever its syntax.

use fastrand::Rng;

use super::plan::Plan;
use crate::text::Part;

/// The bytes that are inserted between two others.
const INSERTED: [u8; 8] = [b'0', b'9', b'&', b'%', b'+', b' ', 0, 0xFF];

/// Flips each bit.
pub fn flips(part: Part, text: &[u8], name: &str) -> Vec<Plan> {
    let bits = text.iter().enumerate().flat_map(|(at, byte)| (0..8).map(move |bit| (at, *byte, bit)));
    let flip = |(at, byte, bit): (usize, u8, u32)| {
        Plan::new(format!("{name}: bit {bit} of byte {at} is flipped"), vec![(part, (at..at + 1, vec![byte ^ (1 << bit)]))])
    };
    bits.map(flip).collect()
}

/// Leaves out each byte, doubles it, exchanges it with the next, and inserts one before it.
pub fn bytes(part: Part, text: &[u8], name: &str, rng: &mut Rng) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut plan = |what: &str, at: usize, to: usize, with: Vec<u8>| {
        plans.push(Plan::new(format!("{name}: {what} at byte {at}"), vec![(part, (at..to, with))]));
    };
    for (at, byte) in text.iter().enumerate() {
        plan("a byte is left out", at, at + 1, Vec::new());
        plan("a byte is doubled", at, at, vec![*byte]);
        plan("a byte is put in", at, at, rng.choice(INSERTED).into_iter().collect());
        if let Some(next) = text.get(at + 1) {
            plan("two bytes are exchanged", at, at + 2, vec![*next, *byte]);
        }
    }
    plan("a byte is put in", text.len(), text.len(), rng.choice(INSERTED).into_iter().collect());
    plans
}

/// Truncates the text by every length, from either end.
pub fn truncations(part: Part, text: &[u8], name: &str) -> Vec<Plan> {
    let cuts = (1..=text.len()).flat_map(|length| {
        let first = Plan::new(format!("{name}: its first {length} bytes are cut off"), vec![(part, (0..length, Vec::new()))]);
        let end = text.len() - length..text.len();
        let last = Plan::new(format!("{name}: its last {length} bytes are cut off"), vec![(part, (end, Vec::new()))]);
        [first, last]
    });
    cuts.collect()
}
