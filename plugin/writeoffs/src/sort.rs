//! A sort that is small when compiled.

use std::cmp::Ordering;

/// Sorts indexes by an order in which no two are equal. The order is passed as a trait object, so that all uses share this
/// code: the standard library's sorts are compiled for each use and are large.
pub(crate) fn sort(places: &mut [usize], order: &dyn Fn(usize, usize) -> Ordering) {
    // Heapsort: in place, and O(n log n) in the worst case.
    let mut unordered = places.len() / 2;
    let mut end = places.len();
    while end > 1 {
        if unordered > 0 {
            unordered -= 1;
        } else {
            end -= 1;
            places.swap(0, end);
        }
        sink(places.get_mut(..end).unwrap_or_default(), unordered, order);
    }
}

/// Moves a heap's element down to its position.
fn sink(heap: &mut [usize], mut at: usize, order: &dyn Fn(usize, usize) -> Ordering) {
    while let Some(&[left, ref rest @ ..]) = heap.get(2 * at + 1..).filter(|children| !children.is_empty()) {
        let mut child = (2 * at + 1, left);
        if let Some(&right) = rest.first()
            && order(left, right).is_lt()
        {
            child = (2 * at + 2, right);
        }
        match heap.get(at) {
            Some(&parent) if order(parent, child.1).is_lt() => heap.swap(at, child.0),
            _ => return,
        }
        at = child.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts(keys in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut places: Vec<usize> = (0..keys.len()).collect();
            sort(&mut places, &|one, other| (keys[one], one).cmp(&(keys[other], other)));
            let mut want: Vec<usize> = (0..keys.len()).collect();
            want.sort_by_key(|at| (keys[*at], *at));
            prop_assert_eq!(places, want);
        }
    }
}
