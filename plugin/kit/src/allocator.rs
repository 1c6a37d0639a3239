//! The memory allocator of a component, for instances that live for one call or one export.
//!
//! Blocks are cut off one after another from a region that begins where the linker's data ends, so that a typical call fits in
//! the component's initial memory: growing costs the host two system calls per instance. A freed block goes to the free list of
//! its size class and is reused; adjacent blocks are never merged, because an instance is too short-lived for fragmentation to
//! matter. Sizes are rounded up by at most a quarter. The standard library's allocator takes about ten times as many
//! instructions, since it guards against fragmentation over days.

// An allocator manages raw memory, which cannot be done without unsafe code.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr::{copy_nonoverlapping, null_mut};

/// Every block's address is a multiple of this, and so are the sizes of small blocks.
const UNIT: usize = 16;
/// Sizes up to this have a class for each multiple of [`UNIT`]; larger ones have four classes for each doubling.
const SMALL_MAX: usize = 256;
const SMALL_CLASSES: usize = SMALL_MAX / UNIT;
/// Blocks of up to 16 MiB are kept for reuse; no larger ones fit within an instance's limits.
const CLASSES: usize = SMALL_CLASSES + 4 * 16;

/// A source of memory.
pub trait Source {
    /// Returns a region of at least `bytes` bytes that nobody else uses, as its begin and end; both are multiples of 16. It may
    /// begin where the last region ended. Returns `None` if the source is exhausted.
    fn more(&self, bytes: usize) -> Option<(*mut u8, *mut u8)>;
}

/// The memory of an instance: first what the linker's data leaves free, then grown pages.
#[cfg(target_arch = "wasm32")]
pub struct Instance {
    begun: std::cell::Cell<bool>,
}

#[cfg(target_arch = "wasm32")]
impl Source for Instance {
    fn more(&self, bytes: usize) -> Option<(*mut u8, *mut u8)> {
        use std::arch::wasm32::{memory_grow, memory_size};
        use std::ptr::with_exposed_provenance_mut;
        const PAGE_BYTES: usize = 64 << 10;
        unsafe extern "C" {
            // Defined by the linker: the end of the data and the stack.
            static __heap_base: u8;
        }
        if !self.begun.replace(true) {
            let base = (&raw const __heap_base).expose_provenance().next_multiple_of(UNIT);
            let end = memory_size::<0>() * PAGE_BYTES;
            if end - base >= bytes {
                return Some((with_exposed_provenance_mut(base), with_exposed_provenance_mut(end)));
            }
        }
        let pages = bytes.div_ceil(PAGE_BYTES);
        match memory_grow::<0>(pages) {
            usize::MAX => None,
            old => {
                let begin = old * PAGE_BYTES;
                Some((with_exposed_provenance_mut(begin), with_exposed_provenance_mut(begin + pages * PAGE_BYTES)))
            }
        }
    }
}

/// An allocator over a source. It is for a single thread, which is all that a component's instance has.
pub struct Memory<S> {
    state: UnsafeCell<State>,
    source: S,
}

struct State {
    /// The part of the current region that is not in use yet.
    next: *mut u8,
    end: *mut u8,
    /// Freed blocks by class. Each holds the address of the next one.
    free: [*mut u8; CLASSES],
}

#[cfg(target_arch = "wasm32")]
impl Memory<Instance> {
    /// Returns the allocator of this instance, which must have no other one.
    pub const fn of_instance() -> Self {
        Memory::new(Instance { begun: std::cell::Cell::new(false) })
    }
}

impl<S> Memory<S> {
    /// Creates an allocator. It takes memory from the source on first use.
    pub const fn new(source: S) -> Memory<S> {
        Memory { state: UnsafeCell::new(State { next: null_mut(), end: null_mut(), free: [null_mut(); CLASSES] }), source }
    }
}

// SAFETY: without atomics, an instance has a single thread.
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
unsafe impl<S> Sync for Memory<S> {}

/// Returns a size's class, and the size of every block of that class.
#[inline]
fn class(size: usize) -> (usize, usize) {
    if size <= SMALL_MAX {
        let units = size.div_ceil(UNIT);
        return (units - 1, units * UNIT);
    }
    // The class of a larger size is determined by the highest bit of the block's last offset and the two bits below it.
    let last = size - 1;
    let high = last.ilog2();
    let quarters = (last >> (high - 2)) + 1;
    (SMALL_CLASSES + 4 * (high as usize - 8) + quarters - 5, quarters << (high - 2))
}

impl State {
    /// Cuts a block off the region. Returns null if there is not enough room.
    #[inline]
    fn cut(&mut self, size: usize, align: usize) -> *mut u8 {
        let skipped = self.next.addr().wrapping_neg() & (align - 1);
        let left = self.end.addr() - self.next.addr();
        if left < skipped || left - skipped < size {
            return null_mut();
        }
        // SAFETY: both addresses are within the unused part of the region, or at its end.
        unsafe {
            let block = self.next.add(skipped);
            self.next = block.add(size);
            block
        }
    }
}

impl<S: Source> Memory<S> {
    /// Takes a region from the source and cuts a block off it.
    #[cold]
    #[inline(never)]
    fn cut_off_more(&self, state: &mut State, size: usize, align: usize) -> *mut u8 {
        // A block with a larger alignment than a region's may leave a gap before it.
        let Some(bytes) = size.checked_add(align).map(|bytes| bytes - UNIT) else { return null_mut() };
        let left = state.end.addr() - state.next.addr();
        let Some((begin, end)) = self.source.more(bytes - left.min(bytes - 1)) else { return null_mut() };
        if begin == state.end {
            state.end = end;
        } else {
            (state.next, state.end) = (begin, end);
        }
        match state.cut(size, align) {
            // The new region does not continue the last one.
            block if block.is_null() => match self.source.more(bytes) {
                Some((begin, end)) => {
                    if begin != state.end {
                        state.next = begin;
                    }
                    state.end = end;
                    state.cut(size, align)
                }
                None => null_mut(),
            },
            block => block,
        }
    }
}

// SAFETY: a block is cut off only once, from a region that nobody else uses, or is taken from the list of freed blocks. Its
// class gives its size from the layout, the same one each time.
unsafe impl<S: Source> GlobalAlloc for Memory<S> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: there is a single thread, and while the state is borrowed, the only code called is the source's, which does
        // not allocate.
        let state = unsafe { &mut *self.state.get() };
        let (class, size) = class(layout.size());
        let align = layout.align().max(UNIT);
        if align == UNIT
            && let Some(free) = state.free.get_mut(class)
            && !free.is_null()
        {
            let block = *free;
            // SAFETY: a freed block holds the address of the next one.
            *free = unsafe { block.cast::<*mut u8>().read() };
            return block;
        }
        match state.cut(size, align) {
            block if block.is_null() => self.cut_off_more(state, size, align),
            block => block,
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        let state = unsafe { &mut *self.state.get() };
        let (class, size) = class(layout.size());
        if block.wrapping_add(size) == state.next {
            state.next = block;
        } else if let Some(free) = state.free.get_mut(class) {
            // SAFETY: a block has at least 16 bytes, is aligned to 16, and is no longer in use.
            unsafe { block.cast::<*mut u8>().write(*free) };
            *free = block;
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let state = unsafe { &mut *self.state.get() };
        let (_, old) = class(layout.size());
        let (_, new) = class(size);
        if new == old {
            return block;
        }
        // The last block grows and shrinks in place.
        if block.wrapping_add(old) == state.next && state.end.addr() - block.addr() >= new {
            state.next = block.wrapping_add(new);
            return block;
        }
        // SAFETY: the caller's guarantees are those that `alloc` and `dealloc` require; both blocks hold the smaller of the two
        // sizes.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    /// A buffer that is handed out in regions of at least `at_least` bytes, with `gap` bytes between them.
    struct Buffer {
        begin: *mut u8,
        bytes: usize,
        given: Cell<usize>,
        at_least: usize,
        gap: usize,
    }

    impl Source for Buffer {
        fn more(&self, bytes: usize) -> Option<(*mut u8, *mut u8)> {
            let bytes = bytes.max(self.at_least).next_multiple_of(UNIT);
            let begin = self.given.get() + if self.given.get() == 0 { 0 } else { self.gap };
            let end = begin.checked_add(bytes).filter(|end| *end <= self.bytes)?;
            self.given.set(end);
            Some((self.begin.wrapping_add(begin), self.begin.wrapping_add(end)))
        }
    }

    const BUFFER: Layout = match Layout::from_size_align(1 << 20, 4096) {
        Ok(layout) => layout,
        Err(_) => panic!(),
    };

    fn with_memory(at_least: usize, gap: usize, run: impl FnOnce(&Memory<Buffer>)) {
        // SAFETY: the layout is not empty, and the buffer is freed once, after its last use.
        unsafe {
            let begin = std::alloc::alloc(BUFFER);
            run(&Memory::new(Buffer { begin, bytes: BUFFER.size(), given: Cell::new(0), at_least, gap }));
            std::alloc::dealloc(begin, BUFFER);
        }
    }

    #[test]
    fn every_size_has_a_class_that_holds_it_and_little_more() {
        let mut sizes: Vec<(usize, usize)> = Vec::new();
        for size in (1..5000).chain((12..=24).flat_map(|high| [(1 << high) - 1, 1 << high, (1 << high) + 1])) {
            let (class, rounded) = class(size);
            assert!(rounded >= size && rounded % UNIT == 0, "{size}: {rounded}");
            assert!(rounded < size + UNIT || rounded - size <= size / 4, "{size}: {rounded}");
            assert_eq!(super::class(rounded), (class, rounded), "{size}");
            sizes.push((class, rounded));
        }
        sizes.sort_unstable();
        sizes.dedup();
        for pair in sizes.windows(2) {
            assert!(pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1, "{pair:?}: a class has one size");
        }
        assert_eq!(class(16 << 20).0, CLASSES - 1);
    }

    #[test]
    fn the_last_block_is_given_back_and_grows_in_place() {
        with_memory(1 << 16, 0, |memory| {
            let layout = |size| Layout::from_size_align(size, 8).unwrap();
            // SAFETY: the blocks are freed with their layouts and not used afterwards.
            unsafe {
                let first = memory.alloc(layout(100));
                let last = memory.alloc(layout(100));
                assert_eq!(memory.realloc(last, layout(100), 30_000), last);
                assert_ne!(memory.realloc(first, layout(100), 200), first);
                assert_eq!(memory.alloc(layout(110)), first, "the next block of this size reuses it");
                memory.dealloc(first, layout(110));
                let again = memory.alloc(layout(112));
                assert_eq!(again, first);
            }
        });
    }

    #[test]
    fn what_there_is_not_is_null_and_nothing_is_lost() {
        with_memory(1 << 10, 16, |memory| {
            let layout = |size| Layout::from_size_align(size, 8).unwrap();
            // SAFETY: as above.
            unsafe {
                assert!(memory.alloc(layout(2 << 20)).is_null());
                assert!(memory.alloc(layout(isize::MAX as usize - 8)).is_null());
                let block = memory.alloc(layout(1000));
                block.write_bytes(7, 1000);
                assert!(memory.realloc(block, layout(1000), 2 << 20).is_null());
                assert_eq!(block.add(999).read(), 7);
                let blocks: Vec<_> =
                    std::iter::repeat_with(|| memory.alloc(layout(1000))).take_while(|block| !block.is_null()).collect();
                assert!(blocks.len() > 900, "{}", blocks.len());
            }
        });
    }

    /// A step of a program that uses memory.
    #[derive(Clone, Debug)]
    enum Step {
        Alloc(usize, u32),
        Free(prop::sample::Index),
        Resize(prop::sample::Index, usize),
    }

    fn sizes() -> impl Strategy<Value = usize> {
        prop_oneof![4 => 1..300_usize, 1 => 300..20_000_usize]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (sizes(), prop_oneof![9 => 0..5_u32, 1 => 5..10_u32]).prop_map(|(size, align)| Step::Alloc(size, align)),
            2 => any::<prop::sample::Index>().prop_map(Step::Free),
            1 => (any::<prop::sample::Index>(), sizes()).prop_map(|(at, size)| Step::Resize(at, size)),
        ];
        prop::collection::vec(step, 1..300)
    }

    struct Block {
        at: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Block {
        fn holds(&self, bytes: usize) -> bool {
            // SAFETY: the block is in use, and was filled when it was allocated.
            unsafe { std::slice::from_raw_parts(self.at, bytes) }.iter().all(|byte| *byte == self.mark)
        }
    }

    proptest! {
        #[test]
        fn blocks_are_aligned_and_keep_what_is_in_them(steps in steps(), at_least in 0..70_000_usize, gap in prop::sample::select(vec![0, 16, 4096])) {
            with_memory(at_least, gap, |memory| {
                let mut blocks: Vec<Block> = Vec::new();
                for (step, mark) in steps.iter().zip((0..=255).cycle()) {
                    // SAFETY: each block is freed or moved once, with its layout.
                    unsafe {
                        match step {
                            Step::Alloc(size, align) => {
                                let layout = Layout::from_size_align(*size, 1 << align).unwrap();
                                let at = memory.alloc(layout);
                                if !at.is_null() {
                                    assert_eq!(at.addr() % layout.align(), 0);
                                    at.write_bytes(mark, *size);
                                    blocks.push(Block { at, layout, mark });
                                }
                            }
                            Step::Free(at) if !blocks.is_empty() => {
                                let block = blocks.swap_remove(at.index(blocks.len()));
                                memory.dealloc(block.at, block.layout);
                            }
                            Step::Resize(at, size) if !blocks.is_empty() => {
                                let at = at.index(blocks.len());
                                let block = &mut blocks[at];
                                let moved = memory.realloc(block.at, block.layout, *size);
                                if !moved.is_null() {
                                    block.at = moved;
                                    assert!(block.holds(block.layout.size().min(*size)));
                                    block.layout = Layout::from_size_align(*size, block.layout.align()).unwrap();
                                    moved.write_bytes(block.mark, *size);
                                }
                            }
                            Step::Free(_) | Step::Resize(..) => {}
                        }
                    }
                    for block in &blocks {
                        assert!(block.holds(block.layout.size()), "{:?}", block.layout);
                        assert_eq!(block.at.addr() % block.layout.align(), 0);
                    }
                }
            });
        }
    }
}
