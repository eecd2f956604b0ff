//! A mutex of the kernel, with priority inheritance, in memory of its own.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;

use crate::ffi::{self, coracle_freertos_config};

/// Words for a `StaticSemaphore_t`: 80 bytes on 32-bit ARM with all that makes it longer.
const WORDS: usize = 24;

/// A value that one task uses at a time. Not for interrupts.
pub(crate) struct Mutex<T> {
    memory: UnsafeCell<[usize; WORDS]>,
    handle: *mut c_void,
    value: UnsafeCell<T>,
}

// SAFETY: the mutex of the kernel lets one task at a time have the value, which may go from task to task.
unsafe impl<T: Send> Sync for Mutex<T> {}
// SAFETY: the handle is for all tasks.
unsafe impl<T: Send> Send for Mutex<T> {}

impl<T> Mutex<T> {
    /// It can't be locked before [`Mutex::init`].
    pub(crate) const fn new(value: T) -> Self {
        Self { memory: UnsafeCell::new([0; WORDS]), handle: null_mut(), value: UnsafeCell::new(value) }
    }

    /// Makes the mutex of the kernel.
    ///
    /// # Safety
    /// This value stays where it is from now on.
    pub(crate) unsafe fn init(&mut self) {
        assert!(
            usize::from(coracle_freertos_config.mutex_size) <= size_of::<[usize; WORDS]>(),
            "StaticSemaphore_t is larger than coracle-freertos expects"
        );
        // SAFETY: the memory is large enough, aligned as words are, and stays.
        self.handle = unsafe { ffi::xQueueCreateMutexStatic(ffi::MUTEX, self.memory.get().cast()) };
    }

    /// Waits for the value, and uses it. `work` must not lock it again.
    pub(crate) fn lock<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: `init` has made it. Without a time limit it answers when it is taken; when the kernel has no wait without
        // limit (INCLUDE_vTaskSuspend 0), it is asked again.
        while unsafe { ffi::xQueueSemaphoreTake(self.handle, ffi::MAX_DELAY) } == 0 {}
        let _guard = Guard(self.handle);
        // SAFETY: this task has the mutex until the guard is dropped.
        work(unsafe { &mut *self.value.get() })
    }
}

/// Gives the mutex back.
struct Guard(*mut c_void);

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: this task has taken it.
        unsafe { ffi::xQueueGenericSend(self.0, core::ptr::null(), 0, 0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;

    #[test]
    fn one_at_a_time() {
        let mutex = Box::leak(Box::new(Mutex::new(0u32)));
        // SAFETY: it is leaked, so it stays.
        unsafe { mutex.init() };
        let mutex = &*mutex;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        mutex.lock(|value| {
                            let before = *value;
                            std::thread::yield_now();
                            *value = before + 1;
                        });
                    }
                });
            }
        });
        assert_eq!(mutex.lock(|value| *value), 800);
    }
}
