//! An allocator that remembers the largest request of each thread, so that a test can tell whether a
//! short file made a reader reserve a large memory. Shared by the tests of the file formats.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Recorder;

#[global_allocator]
static RECORDER: Recorder = Recorder;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn record(size: usize) {
    // A thread that is ending has no such variable any more, and nothing to record.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Recorder {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        record(layout.size());
        // SAFETY: the caller's promise is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        record(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        record(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The largest request that `action` made, in bytes.
pub(crate) fn largest_allocation(action: impl FnOnce()) -> usize {
    LARGEST.set(0);
    action();
    LARGEST.get()
}
