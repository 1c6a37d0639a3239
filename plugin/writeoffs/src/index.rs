//! Sets of keys that number the keys in order of insertion.

/// 128 bits. The lowest bits of the first number should differ most.
pub(crate) type Key = [u64; 2];

/// Nodes are allocated in chunks of this size. A single vector could not grow: memory has no room for the old and the new copy.
const CHUNK_NODES: usize = 1024;

/// A digital search tree: each level branches on the key's next bit. Whatever the keys and their order, no path is longer than
/// a key has bits, and the tree needs no balancing. A single type for all keys keeps the compiled code small.
#[derive(Debug, Default)]
pub(crate) struct Index {
    chunks: Vec<Vec<Node>>,
    len: usize,
}

#[derive(Debug)]
struct Node {
    key: Key,
    /// The next node if the bit is 0, and if it is 1. The value 0 means none, since the first node has no parent.
    zero: usize,
    one: usize,
}

impl Index {
    /// Inserts a key. Returns its index, from 0, and whether it is new.
    pub fn add(&mut self, key: Key) -> (usize, bool) {
        let new = self.len;
        let [mut bits, mut later_bits] = key;
        let mut at = 0;
        while let Some(node) = self.chunks.get_mut(at / CHUNK_NODES).and_then(|chunk| chunk.get_mut(at % CHUNK_NODES)) {
            if node.key == key {
                return (at, false);
            }
            let next = if bits & 1 == 0 { &mut node.zero } else { &mut node.one };
            if *next == 0 {
                *next = new;
                break;
            }
            at = *next;
            bits = bits >> 1 | later_bits << 63;
            later_bits >>= 1;
        }
        let node = Node { key, zero: 0, one: 0 };
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_NODES => chunk.push(node),
            _ => self.chunks.push(vec![node]),
        }
        self.len += 1;
        (new, true)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Removes all keys. Keeps the first chunk's memory.
    pub fn clear(&mut self) {
        self.chunks.truncate(1);
        self.chunks.iter_mut().for_each(Vec::clear);
        self.len = 0;
    }
}

/// Turns a number into a key that no other number has.
pub(crate) fn number_key(number: u64) -> Key {
    // The finalizer of SplitMix64, which is a bijection.
    let mixed = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    [mixed ^ mixed >> 31, 0]
}

impl Index {
    /// Inserts a text, like [`add`](Index::add). `kind` separates sets of texts. `known` returns the text at an index.
    /// `reference` returns a key that is unique to the text; it is slow, so it is called only if the hash collides.
    pub fn add_text<'k>(
        &mut self,
        kind: u64,
        text: &str,
        known: impl Fn(usize) -> Option<&'k str>,
        reference: impl FnOnce() -> Key,
    ) -> (usize, bool) {
        // FNV-1a: collisions are rare.
        let hash =
            text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3));
        let (at, is_new) = self.add([hash, kind]);
        if is_new || known(at).is_some_and(|known| same(known, text)) { (at, is_new) } else { self.add(reference()) }
    }
}

/// Reports whether two texts are equal. `==` would compare byte by byte in WebAssembly.
#[inline(never)]
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (eights, rest) = one.as_bytes().as_chunks::<8>();
    let (other_eights, other_rest) = other.as_bytes().as_chunks::<8>();
    one.len() == other.len()
        && eights.iter().zip(other_eights).all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other))
        && rest.iter().zip(other_rest).all(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn keys_that_differ_in_any_bit_are_told_apart() {
        let bits = (0..128).map(|bit| if bit < 64 { [1 << bit, 0] } else { [0, 1 << (bit - 64)] });
        let keys: Vec<Key> = std::iter::once([0, 0]).chain(bits).collect();
        let mut index = Index::default();
        for _ in 0..2 {
            for (at, key) in keys.iter().enumerate() {
                assert_eq!(index.add(*key), (at, true));
            }
            for (at, key) in keys.iter().enumerate() {
                assert_eq!(index.add(*key), (at, false));
            }
            assert_eq!(index.len(), keys.len());
            index.clear();
        }
    }

    #[test]
    fn many_keys_are_found_again() {
        let mut index = Index::default();
        for number in 0..100_000 {
            assert_eq!(index.add(number_key(number * 4096)), (number as usize, true));
        }
        for number in 0..100_000 {
            assert_eq!(index.add(number_key(number * 4096)), (number as usize, false));
        }
    }

    #[test]
    fn texts_that_share_a_hash_are_told_apart() {
        let mut index = Index::default();
        let add = |index: &mut Index, known: &'static str| index.add_text(0, "a", |_| Some(known), || number_key(1));
        assert_eq!(add(&mut index, ""), (0, true));
        assert_eq!(add(&mut index, "a"), (0, false));
        // The hash collides with another text's, so the reference is used.
        assert_eq!(add(&mut index, "another"), (1, true));
        assert_eq!(add(&mut index, "another"), (1, false));
    }

    proptest! {
        #[test]
        fn texts_are_the_same_or_not(one in "[ab]{0,20}", other in "[ab]{0,20}") {
            prop_assert_eq!(same(&one, &other), one == other);
            prop_assert!(same(&one, &one.clone()));
        }

        #[test]
        fn it_is_a_set(keys in prop::collection::vec([0u64..8, 0u64..4], 0..200)) {
            let mut index = Index::default();
            let mut known = HashMap::new();
            for key in keys {
                let new = known.len();
                let is_new = !known.contains_key(&key);
                prop_assert_eq!(index.add(key), (*known.entry(key).or_insert(new), is_new));
            }
            prop_assert_eq!(index.len(), known.len());
        }
    }
}
