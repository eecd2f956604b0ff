//! Tasks of the kernel, in memory of their own.

use core::ffi::{CStr, c_ulong, c_void};
use core::ptr::null_mut;

use crate::ffi::{self, coracle_freertos_config};

/// Words for a `StaticTask_t`, with all that makes it longer but C libraries' state for each task.
const CONTROL: usize = 64;

/// The memory of a task: its stack, of `STACK` words (4 bytes each on 32-bit processors), and what the kernel notes about it.
/// All zeros: in a `static` it lies in `.bss`.
#[derive(Debug)]
pub struct TaskMemory<const STACK: usize> {
    stack: [usize; STACK],
    control: [usize; CONTROL],
    /// The function that the task runs, and its argument.
    work: [*const c_void; 2],
}

// SAFETY: the pointers are of the task that has started, and were made from what all tasks may have (`start`).
unsafe impl<const STACK: usize> Send for TaskMemory<STACK> {}

impl<const STACK: usize> TaskMemory<STACK> {
    /// For a task that is not started yet.
    pub const NEW: Self = Self { stack: [0; STACK], control: [0; CONTROL], work: [core::ptr::null(); 2] };

    /// Starts a task that runs `body`, at once or when the scheduler starts. When `body` returns the task is deleted; its memory is
    /// not used again.
    ///
    /// # Panics
    /// When `StaticTask_t` is larger than 64 words.
    pub fn start<T: Sync>(
        &'static mut self,
        name: &CStr,
        priority: u32,
        body: fn(&'static T),
        argument: &'static T,
    ) -> Task {
        assert!(
            usize::from(coracle_freertos_config.task_size) <= size_of::<[usize; CONTROL]>(),
            "StaticTask_t is larger than coracle-freertos expects"
        );
        self.work = [body as *const c_void, core::ptr::from_ref(argument).cast()];
        // SAFETY: stack, control block and work are static, aligned as words are, and not used by others; the kernel copies the name.
        let handle = unsafe {
            ffi::xTaskCreateStatic(
                run::<T>,
                name.as_ptr(),
                STACK,
                (&raw mut self.work).cast(),
                c_ulong::from(priority),
                self.stack.as_mut_ptr(),
                self.control.as_mut_ptr().cast(),
            )
        };
        Task(handle)
    }
}

extern "C" fn run<T: 'static>(work: *mut c_void) {
    // SAFETY: `start` has handed over a pointer to what it has made of such a function and such an argument.
    unsafe {
        let [body, argument] = *work.cast::<[*const c_void; 2]>();
        let body: fn(&'static T) = core::mem::transmute(body);
        body(&*argument.cast::<T>());
    }
    crate::waker::detach();
    // SAFETY: null is the calling task.
    unsafe { ffi::vTaskDelete(null_mut()) };
}

/// Starts the scheduler; it returns only when it could not start. Call it from `main`, whose stack the interrupts have from
/// then on.
pub fn start_scheduler() {
    ffi::vTaskStartScheduler();
}

/// A task that was started.
#[derive(Clone, Copy, Debug)]
pub struct Task(*mut c_void);

// SAFETY: handles are for all tasks.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

impl Task {
    /// Bytes of its stack that were never used (`uxTaskGetStackHighWaterMark`, which `INCLUDE_uxTaskGetStackHighWaterMark`
    /// switches on). The task must not have ended.
    pub fn stack_left(self) -> usize {
        // SAFETY: the handle is that of a task that has not ended.
        unsafe { ffi::uxTaskGetStackHighWaterMark(self.0) as usize * size_of::<usize>() }
    }
}

/// Bytes of the calling task's stack that were never used.
pub fn own_stack_left() -> usize {
    Task(null_mut()).stack_left()
}

/// Lets the calling task sleep: so many milliseconds, to the next tick.
pub fn sleep(ms: u32) {
    let ticks = (u64::from(ms) * u64::from(coracle_freertos_config.tick_rate_hz)).div_ceil(1000);
    ffi::vTaskDelay(u32::try_from(ticks).unwrap_or(u32::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicU32, Ordering};
    use std::boxed::Box;

    #[test]
    fn a_task_has_its_argument() {
        static ANSWER: AtomicU32 = AtomicU32::new(0);
        let memory = Box::leak(Box::new(TaskMemory::<8>::NEW));
        memory.start(c"test", 1, |number: &'static u32| ANSWER.store(*number, Ordering::SeqCst), &42);
        while ANSWER.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(ANSWER.load(Ordering::SeqCst), 42);
    }
}
