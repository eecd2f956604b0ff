//! Wakes the client's task: a notification of the kernel, index 0.

use core::ffi::{c_long, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::ffi;

/// The notification that is used; streams and message buffers of the kernel use the same, and must not be waited for by the
/// client's task.
const INDEX: core::ffi::c_ulong = 0;

/// The task that waits. There is one network, so there is one.
static TASK: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
/// There was a wake-up, perhaps before a task was known.
static WOKEN: AtomicBool = AtomicBool::new(false);

/// Wakes the client's task, from other tasks and from interrupts.
///
/// A wake-up is never lost: it ends the wait that is under way, or the next one. [`SharedClient`](crate::SharedClient) wakes the
/// task by itself; this is for flags that an application keeps elsewhere, and looks at in its turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waker;

impl Waker {
    /// Ends the wait, from a task.
    pub fn wake(self) {
        WOKEN.store(true, Ordering::SeqCst);
        let task = TASK.load(Ordering::SeqCst);
        if !task.is_null() {
            // SAFETY: `TASK` holds the handle of a task that waits here, until it does not any more (`detach`). The pointer for the
            // previous value may be null.
            unsafe { ffi::xTaskGenericNotify(task, INDEX, 0, ffi::INCREMENT, null_mut()) };
        }
    }

    /// Ends the wait, from an interrupt whose priority lets it call the kernel (`configMAX_SYSCALL_INTERRUPT_PRIORITY`).
    ///
    /// True when a task of a higher priority than the interrupted one is ready now: hand it to `portYIELD_FROM_ISR`.
    #[must_use = "portYIELD_FROM_ISR wants to know"]
    pub fn wake_from_isr(self) -> bool {
        WOKEN.store(true, Ordering::SeqCst);
        let task = TASK.load(Ordering::SeqCst);
        let mut woken: c_long = 0;
        if !task.is_null() {
            // SAFETY: as in `wake`; `woken` lives longer than the call.
            unsafe { ffi::vTaskGenericNotifyGiveFromISR(task, INDEX, &raw mut woken) };
        }
        woken != 0
    }
}

/// From now on the calling task is the one that is woken.
pub(crate) fn attach() {
    TASK.store(ffi::xTaskGetCurrentTaskHandle(), Ordering::SeqCst);
}

/// The calling task is not to be woken any more: it is about to end, or to do something else.
pub(crate) fn detach() {
    if TASK.load(Ordering::SeqCst) == ffi::xTaskGetCurrentTaskHandle() {
        TASK.store(null_mut(), Ordering::SeqCst);
    }
}

/// Sleeps for so many ticks, or until woken.
pub(crate) fn wait(ticks: u32) {
    attach();
    // Whoever comes after the look at WOKEN knows the task, and its notification ends the wait.
    if !WOKEN.load(Ordering::SeqCst) {
        ffi::ulTaskGenericNotifyTake(INDEX, 1, ticks);
    }
    WOKEN.store(false, Ordering::SeqCst);
}

/// Sleeps, tick by tick, until another task has done something, and lets the next wait end at once. Whoever calls this need not
/// be the task that is woken, so it does not become that one.
#[cfg(feature = "dns")]
pub(crate) fn wait_for(done: &AtomicBool) {
    while !done.load(Ordering::Acquire) {
        ffi::ulTaskGenericNotifyTake(INDEX, 1, 1);
    }
    WOKEN.store(true, Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    #[test]
    fn a_wake_up_ends_the_wait_that_is_under_way_and_no_other() {
        let _alone = fake::alone();
        let waiter = std::thread::spawn(|| wait(60_000));
        fake::await_waiting();
        Waker.wake();
        waiter.join().unwrap();
        wait(0);
        assert_eq!(fake::timed_out(), 1, "only the wait without a wake-up ran its time");
    }

    #[test]
    fn a_wake_up_before_there_is_a_task_ends_the_first_wait() {
        let _alone = fake::alone();
        TASK.store(null_mut(), Ordering::SeqCst);
        Waker.wake();
        wait(60_000);
        assert_eq!(fake::timed_out(), 0);
    }

    #[test]
    fn a_task_that_has_ended_is_not_woken() {
        let _alone = fake::alone();
        attach();
        detach();
        Waker.wake();
        assert!(fake::nobody_was_notified());
        // Another task does not detach the one that waits.
        attach();
        std::thread::spawn(detach).join().unwrap();
        Waker.wake();
        assert!(!fake::nobody_was_notified());
    }

    #[test]
    fn an_interrupt_wakes_as_well() {
        let _alone = fake::alone();
        let waiter = std::thread::spawn(|| wait(60_000));
        fake::await_waiting();
        assert!(Waker.wake_from_isr());
        waiter.join().unwrap();
        assert_eq!(fake::timed_out(), 0);
    }
}
