//! A heap that nobody may use while the code under test runs.
#![allow(unsafe_code)] // an allocator has no other form

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// True while the code under test runs. The targets have one thread.
static FORBIDDEN: AtomicBool = AtomicBool::new(false);

struct Watched;

#[global_allocator]
static HEAP: Watched = Watched;

// SAFETY: all of the work is the system allocator's, called with the arguments that came in.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The message of a panic is put together on the heap: let it be told.
        if FORBIDDEN.load(Ordering::Relaxed) && !std::thread::panicking() {
            FORBIDDEN.store(false, Ordering::Relaxed);
            let place = std::backtrace::Backtrace::force_capture();
            eprintln!("the code under test has allocated {} bytes\n{place}", layout.size());
            std::process::abort();
        }
        // SAFETY: as the caller of this function promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller of this function promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs code of the client: an allocation ends the process.
pub fn without<R>(work: impl FnOnce() -> R) -> R {
    FORBIDDEN.store(true, Ordering::Relaxed);
    let result = work();
    FORBIDDEN.store(false, Ordering::Relaxed);
    result
}
